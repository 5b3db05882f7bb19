//! `packshot template`: shot templates to look at, the check of one's own, and what `--template` names.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use packshot::error::Fault;
use packshot::template::{BUILTIN, LightSource, Overrides, Template};
use packshot_materials::finding::Finding;
use serde::Serialize;

use super::args::libraries;
use super::console;
use super::failure::{Exit, Failure};
use super::files::{self, InputKind};
use super::render::source::read_map;

/// Subcommands of `template`.
#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// List the built-in templates
    #[command(after_help = "Example: packshot template list")]
    List(ListArgs),
    /// Print a template as TOML, to read it or to start your own from it
    #[command(after_help = "Example: packshot template show tent_metal > mine.toml")]
    Show(ShowArgs),
    /// Check a template of your own
    #[command(after_help = "Example: packshot template validate mine.toml")]
    Validate(ValidateArgs),
}

/// Arguments of `template list`.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `template show`.
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// A built-in template, or a .toml file
    #[arg(value_name = "NAME|FILE")]
    template: PathBuf,
}

/// Arguments of `template validate`.
#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    /// A .toml file, or a built-in template; `-` is stdin
    #[arg(value_name = "FILE|NAME")]
    template: PathBuf,
    /// A folder with a material library on top of the built-in one, for materials that the template names; of several,
    /// later ones win
    #[arg(long, value_name = "DIR")]
    library: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `template list --json` prints.
#[derive(Serialize)]
struct Page {
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    id: String,
    name: String,
    description: String,
}

/// What `template validate --json` prints.
#[derive(Serialize)]
struct Validation<'a> {
    id: &'a str,
    name: &'a str,
    diagnostics: &'a [Finding],
}

/// A template that was read.
#[derive(Clone, Debug)]
pub(crate) struct TemplateFile {
    pub(crate) template: Template,
    /// What is odd about it.
    findings: Vec<Finding>,
    text: Vec<u8>,
    /// Where files lie that it names.
    folder: PathBuf,
}

impl TemplateFile {
    /// The built-in template of this name, or the one in this file.
    pub(crate) fn read(name: &Path) -> Result<Self, Failure> {
        let builtin = name.to_str().and_then(Template::builtin_text);
        let text = match builtin {
            Some(text) => text.as_bytes().to_vec(),
            None if is_file_name(name) || name.is_dir() => files::read(name, InputKind::Template)?,
            None => return Err(unknown(name)),
        };
        let (template, findings) = Template::parse(&name.display().to_string(), &text)?;
        let folder = name.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { template, findings, text, folder })
    }

    /// The environment map that it names, and by how many stops it is brightened.
    pub(crate) fn light_map(&self) -> Option<(PathBuf, f64)> {
        match &self.template.light.source {
            Some(LightSource::Map { path, exposure_ev }) => Some((self.folder.join(path), *exposure_ev)),
            _ => None,
        }
    }
}

/// What is no plain name: standard input, a path, something with an extension.
pub(crate) fn is_file_name(name: &Path) -> bool {
    files::is_stream(name) || name.extension().is_some() || name.components().count() > 1
}

/// No built-in template has this name.
fn unknown(name: &Path) -> Failure {
    let names: Vec<&str> = BUILTIN.iter().map(|(id, _)| *id).collect();
    let message = format!("there is no template `{}`", name.display());
    let near = packshot_words::nearest(&name.to_string_lossy(), names.iter().copied());
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let help = format!("{near}Give the path of a .toml file, or one of {}", names.join(", "));
    Failure::new(Exit::Usage, Fault::new("usage.invalid_value", message).help(help))
}

pub(crate) fn run(command: &TemplateCommand) -> Result<(), Failure> {
    match command {
        TemplateCommand::List(args) => list(args),
        TemplateCommand::Show(args) => files::print(&read_argument(&args.template)?.text),
        TemplateCommand::Validate(args) => validate(args),
    }
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let item = |(id, _): &(&str, &str)| {
        let Template { id, name, description, .. } = TemplateFile::read(Path::new(id))?.template;
        Ok(Item { id, name, description })
    };
    let items = BUILTIN.iter().map(item).collect::<Result<Vec<_>, Failure>>()?;
    if args.json {
        return files::print_json(&Page { items });
    }
    let width = items.iter().map(|item| item.id.len()).max().unwrap_or(0);
    let lines = items.iter().map(|item| format!("{:width$}  {}\n", item.id, item.description));
    files::print(lines.collect::<String>().as_bytes())
}

/// The template that an argument names.
fn read_argument(name: &Path) -> Result<TemplateFile, Failure> {
    TemplateFile::read(name).map_err(|failure| failure.at_option("<NAME|FILE>"))
}

fn validate(args: &ValidateArgs) -> Result<(), Failure> {
    let file = read_argument(&args.template)?;
    // What it names must be there, too.
    let (library, _) = libraries(&args.library)?;
    Overrides::new(&file.template.overrides, &library, Vec::new())?;
    if let Some((path, _)) = file.light_map() {
        read_map(&path)?;
    }
    let TemplateFile { template: Template { id, name, .. }, findings, .. } = &file;
    if args.json {
        return files::print_json(&Validation { id, name, diagnostics: findings });
    }
    console::print_findings(&findings.iter().cloned().map(packshot::product::diagnostic).collect::<Vec<_>>());
    files::print(format!("{id}: valid\n").as_bytes())
}
