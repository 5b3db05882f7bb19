//! A button that shows what a material looks like: a dome, a flat with a sharp edge, and the cylinder below it.

use std::f64::consts::{FRAC_PI_2, PI};

use glam::{DQuat, DVec2, DVec3};

use super::outline::{Outline, Piece};
use super::{Assembly, AssemblyMesh, AssemblyPart, SampleMaterial};

const RADIUS_MM: f64 = 24.0;
const HEIGHT_MM: f64 = 12.0;
const DOME_RADIUS_MM: f64 = 17.0;
/// Of the dome's centre, below the flat.
const DOME_DEPTH_MM: f64 = 8.0;
/// Between dome and flat.
const FILLET_MM: f64 = 1.0;
const SEGMENTS: usize = 256;

const STEEL: SampleMaterial =
    SampleMaterial { library_id: "STD_010102_Steel-Ground", base_color: [0.530, 0.513, 0.494], roughness: 0.32 };

/// The button, on the ground, its axis along Y.
pub(super) fn assembly() -> Assembly {
    let meshes = vec![AssemblyMesh { name: "Swatch", shell: outline().revolve(SEGMENTS, 0.0), material: STEEL }];
    // Turned parts have their axis along Z.
    let rotation = DQuat::from_rotation_x(-FRAC_PI_2);
    let parts = vec![AssemblyPart { name: "Swatch".to_owned(), mesh_idx: 0, rotation, translation_mm: DVec3::ZERO }];
    Assembly { name: "Material_Swatch", meshes, parts }
}

/// From the top of the dome down.
fn outline() -> Outline {
    let dome = DVec2::new(HEIGHT_MM - DOME_DEPTH_MM, 0.0);
    // The fillet's circle touches the dome's from outside, and the flat.
    let above_dome_mm = DOME_DEPTH_MM + FILLET_MM;
    let reach_mm = DOME_RADIUS_MM + FILLET_MM;
    let fillet = dome + DVec2::new(above_dome_mm, (reach_mm * reach_mm - above_dome_mm * above_dome_mm).sqrt());
    let touch_rad = (fillet - dome).to_angle();
    Outline::body(&[
        Piece::Arc { center: dome, radius_mm: DOME_RADIUS_MM, from_rad: 0.0, to_rad: touch_rad },
        Piece::Arc { center: fillet, radius_mm: FILLET_MM, from_rad: touch_rad + PI, to_rad: PI },
        Piece::Edge { at: DVec2::new(HEIGHT_MM, RADIUS_MM) },
        Piece::Edge { at: DVec2::new(0.0, RADIUS_MM) },
    ])
}
