//! Trials in separate processes, one after the other, with time limits.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use packshot_renderer::backend::device::processor_name;

use crate::report::{Fault, Report, State, TrialReport};
use crate::setup::{Scale, Setup};
use crate::trial::Trial;

const LOOK_EVERY: Duration = Duration::from_millis(20);
/// No trial is started with less time than this.
const WORTH: Duration = Duration::from_secs(3);
/// How long to wait for a killed process.
const DYING: Duration = Duration::from_secs(3);
/// The driver's own caches, which would falsify compile times. The names are those of NVIDIA's and Mesa's drivers.
const DRIVER_CACHES: [(&str, &str); 2] = [("__GL_SHADER_DISK_CACHE", "0"), ("MESA_SHADER_CACHE_DISABLE", "true")];

/// Observes a run, and can cancel it.
pub struct Watch<'a> {
    /// Called before each trial, with its time limit.
    pub begun: &'a dyn Fn(Trial, Duration),
    /// Called after each trial.
    pub told: &'a dyn Fn(&TrialReport),
    /// Whether it was cancelled.
    pub is_cancelled: &'a dyn Fn() -> bool,
}

/// Runs trials until `limit` is reached. After each one, `report.json` and `report.md` in the results contain
/// everything so far.
///
/// # Errors
/// When the results cannot be written.
pub fn run(setup: &Setup, trials: &[Trial], mut limit: Duration, watch: &Watch<'_>) -> Result<Report, Fault> {
    let begun = Instant::now();
    setup.folder("trials")?;
    let mut report = Report {
        device: setup.device.clone(),
        adapter: setup.adapter.clone(),
        processor: processor_name(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scale: setup.scale.name().to_owned(),
        seconds: 0.0,
        trials: Vec::new(),
    };
    for &trial in trials {
        let left = limit.saturating_sub(begun.elapsed());
        let own = trial.limit(setup.scale);
        let not_run = |why: &str| TrialReport::without_result(trial, State::NotRun, 0.0, why.to_owned());
        let mut ended = match () {
            () if (watch.is_cancelled)() => not_run("the run was cancelled"),
            () if left < WORTH => not_run("the run's time was up"),
            () => {
                (watch.begun)(trial, own.min(left));
                run_one(&Setup { limit: own.min(left), ..setup.clone() }, trial, watch.is_cancelled)
            }
        };
        // A trial that had less than its full time did not fail.
        if ended.state == State::TimedOut && own > left {
            ended.state = State::NotRun;
            let seconds = ended.seconds;
            ended.fault = Some(format!("it was not finished after {seconds:.0} s, when the run's time was up"));
        }
        // The driver compiles for its first picture, for seconds or a minute; later trials use the cache.
        if setup.scale == Scale::Quick && trial == Trial::Bearing {
            limit += Duration::from_secs_f64(ended.seconds);
        }
        if let Some(adapter) = ended.figures.get("adapter").and_then(|adapter| adapter.as_str()) {
            report.adapter = Some(adapter.to_owned());
        }
        (watch.told)(&ended);
        report.trials.push(ended);
        report.seconds = begun.elapsed().as_secs_f64();
        write(&setup.results, &report)?;
    }
    Ok(report)
}

fn write(results: &Path, report: &Report) -> Result<(), Fault> {
    let json = serde_json::to_vec_pretty(report).map_err(|error| Fault::new(error.to_string()))?;
    for (name, bytes) in [("report.json", json), ("report.md", report.markdown().into_bytes())] {
        let path = results.join(name);
        std::fs::write(&path, bytes).map_err(|reason| Fault::of_file(&path, &reason))?;
    }
    Ok(())
}

/// Runs a trial in a separate process, and ends that if it takes too long.
fn run_one(setup: &Setup, trial: Trial, is_cancelled: &dyn Fn() -> bool) -> TrialReport {
    let begun = Instant::now();
    let kept = setup.results.join("trials").join(format!("{}.json", trial.name()));
    let said = setup.results.join("trials").join(format!("{}.log", trial.name()));
    // Results of an earlier run must not be mistaken for this one's.
    let _ = std::fs::remove_file(&kept);
    let ended = start(setup, trial, &said).and_then(|mut child| {
        let ended = wait(&mut child, setup.limit, is_cancelled);
        // Its child processes too, if it has crashed.
        kill(&mut child);
        ended
    });
    let read = || std::fs::read(&kept).ok().and_then(|bytes| serde_json::from_slice::<TrialReport>(&bytes).ok());
    // Its results so far are kept.
    let failed = |state, fault: String| {
        let mut found = read().unwrap_or_else(|| TrialReport::new(trial));
        (found.state, found.seconds, found.fault) = (state, begun.elapsed().as_secs_f64(), Some(fault));
        found
    };
    match ended {
        Err(reason) => failed(State::Crashed, format!("it could not be started: {reason}")),
        Ok(Ended::Over(status)) if status.success() => {
            read().unwrap_or_else(|| failed(State::Crashed, format!("it left no report{}", last_line(&said))))
        }
        Ok(Ended::Over(status)) => failed(State::Crashed, format!("{status}{}", last_line(&said))),
        Ok(Ended::TooLate) => {
            failed(State::TimedOut, format!("it was stopped after {:.0} s", setup.limit.as_secs_f64()))
        }
        Ok(Ended::Cancelled) => failed(State::NotRun, "it was cancelled".to_owned()),
    }
}

/// How a process ended.
enum Ended {
    /// By itself, or by a signal from elsewhere.
    Over(ExitStatus),
    /// By its time limit.
    TooLate,
    /// By cancellation.
    Cancelled,
}

fn start(setup: &Setup, trial: Trial, said: &Path) -> std::io::Result<Child> {
    let log = File::create(said)?;
    let mut command = Command::new(&setup.program);
    command.args(["kit", "trial", trial.name(), "--scale", setup.scale.name(), "--device", &setup.device]);
    command.arg("--results").arg(&setup.results).arg("--limit-s").arg(setup.limit.as_secs().max(1).to_string());
    if let Some(kit) = &setup.kit {
        command.arg("--kit").arg(kit);
    }
    if trial == Trial::Kernels {
        command.envs(DRIVER_CACHES);
    }
    // A trial starts renders in processes of its own, which end with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
}

/// Waits until a process ends, or has to be ended.
fn wait(child: &mut Child, limit: Duration, is_cancelled: &dyn Fn() -> bool) -> std::io::Result<Ended> {
    let begun = Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::Over(status));
        }
        match () {
            () if is_cancelled() => break Ended::Cancelled,
            () if begun.elapsed() > limit => break Ended::TooLate,
            () => std::thread::sleep(LOOK_EVERY),
        }
    };
    kill(child);
    // A process that is stuck in its driver cannot even be killed: the others continue without it.
    let killed = Instant::now();
    while child.try_wait()?.is_none() && killed.elapsed() < DYING {
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(ended)
}

/// Ends a process and its children. One that has just ended cannot be killed.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
}

/// The last line that a process printed.
fn last_line(said: &Path) -> String {
    let text = std::fs::read_to_string(said).unwrap_or_default();
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .map_or_else(String::new, |line| format!(": {}", line.trim()))
}

/// Time limit for all trials of a scale together.
pub fn limit(scale: Scale) -> Duration {
    Duration::from_secs(scale.pick(20, 8 * 60 + 30, 8 * 60 + 30))
}
