//! What can go wrong between a client and the service.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::RETRY_AFTER;

use super::stream::StreamError;
use crate::problem::Problem;

/// Why the service did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The service refused, and says why.
    #[error("{}", .problem.detail)]
    Refused {
        /// Its answer.
        problem: Box<Problem>,
        /// When it may be asked again.
        retry_after: Option<Duration>,
    },
    /// Something answered that is not the service.
    #[error("the server answered {status} without a reason; is there a Packshot service at this address?")]
    Foreign {
        /// The status of the answer.
        status: u16,
    },
    /// The service cannot be reached, or the connection was lost.
    #[error("the service cannot be reached: {}", root_of(.0))]
    Unreachable(#[from] reqwest::Error),
    /// The address of the service is not one.
    #[error("this is not the address of a service: {0}")]
    Address(String),
    /// The key is not one.
    #[error("the key has characters that a key cannot have")]
    Key,
    /// An answer of another version of the service.
    #[error("the answer could not be understood: {0}")]
    NotUnderstood(String),
    /// The service closed a stream of events before what it follows was over, as it does when it is stopped.
    #[error("the event stream ended before what it follows did")]
    StreamEnded,
    /// The events of a job cannot be followed.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A file does not match its address.
    #[error("the file arrived damaged")]
    Damaged,
}

/// The root cause where the address begins with https, and the service has no TLS.
const SPEAKS_HTTP: &str = "it speaks http there, not https";

/// The root cause of an error: "connection refused" says more than "error sending request".
fn root_of(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    // What the TLS library says of an answer in plain text.
    if text.contains("InvalidContentType") { SPEAKS_HTTP.to_owned() } else { text }
}

impl ClientError {
    pub(super) async fn of_answer(answer: Response) -> Self {
        let status = answer.status().as_u16();
        let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = header.map(Duration::from_secs);
        match answer.json().await {
            Ok(problem) => Self::Refused { problem, retry_after },
            Err(_) => Self::Foreign { status },
        }
    }

    /// Whether the request may succeed a little later: the service cannot be reached, or is starting, stopping or busy.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused { retry_after, .. } => retry_after.is_some(),
            Self::Foreign { status } => matches!(status, 502..=504),
            // An answer that breaks off is an error of decoding its body to the HTTP library. What an answer says is
            // not decoded there.
            Self::Unreachable(error) => !error.is_builder() && !error.is_redirect() && root_of(error) != SPEAKS_HTTP,
            Self::StreamEnded => true,
            Self::Address(_) | Self::Key | Self::NotUnderstood(_) | Self::Stream(_) | Self::Damaged => false,
        }
    }

    /// When the service asks to be called again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
