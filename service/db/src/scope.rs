//! On whose behalf data is read or written.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use super::column::Col;
use packshot_domain::id::TenantId;
use packshot_domain::reader::{Reader, Rows};

/// One tenant: sees and changes that tenant's rows only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TenantScope {
    /// The tenant.
    pub tenant: TenantId,
}

impl TenantScope {
    /// The scope of `tenant`.
    #[must_use]
    pub const fn of(tenant: TenantId) -> Self {
        Self { tenant }
    }
}

/// All tenants, for one of a few reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllTenants {
    /// Identifying a caller.
    Authentication,
    /// Handing out tasks fairly between tenants.
    Claiming,
    /// Expired leases, expired keys, objects that nothing refers to.
    Housekeeping,
    /// Settings, keys and figures of the whole installation.
    Instance,
}

/// Whose rows a list shows: one tenant's, or, for somebody who asked for them, those of all. List queries take it, and
/// nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadScope {
    /// One tenant's.
    Tenant(TenantId),
    /// Those of all tenants.
    All,
}

impl ReadScope {
    /// Narrows a query to these rows.
    pub(super) fn narrow<E, C>(self, query: Select<E>, tenant_id: C) -> Select<E>
    where
        E: EntityTrait,
        C: ColumnTrait,
    {
        match self {
            Self::Tenant(tenant) => query.filter(tenant_id.eq(Col(tenant))),
            Self::All => query,
        }
    }
}

impl From<TenantScope> for ReadScope {
    fn from(scope: TenantScope) -> Self {
        Self::Tenant(scope.tenant)
    }
}

impl From<&Reader> for ReadScope {
    fn from(reader: &Reader) -> Self {
        match reader.rows {
            Rows::OfTenant => Self::Tenant(reader.who.tenant),
            Rows::OfAll => Self::All,
        }
    }
}

/// Whose rows a transaction may touch.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reach {
    /// One tenant's.
    Tenant(TenantId),
    /// Those of all tenants.
    All,
}

impl From<TenantScope> for Reach {
    fn from(scope: TenantScope) -> Self {
        Self::Tenant(scope.tenant)
    }
}

impl From<ReadScope> for Reach {
    fn from(scope: ReadScope) -> Self {
        match scope {
            ReadScope::Tenant(tenant) => Self::Tenant(tenant),
            ReadScope::All => Self::All,
        }
    }
}

impl From<AllTenants> for Reach {
    fn from(_: AllTenants) -> Self {
        Self::All
    }
}
