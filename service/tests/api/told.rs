//! N01, N09–N13, N22, O06, O09, O10, O13, O19, O32, T80: who is told what of orders and imports, and large orders.

use std::collections::BTreeSet;

use packshot_db::{AllTenants, channels};
use packshot_domain::access::{Role, Scope};
use packshot_domain::channel::{AlertType, Message, Severity};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, PASSWORD, Reply, TestApp, endless, id, small, token};
use crate::dispatch::{Studio, lines};

/// People of a tenant, and what a line of an order is of.
struct Office<'a> {
    app: &'a TestApp,
    admin: Guest<'a>,
    line: Value,
}

impl<'a> Office<'a> {
    async fn open(app: &'a TestApp) -> Self {
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let admin = app.with_key(&key);
        let product = admin.send(Method::POST, "/api/v1/products", &json!({"pim_id": "6204", "name": "Lager"})).await;
        let output_type = admin.send(Method::POST, "/api/v1/output-types", &json!({"name": "Front"})).await;
        let line = json!({"product_id": id(&product.json()), "output_type_id": id(&output_type.json())});
        Self { app, admin, line }
    }

    async fn person(&self, name: &str, role: Role) -> Guest<'a> {
        let email = format!("{name}@example.com");
        let new = json!({"email": email, "display_name": name, "role": role.as_str(), "password": PASSWORD});
        assert_eq!(self.admin.send(Method::POST, "/api/v1/users", &new).await.status, 201);
        let tokens = self.app.sign_in(&json!({"email": email, "password": PASSWORD, "tenant": "alpha"})).await;
        self.app.with_key(token(&tokens.json()))
    }

    /// An order of a client, submitted.
    async fn submitted(&self, client: &Guest<'_>) -> Value {
        let order = client.send(Method::POST, "/api/orders", &json!({"lines": [self.line]})).await.json();
        act(client, &order, "submit", json!({})).await
    }
}

async fn act(guest: &Guest<'_>, order: &Value, action: &str, body: Value) -> Value {
    let done = guest.send(Method::POST, &format!("/api/orders/{}/{action}", id(order)), &body).await;
    assert_eq!(done.status, 200, "{action}: {}", done.text());
    done.json()
}

/// Type and message of a person's notifications, oldest first.
async fn told(guest: &Guest<'_>) -> Vec<(String, String)> {
    let page = guest.get("/api/notifications").await.json();
    assert_eq!(page["unread_count"], json!(page["items"].as_array().map(Vec::len)));
    said(&page)
}

fn said(page: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let items = page["items"].as_array().expect("items").iter().rev();
    items.map(|item| (text(&item["event_type"]), text(&item["message"]))).collect()
}

fn entry(event_type: &str, message: impl Into<String>) -> (String, String) {
    (event_type.to_owned(), message.into())
}

cases! {
    async fn o06_o09_o32_n12_the_creator_is_told_of_a_rejection(engine) {
        let app = TestApp::idle(&engine).await;
        let office = Office::open(&app).await;
        let manager = office.person("manager", Role::ProjectManager).await;
        let client = office.person("client", Role::Client).await;
        let order = office.submitted(&client).await;
        let number = order["order_number"].as_str().expect("a number");
        let rejected = act(&manager, &order, "reject", json!({"reason": " Wrong housing ", "notify_client": true})).await;
        assert_eq!((&rejected["status"], &rejected["rejection_reason"]), (&json!("rejected"), &json!("Wrong housing")));
        assert!(rejected["rejected_at"].is_string());
        let message = format!("Your order #{number} was rejected. Reason: Wrong housing");
        assert_eq!(told(&client).await, [entry("order.rejected", message.clone())]);
        let page = client.get("/api/notifications?unread=true&event_type=order.rejected").await.json();
        let only = &page["items"][0];
        assert_eq!((&only["channel"], &only["seq"], &only["read_at"]), (&json!("notification"), &json!(1), &json!(null)));
        assert_eq!((&only["subject"], &only["order_id"]), (&json!({"kind": "order", "id": id(&order)}), &json!(id(&order))));
        assert_eq!(client.get("/api/notifications?unread=false").await.json()["items"], json!([]));

        // By default they are told; with `notify_client: false` they are not, and the activity has it all the same.
        let [silent, loud] = [office.submitted(&client).await, office.submitted(&client).await];
        act(&manager, &silent, "reject", json!({"reason": "x", "notify_client": false})).await;
        act(&manager, &loud, "reject", json!({"reason": "y"})).await;
        let number = loud["order_number"].as_str().expect("a number");
        assert_eq!(told(&client).await[1..], [entry("order.rejected", format!("Your order #{number} was rejected. Reason: y"))]);
        for order in [&silent, &loud] {
            let path = format!("/api/activity?event_type=order.rejected&order_id={}", id(order));
            assert_eq!(client.get(&path).await.json()["items"].as_array().map(Vec::len), Some(1));
        }
        let told = manager.get("/api/notifications?event_type=order.rejected").await.json();
        assert_eq!(told["items"], json!([]), "whoever rejects is not told of it");
        for query in ["unread=maybe", "event_type=order.lost", "limit=0"] {
            assert_eq!(client.get(&format!("/api/notifications?{query}")).await.status, 422, "{query}");
        }
    }

    async fn o10_o13_n11_n13_managers_are_told_and_all_is_noted(engine) {
        let app = TestApp::idle(&engine).await;
        let office = Office::open(&app).await;
        let client = office.person("client", Role::Client).await;
        // Without a project manager the admins of the tenant are told.
        let first = office.submitted(&client).await;
        let number = first["order_number"].as_str().expect("a number");
        assert_eq!(told(&office.admin).await, [entry("order.submitted", format!("Order #{number} submitted: 1 line"))]);
        let managers = [office.person("one", Role::ProjectManager).await, office.person("two", Role::ProjectManager).await];
        let order = office.submitted(&client).await;
        let number = order["order_number"].as_str().expect("a number");
        act(&managers[0], &order, "reject", json!({"reason": "Wrong housing"})).await;
        act(&client, &order, "resubmit", json!({})).await;
        act(&client, &order, "submit", json!({})).await;
        let submitted = entry("order.submitted", format!("Order #{number} submitted: 1 line"));
        let resubmitted = entry("order.resubmitted", format!("Order #{number} was resubmitted"));
        for manager in &managers {
            assert_eq!(told(manager).await, [submitted.clone(), resubmitted.clone(), submitted.clone()]);
        }
        assert_eq!(told(&office.admin).await.len(), 1, "there are managers now");

        let activity = managers[1].get(&format!("/api/activity?event_type=order.*&order_id={}", id(&order))).await.json();
        let types: Vec<String> = said(&activity).into_iter().map(|(event_type, _)| event_type).collect();
        assert_eq!(types, ["order.created", "order.submitted", "order.rejected", "order.resubmitted", "order.submitted"]);
        let rejection = activity["items"].as_array().expect("entries").iter().find(|entry| entry["event_type"] == "order.rejected").expect("it");
        assert!(rejection["actor_id"].is_string() && rejection["channel"] == "activity", "{rejection}");
        let audit = office.admin.get(&format!("/api/v1/audit-log?object_id={}", id(&order))).await.json();
        let of = |action: &str| audit["items"].as_array().expect("entries").iter().filter(|entry| entry["action"] == action).cloned().collect::<Vec<_>>();
        assert_eq!((of("order.rejected").len(), of("order.resubmitted").len()), (1, 1), "{audit}");
        assert_eq!((&of("order.rejected")[0]["reason"], &of("order.rejected")[0]["object_id"]), (&json!("Wrong housing"), &json!(id(&order))));
        assert!(of("order.rejected")[0]["actor_id"].is_string());

        // A client sees what was done with own orders, and alerts are for admins.
        let other = office.person("other", Role::Client).await;
        assert_eq!(other.get("/api/activity").await.json()["items"], json!([]));
        assert!(client.get("/api/activity").await.json()["items"].as_array().expect("entries").len() >= 6);
        assert_eq!(client.get("/api/v1/alerts").await.problem(), (403, "forbidden".to_owned()));
        assert_eq!(office.admin.get("/api/v1/alerts").await.json(), json!({"items": [], "next_cursor": null}));
    }

    async fn n01_each_entry_is_in_the_list_of_its_channel(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let front = studio.output_type("Front", small(), json!({})).await;
        let order = studio.order(&[&front, &front]).await;
        for action in ["submit", "dispatch"] {
            assert_eq!(studio.act(&order, action).await.status, 200, "{action}");
        }
        studio.order_when(&order, "completed").await;
        let tenant = id(&studio.admin.get("/api/v1/tenant").await.json()).parse().expect("an id");
        let of = (AlertType::WorkerRecovery, Severity::Warning);
        let stalled = Message::new("Stalled");
        channels::alert(&app.db, AllTenants::Housekeeping, tenant, of, stalled, json!({})).await.expect("told");
        let mut ids = BTreeSet::new();
        for (path, channel, n_min) in
            [("/api/activity", "activity", 6), ("/api/notifications", "notification", 2), ("/api/v1/alerts", "alert", 1)]
        {
            let page = studio.admin.get(&format!("{path}?limit=100")).await.json();
            let items = page["items"].as_array().expect("a list");
            assert!(items.len() >= n_min, "{path}: {page}");
            for item in items {
                assert_eq!(item["channel"], channel, "{item}");
                assert!(ids.insert(id(item)), "in two lists: {item}");
            }
        }
    }

    async fn n22_changes_of_an_order_are_in_the_activity(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let front = studio.output_type("Front", endless(), json!({})).await;
        let order = studio.order(&[&front]).await;
        let line = lines(&order).remove(0);
        let change = async |action: &str, body: Value| act(&studio.admin, &order, action, body).await;
        change("submit", json!({})).await;
        change("dispatch", json!({})).await;
        studio.line_when(&line, "processing").await;
        change("reject", json!({"reason": "Wrong housing"})).await;
        studio.line_when(&line, "cancelled").await;
        change("resubmit", json!({})).await;
        let shorter = json!({"render_settings": small()});
        assert_eq!(studio.admin.send(Method::PATCH, &format!("/api/v1/output-types/{front}"), &shorter).await.status, 200);
        change("submit", json!({})).await;
        change("dispatch", json!({})).await;
        studio.order_when(&order, "completed").await;

        let path = format!("/api/activity?event_type=order.*&order_id={}", id(&order));
        let activity = studio.admin.get(&path).await.json();
        let types: Vec<String> = said(&activity).into_iter().map(|(event_type, _)| event_type).collect();
        assert_eq!(types, [
            "order.created", "order.submitted", "order.processing", "order.rejected", "order.resubmitted", "order.submitted",
            "order.processing", "order.completed",
        ]);
        let entries = activity["items"].as_array().expect("entries");
        assert!(entries.iter().all(|entry| entry["subject"] == json!({"kind": "order", "id": id(&order)})), "{activity}");
        // Each is by whoever the history names; the end of the last line is nobody's doing.
        let history = studio.admin.get(&format!("/api/orders/{}/history", id(&order))).await.json();
        let actors = |page: &Value| -> Vec<Value> {
            page["items"].as_array().expect("items").iter().map(|of| of["actor_id"].clone()).collect()
        };
        let mut noted = actors(&activity);
        noted.reverse();
        assert_eq!(noted[1..], actors(&history));
        assert!(noted[..7].iter().all(Value::is_string) && noted[7].is_null(), "{activity}");
        let by_it = studio.admin.get(&format!("{path}&actor_id={}", noted[0].as_str().expect("an id"))).await.json();
        assert_eq!(said(&by_it), said(&activity)[..7]);
    }

    async fn t80_a_large_order_is_dispatched_whatever_waits(engine) {
        let app = TestApp::idle(&engine).await;
        app.configure(&json!({"max_queued_jobs": 2})).await;
        let admin = app.with_key(&app.operating_key(&[Scope::Admin]).await);
        let form = Form::new().part("file", Part::bytes(crate::glb::Glb::body()).file_name("part.glb"));
        let file = Reply::of(admin.request(Method::POST, "/api/v1/cad-files").multipart(form)).await.json();
        let product = json!({"pim_id": "6204", "name": "Lager", "cad_file_id": id(&file)});
        let product = admin.send(Method::POST, "/api/v1/products", &product).await.json();
        let output_type = admin.send(Method::POST, "/api/v1/output-types", &json!({"name": "Front"})).await.json();
        let line = json!({"product_id": id(&product), "output_type_id": id(&output_type)});
        let order = admin.send(Method::POST, "/api/orders", &json!({"lines": vec![line; 50]})).await.json();
        let dispatched = act(&admin, &order, "dispatch", json!({})).await;
        let results = dispatched["results"].as_array().expect("results");
        assert!(results.len() == 50 && results.iter().all(|result| result["error"].is_null()), "{dispatched}");
        let form = Form::new().part("glb", Part::bytes(crate::glb::Glb::body()).file_name("part.glb"));
        let refused = Reply::of(admin.request(Method::POST, "/api/v1/renders").multipart(form)).await;
        assert_eq!(refused.problem(), (429, "queue_full".to_owned()), "its jobs count");
    }

    /// N21: CAD files, imports and media; designs are in `designs/life.rs`.
    async fn o19_n09_n10_n21_imports_and_uploads_are_told(engine) {
        let app = TestApp::idle(&engine).await;
        let office = Office::open(&app).await;
        let manager = office.person("manager", Role::ProjectManager).await;
        let import = async |rows: &str| {
            let form = Form::new().part("file", Part::bytes(rows.to_owned().into_bytes()).file_name("products.csv"));
            Reply::of(manager.request(Method::POST, "/api/v1/imports").multipart(form)).await.json()
        };
        let without: String = (0..12).map(|i| format!(",Nr {i}\n")).collect();
        let nothing = import(&format!("pim_id,name\n{without}")).await;
        assert_eq!((&nothing["imported"], &nothing["skipped"]), (&json!(0), &json!(12)));
        let with: String = (0..8).map(|i| format!("P{i},Nr {i}\n")).collect();
        let mixed = import(&format!("pim_id,name\n{with}{without}")).await;
        assert_eq!(told(&manager).await, [
            entry("excel.imported", "Excel import failed: 12 products skipped (see import log)"),
            entry("excel.imported", "Excel import finished: 8 imported, 0 updated, 12 skipped (see import log)"),
        ]);
        let newest = manager.get("/api/notifications").await.json()["items"][0].clone();
        assert_eq!(newest["data"], json!({"imported": 8, "updated": 0, "skipped": 12}));
        assert_eq!(newest["subject"], json!({"kind": "import", "id": id(&mixed)}));
        let form = Form::new().part("file", Part::bytes(crate::glb::Glb::body()).file_name("part.glb"));
        let file = Reply::of(manager.request(Method::POST, "/api/v1/cad-files").multipart(form)).await.json();
        let picture = Part::bytes(crate::media_files::picture(2, 2, 1.0)).file_name("front.png");
        let picture = manager.request(Method::POST, "/api/media/assets").multipart(Form::new().part("file", picture));
        let picture = Reply::of(picture).await.json();
        let activity = manager.get("/api/activity?event_type=cad_file.*&event_type=excel.*&event_type=media.*").await.json();
        let own = manager.get("/api/v1/me").await.json()["user"]["id"].clone();
        let subject = |kind: &str, of: &Value| json!({"kind": kind, "id": id(of)});
        let expected = [
            ("media.uploaded", subject("media_asset", &picture)),
            ("cad_file.uploaded", subject("cad_file", &file)),
            ("excel.imported", subject("import", &mixed)),
            ("excel.imported", subject("import", &nothing)),
        ];
        let entries = activity["items"].as_array().expect("entries");
        assert_eq!(entries.len(), expected.len(), "{activity}");
        for (entry, (event_type, subject)) in entries.iter().zip(&expected) {
            assert_eq!((&entry["event_type"], &entry["subject"], &entry["actor_id"]), (&json!(event_type), subject, &own));
        }
    }
}
