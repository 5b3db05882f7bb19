//! From the JSON of a client to the options that it gave.

use packshot_json::{FaultKind, Faults, Members, Node};
use packshot_pipeline::plan::{OptionId, OptionSpec, Options, TABLE};
use packshot_renderer::shot::Background;
use serde_json::{Map, Value};

use super::asset::{OF_MAPS, OF_PRODUCTS};
use super::{Asset, RenderRequest, later};
use crate::package::retention_class;
use crate::problem::{Finding, Invalid};

/// Most bytes of metadata as JSON, which every job of a list shows.
const METADATA_BYTES_MAX: usize = 16 << 10;
/// The member that is read as `formats`.
const FORMAT: &str = "format";

/// Files that come beside a request, as parts of a multipart body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uploads {
    /// The product.
    pub has_glb: bool,
    /// The environment map.
    pub has_environment: bool,
}

impl RenderRequest {
    /// Reads a request, and reports all findings together. With a file beside it, the reference to that file stays
    /// `None`.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`, `unknown_value`, `unknown_member`, `missing`, `duplicate`, `conflicting_members`,
    /// `option_not_available`, `unknown_retention_class`, `map.…`, each with its JSON pointer.
    pub fn read(body: &Value, files: Uploads) -> Result<Self, Invalid> {
        let faults = Faults::default();
        let request = Node::root(body, &faults).members().map(|m| read(m, files));
        let mut read = Invalid::unless_faults(request, faults);
        if let Err(invalid) = &mut read {
            invalid.findings.iter_mut().for_each(suggest);
        }
        read
    }
}

fn read(mut m: Members<'_>, files: Uploads) -> RenderRequest {
    later::refuse(&mut m);
    let kind = m.take("kind").and_then(|kind| kind.word()).unwrap_or_default();
    let (asset, environment) = (asset(&mut m, files), environment(&mut m, files));
    let mut request = RenderRequest { kind, asset, environment, ..RenderRequest::default() };
    options(&mut m, TABLE, &mut request.options);
    keeping(&mut m, &mut request);
    m.finish();
    request
}

/// The member that an unknown one may have meant, if it is the command's name for it.
fn suggest(finding: &mut Finding) {
    let Some(name) = finding.pointer.strip_prefix('/').filter(|_| finding.code == "unknown_member") else { return };
    if let Some(id) = OptionId::by_other_name(&name.replace('-', "_")) {
        finding.detail = format!("there is no such member; did you mean \"{}\"?", id.spec().name);
    }
}

/// Reads those of these options that are given; `null` is the same as leaving one out.
pub(crate) fn options<'t>(m: &mut Members<'_>, specs: impl IntoIterator<Item = &'t OptionSpec>, options: &mut Options) {
    let set = |id: OptionId, node: Node<'_>, options: &mut Options| {
        node.adopt(options.set_json(id, node.value()).map_err(|wrong| wrong.0));
    };
    for spec in specs {
        if let Some(node) = m.given(spec.name) {
            set(spec.id, node, options);
        }
    }
    if let Some(node) = m.given(FORMAT) {
        match options.formats {
            Some(_) => node.report(FaultKind::Conflict, "this is another name for `formats`, which is given too"),
            None => set(OptionId::Formats, node, options),
        }
    }
    if let Some(is_transparent) = m.given("transparent_bg").and_then(|node| node.flag()) {
        if options.background.is_some() {
            m.report("background", FaultKind::Conflict, "cannot be used together with `transparent_bg`");
        }
        options.background = Some(if is_transparent { Background::Transparent } else { Background::Environment });
    }
}

fn asset(m: &mut Members<'_>, files: Uploads) -> Option<Asset> {
    match (m.given("asset"), files.has_glb) {
        (Some(asset), true) => asset.refuse(FaultKind::Conflict, "the file is already sent as the part `glb`"),
        (None, false) => {
            m.report("asset", FaultKind::Missing, "name a stored file, or send it as the part `glb`");
            None
        }
        (None, true) => None,
        (Some(asset), false) => Asset::read(&asset, OF_PRODUCTS),
    }
}

fn environment(m: &mut Members<'_>, files: Uploads) -> Option<Asset> {
    match (m.given("environment")?, files.has_environment) {
        (map, true) => map.refuse(FaultKind::Conflict, "the file is already sent as the part `environment`"),
        (map, false) => Asset::read(&map, OF_MAPS),
    }
}

/// How the job and its files are kept.
fn keeping(m: &mut Members<'_>, r: &mut RenderRequest) {
    let priority = m.take("priority").and_then(|node| node.whole(-10..=10));
    r.priority = priority.and_then(|priority| i32::try_from(priority).ok()).unwrap_or(r.priority);
    if let Some(class) = m.take("retention_class").and_then(|node| retention_class(&node)) {
        r.retention_class = class;
    }
    if let Some(node) = m.take("metadata") {
        match node.value() {
            Value::Object(_) if node.value().to_string().len() > METADATA_BYTES_MAX => {
                node.report(FaultKind::Range, format!("expected at most {METADATA_BYTES_MAX} bytes as JSON"));
            }
            Value::Object(metadata) => r.metadata = Map::clone(metadata),
            _ => node.report(FaultKind::Type, "expected an object"),
        }
    }
}
