//! The command line: one file per subcommand, and what they share.
//!
//! Input: arguments. Output: files, one JSON object on stdout where `--json` asks for it, everything else on stderr,
//! and an exit code. Here live paths, files and signals; the way from bytes to a picture is the library's.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

#[cfg(feature = "service")]
mod admin;
mod args;
mod bench;
mod cache;
#[cfg(feature = "service")]
mod client;
mod columns;
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
#[cfg(feature = "service")]
mod program_child;
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
#[cfg(feature = "service")]
mod verify;
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
    /// Show no progress bar, and no line about the result
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
    /// Say what made a picture, and prove that it is still what was made
    #[cfg(feature = "service")]
    Verify(Box<verify::VerifyArgs>),
    /// Measure how fast pictures are rendered, beside Cycles, Mitsuba and LuxCore
    Bench(Box<bench::BenchArgs>),
    /// Write a built-in sample product as GLB
    Sample(sample::SampleArgs),
    /// Run the render service: jobs over HTTP
    #[cfg(feature = "service")]
    Serve(serve::ServeArgs),
    #[cfg(feature = "service")]
    #[command(subcommand, after_help = "Example: packshot admin create-key --name shop --scope renders:write")]
    Admin(admin::AdminCommand),
    #[cfg(feature = "service")]
    #[command(subcommand, after_help = "Example: packshot client submit bearing.glb --watch -o bearing.png")]
    Client(client::ClientCommand),
    /// A worker in a process of its own, started by the service
    #[cfg(feature = "service")]
    #[command(hide = true)]
    WorkerChild,
    /// The supervisor of a program that the service runs, started by the service
    #[cfg(feature = "service")]
    #[command(hide = true)]
    ProgramChild,
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
        Command::Map(command) => map::run(&command, cli.console.quiet),
        Command::Devices(args) => devices::run(&args, cli.console.quiet),
        Command::Kit(command) => kit::run(&command, cli.console.quiet),
        Command::Materials(command) => materials::run(&command, cli.console.quiet),
        Command::Template(command) => template::run(&command),
        #[cfg(feature = "service")]
        Command::Verify(args) => verify::run(&args),
        Command::Bench(args) => bench::run(&args, cli.console.quiet),
        Command::Sample(args) => sample::run(&args),
        #[cfg(feature = "service")]
        Command::Serve(args) => serve::run(&args, cli.console.verbose),
        #[cfg(feature = "service")]
        Command::Admin(command) => admin::run(&command),
        #[cfg(feature = "service")]
        Command::Client(command) => client::run(&command, cli.console.quiet),
        #[cfg(feature = "service")]
        Command::WorkerChild => worker_child::run(),
        #[cfg(feature = "service")]
        Command::ProgramChild => program_child::run(),
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
fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Cli>, Failure> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let root = command();
    let is_about_help = is_about_help(&root, arguments.get(1..).unwrap_or_default());
    let n = arguments.len() - usize::from(is_about_help);
    let matches = match root.try_get_matches_from(&arguments[..n]) {
        Ok(matches) => matches,
        Err(help) if !help.use_stderr() => return files::print(help.to_string().as_bytes()).map(|()| None),
        Err(error) => return Err(usage::failure(&error, command(), &arguments)),
    };
    later::refuse(&matches)?;
    let wrong = |error: clap::Error| usage::failure(&error, command(), &arguments);
    Cli::from_arg_matches(&matches).map(Some).map_err(wrong)
}

/// Whether help about the command `help` is asked for, of `packshot` itself or of a group of commands: it is the help.
fn is_about_help(command: &clap::Command, given: &[OsString]) -> bool {
    let [groups @ .., help, flag] = given else { return false };
    let group = groups.iter().try_fold(command, |command, name| command.find_subcommand(name));
    help == "help" && (flag == "--help" || flag == "-h") && group.is_some_and(clap::Command::has_subcommands)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a line as a shell reads them, up to where its output goes.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut is_quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '\'' => is_quoted = !is_quoted,
                ' ' if !is_quoted => words.push(String::new()),
                c => words.last_mut().expect("there is one from the beginning").push(c),
            }
        }
        words.into_iter().take_while(|word| word != ">").collect()
    }

    /// Fails unless the help of a command, and of each below it, ends with an example of it that can be given as it is.
    fn expect_examples(command: &clap::Command, called: &str) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let example = help.lines().last().and_then(|line| line.strip_prefix("Example: "));
        let example = example.unwrap_or_else(|| panic!("`{called}` has no example: {help}"));
        let rest = example.strip_prefix(called);
        assert!(rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')), "`{called}`: {example}");
        match parse(words(example).into_iter().map(OsString::from)) {
            Ok(Some(_)) => {}
            wrong => panic!("`{example}`: {wrong:?}"),
        }
        for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            expect_examples(command, &format!("{called} {}", command.get_name()));
        }
    }

    #[test]
    fn every_help_ends_with_an_example_that_is_a_valid_command() {
        expect_examples(&command(), "packshot");
    }

    #[test]
    fn help_about_help_is_help_of_the_group() {
        let command = command();
        let is_about =
            |line: &str| is_about_help(&command, &words(line).into_iter().map(OsString::from).collect::<Vec<_>>());
        assert!(is_about("help --help") && is_about("help -h") && is_about("map help --help"));
        assert!(!is_about("render help --help") && !is_about("help") && !is_about("map init --help"));
    }

    #[test]
    fn the_definitions_are_sound() {
        command().debug_assert();
    }
}
