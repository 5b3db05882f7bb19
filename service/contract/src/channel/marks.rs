//! How much there is to read, and what is marked as read.

use packshot_json::{FaultKind, Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::Invalid;
use crate::read::{optional, parsed};
use crate::scalar::Time;
use packshot_domain::id::EntryId;
use packshot_domain::time::Timestamp;

/// Most notifications that one request names.
pub const IDS_MAX: usize = 500;

/// How much there is to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnreadCount {
    /// Notifications that are not read.
    pub notification: u64,
    /// Alerts that are open and that nobody has acknowledged; 0 for whoever does not see alerts.
    pub alert: u64,
}

/// Which notifications are read: some by their ids, or all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MarkReadRequest {
    /// These, 1 to 500; what is not there, or somebody else's, is left out.
    #[schema(min_items = 1, max_items = 500)]
    pub ids: Option<Vec<Uuid>>,
    /// `true`: all of them.
    pub all: Option<bool>,
    /// With `all`: those that were written up to this time.
    pub before: Option<Time>,
}

/// Which notifications are read, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkRead {
    /// These.
    These(Vec<EntryId>),
    /// All, or those up to a time.
    All(Option<Timestamp>),
}

/// What became of notifications that were marked together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Marked {
    /// How many were unread before.
    pub updated: u64,
    /// How many unread ones there are now in all.
    pub unread_count: u64,
}

impl MarkReadRequest {
    /// Reads which notifications are read. Members that it does not know are ignored.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`.
    pub fn parse(body: &Value) -> Result<MarkRead, Invalid> {
        let faults = Faults::default();
        let wish = Node::root(body, &faults).members().and_then(|mut m| {
            let ids = optional(&mut m, "ids", |node| {
                let list = node.list()?;
                if !(1..=IDS_MAX).contains(&list.len()) {
                    return node.refuse(FaultKind::Range, format!("expected 1 to {IDS_MAX} ids"));
                }
                list.iter().map(parsed::<EntryId>).collect::<Option<Vec<_>>>()
            });
            let all = optional(&mut m, "all", Node::flag);
            let before = optional(&mut m, "before", parsed::<Timestamp>);
            match (ids?, all?.unwrap_or(false), before?) {
                (Some(ids), false, None) => Some(MarkRead::These(ids)),
                (None, true, before) => Some(MarkRead::All(before)),
                (None, false, _) => m.node().refuse(FaultKind::Missing, "expected `ids`, or `all: true`"),
                (Some(_), ..) => {
                    m.node().refuse(FaultKind::Range, "expected either `ids` or `all`, and `before` with `all`")
                }
            }
        });
        Invalid::unless_faults(wish, faults)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn n41_some_are_marked_or_all() {
        let id = EntryId::new();
        let some = MarkReadRequest::parse(&json!({"ids": [id.to_string()], "other": 1}));
        assert_eq!(some.expect("some"), MarkRead::These(vec![id]));
        assert_eq!(MarkReadRequest::parse(&json!({"all": true})).expect("all"), MarkRead::All(None));
        let until = json!({"all": true, "before": "2026-11-20T10:00:00.000Z"});
        assert!(matches!(MarkReadRequest::parse(&until), Ok(MarkRead::All(Some(_)))));
        let many = vec![id.to_string(); IDS_MAX + 1];
        for wrong in [
            json!({}),
            json!({"all": false}),
            json!({"ids": [id.to_string()], "all": true}),
            json!({"ids": []}),
            json!({"ids": ["x"]}),
            json!({"ids": many}),
            json!({"before": "2026-11-20T10:00:00.000Z"}),
        ] {
            assert!(MarkReadRequest::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
