//! The HTTP contract, case by case: a service of its own for each test, with its own database and folder, that renders
//! small pictures on the CPU.
//!
//! Each case runs on SQLite, and on PostgreSQL where `PACKSHOT_TEST_POSTGRES` names a server that may create databases;
//! those of which a database decides little run on PostgreSQL in `scripts/soak` alone.
//! What is about the store runs on local files, and in a bucket where there is a server for it (`bucket.rs`).
//! Names begin with the number of the case; `docs/contract-cases.md` lists the cases that are left for later.

mod app;
mod bucket;
mod converter;
mod glb;
mod hasty;
mod log_lines;
mod picture;
mod places;
mod reply;
mod stock;
#[path = "../../../tests/surroundings/tools.rs"]
mod tools;

/// Makes two tests of each case: `sqlite::name` and `postgres::name`. After `on_postgres_in_the_soak:` the latter is
/// ignored unless asked for: for permissions, pictures, programs, refusals and limits, and for more cases of statements
/// that another case runs on PostgreSQL. What a database decides of these, such as who claims a task, is tested on both
/// in `service/db`. (What a tenant sees of another is tried harder on SQLite, which has no row security.)
macro_rules! cases {
    (@ $([$in_the_soak:meta] $(#[doc = $doc:literal])* async fn $name:ident($engine:ident) $body:block)+) => {
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
                #[cfg_attr($in_the_soak, ignore = "a database decides little here, or other cases run the same: scripts/soak 1 postgres")]
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(engine) = crate::app::TestDatabase::postgres() {
                        super::$name(engine).await;
                    }
                }
            )+
        }
    };
    (
        $($(#[doc = $doc:literal])* async fn $name:ident($engine:ident) $body:block)*
        $(on_postgres_in_the_soak: $($(#[doc = $soak_doc:literal])* async fn $soak:ident($on:ident) $soak_body:block)+)?
    ) => {
        cases! {
            @
            $([any()] $(#[doc = $doc])* async fn $name($engine) $body)*
            $($([all()] $(#[doc = $soak_doc])* async fn $soak($on) $soak_body)+)?
        }
    };
}

/// Makes two tests of each case: `local::name` and `bucket::name`.
macro_rules! places {
    ($(async fn $name:ident($place:ident) $body:block)+) => {
        $(async fn $name($place: crate::places::Place) $body)+

        mod local {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::places::Place::local()).await;
                }
            )+
        }

        mod bucket {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(place) = crate::places::Place::bucket() {
                        super::$name(place).await;
                    }
                }
            )+
        }
    };
}

/// Makes three tests of each case: `on_sqlite::name`, `on_postgres::name`, and `in_bucket::name`.
macro_rules! sites {
    ($($(#[doc = $doc:literal])* async fn $name:ident($site:ident) $body:block)+) => {
        $($(#[doc = $doc])* async fn $name($site: crate::site::Site) $body)+

        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::site::Site::local(crate::app::TestDatabase::Sqlite)).await;
                }
            )+
        }

        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(engine) = crate::app::TestDatabase::postgres() {
                        super::$name(crate::site::Site::local(engine)).await;
                    }
                }
            )+
        }

        mod in_bucket {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(site) = crate::site::Site::in_bucket() {
                        super::$name(site).await;
                    }
                }
            )+
        }
    };
}

mod access;
mod aliases;
mod artifacts;
mod audited;
mod bus;
mod bypass;
mod cad_files;
mod catalogue;
mod checked;
mod collecting;
mod configs;
mod conversions;
mod counted;
mod coverage;
mod described;
mod designs;
mod dispatch;
mod assets;
mod told;
mod channels;
mod documents;
mod events;
mod executors;
mod exports;
mod files;
mod idempotency;
mod instance;
mod keys;
mod large;
mod limits;
mod lists;
mod materials;
mod media;
mod media_downloads;
mod media_files;
mod named_assets;
mod options;
mod imports;
mod orders;
mod packages;
mod people;
mod preflight;
mod problems;
mod process;
mod provenance;
mod rates;
mod render_packages;
mod reviews;
mod rights;
mod scrubbing;
mod series;
mod service;
mod settings;
mod sign_in;
mod site;
mod states;
mod stored;
mod stores;
mod submit;
mod tasks;
mod tokens;
mod tenant_config;
mod tenants;
mod waiting;
mod webhooks;
mod workflows;
