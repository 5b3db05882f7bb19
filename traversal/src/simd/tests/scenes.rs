//! Scenes to trace.

use glam::{Affine3A, Vec3};
use packshot_shaders::layout::ray::Ray;

use crate::{AccelError, AccelInstance, AccelMesh, SceneBvh};

/// Meshes and their placements.
pub(super) struct TestScene {
    pub(super) meshes: Vec<Vec<[Vec3; 3]>>,
    instances: Vec<AccelInstance>,
}

impl TestScene {
    pub(super) fn meshes(meshes: Vec<Vec<[Vec3; 3]>>) -> TestScene {
        TestScene { meshes, instances: Vec::new() }
    }

    pub(super) fn one_mesh(triangles: Vec<[Vec3; 3]>) -> TestScene {
        let mut scene = TestScene::meshes(vec![triangles]);
        scene.place(0, Affine3A::IDENTITY);
        scene
    }

    /// Adds a scaled copy of a mesh and returns its index.
    pub(super) fn add_scaled(&mut self, mesh: usize, scale: f32) -> u32 {
        let scaled = self.meshes[mesh].iter().map(|triangle| triangle.map(|vertex| vertex * scale)).collect();
        self.meshes.push(scaled);
        self.meshes.len() as u32 - 1
    }

    pub(super) fn place(&mut self, mesh: u32, world_from_local: Affine3A) {
        let local_from_world = match world_from_local == Affine3A::IDENTITY {
            true => Affine3A::IDENTITY,
            false => world_from_local.inverse(),
        };
        self.instances.push(AccelInstance { mesh, world_from_local, local_from_world });
    }

    pub(super) fn build(&self) -> SceneBvh {
        self.try_build(&|| false).expect("a sound scene")
    }

    pub(super) fn try_build(&self, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<SceneBvh, AccelError> {
        let mut first_triangle = 0;
        let with_first = self.meshes.iter().map(|triangles| {
            let mesh = AccelMesh { triangles, first_triangle };
            first_triangle += triangles.len() as u32;
            mesh
        });
        SceneBvh::build(&with_first.collect::<Vec<_>>(), &self.instances, cancelled)
    }
}

/// An unbounded ray.
pub(super) fn ray(origin: Vec3, direction: Vec3) -> Ray {
    Ray { origin, t_min: 0.0, direction, t_max: f32::INFINITY }
}

/// A closed sphere of `4 n²` triangles, whose vertices on shared edges are equal bit for bit.
pub(super) fn grid_sphere(n: usize, radius: f32) -> Vec<[Vec3; 3]> {
    let vertex = |ring: usize, spoke: usize| {
        let polar = std::f32::consts::PI * ring as f32 / n as f32;
        let azimuth = std::f32::consts::TAU * (spoke % (2 * n)) as f32 / (2 * n) as f32;
        let across = if ring == 0 || ring == n { 0.0 } else { polar.sin() };
        radius * Vec3::new(across * azimuth.cos(), across * azimuth.sin(), polar.cos())
    };
    let cells = (0..n).flat_map(|ring| (0..2 * n).map(move |spoke| (ring, spoke)));
    cells
        .flat_map(|(ring, spoke)| {
            let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(down, right)| vertex(ring + down, spoke + right));
            let [a, b, c, d] = corners;
            [[a, b, c], [a, c, d]]
        })
        .collect()
}

/// The cube from -1 to 1.
pub(super) fn cube() -> Vec<[Vec3; 3]> {
    let faces = (0..3).flat_map(|axis| [-1.0f32, 1.0].map(|side| (axis, side)));
    faces
        .flat_map(|(axis, side)| {
            let corner = |b: f32, c: f32| {
                let mut position = Vec3::ZERO;
                position[axis] = side;
                position[(axis + 1) % 3] = b;
                position[(axis + 2) % 3] = c;
                position
            };
            let (a, b, c, d) = (corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0));
            [[a, b, c], [a, c, d]]
        })
        .collect()
}

/// The triangles' vertices and points along their edges.
pub(super) fn edge_points(triangles: &[[Vec3; 3]]) -> Vec<Vec3> {
    let edges = triangles.iter().flat_map(|&[a, b, c]| [(a, b), (b, c), (c, a)]);
    edges.flat_map(|(a, b)| [0.0, 0.3, 0.5, 0.77].map(|along| a.lerp(b, along))).collect()
}
