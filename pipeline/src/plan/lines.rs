//! Lines over the picture.

use packshot_renderer::layers::Quantity;
use packshot_renderer::layers::lines::{LineKind, LineStyle};
use packshot_renderer::shot::Background;

use super::PicturePlan;
use super::fault::{OptionFault, say};
use super::files::{Output, PlannedFile};
use super::table::{OptionId as O, Options};
use crate::lines::LineRequest;
use crate::picture::{Aov, Format};
use crate::shot_file::ShotLines;

/// Lines are drawn over the display image, and each of their options requires some lines.
pub(super) fn check(options: &Options, files: &[PlannedFile], faults: &mut Vec<OptionFault>) {
    let asked = |flag: Option<bool>| flag == Some(true);
    let kinds = [(O::Edges, asked(options.edges)), (O::Wireframe, asked(options.wireframe))];
    let kind = kinds.into_iter().find_map(|(id, asked)| asked.then_some(id));
    let is_linear = |file: &PlannedFile| match file.output {
        Output::Picture(encoding) => matches!(encoding.format, Format::Exr(_) | Format::TiffLinear),
        Output::Movie(_) | Output::Archive(_) => false,
    };
    if let Some(id) = kind {
        if !files.is_empty() && files.iter().all(is_linear) {
            let message = say![id, " draws over the displayed picture, but the file holds scene-linear values"];
            let help = say![
                "write a format such as png, or an EXR with the lines as a layer: ",
                (O::Aovs, "edges"),
                " or wireframe"
            ];
            faults.push(OptionFault::conflict(id, message).help(help));
        } else if asked(options.lines_only) && files.iter().any(is_linear) {
            let message = say![O::LinesOnly, " makes a drawing, which has no scene-linear values to write"];
            let help = say!["leave EXR and 32-bit TIFF out of ", O::Formats];
            faults.push(OptionFault::conflict(O::LinesOnly, message).help(help));
        }
    }
    if asked(options.lines_only) && options.background == Some(Background::Environment) {
        let message = say![O::LinesOnly, " cannot show the environment"];
        faults.push(OptionFault::conflict(O::LinesOnly, message).help(say!["choose another ", O::Background]));
    }
    let aovs = options.aovs.as_deref().unwrap_or_default();
    let has_layer = aovs.iter().any(|aov| matches!(aov, Aov::Seen(Quantity::Lines(_))));
    let has_edges = asked(options.edges) || aovs.contains(&Aov::Seen(Quantity::Lines(LineKind::Edges)));
    for (id, is_asked, has_lines) in [
        (O::LinesOnly, asked(options.lines_only), kind.is_some()),
        (O::LineColor, options.line_color.is_some(), kind.is_some()),
        (O::LineWidthPx, options.line_width_px.is_some(), kind.is_some() || has_layer),
        (O::CreaseDeg, options.crease_deg.is_some(), has_edges),
    ] {
        if is_asked && !has_lines {
            let help = say!["add ", O::Edges, ", the lines of technical drawings, or ", O::Wireframe];
            faults.push(OptionFault::missing(id, say![id, " has no effect without lines"]).help(help));
        }
    }
}

impl PicturePlan {
    /// The line style for a picture of this size.
    pub fn line_style(&self, size_px: [u32; 2]) -> LineStyle {
        let default = LineStyle::of_size(size_px);
        LineStyle {
            width_px: self.options.line_width_px.map_or(default.width_px, |width| width as f32),
            crease_rad: self.options.crease_deg.map_or(default.crease_rad, |angle| angle.to_radians() as f32),
        }
    }

    /// The lines over a picture of this size, if any.
    pub fn lines(&self, size_px: [u32; 2]) -> Option<LineRequest> {
        let options = &self.options;
        let kinds = [(LineKind::Edges, options.edges), (LineKind::Wireframe, options.wireframe)];
        let kinds: Vec<LineKind> =
            kinds.into_iter().filter_map(|(kind, asked)| (asked == Some(true)).then_some(kind)).collect();
        let color_srgb = options.line_color.map_or([0.0; 3], |color| color.srgb);
        (!kinds.is_empty()).then(|| LineRequest { kinds, style: self.line_style(size_px), color_srgb })
    }

    /// The lines over pictures of any size, and the style of those in layers, for a shot file.
    pub fn shot_lines(&self) -> Option<ShotLines> {
        let options = &self.options;
        let (width_px, crease_rad) =
            (options.line_width_px.map(|width| width as f32), self.line_style([1; 2]).crease_rad);
        let (kinds, color_srgb) = match self.lines([1; 2]) {
            Some(LineRequest { kinds, color_srgb, .. }) => (kinds, color_srgb),
            None if options.line_width_px.is_some() || options.crease_deg.is_some() => (Vec::new(), [0.0; 3]),
            None => return None,
        };
        Some(ShotLines { kinds, width_px, crease_rad, color_srgb, is_drawing: self.is_drawing() })
    }

    /// Whether the picture consists of lines only.
    pub fn is_drawing(&self) -> bool {
        self.options.lines_only == Some(true)
    }
}
