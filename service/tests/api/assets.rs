//! A55, M12, M13, M28, M38, M57, O29, O41, O49, R80, T44, T54: what lines of orders become for those who look for
//! pictures.

use packshot_domain::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Guest, PASSWORD, Reply, TestApp, id, poll, small, token};
use crate::dispatch::{Studio, lines};

fn ids(line: &Value) -> Vec<String> {
    line["asset_ids"].as_array().expect("assets").iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
}

async fn asset(guest: &Guest<'_>, id: &str) -> Value {
    guest.get(&format!("/api/media/assets/{id}")).await.json()
}

/// The assets that somebody finds in a list.
async fn found(guest: &Guest<'_>, query: &str) -> Vec<String> {
    let page = guest.get(&format!("/api/media/assets?{query}")).await;
    assert_eq!(page.status, 200, "{query}: {}", page.text());
    page.json()["items"].as_array().expect("assets").iter().map(id).collect()
}

/// Renders a line again, until it has other pictures than before.
async fn again(studio: &Studio<'_>, line: &str, before: &Value) -> Value {
    assert_eq!(studio.of_line(line, "dispatch").await.status, 200);
    let ask = async || studio.admin.get(&format!("/api/v1/order-lines/{line}")).await.json();
    poll(ask, |line| line["render_status"] == "completed" && line["asset_ids"] != before["asset_ids"]).await
}

async fn thumbnail(guest: &Guest<'_>, product: &str) -> Value {
    guest.get(&format!("/api/v1/products/{product}")).await.json()["thumbnail_asset_id"].clone()
}

cases! {
    /// M37, but for the route of an asset's versions, which there is not.
    async fn o29_o41_m12_m13_m38_a_line_has_assets_in_versions(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let mut settings = small();
        settings["formats"] = json!(["png", "exr"]);
        // With a map, which is kept beside the pictures and is none.
        settings["light"] = json!("studio_soft");
        let still = studio.output_type("Front", settings, json!({})).await;
        let order = studio.order(&[&still]).await;
        let line = lines(&order).remove(0);
        assert_eq!(studio.act(&order, "submit").await.status, 200);
        assert_eq!(studio.of_line(&line, "dispatch").await.status, 200);
        let done = studio.order_when(&order, "completed").await["lines"][0].clone();
        let first = ids(&done);
        assert_eq!(first.len(), 2, "a PNG and an EXR: {done}");
        let of_order = found(&studio.admin, &format!("order_id={}", id(&order))).await;
        assert!(of_order.len() == 2 && of_order.iter().all(|id| first.contains(id)), "{of_order:?}");
        let png = asset(&studio.admin, &first[0]).await;
        assert_eq!((&png["asset_type"], &png["media_type"], &png["state"], &png["version"]), (&json!("still"), &json!("image/png"), &json!("published"), &json!(1)));
        assert_eq!((&png["width"], &png["height"], &png["view_name"], &png["frame_count"]), (&json!(16), &json!(16), &json!(null), &json!(null)));
        assert_eq!((&png["product_id"], &png["order_id"], &png["order_line_id"]), (&json!(studio.product), &json!(id(&order)), &json!(line)));
        assert_eq!((&png["render_status"], &png["output_type_id"], &png["is_thumbnail"]), (&json!("completed"), &json!(still), &json!(true)));
        assert_eq!(asset(&studio.admin, &first[1]).await["media_type"], "image/x-exr");
        assert!(png["published_at"].is_string());
        let package = studio.admin.get(&format!("/api/v1/packages/{}", png["package_id"].as_str().expect("a package"))).await.json();
        assert_eq!(package["subject"], format!("order_line:{line}"));

        let path = format!("/api/media/assets/{}/content", first[0]);
        let content = studio.admin.get(&path).await;
        let hash = format!("blake3:{}", blake3::hash(&content.body).to_hex());
        assert_eq!((content.status, &json!(hash), &json!(content.body.len())), (200, &png["file_hash"], &png["size_bytes"]));
        assert_eq!(content.header("content-type"), Some("image/png"));
        let part = Reply::of(studio.admin.request(Method::GET, &path).header("range", "bytes=0-7")).await;
        assert_eq!((part.status, &part.body[..]), (206, &content.body[..8]));

        // Rendered again, there is a newer version, and the older one is still there.
        let newer = again(&studio, &line, &done).await;
        let second = ids(&newer);
        assert_eq!(second.len(), 2);
        assert!(second.iter().all(|id| !first.contains(id)));
        for (old, new) in first.iter().zip(&second) {
            let (old, new) = (asset(&studio.admin, old).await, asset(&studio.admin, new).await);
            assert_eq!((&old["state"], &old["superseded_by"], &old["version"]), (&json!("superseded"), &new["id"], &json!(1)));
            assert_eq!((&new["state"], &new["version"], &new["media_type"]), (&json!("published"), &json!(2), &old["media_type"]));
        }
        assert_eq!(thumbnail(&studio.admin, &studio.product).await, json!(second[0]), "its place moves to the newer version");
        assert_eq!(studio.admin.get(&path).await.body, content.body);
        let listed = async |query: &str| found(&studio.admin, &format!("order_line_id={line}{query}")).await;
        assert_eq!((listed("").await.len(), listed("&state=superseded").await.len()), (2, 2));
        assert!(listed("").await.iter().all(|id| second.contains(id)), "the new ones only");
        let asks_for = async |formats: Value| {
            let mut settings = small();
            settings["formats"] = formats;
            let settings = json!({"render_settings": settings});
            assert_eq!(studio.admin.send(Method::PATCH, &format!("/api/v1/output-types/{still}"), &settings).await.status, 200);
        };
        // What its output type no longer asks for is no current picture of it.
        asks_for(json!(["png"])).await;
        let newest = again(&studio, &line, &newer).await;
        let third = ids(&newest);
        assert_eq!((third.len(), listed("&state=superseded").await.len()), (1, 4));
        assert_eq!(asset(&studio.admin, &second[1]).await["superseded_by"], json!(third[0]));
        assert_eq!(listed("&asset_type=turntable,view").await.len(), 0);
        assert_eq!((listed("&asset_type=still&asset_type=view").await.len(), listed("&asset_type=").await.len()), (1, 1));
        assert_eq!(studio.admin.get("/api/media/assets?asset_type=movie").await.status, 422);
        // Asked for again, it goes on counting; and the product's picture is one that there is.
        asks_for(json!(["exr", "webp"])).await;
        let fourth = ids(&again(&studio, &line, &newest).await);
        let versions = [asset(&studio.admin, &fourth[0]).await, asset(&studio.admin, &fourth[1]).await];
        let of = |media_type: &str| versions.iter().find(|asset| asset["media_type"] == media_type).expect("an asset");
        assert_eq!((&of("image/x-exr")["version"], &of("image/webp")["version"]), (&json!(3), &json!(1)));
        assert_eq!(thumbnail(&studio.admin, &studio.product).await, of("image/webp")["id"]);
    }

    async fn m28_the_bytes_of_an_asset_are_answered_as_those_of_any_file(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let order = studio.order(&[&still]).await;
        let line = lines(&order).remove(0);
        assert_eq!(studio.of_line(&line, "dispatch").await.status, 200);
        let made = ids(&studio.line_when(&line, "completed").await).remove(0);
        let tag = format!("\"{}\"", asset(&studio.admin, &made).await["file_hash"].as_str().expect("a hash"));
        let path = format!("/api/media/assets/{made}/content");
        let whole = studio.admin.get(&path).await;
        assert_eq!((whole.status, whole.header("etag")), (200, Some(tag.as_str())));
        let with = |name: &str, value: &str| Reply::of(studio.admin.request(Method::GET, &path).header(name, value));
        let known = with("if-none-match", &tag).await;
        assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some(tag.as_str())));
        let other = with("if-none-match", "\"other\"").await;
        assert_eq!((other.status, &other.body), (200, &whole.body));
        let size = whole.body.len();
        let part = with("range", "bytes=0-99").await;
        assert_eq!((part.status, &part.body[..]), (206, &whole.body[..100]));
        assert_eq!(part.header("content-range"), Some(format!("bytes 0-99/{size}").as_str()));
        let beyond = with("range", &format!("bytes={size}-")).await;
        assert_eq!(beyond.problem(), (416, "range_not_satisfiable".to_owned()));
        assert_eq!(beyond.header("content-range"), Some(format!("bytes */{size}").as_str()));
        let head = Reply::of(studio.admin.request(Method::HEAD, &path)).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        for name in ["content-type", "content-length", "etag", "repr-digest", "accept-ranges", "cache-control"] {
            assert!(whole.header(name).is_some() && head.header(name) == whole.header(name), "{name}: {:?}", head.header(name));
        }
    }

    async fn o49_m57_the_first_picture_stands_for_a_product(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let mut settings = small();
        settings["views"] = json!(["front_0deg", "right_60deg"]);
        let views = studio.output_type("Views", settings, json!({"kind": "views"})).await;
        assert_eq!(thumbnail(&studio.admin, &studio.product).await, json!(null));
        let viewer = id(&studio.made("/api/v1/output-types", json!({"name": "Viewer", "kind": "glb"})).await);
        let order = studio.order(&[&still, &still, &views, &still, &viewer]).await;
        let render = async |i: usize| {
            let line = lines(&order).remove(i);
            assert_eq!(studio.of_line(&line, "dispatch").await.status, 200);
            ids(&studio.line_when(&line, "completed").await)
        };
        let first = render(0).await;
        assert_eq!(thumbnail(&studio.admin, &studio.product).await, json!(first[0]));
        let second = render(1).await;
        assert_eq!(thumbnail(&studio.admin, &studio.product).await, json!(first[0]), "the second does not change it");
        let fronts = render(2).await;
        let names = [asset(&studio.admin, &fronts[0]).await["view_name"].clone(), asset(&studio.admin, &fronts[1]).await["view_name"].clone()];
        assert_eq!(names, [json!("front_0deg"), json!("right_60deg")]);
        assert_eq!(thumbnail(&studio.admin, &studio.product).await, json!(fronts[0]), "the view from the front replaces it");

        // What a person chose stays.
        let own = format!("/api/v1/products/{}", studio.product);
        let choose = async |asset: Value| studio.admin.send(Method::PATCH, &own, &json!({"thumbnail_asset_id": asset})).await;
        assert_eq!(choose(json!(second[0])).await.json()["thumbnail_asset_id"], json!(second[0]));
        let line = lines(&order).remove(2);
        let before = studio.line_when(&line, "completed").await;
        again(&studio, &line, &before).await;
        assert_eq!(thumbnail(&studio.admin, &studio.product).await, json!(second[0]));
        let model = render(4).await;
        assert_eq!(asset(&studio.admin, &model[0]).await["media_type"], "model/gltf-binary");
        // An older version, a model, another product's picture and nothing at all are refused.
        let (_, of_other) = {
            let other = studio.product("other", crate::glb::Glb::body()).await;
            let order = studio.made("/api/orders", json!({"lines": [{"product_id": other, "output_type_id": still}]})).await;
            let line = lines(&order).remove(0);
            assert_eq!(studio.of_line(&line, "dispatch").await.status, 200);
            (line.clone(), ids(&studio.line_when(&line, "completed").await))
        };
        for (asset, code) in [
            (json!(fronts[0]), "asset_not_current"),
            (json!(model[0]), "thumbnail_not_an_image"),
            (json!(of_other[0]), "asset_not_of_product"),
            (json!(uuid::Uuid::now_v7()), "asset_not_of_product"),
        ] {
            let refused = choose(asset).await;
            assert_eq!(refused.problem(), (422, code.to_owned()));
            assert_eq!(refused.json()["errors"][0]["pointer"], "/thumbnail_asset_id");
        }
        assert_eq!(choose(json!(null)).await.json()["thumbnail_asset_id"], json!(null));
        let last = render(3).await;
        assert_eq!(thumbnail(&studio.admin, &studio.product).await, json!(last[0]), "cleared, it is chosen anew");
    }

    /// M26, as far as there are routes: lists, no facets, search or ZIP.
    async fn a55_r80_t54_a_client_sees_pictures_of_own_orders(engine) {
        let app = TestApp::start(&engine).await;
        let studio = Studio::open(&app).await;
        let still = studio.output_type("Front", small(), json!({})).await;
        let person = async |name: &str| {
            let email = format!("{name}@example.com");
            let new = json!({"email": email, "display_name": name, "role": Role::Client.as_str(), "password": PASSWORD});
            assert_eq!(studio.admin.send(Method::POST, "/api/v1/users", &new).await.status, 201);
            let tokens = app.sign_in(&json!({"email": email, "password": PASSWORD, "tenant": "alpha"})).await;
            app.with_key(token(&tokens.json()))
        };
        let (one, two) = (person("one").await, person("two").await);
        let new = json!({"lines": [{"product_id": studio.product, "output_type_id": still}]});
        let order = one.send(Method::POST, "/api/orders", &new).await.json();
        let line = lines(&order).remove(0);
        assert_eq!(studio.of_line(&line, "dispatch").await.status, 200);
        let before = studio.line_when(&line, "completed").await;
        let old = ids(&before).remove(0);
        let made = ids(&again(&studio, &line, &before).await).remove(0);
        for path in [format!("/api/media/assets/{made}"), format!("/api/media/assets/{made}/content")] {
            assert_eq!(one.get(&path).await.status, 200);
            assert_eq!(two.get(&path).await.problem(), (404, "asset_not_found".to_owned()));
        }
        // Whatever they ask for, clients find no picture of others in a list, and none that is not published.
        assert_eq!(one.get(&format!("/api/media/assets/{old}")).await.problem(), (404, "asset_not_found".to_owned()));
        let all = format!("order_id={}", id(&order));
        for query in ["", "state=unpublished", "state=superseded", &all, &format!("order_line_id={line}"), &format!("product_id={}", studio.product)] {
            assert_eq!(found(&one, query).await, [made.as_str()], "{query}");
            assert_eq!(found(&two, query).await, [""; 0], "{query}");
        }
        // R80: the document of the line and its events are those of an own order.
        for path in [format!("/api/v1/order-lines/{line}/job"), format!("/api/v1/order-lines/{line}/job/events")] {
            assert_eq!(one.get(&path).await.status, 200, "{path}");
            assert_eq!(two.get(&path).await.problem(), (404, "order_line_not_found".to_owned()), "{path}");
        }
        let missing = two.get(&format!("/api/media/assets/{}", uuid::Uuid::now_v7())).await;
        assert_eq!(missing.problem(), (404, "asset_not_found".to_owned()));

        // A draft's line that is removed leaves its pictures with the product.
        let removed = Reply::of(studio.admin.request(Method::DELETE, &format!("/api/orders/{}", id(&order)))).await;
        assert_eq!(removed.status, 204);
        let left = asset(&studio.admin, &made).await;
        assert_eq!((&left["order_id"], &left["order_line_id"], &left["render_status"], &left["product_id"]), (&json!(null), &json!(null), &json!(null), &json!(studio.product)));
        assert_eq!(one.get(&format!("/api/media/assets/{made}")).await.status, 404, "it is of no order of theirs any more");
        let gone = Reply::of(studio.admin.request(Method::DELETE, &format!("/api/v1/products/{}", studio.product))).await;
        assert_eq!(gone.status, 204);
        assert_eq!(asset(&studio.admin, &made).await["product"], json!(null));
    }

    async fn t44_a_global_admin_sees_the_pictures_of_all_tenants(engine) {
        let app = TestApp::start(&engine).await;
        let boss = app.set_up("admin@test").await;
        let boss = app.with_key(token(&boss));
        let mut of_tenants = Vec::new();
        for tenant in ["alpha", "beta"] {
            let studio = Studio::of_tenant(&app, tenant).await;
            let still = studio.output_type("Front", small(), json!({})).await;
            let order = studio.order(&[&still]).await;
            let line = lines(&order).remove(0);
            assert_eq!(studio.of_line(&line, "dispatch").await.status, 200);
            of_tenants.push(ids(&studio.line_when(&line, "completed").await).remove(0));
            let own = studio.admin.get("/api/media/assets?asset_type=still").await.json();
            assert_eq!(own["items"].as_array().map(Vec::len), Some(1), "a tenant sees its own: {own}");
            assert_eq!(own["items"][0]["id"], json!(of_tenants.last()));
        }
        of_tenants.reverse();
        let all = Reply::of(boss.request(Method::GET, "/api/media/assets?asset_type=still").header("x-tenant-id", "*")).await.json();
        let all: Vec<&Value> = all["items"].as_array().expect("a list").iter().map(|asset| &asset["id"]).collect();
        assert_eq!(all, [&json!(of_tenants[0]), &json!(of_tenants[1])]);
    }
}
