//! The settings that decide what a tenant may render, and how.

use crate::app::{App, AppError};
use crate::settings::InForce;
use packshot_contract::request::SAMPLES_MAX;
use packshot_db::{TenantScope, settings};
use packshot_domain::access::Principal;
use packshot_pipeline::plan::Limits;

/// The id of the library that ships with the program: it lies below every other library and needs no file.
pub const BUILTIN: &str = "STD";

/// Settings that affect requests for pictures, as they were when they were read.
#[derive(Clone, Debug)]
pub struct RenderSettings {
    /// Limits and defaults of requests.
    pub limits: Limits,
    /// The largest file that is accepted, in bytes.
    pub upload_bytes_max: u64,
    /// The tenant's own library, by name; never the built-in one.
    pub material_library: Option<String>,
    /// The tenant's material for parts that nothing matches.
    pub fallback_material: Option<String>,
}

impl RenderSettings {
    /// The settings in force for the caller's tenant.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn in_force(app: &App, who: &Principal) -> Result<Self, AppError> {
        let stored = settings::stored(&app.db, TenantScope::of(who.tenant)).await?;
        let InForce { render_device, render_samples, max_upload_bytes, max_pixels, .. } =
            InForce::of(&app.settings, &stored);
        let text = |name: &str| stored.tenant.values.get(name)?.as_str().map(str::to_owned);
        Ok(Self {
            limits: Limits {
                pixels_max: max_pixels,
                samples_max: SAMPLES_MAX,
                samples_default: render_samples,
                device_default: render_device,
            },
            upload_bytes_max: max_upload_bytes,
            material_library: text("material_library").filter(|name| name != BUILTIN),
            fallback_material: text("fallback_material"),
        })
    }
}
