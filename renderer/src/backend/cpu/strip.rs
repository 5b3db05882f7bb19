//! A strip's share of a pass: a strip depends on no other, so threads never wait inside a pass.

use super::flight::Flight;
use super::tiles::Tiles;
use crate::backend::CancelToken;
use crate::backend::passes::Strip;

/// Adds samples `first_sample..first_sample + n_samples` to every active pixel, or only to some when cancelled. Returns
/// the number of rays traced.
pub(super) fn render(
    strip: &mut Strip<'_>,
    flight: &mut Flight<'_>,
    tiles: &Tiles,
    first_sample: u32,
    n_samples: u32,
    cancel: &CancelToken,
) -> u64 {
    let (empty, shown): (Vec<usize>, Vec<usize>) = strip.active().partition(|&i| tiles.shows_nothing(strip.pixel(i)));
    // Camera rays that are known to miss count as rays, like those that are traced to find it out.
    let mut rays = empty.len() as u64 * u64::from(n_samples);
    for i in empty {
        strip.add_zeros(i, first_sample + n_samples);
    }
    let pixels: Vec<(usize, [u32; 2])> = shown.into_iter().map(|i| (i, strip.pixel(i))).collect();
    let pixels = pixels.into_iter().take_while(|_| !cancel.is_cancelled());
    rays += flight.trace(pixels, [first_sample, n_samples], |i, paths| {
        // Premultiplied linear RGBA.
        strip.add(i, first_sample, paths.iter().map(|path| path.radiance.extend(path.alpha)));
    });
    rays
}
