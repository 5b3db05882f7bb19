//! The settings that bear on what a tenant may have rendered, and how.

use crate::app::{App, AppError};
use crate::settings::InForce;
use packshot_contract::request::RequestDefaults;
use packshot_db::{TenantScope, settings};
use packshot_domain::access::Principal;

/// The id of the library that ships with the program: it is below every other and needs no file.
pub const BUILTIN: &str = "STD";

/// Settings that bear on requests for pictures, as they were when they were read.
#[derive(Clone, Debug)]
pub struct RenderSettings {
    /// What a request that does not say gets.
    pub defaults: RequestDefaults,
    /// The largest file that is taken, in bytes.
    pub upload_bytes_max: u64,
    /// The tenant's own library, by name; never the built-in one.
    pub material_library: Option<String>,
    /// The tenant's material for parts that nothing matches.
    pub fallback_material: Option<String>,
}

impl RenderSettings {
    /// The settings in force for the tenant of who asks.
    ///
    /// # Errors
    /// What the database says.
    pub async fn in_force(app: &App, who: &Principal) -> Result<Self, AppError> {
        let stored = settings::stored(&app.db, TenantScope::of(who.tenant)).await?;
        let InForce { render_device, render_samples, max_upload_bytes, max_pixels, .. } =
            InForce::of(&app.settings, &stored);
        let text = |name: &str| stored.tenant.values.get(name)?.as_str().map(str::to_owned);
        Ok(Self {
            defaults: RequestDefaults { samples: render_samples, device: render_device, pixels_max: max_pixels },
            upload_bytes_max: max_upload_bytes,
            material_library: text("material_library").filter(|name| name != BUILTIN),
            fallback_material: text("fallback_material"),
        })
    }
}
