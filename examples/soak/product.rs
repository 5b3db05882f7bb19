//! What is rendered: next to nothing, so that the service and not the renderer is what is tried.

use packshot_contract::client::Submission;
use packshot_pipeline::plan::Kind;
use serde_json::{Value, json};

/// A job of one kind or another, by its seed: a still, views of three sides, a turntable as a film and an archive.
/// Each picture has `side` × `side` pixels with so many samples.
pub(crate) fn of_any_kind(run: &str, seed: u32, side: u32, samples: u32) -> Submission {
    let mut submission = submission(run, seed, side, samples);
    let more = match seed % 4 {
        2 => json!({ "kind": "views", "views": ["front", "three_quarter", "top"] }),
        3 => json!({ "kind": "turntable", "frame_count": N_FRAMES, "formats": ["apng", "zip"] }),
        _ => json!({}),
    };
    let Value::Object(more) = more else { unreachable!("an object was written") };
    submission.request.extend(more);
    submission
}

/// Frames of a turntable.
const N_FRAMES: u32 = 3;

/// The files that a completed job of [`of_any_kind`] has.
pub(crate) fn n_files(kind: Kind) -> usize {
    match kind {
        Kind::Still => 1,
        Kind::Views => 3,
        Kind::Turntable => 2,
    }
}

/// A still of `side` × `side` pixels with so many samples. The seed tells one from all others, the key is made of it.
pub(crate) fn submission(run: &str, seed: u32, side: u32, samples: u32) -> Submission {
    let request = json!({ "width": side, "height": side, "samples": samples, "noise_threshold": 0, "seed": seed });
    let Value::Object(request) = request else { unreachable!("an object was written") };
    let idempotency_key = Some(format!("{run}-{seed}"));
    Submission { request, idempotency_key, ..Submission::of_glb(triangle()) }
}

/// The smallest product there is: one triangle of 2 cm.
pub(crate) fn triangle() -> Vec<u8> {
    let corners: [f32; 9] = [-0.01, 0.0, 0.0, 0.01, 0.0, 0.0, 0.0, 0.02, 0.0];
    let bin: Vec<u8> = corners.iter().flat_map(|value| value.to_le_bytes()).collect();
    let document = json!({
        "asset": { "version": "2.0" },
        "scene": 0,
        "scenes": [{ "nodes": [0] }],
        "nodes": [{ "name": "Triangle", "mesh": 0 }],
        "meshes": [{ "primitives": [{ "attributes": { "POSITION": 0 } }] }],
        "accessors": [{ "bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3",
                        "min": [-0.01, 0.0, 0.0], "max": [0.01, 0.02, 0.0] }],
        "bufferViews": [{ "buffer": 0, "byteLength": bin.len() }],
        "buffers": [{ "byteLength": bin.len() }],
    });
    let mut text = document.to_string().into_bytes();
    text.resize(text.len().next_multiple_of(4), b' ');
    let chunk =
        |kind: u32, bytes: &[u8]| [&(bytes.len() as u32).to_le_bytes()[..], &kind.to_le_bytes(), bytes].concat();
    let chunks = [chunk(0x4E4F_534A, &text), chunk(0x004E_4942, &bin)].concat();
    let header = [0x4654_6C67, 2, 12 + chunks.len() as u32].map(u32::to_le_bytes).concat();
    [header, chunks].concat()
}
