//! `packshot sample`: writes a built-in sample product.

use std::path::PathBuf;

use clap::Args;
use packshot_renderer::sample;

use super::args::unknown_sample;
use super::failure::Failure;
use super::files;
use super::interrupt::Interrupt;
use super::map::may_write;

/// Arguments of `sample`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot sample bearing -o bearing.glb")]
pub(crate) struct SampleArgs {
    /// The sample's name
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// The GLB file to write; `-` is stdout
    #[arg(short, long, value_name = "OUT.glb", required_unless_present = "list")]
    output: Option<PathBuf>,
    /// Write its material map (JSON) too
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Replace an existing map; edits made in it by hand are lost
    #[arg(long, requires = "map")]
    overwrite: bool,
    /// List the samples
    #[arg(long, conflicts_with_all = ["name", "output", "map"])]
    list: bool,
}

pub(crate) fn run(args: &SampleArgs) -> Result<(), Failure> {
    let (Some(name), Some(output)) = (&args.name, &args.output) else {
        let lines: String = sample::list().iter().map(|e| format!("{:<12} {}\n", e.name, e.description)).collect();
        return files::print(lines.as_bytes());
    };
    let sample = sample::by_name(name).ok_or_else(|| unknown_sample(name).at_option("<NAME>"))?;
    if !files::is_stream(output) && !output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("glb")) {
        let message = format!("a sample is a GLB file, and {} does not end in .glb", output.display());
        return Err(Failure::usage(
            "invalid_value",
            message,
            "-o",
            "end the name in .glb, or give `-` for standard output",
        ));
    }
    args.map.as_deref().map_or(Ok(()), |path| may_write(path, args.overwrite))?;
    let interrupt = Interrupt::install()?;
    files::write(output, &sample.glb, &interrupt)?;
    match &args.map {
        Some(path) => files::write(path, sample.material_map.as_bytes(), &interrupt),
        None => Ok(()),
    }
}
