//! `packshot client workflow`: workflows of a running service, or in files, are checked, dispatched and followed.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use packshot::error::Fault;
use packshot_contract::client::ClientError;
use packshot_contract::problem::{Finding, Problem};
use serde_json::Value;
use uuid::Uuid;

use super::super::failure::{Exit, Failure};
use super::super::files::InputKind;
use super::super::progress::duration;
use super::going_on::with_help;
use super::submit::object;
use super::{error_code, refused};

mod changes;
mod compare;
mod dispatch;
mod list;
mod validate;
mod watch;

use compare::CompareArgs;
use dispatch::DispatchArgs;
use list::ListArgs;
use validate::ValidateArgs;
use watch::WatchArgs;

/// Workflows of a running service
#[derive(Debug, Subcommand)]
pub(crate) enum WorkflowCommand {
    /// List saved workflows, newest first
    List(ListArgs),
    /// Check what a dispatch of a workflow would do; nothing is changed
    Validate(ValidateArgs),
    /// Run a workflow on an order line or a CAD file
    Dispatch(DispatchArgs),
    /// Follow a run until it ends
    Watch(WatchArgs),
    /// Compare the picture of a shadow run with the one that counts
    Compare(CompareArgs),
}

pub(super) async fn run(command: &WorkflowCommand, quiet: bool) -> Result<(), Failure> {
    match command {
        WorkflowCommand::List(args) => list::run(args).await,
        WorkflowCommand::Validate(args) => validate::run(args).await,
        WorkflowCommand::Dispatch(args) => dispatch::run(args, quiet).await,
        WorkflowCommand::Watch(args) => watch::run(args, quiet).await,
        WorkflowCommand::Compare(args) => compare::run(args).await,
    }
}

/// A workflow, and what it is to run on.
#[derive(Args, Debug)]
struct GraphArgs {
    /// The workflow: a JSON file, - for standard input, or the id of a saved one
    #[arg(value_name = "FILE|ID")]
    graph: PathBuf,
    /// What it runs on: an order line (`client order show ORDER --json` has their ids) or a CAD file, by its id
    #[arg(long, value_name = "ID", value_parser = context_id)]
    context: Uuid,
}

fn context_id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| "expected the id of an order line or of a CAD file".to_owned())
}

/// A workflow that was named.
#[derive(Clone, Debug, PartialEq)]
enum Graph {
    /// A saved one.
    Saved(Uuid),
    /// One in a file, with the file's name.
    Draft(String, Value),
}

impl Graph {
    /// What a command names: what looks like an id is one, everything else is a file.
    fn read(named: &Path) -> Result<Self, Failure> {
        if let Some(id) = named.to_str().and_then(|text| text.parse().ok()) {
            return Ok(Self::Saved(id));
        }
        match object(named, InputKind::Request) {
            Ok(config) => Ok(Self::Draft(named.display().to_string(), Value::Object(config))),
            Err(failure) if failure.faults.iter().any(|fault| fault.code == "request.file_missing") => {
                Err(with_help(failure, "or give the id of a saved workflow: `packshot client workflow list` has them"))
            }
            Err(failure) => Err(failure),
        }
    }

    /// What a person calls it.
    fn name(&self) -> String {
        match self {
            Self::Saved(id) => id.to_string(),
            Self::Draft(name, _) => name.clone(),
        }
    }

    /// What the service has against it, with the place of everything that is wrong.
    fn refused(&self, error: ClientError) -> Failure {
        let may_pass = error.may_pass();
        match error {
            ClientError::Refused { problem, .. } if problem.code == "invalid_workflow_config" => self.invalid(*problem),
            ClientError::Refused { problem, .. } if problem.code == "graph_execution_failed" => self.failed(*problem),
            ClientError::Refused { problem, retry_after } => {
                let at = match (problem.code.as_str(), self) {
                    ("context_not_found" | "context_kind_mismatch", _) => "--context".to_owned(),
                    ("workflow_not_found", Self::Draft(..)) => "--workflow".to_owned(),
                    _ => self.name(),
                };
                Failure::from(ClientError::Refused { problem, retry_after }).at_option(&at)
            }
            error if may_pass => with_help(error.into(), "then repeat the command"),
            error => error.into(),
        }
    }

    /// A document that is no workflow: each finding with its place in the file.
    fn invalid(&self, problem: Problem) -> Failure {
        let help = refused::way_out(&problem.code).unwrap_or_default();
        let n = problem.errors.len();
        let message = match n {
            0 => problem.detail,
            1 => "this is not a valid workflow: 1 member is wrong".to_owned(),
            _ => format!("this is not a valid workflow: {n} members are wrong"),
        };
        let mut faults = vec![Fault::new(error_code(&problem.code), message).at(self.name()).help(help)];
        let fault = |finding: Finding| {
            let at = self.place(&finding.pointer);
            Fault::new(error_code(&finding.code), finding.detail).at(at)
        };
        faults.extend(problem.errors.into_iter().map(fault));
        Failure { exit: Exit::Service, faults }
    }

    /// A place of a request, within the file that was sent.
    fn place(&self, pointer: &str) -> String {
        let within = match self {
            Self::Saved(_) => pointer,
            Self::Draft(..) => pointer.strip_prefix("/config").unwrap_or(pointer),
        };
        if within.is_empty() { self.name() } else { format!("{}: {within}", self.name()) }
    }

    /// A workflow that stopped while it was dispatched: at which node, and in which run.
    fn failed(&self, problem: Problem) -> Failure {
        let at = match (problem.node_name, problem.workflow_run_id) {
            (Some(node), Some(run)) => node_of_run(&node, run),
            (None, Some(run)) => format!("run {run}"),
            (_, None) => self.name(),
        };
        let help = refused::way_out(&problem.code).unwrap_or_default();
        Failure::new(Exit::Service, Fault::new(error_code(&problem.code), problem.detail).at(at).help(help))
    }
}

/// A node as the place of an error.
fn node_of_run(node: &str, run: Uuid) -> String {
    format!("node {node} of run {run}")
}

/// Seconds for a person: `0.4 s`, `3:05 min`.
fn seconds(seconds: f64) -> String {
    if seconds < 60.0 { format!("{seconds:.1} s") } else { duration(seconds) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(code: &str, errors: &Value, more: &Value) -> ClientError {
        let mut body = json!({
            "type": format!("urn:packshot:problem:{code}"), "title": "", "status": 422, "detail": "it is wrong",
            "instance": "", "code": code, "errors": errors, "request_id": "",
        });
        more.as_object().expect("members").iter().for_each(|(name, value)| body[name] = value.clone());
        let problem = serde_json::from_value(body).expect("a problem");
        ClientError::Refused { problem, retry_after: None }
    }

    fn draft() -> Graph {
        Graph::Draft("graph.json".to_owned(), json!({}))
    }

    #[test]
    fn every_finding_has_its_place_in_the_file() {
        let finding =
            |pointer: &str, code: &str| json!({"pointer": pointer, "code": code, "detail": "wrong", "at": null});
        let errors = json!([finding("/config/nodes/0/step", "unknown_value"), finding("/config", "wrong_type")]);
        let error = || refusal("invalid_workflow_config", &errors, &json!({}));
        let failure = draft().refused(error());
        let places: Vec<&str> = failure.faults.iter().map(|fault| fault.at.as_str()).collect();
        assert_eq!(places, ["graph.json", "graph.json: /nodes/0/step", "graph.json"]);
        let codes: Vec<&str> = failure.faults.iter().map(|fault| fault.code.as_str()).collect();
        assert_eq!(codes, ["service.invalid_workflow_config", "service.unknown_value", "service.wrong_type"]);
        assert!(failure.faults[0].message.ends_with("2 members are wrong"), "{failure:?}");
        assert!(!failure.faults[0].help.is_empty() && failure.exit == Exit::Service, "{failure:?}");
        let saved = Graph::Saved(Uuid::nil()).refused(error());
        assert_eq!(saved.faults[1].at, format!("{}: /config/nodes/0/step", Uuid::nil()));
    }

    #[test]
    fn the_node_and_the_run_of_a_dispatch_that_stopped_are_named() {
        let of_run = json!({"workflow_run_id": Uuid::nil(), "node_name": "template"});
        let failure = draft().refused(refusal("graph_execution_failed", &json!([]), &of_run));
        let fault = &failure.faults[0];
        assert_eq!((fault.message.as_str(), fault.code.as_str()), ("it is wrong", "service.graph_execution_failed"));
        assert_eq!(fault.at, format!("node template of run {}", Uuid::nil()));
    }

    #[test]
    fn what_is_not_there_is_said_where_it_was_named() {
        let at = |graph: &Graph, code: &str| {
            let failure = graph.refused(refusal(code, &json!([]), &json!({"status": 404})));
            assert!(!failure.faults[0].help.contains("GET /"), "{failure:?}");
            failure.faults[0].at.clone()
        };
        assert_eq!(at(&draft(), "context_not_found"), "--context");
        assert_eq!(at(&draft(), "workflow_not_found"), "--workflow");
        let saved = Graph::Saved(Uuid::nil());
        assert_eq!(at(&saved, "workflow_not_found"), Uuid::nil().to_string());
        assert_eq!(at(&saved, "workflow_inactive"), Uuid::nil().to_string());
    }

    #[test]
    fn an_id_is_a_saved_workflow_and_everything_else_a_file() {
        let id = "01934d2e-6f00-7000-8000-0123456789ab";
        assert_eq!(Graph::read(Path::new(id)).expect("an id"), Graph::Saved(id.parse().expect("an id")));
        let failure = Graph::read(Path::new("Our stills")).expect_err("no file");
        assert!(failure.exit == Exit::Input && failure.faults[0].help.contains("workflow list"), "{failure:?}");
    }

    #[test]
    fn times_are_short() {
        assert_eq!((seconds(0.44), seconds(185.0)), ("0.4 s".to_owned(), "3:05 min".to_owned()));
    }
}
