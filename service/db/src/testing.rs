//! Databases for tests: copies of a template with an empty schema, which is migrated once for all tests and not once
//! for each.
//!
//! Tests run in many processes at once. A template's name holds a digest of the migrations, so that a template of other
//! migrations is never used, and it gets its name only when it is complete. It holds the schema alone:
//! [`Db::open`](super::Db::open) makes the installation in the copy, as it does in every new database.
//!
//! Databases on PostgreSQL are used as three roles, as those of installations with several tenants are. Roles belong to
//! the server: all tests share them, and the template has their policies already.

mod dump;
pub mod media;
mod objects;
mod reviews;
mod rounds;
mod shadow;
mod webhooks;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use uuid::Uuid;

use super::column::cell;
use super::connect::{self, Access};
use super::postgres::Pools;
use super::roles::Purpose;
use super::{DatabaseConfig, Db, DbError, PostgresUrls, TenantScope, migration};
use packshot_domain::id::TenantId;

pub use dump::dump;
pub use objects::{group_hashes, point_file_at, set_group_hashes, tamper};
pub use reviews::suggest_outcome;
pub use rounds::{block_notifications, forget_summary};
pub use shadow::{FinishedShadow, insert_shadow};
pub use webhooks::publish;

/// Connections of a test to PostgreSQL, at most.
const MAX_CONNECTIONS: u32 = 10;
/// The number of the lock under which a template is made on PostgreSQL; any, as long as it stays the same.
const TEMPLATE_LOCK: i64 = 0x0074_656d_706c_6174;
/// The variable with the URL of a PostgreSQL server where databases may be made.
const SERVER: &str = "PACKSHOT_TEST_POSTGRES";
/// The password of every role that a test makes.
pub const PASSWORD: &str = "packshot";

/// Where the database of a test is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestDatabase {
    /// A SQLite file in the test's folder.
    Sqlite,
    /// On a server where databases can be made, by its URL.
    Postgres(String),
    /// There too, in a database that is used as one role and so serves one tenant.
    PostgresAsOneRole(String),
}

/// As how many roles a database is used.
#[derive(Clone, Copy)]
enum Template {
    OneRole,
    ThreeRoles,
}

impl TestDatabase {
    /// The server that the environment names. Where it names none, a line says that the test is skipped.
    #[must_use]
    pub fn postgres() -> Option<Self> {
        let server = std::env::var(SERVER).ok();
        if server.is_none() {
            println!("skipped: {SERVER} is not set (scripts/with-postgres starts a server)");
        }
        server.map(Self::Postgres)
    }

    /// A new database that has not been opened yet; `folder` is the test's.
    ///
    /// # Errors
    ///
    /// [`DbError`] when the server is away, or the template cannot be made or copied.
    pub async fn fresh(&self, folder: &Path) -> Result<DatabaseConfig, DbError> {
        match self {
            Self::Sqlite => {
                let path = folder.join("packshot.db");
                std::fs::copy(sqlite_template().await?, &path).map_err(failed)?;
                Ok(DatabaseConfig::Sqlite { path })
            }
            Self::Postgres(server) => {
                let urls = three_roles(&copy(server, Template::ThreeRoles).await?, role)?;
                Ok(DatabaseConfig::Postgres { urls, max_connections: MAX_CONNECTIONS })
            }
            Self::PostgresAsOneRole(server) => {
                let urls = PostgresUrls::One(copy(server, Template::OneRole).await?);
                Ok(DatabaseConfig::Postgres { urls, max_connections: MAX_CONNECTIONS })
            }
        }
    }

    /// The same server, with databases that are used as one role.
    #[must_use]
    pub fn as_one_role(self) -> Self {
        match self {
            Self::Postgres(server) => Self::PostgresAsOneRole(server),
            other => other,
        }
    }

    /// Has a database refuse every new row of a table from now on.
    ///
    /// # Errors
    ///
    /// [`DbError`] when there is no such table, or the server is away.
    pub async fn refuse_rows(&self, database: &DatabaseConfig, table: &'static str) -> Result<(), DbError> {
        let (connection, sql) = match (self, database) {
            (Self::Postgres(server) | Self::PostgresAsOneRole(server), DatabaseConfig::Postgres { urls, .. }) => {
                let (_, name) = split(urls.app())?;
                let sql = format!("ALTER TABLE {table} ADD CONSTRAINT refused CHECK (false) NOT VALID");
                (connect::postgres(&beside(server, name)?, 1).await?, sql)
            }
            (_, DatabaseConfig::Sqlite { path }) => {
                let raise = "BEGIN SELECT RAISE(ABORT, 'refused'); END";
                let sql = format!("CREATE TRIGGER refused BEFORE INSERT ON {table} {raise}");
                (connect::sqlite(path, Access::Write).await?, sql)
            }
            (Self::Sqlite, DatabaseConfig::Postgres { .. }) => {
                return Err(DbError::Unsupported("the database is on another server".to_owned()));
            }
        };
        connection.execute_unprepared(&sql).await?;
        Ok(connection.close().await?)
    }

    /// Removes a database from the server, even if connections are open; a file goes with its folder.
    ///
    /// # Errors
    ///
    /// [`DbError`] when the server is away.
    pub async fn remove(&self, database: &DatabaseConfig) -> Result<(), DbError> {
        let (Self::Postgres(server) | Self::PostgresAsOneRole(server), DatabaseConfig::Postgres { urls, .. }) =
            (self, database)
        else {
            return Ok(());
        };
        let (_, name) = split(urls.app())?;
        let admin = connect::postgres(server, 1).await?;
        admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        Ok(admin.close().await?)
    }
}

/// The URLs of a database for three roles of these names.
///
/// # Errors
///
/// [`DbError::Unsupported`] when `url` does not end in the name of a database.
pub fn three_roles(url: &str, name: impl Fn(Purpose) -> String) -> Result<PostgresUrls, DbError> {
    let [app, bypass, owner] = Purpose::ALL.map(|purpose| as_role(url, &name(purpose)));
    Ok(PostgresUrls::Three { app: app?, bypass: bypass?, owner: owner? })
}

/// The same database for another role, with the password of tests.
///
/// # Errors
///
/// [`DbError::Unsupported`] when `url` is not the URL of a database.
pub fn as_role(url: &str, role: &str) -> Result<String, DbError> {
    let rest = url.split_once("://").map(|(_, rest)| rest);
    let rest = rest.ok_or_else(|| DbError::Unsupported(format!("{SERVER} must be a URL")))?;
    let address = rest.rsplit_once('@').map_or(rest, |(_, address)| address);
    Ok(format!("postgres://{role}:{PASSWORD}@{address}"))
}

/// The URL of another database on the same server.
///
/// # Errors
///
/// [`DbError::Unsupported`] when `url` does not end in the name of a database.
pub fn beside(url: &str, name: &str) -> Result<String, DbError> {
    split(url).map(|(server, _)| format!("{server}/{name}"))
}

/// The tenants of the rows that transactions of a scope see in a table, where they ask for all rows.
///
/// # Errors
///
/// [`DbError`] when there is no such table.
pub async fn tenants_seen(db: &Db, scope: TenantScope, table: &'static str) -> Result<Vec<TenantId>, DbError> {
    db.read(scope, table, |tx, table| {
        Box::pin(async move {
            let rows = tx.query(&format!("SELECT DISTINCT tenant_id FROM {table} ORDER BY tenant_id"), []).await?;
            rows.iter().map(|row| Ok(cell(row, 0)?)).collect()
        })
    })
    .await
}

/// How often transactions of this database have waited for each other until the server ended one: never, on SQLite.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn deadlocks(db: &Db, scope: TenantScope) -> Result<i64, DbError> {
    db.read(scope, (), |tx, ()| {
        Box::pin(async move {
            if tx.on().get_database_backend() == DbBackend::Sqlite {
                return Ok(0);
            }
            let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
            let rows = tx.query(sql, []).await?;
            Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default())
        })
    })
    .await
}

/// The role that tests share for a purpose.
fn role(purpose: Purpose) -> String {
    purpose.role().replace("packshot", "packshot_test")
}

/// How many statements ran on connections and in their transactions, not counting those that begin and end
/// transactions.
#[derive(Clone, Debug, Default)]
pub(super) struct StatementCount(Arc<AtomicU64>);

impl StatementCount {
    /// Counts what runs on a connection from now on.
    pub(super) fn watch(&self, connection: &mut DatabaseConnection) {
        let count = Arc::clone(&self.0);
        connection.set_metric_callback(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The file with the schema, beside the program, so that it goes with what was built.
async fn sqlite_template() -> Result<PathBuf, DbError> {
    let program = std::env::current_exe().map_err(failed)?;
    let template = program.with_file_name(format!("packshot-template-{}.db", migration::digest()));
    if template.exists() {
        return Ok(template);
    }
    let new = template.with_extension(Uuid::now_v7().simple().to_string());
    let connection = connect::sqlite(&new, Access::Write).await?;
    migration::run(&connection).await?;
    // Only one file is copied.
    connection.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    connection.close().await?;
    // If two processes create it, the later one replaces it with an equal one.
    std::fs::rename(new, &template).map_err(failed)?;
    Ok(template)
}

/// The URL of a new database with the schema, for the server's own role.
async fn copy(server: &str, of: Template) -> Result<String, DbError> {
    let name = format!("packshot_test_{}", Uuid::now_v7().simple());
    let admin = connect::postgres(server, 1).await?;
    let template = postgres_template(server, &admin, of).await?;
    admin.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
    admin.close().await?;
    beside(server, &name)
}

/// The name of the database with the schema. It accepts no connections, as copying requires.
async fn postgres_template(server: &str, admin: &DatabaseConnection, of: Template) -> Result<String, DbError> {
    let kind = match of {
        Template::OneRole => "1",
        Template::ThreeRoles => "3",
    };
    let digest = format!("{}_{kind}", migration::digest());
    let template = format!("packshot_template_{digest}");
    if is_there(admin, DATABASE, &template).await? {
        return Ok(template);
    }
    // The one connection of `admin` holds it: the second process waits, and then finds the template.
    let lock = |function: &str| format!("SELECT {function}({TEMPLATE_LOCK})");
    admin.execute_unprepared(&lock("pg_advisory_lock")).await?;
    if !is_there(admin, DATABASE, &template).await? {
        let new = format!("packshot_untried_{digest}");
        admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {new} WITH (FORCE)")).await?;
        admin.execute_unprepared(&format!("CREATE DATABASE {new}")).await?;
        let url = beside(server, &new)?;
        let urls = match of {
            Template::OneRole => PostgresUrls::One(url),
            Template::ThreeRoles => {
                make_roles(admin, &url).await?;
                three_roles(&url, role)?
            }
        };
        Pools::open(&urls, 1).await?.close().await;
        admin.execute_unprepared(&format!("ALTER DATABASE {new} WITH ALLOW_CONNECTIONS false")).await?;
        admin.execute_unprepared(&format!("ALTER DATABASE {new} RENAME TO {template}")).await?;
    }
    admin.execute_unprepared(&lock("pg_advisory_unlock")).await?;
    Ok(template)
}

/// Makes the roles that tests share, where they are missing, and gives the schema of a database to its owner.
async fn make_roles(admin: &DatabaseConnection, url: &str) -> Result<(), DbError> {
    for role in Purpose::ALL.map(role) {
        if !is_there(admin, ROLE, &role).await? {
            admin.execute_unprepared(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")).await?;
        }
    }
    let connection = connect::postgres(url, 1).await?;
    let owner = role(Purpose::Owner);
    connection.execute_unprepared(&format!("ALTER SCHEMA public OWNER TO {owner}")).await?;
    Ok(connection.close().await?)
}

const DATABASE: &str = "SELECT 1 FROM pg_database WHERE datname = $1";
const ROLE: &str = "SELECT 1 FROM pg_roles WHERE rolname = $1";

/// Whether there is something of this name.
async fn is_there(admin: &DatabaseConnection, query: &str, name: &str) -> Result<bool, DbError> {
    let query = Statement::from_sql_and_values(DbBackend::Postgres, query, [name.into()]);
    Ok(admin.query_one_raw(query).await?.is_some())
}

/// A URL, split before the name of its database.
fn split(url: &str) -> Result<(&str, &str), DbError> {
    let parts = url.rsplit_once('/');
    parts.ok_or_else(|| DbError::Unsupported(format!("{SERVER} must end in the name of a database")))
}

fn failed(error: std::io::Error) -> DbError {
    DbError::Unsupported(format!("the template cannot be made: {error}"))
}
