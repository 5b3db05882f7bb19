//! Placements with a name: those that are built in, and those of tenants.

use serde_json::{Map, Value};

use super::require;
use crate::app::{App, AppError, Code};
use packshot_contract::design::{
    DesignPreset, DesignPresetList, DesignPresetPatch, DesignWish, PresetWish, is_builtin,
};
use packshot_db::designs::presets as rows;
use packshot_db::{DbError, TenantScope};
use packshot_domain::principal::Principal;

/// All presets: those that are built in, then the tenant's by name.
///
/// # Errors
/// `feature_disabled`.
pub async fn list(app: &App, who: &Principal) -> Result<DesignPresetList, AppError> {
    require(app, who).await?;
    let own = rows::list(&app.db, TenantScope::of(who.tenant)).await?;
    Ok(DesignPresetList { items: DesignPreset::builtin().chain(own.into_iter().map(shown)).collect() })
}

/// Gives a placement a name.
///
/// # Errors
/// `feature_disabled`; [`Code::PresetExists`] where the tenant has one of this name, or one is built in.
pub async fn create(app: &App, who: &Principal, wish: PresetWish) -> Result<DesignPreset, AppError> {
    require(app, who).await?;
    if is_builtin(&wish.name) {
        let detail = format!("`{}` is built in: choose another name", wish.name);
        return Err(AppError::new(Code::PresetExists, detail).at("/name"));
    }
    let new = (wish.name, Value::Object(wish.placement));
    match rows::create(&app.db, TenantScope::of(who.tenant), who.actor(), new).await {
        Ok(made) => Ok(shown(made)),
        Err(DbError::Exists(_)) => {
            Err(AppError::new(Code::PresetExists, "another preset of the tenant has this name").at("/name"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Changes a preset of the tenant.
///
/// # Errors
/// `feature_disabled`, [`Code::PresetNotFound`]; `precondition_failed` where somebody else changes it at the same time;
/// findings about its placement.
pub async fn change(app: &App, who: &Principal, name: &str, patch: &Value) -> Result<DesignPreset, AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let before = rows::get(&app.db, scope, name).await?;
    let revision = before.revision;
    let placement = DesignPresetPatch::apply(&shown(before).placement, patch)?;
    let of = (name.to_owned(), revision);
    Ok(shown(rows::replace(&app.db, scope, who.actor(), of, Value::Object(placement)).await?))
}

/// Deletes a preset of the tenant. Jobs that were made with it keep what it was.
///
/// # Errors
/// `feature_disabled`, [`Code::PresetNotFound`].
pub async fn delete(app: &App, who: &Principal, name: &str) -> Result<(), AppError> {
    require(app, who).await?;
    Ok(rows::delete(&app.db, TenantScope::of(who.tenant), who.actor(), name).await?)
}

/// What is asked for, with the members of the preset that it names.
///
/// # Errors
/// [`Code::PresetNotFound`].
pub(super) async fn known(app: &App, scope: TenantScope, wish: DesignWish) -> Result<DesignWish, AppError> {
    let Some(name) = wish.own_preset() else { return Ok(wish) };
    let preset = rows::get(&app.db, scope, name).await?;
    Ok(wish.build_on(&preset.placement))
}

fn shown(preset: rows::DesignPreset) -> DesignPreset {
    let placement = match preset.placement {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    DesignPreset {
        name: preset.name,
        placement,
        is_builtin: false,
        revision: preset.revision,
        created_at: Some(preset.created_at.into()),
        updated_at: Some(preset.updated_at.into()),
    }
}
