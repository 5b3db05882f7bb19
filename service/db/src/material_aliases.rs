//! Aliases of a tenant: names that it gave to materials. One that was taken back stays in its list; its name is free.

use std::collections::HashSet;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
};
use serde_json::json;

use crate::audit::{self, NewEntry};
use crate::column::Col;
use crate::entity::material_alias;
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope, products, reviews};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::{AliasId, ProductId, TenantId, UserId};
use packshot_domain::material_alias::{
    ACTIVE_MAX, AliasEvent, AliasKey, AliasScope, AliasSource, AliasStatus, NewAlias,
};
use packshot_domain::product::EntryName;
use packshot_domain::time::Timestamp;

/// Ids in one statement; SQLite takes 32,766 values at once.
const AT_ONCE: usize = 1_000;

/// An alias as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaterialAlias {
    /// Its id.
    pub id: AliasId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// What was written.
    pub alias: NewAlias,
    /// Its state.
    pub status: AliasStatus,
    /// Who wrote it.
    pub created_by: UserId,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was taken back.
    pub withdrawn_at: Option<Timestamp>,
    /// Counts its changes.
    pub revision: i64,
}

/// Which aliases a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasFilter {
    /// Only those with this text in the alias or the material, in any case.
    pub query: Option<String>,
    /// Only those of this scope.
    pub scope: Option<AliasScope>,
    /// Only those in this state.
    pub status: AliasStatus,
    /// Only those from there.
    pub source: Option<AliasSource>,
}

/// Why an alias cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum AliasRefusal {
    /// The name is taken.
    #[error("the name is that of an active alias already, which means {material}")]
    Taken {
        /// What the other alias means.
        material: EntryName,
    },
    /// The tenant has as many as it can have.
    #[error("a tenant has at most {ACTIVE_MAX} aliases at once")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// An alias, or the one that has its name.
pub(super) enum Written {
    /// It must be [noted](note_created), when no other rows are to be locked.
    Made(Box<material_alias::Model>),
    Taken(Box<material_alias::Model>),
    TooMany,
}

/// Writes an alias.
///
/// # Errors
///
/// [`AliasRefusal`].
pub async fn create(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    user: UserId,
    new: NewAlias,
) -> Result<MaterialAlias, AliasRefusal> {
    let written = db.write(scope, (scope.tenant, by, user, new), |tx, (tenant, by, user, new)| {
        Box::pin(async move {
            let written = write_in(tx, *tenant, *user, new).await?;
            if let Written::Made(row) = &written {
                note_created(tx, by, row).await?;
            }
            Ok(written)
        })
    });
    match written.await? {
        Written::Made(row) => Ok(MaterialAlias::of(*row)),
        Written::Taken(other) => Err(AliasRefusal::Taken { material: other.material.0 }),
        Written::TooMany => Err(AliasRefusal::TooMany),
    }
}

/// Writes an alias, without its entry in the audit log.
pub(super) async fn write_in(tx: &Tx<'_>, tenant: TenantId, user: UserId, new: &NewAlias) -> Result<Written, DbError> {
    tx.enter(Level::MaterialAlias);
    let active = of_tenant(tenant).filter(material_alias::Column::Status.eq(Col(AliasStatus::Active)));
    if active.clone().count(tx.on()).await? >= ACTIVE_MAX {
        return Ok(Written::TooMany);
    }
    let id = AliasId::new();
    let row = material_alias::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(id)),
        alias: Set(Col(new.alias.clone())),
        key: Set(Col(new.key.clone())),
        active_key: Set(Some(Col(new.key.clone()))),
        searched: Set(format!("{}\n{}", new.alias, new.material).to_lowercase()),
        scope: Set(Col(new.scope)),
        material: Set(Col(new.material.clone())),
        source: Set(Col(new.source)),
        fix_id: Set(new.fix.map(Col)),
        status: Set(Col(AliasStatus::Active)),
        created_by: Set(Col(user)),
        created_at: Set(Col(tx.now().await?)),
        withdrawn_at: Set(None),
        revision: Set(1),
    };
    use material_alias::Column as C;
    let only_once = OnConflict::columns([C::TenantId, C::Scope, C::ActiveKey]).do_nothing().to_owned();
    let made = material_alias::Entity::insert(row).on_conflict(only_once).exec_without_returning(tx.on()).await?;
    if made == 0 {
        let with_key = active.filter(C::Scope.eq(Col(new.scope))).filter(C::Key.eq(Col(new.key.clone())));
        let other = with_key.one(tx.on()).await?.ok_or(DbError::Exists("alias"))?;
        return Ok(Written::Taken(Box::new(other)));
    }
    Ok(Written::Made(Box::new(find(tx, tenant, id).await?)))
}

/// Writes the audit entry of a new alias.
pub(super) async fn note_created(tx: &Tx<'_>, by: &Actor, row: &material_alias::Model) -> Result<(), DbError> {
    let detail = json!({"before": null, "after": shown(row)});
    note(tx, by, row, Action::AliasCreated, detail).await
}

/// An alias of the tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: AliasId) -> Result<MaterialAlias, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move { Ok(MaterialAlias::of(find(tx, *tenant, *id).await?)) })
    })
    .await
}

/// The aliases of the tenant that are in force, by key.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn active(db: &Db, scope: TenantScope) -> Result<Vec<MaterialAlias>, DbError> {
    use material_alias::Column as C;
    db.read(scope, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let active = of_tenant(*tenant).filter(C::Status.eq(Col(AliasStatus::Active)));
            let rows = active.order_by_asc(C::Scope).order_by_asc(C::Key).all(tx.on()).await?;
            Ok(rows.into_iter().map(MaterialAlias::of).collect())
        })
    })
    .await
}

/// A page of aliases, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: AliasFilter,
    page: PageRequest,
) -> Result<Page<MaterialAlias>, DbError> {
    use material_alias::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move {
            let aliases = filter.narrow(scope.narrow(material_alias::Entity::find(), C::TenantId));
            let rows = page.narrow(aliases, C::CreatedAt, C::Id).all(tx.on()).await?;
            let page: Page<material_alias::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            Ok(Page { items: page.items.into_iter().map(MaterialAlias::of).collect(), next: page.next })
        })
    })
    .await
}

/// Takes an alias back; with it go the entries of products that were found by it. One that was taken back is returned
/// as it is.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn withdraw(db: &Db, scope: TenantScope, by: Actor, id: AliasId) -> Result<MaterialAlias, DbError> {
    loop {
        let withdrawn = db.write(scope, (scope.tenant, by.clone(), id), |tx, (tenant, by, id)| {
            Box::pin(withdraw_in(tx, *tenant, by, *id))
        });
        if let Some(alias) = withdrawn.await? {
            return Ok(alias);
        }
    }
}

/// Products are locked before reviews, and these before the alias. `None` when another product got an entry by it in
/// between: nothing is changed.
async fn withdraw_in(tx: &Tx<'_>, tenant: TenantId, by: &Actor, id: AliasId) -> Result<Option<MaterialAlias>, DbError> {
    let products = products::lock_of_alias(tx, tenant, id).await?;
    let resolved = reviews::lock_of_alias(tx, tenant, id).await?;
    let Some(ended) = take_back(tx, tenant, id, &products).await? else { return Ok(None) };
    if ended.detail.is_some() {
        reviews::taken_back(tx, tenant, id, resolved).await?;
    }
    note_withdrawn(tx, by, &ended).await?;
    Ok(Some(MaterialAlias::of(ended.row)))
}

/// An alias that is not in force any more. It must be [noted](note_withdrawn), when no other rows are to be locked.
pub(super) struct Ended {
    row: material_alias::Model,
    /// What the audit log says of it; `None` when it was not in force before.
    detail: Option<Json>,
}

/// Takes an alias back, with the entries that it led to of products which are locked; `None` as [`withdraw_in`]. Its
/// entry in the audit log is not written.
pub(super) async fn take_back(
    tx: &Tx<'_>,
    tenant: TenantId,
    id: AliasId,
    products: &HashSet<ProductId>,
) -> Result<Option<Ended>, DbError> {
    let before = lock(tx, tenant, id).await?;
    let status = before.status.0.next(AliasEvent::Withdraw);
    if status == before.status.0 {
        return Ok(Some(Ended { row: before, detail: None }));
    }
    let Some(n_products) = products::without_alias(tx, tenant, id, products).await? else { return Ok(None) };
    let mut row = before.clone().into_active_model();
    row.status = Set(Col(status));
    row.active_key = Set(None);
    row.withdrawn_at = Set(Some(Col(tx.now().await?)));
    row.revision = Set(before.revision + 1);
    let row = row.update(tx.on()).await?;
    let mut detail = audit::change(&shown(&before), &shown(&row));
    detail["products"] = json!(n_products);
    Ok(Some(Ended { row, detail: Some(detail) }))
}

/// Writes the audit entry of an alias that was taken back.
pub(super) async fn note_withdrawn(tx: &Tx<'_>, by: &Actor, ended: &Ended) -> Result<(), DbError> {
    match &ended.detail {
        Some(detail) => note(tx, by, &ended.row, Action::AliasWithdrawn, detail.clone()).await,
        None => Ok(()),
    }
}

/// Locks these aliases against being taken back, and tells which of them are in force.
pub(super) async fn lock_active(tx: &Tx<'_>, tenant: TenantId, ids: &[AliasId]) -> Result<HashSet<AliasId>, DbError> {
    use material_alias::Column as C;
    let mut active = HashSet::new();
    if ids.is_empty() {
        return Ok(active);
    }
    tx.enter(Level::MaterialAlias);
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    for ids in ids.chunks(AT_ONCE) {
        let named = of_tenant(tenant).filter(C::Id.is_in(ids.iter().map(|id| Col(*id))));
        let rows = named.order_by_asc(C::Id).lock_exclusive().all(tx.on()).await?;
        active.extend(rows.iter().filter(|row| row.status.0 == AliasStatus::Active).map(|row| row.id.0));
    }
    Ok(active)
}

async fn find(tx: &Tx<'_>, tenant: TenantId, id: AliasId) -> Result<material_alias::Model, DbError> {
    let row = material_alias::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    row.ok_or(DbError::NotFound("alias"))
}

async fn lock(tx: &Tx<'_>, tenant: TenantId, id: AliasId) -> Result<material_alias::Model, DbError> {
    tx.enter(Level::MaterialAlias);
    let row = material_alias::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    row.ok_or(DbError::NotFound("alias"))
}

fn of_tenant(tenant: TenantId) -> Select<material_alias::Entity> {
    material_alias::Entity::find().filter(material_alias::Column::TenantId.eq(Col(tenant)))
}

/// What the audit log shows of an alias.
fn shown(row: &material_alias::Model) -> Json {
    json!({
        "alias": row.alias.0.as_str(),
        "scope": row.scope.0.as_str(),
        "material_id": row.material.0.as_str(),
        "source": row.source.0.as_str(),
        "status": row.status.0.as_str(),
    })
}

/// Writes the audit entry of a change of an alias.
async fn note(
    tx: &Tx<'_>,
    by: &Actor,
    row: &material_alias::Model,
    action: Action,
    detail: Json,
) -> Result<(), DbError> {
    let object = Some(("material_alias", row.id.0.to_string()));
    audit::write(tx, row.tenant_id.0, by, [NewEntry { action, object, detail }]).await
}

impl AliasFilter {
    fn narrow(&self, aliases: Select<material_alias::Entity>) -> Select<material_alias::Entity> {
        use material_alias::Column as C;
        let mut aliases = aliases.filter(C::Status.eq(Col(self.status)));
        if let Some(query) = &self.query {
            aliases = aliases.filter(Expr::col(C::Searched).like(products::containing(&query.to_lowercase())));
        }
        if let Some(scope) = self.scope {
            aliases = aliases.filter(C::Scope.eq(Col(scope)));
        }
        match self.source {
            Some(source) => aliases.filter(C::Source.eq(Col(source))),
            None => aliases,
        }
    }
}

impl MaterialAlias {
    fn of(row: material_alias::Model) -> Self {
        let key: AliasKey = row.key.0;
        let alias = NewAlias {
            alias: row.alias.0,
            key,
            scope: row.scope.0,
            material: row.material.0,
            source: row.source.0,
            fix: row.fix_id.map(Col::value),
        };
        Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            alias,
            status: row.status.0,
            created_by: row.created_by.0,
            created_at: row.created_at.0,
            withdrawn_at: row.withdrawn_at.map(Col::value),
            revision: row.revision,
        }
    }
}
