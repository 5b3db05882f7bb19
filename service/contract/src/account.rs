//! The caller's own account.

use packshot_json::{Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::problem::Invalid;
use super::sign_in::TenantSummary;
use super::user::{self, User};
use packshot_domain::user::{DisplayName, Password};

/// Who the caller is, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// The user.
    pub user: User,
    /// The tenant that the request belongs to.
    pub tenant: TenantSummary,
    /// What the caller may do with this token or key.
    pub permissions: Vec<String>,
    /// The scopes of the key; `null` without a key.
    pub scopes: Option<Vec<String>>,
    /// How the caller was identified: `jwt`, `api_key` or `local`.
    pub auth: String,
}

/// A change of one's own account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountPatch {
    /// The name that others see, 1 to 200 characters.
    pub display_name: Option<String>,
}

impl AccountPatch {
    /// Reads a change: `None` where the name stays.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<Option<DisplayName>, Invalid> {
        let faults = Faults::default();
        let name = Node::root(body, &faults).members().map(|mut m| {
            let name = m.take("display_name").and_then(|node| user::display_name(&node));
            m.finish();
            name
        });
        Invalid::unless_faults(name, faults)
    }
}

/// A change of password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PasswordRequest {
    /// The current password.
    pub current_password: String,
    /// The new password, 12 to 128 characters.
    pub new_password: String,
}

/// A change of password, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordChange {
    /// The current password.
    pub current: Password,
    /// The new password.
    pub new: Password,
}

impl PasswordRequest {
    /// Reads a change of password.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<PasswordChange, Invalid> {
        let faults = Faults::default();
        let change = Node::root(body, &faults).members().and_then(|mut m| {
            let current = m.require("current_password").and_then(|node| user::password(&node));
            let new = m.require("new_password").and_then(|node| user::password(&node));
            m.finish();
            Some(PasswordChange { current: current?, new: new? })
        });
        Invalid::unless_faults(change, faults)
    }
}
