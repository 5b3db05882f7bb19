//! R28, R83, R84: materials and uploaded libraries.

use std::io::Write;

use packshot_domain::access::{Role, Scope};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, form, id, small};
use crate::glb::Glb;

pub(crate) const ACME: &str = r#"schema = "material-library/1"

[library]
id = "ACME"
version = "1.0.0"
color_space = "lin_rec709"
extends = ["STD@^1"]

[[material]]
code = "200101"
name = "Signal-Red"
aliases = ["Rot"]

[material.openpbr]
base_color = [0.8, 0.02, 0.02]

[material.provenance]
class = "estimated"
source = "a colour chart"
licence = "CC0-1.0"
"#;

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("begun");
        archive.write_all(text.as_bytes()).expect("written");
    }
    archive.finish().expect("whole").into_inner()
}

fn library_form(bytes: Vec<u8>) -> Form {
    Form::new().part("library", Part::bytes(bytes).file_name("library"))
}

async fn upload(app: &TestApp, bytes: Vec<u8>) -> Reply {
    Reply::of(app.request(Method::POST, "/api/v1/material-libraries").multipart(library_form(bytes))).await
}

fn material_ids(page: &Value) -> Vec<String> {
    page["items"].as_array().expect("a list").iter().map(id).collect()
}

cases! {
    async fn r28_materials_are_found_by_name_and_alias(engine) {
        let app = TestApp::idle(&engine).await;
        let find = async |q: &str| app.get(&format!("/api/v1/materials?q={q}&limit=200")).await.json();
        for q in ["steel", "Stahl", "010101"] {
            assert!(material_ids(&find(q).await).contains(&"STD_010101_Steel-Bare".to_owned()), "{q}");
        }
        assert!(material_ids(&find("no-such-thing").await).is_empty());
        let (page, again) = (find("").await, find("").await);
        assert_eq!((&page["digest"], &page["library"]), (&again["digest"], &json!("STD")));
        let mut walked = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = app.get(&format!("/api/v1/materials?limit=7{cursor}")).await.json();
            walked.extend(material_ids(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(walked, material_ids(&page));
        let one = app.get("/api/v1/materials/Steel-Bare").await.json();
        assert_eq!((&one["id"], one["openpbr"].is_object()), (&json!("STD_010101_Steel-Bare"), true));
        assert_eq!(app.get("/api/v1/materials/Unobtainium").await.problem(), (404, "material_not_found".to_owned()));
        assert_eq!(app.get("/api/v1/materials?library=NOPE").await.problem(), (404, "library_not_found".to_owned()));
    }

    async fn r83_an_own_library(engine) {
        let app = TestApp::start(&engine).await;
        for (bytes, version) in [(zip(&[("library.toml", ACME)]), "1.0.0"), (ACME.replace("\"1.0.0\"", "\"1.1.0\"").into_bytes(), "1.1.0")] {
            let reply = upload(&app, bytes).await;
            assert_eq!(reply.status, 201, "{}", reply.text());
            let library = reply.json();
            assert_eq!((&library["name"], &library["version"], &library["materials"]), (&json!("ACME"), &json!(version), &json!(1)));
            assert_eq!(reply.header("location"), Some(format!("/api/v1/material-libraries/{}", id(&library)).as_str()));
        }
        let page = app.get("/api/v1/materials?library=ACME&q=Rot").await.json();
        assert!(material_ids(&page).contains(&"ACME_200101_Signal-Red".to_owned()), "{page}");
        let mut request = small();
        request["materials"] = json!({"library": "ACME", "parts": [{"part_name": "Body", "material": "Signal-Red"}]});
        let job = app.render(&request).await;
        assert_eq!((&job["state"], &job["result"]["unmapped_parts"]), (&json!("completed"), &json!(0)), "{job}");
        let listed = app.get("/api/v1/material-libraries").await.json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
        let (_, other) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let other = app.with_key(&other);
        assert_eq!(other.get("/api/v1/material-libraries").await.json()["items"], json!([]));
        assert_eq!(other.get("/api/v1/materials?library=ACME").await.problem(), (404, "library_not_found".to_owned()));
        assert_eq!(other.get(&format!("/api/v1/material-libraries/{}", id(&listed["items"][0]))).await.problem().0, 404);
    }

    /// R83, F57: whatever `public` says, another tenant is told that there is no such library.
    async fn r83_a_public_library_stays_its_tenants(engine) {
        let app = TestApp::start(&engine).await;
        let path = format!("/api/v1/material-libraries/{}", id(&upload(&app, ACME.into()).await.json()));
        let published = Reply::of(app.request(Method::PATCH, &path).json(&json!({"public": true}))).await;
        assert_eq!(published.json()["public"], true);
        let (_, key) = app.tenant_key("beta", Role::TenantAdmin, &[Scope::Admin]).await;
        let other = app.with_key(&key);
        let missing = (404, "library_not_found".to_owned());
        assert_eq!(other.get("/api/v1/material-libraries").await.json()["items"], json!([]));
        assert_eq!(other.get(&path).await.problem(), missing);
        assert_eq!(other.get("/api/v1/materials?library=ACME").await.problem(), missing);
        assert_eq!(Reply::of(other.request(Method::PATCH, &path).json(&json!({"public": false}))).await.problem(), missing);
        assert_eq!(Reply::of(other.request(Method::DELETE, &path)).await.problem(), missing);

        let parts = json!([{"part_name": "Body", "material": "Signal-Red"}]);
        for (member, value, pointer) in [
            ("materials", json!({"library": "ACME", "parts": parts}), "/materials/library"),
            ("library", json!(["ACME"]), "/library/0"),
        ] {
            let mut request = small();
            request[member] = value;
            let preflight = other.request(Method::POST, "/api/v1/preflight").multipart(form(Glb::body(), Some(&request)));
            for refused in [other.submit(&request).await, Reply::of(preflight).await] {
                assert_eq!((refused.problem().0, refused.pointers()), (422, vec![pointer.to_owned()]), "{}", refused.text());
            }
        }
        let chosen = other.send(Method::PATCH, "/api/v1/tenant/config", &json!({"material_library": "ACME"})).await;
        assert_eq!((chosen.problem().0, chosen.pointers()), (422, vec!["/material_library".to_owned()]));
        assert_eq!(chosen.json()["errors"][0]["code"], "library_not_found");
        let mut request = small();
        request["materials"] = json!({"parts": parts});
        let job = other.submit(&request).await.json();
        let job = other.job_when(&id(&job), |job| job["state"] == "completed").await;
        assert_eq!(job["result"]["unmapped_parts"], 1, "nobody else has the material: {job}");
    }

    async fn r83_a_tenants_library_is_in_force(engine) {
        let app = TestApp::start(&engine).await;
        let library = upload(&app, ACME.into()).await.json();
        let mut request = small();
        request["materials"] = json!({"parts": [{"part_name": "Body", "material": "Signal-Red"}]});
        assert_eq!(app.render(&request).await["result"]["unmapped_parts"], 1, "the built-in library has no such material");
        app.configure(&json!({"material_library": "ACME"})).await;
        let job = app.render(&request).await;
        assert_eq!((&job["result"]["unmapped_parts"], &job["result"]["from_cache"]), (&json!(0), &json!(false)), "{job}");
        let path = format!("/api/v1/material-libraries/{}", id(&library));
        assert_eq!(app.delete(&path).await.problem(), (409, "library_in_use".to_owned()));
    }

    async fn r83_libraries_are_published_and_deleted(engine) {
        let app = TestApp::idle(&engine).await;
        let library = upload(&app, ACME.into()).await.json();
        let path = format!("/api/v1/material-libraries/{}", id(&library));
        assert_eq!(library["public"], false);
        let patch = async |body: Value| {
            let request = app.request(Method::PATCH, &path).header("content-type", "application/merge-patch+json");
            Reply::of(request.body(body.to_string())).await
        };
        assert_eq!(patch(json!({"public": true})).await.json()["public"], true);
        assert_eq!(patch(json!({})).await.json()["public"], true);
        assert_eq!(patch(json!({"public": null})).await.json()["public"], false);
        assert_eq!(patch(json!({"public": 1})).await.pointers(), ["/public"]);
        assert_eq!(patch(json!({"name": "X"})).await.pointers(), ["/name"]);
        assert_eq!(app.delete(&path).await.status, 204);
        assert_eq!(app.delete(&path).await.problem(), (404, "library_not_found".to_owned()));
    }

    async fn r84_bad_libraries(engine) {
        let app = TestApp::idle(&engine).await;
        let twice = format!("{ACME}{}", &ACME[ACME.find("[[material]]").expect("a material")..]);
        for (what, text) in [
            ("unknown field", ACME.replace("name = ", "no_such_field = 1\nname = ")),
            ("out of range", ACME.replace("[0.8,", "[8.0,")),
            ("double code", twice.replacen("Signal-Red", "Signal-Rose", 1).replacen("Rot", "Rosa", 1)),
            ("alias of two", twice.replacen("200101", "200102", 1).replacen("Signal-Red", "Signal-Rose", 1)),
            ("texture outside", ACME.replace("base_color = [0.8, 0.02, 0.02]", "base_color = { texture = \"../../etc/passwd\" }")),
            ("nested", ACME.replace("[0.8, 0.02, 0.02]", &format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)))),
            ("not TOML", "[[".to_owned()),
        ] {
            let reply = upload(&app, zip(&[("library.toml", &text)])).await;
            let (status, code) = reply.problem();
            assert!(status == 422 && code.starts_with("library."), "{what}: {status} {code}");
            let errors = reply.json()["errors"].clone();
            let help = reply.json()["help"].as_str().map(str::to_owned);
            let is_glued = |help: &String| errors[0]["detail"].as_str().is_some_and(|detail| detail.contains(help.as_str()));
            assert!(!help.as_ref().is_some_and(is_glued), "{what}: the way out is told once: {errors}");
            let places: Vec<&str> = errors.as_array().expect("a list").iter().filter_map(|e| e["at"].as_str()).collect();
            let is_line = |at: &&str| at.split_once("library.toml:").is_some_and(|(_, line)| line.starts_with(|c: char| c.is_ascii_digit()));
            assert!(!places.is_empty() && places.iter().all(is_line), "{what}: {errors}");
        }
        let outside = upload(&app, zip(&[("../library.toml", ACME)])).await;
        assert!(outside.problem().1.starts_with("library."));
        assert_eq!(app.get("/api/v1/material-libraries").await.json()["items"], json!([]), "nothing is stored");
        let first = upload(&app, ACME.into()).await;
        assert_eq!(first.status, 201);
        assert_eq!(id(&upload(&app, ACME.into()).await.json()), id(&first.json()), "the same upload again is the same library");
        let changed = upload(&app, ACME.replace("0.8", "0.7").into()).await;
        assert_eq!(changed.problem(), (409, "library_version_exists".to_owned()));
        let nothing = app.request(Method::POST, "/api/v1/material-libraries").header("content-type", "multipart/form-data; boundary=b");
        let nothing = Reply::of(nothing.body("--b--\r\n")).await;
        assert_eq!((nothing.problem().0, nothing.pointers()), (422, vec!["/library".to_owned()]));
        let stranger = Reply::of(app.request(Method::POST, "/api/v1/material-libraries").multipart(form(Glb::body(), None))).await;
        assert_eq!(stranger.pointers(), ["/glb"]);
    }
}
