//! Commands and options that arrive with later steps of the project. Using one is wrong usage that says so, and not a
//! typing error.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::failure::Failure;

/// Commands with the step that brings them.
const COMMANDS: [(&str, &str); 8] = [
    ("serve", "service"),
    ("admin", "service"),
    ("worker", "service"),
    ("client", "service"),
    ("views", "shots"),
    ("turntable", "shots"),
    ("template", "shots"),
    ("bench", "speed"),
];

/// Options of `render` with whether they take a value, and the step that brings them.
const RENDER_OPTIONS: [(&str, bool, &str); 9] = [
    ("aov", true, "materials"),
    ("variant", true, "materials"),
    ("animation", true, "materials"),
    ("time", true, "materials"),
    ("look", true, "materials"),
    ("shadow-catcher", false, "shots"),
    ("dof", true, "shots"),
    ("focus", true, "shots"),
    ("template", true, "shots"),
];

/// Adds them all, hidden.
pub(crate) fn add_to(command: Command) -> Command {
    let commands = COMMANDS.map(|(name, _)| {
        let rest = Arg::new("rest").num_args(..).allow_hyphen_values(true).trailing_var_arg(true);
        Command::new(name).hide(true).disable_help_flag(true).arg(rest)
    });
    let options = RENDER_OPTIONS.map(|(name, takes_value, _)| {
        let arg = Arg::new(name).long(name).hide(true);
        if takes_value { arg.num_args(0..=1).action(ArgAction::Append) } else { arg.action(ArgAction::SetTrue) }
    });
    command.subcommands(commands).mut_subcommand("render", |render| render.args(options))
}

/// Refuses what was used of them.
pub(crate) fn refuse(matches: &ArgMatches) -> Result<(), Failure> {
    if let Some((name, step)) = COMMANDS.iter().find(|(name, _)| matches.subcommand_name() == Some(name)) {
        return Err(not_available(&format!("`packshot {name}`"), name, step));
    }
    let Some(render) = matches.subcommand_matches("render") else { return Ok(()) };
    let used = |name: &str| render.value_source(name) == Some(ValueSource::CommandLine);
    match RENDER_OPTIONS.iter().find(|(name, ..)| used(name)) {
        Some((name, _, step)) => Err(not_available(&format!("`--{name}`"), &format!("--{name}"), step)),
        None => Ok(()),
    }
}

/// Wrong usage for now: `what` comes with `step`.
pub(crate) fn not_available(what: &str, at: &str, step: &str) -> Failure {
    let help = format!("it comes with the step \"{step}\" of the project");
    Failure::usage("not_available", format!("{what} is not available yet"), at, help)
}
