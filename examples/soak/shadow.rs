//! A line that a program renders, with a graph of Packshot as its shadow, while the service is killed around each
//! transaction of both sides and of their comparison.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Finding;
use crate::database::{Database, databases};
use crate::service::{Service, Setup, percentile};
use crate::shop::{Shop, id, lines};
use crate::workflows::{asked, runs_of, side_by_side};

/// Around the dispatch of both sides, the first reports and the ends of both tasks, whichever of them comes first, and
/// the comparison, which is the third task that ends.
const FAILPOINTS: [&str; 14] = [
    "dispatch",
    "dispatched",
    "begin:1",
    "began:1",
    "begin:2",
    "began:2",
    "commit:1",
    "ended:1",
    "commit:2",
    "ended:2",
    "compare",
    "compared",
    "commit:3",
    "ended:3",
];
/// How long what is left over may take.
const SETTLE: Duration = Duration::from_secs(120);
/// How long processes of a killed service may be there.
const GONE: Duration = Duration::from_secs(2);
/// Both sides have this size.
const SIDE_PX: u32 = 64;
/// So that both sides take longer than reports are gathered: what ends sooner has no first report of its own, which the
/// service could be killed at.
const SAMPLES: u32 = 1024;

/// Renders for a while, with another process, and says which processes there are.
const SCRIPT: &str = r#"
out=$(sed 's/.*"output_path":"\([^"]*\)".*/\1/')
sleep 600 &
echo "$$ $!" >> "$1/pids"
sleep 0.6
cp "$1/picture.png" "$out"
"#;

/// On each engine there is.
pub(crate) async fn run(setup: &Setup) -> Vec<Finding> {
    let databases = databases().await;
    let trials = databases.iter().flat_map(|database| FAILPOINTS.map(|failpoint| killed(setup, database, failpoint)));
    side_by_side(trials).await
}

/// A service with its executor.
struct Place {
    folder: PathBuf,
    arguments: Vec<String>,
}

impl Place {
    async fn new(folder: &Path, database: &Database) -> Self {
        let (config, script) = (folder.join("packshot.toml"), folder.join("render.sh"));
        let text = format!(
            "legacy_executor = \"script\"\n\n[legacy_executors.script]\nkind = \"command\"\n\
             command = [\"/bin/sh\", \"{}\", \"{}\"]\n",
            script.display(),
            folder.display()
        );
        std::fs::write(&config, text).expect("written");
        std::fs::write(script, SCRIPT).expect("written");
        let mut picture =
            png::Encoder::new(std::fs::File::create(folder.join("picture.png")).expect("a file"), SIDE_PX, SIDE_PX);
        picture.set_color(png::ColorType::Rgba);
        let pixels = vec![128; (SIDE_PX * SIDE_PX * 4) as usize];
        picture.write_header().expect("a header").write_image_data(&pixels).expect("written");
        let mut arguments = vec!["--config".to_owned(), config.display().to_string()];
        if let Some(url) = database.url(folder).await {
            arguments.extend(["--database-url".to_owned(), url]);
        }
        Self { folder: folder.to_owned(), arguments }
    }

    fn start(&self, setup: &Setup, variables: &[(&str, &str)]) -> Service {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        setup.start(&self.folder.join("data"), &arguments, variables)
    }

    /// Whether processes of the executor are there for longer than the system may take to clear them away. Those that
    /// are gone are forgotten: their ids are given to others.
    async fn keeps_processes(&self) -> bool {
        let until = Instant::now() + GONE;
        while self.is_any_left() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let keeps_any = self.is_any_left();
        if !keeps_any {
            // There is none where no program was started.
            let _gone = std::fs::remove_file(self.folder.join("pids"));
        }
        keeps_any
    }

    /// Whether a process of the program is there.
    fn is_any_left(&self) -> bool {
        let pids = std::fs::read_to_string(self.folder.join("pids")).unwrap_or_default();
        pids.split_whitespace().any(|pid| Path::new("/proc").join(pid).exists())
    }
}

/// A definition that observes lines of an output type; the id of the output type.
async fn output_type(shop: &Shop) -> String {
    let output_type = shop.output_type("shadowed", SIDE_PX, SAMPLES).await;
    let path = format!("/api/v1/output-types/{output_type}");
    if shop.get(&path).await["workflow_definition_id"].is_null() {
        let config = json!({"type": "still", "ui": {"execution_mode": "shadow"}});
        let new = json!({"name": "Shadow", "output_type_id": output_type, "config": config});
        let definition = id(&shop.made("/api/workflows", new).await);
        shop.changed(&path, json!({"workflow_definition_id": definition})).await;
    }
    output_type
}

async fn killed(setup: &Setup, database: &Database, failpoint: &str) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::new(folder.path(), database).await;
    let rounds = setup.count(20);
    let (mut faults, mut times) = (Vec::new(), Vec::new());
    let mut whole = place.start(setup, &[]);
    for _ in 0..rounds {
        let shop = Shop::open(&whole.address).await;
        shop.product_is_ready().await;
        let order = shop.order(&output_type(&shop).await, 1).await;
        let line = id(&lines(&shop.order_now(&order).await)[0]);
        shop.settles().await;
        whole.kill();
        let mut doomed = place.start(setup, &[("PACKSHOT_FAILPOINT", &asked(failpoint, "kill"))]);
        let hurt = Shop::at(&doomed.address);
        let _lost = hurt.post(&format!("/api/orders/{order}/dispatch"), json!({})).await;
        if !doomed.ends(Duration::from_secs(60)).await {
            faults.push("it was not killed".to_owned());
        }
        drop(doomed);
        if place.keeps_processes().await {
            faults.push("a process of the executor is left".to_owned());
        }
        whole = place.start(setup, &[]);
        let began = Instant::now();
        let shop = Shop::open(&whole.address).await;
        // A client that lost its answer asks again for what was not dispatched.
        shop.made(&format!("/api/orders/{order}/dispatch"), json!({})).await;
        match compared(&shop, &order, &line).await {
            Some(run) => faults.extend(check(&shop, &order, &line, &run).await),
            None => {
                let runs = runs_of(&shop, &line).await;
                faults.push(format!("it stays open: {} {}", shop.order_now(&order).await["line_counts"], json!(runs)));
            }
        }
        times.push(began.elapsed());
        if place.keeps_processes().await {
            faults.push("a process of the executor is left after its line".to_owned());
        }
    }
    whole.kill();
    faults.truncate(5);
    let figures = format!(
        "{rounds} kills, each pair compared within {:.1?} (median), {:.1?} (slowest) of the next start",
        percentile(&mut times, 0.5),
        percentile(&mut times, 1.0)
    );
    Finding { what: format!("{}: kill -9 at `{failpoint}` of a shadow run", database.name), figures, faults }
}

/// The run of a line, when the order is complete and the verdict is kept.
async fn compared(shop: &Shop, order: &str, line: &str) -> Option<Value> {
    let limit = Instant::now() + SETTLE;
    shop.when(order, SETTLE, |order| order["status"] == "completed").await?;
    while Instant::now() < limit {
        let run = runs_of(shop, line).await.into_iter().next()?;
        if !run["comparison"].is_null() {
            return Some(run);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

/// What is wrong with a line and its shadow: each effect once.
async fn check(shop: &Shop, order: &str, line: &str, run: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let n_runs = runs_of(shop, line).await.len();
    if (n_runs, &run["status"]) != (1, &json!("completed")) {
        faults.push(format!("{n_runs} runs, {}: {}", run["status"], run["error_message"]));
    }
    let changes = shop.events(&format!("/api/workflows/runs/{}/events?after=0", id(run))).await;
    for node in ["setup", "template", "render", "output"] {
        let is_end = |(name, data): &&(String, Value)| {
            name == "node.status" && data["node_name"] == node && data["status"] == "completed"
        };
        let n_ends = changes.iter().filter(is_end).count();
        if n_ends != 1 {
            faults.push(format!("node {node} was told of as completed {n_ends} times"));
        }
    }
    let gate = &run["comparison"]["rollout_gate"];
    if gate["verdict"].is_null() || run["comparison"]["dimensions_match"] != true {
        faults.push(format!("the comparison is {}", run["comparison"]));
    }
    let n_assets = shop.all(&format!("/api/media/assets?order_line_id={line}")).await.len();
    // The picture that counts, the shadow's, and the map of their difference.
    let n_packages = shop.all(&format!("/api/v1/packages?subject=order_line:{line}")).await.len();
    if (n_assets, n_packages) != (1, 3) {
        faults.push(format!("{n_assets} assets and {n_packages} packages"));
    }
    let n_completed = shop.all(&format!("/api/activity?event_type=render.completed&order_id={order}")).await.len();
    let told = shop.all("/api/notifications?event_type=order.rendering_complete").await;
    let n_told = told.iter().filter(|told| told["order_id"] == order).count();
    if (n_completed, n_told) != (1, 1) {
        faults.push(format!("{n_completed} entries that it is rendered, {n_told} notifications"));
    }
    faults
}
