//! Generated products: a studded ball with any number of triangles, and any number of instances of a small one.
//!
//! A ball has no large flat side, so that a tree over it is as deep as that of a CAD part, and rays from it meet it
//! again. Its triangles are as small as their number makes them.

use std::f64::consts::{PI, TAU};

use glam::DVec3;
use serde_json::{Value, json};

/// Triangles of each instance.
const TRIANGLES_OF_INSTANCE: u64 = 1000;
/// Studs around the ball's equator, and their height over its radius.
const STUDS: f64 = 24.0;
const STUD_HEIGHT: f64 = 0.08;
/// Radius of the whole product.
const RADIUS_M: f64 = 0.05;

/// A GLB of one ball with about so many triangles.
pub fn one(triangles: u64) -> Vec<u8> {
    glb(&Ball::new(triangles), &[json!({ "name": "Ball", "mesh": 0 })])
}

/// A GLB of so many small balls in a cube, all instances of one mesh.
pub fn many(instances: u64) -> Vec<u8> {
    let side = (instances as f64).cbrt().ceil().max(1.0) as u64;
    let pitch = 2.0 / side as f64;
    let scale = [0.45 * pitch; 3];
    let node = |i: u64| {
        let at = [i % side, i / side % side, i / (side * side)].map(|at| RADIUS_M * (pitch * (at as f64 + 0.5) - 1.0));
        json!({ "name": format!("Ball_{i}"), "mesh": 0, "translation": at, "scale": scale })
    };
    glb(&Ball::new(TRIANGLES_OF_INSTANCE), &(0..instances).map(node).collect::<Vec<_>>())
}

/// The shot of a product beside it, `solid.glb`: grey steel in uniform light and that of one rectangle.
pub fn shot(side_px: u32) -> String {
    json!({
        "schema": "packshot-shot/1",
        "geometry": { "path": "solid.glb" },
        "camera": {
            "type": "perspective", "fov_y_deg": 24.0,
            "look_at": { "eye_m": [0.15, 0.12, 0.25], "target_m": [0.0, 0.0, 0.0], "up": [0.0, 1.0, 0.0] },
        },
        "film": { "width": side_px, "height": side_px, "samples": 16, "max_bounces": 5 },
        "environment": { "kind": "uniform", "radiance": [0.4, 0.4, 0.4] },
        "lights": [{
            "kind": "rect", "width_m": 0.2, "height_m": 0.2, "radiance": [8.0, 8.0, 8.0],
            "look_at": { "eye_m": [-0.2, 0.3, 0.2], "target_m": [0.0, 0.0, 0.0], "up": [0.0, 1.0, 0.0] },
        }],
        "materials": { "Steel": { "base_color": [0.5, 0.5, 0.5], "base_metalness": 1.0, "specular_roughness": 0.3 } },
        "parts": { "*": "Steel" },
    })
    .to_string()
}

/// A ball of a grid of quadrangles.
struct Ball {
    positions: Vec<[f32; 3]>,
    normals: Vec<[f32; 3]>,
    triangles: Vec<[u32; 3]>,
}

impl Ball {
    fn new(triangles: u64) -> Self {
        // Twice as many columns as rows, two triangles for each of their quadrangles.
        let rows = ((triangles as f64 / 4.0).sqrt().round() as u32).max(2);
        let columns = 2 * rows;
        let mut ball = Self { positions: Vec::new(), normals: Vec::new(), triangles: Vec::new() };
        for row in 0..=rows {
            for column in 0..=columns {
                let (polar, azimuth) =
                    (PI * f64::from(row) / f64::from(rows), TAU * f64::from(column) / f64::from(columns));
                let out = DVec3::new(polar.sin() * azimuth.cos(), polar.cos(), polar.sin() * azimuth.sin());
                let stud = (STUDS * azimuth).sin() * (0.5 * STUDS * polar).sin() * polar.sin();
                let position = RADIUS_M * (1.0 - STUD_HEIGHT + STUD_HEIGHT * stud) * out;
                ball.positions.push(position.as_vec3().to_array());
            }
        }
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let corner = |down: u32, right: u32| (row + down) * (columns + 1) + column + right;
            ball.triangles.push([corner(0, 0), corner(0, 1), corner(1, 1)]);
            ball.triangles.push([corner(0, 0), corner(1, 1), corner(1, 0)]);
        }
        ball.normals = ball.smooth_normals();
        ball
    }

    /// The mean normal of the triangles around each vertex, by their areas; outwards at the poles.
    fn smooth_normals(&self) -> Vec<[f32; 3]> {
        let at = |vertex: u32| DVec3::from(self.positions[vertex as usize].map(f64::from));
        let mut sums = vec![DVec3::ZERO; self.positions.len()];
        for &[a, b, c] in &self.triangles {
            let normal = (at(b) - at(a)).cross(at(c) - at(a));
            for vertex in [a, b, c] {
                sums[vertex as usize] += normal;
            }
        }
        let outwards = (0..).map(at);
        let normals = sums.iter().zip(outwards).map(|(sum, outwards)| sum.normalize_or(outwards.normalize()));
        normals.map(|normal| normal.as_vec3().to_array()).collect()
    }
}

/// Binary glTF 2.0 of one mesh (Khronos, glTF 2.0, section 4.4).
fn glb(ball: &Ball, nodes: &[Value]) -> Vec<u8> {
    let Ball { positions, normals, triangles } = ball;
    let floats = |rows: &[[f32; 3]]| rows.iter().flatten().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let indices: Vec<u8> = triangles.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    let parts = [floats(positions), floats(normals), indices];
    let mut at = 0;
    let views = parts.iter().map(|part| {
        at += part.len();
        json!({ "buffer": 0, "byteOffset": at - part.len(), "byteLength": part.len() })
    });
    let views: Vec<Value> = views.collect();
    let bound = |of: fn(f32, f32) -> f32| {
        let start = positions.first().copied().unwrap_or_default();
        positions.iter().fold(start, |bound, at| [0, 1, 2].map(|i| of(bound[i], at[i])))
    };
    let document = json!({
        "asset": { "version": "2.0" },
        "scene": 0,
        "scenes": [{ "nodes": (0..nodes.len()).collect::<Vec<_>>() }],
        "nodes": nodes,
        "meshes": [{ "name": "Ball", "primitives": [{ "attributes": { "POSITION": 0, "NORMAL": 1 }, "indices": 2 }] }],
        "accessors": [
            { "bufferView": 0, "componentType": 5126, "type": "VEC3", "count": positions.len(),
              "min": bound(f32::min), "max": bound(f32::max) },
            { "bufferView": 1, "componentType": 5126, "type": "VEC3", "count": normals.len() },
            { "bufferView": 2, "componentType": 5125, "type": "SCALAR", "count": 3 * triangles.len() },
        ],
        "bufferViews": views,
        "buffers": [{ "byteLength": at }],
    });
    let mut text = document.to_string().into_bytes();
    text.resize(text.len().next_multiple_of(4), b' ');
    let word = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    let mut glb = Vec::with_capacity(28 + text.len() + at);
    glb.extend(*b"glTF");
    glb.extend(word(2));
    glb.extend(word(12 + 8 + text.len() + 8 + at));
    glb.extend(word(text.len()));
    glb.extend(*b"JSON");
    glb.extend(text);
    glb.extend(word(at));
    glb.extend(*b"BIN\0");
    glb.extend(parts.concat());
    glb
}

#[cfg(test)]
mod tests {
    use packshot_pipeline::product::Product;
    use packshot_pipeline::request::PartFilter;
    use packshot_renderer::backend::CancelToken;
    use packshot_renderer::import::ImportOptions;

    use super::*;

    fn read(glb: &[u8]) -> Product {
        Product::import(glb, &ImportOptions::default(), &PartFilter::default(), &CancelToken::default()).expect("sound")
    }

    #[test]
    fn solids_have_what_is_asked_for() {
        for triangles in [1_000, 100_000] {
            let found = read(&one(triangles)).stats.triangles;
            assert!(found.abs_diff(triangles) < triangles / 10, "{found} triangles for {triangles}");
        }
        let product = read(&many(50));
        assert_eq!((product.scene.parts.len(), product.scene.meshes.len()), (50, 1));
        let bounds = product.scene.bounds().expect("not empty");
        assert!(bounds.max.max_element() <= RADIUS_M && bounds.min.min_element() >= -RADIUS_M, "{bounds:?}");
    }

    #[test]
    fn the_shot_is_one_that_packshot_reads() {
        use packshot_pipeline::shot_file::{FilmOverrides, read};
        let glb = one(1000);
        let mut open = |name: &str| {
            assert_eq!(name, "solid.glb");
            Ok(glb.clone())
        };
        let shot = read(shot(64).as_bytes(), "solid", &FilmOverrides::default(), &mut open).expect("a sound shot");
        assert_eq!(shot.pictures.n(), 1);
    }
}
