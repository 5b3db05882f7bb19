//! The same picture in other formats: what one render made of one view.

use super::Asset;
use crate::column::{arg, cell};
use crate::{Db, DbError, TenantScope};
use packshot_domain::hash::ContentAddress;

/// Files of the same package and view, those of 8 bits first, without those that `$4` names.
const SAME: &str = "
    SELECT address, media_type FROM media_assets
    WHERE tenant_id = $1 AND package_id = $2 AND COALESCE(view_name, '') = $3
    AND media_type <> $4 AND media_type LIKE 'image/%'
    ORDER BY CASE WHEN media_type IN ('image/png', 'image/jpeg', 'image/webp') THEN 0 ELSE 1 END, position, id LIMIT 1";

/// Content and media type of the same picture as an asset, in another format; `None` where there is none.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn in_another_format(
    db: &Db,
    scope: TenantScope,
    asset: &Asset,
) -> Result<Option<(ContentAddress, String)>, DbError> {
    let view = asset.view_name.clone().unwrap_or_default();
    let key = (scope.tenant, asset.package, view, asset.media_type.clone());
    db.read_one(scope, key, |tx, (tenant, package, view, media_type)| {
        Box::pin(async move {
            let values = [arg(*tenant), arg(*package), view.as_str().into(), media_type.as_str().into()];
            let rows = tx.query(SAME, values).await?;
            let Some(row) = rows.first() else { return Ok(None) };
            Ok(Some((cell(row, 0)?, row.try_get_by_index(1)?)))
        })
    })
    .await
}
