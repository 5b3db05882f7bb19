//! Requests that the service refuses, and what it answers.

mod ranges;
mod reviews;
mod told;
mod workflows;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::commands::errors;
use crate::product::{self, BOXES};
use crate::{Text, packshot};

/// How long anything may take that takes a moment.
const PATIENCE: Duration = Duration::from_secs(120);

/// An id that nothing has.
const ID: &str = "01934d2e-0000-7000-8000-000000000000";

/// A running service; killed when this is dropped.
struct Service {
    child: Child,
    url: String,
    client: Client,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _is_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Service {
    fn start(folder: &Path) -> Self {
        let mut command = packshot(folder);
        command.args(["serve", "--data", "data", "--listen", "127.0.0.1:0", "--threads", "1"]);
        command.env("PACKSHOT_MAX_MEMORY_BYTES", "200000000").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let url =
            lines.map_while(Result::ok).find_map(|line| Some(line[line.find("http://")?..].trim_end().to_owned()));
        let url = url.expect("its address");
        let url = url.split_whitespace().next().expect("a word").trim_end_matches('/').to_owned();
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { child, url, client: Client::builder().no_proxy().build().expect("a client") }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).timeout(Duration::from_secs(60))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// A render of the boxes.
    fn render(&self, request: &Value) -> RequestBuilder {
        let glb = reqwest::multipart::Part::bytes(product::glb(&BOXES)).file_name("boxes.glb");
        let form = reqwest::multipart::Form::new().part("glb", glb).text("request", request.to_string());
        self.request(Method::POST, "/api/v1/renders").multipart(form)
    }

    async fn submit(&self, request: &Value) -> Value {
        let answer = self.render(request).send().await.expect("an answer");
        assert_eq!(answer.status(), 202, "{request}");
        answer.json().await.expect("a job")
    }

    async fn wait(&self, job: &Value, is_reached: impl Fn(&Value) -> bool) {
        let path = format!("/api/v1/renders/{}", job["id"].as_str().expect("an id"));
        let until = Instant::now() + PATIENCE;
        loop {
            let job: Value = self.get(&path).send().await.expect("an answer").json().await.expect("a job");
            if is_reached(&job) {
                return;
            }
            assert!(Instant::now() < until, "{job}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The texts of a problem: its own, and those of its findings.
async fn refused(request: RequestBuilder) -> Vec<Text> {
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let body = answer.text().await.expect("text");
    assert!(status.as_u16() >= 400, "{status}: {body}");
    let problem: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
    let text = |problem: &Value, at: &str| Text {
        code: problem["code"].as_str().expect("a code").to_owned(),
        ends_with: status.as_u16().to_string(),
        message: problem["detail"].as_str().expect("a sentence").to_owned(),
        at: problem[at].as_str().unwrap_or_default().to_owned(),
        help: problem["help"].as_str().unwrap_or_default().to_owned(),
    };
    let findings = problem["errors"].as_array().expect("a list").iter().map(|finding| text(finding, "pointer"));
    std::iter::once(text(&problem, "")).chain(findings).collect()
}

/// What requests are answered, and what `packshot client` says of the same service.
pub(crate) async fn texts(folder: &Path) -> Vec<Text> {
    let service = Service::start(folder);
    let mut texts = Vec::new();
    open_mode(&service, &mut texts).await;
    bodies(&service, &mut texts).await;
    wrong_sheets(&service, folder, &mut texts);
    orders_that_end_badly(&service, folder, &mut texts).await;
    workflows::that_end_badly(&service, folder, &mut texts).await;
    jobs(&service, folder, &mut texts).await;
    reviews::refused_ones(&service, &mut texts).await;
    people(&service, folder, &mut texts).await;
    keys(&service, folder, &mut texts).await;
    let port = service.url.rsplit(':').next().expect("a port").to_owned();
    for text in &mut texts {
        for words in [&mut text.message, &mut text.help] {
            *words = words.replace(&format!(":{port}"), ":8080");
        }
    }
    texts
}

async fn open_mode(service: &Service, texts: &mut Vec<Text>) {
    let list = || service.get("/api/v1/renders");
    texts.extend(refused(list().header("host", "render.example")).await);
    texts.extend(refused(list().header("origin", "http://shop.example")).await);
    texts.extend(refused(list().header("x-forwarded-for", "192.0.2.7")).await);
    for path in [
        "/api/v1/nothing",
        "/api/v1/renders/01934d2e-0000-7000-8000-000000000000",
        "/api/v1/tasks/01934d2e-0000-7000-8000-000000000000",
        "/api/v1/materials/Unobtainium",
        "/api/v1/cad-files/01934d2e-0000-7000-8000-000000000000",
        "/api/v1/products/01934d2e-0000-7000-8000-000000000000",
        "/api/v1/output-types/01934d2e-0000-7000-8000-000000000000",
        "/api/orders/01934d2e-0000-7000-8000-000000000000",
        "/api/v1/order-lines/01934d2e-0000-7000-8000-000000000000",
        "/api/media/assets/01934d2e-0000-7000-8000-000000000000",
        "/api/v1/render-templates/01934d2e-0000-7000-8000-000000000000",
        "/api/v1/material-libraries/01934d2e-0000-7000-8000-000000000000",
        "/api/v1/material-aliases/01934d2e-0000-7000-8000-000000000000",
        "/api/v1/worker-configs/mail",
        "/api/v1/tenants/01934d2e-0000-7000-8000-000000000000/config",
        "/api/v1/files/01934d2e-0000-7000-8000-000000000000",
        "/api/v1/content/blake3:0000000000000000000000000000000000000000000000000000000000000000",
        "/api/v1/content/sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "/api/v1/renders?limit=0",
        "/api/v1/renders?cursor=garbage",
    ] {
        texts.extend(refused(service.get(path)).await);
    }
    texts.extend(refused(service.request(Method::PUT, "/api/v1/renders")).await);
    told::refused_ones(service, texts).await;
    for name in ["gpu.probe_failed", "render.completed", "no.such"] {
        let path = format!("/api/v1/notification-configs/{name}");
        texts.extend(refused(service.request(Method::PUT, &path).json(&json!({"frequency": "daily"}))).await);
    }
    for path in ["/api/v1/users/", "/api/v1/api-keys/", "/api/v1/me/sessions/"] {
        let of_nobody = service.request(Method::PATCH, &format!("{path}{ID}")).json(&json!({}));
        let ended = service.request(Method::DELETE, &format!("{path}{ID}"));
        texts.extend(refused(if path.contains("sessions") { ended } else { of_nobody }).await);
    }
}

async fn packages(service: &Service, texts: &mut Vec<Text>) {
    let new = |class: &str, metadata: Value| {
        let body =
            json!({"name": "p", "producer": "q", "subject": "s", "retention_class": class, "metadata": metadata});
        service.request(Method::POST, "/api/v1/packages").json(&body)
    };
    texts.extend(refused(new("raw-evidence", json!({"n": 1_u64 << 53}))).await);
    let made = new("raw-evidence", json!({})).send().await.expect("an answer");
    let made: Value = made.json().await.expect("a package");
    let own = format!("/api/v1/packages/{}", made["id"].as_str().expect("an id"));
    texts.extend(refused(service.get(&format!("/api/v1/packages/{ID}"))).await);
    texts.extend(refused(service.get(&format!("{own}/manifest"))).await);
    let post = |path: &str| service.request(Method::POST, &format!("{own}/{path}"));
    texts.extend(refused(post("hold").json(&json!({"reason": "not yet"}))).await);
    let put = |path: &str| service.request(Method::PUT, &format!("{own}/files/{path}")).body("one");
    texts.extend(refused(put("nul.txt")).await);
    let sha_256_of_others = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
    texts.extend(refused(put("a.txt").header("content-digest", sha_256_of_others)).await);
    texts.extend(refused(put("a.txt").header("content-digest", "sha-512=:YWJj:")).await);
    assert_eq!(put("a.txt").send().await.expect("an answer").status(), 201);
    texts.extend(refused(put("A.txt").body("two")).await);
    assert_eq!(post("finalize").send().await.expect("an answer").status(), 200);
    assert_eq!(post("hold").json(&json!({"reason": "evidence"})).send().await.expect("an answer").status(), 200);
    let gone = service.request(Method::DELETE, &format!("{own}?reason=done"));
    texts.extend(refused(gone).await);
}

async fn orders(service: &Service, texts: &mut Vec<Text>, product: &str, output_type: &str) {
    let post = |path: &str, body: Value| service.request(Method::POST, &format!("/api/orders{path}")).json(&body);
    let made = async |body: Value| {
        let made: Value = post("", body).send().await.expect("an answer").json().await.expect("an order");
        format!("/{}", made["id"].as_str().expect("an id"))
    };
    let line = json!({"product_id": product, "output_type_id": output_type});
    texts.extend(refused(post("", json!({"lines": vec![line.clone(); 501]}))).await);
    let empty = made(json!({"order_number": "PO 4711"})).await;
    texts.extend(refused(post("", json!({"order_number": "PO 4711"}))).await);
    for action in ["submit", "resubmit"] {
        texts.extend(refused(post(&format!("{empty}/{action}"), json!({}))).await);
    }
    texts.extend(refused(post(&format!("{empty}/reject"), json!({"reason": "Wrong housing"}))).await);
    let order = made(json!({"lines": [line]})).await;
    let shown = service.get(&format!("/api/orders{order}")).send().await.expect("an answer");
    let shown: Value = shown.json().await.expect("an order");
    let of_line = format!("/api/v1/order-lines/{}", shown["lines"][0]["id"].as_str().expect("an id"));
    texts.extend(refused(service.request(Method::GET, &format!("{of_line}/job"))).await);
    let nothing = json!({"pim_id": "6205", "name": "Lager 6205"});
    let nothing = service.request(Method::POST, "/api/v1/products").json(&nothing).send().await.expect("an answer");
    let nothing: Value = nothing.json().await.expect("a product");
    let of_nothing = made(json!({"lines": [{"product_id": nothing["id"], "output_type_id": output_type}]})).await;
    let shown = service.get(&format!("/api/orders{of_nothing}")).send().await.expect("an answer");
    let shown: Value = shown.json().await.expect("an order");
    let dispatch = format!("/api/v1/order-lines/{}/dispatch", shown["lines"][0]["id"].as_str().expect("an id"));
    texts.extend(refused(service.request(Method::POST, &dispatch)).await);
    assert_eq!(post(&format!("{order}/submit"), json!({})).send().await.expect("an answer").status(), 200);
    texts.extend(refused(post(&format!("{order}/submit"), json!({}))).await);
    texts.extend(refused(post(&format!("{order}/lines"), line.clone())).await);
    texts.extend(refused(service.request(Method::DELETE, &format!("/api/v1/products/{product}"))).await);
}

async fn catalogue(service: &Service, texts: &mut Vec<Text>) {
    let post = |path: &str, body: Value| service.request(Method::POST, &format!("/api/v1/{path}")).json(&body);
    let made = async |path: &str, body: Value| {
        let made = post(path, body).send().await.expect("an answer");
        made.json::<Value>().await.expect("an object")["id"].as_str().expect("an id").to_owned()
    };
    let glb = reqwest::multipart::Part::bytes(product::glb(&BOXES)).file_name("ring.glb");
    let form = reqwest::multipart::Form::new().part("file", glb);
    let uploaded = service.request(Method::POST, "/api/v1/cad-files").multipart(form).send().await.expect("an answer");
    let file = uploaded.json::<Value>().await.expect("a CAD file")["id"].as_str().expect("an id").to_owned();
    let product = made("products", json!({"pim_id": "6204", "name": "Lager 6204", "cad_file_id": file})).await;
    texts.extend(refused(service.request(Method::DELETE, &format!("/api/v1/cad-files/{file}"))).await);
    texts.extend(refused(post("products", json!({"pim_id": "6204", "name": "Another"}))).await);
    let picture = json!({"thumbnail_asset_id": ID});
    texts.extend(refused(service.request(Method::PATCH, &format!("/api/v1/products/{product}")).json(&picture)).await);
    for sheet in ["name;colour", "pim_id,name,name"] {
        let part = reqwest::multipart::Part::bytes(sheet.as_bytes().to_vec()).file_name("products.csv");
        let form = reqwest::multipart::Form::new().part("file", part);
        texts.extend(refused(service.request(Method::POST, "/api/v1/imports").multipart(form)).await);
    }
    let output_type = made("output-types", json!({"name": "Front"})).await;
    texts.extend(refused(post("output-types", json!({"name": "Front"}))).await);
    orders(service, texts, &product, &output_type).await;
    made("render-templates", json!({"name": "Deep groove", "output_type_id": output_type})).await;
    texts.extend(refused(post("render-templates", json!({"name": "Deep groove"}))).await);
    let alias = || json!({"alias": "Welle", "material_id": "STD_010101_Steel-Bare"});
    made("material-aliases", alias()).await;
    texts.extend(refused(post("material-aliases", alias())).await);
    texts.extend(refused(service.request(Method::DELETE, &format!("/api/v1/output-types/{output_type}"))).await);
    for wrong in [
        json!({"render_settings": {"engine": "eevee"}}),
        json!({"rollout_gate": {"pass_max": 0.5}}),
        json!({"render_backend": "external"}),
        json!({"render_backend": "external", "kind": "turntable"}),
        json!({"workflow_definition_id": ID}),
    ] {
        let change = service.request(Method::PATCH, &format!("/api/v1/output-types/{output_type}")).json(&wrong);
        texts.extend(refused(change).await);
    }
}

/// Sheets and folders that no order can be made of, beside what `catalogue` made.
fn wrong_sheets(service: &Service, folder: &Path, texts: &mut Vec<Text>) {
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("written");
    std::fs::create_dir(folder.join("empty")).expect("made");
    write("one.glb", &product::glb(&BOXES[..1]));
    write("notes.txt", b"nothing");
    for sheet in [
        "pim_id,output_type\n6204,\n",
        "pim_id,file,output_type\n6210,one.glb,Front\n6210,boxes.glb,Front\n",
        "pim_id,file,output_type\n6210,notes.txt,Front\n",
        &format!("pim_id,output_type\n{},Front\n", "6".repeat(201)),
        "pim_id,output_type\n6209,Front\n",
        "pim_id,output_type\n6204,Frnt\n",
        "pim_id,file,output_type\n6204,one.glb,Front\n",
        "pim_id,output_type,order_number\n6204,Front,PO 4711\n",
        &format!("pim_id,output_type\n{}", "6204,Front\n".repeat(501)),
    ] {
        write("order.csv", sheet.as_bytes());
        let found = client(service, folder, &["order", "create", "order.csv"]);
        assert!(!found.is_empty(), "{sheet}");
        texts.extend(found);
    }
    texts.extend(client(service, folder, &["order", "create", "--folder", "empty", "--output-type", "Front"]));
}

/// What is said of orders without lines or pictures, and of lines that fail or are cancelled.
async fn orders_that_end_badly(service: &Service, folder: &Path, texts: &mut Vec<Text>) {
    let strict =
        json!({"name": "Strict", "max_unmapped": 0, "render_settings": {"width": 16, "height": 16, "samples": 1}});
    let made = service.request(Method::POST, "/api/v1/output-types").json(&strict).send().await.expect("an answer");
    assert_eq!(made.status(), 201);
    let mut said = |args: &[&str]| {
        texts.extend(client(service, folder, &[&["order"], args].concat()));
    };
    std::fs::write(folder.join("order.csv"), "pim_id,output_type\n6204,Strict\n").expect("written");
    said(&["watch", "PO 4711"]);
    said(&["watch", "PO 4712"]);
    said(&["create", "order.csv", "--number", "PO 4713", "--dispatch", "--watch"]);
    said(&["download", "PO 4713"]);
    said(&["create", "order.csv", "--number", "PO 4714", "--submit"]);
    said(&["cancel", "PO 4714"]);
    said(&["watch", "PO 4714"]);
    said(&["create", "order.csv", "--number", "PO 4715", "--submit"]);
    said(&["reject", "PO 4715", "--reason", "Wrong housing"]);
    said(&["watch", "PO 4715"]);
}

async fn bodies(service: &Service, texts: &mut Vec<Text>) {
    catalogue(service, texts).await;
    texts.extend(refused(service.render(&json!({"retention_class": "for-ever"}))).await);
    packages(service, texts).await;
    let png = reqwest::multipart::Part::bytes(b"\x89PNG\r\n".to_vec()).file_name("front.png");
    let form = reqwest::multipart::Form::new().part("file", png);
    texts.extend(refused(service.request(Method::POST, "/api/v1/cad-files").multipart(form)).await);
    let limits = || service.request(Method::PUT, "/api/v1/worker-configs/render");
    let settings = || service.request(Method::PATCH, "/api/v1/settings");
    texts.extend(refused(limits().header("content-type", "application/json").body("{")).await);
    texts.extend(refused(limits().header("content-type", "text/csv").body("1,2")).await);
    texts.extend(refused(limits().json(&json!({"padding": "x".repeat(2 << 20)}))).await);
    texts.extend(refused(limits().json(&json!({"max_concurrency": 1, "min_concurrency": 2}))).await);
    texts.extend(refused(settings().json(&json!({"colour": 1}))).await);
    texts.extend(refused(settings().json(&json!({"render_samples": "many"}))).await);
    texts.extend(refused(settings().json(&json!({"render_device": "gpu"}))).await);
    let chosen = json!({"fallback_material": "STD_999999_None"});
    texts.extend(refused(service.request(Method::PATCH, "/api/v1/tenant/config").json(&chosen)).await);
    texts.extend(refused(settings().header("if-match", "\"41\"").json(&json!({"render_samples": 16}))).await);
    for request in [
        json!({"samples": "many"}),
        json!({"samples": 0}),
        json!({"view": "sideways"}),
        json!({"no_such_member": 1}),
        json!({"formats": ["png", "png"]}),
        json!({"materials": {"parts": [{"part_name": "Base"}]}}),
        json!({"threads": 2}),
        json!({"width": 16384, "height": 16384}),
        json!({"view": "front", "azimuth_deg": 30}),
    ] {
        texts.extend(refused(service.render(&request)).await);
    }
    texts.extend(
        refused(service.request(Method::POST, "/api/v1/renders").multipart(reqwest::multipart::Form::new())).await,
    );
    texts.extend(refused(service.get("/api/v1/jobs/events").header("accept", "image/png")).await);
    let broken = reqwest::multipart::Part::bytes(b"glTF\x02\0\0\0\xff\0\0\0".to_vec()).file_name("cut.glb");
    let broken = reqwest::multipart::Form::new().part("glb", broken);
    texts.extend(refused(service.request(Method::POST, "/api/v1/preflight").multipart(broken)).await);
}

async fn jobs(service: &Service, folder: &Path, texts: &mut Vec<Text>) {
    let tiny = json!({"width": 16, "height": 16, "samples": 1});
    let done = service.submit(&tiny).await;
    service.wait(&done, |job| job["state"] == "completed").await;
    let of = |job: &Value, rest: &str| format!("/api/v1/renders/{}{rest}", job["id"].as_str().expect("an id"));
    texts.extend(refused(service.get(&of(&done, "/result.exr"))).await);
    texts.extend(ranges::beyond(service, &of(&done, "/result.png")).await);
    let task = format!("/api/v1/tasks/{}/requeue", done["task_id"].as_str().expect("a task"));
    texts.extend(refused(service.request(Method::POST, &task)).await);
    let keyed = |request: &Value| service.render(request).header("idempotency-key", "order 7");
    assert_eq!(keyed(&tiny).send().await.expect("an answer").status(), 202);
    texts.extend(refused(keyed(&json!({"width": 32, "height": 16, "samples": 1}))).await);
    let large = json!({"width": 8000, "height": 8000, "samples": 1});
    texts.extend(refused(service.render(&large).header("prefer", "wait=60").header("accept", "image/png")).await);
    let endless = json!({"width": 512, "height": 512, "samples": 65536, "noise_threshold": 0});
    let running = service.submit(&endless).await;
    let waiting = service.submit(&endless).await;
    service.wait(&running, |job| job["state"] == "running").await;
    texts.extend(refused(service.get(&of(&waiting, "/preview.png"))).await);
    texts.extend(refused(service.get(&of(&running, "/result.png"))).await);
    texts.extend(refused(service.request(Method::DELETE, &of(&running, ""))).await);
    let id = running["id"].as_str().expect("an id");
    let running_text = client(service, folder, &["fetch", id, "-o", "a.png"]);
    for job in [&waiting, &running] {
        let cancelled = service.request(Method::POST, &of(job, "/cancel")).send().await.expect("an answer");
        assert!(cancelled.status().is_success());
        service.wait(job, |job| job["state"] == "cancelled").await;
    }
    let mut of_client = client(service, folder, &["watch", id]);
    of_client.extend(running_text);
    for text in &mut of_client {
        // An id is drawn anew each time.
        [&mut text.message, &mut text.at, &mut text.help].into_iter().for_each(|part| *part = part.replace(id, ID));
    }
    texts.extend(of_client);
    texts.extend(client(service, folder, &["submit", "cut.glb", "--watch"]));
    for line in [
        "admin create-key --data data --expires 2020-01-01",
        "admin revoke-key pk_zzzzzzzz --data data",
        "admin backup --data data -o gone/backup.zip",
    ] {
        let (code, stderr) = command(folder, &line.split(' ').collect::<Vec<_>>());
        texts.extend(errors(&stderr.replace(&format!("{}/", folder.display()), ""), &code.to_string()));
    }
    let (code, stderr) = command(folder, &["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    let stderr = stderr.replace(&format!("process id {}", service.child.id()), "process id 4711");
    texts.extend(errors(&stderr.replace(&format!("{}/", folder.display()), ""), &code.to_string()));
}

/// What people are told, from the first one on: the open mode ends here.
async fn people(service: &Service, folder: &Path, texts: &mut Vec<Text>) {
    const PASSWORD: &str = "nine quiet lamps in a row";
    let post = |path: &str, body: Value| service.request(Method::POST, path).json(&body);
    let answer = async |request: RequestBuilder| -> Value {
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json().await.expect("JSON")
    };
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let sign_in = async |email: &str, password: &str| {
        let tokens = answer(post("/api/auth/login", json!({"email": email, "password": password}))).await;
        (text(&tokens["access_token"]), text(&tokens["user"]["id"]))
    };
    texts.extend(refused(post("/api/v1/api-keys", json!({"name": "shop", "scopes": ["everything"]}))).await);
    let first = |password: &str| post("/api/v1/setup", json!({"email": "olga@example.com", "password": password}));
    texts.extend(refused(first("short")).await);
    let olga = answer(first(PASSWORD)).await;
    let (token, olga_id) = (text(&olga["access_token"]), text(&olga["user"]["id"]));
    let by = |request: RequestBuilder| request.bearer_auth(&token);
    texts.extend(refused(by(first(PASSWORD))).await);
    texts.extend(refused(post("/api/auth/login", json!({"email": "olga@example.com", "password": "wrong"}))).await);
    texts.extend(refused(post("/api/auth/refresh", json!({"refresh_token": "rt_0"}))).await);
    let user = |email: &str| by(post("/api/v1/users", json!({"email": email, "display_name": "Sven"})));
    texts.extend(refused(user("olga@example.com")).await);
    texts.extend(refused(by(service.request(Method::DELETE, &format!("/api/v1/users/{olga_id}")))).await);
    let temporary = text(&answer(user("sven@example.com")).await["temporary_password"]);
    let (sven, _) = sign_in("sven@example.com", &temporary).await;
    texts.extend(refused(service.get("/api/v1/renders").bearer_auth(&sven)).await);

    let admin = json!({"email": "bea@example.com", "display_name": "Bea", "password": PASSWORD});
    let tenant = || by(post("/api/v1/tenants", json!({"name": "Beta", "admin": admin.clone()})));
    let beta = format!("/api/v1/tenants/{}", text(&answer(tenant()).await["tenant"]["id"]));
    let operating = format!("/api/v1/tenants/{}", text(&olga["tenant"]["id"]));
    texts.extend(refused(tenant()).await);
    texts.extend(refused(by(post(&format!("{operating}/deactivate"), json!({})))).await);
    let delete = |query: &str| by(service.request(Method::DELETE, &format!("{beta}{query}")));
    texts.extend(refused(delete("?confirm=beta")).await);
    texts.extend(refused(by(post(&format!("{beta}/restore"), json!({})))).await);
    let (bea, bea_id) = sign_in("bea@example.com", PASSWORD).await;
    let herself = service.request(Method::DELETE, &format!("/api/v1/users/{bea_id}"));
    texts.extend(refused(herself.bearer_auth(&bea)).await);
    answer(by(post(&format!("{beta}/deactivate"), json!({})))).await;
    texts.extend(refused(service.get("/api/v1/renders").bearer_auth(&bea)).await);
    texts.extend(refused(delete("")).await);
    answer(delete("?confirm=beta")).await;
    texts.extend(refused(by(post(&format!("{beta}/deactivate"), json!({})))).await);

    std::fs::write(folder.join("short.txt"), "short\n").expect("written");
    for line in [
        "admin reset-password --data data --email nobody@example.com",
        "admin create-user --data data --email eva@example.com --tenant nowhere",
        "admin create-user --data data --email olga@example.com",
        "admin create-user --data data --email eva@example.com --password-file short.txt",
    ] {
        let (code, stderr) = command(folder, &line.split(' ').collect::<Vec<_>>());
        texts.extend(errors(&stderr.replace(&format!("{}/", folder.display()), ""), &code.to_string()));
    }
}

async fn keys(service: &Service, folder: &Path, texts: &mut Vec<Text>) {
    let key = |scope: &str| {
        let mut command = packshot(folder);
        let output =
            command.args(["admin", "create-key", "--data", "data", "--scope", scope]).output().expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("text");
        text.split_whitespace().find(|word| word.starts_with("pk_")).expect("a key").to_owned()
    };
    let reads = key("renders:read");
    let list = || service.get("/api/v1/renders");
    let until = Instant::now() + PATIENCE;
    while list().send().await.expect("an answer").status() != 401 {
        assert!(Instant::now() < until, "it stays open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    texts.extend(refused(list()).await);
    texts.extend(refused(service.render(&json!({})).bearer_auth(&reads)).await);
    texts.extend(refused(list().bearer_auth(&reads).header("x-tenant-id", ID)).await);
    texts.extend(refused(list().bearer_auth(&reads).header("x-tenant-id", "*")).await);
}

fn client(service: &Service, folder: &Path, args: &[&str]) -> Vec<Text> {
    let (code, stderr) = command(folder, &[&["client"], args, &["--url", &service.url]].concat());
    errors(&stderr, &code.to_string())
}

fn command(folder: &Path, args: &[&str]) -> (i32, String) {
    let output = packshot(folder).args(args).stdin(Stdio::null()).output().expect("the command starts");
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).expect("text"))
}
