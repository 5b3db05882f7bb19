//! The audit log as a client sees it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::scalar::Time;

words! {
    /// What kind of actor made a change.
    pub enum ActorKind = packshot_domain::audit::ActorKind {
        /// A person who signed in.
        User = "user",
        /// An API key.
        ApiKey = "api_key",
        /// Someone on the machine of the installation.
        Local = "local",
        /// The service itself.
        System = "system",
    }
}

/// An entry: who did what. Entries are never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its number among the tenant's entries, from 1.
    pub id: u64,
    /// The tenant.
    pub tenant_id: Uuid,
    /// When it was done.
    pub at: Time,
    /// What kind of actor did it.
    pub actor_kind: ActorKind,
    /// The user or the key.
    pub actor_id: Option<Uuid>,
    /// The name of the user or key at that time.
    pub actor_name: String,
    /// What was done, such as `user.created`.
    pub action: String,
    /// The kind of the object.
    pub object_type: Option<String>,
    /// The object.
    pub object_id: Option<String>,
    /// What else is worth knowing: for changes `before` and `after`, with the changed members.
    #[schema(value_type = Object)]
    pub detail: Value,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The tenant that the actor named, if it is not the actor's own.
    pub acting_tenant: Option<Uuid>,
    /// The address that the request came from.
    pub ip: Option<String>,
    /// The request.
    pub request_id: Option<String>,
}

/// A page of the log, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    /// The entries.
    pub items: Vec<AuditEntry>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}
