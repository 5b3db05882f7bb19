//! How an area is laid out flat, as the texture has it: millimetres to the right (u) and downwards (v) from the
//! texture's upper left corner.

use glam::{DMat2, DVec2, DVec3};
use packshot_renderer::scene::DesignLay;

/// An area laid out.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// How the renderer finds the same place.
    pub(crate) lay: DesignLay,
    /// The texture's size in millimetres.
    pub(crate) size_mm: DVec2,
    /// Whether the area continues at the other edge, along u and along v.
    pub(crate) wraps: [bool; 2],
    /// Orthogonal: a step on the texture as a step to the right and upwards on the upright area.
    pub(crate) upright_from_flat: DMat2,
    pub(crate) faces: Vec<FlatFace>,
}

/// A triangle laid out flat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlatFace {
    /// Millimetres.
    pub(crate) flat_mm: [DVec2; 3],
    /// Metres.
    pub(crate) world: [DVec3; 3],
    pub(crate) normal: DVec3,
    pub(crate) area_m2: f64,
    /// The most by which a length of the texture is stretched or shrunk on the surface: 1 where it keeps its size.
    pub(crate) stretch: f64,
}

/// The flat frame of a texture whose u is right and whose v is down on the upright area.
pub(crate) const UPRIGHT: DMat2 = DMat2::from_cols(DVec2::X, DVec2::NEG_Y);

impl Chart {
    /// Width and height of the box around the area on the upright surface, millimetres.
    pub(crate) fn upright_size_mm(&self) -> [f64; 2] {
        let DMat2 { x_axis, y_axis } = self.upright_from_flat;
        (x_axis.abs() * self.size_mm.x + y_axis.abs() * self.size_mm.y).to_array()
    }

    /// The 99th percentile of the stretch by area of those faces that pass; 1 without any.
    pub(crate) fn distortion(&self, passes: impl Fn(&FlatFace) -> bool) -> f64 {
        let mut faces: Vec<(f64, f64)> =
            self.faces.iter().filter(|face| passes(face)).map(|face| (face.stretch, face.area_m2)).collect();
        faces.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut left = 0.99 * faces.iter().map(|(_, area)| area).sum::<f64>();
        for (stretch, area) in &faces {
            left -= area;
            if left <= 0.0 {
                return *stretch;
            }
        }
        1.0
    }

    /// The place that a ray against `direction` through the middle of the area meets first; else the nearest place that
    /// faces `direction`. `None` where nothing does.
    pub(crate) fn facing(&self, direction: DVec3) -> Option<DVec2> {
        let corners = || self.faces.iter().flat_map(|face| face.world);
        let min = corners().reduce(DVec3::min)?;
        let max = corners().reduce(DVec3::max)?;
        let middle = 0.5 * (min + max);
        let facing = || self.faces.iter().filter(|face| face.normal.dot(direction) > 0.1);
        let hit = facing().filter_map(|face| {
            let weights = face.weights_along(middle, direction)?;
            Some((face.world_at(weights).dot(direction), face.flat_at(weights)))
        });
        if let Some((_, flat)) = hit.max_by(|a, b| a.0.total_cmp(&b.0)) {
            return Some(flat);
        }
        let aside = |face: &&FlatFace| {
            let to = face.world_at(DVec3::splat(1.0 / 3.0)) - middle;
            (to - direction * to.dot(direction)).length()
        };
        let nearest = facing().min_by(|a, b| aside(a).total_cmp(&aside(b)))?;
        Some(nearest.flat_at(DVec3::splat(1.0 / 3.0)))
    }

    /// The place nearest to a point of the world.
    pub(crate) fn nearest(&self, point: DVec3) -> Option<DVec2> {
        let at = |face: &FlatFace| {
            let weights = nearest_weights(face.world, point);
            ((face.world_at(weights) - point).length(), face.flat_at(weights))
        };
        Some(self.faces.iter().map(at).min_by(|a, b| a.0.total_cmp(&b.0))?.1)
    }
}

impl FlatFace {
    fn world_at(&self, weights: DVec3) -> DVec3 {
        self.world[0] * weights.x + self.world[1] * weights.y + self.world[2] * weights.z
    }

    fn flat_at(&self, weights: DVec3) -> DVec2 {
        self.flat_mm[0] * weights.x + self.flat_mm[1] * weights.y + self.flat_mm[2] * weights.z
    }

    /// Barycentric weights of the point on the line through `point` along `direction`, where that is inside.
    fn weights_along(&self, point: DVec3, direction: DVec3) -> Option<DVec3> {
        let [a, b, c] = self.world;
        let distance = (a - point).dot(self.normal) / direction.dot(self.normal);
        let weights = weights(self.world, point + direction * distance, (b - a).cross(c - a));
        (weights.min_element() >= -1e-9).then_some(weights)
    }
}

fn weights([a, b, c]: [DVec3; 3], p: DVec3, normal: DVec3) -> DVec3 {
    let doubled = normal.length_squared();
    let of_b = (p - a).cross(c - a).dot(normal) / doubled;
    let of_c = (b - a).cross(p - a).dot(normal) / doubled;
    DVec3::new(1.0 - of_b - of_c, of_b, of_c)
}

/// Barycentric weights of the point of a triangle nearest to `p`.
pub(super) fn nearest_weights(corners: [DVec3; 3], p: DVec3) -> DVec3 {
    let [a, b, c] = corners;
    let inside = weights(corners, p, (b - a).cross(c - a));
    if inside.min_element() >= 0.0 {
        return inside;
    }
    let on_edge = |i: usize| {
        let (from, to) = (corners[i], corners[(i + 1) % 3]);
        let share = ((p - from).dot(to - from) / (to - from).length_squared()).clamp(0.0, 1.0);
        let mut weights = DVec3::ZERO;
        weights[i] = 1.0 - share;
        weights[(i + 1) % 3] = share;
        (from.lerp(to, share).distance(p), weights)
    };
    let edges = [on_edge(0), on_edge(1), on_edge(2)];
    edges.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).map_or(inside, |(_, weights)| weights)
}
