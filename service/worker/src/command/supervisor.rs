//! The supervisor of a program: a process that starts it, and ends it when the service that asked for it is gone.

use std::io::{self, BufRead, Write};

/// Supervises one program: which one is the first line of `input`. What became of it goes to `output`. Whatever it
/// leaves in its process group ends with it, and all of it ends when `input` does.
///
/// # Errors
///
/// When the pipes carry something that is not a message, or the system refuses to wait.
#[cfg(unix)]
pub fn run(input: impl BufRead + Send + 'static, output: impl Write) -> io::Result<()> {
    unix::run(input, output)
}

/// Programs are run on Unix alone: elsewhere there are no process groups.
///
/// # Errors
///
/// When the pipe breaks.
#[cfg(not(unix))]
pub fn run(_input: impl BufRead + Send + 'static, mut output: impl Write) -> io::Result<()> {
    let reason = "programs are run on Unix alone".to_owned();
    let line = serde_json::to_string(&super::Said::NotStarted { reason, is_passing: false })?;
    writeln!(output, "{line}")
}

/// Kills a process group.
#[cfg(unix)]
pub(super) fn kill_group(leader: u32) {
    unix::signal(leader, rustix::process::Signal::KILL);
}

/// There are none.
#[cfg(not(unix))]
pub(super) fn kill_group(_leader: u32) {}

#[cfg(unix)]
mod unix {
    use std::io::{self, BufRead, Write};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command, Stdio};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::thread;
    use std::time::Duration;

    use rustix::io::Errno;
    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

    use crate::command::{PRIVATE, Program, STOP, Said};

    /// How long a program that was asked to stop has before it is killed.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// The system has no process, memory or file for it now.
    const PASSING: [Errno; 4] = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE];

    /// The leader of the program's group, until that has ended: then its number may be another's.
    type Group = Arc<Mutex<Option<u32>>>;

    pub(super) fn run(mut input: impl BufRead + Send + 'static, mut output: impl Write) -> io::Result<()> {
        let mut line = String::new();
        input.read_line(&mut line)?;
        let program: Program = serde_json::from_str(&line)?;
        let mut child = match start(&program) {
            Ok(child) => child,
            Err(reason) => {
                let is_passing =
                    reason.raw_os_error().is_some_and(|code| PASSING.contains(&Errno::from_raw_os_error(code)));
                return say(&mut output, &Said::NotStarted { reason: reason.to_string(), is_passing });
            }
        };
        let pid = child.id();
        let group: Group = Arc::new(Mutex::new(Some(pid)));
        // The pipe to the service may be closed already: then the thread below ends the program.
        drop(say(&mut output, &Said::Started { pid }));
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read must not keep this waiting, and one that ends early is no error here.
            thread::spawn(move || drop(stdin.write_all(program.input.as_bytes())));
        }
        let watched = Arc::clone(&group);
        thread::spawn(move || watch(input, &watched));
        let status = wait(&mut child, &group)?;
        say(&mut output, &Said::Ended { code: status.code(), signal: status.signal() })
    }

    fn start(program: &Program) -> io::Result<Child> {
        let Program { command, folder, .. } = program;
        let [name, arguments @ ..] = &command[..] else { return Err(io::Error::other("there is no program")) };
        let mut command = Command::new(name);
        command.args(arguments).current_dir(folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::inherit());
        for (name, _) in std::env::vars_os() {
            if PRIVATE.iter().any(|private| name.to_string_lossy().starts_with(private)) {
                command.env_remove(name);
            }
        }
        command.spawn()
    }

    fn say(output: &mut impl Write, said: &Said) -> io::Result<()> {
        writeln!(output, "{}", serde_json::to_string(said)?)?;
        output.flush()
    }

    /// Waits for the program, and ends what it has left behind before its number is free.
    fn wait(child: &mut Child, group: &Group) -> io::Result<std::process::ExitStatus> {
        let leader = pid(child.id())?;
        loop {
            match waitid(WaitId::Pid(leader), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                Err(Errno::INTR) => {}
                ended => {
                    ended?;
                    break;
                }
            }
        }
        let mut group = group.lock().unwrap_or_else(PoisonError::into_inner);
        signal(child.id(), Signal::KILL);
        *group = None;
        child.wait()
    }

    /// Does what the service says, and ends the program at once when that is gone.
    fn watch(mut input: impl BufRead, group: &Group) {
        let mut line = String::new();
        let mut is_stopping = false;
        while input.read_line(&mut line).is_ok_and(|n| n > 0) {
            if line.trim_end() == STOP && !is_stopping {
                is_stopping = true;
                tell(group, Signal::TERM);
                let group = Arc::clone(group);
                thread::spawn(move || {
                    thread::sleep(PATIENCE);
                    tell(&group, Signal::KILL);
                });
            }
            line.clear();
        }
        tell(group, Signal::KILL);
    }

    fn tell(group: &Group, what: Signal) {
        // Held, so that the number stays the program's.
        if let Some(leader) = *group.lock().unwrap_or_else(PoisonError::into_inner) {
            signal(leader, what);
        }
    }

    pub(super) fn signal(leader: u32, what: Signal) {
        // What is gone need not be ended.
        if let Ok(leader) = pid(leader) {
            _ = kill_process_group(leader, what);
        }
    }

    fn pid(number: u32) -> io::Result<Pid> {
        let known = i32::try_from(number).ok().and_then(Pid::from_raw);
        known.ok_or_else(|| io::Error::other("there is no such process"))
    }
}
