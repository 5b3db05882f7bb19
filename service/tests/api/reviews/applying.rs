//! F40–F45, F47, F48, F49, F51, F52, F60, F61: fixes that are applied, of parts that were rendered.

use reqwest::Method;
use serde_json::{Value, json};

use super::desk::{BRASS, Desk, NBR, REVIEWS, STEEL, fixes, n_unresolved, part};
use crate::app::{TestApp, id, poll, small};
use crate::glb::Glb;

const ALIASES: &str = "/api/v1/material-aliases";

cases! {
    async fn f41_f43_f52_one_fix_settles_every_line(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let product = desk.boxes("bar", &["Steel_Bar", "Steel"]).await;
        let other = desk.boxes("mixed", &["Steel_Bar", "Xqz"]).await;
        let (first, second, third) = (desk.order(&[&product]).await, desk.order(&[&other]).await, desk.order(&[&product, &product]).await);
        let mut lines = Vec::new();
        for order in [&first, &second] {
            lines.extend(desk.rendered(order).await);
        }
        // One of two lines is rendered, so that the order can still be rejected.
        let refused = id(&third["lines"][0]);
        assert_eq!(desk.admin.post(&format!("/api/v1/order-lines/{refused}/dispatch")).await.status, 200);
        desk.line_when(&refused, |line| line["render_status"] == "completed").await;
        let rejected = desk.admin.send(Method::POST, &format!("/api/orders/{}/reject", id(&third)), &json!({"reason": "no"})).await;
        assert_eq!(rejected.status, 200, "{}", rejected.text());
        let review = desk.review_of(&lines[0]).await;
        let theirs = desk.review_of(&lines[1]).await;
        let before = [desk.line(&lines[0]).await, desk.line(&lines[1]).await];
        let applied = desk.applied(fixes(&review, "steel bar")[0], json!({})).await;
        let again = &applied["rerender"];
        assert_eq!(again["order_line_ids"].as_array().map(Vec::len), Some(2), "{again}");
        assert!(lines.iter().all(|line| again["order_line_ids"].as_array().expect("lines").contains(&json!(line))), "{again}");
        assert_eq!((again["task_ids"].as_array().map(Vec::len), &again["skipped"]), (Some(2), &json!(0)));
        for (line, before) in lines.iter().zip(&before) {
            desk.again(line, before).await;
        }
        assert_eq!(desk.n_magenta(&lines[0]).await, 0);
        let asset = desk.line(&lines[0]).await["asset_ids"][0].as_str().expect("an asset").to_owned();
        assert_eq!(desk.admin.get(&format!("/api/media/assets/{asset}")).await.json()["version"], 2);

        // Its own fix waits for a verdict, which is proposed.
        let review = desk.review_when(&id(&review), |review| review["status"] == "resolved").await;
        let fix = fixes(&review, "steel bar")[0].clone();
        assert_eq!((&fix["status"], &fix["ai_outcome_proposal"]["outcome"], &fix["ai_outcome_proposal"]["fix_id"]), (&json!("proposed"), &json!("success"), &fix["id"]));
        assert_eq!(fix["ai_outcome_proposal"]["reason"], format!("Part 'Steel_Bar' now renders with {STEEL}"));
        // The other line's review has learned of it.
        let learned = desk.review_when(&id(&theirs), |review| part(review, "steel bar")["resolved"] == true).await;
        assert_eq!((&part(&learned, "steel bar")["resolved_by"], &learned["status"]), (&fix["id"], &json!("open")), "`Xqz` has no material still");
        assert!(learned["state_version"].as_i64() > theirs["state_version"].as_i64());
        let dismissed = fixes(&learned, "steel bar");
        assert!(!dismissed.is_empty() && dismissed.iter().all(|fix| fix["status"] == "dismissed"), "{learned}");
        assert!(part(&learned, "xqz")["resolved"] == false && n_unresolved(&learned) == 1);
    }

    async fn f44_f45_names_mean_one_thing(engine) {
        let app = TestApp::idle(&engine).await;
        let desk = Desk::open(&app).await;
        let held = desk.held("Steel_Bar", &[(STEEL, 90), (BRASS, 60)]).await;
        let desk = &held.desk;
        let alias = desk.made(ALIASES, json!({"alias": "steel-bar", "material_id": NBR})).await;
        let review = desk.review(&held.review).await;
        let [first, second] = [review["fixes"][0].clone(), review["fixes"][1].clone()];
        let refused = desk.apply(&first, &json!({})).await;
        assert_eq!(refused.problem(), (409, "alias_conflict".to_owned()));
        assert_eq!((&held.fix().await["applied_at"], held.version().await), (&Value::Null, 1));
        let gone = desk.admin.request(Method::DELETE, &format!("{ALIASES}/{}", id(&alias))).send().await.expect("an answer");
        assert_eq!(gone.status(), 200);
        let alias = desk.made(ALIASES, json!({"alias": "steel-bar", "material_id": STEEL})).await;
        let applied = desk.applied(&first, json!({})).await;
        assert_eq!(applied["alias_id"], alias["id"], "no second one");
        assert_eq!(desk.apply(&second, &json!({})).await.problem(), (409, "alias_conflict".to_owned()));
        assert_eq!(desk.say(&first, json!({"outcome": "applied_success"})).await.status, 200);
        let review = desk.review(&held.review).await;
        assert_eq!(review["fixes"][1]["status"], "dismissed");
        // An alias that was there before stays, whatever becomes of a fix.
        let listed = desk.admin.get(ALIASES).await.json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    }

    async fn f60_the_first_of_every_part(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let materials = json!([{"part_name": "Dichtung_A", "material": "NBR"}]);
        let product = desk.product("top", Glb::parts(&["Steel_Bar", "Dichtung_B", "Xqz"]).bytes(), materials).await;
        let line = desk.rendered(&desk.order(&[&product]).await).await.remove(0);
        let review = desk.review_of(&line).await;
        let sure = fixes(&review, "dichtung b")[0].clone();
        assert!(sure["confidence_pct"].as_u64().is_some_and(|pct| pct >= 90), "{sure}");
        let before = desk.line(&line).await;
        let path = format!("{REVIEWS}/{}/apply-top", id(&review));
        for body in [json!({"min_confidence_pct": 49}), json!({"min_confidence_pct": 100}), json!({})] {
            assert_eq!(desk.admin.send(Method::POST, &path, &body).await.status, 422);
        }
        let top = desk.made(&path, json!({"min_confidence_pct": 90})).await;
        assert_eq!((&top["applied"], &top["rerender"]["order_line_ids"]), (&json!([sure["id"]]), &json!([line])), "{top}");
        let skipped: Vec<&Value> = top["skipped"].as_array().expect("parts").iter().map(|part| &part["part_key"]).collect();
        assert_eq!(skipped, ["steel bar", "xqz"]);
        assert_eq!(desk.review(&id(&review)).await["state_version"].as_i64(), review["state_version"].as_i64().map(|v| v + 1));
        desk.again(&line, &before).await;
        assert_eq!(n_unresolved(&desk.review_of(&line).await), 2);
    }

    async fn f40_f41_a_direct_render_is_rendered_anew(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let mut request = small();
        request["materials"] = json!({"parts": []});
        let sent = desk.admin.request(Method::POST, "/api/v1/renders").multipart(crate::app::form(Glb::parts(&["Steel_Bar"]).bytes(), Some(&request)));
        let job = crate::app::Reply::of(sent).await.json();
        desk.admin.job_when(&id(&job), |job| job["state"] == "completed").await;
        let reviews = desk.admin.get(REVIEWS).await.json();
        let review = reviews["items"][0].clone();
        assert_eq!((&review["render_id"], &review["order_line_id"]), (&job["id"], &Value::Null));
        let applied = desk.applied(fixes(&review, "steel bar")[0], json!({})).await;
        assert_eq!((applied["rerender"]["task_ids"].as_array().map(Vec::len), &applied["rerender"]["order_line_ids"]), (Some(1), &json!([])), "{applied}");
        let is_new = |jobs: &Value| jobs["items"].as_array().is_some_and(|jobs| jobs.iter().filter(|job| job["state"] == "completed").count() == 2);
        let jobs = poll(async || desk.admin.get("/api/v1/renders").await.json(), is_new).await;
        let anew = jobs["items"].as_array().expect("jobs").iter().find(|other| other["id"] != job["id"]).expect("a second one").clone();
        assert_eq!(anew["result"]["unmapped_parts"], 0, "{anew}");
        let review = desk.review_when(&id(&review), |review| review["status"] == "resolved").await;
        assert_eq!(fixes(&review, "steel bar")[0]["ai_outcome_proposal"]["outcome"], "success");
        // It went wrong all the same: the part is magenta as before.
        let failed = desk.say(fixes(&review, "steel bar")[0], json!({"outcome": "applied_failed"})).await;
        assert_eq!(failed.status, 200, "{}", failed.text());
        desk.review_when(&id(&review), |review| review["status"] == "open" && part(review, "steel bar")["resolved"] == false).await;
        assert_eq!(desk.admin.get(REVIEWS).await.json()["items"].as_array().map(Vec::len), Some(1), "it reports to the review that it was made for");
    }

    on_postgres_in_the_soak:

    async fn f40_f51_f53_a_fix_becomes_an_alias(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let line = desk.line_of("bar", &["Steel_Bar", "Steel"]).await;
        assert!(desk.n_magenta(&line).await > 0);
        let review = desk.review_of(&line).await;
        assert_eq!((&review["status"], &review["state_version"], review["parts"].as_array().map(Vec::len)), (&json!("open"), &json!(1), Some(1)), "{review}");
        let bar = part(&review, "steel bar");
        assert_eq!((&bar["part_name"], &bar["reason"], &bar["fixable"], &bar["resolved"], &bar["instances"]), (&json!("Steel_Bar"), &json!("no_match"), &json!(true), &json!(false), &json!(1)));
        assert!(bar["area_share"].as_f64().is_some_and(|share| (share - 0.5).abs() < 1e-6), "{bar}");
        let proposed = fixes(&review, "steel bar");
        assert!((1..=5).contains(&proposed.len()), "{review}");
        let confidence = |fix: &Value| fix["confidence_pct"].as_u64().expect("a number");
        assert!(proposed.is_sorted_by(|a, b| confidence(a) >= confidence(b)) && proposed.iter().all(|fix| confidence(fix) >= 30));
        for (rank, fix) in (1..).zip(&proposed) {
            assert_eq!(fix["rank"], rank);
            assert!(fix["signals"].as_array().is_some_and(|signals| !signals.is_empty()), "{fix}");
        }
        let first = proposed[0];
        assert_eq!((&first["material_id"], &first["alias"], &first["alias_scope"]), (&json!(STEEL), &json!("Steel_Bar"), &json!("part")));
        assert_eq!(first["title"], format!("Map 'Steel_Bar' to {STEEL}"));

        let applied = desk.applied(first, json!({"rerender": "none"})).await;
        let aliases = desk.admin.get(&format!("{ALIASES}?source=fix")).await.json();
        let alias = &aliases["items"][0];
        assert_eq!((&alias["alias"], &alias["key"], &alias["fix_id"], &alias["id"]), (&json!("Steel_Bar"), &json!("steel bar"), &first["id"], &applied["alias_id"]));
        assert_eq!(applied["rerender"], json!({"order_line_ids": [], "task_ids": [], "skipped": 0}));
        let done = desk.render_again(&line).await;
        assert_eq!(desk.n_magenta(&line).await, 0, "{done}");
        let events = desk.admin.get(&format!("/api/v1/order-lines/{line}/job/events?after=0")).await.text();
        assert!(events.contains(&format!("[MATERIAL] part 'Steel_Bar' → '{STEEL}' (alias match)")), "{events}");
        // Another tenant has none of it.
        let beta = Desk::of_tenant(&app, "beta").await;
        let other = beta.line_of("bar", &["Steel_Bar", "Steel"]).await;
        assert!(beta.n_magenta(&other).await > 0);
    }

    async fn f41_a_line_alone_or_nothing_is_rendered_again(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let product = desk.boxes("bar", &["Steel_Bar"]).await;
        let lines = desk.rendered(&desk.order(&[&product, &product]).await).await;
        let review = desk.review_of(&lines[0]).await;
        let before = desk.line(&lines[0]).await;
        let applied = desk.applied(fixes(&review, "steel bar")[0], json!({"rerender": "line"})).await;
        assert_eq!(applied["rerender"]["order_line_ids"], json!([lines[0]]));
        desk.again(&lines[0], &before).await;
        assert_eq!(desk.n_magenta(&lines[0]).await, 0);
        assert!(desk.n_magenta(&lines[1]).await > 0);
        // The fix is known to work, so that it settles the other line's review too.
        let theirs = id(&desk.review_of(&lines[1]).await);
        desk.review_when(&theirs, |review| review["status"] == "resolved").await;
        let refused = desk.admin.send(Method::POST, &format!("{REVIEWS}/{theirs}/suggested-fixes/{theirs}/apply"), &json!({"rerender": "all"})).await;
        assert_eq!(refused.status, 422);
    }

    async fn f42_a_second_order_has_nothing_unmapped(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let line = desk.line_of("one", &["Steel_Bar"]).await;
        let review = desk.review_of(&line).await;
        desk.applied(fixes(&review, "steel bar")[0], json!({"rerender": "none"})).await;
        let later = desk.line_of("two", &["STEEL-BAR"]).await;
        assert_eq!(desk.n_magenta(&later).await, 0);
        let reviews = desk.admin.get(REVIEWS).await.json();
        assert_eq!(reviews["items"].as_array().map(Vec::len), Some(1), "{reviews}");
        let nothing = desk.admin.send(Method::POST, REVIEWS, &json!({"order_line_id": later})).await;
        assert_eq!(nothing.problem(), (409, "nothing_unmapped".to_owned()));
        let there = desk.admin.send(Method::POST, REVIEWS, &json!({"order_line_id": line})).await;
        assert_eq!((there.status, id(&there.json())), (200, id(&review)));
    }

    async fn f47_the_material_is_gone(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Desk::open(&app).await.held("Steel_Bar", &[("ACME_990001_Gone", 90)]).await;
        assert_eq!(held.apply().await.problem(), (409, "material_unavailable".to_owned()));
        assert_eq!((&held.fix().await["applied_at"], held.version().await), (&Value::Null, 1));
    }

    async fn f48_a_word_for_a_material(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let materials = json!([{"part_name": "Deckel", "material": "Stahl XY"}, {"part_name": "Boden", "material": "Stahl XY"}]);
        let product = desk.product("word", Glb::parts(&["Deckel", "Boden"]).bytes(), materials).await;
        let line = desk.rendered(&desk.order(&[&product]).await).await.remove(0);
        let review = desk.review_of(&line).await;
        let lid = part(&review, "deckel");
        assert_eq!((&lid["reason"], &lid["material_string"]), (&json!("material_missing"), &json!("Stahl XY")));
        let fix = fixes(&review, "deckel")[0];
        assert_eq!((&fix["alias_scope"], &fix["alias"], &fix["material_id"]), (&json!("material"), &json!("Stahl XY"), &json!(STEEL)), "{review}");
        let before = desk.line(&line).await;
        desk.applied(fix, json!({})).await;
        desk.again(&line, &before).await;
        assert_eq!(desk.n_magenta(&line).await, 0, "both parts have the word");
        desk.review_when(&id(&review), |review| review["status"] == "resolved").await;
    }

    async fn f51_a_review_follows_its_line(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let names: Vec<String> = (b'a'..b'k').map(|letter| format!("Xq_{}", char::from(letter))).collect();
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let product = desk.boxes("ten", &parts).await;
        let line = desk.rendered(&desk.order(&[&product]).await).await.remove(0);
        let review = desk.review_of(&line).await;
        assert_eq!((review["parts"].as_array().map(Vec::len), n_unresolved(&review), &review["product_id"]), (Some(10), 10, &json!(product)));
        let said: Vec<Value> = parts[..6].iter().map(|part| json!({"part_name": part, "material": "Steel"})).collect();
        let changed = desk.admin.send(Method::PATCH, &format!("/api/v1/products/{product}"), &json!({"cad_part_materials": said})).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        desk.render_again(&line).await;
        let later = desk.review_of(&line).await;
        assert_eq!((&later["id"], n_unresolved(&later), &later["status"]), (&review["id"], 4, &json!("open")));
        assert!(later["state_version"].as_i64() > review["state_version"].as_i64());
        let close = desk.admin.post(&format!("{REVIEWS}/{}/close", id(&review))).await.json();
        assert_eq!(close["status"], "closed");
        desk.render_again(&line).await;
        assert_eq!(desk.review_of(&line).await["status"], "closed", "until somebody opens it");
        assert_eq!(desk.admin.post(&format!("{REVIEWS}/{}/reopen", id(&review))).await.json()["status"], "open");
    }

    async fn f52_a_part_that_stays_magenta(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        // Two entries disagree, and come before aliases.
        let materials = json!([{"part_name": "Ring_A", "material": "Steel"}, {"part_name": "RING A", "material": "Brass"}]);
        let product = desk.product("ring", Glb::parts(&["ring-a"]).bytes(), materials).await;
        let line = desk.rendered(&desk.order(&[&product]).await).await.remove(0);
        let review = desk.review_of(&line).await;
        assert_eq!(part(&review, "ring a")["reason"], "ambiguous");
        let before = desk.line(&line).await;
        desk.applied(fixes(&review, "ring a")[0], json!({})).await;
        desk.again(&line, &before).await;
        let review = desk.review_when(&id(&review), |review| !review["fixes"][0]["ai_outcome_proposal"].is_null()).await;
        let fix = fixes(&review, "ring a").into_iter().find(|fix| fix["applied_at"].is_string()).expect("applied").clone();
        assert_eq!((&fix["ai_outcome_proposal"]["outcome"], &fix["status"]), (&json!("failed"), &json!("proposed")));
        assert!(fix["ai_outcome_proposal"]["reason"].as_str().is_some_and(|why| why.contains("ambiguous")), "{fix}");
    }

    async fn f52_pictures_begun_before_say_nothing(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let line = desk.line_of("bar", &["Steel_Bar"]).await;
        let review = desk.review_of(&line).await;
        let output_type = id(&desk.admin.get("/api/v1/output-types").await.json()["items"][0]);
        let slow = json!({"render_settings": {"width": 240, "height": 240, "samples": 256, "noise_threshold": 0, "denoise": "off"}});
        let changed = desk.admin.send(Method::PATCH, &format!("/api/v1/output-types/{output_type}"), &slow).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let before = desk.line(&line).await;
        desk.admin.post(&format!("/api/v1/order-lines/{line}/dispatch")).await;
        desk.line_when(&line, |line| line["render_status"] == "processing").await;
        let applied = desk.applied(fixes(&review, "steel bar")[0], json!({"rerender": "line"})).await;
        assert_eq!((&applied["rerender"]["skipped"], &applied["rerender"]["order_line_ids"]), (&json!(1), &json!([])));
        desk.again(&line, &before).await;
        assert!(desk.n_magenta(&line).await > 0, "it was begun without the alias");
        let fix = fixes(&desk.review(&id(&review)).await, "steel bar")[0].clone();
        assert_eq!((&fix["applied_at"].is_string(), &fix["ai_outcome_proposal"]), (&true, &json!(null)), "{fix}");
        desk.render_again(&line).await;
        let judged = desk.review_when(&id(&review), |review| !review["fixes"][0]["ai_outcome_proposal"].is_null()).await;
        assert_eq!(judged["fixes"][0]["ai_outcome_proposal"]["outcome"], "success", "{judged}");
    }

    async fn f61_nothing_happens_by_itself(engine) {
        let app = TestApp::idle(&engine).await;
        let held = Desk::open(&app).await.held("Steel_Bar", &[(STEEL, 97)]).await;
        app.db.move_clock(30 * 86_400_000);
        assert_eq!(held.fix().await["applied_at"], Value::Null);
        assert_eq!(held.desk.admin.get(ALIASES).await.json()["items"], json!([]));
    }
}
