//! A converter of CAD files that does as it is told, and a service that has it.
//!
//! The supervisor of programs is this test program again: its test [`supervisor`] serves a pipe when the environment
//! says so. The harness prints to standard output, so the pipe is moved to another descriptor first.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use packshot_db::Db;
use packshot_db::testing::TestDatabase;
use packshot_service::config::Settings;
use packshot_service::jobs::handler::Handlers;
use packshot_service::products::conversions::ConversionHandler;
use packshot_service::store::Store;
use packshot_worker::command::Launcher;
use packshot_worker::command::supervisor;
use packshot_worker::live::Live;
use tempfile::TempDir;

use crate::app::{Installation, poll};

const IS_SUPERVISOR: &str = "PACKSHOT_TEST_IS_SUPERVISOR";

/// A STEP file, as far as anything but a converter looks at it.
pub(crate) const STEP: &[u8] = b"ISO-10303-21;\nHEADER;\nENDSEC;\nEND-ISO-10303-21;\n";

/// What it does is in the file `mode` of the folder that is its first argument. Its line in `jobs` comes last: whoever
/// finds it may change the mode, which has been read, and finds its process in `pids`.
const SCRIPT: &str = r#"
place="$1"
job=$(cat)
mode=$(cat "$place/mode")
echo $$ >> "$place/pids"
printf '%s\n' "$job" >> "$place/jobs"
out=$(printf '%s' "$job" | sed 's/.*"output_path":"\([^"]*\)".*/\1/')
case "$mode" in
    good) cp "$place/good.glb" "$out" ;;
    held)
        until [ -e "$place/go" ]; do sleep 0.05; done
        cp "$place/good.glb" "$out" ;;
    broken | held-broken)
        until [ "$mode" = broken ] || [ -e "$place/go" ]; do sleep 0.05; done
        echo "no solid in the file" >&2
        exit 3 ;;
    garbage) echo "no GLB" > "$out" ;;
    nothing) ;;
    crashing) kill -ABRT $$ ;;
    ended)
        # From outside, and only the first time.
        printf good > "$place/mode"
        kill -TERM $$
        sleep 5 ;;
    stubborn)
        sh -c 'trap "" TERM; echo $$ >> "$0/pids"; while :; do sleep 0.2; done' "$place" &
        trap "" TERM
        wait ;;
esac
"#;

#[test]
fn supervisor() {
    if std::env::var_os(IS_SUPERVISOR).is_none() {
        return;
    }
    let pipe = std::fs::File::options().write(true).open("/dev/fd/3").expect("the pipe");
    let served = supervisor::run(std::io::BufReader::new(std::io::stdin()), pipe);
    std::process::exit(i32::from(served.is_err()));
}

/// What starts programs.
pub(crate) fn launcher() -> Launcher {
    let program = std::env::current_exe().expect("this program");
    let script = format!("{IS_SUPERVISOR}=1 exec \"$0\" converter::supervisor --exact --nocapture 3>&1 >/dev/null");
    Launcher::new("/bin/sh".into(), vec!["-c".into(), script.into(), program.into()])
}

/// These handlers, and those of conversions.
pub(crate) fn add_to(
    handlers: Handlers,
    (db, store, settings): (&Db, &Store, &Arc<Settings>),
    time_max: Duration,
) -> Handlers {
    let (db, store, settings, launcher) = (db.clone(), store.clone(), settings.clone(), launcher());
    ConversionHandler { db, store, settings, launcher, time_max, reading: Live::default() }.add_to(handlers)
}

/// A converter with its folder.
pub(crate) struct Converter {
    place: TempDir,
}

impl Converter {
    /// One that makes this GLB of every file.
    pub(crate) fn making(glb: &[u8]) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        std::fs::write(place.path().join("convert.sh"), SCRIPT).expect("written");
        let converter = Self { place };
        converter.makes(glb);
        converter.does("good");
        converter
    }

    /// From now on it makes another one.
    pub(crate) fn makes(&self, glb: &[u8]) {
        std::fs::write(self.path("good.glb"), glb).expect("written");
    }

    /// From now on it does something else. It reads the old word or the new one, never an empty file.
    pub(crate) fn does(&self, mode: &str) {
        std::fs::write(self.path("mode.new"), mode).expect("written");
        std::fs::rename(self.path("mode.new"), self.path("mode")).expect("renamed");
    }

    /// Lets those go that are held.
    pub(crate) fn let_go(&self) {
        std::fs::write(self.path("go"), "").expect("written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The jobs that it got, as JSON.
    pub(crate) fn jobs(&self) -> Vec<serde_json::Value> {
        self.lines("jobs").iter().map(|job| serde_json::from_str(job).expect("JSON")).collect()
    }

    /// Waits until it has begun so many times.
    pub(crate) async fn begun(&self, n: usize) {
        poll(async || self.lines("jobs").len().into(), |begun| begun.as_u64() >= Some(n as u64)).await;
    }

    /// Waits until none of its processes is left.
    pub(crate) async fn is_gone(&self) {
        let alive = |pid: &String| Path::new("/proc").join(pid).exists();
        poll(async || self.lines("pids").iter().filter(|pid| alive(pid)).count().into(), |n| *n == 0).await;
    }

    /// An installation that has it.
    pub(crate) async fn installed(&self, engine: &TestDatabase) -> Installation {
        let mut installation = Installation::new(engine, &[]).await;
        self.install(&mut installation);
        installation
    }

    /// Gives an installation this converter, from its next start on.
    pub(crate) fn install(&self, installation: &mut Installation) {
        let (script, place) = (self.path("convert.sh"), self.place.path());
        let text = format!("cad_converter = [\"/bin/sh\", \"{}\", \"{}\"]\n", script.display(), place.display());
        installation.file = Some((self.path("packshot.toml"), text));
    }
}

/// A time limit that ends within a test.
pub(crate) const SHORT: Duration = Duration::from_secs(3);
