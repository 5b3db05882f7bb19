//! `packshot client order`: orders of a running service, from a sheet or a folder of files to their pictures.

use clap::{Args, Subcommand};
use packshot::error::Fault;
use packshot_contract::client::{Client, ClientError};
use packshot_contract::order::Order;
use uuid::Uuid;

use super::super::failure::{Exit, Failure};
use super::going_on::{shell_word, with_help};
use super::{ServiceArgs, URL};

mod act;
mod bar;
mod create;
mod download;
mod list;
mod names;
mod naming;
mod plan;
mod watch;
mod wish;

use act::{DispatchArgs, RejectArgs};
use create::CreateArgs;
use download::DownloadArgs;
use list::ListArgs;
use watch::WatchArgs;

/// Orders of a running service
#[derive(Debug, Subcommand)]
pub(crate) enum OrderCommand {
    /// Make an order, of the lines of a sheet or of a folder of GLBs
    Create(Box<CreateArgs>),
    /// List orders, newest first
    List(ListArgs),
    /// Show an order with its lines
    #[command(after_help = "Example: packshot client order show ORD-2026-001")]
    Show(OrderArgs),
    /// Hand a draft over
    #[command(after_help = "Example: packshot client order submit ORD-2026-001")]
    Submit(OrderArgs),
    /// Have the lines rendered that wait, have failed or were cancelled
    Dispatch(DispatchArgs),
    /// Follow an order until all of its lines have ended
    Watch(WatchArgs),
    /// Save the pictures of all finished lines
    Download(DownloadArgs),
    /// Cancel the lines that wait or are rendered
    #[command(after_help = "Example: packshot client order cancel ORD-2026-001")]
    Cancel(OrderArgs),
    /// Refuse an order for a reason
    Reject(RejectArgs),
    /// Open a rejected order again, as a draft
    #[command(after_help = "Example: packshot client order resubmit ORD-2026-001")]
    Resubmit(OrderArgs),
}

/// An order, and where it is.
#[derive(Args, Debug)]
pub(crate) struct OrderArgs {
    /// The order, by its number or its id
    #[arg(value_name = "ORDER")]
    order: String,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) async fn run(command: &OrderCommand, quiet: bool) -> Result<(), Failure> {
    match command {
        OrderCommand::Create(args) => create::run(args, quiet).await,
        OrderCommand::List(args) => list::run(args).await,
        OrderCommand::Show(args) => list::show(args).await,
        OrderCommand::Submit(args) => act::submit(args).await,
        OrderCommand::Dispatch(args) => act::dispatch(args, quiet).await,
        OrderCommand::Watch(args) => watch::run(args, quiet).await,
        OrderCommand::Download(args) => download::run(args, quiet).await,
        OrderCommand::Cancel(args) => act::cancel(args).await,
        OrderCommand::Reject(args) => act::reject(args).await,
        OrderCommand::Resubmit(args) => act::resubmit(args).await,
    }
}

/// The order that somebody names, by its number or its id.
async fn find(client: &Client, named: &str) -> Result<Order, Failure> {
    if let Ok(id) = named.parse::<Uuid>() {
        match client.order(id).await {
            // A number may look like an id.
            Err(ClientError::Refused { problem, .. }) if problem.status == 404 => {}
            found => return Ok(found?),
        }
    }
    client.order_with_number(named).await?.ok_or_else(|| {
        let fault = Fault::new("service.order_not_found", format!("there is no order `{named}`"));
        Failure::new(Exit::Service, fault.at("ORDER").help("`packshot client order list` lists the orders"))
    })
}

/// An order as the commands name it that go on with it.
#[derive(Clone, Debug)]
struct Named {
    number: String,
    /// The service, if it is not the default one.
    url: Option<String>,
}

impl Named {
    fn of(order: &Order, service: &ServiceArgs) -> Self {
        Self::called(&order.summary.order_number, service)
    }

    /// The order by what somebody calls it, before it is found.
    fn called(number: &str, service: &ServiceArgs) -> Self {
        let url = (service.url != URL).then(|| service.url.clone());
        Self { number: number.to_owned(), url }
    }

    /// The command that does `verb` with it.
    fn command(&self, verb: &str) -> String {
        let mut command = format!("packshot client order {verb} {}", shell_word(&self.number));
        if let Some(url) = &self.url {
            command.push_str(&format!(" --url {}", shell_word(url)));
        }
        command
    }

    /// The failure of a command, with the one that continues. What the service refuses, it would refuse again.
    fn after(&self, verb: &str, error: ClientError) -> Failure {
        let is_refusal = matches!(&error, ClientError::Refused { problem, .. } if (400..500).contains(&problem.status) && problem.status != 429);
        let failure = Failure::from(error);
        if is_refusal { failure } else { with_help(failure, &format!("continue with `{}`", self.command(verb))) }
    }
}

/// `1 line`, `2 lines`.
fn counted(n: usize, one: &str, several: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_goes_on_can_be_pasted() {
        let named = |number: &str, url: Option<&str>| Named { number: number.to_owned(), url: url.map(str::to_owned) };
        assert_eq!(named("ORD-2026-001", None).command("watch"), "packshot client order watch ORD-2026-001");
        let quoted = named("PO 4711", Some("http://a:1")).command("show");
        assert_eq!(quoted, "packshot client order show 'PO 4711' --url http://a:1");
        let help = &named("1", None).after("watch", ClientError::StreamEnded).faults[0].help;
        assert!(help.ends_with("continue with `packshot client order watch 1`"), "{help}");
    }
}
