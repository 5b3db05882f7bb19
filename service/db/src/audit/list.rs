//! The log as it is read: newest first, narrowed by filters, in pages.

use std::fmt;
use std::str::FromStr;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::AuditEntry;
use crate::column::Col;
use crate::entity::audit_entry;
use crate::page::InvalidCursor;
use crate::{Db, DbError, ReadScope};
use packshot_domain::audit::Action;
use packshot_domain::id::TenantId;
use packshot_domain::time::Timestamp;

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this action.
    pub action: Option<Action>,
    /// Only this actor.
    pub actor: Option<Uuid>,
    /// Only objects of this kind.
    pub object_type: Option<String>,
    /// Only this object.
    pub object_id: Option<String>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
}

/// A place in the log: the entry before it. As text it is 64 hexadecimal digits, which are opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditCursor {
    at: Timestamp,
    tenant: TenantId,
    id: i64,
}

/// A part of the log, newest first: at most `limit` entries after a place. One tenant's entries are in the order of
/// their numbers; those of all tenants, which each count for themselves, in the order of their times.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: AuditFilter,
    limit: u32,
    after: Option<AuditCursor>,
) -> Result<Vec<AuditEntry>, DbError> {
    use audit_entry::Column as C;
    let scope = scope.into();
    db.read_one(scope, (scope, filter, limit, after), |tx, (scope, filter, limit, after)| {
        Box::pin(async move {
            let AuditFilter { action, actor, object_type, object_id, from, to } = filter.clone();
            let conditions = [
                action.map(|action| C::Action.eq(Col(action))),
                actor.map(|actor| C::ActorId.eq(actor)),
                object_type.map(|kind| C::ObjectType.eq(kind)),
                object_id.map(|id| C::ObjectId.eq(id)),
                from.map(|from| C::At.gte(Col(from))),
                to.map(|to| C::At.lt(Col(to))),
                after.map(|after| after.is_before(*scope)),
            ];
            let entries = scope.narrow(audit_entry::Entity::find(), C::TenantId);
            let entries = conditions.into_iter().flatten().fold(entries, QueryFilter::filter);
            let entries = match scope {
                ReadScope::Tenant(_) => entries.order_by_desc(C::Id),
                ReadScope::All => entries.order_by_desc(C::At).order_by_desc(C::TenantId).order_by_desc(C::Id),
            };
            let rows = entries.limit(u64::from(*limit)).all(tx.on()).await?;
            rows.into_iter().map(AuditEntry::of).collect()
        })
    })
    .await
}

impl AuditCursor {
    /// The place after an entry.
    #[must_use]
    pub const fn of(entry: &AuditEntry) -> Self {
        Self { at: entry.at, tenant: entry.tenant, id: entry.id }
    }

    /// The condition that an entry comes after this place.
    fn is_before(self, scope: ReadScope) -> Expr {
        use audit_entry::Column as C;
        match scope {
            ReadScope::Tenant(_) => C::Id.lt(self.id),
            ReadScope::All => {
                let place = Expr::tuple([C::At.into_expr(), C::TenantId.into_expr(), C::Id.into_expr()]);
                let last = [Expr::value(Col(self.at)), Expr::value(Col(self.tenant)), Expr::value(self.id)];
                place.lt(Expr::tuple(last))
            }
        }
    }
}

impl fmt::Display for AuditCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}{:016x}", self.at.unix_ms(), self.tenant.uuid().simple(), self.id)
    }
}

impl FromStr for AuditCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let is_formed = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let (time, rest) = if is_formed { text.split_at(16) } else { return Err(InvalidCursor) };
        let (tenant, id) = rest.split_at(32);
        let number = |digits| u64::from_str_radix(digits, 16).map(u64::cast_signed).map_err(|_| InvalidCursor);
        let (ms, id) = (number(time)?, number(id)?);
        let tenant = TenantId::from_uuid(Uuid::try_parse(tenant).map_err(|_| InvalidCursor)?);
        let at = Timestamp::from_unix_ms(ms);
        // A time that is out of range would name another place than the text.
        if at.unix_ms() == ms && id > 0 { Ok(Self { at, tenant, id }) } else { Err(InvalidCursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t87_cursors_survive_text() {
        for (ms, id) in [(0, 1), (-1, 7), (1_795_168_800_007, i64::MAX), (Timestamp::MAX.unix_ms(), 4711)] {
            let cursor = AuditCursor { at: Timestamp::from_unix_ms(ms), tenant: TenantId::new(), id };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn c16_garbage_is_refused() {
        let good = AuditCursor { at: Timestamp::from_unix_ms(7), tenant: TenantId::new(), id: 1 }.to_string();
        let late = format!("7fffffffffffffff{}", &good[16..]);
        let first = format!("{}{:016x}", &good[..48], 0);
        for text in ["", "120", &good[1..], &good.to_uppercase(), &format!("{good}0"), &late, &first, &"é".repeat(32)]
        {
            assert_eq!(text.parse::<AuditCursor>(), Err(InvalidCursor), "{text}");
        }
    }
}
