//! The pictures that a job asks for, and what they are called.

use packshot_pipeline::pictures::Pictures;
use packshot_pipeline::plan::PicturePlan;
use packshot_pipeline::product::Product;
use packshot_renderer::diagnostic::Diagnostic;

use super::failure::Stopped;
use super::subject::DecodedMap;

/// The pictures that a plan asks for, with what was noticed about its light and framing.
///
/// # Errors
/// `shot.…`.
pub(super) fn build(
    plan: &PicturePlan,
    product: &Product,
    environment: Option<DecodedMap>,
) -> Result<(Pictures, Vec<Diagnostic>), Stopped> {
    let (map, found) = environment.map_or((None, Vec::new()), |(map, found)| (Some(map), found.to_vec()));
    let (pictures, more) = Pictures::build(plan, &plan.shot_request(map)?, &product.scene)?;
    Ok((pictures, [found, more].concat()))
}

/// What the files of a picture are called, without the dot.
pub(super) fn name(pictures: &Pictures, i: u32) -> String {
    match pictures {
        Pictures::Still(_) => "result".to_owned(),
        Pictures::Views(views) => views.get(i as usize).map_or_else(String::new, |view| view.view.name.to_owned()),
        Pictures::Turntable { .. } => format!("frame_{i:04}"),
    }
}

/// What one of the pictures is called in the log.
pub(super) const fn noun(pictures: &Pictures) -> &'static str {
    match pictures {
        Pictures::Still(_) => "pictures",
        Pictures::Views(_) => "views",
        Pictures::Turntable { .. } => "frames",
    }
}
