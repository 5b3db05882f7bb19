//! The configuration of a tenant: shown, and changed by a merge patch (RFC 7396), all of it or nothing.

use serde_json::Value;

use crate::app::{App, AppError, Code};
use crate::settings::InForce;
use packshot_contract::problem::{Finding, Invalid};
use packshot_contract::tenant_config::{TenantConfig, TenantConfigPatch};
use packshot_db::tenant_configs::{self, StoredConfig};
use packshot_db::{AllTenants, TenantScope, installation, tenants};
use packshot_domain::change::Change;
use packshot_domain::id::TenantId;
use packshot_domain::principal::Principal;
use packshot_domain::tenant_config::{self as domain, ConfigMember, TenantConfigChange};

/// The configuration of the tenant that the caller acts in.
///
/// # Errors
/// Errors of the database.
pub async fn get(app: &App, who: &Principal) -> Result<TenantConfig, AppError> {
    Ok(to_contract(tenant_configs::get(&app.db, TenantScope::of(who.tenant)).await?))
}

/// The caller, acting in the tenant of this id.
///
/// # Errors
/// [`Code::TenantNotFound`].
pub async fn acting_in(app: &App, who: &Principal, tenant: TenantId) -> Result<Principal, AppError> {
    match tenants::has_tenant(&app.db, AllTenants::Instance, tenant).await? {
        true => Ok(Principal { tenant, ..who.clone() }),
        false => Err(AppError::new(Code::TenantNotFound, "there is no such tenant")),
    }
}

/// A change of a configuration that the caller may make.
#[derive(Clone, Debug)]
pub struct PermittedChange(TenantConfigChange);

impl PermittedChange {
    /// Reads a merge patch.
    ///
    /// # Errors
    /// [`Code::Forbidden`] with a finding for each member that `who` may not write; otherwise a finding for each that
    /// is not a member, or has an invalid value.
    pub fn read(who: &Principal, patch: &Value) -> Result<Self, AppError> {
        let members = ConfigMember::ALL.iter().filter(|member| patch.get(member.as_str()).is_some());
        let forbidden = members.filter(|member| !member.is_written_by(who.role)).map(|member| {
            let detail = "only a global admin can change this member";
            Finding::new(pointer(*member), Code::Forbidden.as_str(), detail)
        });
        let forbidden: Vec<Finding> = forbidden.collect();
        if !forbidden.is_empty() {
            let detail = "you may not change some of these members";
            return Err(AppError::of_input(Code::Forbidden.as_str(), detail, forbidden));
        }
        Ok(Self(TenantConfigPatch::parse(patch)?))
    }

    /// The change.
    #[must_use]
    pub const fn change(&self) -> &TenantConfigChange {
        &self.0
    }
}

/// Changes the configuration of the tenant that the caller acts in; with `expected`, only if that is the current
/// revision. That its materials exist was checked before.
///
/// # Errors
/// A finding for each limit above the setting's; [`Code::PreconditionFailed`].
pub async fn change(
    app: &App,
    who: &Principal,
    PermittedChange(change): PermittedChange,
    expected: Option<i64>,
) -> Result<TenantConfig, AppError> {
    check_limits(app, &change, "").await?;
    let operating = installation::get(&app.db, AllTenants::Instance).await?.operating_tenant;
    let default = domain::TenantConfig::default_of(who.tenant == operating);
    let scope = TenantScope::of(who.tenant);
    let stored = tenant_configs::change(&app.db, scope, who.actor(), change, default, expected).await?;
    tracing::info!(user = %who.user, tenant = %who.tenant, revision = stored.revision, "tenant configuration stored");
    Ok(to_contract(stored))
}

/// A tenant's limit may only be lower than the setting of the whole installation. The change stands at `within` in its
/// document.
pub(super) async fn check_limits(app: &App, change: &TenantConfigChange, within: &str) -> Result<(), AppError> {
    let InForce { max_upload_bytes, max_pixels, .. } = InForce::of_instance(&app.db, &app.settings).await?;
    let limits = [
        (ConfigMember::MaxUploadBytes, &change.max_upload_bytes, max_upload_bytes),
        (ConfigMember::MaxPixels, &change.max_pixels, max_pixels),
    ];
    let mut findings = Vec::new();
    for (member, wanted, setting) in limits {
        if let Change::Set(wanted) = wanted
            && wanted.unsigned_abs() > setting
        {
            let detail = format!("{wanted} is more than the setting `{member}` allows, which is {setting}");
            findings.push(Finding::new(packshot_json::pointer(within, member.as_str()), "out_of_range", detail));
        }
    }
    Ok(Invalid::unless_clean((), findings)?)
}

fn pointer(member: ConfigMember) -> String {
    packshot_json::pointer("", member.as_str())
}

/// A configuration as clients see it.
pub(super) fn to_contract(StoredConfig { config, revision }: StoredConfig) -> TenantConfig {
    TenantConfig {
        max_concurrent_renders: config.max_concurrent_renders.unsigned_abs(),
        render_engines_allowed: config.render_engines_allowed.iter().map(ToString::to_string).collect(),
        max_order_size: config.max_order_size.unsigned_abs(),
        fallback_material: config.fallback_material,
        notifications_enabled: config.notifications_enabled,
        invoice_prefix: config.invoice_prefix,
        material_library: config.material_library,
        max_queued_jobs: config.max_queued_jobs.unsigned_abs(),
        max_storage_bytes: config.max_storage_bytes.map(i64::unsigned_abs),
        max_upload_bytes: config.max_upload_bytes.map(i64::unsigned_abs),
        max_pixels: config.max_pixels.map(i64::unsigned_abs),
        rate_limit_per_s: config.rate_limit_per_s.map(i32::unsigned_abs),
        retention_days: config.retention_days.into_iter().map(|(class, days)| (class.to_string(), days)).collect(),
        features: config.features.into(),
        revision: revision.unsigned_abs(),
    }
}
