//! A37–A41, A45–A47, A49: what is let go when, and what is known of the bytes in the store.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use packshot_db::DbError;
use packshot_db::artifacts::collection::{self, Collection};
use packshot_db::artifacts::scrub::{self, Found};
use packshot_db::artifacts::{self, NewPackage, Repeated, events, files, usage};
use packshot_db::channels::alerts::{self, AlertFilter};
use packshot_db::objects::{self, NewObject, Remove};
use packshot_domain::access::Role;
use packshot_domain::artifact::{
    ArtifactEvent, ByteSize, Damage, EventType, FileState, LocationState, Observed, PackageStatus, RetentionClass,
};
use packshot_domain::channel::{AlertState, AlertType};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::PackageId;
use packshot_domain::object::Condition;
use serde_json::json;
use tempfile::TempDir;

use crate::artifacts::{ALL, DAY_S, caller, new_package, ops, whole};
use crate::engine::Fixture;

/// A folder with objects, as a store keeps them.
struct Shelf(TempDir);

impl Shelf {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, address: ContentAddress) -> PathBuf {
        self.0.path().join(address.hex())
    }

    fn has(&self, address: ContentAddress) -> bool {
        self.path(address).exists()
    }

    /// What removes objects.
    fn remover(
        &self,
    ) -> impl Fn(ContentAddress) -> BoxFuture<'static, Result<(), std::io::Error>> + Send + Sync + use<> {
        let folder = self.0.path().to_owned();
        move |address| {
            let path = folder.join(address.hex());
            Box::pin(async move { remove(&path) })
        }
    }

    async fn collect(&self, t: &Fixture) -> Collection {
        collection::run(&t.db, t.scope, self.remover()).await.expect("collected")
    }

    /// Puts bytes there, as ingesting does: recorded first, and again if they were collected meanwhile.
    async fn put(&self, t: &Fixture, package: PackageId, path: &str, bytes: &[u8]) -> ContentAddress {
        loop {
            let new = t.stored(path, bytes).await;
            let address = new.file.address;
            fs::write(self.path(address), bytes).expect("written");
            match artifacts::ingest(&t.db, t.scope, ops(), package, new, Repeated::Answered).await {
                Ok(_) => return address,
                Err(DbError::NotFound("stored file")) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn remove(path: &Path) -> Result<(), std::io::Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

async fn delete(t: &Fixture, package: PackageId) {
    let reason = Some("because".parse().expect("a reason"));
    artifacts::delete(&t.db, t.scope, caller(Role::TenantAdmin), package, reason).await.expect("deleted");
}

pub(crate) async fn a37_equal_bytes_are_stored_once(t: Fixture) {
    let shelf = Shelf::new();
    let packages = [t.package(RetentionClass::RenderOutput).await, t.package(RetentionClass::Scratch).await];
    let mut address = None;
    for package in packages {
        address = Some(shelf.put(&t, package, "a", b"the same").await);
        t.finalize(package).await;
    }
    let address = address.expect("an address");
    let used = usage::of(&t.db, t.scope, Duration::from_secs(30 * 86_400)).await.expect("figures");
    // The fixture's scene is an object too.
    assert_eq!((used.objects, used.bytes, used.expiring_bytes), (2, 8 + 5, 0));
    let bytes = |class| used.by_class.iter().find(|(own, _)| *own == class).map(|(_, bytes)| *bytes);
    assert_eq!((bytes(RetentionClass::Scratch), bytes(RetentionClass::Preview)), (Some(8), Some(0)));
    t.wait(2.0 * DAY_S);
    delete(&t, packages[0]).await;
    let used = usage::of(&t.db, t.scope, Duration::from_secs(30 * 86_400)).await.expect("figures");
    assert_eq!(used.expiring_bytes, 8);
    let held = caller(Role::TenantAdmin);
    artifacts::hold(&t.db, t.scope, held, packages[1], "because".parse().expect("a reason")).await.expect("held");
    shelf.collect(&t).await;
    assert!(shelf.has(address), "the other package names it");
    let file = files::with_content(&t.db, t.scope, address).await.expect("a search").expect("a file");
    assert_eq!((file.package, file.state), (packages[1], FileState::Intact));
    let free = caller(Role::TenantAdmin);
    artifacts::release(&t.db, t.scope, free, packages[1], "because".parse().expect("a reason")).await.expect("free");
    delete(&t, packages[1]).await;
    let collected = shelf.collect(&t).await;
    assert!(collected.objects >= 1 && !shelf.has(address), "{collected:?}");
    assert_eq!(objects::find(&t.db, t.scope, address).await.expect("a search"), None);
    assert_eq!(files::with_content(&t.db, t.scope, address).await.expect("a search"), None);
}

pub(crate) async fn a38_bytes_that_are_wanted_again_stay(t: Fixture) {
    const TRIALS: usize = 200;
    let shelf = Shelf::new();
    let texts: Vec<String> = (0..TRIALS).map(|trial| format!("bytes of trial {trial}")).collect();
    let first = t.package(RetentionClass::RenderOutput).await;
    for (trial, text) in texts.iter().enumerate() {
        shelf.put(&t, first, &format!("f/{trial}"), text.as_bytes()).await;
    }
    t.finalize(first).await;
    t.wait(2.0 * DAY_S);
    delete(&t, first).await;
    // Made now: one that was idle as long would be collected itself.
    let target = t.package(RetentionClass::RawEvidence).await;
    let collecting = tokio::spawn({
        let (db, scope, remover) = (t.db.clone(), t.scope, shelf.remover());
        async move { collection::run(&db, scope, remover).await.expect("collected") }
    });
    let (own, fixture) = (&shelf, &t);
    let again = texts
        .iter()
        .enumerate()
        .map(|(trial, text)| async move { own.put(fixture, target, &format!("again/{trial}"), text.as_bytes()).await });
    let addresses = join_all(again).await;
    collecting.await.expect("no panic");
    shelf.collect(&t).await;
    for (address, text) in addresses.into_iter().zip(&texts) {
        let bytes = fs::read(shelf.path(address)).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(bytes, text.as_bytes());
        assert!(objects::find(&t.db, t.scope, address).await.expect("a search").is_some());
    }
}

pub(crate) async fn a39_packages_expire_when_they_are_due(t: Fixture) {
    let shelf = Shelf::new();
    let evidence = t.package(RetentionClass::RawEvidence).await;
    let kept = shelf.put(&t, evidence, "a", b"evidence").await;
    t.finalize(evidence).await;
    let preview = t.package(RetentionClass::Preview).await;
    let gone = shelf.put(&t, preview, "a", b"preview").await;
    t.finalize(preview).await;
    t.wait(30.0 * DAY_S - 10.0);
    assert_eq!(shelf.collect(&t).await.expired, 0);
    assert!(shelf.has(gone));
    t.wait(20.0);
    let collected = shelf.collect(&t).await;
    assert_eq!((collected.expired, collected.abandoned), (1, 0));
    assert!(!shelf.has(gone) && shelf.has(kept));
    let file = files::all_of_package(&t.db, t.scope, preview).await.expect("files").pop().expect("a file");
    assert_eq!((t.found(preview).await.status, file.state), (PackageStatus::Expired, FileState::Expired));
    assert!(files::manifest(&t.db, t.scope, preview).await.is_ok());
    let last = t.log().await.pop().expect("an event");
    assert_eq!((last.event_type, last.actor.to_string()), (EventType::PackageExpired, "system".to_owned()));
    t.wait(36_500.0 * DAY_S);
    assert_eq!(shelf.collect(&t).await.expired, 0);
    assert!(shelf.has(kept), "evidence never expires");
}

pub(crate) async fn a40_what_a_job_needs_does_not_expire(t: Fixture) {
    let shelf = Shelf::new();
    let render = t.submit().await;
    let subject = format!("render:{render}").parse().expect("a label");
    let new = NewPackage { subject, ..new_package(RetentionClass::Scratch) };
    let id = new.id;
    artifacts::store(&t.db, t.scope, vec![whole(new, Vec::new())]).await.expect("a package");
    t.wait(400.0 * DAY_S);
    assert_eq!(shelf.collect(&t).await.expired, 0, "the render waits");
    let claimed = t.claim_one().await;
    t.complete(&claimed).await;
    t.wait(DAY_S - 10.0);
    assert_eq!(shelf.collect(&t).await.expired, 0, "it ended within the last 24 hours");
    t.wait(20.0);
    assert_eq!(shelf.collect(&t).await.expired, 1);
    assert_eq!(t.found(id).await.status, PackageStatus::Expired);
}

pub(crate) async fn a41_held_packages_do_not_expire(t: Fixture) {
    let shelf = Shelf::new();
    let package = t.package(RetentionClass::Scratch).await;
    t.finalize(package).await;
    let (by, reason) = (|| caller(Role::TenantAdmin), || "because".parse().expect("a reason"));
    artifacts::hold(&t.db, t.scope, by(), package, reason()).await.expect("held");
    t.wait(400.0 * DAY_S);
    assert_eq!(shelf.collect(&t).await.expired, 0);
    artifacts::release(&t.db, t.scope, by(), package, reason()).await.expect("released");
    assert_eq!(shelf.collect(&t).await.expired, 1);
}

pub(crate) async fn a45_idle_packages_are_abandoned(t: Fixture) {
    let shelf = Shelf::new();
    let package = t.package(RetentionClass::RawEvidence).await;
    t.wait(DAY_S - 5.0);
    let address = shelf.put(&t, package, "a", b"unfinished").await;
    t.wait(DAY_S - 5.0);
    assert_eq!(shelf.collect(&t).await.abandoned, 0, "a file came");
    t.wait(10.0);
    let collected = shelf.collect(&t).await;
    assert_eq!((collected.abandoned, shelf.has(address)), (1, false));
    assert_eq!(t.found(package).await.status, PackageStatus::Deleted);
    let last = t.log().await.pop().expect("an event");
    let event = ArtifactEvent::decode(last.event_type, &last.payload).expect("an event");
    let ArtifactEvent::PackageDeleted { reason: Some(reason), .. } = event else { panic!("{event:?}") };
    assert_eq!(reason.as_str(), "abandoned");
}

pub(crate) async fn a46_a_survey_says_what_goes_and_changes_nothing(t: Fixture) {
    let shelf = Shelf::new();
    let mut packages = Vec::new();
    for (i, class) in [RetentionClass::Scratch, RetentionClass::Scratch, RetentionClass::RawEvidence].iter().enumerate()
    {
        let package = t.package(*class).await;
        shelf.put(&t, package, "own", format!("own {i}").as_bytes()).await;
        // Of the second and third, whose shared bytes stay.
        if i > 0 {
            shelf.put(&t, package, "shared", b"shared").await;
        }
        t.finalize(package).await;
        packages.push(package);
    }
    let abandoned = t.package(RetentionClass::Preview).await;
    shelf.put(&t, abandoned, "own", b"unfinished").await;
    t.wait(2.0 * DAY_S);
    let young = t.package(RetentionClass::Preview).await;
    shelf.put(&t, young, "young", b"young").await;
    delete(&t, young).await;
    let before = t.log().await.len();
    let survey = collection::survey(&t.db, t.scope).await.expect("a survey");
    // "own 0", "own 1", "unfinished", and the fixture's scene, which no render needs.
    assert_eq!(survey, Collection { expired: 2, abandoned: 1, objects: 4, bytes: 5 + 5 + 10 + 5 });
    assert_eq!(t.log().await.len(), before);
    assert_eq!(collection::survey(&t.db, t.scope).await.expect("a survey"), survey);
    assert_eq!(shelf.collect(&t).await, survey);
    assert_eq!(collection::survey(&t.db, t.scope).await.expect("a survey"), Collection::default());
    assert!(shelf.has(ContentAddress::of(b"shared")));
}

pub(crate) async fn unfinished_packages_free_their_objects_at_once(t: Fixture) {
    let shelf = Shelf::new();
    let (one, other) = (t.package(RetentionClass::Scratch).await, t.package(RetentionClass::Scratch).await);
    let own = shelf.put(&t, one, "own", b"own").await;
    let shared = shelf.put(&t, one, "shared", b"shared").await;
    shelf.put(&t, other, "shared", b"shared").await;
    let removed = artifacts::delete(&t.db, t.scope, caller(Role::ProjectManager), one, None).await.expect("deleted");
    assert_eq!(removed.freed, [own], "the other is named by another package");
    t.finalize(other).await;
    let reason = "the job failed".parse().expect("a reason");
    let removed = artifacts::take_back(&t.db, t.scope, ops(), other, reason).await.expect("taken back");
    assert_eq!(removed.freed, [shared]);
    let erase = |address| -> Remove<std::io::Error> {
        let remover = shelf.remover();
        Arc::new(move || remover(address))
    };
    // What is recorded again in the meantime stays.
    objects::record(&t.db, t.scope, NewObject::unread(shared, 6, "text/plain")).await.expect("a record");
    let kept = objects::erase(&t.db, t.scope, shared, erase(shared)).await.expect("looked");
    assert!(kept.is_none() && shelf.has(shared));
    objects::erase(&t.db, t.scope, own, erase(own)).await.expect("looked").expect("unwanted").expect("removed");
    assert!(!shelf.has(own));
    let unrecorded = objects::unrecorded(&t.db, t.scope, vec![own, shared]).await.expect("a search");
    assert_eq!(unrecorded, [own]);
}

pub(crate) async fn a47_a49_damage_is_recorded_and_healed(t: Fixture) {
    let (one, other) = (t.package(RetentionClass::Scratch).await, t.package(RetentionClass::Scratch).await);
    for package in [one, other] {
        t.ingest(package, "same", b"same").await;
    }
    t.ingest(one, "own", b"own").await;
    t.finalize(one).await;
    let now = async || t.db.now().await.expect("the time");
    let pending = async |before| scrub::pending(&t.db, t.scope, before, 10).await.expect("objects");
    t.wait(1.0);
    let read_from = now().await;
    let all = pending(read_from).await;
    assert_eq!(all.len(), 2, "each object once");
    let local = || "local".parse().expect("a name");
    let observed = |bytes: &[u8]| Observed {
        size: ByteSize::new(bytes.len() as u64).expect("a size"),
        address: Some(ContentAddress::of(bytes)),
    };
    let record = async |bytes: &[u8], found| {
        let object = (local(), ContentAddress::of(bytes));
        scrub::record(&t.db, t.scope, ops(), object, found).await.expect("recorded")
    };
    let n = t.log().await.len();
    assert_eq!(record(b"own", Found::Intact(observed(b"own"))).await, []);
    assert_eq!(t.log().await.len(), n, "what is as it was is no event");
    let damage = Found::Damaged(Damage::Corrupt(observed(b"sane")));
    let changed = record(b"same", damage).await;
    assert_eq!(changed.len(), 2, "two files have these bytes");
    assert!(changed.iter().all(|changed| changed.state == LocationState::Corrupt));
    assert_eq!(record(b"same", damage).await, [], "once");
    // Admins are told of each file once, and how often it was found.
    let alerts = async |state| {
        let filter = AlertFilter { state: Some(state), event_type: Some(AlertType::ArtifactDamaged), severity: None };
        let page = alerts::list(&t.db, t.scope, filter, ALL).await.expect("a page");
        page.items
            .into_iter()
            .map(|alert| (alert.entry.data["relative_path"].clone(), alert.occurrences))
            .collect::<Vec<_>>()
    };
    assert_eq!(alerts(AlertState::Open).await, [(json!("same"), 2), (json!("same"), 2)]);
    let condition = async |bytes: &[u8]| {
        let found = objects::find(&t.db, t.scope, ContentAddress::of(bytes)).await.expect("a search");
        found.expect("a record").condition
    };
    assert_eq!((condition(b"same").await, condition(b"own").await), (Condition::Corrupt, Condition::Whole));
    assert_eq!(pending(read_from).await.len(), 0, "all were read since");
    let log = t.log().await;
    assert!(log[n..].iter().all(|event| event.event_type == EventType::LocationDamaged));
    let file = files::get(&t.db, t.scope, changed[0].file).await.expect("the file");
    assert_eq!(file.state, FileState::Corrupt);
    assert_eq!(record(b"own", Found::Damaged(Damage::Missing)).await[0].state, LocationState::Missing);
    assert_eq!(scrub::results(&t.db, t.scope).await.expect("results").len(), 3);

    let new = t.package(RetentionClass::Scratch).await;
    let healed = t.try_ingest(new, "again", b"same").await.expect("a file").healed;
    assert_eq!(healed.len(), 2);
    assert_eq!(files::get(&t.db, t.scope, changed[0].file).await.expect("the file").state, FileState::Intact);
    assert_eq!((condition(b"same").await, condition(b"own").await), (Condition::Whole, Condition::Missing));
    assert_eq!(
        (alerts(AlertState::Open).await, alerts(AlertState::Resolved).await.len()),
        (vec![(json!("own"), 1)], 2)
    );
    let at_once = vec![t.stored("own", b"own").await];
    artifacts::store(&t.db, t.scope, vec![whole(new_package(RetentionClass::Scratch), at_once)]).await.expect("made");
    let since = n as i64;
    let after = events::after(&t.db, t.scope, since, 100, Some(one)).await.expect("the log");
    let healed = after.iter().filter(|event| event.event_type == EventType::LocationHealed);
    assert_eq!(healed.count(), 2, "its own file, and the one that it shares");
    assert_eq!(condition(b"own").await, Condition::Whole, "the record never says anything else");
    assert_eq!((alerts(AlertState::Open).await, alerts(AlertState::Resolved).await.len()), (vec![], 3));
    // Stored again without a file of its own: every file that names it is healed all the same.
    record(b"same", damage).await;
    let n = t.log().await.len();
    objects::heal(&t.db, t.scope, ContentAddress::of(b"same")).await.expect("healed");
    let log = t.log().await;
    assert_eq!(log.len() - n, 3, "one event for each file");
    assert!(log[n..].iter().all(|event| event.event_type == EventType::LocationHealed));
    assert_eq!(files::get(&t.db, t.scope, changed[0].file).await.expect("the file").state, FileState::Intact);
    assert_eq!(
        (alerts(AlertState::Open).await.len(), alerts(AlertState::Resolved).await.len()),
        (0, 6),
        "others since"
    );
    // Damage that goes with its package concerns nobody.
    record(b"same", Found::Damaged(Damage::Missing)).await;
    assert_eq!(alerts(AlertState::Open).await.len(), 3);
    artifacts::delete(&t.db, t.scope, caller(Role::TenantAdmin), new, None).await.expect("deleted");
    assert_eq!(alerts(AlertState::Open).await.len(), 2);
    let report = artifacts::replay::verify(&t.db, t.scope).await.expect("a report");
    assert_eq!(report.differences, []);
}
