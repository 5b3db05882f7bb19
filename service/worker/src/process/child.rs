//! One child process, as the service sees it.

use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::Duration;

use bytes::Bytes;

use super::ProcessOptions;
use crate::executor::{AssetError, AssetSource};
use crate::frame::{self, FromChild, ToChild};
use crate::protocol::{RenderWork, WorkEvent};
use packshot_domain::hash::ContentAddress;

/// Most messages of a child that wait to be read: a child that sends files faster than they are stored has to wait.
const INCOMING_MAX: usize = 1;

/// A child process with a thread for each direction of its pipe, so that a child that does not read blocks no one else.
/// Dropping it kills it.
#[derive(Debug)]
pub(super) struct Child {
    /// `None` only while it is dropped.
    process: Option<std::process::Child>,
    pid: u32,
    outgoing: Sender<Outgoing>,
    incoming: Receiver<io::Result<(FromChild, Vec<Bytes>)>>,
}

/// Orders to the writing thread.
enum Outgoing {
    Message(ToChild),
    Asset(ContentAddress, Arc<dyn AssetSource>),
}

impl Child {
    /// Starts the program. Its log goes where the service's goes.
    pub(super) fn spawn(options: &ProcessOptions) -> io::Result<Self> {
        let mut command = Command::new(&options.program);
        command.args(&options.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        // A group of its own: Ctrl-C at a terminal is for the service, which drains first.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn()?;
        let (Some(stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(io::Error::other("the child has no pipes"));
        };
        let (outgoing, to_write) = mpsc::channel();
        let (read, incoming) = mpsc::sync_channel(INCOMING_MAX);
        let pid = process.id();
        std::thread::Builder::new().name(format!("packshot-to-{pid}")).spawn(move || write_all(stdin, &to_write))?;
        std::thread::Builder::new().name(format!("packshot-from-{pid}")).spawn(move || read_all(stdout, &read))?;
        let child = Self { process: Some(process), pid, outgoing, incoming };
        let ProcessOptions { n_threads, resident_bytes_max, memory_bytes_max, ref scratch, .. } = *options;
        let scratch = scratch.clone().into_os_string();
        child.send(ToChild::Setup { n_threads, resident_bytes_max, memory_bytes_max, scratch });
        Ok(child)
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn is_alive(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    pub(super) fn start(&self, work: &RenderWork) {
        self.send(ToChild::Start(Box::new(work.clone())));
    }

    pub(super) fn cancel(&self) {
        self.send(ToChild::Cancel);
    }

    /// The next message within `patience`: an event, or only a sign of life. Assets that the child asks for are sent
    /// meanwhile.
    ///
    /// # Errors
    /// Why the child can no longer be used.
    #[expect(clippy::option_option, reason = "nothing came; something came that is no event; an event came")]
    pub(super) fn next(
        &mut self,
        patience: Duration,
        assets: &Arc<dyn AssetSource>,
    ) -> Result<Option<Option<WorkEvent>>, String> {
        match self.incoming.recv_timeout(patience) {
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.how_it_ended()),
            Ok(Err(reason)) if reason.kind() == io::ErrorKind::UnexpectedEof => Err(self.how_it_ended()),
            Ok(Err(reason)) => Err(format!("its messages cannot be read: {reason}")),
            Ok(Ok((FromChild::Heartbeat, _))) => Ok(Some(None)),
            Ok(Ok((FromChild::Want(address), _))) => {
                let address = address
                    .parse()
                    .map_err(|_| format!("it asked for `{address}`, which is not the address of a file"))?;
                // A writing thread that has ended shows as the child's end.
                drop(self.outgoing.send(Outgoing::Asset(address, assets.clone())));
                Ok(Some(None))
            }
            Ok(Ok((FromChild::Event(mut event), blobs))) => {
                if event.attach(blobs) {
                    Ok(Some(Some(event)))
                } else {
                    Err("an event lacks its bytes".to_owned())
                }
            }
        }
    }

    fn send(&self, message: ToChild) {
        // A writing thread that has ended shows as the child's end.
        drop(self.outgoing.send(Outgoing::Message(message)));
    }

    /// Its pipe is closed, so the process has ended or is about to end.
    fn how_it_ended(&mut self) -> String {
        let Some(process) = &mut self.process else { return "it was given up".to_owned() };
        drop(process.kill());
        process.wait().map_or_else(|reason| reason.to_string(), describe)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        drop(process.kill());
        // A process that hangs in a driver ends when the driver lets it; this does not wait for it.
        let reaper = std::thread::Builder::new().name(format!("packshot-end-{}", self.pid));
        if let Err(reason) = reaper.spawn(move || drop(process.wait())) {
            tracing::warn!(pid = self.pid, "cannot wait for a worker process to end: {reason}");
        }
    }
}

#[cfg(unix)]
fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(9) => "it was killed (signal 9), by hand or because memory ran out".to_owned(),
        Some(signal) => format!("it crashed (signal {signal})"),
        None => format!("it ended with {status}"),
    }
}

#[cfg(not(unix))]
fn describe(status: ExitStatus) -> String {
    format!("it ended with {status}")
}

fn write_all(mut pipe: impl io::Write, to_write: &Receiver<Outgoing>) {
    for outgoing in to_write {
        let written = match outgoing {
            Outgoing::Message(message) => frame::write(&mut pipe, &message, &[]),
            Outgoing::Asset(address, assets) => match assets.read(&address) {
                Ok(bytes) => match frame::write(&mut pipe, &ToChild::Asset, &[bytes]) {
                    // Larger than a message may be, so trying again is pointless.
                    Err(reason) if reason.kind() == io::ErrorKind::InvalidData => {
                        let refusal = ToChild::NoAsset { is_missing: true, reason: reason.to_string() };
                        frame::write(&mut pipe, &refusal, &[])
                    }
                    written => written,
                },
                Err(error) => {
                    let is_missing = matches!(error, AssetError::Missing(_));
                    frame::write(&mut pipe, &ToChild::NoAsset { is_missing, reason: error.to_string() }, &[])
                }
            },
        };
        if written.is_err() {
            // The child is gone: the reading thread notices.
            return;
        }
    }
}

fn read_all(mut pipe: impl io::Read, read: &SyncSender<io::Result<(FromChild, Vec<Bytes>)>>) {
    loop {
        let message = match frame::read(&mut pipe) {
            Ok(Some(message)) => Ok(message),
            Ok(None) => return,
            Err(reason) => Err(reason),
        };
        let is_last = message.is_err();
        if read.send(message).is_err() || is_last {
            return;
        }
    }
}
