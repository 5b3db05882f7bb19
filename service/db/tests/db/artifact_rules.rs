//! A26–A31, A41–A43, A56: what packages refuse, what many may do to them at once, and who may do what.

use std::time::Duration;

use futures_util::future::{join, join_all};
use packshot_db::artifacts::{self, ArtifactError, NewFile, NewPackage, Repeated, WholePackage, events, files};
use packshot_db::audit::{self, AuditFilter};
use packshot_db::{DbError, objects};
use packshot_domain::access::Role;
use packshot_domain::artifact::{
    ByteSize, FILES_MAX, FileState, Manifest, PACKAGE_BYTES_MAX, PackageFull, PackageStatus, Reason, RetentionClass,
};
use packshot_domain::audit::Action;
use packshot_domain::id::{FileId, PackageId};

use crate::artifacts::{caller, is_duplicate, is_state, new_package, ops, whole};
use crate::engine::Fixture;

fn reason() -> Reason {
    "asked for by the customer".parse().expect("a reason")
}

pub(crate) async fn a26_equal_paths_are_duplicates(t: Fixture) {
    let package = t.package(RetentionClass::Scratch).await;
    for path in ["\u{c4}.png", "a.txt", "a", "d/e/f"] {
        t.ingest(package, path, path.as_bytes()).await;
    }
    for path in ["A\u{308}.png", "\u{e4}.PNG", "A.TXT", "a/z", "A/z/y", "d", "D/e", "d/E/F", "d/e/f/g"] {
        assert!(is_duplicate(t.try_ingest(package, path, b"other").await), "{path}");
    }
    // `0` follows after `/`, and `.` comes before it: none of these lies in `d/e`.
    for path in ["d/e.txt", "d/e0", "d0", "ab"] {
        t.ingest(package, path, path.as_bytes()).await;
    }
    assert_eq!(t.paths(package).await.len(), 8);
    // Packages that are made at once refuse the same.
    for [one, other] in [["a", "A"], ["a", "a/z"], ["A/z", "a"], ["x/y", "X/Y/z"]] {
        let files = vec![t.stored(one, b"1").await, t.stored(other, b"2").await];
        let made = artifacts::store(&t.db, t.scope, vec![whole(new_package(RetentionClass::Scratch), files)]).await;
        assert!(is_duplicate(made), "{one} {other}");
    }
}

pub(crate) async fn a27_a_repeated_file_is_the_same(t: Fixture) {
    let package = t.package(RetentionClass::Scratch).await;
    let first = t.ingest(package, "a.txt", b"one").await;
    let n = t.log().await.len();
    let again = t.try_ingest(package, "a.txt", b"one").await.expect("it is there");
    assert_eq!((again.file, again.is_new, t.log().await.len()), (first.clone(), false, n));
    let refused = t.stored("a.txt", b"one").await;
    let refused = artifacts::ingest(&t.db, t.scope, ops(), package, refused, Repeated::Refused).await;
    assert!(is_duplicate(refused), "POST");
    assert!(is_duplicate(t.try_ingest(package, "a.txt", b"two").await), "other bytes");
    let mut typed = t.stored("a.txt", b"one").await;
    typed.file.media_type = "text/html".parse().expect("a media type");
    let typed = artifacts::ingest(&t.db, t.scope, ops(), package, typed, Repeated::Answered).await;
    assert!(is_duplicate(typed), "another type");
    let path = "a.txt".parse().expect("a path");
    let there = artifacts::check(&t.db, t.scope, package, path).await.expect("possible");
    assert_eq!(there, Some(first.file), "whether it is the same is known when its bytes are");
}

pub(crate) async fn a29_many_write_at_once(t: Fixture) {
    let package = t.package(RetentionClass::Scratch).await;
    let bytes: Vec<String> = (0..20).map(|i| format!("bytes {i}")).collect();
    let same = join_all(bytes.iter().map(|bytes| t.try_ingest(package, "same", bytes.as_bytes()))).await;
    let (taken, refused): (Vec<_>, Vec<_>) = same.into_iter().partition(Result::is_ok);
    assert_eq!((taken.len(), refused.len()), (1, 19));
    assert!(refused.into_iter().all(is_duplicate));
    let paths: Vec<String> = (0..20).map(|i| format!("files/{i}")).collect();
    join_all(paths.iter().map(|path| t.ingest(package, path, path.as_bytes()))).await;
    assert_eq!(t.log().await.len(), 1 + 1 + 20);
    let found = t.found(package).await;
    assert_eq!((found.file_count, t.paths(package).await.len()), (21, 21));
}

pub(crate) async fn a30_a_file_is_in_the_manifest_or_refused(t: Fixture) {
    const TRIALS: usize = 200;
    let (mut within, mut refused) = (0, 0);
    for trial in 0..TRIALS {
        let package = t.package(RetentionClass::Scratch).await;
        let new = t.stored("late", trial.to_string().as_bytes()).await;
        let ingest = tokio::spawn({
            let (db, scope, new) = (t.db.clone(), t.scope, new.clone());
            async move { artifacts::ingest(&db, scope, ops(), package, new, Repeated::Answered).await }
        });
        let finalize = tokio::spawn({
            let (db, scope) = (t.db.clone(), t.scope);
            async move {
                if trial % 2 == 1 {
                    tokio::task::yield_now().await;
                }
                artifacts::finalize(&db, scope, ops(), package).await.expect("finalized")
            }
        });
        let (ingested, package) = (ingest.await.expect("no panic"), finalize.await.expect("no panic"));
        let bytes = files::manifest(&t.db, t.scope, package.id).await.expect("the manifest");
        let manifest = Manifest::decode(&bytes).expect("a manifest");
        let has_it = manifest.files().iter().any(|stored| stored.file.id == new.file.id);
        assert_eq!(has_it, ingested.is_ok(), "trial {trial}");
        if has_it {
            within += 1;
        } else {
            refused += 1;
            assert!(is_state(ingested));
        }
    }
    assert_eq!(within + refused, TRIALS);
}

pub(crate) async fn a31_a_reader_misses_nothing(t: Fixture) {
    const WRITERS: usize = 8;
    const FILES: usize = 10;
    let fixture = &t;
    let writers = (0..WRITERS).map(|writer| async move {
        let package = fixture.package(RetentionClass::Scratch).await;
        for i in 0..FILES {
            fixture.ingest(package, &i.to_string(), format!("{writer} {i}").as_bytes()).await;
        }
        fixture.finalize(package).await;
    });
    let n = WRITERS * (FILES + 2);
    let reader = async {
        let mut seen = Vec::new();
        while seen.len() < n {
            let last = seen.last().copied().unwrap_or(0);
            let more = events::after(&t.db, t.scope, last, 7, None).await.expect("the log");
            seen.extend(more.into_iter().map(|event| event.sequence.get()));
            tokio::task::yield_now().await;
        }
        seen
    };
    let both = join(join_all(writers), reader);
    let (_, seen) = tokio::time::timeout(Duration::from_secs(120), both).await.expect("in time");
    assert!(seen.into_iter().eq(1..=n as i64), "each once, in order");
}

pub(crate) async fn a41_held_packages_stay(t: Fixture) {
    let package = t.package(RetentionClass::Preview).await;
    let by = || caller(Role::TenantAdmin);
    assert!(is_state(artifacts::hold(&t.db, t.scope, by(), package, reason()).await), "only when finalized");
    t.finalize(package).await;
    let held = artifacts::hold(&t.db, t.scope, by(), package, reason()).await.expect("held");
    assert_eq!((held.held, held.hold_reason.as_ref()), (true, Some(&reason())));
    let n = t.log().await.len();
    let again = artifacts::hold(&t.db, t.scope, by(), package, reason()).await.expect("held");
    assert_eq!((again, t.log().await.len()), (held, n), "nothing new");
    let refused = artifacts::delete(&t.db, t.scope, by(), package, Some(reason())).await;
    assert!(matches!(refused, Err(DbError::Artifact(ArtifactError::Held))), "{refused:?}");
    let released = artifacts::release(&t.db, t.scope, by(), package, reason()).await.expect("released");
    assert_eq!((released.held, released.hold_reason), (false, None));
    artifacts::delete(&t.db, t.scope, by(), package, Some(reason())).await.expect("deleted");
    let log = audit::list(&t.db, t.scope, AuditFilter::default(), 9, None).await.expect("the log");
    let actions: Vec<Action> = log.iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [Action::PackageDeleted, Action::PackageReleased, Action::PackageHeld]);
    assert!(log.iter().all(|entry| entry.reason.as_deref() == Some(reason().as_str())));
    assert!(log.iter().all(|entry| entry.object_id == Some(package.to_string())));
}

pub(crate) async fn a42_who_may_delete_what(t: Fixture) {
    let output = t.package(RetentionClass::RenderOutput).await;
    let file = t.ingest(output, "a", b"a").await;
    t.finalize(output).await;
    let evidence = t.package(RetentionClass::RawEvidence).await;
    t.finalize(evidence).await;
    let delete =
        async |package: PackageId, role, reason| artifacts::delete(&t.db, t.scope, caller(role), package, reason).await;
    for role in [Role::ProjectManager, Role::Client] {
        let refused = delete(evidence, role, Some(reason())).await;
        assert!(matches!(refused, Err(DbError::Artifact(ArtifactError::Delete(_)))), "{refused:?}");
    }
    let refused = delete(evidence, Role::TenantAdmin, None).await;
    assert!(matches!(refused, Err(DbError::Artifact(ArtifactError::Delete(_)))), "{refused:?}");
    let n = t.log().await.len();
    for times in 0..2 {
        let removed = delete(output, Role::ProjectManager, None).await.expect("deleted");
        assert_eq!(removed.freed, [], "the bytes go by collection");
        assert_eq!(t.log().await.len(), n + 1, "the second time changes nothing: {times}");
    }
    assert!(objects::find(&t.db, t.scope, file.file.address).await.expect("a search").is_some());
    let gone = files::get(&t.db, t.scope, file.file.id).await.expect("the record stays");
    assert_eq!((gone.state, t.found(output).await.status), (FileState::Expired, PackageStatus::Deleted));
    assert!(files::manifest(&t.db, t.scope, output).await.is_ok(), "so does the manifest");
    assert!(is_state(artifacts::finalize(&t.db, t.scope, ops(), output).await));
    delete(evidence, Role::TenantAdmin, Some(reason())).await.expect("deleted");
}

pub(crate) async fn a42_what_a_running_job_needs_stays(t: Fixture) {
    let render = t.submit().await;
    let subject = format!("render:{render}").parse().expect("a label");
    let new = NewPackage { subject, ..new_package(RetentionClass::RenderOutput) };
    let package = new.id;
    artifacts::store(&t.db, t.scope, vec![whole(new, Vec::new())]).await.expect("a package");
    let delete = async || artifacts::delete(&t.db, t.scope, caller(Role::ProjectManager), package, None).await;
    let refused = delete().await;
    let Err(DbError::Artifact(ArtifactError::InUse(references))) = &refused else { panic!("{refused:?}") };
    assert_eq!(references.len(), 1);
    assert!(references[0].to_string().contains(&render.to_string()), "{references:?}");
    let claimed = t.claim_one().await;
    t.complete(&claimed).await;
    delete().await.expect("deleted");
}

pub(crate) async fn a43_classes_change(t: Fixture) {
    let package = t.package(RetentionClass::Preview).await;
    let finalized_at = t.finalize(package).await.finalized_at.expect("a time");
    let change = async |role, class| artifacts::reclassify(&t.db, t.scope, caller(role), package, class).await;
    let longer = change(Role::ProjectManager, RetentionClass::RenderOutput).await.expect("changed");
    let year = Duration::from_secs(365 * 86_400);
    assert_eq!((longer.retention_class, longer.expires_at), (RetentionClass::RenderOutput, Some(finalized_at + year)));
    let n = t.log().await.len();
    let same = change(Role::ProjectManager, RetentionClass::RenderOutput).await.expect("unchanged");
    assert_eq!((same, t.log().await.len()), (longer, n));
    for class in [RetentionClass::Preview, RetentionClass::RawEvidence] {
        let refused = change(Role::ProjectManager, class).await;
        assert!(matches!(refused, Err(DbError::Artifact(ArtifactError::Class(_)))), "{refused:?}");
    }
    let evidence = change(Role::TenantAdmin, RetentionClass::RawEvidence).await.expect("changed");
    assert_eq!((evidence.retention_ttl_s, evidence.expires_at), (None, None));
    let shorter = change(Role::TenantAdmin, RetentionClass::Scratch).await.expect("changed");
    assert_eq!(shorter.expires_at, Some(finalized_at + Duration::from_secs(86_400)));
    let report = artifacts::replay::verify(&t.db, t.scope).await.expect("a report");
    assert_eq!(report.differences, [], "it survives a replay");
}

pub(crate) async fn a56_packages_have_limits(t: Fixture) {
    let one = t.stored("x", b"x").await;
    let named = |i: u64| {
        let mut new = one.clone();
        (new.file.id, new.file.path) = (FileId::new(), format!("files/{i}").parse().expect("a path"));
        new
    };
    let store = async |files: Vec<NewFile>| -> Result<PackageId, DbError> {
        let package: WholePackage = whole(new_package(RetentionClass::Scratch), files);
        Ok(artifacts::store(&t.db, t.scope, vec![package]).await?[0].id)
    };
    let full = store((0..=FILES_MAX).map(named).collect()).await;
    assert!(matches!(full, Err(DbError::Artifact(ArtifactError::Full(PackageFull::Files)))), "{:?}", full.err());
    let package = store((0..FILES_MAX).map(named).collect()).await.expect("a package");
    assert_eq!(t.found(package).await.file_count, 10_000);

    let package = t.package(RetentionClass::Scratch).await;
    let sized = |path: &str, bytes: u64| {
        let mut new = named(0);
        (new.file.path, new.file.size) = (path.parse().expect("a path"), ByteSize::new(bytes).expect("a size"));
        artifacts::ingest(&t.db, t.scope, ops(), package, new, Repeated::Answered)
    };
    sized("large", PACKAGE_BYTES_MAX).await.expect("just as much as it may have");
    let full = sized("more", 1).await;
    assert!(matches!(full, Err(DbError::Artifact(ArtifactError::Full(PackageFull::Bytes { .. })))), "{full:?}");
    sized("none", 0).await.expect("no byte more");
}

pub(crate) async fn a58_packages_are_made_with_the_end_of_a_task(t: Fixture) {
    let mut new = t.new_render(0);
    let upload = vec![t.stored("scene.glb", b"scene").await];
    new.packages = vec![whole(new_package(RetentionClass::RenderOutput), upload)];
    let (upload, render) = (new.packages[0].package.id, new.id);
    packshot_db::renders::create(&t.db, t.scope, new, None).await.expect("a render");
    assert_eq!(t.found(upload).await.status, PackageStatus::Finalized, "with the request");
    let claimed = t.claim_one().await;
    let mut completion = crate::engine::completion(&claimed);
    let files = vec![t.stored("result.png", b"picture").await, t.stored("report.json", b"{}").await];
    let result = NewPackage {
        subject: format!("render:{render}").parse().expect("a label"),
        ..new_package(RetentionClass::RenderOutput)
    };
    let id = result.id;
    completion.delivery.packages = vec![whole(result, files)];
    packshot_db::tasks::complete(&t.db, t.scope, claimed.lease, completion).await.expect("the lease holds");
    let package = t.found(id).await;
    assert_eq!((package.status, package.file_count), (PackageStatus::Finalized, 2));
    assert_eq!(t.paths(id).await, ["report.json", "result.png"]);
    assert_eq!(t.log().await.len(), 3 + 4);

    // What is not kept leaves no package.
    t.submit().await;
    let claimed = t.claim_one().await;
    let mut rejection = crate::engine::rejection(&claimed);
    let files = vec![t.stored("result.png", b"picture").await];
    rejection.delivery.packages = vec![whole(new_package(RetentionClass::RenderOutput), files)];
    packshot_db::tasks::reject(&t.db, t.scope, claimed.lease, rejection).await.expect("the lease holds");
    assert_eq!(t.log().await.len(), 3 + 4);
}
