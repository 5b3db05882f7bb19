//! The members about what surrounds a product and what is drawn of it: depth of field, ground, lines, layers.

use packshot_pipeline::lines::LineRequest;
use packshot_pipeline::picture;
use packshot_renderer::color::srgb;
use packshot_renderer::layers::Quantity;
use packshot_renderer::layers::lines::{LineKind, LineStyle, WIDTHS_PX};
use packshot_renderer::shot::Background;
use packshot_renderer::shot::ground::{Ground, GroundKind};

use super::{Aov, Format, GroundWord, Kind, NAME_BYTES_MAX, Output, RenderRequest};
use crate::Word;
use crate::members::{Members, checked_word};
use crate::problem::Finding;

/// Largest f-number.
const F_NUMBER_MAX: f64 = 1e6;

impl RenderRequest {
    /// What the product stands on.
    pub fn ground_choice(&self) -> Option<Ground> {
        let word = if self.shadow_catcher { GroundWord::Shadow } else { self.ground? };
        let (kind, roughness) = match word {
            GroundWord::None => return None,
            GroundWord::Shadow => (GroundKind::Catcher, None),
            GroundWord::Reflection => (GroundKind::Catcher, Some(Ground::POLISHED)),
            GroundWord::Floor => (GroundKind::Floor, None),
            GroundWord::Sweep => (GroundKind::Sweep, None),
        };
        let albedo = self.ground_color.as_deref().and_then(color).map(|srgb| srgb.map(srgb::decode));
        Some(Ground {
            kind,
            albedo: albedo.unwrap_or(Ground::PAPER),
            roughness: self.ground_roughness.map(|roughness| roughness as f32).or(roughness),
        })
    }

    /// The layers beside radiance.
    pub fn layers(&self) -> Vec<picture::Aov> {
        let of = |aov: &Aov| picture::Aov::NAMES.iter().find(|(name, _)| *name == aov.word()).map(|(_, layer)| *layer);
        self.aovs.iter().filter_map(of).collect()
    }

    /// How lines of a picture of this size are drawn.
    pub fn line_style(&self, size_px: [u32; 2]) -> LineStyle {
        let default = LineStyle::of_size(size_px);
        LineStyle {
            width_px: self.line_width_px.map_or(default.width_px, |width| width as f32),
            crease_rad: self.crease_deg.map_or(default.crease_rad, |angle| angle.to_radians() as f32),
        }
    }

    /// The lines over a picture of this size, if any are asked for.
    pub fn lines(&self, size_px: [u32; 2]) -> Option<LineRequest> {
        let kinds = [(LineKind::Edges, self.edges), (LineKind::Wireframe, self.wireframe)];
        let kinds: Vec<LineKind> = kinds.into_iter().filter_map(|(kind, asked)| asked.then_some(kind)).collect();
        let color_srgb = self.line_color.as_deref().and_then(color).unwrap_or([0.0; 3]);
        (!kinds.is_empty()).then(|| LineRequest { kinds, style: self.line_style(size_px), color_srgb })
    }
}

/// A colour by its digits, or white.
fn color(text: &str) -> Option<[f32; 3]> {
    match text.parse() {
        Ok(Background::Color { srgb }) => Some(srgb),
        _ => None,
    }
}

/// Reads depth of field. The lens is known.
pub(super) fn depth_of_field(m: &mut Members<'_>, r: &mut RenderRequest) {
    let (dof, focus) =
        (m.nullable_number("dof", f64::MIN_POSITIVE..=F_NUMBER_MAX), m.nullable_text("focus", NAME_BYTES_MAX));
    if dof.is_some() && r.ortho {
        m.report("dof", "conflicting_members", "parallel rays (`ortho`) have no depth of field");
    }
    if r.ortho {
        // What a template says of its own lens.
        (r.dof, r.focus) = (None, None);
    }
    r.dof = dof.or(r.dof);
    r.focus = focus.map(str::to_owned).or(r.focus.take());
    if r.focus.is_some() && r.dof.is_none() {
        m.report("focus", "missing", "it needs depth of field: add `dof`, the f-number of the lens");
    }
}

/// Reads the ground.
pub(super) fn ground(m: &mut Members<'_>, r: &mut RenderRequest) {
    let word: Option<GroundWord> = m.nullable_word("ground");
    r.shadow_catcher = m.flag("shadow_catcher").unwrap_or(false);
    if r.shadow_catcher && word.is_some_and(|word| word != GroundWord::Shadow) {
        m.report("shadow_catcher", "conflicting_members", "it is the ground `shadow`, and `ground` says another");
    }
    let word = if r.shadow_catcher { Some(GroundWord::Shadow) } else { word };
    if let Some(word) = word {
        (r.ground, r.ground_roughness) = (Some(word), None);
    }
    if let Some(text) = m.nullable_text("ground_color", NAME_BYTES_MAX) {
        if color(text).is_none() {
            m.report("ground_color", "unknown_value", "expected white, or a colour such as #F0F0F0");
        }
        r.ground_color = Some(text.to_owned());
    }
    r.ground_roughness = m.nullable_number("ground_roughness", 0.0..=1.0).or(r.ground_roughness);
    match r.ground.unwrap_or(GroundWord::None) {
        GroundWord::None => {
            for name in ["ground_color", "ground_roughness"] {
                if m.has(name) {
                    m.report(name, "missing", "it is about a ground, and there is none: add `ground`");
                }
            }
            (r.ground_color, r.ground_roughness) = (None, None);
        }
        GroundWord::Shadow if r.ground_roughness.is_some() => {
            let detail = "a matte ground that catches shadows alone has no gloss: use the ground `reflection`";
            m.report("ground_roughness", "conflicting_members", detail);
        }
        GroundWord::Sweep if r.kind == Kind::Turntable => {
            let detail =
                "a sweep stands behind the product as one camera sees it, and cannot turn with it: use `floor`";
            m.report("ground", "conflicting_members", detail);
        }
        GroundWord::Shadow | GroundWord::Reflection | GroundWord::Floor | GroundWord::Sweep => {}
    }
}

/// Reads layers and lines. The formats are known.
pub(super) fn layers_and_lines(m: &mut Members<'_>, r: &mut RenderRequest) {
    if let Some(aovs) = aovs(m) {
        r.aovs = aovs;
    }
    if !r.aovs.is_empty() && !r.formats.contains(&Format::Exr) {
        m.report("aovs", "conflicting_members", "layers are written to EXR alone: add `exr` to `formats`");
    }
    for (name, to) in [("edges", &mut r.edges), ("wireframe", &mut r.wireframe), ("lines_only", &mut r.lines_only)] {
        *to = m.flag(name).unwrap_or(*to);
    }
    let [narrowest, widest] = [*WIDTHS_PX.start(), *WIDTHS_PX.end()].map(f64::from);
    r.line_width_px = m.nullable_number("line_width_px", narrowest..=widest);
    r.crease_deg = m.nullable_number("crease_deg", 1.0..=180.0);
    if let Some(text) = m.nullable_text("line_color", NAME_BYTES_MAX) {
        if !text.starts_with('#') || color(text).is_none() {
            m.report("line_color", "unknown_value", "expected a colour as #RRGGBB");
        }
        r.line_color = Some(text.to_owned());
    }
    check_lines(m, r);
}

fn aovs(m: &mut Members<'_>) -> Option<Vec<Aov>> {
    let values = m.list("aovs", 0..=Aov::WORDS.len())?;
    let mut aovs = Vec::with_capacity(values.len());
    for (i, value) in values.iter().enumerate() {
        let pointer = format!("{}/{i}", m.pointer("aovs"));
        match checked_word::<Aov>(value, &pointer) {
            Ok(aov) if aovs.contains(&aov) => {
                m.extend([Finding::new(pointer, "duplicate", "the layer is there already")])
            }
            Ok(aov) => aovs.push(aov),
            Err(finding) => m.extend([finding]),
        }
    }
    Some(aovs)
}

/// Lines are drawn over what is shown, and each of their options needs some.
fn check_lines(m: &mut Members<'_>, r: &RenderRequest) {
    let kind = [("edges", r.edges), ("wireframe", r.wireframe)].into_iter().find(|(_, asked)| *asked);
    let is_linear = |format: &Format| match r.output(*format) {
        Output::Picture(encoding) => {
            matches!(encoding.format, picture::Format::Exr(_) | picture::Format::TiffLinear)
        }
        Output::Film(_) | Output::Archive(_) => false,
    };
    if let Some((name, _)) = kind {
        if r.formats.iter().all(is_linear) {
            let detail = "it draws over what is shown, and these `formats` hold radiance: add one for eyes, or a layer in `aovs`";
            m.report(name, "conflicting_members", detail);
        } else if r.lines_only && r.formats.iter().any(is_linear) {
            m.report(
                "lines_only",
                "conflicting_members",
                "a drawing has no radiance, which one of the `formats` holds",
            );
        }
    }
    if r.lines_only && r.background == "environment" {
        m.report("lines_only", "conflicting_members", "it shows no environment: choose another `background`");
    }
    let layers = r.layers();
    let has_layer = layers.iter().any(|layer| matches!(layer, picture::Aov::Seen(Quantity::Lines(_))));
    let has_edges = r.edges || layers.contains(&picture::Aov::Seen(Quantity::Lines(LineKind::Edges)));
    for (name, is_asked, has_lines) in [
        ("lines_only", r.lines_only, kind.is_some()),
        ("line_color", r.line_color.is_some(), kind.is_some()),
        ("line_width_px", r.line_width_px.is_some(), kind.is_some() || has_layer),
        ("crease_deg", r.crease_deg.is_some(), has_edges),
    ] {
        if is_asked && !has_lines {
            m.report(name, "missing", "it says nothing without lines: add `edges` or `wireframe`");
        }
    }
}
