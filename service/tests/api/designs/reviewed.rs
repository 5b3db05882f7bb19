//! F51 and what follows from it, of designs on products: parts without a material in their pictures.

use reqwest::Method;
use serde_json::{Value, json};

use super::bench::{Bench, JOBS};
use crate::app::{Reply, TestApp, id, pixels, poll};
use crate::glb::Glb;
use crate::reviews::{REVIEWS, STEEL, is_magenta};

/// A view from the front of a mug with a lid that nothing matches.
fn front() -> Value {
    json!({"views": ["front_0deg"], "width": 32, "height": 32, "samples": 4})
}

impl Bench<'_> {
    async fn reviews(&self) -> Vec<Value> {
        let reviews = self.admin.get(REVIEWS).await;
        assert_eq!(reviews.status, 200, "{}", reviews.text());
        reviews.json()["items"].as_array().expect("reviews").clone()
    }

    async fn review(&self, review: &Value) -> Value {
        self.admin.get(&format!("{REVIEWS}/{}", id(review))).await.json()
    }

    /// How many pixels of a finished job's picture are magenta.
    async fn n_magenta(&self, job: &Value) -> usize {
        assert_eq!(job["status"], "completed", "{job}");
        let png = self.admin.get(job["outputs"][0]["url"].as_str().expect("a url")).await.body;
        pixels(&png).into_iter().filter(|pixel| is_magenta(*pixel)).count()
    }

    /// The newest job, at its end.
    async fn newest(&self) -> Value {
        let page = self.admin.get(&format!("{JOBS}?limit=1")).await.json();
        self.ended(&id(&page["items"][0])).await
    }

    async fn act_on_fix(&self, method: Method, fix: &Value, action: &str, body: Value) -> Value {
        let review = fix["review_id"].as_str().expect("a review");
        let path = format!("{REVIEWS}/{review}/suggested-fixes/{}/{action}", id(fix));
        let reply = self.admin.send(method, &path, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }
}

cases! {
    async fn f40_f46_f51_f52_f67_a_design_with_an_unmapped_part_has_a_review(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::of_tenant(&app, "alpha", Glb::mug(Some("Steel_Bar"))).await;
        let job = bench.ended(&id(&bench.start(&front()).await)).await;
        assert!(bench.n_magenta(&job).await > 0);
        // It is written with the end of the job.
        let reviews = bench.reviews().await;
        assert_eq!(reviews.len(), 1, "{reviews:?}");
        let review = &reviews[0];
        assert_eq!((&review["design_job_id"], &review["product_id"], &review["status"]), (&job["id"], &json!(bench.product), &json!("open")));
        assert_eq!((&review["order_line_id"], &review["render_id"], &review["state_version"]), (&Value::Null, &Value::Null, &json!(1)));
        assert!(review["cad_file_id"].is_string());
        assert_eq!(review["parts"].as_array().map(Vec::len), Some(1));
        assert_eq!((&review["parts"][0]["part_name"], &review["parts"][0]["reason"]), (&json!("Steel_Bar"), &json!("no_match")));
        let first = &review["fixes"][0];
        assert_eq!((&first["material_id"], &first["rank"]), (&json!(STEEL), &json!(1)));
        let there = bench.admin.send(Method::POST, REVIEWS, &json!({"design_job_id": job["id"]})).await;
        assert_eq!((there.status, &there.json()["id"]), (200, &review["id"]));

        // Applied: the design is put on the product anew, by a job that reports to the same review.
        let applied = bench.act_on_fix(Method::POST, first, "apply", json!({})).await;
        assert_eq!(applied["rerender"]["task_ids"].as_array().map(Vec::len), Some(3), "{applied}");
        let again = bench.newest().await;
        assert_ne!(again["id"], job["id"]);
        assert_eq!((bench.n_magenta(&again).await, &again["design"]["asset_id"]), (0, &job["design"]["asset_id"]));
        let mut wanted = job["request"].clone();
        wanted["design_asset_id"] = job["design"]["asset_id"].clone();
        assert_eq!(again["request"], wanted);
        let resolved = bench.review(review).await;
        assert_eq!((&resolved["status"], &resolved["design_job_id"]), (&json!("resolved"), &job["id"]), "{resolved}");
        let fix = resolved["fixes"].as_array().expect("fixes").iter().find(|fix| fix["id"] == first["id"]).expect("it").clone();
        assert_eq!((&fix["status"], &fix["ai_outcome_proposal"]["outcome"]), (&json!("proposed"), &json!("success")));
        assert_eq!(bench.reviews().await.len(), 1, "no review of its own");
        let stream = bench.admin.get(&format!("{REVIEWS}/{}/events?after=0", id(review))).await.text();
        let states: Vec<&str> = ["queued", "running", "completed"].into_iter().filter(|state| stream.contains(&format!("\"state\":\"{state}\""))).collect();
        assert_eq!(states, ["queued", "running", "completed"], "{stream}");
        let note = bench.admin.post(&format!("{REVIEWS}/{}/resolution-note/preview", id(review))).await.json();
        assert!(note["markdown"].as_str().is_some_and(|text| text.contains(&format!("Design job: {}", id(&job)))), "{note}");

        // It did not work after all: the alias is taken back, and the part is magenta as before.
        bench.act_on_fix(Method::PATCH, &fix, "outcome", json!({"outcome": "applied_failed", "notes": "too dark"})).await;
        let undone = bench.newest().await;
        assert!(undone["id"] != again["id"] && bench.n_magenta(&undone).await > 0);
        let review = bench.review(review).await;
        assert_eq!((&review["status"], &review["parts"][0]["resolved"]), (&json!("open"), &json!(false)));

        // It goes with its job.
        let gone = bench.admin.request(Method::DELETE, &format!("{JOBS}/{}", id(&job)));
        assert_eq!(Reply::of(gone).await.status, 204);
        assert_eq!(bench.reviews().await, Vec::<Value>::new());
    }

    async fn f41_f43_f51_designs_and_lines_learn_from_each_other(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::of_tenant(&app, "alpha", Glb::mug(Some("Steel_Bar"))).await;
        let mut jobs = Vec::new();
        for _ in 0..2 {
            jobs.push(bench.ended(&id(&bench.start(&front()).await)).await);
        }
        let reviews = bench.reviews().await;
        assert_eq!(reviews.len(), 2, "one of each job");
        let of = |job: &Value| reviews.iter().find(|review| review["design_job_id"] == job["id"]).expect("its review").clone();
        bench.act_on_fix(Method::POST, &of(&jobs[0])["fixes"][0], "apply", json!({})).await;
        bench.newest().await;
        let learned = poll(async || bench.review(&of(&jobs[1])).await, |review| review["status"] == "resolved").await;
        assert_eq!(learned["parts"][0]["resolved_by"], of(&jobs[0])["fixes"][0]["id"]);
        assert!(learned["fixes"].as_array().expect("fixes").iter().all(|fix| fix["status"] == "dismissed"), "{learned}");

        // Without such parts there is nothing to review; nor of a job that is not there.
        let plain = bench.product_of("Plain mug", Glb::mug(None)).await;
        let mut request = front();
        request["product_id"] = json!(plain);
        let plain = bench.ended(&id(&bench.start(&request).await)).await;
        let nothing = bench.admin.send(Method::POST, REVIEWS, &json!({"design_job_id": plain["id"]})).await;
        assert_eq!(nothing.problem(), (409, "nothing_unmapped".to_owned()));
        let unknown = bench.admin.send(Method::POST, REVIEWS, &json!({"design_job_id": uuid::Uuid::now_v7()})).await;
        assert_eq!(unknown.problem(), (404, "render_job_not_found".to_owned()));
        let both = json!({"design_job_id": plain["id"], "render_id": plain["id"]});
        assert_eq!(bench.admin.send(Method::POST, REVIEWS, &both).await.status, 422);
        assert_eq!(bench.reviews().await.len(), 2);
    }
}
