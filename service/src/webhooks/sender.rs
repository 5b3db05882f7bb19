//! Sends one message to one receiver: signed, to addresses that were checked, without following anything.
//!
//! The host of a message is resolved here, all its addresses are checked, and the connection goes to one of those that
//! were checked: between the check and the connection nothing is resolved again. Connections are not kept, so that
//! every attempt does this. Of the answer only the head is read.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::address::{Refused, Rules, host_address};
use packshot_contract::webhook::signature::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign};
use packshot_domain::network::Network;
use packshot_domain::time::Timestamp;
use packshot_domain::webhook::{AttemptError, WebhookSecret, is_blocked};

/// How long an attempt may take in all.
pub const TIME_MAX: Duration = Duration::from_secs(15);
/// How long connecting may take.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// How many names are looked up at the same time.
const LOOKUPS_MAX: usize = 16;

/// How a name becomes addresses.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// How long an attempt may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// In all.
    pub in_all: Duration,
    /// To connect.
    pub to_connect: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_all: TIME_MAX, to_connect: CONNECT_TIME_MAX }
    }
}

/// A message for a receiver.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where it goes.
    pub url: String,
    /// Its id, the same in every attempt.
    pub id: String,
    /// When this attempt is made.
    pub at: Timestamp,
    /// Its body.
    pub body: String,
    /// What signs it, the newest first.
    pub secrets: Vec<WebhookSecret>,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// How long it took.
    pub took: Duration,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// Why it failed; `None`: it did not.
    pub error: Option<AttemptError>,
    /// How long the receiver asks to wait.
    pub retry_after: Option<Duration>,
}

/// Sends messages. Clones share it.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    limits: Limits,
    allowed: Allowed,
}

/// The networks that are open, which the resolver of the client needs too: they are the installation's, so that all
/// attempts have the same.
type Allowed = Arc<RwLock<Vec<Network>>>;

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// One of the addresses of a host must not be connected to.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the address {0} is not one of the public Internet")]
struct Blocked(IpAddr);

/// Resolves a name, and gives its addresses only if all of them may be connected to.
struct Checked {
    lookup: Lookup,
    allowed: Allowed,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.lookup)(name.as_str().to_owned());
        let allowed = self.allowed.read().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            let found = found.await?;
            if let Some(address) = found.iter().find(|address| is_blocked(**address, &allowed)) {
                return Err(Blocked(*address).into());
            }
            // The client puts the port in.
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// The resolver of the machine. A lookup holds a thread until it is answered, even if nobody waits for it any more, and
/// files are read on the same threads: so there are few at a time, and the others wait within their attempt.
fn of_machine() -> Lookup {
    let places = Arc::new(Semaphore::new(LOOKUPS_MAX));
    Arc::new(move |name| {
        let places = places.clone();
        Box::pin(async move {
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            let lookup = tokio::spawn(async move {
                let found = tokio::net::lookup_host((name, 0)).await;
                drop(place);
                Ok(found?.map(|address| address.ip()).collect())
            });
            lookup.await.map_err(io::Error::other)?
        })
    })
}

impl Sender {
    /// With the resolver of the machine and the limits of the contract.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        Self::with(of_machine(), Limits::default())
    }

    /// With another resolver, or other limits.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn with(lookup: Lookup, limits: Limits) -> Result<Self, reqwest::Error> {
        // Whoever installed another one keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let allowed = Allowed::default();
        let client = Client::builder()
            .dns_resolver(Arc::new(Checked { lookup, allowed: allowed.clone() }))
            .redirect(Policy::none())
            .no_proxy()
            .http1_only()
            .pool_max_idle_per_host(0)
            .connect_timeout(limits.to_connect)
            .user_agent(concat!("packshot/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, limits, allowed })
    }

    /// Makes one attempt.
    pub(super) async fn send(&self, message: &Message, rules: &Rules) -> Sent {
        *self.allowed.write().unwrap_or_else(PoisonError::into_inner) = rules.allowed.clone();
        let begun = Instant::now();
        let done = timeout(self.limits.in_all, self.attempt(message, rules)).await;
        let (status, error, retry_after) = done.unwrap_or((None, Some(AttemptError::Timeout), None));
        Sent { took: begun.elapsed(), status, error, retry_after }
    }

    async fn attempt(&self, message: &Message, rules: &Rules) -> (Option<u16>, Option<AttemptError>, Option<Duration>) {
        let url = match rules.check(&message.url) {
            Ok(url) => url,
            // The settings have changed since it was saved.
            Err(reason) => {
                tracing::warn!("nothing is delivered to the address of a webhook: {reason}");
                return (None, Some(refused(&reason)), None);
            }
        };
        // What is no name is not resolved.
        if host_address(&url).is_some_and(|address| is_blocked(address, &rules.allowed)) {
            return (None, Some(AttemptError::AddressBlocked), None);
        }
        match self.posted(url, message).await {
            Ok((status, headers)) => {
                let asked = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
                let retry_after = asked.then(|| retry_after(&headers, message.at)).flatten();
                let error = match status {
                    _ if status.is_success() => None,
                    _ if status.is_redirection() => Some(AttemptError::Redirect),
                    _ => Some(AttemptError::HttpStatus),
                };
                (Some(status.as_u16()), error, retry_after)
            }
            Err(error) => (None, Some(failed(&error)), None),
        }
    }

    /// The head of the answer. Its body is not read: the connection is closed.
    async fn posted(&self, url: Url, message: &Message) -> Result<(StatusCode, HeaderMap), reqwest::Error> {
        let timestamp = u64::try_from(message.at.unix_ms() / 1_000).unwrap_or(0);
        let signature = sign(&message.id, timestamp, message.body.as_bytes(), &message.secrets);
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(ID_HEADER, &message.id)
            .header(TIMESTAMP_HEADER, timestamp)
            .header(SIGNATURE_HEADER, signature)
            .body(message.body.clone());
        let answer = request.send().await?;
        Ok((answer.status(), answer.headers().clone()))
    }
}

fn refused(reason: &Refused) -> AttemptError {
    match reason {
        Refused::Blocked(_) | Refused::Port(_) | Refused::Scheme(_) => AttemptError::AddressBlocked,
        Refused::Unreadable | Refused::TooLong | Refused::Parts => AttemptError::ConnectFailed,
    }
}

/// Why there was no answer.
fn failed(error: &reqwest::Error) -> AttemptError {
    let mut causes = std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| error.source());
    let found = causes.find_map(|cause| match cause {
        cause if cause.is::<Blocked>() => Some(AttemptError::AddressBlocked),
        cause if is_of_tls(cause) => Some(AttemptError::TlsFailed),
        _ => None,
    });
    tracing::debug!("a webhook was not reached: {error:?}");
    found.unwrap_or(if error.is_timeout() { AttemptError::Timeout } else { AttemptError::ConnectFailed })
}

/// Whether an error is one of TLS, which comes within one of the connection, or more than one.
fn is_of_tls(cause: &(dyn Error + 'static)) -> bool {
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.is::<rustls::Error>() || inner.is_some_and(|inner| is_of_tls(inner))
}

/// How long a receiver asks to wait: in seconds, or until a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| Timestamp::of_http_date(text).map(|until| until.since(now)))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn rules() -> Rules {
        Rules { allow_http: true, allowed: vec!["127.0.0.0/8".parse().expect("a network")] }
    }

    fn message(url: String) -> Message {
        let secrets = vec![WebhookSecret::generate().expect("randomness")];
        let at = "2026-11-20T10:00:00Z".parse().expect("a time");
        Message { url, id: "msg_1".to_owned(), at, body: "{}".to_owned(), secrets }
    }

    /// Names that have these addresses, one list after the other; the last stays.
    fn names(lists: Vec<Vec<&'static str>>) -> Lookup {
        let lists = Arc::new(Mutex::new(lists));
        Arc::new(move |_| {
            let mut lists = lists.lock().expect("no panic");
            let now = if lists.len() > 1 { lists.remove(0) } else { lists[0].clone() };
            Box::pin(async move { Ok(now.iter().map(|text| text.parse().expect("an address")).collect()) })
        })
    }

    /// A receiver that answers with some bytes, and counts its connections. What it reads stays on the connection,
    /// which it keeps open.
    async fn receiver(answer: &'static [u8]) -> (u16, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let _ = socket.read(&mut request).await;
                    let _ = socket.write_all(answer).await;
                    // A body that never ends, until the sender closes the connection.
                    while !answer.is_empty() && socket.write_all(b"x").await.is_ok() {}
                    let _ = socket.read(&mut request).await;
                });
            }
        });
        (port, seen)
    }

    fn sender(lookup: Lookup) -> Sender {
        let limits = Limits { in_all: Duration::from_millis(400), to_connect: Duration::from_millis(200) };
        Sender::with(lookup, limits).expect("a sender")
    }

    #[tokio::test]
    async fn n66_a_name_that_also_means_a_private_address_is_not_connected_to() {
        let (port, seen) = receiver(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        let url = format!("http://hook.example:{port}/");
        let strict = Rules { allow_http: true, allowed: Vec::new() };
        for lists in [
            vec![vec!["127.0.0.1"]],
            vec![vec!["93.184.216.34", "127.0.0.1"]],
            vec![vec!["::ffff:127.0.0.1"]],
            vec![vec!["2606:2800::1", "fd00::1"]],
        ] {
            let sent = sender(names(lists)).send(&message(url.clone()), &strict).await;
            assert_eq!((sent.status, sent.error), (None, Some(AttemptError::AddressBlocked)));
        }
        assert_eq!(seen.load(Ordering::SeqCst), 0, "no connection");
        // One that is public first and private later: every attempt looks again.
        let rebinding = sender(names(vec![vec!["127.0.0.1"], vec!["10.0.0.1"]]));
        let first = rebinding.send(&message(url.clone()), &rules()).await;
        assert_eq!((first.status, first.error), (Some(204), None), "an open network");
        let second = rebinding.send(&message(url), &rules()).await;
        assert_eq!(second.error, Some(AttemptError::AddressBlocked));
        assert_eq!(seen.load(Ordering::SeqCst), 1);
    }

    /// Set for the process that has a proxy in its environment.
    const BEHIND_PROXY: &str = "PACKSHOT_TEST_BEHIND_PROXY";

    #[tokio::test]
    async fn proxies_of_the_environment_are_not_used() {
        if let Ok(url) = std::env::var(BEHIND_PROXY) {
            let sent = sender(names(vec![vec!["127.0.0.1"]])).send(&message(url), &rules()).await;
            assert_eq!((sent.status, sent.error), (Some(204), None));
            return;
        }
        let (port, seen) = receiver(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        let (proxy, of_proxy) = receiver(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
        let proxy = format!("http://127.0.0.1:{proxy}");
        let mut again = tokio::process::Command::new(std::env::current_exe().expect("this test"));
        again.args(["--exact", "webhooks::sender::tests::proxies_of_the_environment_are_not_used"]);
        again.env(BEHIND_PROXY, format!("http://hook.example:{port}/"));
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            again.env(name, &proxy);
        }
        let output = again.output().await.expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert_eq!((seen.load(Ordering::SeqCst), of_proxy.load(Ordering::SeqCst)), (1, 0));
    }

    #[tokio::test]
    async fn n62_receivers_that_do_not_end_are_left() {
        assert_eq!((TIME_MAX, CONNECT_TIME_MAX), (Duration::from_secs(15), Duration::from_secs(5)));
        assert_eq!((Limits::default().in_all, Limits::default().to_connect), (TIME_MAX, CONNECT_TIME_MAX));
        let (silent, _) = receiver(b"").await;
        let own = sender(names(vec![vec!["127.0.0.1"]]));
        let sent = own.send(&message(format!("http://hook.example:{silent}/")), &rules()).await;
        assert_eq!((sent.status, sent.error), (None, Some(AttemptError::Timeout)));
        assert!(sent.took >= Duration::from_millis(400) && sent.took < Duration::from_secs(4), "{:?}", sent.took);
        let patient = Sender::with(names(vec![vec!["127.0.0.1"]]), Limits::default()).expect("a sender");
        let sent = patient.send(&message(format!("http://hook.example:{silent}/")), &rules()).await;
        assert_eq!((sent.status, sent.error), (None, Some(AttemptError::Timeout)));
        assert!((14..16).contains(&sent.took.as_secs()), "{:?}", sent.took);
        let (endless, _) = receiver(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n").await;
        let sent = own.send(&message(format!("http://127.0.0.1:{endless}/")), &rules()).await;
        assert_eq!((sent.status, sent.error), (Some(200), None), "the status counts");
    }

    #[tokio::test]
    async fn n59_n60_n61_answers_say_what_follows() {
        let own = sender(names(vec![vec!["127.0.0.1"]]));
        for (answer, status, error, retry_after) in [
            (&b"HTTP/1.1 429 Slow\r\nRetry-After: 600\r\n\r\n"[..], 429, Some(AttemptError::HttpStatus), Some(600)),
            (
                b"HTTP/1.1 503 Away\r\nRetry-After: Fri, 20 Nov 2026 10:10:00 GMT\r\n\r\n",
                503,
                Some(AttemptError::HttpStatus),
                Some(600),
            ),
            (b"HTTP/1.1 500 No\r\nRetry-After: 600\r\n\r\n", 500, Some(AttemptError::HttpStatus), None),
            (b"HTTP/1.1 503 Away\r\nRetry-After: soon\r\n\r\n", 503, Some(AttemptError::HttpStatus), None),
            (b"HTTP/1.1 410 Gone\r\n\r\n", 410, Some(AttemptError::HttpStatus), None),
            (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n", 302, Some(AttemptError::Redirect), None),
            (b"HTTP/1.1 202 Accepted\r\n\r\n", 202, None, None),
        ] {
            let (port, _) = receiver(answer).await;
            let sent = own.send(&message(format!("http://hook.example:{port}/")), &rules()).await;
            assert_eq!((sent.status, sent.error), (Some(status), error));
            assert_eq!(sent.retry_after, retry_after.map(Duration::from_secs), "{status}");
        }
        let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound").port();
        let sent = own.send(&message(format!("http://127.0.0.1:{nobody}/")), &rules()).await;
        assert_eq!(sent.error, Some(AttemptError::ConnectFailed));
        let (port, _) = receiver(b"this is no TLS\r\n").await;
        let sent = own.send(&message(format!("https://hook.example:{port}/")), &rules()).await;
        assert_eq!(sent.error, Some(AttemptError::TlsFailed));
    }
}
