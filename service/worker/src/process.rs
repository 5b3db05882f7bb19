//! Work in child processes, which may die: a crash of a driver or of the whole renderer costs one attempt and nothing
//! else.
//!
//! Each child takes one work at a time and stays for the next, with its device open and its products resident. It is
//! killed when it is abandoned or gives no sign of life, and replaced when the next work comes; the more often children
//! crash in a row, the longer the next one waits.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use packshot_renderer::backend::CancelToken;
use packshot_renderer::backend::device::{self, AdapterInfo};

use super::executor::{AssetSource, EventSender, Executor, WorkHandle};
use super::inline;
use super::live::Live;
use super::protocol::{Failure, Outcome, RenderWork, WorkEvent};
use packshot_domain::hash::ContentAddress;

mod child;

use child::Child;

/// How often a waiting work checks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);
/// The shortest wait after a crash, and the longest after several in a row.
const BACKOFF: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(30)];

/// How children are started and watched.
#[derive(Clone, Debug)]
pub struct ProcessOptions {
    /// The program: the service's own.
    pub program: PathBuf,
    /// Its arguments: those with which it serves works on its standard streams.
    pub arguments: Vec<OsString>,
    /// Threads of the processor for each; 0: as many as the machine has.
    pub n_threads: usize,
    /// Bytes of products that stay on devices, in each, at most.
    pub resident_bytes_max: u64,
    /// The memory that one render may take, bytes; `None`: what the machine or its container has, as far as the system
    /// says.
    pub memory_bytes_max: Option<u64>,
    /// The folder in which movies and archives grow, without a name there.
    pub scratch: PathBuf,
    /// A working child that sends nothing for this long is killed.
    pub silence_max: Duration,
}

impl ProcessOptions {
    /// Children of a program, with the defaults of an engine and a minute of patience.
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self {
            program,
            arguments,
            n_threads: 0,
            resident_bytes_max: 1 << 30,
            memory_bytes_max: None,
            scratch: std::env::temp_dir(),
            silence_max: Duration::from_secs(60),
        }
    }
}

/// Renders in child processes.
#[derive(Debug)]
pub struct ProcessExecutor {
    pool: Arc<Pool>,
    live: Live,
}

impl ProcessExecutor {
    /// Starts no child yet.
    pub fn new(options: ProcessOptions) -> Self {
        Self {
            pool: Arc::new(Pool { options, idle: Mutex::default(), crashes: Mutex::default() }),
            live: Live::default(),
        }
    }
}

impl Executor for ProcessExecutor {
    fn start(&self, work: RenderWork, assets: Arc<dyn AssetSource>, events: EventSender) -> WorkHandle {
        let stop = Stop::default();
        let handle = WorkHandle::new(stop.cancel.clone(), {
            let abandoned = stop.abandoned.clone();
            move || abandoned.store(true, Ordering::Relaxed)
        });
        let (pool, live, of_thread) = (self.pool.clone(), self.live.hold(), events.clone());
        let thread = inline::spawn(format!("packshot-attempt-{}", work.attempt), move || {
            let _live = live;
            pool.attempt(&work, &assets, &of_thread, &stop);
        });
        if let Err(reason) = thread {
            events.send(inline::not_started(&reason));
        }
        handle
    }

    fn live(&self) -> usize {
        self.live.count()
    }
}

/// The ways to ask a work to stop.
#[derive(Clone, Debug, Default)]
struct Stop {
    cancel: CancelToken,
    /// The child is not given time to stop by itself.
    abandoned: Arc<AtomicBool>,
}

/// Why a child can no longer be used.
#[derive(Debug)]
enum Lost {
    /// Its process ended, or violated the protocol.
    Crashed(String),
    /// It gave no sign of life.
    Hung(Duration),
    /// It was given up.
    Abandoned,
}

/// Children that wait for work.
#[derive(Debug)]
struct Pool {
    options: ProcessOptions,
    idle: Mutex<Vec<(Child, ContentAddress)>>,
    crashes: Mutex<Crashes>,
}

/// How many children crashed in a row, and until when the next one waits.
#[derive(Debug, Default)]
struct Crashes {
    n: u32,
    wait_until: Option<Instant>,
}

impl Crashes {
    fn add(&mut self, now: Instant) {
        let [first, longest] = BACKOFF;
        let wait = first.saturating_mul(1 << self.n.min(16)).min(longest);
        self.n += 1;
        self.wait_until = Some(now + wait);
    }
}

impl Pool {
    /// One attempt, from finding a child to its last event.
    fn attempt(&self, work: &RenderWork, assets: &Arc<dyn AssetSource>, events: &EventSender, stop: &Stop) {
        let finish = |outcome| events.send(WorkEvent::Finished(Box::new(outcome)));
        let child = match self.child(work, stop) {
            Ok(Some(child)) => child,
            Ok(None) => return finish(Outcome::Cancelled),
            Err(reason) => {
                self.lock_crashes().add(Instant::now());
                let detail = format!("no worker process could be started: {reason}");
                return finish(Outcome::Failed(Failure::infrastructure("worker_lost", detail)));
            }
        };
        events.send(WorkEvent::Began { pid: Some(child.pid()) });
        match self.drive(child, work, assets, events, stop) {
            Ok(outcome) => {
                *self.lock_crashes() = Crashes::default();
                finish(outcome);
            }
            Err(Lost::Abandoned) => finish(Outcome::Cancelled),
            Err(Lost::Crashed(reason)) => {
                self.lock_crashes().add(Instant::now());
                tracing::warn!(job.id = %work.render, "the worker process was lost: {reason}");
                let detail = format!("the worker process was lost: {reason}");
                finish(Outcome::Failed(Failure::infrastructure("worker_lost", detail)));
            }
            Err(Lost::Hung(silence)) => {
                let detail = format!("the worker process did not respond for {} s", silence.as_secs());
                tracing::warn!(job.id = %work.render, "{detail}");
                finish(Outcome::Failed(Failure::infrastructure("worker_hung", detail)));
            }
        }
    }

    /// A child that waits, best one that rendered the same file last, or a new one; `None` when the work is to stop.
    fn child(&self, work: &RenderWork, stop: &Stop) -> std::io::Result<Option<Child>> {
        loop {
            let idle = {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                let same = idle.iter().position(|(_, scene)| *scene == work.input.scene);
                match same {
                    Some(i) => Some(idle.remove(i)),
                    None => idle.pop(),
                }
            };
            let Some((mut child, _)) = idle else { break };
            if child.is_alive() {
                return Ok(Some(child));
            }
        }
        let wait_until = self.lock_crashes().wait_until;
        while wait_until.is_some_and(|until| Instant::now() < until) {
            if stop.cancel.is_cancelled() {
                return Ok(None);
            }
            std::thread::sleep(LOOK);
        }
        Child::spawn(&self.options).map(Some)
    }

    /// Gives the work to a child and passes its events on; the child waits for the next work afterwards.
    fn drive(
        &self,
        mut child: Child,
        work: &RenderWork,
        assets: &Arc<dyn AssetSource>,
        events: &EventSender,
        stop: &Stop,
    ) -> Result<Outcome, Lost> {
        child.start(work);
        let mut heard = Instant::now();
        let mut is_cancel_sent = false;
        let mut opened: Option<Box<AdapterInfo>> = None;
        loop {
            if stop.abandoned.load(Ordering::Relaxed) {
                return Err(Lost::Abandoned);
            }
            if stop.cancel.is_cancelled() && !is_cancel_sent {
                child.cancel();
                is_cancel_sent = true;
            }
            match child.next(LOOK, assets).map_err(Lost::Crashed)? {
                Some(Some(WorkEvent::Finished(outcome))) => {
                    if let (Outcome::Failed(failure), Some(adapter)) = (&*outcome, &opened)
                        && failure.code == "device_lost"
                    {
                        device::note_elsewhere(adapter, true);
                    }
                    let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                    idle.push((child, work.input.scene));
                    return Ok(*outcome);
                }
                Some(event) => {
                    if let Some(WorkEvent::Device(_, Some(adapter))) = &event {
                        device::note_elsewhere(adapter, false);
                        opened = Some(adapter.clone());
                    }
                    if let Some(event) = event {
                        events.send(event);
                    }
                    // After it was passed on: a file may have had to wait.
                    heard = Instant::now();
                }
                None if heard.elapsed() > self.options.silence_max => return Err(Lost::Hung(heard.elapsed())),
                None => {}
            }
        }
    }

    fn lock_crashes(&self) -> std::sync::MutexGuard<'_, Crashes> {
        self.crashes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_that_crash_in_a_row_wait_longer() {
        let (mut crashes, now) = (Crashes::default(), Instant::now());
        let mut wait = || {
            crashes.add(now);
            crashes.wait_until.expect("set").duration_since(now).as_millis()
        };
        let waits: Vec<u128> = (0..9).map(|_| wait()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
    }
}
