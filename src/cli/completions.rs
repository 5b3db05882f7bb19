//! `packshot completions`: a script that completes commands and options in a shell.

use clap::Args;
use clap_complete::Shell;

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
    clap_complete::generate(args.shell, &mut super::command(), "packshot", &mut script);
    files::print(&script)
}
