//! Putting rows in the place of others, within one transaction.

use std::collections::BTreeSet;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, Iterable, QueryFilter};
use uuid::Uuid;

use super::compare::Differing;
use super::fold::Views;
use crate::DbError;
use crate::column::Col;
use crate::entity::{artifact_file, artifact_package, retention_state, storage_location};
use crate::tx::Tx;
use packshot_domain::id::TenantId;

/// Rows that one statement writes or removes; their values stay below the engines' limits.
const AT_ONCE: usize = 500;

/// Writes those rows of the views that differ, and removes those that should not be there.
pub(super) async fn put(tx: &Tx<'_>, views: &Views, differing: &Differing) -> Result<(), DbError> {
    use artifact_file::Column as F;
    use artifact_package::Column as P;
    use retention_state::Column as R;
    use storage_location::Column as L;
    let tenant = views.tenant;
    let Differing { packages, files, locations, retention } = differing;
    let packages_left = packages.iter().filter_map(|id| views.packages.get(id).cloned());
    put_packages(tx, packages_left.map(|row| row.into_active_model().reset_all()).collect()).await?;

    // Paths are unique, so what is wrong goes before what is right comes. With a file go its locations.
    let of_files = views.locations.iter().filter(|(_, row)| files.contains(&row.artifact_file_id.0.uuid()));
    let locations: BTreeSet<Uuid> = locations.iter().copied().chain(of_files.map(|(id, _)| *id)).collect();
    remove::<storage_location::Entity>(tx, tenant, [L::TenantId, L::Id], &locations).await?;
    remove::<artifact_file::Entity>(tx, tenant, [F::TenantId, F::Id], files).await?;
    remove::<retention_state::Entity>(tx, tenant, [R::TenantId, R::PackageId], retention).await?;
    let unexpected: BTreeSet<Uuid> = packages.iter().filter(|id| !views.packages.contains_key(id)).copied().collect();
    remove::<artifact_package::Entity>(tx, tenant, [P::TenantId, P::Id], &unexpected).await?;

    let files = files.iter().filter_map(|id| views.files.get(id).cloned());
    tx.insert_all(files.map(|row| row.into_active_model().reset_all()).collect()).await?;
    let locations = locations.iter().filter_map(|id| views.locations.get(id).cloned());
    tx.insert_all(locations.map(|row| row.into_active_model().reset_all()).collect()).await?;
    let retention = retention.iter().filter_map(|id| views.retention.get(id).cloned());
    tx.insert_all(retention.map(|row| row.into_active_model().reset_all()).collect()).await
}

/// Writes packages over those that are there: removing one would remove its files.
async fn put_packages(tx: &Tx<'_>, rows: Vec<artifact_package::ActiveModel>) -> Result<(), DbError> {
    use artifact_package::Column as C;
    for some in rows.chunks(AT_ONCE) {
        let others = C::iter().filter(|column| !matches!(column, C::TenantId | C::Id));
        let replaced = OnConflict::columns([C::TenantId, C::Id]).update_columns(others).to_owned();
        let insert = artifact_package::Entity::insert_many(some.to_vec()).on_conflict(replaced);
        insert.exec_without_returning(tx.on()).await?;
    }
    Ok(())
}

/// Removes rows with these keys.
async fn remove<E>(
    tx: &Tx<'_>,
    tenant: TenantId,
    [tenant_id, key]: [E::Column; 2],
    rows: &BTreeSet<Uuid>,
) -> Result<(), DbError>
where
    E: EntityTrait,
{
    let keys: Vec<Uuid> = rows.iter().copied().collect();
    for some in keys.chunks(AT_ONCE) {
        let rows = E::delete_many().filter(tenant_id.eq(Col(tenant)));
        rows.filter(key.is_in(some.iter().copied())).exec(tx.on()).await?;
    }
    Ok(())
}
