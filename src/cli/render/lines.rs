//! The options of lines for technical documents.

use clap::Args;
use packshot::lines::LineRequest;
use packshot::picture::{Aov, Format};
use packshot_renderer::layers::Quantity;
use packshot_renderer::layers::lines::{LineKind, LineStyle, WIDTHS_PX};
use packshot_renderer::shot::Background;
use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::options::number;

/// Lines over the picture, or in its place.
#[derive(Args, Clone, Debug, Serialize)]
#[command(next_help_heading = "Lines")]
pub(crate) struct LineArgs {
    /// Draw the product's edges: outlines, borders of parts and materials, creases
    #[arg(long)]
    pub(crate) edges: bool,
    /// Draw the borders of triangles
    #[arg(long)]
    pub(crate) wireframe: bool,
    /// Draw lines alone, over the background and no picture
    #[arg(long)]
    pub(crate) lines_only: bool,
    /// Width of lines in pixels [default: 1.5 where the picture's longer side has 1024 pixels, at least 1]
    #[arg(long, value_name = "PX", allow_negative_numbers = true, value_parser = number(f64::from(*WIDTHS_PX.start()), f64::from(*WIDTHS_PX.end())))]
    pub(crate) line_width_px: Option<f64>,
    /// Colour of lines, #RRGGBB [default: #000000]
    #[arg(long, value_name = "COLOR", value_parser = color)]
    pub(crate) line_color: Option<[f32; 3]>,
    /// Angle between two faces from which on they have an edge [default: 30]
    #[arg(long, value_name = "A", allow_negative_numbers = true, value_parser = number(1.0, 180.0))]
    pub(crate) crease_deg: Option<f64>,
}

/// An opaque colour by its digits.
fn color(text: &str) -> Result<[f32; 3], String> {
    match text.parse::<Background>() {
        Ok(Background::Color { srgb }) if text.starts_with('#') => Ok(srgb),
        _ => Err("expected a colour as #RRGGBB".to_owned()),
    }
}

impl LineArgs {
    /// What the types of the options cannot say. `format` is what pictures are written in, `aovs` are the layers in it.
    pub(crate) fn check(
        &self,
        format: Option<Format>,
        aovs: &[Aov],
        background: Option<Background>,
    ) -> Result<(), Failure> {
        let kind = [("--edges", self.edges), ("--wireframe", self.wireframe)].into_iter().find(|(_, asked)| *asked);
        if let Some((option, _)) = kind
            && matches!(format, Some(Format::Exr(_) | Format::TiffLinear))
        {
            let message = format!("`{option}` draws over what is shown, and the file holds radiance");
            let help =
                "write a PNG or another picture for eyes, or an EXR with the layer: `--aov edges` or `--aov wireframe`";
            return Err(Failure::usage("conflict", message, option, help));
        }
        if self.lines_only && matches!(background, Some(Background::Environment)) {
            let message = "`--lines-only` shows no environment";
            return Err(Failure::usage("conflict", message, "--lines-only", "choose another background"));
        }
        let has_layer = aovs.iter().any(|aov| matches!(aov, Aov::Seen(Quantity::Lines(_))));
        let of_style = [
            ("--lines-only", self.lines_only, kind.is_some()),
            ("--line-color", self.line_color.is_some(), kind.is_some()),
            ("--line-width-px", self.line_width_px.is_some(), kind.is_some() || has_layer),
            (
                "--crease-deg",
                self.crease_deg.is_some(),
                self.edges || aovs.contains(&Aov::Seen(Quantity::Lines(LineKind::Edges))),
            ),
        ];
        match of_style.into_iter().find(|(_, asked, has_lines)| *asked && !has_lines) {
            None => Ok(()),
            Some((option, ..)) => {
                let help = "add `--edges`, the lines of technical drawings, or `--wireframe`";
                Err(Failure::usage("missing", format!("`{option}` says nothing without lines"), option, help))
            }
        }
    }

    /// How lines of a picture of this size are drawn.
    pub(crate) fn style(&self, size_px: [u32; 2]) -> LineStyle {
        let default = LineStyle::of_size(size_px);
        LineStyle {
            width_px: self.line_width_px.map_or(default.width_px, |width| width as f32),
            crease_rad: self.crease_deg.map_or(default.crease_rad, |angle| angle.to_radians() as f32),
        }
    }

    /// The lines that are asked for, if any.
    pub(crate) fn request(&self, size_px: [u32; 2]) -> Option<LineRequest> {
        let kinds = [(LineKind::Edges, self.edges), (LineKind::Wireframe, self.wireframe)];
        let kinds: Vec<LineKind> = kinds.into_iter().filter_map(|(kind, asked)| asked.then_some(kind)).collect();
        let color_srgb = self.line_color.unwrap_or([0.0; 3]);
        (!kinds.is_empty()).then(|| LineRequest { kinds, style: self.style(size_px), color_srgb })
    }
}
