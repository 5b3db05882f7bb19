//! Signing in and out: what a client sends, the tokens that it gets, and its sessions.

use packshot_json::{Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::Invalid;
use super::scalar::Time;
use super::user::{self, User};
use packshot_domain::user::{DisplayName, Email, Password};

/// A sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SignInRequest {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The slug of the tenant, where several have a user with this address.
    pub tenant: Option<String>,
}

/// A sign-in, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The address as it was given: an invalid one gets the same answer as one that nobody has.
    pub email: String,
    /// The password.
    pub password: Password,
    /// The slug of the tenant.
    pub tenant: Option<String>,
}

impl SignInRequest {
    /// Reads a sign-in. Members that it does not have are ignored, as on every kept path: clients of OAuth 2 send some.
    ///
    /// # Errors
    /// `missing`, `wrong_type`.
    pub fn parse(body: &Value) -> Result<SignIn, Invalid> {
        let faults = Faults::default();
        let request = Node::root(body, &faults).members().and_then(|mut m| {
            let email = m.require("email").and_then(|node| node.string());
            let password = m.require("password").and_then(|node| user::password(&node));
            let tenant = m.given("tenant").map(|node| node.string());
            let tenant = match tenant {
                Some(tenant) => Some(tenant?.trim().to_lowercase()),
                None => None,
            };
            Some(SignIn { email: email?.to_owned(), password: password?, tenant })
        });
        Invalid::unless_faults(request, faults)
    }
}

/// The tenant of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TenantSummary {
    /// The tenant.
    pub id: Uuid,
    /// Its short name, which never changes.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Whether it runs the installation.
    pub is_operating: bool,
}

/// The answer to a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// A JSON Web Token, for `Authorization: Bearer`. `null` in a repeated answer.
    pub access_token: Option<String>,
    /// `bearer`.
    pub token_type: String,
    /// How long the access token lives, in seconds.
    pub expires_in: u64,
    /// Gets the next pair of tokens; works once. `null` in a repeated answer.
    pub refresh_token: Option<String>,
    /// How long the refresh token lives, in seconds.
    pub refresh_expires_in: u64,
    /// Who signed in.
    pub user: User,
    /// The user's tenant.
    pub tenant: TenantSummary,
}

/// A refresh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefreshRequest {
    /// The refresh token.
    pub refresh_token: String,
}

impl RefreshRequest {
    /// Reads a refresh. Members that it does not have are ignored, as on every kept path.
    ///
    /// # Errors
    /// `missing`, `wrong_type`.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        let faults = Faults::default();
        let request = Node::root(body, &faults).members().and_then(|mut m| {
            let token = m.require("refresh_token").and_then(|node| node.string());
            Some(Self { refresh_token: token?.to_owned() })
        });
        Invalid::unless_faults(request, faults)
    }
}

/// A sign-out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SignOutRequest {
    /// Whether all sessions of the user end, not just this one.
    pub all: bool,
}

impl SignOutRequest {
    /// Reads a sign-out. Members that it does not have are ignored, as on every kept path.
    ///
    /// # Errors
    /// `wrong_type`.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        let faults = Faults::default();
        let request = Node::root(body, &faults).members().and_then(|mut m| {
            let all = m.read_or("all", false, |node| node.flag());
            Some(Self { all: all? })
        });
        Invalid::unless_faults(request, faults)
    }
}

/// The first user of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SetupRequest {
    /// The e-mail address.
    pub email: String,
    /// A password of 12 to 128 characters.
    pub password: String,
    /// The name that others see; the address if absent.
    pub display_name: Option<String>,
    /// A new name for the tenant that runs the installation.
    pub tenant_name: Option<String>,
}

/// The first user, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstUser {
    /// The e-mail address.
    pub email: Email,
    /// The password.
    pub password: Password,
    /// The name that others see.
    pub display_name: Option<DisplayName>,
    /// A new name for the tenant that runs the installation.
    pub tenant_name: Option<DisplayName>,
}

impl SetupRequest {
    /// Reads the first user.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<FirstUser, Invalid> {
        let faults = Faults::default();
        let request = Node::root(body, &faults).members().and_then(|mut m| {
            let email = m.require("email").and_then(|node| user::email(&node));
            let password = m.require("password").and_then(|node| user::password(&node));
            let [name, tenant] = ["display_name", "tenant_name"].map(|name| m.given(name));
            let (display_name, tenant_name) =
                (name.and_then(|node| user::display_name(&node)), tenant.and_then(|node| user::display_name(&node)));
            m.finish();
            Some(FirstUser { email: email?, password: password?, display_name, tenant_name })
        });
        Invalid::unless_faults(request, faults)
    }
}

/// A session, which a sign-in began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The session.
    pub id: Uuid,
    /// The user.
    pub user_id: Uuid,
    /// When it began.
    pub created_at: Time,
    /// When its tokens were last renewed.
    pub last_used_at: Time,
    /// When it ends, unless its tokens are renewed before.
    pub expires_at: Time,
    /// When it was ended.
    pub revoked_at: Option<Time>,
    /// What the browser or program called itself.
    pub user_agent: Option<String>,
    /// The address of the sign-in.
    pub ip: Option<String>,
}

/// A page of sessions, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionPage {
    /// The sessions.
    pub items: Vec<Session>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}
