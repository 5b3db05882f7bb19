//! The configuration of a tenant, and changes of it.

use std::collections::BTreeMap;

use packshot_json::{FaultKind, Faults, Members, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::problem::Invalid;
use super::read::change_to;
use packshot_domain::change::Change;
use packshot_domain::feature::{self, Feature};
use packshot_domain::tenant_config::{ConfigMember, EngineName, LimitedClass, RETENTION_DAYS_MAX, TenantConfigChange};

/// Most renders of a tenant at once.
const CONCURRENT_RENDERS_MAX: u32 = 1_000;
/// Most jobs of a tenant that wait, most lines of an order, and most requests a second.
const COUNT_MAX: u32 = 1_000_000;
/// Most bytes, or pixels, that a limit may name.
const AMOUNT_MAX: i64 = 1 << 53;
/// Most bytes of the name of a library or a material.
const NAME_BYTES_MAX: usize = 256;
/// Most bytes of what numbers of invoices begin with.
const PREFIX_BYTES_MAX: usize = 32;
/// Most render engines in a list.
const ENGINES_MAX: usize = 16;

/// The configuration of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TenantConfig {
    /// Renders that run at the same time, at most.
    pub max_concurrent_renders: u32,
    /// Render engines that output types may name; `cycles` and `path_tracer` are the same engine.
    pub render_engines_allowed: Vec<String>,
    /// Lines of an order, at most.
    pub max_order_size: u32,
    /// The material for parts that nothing matches. If this is the built-in one, the default, a library's own comes
    /// first.
    pub fallback_material: String,
    /// Whether there are notifications and webhooks.
    pub notifications_enabled: bool,
    /// What numbers of invoices begin with.
    pub invoice_prefix: String,
    /// The library that materials are looked up in, by name.
    pub material_library: String,
    /// Jobs that wait, at most.
    pub max_queued_jobs: u32,
    /// Bytes of all stored files together, at most; `null`: no limit.
    pub max_storage_bytes: Option<u64>,
    /// Bytes of an upload, at most; `null`: as many as the setting allows, which is never exceeded.
    pub max_upload_bytes: Option<u64>,
    /// Pixels of a picture, at most; `null`: as many as the setting allows, which is never exceeded.
    pub max_pixels: Option<u64>,
    /// Requests per second of all users and keys together, at most; `null`: no limit.
    pub rate_limit_per_s: Option<u32>,
    /// How many days files are kept that nothing needs, by class: `render-output`, `preview`, `scratch`. A class that
    /// is not here has its usual time.
    #[schema(value_type = Object)]
    pub retention_days: BTreeMap<String, u32>,
    /// What is switched on.
    pub features: Features,
    /// Grows with each change; the `ETag`.
    pub revision: u64,
}

/// The parts of the service that can be switched off for a tenant. Running work goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Features {
    /// Renders that a client asks for directly.
    pub direct_renders: bool,
    /// Turntables.
    pub turntables: bool,
    /// Workflows of the tenant's own.
    pub workflows: bool,
    /// Workflows that only observe.
    pub shadow_mode: bool,
    /// Renderers other than the built-in one.
    pub external_executor: bool,
    /// Designs on products.
    pub design_renders: bool,
    /// Reviews of materials with suggested fixes.
    pub suggested_fixes: bool,
    /// Webhooks.
    pub webhooks: bool,
}

impl From<feature::Features> for Features {
    fn from(features: feature::Features) -> Self {
        Self {
            direct_renders: features.has(Feature::DirectRenders),
            turntables: features.has(Feature::Turntables),
            workflows: features.has(Feature::Workflows),
            shadow_mode: features.has(Feature::ShadowMode),
            external_executor: features.has(Feature::ExternalExecutor),
            design_renders: features.has(Feature::DesignRenders),
            suggested_fixes: features.has(Feature::SuggestedFixes),
            webhooks: features.has(Feature::Webhooks),
        }
    }
}

/// A change of a configuration, as a merge patch (RFC 7396): absent members stay, `null` is the default. Only a
/// global admin can change limits and features.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TenantConfigPatch {
    /// Renders that run at the same time, at most; for a global admin.
    #[schema(minimum = 1, maximum = 1000)]
    pub max_concurrent_renders: Option<u32>,
    /// Render engines that output types may name; the whole list.
    pub render_engines_allowed: Option<Vec<String>>,
    /// Lines of an order, at most.
    #[schema(minimum = 1, maximum = 1000000)]
    pub max_order_size: Option<u32>,
    /// The material for parts that nothing matches, by id or code; the tenant's library, or the built-in one, must have
    /// it.
    pub fallback_material: Option<String>,
    /// Whether there are notifications and webhooks.
    pub notifications_enabled: Option<bool>,
    /// What numbers of invoices begin with.
    pub invoice_prefix: Option<String>,
    /// The library that materials are looked up in: `STD`, or one that the tenant has uploaded.
    pub material_library: Option<String>,
    /// Jobs that wait, at most; for a global admin.
    #[schema(minimum = 1, maximum = 1000000)]
    pub max_queued_jobs: Option<u32>,
    /// Bytes of all stored files together, at most; for a global admin.
    #[schema(minimum = 1)]
    pub max_storage_bytes: Option<u64>,
    /// Bytes of an upload, no more than the setting allows; for a global admin.
    #[schema(minimum = 1)]
    pub max_upload_bytes: Option<u64>,
    /// Pixels of a picture, no more than the setting allows; for a global admin.
    #[schema(minimum = 1)]
    pub max_pixels: Option<u64>,
    /// Requests per second of all users and keys together, at most; for a global admin.
    #[schema(minimum = 1, maximum = 1000000)]
    pub rate_limit_per_s: Option<u32>,
    /// How many days files are kept that nothing needs, 1 to 36500, by class; classes that are absent stay.
    #[schema(value_type = Option<Object>)]
    pub retention_days: Option<BTreeMap<String, Option<u32>>>,
    /// Features by name, on or off; those that are absent stay. For a global admin.
    #[schema(value_type = Option<Object>)]
    pub features: Option<BTreeMap<String, Option<bool>>>,
}

impl TenantConfigPatch {
    /// Reads a change.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`, `duplicate`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<TenantConfigChange, Invalid> {
        let faults = Faults::default();
        let change = Self::read(&Node::root(body, &faults));
        Invalid::unless_faults(change, faults)
    }

    /// The change in a part of a larger document.
    pub(crate) fn read(node: &Node<'_>) -> Option<TenantConfigChange> {
        let mut m = node.members()?;
        let change = TenantConfigChange {
            max_concurrent_renders: change(&mut m, ConfigMember::MaxConcurrentRenders, |node| {
                count(node, CONCURRENT_RENDERS_MAX)
            }),
            render_engines_allowed: change(&mut m, ConfigMember::RenderEnginesAllowed, engines),
            max_order_size: change(&mut m, ConfigMember::MaxOrderSize, |node| count(node, COUNT_MAX)),
            fallback_material: change(&mut m, ConfigMember::FallbackMaterial, name),
            notifications_enabled: change(&mut m, ConfigMember::NotificationsEnabled, Node::flag),
            invoice_prefix: change(&mut m, ConfigMember::InvoicePrefix, |node| {
                node.text(PREFIX_BYTES_MAX).map(str::to_owned)
            }),
            material_library: change(&mut m, ConfigMember::MaterialLibrary, name),
            max_queued_jobs: change(&mut m, ConfigMember::MaxQueuedJobs, |node| count(node, COUNT_MAX)),
            max_storage_bytes: change(&mut m, ConfigMember::MaxStorageBytes, amount),
            max_upload_bytes: change(&mut m, ConfigMember::MaxUploadBytes, amount),
            max_pixels: change(&mut m, ConfigMember::MaxPixels, amount),
            rate_limit_per_s: change(&mut m, ConfigMember::RateLimitPerS, |node| count(node, COUNT_MAX)),
            retention_days: change(&mut m, ConfigMember::RetentionDays, |node| {
                parts(node, LimitedClass::ALL, LimitedClass::as_str, |node| node.count(1..=RETENTION_DAYS_MAX))
            }),
            features: change(&mut m, ConfigMember::Features, |node| {
                parts(node, Feature::ALL, Feature::as_str, Node::flag)
            }),
        };
        m.finish();
        Some(change)
    }
}

/// What a patch makes of a member.
fn change<'a, T>(m: &mut Members<'a>, member: ConfigMember, read: impl FnOnce(&Node<'a>) -> Option<T>) -> Change<T> {
    m.take(member.as_str()).map_or(Change::Keep, |node| change_to(&node, read))
}

/// What a patch makes of the parts of a member that it names, of those that there are.
fn parts<'a, P: Copy, T>(
    node: &Node<'a>,
    all: &[P],
    name: fn(P) -> &'static str,
    read: impl Fn(&Node<'a>) -> Option<T>,
) -> Option<Vec<(P, Change<T>)>> {
    let mut m = node.members()?;
    let mut named = Vec::new();
    for part in all {
        if let Some(node) = m.take(name(*part)) {
            named.push((*part, change_to(&node, &read)));
        }
    }
    m.finish();
    Some(named)
}

fn count(node: &Node<'_>, max: u32) -> Option<i32> {
    node.count(1..=max).and_then(|number| i32::try_from(number).ok())
}

fn amount(node: &Node<'_>) -> Option<i64> {
    node.whole(1..=AMOUNT_MAX)
}

fn name(node: &Node<'_>) -> Option<String> {
    node.text(NAME_BYTES_MAX).map(str::to_owned)
}

fn engines(node: &Node<'_>) -> Option<Vec<EngineName>> {
    let nodes = node.list()?;
    if !(1..=ENGINES_MAX).contains(&nodes.len()) {
        return node.refuse(FaultKind::Range, format!("expected 1 to {ENGINES_MAX} render engines"));
    }
    let mut engines: Vec<EngineName> = Vec::new();
    for node in &nodes {
        match node.string()?.parse::<EngineName>() {
            Ok(engine) if engines.contains(&engine) => {
                return node.refuse(FaultKind::Duplicate, format!("`{engine}` is listed twice"));
            }
            Ok(engine) => engines.push(engine),
            Err(error) => return node.refuse(FaultKind::Range, error.to_string()),
        }
    }
    Some(engines)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(patch: Value) -> Vec<String> {
        let refused = TenantConfigPatch::parse(&patch).expect_err("wrong");
        refused.findings.into_iter().map(|finding| finding.pointer).collect()
    }

    #[test]
    fn t69_absent_stays_and_null_is_the_default() {
        assert_eq!(TenantConfigPatch::parse(&json!({})), Ok(TenantConfigChange::default()));
        let patch = json!({
            "max_order_size": 7, "max_pixels": null, "render_engines_allowed": ["cycles", "eevee"],
            "features": {"turntables": false, "webhooks": null}, "retention_days": {"preview": 90},
        });
        let engines = ["cycles", "eevee"].map(|name| name.parse::<EngineName>().expect("a name"));
        let expected = TenantConfigChange {
            max_order_size: Change::Set(7),
            max_pixels: Change::Reset,
            render_engines_allowed: Change::Set(engines.into()),
            features: Change::Set(vec![(Feature::Turntables, Change::Set(false)), (Feature::Webhooks, Change::Reset)]),
            retention_days: Change::Set(vec![(LimitedClass::Preview, Change::Set(90))]),
            ..TenantConfigChange::default()
        };
        assert_eq!(TenantConfigPatch::parse(&patch), Ok(expected));
    }

    #[test]
    fn everything_wrong_with_a_patch_is_found_together() {
        assert_eq!(
            pointers(json!({
                "max_concurrent_renders": 0, "render_engines_allowed": [], "max_order_size": "many",
                "fallback_material": "", "notifications_enabled": 1, "max_storage_bytes": 0, "max_upload_bytes": 1.5,
                "retention_days": {"preview": 36_501, "raw-evidence": 1}, "features": {"turntables": "no", "x": true},
                "slug": "beta",
            })),
            [
                "/max_concurrent_renders",
                "/render_engines_allowed",
                "/max_order_size",
                "/fallback_material",
                "/notifications_enabled",
                "/max_storage_bytes",
                "/max_upload_bytes",
                "/retention_days/preview",
                "/retention_days/raw-evidence",
                "/features/turntables",
                "/features/x",
                "/slug"
            ]
        );
        assert_eq!(pointers(json!({"render_engines_allowed": ["a", "a"]})), ["/render_engines_allowed/1"]);
        assert_eq!(pointers(json!({"render_engines_allowed": ["two words"]})), ["/render_engines_allowed/0"]);
        assert_eq!(pointers(json!([])), [""]);
    }
}
