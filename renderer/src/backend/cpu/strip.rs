//! A strip's share of a pass, in batches of paths: a strip depends on no other, so threads never wait inside a pass.

use super::batch::Batch;
use super::tiles::Tiles;
use crate::backend::CancelToken;
use crate::backend::passes::Strip;

/// Adds samples `first_sample..first_sample + n_samples` to every active pixel, or only to some when cancelled. Returns
/// the number of rays traced.
pub(super) fn render(
    strip: &mut Strip<'_>,
    batch: &mut Batch<'_>,
    tiles: &Tiles,
    first_sample: u32,
    n_samples: u32,
    cancel: &CancelToken,
) -> u64 {
    let pixels_at_once = (Batch::PATHS / n_samples as usize).max(1);
    let (empty, shown): (Vec<usize>, Vec<usize>) = strip.active().partition(|&i| tiles.shows_nothing(strip.pixel(i)));
    // Camera rays that are known to miss count as rays, like those that are traced to find it out.
    let mut rays = empty.len() as u64 * u64::from(n_samples);
    for i in empty {
        strip.add_zeros(i, first_sample + n_samples);
    }
    for pixels in shown.chunks(pixels_at_once) {
        if cancel.is_cancelled() {
            break;
        }
        rays += batch.trace(pixels.iter().map(|&i| strip.pixel(i)), first_sample, n_samples);
        for (k, &i) in pixels.iter().enumerate() {
            let values = (0..n_samples as usize).map(|s| batch.value(k * n_samples as usize + s));
            strip.add(i, first_sample, values);
        }
    }
    rays
}
