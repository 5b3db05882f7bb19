//! O02, O16, O17, O24, O50, O56, O63: products, output types and render templates.

use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, id};
use crate::glb::Glb;
use crate::materials::ACME;

const PRODUCTS: &str = "/api/v1/products";
const OUTPUT_TYPES: &str = "/api/v1/output-types";
const TEMPLATES: &str = "/api/v1/render-templates";
/// An id that nothing has.
const MISSING: &str = "0193b2a0-0000-7000-8000-000000000000";

async fn post(guest: &Guest<'_>, path: &str, body: &Value) -> Reply {
    guest.send(Method::POST, path, body).await
}

async fn made(guest: &Guest<'_>, path: &str, body: Value) -> Value {
    let reply = post(guest, path, &body).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let made = reply.json();
    assert_eq!(reply.header("location"), Some(format!("{path}/{}", id(&made)).as_str()));
    made
}

async fn patch(guest: &Guest<'_>, path: &str, thing: &Value, body: Value) -> Reply {
    guest.send(Method::PATCH, &format!("{path}/{}", id(thing)), &body).await
}

async fn delete(guest: &Guest<'_>, path: &str, thing: &Value) -> Reply {
    Reply::of(guest.request(Method::DELETE, &format!("{path}/{}", id(thing)))).await
}

async fn cad_file(guest: &Guest<'_>, parts: &[&str]) -> String {
    let file = Part::bytes(Glb::parts(parts).bytes()).file_name("part.glb");
    let uploaded = guest.request(Method::POST, "/api/v1/cad-files").multipart(Form::new().part("file", file));
    let uploaded = Reply::of(uploaded).await;
    assert_eq!(uploaded.status, 201, "{}", uploaded.text());
    id(&uploaded.json())
}

/// The items of a list, by a member.
async fn listed(guest: &Guest<'_>, path: &str, member: &str) -> Vec<String> {
    let page = guest.get(path).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let items = page.json()["items"].as_array().expect("a list").clone();
    items.iter().map(|item| item[member].as_str().expect("text").to_owned()).collect()
}

cases! {
    async fn o02_products_are_made_changed_and_deleted(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &[Scope::CatalogWrite]).await;
        let guest = app.with_key(&key);
        let steel = json!([{"part_name": "Body", "material": "Steel"}]);
        let product = made(&guest, PRODUCTS, json!({"pim_id": "6204", "name": "Lager 6204", "cad_part_materials": steel})).await;
        assert_eq!((&product["cad_part_materials"], &product["cad_part_sources"]), (&steel, &json!({})));
        for member in ["category_key", "lagertyp", "cad_file_id", "thumbnail_asset_id"] {
            assert_eq!(product[member], json!(null), "{member}");
        }
        assert_eq!(guest.get(&format!("{PRODUCTS}/{}", id(&product))).await.json(), product);
        let again = post(&guest, PRODUCTS, &json!({"pim_id": "6204", "name": "Another"})).await;
        assert_eq!((again.problem(), again.pointers()), ((409, "pim_id_exists".to_owned()), vec!["/pim_id".to_owned()]));
        let (_, beta) = app.tenant_key("beta", Role::ProjectManager, &[Scope::CatalogWrite]).await;
        made(&app.with_key(&beta), PRODUCTS, json!({"pim_id": "6204", "name": "Lager"})).await;

        let changed = patch(&guest, PRODUCTS, &product, json!({"category_key": "ball", "name": "Rillenkugellager"})).await;
        assert_eq!((changed.status, &changed.json()["category_key"]), (200, &json!("ball")), "{}", changed.text());
        assert_eq!(changed.json()["cad_part_materials"], steel, "what is absent stays");
        let cleared = patch(&guest, PRODUCTS, &product, json!({"category_key": null, "cad_part_materials": null})).await.json();
        assert_eq!((&cleared["category_key"], &cleared["cad_part_materials"]), (&json!(null), &json!([])));
        let other = made(&guest, PRODUCTS, json!({"pim_id": "6205", "name": "Lager 6205"})).await;
        assert_eq!(patch(&guest, PRODUCTS, &other, json!({"pim_id": "6204"})).await.problem(), (409, "pim_id_exists".to_owned()));
        let no_file = patch(&guest, PRODUCTS, &other, json!({"cad_file_id": MISSING})).await;
        assert_eq!((no_file.problem(), no_file.pointers()), ((422, "validation_failed".to_owned()), vec!["/cad_file_id".to_owned()]));
        assert_eq!(delete(&guest, PRODUCTS, &other).await.status, 204);
        assert_eq!(delete(&guest, PRODUCTS, &other).await.problem(), (404, "product_not_found".to_owned()));
        assert_eq!(listed(&guest, PRODUCTS, "pim_id").await, ["6204"]);
    }

    async fn o16_products_are_found_by_what_is_said_of_them(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let file = cad_file(&guest, &["Body"]).await;
        for (pim_id, name, category, lagertyp) in [
            ("A-1", "Größe 100%", "ball", "Rillenkugellager"),
            ("A_2", "Rolle", "roller", "Kegelrollenlager"),
            ("B-3", "GRÖSSE 1000", "roller", "Rillenkugellager"),
        ] {
            made(&guest, PRODUCTS, json!({"pim_id": pim_id, "name": name, "category_key": category, "lagertyp": lagertyp})).await;
        }
        made(&guest, PRODUCTS, json!({"pim_id": "C-4", "name": "Gehäuse", "cad_file_id": file})).await;
        for (query, found) in [
            ("q=a_", &["A_2"][..]),
            ("q=100%25", &["A-1"]),
            ("q=GR%C3%96", &["B-3", "A-1"]),
            ("q=nothing", &[]),
            ("q=", &["C-4", "B-3", "A_2", "A-1"]),
            ("pim_id=A_2", &["A_2"]),
            ("category_key=roller", &["B-3", "A_2"]),
            ("lagertyp=Rillenkugellager&category_key=ball", &["A-1"]),
            (&format!("cad_file_id={file}"), &["C-4"]),
        ] {
            assert_eq!(listed(&guest, &format!("{PRODUCTS}?{query}"), "pim_id").await, found, "{query}");
        }
        assert_eq!(guest.get(&format!("{PRODUCTS}?cad_file_id=x")).await.pointers(), ["?cad_file_id"]);
    }

    async fn o24_parts_get_the_material_that_their_names_lead_to(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let library = Form::new().part("library", Part::bytes(ACME.as_bytes().to_vec()).file_name("library.toml"));
        assert_eq!(Reply::of(guest.request(Method::POST, "/api/v1/material-libraries").multipart(library)).await.status, 201);
        let config = guest.send(Method::PATCH, "/api/v1/tenant/config", &json!({"material_library": "ACME"})).await;
        assert_eq!(config.status, 200, "{}", config.text());
        let materials = guest.get("/api/v1/materials?library=ACME").await.json();
        let material = materials["items"].as_array().expect("a list").iter().find(|item| item["name"] == "Signal-Red").expect("it is in ACME").clone();
        let (material_id, name) = (material["id"].as_str().expect("text"), material["name"].as_str().expect("text"));
        let file = cad_file(&guest, &[name, "signal red", "Unknown_Part", "Body"]).await;
        let brass = json!({"part_name": "Body", "material": "Brass"});
        let new = json!({"pim_id": "1", "name": "P", "cad_file_id": file, "cad_part_materials": [brass]});
        let product = made(&guest, PRODUCTS, new).await;
        let entry = |part: &str| json!({"part_name": part, "material": material_id});
        assert_eq!(product["cad_part_materials"], json!([brass, entry(name), entry("signal red")]), "the unknown part is unlisted");
        let source = |method: &str| json!({"method": method, "alias_id": null});
        assert_eq!(product["cad_part_sources"], json!({name: source("exact"), "signal red": source("normalized")}));
        // What is sent again as it is keeps its source; what a person changes is theirs.
        let sent = json!({"cad_part_materials": [entry(name), {"part_name": "signal red", "material": "Brass"}]});
        let changed = patch(&guest, PRODUCTS, &product, sent).await.json();
        assert_eq!(changed["cad_part_sources"], json!({name: source("exact")}));
        // With another file, what was found in the old one goes and what a person said stays.
        let other = cad_file(&guest, &["Signal_Red"]).await;
        let changed = patch(&guest, PRODUCTS, &product, json!({"cad_file_id": other})).await.json();
        let expected = json!([{"part_name": "signal red", "material": "Brass"}, entry("Signal_Red")]);
        assert_eq!(changed["cad_part_materials"], expected);
        let without = patch(&guest, PRODUCTS, &product, json!({"cad_file_id": null})).await.json();
        assert_eq!((&without["cad_file_id"], &without["cad_part_sources"]), (&json!(null), &json!({})));
    }

    async fn o50_what_is_in_use_is_not_deleted(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let file = cad_file(&guest, &["Body"]).await;
        let product = made(&guest, PRODUCTS, json!({"pim_id": "1", "name": "P", "cad_file_id": file})).await;
        let file = json!({"id": file});
        assert_eq!(delete(&guest, "/api/v1/cad-files", &file).await.problem(), (409, "cad_file_in_use".to_owned()));
        assert_eq!(delete(&guest, PRODUCTS, &product).await.status, 204);
        assert_eq!(delete(&guest, "/api/v1/cad-files", &file).await.status, 204);
        let output_type = made(&guest, OUTPUT_TYPES, json!({"name": "Front"})).await;
        let template = made(&guest, TEMPLATES, json!({"name": "T", "output_type_id": id(&output_type)})).await;
        assert_eq!(delete(&guest, OUTPUT_TYPES, &output_type).await.problem(), (409, "output_type_in_use".to_owned()));
        assert_eq!(delete(&guest, TEMPLATES, &template).await.status, 204);
        assert_eq!(delete(&guest, OUTPUT_TYPES, &output_type).await.status, 204);
    }

    async fn o17_t66_engines_of_output_types_and_templates(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let of_engine = |name: &str, member: &str| json!({"name": name, member: {"engine": name}});
        for (path, member) in [(OUTPUT_TYPES, "render_settings"), (TEMPLATES, "settings")] {
            let refused = post(&guest, path, &of_engine("eevee", member)).await;
            let at = vec![format!("/{member}/engine")];
            assert_eq!((refused.problem(), refused.pointers()), ((422, "engine_not_allowed".to_owned()), at.clone()));
            for name in ["cycles", "path_tracer"] {
                assert_eq!(made(&guest, path, of_engine(name, member)).await[member], json!({"engine": "path_tracer"}));
            }
            let config = json!({"render_engines_allowed": ["cycles", "eevee"]});
            assert_eq!(guest.send(Method::PATCH, "/api/v1/tenant/config", &config).await.status, 200);
            let refused = post(&guest, path, &of_engine("eevee", member)).await;
            assert_eq!((refused.problem(), refused.pointers()), ((422, "validation_failed".to_owned()), at));
            let config = json!({"render_engines_allowed": null});
            assert_eq!(guest.send(Method::PATCH, "/api/v1/tenant/config", &config).await.status, 200);
        }
    }

    async fn output_types_are_made_changed_and_deleted(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let plain = made(&guest, OUTPUT_TYPES, json!({"name": "Front"})).await;
        let gate = json!({"metric": "mean_pixel_delta", "pass_max": 0.000_001, "warn_max": 0.02});
        for (member, value) in [
            ("kind", json!("still")),
            ("render_backend", json!("auto")),
            ("render_settings", json!({})),
            ("workflow_definition_id", json!(null)),
            ("legacy_executor", json!(null)),
            ("rollout_gate", gate),
            ("max_unmapped", json!(null)),
        ] {
            assert_eq!(plain[member], value, "{member}");
        }
        assert_eq!(post(&guest, OUTPUT_TYPES, &json!({"name": "Front"})).await.problem(), (409, "output_type_exists".to_owned()));
        let settings = json!({"width": 640, "height": 480, "format": "webp"});
        let changed = patch(&guest, OUTPUT_TYPES, &plain, json!({"render_settings": settings, "max_unmapped": 0})).await;
        assert_eq!(changed.json()["render_settings"], json!({"width": 640, "height": 480, "formats": ["webp"]}), "{}", changed.text());
        for (body, code, pointer) in [
            (json!({"rollout_gate": {"pass_max": 0.5}}), "invalid_rollout_gate", "/rollout_gate"),
            (json!({"render_settings": {"fill": 0.5, "margin_px": 4}}), "conflicting_members", "/render_settings/margin_px"),
            (json!({"render_settings": {"library": ["ACME"]}}), "validation_failed", "/render_settings/library"),
            (json!({"legacy_executor": "blender"}), "validation_failed", "/legacy_executor"),
            (json!({"workflow_definition_id": MISSING}), "validation_failed", "/workflow_definition_id"),
            (json!({"render_backend": "external"}), "feature_disabled", ""),
        ] {
            let refused = patch(&guest, OUTPUT_TYPES, &plain, body.clone()).await;
            let status = if code == "feature_disabled" { 403 } else { 422 };
            assert_eq!(refused.problem(), (status, code.to_owned()), "{body}: {}", refused.text());
            assert!(pointer.is_empty() || refused.pointers().iter().any(|at| at == pointer), "{body}: {}", refused.text());
        }
        let audit = guest.get("/api/v1/audit-log?action=output_type.changed").await.json();
        let change = &audit["items"][0]["detail"];
        assert_eq!((&change["before"]["max_unmapped"], &change["after"]["max_unmapped"]), (&json!(null), &json!(0)));
        assert_eq!(change["after"].get("kind"), None, "what stays is not in it");
        assert_eq!(listed(&guest, OUTPUT_TYPES, "name").await, ["Front"]);
    }

    async fn external_renderers_make_stills_where_one_is_configured(engine) {
        // The operating tenant may name external renderers; none is configured.
        let app = TestApp::idle(&engine).await;
        let own = Reply::of(app.request(Method::POST, OUTPUT_TYPES).json(&json!({"name": "Own"}))).await;
        assert_eq!(own.status, 201, "{}", own.text());
        let own = own.json();
        for (kind, code) in [("still", "executor_not_configured"), ("turntable", "executor_stills_only")] {
            let external = json!({"kind": kind, "render_backend": "external"});
            let refused = Reply::of(app.request(Method::PATCH, &format!("{OUTPUT_TYPES}/{}", id(&own))).json(&external)).await;
            assert_eq!((refused.problem(), refused.pointers()), ((422, code.to_owned()), vec!["/render_backend".to_owned()]));
        }
    }

    async fn o56_templates_are_made_changed_and_deleted(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let output_type = made(&guest, OUTPUT_TYPES, json!({"name": "Turn", "kind": "turntable"})).await;
        let materials = json!([{"part_name": "Body", "material": "Brass"}]);
        let new = json!({
            "name": "Ball bearings", "output_type_id": id(&output_type), "category_key": "ball", "settings": {"fps": 25},
            "use_materials": true, "materials": materials, "library": "STD",
        });
        let template = made(&guest, TEMPLATES, new.clone()).await;
        for (member, value) in new.as_object().expect("an object") {
            assert_eq!(&template[member], value, "{member}");
        }
        assert_eq!((&template["is_active"], guest.get(&format!("{TEMPLATES}/{}", id(&template))).await.json()), (&json!(true), template.clone()));
        let changed = patch(&guest, TEMPLATES, &template, json!({"is_active": false, "category_key": null})).await.json();
        assert_eq!((&changed["is_active"], &changed["category_key"], &changed["materials"]), (&json!(false), &json!(null), &materials));
        for (body, pointer) in [
            (json!({"output_type_id": MISSING}), "/output_type_id"),
            (json!({"library": "ATLAX"}), "/library"),
            (json!({"settings": {"fps": 1000}}), "/settings/fps"),
            (json!({"settings": {"materials": {}}}), "/settings/materials"),
            (json!({"materials": [{"part_name": "A"}]}), "/materials/0/material"),
        ] {
            let refused = patch(&guest, TEMPLATES, &template, body.clone()).await;
            assert_eq!((refused.problem(), refused.pointers()), ((422, "validation_failed".to_owned()), vec![pointer.to_owned()]), "{body}");
        }
        assert_eq!(post(&guest, TEMPLATES, &json!({"name": "Ball bearings"})).await.problem(), (409, "template_exists".to_owned()));
        assert_eq!(listed(&guest, TEMPLATES, "name").await, ["Ball bearings"]);
        assert_eq!(delete(&guest, TEMPLATES, &template).await.status, 204);
        assert_eq!(delete(&guest, TEMPLATES, &template).await.problem(), (404, "template_not_found".to_owned()));
    }

    async fn o56_o63_rights_in_the_catalogue(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, client) = app.tenant_key("alpha", Role::Client, &[Scope::Admin]).await;
        let (_, manager) = app.tenant_key("beta", Role::ProjectManager, &[Scope::Admin]).await;
        for (path, manager_writes) in [(PRODUCTS, 201), (OUTPUT_TYPES, 403), (TEMPLATES, 403)] {
            let body = if path == PRODUCTS { json!({"pim_id": "1", "name": "P"}) } else { json!({"name": "N"}) };
            assert_eq!(app.with_key(&client).get(path).await.status, 200, "{path}");
            assert_eq!(post(&app.with_key(&client), path, &body).await.problem(), (403, "forbidden".to_owned()), "{path}");
            assert_eq!(post(&app.with_key(&manager), path, &body).await.status, manager_writes, "{path}");
        }
    }
}
