//! F63, F64: the report of unmapped names.

use reqwest::Method;
use serde_json::{Value, json};

use super::desk::{BRASS, Desk, NBR, STEEL};
use crate::app::TestApp;

const REPORT: &str = "/api/v1/reports/unmapped-names";

async fn report(desk: &Desk<'_>, query: &str) -> Value {
    let reply = desk.admin.get(&format!("{REPORT}{query}")).await;
    assert_eq!(reply.status, 200, "{query}: {}", reply.text());
    reply.json()
}

fn keys(report: &Value) -> Vec<(String, i64)> {
    let items = report["items"].as_array().expect("names").iter();
    items
        .map(|item| (item["part_key"].as_str().expect("a key").to_owned(), item["lines"].as_i64().expect("a number")))
        .collect()
}

fn names(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    expected.iter().map(|(key, n)| ((*key).to_owned(), *n)).collect()
}

cases! {
    async fn f63_what_aliases_would_help_most(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let said = json!([{"part_name": "Dichtungen", "material": "NBR"}]);
        desk.made("/api/v1/products", json!({"pim_id": "said", "name": "P", "cad_part_materials": said})).await;
        let (all, two, seal) = (desk.boxes("all", &["Dichtung", "Feder", "Rohr"]).await, desk.boxes("two", &["DICHTUNG", "Feder"]).await, desk.boxes("one", &["Dichtung"]).await);
        let products = [vec![all.as_str()], vec![two.as_str(); 4], vec![seal.as_str(); 7]].concat();
        let lines = desk.rendered(&desk.order(&products).await).await;
        let known = desk.boxes("known", &["Steel"]).await;
        desk.rendered(&desk.order(&[&known]).await).await;

        let whole = report(&desk, "").await;
        assert_eq!(keys(&whole), names(&[("dichtung", 12), ("feder", 5), ("rohr", 1)]), "{whole}");
        let first = &whole["items"][0];
        assert_eq!((&first["examples"], &first["orders"], &first["products"], &first["scope"], &first["resolved"]), (&json!(["DICHTUNG", "Dichtung"]), &json!(1), &json!(3), &json!("part"), &json!(false)));
        let top = &first["top_proposals"][0];
        assert_eq!((&top["material_id"], top["confidence_pct"].as_u64().is_some_and(|pct| pct >= 70)), (&json!(NBR), true), "{first}");
        assert_eq!(whole["totals"], json!({"lines": 13, "lines_unmapped": 12, "names": 3, "names_resolved": 0}));
        assert_eq!(keys(&report(&desk, "?min_lines=2").await), names(&[("dichtung", 12), ("feder", 5)]));
        // In pages.
        let page = report(&desk, "?limit=1").await;
        assert_eq!(keys(&page), names(&[("dichtung", 12)]));
        let next = page["next_cursor"].as_str().expect("more");
        let page = report(&desk, &format!("?limit=1&cursor={next}")).await;
        assert_eq!(keys(&page), names(&[("feder", 5)]));
        let next = page["next_cursor"].as_str().expect("more");
        let page = report(&desk, &format!("?limit=1&cursor={next}")).await;
        assert_eq!((keys(&page), &page["next_cursor"]), (names(&[("rohr", 1)]), &json!(null)));
        assert_eq!(desk.admin.get(&format!("{REPORT}?cursor=x")).await.problem().0, 422);
        assert_eq!(keys(&report(&desk, "?to=2020-01-01T00:00:00Z").await), names(&[]));

        let before = desk.line(&lines[0]).await;
        let item = |key: &str, material: &str| json!({"part_key": key, "scope": "part", "material_id": material});
        let body = json!({"items": [item("dichtung", NBR), item("rohr", "NO_000001_Such")]});
        let done = desk.made(&format!("{REPORT}/apply"), body).await;
        assert_eq!((&done["applied"][0]["part_key"], &done["skipped"][0]["code"]), (&json!("dichtung"), &json!("unknown_material")), "{done}");
        assert_eq!((done["rerender"]["order_line_ids"].as_array().map(Vec::len), &done["rerender"]["skipped"]), (Some(12), &json!(0)));
        let aliases = desk.admin.get("/api/v1/material-aliases?source=report").await.json();
        assert_eq!((&aliases["items"][0]["key"], aliases["items"].as_array().map(Vec::len)), (&json!("dichtung"), Some(1)));
        desk.again(&lines[0], &before).await;
        for line in &lines[1..] {
            let is_over = |line: &Value| line["render_job_doc"]["state"] == "completed" && line["render_status"] == "completed";
            desk.line_when(line, is_over).await;
        }
        assert_eq!(keys(&report(&desk, "").await), names(&[("feder", 5), ("rohr", 1)]));
        let resolved = report(&desk, "?resolved=true").await;
        assert_eq!((keys(&resolved)[0].clone(), &resolved["items"][0]["resolved"]), (("dichtung".to_owned(), 12), &json!(true)));
        assert_eq!(resolved["totals"], json!({"lines": 13, "lines_unmapped": 5, "names": 3, "names_resolved": 1}));
        // Undone, it is wanted again.
        let alias = aliases["items"][0]["id"].as_str().expect("an id");
        let path = format!("/api/v1/material-aliases/{alias}");
        assert_eq!(crate::app::Reply::of(desk.admin.request(Method::DELETE, &path)).await.status, 200);
        assert_eq!(keys(&report(&desk, "").await), names(&[("dichtung", 12), ("feder", 5), ("rohr", 1)]));
    }

    async fn f64_how_often_proposals_were_right(engine) {
        let app = TestApp::idle(&engine).await;
        let desk = Desk::open(&app).await;
        let outcomes = [
            (95, "applied_success"), (91, "applied_success"), (90, "applied_failed"), (89, "applied_success"), (70, "dismissed"),
            (69, "applied_failed"), (50, "applied_partial"), (49, "dismissed"), (30, "dismissed"), (35, "applied_pending"),
        ];
        for (i, (confidence, outcome)) in outcomes.into_iter().enumerate() {
            let name = format!("Name {}", char::from(b'a' + u8::try_from(i).expect("few")));
            let (review, fixes) = desk.stored(&name, &name, &[(STEEL, confidence)]).await;
            let fix = json!({"id": fixes[0], "review_id": review});
            let said = desk.say(&fix, json!({"outcome": outcome, "notes": "n"})).await;
            assert_eq!(said.status, 200, "{}", said.text());
        }
        desk.stored("untouched", "Untouched", &[(STEEL, 97), (BRASS, 31)]).await;
        let band = |band: &str, [proposed, applied, success, failed, dismissed]: [u32; 5]| {
            json!({"band": band, "proposed": proposed, "applied": applied, "success": success, "failed": failed, "dismissed": dismissed})
        };
        let expected = json!([band("30-49", [4, 1, 0, 0, 2]), band("50-69", [2, 2, 0, 1, 0]), band("70-89", [2, 1, 1, 0, 1]), band("90-97", [4, 3, 2, 1, 0])]);
        assert_eq!(report(&desk, "").await["acceptance"], expected);
    }
}
