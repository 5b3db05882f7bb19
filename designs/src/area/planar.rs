//! Areas projected along a direction onto the surfaces that face it.

use glam::{DVec2, DVec3};
use packshot_renderer::scene::{DesignLay, WorldRow};

use super::chart::{Chart, FlatFace, UPRIGHT};
use super::surface::{Surface, upright};

/// Cosine of the steepest angle at which a surface is covered; that of `stage/design.wgsl`.
const FACING_MIN: f64 = 0.25;

/// The area that faces `outward`; `None` where none does, or where it has no extent.
pub(super) fn chart(surface: &Surface, outward: DVec3) -> Option<Chart> {
    let [right, up] = upright(outward);
    let faces = || surface.faces.iter().filter(|face| face.normal.dot(outward) >= FACING_MIN);
    let flat = |p: DVec3| DVec2::new(p.dot(right), -p.dot(up)) * 1e3;
    let corners = || faces().flat_map(|face| face.corners);
    let min = corners().map(flat).reduce(DVec2::min)?;
    let max = corners().map(flat).reduce(DVec2::max)?;
    let heights = || corners().map(|p| p.dot(outward));
    let (low, high) = (heights().reduce(f64::min)?, heights().reduce(f64::max)?);
    let size_mm = max - min;
    if size_mm.min_element() < super::SIDE_MM_MIN {
        return None;
    }
    let row = |direction: DVec3, min: f64, size: f64| WorldRow { along: direction * 1e3 / size, offset: -min / size };
    let lay = DesignLay::Planar {
        rows: [row(right, min.x, size_mm.x), row(-up, min.y, size_mm.y)],
        height: WorldRow { along: outward, offset: 0.0 },
        heights_m: with_slack([low, high]),
    };
    let flat_face = |face: &super::surface::Face| FlatFace {
        flat_mm: face.corners.map(|p| flat(p) - min),
        world: face.corners,
        normal: face.normal,
        area_m2: face.area_m2,
        stretch: 1.0 / face.normal.dot(outward),
    };
    let faces = faces().map(flat_face).collect();
    Some(Chart { lay, size_mm, wraps: [false; 2], upright_from_flat: UPRIGHT, faces })
}

/// Room for rounding in the renderer's single precision.
fn with_slack([low, high]: [f64; 2]) -> [f64; 2] {
    let slack = 1e-4 + 1e-3 * (high - low);
    [low - slack, high + slack]
}

/// The same without the surfaces behind those that are seen first within a box on the texture: what faces the same way
/// inside a housing is not printed on. `reach_mm` is how far below the middle of what is seen first the area goes.
pub(crate) fn first_seen(chart: &Chart, corners_mm: [DVec2; 4], reach_mm: f64) -> Chart {
    let DesignLay::Planar { rows, height, .. } = chart.lay else { return chart.clone() };
    /// Places along each side of the box that are looked at.
    const STEPS: usize = 64;
    let at = |i: usize, j: usize| {
        let share = |k: usize| (k as f64 + 0.5) / STEPS as f64;
        let [a, b, c, d] = corners_mm;
        a.lerp(b, share(i)).lerp(d.lerp(c, share(i)), share(j))
    };
    let mut seen = vec![f64::NEG_INFINITY; STEPS * STEPS];
    let places: Vec<DVec2> = (0..STEPS * STEPS).map(|n| at(n % STEPS, n / STEPS)).collect();
    let min = corners_mm.into_iter().reduce(DVec2::min).unwrap_or_default();
    let max = corners_mm.into_iter().reduce(DVec2::max).unwrap_or_default();
    for face in &chart.faces {
        let [a, b, c] = face.flat_mm;
        let (low, high) = (a.min(b).min(c), a.max(b).max(c));
        if low.cmpgt(max).any() || high.cmplt(min).any() {
            continue;
        }
        let doubled = (b - a).perp_dot(c - a);
        let heights = face.world.map(|p| height.at(p));
        for (place, seen) in places.iter().zip(&mut seen) {
            if place.cmplt(low).any() || place.cmpgt(high).any() {
                continue;
            }
            let (of_b, of_c) = ((place - a).perp_dot(c - a) / doubled, (b - a).perp_dot(place - a) / doubled);
            let of_a = 1.0 - of_b - of_c;
            if of_a.min(of_b).min(of_c) >= -1e-9 {
                *seen = seen.max(of_a * heights[0] + of_b * heights[1] + of_c * heights[2]);
            }
        }
    }
    seen.retain(|height| height.is_finite());
    seen.sort_by(f64::total_cmp);
    let Some(middle) = seen.get(seen.len() / 2) else { return chart.clone() };
    let floor = middle - reach_mm / 1e3;
    let (low, high) = (seen[0].max(floor), seen[seen.len() - 1]);
    let heights_m = with_slack([low, high]);
    let is_seen = |face: &&FlatFace| {
        let heights = face.world.map(|p| height.at(p));
        heights.iter().any(|height| (heights_m[0]..=heights_m[1]).contains(height))
    };
    let faces = chart.faces.iter().filter(is_seen).copied().collect();
    Chart { lay: DesignLay::Planar { rows, height, heights_m }, faces, ..chart.clone() }
}

/// The part of an area around a box on its texture, and where on the whole texture it begins, millimetres: all texels
/// are spent where the design is, however large the product. A box beside the area leaves the area whole.
pub(crate) fn window(chart: Chart, corners_mm: [DVec2; 4]) -> (Chart, DVec2) {
    let DesignLay::Planar { rows: [u, v], height, heights_m } = chart.lay else { return (chart, DVec2::ZERO) };
    let min = corners_mm.into_iter().reduce(DVec2::min).unwrap_or_default().max(DVec2::ZERO);
    let max = corners_mm.into_iter().reduce(DVec2::max).unwrap_or_default().min(chart.size_mm);
    let size_mm = max - min;
    if size_mm.min_element() < super::SIDE_MM_MIN {
        return (chart, DVec2::ZERO);
    }
    let scale = chart.size_mm / size_mm;
    let begin = min / chart.size_mm;
    let row = |row: WorldRow, scale: f64, begin: f64| WorldRow {
        along: row.along * scale,
        offset: (row.offset - begin) * scale,
    };
    let rows = [row(u, scale.x, begin.x), row(v, scale.y, begin.y)];
    let lay = DesignLay::Planar { rows, height, heights_m };
    let moved = |face: &FlatFace| FlatFace { flat_mm: face.flat_mm.map(|p| p - min), ..*face };
    let faces = chart.faces.iter().map(moved).collect();
    (Chart { lay, size_mm, faces, ..chart }, min)
}
