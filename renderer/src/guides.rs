//! The denoiser's guides for a picture: the albedo and the normal of the surfaces that it shows.

use std::ops::Range;

use glam::Vec3;
use rayon::prelude::*;

use crate::film::blocks;

/// Guides of a picture, row 0 on top. Mirrors and glass are followed to what they show.
#[derive(Clone, Debug, PartialEq)]
pub struct Guides {
    /// Albedo, linear Rec.709, 0 to 1; black where there is nothing.
    pub albedo: Vec<[f32; 3]>,
    /// Mean of the unit normals towards the viewer, in world axes; zero where there is nothing.
    pub normal: Vec<[f32; 3]>,
}

/// Sum over some samples of a pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct GuideSum {
    pub(crate) albedo: Vec3,
    pub(crate) normal: Vec3,
}

/// Before it is known which pixels need all their samples, each gets one in this many of them, …
const ONE_IN_AT_FIRST: u32 = 4;
/// … and at least this many.
const LEAST_AT_FIRST: u32 = 4;
/// Neighbouring pixels that differ by more than this in a channel of albedo or normal get all samples. Denoised
/// pictures are then as close to their references as with all samples everywhere
/// (`docs/decisions/guides-from-four-samples.md`).
const EDGE: f32 = 0.1;

impl Guides {
    /// Samples of a pixel after which guides without depth of field are nearly noise-free.
    pub const SAMPLES: u32 = 16;

    /// Measures a picture: with a quarter of the samples where a pixel is like its neighbours, and with `n_samples`, at
    /// least 1, where it is not. `sums` computes the sums over a range of samples of some pixels, numbered row by row,
    /// in their order.
    pub(crate) fn measure<E>(
        [width_px, height_px]: [u32; 2],
        n_samples: u32,
        mut sums: impl FnMut(&[u32], Range<u32>) -> Result<Vec<GuideSum>, E>,
    ) -> Result<Self, E> {
        let n_first = (n_samples / ONE_IN_AT_FIRST).max(LEAST_AT_FIRST).min(n_samples);
        let pixels = pixels_of_blocks(width_px, height_px);
        let n_pixels = pixels.len();
        let mut all = vec![GuideSum::default(); n_pixels];
        for (&pixel, sum) in pixels.iter().zip(sums(&pixels, 0..n_first)?) {
            all[pixel as usize] = sum;
        }
        let width = width_px as usize;
        let mut guides = Self::means(&all, |_| n_first);
        if n_samples > n_first {
            let at_edge: Vec<bool> = (0..n_pixels).into_par_iter().map(|at| guides.is_edge(at, width)).collect();
            let pixels: Vec<u32> = pixels.into_iter().filter(|&pixel| at_edge[pixel as usize]).collect();
            if !pixels.is_empty() {
                for (&pixel, sum) in pixels.iter().zip(sums(&pixels, n_first..n_samples)?) {
                    all[pixel as usize].albedo += sum.albedo;
                    all[pixel as usize].normal += sum.normal;
                }
            }
            guides = Self::means(&all, |at| if at_edge[at] { n_samples } else { n_first });
        }
        Ok(guides)
    }

    fn means(sums: &[GuideSum], n_samples: impl Fn(usize) -> u32) -> Self {
        let mean = |sum: Vec3, at: usize| (sum / n_samples(at) as f32).to_array();
        Self {
            albedo: sums.iter().enumerate().map(|(at, sum)| mean(sum.albedo, at)).collect(),
            normal: sums.iter().enumerate().map(|(at, sum)| mean(sum.normal, at)).collect(),
        }
    }

    /// Whether one of the eight pixels around a pixel differs from it.
    fn is_edge(&self, at: usize, width: usize) -> bool {
        let (x, y) = (at % width, at / width);
        let height = self.albedo.len() / width;
        let unlike = |a: [f32; 3], b: [f32; 3]| (Vec3::from(a) - Vec3::from(b)).abs().max_element() > EDGE;
        (y.saturating_sub(1)..=(y + 1).min(height - 1))
            .flat_map(|y| (x.saturating_sub(1)..=(x + 1).min(width - 1)).map(move |x| y * width + x))
            .any(|near| unlike(self.albedo[at], self.albedo[near]) || unlike(self.normal[at], self.normal[near]))
    }
}

/// All pixels of a picture, block by block, so that consecutive ones see the same parts of a scene.
fn pixels_of_blocks(width_px: u32, height_px: u32) -> Vec<u32> {
    let pixels_of = |block: crate::film::Block| {
        let row = block.x_px..block.x_px + block.width_px;
        (block.y_px..block.y_px + block.height_px).flat_map(move |y| row.clone().map(move |x| y * width_px + x))
    };
    blocks(width_px, height_px).into_iter().flat_map(pixels_of).collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const SIZE_PX: [u32; 2] = [37, 20];

    /// A picture of two colours with a vertical edge, whose samples in the column of the edge have either colour.
    fn two_colors(pixel: u32, sample: u32) -> GuideSum {
        let x = pixel % SIZE_PX[0];
        let is_right = x > 20 || (x == 20 && sample % 4 == 3);
        GuideSum { albedo: Vec3::splat(if is_right { 0.8 } else { 0.1 }), normal: Vec3::Z }
    }

    #[test]
    fn edges_get_all_samples_and_the_rest_a_few() {
        let mut n_taken = vec![0_u32; (SIZE_PX[0] * SIZE_PX[1]) as usize];
        let guides = Guides::measure(SIZE_PX, 16, |pixels, samples| {
            let sums = pixels.iter().map(|&pixel| {
                n_taken[pixel as usize] += samples.len() as u32;
                samples.clone().map(|sample| two_colors(pixel, sample)).fold(GuideSum::default(), |sum, one| GuideSum {
                    albedo: sum.albedo + one.albedo,
                    normal: sum.normal + one.normal,
                })
            });
            Ok::<_, Infallible>(sums.collect())
        });
        let Ok(guides) = guides;
        for (at, &n) in n_taken.iter().enumerate() {
            let x = at as u32 % SIZE_PX[0];
            assert_eq!(n, if (19..=21).contains(&x) { 16 } else { 4 }, "column {x}");
            let expected = if x < 20 {
                0.1
            } else if x > 20 {
                0.8
            } else {
                0.275
            };
            assert!((guides.albedo[at][0] - expected).abs() < 1e-6, "column {x}: {:?}", guides.albedo[at]);
            assert_eq!(guides.normal[at], [0.0, 0.0, 1.0]);
        }
    }

    #[test]
    fn no_pixel_gets_more_samples_than_are_wished() {
        for n_samples in [1, 3, 4] {
            let guides = Guides::measure(SIZE_PX, n_samples, |pixels, samples| {
                assert_eq!(samples, 0..n_samples);
                Ok::<_, Infallible>(vec![GuideSum { albedo: Vec3::ONE, normal: Vec3::ZERO }; pixels.len()])
            });
            let Ok(guides) = guides;
            assert_eq!(guides.albedo[0], [1.0 / n_samples as f32; 3]);
        }
    }
}
