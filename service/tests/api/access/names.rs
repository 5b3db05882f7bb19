//! T50: a name that is unique in a tenant is free in another one.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::tenants::{Tenants, cad_file};
use crate::app::{Guest, Reply, id};
use crate::materials::ACME;

/// Operations that make something whose name must be free in its tenant.
const MAKERS: &[&str] = &[
    "create_user",
    "create_library",
    "create_product",
    "create_output_type",
    "create_render_template",
    "create_order",
    "create_design_area",
    "create_design_preset",
];

async fn user(guest: &Guest<'_>) -> (u16, String) {
    let reply = guest.send(Method::POST, "/api/v1/users", &json!({"email": "same@test", "display_name": "Same"})).await;
    outcome(&reply)
}

/// A library whose content is one tenant's own, with the name and the version of the other's.
async fn library(guest: &Guest<'_>, red: &str) -> (u16, String) {
    let text = ACME.replace("\"1.0.0\"", "\"2.0.0\"").replace("[0.8,", &format!("[{red},"));
    let part = Part::bytes(text.into_bytes()).file_name("library.toml");
    let request =
        guest.request(Method::POST, "/api/v1/material-libraries").multipart(Form::new().part("library", part));
    outcome(&Reply::of(request).await)
}

fn outcome(reply: &Reply) -> (u16, String) {
    if reply.status == 201 { (201, String::new()) } else { reply.problem() }
}

cases! {
    async fn t50_names_are_free_in_another_tenant(engine) {
        let tenants = Tenants::of_people(&engine).await;
        for operation in tenants.guarded().into_iter().filter(|operation| operation.method == Method::POST && operation.tenancy == "tenant") {
            let is_unique = operation.codes.iter().any(|code| code.ends_with("_exists"));
            assert_eq!(is_unique, MAKERS.contains(&operation.name.as_str()), "{operation}: try it here in both tenants");
        }
        let alpha = tenants.app.with_key(&tenants.alpha.boss.token);
        let beta = tenants.app.with_key(&tenants.beta.boss.token);
        let (made, taken) = ((201, String::new()), |code: &str| (409, code.to_owned()));
        assert_eq!((user(&alpha).await, user(&beta).await), (made.clone(), made.clone()));
        assert_eq!((user(&alpha).await, user(&beta).await), (taken("email_exists"), taken("email_exists")));
        assert_eq!((library(&alpha, "0.7").await, library(&beta, "0.6").await), (made.clone(), made));
        assert_eq!(library(&alpha, "0.5").await, taken("library_version_exists"));
        for (path, body, code) in [
            ("/api/v1/products", json!({"pim_id": "same", "name": "Same"}), "pim_id_exists"),
            ("/api/v1/output-types", json!({"name": "Same"}), "output_type_exists"),
            ("/api/v1/render-templates", json!({"name": "Same"}), "template_exists"),
            ("/api/orders", json!({"order_number": "same"}), "order_number_exists"),
            ("/api/v1/design-presets", json!({"name": "Same", "placement": {}}), "preset_exists"),
        ] {
            let make = async |guest: &Guest<'_>| outcome(&guest.send(Method::POST, path, &body).await);
            let free = (201, String::new());
            assert_eq!((make(&alpha).await, make(&beta).await), (free.clone(), free), "{path}");
            assert_eq!(make(&alpha).await, taken(code), "{path}");
        }
        for guest in [&alpha, &beta] {
            let product = json!({"pim_id": "mug", "name": "Mug", "cad_file_id": cad_file(guest, "Wall").await});
            let product = id(&guest.send(Method::POST, "/api/v1/products", &product).await.json());
            let areas = format!("/api/v1/products/{product}/design-areas");
            let area = json!({"name": "Same", "selector": {"part": "Wall"}});
            assert_eq!(outcome(&guest.send(Method::POST, &areas, &area).await), (201, String::new()));
            assert_eq!(outcome(&guest.send(Method::POST, &areas, &area).await), taken("area_name_exists"));
            let key = json!({"name": "same", "scopes": ["renders:read"]});
            assert_eq!(guest.send(Method::POST, "/api/v1/api-keys", &key).await.status, 201);
        }
    }
}
