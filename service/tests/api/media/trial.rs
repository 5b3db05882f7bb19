//! M11: pages of a large catalogue. `PACKSHOT_ASSETS` says how many assets there are; with 100,000, which
//! `scripts/measure media` asks for, each page has its limit, and the figures are printed.

use std::time::{Duration, Instant};

use packshot_db::testing::media::{SeedAsset, SeedOrder, SeedProduct, insert_assets, insert_catalogue, maintain};
use packshot_domain::access::{Role, Scope};
use packshot_domain::id::{OrderId, OrderLineId, ProductId, UserId};
use packshot_domain::media::AssetType;
use packshot_domain::order::OrderStatus;
use packshot_domain::order::line::RenderStatus;
use serde_json::Value;

use super::shelf::asking;
use crate::app::{Installation, TestApp, TestDatabase};

/// How long a page may take at the API, of 95 in 100.
const P95_MAX: Duration = Duration::from_millis(50);
/// Assets from which on that is checked.
const LARGE: usize = 100_000;
/// Assets of a product.
const EACH: usize = 10;
const NAMES: [&str; 4] = ["Axial-Zylinderrollenlager", "Rillenkugellager", "Kegelrollenlager", "Gehäuse"];
const ENDS: [&str; 3] = ["TV", "2RSR", "M"];
const CATEGORIES: [&str; 5] = ["TRB", "CRB", "DGBB", "HSG", "SRB"];

/// Fills a tenant with products, an order line for each, and assets of those.
async fn fill(app: &TestApp, scope: packshot_db::TenantScope, n: usize) {
    let label = |text: &str| text.parse().expect("a label");
    let begun = app.db.now().await.expect("the time");
    let types = [AssetType::Still, AssetType::View, AssetType::Turntable, AssetType::Thumbnail];
    let statuses = [RenderStatus::Completed, RenderStatus::Completed, RenderStatus::Failed];
    for from in (0..n / EACH).step_by(200) {
        let (mut products, mut orders, mut assets) = (Vec::new(), Vec::new(), Vec::new());
        for i in from..(from + 200).min(n / EACH) {
            let id = ProductId::new();
            products.push(SeedProduct {
                id,
                name: label(&format!("{} {}-{}", NAMES[i % 4], 80_000 + i, ENDS[i % 3])),
                pim_id: label(&format!("PIM-{:08x}", (i as u32).wrapping_mul(2_654_435))),
                category_key: Some(label(CATEGORIES[i % 5])),
                lagertyp: Some(label(NAMES[i % 4])),
            });
            let order = SeedOrder {
                id: OrderId::new(),
                number: format!("ORD-2026-{i:06}").parse().expect("a number"),
                status: OrderStatus::Completed,
                created_by: UserId::new(),
                line: OrderLineId::new(),
                product: id,
                render_status: statuses[i % 3],
            };
            for j in 0..EACH {
                assets.push(SeedAsset {
                    asset_type: types[j % 4],
                    view_name: (j % 4 == 1).then(|| "front_0deg".to_owned()),
                    product: Some(id),
                    line: Some((order.id, order.line, order.render_status)),
                    ..SeedAsset::still(begun + Duration::from_millis((i * EACH + j) as u64 * 7))
                });
            }
            orders.push(order);
        }
        insert_catalogue(&app.db, scope, products, orders).await.expect("a catalogue");
        insert_assets(&app.db, scope, assets).await.expect("assets");
    }
}

cases! {
    async fn m11_pages_of_a_large_catalogue(engine) {
        let n: usize = std::env::var("PACKSHOT_ASSETS").ok().map_or(300, |n| n.parse().expect("a number"));
        let rounds = if n >= LARGE { 200 } else { 1 };
        let installation = Installation::new(&engine, &[]).await;
        let app = installation.start(false).await;
        let (tenant, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let begun = Instant::now();
        fill(&app, packshot_db::TenantScope::of(tenant), n).await;
        maintain(&installation.database).await.expect("maintained");
        let name = if matches!(engine, TestDatabase::Sqlite) { "SQLite" } else { "PostgreSQL" };
        println!("| {name}: {n} assets, filled in {:.0} s | p50 ms | p95 ms | total |\n|---|---|---|---|", begun.elapsed().as_secs_f64());
        let last = (n / 50).to_string();
        let m01 = [("asset_type", "still"), ("category_key", "TRB"), ("lagertyp", NAMES[0]), ("render_status", "completed"), ("page", "1"), ("page_size", "50"), ("q", "80")];
        let mut slow = Vec::new();
        for (what, query) in [
            ("all, first page", &[][..]),
            ("all, deepest page", &[("page", last.as_str())]),
            ("M01", &m01),
            ("a type, first page", &[("asset_type", "still")]),
            ("a type, deepest page", &[("asset_type", "still"), ("page", "600")]),
            ("a category", &[("category_key", "TRB")]),
            ("a lagertyp", &[("lagertyp", NAMES[1])]),
            ("a state of the line", &[("render_status", "failed")]),
            ("a view", &[("view_name", "front_0deg")]),
            ("a media type", &[("media_type", "image/png")]),
            ("a designation", &[("q", "80113")]),
            ("two words", &[("q", "tv 80114")]),
            ("a frequent word", &[("q", "kegel")]),
            ("two frequent words", &[("q", "kegel tv")]),
            ("a frequent word, deepest page", &[("q", "kegel"), ("page", "500")]),
            ("by name", &[("sort", "name")]),
        ] {
            let path = asking("/api/media/assets", query);
            let (mut times, mut total) = (Vec::new(), Value::Null);
            for _ in 0..rounds {
                let begun = Instant::now();
                let reply = guest.get(&path).await;
                times.push(begun.elapsed());
                assert_eq!(reply.status, 200, "{what}: {}", reply.text());
                total = reply.json()["total"].clone();
            }
            times.sort_unstable();
            let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
            let (p50, p95) = (at(0.5), at(0.95));
            println!("| {what} | {:.1} | {:.1} | {total} |", p50.as_secs_f64() * 1e3, p95.as_secs_f64() * 1e3);
            assert!(total.as_u64() > Some(0) || n < LARGE, "{what} finds something");
            if p95 > P95_MAX {
                slow.push(format!("{what}: {p95:?}"));
            }
        }
        assert!(n < LARGE || slow.is_empty(), "{name} is slower than {P95_MAX:?}: {slow:?}");
    }
}
