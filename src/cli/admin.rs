//! `packshot admin`: backup, restore, the store and keys, on the machine of the data folder.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use packshot_domain::access::Scope;
use packshot_service::admin::{self, AdminError};
use packshot_service::config::Settings;

use super::failure::{Exit, Failure};
use super::serve::{runtime, settings};
use super::{console, files};

/// Work on an installation, on its own machine
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Write the database and all files to one file, also while the service runs
    #[command(after_help = "Example: packshot admin backup -o packshot-backup.zip")]
    Backup {
        /// The file to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Make an installation of a backup, in a new data folder
    #[command(after_help = "Example: packshot admin restore packshot-backup.zip --data /srv/packshot")]
    Restore {
        /// The backup
        backup: PathBuf,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Make the configured store that of the database, after its files were moved, restored or lost
    #[command(after_help = "Example: packshot admin adopt-store --config packshot.toml")]
    AdoptStore {
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Make an API key, also while the service runs
    #[command(
        after_help = "Example: packshot admin create-key --name 'web shop' --scope renders:write --data /srv/packshot"
    )]
    CreateKey {
        /// What it is for
        #[arg(long, default_value = "made by packshot admin create-key")]
        name: String,
        /// What it opens, repeatable: renders:read, renders:write (which includes reading), catalog:read …; admin is everything
        #[arg(long = "scope", value_name = "SCOPE", default_value = "admin")]
        scopes: Vec<Scope>,
        #[command(flatten)]
        place: PlaceArgs,
    },
}

/// Which installation.
#[derive(Args, Debug)]
pub(crate) struct PlaceArgs {
    /// Its data folder [default: the platform's data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Its settings file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl PlaceArgs {
    fn settings(&self) -> Result<Settings, Failure> {
        let flags = self.data.iter().map(|data| ("data", "--data", data.clone())).collect();
        settings(flags, self.config.as_deref())
    }
}

pub(crate) fn run(command: &AdminCommand) -> Result<(), Failure> {
    match command {
        AdminCommand::Backup { output, place } => {
            let saved = runtime()?.block_on(admin::backup::backup(&place.settings()?, output))?;
            console::note(&format!("saved {} files, {} bytes: {}", saved.files, saved.size_bytes, output.display()));
        }
        AdminCommand::Restore { backup, place } => {
            let settings = place.settings()?;
            let restored = admin::restore::restore(&settings, backup)?;
            let data = settings.data.display();
            console::note(&format!("restored {} files, {} bytes: {data}", restored.files, restored.size_bytes));
        }
        AdminCommand::AdoptStore { place } => {
            runtime()?.block_on(admin::adopt_store(&place.settings()?))?;
            console::note("the store is that of the database from now on; the one before is refused");
        }
        AdminCommand::CreateKey { name, scopes, place } => {
            let key = runtime()?.block_on(admin::create_key(&place.settings()?, name, scopes.clone()))?;
            console::note("this key is shown once; the service wants a key from now on");
            files::print(format!("{}\n", key.reveal()).as_bytes())?;
        }
    }
    Ok(())
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        let exit = if error.is_input() { Exit::Input } else { Exit::Output };
        Self::new(exit, error.fault())
    }
}
