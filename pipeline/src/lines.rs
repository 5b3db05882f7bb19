//! Lines over a picture, for technical documents: edges of the product or borders of its triangles, in one colour.
//!
//! Input: what a camera sees ([`packshot_renderer::layers::lines`]) and a [`LineRequest`]. Output: [`DrawnLines`],
//! which are drawn over the display image: neither exposure nor view transform changes their colour, and scene-linear
//! files do not contain them.

use packshot_renderer::backend::{CancelToken, LoadedShot};
use packshot_renderer::color::DisplayImage;
use packshot_renderer::layers::lines::{LineKind, LineStyle};
use packshot_renderer::layers::{LayerNames, LayerRequest, Quantity};

use crate::error::Error;

/// Lines to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct LineRequest {
    /// What they mark; all kinds are combined, each once.
    pub kinds: Vec<LineKind>,
    /// Their width, and the angle from which an edge is a crease.
    pub style: LineStyle,
    /// Their display colour: sRGB-encoded, 0 to 1.
    pub color_srgb: [f32; 3],
}

/// Lines of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnLines {
    /// The fraction of each pixel that they cover, row 0 on top.
    pub coverage: Vec<f32>,
    /// Display colour: sRGB-encoded, 0 to 1.
    pub color_srgb: [f32; 3],
}

impl DrawnLines {
    /// Draws lines of what the camera of a shot sees.
    ///
    /// # Errors
    /// `cancelled`.
    pub(crate) fn trace(
        shot: &dyn LoadedShot,
        names: &LayerNames,
        request: &LineRequest,
        cancel: &CancelToken,
    ) -> Result<Self, Error> {
        let quantities: Vec<Quantity> = request.kinds.iter().copied().map(Quantity::Lines).collect();
        let request_of_layers = LayerRequest { quantities: &quantities, names, n_samples: 1, lines: request.style };
        let mut layers = shot.layers(&request_of_layers, cancel)?.into_iter();
        let mut coverage = layers.next().unwrap_or_default();
        for layer in layers {
            // Lines of two kinds at the same place are one line.
            coverage.iter_mut().zip(layer).for_each(|(covered, other)| *covered = covered.max(other));
        }
        Ok(Self { coverage, color_srgb: request.color_srgb })
    }

    /// Draws the lines over a display image, in display values, as backgrounds are laid under it.
    pub(crate) fn lay_over(&self, shown: &mut DisplayImage) {
        for (pixel, &covered) in shown.rgba.iter_mut().zip(&self.coverage).filter(|(_, covered)| **covered > 0.0) {
            let [r, g, b, alpha] = *pixel;
            let kept = alpha * (1.0 - covered);
            let alpha = covered + kept;
            let mixed = |(under, over): (f32, f32)| ((over * covered + under * kept) / alpha).clamp(0.0, 1.0);
            let [line_r, line_g, line_b] = self.color_srgb;
            let [r, g, b] = [(r, line_r), (g, line_g), (b, line_b)].map(mixed);
            *pixel = [r, g, b, alpha.min(1.0)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lie_over_pictures_and_over_nothing() {
        let rgba =
            vec![[0.2, 0.4, 0.6, 1.0], [0.2, 0.4, 0.6, 1.0], [0.0; 4], [0.8, 0.8, 0.8, 0.5], [0.3, 0.3, 0.3, 0.3]];
        let mut shown = DisplayImage { width_px: 5, height_px: 1, rgba: rgba.clone() };
        DrawnLines { coverage: vec![0.5, 1.0, 0.25, 0.5, 0.0], color_srgb: [1.0, 0.0, 0.0] }.lay_over(&mut shown);
        // Over half a pixel at half coverage: alpha is 0.5 + 0.25, of which the picture contributes a third.
        let third = 0.8 / 3.0;
        let expected = [
            [0.6, 0.2, 0.3, 1.0],
            [1.0, 0.0, 0.0, 1.0],
            [1.0, 0.0, 0.0, 0.25],
            [2.0 / 3.0 + third, third, third, 0.75],
            rgba[4],
        ];
        for (found, expected) in shown.rgba.iter().flatten().zip(expected.as_flattened()) {
            assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
        }
    }
}
