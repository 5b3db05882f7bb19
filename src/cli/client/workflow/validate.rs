//! `packshot client workflow validate`: what a dispatch would do, node by node.

use clap::Args;
use packshot::error::Fault;
use packshot_contract::workflow::{ContextKind, GraphPreflight, GraphPreflightRequest, Issue, NodePreflight};
use packshot_materials::name::one_line;

use super::super::super::failure::{Exit, Failure};
use super::super::super::files;
use super::super::ServiceArgs;
use super::super::columns::table;
use super::{Graph, GraphArgs, seconds};

/// Arguments of `client workflow validate`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: packshot client workflow validate graph.json --context 01934d2e-6f00-7000-8000-0123456789ab"
)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    graph: GraphArgs,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) async fn run(args: &ValidateArgs) -> Result<(), Failure> {
    let client = args.service.client()?;
    let (graph, context) = (Graph::read(&args.graph.graph)?, args.graph.context);
    let found = match &graph {
        Graph::Saved(id) => client.preflight_workflow(*id, context).await,
        Graph::Draft(_, config) => {
            let draft = GraphPreflightRequest { context_id: context, config: config.clone() };
            client.preflight_graph(&draft).await
        }
    };
    let found = found.map_err(|error| graph.refused(error))?;
    if args.service.json {
        files::print_json(&found)?;
    } else {
        files::print(described(&found).as_bytes())?;
    }
    if found.graph_dispatch_allowed {
        return Ok(());
    }
    let message = format!("the workflow cannot be dispatched on this {}", what(found.context_kind));
    let fault = Fault::new("service.workflow_not_dispatchable", message).at(graph.name());
    let help = "correct what is listed with `error`, then check it again";
    Err(Failure::new(Exit::Service, fault.help(help)))
}

/// What a workflow runs on.
fn what(kind: ContextKind) -> &'static str {
    match kind {
        ContextKind::OrderLine => "order line",
        ContextKind::CadFile => "CAD file",
    }
}

/// What was found, for people: a row for each node, what is said of the whole, and whether it can be dispatched.
fn described(found: &GraphPreflight) -> String {
    let head = ["NODE", "STEP", "STATUS", "TIME", "ISSUES"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(head).chain(found.nodes.iter().map(row)).collect();
    let mut text = table(&rows);
    for issue in &found.issues {
        text.push_str(&format!("{}: {}\n", issue.severity, said(issue)));
    }
    let time =
        found.estimated_duration_s.map_or_else(String::new, |time| format!("; it takes about {}", seconds(time)));
    let verdict = if found.graph_dispatch_allowed { "can" } else { "cannot" };
    text + &format!("it {verdict} be dispatched on this {}{time}\n", what(found.context_kind))
}

fn row(node: &NodePreflight) -> Vec<String> {
    let issues: Vec<String> = node.issues.iter().map(said).collect();
    let time = node.estimated_duration_s.map(seconds).unwrap_or_default();
    vec![one_line(&node.node_id), one_line(&node.step), node.status.to_string(), time, issues.join("; ")]
}

fn said(issue: &Issue) -> String {
    one_line(&format!("{} ({})", issue.message, issue.code))
}

#[cfg(test)]
mod tests {
    use packshot_contract::workflow::{ExecutionMode, NodeReadiness};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_node_is_a_line_and_the_verdict_is_the_last() {
        let node = |id: &str, step: &str, issues: Vec<Issue>, time: Option<f64>| NodePreflight {
            node_id: id.to_owned(),
            step: step.to_owned(),
            status: NodeReadiness::of(&issues),
            issues,
            estimated_duration_s: time,
        };
        let missing = Issue::warning("template_missing", "no template fits");
        let mut found = GraphPreflight {
            workflow_id: None,
            context_id: Uuid::nil(),
            context_kind: ContextKind::OrderLine,
            expected_context_kind: ContextKind::OrderLine,
            execution_mode: ExecutionMode::Graph,
            graph_dispatch_allowed: true,
            resolved_order_line_id: None,
            resolved_cad_file_id: None,
            unsupported_node_ids: Vec::new(),
            issues: vec![Issue::warning("unmapped_parts", "1 part has no material: \"Lid\"")],
            nodes: vec![
                node("template", "resolve_template", vec![missing], None),
                node("render", "render_still", Vec::new(), Some(2.13)),
            ],
            estimated_duration_s: Some(2.13),
        };
        let text = described(&found);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "template  resolve_template  warning         no template fits (template_missing)");
        assert_eq!(lines[2], "render    render_still      ready    2.1 s");
        assert_eq!(lines[3], "warning: 1 part has no material: \"Lid\" (unmapped_parts)");
        assert_eq!(lines[4..], ["it can be dispatched on this order line; it takes about 2.1 s"]);
        (found.graph_dispatch_allowed, found.context_kind, found.estimated_duration_s) =
            (false, ContextKind::CadFile, None);
        assert!(described(&found).ends_with("it cannot be dispatched on this CAD file\n"));
    }
}
