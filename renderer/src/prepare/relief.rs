//! Grain and fine structures of library materials, laid out for each part that wears one: the entries of `tables` that
//! `stage/relief.wgsl` reads.
//!
//! They are defined in the part's own frame, in millimetres of the product, so that their size does not depend on the
//! file's unit, and they stay in place when the product turns.

use std::collections::HashMap;

use glam::{DAffine3, DMat3, DVec3};
use packshot_materials::library::{Axis, DetailKind, Tangent, TangentMode};
use packshot_shaders::constants as shared;

use super::material::Tables;
use super::product::{MaterialOrigin, PaletteEntry};
use super::projection;
use crate::scene::{Mesh, Part, Primitive, Scene};

/// Lays out reliefs, and the pictures of materials.
pub(crate) struct Reliefs<'a> {
    scene: &'a Scene,
    palette: &'a [PaletteEntry],
    /// Of the shader's materials.
    origins: &'a [MaterialOrigin],
    tables: &'a mut Tables,
    mm_per_unit: f64,
    shapes: HashMap<u32, Shape>,
}

impl<'a> Reliefs<'a> {
    /// For a product of which one metre is `units_per_m` in render space.
    pub(crate) fn new(
        scene: &'a Scene,
        (palette, origins): (&'a [PaletteEntry], &'a [MaterialOrigin]),
        tables: &'a mut Tables,
        units_per_m: f64,
    ) -> Self {
        Self { scene, palette, origins, tables, mm_per_unit: 1e3 / units_per_m, shapes: HashMap::new() }
    }

    /// What the shader's material comes from in the palette.
    fn entry(&self, material: u32) -> Option<&'a PaletteEntry> {
        self.origins[material as usize].entry(self.palette)
    }

    /// How the pictures of `material` lie on a primitive of a part: what a slot names. Frames are as for
    /// [`place`](Self::place).
    pub(crate) fn project(
        &mut self,
        part: &Part,
        primitive: &Primitive,
        material: u32,
        local_from_part: &DAffine3,
        units_per_local: f64,
    ) -> u32 {
        let textures = self.entry(material).and_then(|entry| entry.textures.as_ref());
        if textures.is_none() {
            return 0;
        }
        let shape =
            self.shapes.entry(part.mesh.0).or_insert_with(|| Shape::of(&self.scene.meshes[part.mesh.0 as usize]));
        let mm_per_local = units_per_local * self.mm_per_unit;
        projection::place(textures, primitive, shape, local_from_part, mm_per_local, self.tables)
    }

    /// The entry for a part that wears `material`, or 0 when that has no relief. `local_from_part` maps to the
    /// triangles' frame, one unit of which is `units_per_local` in render space.
    pub(crate) fn place(
        &mut self,
        part: &Part,
        material: u32,
        local_from_part: &DAffine3,
        units_per_local: f64,
    ) -> u32 {
        let Some(PaletteEntry { surface, .. }) = self.entry(material) else { return 0 };
        if surface.tangent.is_none() && surface.detail.is_empty() {
            return 0;
        }
        let scene = self.scene;
        let shape = self.shapes.entry(part.mesh.0).or_insert_with(|| Shape::of(&scene.meshes[part.mesh.0 as usize]));
        let axis_part = surface.tangent.map_or_else(|| shape.round_about(), |tangent| shape.axis(tangent));
        let mode = match surface.tangent.map(|tangent| tangent.mode) {
            None => shared::GRAIN_NONE,
            Some(TangentMode::Cylindrical) => shared::GRAIN_CYLINDRICAL,
            Some(TangentMode::Planar) => shared::GRAIN_PLANAR,
        };
        let mm_per_local = units_per_local * self.mm_per_unit;
        let local_per_part = local_from_part.matrix3.determinant().abs().cbrt();
        let axis = (local_from_part.matrix3 * axis_part).normalize_or(DVec3::Y);
        let center = local_from_part.transform_point3(shape.center);
        let radius_mm = shape.radius_about(axis_part) * local_per_part * mm_per_local;
        let numbers = [axis.x, axis.y, axis.z, center.x, center.y, center.z, mm_per_local, radius_mm, self.mm_per_unit];
        let mut entry = vec![surface.detail.len() as f32, mode as f32];
        entry.extend(numbers.map(|number| number as f32));
        debug_assert_eq!(entry.len(), shared::RELIEF_HEAD as usize);
        for detail in &surface.detail {
            entry.extend([kind(detail.kind) as f32, detail.scale_mm, detail.depth_mm]);
        }
        self.tables.entry(&entry)
    }
}

fn kind(kind: DetailKind) -> u32 {
    match kind {
        DetailKind::Brushed => shared::DETAIL_BRUSHED,
        DetailKind::Turned => shared::DETAIL_TURNED,
        DetailKind::Knurl => shared::DETAIL_KNURL,
        DetailKind::OrangePeel => shared::DETAIL_ORANGE_PEEL,
        DetailKind::Cast => shared::DETAIL_CAST,
        DetailKind::Blasted => shared::DETAIL_BLASTED,
        DetailKind::Spangle => shared::DETAIL_SPANGLE,
    }
}

/// How a mesh extends around the axes of its own frame.
pub(crate) struct Shape {
    /// Centre of the bounding box.
    pub(crate) center: DVec3,
    /// Half the extent of the bounding box.
    half: DVec3,
    /// Second moments of the surface about the centre, divided by its area.
    moments: DMat3,
}

impl Shape {
    pub(crate) fn of(mesh: &Mesh) -> Self {
        let [min, max] = mesh.local_bounds().unwrap_or_default();
        let center = 0.5 * (min + max);
        let mut moments = DMat3::ZERO;
        let mut area = 0.0;
        for primitive in &mesh.primitives {
            for triangle in &primitive.triangles {
                let [a, b, c] = triangle.map(|i| primitive.positions[i as usize].as_dvec3() - center);
                let size = (b - a).cross(c - a).length();
                area += size;
                // Exact for quadratic functions: the mean over the midpoints of the edges.
                for middle in [0.5 * (a + b), 0.5 * (b + c), 0.5 * (c + a)] {
                    moments += size / 3.0 * DMat3::from_cols(middle * middle.x, middle * middle.y, middle * middle.z);
                }
            }
        }
        Self { center, half: 0.5 * (max - min), moments: moments * area.max(f64::MIN_POSITIVE).recip() }
    }

    /// The direction of the axis that a tangent field names.
    pub(crate) fn axis(&self, Tangent { mode, axis }: Tangent) -> DVec3 {
        match axis {
            // A belt runs along a part, and a lathe turns it.
            Axis::Auto => match mode {
                TangentMode::Cylindrical => self.round_about(),
                TangentMode::Planar => self.longest_axes()[0],
            },
            Axis::X => DVec3::X,
            Axis::Y => DVec3::Y,
            Axis::Z => DVec3::Z,
        }
    }

    /// The axes of the frame along which the mesh extends most and next; of equal ones the first.
    pub(super) fn longest_axes(&self) -> [DVec3; 2] {
        let mut axes = DVec3::AXES;
        axes.sort_by(|a, b| b.dot(self.half).total_cmp(&a.dot(self.half)));
        [axes[0], axes[1]]
    }

    /// The axis about which the mesh is most nearly round; the first of several equals.
    fn round_about(&self) -> DVec3 {
        let m = self.moments.to_cols_array_2d();
        let lopsided = |axis: usize| {
            let (i, j) = ((axis + 1) % 3, (axis + 2) % 3);
            ((m[i][i] - m[j][j]).abs() + 2.0 * m[i][j].abs()) / (m[i][i] + m[j][j]).max(f64::MIN_POSITIVE)
        };
        let mut best = 0;
        for axis in 1..3 {
            if lopsided(axis) < lopsided(best) {
                best = axis;
            }
        }
        DVec3::AXES[best]
    }

    /// Distance from an axis through the centre to the sides of the box that are farthest from it.
    fn radius_about(&self, axis: DVec3) -> f64 {
        (self.half * (DVec3::ONE - axis)).max_element()
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use glam::{Vec2, Vec3};
    use packshot_materials::library::{Detail, Surface};

    use super::*;
    use crate::scene::{MeshIdx, Primitive};

    /// A tube of radius 0.02 m and length 0.05 m around Z, off the centre of its frame.
    fn tube() -> Scene {
        let n = 48;
        let ring = (0..=n).map(|i| Vec2::from_angle(TAU * i as f32 / n as f32) * 0.02 + Vec2::new(0.1, 0.0));
        let positions: Vec<Vec3> = ring.flat_map(|at| [at.extend(-0.01), at.extend(0.04)]).collect();
        let triangles = (0..n).flat_map(|i| [[2 * i, 2 * i + 2, 2 * i + 1], [2 * i + 1, 2 * i + 2, 2 * i + 3]]);
        let (normals, tangents, colors, uvs) = (Vec::new(), Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
        let triangles = triangles.collect();
        let primitive = Primitive { positions, normals, tangents, uvs, colors, triangles, material: None };
        let part = Part {
            node_idx: 0,
            path: String::new(),
            node_name: None,
            mesh_name: None,
            cad_names: Vec::new(),
            mesh: MeshIdx(0),
            world_from_part: DAffine3::IDENTITY,
        };
        Scene { meshes: vec![Mesh { primitives: vec![primitive] }], parts: vec![part], ..Scene::default() }
    }

    fn turned() -> PaletteEntry {
        let tangent = Some(Tangent { mode: TangentMode::Cylindrical, axis: Axis::Auto });
        let detail = vec![Detail { kind: DetailKind::Turned, scale_mm: 0.05, depth_mm: 0.002 }];
        PaletteEntry { surface: Surface { bevel_mm: None, tangent, detail }, ..PaletteEntry::default() }
    }

    #[test]
    fn a_tube_is_round_about_its_axis_and_keeps_its_size_in_every_frame() {
        let (scene, palette) = (tube(), [PaletteEntry::default(), turned()]);
        let origins = [MaterialOrigin::Palette(0), MaterialOrigin::Palette(1), MaterialOrigin::File(None)];
        for (metres_per_local, units_per_m) in [(1.0, 1.0), (0.001, 1.0), (0.25, 40.0)] {
            let mut tables = Tables::new();
            let mut reliefs = Reliefs::new(&scene, (&palette, &origins), &mut tables, units_per_m);
            let local_from_part = DAffine3::from_scale(DVec3::splat(1.0 / metres_per_local));
            let units_per_local = metres_per_local * units_per_m;
            let part = &scene.parts[0];
            assert_eq!(reliefs.place(part, 0, &local_from_part, units_per_local), 0, "no relief, no entry");
            assert_eq!(reliefs.place(part, 2, &local_from_part, units_per_local), 0, "a material of the file");
            let at = reliefs.place(part, 1, &local_from_part, units_per_local) as usize;
            let entry = &tables.into_values()[at..];
            assert_eq!(entry.len(), (shared::RELIEF_HEAD + shared::RELIEF_DETAIL) as usize);
            assert_eq!(entry[..2], [1.0, shared::GRAIN_CYLINDRICAL as f32]);
            assert_eq!(entry[2..5], [0.0, 0.0, 1.0], "about Z");
            let expected = [0.1 / metres_per_local, 0.0, 0.015 / metres_per_local, 1e3 * metres_per_local, 20.0];
            for (found, expected) in entry[5..10].iter().zip(expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-3 * expected.abs().max(1e-3), "{entry:?}");
            }
            assert_eq!(entry[11..], [shared::DETAIL_TURNED as f32, 0.05, 0.002]);
        }
    }

    #[test]
    fn a_part_without_area_has_some_axis() {
        let shape = Shape::of(&Mesh { primitives: Vec::new() });
        assert_eq!(shape.round_about(), DVec3::X);
    }
}
