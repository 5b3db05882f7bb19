//! Places where a test can make a worker or the service fail, in builds with the feature `testing` alone.
//!
//! `PACKSHOT_FAILPOINT=name:action` does the action wherever the name is passed: `kill` ends the process as KILL does,
//! `panic` panics, `pause` never goes on. In every other build a failpoint is nothing.

/// The places: a task was claimed; its files are about to be read; sampling is about to begin; a picture is about to be
/// encoded; its bytes are about to be stored; the end is about to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failpoint {
    Claim,
    Load,
    Render,
    Encode,
    Store,
    Commit,
}

impl Failpoint {
    /// Passes the place.
    #[cfg(not(feature = "testing"))]
    pub(crate) fn pass(self) {}

    /// Passes the place, or does not.
    #[cfg(feature = "testing")]
    pub(crate) fn pass(self) {
        use std::sync::OnceLock;
        static ASKED: OnceLock<String> = OnceLock::new();
        let asked = ASKED.get_or_init(|| std::env::var("PACKSHOT_FAILPOINT").unwrap_or_default());
        let Some((name, action)) = asked.split_once(':') else { return };
        if !name.eq_ignore_ascii_case(&format!("{self:?}")) {
            return;
        }
        match action {
            "kill" => {
                // The signal that nothing can catch; the command of that name sends it everywhere.
                let own = std::process::id().to_string();
                let _ = std::process::Command::new("kill").args(["-KILL", &own]).status();
                std::process::abort();
            }
            "panic" => panic!("failpoint {name}"),
            "pause" => loop {
                std::thread::park();
            },
            _ => {}
        }
    }
}
