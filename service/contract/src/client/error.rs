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
    #[error("answered {status} without saying why; is a Packshot service at this address?")]
    Foreign {
        /// The status of the answer.
        status: u16,
    },
    /// The service cannot be reached, or the connection was lost.
    #[error("the service cannot be reached: {}", root_of(.0))]
    Unreachable(#[from] reqwest::Error),
    /// The address of the service is not one.
    #[error("this is no address of a service: {0}")]
    Address(String),
    /// An answer of another version of the service.
    #[error("the answer is not as expected: {0}")]
    NotUnderstood(String),
    /// The events of a job cannot be followed.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A file is not what its address says.
    #[error("the file arrived damaged")]
    Damaged,
}

/// What lies at the bottom of an error: "connection refused" says more than "error sending request".
fn root_of(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
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

    /// Whether the same may succeed a little later: the service is away, starting, stopping or busy.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused { retry_after, .. } => retry_after.is_some(),
            Self::Foreign { status } => matches!(status, 502..=504),
            Self::Unreachable(error) => !error.is_builder() && !error.is_decode(),
            Self::Address(_) | Self::NotUnderstood(_) | Self::Stream(_) | Self::Damaged => false,
        }
    }

    /// When the service wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Pauses between attempts: 0.5 s, then each twice the one before up to 10 s, until their sum reaches `total`.
pub(super) fn pauses(total: Duration) -> impl Iterator<Item = Duration> {
    let mut next = Duration::from_millis(500);
    let mut left = total;
    std::iter::from_fn(move || {
        let pause = next.min(left);
        next = (next * 2).min(Duration::from_secs(10));
        left = left.saturating_sub(pause);
        (!pause.is_zero()).then_some(pause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let all: Vec<u128> = pauses(Duration::from_secs(20)).map(|pause| pause.as_millis()).collect();
        assert_eq!(all, [500, 1000, 2000, 4000, 8000, 4500]);
    }
}
