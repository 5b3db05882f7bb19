//! What is refused before there is a job.

use packshot_domain::access::{Role, Scope};
use packshot_service::app::OwnDeeds;
use packshot_service::designs::checking;
use reqwest::Method;
use serde_json::json;

use super::bench::{Bench, JOBS, design};
use crate::app::{Installation, TestApp, id};
use crate::glb::Glb;

cases! {
    on_postgres_in_the_soak:
    async fn d60_refused_files_leave_no_job(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        let before = bench.kept().await;
        let cut = design()[..60].to_vec();
        for (file, code) in [
            (b"GIF89a".to_vec(), "unsupported_design_format"),
            (b"%PDF-1.7".to_vec(), "unsupported_design_format"),
            (b"text".to_vec(), "unsupported_design_format"),
            (Vec::new(), "unsupported_design_format"),
            (cut, "design_unreadable"),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><script>1</script></svg>".to_vec(), "design_svg_refused"),
        ] {
            let refused = bench.send(file, "logo.png", &json!({}), &[]).await;
            assert_eq!(refused.problem(), (422, code.to_owned()), "{}", refused.text());
            assert!(refused.pointers()[0].starts_with("/design"), "{:?}", refused.pointers());
        }
        assert_eq!(bench.kept().await, before);
    }

    async fn d52_d65_placements_that_lose_the_design_are_refused(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        for (more, code) in [
            (json!({"placement": {"y": 500}}), "placement_outside_area"),
            (json!({"placement": {"y": 47.5, "width": 30, "strict": true}}), "placement_clipped"),
            (json!({"area": {"part": "Body", "mapping": "planar"}, "preset": "wrap"}), "area_does_not_wrap"),
        ] {
            let refused = bench.send(design(), "a.png", &more, &[]).await;
            assert_eq!(refused.problem(), (422, code.to_owned()), "{}", refused.text());
        }
        let wrong = bench.send(design(), "a.png", &json!({"placement": {"opacity": 3}, "unknown": 1}), &[]).await;
        assert_eq!(wrong.status, 422, "{}", wrong.text());
    }

    async fn d67_designs_are_for_those_who_run_orders(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        let job = id(&bench.start(&json!({})).await);
        let made = bench.admin.send(Method::POST, &format!("/api/v1/products/{}/design-areas", bench.product), &json!({"name": "Wall", "selector": {"part": "Body"}})).await;
        let area = id(&made.json());
        let client = app.person(bench.tenant, "client@test", Role::Client).await;
        let client = app.with_key(crate::app::token(&client));
        let (_, key) = app.tenant_key("beta", Role::ProjectManager, &[Scope::MediaRead, Scope::MediaWrite]).await;
        let beta = app.with_key(&key);
        let own = format!("{JOBS}/{job}");
        let areas = format!("/api/v1/products/{}/design-areas", bench.product);
        for path in [own.clone(), JOBS.to_owned(), areas.clone(), format!("{areas}/detect"), format!("{areas}/{area}")] {
            assert_eq!(client.get(&path).await.problem(), (403, "forbidden".to_owned()), "{path}");
        }
        assert_eq!(beta.get(&own).await.problem(), (404, "render_job_not_found".to_owned()));
        for path in [areas.clone(), format!("{areas}/{area}")] {
            assert_eq!(beta.get(&path).await.problem(), (404, "product_not_found".to_owned()), "{path}");
        }
        let asset = bench.job(&job).await["design"]["asset_id"].clone();
        let other = Bench::of_tenant(&app, "gamma", Glb::mug(None)).await;
        let body = other.request(&json!({"design_asset_id": asset}));
        let foreign = other.admin.send(Method::POST, JOBS, &body).await;
        assert_eq!(foreign.problem(), (404, "asset_not_found".to_owned()));
        let body = bench.request(&json!({"design_asset_id": asset}));
        let again = bench.admin.send(Method::POST, JOBS, &body).await;
        assert_eq!((again.status, &again.json()["design"]["asset_id"]), (202, &asset), "{}", again.text());
        let operator = app.operating_key(&[Scope::Admin]).await;
        let off = json!({"features": {"design_renders": false}});
        let off = app.with_key(&operator).send(Method::PATCH, &format!("/api/v1/tenants/{}/config", bench.tenant), &off).await;
        assert_eq!(off.status, 200, "{}", off.text());
        let disabled = (403, "feature_disabled".to_owned());
        assert_eq!(bench.send(design(), "a.png", &json!({}), &[]).await.problem(), disabled);
        for path in [own, JOBS.to_owned(), areas] {
            assert_eq!(bench.admin.get(&path).await.problem(), disabled, "{path}");
        }
    }

    async fn d23_working_folders_of_jobs_that_are_gone_are_removed(engine) {
        let app = TestApp::idle(&engine).await;
        let bench = Bench::open(&app).await;
        bench.start(&json!({})).await;
        let stray = app.settings.data.join("tmp/design-jobs/0193b2a0-0000-7000-8000-000000000000");
        std::fs::create_dir_all(stray.join("deep")).expect("a folder");
        checking::check(&app.db, &app.settings, &OwnDeeds).await.expect("checked");
        assert!(!stray.exists());
        assert_eq!(bench.folders().len(), 1, "that of the job which waits stays");
    }
    async fn d15_a_job_that_cannot_be_written_leaves_nothing(engine) {
        let site = Installation::new(&engine, &[]).await;
        let app = site.start(false).await;
        let bench = Bench::open(&app).await;
        let before = bench.kept().await;
        engine.refuse_rows(&site.database, "design_jobs").await.expect("refuses");
        let refused = bench.send(design(), "logo.png", &json!({}), &[]).await;
        assert_eq!(refused.problem(), (500, "internal_error".to_owned()));
        assert_eq!((bench.kept().await, bench.folders().len()), (before, 0));
    }
}
