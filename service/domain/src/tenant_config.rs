//! The configuration of a tenant: its limits, its features, and what it chose for itself (tenancy.md §8).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::access::Role;
use super::change::Change;
use super::feature::{Feature, Features};
use super::words::words;

/// The material for parts that nothing matches, where the tenant chose none.
pub const FALLBACK_MATERIAL: &str = "STD_059999_FailedMaterial";
/// The library that ships with the program: it lies below every other one and needs no file.
pub const BUILTIN_LIBRARY: &str = "STD";
/// The longest time that a tenant may have files kept, in days.
pub const RETENTION_DAYS_MAX: u32 = 36_500;
/// Most characters of a render engine's name.
const ENGINE_CHARS_MAX: usize = 32;

words! {
    /// A member of the configuration.
    pub enum ConfigMember {
        /// Renders that run at the same time, at most
        MaxConcurrentRenders = "max_concurrent_renders",
        /// Render engines that output types may name
        RenderEnginesAllowed = "render_engines_allowed",
        /// Lines of an order, at most
        MaxOrderSize = "max_order_size",
        /// The material for parts that nothing matches
        FallbackMaterial = "fallback_material",
        /// Whether there are notifications and webhooks
        NotificationsEnabled = "notifications_enabled",
        /// What numbers of invoices begin with
        InvoicePrefix = "invoice_prefix",
        /// The library that materials are looked up in
        MaterialLibrary = "material_library",
        /// Jobs that wait, at most
        MaxQueuedJobs = "max_queued_jobs",
        /// Bytes of all stored files together, at most
        MaxStorageBytes = "max_storage_bytes",
        /// Bytes of an upload, at most
        MaxUploadBytes = "max_upload_bytes",
        /// Pixels of a picture, at most
        MaxPixels = "max_pixels",
        /// Requests per second, at most
        RateLimitPerS = "rate_limit_per_s",
        /// How long files are kept that nothing needs
        RetentionDays = "retention_days",
        /// What is switched on
        Features = "features",
    }
}

impl ConfigMember {
    /// Whether someone with this role writes it: limits and features are set by those who run the platform, the rest by
    /// the tenant's own admins too.
    #[must_use]
    pub const fn is_written_by(self, role: Role) -> bool {
        match self {
            Self::MaxConcurrentRenders
            | Self::MaxQueuedJobs
            | Self::MaxStorageBytes
            | Self::MaxUploadBytes
            | Self::MaxPixels
            | Self::RateLimitPerS
            | Self::Features => matches!(role, Role::GlobalAdmin),
            Self::RenderEnginesAllowed
            | Self::MaxOrderSize
            | Self::FallbackMaterial
            | Self::NotificationsEnabled
            | Self::InvoicePrefix
            | Self::MaterialLibrary
            | Self::RetentionDays => matches!(role, Role::GlobalAdmin | Role::TenantAdmin),
        }
    }
}

words! {
    /// A class of files whose time a tenant may set. Those of the class `raw-evidence` stay until they are deleted.
    pub enum LimitedClass {
        /// Results, and what direct renders were made of
        RenderOutput = "render-output",
        /// Previews
        Preview = "preview",
        /// Frames and other remains of work
        Scratch = "scratch",
    }
}

/// The name of a render engine, such as `cycles`: 1 to 32 lower-case letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineName(String);

/// Text that is not the name of a render engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a render engine: 1 to {ENGINE_CHARS_MAX} lower-case letters, digits, - and _")]
pub struct InvalidEngineName;

impl EngineName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EngineName {
    type Err = InvalidEngineName;

    fn from_str(text: &str) -> Result<Self, InvalidEngineName> {
        let is_fit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        let is_name = (1..=ENGINE_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_fit);
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidEngineName) }
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The configuration of a tenant. A limit that is `None` is the setting's; without a limit of stored bytes or of
/// requests, there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantConfig {
    /// Renders that run at the same time, at most.
    pub max_concurrent_renders: i32,
    /// Render engines that output types may name.
    pub render_engines_allowed: Vec<EngineName>,
    /// Lines of an order, at most.
    pub max_order_size: i32,
    /// The material for parts that nothing matches, by id or code.
    pub fallback_material: String,
    /// Whether there are notifications and webhooks.
    pub notifications_enabled: bool,
    /// What numbers of invoices begin with.
    pub invoice_prefix: String,
    /// The library that materials are looked up in, by name.
    pub material_library: String,
    /// Jobs that wait, at most.
    pub max_queued_jobs: i32,
    /// Bytes of all stored files together, at most.
    pub max_storage_bytes: Option<i64>,
    /// Bytes of an upload, at most; never more than the setting.
    pub max_upload_bytes: Option<i64>,
    /// Pixels of a picture, at most; never more than the setting.
    pub max_pixels: Option<i64>,
    /// Requests per second, at most.
    pub rate_limit_per_s: Option<i32>,
    /// Days that files of a class are kept which nothing needs; classes that are not here have their usual time.
    pub retention_days: BTreeMap<LimitedClass, u32>,
    /// What is switched on.
    pub features: Features,
}

impl TenantConfig {
    /// What a tenant starts with; `is_operating` says whether it is the one that runs the installation.
    #[must_use]
    pub fn default_of(is_operating: bool) -> Self {
        Self {
            max_concurrent_renders: 3,
            render_engines_allowed: vec![EngineName("cycles".to_owned())],
            max_order_size: 500,
            fallback_material: FALLBACK_MATERIAL.to_owned(),
            notifications_enabled: true,
            invoice_prefix: "INV".to_owned(),
            material_library: BUILTIN_LIBRARY.to_owned(),
            max_queued_jobs: 1000,
            max_storage_bytes: None,
            max_upload_bytes: None,
            max_pixels: None,
            rate_limit_per_s: None,
            retention_days: BTreeMap::new(),
            features: Features::default_of(is_operating),
        }
    }
}

/// A change of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantConfigChange {
    /// Renders that run at the same time.
    pub max_concurrent_renders: Change<i32>,
    /// Render engines; the whole list.
    pub render_engines_allowed: Change<Vec<EngineName>>,
    /// Lines of an order.
    pub max_order_size: Change<i32>,
    /// The material for parts that nothing matches.
    pub fallback_material: Change<String>,
    /// Whether there are notifications and webhooks.
    pub notifications_enabled: Change<bool>,
    /// What numbers of invoices begin with.
    pub invoice_prefix: Change<String>,
    /// The library that materials are looked up in.
    pub material_library: Change<String>,
    /// Jobs that wait.
    pub max_queued_jobs: Change<i32>,
    /// Bytes of all stored files together.
    pub max_storage_bytes: Change<i64>,
    /// Bytes of an upload.
    pub max_upload_bytes: Change<i64>,
    /// Pixels of a picture.
    pub max_pixels: Change<i64>,
    /// Requests per second.
    pub rate_limit_per_s: Change<i32>,
    /// Days that files are kept, for the classes that are named.
    pub retention_days: Change<Vec<(LimitedClass, Change<u32>)>>,
    /// The features that are named.
    pub features: Change<Vec<(Feature, Change<bool>)>>,
}

impl TenantConfigChange {
    /// The configuration after the change; `default` is what the tenant started with.
    #[must_use]
    pub fn of(self, before: TenantConfig, default: TenantConfig) -> TenantConfig {
        TenantConfig {
            max_concurrent_renders: self
                .max_concurrent_renders
                .of(before.max_concurrent_renders, default.max_concurrent_renders),
            render_engines_allowed: self
                .render_engines_allowed
                .of(before.render_engines_allowed, default.render_engines_allowed),
            max_order_size: self.max_order_size.of(before.max_order_size, default.max_order_size),
            fallback_material: self.fallback_material.of(before.fallback_material, default.fallback_material),
            notifications_enabled: self
                .notifications_enabled
                .of(before.notifications_enabled, default.notifications_enabled),
            invoice_prefix: self.invoice_prefix.of(before.invoice_prefix, default.invoice_prefix),
            material_library: self.material_library.of(before.material_library, default.material_library),
            max_queued_jobs: self.max_queued_jobs.of(before.max_queued_jobs, default.max_queued_jobs),
            max_storage_bytes: self.max_storage_bytes.some().of(before.max_storage_bytes, default.max_storage_bytes),
            max_upload_bytes: self.max_upload_bytes.some().of(before.max_upload_bytes, default.max_upload_bytes),
            max_pixels: self.max_pixels.some().of(before.max_pixels, default.max_pixels),
            rate_limit_per_s: self.rate_limit_per_s.some().of(before.rate_limit_per_s, default.rate_limit_per_s),
            retention_days: retention_after(self.retention_days, before.retention_days, default.retention_days),
            features: features_after(self.features, before.features, default.features),
        }
    }
}

fn retention_after(
    change: Change<Vec<(LimitedClass, Change<u32>)>>,
    before: BTreeMap<LimitedClass, u32>,
    default: BTreeMap<LimitedClass, u32>,
) -> BTreeMap<LimitedClass, u32> {
    let Change::Set(classes) = change else { return change_of_all(&change, before, default) };
    classes.into_iter().fold(before, |mut days, (class, change)| {
        match change.some().of(days.get(&class).copied(), default.get(&class).copied()) {
            Some(number) => _ = days.insert(class, number),
            None => _ = days.remove(&class),
        }
        days
    })
}

fn features_after(change: Change<Vec<(Feature, Change<bool>)>>, before: Features, default: Features) -> Features {
    let Change::Set(named) = change else { return change_of_all(&change, before, default) };
    named.into_iter().fold(before, |features, (feature, change)| {
        features.with(feature, change.of(features.has(feature), default.has(feature)))
    })
}

/// What a change makes of a member that names none of its parts.
fn change_of_all<T, M>(change: &Change<T>, before: M, default: M) -> M {
    if matches!(change, Change::Reset) { default } else { before }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t65_what_a_tenant_starts_with() {
        let config = TenantConfig::default_of(false);
        assert_eq!((config.max_concurrent_renders, config.max_order_size, config.max_queued_jobs), (3, 500, 1000));
        assert_eq!(config.render_engines_allowed.iter().map(EngineName::as_str).collect::<Vec<_>>(), ["cycles"]);
        assert_eq!((config.fallback_material.as_str(), config.material_library.as_str()), (FALLBACK_MATERIAL, "STD"));
        assert_eq!((config.invoice_prefix.as_str(), config.notifications_enabled), ("INV", true));
    }

    #[test]
    fn t68_limits_and_features_are_the_platforms() {
        let of_platform: Vec<&str> = ConfigMember::ALL
            .iter()
            .filter(|member| !member.is_written_by(Role::TenantAdmin))
            .map(|member| member.as_str())
            .collect();
        let limits = ["max_concurrent_renders", "max_queued_jobs", "max_storage_bytes", "max_upload_bytes"];
        assert_eq!(of_platform, [&limits[..], &["max_pixels", "rate_limit_per_s", "features"]].concat());
        for member in ConfigMember::ALL {
            assert!(member.is_written_by(Role::GlobalAdmin));
            assert!(!member.is_written_by(Role::ProjectManager) && !member.is_written_by(Role::Client));
        }
    }

    #[test]
    fn t69_a_change_names_members_and_parts_of_them() {
        let default = TenantConfig::default_of(false);
        let change = |change: TenantConfigChange, before: &TenantConfig| change.of(before.clone(), default.clone());
        assert_eq!(change(TenantConfigChange::default(), &default), default);
        let first = change(
            TenantConfigChange {
                max_order_size: Change::Set(7),
                max_pixels: Change::Set(100),
                features: Change::Set(vec![(Feature::Turntables, Change::Set(false))]),
                retention_days: Change::Set(vec![
                    (LimitedClass::Preview, Change::Set(90)),
                    (LimitedClass::Scratch, Change::Set(2)),
                ]),
                ..TenantConfigChange::default()
            },
            &default,
        );
        assert_eq!((first.max_order_size, first.max_pixels, first.max_queued_jobs), (7, Some(100), 1000));
        assert!(!first.features.has(Feature::Turntables) && first.features.has(Feature::DirectRenders));
        let second = change(
            TenantConfigChange {
                max_pixels: Change::Reset,
                features: Change::Set(vec![
                    (Feature::Turntables, Change::Reset),
                    (Feature::ExternalExecutor, Change::Reset),
                    (Feature::Webhooks, Change::Set(false)),
                ]),
                retention_days: Change::Set(vec![(LimitedClass::Scratch, Change::Reset)]),
                ..TenantConfigChange::default()
            },
            &first,
        );
        assert_eq!((second.max_order_size, second.max_pixels), (7, None));
        assert_eq!(second.features.off().collect::<Vec<_>>(), [Feature::ExternalExecutor, Feature::Webhooks]);
        assert_eq!(second.retention_days, BTreeMap::from([(LimitedClass::Preview, 90)]));
        let last = TenantConfigChange { features: Change::Reset, retention_days: Change::Reset, ..Default::default() };
        let last = change(last, &second);
        assert_eq!((last.features, last.retention_days), (default.features, BTreeMap::new()));
    }

    #[test]
    fn engines_have_plain_names() {
        for name in ["cycles", "path_tracer", "a", "eevee-2"] {
            assert_eq!(name.parse::<EngineName>().map(|engine| engine.to_string()).as_deref(), Ok(name));
        }
        for text in ["", "two words", "Cycles", "é", &"a".repeat(33)] {
            assert_eq!(text.parse::<EngineName>(), Err(InvalidEngineName), "{text}");
        }
    }
}
