//! F01–F13, F15–F23, F27–F30, F32–F35, F37–F39: what people say of fixes, as the reference system's tests have it.

use packshot_domain::fix::Outcome;
use reqwest::Method;
use serde_json::{Value, json};

use super::Held;
use super::desk::{BRASS, Desk, NBR, REVIEWS, STEEL};
use crate::app::{Reply, TestApp, id};

const NULL: Value = Value::Null;

cases! {
    async fn f01_f07_success(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        assert_eq!(held.fix().await["applied_at"], NULL);
        let reply = held.say(json!({"outcome": "applied_success"})).await;
        let fix = reply.json();
        assert_eq!((reply.status, &fix["status"]), (200, &json!("applied_success")), "{fix}");
        assert!(fix["verified_at"].is_string() && fix["applied_at"].is_string(), "{fix}");
    }

    async fn f13_f35_versions(engine) {
        let app = TestApp::idle(&engine).await;
        let desk = Desk::open(&app).await;
        let held = desk.held("Steel_Bar", &[(STEEL, 82), (BRASS, 60), (NBR, 40), ("STD_010601_Copper", 35)]).await;
        let before = held.version().await;
        assert_eq!(before, 1);
        held.suggest().await;
        for _ in 0..2 {
            held.note(None).await;
            held.fix().await;
            assert_eq!(held.discard().await.status, 200);
        }
        assert_eq!(held.say(json!({"outcome": "applied_partial"})).await.status, 400);
        assert_eq!(held.version().await, before, "reading, notes, refusals and removed proposals are no changes");
        let tag = held.desk.admin.get(&format!("{REVIEWS}/{}", held.review)).await;
        assert_eq!(tag.header("etag"), Some("\"1\""));
        let said = held.say(json!({"outcome": "applied_success"})).await;
        assert_eq!((said.status, said.header("etag"), held.version().await), (200, Some("\"2\""), before + 1));
        let review = held.desk.review(&held.review).await;
        let others = review["fixes"].as_array().expect("fixes").iter().filter(|fix| id(fix) != held.fix);
        let others: Vec<&Value> = others.collect();
        assert_eq!(others.len(), 3);
        for fix in others {
            assert_eq!((&fix["status"], &fix["history"][0]["notes"]), (&json!("dismissed"), &json!(format!("resolved by fix {}", held.fix))));
        }
        assert_eq!((&review["status"], &review["parts"][0]["resolved"], &review["parts"][0]["resolved_by"]), (&json!("resolved"), &json!(true), &json!(held.fix)));
    }

    async fn f15_f16_f22_f33_apply_stamps_once(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        let fresh = held.fix().await;
        for member in ["applied_at", "verified_at", "partial_notes", "pending_reason", "failure_reason", "ai_outcome_proposal"] {
            assert_eq!(fresh[member], NULL, "{member}");
        }
        assert_eq!((&fresh["confidence_pct"], &fresh["history"]), (&json!(82), &json!([])));
        let before = held.version().await;
        let reply = held.apply().await;
        let fix = reply.json();
        assert_eq!((reply.status, &fix["status"], &fix["ai_outcome_proposal"]), (200, &json!("proposed"), &NULL), "{fix}");
        assert!(fix["applied_at"].is_string());
        assert_eq!(held.version().await, before + 1);
        let again = held.apply().await;
        assert_eq!((again.status, &again.json()["applied_at"], held.version().await), (200, &fix["applied_at"], before + 1));
        let said = held.say(json!({"outcome": "applied_success"})).await.json();
        assert_eq!(said["applied_at"], fix["applied_at"], "the first stamp stays");
        assert_eq!(held.apply().await.problem(), (409, "fix_not_proposed".to_owned()));
    }

    async fn f19_f20_f21_f34_proposed_outcomes_go(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::with_proposal(&app).await;
        let proposal = json!({"fix_id": held.fix, "outcome": "success", "reason": "User confirmed resolved"});
        assert_eq!(held.fix().await["ai_outcome_proposal"], proposal);
        assert_eq!(held.say(json!({"outcome": "applied_pending"})).await.status, 400);
        assert_eq!(held.fix().await["ai_outcome_proposal"], proposal, "a refusal leaves it");
        let fix = held.discard().await.json();
        assert_eq!((&fix["ai_outcome_proposal"], &fix["status"]), (&NULL, &json!("proposed")));
        let nothing = held.discard().await;
        assert_eq!((nothing.status, &nothing.json()["ai_outcome_proposal"]), (200, &NULL));
        for (i, outcome) in Outcome::ALL.iter().enumerate() {
            let name = format!("Part_{}", ["a", "b", "c", "d", "e"][i]);
            let (review, fixes) = held.desk.stored(&name, &name, &[(STEEL, 74)]).await;
            let fix = json!({"id": fixes[0], "review_id": review});
            let of = fixes[0].parse().expect("an id");
            packshot_db::testing::suggest_outcome(&app.db, held.desk.scope(), of, "seen").await.expect("stored");
            let said = held.desk.say(&fix, json!({"outcome": outcome.as_str(), "notes": "n"})).await;
            assert_eq!((said.status, &said.json()["ai_outcome_proposal"]), (200, &NULL), "{outcome}");
        }
    }

    async fn f37_of_two_outcomes_at_once_one_is_taken(engine) {
        let app = TestApp::idle(&engine).await;
        let desk = Desk::open(&app).await;
        for trial in 0..200 {
            let name = format!("Trial {trial}");
            let (review, fixes) = desk.stored(&name, &name, &[(STEEL, 82)]).await;
            let fix = json!({"id": fixes[0], "review_id": review});
            let (a, b) = tokio::join!(
                desk.say(&fix, json!({"outcome": "applied_success"})),
                desk.say(&fix, json!({"outcome": "applied_failed"}))
            );
            let mut statuses = [a.status, b.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{} {}", a.text(), b.text());
            assert_eq!(desk.review(&review).await["state_version"], 2);
        }
    }

    on_postgres_in_the_soak:

    async fn f02_f08_f29_partial_and_pending_need_notes(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        let before = held.version().await;
        for outcome in ["applied_partial", "applied_pending"] {
            for notes in [None, Some(NULL), Some(json!("")), Some(json!("   "))] {
                let mut body = json!({"outcome": outcome});
                body.as_object_mut().expect("members").extend(notes.map(|notes| ("notes".to_owned(), notes)));
                let refused = held.say(body.clone()).await;
                assert_eq!(refused.problem(), (400, "notes_required".to_owned()), "{body}");
                assert!(refused.json()["detail"].as_str().expect("words").to_lowercase().contains("notes"));
            }
        }
        assert_eq!((held.version().await, &held.fix().await["status"]), (before, &json!("proposed")));
        let long = held.say(json!({"outcome": "applied_partial", "notes": "x".repeat(2_001)})).await;
        assert_eq!((long.problem(), long.pointers()), ((422, "validation_failed".to_owned()), vec!["/notes".to_owned()]));
        let text = format!("{}ß", "Ü\n".repeat(999)) + "ä";
        assert_eq!(held.said("applied_partial", &text).await["partial_notes"], json!(text), "2,000 characters");
    }

    async fn f03_f05_partial_to_success(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        let fix = held.said("applied_partial", "ran cred clear only").await;
        assert_eq!(fix["partial_notes"], "ran cred clear only");
        let fix = held.said("applied_partial", "also finished the rebuild; not verified yet").await;
        assert_eq!(fix["partial_notes"], "also finished the rebuild; not verified yet");
        assert_eq!(held.say(json!({"outcome": "applied_success"})).await.json()["status"], "applied_success");
    }

    async fn f04_f12_f27_f28_a_failed_fix_stays_failed(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        let fix = held.said("applied_failed", "user reports no change").await;
        assert_eq!((&fix["failure_reason"], &fix["partial_notes"]), (&json!("user reports no change"), &NULL));
        assert!(fix["applied_at"].is_string() && fix["verified_at"].is_string(), "{fix}");
        assert_eq!(held.say(json!({"outcome": "applied_success"})).await.problem(), (409, "fix_terminal".to_owned()));
        let (_, other) = held.desk.stored("other", "Bolt", &[(STEEL, 82)]).await;
        let review = held.desk.admin.get(REVIEWS).await.json()["items"][0].clone();
        assert_eq!(id(&review["fixes"][0]), other[0]);
        let silent = held.desk.say(&review["fixes"][0], json!({"outcome": "applied_failed"})).await.json();
        assert_eq!(silent["failure_reason"], NULL);
        assert!(silent["applied_at"].is_string() && silent["verified_at"].is_string());
    }

    async fn f06_a_dismissed_fix_has_no_stamps(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        let fix = held.say(json!({"outcome": "dismissed"})).await.json();
        assert_eq!((&fix["status"], &fix["applied_at"], &fix["verified_at"]), (&json!("dismissed"), &NULL, &NULL));
        assert_eq!(held.apply().await.problem(), (409, "fix_not_proposed".to_owned()));
    }

    async fn f09_f10_f11_f28_pending_waits_for_something(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        let fix = held.said("applied_pending", "client power-cycling router").await;
        assert_eq!((&fix["status"], &fix["pending_reason"]), (&json!("applied_pending"), &json!("client power-cycling router")));
        assert!(fix["applied_at"].is_string());
        assert_eq!((&fix["verified_at"], &fix["partial_notes"], &fix["failure_reason"]), (&NULL, &NULL, &NULL));
        let fix = held.said("applied_pending", "waiting on AD replication").await;
        assert_eq!(fix["pending_reason"], "waiting on AD replication");
        let fix = held.said("applied_pending", "now waiting on client to confirm login").await;
        assert_eq!(fix["pending_reason"], "now waiting on client to confirm login");
        let fix = held.say(json!({"outcome": "applied_success"})).await.json();
        assert_eq!((&fix["status"], &fix["pending_reason"]), (&json!("applied_success"), &json!("now waiting on client to confirm login")));
        assert!(fix["verified_at"].is_string());
    }

    async fn f17_f18_what_is_decided_is_not_applied(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        assert_eq!(held.say(json!({"outcome": "applied_success"})).await.status, 200);
        assert_eq!(held.apply().await.problem(), (409, "fix_not_proposed".to_owned()));
    }

    async fn f23_pending_in_and_out(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        let all = json!(["applied_success", "applied_failed", "applied_partial", "applied_pending", "dismissed"]);
        assert_eq!(held.fix().await["available_outcomes"], all);
        held.said("applied_pending", "a").await;
        held.said("applied_partial", "b").await;
        let fix = held.said("applied_pending", "c").await;
        assert_eq!(fix["available_outcomes"], all, "worked, did not work, change the reason");
        assert_eq!(held.said("applied_failed", "d").await["available_outcomes"], json!([]));
    }

    async fn f30_unknown_outcomes(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        for body in [json!({"outcome": "success"}), json!({"outcome": "proposed"}), json!({"outcome": ""}), json!({})] {
            let refused = held.say(body.clone()).await;
            assert_eq!((refused.problem(), refused.pointers()), ((422, "validation_failed".to_owned()), vec!["/outcome".to_owned()]), "{body}");
        }
        let refused = held.say(json!({"outcome": "dismissed", "why": "x"})).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec!["/why".to_owned()]));
    }

    async fn f32_f39_texts_and_history_stay(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        let first = held.said("applied_partial", "a").await;
        held.said("applied_pending", "b").await;
        let fix = held.said("applied_failed", "c").await;
        assert_eq!([&fix["partial_notes"], &fix["pending_reason"], &fix["failure_reason"]], ["a", "b", "c"]);
        assert_eq!(fix["applied_at"], first["applied_at"]);
        let history = fix["history"].as_array().expect("a history");
        let steps = [("proposed", "applied_partial", "a"), ("applied_partial", "applied_pending", "b"), ("applied_pending", "applied_failed", "c")];
        assert_eq!(history.len(), 3);
        for ((i, change), (from, to, notes)) in history.iter().enumerate().zip(steps) {
            assert_eq!((&change["seq"], &change["from_status"], &change["to_status"], &change["notes"]), (&json!(i + 1), &json!(from), &json!(to), &json!(notes)));
            assert!(change["at"].is_string() && change["actor_id"].is_string() && change["action"] == "outcome", "{change}");
        }
        for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::POST] {
            let reply = Reply::of(held.desk.admin.request(method.clone(), &held.path())).await;
            assert_eq!(reply.status, 405, "{method}");
        }
    }

    async fn f38_if_match(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Held::open(&app).await;
        held.said("applied_partial", "a").await;
        let with = async |tag: &str, body: Value| {
            let request = held.desk.admin.request(Method::PATCH, &format!("{}/outcome", held.path()));
            Reply::of(request.header("if-match", tag).json(&body)).await
        };
        let stale = with("\"1\"", json!({"outcome": "applied_success"})).await;
        assert_eq!(stale.problem(), (412, "precondition_failed".to_owned()));
        assert_eq!((&held.fix().await["status"], held.version().await), (&json!("applied_partial"), 2));
        let request = held.desk.admin.request(Method::POST, &format!("{}/apply", held.path()));
        assert_eq!(Reply::of(request.header("if-match", "\"1\"")).await.status, 412);
        assert_eq!(with("\"2\"", json!({"outcome": "applied_success"})).await.status, 200);
    }
}
