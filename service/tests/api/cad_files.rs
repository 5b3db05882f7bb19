//! A65, O03, O42–O45, O62, O63: CAD files.

use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, id};
use crate::glb::Glb;

const PATH: &str = "/api/v1/cad-files";
const WRITE: [Scope; 2] = [Scope::CatalogWrite, Scope::ArtifactsWrite];
const STEP: &[u8] = b"ISO-10303-21;\nHEADER;\nENDSEC;\nEND-ISO-10303-21;\n";

async fn upload(guest: &Guest<'_>, name: &str, bytes: &[u8]) -> Reply {
    let part = Part::bytes(bytes.to_vec()).file_name(name.to_owned());
    Reply::of(guest.request(Method::POST, PATH).multipart(Form::new().part("file", part))).await
}

/// The package of a CAD file.
async fn package_of(guest: &Guest<'_>, file: &Value) -> Value {
    let page = guest.get(&format!("/api/v1/packages?subject=cad_file:{}", id(file))).await.json();
    let [package] = &page["items"].as_array().expect("a list")[..] else { panic!("one package: {page}") };
    package.clone()
}

cases! {
    async fn o03_o45_a_glb_is_read_at_once(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let guest = app.with_key(&key);
        let glb = Glb::parts(&["Body", "Pin"]).bytes();
        let made = upload(&guest, "bearing.glb", &glb).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let file = made.json();
        assert_eq!((&file["status"], &file["source_format"], &file["original_name"]), (&json!("ready"), &json!("glb"), &json!("bearing.glb")));
        assert_eq!(file["parsed_objects"], json!({"objects": ["Body", "Pin"]}));
        let size_mm: Vec<f64> = serde_json::from_value(file["bbox_mm"].clone()).expect("three numbers");
        assert!(size_mm.len() == 3 && size_mm.iter().all(|mm| *mm > 0.0), "{size_mm:?}");
        let hash = format!("blake3:{}", blake3::hash(&glb));
        for member in ["file_hash", "stored_path", "glb_path"] {
            assert_eq!(file[member], json!(hash), "{member}");
        }
        let own = file["links"]["self"].as_str().expect("a link");
        assert_eq!((made.header("location"), guest.get(own).await.json()), (Some(own), file.clone()));
        assert_eq!(guest.get(PATH).await.json()["items"], json!([file]));
        let content = guest.get(file["links"]["content"].as_str().expect("a link")).await;
        assert_eq!((content.header("content-type"), &content.body), (Some("model/gltf-binary"), &glb));

        let step = upload(&guest, "product.step", STEP).await.json();
        assert_eq!((&step["status"], &step["source_format"], &step["parsed_objects"]), (&json!("uploaded"), &json!("step"), &json!({"objects": []})));
        assert_eq!(guest.get(&format!("{PATH}?status=uploaded")).await.json()["items"], json!([step]));
    }

    async fn o42_the_same_bytes_are_one_file(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, alpha) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let (_, beta) = app.tenant_key("beta", Role::ProjectManager, &WRITE).await;
        let first = upload(&app.with_key(&alpha), "a.glb", &Glb::body()).await;
        let again = upload(&app.with_key(&alpha), "b.glb", &Glb::body()).await;
        assert_eq!((first.status, again.status, again.json()), (201, 200, first.json()));
        let other = upload(&app.with_key(&beta), "a.glb", &Glb::body()).await;
        assert_eq!(other.status, 201, "another tenant");
        assert_eq!(app.with_key(&beta).get(first.json()["links"]["self"].as_str().expect("a link")).await.problem(), (404, "cad_file_not_found".to_owned()));
    }

    async fn o43_o44_formats_and_names(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let guest = app.with_key(&key);
        let glb = upload(&guest, "../../x.step", &Glb::body()).await.json();
        assert_eq!((&glb["source_format"], &glb["original_name"]), (&json!("glb"), &json!("x.step")));
        let before = app.stored_files();
        let (status, code) = upload(&guest, "x.glb", b"some text").await.problem();
        assert!(status == 422 && code.starts_with("glb."), "{status} {code}");
        let png = upload(&guest, "x.png", b"\x89PNG\r\n\x1a\n").await;
        assert_eq!((png.problem(), png.pointers()), ((422, "unsupported_cad_format".to_owned()), vec!["/file".to_owned()]));
        assert_eq!(app.stored_files(), before, "nothing is stored");
        assert_eq!(upload(&guest, "C:\\x\\y.step", STEP).await.json()["original_name"], "y.step");
    }

    async fn o62_a65_a_deleted_file_leaves_its_bytes(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, key) = app.tenant_key("alpha", Role::TenantAdmin, &[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let file = upload(&guest, "bearing.glb", &Glb::body()).await.json();
        let package = package_of(&guest, &file).await;
        assert_eq!((&package["retention_class"], &package["status"], &package["producer"]), (&json!("raw-evidence"), &json!("finalized"), &json!("upload")));
        assert_eq!(package["name"], "bearing.glb");
        let own = package["links"]["self"].as_str().expect("a link");
        let files = guest.get(&format!("{own}/files")).await.json();
        assert_eq!(files["items"][0]["content_address"], file["file_hash"]);
        let delete = async |path: &str| Reply::of(guest.request(Method::DELETE, path)).await;
        let in_use = delete(&format!("{own}?reason=done")).await;
        assert_eq!(in_use.problem(), (409, "package_in_use".to_owned()));
        assert!(in_use.text().contains(&id(&file)), "the CAD file: {}", in_use.text());
        let link = file["links"]["self"].as_str().expect("a link");
        assert_eq!(delete(link).await.status, 204);
        assert_eq!(guest.get(link).await.problem(), (404, "cad_file_not_found".to_owned()));
        assert_eq!(delete(link).await.problem(), (404, "cad_file_not_found".to_owned()));
        assert_eq!(guest.get(&format!("{own}/archive.zip")).await.status, 200, "its bytes are there");
        let again = upload(&guest, "bearing.glb", &Glb::body()).await;
        assert_eq!(again.status, 201);
        assert_ne!(id(&again.json()), id(&file));
        assert_eq!(delete(&format!("{own}?reason=done")).await.status, 204);
    }

    async fn o63_clients_read_and_managers_write(engine) {
        let app = TestApp::idle(&engine).await;
        let (_, client) = app.tenant_key("alpha", Role::Client, &[Scope::Admin]).await;
        assert_eq!(app.with_key(&client).get(PATH).await.status, 200);
        let refused = upload(&app.with_key(&client), "a.glb", &Glb::body()).await;
        assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    }
}
