//! Pictures of a product from several directions.
//!
//! Input: a request for one picture, views by name, and the scene. Output: a [`Shot`] for each view, with findings.

use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::scene::Scene;
use packshot_renderer::shot::Shot;
use packshot_renderer::shot::request::{self, Framing, ShotRequest};
use packshot_renderer::shot::view::NamedView;
use packshot_words::words;

use crate::error::Error;

words! {
    /// How large several views show the product.
    #[derive(Default)]
    pub enum Scale {
        /// Each view as large as it fits
        #[default]
        PerView = "per_view",
        /// All at the scale of the view that needs the most room
        Shared = "shared",
    }
}

/// One view of a product.
#[derive(Clone, Debug)]
pub struct ViewShot {
    /// Its name and direction.
    pub view: NamedView,
    /// The picture to take.
    pub shot: Shot,
}

/// The shots of all views, in their order. `request` sets everything but the direction; a camera of the file has a
/// fixed direction.
///
/// # Errors
/// As [`build`](request::build).
pub fn shots(
    request: &ShotRequest,
    views: &[NamedView],
    scale: Scale,
    scene: &Scene,
) -> Result<(Vec<ViewShot>, Vec<Diagnostic>), Error> {
    let directions = match scale {
        Scale::PerView => Vec::new(),
        Scale::Shared => views.iter().map(|view| view.direction).collect(),
    };
    let (mut shots, mut diagnostics) = (Vec::with_capacity(views.len()), Vec::new());
    for (i, view) in views.iter().enumerate() {
        let mut request = request.clone();
        if let Framing::Auto { direction, share_scale_with, .. } = &mut request.framing {
            *direction = view.direction;
            share_scale_with.clone_from(&directions);
        }
        let (shot, found) = request::build(&request, scene)?;
        // Findings about the light are the same for every view; those about the camera may differ.
        let is_of_camera = |finding: &Diagnostic| {
            ["shot.below_ground", "shot.sweep_ends", "shot.camera_inside"].contains(&finding.code)
        };
        let is_new = |finding: &Diagnostic| i == 0 || is_of_camera(finding);
        let of_view = |finding: Diagnostic| match finding.code {
            "shot.camera_inside" => Diagnostic { message: format!("{}: {}", view.name, finding.message), ..finding },
            _ if is_of_camera(&finding) => Diagnostic { at: view.name.to_owned(), ..finding },
            _ => finding,
        };
        diagnostics.extend(found.into_iter().filter(is_new).map(of_view));
        shots.push(ViewShot { view: *view, shot });
    }
    Ok((shots, diagnostics))
}
