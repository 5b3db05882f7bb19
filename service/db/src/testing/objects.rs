//! What only damage or another program can do to the records of stored files.

use crate::column::arg;
use crate::{Db, DbError, TenantScope};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::RenderId;

/// What the column of an object's group hashes has.
///
/// # Errors
///
/// [`DbError::NotFound`] when there is no record of the object.
pub async fn group_hashes(db: &Db, scope: TenantScope, address: ContentAddress) -> Result<Option<Vec<u8>>, DbError> {
    db.read(scope, (scope.tenant, address), |tx, (tenant, address)| {
        Box::pin(async move {
            let sql = "SELECT group_hashes FROM objects WHERE tenant_id = $1 AND content_address = $2";
            let rows = tx.query(sql, [arg(*tenant), arg(*address)]).await?;
            Ok(rows.first().ok_or(DbError::NotFound("object"))?.try_get_by_index(0)?)
        })
    })
    .await
}

/// Writes other bytes into that column.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn set_group_hashes(
    db: &Db,
    scope: TenantScope,
    address: ContentAddress,
    bytes: Option<Vec<u8>>,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, address, bytes), |tx, (tenant, address, bytes)| {
        Box::pin(async move {
            let sql = "UPDATE objects SET group_hashes = $3 WHERE tenant_id = $1 AND content_address = $2 \
                       RETURNING content_address";
            tx.query(sql, [arg(*tenant), arg(*address), bytes.clone().into()]).await?;
            Ok(())
        })
    })
    .await
}

/// Makes all files of a render and of its packages those of another object: what it has is sent for them.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn point_file_at(
    db: &Db,
    scope: TenantScope,
    render: RenderId,
    address: ContentAddress,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, render, address), |tx, (tenant, render, address)| {
        Box::pin(async move {
            let sql = "UPDATE render_files SET address = $3 WHERE tenant_id = $1 AND render_id = $2 RETURNING name";
            tx.query(sql, [arg(*tenant), arg(*render), arg(*address)]).await?;
            let sql = "UPDATE artifact_files SET content_address = $3 WHERE tenant_id = $1 AND package_id IN \
                       (SELECT p.id FROM artifact_packages p WHERE p.tenant_id = $1 AND p.subject_id = $2) \
                       RETURNING id";
            tx.query(sql, [arg(*tenant), arg(*render), arg(*address)]).await?;
            Ok(())
        })
    })
    .await
}

/// Runs a statement on the rows of a tenant that nothing here runs.
///
/// # Errors
///
/// [`DbError`] when the database refuses it.
pub async fn tamper(db: &Db, scope: TenantScope, sql: &str) -> Result<(), DbError> {
    db.write(scope, sql.to_owned(), |tx, sql| Box::pin(async move { tx.query(sql, []).await.map(drop) })).await
}
