//! A35: a process is killed while it takes files, finalises packages, or removes what is not needed. What it had
//! acknowledged is there and whole, no row names bytes that are gone, and collection finds the rest.
//!
//! The process is this test program again: its test [`child_process`] works when the environment says so, until it is
//! killed. It says what is done before it goes on.

#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use packshot_db::{DatabaseConfig, PostgresUrls, artifacts};
use packshot_domain::artifact::{PackageStatus, RetentionClass};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::PackageId;
use serde::{Deserialize, Serialize};

use crate::stage::{Stage, TestDatabase, by, bytes};

/// What the child is to do, in the environment of the child.
const ORDER: &str = "PACKSHOT_TEST_ORDER";
/// How often a process is killed in each test.
const KILLS: &str = "PACKSHOT_KILLS";
/// Until when a process that never ends by itself is killed.
const SPAN: Duration = Duration::from_millis(600);
/// How long a process may take until it works.
const PATIENCE: Duration = Duration::from_secs(60);
/// More than anything waits that is not needed.
const TWO_DAYS_MS: i64 = 2 * 24 * 60 * 60 * 1000;
const WRITERS: u32 = 3;
/// Packages that a collection lets go of.
const DOOMED: u32 = 12;

/// What a process does until it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Work {
    /// Takes files.
    Ingest,
    /// Finalises packages.
    Finalize,
    /// Lets go of what is due, and removes what nothing names; then it ends.
    Collect,
}

#[derive(Serialize, Deserialize)]
struct Order {
    work: Work,
    root: PathBuf,
    /// The path of a SQLite file, or the URLs of the three roles of a PostgreSQL database.
    database: Vec<String>,
    moved_ms: i64,
    round: u32,
}

impl Order {
    fn new(work: Work, root: PathBuf, config: &DatabaseConfig) -> Self {
        let database = match config {
            DatabaseConfig::Sqlite { path } => vec![path.to_str().expect("text").to_owned()],
            DatabaseConfig::Postgres { urls: PostgresUrls::Three { app, bypass, owner }, .. } => {
                vec![app.clone(), bypass.clone(), owner.clone()]
            }
            DatabaseConfig::Postgres { urls: PostgresUrls::One(_), .. } => panic!("tests use three roles"),
        };
        Self { work, root, database, moved_ms: 0, round: 0 }
    }

    async fn open(&self) -> Stage {
        let config = match &self.database[..] {
            [path] => DatabaseConfig::Sqlite { path: path.into() },
            [app, bypass, owner] => {
                let urls = PostgresUrls::Three { app: app.clone(), bypass: bypass.clone(), owner: owner.clone() };
                DatabaseConfig::Postgres { urls, max_connections: 5 }
            }
            other => panic!("{} parts", other.len()),
        };
        Stage::open(&config, &self.root, self.moved_ms).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_process() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let order: Order = serde_json::from_str(&order).expect("an order");
    let stage = order.open().await;
    // The harness has begun a line.
    println!("\nready");
    match order.work {
        Work::Ingest => take_files(&stage, order.round).await,
        Work::Finalize => finalise(&stage, order.round).await,
        Work::Collect => {
            stage.collect().await;
            println!("done");
        }
    }
}

async fn take_files(stage: &Stage, round: u32) {
    let writers = (0..WRITERS).map(|writer| async move {
        let id = PackageId::new();
        println!("package {id}");
        stage.create(id, RetentionClass::RawEvidence).await;
        for i in 0..u32::MAX {
            // Every fourth is stored by all at the same moment.
            let of = if i % 4 == 0 { WRITERS } else { writer };
            let bytes = bytes(1 + (i as usize * 7919) % 150_000, [round, of, i]);
            let address = stage.ingest(id, &format!("files/{i}"), &bytes).await;
            println!("kept {id} files/{i} {address}");
        }
    });
    join_all(writers).await;
}

async fn finalise(stage: &Stage, round: u32) {
    let writers = (0..WRITERS).map(|writer| async move {
        for i in 0..u32::MAX {
            let id = PackageId::new();
            println!("package {id}");
            stage.create(id, RetentionClass::RawEvidence).await;
            for (path, of) in [("own", writer), ("shared", WRITERS)] {
                let address = stage.ingest(id, path, &bytes(900, [round, of, i])).await;
                println!("kept {id} {path} {address}");
            }
            let package = artifacts::finalize(&stage.db, stage.scope, by(), id).await.expect("finalised");
            println!("closed {id} {}", package.manifest_digest.expect("a digest"));
        }
    });
    join_all(writers).await;
}

/// What a child said before it was gone.
#[derive(Debug, Default)]
struct Said {
    /// Packages that it was about to create.
    packages: Vec<PackageId>,
    kept: Vec<(PackageId, String, ContentAddress)>,
    closed: BTreeMap<PackageId, ContentAddress>,
    /// Whether it had nothing more to do.
    is_done: bool,
}

impl Said {
    fn hear(&mut self, line: &str) {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["package", id] => self.packages.push(id.parse().expect("an id")),
            ["kept", id, path, address] => {
                let (id, address) = (id.parse().expect("an id"), address.parse().expect("an address"));
                self.kept.push((id, path.to_owned(), address));
            }
            ["closed", id, digest] => {
                self.closed.insert(id.parse().expect("an id"), digest.parse().expect("a digest"));
            }
            ["done"] => self.is_done = true,
            _ => {}
        }
    }
}

/// Lets a child work, and kills it after a while, if it is to be killed; says for how long it worked, too.
fn strike(order: &Order, after: Option<Duration>) -> (Said, Duration) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "kills::child_process", "--nocapture"]).stdin(Stdio::null()).stdout(Stdio::piped());
    command.env(ORDER, serde_json::to_string(order).expect("JSON"));
    let mut child = command.spawn().expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let (sender, heard) = mpsc::channel();
    std::thread::spawn(move || lines.for_each(|line| drop(sender.send(line))));
    while heard.recv_timeout(PATIENCE).expect("it begins to work") != "ready" {}
    let began = Instant::now();
    if let Some(moment) = after {
        std::thread::sleep(moment);
        // It may have ended by itself.
        let _ = child.kill();
    }
    let status = child.wait().expect("it is gone");
    let took = began.elapsed();
    let mut said = Said::default();
    heard.iter().for_each(|line| said.hear(&line));
    assert!(said.is_done || status.code().is_none(), "it ended by itself, with {status}");
    (said, took)
}

/// The moment of a kill: by the golden ratio, so that none is tried twice.
fn moment(span: Duration, round: u32) -> Duration {
    span.mul_f64((f64::from(round) * 0.618_033_988).fract())
}

/// What was acknowledged in one round is there; nothing of what was not is half there.
async fn expect_all(stage: &Stage, said: &Said) {
    let mut found = BTreeMap::new();
    for id in &said.packages {
        if let Some(package) = stage.package(*id).await {
            found.insert(*id, (stage.sound(&package).await, package));
        }
    }
    for (id, path, address) in &said.kept {
        let (paths, _) = found.get(id).unwrap_or_else(|| panic!("{id} has files and is gone"));
        assert_eq!(paths.get(path), Some(address), "{path} of {id} was acknowledged");
    }
    for (id, digest) in &said.closed {
        let (_, package) = found.get(id).unwrap_or_else(|| panic!("{id} was finalised and is gone"));
        assert_eq!((package.status, package.manifest_digest), (PackageStatus::Finalized, Some(*digest)), "{id}");
    }
}

/// Processes that write are killed; then everything is looked at, and collected.
async fn killed_writing(engine: TestDatabase, work: Work) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = engine.fresh(folder.path()).await.expect("a database");
    let mut order = Order::new(work, folder.path().join("store"), &config);
    let n_kills = crate::count(KILLS, 3);
    let (mut kept, mut n_acknowledged) = (BTreeMap::new(), 0);
    for round in 0..n_kills {
        order.round = round;
        // The first moment is not the beginning, so that something was acknowledged.
        let (said, _) = strike(&order, Some(SPAN / 20 + moment(SPAN, round + 1)));
        let stage = order.open().await;
        expect_all(&stage, &said).await;
        for id in &said.packages {
            // Of those that nobody finalises, collection lets go.
            let Some(package) = stage.package(*id).await else { continue };
            if work == Work::Ingest && round % 2 == 0 {
                artifacts::finalize(&stage.db, stage.scope, by(), *id).await.expect("finalised");
            } else if package.status != PackageStatus::Finalized {
                continue;
            }
            kept.insert(*id, stage.sound(&package).await);
        }
        n_acknowledged += said.kept.len() + said.closed.len();
        stage.close().await;
    }
    assert!(n_acknowledged > 0, "something was acknowledged before a kill");

    order.moved_ms += TWO_DAYS_MS;
    let stage = order.open().await;
    stage.expect_no_difference().await;
    stage.all_sound().await;
    let collected = stage.collect().await;
    assert_eq!(collected.expired, 0);
    for (id, paths) in &kept {
        let package = stage.package(*id).await.expect("it was finalised");
        assert_eq!((package.status, &stage.sound(&package).await), (PackageStatus::Finalized, paths), "{id}");
    }
    let named = stage.all_sound().await;
    assert_eq!(named, kept.values().flat_map(BTreeMap::values).copied().collect(), "nothing else is kept");
    assert_eq!(stage.listed().await, named, "all that files name, and nothing else");
    let events = stage.expect_no_difference().await.events;
    println!(
        "{n_kills} kills ({work:?}): {n_acknowledged} acknowledged, {} packages kept, {} abandoned, {} objects \
         collected, {events} events",
        kept.len(),
        collected.abandoned,
        collected.objects
    );
    stage.close().await;
    engine.remove(&config).await.expect("its end");
}

cases! {
    async fn a35_killed_while_files_are_taken(engine) {
        killed_writing(engine, Work::Ingest).await;
    }

    async fn a35_killed_while_packages_are_finalised(engine) {
        killed_writing(engine, Work::Finalize).await;
    }

    async fn a35_killed_while_what_is_not_needed_is_removed(engine) {
        let folder = tempfile::tempdir().expect("a folder");
        let config = engine.fresh(folder.path()).await.expect("a database");
        let mut order = Order::new(Work::Collect, folder.path().join("store"), &config);
        let n_kills = crate::count(KILLS, 3);
        let (mut span, mut n_struck) = (None, 0);
        let mut live = BTreeMap::new();
        // The first process is not killed: it shows how long the others may live.
        for round in 0..=n_kills {
            order.round = round;
            let stage = order.open().await;
            let (id, doomed) = prepare(&stage, round).await;
            let package = stage.package(id).await.expect("it was made");
            live.insert(id, stage.sound(&package).await);
            stage.close().await;

            order.moved_ms += TWO_DAYS_MS;
            let (said, took) = strike(&order, span.map(|span| moment(span, round)));
            span = span.or(Some(took));
            n_struck += u32::from(!said.is_done);

            let stage = order.open().await;
            for id in doomed.iter().chain([&id]) {
                let package = stage.package(*id).await.expect("it was made");
                stage.sound(&package).await;
            }
            stage.expect_no_difference().await;
            stage.collect().await;
            for id in doomed {
                let status = stage.package(id).await.expect("it was made").status;
                assert_eq!(status, PackageStatus::Expired);
            }
            let named: BTreeSet<ContentAddress> = live.values().flat_map(BTreeMap::values).copied().collect();
            assert_eq!(stage.listed().await, named, "all that files name, and nothing else");
            stage.close().await;
        }
        let stage = order.open().await;
        for (id, paths) in &live {
            let package = stage.package(*id).await.expect("it was made");
            assert_eq!(&stage.sound(&package).await, paths, "{id}");
        }
        let events = stage.expect_no_difference().await.events;
        assert!(n_struck > 0, "no process was killed before it was done");
        println!("{n_kills} kills (Collect): {n_struck} before the end, {} packages kept, {events} events", live.len());
        stage.close().await;
        engine.remove(&config).await.expect("its end");
    }
}

/// A package that stays, packages that are due tomorrow, of which some share its bytes, and objects without files.
async fn prepare(stage: &Stage, round: u32) -> (PackageId, Vec<PackageId>) {
    let shared = || bytes(700, [round, 0, 0]);
    let kept = vec![stage.keep("own", bytes(300, [round, 0, 1])).await, stage.keep("shared", shared()).await];
    let id = stage.whole_package(RetentionClass::RawEvidence, kept).await;
    let mut doomed = Vec::new();
    for i in 0..DOOMED {
        stage.keep("orphan", bytes(200, [round, 1, i])).await;
        let files = vec![stage.keep("own", bytes(5_000, [round, 2, i])).await, stage.keep("shared", shared()).await];
        doomed.push(stage.whole_package(RetentionClass::Scratch, files).await);
    }
    (id, doomed)
}
