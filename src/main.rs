//! The `packshot` command: pictures of products from GLB files, at the command line.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
