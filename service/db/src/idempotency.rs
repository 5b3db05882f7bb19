//! Requests with an `Idempotency-Key`: their answers are kept for 24 hours.

use std::time::Duration;

use sea_orm::ActiveValue::{NotSet, Set, Unchanged};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, ModelTrait, QueryFilter, QuerySelect, Select};
use uuid::Uuid;

use super::column::Col;
use super::entity::idempotency_key;
use super::entity::idempotency_key::Column;
use super::tx::Tx;
use super::{AllTenants, DatabaseKind, Db, DbError, TenantScope};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TenantId};
use packshot_domain::time::Timestamp;

/// How long an answer is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// The key.
    pub key: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The BLAKE3 hash of the decoded body.
    pub body: [u8; 32],
}

/// An answer that can be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The status.
    pub status: u16,
    /// Headers that belong to the answer.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The state of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is new: handle it, and [`finish`] or [`abandon`] it.
    Fresh,
    /// It is being handled.
    InFlight,
    /// The key belongs to a request with another body.
    Reused,
    /// It was answered before.
    Replay(StoredAnswer),
    /// It was interrupted after it had made this render: answer as the render is now, and [`finish`] it.
    Interrupted(RenderId),
}

/// Reads the state of a request, without beginning it.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn lookup(db: &Db, scope: TenantScope, request: &IdempotentRequest) -> Result<Begun, DbError> {
    let args = (scope.tenant, request.clone(), db.shared.holder, db.kind());
    db.read_one(scope, args, |tx, (tenant, request, holder, engine)| {
        Box::pin(async move {
            let row = find(*tenant, request).one(tx.on()).await?;
            Ok(known(row.as_ref(), request, (*holder, *engine), tx.now().await?))
        })
    })
    .await
}

/// Begins a request, unless it is known. `in_flight` is how long it may take.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn begin(
    db: &Db,
    scope: TenantScope,
    request: IdempotentRequest,
    in_flight: Duration,
) -> Result<Begun, DbError> {
    let args = (scope.tenant, Beginning { request, holder: db.shared.holder, engine: db.kind(), in_flight });
    db.write(scope, args, |tx, (tenant, beginning)| Box::pin(begin_in(tx, *tenant, beginning))).await
}

/// Stores the answer to a request that was begun.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn finish(
    db: &Db,
    scope: TenantScope,
    request: IdempotentRequest,
    answer: StoredAnswer,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, request, answer), |tx, (tenant, request, answer)| {
        Box::pin(finish_in(tx, *tenant, request, answer))
    })
    .await
}

/// Gives up a request that was begun and not answered, so that it can be repeated: one without effect is removed, one
/// that made a render counts as interrupted.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn abandon(db: &Db, scope: TenantScope, request: IdempotentRequest) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, request), |tx, (tenant, request)| {
        Box::pin(async move {
            let row = find(*tenant, request).lock_exclusive().one(tx.on()).await?;
            let Some(row) = row.filter(|row| row.status.is_none() && row.body == Col(body_of(request))) else {
                return Ok(());
            };
            if row.render_id.is_some() {
                let interrupted = idempotency_key::ActiveModel {
                    in_flight_until: Set(Col(tx.now().await?)),
                    ..answered(*tenant, request, None)
                };
                interrupted.update_without_returning(tx.on()).await?;
            } else {
                row.delete(tx.on()).await?;
            }
            Ok(())
        })
    })
    .await
}

/// Forgets what is older than [`KEPT`]; returns how many.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn purge_expired(db: &Db, all: AllTenants) -> Result<u64, DbError> {
    db.write(all, (), |tx, ()| {
        Box::pin(async move {
            let expired = Column::ExpiresAt.lte(Col(tx.now().await?));
            let purged = idempotency_key::Entity::delete_many().filter(expired).exec(tx.on()).await?;
            Ok(purged.rows_affected)
        })
    })
    .await
}

/// A request that is about to begin: who handles it, and for how long at most.
pub(super) struct Beginning {
    pub(super) request: IdempotentRequest,
    pub(super) holder: Uuid,
    pub(super) engine: DatabaseKind,
    pub(super) in_flight: Duration,
}

fn body_of(request: &IdempotentRequest) -> ContentAddress {
    ContentAddress::from_hash(request.body)
}

fn find(tenant: TenantId, request: &IdempotentRequest) -> Select<idempotency_key::Entity> {
    let IdempotentRequest { key, method, path, body: _ } = request;
    idempotency_key::Entity::find_by_id((Col(tenant), method.clone(), path.clone(), key.clone()))
}

/// The state of a request, from its row.
fn known(
    row: Option<&idempotency_key::Model>,
    request: &IdempotentRequest,
    (holder, engine): (Uuid, DatabaseKind),
    now: Timestamp,
) -> Begun {
    let Some(row) = row.filter(|row| row.expires_at.0 > now) else { return Begun::Fresh };
    if row.body != Col(body_of(request)) {
        return Begun::Reused;
    }
    if let Some(answer) = StoredAnswer::of(row) {
        return Begun::Replay(answer);
    }
    // A SQLite file belongs to one process: what another one began was interrupted. On PostgreSQL it may still run
    // elsewhere.
    let is_interrupted = row.in_flight_until.0 <= now || (engine == DatabaseKind::Sqlite && row.holder != holder);
    match row.render_id {
        _ if !is_interrupted => Begun::InFlight,
        Some(render) => Begun::Interrupted(render.0),
        None => Begun::Fresh,
    }
}

/// Begins a request within a transaction.
pub(super) async fn begin_in(tx: &Tx<'_>, tenant: TenantId, beginning: &Beginning) -> Result<Begun, DbError> {
    let Beginning { request, holder, engine, in_flight } = beginning;
    let now = tx.now().await?;
    let fresh = idempotency_key::ActiveModel {
        tenant_id: Set(Col(tenant)),
        method: Set(request.method.clone()),
        path: Set(request.path.clone()),
        key: Set(request.key.clone()),
        body: Set(Col(body_of(request))),
        holder: Set(*holder),
        in_flight_until: Set(Col(now + *in_flight)),
        render_id: Set(None),
        status: Set(None),
        headers: Set(None),
        answer: Set(None),
        expires_at: Set(Col(now + KEPT)),
    };
    // If two arrive together, one creates the row; the other waits here, and then finds it.
    let key = [Column::TenantId, Column::Method, Column::Path, Column::Key];
    let only_once = OnConflict::columns(key).do_nothing().to_owned();
    let row = loop {
        let insert = idempotency_key::Entity::insert(fresh.clone()).on_conflict(only_once.clone());
        if insert.exec_without_returning(tx.on()).await? == 1 {
            return Ok(Begun::Fresh);
        }
        // Between the two statements it may have been abandoned.
        if let Some(row) = find(tenant, request).lock_exclusive().one(tx.on()).await? {
            break row;
        }
    };
    let begun = known(Some(&row), request, (*holder, *engine), now);
    match begun {
        // The row is expired or interrupted, and is replaced.
        Begun::Fresh => {
            fresh.update_without_returning(tx.on()).await?;
        }
        // This request continues it.
        Begun::Interrupted(_) => {
            let row = idempotency_key::ActiveModel { render_id: NotSet, ..fresh };
            row.update_without_returning(tx.on()).await?;
        }
        Begun::InFlight | Begun::Reused | Begun::Replay(_) => (),
    }
    Ok(begun)
}

/// Ties a request that was begun in this transaction to the render that it made, and to its answer when that is known.
pub(super) async fn made(
    tx: &Tx<'_>,
    tenant: TenantId,
    request: &IdempotentRequest,
    render: RenderId,
    answer: Option<&StoredAnswer>,
) -> Result<(), DbError> {
    let row = answered(tenant, request, answer);
    let row = idempotency_key::ActiveModel { render_id: Set(Some(Col(render))), ..row };
    row.update_without_returning(tx.on()).await?;
    Ok(())
}

/// Stores an answer, if the request was begun and not answered since.
async fn finish_in(
    tx: &Tx<'_>,
    tenant: TenantId,
    request: &IdempotentRequest,
    answer: &StoredAnswer,
) -> Result<(), DbError> {
    let row = find(tenant, request).lock_exclusive().one(tx.on()).await?;
    if row.is_some_and(|row| row.status.is_none() && row.body == Col(body_of(request))) {
        answered(tenant, request, Some(answer)).update_without_returning(tx.on()).await?;
    }
    Ok(())
}

/// The change of a row that stores its answer.
fn answered(
    tenant: TenantId,
    request: &IdempotentRequest,
    answer: Option<&StoredAnswer>,
) -> idempotency_key::ActiveModel {
    let IdempotentRequest { key, method, path, body: _ } = request.clone();
    let mut row = idempotency_key::ActiveModel {
        tenant_id: Unchanged(Col(tenant)),
        method: Unchanged(method),
        path: Unchanged(path),
        key: Unchanged(key),
        ..Default::default()
    };
    if let Some(StoredAnswer { status, headers, body }) = answer {
        row.status = Set(Some(i32::from(*status)));
        row.headers = Set(Some(Col(serde_json::json!(headers))));
        row.answer = Set(Some(body.clone()));
    }
    row
}

impl StoredAnswer {
    fn of(row: &idempotency_key::Model) -> Option<Self> {
        let status = u16::try_from(row.status?).ok()?;
        let headers = row.headers.as_ref().and_then(|headers| serde_json::from_value(headers.0.clone()).ok());
        Some(Self { status, headers: headers.unwrap_or_default(), body: row.answer.clone().unwrap_or_default() })
    }
}
