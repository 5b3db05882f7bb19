//! The settings that decide what a tenant may render, and how.

use crate::app::{App, AppError, Code};
use crate::config::Settings;
use crate::settings::InForce;
use packshot_contract::output_type::Allowed;
use packshot_contract::request::SAMPLES_MAX;
use packshot_db::{Db, DbError, TenantScope, settings, tenant_configs};
use packshot_domain::executor::{NoExecutor, Wish};
use packshot_domain::feature::{Feature, Features};
use packshot_domain::output_type::{OutputKind, RenderBackend};
use packshot_domain::principal::Principal;
use packshot_domain::task::Lane;
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
    /// The executor of output types that name none.
    pub legacy_executor: Lane,
    /// All executors that there are.
    pub executors: Vec<Lane>,
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
        let InForce { render_device, render_samples, max_upload_bytes, max_pixels, legacy_executor, .. } =
            InForce::of(process, &stored);
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
            legacy_executor,
            executors: executors(process),
            features: own.features,
        })
    }

    /// What output types may name.
    #[must_use]
    pub fn allowed(&self) -> Allowed<'_> {
        Allowed { engines: &self.engines_allowed, executors: &self.executors }
    }

    /// The executor of an output type's lines.
    ///
    /// # Errors
    /// [`Code::ExecutorNotConfigured`], [`Code::ExecutorStillsOnly`], [`Code::FeatureDisabled`].
    pub fn executor(&self, of: OutputRenderer<'_>) -> Result<Lane, AppError> {
        let chosen = self.wish(of).executor().map_err(|error| no_executor(error, self.external()))?;
        match self.executors.contains(&chosen) {
            true => Ok(chosen),
            false => {
                let detail = format!("the settings file has no executor called `{chosen}` any more");
                Err(AppError::new(Code::ExecutorNotConfigured, detail))
            }
        }
    }

    /// Checks what an output type says of its renderer, before it is saved.
    ///
    /// # Errors
    /// As for [`executor`](Self::executor).
    pub fn check_executor(&self, of: OutputRenderer<'_>) -> Result<(), AppError> {
        self.wish(of).check().map_err(|error| no_executor(error, self.external()).at("/render_backend"))
    }

    fn wish<'w>(&'w self, of: OutputRenderer<'w>) -> Wish<'w> {
        let OutputRenderer { backend, kind, own } = of;
        let has_external = self.features.has(Feature::ExternalExecutor);
        Wish { backend, kind, own, setting: &self.legacy_executor, has_external }
    }

    /// Whether external executors may be used.
    fn external(&self) -> Result<(), AppError> {
        self.require(Feature::ExternalExecutor)
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

/// What an output type says of its renderer.
#[derive(Clone, Copy, Debug)]
pub struct OutputRenderer<'t> {
    /// Which renderer makes it.
    pub backend: RenderBackend,
    /// What is made.
    pub kind: OutputKind,
    /// The executor that it names.
    pub own: Option<&'t Lane>,
}

/// The executors of the settings file, and Packshot itself.
fn executors(process: &Settings) -> Vec<Lane> {
    let external = process.legacy_executors.keys().filter_map(|name| Lane::new(name).ok());
    std::iter::once(Lane::builtin()).chain(external).collect()
}

fn no_executor(error: NoExecutor, switched_off: Result<(), AppError>) -> AppError {
    match error {
        NoExecutor::SwitchedOff => {
            switched_off.err().unwrap_or_else(|| AppError::new(Code::FeatureDisabled, error.to_string()))
        }
        NoExecutor::NotConfigured => AppError::new(Code::ExecutorNotConfigured, error.to_string()),
        NoExecutor::StillsOnly(_) => AppError::new(Code::ExecutorStillsOnly, error.to_string()),
    }
}
