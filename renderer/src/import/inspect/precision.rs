//! Coordinates that lie so far from their mesh's origin that numbers of 32 bits cannot hold its shape.

use crate::diagnostic::Severity;
use crate::import::findings::Findings;
use crate::import::meshes::PrimitiveIdx;
use crate::scene::{Mesh, Scene};

/// A step between neighbouring numbers that is larger than this share of a mesh is seen: rounded surfaces get steps.
const STEP_SHARE: f64 = 5e-4;

pub(super) fn note(scene: &Scene, places: &[Vec<PrimitiveIdx>], findings: &mut Findings) {
    for (mesh, places) in scene.meshes.iter().zip(places) {
        let (Some(Coarse { step, distance, size }), Some(place)) = (coarse(mesh), places.first()) else { continue };
        let message = format!(
            "the mesh is {} away from the origin of its own coordinates: there they are rounded to {:.2} % of its size, \
             and round surfaces get steps. Move it to the origin before exporting it",
            match distance {
                ..1e7 => format!("{distance:.0} units"),
                _ => format!("{distance:.1e} units"),
            },
            100.0 * step / size
        );
        findings.add("coarse_coordinates", Severity::Warning, place.pointer(), message);
    }
}

/// A mesh whose coordinates have large steps.
struct Coarse {
    step: f64,
    distance: f64,
    size: f64,
}

/// The largest step between neighbouring coordinates of a mesh, if it is too large for it.
fn coarse(mesh: &Mesh) -> Option<Coarse> {
    let [min, max] = mesh.local_bounds()?;
    let distance = min.abs().max(max.abs()).max_element();
    let size = (max - min).max_element();
    // Numbers with 24 significant bits.
    let step = 2.0_f64.powi(distance.log2().floor() as i32 - 23);
    (size > 0.0 && step > STEP_SHARE * size).then_some(Coarse { step, distance, size })
}
