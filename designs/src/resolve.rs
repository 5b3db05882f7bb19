//! Where a design lies on an area: a placement in millimetres, and a report of it.
//!
//! Input: a checked [`Design`], an [`Area`] and a [`Placement`]. Output: a [`Resolved`], from which the texture is
//! composed.

use glam::{DMat2, DVec2};
use packshot_renderer::scene::{DesignLay, WornDesign};
use packshot_words::words;
use serde::Serialize;

use crate::area::chart::{Chart, UPRIGHT};
use crate::area::coverage::Coverage;
use crate::area::{Area, MappingWord, OVERLAP_MAX, planar};
use crate::compose::Texture;
use crate::design::{Design, MM_PER_INCH};
use crate::error::{DesignCode as Code, DesignError};
use crate::placement::{DesignRequest, FitWord, Length, OrientationWord, Placement, Preset, UnitWord};

/// A design with fewer pixels per inch looks blurred in print.
const DPI_LOW: f64 = 150.0;
/// A stretch of lengths that nobody sees.
const DISTORTION_MAX: f64 = 1.1;
/// A cut that is only rounding, as a fraction of the design.
const CLIPPED_MIN: f64 = 2e-3;
/// Longer side of the picture that tells what lies outside the area.
const COVERAGE_PX: f64 = 2048.0;
/// Points along each side of a design that are looked at for it.
const CLIP_STEPS: usize = 256;

words! {
    /// Codes of what a person should know of a placement.
    pub enum WarningCode {
        /// Part of the design lies outside the area
        PlacementClipped = "placement_clipped",
        /// The design has too few pixels for its size
        LowResolution = "low_resolution",
        /// The surface stretches the design
        DesignDistorted = "design_distorted",
        /// Several places share texture coordinates
        UvOverlap = "uv_overlap",
        /// The fit has no use for the bleed
        BleedIgnored = "bleed_ignored",
        /// The texture has far fewer texels than the design has pixels
        TextureTooCoarse = "texture_too_coarse",
    }
}

/// What a person should know of a placement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlacementWarning {
    /// Its stable code.
    pub code: WarningCode,
    /// One sentence.
    pub detail: String,
}

/// What is known of a placement. Names are a contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlacementReport {
    /// The area.
    pub area: AreaReport,
    /// What is drawn.
    pub box_mm: BoxReport,
    /// The fraction of the design that lies outside the area.
    pub clipped_share: f64,
    /// Pixels of the design on an inch of the product; `None` for a drawing.
    pub effective_dpi: Option<f64>,
    /// Texels on a millimetre.
    pub texels_per_mm: f64,
    /// What a person should know.
    pub warnings: Vec<PlacementWarning>,
}

/// An area in a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AreaReport {
    /// Its name.
    pub name: String,
    /// How it is laid out.
    pub mapping: MappingWord,
    /// Width and height.
    pub size_mm: [f64; 2],
    /// Whether it closes around the product.
    pub wraps: bool,
    /// How much lengths are stretched or shrunk; 1 for none.
    pub distortion: f64,
}

/// What is drawn of a design, with its bleed: before the area's edge cuts it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BoxReport {
    /// Its middle, from the area's middle to the right.
    pub x: f64,
    /// Its middle, from the area's middle upwards.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Counter-clockwise.
    pub rotation_deg: f64,
}

/// A placement in millimetres of the texture.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The area, as it is seen from where the placement says.
    pub area: Area,
    /// What is known of it.
    pub report: PlacementReport,
    /// Texels of the texture.
    pub size_px: [u32; 2],
    /// The placement.
    pub placement: Placement,
    pub(crate) frame: Frame,
}

/// From the texture to the design.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// A step on the texture as a step to the right and upwards.
    upright_from_flat: DMat2,
    /// Middle of the box on the texture, millimetres.
    pub(crate) middle_mm: DVec2,
    /// From right and upwards to the design's own right and up.
    turned: DMat2,
    /// Size of one design.
    pub(crate) drawn_mm: DVec2,
    /// What of it, or of its repetitions, is shown.
    pub(crate) shown_mm: DVec2,
    pub(crate) is_tiled: bool,
}

impl Frame {
    /// A step from the middle on the texture, as a step to the design's right and up.
    pub(crate) fn in_box(&self, from_middle_mm: DVec2) -> DVec2 {
        self.turned * (self.upright_from_flat * from_middle_mm)
    }

    /// The reverse: a place in the box on the texture.
    fn on_texture(&self, in_box: DVec2) -> DVec2 {
        self.middle_mm + self.upright_from_flat.transpose() * (self.turned.transpose() * in_box)
    }
}

/// Finds where a design lies.
///
/// # Errors
/// `area_does_not_wrap`, `printable_area_not_mappable`, `placement_outside_area`; `placement_clipped` where the
/// placement is strict.
pub fn resolve(design: &Design, area: &Area, request: &DesignRequest) -> Result<Resolved, DesignError> {
    let placement = &request.placement;
    if request.preset.is_some_and(Preset::needs_wrap) && !area.wraps {
        let message = format!("`{}` does not close around the product", area.name);
        let help = "choose another preset, such as `full_area`";
        return Err(DesignError::new(Code::AreaDoesNotWrap, message, help).at("/preset"));
    }
    let (mut area, origin_mm) = area.seen_from(placement.at.as_ref())?;
    let (mut frame, unbled_mm) = frame(design, &area, origin_mm, placement);
    let from_middle = area.chart.upright_from_flat * (frame.middle_mm - 0.5 * area.chart.size_mm);
    if area.mapping == MappingWord::Planar {
        let (around, reach_mm) = (corners(&frame, frame.shown_mm), (0.5 * frame.shown_mm.min_element()).max(1.0));
        let seen = planar::first_seen(&area.chart, around, reach_mm);
        let begin_mm;
        (area.chart, begin_mm) = planar::window(seen, around);
        frame.middle_mm -= begin_mm;
    }
    let chart = &area.chart;
    let scale = f64::from(request.texture_px) / chart.size_mm.max_element();
    let size_px = (chart.size_mm * scale).to_array().map(|side| side.round().max(1.0) as u32);
    let clipped_share = clipped(chart, &frame, unbled_mm);
    if clipped_share > 1.0 - 1e-4 {
        let message = format!("all of the design lies outside `{}`", area.name);
        let [width, height] = area.size_mm;
        // Of a ring or a frame the middle is a hole.
        let way = match (area.mapping, &placement.at) {
            (MappingWord::Planar, None) => {
                "; where its middle is a hole, as in a ring, move a small design with `x` and `y`, or look at another \
                 side with `at`"
            }
            (_, None) => "; where its middle is a hole, say where the design goes with `x` and `y`, or with `at`",
            (_, Some(_)) => "; where it has a hole at that place, move the design with `x` and `y`",
        };
        let help = format!("the area is {width:.1} x {height:.1} mm; x and y count from its middle{way}");
        return Err(DesignError::new(Code::PlacementOutsideArea, message, help));
    }
    if placement.strict && clipped_share > CLIPPED_MIN {
        let message = format!("{:.1} % of the design lies outside `{}`", clipped_share * 100.0, area.name);
        return Err(DesignError::new(Code::PlacementClipped, message, "make the design smaller, or move it"));
    }
    let pixels_per_mm = (DVec2::new(design.width, design.height) / frame.drawn_mm).min_element();
    let effective_dpi = (!design.is_drawing()).then(|| (pixels_per_mm * MM_PER_INCH).round());
    let mut report = PlacementReport {
        area: AreaReport {
            name: area.name.clone(),
            mapping: area.mapping,
            size_mm: area.size_mm,
            wraps: area.wraps,
            distortion: area.distortion,
        },
        box_mm: BoxReport {
            x: from_middle.x,
            y: from_middle.y,
            width: frame.shown_mm.x,
            height: frame.shown_mm.y,
            rotation_deg: placement.rotation_deg,
        },
        clipped_share,
        effective_dpi,
        texels_per_mm: scale,
        warnings: Vec::new(),
    };
    report.warnings = warnings(&area, &frame, placement, &report, pixels_per_mm);
    Ok(Resolved { report, size_px, placement: placement.clone(), frame, area })
}

impl Resolved {
    /// What parts of the scene wear.
    pub fn worn(&self, texture: &Texture) -> WornDesign {
        WornDesign {
            texture: texture.image().into(),
            wraps: self.area.chart.wraps,
            surfaces: self.area.surfaces.clone(),
            lay: self.area.chart.lay,
            opacity: self.placement.opacity as f32,
            finish: self.placement.finish,
        }
    }
}

/// The frame of a design, and what of it is shown without bleed.
fn frame(design: &Design, area: &Area, origin_mm: DVec2, placement: &Placement) -> (Frame, DVec2) {
    let chart = &area.chart;
    let upright_from_flat = match placement.orientation {
        OrientationWord::Surface => chart.upright_from_flat,
        OrientationWord::Uv => UPRIGHT,
    };
    let units = Units { chart, upright_from_flat };
    let place_mm = units.place(placement.x, placement.y, origin_mm);
    let whole_mm = units.area_mm() - 2.0 * area.safe_mm;
    let physical_mm = DVec2::from(design.size_mm(placement.dpi));
    let proportion = design.height / design.width;
    let [width, height] = [(placement.width, DVec2::X), (placement.height, DVec2::Y)]
        .map(|(length, axis)| length.map(|length| units.size_mm(length, axis)));
    let box_mm = match (width, height) {
        (Some(width), Some(height)) => DVec2::new(width, height),
        (Some(width), None) => DVec2::new(width, width * proportion),
        (None, Some(height)) => DVec2::new(height / proportion, height),
        (None, None) if placement.fit == FitWord::None => physical_mm,
        (None, None) => whole_mm.max(DVec2::splat(1e-3)),
    };
    let bleeds = bleeds(placement.fit);
    let grown_mm = box_mm + if bleeds { 2.0 * placement.bleed_mm } else { 0.0 };
    let aspect = DVec2::new(1.0, proportion);
    let (drawn_mm, shown_mm, unbled_mm) = match placement.fit {
        FitWord::Contain => {
            let drawn = aspect * (box_mm / aspect).min_element();
            (drawn, drawn, drawn)
        }
        FitWord::Cover => (aspect * (grown_mm / aspect).max_element(), grown_mm, box_mm),
        FitWord::Stretch => (grown_mm, grown_mm, box_mm),
        FitWord::None => (physical_mm, physical_mm, physical_mm),
        FitWord::Tile => (physical_mm, grown_mm, box_mm),
    };
    let turn = DMat2::from_angle(placement.rotation_deg.to_radians());
    // From the anchor to the middle, turned about the anchor.
    let to_middle = turn * (-DVec2::from(placement.anchor.in_box()) * box_mm);
    let middle_mm = place_mm + upright_from_flat.transpose() * to_middle;
    let is_tiled = placement.fit == FitWord::Tile;
    (Frame { upright_from_flat, middle_mm, turned: turn.transpose(), drawn_mm, shown_mm, is_tiled }, unbled_mm)
}

fn bleeds(fit: FitWord) -> bool {
    matches!(fit, FitWord::Cover | FitWord::Stretch | FitWord::Tile)
}

/// What lengths of a placement are on an area.
struct Units<'a> {
    chart: &'a Chart,
    upright_from_flat: DMat2,
}

impl Units<'_> {
    /// Width and height of the area, millimetres.
    fn area_mm(&self) -> DVec2 {
        let DMat2 { x_axis, y_axis } = self.upright_from_flat;
        x_axis.abs() * self.chart.size_mm.x + y_axis.abs() * self.chart.size_mm.y
    }

    /// Factor and offset from texture coordinates of the file to fractions of the texture.
    fn fractions(&self) -> (DVec2, DVec2) {
        match self.chart.lay {
            DesignLay::Coordinates { rows: [u, v], .. } => (DVec2::new(u[0], v[1]), DVec2::new(u[2], v[2])),
            DesignLay::Planar { .. } | DesignLay::Cylindrical { .. } => (DVec2::ONE, DVec2::ZERO),
        }
    }

    /// A place on the texture, millimetres.
    fn place(&self, x: Length, y: Length, origin_mm: DVec2) -> DVec2 {
        if x.unit == UnitWord::Uv || y.unit == UnitWord::Uv {
            let (factor, offset) = self.fractions();
            return (DVec2::new(x.value, y.value) * factor + offset) * self.chart.size_mm;
        }
        let area_mm = self.area_mm();
        let mm = |length: Length, whole: f64| {
            if length.unit == UnitWord::Area { length.value * whole } else { length.value }
        };
        origin_mm + self.upright_from_flat.transpose() * DVec2::new(mm(x, area_mm.x), mm(y, area_mm.y))
    }

    /// A size along an axis of the upright area, millimetres.
    fn size_mm(&self, length: Length, axis: DVec2) -> f64 {
        match length.unit {
            UnitWord::Mm => length.value,
            UnitWord::Area => length.value * self.area_mm().dot(axis),
            UnitWord::Uv => {
                let (factor, _) = self.fractions();
                let uv_per_mm = self.upright_from_flat.transpose() * axis / (factor * self.chart.size_mm);
                length.value / uv_per_mm.length()
            }
        }
    }
}

/// The corners of what is shown, on the texture, in order around it.
fn corners(frame: &Frame, shown_mm: DVec2) -> [DVec2; 4] {
    [[-0.5, 0.5], [0.5, 0.5], [0.5, -0.5], [-0.5, -0.5]].map(|at| frame.on_texture(DVec2::from(at) * shown_mm))
}

/// The fraction of what is shown that lies outside the area.
fn clipped(chart: &Chart, frame: &Frame, shown_mm: DVec2) -> f64 {
    let scale = COVERAGE_PX / chart.size_mm.max_element();
    let size_px = (chart.size_mm * scale).to_array().map(|side| side.round().max(1.0) as u32);
    let coverage = Coverage::new(chart, size_px);
    let step = |i: usize| (i as f64 + 0.5) / CLIP_STEPS as f64 - 0.5;
    let places = (0..CLIP_STEPS * CLIP_STEPS).map(|n| DVec2::new(step(n % CLIP_STEPS), step(n / CLIP_STEPS)));
    let is_outside = |place: DVec2| {
        let flat = frame.on_texture(place * shown_mm);
        let from_middle = (flat - frame.middle_mm).abs();
        // Around the product nothing is drawn twice.
        let goes_around = |axis: usize| chart.wraps[axis] && from_middle[axis] > 0.5 * chart.size_mm[axis];
        goes_around(0) || goes_around(1) || !coverage.covers(flat, chart.wraps)
    };
    let outside = places.filter(|&place| is_outside(place)).count();
    outside as f64 / (CLIP_STEPS * CLIP_STEPS) as f64
}

fn warnings(
    area: &Area,
    frame: &Frame,
    placement: &Placement,
    report: &PlacementReport,
    pixels_per_mm: f64,
) -> Vec<PlacementWarning> {
    let around = corners(frame, frame.shown_mm);
    let (min, max) = around.iter().fold((around[0], around[0]), |(min, max), &at| (min.min(at), max.max(at)));
    let distortion = area.chart.distortion(|face| {
        let [a, b, c] = face.flat_mm;
        !(a.min(b).min(c).cmpgt(max).any() || a.max(b).max(c).cmplt(min).any())
    });
    let mut warnings = Vec::new();
    let mut warn = |applies: bool, code: WarningCode, detail: String| {
        if applies {
            warnings.push(PlacementWarning { code, detail });
        }
    };
    let clipped = report.clipped_share;
    let way = match (area.mapping, &placement.at) {
        (MappingWord::Planar, None) => ": make it smaller, move it with `x` and `y`, or choose the side with `at`",
        _ => ": make it smaller, or move it with `x` and `y`",
    };
    let detail = format!("{:.1} % of the design lies outside the area, and is not shown{way}", clipped * 100.0);
    warn(clipped > CLIPPED_MIN, WarningCode::PlacementClipped, detail);
    if let Some(dpi) = report.effective_dpi {
        let detail = format!("the design has {dpi:.0} pixels per inch in this size, and looks blurred below {DPI_LOW}");
        warn(dpi < DPI_LOW, WarningCode::LowResolution, detail);
        let detail = format!(
            "the texture has {:.1} texels per millimetre, the design {pixels_per_mm:.1} pixels: a larger texture (`texture_px`) \
             shows more of it",
            report.texels_per_mm
        );
        warn(report.texels_per_mm < 0.5 * pixels_per_mm, WarningCode::TextureTooCoarse, detail);
    }
    let detail = format!("the surface stretches or shrinks the design by up to {:.0} %", (distortion - 1.0) * 100.0);
    warn(distortion > DISTORTION_MAX, WarningCode::DesignDistorted, detail);
    let shared = area.overlap * 100.0;
    let detail = format!(
        "{shared:.0} % of the area shares its texture coordinates with another place, where the design is there too: \
         choose another `mapping`, or lay the coordinates out anew"
    );
    warn(area.overlap > OVERLAP_MAX, WarningCode::UvOverlap, detail);
    let detail = "the bleed has an effect only with the fits `cover`, `stretch` and `tile`".to_owned();
    warn(placement.bleed_mm > 0.0 && !bleeds(placement.fit), WarningCode::BleedIgnored, detail);
    warnings
}
