//! `packshot client workflow dispatch`: a run of a workflow that is saved, or in a file.

use clap::Args;
use packshot_contract::workflow::{GraphDispatch, GraphDispatchRequest};
use uuid::Uuid;

use super::super::super::failure::Failure;
use super::super::super::{console, files};
use super::super::ServiceArgs;
use super::super::going_on::GoingOn;
use super::{Graph, GraphArgs, watch};

/// Arguments of `client workflow dispatch`.
#[derive(Args, Debug)]
#[command(after_help = "\
With --json, what was dispatched is printed, and with --watch the run instead, as it ended.

Example: packshot client workflow dispatch graph.json --context 01934d2e-6f00-7000-8000-0123456789ab")]
pub(crate) struct DispatchArgs {
    #[command(flatten)]
    graph: GraphArgs,
    /// The saved workflow that the file was made from, by its id: the run is listed with it
    #[arg(long, value_name = "ID", value_parser = workflow_id)]
    workflow: Option<Uuid>,
    /// Follow the run until it ends
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    service: ServiceArgs,
}

fn workflow_id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| "expected the id of a saved workflow".to_owned())
}

pub(super) async fn run(args: &DispatchArgs, quiet: bool) -> Result<(), Failure> {
    let client = args.service.client()?;
    let (graph, context) = (Graph::read(&args.graph.graph)?, args.graph.context);
    let dispatched = match (&graph, args.workflow) {
        (Graph::Saved(_), Some(_)) => {
            let message = "`--workflow` is for a workflow in a file, and a saved one is named already";
            return Err(Failure::usage("conflict", message, "--workflow", "leave out one of them"));
        }
        (Graph::Saved(id), None) => client.dispatch_workflow(*id, context).await,
        (Graph::Draft(_, config), workflow_id) => {
            let draft = GraphDispatchRequest { workflow_id, context_id: context, config: config.clone() };
            client.dispatch_graph(&draft).await
        }
    };
    let dispatched = dispatched.map_err(|error| graph.refused(error))?;
    let run = dispatched.workflow_run.id;
    if args.service.says(quiet) {
        tell(&dispatched);
    }
    match (args.service.json, args.watch) {
        (true, true) => {}
        (true, false) => files::print_json(&dispatched)?,
        (false, _) => files::print(format!("{run}\n").as_bytes())?,
    }
    if args.watch {
        return watch::until_over(&client, run, &args.service, quiet).await;
    }
    if args.service.says(quiet) && dispatched.dispatched > 0 {
        let watch = GoingOn::by(watch::VERB, run, &args.service, None).command(watch::VERB);
        console::note(&format!("follow it with `{watch}`"));
    }
    Ok(())
}

/// Says how many tasks there are, and of which nodes.
fn tell(dispatched: &GraphDispatch) {
    let n = dispatched.dispatched;
    match n {
        0 => console::note("dispatched: no node needs a task, so that the run has ended"),
        _ => console::note(&format!("dispatched: {n} {}", if n == 1 { "task" } else { "tasks" })),
    }
    for node in &dispatched.workflow_run.node_results {
        if let Some(task) = node.output["task_id"].as_str() {
            console::note(&format!("{} ({}): task {task}", node.node_name, node.step));
        }
    }
}
