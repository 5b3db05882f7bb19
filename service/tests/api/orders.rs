//! O01, O07, O11, O12, O14, O18, O27, O28, O33–O37, O50, O51, T04, T83: orders and their lines.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Guest, PASSWORD, Reply, TestApp, id, token};

const PATH: &str = "/api/orders";
/// An id that nothing has.
const MISSING: &str = "0193b2a0-0000-7000-8000-000000000000";

/// A tenant with an admin, with one product and one output type.
struct Shop<'a> {
    app: &'a TestApp,
    admin: Guest<'a>,
    line: Value,
}

impl<'a> Shop<'a> {
    async fn open(app: &'a TestApp) -> Self {
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let admin = app.with_key(&key);
        let product = admin.send(Method::POST, "/api/v1/products", &json!({"pim_id": "6204", "name": "Lager"})).await;
        let output_type = admin.send(Method::POST, "/api/v1/output-types", &json!({"name": "Front"})).await;
        let line = json!({"product_id": id(&product.json()), "output_type_id": id(&output_type.json())});
        Self { app, admin, line }
    }

    /// Somebody of the tenant who has signed in.
    async fn person(&self, email: &str, role: Role) -> Guest<'a> {
        let new = json!({"email": email, "display_name": "Somebody", "role": role.as_str(), "password": PASSWORD});
        let made = self.admin.send(Method::POST, "/api/v1/users", &new).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let tokens = self.app.sign_in(&json!({"email": email, "password": PASSWORD, "tenant": "alpha"})).await;
        assert_eq!(tokens.status, 200, "{}", tokens.text());
        self.app.with_key(token(&tokens.json()))
    }

    async fn order(&self, guest: &Guest<'_>, n_lines: usize) -> Value {
        let lines = vec![self.line.clone(); n_lines];
        let made = guest.send(Method::POST, PATH, &json!({"lines": lines})).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let order = made.json();
        assert_eq!(made.header("location"), Some(format!("{PATH}/{}", id(&order)).as_str()));
        order
    }
}

async fn act(guest: &Guest<'_>, order: &Value, action: &str) -> Reply {
    guest.post(&format!("{PATH}/{}/{action}", id(order))).await
}

async fn reject(guest: &Guest<'_>, order: &Value, reason: &str) -> Reply {
    guest.send(Method::POST, &format!("{PATH}/{}/reject", id(order)), &json!({"reason": reason})).await
}

async fn read(guest: &Guest<'_>, order: &Value) -> Value {
    guest.get(&format!("{PATH}/{}", id(order))).await.json()
}

async fn delete(guest: &Guest<'_>, path: &str) -> Reply {
    Reply::of(guest.request(Method::DELETE, path)).await
}

cases! {
    async fn o01_o36_a_draft_is_edited_until_it_is_submitted(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let guest = &shop.admin;
        let new = json!({"order_number": "PO 4711/ü", "notes": "Frühjahr\nzwei Zeilen", "lines": [shop.line], "customer": "ignored"});
        let made = guest.send(Method::POST, PATH, &new).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let order = made.json();
        assert_eq!((&order["status"], &order["order_number"], &order["notes"]), (&json!("draft"), &json!("PO 4711/ü"), &json!("Frühjahr\nzwei Zeilen")));
        let line = order["lines"][0].clone();
        assert_eq!((&line["render_status"], &line["result_path"], &line["asset_ids"]), (&json!("pending"), &json!(null), &json!([])));
        let counts = json!({"total": 1, "pending": 1, "processing": 0, "completed": 0, "failed": 0, "cancelled": 0});
        assert_eq!((&order["line_counts"], &order["submission_no"]), (&counts, &json!(0)));
        assert_eq!(read(guest, &order).await, order);
        assert_eq!(guest.get(&format!("/api/v1/order-lines/{}", id(&line))).await.json(), line);
        let page = guest.get(&format!("{PATH}?status=draft")).await.json();
        assert_eq!((&page["items"][0]["id"], &page["items"][0]["line_counts"]), (&order["id"], &counts));
        assert_eq!((page["items"][0].get("lines"), guest.get(&format!("{PATH}?status=completed")).await.json()["items"].clone()), (None, json!([])));

        let numbered = async |number: &str| guest.get(&format!("{PATH}?order_number={number}")).await.json()["items"].clone();
        assert_eq!(numbered("PO%204711/%C3%BC").await[0]["id"], order["id"]);
        assert_eq!(numbered("PO%204711").await, json!([]));

        let own = format!("{PATH}/{}", id(&order));
        let edited = guest.send(Method::PATCH, &own, &json!({"notes": null, "unknown": 1})).await;
        assert_eq!((edited.status, &edited.json()["notes"], &edited.json()["order_number"]), (200, &json!(null), &json!("PO 4711/ü")));
        let added = guest.send(Method::POST, &format!("{own}/lines"), &shop.line).await;
        assert_eq!(added.status, 201, "{}", added.text());
        assert_eq!(read(guest, &order).await["lines"][1], added.json());
        let of_line = format!("{own}/lines/{}", id(&added.json()));
        assert_eq!(delete(guest, &of_line).await.status, 204);
        assert_eq!(delete(guest, &of_line).await.problem(), (404, "order_line_not_found".to_owned()));
        for (body, pointer) in [
            (json!({"product_id": MISSING, "output_type_id": shop.line["output_type_id"]}), "/product_id"),
            (json!({"product_id": shop.line["product_id"], "output_type_id": MISSING}), "/output_type_id"),
            (json!({"product_id": shop.line["product_id"]}), "/output_type_id"),
        ] {
            let refused = guest.send(Method::POST, &format!("{own}/lines"), &body).await;
            assert_eq!((refused.status, refused.pointers()), (422, vec![pointer.to_owned()]), "{body}");
        }
        let refused = guest.send(Method::POST, PATH, &json!({"lines": [shop.line, {"product_id": MISSING, "output_type_id": MISSING}]})).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec!["/lines/1/product_id".to_owned()]));

        let submitted = act(guest, &order, "submit").await;
        assert_eq!((submitted.status, &submitted.json()["status"], &submitted.json()["submission_no"]), (200, &json!("submitted"), &json!(1)));
        assert!(submitted.json()["submitted_at"].is_string() && submitted.json()["completed_at"].is_null());
        let before = read(guest, &order).await;
        let not_editable = (409, "order_not_editable".to_owned());
        assert_eq!(guest.send(Method::PATCH, &own, &json!({"notes": "x"})).await.problem(), not_editable);
        assert_eq!(guest.send(Method::POST, &format!("{own}/lines"), &shop.line).await.problem(), not_editable);
        assert_eq!(delete(guest, &format!("{own}/lines/{}", id(&line))).await.problem(), not_editable);
        assert_eq!(delete(guest, &own).await.problem(), not_editable);
        assert_eq!(act(guest, &order, "submit").await.problem(), (409, "order_not_submittable".to_owned()));
        assert_eq!(read(guest, &order).await, before, "nothing has changed");
    }

    async fn o35_drafts_are_deleted_and_empty_ones_not_submitted(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let order = shop.order(&shop.admin, 0).await;
        assert_eq!(act(&shop.admin, &order, "submit").await.problem(), (422, "order_empty".to_owned()));
        let own = format!("{PATH}/{}", id(&order));
        assert_eq!(delete(&shop.admin, &own).await.status, 204);
        for refused in [shop.admin.get(&own).await, delete(&shop.admin, &own).await, act(&shop.admin, &order, "submit").await] {
            assert_eq!(refused.problem(), (404, "order_not_found".to_owned()));
        }
    }

    async fn o12_o27_o28_o33_a_rejected_order_is_opened_again(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let client = shop.person("client@test", Role::Client).await;
        let order = shop.order(&client, 2).await;
        assert_eq!(reject(&shop.admin, &order, "x").await.problem(), (409, "order_not_rejectable".to_owned()), "a draft");
        assert_eq!(act(&client, &order, "resubmit").await.problem(), (409, "order_not_rejected".to_owned()));
        act(&client, &order, "submit").await;
        let reason = "Wrong housing";
        let rejected = reject(&shop.admin, &order, reason).await;
        assert_eq!((rejected.status, &rejected.json()["status"], &rejected.json()["rejection_reason"]), (200, &json!("rejected"), &json!(reason)));
        assert_eq!(rejected.json()["line_counts"]["cancelled"], 2);
        assert!(rejected.json()["rejected_at"].is_string());
        assert_eq!(reject(&shop.admin, &order, "again").await.problem(), (409, "order_not_rejectable".to_owned()));
        let opened = act(&client, &order, "resubmit").await;
        let opened = (opened.status, opened.json());
        assert_eq!((opened.0, &opened.1["status"], &opened.1["rejected_at"], &opened.1["rejection_reason"]), (200, &json!("draft"), &json!(null), &json!(null)));
        assert_eq!((&opened.1["id"], &opened.1["order_number"]), (&order["id"], &order["order_number"]));
        assert_eq!((&opened.1["line_counts"]["pending"], &opened.1["lines"][0]["render_completed_at"]), (&json!(2), &json!(null)));
        let added = client.send(Method::POST, &format!("{PATH}/{}/lines", id(&order)), &shop.line).await;
        assert_eq!(added.status, 201, "lines can be edited");
        assert_eq!(act(&client, &order, "submit").await.json()["submission_no"], 2);

        let history = client.get(&format!("{PATH}/{}/history", id(&order))).await.json();
        let changes = history["items"].as_array().expect("a list");
        let [first, second, third, fourth] = &changes[..] else { panic!("{history}") };
        let states = |change: &Value| (change["from_status"].clone(), change["to_status"].clone(), change["submission_no"].clone());
        assert_eq!(states(first), (json!("draft"), json!("submitted"), json!(1)));
        assert_eq!(states(second), (json!("submitted"), json!("rejected"), json!(1)));
        assert_eq!(states(third), (json!("rejected"), json!("draft"), json!(1)));
        assert_eq!(states(fourth), (json!("draft"), json!("submitted"), json!(2)));
        assert_eq!((&second["reason"], &third["reason"]), (&json!(reason), &json!(null)));
        let seqs: Vec<&Value> = changes.iter().map(|change| &change["seq"]).collect();
        assert_eq!(seqs, [&json!(1), &json!(2), &json!(3), &json!(4)]);
        assert!(changes.iter().all(|change| change["actor_id"].is_string() && change["at"].is_string()), "{history}");
    }

    async fn o11_o14_t83_the_client_reads_the_reason_and_the_audit_log_has_it(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let client = shop.person("client@test", Role::Client).await;
        let order = shop.order(&client, 1).await;
        act(&client, &order, "submit").await;
        let reason = format!("Größe falsch:\n{}", "ü".repeat(1_986));
        assert_eq!(reason.chars().count(), 2_000);
        assert_eq!(reject(&shop.admin, &order, &reason).await.status, 200);
        let seen = read(&client, &order).await;
        assert_eq!((&seen["status"], &seen["rejection_reason"]), (&json!("rejected"), &json!(reason)));
        act(&client, &order, "resubmit").await;
        for (action, said) in [("order.rejected", json!(reason)), ("order.resubmitted", json!(null))] {
            let log = shop.admin.get(&format!("/api/v1/audit-log?action={action}")).await.json();
            let entry = &log["items"][0];
            assert_eq!((&entry["object_id"], &entry["reason"]), (&order["id"], &said), "{entry}");
            assert!(entry["actor_id"].is_string() && entry["request_id"].is_string(), "{entry}");
        }
    }

    async fn o07_who_may_reject(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let client = shop.person("client@test", Role::Client).await;
        let manager = shop.person("manager@test", Role::ProjectManager).await;
        for guest in [&manager, &shop.admin] {
            let order = shop.order(&client, 1).await;
            act(&client, &order, "submit").await;
            assert_eq!(reject(&client, &order, "x").await.problem(), (403, "forbidden".to_owned()));
            assert_eq!(read(&client, &order).await["status"], "submitted");
            assert_eq!(reject(guest, &order, "x").await.status, 200);
        }
    }

    async fn o18_an_order_has_at_most_so_many_lines(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let many = |n: usize| json!({"lines": vec![shop.line.clone(); n]});
        let refused = shop.admin.send(Method::POST, PATH, &many(501)).await;
        assert_eq!((refused.problem(), refused.pointers()), ((422, "order_too_large".to_owned()), vec!["/lines".to_owned()]));
        let made = shop.admin.send(Method::POST, PATH, &many(500)).await;
        assert_eq!((made.status, &made.json()["line_counts"]["total"]), (201, &json!(500)), "{}", made.text());
        let lines = format!("{PATH}/{}/lines", id(&made.json()));
        assert_eq!(shop.admin.send(Method::POST, &lines, &shop.line).await.problem(), (422, "order_too_large".to_owned()));
        let config = json!({"max_order_size": 501});
        assert_eq!(shop.admin.send(Method::PATCH, "/api/v1/tenant/config", &config).await.status, 200);
        assert_eq!(shop.admin.send(Method::POST, &lines, &shop.line).await.status, 201);
    }

    async fn o37_numbers_run_through_the_year(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let year = &app.db.now().await.expect("a time").to_string()[..4];
        let taken = json!({"order_number": format!("ORD-{year}-003")});
        let made = shop.admin.send(Method::POST, PATH, &taken).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let orders = join_all((0..8).map(|_| shop.order(&shop.admin, 1))).await;
        let numbers: BTreeSet<String> = orders.iter().map(|order| order["order_number"].as_str().expect("text").to_owned()).collect();
        // The third was given by a person.
        let expected: BTreeSet<String> = [1, 2, 4, 5, 6, 7, 8, 9].map(|n| format!("ORD-{year}-{n:03}")).into();
        assert_eq!(numbers, expected);
        let again = shop.admin.send(Method::POST, PATH, &taken).await;
        assert_eq!((again.problem(), again.pointers()), ((409, "order_number_exists".to_owned()), vec!["/order_number".to_owned()]));
        let renamed = shop.admin.send(Method::PATCH, &format!("{PATH}/{}", id(&orders[0])), &taken).await;
        assert_eq!(renamed.problem(), (409, "order_number_exists".to_owned()));
        let (_, beta) = app.tenant_key("beta", Role::Client, &[Scope::OrdersWrite]).await;
        assert_eq!(app.with_key(&beta).send(Method::POST, PATH, &taken).await.status, 201, "another tenant");
        let first = app.with_key(&beta).send(Method::POST, PATH, &json!({})).await.json();
        assert_eq!(first["order_number"], format!("ORD-{year}-001"));
    }

    async fn o34_o51_t04_clients_find_their_own_orders(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let (anna, ben) = (shop.person("anna@test", Role::Client).await, shop.person("ben@test", Role::Client).await);
        let manager = shop.person("manager@test", Role::ProjectManager).await;
        let order = shop.order(&anna, 1).await;
        let of_ben = shop.order(&ben, 1).await;
        let own = format!("{PATH}/{}", id(&order));
        let listed = async |guest: &Guest<'_>| {
            let page = guest.get(PATH).await.json();
            page["items"].as_array().expect("a list").iter().map(id).collect::<Vec<_>>()
        };
        assert_eq!((listed(&anna).await, listed(&ben).await), (vec![id(&order)], vec![id(&of_ben)]));
        assert_eq!(listed(&manager).await, [id(&of_ben), id(&order)]);
        assert_eq!(manager.get(&own).await.status, 200);
        let line = format!("/api/v1/order-lines/{}", id(&order["lines"][0]));
        assert_eq!((anna.get(&line).await.status, ben.get(&line).await.problem()), (200, (404, "order_line_not_found".to_owned())));
        for refused in [
            ben.get(&own).await,
            ben.get(&format!("{own}/history")).await,
            ben.send(Method::PATCH, &own, &json!({"notes": "x"})).await,
            ben.send(Method::POST, &format!("{own}/lines"), &shop.line).await,
            delete(&ben, &format!("{own}/lines/{}", id(&order["lines"][0]))).await,
            delete(&ben, &own).await,
            act(&ben, &order, "submit").await,
        ] {
            assert_eq!(refused.problem(), (404, "order_not_found".to_owned()));
        }
        assert_eq!(act(&anna, &order, "submit").await.status, 200);
        assert_eq!(reject(&manager, &order, "x").await.status, 200);
        assert_eq!(act(&ben, &order, "resubmit").await.problem(), (404, "order_not_found".to_owned()));
        assert_eq!(act(&manager, &order, "resubmit").await.status, 200);
    }

    async fn o50_what_lines_are_of_is_not_deleted(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let order = shop.order(&shop.admin, 1).await;
        let of = |path: &str, member: &str| format!("/api/v1/{path}/{}", shop.line[member].as_str().expect("an id"));
        let things = [(of("products", "product_id"), "product_in_use"), (of("output-types", "output_type_id"), "output_type_in_use")];
        for (path, code) in &things {
            assert_eq!(delete(&shop.admin, path).await.problem(), (409, (*code).to_owned()));
        }
        assert_eq!(delete(&shop.admin, &format!("{PATH}/{}", id(&order))).await.status, 204);
        for (path, _) in &things {
            assert_eq!(delete(&shop.admin, path).await.status, 204);
        }
    }
}
