//! The HTTP contract, case by case: a service of its own for each test, with its own database and folder, that renders
//! small pictures on the CPU.
//!
//! Each case runs on SQLite, and on PostgreSQL where `PACKSHOT_TEST_POSTGRES` names a server that may create databases.
//! Names begin with the number of the case; `docs/contract-cases.md` lists the cases that are left for later.

mod app;
mod glb;
mod log_lines;

/// Makes two tests of each case: `sqlite::name` and `postgres::name`.
macro_rules! cases {
    ($($(#[doc = $doc:literal])* async fn $name:ident($engine:ident) $body:block)+) => {
        $($(#[doc = $doc])* async fn $name($engine: crate::app::TestDatabase) $body)+

        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::app::TestDatabase::Sqlite).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(engine) = crate::app::TestDatabase::postgres() {
                        super::$name(engine).await;
                    }
                }
            )+
        }
    };
}

mod access;
mod audited;
mod bypass;
mod configs;
mod coverage;
mod described;
mod documents;
mod events;
mod files;
mod idempotency;
mod instance;
mod keys;
mod limits;
mod lists;
mod materials;
mod options;
mod people;
mod preflight;
mod problems;
mod rates;
mod rights;
mod series;
mod service;
mod settings;
mod sign_in;
mod states;
mod stores;
mod submit;
mod tasks;
mod tokens;
mod tenant_config;
mod tenants;
mod waiting;
