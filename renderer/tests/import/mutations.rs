//! Random damage: whatever happens to a file, the importer returns quickly and without a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use packshot_renderer::import::{ImportOptions, Pose, load};
use serde_json::{Value, json};

use crate::basisu::{ETC1S, ETC1S_ALPHA, UASTC, UASTC_ALPHA_ZSTD, textured};
use crate::compressed::{DRACO_EDGEBREAKER, DRACO_SEQUENTIAL, DRACO_VALENCE, MESHOPT_FILTERS, MESHOPT_V0, MESHOPT_V1};
use crate::glb::{Glb, U8, container};
use crate::images::{PNG, png};
use crate::posed::moving;

/// SplitMix64: small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ (value >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// A file that uses many features of the importer.
fn rich() -> Glb {
    let mut glb = Glb::square();
    let texture = glb.texture(&png([90, 80, 255, 255]), PNG);
    let (at, to) = (glb.view(&[1]), glb.view(&[0; 12]));
    glb.json["accessors"][0]["sparse"] =
        json!({"count": 1, "indices": {"bufferView": at, "componentType": U8}, "values": {"bufferView": to}});
    glb.primitive(json!({"attributes": {"POSITION": 0, "TEXCOORD_0": 2}, "mode": 5, "material": 0}));
    let transform = json!({"KHR_texture_transform": {"offset": [0.5, 0], "rotation": 1, "texCoord": 0}});
    let slot = json!({"index": texture, "texCoord": 0, "extensions": transform});
    glb.set("/materials/0", json!({
        "pbrMetallicRoughness": {"baseColorTexture": slot, "baseColorFactor": [1, 0.5, 0.25, 0.5], "metallicFactor": 0},
        "normalTexture": {"index": texture, "scale": 2}, "emissiveFactor": [1, 1, 0], "alphaMode": "BLEND",
        "extensions": {"KHR_materials_ior": {"ior": 1.4}, "KHR_materials_clearcoat": {"clearcoatFactor": 1}},
    }))
    .set("/cameras", json!([{"type": "perspective", "perspective": {"yfov": 1, "znear": 0.1}}]))
    .set("/samplers", json!([{"wrapS": 33071}]))
    .set("/extensions", json!({"KHR_lights_punctual": {"lights": [{"type": "spot", "spot": {"outerConeAngle": 1}}]}}))
    .set("/extensionsUsed", json!(["KHR_lights_punctual", "KHR_texture_transform"]))
    .set("/nodes", json!([
        {"name": "Root", "children": [1, 2], "rotation": [0, 0, 1, 0]},
        {"name": "Part", "mesh": 0, "scale": [-1, 1, 1], "extensions": {"KHR_lights_punctual": {"light": 0}}},
        {"mesh": 0, "camera": 0, "matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 4, 5, 6, 1]},
    ]))
}

/// The files to damage: small ones made here or, for a long run, three models of `PACKSHOT_SHARED`.
fn originals(is_long: bool) -> Vec<Vec<u8>> {
    match std::env::var_os("PACKSHOT_SHARED").filter(|_| is_long) {
        Some(folder) => ["screw_M8x30_zup", "textured_crate", "materials_grid"]
            .map(|name| std::path::Path::new(&folder).join(format!("assets/{name}.glb")))
            .map(|path| std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
            .to_vec(),
        None => vec![Glb::cube().bytes(), Glb::square().bytes(), rich().bytes()],
    }
}

fn damaged(original: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    match random.below(6) {
        0 => {
            for _ in 0..=random.below(8) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
        1 => bytes.truncate(random.below(bytes.len())),
        2 => {
            let (from, to) = (random.below(bytes.len()), random.below(other.len()));
            bytes.truncate(from);
            bytes.extend(&other[to..]);
        }
        3 => {
            // Inside the container, where flips alone mostly break the JSON: interesting values in the binary data.
            let words = [0, 1, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x7FC0_0000, 0x7F80_0000, 0x7F7F_FFFF, 1 << 31];
            let json_end = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]) as usize + 28;
            for _ in 0..=random.below(4) {
                let at = json_end + random.below(bytes.len().saturating_sub(json_end + 4));
                let word: u32 = words[random.below(words.len())];
                bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
            }
        }
        _ => return edited(original, random),
    }
    bytes
}

/// Changes values in the JSON and keeps the container valid.
fn edited(original: &[u8], random: &mut Random) -> Vec<u8> {
    let json_length = u32::from_le_bytes([original[12], original[13], original[14], original[15]]) as usize;
    let mut document: Value = serde_json::from_slice(&original[20..20 + json_length]).expect("the original is sound");
    for _ in 0..=random.below(3) {
        let mut at = &mut document;
        // Down a random path, stopping at random.
        loop {
            let is_leaf = match at {
                Value::Array(items) => items.is_empty(),
                Value::Object(members) => members.is_empty(),
                _ => true,
            };
            if is_leaf || random.below(8) == 0 {
                break;
            }
            at = match at {
                Value::Array(items) => {
                    let index = random.below(items.len());
                    &mut items[index]
                }
                Value::Object(members) => {
                    let index = random.below(members.len());
                    members.values_mut().nth(index).expect("the index is below the count")
                }
                _ => break,
            };
        }
        edit(at, random);
    }
    container(document.to_string().as_bytes(), &original[28 + json_length..])
}

fn edit(value: &mut Value, random: &mut Random) {
    match (random.below(4), &mut *value) {
        (0, Value::Array(items)) if !items.is_empty() => {
            let copy = items[random.below(items.len())].clone();
            items.push(copy);
        }
        (1, Value::Array(items)) if !items.is_empty() => {
            items.remove(random.below(items.len()));
        }
        (0 | 1, Value::Object(members)) if !members.is_empty() => {
            let name = members.keys().nth(random.below(members.len())).expect("the index is below the count").clone();
            members.remove(&name);
        }
        (0, Value::Number(number)) => *value = json!(number.as_f64().unwrap_or(0.0) + 1.0),
        (1, Value::Number(number)) => *value = json!(-number.as_f64().unwrap_or(0.0)),
        _ => {
            let values = [
                json!(null),
                json!(true),
                json!(-1),
                json!(0),
                json!(1),
                json!(2),
                json!(3),
                json!(255),
                json!(5126),
                json!(0.5),
                json!(1e30),
                json!(1e39),
                json!(-1e-30),
                json!(4_294_967_295_u64),
                json!(u64::MAX),
                json!("VEC4"),
                json!(""),
                json!("data:;base64,AAAA"),
                json!([]),
                json!({}),
                json!([0, 0, 0, 0]),
                json!([0, 1, 2]),
            ];
            *value = values[random.below(values.len())].clone();
        }
    }
}

/// How many files to damage: few, or as many as `PACKSHOT_MUTATIONS` says.
fn asked() -> Option<u64> {
    std::env::var("PACKSHOT_MUTATIONS").ok().and_then(|count| count.parse::<u64>().ok())
}

/// Damages `count` files, each of which must be handled quickly and without a panic; returns how many load.
fn answered(originals: &[Vec<u8>], count: u64, options: &ImportOptions) -> u64 {
    let mut slowest = Duration::ZERO;
    let mut loaded = 0;
    for seed in 0..count {
        let mut random = Random(seed);
        let original = &originals[(seed % originals.len() as u64) as usize];
        let other = &originals[random.below(originals.len())];
        let bytes = damaged(original, other, &mut random);
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| load(&bytes, options, &|| false)));
        let elapsed = start.elapsed();
        match result {
            Ok(Ok(_)) => loaded += 1,
            Ok(Err(error)) => assert!(!error.at().is_empty() && !error.message().is_empty(), "seed {seed}: {error:?}"),
            Err(_) => panic!("seed {seed} panics"),
        }
        assert!(elapsed < Duration::from_secs(2), "seed {seed} took {elapsed:?}");
        slowest = slowest.max(elapsed);
    }
    println!("{count} files: {loaded} load, the slowest took {slowest:?}");
    loaded
}

#[test]
fn damaged_files_get_an_answer() {
    let count = asked().unwrap_or(2_000);
    let loaded = answered(&originals(asked().is_some()), count, &ImportOptions::default());
    // Damage that always breaks the file would only test the container.
    assert!(loaded * 20 > count && loaded * 20 < count * 19, "{loaded} of {count} load");
}

#[test]
fn damaged_compressed_data_and_poses_get_an_answer() {
    let meshes = [MESHOPT_V0, MESHOPT_V1, MESHOPT_FILTERS, DRACO_EDGEBREAKER, DRACO_VALENCE, DRACO_SEQUENTIAL];
    let textures = [ETC1S, ETC1S_ALPHA, UASTC, UASTC_ALPHA_ZSTD].map(|texture| textured(texture).bytes());
    let meshes = meshes.into_iter().map(<[u8]>::to_vec);
    let originals: Vec<Vec<u8>> = meshes.chain(textures).chain([moving().bytes()]).collect();
    let mut options = ImportOptions { pose: Some(Pose { animation: None, time_s: 0.4 }), ..ImportOptions::default() };
    // Small enough that a stream which declares more than it holds shows up in the time taken.
    (options.limits.unpacked_bytes, options.limits.image_bytes) = (64 << 20, 64 << 20);
    let still = ImportOptions { pose: None, ..options.clone() };
    let count = asked().unwrap_or(4_000);
    let loaded = answered(&originals, count, &still);
    assert!(loaded * 20 > count && loaded * 20 < count * 19, "{loaded} of {count} load");
    answered(&[moving().bytes()], count / 8, &options);
}
