//! Administration of an installation, on the machine that it runs on: backup, restore, keys, a new store, a reading of
//! all files.
//!
//! Everything but [`restore`] also works while the service is running; [`migrate`] only prints what has to be done.

use std::path::{Path, PathBuf};

use packshot_pipeline::error::Fault;

use crate::config::{DatabaseSettings, Settings, StoreSettings};
use crate::credentials::signing_keys::SigningKeyError;
use crate::server::app::{database_config, store_config};
use crate::server::error::{chain, roles_fault};
use crate::server::identity::{self, IdentityError, Mismatch};
use crate::server::lock::DataFolderError;
use crate::server::setup::SetupError;
use crate::store::{Store, StoreError};
use packshot_db::{Db, DbError};
use packshot_domain::time::Timestamp;
use packshot_domain::user::Weakness;

pub mod backup;
pub mod keys;
pub mod migrate;
pub mod users;
pub mod restore;
pub mod scrub;
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
    /// The database is not on a server.
    #[error("the database is SQLite, which has no roles")]
    NoServer,
    /// The URL of a database cannot be read.
    #[error("{0}")]
    Url(String),
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
    /// No tenant has this slug.
    #[error("there is no tenant {0:?}")]
    NoTenant(String),
    /// No user has this e-mail address.
    #[error("no user has the e-mail address {0}")]
    NoUser(String),
    /// Users of several tenants have this e-mail address.
    #[error("users of several tenants have the e-mail address {0}")]
    SeveralUsers(String),
    /// Another user of the tenant has the e-mail address.
    #[error("another user has this e-mail address")]
    EmailTaken,
    /// The address cannot be shown as a name.
    #[error("the e-mail address is too long for a name")]
    NoName,
    /// The password is easy to guess.
    #[error("the password cannot be used: {0}")]
    WeakPassword(Weakness),
    /// The password cannot be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    /// The signing keys cannot be used.
    #[error("the signing keys cannot be used")]
    SigningKeys(#[from] SigningKeyError),
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
    /// Stored files are not what was stored.
    #[error(
        "{n_files} stored files are missing or damaged: of {missing} objects the bytes are not there, of {corrupt} they are others"
    )]
    FilesDamaged {
        /// Files that packages have.
        n_files: u64,
        /// Objects that are not there.
        missing: u64,
        /// Objects whose bytes are others.
        corrupt: u64,
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

    /// Whether the settings are at fault, so that nothing was done.
    pub fn is_of_settings(&self) -> bool {
        matches!(self, Self::Database(DbError::Roles(_)) | Self::NoServer | Self::Url(_))
    }

    /// Whether stored files are not what was stored.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::FilesDamaged { .. })
    }

    /// Whether the input is at fault, and not the output.
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Damaged(_)
                | Self::NotRead { .. }
                | Self::KeyEnded(_)
                | Self::NoKey(_)
                | Self::SeveralKeys(_)
                | Self::NoTenant(_)
                | Self::NoUser(_)
                | Self::SeveralUsers(_)
                | Self::EmailTaken
                | Self::NoName
                | Self::WeakPassword(_)
        )
    }

    /// The error with its code and way out.
    pub fn fault(&self) -> Fault {
        if let Self::Database(DbError::Roles(error)) = self {
            return roles_fault(error);
        }
        let (code, help) = match self {
            Self::NoInstallation(_) => ("no_installation", "use --data with the data folder of the installation"),
            Self::NotEmpty(_) => ("not_empty", "use --data with a new folder"),
            Self::Data(DataFolderError::Exposed(exposed)) => ("data_exposed", exposed.help()),
            Self::Data(DataFolderError::Io(_)) => {
                ("data_unusable", "use --data with a folder that this user can write to")
            }
            Self::Data(_) => ("data_unusable", "stop the service, or choose another folder with --data"),
            Self::NoServer => ("no_server", "set `database_url` to a PostgreSQL database"),
            Self::Url(_) => (
                "database_url",
                "give postgres://ROLE:PASSWORD@HOST:PORT/DATABASE; in the password write %40 for @, %2F for /, %3A for :",
            ),
            Self::Database(_) | Self::Setup(_) => {
                ("database", "check that the database can be reached and that its disk has space")
            }
            Self::KeyEnded(_) => ("key_ended", "use --expires with a time in the future, such as 90d"),
            Self::NoKey(_) => ("no_key", "see all keys with `packshot admin list-keys`"),
            Self::SeveralKeys(_) => {
                ("several_keys", "give the key's id, as `packshot admin list-keys --json` shows it")
            }
            Self::NoTenant(_) => (
                "no_tenant",
                "check the slug: GET /api/v1/tenants lists them; a tenant that is being deleted has to be restored first",
            ),
            Self::NoUser(_) => ("no_user", "check the address, or create the user with `packshot admin create-user`"),
            Self::SeveralUsers(_) => ("several_users", "use --tenant with the slug of the user's tenant"),
            Self::EmailTaken => ("email_taken", "use `packshot admin reset-password` for a user who cannot sign in"),
            Self::NoName => ("no_name", "use --name with a name of 1 to 200 characters"),
            Self::WeakPassword(_) => ("weak_password", "choose 12 to 128 characters that are hard to guess"),
            Self::Hash(_) => ("hash", "try again; if it fails again, please report it"),
            Self::SigningKeys(_) => ("signing_keys", "check that this user can read and write the file"),
            Self::Store(_) => ("store", "check that the folder or the bucket exists and can be written to"),
            Self::Mismatch(mismatch) => ("store_mismatch", mismatch.help()),
            Self::Elsewhere(_) => ("elsewhere", "use the backup tools of the database and the bucket"),
            Self::Damaged(_) => ("damaged_backup", "use another file that `packshot admin backup` wrote"),
            Self::NotRead { .. } => ("file_missing", "check the path, and that this user can read the file"),
            Self::FilesDamaged { .. } => (
                "files_damaged",
                "bring the objects back from a backup, or upload or render the same files again, then run this again",
            ),
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
    if settings.database != DatabaseSettings::Sqlite {
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
    let is_in_folder = settings.database == DatabaseSettings::Sqlite;
    if is_in_folder && !settings.data.join(crate::server::app::DATABASE_FILE).exists() {
        return Err(AdminError::NoInstallation(settings.data.clone()));
    }
    Ok(Db::open(&database_config(settings)).await?)
}
