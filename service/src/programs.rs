//! Programs of the settings file at work, a converter or a renderer: what one is given, how it may end, and what it
//! leaves.
//!
//! It gets a folder of its own with its files, and its job as one JSON object on stdin. It writes its file where the
//! job says, and exits with 0. The folder goes with the errand, however that ends.

use std::io;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Map, Value as Json};
use tempfile::TempDir;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use crate::app::Code;
use crate::jobs::handler::{Desk, TaskUpdate};
use crate::objects::{ObjectError, Reading};
use crate::store::{Spooled, Store, StoreError};
use packshot_domain::task::FaultKind;
use packshot_worker::command::{Ended, Launcher, Program, Running, StartError};
use packshot_worker::protocol::Failure;

/// Bytes of a file that are read at once.
const PIECE_BYTES: usize = 1 << 16;
/// How long a program that was told to stop may take, and its supervisor after that.
const STOPPING: Duration = Duration::from_secs(12);

/// HUP, INT, KILL and TERM: signals with which a person or the system ends a program.
const OUTSIDE: [i32; 4] = [1, 2, 9, 15];

/// What a program is to the service, in the words of its errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Role {
    /// What it is called: `the converter`.
    pub(crate) name: &'static str,
    /// Where the settings file has it.
    pub(crate) setting: &'static str,
    /// What it makes: `the GLB`.
    pub(crate) product: &'static str,
    /// The code of a failure of its own.
    pub(crate) failed: &'static str,
    /// The code of taking too long.
    pub(crate) timeout: &'static str,
}

/// Why an errand gives no result.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// It was asked to stop.
    Asked,
    /// It failed.
    Failed(Failure),
    /// The program is not there, or is none.
    Missing(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// One run of a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errand<'a> {
    /// What starts it.
    pub(crate) launcher: &'a Launcher,
    /// The program and its arguments.
    pub(crate) command: &'a [String],
    /// How long it may take.
    pub(crate) time_max: Duration,
    /// Where its folders are.
    pub(crate) scratch: &'a Path,
    /// What it is.
    pub(crate) role: Role,
}

/// A stored file that a program reads.
#[derive(Debug)]
pub(crate) struct Input {
    /// The member of the job that says where it is.
    pub(crate) member: &'static str,
    /// Its name in the folder.
    pub(crate) file: &'static str,
    /// Its content.
    pub(crate) content: Reading,
}

/// What a program has written, in the folder that goes with this.
#[derive(Debug)]
pub(crate) struct Made {
    folder: TempDir,
    output: String,
    role: Role,
}

/// Removes the folders that programs of a lost process left behind.
///
/// # Errors
/// What the system says.
pub(crate) fn clean(scratch: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(scratch) {
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl Errand<'_> {
    /// Runs the program with a job, to which the places of all files are added. It writes the file called `output`.
    ///
    /// # Errors
    /// [`Stopped`].
    pub(crate) async fn run(
        &self,
        desk: &mut Desk,
        inputs: Vec<Input>,
        output: &str,
        mut job: Map<String, Json>,
    ) -> Result<Made, Stopped> {
        let Role { name, .. } = self.role;
        let made = self.folder().await;
        let folder = made.map_err(|reason| unusable(&format!("make a folder for {name}"), &reason))?;
        for Input { member, file, content } in inputs {
            let path = folder.path().join(file);
            copy(content, &path).await?;
            job.insert(member.to_owned(), text(&path)?);
        }
        job.insert("output_path".to_owned(), text(&folder.path().join(output))?);
        let (command, input) = (self.command.to_vec(), format!("{}\n", Json::Object(job)));
        let program = Program { command, folder: folder.path().to_owned(), input };
        let mut running = self.launcher.start(&program).await.map_err(|reason| self.not_started(reason))?;
        desk.send(TaskUpdate::Pid(running.pid()));
        let give_up = Instant::now() + self.time_max;
        let ended = tokio::select! {
            ended = running.ended() => ended,
            _ = desk.stopped() => {
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
                let detail = format!("{name} timed out: it did not end within {seconds:.0} s, and was stopped");
                return Err(said_last(self.role.timeout, detail, running).await.into());
            }
        };
        match ended {
            Ok(Ended::Code(0)) => Ok(Made { folder, output: output.to_owned(), role: self.role }),
            Ok(Ended::Code(code)) => {
                let detail = format!("{name} ended with exit code {code}");
                Err(said_last(self.role.failed, detail, running).await.into())
            }
            // A file is not to blame for that: the system is short of memory, or all of the service is being ended.
            Ok(Ended::Signal(signal)) if OUTSIDE.contains(&signal) => {
                let detail = format!("somebody outside of the service ended {name}, by signal {signal}");
                tracing::warn!("{detail}");
                Err(Failure::infrastructure("worker_lost", detail).into())
            }
            Ok(Ended::Signal(signal)) => {
                let detail = format!("{name} was ended by signal {signal}");
                Err(said_last(self.role.failed, detail, running).await.into())
            }
            Err(reason) => {
                tracing::warn!("{name} was lost: {reason}");
                Err(Failure::infrastructure("worker_lost", format!("{name} was lost: {reason}")).into())
            }
        }
    }

    fn not_started(&self, reason: StartError) -> Stopped {
        let Role { name, setting, failed, .. } = self.role;
        let program = self.command.first().map_or("", String::as_str);
        tracing::error!("{name}, {program}, cannot be started: {reason}");
        let detail = format!("{name} cannot be started: {reason}");
        match reason {
            StartError::Program(_) => {
                let detail =
                    format!("{detail}; check `{setting}` in the settings file, the service's log names the program");
                Stopped::Missing(Failure::new(FaultKind::Input, failed, detail))
            }
            StartError::System(_) => Failure::infrastructure("unavailable", detail).into(),
        }
    }

    /// A folder for one errand.
    async fn folder(&self) -> io::Result<TempDir> {
        let scratch = self.scratch.to_owned();
        let made = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&scratch)?;
            TempDir::new_in(&scratch)
        });
        made.await.map_err(io::Error::other)?
    }
}

/// A failure, with what the program said last.
async fn said_last(code: &str, detail: String, running: Running) -> Failure {
    let said = running.stderr().await;
    let detail = if said.is_empty() { detail } else { format!("{detail}; it said: {said}") };
    Failure::new(FaultKind::Input, code, detail)
}

/// Stops a program, and waits until it is gone: its folder goes next.
async fn end(running: &mut Running) {
    running.stop().await;
    if timeout(STOPPING, running.ended()).await.is_err() {
        tracing::warn!(pid = running.pid(), "a program that was told to stop is still there");
    }
}

impl Made {
    /// Takes the file over, of at most `bytes_max`.
    ///
    /// # Errors
    /// The code of the role when there is none; `output_too_large`, `storage_full`, `unavailable`.
    pub(crate) async fn take(self, store: &Store, bytes_max: u64) -> Result<Spooled, Failure> {
        let Self { folder, output, role: Role { name, product, failed, .. } } = self;
        let path = folder.path().join(output);
        let missing = || {
            let detail = format!("{name} ended well, but wrote no file at `output_path`");
            Failure::new(FaultKind::Input, failed, detail)
        };
        match tokio::fs::symlink_metadata(&path).await {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(missing()),
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Err(missing()),
            Err(reason) => return Err(unusable(&format!("look at {product}"), &reason)),
        }
        let read = |reason: io::Error| unusable(&format!("read {product}"), &reason);
        let mut file = File::open(&path).await.map_err(read)?;
        let mut spool = store.spool(bytes_max).map_err(|error| unstored(product, error))?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let n = file.read(&mut piece).await.map_err(read)?;
            if n == 0 {
                return spool.finish().await.map_err(|error| unstored(product, error));
            }
            spool.write(&piece[..n]).await.map_err(|error| unstored(product, error))?;
        }
    }
}

/// Writes a stored file where the program reads it.
async fn copy(source: Reading, to: &Path) -> Result<(), Failure> {
    let size_bytes = source.size_bytes();
    let mut pieces = source.stream(0..size_bytes).await.map_err(unread)?;
    let write = |reason: io::Error| unusable("write the CAD file", &reason);
    let mut file = File::create(to).await.map_err(write)?;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(unread)?;
        file.write_all(&piece).await.map_err(write)?;
    }
    file.flush().await.map_err(write)
}

/// A path in the job. JSON is Unicode, and so must it be.
fn text(path: &Path) -> Result<Json, Failure> {
    let text = path.to_str().map(Json::from);
    text.ok_or_else(|| unusable("name the folder of a program", &io::Error::other("its path is not Unicode")))
}

/// The disk does not do what it should.
fn unusable(what: &str, reason: &io::Error) -> Failure {
    tracing::error!("cannot {what}: {reason}");
    let code = if reason.kind() == io::ErrorKind::StorageFull { "storage_full" } else { "unavailable" };
    Failure::infrastructure(code, format!("cannot {what}: {reason}"))
}

/// A stored file that cannot be read.
pub(crate) fn unread(error: ObjectError) -> Failure {
    match error {
        ObjectError::Gone | ObjectError::Damaged { .. } => {
            Failure::new(FaultKind::Input, Code::ContentCorrupt.as_str(), format!("the CAD file is lost: {error}"))
        }
        ObjectError::Store(_) | ObjectError::Database(_) => {
            tracing::warn!("a CAD file cannot be read: {error}");
            Failure::infrastructure("unavailable", "the CAD file cannot be read")
        }
    }
}

/// A product of a program, such as `the GLB`, that cannot be stored.
pub(crate) fn unstored(product: &str, error: StoreError) -> Failure {
    match error {
        StoreError::TooLarge { .. } => {
            Failure::new(FaultKind::Input, "output_too_large", format!("{product}: {error}"))
        }
        StoreError::Full => Failure::infrastructure("storage_full", error.to_string()),
        error => {
            tracing::error!("{product} cannot be stored: {error:?}");
            Failure::infrastructure("unavailable", format!("{product} cannot be stored"))
        }
    }
}
