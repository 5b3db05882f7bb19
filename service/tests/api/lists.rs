//! C15, C16, R39: lists in pages.

use std::collections::HashSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;

use crate::app::{Reply, TestApp, id, small};

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().expect("a list").iter().map(id).collect()
}

cases! {
    async fn c15_pages_stay_right_while_rows_come(engine) {
        let app = TestApp::idle(&engine).await;
        let first = app.submit(&small()).await;
        let mut request = small();
        request["asset"] = first["request"]["asset"].clone();
        let post = async || Reply::of(app.request(Method::POST, "/api/v1/renders").json(&request)).await.json();
        let mut made = join_all((1..120).map(|_| post())).await;
        made.push(first);
        // Newest first; within one millisecond, the greater id first.
        let age = |job: &Value| (job["created_at"].as_str().expect("a time").to_owned(), id(job));
        made.sort_unstable_by_key(|job| std::cmp::Reverse(age(job)));
        let made: Vec<String> = made.iter().map(id).collect();
        let (mut seen, mut cursor, mut sizes) = (Vec::new(), String::new(), Vec::new());
        loop {
            let page = app.get(&format!("/api/v1/renders?limit=50{cursor}")).await.json();
            sizes.push(ids(&page).len());
            seen.extend(ids(&page));
            // A job that is added between two pages neither repeats nor hides others.
            app.submit(&small()).await;
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!((seen, sizes), (made, vec![50, 50, 20]));
    }

    async fn c15_a_page_may_end_at_a_row_that_goes(engine) {
        let app = TestApp::idle(&engine).await;
        for _ in 0..4 {
            app.submit(&small()).await;
        }
        let page = app.get("/api/v1/renders?limit=2").await.json();
        let last = ids(&page).pop().expect("two");
        app.post(&format!("/api/v1/renders/{last}/cancel")).await;
        assert_eq!(app.delete(&format!("/api/v1/renders/{last}")).await.status, 204);
        let cursor = page["next_cursor"].as_str().expect("more");
        let rest = app.get(&format!("/api/v1/renders?cursor={cursor}")).await.json();
        assert_eq!((ids(&rest).len(), &rest["next_cursor"]), (2, &Value::Null));
    }

    async fn c16_limits_of_pages(engine) {
        let app = TestApp::idle(&engine).await;
        for list in ["renders", "tasks", "materials", "material-libraries"] {
            for (query, code, pointer) in [
                ("limit=0", "validation_failed", "?limit"),
                ("limit=201", "validation_failed", "?limit"),
                ("limit=x", "validation_failed", "?limit"),
                ("cursor=garbage", "invalid_cursor", "?cursor"),
            ] {
                let reply = app.get(&format!("/api/v1/{list}?{query}")).await;
                assert_eq!(reply.problem(), (422, code.to_owned()), "{list} {query}");
                assert_eq!(reply.pointers(), [pointer], "{list} {query}");
            }
            assert_eq!(app.get(&format!("/api/v1/{list}?limit=200")).await.status, 200);
        }
        assert_eq!(app.get("/api/v1/renders?state=paused").await.pointers(), ["?state"]);
    }

    async fn r39_jobs_by_state(engine) {
        let app = TestApp::idle(&engine).await;
        let cancelled: HashSet<String> = [id(&app.submit(&small()).await)].into();
        for id in &cancelled {
            app.post(&format!("/api/v1/renders/{id}/cancel")).await;
        }
        let queued = id(&app.submit(&small()).await);
        let of = async |state: &str| ids(&app.get(&format!("/api/v1/renders?state={state}")).await.json());
        assert_eq!(of("cancelled").await.into_iter().collect::<HashSet<_>>(), cancelled);
        assert_eq!(of("queued").await, [queued]);
        assert!(of("failed").await.is_empty());
    }

    async fn r39_documents_of_failed_jobs(engine) {
        let app = TestApp::start(&engine).await;
        app.render(&small()).await;
        let failed = id(&app.render_of(b"no GLB".to_vec(), &small()).await);
        let page = app.get("/api/v1/renders?state=failed").await.json();
        assert_eq!((ids(&page), &page["items"][0]["document"]["state"]), (vec![failed], &Value::from("failed")));
    }
}
