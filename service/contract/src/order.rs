//! Orders and their lines, as clients see them (orders.md §1).

use packshot_json::{Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Word;
use super::job::JobState;
use super::problem::Invalid;
use super::read::{change, optional, parsed};
use super::scalar::Time;
use packshot_domain::change::Change;
use packshot_domain::id::{OutputTypeId, ProductId};
use packshot_domain::order::{self as domain, Notes, OrderNumber, RejectionReason};

words! {
    /// State of an order.
    pub enum OrderStatus = domain::OrderStatus {
        /// It can be edited.
        Draft = "draft",
        /// It was handed over, and nothing of it was dispatched since.
        Submitted = "submitted",
        /// Lines of it were dispatched since.
        Processing = "processing",
        /// All of its lines have ended.
        Completed = "completed",
        /// It was refused, for a reason.
        Rejected = "rejected",
    }
}

words! {
    /// State of an order line.
    pub enum RenderStatus = domain::line::RenderStatus {
        /// It waits to be dispatched, or to be begun.
        Pending = "pending",
        /// It is worked on.
        Processing = "processing",
        /// It has its files.
        Completed = "completed",
        /// It has ended with an error.
        Failed = "failed",
        /// It was cancelled.
        Cancelled = "cancelled",
    }
}

/// An order, without its lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderSummary {
    /// Its id, which it keeps for good.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// Its number. A tenant has each once.
    pub order_number: String,
    /// Its state.
    pub status: OrderStatus,
    /// Who made it.
    pub created_by: Uuid,
    /// How often it was submitted.
    pub submission_no: u32,
    /// When it was last submitted.
    pub submitted_at: Option<Time>,
    /// When the first line was dispatched after that.
    pub processing_started_at: Option<Time>,
    /// When all of its lines had ended.
    pub completed_at: Option<Time>,
    /// When it was rejected; `null` once it was resubmitted.
    pub rejected_at: Option<Time>,
    /// Why.
    pub rejection_reason: Option<String>,
    /// What somebody noted.
    pub notes: Option<String>,
    /// How many lines are in each state.
    pub line_counts: LineCounts,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed.
    pub updated_at: Time,
}

/// An order with its lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Order {
    /// The order.
    #[serde(flatten)]
    pub summary: OrderSummary,
    /// Its lines, in the order in which they were added.
    pub lines: Vec<OrderLine>,
}

impl Order {
    /// Whether nothing follows by itself: it is completed or rejected, and nothing of it is worked on.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let has_ended = matches!(self.summary.status, OrderStatus::Completed | OrderStatus::Rejected);
        has_ended && !self.lines.iter().any(OrderLine::is_live)
    }
}

impl OrderLine {
    /// Whether its newest job has not ended.
    #[must_use]
    pub fn is_live(&self) -> bool {
        let state = self.render_job_doc.as_ref().and_then(|document| JobState::by_word(document["state"].as_str()?));
        state.is_some_and(|state| !state.is_terminal())
    }
}

impl RenderStatus {
    /// Whether the line has ended, until it is dispatched again.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// How many lines of an order are in each state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineCounts {
    /// All of them.
    pub total: u32,
    /// Wait.
    pub pending: u32,
    /// Are worked on.
    pub processing: u32,
    /// Have their files.
    pub completed: u32,
    /// Have ended with an error.
    pub failed: u32,
    /// Were cancelled.
    pub cancelled: u32,
}

impl From<domain::LineCounts> for LineCounts {
    fn from(counts: domain::LineCounts) -> Self {
        let total = counts.total();
        let domain::LineCounts { pending, processing, completed, failed, cancelled } = counts;
        Self { total, pending, processing, completed, failed, cancelled }
    }
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderLine {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// Its order.
    pub order_id: Uuid,
    /// What is rendered.
    pub product_id: Uuid,
    /// What is made of it.
    pub output_type_id: Uuid,
    /// Its state.
    pub render_status: RenderStatus,
    /// Its first file: `renders/`, the id of the line, and a name; `null` while there is none.
    pub result_path: Option<String>,
    /// When its newest job was begun.
    pub render_started_at: Option<Time>,
    /// When that ended.
    pub render_completed_at: Option<Time>,
    /// What its newest job does; `null` while it had none.
    #[schema(value_type = Option<Object>)]
    pub render_job_doc: Option<Value>,
    /// The same under its old name.
    #[schema(value_type = Option<Object>)]
    pub render_log: Option<Value>,
    /// Its pictures.
    pub asset_ids: Vec<Uuid>,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed.
    pub updated_at: Time,
}

/// The lines whose renders were cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancelledRenders {
    /// Each line that waited or was worked on. One that runs is `cancelled` when its work has stopped.
    pub cancelled: Vec<Uuid>,
}

/// A page of orders, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderPage {
    /// The orders, without their lines.
    pub items: Vec<OrderSummary>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// Every change of an order's state, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderHistory {
    /// The changes.
    pub items: Vec<OrderStatusChange>,
}

/// A change of an order's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderStatusChange {
    /// The order.
    pub order_id: Uuid,
    /// Its number among the changes of the order, from 1.
    pub seq: u32,
    /// The state before.
    pub from_status: OrderStatus,
    /// The state after.
    pub to_status: OrderStatus,
    /// How often the order had been submitted.
    pub submission_no: u32,
    /// The user or the key that made it; `null` for what followed from the work of the service.
    pub actor_id: Option<Uuid>,
    /// Why, of a rejection.
    pub reason: Option<String>,
    /// When.
    pub at: Time,
}

/// A line to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLineRequest {
    /// What is rendered.
    pub product_id: Uuid,
    /// What is made of it.
    pub output_type_id: Uuid,
}

/// A line to make, as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewLine {
    /// What is rendered.
    pub product: ProductId,
    /// What is made of it.
    pub output_type: OutputTypeId,
}

impl OrderLineRequest {
    /// Reads a line to make. Members that are not known are ignored.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`.
    pub fn parse(body: &Value) -> Result<NewLine, Invalid> {
        let faults = Faults::default();
        let line = line(&Node::root(body, &faults));
        Invalid::unless_faults(line, faults)
    }
}

fn line(node: &Node<'_>) -> Option<NewLine> {
    let mut m = node.members()?;
    let product = m.require("product_id").and_then(|node| parsed(&node));
    let output_type = m.require("output_type_id").and_then(|node| parsed(&node));
    Some(NewLine { product: product?, output_type: output_type? })
}

/// An order to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrderRequest {
    /// Its number; if absent, `ORD-`, the year and the next number of the year.
    #[schema(min_length = 1, max_length = 64)]
    pub order_number: Option<String>,
    /// What somebody notes.
    #[schema(min_length = 1, max_length = 10_000)]
    pub notes: Option<String>,
    /// Its lines; more can be added while it is a draft.
    pub lines: Option<Vec<OrderLineRequest>>,
}

/// An order to make, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewOrder {
    /// Its number; `None` for the next one of the year.
    pub number: Option<OrderNumber>,
    /// What somebody notes.
    pub notes: Option<Notes>,
    /// Its lines.
    pub lines: Vec<NewLine>,
}

impl OrderRequest {
    /// Reads an order to make. Members that are not known are ignored.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`.
    pub fn parse(body: &Value) -> Result<NewOrder, Invalid> {
        let faults = Faults::default();
        let order = Node::root(body, &faults).members().and_then(|mut m| {
            let number = optional(&mut m, "order_number", parsed);
            let notes = optional(&mut m, "notes", parsed);
            let lines = optional(&mut m, "lines", |node| {
                // All are read, so that everything that is wrong with them is found together.
                let lines: Vec<Option<NewLine>> = node.list()?.iter().map(line).collect();
                lines.into_iter().collect::<Option<Vec<NewLine>>>()
            });
            Some(NewOrder { number: number?, notes: notes?, lines: lines?.unwrap_or_default() })
        });
        Invalid::unless_faults(order, faults)
    }
}

/// A change of a draft: absent members stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrderPatch {
    /// Another number.
    #[schema(min_length = 1, max_length = 64)]
    pub order_number: Option<String>,
    /// Other notes; `null` for none.
    #[schema(min_length = 1, max_length = 10_000)]
    pub notes: Option<String>,
}

/// A change of a draft, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderEdit {
    /// Another number.
    pub number: Option<OrderNumber>,
    /// Other notes.
    pub notes: Change<Notes>,
}

impl OrderPatch {
    /// Reads a change. Members that are not known are ignored.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`.
    pub fn parse(body: &Value) -> Result<OrderEdit, Invalid> {
        let faults = Faults::default();
        let edit = Node::root(body, &faults).members().map(|mut m| OrderEdit {
            number: m.take("order_number").and_then(|node| parsed(&node)),
            notes: change(&mut m, "notes", parsed),
        });
        Invalid::unless_faults(edit, faults)
    }
}

/// Why an order is rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RejectRequest {
    /// Why, for whoever made the order.
    #[schema(min_length = 1, max_length = 2_000)]
    pub reason: String,
    /// Whether whoever made the order is notified; if absent, they are.
    pub notify_client: Option<bool>,
}

/// A rejection, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub reason: RejectionReason,
    /// Whether whoever made the order is notified.
    pub tells_creator: bool,
}

impl RejectRequest {
    /// Reads the reason. Members that are not known are ignored.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`.
    pub fn parse(body: &Value) -> Result<Rejection, Invalid> {
        let faults = Faults::default();
        let rejection = Node::root(body, &faults).members().and_then(|mut m| {
            let reason = m.require("reason").and_then(|node| parsed(&node));
            let tells_creator = optional(&mut m, "notify_client", Node::flag);
            Some(Rejection { reason: reason?, tells_creator: tells_creator?.unwrap_or(true) })
        });
        Invalid::unless_faults(rejection, faults)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers<T: std::fmt::Debug>(read: Result<T, Invalid>) -> Vec<String> {
        read.expect_err("wrong").findings.into_iter().map(|finding| finding.pointer).collect()
    }

    #[test]
    fn everything_wrong_with_an_order_is_found_together_and_the_unknown_is_ignored() {
        let id = "0193a8c4-7c1e-7000-8000-000000000000";
        let good = json!({"lines": [{"product_id": id, "output_type_id": id, "quantity": 1}], "customer": "x"});
        assert_eq!(OrderRequest::parse(&good).expect("an order").lines.len(), 1);
        assert_eq!(OrderRequest::parse(&json!({})), Ok(NewOrder::default()));
        let wrong = json!({"order_number": " 1", "notes": "", "lines": [{"product_id": id}, {"product_id": "x"}]});
        let at =
            ["/order_number", "/notes", "/lines/0/output_type_id", "/lines/1/product_id", "/lines/1/output_type_id"];
        assert_eq!(pointers(OrderRequest::parse(&wrong)), at);
        assert_eq!(pointers(OrderPatch::parse(&json!({"order_number": null}))), ["/order_number"]);
        assert_eq!(OrderPatch::parse(&json!({"notes": null})).expect("a patch").notes, Change::Reset);
    }

    #[test]
    fn o31_a_rejection_needs_a_reason() {
        for body in [json!({}), json!({"reason": ""}), json!({"reason": "   "}), json!({"reason": 1})] {
            assert_eq!(pointers(RejectRequest::parse(&body)), ["/reason"], "{body}");
        }
        assert_eq!(pointers(RejectRequest::parse(&json!({"reason": "x", "notify_client": 1}))), ["/notify_client"]);
        assert_eq!(RejectRequest::parse(&json!({"reason": " x "})).expect("a reason").reason.as_str(), "x");
    }
}
