//! `packshot completions`: a script that completes commands and options in a shell.

use clap::builder::PossibleValuesParser;
use clap::{Args, Command};
use clap_complete::Shell;
use packshot::plan::OptionId;
use packshot::plan::table::TABLE;
use packshot::template::BUILTIN;

use super::failure::Failure;
use super::files;

/// Arguments of `completions`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot completions bash > ~/.local/share/bash-completion/completions/packshot")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut with_values(super::command()), "packshot", &mut script);
    files::print(&script)
}

/// The command with the words that its options take, which are read by the table of options and not by clap.
fn with_values(command: Command) -> Command {
    let complete = |command: Command| {
        TABLE.iter().fold(command, |command, spec| {
            let words = match spec.id {
                OptionId::Template => BUILTIN.iter().map(|(name, _)| *name).collect(),
                _ => spec.takes.words(),
            };
            let has_it = command.get_arguments().any(|arg| arg.get_id() == spec.name);
            match has_it && !words.is_empty() {
                true => command.mut_arg(spec.name, |arg| arg.value_parser(PossibleValuesParser::new(words))),
                false => command,
            }
        })
    };
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, complete))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_completed() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut with_values(crate::cli::command()), "packshot", &mut script);
            let script = String::from_utf8(script).expect("text");
            for word in ["three_point", "hero_dark", "six_view", "blender-5", "autocare"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
