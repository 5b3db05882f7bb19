//! A library as its author wrote it: one or more TOML files, checked each by itself and against each other.

use std::collections::HashMap;

use packshot_words::{Word, words};

use super::material::{Detail, Material, Origin, Provenance, Status, Surface, Tangent};
use super::rule::Rule;
use super::texture::{OpenTexture, Shelf};
use super::version::{Requirement, Version};
use crate::finding::{Finding, Rejected};
use crate::openpbr::{FIELDS, OpenPbr, Slot};
use crate::reader::{Codes, Reader, Table, Value, read_file};

words! {
    /// Versions of the format, by the `schema` of a file.
    pub enum Schema {
        /// Materials of constants, and rules
        One = "material-library/1",
        /// The same; materials may have textures
        Two = "material-library/2",
    }
}

/// Bytes of one library file, at most.
pub const FILE_BYTES_MAX: usize = 4 << 20;
/// Rules of one library, at most.
pub const RULES_MAX: usize = 1000;

/// What faults of libraries are called.
const CODES: Codes = Codes {
    limit: "library.limit",
    syntax: "library.syntax",
    wrong_type: "library.type",
    range: "library.range",
    missing: "library.missing",
    unknown_field: "library.unknown_field",
};

/// Mean albedo that real dielectrics keep to; outside it a colour was probably taken from a picture.
const DIELECTRIC_ALBEDO: [f32; 2] = [0.02, 0.9];
/// The largest bevel that still reads as an edge.
pub const BEVEL_MM_MAX: f32 = 0.5;

/// The bytes of one file of a library.
#[derive(Clone, Copy, Debug)]
pub struct SourceFile<'a> {
    /// What findings call it. Files of a library are read in the order of their names.
    pub name: &'a str,
    /// Its contents.
    pub bytes: &'a [u8],
}

/// One library, not yet laid over others.
#[derive(Clone, Debug)]
pub struct Package {
    /// The library's id, such as `STD`.
    pub id: String,
    /// Its version.
    pub version: Version,
    /// Code of the material for parts that nothing matched; `None` leaves that to the library below.
    pub fallback: Option<String>,
    /// Libraries that must lie below this one.
    pub extends: Vec<Requirement>,
    /// Its materials, in the order of the files.
    pub materials: Vec<PackageMaterial>,
    /// Its rules, in the order of the files.
    pub rules: Vec<Rule>,
    /// `file:line` of the `[library]` table.
    pub at: String,
}

/// A material of a [`Package`].
#[derive(Clone, Debug)]
pub struct PackageMaterial {
    /// The material.
    pub material: Material,
    /// Whether it may take the place of a material with the same code in a library below.
    pub overrides: bool,
    /// `file:line` where it begins.
    pub at: String,
}

/// What was read from the files of a library so far.
#[derive(Default)]
struct Draft {
    headers: Vec<Header>,
    materials: Vec<PackageMaterial>,
    rules: Vec<Rule>,
    findings: Vec<Finding>,
}

/// The file that is being read.
struct FileContext<'a, 's> {
    name: &'a str,
    schema: Schema,
    shelf: &'a mut Shelf<'s>,
}

/// The `[library]` table.
struct Header {
    id: Option<String>,
    version: Option<Version>,
    fallback: Option<String>,
    extends: Vec<Requirement>,
    at: String,
}

impl Package {
    /// Reads the files of one library, of which exactly one holds the `[library]` table. `open` reads the pictures that
    /// its materials name: it gets their paths with the folder of the file that names them.
    ///
    /// Returns the library with warnings about it.
    ///
    /// # Errors
    /// Every finding of every file, when one of them is an error.
    pub fn parse(files: &[SourceFile<'_>], open: OpenTexture<'_>) -> Result<(Self, Vec<Finding>), Rejected> {
        Self::read(files, Shelf { open, is_tested: false, n_texels: 0 })
    }

    /// The same for the program's own library, whose pictures tests have decoded.
    pub(super) fn parse_tested(
        files: &[SourceFile<'_>],
        open: OpenTexture<'_>,
    ) -> Result<(Self, Vec<Finding>), Rejected> {
        Self::read(files, Shelf { open, is_tested: true, n_texels: 0 })
    }

    fn read(files: &[SourceFile<'_>], mut shelf: Shelf<'_>) -> Result<(Self, Vec<Finding>), Rejected> {
        let mut files = files.to_vec();
        files.sort_by_key(|file| file.name);
        let mut draft = Draft::default();
        for file in &files {
            draft.read(file, &mut shelf);
        }
        let Draft { headers, materials, rules, mut findings } = draft;
        for repeated in headers.iter().skip(1) {
            let message = format!("the library already has its [library] table at {}", headers[0].at);
            let finding = Finding::error("library.header", &repeated.at, message);
            findings.push(finding.with_help("put each library in a folder of its own"));
        }
        let Some(header) = headers.into_iter().next() else {
            // A file that cannot be read may well hold the table.
            if findings.iter().all(|finding| finding.code != "library.syntax") {
                let at = files.first().map_or_else(String::new, |file| file.name.to_owned());
                let finding = Finding::error("library.header", at, "no file has a [library] table");
                findings.push(finding.with_help("add `[library]` with `id` and `version` to one file"));
            }
            return Err(Rejected { findings });
        };
        if rules.len() > RULES_MAX {
            let message = format!("the library has {} rules; at most {RULES_MAX} are allowed", rules.len());
            findings.push(Finding::error("library.limit", &header.at, message));
        }
        let id = header.id.unwrap_or_default();
        let materials: Vec<_> = materials.into_iter().map(|material| material.named(&id)).collect();
        check_unique(&materials, &mut findings);
        let version = header.version.unwrap_or(Version { major: 0, minor: 0, patch: 0 });
        let package =
            Self { id, version, fallback: header.fallback, extends: header.extends, materials, rules, at: header.at };
        Rejected::unless_clean(package, findings)
    }
}

impl PackageMaterial {
    /// The material as one of the library `id`.
    fn named(mut self, id: &str) -> Self {
        self.material.id = format!("{id}_{}_{}", self.material.code, self.material.name);
        id.clone_into(&mut self.material.library);
        self
    }
}

impl Draft {
    /// Reads one file. A file that is not TOML adds its faults only.
    fn read(&mut self, file: &SourceFile<'_>, shelf: &mut Shelf<'_>) {
        let read = |root: Table<'_, '_>, reader: &mut Reader<'_>| self.read_document(root, file.name, shelf, reader);
        let (_, findings) = read_file(file.name, file.bytes, FILE_BYTES_MAX, &CODES, read);
        self.findings.extend(findings);
    }

    fn read_document(&mut self, mut root: Table<'_, '_>, name: &str, shelf: &mut Shelf<'_>, reader: &mut Reader<'_>) {
        let schema = root.require("schema", reader).and_then(|value| {
            let schema = Schema::by_word(&reader.text("schema", value)?);
            if schema.is_none() {
                let message = format!("`schema` must be \"{}\" or \"{}\"", Schema::Two.word(), Schema::One.word());
                reader.error("library.schema", &value.span(), message);
            }
            schema
        });
        // Of a file that does not say what it is, nothing else is refused for it.
        let mut file = FileContext { name, schema: schema.unwrap_or(Schema::Two), shelf };
        if let Some(table) = root.take("library").and_then(|value| reader.table("library", value)) {
            self.headers.push(read_header(table, reader));
        }
        if let Some(value) = root.take("material") {
            let tables = reader.tables("material", value).into_iter();
            self.materials.extend(tables.filter_map(|table| read_material(table, &mut file, reader)));
        }
        if let Some(value) = root.take("rule") {
            self.rules.extend(reader.tables("rule", value).into_iter().filter_map(|table| Rule::read(table, reader)));
        }
        root.finish(reader);
    }
}

fn read_header(mut table: Table<'_, '_>, reader: &mut Reader<'_>) -> Header {
    let at = reader.at(table.span());
    let id = table.require("id", reader).and_then(|value| {
        let id = reader.text("id", value)?;
        let well_formed = id.starts_with(|c: char| c.is_ascii_uppercase())
            && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !well_formed {
            let help = "use capital letters and digits, a letter first, such as `ACME`";
            reader.error_help("library.id", &value.span(), format!("`{id}` is not a valid library id"), help);
        }
        Some(id)
    });
    let version = table.require("version", reader).and_then(|value| {
        let version = reader.text("version", value)?.parse();
        version.map_err(|complaint: String| reader.error("library.version", &value.span(), complaint)).ok()
    });
    if let Some(value) = table.require("color_space", reader)
        && reader.text("color_space", value).is_some_and(|space| space != "lin_rec709")
    {
        let help = "convert the colours to linear Rec.709 (D65); OpenPBR's own examples are ACEScg";
        reader.error_help("library.color_space", &value.span(), "`color_space` must be \"lin_rec709\"", help);
    }
    let fallback = table.take("fallback").and_then(|value| reader.text("fallback", value));
    let extends = table.take("extends").map_or_else(Vec::new, |value| {
        let mut requirements = Vec::new();
        for element in reader.list("extends", value) {
            match reader.text("extends", element).map(|text| text.parse::<Requirement>()) {
                Some(Ok(requirement)) => requirements.push(requirement),
                Some(Err(complaint)) => reader.error("library.extends", &element.span(), complaint),
                None => {}
            }
        }
        requirements
    });
    table.finish(reader);
    Header { id, version, fallback, extends, at }
}

/// A material without id and library, which the header knows; `None` when it has no usable code or name.
fn read_material(
    mut table: Table<'_, '_>,
    file: &mut FileContext<'_, '_>,
    reader: &mut Reader<'_>,
) -> Option<PackageMaterial> {
    let span = table.span().clone();
    let code = table.require("code", reader).and_then(|value| {
        let code = reader.text("code", value)?;
        if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
            reader.error(
                "library.code",
                &value.span(),
                format!("`{code}` is not a material code; a code has six digits"),
            );
            return None;
        }
        Some(code)
    });
    let name = table.require("name", reader).and_then(|value| {
        let name = reader.text("name", value)?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            let help = "use ASCII letters, digits and `-`; put other spellings into `aliases`";
            let message = match name.as_str() {
                "" => "`name` is empty".to_owned(),
                name => format!("`{name}` is not a valid material name"),
            };
            reader.error_help("library.name", &value.span(), message, help);
            return None;
        }
        Some(name)
    });
    let aliases = table.take("aliases").map_or_else(Vec::new, |value| read_aliases(value, reader));
    let overrides = table.take("override").and_then(|value| reader.flag("override", value)).unwrap_or(false);
    let status = read_status(&mut table, reader);
    let openpbr = match table.require("openpbr", reader).and_then(|value| reader.table("openpbr", value)) {
        // What a texture multiplies is no albedo.
        Some(openpbr) => read_openpbr(openpbr, !table.has("textures"), reader),
        None => OpenPbr::default(),
    };
    let priority = table.take("priority").and_then(|value| read_priority(value, &openpbr, reader)).unwrap_or(0);
    let surface = table.take("surface").and_then(|value| reader.table("surface", value));
    let surface = surface.map_or_else(Surface::default, |surface| read_surface(surface, reader));
    let mut missing_textures = Vec::new();
    let textures = table.take("textures").and_then(|value| {
        if file.schema == Schema::One {
            let help = format!("write schema = \"{}\" in this file", Schema::Two.word());
            let message = format!("`textures` are not part of {}", Schema::One.word());
            reader.error_help("library.schema", &value.span(), message, help);
        }
        let textures = reader.table("textures", value)?;
        let textures = file.shelf.read(textures, file.name, reader, &mut missing_textures)?;
        let has_no_base = openpbr.transmission_weight >= 1.0 || openpbr.subsurface_weight >= 1.0;
        if textures.base_color.is_some() && has_no_base && openpbr.base_metalness == 0.0 {
            let message = "a picture of the base colour does nothing for a material that lets all light in";
            reader.warning("library.texture", &value.span(), message);
        }
        Some(textures)
    });
    let provenance = table.require("provenance", reader).and_then(|value| reader.table("provenance", value));
    let provenance = provenance.and_then(|provenance| read_provenance(provenance, reader));
    table.finish(reader);
    let (status, replaced_by) = status?;
    let material = Material {
        id: String::new(),
        code: code?,
        name: name?,
        aliases,
        status,
        replaced_by,
        library: String::new(),
        openpbr,
        priority,
        surface,
        textures,
        missing_textures,
        provenance: provenance?,
    };
    Some(PackageMaterial { material, overrides, at: reader.at(&span) })
}

fn read_aliases(value: &Value<'_>, reader: &mut Reader<'_>) -> Vec<String> {
    let mut aliases = Vec::new();
    for element in reader.list("aliases", value) {
        let Some(alias) = reader.text("aliases", element) else { continue };
        if crate::name::fold(&alias).is_empty() {
            reader.error("library.alias", &element.span(), format!("the alias `{alias}` has neither letter nor digit"));
        } else if aliases.contains(&alias) {
            reader.warning("library.alias", &element.span(), format!("the alias `{alias}` is listed twice"));
        } else {
            aliases.push(alias);
        }
    }
    aliases
}

fn read_status(table: &mut Table<'_, '_>, reader: &mut Reader<'_>) -> Option<(Status, Option<String>)> {
    let span = table.span().clone();
    let status = match table.take("status") {
        None => Some("active".to_owned()),
        Some(value) => reader.text("status", value),
    };
    let replaced_by = table.take("replaced_by").map(|value| reader.text("replaced_by", value));
    match (status?.as_str(), replaced_by) {
        ("active", None) => Some((Status::Active, None)),
        ("deprecated", Some(replaced_by)) => Some((Status::Deprecated, Some(replaced_by?))),
        ("deprecated", None) => {
            reader.error("library.status", &span, "a deprecated material needs `replaced_by`");
            None
        }
        ("active", Some(_)) => {
            reader.error("library.status", &span, "only a deprecated material has `replaced_by`");
            None
        }
        (other, _) => {
            reader.error("library.status", &span, format!("`status` is `{other}`; expected active or deprecated"));
            None
        }
    }
}

fn read_openpbr(mut table: Table<'_, '_>, is_albedo: bool, reader: &mut Reader<'_>) -> OpenPbr {
    let mut openpbr = OpenPbr::default();
    let findings_before = reader.findings.len();
    for field in FIELDS {
        let Some(value) = table.take(field.name) else { continue };
        match field.slot {
            Slot::Scalar { value: slot, min, max } => {
                if let Some(number) = reader.number(field.name, value, min, max) {
                    *slot(&mut openpbr) = number;
                }
            }
            Slot::Color { value: slot, min, max } => {
                let channels = reader.list(field.name, value);
                if channels.len() != 3 && value.get_ref().is_array() {
                    let message = format!("`{}` has {} numbers; a colour has 3", field.name, channels.len());
                    reader.error("library.type", &value.span(), message);
                    continue;
                }
                for (channel, number) in slot(&mut openpbr).iter_mut().zip(channels) {
                    *channel = reader.number(field.name, number, min, max).unwrap_or(*channel);
                }
            }
            Slot::Flag { value: slot } => {
                if let Some(flag) = reader.flag(field.name, value) {
                    *slot(&mut openpbr) = flag;
                }
            }
        }
    }
    if is_albedo && reader.findings.len() == findings_before {
        lint_albedo(&openpbr, &table, reader);
    }
    table.finish(reader);
    openpbr
}

/// Warns about a dielectric that reflects less or more than dielectrics do.
fn lint_albedo(openpbr: &OpenPbr, table: &Table<'_, '_>, reader: &mut Reader<'_>) {
    if openpbr.base_metalness > 0.0 || openpbr.transmission_weight > 0.0 || openpbr.subsurface_weight > 0.0 {
        return;
    }
    let [r, g, b] = openpbr.base_color;
    let luminance = openpbr.base_weight * (0.2126 * r + 0.7152 * g + 0.0722 * b);
    let [low, high] = DIELECTRIC_ALBEDO;
    // Half a thousandth lets values that were written as a limit pass in spite of rounding.
    if luminance < low - 5e-4 || luminance > high + 5e-4 {
        let message = format!("the diffuse albedo is {luminance:.3}; real dielectrics have {low} to {high}");
        reader.warning("library.albedo", table.span(), message);
    }
}

fn read_priority(value: &Value<'_>, openpbr: &OpenPbr, reader: &mut Reader<'_>) -> Option<u8> {
    let number = reader.integer("priority", value)?;
    let Ok(priority) = u8::try_from(number) else {
        let message = format!("`priority` is {number}; it must be from 0 to {}", u8::MAX);
        reader.error("library.range", &value.span(), message);
        return None;
    };
    if priority > 0 && !openpbr.is_body() {
        let message = "`priority` does nothing for a material that light does not enter";
        reader.warning("library.priority", &value.span(), message);
    }
    Some(priority)
}

fn read_surface(mut table: Table<'_, '_>, reader: &mut Reader<'_>) -> Surface {
    let bevel_mm = table.take("bevel_mm").and_then(|value| reader.number("bevel_mm", value, 0.0, BEVEL_MM_MAX));
    let tangent = table.take("tangent").and_then(|value| reader.table("tangent", value)).and_then(|mut tangent| {
        let mode = tangent.require("mode", reader).and_then(|value| reader.word("mode", value));
        let axis = tangent.require("axis", reader).and_then(|value| reader.word("axis", value));
        tangent.finish(reader);
        Some(Tangent { mode: mode?, axis: axis? })
    });
    let mut detail = Vec::new();
    if let Some(value) = table.take("detail") {
        for mut entry in reader.tables("detail", value) {
            let kind = entry.require("kind", reader).and_then(|value| reader.word("kind", value));
            let scale_mm = entry.require("scale_mm", reader);
            let scale_mm =
                scale_mm.and_then(|value| reader.number("scale_mm", value, f32::MIN_POSITIVE, f32::INFINITY));
            let depth_mm = entry.require("depth_mm", reader);
            let depth_mm = depth_mm.and_then(|value| reader.number("depth_mm", value, 0.0, f32::INFINITY));
            entry.finish(reader);
            if let (Some(kind), Some(scale_mm), Some(depth_mm)) = (kind, scale_mm, depth_mm) {
                detail.push(Detail { kind, scale_mm, depth_mm });
            }
        }
    }
    table.finish(reader);
    Surface { bevel_mm, tangent, detail }
}

fn read_provenance(mut table: Table<'_, '_>, reader: &mut Reader<'_>) -> Option<Provenance> {
    let class = table.require("class", reader).and_then(|value| reader.word("class", value));
    let source = table.require_text("source", reader);
    let licence = table.require_text("licence", reader);
    let roughness = match table.take("roughness") {
        Some(value) => reader.word("roughness", value),
        None => Some(Origin::Estimated),
    };
    table.finish(reader);
    Some(Provenance { class: class?, source: source?, licence: licence?, roughness: roughness? })
}

/// Reports codes that two materials of the library claim.
fn check_unique(materials: &[PackageMaterial], findings: &mut Vec<Finding>) {
    let mut owners: HashMap<&str, &PackageMaterial> = HashMap::new();
    for entry in materials {
        if let Some(owner) = owners.insert(&entry.material.code, entry) {
            let message = format!(
                "the code {} is already used by `{}` at {}",
                entry.material.code, owner.material.name, owner.at
            );
            findings
                .push(Finding::error("library.duplicate_code", &entry.at, message).with_help("choose an unused code"));
        }
    }
}
