//! Members that the service does not have. Using one is refused by name: it is neither ignored nor called unknown.

use crate::wire::members::Members;

/// Options of the command that the service does not have yet.
const NOT_YET: [&str; 9] = ["variant", "animation", "time", "look", "dof", "focus", "template", "shot", "lut"];

/// Options of the command that name files or threads of one machine, with what the service has instead.
const OF_ONE_MACHINE: [(&str, &str); 6] = [
    ("threads", "the service divides its processors itself"),
    ("repeat", "send the request again with `Cache-Control: no-cache`"),
    ("report", "every job has one: `links.report`"),
    ("material_map", "send its entries as `materials.parts`"),
    ("dump_shot", "every job has one: `/api/v1/renders/{id}/shot.json`"),
    ("output", "every job lists its files: `result.files`"),
];

const CODE: &str = "option_not_available";

/// Reports what of it was used, and gives the names of known members whose value is of it: they are not to be read again.
pub(super) fn refuse(members: &mut Members<'_>) -> Vec<&'static str> {
    for name in NOT_YET {
        if members.non_null(name).is_some() {
            members.report(name, CODE, "this version does not have it yet");
        }
    }
    for (name, instead) in OF_ONE_MACHINE {
        if members.non_null(name).is_some() {
            members.report(name, CODE, format!("it is an option of the command: {instead}"));
        }
    }
    let mut refused = Vec::new();
    if members.value("aovs").and_then(serde_json::Value::as_array).is_some_and(|aovs| !aovs.is_empty()) {
        members.report("aovs", CODE, "this version writes no more layers yet");
        refused.push("aovs");
    }
    refused
}
