//! Members and values of a render request that a later version brings. Using one is refused by name: it is neither ignored
//! nor called unknown.

use serde_json::Value;

use crate::wire::members::Members;

/// Members that have no meaning in this version, whatever their value.
const MEMBERS: [&str; 19] = [
    "frame_count",
    "fps",
    "direction",
    "start_deg",
    "mode",
    "views",
    "variant",
    "animation",
    "time",
    "look",
    "dof",
    "focus",
    "template",
    "shot",
    "threads",
    "repeat",
    "report",
    "material_map",
    "dump_shot",
];

/// Values of known members.
const VALUES: [(&str, &[&str]); 1] = [("kind", &["turntable", "views"])];

/// Formats of result files.
const FORMATS: [&str; 6] = ["jpg", "webp", "mp4", "zip", "avif", "tiff"];

const CODE: &str = "option_not_available";

/// Reports what of it was used, and gives the names of known members whose value is of it: they are not to be read again.
pub(super) fn refuse(members: &mut Members<'_>) -> Vec<&'static str> {
    for name in MEMBERS {
        if members.non_null(name).is_some() {
            members.report(name, CODE, "this version does not have it yet");
        }
    }
    let mut refused = Vec::new();
    for (name, words) in VALUES {
        let word = members.value(name).and_then(Value::as_str);
        if let Some(word) = word.filter(|word| words.contains(word)) {
            members.report(name, CODE, format!("this version does not have {word:?} yet"));
            refused.push(name);
        }
    }
    if members.value("aovs").and_then(Value::as_array).is_some_and(|aovs| !aovs.is_empty()) {
        members.report("aovs", CODE, "this version writes no more layers yet");
        refused.push("aovs");
    }
    refused
}

/// Whether a format is one that a later version brings.
pub(super) fn is_later_format(word: &str) -> bool {
    FORMATS.contains(&word)
}
