//! `packshot client watch`: follows a render until it ends, across lost connections too.

use std::path::PathBuf;

use clap::Args;
use packshot::error::Fault;
use packshot_contract::client::Client;
use packshot_contract::job::Job;
use uuid::Uuid;

use super::super::failure::{Exit, Failure};
use super::bar::JobBar;
use super::{GoingOn, ServiceArgs, over, report};

/// Arguments of `client watch`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot client watch 01934d2e-6f00-7000-8000-0123456789ab -o bearing.png")]
pub(crate) struct WatchArgs {
    /// The render, by the id that `submit` printed
    #[arg(value_parser = super::render_id)]
    id: Uuid,
    /// Save its files here, as `client fetch` does
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) async fn run(args: &WatchArgs, quiet: bool) -> Result<(), Failure> {
    let client = args.service.client()?;
    let going_on = GoingOn::by("watch", args.id, &args.service, args.output.as_deref());
    let job = until_over(&client, args.id, &going_on, quiet).await?;
    report(&job, args.service.json)?;
    over(&client, &job, args.output.as_deref(), &going_on, &args.service, quiet).await
}

/// Shows the progress of a job until it ends. Neither Ctrl-C nor an unreachable service ends the job; they only end the
/// watching.
pub(super) async fn until_over(client: &Client, id: Uuid, going_on: &GoingOn, quiet: bool) -> Result<Job, Failure> {
    let bar = JobBar::new(quiet);
    let mut events = client.events(id).from_the_start();
    let followed = async {
        while let Some(event) = events.next().await? {
            bar.show(&event);
        }
        client.job(id).await
    };
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Err(left_running(id)),
        job = followed => job.map_err(|error| going_on.after(error)),
    }
}

fn left_running(id: Uuid) -> Failure {
    let message = "stopped watching; the render itself goes on";
    let fault = Fault::new("cancelled", message).at(id.to_string());
    Failure::new(
        Exit::Cancelled,
        fault.help(format!(
            "watch it again with `packshot client watch {id}`, or cancel it with `packshot client cancel {id}`"
        )),
    )
}
