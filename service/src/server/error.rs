//! Why the service does not run.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use packshot_pipeline::error::Fault;

use super::identity::Mismatch;
use super::lock::DataFolderError;
use super::setup::SetupError;
use crate::credentials::signing_keys::SigningKeyError;
use crate::store::StoreError;
use packshot_db::DbError;
use packshot_db::roles::{RoleFault, RolesError};

/// Why the service does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The service cannot listen on the address.
    #[error("cannot listen on {listen}")]
    Address {
        /// The address.
        listen: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The first user cannot be created.
    #[error("the first user cannot be created")]
    FirstAdmin(#[source] SetupError),
    /// The keys that access tokens are signed with cannot be read or made.
    #[error("the signing keys cannot be used")]
    SigningKeys(#[source] SigningKeyError),
    /// This process cannot use the data folder.
    #[error("cannot work in {}", path.display())]
    Data {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: DataFolderError,
    },
    /// The database cannot be opened.
    #[error("cannot open the database")]
    Database(#[source] DbError),
    /// The store cannot be opened.
    #[error("cannot open the store")]
    Store(#[source] StoreError),
    /// Database and store do not belong together.
    #[error("the store at {store} does not belong to the database at {database}")]
    Mismatch {
        /// Where the database is, without a secret.
        database: String,
        /// Where the store is, without a secret.
        store: String,
        /// How they do not belong together.
        #[source]
        mismatch: Mismatch,
    },
    /// Something that does not depend on settings.
    #[error("internal")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ServeError {
    /// Whether the settings are at fault, and nothing was begun.
    pub fn is_of_settings(&self) -> bool {
        matches!(self, Self::Database(DbError::Roles(_)))
    }

    /// The error with its code, place and way out.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Address { listen, source } if source.kind() == io::ErrorKind::AddrInUse => {
                Fault::new("serve.address_in_use", "another program is already listening on this address")
                    .at(listen.to_string())
                    .help("stop it, or choose another address with --listen (port 0 takes a free one)")
            }
            Self::Address { listen, source } => {
                Fault::new("serve.address", format!("cannot listen on this address: {source}"))
                    .at(listen.to_string())
                    .help("use --listen with an address of this machine and a port that you are allowed to open")
            }
            Self::Data { path, source: source @ DataFolderError::Locked { .. } } => {
                Fault::new("serve.data_locked", source.to_string())
                    .at(path.display().to_string())
                    .help("stop that process, or choose another folder with --data")
            }
            Self::Data { path, source: DataFolderError::Exposed(exposed) } => {
                Fault::new("serve.data_exposed", exposed.to_string())
                    .at(path.display().to_string())
                    .help(exposed.help())
            }
            Self::Data { path, source: DataFolderError::Io(reason) } if is_in_the_way(reason) => {
                Fault::new("serve.data_unusable", "the data folder cannot be created: there is a file in its place")
                    .at(path.display().to_string())
                    .help("choose a folder with --data; one that does not exist is created")
            }
            Self::Data { path, source: DataFolderError::Io(reason) } => {
                Fault::new("serve.data_unusable", format!("the data folder cannot be created or written to: {reason}"))
                    .at(path.display().to_string())
                    .help("use --data with a folder that this user can write to")
            }
            Self::Database(source @ DbError::Schema(_)) => Fault::new("serve.database_version", source.to_string())
                .at("database_url")
                .help("run the version that created it, or use an empty database; jobs cannot be carried over"),
            Self::Database(DbError::Roles(source)) => roles_fault(source),
            Self::Database(source) => Fault::new("serve.database", chain(source))
                .at("database_url")
                .help("check that the database is running and that its address is right"),
            Self::Store(source) => Fault::new("serve.store", format!("the store cannot be opened: {}", chain(source)))
                .at("store")
                .help("check that the folder or the bucket exists and can be written to"),
            Self::Mismatch { database, store, mismatch } => Fault::new("serve.store_mismatch", mismatch.to_string())
                .at(format!("store {store}, database {database}"))
                .help(mismatch.help()),
            Self::FirstAdmin(source) => Fault::new("serve.first_admin", chain(source))
                .at("admin_password_file")
                .help("give the path of a readable file whose first line has 12 to 128 characters that are hard to guess"),
            Self::SigningKeys(source) => Fault::new("serve.signing_keys", chain(source))
                .at("jwt_secret_file")
                .help("make the file readable for the account that runs the service; if it is damaged, restore it, or remove it: then everyone has to sign in again"),
            Self::Internal(source) => Fault::new("internal", chain(&**source)),
        }
    }
}

impl From<SetupError> for ServeError {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Database(error) => Self::Database(error),
            SetupError::Randomness(error) => Self::Internal(error.into()),
            error => Self::FirstAdmin(error),
        }
    }
}

/// A database that is not used as the roles of its URLs: the settings or the roles have to be changed.
pub(crate) fn roles_fault(error: &RolesError) -> Fault {
    let help = match error {
        RolesError::SeveralTenants(_) => {
            "use three roles: do what `packshot admin migrate --plan` prints, then set `database_bypass_url` and `database_owner_url` too"
        }
        RolesError::TwoMissing => "set `database_bypass_url` and `database_owner_url` too",
        RolesError::Same { .. } => "give each of the three URLs a role of its own",
        RolesError::OtherDatabase(_) => "give all three URLs the same server and the same database",
        RolesError::Role { fault: RoleFault::CreatesNoTables, .. } | RolesError::OtherOwner { .. } => {
            "ask the administrator of the database to run what `packshot admin migrate --plan` prints"
        }
        RolesError::Role { .. } => {
            "take that right from the role, or use another role: `packshot admin migrate --plan` prints how to create one"
        }
    };
    Fault::new("config.database_roles", error.to_string()).at(error.setting()).help(help)
}

/// Whether a file stands where a folder was to be created.
fn is_in_the_way(reason: &io::Error) -> bool {
    matches!(reason.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory)
}

/// An error and its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors repeat their cause.
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
