//! `packshot client order download`: the pictures of all finished lines, each complete or not there.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use packshot::error::Fault;
use packshot_contract::client::{Client, FetchError, Picture};
use packshot_contract::order::Order;
use packshot_contract::scalar::Address;
use packshot_domain::hash::{ContentAddress, Digester};
use packshot_words::why_unread;
use serde::Serialize;
use uuid::Uuid;

use super::super::super::failure::{Exit, Failure};
use super::super::super::{console, files};
use super::super::ServiceArgs;
use super::bar::StepBar;
use super::names::Names;
use super::{counted, find, naming};

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// Arguments of `client order download`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot client order download ORD-2026-001 -o pictures/")]
pub(crate) struct DownloadArgs {
    /// The order, by its number or its id
    #[arg(value_name = "ORDER")]
    order: String,
    /// The folder to save them in; if absent, one with the order's number
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Replace files that are there with other content
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    service: ServiceArgs,
}

/// What `client order download --json` prints.
#[derive(Serialize)]
struct Downloaded<'a> {
    order_id: Uuid,
    order_number: &'a str,
    /// The files, those that were there already included.
    files: Vec<Saved>,
    /// Lines without pictures.
    lines_without_files: Vec<Uuid>,
}

/// A file that was saved, or was there.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Saved {
    path: PathBuf,
    order_line_id: Uuid,
    media_type: String,
    size_bytes: u64,
    file_hash: Address,
}

/// What the service says of pictures whose bytes it has no longer.
const LOST: [&str; 3] = ["content_corrupt", "asset_expired", "artifact_expired"];

/// A file to save.
struct Target {
    path: PathBuf,
    picture: Picture,
    is_there: bool,
}

pub(super) async fn run(args: &DownloadArgs, quiet: bool) -> Result<(), Failure> {
    let client = args.service.client()?;
    let order = find(&client, &args.order).await?;
    let of_number = || PathBuf::from(naming::part(&order.summary.order_number));
    let output = args.output.clone().unwrap_or_else(of_number);
    let files = save(&client, &order, &output, args.force, args.service.says(quiet), quiet).await?;
    if !args.service.json {
        return Ok(());
    }
    let has_files = |line: &Uuid| files.iter().any(|file| file.order_line_id == *line);
    let without = order.lines.iter().map(|line| line.id).filter(|line| !has_files(line)).collect();
    let order_number = &order.summary.order_number;
    files::print_json(&Downloaded { order_id: order.summary.id, order_number, files, lines_without_files: without })
}

/// Saves the pictures of all finished lines in a folder. Files that are there with the same content stay; with other
/// content nothing is saved unless `force` says so. Tells what was done if `says`.
pub(super) async fn save(
    client: &Client,
    order: &Order,
    output: &Path,
    force: bool,
    says: bool,
    quiet: bool,
) -> Result<Vec<Saved>, Failure> {
    let targets = targets(client, order, output, force).await?;
    if targets.is_empty() {
        let fault = Fault::new("client.no_pictures", "no line of the order has pictures yet");
        let number = order.summary.order_number.clone();
        let help = "wait for it with `packshot client order watch`, and dispatch lines that nobody has dispatched";
        return Err(Failure::new(Exit::Service, fault.at(number).help(help)));
    }
    if !force {
        // A link that leads nowhere is there too.
        let is_other = |target: &&Target| target.path.symlink_metadata().is_ok() && !target.is_there;
        let faults: Vec<Fault> = targets.iter().filter(is_other).map(|target| exists(&target.path)).collect();
        if !faults.is_empty() {
            return Err(Failure { exit: Exit::Output, faults });
        }
    }
    files::make_folder(output)?;
    let missing: Vec<&Target> = targets.iter().filter(|target| !target.is_there).collect();
    let bar = StepBar::new("saving", missing.iter().map(|target| target.picture.size_bytes).sum(), quiet);
    let (mut done, mut n_saved, mut lost) = (0, 0, Vec::new());
    for target in &missing {
        match fetch(client, target, &bar, done).await {
            Ok(()) => (done, n_saved) = (done + target.picture.size_bytes, n_saved + 1),
            // What the service has no longer keeps nothing from the others.
            Err(failure) if is_lost(&failure) => {
                let help = format!("render it again: POST /api/v1/order-lines/{}/dispatch", target.picture.line);
                lost.extend(failure.faults.into_iter().map(|fault| fault.help(&help)));
            }
            Err(failure) => return Err(failure),
        }
    }
    drop(bar);
    if says {
        let (saved, folder) = (counted(n_saved, "file", "files"), output.display());
        console::note(&match targets.len() - missing.len() {
            0 => format!("saved: {saved}, {done} bytes, in {folder}"),
            n if missing.is_empty() => {
                format!("saved: nothing new; {} already in {folder}", counted(n, "file is", "files are"))
            }
            n => format!(
                "saved: {saved}, {done} bytes, in {folder}, where {} already",
                counted(n, "file is", "files are")
            ),
        });
        tell_of_others(order, &targets);
    }
    if !lost.is_empty() {
        return Err(Failure { exit: Exit::Service, faults: lost });
    }
    let saved = |target: Target| Saved {
        path: target.path,
        order_line_id: target.picture.line,
        media_type: target.picture.media_type,
        size_bytes: target.picture.size_bytes,
        file_hash: Address(target.picture.address),
    };
    Ok(targets.into_iter().map(saved).collect())
}

/// Every file of every finished line, with its path. With `force` a file that cannot be read is one to replace.
async fn targets(client: &Client, order: &Order, output: &Path, force: bool) -> Result<Vec<Target>, Failure> {
    let names = Names::of_order(client, order).await?;
    let called = |line| (names.product(line).to_owned(), names.output_type(line).to_owned());
    let beginnings = naming::beginnings(&order.lines.iter().map(called).collect::<Vec<_>>());
    let of_lines: HashMap<Uuid, &String> = order.lines.iter().map(|line| line.id).zip(&beginnings).collect();
    let (mut targets, mut taken) = (Vec::new(), HashSet::new());
    for picture in client.pictures(order).await? {
        let Some(beginning) = of_lines.get(&picture.line) else { continue };
        let path = output.join(naming::free(naming::file(beginning, &picture.name), &mut taken));
        let is_there = path.is_file()
            && match has_content(&path, &picture) {
                Err(_) if force => false,
                found => found.map_err(|reason| not_read(&path, &reason))?,
            };
        targets.push(Target { path, picture, is_there });
    }
    Ok(targets)
}

/// Whether the bytes of a picture are damaged or gone, for which nobody has to be asked again.
fn is_lost(failure: &Failure) -> bool {
    let is_of_picture = |fault: &Fault| fault.code.strip_prefix("service.").is_some_and(|code| LOST.contains(&code));
    failure.faults.iter().all(is_of_picture)
}

/// Whether a file has the bytes of a picture.
fn has_content(path: &Path, picture: &Picture) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() != picture.size_bytes {
        return Ok(false);
    }
    Ok(address_of(&mut file)? == picture.address)
}

fn address_of(source: &mut impl Read) -> io::Result<ContentAddress> {
    let (mut digester, mut piece) = (Digester::default(), vec![0; PIECE]);
    loop {
        match source.read(&mut piece)? {
            0 => return Ok(digester.finish().address),
            n => digester.update(&piece[..n]),
        }
    }
}

fn not_read(path: &Path, reason: &io::Error) -> Failure {
    let reason = why_unread(reason);
    let fault = Fault::new("output.not_read", format!("the file that is there cannot be read: {reason}"));
    let help = "choose another folder, or give --force to replace it";
    Failure::new(Exit::Output, fault.at(path.display().to_string()).help(help))
}

fn exists(path: &Path) -> Fault {
    let fault = Fault::new("output.exists", "the file already exists, with other content");
    fault.at(path.display().to_string()).help("choose another folder with -o, or give --force to replace it")
}

/// Fetches a file beside its place, and puts it there when it is complete and what it should be.
async fn fetch(client: &Client, target: &Target, bar: &StepBar, done_before: u64) -> Result<(), Failure> {
    let name = target.path.file_name().unwrap_or_default().to_string_lossy();
    let shown = |own: u64| bar.show(done_before + own, &name);
    let n_written = Cell::new(0);
    let begin = || {
        n_written.set(0);
        Ok(Counted { file: files::begin(&target.path)?, n_written: &n_written, shown: &shown })
    };
    let path = target.path.display().to_string();
    let file = client.fetch_into(&target.picture, begin).await.map_err(|error| match error {
        FetchError::Client(error) => Failure::from(error).at_option(&path),
        FetchError::Write(reason) => files::not_written(&path, &reason),
    })?;
    files::end(file.file, &target.path).map_err(|reason| files::not_written(&path, &reason))
}

/// A file that shows how much of it is there.
struct Counted<'a, F> {
    file: tempfile::NamedTempFile,
    n_written: &'a Cell<u64>,
    shown: &'a F,
}

impl<F: Fn(u64)> Write for Counted<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.n_written.set(self.n_written.get() + n as u64);
        (self.shown)(self.n_written.get());
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Says how many lines have no pictures, or none yet.
fn tell_of_others(order: &Order, targets: &[Target]) {
    let without = || order.lines.iter().filter(|line| targets.iter().all(|target| target.picture.line != line.id));
    let n_open = without().filter(|line| line.is_live()).count();
    if n_open > 0 {
        console::warn(&format!("{} not finished yet", counted(n_open, "line is", "lines are")));
    }
    let n = without().filter(|line| !line.is_live()).count();
    if n > 0 {
        console::warn(&format!(
            "{} no pictures; `packshot client order show` says why",
            counted(n, "line has", "lines have")
        ));
    }
}
