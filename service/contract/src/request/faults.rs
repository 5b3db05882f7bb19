//! What is wrong with options, as findings about members of a request.

use packshot_pipeline::plan::{FaultKind, Names, OptionFault, OptionId};
use packshot_renderer::diagnostic::option_of_place;

use crate::problem::Finding;

/// How requests name options.
#[derive(Clone, Copy, Debug)]
pub struct RequestNames;

impl Names for RequestNames {
    fn option(&self, id: OptionId) -> String {
        id.spec().name.to_owned()
    }

    fn with(&self, id: OptionId, value: &str) -> String {
        format!("{}: {value}", id.spec().name)
    }
}

/// A fault of an option as a finding.
pub(super) fn finding(fault: &OptionFault) -> Finding {
    let message = fault.message.said(&RequestNames);
    let detail = if fault.help.is_empty() { message } else { format!("{message}: {}", fault.help.said(&RequestNames)) };
    Finding::new(format!("/{}{}", fault.option.spec().name, fault.at), code(&fault.kind), detail)
}

/// The code of a kind of mistakes.
pub(super) fn code(kind: &FaultKind) -> &str {
    match kind {
        FaultKind::Type => "wrong_type",
        FaultKind::Range => "out_of_range",
        FaultKind::Word => "unknown_value",
        FaultKind::Duplicate => "duplicate",
        FaultKind::Missing => "missing",
        FaultKind::Conflict => "conflicting_members",
        FaultKind::TooLarge => "image_too_large",
        FaultKind::Named(code) => code,
    }
}

/// What a place in a library's error is called in a request: the pointer of an option, or the place as it is.
pub fn place(at: &str) -> String {
    match option_of_place(at) {
        Some((name, _)) => format!("/{name}"),
        None => at.to_owned(),
    }
}
