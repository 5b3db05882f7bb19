//! R24–R27: preflight.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, form, small};
use crate::glb::Glb;

async fn preflight(app: &TestApp, glb: Vec<u8>, request: &Value) -> Reply {
    Reply::of(app.request(Method::POST, "/api/v1/preflight").multipart(form(glb, Some(request)))).await
}

fn codes(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let found = report["diagnostics"].as_array().expect("a list").iter();
    found.map(|diagnostic| (text(&diagnostic["code"]), text(&diagnostic["at"]))).collect()
}

cases! {
    on_postgres_in_the_soak:
    async fn r24_a_report_without_a_render(engine) {
        let app = TestApp::idle(&engine).await;
        let names: Vec<String> = (0..14).map(|i| format!("Part_{i:02}")).chain(["Unknown_Thing".to_owned()]).collect();
        let parts: Vec<Value> = names[..14].iter().map(|name| json!({"part_name": name, "material": "Steel-Bare"})).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let reply = preflight(&app, Glb::parts(&names).bytes(), &json!({"materials": {"parts": parts}})).await;
        let report = reply.json();
        assert_eq!(reply.status, 200);
        let materials = &report["materials"];
        assert_eq!((&materials["parts"], &materials["resolved"], &materials["unmapped"]), (&json!(15), &json!(14), &json!(1)));
        let item = materials["items"].as_array().expect("a list").iter().find(|item| item["node"] == "Unknown_Thing");
        let item = item.expect("every part has an item");
        assert_eq!((&item["method"], &item["reason"]), (&json!("fallback"), &json!("no_match")));
        assert_eq!((&report["ok"], &report["stats"]["triangles"]), (&json!(true), &json!(15 * 12)));
        let must_map = json!({"materials": {"parts": parts}, "on_unmapped": "fail"});
        assert_eq!(preflight(&app, Glb::parts(&names).bytes(), &must_map).await.json()["ok"], false);
        assert_eq!(app.get("/api/v1/renders").await.json()["items"], json!([]), "nothing is rendered");
        let stored = std::fs::read_dir(app.folder.path().join("store/objects")).expect("a folder").count();
        assert_eq!(stored, 0, "nothing is stored");
    }

    async fn r25_suggestions_are_not_applied(engine) {
        let app = TestApp::idle(&engine).await;
        let report = preflight(&app, Glb::parts(&["Steel_Bar"]).bytes(), &json!({"materials": {"parts": []}})).await.json();
        let item = &report["materials"]["items"][0];
        let suggestions = item["suggestions"].as_array().expect("a list");
        let steel = suggestions.iter().find(|s| s["material"] == "STD_010101_Steel-Bare");
        assert!(steel.is_some_and(|s| s["score"].as_f64() >= Some(0.82)), "{suggestions:?}");
        assert_eq!(item["reason"], "no_match");
    }

    async fn r26_diagnostics_with_their_place(engine) {
        let app = TestApp::idle(&engine).await;
        let plain = || Glb::parts(&["Body"]);
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut glb = plain();
            change(&mut glb.json);
            glb
        };
        let with_bin = |change: &dyn Fn(&mut [u8])| {
            let mut glb = plain();
            change(glb.bin());
            glb
        };
        let material = |material: Value| {
            changed(&move |json| {
                json["materials"] = json!([material]);
                json["meshes"][0]["primitives"][0]["material"] = json!(0);
            })
        };
        let shared = crate::materials::ACME.replace("\"Rot\"", "\"Stahl\"");
        let shared = Form::new().part("library", Part::bytes(shared.into_bytes()).file_name("library.toml"));
        let shared = app.request(Method::POST, "/api/v1/material-libraries").multipart(shared);
        assert_eq!(Reply::of(shared).await.status, 201, "an alias may be shared with the built-in library");
        for (code, glb, request) in [
            ("alias_shadowed", Glb::parts(&["Stahl"]), json!({"library": ["ACME"], "materials": {"parts": []}})),
            ("unmapped_part", plain(), json!({"materials": {"parts": []}})),
            ("missing_normals", changed(&|json| {
                let attributes = json["meshes"][0]["primitives"][0]["attributes"].as_object_mut().expect("members");
                attributes.remove("NORMAL");
            }), json!({})),
            // All triangles of the first face become points.
            ("degenerate_triangles", with_bin(&|bin| bin[576..588].fill(0)), json!({})),
            ("open_shell", with_bin(&|bin| bin[576..588].fill(0)), json!({"materials": {"parts": [{"part_name": "Body", "material": "Glass"}]}})),
            ("non_finite_values", with_bin(&|bin| bin[288..292].copy_from_slice(&f32::NAN.to_le_bytes())), json!({})),
            ("unit_suspect", changed(&|json| json["nodes"][0]["scale"] = json!([1000, 1000, 1000])), json!({})),
            ("alpha_without_blend", material(json!({"pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0.5]}})), json!({})),
            ("unsupported_extension", changed(&|json| json["extensionsUsed"] = json!(["EXT_of_somebody"])), json!({})),
            ("unnamed_part", changed(&|json| {
                json["nodes"][0].as_object_mut().expect("members").remove("name");
                json["meshes"][0].as_object_mut().expect("members").remove("name");
            }), json!({})),
            ("coincident_faces", changed(&|json| {
                json["nodes"] = json!([{"name": "Body", "mesh": 0}, {"name": "Twin", "mesh": 0}]);
                json["scenes"][0]["nodes"] = json!([0, 1]);
            }), json!({})),
            // Every triangle is turned over: its corners are in reverse order, while the normals stay.
            ("flipped_shell", with_bin(&|bin| bin[576..648].chunks_exact_mut(6).for_each(|triangle| {
                let (second, third) = triangle[2..].split_at_mut(2);
                second.swap_with_slice(third);
            })), json!({})),
        ] {
            let reply = preflight(&app, glb.bytes(), &request).await;
            assert_eq!(reply.status, 200, "{code}: {}", reply.text());
            let found = codes(&reply.json());
            let place = found.iter().find(|(own, _)| own == code).map(|(_, at)| at.as_str());
            assert!(place.is_some_and(|at| !at.is_empty()), "{code} is not among {found:?}");
        }
    }

    async fn r27_unreadable_files(engine) {
        let app = TestApp::idle(&engine).await;
        let whole = Glb::body();
        let mut percent = Glb::parts(&["Body"]);
        percent.json["images"] = json!([{"uri": "%FF"}]);
        percent.json["textures"] = json!([{"source": 0}]);
        percent.json["materials"] = json!([{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]);
        percent.json["meshes"][0]["primitives"][0]["material"] = json!(0);
        let mut cycle = Glb::parts(&["A", "B"]);
        cycle.json["nodes"][0]["children"] = json!([1]);
        cycle.json["nodes"][1]["children"] = json!([0]);
        let mut beyond = Glb::parts(&["Body"]);
        beyond.json["accessors"][0]["count"] = json!(25);
        let mut required = Glb::parts(&["Body"]);
        required.json["extensionsRequired"] = json!(["EXT_of_somebody"]);
        // Deeper than any stack: a reader that recurses would end the whole service.
        let nested = |n: usize| {
            let mut glb = Glb::parts(&["Body"]);
            glb.json["extras"] = json!("HERE");
            glb.bytes_with(&|text| text.replace("\"HERE\"", &format!("{}0{}", "[".repeat(n), "]".repeat(n))))
        };
        for (what, bytes) in [
            ("nested", nested(1_000_000)),
            ("truncated", whole[..whole.len() - 9].to_vec()),
            ("percent", percent.bytes()),
            ("cycle", cycle.bytes()),
            ("beyond", beyond.bytes()),
            ("required", required.bytes()),
            ("empty", Vec::new()),
        ] {
            let reply = preflight(&app, bytes, &small()).await;
            let (status, code) = reply.problem();
            assert!(status == 422 && code.starts_with("glb."), "{what}: {status} {code}");
            assert_eq!(reply.pointers()[0], "/glb", "{what}");
            let problem = reply.json();
            let (help, detail) = (problem["help"].as_str().expect("a way out"), problem["errors"][0]["detail"].as_str());
            assert!(detail.is_some_and(|detail| !detail.contains(help)), "the way out is told once: {problem}");
            assert!(problem["errors"][0]["at"].is_string(), "{what}: {problem}");
        }
        assert_eq!(app.get("/readyz").await.status, 200);
    }
}
