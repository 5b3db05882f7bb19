//! Workers in processes of their own.
//!
//! The child is this test program again: its test [`child_process`] serves a pipe when the environment says so. The
//! harness prints to standard output, so the pipe is moved to another descriptor first.

#![cfg(target_os = "linux")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use packshot_domain::task::FaultKind;
use packshot_pipeline::plan::words::FileFormat as Format;
use packshot_worker::executor::{self, Executor, Incoming, WorkHandle};
use packshot_worker::process::{ProcessExecutor, ProcessOptions};
use packshot_worker::protocol::{Failure, Outcome, RenderWork, WorkEvent};
use tokio::time::timeout;

use crate::series::turntable;
use crate::studio::{Assets, bearing, engine, input, run, small, work};

const IS_CHILD: &str = "PACKSHOT_TEST_IS_CHILD";

#[test]
fn child_process() {
    if std::env::var_os(IS_CHILD).is_none() {
        return;
    }
    let pipe = std::fs::File::options().write(true).open("/dev/fd/3").expect("the pipe");
    let served =
        packshot_worker::child::run(std::io::stdin(), pipe, None, packshot_worker::made_with::Program::UNNAMED);
    std::process::exit(i32::from(served.is_err()));
}

/// Options for children with additional environment variables.
fn options(environment: &str) -> ProcessOptions {
    let program = std::env::current_exe().expect("this program");
    let script =
        format!("{IS_CHILD}=1 {environment} exec \"$0\" process::child_process --exact --nocapture 3>&1 >/dev/null");
    let arguments = vec!["-c".into(), script.into(), program.into()];
    ProcessOptions { n_threads: 1, ..ProcessOptions::new("/bin/sh".into(), arguments) }
}

/// A render in progress.
struct Under {
    handle: WorkHandle,
    incoming: Incoming,
}

impl Under {
    fn start(executor: &ProcessExecutor, assets: &Arc<Assets>, work: RenderWork) -> Self {
        let (sender, incoming) = executor::way();
        Self { handle: executor.start(work, assets.clone(), sender), incoming }
    }

    /// The next event that `when` accepts.
    async fn until(&mut self, when: impl Fn(&WorkEvent) -> bool) -> WorkEvent {
        let patience = Duration::from_secs(60);
        loop {
            let event = timeout(patience, self.incoming.events.recv()).await.expect("in time").expect("an end");
            if when(&event) {
                return event;
            }
            assert!(!matches!(event, WorkEvent::Finished(_)), "ended early: {event:?}");
        }
    }

    async fn pid(&mut self) -> u32 {
        match self.until(|event| matches!(event, WorkEvent::Began { .. })).await {
            WorkEvent::Began { pid: Some(pid) } => pid,
            other => panic!("{other:?}"),
        }
    }

    async fn outcome(mut self) -> Outcome {
        match self.until(|event| matches!(event, WorkEvent::Finished(_))).await {
            WorkEvent::Finished(outcome) => {
                assert!(self.incoming.events.recv().await.is_none(), "nothing comes after the end");
                *outcome
            }
            other => panic!("{other:?}"),
        }
    }
}

fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(status.expect("kill is there").success(), "{name} {pid}");
}

fn assert_lost(outcome: &Outcome, code: &str, expect: &str) {
    let Outcome::Failed(Failure { fault, code: found, detail, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((*fault, found.as_str()), (FaultKind::Infrastructure, code));
    assert!(detail.contains(expect), "{detail}");
}

fn bearing_work(assets: &Assets, samples: u32) -> RenderWork {
    let mut request = small();
    request.options.samples = Some(samples);
    work(input(bearing(assets), request))
}

#[tokio::test]
async fn a_child_makes_the_same_picture_and_stays_for_the_next() {
    let (executor, assets) = (ProcessExecutor::new(options("")), Arc::new(Assets::default()));
    let here = run(&engine(), &assets, &bearing_work(&assets, 4).input);
    let mut first = Under::start(&executor, &assets, bearing_work(&assets, 4));
    let pid = first.pid().await;
    let Outcome::Completed(there) = first.outcome().await else { panic!("completed") };
    assert_eq!(there.files, here.completed().files);
    let n_reads = assets.n_reads.load(std::sync::atomic::Ordering::Relaxed);
    let mut second = Under::start(&executor, &assets, bearing_work(&assets, 8));
    assert_eq!(second.pid().await, pid, "the same process");
    assert!(matches!(second.outcome().await, Outcome::Completed(_)));
    assert_eq!(assets.n_reads.load(std::sync::atomic::Ordering::Relaxed), n_reads, "the file is not read again");
    assert_eq!(executor.live(), 0);
}

#[tokio::test]
async fn r69_a_killed_child_costs_one_attempt() {
    let (executor, assets) = (ProcessExecutor::new(options("")), Arc::new(Assets::default()));
    let mut pids = Vec::new();
    for delay_ms in [0, 20, 150] {
        let mut attempt = Under::start(&executor, &assets, bearing_work(&assets, 65_536));
        let pid = attempt.pid().await;
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        signal(pid, "KILL");
        assert_lost(&attempt.outcome().await, "worker_lost", "signal 9");
        pids.push(pid);
    }
    pids.dedup();
    assert_eq!(pids.len(), 3, "each attempt has a process of its own");
    let next = Under::start(&executor, &assets, bearing_work(&assets, 1)).outcome().await;
    assert!(matches!(next, Outcome::Completed(_)), "{next:?}");
}

#[tokio::test]
async fn a_child_that_gives_no_sign_of_life_is_killed() {
    let patient = ProcessOptions { silence_max: Duration::from_secs(5), ..options("") };
    let (executor, assets) = (ProcessExecutor::new(patient), Arc::new(Assets::default()));
    let mut attempt = Under::start(&executor, &assets, bearing_work(&assets, 65_536));
    let pid = attempt.pid().await;
    attempt.until(|event| matches!(event, WorkEvent::Progress(_))).await;
    signal(pid, "STOP");
    assert_lost(&attempt.outcome().await, "worker_hung", "did not respond");
    let gone = Instant::now();
    while std::path::Path::new(&format!("/proc/{pid}")).exists() {
        assert!(gone.elapsed() < Duration::from_secs(5), "{pid} is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn r14_a_child_stops_when_asked_and_dies_when_abandoned() {
    let (executor, assets) = (ProcessExecutor::new(options("")), Arc::new(Assets::default()));
    let mut attempt = Under::start(&executor, &assets, bearing_work(&assets, 65_536));
    attempt.until(|event| matches!(event, WorkEvent::Progress(_))).await;
    let asked = Instant::now();
    attempt.handle.cancel();
    assert_eq!(attempt.outcome().await, Outcome::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());

    let mut attempt = Under::start(&executor, &assets, bearing_work(&assets, 65_536));
    let pid = attempt.pid().await;
    signal(pid, "STOP");
    attempt.handle.abandon();
    let asked = Instant::now();
    while executor.live() > 0 {
        assert!(asked.elapsed() < Duration::from_secs(2), "still live");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    while std::path::Path::new(&format!("/proc/{pid}")).exists() {
        assert!(asked.elapsed() < Duration::from_secs(2), "the device is not free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn r71_a_panic_is_an_infrastructure_fault_and_the_child_lives_on() {
    let (executor, assets) =
        (ProcessExecutor::new(options("PACKSHOT_FAILPOINT=render:panic")), Arc::new(Assets::default()));
    for _ in 0..2 {
        let outcome = Under::start(&executor, &assets, bearing_work(&assets, 1)).outcome().await;
        assert_lost(&outcome, "worker_panicked", "crashed");
    }
    let killed = ProcessExecutor::new(options("PACKSHOT_FAILPOINT=encode:kill"));
    let outcome = Under::start(&killed, &assets, bearing_work(&assets, 1)).outcome().await;
    assert_lost(&outcome, "worker_lost", "signal 9");
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_a_fault_with_its_reason() {
    let assets = Arc::new(Assets::default());
    for (program, expect) in [("/no/such/program", "no worker process could be started"), ("/bin/true", "lost")] {
        let executor = ProcessExecutor::new(ProcessOptions::new(program.into(), Vec::new()));
        let outcome = Under::start(&executor, &assets, bearing_work(&assets, 1)).outcome().await;
        assert_lost(&outcome, "worker_lost", expect);
    }
}

#[tokio::test]
async fn r08_movies_of_a_child_grow_in_the_folder_that_it_was_given() {
    let assets = Arc::new(Assets::default());
    let movie = || work(input(bearing(&assets), turntable(2, &[Format::Apng])));
    let lost = ProcessExecutor::new(ProcessOptions { scratch: "/nowhere/at/all".into(), ..options("") });
    assert_lost(&Under::start(&lost, &assets, movie()).outcome().await, "worker_disk", "temporary file");
    let folder = tempfile::tempdir().expect("a folder");
    let executor = ProcessExecutor::new(ProcessOptions { scratch: folder.path().to_owned(), ..options("") });
    let outcome = Under::start(&executor, &assets, movie()).outcome().await;
    assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
}

#[tokio::test]
async fn r08_every_frame_of_a_child_comes() {
    let (executor, assets) = (ProcessExecutor::new(options("")), Arc::new(Assets::default()));
    let work = work(input(bearing(&assets), turntable(8, &[Format::Png])));
    let here = run(&engine(), &assets, &work.input);
    let mut attempt = Under::start(&executor, &assets, work);
    // The pipe has room for one frame at a time: all arrive in order, before the end.
    for expected in here.sent() {
        let frame = timeout(Duration::from_secs(60), attempt.incoming.files.recv()).await.expect("in time");
        assert_eq!(frame.as_ref(), Some(expected));
    }
    assert!(matches!(attempt.outcome().await, Outcome::Completed(_)));
}
