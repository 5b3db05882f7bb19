//! Pictures without edges where nothing is known, for the network: colours of a product go on beyond its outline,
//! shadows below the product. At an edge towards black the network finds a colour that does not fit the share of the
//! pixel that is covered, which stays as it was sampled (but for films, whose share is denoised by itself); over a
//! background as bright as the product that is seen as a dotted outline.
//!
//! What lies beyond comes from a pyramid of means (push-pull: Gortler et al., *The Lumigraph*, 1996, section 3.2.2), so
//! that it is smooth also where a single pixel is noisy.

use packshot_renderer::color::luminance;

/// Pixels, whole ones, whose mean is taken for what is beyond them; with fewer, those farther away count too.
const ENOUGH_PX: f32 = 16.0;
/// The least share of a pixel in which its own value is seen; with less, it is mixed with that of its surroundings.
const LEAST_SHARE: f32 = 0.25;
/// A value that is darker than this part of what a filter made of its whole pixel has the hue of that: the difference
/// of two nearly equal colours has none of its own.
const DARK_PART: f32 = 0.25;

/// What values in rows of this width go on to, each multiplied by the share of its pixel that it holds for, and the
/// values laid over that.
pub(crate) fn continued(premultiplied: impl Iterator<Item = ([f32; 3], f32)>, width_px: u32) -> (Vec<[f32; 3]>, Below) {
    let texels = premultiplied.map(|(sum, share_px)| Texel { sum, share_px: share_px.clamp(0.0, 1.0) }).collect();
    let finest = Level { width: width_px as usize, texels };
    let below = finest.below();
    let laid = finest.texels.iter().zip(&below).map(|(texel, below)| texel.over(*below, texel.share_px)).collect();
    (laid, Below(below))
}

/// The least length of a mean normal where a solid surface is seen; where the surroundings are, it is 0.
const LEAST_NORMAL: f32 = 0.5;

/// What part of the albedo goes on beyond outlines, for each pixel: all of it beyond what is solid, and nothing beyond
/// what shows the surroundings, such as clear glass: without an edge to them in the albedo, the network leaves noise
/// there. `normals` are multiplied by `shares`.
pub(super) fn solid(normals: &[[f32; 3]], shares: &[f32], width_px: u32) -> Vec<f32> {
    let solid_part = |(&[x, y, z], &share): (&[f32; 3], &f32)| {
        let part = f32::from((x * x + y * y + z * z).sqrt() > LEAST_NORMAL * share);
        ([part * share, 0.0, 0.0], share)
    };
    let (solid, _) = continued(normals.iter().zip(shares).map(solid_part), width_px);
    let beyond = solid.into_iter().map(|[part, ..]| (2.0 * part - 1.0).clamp(0.0, 1.0));
    beyond.zip(shares).map(|(part, &share)| if share > 0.0 { 1.0 } else { part }).collect()
}

/// What the values of each pixel were laid over.
#[derive(Clone, Debug)]
pub(crate) struct Below(Vec<[f32; 3]>);

impl Below {
    /// The value of pixel `i`, which holds for this share of it, out of what a filter made of the whole pixel. None is
    /// negative. Where it holds for nothing, it is the filter's.
    pub(crate) fn lifted(&self, filtered: [f32; 3], i: usize, share: f32) -> [f32; 3] {
        if share <= 0.0 {
            return filtered;
        }
        let below = self.0[i];
        let factor = 1.0 / share.clamp(LEAST_SHARE, 1.0);
        let own: [f32; 3] = std::array::from_fn(|c| (below[c] + (filtered[c] - below[c]) * factor).max(0.0));
        let part = luminance(own) / luminance(filtered);
        if part < DARK_PART { filtered.map(|value| value * part) } else { own }
    }
}

/// Values of some pixels.
#[derive(Clone, Copy, Debug, Default)]
struct Texel {
    /// The sum of the values, each multiplied by its share.
    sum: [f32; 3],
    /// The sum of their shares.
    share_px: f32,
}

impl Texel {
    /// The mean of the values, with this weight, laid over what is below.
    fn over(self, below: [f32; 3], weight: f32) -> [f32; 3] {
        if self.share_px <= 0.0 {
            return below;
        }
        std::array::from_fn(|c| self.sum[c] / self.share_px * weight + (1.0 - weight) * below[c])
    }
}

/// A level of the pyramid, row by row.
struct Level {
    width: usize,
    texels: Vec<Texel>,
}

impl Level {
    fn height(&self) -> usize {
        self.texels.len() / self.width
    }

    /// What is below each texel: the next level, laid over what is below that.
    fn below(&self) -> Vec<[f32; 3]> {
        if let [only] = self.texels[..] {
            return vec![only.over([0.0; 3], 1.0)];
        }
        let coarser = self.halved();
        let weighted = |(texel, below): (&Texel, [f32; 3])| texel.over(below, (texel.share_px / ENOUGH_PX).min(1.0));
        let laid: Vec<[f32; 3]> = coarser.texels.iter().zip(coarser.below()).map(weighted).collect();
        self.interpolated(&coarser, &laid)
    }

    /// The level with texels twice as wide and high.
    fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height().div_ceil(2));
        let mut texels = vec![Texel::default(); width * height];
        for (i, texel) in self.texels.iter().enumerate() {
            let coarse = &mut texels[i / self.width / 2 * width + i % self.width / 2];
            coarse.sum.iter_mut().zip(texel.sum).for_each(|(sum, value)| *sum += value);
            coarse.share_px += texel.share_px;
        }
        Self { width, texels }
    }

    /// Values of the `coarser` level at the texels of this one, bilinearly.
    fn interpolated(&self, coarser: &Self, values: &[[f32; 3]]) -> Vec<[f32; 3]> {
        let (width, height) = (coarser.width, coarser.height());
        // The two nearest: the one that holds the texel, and the one beside it, with a quarter of the weight.
        let nearest = |place: usize, n: usize| {
            let beside = match place % 2 {
                0 => (place / 2).saturating_sub(1),
                _ => (place / 2 + 1).min(n - 1),
            };
            [(place / 2, 0.75), (beside, 0.25)]
        };
        let at = |i: usize| {
            let (columns, rows) = (nearest(i % self.width, width), nearest(i / self.width, height));
            let mut mean = [0.0; 3];
            for (y, of_row) in rows {
                for (x, of_column) in columns {
                    let value = values[y * width + x];
                    mean.iter_mut()
                        .zip(value)
                        .for_each(|(mean, value): (&mut f32, f32)| *mean += of_row * of_column * value);
                }
            }
            mean
        };
        (0..self.texels.len()).map(at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of grey values with their shares.
    fn row(values: &[(f32, f32)]) -> (Vec<[f32; 3]>, Below) {
        let premultiplied = values.iter().map(|&(value, share)| ([value * share; 3], share));
        continued(premultiplied, values.len() as u32)
    }

    #[test]
    fn what_is_uniform_goes_on_without_an_edge() {
        let share = |x: usize| [1.0, 0.25, 0.0][x.saturating_sub(4).min(2)];
        let (laid, _) = row(&(0..40).map(|x| (0.5, share(x))).collect::<Vec<_>>());
        assert!(laid.iter().flatten().all(|value| (value - 0.5).abs() < 1e-6), "{laid:?}");
    }

    #[test]
    fn what_is_known_stays_and_values_come_out_again() {
        let values: Vec<(f32, f32)> = (0..23).map(|x| (x as f32, [1.0, 0.75, 0.25, 0.0][x % 4])).collect();
        let (laid, below) = row(&values);
        for (i, &(value, share)) in values.iter().enumerate().filter(|(_, (_, share))| *share > 0.0) {
            let found = below.lifted(laid[i], i, share);
            assert!((found[0] - value).abs() < 1e-5, "{i}: {found:?}");
        }
        assert_eq!(laid[8], [8.0; 3], "known whole");
    }

    #[test]
    fn a_sliver_is_mixed_with_its_surroundings() {
        let mut values = vec![(1.0, 1.0); 64];
        values[32] = (5.0, 0.05);
        let (laid, below) = row(&values);
        let found = below.lifted(laid[32], 32, 0.05)[0];
        assert!(found > 1.1 && found < 2.2, "{found}");
    }

    #[test]
    fn a_dark_sample_at_an_outline_has_the_hue_of_the_rest() {
        // A sample of two was black; the network has filtered it, and has not left its channels quite equal.
        let below = Below(vec![[0.46, 0.45, 0.46]]);
        let [r, g, b] = below.lifted([0.236, 0.228, 0.235], 0, 0.5);
        assert!((0.007..0.013).contains(&g) && r < 1.05 * g && b < 1.05 * g, "{r} {g} {b}");
        // A black rim of a light face stays black, whatever lies below it.
        assert_eq!(below.lifted([0.23, 0.225, 0.23], 0, 0.5), [0.0; 3]);
        assert_eq!(below.lifted([0.3, 0.2, 0.1], 0, 0.0), [0.3, 0.2, 0.1], "nothing is known");
    }

    #[test]
    fn beyond_what_shows_the_surroundings_nothing_goes_on() {
        // Nothing, a solid surface, nothing, glass, nothing.
        let share_at = |x: usize| f32::from([24..40, 88..104].iter().any(|part| part.contains(&x)));
        let shares: Vec<f32> = (0..128).map(share_at).collect();
        let normals: Vec<[f32; 3]> = (0..128).map(|x| [0.0, 0.0, if x < 64 { shares[x] } else { 0.0 }]).collect();
        let solid = solid(&normals, &shares, 128);
        assert!(solid[24..40].iter().all(|&part| part == 1.0), "what is known stays: {solid:?}");
        assert!(solid[8..44].iter().all(|&part| part > 0.7), "{solid:?}");
        assert!(solid[88..104].iter().all(|&part| part == 1.0), "what is known stays: {solid:?}");
        assert!(solid[84..88].iter().chain(&solid[104..120]).all(|&part| part == 0.0), "{solid:?}");
    }

    #[test]
    fn where_nothing_is_known_there_is_nothing() {
        assert_eq!(row(&[(3.0, 0.0), (1.0, 0.0), (2.0, 0.0)]).0, [[0.0; 3]; 3]);
        assert_eq!(row(&[(3.0, 0.0)]).0, [[0.0; 3]]);
    }
}
