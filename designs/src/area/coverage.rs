//! Which texels of a texture lie on an area.

use glam::DVec2;

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
        let mut coverage = Self { width, height, texels: vec![0; width * height], texels_per_mm };
        let slack = if touching { 1e-7 } else { -1e-4 };
        for face in &chart.faces {
            coverage.draw(face.flat_mm.map(|p| p * texels_per_mm), chart.wraps, slack);
        }
        coverage
    }

    /// Of a texture with this size.
    pub(crate) fn new(chart: &Chart, size_px: [u32; 2]) -> Self {
        Self::count(chart, size_px, true)
    }

    fn draw(&mut self, [a, b, c]: [DVec2; 3], wraps: [bool; 2], slack: f64) {
        let doubled = (b - a).perp_dot(c - a);
        if doubled == 0.0 {
            return;
        }
        let (low, high) = (a.min(b).min(c), a.max(b).max(c));
        let range = |low: f64, high: f64, n: usize, wraps: bool| {
            let (first, last) = ((low - 0.5 - 1e-6).ceil() as i64, (high - 0.5 + 1e-6).floor() as i64);
            let n = n as i64;
            if wraps { (first, last.min(first + n - 1)) } else { (first.max(0), last.min(n - 1)) }
        };
        let (first_x, last_x) = range(low.x, high.x, self.width, wraps[0]);
        let (first_y, last_y) = range(low.y, high.y, self.height, wraps[1]);
        for y in first_y..=last_y {
            let row = y.rem_euclid(self.height as i64) as usize * self.width;
            for x in first_x..=last_x {
                let p = DVec2::new(x as f64 + 0.5, y as f64 + 0.5);
                let of_b = (p - a).perp_dot(c - a) / doubled;
                let of_c = (b - a).perp_dot(p - a) / doubled;
                if (1.0 - of_b - of_c).min(of_b).min(of_c) >= -slack {
                    let texel = &mut self.texels[row + x.rem_euclid(self.width as i64) as usize];
                    *texel = texel.saturating_add(1);
                }
            }
        }
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
    pub(crate) fn padded(mut self, texels: usize, wraps: [bool; 2]) -> Self {
        let (width, height) = (self.width, self.height);
        for row in self.texels.chunks_exact_mut(width) {
            let grown = grow(&mut row.iter().map(|&texel| texel > 0), texels, wraps[0]);
            row.iter_mut().zip(grown).for_each(|(texel, is_near)| *texel = u8::from(is_near));
        }
        // Column by column, in blocks that share a cache line.
        for x in 0..width {
            let grown = grow(&mut (0..height).map(|y| self.texels[y * width + x] > 0), texels, wraps[1]);
            for (y, is_near) in grown.into_iter().enumerate() {
                self.texels[y * width + x] = u8::from(is_near);
            }
        }
        self
    }
}

/// Which entries of a line are within `reach` of one that is set.
fn grow(line: &mut dyn Iterator<Item = bool>, reach: usize, wraps: bool) -> Vec<bool> {
    let line: Vec<bool> = line.collect();
    let n = line.len();
    if line.iter().all(|&is_set| is_set) {
        return line;
    }
    let mut grown = vec![false; n];
    for (i, _) in line.iter().enumerate().filter(|(_, is_set)| **is_set) {
        // Inside a run only its ends grow.
        let is_end = i == 0 || i + 1 == n || !line[i - 1] || !line[i + 1];
        let range = if is_end { i.saturating_sub(reach)..(i + reach + 1).min(n) } else { i..i + 1 };
        grown[range].fill(true);
        if wraps && is_end {
            (i + 1..=i + reach).filter(|at| *at >= n).for_each(|at| grown[at % n] = true);
            (0..=reach).filter(|back| *back > i).for_each(|back| grown[(i + n * (1 + reach / n) - back) % n] = true);
        }
    }
    grown
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
    use super::*;

    #[test]
    fn lines_grow_from_their_ends() {
        let grown = |set: &[usize], wraps: bool| {
            let line = grow(&mut (0..10).map(|i| set.contains(&i)), 2, wraps);
            (0..10).filter(|&i| line[i]).collect::<Vec<_>>()
        };
        assert_eq!(grown(&[4, 5, 6], false), [2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(grown(&[0], false), [0, 1, 2]);
        assert_eq!(grown(&[0], true), [0, 1, 2, 8, 9]);
        assert_eq!(grown(&[9], true), [0, 1, 7, 8, 9]);
        assert_eq!(grown(&[], true), [0; 0]);
    }
}
