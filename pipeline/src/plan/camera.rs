//! The camera of a picture: its position, framing and focus.

use packshot_renderer::shot::framing::{Fit, Lens};
use packshot_renderer::shot::request::{DepthOfField, Focus, Framing};
use packshot_renderer::shot::view::{THREE_QUARTER, ViewDirection};
use packshot_words::Word;

use super::PicturePlan;
use super::fault::{OptionFault, say};
use super::option::Kind;
use super::table::{OptionId as O, Options};
use super::words::ViewChoice;
use crate::views::Scale;

/// Resolves options that replace each other, and fills in the rest.
pub(super) fn complete(kind: Kind, given: &Options, options: &mut Options, faults: &mut Vec<OptionFault>) {
    if options.camera.is_some() {
        // The camera determines all of these.
        for id in
            [O::View, O::AzimuthDeg, O::ElevationDeg, O::Fill, O::MarginPx, O::Trim, O::CropTo, O::LensMm, O::Ortho]
        {
            options.clear(id);
        }
    } else {
        direct(kind, options);
        if options.margin_px.is_none() {
            options.fill.get_or_insert(0.85);
        }
        let is_trimmed = *options.trim.get_or_insert(false);
        if is_trimmed && options.margin_px.is_none() {
            let message = say![O::Trim, " needs a margin to leave around the product"];
            faults.push(OptionFault::missing(O::Trim, message).help(say!["add ", (O::MarginPx, "10")]));
        }
        if is_trimmed && kind == Kind::Views && options.scale == Some(Scale::Shared) {
            let message = say!["pictures that are trimmed to the product (", O::Trim, ") cannot share one scale"];
            let help = say!["leave out one of them: ", (O::Scale, "per_view"), " shows each view in its own size"];
            faults.push(OptionFault::conflict(O::Scale, message).help(help));
        }
        if !*options.ortho.get_or_insert(false) {
            options.lens_mm.get_or_insert(85.0);
        }
    }
    focus(given, options, faults);
}

/// The direction: a named view, or two angles.
fn direct(kind: Kind, options: &mut Options) {
    if kind == Kind::Views {
        return;
    }
    if options.azimuth_deg.is_some() || options.elevation_deg.is_some() {
        // An angle that is not given is that of the front view.
        options.azimuth_deg.get_or_insert(0.0);
        options.elevation_deg.get_or_insert(0.0);
    } else {
        options.view.get_or_insert(ViewChoice::ThreeQuarter);
    }
}

fn focus(given: &Options, options: &mut Options, faults: &mut Vec<OptionFault>) {
    if options.ortho == Some(true) {
        if given.dof.is_some() {
            let message = say!["parallel rays (", O::Ortho, ") have no depth of field: everything is sharp"];
            faults.push(OptionFault::conflict(O::Dof, message).help(say!["leave out one of them"]));
        }
        // It belongs to the template's own lens.
        options.dof = None;
        if given.dof.is_none() && given.focus.is_none() {
            options.focus = None;
        }
    }
    if options.focus.is_some() && options.dof.is_none() && given.dof.is_none() {
        let message = say![O::Focus, " needs depth of field"];
        faults.push(OptionFault::missing(O::Focus, message).help(say![
            "add ",
            (O::Dof, "2.8"),
            ", the f-number of the lens"
        ]));
    }
}

impl PicturePlan {
    /// The framing of the picture or of the first frame; for several views, what all of them share.
    pub(super) fn framing(&self) -> Framing {
        let options = &self.options;
        if let Some(name) = &options.camera {
            return Framing::SceneCamera { name: name.clone() };
        }
        let lens = match options.lens_mm {
            Some(focal_mm) if options.ortho != Some(true) => Lens::Perspective { focal_mm },
            _ => Lens::Orthographic,
        };
        let crop_to = options.crop_to.clone().unwrap_or_default();
        let direction = self.direction().unwrap_or(THREE_QUARTER.direction);
        Framing::Auto { direction, lens, fit: self.fit(), crop_to, share_scale_with: Vec::new() }
    }

    /// The direction; `None` for a camera of the file and for several views.
    pub fn direction(&self) -> Option<ViewDirection> {
        let options = &self.options;
        match (options.view, options.azimuth_deg, options.elevation_deg) {
            _ if self.kind == Kind::Views || options.camera.is_some() => None,
            (Some(view), ..) => ViewDirection::by_name(view.word()),
            (None, azimuth_deg, elevation_deg) => Some(ViewDirection {
                azimuth_deg: azimuth_deg.unwrap_or(0.0),
                elevation_deg: elevation_deg.unwrap_or(0.0),
            }),
        }
    }

    pub(super) fn fit(&self) -> Fit {
        match self.options.margin_px {
            Some(px) if self.is_trimmed() => Fit::TrimmedToPx(px),
            Some(px) => Fit::MarginPx(px),
            None => Fit::Fill(self.options.fill.unwrap_or(0.85)),
        }
    }

    /// Whether the picture's size depends on the product.
    pub(super) fn is_trimmed(&self) -> bool {
        self.options.trim == Some(true)
    }

    pub(super) fn depth_of_field(&self) -> Option<DepthOfField> {
        let f_number = self.options.dof?;
        let focus = self.options.focus.clone().map_or(Focus::Center, |name| Focus::Part { name });
        Some(DepthOfField { f_number, focus })
    }
}
