//! From what a client sent to the request in effect.

use packshot_materials::map::MaterialMap;
use packshot_renderer::shot::Background;
use serde_json::{Map, Value};

use super::{
    Asset, Kind, LIST_MAX, Light, MaterialChoice, NAME_BYTES_MAX, PartEntry, RenderRequest, RequestDefaults,
    SAMPLES_MAX, SIDE_PX_MAX, View, base, later, output, series, studio,
};
use crate::members::{Members, checked_text};
use crate::problem::{Finding, Invalid};
use crate::scalar::Address;

/// Largest angle of a turn.
pub(super) const TURN_DEG_MAX: f64 = 1e6;
/// Most bytes of metadata as JSON: every job of a list shows them.
const METADATA_BYTES_MAX: usize = 16 << 10;
/// Longest time limit.
const TIME_S_MAX: f64 = 1e9;
/// Classes of files by how long they are kept.
const RETENTION_CLASSES: [&str; 4] = ["render-output", "preview", "scratch", "raw-evidence"];
/// Largest unit.
const UNIT_SCALE_MAX: f64 = 1e12;

/// Files that come beside a request, as parts of a multipart body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uploads {
    /// The product.
    pub has_glb: bool,
    /// The environment map.
    pub has_environment: bool,
}

impl RenderRequest {
    /// Reads a request with all findings at once. With a file beside it, the reference to that file stays `None`.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`, `unknown_value`, `unknown_member`, `missing`, `duplicate`, `conflicting_members`,
    /// `image_too_large`, `option_not_available`, `map.…`, `encode.…`, each with its JSON pointer.
    pub fn parse(body: &Value, files: Uploads, defaults: &RequestDefaults) -> Result<Self, Invalid> {
        let mut m = Members::of_body(body)?;
        later::refuse(&mut m);
        let mut request = Self { samples: defaults.samples, device: defaults.device.clone(), ..Self::default() };
        let r = &mut request;
        series::kind(&mut m, r);
        base::read(&mut m, r);
        series::read(&mut m, r);
        assets(&mut m, r, files);
        film(&mut m, r, defaults);
        framing(&mut m, r);
        look(&mut m, r);
        materials(&mut m, r);
        set(&mut r.denoise, m.word("denoise"));
        studio::ground(&mut m, r);
        output::read(&mut m, r);
        studio::layers_and_lines(&mut m, r);
        keeping(&mut m, r);
        Invalid::unless_clean(request, m.finish())
    }
}

fn set<T>(to: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *to = value;
    }
}

/// Names among `names` that are there.
fn given<'n>(m: &Members<'_>, names: &[&'n str]) -> Vec<&'n str> {
    names.iter().filter(|name| m.has(name)).copied().collect()
}

/// Names among `defaults` that are there with another value. The default itself contradicts nothing: the request
/// that a job shows has every default in it, and can be sent again.
fn changed(m: &mut Members<'_>, defaults: &[(&'static str, f64)]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for &(name, default) in defaults {
        if m.non_null(name).is_some_and(|value| value.as_f64() != Some(default)) {
            names.push(name);
        }
    }
    names
}

/// Reports each of `others` that is there beside `name`.
fn conflict(m: &mut Members<'_>, name: &str, others: &[&str]) {
    if m.has(name) {
        for other in given(m, others) {
            m.report(other, "conflicting_members", format!("it cannot stand beside `{name}`"));
        }
    }
}

fn assets(m: &mut Members<'_>, r: &mut RenderRequest, files: Uploads) {
    match (m.non_null("asset"), files.has_glb) {
        (Some(_), true) => m.report("asset", "conflicting_members", "the file itself is in the part `glb`"),
        (None, false) => m.report("asset", "missing", "name a stored file, or send it as the part `glb`"),
        (None, true) => {}
        (Some(_), false) => r.asset = reference(m, "asset", &["cad_file_id", "product_id", "file_id"]),
    }
    match (m.non_null("environment"), files.has_environment) {
        (Some(_), true) => {
            m.report("environment", "conflicting_members", "the file itself is in the part `environment`");
        }
        (Some(_), false) => r.environment = reference(m, "environment", &["file_id"]),
        (None, _) => {}
    }
    let lit_by_map = files.has_environment || m.has("environment");
    match m.word("light") {
        Some(light) if lit_by_map && light != Light::Environment => {
            m.report("light", "conflicting_members", "it cannot stand beside an environment map");
        }
        Some(Light::Environment) if !lit_by_map => {
            m.report("environment", "missing", "`light` asks for an environment map, and there is none");
        }
        Some(Light::Template) if r.light != Light::Template => {
            m.report("light", "missing", "`light` asks for that of a template, and no `template` paints one");
        }
        light => r.light = light.unwrap_or(if lit_by_map { Light::Environment } else { r.light }),
    }
}

/// Exactly one of the forms of a reference.
fn reference(m: &mut Members<'_>, name: &'static str, later: &[&'static str]) -> Option<Asset> {
    let mut asset = m.object(name)?;
    let n_given = given(&asset, later).len() + usize::from(asset.has("content_address"));
    for form in later {
        if asset.non_null(form).is_some() {
            asset.report(form, "option_not_available", "this version takes `content_address` only");
        }
    }
    let text = asset.nullable_text("content_address", NAME_BYTES_MAX);
    let address = text.and_then(|text| text.parse().ok());
    if text.is_some() && address.is_none() {
        asset.report("content_address", "out_of_range", "expected blake3: and 64 hexadecimal digits");
    }
    if n_given != 1 {
        let code = if n_given == 0 { "missing" } else { "conflicting_members" };
        m.report(name, code, "expected exactly one reference");
    }
    m.extend(asset.finish());
    address.filter(|_| n_given == 1).map(|address| Asset { content_address: Address(address) })
}

fn film(m: &mut Members<'_>, r: &mut RenderRequest, defaults: &RequestDefaults) {
    set(&mut r.width, m.count("width", 1..=SIDE_PX_MAX));
    set(&mut r.height, m.count("height", 1..=SIDE_PX_MAX));
    let pixels = u64::from(r.width) * u64::from(r.height);
    if pixels > defaults.pixels_max {
        let name = if m.has("height") && !m.has("width") { "height" } else { "width" };
        let detail = format!("{} x {} pixels are more than {}", r.width, r.height, defaults.pixels_max);
        m.report(name, "image_too_large", detail);
    }
    set(&mut r.samples, m.count("samples", 1..=SAMPLES_MAX));
    set(&mut r.noise_threshold, m.number("noise_threshold", 0.0..=1.0));
    r.max_time_s = m.nullable_number("max_time_s", f64::MIN_POSITIVE..=TIME_S_MAX);
    set(&mut r.seed, m.count("seed", 0..=packshot_renderer::shot::MAX_SEED));
    r.max_bounces = m.nullable_count("max_bounces", 0..=packshot_renderer::shot::MAX_BOUNCES).or(r.max_bounces);
    set(&mut r.clamp_indirect, m.number("clamp_indirect", 0.0..=3.4e38));
    set(&mut r.filter, m.word("filter"));
}

fn framing(m: &mut Members<'_>, r: &mut RenderRequest) {
    if r.kind == Kind::Views {
        for name in ["view", "azimuth_deg", "camera"] {
            if m.has(name) {
                m.report(
                    name,
                    "conflicting_members",
                    "the kind `views` says with `views` where pictures are taken from",
                );
            }
        }
    }
    conflict(m, "view", &["azimuth_deg", "elevation_deg", "camera"]);
    let framing = changed(m, &[("fill", r.fill), ("lens_mm", r.lens_mm)]);
    conflict(m, "camera", &["azimuth_deg", "elevation_deg", "margin_px"]);
    conflict(m, "camera", &framing);
    let view: Option<View> = m.nullable_word("view");
    let azimuth_deg = m.nullable_number("azimuth_deg", -TURN_DEG_MAX..=TURN_DEG_MAX);
    let elevation_deg = m.nullable_number("elevation_deg", -90.0..=90.0);
    r.camera = m.nullable_text("camera", NAME_BYTES_MAX).map(str::to_owned);
    if r.kind == Kind::Views {
        // Of every view but top and bottom, which look straight down and up.
        (r.view, r.azimuth_deg, r.elevation_deg) = (None, None, elevation_deg);
    } else if r.camera.is_some() {
        (r.view, r.azimuth_deg, r.elevation_deg) = (None, None, None);
    } else if m.has("azimuth_deg") || m.has("elevation_deg") {
        // An angle that is not given is that of template or preset, or of the front view.
        let angle = |given: Option<f64>, base: Option<f64>| given.or(base).or(Some(0.0));
        (r.azimuth_deg, r.elevation_deg) = (angle(azimuth_deg, r.azimuth_deg), angle(elevation_deg, r.elevation_deg));
        r.view = None;
    } else if view.is_some() {
        (r.view, r.azimuth_deg, r.elevation_deg) = (view, None, None);
    }
    fit(m, r, framing.contains(&"fill"));
    let is_perspective = m.has("lens_mm") && !m.has("ortho");
    set(&mut r.lens_mm, m.number("lens_mm", 1.0..=10_000.0));
    r.ortho = m.flag("ortho").unwrap_or(r.ortho && !is_perspective);
    if r.ortho {
        let lens: Vec<_> = framing.into_iter().filter(|name| *name == "lens_mm").collect();
        conflict(m, "ortho", &lens);
        conflict(m, "ortho", &["camera"]);
    }
    studio::depth_of_field(m, r);
    set(&mut r.up_axis, m.word("up_axis"));
    set(&mut r.unit_scale, m.number("unit_scale", f64::MIN_POSITIVE..=UNIT_SCALE_MAX));
    r.variant = m.nullable_text("variant", NAME_BYTES_MAX).map(str::to_owned);
    r.animation = m.nullable_text("animation", NAME_BYTES_MAX).map(str::to_owned);
    r.time = m.nullable_number("time", 0.0..=TIME_S_MAX);
    set(&mut r.only, m.texts("only", LIST_MAX, NAME_BYTES_MAX));
    set(&mut r.hide, m.texts("hide", LIST_MAX, NAME_BYTES_MAX));
}

/// How much of the picture the product takes; `is_filled` says that `fill` is there with a value of its own.
fn fit(m: &mut Members<'_>, r: &mut RenderRequest, is_filled: bool) {
    let (fill, margin_px) = (m.number("fill", 0.001..=1.0), m.nullable_count("margin_px", 0..=8191));
    let trim = m.flag("trim");
    match (margin_px, fill) {
        (Some(_), Some(_)) if is_filled => {
            m.report("margin_px", "conflicting_members", "it cannot stand beside `fill`");
        }
        (Some(px), _) => (r.margin_px, r.trim) = (Some(px), trim.unwrap_or(false)),
        (None, Some(fill)) => (r.fill, r.margin_px, r.trim) = (fill, None, trim.unwrap_or(false)),
        (None, None) => r.trim = trim.unwrap_or(r.trim),
    }
    if r.trim && r.margin_px.is_none() {
        m.report("trim", "missing", "it needs a margin to trim to: add `margin_px`");
    }
    set(&mut r.crop_to, m.texts("crop_to", LIST_MAX, NAME_BYTES_MAX));
    if !r.crop_to.is_empty() {
        conflict(m, "camera", &["crop_to"]);
    }
}

fn look(m: &mut Members<'_>, r: &mut RenderRequest) {
    set(&mut r.light_rotation_deg, m.number("light_rotation_deg", -TURN_DEG_MAX..=TURN_DEG_MAX));
    conflict(m, "transparent_bg", &["background"]);
    if let Some(is_transparent) = m.nullable_flag("transparent_bg") {
        r.background = if is_transparent { "transparent" } else { "environment" }.to_owned();
    }
    if let Some(text) = m.text("background", NAME_BYTES_MAX) {
        if text.parse::<Background>().is_ok() {
            r.background = text.to_owned();
        } else {
            m.report("background", "unknown_value", "expected transparent, environment, white or #RRGGBB");
        }
    }
    set(&mut r.view_transform, m.word("view_transform"));
    set(&mut r.exposure_ev, m.number("exposure_ev", -32.0..=32.0));
    set(&mut r.device, m.text("device", 256).map(str::to_owned));
}

fn materials(m: &mut Members<'_>, r: &mut RenderRequest) {
    if m.non_null("materials").is_some()
        && let Some(mut choice) = m.object("materials")
    {
        let library = choice.nullable_text("library", NAME_BYTES_MAX).map(str::to_owned);
        let parts = choice.non_null("parts").and_then(|parts| {
            // The map's own reader knows what a map is; its pointers begin at the map.
            let map = Value::Object(Map::from_iter([("parts".to_owned(), parts.clone())]));
            let (read, findings) = part_entries(&map, &choice.pointer(""));
            choice.extend(findings);
            read
        });
        m.extend(choice.finish());
        r.materials = Some(MaterialChoice { library, parts });
    }
    r.clay = m.flag("clay").unwrap_or(false);
    if r.clay {
        conflict(m, "clay", &["materials"]);
    }
    if let Some(arguments) = m.texts("material", LIST_MAX, 2 * NAME_BYTES_MAX)
        && !arguments.is_empty()
    {
        if r.clay {
            m.report("material", "conflicting_members", "it cannot stand beside `clay`");
        }
        let given = r.materials.take().unwrap_or_default();
        let mut parts = given.parts.unwrap_or_default();
        for (i, argument) in arguments.iter().enumerate() {
            // The last `=` separates: names of parts may contain one, names of materials do not.
            match argument.rsplit_once('=').map(|(part, material)| (part.trim(), material.trim())) {
                Some((part, material)) if !part.is_empty() && !material.is_empty() => {
                    parts.retain(|entry| entry.part_name.as_deref() != Some(part));
                    let (part_name, material) = (Some(part.to_owned()), Some(material.to_owned()));
                    parts.push(PartEntry { part_name, path: None, material });
                }
                _ => {
                    let pointer = format!("{}/{i}", m.pointer("material"));
                    m.extend([Finding::new(pointer, "out_of_range", "expected PART=MATERIAL")]);
                }
            }
        }
        r.materials = Some(MaterialChoice { parts: Some(parts), ..given });
        r.material = arguments;
    }
    set(&mut r.library, m.texts("library", LIST_MAX, NAME_BYTES_MAX));
    set(&mut r.on_unmapped, m.word("on_unmapped"));
}

/// The entries of a map of the form `{"parts":[…]}`, and what is wrong with it, with pointers below `prefix`.
fn part_entries(map: &Value, prefix: &str) -> (Option<Vec<PartEntry>>, Vec<Finding>) {
    use packshot_materials::map::PartSelector;
    let prefix = prefix.trim_end_matches('/');
    match MaterialMap::parse("", map.to_string().as_bytes()) {
        Ok(map) => {
            let entries = map.entries.into_iter().map(|entry| {
                let (part_name, path) = match entry.part {
                    PartSelector::Name(name) => (Some(name), None),
                    PartSelector::Path(path) => (None, Some(path)),
                };
                PartEntry { part_name, path, material: entry.material }
            });
            (Some(entries.collect()), Vec::new())
        }
        Err(rejected) => {
            let finding =
                |f: packshot_materials::finding::Finding| Finding::new(format!("{prefix}{}", f.at), f.code, f.message);
            (None, rejected.findings.into_iter().map(finding).collect())
        }
    }
}

/// How the job and its files are kept.
fn keeping(m: &mut Members<'_>, r: &mut RenderRequest) {
    set(&mut r.priority, m.integer("priority", -10..=10).and_then(|priority| i32::try_from(priority).ok()));
    if let Some(value) = m.value("retention_class") {
        let pointer = m.pointer("retention_class");
        match checked_text(value, &pointer, 64) {
            Ok(class) if RETENTION_CLASSES.contains(&class) => r.retention_class = class.to_owned(),
            Ok(_) => {
                m.report(
                    "retention_class",
                    "unknown_value",
                    format!("expected one of {}", RETENTION_CLASSES.join(", ")),
                );
            }
            Err(finding) => m.extend([finding]),
        }
    }
    if let Some(value) = m.value("metadata") {
        match value {
            Value::Object(_) if value.to_string().len() > METADATA_BYTES_MAX => {
                m.report("metadata", "out_of_range", format!("expected at most {METADATA_BYTES_MAX} bytes as JSON"));
            }
            Value::Object(metadata) => r.metadata = metadata.clone(),
            _ => m.report("metadata", "wrong_type", "expected an object"),
        }
    }
}
