use packshot_pipeline::plan::words::{FileFormat, GroundWord};
use packshot_pipeline::plan::{OptionId, TABLE};
use serde_json::{Value, json};
use utoipa::PartialSchema;

use super::*;

const GLB: Uploads = Uploads { has_glb: true, has_environment: false };

/// As a service does that has no limits of its own but that of samples.
fn limits() -> Limits {
    Limits { samples_max: SAMPLES_MAX, ..Limits::default() }
}

fn parse(body: Value) -> Result<RenderRequest, Vec<(String, String)>> {
    let read = RenderRequest::read(&body, GLB).and_then(|request| request.resolved(GLB, &limits()));
    let findings = |invalid: Invalid| invalid.findings.into_iter().map(|f| (f.pointer, f.code)).collect();
    read.map(|(request, _)| request).map_err(findings)
}

fn findings(body: Value) -> Vec<(String, String)> {
    parse(body).expect_err("something is wrong with it")
}

fn found(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(pointer, code)| (pointer.to_owned(), code.to_owned())).collect()
}

#[test]
fn r01_a_job_shows_every_option_in_effect() {
    let request = parse(json!({})).expect("all defaults");
    let shown = serde_json::to_value(&request).expect("JSON");
    for (member, value) in [
        ("width", json!(1024)),
        ("samples", json!(256)),
        ("fill", json!(0.85)),
        ("view", json!("three_quarter")),
        ("formats", json!(["png"])),
        ("kind", json!("still")),
        ("margin_px", Value::Null),
        ("frame_count", Value::Null),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
    let limits = Limits { samples_default: 64, device_default: "cpu".to_owned(), pixels_max: 1 << 21, ..limits() };
    let (request, _) = RenderRequest::default().resolved(GLB, &limits).expect("all defaults");
    assert_eq!((request.options.samples, request.options.device.as_deref()), (Some(64), Some("cpu")));
}

#[test]
fn r10_each_mistake_has_its_pointer() {
    for (body, pointer, code) in [
        (json!({"width": 0}), "/width", "out_of_range"),
        (json!({"width": 16385}), "/width", "out_of_range"),
        (json!({"width": "512"}), "/width", "wrong_type"),
        (json!({"width": 1.5}), "/width", "out_of_range"),
        (json!({"samples": 0}), "/samples", "out_of_range"),
        (json!({"samples": 65537}), "/samples", "out_of_range"),
        (json!({"fill": 1.5}), "/fill", "out_of_range"),
        (json!({"formats": []}), "/formats", "out_of_range"),
        (json!({"formats": ["png", "png"]}), "/formats/1", "duplicate"),
        (json!({"formats": ["gif"]}), "/formats/0", "unknown_value"),
        (json!({"format": "jpg", "formats": ["jpg"]}), "/format", "conflicting_members"),
        (json!({"view": "sideways"}), "/view", "unknown_value"),
        (json!({"kind": "film"}), "/kind", "unknown_value"),
        (json!({"light": "environment"}), "/light", "missing"),
        (json!({"background": "#12345"}), "/background", "unknown_value"),
        (json!({"bit_depth": 12}), "/bit_depth", "out_of_range"),
        (json!({"bit_depth": 10}), "/bit_depth", "conflicting_members"),
        (json!({"quality": 101, "formats": ["jpg"]}), "/quality", "out_of_range"),
        (json!({"dof": 0.05}), "/dof", "out_of_range"),
        (json!({"kind": "turntable", "frame_count": 1}), "/frame_count", "out_of_range"),
        (json!({"formats": ["webp"], "width": 16384}), "/formats/0", "encode.too_large"),
        (json!({"priority": 11}), "/priority", "out_of_range"),
        (json!({"metadata": []}), "/metadata", "wrong_type"),
        (json!({"metadata": {"text": "x".repeat(16 << 10)}}), "/metadata", "out_of_range"),
        (json!({"retention_class": "for-ever"}), "/retention_class", "unknown_retention_class"),
        (json!({"only": [7]}), "/only/0", "wrong_type"),
        (json!({"material": ["Ring"]}), "/material/0", "out_of_range"),
        (
            json!({"materials": {"parts": [{"part_name": "Ring", "material": 7}]}}),
            "/materials/parts/0/material",
            "map.type",
        ),
        (json!({"materials": {"colour": "red"}}), "/materials/colour", "unknown_member"),
        (json!({"template": "mine.toml"}), "/template", "unknown_value"),
        (json!({"preset": "ebay"}), "/preset", "unknown_value"),
        (json!({"preset": "google", "kind": "turntable"}), "/preset", "conflicting_members"),
        (json!({"transparent_bg": true, "background": "white"}), "/background", "conflicting_members"),
        (json!({"a/b~c": 1}), "/a~1b~0c", "unknown_member"),
        (json!([]), "", "wrong_type"),
    ] {
        assert_eq!(findings(body.clone()), found(&[(pointer, code)]), "{body}");
    }
}

#[test]
fn r10_all_mistakes_are_found_at_once() {
    let all = findings(json!({"width": 0, "samples": 0, "view": "sideways", "no_such_member": 1}));
    let mut expected = found(&[
        ("/width", "out_of_range"),
        ("/samples", "out_of_range"),
        ("/view", "unknown_value"),
        ("/no_such_member", "unknown_member"),
    ]);
    expected.sort();
    let mut all = all;
    all.sort();
    assert_eq!(all, expected);
    let contradictions = findings(json!({"trim": true, "focus": "Ring", "aovs": ["uv"]}));
    assert_eq!(contradictions.len(), 3, "{contradictions:?}");
}

#[test]
fn codes_that_name_the_request() {
    let code = |body: Value| {
        let refused = RenderRequest::read(&body, GLB).and_then(|request| request.resolved(GLB, &limits()));
        refused.expect_err("refused").code().to_owned()
    };
    assert_eq!(code(json!({"width": 16384, "height": 16384})), "image_too_large");
    assert_eq!(code(json!({"transparent_bg": true, "background": "white"})), "conflicting_members");
    assert_eq!(code(json!({"view": "front", "azimuth_deg": 3})), "conflicting_members");
    assert_eq!(code(json!({"threads": 2, "repeat": 24})), "option_not_available");
    assert_eq!(code(json!({"threads": 2, "width": 0})), "validation_failed");
    assert_eq!(code(json!({"retention_class": "for-ever"})), "unknown_retention_class");
}

#[test]
fn every_retention_class_is_read() {
    for class in RetentionClass::ALL {
        let request = parse(json!({"retention_class": class.as_str()})).expect("a class");
        assert_eq!(request.retention_class, *class);
        assert_eq!(serde_json::to_value(&request).expect("JSON")["retention_class"], class.as_str());
    }
    assert_eq!(parse(json!({})).expect("all defaults").retention_class, RetentionClass::RenderOutput);
    assert_eq!(findings(json!({"retention_class": 7})), found(&[("/retention_class", "wrong_type")]));
    let invalid = RenderRequest::read(&json!({"retention_class": "for-ever"}), GLB).expect_err("there is none");
    let told = "unknown retention class 'for-ever': expected one of raw-evidence, render-output, preview, scratch";
    assert_eq!(invalid.findings[0].detail, told);
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
}

#[test]
fn names_of_the_command_are_understood_as_hints() {
    let detail = |body: Value| RenderRequest::read(&body, GLB).expect_err("refused").findings[0].detail.clone();
    for (body, meant) in [
        (json!({"noise": 0.1}), "noise_threshold"),
        (json!({"frames": 24}), "frame_count"),
        (json!({"aov": ["uv"]}), "aovs"),
        (json!({"max-time": 3}), "max_time_s"),
        (json!({"widht": 512}), "width"),
        (json!({"prioriy": 1}), "priority"),
    ] {
        assert_eq!(detail(body), format!("there is no such member; did you mean \"{meant}\"?"));
    }
    assert_eq!(detail(json!({"zzz": 1})), "there is no such member");
    let request = parse(json!({"format": "jpg"})).expect("another name of formats");
    assert_eq!(request.options.formats, Some(vec![FileFormat::Jpg]));
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
        json!({"materials": {"comment": "1 entries, 1 to choose", "parts": []}}),
        json!({"kind": "views"}),
        json!({"kind": "views", "views": ["top", "left_300deg"], "scale": "shared", "formats": ["zip", "avif"]}),
        json!({"kind": "views", "views": ["six_view", "three_quarter"], "elevation_deg": 10}),
        json!({"kind": "turntable"}),
        json!({"kind": "turntable", "frame_count": 36, "start_deg": -90, "mode": "orbit", "azimuth_deg": 10}),
        json!({"preset": "autocare"}),
        json!({"preset": "autocare", "margin_px": 12, "formats": ["tiff"]}),
        json!({"preset": "amazon_360", "kind": "turntable"}),
        json!({"template": "hero_dark", "preset": "google"}),
        json!({"template": "catalogue_white"}),
        json!({"template": "technical_ortho_three_quarter", "edges": true, "line_color": "#102030", "kind": "views"}),
        json!({"look": "blender-5.0", "clay": true, "variant": "Red", "time": 1.5}),
        json!({"ground": "reflection", "ground_roughness": 0.3, "dof": 2.8, "focus": "Ring", "crop_to": ["Ring"]}),
        json!({"shadow_catcher": true}),
        json!({"aovs": ["normal", "light_groups"], "formats": ["png", "exr"], "exr": "float"}),
        json!({"formats": ["avif", "jpg"], "quality": 70, "dpi": 300}),
    ] {
        let mut request = parse(body.clone()).expect("a request");
        let mut again = serde_json::to_value(&request).expect("JSON");
        assert_eq!(again.get("metadata"), None, "the job has it");
        again["metadata"] = json!(std::mem::take(&mut request.metadata));
        request.metadata = body.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
        assert_eq!(parse(again.clone()), Ok(request.clone()), "{body}");
        request.metadata.clear();
        again.as_object_mut().expect("an object").remove("metadata");
        let read: RenderRequest = serde_json::from_value(again).expect("reads");
        assert_eq!(read, request, "as a client reads it: {body}");
    }
}

#[test]
fn a_job_has_the_formats_of_its_template() {
    let formats = |body: Value| parse(body).expect("a request").file_formats();
    assert_eq!(formats(json!({"template": "catalogue_white"})), [FileFormat::Png, FileFormat::Tiff]);
    assert_eq!(formats(json!({"template": "hero_dark"})), [FileFormat::Png]);
    assert_eq!(formats(json!({"kind": "turntable"})), [FileFormat::Mp4]);
}

#[test]
fn exactly_one_reference() {
    let address = format!("blake3:{}", "0".repeat(64));
    let parse = |asset: Value| {
        let request = RenderRequest::read(&json!({"asset": asset}), Uploads::default());
        request.map_err(|invalid| (invalid.code().to_owned(), invalid.findings[0].pointer.clone()))
    };
    let request = parse(json!({"content_address": address})).expect("one reference");
    assert_eq!(request.asset.and_then(|asset| asset.address()).expect("kept").to_string(), address);
    let id = "01934d2e-0000-7000-8000-000000000000";
    for member in ["file_id", "cad_file_id", "product_id"] {
        let asset = parse(json!({member: id})).expect("one reference").asset.expect("kept");
        assert_eq!((asset.member(), json!(asset)), (member, json!({member: id})));
    }
    let refused = |code: &str, pointer: &str| Err((code.to_owned(), pointer.to_owned()));
    assert_eq!(parse(json!({})), refused("validation_failed", "/asset"));
    assert_eq!(parse(json!({"content_address": "blake3:0"})), refused("validation_failed", "/asset/content_address"));
    assert_eq!(parse(json!({"product_id": "1"})), refused("validation_failed", "/asset/product_id"));
    assert_eq!(parse(json!({"content_address": address, "file_id": id})), refused("conflicting_members", "/asset"));
    assert_eq!(parse(json!({"order_line_id": id})), refused("validation_failed", "/asset/order_line_id"));
    let map = json!({"asset": {"content_address": address}, "environment": {"cad_file_id": id}});
    let of_map = RenderRequest::read(&map, Uploads::default()).expect_err("a map is no CAD file");
    assert_eq!(of_map.findings[0].pointer, "/environment/cad_file_id");
    let two = parse(json!({"content_address": address, "file_id": "1"})).expect_err("two references");
    assert_eq!(two.0, "validation_failed");
    assert_eq!(findings(json!({"asset": {"content_address": address}})), found(&[("/asset", "conflicting_members")]));
}

#[test]
fn null_is_the_same_as_leaving_out() {
    let request = parse(json!({"view": null, "camera": null, "width": null, "ground": "none"})).expect("nothing said");
    assert_eq!((request.options.width, request.options.ground), (Some(1024), Some(GroundWord::None)));
}

#[test]
fn the_picture_does_not_depend_on_priority_and_metadata() {
    let canonical = |body: Value| parse(body).expect("valid").canonical();
    assert_eq!(canonical(json!({"priority": 5, "metadata": {"a": 1}})), canonical(json!({})));
    assert_ne!(canonical(json!({"seed": 1})), canonical(json!({})));
}

#[test]
fn the_description_has_every_option_of_the_table() {
    let schema = serde_json::to_value(RenderRequest::schema()).expect("JSON");
    let properties = schema["properties"].as_object().expect("members");
    for spec in TABLE {
        let member = &properties[spec.name];
        assert!(member["description"].as_str().is_some_and(|text| text.contains(spec.help)), "{}: {member}", spec.name);
    }
    assert_eq!(properties["width"]["maximum"], 16384);
    assert_eq!(properties["width"]["x-default"], 1024);
    assert_eq!(properties["fill"]["minimum"], 0.001);
    assert!(properties["view"]["enum"].as_array().is_some_and(|words| words.contains(&json!("three_quarter"))));
    assert_eq!(properties.len(), OptionId::all().count() + 6);
}
