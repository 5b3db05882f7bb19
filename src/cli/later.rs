//! Commands that arrive with later steps of the project. Using one is wrong usage that says so, and not a
//! typing error.

use clap::{Arg, ArgMatches, Command};

use super::failure::Failure;

/// Commands with the step that brings them.
const COMMANDS: [(&str, &str); 1] = [("worker", "scale-out")];

/// Commands of the service, where this build does without it.
#[cfg(not(feature = "service"))]
const LEFT_OUT: [&str; 4] = ["serve", "admin", "client", "verify"];
#[cfg(feature = "service")]
const LEFT_OUT: [&str; 0] = [];

/// Adds them all, hidden.
pub(crate) fn add_to(command: Command) -> Command {
    let hidden = |name: &'static str| {
        let rest = Arg::new("rest").num_args(..).allow_hyphen_values(true).trailing_var_arg(true);
        Command::new(name).hide(true).disable_help_flag(true).arg(rest)
    };
    let commands = COMMANDS.into_iter().map(|(name, _)| name).chain(LEFT_OUT).map(hidden);
    command.subcommands(commands)
}

/// Refuses what was used of them.
pub(crate) fn refuse(matches: &ArgMatches) -> Result<(), Failure> {
    if let Some((name, step)) = COMMANDS.iter().find(|(name, _)| matches.subcommand_name() == Some(name)) {
        return Err(not_available(&format!("`packshot {name}`"), name, step));
    }
    if let Some(name) = LEFT_OUT.iter().find(|name| matches.subcommand_name() == Some(name)) {
        let help = "use a build with the cargo feature `service`, which is on by default";
        return Err(Failure::usage("not_available", format!("`packshot {name}` is not in this build"), *name, help));
    }
    Ok(())
}

/// Wrong usage for now: `what` comes with `step`.
pub(crate) fn not_available(what: &str, at: &str, step: &str) -> Failure {
    let help = format!("it is planned, as part of \"{step}\"");
    Failure::usage("not_available", format!("{what} is not available yet"), at, help)
}
