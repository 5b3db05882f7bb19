//! Materials that are proposed for parts in the fallback material, of what the tenant's library, its earlier choices
//! and published libraries say (suggested-fixes.md §6).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use packshot_materials::library::Library;
use packshot_materials::proposals::{self, Given, Knowledge, Proposer, PublishedName, Unmatched};
use packshot_words::Word;

use super::of_tenant;
use crate::app::AppError;
use crate::config::Settings;
use crate::objects;
use crate::store::Store;
use crate::tenancy::RenderSettings;
use packshot_db::reviews::{self, GivenMaterial, Known, ProposedPart};
use packshot_db::{AllTenants, Db, TenantScope, libraries};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::ProductId;
use packshot_domain::material_alias::AliasScope;
use packshot_domain::review::{PROPOSALS_MAX, Proposal, Signal, UnmappedPart};
use packshot_worker::library::package;

/// Published libraries whose names are remembered.
const REMEMBERED_MAX: usize = 64;

/// The names of published libraries by their content, which never changes.
static PUBLISHED: LazyLock<Mutex<HashMap<ContentAddress, Arc<Vec<PublishedName>>>>> = LazyLock::new(Mutex::default);

/// These parts, each with the materials that are proposed for it; `product` is what they are of.
///
/// # Errors
/// Errors of the database or the store.
pub(crate) async fn propose(
    place: (&Db, &Store, &Settings),
    scope: TenantScope,
    product: Option<ProductId>,
    parts: Vec<UnmappedPart>,
) -> Result<Vec<ProposedPart>, AppError> {
    if !parts.iter().any(UnmappedPart::is_fixable) {
        return Ok(parts.into_iter().map(|part| ProposedPart { part, proposals: Vec::new() }).collect());
    }
    let library = match of_tenant::read(place, scope).await? {
        Ok(library) => library,
        // Renders say what is wrong with it, and parts that it was asked for have no wrong name.
        Err(_) => Arc::new(Library::builtin().clone()),
    };
    let fallback = RenderSettings::of_tenant(place.0, place.2, scope).await?.fallback_material;
    let Known { of_parts, of_materials, family } = reviews::known(place.0, scope, product).await?;
    let published = published(place, scope).await?;
    let knowledge = |choices: Vec<GivenMaterial>| Knowledge {
        choices: choices.into_iter().map(given).collect(),
        published: published.clone(),
        family: family.iter().cloned().map(given).collect(),
    };
    let [of_parts, of_materials] = [knowledge(of_parts), knowledge(of_materials)];
    let work = move || {
        let mut of_parts = Proposer::new(&library, &of_parts);
        let mut of_materials = Proposer::new(&library, &of_materials);
        let propose = |part: UnmappedPart| {
            let proposals = match part.reason.scope() {
                _ if !part.is_fixable() => Vec::new(),
                AliasScope::Part => of_parts.propose(&unmatched(&part)),
                AliasScope::Material => of_materials.propose(&unmatched(&part)),
            };
            let offered = proposals.into_iter().filter(|new| Some(&new.material) != fallback.as_ref());
            ProposedPart { part, proposals: offered.take(PROPOSALS_MAX).map(stored).collect() }
        };
        parts.into_iter().map(propose).collect()
    };
    tokio::task::spawn_blocking(work).await.map_err(AppError::internal)
}

/// What is looked for: a word for a material together with the name of the part that was to have it.
fn unmatched(part: &UnmappedPart) -> Unmatched<'_> {
    let mut names = vec![part.alias()];
    if part.reason.scope() == AliasScope::Material && part.is_named {
        names.push(&part.part_name);
    }
    Unmatched {
        names,
        gltf_material: part.gltf_material.as_deref(),
        gltf_color: part.gltf_color,
        cad_names: part.cad_names.iter().map(String::as_str).collect(),
    }
}

fn given(GivenMaterial { name, material, n }: GivenMaterial) -> Given {
    Given { name, material, n }
}

fn stored(new: proposals::Proposal) -> Proposal {
    let proposals::Proposal { material, confidence_pct, description, signals } = new;
    let signal = |proposals::Signal { kind, score, detail }| Signal { kind: kind.word().to_owned(), score, detail };
    Proposal { material, confidence_pct, description, signals: signals.into_iter().map(signal).collect() }
}

/// What other tenants' published libraries call their materials. Nothing says whose they are.
async fn published(place: (&Db, &Store, &Settings), scope: TenantScope) -> Result<Vec<PublishedName>, AppError> {
    let (db, store, _) = place;
    let mut names = Vec::new();
    for (tenant, address) in libraries::published(db, AllTenants::Instance, scope.tenant).await? {
        let known = remembered().get(&address).cloned();
        let own = match known {
            Some(known) => known,
            None => {
                let file = match objects::read(db, store, TenantScope::of(tenant), &address).await {
                    Ok(file) => file,
                    // It is that tenant's to mend, and others need not wait for it.
                    Err(error) => {
                        tracing::warn!("a published library cannot be read: {error}");
                        continue;
                    }
                };
                let read = tokio::task::spawn_blocking(move || package(&file)).await.map_err(AppError::internal)?;
                let Ok((package, _)) = read else { continue };
                let materials = package.materials.into_iter().map(|entry| entry.material);
                let own = materials.map(|material| {
                    let names = std::iter::once(material.name).chain(material.aliases).collect();
                    PublishedName { id: material.id, code: material.code, names }
                });
                let own = Arc::new(own.collect::<Vec<_>>());
                let mut remembered = remembered();
                if remembered.len() >= REMEMBERED_MAX {
                    remembered.clear();
                }
                remembered.insert(address, Arc::clone(&own));
                own
            }
        };
        names.extend(own.iter().cloned());
    }
    Ok(names)
}

fn remembered() -> std::sync::MutexGuard<'static, HashMap<ContentAddress, Arc<Vec<PublishedName>>>> {
    PUBLISHED.lock().unwrap_or_else(PoisonError::into_inner)
}
