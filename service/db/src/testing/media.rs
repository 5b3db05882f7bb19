//! Catalogues of media assets, without rendering: products, orders with their lines, and the assets of those.

use std::time::Duration;

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, ConnectionTrait, IntoActiveModel, QueryResult, Statement};

use crate::column::Col;
use crate::entity::{media_asset, order, order_line, output_type, product};
use crate::media::list::explained;
use crate::media::{AssetFilter, describe};
use crate::{DatabaseConfig, Db, DbError, ReadScope, TenantScope};
use packshot_domain::artifact::{Label, RetentionClass};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{AssetId, OrderId, OrderLineId, OutputTypeId, PackageId, ProductId, UserId};
use packshot_domain::media::{AssetOrder, AssetState, AssetType};
use packshot_domain::order::line::RenderStatus;
use packshot_domain::order::{OrderNumber, OrderStatus};
use packshot_domain::output_type::{GateMetric, OutputKind, RenderBackend};
use packshot_domain::time::Timestamp;

/// A product.
#[derive(Clone, Debug)]
pub struct SeedProduct {
    /// Its id.
    pub id: ProductId,
    /// Its name.
    pub name: Label,
    /// Its id in the tenant's product information system.
    pub pim_id: Label,
    /// The category that it is in.
    pub category_key: Option<Label>,
    /// Its kind of bearing.
    pub lagertyp: Option<Label>,
}

/// An order with one line.
#[derive(Clone, Debug)]
pub struct SeedOrder {
    /// Its id.
    pub id: OrderId,
    /// Its number.
    pub number: OrderNumber,
    /// Its state.
    pub status: OrderStatus,
    /// Who made it.
    pub created_by: UserId,
    /// Its line.
    pub line: OrderLineId,
    /// What that is of.
    pub product: ProductId,
    /// The state of the line.
    pub render_status: RenderStatus,
}

/// An asset.
#[derive(Clone, Debug)]
pub struct SeedAsset {
    /// Its id.
    pub id: AssetId,
    /// What it is.
    pub asset_type: AssetType,
    /// Its media type.
    pub media_type: String,
    /// Its name.
    pub file_name: String,
    /// What it holds.
    pub address: ContentAddress,
    /// Its size.
    pub size_bytes: i64,
    /// Which view it is.
    pub view_name: Option<String>,
    /// What it shows.
    pub product: Option<ProductId>,
    /// The order and the line that it is of, with the state of the line.
    pub line: Option<(OrderId, OrderLineId, RenderStatus)>,
    /// Its state.
    pub state: AssetState,
    /// Which version it is.
    pub version: i32,
    /// The package with its bytes.
    pub package: PackageId,
    /// When it was saved.
    pub created_at: Timestamp,
}

impl SeedAsset {
    /// A published PNG that was saved then.
    #[must_use]
    pub fn still(created_at: Timestamp) -> Self {
        let id = AssetId::new();
        Self {
            id,
            asset_type: AssetType::Still,
            media_type: "image/png".to_owned(),
            file_name: "result.png".to_owned(),
            address: ContentAddress::of(id.to_string().as_bytes()),
            size_bytes: 1_000,
            view_name: None,
            product: None,
            line: None,
            state: AssetState::Published,
            version: 1,
            package: PackageId::new(),
            created_at,
        }
    }
}

/// Inserts products, and orders of them by an output type that is made for that.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached, or something is there already.
pub async fn insert_catalogue(
    db: &Db,
    scope: TenantScope,
    products: Vec<SeedProduct>,
    orders: Vec<SeedOrder>,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, products, orders), |tx, (tenant, products, orders)| {
        Box::pin(async move {
            let (tenant, now) = (Col(*tenant), Col(tx.now().await?));
            let kind = OutputTypeId::new();
            let of = output_type::ActiveModel {
                tenant_id: Set(tenant),
                id: Set(Col(kind)),
                name: Set(Col(label(&format!("seed {kind}"))?)),
                kind: Set(Col(OutputKind::Still)),
                render_backend: Set(Col(RenderBackend::Auto)),
                legacy_executor: Set(None),
                render_settings: Set(Col(serde_json::json!({}))),
                gate_metric: Set(Col(GateMetric::Flip)),
                gate_pass_max: Set(0.1),
                gate_warn_max: Set(0.2),
                max_unmapped: Set(None),
                workflow_definition_id: Set(None),
                created_at: Set(now),
                updated_at: Set(now),
                revision: Set(1),
            };
            tx.insert_all(vec![of]).await?;
            let row = |seed: &SeedProduct| product::ActiveModel {
                tenant_id: Set(tenant),
                id: Set(Col(seed.id)),
                pim_id: Set(Col(seed.pim_id.clone())),
                name: Set(Col(seed.name.clone())),
                searched: Set(format!("{}\n{}", seed.pim_id, seed.name).to_lowercase()),
                category_key: Set(seed.category_key.clone().map(Col)),
                lagertyp: Set(seed.lagertyp.clone().map(Col)),
                cad_file_id: Set(None),
                import_id: Set(None),
                thumbnail_asset_id: Set(None),
                thumbnail_source: Set(None),
                created_at: Set(now),
                updated_at: Set(now),
                revision: Set(1),
            };
            tx.insert_all(products.iter().map(row).collect()).await?;
            let row = |seed: &SeedOrder| order::ActiveModel {
                tenant_id: Set(tenant),
                id: Set(Col(seed.id)),
                order_number: Set(Col(seed.number.clone())),
                status: Set(Col(seed.status)),
                created_by: Set(Col(seed.created_by)),
                submission_no: Set(1),
                submitted_at: Set(Some(now)),
                processing_started_at: Set(None),
                completed_at: Set(None),
                rejected_at: Set(None),
                rejection_reason: Set(None),
                notes: Set(None),
                created_at: Set(now),
                updated_at: Set(now),
            };
            tx.insert_all(orders.iter().map(row).collect()).await?;
            let row = |seed: &SeedOrder| order_line::ActiveModel {
                tenant_id: Set(tenant),
                id: Set(Col(seed.line)),
                order_id: Set(Col(seed.id)),
                position: Set(0),
                product_id: Set(Col(seed.product)),
                output_type_id: Set(Col(kind)),
                render_status: Set(Col(seed.render_status)),
                job_id: Set(None),
                result_path: Set(None),
                result_address: Set(None),
                unmapped_parts: Set(None),
                unmapped: Set(None),
                round_id: Set(None),
                render_started_at: Set(None),
                render_completed_at: Set(None),
                created_at: Set(now),
                updated_at: Set(now),
            };
            tx.insert_all(orders.iter().map(row).collect()).await
        })
    })
    .await
}

fn label(text: &str) -> Result<Label, DbError> {
    text.parse().map_err(|_| DbError::Unsupported("a label".to_owned()))
}

/// Inserts assets, of products and orders that there are. They are kept for a year.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached, or something is there already.
pub async fn insert_assets(db: &Db, scope: TenantScope, assets: Vec<SeedAsset>) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, assets), |tx, (tenant, assets)| {
        Box::pin(async move {
            let row = |seed: &SeedAsset| media_asset::Model {
                tenant_id: Col(*tenant),
                id: Col(seed.id),
                position: 0,
                asset_type: Col(seed.asset_type),
                media_type: seed.media_type.clone(),
                file_name: seed.file_name.clone(),
                address: Col(seed.address),
                size_bytes: seed.size_bytes,
                width: Some(16),
                height: Some(16),
                frame_count: None,
                duration_s: None,
                view_name: seed.view_name.clone(),
                product_id: seed.product.map(Col),
                order_id: seed.line.map(|(order, _, _)| Col(order)),
                order_line_id: seed.line.map(|(_, line, _)| Col(line)),
                output_type_id: None,
                workflow_run_id: None,
                render_id: None,
                design_job_id: None,
                cad_file_id: None,
                category_key: None,
                lagertyp: None,
                render_status: seed.line.map(|(_, _, status)| Col(status)),
                name_key: Vec::new(),
                search_text: String::new(),
                state: Col(seed.state),
                version: seed.version,
                superseded_by: None,
                package_id: Col(seed.package),
                retention_class: Col(RetentionClass::RenderOutput),
                retention_until: Some(Col(seed.created_at + YEAR)),
                held: false,
                expired_at: None,
                metadata: Col(serde_json::json!({})),
                created_at: Col(seed.created_at),
                updated_at: Col(seed.created_at),
                published_at: (seed.state == AssetState::Published).then_some(Col(seed.created_at)),
                revision: 1,
            };
            let mut rows: Vec<media_asset::Model> = assets.iter().map(row).collect();
            describe(tx, *tenant, &mut rows).await?;
            tx.insert_all(rows.into_iter().map(|row| row.into_active_model().reset_all()).collect()).await
        })
    })
    .await
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Sets the state of a line, and the file that is its result.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn set_line(
    db: &Db,
    scope: TenantScope,
    line: OrderLineId,
    status: RenderStatus,
    result: Option<(String, ContentAddress)>,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, line, status, result), |tx, (tenant, line, status, result)| {
        Box::pin(async move {
            let (path, address) = result.clone().unzip();
            let row = order_line::ActiveModel {
                tenant_id: Unchanged(Col(*tenant)),
                id: Unchanged(Col(*line)),
                render_status: Set(Col(*status)),
                result_path: Set(path),
                result_address: Set(address.map(Col)),
                ..Default::default()
            };
            Ok(row.update_without_returning(tx.on()).await.map(drop)?)
        })
    })
    .await
}

/// Sets the state of an order.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn set_order(db: &Db, scope: TenantScope, id: OrderId, status: OrderStatus) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, id, status), |tx, (tenant, id, status)| {
        Box::pin(async move {
            let row = order::ActiveModel {
                tenant_id: Unchanged(Col(*tenant)),
                id: Unchanged(Col(*id)),
                status: Set(Col(*status)),
                ..Default::default()
            };
            Ok(row.update_without_returning(tx.on()).await.map(drop)?)
        })
    })
    .await
}

/// How the engine finds a page of a list, and how many assets it has: the lines of its plans. PostgreSQL reads whole
/// tables only where it must, however small they are.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn plans(db: &Db, scope: TenantScope, filter: AssetFilter, order: AssetOrder) -> Result<String, DbError> {
    db.read(scope, (scope, filter, order), |tx, (scope, filter, order)| {
        Box::pin(async move {
            let backend = tx.on().get_database_backend();
            let mut lines = Vec::new();
            if backend == sea_orm::DbBackend::Postgres {
                // Rows that are not in the index cost what they cost in a large table.
                let off = "SELECT set_config('enable_seqscan', 'off', true), \
                           set_config('enable_bitmapscan', 'off', true), \
                           set_config('seq_page_cost', '100', true), set_config('random_page_cost', '100', true)";
                tx.query(off, []).await?;
            }
            for (sql, values) in explained(backend, ReadScope::from(*scope), filter, *order) {
                let (explain, column) = match backend {
                    sea_orm::DbBackend::Sqlite => ("EXPLAIN QUERY PLAN", 3),
                    _ => ("EXPLAIN", 0),
                };
                let statement = Statement::from_sql_and_values(backend, format!("{explain} {sql}"), values);
                for row in tx.on().query_all_raw(statement).await? {
                    lines.push(line_of(&row, column)?);
                }
            }
            Ok(lines.join("\n"))
        })
    })
    .await
}

fn line_of(row: &QueryResult, column: usize) -> Result<String, DbError> {
    Ok(row.try_get_by_index(column)?)
}

/// Does what PostgreSQL does by itself from time to time: it counts what there is, and which rows all can see.
///
/// # Errors
///
/// [`DbError`] when the server cannot be reached.
pub async fn maintain(database: &DatabaseConfig) -> Result<(), DbError> {
    let (DatabaseConfig::Postgres { urls, .. }, Ok(server)) = (database, std::env::var(super::SERVER)) else {
        return Ok(());
    };
    let (_, name) = super::split(urls.app())?;
    let admin = super::connect::postgres(&super::beside(&server, name)?, 1).await?;
    admin.execute_unprepared("VACUUM ANALYZE").await?;
    Ok(admin.close().await?)
}
