//! F67: what others are told of fixes.

use serde_json::{Value, json};

use super::desk::{Desk, REVIEWS, STEEL, fixes};
use crate::app::{TestApp, id};

/// Type and data of each event of a stream.
fn read(stream: &str) -> Vec<(String, Value)> {
    let frames = stream.split("\n\n").filter(|frame| frame.contains("data: "));
    let event = |frame: &str| {
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).expect("a field").to_owned();
        (field("event: "), serde_json::from_str(&field("data: ")).expect("JSON"))
    };
    frames.map(event).collect()
}

cases! {
    async fn f67_what_is_told_of_fixes(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let line = desk.line_of("bar", &["Steel_Bar"]).await;
        let review = desk.review_of(&line).await;
        let before = desk.line(&line).await;
        let fix = desk.applied(fixes(&review, "steel bar")[0], json!({})).await;
        assert_eq!(desk.apply(&fix, &json!({})).await.status, 200, "a second time");
        desk.again(&line, &before).await;
        desk.review_when(&id(&review), |review| review["status"] == "resolved").await;
        assert_eq!(desk.say(&fix, json!({"outcome": "applied_success"})).await.status, 200);
        assert_eq!(desk.say(&fix, json!({"outcome": "applied_success"})).await.status, 409);
        for (what, status) in [("fix.applied", "proposed"), ("fix.outcome", "applied_success")] {
            let activity = desk.admin.get(&format!("/api/activity?event_type={what}")).await.json();
            let entries = activity["items"].as_array().expect("entries");
            assert_eq!(entries.len(), 1, "{activity}");
            let entry = &entries[0];
            assert_eq!((&entry["subject"], &entry["order_line_id"]), (&json!({"kind": "suggested_fix", "id": fix["id"]}), &json!(line)));
            assert_eq!((&entry["data"]["status"], &entry["data"]["material_id"]), (&json!(status), &json!(STEEL)));
            assert!(entry["actor_id"].is_string());
        }
        // The review is resolved and nothing renders: the stream ends by itself.
        let stream = desk.admin.get(&format!("{REVIEWS}/{}/events?after=0", id(&review))).await;
        assert_eq!((stream.status, stream.header("content-type")), (200, Some("text/event-stream")));
        let events = read(&stream.text());
        let of = |name: &str| events.iter().filter(|(own, _)| own == name).map(|(_, data)| data).collect::<Vec<_>>();
        let states: Vec<&Value> = of("job.state").into_iter().filter(|data| data["order_line_id"] == line).map(|data| &data["state"]).collect();
        assert!(states.ends_with(&[&json!("queued"), &json!("running"), &json!("completed")]), "{states:?}");
        let told = of("fix.updated");
        let is_own = |data: &&&Value| data["fix_id"] == fix["id"];
        let last = told.iter().rfind(is_own).expect("told");
        assert_eq!(last["status"], "applied_success");
        assert!(told.iter().filter(is_own).any(|data| data["ai_outcome"] == "success"), "{told:?}");
        let versions: Vec<i64> = of("review.updated").iter().map(|data| data["state_version"].as_i64().expect("a number")).collect();
        assert!(versions.is_sorted() && versions.first() == Some(&1), "{versions:?}");
        assert!(events.iter().all(|(_, data)| data["seq"].is_u64() && data["at"].is_string()));
        let snapshot = desk.admin.get(&format!("{REVIEWS}/{}/events", id(&review))).await.text();
        assert!(snapshot.contains("event: snapshot"), "{snapshot}");
    }
}
