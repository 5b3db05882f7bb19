//! Who changed what.

use crate::app::{App, AppError};
use packshot_contract::audit as contract;
use packshot_db::audit::{self, AuditEntry};
use packshot_domain::id::TenantId;
use packshot_domain::reader::Reader;

pub use packshot_db::audit::{AuditCursor, AuditFilter};

/// Entries, newest first: at most `limit` after a place. With the place where the next page begins, if there is one.
///
/// # Errors
/// Errors of the database.
pub async fn list(
    app: &App,
    reader: &Reader,
    filter: AuditFilter,
    limit: u32,
    after: Option<AuditCursor>,
) -> Result<(Vec<contract::AuditEntry>, Option<AuditCursor>), AppError> {
    let mut entries = audit::list(&app.db, reader, filter, limit + 1, after).await?;
    let is_more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next = entries.last().filter(|_| is_more).map(AuditCursor::of);
    Ok((entries.into_iter().map(to_contract).collect(), next))
}

fn to_contract(entry: AuditEntry) -> contract::AuditEntry {
    contract::AuditEntry {
        id: entry.id.unsigned_abs(),
        tenant_id: entry.tenant.uuid(),
        at: entry.at.into(),
        actor_kind: entry.actor.kind.into(),
        actor_id: entry.actor.id,
        actor_name: entry.actor.name,
        action: entry.action.as_str().to_owned(),
        object_type: entry.object_type,
        object_id: entry.object_id,
        detail: entry.detail,
        reason: entry.reason,
        acting_tenant: entry.actor.acting_tenant.map(TenantId::uuid),
        ip: entry.actor.ip.map(|ip| ip.to_string()),
        request_id: entry.actor.request_id,
    }
}
