//! What is done with an order in one step: submit, dispatch, cancel, reject, resubmit.

use clap::Args;
use packshot::error::Fault;
use packshot_contract::client::Client;
use packshot_contract::dispatch::{DispatchResult, OrderDispatch};
use packshot_contract::order::{Order, RejectRequest};

use super::super::super::failure::{Exit, Failure};
use super::super::super::{console, files};
use super::super::{ServiceArgs, error_code};
use super::names::Names;
use super::watch::{self, AndThen};
use super::{Named, OrderArgs, counted, find};

/// Arguments of `client order dispatch`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot client order dispatch ORD-2026-001 --watch")]
pub(crate) struct DispatchArgs {
    /// The order, by its number or its id
    #[arg(value_name = "ORDER")]
    order: String,
    #[command(flatten)]
    and_then: AndThen,
    #[command(flatten)]
    service: ServiceArgs,
}

/// Arguments of `client order reject`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: packshot client order reject ORD-2026-001 --reason 'The housing is that of last year'"
)]
pub(crate) struct RejectArgs {
    /// The order, by its number or its id
    #[arg(value_name = "ORDER")]
    order: String,
    /// Why, for whoever made it: 1 to 2000 characters
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Do not notify whoever made it
    #[arg(long)]
    silent: bool,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) async fn submit(args: &OrderArgs) -> Result<(), Failure> {
    let client = args.service.client()?;
    let order = find(&client, &args.order).await?;
    let order = submitted(&client, &order, &args.service).await?;
    report(&order, &args.service, "submitted")
}

/// An order that is handed over.
pub(super) async fn submitted(client: &Client, order: &Order, service: &ServiceArgs) -> Result<Order, Failure> {
    client.submit_order(order.summary.id).await.map_err(|error| Named::of(order, service).after("submit", error))
}

pub(super) async fn dispatch(args: &DispatchArgs, quiet: bool) -> Result<(), Failure> {
    let client = args.service.client()?;
    let order = find(&client, &args.order).await?;
    let says = args.service.says(quiet);
    let (dispatched, refused) = dispatched(&client, &order, &args.service, says).await?;
    if !args.and_then.follows() {
        if args.service.json {
            files::print_json(&dispatched)?;
        }
        return refused;
    }
    let followed = watch::and_then(&client, &order, &args.and_then, &args.service, quiet).await;
    both(refused, followed)
}

/// Dispatches an order: what became of its lines, and a failure that names those that were refused.
pub(super) async fn dispatched(
    client: &Client,
    order: &Order,
    service: &ServiceArgs,
    says: bool,
) -> Result<(OrderDispatch, Result<(), Failure>), Failure> {
    let named = Named::of(order, service);
    let dispatched = client.dispatch_order(order.summary.id).await.map_err(|error| named.after("dispatch", error))?;
    let refused: Vec<&DispatchResult> = dispatched.results.iter().filter(|result| result.error.is_some()).collect();
    if says {
        let n = dispatched.results.len() - refused.len();
        match dispatched.results.is_empty() {
            true => console::note("nothing to dispatch: no line waits, has failed or was cancelled"),
            false => console::note(&format!("dispatched: {}", counted(n, "line", "lines"))),
        }
    }
    let is_refused = |line: &uuid::Uuid| refused.iter().any(|result| result.order_line_id == *line);
    let names = Names::of(client, order.lines.iter().filter(|line| is_refused(&line.id))).await?;
    let fault = |result: &&DispatchResult| {
        let error = result.error.as_ref()?;
        let line = order.lines.iter().find(|line| line.id == result.order_line_id);
        let at = line.map_or_else(|| result.order_line_id.to_string(), |line| names.line(line));
        let help = format!("correct it, then dispatch the line again: `{}`", named.command("dispatch"));
        Some(Fault::new(error_code(&error.code), error.detail.clone()).at(at).help(help))
    };
    let faults: Vec<Fault> = refused.iter().filter_map(fault).collect();
    let refused = if faults.is_empty() { Ok(()) } else { Err(Failure { exit: Exit::Service, faults }) };
    Ok((dispatched, refused))
}

/// One outcome of two: the failures of both.
pub(super) fn both(one: Result<(), Failure>, other: Result<(), Failure>) -> Result<(), Failure> {
    Failure::of_all([one, other].into_iter().filter_map(Result::err).collect()).map_or(Ok(()), Err)
}

pub(super) async fn cancel(args: &OrderArgs) -> Result<(), Failure> {
    let client = args.service.client()?;
    let order = find(&client, &args.order).await?;
    let named = Named::of(&order, &args.service);
    let cancelled =
        client.cancel_order_renders(order.summary.id).await.map_err(|error| named.after("cancel", error))?.cancelled;
    if args.service.json {
        return files::print_json(&client.order(order.summary.id).await?);
    }
    let said = match cancelled.len() {
        0 => "nothing to cancel: no line waits or is rendered".to_owned(),
        n => format!("cancelled: {}", counted(n, "line", "lines")),
    };
    files::print(format!("{said}\n").as_bytes())
}

pub(super) async fn reject(args: &RejectArgs) -> Result<(), Failure> {
    let client = args.service.client()?;
    let order = find(&client, &args.order).await?;
    let request = RejectRequest { reason: args.reason.clone(), notify_client: Some(!args.silent) };
    let order = client.reject_order(order.summary.id, &request).await?;
    report(&order, &args.service, "rejected")
}

pub(super) async fn resubmit(args: &OrderArgs) -> Result<(), Failure> {
    let client = args.service.client()?;
    let order = find(&client, &args.order).await?;
    let order = client.resubmit_order(order.summary.id).await?;
    report(&order, &args.service, "a draft again")
}

fn report(order: &Order, service: &ServiceArgs, what: &str) -> Result<(), Failure> {
    if service.json { files::print_json(order) } else { files::print(format!("{what}\n").as_bytes()) }
}
