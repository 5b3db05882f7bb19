//! What is wrong with options, as findings about members of a request.

use packshot_pipeline::plan::{OptionFault, PlainNames};
use packshot_renderer::diagnostic::option_of_place;

use crate::problem::{Finding, code};

/// A fault of an option as a finding.
pub(crate) fn finding(fault: &OptionFault) -> Finding {
    let message = fault.message.text(&PlainNames);
    let detail = if fault.help.is_empty() { message } else { format!("{message}: {}", fault.help.text(&PlainNames)) };
    Finding::new(format!("/{}{}", fault.option.spec().name, fault.at), code(&fault.kind), detail)
}

/// The place of a library's error in a request: the pointer of an option, or the place as it is.
pub fn place(at: &str) -> String {
    match option_of_place(at) {
        Some((name, _)) => format!("/{name}"),
        None => at.to_owned(),
    }
}
