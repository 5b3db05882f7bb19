//! The JSON of the contract: what clients send and get, what rows keep, and what a worker is told.
//!
//! Members are `snake_case`, a member without a value is `null` and present, times are RFC 3339 in UTC with
//! milliseconds. What a client sends is read by `packshot_json`, which reports everything that is wrong with it
//! together; answers are serialised. Types here hold checked values, which are not checked again.

#[macro_use]
pub(crate) mod word;

pub mod account;
pub mod analytics;
pub mod api_key;
pub mod artifact;
pub mod audit;
pub mod cad_file;
pub mod channel;
pub mod chore;
pub mod client;
pub mod design;
pub mod device;
pub mod dispatch;
pub mod document;
pub mod event;
pub mod health;
pub mod help;
pub mod import;
pub mod input_name;
pub mod job;
pub mod library;
pub mod log;
pub mod material;
pub mod material_alias;
pub mod media;
pub mod media_download;
pub mod media_upload;
pub mod package;
pub mod page;
pub mod preflight;
pub mod order;
pub mod output_type;
pub mod picture_settings;
pub mod problem;
pub mod product;
pub mod provenance;
mod read;
pub mod render_template;
pub mod request;
pub mod review;
pub mod scalar;
pub mod setting;
pub mod setup;
pub mod sign_in;
pub mod task;
pub mod tenant;
pub mod tenant_config;
pub mod user;
pub mod webhook;
pub mod worker_config;
pub mod workflow;

pub use word::Word;
