//! Simplification of meshes: edges are collapsed, the cheapest first, as long as the surface stays where it was.
//!
//! A vertex is only ever moved onto a neighbour, so that every vertex of the result is one of the mesh. The cost of
//! that is how far the neighbour is from the planes of the triangles around the vertex, and the vertex from the lines
//! that must stay: boundaries, and edges where normals or materials change. Costs add up at the vertex that stays; none
//! exceeds the tolerance. The normal that is interpolated where the vertex was stays near its own in the same way, so
//! that light falls on the surface as before. Creases end nowhere: a vertex with several normals only moves along its
//! crease, and corners of creases do not move at all.
//!
//! Crate of its own, so that builds for tests compile its loops with optimisation and nothing else with them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::error::Error;
use std::fmt;

use glam::{DVec3, Vec3};

/// Triangles around the two ends of an edge that is collapsed, at most: fans beyond that are slow, and bad to look at.
const FAN_MAX: usize = 48;
/// How far the normals of a surface may turn, in radians.
const NORMAL_ERROR_MAX: f64 = 0.15;
/// The least cosine between the normals of a triangle before and after.
const TURN_COS_MIN: f64 = 0.25;
/// How much the length of an edge counts beside its cost: of equal costs, the shortest goes first.
const LENGTH_WEIGHT: f64 = 1e-3;
/// Collapses between two looks at whether to stop.
const CANCEL_EVERY: usize = 1024;

/// What is simplified: the triangles of one material.
#[derive(Clone, Copy, Debug)]
pub struct Primitive<'a> {
    /// Of the vertices, in the unit of the mesh.
    pub positions: &'a [[f32; 3]],
    /// Of length 1, one for each position; `None` where the surface is shaded flat.
    pub normals: Option<&'a [[f32; 3]]>,
    /// Indices of the vertices.
    pub triangles: &'a [[u32; 3]],
}

/// Somebody asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled")
    }
}

impl Error for Cancelled {}

/// Simplifies the primitives of a mesh together, so that no gap opens between them. `tolerance` is how far the surface
/// may move, in the unit of the mesh. Returns the triangles that stay, for each primitive: of the same vertices, some
/// of which are no longer used.
///
/// ```
/// use packshot_simplify::{Primitive, simplify};
///
/// // A flat square of four triangles around a vertex in the middle, which nothing needs.
/// let positions = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0]];
/// let triangles = [[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]];
/// let square = Primitive { positions: &positions, normals: None, triangles: &triangles };
/// let left = simplify(&[square], 1e-3, &|| false)?;
/// assert_eq!(left[0].len(), 2);
/// # Ok::<(), packshot_simplify::Cancelled>(())
/// ```
///
/// # Errors
/// [`Cancelled`] soon after `is_cancelled` says so.
pub fn simplify(
    primitives: &[Primitive<'_>],
    tolerance: f64,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Vec<Vec<[u32; 3]>>, Cancelled> {
    let mut surface = Surface::new(primitives, tolerance);
    surface.collapse_all(is_cancelled)?;
    let mut triangles = surface.triangles.iter().zip(&surface.is_there);
    let mut first = 0;
    let left = primitives.iter().map(|primitive| {
        let own = triangles.by_ref().take(primitive.triangles.len()).filter(|(_, is_there)| **is_there);
        let own = own.map(|(triangle, _)| triangle.map(|vertex| vertex - first)).collect();
        first += primitive.positions.len() as u32;
        own
    });
    Ok(left.collect())
}

/// A mesh whose vertices are joined where they are at one place.
struct Surface {
    tolerance: f64,
    places: Vec<DVec3>,
    /// Per vertex, over all primitives.
    place_of: Vec<u32>,
    /// Per vertex; `None` where the surface is shaded flat.
    normals: Vec<Option<DVec3>>,
    triangles: Vec<[u32; 3]>,
    /// Per triangle, whether it was left.
    is_there: Vec<bool>,
    /// Per place, the triangles around it.
    fans: Vec<Vec<u32>>,
    /// Per place, how far the surface around it may be from the original.
    errors: Vec<f64>,
    /// Per place, how far the normals around it may be turned, in radians.
    normal_errors: Vec<f64>,
    /// Per place, how often its surroundings changed.
    changes: Vec<u32>,
}

/// A vertex that moves onto a neighbour.
struct Collapse {
    /// How far the surface moves, with what it moved before.
    error: f64,
    /// How far its normals turn, with what they turned before.
    normal_error: f64,
    /// Which vertex each one at the place that goes becomes.
    moved: Vec<(u32, u32)>,
}

/// A neighbour of a place.
struct Spoke {
    place: u32,
    n_triangles: u32,
    /// The vertices at both ends, as the first of the triangles has them.
    ends: [u32; 2],
    /// Whether the triangles have the same vertices there.
    is_smooth: bool,
}

impl Surface {
    fn new(primitives: &[Primitive<'_>], tolerance: f64) -> Self {
        let (mut places, mut place_of, mut triangles) = (Vec::new(), Vec::new(), Vec::new());
        let mut normals = Vec::new();
        let mut known: HashMap<[u32; 3], u32> = HashMap::new();
        for primitive in primitives {
            let first = place_of.len() as u32;
            for position in primitive.positions {
                let bits = position.map(|component| (component + 0.0).to_bits());
                place_of.push(*known.entry(bits).or_insert_with(|| {
                    places.push(Vec3::from(*position).as_dvec3());
                    places.len() as u32 - 1
                }));
            }
            match primitive.normals {
                Some(own) => normals.extend(own.iter().map(|normal| Some(Vec3::from(*normal).as_dvec3()))),
                None => normals.resize(place_of.len(), None),
            }
            triangles.extend(primitive.triangles.iter().map(|triangle| triangle.map(|vertex| first + vertex)));
        }
        let mut fans = vec![Vec::new(); places.len()];
        for (i, triangle) in triangles.iter().enumerate() {
            triangle.iter().for_each(|&vertex| fans[place_of[vertex as usize] as usize].push(i as u32));
        }
        let n = places.len();
        Self {
            tolerance,
            is_there: vec![true; triangles.len()],
            errors: vec![0.0; n],
            normal_errors: vec![0.0; n],
            changes: vec![0; n],
            places,
            place_of,
            normals,
            triangles,
            fans,
        }
    }

    fn collapse_all(&mut self, is_cancelled: &dyn Fn() -> bool) -> Result<(), Cancelled> {
        let mut queue = BinaryHeap::new();
        for place in 0..self.places.len() as u32 {
            if (place as usize).is_multiple_of(CANCEL_EVERY) && is_cancelled() {
                return Err(Cancelled);
            }
            queue.extend(self.cheapest(place));
        }
        let mut n_done = 0_usize;
        while let Some(Reverse((_, from, to, change))) = queue.pop() {
            if change != self.changes[from as usize] {
                continue;
            }
            // What is further away than its neighbours may have changed.
            let Some(collapse) = self.collapse(from, to) else {
                self.changes[from as usize] += 1;
                queue.extend(self.cheapest(from));
                continue;
            };
            self.apply(from, to, &collapse);
            for place in self.spokes(to).iter().map(|spoke| spoke.place).chain([to]) {
                self.changes[place as usize] += 1;
                queue.extend(self.cheapest(place));
            }
            n_done += 1;
            if n_done.is_multiple_of(CANCEL_EVERY) && is_cancelled() {
                return Err(Cancelled);
            }
        }
        Ok(())
    }

    /// The best neighbour to move a place onto, as an entry of the queue; `None` if it has to stay.
    fn cheapest(&self, from: u32) -> Option<Reverse<(u64, u32, u32, u32)>> {
        let options = self.spokes(from).into_iter().filter_map(|spoke| {
            let collapse = self.collapse(from, spoke.place)?;
            let length = self.places[from as usize].distance(self.places[spoke.place as usize]);
            // Numbers that are not negative have the order of their bits.
            let cost = collapse.error + collapse.normal_error * self.tolerance + LENGTH_WEIGHT * length;
            Some((cost.to_bits(), spoke.place))
        });
        let (cost, to) = options.min()?;
        Some(Reverse((cost, from, to, self.changes[from as usize])))
    }

    /// The places of a triangle's corners.
    fn corners(&self, triangle: u32) -> [u32; 3] {
        self.triangles[triangle as usize].map(|vertex| self.place_of[vertex as usize])
    }

    /// The neighbours of a place, in the order in which its triangles have them.
    fn spokes(&self, place: u32) -> Vec<Spoke> {
        let mut spokes: Vec<Spoke> = Vec::with_capacity(8);
        for &triangle in &self.fans[place as usize] {
            let (corners, vertices) = (self.corners(triangle), self.triangles[triangle as usize]);
            let own = self.vertex_at(triangle, place);
            for (&corner, vertex) in corners.iter().zip(vertices).filter(|(corner, _)| **corner != place) {
                match spokes.iter_mut().find(|spoke| spoke.place == corner) {
                    Some(spoke) => {
                        spoke.n_triangles += 1;
                        spoke.is_smooth &= spoke.ends == [own, vertex];
                    }
                    None => {
                        spokes.push(Spoke { place: corner, n_triangles: 1, ends: [own, vertex], is_smooth: true });
                    }
                }
            }
        }
        spokes
    }

    /// What it costs to move a place onto a neighbour; `None` if that must not be.
    fn collapse(&self, from: u32, to: u32) -> Option<Collapse> {
        let (fan, fan_of_to) = (&self.fans[from as usize], &self.fans[to as usize]);
        if fan.len() + fan_of_to.len() > FAN_MAX {
            return None;
        }
        let spokes = self.spokes(from);
        let n_open = spokes.iter().filter(|spoke| spoke.n_triangles == 1).count();
        let is_manifold = spokes.iter().all(|spoke| spoke.n_triangles <= 2) && (n_open == 0 || n_open == 2);
        let edge = spokes.iter().find(|spoke| spoke.place == to)?;
        // The end of an edge of a sheet stays on it.
        if !is_manifold || (n_open == 2 && edge.n_triangles != 1) {
            return None;
        }
        let spokes_of_to = self.spokes(to);
        let n_common =
            spokes.iter().filter(|spoke| spokes_of_to.iter().any(|other| other.place == spoke.place)).count();
        if n_common != edge.n_triangles as usize {
            return None;
        }
        let (start, end) = (self.places[from as usize], self.places[to as usize]);
        let mut moved: Vec<(u32, u32)> = Vec::with_capacity(2);
        let mut distance = 0.0_f64;
        for &triangle in fan {
            let corners = self.corners(triangle);
            let unit = self.cross(corners).normalize_or_zero();
            distance = distance.max(unit.dot(end - start).abs());
            match corners.contains(&to) {
                true => {
                    let pair = (self.vertex_at(triangle, from), self.vertex_at(triangle, to));
                    match moved.iter().find(|(own, _)| *own == pair.0) {
                        Some(known) if *known != pair => return None,
                        Some(_) => {}
                        None => moved.push(pair),
                    }
                }
                false => {
                    let turned = self.cross(corners.map(|corner| if corner == from { to } else { corner }));
                    if turned.dot(unit) <= TURN_COS_MIN * turned.length() {
                        return None;
                    }
                }
            }
        }
        let is_known = |&triangle: &u32| {
            let own = self.vertex_at(triangle, from);
            moved.iter().any(|(known, _)| *known == own)
        };
        if !fan.iter().all(is_known) {
            return None;
        }
        for spoke in spokes.iter().filter(|spoke| spoke.place != to && (spoke.n_triangles == 1 || !spoke.is_smooth)) {
            let other = self.places[spoke.place as usize];
            distance = distance.max(distance_to_segment(start, [end, other]));
        }
        let error = self.errors[from as usize] + distance;
        if error > self.tolerance {
            return None;
        }
        let turns = moved.iter().map(|&pair| self.turn(from, to, pair));
        let normal_error = self.normal_errors[from as usize] + turns.fold(0.0, f64::max);
        (normal_error <= NORMAL_ERROR_MAX).then_some(Collapse { error, normal_error, moved })
    }

    /// The angle between the normal of a vertex that goes, and the one that is interpolated at its place afterwards.
    fn turn(&self, from: u32, to: u32, (own, becomes): (u32, u32)) -> f64 {
        let Some(normal) = self.normals[own as usize] else { return 0.0 };
        let place = self.places[from as usize];
        let fan = self.fans[from as usize].iter().filter(|&&triangle| self.vertex_at(triangle, from) == own);
        let left = fan.filter(|&&triangle| !self.corners(triangle).contains(&to));
        let shares = left.map(|&triangle| {
            let vertices = self.triangles[triangle as usize].map(|vertex| if vertex == own { becomes } else { vertex });
            let corners = vertices.map(|vertex| self.places[self.place_of[vertex as usize] as usize]);
            (vertices, barycentric(place, corners))
        });
        // The triangle in which the place is now, or the one that is nearest to that.
        let inside = |shares: &[f64; 3]| shares.iter().copied().fold(f64::INFINITY, f64::min);
        let Some((vertices, shares)) = shares.max_by(|(_, a), (_, b)| inside(a).total_cmp(&inside(b))) else {
            return 0.0;
        };
        let weighted = vertices
            .iter()
            .zip(shares)
            .map(|(&vertex, share)| self.normals[vertex as usize].unwrap_or(DVec3::ZERO) * share.clamp(0.0, 1.0));
        weighted.sum::<DVec3>().normalize_or_zero().dot(normal).clamp(-1.0, 1.0).acos()
    }

    /// The vertex of a triangle at one of its places.
    fn vertex_at(&self, triangle: u32, place: u32) -> u32 {
        let vertices = self.triangles[triangle as usize];
        let at = vertices.iter().position(|&vertex| self.place_of[vertex as usize] == place);
        vertices[at.expect("a fan has the triangles of its place")]
    }

    /// Twice the area of a triangle of places, along its normal.
    fn cross(&self, corners: [u32; 3]) -> DVec3 {
        let [a, b, c] = corners.map(|corner| self.places[corner as usize]);
        (b - a).cross(c - a)
    }

    fn apply(&mut self, from: u32, to: u32, collapse: &Collapse) {
        for triangle in std::mem::take(&mut self.fans[from as usize]) {
            let corners = self.corners(triangle);
            if corners.contains(&to) {
                self.is_there[triangle as usize] = false;
                for corner in corners.into_iter().filter(|&corner| corner != from) {
                    self.fans[corner as usize].retain(|&other| other != triangle);
                }
                continue;
            }
            for vertex in &mut self.triangles[triangle as usize] {
                if let Some((_, becomes)) = collapse.moved.iter().find(|(own, _)| own == vertex) {
                    *vertex = *becomes;
                }
            }
            self.fans[to as usize].push(triangle);
        }
        let (error, normal_error) = (&mut self.errors[to as usize], &mut self.normal_errors[to as usize]);
        *error = error.max(collapse.error);
        *normal_error = normal_error.max(collapse.normal_error);
    }
}

fn distance_to_segment(point: DVec3, [a, b]: [DVec3; 2]) -> f64 {
    let along = b - a;
    let at = ((point - a).dot(along) / along.length_squared()).clamp(0.0, 1.0);
    if at.is_nan() { point.distance(a) } else { point.distance(a + along * at) }
}

/// The shares of a triangle's corners in the foot of a point on its plane; they add up to 1. Those of a triangle
/// without area are worse than any.
fn barycentric(point: DVec3, [a, b, c]: [DVec3; 3]) -> [f64; 3] {
    let normal = (b - a).cross(c - a);
    let area = normal.length_squared();
    if area == 0.0 {
        return [f64::NEG_INFINITY; 3];
    }
    let of_b = (point - a).cross(c - a).dot(normal) / area;
    let of_c = (b - a).cross(point - a).dot(normal) / area;
    [1.0 - of_b - of_c, of_b, of_c]
}
