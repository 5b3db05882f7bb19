//! The document of graphs, read and written.

use packshot_domain::step::StepName;
use packshot_domain::workflow::{ExecutionMode, Preset};
use packshot_pipeline::plan::{Group, TABLE};
use serde_json::{Value, json};

use super::{Config, presets, steps};

fn read(document: &Value) -> Config {
    Config::read(document, "/config").unwrap_or_else(|invalid| panic!("{invalid}: {:?}", invalid.findings))
}

/// Pointers and codes of what is wrong.
fn findings(document: &Value) -> Vec<(String, String)> {
    let invalid = Config::read(document, "/config").expect_err("it is no graph");
    assert!(invalid.to_string().starts_with("Invalid workflow config: "), "{invalid}");
    invalid.findings.into_iter().map(|finding| (finding.pointer, finding.code)).collect()
}

fn node(id: &str, step: &str, params: Value) -> Value {
    json!({"id": id, "step": step, "params": params})
}

fn graph(nodes: Vec<Value>, edges: &[(&str, &str)]) -> Value {
    let edges: Vec<Value> = edges.iter().map(|(from, to)| json!({"from": from, "to": to})).collect();
    json!({"version": 1, "nodes": nodes, "edges": edges})
}

fn still(params: Value) -> Value {
    graph(vec![node("render", "render_still", params)], &[])
}

#[test]
fn w36_there_are_twenty_steps_and_schemas_have_the_options_of_the_table() {
    let list = steps(Some(256), |_| None).items;
    let names: Vec<&str> = list.iter().map(|step| step.name.as_str()).collect();
    let all: Vec<&str> = StepName::ALL.iter().map(|step| step.as_str()).collect();
    assert_eq!((names.len(), names), (20, all));
    let find = |name: &str| list.iter().find(|step| step.name == name).expect("a step");
    assert_eq!(find("render_still").aliases, ["blender_still"]);
    for step in &list {
        let parameters = step.params_schema["properties"].as_object().expect("an object");
        assert!(parameters.contains_key("failure_policy"), "{}", step.name);
        for (name, schema) in parameters {
            let has_text = |member: &str| schema[member].as_str().is_some_and(|text| !text.is_empty());
            assert!(has_text("title") && has_text("description"), "{} {name}: {schema}", step.name);
        }
        assert_eq!(step.kind == "queued", step.task_name.as_deref() == Some(step.name.as_str()), "{}", step.name);
    }
    let turntable = &find("render_turntable").params_schema["properties"];
    for name in ["fps", "frame_count", "width", "height", "samples"] {
        let schema = &turntable[name];
        let is_whole = ["default", "minimum", "maximum", "x-unit"].iter().all(|member| !schema[member].is_null());
        assert!(is_whole, "{name}: {schema}");
    }
    let thumbnail = &find("render_thumbnail").params_schema["properties"];
    assert_eq!((&thumbnail["width"]["default"], &thumbnail["samples"]["default"]), (&json!(512), &json!(64)));
    for spec in TABLE {
        let is_parameter = spec.group != Group::Materials;
        let has = ["render_still", "render_turntable", "render_views"]
            .iter()
            .any(|step| find(step).params_schema["properties"].get(spec.name).is_some());
        assert_eq!(has, is_parameter, "{}", spec.name);
    }
}

#[test]
fn w51_the_one_form_of_a_document_is_its_own_and_keeps_names() {
    let mut documents: Vec<Value> = presets().items.into_iter().map(|preset| preset.config).collect();
    documents
        .push(json!({"type": "still", "params": {"width": 1024, "height": 768}, "ui": {"execution_mode": "graph"}}));
    documents.push(json!({"type": "thumbnail"}));
    documents.push(graph(
        vec![
            node("n1", "extract_metadata", json!({})),
            node("n2", "blender_render", json!({"engine": "cycles", "samples": 64, "transparent_bg": true})),
            node("n3", "blender_turntable", json!({"fps": 24, "format": "webp", "frame_count": null})),
            json!({"id": "n4", "step": "export_blend", "ui": {"x": 3, "label": "Mine"}}),
            node("n5", "deliver", json!({"failure_policy": {"fallback_to_legacy": true}})),
        ],
        &[("n1", "n2"), ("n2", "n3"), ("n3", "n4"), ("n4", "n5")],
    ));
    for document in documents {
        let once = read(&document).json();
        assert_eq!(read(&once).json(), once, "{document}");
        if let Some(nodes) = document["nodes"].as_array() {
            let names = |nodes: &[Value]| nodes.iter().map(|node| node["id"].clone()).collect::<Vec<_>>();
            assert_eq!(names(once["nodes"].as_array().expect("a list")), names(nodes));
        }
    }
}

#[test]
fn w52_what_is_left_out_is_filled_in_and_what_pages_keep_survives() {
    let stored = read(&json!({
        "version": 1,
        "nodes": [{"id": "render", "step": "blender_still", "ui": {"x": 1}}],
    }))
    .json();
    let node = json!({"id": "render", "step": "render_still", "params": {}, "ui": {"x": 1, "label": "Render a still"}});
    let expected =
        json!({"version": 1, "ui": {"preset": "custom", "execution_mode": "legacy"}, "nodes": [node], "edges": []});
    assert_eq!(stored, expected);
    let with_ui = json!({"type": "turntable", "ui": {"execution_mode": "shadow", "zoom": 2, "preset": "still"}});
    let read = read(&with_ui);
    assert_eq!(
        (read.preset, read.execution_mode),
        (Preset::Turntable, ExecutionMode::Shadow),
        "the type is the preset"
    );
    assert_eq!(read.json()["ui"]["zoom"], 2);
}

#[test]
fn w100_formats_have_one_name_and_must_fit_the_step() {
    let stored = read(&still(json!({"format": "jpg", "transparent_bg": true}))).json();
    assert_eq!(stored["nodes"][0]["params"], json!({"formats": ["jpg"], "background": "transparent"}));
    read(&graph(vec![node("t", "render_turntable", json!({"formats": ["mp4", "zip"]}))], &[]));
    let (pointer, _) = findings(&still(json!({"formats": ["mp4"]}))).remove(0);
    assert!(pointer.starts_with("/config/nodes/0/params/formats"), "{pointer}");
}

#[test]
fn w23_w28_w37_w53_each_fault_has_one_precise_place() {
    let two = || vec![node("a", "render_still", json!({})), node("b", "render_still", json!({}))];
    let three = || [two(), vec![node("c", "notify", json!({}))]].concat();
    let mut other_version = still(json!({}));
    other_version["version"] = json!(2);
    let many: Vec<Value> = (0..101).map(|n| node(&format!("n{n}"), "notify", json!({}))).collect();
    for (document, pointer, code) in [
        (other_version, "/config/version", "out_of_range"),
        (graph(vec![], &[]), "/config/nodes", "out_of_range"),
        (graph([two(), two()].concat()[..3].to_vec(), &[]), "/config/nodes/2/id", "duplicate"),
        (graph(vec![node("1a", "notify", json!({}))], &[]), "/config/nodes/0/id", "out_of_range"),
        (graph(two(), &[("a", "a")]), "/config/edges/0", "self_edge"),
        (graph(two(), &[("a", "b"), ("a", "b")]), "/config/edges/1", "duplicate"),
        (graph(three(), &[("a", "b"), ("b", "c"), ("c", "a")]), "/config/edges/2", "cycle"),
        (graph(two(), &[("missing", "b")]), "/config/edges/0/from", "unknown_node"),
        (graph(two(), &[("a", "not there")]), "/config/edges/0/to", "unknown_node"),
        (graph(many, &[]), "/config/nodes", "out_of_range"),
        (still(json!({"width": 0})), "/config/nodes/0/params/width", "out_of_range"),
        (still(json!({"width": "big"})), "/config/nodes/0/params/width", "wrong_type"),
        (still(json!({"fps": 24})), "/config/nodes/0/params/fps", "unknown_member"),
        (still(json!({"engine": "eevee"})), "/config/nodes/0/params/engine", "unknown_value"),
        (graph(vec![node("a", "make_coffee", json!({"cups": 2}))], &[]), "/config/nodes/0/step", "unknown_value"),
        (json!({"version": 1, "nodes": [node("a", "notify", json!({}))], "x": 1}), "/config/x", "unknown_member"),
        (json!({"type": "still", "params": {"width": 0}}), "/config/params/width", "out_of_range"),
        (json!({"type": "custom"}), "/config/type", "unknown_value"),
        (json!([]), "/config", "wrong_type"),
    ] {
        assert_eq!(findings(&document), [(pointer.to_owned(), code.to_owned())], "{document}");
    }
    let sentence = Config::read(&graph(two(), &[("missing", "b")]), "/config").expect_err("no node").to_string();
    assert_eq!(sentence, "Invalid workflow config: edge 0 starts at unknown node 'missing'");
    let mut odd = graph(vec![node("a", "render_still", json!({"width": 0}))], &[("x", "a")]);
    odd["version"] = json!(3);
    assert_eq!(findings(&odd).len(), 3, "three faults are three findings");
    let unnamed = graph(vec![node("1a", "notify", json!({})), node("b", "notify", json!({}))], &[("1a", "b")]);
    assert_eq!(findings(&unnamed).len(), 1, "an edge to a node without a name is no fault of its own");
}

#[test]
fn parameters_of_steps_are_checked_one_by_one() {
    for (step, good, bad) in [
        ("occ_glb_export", json!({"linear_deflection_mm": "auto"}), json!({"linear_deflection_mm": "fine"})),
        ("occ_glb_export", json!({"angular_deflection_deg": 12.5}), json!({"angular_deflection_deg": 0})),
        ("upload_step", json!({"allowed_extensions": ["step"]}), json!({"allowed_extensions": ["step", "step"]})),
        ("resolve_materials", json!({"on_unmapped": "fail"}), json!({"on_unmapped": "keep"})),
        ("resolve_materials", json!({"max_unmapped": 0}), json!({"max_unmapped": -1})),
        ("export_glb", json!({"quality": "high"}), json!({"quality": "best"})),
        ("output_save", json!({"retention_class": "preview"}), json!({"retention_class": "ever"})),
        ("deliver", json!({"webhook_id": "0193a8c4-7c1e-7000-8000-000000000000"}), json!({"webhook_id": "x"})),
        ("notify", json!({"failure_policy": {}}), json!({"failure_policy": {"fallback": true}})),
    ] {
        let config = read(&graph(vec![node("n", step, good.clone())], &[]));
        let (name, value) = good.as_object().and_then(|good| good.iter().next()).expect("a member");
        if name != "failure_policy" {
            assert_eq!(config.nodes[0].get(name), *value);
        }
        assert_eq!(findings(&graph(vec![node("n", step, bad.clone())], &[])).len(), 1, "{step} {bad}");
    }
    let plain = read(&graph(vec![node("n", "occ_glb_export", json!({}))], &[]));
    assert_eq!(plain.nodes[0].get("linear_deflection_mm"), 0.1);
}
