//! On whose behalf data is read or written.

use packshot_domain::id::TenantId;

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

impl From<AllTenants> for Reach {
    fn from(_: AllTenants) -> Self {
        Self::All
    }
}
