use serde_json::json;

use super::*;

const GLB: Uploads = Uploads { has_glb: true, has_environment: false };

fn parse(body: Value) -> Result<RenderRequest, Vec<(String, String)>> {
    let parsed = RenderRequest::parse(&body, GLB, &RequestDefaults::default());
    parsed.map_err(|invalid| invalid.findings.into_iter().map(|f| (f.pointer, f.code)).collect())
}

fn findings(body: Value) -> Vec<(String, String)> {
    parse(body).expect_err("something is wrong with it")
}

fn found(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(pointer, code)| (pointer.to_owned(), code.to_owned())).collect()
}

#[test]
fn nothing_said_is_the_default() {
    assert_eq!(parse(json!({})), Ok(RenderRequest::default()));
    let defaults = RequestDefaults { samples: 64, device: "cpu".into(), pixels_max: 1 << 21 };
    let request = RenderRequest::parse(&json!({}), GLB, &defaults).expect("all defaults");
    assert_eq!((request.samples, request.device.as_str()), (64, "cpu"));
}

#[test]
fn r10_each_mistake_has_its_pointer() {
    for (body, pointer, code) in [
        (json!({"width": 0}), "/width", "out_of_range"),
        (json!({"width": 16385}), "/width", "out_of_range"),
        (json!({"width": "512"}), "/width", "wrong_type"),
        (json!({"width": 1.5}), "/width", "out_of_range"),
        (json!({"width": null}), "/width", "wrong_type"),
        (json!({"samples": 0}), "/samples", "out_of_range"),
        (json!({"samples": 65537}), "/samples", "out_of_range"),
        (json!({"fill": 1.5}), "/fill", "out_of_range"),
        (json!({"formats": []}), "/formats", "out_of_range"),
        (json!({"formats": ["png", "png"]}), "/formats/1", "duplicate"),
        (json!({"formats": ["gif"]}), "/formats/0", "unknown_value"),
        (json!({"view": "sideways"}), "/view", "unknown_value"),
        (json!({"light": "environment"}), "/environment", "missing"),
        (json!({"background": "#12345"}), "/background", "unknown_value"),
        (json!({"bit_depth": 12}), "/bit_depth", "out_of_range"),
        (json!({"bit_depth": 10}), "/bit_depth", "conflicting_members"),
        (json!({"bit_depth": 32, "formats": ["tiff", "png"]}), "/bit_depth", "conflicting_members"),
        (json!({"bit_depth": 16, "formats": ["jpg"]}), "/bit_depth", "conflicting_members"),
        (json!({"quality": 101, "formats": ["jpg"]}), "/quality", "out_of_range"),
        (json!({"quality": 80}), "/quality", "conflicting_members"),
        (json!({"dpi": 0}), "/dpi", "out_of_range"),
        (json!({"kind": "turntable", "dpi": 300, "formats": ["webp"]}), "/dpi", "conflicting_members"),
        (json!({"exr": "float"}), "/exr", "conflicting_members"),
        (json!({"formats": ["webp"], "width": 16384}), "/formats/0", "encode.too_large"),
        (json!({"priority": 11}), "/priority", "out_of_range"),
        (json!({"metadata": []}), "/metadata", "wrong_type"),
        (json!({"metadata": {"text": "x".repeat(16 << 10)}}), "/metadata", "out_of_range"),
        (json!({"retention_class": "for-ever"}), "/retention_class", "unknown_value"),
        (json!({"only": [7]}), "/only/0", "wrong_type"),
        (json!({"material": ["Ring"]}), "/material/0", "out_of_range"),
        (
            json!({"materials": {"parts": [{"part_name": "Ring", "material": 7}]}}),
            "/materials/parts/0/material",
            "map.type",
        ),
        (json!({"a/b~c": 1}), "/a~1b~0c", "unknown_member"),
        (json!([]), "", "wrong_type"),
    ] {
        assert_eq!(findings(body.clone()), found(&[(pointer, code)]), "{body}");
    }
}

#[test]
fn r10_all_mistakes_are_found_at_once() {
    let all = findings(json!({"width": 0, "samples": 0, "view": "sideways", "no_such_member": 1}));
    let expected = [
        ("/width", "out_of_range"),
        ("/samples", "out_of_range"),
        ("/view", "unknown_value"),
        ("/no_such_member", "unknown_member"),
    ];
    assert_eq!(all, found(&expected));
}

#[test]
fn codes_that_name_the_request() {
    let code = |body: Value| {
        let invalid = RenderRequest::parse(&body, GLB, &RequestDefaults::default()).expect_err("refused");
        invalid.code().to_owned()
    };
    assert_eq!(code(json!({"width": 16384, "height": 16384})), "image_too_large");
    assert_eq!(code(json!({"transparent_bg": true, "background": "white"})), "conflicting_members");
    assert_eq!(code(json!({"view": "front", "azimuth_deg": 3})), "conflicting_members");
    assert_eq!(code(json!({"threads": 2, "repeat": 24})), "option_not_available");
    assert_eq!(code(json!({"threads": 2, "width": 0})), "validation_failed");
}

#[test]
fn what_is_of_one_machine_is_refused_by_name() {
    for (body, pointer) in [
        (json!({"threads": 4}), "/threads"),
        (json!({"repeat": 2}), "/repeat"),
        (json!({"report": true}), "/report"),
        (json!({"material_map": "map.csv"}), "/material_map"),
        (json!({"dump_shot": true}), "/dump_shot"),
        (json!({"shot": "a.json"}), "/shot"),
        (json!({"lut": "a.cube"}), "/lut"),
        (json!({"denoise_with": "oidn"}), "/denoise_with"),
        (json!({"oidn_quality": "high"}), "/oidn_quality"),
        (json!({"kind": "turntable", "stride": 2}), "/stride"),
        (json!({"kind": "turntable", "frames_range": "0..12"}), "/frames_range"),
        (json!({"kind": "views", "set": "six_view"}), "/set"),
        (json!({"sample": "bearing"}), "/sample"),
    ] {
        assert_eq!(findings(body.clone()), found(&[(pointer, "option_not_available")]), "{body}");
    }
    assert!(parse(json!({"aovs": [], "shadow_catcher": true, "denoise": "on", "kind": "still"})).is_ok());
}

#[test]
fn r10_options_that_contradict_each_other_have_their_pointer() {
    for (body, pointer, code) in [
        (json!({"aovs": ["normal"]}), "/aovs", "conflicting_members"),
        (json!({"aovs": ["colour"], "formats": ["exr"]}), "/aovs/0", "unknown_value"),
        (json!({"aovs": ["uv", "uv"], "formats": ["exr"]}), "/aovs/1", "duplicate"),
        (json!({"template": "mine.toml"}), "/template", "unknown_value"),
        (json!({"light": "template"}), "/light", "missing"),
        (json!({"light": "template", "template": "catalogue_white"}), "/light", "missing"),
        (json!({"preset": "ebay"}), "/preset", "unknown_value"),
        (json!({"preset": "google", "kind": "turntable"}), "/preset", "conflicting_members"),
        (json!({"preset": "google", "formats": ["exr"]}), "/formats/0", "conflicting_members"),
        (
            json!({"preset": "amazon_360", "kind": "turntable", "formats": ["mp4"], "width": 1500, "height": 1500}),
            "/formats/0",
            "conflicting_members",
        ),
        (json!({"dof": 2.8, "ortho": true}), "/dof", "conflicting_members"),
        (json!({"focus": "Ring"}), "/focus", "missing"),
        (json!({"fill": 0.5, "margin_px": 10}), "/margin_px", "conflicting_members"),
        (json!({"trim": true}), "/trim", "missing"),
        (json!({"ground_color": "#F0F0F0"}), "/ground_color", "missing"),
        (json!({"ground": "floor", "ground_color": "red"}), "/ground_color", "unknown_value"),
        (json!({"ground": "shadow", "ground_roughness": 0.2}), "/ground_roughness", "conflicting_members"),
        (json!({"ground": "floor", "shadow_catcher": true}), "/shadow_catcher", "conflicting_members"),
        (json!({"ground": "sweep", "kind": "turntable"}), "/ground", "conflicting_members"),
        (json!({"lines_only": true}), "/lines_only", "missing"),
        (json!({"edges": true, "formats": ["exr"]}), "/edges", "conflicting_members"),
        (json!({"edges": true, "lines_only": true, "formats": ["png", "exr"]}), "/lines_only", "conflicting_members"),
        (json!({"edges": true, "lines_only": true, "background": "environment"}), "/lines_only", "conflicting_members"),
        (json!({"wireframe": true, "crease_deg": 20}), "/crease_deg", "missing"),
        (json!({"edges": true, "line_color": "black"}), "/line_color", "unknown_value"),
        (json!({"edges": true, "line_width_px": 0.1}), "/line_width_px", "out_of_range"),
        (json!({"clay": true, "material": ["Ring=Steel-Bare"]}), "/material", "conflicting_members"),
        (json!({"look": "blender-4"}), "/look", "unknown_value"),
        (json!({"time": -1}), "/time", "out_of_range"),
    ] {
        assert_eq!(findings(body.clone()), found(&[(pointer, code)]), "{body}");
    }
}

#[test]
fn members_win_over_presets_and_presets_over_templates_and_looks() {
    let request = parse(json!({"template": "hero_dark"})).expect("a template");
    assert_eq!((request.azimuth_deg, request.elevation_deg, request.view), (Some(32.0), Some(10.0), None));
    assert_eq!((request.width, request.height, request.samples), (2400, 1600, 1024));
    assert_eq!((request.light, request.background.as_str()), (Light::Template, "#14181E"));
    assert_eq!((request.lens_mm, request.view_transform), (70.0, ViewTransform::AgxMediumHighContrast));
    assert_eq!(request.formats, [Format::Png]);

    let body =
        json!({"template": "hero_dark", "preset": "autocare", "height": 1500, "view": "front", "light": "white"});
    let request = parse(body).expect("both");
    assert_eq!((request.width, request.height, request.background.as_str()), (2500, 1500, "white"));
    assert_eq!((request.margin_px, request.trim, request.view), (Some(10), true, Some(View::Front)));
    assert_eq!((request.light, request.azimuth_deg, &request.formats[..]), (Light::White, None, &[Format::Jpg][..]));

    let request = parse(json!({"preset": "amazon_360", "kind": "turntable"})).expect("frames");
    assert_eq!((request.frame_count, &request.formats[..]), (Some(72), &[Format::Png][..]));

    let request = parse(json!({"look": "blender-5.0"})).expect("a look");
    assert_eq!((request.max_bounces, request.clamp_indirect), (None, 10.0));
    let request = parse(json!({"look": "blender-5.0", "max_bounces": 3, "clamp_indirect": 0})).expect("a look");
    assert_eq!((request.max_bounces, request.clamp_indirect), (Some(3), 0.0));

    let request = parse(json!({"template": "technical_ortho_front", "lens_mm": 50})).expect("a lens");
    assert!(!request.ortho, "a lens of one's own is no parallel projection");
    let request = parse(json!({"shadow_catcher": true, "ground_color": "#808080"})).expect("a catcher");
    assert_eq!(request.ground, Some(GroundWord::Shadow));
}

#[test]
fn the_request_of_a_job_can_be_sent_again() {
    for body in [
        json!({}),
        json!({"camera": "Front"}),
        json!({"azimuth_deg": 30}),
        json!({"ortho": true, "fill": 0.5}),
        json!({"transparent_bg": true, "retention_class": "scratch", "metadata": {"order": 7}}),
        json!({"materials": {"parts": [{"part_name": "Ring", "material": null}]}, "material": ["Ring=Steel-Bare"]}),
        json!({"kind": "views"}),
        json!({"kind": "views", "views": ["top", "left_300deg"], "scale": "shared", "formats": ["zip", "avif"]}),
        json!({"kind": "turntable"}),
        json!({"kind": "turntable", "frame_count": 36, "start_deg": -90, "mode": "orbit", "azimuth_deg": 10}),
        json!({"preset": "autocare"}),
        json!({"preset": "amazon_main", "fill": 0.85}),
        json!({"preset": "amazon_360", "kind": "turntable"}),
        json!({"template": "hero_dark", "preset": "google"}),
        json!({"template": "technical_ortho_three_quarter", "edges": true, "line_color": "#102030", "kind": "views"}),
        json!({"look": "blender-5.0", "clay": true, "variant": "Red", "time": 1.5}),
        json!({"ground": "reflection", "ground_roughness": 0.3, "dof": 2.8, "focus": "Ring", "crop_to": ["Ring"]}),
        json!({"shadow_catcher": true}),
        json!({"aovs": ["normal", "light_groups"], "formats": ["png", "exr"], "exr": "float"}),
        json!({"formats": ["exr"]}),
        json!({"formats": ["avif", "jpg"], "quality": 70, "dpi": 300}),
    ] {
        let mut request = parse(body.clone()).expect("a request");
        let mut again = serde_json::to_value(&request).expect("JSON");
        assert_eq!(again.get("metadata"), None, "the job has it");
        again["metadata"] = json!(std::mem::take(&mut request.metadata));
        request.metadata = body.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
        assert_eq!(parse(again), Ok(request), "{body}");
    }
    assert_eq!(findings(json!({"camera": "Front", "fill": 0.5})), found(&[("/fill", "conflicting_members")]));
    assert_eq!(findings(json!({"ortho": true, "lens_mm": 50})), found(&[("/lens_mm", "conflicting_members")]));
}

#[test]
fn exactly_one_reference() {
    let address = format!("blake3:{}", "0".repeat(64));
    let parse = |asset: Value| {
        let request = RenderRequest::parse(&json!({"asset": asset}), Uploads::default(), &RequestDefaults::default());
        request.map_err(|invalid| (invalid.code().to_owned(), invalid.findings[0].pointer.clone()))
    };
    let request = parse(json!({"content_address": address})).expect("one reference");
    assert_eq!(request.asset.expect("kept").content_address.0.to_string(), address);
    let refused = |code: &str, pointer: &str| Err((code.to_owned(), pointer.to_owned()));
    assert_eq!(parse(json!({})), refused("validation_failed", "/asset"));
    assert_eq!(parse(json!({"content_address": "blake3:0"})), refused("validation_failed", "/asset/content_address"));
    assert_eq!(parse(json!({"product_id": "1"})), refused("option_not_available", "/asset/product_id"));
    let two = parse(json!({"content_address": address, "file_id": "1"})).expect_err("two references");
    assert_eq!(two.0, "validation_failed");
    assert_eq!(findings(json!({"asset": {"content_address": address}})), found(&[("/asset", "conflicting_members")]));
}

#[test]
fn framing_is_by_name_by_angles_or_by_camera() {
    let request = parse(json!({"azimuth_deg": 30})).expect("an angle");
    assert_eq!((request.view, request.azimuth_deg, request.elevation_deg), (None, Some(30.0), Some(0.0)));
    let request = parse(json!({"camera": "Front"})).expect("a camera");
    assert_eq!((request.view, request.azimuth_deg), (None, None));
    let request = parse(json!({"view": null, "camera": null})).expect("nothing said");
    assert_eq!(request.view, Some(View::ThreeQuarter));
    assert_eq!(findings(json!({"camera": "Front", "fill": 0.5})), found(&[("/fill", "conflicting_members")]));
    assert_eq!(parse(json!({"transparent_bg": false})).expect("kept name").background, "environment");
}

#[test]
fn arguments_lie_over_the_map() {
    let parts = json!([{"part_name": "Ring", "material": "Steel"}, {"path": "A/B", "material": null}]);
    let request = parse(json!({"materials": {"library": "ACME", "parts": parts}, "material": ["Ring=NBR"]}));
    let choice = request.expect("a map").materials.expect("kept");
    let names: Vec<_> =
        choice.parts.iter().flatten().map(|e| (e.part_name.as_deref(), e.material.as_deref())).collect();
    assert_eq!(names, [(None, None), (Some("Ring"), Some("NBR"))]);
    assert_eq!(choice.library.as_deref(), Some("ACME"));
}

#[test]
fn a_request_survives_its_own_json() {
    for body in [
        json!({"width": 64, "noise_threshold": 0.02, "material": ["A=B"]}),
        json!({"kind": "views", "views": ["top"], "formats": ["zip"]}),
        json!({"kind": "turntable", "template": "low_key"}),
    ] {
        let request = parse(body).expect("valid");
        let json = serde_json::to_string(&request).expect("serialises");
        assert_eq!(serde_json::from_str::<RenderRequest>(&json).expect("reads"), request);
    }
    for (name, _) in packshot_pipeline::template::BUILTIN {
        let request = parse(json!({ "template": name })).expect(name);
        assert_eq!(parse(serde_json::to_value(&request).expect("JSON")), Ok(request), "{name}");
    }
}

#[test]
fn the_picture_does_not_depend_on_priority_and_metadata() {
    let canonical = |body: Value| parse(body).expect("valid").canonical();
    assert_eq!(canonical(json!({"priority": 5, "metadata": {"a": 1}})), canonical(json!({})));
    assert_ne!(canonical(json!({"seed": 1})), canonical(json!({})));
}
