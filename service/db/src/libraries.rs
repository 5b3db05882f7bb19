//! Material libraries that tenants uploaded. Each belongs to its tenant alone: even a public one is not listed for
//! other tenants, and they cannot use it by name.

use std::collections::HashSet;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Select,
};
use serde_json::json;

use super::column::Col;
use super::entity::library;
use super::tx::Tx;
use super::{AllTenants, Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope, audit};
use audit::NewEntry;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{LibraryId, TenantId};
use packshot_domain::time::Timestamp;

/// A library to record. Its file is in the store already.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLibrary {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of its materials.
    pub digest: String,
    /// The uploaded file.
    pub address: ContentAddress,
    /// The file's media type: a zip or one TOML.
    pub media_type: String,
    /// How many materials it has.
    pub materials: i32,
    /// The findings about it.
    pub diagnostics: Json,
}

/// A library as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Library {
    /// Its id.
    pub id: LibraryId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// What was uploaded.
    pub library: NewLibrary,
    /// Whether its names may be suggested to other tenants.
    pub public: bool,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Counts its changes.
    pub revision: i64,
}

/// Stores a library; storing the same one again changes nothing.
///
/// # Errors
///
/// [`DbError::Exists`] when this version exists with other content.
pub async fn create(db: &Db, scope: TenantScope, by: Actor, new: NewLibrary) -> Result<Library, DbError> {
    db.write(scope, (scope.tenant, by, new), |tx, (tenant, by, new)| {
        Box::pin(async move {
            let row = library::ActiveModel {
                tenant_id: Set(Col(*tenant)),
                id: Set(Col(LibraryId::new())),
                name: Set(new.name.clone()),
                version: Set(new.version.clone()),
                digest: Set(new.digest.clone()),
                address: Set(Col(new.address)),
                media_type: Set(new.media_type.clone()),
                materials: Set(new.materials),
                diagnostics: Set(Col(new.diagnostics.clone())),
                public: Set(false),
                created_at: Set(Col(tx.now().await?)),
                revision: Set(1),
            };
            let version = [library::Column::TenantId, library::Column::Name, library::Column::Version];
            let only_once = OnConflict::columns(version).do_nothing().to_owned();
            let made = library::Entity::insert(row).on_conflict(only_once).exec_without_returning(tx.on()).await?;
            let there = of_tenant(*tenant)
                .filter(library::Column::Name.eq(&*new.name))
                .filter(library::Column::Version.eq(&*new.version))
                .one(tx.on())
                .await?;
            let there = there.ok_or(DbError::NotFound("library"))?;
            if there.digest != new.digest {
                return Err(DbError::Exists("library"));
            }
            if made > 0 {
                note(tx, by, &there, json!({"before": null, "after": shown(&there)})).await?;
            }
            Ok(Library::of(there))
        })
    })
    .await
}

/// A library of the tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: LibraryId) -> Result<Library, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let row = library::Entity::find_by_id((Col(*tenant), Col(*id))).one(tx.on()).await?;
            row.map(Library::of).ok_or(DbError::NotFound("library"))
        })
    })
    .await
}

/// The tenant's newest library with this name.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn find(db: &Db, scope: TenantScope, name: &str) -> Result<Option<Library>, DbError> {
    db.read(scope, (scope.tenant, name.to_owned()), |tx, (tenant, name)| {
        Box::pin(async move {
            let named = of_tenant(*tenant).filter(library::Column::Name.eq(name));
            let newest = named.order_by_desc(library::Column::CreatedAt).order_by_desc(library::Column::Id);
            Ok(newest.one(tx.on()).await?.map(Library::of))
        })
    })
    .await
}

/// A page of libraries, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(db: &Db, scope: impl Into<ReadScope>, page: PageRequest) -> Result<Page<Library>, DbError> {
    let scope = scope.into();
    db.read(scope, (scope, page), |tx, (scope, page)| {
        Box::pin(async move {
            let libraries = scope.narrow(library::Entity::find(), library::Column::TenantId);
            let rows = page.narrow(libraries, library::Column::CreatedAt, library::Column::Id).all(tx.on()).await?;
            let page: Page<library::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            let items = page.items.into_iter().map(Library::of).collect();
            Ok(Page { items, next: page.next })
        })
    })
    .await
}

/// The files of the newest version of each library that another tenant has published, each with its tenant. What they
/// call their materials may be suggested; nothing else of them is shown.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn published(db: &Db, all: AllTenants, but: TenantId) -> Result<Vec<(TenantId, ContentAddress)>, DbError> {
    db.read(all, but, |tx, but| {
        Box::pin(async move {
            let public = library::Entity::find()
                .filter(library::Column::Public.eq(true))
                .filter(library::Column::TenantId.ne(Col(*but)));
            let newest = public.order_by_desc(library::Column::CreatedAt).order_by_desc(library::Column::Id);
            let mut seen = HashSet::new();
            let rows = newest.all(tx.on()).await?.into_iter();
            let rows = rows.filter(|row| seen.insert((row.tenant_id.0, row.name.clone())));
            Ok(rows.map(|row| (row.tenant_id.0, row.address.0)).collect())
        })
    })
    .await
}

/// Publishes a library of the tenant, or withdraws it.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn set_public(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    id: LibraryId,
    public: bool,
) -> Result<Library, DbError> {
    db.write(scope, (scope.tenant, by, id, public), |tx, (tenant, by, id, public)| {
        Box::pin(async move {
            let before = lock(tx, *tenant, *id).await?;
            if before.public == *public {
                return Ok(Library::of(before));
            }
            let mut row = before.clone().into_active_model();
            (row.public, row.revision) = (Set(*public), Set(before.revision + 1));
            let row = row.update(tx.on()).await?;
            note(tx, by, &row, audit::change(&shown(&before), &shown(&row))).await?;
            Ok(Library::of(row))
        })
    })
    .await
}

/// Deletes a library of the tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn delete(db: &Db, scope: TenantScope, by: Actor, id: LibraryId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, id), |tx, (tenant, by, id)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *id).await?;
            library::Entity::delete_by_id((Col(*tenant), Col(*id))).exec(tx.on()).await?;
            note(tx, by, &row, json!({"before": shown(&row), "after": null})).await
        })
    })
    .await
}

async fn lock(tx: &Tx<'_>, tenant: TenantId, id: LibraryId) -> Result<library::Model, DbError> {
    let row = library::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    row.ok_or(DbError::NotFound("library"))
}

/// What the audit log shows of a library.
fn shown(row: &library::Model) -> Json {
    json!({
        "name": row.name,
        "version": row.version,
        "digest": row.digest,
        "content_address": row.address.0.to_string(),
        "public": row.public,
    })
}

/// Writes the audit entry of a change of a library.
async fn note(tx: &Tx<'_>, by: &Actor, row: &library::Model, detail: Json) -> Result<(), DbError> {
    let object = Some(("library", row.id.0.to_string()));
    audit::write(tx, row.tenant_id.0, by, [NewEntry { action: Action::LibraryChanged, object, detail }]).await
}

fn of_tenant(tenant: TenantId) -> Select<library::Entity> {
    library::Entity::find().filter(library::Column::TenantId.eq(Col(tenant)))
}

impl Library {
    fn of(row: library::Model) -> Self {
        let library = NewLibrary {
            name: row.name,
            version: row.version,
            digest: row.digest,
            address: row.address.0,
            media_type: row.media_type,
            materials: row.materials,
            diagnostics: row.diagnostics.0,
        };
        let (public, created_at, revision) = (row.public, row.created_at.0, row.revision);
        Self { id: row.id.0, tenant: row.tenant_id.0, library, public, created_at, revision }
    }
}
