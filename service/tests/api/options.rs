//! R01, R10, R58: options of a picture that reach the renderer.

use serde_json::{Value, json};

use crate::app::{Reply, TestApp, id, pixels, small};
use crate::glb::Glb;

/// [`small`] with other members.
fn with(members: Value) -> Value {
    let mut request = small();
    for (name, value) in members.as_object().expect("an object") {
        request[name] = value.clone();
    }
    request
}

/// A job's file of a format.
async fn result(app: &TestApp, job: &Value, format: &str) -> Vec<u8> {
    assert_eq!(job["state"], "completed", "{job}");
    let reply = app.get(&format!("/api/v1/renders/{}/result.{format}", id(job))).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.body
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

cases! {
    on_postgres_in_the_soak:
    async fn r58_a_shadow_catcher_leaves_shadows_in_alpha(engine) {
        let app = TestApp::start(&engine).await;
        let request = json!({"width": 48, "height": 48, "samples": 64, "light": "studio_soft", "fill": 0.5});
        let (plain, caught) = (app.render(&with(request.clone())).await, {
            let mut request = request.clone();
            request["shadow_catcher"] = json!(true);
            app.render(&with(request)).await
        });
        assert_eq!((&caught["request"]["shadow_catcher"], &caught["request"]["ground"]), (&json!(true), &json!("shadow")));
        let (plain, caught) = (pixels(&result(&app, &plain, "png").await), pixels(&result(&app, &caught, "png").await));
        // Pixels that are empty without the catcher have a shadow with it: black, and partly transparent.
        let shadows = plain.iter().zip(&caught).filter(|(before, after)| before[3] == 0 && (10..250).contains(&after[3]));
        let shadows: Vec<_> = shadows.map(|(_, after)| *after).collect();
        assert!(shadows.len() > 20, "{} pixels of shadow", shadows.len());
        let n_dark = shadows.iter().filter(|[r, g, b, _]| r.max(g).max(b) < &64).count();
        assert!(10 * n_dark > 9 * shadows.len(), "{n_dark} of {} are dark: {shadows:?}", shadows.len());
        assert!(shadows.iter().any(|shadow| shadow[3] > 50), "the shadow is darkest under the product");
        let solid = |pixels: &[[u8; 4]]| pixels.iter().filter(|pixel| pixel[3] == 255).count();
        assert!(solid(&plain) > 100, "the product is there");
        assert!(solid(&caught) >= solid(&plain), "it covers at least the same pixels");
    }

    async fn r07_stills_of_every_format(engine) {
        let app = TestApp::start(&engine).await;
        let formats = [("png", "image/png", &b"\x89PNG"[..]), ("jpg", "image/jpeg", b"\xff\xd8\xff"), ("webp", "image/webp", b"RIFF"), ("avif", "image/avif", b"\0\0\0"), ("tiff", "image/tiff", b"II*\0")];
        let names: Vec<&str> = formats.iter().map(|(name, ..)| *name).collect();
        let job = app.render(&with(json!({"formats": names, "quality": 80, "dpi": 300}))).await;
        for (format, media_type, magic) in formats {
            let file = app.get(&format!("/api/v1/renders/{}/result.{format}", id(&job))).await;
            assert_eq!((file.status, file.header("content-type")), (200, Some(media_type)), "{job}");
            assert!(file.body.starts_with(magic), "{format}");
        }
        assert!(contains(&result(&app, &job, "avif").await, "ftypavif"));
        assert!(contains(&result(&app, &job, "png").await, "pHYs"));
        let deep = app.render(&with(json!({"formats": ["tiff", "png"], "bit_depth": 16}))).await;
        let (tiff, png) = (result(&app, &deep, "tiff").await, result(&app, &deep, "png").await);
        assert_eq!(png::Decoder::new(std::io::Cursor::new(&png)).read_info().expect("a PNG").info().bit_depth, png::BitDepth::Sixteen);
        assert!(tiff.len() > result(&app, &job, "tiff").await.len());
    }

    async fn r01_layers_are_in_the_exr(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&with(json!({"formats": ["png", "exr"], "aovs": ["normal", "part_id", "light_groups", "samples"]}))).await;
        let exr = result(&app, &job, "exr").await;
        for name in ["normal.X", "cryptomatte/", "light_environment.R", "samples.Y"] {
            assert!(contains(&exr, name), "{name}");
        }
        let plain = app.render(&with(json!({"formats": ["exr"]}))).await;
        assert!(!contains(&result(&app, &plain, "exr").await, "normal.X"));
    }

    async fn r01_a_template_takes_the_picture(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&json!({"template": "hero_dark", "width": 32, "height": 32, "samples": 2})).await;
        assert_eq!((&job["request"]["light"], &job["request"]["lens_mm"], &job["request"]["width"]), (&json!("template"), &json!(70.0), &json!(32)));
        assert_eq!(pixels_of_rgb(&result(&app, &job, "png").await)[0], [0x14, 0x18, 0x1E], "its backdrop");
        let clay = app.render(&json!({"template": "clay_review", "width": 16, "height": 16, "samples": 1})).await;
        let report = app.get(clay["links"]["report"].as_str().expect("a link")).await.json();
        assert!(report.to_string().contains("Clay"), "its material: {report}");
        let own = app.render(&with(json!({"clay": true}))).await;
        let plain = app.render(&small()).await;
        assert_ne!(pixels(&result(&app, &own, "png").await), pixels(&result(&app, &plain, "png").await));
    }

    async fn r01_lines_alone_are_black_on_white(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&with(json!({"width": 64, "height": 64, "edges": true, "lines_only": true, "background": "white"}))).await;
        let drawn = pixels_of_rgb(&result(&app, &job, "png").await);
        let n_dark = drawn.iter().filter(|rgb| rgb.iter().all(|value| *value < 64)).count();
        assert!((20..1000).contains(&n_dark), "{n_dark} pixels of lines");
        assert!(drawn.iter().all(|[r, g, b]| r == g && g == b), "and nothing else");
        let over = app.render(&with(json!({"width": 64, "height": 64, "wireframe": true, "line_color": "#FF0000"}))).await;
        assert!(pixels(&result(&app, &over, "png").await).iter().any(|[r, g, b, a]| *r > 200 && *g < 60 && *b < 60 && *a > 200));
        let view = app.render(&with(json!({"kind": "views", "views": ["front"], "edges": true, "formats": ["jpg"]}))).await;
        let preview = app.get(view["links"]["preview"].as_str().expect("a link")).await;
        assert!(preview.body.starts_with(b"\x89PNG"));
    }

    async fn r10_a_preset_is_measured(engine) {
        let app = TestApp::start(&engine).await;
        let good = app.render(&json!({"preset": "google", "samples": 1, "light": "white", "denoise": "off"})).await;
        assert_eq!((&good["state"], &good["request"]["background"]), (&json!("completed"), &json!("white")), "{good}");
        let report = app.get(good["links"]["report"].as_str().expect("a link")).await.json();
        let checks = report["render"]["checks"].as_array().expect("checks");
        assert!(checks.len() >= 5 && checks.iter().all(|check| check["passed"] == true), "{checks:?}");
        let bad = app.render(&json!({"preset": "google", "samples": 1, "light": "white", "denoise": "off", "fill": 0.5})).await;
        assert_eq!((&bad["state"], &bad["error"]["code"]), (&json!("failed"), &json!("preset.rule_broken")), "{bad}");
        assert!(bad["error"]["detail"].as_str().is_some_and(|detail| detail.contains("fill")), "{bad}");
    }

    async fn r10_a_picture_that_breaks_a_rule_of_its_preset_is_kept(engine) {
        let app = TestApp::start(&engine).await;
        let request = json!({
            "preset": "google", "samples": 1, "light": "white", "denoise": "off", "fill": 0.5, "width": 500, "height": 500,
            "formats": ["png", "webp"],
        });
        let job = app.render(&request).await;
        assert_eq!((&job["state"], &job["error"]["code"]), (&json!("failed"), &json!("preset.rule_broken")), "{job}");
        let files = job["result"]["files"].as_array().expect("files");
        assert_eq!(files.iter().map(|file| &file["name"]).collect::<Vec<_>>(), ["result.png", "result.webp"]);
        for file in files {
            let reply = app.get(file["url"].as_str().expect("a URL")).await;
            assert_eq!((reply.status, json!(reply.body.len())), (200, file["size_bytes"].clone()));
        }
        for format in ["png", "webp"] {
            assert_eq!(app.get(job["links"]["results"][format].as_str().expect("a link")).await.status, 200);
        }
        let shown = app.get(job["links"]["preview"].as_str().expect("a link")).await;
        assert_eq!((shown.status, shown.header("content-type")), (200, Some("image/png")));
        let report = app.get(job["links"]["report"].as_str().expect("a link")).await.json();
        let checks = report["render"]["checks"].as_array().expect("checks");
        let broken: Vec<&Value> = checks.iter().filter(|check| check["passed"] == false).collect();
        assert!(!broken.is_empty() && broken.iter().all(|check| check["rule"] == "fill"), "{checks:?}");
        assert_eq!(app.get(&format!("{}/shot.json", job["links"]["self"].as_str().expect("a link"))).await.status, 200);

        let again = app.render(&request).await;
        assert_eq!((&again["state"], &again["result"]["from_cache"]), (&json!("failed"), &json!(false)), "never cached");
        let picture = app.rendering(Glb::body(), &request).header("prefer", "wait=30").header("accept", "image/png");
        let refused = Reply::of(picture).await;
        assert_eq!(refused.problem(), (422, "preset.rule_broken".to_owned()));
        let id = refused.header("x-packshot-render-id").expect("which render it is");
        assert_eq!(app.get(&format!("/api/v1/renders/{id}/result.png")).await.status, 200, "the render that was waited for can also be read");
    }

    async fn r01_what_the_file_does_not_have_is_said(engine) {
        let app = TestApp::start(&engine).await;
        for (members, code) in [
            (json!({"variant": "Red"}), "glb.variant"),
            (json!({"animation": "Open"}), "glb.no_animation"),
            (json!({"dof": 2.8, "focus": "Nut"}), "shot.part_not_found"),
            (json!({"crop_to": ["Nut"]}), "shot.part_not_found"),
        ] {
            let job = app.render(&with(members.clone())).await;
            assert_eq!((&job["state"], &job["error"]["code"]), (&json!("failed"), &json!(code)), "{members}: {job}");
        }
        let blurred = app.render(&with(json!({"width": 32, "height": 32, "dof": 0.5}))).await;
        let sharp = app.render(&with(json!({"width": 32, "height": 32}))).await;
        assert_ne!(pixels(&result(&app, &blurred, "png").await), pixels(&result(&app, &sharp, "png").await));
    }
}

/// The pixels of a PNG of 8 bits without alpha.
fn pixels_of_rgb(png: &[u8]) -> Vec<[u8; 3]> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG");
    assert_eq!(reader.info().color_type, png::ColorType::Rgb, "it is opaque");
    let mut bytes = vec![0; reader.output_buffer_size().expect("small")];
    reader.next_frame(&mut bytes).expect("a picture");
    bytes.as_chunks().0.to_vec()
}
