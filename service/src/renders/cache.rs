//! Results of equal requests: when requests are equal, and the files of one that was rendered before.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::inputs::LibraryInput;
use super::made_for::MadeFor;
use super::{job, packages, provenance};
use crate::app::{App, AppError};
use packshot_contract::request::RenderRequest;
use packshot_db::renders::{self as rows, Cached, EqualRender};
use packshot_db::{TenantScope, objects};
use packshot_domain::artifact::RetentionClass;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TenantId};
use packshot_domain::render::RenderKind;
use packshot_materials::aliases::AliasLayer;
use packshot_worker::protocol::PREVIEW_NAME;

/// A part of what a picture depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part<'a> {
    /// The tenant: nothing is shared between tenants.
    Tenant(TenantId),
    /// The version of the renderer.
    Version(&'a str),
    /// The digest of the library that ships with the program.
    Builtin(&'a str),
    /// The digest of the tenant's own library.
    TenantLibrary(&'a str),
    /// The digest of a library that the request names. Several lie over each other in their order.
    RequestLibrary(&'a str),
    /// The tenant's material for parts that nothing matches.
    FallbackMaterial(&'a str),
    /// The request, with the addresses of its files, in its canonical form.
    Request(&'a [u8]),
    /// The digest of the tenant's own aliases, if there are any.
    Aliases(&'a [u8]),
}

impl Part<'_> {
    /// Says which part this is. A tag is never given to another one.
    const fn tag(&self) -> u8 {
        match self {
            Self::Tenant(_) => 1,
            Self::Version(_) => 2,
            Self::Builtin(_) => 3,
            Self::TenantLibrary(_) => 4,
            Self::RequestLibrary(_) => 5,
            Self::FallbackMaterial(_) => 6,
            Self::Request(_) => 7,
            Self::Aliases(_) => 8,
        }
    }

    /// Adds the part to bytes: its tag, its length as 8 bytes with the lowest first, what it says.
    fn write(&self, to: &mut Vec<u8>) {
        let tenant;
        let bytes = match self {
            Self::Tenant(id) => {
                tenant = id.uuid();
                tenant.as_bytes().as_slice()
            }
            Self::Version(text)
            | Self::Builtin(text)
            | Self::TenantLibrary(text)
            | Self::RequestLibrary(text)
            | Self::FallbackMaterial(text) => text.as_bytes(),
            Self::Request(bytes) | Self::Aliases(bytes) => bytes,
        };
        to.push(self.tag());
        to.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        to.extend_from_slice(bytes);
    }
}

/// Parts one after the other, each preceded by its length, so that two different lists never give equal bytes.
fn tagged(parts: &[Part<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    parts.iter().for_each(|part| part.write(&mut bytes));
    bytes
}

/// The key that requests with the same pictures share.
pub(super) fn key(
    tenant: TenantId,
    request: &RenderRequest,
    libraries: &[LibraryInput],
    fallback_material: Option<&str>,
    aliases: &AliasLayer,
) -> ContentAddress {
    let aliases = aliases.digest();
    let request = request.canonical();
    let builtin = packshot_materials::library::Library::builtin().digest();
    let mut parts = vec![Part::Tenant(tenant), Part::Version(env!("CARGO_PKG_VERSION")), Part::Builtin(builtin)];
    parts.extend(libraries.iter().map(|library| match library.file.of_job {
        true => Part::RequestLibrary(&library.digest),
        false => Part::TenantLibrary(&library.digest),
    }));
    parts.extend(fallback_material.map(Part::FallbackMaterial));
    parts.push(Part::Request(&request));
    parts.extend(aliases.as_ref().map(|digest| Part::Aliases(digest.as_bytes())));
    ContentAddress::of(&tagged(&parts))
}

/// A new render that may get the files of an equal one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    /// The render.
    pub(super) id: RenderId,
    /// What kind of pictures it makes.
    pub(super) kind: RenderKind,
    /// How long its files are kept.
    pub(super) class: RetentionClass,
    /// Its effective request.
    pub(super) request: &'a Json,
}

/// An equal render whose package is there, with packages of the same files for a new one. Its preview may be gone.
pub(super) async fn find(
    app: &App,
    scope: TenantScope,
    key: ContentAddress,
    asker: Asker<'_>,
) -> Result<Option<EqualRender>, AppError> {
    let Some(Cached { render: of, files, package, mut kept }) = rows::find_cached(&app.db, scope, key).await? else {
        return Ok(None);
    };
    let wanted: HashSet<(&str, ContentAddress)> = files.iter().map(|file| (file.name.as_str(), file.address)).collect();
    kept.retain(|new| wanted.contains(&(new.file.path.as_str(), new.file.address)));
    let there: HashSet<&str> = kept.iter().map(|new| new.file.path.as_str()).collect();
    if files.iter().any(|file| file.name != PREVIEW_NAME && !there.contains(file.name.as_str())) {
        return Ok(None);
    }
    let addresses = kept.iter().map(|new| new.file.address).collect();
    if objects::any_damaged(&app.db, scope, addresses).await? {
        return Ok(None);
    }
    for new in &kept {
        if !app.store.has(scope.tenant, &new.file.address).await? {
            return Ok(None);
        }
    }
    let Asker { id, kind, class, request } = asker;
    let made = provenance::of_package(&package)?.for_job(provenance::job(&MadeFor::render(id), kind), request.clone());
    let packages = packages::of_result(&MadeFor::render(id), class, &made, kept)?;
    Ok(Some(EqualRender { id: of.id, result: job::cached_result(&of, id)?, packages }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_parts_never_give_equal_bytes() {
        // Bytes that look like the head of another part.
        let head = [5, 1, 0, 0, 0, 0, 0, 0, 0, b'a'];
        let odd = std::str::from_utf8(&head).expect("ASCII");
        let tenant = TenantId::new();
        let lists: Vec<Vec<Part<'_>>> = vec![
            vec![],
            vec![Part::Tenant(tenant)],
            vec![Part::TenantLibrary("ab")],
            vec![Part::RequestLibrary("ab")],
            vec![Part::RequestLibrary("a"), Part::RequestLibrary("b")],
            vec![Part::RequestLibrary("b"), Part::RequestLibrary("a")],
            vec![Part::RequestLibrary("ab"), Part::RequestLibrary("")],
            vec![Part::RequestLibrary(""), Part::RequestLibrary("ab")],
            vec![Part::FallbackMaterial("")],
            vec![Part::FallbackMaterial(odd)],
            vec![Part::FallbackMaterial(""), Part::RequestLibrary("a")],
            vec![Part::Request(b"a")],
            vec![Part::Aliases(b"a")],
            vec![Part::Request(b"a"), Part::Aliases(b"a")],
            vec![Part::Request(odd.as_bytes())],
            vec![Part::Version("a"), Part::Builtin("a")],
            vec![Part::Builtin("a"), Part::Version("a")],
        ];
        let distinct: HashSet<Vec<u8>> = lists.iter().map(|list| tagged(list)).collect();
        assert_eq!(distinct.len(), lists.len());
    }
}
