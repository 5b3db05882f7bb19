//! Ctrl-C, and what is left after it.

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use crate::workplace::Workplace;

    let workplace = Workplace::new();
    let endless = ["render", "boxes.glb", "-o", "out.png", "--samples", "16777216", "--noise", "0"];
    // While it samples, and while it waits for input that never comes.
    let commands = [&endless[..], &["render", "-", "-o", "out.png"], &["preflight", "-"]];
    let start = |args: &&[&str]| {
        let mut command = workplace.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
    };
    let children: Vec<_> = commands.iter().map(start).collect();
    std::thread::sleep(Duration::from_millis(600));
    for (args, child) in commands.iter().zip(children) {
        let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
        assert!(signalled.success(), "it was still running");
        let begun = Instant::now();
        let stdin_stays_open = child.id();
        let outcome = wait(child);
        assert!(begun.elapsed() < Duration::from_secs(10), "{stdin_stays_open}: {:?}", begun.elapsed());
        assert_eq!(outcome, Some(130), "{args:?}");
        assert_eq!(workplace.files(), ["boxes.glb"]);
    }
}

/// The exit code, without closing stdin first.
#[cfg(unix)]
fn wait(mut child: std::process::Child) -> Option<i32> {
    let _stdin = child.stdin.take();
    child.wait().expect("ends").code()
}
