//! The render service: REST jobs that are durable, watchable and cancellable.
//!
//! `api` parses requests into types of the [domain](packshot_domain) → the domain decides → the [database](packshot_db) stores
//! what was decided, with its events, in one transaction → `queue` claims tasks and hands them to a [worker](packshot_worker),
//! which computes and knows no database → results go to the `store` by their content, and the job ends in one transaction that
//! only the holder of the lease can make.

pub mod store;
pub mod events;
pub mod queue;
pub mod api;
pub mod config;
pub mod settings;
pub mod server;
pub mod admin;
