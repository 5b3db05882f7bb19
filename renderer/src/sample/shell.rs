//! Closed triangle shells with analytic normals.

use std::collections::HashMap;

use glam::DVec3;

/// A closed surface. Millimetres; triangles counter-clockwise seen from outside.
#[derive(Clone, Debug, Default)]
pub(super) struct Shell {
    pub(super) positions_mm: Vec<DVec3>,
    /// Unit, one per position.
    pub(super) normals: Vec<DVec3>,
    pub(super) triangles: Vec<[u32; 3]>,
}

impl Shell {
    /// Adds a vertex and returns its index.
    pub(super) fn push(&mut self, position_mm: DVec3, normal: DVec3) -> u32 {
        let idx = self.positions_mm.len() as u32;
        self.positions_mm.push(position_mm);
        self.normals.push(normal);
        idx
    }

    /// Adds the two triangles of a quadrilateral given counter-clockwise.
    pub(super) fn push_quad(&mut self, [a, b, c, d]: [u32; 4]) {
        self.triangles.extend([[a, b, c], [a, c, d]]);
    }

    /// A sphere around the origin: an icosahedron whose triangles are split into four `n_subdivisions` times. Its
    /// triangles have nearly the same size, without poles.
    pub(super) fn sphere(radius_mm: f64, n_subdivisions: u32) -> Self {
        let golden = (1.0 + 5.0_f64.sqrt()) / 2.0;
        let mut directions: Vec<DVec3> = Vec::new();
        for [one, long] in [[1.0, golden], [-1.0, golden], [1.0, -golden], [-1.0, -golden]] {
            directions.extend([DVec3::new(0.0, one, long), DVec3::new(one, long, 0.0), DVec3::new(long, 0.0, one)]);
        }
        directions.iter_mut().for_each(|direction| *direction = direction.normalize());
        let mut triangles = icosahedron_triangles(&directions);
        for _ in 0..n_subdivisions {
            let mut midpoints = HashMap::new();
            let mut midpoint = |a: u32, b: u32| {
                *midpoints.entry((a.min(b), a.max(b))).or_insert_with(|| {
                    directions.push((directions[a as usize] + directions[b as usize]).normalize());
                    directions.len() as u32 - 1
                })
            };
            triangles = triangles
                .iter()
                .flat_map(|&[a, b, c]| {
                    let (ab, bc, ca) = (midpoint(a, b), midpoint(b, c), midpoint(c, a));
                    [[a, ab, ca], [b, bc, ab], [c, ca, bc], [ab, bc, ca]]
                })
                .collect();
        }
        let positions_mm = directions.iter().map(|direction| *direction * radius_mm).collect();
        Self { positions_mm, normals: directions, triangles }
    }
}

/// The twenty triples of neighbouring corners, counter-clockwise from outside.
fn icosahedron_triangles(corners: &[DVec3]) -> Vec<[u32; 3]> {
    // Neighbours are 63.4 degrees apart (cosine 1/√5), all others at least 116.6.
    let neighbours = |a: usize, b: usize| corners[a].dot(corners[b]) > 0.4;
    let mut triangles = Vec::with_capacity(20);
    for a in 0..corners.len() {
        for b in a + 1..corners.len() {
            for c in b + 1..corners.len() {
                if neighbours(a, b) && neighbours(b, c) && neighbours(c, a) {
                    let outwards = (corners[b] - corners[a]).cross(corners[c] - corners[a]).dot(corners[a]) > 0.0;
                    let [b, c] = if outwards { [b, c] } else { [c, b] };
                    triangles.push([a as u32, b as u32, c as u32]);
                }
            }
        }
    }
    triangles
}
