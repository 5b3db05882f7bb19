//! Programs outside of Packshot, such as a converter of CAD files: started, watched, and ended with everything that
//! they started.
//!
//! A program must not outlive the service, also when that is killed. So it is started by a child of the service, its
//! [supervisor](supervisor::run), in a process group of its own: when the pipe from the service closes, the supervisor
//! kills the group. Asked to stop, it sends TERM, and KILL ten seconds later. When the program itself ends, what it has
//! left behind in its group ends too.

pub mod supervisor;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::live::Live;

/// Characters of what a program wrote to stderr last that are kept.
const STDERR_CHARS_MAX: usize = 2_000;
/// How long its end is waited for after that of the program.
const STDERR_PATIENCE: Duration = Duration::from_secs(1);
/// Variables of the service that are none of a program's business begin with these: passwords of databases, keys of
/// stores.
const PRIVATE: [&str; 3] = ["PACKSHOT_", "DATABASE_", "AWS_"];

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The folder that it works in.
    pub folder: PathBuf,
    /// What it reads on stdin.
    pub input: String,
}

/// What a supervisor says, each in a line of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    /// The program runs.
    Started { pid: u32 },
    /// It cannot be started; `is_passing`: because the system has no room for it now.
    NotStarted { reason: String, is_passing: bool },
    /// It has ended, and its group with it.
    Ended { code: Option<i32>, signal: Option<i32> },
}

/// What the service tells a supervisor after the program: to stop it.
const STOP: &str = "stop";

/// How programs are started: by this command, which [supervises](supervisor::run) one.
#[derive(Clone, Debug)]
pub struct Launcher {
    program: PathBuf,
    arguments: Vec<OsString>,
    live: Live,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this exit code.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// A program that runs. When this is dropped it ends.
#[derive(Debug)]
pub struct Running {
    pid: u32,
    said: Lines<BufReader<ChildStdout>>,
    /// The supervisor kills the program when this closes.
    tell: ChildStdin,
    /// What it has written to stderr, until its end.
    stderr: (JoinHandle<()>, Tail),
}

/// The end of what a program wrote.
type Tail = Arc<Mutex<Vec<u8>>>;

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It is not there, or is none: it cannot be started the next time either.
    #[error("{0}")]
    Program(String),
    /// The system has no room for it now, or its supervisor was lost.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl Launcher {
    /// Supervisors are this program with these arguments.
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self { program, arguments, live: Live::default() }
    }

    /// How many programs run, those included that nobody waits for any more.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.count()
    }

    /// Starts a program.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(&self, program: &Program) -> Result<Running, StartError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C at a terminal is for the service, which drains first.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut tell), Some(said), Some(stderr)) = pipes else {
            return Err(io::Error::other("the supervisor has no pipes").into());
        };
        let live = self.live.hold();
        tokio::spawn(async move {
            let _live = live;
            if let Err(reason) = child.wait().await {
                tracing::warn!("cannot wait for a supervisor to end: {reason}");
            }
        });
        let tail = Tail::default();
        let stderr = (tokio::spawn(keep_last(stderr, Arc::clone(&tail))), tail);
        let mut line = serde_json::to_vec(program).map_err(io::Error::from)?;
        line.push(b'\n');
        tell.write_all(&line).await?;
        tell.flush().await?;
        let mut said = BufReader::new(said).lines();
        match next(&mut said).await? {
            Some(Said::Started { pid }) => Ok(Running { pid, said, tell, stderr }),
            Some(Said::NotStarted { reason, is_passing: false }) => Err(StartError::Program(reason)),
            Some(Said::NotStarted { reason, is_passing: true }) => Err(io::Error::other(reason).into()),
            Some(Said::Ended { .. }) | None => Err(io::Error::other("its supervisor ended before it began").into()),
        }
    }
}

impl Running {
    /// Its process id, which is that of its group.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it has ended, and its group with it. Nothing is lost when this is given up and called again.
    ///
    /// # Errors
    ///
    /// When its supervisor was killed: then so is the program.
    pub async fn ended(&mut self) -> io::Result<Ended> {
        loop {
            match next(&mut self.said).await? {
                Some(Said::Ended { code: Some(code), .. }) => return Ok(Ended::Code(code)),
                Some(Said::Ended { code: None, signal }) => return Ok(Ended::Signal(signal.unwrap_or_default())),
                Some(Said::Started { .. } | Said::NotStarted { .. }) => {}
                None => {
                    supervisor::kill_group(self.pid);
                    return Err(io::Error::other("its supervisor was killed"));
                }
            }
        }
    }

    /// Asks it to stop: TERM to its group, and KILL ten seconds later, or when this is dropped.
    pub async fn stop(&mut self) {
        let told = async {
            self.tell.write_all(format!("{STOP}\n").as_bytes()).await?;
            self.tell.flush().await
        };
        if let Err(reason) = told.await {
            tracing::debug!(pid = self.pid, "a supervisor cannot be told to stop: {reason}");
        }
    }

    /// The last characters that it wrote to stderr, once it has ended. What has left its group may hold that open; it
    /// is not waited for.
    pub async fn stderr(self) -> String {
        let Self { said, tell, stderr: (reading, tail), .. } = self;
        drop((said, tell));
        drop(timeout(STDERR_PATIENCE, reading).await);
        let kept = tail.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let text = text.trim();
        let n_excess = text.chars().count().saturating_sub(STDERR_CHARS_MAX);
        text.chars().skip(n_excess).collect()
    }
}

/// The next thing that a supervisor says; `None` at its end.
async fn next(said: &mut Lines<BufReader<ChildStdout>>) -> io::Result<Option<Said>> {
    match said.next_line().await? {
        Some(line) => Ok(Some(serde_json::from_str(&line)?)),
        None => Ok(None),
    }
}

/// Keeps the end of what comes out of a pipe.
async fn keep_last(mut pipe: ChildStderr, tail: Tail) {
    let mut piece = [0; 4096];
    // A character has at most four bytes.
    let bytes_max = STDERR_CHARS_MAX * 4;
    while let Ok(n @ 1..) = pipe.read(&mut piece).await {
        let mut kept = tail.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&piece[..n]);
        let excess = kept.len().saturating_sub(bytes_max);
        kept.drain(..excess);
    }
}
