//! A32: whatever happens to packages, in whatever order, the log makes the same views again.

use futures_util::future::{BoxFuture, ready};
use packshot_db::DbError;
use packshot_db::artifacts::scrub::{self, Found};
use packshot_db::artifacts::{self, Repeated, collection, replay};
use packshot_domain::access::Role;
use packshot_domain::artifact::{
    ByteSize, Damage, LocationState, Observed, PackageChange, PackageStatus, Reason, RetentionClass,
};
use packshot_domain::audit::Actor;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::PackageId;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::artifact_replay::snapshot;
use crate::artifacts::{DAY_S, caller, new_package, ops, whole};
use crate::engine::Fixture;

/// Something that happens. Numbers choose among all packages so far, and among a few paths and contents.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Create(RetentionClass),
    Store(RetentionClass, u8),
    Ingest { which: usize, path: u8, content: u8 },
    Finalize(usize),
    Hold(usize),
    Release(usize),
    Reclassify(usize, RetentionClass),
    Delete(usize),
    TakeBack(usize),
    Damage(u8, bool),
    Whole(u8),
    Wait(u8),
    Collect,
    Rebuild,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    use Operation as O;
    let which = || 0..6_usize;
    let class = || prop::sample::select(RetentionClass::ALL);
    let operation = prop_oneof![
        3 => class().prop_map(O::Create),
        2 => (class(), 0..5_u8).prop_map(|(class, content)| O::Store(class, content)),
        8 => (which(), 0..6_u8, 0..5_u8).prop_map(|(which, path, content)| O::Ingest { which, path, content }),
        4 => which().prop_map(O::Finalize),
        2 => which().prop_map(O::Hold),
        2 => which().prop_map(O::Release),
        2 => (which(), class()).prop_map(|(which, class)| O::Reclassify(which, class)),
        2 => which().prop_map(O::Delete),
        1 => which().prop_map(O::TakeBack),
        3 => (0..5_u8, any::<bool>()).prop_map(|(content, is_missing)| O::Damage(content, is_missing)),
        1 => (0..5_u8).prop_map(O::Whole),
        2 => (0..40_u8).prop_map(O::Wait),
        2 => Just(O::Collect),
        1 => Just(O::Rebuild),
    ];
    prop::collection::vec(operation, 10..40)
}

/// Some paths are duplicates of others.
const PATHS: [&str; 6] = ["a", "A", "a/z", "b/c", "B/C/d", "e"];

fn bytes(content: u8) -> Vec<u8> {
    vec![content; usize::from(content) * 100 + 1]
}

fn reason() -> Reason {
    "because".parse().expect("a reason")
}

struct Run<'t> {
    t: &'t Fixture,
    /// The packages and their states, as far as this knows.
    packages: Vec<(PackageId, PackageStatus)>,
}

impl Run<'_> {
    async fn act(&mut self, operation: Operation) {
        let (db, scope) = (&self.t.db, self.t.scope);
        let admin = || caller(Role::TenantAdmin);
        match operation {
            Operation::Create(class) => {
                let id = self.t.package(class).await;
                self.packages.push((id, PackageStatus::Created));
            }
            Operation::Store(class, content) => {
                let new = new_package(class);
                let id = new.id;
                let files = vec![self.t.stored("x", &bytes(content)).await, self.t.stored("y", &bytes(0)).await];
                artifacts::store(db, scope, vec![whole(new, files)]).await.expect("a package");
                self.packages.push((id, PackageStatus::Finalized));
            }
            Operation::Ingest { which, path, content } => {
                let Some((id, status)) = self.chosen(which) else { return };
                let new = self.t.stored(PATHS[usize::from(path)], &bytes(content)).await;
                let taken = artifacts::ingest(db, scope, ops(), id, new, Repeated::Answered).await;
                // Whether the path is free is not known here.
                let is_possible = status.next(PackageChange::Ingest).is_ok();
                assert!(is_possible || taken.is_err(), "{taken:?}");
            }
            Operation::Finalize(which) => {
                let Some((id, _)) = self.chosen(which) else { return };
                let finalized = artifacts::finalize(db, scope, ops(), id).await.map(drop);
                self.follows(which, PackageChange::Finalize, finalized);
            }
            Operation::Hold(which) => {
                let Some((id, _)) = self.chosen(which) else { return };
                let held = artifacts::hold(db, scope, admin(), id, reason()).await.map(drop);
                self.follows(which, PackageChange::Hold, held);
            }
            Operation::Release(which) => {
                let Some((id, _)) = self.chosen(which) else { return };
                let released = artifacts::release(db, scope, admin(), id, reason()).await.map(drop);
                self.follows(which, PackageChange::Release, released);
            }
            Operation::Reclassify(which, class) => {
                let Some((id, _)) = self.chosen(which) else { return };
                let changed = artifacts::reclassify(db, scope, admin(), id, class).await.map(drop);
                self.follows(which, PackageChange::Reclassify, changed);
            }
            Operation::Delete(which) => {
                let Some((id, status)) = self.chosen(which) else { return };
                let is_held = self.t.found(id).await.held && status.keeps_bytes();
                let deleted = artifacts::delete(db, scope, admin(), id, Some(reason())).await.map(drop);
                match is_held {
                    true => assert!(deleted.is_err()),
                    false => self.follows(which, PackageChange::Delete, deleted),
                }
            }
            Operation::TakeBack(which) => {
                let Some((id, _)) = self.chosen(which) else { return };
                let taken = artifacts::take_back(db, scope, ops(), id, reason()).await.map(drop);
                self.follows(which, PackageChange::Delete, taken);
            }
            Operation::Damage(content, is_missing) => {
                let observed = Observed { size: ByteSize::new(0).expect("a size"), address: None };
                let damage = if is_missing { Damage::Missing } else { Damage::Corrupt(observed) };
                let expected = if is_missing { LocationState::Missing } else { LocationState::Corrupt };
                let changed = self.observe(content, Found::Damaged(damage)).await;
                assert!(changed.into_iter().all(|state| state == expected));
            }
            Operation::Whole(content) => {
                let size = ByteSize::new(bytes(content).len() as u64).expect("a size");
                let observed = Observed { size, address: Some(ContentAddress::of(&bytes(content))) };
                let changed = self.observe(content, Found::Intact(observed)).await;
                assert!(changed.into_iter().all(|state| state == LocationState::Intact));
            }
            Operation::Wait(days) => self.t.wait(f64::from(days) * DAY_S),
            Operation::Collect => self.collect().await,
            Operation::Rebuild => self.check().await,
        }
    }

    fn chosen(&self, which: usize) -> Option<(PackageId, PackageStatus)> {
        let n = self.packages.len();
        if n == 0 { None } else { Some(self.packages[which % n]) }
    }

    /// Follows a change that was possible, or was not.
    fn follows(&mut self, which: usize, change: PackageChange, result: Result<(), DbError>) {
        let n = self.packages.len();
        let (id, status) = &mut self.packages[which % n];
        match status.next(change) {
            Ok(next) => {
                result.unwrap_or_else(|error| panic!("{change} of {id} that is {status}: {error}"));
                *status = next;
            }
            Err(_) => assert!(result.is_err(), "{change} of {id} that is {status}"),
        }
    }

    async fn observe(&self, content: u8, found: Found) -> Vec<LocationState> {
        let object = ("local".parse().expect("a name"), ContentAddress::of(&bytes(content)));
        let changed = scrub::record(&self.t.db, self.t.scope, ops(), object, found).await.expect("recorded");
        changed.into_iter().map(|changed| changed.state).collect()
    }

    async fn collect(&mut self) {
        let survey = collection::survey(&self.t.db, self.t.scope).await.expect("a survey");
        let nothing = |_| -> BoxFuture<'static, Result<(), std::io::Error>> { Box::pin(ready(Ok(()))) };
        let collected = collection::run(&self.t.db, self.t.scope, nothing).await.expect("collected");
        assert_eq!(collected, survey, "A46");
        let mut gone = 0;
        for (id, status) in &mut self.packages {
            let found = self.t.found(*id).await.status;
            gone += u64::from(found != *status);
            *status = found;
        }
        assert_eq!(gone, collected.expired + collected.abandoned);
    }

    /// Checks the states, and that the log makes the same views again.
    async fn check(&self) {
        for (id, status) in &self.packages {
            assert_eq!(self.t.found(*id).await.status, *status);
        }
        let before = snapshot(self.t).await;
        let report = replay::verify(&self.t.db, self.t.scope).await.expect("a report");
        assert_eq!((report.n_differences, report.differences.len()), (0, 0), "{report:?}");
        let rebuilt = replay::rebuild(&self.t.db, self.t.scope, Actor::system()).await.expect("rebuilt");
        assert_eq!(rebuilt, report);
        assert_eq!(snapshot(self.t).await, before);
    }
}

pub(crate) async fn a32_the_log_makes_the_same_views_again(t: Fixture) {
    const RUNS: u32 = 12;
    let mut runner = TestRunner::new(Config { source_file: Some(file!()), ..Config::default() });
    let mut run = Run { t: &t, packages: Vec::new() };
    for _ in 0..RUNS {
        let operations = operations().new_tree(&mut runner).expect("a sequence").current();
        println!("{operations:?}");
        run.packages.clear();
        for operation in operations {
            run.act(operation).await;
        }
        run.check().await;
        // Those that are left must not count in the next run.
        for (package, _) in &run.packages {
            artifacts::take_back(&t.db, t.scope, ops(), *package, reason()).await.expect("gone");
        }
    }
}
