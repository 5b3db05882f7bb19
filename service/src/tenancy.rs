//! Who asks, on behalf of which tenant, and what that tenant has set.

pub mod authentication;
pub mod render_settings;
pub mod settings;

pub use render_settings::RenderSettings;
