//! The GPU kit, made and run as on a machine with a GPU: in an empty home, without a display, without a network, from
//! another folder. Mesa's software driver replaces the GPU, and must be installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// What a shell needs and nothing else.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program without any of the caller's settings.
fn bare(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", PATH).env("HOME", home).current_dir(home);
    command
}

/// The same without a network, which root takes away, and where the system lets them, other users too.
fn offline(program: &Path, home: &Path) -> Command {
    let ways: [&[&str]; 2] = [&["--net"], &["--map-root-user", "--net"]];
    let works = |way: &[&str]| {
        Command::new("unshare").args(way).arg("true").output().is_ok_and(|output| output.status.success())
    };
    let Some(way) = ways.into_iter().find(|way| works(way)) else {
        println!("skipped: this user may not take the network away");
        return bare(program, home);
    };
    let mut command = bare(Path::new("unshare"), home);
    command.args(way).arg(program);
    command
}

fn packshot() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_packshot"))
}

#[track_caller]
fn done(output: &Output) {
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
}

/// The trials of the kit that take a software driver little time, and that a test here does not do by itself.
/// PACKSHOT_EVERY_TRIAL asks for all, as `scripts/soak 1 kit` does.
const FEW: [&str; 7] = ["adapters", "furnace", "determinism", "recovery", "resident", "memory", "endurance"];

#[test]
fn the_kit_passes_on_the_software_driver() {
    let folder = tempfile::tempdir().expect("a folder");
    let [kit, home, results] = ["kit", "home", "results"].map(|name| folder.path().join(name));
    std::fs::create_dir(&home).expect("made");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/gpu-kit");
    let made = Command::new(script).arg(&kit).arg("--program").arg(packshot()).args(["--scale", "reduced"]).output();
    done(&made.expect("the script starts"));

    let mut run = offline(&kit.join("run"), &home);
    run.arg(&results).args(["--device", "llvmpipe", "--scale", "reduced"]);
    let n_trials = if std::env::var_os("PACKSHOT_EVERY_TRIAL").is_some() {
        packshot_kit::Trial::ALL.len()
    } else {
        run.args(["--only", &FEW.join(",")]);
        FEW.len()
    };
    let output = run.output().expect("it starts");
    done(&output);
    let report = std::fs::read(results.join("report.json")).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    let trials = report["trials"].as_array().expect("a list");
    assert_eq!(trials.len(), n_trials);
    for trial in trials {
        assert_eq!(trial["state"], "passed", "{trial:#}");
        assert!(!trial["checks"].as_array().expect("a list").is_empty(), "{trial:#}");
        for picture in trial["pictures"].as_array().expect("a list") {
            let path = results.join(picture.as_str().expect("a path"));
            let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(bytes.starts_with(b"\x89PNG"), "{picture}");
        }
    }
    let table = std::fs::read_to_string(results.join("report.md")).expect("a table");
    assert_eq!(table.lines().filter(|line| line.contains("| passed |")).count(), n_trials, "{table}");
    assert!(report["adapter"].as_str().is_some_and(|adapter| adapter.contains("llvmpipe")), "{}", report["adapter"]);
    assert!(results.join("results.tar.gz").exists());
    let hidden = std::fs::read_dir(&results).expect("there").flatten().map(|entry| entry.file_name());
    let hidden: Vec<_> = hidden.filter(|name| name.to_string_lossy().starts_with('.')).collect();
    assert_eq!(hidden, [".packshot-kit"], "no unpacked file stays");

    // A typing error, and an unrelated folder: nothing is lost.
    let refused = |results: &Path, args: &[&str]| {
        let output = bare(&kit.join("run"), &home).arg(results).args(args).output().expect("it starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, stderr) = refused(&results, &["--scale", "huge"]);
    assert_eq!((code, results.join("report.md").exists()), (Some(2), true), "{stderr}");
    let own = folder.path().join("own");
    std::fs::create_dir_all(own.join("pictures")).expect("made");
    let (code, stderr) = refused(&own, &["--only", "adapters"]);
    assert_eq!((code, own.join("pictures").exists()), (Some(6), true), "{stderr}");
    assert!(
        stderr.starts_with("error: ") && stderr.contains("is not empty") && stderr.contains("\n  help: "),
        "{stderr}"
    );
    std::fs::write(kit.join("content.tar.gz"), b"cut off").expect("a file of ours");
    let (code, stderr) = refused(&folder.path().join("new"), &[]);
    assert_eq!((code, stderr.contains("missing or damaged")), (Some(6), true), "{stderr}");
    let left: Vec<_> = std::fs::read_dir(&home).expect("there").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_self_test_of_a_device_passes_and_is_told_as_json() {
    let home = tempfile::tempdir().expect("a folder");
    let results = home.path().join("results");
    let mut command = bare(&packshot(), home.path());
    command.args(["devices", "--self-test", "--json", "--device", "LLVMPIPE", "--results"]).arg(&results);
    let output = command.output().expect("it starts");
    done(&output);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
    let trials = report["trials"].as_array().expect("a list");
    let names: Vec<&str> = trials.iter().filter_map(|trial| trial["trial"].as_str()).collect();
    assert_eq!(names, ["adapters", "bearing", "furnace", "cancel", "rays"]);
    assert!(trials.iter().all(|trial| trial["state"] == "passed"), "{report:#}");
    assert!(results.join("pictures/bearing-expected-actual-flip.png").exists());
}

#[test]
fn without_a_gpu_there_is_nothing_to_test() {
    let home = tempfile::tempdir().expect("a folder");
    let mut command = bare(&packshot(), home.path());
    command.envs([("VK_DRIVER_FILES", "/nonexistent.json"), ("VK_ICD_FILENAMES", "/nonexistent.json")]);
    let output = command.args(["devices", "--self-test"]).output().expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{stderr}");
    assert!(
        stderr.starts_with("error[device.unavailable]: there is no GPU to test: no GPU adapter found\n"),
        "{stderr}"
    );
    assert!(stderr.contains("\n  help: "), "{stderr}");
}

/// A trial that hangs, one that crashes, and one for which no time is left: each is reported, and the others continue.
#[cfg(unix)]
#[test]
fn trials_that_hang_or_crash_end_alone() {
    use std::cell::Cell;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};

    use packshot_kit::report::State;
    use packshot_kit::supervise::{self, Watch};
    use packshot_kit::{Scale, Setup, Trial};

    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("program");
    // Of no other run of this test, which may have been killed.
    let sleep = format!("sleep 654.{}", std::process::id());
    let script = "#!/bin/sh\ncase $3 in\n\
        cancel) SLEEP & wait;;\n\
        speed) echo 'a driver speaks' >&2; kill -SEGV $$;;\n\
        *) exec \"$PACKSHOT\" \"$@\";;\nesac\n";
    let script = script.replace("SLEEP", &sleep).replace("$PACKSHOT", &packshot().display().to_string());
    std::fs::write(&program, script).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a file of ours");
    let setup = Setup {
        program,
        kit: None,
        results: folder.path().join("results"),
        device: "llvmpipe".to_owned(),
        adapter: None,
        scale: Scale::Reduced,
        limit: Duration::ZERO,
        cache: None,
    };
    let begun = Instant::now();
    let trials = [Trial::Speed, Trial::Adapters, Trial::Cancel, Trial::Rays];
    let watch = Watch { begun: &|_, _| (), told: &|_| (), is_cancelled: &|| false };
    let report = supervise::run(&setup, &trials, Duration::from_secs(8), &watch).expect("written");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let states: Vec<State> = report.trials.iter().map(|trial| trial.state).collect();
    assert_eq!(states, [State::Crashed, State::Passed, State::NotRun, State::NotRun], "{}", report.markdown());
    assert_eq!(report.failed(), ["speed"], "a trial that had too little time did not fail");
    let fault = report.trials[0].fault.as_deref().expect("a reason");
    assert!(fault.contains("a driver speaks"), "{fault}");
    let sleeping = Command::new("pgrep").args(["-f", &format!("^{sleep}$")]).output().expect("pgrep is there");
    assert!(!sleeping.status.success(), "a trial's child processes end with it");
    let is_cancelled = Cell::new(false);
    let told = |_: &packshot_kit::TrialReport| is_cancelled.set(true);
    let watch = Watch { begun: &|_, _| (), told: &told, is_cancelled: &|| is_cancelled.get() };
    let report = supervise::run(&setup, &[Trial::Adapters, Trial::Cancel], Duration::from_secs(60), &watch);
    let states: Vec<State> = report.expect("written").trials.iter().map(|trial| trial.state).collect();
    assert_eq!(states, [State::Passed, State::NotRun], "cancelled after the first");
}
