//! Media assets: the files of orders, as those who look for pictures find them.

pub mod changes;
pub mod downloads;
pub mod filter;
pub mod gallery;
pub mod listing;
pub mod thumbnails;
pub mod uploads;

mod inspect;
mod mp4;
mod pictures;
mod source;
mod zip;

use crate::app::{App, AppError, Code};
use packshot_contract::media::{AssetLinks, AssetProduct, AssetVersions, MediaAsset};
use packshot_db::{TenantScope, media as rows};
use packshot_domain::access::Role;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{AssetId, OrderId, OrderLineId, OutputTypeId, RunId, UserId};
use packshot_domain::media::AssetState;
use packshot_domain::principal::Principal;

/// The only one whose published pictures `who` finds; `None` for everything of the tenant.
fn owner(who: &Principal) -> Option<UserId> {
    (who.role == Role::Client).then_some(who.user)
}

/// An asset as it is now. A client finds the published ones of own orders.
///
/// # Errors
/// [`Code::AssetNotFound`].
pub async fn get(app: &App, who: &Principal, id: AssetId) -> Result<MediaAsset, AppError> {
    Ok(shown(rows::get(&app.db, TenantScope::of(who.tenant), owner(who), id).await?))
}

/// The versions of an asset, the newest first. A client finds the published ones of own orders.
///
/// # Errors
/// [`Code::AssetNotFound`].
pub async fn versions(app: &App, who: &Principal, id: AssetId) -> Result<AssetVersions, AppError> {
    let versions = rows::versions(&app.db, TenantScope::of(who.tenant), owner(who), id).await?;
    Ok(AssetVersions { items: versions.into_iter().map(shown).collect() })
}

/// What an asset holds, and how it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its content.
    pub address: ContentAddress,
    /// Its media type.
    pub media_type: String,
    /// Its name.
    pub file_name: String,
}

/// The content of an asset.
///
/// # Errors
/// [`Code::AssetNotFound`]; [`Code::AssetExpired`] when the time of its bytes is over.
pub async fn content(app: &App, who: &Principal, id: AssetId) -> Result<Content, AppError> {
    let scope = TenantScope::of(who.tenant);
    let asset = rows::get(&app.db, scope, owner(who), id).await?;
    if asset.state == AssetState::Expired || !rows::has_bytes(&app.db, scope, &asset).await? {
        return Err(expired());
    }
    Ok(Content { address: asset.address, media_type: asset.media_type, file_name: asset.file_name })
}

fn expired() -> AppError {
    AppError::new(Code::AssetExpired, "the bytes of the asset are no longer stored")
}

fn shown(asset: rows::Asset) -> MediaAsset {
    let pixels = |side: Option<i32>| side.map(i32::unsigned_abs);
    let own = format!("/api/media/assets/{}", asset.id);
    let links = AssetLinks {
        content: (asset.state != AssetState::Expired).then(|| format!("{own}/content")),
        thumbnail: (asset.state != AssetState::Expired).then(|| format!("{own}/thumbnail")),
        product: asset.product.as_ref().map(|product| format!("/api/v1/products/{}", product.id)),
        order: asset.order.map(|order| format!("/api/orders/{order}")),
        own,
    };
    MediaAsset {
        id: asset.id.uuid(),
        tenant_id: asset.tenant.uuid(),
        asset_type: asset.asset_type.into(),
        media_type: asset.media_type,
        file_name: asset.file_name,
        file_hash: asset.address.into(),
        size_bytes: asset.size_bytes.unsigned_abs(),
        width: pixels(asset.width),
        height: pixels(asset.height),
        frame_count: pixels(asset.frame_count),
        duration_s: asset.duration_s,
        view_name: asset.view_name,
        product_id: asset.product.as_ref().map(|product| product.id.uuid()),
        order_id: asset.order.map(OrderId::uuid),
        order_line_id: asset.line.map(OrderLineId::uuid),
        output_type_id: asset.output_type.map(OutputTypeId::uuid),
        workflow_run_id: asset.run.map(RunId::uuid),
        render_id: asset.render,
        design_job_id: asset.design_job,
        product: asset.product.map(|product| AssetProduct {
            id: product.id.uuid(),
            name: product.name.to_string(),
            pim_id: product.pim_id.to_string(),
            category_key: product.category_key.map(|key| key.to_string()),
            lagertyp: product.lagertyp.map(|text| text.to_string()),
        }),
        render_status: asset.render_status.map(Into::into),
        state: asset.state.into(),
        version: asset.version,
        superseded_by: asset.superseded_by.map(AssetId::uuid),
        is_thumbnail: asset.is_thumbnail,
        retention_class: asset.retention_class.into(),
        retention_until: asset.retention_until.map(Into::into),
        hold: asset.held,
        package_id: Some(asset.package.uuid()),
        metadata: asset.metadata,
        created_at: asset.created_at.into(),
        published_at: asset.published_at.map(Into::into),
        revision: asset.revision,
        links,
    }
}
