//! Printable areas: found, named, chosen.

use reqwest::Method;
use serde_json::{Value, json};

use super::bench::{Bench, design};
use crate::app::{Reply, TestApp, id};
use crate::glb::Glb;

fn path(bench: &Bench<'_>) -> String {
    format!("/api/v1/products/{}/design-areas", bench.product)
}

async fn area(bench: &Bench<'_>, area: Value) -> Reply {
    bench.admin.send(Method::POST, &path(bench), &area).await
}

cases! {
    async fn d43_areas_are_detected_and_named(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        let found = bench.admin.get(&format!("{}/detect", path(&bench))).await;
        assert_eq!(found.status, 200, "{}", found.text());
        let found = found.json();
        let items = found["items"].as_array().expect("areas");
        assert_eq!(items.len(), 1, "material and part are the same surfaces: {found}");
        assert_eq!((&items[0]["selector"]["material"], &items[0]["mapping"], &items[0]["wraps"]), (&json!("Print"), &json!("cylindrical"), &json!(true)));
        let size = |area: &Value| [0, 1].map(|axis| area["size_mm"][axis].as_f64().expect("a number"));
        let [width, height] = size(&items[0]);
        assert!((width - 251.3).abs() < 0.5 && (height - 95.0).abs() < 0.1, "{width} {height}");

        let made = area(&bench, json!({"name": "Wall", "selector": {"material": "print"}, "safe_mm": 2})).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.json();
        assert_eq!(made["size_mm"], items[0]["size_mm"], "it is measured");
        let own = format!("{}/{}", path(&bench), id(&made));
        assert_eq!(bench.admin.get(&own).await.json(), made);
        let twice = area(&bench, json!({"name": "Wall", "selector": {"part": "Body"}})).await;
        assert_eq!((twice.problem(), twice.pointers()), ((409, "area_name_exists".to_owned()), vec!["/name".to_owned()]));
        let changed = bench.admin.send(Method::PATCH, &own, &json!({"name": "Around", "is_default": true})).await;
        assert_eq!((changed.status, &changed.json()["safe_mm"], &changed.json()["revision"]), (200, &json!(2.0), &json!(2)), "{}", changed.text());
        assert_eq!(bench.admin.get(&path(&bench)).await.json()["items"][0]["name"], "Around");
        assert_eq!(Reply::of(bench.admin.request(Method::DELETE, &own)).await.status, 204);
        assert_eq!(bench.admin.get(&own).await.problem(), (404, "design_area_not_found".to_owned()));
    }

    async fn d40_d41_an_area_is_found_by_material_and_part(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::of_tenant(&app, "alpha", Glb::mug(Some("Lid"))).await;
        for found in [json!({"material": "print"}), json!({"part": "Body"}), json!({"part": "Lid"})] {
            let reply = bench.send(design(), "a.png", &json!({"area": found}), &[]).await;
            assert_eq!(reply.status, 202, "{}", reply.text());
        }
        let missing = bench.send(design(), "a.png", &json!({"area": {"material": "Prnt"}}), &[]).await;
        assert_eq!((missing.problem(), missing.pointers()), ((422, "printable_area_not_found".to_owned()), vec!["/area".to_owned()]));
        assert!(missing.text().contains("Print"), "{}", missing.text());
    }

    async fn d42_without_an_area_the_only_one_is_taken(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        let none = json!({"area": null});
        let taken = bench.start(&none).await;
        assert_eq!(taken["request"]["area"]["material"], "Print", "none is named, and one is detected");
        let [wall, _] = [("Wall", "mapping"), ("Flat", "mapping")].map(|(name, _)| name);
        let one = area(&bench, json!({"name": wall, "selector": {"material": "Print"}})).await.json();
        assert_eq!(bench.start(&none).await["request"]["area"]["id"], one["id"]);
        let two = area(&bench, json!({"name": "Flat", "selector": {"part": "Body"}, "mapping": "planar"})).await;
        assert_eq!(two.status, 201, "{}", two.text());
        let unclear = bench.send(design(), "a.png", &none, &[]).await;
        assert_eq!(unclear.problem(), (422, "printable_area_required".to_owned()));
        let by_name = bench.start(&json!({"area": "Flat"})).await;
        assert_eq!(by_name["request"]["area"]["mapping"], "planar");
        let by_id = bench.start(&json!({"area": one["id"]})).await;
        assert_eq!(by_id["request"]["area"]["name"], "Wall");
        let own = format!("{}/{}", path(&bench), id(&one));
        assert_eq!(bench.admin.send(Method::PATCH, &own, &json!({"is_default": true})).await.status, 200);
        assert_eq!(bench.start(&none).await["request"]["area"]["id"], one["id"]);
        let unknown = bench.send(design(), "a.png", &json!({"area": "Handle"}), &[]).await;
        assert_eq!(unknown.problem(), (404, "design_area_not_found".to_owned()));
    }
}
