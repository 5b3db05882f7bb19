//! Settings: shown, described, and changed by a merge patch (RFC 7396), all of it or nothing.

use axum::extract::State;
use axum::http::header::ETAG;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::answer::Answer;
use super::auth::Caller;
use super::body::JsonBody;
use super::problem::{ApiError, ApiResult, Code};
use super::state::AppState;
use super::worker_configs::expected_revision;
use crate::config::Settings as Config;
use crate::settings::{self, Definition, Kind, Reach, SETTINGS};
use packshot_contract::problem::{Finding, Invalid};
use packshot_contract::setting::{SettingItem, SettingRange, SettingValues, SettingsSchema};
use packshot_db::settings::{self as rows, Patch, Stored};
use packshot_domain::access::{Permission, Principal, Role};

fn answer(config: &Config, stored: &Stored) -> ApiResult<Response> {
    let revision = stored.revision().unsigned_abs();
    let body = SettingValues { values: settings::values(config, stored), revision };
    Ok(Answer::json(StatusCode::OK, &body)?.with(ETAG, format!("\"{revision}\"")).into_response())
}

/// Shows the settings in force
#[utoipa::path(
    get, path = "/api/v1/settings", operation_id = "get_settings", tag = "instance",
    responses((status = 200, description = "Every setting with its value", body = SettingValues)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller) -> ApiResult<Response> {
    answer(&state.settings, &rows::stored(&state.db, caller.scope()).await?)
}

/// Describes the settings
#[utoipa::path(
    get, path = "/api/v1/settings/schema", operation_id = "get_settings_schema", tag = "instance",
    responses((status = 200, description = "What each setting is and may be", body = SettingsSchema)),
)]
pub(crate) async fn schema(State(state): State<AppState>, caller: Caller) -> ApiResult<Response> {
    let stored = rows::stored(&state.db, caller.scope()).await?;
    let items = SETTINGS.iter().map(|definition| item(definition, &state.settings, &stored, &caller.0)).collect();
    Ok(Answer::json(StatusCode::OK, &SettingsSchema { items })?.into_response())
}

fn item(definition: &Definition, config: &Config, stored: &Stored, caller: &Principal) -> SettingItem {
    let (value, source) = settings::value(definition, config, stored);
    let is_pinned = config.in_effect.pinned_by(definition.key).is_some();
    let text = |text: Option<&str>| text.map(str::to_owned);
    SettingItem {
        key: definition.key.to_owned(),
        aliases: definition.aliases.iter().map(|&alias| alias.to_owned()).collect(),
        type_name: definition.kind.type_name().to_owned(),
        default: (definition.default)(),
        value,
        scope: definition.reach.as_str().to_owned(),
        source: source.to_owned(),
        writable: !is_pinned && may_write(caller, definition),
        secret: false,
        range: match definition.kind {
            Kind::Whole { min, max } => Some(SettingRange { min, max }),
            Kind::Text { .. } => None,
        },
        unit: text(definition.unit),
        title: definition.title.to_owned(),
        description: definition.description.to_owned(),
        affects: definition.affects.iter().map(|&what| what.to_owned()).collect(),
        recommendation: text(definition.recommendation),
        warning: text(definition.warning),
    }
}

/// Changes settings
///
/// A merge patch: members that are absent stay, `null` goes back to the default. A setting of the whole installation is changed by
/// a global admin, or by an admin of the tenant that runs it. What a command line, a variable or a file says cannot be changed here.
#[utoipa::path(
    patch, path = "/api/v1/settings", operation_id = "change_settings", tag = "instance",
    params(("If-Match" = Option<String>, Header, description = "Only if this is still the `ETag`")),
    request_body(content((Object = "application/merge-patch+json"), (Object = "application/json"))),
    responses((status = 200, description = "The settings as they are now", body = SettingValues)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let patch = read(&body, &caller.0, &state.settings)?;
    let expected = expected_revision(&headers)?;
    let stored = rows::patch(&state.db, caller.scope(), patch, expected).await?;
    tracing::info!(user = %caller.0.user, revision = stored.revision(), "settings changed");
    answer(&state.settings, &stored)
}

/// Whether somebody who may change settings may change this one.
fn may_write(caller: &Principal, definition: &Definition) -> bool {
    let is_of_instance = caller.role == Role::GlobalAdmin || caller.in_operating_tenant;
    caller.allows(Permission::WriteSettings).is_ok() && (definition.reach == Reach::Tenant || is_of_instance)
}

/// The change that a patch asks for, under the names that settings have now.
///
/// # Errors
/// A finding for each member that the caller may not write, that is no setting, has no such value, or is pinned.
fn read(body: &Value, caller: &Principal, config: &Config) -> ApiResult<Patch> {
    let Value::Object(members) = body else {
        return Err(Invalid::one("", "wrong_type", "expected an object").into());
    };
    let mut patch = Patch::default();
    let (mut forbidden, mut invalid, mut pinned) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in members {
        let found = |code: Code, detail: String| {
            Finding::new(format!("/{}", packshot_contract::members::escape(name)), code.as_str(), detail)
        };
        let Some(definition) = settings::definition::find(name) else {
            invalid.push(found(Code::UnknownSetting, format!("there is no setting {name:?}")));
            continue;
        };
        if !may_write(caller, definition) {
            let detail = "it is for the whole installation, which another tenant runs";
            forbidden.push(found(Code::Forbidden, detail.to_owned()));
        } else if let Some(source) = config.in_effect.pinned_by(definition.key) {
            let detail = format!("the service was started with it: {}", source.replace('_', " "));
            pinned.push(found(Code::SettingPinned, detail));
        } else if let Err(expected) = if value.is_null() { Ok(()) } else { definition.kind.check(value) } {
            invalid.push(found(Code::InvalidSetting, expected));
        } else if part_of(&mut patch, definition).insert(definition.key.to_owned(), value.clone()).is_some() {
            invalid.push(found(Code::InvalidSetting, format!("{:?} is there twice, under two names", definition.key)));
        }
    }
    let refused = |findings: Vec<Finding>, code: Code, detail: &str| match findings.is_empty() {
        true => Ok(()),
        false => Err(ApiError::of_input(code.as_str(), detail, findings)),
    };
    refused(forbidden, Code::Forbidden, "not all of these settings are yours to change")?;
    Invalid::unless_clean((), invalid)?;
    refused(pinned, Code::SettingPinned, "the service was started with some of these settings")?;
    Ok(patch)
}

fn part_of<'p>(patch: &'p mut Patch, definition: &Definition) -> &'p mut Map<String, Value> {
    match definition.reach {
        Reach::Instance => &mut patch.instance,
        Reach::Tenant => &mut patch.tenant,
    }
}
