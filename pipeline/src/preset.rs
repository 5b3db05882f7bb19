//! Requirements of marketplaces and catalogues on product pictures: settings that meet their rules, and the rules
//! themselves.
//!
//! Output: a [`Preset`] by name. Its settings are the starting point of a request; [`verify`](crate::verify) checks
//! rendered pictures against its rules.

use packshot_renderer::shot::Background;
use packshot_renderer::shot::framing::Fit;
use packshot_renderer::shot::turntable::TurnDirection;
use packshot_renderer::shot::view::ViewDirection;

/// Settings and rules for pictures of one purpose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// The name that options use.
    pub name: &'static str,
    /// One line for a person.
    pub summary: &'static str,
    /// Width and height in pixels; if the fit trims, the largest size of the picture.
    pub size_px: [u32; 2],
    /// How much of the picture the product takes.
    pub fit: Fit,
    /// The direction, if it is prescribed.
    pub direction: Option<ViewDirection>,
    /// Extensions of the accepted formats; the first is the default.
    pub extensions: &'static [&'static str],
    /// The rules for every picture.
    pub rules: &'static [Rule],
    /// Resolution in files in pixels per inch, if it is prescribed.
    pub dpi: Option<u32>,
    /// Turntables, if they are accepted.
    pub spin: Option<Spin>,
}

/// A preset's turntables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spin {
    /// Accepted numbers of frames; the first is the default.
    pub frames: &'static [u32],
    /// The direction of rotation, if it is prescribed.
    pub direction: Option<TurnDirection>,
    /// How much of the picture the product takes over all angles together.
    pub fit: Fit,
    /// The rules for every frame, instead of those for single pictures.
    pub rules: &'static [Rule],
    /// The fraction of the picture that the product must take in at least one frame.
    pub fill_min_in_one_frame: Option<f64>,
    /// Accepted range of the camera's elevation in degrees, if it is prescribed.
    pub elevation_deg: Option<[f64; 2]>,
}

/// A measurable property of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Length of the longer side in pixels.
    LongerSidePx {
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
    /// Each side has at least this many pixels.
    ShorterSideMinPx(u32),
    /// At most this many pixels.
    PixelsMax(u64),
    /// Width and height are equal.
    Square,
    /// The fraction of the picture's width or height that the product takes, whichever is larger.
    Fill {
        /// At least.
        min: f64,
        /// At most.
        max: f64,
    },
    /// The smallest margin of white pixels between the product and an edge of the picture.
    LeastMarginPx {
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
    /// The same for each of the four edges.
    EachMarginPx {
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
    /// The four corner pixels are 255, 255, 255.
    WhiteCorners,
    /// Everything away from the product is 255, 255, 255: no shadow, no off-white background. The product's own
    /// antialiased edge does not count.
    NoResidue,
    /// The file has at most this many bytes.
    FileBytesMax(u64),
    /// The file states this many pixels per inch.
    Dpi(u32),
    /// A TIFF is uncompressed or uses LZW, which every reader supports.
    PlainTiff,
}

/// White by the definition of marketplaces.
pub const WHITE: Background = Background::Color { srgb: [1.0; 3] };

const fn from(azimuth_deg: f64, elevation_deg: f64) -> ViewDirection {
    ViewDirection { azimuth_deg, elevation_deg }
}

/// All presets. All pictures are on white.
pub const PRESETS: [Preset; 4] = [
    // Amazon's seller page on main images (read first-hand): pure white (255, 255, 255), the product takes 85 % of the
    // frame, at least 1000 px on the longest side for zoom and at most 10,000, JPEG, PNG or TIFF. That shadows are
    // refused is reported by sellers.
    Preset {
        name: "amazon_main",
        summary: "Amazon, main picture: pure white, at least 85 % of the frame, 1000 px or more for zoom",
        size_px: [2000, 2000],
        fit: Fit::Fill(0.9),
        direction: None,
        extensions: &["png", "jpg", "jpeg", "tif", "tiff"],
        rules: &[
            Rule::LongerSidePx { min: 1000, max: 10_000 },
            Rule::Fill { min: 0.85, max: 1.0 },
            Rule::WhiteCorners,
            Rule::NoResidue,
        ],
        dpi: None,
        spin: None,
    },
    // Amazon's forum on 360° views (24, 48 or 72 frames, the first from the front, counter-clockwise, the camera 10° to
    // 30° above, the axis in the middle of the picture) and a photographers' copy of the specification for the sizes:
    // square PNG of 1500 to 2500 px, 85 % in one frame.
    Preset {
        name: "amazon_360",
        summary: "Amazon, 360° view: square on pure white, from 20° above, 72 frames counter-clockwise",
        size_px: [2000, 2000],
        fit: Fit::Fill(0.9),
        direction: Some(from(0.0, 20.0)),
        extensions: &["png"],
        rules: &[Rule::Square, Rule::LongerSidePx { min: 1500, max: 2500 }, Rule::WhiteCorners, Rule::NoResidue],
        dpi: None,
        spin: Some(Spin {
            frames: &[72, 48, 24],
            direction: Some(TurnDirection::Ccw),
            fit: Fit::Fill(0.9),
            rules: &[Rule::Square, Rule::LongerSidePx { min: 1500, max: 2500 }, Rule::WhiteCorners, Rule::NoResidue],
            fill_min_in_one_frame: Some(0.85),
            elevation_deg: Some([10.0, 30.0]),
        }),
    },
    // Google Merchant Center on image_link (support.google.com/merchants/answer/6324350): at least 500 x 500 px from
    // 2027-01-31, 1500 x 1500 advised, at most 64 megapixels and 16 MB; that the product should take 75 % to 90 % is
    // its advice as quoted by others.
    Preset {
        name: "google",
        summary: "Google Merchant Center: white, 75 to 90 % of the frame, 1500 px",
        size_px: [1500, 1500],
        fit: Fit::Fill(0.85),
        direction: None,
        extensions: &["png", "jpg", "jpeg", "webp", "tif", "tiff"],
        rules: &[
            Rule::ShorterSideMinPx(500),
            Rule::PixelsMax(64_000_000),
            Rule::Fill { min: 0.75, max: 0.9 },
            Rule::WhiteCorners,
            Rule::FileBytesMax(16_000_000),
        ],
        dpi: None,
        spin: None,
    },
    // Auto Care Association, digital assets, revision 4 (digital.autocare.org, pages 11 and 36 to 39): TIFF
    // (uncompressed or LZW) or JPEG of 300 DPI, 2500 px (at least 1500), 5 to 15 px of white (#FFFFFF) around the
    // product, shadows removed; 360° views of at least 24 frames (36, 72, 144) with a margin of 20 px.
    Preset {
        name: "autocare",
        summary: "Auto Care Association: trimmed to 10 px of white around the product, 2500 px",
        size_px: [2500, 2500],
        fit: Fit::TrimmedToPx(10),
        direction: None,
        extensions: &["jpg", "jpeg", "tif", "tiff"],
        rules: &[
            Rule::LongerSidePx { min: 1500, max: 2500 },
            Rule::EachMarginPx { min: 5, max: 15 },
            Rule::WhiteCorners,
            Rule::NoResidue,
            Rule::Dpi(300),
            Rule::PlainTiff,
        ],
        dpi: Some(300),
        spin: Some(Spin {
            frames: &[72, 24, 36, 144],
            direction: None,
            fit: Fit::MarginPx(22),
            rules: &[
                Rule::LongerSidePx { min: 1500, max: 2500 },
                Rule::LeastMarginPx { min: 20, max: u32::MAX },
                Rule::WhiteCorners,
                Rule::NoResidue,
                Rule::Dpi(300),
                Rule::PlainTiff,
            ],
            fill_min_in_one_frame: None,
            elevation_deg: None,
        }),
    },
];

impl Preset {
    /// The preset with this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_keep_their_own_rules() {
        for preset in &PRESETS {
            assert_eq!(Preset::by_name(preset.name), Some(preset));
            let rules = preset.rules.iter().chain(preset.spin.iter().flat_map(|spin| spin.rules));
            for rule in rules {
                let [width_px, height_px] = preset.size_px;
                let is_kept = match *rule {
                    Rule::LongerSidePx { min, max } => (min..=max).contains(&width_px.max(height_px)),
                    Rule::ShorterSideMinPx(min) => width_px.min(height_px) >= min,
                    Rule::PixelsMax(max) => u64::from(width_px) * u64::from(height_px) <= max,
                    Rule::Square => width_px == height_px,
                    Rule::Fill { min, max } => matches!(preset.fit, Fit::Fill(fill) if (min..=max).contains(&fill)),
                    Rule::EachMarginPx { min, max } => {
                        matches!(preset.fit, Fit::TrimmedToPx(px) if (min..=max).contains(&px))
                    }
                    Rule::LeastMarginPx { min, max } => {
                        matches!(preset.spin, Some(Spin { fit: Fit::MarginPx(px), .. }) if (min..=max).contains(&px))
                    }
                    Rule::Dpi(dpi) => preset.dpi == Some(dpi),
                    Rule::WhiteCorners | Rule::NoResidue | Rule::FileBytesMax(_) | Rule::PlainTiff => true,
                };
                assert!(is_kept, "{}: {rule:?}", preset.name);
            }
        }
        assert_eq!(Preset::by_name("ebay"), None);
    }
}
