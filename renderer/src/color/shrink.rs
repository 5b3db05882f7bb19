//! Scaling pictures down.

use glam::Vec4;
use rayon::prelude::*;

use super::{DisplayImage, LinearImage};

impl LinearImage {
    /// The same picture with at most `side_max_px` pixels along its longer side: means over boxes whose edges may be
    /// inside pixels. A picture that is small enough is unchanged.
    ///
    /// # Panics
    /// When `side_max_px` is 0.
    #[must_use]
    pub fn shrunk(self, side_max_px: u32) -> Self {
        assert!(side_max_px > 0, "a picture has pixels");
        let side_px = self.width_px.max(self.height_px);
        if side_px <= side_max_px {
            return self;
        }
        let shrunk = |px: u32| (f64::from(px) * f64::from(side_max_px) / f64::from(side_px)).round().max(1.0) as u32;
        let (width_px, height_px) = (shrunk(self.width_px), shrunk(self.height_px));
        let columns: Vec<Vec<(usize, f32)>> =
            (0..width_px).map(|i| box_weights(i, width_px, self.width_px).collect()).collect();
        let row = |y: u32| {
            let mut row = vec![Vec4::ZERO; width_px as usize];
            for (from_y, weight_y) in box_weights(y, height_px, self.height_px) {
                let texels = &self.rgba[from_y * self.width_px as usize..][..self.width_px as usize];
                for (sum, weights) in row.iter_mut().zip(&columns) {
                    let mean: Vec4 = weights.iter().map(|&(x, weight)| weight * Vec4::from(texels[x])).sum();
                    *sum += weight_y * mean;
                }
            }
            row.iter().map(Vec4::to_array).collect()
        };
        let rows: Vec<Vec<[f32; 4]>> = (0..height_px).into_par_iter().map(row).collect();
        Self { width_px, height_px, rgba: rows.concat() }
    }
}

impl DisplayImage {
    /// As [`LinearImage::shrunk`], for display values, which are weighted by alpha.
    ///
    /// # Panics
    /// When `side_max_px` is 0.
    #[must_use]
    pub fn shrunk(self, side_max_px: u32) -> Self {
        let Self { width_px, height_px, rgba } = self;
        let premultiplied = rgba.into_iter().map(|[r, g, b, a]| [r * a, g * a, b * a, a]).collect();
        let LinearImage { width_px, height_px, rgba } =
            LinearImage { width_px, height_px, rgba: premultiplied }.shrunk(side_max_px);
        let straight = |[r, g, b, a]: [f32; 4]| if a > 0.0 { [r / a, g / a, b / a, a] } else { [0.0; 4] };
        Self { width_px, height_px, rgba: rgba.into_iter().map(straight).collect() }
    }
}

/// Which of `n_from` pixels overlap the `i`th of `n` equal boxes, and the fraction of the box that each takes.
fn box_weights(i: u32, n: u32, n_from: u32) -> impl Iterator<Item = (usize, f32)> {
    // In units of 1/n of a pixel, everything is a whole number.
    let (n, n_from) = (u64::from(n), u64::from(n_from));
    let (begin, end) = (u64::from(i) * n_from, (u64::from(i) + 1) * n_from);
    (begin / n..end.div_ceil(n)).map(move |pixel| {
        let overlap = (end.min((pixel + 1) * n)) - begin.max(pixel * n);
        (pixel as usize, (overlap as f64 / n_from as f64) as f32)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn display_values_count_as_much_as_they_cover() {
        let rgba = vec![[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0]];
        let shrunk = DisplayImage { width_px: 2, height_px: 1, rgba }.shrunk(1);
        assert_eq!(shrunk.rgba, [[1.0, 0.0, 0.0, 0.5]]);
    }

    #[test]
    fn boxes_are_averaged_and_the_shape_is_kept() {
        let texel = |i: u32| [i as f32, 1.0, 0.0, 0.5];
        let image = LinearImage { width_px: 6, height_px: 2, rgba: (0..12).map(texel).collect() };
        let half = image.clone().shrunk(3);
        assert_eq!((half.width_px, half.height_px), (3, 1));
        let red: Vec<f32> = half.rgba.iter().map(|texel| texel[0]).collect();
        assert_eq!(red, [3.5, 5.5, 7.5]);
        assert_eq!(image.clone().shrunk(6), image);
        // Two thirds: the middle pixel of three is shared by two boxes.
        let row = LinearImage { width_px: 3, height_px: 1, rgba: vec![[0.0; 4], [3.0; 4], [6.0; 4]] };
        assert_eq!(row.shrunk(2).rgba, [[1.0; 4], [5.0; 4]]);
    }

    proptest! {
        #[test]
        fn the_mean_stays(width in 1_u32..60, height in 1_u32..60, side_max_px in 1_u32..60, seed in 0_u32..1000) {
            let texel = |i: u32| [((i * 7919 + seed) % 101) as f32 / 101.0; 4];
            let image = LinearImage { width_px: width, height_px: height, rgba: (0..width * height).map(texel).collect() };
            let shrunk = image.clone().shrunk(side_max_px);
            prop_assert!(shrunk.width_px.max(shrunk.height_px) <= side_max_px.max(width.max(height).min(side_max_px)));
            let mean = |image: &LinearImage| {
                image.rgba.iter().map(|texel| f64::from(texel[0])).sum::<f64>() / image.rgba.len() as f64
            };
            prop_assert!((mean(&image) - mean(&shrunk)).abs() < 1e-5);
        }
    }
}
