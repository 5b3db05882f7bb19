//! Light groups of a picture: a layer for each light, which together are the picture.

use std::sync::Arc;

use packshot_renderer::backend::{LoadedProduct, RenderControl};
use packshot_renderer::film::Film;
use packshot_renderer::prepare::{LightGroup, PreparedShot};
use packshot_renderer::shot::Shot;

use crate::error::Error;
use crate::picture::{Aov, Layer};

/// Renders the shot once more for each of its groups, with the samples that `film` has of all of its light. `prepared` is `shot` as it was
/// rendered then.
///
/// # Errors
/// `device.…`, `cancelled`.
pub(crate) fn layers(
    product: &dyn LoadedProduct,
    prepared: &PreparedShot,
    shot: &Shot,
    film: &Film,
    control: &RenderControl<'_>,
) -> Result<Vec<Layer>, Error> {
    let counts: Arc<[u32]> = film.samples.as_slice().into();
    let is_even = counts.iter().all(|&n| n == shot.film.samples);
    let counts = (!is_even).then_some(&counts);
    let control = RenderControl { time_max: None, snapshots: None, counts, ..*control };
    let layer = |group: LightGroup| {
        let loaded = product.load(prepared.clone().lit_by(shot, group))?;
        let lit = loaded.render(&control)?.film;
        let values = lit.resolve().into_iter().flat_map(|[r, g, b, _]| [r, g, b]).collect();
        Ok(Layer { aov: Aov::LightGroups, values, names: None, group: Some(group) })
    };
    LightGroup::all(shot, product.prepared()).into_iter().map(layer).collect()
}
