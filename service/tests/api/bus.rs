//! N18: processes with one database hear of each other, and admins are told when one no longer does.

use std::time::Duration;

use packshot_db::bus::{Link, carry};
use packshot_db::testing::TestDatabase;
use packshot_db::{DatabaseConfig, Db, Notice};
use packshot_service::instance::bus;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::app::{Installation, TestApp, id, small};
use crate::places::Gate;
use crate::reply::Reply;

/// What a busy machine may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The URL of the role for one tenant.
fn url(database: &DatabaseConfig) -> String {
    let DatabaseConfig::Postgres { urls, .. } = database else { panic!("PostgreSQL alone has a bus") };
    urls.app().to_owned()
}

/// A process that carries its notices through `url`, and the state of that.
async fn carrying(db: &Db, url: String) -> watch::Receiver<Link> {
    let (link, mut seen) = Link::new();
    tokio::spawn(carry(db.clone(), url, link));
    timeout(PATIENCE, seen.wait_for(|link| *link == Link::Connected)).await.expect("in time").expect("it runs");
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n18_a_lost_listener_is_told_and_that_it_is_back() {
    let Some(engine) = TestDatabase::postgres() else { return };
    let installation = Installation::new(&engine, &[]).await;
    let app = installation.start(false).await;
    let direct = url(&installation.database);
    let (at, host) = (direct.rfind('@').expect("a password") + 1, direct.rfind('/').expect("a database"));
    let gate = Gate::before(direct[at..host].parse().expect("an address")).await;
    let behind_gate = format!("{}{}{}", &direct[..at], gate.address, &direct[host..]);
    let seen = carrying(&app.db, behind_gate).await;
    tokio::spawn(bus::watch(app.db.clone(), seen.clone()));
    let alerts = async || -> Vec<Value> {
        let page = app.get("/api/v1/alerts?event_type=bus.connection_lost").await.json();
        page["items"].as_array().expect("alerts").clone()
    };
    let until = async |state: &str| {
        let found = async {
            loop {
                let alerts = alerts().await;
                if alerts.iter().any(|alert| alert["state"] == *state) {
                    return alerts;
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(PATIENCE, found).await.expect("in time")
    };

    // A short cut is nobody's concern.
    gate.shut();
    sleep(Duration::from_secs(1)).await;
    gate.open();
    let mut link = seen.clone();
    timeout(PATIENCE, link.wait_for(|link| *link == Link::Connected)).await.expect("in time").expect("it runs");
    assert_eq!(alerts().await, Vec::<Value>::new());

    gate.shut();
    let begun = std::time::Instant::now();
    let open = until("open").await;
    assert!(begun.elapsed() >= Duration::from_secs(5), "after 5 s");
    assert_eq!((open.len(), &open[0]["tenant_id"], &open[0]["severity"]), (1, &json!(null), &json!("warning")));
    // Requests go on meanwhile.
    let product = app.request(Method::POST, "/api/v1/products").json(&json!({"pim_id": "6204", "name": "Lager"}));
    assert_eq!(Reply::of(product).await.status, 201);
    sleep(Duration::from_secs(1)).await;
    gate.open();
    let resolved = until("resolved").await;
    assert_eq!((resolved.len(), &resolved[0]["id"]), (1, &open[0]["id"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_hear_of_each_others_commits() {
    let Some(engine) = TestDatabase::postgres() else { return };
    let installation = Installation::new(&engine, &[]).await;
    let (here, there) = (installation.start(false).await, installation.start(false).await);
    for app in [&here, &there] {
        carrying(&app.db, url(&installation.database)).await;
    }
    let (mut own, mut others) = (here.db.notices(), there.db.notices());
    let render = submit(&here).await;
    let mut first = Vec::new();
    while let Ok(notice) = own.try_recv() {
        first.push(notice);
    }
    assert!(first.iter().any(|notice| matches!(notice, Notice::Events { .. })), "{first:?}");
    assert!(first.iter().any(|notice| matches!(notice, Notice::Queued(..))), "{first:?}");
    let mut heard = Vec::new();
    while heard.len() < first.len() {
        heard.push(timeout(PATIENCE, others.recv()).await.expect("in time").expect("not too many"));
    }
    assert!(first.iter().all(|notice| heard.contains(notice)), "{first:?} {heard:?}");
    // What comes back to its sender is not announced again: the next that is heard here is of the other process.
    let cancelled = there.post(&format!("/api/v1/renders/{render}/cancel")).await;
    assert!(cancelled.status == 200 || cancelled.status == 202, "{}", cancelled.text());
    let next = timeout(PATIENCE, own.recv()).await.expect("in time").expect("not too many");
    assert!(!first.contains(&next), "{next:?}");
}

/// Submits a render; returns its id.
async fn submit(app: &TestApp) -> String {
    id(&app.submit(&small()).await)
}
