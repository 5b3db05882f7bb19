//! O20–O23, O26, O46, O47, O55, O65, O66, R64: CAD files are converted, read again and pictured, one task at a time.

use packshot_domain::access::{Role, Scope};
use packshot_service::products::stuck;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, endless, id, poll, small};
use crate::converter::{Converter, SHORT, STEP};
use crate::glb::Glb;

const FILES: &str = "/api/v1/cad-files";

/// A tenant's admin.
struct Admin<'a>(Guest<'a>);

impl<'a> Admin<'a> {
    async fn of(app: &'a TestApp) -> Self {
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        Self(app.with_key(&key))
    }

    async fn upload(&self, name: &str, bytes: &[u8]) -> Value {
        let part = Part::bytes(bytes.to_vec()).file_name(name.to_owned());
        let made = Reply::of(self.0.request(Method::POST, FILES).multipart(Form::new().part("file", part))).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()
    }

    /// Another STEP file than the others.
    async fn step(&self, name: &str) -> Value {
        self.upload(name, &[STEP, name.as_bytes()].concat()).await
    }

    async fn file(&self, file: &Value) -> Value {
        self.0.get(&format!("{FILES}/{}", id(file))).await.json()
    }

    async fn file_when(&self, file: &Value, is_so: impl Fn(&Value) -> bool) -> Value {
        poll(async || self.file(file).await, is_so).await
    }

    async fn status(&self, file: &Value, status: &str) -> Value {
        self.file_when(file, |file| file["status"] == status).await
    }

    /// The file, when its job has ended.
    async fn ended(&self, file: &Value) -> Value {
        let has_ended =
            |file: &Value| ["completed", "failed", "cancelled"].iter().any(|state| file["job_doc"]["state"] == **state);
        self.file_when(file, has_ended).await
    }

    async fn ask(&self, file: &Value, what: &str) -> Reply {
        self.0.post(&format!("{FILES}/{}/{what}", id(file))).await
    }

    async fn task(&self, id: &Value) -> Value {
        self.0.get(&format!("/api/v1/tasks/{}", id.as_str().expect("an id"))).await.json()
    }

    async fn packages(&self, file: &Value) -> Vec<Value> {
        let page = self.0.get(&format!("/api/v1/packages?subject=cad_file:{}", id(file))).await.json();
        page["items"].as_array().expect("a list").clone()
    }

    async fn made(&self, path: &str, body: Value) -> Value {
        let made = self.0.send(Method::POST, path, &body).await;
        assert_eq!(made.status, 201, "{path}: {}", made.text());
        made.json()
    }

    /// An order with so many lines of a product of a file.
    async fn order(&self, file: &Value, n_lines: usize) -> (Value, Vec<String>) {
        let product = json!({"pim_id": id(file), "name": "P", "cad_file_id": id(file)});
        let product = id(&self.made("/api/v1/products", product).await);
        let still = id(&self.made("/api/v1/output-types", json!({"name": "Front", "render_settings": small()})).await);
        let lines = vec![json!({"product_id": product, "output_type_id": still}); n_lines];
        let order = self.made("/api/orders", json!({"lines": lines})).await;
        let lines = order["lines"].as_array().expect("lines").iter().map(id).collect();
        (order, lines)
    }

    async fn line_when(&self, line: &str, status: &str) -> Value {
        let ask = async || self.0.get(&format!("/api/v1/order-lines/{line}")).await.json();
        poll(ask, |line| line["render_status"] == status).await
    }
}

/// The records of a step in a document.
fn steps<'v>(document: &'v Value, name: &str) -> Vec<&'v Value> {
    document["steps"].as_array().expect("steps").iter().filter(|step| step["name"] == name).collect()
}

cases! {
    on_postgres_in_the_soak:
    async fn o47_r64_c36_a_step_file_is_converted(engine) {
        let converter = Converter::making(&Glb::parts(&["Chrome", "Body"]).bytes());
        let app = converter.installed(&engine).await.start(true).await;
        let admin = Admin::of(&app).await;
        converter.does("held");
        let uploaded = admin.step("bearing.step").await;
        assert_eq!((&uploaded["status"], &uploaded["glb_path"]), (&json!("uploaded"), &json!(null)));
        assert_eq!((&uploaded["job_doc"]["state"], &uploaded["job_doc"]["job_id"]), (&json!("queued"), &uploaded["id"]));
        let product = json!({"pim_id": "1", "name": "P", "cad_file_id": id(&uploaded)});
        let product = id(&admin.made("/api/v1/products", product).await);
        let processing = admin.status(&uploaded, "processing").await;
        for what in ["reextract", "regenerate-thumbnail"] {
            assert_eq!(admin.ask(&uploaded, what).await.problem(), (409, "cad_file_processing".to_owned()), "{what}");
        }
        let delete = admin.0.request(Method::DELETE, &format!("{FILES}/{}", id(&uploaded)));
        assert_eq!(Reply::of(delete).await.problem(), (409, "cad_file_processing".to_owned()));
        assert_eq!(processing["job_doc"]["state"], "running");
        converter.let_go();

        let file = admin.status(&uploaded, "ready").await;
        let glb = format!("blake3:{}", blake3::hash(&Glb::parts(&["Chrome", "Body"]).bytes()));
        assert_eq!((&file["glb_path"], &file["error"]), (&json!(glb), &json!(null)));
        assert_eq!(file["parsed_objects"], json!({"objects": ["Chrome", "Body"]}));
        assert!(file["bbox_mm"][0].as_f64().is_some_and(|mm| mm > 0.0), "{file}");
        let document = &file["job_doc"];
        assert_eq!((&document["state"], &document["attempt"], &document["error"]), (&json!("completed"), &json!(1), &json!(null)));
        assert!(document["pid"].as_u64().is_some(), "that of the converter: {document}");
        let [exported] = steps(document, "occ_glb_export")[..] else { panic!("one step: {document}") };
        assert_eq!((&exported["status"], &exported["output"]["glb_path"]), (&json!("done"), &json!(glb)));
        assert!(exported["output"]["size_bytes"].as_u64().is_some_and(|n| n > 0), "{exported}");
        assert!(exported["duration_s"].as_f64().is_some_and(|s| s > 0.0), "{exported}");
        assert!(exported["output"]["glb_duration_s"].is_number() && exported["output"]["glb_size_bytes"].is_number(), "C36: {exported}");
        let [read] = steps(document, "extract_metadata")[..] else { panic!("one step: {document}") };
        assert_eq!(read["output"]["objects"], json!(["Chrome", "Body"]));

        let task = admin.task(&document["task_id"]).await;
        assert_eq!((&task["queue"], &task["lane"], &task["task_name"]), (&json!("convert"), &json!("convert"), &json!("extract_metadata")));
        let made = admin.packages(&file).await;
        let package = made.iter().find(|package| package["name"] == "occ_glb_export").expect("that of the GLB");
        assert_eq!((&package["retention_class"], &package["status"]), (&json!("render-output"), &json!("finalized")));
        let own = package["links"]["self"].as_str().expect("a link");
        assert_eq!(Reply::of(admin.0.request(Method::DELETE, &format!("{own}?reason=x"))).await.problem(), (409, "package_in_use".to_owned()));
        // O24: parts get the material that their names lead to; nothing is guessed.
        let product = admin.0.get(&format!("/api/v1/products/{product}")).await.json();
        assert_eq!(product["cad_part_materials"].as_array().map(Vec::len), Some(1), "{product}");
        assert_eq!(product["cad_part_materials"][0]["part_name"], "Chrome");

        let [job] = &converter.jobs()[..] else { panic!("one job") };
        assert_eq!((&job["cad_file_id"], &job["linear_deflection_mm"], &job["angular_deflection_deg"]), (&file["id"], &json!(0.1), &json!(20.0)));
        let gone = job["source_path"].as_str().map(std::path::Path::new).expect("a path");
        assert!(gone.is_absolute() && !gone.exists() && !gone.parent().expect("a folder").exists(), "its folder goes");
    }

    async fn o47_a_converter_that_fails_says_why(engine) {
        let converter = Converter::making(b"");
        let mut installation = converter.installed(&engine).await;
        installation.conversion_time_max = SHORT;
        let app = installation.start(true).await;
        let admin = Admin::of(&app).await;
        for (mode, code, said) in [
            ("broken", "conversion_failed", "exit code 3; it said: no solid in the file"),
            ("garbage", "glb.", "the GLB that the converter wrote cannot be rendered"),
            ("nothing", "conversion_failed", "wrote no file at `output_path`"),
            ("crashing", "conversion_failed", "ended by signal 6"),
            ("held", "conversion_timeout", "did not end within"),
        ] {
            converter.does(mode);
            let file = admin.step(&format!("{mode}.step")).await;
            let failed = admin.status(&file, "failed").await;
            let (is_code, detail) = (failed["error"]["code"].as_str().expect("a code"), failed["error"]["detail"].as_str().expect("text"));
            assert!(is_code.starts_with(code) && detail.contains(said), "{mode}: {failed}");
            let document = &failed["job_doc"];
            assert_eq!((&document["state"], &document["attempt"], &steps(document, "occ_glb_export")[0]["status"]), (&json!("failed"), &json!(1), &json!("failed")), "{mode}");
            assert_eq!((failed["glb_path"].clone(), admin.packages(&file).await.len()), (json!(null), 1), "{mode}: the upload alone");
        }
        converter.is_gone().await;
        assert_eq!(std::fs::read_dir(app.folder.path().join("scratch/convert")).expect("a folder").count(), 0, "nothing is left");
    }

    async fn a_converter_that_the_system_ends_is_tried_again(engine) {
        let converter = Converter::making(&Glb::parts(&["Welle"]).bytes());
        let app = converter.installed(&engine).await.start(true).await;
        let admin = Admin::of(&app).await;
        converter.does("ended");
        let file = admin.step("bearing.step").await;
        let ready = admin.status(&file, "ready").await;
        assert_eq!((&ready["job_doc"]["attempt"], ready["parsed_objects"]["objects"].clone()), (&json!(2), json!(["Welle"])), "{ready}");
    }

    async fn o22_o65_a_file_is_read_again(engine) {
        let converter = Converter::making(&Glb::body());
        let app = converter.installed(&engine).await.start(true).await;
        let admin = Admin::of(&app).await;
        let file = admin.step("a.step").await;
        let ready = admin.status(&file, "ready").await;
        assert_eq!(ready["parsed_objects"]["objects"], json!(["Body"]));
        converter.makes(&Glb::parts(&["Ring", "Cage"]).bytes());
        let asked = admin.ask(&file, "reextract").await;
        assert_eq!((asked.status, &asked.json()["task_name"]), (202, &json!("extract_metadata")));
        let task = asked.json();
        assert_eq!(asked.header("location"), Some(format!("/api/v1/tasks/{}", id(&task)).as_str()));
        let again = admin.file_when(&file, |file| file["parsed_objects"]["objects"] == json!(["Ring", "Cage"])).await;
        assert_eq!((&again["status"], &again["job_doc"]["task_id"]), (&json!("ready"), &task["id"]));
        assert_ne!(again["glb_path"], ready["glb_path"]);

        // A file that is ready stays usable while it is read again, and after that failed.
        converter.does("broken");
        assert_eq!(admin.ask(&file, "reextract").await.status, 202);
        let kept = admin.file_when(&file, |file| file["error"] != json!(null)).await;
        assert_eq!((&kept["status"], &kept["glb_path"], &kept["error"]["code"]), (&json!("ready"), &again["glb_path"], &json!("conversion_failed")));
        // One that has failed is uploaded again, and then ready.
        let broken = admin.step("b.step").await;
        admin.status(&broken, "failed").await;
        converter.does("held");
        assert_eq!(admin.ask(&broken, "reextract").await.status, 202);
        admin.status(&broken, "processing").await;
        converter.let_go();
        assert_eq!(admin.status(&broken, "ready").await["error"], json!(null));

        let glb = admin.upload("c.glb", &Glb::parts(&["One"]).bytes()).await;
        assert_eq!(admin.ask(&glb, "reextract").await.status, 202);
        let read = admin.ended(&glb).await;
        assert_eq!((&read["job_doc"]["state"], &read["status"], &read["parsed_objects"]), (&json!("completed"), &json!("ready"), &glb["parsed_objects"]));
        assert_eq!(steps(&read["job_doc"], "occ_glb_export").len(), 0, "a GLB is only read");
        assert_eq!(admin.ask(&json!({"id": "x"}), "reextract").await.problem(), (404, "cad_file_not_found".to_owned()));
    }

    async fn o21_o46_what_was_uploaded_without_a_converter_is_processed(engine) {
        let converter = Converter::making(&Glb::body());
        let mut installation = crate::app::Installation::new(&engine, &[]).await;
        let app = installation.start(false).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let admin = Admin(app.with_key(&key));
        let files = [admin.step("a.step").await, admin.step("b.step").await];
        admin.upload("c.glb", &Glb::body()).await;
        for file in &files {
            assert_eq!((&file["status"], &file["job_doc"]), (&json!("uploaded"), &json!(null)));
            for what in ["reextract", "regenerate-thumbnail"] {
                assert_eq!(admin.ask(file, what).await.problem(), (422, "cad_conversion_unavailable".to_owned()));
            }
        }
        let path = "/api/v1/admin/process-unprocessed";
        assert_eq!(admin.0.post(path).await.problem(), (422, "cad_conversion_unavailable".to_owned()));
        drop(app);
        converter.install(&mut installation);
        converter.does("held");
        let app = installation.start(true).await;
        let admin = Admin(app.with_key(&key));
        let queued = admin.0.post(path).await;
        assert_eq!((queued.status, queued.json()), (202, json!({"queued": 2})));
        assert_eq!(admin.0.post(path).await.json(), json!({"queued": 0}), "each has a live job");
        converter.let_go();
        for file in &files {
            admin.status(file, "ready").await;
        }
    }

    async fn o20_o55_thumbnails_are_rendered(engine) {
        let app = TestApp::start_hasty(&engine).await;
        let admin = Admin::of(&app).await;
        let mut files = Vec::new();
        for part in ["One", "Two"] {
            files.push(admin.upload("part.glb", &Glb::parts(&[part]).bytes()).await);
        }
        admin.step("without a converter.step").await;
        let queued = admin.0.post("/api/v1/admin/regenerate-thumbnails").await;
        assert_eq!((queued.status, queued.json()), (202, json!({"queued": 2})));
        let tasks = admin.0.get("/api/v1/tasks").await.json();
        let tasks = tasks["items"].as_array().expect("tasks");
        assert!(tasks.len() == 2 && tasks.iter().all(|task| task["task_name"] == "render_thumbnail" && task["lane"] == "builtin"), "{tasks:?}");
        for file in &files {
            let pictured = admin.ended(file).await;
            let document = &pictured["job_doc"];
            assert_eq!((&document["state"], &pictured["status"]), (&json!("completed"), &json!("ready")), "{document}");
            // In a hurry, one is taken where the service asks for 64.
            assert_eq!(steps(document, "render_thumbnail")[0]["samples"], 1);
            let made = admin.packages(file).await;
            let package = made.iter().find(|package| package["name"].as_str().is_some_and(|name| name.starts_with("render "))).expect("that of the picture");
            assert_eq!(package["retention_class"], "render-output");
            let own = package["links"]["self"].as_str().expect("a link");
            let provenance = &admin.0.get(own).await.json()["metadata"]["provenance"];
            assert_eq!((&provenance["job"]["task_name"], &provenance["scene"]["cad_file_id"]), (&json!("render_thumbnail"), &file["id"]));
            let kept = admin.0.get(&format!("{own}/files")).await.json();
            let png = kept["items"].as_array().expect("files").iter().find(|file| file["media_type"] == "image/png").expect("a picture").clone();
            let bytes = admin.0.get(&format!("/api/v1/content/{}", png["content_address"].as_str().expect("an address"))).await.body;
            let picture = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
            assert_eq!(picture.info().size(), (512, 512));
            let asset = pictured["thumbnail_asset_id"].as_str().expect("an asset");
            let asset = admin.0.get(&format!("/api/media/assets/{asset}")).await.json();
            assert_eq!((&asset["asset_type"], &asset["version"], &asset["width"]), (&json!("thumbnail"), &json!(1), &json!(512)));
            assert_eq!((&asset["file_hash"], &asset["package_id"]), (&png["content_address"], &package["id"]));
        }
        let before = admin.file(&files[0]).await["thumbnail_asset_id"].clone();
        let again = admin.ask(&files[0], "regenerate-thumbnail").await;
        assert_eq!((again.status, &again.json()["task_name"]), (202, &json!("render_thumbnail")));
        let after = admin.ended(&files[0]).await["thumbnail_asset_id"].clone();
        assert_ne!(after, before, "a new one");
        let old = admin.0.get(&format!("/api/media/assets/{}", before.as_str().expect("an id"))).await.json();
        assert_eq!((&old["state"], &old["superseded_by"]), (&json!("superseded"), &after));
        let (_, client) = app.tenant_key("beta", Role::ProjectManager, &[Scope::Admin]).await;
        for path in ["regenerate-thumbnails", "process-unprocessed"] {
            let refused = app.with_key(&client).post(&format!("/api/v1/admin/{path}")).await;
            assert_eq!(refused.problem(), (403, "forbidden".to_owned()), "{path}");
        }
    }

    async fn o23_a_stuck_file_is_released(engine) {
        let converter = Converter::making(&Glb::body());
        let app = converter.installed(&engine).await.start(true).await;
        let admin = Admin::of(&app).await;
        converter.does("stubborn");
        let file = admin.step("stuck.step").await;
        for time in 1..=3 {
            converter.begun(time).await;
            admin.status(&file, "processing").await;
            app.db.move_clock(29 * 60_000);
            assert_eq!(stuck::check(&app.db).await.expect("a look"), [], "not yet");
            app.db.move_clock(2 * 60_000);
            let released = stuck::check(&app.db).await.expect("a look");
            let [one] = &released[..] else { panic!("one file: {released:?}") };
            assert_eq!((one.file.to_string(), one.has_failed), (id(&file), time == 3));
            assert!(one.still_for.as_secs() / 60 >= 31, "{one:?}");
            let status = if time == 3 { "failed" } else { "uploaded" };
            assert_eq!(admin.file(&file).await["status"], status, "the {time}. time");
            assert_eq!(stuck::check(&app.db).await.expect("a look"), []);
            let alerts = admin.0.get("/api/v1/alerts?event_type=cad_file.stuck").await.json();
            assert_eq!(alerts["items"].as_array().map(Vec::len), Some(time), "one for each check: {alerts}");
            assert_eq!(alerts["items"][0]["data"]["cad_file_ids"], json!([id(&file)]));
            // What is retried waits for some time.
            app.db.move_clock(31_000);
        }
        let failed = admin.ended(&file).await;
        assert_eq!((&failed["error"]["code"], &failed["job_doc"]["state"]), (&json!("stalled"), &json!("failed")));
        converter.is_gone().await;
        // Whoever asks for it has all attempts anew.
        converter.does("good");
        assert_eq!(admin.ask(&file, "reextract").await.status, 202);
        admin.status(&file, "ready").await;
    }

    async fn o66_two_lines_convert_their_file_once(engine) {
        let converter = Converter::making(&Glb::body());
        let mut installation = crate::app::Installation::new(&engine, &[]).await;
        let app = installation.start(false).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let file = Admin(app.with_key(&key)).step("a.step").await;
        drop(app);
        converter.install(&mut installation);
        converter.does("held");
        let app = installation.start(true).await;
        let admin = Admin(app.with_key(&key));
        let (order, lines) = admin.order(&file, 2).await;
        let dispatched = admin.0.post(&format!("/api/orders/{}/dispatch", id(&order))).await;
        assert_eq!((dispatched.status, dispatched.json()["results"][0]["task_ids"].as_array().map(Vec::len)), (200, Some(2)));
        converter.begun(1).await;
        admin.status(&file, "processing").await;
        assert_eq!(admin.ask(&file, "reextract").await.problem(), (409, "cad_file_processing".to_owned()), "a line converts it");
        converter.let_go();
        let mut statuses = Vec::new();
        for line in &lines {
            let done = admin.line_when(line, "completed").await;
            let document = &done["render_job_doc"];
            let [step] = steps(document, "occ_glb_export")[..] else { panic!("one record: {document}") };
            statuses.push(step["status"].as_str().expect("a word").to_owned());
            let conversion = admin.task(&step["task_id"]).await;
            assert_eq!((&conversion["attempt"], &conversion["state"]), (&json!(1), &json!("completed")), "{conversion}");
            assert_eq!(steps(document, "render_still").len(), 1, "it renders");
        }
        statuses.sort();
        assert_eq!((statuses, converter.jobs().len()), (vec!["done".to_owned(), "skipped".to_owned()], 1));
        assert_eq!(admin.file(&file).await["status"], "ready");
        assert!(admin.packages(&file).await.iter().any(|package| package["name"] == "occ_glb_export"));
    }

    async fn o66_when_the_line_that_converts_is_cancelled_another_one_does(engine) {
        let converter = Converter::making(&Glb::body());
        let mut installation = crate::app::Installation::new(&engine, &[]).await;
        let app = installation.start(false).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let file = Admin(app.with_key(&key)).step("a.step").await;
        drop(app);
        converter.install(&mut installation);
        converter.does("stubborn");
        let app = installation.start(true).await;
        let admin = Admin(app.with_key(&key));
        let (order, lines) = admin.order(&file, 2).await;
        assert_eq!(admin.0.post(&format!("/api/orders/{}/dispatch", id(&order))).await.status, 200);
        converter.begun(1).await;
        let line_of = async |line: &String| admin.0.get(&format!("/api/v1/order-lines/{line}")).await.json();
        let first = poll(async || json!([line_of(&lines[0]).await, line_of(&lines[1]).await]), |both| both[0]["render_status"] == "processing" || both[1]["render_status"] == "processing").await;
        let (converts, waits) = if first[0]["render_status"] == "processing" { (&lines[0], &lines[1]) } else { (&lines[1], &lines[0]) };
        converter.does("good");
        assert_eq!(admin.0.post(&format!("/api/v1/order-lines/{converts}/cancel")).await.status, 202);
        admin.line_when(converts, "cancelled").await;
        let done = admin.line_when(waits, "completed").await;
        let step = steps(&done["render_job_doc"], "occ_glb_export")[0];
        assert_eq!((&step["status"], converter.jobs().len()), (&json!("done"), 2));
        assert_eq!(admin.task(&step["task_id"]).await["attempt"], 1);
        assert_eq!(admin.file(&file).await["status"], "ready");
        converter.is_gone().await;
    }

    async fn o66_lines_that_waited_for_a_conversion_fail_with_it(engine) {
        let converter = Converter::making(&Glb::body());
        let mut installation = crate::app::Installation::new(&engine, &[]).await;
        let app = installation.start(false).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let file = Admin(app.with_key(&key)).step("a.step").await;
        drop(app);
        converter.install(&mut installation);
        // It does not end before both lines wait for it.
        converter.does("held-broken");
        let app = installation.start(true).await;
        let admin = Admin(app.with_key(&key));
        let (order, lines) = admin.order(&file, 2).await;
        assert_eq!(admin.0.post(&format!("/api/orders/{}/dispatch", id(&order))).await.status, 200);
        converter.let_go();
        for line in &lines {
            let failed = admin.line_when(line, "failed").await;
            let error = failed["render_job_doc"]["error"].as_str().expect("a text");
            assert!(error.contains("no solid in the file"), "{error}");
        }
        assert_eq!((&admin.file(&file).await["status"], converter.jobs().len()), (&json!("failed"), 1), "tried once");
        // Dispatched again, it is tried again.
        converter.does("good");
        assert_eq!(admin.0.post(&format!("/api/orders/{}/dispatch", id(&order))).await.json()["results"].as_array().map(Vec::len), Some(2));
        for line in &lines {
            admin.line_when(line, "completed").await;
        }
        assert_eq!(admin.file(&file).await["status"], "ready");
    }

    async fn r88_a_conversion_does_not_wait_for_the_renderer(engine) {
        let converter = Converter::making(&Glb::body());
        let app = converter.installed(&engine).await.start(true).await;
        let admin = Admin::of(&app).await;
        let render = admin.0.submit(&endless()).await.json();
        admin.0.job_when(&id(&render), |job| job["state"] == "running").await;
        let file = admin.step("a.step").await;
        admin.status(&file, "ready").await;
        assert_eq!(admin.0.get(&format!("/api/v1/renders/{}", id(&render))).await.json()["state"], "running");
        admin.0.post(&format!("/api/v1/renders/{}/cancel", id(&render))).await;
    }

    async fn o26_glb_is_the_only_mesh_format(engine) {
        let converter = Converter::making(&Glb::body());
        let app = converter.installed(&engine).await.start(true).await;
        let admin = Admin::of(&app).await;
        let file = admin.step("a.step").await;
        let ready = admin.status(&file, "ready").await;
        let output = &steps(&ready["job_doc"], "occ_glb_export")[0]["output"];
        assert!(output["glb_path"].is_string() && output["size_bytes"].is_u64(), "{output}");
        let api = admin.0.get("/openapi.json").await.json();
        let settings = admin.0.get("/api/v1/settings/schema").await.json();
        let paths = api["paths"].as_object().expect("paths").keys().cloned();
        let keys = settings["items"].as_array().expect("items").iter().map(|item| item["key"].as_str().expect("a key").to_owned());
        let steps = ready["job_doc"]["steps"].as_array().expect("steps").iter();
        let logged = steps.flat_map(|step| step["output"].as_object().expect("members").keys().cloned());
        for name in paths.chain(keys).chain(logged) {
            assert!(!name.to_lowercase().contains("stl"), "{name}");
        }
    }
}
