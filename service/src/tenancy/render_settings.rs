//! The settings that decide what a tenant may render, and how.

use crate::app::{App, AppError, Code};
use crate::config::Settings;
use crate::settings::InForce;
use packshot_contract::request::SAMPLES_MAX;
use packshot_db::{Db, DbError, TenantScope, settings, tenant_configs};
use packshot_domain::feature::{Feature, Features};
use packshot_domain::principal::Principal;
use packshot_domain::tenant_config::{BUILTIN_LIBRARY, EngineName, FALLBACK_MATERIAL, TenantConfig};
use packshot_pipeline::plan::Limits;

/// Settings that affect requests for pictures, as they were when they were read.
#[derive(Clone, Debug)]
pub struct RenderSettings {
    /// Limits and defaults of requests.
    pub limits: Limits,
    /// The largest file that is accepted, in bytes.
    pub upload_bytes_max: u64,
    /// The tenant's own library, by name; never the built-in one.
    pub material_library: Option<String>,
    /// The tenant's material for parts that nothing matches, where it chose another than the libraries do.
    pub fallback_material: Option<String>,
    /// The engines that output types may name.
    pub engines_allowed: Vec<EngineName>,
    features: Features,
}

impl RenderSettings {
    /// The settings in force for the caller's tenant. A limit of the tenant's own is never above the setting, even
    /// where that was lowered later.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn in_force(app: &App, who: &Principal) -> Result<Self, AppError> {
        Ok(Self::of_tenant(&app.db, &app.settings, TenantScope::of(who.tenant)).await?)
    }

    /// The settings in force for a tenant, of a process with its own.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn of_tenant(db: &Db, process: &Settings, scope: TenantScope) -> Result<Self, DbError> {
        let stored = settings::stored(db, scope).await?;
        let InForce { render_device, render_samples, max_upload_bytes, max_pixels, .. } = InForce::of(process, &stored);
        let own: TenantConfig = tenant_configs::get(db, scope).await?.config;
        let lower = |own: Option<i64>, setting: u64| own.map_or(setting, |own| own.unsigned_abs().min(setting));
        Ok(Self {
            limits: Limits {
                pixels_max: lower(own.max_pixels, max_pixels),
                samples_max: SAMPLES_MAX,
                samples_default: render_samples,
                device_default: render_device,
            },
            upload_bytes_max: lower(own.max_upload_bytes, max_upload_bytes),
            material_library: Some(own.material_library).filter(|name| name != BUILTIN_LIBRARY),
            fallback_material: Some(own.fallback_material).filter(|name| name != FALLBACK_MATERIAL),
            engines_allowed: own.render_engines_allowed,
            features: own.features,
        })
    }

    /// Checks that a feature is on.
    ///
    /// # Errors
    /// [`Code::FeatureDisabled`].
    pub fn require(&self, feature: Feature) -> Result<(), AppError> {
        match self.features.has(feature) {
            true => Ok(()),
            false => Err(AppError::new(Code::FeatureDisabled, format!("`{feature}` is switched off for this tenant"))),
        }
    }
}
