//! Announcements, as a client sees them (notifications.md §9).

use packshot_json::{FaultKind, Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Severity;
use crate::problem::Invalid;
use crate::read::{optional, parsed};
use crate::scalar::Time;
use crate::user::Role;
use packshot_domain::access;
use packshot_domain::channel::announcement::NewAnnouncement;

/// What an administrator has to say to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Announcement {
    /// Its id.
    pub id: Uuid,
    /// The tenant whose administrator made it.
    pub tenant_id: Uuid,
    /// What it is about.
    pub title: String,
    /// What it says.
    pub body: String,
    /// How bad it is.
    pub severity: Severity,
    /// Users with one of these roles are told.
    pub roles: Vec<Role>,
    /// When they are told.
    pub starts_at: Time,
    /// When it goes from those who have not read it; `null`: never.
    pub ends_at: Option<Time>,
    /// Whether the users of every tenant are told.
    pub all_tenants: bool,
    /// Who made it.
    pub created_by: Uuid,
    /// When.
    pub created_at: Time,
}

/// A page of announcements, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnnouncementPage {
    /// The announcements.
    pub items: Vec<Announcement>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// An announcement to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AnnouncementRequest {
    /// What it is about.
    #[schema(min_length = 1, max_length = 120)]
    pub title: String,
    /// What it says.
    #[schema(min_length = 1, max_length = 2_000)]
    pub body: String,
    /// How bad it is; `info` if absent.
    pub severity: Option<Severity>,
    /// Users with one of these roles are told; all users if absent.
    #[schema(min_items = 1)]
    pub roles: Option<Vec<Role>>,
    /// When they are told; at once if absent.
    pub starts_at: Option<Time>,
    /// When it goes from those who have not read it; never if absent.
    pub ends_at: Option<Time>,
    /// Whether the users of every tenant are told: only a global admin may have that.
    pub all_tenants: Option<bool>,
}

impl AnnouncementRequest {
    /// Reads an announcement to make.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_value`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<NewAnnouncement, Invalid> {
        let faults = Faults::default();
        let new = Node::root(body, &faults).members().and_then(|mut m| {
            let title = m.require("title").and_then(|node| parsed(&node));
            let body = m.require("body").and_then(|node| parsed(&node));
            let severity = optional(&mut m, "severity", Node::word::<Severity>);
            let roles = optional(&mut m, "roles", roles);
            let starts_at = optional(&mut m, "starts_at", parsed);
            let ends_at = optional(&mut m, "ends_at", parsed);
            let all_tenants = optional(&mut m, "all_tenants", Node::flag);
            if let (Some(Some(starts_at)), Some(Some(ends_at))) = (starts_at, ends_at)
                && ends_at <= starts_at
            {
                m.report("ends_at", FaultKind::Range, "expected a time after `starts_at`");
            }
            m.finish();
            Some(NewAnnouncement {
                title: title?,
                body: body?,
                severity: severity?.unwrap_or(Severity::Info).into(),
                roles: roles?.unwrap_or_else(|| access::Role::ALL.to_vec()),
                starts_at: starts_at?,
                ends_at: ends_at?,
                all_tenants: all_tenants?.unwrap_or(false),
            })
        });
        Invalid::unless_faults(new, faults)
    }
}

/// Roles, each once, in the order of the contract.
fn roles(node: &Node<'_>) -> Option<Vec<access::Role>> {
    let named: Vec<Option<Role>> = node.list()?.iter().map(Node::word).collect();
    let named: Vec<access::Role> = named.into_iter().collect::<Option<Vec<_>>>()?.into_iter().map(Into::into).collect();
    if named.is_empty() {
        return node.refuse(FaultKind::Range, "expected at least one role");
    }
    Some(access::Role::ALL.iter().copied().filter(|role| named.contains(role)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn n76_everything_wrong_with_an_announcement_is_found_together() {
        let plain = AnnouncementRequest::parse(&json!({"title": "Wartung", "body": "Montag"})).expect("one");
        assert_eq!((plain.roles.len(), plain.all_tenants, plain.ends_at), (4, false, None));
        let to_clients = json!({"title": "a", "body": "b", "roles": ["client", "client"]});
        assert_eq!(AnnouncementRequest::parse(&to_clients).expect("one").roles, [access::Role::Client]);
        let refused = AnnouncementRequest::parse(&json!({
            "title": "", "roles": [], "severity": "loud", "colour": "red",
            "starts_at": "2026-11-20T10:00:00Z", "ends_at": "2026-11-20T10:00:00Z",
        }));
        let pointers: Vec<String> = refused.expect_err("wrong").findings.into_iter().map(|f| f.pointer).collect();
        assert_eq!(pointers, ["/title", "/body", "/severity", "/roles", "/ends_at", "/colour"]);
    }
}
