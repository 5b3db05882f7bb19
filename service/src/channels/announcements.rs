//! What administrators have to say to people.

use crate::app::{App, AppError, Code, Page, PageRequest};
use packshot_contract::channel::announcement as contract;
use packshot_contract::problem::Invalid;
use packshot_db::channels::announcements as rows;
use packshot_db::{AllTenants, TenantScope};
use packshot_domain::access::Role;
use packshot_domain::channel::announcement::NewAnnouncement;
use packshot_domain::id::AnnouncementId;
use packshot_domain::principal::Principal;
use packshot_domain::reader::Reader;

/// Makes an announcement. If it has started, whoever it is for has been told when this returns; else they are told
/// within a minute from then on.
///
/// # Errors
/// [`Code::Forbidden`] for all tenants, unless by a global admin; `out_of_range` at `/ends_at` when that is over.
pub async fn create(app: &App, who: &Principal, new: NewAnnouncement) -> Result<contract::Announcement, AppError> {
    if new.all_tenants && who.role != Role::GlobalAdmin {
        let detail = "`all_tenants`: only a global admin speaks to the users of every tenant";
        return Err(AppError::new(Code::Forbidden, detail));
    }
    let now = app.db.now().await?;
    if new.ends_at.is_some_and(|ends_at| ends_at <= now) {
        return Err(Invalid::one("/ends_at", "out_of_range", "expected a time that is not over").into());
    }
    let by = (who.actor(), who.user);
    let made = rows::create(&app.db, TenantScope::of(who.tenant), by, new).await?;
    if made.starts_at <= made.created_at {
        // It is made. Whoever cannot be told now is told by the check of every minute.
        if let Err(reason) = rows::deliver_due(&app.db, AllTenants::Housekeeping).await {
            tracing::warn!("an announcement cannot be told yet: {reason}");
        }
    }
    Ok(shown(made))
}

/// A page of announcements, newest first.
///
/// # Errors
/// Errors of the database.
pub async fn list(app: &App, reader: &Reader, page: PageRequest) -> Result<Page<contract::Announcement>, AppError> {
    let Page { items, next } = rows::list(&app.db, reader, page).await?;
    Ok(Page { items: items.into_iter().map(shown).collect(), next })
}

/// Takes an announcement back: it goes from those who have not read it.
///
/// # Errors
/// [`Code::AnnouncementNotFound`]; [`Code::Forbidden`] for one to all tenants, unless by a global admin.
pub async fn delete(app: &App, who: &Principal, id: AnnouncementId) -> Result<(), AppError> {
    let found = rows::get(&app.db, TenantScope::of(who.tenant), id).await?;
    if found.all_tenants && who.role != Role::GlobalAdmin {
        let detail = "only a global admin takes back what was said to the users of every tenant";
        return Err(AppError::new(Code::Forbidden, detail));
    }
    Ok(rows::delete(&app.db, AllTenants::Instance, who.tenant, who.actor(), id).await?)
}

fn shown(row: rows::Announcement) -> contract::Announcement {
    contract::Announcement {
        id: row.id.uuid(),
        tenant_id: row.tenant.uuid(),
        title: row.title,
        body: row.body,
        severity: row.severity.into(),
        roles: row.roles.into_iter().map(Into::into).collect(),
        starts_at: row.starts_at.into(),
        ends_at: row.ends_at.map(Into::into),
        all_tenants: row.all_tenants,
        created_by: row.created_by.uuid(),
        created_at: row.created_at.into(),
    }
}
