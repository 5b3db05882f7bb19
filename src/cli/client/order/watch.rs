//! `packshot client order watch`: follows an order until all of its lines have ended, across lost connections too.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use packshot::error::Fault;
use packshot_contract::client::{Client, ClientError, Event};
use packshot_contract::event::LineStatusEvent;
use packshot_contract::order::{Order, OrderLine, OrderStatus, RenderStatus};
use serde::Deserialize;
use uuid::Uuid;

use super::super::super::failure::{Exit, Failure};
use super::super::super::{console, files};
use super::super::ServiceArgs;
use super::bar::{OrderBar, Progress};
use super::download;
use super::list::error_of;
use super::names::Names;
use super::{Named, counted, find};

/// Lines that are named when they have failed, at most.
const NAMED_MAX: usize = 20;

/// Arguments of `client order watch`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot client order watch ORD-2026-001 -o pictures/")]
pub(crate) struct WatchArgs {
    /// The order, by its number or its id
    #[arg(value_name = "ORDER")]
    order: String,
    /// Save its pictures in this folder, as `client order download` does
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    service: ServiceArgs,
}

/// How a command goes on with an order.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct AndThen {
    /// Follow the order until all of its lines have ended
    #[arg(long)]
    watch: bool,
    /// Follow the order and save its pictures in this folder, as `client order download` does
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl AndThen {
    /// Whether the order is followed.
    pub(super) fn follows(&self) -> bool {
        self.watch || self.output.is_some()
    }
}

pub(super) async fn run(args: &WatchArgs, quiet: bool) -> Result<(), Failure> {
    let client = args.service.client()?;
    let watching = async {
        let order = find(&client, &args.order).await?;
        until_over(&client, &order, &args.service, (quiet, Until::Over)).await
    };
    // By the name that was typed, so that Ctrl-C says the same before the order is found.
    let order = unless_left(&Named::called(&args.order, &args.service), watching).await?;
    ended(&client, &order, args.output.as_deref(), &args.service, quiet).await
}

/// How long an order is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// Until all of its lines have ended: somebody else may dispatch those that wait.
    Over,
    /// Until nothing of it is worked on: what could not be dispatched waits for good.
    Quiet,
}

/// Follows an order that was dispatched until nothing of it is worked on, prints it as JSON where that is asked for,
/// and saves its pictures where they are wanted. Fails if a line did.
pub(super) async fn and_then(
    client: &Client,
    order: &Order,
    and_then: &AndThen,
    service: &ServiceArgs,
    quiet: bool,
) -> Result<(), Failure> {
    let watching = until_over(client, order, service, (quiet, Until::Quiet));
    let order = unless_left(&Named::of(order, service), watching).await?;
    ended(client, &order, and_then.output.as_deref(), service, quiet).await
}

/// Watches, until Ctrl-C ends that: it does not end the work.
async fn unless_left<T>(named: &Named, watching: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Err(left_running(named)),
        done = watching => done,
    }
}

/// What is done with an order that nothing is worked on any more.
async fn ended(
    client: &Client,
    order: &Order,
    output: Option<&Path>,
    service: &ServiceArgs,
    quiet: bool,
) -> Result<(), Failure> {
    let (named, says) = (Named::of(order, service), service.says(quiet));
    if says {
        tell_of_unmapped(order);
    }
    if service.json {
        files::print_json(order)?;
    }
    let n = order.lines.iter().filter(|line| line.render_status == RenderStatus::Completed).count();
    let saved = match output {
        Some(output) if n > 0 => download::save(client, order, output, false, says, quiet).await.map(drop),
        Some(_) => Ok(()),
        None if says && n > 0 => {
            let lines = counted(order.lines.len(), "line", "lines");
            let download = named.command("download");
            console::note(&format!("completed: {n} of {lines}; save the pictures with `{download}`"));
            Ok(())
        }
        None => Ok(()),
    };
    super::act::both(saved, ended_well(client, order, &named).await)
}

/// Says how many parts of finished lines are magenta: nobody ships them by mistake.
fn tell_of_unmapped(order: &Order) {
    let of_line = |line: &OrderLine| {
        let steps = line.render_job_doc.as_ref()?["steps"].as_array()?;
        let step = steps.iter().find(|step| step["name"] == "resolve_materials")?;
        step["output"]["unmapped"].as_u64().filter(|n| *n > 0)
    };
    let completed = order.lines.iter().filter(|line| line.render_status == RenderStatus::Completed);
    let unmapped: Vec<u64> = completed.filter_map(of_line).collect();
    if unmapped.is_empty() {
        return;
    }
    let n_parts = usize::try_from(unmapped.iter().sum::<u64>()).unwrap_or(usize::MAX);
    console::warn(&format!(
        "{} {} without a material, which are magenta: give the products materials (`cad_part_materials`), or the tenant aliases",
        counted(unmapped.len(), "line has", "lines have"),
        counted(n_parts, "part", "parts"),
    ));
}

/// Shows the progress of an order until all of its lines have ended, or nothing of it is worked on. An unreachable
/// service ends the watching, not the work.
async fn until_over(
    client: &Client,
    order: &Order,
    service: &ServiceArgs,
    (quiet, until): (bool, Until),
) -> Result<Order, Failure> {
    let named = Named::of(order, service);
    if order.lines.is_empty() {
        let fault = Fault::new("client.no_lines", "the order has no lines").at(named.number.clone());
        let help = "add lines to it, or make one with `packshot client order create`";
        return Err(Failure::new(Exit::Service, fault.help(help)));
    }
    // It may have been dispatched since.
    let order = client.order(order.summary.id).await.map_err(|error| named.after("watch", error))?;
    let undispatched = order.lines.iter().filter(|line| line.render_status == RenderStatus::Pending && !line.is_live());
    let n = undispatched.count();
    if service.says(quiet) && n > 0 {
        let (lines, dispatch) = (counted(n, "line waits", "lines wait"), named.command("dispatch"));
        console::note(&format!("{lines} to be dispatched: `{dispatch}`"));
    }
    follow(client, &order, quiet, until).await.map_err(|error| named.after("watch", error))
}

async fn follow(client: &Client, order: &Order, quiet: bool, until: Until) -> Result<Order, ClientError> {
    let id = order.summary.id;
    let bar = OrderBar::new(&order.summary.order_number, quiet);
    let names = if bar.is_hidden() { Names::default() } else { Names::of_order(client, order).await? };
    let names: HashMap<Uuid, String> = order.lines.iter().map(|line| (line.id, names.line(line))).collect();
    let mut progress = Progress::default();
    let mut events = client.order_events(id);
    while let Some(event) = events.next().await? {
        take(&mut progress, &event)?;
        bar.show(&progress, |line| names.get(&line).cloned().unwrap_or_else(|| line.to_string()));
        if progress.has_ended() {
            break;
        }
        if until == Until::Quiet && event.name != "job.progress" && !progress.is_processing() {
            let now = client.order(id).await?;
            if !now.lines.iter().any(OrderLine::is_live) {
                return Ok(now);
            }
        }
    }
    client.order(id).await
}

/// What an event says of the lines.
fn take(progress: &mut Progress, event: &Event) -> Result<(), ClientError> {
    let not_understood = |reason: serde_json::Error| ClientError::NotUnderstood(reason.to_string());
    match event.name.as_str() {
        "snapshot" => {
            let order = Order::deserialize(&event.data).map_err(not_understood)?;
            progress.set_all(order.lines.iter().map(|line| (line.id, line.render_status)));
        }
        "line.status" => {
            let change = LineStatusEvent::deserialize(&event.data).map_err(not_understood)?;
            progress.set_status(change.line_id, change.render_status);
        }
        "job.progress" => {
            let line = Uuid::deserialize(&event.data["job_id"]).map_err(not_understood)?;
            progress.set_percent(line, event.data["progress_pct"].as_f64().unwrap_or_default());
        }
        _ => {}
    }
    Ok(())
}

fn left_running(named: &Named) -> Failure {
    let fault = Fault::new("cancelled", "stopped watching; the order itself goes on").at(named.number.clone());
    let (watch, cancel) = (named.command("watch"), named.command("cancel"));
    Failure::new(Exit::Cancelled, fault.help(format!("watch it again with `{watch}`, or cancel it with `{cancel}`")))
}

/// An order that was rejected, or whose lines did not all complete, as a failure of the command.
async fn ended_well(client: &Client, order: &Order, named: &Named) -> Result<(), Failure> {
    if order.summary.status == OrderStatus::Rejected {
        let reason = order.summary.rejection_reason.as_deref().unwrap_or_default();
        let fault = Fault::new("service.order_rejected", format!("the order was rejected: {reason}"));
        let help = format!("correct it and open it again with `{}`", named.command("resubmit"));
        return Err(Failure::new(Exit::Service, fault.at(named.number.clone()).help(help)));
    }
    let is_incomplete = |line: &&OrderLine| line.render_status != RenderStatus::Completed;
    let incomplete: Vec<&OrderLine> = order.lines.iter().filter(is_incomplete).collect();
    if incomplete.is_empty() {
        return Ok(());
    }
    let told = &incomplete[..incomplete.len().min(NAMED_MAX)];
    let names = Names::of(client, told.iter().copied()).await?;
    let mut faults: Vec<Fault> = told.iter().map(|line| fault_of(line, &names, named)).collect();
    if let Some(last) = faults.last_mut().filter(|_| incomplete.len() > NAMED_MAX) {
        let n = incomplete.len() - NAMED_MAX;
        last.help = format!("{n} more lines have not completed; `{}` lists all of them", named.command("show"));
    }
    Err(Failure { exit: Exit::Service, faults })
}

fn fault_of(line: &OrderLine, names: &Names, named: &Named) -> Fault {
    let dispatch = named.command("dispatch");
    let (code, message, help) = match line.render_status {
        RenderStatus::Failed => {
            let reason = error_of(line);
            let message =
                if reason.is_empty() { "the line failed".to_owned() } else { format!("the line failed: {reason}") };
            ("service.line_failed", message, format!("correct what it says, then dispatch it again: `{dispatch}`"))
        }
        RenderStatus::Cancelled => (
            "service.line_cancelled",
            "the line was cancelled".to_owned(),
            format!("dispatch it again with `{dispatch}`"),
        ),
        RenderStatus::Pending if !line.is_live() => (
            "service.line_not_completed",
            "the line was not dispatched".to_owned(),
            format!("`{dispatch}` dispatches it, or says why it cannot be"),
        ),
        status => (
            "service.line_not_completed",
            format!("the line is {status}"),
            format!("wait for it: `{}`", named.command("watch")),
        ),
    };
    Fault::new(code, message).at(names.line(line)).help(help)
}
