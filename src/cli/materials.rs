//! `packshot materials`: the library to look at, and the check of one's own.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use packshot::error::Fault;
use packshot_materials::library::{Detail, Layer, Library, Material, Package, Surface, Tangent, Textures};
use serde::Serialize;
use serde_json::Value;

use super::args::{libraries, read_package};
use super::columns::{self, padded};
use super::failure::{Exit, Failure};
use super::{console, files};

mod sheet;

/// Subcommands of `materials`.
#[derive(Debug, Subcommand)]
pub(crate) enum MaterialsCommand {
    /// List materials
    #[command(after_help = "Example: packshot materials list --query steel")]
    List(ListArgs),
    /// Show a material with its parameters
    #[command(after_help = "Example: packshot materials show Steel")]
    Show(ShowArgs),
    /// Draw what materials look like, on one picture with their names
    Sheet(sheet::SheetArgs),
    /// Check a library of your own
    #[command(after_help = "Example: packshot materials validate my-library/")]
    Validate(ValidateArgs),
}

/// Arguments of `materials list`.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Only materials whose id, code, name or alias contains this text
    #[arg(long = "query", value_name = "TEXT", default_value = "")]
    text: String,
    /// A folder with a material library on top of the built-in one; of several, later ones win
    #[arg(long, value_name = "DIR")]
    library: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `materials show`.
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// Id, code, name or alias
    #[arg(value_name = "ID")]
    id: String,
    /// A folder with a material library on top of the built-in one; of several, later ones win
    #[arg(long, value_name = "DIR")]
    library: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `materials validate`.
#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    /// A folder with the TOML files of one library
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A page of materials, as `GET /api/v1/materials` has it.
#[derive(Serialize)]
struct Page<'a> {
    library: &'a str,
    version: String,
    digest: &'a str,
    items: Vec<Item<'a>>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    code: &'a str,
    name: &'a str,
    aliases: &'a [String],
    status: packshot_materials::library::Status,
    library: &'a str,
    openpbr: &'a packshot_materials::openpbr::OpenPbr,
}

impl<'a> Item<'a> {
    fn new(material: &'a Material) -> Self {
        Self {
            id: &material.id,
            code: &material.code,
            name: &material.name,
            aliases: &material.aliases,
            status: material.status,
            library: &material.library,
            openpbr: &material.openpbr,
        }
    }
}

/// What `materials validate --json` prints.
#[derive(Serialize)]
struct Validation<'a> {
    id: &'a str,
    version: String,
    digest: &'a str,
    materials: usize,
    diagnostics: Vec<packshot_materials::finding::Finding>,
}

pub(crate) fn run(command: &MaterialsCommand, is_quiet: bool) -> Result<(), Failure> {
    match command {
        MaterialsCommand::List(args) => list(args),
        MaterialsCommand::Show(args) => show(args),
        MaterialsCommand::Sheet(args) => sheet::run(args, is_quiet),
        MaterialsCommand::Validate(args) => validate(args),
    }
}

/// What to say where no material contains a text, and the way out.
fn none_contains(library: &Library, text: &str) -> (String, String) {
    let question = packshot_words::did_you_mean(&library.near(text));
    let help = question.unwrap_or_else(|| "`packshot materials list` lists all materials".to_owned());
    (format!("no material contains `{text}`"), help)
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let (library, diagnostics) = libraries(&args.library)?;
    console::print_findings(&diagnostics);
    let found: Vec<&Material> = library.search(&args.text).collect();
    if !args.json {
        if found.is_empty() {
            let (message, help) = none_contains(&library, &args.text);
            console::warn_with_help(&message, &help);
        }
        let width = found.iter().map(|material| columns::width(&material.id)).max().unwrap_or(0);
        let line =
            |m: &&Material| format!("{}  {}", padded(&m.id, width), m.aliases.join(", ")).trim_end().to_owned() + "\n";
        return files::print(found.iter().map(line).collect::<String>().as_bytes());
    }
    files::print_json(&Page {
        library: library.id(),
        version: library.version().to_string(),
        digest: library.digest(),
        items: found.into_iter().map(Item::new).collect(),
        next_cursor: None,
    })
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let (library, diagnostics) = libraries(&args.library)?;
    console::print_findings(&diagnostics);
    let Some((idx, _)) = library.find(&args.id) else {
        let question = packshot_words::did_you_mean(&library.near(&args.id));
        let help = question.unwrap_or_else(|| "`packshot materials list` lists all materials".to_owned());
        let fault = Fault::new("library.unknown_material", format!("no library has the material `{}`", args.id));
        return Err(Failure::new(Exit::Input, fault.at("ID").help(help)));
    };
    let material = library.material(idx);
    if args.json { files::print_json(material) } else { files::print(describe(material).as_bytes()) }
}

/// A material for a person to read: parameters that differ from OpenPBR's defaults.
fn describe(material: &Material) -> String {
    let parameters = |openpbr| serde_json::to_value(openpbr).unwrap_or_default();
    let (values, defaults) = (parameters(material.openpbr), parameters(Default::default()));
    let mut text = format!("{}\n", material.id);
    if !material.aliases.is_empty() {
        text += &format!("  aliases    {}\n", material.aliases.join(", "));
    }
    let provenance = &material.provenance;
    text += &format!("  source     {} ({})\n", provenance.source, provenance.licence);
    if material.priority > 0 {
        text += &format!("  priority   {}\n", material.priority);
    }
    for (name, value) in values.as_object().into_iter().flatten().filter(|(name, value)| defaults[*name] != **value) {
        text += &format!("  {name} = {}\n", shortest(value));
    }
    text + &describe_surface(material)
}

/// Edges, grain, marks and pictures of a material.
fn describe_surface(material: &Material) -> String {
    let Surface { bevel_mm, tangent, detail } = &material.surface;
    let mut lines: Vec<String> = Vec::new();
    lines.extend(bevel_mm.map(|bevel_mm| format!("bevel_mm = {bevel_mm}")));
    lines.extend(tangent.map(|Tangent { mode, axis }| format!("tangent = {mode}, axis {axis}")));
    lines.extend(detail.iter().map(|Detail { kind, scale_mm, depth_mm }| {
        format!("detail = {kind}, scale_mm {scale_mm}, depth_mm {depth_mm}")
    }));
    if let Some(textures) = &material.textures {
        let slots =
            [("base_color", &textures.base_color), ("roughness", &textures.roughness), ("normal", &textures.normal)];
        let named = slots.iter().filter_map(|(name, texture)| Some((name, texture.as_ref()?)));
        lines.extend(named.map(|(name, texture)| format!("texture {name} = {}", texture.path())));
        let Textures { mm_per_repeat, projection, .. } = textures;
        lines.push(format!("mm_per_repeat = {mm_per_repeat}, projection {projection}"));
    }
    lines.into_iter().map(|line| format!("  {line}\n")).collect()
}

/// A parameter in the fewest digits that mean it: parameters are of single precision, and as doubles they show digits
/// that nobody wrote.
fn shortest(value: &Value) -> String {
    match value {
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |number| (number as f32).to_string())
        }
        Value::Array(values) => format!("[{}]", values.iter().map(shortest).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn validate(args: &ValidateArgs) -> Result<(), Failure> {
    let (package, mut diagnostics) = read_package(&args.folder)?;
    let (id, version, materials) = (package.id.clone(), package.version, package.materials.len());
    let n_incomplete = package.materials.iter().filter(|entry| entry.material.missing_texture().is_some()).count();
    // Alone if it can stand alone, else over the built-in library.
    let standalone = package.extends.is_empty() && package.fallback.is_some();
    let mut layers = vec![(Layer::Job, package)];
    if !standalone {
        layers.insert(0, (Layer::Base, Package::builtin()));
    }
    let (library, found) = Library::resolve(layers).map_err(packshot::Error::from)?;
    diagnostics.extend(found);
    if args.json {
        let version = version.to_string();
        return files::print_json(&Validation { id: &id, version, digest: library.digest(), materials, diagnostics });
    }
    console::print_findings(&diagnostics.into_iter().map(packshot::product::diagnostic).collect::<Vec<_>>());
    let but = match n_incomplete {
        0 => String::new(),
        n => format!(", but {n} cannot be worn for want of a picture"),
    };
    files::print(format!("{id} {version}: {materials} materials, valid{but}\n").as_bytes())
}
