//! A process that renders, timed from outside.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::machine;

/// Runs that are shorter are not judged by what else the machine did.
const JUDGED_MIN_S: f64 = 0.5;
/// How often a running process is looked at.
const LOOK: Duration = Duration::from_millis(4);

/// A process that has ended well, and what it said.
#[derive(Clone, Debug)]
pub struct Timed<T = Told> {
    /// Wall-clock seconds from its start to its end.
    pub wall_s: f64,
    /// The most memory that it held, MiB; `None` where the system does not say.
    pub peak_mib: Option<f64>,
    /// The fraction of the machine that other processes took meanwhile, 0 to 1; `None` where the system does not say,
    /// and for less than half a second.
    pub foreign_load: Option<f64>,
    /// What it said of itself.
    pub told: T,
}

/// What a renderer says at its end: the last line of its standard output, or all of it, as JSON. `packshot render
/// --json` and peers agree on these members.
#[derive(Clone, Debug, Deserialize)]
pub struct Told {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Samples per pixel.
    pub samples_mean: f64,
    /// Where the time went.
    pub seconds: ToldSeconds,
    /// The same request again in the same process.
    #[serde(default)]
    pub warm: Vec<ToldSeconds>,
    /// What the renderer cannot follow.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Wall-clock seconds of stages.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToldSeconds {
    /// Reading the product, or the scene.
    pub import: f64,
    /// Acceleration structures and what else comes before sampling.
    #[serde(alias = "build")]
    pub prepare: f64,
    /// Sampling alone.
    pub render: f64,
    /// Processor time of all threads during sampling.
    pub render_cpu: Option<f64>,
    /// From the start of the process, or of the repetition, to the last byte.
    pub total: f64,
}

/// A process that has ended, whether well or not.
struct Ended {
    status: ExitStatus,
    out: String,
    err: String,
    wall_s: f64,
    peak_mib: Option<f64>,
}

/// Runs a process to its end, and reads what it says of itself.
///
/// # Errors
/// Why there are no figures, in one line: it cannot be started, it failed, it said nothing, it took longer than
/// `limit`, or `is_cancelled`.
pub fn run<T: DeserializeOwned>(
    command: &mut Command,
    limit: Duration,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Timed<T>, String> {
    let name = name(command);
    let (busy_before, used_before) = (machine::busy(), children_s());
    let Ended { status, out, err, wall_s, peak_mib } = to_end(command, limit, is_cancelled)?;
    if !status.success() {
        let first = err.lines().find(|line| line.starts_with("error")).unwrap_or_else(|| told_last(&err));
        return Err(format!("{status}: {}", first.trim()));
    }
    let told = serde_json::from_str(out.trim()).or_else(|_| serde_json::from_str(last_line(&out).unwrap_or_default()));
    let told = told.map_err(|reason| format!("{name} printed no result: {reason}"))?;
    let foreign = || {
        // The system counts in hundredths of a second: it says nothing about a moment.
        let ((busy, processors), used) = (machine::busy()?, children_s()? - used_before?);
        (wall_s >= JUDGED_MIN_S).then_some(())?;
        Some(((busy - busy_before?.0 - used) / wall_s / processors as f64).clamp(0.0, 1.0))
    };
    Ok(Timed { wall_s, peak_mib, foreign_load: foreign(), told })
}

/// Asks a process something that it answers by its last line of standard output.
///
/// # Errors
/// Its exit code, if it had one, and the last line of its errors.
pub(crate) fn ask(
    command: &mut Command,
    limit: Duration,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<String, (Option<i32>, String)> {
    let ended = to_end(command, limit, is_cancelled).map_err(|why| (None, why))?;
    match last_line(&ended.out) {
        Some(answer) if ended.status.success() => Ok(answer.to_owned()),
        _ => Err((ended.status.code(), told_last(&ended.err).to_owned())),
    }
}

fn name(command: &Command) -> String {
    Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The last line that is not empty.
fn last_line(text: &str) -> Option<&str> {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty())
}

/// What a process said last of what went wrong.
fn told_last(err: &str) -> &str {
    last_line(err).unwrap_or("it said nothing")
}

fn to_end(command: &mut Command, limit: Duration, is_cancelled: &dyn Fn() -> bool) -> Result<Ended, String> {
    let name = name(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // What it starts itself ends with it, and a Ctrl-C comes to this process alone, which then stops it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let begun = Instant::now();
    let mut child = command.spawn().map_err(|reason| format!("{name} cannot be started: {reason}"))?;
    let (out, err) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_mib = None;
    let status = loop {
        // The system keeps the highest value, but forgets it with the process.
        peak_mib = peak_resident_mib(&status_file).or(peak_mib);
        if let Some(status) = child.try_wait().map_err(|reason| reason.to_string())? {
            break status;
        }
        let is_late = begun.elapsed() > limit;
        if is_late || is_cancelled() {
            stop(&mut child);
            return Err(if is_late {
                format!("{name} was stopped after {} s", limit.as_secs())
            } else {
                "cancelled".to_owned()
            });
        }
        thread::sleep(LOOK);
    };
    let wall_s = begun.elapsed().as_secs_f64();
    // What it has left behind would keep the pipes open.
    #[cfg(unix)]
    stop_group(&child);
    Ok(Ended { status, out: text(out), err: text(err), wall_s, peak_mib })
}

/// Ends a process and what it has started.
fn stop(child: &mut Child) {
    #[cfg(unix)]
    stop_group(child);
    // On Unix it has just been told; elsewhere this is all that can be done.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(unix)]
fn stop_group(child: &Child) {
    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;
    // Nobody may be left in it.
    let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
}

fn peak_resident_mib(status: &str) -> Option<f64> {
    let told = std::fs::read_to_string(status).ok()?;
    let kib = told.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB");
    Some(kib.parse::<f64>().ok()? / 1024.0)
}

/// Reads a pipe to its end on a thread of its own: a process that fills one would wait for ever.
fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is what there is.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn text(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
}

/// Processor seconds of all children that have ended.
#[cfg(unix)]
fn children_s() -> Option<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    Some((usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6)
}

#[cfg(not(unix))]
fn children_s() -> Option<f64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    const RESULT: &str =
        r#"{"width":4,"height":2,"samples_mean":3.0,"seconds":{"build":0.5,"render":1.5,"total":2.5}}"#;

    #[test]
    fn the_last_line_is_the_result() {
        let timed =
            run::<Told>(&mut shell(&format!("echo hello; echo '{RESULT}'")), Duration::from_secs(60), &|| false);
        let told = timed.expect("a result").told;
        assert_eq!((told.width, told.height, told.samples_mean), (4, 2, 3.0));
        assert_eq!((told.seconds.prepare, told.seconds.render, told.warm.len()), (0.5, 1.5, 0));
    }

    #[test]
    fn what_goes_wrong_is_told_in_a_line() {
        let told = |script: &str| run::<Told>(&mut shell(script), Duration::from_secs(60), &|| false).map(drop);
        assert_eq!(
            told("echo 'error[a.b]: first' >&2; echo later >&2; exit 3"),
            Err("exit status: 3: error[a.b]: first".to_owned())
        );
        assert_eq!(told("echo 'cycles: no scene' >&2; exit 2"), Err("exit status: 2: cycles: no scene".to_owned()));
        assert_eq!(told("exit 1"), Err("exit status: 1: it said nothing".to_owned()));
        assert!(told("echo nothing of use").is_err_and(|why| why.starts_with("sh printed no result")));
        assert_eq!(ask(&mut shell("echo one; echo two"), Duration::from_secs(60), &|| false), Ok("two".to_owned()));
        assert_eq!(
            ask(&mut shell("echo why >&2; exit 3"), Duration::from_secs(60), &|| false),
            Err((Some(3), "why".to_owned()))
        );
    }

    #[test]
    fn a_run_ends_at_its_limit_with_what_it_has_started() {
        let begun = Instant::now();
        let late = run::<Told>(&mut shell("sleep 600 & wait"), Duration::from_millis(200), &|| false).map(drop);
        assert_eq!(late, Err("sh was stopped after 0 s".to_owned()));
        let left = run::<Told>(&mut shell(&format!("sleep 600 & echo '{RESULT}'")), Duration::from_secs(60), &|| false);
        assert!(left.is_ok(), "who leaves something behind that holds the pipes does not keep the benchmark");
        let cancelled = run::<Told>(&mut shell("sleep 600"), Duration::from_secs(600), &|| true).map(drop);
        assert_eq!(cancelled, Err("cancelled".to_owned()));
        assert!(begun.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn much_output_fills_no_pipe() {
        let script = format!("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo '{RESULT}'");
        assert!(run::<Told>(&mut shell(&script), Duration::from_secs(60), &|| false).is_ok());
    }
}
