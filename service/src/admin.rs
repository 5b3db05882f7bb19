//! Administration of an installation, on the machine that it runs on: backup, restore, keys, a new store.
//!
//! Everything but [`restore`] also works while the service is running.

use std::path::{Path, PathBuf};

use packshot_pipeline::error::Fault;

use crate::config::{Settings, StoreSettings};
use crate::server::app::{database_config, store_config};
use crate::server::error::chain;
use crate::server::identity::{self, IdentityError, Mismatch};
use crate::server::lock::DataFolderError;
use crate::server::setup::SetupError;
use crate::store::{Store, StoreError};
use packshot_db::{Db, DbError};
use packshot_domain::time::Timestamp;

pub mod backup;
pub mod keys;
pub mod restore;
mod archive;

/// Why administration failed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The folder holds no installation.
    #[error("there is no installation in {}", .0.display())]
    NoInstallation(PathBuf),
    /// The folder holds an installation already.
    #[error("there is already an installation in {}", .0.display())]
    NotEmpty(PathBuf),
    /// The data folder cannot be used.
    #[error("the data folder cannot be used")]
    Data(#[from] DataFolderError),
    /// The database failed.
    #[error("the database cannot be used")]
    Database(#[from] DbError),
    /// No key can be made.
    #[error("no key can be created")]
    Setup(#[from] SetupError),
    /// A key would already have expired.
    #[error("the key would already have expired, at {0}")]
    KeyEnded(Timestamp),
    /// No key has this name.
    #[error("there is no key {0}")]
    NoKey(String),
    /// More than one key has this name.
    #[error("several keys begin with {0}")]
    SeveralKeys(String),
    /// The store failed.
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    /// The store cannot be given to the database.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// Database or files are not in the data folder.
    #[error("{0}")]
    Elsewhere(&'static str),
    /// The file is not a backup, or is damaged.
    #[error("the backup cannot be used: {0}")]
    Damaged(String),
    /// The backup cannot be read.
    #[error("{}", path.display())]
    NotRead {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl AdminError {
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// Whether the input is at fault, and not the output.
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Damaged(_) | Self::NotRead { .. } | Self::KeyEnded(_) | Self::NoKey(_) | Self::SeveralKeys(_)
        )
    }

    /// The error with its code and way out.
    pub fn fault(&self) -> Fault {
        let (code, help) = match self {
            Self::NoInstallation(_) => ("no_installation", "use --data with the data folder of the installation"),
            Self::NotEmpty(_) => ("not_empty", "use --data with a new folder"),
            Self::Data(DataFolderError::Exposed(exposed)) => ("data_exposed", exposed.help()),
            Self::Data(DataFolderError::Io(_)) => {
                ("data_unusable", "use --data with a folder that this user can write to")
            }
            Self::Data(_) => ("data_unusable", "stop the service, or choose another folder with --data"),
            Self::Database(_) | Self::Setup(_) => {
                ("database", "check that the database can be reached and that its disk has space")
            }
            Self::KeyEnded(_) => ("key_ended", "use --expires with a time in the future, such as 90d"),
            Self::NoKey(_) => ("no_key", "see all keys with `packshot admin list-keys`"),
            Self::SeveralKeys(_) => {
                ("several_keys", "give the key's id, as `packshot admin list-keys --json` shows it")
            }
            Self::Store(_) => ("store", "check that the folder or the bucket exists and can be written to"),
            Self::Mismatch(mismatch) => ("store_mismatch", mismatch.help()),
            Self::Elsewhere(_) => ("elsewhere", "use the backup tools of the database and the bucket"),
            Self::Damaged(_) => ("damaged_backup", "use another file that `packshot admin backup` wrote"),
            Self::NotRead { .. } => ("file_missing", "check the path, and that this user can read the file"),
            Self::Io { .. } => ("io", "check the path, its permissions and the free space on the disk"),
        };
        Fault::new(format!("admin.{code}"), chain(self)).help(help)
    }
}

/// Gives the database the store of the settings, after its files were moved or restored to another place, or were lost.
///
/// # Errors
/// When there is no installation, the database or the store is away, or the store is that of another database.
pub async fn adopt_store(settings: &Settings) -> Result<(), AdminError> {
    let db = open(settings).await?;
    let adopted = async { identity::adopt(&db, &Store::open(&store_config(settings))?).await }.await;
    db.close().await;
    adopted.map_err(|error| match error {
        IdentityError::Database(error) => error.into(),
        IdentityError::Store(error) => error.into(),
        IdentityError::Mismatch(mismatch) => mismatch.into(),
    })
}

/// The folder of the stored files, for settings that keep everything on the local disk.
fn local_store(settings: &Settings) -> Result<PathBuf, AdminError> {
    if settings.database_url.is_some() {
        return Err(AdminError::Elsewhere("the database is on a PostgreSQL server, which pg_dump backs up"));
    }
    match &settings.store {
        StoreSettings::Local { path } => Ok(path.clone()),
        StoreSettings::S3 { .. } => {
            Err(AdminError::Elsewhere("the files are in a bucket, which this command does not reach"))
        }
    }
}

/// The database of an installation that is there already.
async fn open(settings: &Settings) -> Result<Db, AdminError> {
    if settings.database_url.is_none() && !settings.data.join(crate::server::app::DATABASE_FILE).exists() {
        return Err(AdminError::NoInstallation(settings.data.clone()));
    }
    Ok(Db::open(&database_config(settings)).await?)
}
