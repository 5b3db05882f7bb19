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

#[cfg(unix)]
#[test]
fn ctrl_c_says_which_views_are_kept() {
    use std::process::{Command, Stdio};

    use crate::workplace::Workplace;

    let workplace = Workplace::new();
    let size = ["--width", "32", "--height", "32", "--samples", "4096", "--noise", "0", "--denoise", "off"];
    let args = [&["views", "boxes.glb", "-o", "views/", "--set", "six_view"], &size[..]].concat();
    let mut child = workplace.command(&args).stderr(Stdio::piped()).spawn().expect("starts");
    let n_written = || std::fs::read_dir(workplace.path("views")).map_or(0, Iterator::count);
    while n_written() == 0 {
        assert_eq!(child.try_wait().expect("known"), None, "it ended before its first view");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(signalled.success());
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("finished view is kept") || said.contains("finished views are kept"), "{said}");
}

/// The exit code, without closing stdin first.
#[cfg(unix)]
fn wait(mut child: std::process::Child) -> Option<i32> {
    let _stdin = child.stdin.take();
    child.wait().expect("ends").code()
}
