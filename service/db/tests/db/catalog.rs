//! The installation, its settings, limits, libraries and stored objects.

use std::time::Duration;

use packshot_db::artifacts::collection;
use packshot_db::artifacts::scrub::{self, Found};
use packshot_db::audit::{self, AuditFilter};
use packshot_db::libraries::{self, NewLibrary};
use packshot_db::objects::{NewObject, Object, Recorded};
use packshot_db::settings::{self, Patch};
use packshot_db::worker_configs;
use packshot_db::{AllTenants, Db, DbError, Json, PageRequest, TenantScope, installation, objects, renders, tenants};
use packshot_domain::artifact::{ByteSize, Damage, EventActor, Observed};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::concurrency::Concurrency;
use packshot_domain::hash::{ContentAddress, Digests};
use packshot_domain::object::Condition;
use packshot_domain::task::QueueName;
use serde_json::json;

use crate::engine::{Fixture, deleter};

const INSTANCE: AllTenants = AllTenants::Instance;
const DAY: Duration = Duration::from_secs(86_400);

pub(crate) async fn every_installation_has_a_tenant_and_a_user(t: Fixture) {
    let first = installation::get(&t.db, INSTANCE).await.expect("an installation");
    let again = Db::open(&t.config).await.expect("the database");
    assert_eq!(installation::get(&again, INSTANCE).await.expect("an installation"), first, "made once");
    again.close().await;
    let role = packshot_domain::access::Role::Client;
    let taken = tenants::create_bare(&t.db, INSTANCE, "default", role).await;
    assert!(matches!(taken, Err(DbError::Exists("tenant"))));
}

pub(crate) async fn worker_configs_have_defaults_and_revisions(t: Fixture) {
    let configs = worker_configs::list(&t.db, INSTANCE).await.expect("limits");
    let limits: Vec<_> = configs.iter().map(|c| (c.queue.as_str(), c.limits.max(), c.limits.min())).collect();
    assert_eq!(limits, [("render", 1, 1), ("convert", 8, 2), ("housekeeping", 2, 1)], "R63");
    t.wait(5.0);
    let limits = Concurrency::new(4, 2).expect("valid limits");
    let put = async |limits, expected| {
        worker_configs::put(&t.db, INSTANCE, Actor::system(), QueueName::Convert, limits, expected).await
    };
    let changed = put(limits, Some(1)).await.expect("the first change");
    assert!(changed.revision == 2 && changed.limits == limits && changed.updated_at > configs[1].updated_at, "R62");
    assert!(matches!(put(limits, Some(1)).await, Err(DbError::Stale { current: 2 })), "C19");
    assert_eq!(worker_configs::get(&t.db, INSTANCE, QueueName::Convert).await.expect("limits"), changed);
    assert_eq!(put(limits, None).await.expect("without a condition"), changed, "what changes nothing is not counted");
    let others = Concurrency::new(5, 2).expect("valid limits");
    assert_eq!(put(others, None).await.expect("without a condition").revision, 3);
}

pub(crate) async fn settings_are_patched(t: Fixture) {
    let members = |json: Json| json.as_object().expect("an object").clone();
    let instance = |json: Json| Patch { instance: members(json), ..Patch::default() };
    let patch = async |patch: Patch, expected| settings::patch(&t.db, t.scope, Actor::system(), patch, expected).await;
    let set = patch(instance(json!({"render_device": "cpu", "max_pixels": 1000})), None).await.expect("settings");
    let empty = patch(instance(json!({})), Some(set.revision())).await;
    assert_eq!(empty.expect("settings"), set, "C37: nothing changes, the revision neither");
    let stale = patch(instance(json!({"a": 1})), Some(set.revision() - 1)).await;
    assert!(matches!(stale, Err(DbError::Stale { current }) if current == set.revision()));
    let cleared = patch(instance(json!({"max_pixels": null})), Some(set.revision())).await.expect("settings");
    assert_eq!(json!(cleared.instance.values), json!({"render_device": "cpu"}));
    assert_eq!(cleared.revision(), set.revision() + 1);
    assert_eq!(settings::of_instance(&t.db, INSTANCE).await.expect("settings"), cleared.instance);

    assert_eq!(settings::of_tenant(&t.db, t.scope).await.expect("settings"), settings::Settings::default());
    let own = Patch { tenant: members(json!({"render_samples": 64})), ..Patch::default() };
    assert_eq!(patch(own, Some(cleared.revision())).await.expect("settings").tenant.revision, 1);
    let (other, _) = t.other_tenant().await;
    assert_eq!(settings::of_tenant(&t.db, other).await.expect("settings"), settings::Settings::default());
}

pub(crate) async fn t84_t86_a_change_of_settings_is_in_the_log_of_the_tenant_that_it_is_of(t: Fixture) {
    let members = |json: Json| json.as_object().expect("an object").clone();
    let operating = installation::get(&t.db, INSTANCE).await.expect("an installation").operating_tenant;
    let (operating, (other, _)) = (TenantScope::of(operating), t.other_tenant().await);
    let details = async |scope| {
        let filter = AuditFilter { action: Some(Action::SettingsChanged), ..AuditFilter::default() };
        let entries = audit::list(&t.db, scope, filter, 200, None).await.expect("the log");
        entries.into_iter().map(|entry| entry.detail).collect::<Vec<Json>>()
    };
    let both = |samples: Json| Patch {
        instance: members(json!({"max_pixels": 1000, "metrics_token": "hash"})),
        tenant: members(json!({"render_samples": samples})),
        secrets: vec!["metrics_token"],
    };
    let patch = async |scope, patch: Patch| settings::patch(&t.db, scope, Actor::system(), patch, None).await;
    patch(other, both(json!(64))).await.expect("changed");
    let of_instance = json!({
        "before": {"max_pixels": null, "metrics_token": null},
        "after": {"max_pixels": 1000, "metrics_token": "***"},
    });
    assert_eq!(details(operating).await, [of_instance]);
    assert_eq!(details(other).await, [json!({"before": {"render_samples": null}, "after": {"render_samples": 64}})]);
    patch(other, both(json!(64))).await.expect("nothing changes");
    patch(operating, Patch { instance: members(json!({"max_pixels": 7})), ..both(json!(8)) }).await.expect("changed");
    let one = json!({
        "before": {"max_pixels": 1000, "render_samples": null},
        "after": {"max_pixels": 7, "render_samples": 8},
    });
    assert_eq!((details(operating).await.len(), &details(operating).await[0]), (2, &one), "one change, one entry");
    assert_eq!(details(other).await.len(), 1);
    let stale = settings::patch(&t.db, other, Actor::system(), both(json!(9)), Some(0)).await;
    assert!(matches!(stale, Err(DbError::Stale { .. })));
    assert_eq!(details(other).await.len(), 1, "what fails leaves no entry");
}

fn library(content: &str) -> NewLibrary {
    NewLibrary {
        name: "ACME".to_owned(),
        version: "1.0.0".to_owned(),
        digest: content.to_owned(),
        address: ContentAddress::of(content.as_bytes()),
        media_type: "application/zip".to_owned(),
        materials: 3,
        diagnostics: json!([]),
    }
}

pub(crate) async fn a_library_version_has_one_content(t: Fixture) {
    let create = async |new| libraries::create(&t.db, t.scope, Actor::system(), new).await;
    let first = create(library("a")).await.expect("a library");
    assert_eq!(create(library("a")).await.expect("the same again"), first);
    assert!(matches!(create(library("b")).await, Err(DbError::Exists("library"))), "R84");
    t.wait(1.0);
    let next = create(NewLibrary { version: "1.1.0".to_owned(), ..library("b") }).await.expect("a new version");
    let found = libraries::find(&t.db, t.scope, "ACME").await.expect("a search");
    assert_eq!(found.as_ref(), Some(&next), "the newest");
    let page = libraries::list(&t.db, t.scope, PageRequest { limit: 1, after: None }).await.expect("a page");
    let rest = PageRequest { limit: 1, after: page.next };
    let rest = libraries::list(&t.db, t.scope, rest).await.expect("a page");
    assert_eq!((page.items, rest.items, rest.next), (vec![next.clone()], vec![first], None));
    libraries::delete(&t.db, t.scope, Actor::system(), next.id).await.expect("an own library");
    assert!(matches!(libraries::get(&t.db, t.scope, next.id).await, Err(DbError::NotFound("library"))));
}

pub(crate) async fn r83_f57_a_public_library_stays_its_tenants(t: Fixture) {
    let (other, _) = t.other_tenant().await;
    let mine = libraries::create(&t.db, t.scope, Actor::system(), library("a")).await.expect("a library");
    for public in [true, false] {
        let changed =
            libraries::set_public(&t.db, t.scope, Actor::system(), mine.id, public).await.expect("an own library");
        assert_eq!(changed.public, public);
        let page = libraries::list(&t.db, other, PageRequest { limit: 10, after: None }).await.expect("a page");
        assert_eq!(page.items, []);
        assert_eq!(libraries::find(&t.db, other, "ACME").await.expect("a search"), None);
        for refused in [
            libraries::get(&t.db, other, mine.id).await.err(),
            libraries::set_public(&t.db, other, Actor::system(), mine.id, !public).await.err(),
            libraries::delete(&t.db, other, Actor::system(), mine.id).await.err(),
        ] {
            assert!(matches!(refused, Some(DbError::NotFound("library"))), "{refused:?}");
        }
    }
    let theirs = libraries::create(&t.db, other, Actor::system(), library("b")).await.expect("names are per tenant");
    for (scope, own) in [(other, theirs.id), (t.scope, mine.id)] {
        let found = libraries::find(&t.db, scope, "ACME").await.expect("a search");
        assert_eq!(found.expect("a library").id, own);
    }
}

pub(crate) async fn objects_are_swept_when_nothing_refers_to_them(t: Fixture) {
    let day_s = 86_400.0;
    let [scene, loose, archive] = [&b"scene"[..], b"loose", b"archive"].map(ContentAddress::of);
    for address in [scene, loose, archive] {
        objects::record(&t.db, t.scope, NewObject::unread(address, 7, "model/gltf-binary")).await.expect("an object");
    }
    let render = t.submit().await;
    let library = NewLibrary { address: archive, ..library("a") };
    libraries::create(&t.db, t.scope, Actor::system(), library).await.expect("a library");
    let unneeded = async || collection::survey(&t.db, t.scope).await.expect("figures").objects;
    assert_eq!(unneeded().await, 0, "what was stored just now may be about to be used");
    t.wait(day_s + 1.0);
    assert_eq!(unneeded().await, 1);
    let again =
        objects::record(&t.db, t.scope, NewObject::unread(loose, 7, "model/gltf-binary")).await.expect("an object");
    let forget = async |address| objects::forget(&t.db, t.scope, address, DAY).await.expect("a database");
    assert!(!forget(loose).await, "it was stored again");
    t.wait(day_s + 1.0);
    assert!(forget(loose).await && !forget(loose).await && !forget(scene).await && !forget(archive).await);
    assert_eq!(objects::find(&t.db, t.scope, loose).await.expect("a search"), None);
    assert!(
        objects::find(&t.db, t.scope, scene).await.expect("a search").is_some_and(|o| o.created_at < again.created_at)
    );
    renders::request_cancel(&t.db, t.scope, render).await.expect("a render");
    renders::delete(&t.db, t.scope, deleter(Actor::system()), render).await.expect("it has ended");
    assert_eq!(unneeded().await, 1, "the scene");
}

pub(crate) async fn files_of_a_deleted_render_are_swept(t: Fixture) {
    let render = t.submit().await;
    let claimed = t.claim_one().await;
    t.complete_kept(&claimed).await;
    let picture = crate::engine::picture(claimed.lease).address;
    t.wait(86_401.0);
    assert!(
        !objects::forget(&t.db, t.scope, picture, DAY).await.expect("a database"),
        "a package of the render has it"
    );
    renders::delete(&t.db, t.scope, deleter(Actor::system()), render).await.expect("it has ended");
    assert!(objects::forget(&t.db, t.scope, picture, DAY).await.expect("a database"));
    let new = NewObject::unread(picture, 1, "image/png");
    for known in [Recorded::New, Recorded::Known] {
        t.wait(1.0);
        let recorded = objects::record_all(&t.db, t.scope, vec![new.clone()]).await.expect("a database");
        assert_eq!(recorded, [known]);
    }
}

pub(crate) async fn what_is_known_of_an_object_is_kept_until_it_is_known_better(t: Fixture) {
    let digests = Digests::of(&vec![7; (2 << 20) + 1]);
    let (address, size_bytes) = (digests.address, 1 + (2 << 20));
    let find = async || objects::find(&t.db, t.scope, address).await.expect("a search").expect("there");
    let unread = objects::record(&t.db, t.scope, NewObject::unread(address, size_bytes, "image/png")).await;
    let unread = unread.expect("an object");
    assert_eq!((unread.sha256, unread.digests(), unread.condition), (None, None, Condition::Whole));
    objects::learn(&t.db, t.scope, digests.clone()).await.expect("learnt");
    assert_eq!(find().await.digests(), Some(digests.clone()));
    t.wait(1.0);
    let again = objects::record(&t.db, t.scope, NewObject::unread(address, size_bytes, "image/png")).await;
    assert_eq!(again.expect("an object").digests(), Some(digests.clone()), "it is not forgotten");

    let observe = async |seen: &Object, damage| {
        let found = Found::Damaged(damage);
        scrub::observe(&t.db, t.scope, EventActor::System, (address, Some(seen)), found).await.expect("a database")
    };
    let corrupt = Damage::Corrupt(Observed { size: ByteSize::new(7).expect("a size"), address: None });
    assert_eq!(observe(&unread, corrupt).await, None, "stored since");
    assert_eq!(observe(&find().await, corrupt).await, Some(Vec::new()), "no file names it");
    t.wait(1.0);
    let damaged = objects::record_all(&t.db, t.scope, vec![NewObject::hashed(&digests, "image/png")]).await;
    assert_eq!(damaged.expect("a database"), [Recorded::Damaged]);
    let seen = find().await;
    assert_eq!(seen.condition, Condition::Corrupt, "until its bytes were stored");
    t.wait(1.0);
    objects::heal(&t.db, t.scope, address).await.expect("healed");
    assert_eq!(find().await.condition, Condition::Whole);
    assert_eq!(observe(&seen, Damage::Missing).await, None, "a reader of the bytes before says nothing about these");
    let known = objects::record_all(&t.db, t.scope, vec![NewObject::hashed(&digests, "image/png")]).await;
    assert_eq!(known.expect("a database"), [Recorded::Known]);
}

pub(crate) async fn a_render_of_a_file_that_was_swept_is_refused(t: Fixture) {
    let (grace, scene) = (Duration::from_secs(600), ContentAddress::of(b"scene"));
    t.wait(601.0);
    t.submit().await;
    assert!(!objects::forget(&t.db, t.scope, scene, grace).await.expect("a database"), "a render needs it");
    let (other, _) = t.other_tenant().await;
    t.wait(601.0);
    assert!(objects::forget(&t.db, other, scene, grace).await.expect("a database"));
    let refused = renders::create(&t.db, other, t.new_render(0), None).await;
    assert!(matches!(refused, Err(DbError::NotFound(_))), "{:?}", refused.err());
    assert_eq!(t.claim(8).await.len(), 1, "there is only the other render");
}
