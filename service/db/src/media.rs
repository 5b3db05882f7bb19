//! Media assets of a tenant: what was saved of orders, in versions, and which picture stands for a product (media.md).

mod saving;

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::column::{Col, arg};
use super::entity::{media_asset, order, order_line, product};
use super::tx::Tx;
use super::{Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope};
use packshot_domain::artifact::Label;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{AssetId, OrderId, OrderLineId, OutputTypeId, PackageId, ProductId, RunId, TenantId, UserId};
use packshot_domain::media::{AssetState, AssetType};
use packshot_domain::order::line::RenderStatus;
use packshot_domain::time::Timestamp;

pub use saving::UnfitThumbnail;
pub(super) use saving::{Going, MadeBy, check_thumbnail, outlive, retire_all_but, save, save_of_file};

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
            let row = media_asset::Entity::find_by_id((Col(*tenant), Col(*id))).one(tx.on()).await?;
            let row = row.ok_or(DbError::NotFound("media asset"))?;
            if let Some(owner) = owner {
                let is_shown = row.state.0 == AssetState::Published && is_of(tx, &row, *owner).await?;
                if !is_shown {
                    return Err(DbError::NotFound("media asset"));
                }
            }
            whole(tx, vec![row]).await?.pop().ok_or(DbError::NotFound("media asset"))
        })
    })
    .await
}

/// Which assets a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetFilter {
    /// Only of these types; of any, if empty.
    pub types: Vec<AssetType>,
    /// Only in these states; if empty, the newest versions.
    pub states: Vec<AssetState>,
    /// Only of this product.
    pub product: Option<ProductId>,
    /// Only of this order.
    pub order: Option<OrderId>,
    /// Only of this line.
    pub line: Option<OrderLineId>,
    /// Only by this output type.
    pub output_type: Option<OutputTypeId>,
    /// Only those that this workflow run made.
    pub run: Option<RunId>,
    /// Only the published ones of orders that this user made.
    pub owner: Option<UserId>,
}

/// A page of assets, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: AssetFilter,
    page: PageRequest,
) -> Result<Page<Asset>, DbError> {
    use media_asset::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move {
            let mut assets = scope.narrow(media_asset::Entity::find(), C::TenantId);
            if let Some(owner) = filter.owner {
                let own = order::Entity::find().filter(order::Column::CreatedBy.eq(Col(owner)));
                let own = scope.narrow(own, order::Column::TenantId).select_only().column(order::Column::Id);
                assets = assets.filter(C::OrderId.in_subquery(own.into_query()));
            }
            let states: Vec<AssetState> = match (filter.owner, filter.states.as_slice()) {
                (Some(_), _) => vec![AssetState::Published],
                (None, []) => AssetState::ALL.iter().copied().filter(|state| state.is_current()).collect(),
                (None, states) => states.to_vec(),
            };
            let conditions = [
                Some(C::State.is_in(states.into_iter().map(Col))),
                (!filter.types.is_empty()).then(|| C::AssetType.is_in(filter.types.iter().copied().map(Col))),
                filter.product.map(|id| C::ProductId.eq(Col(id))),
                filter.order.map(|id| C::OrderId.eq(Col(id))),
                filter.line.map(|id| C::OrderLineId.eq(Col(id))),
                filter.output_type.map(|id| C::OutputTypeId.eq(Col(id))),
                filter.run.map(|id| C::WorkflowRunId.eq(Col(id))),
            ];
            let assets = conditions.into_iter().flatten().fold(assets, QueryFilter::filter);
            let rows = page.narrow(assets, C::CreatedAt, C::Id).all(tx.on()).await?;
            let page: Page<media_asset::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            Ok(Page { items: whole(tx, page.items).await?, next: page.next })
        })
    })
    .await
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

/// Assets with what they show and the states of their lines.
async fn whole(tx: &Tx<'_>, rows: Vec<media_asset::Model>) -> Result<Vec<Asset>, DbError> {
    let mut tenants: Vec<Col<TenantId>> = rows.iter().map(|row| row.tenant_id).collect();
    tenants.dedup();
    let products = product::Entity::find()
        .filter(product::Column::TenantId.is_in(tenants.clone()))
        .filter(product::Column::Id.is_in(rows.iter().filter_map(|row| row.product_id)));
    let products: HashMap<ProductId, product::Model> =
        products.all(tx.on()).await?.into_iter().map(|row| (row.id.0, row)).collect();
    let lines = order_line::Entity::find()
        .select_only()
        .columns([order_line::Column::Id, order_line::Column::RenderStatus])
        .filter(order_line::Column::TenantId.is_in(tenants))
        .filter(order_line::Column::Id.is_in(rows.iter().filter_map(|row| row.order_line_id)));
    let lines: Vec<(Col<OrderLineId>, Col<RenderStatus>)> = lines.into_tuple().all(tx.on()).await?;
    let lines: HashMap<OrderLineId, RenderStatus> = lines.into_iter().map(|(id, status)| (id.0, status.0)).collect();
    let with = |row: media_asset::Model| {
        let product = row.product_id.and_then(|id| products.get(&id.0)).cloned();
        let status = row.order_line_id.and_then(|id| lines.get(&id.0)).copied();
        asset(row, product, status)
    };
    Ok(rows.into_iter().map(with).collect())
}

fn asset(row: media_asset::Model, product: Option<product::Model>, render_status: Option<RenderStatus>) -> Asset {
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
        render_status,
        state: row.state.0,
        version: row.version.unsigned_abs(),
        superseded_by: row.superseded_by.map(Col::value),
        is_thumbnail,
        package: row.package_id.0,
        metadata: row.metadata.0,
        created_at: row.created_at.0,
        published_at: row.published_at.map(Col::value),
        revision: row.revision,
    }
}
