//! A receiver on the machine itself, that answers as it is told and keeps what it got.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::app::PATIENCE;

/// How it answers a message.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// With a status.
    Status(u16),
    /// With a status and a header.
    With(u16, &'static str, String),
    /// Not at all.
    Never,
}

/// A message that came.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn event(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    /// The signatures, each with whether it is by one of these secrets.
    pub(crate) fn signed_by(&self, secrets: &[&str]) -> Vec<Option<usize>> {
        let signed =
            [self.header("webhook-id").as_bytes(), b".", self.header("webhook-timestamp").as_bytes(), b".", &self.body]
                .concat();
        let by =
            |signature: &str| secrets.iter().position(|secret| signature == format!("v1,{}", hmac(secret, &signed)));
        self.header("webhook-signature").split(' ').map(by).collect()
    }
}

/// HMAC-SHA256 by hand (RFC 2104), so that what signs is not what checks.
fn hmac(secret: &str, signed: &[u8]) -> String {
    let mut key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
    assert!(key.len() <= 64);
    key.resize(64, 0);
    let pad = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([&pad(0x36)[..], signed].concat());
    STANDARD.encode(Sha256::digest([&pad(0x5c)[..], &inner[..]].concat()))
}

#[derive(Debug, Default)]
struct Seen {
    replies: VecDeque<Reply>,
    /// What follows when those are used up.
    otherwise: Option<Reply>,
    got: Vec<Got>,
}

/// The receiver.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receiver(Arc<Mutex<Seen>>);

impl Receiver {
    /// One that takes everything.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One that always answers so.
    pub(crate) fn that(otherwise: Reply) -> Self {
        let own = Self::new();
        own.seen(|seen| seen.otherwise = Some(otherwise));
        own
    }

    fn seen<T>(&self, read: impl FnOnce(&mut Seen) -> T) -> T {
        read(&mut self.0.lock().expect("nothing panicked"))
    }

    /// How it answers the next messages.
    pub(crate) fn replies(&self, replies: impl IntoIterator<Item = Reply>) {
        self.seen(|seen| seen.replies = replies.into_iter().collect());
    }

    /// How it answers from now on.
    pub(crate) fn becomes(&self, otherwise: Reply) {
        self.seen(|seen| seen.otherwise = Some(otherwise));
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.seen(|seen| seen.got.clone())
    }

    /// The messages, once there are so many.
    pub(crate) async fn when(&self, n: usize) -> Vec<Got> {
        let begun = std::time::Instant::now();
        loop {
            let got = self.got();
            if got.len() >= n {
                return got;
            }
            assert!(begun.elapsed() < PATIENCE, "only {} of {n} came", got.len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Serves it, and gives its address.
    pub(crate) async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(took).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/hook")
    }
}

async fn took(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let reply = receiver.seen(|seen| {
        seen.got.push(Got { headers, body });
        seen.replies.pop_front().or_else(|| seen.otherwise.clone()).unwrap_or(Reply::Status(204))
    });
    let plain = Response::builder();
    match reply {
        Reply::Status(status) => plain.status(status).body(Body::empty()),
        Reply::With(status, name, value) => plain.status(status).header(name, value).body(Body::empty()),
        Reply::Never => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            plain.body(Body::empty())
        }
    }
    .expect("an answer")
}
