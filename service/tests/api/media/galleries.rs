//! M56, M57: galleries have an order, and a product's thumbnail is one of its pictures.

use packshot_db::testing::media::SeedAsset;
use packshot_domain::access::Role;
use packshot_domain::media::{AssetState, AssetType};
use packshot_domain::order::line::RenderStatus;
use reqwest::Method;
use serde_json::{Value, json};

use super::shelf::Shelf;
use crate::app::{Reply, TestApp};

cases! {
    async fn m56_m57_products_show_assets_in_order(engine) {
        let app = TestApp::idle(&engine).await;
        let shelf = Shelf::open(&app, "alpha").await;
        let (client, by) = shelf.person("client", Role::Client).await;
        let (product, other) = (shelf.product("Lager 7", ["P7", "", ""]).await, shelf.product("Lager 8", ["P8", "", ""]).await);
        let order = shelf.order(product, "ORD-1", by, RenderStatus::Completed).await;
        let ids = shelf.put(vec![
            shelf.of_line(&order, AssetType::Still),
            shelf.still_of(product),
            shelf.still_of(other),
            SeedAsset { state: AssetState::Superseded, ..shelf.still_of(product) },
            SeedAsset { asset_type: AssetType::GlbGeometry, media_type: "model/gltf-binary".into(), ..shelf.still_of(product) },
        ]).await;
        let gallery = format!("/api/v1/products/{product}/media");
        let shown = async || -> Vec<(Value, Value, Value)> {
            let gallery = shelf.admin.get(&gallery).await.json();
            let items = gallery["items"].as_array().expect("a list").iter();
            items.map(|item| (item["position"].clone(), item["source"].clone(), item["asset"]["id"].clone())).collect()
        };
        let add = async |body: Value| shelf.send(Method::POST, &gallery, body).await;
        assert_eq!(shown().await, []);
        let first = add(json!({"asset_id": ids[0]})).await;
        assert_eq!((first.status, &first.json()["position"], &first.json()["source"]), (201, &json!(0), &json!("order_line")));
        assert_eq!(add(json!({"asset_id": ids[1]})).await.json()["position"], 1);
        assert_eq!(add(json!({"asset_id": ids[2], "position": 0})).await.json()["source"], "upload");
        assert_eq!(add(json!({"asset_id": ids[4], "position": 99})).await.json()["position"], 3);
        let at = |indexes: [usize; 4]| -> Vec<Value> { indexes.map(|i| json!(ids[i])).to_vec() };
        let now = shown().await;
        assert_eq!(now.iter().map(|item| item.0.clone()).collect::<Vec<_>>(), [0, 1, 2, 3].map(|at| json!(at)));
        assert_eq!(now.into_iter().map(|item| item.2).collect::<Vec<_>>(), at([2, 0, 1, 4]));
        for (body, refusal) in [
            (json!({"asset_id": ids[0]}), (409, "media_already_associated")),
            (json!({"asset_id": ids[3]}), (422, "asset_not_current")),
            (json!({"asset_id": ids[1], "no_such": 1}), (422, "validation_failed")),
            (json!({"asset_id": 7}), (422, "validation_failed")),
        ] {
            assert_eq!(add(body).await.problem(), (refusal.0, refusal.1.to_owned()));
        }
        let order_as = async |assets: Vec<Value>| shelf.send(Method::PUT, &gallery, json!({"asset_ids": assets})).await;
        let ordered = order_as(at([4, 1, 0, 2])).await;
        assert_eq!(ordered.status, 200);
        assert_eq!(shown().await.into_iter().map(|item| item.2).collect::<Vec<_>>(), at([4, 1, 0, 2]));
        for assets in [at([4, 1, 0, 0]), at([4, 1, 0, 3]), at([4, 1, 0, 2])[..3].to_vec(), [at([4, 1, 0, 2]), vec![json!(ids[3])]].concat()] {
            assert_eq!(order_as(assets).await.problem(), (422, "media_set_differs".to_owned()));
        }
        // A client sees the published ones of own orders, and changes nothing.
        let seen = client.get(&gallery).await.json();
        assert_eq!((&seen["items"][0]["asset"]["id"], seen["items"].as_array().map(Vec::len)), (&json!(ids[0]), Some(1)));
        for (method, body) in [(Method::POST, json!({"asset_id": ids[1]})), (Method::PUT, json!({"asset_ids": []}))] {
            assert_eq!(client.send(method, &gallery, &body).await.problem(), (403, "forbidden".to_owned()));
        }

        // M57: the thumbnail is an asset of the product or of its gallery, a picture, and current.
        let own = format!("/api/v1/products/{product}");
        let choose = async |asset: &str| shelf.send(Method::PATCH, &own, json!({"thumbnail_asset_id": asset})).await;
        assert_eq!(choose(&ids[2]).await.json()["thumbnail_asset_id"], json!(ids[2]), "it is in the gallery");
        let removed = async |asset: &str| Reply::of(shelf.admin.request(Method::DELETE, &format!("{gallery}/{asset}"))).await;
        assert_eq!(choose(&ids[1]).await.json()["thumbnail_asset_id"], json!(ids[1]));
        assert_eq!(removed(&ids[2]).await.status, 204);
        for (asset, code) in [(&ids[2], "asset_not_of_product"), (&ids[4], "thumbnail_not_an_image"), (&ids[3], "asset_not_current")] {
            assert_eq!(choose(asset).await.problem(), (422, code.to_owned()));
        }
        assert_eq!(removed(&ids[2]).await.problem(), (404, "asset_not_found".to_owned()));
        assert_eq!(shown().await.into_iter().map(|item| item.0).collect::<Vec<_>>(), [0, 1, 2].map(|at| json!(at)));
        assert_eq!(shelf.asset(&ids[2]).await["state"], "published", "it is not deleted");
        assert_eq!((&shelf.asset(&ids[1]).await["is_thumbnail"], &shelf.asset(&ids[0]).await["is_thumbnail"]), (&json!(true), &json!(false)));
        // A product that goes leaves its assets.
        let eighth = format!("/api/v1/products/{other}");
        assert_eq!(shelf.send(Method::POST, &format!("{eighth}/media"), json!({"asset_id": ids[2]})).await.status, 201);
        assert_eq!(Reply::of(shelf.admin.request(Method::DELETE, &eighth)).await.status, 204);
        assert_eq!(shelf.admin.get(&format!("{eighth}/media")).await.problem(), (404, "product_not_found".to_owned()));
        let left = shelf.asset(&ids[2]).await;
        assert_eq!((&left["state"], &left["product_id"]), (&json!("published"), &json!(null)));
    }
}
