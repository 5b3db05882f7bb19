//! Light groups of a picture: one layer per light, which add up to the picture.

use std::sync::Arc;
use std::time::Instant;

use packshot_renderer::backend::{LoadedProduct, Progress, RenderControl};
use packshot_renderer::film::Film;
use packshot_renderer::prepare::{LightGroup, PreparedShot};
use packshot_renderer::shot::Shot;

use crate::error::Error;
use crate::picture::{Aov, Layer};

/// Renders the shot once for each light group, with the sample counts of `film`, which has all the light. `prepared` is
/// `shot` as it was rendered for `film`; `begun` is when that started.
///
/// # Errors
/// `device.…`, `cancelled`.
pub(crate) fn layers(
    product: &dyn LoadedProduct,
    prepared: &PreparedShot,
    shot: &Shot,
    film: &Film,
    begun: Instant,
    control: &RenderControl<'_>,
) -> Result<Vec<Layer>, Error> {
    let counts: Arc<[u32]> = film.samples.as_slice().into();
    let is_even = counts.iter().all(|&n| n == shot.film.samples);
    let counts = (!is_even).then_some(&counts);
    let groups = LightGroup::all(shot, product.prepared());
    let n = groups.len();
    let layer = |(i, group): (usize, LightGroup)| {
        // Each is rendered like the picture, which came first.
        let show = |progress: Progress| {
            let done = (1.0 + i as f32 + progress.done) / (1.0 + n as f32);
            let samples = progress.samples_max;
            (control.progress)(Progress { done, samples, elapsed: begun.elapsed(), ..progress });
        };
        let control = RenderControl { time_max: None, snapshots: None, counts, progress: &show, ..*control };
        let loaded = product.load(prepared.clone().lit_by(shot, group))?;
        let lit = loaded.render(&control)?.film;
        let values = lit.resolve().into_iter().flat_map(|[r, g, b, _]| [r, g, b]).collect();
        Ok(Layer { aov: Aov::LightGroups, values, names: None, group: Some(group) })
    };
    groups.into_iter().enumerate().map(layer).collect()
}
