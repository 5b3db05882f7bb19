//! Media assets of a tenant: what was saved of orders, in versions, and which picture stands for a product (media.md).

pub mod beside;
pub mod changing;
pub mod downloads;
pub mod facets;
pub mod gallery;
pub mod list;
pub mod removing;
pub mod retention;
pub mod uploading;
mod conditions;
mod following;
pub(crate) mod of_design;
mod saving;
mod search;

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::column::{Col, arg};
use super::entity::{media_asset, order, product};
use super::tx::Tx;
use super::{Db, DbError, Json, TenantScope};
use packshot_domain::artifact::{Label, RetentionClass};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{AssetId, OrderId, OrderLineId, OutputTypeId, PackageId, ProductId, RunId, TenantId, UserId};
use packshot_domain::media::{AssetState, AssetType};
use packshot_domain::order::line::RenderStatus;
use packshot_domain::time::Timestamp;

pub use following::UnfitThumbnail;
pub(super) use following::{Going, check_thumbnail, outlive};
pub use list::AssetFilter;
pub(super) use saving::{MadeBy, retire_all_but, save, save_of_file};
#[cfg(feature = "testing")]
pub(super) use search::describe;
pub(super) use search::{Changed, renew};

/// A media asset as it is stored, with what it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Asset {
    /// Its id.
    pub id: AssetId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// What it is.
    pub asset_type: AssetType,
    /// Its media type.
    pub media_type: String,
    /// Its name.
    pub file_name: String,
    /// What it holds.
    pub address: ContentAddress,
    /// Its size in bytes.
    pub size_bytes: i64,
    /// Width in pixels, of a picture or a movie.
    pub width: Option<i32>,
    /// Height in pixels, of a picture or a movie.
    pub height: Option<i32>,
    /// How many frames a movie has.
    pub frame_count: Option<i32>,
    /// How long a movie lasts.
    pub duration_s: Option<f64>,
    /// Which view it is.
    pub view_name: Option<String>,
    /// What it shows.
    pub product: Option<ShownProduct>,
    /// The order that it was made for.
    pub order: Option<OrderId>,
    /// The line.
    pub line: Option<OrderLineId>,
    /// What of the product it was to be.
    pub output_type: Option<OutputTypeId>,
    /// The workflow run that made it.
    pub run: Option<RunId>,
    /// The render that it was sent from.
    pub render: Option<Uuid>,
    /// The design job that made it.
    pub design_job: Option<Uuid>,
    /// The state of the line.
    pub render_status: Option<RenderStatus>,
    /// Its state.
    pub state: AssetState,
    /// Its number among the versions of the same thing, from 1.
    pub version: u32,
    /// The version after it.
    pub superseded_by: Option<AssetId>,
    /// Whether it is the picture of its product in lists.
    pub is_thumbnail: bool,
    /// The package that has its bytes.
    pub package: PackageId,
    /// How long it is kept though nothing protects it.
    pub retention_class: RetentionClass,
    /// Until when; `None`: for as long as nobody deletes it.
    pub retention_until: Option<Timestamp>,
    /// Whether it is kept whatever its time is.
    pub held: bool,
    /// What else is known of it.
    pub metadata: Json,
    /// When it was saved.
    pub created_at: Timestamp,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// Counts its changes.
    pub revision: i64,
}

/// A product, as far as a list of assets shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownProduct {
    /// Its id.
    pub id: ProductId,
    /// Its name.
    pub name: Label,
    /// Its id in the tenant's product information system.
    pub pim_id: Label,
    /// The category that it is in.
    pub category_key: Option<Label>,
    /// Its kind of bearing, or whatever the tenant keeps there.
    pub lagertyp: Option<Label>,
}

/// Most versions that are followed where only they themselves say what came after what.
const VERSIONS_MAX: usize = 1_000;

/// Whether the package of an asset still has its bytes.
const KEPT: &str = "
    SELECT 1 FROM artifact_files f
    JOIN storage_locations l ON l.tenant_id = f.tenant_id AND l.artifact_file_id = f.id
    WHERE f.tenant_id = $1 AND f.package_id = $2 AND f.content_address = $3 LIMIT 1";

/// An asset. A client finds the published ones of own orders alone: `owner` is the client then.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, owner: Option<UserId>, id: AssetId) -> Result<Asset, DbError> {
    db.read(scope, (scope.tenant, owner, id), |tx, (tenant, owner, id)| {
        Box::pin(async move {
            let row = visible(tx, *tenant, *owner, *id).await?;
            whole_of(tx, row).await
        })
    })
    .await
}

/// The versions of an asset, the newest first: those of its line with its type, its view and its media type; without a
/// line those that superseded one another. Of a client's the published ones.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn versions(db: &Db, scope: TenantScope, owner: Option<UserId>, id: AssetId) -> Result<Vec<Asset>, DbError> {
    db.read(scope, (scope.tenant, owner, id), |tx, (tenant, owner, id)| {
        Box::pin(async move {
            let row = visible(tx, *tenant, *owner, *id).await?;
            let mut versions = match row.order_line_id {
                Some(line) => of_line(tx, &row, line.0).await?,
                None => chain(tx, row).await?,
            };
            if owner.is_some() {
                versions.retain(|row| row.state.0 == AssetState::Published);
            }
            whole(tx, versions).await
        })
    })
    .await
}

/// What a line has of the same kind.
async fn of_line(tx: &Tx<'_>, row: &media_asset::Model, line: OrderLineId) -> Result<Vec<media_asset::Model>, DbError> {
    use media_asset::Column as C;
    let of_line = media_asset::Entity::find()
        .filter(C::TenantId.eq(row.tenant_id))
        .filter(C::OrderLineId.eq(Col(line)))
        .filter(C::AssetType.eq(row.asset_type))
        .filter(C::MediaType.eq(row.media_type.as_str()));
    let of_view = match &row.view_name {
        Some(view) => of_line.filter(C::ViewName.eq(view.as_str())),
        None => of_line.filter(C::ViewName.is_null()),
    };
    Ok(of_view.order_by_desc(C::Version).order_by_desc(C::Id).all(tx.on()).await?)
}

/// Assets that superseded one another.
async fn chain(tx: &Tx<'_>, row: media_asset::Model) -> Result<Vec<media_asset::Model>, DbError> {
    use media_asset::Column as C;
    let mut versions = vec![row];
    while let Some(last) = versions.first().filter(|_| versions.len() < VERSIONS_MAX) {
        let Some(next) = last.superseded_by else { break };
        let next = media_asset::Entity::find_by_id((last.tenant_id, next)).one(tx.on()).await?;
        match next {
            Some(next) => versions.insert(0, next),
            None => break,
        }
    }
    while let Some(first) = versions.last().filter(|_| versions.len() < VERSIONS_MAX) {
        let before = media_asset::Entity::find().filter(C::TenantId.eq(first.tenant_id));
        let before = before.filter(C::SupersededBy.eq(first.id)).order_by_desc(C::Version).one(tx.on()).await?;
        match before {
            Some(before) => versions.push(before),
            None => break,
        }
    }
    Ok(versions)
}

/// An asset that somebody may see: a client the published ones of own orders.
async fn visible(
    tx: &Tx<'_>,
    tenant: TenantId,
    owner: Option<UserId>,
    id: AssetId,
) -> Result<media_asset::Model, DbError> {
    let row = media_asset::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    let row = row.ok_or(DbError::NotFound("media asset"))?;
    let is_shown = match owner {
        Some(owner) => row.state.0 == AssetState::Published && is_of(tx, &row, owner).await?,
        None => true,
    };
    if is_shown { Ok(row) } else { Err(DbError::NotFound("media asset")) }
}

/// Whether the bytes of an asset are there: its package goes when its time is over.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn has_bytes(db: &Db, scope: TenantScope, asset: &Asset) -> Result<bool, DbError> {
    db.read_one(scope, (scope.tenant, asset.package, asset.address), |tx, (tenant, package, address)| {
        Box::pin(async move {
            let found = tx.query(KEPT, [arg(*tenant), arg(*package), arg(*address)]).await?;
            Ok(!found.is_empty())
        })
    })
    .await
}

/// Whether an asset was made for an order of this user.
async fn is_of(tx: &Tx<'_>, row: &media_asset::Model, owner: UserId) -> Result<bool, DbError> {
    let Some(id) = row.order_id else { return Ok(false) };
    let order = order::Entity::find_by_id((row.tenant_id, id)).one(tx.on()).await?;
    Ok(order.is_some_and(|order| order.created_by.0 == owner))
}

/// The current assets of each of these lines, in the order of their files.
pub(super) async fn current_of_lines(
    tx: &Tx<'_>,
    tenant: TenantId,
    lines: impl IntoIterator<Item = OrderLineId>,
) -> Result<HashMap<OrderLineId, Vec<AssetId>>, DbError> {
    use media_asset::Column as C;
    let lines: Vec<Col<OrderLineId>> = lines.into_iter().map(Col).collect();
    if lines.is_empty() {
        return Ok(HashMap::new());
    }
    let current = AssetState::ALL.iter().filter(|state| state.is_current()).map(|state| Col(*state));
    let rows = media_asset::Entity::find()
        .select_only()
        .columns([C::OrderLineId, C::Id])
        .filter(C::TenantId.eq(Col(tenant)))
        .filter(C::OrderLineId.is_in(lines))
        .filter(C::State.is_in(current))
        .order_by_asc(C::CreatedAt)
        .order_by_asc(C::Position)
        .order_by_asc(C::Id);
    let rows: Vec<(Option<Col<OrderLineId>>, Col<AssetId>)> = rows.into_tuple().all(tx.on()).await?;
    let mut of_lines: HashMap<OrderLineId, Vec<AssetId>> = HashMap::new();
    for (line, asset) in rows {
        if let Some(line) = line {
            of_lines.entry(line.0).or_default().push(asset.0);
        }
    }
    Ok(of_lines)
}

/// Assets with what they show.
async fn whole(tx: &Tx<'_>, rows: Vec<media_asset::Model>) -> Result<Vec<Asset>, DbError> {
    let mut tenants: Vec<Col<TenantId>> = rows.iter().map(|row| row.tenant_id).collect();
    tenants.sort_unstable_by_key(|tenant| tenant.0);
    tenants.dedup();
    let products = product::Entity::find()
        .filter(product::Column::TenantId.is_in(tenants))
        .filter(product::Column::Id.is_in(rows.iter().filter_map(|row| row.product_id)));
    let products: HashMap<ProductId, product::Model> =
        products.all(tx.on()).await?.into_iter().map(|row| (row.id.0, row)).collect();
    let with = |row: media_asset::Model| {
        let product = row.product_id.and_then(|id| products.get(&id.0)).cloned();
        asset(row, product)
    };
    Ok(rows.into_iter().map(with).collect())
}

/// An asset, with its product.
async fn whole_of(tx: &Tx<'_>, row: media_asset::Model) -> Result<Asset, DbError> {
    whole(tx, vec![row]).await?.pop().ok_or(DbError::NotFound("media asset"))
}

fn asset(row: media_asset::Model, product: Option<product::Model>) -> Asset {
    let is_thumbnail = product.as_ref().is_some_and(|product| product.thumbnail_asset_id == Some(row.id));
    Asset {
        id: row.id.0,
        tenant: row.tenant_id.0,
        asset_type: row.asset_type.0,
        media_type: row.media_type,
        file_name: row.file_name,
        address: row.address.0,
        size_bytes: row.size_bytes,
        width: row.width,
        height: row.height,
        frame_count: row.frame_count,
        duration_s: row.duration_s,
        view_name: row.view_name,
        product: product.map(|product| ShownProduct {
            id: product.id.0,
            name: product.name.0,
            pim_id: product.pim_id.0,
            category_key: product.category_key.map(Col::value),
            lagertyp: product.lagertyp.map(Col::value),
        }),
        order: row.order_id.map(Col::value),
        line: row.order_line_id.map(Col::value),
        output_type: row.output_type_id.map(Col::value),
        run: row.workflow_run_id.map(Col::value),
        render: row.render_id,
        design_job: row.design_job_id,
        render_status: row.render_status.map(Col::value),
        state: row.state.0,
        version: row.version.unsigned_abs(),
        superseded_by: row.superseded_by.map(Col::value),
        is_thumbnail,
        package: row.package_id.0,
        retention_class: row.retention_class.0,
        retention_until: row.retention_until.map(Col::value),
        held: row.held,
        metadata: row.metadata.0,
        created_at: row.created_at.0,
        published_at: row.published_at.map(Col::value),
        revision: row.revision,
    }
}
