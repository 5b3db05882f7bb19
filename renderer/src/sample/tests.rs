use std::collections::{HashMap, HashSet};

use glam::DVec3;
use serde_json::Value;

use super::bearing::{
    BALL_RADIUS_MM, INNER_SHOULDER_RADIUS_MM, N_BALLS, OUTER_SHOULDER_RADIUS_MM, PITCH_RADIUS_MM, assembly,
};
use super::*;

/// The two chunks of a GLB, with every length checked.
fn chunks(glb: &[u8]) -> (Value, &[u8]) {
    let word = |at: usize| u32::from_le_bytes(glb[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((&glb[..4], word(4), word(8)), (&b"glTF"[..], 2, glb.len()));
    let json_len = word(12);
    assert_eq!(&glb[16..20], b"JSON");
    let binary_at = 20 + json_len;
    assert_eq!(&glb[binary_at + 4..binary_at + 8], b"BIN\0");
    assert_eq!(binary_at + 8 + word(binary_at), glb.len());
    assert!(json_len.is_multiple_of(4) && glb.len().is_multiple_of(4));
    (serde_json::from_slice(&glb[20..binary_at]).unwrap(), &glb[binary_at + 8..])
}

/// The 4-byte words of an accessor, after checks that it lies within its view and the view within the buffer.
fn accessor_words<'a>(document: &Value, binary: &'a [u8], accessor_idx: &Value) -> Vec<&'a [u8]> {
    let size = |value: &Value| value.as_u64().unwrap() as usize;
    let accessor = &document["accessors"][size(accessor_idx)];
    let view = &document["bufferViews"][size(&accessor["bufferView"])];
    let n_components = if accessor["type"] == "VEC3" { 3 } else { 1 };
    let (offset, length) = (size(&view["byteOffset"]), size(&view["byteLength"]));
    assert_eq!(size(&accessor["count"]) * n_components * 4, length);
    assert!(offset.is_multiple_of(4) && offset + length <= size(&document["buffers"][0]["byteLength"]));
    binary[offset..offset + length].chunks_exact(4).collect()
}

fn vectors(document: &Value, binary: &[u8], accessor_idx: &Value) -> Vec<DVec3> {
    let floats: Vec<f64> = accessor_words(document, binary, accessor_idx)
        .into_iter()
        .map(|word| f64::from(f32::from_le_bytes(word.try_into().unwrap())))
        .collect();
    floats.chunks_exact(3).map(DVec3::from_slice).collect()
}

struct ReadMesh {
    name: String,
    positions: Vec<DVec3>,
    normals: Vec<DVec3>,
    triangles: Vec<[usize; 3]>,
}

fn read_meshes(glb: &[u8]) -> Vec<ReadMesh> {
    let (document, binary) = chunks(glb);
    let read = |mesh: &Value| {
        let primitive = &mesh["primitives"][0];
        let indices: Vec<usize> = accessor_words(&document, binary, &primitive["indices"])
            .into_iter()
            .map(|word| u32::from_le_bytes(word.try_into().unwrap()) as usize)
            .collect();
        let positions = vectors(&document, binary, &primitive["attributes"]["POSITION"]);
        let accessor = &document["accessors"][primitive["attributes"]["POSITION"].as_u64().unwrap() as usize];
        for axis in 0..3 {
            let least = positions.iter().map(|p| p[axis]).fold(f64::INFINITY, f64::min);
            let most = positions.iter().map(|p| p[axis]).fold(f64::NEG_INFINITY, f64::max);
            assert!((accessor["min"][axis].as_f64().unwrap() - least).abs() < 1e-9);
            assert!((accessor["max"][axis].as_f64().unwrap() - most).abs() < 1e-9);
        }
        ReadMesh {
            name: mesh["name"].as_str().unwrap().to_owned(),
            normals: vectors(&document, binary, &primitive["attributes"]["NORMAL"]),
            positions,
            triangles: indices.chunks_exact(3).map(|t| [t[0], t[1], t[2]]).collect(),
        }
    };
    document["meshes"].as_array().unwrap().iter().map(read).collect()
}

#[test]
fn the_files_hold_valid_accessors_and_unit_normals() {
    for mesh in list().iter().flat_map(|entry| read_meshes(&entry.build().glb)) {
        assert_eq!(mesh.positions.len(), mesh.normals.len());
        assert!(mesh.triangles.iter().flatten().all(|&idx| idx < mesh.positions.len()), "{}", mesh.name);
        assert!(mesh.normals.iter().all(|normal| (normal.length() - 1.0).abs() < 1e-6), "{}", mesh.name);
    }
}

/// Every triangle has an area and faces the way its normals point.
#[test]
fn triangles_agree_with_their_normals() {
    for mesh in list().iter().flat_map(|entry| read_meshes(&entry.build().glb)) {
        for triangle in &mesh.triangles {
            let [a, b, c] = triangle.map(|idx| mesh.positions[idx]);
            let cross = (b - a).cross(c - a);
            assert!(cross.length() > 1e-14, "{}: degenerate {a} {b} {c}", mesh.name);
            for &idx in triangle {
                let cosine = cross.normalize().dot(mesh.normals[idx]);
                assert!(cosine > 0.9, "{}: {a} {b} {c} is off its normal by cosine {cosine}", mesh.name);
            }
        }
    }
}

/// Every edge belongs to two triangles that run along it in opposite directions.
#[test]
fn shells_are_closed() {
    for mesh in read_meshes(&bearing().glb) {
        let mut edges = HashMap::new();
        for [a, b, c] in &mesh.triangles {
            for edge in [(*a, *b), (*b, *c), (*c, *a)] {
                *edges.entry(edge).or_insert(0) += 1;
            }
        }
        let closed = edges.iter().all(|(&(a, b), &count)| count == 1 && edges.contains_key(&(b, a)));
        assert!(closed, "{} is open", mesh.name);
        let distinct: HashSet<_> = mesh.positions.iter().map(|p| p.to_array().map(f64::to_bits)).collect();
        assert_eq!(distinct.len(), mesh.positions.len(), "{} has vertices at one place", mesh.name);
    }
}

#[test]
fn the_size_is_that_of_a_6205_and_the_detail_fits_a_close_up() {
    let assembly = assembly();
    let mut n_triangles = 0;
    let (mut min, mut max) = (DVec3::INFINITY, DVec3::NEG_INFINITY);
    for part in &assembly.parts {
        let shell = &assembly.meshes[part.mesh_idx].shell;
        n_triangles += shell.triangles.len();
        for position in &shell.positions_mm {
            let placed = part.rotation * *position + part.translation_mm;
            (min, max) = (min.min(placed), max.max(placed));
        }
    }
    assert!((max - min - DVec3::new(52.0, 52.0, 15.0)).abs().max_element() < 0.01, "{min} {max}");
    assert!((60_000..=150_000).contains(&n_triangles), "{n_triangles} triangles");
}

#[test]
fn parts_and_map_name_each_other() {
    let sample = by_name("bearing").unwrap();
    let (document, _) = chunks(&sample.glb);
    let mut want: Vec<String> = ["Outer_Ring", "Inner_Ring", "Cage_Front", "Cage_Back"].map(String::from).to_vec();
    want.extend((1..=9).map(|i| format!("Ball_{i:02}")));
    want.extend((1..=9).map(|i| format!("Rivet_{i:02}")));
    let nodes = document["nodes"].as_array().unwrap();
    let with_mesh: Vec<_> = nodes.iter().filter(|node| node.get("mesh").is_some()).collect();
    let names: Vec<_> = with_mesh.iter().map(|node| node["name"].as_str().unwrap()).collect();
    assert_eq!(names, want);
    let map: Value = serde_json::from_str(&sample.material_map).unwrap();
    for (entry, node) in map["parts"].as_array().unwrap().iter().zip(with_mesh) {
        assert_eq!(entry["part_name"], node["name"]);
        let mesh = &document["meshes"][node["mesh"].as_u64().unwrap() as usize];
        let material = mesh["primitives"][0]["material"].as_u64().unwrap() as usize;
        assert_eq!(entry["material"], document["materials"][material]["name"]);
    }
    assert_eq!(map["parts"].as_array().unwrap().len(), want.len());
    assert_eq!(by_name("teapot"), None);
}

/// Positions of a part's vertices in the product, mm.
fn placed(assembly: &Assembly, name: &str) -> Vec<DVec3> {
    let part = assembly.parts.iter().find(|part| part.name == name).unwrap();
    let shell = &assembly.meshes[part.mesh_idx].shell;
    shell.positions_mm.iter().map(|position| part.rotation * *position + part.translation_mm).collect()
}

fn ball_centers(assembly: &Assembly) -> Vec<DVec3> {
    let balls = assembly.parts.iter().filter(|part| part.name.starts_with("Ball_"));
    balls.map(|part| part.translation_mm).collect()
}

#[test]
fn balls_share_a_mesh_and_stand_evenly_on_the_pitch_circle() {
    let assembly = assembly();
    let centers = ball_centers(&assembly);
    assert_eq!(centers.len(), N_BALLS);
    let chord = 2.0 * PITCH_RADIUS_MM * (std::f64::consts::PI / N_BALLS as f64).sin();
    for (i, center) in centers.iter().enumerate() {
        assert!((center.length() - PITCH_RADIUS_MM).abs() < 1e-9 && center.z == 0.0);
        assert!((center.distance(centers[(i + 1) % N_BALLS]) - chord).abs() < 1e-9);
    }
    assert!(centers[0].abs_diff_eq(DVec3::new(0.0, PITCH_RADIUS_MM, 0.0), 1e-9));
}

/// Least distance of a part's vertices from the nearest ball's surface.
fn gap_to_balls(assembly: &Assembly, name: &str) -> f64 {
    let centers = ball_centers(assembly);
    let distance = |position: &DVec3| centers.iter().map(|c| c.distance(*position)).fold(f64::INFINITY, f64::min);
    placed(assembly, name).iter().map(distance).fold(f64::INFINITY, f64::min) - BALL_RADIUS_MM
}

#[test]
fn balls_touch_the_raceways_and_enter_nothing() {
    let assembly = assembly();
    for ring in ["Outer_Ring", "Inner_Ring"] {
        let gap = gap_to_balls(&assembly, ring);
        assert!((0.0..0.02).contains(&gap), "{ring}: {gap} mm");
    }
    for name in ["Cage_Front", "Cage_Back", "Rivet_01", "Rivet_05"] {
        let gap = gap_to_balls(&assembly, name);
        assert!(gap > 0.05, "{name}: {gap} mm");
    }
}

#[test]
fn the_cage_stays_between_the_shoulders_and_its_halves_apart() {
    let assembly = assembly();
    for (name, side) in [("Cage_Front", 1.0), ("Cage_Back", -1.0)] {
        for position in placed(&assembly, name) {
            let radius = position.truncate().length();
            assert!(radius > INNER_SHOULDER_RADIUS_MM + 0.3 && radius < OUTER_SHOULDER_RADIUS_MM - 0.3, "{position}");
            assert!(position.z * side > 0.0 && position.z * side < 6.1, "{name}: {position}");
        }
    }
}

#[test]
fn equal_bytes_every_time() {
    assert_eq!(bearing(), bearing());
}

#[test]
fn the_swatch_is_a_button_with_sharp_edges() {
    let [mesh] = &read_meshes(&swatch().glb)[..] else { panic!("one mesh") };
    let measure = |of: fn(&DVec3) -> f64| mesh.positions.iter().map(of).fold(f64::NEG_INFINITY, f64::max) * 1e3;
    let sizes = [measure(|p| p.x), measure(|p| p.y), measure(|p| p.z), measure(|p| -p.z)];
    // In the mesh's own frame the axis is Z: a radius of 24, and the dome's top 9 mm above the flat.
    for (found, expected) in sizes.into_iter().zip([24.0, 24.0, 21.0, 0.0]) {
        assert!((found - expected).abs() < 1e-4, "{sizes:?}");
    }
    let mut places: HashMap<_, Vec<DVec3>> = HashMap::new();
    for (position, normal) in mesh.positions.iter().zip(&mesh.normals) {
        places.entry(position.to_array().map(f64::to_bits)).or_default().push(*normal);
    }
    let edges: Vec<&Vec<DVec3>> = places.values().filter(|normals| normals.len() == 2).collect();
    assert_eq!(edges.len(), 2 * 256, "at the top and the bottom of the cylinder");
    assert!(edges.iter().all(|normals| normals[0].dot(normals[1]).abs() < 1e-6), "right angles");
}
