//! A browser without a window, driven through the W3C WebDriver protocol (<https://www.w3.org/TR/webdriver2/>).

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};

use crate::service::{SOON, http, until};

/// The driver's own limit for scripts is 30 s: on a busy machine axe-core looks at the reference for longer.
const SCRIPT_TIME_MAX: Duration = Duration::from_secs(300);

/// A session of Chromium; closed when this is dropped.
pub(crate) struct Browser {
    driver: Child,
    session: String,
}

impl Browser {
    /// Starts one; `None` where Chromium or its driver is not installed.
    pub(crate) async fn start(downloads: &Path) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a free port").port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut browser = Self { driver: command.spawn().ok()?, session: format!("http://127.0.0.1:{port}/session") };
        until("the driver answers", SOON, async || {
            http().get(format!("http://127.0.0.1:{port}/status")).send().await.is_ok()
        })
        .await;
        let args =
            ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1400,1100"];
        let preferences = json!({ "download.default_directory": downloads, "download.prompt_for_download": false });
        let chrome = json!({ "args": args, "prefs": preferences });
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": chrome,
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": SCRIPT_TIME_MAX.as_millis() as u64 },
        });
        let session = browser.post("", json!({ "capabilities": { "alwaysMatch": wanted } })).await?;
        browser.session = format!("{}/{}", browser.session, session["sessionId"].as_str()?);
        Some(browser)
    }

    async fn post(&self, path: &str, body: Value) -> Option<Value> {
        let post = http().post(format!("{}{path}", self.session)).timeout(SCRIPT_TIME_MAX + SOON);
        let sent = post.json(&body).send().await.ok()?;
        let answer: Value = sent.json().await.ok()?;
        // The driver is installed without its browser.
        (!answer["value"]["error"].is_string()).then(|| answer["value"].clone())
    }

    pub(crate) async fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await.expect("opened");
    }

    /// From now on the system's colours are light or dark (Chrome DevTools Protocol, `Emulation.setEmulatedMedia`).
    pub(crate) async fn prefer_colours(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        let command = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        self.post("/goog/cdp/execute", command).await.expect("emulated");
    }

    /// Sets the width of the page, as on a screen of that width.
    pub(crate) async fn resize(&self, width_px: u32) {
        let metrics = json!({ "width": width_px, "height": 1100, "deviceScaleFactor": 1, "mobile": false });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics });
        self.post("/goog/cdp/execute", command).await.expect("resized");
    }

    /// Runs the body of a function on the page and returns its result; promises are awaited.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] })).await.unwrap_or_else(|| panic!("{script}"))
    }

    /// Waits until an expression is true. Where the page is being replaced it is not.
    pub(crate) async fn until(&self, expression: &str) {
        let body = json!({ "script": format!("return Boolean({expression})"), "args": [] });
        until(expression, SOON, async || self.post("/execute/sync", body.clone()).await == Some(json!(true))).await;
    }

    /// Types on the keyboard, into whatever has the focus.
    pub(crate) async fn type_keys(&self, keys: &str) {
        let of_key = |key: char| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }));
        let actions: Vec<Value> = keys.chars().flat_map(of_key).collect();
        let keyboard = json!([{ "type": "key", "id": "keyboard", "actions": actions }]);
        self.post("/actions", json!({ "actions": keyboard })).await.expect("typed");
    }

    /// Selects a file in a file input.
    pub(crate) async fn choose_file(&self, selector: &str, path: &Path) {
        let found = self.post("/element", json!({ "using": "css selector", "value": selector })).await.expect("found");
        let id = found.as_object().and_then(|found| found.values().next()?.as_str().map(str::to_owned)).expect("an id");
        self.post(&format!("/element/{id}/value"), json!({ "text": path })).await.expect("taken");
    }

    /// The errors and warnings of the page.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({ "type": "browser" })).await.expect("a log");
        log.as_array().expect("a list").iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// Saves a screenshot, where the variable PACKSHOT_SCREENSHOTS names a folder.
    pub(crate) async fn screenshot(&self, name: &str) {
        let Some(folder) = std::env::var_os("PACKSHOT_SCREENSHOTS") else { return };
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), self.picture().await).expect("written");
    }

    /// A screenshot, as a PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let answer = http().get(format!("{}/screenshot", self.session)).send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        base64::prelude::BASE64_STANDARD.decode(answer["value"].as_str().expect("a picture")).expect("base64")
    }

    /// Asks the driver to end the browser: without that it outlives its driver.
    fn end_session(&self) -> std::io::Result<()> {
        let Some((address, path)) = self.session.trim_start_matches("http://").split_once('/') else { return Ok(()) };
        let mut driver = TcpStream::connect(address)?;
        driver.set_read_timeout(Some(SOON))?;
        write!(driver, "DELETE /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        // The response means that the browser has ended. The driver keeps the connection open in spite of the header.
        driver.read(&mut [0; 1024]).map(drop)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // This also runs when a test fails, so that no browser is left behind.
        let _ = self.end_session();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
