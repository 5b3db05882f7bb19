//! `packshot map`: material maps.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use packshot::error::Fault;
use packshot_materials::map::template;

use super::args::{Input, ProductPlan};
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::places::Places;
use super::table::ProductOptions;
use super::{console, files};

/// Subcommands of `map`.
#[derive(Debug, Subcommand)]
pub(crate) enum MapCommand {
    /// Write a map with every part, what it resolves to, and materials of nearly its name
    #[command(after_help = "Example: packshot map init bearing.glb -o map.json")]
    Init(InitArgs),
}

/// Arguments of `map init`.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// A .glb file, or a .gltf file with its buffers and textures in the same folder; `-` is stdin
    #[arg(value_name = "INPUT")]
    input: PathBuf,
    /// The map to write; `-` is stdout
    #[arg(short, long, value_name = "MAP.json", default_value = "-")]
    output: PathBuf,
    /// Replace an existing file; edits made in it by hand are lost
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    options: ProductOptions,
}

pub(crate) fn run(command: &MapCommand, is_quiet: bool) -> Result<(), Failure> {
    let MapCommand::Init(args) = command;
    let mut places = Places::default();
    places.read(&args.input, "<INPUT>")?;
    args.options.read()?.material_map.as_deref().map_or(Ok(()), |path| places.read(path, "--material-map"))?;
    places.write(&args.output, "-o")?;
    may_write(&args.output, args.overwrite)?;
    let interrupt = Interrupt::install()?;
    let ProductPlan { plan, library, diagnostics } = ProductPlan::of(&args.options)?;
    console::print_findings(&diagnostics);
    let input = Input::File(args.input.clone());
    let failed = |failure: Failure| input.failed(told(failure, &args.input));
    let source = input.read().map_err(failed)?;
    let product = plan.import(&source.glb, &interrupt.cancel).map_err(|error| failed(Failure::from(error)))?;
    let request = plan.material_request(library)?;
    let text = template(&request.library, request.map.as_ref(), &product.part_names());
    files::write(&args.output, text.as_bytes(), &interrupt)?;
    if !files::is_stream(&args.output) && !is_quiet {
        console::note(&format!("{}: {}", args.output.display(), counted(&text)));
    }
    Ok(())
}

/// What a map says of itself: how many entries it has, and how many of them wait for a choice.
fn counted(map: &str) -> String {
    let comment = serde_json::from_str::<serde_json::Value>(map).ok();
    let comment = comment.as_ref().and_then(|map| map["comment"].as_str()).unwrap_or_default();
    comment.split(';').next().unwrap_or_default().to_owned()
}

/// Who names a map where the product belongs is told where each goes.
fn told(mut failure: Failure, input: &Path) -> Failure {
    if input.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        for fault in &mut failure.faults {
            fault.help = format!(
                "if this is to be the map, give the product, and the map with -o: `packshot map init product.glb -o {}`",
                input.display()
            );
        }
    }
    failure
}

/// Whether a map may be written here: one that exists is replaced only when asked for.
///
/// # Errors
/// `output.exists` if there is one.
pub(super) fn may_write(path: &Path, overwrite: bool) -> Result<(), Failure> {
    if overwrite || !path.is_file() {
        return Ok(());
    }
    let fault = Fault::new("output.exists", "the map already exists, and may have been edited by hand");
    let help = "choose another name, or give --overwrite to replace it";
    Err(Failure::new(Exit::Output, fault.at(path.display().to_string()).help(help)))
}
