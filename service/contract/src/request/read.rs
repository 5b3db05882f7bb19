//! From what a client sent to what it gave.

use serde_json::{Map, Value};

use packshot_pipeline::plan::value::Wrong;
use packshot_pipeline::plan::{OptionId, Options, TABLE};
use packshot_renderer::shot::Background;
use packshot_words::Word;

use super::faults::code;
use super::{Asset, RenderRequest, later};
use crate::members::{Members, checked_text};
use crate::problem::{Finding, Invalid};
use crate::scalar::Address;

/// Most bytes of metadata as JSON: every job of a list shows them.
const METADATA_BYTES_MAX: usize = 16 << 10;
/// Most bytes of a name in a request.
const NAME_BYTES_MAX: usize = 1_024;
/// Classes of files by how long they are kept.
pub(super) const RETENTION_CLASSES: [&str; 4] = ["render-output", "preview", "scratch", "raw-evidence"];
/// The member that is read as `formats`.
const FORMAT: &str = "format";
/// How alike a member must be to one that there is to be taken for it mistyped, 0 to 1.
const LIKENESS: f64 = 0.85;

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
    /// `wrong_type`, `out_of_range`, `unknown_value`, `unknown_member`, `missing`, `duplicate`, `conflicting_members`, `option_not_available`,
    /// `map.…`, each with its JSON pointer.
    pub fn read(body: &Value, files: Uploads) -> Result<Self, Invalid> {
        let mut m = Members::of_body(body)?;
        later::refuse(&mut m);
        let mut request = Self::default();
        if let Some(kind) = m.value("kind") {
            request.kind = word(&mut m, "kind", kind).unwrap_or_default();
        }
        assets(&mut m, &mut request, files);
        options(&mut m, &mut request.options);
        keeping(&mut m, &mut request);
        let mut findings = m.finish();
        findings.iter_mut().for_each(suggest);
        Invalid::unless_clean(request, findings)
    }
}

/// What a member that is unknown may have meant.
fn suggest(finding: &mut Finding) {
    let Some(name) = finding.pointer.strip_prefix('/').filter(|_| finding.code == "unknown_member") else { return };
    let others = ["asset", "environment", "kind", "priority", "retention_class", "metadata"];
    let known = TABLE.iter().map(|spec| spec.name).chain(others);
    let alike = known.map(|known| (strsim::jaro_winkler(known, name), known)).max_by(|a, b| a.0.total_cmp(&b.0));
    let meant = match OptionId::by_other_name(&name.replace('-', "_")) {
        Some(id) => Some(id.spec().name),
        None => alike.filter(|(likeness, _)| *likeness >= LIKENESS).map(|(_, known)| known),
    };
    if let Some(meant) = meant {
        finding.detail = format!("there is no such member; did you mean \"{meant}\"?");
    }
}

fn word<W: Word>(m: &mut Members<'_>, name: &str, value: &Value) -> Option<W> {
    let read = value.as_str().map(W::by_word);
    match read {
        Some(Some(word)) => return Some(word),
        Some(None) => m.report(name, "unknown_value", format!("expected one of {}", W::list())),
        None => m.report(name, "wrong_type", "expected a string"),
    }
    None
}

/// Reads every option that is there; `null` is the same as leaving it out.
fn options(m: &mut Members<'_>, options: &mut Options) {
    for spec in TABLE {
        let value = m.non_null(spec.name);
        if let Some(value) = value {
            report(m, spec.name, options.set_json(spec.id, value));
        }
    }
    if let Some(value) = m.non_null(FORMAT) {
        if options.formats.is_some() {
            m.report(FORMAT, "conflicting_members", "it is another name of `formats`, which is there too");
        } else {
            report(m, FORMAT, options.set_json(OptionId::Formats, value));
        }
    }
    if let Some(is_transparent) = m.nullable_flag("transparent_bg") {
        if options.background.is_some() {
            m.report("background", "conflicting_members", "it cannot stand beside `transparent_bg`");
        }
        options.background = Some(if is_transparent { Background::Transparent } else { Background::Environment });
    }
}

fn report(m: &mut Members<'_>, name: &str, set: Result<(), Wrong>) {
    let Err(wrong) = set else { return };
    let pointer = m.pointer(name);
    m.extend(wrong.0.into_iter().map(|place| {
        let code = code(&place.kind).to_owned();
        Finding::new(format!("{pointer}{}", place.at), code, place.message)
    }));
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
}

/// Exactly one of the forms of a reference.
fn reference(m: &mut Members<'_>, name: &'static str, later: &[&'static str]) -> Option<Asset> {
    let mut asset = m.object(name)?;
    let n_given = later.iter().filter(|form| asset.has(form)).count() + usize::from(asset.has("content_address"));
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

/// How the job and its files are kept.
fn keeping(m: &mut Members<'_>, r: &mut RenderRequest) {
    let priority = m.integer("priority", -10..=10).and_then(|priority| i32::try_from(priority).ok());
    r.priority = priority.unwrap_or(r.priority);
    if let Some(value) = m.value("retention_class") {
        let pointer = m.pointer("retention_class");
        match checked_text(value, &pointer, 64) {
            Ok(class) if RETENTION_CLASSES.contains(&class) => r.retention_class = class.to_owned(),
            Ok(_) => {
                let detail = format!("expected one of {}", RETENTION_CLASSES.join(", "));
                m.report("retention_class", "unknown_value", detail);
            }
            Err(finding) => m.extend([finding]),
        }
    }
    if let Some(value) = m.value("metadata") {
        match value {
            Value::Object(_) if value.to_string().len() > METADATA_BYTES_MAX => {
                m.report("metadata", "out_of_range", format!("expected at most {METADATA_BYTES_MAX} bytes as JSON"));
            }
            Value::Object(metadata) => r.metadata = Map::clone(metadata),
            _ => m.report("metadata", "wrong_type", "expected an object"),
        }
    }
}
