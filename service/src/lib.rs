//! The render service: REST jobs that are durable, watchable and cancellable.
//!
//! `api` parses requests into types of the [domain](packshot_domain) → a use case (`renders`, `libraries`, `tenancy`,
//! `instance`) finds what they refer to, and the domain decides → the [database](packshot_db) stores what was decided,
//! with its events, in one transaction → `jobs` claims tasks and hands them to a [worker](packshot_worker), which
//! computes and knows no database → results go to the `store` by their content, and the job ends in one transaction
//! that only the holder of the lease can make. Use cases know no HTTP: what they work with and how they fail is in
//! `app`.

pub mod store;
pub mod objects;
pub mod events;
pub mod jobs;
pub mod streams;
pub mod tasks;
pub mod app;
pub mod idempotency;
pub mod tenancy;
pub mod credentials;
pub mod instance;
pub mod libraries;
mod programs;
pub mod renders;
pub mod executors;
pub mod packages;
pub mod products;
pub mod workflow;
pub mod orders;
pub mod reviews;
pub mod designs;
pub mod media;
pub mod channels;
pub mod webhooks;
pub mod artifacts;
pub mod chores;
pub mod api;
pub mod config;
pub mod settings;
pub mod help;
pub mod server;
pub mod admin;
