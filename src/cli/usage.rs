//! Wrong usage as the argument parser sees it, in the shape and the words that all errors have.

use std::error::Error as _;
use std::num::ParseIntError;

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

/// What is wrong, worded as the errors of the table of options are.
fn message(error: &clap::Error) -> String {
    let place = place(error);
    let value = all(error, ContextKind::InvalidValue).join(" ");
    let others = names(error, ContextKind::PriorArg);
    match error.kind() {
        // The parser's own text is the help.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing".to_owned(),
        ErrorKind::InvalidSubcommand => format!("there is no command `{place}`"),
        ErrorKind::UnknownArgument if place.starts_with('-') => format!("this command has no option `{place}`"),
        ErrorKind::UnknownArgument => format!("unexpected argument `{place}`"),
        ErrorKind::MissingRequiredArgument => {
            let missing = names(error, ContextKind::InvalidArg);
            format!("`{}` {} missing", missing.join("` and `"), if missing.len() > 1 { "are" } else { "is" })
        }
        ErrorKind::ArgumentConflict if others.contains(&place) => format!("`{place}` is given more than once"),
        ErrorKind::ArgumentConflict if !others.is_empty() => {
            format!("`{place}` cannot be combined with `{}`", others.join("` and `"))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("`{place}` needs a value"),
        ErrorKind::InvalidValue => format!("invalid value `{value}` for `{place}`"),
        ErrorKind::ValueValidation => format!("invalid value `{value}` for `{place}`: {}", expected(error)),
        _ => as_parsed(error),
    }
}

/// The first paragraph of the parser's text, on one line.
fn as_parsed(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let joined = lines.collect::<Vec<_>>().join(" ");
    joined.strip_prefix("error: ").unwrap_or(&joined).to_owned()
}

/// What an option takes. Of numbers the parser says what its own types lack.
fn expected(error: &clap::Error) -> String {
    let Some(why) = error.source() else { return String::new() };
    if why.is::<ParseIntError>() {
        return "expected a whole number".to_owned();
    }
    let text = why.to_string();
    let Some((_, range)) = text.rsplit_once(" is not in ") else { return text };
    match (range.split_once("..="), range.split_once("..")) {
        (Some((min, max)), _) => format!("expected a whole number from {min} to {max}"),
        (None, Some((min, _))) => format!("expected a whole number of at least {min}"),
        (None, None) => text,
    }
}

fn place(error: &clap::Error) -> String {
    let kinds = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand];
    kinds.iter().find_map(|kind| names(error, *kind).into_iter().next()).unwrap_or_default()
}

fn help(error: &clap::Error) -> String {
    let place = place(error);
    if let Some(option) = of_request(&place).filter(|_| error.kind() == ErrorKind::UnknownArgument) {
        return format!("did you mean `{option}`?");
    }
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    if let Some(close) = suggested.iter().find_map(|kind| all(error, *kind).into_iter().next()) {
        return format!("did you mean `{close}`?");
    }
    let words = all(error, ContextKind::ValidValue);
    match error.kind() {
        _ if !words.is_empty() => format!("one of {}", words.join(", ")),
        ErrorKind::ArgumentConflict => "leave out one of them".to_owned(),
        ErrorKind::MissingRequiredArgument if place == "<INPUT>" => {
            "give a .glb file, such as the one that `packshot sample bearing -o bearing.glb` writes".to_owned()
        }
        _ => "`packshot --help` lists the commands, `packshot COMMAND --help` their options".to_owned(),
    }
}

/// The option that requests call so, under its name here.
fn of_request(option: &str) -> Option<String> {
    let id = OptionId::by_name(&option.trim_start_matches('-').replace('-', "_"))?;
    Some(CommandNames.option(id)).filter(|known| known != option)
}

/// What the parser says of an error, under a heading.
fn all(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// The same, of options and arguments: by their names alone, as all errors have them.
fn names(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    let name = |text: &String| {
        if text.starts_with('-') {
            return text.split([' ', '=', '[']).next().unwrap_or(text).to_owned();
        }
        let text = text.trim_end_matches("...");
        match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            Some(inner) => format!("<{inner}>"),
            None => text.to_owned(),
        }
    };
    all(error, kind).iter().map(name).collect()
}
