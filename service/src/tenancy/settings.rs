//! Settings: shown, described, and changed by a merge patch (RFC 7396), all of it or nothing.

use serde_json::{Map, Value};

use crate::app::{App, AppError, Code};
use crate::config::Settings as Config;
use crate::settings::{self, Definition, Kind, Pin, Reach, SETTINGS};
use packshot_contract::problem::{Finding, Invalid};
use packshot_contract::setting::{SettingItem, SettingRange, SettingValues, SettingsSchema};
use packshot_db::TenantScope;
use packshot_db::settings::{self as rows, Patch, Stored};
use packshot_domain::access::{Permission, Role};
use packshot_domain::principal::Principal;

fn values_of(config: &Config, stored: &Stored) -> SettingValues {
    SettingValues { values: settings::values(config, stored), revision: stored.revision().unsigned_abs() }
}

/// Every setting with its value in force.
///
/// # Errors
/// Errors of the database.
pub async fn values(app: &App, who: &Principal) -> Result<SettingValues, AppError> {
    let stored = rows::stored(&app.db, TenantScope::of(who.tenant)).await?;
    Ok(values_of(&app.settings, &stored))
}

/// All settings with their possible values, and which of them the caller may change.
///
/// # Errors
/// Errors of the database.
pub async fn schema(app: &App, who: &Principal) -> Result<SettingsSchema, AppError> {
    let stored = rows::stored(&app.db, TenantScope::of(who.tenant)).await?;
    let items = SETTINGS.iter().map(|definition| item(definition, &app.settings, &stored, who)).collect();
    Ok(SettingsSchema { items })
}

fn item(definition: &Definition, config: &Config, stored: &Stored, caller: &Principal) -> SettingItem {
    let (value, source) = settings::value(definition, config, stored);
    let is_pinned = settings::pin(definition, config).is_some();
    let text = |text: Option<&str>| text.map(str::to_owned);
    SettingItem {
        key: definition.key.to_owned(),
        aliases: definition.aliases.iter().map(|&alias| alias.to_owned()).collect(),
        type_name: definition.kind.type_name().to_owned(),
        default: (definition.default)(),
        value: settings::shown(definition, value),
        scope: definition.reach.as_str().to_owned(),
        source: source.to_owned(),
        writable: !is_pinned && may_write(caller, definition),
        secret: definition.kind.is_secret(),
        range: match definition.kind {
            Kind::Whole { min, max } => Some(SettingRange { min, max }),
            _ => None,
        },
        unit: text(definition.unit),
        title: definition.title.to_owned(),
        description: definition.description.to_owned(),
        affects: definition.affects.iter().map(|&what| what.to_owned()).collect(),
        recommendation: text(definition.recommendation),
        warning: text(definition.warning),
    }
}

/// A change of settings that the caller may make, under current names.
#[derive(Clone, Debug)]
pub struct SettingsChange(Patch);

impl SettingsChange {
    /// Reads a merge patch.
    ///
    /// # Errors
    /// A finding for each member that `who` may not write, that is not a setting, has an invalid value, or is pinned.
    pub fn read(app: &App, who: &Principal, patch: &Value) -> Result<Self, AppError> {
        read(patch, who, &app.settings).map(Self)
    }
}

/// Changes settings; with `expected`, only if that is the current revision.
///
/// # Errors
/// [`Code::PreconditionFailed`].
pub async fn change(
    app: &App,
    who: &Principal,
    change: SettingsChange,
    expected: Option<i64>,
) -> Result<SettingValues, AppError> {
    let stored = rows::patch(&app.db, TenantScope::of(who.tenant), who.actor(), change.0, expected).await?;
    app.recent.forget();
    tracing::info!(user = %who.user, revision = stored.revision(), "settings changed");
    Ok(values_of(&app.settings, &stored))
}

/// Whether a caller may change this setting.
fn may_write(caller: &Principal, definition: &Definition) -> bool {
    let is_permitted = caller.allows(Permission::WriteSettings).is_ok();
    is_permitted && (definition.reach == Reach::Tenant || is_of_installation(caller))
}

/// Whether a caller who may change settings may change those of the whole installation.
fn is_of_installation(caller: &Principal) -> bool {
    caller.role == Role::GlobalAdmin || caller.in_operating_tenant
}

/// The change that a patch asks for, under current names.
///
/// # Errors
/// A finding for each member that the caller may not write, that is not a setting, has an invalid value, or is pinned.
fn read(body: &Value, caller: &Principal, config: &Config) -> Result<Patch, AppError> {
    let Value::Object(members) = body else {
        return Err(Invalid::one("", "wrong_type", "expected an object").into());
    };
    let secrets = SETTINGS.iter().filter(|definition| definition.kind.is_secret());
    let mut patch = Patch { secrets: secrets.map(|definition| definition.key).collect(), ..Patch::default() };
    let (mut forbidden, mut invalid, mut pinned) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in members {
        let found = |code: Code, detail: String| Finding::new(packshot_json::pointer("", name), code.as_str(), detail);
        let Some(definition) = settings::definition::find(name) else {
            invalid.push(found(Code::UnknownSetting, unknown(name, config)));
            continue;
        };
        if !may_write(caller, definition) {
            let detail = "this setting applies to the whole installation: only an administrator of the operating tenant can change it";
            forbidden.push(found(Code::Forbidden, detail.to_owned()));
        } else if let Some(pin) = settings::pin(definition, config) {
            pinned.push(found(Code::SettingPinned, why(pin, definition, caller, config)));
        } else {
            let kept = if value.is_null() { Ok(Value::Null) } else { definition.kind.read(value, config) };
            match kept.map(|kept| part_of(&mut patch, definition).insert(definition.key.to_owned(), kept)) {
                Ok(None) => {}
                Ok(Some(_)) => {
                    let twice = format!("{:?} is given twice, under two names", definition.key);
                    invalid.push(found(Code::InvalidSetting, twice));
                }
                Err(expected) => invalid.push(found(Code::InvalidSetting, expected)),
            }
        }
    }
    let refused = |findings: Vec<Finding>, code: Code, detail: &str| match findings.is_empty() {
        true => Ok(()),
        false => Err(AppError::of_input(code.as_str(), detail, findings)),
    };
    refused(forbidden, Code::Forbidden, "you may not change some of these settings")?;
    Invalid::unless_clean((), invalid)?;
    refused(pinned, Code::SettingPinned, "some of these settings are fixed when the service starts")?;
    Ok(patch)
}

/// What is wrong with a name that no setting here has.
fn unknown(name: &str, config: &Config) -> String {
    if config.in_effect.has(name) {
        return format!("{name:?} can only be set in the settings file, the environment or on the command line");
    }
    let known = SETTINGS.iter().flat_map(|definition| definition.aliases.iter().copied().chain([definition.key]));
    match packshot_words::mistyped(name, known) {
        Some(near) => format!("there is no setting {name:?}; did you mean {near:?}?"),
        None => format!("there is no setting {name:?}"),
    }
}

/// Why nobody can change a setting while the service runs. Where its value stands is for those who run the
/// installation.
fn why(pin: Pin, definition: &Definition, caller: &Principal, config: &Config) -> String {
    match pin {
        Pin::AtStart(_) if !is_of_installation(caller) => {
            "this setting is fixed for all tenants: ask whoever runs the installation".to_owned()
        }
        Pin::AtStart(source) => {
            let place = config.in_effect.place_of(definition.key).unwrap_or_else(|| source.replace('_', " "));
            format!("this setting is fixed when the service starts, by {place}: change it there, then restart the service")
        }
        Pin::OfFile => {
            "only the settings file can say what runs on the service's machine: change it there, then restart the service"
                .to_owned()
        }
    }
}

fn part_of<'p>(patch: &'p mut Patch, definition: &Definition) -> &'p mut Map<String, Value> {
    match definition.reach {
        Reach::Instance => &mut patch.instance,
        Reach::Tenant => &mut patch.tenant,
    }
}
