//! HTTP: parses requests into domain types, calls use cases, converts results back. No other module knows statuses.
//!
//! Input: a request. `answer` gives it an id, `auth` finds out who makes it and whether they may, a handler parses it
//! and calls a use case; errors become problems in [`problem`]. Handlers decide nothing, and know neither the database
//! nor the store: what use cases work with is the [`App`](crate::app::App).
//!
//! Order of checks: who (401), whether they may (403, before any object is looked up), the form of the request (400,
//! 413, 415, 422), the object (404), its state (409).

pub mod state;
pub mod router;
mod openapi;
mod imports;
mod orders;
mod reviews;
mod media_assets;
mod media_downloads;
mod media_files;
mod disposition;
mod channels;
mod output_types;
mod operation;
mod reference;
mod render_templates;
pub mod problem;
mod products;
mod answer;
mod auth;
mod client_address;
mod cors;
mod events;
mod streams;
mod query;
mod body;
mod multipart;
mod prefer;
mod precondition;
mod idempotency;
mod files;
mod media;
mod jobs;
mod renders;
mod preflight;
mod design_areas;
mod design_presets;
mod design_previews;
mod designs;
mod devices;
mod digest;
mod materials;
mod material_aliases;
mod libraries;
mod artifacts;
mod packages;
mod tasks;
mod cad_files;
mod cad_jobs;
mod chores;
mod webhooks;
mod worker_configs;
mod workflows;
mod settings;
mod help;
mod tenant_config;
mod analytics;
mod health;
mod sign_in;
mod account;
mod users;
mod tenants;
mod api_keys;
mod audit;

pub use events::KEEP_ALIVE;
pub use router::router;
pub use state::AppState;
