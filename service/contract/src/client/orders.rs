//! Orders: made, found, followed, and what is done with them.

use reqwest::Method;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Client, ClientError, Events};
use crate::dispatch::OrderDispatch;
use crate::order::{CancelledRenders, Order, OrderPage, OrderRequest, OrderStatus, RejectRequest};

/// Which orders a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderQuery {
    /// Only those in this state.
    pub status: Option<OrderStatus>,
    /// Only the one with this number.
    pub number: Option<String>,
}

/// No body.
const NOTHING: Option<&Value> = None;

impl Client {
    /// Makes an order, as a draft. It is made once, however often it has to be sent.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn create_order(&self, order: &OrderRequest) -> Result<Order, ClientError> {
        self.post("api/orders", Some(order)).await
    }

    /// A page of orders, newest first; `cursor` is that of the page before.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn orders(&self, of: &OrderQuery, limit: u32, cursor: Option<&str>) -> Result<OrderPage, ClientError> {
        let (status, limit) = (of.status.map(|status| status.to_string()), limit.to_string());
        let parameters = [
            ("status", status.as_deref()),
            ("order_number", of.number.as_deref()),
            ("limit", Some(limit.as_str())),
            ("cursor", cursor),
        ];
        self.page("api/orders", &parameters).await
    }

    /// The order with its lines.
    ///
    /// # Errors
    /// When there is none, or the service cannot be reached.
    pub async fn order(&self, id: Uuid) -> Result<Order, ClientError> {
        self.repeated(|| self.order_once(id)).await
    }

    /// The same, with one attempt.
    pub(super) async fn order_once(&self, id: Uuid) -> Result<Order, ClientError> {
        self.json(self.request(Method::GET, &format!("api/orders/{id}"))?).await
    }

    /// The order with this number; `None` where there is none.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn order_with_number(&self, number: &str) -> Result<Option<Order>, ClientError> {
        let of = OrderQuery { number: Some(number.to_owned()), ..OrderQuery::default() };
        match self.orders(&of, 1, None).await?.items.first() {
            Some(order) => Ok(Some(self.order(order.id).await?)),
            None => Ok(None),
        }
    }

    /// Hands a draft over.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn submit_order(&self, id: Uuid) -> Result<Order, ClientError> {
        self.act(id, "submit", NOTHING).await
    }

    /// Dispatches every line that waits, has failed or was cancelled. A line that is refused has `error` in its result.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn dispatch_order(&self, id: Uuid) -> Result<OrderDispatch, ClientError> {
        self.act(id, "dispatch", NOTHING).await
    }

    /// Cancels the lines that wait or are worked on.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn cancel_order_renders(&self, id: Uuid) -> Result<CancelledRenders, ClientError> {
        self.act(id, "cancel-renders", NOTHING).await
    }

    /// Refuses an order for a reason.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn reject_order(&self, id: Uuid, request: &RejectRequest) -> Result<Order, ClientError> {
        self.act(id, "reject", Some(request)).await
    }

    /// Opens a rejected order again, as a draft.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn resubmit_order(&self, id: Uuid) -> Result<Order, ClientError> {
        self.act(id, "resubmit", NOTHING).await
    }

    /// The events of an order: first a snapshot of it, then each change of its state and of those of its lines, and the
    /// progress of what renders for it.
    pub fn order_events(&self, id: Uuid) -> Events {
        Events::of_order(self.clone(), id)
    }

    async fn act<T: serde::de::DeserializeOwned>(
        &self,
        id: Uuid,
        action: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, ClientError> {
        self.post(&format!("api/orders/{id}/{action}"), body).await
    }
}
