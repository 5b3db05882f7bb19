//! The databases that a service is tried on.

use std::path::Path;

use packshot_db::DatabaseConfig;
use packshot_db::testing::TestDatabase;

use crate::service::{Service, Setup};

/// Where a service has its rows.
pub(crate) struct Database {
    pub(crate) name: &'static str,
    server: Option<TestDatabase>,
}

/// Each engine there is: SQLite, and the PostgreSQL server of the environment.
pub(crate) async fn databases() -> Vec<Database> {
    let sqlite = Database { name: "SQLite", server: None };
    let postgres = TestDatabase::postgres().map(|server| Database { name: "PostgreSQL", server: Some(server) });
    [sqlite].into_iter().chain(postgres).collect()
}

impl Database {
    /// What a service is started with, for a new database.
    pub(crate) async fn url(&self, folder: &Path) -> Option<String> {
        let server = self.server.clone()?.as_one_role();
        match server.fresh(folder).await.expect("a database") {
            DatabaseConfig::Postgres { urls, .. } => Some(urls.app().to_owned()),
            DatabaseConfig::Sqlite { .. } => None,
        }
    }
}

/// Starts a service on a database.
pub(crate) fn start(setup: &Setup, data: &Path, url: Option<&str>, variables: &[(&str, &str)]) -> Service {
    let database = url.map(|url| ["--database-url", url]);
    let arguments: Vec<&str> = database.iter().flatten().copied().collect();
    setup.start(data, &arguments, variables)
}
