//! Files that are wrong, each in one way, in a folder beside `boxes.glb`, which is sound.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::findings::PNG;
use crate::package;
use crate::product::{self, BOXES};

/// Products that cannot be read, by name.
pub(crate) const BROKEN_PRODUCTS: [&str; 19] = [
    "cut.glb",
    "boxes.step",
    "chunk.glb",
    "json.gltf",
    "schema.gltf",
    "version.gltf",
    "extension.gltf",
    "reference.gltf",
    "bounds.gltf",
    "accessor.gltf",
    "index.gltf",
    "sparse.gltf",
    "non_finite.gltf",
    "graph.gltf",
    "empty.gltf",
    "external.gltf",
    "uri.gltf",
    "image.gltf",
    "limit.gltf",
];

/// The sound product as text, with members set.
pub(crate) fn gltf(members: &[(&str, Value)]) -> Vec<u8> {
    let (mut document, bin) = product::document(&BOXES);
    let uri = format!("data:application/octet-stream;base64,{}", BASE64_STANDARD.encode(&bin));
    document["buffers"] = json!([{"byteLength": bin.len(), "uri": uri}]);
    for (pointer, value) in members {
        let (owner, name) = pointer.rsplit_once('/').expect("a pointer");
        let owner = document.pointer_mut(owner).expect("there");
        match (owner, name.parse::<usize>()) {
            (Value::Array(list), Ok(at)) => list[at] = value.clone(),
            (owner, _) => owner[name] = value.clone(),
        }
    }
    document.to_string().into_bytes()
}

fn product_of(name: &str) -> Vec<u8> {
    let sound = product::glb(&BOXES);
    let one = |pointer: &str, value: Value| gltf(&[(pointer, value)]);
    match name {
        "cut.glb" => sound[..sound.len() / 2].to_vec(),
        "boxes.step" => b"ISO-10303-21;\nHEADER;\n".to_vec(),
        "chunk.glb" => [&sound[..16], b"BIN\0", &sound[20..]].concat(),
        "json.gltf" => b"{\"asset\": {\"version\": \"2.0\"}, \"nodes\": [}".to_vec(),
        "schema.gltf" => one("/nodes/0/mesh", json!("Base")),
        "version.gltf" => one("/asset/version", json!("1.0")),
        "extension.gltf" => {
            gltf(&[("/extensionsRequired", json!(["ACME_lattice"])), ("/extensionsUsed", json!(["ACME_lattice"]))])
        }
        "reference.gltf" => one("/nodes/0/mesh", json!(12)),
        "bounds.gltf" => one("/bufferViews/0/byteLength", json!(100_000)),
        "accessor.gltf" => one("/accessors/0/type", json!("VEC2")),
        "index.gltf" => one("/accessors/0/count", json!(8)),
        "sparse.gltf" => one(
            "/accessors/0/sparse",
            json!({"count": 100, "indices": {"bufferView": 1, "componentType": 5123}, "values": {"bufferView": 0}}),
        ),
        "non_finite.gltf" => one("/nodes/0/translation", json!([1e300, 0, 0])),
        "graph.gltf" => one("/nodes/0/children", json!([0])),
        "empty.gltf" => one("/scenes/0/nodes", json!([3])),
        "external.gltf" => one("/buffers/0/uri", json!("https://example.com/boxes.bin")),
        "uri.gltf" => one("/buffers/0/uri", json!("data:application/octet-stream;base64,%%%")),
        "image.gltf" => gltf(&[
            ("/images", json!([{}])),
            ("/textures", json!([{"source": 0}])),
            ("/materials/0/pbrMetallicRoughness", json!({"baseColorTexture": {"index": 0}})),
        ]),
        "limit.gltf" => one("/accessors/0", json!({"componentType": 5126, "count": 4_000_000_000_u64, "type": "VEC3"})),
        _ => unreachable!("{name}"),
    }
}

/// A library of one material that is nowhere else.
const LIBRARY: &str = "schema = \"material-library/1\"\n[library]\nid = \"ACME\"\nversion = \"1.0.0\"\n\
    color_space = \"lin_rec709\"\nfallback = \"200001\"\n";

fn material(code: &str, name: &str, lines: &str) -> String {
    format!(
        "[[material]]\ncode = \"{code}\"\nname = \"{name}\"\n{lines}\n[material.openpbr]\n[material.provenance]\n\
         class = \"estimated\"\nsource = \"test\"\nlicence = \"CC0-1.0\"\n"
    )
}

/// Libraries that are refused, by folder.
fn libraries() -> Vec<(&'static str, String)> {
    let pink = material("200001", "Pink", "");
    let over = |materials: &[String]| format!("{LIBRARY}{pink}{}", materials.concat());
    let textured = |picture: &str| {
        let textures = format!("[material.textures]\nbase_color = {{ {picture} }}\nmm_per_repeat = 100\n");
        LIBRARY.replace("library/1", "library/2") + &pink + &textures
    };
    vec![
        ("lib-syntax", "schema = \n".to_owned()),
        ("lib-header", format!("schema = \"material-library/1\"\n{pink}")),
        ("lib-schema", LIBRARY.replace("library/1", "library/9") + &pink),
        ("lib-id", LIBRARY.replace("ACME", "acme plant 1") + &pink),
        ("lib-version", LIBRARY.replace("1.0.0", "new") + &pink),
        ("lib-color", LIBRARY.replace("lin_rec709", "srgb") + &pink),
        ("lib-extends", LIBRARY.replace("fallback", "extends = [\"NORD@^2\"]\nfallback") + &pink),
        ("lib-fallback", LIBRARY.replace("200001", "200009") + &pink),
        ("lib-code", over(&[material("12", "Blue", "")])),
        ("lib-name", over(&[material("200002", "", "")])),
        ("lib-alias", over(&[material("200002", "Blue", "aliases = [\"--\"]")])),
        ("lib-status", over(&[material("200002", "Blue", "status = \"old\"")])),
        ("lib-type", over(&[material("200002", "Blue", "priority = 1.5")])),
        ("lib-range", over(&[material("200002", "Blue", "priority = 300")])),
        ("lib-missing", over(&["[[material]]\ncode = \"200002\"\n".to_owned()])),
        ("lib-field", over(&[material("200002", "Blue", "colour = \"blue\"")])),
        ("lib-twice", over(&[material("200001", "Blue", "")])),
        ("lib-rule", over(&["[[rule]]\nmaterial = \"Pink\"\n".to_owned()])),
        ("lib-shadow", over(&[material("010101", "Blue", "")])),
        ("lib-name-twice", over(&[material("200002", "steel-bare", "")])),
        ("lib-alias-twice", over(&[material("200002", "Blue", "aliases = [\"Chrome\"]")])),
        ("lib-unknown", over(&["[[rule]]\nglob = \"ring\"\nmaterial = \"Unobtainium\"\n".to_owned()])),
        ("lib-texture", textured("path = \"../oak.png\"")),
        ("lib-texture-changed", textured("path = \"dot.png\", blake3 = \"00\"")),
        ("lib-sound", over(&[])),
    ]
}

/// The head of a template; its sixth line is the first of its body.
const TEMPLATE: &str =
    "schema = \"shot-template/1\"\n[template]\nid = \"mine\"\nname = \"Mine\"\ndescription = \"A test.\"\n";

/// Files beside products, by name.
fn others() -> Vec<(&'static str, Vec<u8>)> {
    let template = |body: &str| format!("{TEMPLATE}{body}\n").into_bytes();
    let hdr = |width: u32, height: u32| {
        format!("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n").into_bytes()
    };
    let parts = json!([
        {"part_name": "Base", "material": 3},
        {"material": "Steel"},
        {"part_name": " ", "material": "Steel"},
        {"part_name": "Lid", "material": "Steel", "colour": "red"},
    ]);
    vec![
        ("faults.json", json!({"parts": parts}).to_string().into_bytes()),
        ("cut.json", b"{\"parts\": [".to_vec()),
        ("text.hdr", b"no picture".to_vec()),
        ("square.hdr", hdr(64, 64)),
        ("words.cube", b"LUT_1D_SIZE 2\n0 0 0\nwhite\n".to_vec()),
        ("size.cube", b"LUT_3D_SIZE 100\n".to_vec()),
        ("count.cube", b"LUT_1D_SIZE 3\n0 0 0\n1 1 1\n".to_vec()),
        ("domain.cube", b"LUT_1D_SIZE 2\nDOMAIN_MIN 1 1 1\n0 0 0\n1 1 1\n".to_vec()),
        ("nan.cube", b"LUT_1D_SIZE 2\n0 0 0\n1 1 nan\n".to_vec()),
        ("cut.toml", b"schema = \n".to_vec()),
        ("schema.toml", TEMPLATE.replace("template/1", "template/9").into_bytes()),
        (
            "faults.toml",
            template("[camera]\nlens = 85\nfill = 3\northo = \"no\"\n[light]\nrig = \"studio_soft\"\nmap = \"a.hdr\""),
        ),
        ("nameless.toml", b"schema = \"shot-template/1\"\n[template]\nid = \"mine\"\n".to_vec()),
        ("material.toml", template("[[override]]\npart = \"Lid\"\nput_on = \"Unobtainium\"")),
        ("syntax.toml", b"listen = \n".to_vec()),
        ("settings.toml", b"listn = \"127.0.0.1:8080\"\nworkers = \"many\"\n".to_vec()),
        ("roles.toml", b"database_owner_url = \"postgres://packshot_owner@localhost/packshot\"\n".to_vec()),
        ("url.toml", b"database_url = \"postgres://packshot@localhost:99999/packshot\"\n".to_vec()),
        ("twice.toml", b"device = \"cpu\"\nrender_device = \"gpu\"\n".to_vec()),
        ("a.mp4", b"no movie".to_vec()),
        ("request.json", b"[1, 2]".to_vec()),
    ]
}

/// Files with more bytes than their kind may have. Nothing of them lies on the disk.
const LARGE: [&str; 5] = ["large.json", "large.cube", "large.toml", "lib-large/large.toml", "shot-large.json"];
const LARGE_BYTES: u64 = (64 << 20) + 1;

/// Writes all of them.
pub(crate) fn write(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    };
    write("boxes.glb", &product::glb(&BOXES));
    BROKEN_PRODUCTS.iter().for_each(|name| write(name, &product_of(name)));
    libraries().iter().for_each(|(name, text)| write(&format!("{name}/library.toml"), text.as_bytes()));
    write("lib-texture-changed/dot.png", &BASE64_STANDARD.decode(PNG).expect("a picture"));
    crate::designs::write(folder);
    write("text.png", b"no picture");
    others().iter().for_each(|(name, bytes)| write(name, bytes));
    let turn = json!([{"name": "Turn", "channels": [], "samplers": []}]);
    write("animated.gltf", &gltf(&[("/animations", turn)]));
    for name in ["no-library", "held"] {
        std::fs::create_dir(folder.join(name)).expect("made");
    }
    for name in LARGE {
        write(name, b"");
        let file = std::fs::File::options().write(true).open(folder.join(name)).expect("there");
        file.set_len(LARGE_BYTES).expect("set");
    }
}

/// Shots with one thing changed each, from one that the command has written.
pub(crate) fn write_shots(folder: &Path) {
    let text = std::fs::read_to_string(folder.join("shot.json")).expect("dumped");
    let sound: Value = serde_json::from_str(&text).expect("JSON");
    for (name, pointer, value) in [
        ("shot-schema", "/schema", json!("packshot-shot/9")),
        ("shot-missing", "/camera", Value::Null),
        ("shot-type", "/film/width", json!("wide")),
        ("shot-range", "/film/width", json!(100_000)),
        ("shot-conflict", "/camera/look_at", json!({"eye": [0, 0, 1], "target": [0, 0, 0], "up": [0, 1, 0]})),
        ("shot-member", "/colour", json!("red")),
        ("shot-unsupported", "/film/filter_glossy", json!(0.5)),
        ("shot-material", "/parts", json!({"Base": "Unobtainium"})),
        ("shot-file", "/geometry/path", json!("gone.glb")),
        ("shot-changed", "/geometry/blake3", json!("00".repeat(32))),
    ] {
        let mut shot = sound.clone();
        let (owner, member) = pointer.rsplit_once('/').expect("a pointer");
        let owner = shot.pointer_mut(owner).expect("there").as_object_mut().expect("an object");
        match value {
            Value::Null => owner.remove(member),
            value => owner.insert(member.to_owned(), value),
        };
        std::fs::write(folder.join(format!("{name}.json")), shot.to_string()).expect("written");
    }
    let text = std::fs::read_to_string(folder.join("brass.json")).expect("dumped");
    let mut shot: Value = serde_json::from_str(&text).expect("JSON");
    let textures = json!({"base_color": {"path": "text.png"}, "mm_per_repeat": 100});
    shot["materials"]["STD_010501_Brass-CuZn30"]["textures"] = textures;
    std::fs::write(folder.join("shot-texture.json"), shot.to_string()).expect("written");
    std::fs::write(folder.join("shot-syntax.json"), "{\"schema\"").expect("written");
}

/// Packages and provenances that are not of what lies beside them.
pub(crate) fn write_packages(folder: &Path) {
    let pack = folder.join("pack");
    package::write(&pack, &[("report.json", b"{}".to_vec()), ("result.png", b"picture".to_vec())], None);
    std::fs::write(pack.join("report.json"), "[]").expect("written");
    std::fs::rename(pack.join("result.png"), pack.join("other.png")).expect("renamed");
    let broken = folder.join("pack-broken");
    std::fs::create_dir_all(broken.join(".packshot")).expect("made");
    std::fs::write(broken.join(package::MANIFEST), b"\xa1").expect("written");
    // Another seed than that of `shot.png`.
    let request = json!({"width": 16, "height": 16, "samples": 1, "denoise": "off", "seed": 7, "device": "cpu"});
    let own = package::provenance(&product::glb(&BOXES), &request);
    let mut foreign = own.clone();
    foreign["renderer"]["version"] = json!("0.0.1");
    foreign["shot"] = json!({});
    for (name, provenance) in [("own.json", own), ("foreign.json", foreign)] {
        std::fs::write(folder.join(name), provenance.to_string()).expect("written");
    }
}
