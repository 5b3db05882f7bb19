//! Wrong usage as the argument parser sees it, in the shape that all errors have.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use packshot::error::Fault;
use packshot::plan::{Names, OptionId};

use super::failure::{Exit, Failure};
use super::table::CommandNames;

/// What the parser complains about.
pub(crate) fn failure(error: &clap::Error) -> Failure {
    let fault = Fault::new(code(error.kind()), message(error)).at(place(error)).help(help(error));
    Failure::new(Exit::Usage, fault)
}

fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UnknownArgument => "usage.unknown_option",
        ErrorKind::InvalidSubcommand => "usage.unknown_command",
        ErrorKind::ArgumentConflict => "usage.conflict",
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "usage.missing",
        _ => "usage.invalid_value",
    }
}

/// The first paragraph of the parser's text, on one line.
fn message(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // Its text is the help.
        return "a command is missing".to_owned();
    }
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty() && !line.starts_with('['));
    let joined = lines.collect::<Vec<_>>().join(" ");
    joined.strip_prefix("error: ").unwrap_or(&joined).to_owned()
}

fn place(error: &clap::Error) -> String {
    let kinds = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand];
    kinds.iter().find_map(|kind| first(error.get(*kind)?)).unwrap_or_default()
}

fn help(error: &clap::Error) -> String {
    if let Some(option) = of_request(&place(error)).filter(|_| error.kind() == ErrorKind::UnknownArgument) {
        return format!("did you mean `{option}`?");
    }
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    if let Some(close) = suggested.iter().find_map(|kind| first(error.get(*kind)?)) {
        return format!("did you mean `{close}`?");
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(words)) if !words.is_empty() => format!("one of {}", words.join(", ")),
        _ => "`packshot --help` lists the commands, `packshot COMMAND --help` their options".to_owned(),
    }
}

/// The option that requests call so, under its name here.
fn of_request(option: &str) -> Option<String> {
    let id = OptionId::by_name(&option.trim_start_matches('-').replace('-', "_"))?;
    Some(CommandNames.option(id)).filter(|known| known != option)
}

fn first(value: &ContextValue) -> Option<String> {
    match value {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}
