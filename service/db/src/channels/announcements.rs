//! What administrators have to say: each user whom it is for gets one notification, from its start to its end.

use sea_orm::sea_query::Query;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;

use super::{Said, feed};
use crate::audit::{self, NewEntry};
use crate::column::Col;
use crate::entity::{announced, announcement, notification, tenant, tenant_config, user};
use crate::tx::Tx;
use crate::{AllTenants, Db, DbError, Page, PageRequest, ReadScope, TenantScope};
use packshot_domain::access::Role;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::channel::Severity;
use packshot_domain::channel::announcement::{NewAnnouncement, message};
use packshot_domain::id::{AnnouncementId, TenantId, UserId};
use packshot_domain::tenant::TenantStatus;
use packshot_domain::time::Timestamp;

/// Users that one transaction tells.
const USERS_AT_ONCE: u64 = 500;

/// What an administrator has to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    /// Its id.
    pub id: AnnouncementId,
    /// The tenant whose administrator made it.
    pub tenant: TenantId,
    /// What it is about.
    pub title: String,
    /// What it says.
    pub body: String,
    /// How bad it is.
    pub severity: Severity,
    /// To users with one of these roles.
    pub roles: Vec<Role>,
    /// When people are told.
    pub starts_at: Timestamp,
    /// When what nobody read of it is gone.
    pub ends_at: Option<Timestamp>,
    /// Whether the users of every tenant are told.
    pub all_tenants: bool,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// Makes an announcement. Whoever it is for is told by [`deliver_due`].
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn create(
    db: &Db,
    scope: TenantScope,
    (by, user): (Actor, UserId),
    new: NewAnnouncement,
) -> Result<Announcement, DbError> {
    db.write(scope, (scope.tenant, by, user, new), |tx, (tenant, by, user, new)| {
        Box::pin(async move {
            let now = tx.now().await?;
            let row = announcement::Model {
                tenant_id: Col(*tenant),
                id: Col(AnnouncementId::new()),
                title: new.title.as_str().to_owned(),
                body: new.body.as_str().to_owned(),
                severity: Col(new.severity),
                roles: Col(new.roles.clone()),
                starts_at: Col(new.starts_at.unwrap_or(now)),
                ends_at: new.ends_at.map(Col),
                all_tenants: new.all_tenants,
                created_by: Col(*user),
                created_at: Col(now),
                is_over: false,
            };
            tx.insert_all(vec![row.clone().into_active_model().reset_all()]).await?;
            note(tx, by, &row, Action::AnnouncementCreated).await?;
            Ok(row.into())
        })
    })
    .await
}

/// A page of announcements, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(db: &Db, scope: impl Into<ReadScope>, page: PageRequest) -> Result<Page<Announcement>, DbError> {
    use announcement::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, page), |tx, (scope, page)| {
        Box::pin(async move {
            let all = scope.narrow(announcement::Entity::find(), C::TenantId);
            let rows = page.narrow(all, C::CreatedAt, C::Id).all(tx.on()).await?;
            Ok(page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())))
        })
    })
    .await
}

/// An announcement of a tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: AnnouncementId) -> Result<Announcement, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let found = announcement::Entity::find_by_id((Col(*tenant), Col(*id))).one(tx.on()).await?;
            Ok(found.ok_or(DbError::NotFound("announcement"))?.into())
        })
    })
    .await
}

/// Takes an announcement of a tenant back; what nobody read of it is gone with it.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn delete(db: &Db, all: AllTenants, tenant: TenantId, by: Actor, id: AnnouncementId) -> Result<(), DbError> {
    db.write(all, (tenant, by, id), |tx, (tenant, by, id)| {
        Box::pin(async move {
            let found = announcement::Entity::find_by_id((Col(*tenant), Col(*id))).lock_exclusive();
            let row = found.one(tx.on()).await?.ok_or(DbError::NotFound("announcement"))?;
            let told = announced::Entity::delete_many().filter(announced::Column::AnnouncementId.eq(Col(*id)));
            told.exec(tx.on()).await?;
            withdraw(tx, *id).await?;
            announcement::Entity::delete_by_id((Col(*tenant), Col(*id))).exec(tx.on()).await?;
            note(tx, by, &row, Action::AnnouncementDeleted).await
        })
    })
    .await
}

/// Tells users of announcements that have started, each once, and removes what nobody read of those that have ended.
/// Returns how many users were told.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn deliver_due(db: &Db, all: AllTenants) -> Result<usize, DbError> {
    let (due, ended) = db.read(all, (), |tx, ()| Box::pin(begun(tx))).await?;
    for row in ended {
        db.write(all, (row.tenant_id.0, row.id.0), |tx, (tenant, id)| Box::pin(end(tx, (*tenant, *id)))).await?;
    }
    let mut n_told = 0;
    for row in due {
        loop {
            let key = (row.tenant_id.0, row.id.0);
            let n = db.write(all, key, |tx, (tenant, id)| Box::pin(deliver(tx, (*tenant, *id)))).await?;
            n_told += n;
            if n < USERS_AT_ONCE as usize {
                break;
            }
        }
    }
    Ok(n_told)
}

/// Announcements that have begun: those with somebody to tell, and those that have ended.
async fn begun(tx: &Tx<'_>) -> Result<(Vec<announcement::Model>, Vec<announcement::Model>), DbError> {
    use announcement::Column as C;
    let now = tx.now().await?;
    let begun = announcement::Entity::find().filter(C::IsOver.eq(false)).filter(C::StartsAt.lte(Col(now)));
    let (mut due, mut ended) = (Vec::new(), Vec::new());
    for row in begun.order_by_asc(C::StartsAt).all(tx.on()).await? {
        if row.ends_at.is_some_and(|at| at.0 <= now) {
            ended.push(row);
        } else if !not_told(tx, &row).await?.is_empty() {
            due.push(row);
        }
    }
    Ok((due, ended))
}

/// Tells users of an announcement, at most [`USERS_AT_ONCE`]; returns how many.
async fn deliver(tx: &Tx<'_>, (tenant, id): (TenantId, AnnouncementId)) -> Result<usize, DbError> {
    // Whoever tells of it, in whichever process, holds it.
    let found = announcement::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    let Some(row) = found.filter(|row| !row.is_over) else { return Ok(0) };
    let users = not_told(tx, &row).await?;
    let said = Said {
        severity: row.severity.0,
        actor: Some(row.created_by.0.uuid()),
        data: json!({
            "announcement_id": id.uuid(),
            "title": row.title,
            "ends_at": row.ends_at.map(|at| at.0.to_string()),
        }),
        ..Said::of_nothing(message(&row.title, &row.body))
    };
    let told = users.iter().map(|(tenant, user)| announced::Model {
        tenant_id: Col(*tenant),
        announcement_id: Col(id),
        user_id: Col(*user),
    });
    tx.insert_all(told.map(|row| row.into_active_model().reset_all()).collect()).await?;
    for to in &users {
        tx.told(|told| told.announce(*to, id, said.clone()));
    }
    Ok(users.len())
}

/// Users whom an announcement is for and who were not told of it, where the tenant keeps what it has, and its
/// configuration allows notifications.
async fn not_told(tx: &Tx<'_>, row: &announcement::Model) -> Result<Vec<(TenantId, UserId)>, DbError> {
    use user::Column as C;
    let told = Query::select()
        .column(announced::Column::UserId)
        .from(announced::Entity)
        .and_where(announced::Column::AnnouncementId.eq(row.id))
        .to_owned();
    let silent = Query::select()
        .column(tenant_config::Column::TenantId)
        .from(tenant_config::Entity)
        .and_where(tenant_config::Column::NotificationsEnabled.eq(false))
        .to_owned();
    let are_kept = TenantStatus::ALL.iter().copied().filter(|status| status.is_kept()).map(Col);
    let kept = Query::select()
        .column(tenant::Column::Id)
        .from(tenant::Entity)
        .and_where(tenant::Column::Status.is_in(are_kept))
        .to_owned();
    let mut whom = Condition::all()
        .add(C::IsActive.eq(true))
        .add(C::Role.is_in(row.roles.0.iter().copied().map(Col)))
        .add(C::Id.not_in_subquery(told))
        .add(C::TenantId.not_in_subquery(silent))
        .add(C::TenantId.in_subquery(kept));
    if !row.all_tenants {
        whom = whom.add(C::TenantId.eq(row.tenant_id));
    }
    let found = user::Entity::find().filter(whom).order_by_asc(C::TenantId).order_by_asc(C::Id).limit(USERS_AT_ONCE);
    let users = found.all(tx.on()).await?;
    Ok(users.into_iter().map(|row| (row.tenant_id.0, row.id.0)).collect())
}

async fn end(tx: &Tx<'_>, (tenant, id): (TenantId, AnnouncementId)) -> Result<(), DbError> {
    let found = announcement::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    let Some(mut row) = found.filter(|row| !row.is_over) else { return Ok(()) };
    withdraw(tx, id).await?;
    row.is_over = true;
    row.into_active_model().reset_all().update_without_returning(tx.on()).await?;
    Ok(())
}

/// Removes what nobody read of an announcement.
async fn withdraw(tx: &Tx<'_>, id: AnnouncementId) -> Result<(), DbError> {
    use notification::Column as C;
    let unread = || Condition::all().add(C::AnnouncementId.eq(Col(id))).add(C::ReadAt.is_null());
    let of: Vec<(Col<TenantId>, Col<UserId>)> = notification::Entity::find()
        .filter(unread())
        .select_only()
        .columns([C::TenantId, C::UserId])
        .into_tuple()
        .all(tx.on())
        .await?;
    notification::Entity::delete_many().filter(unread()).exec(tx.on()).await?;
    for (tenant, user) in of {
        feed::recounted(tx, (tenant.0, user.0));
    }
    Ok(())
}

async fn note(tx: &Tx<'_>, by: &Actor, row: &announcement::Model, action: Action) -> Result<(), DbError> {
    let shown = json!({
        "title": row.title,
        "roles": row.roles.0.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "starts_at": row.starts_at.0.to_string(),
        "ends_at": row.ends_at.map(|at| at.0.to_string()),
        "all_tenants": row.all_tenants,
    });
    let detail = match action {
        Action::AnnouncementCreated => json!({"before": null, "after": shown}),
        _ => json!({"before": shown, "after": null}),
    };
    let entry = NewEntry { action, object: Some(("announcement", row.id.0.to_string())), detail };
    audit::write(tx, row.tenant_id.0, by, [entry]).await
}

impl From<announcement::Model> for Announcement {
    fn from(row: announcement::Model) -> Self {
        Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            title: row.title,
            body: row.body,
            severity: row.severity.0,
            roles: row.roles.0,
            starts_at: row.starts_at.0,
            ends_at: row.ends_at.map(Col::value),
            all_tenants: row.all_tenants,
            created_by: row.created_by.0,
            created_at: row.created_at.0,
        }
    }
}

/// Removes announcements that ended, or, without an end, began before a time.
pub(super) async fn expire(tx: &Tx<'_>, before: Timestamp) -> Result<u64, DbError> {
    use announcement::Column as C;
    let old = Condition::any()
        .add(C::EndsAt.lt(Col(before)))
        .add(Condition::all().add(C::EndsAt.is_null()).add(C::StartsAt.lt(Col(before))));
    let ids = Query::select().column(C::Id).from(announcement::Entity).cond_where(old.clone()).to_owned();
    let told = announced::Entity::delete_many().filter(announced::Column::AnnouncementId.in_subquery(ids));
    told.exec(tx.on()).await?;
    Ok(announcement::Entity::delete_many().filter(old).exec(tx.on()).await?.rows_affected)
}
