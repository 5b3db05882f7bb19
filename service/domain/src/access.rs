//! Who may do what: roles give permissions to people, scopes of a key limit them for the key.

use super::id::{KeyId, TenantId, UserId};
use super::words::words;

words! {
    /// What a person may do inside a tenant, or for all.
    pub enum Role {
        /// Runs the platform
        GlobalAdmin = "global_admin" | "admin",
        /// Full control inside one tenant
        TenantAdmin = "tenant_admin",
        /// Runs orders and renders
        ProjectManager = "project_manager",
        /// Orders pictures
        Client = "client",
    }
}

words! {
    /// What an API key opens. A `:write` includes its `:read`.
    pub enum Scope {
        /// Jobs, results, events, tasks, devices, analytics
        RendersRead = "renders:read",
        /// Renders, preflight, cancel, requeue
        RendersWrite = "renders:write",
        /// Orders, lines, history
        OrdersRead = "orders:read",
        /// Create, edit, submit, reject
        OrdersWrite = "orders:write",
        /// Products, CAD files, output types, materials
        CatalogRead = "catalog:read",
        /// The same, and imports
        CatalogWrite = "catalog:write",
        /// Workflow definitions, runs, comparison
        WorkflowsRead = "workflows:read",
        /// The same
        WorkflowsWrite = "workflows:write",
        /// Media
        MediaRead = "media:read",
        /// The same
        MediaWrite = "media:write",
        /// Artifact packages
        ArtifactsRead = "artifacts:read",
        /// The same
        ArtifactsWrite = "artifacts:write",
        /// Notifications
        NotificationsRead = "notifications:read",
        /// The same
        NotificationsWrite = "notifications:write",
        /// Everything that the owner's role allows
        Admin = "admin",
    }
}

impl Scope {
    /// Whether a key with this scope may do what requires `needed`.
    #[must_use]
    pub fn includes(self, needed: Self) -> bool {
        let is_write_of = |read: &str| {
            let area = self.as_str().strip_suffix(":write");
            area.is_some() && area == read.strip_suffix(":read")
        };
        self == Self::Admin || self == needed || is_write_of(needed.as_str())
    }
}

words! {
    /// What a route does, as far as rights go.
    pub enum Permission {
        /// Sees jobs, results, events, tasks, devices
        ReadRenders = "read_renders",
        /// Starts, checks, cancels and requeues renders
        TriggerRenders = "trigger_renders",
        /// Deletes renders
        DeleteRenders = "delete_renders",
        /// Sees figures over all renders
        ViewAnalytics = "view_analytics",
        /// Sees materials
        ReadMaterials = "read_materials",
        /// Uploads, publishes, deletes material libraries
        WriteLibraries = "write_libraries",
        /// Manages own API keys
        OwnKeys = "own_keys",
        /// Sees settings
        ReadSettings = "read_settings",
        /// Changes settings
        WriteSettings = "write_settings",
        /// Sees how many tasks run at once
        ReadWorkerConfigs = "read_worker_configs",
        /// Changes how many tasks run at once, for the whole installation
        WriteWorkerConfigs = "write_worker_configs",
        /// Sees the metrics of the whole installation
        ReadMetrics = "read_metrics",
    }
}

impl Permission {
    /// The scope that a key needs for it.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::ReadRenders | Self::ViewAnalytics | Self::ReadWorkerConfigs => Scope::RendersRead,
            Self::TriggerRenders | Self::DeleteRenders => Scope::RendersWrite,
            Self::ReadMaterials => Scope::CatalogRead,
            Self::WriteLibraries => Scope::CatalogWrite,
            Self::OwnKeys | Self::ReadSettings | Self::WriteSettings | Self::WriteWorkerConfigs | Self::ReadMetrics => {
                Scope::Admin
            }
        }
    }

    /// Whether a user with `role` in a tenant (the operating one or another) has it.
    const fn is_of(self, role: Role, in_operating_tenant: bool) -> bool {
        match (self, role) {
            (_, Role::GlobalAdmin) | (Self::ReadMaterials, _) => true,
            (Self::ReadMetrics, _) | (_, Role::Client) => false,
            (Self::WriteWorkerConfigs, role) => matches!(role, Role::TenantAdmin) && in_operating_tenant,
            (Self::WriteLibraries | Self::WriteSettings, role) => matches!(role, Role::TenantAdmin),
            _ => true,
        }
    }
}

/// How a caller was identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Not at all: an installation that is not configured trusts its own machine.
    Local,
    /// By this API key.
    Key(KeyId),
}

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The tenant that the request belongs to.
    pub tenant: TenantId,
    /// Whether that tenant runs the installation.
    pub in_operating_tenant: bool,
    /// The user.
    pub user: UserId,
    /// The user's role.
    pub role: Role,
    /// What the key opens; `None` without a key: all that the role allows.
    pub scopes: Option<Vec<Scope>>,
    /// How the caller was identified.
    pub authentication: Authentication,
}

/// Why a principal is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The role lacks the permission.
    #[error("the role '{role}' may not do this")]
    Forbidden {
        /// The caller's role.
        role: Role,
    },
    /// The key lacks the scope.
    #[error("the key needs the scope '{needed}'")]
    InsufficientScope {
        /// The scope that is needed.
        needed: Scope,
    },
}

impl Principal {
    /// Checks a permission: first the role, then the scopes of the key.
    ///
    /// # Errors
    ///
    /// [`Denied`], which says what is missing.
    pub fn allows(&self, permission: Permission) -> Result<(), Denied> {
        if !permission.is_of(self.role, self.in_operating_tenant) {
            return Err(Denied::Forbidden { role: self.role });
        }
        let needed = permission.scope();
        match &self.scopes {
            Some(scopes) if !scopes.iter().any(|scope| scope.includes(needed)) => {
                Err(Denied::InsufficientScope { needed })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Permission as P, *};

    fn principal(role: Role, in_operating_tenant: bool, scopes: Option<Vec<Scope>>) -> Principal {
        let (tenant, user) = (TenantId::new(), UserId::new());
        Principal { tenant, in_operating_tenant, user, role, scopes, authentication: Authentication::Local }
    }

    #[test]
    fn r80_roles_allow_what_the_table_says() {
        let everything = P::ALL.len();
        for (role, operating, allowed) in [
            (Role::GlobalAdmin, false, everything),
            (Role::TenantAdmin, true, everything - 1),
            (Role::TenantAdmin, false, everything - 2),
            (Role::ProjectManager, true, everything - 4),
            (Role::Client, true, 1),
        ] {
            let who = principal(role, operating, None);
            assert_eq!(P::ALL.iter().filter(|p| who.allows(**p).is_ok()).count(), allowed, "{role} {operating}");
        }
        let client = principal(Role::Client, true, None);
        for permission in [P::TriggerRenders, P::DeleteRenders, P::ViewAnalytics] {
            assert_eq!(client.allows(permission), Err(Denied::Forbidden { role: Role::Client }));
        }
        assert_eq!(client.allows(P::ReadMaterials), Ok(()));
    }

    #[test]
    fn scopes_narrow_what_the_role_allows() {
        let needed = |scope, permission| principal(Role::GlobalAdmin, true, Some(vec![scope])).allows(permission);
        assert_eq!(needed(Scope::RendersRead, P::ReadRenders), Ok(()));
        assert_eq!(needed(Scope::RendersWrite, P::ReadRenders), Ok(()), "write includes read");
        let missing = Err(Denied::InsufficientScope { needed: Scope::RendersWrite });
        assert_eq!(needed(Scope::RendersRead, P::TriggerRenders), missing);
        assert_eq!(needed(Scope::OrdersWrite, P::TriggerRenders), missing);
        for permission in P::ALL {
            assert_eq!(needed(Scope::Admin, *permission), Ok(()));
            assert!(principal(Role::GlobalAdmin, true, Some(Vec::new())).allows(*permission).is_err());
        }
        let keyed_client = principal(Role::Client, true, Some(vec![Scope::Admin]));
        assert_eq!(keyed_client.allows(P::ReadRenders), Err(Denied::Forbidden { role: Role::Client }));
    }

    #[test]
    fn reading_includes_nothing_but_itself() {
        for scope in Scope::ALL.iter().filter(|scope| scope.as_str().ends_with(":read")) {
            assert_eq!(Scope::ALL.iter().filter(|needed| scope.includes(**needed)).count(), 1);
        }
    }
}
