//! Lists of assets: filtered, searched, ordered, counted (media.md §4).

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryResult, Value};
use uuid::Uuid;

use super::conditions::Conditions;
use super::{Asset, whole};
use crate::column::{Col, arg, cell, cell_or_none};
use crate::entity::media_asset;
use crate::tx::Tx;
use crate::{Db, DbError, ReadScope, TenantScope};
use packshot_domain::artifact::Label;
use packshot_domain::id::{AssetId, OrderId, OrderLineId, OutputTypeId, ProductId, RunId, TenantId, UserId};
use packshot_domain::media::search::Query;
use packshot_domain::media::{AssetOrder, AssetState, AssetType, Facet};
use packshot_domain::order::line::RenderStatus;
use packshot_domain::time::Timestamp;

/// The end of the words that begin with something: no word has it.
const LAST: char = '\u{10ffff}';

/// Which assets a list shows. What is empty or absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetFilter {
    /// Only of these types.
    pub types: Vec<AssetType>,
    /// Only in these states; if empty, the newest versions.
    pub states: Vec<AssetState>,
    /// Only of products in these categories.
    pub categories: Vec<Label>,
    /// Only of products with these `lagertyp`.
    pub lagertypen: Vec<Label>,
    /// Only of lines in these states.
    pub render_statuses: Vec<RenderStatus>,
    /// Only those with these words.
    pub query: Option<Query>,
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
    /// Only those that this design job made.
    pub design_job: Option<Uuid>,
    /// Only this view.
    pub view_name: Option<String>,
    /// Only with this media type.
    pub media_type: Option<String>,
    /// Only those that were saved then, or later.
    pub created_from: Option<Timestamp>,
    /// Only those that were saved before then.
    pub created_to: Option<Timestamp>,
    /// Only of this tenant, where those of all are listed.
    pub tenant: Option<TenantId>,
    /// Only the published ones of orders that this user made.
    pub owner: Option<UserId>,
}

/// A place in a list: the asset before it. What is added or removed elsewhere does not move it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a list by time.
    Time(Timestamp, AssetId),
    /// In a list by name.
    Name(Vec<u8>, AssetId),
    /// In a list by size.
    Size(i64, AssetId),
}

/// Where a part of a list begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// After as many assets.
    After(u64),
    /// After this place.
    Place(Place),
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The assets.
    pub items: Vec<Asset>,
    /// How many there are in all.
    pub total: u64,
    /// Where the next part begins; `None` when there is none.
    pub next: Option<Place>,
}

/// The columns of an order: what it is by, whether from the end.
const fn columns(order: AssetOrder) -> (&'static str, bool) {
    match order {
        AssetOrder::Newest => ("created_at", true),
        AssetOrder::Oldest => ("created_at", false),
        AssetOrder::Name => ("name_key", false),
        AssetOrder::NameDescending => ("name_key", true),
        AssetOrder::Largest => ("size_bytes", true),
    }
}

impl AssetFilter {
    /// As conditions in SQL; `None` when nothing fulfils them. A facet is counted without the filter by it.
    pub(super) fn conditions(
        &self,
        backend: DbBackend,
        scope: ReadScope,
        without: Option<Facet>,
    ) -> Option<Conditions> {
        let mut all = Conditions::default();
        let of_tenant = match scope {
            ReadScope::Tenant(tenant) => Some(tenant),
            ReadScope::All => self.tenant,
        };
        all.is("tenant_id", of_tenant);
        match (self.owner, self.states.as_slice()) {
            (Some(owner), _) => {
                all.is("state", Some(AssetState::Published));
                let owner = all.value(arg(owner));
                // The tenant as a value: a query that depends on the row would be asked for each row.
                let of_tenant = of_tenant.map(|tenant| format!("o.tenant_id = {} AND ", all.value(arg(tenant))));
                let of_tenant = of_tenant.unwrap_or_default();
                all.and(format!("order_id IN (SELECT o.id FROM orders o WHERE {of_tenant}o.created_by = {owner})"));
            }
            (None, []) => all.is_any("state", AssetState::ALL.iter().copied().filter(|state| state.is_current())),
            (None, states) => all.is_any("state", states.iter().copied()),
        }
        if without != Some(Facet::AssetType) {
            all.is_any("asset_type", self.types.iter().copied());
        }
        if without != Some(Facet::CategoryKey) {
            all.is_any("category_key", self.categories.iter().cloned());
        }
        if without != Some(Facet::Lagertyp) {
            all.is_any("lagertyp", self.lagertypen.iter().cloned());
        }
        if without != Some(Facet::RenderStatus) {
            all.is_any("render_status", self.render_statuses.iter().copied());
        }
        all.is("product_id", self.product);
        all.is("order_id", self.order);
        all.is("order_line_id", self.line);
        all.is("output_type_id", self.output_type);
        all.is("workflow_run_id", self.run);
        if let Some(job) = self.design_job {
            let job = all.value(job);
            all.and(format!("design_job_id = {job}"));
        }
        for (column, wanted) in [("view_name", &self.view_name), ("media_type", &self.media_type)] {
            if let Some(wanted) = wanted {
                let wanted = all.value(wanted.as_str());
                all.and(format!("{column} = {wanted}"));
            }
        }
        for (comparison, time) in [(">=", self.created_from), ("<", self.created_to)] {
            if let Some(time) = time {
                let time = all.value(arg(time));
                all.and(format!("created_at {comparison} {time}"));
            }
        }
        if let Some(query) = &self.query {
            if query.tokens().is_empty() {
                return None;
            }
            find(&mut all, backend, query, of_tenant);
        }
        Some(all)
    }
}

/// Adds that each token of a query begins a word. Tokens are letters and digits alone.
fn find(all: &mut Conditions, backend: DbBackend, query: &Query, of_tenant: Option<TenantId>) {
    match backend {
        DbBackend::Sqlite => {
            let tokens: Vec<String> = query.tokens().iter().map(|token| format!("\"{token}\"*")).collect();
            let tokens = all.value(tokens.join(" AND "));
            all.and(format!("number IN (SELECT rowid FROM media_search WHERE media_search MATCH {tokens})"));
        }
        _ => {
            // The index of words begins with the tenant.
            let (asset, word, of_tenant) = match of_tenant {
                Some(tenant) => ("id", "w.asset_id", format!("w.tenant_id = {} AND ", all.value(arg(tenant)))),
                None => ("(tenant_id, id)", "w.tenant_id, w.asset_id", String::new()),
            };
            // What the words have in common: less work for frequent ones than a condition for each.
            let begun = query.tokens().iter().map(|token| {
                let (from, to) = (all.value(token.as_str()), all.value(format!("{token}{LAST}")));
                format!("SELECT {word} FROM media_words w WHERE {of_tenant}w.word >= {from} AND w.word < {to}")
            });
            let begun = begun.collect::<Vec<_>>().join(" INTERSECT ");
            all.and(format!("{asset} IN ({begun})"));
        }
    }
}

/// A part of a list of at most `limit` assets, and how many there are in all.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: AssetFilter,
    order: AssetOrder,
    (start, limit): (Start, u32),
) -> Result<Listed, DbError> {
    let scope = scope.into();
    db.read_snapshot(scope, (scope, filter, order, start, limit), |tx, (scope, filter, order, start, limit)| {
        Box::pin(async move {
            let backend = tx.on().get_database_backend();
            let Some(all) = filter.conditions(backend, *scope, None) else {
                return Ok(Listed { items: Vec::new(), total: 0, next: None });
            };
            prefer_indexes(tx).await?;
            let (total, mut rows) = if filter.query.is_some() {
                found(tx, all, *order, start, *limit).await?
            } else {
                (count(tx, all.clone()).await?, places(tx, all, *order, start, *limit).await?)
            };
            let limit = usize::try_from(*limit).unwrap_or(usize::MAX);
            let is_more = rows.len() > limit;
            rows.truncate(limit);
            let next = rows.last().filter(|_| is_more).map(|(_, place)| place.clone());
            Ok(Listed { items: of_places(tx, rows).await?, total, next })
        })
    })
    .await
}

/// For the rest of a transaction PostgreSQL reckons that an index is no dearer to read than a table, as with the disks
/// of today, and starts no other processes for what takes some milliseconds. By default it reads the whole table to
/// count what a filter or a frequent word finds, which takes longer.
pub(super) async fn prefer_indexes(tx: &Tx<'_>) -> Result<(), DbError> {
    if tx.on().get_database_backend() == DbBackend::Postgres {
        let sql = "SELECT set_config('random_page_cost', '1.1', true), \
                   set_config('max_parallel_workers_per_gather', '0', true)";
        tx.query(sql, []).await?;
    }
    Ok(())
}

/// The first assets of a list, at most `limit`.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn first(
    db: &Db,
    scope: TenantScope,
    filter: AssetFilter,
    order: AssetOrder,
    limit: u32,
) -> Result<Vec<Asset>, DbError> {
    db.read_snapshot(scope, (scope, filter, order, limit), |tx, (scope, filter, order, limit)| {
        Box::pin(async move {
            let backend = tx.on().get_database_backend();
            let Some(all) = filter.conditions(backend, (*scope).into(), None) else { return Ok(Vec::new()) };
            let mut rows = places(tx, all, *order, &Start::After(0), *limit).await?;
            rows.truncate(usize::try_from(*limit).unwrap_or(usize::MAX));
            of_places(tx, rows).await
        })
    })
    .await
}

/// The statements of a page and of its total.
#[cfg(feature = "testing")]
pub(crate) fn explained(
    backend: DbBackend,
    scope: ReadScope,
    filter: &AssetFilter,
    order: AssetOrder,
) -> Vec<(String, Vec<Value>)> {
    let Some(all) = filter.conditions(backend, scope, None) else { return Vec::new() };
    if filter.query.is_some() {
        return vec![searching(all, order, &Start::After(0), 50)];
    }
    vec![counting(all.clone()), finding(all, order, &Start::After(0), 50)]
}

fn counting(all: Conditions) -> (String, Vec<Value>) {
    let (all, values) = all.into_sql();
    (format!("SELECT COUNT(*) FROM media_assets WHERE {all}"), values)
}

/// How many assets fulfil conditions.
pub(super) async fn count(tx: &Tx<'_>, all: Conditions) -> Result<u64, DbError> {
    let (sql, values) = counting(all);
    let rows = tx.query(&sql, values).await?;
    let n: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(n.unsigned_abs())
}

/// Which rows of a list a part is: conditions that follow `WHERE`, and what follows them, for one more than `limit`.
fn part(all: &mut Conditions, order: AssetOrder, start: &Start, limit: u32) -> (String, String) {
    let (column, is_descending) = columns(order);
    let (mut after, mut offset) = ("TRUE".to_owned(), 0);
    match start {
        Start::After(n) => offset = i64::try_from(*n).unwrap_or(i64::MAX),
        Start::Place(place) => {
            let (value, id): (Value, AssetId) = match place {
                Place::Time(time, id) => (arg(*time), *id),
                Place::Name(name, id) => (name.clone().into(), *id),
                Place::Size(size, id) => ((*size).into(), *id),
            };
            let (value, id) = (all.value(value), all.value(arg(id)));
            after = format!("({column}, id) {} ({value}, {id})", if is_descending { "<" } else { ">" });
        }
    }
    let (limit, offset) = (all.value(i64::from(limit) + 1), all.value(offset));
    (after, format!("ORDER BY {} LIMIT {limit} OFFSET {offset}", ordering(order)))
}

fn ordering(order: AssetOrder) -> String {
    let (column, is_descending) = columns(order);
    let direction = if is_descending { "DESC" } else { "ASC" };
    format!("{column} {direction}, id {direction}")
}

/// The statement that finds the places of a part, and one more.
fn finding(mut all: Conditions, order: AssetOrder, start: &Start, limit: u32) -> (String, Vec<Value>) {
    let (after, part) = part(&mut all, order, start, limit);
    let (all, values) = all.into_sql();
    let (column, _) = columns(order);
    // In the index of the order alone; the rows follow.
    (format!("SELECT tenant_id, id, {column} FROM media_assets WHERE {all} AND {after} {part}"), values)
}

/// The same with how many there are in all, in one pass, as words are looked up for both: its rows end with the total,
/// and there is one without a place when the part is empty.
fn searching(mut all: Conditions, order: AssetOrder, start: &Start, limit: u32) -> (String, Vec<Value>) {
    let (after, part) = part(&mut all, order, start, limit);
    let (all, values) = all.into_sql();
    let (column, _) = columns(order);
    let sql = format!(
        "WITH found AS MATERIALIZED (SELECT tenant_id, id, {column} FROM media_assets WHERE {all}) \
         SELECT part.*, counted.total FROM (SELECT COUNT(*) AS total FROM found) counted \
         LEFT JOIN (SELECT * FROM found WHERE {after} {part}) part ON TRUE ORDER BY {}",
        ordering(order)
    );
    (sql, values)
}

/// The place in a row that has a tenant, an asset, and what the list is ordered by.
fn place(row: &QueryResult, order: AssetOrder) -> Result<(TenantId, Place), DbError> {
    let (tenant, id): (TenantId, AssetId) = (cell(row, 0)?, cell(row, 1)?);
    let place = match order {
        AssetOrder::Newest | AssetOrder::Oldest => Place::Time(cell(row, 2)?, id),
        AssetOrder::Name | AssetOrder::NameDescending => Place::Name(row.try_get_by_index(2)?, id),
        AssetOrder::Largest => Place::Size(row.try_get_by_index(2)?, id),
    };
    Ok((tenant, place))
}

/// The places of the assets of a part, and one more.
async fn places(
    tx: &Tx<'_>,
    all: Conditions,
    order: AssetOrder,
    start: &Start,
    limit: u32,
) -> Result<Vec<(TenantId, Place)>, DbError> {
    let (sql, values) = finding(all, order, start, limit);
    tx.query(&sql, values).await?.iter().map(|row| place(row, order)).collect()
}

/// The same, and how many assets there are in all, of a list that is searched.
async fn found(
    tx: &Tx<'_>,
    all: Conditions,
    order: AssetOrder,
    start: &Start,
    limit: u32,
) -> Result<(u64, Vec<(TenantId, Place)>), DbError> {
    let (sql, values) = searching(all, order, start, limit);
    let rows = tx.query(&sql, values).await?;
    let total: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(3))?;
    let is_place = |row: &&QueryResult| !matches!(cell_or_none::<AssetId>(row, 1), Ok(None));
    let places = rows.iter().filter(is_place).map(|row| place(row, order)).collect::<Result<_, _>>()?;
    Ok((total.unsigned_abs(), places))
}

impl Place {
    const fn asset(&self) -> AssetId {
        match self {
            Self::Time(_, id) | Self::Name(_, id) | Self::Size(_, id) => *id,
        }
    }
}

/// The assets at these places.
async fn of_places(tx: &Tx<'_>, places: Vec<(TenantId, Place)>) -> Result<Vec<Asset>, DbError> {
    use media_asset::Column as C;
    let mut found = BTreeMap::new();
    // SQLite takes 32,766 values at once.
    for places in places.chunks(1_000) {
        let mut tenants: Vec<TenantId> = places.iter().map(|(tenant, _)| *tenant).collect();
        tenants.sort_unstable();
        tenants.dedup();
        let rows = media_asset::Entity::find()
            .filter(C::TenantId.is_in(tenants.into_iter().map(Col)))
            .filter(C::Id.is_in(places.iter().map(|(_, place)| Col(place.asset()))));
        let rows = rows.all(tx.on()).await?;
        found.extend(whole(tx, rows).await?.into_iter().map(|asset| (asset.id, asset)));
    }
    Ok(places.iter().filter_map(|(_, place)| found.remove(&place.asset())).collect())
}
