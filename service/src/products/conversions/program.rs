//! The program that converts a CAD file: what it is given, how it may end, and what it leaves.
//!
//! It gets a folder of its own with the file, and its job as one JSON object on stdin. It writes the GLB where the job
//! says, and exits with 0. The folder goes with the conversion, however that ends.

use std::io;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Map, Value as Json};
use tempfile::TempDir;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Stopped, unread, unstored};
use crate::jobs::handler::{Desk, TaskUpdate};
use crate::objects::Reading;
use crate::store::{Spooled, Store};
use packshot_domain::task::FaultKind;
use packshot_worker::command::{Ended, Launcher, Program, Running, StartError};
use packshot_worker::protocol::Failure;

/// The file that is converted.
const SOURCE: &str = "source.step";
/// The file that the program writes.
const OUTPUT: &str = "converted.glb";
/// Bytes of the GLB that are read at once.
const PIECE_BYTES: usize = 1 << 16;
/// How long a program that was told to stop may take, and its supervisor after that.
const STOPPING: Duration = Duration::from_secs(12);

/// HUP, INT, KILL and TERM: signals with which a person or the system ends a program.
const OUTSIDE: [i32; 4] = [1, 2, 9, 15];

/// How files are converted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Converter<'a> {
    /// What starts the program.
    pub(super) launcher: &'a Launcher,
    /// The program and its arguments.
    pub(super) command: &'a [String],
    /// How long it may take.
    pub(super) time_max: Duration,
    /// Where its folders are.
    pub(super) scratch: &'a Path,
}

/// What a program has written, in the folder that goes with this.
#[derive(Debug)]
pub(super) struct Made {
    folder: TempDir,
}

/// Removes the folders of conversions that a lost process left behind.
///
/// # Errors
/// What the system says.
pub(super) fn clean(scratch: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(scratch) {
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl Converter<'_> {
    /// Runs the program with a job, to which the places of both files are added.
    pub(super) async fn run(
        &self,
        desk: &mut Desk,
        source: Reading,
        mut job: Map<String, Json>,
    ) -> Result<Made, Stopped> {
        let folder = self.folder().await.map_err(|reason| unusable("make a folder for the conversion", &reason))?;
        let [from, to] = [SOURCE, OUTPUT].map(|name| folder.path().join(name));
        copy(source, &from).await?;
        job.insert("source_path".to_owned(), text(&from)?);
        job.insert("output_path".to_owned(), text(&to)?);
        let (command, input) = (self.command.to_vec(), format!("{}\n", Json::Object(job)));
        let program = Program { command, folder: folder.path().to_owned(), input };
        let mut running = self.launcher.start(&program).await.map_err(|reason| {
            let name = self.command.first().map_or("", String::as_str);
            tracing::error!("the converter {name} cannot be started: {reason}");
            let detail = format!("the converter cannot be started: {reason}");
            match reason {
                StartError::Program(_) => {
                    let detail = format!("{detail}; check `cad_converter` in the settings file");
                    Failure::new(FaultKind::Input, "conversion_failed", detail)
                }
                StartError::System(_) => Failure::infrastructure("unavailable", detail),
            }
        })?;
        desk.send(TaskUpdate::Pid(running.pid()));
        let give_up = Instant::now() + self.time_max;
        let ended = tokio::select! {
            ended = running.ended() => ended,
            () = desk.stopped() => {
                // The task is over before the program is, which has ten seconds; its folder goes after it.
                tokio::spawn(async move {
                    let _folder = folder;
                    end(&mut running).await;
                });
                return Err(Stopped::Asked);
            }
            () = sleep_until(give_up) => {
                end(&mut running).await;
                let seconds = self.time_max.as_secs_f64();
                let detail = format!("the converter was stopped: it did not end within {seconds:.0} s");
                return Err(self.failed("conversion_timeout", detail, running).await.into());
            }
        };
        match ended {
            Ok(Ended::Code(0)) => Ok(Made { folder }),
            Ok(Ended::Code(code)) => {
                let detail = format!("the converter ended with exit code {code}");
                Err(self.failed("conversion_failed", detail, running).await.into())
            }
            // A file is not to blame for that: the system is short of memory, or all of the service is being ended.
            Ok(Ended::Signal(signal)) if OUTSIDE.contains(&signal) => {
                let detail = format!("somebody outside of the service ended the converter, by signal {signal}");
                tracing::warn!("{detail}");
                Err(Failure::infrastructure("worker_lost", detail).into())
            }
            Ok(Ended::Signal(signal)) => {
                let detail = format!("the converter was ended by signal {signal}");
                Err(self.failed("conversion_failed", detail, running).await.into())
            }
            Err(reason) => {
                tracing::warn!("a converter was lost: {reason}");
                Err(Failure::infrastructure("worker_lost", format!("the converter was lost: {reason}")).into())
            }
        }
    }

    /// A folder for one conversion.
    async fn folder(&self) -> io::Result<TempDir> {
        let scratch = self.scratch.to_owned();
        let made = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&scratch)?;
            TempDir::new_in(&scratch)
        });
        made.await.map_err(io::Error::other)?
    }

    /// A failure, with what the program said last.
    async fn failed(&self, code: &str, detail: String, running: Running) -> Failure {
        let said = running.stderr().await;
        let detail = if said.is_empty() { detail } else { format!("{detail}; it said: {said}") };
        Failure::new(FaultKind::Input, code, detail)
    }
}

/// Stops a program, and waits until it is gone: its folder goes next.
async fn end(running: &mut Running) {
    running.stop().await;
    if timeout(STOPPING, running.ended()).await.is_err() {
        tracing::warn!(pid = running.pid(), "a converter that was told to stop is still there");
    }
}

impl Made {
    /// Takes the GLB over, of at most `bytes_max`.
    pub(super) async fn take(self, store: &Store, bytes_max: u64) -> Result<Spooled, Failure> {
        let path = self.folder.path().join(OUTPUT);
        let missing = || {
            let detail = "the converter ended well, but wrote no file at `output_path`";
            Failure::new(FaultKind::Input, "conversion_failed", detail)
        };
        match tokio::fs::symlink_metadata(&path).await {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(missing()),
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Err(missing()),
            Err(reason) => return Err(unusable("look at the GLB", &reason)),
        }
        let mut file = File::open(&path).await.map_err(|reason| unusable("read the GLB", &reason))?;
        let mut spool = store.spool(bytes_max).map_err(unstored)?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let n = file.read(&mut piece).await.map_err(|reason| unusable("read the GLB", &reason))?;
            if n == 0 {
                return spool.finish().await.map_err(unstored);
            }
            spool.write(&piece[..n]).await.map_err(unstored)?;
        }
    }
}

/// Writes a stored file where the program reads it.
async fn copy(source: Reading, to: &Path) -> Result<(), Failure> {
    let size_bytes = source.size_bytes();
    let mut pieces = source.stream(0..size_bytes).await.map_err(unread)?;
    let mut file = File::create(to).await.map_err(|reason| unusable("write the CAD file", &reason))?;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(unread)?;
        file.write_all(&piece).await.map_err(|reason| unusable("write the CAD file", &reason))?;
    }
    file.flush().await.map_err(|reason| unusable("write the CAD file", &reason))
}

/// A path in the job. JSON is Unicode, and so must it be.
fn text(path: &Path) -> Result<Json, Failure> {
    let text = path.to_str().map(Json::from);
    text.ok_or_else(|| unusable("name the folder of conversions", &io::Error::other("its path is not Unicode")))
}

/// The disk does not do what it should.
fn unusable(what: &str, reason: &io::Error) -> Failure {
    tracing::error!("cannot {what}: {reason}");
    let code = if reason.kind() == io::ErrorKind::StorageFull { "storage_full" } else { "unavailable" };
    Failure::infrastructure(code, format!("cannot {what}: {reason}"))
}
