//! Imports of products: what each made of the catalogue.

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};

use crate::channels::{self, Said};
use crate::column::Col;
use crate::entity::{product, product_import};
use crate::level::Level;
use crate::{Db, DbError, TenantScope};
use packshot_domain::audit::Actor;
use packshot_domain::channel::{ActivityType, ImportCounts, NotificationType};
use packshot_domain::id::{ImportId, ProductId, UserId};

/// An import that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// What became of its rows.
    pub counts: ImportCounts,
}

/// Keeps what an import has made of the catalogue, with the products that it made or changed, and tells whoever asked
/// for it, and the activity.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn keep(
    db: &Db,
    scope: TenantScope,
    (by, user): (Actor, UserId),
    import: Import,
    products: Vec<ProductId>,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by.id, user, import, products), |tx, (tenant, by, user, import, products)| {
        Box::pin(async move {
            use product::Column as C;
            let ImportCounts { imported, updated, skipped } = import.counts;
            let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
            let row = product_import::Model {
                tenant_id: Col(*tenant),
                id: Col(import.id),
                imported: count(imported),
                updated: count(updated),
                skipped: count(skipped),
                created_by: Col(*user),
                created_at: Col(tx.now().await?),
            };
            tx.enter(Level::Product);
            tx.insert_all(vec![row.into_active_model().reset_all()]).await?;
            let these = || C::Id.is_in(products.iter().copied().map(Col));
            let locked = product::Entity::find().select_only().column(C::Id).filter(C::TenantId.eq(Col(*tenant)));
            let locked = locked.filter(these()).order_by_asc(C::Id).lock_exclusive();
            let _locked: Vec<Col<ProductId>> = locked.into_tuple().all(tx.on()).await?;
            let import_id = sea_orm::ActiveValue::Set(Some(Col(import.id)));
            let named = product::ActiveModel { import_id, ..Default::default() };
            let update = product::Entity::update_many().set(named).filter(C::TenantId.eq(Col(*tenant)));
            update.filter(these()).exec(tx.on()).await?;
            let said = Said {
                severity: import.counts.severity(),
                actor: *by,
                data: serde_json::json!({"imported": imported, "updated": updated, "skipped": skipped}),
                ..Said::about(import.counts.message(), import.id)
            };
            channels::notify(tx, *tenant, [*user], NotificationType::ExcelImported, &said).await?;
            tx.told(|told| told.note(*tenant, ActivityType::ExcelImported, said.clone()));
            Ok(())
        })
    })
    .await
}

/// An import; without an id the newest that made or changed a product.
///
/// # Errors
///
/// [`DbError::NotFound`] of the import, or of one for a product that came by none.
pub async fn get(db: &Db, scope: TenantScope, id: Option<ImportId>, of: ProductId) -> Result<Import, DbError> {
    db.read(scope, (scope.tenant, id, of), |tx, (tenant, id, of)| {
        Box::pin(async move {
            let missing = || DbError::NotFound("import");
            let id = match id {
                Some(id) => Col(*id),
                None => {
                    let product = product::Entity::find_by_id((Col(*tenant), Col(*of))).one(tx.on()).await?;
                    product.and_then(|row| row.import_id).ok_or_else(missing)?
                }
            };
            let row = product_import::Entity::find_by_id((Col(*tenant), id)).one(tx.on()).await?.ok_or_else(missing)?;
            let count = |n: i32| u32::try_from(n).unwrap_or(0);
            let counts = ImportCounts {
                imported: count(row.imported),
                updated: count(row.updated),
                skipped: count(row.skipped),
            };
            Ok(Import { id: row.id.0, counts })
        })
    })
    .await
}
