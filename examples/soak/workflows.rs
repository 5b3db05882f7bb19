//! A graph of six nodes that is dispatched for an order line and run, while the service is killed at each transaction
//! of each node, or the run is cancelled there.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::Finding;
use crate::database::{Database, databases, start};
use crate::service::{Setup, percentile};
use crate::shop::{Shop, id, lines};

/// Around the transactions of a run: its dispatch, and the claim and the end of each of its three tasks, which run one
/// after the other; the picture's has a first report of its own.
const FAILPOINTS: [&str; 13] = [
    "dispatch",
    "dispatched",
    "claim:1",
    "commit:1",
    "ended:1",
    "claim:2",
    "begin:1",
    "began:1",
    "commit:2",
    "ended:2",
    "claim:3",
    "commit:3",
    "ended:3",
];
/// Trials that run side by side.
const AT_ONCE: usize = 6;
/// How long what is left over may take.
const SETTLE: Duration = Duration::from_secs(120);
/// How long a run may go on after it was cancelled.
const STOP: Duration = Duration::from_secs(2);
/// The nodes, in the order of the graph.
const NODES: [&str; 6] = ["setup", "template", "read", "render", "model", "output"];

/// On each engine there is.
pub(crate) async fn run(setup: &Setup) -> Vec<Finding> {
    let databases = databases().await;
    let trials = databases.iter().flat_map(|database| FAILPOINTS.map(|failpoint| killed(setup, database, failpoint)));
    let mut findings = side_by_side(trials).await;
    for database in &databases {
        for failpoint in FAILPOINTS {
            findings.push(cancelled(setup, database, failpoint).await);
        }
    }
    findings
}

/// Runs trials some at a time, each with a service and a database of its own: what was taken back waits for five
/// seconds before it is tried again, and that is most of their time.
pub(crate) async fn side_by_side(trials: impl Iterator<Item = impl Future<Output = Finding>>) -> Vec<Finding> {
    stream::iter(trials).buffered(AT_ONCE).collect().await
}

/// What a failpoint does, as the environment says it: `commit:2` is the second time that `commit` is passed.
pub(crate) fn asked(failpoint: &str, action: &str) -> String {
    match failpoint.split_once(':') {
        Some((name, n)) => format!("{name}:{action}:{n}"),
        None => format!("{failpoint}:{action}"),
    }
}

/// A file is read, rendered, and exported with the library's materials; picture and model are saved.
fn graph() -> Value {
    let picture = json!({"width": 128, "height": 128, "samples": 512, "noise_threshold": 0});
    let nodes = json!([
        {"id": "setup", "step": "order_line_setup"},
        {"id": "template", "step": "resolve_template"},
        {"id": "read", "step": "extract_metadata"},
        {"id": "render", "step": "render_still", "params": picture},
        {"id": "model", "step": "export_production_glb"},
        {"id": "output", "step": "output_save"},
    ]);
    let edges =
        [("setup", "template"), ("template", "read"), ("read", "render"), ("render", "model"), ("model", "output")];
    let mut edges: Vec<Value> = edges.iter().map(|(from, to)| json!({"from": from, "to": to})).collect();
    edges.push(json!({"from": "render", "to": "output"}));
    json!({"version": 1, "ui": {"execution_mode": "graph"}, "nodes": nodes, "edges": edges})
}

/// A definition that runs for lines of an output type; the id of the output type.
async fn output_type(shop: &Shop) -> String {
    let output_type = shop.output_type("graph", 64, 64).await;
    let path = format!("/api/v1/output-types/{output_type}");
    if shop.get(&path).await["workflow_definition_id"].is_null() {
        let new = json!({"name": "Six nodes", "output_type_id": output_type, "config": graph()});
        let definition = id(&shop.made("/api/workflows", new).await);
        shop.changed(&path, json!({"workflow_definition_id": definition})).await;
    }
    output_type
}

/// The line of a submitted order, and the order.
async fn line(shop: &Shop) -> (String, String) {
    let order = shop.order(&output_type(shop).await, 1).await;
    (id(&lines(&shop.order_now(&order).await)[0]), order)
}

/// The runs of a line, as the definitions list them.
pub(crate) async fn runs_of(shop: &Shop, line: &str) -> Vec<Value> {
    let mut runs = Vec::new();
    for definition in shop.all("/api/workflows?is_active=true").await {
        runs.extend(shop.all(&format!("/api/workflows/{}/runs?", id(&definition))).await);
    }
    runs.retain(|run| run["order_line_id"] == line);
    runs
}

/// The service is killed as it passes a failpoint, and started again.
async fn killed(setup: &Setup, database: &Database, failpoint: &str) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, url) = (folder.path().join("data"), database.url(folder.path()).await);
    let rounds = setup.count(20);
    let (mut faults, mut times) = (Vec::new(), Vec::new());
    let mut whole = start(setup, &data, url.as_deref(), &[]);
    for _ in 0..rounds {
        let shop = Shop::open(&whole.address).await;
        shop.product_is_ready().await;
        let (line, order) = line(&shop).await;
        shop.settles().await;
        whole.kill();
        let mut doomed = start(setup, &data, url.as_deref(), &[("PACKSHOT_FAILPOINT", &asked(failpoint, "kill"))]);
        let hurt = Shop::at(&doomed.address);
        let _lost = hurt.post(&format!("/api/orders/{order}/dispatch"), json!({})).await;
        if !doomed.ends(Duration::from_secs(60)).await {
            faults.push("it was not killed".to_owned());
        }
        drop(doomed);
        whole = start(setup, &data, url.as_deref(), &[]);
        let began = Instant::now();
        let shop = Shop::open(&whole.address).await;
        // A client that lost its answer asks again for what was not dispatched.
        shop.made(&format!("/api/orders/{order}/dispatch"), json!({})).await;
        match shop.when(&order, SETTLE, |order| order["status"] == "completed").await {
            Some(done) => faults.extend(check(&shop, &done, &line).await),
            None => {
                let runs = runs_of(&shop, &line).await;
                faults.push(format!("it stays open: {} {}", shop.order_now(&order).await["line_counts"], json!(runs)));
            }
        }
        times.push(began.elapsed());
    }
    whole.kill();
    faults.truncate(5);
    let figures = format!(
        "{rounds} kills, each run complete within {:.1?} (median), {:.1?} (slowest) of the next start",
        percentile(&mut times, 0.5),
        percentile(&mut times, 1.0)
    );
    Finding { what: format!("{}: kill -9 at `{failpoint}` of a run", database.name), figures, faults }
}

/// What is wrong with a line that is complete: one run, each node once, each asset, package and entry once.
async fn check(shop: &Shop, order: &Value, line: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let runs = runs_of(shop, line).await;
    let [run] = &runs[..] else { return vec![format!("{} runs of one line", runs.len())] };
    if run["status"] != "completed" {
        faults.push(format!("the run is {}: {}", run["status"], run["error_message"]));
    }
    let changes = shop.events(&format!("/api/workflows/runs/{}/events?after=0", id(run))).await;
    for node in NODES {
        let is_end = |(name, data): &&(String, Value)| {
            name == "node.status" && data["node_name"] == node && data["status"] == "completed"
        };
        let n_ends = changes.iter().filter(is_end).count();
        // The node that saves is told of when it is done, and again with each of the two things that it saved.
        let expected = if node == "output" { 3 } else { 1 };
        if n_ends != expected {
            faults.push(format!("node {node} was told of as completed {n_ends} times, not {expected}"));
        }
    }
    let n_ends = changes.iter().filter(|(name, data)| name == "run.status" && data["status"] == "completed").count();
    if n_ends != 1 {
        faults.push(format!("the run was completed {n_ends} times"));
    }
    let assets = shop.all(&format!("/api/media/assets?order_line_id={line}")).await;
    let mut kinds: Vec<&str> = assets.iter().filter_map(|asset| asset["asset_type"].as_str()).collect();
    kinds.sort_unstable();
    if kinds != ["glb_production", "still"] {
        faults.push(format!("its assets are {kinds:?}"));
    }
    let n_packages = shop.all(&format!("/api/v1/packages?subject=order_line:{line}")).await.len();
    if n_packages != 2 {
        faults.push(format!("{n_packages} packages"));
    }
    let own = id(order);
    let n_completed = shop.all(&format!("/api/activity?event_type=render.completed&order_id={own}")).await.len();
    let told = shop.all("/api/notifications?event_type=order.rendering_complete").await;
    let n_told = told.iter().filter(|told| told["order_id"] == own.as_str()).count();
    if (n_completed, n_told) != (1, 1) {
        faults.push(format!("{n_completed} entries that it is rendered, {n_told} notifications"));
    }
    faults
}

/// The service is slow at a failpoint, and the run is cancelled there.
async fn cancelled(setup: &Setup, database: &Database, failpoint: &str) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, url) = (folder.path().join("data"), database.url(folder.path()).await);
    let rounds = setup.count(20);
    let (mut faults, mut times, mut n_cancelled) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        // The passages are counted in each process.
        let service = start(setup, &data, url.as_deref(), &[("PACKSHOT_FAILPOINT", &asked(failpoint, "wait"))]);
        let shop = Shop::open(&service.address).await;
        shop.product_is_ready().await;
        let (line, order) = line(&shop).await;
        shop.made(&format!("/api/orders/{order}/dispatch"), json!({})).await;
        let runs = runs_of(&shop, &line).await;
        let run = id(&runs[0]);
        let path = format!("/api/workflows/runs/{run}");
        until(&shop, &path, failpoint).await;
        let began = Instant::now();
        shop.made(&format!("{path}/cancel"), json!({})).await;
        let changes = shop.events(&format!("{path}/events?after=0")).await;
        let took = began.elapsed();
        times.push(took);
        let ends: Vec<&Value> = changes
            .iter()
            .filter(|(name, data)| name == "run.status" && ends_run(&data["status"]))
            .map(|(_, data)| &data["status"])
            .collect();
        let now = shop.get(&path).await;
        let nodes = now["node_results"].as_array().expect("nodes");
        let is_over = nodes.iter().all(|node| node["status"] != "queued" && node["status"] != "running");
        n_cancelled += u32::from(now["status"] == "cancelled");
        if ends.len() != 1 || !is_over || *ends[0] != now["status"] {
            faults.push(format!("ends {ends:?}, now {now}"));
        }
        if took > STOP {
            faults.push(format!("it took {took:.1?}"));
        }
        let assets = shop.all(&format!("/api/media/assets?order_line_id={line}&state=published")).await;
        let render = &shop.get(&format!("/api/v1/order-lines/{line}")).await["render_status"];
        if now["status"] == "cancelled" && render == "completed" {
            faults.push(format!("cancelled, and the line is {render} with {} assets", assets.len()));
        }
        service.kill();
    }
    faults.truncate(5);
    let figures = format!(
        "{rounds} times, {n_cancelled} cancelled; over after {:.1?} (median), {:.1?} (slowest)",
        percentile(&mut times, 0.5),
        percentile(&mut times, 1.0)
    );
    Finding { what: format!("{}: a run is cancelled at `{failpoint}`", database.name), figures, faults }
}

fn ends_run(status: &Value) -> bool {
    ["completed", "failed", "cancelled"].iter().any(|end| status == end)
}

/// Waits until a run is about where it waits at a failpoint: the task of the picture, or of the model, has begun or the
/// one before it has ended. Where that lies within half a second is left to chance.
async fn until(shop: &Shop, run: &str, failpoint: &str) {
    let node = match failpoint {
        "claim:2" | "begin:1" | "began:1" | "ended:1" => "read",
        "commit:2" | "ended:2" | "claim:3" => "render",
        "commit:3" | "ended:3" => "model",
        _ => return,
    };
    // What comes at the end of a node cannot be waited for by that end.
    let is_before_its_end = failpoint.starts_with("commit");
    let limit = Instant::now() + SETTLE;
    while Instant::now() < limit {
        let now = shop.get(run).await;
        let nodes = now["node_results"].as_array().expect("nodes").iter();
        let status = nodes.filter(|one| one["node_name"] == node).map(|node| node["status"].clone()).next();
        let status = status.unwrap_or_default();
        if status == "completed" || (is_before_its_end && status == "running") || ends_run(&now["status"]) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
