//! Workflow definitions, as clients see and send them (workflow.md §1, §4).

use packshot_json::{Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::Invalid;
use crate::read::{optional, parsed};
use crate::scalar::Time;
use packshot_domain::artifact::Label;
use packshot_domain::id::OutputTypeId;

/// A workflow definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowDefinition {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// Its name.
    pub name: String,
    /// The output type that it is meant for; `null` for any.
    pub output_type_id: Option<Uuid>,
    /// The graph in its one form: short forms are written out, names are those of today, what was left out is filled
    /// in.
    #[schema(value_type = Object)]
    pub config: Value,
    /// Whether it can be dispatched.
    pub is_active: bool,
    /// How often it was saved; its ETag.
    pub revision: i64,
    /// Who made it.
    pub created_by: Uuid,
    /// When it was made.
    pub created_at: Time,
    /// When it was saved last.
    pub updated_at: Time,
}

/// A page of workflow definitions, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowPage {
    /// The definitions.
    pub items: Vec<WorkflowDefinition>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A workflow definition to save.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct WorkflowRequest {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// The output type that it is meant for; if absent, any.
    pub output_type_id: Option<Uuid>,
    /// The graph, in full, or short as `{"type": preset, "params": {…}}`.
    #[schema(value_type = Object)]
    pub config: Value,
    /// Whether it can be dispatched; if absent, yes.
    pub is_active: Option<bool>,
}

/// What somebody says of a definition beside its graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowFields {
    /// Its name.
    pub name: Label,
    /// The output type that it is meant for.
    pub output_type: Option<OutputTypeId>,
    /// Whether it can be dispatched.
    pub is_active: bool,
}

/// A definition as it was sent: the graph is not read yet.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowRequestFields {
    /// What is said beside the graph.
    pub fields: WorkflowFields,
    /// The graph.
    pub config: Value,
}

impl WorkflowRequest {
    /// Reads a definition, but not its graph. Members that are not known are ignored.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`.
    pub fn parse(body: &Value) -> Result<WorkflowRequestFields, Invalid> {
        let faults = Faults::default();
        let made = Node::root(body, &faults).members().and_then(|mut m| {
            let name = m.require("name").and_then(|node| parsed(&node));
            let output_type = optional(&mut m, "output_type_id", parsed);
            let is_active = optional(&mut m, "is_active", Node::flag);
            let config = m.require("config").map(|node| node.value().clone());
            let fields =
                WorkflowFields { name: name?, output_type: output_type?, is_active: is_active?.unwrap_or(true) };
            Some(WorkflowRequestFields { fields, config: config? })
        });
        Invalid::unless_faults(made, faults)
    }
}
