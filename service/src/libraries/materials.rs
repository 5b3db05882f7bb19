//! The materials of a library: the built-in one, the tenant's, or another that it uploaded.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use packshot_materials::finding::Rejected;
use packshot_materials::library::{Layer, Library, Package};

use super::of_tenant::tell_broken;
use super::upload::refused;
use crate::app::{App, AppError};
use crate::objects;
use crate::tenancy::RenderSettings;
use packshot_contract::material::{Material, MaterialPage};
use packshot_db::{TenantScope, libraries};
use packshot_domain::principal::Principal;
use packshot_domain::tenant_config::BUILTIN_LIBRARY;
use packshot_worker::library::{parse, unpack};

/// Longest text of a cursor, in bytes.
const CURSOR_BYTES_MAX: usize = 2048;

/// The library of this name, or else the tenant's own, with the libraries below it; `None` when no library has the
/// name.
///
/// # Errors
/// `library.…` findings when this version of Packshot finds a fault that the version which accepted it did not.
pub async fn library(app: &App, who: &Principal, name: Option<&str>) -> Result<Option<Arc<Library>>, AppError> {
    let is_own = name.is_none();
    let name = match name {
        Some(name) => Some(name.to_owned()),
        None => RenderSettings::in_force(app, who).await?.material_library,
    };
    let Some(name) = name.filter(|name| name != BUILTIN_LIBRARY) else {
        return Ok(Some(Arc::new(Library::builtin().clone())));
    };
    let scope = TenantScope::of(who.tenant);
    let Some(stored) = libraries::find(&app.db, scope, &name).await? else { return Ok(None) };
    let address = stored.library.address;
    if let Some(library) = app.libraries.get(&address) {
        return Ok(Some(library));
    }
    let turn = app.turn().await?;
    // While this waited for its turn, the call before may have parsed the same library.
    if let Some(library) = app.libraries.get(&address) {
        return Ok(Some(library));
    }
    let file = objects::read(&app.db, &app.store, scope, &address).await?;
    let resolved = turn.run(move || {
        let sources = unpack(&file)?;
        let n_bytes = sources.iter().map(|source| source.bytes.len() as u64).sum();
        let (package, _) = parse(&sources)?;
        Ok((Arc::new(over_builtin(package)?), n_bytes))
    });
    // It was valid when it was uploaded, so this version of Packshot finds a fault that the other did not.
    let (library, n_bytes) = match resolved.await? {
        Ok(resolved) => resolved,
        Err(rejected) => {
            let error = refused(rejected);
            if is_own {
                tell_broken(&app.db, scope, &name, &error).await;
            }
            return Err(error);
        }
    };
    app.libraries.insert(address, Arc::clone(&library), n_bytes);
    Ok(Some(library))
}

/// A library by itself if that is valid, else over the built-in one.
///
/// # Errors
/// Every `library.…` finding of the two together.
pub(super) fn over_builtin(package: Package) -> Result<Library, Rejected> {
    let stands_alone = package.extends.is_empty() && package.fallback.is_some();
    let mut layers = vec![(Layer::Job, package)];
    if !stands_alone {
        layers.insert(0, (Layer::Base, Package::builtin()));
    }
    Library::resolve(layers).map(|(library, _)| library)
}

/// A page of a library's materials by id: those whose id, code, name or alias contains `query` in any spelling, after a
/// place, at most `limit`.
pub fn search(library: &Library, query: &str, after: Option<&MaterialCursor>, limit: u32) -> MaterialPage {
    let limit = limit as usize;
    let rest = library.search(query).skip_while(|material| after.is_some_and(|after| material.id <= after.0));
    let mut items: Vec<Material> = rest.take(limit + 1).map(Material::from).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| has_more);
    MaterialPage {
        library: library.id().to_owned(),
        version: library.version().to_string(),
        digest: library.digest().to_owned(),
        next_cursor: last.map(|material| MaterialCursor(material.id.clone()).to_string()),
        items,
    }
}

/// The material of this id, code, name or alias.
pub fn find(library: &Library, name: &str) -> Option<Material> {
    let (idx, _) = library.find(name)?;
    Some(Material::from(library.material(idx)))
}

/// The place after a material, named by its id, so that materials that come and go elsewhere do not move it. As text,
/// hexadecimal digits that mean nothing to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaterialCursor(String);

/// Text that is not a place in a list of materials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct InvalidMaterialCursor;

impl fmt::Display for MaterialCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for MaterialCursor {
    type Err = InvalidMaterialCursor;

    fn from_str(text: &str) -> Result<Self, InvalidMaterialCursor> {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let is_formed = !text.is_empty() && text.len().is_multiple_of(2) && text.len() <= CURSOR_BYTES_MAX;
        let pairs = text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
        let bytes: Option<Vec<u8>> = if is_formed { pairs.collect() } else { None };
        let id = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        id.map(Self).ok_or(InvalidMaterialCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_text() {
        for id in ["STD_010101_Steel-Bare", "ä"] {
            let cursor = MaterialCursor(id.to_owned());
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "garbage", "5", "ff", "éé"] {
            assert!(text.parse::<MaterialCursor>().is_err(), "{text}");
        }
    }
}
