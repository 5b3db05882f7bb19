//! What `packshot serve` says in a terminal, which is a pseudo-terminal here, and what it says elsewhere.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use packshot_contract::client::{Client, Submission};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use crate::service::{SOON, Workplace, collect, endless, tiny, until};

/// A service in a terminal; killed when this is dropped.
struct Terminal {
    child: Child,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    /// Starts `packshot serve` with its output on a terminal of its own.
    fn start(place: &Workplace, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pseudo-terminal");
        grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("it can be opened");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = rustix::fs::open(name.as_c_str(), flags, Mode::empty()).expect("it is open");
        let mut command = place.command(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
        command.envs(variables.iter().copied());
        command.stdout(Stdio::from(theirs.try_clone().expect("a copy"))).stderr(Stdio::from(theirs));
        let child = command.spawn().expect("starts");
        // With the command, the last copy of the other end that is not the service's own is closed.
        drop(command);
        Self { child, shown: collect(File::from(ours)) }
    }

    fn lines(&self) -> Vec<String> {
        self.shown.lock().expect("no panic").lines().map(str::to_owned).collect()
    }

    /// Waits until a line shows this, and gives the line.
    async fn line_with(&self, text: &str) -> String {
        let find = || self.lines().into_iter().find(|line| line.contains(text));
        until(&format!("{text} is shown"), SOON, async || find().is_some()).await;
        find().expect("it was there")
    }

    async fn client(&self) -> Client {
        let line = self.line_with(" after its start)").await;
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
        Client::new(url, None).expect("a client")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn named(name: &str, of: Submission) -> Submission {
    Submission { name: Some(name.to_owned()), ..of }
}

#[tokio::test]
async fn a_terminal_shows_the_address_and_a_line_for_each_job() {
    let place = Workplace::new();
    let terminal = Terminal::start(&place, &["--device", "cpu"], &[]);
    let client = terminal.client().await;
    let submit = async |submission: Submission| client.submit(&submission).await.expect("accepted").id;

    let done = submit(named("bearing.glb", tiny())).await;
    terminal.line_with(&format!("{done} bearing.glb: still completed after ")).await;
    let cached = submit(tiny()).await;
    terminal.line_with(&format!("{cached}: still completed with the files of an equal request")).await;
    let broken = submit(named("broken.glb", Submission::of_glb(b"glTF\x02\0\0\0".to_vec()))).await;
    terminal.line_with(&format!("{broken} broken.glb: still failed: glb.")).await;
    let running = submit(named("endless.glb", endless(0))).await;
    until("it runs", SOON, async || client.job(running).await.expect("the job").state.to_string() == "running").await;
    let waiting = submit(named("later.glb", endless(1))).await;
    client.cancel(waiting).await.expect("cancelled");
    terminal.line_with(&format!("{waiting} later.glb: still cancelled while it waited")).await;
    client.cancel(running).await.expect("cancelled");
    terminal.line_with(&format!("{running} endless.glb: still cancelled after ")).await;

    let lines = terminal.lines();
    let data = format!("data in {}", place.data().display());
    assert!(lines[0].starts_with("Packshot is ready: http://127.0.0.1:") && lines[0].ends_with(&data), "{lines:#?}");
    assert_eq!(lines.len(), 6, "nothing else is said: {lines:#?}");

    let sent = Command::new("kill").args(["-INT", &terminal.child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    terminal.line_with("stopping").await;
    terminal.line_with("stopped").await;
}

#[tokio::test]
async fn r51_r52_a_terminal_shows_the_device_once() {
    for workers in ["inline", "process"] {
        let place = Workplace::new();
        let terminal = Terminal::start(&place, &["--device", "auto", "--workers", workers], &[]);
        let id = terminal.client().await.submit(&tiny()).await.expect("accepted").id;
        terminal.line_with("[GPU_PROBE]").await;
        terminal.line_with(&format!("{id}: still completed")).await;
        let lines = terminal.lines();
        assert_eq!(lines.iter().filter(|line| line.contains("[GPU_PROBE]")).count(), 1, "{workers}: {lines:#?}");
    }
}

#[tokio::test]
async fn a_terminal_shows_all_that_is_asked_for() {
    for is_by_option in [true, false] {
        let place = Workplace::new();
        let terminal = match is_by_option {
            true => Terminal::start(&place, &["-v"], &[]),
            false => Terminal::start(&place, &[], &[("RUST_LOG", "packshot=info")]),
        };
        terminal.client().await.submit(&named("bearing.glb", tiny())).await.expect("accepted");
        let last = terminal.line_with("completed after").await;
        assert!(last.contains("INFO") && last.contains("bearing.glb"), "{last}");
        terminal.line_with("[RENDER_STILL]").await;
        terminal.line_with("answered").await;
    }
    let place = Workplace::new();
    let terminal = Terminal::start(&place, &["--log-format", "json"], &[]);
    terminal.client().await.submit(&named("bearing.glb", tiny())).await.expect("accepted");
    let last: Value = serde_json::from_str(&terminal.line_with("completed after").await).expect("JSON");
    assert_eq!((&last["level"], &last["input_name"]), (&"INFO".into(), &"bearing.glb".into()), "{last}");
}

#[tokio::test]
async fn what_collects_logs_gets_lines_with_levels_and_every_step() {
    let place = Workplace::new();
    let service = place.start();
    service.client().submit(&named("bearing.glb", tiny())).await.expect("accepted");
    let broken = named("broken.glb", Submission::of_glb(b"glTF\x02\0\0\0".to_vec()));
    service.client().submit(&broken).await.expect("accepted");
    until("both have ended", SOON, async || {
        let log = service.log();
        log.contains("completed after") && log.contains("failed: glb.")
    })
    .await;
    let log = service.log();
    let line = |text: &str| log.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("{text} in\n{log}"));
    assert!(line("completed after").contains(" INFO ") && line("completed after").contains("bearing.glb"), "{log}");
    assert!(line("failed: glb.").contains(" WARN ") && line("failed: glb.").contains("broken.glb"), "{log}");
    assert!(line("[RENDER_STILL]").contains(" INFO "), "{log}");
}
