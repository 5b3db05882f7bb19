//! Lines where what the camera sees changes from one point of the picture to the next: edges of the product, or of its
//! triangles.
//!
//! Camera rays without a lens sample a grid of [`SIDE`] by [`SIDE`] points per pixel. Where a line separates what two
//! neighbouring points see, bisection between them finds the border; a point is on a line if it is closer to a border
//! than half the line's width. Hidden edges are hit by no ray and so draw nothing. Each block examines its surroundings
//! too, so that lines are the same however the picture is divided.

use glam::{Vec2, Vec3, Vec4};
use packshot_native::loops::Stages;
use packshot_native::stages::Bindings;
use packshot_shaders::constants::SLOT_FLAT;
use packshot_shaders::layout::ray::{Hit, Ray};
use packshot_traversal::{Accel, Opacity};
use rayon::prelude::*;

use super::layers::MostlyOpaque;
use crate::backend::CancelToken;
use crate::film::{Block, blocks};
use crate::layers::lines::{LineKind, LineStyle};
use crate::prepare::PreparedShot;

/// Grid points along a pixel's side.
const SIDE: usize = 4;
/// Distance between grid points, pixels.
const STEP_PX: f32 = 1.0 / SIDE as f32;
/// Bisection steps between two points: borders are found to a 128th of a pixel.
const HALVINGS: usize = 4;
/// A border counts only if it is found between at least this many pairs of points within a pixel to each side: where a
/// rim fades into a smooth surface, only isolated pairs are left of it.
const PAIRS_MIN: u32 = 4;
/// Camera rays in flight together.
const RAYS: usize = 1024;
/// Difference in depth from which one piece of a part is in front of another, in widths of a pixel.
const STEP_DEPTH_PX: f32 = 0.5;
/// Relative error that rounding may cause in depths extrapolated along a plane: planes seen at grazing angles give
/// large depths.
const DEPTH_ERROR: f32 = 0.1;

/// Draws the lines of a shot.
pub(super) struct LineTracer<'a> {
    pub(super) shot: &'a PreparedShot,
    pub(super) accel: &'a Accel,
    pub(super) stages: Stages,
    pub(super) style: LineStyle,
    /// The floor's part, which counts as nothing.
    pub(super) floor: Option<u32>,
}

/// Buffers of one thread.
#[derive(Default)]
struct Buffers {
    rays: Vec<Ray>,
    hits: Vec<Hit>,
    places: Vec<Vec2>,
    spots: Vec<Spot>,
    others: Vec<Spot>,
    is_stray: Vec<bool>,
    pairs: Vec<Pair>,
    n_pairs: Vec<u32>,
    distances2: Vec<f32>,
}

/// What a ray sees.
#[derive(Clone, Copy, Debug)]
struct Spot {
    ray: Ray,
    /// `None`: nothing for which lines are drawn.
    met: Option<Met>,
}

#[derive(Clone, Copy, Debug)]
struct Met {
    t: f32,
    part: u32,
    material: u32,
    instance: u32,
    triangle: u32,
    place: Vec3,
    /// Unit normal of the triangle, towards the viewer.
    flat: Vec3,
    /// Unit normal of the smooth surface that the triangles approximate, on the same side; without bumps and rounded
    /// edges.
    smooth: Vec3,
}

/// Two points with a border between them.
#[derive(Clone, Copy, Debug)]
struct Pair {
    /// The index of the first point in its window.
    first: usize,
    from: Vec2,
    to: Vec2,
    /// What is seen at the first point.
    at_from: Spot,
    at_to: Spot,
}

/// A block with its surroundings, in grid points.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// Position of its first point, pixels.
    corner_px: Vec2,
    columns: usize,
    rows: usize,
    /// Width of the surroundings, pixels.
    margin_px: usize,
}

impl LineTracer<'_> {
    /// The fraction of each pixel that lines of this kind cover, row by row, computed in the current rayon pool; partly
    /// zeros when cancelled.
    pub(super) fn trace(&self, kind: LineKind, cancel: &CancelToken) -> Vec<f32> {
        let film = &self.shot.film;
        let blocks = blocks(film.width_px, film.height_px);
        let of_blocks: Vec<Vec<f32>> = blocks
            .par_iter()
            .map_init(Buffers::default, |buffers, block| self.of_block(kind, block, buffers, cancel))
            .collect();
        let mut out = vec![0.0; film.width_px as usize * film.height_px as usize];
        for (block, coverage) in blocks.iter().zip(&of_blocks) {
            for (row, values) in coverage.chunks(block.width_px as usize).enumerate() {
                let first = (block.y_px as usize + row) * film.width_px as usize + block.x_px as usize;
                out[first..first + values.len()].copy_from_slice(values);
            }
        }
        out
    }

    fn of_block(&self, kind: LineKind, block: &Block, buffers: &mut Buffers, cancel: &CancelToken) -> Vec<f32> {
        let window = Window::around(block, 0.5 * self.style.width_px);
        buffers.spots.clear();
        let n_places = window.columns * window.rows;
        for first in (0..n_places).step_by(RAYS) {
            if cancel.is_cancelled() {
                return vec![0.0; (block.width_px * block.height_px) as usize];
            }
            buffers.places.clear();
            buffers.places.extend((first..n_places.min(first + RAYS)).map(|i| window.place(i)));
            self.look(&buffers.places, &mut buffers.rays, &mut buffers.hits, &mut buffers.spots);
        }
        self.find_pairs(kind, &window, buffers);
        self.find_borders(kind, buffers, cancel);
        buffers.distances2.clear();
        buffers.distances2.resize(n_places, f32::INFINITY);
        let reach_px = 0.5 * self.style.width_px + STEP_PX;
        for pairs in buffers.pairs.chunks(RAYS) {
            if cancel.is_cancelled() {
                break;
            }
            for pair in pairs {
                window.approach(0.5 * (pair.from + pair.to), reach_px, &mut buffers.distances2);
            }
        }
        window.coverage(block, 0.5 * self.style.width_px, &buffers.distances2)
    }

    /// Appends what is seen at points of the picture.
    fn look(&self, places: &[Vec2], rays: &mut Vec<Ray>, hits: &mut Vec<Hit>, spots: &mut Vec<Spot>) {
        let bindings = self.shot.bindings();
        rays.clear();
        self.stages.camera_rays(&bindings, places, rays);
        hits.clear();
        hits.resize(rays.len(), Hit::default());
        match self.shot.product.features.has_opacity {
            true => {
                let filter = MostlyOpaque { bindings: &bindings, stages: self.stages };
                self.accel.closest_coherent(rays, hits, Opacity::Of(&filter));
            }
            false => self.accel.closest_coherent(rays, hits, Opacity::Full),
        }
        let met = |ray: &Ray, hit: &Hit| (!hit.is_miss()).then(|| Met::new(&bindings, ray, hit));
        let spot = |(ray, hit): (&Ray, &Hit)| Spot {
            ray: *ray,
            met: met(ray, hit).filter(|met| Some(met.part) != self.floor),
        };
        spots.extend(rays.iter().zip(&*hits).map(spot));
    }

    /// Leaves in the buffers the pairs of neighbours that a line separates.
    fn find_pairs(&self, kind: LineKind, window: &Window, buffers: &mut Buffers) {
        let Buffers { spots, is_stray, pairs, n_pairs, .. } = buffers;
        let differ = |a: usize, b: usize| self.differ(kind, &spots[a], &spots[b]);
        let columns = window.columns;
        is_stray.clear();
        is_stray.resize(spots.len(), false);
        if kind == LineKind::Edges {
            // What a single ray sees through a seam of a leaky mesh is not an edge.
            for i in (1..window.rows - 1).flat_map(|row| row * columns + 1..(row + 1) * columns - 1) {
                let (left, right, above, below) = (i - 1, i + 1, i - columns, i + columns);
                is_stray[i] = differ(i, left)
                    && [right, above, below].iter().all(|&other| differ(i, other))
                    && !differ(left, right)
                    && !differ(above, below);
            }
        }
        pairs.clear();
        for i in 0..spots.len() {
            let beside = ((i + 1) % columns != 0).then_some(i + 1);
            let below = (i + columns < spots.len()).then_some(i + columns);
            for other in [beside, below].into_iter().flatten() {
                if !is_stray[i] && !is_stray[other] && differ(i, other) {
                    let (from, to) = (window.place(i), window.place(other));
                    pairs.push(Pair { first: i, from, to, at_from: spots[i], at_to: spots[other] });
                }
            }
        }
        if kind == LineKind::Edges {
            n_pairs.clear();
            n_pairs.resize(spots.len(), 0);
            for pair in pairs.iter() {
                n_pairs[pair.first] += 1;
            }
            pairs.retain(|pair| window.around_place(pair.first).map(|i| n_pairs[i]).sum::<u32>() >= PAIRS_MIN);
        }
    }

    /// Moves the points of each pair closer to the border between them.
    fn find_borders(&self, kind: LineKind, buffers: &mut Buffers, cancel: &CancelToken) {
        let Buffers { rays, hits, places, others, pairs, .. } = buffers;
        for _ in 0..HALVINGS {
            for pairs in pairs.chunks_mut(RAYS) {
                if cancel.is_cancelled() {
                    return;
                }
                places.clear();
                places.extend(pairs.iter().map(|pair| 0.5 * (pair.from + pair.to)));
                others.clear();
                self.look(places, rays, hits, others);
                for ((pair, &place), &spot) in pairs.iter_mut().zip(&*places).zip(&*others) {
                    let is_before = self.differ(kind, &pair.at_from, &spot);
                    let is_behind = self.differ(kind, &spot, &pair.at_to);
                    // If the whole way shows a bend but neither half of it does, the bend is around the middle.
                    if is_before || is_behind {
                        match is_before {
                            true => (pair.to, pair.at_to) = (place, spot),
                            false => (pair.from, pair.at_from) = (place, spot),
                        }
                    } else {
                        (pair.from, pair.to) = (0.5 * (pair.from + place), 0.5 * (place + pair.to));
                    }
                }
            }
        }
    }

    /// Whether a line runs between two neighbours.
    fn differ(&self, kind: LineKind, a: &Spot, b: &Spot) -> bool {
        let (met_a, met_b) = match (&a.met, &b.met) {
            (None, None) => return false,
            (Some(a), Some(b)) => (a, b),
            _ => return true,
        };
        if (met_a.instance, met_a.triangle) == (met_b.instance, met_b.triangle) {
            return false;
        }
        kind == LineKind::Wireframe
            || (met_a.part, met_a.material) != (met_b.part, met_b.material)
            || met_a.smooth.dot(met_b.smooth) < self.style.crease_rad.cos()
            || self.is_step(met_a, &a.ray, met_b, &b.ray)
    }

    /// Whether one of two surfaces is in front of the other: their depths differ by more than the inclinations of both
    /// explain.
    fn is_step(&self, a: &Met, ray_a: &Ray, b: &Met, ray_b: &Ray) -> bool {
        let (by_a, by_b) = (a.t_along(ray_b) - a.t, b.t - b.t_along(ray_a));
        let (least, most) = (by_a.min(by_b), by_a.max(by_b));
        let camera = &self.shot.params.camera;
        let of_one = 2.0 * camera.half_width / self.shot.params.width_px as f32;
        let pixel = if camera.orthographic == 1 { of_one } else { of_one * a.t.min(b.t) };
        let slack = |foretold: f32| STEP_DEPTH_PX * pixel + DEPTH_ERROR * foretold.abs();
        let step = b.t - a.t;
        step < least - slack(least) || step > most + slack(most)
    }
}

impl Met {
    fn new(b: &Bindings<'_>, ray: &Ray, hit: &Hit) -> Self {
        let instance = &b.instances[hit.instance as usize];
        let triangle = &b.triangles[hit.triangle as usize];
        let slot = &b.slots[(instance.slot_base + triangle.slot) as usize];
        let corners = [triangle.v0, triangle.v1, triangle.v2].map(|i| &b.vertices[i as usize]);
        let [p0, p1, p2] = corners.map(|vertex| vertex.position);
        let place = p0 * (1.0 - hit.u - hit.v) + p1 * hit.u + p2 * hit.v;
        let rows = [instance.world_from_local_0, instance.world_from_local_1, instance.world_from_local_2];
        let rows_back = [instance.local_from_world_0, instance.local_from_world_1, instance.local_from_world_2];
        // Normals transform by the inverse transpose.
        let turned = |n: Vec3| [n.x, n.y, n.z].iter().zip(&rows_back).map(|(&n, row)| n * row.truncate()).sum::<Vec3>();
        let towards = |n: Vec3, side: Vec3| if n.dot(side) < 0.0 { -n } else { n };
        let flat = towards(turned((p1 - p0).cross(p2 - p0)).normalize_or_zero(), -ray.direction);
        let [n0, n1, n2] = corners.map(|vertex| vertex.normal);
        let bent = turned(n0 * (1.0 - hit.u - hit.v) + n1 * hit.u + n2 * hit.v).normalize_or_zero();
        let is_flat = slot.flags & SLOT_FLAT != 0 || bent == Vec3::ZERO;
        Self {
            t: hit.t,
            part: slot.part,
            material: slot.material,
            instance: hit.instance,
            triangle: hit.triangle,
            place: Vec3::from_array(rows.map(|row: Vec4| row.dot(place.extend(1.0)))),
            flat,
            smooth: if is_flat { flat } else { towards(bent, flat) },
        }
    }

    /// Distance to the plane of its triangle along another ray: infinite if that ray sees the plane's other side,
    /// because the plane recedes faster than any ray reaches it.
    fn t_along(&self, ray: &Ray) -> f32 {
        let cosine = self.flat.dot(ray.direction);
        if cosine < 0.0 { self.flat.dot(self.place - ray.origin) / cosine } else { f32::INFINITY }
    }
}

impl Window {
    /// Around a block, wide enough that borders outside it do not affect the block's pixels.
    fn around(block: &Block, half_width_px: f32) -> Self {
        // One more point for detecting strays, one for borders half a step outside, and a pixel for counting pairs.
        let margin_px = (half_width_px + 3.0 * STEP_PX).ceil() as usize + 1;
        let places = |pixels: u32| (pixels as usize + 2 * margin_px) * SIDE;
        Self {
            corner_px: Vec2::new(block.x_px as f32, block.y_px as f32) - margin_px as f32 + 0.5 * STEP_PX,
            columns: places(block.width_px),
            rows: places(block.height_px),
            margin_px,
        }
    }

    /// Position of a point by its index, pixels.
    fn place(&self, i: usize) -> Vec2 {
        self.corner_px + Vec2::new((i % self.columns) as f32, (i / self.columns) as f32) * STEP_PX
    }

    /// The points within a pixel to each side of one.
    fn around_place(&self, i: usize) -> impl Iterator<Item = usize> {
        let (column, row, columns) = (i % self.columns, i / self.columns, self.columns);
        let rows = row.saturating_sub(SIDE)..(row + SIDE + 1).min(self.rows);
        let beside = column.saturating_sub(SIDE)..(column + SIDE + 1).min(columns);
        rows.flat_map(move |row| beside.clone().map(move |column| row * columns + column))
    }

    /// Updates the distances of all points within reach of a border.
    fn approach(&self, border: Vec2, reach_px: f32, distances2: &mut [f32]) {
        let range = |at: f32, n: usize| {
            let (first, last) = ((at - reach_px) * SIDE as f32, (at + reach_px) * SIDE as f32);
            first.ceil().max(0.0) as usize..n.min((last.floor() + 1.0).max(0.0) as usize)
        };
        let at = border - self.corner_px;
        for row in range(at.y, self.rows) {
            for column in range(at.x, self.columns) {
                let i = row * self.columns + column;
                distances2[i] = distances2[i].min((self.place(i) - border).length_squared());
            }
        }
    }

    /// The fraction of each of the block's pixels that is closer to a border than half a line's width.
    fn coverage(&self, block: &Block, half_width_px: f32, distances2: &[f32]) -> Vec<f32> {
        // Each point represents the square around it, which the edge of a line may cross.
        let covered = |i: usize| ((half_width_px - distances2[i].sqrt()) * SIDE as f32 + 0.5).clamp(0.0, 1.0);
        let of_pixel = |pixel: usize| {
            let [column, row] = [pixel % block.width_px as usize, pixel / block.width_px as usize]
                .map(|along| (along + self.margin_px) * SIDE);
            let places = (0..SIDE * SIDE).map(|k| (row + k / SIDE) * self.columns + column + k % SIDE);
            places.map(covered).sum::<f32>() / (SIDE * SIDE) as f32
        };
        (0..(block.width_px * block.height_px) as usize).map(of_pixel).collect()
    }
}
