//! Tenants as a client sees them, and what it sends to create and change them.

use packshot_json::{FaultKind, Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::Invalid;
use super::scalar::Time;
use super::tenant_config::{TenantConfig, TenantConfigPatch};
use super::user::{self, User};
use packshot_domain::tenant::{self, TenantSlug};
use packshot_domain::tenant_config::TenantConfigChange;
use packshot_domain::user::{DisplayName, Email, Password};

words! {
    /// State of a tenant: its users work; they are locked out; it is to be deleted; it is gone.
    pub enum TenantStatus {
        /// Its users work.
        Active = "active",
        /// Nobody signs in and nothing starts.
        Deactivated = "deactivated",
        /// The same, until it is restored or `delete_after` has passed.
        Deleting = "deleting",
        /// It is gone.
        Deleted = "deleted",
    }
}

impl From<tenant::TenantStatus> for TenantStatus {
    fn from(status: tenant::TenantStatus) -> Self {
        use tenant::TenantStatus as Domain;
        match status {
            Domain::Active => Self::Active,
            Domain::Deactivated => Self::Deactivated,
            // Clients need not know how far it is.
            Domain::Deleting | Domain::Purging => Self::Deleting,
            Domain::Deleted => Self::Deleted,
        }
    }
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tenant {
    /// The tenant.
    pub id: Uuid,
    /// Its short name, which never changes.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its state.
    pub status: TenantStatus,
    /// Whether it runs the installation.
    pub is_operating: bool,
    /// Its configuration.
    pub config: TenantConfig,
    /// What it uses.
    pub usage: TenantUsage,
    /// When it was created.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
    /// When it was deactivated; `null` while it is active.
    pub deactivated_at: Option<Time>,
    /// When its data is removed; `null` unless it is about to be deleted.
    pub delete_after: Option<Time>,
}

/// What a tenant uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TenantUsage {
    /// Its users, active or not.
    pub users: u64,
    /// The bytes of its files.
    pub storage_bytes: u64,
    /// Its jobs that have not started.
    pub jobs_queued: u64,
    /// Its jobs that are running.
    pub jobs_running: u64,
}

/// A tenant that was just created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedTenant {
    /// The tenant.
    pub tenant: Tenant,
    /// Its first user, who administers it.
    pub admin: User,
    /// The temporary password, if none was given; shown only this once. Otherwise `null`.
    pub temporary_password: Option<String>,
}

/// A page of tenants, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TenantPage {
    /// The tenants.
    pub items: Vec<Tenant>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A tenant to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TenantRequest {
    /// Its name, 1 to 200 characters.
    pub name: String,
    /// Its short name, which never changes: 2 to 63 characters of a-z, 0-9 and `-`, the first of them a letter; made
    /// from the name if absent.
    pub slug: Option<String>,
    /// Its configuration; what is absent has its default.
    pub config: Option<TenantConfigPatch>,
    /// Its first user, who administers it.
    pub admin: TenantAdminRequest,
}

/// The first user of a new tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TenantAdminRequest {
    /// The e-mail address.
    pub email: String,
    /// The name that others see, 1 to 200 characters.
    pub display_name: String,
    /// A password of 12 to 128 characters; if absent, the user gets a temporary one, which has to be changed first.
    pub password: Option<String>,
}

/// A tenant to create, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTenant {
    /// Its name.
    pub name: DisplayName,
    /// Its short name: the one that was given, or made from the name.
    pub slug: TenantSlug,
    /// The member of the request that gives it.
    pub slug_at: &'static str,
    /// What its configuration has besides the defaults.
    pub config: TenantConfigChange,
    /// Its first user.
    pub admin: NewAdmin,
}

/// The first user of a new tenant, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAdmin {
    /// The e-mail address.
    pub email: Email,
    /// The name that others see.
    pub display_name: DisplayName,
    /// The password, if one was given.
    pub password: Option<Password>,
}

impl TenantRequest {
    /// Reads a tenant to create.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<NewTenant, Invalid> {
        let faults = Faults::default();
        let tenant = Node::root(body, &faults).members().and_then(|mut m| {
            let given = m.require("name");
            let name = given.as_ref().and_then(user::display_name);
            let (slug, slug_at) = match (m.given("slug"), &given, &name) {
                (Some(node), ..) => (slug(&node), "/slug"),
                (None, Some(node), Some(name)) => (slug_of_name(node, name), "/name"),
                (None, ..) => (None, "/name"),
            };
            let config =
                m.given("config").map_or(Some(TenantConfigChange::default()), |node| TenantConfigPatch::read(&node));
            let admin = m.require("admin").and_then(|node| admin(&node));
            m.finish();
            Some(NewTenant { name: name?, slug: slug?, slug_at, config: config?, admin: admin? })
        });
        Invalid::unless_faults(tenant, faults)
    }
}

fn slug(node: &Node<'_>) -> Option<TenantSlug> {
    let text = node.string()?;
    text.parse().map_or_else(|error| node.refuse(FaultKind::Range, format!("{error}")), Some)
}

fn slug_of_name(node: &Node<'_>, name: &DisplayName) -> Option<TenantSlug> {
    let refused =
        || node.refuse(FaultKind::Range, "there is no letter or digit in it to make a slug of: give a `slug`");
    TenantSlug::of_name(name.as_str()).or_else(refused)
}

fn admin(node: &Node<'_>) -> Option<NewAdmin> {
    let mut m = node.members()?;
    let email = m.require("email").and_then(|node| user::email(&node));
    let display_name = m.require("display_name").and_then(|node| user::display_name(&node));
    let password = m.given("password").map_or(Some(None), |node| user::password(&node).map(Some));
    m.finish();
    Some(NewAdmin { email: email?, display_name: display_name?, password: password? })
}

/// A change of a tenant: an absent member stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TenantPatch {
    /// Another name, 1 to 200 characters. The slug stays.
    pub name: Option<String>,
}

impl TenantPatch {
    /// Reads a change: `None` where the name stays.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<Option<DisplayName>, Invalid> {
        let faults = Faults::default();
        let name = Node::root(body, &faults).members().map(|mut m| {
            let name = m.take("name").and_then(|node| user::display_name(&node));
            m.finish();
            name
        });
        Invalid::unless_faults(name, faults)
    }
}

/// How a tenant is deactivated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeactivateRequest {
    /// Whether running renders are cancelled instead of finished.
    pub cancel_running: bool,
}

impl DeactivateRequest {
    /// Reads how a tenant is deactivated.
    ///
    /// # Errors
    /// `wrong_type`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        let faults = Faults::default();
        let request = Node::root(body, &faults).members().and_then(|mut m| {
            let cancel_running = m.read_or("cancel_running", false, |node| node.flag());
            m.finish();
            Some(Self { cancel_running: cancel_running? })
        });
        Invalid::unless_faults(request, faults)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Word;
    use packshot_domain::change::Change;

    #[test]
    fn t58_a_tenant_is_read_with_its_first_admin() {
        let body = json!({"name": "Beta", "config": {"max_concurrent_renders": 2},
            "admin": {"email": "a@b.test", "display_name": "A", "password": null}});
        let new = TenantRequest::parse(&body).expect("valid");
        let config = TenantConfigChange { max_concurrent_renders: Change::Set(2), ..TenantConfigChange::default() };
        assert_eq!((new.slug, new.config, new.admin.password), ("beta".parse().expect("a slug"), config, None));
        let refused = TenantRequest::parse(&json!({"slug": "B", "config": {"max_concurrent_renders": 0, "x": 1},
            "admin": {"email": "nobody", "role": "client"}}));
        let pointers: Vec<String> = refused.expect_err("wrong").findings.into_iter().map(|f| f.pointer).collect();
        let expected = [
            "/name",
            "/slug",
            "/config/max_concurrent_renders",
            "/config/x",
            "/admin/email",
            "/admin/display_name",
            "/admin/role",
        ];
        assert_eq!(pointers, expected);
        assert_eq!(TenantPatch::parse(&json!({})), Ok(None));
        assert!(TenantPatch::parse(&json!({"slug": "beta"})).is_err(), "it never changes");
    }

    #[test]
    fn a_purge_is_the_end_of_a_deletion() {
        let told = tenant::TenantStatus::ALL.iter().map(|status| TenantStatus::from(*status).word());
        assert_eq!(told.collect::<Vec<_>>(), ["active", "deactivated", "deleting", "deleting", "deleted"]);
    }
}
