//! Reviews of materials that are refused, or not there.

use reqwest::Method;
use reqwest::multipart::{Form, Part as Bytes};
use serde_json::{Value, json};

use super::{ID, Service, refused};
use crate::Text;
use crate::product::{self, Part};

const REVIEWS: &str = "/api/v1/material-reviews";
/// A part whose name is all but that of a material, and one with a material.
const BAR: Part = Part { name: "Steel_Bar", at: [0.0, 0.0, 0.0], material: None };
const PIN: Part = Part { name: "Pin_01", at: [0.0, 0.0, 0.0], material: None };

/// What the service says of them.
pub(super) async fn refused_ones(service: &Service, texts: &mut Vec<Text>) {
    texts.extend(refused(service.get(&format!("{REVIEWS}/{ID}"))).await);
    let of_render = async |part: Part, parts: Value| {
        let request = json!({"width": 16, "height": 16, "samples": 1, "materials": {"parts": parts}}).to_string();
        let glb = Bytes::bytes(product::glb(&[part])).file_name("part.glb");
        let form = Form::new().part("glb", glb).text("request", request);
        let render = service.request(Method::POST, "/api/v1/renders").multipart(form).send().await.expect("an answer");
        let render: Value = render.json().await.expect("a job");
        service.wait(&render, |job| job["state"] == "completed").await;
        service.request(Method::POST, REVIEWS).json(&json!({"render_id": render["id"]}))
    };
    let brass = json!([{"part_name": "Pin_01", "material": "STD_010501_Brass-CuZn30"}]);
    texts.extend(refused(of_render(PIN, brass).await).await);
    let review = of_render(BAR, json!([])).await.send().await.expect("an answer");
    let review: Value = review.json().await.expect("a review");
    let fixes = format!("{REVIEWS}/{}/suggested-fixes", review["id"].as_str().expect("an id"));
    texts.extend(refused(service.get(&format!("{fixes}/{ID}"))).await);
    let fix = format!("{fixes}/{}", review["fixes"][0]["id"].as_str().expect("something is proposed"));
    let say =
        |outcome: &str| service.request(Method::PATCH, &format!("{fix}/outcome")).json(&json!({"outcome": outcome}));
    texts.extend(refused(say("applied_partial")).await);
    assert_eq!(say("dismissed").send().await.expect("an answer").status(), 200);
    texts.extend(refused(say("applied_success")).await);
    texts.extend(refused(service.request(Method::POST, &format!("{fix}/apply"))).await);
}
