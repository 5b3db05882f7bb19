//! Designs that are looked at before there is a job.

use packshot_db::AllTenants;
use packshot_db::tenants::purge::rows_left;
use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use super::bench::{Bench, design};
use crate::app::{Reply, TestApp, id};
use crate::glb::Glb;

const PREVIEWS: &str = "/api/v1/design-previews";
const JSON: &str = "application/json";
const PNG: &str = "image/png";

/// Everything that the tenant has, and how many files the store has.
async fn all_of(bench: &Bench<'_>) -> (Vec<(String, u64)>, usize) {
    let rows = rows_left(&bench.app.db, AllTenants::Housekeeping, bench.tenant).await.expect("counts");
    (rows, bench.app.stored_files().len())
}

fn size_px(png: &[u8]) -> [u32; 2] {
    let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG");
    [reader.info().width, reader.info().height]
}

cases! {
    on_postgres_in_the_soak:
    async fn d64_a_preview_agrees_with_the_later_job_and_stores_nothing(engine) {
        let app = TestApp::start(&engine).await;
        // A part without a material is named in the report.
        let bench = Bench::of_tenant(&app, "alpha", Glb::mug(Some("Deckel"))).await;
        let areas = format!("/api/v1/products/{}/design-areas", bench.product);
        let wall = json!({"name": "Wall", "selector": {"material": "Print"}, "safe_mm": 5});
        assert_eq!(bench.admin.send(Method::POST, &areas, &wall).await.status, 201);
        let mut before = all_of(&bench).await;
        for more in [json!({"area": "Wall", "placement": {"x": 20, "rotation_deg": 10}}), json!({"preset": "full_area"})] {
            let report = bench.look(design(), &more, JSON).await;
            assert_eq!(report.status, 200, "{}", report.text());
            let texture = bench.look(design(), &more, PNG).await;
            assert_eq!((texture.status, texture.header("content-type")), (200, Some(PNG)), "{}", texture.text());
            assert_eq!(texture.header("vary"), Some("accept"));
            assert_eq!(all_of(&bench).await, before, "{more}");
            let done = bench.ended(&id(&bench.start(&more).await)).await;
            assert_eq!(done["placement_report"], report.json(), "{done}");
            // The job's texture is no larger here, so that it is the same.
            let own = bench.admin.get(done["texture"]["url"].as_str().expect("a url")).await.body;
            assert_eq!(texture.body, own, "{more}");
            bench.settled().await;
            before = all_of(&bench).await;
        }
    }

    async fn d64_a_preview_is_small_and_is_refused_as_the_job_is(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        let large = bench.look(design(), &json!({"texture_px": 8192}), PNG).await;
        assert_eq!(size_px(&large.body).into_iter().max(), Some(1024), "its longer side");
        for (more, code) in [
            (json!({"placement": {"y": 500}}), "placement_outside_area"),
            (json!({"area": {"material": "Prnt"}}), "printable_area_not_found"),
            (json!({"views": ["top"]}), "unknown_view"),
        ] {
            for accept in [JSON, PNG] {
                let refused = bench.look(design(), &more, accept).await;
                assert_eq!(refused.problem(), (422, code.to_owned()), "{}", refused.text());
            }
        }
        let broken = bench.look(b"GIF89a".to_vec(), &json!({}), JSON).await;
        assert_eq!(broken.problem(), (422, "unsupported_design_format".to_owned()));
        let lid = Bench::of_tenant(&app, "gamma", Glb::mug(Some("Deckel"))).await;
        let unmapped = lid.look(design(), &json!({"on_unmapped": "fail"}), JSON).await;
        assert_eq!(unmapped.problem(), (422, "unmapped_parts".to_owned()), "{}", unmapped.text());
    }

    async fn d64_d67_previews_are_for_those_who_start_jobs(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        let client = app.person(bench.tenant, "client@test", Role::Client).await;
        let wish = json!({"product_id": bench.product, "design_asset_id": bench.product});
        let asked = |of: &crate::app::Guest<'_>| of.request(Method::POST, PREVIEWS).json(&wish);
        let client = app.with_key(crate::app::token(&client));
        assert_eq!(Reply::of(asked(&client)).await.status, 403);
        let (_, key) = app.tenant_key("beta", Role::ProjectManager, &[Scope::MediaRead, Scope::MediaWrite]).await;
        let beta = Reply::of(asked(&app.with_key(&key))).await;
        assert_eq!(beta.problem(), (404, "product_not_found".to_owned()));
        let unknown: Value = Reply::of(asked(&bench.admin)).await.json();
        assert_eq!(unknown["code"], "asset_not_found");
    }
}
