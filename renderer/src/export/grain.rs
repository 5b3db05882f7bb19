//! The grain of brushed and turned surfaces as tangents of vertices, which glTF's anisotropy needs.
//!
//! A library material says how its grain runs in the frame of a part (`docs/surface-detail.md`), and the renderer
//! finds the direction at each hit. A file can only say it at vertices; in between it is interpolated.

use glam::{DVec3, Vec3};
use packshot_materials::library::{Tangent, TangentMode};

use crate::prepare::relief::Shape;
use crate::scene::Mesh;

/// The grain of a mesh, in its own frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grain {
    mode: TangentMode,
    /// Unit vector.
    axis: DVec3,
    /// A point of the axis, metres of the mesh's frame.
    center: DVec3,
}

impl Grain {
    /// The grain that a material's tangent field has on a mesh.
    pub(super) fn of(mesh: &Mesh, tangent: Tangent) -> Self {
        let shape = Shape::of(mesh);
        Self { mode: tangent.mode, axis: shape.axis(tangent), center: shape.center }
    }

    /// The direction in which facets spread light: along the surface and across the scratches, of unit length. Where
    /// the grain is perpendicular to the surface it is any direction along the surface.
    pub(super) fn tangent(&self, position: Vec3, normal: Vec3) -> [f32; 4] {
        let normal = normal.as_dvec3().normalize_or(DVec3::Z);
        let scratches = match self.mode {
            TangentMode::Cylindrical => self.axis.cross(position.as_dvec3() - self.center),
            TangentMode::Planar => self.axis,
        };
        let across = normal.cross(scratches);
        // As the shader decides it.
        let has_direction = across.length_squared() > 1e-6 * scratches.length_squared();
        let across = if has_direction { across.normalize() } else { normal.any_orthonormal_vector() };
        across.as_vec3().normalize().extend(1.0).to_array()
    }
}

#[cfg(test)]
mod tests {
    use packshot_materials::library::Axis;

    use super::*;

    #[test]
    fn tangents_are_unit_vectors_along_the_surface_and_across_the_scratches() {
        let around = Grain { mode: TangentMode::Cylindrical, axis: DVec3::Y, center: DVec3::new(1.0, 0.0, 0.0) };
        // On the wall of a turned cylinder scratches run around it, and light spreads along the axis.
        let on_wall = around.tangent(Vec3::new(2.0, 5.0, 0.0), Vec3::X);
        assert!(Vec3::from_slice(&on_wall).dot(Vec3::Y).abs() > 0.999, "{on_wall:?}");
        // On its face it spreads away from the axis.
        let on_face = around.tangent(Vec3::new(1.0, 5.0, 3.0), Vec3::Y);
        assert!(Vec3::from_slice(&on_face).dot(Vec3::Z).abs() > 0.999, "{on_face:?}");
        for (at, normal) in [(Vec3::X, Vec3::Y), (Vec3::new(1.0, 9.0, 0.0), Vec3::Z)] {
            let on_axis = Vec3::from_slice(&around.tangent(at, normal));
            assert!((on_axis.length() - 1.0).abs() < 1e-6 && on_axis.dot(normal).abs() < 1e-6, "{on_axis}");
        }
        let along = Grain { mode: TangentMode::Planar, axis: DVec3::X, center: DVec3::ZERO };
        let brushed = along.tangent(Vec3::ONE, Vec3::Z);
        assert!(Vec3::from_slice(&brushed).dot(Vec3::Y).abs() > 0.999, "{brushed:?}");
        let tangent = Tangent { mode: TangentMode::Planar, axis: Axis::Z };
        assert_eq!(Grain::of(&Mesh { primitives: Vec::new() }, tangent).axis, DVec3::Z);
    }
}
