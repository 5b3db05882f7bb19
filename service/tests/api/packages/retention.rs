//! A37, A39, A41–A43: how long packages are kept.

use packshot_db::TenantScope;
use packshot_db::artifacts::replay;
use packshot_db::users;
use packshot_domain::access::{Role, Scope};
use packshot_domain::audit::Actor;
use packshot_domain::id::TenantId;
use packshot_domain::time::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Remote, p, problem};
use crate::app::{Reply, TestApp, id, small};
use crate::artifacts::collect;

const WRITE: [Scope; 3] = [Scope::ArtifactsRead, Scope::ArtifactsWrite, Scope::RendersWrite];
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A package of this class.
fn of_class(class: &str) -> Value {
    let mut body = p();
    body["retention_class"] = json!(class);
    body
}

/// A tenant, and keys of a manager of projects and of an admin there.
async fn people(app: &TestApp) -> (TenantId, String, String) {
    let (tenant, manager) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
    let hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$c29tZXRoaW5nIG9mIG5vYm9keQ".to_owned();
    let new = users::NewUser {
        email: "eva@test".parse().expect("an address"),
        display_name: "Eva".parse().expect("a name"),
        role: Role::TenantAdmin,
        is_active: true,
        password: users::NewPassword { hash, is_temporary: false },
    };
    let user = users::create(&app.db, TenantScope::of(tenant), Actor::system(), new).await.expect("a user");
    let admin = app.key_of(tenant, user.id, &[Scope::Admin], None).await;
    (tenant, manager, admin)
}

impl Remote<'_> {
    /// The same package as somebody else sees it.
    fn as_seen_by<'b>(&self, app: &'b TestApp, key: &str) -> Remote<'b> {
        Remote { guest: app.with_key(key), id: self.id.clone() }
    }

    /// Finalised, with one file of these bytes.
    async fn filled(self, bytes: &[u8]) -> Self {
        assert_eq!(self.put("a.txt", bytes).await.status, 201);
        assert_eq!(self.finalize().await.status, 200);
        self
    }

    async fn delete(&self, query: &str) -> Reply {
        Reply::of(self.guest.request(Method::DELETE, &self.path(query))).await
    }

    async fn reclassify(&self, class: &str) -> Reply {
        self.guest.send(Method::PATCH, &self.path(""), &json!({"retention_class": class})).await
    }

    async fn change(&self, what: &str, reason: &str) -> Reply {
        self.guest.send(Method::POST, &self.path(what), &json!({"reason": reason})).await
    }
}

fn time(record: &Value, member: &str) -> Timestamp {
    record[member].as_str().unwrap_or_else(|| panic!("{member}: {record}")).parse().expect("a time")
}

sites! {
    async fn a41_what_is_held_stays(site) {
        let app = site.idle().await;
        let (tenant, manager, admin) = people(&app).await;
        let scope = TenantScope::of(tenant);
        let package = Remote::make(&app, &manager, &of_class("preview")).await;
        assert_eq!(package.change("/hold", "not yet").await.problem(), problem(409, "illegal_package_state"));
        let package = package.filled(b"evidence").await;
        let held = package.change("/hold", "a claim").await;
        assert_eq!((held.status, &held.json()["held"]), (200, &json!(true)), "{}", held.text());
        assert_eq!(package.delete("?reason=done").await.problem(), problem(409, "package_held"));
        app.db.move_clock(400 * DAY_MS);
        assert_eq!(collect(&app, scope).await.expired, 0);
        assert_eq!(package.guest.get(&package.path("/archive.zip")).await.status, 200);
        for (reason, status) in [("", 422), ("a\nb", 422), (&"x".repeat(1_001), 422), ("it is settled", 200)] {
            assert_eq!(package.change("/release", reason).await.status, status, "{reason:?}");
        }
        assert_eq!(package.change("/release", "again").await.status, 200, "it stays as it is");
        app.db.move_clock(2 * DAY_MS);
        assert_eq!(collect(&app, scope).await.expired, 1);
        assert_eq!((package.record().await)["status"], "expired");
        for (what, code) in [("/archive.zip", "artifact_expired")] {
            assert_eq!(package.guest.get(&package.path(what)).await.problem(), problem(410, code), "{what}");
        }
        assert_eq!(package.guest.post(&package.path("/verify")).await.problem(), problem(410, "artifact_expired"));
        assert_eq!(package.guest.get(&package.path("/manifest")).await.status, 200, "a39: the manifest stays");
        assert_eq!(package.change("/hold", "too late").await.problem(), problem(409, "illegal_package_state"));
        assert_eq!(package.delete("").await.status, 204, "unchanged");
        assert_eq!((package.record().await)["status"], "expired");
        let log = app.with_key(&admin).get("/api/v1/audit-log?object_type=package").await.json();
        let actions = log["items"].as_array().expect("a list").iter().map(|entry| entry["action"].clone());
        let mut actions: Vec<Value> = actions.collect();
        actions.reverse();
        assert_eq!(actions, ["package.held", "package.released"].map(Value::from), "both are audited");
    }

    async fn a42_who_deletes_what(site) {
        let app = site.idle().await;
        let (tenant, manager, admin) = people(&app).await;
        let output = Remote::make(&app, &manager, &of_class("render-output")).await.filled(b"output").await;
        let content = output.guest.get(&output.path("/files")).await.json()["items"][0]["links"]["content"].clone();
        let content = content.as_str().expect("a link");
        assert_eq!(output.delete("").await.status, 204);
        assert_eq!(output.delete("").await.status, 204, "again");
        assert_eq!((output.record().await)["status"], "deleted");
        assert_eq!(output.guest.get(content).await.problem(), problem(410, "artifact_expired"));
        assert_eq!(output.events().await.len(), 4, "created, ingested, finalized, deleted once");
        let lies = async || site.stored(&app).await.len();
        assert_eq!(lies().await, 1, "a37: the bytes go by collection");

        let evidence = Remote::make(&app, &manager, &p()).await.filled(b"evidence").await;
        assert_eq!(evidence.delete("?reason=done").await.problem(), problem(403, "forbidden"));
        let evidence = evidence.as_seen_by(&app, &admin);
        let unexplained = evidence.delete("").await;
        assert_eq!((unexplained.problem(), unexplained.pointers()), (problem(422, "validation_failed"), vec!["?reason".to_owned()]));
        assert_eq!(evidence.delete("?reason=a%0ab").await.status, 422);
        assert_eq!(evidence.delete("?reason=the%20claim%20is%20settled").await.status, 204);

        let job = app.with_key(&manager).submit(&small()).await;
        assert_eq!(job.status, 202, "{}", job.text());
        let of_job = app.with_key(&manager).get(&format!("/api/v1/packages?subject=render:{}", id(&job.json()))).await.json();
        let upload = Remote { guest: app.with_key(&manager), id: id(&of_job["items"][0]) };
        let in_use = upload.delete("").await;
        assert_eq!(in_use.problem(), problem(409, "package_in_use"));
        let named = in_use.json()["errors"][0]["detail"].as_str().expect("text").to_owned();
        assert!(named.contains(&id(&job.json())), "the job: {named}");

        let unfinished = Remote::make(&app, &manager, &of_class("scratch")).await;
        assert_eq!(unfinished.put("b.txt", b"unfinished").await.status, 201);
        let before = lies().await;
        assert_eq!(unfinished.delete("").await.status, 204);
        assert_eq!(lies().await, before - 1, "what was never finalised goes at once");
        assert_eq!(unfinished.put("c.txt", b"late").await.problem(), problem(409, "illegal_package_state"));
        app.db.move_clock(2 * DAY_MS);
        collect(&app, TenantScope::of(tenant)).await;
        assert_eq!(lies().await, 1, "that of the job");
    }

    async fn a43_classes_change(site) {
        let app = site.idle().await;
        let (tenant, manager, admin) = people(&app).await;
        let package = Remote::make(&app, &manager, &of_class("preview")).await.filled(b"a preview").await;
        let before = package.record().await;
        assert_eq!(time(&before, "expires_at").unix_ms() - time(&before, "finalized_at").unix_ms(), 30 * DAY_MS);
        let longer = package.reclassify("render-output").await;
        assert_eq!(longer.status, 200, "{}", longer.text());
        let record = longer.json();
        assert_eq!(record["retention_class"], "render-output");
        assert_eq!(time(&record, "expires_at").unix_ms() - time(&record, "finalized_at").unix_ms(), 365 * DAY_MS);
        for class in ["preview", "scratch", "raw-evidence"] {
            assert_eq!(package.reclassify(class).await.problem(), problem(403, "forbidden"), "{class}");
        }
        assert_eq!(package.reclassify("for-ever").await.problem(), problem(422, "unknown_retention_class"));
        let empty = package.guest.send(Method::PATCH, &package.path(""), &json!({})).await;
        assert_eq!((empty.status, empty.json()), (200, record.clone()), "nothing was asked for");
        let admin = package.as_seen_by(&app, &admin);
        let evidence = admin.reclassify("raw-evidence").await;
        assert_eq!((evidence.status, &evidence.json()["expires_at"]), (200, &Value::Null));
        assert_eq!(package.reclassify("render-output").await.problem(), problem(403, "forbidden"));
        assert_eq!(admin.reclassify("render-output").await.status, 200);
        let rebuilt = replay::rebuild(&app.db, TenantScope::of(tenant), Actor::system()).await;
        assert!(rebuilt.is_ok(), "{rebuilt:?}");
        let after = package.record().await;
        assert_eq!((&after["expires_at"], &after["retention_class"]), (&record["expires_at"], &record["retention_class"]), "after a replay");
        // A package that is not finalised changes too: its time begins later.
        let open = Remote::make(&app, &manager, &of_class("preview")).await;
        let changed = open.reclassify("render-output").await;
        assert_eq!((changed.status, &changed.json()["expires_at"]), (200, &Value::Null), "{}", changed.text());
    }
}
