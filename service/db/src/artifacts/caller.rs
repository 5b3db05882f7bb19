//! Who asks for what the audit log keeps.

use super::rows;
use crate::audit::{self, NewEntry};
use crate::tx::Tx;
use crate::{DbError, Json};
use packshot_domain::access::Role;
use packshot_domain::artifact::{EventActor, Reason};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::{PackageId, TenantId};

/// Someone who does what the audit log keeps, and what depends on a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What the log of artifacts calls them.
    pub event: EventActor,
    /// What the audit log says about them.
    pub audit: Actor,
    /// What they may do.
    pub role: Role,
}

impl Caller {
    /// Notes in the audit log what was done with a package, as the last thing that is locked.
    pub(super) async fn note(
        &self,
        tx: &Tx<'_>,
        tenant: TenantId,
        action: Action,
        package: PackageId,
        (detail, reason): (Json, Option<&Reason>),
    ) -> Result<(), DbError> {
        let entry = NewEntry { action, object: Some((rows::PACKAGE, package.to_string())), detail };
        audit::write_because(tx, tenant, &self.audit, [entry], reason.map(Reason::as_str)).await
    }
}
