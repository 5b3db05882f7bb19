//! F49, F55, F57, F58: what is proposed to whom.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::desk::{Desk, NBR, REVIEWS, STEEL, fixes, part};
use crate::app::{Reply, TestApp, id};
use crate::materials::ACME;
use packshot_domain::access::{Role, Scope};

const LIBRARIES: &str = "/api/v1/material-libraries";
const WITHIN_MS: i64 = 89 * 86_400_000;
const BEYOND_MS: i64 = 2 * 86_400_000;

async fn upload(desk: &Desk<'_>, text: &str) -> Value {
    let part = Part::bytes(text.as_bytes().to_vec()).file_name("library.toml");
    let reply =
        Reply::of(desk.admin.request(Method::POST, LIBRARIES).multipart(Form::new().part("library", part))).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

/// The materials that are proposed for a part of a line, by rank.
async fn proposed(desk: &Desk<'_>, line: &str, key: &str) -> Vec<String> {
    let review = desk.review_of(line).await;
    fixes(&review, key).iter().map(|fix| fix["material_id"].as_str().expect("an id").to_owned()).collect()
}

cases! {
    async fn f49_where_no_name_is_wrong_none_is_proposed(engine) {
        let app = TestApp::idle(&engine).await;
        let desk = Desk::open(&app).await;
        let (review, fixes) = desk.stored("invalid", "Steel_Bar", &[]).await;
        assert_eq!(fixes.len(), 0);
        let open = desk.admin.post(&format!("{REVIEWS}/{review}/refresh")).await.json();
        assert!(open["fixes"].as_array().is_some_and(|fixes| !fixes.is_empty()), "a wrong name gets proposals: {open}");
        let broken = super::desk::of_broken_library("Steel_Bar");
        let review = desk.stored_part("broken", broken).await;
        let shown = desk.admin.post(&format!("{REVIEWS}/{review}/refresh")).await.json();
        assert_eq!((&shown["parts"][0]["fixable"], &shown["parts"][0]["reason"], &shown["fixes"]), (&json!(false), &json!("library_invalid"), &json!([])));
    }

    async fn f55_the_tenants_own_choice(engine) {
        let app = TestApp::start(&engine).await;
        for (tenant, chose) in [("alpha", true), ("beta", false)] {
            let desk = Desk::of_tenant(&app, tenant).await;
            for pim_id in ["1", "2"].into_iter().filter(|_| chose) {
                let said = json!([{"part_name": "Dichtung_A", "material": "NBR"}]);
                desk.made("/api/v1/products", json!({"pim_id": pim_id, "name": "P", "cad_part_materials": said})).await;
            }
            let line = desk.line_of("new", &["Dichtung_B"]).await;
            let review = desk.review_of(&line).await;
            let first = fixes(&review, "dichtung b").first().map(|fix| (fix["material_id"].clone(), fix["signals"][0]["kind"].clone()));
            match chose {
                true => assert_eq!(first, Some((json!(NBR), json!("tenant_choice"))), "{review}"),
                false => assert_ne!(first.map(|(material, _)| material), Some(json!(NBR)), "{review}"),
            }
        }
    }

    async fn f57_published_libraries_suggest_and_show_nothing_else(engine) {
        let app = TestApp::start(&engine).await;
        let (alpha, beta) = (Desk::of_tenant(&app, "alpha").await, Desk::of_tenant(&app, "beta").await);
        // A material of a code of the built-in library, and one that only this library has.
        let own = ACME.replace("\"ACME\"", "\"BETALIB\"").replace("200101", "020301").replace("Signal-Red", "NBR-Black");
        let own = own.replace("[\"Rot\"]", "[\"Quetschring\"]\noverride = true");
        let library = upload(&beta, &own).await;
        let only = ACME.replace("\"ACME\"", "\"BETATWO\"").replace("\"Rot\"", "\"Zwickling\"");
        let other = upload(&beta, &only).await;
        let line = alpha.line_of("one", &["Quetschring_2", "Zwickling_2"]).await;
        assert_eq!(proposed(&alpha, &line, "quetschring 2").await, [""; 0], "nothing is published");
        let review = id(&alpha.review_of(&line).await);
        let refresh = format!("{REVIEWS}/{review}/refresh");
        let publish = async |library: &Value, public: bool| beta.admin.send(Method::PATCH, &format!("{LIBRARIES}/{}", id(library)), &json!({"public": public})).await;
        let (_, key) = app.tenant_key("gamma", Role::ProjectManager, &[Scope::Admin]).await;
        let manager = app.with_key(&key).send(Method::PATCH, &format!("{LIBRARIES}/{}", id(&library)), &json!({"public": true})).await;
        assert_eq!(manager.problem().0, 403);
        assert_eq!(publish(&library, true).await.status, 200);
        assert_eq!(publish(&other, true).await.status, 200);
        let shown = alpha.admin.post(&refresh).await;
        let fix = fixes(&shown.json(), "quetschring 2")[0].clone();
        assert_eq!((&fix["material_id"], &fix["signals"][0]["kind"]), (&json!(NBR), &json!("public_alias")), "{fix}");
        assert_eq!(proposed(&alpha, &line, "zwickling 2").await, [""; 0], "only beta has that material");
        assert_eq!(proposed(&alpha, &line, "quetschring 2").await, [NBR]);
        for secret in ["BETALIB", "BETATWO", &beta.tenant.to_string(), &id(&library)] {
            assert!(!shown.text().contains(secret), "{secret}: {}", shown.text());
        }
        // By name it is as if there were none.
        let mut request = crate::app::small();
        request["library"] = json!(["BETALIB"]);
        let sent = alpha.admin.request(Method::POST, "/api/v1/renders").multipart(crate::app::form(crate::glb::Glb::body(), Some(&request)));
        let refused = Reply::of(sent).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec!["/library/0".to_owned()]), "{}", refused.text());
        assert_eq!(alpha.admin.get(&format!("{LIBRARIES}/{}", id(&library))).await.problem().0, 404);
        assert_eq!(publish(&library, false).await.status, 200);
        alpha.admin.post(&refresh).await;
        assert_eq!(proposed(&alpha, &line, "quetschring 2").await, [""; 0]);
    }

    async fn f58_what_was_dismissed_stays_away(engine) {
        let app = TestApp::start(&engine).await;
        let desk = Desk::open(&app).await;
        let line = desk.line_of("one", &["Steel_Bar"]).await;
        let review = desk.review_of(&line).await;
        let first = fixes(&review, "steel bar")[0].clone();
        assert_eq!(first["material_id"], STEEL);
        assert_eq!(desk.say(&first, json!({"outcome": "dismissed"})).await.status, 200);
        let path = format!("{REVIEWS}/{}/refresh", id(&review));
        let open = async || {
            let review = desk.admin.post(&path).await.json();
            fixes(&review, "steel bar").into_iter().filter(|fix| fix["status"] == "proposed").map(|fix| fix["material_id"].clone()).collect::<Vec<_>>()
        };
        assert!(!open().await.contains(&json!(STEEL)));
        app.db.move_clock(WITHIN_MS);
        let other = desk.line_of("two", &["STEEL-BAR"]).await;
        assert!(!proposed(&desk, &other, "steel bar").await.contains(&STEEL.to_owned()), "for any line of the tenant");
        app.db.move_clock(BEYOND_MS);
        let third = desk.line_of("three", &["Steel Bar"]).await;
        assert_eq!(proposed(&desk, &third, "steel bar").await[0], STEEL, "after 90 days it may be right again");
        assert_eq!(part(&desk.review_of(&third).await, "steel bar")["resolved"], false);
    }
}
