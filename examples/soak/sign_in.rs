//! Sign-ins that fail: whether the time that they take tells what was wrong, and what others notice of somebody who
//! guesses passwords from many addresses.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use packshot_contract::client::Client;
use reqwest::Method;
use serde_json::{Value, json};

use crate::Finding;
use crate::product::submission;
use crate::service::{Setup, percentile};

const PASSWORD: &str = "several words together";
/// Tries of each way to fail. Ten failures are allowed for an e-mail address.
const TRIES: usize = 50;
const TRIES_OF_USER: usize = 10;
/// The medians may be this many times as long as the shortest.
const TIMES_SHORTEST_MAX: f64 = 1.2;
/// Guesses a minute.
const GUESSES: u32 = 1000;
/// Guessing may make others wait this many times as long.
const TIMES_QUIET_MAX: u32 = 2;
/// A pause of this machine that a slowest request may have.
const HICCUP: Duration = Duration::from_millis(5);
/// Addresses for measurements (RFC 2544), one for each sign-in.
const FIRST_ADDRESS: u32 = u32::from_be_bytes([198, 18, 0, 0]);

/// A service whose proxy this program is, and its admin.
struct Door {
    http: reqwest::Client,
    url: String,
    token: String,
    n_addresses: AtomicU32,
}

pub(crate) async fn run(setup: &Setup) -> Vec<Finding> {
    let folder = tempfile::tempdir().expect("a folder");
    let service = setup.start(&folder.path().join("data"), &[], &[("PACKSHOT_TRUSTED_PROXIES", "127.0.0.1")]);
    let door = Arc::new(Door::set_up(&service.address).await);
    vec![failures(&door).await, guesses(setup, &door).await]
}

impl Door {
    async fn set_up(address: &str) -> Self {
        let (http, url) = (reqwest::Client::new(), format!("http://{address}"));
        let mut door = Self { http, url, token: String::new(), n_addresses: AtomicU32::new(0) };
        let first = json!({ "email": "admin@soak.test", "password": PASSWORD });
        let tokens = door.post("/api/v1/setup", &first).await;
        door.token = tokens["access_token"].as_str().expect("a token").to_owned();
        for i in 0..TRIES / TRIES_OF_USER {
            for (name, is_active) in [("active", true), ("idle", false)] {
                let email = format!("{name}{i}@soak.test");
                let user =
                    json!({ "email": email, "display_name": name, "password": PASSWORD, "is_active": is_active });
                door.post("/api/v1/users", &user).await;
            }
        }
        door
    }

    /// Makes something, as the admin.
    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.http.request(Method::POST, format!("{}{path}", self.url)).json(body);
        let request = if self.token.is_empty() { request } else { request.bearer_auth(&self.token) };
        let answer = request.send().await.expect("an answer").error_for_status().expect("it was made");
        answer.json().await.expect("JSON")
    }

    /// Tries to sign in, from an address that nobody had before: the status, and how long it took.
    async fn sign_in(&self, email: &str, password: &str) -> (u16, Duration) {
        let address = Ipv4Addr::from_bits(FIRST_ADDRESS + self.n_addresses.fetch_add(1, Ordering::Relaxed));
        let request = self.http.post(format!("{}/api/auth/login", self.url));
        let request = request.header("x-forwarded-for", address.to_string());
        let began = Instant::now();
        let answer = request.json(&json!({ "email": email, "password": password })).send().await.expect("an answer");
        let status = answer.status().as_u16();
        answer.bytes().await.expect("a whole answer");
        (status, began.elapsed())
    }
}

/// All ways to fail in turns, so that what else the machine does strikes them alike.
async fn failures(door: &Door) -> Finding {
    let mut cases = ["wrong password", "unknown e-mail", "inactive user", "no e-mail"].map(|what| (what, Vec::new()));
    let mut faults = Vec::new();
    for i in 0..TRIES {
        let user = i / TRIES_OF_USER;
        let tries = [
            (format!("active{user}@soak.test"), "wrong words together"),
            (format!("nobody{i}@soak.test"), PASSWORD),
            (format!("idle{user}@soak.test"), PASSWORD),
            (format!("nobody {i}"), PASSWORD),
        ];
        for ((what, times), (email, password)) in cases.iter_mut().zip(tries) {
            let (status, took) = door.sign_in(&email, password).await;
            if status != 401 {
                faults.push(format!("{what}: {status}"));
            }
            times.push(took);
        }
    }
    let medians = cases.map(|(what, mut times)| (what, percentile(&mut times, 0.5)));
    let of = |pick: fn(Duration, Duration) -> Duration| medians.iter().map(|(_, median)| *median).reduce(pick);
    let (shortest, longest) = (of(Duration::min).unwrap_or_default(), of(Duration::max).unwrap_or_default());
    if longest > shortest.mul_f64(TIMES_SHORTEST_MAX) {
        faults.push(format!("the medians are {shortest:.1?} to {longest:.1?}"));
    }
    faults.truncate(5);
    let figures: Vec<String> = medians.iter().map(|(what, median)| format!("{what} {median:.1?}")).collect();
    let figures = format!("medians of {TRIES} tries each: {}", figures.join(", "));
    Finding { what: "sign-ins that fail".to_owned(), figures, faults }
}

/// Others, without and with somebody who guesses.
async fn guesses(setup: &Setup, door: &Arc<Door>) -> Finding {
    let client = Client::new(&door.url, Some(&door.token)).expect("an address");
    let (n_requests, n_pictures) = (setup.count(1000), setup.count(50));
    // Everything is warm before it is measured.
    others(&client, 0, n_requests / 10, 3).await;
    let mut quiet = others(&client, 10_000, n_requests, n_pictures).await;
    let answered = Arc::new(AtomicU32::new(0));
    let guessing = tokio::spawn(guess(Arc::clone(door), Arc::clone(&answered)));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (began, before) = (Instant::now(), answered.load(Ordering::Relaxed));
    let mut busy = others(&client, 20_000, n_requests, n_pictures).await;
    let (took, looked_at) = (began.elapsed(), answered.load(Ordering::Relaxed) - before);
    guessing.abort();

    let per_minute = f64::from(looked_at) * 60.0 / took.as_secs_f64();
    let mut faults = Vec::new();
    if per_minute < f64::from(GUESSES) * 0.9 && took > Duration::from_secs(5) {
        faults.push(format!("only {per_minute:.0} guesses a minute were looked at"));
    }
    let mut figures = vec![format!("{per_minute:.0} wrong passwords a minute")];
    let mut compare = |what: &str, [quiet, busy]: [&mut Vec<Duration>; 2], share: f64, hiccup: Duration| {
        let (quiet, busy) = (percentile(quiet, share), percentile(busy, share));
        figures.push(format!("{what} {quiet:.1?} without, {busy:.1?} with them"));
        if busy > quiet * TIMES_QUIET_MAX + hiccup {
            faults.push(format!("{what}: {busy:.1?} instead of {quiet:.1?}"));
        }
    };
    compare("requests: median", [&mut quiet.requests, &mut busy.requests], 0.5, Duration::ZERO);
    compare("p99", [&mut quiet.requests, &mut busy.requests], 0.99, HICCUP);
    compare("pictures: median", [&mut quiet.pictures, &mut busy.pictures], 0.5, Duration::ZERO);
    Finding { what: "guessing passwords".to_owned(), figures: figures.join("; "), faults }
}

/// Guesses, each for another e-mail address from another address, until it is aborted.
async fn guess(door: Arc<Door>, answered: Arc<AtomicU32>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(60) / GUESSES);
    for i in 0_u32.. {
        ticks.tick().await;
        let (door, answered) = (Arc::clone(&door), Arc::clone(&answered));
        tokio::spawn(async move {
            if door.sign_in(&format!("guess{i}@soak.test"), "wrong words together").await.0 == 401 {
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

/// How long the requests and the pictures of normal users take.
struct Times {
    requests: Vec<Duration>,
    pictures: Vec<Duration>,
}

/// What normal users do. No two pictures have the same seed: the second would come from the cache.
async fn others(client: &Client, first_seed: u32, n_requests: u32, n_pictures: u32) -> Times {
    let (mut requests, mut pictures) = (Vec::new(), Vec::new());
    for _ in 0..n_requests {
        let began = Instant::now();
        client.jobs(10, None).await.expect("a page");
        requests.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for seed in first_seed..first_seed + n_pictures {
        let began = Instant::now();
        let id = client.submit(&submission("sign-in", seed, 128, 64)).await.expect("accepted").id;
        let mut events = client.events(id);
        while events.next().await.expect("a sound stream").is_some() {}
        pictures.push(began.elapsed());
    }
    Times { requests, pictures }
}
