//! Places where a test can make a worker or the service fail, in builds with the feature `testing` alone.
//!
//! `PACKSHOT_FAILPOINT=name:action` does the action wherever the name is passed: `kill` ends the process as KILL does,
//! `panic` panics, `wait` waits for half a second, `pause` never goes on. `name:action:3` does it the third time alone.
//! In every other build a failpoint is nothing.

/// The places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failpoint {
    /// Lines of an order are about to be dispatched, some of them in one transaction.
    Dispatch,
    /// They were.
    Dispatched,
    /// A task was claimed.
    Claim,
    /// The first report of an attempt is about to be written.
    Begin,
    /// It was.
    Began,
    /// Its files are about to be read.
    Load,
    /// Sampling is about to begin.
    Render,
    /// A picture is about to be encoded.
    Encode,
    /// Its bytes are about to be stored.
    Store,
    /// The end is about to be committed.
    Commit,
    /// It was.
    Ended,
    /// The pictures of a shadow run are about to be compared.
    Compare,
    /// The verdict is kept.
    Compared,
}

impl Failpoint {
    /// Passes the place.
    #[cfg(not(feature = "testing"))]
    pub fn pass(self) {}

    /// Passes the place, or does not.
    #[cfg(feature = "testing")]
    pub fn pass(self) {
        use std::sync::OnceLock;
        use std::sync::atomic::{AtomicU32, Ordering};
        static PASSED: AtomicU32 = AtomicU32::new(0);
        static ASKED: OnceLock<String> = OnceLock::new();
        let asked = ASKED.get_or_init(|| std::env::var("PACKSHOT_FAILPOINT").unwrap_or_default());
        let Some((name, action)) = asked.split_once(':') else { return };
        if !name.eq_ignore_ascii_case(&format!("{self:?}")) {
            return;
        }
        let (action, only) = action.split_once(':').map_or((action, None), |(action, n)| (action, n.parse().ok()));
        let n = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
        if only.is_some_and(|only: u32| only != n) {
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
            "wait" => std::thread::sleep(std::time::Duration::from_millis(500)),
            "pause" => loop {
                std::thread::park();
            },
            _ => {}
        }
    }
}
