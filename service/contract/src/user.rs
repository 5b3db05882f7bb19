//! Users as a client sees them, and what it sends to create and change them.

use packshot_json::{FaultKind, Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::Invalid;
use super::scalar::Time;
use packshot_domain::access;
use packshot_domain::user::{DisplayName, Email, Password};

words! {
    /// What a user may do: run the platform; everything inside a tenant; run orders and renders; order pictures.
    pub enum Role = access::Role {
        /// Runs the platform.
        GlobalAdmin = "global_admin",
        /// Everything inside one tenant.
        TenantAdmin = "tenant_admin",
        /// Runs orders and renders.
        ProjectManager = "project_manager",
        /// Orders pictures.
        Client = "client",
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// The user.
    pub id: Uuid,
    /// The tenant that the user belongs to.
    pub tenant_id: Uuid,
    /// The e-mail address; `null` only for the built-in user `local`.
    pub email: Option<String>,
    /// The name that others see.
    pub display_name: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the user can sign in and do anything.
    pub is_active: bool,
    /// Whether the user has to change the password before anything else.
    pub must_change_password: bool,
    /// The last sign-in.
    pub last_login_at: Option<Time>,
    /// When the user was created.
    pub created_at: Time,
    /// When the user was last changed.
    pub updated_at: Time,
}

/// A user who was just created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedUser {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// The temporary password, if none was given; shown only this once. Otherwise `null`.
    pub temporary_password: Option<String>,
}

/// A temporary password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemporaryPassword {
    /// The password, shown only this once; the user has to change it before anything else.
    pub temporary_password: Option<String>,
}

/// A page of users, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserPage {
    /// The users.
    pub items: Vec<User>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A user to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UserRequest {
    /// The e-mail address; unique in the tenant, whatever its case.
    pub email: String,
    /// The name that others see, 1 to 200 characters.
    pub display_name: String,
    /// What the user may do; `client` if absent. `admin` is the old name of `global_admin`.
    pub role: Option<Role>,
    /// A password of 12 to 128 characters; if absent, the user gets a temporary one, which has to be changed first.
    pub password: Option<String>,
    /// Whether the user may do anything yet; `true` if absent.
    pub is_active: Option<bool>,
}

/// A user to create, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// The e-mail address.
    pub email: Email,
    /// The name that others see.
    pub display_name: DisplayName,
    /// What the user may do.
    pub role: access::Role,
    /// The password, if one was given.
    pub password: Option<Password>,
    /// Whether the user may do anything yet.
    pub is_active: bool,
}

impl UserRequest {
    /// Reads a user to create.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_value`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<NewUser, Invalid> {
        let faults = Faults::default();
        let user = Node::root(body, &faults).members().and_then(|mut m| {
            let email = m.require("email").and_then(|node| email(&node));
            let name = m.require("display_name").and_then(|node| display_name(&node));
            let role = m.given("role").map_or(Some(access::Role::Client), |node| node.word());
            let password = m.given("password").map(|node| password(&node));
            let is_active = m.given("is_active").map_or(Some(true), |node| node.flag());
            m.finish();
            let password = match password {
                Some(password) => Some(password?),
                None => None,
            };
            Some(NewUser { email: email?, display_name: name?, role: role?, password, is_active: is_active? })
        });
        Invalid::unless_faults(user, faults)
    }
}

/// A change of a user: absent members stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct UserPatch {
    /// Another e-mail address.
    pub email: Option<String>,
    /// Another name.
    pub display_name: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Another password; all sessions of the user end.
    pub password: Option<String>,
    /// Whether the user can sign in and do anything.
    pub is_active: Option<bool>,
}

/// A change of a user, as it was read: what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Another e-mail address.
    pub email: Option<Email>,
    /// Another name.
    pub display_name: Option<DisplayName>,
    /// Another role.
    pub role: Option<access::Role>,
    /// Another password.
    pub password: Option<Password>,
    /// Whether the user can sign in and do anything.
    pub is_active: Option<bool>,
}

impl UserPatch {
    /// Reads a change. `null` is refused, except for the members that have a default: the role and `is_active`.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`, `unknown_value`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<UserChange, Invalid> {
        let faults = Faults::default();
        let change = Node::root(body, &faults).members().map(|mut m| {
            let change = UserChange {
                email: m.take("email").and_then(|node| email(&node)),
                display_name: m.take("display_name").and_then(|node| display_name(&node)),
                role: m.take("role").and_then(
                    |node| {
                        if node.is_null() { Some(access::Role::Client) } else { node.word() }
                    },
                ),
                password: m.take("password").and_then(|node| password(&node)),
                is_active: m.take("is_active").and_then(|node| if node.is_null() { Some(true) } else { node.flag() }),
            };
            m.finish();
            change
        });
        Invalid::unless_faults(change, faults)
    }
}

pub(crate) fn email(node: &Node<'_>) -> Option<Email> {
    let text = node.string()?;
    text.parse().map_or_else(|error| node.refuse(FaultKind::Range, format!("{error}")), Some)
}

pub(crate) fn display_name(node: &Node<'_>) -> Option<DisplayName> {
    let text = node.string()?;
    text.parse().map_or_else(|error| node.refuse(FaultKind::Range, format!("{error}")), Some)
}

pub(crate) fn password(node: &Node<'_>) -> Option<Password> {
    node.string().map(|text| Password::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn t01_t02_roles_are_four_words_and_an_old_one() {
        let read = |role: Value| UserRequest::parse(&json!({"email": "a@b.test", "display_name": "A", "role": role}));
        assert_eq!(read(json!("admin")).map(|user| user.role), Ok(access::Role::GlobalAdmin));
        assert_eq!(read(Value::Null).map(|user| user.role), Ok(access::Role::Client));
        let refused = read(json!("boss")).expect_err("there is no such role");
        assert_eq!((refused.findings[0].pointer.as_str(), refused.code()), ("/role", "validation_failed"));
    }

    #[test]
    fn everything_wrong_with_a_user_is_found_together() {
        let refused = UserRequest::parse(&json!({"email": "nobody", "role": 1, "password": 7, "more": 1}));
        let pointers: Vec<String> = refused.expect_err("wrong").findings.into_iter().map(|f| f.pointer).collect();
        assert_eq!(pointers, ["/email", "/display_name", "/role", "/password", "/more"]);
        let refused = UserPatch::parse(&json!({"email": null, "display_name": "", "is_active": "yes"}));
        let pointers: Vec<String> = refused.expect_err("wrong").findings.into_iter().map(|f| f.pointer).collect();
        assert_eq!(pointers, ["/email", "/display_name", "/is_active"]);
        assert_eq!(UserPatch::parse(&json!({})), Ok(UserChange::default()));
    }
}
