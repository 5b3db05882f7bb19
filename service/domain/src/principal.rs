//! The caller of a request: who they are, and what they are denied.

use core::net::IpAddr;

use super::access::{Permission, Role, Scope};
use super::audit::{Actor, ActorKind};
use super::id::{KeyId, SessionId, TenantId, UserId};

/// How a caller was identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Not at all: an installation that is not configured trusts its own machine.
    Local,
    /// By the access token of this session.
    Session(SessionId),
    /// By this API key.
    Key(KeyId),
}

/// Where a request came from, for those who read the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The request.
    pub request_id: Option<String>,
}

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The tenant that the request belongs to.
    pub tenant: TenantId,
    /// The tenant that the user belongs to: another one when the caller acts for a tenant that they named.
    pub home: TenantId,
    /// Whether the caller's own tenant runs the installation.
    pub in_operating_tenant: bool,
    /// The user.
    pub user: UserId,
    /// The user's role.
    pub role: Role,
    /// The name of the user, or of the key.
    pub name: String,
    /// Whether the user has to change the password before anything else.
    pub must_change_password: bool,
    /// What the key opens; `None` without a key: all that the role allows.
    pub scopes: Option<Vec<Scope>>,
    /// How the caller was identified.
    pub authentication: Authentication,
    /// Where the request came from.
    pub origin: Origin,
}

/// Why a principal is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The role lacks the permission.
    #[error("the role '{role}' may not do this: this needs the role {}", .permission.holders())]
    Forbidden {
        /// The caller's role.
        role: Role,
        /// What it lacks.
        permission: Permission,
    },
    /// The key lacks the scope.
    #[error("the key needs the scope '{needed}'")]
    InsufficientScope {
        /// The scope that is needed.
        needed: Scope,
    },
    /// The user has a password that somebody else set.
    #[error("this user has to change the password first")]
    PasswordChangeRequired,
}

impl Principal {
    /// Checks a permission: first the role, then the scopes of the key.
    ///
    /// # Errors
    ///
    /// [`Denied`], which says what is missing.
    pub fn allows(&self, permission: Permission) -> Result<(), Denied> {
        if self.must_change_password && !permission.precedes_password_change() {
            return Err(Denied::PasswordChangeRequired);
        }
        if !permission.is_of(self.role, self.in_operating_tenant) {
            return Err(Denied::Forbidden { role: self.role, permission });
        }
        match permission.scope() {
            Some(needed) if !self.has_scope(needed) => Err(Denied::InsufficientScope { needed }),
            _ => Ok(()),
        }
    }

    /// Whether the caller's key, if there is one, opens what needs this scope.
    #[must_use]
    pub fn has_scope(&self, needed: Scope) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(|scope| scope.includes(needed)))
    }

    /// Who the audit log names for what this caller changes.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let (kind, id) = match self.authentication {
            Authentication::Local => (ActorKind::Local, self.user.uuid()),
            Authentication::Session(_) => (ActorKind::User, self.user.uuid()),
            Authentication::Key(key) => (ActorKind::ApiKey, key.uuid()),
        };
        let Origin { ip, request_id } = self.origin.clone();
        let acting_tenant = (self.tenant != self.home).then_some(self.tenant);
        Actor { kind, id: Some(id), name: self.name.clone(), acting_tenant, ip, request_id }
    }
}

#[cfg(test)]
mod tests {
    use super::{Permission as P, *};

    fn principal(role: Role, in_operating_tenant: bool, scopes: Option<Vec<Scope>>) -> Principal {
        let tenant = TenantId::new();
        Principal {
            tenant,
            home: tenant,
            in_operating_tenant,
            user: UserId::new(),
            role,
            name: "Anna".to_owned(),
            must_change_password: false,
            scopes,
            authentication: Authentication::Local,
            origin: Origin::default(),
        }
    }

    #[test]
    fn r80_roles_allow_what_the_table_says() {
        let everything = P::ALL.len();
        for (role, operating, allowed) in [
            (Role::GlobalAdmin, false, everything),
            (Role::TenantAdmin, true, everything - 3),
            (Role::TenantAdmin, false, everything - 5),
            (Role::ProjectManager, true, everything - 21),
            (Role::Client, true, 17),
        ] {
            let who = principal(role, operating, None);
            assert_eq!(P::ALL.iter().filter(|p| who.allows(**p).is_ok()).count(), allowed, "{role} {operating}");
        }
        let client = principal(Role::Client, true, None);
        for permission in [P::TriggerRenders, P::DeleteRenders, P::ViewAnalytics, P::OwnKeys] {
            assert_eq!(client.allows(permission), Err(Denied::Forbidden { role: Role::Client, permission }));
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
            let without = principal(Role::GlobalAdmin, true, Some(Vec::new())).allows(*permission);
            assert_eq!(without.is_ok(), matches!(permission, P::OwnProfile | P::OwnTenant | P::ReadHelp));
        }
        let keyed_client = principal(Role::Client, true, Some(vec![Scope::Admin]));
        let denied = Denied::Forbidden { role: Role::Client, permission: P::ReadRenders };
        assert_eq!(keyed_client.allows(P::ReadRenders), Err(denied));
        let told = "the role 'client' may not do this: this needs the role 'global_admin', 'tenant_admin' or 'project_manager'";
        assert_eq!(denied.to_string(), told);
    }

    #[test]
    fn t26_a_temporary_password_opens_its_change_alone() {
        let who = Principal { must_change_password: true, ..principal(Role::GlobalAdmin, true, None) };
        let open: Vec<&P> = P::ALL.iter().filter(|permission| who.allows(**permission).is_ok()).collect();
        assert_eq!(open, [&P::OwnProfile, &P::ChangeOwnProfile, &P::OwnPassword, &P::SignOut]);
        assert_eq!(who.allows(P::ReadRenders), Err(Denied::PasswordChangeRequired));
    }

    #[test]
    fn the_audit_log_names_the_person_or_the_key() {
        let (session, key) = (SessionId::new(), KeyId::new());
        let who = principal(Role::Client, true, None);
        let of = |authentication| Principal { authentication, ..who.clone() }.actor();
        assert_eq!(of(Authentication::Local).kind, ActorKind::Local);
        let person = of(Authentication::Session(session));
        assert_eq!((person.kind, person.id), (ActorKind::User, Some(who.user.uuid())));
        let by_key = of(Authentication::Key(key));
        assert_eq!((by_key.kind, by_key.id, by_key.acting_tenant), (ActorKind::ApiKey, Some(key.uuid()), None));
        let other = TenantId::new();
        assert_eq!(Principal { tenant: other, ..who }.actor().acting_tenant, Some(other));
    }
}
