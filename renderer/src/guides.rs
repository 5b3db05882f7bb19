//! The denoiser's guides for a picture: the albedo and the normal of the surfaces that it shows.

use std::ops::{Add, Range};

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
    /// The share of the samples that hit a surface, 0 to 1.
    pub coverage: Vec<f32>,
    /// The share of the samples whose ray passed a partly opaque surface or ended on one, 0 to 1.
    pub partly: Vec<f32>,
}

/// How many samples guides are measured with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuideSamples {
    /// Of a pixel that differs from a neighbouring one, at least 1; others get down to a quarter of it.
    pub most: u32,
    /// Pixels whose coverage is uncertain, numbered row by row, ascending.
    pub uncertain: Vec<u32>,
    /// Samples of those, and of pixels with partly opaque surfaces, if that is more. Beyond the film's own number they
    /// are those of neighbouring pixels, whose noise is then alike.
    pub of_uncertain: u32,
}

impl GuideSamples {
    /// `most` samples, for all pixels alike.
    pub fn most(most: u32) -> Self {
        Self { most, uncertain: Vec::new(), of_uncertain: 0 }
    }
}

/// Sum over some samples of a pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct GuideSum {
    pub(crate) albedo: Vec3,
    pub(crate) normal: Vec3,
    /// Samples that hit a surface.
    pub(crate) covered: f32,
    /// Samples whose ray met a partly opaque surface.
    pub(crate) partly: f32,
}

impl Add for GuideSum {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            albedo: self.albedo + other.albedo,
            normal: self.normal + other.normal,
            covered: self.covered + other.covered,
            partly: self.partly + other.partly,
        }
    }
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

    /// Measures a picture: with a quarter of the samples where a pixel is like its neighbours, with all where it is
    /// not, and with more where its coverage is uncertain or a surface is partly opaque. `sums` computes the sums over
    /// a range of samples of some pixels, numbered row by row, in their order.
    pub(crate) fn measure<E>(
        [width_px, height_px]: [u32; 2],
        samples: &GuideSamples,
        sums: impl FnMut(&[u32], Range<u32>) -> Result<Vec<GuideSum>, E>,
    ) -> Result<Self, E> {
        let pixels = pixels_of_blocks(width_px, height_px);
        let most = samples.most.max(1);
        let n_first = (most / ONE_IN_AT_FIRST).max(LEAST_AT_FIRST).min(most);
        let mut measured =
            Measured { sums, all: vec![GuideSum::default(); pixels.len()], taken: vec![0; pixels.len()] };
        measured.take(&pixels, n_first)?;
        if most > n_first {
            let (guides, width) = (measured.means(), width_px as usize);
            let is_edge: Vec<bool> = (0..pixels.len()).into_par_iter().map(|at| guides.is_edge(at, width)).collect();
            let edges: Vec<u32> = pixels.iter().copied().filter(|&pixel| is_edge[pixel as usize]).collect();
            measured.take(&edges, most)?;
        }
        let is_uncertain =
            |pixel: &u32| measured.all[*pixel as usize].partly > 0.0 || samples.uncertain.binary_search(pixel).is_ok();
        let uncertain: Vec<u32> = pixels.into_iter().filter(is_uncertain).collect();
        measured.take(&uncertain, samples.of_uncertain)?;
        Ok(measured.means())
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

/// The samples of a picture so far.
struct Measured<F> {
    sums: F,
    all: Vec<GuideSum>,
    /// Samples of each pixel.
    taken: Vec<u32>,
}

impl<F> Measured<F> {
    /// Lets these pixels have the first `n_samples` samples, counting those that they already have.
    fn take<E>(&mut self, pixels: &[u32], n_samples: u32) -> Result<(), E>
    where
        F: FnMut(&[u32], Range<u32>) -> Result<Vec<GuideSum>, E>,
    {
        let mut pixels = pixels.to_vec();
        pixels.retain(|&pixel| self.taken[pixel as usize] < n_samples);
        while let Some(&first) = pixels.first() {
            let from = self.taken[first as usize];
            let (alike, others) = pixels.into_iter().partition(|&pixel| self.taken[pixel as usize] == from);
            let alike: Vec<u32> = alike;
            for (&pixel, sum) in alike.iter().zip((self.sums)(&alike, from..n_samples)?) {
                let at = pixel as usize;
                self.all[at] = self.all[at] + sum;
                self.taken[at] = n_samples;
            }
            pixels = others;
        }
        Ok(())
    }

    fn means(&self) -> Guides {
        let each = || self.all.iter().zip(&self.taken).map(|(sum, &n)| (sum, n as f32));
        Guides {
            albedo: each().map(|(sum, n)| (sum.albedo / n).to_array()).collect(),
            normal: each().map(|(sum, n)| (sum.normal / n).to_array()).collect(),
            coverage: each().map(|(sum, n)| sum.covered / n).collect(),
            partly: each().map(|(sum, n)| sum.partly / n).collect(),
        }
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
        let albedo = Vec3::splat(if is_right { 0.8 } else { 0.1 });
        GuideSum { albedo, normal: Vec3::Z, covered: 1.0, partly: 0.0 }
    }

    #[test]
    fn edges_get_all_samples_and_the_rest_a_few() {
        let mut n_taken = vec![0_u32; (SIZE_PX[0] * SIZE_PX[1]) as usize];
        let guides = Guides::measure(SIZE_PX, &GuideSamples::most(16), |pixels, samples| {
            let sums = pixels.iter().map(|&pixel| {
                n_taken[pixel as usize] += samples.len() as u32;
                samples.clone().map(|sample| two_colors(pixel, sample)).fold(GuideSum::default(), GuideSum::add)
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
    fn uncertain_pixels_get_more_samples_each_once() {
        let mut n_taken = vec![0_u32; (SIZE_PX[0] * SIZE_PX[1]) as usize];
        // One that is like its neighbours, one at the edge, and one beyond the first row; and one with a partly opaque
        // surface, which the third of four samples ends on.
        let partly_opaque = 5 * SIZE_PX[0] + 7;
        let samples = GuideSamples { most: 16, uncertain: vec![3, 20, 3 * SIZE_PX[0] + 30], of_uncertain: 64 };
        let guides = Guides::measure(SIZE_PX, &samples, |pixels, samples| {
            let sums = pixels.iter().map(|&pixel| {
                assert_eq!(n_taken[pixel as usize], samples.start, "the samples of a pixel follow each other");
                n_taken[pixel as usize] = samples.end;
                // Half of the samples hit something.
                let partly = |sample: u32| f32::from(pixel == partly_opaque && sample % 4 == 2);
                let covered = |sample: u32| GuideSum {
                    covered: (sample % 2) as f32,
                    partly: partly(sample),
                    ..two_colors(pixel, sample)
                };
                samples.clone().map(covered).fold(GuideSum::default(), GuideSum::add)
            });
            Ok::<_, Infallible>(sums.collect())
        });
        let Ok(guides) = guides;
        for (at, &n) in n_taken.iter().enumerate() {
            let is_edge = (19..=21).contains(&(at as u32 % SIZE_PX[0]));
            let is_uncertain = samples.uncertain.contains(&(at as u32)) || at as u32 == partly_opaque;
            let expected = if is_uncertain { 64 } else { 4 + 12 * u32::from(is_edge) };
            assert_eq!(n, expected, "pixel {at}");
            assert_eq!(guides.coverage[at], 0.5, "pixel {at}");
            assert_eq!(guides.partly[at], if at as u32 == partly_opaque { 0.25 } else { 0.0 }, "pixel {at}");
        }
    }

    #[test]
    fn no_pixel_gets_more_samples_than_are_wished() {
        for n_samples in [1, 3, 4] {
            let guides = Guides::measure(SIZE_PX, &GuideSamples::most(n_samples), |pixels, samples| {
                assert_eq!(samples, 0..n_samples);
                Ok::<_, Infallible>(vec![GuideSum { albedo: Vec3::ONE, ..GuideSum::default() }; pixels.len()])
            });
            let Ok(guides) = guides;
            assert_eq!(guides.albedo[0], [1.0 / n_samples as f32; 3]);
        }
    }
}
