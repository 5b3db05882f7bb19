//! Which materials the names of parts lead to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::app::{App, AppError, ErrorKind};
use crate::config::Settings;
use crate::libraries::{materials, of_tenant};
use crate::store::Store;
use packshot_db::material_aliases::{self, MaterialAlias};
use packshot_db::{Db, TenantScope};
use packshot_domain::id::AliasId;
use packshot_domain::material_alias::AliasScope;
use packshot_domain::principal::Principal;
use packshot_domain::product::{EntryName, FoundBy, PartEntry};
use packshot_materials::library::{Library, MaterialMethod};
use packshot_materials::name::match_key;

/// An entry for each part whose name is an alias of the tenant's own, or that of a material in its library: its id,
/// code, name or alias, exactly or in another spelling. Nothing is guessed: other parts have none.
///
/// # Errors
/// Errors of the database.
pub(super) async fn found(app: &App, who: &Principal, parts: &[String]) -> Result<Vec<PartEntry>, AppError> {
    let library = match materials::library(app, who, None).await {
        Ok(Some(library)) => library,
        Ok(None) => Arc::new(Library::builtin().clone()),
        // A library that this version cannot read leads nowhere; renders say what is wrong with it.
        Err(error) if matches!(error.kind(), ErrorKind::Input(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let active = material_aliases::active(&app.db, TenantScope::of(who.tenant)).await?;
    Ok(entries(&library, &own(active), parts))
}

/// The same for a tenant, where there is no caller: when a task has read a CAD file.
///
/// # Errors
/// Errors of the database or the store.
pub(super) async fn found_of(
    place: (&Db, &Store, &Settings),
    scope: TenantScope,
    parts: &[String],
) -> Result<Vec<PartEntry>, AppError> {
    match of_tenant::library(place, scope).await {
        Ok(library) => Ok(entries(&library, &own(material_aliases::active(place.0, scope).await?), parts)),
        Err(error) if matches!(error.kind(), ErrorKind::Input(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn entries(library: &Library, own: &HashMap<String, (AliasId, EntryName)>, parts: &[String]) -> Vec<PartEntry> {
    parts.iter().filter_map(|part| by_alias(library, own, part).or_else(|| entry(library, part))).collect()
}

/// The tenant's aliases of parts, by key.
fn own(active: Vec<MaterialAlias>) -> HashMap<String, (AliasId, EntryName)> {
    let of_parts = active.into_iter().filter(|row| row.alias.scope == AliasScope::Part);
    of_parts.map(|row| (row.alias.key.to_string(), (row.id, row.alias.material))).collect()
}

/// What the tenant itself calls the part, if that is a material of its library or of the built-in one.
fn by_alias(library: &Library, own: &HashMap<String, (AliasId, EntryName)>, part: &str) -> Option<PartEntry> {
    let (id, material) = own.get(&match_key(part))?;
    let has = |library: &Library| library.materials().iter().any(|known| known.id == material.as_str());
    let is_there = has(library) || has(Library::builtin());
    let (part_name, material) = (part.parse().ok()?, material.clone());
    is_there.then_some(PartEntry { part_name, material, found_by: Some(FoundBy::Alias), alias: Some(*id) })
}

fn entry(library: &Library, part: &str) -> Option<PartEntry> {
    let (idx, method) = library.find(part).filter(|(idx, _)| *idx != library.fallback())?;
    let found_by = match method {
        MaterialMethod::Id | MaterialMethod::Code | MaterialMethod::Name => FoundBy::Exact,
        MaterialMethod::Normalized => FoundBy::Normalized,
        MaterialMethod::Alias => FoundBy::Alias,
    };
    let material = library.material(idx).id.parse().ok()?;
    Some(PartEntry { part_name: part.parse().ok()?, material, found_by: Some(found_by), alias: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o24_names_lead_to_materials_and_nothing_is_guessed() {
        let library = Library::builtin();
        let steel =
            library.materials().iter().find(|material| !material.aliases.is_empty()).expect("one with an alias");
        let alias = &steel.aliases[0];
        for (part, found_by) in [(&steel.id, FoundBy::Exact), (&steel.code, FoundBy::Exact), (alias, FoundBy::Alias)] {
            let entry = entry(library, part).expect("found");
            assert_eq!((entry.material.as_str(), entry.found_by), (steel.id.as_str(), Some(found_by)), "{part}");
            assert_eq!(entry.part_name.as_str(), part);
        }
        let normalized = entry(library, &steel.id.to_lowercase().replace('_', "-")).expect("found");
        assert_eq!(normalized.found_by, Some(FoundBy::Normalized));
        let fallback = &library.material(library.fallback()).id;
        for part in ["Unknown_Part", "", fallback] {
            assert_eq!(entry(library, part), None, "{part}");
        }
    }
}
