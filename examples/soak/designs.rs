//! Designs on products, while the service is killed at any moment of their jobs, and at each of their transactions.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Finding;
use crate::database::{Database, databases, start};
use crate::service::{Setup, percentile};
use crate::shop::{Shop, id};
use crate::workflows::{asked, side_by_side};

/// The claim and the end of each of the three tasks, and the first report of the one that renders.
const FAILPOINTS: [&str; 10] =
    ["claim:1", "commit:1", "ended:1", "claim:2", "begin:1", "commit:2", "ended:2", "claim:3", "commit:3", "ended:3"];
/// How long what is left over may take.
const SETTLE: Duration = Duration::from_secs(120);
const JOBS: &str = "/admin/render-engine/jobs";
/// Equal jobs are computed once: each has a seed of its own.
static NEXT_SEED: AtomicU32 = AtomicU32::new(1);
const VIEWS: [&str; 2] = ["front_0deg", "back_180deg"];

/// On each engine there is.
pub(crate) async fn run(setup: &Setup) -> Vec<Finding> {
    let databases = databases().await;
    let mut findings = Vec::new();
    for database in &databases {
        findings.push(anywhere(setup, database).await);
    }
    let trials = databases.iter().flat_map(|database| FAILPOINTS.map(|failpoint| killed(setup, database, failpoint)));
    findings.extend(side_by_side(trials).await);
    findings
}

/// Starts a job of two pictures, whose answer comes.
async fn begin(shop: &Shop) -> Result<String, String> {
    let request = json!({
        "product_id": shop.product, "views": VIEWS, "width": 64, "height": 64, "samples": 256, "noise_threshold": 0,
        "denoise": "off", "texture_px": 512, "seed": NEXT_SEED.fetch_add(1, Ordering::Relaxed),
    });
    let logo = br##"<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="30" height="30" fill="#0a0"/></svg>"##;
    let files = [("design", "logo.svg", logo.to_vec())];
    let sent = shop.send(JOBS, &request, files).await.map_err(|error| error.to_string())?;
    let status = sent.status().as_u16();
    let body: Value = sent.json().await.map_err(|error| error.to_string())?;
    if status == 202 { Ok(id(&body)) } else { Err(format!("{status}: {body}")) }
}

/// Waits for the end of a job.
async fn ended(shop: &Shop, job: &str) -> Value {
    let until = Instant::now() + SETTLE;
    loop {
        let now = shop.get(&format!("{JOBS}/{job}")).await;
        let is_over = ["completed", "failed", "cancelled"].iter().any(|status| now["status"] == *status);
        if is_over || Instant::now() > until {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What is wrong with a job that should be complete: each asset once, each entry once, and no folder is left.
async fn check(shop: &Shop, data: &Path, job: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let own = id(job);
    if job["status"] != "completed" {
        return vec![format!("job {own} is {}: {}", job["status"], job["error"])];
    }
    let assets = shop
        .get(&format!("/api/media/assets?design_job_id={own}&state=published,unpublished,superseded&page_size=50"))
        .await;
    let mut types: Vec<&str> =
        assets["items"].as_array().expect("items").iter().filter_map(|asset| asset["asset_type"].as_str()).collect();
    types.sort_unstable();
    if types != ["design", "design_texture", "view", "view"] {
        faults.push(format!("job {own} has the assets {types:?}"));
    }
    let gallery = shop.get(&format!("/api/v1/products/{}/media", shop.product)).await;
    let shown = gallery["items"].as_array().expect("items").iter();
    let n_shown = shown.filter(|item| item["asset"]["design_job_id"] == own.as_str()).count();
    let n_packages = shop.all(&format!("/api/v1/packages?subject=design_job:{own}")).await.len();
    if (n_shown, n_packages) != (VIEWS.len(), 3) {
        faults.push(format!("job {own}: {n_shown} entries, {n_packages} packages"));
    }
    let until = Instant::now() + Duration::from_secs(10);
    let n_left = || std::fs::read_dir(data.join("tmp/design-jobs")).map_or(0, Iterator::count);
    while n_left() > 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if n_left() > 0 {
        faults.push(format!("{} working folders are left", n_left()));
    }
    faults
}

/// Deletes a job with its pictures, so that galleries stay small.
async fn forget(shop: &Shop, job: &Value) {
    shop.delete(&format!("{JOBS}/{}?media=delete", id(job))).await;
}

/// The service is killed 100 times, at moments spread over the life of a job.
async fn anywhere(setup: &Setup, database: &Database) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, url) = (folder.path().join("data"), database.url(folder.path()).await);
    let rounds = setup.count(100);
    let (mut faults, mut times) = (Vec::new(), Vec::new());
    let mut service = start(setup, &data, url.as_deref(), &[]);
    let shop = Shop::open(&service.address).await;
    shop.product_is_ready().await;
    let begun = Instant::now();
    let job = begin(&shop).await.expect("accepted");
    let job = ended(&shop, &job).await;
    let whole = begun.elapsed();
    faults.extend(check(&shop, &data, &job).await);
    for round in 0..rounds {
        let shop = Shop::open(&service.address).await;
        let job = match begin(&shop).await {
            Ok(job) => job,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        let share = (f64::from(round) * 0.618_033_988).fract();
        tokio::time::sleep(whole.mul_f64(share)).await;
        service.kill();
        service = start(setup, &data, url.as_deref(), &[]);
        let began = Instant::now();
        let shop = Shop::open(&service.address).await;
        let job = ended(&shop, &job).await;
        faults.extend(check(&shop, &data, &job).await);
        times.push(began.elapsed());
        forget(&shop, &job).await;
    }
    service.kill();
    faults.truncate(5);
    let figures = format!(
        "{rounds} kills, each job complete within {:.1?} (median), {:.1?} (slowest) of the next start",
        percentile(&mut times, 0.5),
        percentile(&mut times, 1.0)
    );
    Finding { what: format!("{}: kill -9 of a design job", database.name), figures, faults }
}

/// The service is killed as it passes a failpoint, and started again.
async fn killed(setup: &Setup, database: &Database, failpoint: &str) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, url) = (folder.path().join("data"), database.url(folder.path()).await);
    let rounds = setup.count(10);
    let (mut faults, mut times) = (Vec::new(), Vec::new());
    let mut whole = start(setup, &data, url.as_deref(), &[]);
    for _ in 0..rounds {
        let shop = Shop::open(&whole.address).await;
        shop.product_is_ready().await;
        shop.settles().await;
        let product = shop.product.clone();
        whole.kill();
        let mut doomed = start(setup, &data, url.as_deref(), &[("PACKSHOT_FAILPOINT", &asked(failpoint, "kill"))]);
        let mut hurt = Shop::at(&doomed.address);
        hurt.product = product;
        let job = begin(&hurt).await;
        if !doomed.ends(Duration::from_secs(60)).await {
            faults.push("it was not killed".to_owned());
        }
        drop(doomed);
        whole = start(setup, &data, url.as_deref(), &[]);
        let began = Instant::now();
        let shop = Shop::open(&whole.address).await;
        match job {
            Ok(job) => {
                let job = ended(&shop, &job).await;
                faults.extend(check(&shop, &data, &job).await);
                forget(&shop, &job).await;
            }
            Err(fault) => faults.push(fault),
        }
        times.push(began.elapsed());
    }
    whole.kill();
    faults.truncate(5);
    let figures = format!(
        "{rounds} kills, each job complete within {:.1?} (median), {:.1?} (slowest) of the next start",
        percentile(&mut times, 0.5),
        percentile(&mut times, 1.0)
    );
    Finding { what: format!("{}: kill -9 at `{failpoint}` of a design job", database.name), figures, faults }
}
