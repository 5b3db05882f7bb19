//! OpenEXR: scene-linear, with alpha multiplied in, shown by a view transform after it was scaled down.

use std::cell::RefCell;
use std::io::{BufRead, Seek};

use exr::prelude::{ReadChannels, ReadLayers, read};
use packshot_renderer::color::{DisplayImage, DisplaySettings, display_image};

use super::shrink::Shrinker;
use super::{NoPicture, Shown};

pub(super) fn small(file: impl BufRead + Seek, side_max_px: u32, shown: Shown) -> Result<DisplayImage, NoPicture> {
    // What went wrong where the reader asks for storage, which it cannot say itself.
    let refused = RefCell::new(None);
    let image = read()
        .no_deep_data()
        .largest_resolution_level()
        .rgba_channels(
            |size, _| {
                let shrinker = Shrinker::new([size.width(), size.height()], side_max_px);
                shrinker.map_err(|reason| *refused.borrow_mut() = Some(reason)).ok()
            },
            |shrinker: &mut Option<Shrinker>, at, (r, g, b, a): (f32, f32, f32, f32)| {
                if let Some(shrinker) = shrinker {
                    let finite = |value: f32| if value.is_finite() { value } else { 0.0 };
                    shrinker.add(at.x(), at.y(), [r, g, b, a].map(finite));
                }
            },
        )
        .first_valid_layer()
        .all_attributes()
        // In the order of the file, so that sums are the same every time.
        .non_parallel()
        .from_buffered(file)
        .map_err(NoPicture::damaged)?;
    if let Some(reason) = refused.into_inner() {
        return Err(reason);
    }
    let shrinker = image.layer_data.channel_data.pixels.ok_or(NoPicture::Unknown)?;
    let settings =
        DisplaySettings { view_transform: shown.transform, exposure_ev: shown.exposure_ev, ..Default::default() };
    Ok(display_image(&shrinker.linear(), &settings))
}
