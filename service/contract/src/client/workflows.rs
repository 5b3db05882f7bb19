//! Workflows: listed, checked, dispatched, and their runs followed.

use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use super::{Client, ClientError, Events};
use crate::workflow::{
    Comparison, GraphDispatch, GraphDispatchRequest, GraphPreflight, GraphPreflightRequest, WorkflowPage, WorkflowRun,
};

impl Client {
    /// A page of workflow definitions, newest first; `cursor` is that of the page before.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn workflows(&self, limit: u32, cursor: Option<&str>) -> Result<WorkflowPage, ClientError> {
        let limit = limit.to_string();
        self.page("api/workflows", &[("limit", Some(limit.as_str())), ("cursor", cursor)]).await
    }

    /// What a dispatch of a definition would do. `context` is an order line or a CAD file.
    ///
    /// # Errors
    /// When there is no such definition or context, or the service cannot be reached.
    pub async fn preflight_workflow(&self, id: Uuid, context: Uuid) -> Result<GraphPreflight, ClientError> {
        self.again(Method::GET, &format!("api/workflows/{id}/preflight?context_id={context}")).await
    }

    /// What a dispatch of a graph would do.
    ///
    /// # Errors
    /// When it is no graph, there is no such context, or the service cannot be reached.
    pub async fn preflight_graph(&self, graph: &GraphPreflightRequest) -> Result<GraphPreflight, ClientError> {
        let path = "api/workflows/preflight";
        self.repeated(|| async { self.json(self.request(Method::POST, path)?.json(graph)).await }).await
    }

    /// Dispatches a definition. It makes one run, however often it has to be sent.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached. A run that failed with its dispatch is named in the refusal.
    pub async fn dispatch_workflow(&self, id: Uuid, context: Uuid) -> Result<GraphDispatch, ClientError> {
        self.post(&format!("api/workflows/{id}/dispatch?context_id={context}"), None::<&Value>).await
    }

    /// Dispatches a graph that need not be saved. It makes one run, however often it has to be sent.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached. A run that failed with its dispatch is named in the refusal.
    pub async fn dispatch_graph(&self, graph: &GraphDispatchRequest) -> Result<GraphDispatch, ClientError> {
        self.post("api/workflows/dispatch", Some(graph)).await
    }

    /// A run, with what became of its nodes.
    ///
    /// # Errors
    /// When there is none, or the service cannot be reached.
    pub async fn workflow_run(&self, id: Uuid) -> Result<WorkflowRun, ClientError> {
        self.repeated(|| self.workflow_run_once(id)).await
    }

    /// The same, with one attempt.
    pub(super) async fn workflow_run_once(&self, id: Uuid) -> Result<WorkflowRun, ClientError> {
        self.json(self.request(Method::GET, &format!("api/workflows/runs/{id}"))?).await
    }

    /// How the picture of a shadow run compares with the one that counts.
    ///
    /// # Errors
    /// When there is no such run, it observes nothing, or the service cannot be reached.
    pub async fn comparison(&self, id: Uuid) -> Result<Comparison, ClientError> {
        self.again(Method::GET, &format!("api/workflows/runs/{id}/comparison")).await
    }

    /// The events of a run: first a snapshot of it, then each change of its state and of those of its nodes.
    pub fn workflow_run_events(&self, id: Uuid) -> Events {
        Events::of_workflow_run(self.clone(), id)
    }
}
