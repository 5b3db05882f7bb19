//! Implausible sizes: most often a file in millimetres whose numbers are read as metres.

use crate::diagnostic::Severity;
use crate::import::findings::Findings;
use crate::scene::{Bounds, Mesh, Part, Scene};

/// A diagonal outside these bounds is implausible for a product in metres.
const DIAGONAL_MIN_M: f64 = 0.001;
const DIAGONAL_MAX_M: f64 = 20.0;
/// A unit is proposed if it brings the diagonal within these bounds.
const LIKELY_M: std::ops::RangeInclusive<f64> = 0.01..=5.0;
/// A part that makes the product this many times larger may be misplaced.
const OUTLIER_FACTOR: f64 = 200.0;

/// Units that the numbers of a file may be in, with their length in metres.
const UNITS: [(&str, f64); 7] = [
    ("in metres", 1.0),
    ("in micrometres", 1e-6),
    ("in millimetres", 1e-3),
    ("in centimetres", 1e-2),
    ("in inches", 0.0254),
    ("scaled to metres once too often from millimetres", 1e3),
    ("scaled to metres once too often from inches", 1.0 / 0.0254),
];

/// Notes the size of a product that was read with this unit scale.
pub(super) fn note(scene: &Scene, unit_scale: f64, findings: &mut Findings) {
    // Where one part is far away, the unit of the file is not the fault.
    if !note_outlier(scene, findings)
        && let Some(bounds) = scene.bounds()
    {
        note_size(&bounds, unit_scale, findings);
    }
}

fn note_size(bounds: &Bounds, unit_scale: f64, findings: &mut Findings) {
    let diagonal_m = bounds.diagonal_m();
    if (DIAGONAL_MIN_M..=DIAGONAL_MAX_M).contains(&diagonal_m) {
        return;
    }
    let in_file = diagonal_m / unit_scale;
    let likely = UNITS.iter().filter(|(_, scale)| *scale != unit_scale && LIKELY_M.contains(&(in_file * scale)));
    let proposals: Vec<String> = likely
        .map(|(what, scale)| format!("{:.3} m with a unit scale of {scale} if it is {what}", in_file * scale))
        .collect();
    let way_out = match proposals.is_empty() {
        true => "if the file is not in metres, give its unit scale (--unit-scale; unit_scale in requests)".to_owned(),
        false => format!("it would be {}", proposals.join(", ")),
    };
    let message = format!("the diagonal is {} m; {way_out}", metres(diagonal_m));
    findings.add("unit_suspect", Severity::Warning, "bounding box", message);
}

/// A length in the unit that people would use.
fn metres(length_m: f64) -> String {
    match length_m {
        10.0..1e6 => format!("{length_m:.0}"),
        1e-6..10.0 => format!("{length_m:.6}").trim_end_matches('0').to_owned(),
        _ => format!("{length_m:.3e}"),
    }
}

/// Whether one part alone makes the product far larger than all others together, by its own size or by its position.
fn note_outlier(scene: &Scene, findings: &mut Findings) -> bool {
    let mut is_found = false;
    let of_meshes: Vec<_> = scene.meshes.iter().map(Mesh::local_bounds).collect();
    let bounds = |part: &Part| Some(Bounds::of_box(of_meshes[part.mesh.0 as usize]?, &part.world_from_part));
    let bounds: Vec<Option<Bounds>> = scene.parts.iter().map(bounds).collect();
    // The bounds of all parts before each part, and of all parts after it.
    let mut before = Vec::with_capacity(bounds.len());
    let mut union = None;
    for &of_part in &bounds {
        before.push(union);
        union = union_of(union, of_part);
    }
    let Some(whole) = union else { return false };
    let mut after = None;
    for ((part, of_part), before) in scene.parts.iter().zip(&bounds).zip(before).rev() {
        if let Some(others) = union_of(before, after) {
            let factor = whole.diagonal_m() / others.diagonal_m();
            if others.diagonal_m() > 0.0 && factor >= OUTLIER_FACTOR {
                let message = format!(
                    "this part makes the product {factor:.0} times as large as without it: it may be in another unit, or far from the rest"
                );
                findings.add("unit_suspect", Severity::Info, part.path.clone(), message);
                is_found = true;
            }
        }
        after = union_of(after, *of_part);
    }
    is_found
}

fn union_of(a: Option<Bounds>, b: Option<Bounds>) -> Option<Bounds> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.union(b)),
        (one, other) => one.or(other),
    }
}
