//! Media assets that people send: recorded with the package of their bytes.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::saving::{Kept, Successor, row, save_thumbnail, supersede, take_places};
use super::{Asset, changing, gallery, search, whole};
use crate::artifacts::{self, WholePackage};
use crate::column::Col;
use crate::entity::{media_asset, order_line, product};
use crate::level::Level;
use crate::tasks::OutputFile;
use crate::tx::Tx;
use crate::{Db, DbError, Json, TenantScope, products};
use packshot_domain::audit::Actor;
use packshot_domain::channel::ActivityType;
use packshot_domain::id::{AssetId, OrderLineId, ProductId, TenantId};
use packshot_domain::media::{AssetState, AssetType, GallerySource};

/// A file that somebody sent.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUpload {
    /// The id of its asset.
    pub id: AssetId,
    /// The file, whose bytes are in the store.
    pub file: OutputFile,
    /// Its package.
    pub package: WholePackage,
    /// The product that it shows; if absent, that of the line.
    pub product: Option<ProductId>,
    /// The order line that it belongs to.
    pub line: Option<OrderLineId>,
    /// Which view it is.
    pub view_name: Option<String>,
    /// What else is known of it.
    pub metadata: Json,
    /// Whether clients may see it.
    pub is_published: bool,
    /// Who sent it.
    pub by: Actor,
}

/// Records a file that somebody sent. Of a line it is the next version of the upload that it has of this view and media
/// type.
///
/// # Errors
///
/// [`DbError::NotFound`] of a `product`, an `order line` or a `stored file` that has to be stored again;
/// [`DbError::Thumbnail`] for a line of another product.
pub async fn create(db: &Db, scope: TenantScope, new: NewUpload) -> Result<Asset, DbError> {
    db.write(scope, (scope.tenant, new), |tx, (tenant, new)| Box::pin(insert(tx, *tenant, new))).await
}

async fn insert(tx: &Tx<'_>, tenant: TenantId, new: &NewUpload) -> Result<Asset, DbError> {
    let line = match new.line {
        Some(id) => {
            tx.enter(Level::OrderLine);
            let line = order_line::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
            Some(line.ok_or(DbError::NotFound("order line"))?)
        }
        None => None,
    };
    let of_line = line.as_ref().map(|line| line.product_id.0);
    if let (Some(product), Some(of_line)) = (new.product, of_line)
        && product != of_line
    {
        return Err(DbError::Thumbnail(super::UnfitThumbnail::OfAnotherProduct));
    }
    // Its line is locked, so that no other upload takes this one's place; what shows it is locked with the product.
    let old: Vec<AssetId> = match &line {
        Some(line) => before(line, new).one(tx.on()).await?.map(|old| old.id.0).into_iter().collect(),
        None => Vec::new(),
    };
    let mut locked = gallery::products_of(tx, tenant, &old).await?;
    locked.extend(new.product.or(of_line));
    products::lock_of(tx, tenant, None, &locked, &old).await?;
    let mut product = match new.product.or(of_line) {
        Some(id) => {
            let product = product::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
            Some(product.ok_or(DbError::NotFound("product"))?)
        }
        None => None,
    };
    let kept = Kept::of(tx, tenant, &new.package).await?;
    tx.enter(Level::Object);
    let made = row(tx, tenant, (AssetType::Upload, kept), 0, &new.file).await?;
    let state = if new.is_published { AssetState::Published } else { AssetState::Unpublished };
    let mut made = media_asset::Model {
        id: Col(new.id),
        view_name: new.view_name.clone(),
        product_id: product.as_ref().map(|product| product.id),
        order_id: line.as_ref().map(|line| line.order_id),
        order_line_id: line.as_ref().map(|line| line.id),
        output_type_id: line.as_ref().map(|line| line.output_type_id),
        render_status: line.as_ref().map(|line| line.render_status),
        state: Col(state),
        published_at: made.published_at.filter(|_| new.is_published),
        metadata: Col(new.metadata.clone()),
        ..made
    };
    let old = match &line {
        Some(line) => replace(tx, before(line, new), &mut made).await?,
        None => None,
    };
    search::describe(tx, tenant, std::slice::from_mut(&mut made)).await?;
    let shown = made.clone();
    changing::tell(tx, &made, ActivityType::MediaUploaded, &new.by);
    tx.insert_all(vec![made.into_active_model().reset_all()]).await?;
    if let Some(product) = &mut product
        && old.is_some()
        && product.thumbnail_asset_id.map(Col::value) == old
    {
        product.thumbnail_asset_id = Some(Col(new.id));
        save_thumbnail(tx, product.clone()).await?;
    }
    if let (Some(line), Some(old)) = (&line, old) {
        take_places(tx, line, &[Successor { old, same: Some(new.id), shown: Some(new.id) }]).await?;
    }
    if let Some(product) = &product {
        gallery::associate(tx, tenant, product.id.0, &[new.id], GallerySource::Upload).await?;
    }
    artifacts::store_in(tx, tenant, std::slice::from_ref(&new.package)).await?;
    whole(tx, vec![shown]).await?.pop().ok_or(DbError::NotFound("media asset"))
}

/// The uploads that a line had of this view and media type, the newest first.
fn before(line: &order_line::Model, new: &NewUpload) -> Select<media_asset::Entity> {
    use media_asset::Column as C;
    let before = media_asset::Entity::find()
        .filter(C::TenantId.eq(line.tenant_id))
        .filter(C::OrderLineId.eq(line.id))
        .filter(C::AssetType.eq(Col(AssetType::Upload)))
        .filter(C::MediaType.eq(new.file.media_type.as_str()));
    let before = match &new.view_name {
        Some(view) => before.filter(C::ViewName.eq(view.as_str())),
        None => before.filter(C::ViewName.is_null()),
    };
    before.order_by_desc(C::Version)
}

/// Lets an upload take the place of the newest of these, and says which that was.
async fn replace(
    tx: &Tx<'_>,
    before: Select<media_asset::Entity>,
    new: &mut media_asset::Model,
) -> Result<Option<AssetId>, DbError> {
    // Locked, so that the state that the new one takes over is the last.
    if let Some(before) = before.lock_exclusive().one(tx.on()).await? {
        new.version = 1 + before.version;
        if before.state.0.is_current() {
            supersede(tx, &before, new).await?;
            return Ok(Some(before.id.0));
        }
    }
    Ok(None)
}
