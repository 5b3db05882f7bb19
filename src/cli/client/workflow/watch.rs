//! `packshot client workflow watch`: follows a run until it ends, across lost connections too.

use clap::Args;
use packshot::error::Fault;
use packshot_contract::client::Client;
use packshot_contract::workflow::{NodeStatus, RunStatus, WorkflowRun};
use uuid::Uuid;

use super::super::super::failure::{Exit, Failure};
use super::super::super::{console, files};
use super::super::ServiceArgs;
use super::super::going_on::GoingOn;
use super::changes::Changes;
use super::node_of_run;

/// The command that follows a run, below `packshot client`.
pub(super) const VERB: &str = "workflow watch";

/// What to do about a run that did not complete.
const DISPATCH_AGAIN: &str = "dispatch the workflow again: it becomes a new run";

/// Arguments of `client workflow watch`.
#[derive(Args, Debug)]
#[command(after_help = "\
With --json, the run is printed once, as it ended; its changes go to stderr, unless --quiet silences them.

Example: packshot client workflow watch 01934d2e-6f00-7000-8000-0123456789ab")]
pub(crate) struct WatchArgs {
    /// The run, by the id that `dispatch` printed
    #[arg(value_name = "RUN", value_parser = run_id)]
    run: Uuid,
    #[command(flatten)]
    service: ServiceArgs,
}

fn run_id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| "not the id of a run, such as 01934d2e-6f00-7000-8000-0123456789ab".to_owned())
}

pub(super) async fn run(args: &WatchArgs, quiet: bool) -> Result<(), Failure> {
    until_over(&args.service.client()?, args.run, &args.service, quiet).await
}

/// Tells every change of a run and its nodes until it ends, and prints the run as JSON where that is asked for; fails
/// if it did not complete. Neither Ctrl-C nor an
/// unreachable service ends the run; they only end the watching.
pub(super) async fn until_over(client: &Client, id: Uuid, service: &ServiceArgs, quiet: bool) -> Result<(), Failure> {
    let going_on = GoingOn::by(VERB, id, service, None);
    let run = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => return Err(left_running(&going_on, id)),
        run = follow(client, id, quiet, &going_on) => run?,
    };
    if service.json {
        files::print_json(&run)?;
    }
    ended_well(&run)
}

async fn follow(client: &Client, id: Uuid, quiet: bool, going_on: &GoingOn) -> Result<WorkflowRun, Failure> {
    let mut events = client.workflow_run_events(id).from_the_start();
    let mut changes = Changes::default();
    while let Some(event) = events.next().await.map_err(|error| going_on.after(error))? {
        if !quiet && let Some(line) = changes.line(&event).map_err(|error| going_on.after(error))? {
            console::note(&line);
        }
    }
    client.workflow_run(id).await.map_err(|error| going_on.after(error))
}

fn left_running(going_on: &GoingOn, id: Uuid) -> Failure {
    let fault = Fault::new("cancelled", "stopped watching; the run itself goes on").at(id.to_string());
    Failure::new(Exit::Cancelled, fault.help(format!("watch it again with `{}`", going_on.command(VERB))))
}

/// A run that failed or was cancelled, as a failure of the command.
fn ended_well(run: &WorkflowRun) -> Result<(), Failure> {
    let of_run = |code: &str, message: String, help: String| {
        let fault = Fault::new(code, message).at(format!("run {}", run.id)).help(help);
        Failure::new(Exit::Service, fault)
    };
    match run.status {
        RunStatus::Completed => Ok(()),
        RunStatus::Cancelled => {
            Err(of_run("service.run_cancelled", "the run was cancelled".to_owned(), DISPATCH_AGAIN.to_owned()))
        }
        // The stream has ended, so that the run has.
        RunStatus::Failed | RunStatus::Pending | RunStatus::Running => {
            let help = format!("correct what it says, then {DISPATCH_AGAIN}");
            let failed = run.node_results.iter().filter(|node| node.status == NodeStatus::Failed);
            let faults: Vec<Fault> = failed
                .map(|node| {
                    let message = with_reason("the node failed", node.error.as_deref());
                    Fault::new("service.run_failed", message).at(node_of_run(&node.node_name, run.id)).help(&*help)
                })
                .collect();
            if faults.is_empty() {
                let message = with_reason("the run failed", run.error_message.as_deref());
                return Err(of_run("service.run_failed", message, help));
            }
            Err(Failure { exit: Exit::Service, faults })
        }
    }
}

/// A sentence, with why it is so where that is known.
pub(super) fn with_reason(sentence: &str, reason: Option<&str>) -> String {
    reason.map_or_else(|| sentence.to_owned(), |reason| format!("{sentence}: {reason}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(status: &str, nodes: &serde_json::Value) -> WorkflowRun {
        let (id, at) = (Uuid::nil(), "2026-11-20T10:00:00.000Z");
        serde_json::from_value(json!({
            "id": id, "tenant_id": id, "workflow_def_id": null, "order_line_id": id, "cad_file_id": null,
            "execution_mode": "graph", "status": status, "task_id": id, "celery_task_id": id,
            "error_message": "no light", "created_at": at, "started_at": at, "completed_at": at, "config": {},
            "comparison": null, "node_results": nodes,
        }))
        .expect("a run")
    }

    #[test]
    fn each_node_that_failed_is_named() {
        let node = |name: &str, status: &str, error: Option<&str>| {
            json!({
                "node_name": name, "step": "render_still", "status": status, "output": {}, "error": error,
                "started_at": null, "completed_at": null, "duration_s": null,
            })
        };
        let (nil, none) = (Uuid::nil(), json!([]));
        assert!(ended_well(&run("completed", &none)).is_ok());
        let nodes =
            json!([node("a", "failed", Some("no light")), node("b", "failed", None), node("c", "skipped", None)]);
        let failure = ended_well(&run("failed", &nodes)).expect_err("it failed");
        let told: Vec<_> = failure.faults.iter().map(|fault| (fault.message.as_str(), fault.at.clone())).collect();
        let at = |name: &str| format!("node {name} of run {nil}");
        assert_eq!(told, [("the node failed: no light", at("a")), ("the node failed", at("b"))]);
        let failure = ended_well(&run("failed", &none)).expect_err("it failed");
        assert_eq!(failure.faults[0].message, "the run failed: no light");
        let failure = ended_well(&run("cancelled", &none)).expect_err("it was cancelled");
        assert_eq!((failure.faults[0].code.as_str(), failure.exit), ("service.run_cancelled", Exit::Service));
    }
}
