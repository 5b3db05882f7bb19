//! The accept loop: connections in, requests to the router, and limits on slow clients.
//!
//! axum's own loop has no limit on the time for a request's head and none on the number of connections. This one has
//! both: a connection that is silent for too long before its next request is closed, and when as many connections are
//! open as are allowed, further ones wait in the operating system's queue until one ends. One address may have a share
//! of them; connections beyond that are closed immediately, so that one address cannot keep all others waiting.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::addresses::{Addresses, Seat};
use super::metrics::names;
use super::patience::{PatientBody, PatientStream};

/// How long to wait before trying again when the process is out of file descriptors or memory.
const PAUSE_WHEN_EXHAUSTED: Duration = Duration::from_millis(50);
/// The largest head of a request.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Limits on connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections served at one time.
    pub max_connections: usize,
    /// Of these, connections of one address.
    pub max_connections_per_address: usize,
    /// Addresses that may have as many as there are.
    pub is_exempt: fn(IpAddr) -> bool,
    /// How long the head of a request may take, and how long a kept connection may wait for its next one.
    pub header_timeout: Duration,
    /// How long the service waits for a client that sends a body or reads an answer; each KiB restores a second.
    pub stall_timeout: Duration,
    /// How long the rest of a refused body is read, so that its client sees the reason.
    pub linger_timeout: Duration,
    /// How long connections may take to end once the loop stops.
    pub close_timeout: Duration,
}

/// Serves connections until `stop`; then accepts no more, lets running requests end, and cuts off what is left after
/// [`Limits::close_timeout`].
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(limits.max_connections));
    let addresses = Addresses::new(limits.max_connections_per_address);
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = next(&listener, &slots) => accepted,
        };
        let (stream, peer, slot) = match accepted {
            Ok(accepted) => accepted,
            Err(reason) => {
                tracing::debug!(%reason, "a connection was not accepted");
                if !is_about_one_connection(&reason) {
                    tokio::time::sleep(PAUSE_WHEN_EXHAUSTED).await;
                }
                continue;
            }
        };
        let seat = match admit(&addresses, &limits, peer.ip()) {
            Ok(seat) => seat,
            Err(TooMany) => {
                tracing::debug!(%peer, "a connection was closed: its address has as many as it may have");
                metrics::counter!(names::HTTP_CONNECTIONS_REFUSED_TOTAL).increment(1);
                continue;
            }
        };
        // Answers and events are written whole; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let request = PatientBody::new(request, limits.stall_timeout, limits.linger_timeout);
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(PatientStream::new(stream, limits.stall_timeout)), service);
        let connection = connections.watch(connection);
        metrics::gauge!(names::HTTP_CONNECTIONS).increment(1.0);
        tokio::spawn(async move {
            // A connection that ends early is not an error of the service.
            if let Err(reason) = connection.await {
                tracing::trace!(%reason, %peer, "a connection ended early");
            }
            metrics::gauge!(names::HTTP_CONNECTIONS).decrement(1.0);
            drop((seat, slot));
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.close_timeout, connections.shutdown()).await.is_err() {
        tracing::debug!("connections that did not end in time are cut off");
    }
}

/// The next connection, once there is room for one.
async fn next(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // The semaphore is never closed.
    let slot = slots.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}

/// An address has as many connections as it may have.
struct TooMany;

/// The place of a connection among those of its address, where they are counted.
fn admit(addresses: &Addresses, limits: &Limits, address: IpAddr) -> Result<Option<Seat>, TooMany> {
    if (limits.is_exempt)(address.to_canonical()) {
        return Ok(None);
    }
    addresses.seat(address).map(Some).ok_or(TooMany)
}

/// Whether an error of accepting is about one client and not about the machine.
fn is_about_one_connection(reason: &io::Error) -> bool {
    matches!(
        reason.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::{Instant, timeout};

    const LIMITS: Limits = Limits {
        max_connections: 2,
        max_connections_per_address: 1,
        is_exempt: |address| address.is_loopback(),
        header_timeout: Duration::from_millis(200),
        stall_timeout: Duration::from_millis(300),
        linger_timeout: Duration::from_secs(1),
        close_timeout: Duration::from_secs(5),
    };
    const SOON: Duration = Duration::from_secs(5);

    async fn refuse() -> axum::response::Response {
        axum::http::Response::builder().status(413).body(Body::empty()).expect("a response")
    }

    async fn start() -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        start_with(LIMITS).await
    }

    async fn start_with(limits: Limits) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let router = Router::new()
            .route("/", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string()))
            .route("/slow", get(async || tokio::time::sleep(Duration::from_millis(600)).await))
            .route("/echo", post(async |body: String| body))
            .route("/refused", post(refuse));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let stop = CancellationToken::new();
        let running = tokio::spawn(serve(listener, router, limits, stop.clone()));
        (address, stop, running)
    }

    async fn ask(address: SocketAddr, text: &str) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        // A connection that is closed at once gives no answer.
        let sent = stream.write_all(text.as_bytes()).await;
        let mut answer = vec![0; 4096];
        let read = timeout(SOON, stream.read(&mut answer)).await.expect("an answer in time");
        let n = sent.and(read).unwrap_or(0);
        (stream, String::from_utf8_lossy(&answer[..n]).into_owned())
    }

    #[tokio::test]
    async fn requests_know_their_peer_and_slow_heads_are_cut_off() {
        let (address, _stop, _running) = start().await;
        let (mut kept, answer) = ask(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("127.0.0.1"), "{answer}");
        let mut slow = TcpStream::connect(address).await.expect("connected");
        slow.write_all(b"GET / HT").await.expect("sent");
        for stream in [&mut slow, &mut kept] {
            let mut rest = Vec::new();
            timeout(SOON, stream.read_to_end(&mut rest)).await.expect("closed by the server").expect("readable");
        }
    }

    #[tokio::test]
    async fn stalled_bodies_are_cut_off_and_slow_answers_are_not() {
        let (address, _stop, _running) = start().await;
        let stalled = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nab";
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(stalled.as_bytes()).await.expect("sent");
        let mut rest = Vec::new();
        // Closed with or without an answer that says so; a reset counts as closed.
        let _ = timeout(SOON, stream.read_to_end(&mut rest)).await.expect("closed by the server");
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
        let (_, answer) = ask(address, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "waiting for the handler is no stall: {answer}");
    }

    #[tokio::test]
    async fn trickles_are_cut_off() {
        let (address, _stop, _running) = start().await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n").await.expect("sent");
        let began = Instant::now();
        let (mut answer, mut trickle) = stream.split();
        let trickling = async {
            // No pause is as long as the limit.
            while trickle.write_all(b"x").await.is_ok() {
                tokio::time::sleep(LIMITS.stall_timeout / 3).await;
            }
        };
        let mut rest = Vec::new();
        tokio::select! {
            () = trickling => {}
            _ = answer.read_to_end(&mut rest) => {}
        }
        assert!(began.elapsed() < SOON && !rest.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&rest));
    }

    #[tokio::test]
    async fn a_refusal_reaches_a_client_that_sends_on_and_its_connection_stays() {
        let (address, _stop, _running) = start().await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        // More than the buffers on the way hold, twice.
        let body = vec![0; 16 << 20];
        for _ in 0..2 {
            let head = format!("POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await.expect("sent");
            stream.write_all(&body).await.expect("taken to its end");
            let mut answer = vec![0; 4096];
            let n = timeout(SOON, stream.read(&mut answer)).await.expect("an answer in time").expect("readable");
            assert!(answer[..n].starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer[..n]));
        }
    }

    #[tokio::test]
    async fn a_refused_body_without_an_end_is_cut_off() {
        let (address, _stop, _running) = start().await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream
            .write_all(b"POST /refused HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await
            .expect("sent");
        let began = Instant::now();
        while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
            assert!(began.elapsed() < SOON, "still taken");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(began.elapsed() >= LIMITS.linger_timeout, "cut off after {:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_refused_body_that_waits_to_be_asked_for_is_not_asked_for() {
        let (address, _stop, _running) = start().await;
        let head = "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
        let (_stream, answer) = ask(address, head).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }

    #[tokio::test]
    async fn more_connections_than_allowed_wait_for_their_turn() {
        let (address, _stop, _running) = start().await;
        let began = Instant::now();
        let held = [TcpStream::connect(address).await, TcpStream::connect(address).await];
        let (_, answer) = ask(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(began.elapsed() >= Duration::from_millis(150), "it was served before a slot was free");
        drop(held);
    }

    #[tokio::test]
    async fn one_address_cannot_take_every_place() {
        let (address, _stop, _running) = start_with(Limits { is_exempt: |_| false, ..LIMITS }).await;
        let (held, answer) = ask(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let mut refused = TcpStream::connect(address).await.expect("connected");
        let mut rest = Vec::new();
        // Closed or reset, at once: well before the time that a silent connection has.
        let _ = timeout(LIMITS.header_timeout / 2, refused.read_to_end(&mut rest)).await.expect("closed by the server");
        assert_eq!(rest, [0; 0]);
        drop(held);
        let began = Instant::now();
        while !ask(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.1.starts_with("HTTP/1.1 200") {
            assert!(began.elapsed() < SOON, "its place is not free again");
        }
    }

    #[tokio::test]
    async fn the_end_lets_requests_end() {
        let (address, stop, running) = start().await;
        let asked = tokio::spawn(ask(address, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
        tokio::time::sleep(Duration::from_millis(100)).await;
        stop.cancel();
        let (_, answer) = asked.await.expect("asked");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        timeout(SOON, running).await.expect("ends").expect("no panic");
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }
}
