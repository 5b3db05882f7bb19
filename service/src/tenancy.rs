//! The caller, the tenant it acts for, and the settings of that tenant.

pub mod authentication;
pub mod render_settings;
pub mod settings;

pub use render_settings::RenderSettings;
