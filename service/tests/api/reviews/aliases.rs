//! F62: aliases written by hand, as far as parts are rendered with them.

use reqwest::Method;
use serde_json::json;

use super::desk::{Desk, STEEL};
use crate::app::{Reply, TestApp, id};
use crate::glb::Glb;

const ALIASES: &str = "/api/v1/material-aliases";

cases! {
    async fn f62_aliases_by_hand(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let word = json!({"alias": "Stahl XY", "scope": "material", "material_id": STEEL});
        let made = desk.made(ALIASES, word.clone()).await;
        assert_eq!((&made["source"], &made["fix_id"]), (&json!("manual"), &json!(null)));
        assert_eq!(desk.admin.send(Method::POST, ALIASES, &word).await.problem(), (409, "alias_conflict".to_owned()));
        let unknown = desk.admin.send(Method::POST, ALIASES, &json!({"alias": "A", "material_id": "NO_000001_Such"})).await;
        assert_eq!(unknown.problem(), (422, "unknown_material".to_owned()));
        // It resolves the word, and no part that is called so.
        let materials = json!([{"part_name": "Deckel", "material": "Stahl XY"}]);
        let product = desk.product("word", Glb::parts(&["Deckel", "Stahl XY"]).bytes(), materials).await;
        let line = desk.rendered(&desk.order(&[&product]).await).await.remove(0);
        let review = desk.review_of(&line).await;
        let names: Vec<&serde_json::Value> = review["parts"].as_array().expect("parts").iter().map(|part| &part["part_name"]).collect();
        assert_eq!(names, ["Stahl XY"]);
        let gone = Reply::of(desk.admin.request(Method::DELETE, &format!("{ALIASES}/{}", id(&made)))).await;
        assert_eq!((gone.status, &gone.json()["status"]), (200, &json!("withdrawn")));
        assert_eq!(desk.admin.get(ALIASES).await.json()["items"], json!([]));
        assert_eq!(desk.admin.get(&format!("{ALIASES}?status=withdrawn")).await.json()["items"][0]["id"], made["id"]);
        desk.made(ALIASES, word).await;
    }
}
