//! A PostgreSQL database: as which roles it is used, and how it is opened as them.

use std::fmt;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::roles::{Purpose, RolesError};
use super::scope::Reach;
use super::{DbError, connect, migration, roles, row_security};

/// The number of the lock under which a schema is migrated; any, as long as it stays the same.
const MIGRATION_LOCK: i64 = 0x0070_6163_6b73_686f;

/// The URLs of a PostgreSQL database: `postgres://user:password@host:port/database`.
#[derive(Clone, PartialEq, Eq)]
pub enum PostgresUrls {
    /// One role does everything, for one tenant.
    One(String),
    /// Three roles, so that row-level security keeps tenants apart.
    Three {
        /// Of the role for transactions of one tenant.
        app: String,
        /// Of the role for transactions of all tenants.
        bypass: String,
        /// Of the role that owns the schema.
        owner: String,
    },
}

/// Without the URLs, which have passwords.
impl fmt::Debug for PostgresUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One(_) => "One(…)",
            Self::Three { .. } => "Three(…)",
        })
    }
}

impl PostgresUrls {
    /// The URL of the role for transactions of one tenant.
    #[must_use]
    pub fn app(&self) -> &str {
        match self {
            Self::One(url) | Self::Three { app: url, .. } => url,
        }
    }

    /// The database's name, and that of the role for each purpose.
    ///
    /// # Errors
    ///
    /// [`DbError::Unsupported`] when a URL cannot be read; [`DbError::Roles`] when two are of one role, or one is of
    /// another database.
    pub(super) fn names(&self) -> Result<(String, [String; 3]), DbError> {
        let read = |url: &str, purpose: Purpose| {
            let broken = |_| DbError::Unsupported(format!("`{}` is not a URL of a database", purpose.setting()));
            url.parse::<PgConnectOptions>().map_err(broken)
        };
        let app = read(self.app(), Purpose::App)?;
        let database = app.get_database().unwrap_or(app.get_username()).to_owned();
        let roles = match self {
            Self::One(_) => Purpose::ALL.map(|purpose| purpose.role().to_owned()),
            Self::Three { bypass, owner, .. } => {
                let logins = [app, read(bypass, Purpose::Bypass)?, read(owner, Purpose::Owner)?];
                for (login, purpose) in logins.iter().zip(Purpose::ALL) {
                    if login.get_database() != logins[0].get_database() {
                        return Err(RolesError::OtherDatabase(purpose).into());
                    }
                }
                let roles = logins.map(|login| login.get_username().to_owned());
                RolesError::check_different(&roles)?;
                roles
            }
        };
        Ok((database, roles))
    }
}

/// Connections to a database, as one role or as two.
pub(super) enum Pools {
    /// For everything.
    One(DatabaseConnection),
    /// For one tenant, and for all tenants.
    Two { app: DatabaseConnection, bypass: DatabaseConnection },
}

impl Pools {
    /// Opens a database, after its schema was brought up to date. Its roles are checked before that.
    ///
    /// # Errors
    ///
    /// [`DbError::Roles`] when the roles are not what they must be; [`DbError`] when the database cannot be reached or
    /// migrated.
    pub(super) async fn open(urls: &PostgresUrls, max_connections: u32) -> Result<Self, DbError> {
        match urls {
            PostgresUrls::One(url) => {
                let connection = connect::postgres(url, 1).await?;
                let prepared = prepare_one(&connection).await;
                // Closing ends the session, and with it the lock.
                connection.close().await?;
                prepared?;
                Ok(Self::One(connect::postgres(url, max_connections).await?))
            }
            PostgresUrls::Three { app, bypass, owner } => {
                let owner = connect::postgres(owner, 1).await?;
                let app = connect::postgres(app, max_connections).await?;
                let bypass = connect::postgres(bypass, max_connections).await?;
                let prepared = prepare_three(&owner, &app, &bypass).await;
                owner.close().await?;
                let pools = Self::Two { app, bypass };
                if prepared.is_err() {
                    pools.close().await;
                }
                prepared.map(|()| pools)
            }
        }
    }

    /// The same connections, each as `change` makes it.
    pub(super) fn map(self, change: impl Fn(DatabaseConnection) -> DatabaseConnection) -> Self {
        match self {
            Self::One(pool) => Self::One(change(pool)),
            Self::Two { app, bypass } => Self::Two { app: change(app), bypass: change(bypass) },
        }
    }

    /// The connections for transactions of a reach.
    pub(super) fn of(&self, reach: Reach) -> &DatabaseConnection {
        match (self, reach) {
            (Self::One(pool), _) | (Self::Two { app: pool, .. }, Reach::Tenant(_)) => pool,
            (Self::Two { bypass, .. }, Reach::All) => bypass,
        }
    }

    /// Whether row-level security keeps tenants apart.
    pub(super) const fn keep_tenants_apart(&self) -> bool {
        matches!(self, Self::Two { .. })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::One(pool) => _ = pool.close_by_ref().await,
            Self::Two { app, bypass } => {
                app.close_by_ref().await.ok();
                bypass.close_by_ref().await.ok();
            }
        }
    }
}

async fn prepare_one(connection: &DatabaseConnection) -> Result<(), DbError> {
    lock(connection).await?;
    roles::check_one(connection).await?;
    migration::run(connection).await
}

async fn prepare_three(
    owner: &DatabaseConnection,
    app: &DatabaseConnection,
    bypass: &DatabaseConnection,
) -> Result<(), DbError> {
    lock(owner).await?;
    let names = roles::check_three(app, bypass, owner).await?;
    migration::run(owner).await?;
    row_security::secure(owner, &names).await
}

/// Makes the only connection of a pool wait until no other service migrates the schema: services may start together.
async fn lock(connection: &DatabaseConnection) -> Result<(), DbError> {
    let lock = format!("SELECT pg_advisory_lock({MIGRATION_LOCK})");
    connection.execute_raw(Statement::from_string(DbBackend::Postgres, lock)).await?;
    Ok(())
}
