//! `packshot serve`: settings from all sources, logs, and the service until it is asked to stop.

use std::path::PathBuf;

use clap::Args;
use packshot::error::Fault;
use packshot_service::config::{ConfigError, Settings, Sources};
use packshot_service::server::{self, ServeError};
use tokio::runtime::{Builder, Runtime};

use super::failure::{Exit, Failure};
use super::{cache, console, files, version};

mod log;
mod terminal;

/// Arguments of `serve`.
#[derive(Args, Debug)]
#[command(
    after_help = "Every setting can also be given in the TOML file of --config, or in a variable: PACKSHOT_ and its \
    name in upper case. `packshot serve --check-config` lists them all.\n\n\
    Example: packshot serve --listen 127.0.0.1:8080"
)]
pub(crate) struct ServeArgs {
    /// Address and port [default: 127.0.0.1:8080]; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Folder for the database and all files [default: the platform's data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Settings file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the settings in effect and where each comes from, then exit
    #[arg(long)]
    check_config: bool,
    /// Render on threads of this process (inline) or in child processes (process) [default: inline]
    #[arg(long, value_name = "WHERE")]
    workers: Option<String>,
    /// PostgreSQL database [default: SQLite in the data folder]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// auto, cpu, gpu, or part of an adapter's name [default: gpu, with a warning when there is none]
    #[arg(long, value_name = "WHICH")]
    device: Option<String>,
    /// CPU threads of a render [default: all]
    #[arg(long, value_name = "N")]
    threads: Option<String>,
    /// Log format: text (in a terminal a line for each job, warnings and errors; -v for more) or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl ServeArgs {
    fn flags(&self) -> Vec<(&'static str, &'static str, String)> {
        let all = [
            ("listen", "--listen", &self.listen),
            ("data", "--data", &self.data),
            ("workers", "--workers", &self.workers),
            ("database_url", "--database-url", &self.database_url),
            ("render_device", "--device", &self.device),
            ("threads", "--threads", &self.threads),
            ("log_format", "--log-format", &self.log_format),
        ];
        all.into_iter().filter_map(|(key, flag, value)| Some((key, flag, value.clone()?))).collect()
    }
}

pub(crate) fn run(args: &ServeArgs, verbose: u8) -> Result<(), Failure> {
    let settings = settings(args.flags(), args.config.as_deref())?;
    if args.check_config {
        return files::print(settings.in_effect.to_string().as_bytes());
    }
    log::start(verbose, settings.log_format);
    allow_many_connections();
    let runtime = runtime()?;
    runtime.block_on(server::run(settings, cache::store(), version::program()))?;
    // A driver may still be busy on its thread, but everything is stored.
    runtime.shutdown_background();
    Ok(())
}

/// The settings of this process.
pub(crate) fn settings(
    flags: Vec<(&'static str, &'static str, String)>,
    config: Option<&std::path::Path>,
) -> Result<Settings, Failure> {
    let settings = Sources::of_process(flags, config).and_then(|sources| Settings::from_sources(&sources))?;
    settings.warnings.iter().for_each(|warning| console::warn(warning));
    Ok(settings)
}

/// A runtime on several threads, for a command that waits for others.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    built(Builder::new_multi_thread())
}

/// A runtime on this thread alone. A signal reaches all that wait for it before any of them goes on.
pub(crate) fn runtime_of_this_thread() -> Result<Runtime, Failure> {
    built(Builder::new_current_thread())
}

fn built(mut builder: Builder) -> Result<Runtime, Failure> {
    builder.enable_all().build().map_err(|reason| {
        Failure::new(Exit::Internal, Fault::new("internal", format!("no threads can be started: {reason}")))
    })
}

/// To the operating system a connection is a file, and many systems allow only a few by default.
fn allow_many_connections() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(reason) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%reason, "the limit on open files could not be raised");
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self { exit: Exit::Usage, faults: error.faults }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        let exit = match &error {
            ServeError::Internal(_) => Exit::Internal,
            error if error.is_of_settings() => Exit::Usage,
            ServeError::Address { .. }
            | ServeError::Data { .. }
            | ServeError::Database(_)
            | ServeError::SigningKeys(_)
            | ServeError::FirstAdmin(_)
            | ServeError::Store(_)
            | ServeError::Mismatch { .. } => Exit::Output,
        };
        Self::new(exit, error.fault())
    }
}
