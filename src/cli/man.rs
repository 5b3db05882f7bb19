//! `packshot man`: the manual as man pages, one for each command.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use super::files;

/// Arguments of `man`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot man -o ~/.local/share/man/man1/")]
pub(crate) struct ManArgs {
    /// The folder that the pages are written to, one for each command; it is made if it is not there. Without it the
    /// page of `packshot` itself goes to stdout
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs) -> Result<(), Failure> {
    let mut command = super::command();
    // Names of subcommands are whole, as in `packshot-map-init`.
    command.build();
    let Some(folder) = &args.output else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut page);
        return rendered.map_err(|reason| files::not_written("the page", &reason)).and_then(|()| files::print(&page));
    };
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    written.map_err(|reason| files::not_written(&folder.display().to_string(), &reason))
}
