//! `packshot client`: submits to a running service, watches, fetches and cancels; orders; workflows.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use clap::{Args, Subcommand};
use packshot::error::Fault;
use packshot_contract::client::{Client, ClientError, PATIENCE};
use packshot_contract::job::{Job, JobState, ResultFile};
use uuid::Uuid;

use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::progress::duration;
use super::serve::runtime_of_this_thread;
use super::{console, files};

mod bar;
mod columns;
mod findings;
mod going_on;
mod order;
mod refused;
mod submit;
mod watch;
mod workflow;

use going_on::GoingOn;
use order::OrderCommand;
use submit::SubmitArgs;
use watch::WatchArgs;
use workflow::WorkflowCommand;

/// Talk to a running service
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Submit a product to be rendered
    Submit(Box<SubmitArgs>),
    /// Follow a render until it ends
    Watch(WatchArgs),
    /// Download the files of a finished render
    Fetch(FetchArgs),
    /// Cancel a render
    Cancel(CancelArgs),
    /// Orders: from a sheet or a folder of GLBs to the pictures of all of them
    #[command(
        subcommand,
        after_help = "Example: packshot client order create order.csv --submit --dispatch -o pictures/"
    )]
    Order(OrderCommand),
    /// Workflows: which there are, what they would do, and their runs
    #[command(
        subcommand,
        after_help = "Example: packshot client workflow dispatch graph.json --context 01934d2e-6f00-7000-8000-0123456789ab"
    )]
    Workflow(WorkflowCommand),
}

/// The default address of the service.
const URL: &str = "http://127.0.0.1:8080";

/// Where the service is.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Service")]
struct ServiceArgs {
    /// Address of the service
    #[arg(long, value_name = "URL", env = "PACKSHOT_URL", default_value = URL)]
    url: String,
    /// API key, or the access token of a sign-in, if the service needs one
    #[arg(long, value_name = "KEY", env = "PACKSHOT_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Seconds to keep trying while the service is busy or cannot be reached; 0 tries once
    #[arg(long, value_name = "S", default_value_t = PATIENCE.as_secs())]
    retry_for: u64,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl ServiceArgs {
    /// Whether to print notes for people.
    fn says(&self, quiet: bool) -> bool {
        !quiet && !self.json
    }

    fn client(&self) -> Result<Client, Failure> {
        let key = self.key.as_deref().filter(|key| !key.is_empty());
        let client = Client::new(&self.url, key).map_err(|error| match error {
            ClientError::Address(message) => {
                let help = if self.url.contains("://") { String::new() } else { format!("use http://{}", self.url) };
                Failure::usage("invalid_value", message, "--url", help)
            }
            ClientError::Key => {
                let help = "give the key as `packshot admin create-key` printed it";
                Failure::usage("invalid_value", ClientError::Key.to_string(), "--key", help)
            }
            other => other.into(),
        })?;
        Ok(client.patient_for(Duration::from_secs(self.retry_for)).on_retry(|reason, at_most| {
            let at_most = duration(at_most.as_secs_f64());
            console::warn(&format!("{reason}; retrying for up to {at_most} (--retry-for)"));
        }))
    }
}

/// Arguments of `client fetch`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot client fetch 01934d2e-6f00-7000-8000-0123456789ab -o bearing.png")]
pub(crate) struct FetchArgs {
    /// The render, by the id that `submit` printed
    #[arg(value_parser = render_id)]
    id: Uuid,
    /// Where to save: a folder (ending in `/`) for all files, or a file whose extension chooses one
    #[arg(short, long, value_name = "OUT", default_value = "./")]
    output: PathBuf,
    #[command(flatten)]
    service: ServiceArgs,
}

/// Arguments of `client cancel`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot client cancel 01934d2e-6f00-7000-8000-0123456789ab")]
pub(crate) struct CancelArgs {
    /// The render, by the id that `submit` printed
    #[arg(value_parser = render_id)]
    id: Uuid,
    #[command(flatten)]
    service: ServiceArgs,
}

/// The id of a render.
fn render_id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| "not the id of a render, such as 01934d2e-6f00-7000-8000-0123456789ab".to_owned())
}

pub(crate) fn run(command: &ClientCommand, quiet: bool) -> Result<(), Failure> {
    let runtime = runtime_of_this_thread()?;
    let work = async {
        match command {
            ClientCommand::Submit(args) => submit::run(args, quiet).await,
            ClientCommand::Watch(args) => watch::run(args, quiet).await,
            ClientCommand::Fetch(args) => fetch(args, quiet).await,
            ClientCommand::Cancel(args) => cancel(args).await,
            ClientCommand::Order(command) => order::run(command, quiet).await,
            ClientCommand::Workflow(command) => workflow::run(command, quiet).await,
        }
    };
    let done = runtime.block_on(async {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            done = &mut work => done,
            // `watch` explains better what Ctrl-C means for the render: it hears of it too, and is asked once more.
            _ = tokio::signal::ctrl_c() => tokio::select! {
                biased;
                done = &mut work => done,
                () = std::future::ready(()) => {
                    Err(Failure::new(Exit::Cancelled, Fault::new("cancelled", "interrupted")))
                }
            },
        }
    });
    // A DNS lookup in progress must not keep the command from ending.
    runtime.shutdown_background();
    done
}

async fn fetch(args: &FetchArgs, quiet: bool) -> Result<(), Failure> {
    let client = args.service.client()?;
    let going_on = GoingOn::by("fetch", args.id, &args.service, Some(&args.output));
    let job = client.job(args.id).await.map_err(|error| going_on.after(error))?;
    over(&client, &job, Some(&args.output), &going_on, &args.service, quiet).await?;
    report(&job, args.service.json)
}

async fn cancel(args: &CancelArgs) -> Result<(), Failure> {
    let going_on = GoingOn::by("cancel", args.id, &args.service, None);
    let job = args.service.client()?.cancel(args.id).await.map_err(|error| going_on.after(error))?;
    match (args.service.json, job.state) {
        (true, _) => files::print_json(&job),
        (false, JobState::Cancelled) => files::print(b"cancelled\n"),
        (false, state) if state.is_terminal() => files::print(format!("has already ended: {state}\n").as_bytes()),
        (false, _) => files::print(b"is being cancelled\n"),
    }
}

/// What is done with a job that is over: its files are saved, or it is said how to fetch them, and its findings are
/// told.
async fn over(
    client: &Client,
    job: &Job,
    output: Option<&Path>,
    going_on: &GoingOn,
    service: &ServiceArgs,
    quiet: bool,
) -> Result<(), Failure> {
    let says = service.says(quiet);
    let ended = match (output, &job.result) {
        (Some(output), _) => save(client, job, output, going_on, says).await,
        (None, Some(result)) if says && job.state == JobState::Completed => {
            console::note(&going_on.completed(result));
            Ok(())
        }
        (None, _) => ended_well(job),
    };
    if !service.json {
        findings::tell(client, job).await;
    }
    ended
}

/// Saves the files of a job that has ended, then fails if the job did: pictures that break a rule of their preset are
/// saved to be looked at. Prints the names of the files if `says`.
async fn save(client: &Client, job: &Job, output: &Path, going_on: &GoingOn, says: bool) -> Result<(), Failure> {
    let ended = ended_well(job);
    if ended.is_ok() || job.result.is_some() {
        save_files(client, job, output, going_on, says).await?;
    }
    ended
}

/// All files into a folder, or the one that a file's extension asks for.
async fn save_files(client: &Client, job: &Job, output: &Path, going_on: &GoingOn, says: bool) -> Result<(), Failure> {
    let save = async |file: &ResultFile, path: &Path| {
        let bytes = client.fetch(file).await.map_err(|error| going_on.after(error))?;
        files::write(path, &bytes, &Interrupt::default()).map_err(|failure| going_on.after_saving(failure))?;
        if says && !files::is_stream(path) {
            console::note(&format!("saved: {}, {} bytes", path.display(), bytes.len()));
        }
        Ok(())
    };
    let all = job.result.iter().flat_map(|result| &result.files);
    if !is_folder(output) {
        let extension = output.extension().map(|text| text.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let fits: Vec<_> =
            all.filter(|file| files::is_stream(output) || file.format.to_string() == extension).collect();
        if let [_, _, ..] = fits[..] {
            let message = format!("the render has {} files that fit {}", fits.len(), output.display());
            let help = format!("give a folder: packshot client fetch {} -o DIR/", job.id);
            return Err(Failure::usage("invalid_value", message, "--output", help));
        }
        let file = fits.first().copied().ok_or_else(|| {
            let (message, help) = match extension.as_str() {
                "" if !files::is_stream(output) => (
                    "the file's name has no extension, so the format is not known".to_owned(),
                    "end the name in one of the render's formats, such as .png, or give a folder: -o DIR/",
                ),
                _ => (
                    format!("the render has no file of the format `{extension}`"),
                    "choose one of the formats in its request (`formats`), or give a folder for all files: -o DIR/",
                ),
            };
            Failure::usage("invalid_value", message, "--output", help)
        })?;
        return save(file, output).await;
    }
    files::make_folder(output).map_err(|failure| going_on.after_saving(failure))?;
    for file in all {
        // The name comes from the service, so it must not lead anywhere else.
        let name = Path::new(&file.name).file_name().unwrap_or_default();
        save(file, &output.join(name)).await?;
    }
    Ok(())
}

fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.to_string_lossy().ends_with(std::path::is_separator)
}

/// A job that failed, was cancelled or is not over, as a failure of the command.
fn ended_well(job: &Job) -> Result<(), Failure> {
    let place = job.error.as_ref().and_then(|error| error.at.as_deref()).filter(|at| !at.is_empty());
    let at = place.map_or_else(|| job.id.to_string(), |place| format!("{}: {place}", job.id));
    let fault = match (job.state, &job.error) {
        (JobState::Completed, _) => return Ok(()),
        (JobState::Failed, Some(error)) => {
            let help = error.help.as_deref().filter(|help| !is_for_programs(help));
            Fault::new(error_code(&error.code), error.detail.clone()).help(help.unwrap_or_default())
        }
        (JobState::Failed, None) => {
            Fault::new("service.failed", "the render failed").help("its log on the service's page says why")
        }
        (JobState::Cancelled, _) => Fault::new("service.cancelled", "the render was cancelled"),
        (state, _) => Fault::new("service.not_completed", format!("the render is {state}"))
            .help(format!("wait for it: `packshot client watch {}`", job.id)),
    };
    Err(Failure::new(Exit::Service, fault.at(at)))
}

/// Codes of the renderer stay as they are; those of the service get a prefix.
fn error_code(code: &str) -> String {
    if code.contains('.') { code.to_owned() } else { format!("service.{code}") }
}

/// Prints the job: as JSON, or its files as a person wants to see them.
fn report(job: &Job, json: bool) -> Result<(), Failure> {
    if json { files::print_json(job) } else { Ok(()) }
}

/// Whether what the service says to do is for programs that send requests themselves.
fn is_for_programs(help: &str) -> bool {
    ["GET /", "POST /", "PATCH /", "Retry-After", "ETag", "`errors`", "`Allow`", "/docs/"]
        .iter()
        .any(|word| help.contains(word))
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let ClientError::Refused { problem, .. } = error else {
            let code = match &error {
                ClientError::Unreachable(_) | ClientError::StreamEnded => "client.unreachable",
                ClientError::Damaged => "client.damaged",
                _ => "client.not_understood",
            };
            let help = match code {
                "client.unreachable" => "check --url, and that `packshot serve` is running there",
                // What goes on with it is said where that is known.
                "client.damaged" => "",
                _ => "check --url, and use the version of Packshot that the service has (see `packshot --version`)",
            };
            return Self::new(Exit::Service, Fault::new(code, error.to_string()).help(help));
        };
        let own = problem.help.as_deref().filter(|help| !is_for_programs(help));
        let help = refused::way_out(&problem.code).or(own).unwrap_or_default();
        let mut faults = vec![Fault::new(error_code(&problem.code), problem.detail).help(help)];
        let findings = problem.errors.into_iter().filter(|finding| !faults[0].message.contains(&finding.detail));
        let findings: Vec<_> =
            findings.map(|finding| Fault::new(error_code(&finding.code), finding.detail).at(finding.pointer)).collect();
        faults.extend(findings);
        Self { exit: Exit::Service, faults }
    }
}
