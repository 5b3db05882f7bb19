//! Broken files: products, and the other files that a picture is made of. Some are small and claim to be large, some
//! are large and without content.

use serde_json::{Value, json};

/// A sound product of one triangle.
pub(crate) fn sound() -> Vec<u8> {
    container(&document().to_string())
}

fn document() -> Value {
    json!({
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}], "buffers": [{"byteLength": 36}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]}]
    })
}

fn container(json: &str) -> Vec<u8> {
    let bin: Vec<u8> = [[0.0_f32, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
        .iter()
        .flatten()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let mut json = json.as_bytes().to_vec();
    json.resize(json.len().next_multiple_of(4), b' ');
    let length = |bytes: usize| u32::try_from(bytes).expect("small").to_le_bytes();
    let header = [&b"glTF"[..], &2_u32.to_le_bytes(), &length(28 + json.len() + bin.len())].concat();
    [&header[..], &length(json.len()), b"JSON", &json, &length(bin.len()), b"BIN\0", &bin].concat()
}

/// The sound product with members set.
fn with(members: &[(&str, Value)]) -> Vec<u8> {
    let mut document = document();
    for (pointer, value) in members {
        if let Some(member) = document.pointer_mut(pointer) {
            *member = value.clone();
        } else {
            let (owner, name) = pointer.rsplit_once('/').expect("a pointer");
            document.pointer_mut(owner).expect("there")[name] = value.clone();
        }
    }
    container(&document.to_string())
}

/// A PNG that claims this size, and ends after its header.
fn png_header(side_px: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend([side_px.to_be_bytes(), side_px.to_be_bytes()].concat());
    png.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
    png
}

/// Passes names and bytes of products to `take`, one after the other: what this process has in memory when it starts a
/// child counts as that child's.
pub(crate) fn products(mut take: impl FnMut(&str, Vec<u8>)) {
    let whole = sound();
    for bytes in (0..whole.len()).step_by(41) {
        take(&format!("cut_{bytes}.glb"), whole[..bytes].to_vec());
    }
    take("text.glb", b"hello, this is no model".to_vec());
    take("zeros_16_mib.glb", vec![0; 16 << 20]);
    take("spaces_16_mib.gltf", vec![b' '; 16 << 20]);
    take("brackets_4_mib.gltf", vec![b'['; 4 << 20]);
    take("text_without_end.gltf", [b"{\"asset\":\"".to_vec(), vec![b'x'; 16 << 20]].concat());
    let nested = format!("{{\"asset\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    take("nested_100_000.glb", container(&nested));
    let millions = format!("{{\"asset\":[{}0]}}", "0,".repeat(1_000_000));
    take("numbers_1_000_000.glb", container(&millions));
    let many = format!("{{\"asset\":{{\"version\":\"2.0\"}},\"nodes\":[{}{{}}]}}", "{},".repeat(1_000_000));
    take("empty_nodes_1_000_000.glb", container(&many));
    for count in [4_000_000_000, u64::MAX] {
        let zeros = json!({"componentType": 5126, "count": count, "type": "VEC3"});
        take(&format!("zeros_{count}.glb"), with(&[("/accessors/0", zeros)]));
    }
    let sparse = json!({"count": 1_000_000_000, "indices": {"bufferView": 0, "componentType": 5125}, "values": {"bufferView": 0}});
    let zeros = json!({"componentType": 5126, "count": 2_000_000_000, "type": "VEC3", "sparse": sparse});
    take("sparse.glb", with(&[("/accessors/0", zeros)]));
    let chain: Vec<Value> =
        (1..=20_000).map(|child| json!({"mesh": 0, "children": [child]})).chain([json!({"mesh": 0})]).collect();
    take("chain_20_000.glb", with(&[("/nodes", json!(chain))]));
    let ring: Vec<Value> = (0..20_000).map(|node| json!({"mesh": 0, "children": [(node + 1) % 20_000]})).collect();
    take("ring_20_000.glb", with(&[("/nodes", json!(ring))]));
    // Each node lists the next twice: 2 to the power of 50 parts.
    let doubled: Vec<Value> =
        (1..=50).map(|child| json!({"children": [child, child]})).chain([json!({"mesh": 0})]).collect();
    take("doubled_50.glb", with(&[("/nodes", json!(doubled))]));
    let placed = vec![json!({"mesh": 0}); 1000];
    let roots: Vec<usize> = (0..placed.len()).collect();
    let name = json!("x".repeat(100_000));
    take(
        "long_name.glb",
        with(&[("/nodes", json!(placed)), ("/scenes/0/nodes", json!(roots)), ("/meshes/0/name", name)]),
    );
    let png = "data:image/png;base64,".to_owned() + &base64(&png_header(60_000));
    let material = json!([{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]);
    let textured = [
        ("/images", json!([{"uri": png}])),
        ("/textures", json!([{"source": 0}])),
        ("/materials", material),
        ("/meshes/0/primitives/0/material", json!(0)),
    ];
    take("png_60_000.glb", with(&textured));
    let draco = json!({"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}});
    let required = json!(["KHR_draco_mesh_compression"]);
    take(
        "draco.glb",
        with(&[
            ("/extensionsRequired", required.clone()),
            ("/extensionsUsed", required),
            ("/meshes/0/primitives/0/extensions", draco),
        ]),
    );
    let meshopt = json!({"EXT_meshopt_compression": {"buffer": 0, "byteLength": 36, "byteStride": 12, "count": 300_000_000, "mode": "ATTRIBUTES"}});
    let required = json!(["EXT_meshopt_compression"]);
    let view = json!({"buffer": 0, "byteLength": 3_600_000_000_u64, "byteStride": 12, "extensions": meshopt});
    take(
        "meshopt.glb",
        with(&[("/extensionsRequired", required.clone()), ("/extensionsUsed", required), ("/bufferViews/0", view)]),
    );
}

/// Passes names, options and bytes of the other files that a picture is made of to `take`.
pub(crate) fn others(take: &mut dyn FnMut(&str, &str, Vec<u8>)) {
    let hdr = |width: u64, height: u64| {
        format!("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n").into_bytes()
    };
    take("empty.hdr", "--light", Vec::new());
    take("text.hdr", "--light", b"no picture".to_vec());
    take("large.hdr", "--light", hdr(30_000, 15_000));
    take("wide.hdr", "--light", hdr(4_000_000_000, 1));
    take("zeros_16_mib.hdr", "--light", vec![0; 16 << 20]);
    take("text.exr", "--light", b"no picture".to_vec());
    take("large.exr", "--light", exr_header(60_000));
    take("endless.exr", "--light", exr_header(i32::MAX));
    take("text.json", "--shot", b"no shot".to_vec());
    take("brackets_4_mib.json", "--shot", vec![b'['; 4 << 20]);
    take("nested.json", "--material-map", [vec![b'['; 100_000], vec![b']'; 100_000]].concat());
    take("spaces_16_mib.json", "--material-map", vec![b' '; 16 << 20]);
    take("text.toml", "--template", b"no template".to_vec());
    take("brackets_4_mib.toml", "--template", [b"a = ".to_vec(), vec![b'['; 4 << 20]].concat());
    designs(take);
}

/// Designs: bombs of size, nesting and references, and what would run or load something.
fn designs(take: &mut dyn FnMut(&str, &str, Vec<u8>)) {
    let mut design = |name: &str, bytes: Vec<u8>| take(name, "--design", bytes);
    let svg =
        |body: &str| format!("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>{body}</svg>").into_bytes();
    let nested = |n: usize| format!("{}{}", "<g>".repeat(n), "</g>".repeat(n));
    let uses: String = (1..10)
        .map(|level| format!("<g id='a{level}'>{}</g>", format!("<use href='#a{}'/>", level - 1).repeat(10)))
        .collect();
    let entities = "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]>";
    design("design_empty", Vec::new());
    design("design_text", b"no picture".to_vec());
    design("design_long.png", png_header(16_384));
    design("design_large.png", png_header(7_900));
    design("design_zeros_16_mib.png", [&b"\x89PNG\r\n\x1a\n"[..], &vec![0; 16 << 20]].concat());
    design("design_script.svg", svg("<script>alert(1)</script>"));
    design("design_event.svg", svg("<rect onload='alert(1)' width='9' height='9'/>"));
    design("design_file.svg", svg("<image href='file:///etc/passwd' width='9' height='9'/>"));
    design("design_http.svg", svg("<image href='http://203.0.113.1/a.png' width='9' height='9'/>"));
    design("design_text.svg", svg("<text>logo</text>"));
    design("design_entities.svg", [entities.as_bytes(), &svg("<desc>&b;</desc>")].concat());
    design("design_nested.svg", svg(&nested(10_000)));
    design("design_nested_deep.svg", svg(&nested(500_000)));
    design("design_uses.svg", svg(&format!("<rect id='a0' width='9' height='9'/>{uses}")));
    design("design_elements.svg", svg(&"<rect width='9' height='9'/>".repeat(150_000)));
}

/// The header of an OpenEXR file of half floats with this size, and nothing after it.
fn exr_header(side_px: i32) -> Vec<u8> {
    let attribute = |name: &str, kind: &str, value: &[u8]| {
        let length = u32::try_from(value.len()).expect("small").to_le_bytes();
        [name.as_bytes(), b"\0", kind.as_bytes(), b"\0", &length, value].concat()
    };
    let channel = |name: &str| {
        [name.as_bytes(), b"\0", &1_u32.to_le_bytes(), &[0; 4], &1_u32.to_le_bytes(), &1_u32.to_le_bytes()].concat()
    };
    let window = [0, 0, side_px - 1, side_px - 1].map(i32::to_le_bytes).concat();
    [
        vec![0x76, 0x2f, 0x31, 0x01, 2, 0, 0, 0],
        attribute("channels", "chlist", &[channel("B"), channel("G"), channel("R"), vec![0]].concat()),
        attribute("compression", "compression", &[0]),
        attribute("dataWindow", "box2i", &window),
        attribute("displayWindow", "box2i", &window),
        attribute("lineOrder", "lineOrder", &[0]),
        attribute("pixelAspectRatio", "float", &1.0_f32.to_le_bytes()),
        attribute("screenWindowCenter", "v2f", &[0; 8]),
        attribute("screenWindowWidth", "float", &1.0_f32.to_le_bytes()),
        vec![0],
    ]
    .concat()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}
