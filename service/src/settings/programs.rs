//! Programs of the settings as clients see them: who may see settings need not know what runs on the machine.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::config::Executors;

/// Executors with their kinds.
pub(super) fn shown_executors(executors: &Executors) -> Json {
    let shown = executors.iter().map(|(name, executor)| (name.clone(), json!({"kind": executor.kind()})));
    Json::Object(shown.collect())
}

/// The name of a program, without its folder and its arguments.
pub(super) fn shown_program(command: &[String]) -> Option<String> {
    Some(Path::new(command.first()?).file_name()?.to_string_lossy().into_owned())
}
