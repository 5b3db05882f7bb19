//! F14, F24, F25, F36, F66: notes about reviews.

use std::sync::{Arc, Mutex};

use packshot_service::app::{NoteBundle, NoteWriter, Ports};
use reqwest::Method;
use serde_json::json;

use super::Held;
use super::desk::{BRASS, Desk, REVIEWS, STEEL};
use crate::app::{Installation, TestApp};

/// Keeps each bundle that it gets, and returns it inside the sections of a note.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl NoteWriter for Recorder {
    fn write(&self, bundle: &NoteBundle) -> String {
        let bundle = serde_json::to_string(bundle).expect("JSON");
        self.0.lock().expect("not poisoned").push(bundle.clone());
        let sections = ["Problem", "What we confirmed", "Root cause", "Resolution"];
        sections.map(|section| format!("## {section}\n\n{bundle}\n")).join("\n")
    }
}

impl Recorder {
    fn bundles(&self) -> Vec<String> {
        self.0.lock().expect("not poisoned").clone()
    }
}

async fn with_recorder(engine: &crate::app::TestDatabase) -> (Installation, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let ports = Ports { notes: recorder.clone(), ..Ports::default() };
    (Installation::new(engine, &[]).await.through(ports), recorder)
}

cases! {
    async fn f14_a_note_before_and_after_an_outcome(engine) {
        let (installation, recorder) = with_recorder(&engine).await;
        let app = installation.start(false).await;
        let held = Held::open(&app).await;
        let before = held.note(None).await;
        assert_eq!((&before["from_cache"], &before["kind"]), (&json!(false), &json!("resolution")));
        held.said("applied_failed", "DISTINCT-FAILURE-REASON-XYZZY-42").await;
        let after = held.note(None).await;
        assert_eq!(after["from_cache"], false);
        assert!(after["state_version"].as_i64() > before["state_version"].as_i64());
        assert_ne!(after["markdown"], before["markdown"]);
        let bundles = recorder.bundles();
        assert_eq!(bundles.len(), 2);
        assert!(bundles[1].contains("applied_failed") && bundles[1].contains("DISTINCT-FAILURE-REASON-XYZZY-42"), "{}", bundles[1]);
    }

    async fn f36_notes_are_written_once(engine) {
        let (installation, recorder) = with_recorder(&engine).await;
        let app = installation.start(false).await;
        let held = Held::open(&app).await;
        let (first, second) = (held.note(None).await, held.note(Some("resolution")).await);
        assert_eq!((&first["from_cache"], &second["from_cache"], &first["markdown"]), (&json!(false), &json!(true), &second["markdown"]));
        assert_eq!(held.note(Some("escalation")).await["from_cache"], false, "each kind has its own");
        assert_eq!(recorder.bundles().len(), 2);
        let (review, key) = (held.review.clone(), held.desk.admin.key().to_owned());
        drop(held);
        drop(app);
        let app = installation.start(false).await;
        let path = format!("{REVIEWS}/{review}/resolution-note/preview");
        let later = app.with_key(&key).post(&path).await.json();
        assert_eq!((&later["from_cache"], &later["markdown"]), (&json!(true), &first["markdown"]));
        assert_eq!(recorder.bundles().len(), 2);
        let unknown = app.with_key(&key).send(Method::POST, &path, &json!({"kind": "letter"})).await;
        assert_eq!((unknown.status, unknown.pointers()), (422, vec!["/kind".to_owned()]));
    }

    on_postgres_in_the_soak:

    async fn f24_a_note_is_provisional_while_something_is_waited_for(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        held.said("applied_pending", "waiting for the customer's colour sample").await;
        let text = |note: &serde_json::Value| note["markdown"].as_str().expect("text").to_owned();
        let note = text(&held.note(None).await);
        assert!(note.contains("Provisional") && note.contains("waiting for the customer\\'s colour sample"), "{note}");
        for section in ["## Problem", "## What we confirmed", "## Root cause", "## Resolution"] {
            assert_eq!(note.lines().filter(|line| *line == section).count(), 1, "{section}: {note}");
        }
        assert!(note.contains("Outcome status: applied_pending") && note.contains("Confidence: 82 %"), "{note}");
        assert_eq!(held.say(json!({"outcome": "applied_success"})).await.status, 200);
        let note = text(&held.note(None).await);
        assert!(!note.contains("Provisional") && note.contains("Outcome status: applied_success"), "{note}");
    }

    async fn f25_a_hand_over_begins_with_what_is_waited_for(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Desk::open(&app).await.held("Steel_Bar", &[(STEEL, 90), (BRASS, 40)]).await;
        let review = held.desk.review(&held.review).await;
        let fixes = review["fixes"].as_array().expect("fixes");
        let failed = held.desk.say(&fixes[0], json!({"outcome": "applied_failed", "notes": "too shiny"})).await;
        assert_eq!(failed.status, 200, "{}", failed.text());
        let pending = held.desk.say(&fixes[1], json!({"outcome": "applied_pending", "notes": "the colour sample"})).await;
        assert_eq!(pending.status, 200, "{}", pending.text());
        let note = held.note(Some("escalation")).await;
        let text = note["markdown"].as_str().expect("text");
        let confirmed = text.split("## What we confirmed").nth(1).expect("a section");
        let at = |words: &str| confirmed.find(words).unwrap_or_else(|| panic!("{words} is missing: {text}"));
        assert!(at("Brass") < at("too shiny"), "{text}");
        assert!(at("the colour sample") < at("too shiny"), "what is waited for comes first: {text}");
        assert_eq!(note["kind"], "escalation");
    }

    async fn f66_hostile_names_are_text(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let names = ["a|b | c", "](javascript:alert(1))", "<img src=x>", "\u{1b}[31mred", "one\n## two", "a|b|c", "# head"];
        let line = desk.line_of("hostile", &names).await;
        let review = desk.review_of(&line).await;
        let mut keys: Vec<&str> = review["parts"].as_array().expect("parts").iter().map(|part| part["part_key"].as_str().expect("a key")).collect();
        assert_eq!(keys.len(), names.len(), "{keys:?}");
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), names.len(), "they stay apart: {keys:?}");
        let held = Held { review: crate::app::id(&review), fix: String::new(), desk };
        let note = held.note(None).await;
        let text = note["markdown"].as_str().expect("text");
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(headings, ["## Problem", "## What we confirmed", "## Root cause", "## Resolution"], "{text}");
        assert!(!text.contains("](") && !text.contains('\u{1b}') && !text.replace("\\<", "").contains('<'), "{text}");
    }
}
