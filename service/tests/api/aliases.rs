//! R85, R92, O24, O67: the tenant's own names for materials, in renders, lines of orders and products.

use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, form, id, pixels, poll, small};
use crate::glb::Glb;
use crate::materials::ACME;

const ALIASES: &str = "/api/v1/material-aliases";
const PRODUCTS: &str = "/api/v1/products";
const STEEL: &str = "STD_010101_Steel-Bare";
const BRASS: &str = "STD_010501_Brass-CuZn30";

async fn post(guest: &Guest<'_>, path: &str, body: Value) -> Reply {
    guest.send(Method::POST, path, &body).await
}

async fn made(guest: &Guest<'_>, path: &str, body: Value) -> Value {
    let reply = post(guest, path, body).await;
    assert!([200, 201].contains(&reply.status), "{path}: {}", reply.text());
    reply.json()
}

async fn alias(guest: &Guest<'_>, name: &str, scope: &str, material: &str) -> Value {
    made(guest, ALIASES, json!({"alias": name, "scope": scope, "material_id": material})).await
}

async fn withdraw(guest: &Guest<'_>, alias: &Value) -> Reply {
    Reply::of(guest.request(Method::DELETE, &format!("{ALIASES}/{}", id(alias)))).await
}

async fn upload(guest: &Guest<'_>, path: &str, member: &'static str, bytes: Vec<u8>) -> Value {
    let part = Part::bytes(bytes).file_name("part.glb");
    let reply = Reply::of(guest.request(Method::POST, path).multipart(Form::new().part(member, part))).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

/// A library with one material that has an alias.
fn library(name: &str, code: &str, alias: &str) -> Vec<u8> {
    let text = ACME.replace("\"ACME\"", &format!("{name:?}")).replace("200101", code);
    text.replace("Signal-Red", &format!("Of-{name}")).replace("\"Rot\"", &format!("{alias:?}")).into_bytes()
}

/// The picture of a part in force of an empty map, as a job that has ended.
async fn rendered(guest: &Guest<'_>, part: &str, more: &Value) -> Value {
    let mut request = small();
    request["materials"] = json!({"parts": []});
    request.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
    let sent = guest.request(Method::POST, "/api/v1/renders");
    let job = Reply::of(sent.multipart(form(Glb::parts(&[part]).bytes(), Some(&request)))).await.json();
    guest.job_when(&id(&job), |job| job["state"] == "completed").await
}

/// Method and material of a part, and the diagnostics about it, as preflight says them.
async fn checked(guest: &Guest<'_>, part: &str, more: &Value) -> (String, String, Vec<String>) {
    let mut request = json!({"materials": {"parts": []}});
    request.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
    let sent = guest.request(Method::POST, "/api/v1/preflight");
    let report = Reply::of(sent.multipart(form(Glb::parts(&[part]).bytes(), Some(&request)))).await.json();
    let item = &report["materials"]["items"][0];
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text: {report}")).to_owned();
    let about = report["diagnostics"].as_array().expect("a list").iter().filter(|found| found["at"] == item["path"]);
    (text(&item["method"]), text(&item["material"]), about.map(|found| text(&found["code"])).collect())
}

/// The first picture of a job.
async fn picture(guest: &Guest<'_>, job: &Value) -> Vec<[u8; 4]> {
    let path = format!("/api/v1/renders/{}/result.png", id(job));
    let png = guest.request(Method::GET, &path).send().await.expect("an answer").bytes().await.expect("bytes");
    pixels(&png)
}

/// Hue 290° to 325° and a saturation of at least 0.25.
fn is_magenta([r, g, b, a]: [u8; 4]) -> bool {
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    let range = f64::from(max - min);
    if a == 0 || range < 0.25 * f64::from(max) || max == 0 {
        return false;
    }
    let hue = match max {
        _ if max == r => 60.0 * (f64::from(g) - f64::from(b)) / range,
        _ if max == g => 60.0 * (f64::from(b) - f64::from(r)) / range + 120.0,
        _ => 60.0 * (f64::from(r) - f64::from(g)) / range + 240.0,
    };
    (290.0..=325.0).contains(&hue.rem_euclid(360.0))
}

async fn listed(guest: &Guest<'_>, query: &str) -> Vec<String> {
    let page = guest.get(&format!("{ALIASES}{query}")).await;
    assert_eq!(page.status, 200, "{query}: {}", page.text());
    let items = page.json()["items"].as_array().expect("a list").clone();
    items.iter().map(|item| item["alias"].as_str().expect("a name").to_owned()).collect()
}

cases! {
    /// F62, as far as it is about aliases.
    async fn aliases_are_written_listed_and_taken_back(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &[Scope::CatalogWrite]).await;
        let guest = app.with_key(&key);
        let reply = post(&guest, ALIASES, json!({"alias": "Welle_1", "material_id": STEEL})).await;
        let welle = reply.json();
        assert_eq!(reply.status, 201, "{welle}");
        assert_eq!(reply.header("location"), Some(format!("{ALIASES}/{}", id(&welle)).as_str()));
        for (member, value) in [("alias", "Welle_1"), ("key", "welle 1"), ("scope", "part"), ("material_id", STEEL), ("source", "manual"), ("status", "active")] {
            assert_eq!(welle[member], value, "{member}");
        }
        assert_eq!((&welle["fix_id"], &welle["withdrawn_at"]), (&json!(null), &json!(null)));
        assert_eq!(guest.get(&format!("{ALIASES}/{}", id(&welle))).await.json(), welle);
        let stahl = alias(&guest, "Stahl XY", "material", BRASS).await;
        // A key is taken in its scope alone, whatever the material; in another tenant it is free.
        alias(&guest, "Stahl XY", "part", STEEL).await;
        for body in [json!({"alias": "WELLE 1", "material_id": STEEL}), json!({"alias": "stahl-xy", "scope": "material", "material_id": STEEL})] {
            let taken = post(&guest, ALIASES, body).await;
            assert_eq!((taken.problem(), taken.pointers()), ((409, "alias_conflict".to_owned()), vec!["/alias".to_owned()]));
        }
        for name in [STEEL, "010101", "Steel-Bare", "steel bare"] {
            let taken = post(&guest, ALIASES, json!({"alias": name, "scope": "material", "material_id": BRASS})).await;
            assert_eq!(taken.problem(), (409, "alias_conflict".to_owned()), "{name}: {}", taken.text());
        }
        let (_, beta) = app.tenant_key("beta", Role::ProjectManager, &[Scope::CatalogWrite]).await;
        alias(&app.with_key(&beta), "Welle_1", "part", BRASS).await;
        for (body, code, pointer) in [
            (json!({"alias": "A", "material_id": "STD_010101_Steel-Bear"}), "unknown_material", "/material_id"),
            (json!({"alias": "A", "material_id": "Steel-Bare"}), "unknown_material", "/material_id"),
            (json!({"alias": "---", "material_id": STEEL}), "validation_failed", "/alias"),
            // One letter that is 18 when it is written plainly.
            (json!({"alias": "\u{fdfa}".repeat(200), "material_id": STEEL}), "validation_failed", "/alias"),
            (json!({"alias": "A", "material_id": STEEL, "source": "fix"}), "validation_failed", "/source"),
        ] {
            let refused = post(&guest, ALIASES, body.clone()).await;
            assert_eq!((refused.problem(), refused.pointers()), ((422, code.to_owned()), vec![pointer.to_owned()]), "{body}");
        }
        let near = post(&guest, ALIASES, json!({"alias": "A", "material_id": "STD_010101_Steel-Bear"})).await.json();
        assert!(near["help"].as_str().is_some_and(|help| help.contains(STEEL)), "{near}");

        assert_eq!(listed(&guest, "").await, ["Stahl XY", "Stahl XY", "Welle_1"]);
        for (query, found) in [
            ("?scope=material", &["Stahl XY"][..]),
            ("?q=wELLe", &["Welle_1"]),
            ("?q=brass", &["Stahl XY"]),
            ("?q=%25", &[]),
            ("?source=manual&scope=part", &["Stahl XY", "Welle_1"]),
            ("?source=fix", &[]),
            ("?status=withdrawn", &[]),
        ] {
            assert_eq!(listed(&guest, query).await, found, "{query}");
        }
        for (query, pointer) in [("?scope=node", "?scope"), ("?status=gone", "?status"), ("?source=x", "?source")] {
            assert_eq!(guest.get(&format!("{ALIASES}{query}")).await.pointers(), [pointer]);
        }
        let gone = withdraw(&guest, &stahl).await;
        assert_eq!((gone.status, &gone.json()["status"]), (200, &json!("withdrawn")), "{}", gone.text());
        assert!(gone.json()["withdrawn_at"].is_string());
        assert_eq!(withdraw(&guest, &stahl).await.json(), gone.json(), "a second time changes nothing");
        assert_eq!(listed(&guest, "?status=withdrawn").await, ["Stahl XY"]);
        assert_eq!(listed(&guest, "?scope=material").await, [""; 0]);
        alias(&guest, "STAHL XY", "material", STEEL).await;
        assert_eq!(listed(&guest, "?scope=material").await, ["STAHL XY"]);
    }

    async fn t84_aliases_have_one_entry_in_the_audit_log_each(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let welle = alias(&guest, "Welle", "part", STEEL).await;
        assert_eq!(post(&guest, ALIASES, json!({"alias": "Welle", "material_id": STEEL})).await.status, 409);
        for _ in 0..2 {
            assert_eq!(withdraw(&guest, &welle).await.status, 200);
        }
        for action in ["alias.created", "alias.withdrawn"] {
            let log = guest.get(&format!("/api/v1/audit-log?action={action}")).await.json();
            let entries = log["items"].as_array().expect("entries");
            assert_eq!((entries.len(), &entries[0]["object_id"], &entries[0]["object_type"]), (1, &welle["id"], &json!("material_alias")), "{log}");
        }
    }

    async fn t70_aliases_go_with_the_feature(engine) {
        let app = TestApp::idle(&engine).await;
        let (tenant, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let welle = alias(&guest, "Welle", "part", STEEL).await;
        let admin = app.operating_key(&[Scope::Admin]).await;
        let config = format!("/api/v1/tenants/{tenant}/config");
        let off = app.with_key(&admin).send(Method::PATCH, &config, &json!({"features": {"suggested_fixes": false}})).await;
        assert_eq!(off.status, 200, "{}", off.text());
        let own = format!("{ALIASES}/{}", id(&welle));
        let disabled = (403, "feature_disabled".to_owned());
        assert_eq!(post(&guest, ALIASES, json!({"alias": "A", "material_id": STEEL})).await.problem(), disabled);
        assert_eq!(guest.get(ALIASES).await.problem(), disabled);
        assert_eq!(guest.get(&own).await.problem(), disabled);
        assert_eq!(withdraw(&guest, &welle).await.problem(), disabled);
        // What was written stays in force.
        assert_eq!(checked(&guest, "Welle", &json!({})).await, ("alias".to_owned(), STEEL.to_owned(), vec![]));
    }

    async fn r85_aliases_count_at_once(engine) {
        let app = TestApp::start(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let before = rendered(&guest, "Welle", &json!({})).await;
        assert_eq!(before["result"]["unmapped_parts"], 1, "{before}");
        assert!(picture(&guest, &before).await.into_iter().any(is_magenta));
        let again = rendered(&guest, "Welle", &json!({})).await;
        assert_eq!(again["result"]["from_cache"], true, "nothing has changed");

        let welle = alias(&guest, "Welle", "part", STEEL).await;
        assert_eq!(checked(&guest, "Welle", &json!({})).await, ("alias".to_owned(), STEEL.to_owned(), vec![]));
        let with_it = rendered(&guest, "Welle", &json!({})).await;
        assert_eq!((&with_it["result"]["unmapped_parts"], &with_it["result"]["from_cache"]), (&json!(0), &json!(false)), "{with_it}");
        assert!(!picture(&guest, &with_it).await.into_iter().any(is_magenta));
        let report = guest.get(&format!("/api/v1/renders/{}/report.json", id(&with_it))).await.json();
        assert_eq!(report["materials"]["items"][0]["method"], "alias", "{report}");
        let digest = async |job: &Value| guest.get(&format!("/api/v1/renders/{}/provenance", id(job))).await.json()["materials"]["aliases_digest"].clone();
        assert_eq!(digest(&before).await, json!(null));
        assert!(digest(&with_it).await.as_str().is_some_and(|digest| digest.starts_with("blake3:")));

        assert_eq!(withdraw(&guest, &welle).await.status, 200);
        let (method, _, found) = checked(&guest, "Welle", &json!({})).await;
        assert_eq!((method.as_str(), found), ("fallback", vec!["unmapped_part".to_owned()]));
        let without = rendered(&guest, "Welle", &json!({"seed": 1})).await;
        assert_eq!((&without["result"]["unmapped_parts"], &without["result"]["from_cache"]), (&json!(1), &json!(false)), "{without}");
        assert!(picture(&guest, &without).await.into_iter().any(is_magenta));
        // The picture of before the alias is right again; the one with it is not.
        let last = rendered(&guest, "Welle", &json!({})).await;
        assert_eq!((&last["result"]["unmapped_parts"], &last["result"]["from_cache"]), (&json!(1), &json!(true)), "{last}");
        let hash = |job: &Value| job["result"]["files"][0]["file_hash"].clone();
        assert_eq!(hash(&last), hash(&before));
        assert_ne!(hash(&last), hash(&with_it));
    }

    async fn r92_the_alias_layer(engine) {
        let app = TestApp::start(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        for (name, code) in [("LOWER", "300001"), ("UPPER", "300002")] {
            let part = Part::bytes(library(name, code, "Welle")).file_name("library.toml");
            let uploaded = guest.request(Method::POST, "/api/v1/material-libraries").multipart(Form::new().part("library", part));
            assert_eq!(Reply::of(uploaded).await.status, 201);
        }
        let both = json!({"library": ["LOWER", "UPPER"]});
        let by_string = json!({"library": ["LOWER", "UPPER"], "materials": {"parts": [{"part_name": "Shaft", "material": "welle"}]}});
        let (upper, shadowed) = ("UPPER_300002_Of-UPPER".to_owned(), vec!["alias_shadowed".to_owned()]);
        let said = |method: &str, material: &str, found: &[String]| (method.to_owned(), material.to_owned(), found.to_vec());
        let is_new = async |part: &str, more: &Value| {
            let job = rendered(&guest, part, more).await;
            assert_eq!(job["result"]["from_cache"], false, "each change renders anew: {job}");
            job["result"]["files"][0]["file_hash"].clone()
        };

        let welle = alias(&guest, "Welle", "part", STEEL).await;
        assert_eq!(checked(&guest, "Welle", &both).await, said("alias", STEEL, &[]));
        assert_eq!(checked(&guest, "Shaft", &by_string).await, said("exact", &upper, &shadowed), "it is a name of parts alone");
        let steel = is_new("Welle", &both).await;
        withdraw(&guest, &welle).await;
        assert_eq!(checked(&guest, "Welle", &both).await, said("alias", &upper, &shadowed));
        assert_ne!(is_new("Welle", &both).await, steel);

        let word = alias(&guest, "Welle", "material", BRASS).await;
        assert_eq!(checked(&guest, "Shaft", &by_string).await, said("exact", BRASS, &[]));
        assert_eq!(checked(&guest, "Welle", &both).await, said("alias", &upper, &shadowed), "it is a word for materials alone");
        let brass = is_new("Shaft", &by_string).await;
        withdraw(&guest, &word).await;
        assert_eq!(checked(&guest, "Shaft", &by_string).await, said("exact", &upper, &shadowed));
        assert_ne!(is_new("Shaft", &by_string).await, brass);
        // Another tenant has none of it.
        let own = alias(&guest, "Welle", "part", STEEL).await;
        let (_, beta) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        assert_eq!(checked(&app.with_key(&beta), "Welle", &json!({})).await.0, "fallback");
        assert_eq!(withdraw(&app.with_key(&beta), &own).await.problem(), (404, "alias_not_found".to_owned()));
    }

    async fn o24_o67_entries_of_products_go_with_their_alias(engine) {
        let app = TestApp::start(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let ring = alias(&guest, "Outer Ring", "part", STEEL).await;
        let word = alias(&guest, "Unknown_Part", "material", STEEL).await;
        let file = upload(&guest, "/api/v1/cad-files", "file", Glb::parts(&["Outer_Ring", "Unknown_Part", "Brass"]).bytes()).await;
        let new = |pim_id: &str, parts: Value| json!({"pim_id": pim_id, "name": "P", "cad_file_id": id(&file), "cad_part_materials": parts});
        let product = made(&guest, PRODUCTS, new("1", json!([]))).await;
        let entry = |part: &str, material: &str| json!({"part_name": part, "material": material});
        assert_eq!(product["cad_part_materials"], json!([entry("Outer_Ring", STEEL), entry("Brass", BRASS)]), "{product}");
        let by = |alias: &Value| json!({"method": "alias", "alias_id": alias});
        assert_eq!(product["cad_part_sources"], json!({"Outer_Ring": by(&ring["id"]), "Brass": by(&json!(null))}));
        let said = made(&guest, PRODUCTS, new("2", json!([entry("Outer_Ring", "Chrome")]))).await;
        assert_eq!(said["cad_part_sources"], json!({"Brass": by(&json!(null))}), "a person said what the ring is of");
        let kept = made(&guest, PRODUCTS, new("3", json!([]))).await;
        let own = format!("{PRODUCTS}/{}", id(&kept));
        let sent = json!([entry("Outer_Ring", BRASS), entry("Unknown_Part", STEEL), entry("Brass", BRASS)]);
        assert_eq!(guest.send(Method::PATCH, &own, &json!({"cad_part_materials": sent})).await.status, 200);

        let output_type = made(&guest, "/api/v1/output-types", json!({"name": "Front", "render_settings": small(), "max_unmapped": 1})).await;
        let order = made(&guest, "/api/orders", json!({"lines": [{"product_id": id(&product), "output_type_id": id(&output_type)}]})).await;
        let line = format!("/api/v1/order-lines/{}", id(&order["lines"][0]));
        let ended = async || {
            assert_eq!(guest.post(&format!("{line}/dispatch")).await.status, 200);
            poll(async || guest.get(&line).await.json(), |line| ["completed", "failed"].contains(&line["render_status"].as_str().expect("a word"))).await
        };
        assert_eq!(ended().await["render_status"], "completed", "one part alone is unmapped");
        let direct = async || {
            let mut request = small();
            request["asset"] = json!({"product_id": id(&product)});
            let job = post(&guest, "/api/v1/renders", request).await.json();
            guest.job_when(&id(&job), |job| job["state"] == "completed").await["result"].clone()
        };
        assert_eq!(direct().await["unmapped_parts"], 1);

        assert_eq!(withdraw(&guest, &ring).await.status, 200);
        let log = guest.get("/api/v1/audit-log?action=alias.withdrawn").await.json();
        assert_eq!(log["items"][0]["detail"]["products"], 1, "{log}");
        let after = guest.get(&format!("{PRODUCTS}/{}", id(&product))).await.json();
        assert_eq!(after["cad_part_materials"], json!([entry("Brass", BRASS)]), "{after}");
        assert_eq!(after["cad_part_sources"], json!({"Brass": by(&json!(null))}));
        for (other, expected) in [(&said, json!("Chrome")), (&kept, json!(BRASS))] {
            let now = guest.get(&format!("{PRODUCTS}/{}", id(other))).await.json();
            assert_eq!(now["cad_part_materials"][0], json!({"part_name": "Outer_Ring", "material": expected}), "{now}");
        }
        let failed = ended().await;
        assert_eq!(failed["render_status"], "failed", "the ring is magenta too: {failed}");
        let error = failed["render_job_doc"]["error"].as_str().expect("a reason");
        assert!(error.contains("2 parts"), "{error}");
        let result = direct().await;
        assert_eq!((&result["unmapped_parts"], &result["from_cache"]), (&json!(2), &json!(false)), "{result}");
        // A word for materials is no name of a part: it had filled nothing, and takes nothing along.
        assert_eq!(withdraw(&guest, &word).await.status, 200);
    }

    async fn o67_an_alias_that_was_taken_back_fills_nothing(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let file = upload(&guest, "/api/v1/cad-files", "file", Glb::parts(&["Outer_Ring"]).bytes()).await;
        for round in 0..8 {
            let ring = alias(&guest, "Outer_Ring", "part", STEEL).await;
            let new = json!({"pim_id": round.to_string(), "name": "P", "cad_file_id": id(&file)});
            let (product, gone) = tokio::join!(made(&guest, PRODUCTS, new), withdraw(&guest, &ring));
            assert_eq!(gone.status, 200);
            let after = guest.get(&format!("{PRODUCTS}/{}", id(&product))).await.json();
            assert_eq!((&after["cad_part_materials"], &after["cad_part_sources"]), (&json!([]), &json!({})), "round {round}");
        }
    }
}
