//! Why a job failed, as clients see it: rows keep the code, the sentence and the place, and the way out follows from
//! the code.

use super::Code;
use packshot_contract::job::JobError;
use packshot_db::jobs;
use packshot_renderer::import::ImportErrorCode;

/// The failure of a job or a task.
pub(crate) fn shown(error: jobs::JobError) -> JobError {
    let jobs::JobError { code, detail, at } = error;
    JobError { help: help(&code).map(str::to_owned), code, detail, at }
}

/// What to do about a failure with this code; `None` where that depends on more than the code.
pub(crate) fn help(code: &str) -> Option<&'static str> {
    match code {
        "unmapped_parts" => Some("name their materials in `materials`, or set `on_unmapped` to `magenta`"),
        "output_too_large" => Some("ask for fewer pictures, pixels or formats"),
        "device_out_of_memory" => Some(Code::DeviceOutOfMemory.help()),
        "event_corrupt" => Some(Code::EventCorrupt.help()),
        "event_gap" => Some(Code::EventGap.help()),
        _ => ImportErrorCode::by_name(code).map(ImportErrorCode::help),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_has_the_way_out_of_its_code() {
        let error = jobs::JobError {
            code: "glb.header".to_owned(),
            detail: "no GLB".to_owned(),
            at: Some("byte 0".to_owned()),
        };
        let shown = shown(error);
        assert_eq!((shown.code.as_str(), shown.at.as_deref()), ("glb.header", Some("byte 0")));
        assert!(shown.help.is_some_and(|help| help.starts_with("give a binary glTF 2.0 file")));
        assert_eq!(help("device_out_of_memory"), Some(Code::DeviceOutOfMemory.help()));
        assert_eq!(help("shot.range"), None);
    }
}
