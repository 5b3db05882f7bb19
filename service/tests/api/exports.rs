//! R82: lines of orders whose output type is a GLB for viewers: what they give, and in which colours.

use packshot_domain::access::{Role, Scope};
use packshot_materials::library::Library;
use packshot_renderer::backend::CancelToken;
use packshot_worker::cad;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, id, poll};
use crate::glb::Glb;

const STEP: &[u8] = b"ISO-10303-21;\nHEADER;\nENDSEC;\nEND-ISO-10303-21;\n";

/// A tenant's admin, with an output type of kind `glb`.
struct Shop<'a> {
    admin: Guest<'a>,
    viewer: String,
}

impl<'a> Shop<'a> {
    async fn open(app: &'a TestApp) -> Self {
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let shop = Self { admin: app.with_key(&key), viewer: String::new() };
        let viewer = shop.made("/api/v1/output-types", json!({"name": "Viewer", "kind": "glb"})).await;
        Self { viewer: id(&viewer), ..shop }
    }

    async fn made(&self, path: &str, body: Value) -> Value {
        let made = self.admin.send(Method::POST, path, &body).await;
        assert!([200, 201].contains(&made.status), "{path}: {}", made.text());
        made.json()
    }

    async fn changed(&self, path: &str, body: Value) {
        let changed = self.admin.send(Method::PATCH, path, &body).await;
        assert_eq!(changed.status, 200, "{path}: {}", changed.text());
    }

    /// A submitted order with one line of a product that is exported from this file, whose part `Body` is of steel.
    async fn line(&self, file: Vec<u8>) -> String {
        let form = Form::new().part("file", Part::bytes(file).file_name("part.glb"));
        let file = Reply::of(self.admin.request(Method::POST, "/api/v1/cad-files").multipart(form)).await.json();
        let materials = json!([{"part_name": "Body", "material": "Steel"}]);
        let product =
            json!({"pim_id": id(&file), "name": "Part", "cad_file_id": id(&file), "cad_part_materials": materials});
        let product = id(&self.made("/api/v1/products", product).await);
        let order = json!({"lines": [{"product_id": product, "output_type_id": self.viewer}]});
        let order = self.made("/api/orders", order).await;
        assert_eq!(self.admin.post(&format!("/api/orders/{}/submit", id(&order))).await.status, 200);
        id(&order["lines"][0])
    }

    /// The task that a line is dispatched with.
    async fn dispatched(&self, line: &str) -> Value {
        let dispatched = self.admin.post(&format!("/api/v1/order-lines/{line}/dispatch")).await;
        assert_eq!(dispatched.status, 200, "{}", dispatched.text());
        self.task(&dispatched.json()["task_id"]).await
    }

    async fn task(&self, task: &Value) -> Value {
        self.admin.get(&format!("/api/v1/tasks/{}", task.as_str().expect("an id"))).await.json()
    }

    /// A line when its newest task has ended.
    async fn ended(&self, line: &str, task: &Value) -> Value {
        let ask = async || self.admin.get(&format!("/api/v1/order-lines/{line}")).await.json();
        let is_over = |line: &Value| {
            let (status, document) = (&line["render_status"], &line["render_job_doc"]);
            document["task_id"] == task["id"]
                && document["state"] == *status
                && (status == "completed" || status == "failed")
        };
        poll(ask, is_over).await
    }

    async fn exported(&self, line: &str) -> Value {
        let task = self.dispatched(line).await;
        let line = self.ended(line, &task).await;
        assert_eq!(line["render_status"], "completed", "{line}");
        line
    }

    /// The packages of a line, newest first.
    async fn packages(&self, line: &str) -> Vec<Value> {
        let page = self.admin.get(&format!("/api/v1/packages?subject=order_line:{line}")).await.json();
        page["items"].as_array().expect("packages").clone()
    }

    /// The file that a line was exported to last.
    async fn file(&self, line: &str) -> Reply {
        let package = self.packages(line).await.remove(0);
        let files = self.admin.get(&format!("/api/v1/packages/{}/files", id(&package))).await.json();
        assert_eq!(files["items"].as_array().map(Vec::len), Some(1), "{files}");
        let file = &files["items"][0];
        assert_eq!((&file["relative_path"], &file["media_type"]), (&json!("result.glb"), &json!("model/gltf-binary")));
        self.admin.get(file["links"]["content"].as_str().expect("a link")).await
    }
}

/// The name and the base colour of each part's material.
fn colors(glb: &[u8]) -> Vec<(String, String, Vec<f32>)> {
    let length = u32::from_le_bytes(glb[12..16].try_into().expect("four bytes")) as usize;
    let document: Value = serde_json::from_slice(&glb[20..20 + length]).expect("JSON");
    let at = |list: &str, index: &Value| document[list][index.as_u64().expect("an index") as usize].clone();
    let of_node = |node: &Value| {
        let material = at("materials", &at("meshes", &node["mesh"])["primitives"][0]["material"]);
        let color = serde_json::from_value(material["pbrMetallicRoughness"]["baseColorFactor"].clone());
        let text = |value: &Value| value.as_str().expect("a name").to_owned();
        (text(&node["name"]), text(&material["name"]), color.expect("four numbers"))
    };
    document["nodes"].as_array().expect("nodes").iter().map(of_node).collect()
}

cases! {
    on_postgres_in_the_soak:
    async fn r82_viewers_show_the_librarys_colours_and_parts_without_a_material_in_magenta(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let line = shop.line(Glb::parts(&["Body", "Xq7"]).bytes()).await;
        let library = Library::builtin();
        let steel = library.material(library.find("Steel").expect("steel").0);
        let [r, g, b] = steel.openpbr.base_color;
        let wanted = vec![
            ("Body".to_owned(), steel.id.clone(), vec![r, g, b, 1.0]),
            ("Xq7".to_owned(), "Unmapped".to_owned(), vec![1.0, 0.0, 1.0, 1.0]),
        ];
        let mut files = Vec::new();
        for fallback in [None, None, Some("STD_059999_FailedMaterial"), Some("STD_010101_Steel-Bare")] {
            if let Some(fallback) = fallback {
                shop.changed("/api/v1/tenant/config", json!({"fallback_material": fallback})).await;
            }
            shop.exported(&line).await;
            let sent = shop.file(&line).await;
            assert_eq!((sent.status, sent.header("content-type")), (200, Some("model/gltf-binary")));
            assert_eq!(colors(&sent.body), wanted, "{fallback:?}");
            files.push(sent.body);
        }
        assert!(files.iter().all(|file| *file == files[0]), "equal bytes");
        assert_eq!(shop.packages(&line).await.len(), files.len(), "each export is a package of its own");
        let made = shop.admin.get(&format!("/api/v1/packages/{}", id(&shop.packages(&line).await[0]))).await.json();
        let materials = &made["metadata"]["provenance"]["materials"];
        assert_eq!((&materials["fallback_material"], &materials["unmapped_parts"]), (&json!("STD_010101_Steel-Bare"), &json!(1)));
    }

    async fn a_line_of_kind_glb_gives_a_file_that_is_read_again(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        let source = Glb::parts(&["Body", "Cap", "Body"]).bytes();
        let line = shop.line(source.clone()).await;
        let done = shop.exported(&line).await;
        assert_eq!(done["result_path"], json!(format!("renders/{line}/result.glb")));
        let document = &done["render_job_doc"];
        let steps: Vec<_> = document["steps"].as_array().expect("steps").iter().map(|step| (step["name"].as_str().unwrap_or_default(), step["status"].as_str().unwrap_or_default())).collect();
        assert_eq!(steps, [("resolve_step_path", "done"), ("resolve_materials", "done"), ("export_glb", "done"), ("output_save", "done")]);
        let [of_materials, of_export, of_saving] = [1, 2, 3].map(|at| &document["steps"][at]["output"]);
        assert_eq!((&of_materials["unmapped"], &of_export["quality"]), (&json!(1), &json!("medium")));
        assert_eq!((&of_saving["output_path"], &of_saving["size_bytes"]), (&done["result_path"], &of_export["glb_size_bytes"]));
        assert!(of_export["glb_duration_s"].is_f64(), "{of_export}");

        let task = shop.task(&document["task_id"]).await;
        assert_eq!((&task["task_name"], &task["queue"], &task["state"]), (&json!("export_glb"), &json!("convert"), &json!("completed")));
        assert_eq!(task["kwargs"], json!({"quality": "medium", "publish_asset_enabled": true, "graph_authoritative_output_enabled": false}));
        let package = shop.packages(&line).await.remove(0);
        assert_eq!((&package["name"], &package["retention_class"], &package["status"]), (&json!("export_glb"), &json!("render-output"), &json!("finalized")));
        let made = shop.admin.get(&format!("/api/v1/packages/{}", id(&package))).await.json();
        let provenance = &made["metadata"]["provenance"];
        assert_eq!((&provenance["job"]["order_line_id"], &provenance["job"]["task_name"]), (&json!(line), &json!("export_glb")));
        assert_eq!((&provenance["shot"], &provenance["renderer"]["name"]), (&json!(null), &json!("packshot")));

        let sent = shop.file(&line).await;
        assert_eq!(json!(sent.body.len()), of_saving["size_bytes"]);
        let [before, after] = [&source[..], &sent.body].map(|file| cad::read(file, &CancelToken::default()).expect("a sound file"));
        assert_eq!(after.parts, before.parts);
        let [before, after] = [before, after].map(|facts| facts.size_mm.expect("parts"));
        assert!(before.iter().zip(after).all(|(before, after)| (before - after).abs() < 1e-3), "{before:?} {after:?}");
    }

    async fn a_line_of_kind_glb_fails_for_what_it_would_fail_for_as_a_picture(engine) {
        let app = TestApp::start(&engine).await;
        let shop = Shop::open(&app).await;
        shop.changed(&format!("/api/v1/output-types/{}", shop.viewer), json!({"max_unmapped": 0})).await;
        for (file, code) in [(Glb::parts(&["Body", "Xq7"]).bytes(), "unmapped_parts"), (STEP.to_vec(), "cad_conversion_unavailable")] {
            let line = shop.line(file).await;
            let task = shop.dispatched(&line).await;
            let failed = shop.ended(&line, &task).await;
            assert_eq!((&failed["render_status"], &failed["result_path"]), (&json!("failed"), &json!(null)), "{failed}");
            let task = shop.task(&task["id"]).await;
            assert_eq!((&task["error"]["code"], &task["attempt"]), (&json!(code), &json!(1)), "{task}");
            assert_eq!(shop.packages(&line).await, Vec::<Value>::new(), "nothing is published");
        }
        let line = shop.line(Glb::body()).await;
        shop.exported(&line).await;
    }
}
