//! Comparison of shadow runs as a system before this one has left them, with files below `uploads`: W29–W32, W73–W81,
//! W82.

use std::io::Cursor;
use std::path::PathBuf;

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use packshot_db::TenantScope;
use packshot_db::testing::{FinishedShadow, insert_shadow};
use packshot_domain::access::{Role, Scope};
use packshot_domain::id::RunId;
use packshot_domain::order::line::RenderStatus;
use packshot_domain::workflow::RunStatus;
use serde_json::{Value, json};

use super::shop::{Line, Shop, chain_in, still, tiny};
use crate::app::TestApp;

/// A picture of one colour.
fn flat(side_px: u32, colour: [u8; 4]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = RgbaImage::from_pixel(side_px, side_px, Rgba(colour));
    DynamicImage::from(picture).write_to(&mut bytes, ImageFormat::Png).expect("written");
    bytes.into_inner()
}

/// The same picture with a date in its metadata.
fn dated(side_px: u32, colour: [u8; 4], date: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side_px, side_px);
    encoder.set_color(png::ColorType::Rgba);
    encoder.add_text_chunk("Date".to_owned(), date.to_owned()).expect("a text");
    let pixels: Vec<u8> = colour.iter().copied().cycle().take((side_px * side_px * 4) as usize).collect();
    encoder.write_header().expect("a header").write_image_data(&pixels).expect("written");
    bytes
}

/// A shadow run of a line, and where its files are.
struct Left<'a> {
    shop: &'a Shop<'a>,
    data: PathBuf,
    line: Line,
    run: RunId,
}

impl<'a> Left<'a> {
    async fn of(app: &TestApp, shop: &'a Shop<'a>, status: RunStatus, render_status: RenderStatus) -> Self {
        let line = shop.line_of(&shop.product, tiny(), None).await;
        let tenant = shop.line_now(&line).await["tenant_id"].as_str().expect("an id").parse().expect("an id");
        let result_path = (render_status == RenderStatus::Completed).then(|| own_of(&line));
        let of = FinishedShadow {
            line: line.id.parse().expect("an id"),
            result_path,
            render_status,
            status,
            config: chain_in("shadow", still(json!({}))),
        };
        let run = insert_shadow(&app.db, TenantScope::of(tenant), of).await.expect("inserted");
        Self { shop, data: app.folder.path().to_owned(), line, run }
    }

    /// Of a run and a line that have both completed.
    async fn completed(app: &TestApp, shop: &'a Shop<'a>) -> Self {
        Self::of(app, shop, RunStatus::Completed, RenderStatus::Completed).await
    }

    /// Where the picture that counts is.
    fn own(&self) -> String {
        own_of(&self.line)
    }

    fn observer(&self) -> String {
        format!("uploads/{}/authoritative_shadow-{}.png", self.line.id, self.run.short())
    }

    fn in_renders(&self) -> String {
        format!("uploads/step_files/renders/line_{}_shadow-{}.png", self.line.id, self.run.short())
    }

    fn has(&self, path: &str, bytes: &[u8]) -> &Self {
        let path = self.data.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, bytes).expect("written");
        self
    }

    async fn compared(&self) -> Value {
        self.shop.get(&format!("/api/workflows/runs/{}/comparison", self.run)).await
    }
}

/// A run of a line that has both pictures, which are equal.
pub(crate) async fn compared_run(app: &TestApp, scope: TenantScope, line: &str) -> String {
    let folder = format!("uploads/{line}");
    let of = FinishedShadow {
        line: line.parse().expect("an id"),
        result_path: Some(format!("{folder}/x.png")),
        render_status: RenderStatus::Completed,
        status: RunStatus::Completed,
        config: chain_in("shadow", still(json!({}))),
    };
    let run = insert_shadow(&app.db, scope, of).await.expect("inserted");
    std::fs::create_dir_all(app.folder.path().join(&folder)).expect("made");
    for name in ["x.png".to_owned(), format!("x_shadow-{}.png", run.short())] {
        std::fs::write(app.folder.path().join(&folder).join(name), flat(8, COLOUR)).expect("written");
    }
    run.to_string()
}

/// Runs of one minute have the same first characters: each line has a folder of its own.
fn own_of(line: &Line) -> String {
    format!("uploads/{}/authoritative.png", line.id)
}

fn reason(found: &Value) -> String {
    let reasons = found["rollout_gate"]["reasons"].as_array().expect("a list");
    reasons.iter().map(|reason| reason.as_str().expect("a sentence")).collect::<Vec<_>>().join(" ")
}

const COLOUR: [u8; 4] = [0, 128, 255, 255];

cases! {
    on_postgres_in_the_soak:
    async fn w29_w30_w31_w32_files_of_both_sides_are_found_and_compared(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let left = Left::completed(&app, &shop).await;
        left.has(&left.own(), &flat(8, COLOUR)).has(&left.observer(), &flat(8, COLOUR));
        let found = left.compared().await;
        assert_eq!((&found["workflow_run_id"], &found["execution_mode"]), (&json!(left.run.to_string()), &json!("shadow")));
        assert_eq!((&found["status"], &found["exact_match"], &found["dimensions_match"]), (&json!("matched"), &json!(true), &json!(true)));
        assert_eq!(found["mean_pixel_delta"], 0.0);
        let (own, observed) = (&found["authoritative_output"], &found["observer_output"]);
        assert_eq!((&own["path"], &observed["path"]), (&json!(left.own()), &json!(left.observer())));
        assert_eq!((&own["image_width"], &observed["image_height"]), (&json!(8), &json!(8)));
        // W30
        let left = Left::completed(&app, &shop).await;
        left.has(&left.own(), &dated(8, COLOUR, "2026-04-07 10:38:23"));
        left.has(&left.observer(), &dated(8, COLOUR, "2026-04-07 10:40:45"));
        let found = left.compared().await;
        assert_eq!((&found["status"], &found["exact_match"]), (&json!("matched"), &json!(false)));
        assert_eq!((&found["dimensions_match"], &found["mean_pixel_delta"]), (&json!(true), &json!(0.0)));
        assert!(found["summary"].as_str().is_some_and(|text| text.contains("metadata differs")), "{found}");
        assert_eq!(found["rollout_gate"]["verdict"], "pass", "W77");
        // W31
        let left = Left::completed(&app, &shop).await;
        left.has(&left.own(), &flat(4, [255, 64, 64, 255]));
        let found = left.compared().await;
        assert_eq!((&found["status"], &found["exact_match"]), (&json!("missing_observer"), &json!(null)));
        assert_eq!(found["observer_output"]["exists"], false);
        assert_eq!(found["authoritative_output"]["exists"], true);
        assert!(reason(&found).contains("Observer workflow output is missing"));
        // W32
        let left = Left::completed(&app, &shop).await;
        left.has(&left.own(), &flat(12, [32, 160, 255, 255])).has(&left.in_renders(), &flat(12, [32, 160, 255, 255]));
        let found = left.compared().await;
        assert_eq!((&found["status"], &found["observer_output"]["exists"]), (&json!("matched"), &json!(true)));
        assert_eq!(found["observer_output"]["path"], left.in_renders());
    }

    async fn w73_w74_w75_w76_w78_what_differs_blocks_the_rollout(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        let left = Left::completed(&app, &shop).await;
        left.has(&left.own(), &flat(8, [0, 128, 100, 255])).has(&left.observer(), &flat(8, [51, 128, 100, 255]));
        let found = left.compared().await;
        assert_eq!((&found["status"], &found["mean_pixel_delta"]), (&json!("different"), &json!(0.05)));
        assert_eq!(found["rollout_gate"]["status"], "block_rollout");
        assert!(reason(&found).contains("fail threshold"));
        // W74
        let left = Left::completed(&app, &shop).await;
        left.has(&left.own(), &flat(8, COLOUR)).has(&left.observer(), &flat(16, COLOUR));
        let found = left.compared().await;
        assert_eq!((&found["status"], &found["dimensions_match"], &found["mean_pixel_delta"]), (&json!("different"), &json!(false), &json!(null)));
        assert!(reason(&found).contains("dimensions differ"));
        // W75
        let left = Left::of(&app, &shop, RunStatus::Completed, RenderStatus::Failed).await;
        left.has(&left.in_renders(), &flat(8, COLOUR));
        let found = left.compared().await;
        assert_eq!(found["status"], "missing_authoritative");
        assert!(reason(&found).contains("Authoritative output is missing"));
        let left = Left::of(&app, &shop, RunStatus::Failed, RenderStatus::Failed).await;
        let found = left.compared().await;
        assert_eq!(found["status"], "missing_both");
        assert!(reason(&found).contains("Observer") && reason(&found).contains("Authoritative"));
        // W76
        let left = Left::completed(&app, &shop).await;
        left.has(&left.own(), &flat(8, COLOUR)).has(&left.observer(), b"not a png");
        let found = left.compared().await;
        let observed = &found["observer_output"];
        assert_eq!((&observed["exists"], &observed["readable"]), (&json!(true), &json!(false)));
        assert_eq!((&found["status"], &found["rollout_gate"]["verdict"]), (&json!("different"), &json!("fail")));
        assert!(reason(&found).contains("cannot be read"));
        // W78: W12's pair passes a wider gate.
        let left = Left::completed(&app, &shop).await;
        let path = format!("/api/v1/output-types/{}", left.line.output_type);
        let gate = json!({"metric": "mean_pixel_delta", "pass_max": 0.001, "warn_max": 0.01});
        shop.changed(&path, json!({"rollout_gate": gate})).await;
        left.has(&left.own(), &flat(16, COLOUR)).has(&left.observer(), &flat(16, [0, 129, 255, 255]));
        let found = left.compared().await;
        assert_eq!((&found["rollout_gate"]["verdict"], &found["rollout_gate"]["pass_max"]), (&json!("pass"), &json!(0.001)));
        let unfit = json!({"rollout_gate": {"pass_max": 0.5, "warn_max": 0.1}});
        let refused = shop.admin.send(reqwest::Method::PATCH, &path, &unfit).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec!["/rollout_gate".to_owned()]));
        // W79: what a gate by FLIP says.
        let left = Left::completed(&app, &shop).await;
        let path = format!("/api/v1/output-types/{}", left.line.output_type);
        shop.changed(&path, json!({"rollout_gate": {"metric": "flip"}})).await;
        left.has(&left.own(), &flat(16, COLOUR)).has(&left.observer(), &flat(16, [0, 129, 255, 255]));
        let found = left.compared().await;
        let gate = &found["rollout_gate"];
        assert_eq!((&gate["metric"], &gate["measured"]), (&json!("flip"), &found["mean_flip"]));
        assert_eq!((&gate["pass_max"], &gate["warn_max"]), (&json!(0.05), &json!(0.1)));
        assert!(found["mean_pixel_delta"].as_f64().is_some_and(|delta| delta > 0.0));
    }

    async fn w80_w81_w82_what_has_not_ended_or_does_not_apply(engine) {
        let app = TestApp::idle(&engine).await;
        let shop = Shop::open(&app).await;
        for (status, render_status) in
            [(RunStatus::Pending, RenderStatus::Completed), (RunStatus::Completed, RenderStatus::Processing)]
        {
            let left = Left::of(&app, &shop, status, render_status).await;
            left.has(&left.own(), &flat(8, COLOUR));
            let found = left.compared().await;
            let gate = &found["rollout_gate"];
            assert_eq!((&gate["verdict"], &gate["status"]), (&json!(null), &json!("pending_shadow_verdict")), "{found}");
            assert!(reason(&found).contains("has not finished"));
            if status == RunStatus::Pending {
                assert_eq!(found["status"], "missing_observer");
            }
            let run = shop.get(&format!("/api/workflows/runs/{}", left.run)).await;
            assert_eq!(run["comparison"], Value::Null, "nothing is kept yet");
        }
        // W81
        let line = shop.line_of(&shop.product, tiny(), Some(chain_in("graph", still(tiny())))).await;
        let run = shop.dispatch_line(&line).await["workflow_run_id"].clone();
        let path = format!("/api/workflows/runs/{}/comparison", run.as_str().expect("an id"));
        assert_eq!(shop.admin.get(&path).await.problem(), (409, "comparison_not_applicable".to_owned()));
        let nodes = vec![super::shop::node("input", "resolve_step_path", json!({}))];
        let of_file = shop.dispatch(super::shop::chain(nodes), &shop.cad_file).await;
        let path = format!("/api/workflows/runs/{}/comparison", crate::app::id(&of_file["workflow_run"]));
        assert_eq!(shop.admin.get(&path).await.problem(), (409, "comparison_not_applicable".to_owned()));
        let unknown = format!("/api/workflows/runs/{}/comparison", RunId::new());
        assert_eq!(shop.admin.get(&unknown).await.problem(), (404, "workflow_run_not_found".to_owned()));
        // W82: what a client and somebody of another tenant get.
        let left = Left::completed(&app, &shop).await;
        let path = format!("/api/workflows/runs/{}/comparison", left.run);
        let (_, client) = app.tenant_key("gamma", Role::Client, &[Scope::WorkflowsRead]).await;
        assert_eq!(app.with_key(&client).get(&path).await.status, 403);
        let (_, other) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        assert_eq!(app.with_key(&other).get(&path).await.problem(), (404, "workflow_run_not_found".to_owned()));
    }
}
