//! From the text of a template to its values.

use packshot_materials::finding::Finding;
use packshot_materials::reader::{Codes, Reader, Table, Value, read_file};
use packshot_oidn::Quality;
use packshot_renderer::part_pattern::PartPattern;
use packshot_renderer::shot::framing::{Fit, Lens};
use packshot_renderer::shot::request::{DepthOfField, Focus};
use packshot_renderer::shot::view::{SIX_VIEW, THREE_QUARTER, ViewDirection};
use packshot_renderer::shot::{
    MAX_BOUNCES, MAX_PIXELS, MAX_SAMPLES, MAX_SEED, MAX_SIDE_PX, PixelFilter, ViewTransform,
};
use packshot_words::Word;

use super::backdrop;
use super::light::read_light;
use super::output::read_output;
use super::{
    CameraTemplate, FILE_BYTES_MAX, FilmTemplate, MaterialOverride, OUTPUTS_MAX, OVERRIDES_MAX, SCHEMA, Template,
};
use crate::denoise::{Denoise, DenoiseWith};
use crate::plan::words::Lay;

/// The codes of faults in templates.
pub(super) const CODES: Codes = Codes {
    limit: "template.limit",
    syntax: "template.syntax",
    wrong_type: "template.type",
    range: "template.range",
    missing: "template.missing",
    unknown_field: "template.unknown_field",
};
/// Keys that contradict each other.
pub(super) const CONFLICT: &str = "template.conflict";

/// Most bytes of a name or a glob.
const TEXT_BYTES_MAX: usize = 1024;

pub(super) fn read(file: &str, bytes: &[u8]) -> (Option<Template>, Vec<Finding>) {
    read_file(file, bytes, FILE_BYTES_MAX, &CODES, read_root)
}

fn read_root(mut root: Table<'_, '_>, reader: &mut Reader<'_>) -> Template {
    if let Some(value) = root.require("schema", reader)
        && reader.text("schema", value).is_some_and(|schema| schema != SCHEMA)
    {
        let message = format!("`schema` must be \"{SCHEMA}\"");
        reader.error("template.schema", &value.span(), message);
    }
    let mut template = Template::default();
    if let Some(table) = root.require("template", reader).and_then(|value| reader.table("template", value)) {
        read_header(table, reader, &mut template);
    }
    if let Some(mut table) = root.take("product").and_then(|value| reader.table("product", value)) {
        template.lay = table.take("lay").and_then(|value| reader.choice("lay", value, &Lay::pairs()));
        table.finish(reader);
    }
    if let Some(table) = root.take("camera").and_then(|value| reader.table("camera", value)) {
        template.camera = read_camera(table, reader);
    }
    if let Some(table) = root.take("light").and_then(|value| reader.table("light", value)) {
        template.light = read_light(table, reader);
    }
    if let Some(mut table) = root.take("backdrop").and_then(|value| reader.table("backdrop", value)) {
        template.background = backdrop::read_background(&mut table, reader);
        template.ground = backdrop::read_ground(&mut table, reader);
        table.finish(reader);
    }
    if let Some(table) = root.take("film").and_then(|value| reader.table("film", value)) {
        template.film = read_film(table, reader);
    }
    if let Some(mut table) = root.take("view").and_then(|value| reader.table("view", value)) {
        let transform = table.take("transform");
        template.transform = transform.and_then(|value| reader.choice("transform", value, &ViewTransform::pairs()));
        template.exposure_ev =
            table.take("exposure_ev").and_then(|value| real(reader, "exposure_ev", value, [-32.0, 32.0]));
        table.finish(reader);
    }
    template.overrides = entries("override", OVERRIDES_MAX, &mut root, reader, read_override);
    template.outputs = entries("output", OUTPUTS_MAX, &mut root, reader, |table, reader| {
        let span = table.span().clone();
        read_output(table, reader).map(|output| (span, output))
    })
    .into_iter()
    .fold(Vec::new(), |mut outputs: Vec<super::OutputTemplate>, (span, output)| {
        if outputs.iter().any(|other| (&other.extension, &other.suffix) == (&output.extension, &output.suffix)) {
            let message = format!("two outputs would be the same file: {}.{}", output.suffix, output.extension);
            reader.error_help(CONFLICT, &span, message, "give one of them another `suffix`");
        }
        outputs.push(output);
        outputs
    });
    root.finish(reader);
    template
}

/// The entries of an array of tables.
fn entries<T>(
    key: &'static str,
    count_max: usize,
    root: &mut Table<'_, '_>,
    reader: &mut Reader<'_>,
    read: impl Fn(Table<'_, '_>, &mut Reader<'_>) -> Option<T>,
) -> Vec<T> {
    let Some(value) = root.take(key) else { return Vec::new() };
    let tables = reader.tables(key, value);
    if tables.len() > count_max {
        let message = format!("there are {} entries of `{key}`; at most {count_max} are allowed", tables.len());
        reader.error(CODES.limit, &value.span(), message);
        return Vec::new();
    }
    tables.into_iter().filter_map(|table| read(table, reader)).collect()
}

/// A number between `range[0]` and `range[1]`.
pub(super) fn real(reader: &mut Reader<'_>, key: &str, value: &Value<'_>, [min, max]: [f64; 2]) -> Option<f64> {
    reader.real(key, value, min, max)
}

/// A whole number in a range.
pub(super) fn whole(reader: &mut Reader<'_>, key: &str, value: &Value<'_>, min: u32, max: u32) -> Option<u32> {
    let number = reader.integer(key, value)?;
    let in_range = u32::try_from(number).ok().filter(|number| (min..=max).contains(number));
    if in_range.is_none() {
        let message = format!("`{key}` is {number}; it must be from {min} to {max}");
        reader.error(CODES.range, &value.span(), message);
    }
    in_range
}

/// A text that is neither empty nor too long.
fn short_text(reader: &mut Reader<'_>, key: &str, value: &Value<'_>) -> Option<String> {
    let text = reader.text(key, value)?;
    if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX || text.contains(char::is_control) {
        let message = format!("`{key}` must be one line of 1 to {TEXT_BYTES_MAX} bytes");
        reader.error(CODES.range, &value.span(), message);
        return None;
    }
    Some(text)
}

fn read_header(mut table: Table<'_, '_>, reader: &mut Reader<'_>, template: &mut Template) {
    if let Some(value) = table.require("id", reader)
        && let Some(id) = short_text(reader, "id", value)
    {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if !id.bytes().all(is_plain) {
            let help = "use lower-case letters, digits and `_`";
            reader.error_help(CODES.range, &value.span(), format!("`{id}` is not a valid template id"), help);
        }
        template.id = id;
    }
    let name = table.require("name", reader).and_then(|value| short_text(reader, "name", value));
    template.name = name.unwrap_or_default();
    let description = table.require("description", reader);
    template.description = description.and_then(|value| short_text(reader, "description", value)).unwrap_or_default();
    table.finish(reader);
}

fn read_camera(mut table: Table<'_, '_>, reader: &mut Reader<'_>) -> CameraTemplate {
    let span = table.span().clone();
    let views: Vec<(&str, ViewDirection)> =
        SIX_VIEW.iter().chain([&THREE_QUARTER]).map(|view| (view.name, view.direction)).collect();
    let view = table.take("view").map(|value| reader.choice("view", value, &views));
    let azimuth_deg = table.take("azimuth_deg").map(|value| real(reader, "azimuth_deg", value, [-360.0, 360.0]));
    let elevation_deg = table.take("elevation_deg").map(|value| real(reader, "elevation_deg", value, [-90.0, 90.0]));
    let lens_mm = table.take("lens_mm").map(|value| real(reader, "lens_mm", value, [1.0, 10_000.0]));
    let ortho = table.take("ortho").map(|value| reader.flag("ortho", value));
    let fill = table.take("fill").map(|value| real(reader, "fill", value, [0.001, 1.0]));
    let margin_px = table.take("margin_px").map(|value| whole(reader, "margin_px", value, 0, 8191));
    let trim = table.take("trim").map(|value| reader.flag("trim", value));
    let f_number = table.take("f_number").map(|value| real(reader, "f_number", value, [0.1, 1e6]));
    let focus = table.take("focus").map(|value| short_text(reader, "focus", value));
    table.finish(reader);

    let mut conflict = |message: &str, help: &str| reader.error_help(CONFLICT, &span, message, help);
    if view.is_some() && (azimuth_deg.is_some() || elevation_deg.is_some()) {
        conflict("`view` and the angles both place the camera", "keep one of them");
    }
    let is_ortho = ortho.flatten() == Some(true);
    if is_ortho && lens_mm.is_some() {
        conflict("`ortho` and `lens_mm` both choose the projection", "keep one of them");
    }
    if is_ortho && f_number.is_some() {
        conflict("`ortho` has no depth of field: everything is sharp", "leave out `f_number` or `ortho`");
    }
    if fill.is_some() && margin_px.is_some() {
        conflict("`fill` and `margin_px` both say how large the product is", "keep one of them");
    }
    if trim.flatten() == Some(true) && margin_px.is_none() {
        conflict("`trim` needs a margin to trim to", "add `margin_px`");
    }
    if focus.is_some() && f_number.is_none() {
        conflict("`focus` needs depth of field", "add `f_number`");
    }
    let (azimuth_deg, elevation_deg) = match view.flatten() {
        Some(ViewDirection { azimuth_deg, elevation_deg }) => (Some(azimuth_deg), Some(elevation_deg)),
        None => (azimuth_deg.flatten(), elevation_deg.flatten()),
    };
    let lens = match (is_ortho, lens_mm.flatten()) {
        (true, _) => Some(Lens::Orthographic),
        (false, focal_mm) => focal_mm.map(|focal_mm| Lens::Perspective { focal_mm }),
    };
    let fit = match (fill.flatten(), margin_px.flatten()) {
        (Some(fill), _) => Some(Fit::Fill(fill)),
        (None, Some(px)) if trim.flatten() == Some(true) => Some(Fit::TrimmedToPx(px)),
        (None, px) => px.map(Fit::MarginPx),
    };
    let focus = match focus.flatten() {
        None => Focus::Center,
        Some(name) if name == "center" => Focus::Center,
        Some(name) => Focus::Part { name },
    };
    let depth_of_field = f_number.flatten().map(|f_number| DepthOfField { f_number, focus });
    CameraTemplate { azimuth_deg, elevation_deg, lens, fit, depth_of_field }
}

fn read_film(mut table: Table<'_, '_>, reader: &mut Reader<'_>) -> FilmTemplate {
    let span = table.span().clone();
    let mut count =
        |key, min, max, reader: &mut Reader<'_>| table.take(key).and_then(|value| whole(reader, key, value, min, max));
    let width_px = count("width", 1, MAX_SIDE_PX, reader);
    let height_px = count("height", 1, MAX_SIDE_PX, reader);
    let samples = count("samples", 1, MAX_SAMPLES, reader);
    let seed = count("seed", 0, MAX_SEED, reader);
    let max_bounces = count("max_bounces", 0, MAX_BOUNCES, reader);
    let noise_threshold = table.take("noise").and_then(|value| real(reader, "noise", value, [0.0, 1.0]));
    let limit = table.take("clamp_indirect");
    let clamp_indirect = limit.and_then(|value| real(reader, "clamp_indirect", value, [0.0, 1e6]));
    let filters = [("blackman_harris", PixelFilter::BlackmanHarris { half_width_px: 1.5 }), ("box", PixelFilter::Box)];
    let filter = table.take("filter").and_then(|value| reader.choice("filter", value, &filters));
    let whens = [("auto", Denoise::Auto), ("on", Denoise::On), ("off", Denoise::Off)];
    let denoise = table.take("denoise").and_then(|value| reader.choice("denoise", value, &whens));
    let withs = DenoiseWith::pairs();
    let with_at = table.take("denoise_with");
    let denoise_with = with_at.and_then(|value| reader.choice("denoise_with", value, &withs));
    let qualities = Quality::pairs();
    let quality_at = table.take("oidn_quality");
    let oidn_quality = quality_at.and_then(|value| reader.choice("oidn_quality", value, &qualities));
    if let (Some(value), Some(Denoise::Off)) = (with_at, denoise) {
        reader.error(
            CONFLICT,
            &value.span(),
            "`denoise = \"off\"` removes no noise, so no denoiser can be chosen".to_owned(),
        );
    }
    if let (Some(value), None | Some(DenoiseWith::Packshot)) = (quality_at, denoise_with) {
        let help = "add `denoise_with = \"oidn\"`";
        reader.error_help(
            CONFLICT,
            &value.span(),
            "`oidn_quality` only applies to Open Image Denoise".to_owned(),
            help,
        );
    }
    table.finish(reader);
    let pixels = u64::from(width_px.unwrap_or(1)) * u64::from(height_px.unwrap_or(1));
    if pixels > MAX_PIXELS {
        reader.error(CODES.range, &span, format!("the picture has {pixels} pixels; at most {MAX_PIXELS} are allowed"));
    }
    FilmTemplate {
        width_px,
        height_px,
        samples,
        noise_threshold,
        seed,
        max_bounces,
        clamp_indirect,
        filter,
        denoise,
        denoise_with,
        oidn_quality,
    }
}

fn read_override(mut table: Table<'_, '_>, reader: &mut Reader<'_>) -> Option<MaterialOverride> {
    let span = table.span().clone();
    let mut pattern = |key, reader: &mut Reader<'_>| {
        let value = table.take(key)?;
        let text = short_text(reader, key, value)?;
        if !PartPattern::new(&text).is_sound() {
            let help = "`*` matches any text, `?` one character, `[ab]` and `{a,b}` one of several; `\\` before one of these matches it literally";
            reader.error_help(CODES.range, &value.span(), format!("`{text}` is not a valid pattern"), help);
        }
        Some(text)
    };
    let (part, material) = (pattern("part", reader), pattern("material", reader));
    let put_on = table.require("put_on", reader).and_then(|value| short_text(reader, "put_on", value));
    if !table.has("part") && !table.has("material") {
        let help = "add `part` (a name or path) or `material` (an id or name), globs allowed";
        reader.error_help(CODES.missing, &span, "the override does not say which parts it is for", help);
    }
    table.finish(reader);
    Some(MaterialOverride { part, material, put_on: put_on?, at: reader.at(&span) })
}
