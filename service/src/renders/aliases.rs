//! The tenant's aliases as a render takes them along: one layer over all libraries in force.

use packshot_db::material_aliases::active;
use packshot_db::{Db, DbError, TenantScope};
use packshot_domain::material_alias::{AliasScope, NewAlias};
use packshot_materials::aliases::AliasLayer;

/// The aliases that are in force now.
///
/// # Errors
/// Errors of the database.
pub async fn layer(db: &Db, scope: TenantScope) -> Result<AliasLayer, DbError> {
    let mut layer = AliasLayer::default();
    for alias in active(db, scope).await? {
        let NewAlias { key, scope, material, .. } = alias.alias;
        let aliases = match scope {
            AliasScope::Part => &mut layer.part,
            AliasScope::Material => &mut layer.material,
        };
        aliases.insert(key.to_string(), material.to_string());
    }
    Ok(layer)
}
