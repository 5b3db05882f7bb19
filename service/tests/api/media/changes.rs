//! A40, A42, M14, M40–M42, M51–M55, M60: assets are published, hidden, changed, held and deleted, and expire.

use packshot_db::testing::media::{SeedAsset, set_line, set_order};
use packshot_domain::access::Role;
use packshot_domain::artifact::RetentionClass;
use packshot_domain::hash::ContentAddress;
use packshot_domain::media::{AssetState, AssetType};
use packshot_domain::order::OrderStatus;
use packshot_domain::order::line::RenderStatus;
use packshot_service::chores;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::shelf::{Shelf, bulk};
use crate::app::{Guest, Reply, TestApp};
use crate::stock::Stock;

async fn delete(guest: &Guest<'_>, asset: &str) -> Reply {
    Reply::of(guest.request(Method::DELETE, &format!("/api/media/assets/{asset}"))).await
}

/// What the service does every hour, in a task of its own, as there.
async fn collect(app: &TestApp) {
    let (db, store) = (app.db.clone(), app.store.clone());
    tokio::spawn(async move { chores::collection::sweep(&db, &store).await }).await.expect("it ends");
}

/// What the service does every day.
async fn sweep(app: &TestApp) {
    let db = app.db.clone();
    tokio::spawn(async move { chores::media::sweep(&db).await }).await.expect("it ends");
}

/// What the activity has of assets, the newest first.
async fn told(guest: &Guest<'_>) -> Vec<(String, String)> {
    let page = guest.get("/api/activity?event_type=asset.*").await.json();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let entries = page["items"].as_array().expect("entries").iter();
    entries.map(|entry| (text(&entry["event_type"]), text(&entry["subject"]["id"]))).collect()
}

/// What the audit log has of assets, the newest first.
async fn noted(guest: &Guest<'_>) -> Vec<String> {
    let page = guest.get("/api/v1/audit-log?object_type=media_asset").await.json();
    page["items"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|e| e["action"].as_str().expect("a word").to_owned())
        .collect()
}

cases! {
    async fn m14_m40_m41_m42_m53_m60_assets_change_as_their_table_says(engine) {
        let app = TestApp::idle(&engine).await;
        let shelf = Shelf::open(&app, "alpha").await;
        let (manager, _) = shelf.person("manager", Role::ProjectManager).await;
        let (client, by) = shelf.person("client", Role::Client).await;
        let product = shelf.product("Lager 7", ["P7", "", ""]).await;
        let order = shelf.order(product, "ORD-1", by, RenderStatus::Completed).await;
        let of = |state| SeedAsset { state, ..shelf.of_line(&order, AssetType::Still) };
        let states = [AssetState::Published, AssetState::Unpublished, AssetState::Superseded, AssetState::Expired];
        let ids = shelf.put(states.map(of).to_vec()).await;
        let [published, unpublished, superseded, expired] = [0, 1, 2, 3].map(|i| ids[i].clone());

        // The table of media.md §3, with an event for each change alone.
        let act = async |asset: &str, action: &str| manager.post(&format!("/api/media/assets/{asset}/{action}")).await;
        for (asset, action, state, events) in [
            (&published, "publish", "published", 0),
            (&published, "unpublish", "unpublished", 1),
            (&published, "unpublish", "unpublished", 1),
            (&published, "publish", "published", 2),
            (&unpublished, "unpublish", "unpublished", 2),
            (&unpublished, "publish", "published", 3),
            (&unpublished, "unpublish", "unpublished", 4),
        ] {
            let answered = act(asset, action).await;
            let shown = answered.json();
            assert_eq!((answered.status, &shown["state"], shown["published_at"].is_string()), (200, &json!(state), state == "published"), "{action}");
            assert_eq!(answered.header("etag"), Some(format!("\"{}\"", shown["revision"]).as_str()));
            assert_eq!(told(&shelf.admin).await.len(), events, "{action}");
        }
        assert_eq!(told(&shelf.admin).await[..2], [("asset.unpublished".to_owned(), unpublished.clone()), ("asset.published".to_owned(), unpublished.clone())]);
        for action in ["publish", "unpublish"] {
            assert_eq!(act(&superseded, action).await.problem(), (409, "asset_superseded".to_owned()));
            assert_eq!(act(&expired, action).await.problem(), (409, "asset_expired".to_owned()));
            assert_eq!(client.post(&format!("/api/media/assets/{published}/{action}")).await.problem(), (403, "forbidden".to_owned()));
        }

        // M60: a stale edit changes nothing.
        let path = format!("/api/media/assets/{published}");
        let edit = async |tag: Option<&str>, body: Value| {
            let request = manager.request(Method::PATCH, &path).json(&body);
            Reply::of(tag.into_iter().fold(request, |request, tag| request.header("if-match", tag))).await
        };
        let before = shelf.asset(&published).await;
        let tag = format!("\"{}\"", before["revision"]);
        let changed = edit(Some(&tag), json!({"file_name": "Gehäuse 1.png", "view_name": "front_0deg", "metadata": {"a": 1}, "no_such": 1})).await;
        let after = changed.json();
        assert_eq!((changed.status, &after["file_name"], &after["view_name"], &after["metadata"]), (200, &json!("Gehäuse 1.png"), &json!("front_0deg"), &json!({"a": 1})));
        let stale = edit(Some(&tag), json!({"file_name": "other.png"})).await;
        assert_eq!(stale.problem(), (412, "precondition_failed".to_owned()));
        assert_eq!(shelf.asset(&published).await, after);
        let merged = edit(None, json!({"metadata": {"b": {"c": [1], "d": 2}}})).await.json();
        assert_eq!(merged["metadata"], json!({"a": 1, "b": {"c": [1], "d": 2}}));
        let merged = edit(None, json!({"metadata": {"a": null, "b": {"c": [2], "d": null}}})).await.json();
        assert_eq!(merged["metadata"], json!({"b": {"c": [2]}}));
        assert_eq!(edit(None, json!({"view_name": null, "metadata": null})).await.json()["metadata"], json!({}));
        for (body, pointer) in [(json!({"file_name": "../x"}), "/file_name"), (json!({"file_name": ""}), "/file_name"), (json!({"metadata": 7}), "/metadata"), (json!({"hold": "yes"}), "/hold")] {
            let refused = edit(None, body).await;
            assert_eq!((refused.problem(), refused.pointers()), ((422, "validation_failed".to_owned()), vec![pointer.to_owned()]));
        }

        // M53: admins hold, and what is held stays.
        assert_eq!(edit(None, json!({"hold": true})).await.problem(), (403, "forbidden".to_owned()));
        let hold = async |held: bool| shelf.send(Method::PATCH, &path, json!({"hold": held})).await.json()["hold"].clone();
        assert_eq!(hold(true).await, true);
        assert_eq!(delete(&manager, &published).await.problem(), (409, "asset_on_hold".to_owned()));
        let refused = manager.send(Method::POST, "/api/media/assets/delete", &json!({"asset_ids": [published]})).await;
        assert_eq!(refused.json(), bulk(0, &[(&published, "asset_on_hold")]));
        assert_eq!(hold(false).await, false);

        // M14: who may delete; in every state.
        assert_eq!(delete(&client, &published).await.problem(), (403, "forbidden".to_owned()));
        assert_eq!(shelf.asset(&published).await["state"], "published");
        for (guest, asset) in [(&manager, &published), (&shelf.admin, &superseded), (&manager, &expired)] {
            assert_eq!(delete(guest, asset).await.status, 204);
            assert_eq!(shelf.admin.get(&format!("/api/media/assets/{asset}")).await.problem(), (404, "asset_not_found".to_owned()));
        }
        assert_eq!(noted(&shelf.admin).await, ["asset.deleted", "asset.deleted", "asset.deleted", "asset.released", "asset.held"]);
        assert_eq!(told(&shelf.admin).await[0], ("asset.deleted".to_owned(), expired.clone()));

        // M42: many at once.
        let many = shelf.put((0..498).map(|_| shelf.still()).collect()).await;
        let unknown = [Uuid::now_v7().to_string(), Uuid::now_v7().to_string()];
        let asked = [&many[..], &unknown].concat();
        let failed = [(unknown[0].as_str(), "asset_not_found"), (unknown[1].as_str(), "asset_not_found")];
        for (action, changed) in [("unpublish", 498), ("unpublish", 0), ("publish", 498), ("delete", 498)] {
            let done = manager.send(Method::POST, &format!("/api/media/assets/{action}"), &json!({"asset_ids": asked})).await;
            assert_eq!((done.status, done.json()), (200, bulk(changed, &failed)), "{action}");
            let none = client.send(Method::POST, &format!("/api/media/assets/{action}"), &json!({"asset_ids": asked})).await;
            assert_eq!(none.problem(), (403, "forbidden".to_owned()));
        }
        let too_many: Vec<String> = (0..501).map(|_| Uuid::now_v7().to_string()).collect();
        for ids in [json!(too_many), json!([]), json!(["x"])] {
            let refused = manager.send(Method::POST, "/api/media/assets/delete", &json!({"asset_ids": ids})).await;
            assert_eq!(refused.status, 422, "{}", refused.text());
        }
        assert_eq!(shelf.found(&[]).await, [unpublished]);
    }

    async fn m54_m55_a42_what_is_deleted_leaves_nothing(engine) {
        let app = TestApp::idle(&engine).await;
        let shelf = Shelf::open(&app, "alpha").await;
        let (_, by) = shelf.person("maker", Role::ProjectManager).await;
        let product = shelf.product("Lager 7", ["P7", "", ""]).await;
        let order = shelf.order(product, "ORD-1", by, RenderStatus::Completed).await;
        let stock = Stock { db: app.db.clone(), store: app.store.clone(), scope: shelf.scope() };
        let bytes = b"a picture";
        let address = ContentAddress::of(bytes);
        let mut assets = Vec::new();
        for _ in 0..2 {
            let package = stock.whole(RetentionClass::RenderOutput, &[("result.png", bytes)]).await;
            assets.push(SeedAsset { package, address, ..shelf.of_line(&order, AssetType::Still) });
        }
        let packages = [assets[0].package, assets[1].package];
        let ids = shelf.put(assets).await;
        set_line(&app.db, shelf.scope(), order.line, RenderStatus::Completed, Some((format!("renders/{}/result.png", order.line), address))).await.expect("a line");
        let gallery = format!("/api/v1/products/{product}/media");
        for id in &ids {
            assert_eq!(shelf.send(Method::POST, &gallery, json!({"asset_id": id})).await.status, 201);
        }
        let own = format!("/api/v1/products/{product}");
        assert_eq!(shelf.send(Method::PATCH, &own, json!({"thumbnail_asset_id": ids[0]})).await.status, 200);
        let line = async || shelf.admin.get(&format!("/api/v1/order-lines/{}", order.line)).await.json();
        assert_eq!(line().await["asset_ids"], json!(ids));

        // A42: what an asset needs is not deleted, and the answer says which.
        let refused = Reply::of(shelf.admin.request(Method::DELETE, &format!("/api/v1/packages/{}", packages[0]))).await;
        assert_eq!(refused.problem(), (409, "package_in_use".to_owned()));
        assert!(refused.json()["errors"][0]["detail"].as_str().expect("text").contains(&ids[0]), "{}", refused.text());

        // M55: nothing names what is deleted; the state of the line stays.
        assert_eq!(delete(&shelf.admin, &ids[0]).await.status, 204);
        let product_now = shelf.admin.get(&own).await.json();
        assert_eq!(product_now["thumbnail_asset_id"], json!(null));
        let shown = shelf.admin.get(&gallery).await.json();
        assert_eq!((&shown["items"][0]["asset"]["id"], &shown["items"][0]["position"], shown["items"].as_array().map(Vec::len)), (&json!(ids[1]), &json!(0), Some(1)));
        let now = line().await;
        assert_eq!((&now["asset_ids"], &now["result_path"], &now["render_status"]), (&json!([ids[1]]), &json!(null), &json!("completed")));
        assert_eq!(shelf.found(&[]).await, [ids[1].clone()]);

        // M54: the bytes are there as long as anything has them.
        stock.wait_days(2.0);
        collect(&app).await;
        let content = shelf.admin.get(&format!("/api/media/assets/{}/content", ids[1])).await;
        assert_eq!((content.status, &content.body[..]), (200, &bytes[..]));
        assert_eq!(delete(&shelf.admin, &ids[1]).await.status, 204);
        stock.wait_days(2.0);
        collect(&app).await;
        assert!(!stock.has(bytes).await, "nobody has them any more");
        let gone = shelf.admin.get(&format!("/api/v1/packages/{}", packages[1])).await.json();
        assert_eq!(gone["status"], "deleted");
    }

    async fn m51_m52_a40_assets_expire_that_nothing_protects(engine) {
        let app = TestApp::idle(&engine).await;
        let shelf = Shelf::open(&app, "alpha").await;
        let (_, by) = shelf.person("maker", Role::ProjectManager).await;
        let product = shelf.product("Lager 7", ["P7", "", ""]).await;
        let (open, done) = (shelf.order(product, "ORD-1", by, RenderStatus::Completed).await, shelf.order(product, "ORD-2", by, RenderStatus::Completed).await);
        set_order(&app.db, shelf.scope(), open.id, OrderStatus::Processing).await.expect("an order");
        let stock = Stock { db: app.db.clone(), store: app.store.clone(), scope: shelf.scope() };
        let bytes = b"in the gallery";
        let package = stock.whole(RetentionClass::RenderOutput, &[("result.png", bytes)]).await;
        let shown = SeedAsset { package, address: ContentAddress::of(bytes), ..shelf.of_line(&done, AssetType::Still) };
        let ids = shelf.put(vec![
            shelf.of_line(&done, AssetType::Still),
            shown,
            shelf.still_of(product),
            shelf.still_of(product),
            shelf.of_line(&open, AssetType::Still),
            SeedAsset { state: AssetState::Superseded, ..shelf.of_line(&open, AssetType::Still) },
        ]).await;
        let [plain, exhibit, thumbnail, held, older] = [0, 1, 2, 3, 5].map(|i| ids[i].clone());
        let gallery = format!("/api/v1/products/{product}/media");
        assert_eq!(shelf.send(Method::POST, &gallery, json!({"asset_id": exhibit})).await.status, 201);
        let own = format!("/api/v1/products/{product}");
        assert_eq!(shelf.send(Method::PATCH, &own, json!({"thumbnail_asset_id": thumbnail})).await.status, 200);
        let hold = async |held: bool, id: &str| shelf.send(Method::PATCH, &format!("/api/media/assets/{id}"), json!({"hold": held})).await;
        assert_eq!(hold(true, &held).await.json()["hold"], true);
        let expired = async || {
            sweep(&app).await;
            let mut found = shelf.found(&[("state", "expired")]).await;
            found.sort_unstable();
            found
        };
        stock.wait_days(364.0);
        assert_eq!(expired().await, [""; 0], "their time is not over");
        stock.wait_days(36.0);
        assert_eq!(expired().await, [plain.clone(), older.clone()]);
        let row = shelf.asset(&plain).await;
        assert_eq!((&row["state"], row["file_hash"].is_string(), &row["links"]["content"]), (&json!("expired"), true, &json!(null)));
        assert_eq!(shelf.admin.get(&format!("/api/media/assets/{plain}/content")).await.problem(), (410, "asset_expired".to_owned()));

        // A40: what is in a gallery keeps its package, however long.
        collect(&app).await;
        let content = shelf.admin.get(&format!("/api/media/assets/{exhibit}/content")).await;
        assert_eq!((content.status, &content.body[..]), (200, &bytes[..]));
        // Without protection the next sweep does it.
        assert_eq!(Reply::of(shelf.admin.request(Method::DELETE, &format!("{gallery}/{exhibit}"))).await.status, 204);
        assert_eq!(shelf.send(Method::PATCH, &own, json!({"thumbnail_asset_id": null})).await.status, 200);
        assert_eq!(hold(false, &held).await.json()["hold"], false);
        set_order(&app.db, shelf.scope(), open.id, OrderStatus::Completed).await.expect("an order");
        let mut all = ids.clone();
        all.sort_unstable();
        assert_eq!(expired().await, all);
        assert_eq!(shelf.found(&[]).await, [""; 0]);
        collect(&app).await;
        assert_eq!(stock.found(package).await.status.to_string(), "finalized", "not before a day is over");
        stock.wait_days(1.01);
        collect(&app).await;
        assert_eq!(stock.found(package).await.status.to_string(), "expired");
        // What is gone cannot be shown again.
        let added = shelf.send(Method::POST, &gallery, json!({"asset_id": exhibit})).await;
        assert_eq!(added.problem(), (422, "asset_not_current".to_owned()));
        assert_eq!(delete(&shelf.admin, &exhibit).await.status, 204);
    }
}
