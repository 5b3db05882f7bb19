//! People, keys and tenants: who makes a request, how people sign in, what each may do, what was changed by whom, and
//! the settings and the configuration of a tenant.

pub mod authentication;
pub mod sign_in;
pub mod setup;
pub mod account;
pub mod users;
pub mod tenants;
pub mod api_keys;
pub mod audit;
pub mod bypass;
pub mod render_settings;
pub mod settings;
pub(crate) mod config_help;
pub mod tenant_config;
pub mod rate_limits;
mod access_tokens;

pub use render_settings::{OutputRenderer, RenderSettings};
