//! From errors of the renderer to failures of a job.

use packshot_pipeline::error::{Error, ErrorKind, Fault};

use super::executor::AssetError;
use super::protocol::{Failure, Finding, Outcome, Rejected};
use packshot_contract::request::place;
use packshot_domain::task::FaultKind;

/// A defect.
const INTERNAL: &str = "internal_error";

/// Why a stage gave no result, or one that was not asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stopped {
    /// It was asked to stop.
    Cancelled,
    /// It cannot be done.
    Failed(Failure),
    /// It was done, and is not what was asked for.
    Rejected(Box<Rejected>),
}

impl Stopped {
    /// Why it failed; `None` if it was asked to stop.
    pub(super) fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Cancelled => None,
            Self::Failed(failure) => Some(failure),
            Self::Rejected(rejected) => Some(&rejected.failure),
        }
    }
}

impl From<Stopped> for Outcome {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Cancelled => Self::Cancelled,
            Stopped::Failed(failure) => Self::Failed(failure),
            Stopped::Rejected(rejected) => Self::Rejected(*rejected),
        }
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        if error.kind == ErrorKind::Cancelled { Self::Cancelled } else { Self::Failed(Failure::from(error)) }
    }
}

/// The codes of devices under the names that the contract has for them; all others stay as the renderer gives them.
fn code(fault: &Fault) -> &str {
    match fault.code.as_str() {
        "device.out_of_memory" => "device_out_of_memory",
        "device.lost" => "device_lost",
        "device.unavailable" => "device_unavailable",
        "internal" => INTERNAL,
        other => other,
    }
}

impl From<Error> for Failure {
    /// A lost device may be back for the next attempt. All other errors would come again, so they are not retried.
    fn from(error: Error) -> Self {
        let is_lost = error.faults.iter().any(|fault| fault.code == "device.lost");
        let fault = if is_lost { FaultKind::Infrastructure } else { FaultKind::Input };
        let finding = |fault: &Fault| Finding {
            code: code(fault).to_owned(),
            detail: fault.message.clone(),
            at: place(&fault.at),
            help: fault.help.clone(),
        };
        let mut findings: Vec<Finding> = error.faults.iter().map(finding).collect();
        // Internal details go to the log; they do not help a client.
        for finding in findings.iter_mut().filter(|finding| finding.code == INTERNAL) {
            tracing::error!(at = finding.at, "{INTERNAL}: {}", finding.detail);
            *finding =
                Failure::new(fault, INTERNAL, "internal error in the renderer; the service's log has the details")
                    .findings
                    .remove(0);
        }
        match findings.first() {
            Some(first) => Self { fault, code: first.code.clone(), detail: first.detail.clone(), findings },
            None => Self::new(fault, INTERNAL, "the renderer failed without giving a reason"),
        }
    }
}

impl From<AssetError> for Failure {
    fn from(error: AssetError) -> Self {
        match error {
            AssetError::Missing(_) => Self::new(FaultKind::Input, "asset_missing", error.to_string()),
            AssetError::Away(_) => Self::infrastructure("unavailable", error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lost_device_is_worth_another_attempt() {
        for (kind, code, expect) in [
            (ErrorKind::Input, "glb.truncated", (FaultKind::Input, "glb.truncated")),
            (ErrorKind::Unmapped, "unmapped_parts", (FaultKind::Input, "unmapped_parts")),
            (ErrorKind::Device, "device.out_of_memory", (FaultKind::Input, "device_out_of_memory")),
            (ErrorKind::Device, "device.lost", (FaultKind::Infrastructure, "device_lost")),
            (ErrorKind::Internal, "internal", (FaultKind::Input, "internal_error")),
        ] {
            let failure = Failure::from(Error::new(kind, Fault::new(code, "why")));
            assert_eq!((failure.fault, failure.code.as_str()), expect);
            let is_told = failure.detail == "why" && failure.findings[0].detail == "why";
            assert_eq!(is_told, code != "internal", "what went wrong inside stays inside");
        }
        assert_eq!(Stopped::from(Error::new(ErrorKind::Cancelled, Fault::new("cancelled", ""))), Stopped::Cancelled);
    }
}
