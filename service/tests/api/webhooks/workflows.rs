//! N27, N73, R68: what workflows tell webhooks.

use serde_json::{Value, json};

use super::{Hooks, LOCAL, Receiver};
use crate::app::{TestApp, id};
use crate::workflows::{Shop, chain, node, output, still, tiny};

/// The events of a kind that a receiver has got.
fn events(receiver: &Receiver, event: &str) -> Vec<Value> {
    receiver.got().iter().filter(|got| got.event() == event).map(|got| got.json()["data"].clone()).collect()
}

cases! {
    async fn n27_n73_r68_graphs_tell_and_deliver(engine) {
        let app = TestApp::start_with(&engine, &LOCAL).await;
        let shop = Shop::open(&app).await;
        let hooks = Hooks::by(app.with_key(shop.key()));
        let (telling, receiving, watching) = (Receiver::new(), Receiver::new(), Receiver::new());
        hooks.hook(&telling.serve().await, &["render.*"]).await;
        let named = hooks.hook(&receiving.serve().await, &["fix.*"]).await;
        hooks.hook(&watching.serve().await, &["asset.delivered"]).await;
        // A graph without a node that tells: the activity alone. It delivers to the webhook that it names.
        let graph = |more: Vec<Value>| {
            let mut nodes = still(tiny());
            nodes.push(node("output", "output_save", json!({})));
            nodes.extend(more);
            chain(nodes)
        };
        let config = graph(vec![node("deliver", "deliver", json!({"webhook_id": id(&named)}))]);
        let line = shop.line(Some(config)).await;
        let dispatched = shop.dispatch_line(&line).await;
        let run = shop.ended(&dispatched["workflow_run_id"]).await;
        assert_eq!(run["status"], "completed", "{run}");
        let delivered = output(&run, "deliver");
        assert_eq!(delivered["delivery_mode"], "queued", "{delivered}");
        let got = receiving.when(1).await;
        assert_eq!((got.len(), got[0].event()), (1, "asset.delivered".to_owned()));
        let ids = delivered["delivery_ids"].as_array().expect("ids");
        assert_eq!((ids.len(), &ids[0]), (1, &hooks.deliveries(&named).await[0]["id"]));
        let data = got[0].json()["data"].clone();
        let asset = output(&run, "render")["asset_id"].clone();
        assert_eq!((&data["order_line_id"], &data["workflow_run_id"]), (&json!(line.id), &run["id"]));
        let [sent] = &data["assets"].as_array().expect("assets")[..] else { panic!("one: {data}") };
        assert_eq!((&sent["asset_id"], &sent["content_address"]), (&asset, &output(&run, "render")["file_hash"]));
        let bytes = shop.admin.get(sent["url"].as_str().expect("an address")).await;
        assert_eq!((bytes.status, json!(format!("blake3:{}", blake3::hash(&bytes.body)))), (200, sent["content_address"].clone()));
        let activity = shop.get(&format!("/api/activity?order_line_id={}&event_type=render.completed", line.id)).await;
        assert_eq!(activity["items"].as_array().map(Vec::len), Some(1));
        assert!(watching.got().is_empty(), "it named another one");
        // With a node that tells, and a node that delivers to whoever has subscribed.
        let config = graph(vec![node("notify", "notify", json!({})), node("deliver", "deliver", json!({}))]);
        let told = shop.line(Some(config)).await;
        let dispatched = shop.dispatch_line(&told).await;
        let run = shop.ended(&dispatched["workflow_run_id"]).await;
        assert_eq!(output(&run, "deliver")["delivery_ids"].as_array().map(Vec::len), Some(1), "{run}");
        watching.when(1).await;
        telling.when(1).await;
        // The direct path tells too.
        let direct = shop.line_of(&shop.product, tiny(), None).await;
        shop.dispatch_line(&direct).await;
        shop.line_when(&direct, "completed").await;
        telling.when(2).await;
        let of: Vec<Value> = events(&telling, "render.completed").iter().map(|data| data["order_line_id"].clone()).collect();
        assert_eq!(of, [json!(told.id), json!(direct.id)], "one each, and none of the graph that tells nobody");
        let notified = shop.get("/api/notifications?event_type=order.rendering_complete").await;
        assert!(notified["items"].as_array().expect("items").iter().all(|item| item["event_type"] == "order.rendering_complete"));
        // A webhook that is disabled gets nothing, and nothing fails.
        hooks.act(&named, "disable", json!({})).await;
        let config = graph(vec![node("deliver", "deliver", json!({"webhook_id": id(&named)}))]);
        let line = shop.line(Some(config)).await;
        let dispatched = shop.dispatch_line(&line).await;
        let run = shop.ended(&dispatched["workflow_run_id"]).await;
        assert_eq!((&run["status"], &output(&run, "deliver")["delivery_mode"]), (&json!("completed"), &json!("skipped")));
        let skipped = shop.get(&format!("/api/activity?order_line_id={}&event_type=deliver.skipped", line.id)).await;
        let [entry] = &skipped["items"].as_array().expect("entries")[..] else { panic!("one: {skipped}") };
        assert!(entry["severity"] == "warning" && entry["message"].as_str().is_some_and(|text| text.contains(&id(&named))));
        assert_eq!(receiving.got().len(), 1);
    }
}
