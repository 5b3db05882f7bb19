//! A47, A49: damage of stored files is found, noted for every file that has the bytes, and healed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use packshot_db::artifacts::events;
use packshot_db::objects as rows;
use packshot_domain::artifact::{EventType, FileState, RetentionClass};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::PackageId;
use packshot_domain::object::Condition;
use packshot_service::chores::{ChoreError, scrub};
use packshot_service::config::{Settings, Sources};
use packshot_service::objects;
use packshot_service::store::StoreError;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::app::{Reply, TestApp};
use crate::collecting::chore;
use crate::glb::Glb;
use crate::site::Site;
use crate::stock::Stock;

/// How many objects there are, and how many of them are flipped by a bit, how many cut off, and how many removed: with
/// `PACKSHOT_EVERY_REQUEST`, as `scripts/soak` sets it, as many as the case says.
fn counts() -> [usize; 2] {
    if std::env::var_os("PACKSHOT_EVERY_REQUEST").is_some() { [1_000, 10] } else { [60, 3] }
}

fn settings(app: &TestApp) -> Settings {
    let data = app.folder.path().display().to_string();
    let variables = BTreeMap::from([("PACKSHOT_DATA".to_owned(), data)]);
    Settings::from_sources(&Sources { variables, ..Sources::default() }).expect("valid settings")
}

/// The file of an object.
fn file(app: &TestApp, stock: &Stock, address: ContentAddress) -> PathBuf {
    let hex = address.hex();
    let folder = app.folder.path().join("store/objects").join(stock.scope.tenant.to_string());
    folder.join(&hex[..2]).join(&hex[2..])
}

fn bytes_of(i: usize) -> Vec<u8> {
    format!("object {i} of many").into_bytes()
}

/// A package with many files, and what happened to some of them.
async fn damaged(site: &Site, app: &TestApp, stock: &Stock) -> (PackageId, BTreeMap<String, FileState>) {
    let [n_objects, n_damaged] = counts();
    let files: Vec<(String, Vec<u8>)> = (0..n_objects).map(|i| (format!("files/{i:03}"), bytes_of(i))).collect();
    let given: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let package = stock.whole(RetentionClass::RawEvidence, &given).await;
    let mut expected = BTreeMap::new();
    for (i, (path, bytes)) in files.iter().enumerate() {
        let (tenant, address) = (stock.scope.tenant, ContentAddress::of(bytes));
        let state = match i / n_damaged {
            1 => {
                let mut flipped = bytes.clone();
                flipped[i % 10] ^= 4;
                site.damage(app, tenant, address, flipped).await;
                FileState::Corrupt
            }
            5 => {
                site.damage(app, tenant, address, bytes[..bytes.len() - 1].to_vec()).await;
                FileState::Corrupt
            }
            9 => {
                site.remove(app, tenant, address).await;
                FileState::Missing
            }
            _ => FileState::Intact,
        };
        expected.insert(path.clone(), state);
    }
    (package, expected)
}

/// Events of a kind.
async fn n_events(stock: &Stock, event_type: EventType) -> usize {
    let log = events::after(&stock.db, stock.scope, 0, 10_000, None).await.expect("the log");
    log.iter().filter(|event| event.event_type == event_type).count()
}

/// What alerts about damage say: which file, its state, and how often it was found.
async fn alerts(app: &TestApp, state: &str) -> Vec<(String, String, u64)> {
    let page = app.get(&format!("/api/v1/alerts?event_type=artifact.damaged&limit=200&state={state}")).await.json();
    let mut alerts: Vec<_> = page["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|alert| {
            let word = |name: &str| alert["data"][name].as_str().expect("a word").to_owned();
            assert_eq!(
                (&alert["severity"], &alert["subject"]["kind"]),
                (&json!("error"), &json!("storage_location")),
                "{alert}"
            );
            assert!(alert["message"].as_str().is_some_and(|said| said.contains(&word("relative_path"))), "{alert}");
            (word("relative_path"), word("state"), alert["occurrences"].as_u64().expect("a count"))
        })
        .collect();
    alerts.sort();
    alerts
}

/// The same of what was damaged.
fn named(expected: &BTreeMap<String, FileState>, n_times: u64) -> Vec<(String, String, u64)> {
    let damaged = expected.iter().filter(|(_, state)| **state != FileState::Intact);
    damaged.map(|(path, state)| (path.clone(), state.to_string(), n_times)).collect()
}

/// Whether the records of objects say the same as the files that name them.
async fn agree(stock: &Stock, expected: &BTreeMap<String, FileState>) {
    for (i, state) in expected.values().enumerate() {
        let found = rows::find(&stock.db, stock.scope, ContentAddress::of(&bytes_of(i))).await.expect("a search");
        let condition = match state {
            FileState::Intact => Condition::Whole,
            FileState::Missing => Condition::Missing,
            FileState::Corrupt => Condition::Corrupt,
            FileState::Expired => panic!("nothing expires"),
        };
        assert_eq!(found.expect("a record").condition, condition, "{i}");
    }
}

sites! {
    async fn a47_a49_what_is_due_is_read_and_what_is_damaged_is_found(site) {
        let app = site.idle().await;
        let (stock, settings) = (Stock::of(&app).await, settings(&app));
        let (package, expected) = damaged(&site, &app, &stock).await;
        let due = async || scrub::due(&stock.db, &stock.store, &settings).await.expect("read");
        let found = due().await;
        let [n_objects, n_damaged] = counts();
        let n = n_damaged as u64;
        assert_eq!((found.objects, found.missing, found.corrupt, found.n_damaged), (n_objects as u64, n, 2 * n, 3 * n));
        assert_eq!(stock.states(package).await.into_iter().collect::<BTreeMap<_, _>>(), expected);
        agree(&stock, &expected).await;
        assert_eq!(n_events(&stock, EventType::LocationDamaged).await, 3 * n_damaged);
        assert_eq!(alerts(&app, "open").await, named(&expected, 1));
        assert_eq!(due().await.objects, 0, "all were read within the interval");
        stock.wait_days(31.0);
        let again = due().await;
        assert_eq!((again.objects, again.n_damaged, again.healed), (n_objects as u64, 3 * n, 0));
        assert_eq!(n_events(&stock, EventType::LocationDamaged).await, 3 * n_damaged, "each damage is one event");
        assert_eq!(alerts(&app, "open").await, named(&expected, 2), "and one alert, found twice");

        // The same bytes again, in another package or by themselves.
        for (i, (path, state)) in expected.iter().enumerate() {
            if *state == FileState::Intact {
                continue;
            }
            let bytes = bytes_of(i);
            assert!(objects::read(&stock.db, &stock.store, stock.scope, &ContentAddress::of(&bytes)).await.is_err(), "{path}");
            match i % 2 {
                0 => drop(stock.keep(&bytes).await),
                _ => drop(stock.whole(RetentionClass::Scratch, &[("again", &bytes)]).await),
            }
            let read = objects::read(&stock.db, &stock.store, stock.scope, &ContentAddress::of(&bytes)).await;
            assert_eq!(read.expect("whole"), bytes);
        }
        let whole: BTreeMap<String, FileState> = expected.keys().map(|path| (path.clone(), FileState::Intact)).collect();
        assert_eq!(stock.states(package).await.into_iter().collect::<BTreeMap<_, _>>(), whole);
        agree(&stock, &whole).await;
        assert_eq!(n_events(&stock, EventType::LocationHealed).await, 3 * n_damaged);
        assert_eq!(alerts(&app, "open").await, []);
        assert_eq!(alerts(&app, "resolved").await, named(&expected, 2));
    }

    async fn a47_a_reading_on_request_says_which_files_are_damaged(site) {
        let app = site.start().await;
        let stock = Stock::of(&app).await;
        let (package, expected) = damaged(&site, &app, &stock).await;
        stock.store.put(stock.scope.tenant, b"nobody knows this".as_slice().into()).await.expect("put");
        let task = chore(&app, "/api/v1/artifacts/scrub", &json!({})).await;
        assert_eq!((&task["task_name"], &task["state"], &task["progress_pct"]), (&json!("scrub"), &json!("completed"), &json!(100.0)), "{task}");
        let result = &task["result"];
        assert_eq!((&result["objects"], &result["orphans"], &result["orphan_bytes"]), (&json!(counts()[0]), &json!(1), &json!(17)));
        let mut named: Vec<(String, String)> = result["damaged"].as_array().expect("a list").iter().map(|file| {
            assert_eq!(file["package_id"], json!(package.to_string()));
            (file["relative_path"].as_str().expect("a path").to_owned(), file["state"].as_str().expect("a word").to_owned())
        }).collect();
        named.sort();
        let wanted = expected.iter().filter(|(_, state)| **state != FileState::Intact);
        assert_eq!(named, wanted.map(|(path, state)| (path.clone(), state.to_string())).collect::<Vec<_>>());
        assert!(stock.has(b"nobody knows this").await, "it is reported, and goes a day later");
    }
}

cases! {
    async fn what_a_reader_finds_is_an_event_too(engine) {
        let app = TestApp::idle(&engine).await;
        let stock = Stock::of(&app).await;
        let package = stock.whole(RetentionClass::RawEvidence, &[("one", b"the same"), ("two", b"the same")]).await;
        let (address, other) = (ContentAddress::of(b"the same"), ContentAddress::of(b"gone"));
        std::fs::write(file(&app, &stock, address), b"the sane").expect("written");
        assert!(objects::read(&stock.db, &stock.store, stock.scope, &address).await.is_err());
        assert!(objects::read(&stock.db, &stock.store, stock.scope, &address).await.is_err(), "and again");
        assert_eq!(n_events(&stock, EventType::LocationDamaged).await, 2, "one for each file");
        assert!(stock.states(package).await.iter().all(|(_, state)| *state == FileState::Corrupt));
        std::fs::write(file(&app, &stock, address), b"the same").expect("written");
        let found = objects::check(&stock.db, &stock.store, stock.scope, &address).await.expect("read");
        assert_eq!((found, n_events(&stock, EventType::LocationHealed).await), (Condition::Whole, 2));
        assert!(stock.states(package).await.iter().all(|(_, state)| *state == FileState::Intact));
        assert!(objects::check(&stock.db, &stock.store, stock.scope, &other).await.is_err(), "nobody stored it");
    }

    async fn a49_a_cad_file_that_is_sent_again_is_whole_again(engine) {
        let app = TestApp::idle(&engine).await;
        let stock = Stock::of(&app).await;
        let glb = Glb::parts(&["Welle"]).bytes();
        let send = async || {
            let form = Form::new().part("file", Part::bytes(glb.clone()).file_name("welle.glb"));
            Reply::of(app.request(Method::POST, "/api/v1/cad-files").multipart(form)).await
        };
        let sent = send().await;
        assert_eq!(sent.status, 201, "{}", sent.text());
        let (path, content) = (file(&app, &stock, ContentAddress::of(&glb)), sent.json()["links"]["content"].clone());
        let content = async || app.get(content.as_str().expect("a path")).await;
        // Lost before anybody noticed; then flipped, and noticed by a reader.
        for damaged in [None, Some([b"glTG", &glb[4..]].concat())] {
            match damaged {
                None => std::fs::remove_file(&path).expect("removed"),
                Some(bytes) => {
                    std::fs::write(&path, bytes).expect("written");
                    assert!(objects::read(&stock.db, &stock.store, stock.scope, &ContentAddress::of(&glb)).await.is_err());
                    assert_eq!(alerts(&app, "open").await.len(), 1);
                }
            }
            let again = send().await;
            assert_eq!((again.status, &again.json()["id"]), (200, &sent.json()["id"]));
            assert_eq!(content().await.body, glb);
            assert_eq!(alerts(&app, "open").await, []);
        }
    }

    async fn a_store_that_is_away_is_not_taken_for_an_empty_one(engine) {
        let app = TestApp::idle(&engine).await;
        let (stock, settings) = (Stock::of(&app).await, settings(&app));
        let package = stock.whole(RetentionClass::RawEvidence, &[("a", b"bytes")]).await;
        let root = app.folder.path().join("store");
        std::fs::rename(root.join("objects"), root.join("unmounted")).expect("moved");
        std::fs::rename(root.join("packshot-store.json"), root.join("unmounted.json")).expect("moved");
        let away = scrub::due(&stock.db, &stock.store, &settings).await;
        assert!(matches!(away, Err(ChoreError::Store(StoreError::Away))), "{away:?}");
        assert_eq!(app.get(&format!("/api/v1/content/{}", ContentAddress::of(b"bytes"))).await.problem().0, 503);
        let checked = Reply::of(app.request(Method::POST, &format!("/api/v1/packages/{package}/verify"))).await;
        assert_eq!(checked.problem(), (503, "unavailable".to_owned()));
        assert_eq!(stock.states(package).await, [("a".to_owned(), FileState::Intact)], "nothing is said about it");
        std::fs::rename(root.join("unmounted"), root.join("objects")).expect("moved");
        std::fs::rename(root.join("unmounted.json"), root.join("packshot-store.json")).expect("moved");
        assert_eq!(scrub::due(&stock.db, &stock.store, &settings).await.expect("read").objects, 1);
    }
}
