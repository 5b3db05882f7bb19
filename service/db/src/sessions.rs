//! Sessions of people: begun by a sign-in, kept by refresh tokens, ended by a sign-out, a new password, or the second
//! use of a token.

use std::net::IpAddr;
use std::time::Duration;

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, UpdateMany};
use serde_json::json;
use uuid::Uuid;

use super::column::Col;
use super::entity::{refresh_token, session, user};
use super::level::Level;
use super::tx::Tx;
use super::users::User;
use super::{AllTenants, Db, DbError, Page, PageRequest, TenantScope, audit, installation, tenants};
use audit::NewEntry;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{SessionId, TenantId, UserId};
use packshot_domain::secret::SecretHash;
use packshot_domain::session::{Refresh, RefreshFacts};
use packshot_domain::tenant::TenantStatus;
use packshot_domain::time::Timestamp;

/// Most characters that are kept of what a browser calls itself.
const USER_AGENT_CHARS_MAX: usize = 200;

/// How long a session is kept after its end, for investigations.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// The user who signed in.
    pub user: UserId,
    /// When they did.
    pub created_at: Timestamp,
    /// When its tokens were last renewed.
    pub last_used_at: Timestamp,
    /// When it ends unless they are renewed.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// What the browser or program calls itself.
    pub user_agent: Option<String>,
    /// The address of the sign-in.
    pub ip: Option<IpAddr>,
}

/// A session to begin.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The user who signs in.
    pub user: UserId,
    /// The hash of the password that was shown: it must be the user's still. `None` for a user who has just been made.
    pub password_hash: Option<String>,
    /// What the browser or program calls itself.
    pub user_agent: Option<String>,
    /// The address that the request came from.
    pub ip: Option<IpAddr>,
    /// The hash of its first refresh token.
    pub token: SecretHash,
    /// How long that token lives.
    pub lives: Duration,
}

/// A session with its user, as a request needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The user.
    pub user: User,
    /// The session.
    pub session: SessionId,
    /// When it was ended, or `None` while it lasts.
    pub revoked_at: Option<Timestamp>,
    /// Whether the user's tenant runs the installation.
    pub in_operating_tenant: bool,
    /// The state of the user's tenant.
    pub tenant_status: TenantStatus,
    /// The database's current time, which decides whether a token has expired.
    pub now: Timestamp,
}

/// Begins a session: the user has just shown the password.
///
/// # Errors
///
/// [`DbError::NotFound`] when the user has been deleted or deactivated in the meantime, or has another password.
pub async fn begin(db: &Db, scope: TenantScope, by: Actor, new: NewSession) -> Result<Session, DbError> {
    db.write(scope, (scope.tenant, by, new), |tx, (tenant, by, new)| {
        Box::pin(async move {
            let now = tx.now().await?;
            tx.enter(Level::User);
            let users = user::Entity::update_many().filter(user::Column::TenantId.eq(Col(*tenant)));
            let users = users.filter(user::Column::Id.eq(Col(new.user))).filter(user::Column::IsActive.eq(true));
            // A password takes time to check. When it is replaced its sessions end, and none begins with it after that.
            let users = match &new.password_hash {
                Some(hash) => users.filter(user::Column::PasswordHash.eq(hash.as_str())),
                None => users,
            };
            let met = users.col_expr(user::Column::LastLoginAt, Expr::value(Col(now))).exec(tx.on()).await?;
            if met.rows_affected == 0 {
                return Err(DbError::NotFound("user"));
            }
            tx.enter(Level::Session);
            let agent = new.user_agent.as_deref();
            let row = session::Model {
                tenant_id: Col(*tenant),
                id: Col(SessionId::new()),
                user_id: Col(new.user),
                user_agent: agent.map(|agent| agent.chars().take(USER_AGENT_CHARS_MAX).collect()),
                ip: new.ip.map(|ip| ip.to_string()),
                created_at: Col(now),
                last_used_at: Col(now),
                expires_at: Col(now + new.lives),
                revoked_at: None,
            };
            let inserted = session::ActiveModel::from(row.clone()).reset_all();
            session::Entity::insert(inserted).exec_without_returning(tx.on()).await?;
            give_token(tx, *tenant, row.id.0, new.token, new.lives).await?;
            let object = Some(("session", row.id.0.to_string()));
            let entry = NewEntry { action: Action::Login, object, detail: json!({}) };
            audit::write(tx, *tenant, by, [entry]).await?;
            Ok(row.into())
        })
    })
    .await
}

/// What became of a refresh token that somebody used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// It was replaced by the next one.
    Renewed(SignedIn),
    /// It is unknown, has expired, or its session has ended.
    Refused,
    /// The user's tenant is deactivated. The token stays valid for when it is active again.
    TenantInactive,
    /// It was used long after it was replaced: its session has ended now.
    Reused,
}

/// Replaces a refresh token by the next one, which lives as long as given.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn renew(
    db: &Db,
    all: AllTenants,
    (ip, request_id): (Option<IpAddr>, Option<String>),
    shown: SecretHash,
    next: SecretHash,
    lives: Duration,
) -> Result<Renewal, DbError> {
    db.write(all, (ip, request_id, shown, next, lives), |tx, (ip, request_id, shown, next, lives)| {
        Box::pin(async move {
            let now = tx.now().await?;
            let hash = Col(ContentAddress::from_hash(*shown.as_bytes()));
            let tokens = refresh_token::Entity::find().filter(refresh_token::Column::Hash.eq(hash));
            let Some(found) = tokens.one(tx.on()).await? else { return Ok(Renewal::Refused) };
            let (tenant, id) = (found.tenant_id.0, found.session_id.0);
            tx.enter(Level::Session);
            // All that use tokens of this session wait for each other here.
            let session = session::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
            let token = refresh_token::Entity::find_by_id((Col(tenant), found.id)).one(tx.on()).await?;
            let Some((session, token)) = session.zip(token) else { return Ok(Renewal::Refused) };
            let facts = RefreshFacts {
                expires_at: token.expires_at.0,
                replaced_at: token.replaced_at.map(Col::value),
                revoked_at: session.revoked_at.map(Col::value),
            };
            match facts.used_at(now) {
                Refresh::Refuse => Ok(Renewal::Refused),
                Refresh::Reuse => {
                    end(tx, tenant, id).await?;
                    let object = Some(("session", id.to_string()));
                    let entry = NewEntry { action: Action::RefreshReused, object, detail: json!({}) };
                    let by = Actor { ip: *ip, request_id: request_id.clone(), ..Actor::system() };
                    audit::write(tx, tenant, &by, [entry]).await?;
                    Ok(Renewal::Reused)
                }
                Refresh::Renew => {
                    let Some(signed_in) = signed_in(tx, tenant, session.user_id.0, id).await? else {
                        return Ok(Renewal::Refused);
                    };
                    if !signed_in.tenant_status.is_active() {
                        return Ok(Renewal::TenantInactive);
                    }
                    if token.replaced_at.is_none() {
                        let (tenant_id, id) = (Unchanged(token.tenant_id), Unchanged(token.id));
                        let replaced_at = Set(Some(Col(now)));
                        let row = refresh_token::ActiveModel { tenant_id, id, replaced_at, ..Default::default() };
                        row.update_without_returning(tx.on()).await?;
                    }
                    give_token(tx, tenant, id, *next, *lives).await?;
                    of_session(tenant, id)
                        .col_expr(session::Column::LastUsedAt, Expr::value(Col(now)))
                        .col_expr(session::Column::ExpiresAt, Expr::value(Col(now + *lives)))
                        .exec(tx.on())
                        .await?;
                    Ok(Renewal::Renewed(signed_in))
                }
            }
        })
    })
    .await
}

/// The session and the user that an access token names; `None` when there are none.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn find(
    db: &Db,
    all: AllTenants,
    tenant: TenantId,
    user: UserId,
    session: SessionId,
) -> Result<Option<SignedIn>, DbError> {
    let work = (tenant, user, session);
    db.read(all, work, |tx, (tenant, user, session)| Box::pin(signed_in(tx, *tenant, *user, *session))).await
}

/// Ends a session of a user; doing it twice is not an error.
///
/// # Errors
///
/// [`DbError::NotFound`] when the user has no such session.
pub async fn end_one(db: &Db, scope: TenantScope, by: Actor, user: UserId, session: SessionId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, user, session), |tx, (tenant, by, user, session)| {
        Box::pin(async move {
            tx.enter(Level::Session);
            let key = (Col(*tenant), Col(*session));
            let row = session::Entity::find_by_id(key).lock_exclusive().one(tx.on()).await?;
            let row = row.filter(|row| row.user_id.0 == *user).ok_or(DbError::NotFound("session"))?;
            if row.revoked_at.is_some() {
                return Ok(());
            }
            end(tx, *tenant, *session).await?;
            let object = Some(("session", session.to_string()));
            audit::write(tx, *tenant, by, [NewEntry { action: Action::Logout, object, detail: json!({}) }]).await
        })
    })
    .await
}

/// Ends all sessions of a user; without any, nothing is done.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn end_all(db: &Db, scope: TenantScope, by: Actor, user: UserId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, user), |tx, (tenant, by, user)| {
        Box::pin(async move {
            if end_of_user(tx, *tenant, *user, None).await? == 0 {
                return Ok(());
            }
            let object = Some(("user", user.to_string()));
            audit::write(tx, *tenant, by, [NewEntry { action: Action::Logout, object, detail: json!({"all": true}) }])
                .await
        })
    })
    .await
}

/// Records that a new key signs access tokens from now on. With `revoke`, every session of the installation ends, so
/// that no older token is accepted.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn rotate_signing_key(db: &Db, all: AllTenants, by: Actor, revoke: bool) -> Result<(), DbError> {
    db.write(all, (by, revoke), |tx, (by, revoke)| {
        Box::pin(async move {
            if *revoke {
                tx.enter(Level::Session);
                let lasting = session::Entity::update_many().filter(session::Column::RevokedAt.is_null());
                lasting.col_expr(session::Column::RevokedAt, Expr::value(Col(tx.now().await?))).exec(tx.on()).await?;
            }
            let entry = NewEntry { action: Action::SigningKeyRotated, object: None, detail: json!({"revoke": revoke}) };
            audit::write(tx, installation::load(tx).await?.operating_tenant, by, [entry]).await
        })
    })
    .await
}

/// Removes sessions that ended or expired more than a day ago, with their tokens, and of those that last the tokens
/// that expired as long ago: a session may last for years. Returns how many sessions.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn expire(db: &Db, all: AllTenants) -> Result<u64, DbError> {
    db.write(all, (), |tx, ()| {
        Box::pin(async move {
            tx.enter(Level::Session);
            let before = Timestamp::from_unix_ms(tx.now().await?.unix_ms() - KEPT_MS);
            let ended = Condition::any()
                .add(session::Column::ExpiresAt.lt(Col(before)))
                .add(session::Column::RevokedAt.lt(Col(before)));
            let old = refresh_token::Entity::delete_many().filter(refresh_token::Column::ExpiresAt.lt(Col(before)));
            old.exec(tx.on()).await?;
            Ok(session::Entity::delete_many().filter(ended).exec(tx.on()).await?.rows_affected)
        })
    })
    .await
}

/// A page of a user's sessions that have not ended, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(db: &Db, scope: TenantScope, user: UserId, page: PageRequest) -> Result<Page<Session>, DbError> {
    use session::Column as C;
    db.read(scope, (scope.tenant, user, page), |tx, (tenant, user, page)| {
        Box::pin(async move {
            let sessions =
                session::Entity::find().filter(C::TenantId.eq(Col(*tenant))).filter(C::UserId.eq(Col(*user)));
            let sessions = sessions.filter(C::RevokedAt.is_null()).filter(C::ExpiresAt.gt(Col(tx.now().await?)));
            let rows = page.narrow(sessions, C::CreatedAt, C::Id).all(tx.on()).await?;
            Ok(page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())))
        })
    })
    .await
}

/// Ends the sessions of a user, except the one to `keep`; returns how many.
pub(super) async fn end_of_user(
    tx: &Tx<'_>,
    tenant: TenantId,
    user: UserId,
    keep: Option<SessionId>,
) -> Result<u64, DbError> {
    use session::Column as C;
    tx.enter(Level::Session);
    let sessions = session::Entity::update_many().filter(C::TenantId.eq(Col(tenant))).filter(C::UserId.eq(Col(user)));
    let sessions = sessions.filter(C::RevokedAt.is_null());
    let sessions = match keep {
        Some(keep) => sessions.filter(C::Id.ne(Col(keep))),
        None => sessions,
    };
    let ended = sessions.col_expr(C::RevokedAt, Expr::value(Col(tx.now().await?))).exec(tx.on()).await?;
    Ok(ended.rows_affected)
}

/// Ends a session that is locked.
async fn end(tx: &Tx<'_>, tenant: TenantId, session: SessionId) -> Result<(), DbError> {
    let now = Col(tx.now().await?);
    of_session(tenant, session).col_expr(session::Column::RevokedAt, Expr::value(now)).exec(tx.on()).await?;
    Ok(())
}

fn of_session(tenant: TenantId, id: SessionId) -> UpdateMany<session::Entity> {
    let sessions = session::Entity::update_many().filter(session::Column::TenantId.eq(Col(tenant)));
    sessions.filter(session::Column::Id.eq(Col(id)))
}

async fn give_token(
    tx: &Tx<'_>,
    tenant: TenantId,
    session: SessionId,
    token: SecretHash,
    lives: Duration,
) -> Result<(), DbError> {
    let now = tx.now().await?;
    let row = refresh_token::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Uuid::now_v7()),
        session_id: Set(Col(session)),
        hash: Set(Col(ContentAddress::from_hash(*token.as_bytes()))),
        created_at: Set(Col(now)),
        expires_at: Set(Col(now + lives)),
        replaced_at: Set(None),
    };
    refresh_token::Entity::insert(row).exec_without_returning(tx.on()).await?;
    Ok(())
}

async fn signed_in(
    tx: &Tx<'_>,
    tenant: TenantId,
    user: UserId,
    session: SessionId,
) -> Result<Option<SignedIn>, DbError> {
    let found = session::Entity::find_by_id((Col(tenant), Col(session))).one(tx.on()).await?;
    let Some(found) = found.filter(|row| row.user_id.0 == user) else { return Ok(None) };
    let owner = user::Entity::find_by_id((Col(tenant), Col(user))).one(tx.on()).await?;
    let Some(owner) = owner.filter(|row| row.deleted_at.is_none()) else { return Ok(None) };
    Ok(Some(SignedIn {
        user: owner.into(),
        session,
        revoked_at: found.revoked_at.map(Col::value),
        in_operating_tenant: installation::load(tx).await?.operating_tenant == tenant,
        tenant_status: tenants::status(tx, tenant).await?,
        now: tx.now().await?,
    }))
}

impl From<session::Model> for Session {
    fn from(row: session::Model) -> Self {
        Self {
            id: row.id.0,
            user: row.user_id.0,
            created_at: row.created_at.0,
            last_used_at: row.last_used_at.0,
            expires_at: row.expires_at.0,
            revoked_at: row.revoked_at.map(Col::value),
            user_agent: row.user_agent,
            ip: row.ip.and_then(|ip| ip.parse().ok()),
        }
    }
}
