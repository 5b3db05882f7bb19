//! R03: what a render is of, named in four ways.

use packshot_db::TenantScope;
use packshot_domain::access::{Role, Scope};
use packshot_domain::hash::ContentAddress;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, form, id, small};
use crate::artifacts::Kept;
use crate::glb::Glb;

const RENDERS: &str = "/api/v1/renders";
const PREFLIGHT: &str = "/api/v1/preflight";
const STEP: &[u8] = b"ISO-10303-21;\nHEADER;\nENDSEC;\nEND-ISO-10303-21;\n";
/// An id that nothing has.
const MISSING: &str = "0193b2a0-0000-7000-8000-000000000000";
const STEEL: &str = "STD_010101_Steel-Bare";

async fn cad_file(guest: &Guest<'_>, bytes: Vec<u8>, name: &'static str) -> Value {
    let form = Form::new().part("file", Part::bytes(bytes).file_name(name));
    let uploaded = Reply::of(guest.request(Method::POST, "/api/v1/cad-files").multipart(form)).await;
    assert_eq!(uploaded.status, 201, "{}", uploaded.text());
    uploaded.json()
}

async fn product(guest: &Guest<'_>, more: Value) -> Value {
    let mut new = json!({"pim_id": uuid::Uuid::now_v7().to_string(), "name": "P"});
    new.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
    let made = guest.send(Method::POST, "/api/v1/products", &new).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

/// A request for a picture of an asset.
fn of(asset: &Value, more: &Value) -> Value {
    let mut request = small();
    request["asset"] = asset.clone();
    request.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
    request
}

async fn rendered(guest: &Guest<'_>, asset: &Value, more: &Value) -> Value {
    let accepted = guest.send(Method::POST, RENDERS, &of(asset, more)).await;
    assert_eq!(accepted.status, 202, "{asset}: {}", accepted.text());
    guest.job_when(&id(&accepted.json()), |job| job["state"] == "completed").await
}

fn picture(job: &Value) -> &Value {
    &job["result"]["files"][0]["file_hash"]
}

cases! {
    async fn r03_four_ways_to_name_a_product_give_one_picture(engine) {
        let app = TestApp::start(&engine).await;
        let (tenant, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let glb = Glb::body();
        let sent = guest.request(Method::POST, RENDERS).multipart(form(glb.clone(), Some(&small())));
        let sent = guest.job_when(&id(&Reply::of(sent).await.json()), |job| job["state"] == "completed").await;
        let file = cad_file(&guest, glb.clone(), "bearing.glb").await;
        let of_file = product(&guest, json!({"cad_file_id": id(&file)})).await;
        assert_eq!(of_file["cad_part_materials"], json!([]), "no name leads to a material");
        let kept = Kept::make(&app, TenantScope::of(tenant), &glb).await;
        let address = ContentAddress::of(&glb).to_string();
        for (asset, name) in [
            (json!({"content_address": address}), json!(null)),
            (json!({"cad_file_id": id(&file)}), json!("bearing.glb")),
            (json!({"product_id": id(&of_file)}), json!("bearing.glb")),
            (json!({"file_id": kept.file.to_string()}), json!("a.txt")),
        ] {
            let again = guest.request(Method::POST, RENDERS).header("cache-control", "no-cache").json(&of(&asset, &json!({})));
            let again = Reply::of(again).await;
            assert_eq!(again.status, 202, "{asset}: {}", again.text());
            let job = guest.job_when(&id(&again.json()), |job| job["state"] == "completed").await;
            assert_eq!((picture(&job), &job["result"]["from_cache"]), (picture(&sent), &json!(false)), "{asset}");
            assert_eq!(job["request"]["asset"], json!({"content_address": address}), "a job shows what was found");
            assert_eq!(job["input_name"], name, "{asset}");
            let equal = rendered(&guest, &asset, &json!({})).await;
            assert_eq!((picture(&equal), &equal["result"]["from_cache"]), (picture(&sent), &json!(true)), "{asset}");
            let checked = guest.send(Method::POST, PREFLIGHT, &of(&asset, &json!({}))).await;
            assert_eq!((checked.status, &checked.json()["materials"]["parts"]), (200, &json!(1)), "{asset}: {}", checked.text());
        }
    }

    async fn r03_exactly_one_reference_that_is_there(engine) {
        let app = TestApp::start(&engine).await;
        let (tenant, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let step = cad_file(&guest, STEP.to_vec(), "housing.step").await;
        let of_step = product(&guest, json!({"cad_file_id": id(&step)})).await;
        let of_nothing = product(&guest, json!({})).await;
        let address = cad_file(&guest, Glb::body(), "bearing.glb").await["file_hash"].clone();
        let invalid = "validation_failed";
        for (asset, code, finding, pointer) in [
            (json!({}), invalid, "missing", "/asset"),
            (json!({"content_address": address, "product_id": id(&of_step)}), "conflicting_members", "conflicting_members", "/asset"),
            (json!({"cad_file_id": id(&step), "product_id": id(&of_step)}), "conflicting_members", "conflicting_members", "/asset"),
            (json!({"file_id": "front.glb"}), invalid, "out_of_range", "/asset/file_id"),
            (json!({"order_line_id": MISSING}), invalid, "missing", "/asset"),
            (json!({"cad_file_id": MISSING}), invalid, "cad_file_not_found", "/asset/cad_file_id"),
            (json!({"product_id": MISSING}), invalid, "product_not_found", "/asset/product_id"),
            (json!({"file_id": MISSING}), invalid, "file_not_found", "/asset/file_id"),
            (json!({"content_address": ContentAddress::of(b"nothing").to_string()}), invalid, "asset_not_found", "/asset/content_address"),
            (json!({"product_id": id(&of_nothing)}), invalid, "cad_file_not_found", "/asset/product_id"),
            (json!({"cad_file_id": id(&step)}), "cad_conversion_unavailable", "cad_conversion_unavailable", "/asset/cad_file_id"),
            (json!({"product_id": id(&of_step)}), "cad_conversion_unavailable", "cad_conversion_unavailable", "/asset/product_id"),
        ] {
            for path in [RENDERS, PREFLIGHT] {
                let refused = guest.send(Method::POST, path, &of(&asset, &json!({}))).await;
                assert_eq!(refused.problem(), (422, code.to_owned()), "{path} {asset}: {}", refused.text());
                let errors = refused.json()["errors"].as_array().expect("errors").clone();
                let is_named = errors.iter().any(|error| error["code"] == finding && error["pointer"] == pointer);
                assert!(is_named, "{path} {asset}: {}", refused.text());
            }
        }
        // A map is a stored file or one of a package.
        let lit = json!({"light": null, "environment": {"file_id": MISSING}});
        let refused = guest.send(Method::POST, RENDERS, &of(&json!({"content_address": address}), &lit)).await;
        assert_eq!((refused.problem().0, refused.pointers()), (422, vec!["/environment/file_id".to_owned()]));
        let both = guest.send(Method::POST, RENDERS, &of(&json!({"product_id": MISSING}), &lit)).await;
        assert_eq!(both.pointers(), ["/asset/product_id", "/environment/file_id"], "all are told together");

        let kept = Kept::make(&app, TenantScope::of(tenant), &Glb::parts(&["Gone"]).bytes()).await;
        let deleted = guest.request(Method::DELETE, &format!("/api/v1/packages/{}?reason=test", kept.package));
        assert_eq!(Reply::of(deleted).await.status, 204);
        let gone = guest.send(Method::POST, RENDERS, &of(&json!({"file_id": kept.file.to_string()}), &json!({}))).await;
        assert_eq!((gone.problem(), gone.pointers()), ((410, "artifact_expired".to_owned()), vec!["/asset/file_id".to_owned()]));
    }

    async fn r03_a_product_brings_the_materials_of_its_parts(engine) {
        let app = TestApp::start(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let file = cad_file(&guest, Glb::parts(&["Body", "Lid"]).bytes(), "housing.glb").await;
        let entry = |part: &str, material: &str| json!({"part_name": part, "material": material});
        let materials = json!([entry("Body", STEEL), entry("Lid", "Brass")]);
        let named = json!({"product_id": id(&product(&guest, json!({"cad_file_id": id(&file), "cad_part_materials": materials})).await)});
        let plain = rendered(&guest, &json!({"cad_file_id": id(&file)}), &json!({})).await;
        let worn = rendered(&guest, &named, &json!({})).await;
        assert_ne!(picture(&worn), picture(&plain));
        assert_eq!((&worn["request"]["materials"]["parts"], &worn["result"]["unmapped_parts"]), (&materials, &json!(0)));
        // The same by hand is the same picture, and an equal request.
        let by_hand = rendered(&guest, &json!({"cad_file_id": id(&file)}), &json!({"materials": {"parts": materials}})).await;
        assert_eq!((picture(&by_hand), &by_hand["result"]["from_cache"]), (picture(&worn), &json!(true)));
        // What the request says of a part comes first; the rest is the product's.
        let said = rendered(&guest, &named, &json!({"materials": {"parts": [entry("Lid", "Chrome"), {"part_name": "Body", "material": null}]}})).await;
        assert_ne!(picture(&said), picture(&worn));
        let parts = json!([entry("Lid", "Chrome"), {"part_name": "Body", "material": null}, entry("Body", STEEL)]);
        assert_eq!((&said["request"]["materials"]["parts"], &said["result"]["unmapped_parts"]), (&parts, &json!(0)));
        // Entries of a product are a map of all parts.
        let half = product(&guest, json!({"cad_file_id": id(&file), "cad_part_materials": [entry("Body", STEEL)]})).await;
        let half = json!({"product_id": id(&half)});
        assert_eq!(rendered(&guest, &half, &json!({})).await["result"]["unmapped_parts"], 1);
        let checked = guest.send(Method::POST, PREFLIGHT, &of(&half, &json!({"on_unmapped": "fail"}))).await.json();
        assert_eq!((&checked["ok"], &checked["materials"]["unmapped"]), (&json!(false), &json!(1)), "{checked}");
    }
}
