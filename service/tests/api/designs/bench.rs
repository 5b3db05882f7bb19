//! A tenant with a mug, and designs for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use packshot_db::AllTenants;
use packshot_db::tenants::purge::rows_left;
use packshot_domain::access::{Role, Scope};
use packshot_domain::id::TenantId;
use packshot_domain::task::FaultKind;
use packshot_service::app::{Deed, Deeds, Ports};
use packshot_worker::protocol::Failure;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Installation, Reply, TestApp, TestDatabase, files_below, id, poll};
use crate::glb::Glb;

pub(super) const JOBS: &str = "/admin/render-engine/jobs";

/// A picture of a letter-like shape on half-transparent ground: 60 x 40 pixels.
pub(super) fn design() -> Vec<u8> {
    let (width, height) = (60_u32, 40_u32);
    let pixel =
        |x: u32, y: u32| if x > 10 && x < 20 || y > 5 && y < 12 { [200, 30, 40, 255] } else { [20, 20, 20, 128] };
    let pixels: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("a PNG");
    bytes
}

/// Lets one deed fail, so many times.
#[derive(Debug)]
pub(super) struct Clumsy {
    deed: Deed,
    fault: FaultKind,
    left: AtomicUsize,
}

impl Clumsy {
    pub(super) fn new(deed: Deed, fault: FaultKind, times: usize) -> Self {
        Self { deed, fault, left: AtomicUsize::new(times) }
    }

    fn fails(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

impl Deeds for Clumsy {
    fn may(&self, deed: Deed) -> Result<(), Failure> {
        match deed == self.deed && self.fails() {
            true => Err(Failure::new(self.fault, "storage_full", "boom: the store has no room")),
            false => Ok(()),
        }
    }
}

/// A service whose designs are done so.
pub(super) async fn installation(engine: &TestDatabase, deeds: impl Deeds + 'static) -> Installation {
    Installation::new(engine, &[]).await.through(Ports { designs: Arc::new(deeds), ..Ports::default() })
}

/// A tenant's admin, with a mug.
pub(super) struct Bench<'a> {
    pub(super) app: &'a TestApp,
    pub(super) tenant: TenantId,
    pub(super) admin: Guest<'a>,
    pub(super) product: String,
}

impl<'a> Bench<'a> {
    pub(super) async fn open(app: &'a TestApp) -> Self {
        Self::of_tenant(app, "alpha", Glb::mug(None)).await
    }

    pub(super) async fn of_tenant(app: &'a TestApp, tenant: &str, file: Glb) -> Self {
        let (tenant, key) = app.tenant_key(tenant, Role::TenantAdmin, &[Scope::Admin]).await;
        let bench = Self { app, tenant, admin: app.with_key(&key), product: String::new() };
        let product = bench.product_of("Mug", file).await;
        Self { product, ..bench }
    }

    pub(super) async fn product_of(&self, name: &str, file: Glb) -> String {
        let form = Form::new().part("file", Part::bytes(file.bytes()).file_name("mug.glb"));
        let file = Reply::of(self.admin.request(Method::POST, "/api/v1/cad-files").multipart(form)).await;
        assert_eq!(file.status, 201, "{}", file.text());
        let materials = json!([{"part_name": "Body", "material": "Chrome"}]);
        let product = json!({
            "pim_id": name, "name": name, "cad_file_id": id(&file.json()), "cad_part_materials": materials,
        });
        let made = self.admin.send(Method::POST, "/api/v1/products", &product).await;
        assert_eq!(made.status, 201, "{}", made.text());
        id(&made.json())
    }

    /// A request for pictures that take a few milliseconds each.
    pub(super) fn request(&self, more: &Value) -> Value {
        let mut request = json!({
            "product_id": self.product, "area": {"material": "Print"}, "width": 16, "height": 16, "samples": 2,
            "noise_threshold": 0, "light": "white", "denoise": "off", "texture_px": 512,
        });
        more.as_object().expect("members").iter().for_each(|(name, value)| request[name] = value.clone());
        request
    }

    /// Sends a design as a file of this name.
    pub(super) async fn send(&self, design: Vec<u8>, name: &str, more: &Value, headers: &[(&str, &str)]) -> Reply {
        let form = Form::new().part("design", Part::bytes(design).file_name(name.to_owned()));
        let form = form.text("request", self.request(more).to_string());
        let mut request = self.admin.request(Method::POST, JOBS).multipart(form);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reply::of(request).await
    }

    /// Looks at a design as a preview shows it in this form.
    pub(super) async fn look(&self, design: Vec<u8>, more: &Value, accept: &str) -> Reply {
        let form = Form::new().part("design", Part::bytes(design).file_name("logo.png"));
        let form = form.text("request", self.request(more).to_string());
        let request = self.admin.request(Method::POST, "/api/v1/design-previews").header("accept", accept);
        Reply::of(request.multipart(form)).await
    }

    /// Starts a job.
    pub(super) async fn start(&self, more: &Value) -> Value {
        let reply = self.send(design(), "logo.png", more, &[]).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        reply.json()
    }

    pub(super) async fn job(&self, job: &str) -> Value {
        let reply = self.admin.get(&format!("{JOBS}/{job}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    pub(super) async fn job_when(&self, job: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        poll(async || self.job(job).await, is_so).await
    }

    pub(super) async fn ended(&self, job: &str) -> Value {
        let has_ended = |job: &Value| ["completed", "failed", "cancelled"].iter().any(|word| job["status"] == *word);
        self.job_when(job, has_ended).await
    }

    pub(super) async fn act(&self, job: &str, action: &str) -> Reply {
        self.admin.post(&format!("{JOBS}/{job}/{action}")).await
    }

    /// The names of the events of a job, without those of its work.
    pub(super) async fn events(&self, job: &str) -> Vec<String> {
        let text = self.admin.get(&format!("{JOBS}/{job}/events?after=0")).await.text();
        let names = text.lines().filter_map(|line| line.strip_prefix("event: "));
        names.filter(|name| name.starts_with("render.job.")).map(str::to_owned).collect()
    }

    /// The ids of what the product shows.
    pub(super) async fn gallery(&self) -> Vec<String> {
        let shown = self.admin.get(&format!("/api/v1/products/{}/media", self.product)).await;
        assert_eq!(shown.status, 200, "{}", shown.text());
        let items = shown.json()["items"].as_array().expect("a list").clone();
        items.iter().map(|item| id(&item["asset"])).collect()
    }

    pub(super) async fn thumbnail(&self) -> Value {
        self.admin.get(&format!("/api/v1/products/{}", self.product)).await.json()["thumbnail_asset_id"].clone()
    }

    /// The media assets of a job: type and state of each.
    pub(super) async fn assets(&self, job: &str) -> Vec<(String, String)> {
        let path = format!("/api/media/assets?design_job_id={job}&state=published,unpublished&page_size=50");
        let page = self.admin.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let word = |value: &Value| value.as_str().expect("a word").to_owned();
        let items = page.json()["items"].as_array().expect("a list").clone();
        let mut assets: Vec<_> = items.iter().map(|item| (word(&item["asset_type"]), word(&item["state"]))).collect();
        assets.sort();
        assets
    }

    /// How many rows of the tenant tables have that keep what jobs store, and how many files the store has.
    pub(super) async fn kept(&self) -> (Vec<(String, u64)>, usize) {
        const TABLES: [&str; 5] = ["artifact_packages", "media_assets", "objects", "product_media", "design_jobs"];
        let rows = rows_left(&self.app.db, AllTenants::Housekeeping, self.tenant).await.expect("counts");
        let rows = rows.into_iter().filter(|(table, _)| TABLES.contains(&table.as_str())).collect();
        (rows, self.app.stored_files().len())
    }

    /// The working folders that there are.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let all = self.app.settings.data.join("tmp/design-jobs");
        let entries = std::fs::read_dir(all).into_iter().flatten();
        entries.map(|entry| entry.expect("readable").path()).collect()
    }

    /// Waits until nothing works on the job any more, and nothing of it is left that must not be.
    pub(super) async fn settled(&self) {
        poll(async || json!(self.folders().len()), |n| *n == 0).await;
    }

    /// The tasks of the newest try of a job, in their order: name, queue and state.
    pub(super) async fn tasks(&self, job: &str) -> Vec<[String; 3]> {
        let page = self.admin.get(&format!("/api/v1/tasks?limit=200&job_id={}", self.job_id(job).await)).await.json();
        let mut items = page["items"].as_array().expect("a list").clone();
        items.sort_by_key(|task| {
            ["compose_design", "render_design", "store_design"].iter().position(|name| task["task_name"] == *name)
        });
        let word = |value: &Value| value.as_str().expect("a word").to_owned();
        items.iter().map(|task| [word(&task["task_name"]), word(&task["queue"]), word(&task["state"])]).collect()
    }

    pub(super) async fn job_id(&self, job: &str) -> String {
        let task = self.job(job).await["task_id"].as_str().expect("a task").to_owned();
        self.admin.get(&format!("/api/v1/tasks/{task}")).await.json()["job_id"].as_str().expect("a job").to_owned()
    }
}

/// All bytes of files below the working folders' parent, for what must lie nowhere else.
pub(super) fn files_of(app: &TestApp) -> Vec<PathBuf> {
    files_below(app.folder.path())
}
