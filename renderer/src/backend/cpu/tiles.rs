//! Which parts of a picture are empty: no camera ray there hits a triangle, so that none has to be generated and
//! traced.
//!
//! The camera rays through a tile lie between four planes. A tile is empty if, walking down the trees, every box is
//! outside one of them.

use glam::{DVec3, Vec3A};
use packshot_shaders::constants::FILTER_STEPS;
use packshot_shaders::layout::scene::Camera;
use packshot_traversal::SceneBvh;
use packshot_traversal::binary::{BinaryTree, Bounds};
use rayon::prelude::*;

use crate::prepare::PreparedShot;

/// Side of a tile; those at the right and lower borders of a picture may be smaller.
const TILE_PX: u32 = 16;
/// Margin beyond the filter's reach. Rays are rounded, these planes hardly.
const MARGIN_PX: f64 = 0.5;
/// Rounding error relative to the numbers from which the distance between a box and a plane is computed: more than that
/// of rays, boxes and instances' frames.
const ROUNDING: f64 = 1e-6;

/// The tiles of a picture.
pub(super) struct Tiles {
    n_across: u32,
    /// Row by row.
    shows_nothing: Vec<bool>,
}

impl Tiles {
    pub(super) fn of(shot: &PreparedShot) -> Self {
        let film = &shot.film;
        let [n_across, n_down] = [film.width_px, film.height_px].map(|size_px| size_px.div_ceil(TILE_PX));
        let offsets = &shot.tables[shot.params.filter_table as usize..][..=FILTER_STEPS as usize];
        let reach_px = f64::from(offsets.iter().fold(0.0_f32, |reach, offset| reach.max(offset.abs()))) + MARGIN_PX;
        let bvh = &shot.product.bvh;
        let shows_nothing = (0..n_across * n_down).into_par_iter().map(|tile| {
            let [x_px, y_px] = [tile % n_across, tile / n_across].map(|place| f64::from(place * TILE_PX));
            let side_px = f64::from(TILE_PX) + 2.0 * reach_px;
            let size_px = [film.width_px, film.height_px].map(f64::from);
            let beam = Beam::through(&shot.params.camera, [x_px - reach_px, y_px - reach_px], side_px, size_px);
            // Where the environment is visible there is always something.
            shot.params.environment_visible == 0 && !beam.meets(bvh)
        });
        Self { n_across, shows_nothing: shows_nothing.collect() }
    }

    /// Whether every camera ray of the pixel misses everything.
    pub(super) fn shows_nothing(&self, [x_px, y_px]: [u32; 2]) -> bool {
        self.shows_nothing[(y_px / TILE_PX * self.n_across + x_px / TILE_PX) as usize]
    }
}

/// Points p with `normal · (p - origin) + offset` below 0 are outside of it.
#[derive(Clone, Copy)]
struct Plane {
    normal: DVec3,
    offset: f64,
}

/// The camera rays through a rectangle of the picture lie inside four planes, two for each axis.
struct Beam {
    origin: DVec3,
    planes: [Plane; 4],
}

impl Beam {
    /// Through the square of `side_px` whose upper left corner is `corner_px`, in a picture of `size_px`.
    fn through(camera: &Camera, corner_px: [f64; 2], side_px: f64, size_px: [f64; 2]) -> Self {
        let back = camera.back.as_dvec3();
        let across = camera.right.as_dvec3();
        let up = camera.up.as_dvec3();
        let places = |axis: usize| [0.0, side_px].map(|more| 2.0 * (corner_px[axis] + more) / size_px[axis] - 1.0);
        let [left, right] = places(0).map(|x| x * f64::from(camera.half_width));
        let [top, bottom] = places(1).map(|y| -y * f64::from(camera.half_height));
        // The half space from the plane at `place` along `axis` in the direction of `sign`. The place is that at
        // distance 1, or that of parallel rays.
        let plane = |axis: DVec3, place: f64, sign: f64| {
            if camera.orthographic == 1 {
                return Plane { normal: axis * sign, offset: -place * sign };
            }
            // With a lens, a ray is off by at most the aperture's radius at distance 0, and by twice that at the plane
            // of focus.
            let radius = f64::from(camera.aperture_radius);
            let spread = if radius > 0.0 { radius / f64::from(camera.focus_depth) } else { 0.0 };
            Plane { normal: (axis + back * place) * sign - back * spread, offset: radius }
        };
        let planes =
            [plane(across, left, 1.0), plane(across, right, -1.0), plane(up, bottom, 1.0), plane(up, top, -1.0)];
        Self { origin: camera.origin.as_dvec3(), planes }
    }

    /// Whether it may hit a triangle.
    fn meets(&self, bvh: &SceneBvh) -> bool {
        let world = Boxes::new(self.origin, self.planes);
        world.reach(&bvh.top, |first| {
            let instance = &bvh.instances[first as usize].instance;
            let (maps, origin) = (&instance.world_from_local.matrix3, instance.world_from_local.translation);
            // p = M q + t: the plane's local normal consists of its dot products with the columns of M.
            let local = self.planes.map(|plane| {
                let along = |column: Vec3A| plane.normal.dot(column.as_dvec3());
                let normal = DVec3::new(along(maps.x_axis), along(maps.y_axis), along(maps.z_axis));
                let to_frame = origin.as_dvec3() - self.origin;
                Plane { normal, offset: plane.offset + plane.normal.dot(to_frame) }
            });
            let size = origin.as_dvec3().abs() + self.origin.abs();
            let sizes = self.planes.map(|plane| plane.normal.abs().dot(size) + plane.offset.abs());
            let boxes = Boxes { planes: local, sizes };
            boxes.reach(&bvh.meshes[instance.mesh as usize].tree, |_| true)
        })
    }
}

/// Planes in the frame of a tree, with offsets from its origin, and the magnitude of the numbers that these were
/// computed from.
struct Boxes {
    planes: [Plane; 4],
    sizes: [f64; 4],
}

impl Boxes {
    fn new(origin: DVec3, planes: [Plane; 4]) -> Self {
        let offset = |plane: Plane| Plane { offset: plane.offset - plane.normal.dot(origin), ..plane };
        let sizes = planes.map(|plane| plane.normal.abs().dot(origin.abs()) + plane.offset.abs());
        Self { planes: planes.map(offset), sizes }
    }

    fn is_outside(&self, bounds: &Bounds) -> bool {
        let (low, high) = (bounds.min.as_dvec3(), bounds.max.as_dvec3());
        self.planes.iter().zip(self.sizes).any(|(plane, size)| {
            let furthest = (plane.normal * low).max(plane.normal * high).element_sum() + plane.offset;
            let largest = plane.normal.abs().dot(low.abs().max(high.abs())) + size;
            furthest < -ROUNDING * largest
        })
    }

    /// Whether `is_met` holds for a primitive whose box is not outside the planes.
    fn reach(&self, tree: &BinaryTree, is_met: impl Fn(u32) -> bool) -> bool {
        let mut open = Vec::from_iter((!tree.nodes.is_empty()).then_some(0));
        while let Some(idx) = open.pop() {
            let node = &tree.nodes[idx];
            if self.is_outside(&node.bounds) {
                continue;
            }
            if !node.is_leaf() {
                open.extend([node.first as usize, node.first as usize + 1]);
            } else if is_met(tree.primitives[node.first as usize]) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytemuck::Zeroable as _;
    use glam::{DAffine3, DMat3, DVec3, Vec3};
    use packshot_materials::openpbr::OpenPbr;
    use packshot_native::loops::{PixelSamples, Stages};
    use packshot_native::stages::PathState;
    use packshot_processor::SimdLevel;
    use packshot_shaders::layout::ray::{Hit, Ray};
    use packshot_traversal::{Accel, Opacity};
    use proptest::prelude::*;

    use super::*;
    use crate::prepare::{PartMaterial, PreparedProduct, TabulatedMaps};
    use crate::scene::{Mesh, MeshIdx, Part, Primitive, Scene};
    use crate::shot::{Aperture, Background, Environment, PixelFilter, Projection, Shot};

    const SIZE_PX: [u32; 2] = [150, 100];

    /// One mesh of eight slender triangles about its origin, placed by each transform in `placed`.
    fn scene(placed: &[DAffine3]) -> Scene {
        let positions: Vec<Vec3> = (0..24)
            .map(|i| {
                let turn = (i / 3 * 3 + i % 3) as f32 * 0.7;
                Vec3::new(turn.cos(), (turn * 1.3).sin(), (i % 5) as f32 * 0.2 - 0.4)
                    * if i % 3 == 2 { 0.8 } else { 1.0 }
            })
            .collect();
        let primitive = Primitive {
            positions,
            normals: Vec::new(),
            tangents: Vec::new(),
            uvs: [Vec::new(), Vec::new()],
            colors: Vec::new(),
            triangles: (0..8).map(|i| [3 * i, 3 * i + 1, 3 * i + 2]).collect(),
            material: None,
        };
        let part = |&world_from_part: &DAffine3| Part {
            node_idx: 0,
            path: String::new(),
            node_name: None,
            mesh_name: None,
            mesh: MeshIdx(0),
            world_from_part,
            cad_names: Vec::new(),
        };
        let meshes = [Mesh { primitives: vec![primitive] }].into();
        Scene { meshes, parts: placed.iter().map(part).collect(), ..Scene::default() }
    }

    fn vector(reach: f64) -> impl Strategy<Value = DVec3> {
        [-reach..reach, -reach..reach, -reach..reach].prop_map(DVec3::from)
    }

    /// Rotated, stretched unevenly, mirrored.
    fn place() -> impl Strategy<Value = DAffine3> {
        (vector(3.0), vector(1.0), vector(0.6)).prop_map(|(at, turn, size)| {
            let turned =
                DMat3::from_rotation_x(turn.x) * DMat3::from_rotation_y(turn.y) * DMat3::from_rotation_z(turn.z);
            DAffine3::from_mat3_translation(turned * DMat3::from_diagonal(size + DVec3::splat(0.1) * size.signum()), at)
        })
    }

    fn shot(eye: DVec3, lens: u8, aside: DVec3) -> Shot {
        let mut shot = Shot::of_one_pixel(Environment::None, Vec::new());
        let back = (eye - aside).normalize();
        let right = DVec3::Y.cross(back).normalize();
        let frame = DMat3::from_cols(right, back.cross(right), back);
        shot.camera.world_from_camera = DAffine3::from_mat3_translation(frame, eye);
        shot.camera.projection = match lens {
            0 => Projection::Orthographic { height_m: 6.0 },
            _ => Projection::Perspective { fov_y_rad: 0.7 },
        };
        shot.camera.aperture = (lens == 2).then_some(Aperture { radius_m: 0.3, focus_depth_m: 5.0 });
        shot.camera.clip_far_m = 100.0;
        [shot.film.width_px, shot.film.height_px] = SIZE_PX;
        shot.film.samples = 16;
        shot.film.filter = PixelFilter::BlackmanHarris { half_width_px: 1.5 };
        shot
    }

    /// For each pixel, how many of 16 rays hit something.
    fn hits(shot: &PreparedShot) -> Vec<usize> {
        let level = SimdLevel::detect();
        let accel = Accel::new(&shot.product.bvh, level, &|| false).expect("nobody cancels");
        let pixels = (0..SIZE_PX[0] * SIZE_PX[1]).map(|i| [i % SIZE_PX[0], i / SIZE_PX[0]]);
        let of_pixel = |pixel| {
            let mut paths = [PathState::zeroed(); 16];
            Stages::new(level).generate(&shot.bindings(), PixelSamples { pixel, first_sample: 0 }, &mut paths);
            let rays: Vec<Ray> = paths.iter().map(|path| path.ray).collect();
            let mut hits = vec![Hit::default(); rays.len()];
            accel.closest(&rays, &mut hits, Opacity::Full);
            hits.iter().filter(|hit| !hit.is_miss()).count()
        };
        pixels.map(of_pixel).collect()
    }

    proptest! {
        #[test]
        fn no_ray_of_an_empty_tile_meets_anything(
            placed in prop::collection::vec(place(), 1..6),
            (azimuth, elevation) in (0.0..std::f64::consts::TAU, -1.2..1.2_f64),
            distance in prop_oneof![2.0..12.0_f64, Just(300.0)],
            lens in 0..3_u8,
            aside in vector(2.0),
        ) {
            let eye = DVec3::new(azimuth.cos() * elevation.cos(), elevation.sin(), azimuth.sin() * elevation.cos()) * distance;
            let product = PreparedProduct::new(&scene(&placed), &[OpenPbr::default().into()], &vec![PartMaterial::Palette(0); placed.len()], None, &|| false);
            let product = Arc::new(product.expect("a sound scene"));
            let mut shot = shot(eye, lens, aside);
            let tables = TabulatedMaps::default().tables(&shot.environment);
            let prepared = PreparedShot::new(&product, &shot, tables.clone());
            let tiles = Tiles::of(&prepared);
            for (i, n) in (0..).zip(hits(&prepared)) {
                let pixel = [i % SIZE_PX[0], i / SIZE_PX[0]];
                prop_assert!(n == 0 || !tiles.shows_nothing(pixel), "{n} of 16 rays of pixel {pixel:?} meet something");
            }
            // From afar, everything fits into a few tiles.
            if distance > 100.0 && lens == 1 {
                prop_assert!(tiles.shows_nothing.iter().filter(|&&nothing| nothing).count() > 60);
            }
            shot.background = Background::Environment;
            prop_assert!(!Tiles::of(&PreparedShot::new(&product, &shot, tables)).shows_nothing.contains(&true));
        }
    }
}
