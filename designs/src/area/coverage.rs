//! Which texels of a texture lie on an area.

use std::ops::Range;

use glam::DVec2;
use rayon::prelude::*;

use super::chart::Chart;

/// A picture of an area laid out flat, one byte a texel.
#[derive(Clone, Debug)]
pub(crate) struct Coverage {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Row 0 on top; above 0 where a face covers the texel's middle.
    pub(crate) texels: Vec<u8>,
    texels_per_mm: DVec2,
}

impl Coverage {
    /// Of a texture with this size. A texel counts how many faces cover its middle; edges of faces count as covered
    /// where `touching`.
    fn count(chart: &Chart, [width, height]: [u32; 2], touching: bool) -> Self {
        let (width, height) = (width as usize, height as usize);
        let texels_per_mm = DVec2::new(width as f64, height as f64) / chart.size_mm;
        let slack = if touching { 1e-7 } else { -1e-4 };
        let in_texels = |flat_mm: [DVec2; 3]| flat_mm.map(|p| p * texels_per_mm);
        let faces = chart.faces.iter().map(|face| in_texels(face.flat_mm));
        let spans: Vec<Span> = faces.flat_map(|face| Span::of(face, [width, height], chart.wraps)).collect();
        let mut of_band = vec![Vec::new(); height.div_ceil(BAND_ROWS)];
        for span in &spans {
            let rows = &span.rows.texels;
            (rows.start / BAND_ROWS..=(rows.end - 1) / BAND_ROWS).for_each(|band| of_band[band].push(span));
        }
        let mut texels = vec![0; width * height];
        texels.par_chunks_mut(width * BAND_ROWS).zip(&of_band).enumerate().for_each(|(band, (texels, spans))| {
            spans.iter().for_each(|span| span.draw(texels, band * BAND_ROWS, slack));
        });
        Self { width, height, texels, texels_per_mm }
    }

    /// Of a texture with this size.
    pub(crate) fn new(chart: &Chart, size_px: [u32; 2]) -> Self {
        Self::count(chart, size_px, true)
    }

    /// Whether a place is covered, millimetres; beyond an edge that wraps it is at the other one.
    pub(crate) fn covers(&self, flat_mm: DVec2, wraps: [bool; 2]) -> bool {
        let at = (flat_mm * self.texels_per_mm).floor();
        let within = |at: f64, n: usize, wraps: bool| {
            let at = if wraps { at.rem_euclid(n as f64) } else { at };
            (at >= 0.0 && at < n as f64).then_some(at as usize)
        };
        let place = within(at.x, self.width, wraps[0]).zip(within(at.y, self.height, wraps[1]));
        place.is_some_and(|(x, y)| self.texels[y * self.width + x] > 0)
    }

    /// Grown by this many texels to all sides.
    pub(crate) fn padded(mut self, texels: u8, wraps: [bool; 2]) -> Self {
        let width = self.width;
        self.texels.par_chunks_exact_mut(width).for_each(|row| {
            row.iter_mut().for_each(|texel| *texel = u8::from(*texel > 0));
            // Each texel is a row of its own here.
            grow(row, 1, texels, wraps[0]);
        });
        grow(&mut self.texels, width, texels, wraps[1]);
        self
    }
}

/// Rows of a texture that are one piece of parallel work.
const BAND_ROWS: usize = 64;

/// The texels around a face, in one piece: what reaches beyond an edge that wraps is a span of its own at the other
/// one.
#[derive(Clone, Debug)]
struct Span {
    /// In texels, as are all places here.
    corners: [DVec2; 3],
    columns: Piece,
    rows: Piece,
    width: usize,
}

/// Texels along one axis.
#[derive(Clone, Debug)]
struct Piece {
    texels: Range<usize>,
    /// Where the first of them is from a face's point of view, which may lie beyond the edges of the texture.
    first: i64,
}

impl Span {
    /// Those of a face in a texture of this size: none for one without an area, or outside of the texture.
    fn of([a, b, c]: [DVec2; 3], [width, height]: [usize; 2], wraps: [bool; 2]) -> Vec<Self> {
        if (b - a).perp_dot(c - a) == 0.0 {
            return Vec::new();
        }
        let (low, high) = (a.min(b).min(c), a.max(b).max(c));
        let columns = pieces((low.x, high.x), width, wraps[0]);
        let rows = pieces((low.y, high.y), height, wraps[1]);
        let span = |columns: &Piece, rows: &Piece| Self {
            corners: [a, b, c],
            columns: columns.clone(),
            rows: rows.clone(),
            width,
        };
        rows.iter().flat_map(|rows| columns.iter().map(move |columns| span(columns, rows))).collect()
    }

    /// Counts the face in those of its rows that are among these, of which the first is given.
    fn draw(&self, texels: &mut [u8], first_row: usize, slack: f64) {
        let [a, b, c] = self.corners;
        let doubled = (b - a).perp_dot(c - a);
        let rows = &self.rows.texels;
        let end = rows.end.min(first_row + texels.len() / self.width);
        for row in rows.start.max(first_row)..end {
            let y = self.rows.first + (row - rows.start) as i64;
            let texels = &mut texels[(row - first_row) * self.width..][self.columns.texels.clone()];
            for (x, texel) in (self.columns.first..).zip(texels) {
                let p = DVec2::new(x as f64 + 0.5, y as f64 + 0.5);
                let of_b = (p - a).perp_dot(c - a) / doubled;
                let of_c = (b - a).perp_dot(p - a) / doubled;
                let is_within = (1.0 - of_b - of_c).min(of_b).min(of_c) >= -slack;
                *texel = texel.saturating_add(u8::from(is_within));
            }
        }
    }
}

/// The texels along one axis whose middles lie from `low` to `high`, at most all `n` of them: two pieces where they
/// reach beyond an edge that wraps.
fn pieces((low, high): (f64, f64), n: usize, wraps: bool) -> Vec<Piece> {
    let (first, last) = ((low - 0.5 - 1e-6).ceil() as i64, (high - 0.5 + 1e-6).floor() as i64);
    let n = n as i64;
    let (first, last) = if wraps { (first, last.min(first + n - 1)) } else { (first.max(0), last.min(n - 1)) };
    if last < first {
        return Vec::new();
    }
    let (start, count) = (first.rem_euclid(n), last - first + 1);
    let before_edge = count.min(n - start);
    let piece = |start: i64, count: i64, first: i64| Piece { texels: start as usize..(start + count) as usize, first };
    let all = [piece(start, before_edge, first), piece(0, count - before_edge, first + before_edge)];
    all.into_iter().filter(|piece| !piece.texels.is_empty()).collect()
}

/// A texel that a face covers.
const SET: u8 = 1;
/// One that is near to such a texel.
const NEAR: u8 = 2;

/// Sets all texels that are within `reach` rows of one that is set, in rows of this width.
fn grow(texels: &mut [u8], width: usize, reach: u8, wraps: bool) {
    let n_rows = texels.len() / width;
    // What is set before an edge that wraps is near to what begins there.
    let beyond = if wraps { n_rows.min(usize::from(reach)) } else { 0 };
    mark_near(texels, width, reach, (n_rows - beyond..n_rows).chain(0..n_rows));
    mark_near(texels, width, reach, (0..beyond).rev().chain((0..n_rows).rev()));
    texels.iter_mut().for_each(|texel| *texel = u8::from(*texel > 0));
}

/// Marks the texels that come at most `reach` rows after one that is set.
fn mark_near(texels: &mut [u8], width: usize, reach: u8, rows: impl Iterator<Item = usize>) {
    // For each column how many rows ago a texel was set.
    let mut since = vec![u16::MAX; width];
    for row in rows {
        for (texel, since) in texels[row * width..][..width].iter_mut().zip(&mut since) {
            *since = if *texel == SET { 0 } else { since.saturating_add(1) };
            *texel = if *texel == 0 && *since <= u16::from(reach) { NEAR } else { *texel };
        }
    }
}

/// The fraction of what an area covers that more than one face covers.
pub(super) fn overlap(chart: &Chart) -> f64 {
    /// Longer side of the picture that this is counted in.
    const SIDE_PX: f64 = 512.0;
    let scale = SIDE_PX / chart.size_mm.max_element();
    let size_px = (chart.size_mm * scale).to_array().map(|side| side.ceil().max(1.0) as u32);
    let counted = Coverage::count(chart, size_px, false);
    let covered = counted.texels.iter().filter(|&&n| n > 0).count();
    let twice = counted.texels.iter().filter(|&&n| n > 1).count();
    if covered == 0 { 0.0 } else { twice as f64 / covered as f64 }
}

#[cfg(test)]
mod tests {
    use glam::DVec3;
    use packshot_renderer::scene::DesignLay;
    use proptest::prelude::*;

    use super::super::chart::{FlatFace, UPRIGHT};
    use super::*;

    /// What [`Coverage::count`] has to find, texel by texel, and copy by copy of the texture where it wraps.
    fn counted(chart: &Chart, size_px: [u32; 2]) -> Vec<u8> {
        let [width, height] = size_px.map(i64::from);
        let texels_per_mm = DVec2::new(width as f64, height as f64) / chart.size_mm;
        let copies = |axis: usize| if chart.wraps[axis] { -4..=4 } else { 0..=0 };
        let is_covered = |[a, b, c]: [DVec2; 3], p: DVec2| {
            let doubled = (b - a).perp_dot(c - a);
            let (of_b, of_c) = ((p - a).perp_dot(c - a) / doubled, (b - a).perp_dot(p - a) / doubled);
            doubled != 0.0 && (1.0 - of_b - of_c).min(of_b).min(of_c) >= -1e-7
        };
        let texel = |x: i64, y: i64| {
            let places = copies(1).flat_map(|j| copies(0).map(move |i| (x + i * width, y + j * height)));
            let places: Vec<DVec2> = places.map(|(x, y)| DVec2::new(x as f64 + 0.5, y as f64 + 0.5)).collect();
            let covers = |face: &FlatFace| {
                let corners = face.flat_mm.map(|p| p * texels_per_mm);
                places.iter().filter(|place| is_covered(corners, **place)).count()
            };
            chart.faces.iter().map(covers).sum::<usize>() as u8
        };
        (0..height).flat_map(|y| (0..width).map(move |x| texel(x, y))).collect()
    }

    proptest! {
        /// Faces that reach over the edges, in textures of more than one band.
        #[test]
        fn every_texel_counts_the_faces_over_its_middle(
            corners in prop::collection::vec(prop::array::uniform3((-60.0..160.0_f64, -60.0..160.0_f64)), 1..6),
            size_px in (1_u32..24, 1_u32..150),
            wraps in any::<[bool; 2]>(),
        ) {
            let size_mm = DVec2::splat(100.0);
            // A face is no wider than the area that it lies on.
            let (least, most) = (DVec2::splat(-49.0), DVec2::splat(49.0));
            let face = |corners: [(f64, f64); 3]| {
                let [a, b, c] = corners.map(DVec2::from);
                let flat_mm = [a, a + (b - a).clamp(least, most), a + (c - a).clamp(least, most)];
                FlatFace { flat_mm, world: [DVec3::ZERO; 3], normal: DVec3::Z, area_m2: 0.0, stretch: 1.0 }
            };
            let lay = DesignLay::Coordinates { uv_set: 0, rows: [[0.0; 3]; 2] };
            let faces = corners.into_iter().map(face).collect();
            let chart = Chart { lay, size_mm, wraps, upright_from_flat: UPRIGHT, faces };
            let size_px = [size_px.0, size_px.1];
            prop_assert_eq!(Coverage::new(&chart, size_px).texels, counted(&chart, size_px));
        }

        #[test]
        fn lines_grow_to_what_is_within_reach(
            line in prop::collection::vec(prop::bool::weighted(0.1), 1..40), reach in 0_u8..20, wraps in any::<bool>(),
        ) {
            let n = line.len();
            let is_near = |i: usize, j: usize| {
                let apart = i.abs_diff(j);
                (if wraps { apart.min(n - apart) } else { apart }) <= usize::from(reach)
            };
            let expected: Vec<u8> =
                (0..n).map(|i| u8::from((0..n).any(|j| line[j] && is_near(i, j)))).collect();
            let mut alone: Vec<u8> = line.iter().map(|&is_set| u8::from(is_set)).collect();
            grow(&mut alone, 1, reach, wraps);
            prop_assert_eq!(&alone, &expected);
            // Columns grow as lines do.
            let mut two: Vec<u8> = line.iter().flat_map(|&is_set| [0, u8::from(is_set)]).collect();
            grow(&mut two, 2, reach, wraps);
            prop_assert_eq!(two, expected.iter().flat_map(|&texel| [0, texel]).collect::<Vec<_>>());
        }
    }
}
