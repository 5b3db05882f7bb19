//! Whether a store has the files of a database. The database names the store, and the store names itself and the
//! database, so that a service never works with rows from here and files from there, where every job that was accepted
//! would fail.

use crate::store::{Identity, Store, StoreError};
use packshot_db::{AllTenants, Db, DbError, installation};
use packshot_domain::id::StoreId;

/// Why the service does not use a store.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The two do not belong together.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

/// How a database and a store do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The store names no database.
    #[error(
        "the files of this database are in another store; this store is new, or has lost the file that names its database"
    )]
    NewStore,
    /// The store was another one of the same database.
    #[error("the files of this database are in another store")]
    OtherStore,
    /// The store belongs to another database.
    #[error("this store has the files of another database")]
    OtherDatabase,
}

impl Mismatch {
    /// The way out.
    pub fn help(self) -> &'static str {
        match self {
            Self::NewStore | Self::OtherStore => {
                "point --data, store.path or store.bucket at the files of this database; where they were moved or restored \
                 to this place, run `packshot admin adopt-store` with the same settings"
            }
            Self::OtherDatabase => {
                "give this database a folder or a bucket of its own, with --data, store.path or store.bucket"
            }
        }
    }
}

/// Makes sure that the store has the files of the database. The first store that a database is opened with becomes its
/// store.
///
/// # Errors
/// [`IdentityError`].
pub async fn agree(db: &Db, store: &Store) -> Result<(), IdentityError> {
    let installed = installation::get(db, AllTenants::Instance).await?;
    let tenant = installed.operating_tenant;
    // The store is named before the database names it: a service that dies in between later finds that the store is its
    // own.
    let found = match (installed.store, store.identity().await?) {
        (None, None) => store.claim(Identity { store: StoreId::new(), tenant }).await?,
        (Some(_), None) => return Err(Mismatch::NewStore.into()),
        (_, Some(found)) => found,
    };
    if found.tenant != tenant {
        return Err(Mismatch::OtherDatabase.into());
    }
    let bound = match installed.store {
        Some(bound) => bound,
        // Of services that start together with a store each, one is first.
        None => installation::bind_store(db, AllTenants::Instance, found.store).await?,
    };
    if bound == found.store { Ok(()) } else { Err(Mismatch::OtherStore.into()) }
}

/// Makes a store the one of the database, in place of the one before; a store of another database stays as it is.
///
/// # Errors
/// [`IdentityError`].
pub async fn adopt(db: &Db, store: &Store) -> Result<(), IdentityError> {
    let tenant = installation::get(db, AllTenants::Instance).await?.operating_tenant;
    if store.identity().await?.is_some_and(|found| found.tenant != tenant) {
        return Err(Mismatch::OtherDatabase.into());
    }
    // Not the old name: a service that still uses the old store is refused at its next start.
    let new = StoreId::new();
    store.assign(Identity { store: new, tenant }).await?;
    Ok(installation::replace_store(db, AllTenants::Instance, new).await?)
}
