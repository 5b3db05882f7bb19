//! M01–M09, M13, M15–M19, M21–M27, O16: assets are found by filters and words, in pages, and counted.

use std::collections::BTreeSet;

use packshot_db::testing::media::{SeedAsset, set_line, set_order};
use packshot_domain::access::Role;
use packshot_domain::media::{AssetState, AssetType};
use packshot_domain::order::OrderStatus;
use packshot_domain::order::line::RenderStatus;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::shelf::{Shelf, asking, found, page};
use crate::app::{Reply, TestApp, token};

/// Stills with these names of products, newest last.
async fn shelve(shelf: &Shelf<'_>, names: &[&str]) -> Vec<String> {
    let mut stills = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let product = shelf.product(name, [&format!("P{i}x"), "", ""]).await;
        stills.push(shelf.still_of(product));
    }
    shelf.put(stills).await
}

cases! {
    async fn m01_m02_m03_m04_m13_m15_m16_m18_m25_o16_filters_find_what_fulfils_them(engine) {
        let app = TestApp::idle(&engine).await;
        let shelf = Shelf::open(&app, "alpha").await;
        let (_, by) = shelf.person("maker", Role::ProjectManager).await;
        let lagertyp = "Axial-Zylinderrollenlager, groß";
        let tv = shelf.product("Axial-Zylinderrollenlager 81113-TV", ["PIM-0a1b2c3d", "TRB", lagertyp]).await;
        let other = shelf.product("Rillenkugellager 6205", ["PIM-6205", "DGBB", "Rillenkugellager"]).await;
        let done = shelf.order(tv, "ORD-2026-017", by, RenderStatus::Completed).await;
        let failed = shelf.order(tv, "ORD-2026-018", by, RenderStatus::Failed).await;
        let of_other = shelf.order(other, "ORD-2026-019", by, RenderStatus::Completed).await;
        let assets = vec![
            shelf.of_line(&done, AssetType::Still),
            shelf.of_line(&done, AssetType::Still),
            shelf.of_line(&done, AssetType::Turntable),
            shelf.of_line(&failed, AssetType::Still),
            shelf.of_line(&of_other, AssetType::Still),
            SeedAsset { asset_type: AssetType::GlbProduction, media_type: "model/gltf-binary".into(), ..shelf.still_of(other) },
            SeedAsset { view_name: Some("front_0deg".into()), asset_type: AssetType::View, ..shelf.still_of(tv) },
            SeedAsset { state: AssetState::Unpublished, size_bytes: 9, ..shelf.still_of(tv) },
            SeedAsset { state: AssetState::Superseded, ..shelf.still_of(tv) },
        ];
        let ids = shelf.put(assets).await;
        let at = |indexes: &[usize]| indexes.iter().map(|i| ids[*i].clone()).collect::<Vec<String>>();
        let m01 = [("asset_type", "still"), ("category_key", "TRB"), ("lagertyp", lagertyp), ("render_status", "completed"), ("page", "1"), ("page_size", "50"), ("q", "81113")];
        let listed = page(&shelf.admin, &m01).await;
        assert_eq!(listed["items"].as_array().expect("a list").iter().map(crate::app::id).collect::<Vec<_>>(), at(&[1, 0]));
        assert_eq!((&listed["total"], &listed["page"], &listed["page_size"], &listed["pages"], &listed["next_cursor"]), (&json!(2), &json!(1), &json!(50), &json!(1), &json!(null)));
        let order = done.id.to_string();
        let (line, product) = (failed.line.to_string(), other.to_string());
        for (query, expected) in [
            (vec![], &[7, 6, 5, 4, 3, 2, 1, 0][..]),
            (vec![("asset_type", ""), ("q", ""), ("state", ""), ("page", ""), ("no_such", "1")], &[7, 6, 5, 4, 3, 2, 1, 0]),
            (vec![("asset_type", "still")], &[7, 4, 3, 1, 0]),
            (vec![("asset_type", "view,turntable")], &[6, 2]),
            (vec![("asset_type", "view"), ("asset_type", "turntable")], &[6, 2]),
            (vec![("asset_type", "blend_production")], &[5]),
            (vec![("asset_type", "glb_production")], &[5]),
            (vec![("category_key", "DGBB")], &[5, 4]),
            (vec![("category_key", "DGBB"), ("category_key", "TRB"), ("asset_type", "turntable")], &[2]),
            (vec![("category_key", "DGBB"), ("lagertyp", lagertyp)], &[]),
            (vec![("lagertyp", lagertyp)], &[7, 6, 3, 2, 1, 0]),
            (vec![("render_status", "failed")], &[3]),
            (vec![("render_status", "failed,completed")], &[4, 3, 2, 1, 0]),
            (vec![("order_id", &order)], &[2, 1, 0]),
            (vec![("order_line_id", &line)], &[3]),
            (vec![("product_id", &product)], &[5, 4]),
            (vec![("view_name", "front_0deg")], &[6]),
            (vec![("media_type", "model/gltf-binary")], &[5]),
            (vec![("state", "superseded")], &[8]),
            (vec![("state", "superseded,unpublished")], &[8, 7]),
            (vec![("sort", "created_at"), ("asset_type", "still")], &[0, 1, 3, 4, 7]),
            // By the product's name, then the file's, then the id.
            (vec![("sort", "name"), ("asset_type", "turntable,glb_production")], &[2, 5]),
            (vec![("sort", "-name"), ("asset_type", "turntable,glb_production")], &[5, 2]),
            (vec![("q", "0a1b"), ("asset_type", "view")], &[6]),
            (vec![("q", "trb"), ("asset_type", "view")], &[6]),
            (vec![("q", "rillenkugel 6205")], &[5, 4]),
            (vec![("q", "gross"), ("asset_type", "turntable")], &[2]),
            (vec![("q", "ord-2026-018")], &[3]),
            (vec![("q", "result.png ord")], &[4, 3, 2, 1, 0]),
        ] {
            assert_eq!(shelf.found(&query).await, at(expected), "{query:?}");
        }
        let smallest = shelf.found(&[("sort", "-size_bytes")]).await;
        assert_eq!((smallest.len(), smallest.last()), (8, Some(&ids[7])));
        let glb = shelf.asset(&ids[5]).await;
        assert_eq!((&glb["asset_type"], &glb["product"]["category_key"], &glb["render_status"]), (&json!("glb_production"), &json!("DGBB"), &json!(null)));
        let from = shelf.asset(&ids[3]).await["created_at"].as_str().expect("a time").to_owned();
        let to = shelf.asset(&ids[5]).await["created_at"].as_str().expect("a time").to_owned();
        assert_eq!(shelf.found(&[("created_from", &from), ("created_to", &to)]).await, at(&[4, 3]));

        // M04: the state of the line is the line's, whatever writes it.
        set_line(&app.db, shelf.scope(), done.line, RenderStatus::Failed, None).await.expect("a line");
        assert_eq!(shelf.found(&[("render_status", "failed")]).await, at(&[3, 2, 1, 0]));
        assert_eq!(shelf.asset(&ids[0]).await["render_status"], "failed");

        // M25: each facet without its own filter.
        let facets = async |query: &[(&str, &str)]| {
            let reply = shelf.admin.get(&asking("/api/media/assets/facets", query)).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            reply.json()
        };
        assert_eq!(facets(&[("asset_type", "still")]).await, json!({
            "asset_type": {"still": 5, "turntable": 1, "glb_production": 1, "view": 1},
            "category_key": {"TRB": 4, "DGBB": 1},
            "lagertyp": {lagertyp: 4, "Rillenkugellager": 1},
            "render_status": {"completed": 1, "failed": 3},
            "total": 5,
        }));
        let empty = facets(&[("q", "-")]).await;
        assert_eq!(empty, json!({"asset_type": {}, "category_key": {}, "lagertyp": {}, "render_status": {}, "total": 0}));
    }

    async fn m06_m07_m21_m22_m23_m24_words_find_names_and_follow_changes(engine) {
        let app = TestApp::idle(&engine).await;
        let shelf = Shelf::open(&app, "alpha").await;
        let names = ["Axial-Zylinderrollenlager 81113-TV", "F-81113", "81113.2", "NU205", "6205-2RSR", "Gehäuse", "Straße", "Geha\u{308}use zwei"];
        let ids = shelve(&shelf, &names).await;
        let finds = async |query: &str, expected: &[usize]| {
            let expected: BTreeSet<&String> = expected.iter().map(|i| &ids[*i]).collect();
            let found = shelf.found(&[("q", query)]).await;
            assert_eq!(found.iter().collect::<BTreeSet<_>>(), expected, "{query}");
        };
        for query in ["axial", "zylinder", "811 tv", "81113-TV", "tv 81113", "P0x", "p0 tv"] {
            finds(query, &[0]).await;
        }
        for query in ["rollenlager", "81113 rs", "1113", "-", "\"", "*", "81113 OR x", "NEAR(a b)", "a:b", "'; DROP TABLE products;--", "\\", "\0", "tv* OR 6205"] {
            finds(query, &[]).await;
        }
        finds("81113", &[0, 1, 2]).await;
        finds("205", &[3]).await;
        finds("6205 2rsr", &[4]).await;
        for query in ["Gehäuse", "gehause", "GEHAEUSE", "geha\u{308}use"] {
            finds(query, &[5, 7]).await;
        }
        finds("strasse", &[6]).await;

        // A product is renamed: the next request finds the new name and not the old one.
        let product = shelf.asset(&ids[3]).await["product_id"].as_str().expect("a product").to_owned();
        let path = format!("/api/v1/products/{product}");
        let renamed = json!({"name": "Pendelrollenlager", "category_key": "SRB"});
        assert_eq!(shelf.send(Method::PATCH, &path, renamed).await.status, 200);
        finds("nu205", &[]).await;
        finds("pendel", &[3]).await;
        finds("srb", &[3]).await;
        assert_eq!(shelf.found(&[("category_key", "SRB")]).await, [ids[3].clone()]);
        // So are files; and an order's number changes.
        let path = format!("/api/media/assets/{}", ids[4]);
        assert_eq!(shelf.send(Method::PATCH, &path, json!({"file_name": "Titelbild.png"})).await.status, 200);
        finds("titelbild 6205", &[4]).await;
        let (_, by) = shelf.person("maker", Role::ProjectManager).await;
        let ninth = shelf.product("Lager 9", ["P9x", "", ""]).await;
        let order = shelf.order(ninth, "ALT-1", by, RenderStatus::Completed).await;
        let of_order = shelf.put(vec![shelf.of_line(&order, AssetType::Still)]).await;
        set_order(&app.db, shelf.scope(), order.id, OrderStatus::Draft).await.expect("a draft");
        assert_eq!(shelf.found(&[("q", "alt-1")]).await, of_order);
        let path = format!("/api/orders/{}", order.id);
        assert_eq!(shelf.send(Method::PATCH, &path, json!({"order_number": "NEU-2"})).await.status, 200);
        assert_eq!(shelf.found(&[("q", "neu-2 lager")]).await, of_order);
        finds("alt", &[]).await;
        let gone = Reply::of(shelf.admin.request(Method::DELETE, &path)).await;
        assert_eq!(gone.status, 204, "{}", gone.text());
        finds("neu", &[]).await;
        assert_eq!(shelf.found(&[("q", "lager 9")]).await, of_order, "the product is still there");
        // A product that goes takes its words with it.
        let gone = Reply::of(shelf.admin.request(Method::DELETE, &format!("/api/v1/products/{product}"))).await;
        assert_eq!(gone.status, 204, "{}", gone.text());
        finds("pendel", &[]).await;
        assert_eq!(shelf.found(&[("q", "result")]).await.len(), 8);
        assert_eq!(shelf.asset(&ids[3]).await["product"], json!(null));
    }

    async fn m05_m26_m27_everybody_sees_their_own(engine) {
        let app = TestApp::idle(&engine).await;
        let boss = app.set_up("boss@test").await;
        let boss = app.with_key(token(&boss));
        let (alpha, beta) = (Shelf::open(&app, "alpha").await, Shelf::open(&app, "beta").await);
        let (client, by) = alpha.person("client", Role::Client).await;
        let (stranger, _) = alpha.person("stranger", Role::Client).await;
        let product = alpha.product("Lager 7", ["P7", "", ""]).await;
        let order = alpha.order(product, "ORD-1", by, RenderStatus::Completed).await;
        let hidden = SeedAsset { state: AssetState::Unpublished, ..alpha.of_line(&order, AssetType::Still) };
        let own = alpha.put(vec![alpha.of_line(&order, AssetType::Still), hidden, alpha.still_of(product)]).await;
        let other = beta.put(vec![beta.still()]).await;
        let (a, b) = (alpha.tenant.to_string(), beta.tenant.to_string());
        assert_eq!(found(&boss, &[("tenant_id", &b)]).await, other);
        assert_eq!(alpha.found(&[("tenant_id", &a)]).await.len(), 3);
        let all = |query: &[(&str, &str)]| boss.request(Method::GET, &asking("/api/media/assets", query)).header("x-tenant-id", "*");
        assert_eq!(Reply::of(all(&[])).await.json()["total"], 4);
        assert_eq!(Reply::of(all(&[("tenant_id", &b)])).await.json()["items"][0]["id"], json!(other[0]));
        for (guest, tenant) in [(&alpha.admin, b.clone()), (&alpha.admin, Uuid::now_v7().to_string()), (&boss, Uuid::now_v7().to_string())] {
            for path in ["/api/media/assets", "/api/media/assets/facets"] {
                let refused = guest.get(&format!("{path}?tenant_id={tenant}")).await;
                assert_eq!(refused.problem(), (403, "tenant_mismatch".to_owned()), "{path}");
            }
        }
        let both = Reply::of(boss.request(Method::GET, &format!("/api/media/assets?tenant_id={a}")).header("x-tenant-id", b.as_str())).await;
        assert_eq!(both.problem(), (403, "tenant_mismatch".to_owned()));

        // M26: a client sees the published ones of own orders.
        for query in [vec![], vec![("state", "unpublished")], vec![("q", "lager")], vec![("state", "published,superseded")]] {
            assert_eq!(found(&client, &query).await, own[..1], "{query:?}");
            assert_eq!(found(&stranger, &query).await, [""; 0], "{query:?}");
        }
        assert_eq!(client.get("/api/media/assets/facets").await.json()["total"], 1);
        assert_eq!(stranger.get("/api/media/assets/facets?q=lager").await.json()["asset_type"], json!({}));
        for (guest, asset, status) in [(&client, &own[0], 200), (&client, &own[1], 404), (&client, &own[2], 404), (&stranger, &own[0], 404)] {
            for path in [format!("/api/media/assets/{asset}"), format!("/api/media/assets/{asset}/versions")] {
                assert_eq!(guest.get(&path).await.status, status, "{path}");
            }
        }

        // M27: what another tenant has is as what nobody has.
        let nobody = Uuid::now_v7().to_string();
        let whole = format!("/api/v1/products/{product}/media");
        for (method, path, body) in [
            (Method::GET, "", None),
            (Method::PATCH, "", Some(json!({"hold": true}))),
            (Method::DELETE, "", None),
            (Method::GET, "/content", None),
            (Method::GET, "/versions", None),
            (Method::POST, "/publish", None),
            (Method::POST, "/unpublish", None),
        ] {
            let ask = async |asset: &str| {
                let request = alpha.admin.request(method.clone(), &format!("/api/media/assets/{asset}{path}"));
                let reply = Reply::of(body.iter().fold(request, |request, body| request.json(body))).await;
                (reply.problem(), reply.json()["detail"].clone())
            };
            let foreign = ask(&other[0]).await;
            assert_eq!(foreign.0, (404, "asset_not_found".to_owned()), "{method} {path}");
            assert_eq!(foreign, ask(&nobody).await, "{method} {path}");
        }
        for asset in [&other[0], &nobody] {
            let added = alpha.send(Method::POST, &whole, json!({"asset_id": asset})).await;
            assert_eq!(added.problem(), (404, "asset_not_found".to_owned()));
            let ordered = alpha.send(Method::PUT, &whole, json!({"asset_ids": [asset]})).await;
            assert_eq!(ordered.problem(), (422, "media_set_differs".to_owned()));
            let removed = Reply::of(alpha.admin.request(Method::DELETE, &format!("{whole}/{asset}"))).await;
            assert_eq!(removed.problem(), (404, "asset_not_found".to_owned()));
            let deleted = alpha.send(Method::POST, "/api/media/assets/delete", json!({"asset_ids": [asset]})).await.json();
            assert_eq!(deleted, super::shelf::bulk(0, &[(asset, "asset_not_found")]));
        }
        assert_eq!(beta.found(&[("order_id", &order.id.to_string())]).await, [""; 0]);
        let foreign = beta.admin.get(&whole).await;
        assert_eq!(foreign.problem(), (404, "product_not_found".to_owned()));
        assert_eq!(beta.found(&[]).await, other, "nothing has happened to it");
    }

    async fn m08_m09_m17_m19_pages_and_cursors(engine) {
        let app = TestApp::idle(&engine).await;
        let shelf = Shelf::open(&app, "alpha").await;
        // Some are of the same time: then their ids decide.
        let named = |i: usize| SeedAsset { file_name: format!("{} {i}.png", i * 7 % 120), ..shelf.still() };
        let mut seeds: Vec<SeedAsset> = (0..120).map(named).collect();
        for i in (0..120).step_by(3) {
            seeds[i + 1].created_at = seeds[i].created_at;
        }
        let ids = shelf.put(seeds.clone()).await;
        seeds.sort_by_key(|seed| std::cmp::Reverse((seed.created_at, seed.id)));
        let newest: Vec<String> = seeds.iter().map(|seed| seed.id.to_string()).collect();
        let mut listed = Vec::new();
        for (n, len) in [("1", 50), ("2", 50), ("3", 20), ("4", 0)] {
            let page = page(&shelf.admin, &[("page", n)]).await;
            assert_eq!((&page["total"], &page["pages"], &page["page_size"], &page["page"]), (&json!(120), &json!(3), &json!(50), &json!(n.parse::<u32>().expect("a number"))));
            let items: Vec<String> = page["items"].as_array().expect("a list").iter().map(crate::app::id).collect();
            assert_eq!((items.len(), page["next_cursor"].is_null()), (len, n >= "3"), "page {n}");
            listed.extend(items);
        }
        assert_eq!(listed, newest);
        assert_eq!(page(&shelf.admin, &[("page", "4000000000"), ("page_size", "200")]).await["items"], json!([]));

        // M19: others that come and go in between neither repeat nor hide any; the cursor has the filters.
        let mut deleted: BTreeSet<String> = BTreeSet::new();
        for sort in ["-created_at", "name"] {
            let there = 120 - deleted.len();
            let first = page(&shelf.admin, &[("page_size", "40"), ("sort", sort), ("asset_type", "still")]).await;
            let mut seen: Vec<Value> = first["items"].as_array().expect("a list").clone();
            let mut cursor = first["next_cursor"].as_str().map(str::to_owned);
            let mut added = 0;
            while let Some(at) = cursor {
                if added < 5 {
                    shelf.put((0..5).map(|_| shelf.still()).collect()).await;
                    added = 5;
                    let left = ids.iter().filter(|id| !seen.iter().any(|asset| asset["id"] == **id));
                    let left: Vec<&String> = left.filter(|id| !deleted.contains(*id)).take(5).collect();
                    let body = json!({"asset_ids": left});
                    let done = shelf.send(Method::POST, "/api/media/assets/delete", body).await.json();
                    assert_eq!(done["changed"], 5);
                    deleted.extend(left.into_iter().cloned());
                    let beside = [("cursor", at.as_str()), ("asset_type", "view")];
                    let other = shelf.admin.get(&asking("/api/media/assets", &beside)).await;
                    assert_eq!(other.problem(), (422, "invalid_cursor".to_owned()));
                }
                let next = page(&shelf.admin, &[("cursor", &at), ("page_size", "40")]).await;
                assert_eq!((&next["page"], next["total"].as_u64() > Some(100)), (&json!(null), true));
                seen.extend(next["items"].as_array().expect("a list").clone());
                cursor = next["next_cursor"].as_str().map(str::to_owned);
            }
            let seen: Vec<String> = seen.iter().map(crate::app::id).collect();
            let of_before: Vec<&String> = seen.iter().filter(|id| ids.contains(id)).collect();
            let there = there - 5;
            assert_eq!(of_before.iter().collect::<BTreeSet<_>>().len(), there, "{sort}: each once");
            assert_eq!(of_before.len(), there, "{sort}: none twice");
        }

        let long = "x".repeat(201);
        for (name, value) in [
            ("asset_type", "movie"), ("render_status", "done"), ("page", "0"), ("page_size", "201"), ("page_size", "x"), ("sort", "colour"),
            ("q", long.as_str()), ("q", "a b c d e f g h i j k"), ("state", "hidden"), ("product_id", "7"), ("created_from", "yesterday"),
        ] {
            let refused = shelf.admin.get(&asking("/api/media/assets", &[(name, value)])).await;
            assert_eq!((refused.problem(), refused.pointers()), ((422, "validation_failed".to_owned()), vec![format!("?{name}")]), "{name}={value}");
        }
        for cursor in ["garbage", "e30", "00000193b2a05c4e0193b2a05c4e7d319f0a2b8c61d7e4f5"] {
            let refused = shelf.admin.get(&format!("/api/media/assets?cursor={cursor}")).await;
            assert_eq!(refused.problem(), (422, "invalid_cursor".to_owned()), "{cursor}");
        }
    }
}
