//! A program that renders as it is told, and a service that has it.

use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use packshot_db::testing::TestDatabase;
use serde_json::Value;
use tempfile::TempDir;

use crate::app::{Installation, TestApp, poll};
use crate::workflows::Shop;

/// What it does is in the file `mode` of the folder that is its first argument. Its line in `jobs` comes last: whoever
/// finds it may change the mode, which has been read, and finds its process in `pids`. The files of its job are kept.
const SCRIPT: &str = r#"
place="$1"
job=$(cat)
mode=$(cat "$place/mode")
member() { printf '%s' "$job" | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
echo $$ >> "$place/pids"
name=$(member job_id)
mkdir -p "$place/got/$name"
cp "$(member glb_path)" "$place/got/$name/glb"
cp "$(member source_path)" "$place/got/$name/source"
mkdir "$place/at_work.$$"
ls -d "$place"/at_work.* | wc -l >> "$place/at_once"
printf '%s\n' "$job" >> "$place/jobs"
out=$(member output_path)
case "$mode" in
    good) cp "$place/picture.png" "$out" ;;
    held)
        until [ -e "$place/go" ]; do sleep 0.05; done
        cp "$place/picture.png" "$out" ;;
    broken)
        echo boom >&2
        exit 3 ;;
    garbage) echo "no picture" > "$out" ;;
    nothing) ;;
    stubborn)
        sh -c 'trap "" TERM; echo $$ >> "$0/pids"; while :; do sleep 0.2; done' "$place" &
        trap "" TERM
        wait ;;
esac
rmdir "$place/at_work.$$"
"#;

/// A program with its folder.
pub(crate) struct Script {
    place: TempDir,
}

impl Script {
    /// One that makes the same picture of everything.
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        std::fs::write(place.path().join("render.sh"), SCRIPT).expect("written");
        let picture = RgbaImage::from_pixel(16, 16, Rgba([10, 120, 200, 255]));
        DynamicImage::from(picture)
            .save_with_format(place.path().join("picture.png"), ImageFormat::Png)
            .expect("saved");
        let script = Self { place };
        script.does("good");
        script
    }

    /// The picture that it makes.
    pub(crate) fn picture(&self) -> Vec<u8> {
        std::fs::read(self.path("picture.png")).expect("a picture")
    }

    /// A service whose lines it renders, where their output types and their tenant say nothing else.
    pub(crate) async fn installed(&self, engine: &TestDatabase) -> Installation {
        self.installed_with(engine, "").await
    }

    /// The same, with more members of its definition.
    pub(crate) async fn installed_with(&self, engine: &TestDatabase, more: &str) -> Installation {
        let mut installation = Installation::new(engine, &[]).await;
        let (script, place) = (self.path("render.sh"), self.place.path());
        let text = format!(
            "legacy_executor = \"script\"\n\n[legacy_executors.script]\nkind = \"command\"\n\
             command = [\"/bin/sh\", \"{}\", \"{}\"]\n{more}\n\n\
             [legacy_executors.other]\nkind = \"command\"\ncommand = [\"/bin/false\"]\n",
            script.display(),
            place.display()
        );
        let file = installation.folder_of_settings().join("settings.toml");
        installation.file = Some((file, text));
        installation
    }

    /// Lets the tenant use it.
    pub(crate) async fn allow(&self, app: &TestApp, shop: &Shop<'_>) {
        super::allow(app, shop, true).await;
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

    /// The jobs that it got.
    pub(crate) fn jobs(&self) -> Vec<Value> {
        self.lines("jobs").iter().map(|job| serde_json::from_str(job).expect("JSON")).collect()
    }

    /// The GLB of a job.
    pub(crate) fn glb_of(&self, job: &Value) -> Vec<u8> {
        self.got(job, "glb")
    }

    /// The CAD file of a job.
    pub(crate) fn source_of(&self, job: &Value) -> Vec<u8> {
        self.got(job, "source")
    }

    fn got(&self, job: &Value, file: &str) -> Vec<u8> {
        let name = job["job_id"].as_str().expect("an id");
        std::fs::read(self.path("got").join(name).join(file)).expect("it was kept")
    }

    /// How many of it were at work at once, at most.
    pub(crate) fn most_at_once(&self) -> usize {
        self.lines("at_once").iter().filter_map(|line| line.trim().parse().ok()).max().unwrap_or_default()
    }

    /// Waits until it has begun so many times.
    pub(crate) async fn begun(&self, n: usize) {
        poll(async || self.lines("jobs").len().into(), |begun| begun.as_u64() >= Some(n as u64)).await;
    }

    /// Waits until none of its processes is left.
    pub(crate) async fn is_gone(&self) {
        let alive = |pid: &String| Path::new("/proc").join(pid).exists();
        poll(async || self.lines("pids").iter().any(alive).into(), |any| any == false).await;
    }
}
