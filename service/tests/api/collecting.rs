//! A33, A37–A39, A45, A46, A55: packages that are due go, and so do objects that nothing names; logs are replayed.

use packshot_db::artifacts::files;
use packshot_db::testing::tamper;
use packshot_domain::access::{Role, Scope};
use packshot_domain::artifact::{FileState, PackageStatus, RetentionClass};
use packshot_service::chores::collection;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, poll, token};
use crate::stock::Stock;

const COLLECT: &str = "/api/v1/artifacts/collect";
const REPLAY: &str = "/api/v1/artifacts/replay";
const SCRUB: &str = "/api/v1/artifacts/scrub";

/// Asks for a chore; the task when it has ended.
pub(crate) async fn chore(app: &TestApp, path: &str, body: &Value) -> Value {
    let reply = Reply::of(app.request(Method::POST, path).json(body)).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    let task = reply.json();
    let place = format!("/api/v1/tasks/{}", task["id"].as_str().expect("an id"));
    assert_eq!(reply.header("location"), Some(place.as_str()));
    assert_eq!(
        (&task["queue"], &task["job_id"], &task["result"]),
        (&json!("housekeeping"), &json!(null), &json!(null))
    );
    poll(async || app.get(&place).await.json(), |task| task["completed_at"].is_string()).await
}

async fn collect(app: &TestApp, dry_run: bool) -> Value {
    let task = chore(app, COLLECT, &json!({"dry_run": dry_run})).await;
    assert_eq!((&task["task_name"], &task["state"]), (&json!("collect"), &json!("completed")), "{task}");
    task["result"].clone()
}

async fn replay(app: &TestApp, mode: &str) -> Value {
    chore(app, REPLAY, &json!({"mode": mode})).await
}

sites! {
    async fn a37_equal_bytes_are_stored_once(site) {
        let app = site.start().await;
        let stock = Stock::of(&app).await;
        let one = stock.whole(RetentionClass::RenderOutput, &[("a", b"the same")]).await;
        let other = stock.whole(RetentionClass::RenderOutput, &[("b", b"the same"), ("c", b"its own")]).await;
        stock.wait_days(2.0);
        stock.delete(one).await;
        assert_eq!(collect(&app, false).await, json!({"expired": 0, "abandoned": 0, "objects": 0, "bytes": 0}));
        assert!(stock.has(b"the same").await, "the other package names it");
        stock.delete(other).await;
        assert!(stock.has(b"the same").await, "the bytes go by collection alone");
        assert_eq!(collect(&app, false).await, json!({"expired": 0, "abandoned": 0, "objects": 2, "bytes": 15}));
        assert!(!stock.has(b"the same").await && !stock.has(b"its own").await);
        assert_eq!(collect(&app, true).await["objects"], 0);
    }

    /// With `PACKSHOT_EVERY_REQUEST`, as `scripts/soak` sets it, 200 trials.
    async fn a38_bytes_that_are_wanted_again_stay(site) {
        let app = site.idle().await;
        let stock = Stock::of(&app).await;
        let n_trials = if std::env::var_os("PACKSHOT_EVERY_REQUEST").is_some() { 200 } else { 12 };
        let bytes: Vec<Vec<u8>> = (0..n_trials).map(|trial| format!("bytes of trial {trial}").into_bytes()).collect();
        let first = stock.package(RetentionClass::RenderOutput).await;
        for (trial, bytes) in bytes.iter().enumerate() {
            stock.ingest(first, &format!("f/{trial}"), bytes).await;
        }
        stock.wait_days(2.0);
        stock.delete(first).await;
        // Made now: one that was idle as long would be collected itself.
        let target = stock.package(RetentionClass::RawEvidence).await;
        let (db, store) = (stock.db.clone(), stock.store.clone());
        let collecting = tokio::spawn(async move { collection::sweep(&db, &store).await });
        let again = bytes.iter().enumerate().map(|(trial, bytes)| {
            let (stock, path) = (&stock, format!("again/{trial}"));
            async move { stock.ingest(target, &path, bytes).await }
        });
        let files = futures_util::future::join_all(again).await;
        collecting.await.expect("no panic");
        collection::sweep(&stock.db, &stock.store).await;
        for (file, bytes) in files.iter().zip(&bytes) {
            let read = stock.store.read(stock.scope.tenant, &file.file.address).await.expect("readable");
            assert_eq!(read, bytes.as_slice());
        }
    }

    async fn a39_packages_expire_when_they_are_due(site) {
        let app = site.start().await;
        let stock = Stock::of(&app).await;
        let evidence = stock.whole(RetentionClass::RawEvidence, &[("a", b"evidence")]).await;
        let preview = stock.whole(RetentionClass::Preview, &[("a", b"preview")]).await;
        stock.wait_days(29.999);
        collection::sweep(&stock.db, &stock.store).await;
        assert_eq!(stock.states(preview).await, [("a".to_owned(), FileState::Intact)]);
        assert!(stock.has(b"preview").await);
        stock.wait_days(0.002);
        assert_eq!(collect(&app, false).await, json!({"expired": 1, "abandoned": 0, "objects": 1, "bytes": 7}));
        assert_eq!(stock.found(preview).await.status, PackageStatus::Expired);
        assert_eq!(stock.states(preview).await, [("a".to_owned(), FileState::Expired)]);
        assert!(files::manifest(&stock.db, stock.scope, preview).await.is_ok(), "what it was stays readable");
        stock.wait_days(36_500.0);
        collection::sweep(&stock.db, &stock.store).await;
        assert_eq!(stock.states(evidence).await, [("a".to_owned(), FileState::Intact)], "evidence never expires");
        assert!(stock.has(b"evidence").await && !stock.has(b"preview").await);
    }
}

cases! {
    async fn what_was_just_stored_stays_for_a_day(engine) {
        let app = TestApp::idle(&engine).await;
        let stock = Stock::of(&app).await;
        stock.keep(b"about to be named").await;
        collection::sweep(&stock.db, &stock.store).await;
        stock.wait_days(0.99);
        collection::sweep(&stock.db, &stock.store).await;
        assert!(stock.has(b"about to be named").await);
        stock.wait_days(0.02);
        collection::sweep(&stock.db, &stock.store).await;
        assert!(!stock.has(b"about to be named").await);
    }

    async fn a45_a46_a_dry_run_says_what_goes_and_changes_nothing(engine) {
        let app = TestApp::start(&engine).await;
        let stock = Stock::of(&app).await;
        let due = stock.whole(RetentionClass::Scratch, &[("a", b"due"), ("b", b"kept by another")]).await;
        let idle = stock.package(RetentionClass::RawEvidence).await;
        stock.ingest(idle, "a", b"unfinished").await;
        let kept = stock.whole(RetentionClass::RawEvidence, &[("a", b"kept by another")]).await;
        stock.wait_days(0.9);
        assert_eq!(collect(&app, true).await, json!({"expired": 0, "abandoned": 0, "objects": 0, "bytes": 0}));
        stock.wait_days(1.2);
        let expected = json!({"expired": 1, "abandoned": 1, "objects": 2, "bytes": 13});
        assert_eq!(collect(&app, true).await, expected);
        assert_eq!(stock.found(due).await.status, PackageStatus::Finalized);
        assert_eq!(stock.found(idle).await.status, PackageStatus::Created);
        assert!(stock.has(b"due").await && stock.has(b"unfinished").await);
        assert_eq!(collect(&app, false).await, expected, "the same");
        assert_eq!(stock.found(due).await.status, PackageStatus::Expired);
        assert_eq!(stock.found(idle).await.status, PackageStatus::Deleted);
        assert_eq!(stock.states(kept).await, [("a".to_owned(), FileState::Intact)]);
        assert!(!stock.has(b"due").await && !stock.has(b"unfinished").await && stock.has(b"kept by another").await);
    }

    async fn a35_orphans_are_removed_after_a_day(engine) {
        let app = TestApp::idle(&engine).await;
        let stock = Stock::of(&app).await;
        let kept = stock.whole(RetentionClass::RawEvidence, &[("a", b"known")]).await;
        let put = async |bytes: &'static [u8]| {
            stock.store.put(stock.scope.tenant, bytes.into()).await.expect("put");
        };
        put(b"left by a crash").await;
        collection::sweep(&stock.db, &stock.store).await;
        assert!(stock.has(b"left by a crash").await, "it may be about to be recorded");
        stock.wait_days(1.01);
        collection::sweep(&stock.db, &stock.store).await;
        assert!(!stock.has(b"left by a crash").await && stock.has(b"known").await);
        assert_eq!(stock.states(kept).await, [("a".to_owned(), FileState::Intact)]);
    }

    async fn a33_a_replay_finds_tampering(engine) {
        let app = TestApp::start(&engine).await;
        let stock = Stock::of(&app).await;
        let package = stock.whole(RetentionClass::RawEvidence, &[("a", b"bytes")]).await;
        let none = json!({
            "mode": "verify", "tenants": 1, "events": 3, "packages": 1, "files": 1, "differences": [], "n_differences": 0,
        });
        assert_eq!(replay(&app, "verify").await["result"], none);
        tamper(&stock.db, stock.scope, "UPDATE artifact_packages SET name = 'other'").await.expect("changed");
        let found = replay(&app, "verify").await["result"].clone();
        let difference = json!([{
            "tenant_id": stock.scope.tenant.to_string(), "table": "artifact_packages", "row": package.to_string(),
            "column": "name", "kind": "column",
        }]);
        assert_eq!((&found["differences"], &found["n_differences"]), (&difference, &json!(1)));
        assert_eq!(stock.found(package).await.name.to_string(), "other", "nothing was changed");
        let rebuilt = replay(&app, "rebuild").await["result"].clone();
        assert_eq!((&rebuilt["mode"], &rebuilt["differences"]), (&json!("rebuild"), &difference));
        assert_eq!(stock.found(package).await.name.to_string(), "p");
        assert_eq!(replay(&app, "verify").await["result"], none);
        let log = app.get("/api/v1/audit-log?action=artifacts.replayed").await.json();
        let asked = log["items"].as_array().expect("a list").iter().filter(|entry| entry["object_type"] == "task");
        assert_eq!(asked.count(), 4, "{log}");

        // The counter says that there was one more event.
        tamper(&stock.db, stock.scope, "UPDATE counters SET value = value + 1 WHERE name = 'artifacts'").await.expect("changed");
        for mode in ["verify", "rebuild"] {
            let task = replay(&app, mode).await;
            assert_eq!((&task["state"], &task["error"]["code"]), (&json!("failed"), &json!("event_gap")), "{task}");
            assert!(task["error"]["detail"].as_str().is_some_and(|detail| detail.contains("the event 4 ")), "{task}");
            assert_eq!((&task["attempt"], task["error"]["help"].is_string()), (&json!(1), true), "it is not tried again");
        }
        let forged = "INSERT INTO artifact_events \
                      (tenant_id, sequence, event_type, package_id, actor, payload, payload_digest, created_at) \
                      SELECT e.tenant_id, 4, e.event_type, e.package_id, e.actor, e.payload, o.payload_digest, e.created_at \
                      FROM artifact_events e JOIN artifact_events o ON o.sequence = 2 WHERE e.sequence = 1";
        tamper(&stock.db, stock.scope, forged).await.expect("forged");
        let task = replay(&app, "rebuild").await;
        assert_eq!((&task["state"], &task["error"]["code"]), (&json!("failed"), &json!("event_corrupt")), "{task}");
        assert_eq!(stock.found(package).await.name.to_string(), "p", "the views are untouched");
    }

    async fn a55_who_may_ask_for_a_chore(engine) {
        let app = TestApp::idle(&engine).await;
        let operating = app.scope().await.tenant;
        let (beta, beta_admin) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let ask = async |key: &str, path: &str| {
            let guest: Guest<'_> = app.with_key(key);
            let body = if path == REPLAY { json!({"mode": "verify"}) } else { json!({}) };
            guest.send(Method::POST, path, &body).await
        };
        let status = async |key: &str| {
            let mut statuses = Vec::new();
            for path in [COLLECT, REPLAY, SCRUB] {
                let reply = ask(key, path).await;
                if reply.status == 403 {
                    assert_eq!(reply.problem().1, "forbidden", "{path}");
                }
                statuses.push(reply.status);
            }
            statuses
        };
        assert_eq!(status(&beta_admin).await, [202, 403, 403], "the installation is not beta's");
        for (tenant, role, expected) in [
            (operating, Role::GlobalAdmin, [202, 202, 202]),
            (operating, Role::TenantAdmin, [202, 202, 202]),
            (operating, Role::ProjectManager, [403, 403, 403]),
            (operating, Role::Client, [403, 403, 403]),
            (beta, Role::ProjectManager, [403, 403, 403]),
            (beta, Role::Client, [403, 403, 403]),
        ] {
            let person = app.person(tenant, &format!("{}-{role}@test", if tenant == beta { "beta" } else { "own" }), role).await;
            assert_eq!(status(token(&person)).await, expected, "{role} of {tenant}");
        }
        // What is asked for the whole installation is its operators' to see.
        let own = app.with_key(&beta_admin).get("/api/v1/tasks").await.json();
        assert!(own["items"].as_array().expect("a list").iter().all(|task| task["task_name"] == "collect"), "{own}");
        let refused = app.with_key(&beta_admin).send(Method::POST, COLLECT, &json!({"dry_run": 1, "now": true})).await;
        assert_eq!((refused.problem().0, refused.pointers()), (422, vec!["/dry_run".to_owned(), "/now".to_owned()]));
    }
}
