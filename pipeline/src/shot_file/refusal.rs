//! What is wrong with a shot, as an error with codes, places and ways out.

use packshot_json::{Fault as JsonFault, FaultKind};

use super::Version;
use crate::error::{Error, ErrorKind, Fault};

/// Members of version 2 that version 1 does not have.
const OF_VERSION_TWO: [&str; 20] = [
    "aperture",
    "center_m",
    "denoise_with",
    "half_angle_deg",
    "library",
    "lines",
    "look",
    "lut",
    "oidn_quality",
    "pose",
    "priority",
    "rotate_deg",
    "rotation_x_deg",
    "smooth_deg",
    "surface",
    "sweep",
    "textures",
    "turntable",
    "variant",
    "views",
];

/// What an entry of `/parts` looks like.
const LIKE_A_PART: &str = "write entries such as {\"part\": \"Ring\", \"material\": \"Steel\"}";

/// An error with everything that is wrong with a shot.
pub(super) fn refused(faults: Vec<JsonFault>, version: Option<Version>) -> Error {
    let fault = |JsonFault { at, kind, message }: JsonFault| {
        let code = match kind {
            FaultKind::Type => "shot.type".to_owned(),
            FaultKind::Range | FaultKind::Word => "shot.range".to_owned(),
            FaultKind::Missing => "shot.missing".to_owned(),
            FaultKind::Conflict | FaultKind::Duplicate => "shot.conflict".to_owned(),
            FaultKind::UnknownMember => "shot.unknown_member".to_owned(),
            FaultKind::Named(name) => format!("shot.{name}"),
        };
        let is_later =
            version == Some(Version::One) && at.rsplit('/').next().is_some_and(|n| OF_VERSION_TWO.contains(&n));
        let is_earlier = version == Some(Version::Two) && at == "/film/filter_glossy";
        let help = match code.as_str() {
            "shot.unknown_member" if is_later => format!("it needs the schema {}", Version::Two),
            "shot.unknown_member" if is_earlier => format!("it belongs to {} only: remove it", Version::One),
            "shot.type" if at == "/parts" && version == Some(Version::Two) => LIKE_A_PART.to_owned(),
            "shot.unknown_member" => "remove it, or correct its name: docs/shot.md has all members".to_owned(),
            "shot.missing" if at == "/schema" => {
                "a shot file says which schema it has; `--dump-shot` writes one, and docs/shot.md says what is in it"
                    .to_owned()
            }
            "shot.syntax" => "correct the JSON in that line".to_owned(),
            // The others say what is expected.
            _ => String::new(),
        };
        Fault::new(code, message).at(if at.is_empty() { "/".to_owned() } else { at }).help(help)
    };
    Error { kind: ErrorKind::Input, faults: faults.into_iter().map(fault).collect() }
}
