//! What orders are about: products with their CAD files, what is made of them, and what their looks have in common.

pub mod cad_files;
pub mod cad_jobs;
pub mod conversions;
pub mod imports;
pub mod output_types;
mod parts;
pub mod sheet;
pub mod stuck;
pub mod templates;

use std::collections::BTreeMap;

use crate::app::{App, AppError, Code, Page, PageRequest};
use packshot_contract::problem::Invalid;
use packshot_contract::product::{PartMaterial, PartSource, Product, ProductChange};
use packshot_db::{DbError, TenantScope, products as rows};
use packshot_domain::id::{AliasId, CadFileId, ProductId};
use packshot_domain::principal::Principal;
use packshot_domain::product::{PartEntries, ProductFields};
use packshot_domain::reader::Reader;

pub use packshot_db::products::ProductFilter;

/// How often a change is tried while others change the same thing.
const ATTEMPTS: usize = 5;

/// Others changed the same thing all the time.
fn contended() -> AppError {
    AppError::new(Code::Unavailable, "others change this at the same time; try again")
}

/// Makes a product; parts of its CAD file that nobody named a material for get the one that their names lead to.
///
/// # Errors
/// [`Code::PimIdExists`]; `cad_file_not_found` at `/cad_file_id`.
pub async fn create(app: &App, who: &Principal, mut fields: ProductFields) -> Result<Product, AppError> {
    if let Some(file) = fields.cad_file {
        fields.parts = fields.parts.filled(found(app, who, file).await?);
    }
    Ok(shown(rows::create(&app.db, TenantScope::of(who.tenant), who.actor(), ProductId::new(), fields).await?))
}

/// A page of products, newest first.
///
/// # Errors
/// Errors of the database.
pub async fn list(
    app: &App,
    reader: &Reader,
    filter: ProductFilter,
    page: PageRequest,
) -> Result<Page<Product>, AppError> {
    let Page { items, next } = rows::list(&app.db, reader, filter, page).await?;
    Ok(Page { items: items.into_iter().map(shown).collect(), next })
}

/// A product as it is now.
///
/// # Errors
/// [`Code::ProductNotFound`].
pub async fn get(app: &App, who: &Principal, id: ProductId) -> Result<Product, AppError> {
    Ok(shown(rows::get(&app.db, TenantScope::of(who.tenant), id).await?))
}

/// Changes a product. With another CAD file, entries that were found in the old one go, and the parts of the new one
/// are filled as those of a new product are.
///
/// # Errors
/// [`Code::ProductNotFound`], [`Code::PimIdExists`]; `cad_file_not_found` at `/cad_file_id`; `asset_not_of_product`,
/// `thumbnail_not_an_image`, `asset_not_current` at `/thumbnail_asset_id`.
pub async fn change(app: &App, who: &Principal, id: ProductId, change: ProductChange) -> Result<Product, AppError> {
    let scope = TenantScope::of(who.tenant);
    for _ in 0..ATTEMPTS {
        let before = rows::get(&app.db, scope, id).await?;
        let mut fields = change.clone().of(before.fields.clone());
        if fields.cad_file != before.fields.cad_file {
            fields.parts = fields.parts.of_people();
            if let Some(file) = fields.cad_file {
                fields.parts = fields.parts.filled(found(app, who, file).await?);
            }
        }
        if fields == before.fields {
            return Ok(shown(before));
        }
        match rows::replace(&app.db, scope, who.actor(), (id, before.revision), fields).await {
            Err(DbError::Stale { .. }) => {}
            changed => return Ok(shown(changed?)),
        }
    }
    Err(contended())
}

/// Deletes a product.
///
/// # Errors
/// [`Code::ProductNotFound`].
pub async fn delete(app: &App, who: &Principal, id: ProductId) -> Result<(), AppError> {
    Ok(rows::delete(&app.db, TenantScope::of(who.tenant), who.actor(), id).await?)
}

/// The materials that the names of a CAD file's parts lead to.
async fn found(
    app: &App,
    who: &Principal,
    file: CadFileId,
) -> Result<Vec<packshot_domain::product::PartEntry>, AppError> {
    match packshot_db::cad_files::get(&app.db, TenantScope::of(who.tenant), file).await {
        Ok(file) => parts::found(app, who, &file.read.parts).await,
        Err(DbError::NotFound(_)) => {
            Err(Invalid::one("/cad_file_id", Code::CadFileNotFound.as_str(), "there is no such CAD file").into())
        }
        Err(error) => Err(error.into()),
    }
}

fn shown(product: rows::Product) -> Product {
    let ProductFields { pim_id, name, category_key, lagertyp, cad_file, thumbnail, parts } = product.fields;
    let sources = parts.as_slice().iter().filter_map(|entry| {
        let method = entry.found_by?.into();
        let alias_id = entry.alias.map(AliasId::uuid);
        Some((entry.part_name.to_string(), PartSource { method, alias_id }))
    });
    Product {
        id: product.id.uuid(),
        tenant_id: product.tenant.uuid(),
        pim_id: pim_id.to_string(),
        name: name.to_string(),
        category_key: category_key.map(|key| key.to_string()),
        lagertyp: lagertyp.map(|text| text.to_string()),
        cad_file_id: cad_file.map(CadFileId::uuid),
        thumbnail_asset_id: thumbnail.map(|thumbnail| thumbnail.asset.uuid()),
        cad_part_sources: sources.collect::<BTreeMap<_, _>>(),
        cad_part_materials: materials(&parts),
        created_at: product.created_at.into(),
        updated_at: product.updated_at.into(),
    }
}

/// Entries as clients see them.
fn materials(entries: &PartEntries) -> Vec<PartMaterial> {
    let shown = entries
        .as_slice()
        .iter()
        .map(|entry| PartMaterial { part_name: entry.part_name.to_string(), material: entry.material.to_string() });
    shown.collect()
}
