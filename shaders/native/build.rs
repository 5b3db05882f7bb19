//! Translates the CPU module to Rust.

#[path = "build/constructs.rs"]
mod constructs;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use packshot_shaders::error::ShaderError;
use packshot_shaders::features::Variant;
use packshot_shaders::layout;
use packshot_shaders::sources::{CPU_MODULE, Sources};
use packshot_shaders::translate::{self, InstructionSet, Options, translate};
use packshot_shaders::validate::load;

/// The functions the CPU driver calls.
const EXPORTS: &[&str] = &[
    "generate",
    "pixel_sequence",
    "environment_search",
    "environment_narrow",
    "environment_choose",
    "environment_place",
    "shade",
    "ray_key",
    "ray_name",
    "path_ray_name",
    "passes_partly",
    "surface_blocks",
    "pass_pane",
    "guide",
    "seen",
    "arriving",
    "opacity_at",
    "is_held_out",
];

/// Those that it calls for many paths at a time.
const IN_LANES: &[&str] = &[
    "generate",
    "pixel_sample",
    "bounce_samples",
    "environment_search",
    "environment_narrow",
    "environment_choose",
    "environment_place",
    "shade",
    "escape",
    "guide",
    "ray_key",
];

/// Those that are compiled for each set of features.
const OF_VARIANTS: &[&str] = &["shade", "escape"];

fn main() -> ExitCode {
    // The shaders themselves are part of a crate that this program is linked with; changing one rebuilds it.
    println!("cargo::rerun-if-changed=../wgsl");
    println!("cargo::rerun-if-changed=tests/constructs/wgsl");
    let written = stages()
        .map_err(Into::into)
        .and_then(|source| write("stages.rs", &source))
        .and_then(|()| constructs::generate(Path::new("tests/constructs/wgsl")))
        .and_then(|source| write("constructs.rs", &source));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn stages() -> Result<String, Box<ShaderError>> {
    let variants = Variant::ALL.into_iter().filter(|&variant| variant != Variant::Everything);
    let overrides: Vec<_> = variants.map(|variant| (variant.name(), variant.features().overrides())).collect();
    let variants: Vec<_> = overrides
        .iter()
        .map(|(name, overrides)| translate::VariantModule { name, overrides, functions: OF_VARIANTS })
        .collect();
    let options = Options {
        runtime: "crate::rt",
        twins: &layout::twins(),
        exports: EXPORTS,
        instruction_sets: &InstructionSet::ALL,
        in_lanes: IN_LANES,
        variants: &variants,
    };
    translate(&load(&Sources::embedded(), CPU_MODULE)?, &options)
}

/// Writes a file for the crate to include.
fn write(name: &str, source: &str) -> Result<(), Box<dyn Error>> {
    let folder = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set; this program is run by cargo")?;
    fs::write(PathBuf::from(folder).join(name), source).map_err(|error| format!("cannot write {name}: {error}").into())
}
