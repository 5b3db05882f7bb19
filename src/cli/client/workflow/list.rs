//! `packshot client workflow list`.

use clap::Args;
use packshot_contract::workflow::{WorkflowDefinition, WorkflowPage};

use super::super::super::failure::Failure;
use super::super::super::files;
use super::super::ServiceArgs;
use super::super::columns::{cut, table};

/// Workflows that a page of the service has at most.
const PAGE: u32 = 200;

/// Arguments of `client workflow list`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot client workflow list --limit 10")]
pub(crate) struct ListArgs {
    /// Workflows at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) async fn run(args: &ListArgs) -> Result<(), Failure> {
    let client = args.service.client()?;
    let mut listed = WorkflowPage { items: Vec::new(), next_cursor: None };
    loop {
        let left = args.limit.saturating_sub(u32::try_from(listed.items.len()).unwrap_or(u32::MAX));
        let page = client.workflows(left.min(PAGE), listed.next_cursor.as_deref()).await?;
        listed.items.extend(page.items);
        listed.next_cursor = page.next_cursor;
        if listed.next_cursor.is_none() || listed.items.len() >= args.limit as usize {
            break;
        }
    }
    if args.service.json {
        return files::print_json(&listed);
    }
    let head = ["WORKFLOW", "ID", "PRESET", "MODE", "ACTIVE", "REVISION"].map(str::to_owned).to_vec();
    let rows = std::iter::once(head).chain(listed.items.iter().map(row));
    files::print(table(&rows.collect::<Vec<_>>()).as_bytes())
}

fn row(workflow: &WorkflowDefinition) -> Vec<String> {
    let ui = |member: &str| cut(workflow.config["ui"][member].as_str().unwrap_or_default());
    vec![
        cut(&workflow.name),
        workflow.id.to_string(),
        ui("preset"),
        ui("execution_mode"),
        if workflow.is_active { "yes" } else { "no" }.to_owned(),
        workflow.revision.to_string(),
    ]
}
