//! Files that are valid but too large.

use std::sync::atomic::{AtomicUsize, Ordering};

use packshot_renderer::import::{ImportErrorCode, ImportOptions, Limits, load};
use serde_json::json;

use crate::glb::{F32, Glb};
use crate::images::{PNG, png};

#[test]
fn every_limit_is_named_when_it_is_reached() {
    type Lower = fn(&mut Limits);
    let cases: [(&str, Lower); 8] = [
        ("json_values", |limits| limits.json_values = 50),
        ("nodes", |limits| limits.nodes = 0),
        ("zero_elements", |limits| limits.zero_elements = 3),
        ("triangles", |limits| limits.triangles = 1),
        ("vertices", |limits| limits.vertices = 3),
        ("path_bytes", |limits| limits.path_bytes = 4),
        ("image_side_px", |limits| limits.image_side_px = 3),
        ("image_bytes", |limits| limits.image_bytes = 63),
    ];
    // The limits on copies, poses and compressed data are tested with those.
    let mut glb = Glb::square();
    let texture = glb.texture(&png([0; 4]), PNG);
    let zeros = glb.push("accessors", json!({"componentType": F32, "count": 4, "type": "VEC2"}));
    let glb = glb
        .set("/materials/0/pbrMetallicRoughness", json!({"baseColorTexture": {"index": texture}}))
        .set("/meshes/0/primitives/0/attributes/TEXCOORD_1", json!(zeros));
    assert_eq!(glb.refusal(), "loads");
    for (name, lower) in cases {
        let mut options = ImportOptions::default();
        lower(&mut options.limits);
        let error = load(&glb.bytes(), &options, &|| false).expect_err(name);
        assert_eq!(error.code(), ImportErrorCode::Limit, "{name}: {error}");
        assert!(error.message().contains(name), "{name}: {error}");
    }
}

#[test]
fn a_small_file_cannot_ask_for_large_memory() {
    let zeros = |count: u64| {
        let mut glb = Glb::square();
        let accessor = glb.push("accessors", json!({"componentType": F32, "count": count, "type": "VEC3"}));
        glb.set("/meshes/0/primitives/0/attributes/POSITION", json!(accessor)).refusal()
    };
    assert_eq!(zeros(4_000_000_000), "glb.limit /accessors/4/count");
    assert_eq!(zeros(u64::MAX), "glb.limit /accessors/4/count");
    // A part at every node of a long chain: the total length of paths would be quadratic in its length.
    let chain: Vec<_> =
        (1..=20_000).map(|child| json!({"mesh": 0, "children": [child]})).chain([json!({"mesh": 0})]).collect();
    let refusal = Glb::square().set("/nodes", json!(chain)).refusal();
    assert!(refusal.starts_with("glb.limit /nodes/"), "{refusal}");
    // A long mesh name that is placed often.
    let nodes = vec![json!({"mesh": 0}); 1000];
    let roots: Vec<usize> = (0..nodes.len()).collect();
    let glb = Glb::square().set("/nodes", json!(nodes)).set("/scenes/0/nodes", json!(roots));
    let refusal = glb.set("/meshes/0/name", json!("x".repeat(100_000))).refusal();
    assert!(refusal.starts_with("glb.limit /nodes/"), "{refusal}");
}

#[test]
fn an_import_ends_wherever_it_is_cancelled() {
    let mut glb = Glb::square();
    let texture = glb.texture(&png([0; 4]), PNG);
    let glb = glb.set("/materials/0/pbrMetallicRoughness", json!({"baseColorTexture": {"index": texture}}));
    // Cancelled at the poll with this number; returns the number of polls.
    let cancelled_at = |place: usize| {
        let asked = AtomicUsize::new(0);
        let result = load(&glb.bytes(), &ImportOptions::default(), &|| asked.fetch_add(1, Ordering::Relaxed) >= place);
        (result.map_err(|error| error.code()), asked.into_inner())
    };
    let (whole, questions) = cancelled_at(usize::MAX);
    assert!(whole.is_ok() && questions > 10, "{questions} questions");
    for place in 0..questions {
        let (result, _) = cancelled_at(place);
        assert_eq!(result.err(), Some(ImportErrorCode::Cancelled), "at question {place} of {questions}");
    }
}
