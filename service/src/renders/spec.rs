//! What a render task really computes, as its row keeps it: frozen at submission, with a version, private to the service.

use serde::{Deserialize, Serialize};

use packshot_db::Json;
use packshot_domain::task::FaultKind;
use packshot_worker::protocol::{Failure, RenderInput};

/// The version that is written.
const VERSION: u32 = 0;

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    version: u32,
    input: T,
}

/// The stored form.
///
/// # Errors
/// When the input is no JSON; types of the contract always are.
pub(super) fn write(input: &RenderInput) -> Result<Json, serde_json::Error> {
    serde_json::to_value(Stored { version: VERSION, input })
}

/// What is to be computed.
///
/// # Errors
/// `spec.invalid`, which fails the task: another attempt would read the same.
pub(super) fn read(stored: Option<&Json>) -> Result<RenderInput, Failure> {
    let invalid = |reason: String| {
        tracing::error!("the spec of a task cannot be read: {reason}");
        let detail = "this version of Packshot cannot read what the job is to compute; submit it again";
        Failure::new(FaultKind::Input, "spec.invalid", detail)
    };
    let Some(stored) = stored else { return Err(invalid("there is none".to_owned())) };
    let version = stored.get("version").and_then(Json::as_u64);
    if version != Some(u64::from(VERSION)) {
        return Err(invalid(format!("its version is {version:?}")));
    }
    let read: Stored<RenderInput> =
        serde_json::from_value(stored.clone()).map_err(|error| invalid(error.to_string()))?;
    Ok(read.input)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_fails_at_once() {
        for stored in [None, Some(json!({})), Some(json!({"version": 1, "input": {}})), Some(json!({"version": 0}))] {
            let failure = read(stored.as_ref()).expect_err("no spec");
            assert_eq!((failure.code.as_str(), failure.fault), ("spec.invalid", FaultKind::Input), "{stored:?}");
        }
    }
}
