//! Reading the rows of all tenants, which a global admin may ask for: never without an entry in the audit log.

use serde_json::json;

use crate::app::{App, AppError};
use packshot_db::{AllTenants, TenantScope, audit, installation};
use packshot_domain::audit::Action;
use packshot_domain::principal::Principal;

/// Records that somebody reads the rows of all tenants at a path, in the audit log of the tenant that runs the
/// installation and not in those of the others. If it cannot be recorded, nothing is read.
///
/// # Errors
/// Errors of the database.
pub async fn note(app: &App, who: &Principal, path: &str) -> Result<(), AppError> {
    let operating = installation::get(&app.db, AllTenants::Authentication).await?.operating_tenant;
    let detail = json!({"path": path});
    Ok(audit::record(&app.db, TenantScope::of(operating), who.actor(), Action::BypassRead, detail).await?)
}
