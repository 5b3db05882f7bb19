//! Orders that are dispatched, rendered and told of, while the service is killed at each of their transactions, or the
//! order is cancelled or rejected there; and a large one beside clients that submit renders.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use packshot_contract::client::ClientError;
use serde_json::{Value, json};

use crate::Finding;
use crate::database::{Database, databases, start};
use crate::product::submission;
use crate::service::{Service, Setup, percentile};
use crate::shop::{Shop, id, is_quiet, lines};

/// Around the transactions of an order: a chunk of its dispatch, the first report of a task, its end. Each is named
/// before and after it.
const FAILPOINTS: [&str; 6] = ["dispatch", "dispatched", "begin", "began", "commit", "ended"];
/// Lines of an order whose dispatch is interrupted: more than one transaction's.
const MANY: usize = 23;
/// Lines of any other.
const FEW: usize = 3;
/// How long what is left over may take.
const SETTLE: Duration = Duration::from_secs(120);
/// How long a client beside a large order may wait for its answer, in 99 of 100 cases.
const PATIENCE: Duration = Duration::from_secs(10);

/// On each engine there is.
pub(crate) async fn run(setup: &Setup) -> Vec<Finding> {
    let mut findings = Vec::new();
    for database in databases().await {
        for name in FAILPOINTS {
            findings.push(killed(setup, &database, name).await);
        }
        for name in FAILPOINTS {
            findings.push(stopped(setup, &database, name).await);
        }
    }
    findings
}

/// A large order beside clients, on each engine there is.
pub(crate) async fn crowds(setup: &Setup) -> Vec<Finding> {
    let mut findings = Vec::new();
    for database in databases().await {
        findings.push(crowd(setup, &database).await);
    }
    findings
}

/// The service is killed as it passes a failpoint, and started again.
async fn killed(setup: &Setup, database: &Database, name: &str) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, url) = (folder.path().join("data"), database.url(folder.path()).await);
    let rounds = setup.count(20);
    let (mut faults, mut times) = (Vec::new(), Vec::new());
    let mut whole = start(setup, &data, url.as_deref(), &[]);
    for _ in 0..rounds {
        let shop = Shop::open(&whole.address).await;
        let is_of_dispatch = name.starts_with("dispatch");
        // A report of its own is written of work that takes a moment.
        let output_type = match is_of_dispatch {
            true => shop.output_type("small", 8, 2).await,
            false => shop.output_type("long", 128, 512).await,
        };
        let order = shop.order(&output_type, if is_of_dispatch { MANY } else { FEW }).await;
        whole.kill();
        let mut doomed = start(setup, &data, url.as_deref(), &[("PACKSHOT_FAILPOINT", &format!("{name}:kill"))]);
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
            Some(done) => faults.extend(check(&shop, &done).await),
            None => faults.push(format!("it stays open: {}", shop.order_now(&order).await["line_counts"])),
        }
        times.push(began.elapsed());
    }
    whole.kill();
    faults.truncate(5);
    let figures = format!(
        "{rounds} kills, each order complete within {:.1?} (median), {:.1?} (slowest) of the next start",
        percentile(&mut times, 0.5),
        percentile(&mut times, 1.0)
    );
    Finding { what: format!("{}: kill -9 at `{name}` of an order", database.name), figures, faults }
}

/// What is wrong with an order that is complete: each line once, with its pictures, and people were told once.
async fn check(shop: &Shop, order: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let own = id(order);
    let completed = shop.all(&format!("/api/activity?event_type=render.completed&order_id={own}")).await;
    for line in lines(order) {
        let line_id = id(line);
        if line["render_status"] != "completed" || line["asset_ids"].as_array().map(Vec::len) != Some(1) {
            faults.push(format!("line {line_id} is {} with {}", line["render_status"], line["asset_ids"]));
        }
        let n_ends = completed.iter().filter(|entry| entry["order_line_id"] == line_id.as_str()).count();
        let packages = shop.all(&format!("/api/v1/packages?subject=order_line:{line_id}")).await;
        if (n_ends, packages.len()) != (1, 1) {
            faults.push(format!("line {line_id}: {n_ends} ends, {} packages", packages.len()));
        }
    }
    let told = shop.all("/api/notifications?event_type=order.rendering_complete").await;
    let n_told = told.iter().filter(|told| told["order_id"] == own.as_str()).count();
    if n_told != 1 {
        faults.push(format!("{n_told} notifications of one order"));
    }
    let history = shop.get(&format!("/api/orders/{own}/history")).await;
    let n_completed = changes_to(&history, "completed");
    if n_completed != 1 {
        faults.push(format!("it was completed {n_completed} times"));
    }
    faults
}

fn changes_to(history: &Value, status: &str) -> usize {
    let changes = history["items"].as_array().map_or(&[][..], Vec::as_slice);
    changes.iter().filter(|change| change["to_status"] == status).count()
}

/// The service is slow at a failpoint, and the order is cancelled or rejected meanwhile.
async fn stopped(setup: &Setup, database: &Database, name: &str) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, url) = (folder.path().join("data"), database.url(folder.path()).await);
    let rounds = setup.count(20);
    let failpoint = format!("{name}:wait");
    let service = start(setup, &data, url.as_deref(), &[("PACKSHOT_FAILPOINT", &failpoint)]);
    let shop = Arc::new(Shop::open(&service.address).await);
    let output_type = shop.output_type("long", 64, 256).await;
    let (mut faults, mut times, mut ends) = (Vec::new(), Vec::new(), [0_u32; 4]);
    // How long an order takes that nobody interrupts.
    let order = shop.order(&output_type, FEW).await;
    let begun = Instant::now();
    shop.post(&format!("/api/orders/{order}/dispatch"), json!({})).await.expect("dispatched");
    shop.when(&order, SETTLE, is_quiet).await.expect("an order is over");
    let whole = begun.elapsed();
    for round in 0..rounds {
        let order = shop.order(&output_type, FEW).await;
        let (sender, path) = (shop.clone(), format!("/api/orders/{order}/dispatch"));
        let dispatch =
            tokio::spawn(async move { sender.post(&path, json!({})).await.map(|answer| answer.status().as_u16()) });
        // From the dispatch to just after the end, by the golden ratio.
        let share = (f64::from(round) * 0.618_033_988).fract();
        tokio::time::sleep(whole.mul_f64(1.1 * share)).await;
        let began = Instant::now();
        let is_reject = round % 2 == 1;
        let (action, body) =
            if is_reject { ("reject", json!({"reason": "tried"})) } else { ("cancel-renders", json!({})) };
        let answer = shop.post(&format!("/api/orders/{order}/{action}"), body).await.expect("an answer");
        let status = answer.status().as_u16();
        // The failpoint only waits: a 5xx, or no answer, is a fault of the service.
        match dispatch.await.expect("no panic") {
            Ok(status) if status < 500 => {}
            other => faults.push(format!("the dispatch beside {action} ended with {other:?}")),
        }
        let Some(now) = shop.when(&order, SETTLE, is_quiet).await else {
            faults.push(format!("{action}: work goes on: {}", shop.order_now(&order).await["line_counts"]));
            continue;
        };
        times.push(began.elapsed());
        let history = shop.get(&format!("/api/orders/{order}/history")).await;
        let (rejected, completed) = (changes_to(&history, "rejected"), changes_to(&history, "completed"));
        let counts = &now["line_counts"];
        let is_sound = match now["status"].as_str() {
            // A reject that came too late was refused.
            Some("completed") => {
                let expected = if is_reject { 409 } else { 200 };
                completed == 1 && rejected == 0 && counts["pending"] == 0 && status == expected
            }
            Some("rejected") => rejected == 1 && completed == 0 && counts["pending"] == 0 && status == 200,
            // All that was worked on was cancelled.
            Some("submitted") => counts["completed"] == 0 && counts["failed"] == 0 && !is_reject && status == 200,
            _ => false,
        };
        ends[usize::from(rejected > 0) + 2 * usize::from(completed > 0)] += 1;
        if !is_sound {
            let passed = format!("{rejected} times rejected, {completed} times completed");
            faults.push(format!("{action} ({status}): {} with {counts}, {passed}", now["status"]));
        }
    }
    service.kill();
    // The fault that is looked for (O39) comes first: what follows may be cut off.
    if ends[3] > 0 {
        faults.insert(0, format!("{} orders were both rejected and completed", ends[3]));
    }
    faults.truncate(5);
    let figures = format!(
        "{rounds} times: {} cancelled, {} rejected, {} complete before; over after {:.1?} (median), {:.1?} (slowest)",
        ends[0],
        ends[1],
        ends[2],
        percentile(&mut times, 0.5),
        percentile(&mut times, 1.0)
    );
    Finding { what: format!("{}: cancelled or rejected at `{name}`", database.name), figures, faults }
}

/// An order of 500 lines is dispatched while eight clients submit renders: none of them waits long, and no lease is
/// lost.
async fn crowd(setup: &Setup, database: &Database) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, url) = (folder.path().join("data"), database.url(folder.path()).await);
    let service = start(setup, &data, url.as_deref(), &[("RUST_LOG", "warn")]);
    let shop = Shop::open(&service.address).await;
    let output_type = shop.output_type("64", 64, 4).await;
    let n_lines = setup.count(500) as usize;
    let order = shop.order(&output_type, n_lines).await;
    let mut faults = Vec::new();

    let (mut idle, n_put_off_idle) = clients(&service, Duration::from_secs(5), &Arc::default(), &mut faults, 0).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let (submitting, dispatching) =
        (clients(&service, Duration::from_secs(600), &is_over, &mut faults, 1_000_000), async {
            let answer = shop.made(&format!("/api/orders/{order}/dispatch"), json!({})).await;
            let took = began.elapsed();
            // What follows the dispatch belongs to it: lines begin and end beside the clients.
            tokio::time::sleep(Duration::from_secs(5)).await;
            is_over.store(true, Ordering::Relaxed);
            (answer, took)
        });
    let ((mut beside, n_put_off), (answer, dispatched)) = tokio::join!(submitting, dispatching);
    let n_results = answer["results"].as_array().map_or(0, Vec::len);
    if n_results != n_lines {
        faults.push(format!("{n_results} results of {n_lines} lines"));
    }
    // Who is put off has no time among these: that nobody was accepted is a fault of its own.
    let slow = percentile(&mut beside, 0.99);
    if beside.is_empty() {
        faults.push(format!("no render was accepted beside the dispatch, {n_put_off} were put off"));
    } else if slow > PATIENCE {
        faults.push(format!("clients beside the dispatch waited for {slow:.1?} (p99), at most {PATIENCE:.1?}"));
    }
    match shop.when(&order, Duration::from_secs(900), |order| order["status"] == "completed").await {
        Some(done) => {
            let again = lines(&done).iter().filter(|line| line["render_job_doc"]["attempt"] != 1).count();
            if again > 0 {
                faults.push(format!("{again} lines needed another attempt"));
            }
        }
        None => faults.push(format!("it stays open: {}", shop.order_now(&order).await["line_counts"])),
    }
    service.kill();
    let log = std::fs::read_to_string(data.with_extension("log")).unwrap_or_default();
    let n_lost = log.matches("the lease was lost").count();
    if n_lost > 0 {
        faults.push(format!("{n_lost} leases were lost"));
    }
    faults.truncate(5);
    let figures = format!(
        "{n_lines} lines dispatched in {dispatched:.1?}; 8 clients: {} renders accepted within {:.1?} (median), {slow:.1?} (p99), \
         {n_put_off} put off beside it, {} within {:.1?}, {:.1?}, {n_put_off_idle} put off without it; {n_lost} leases lost",
        beside.len(),
        percentile(&mut beside, 0.5),
        idle.len(),
        percentile(&mut idle, 0.5),
        percentile(&mut idle, 0.99)
    );
    Finding { what: format!("{}: a large order beside clients", database.name), figures, faults }
}

/// Eight clients submit renders, one after the other, until it is over; how long each was waited for, and how many
/// were refused with a time to come back.
async fn clients(
    service: &Service,
    limit: Duration,
    is_over: &Arc<AtomicBool>,
    faults: &mut Vec<String>,
    first: u32,
) -> (Vec<Duration>, u32) {
    let (next, until) = (Arc::new(AtomicU32::new(first)), Instant::now() + limit);
    let client = || {
        let (client, next, is_over) = (service.client.clone(), next.clone(), is_over.clone());
        tokio::spawn(async move {
            let (mut seen, mut n_put_off): (Vec<Result<Duration, String>>, u32) = (Vec::new(), 0);
            while Instant::now() < until && !is_over.load(Ordering::Relaxed) {
                let mut small = submission("crowd", next.fetch_add(1, Ordering::Relaxed), 4, 1);
                small.idempotency_key = None;
                let began = Instant::now();
                match client.submit_once(&small).await {
                    Ok(_) => seen.push(Ok(began.elapsed())),
                    Err(ClientError::Refused { retry_after: Some(pause), .. }) => {
                        n_put_off += 1;
                        tokio::time::sleep(pause).await;
                    }
                    Err(error) => seen.push(Err(error.to_string())),
                }
            }
            (seen, n_put_off)
        })
    };
    let all: Vec<_> = (0..8).map(|_| client()).collect();
    let (mut times, mut n_put_off) = (Vec::new(), 0);
    for one in all {
        let (seen, n) = one.await.expect("no panic");
        n_put_off += n;
        for seen in seen {
            match seen {
                Ok(time) => times.push(time),
                Err(fault) => faults.push(fault),
            }
        }
    }
    (times, n_put_off)
}
