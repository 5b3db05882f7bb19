//! The command line: one file per subcommand, and what they share.
//!
//! Input: arguments. Output: files, one JSON object on stdout where `--json` asks for it, everything else on stderr,
//! and an exit code. Here live paths, files and signals; the way from bytes to a picture is the library's.

use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

#[cfg(feature = "service")]
mod admin;
mod args;
mod cache;
#[cfg(feature = "service")]
mod client;
mod completions;
mod console;
mod devices;
mod failure;
mod files;
mod gltf;
mod interrupt;
mod kit;
mod later;
mod man;
mod map;
mod materials;
mod places;
mod preflight;
mod preset;
mod progress;
mod render;
mod sample;
mod sequence;
#[cfg(feature = "service")]
mod serve;
mod table;
mod template;
mod turntable;
mod usage;
mod version;
mod views;
#[cfg(feature = "service")]
mod worker_child;

use failure::{Exit, Failure};
use packshot::plan::Kind;
use table::PictureOptions;

/// Product pictures from CAD exports: a native path tracer for GLB files, on the GPU or the CPU.
#[derive(Debug, Parser)]
#[command(name = "packshot", bin_name = "packshot", version = version::TEXT, max_term_width = 110)]
#[command(after_help = "Example: packshot render --sample bearing -o bearing.png")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    console: ConsoleArgs,
}

/// How much is said on stderr.
#[derive(Args, Clone, Copy, Debug)]
struct ConsoleArgs {
    /// Log to stderr: -v for what happens, -vv for details (or set RUST_LOG)
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Console")]
    verbose: u8,
    /// Show no progress bar
    #[arg(short, long, global = true, help_heading = "Console")]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Render pictures of GLB files
    Render(Box<render::RenderArgs>),
    /// Render a product from several sides, one picture each
    Views(Box<views::ViewsArgs>),
    /// Render a product turning once around: a movie, or a folder of frames
    Turntable(Box<turntable::TurntableArgs>),
    /// Report which part gets which material and what is odd about a file, without rendering
    Preflight(preflight::PreflightArgs),
    /// Material maps: which part gets which material
    #[command(subcommand, after_help = "Example: packshot map init bearing.glb -o map.json")]
    Map(map::MapCommand),
    /// List the devices that can render, and which one `auto` chooses
    Devices(devices::DevicesArgs),
    /// The material library
    #[command(subcommand, after_help = "Example: packshot materials list --query steel")]
    Materials(materials::MaterialsCommand),
    /// Shot templates: how a kind of picture is taken
    #[command(subcommand, after_help = "Example: packshot template list")]
    Template(template::TemplateCommand),
    /// Write a built-in sample product as GLB
    Sample(sample::SampleArgs),
    /// Run the render service: jobs over HTTP
    #[cfg(feature = "service")]
    Serve(serve::ServeArgs),
    #[cfg(feature = "service")]
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    #[cfg(feature = "service")]
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// A worker in a process of its own, started by the service
    #[cfg(feature = "service")]
    #[command(hide = true)]
    WorkerChild,
    /// Trials of a device, as the GPU kit runs them
    #[command(subcommand, hide = true)]
    Kit(kit::KitCommand),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Write the manual as man pages
    Man(man::ManArgs),
}

/// Runs the command that the process was called with.
pub(crate) fn run() -> ExitCode {
    console::report_panics();
    let outcome = std::panic::catch_unwind(|| {
        let Some(cli) = parse(std::env::args_os())? else { return Ok(()) };
        if !cli.command.has_its_own_log() {
            console::start_logging(cli.console.verbose);
        }
        dispatch(cli)
    });
    match outcome {
        Ok(Ok(())) => Exit::Done.into(),
        Ok(Err(failure)) => {
            console::print_failure(&failure);
            failure.exit.into()
        }
        // The hook has said what happened.
        Err(_) => Exit::Internal.into(),
    }
}

fn dispatch(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Render(args) => render::run(&args, cli.console.quiet),
        Command::Views(args) => views::run(&args, cli.console.quiet),
        Command::Turntable(args) => turntable::run(&args, cli.console.quiet),
        Command::Preflight(args) => preflight::run(&args),
        Command::Map(command) => map::run(&command),
        Command::Devices(args) => devices::run(&args, cli.console.quiet),
        Command::Kit(command) => kit::run(&command, cli.console.quiet),
        Command::Materials(command) => materials::run(&command),
        Command::Template(command) => template::run(&command),
        Command::Sample(args) => sample::run(&args),
        #[cfg(feature = "service")]
        Command::Serve(args) => serve::run(&args, cli.console.verbose),
        #[cfg(feature = "service")]
        Command::Admin(command) => admin::run(&command),
        #[cfg(feature = "service")]
        Command::Client(command) => client::run(&command, cli.console.quiet),
        #[cfg(feature = "service")]
        Command::WorkerChild => worker_child::run(),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

impl Command {
    /// Whether it starts logging by itself, once it knows how.
    fn has_its_own_log(&self) -> bool {
        #[cfg(feature = "service")]
        if matches!(self, Self::Serve(_)) {
            return true;
        }
        false
    }
}

/// The command without the options in its help that are of other kinds, and with what arrives with later steps, hidden:
/// using either can be told from a typing error.
fn command() -> clap::Command {
    let of_kinds = [("render", Kind::Still), ("views", Kind::Views), ("turntable", Kind::Turntable)];
    let command = of_kinds.into_iter().fold(Cli::command(), |command, (name, kind)| {
        command.mut_subcommand(name, |command| PictureOptions::hide_others(command, kind))
    });
    later::add_to(command)
}

/// The command to run; `None` when help or version was asked for, and has been printed.
fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Option<Cli>, Failure> {
    let arguments: Vec<std::ffi::OsString> = arguments.into_iter().collect();
    // `packshot help --help` is help about help.
    let is_about_help = arguments.get(1..).is_some_and(|given| given == ["help", "--help"] || given == ["help", "-h"]);
    let arguments = if is_about_help { arguments[..2].to_vec() } else { arguments };
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(help) if !help.use_stderr() => return files::print(help.to_string().as_bytes()).map(|()| None),
        Err(error) => return Err(usage::failure(&error)),
    };
    later::refuse(&matches)?;
    Cli::from_arg_matches(&matches).map(Some).map_err(|error| usage::failure(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        command().debug_assert();
    }
}
