//! M12, M13, M37–M39, M58, M59: what a workflow publishes is in lists and in the product's gallery, in versions.

use reqwest::Method;
use serde_json::{Value, json};

use super::shop::{Shop, chain, node, tiny};
use crate::app::{TestApp, id};

cases! {
    async fn m12_m13_m37_m38_m39_m58_m59_a_workflow_fills_the_gallery(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let mut settings = tiny();
        settings["views"] = json!("six_yaw");
        let config = chain(vec![
            node("setup", "order_line_setup", json!({})),
            node("render", "render_views", settings),
            node("output", "output_save", json!({})),
            node("media", "associate_media", json!({})),
        ]);
        let line = shop.line_of(&shop.product, json!({}), Some(config)).await;
        let gallery = format!("/api/v1/products/{}/media", shop.product);
        let items = async || shop.get(&gallery).await["items"].as_array().expect("a list").clone();
        let views = |items: &[Value]| items.iter().map(|item| item["asset"]["view_name"].as_str().expect("a view").to_owned()).collect::<Vec<_>>();
        let run = shop.dispatch_line(&line).await["workflow_run_id"].clone();
        let done = shop.line_when(&line, "completed").await;
        let first = items().await;
        assert_eq!(first.len(), 6, "{first:?}");
        let names = views(&first);
        assert_eq!(names[0], "front_0deg");
        assert_eq!(done["asset_ids"], json!(first.iter().map(|item| item["asset"]["id"].clone()).collect::<Vec<_>>()), "in view order");
        let front = &first[0]["asset"];
        assert_eq!((&first[0]["source"], &front["is_thumbnail"], &first[1]["asset"]["is_thumbnail"]), (&json!("order_line"), &json!(true), &json!(false)));
        assert_eq!((&front["asset_type"], &front["state"], front["published_at"].is_string()), (&json!("view"), &json!("published"), true));
        assert_eq!((&front["product_id"], &front["order_id"], &front["order_line_id"], &front["workflow_run_id"]), (&json!(shop.product), &json!(line.order), &json!(line.id), &run));
        for filter in [format!("order_id={}", line.order), format!("workflow_run_id={}", run.as_str().expect("a run"))] {
            assert_eq!(shop.get(&format!("/api/media/assets?{filter}")).await["total"], 6, "{filter}");
        }
        // M59: the manifest of a finalised package has the file.
        let package = front["package_id"].as_str().expect("a package");
        let manifest = shop.get(&format!("/api/v1/packages/{package}/manifest")).await;
        assert_eq!(shop.get(&format!("/api/v1/packages/{package}")).await["status"], "finalized");
        assert!(manifest.to_string().contains(front["file_hash"].as_str().expect("a hash")), "{manifest}");

        // Rendered again: versions, which take over state, place and role.
        let right = first[1]["asset"]["id"].as_str().expect("an id").to_owned();
        assert_eq!(shop.admin.post(&format!("/api/media/assets/{right}/unpublish")).await.status, 200);
        let mut order: Vec<Value> = first.iter().map(|item| item["asset"]["id"].clone()).collect();
        order.reverse();
        assert_eq!(shop.admin.send(Method::PUT, &gallery, &json!({"asset_ids": order})).await.status, 200);
        shop.dispatch_line(&line).await;
        let ask = async || shop.line_now(&line).await;
        crate::app::poll(ask, |now| now["render_status"] == "completed" && now["asset_ids"] != done["asset_ids"]).await;
        let second = items().await;
        let mut reversed = names.clone();
        reversed.reverse();
        assert_eq!(views(&second), reversed, "each in the place of the one before it");
        for item in &second {
            let asset = &item["asset"];
            let is_right = asset["view_name"] == names[1];
            assert_eq!((&asset["version"], &asset["state"]), (&json!(2), &json!(if is_right { "unpublished" } else { "published" })));
            assert_eq!(asset["is_thumbnail"], json!(asset["view_name"] == "front_0deg"));
        }
        let old = front["id"].as_str().expect("an id");
        let older = shop.get(&format!("/api/media/assets/{old}")).await;
        assert_eq!((&older["state"], &older["superseded_by"]), (&json!("superseded"), &second[5]["asset"]["id"]));
        assert_eq!(shop.get(&format!("/api/media/assets?order_id={}", line.order)).await["total"], 6, "the new ones only");
        for asset in [old, second[5]["asset"]["id"].as_str().expect("an id")] {
            let versions = shop.get(&format!("/api/media/assets/{asset}/versions")).await;
            let versions: Vec<String> = versions["items"].as_array().expect("a list").iter().map(id).collect();
            assert_eq!(versions, [second[5]["asset"]["id"].as_str().expect("an id"), old]);
        }
        assert_eq!(shop.admin.get(&format!("/api/media/assets/{old}/content")).await.status, 200);
    }
}
