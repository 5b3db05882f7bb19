//! Packages of renders, in folders, as an archive of the service unpacks.

use std::path::Path;

use packshot_domain::artifact::{
    ArtifactFile, BackendId, ByteSize, Manifest, ManifestPackage, Map, Metadata, Receipt, RetentionClass, StoredFile,
    Tree,
};
use packshot_domain::hash::{ContentAddress, Sha256Digest};
use packshot_domain::id::{FileId, PackageId};
use serde_json::{Value, json};

/// The manifest of a package, below its folder.
pub(crate) const MANIFEST: &str = ".packshot/manifest.cbor";

fn read<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect(text)
}

/// A document as a value of a manifest.
fn tree(value: &Value) -> Tree {
    match value {
        Value::Null => Tree::Null,
        Value::Bool(is_so) => Tree::Bool(*is_so),
        Value::Number(number) => Tree::number(number.as_f64().expect("finite")).expect("a number"),
        Value::String(text) => Tree::Text(text.clone()),
        Value::Array(items) => Tree::Array(items.iter().map(tree).collect()),
        Value::Object(members) => Tree::Map(members.iter().map(|(name, value)| (name.clone(), tree(value))).collect()),
    }
}

fn file(path: &str, bytes: &[u8]) -> StoredFile {
    let size = ByteSize::new(bytes.len() as u64).expect("a size");
    let file = ArtifactFile {
        id: FileId::new(),
        path: read(path),
        media_type: read(if path.ends_with(".png") { "image/png" } else { "application/json" }),
        size,
        address: ContentAddress::of(bytes),
        sha256: Sha256Digest::of_bytes(bytes),
    };
    let receipt = Receipt { backend: read::<BackendId>("local"), size, stored_at: read("2026-11-20T10:00:01.000Z") };
    StoredFile { file, receipts: vec![receipt] }
}

/// Writes a package with these files into a folder; gives the digest of its manifest.
pub(crate) fn write(folder: &Path, files: &[(&str, Vec<u8>)], provenance: Option<&Value>) -> String {
    let members = provenance.map(|provenance| ("provenance".to_owned(), tree(provenance)));
    let package = ManifestPackage {
        id: PackageId::new(),
        name: read("render of the boxes"),
        producer: read("packshot/0.1.0"),
        subject: read("render:01935d00-0000-7000-8000-000000000001"),
        retention_class: RetentionClass::RenderOutput,
        metadata: Metadata::new(Map::from_iter(members)).expect("metadata"),
        created_at: read("2026-11-20T10:00:00.000Z"),
        created_by: read("system"),
        finalized_at: read("2026-11-20T10:00:02.000Z"),
        finalized_by: read("system"),
    };
    let manifest = Manifest::new(package, files.iter().map(|(path, bytes)| file(path, bytes)).collect());
    let manifest = manifest.expect("one file for each path");
    let put = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("made");
        std::fs::write(path, bytes).expect("written");
    };
    files.iter().for_each(|(path, bytes)| put(path, bytes));
    put(MANIFEST, &manifest.encode());
    manifest.digest().to_string()
}

/// The provenance of a picture of `boxes.glb` on the processor, with this request beside the product.
pub(crate) fn provenance(glb: &[u8], request: &Value) -> Value {
    let (scene, shot) = (ContentAddress::of(glb).to_string(), json!({"film": {"width": 32}}));
    let mut request = request.clone();
    request["asset"] = json!({ "content_address": scene });
    let library = format!("blake3:{}", packshot_materials::library::Library::builtin().digest());
    json!({
        "provenance_version": 1,
        "job": {
            "id": "01935d00-0000-7000-8000-000000000001", "task_name": "render_still",
            "order_line_id": null, "workflow_run_id": null, "workflow_node_id": null,
        },
        "renderer": {
            "name": "packshot", "version": env!("CARGO_PKG_VERSION"), "commit": null, "shader_digest": null,
            "engine": "path_tracer",
        },
        "scene": {"content_address": scene, "source_content_address": null, "cad_file_id": null, "converter": null},
        "materials": {
            "library": "STD", "library_version": "1.0.0", "library_digest": library, "aliases_digest": null,
            "map_digest": null, "fallback_material": "STD_059999_FailedMaterial", "unmapped_parts": 0,
        },
        "environment": {"name": "studio_soft", "content_address": null},
        // The digest is of the canonical form, which for these members is this text.
        "shot": shot, "shot_digest": ContentAddress::of(br#"{"film":{"width":32}}"#).to_string(),
        "sampling": {
            "seed": request["seed"].as_u64().unwrap_or(0), "samples_max": request["samples"],
            "samples_mean": null, "noise_threshold": null, "noise_reached": null, "max_time_s": null,
        },
        "denoise": {"method": null, "weights_digest": null},
        "device": {"kind": "cpu", "name": null, "backend": "CPU", "driver": null},
        "request": request, "duration_s": 0.5,
    })
}
