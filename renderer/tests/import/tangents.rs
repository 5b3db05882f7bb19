//! Tangents against the reference method, in the implementation of the crate `bevy_mikktspace`.

use glam::{Vec3, Vec4};
use mikktspace::{Geometry, TangentSpace, generate_tangents};
use packshot_renderer::scene::Primitive;
use serde_json::json;

use crate::glb::Glb;
use crate::images::{PNG, png};

/// A bumpy sheet of 12 × 12 quads whose texture is bent, and mirrored in its right half.
fn sheet() -> Primitive {
    const SIDE: usize = 13;
    let at = |index: usize| ((index % SIDE) as f32 / 12.0, (index / SIDE) as f32 / 12.0);
    let height = |x: f32, y: f32| 0.1 * (7.0 * x).sin() * (5.0 * y).cos();
    let vertices = (0..SIDE * SIDE).map(at);
    let positions: Vec<[f32; 3]> = vertices.clone().map(|(x, y)| [x, y, height(x, y)]).collect();
    let slope = |x: f32, y: f32| (0.7 * (7.0 * x).cos() * (5.0 * y).cos(), -0.5 * (7.0 * x).sin() * (5.0 * y).sin());
    let normals: Vec<[f32; 3]> = vertices
        .clone()
        .map(|(x, y)| slope(x, y))
        .map(|(along_x, along_y)| Vec3::new(-along_x, -along_y, 1.0).normalize().to_array())
        .collect();
    let uvs: Vec<[f32; 2]> = vertices.map(|(x, y)| [(x - 0.5).abs() + 0.2 * y * y, 1.0 - y + 0.3 * x * y]).collect();
    let quads = (0..SIDE * (SIDE - 1)).filter(|index| index % SIDE != SIDE - 1);
    let corners = quads.flat_map(|low| [low, low + 1, low + SIDE + 1, low, low + SIDE + 1, low + SIDE]);
    let corners: Vec<u16> = corners.map(|corner| corner as u16).collect();

    let mut glb = Glb::empty().set("/materials/0", json!({"normalTexture": {"index": 0}}));
    glb.texture(&png([128, 128, 255, 255]), PNG);
    let attributes = json!({
        "POSITION": glb.positions(&positions), "NORMAL": glb.floats("VEC3", &normals), "TEXCOORD_0": glb.floats("VEC2", &uvs),
    });
    let indices = glb.indices(&corners);
    glb.primitive(json!({"attributes": attributes, "indices": indices, "material": 0}));
    glb.only_primitive()
}

struct Reference<'p> {
    primitive: &'p Primitive,
    tangents: Vec<Vec4>,
}

impl Reference<'_> {
    fn vertex(&self, face: usize, corner: usize) -> usize {
        self.primitive.triangles[face][corner] as usize
    }
}

impl Geometry for Reference<'_> {
    fn num_faces(&self) -> usize {
        self.primitive.triangles.len()
    }

    fn num_vertices_of_face(&self, _face: usize) -> usize {
        3
    }

    fn position(&self, face: usize, corner: usize) -> [f32; 3] {
        self.primitive.positions[self.vertex(face, corner)].to_array()
    }

    fn normal(&self, face: usize, corner: usize) -> [f32; 3] {
        self.primitive.normals[self.vertex(face, corner)].to_array()
    }

    fn tex_coord(&self, face: usize, corner: usize) -> [f32; 2] {
        let uv = self.primitive.uvs[0][self.vertex(face, corner)];
        [uv.x, 1.0 - uv.y]
    }

    fn set_tangent(&mut self, tangent: Option<TangentSpace>, face: usize, corner: usize) {
        let tangent = tangent.expect("every triangle has an extent in texture space");
        self.tangents[face * 3 + corner] = Vec4::from_array(tangent.tangent_encoded());
    }
}

#[test]
fn tangents_agree_with_the_reference_at_every_corner() {
    let primitive = sheet();
    let corners = primitive.triangles.as_flattened();
    let mut reference = Reference { primitive: &primitive, tangents: vec![Vec4::ZERO; corners.len()] };
    generate_tangents(&mut reference).expect("the reference has no errors");
    assert!(primitive.positions.len() > 169, "vertices along the mirror line are doubled");
    for (corner, expected) in corners.iter().zip(&reference.tangents) {
        let found = primitive.tangents[*corner as usize];
        assert!(found.abs_diff_eq(*expected, 1e-4), "vertex {corner}: {found} is not {expected}");
    }
}

#[test]
fn a_vertex_with_very_many_triangles_takes_linear_time() {
    const SPOKES: usize = 60_000;
    let mut glb = Glb::empty().set("/materials/0", json!({"normalTexture": {"index": 0}}));
    glb.texture(&png([128, 128, 255, 255]), PNG);
    let rim = (0..SPOKES).map(|at| (at as f32 / SPOKES as f32 * std::f32::consts::TAU).sin_cos());
    let positions: Vec<[f32; 3]> = std::iter::once([0.0; 3]).chain(rim.map(|(sin, cos)| [cos, sin, 0.0])).collect();
    let uvs: Vec<[f32; 2]> = positions.iter().map(|position| [position[0], -position[1]]).collect();
    let normals = vec![[0.0, 0.0, 1.0]; positions.len()];
    let attributes = json!({
        "POSITION": glb.positions(&positions), "NORMAL": glb.floats("VEC3", &normals), "TEXCOORD_0": glb.floats("VEC2", &uvs),
    });
    glb.primitive(json!({"attributes": attributes, "mode": 6, "material": 0}));
    let primitive = glb.only_primitive();
    assert!(primitive.tangents.iter().all(|tangent| tangent.abs_diff_eq(Vec4::new(1.0, 0.0, 0.0, 1.0), 1e-3)));
}
