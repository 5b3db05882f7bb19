//! API keys as a client sees them, and what it sends to create and change them.

use packshot_json::{FaultKind, Faults, Members, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::Invalid;
use super::scalar::Time;
use packshot_domain::access::Scope;
use packshot_domain::id::UserId;
use packshot_domain::time::Timestamp;

/// Longest name of a key, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// Most requests per second that a limit can allow.
const RATE_MAX: u32 = 1_000_000;

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// The key.
    pub id: Uuid,
    /// Its tenant.
    pub tenant_id: Uuid,
    /// Its owner: the key may do what the owner may, within its scopes.
    pub user_id: Uuid,
    /// The name that it was given.
    pub name: String,
    /// `pk_` and 8 characters: how the key begins.
    pub prefix: String,
    /// What it opens.
    pub scopes: Vec<String>,
    /// Whether it may act for any tenant.
    pub all_tenants: bool,
    /// The user who created it; `null` if that was done on the service's machine.
    pub created_by: Option<Uuid>,
    /// When it was created.
    pub created_at: Time,
    /// When it expires; `null`: never.
    pub expires_at: Option<Time>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Time>,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
    /// Requests per second at most; `null`: no limit of its own.
    pub rate_limit_per_s: Option<u32>,
}

/// A key that was just created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedApiKey {
    /// The key.
    #[serde(flatten)]
    pub key: ApiKey,
    /// The whole key, shown only this once; `null` in a repeated answer.
    pub secret: Option<String>,
}

/// A page of keys, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyPage {
    /// The keys.
    pub items: Vec<ApiKey>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A key to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiKeyRequest {
    /// A name for people.
    pub name: String,
    /// What it opens; at least one scope.
    pub scopes: Vec<String>,
    /// When it expires; absent: never.
    pub expires_at: Option<Time>,
    /// Requests per second at most; absent: no limit of its own.
    pub rate_limit_per_s: Option<u32>,
    /// The owner; absent: the caller.
    pub user_id: Option<Uuid>,
    /// Whether it may act for any tenant: only a global admin's key can.
    pub all_tenants: Option<bool>,
}

/// A key to create, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiKey {
    /// A name for people.
    pub name: String,
    /// What it opens.
    pub scopes: Vec<Scope>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// Requests per second at most.
    pub rate_limit_per_s: Option<u32>,
    /// The owner; `None`: the caller.
    pub user: Option<UserId>,
    /// Whether it may act for any tenant.
    pub all_tenants: bool,
}

impl ApiKeyRequest {
    /// Reads a key to create.
    ///
    /// # Errors
    /// `unknown_scope`; `missing`, `wrong_type`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<NewApiKey, Invalid> {
        let faults = Faults::default();
        let key = Node::root(body, &faults).members().and_then(|mut m| {
            let name = m.require("name").and_then(|node| node.text(NAME_BYTES_MAX));
            let scopes = m.require("scopes").and_then(|node| scopes(&node));
            let expires_at = optional(&mut m, "expires_at", time);
            let rate_limit_per_s = optional(&mut m, "rate_limit_per_s", |node| node.count(1..=RATE_MAX));
            let user = optional(&mut m, "user_id", user_id);
            let all_tenants = m.given("all_tenants").map_or(Some(false), |node| node.flag());
            m.finish();
            Some(NewApiKey {
                name: name?.to_owned(),
                scopes: scopes?,
                expires_at: expires_at?,
                rate_limit_per_s: rate_limit_per_s?,
                user: user?,
                all_tenants: all_tenants?,
            })
        });
        Invalid::unless_faults(key, faults)
    }
}

/// A change of a key: absent members stay, `null` goes back to the default. Its scopes never change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiKeyPatch {
    /// Another name.
    pub name: Option<String>,
    /// When it expires; `null`: never.
    pub expires_at: Option<Time>,
    /// Requests per second at most; `null`: no limit of its own.
    pub rate_limit_per_s: Option<u32>,
}

/// A change of a key, as it was read: what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiKeyChange {
    /// Another name.
    pub name: Option<String>,
    /// When it expires; `Some(None)`: never.
    pub expires_at: Option<Option<Timestamp>>,
    /// Requests per second at most; `Some(None)`: no limit of its own.
    pub rate_limit_per_s: Option<Option<u32>>,
}

impl ApiKeyPatch {
    /// Reads a change.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<ApiKeyChange, Invalid> {
        let faults = Faults::default();
        let change = Node::root(body, &faults).members().map(|mut m| {
            let change = ApiKeyChange {
                name: m.take("name").and_then(|node| node.text(NAME_BYTES_MAX)).map(str::to_owned),
                expires_at: m.take("expires_at").and_then(|node| or_null(&node, time)),
                rate_limit_per_s: m
                    .take("rate_limit_per_s")
                    .and_then(|node| or_null(&node, |node| node.count(1..=RATE_MAX))),
            };
            m.finish();
            change
        });
        Invalid::unless_faults(change, faults)
    }
}

/// What a member that may be absent or `null` says; `None` when it is wrong.
fn optional<'a, T>(
    m: &mut Members<'a>,
    name: &'static str,
    read: impl FnOnce(&Node<'a>) -> Option<T>,
) -> Option<Option<T>> {
    match m.given(name) {
        Some(node) => read(&node).map(Some),
        None => Some(None),
    }
}

fn or_null<'a, T>(node: &Node<'a>, read: impl FnOnce(&Node<'a>) -> Option<T>) -> Option<Option<T>> {
    if node.is_null() { Some(None) } else { read(node).map(Some) }
}

fn scopes(node: &Node<'_>) -> Option<Vec<Scope>> {
    let nodes = node.list()?;
    if nodes.is_empty() {
        return node.refuse(FaultKind::Range, "expected at least one scope");
    }
    let scope = |node: &Node<'_>| {
        let text = node.string()?;
        let known = || Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
        let unknown = FaultKind::Named("unknown_scope".to_owned());
        text.parse()
            .map_or_else(|_| node.refuse(unknown, format!("there is no scope {text:?}: expected {}", known())), Some)
    };
    // Every wrong one is reported.
    let scopes: Vec<Option<Scope>> = nodes.iter().map(scope).collect();
    scopes.into_iter().collect()
}

fn time(node: &Node<'_>) -> Option<Timestamp> {
    let text = node.string()?;
    text.parse().map_or_else(|_| node.refuse(FaultKind::Range, "expected a time such as 2027-01-31T10:00:00Z"), Some)
}

fn user_id(node: &Node<'_>) -> Option<UserId> {
    let text = node.string()?;
    text.parse().map_or_else(|_| node.refuse(FaultKind::Range, "expected the id of a user"), Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn t29_scopes_are_known_words_and_at_least_one() {
        let read = |scopes: Value| ApiKeyRequest::parse(&json!({"name": "a", "scopes": scopes}));
        assert_eq!(read(json!(["renders:write"])).map(|key| key.scopes), Ok(vec![Scope::RendersWrite]));
        assert_eq!(read(json!(["x"])).map_err(|refused| refused.code().to_owned()), Err("unknown_scope".to_owned()));
        let empty = read(json!([])).expect_err("at least one");
        assert_eq!((empty.code(), empty.findings[0].pointer.as_str()), ("validation_failed", "/scopes"));
    }

    #[test]
    fn null_goes_back_to_the_default_and_absence_changes_nothing() {
        assert_eq!(ApiKeyPatch::parse(&json!({})), Ok(ApiKeyChange::default()));
        let forever = ApiKeyPatch::parse(&json!({"expires_at": null, "rate_limit_per_s": 5}));
        let expected = ApiKeyChange { expires_at: Some(None), rate_limit_per_s: Some(Some(5)), name: None };
        assert_eq!(forever, Ok(expected));
        for wrong in [
            json!({"name": null}),
            json!({"expires_at": "soon"}),
            json!({"rate_limit_per_s": 0}),
            json!({"scopes": []}),
        ] {
            assert!(ApiKeyPatch::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
