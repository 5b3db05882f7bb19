//! `packshot preflight`: which part gets which material, and what is odd about a file, without rendering.

use std::path::PathBuf;

use clap::Args;
use packshot::product::PartMaterials;
use packshot::report::{Animation, Preflight};
use packshot_materials::mapping::{Method, OnUnmapped, Reason, Report};
use packshot_materials::name::one_line;
use packshot_renderer::diagnostic::Severity;

use super::args::{Input, ProductPlan};
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::table::{ProductOptions, place};
use super::{columns, console, files};

/// Entries of a map without a part that are shown by their places.
const IDLE_SHOWN_MAX: usize = 5;

/// Arguments of `preflight`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot preflight bearing.glb --material-map map.json --json")]
pub(crate) struct PreflightArgs {
    /// A .glb file, or a .gltf file with its buffers and textures in the same folder; `-` is stdin
    #[arg(value_name = "INPUT", required_unless_present = "sample")]
    input: Option<PathBuf>,
    /// A built-in sample product (`packshot sample --list`)
    #[arg(long, value_name = "NAME", conflicts_with = "input")]
    sample: Option<String>,
    #[command(flatten)]
    options: ProductOptions,
    /// Print the report as JSON on stdout
    #[arg(long)]
    json: bool,
}

impl PreflightArgs {
    fn input(&self) -> Input {
        match (&self.input, &self.sample) {
            (Some(path), _) => Input::File(path.clone()),
            (None, name) => Input::Sample(name.clone().unwrap_or_default()),
        }
    }
}

pub(crate) fn run(args: &PreflightArgs) -> Result<(), Failure> {
    let interrupt = Interrupt::install()?;
    let ProductPlan { plan, library, mut diagnostics } = ProductPlan::of(&args.options)?;
    let input = args.input();
    let source = input.read().map_err(|failure| input.failed(failure))?;
    diagnostics.extend(source.opened);
    let product = plan.import(&source.glb, &interrupt.cancel).map_err(|error| input.failed(Failure::from(error)))?;
    let request = plan.material_request(library)?.with_own_map(source.map);
    let materials = PartMaterials::resolve(&product, &request);
    materials.log();
    let must_map = request.policy.on_unmapped == OnUnmapped::Fail;
    let mut preflight = Preflight::new(&product, &materials, &diagnostics, must_map);
    preflight.diagnostics.iter_mut().for_each(|finding| finding.at = place(&finding.at));
    interrupt.check()?;
    if args.json {
        files::print_json(&preflight)?;
    } else {
        console::print_findings(&preflight.diagnostics);
        files::print(table(&preflight).as_bytes())?;
    }
    match materials.unmapped_error() {
        Some(error) if must_map => Err(error.into()),
        _ => Ok(()),
    }
}

/// How a material of the library was found, for a person, or why the part keeps what the file gives it.
fn how_word(reason: Option<Reason>, method: Method, is_of_library: bool, word: &str) -> String {
    match (reason, method) {
        (Some(Reason::NoMatch), _) => "UNMAPPED".to_owned(),
        (Some(Reason::Ambiguous), _) => "CONTRADICTION: what matches it disagrees".to_owned(),
        (Some(Reason::MaterialMissing), _) => "NO SUCH MATERIAL".to_owned(),
        (Some(Reason::LibraryInvalid), _) => "LIBRARY NOT READ".to_owned(),
        (Some(Reason::TextureMissing), _) => "TEXTURE MISSING".to_owned(),
        (None, Method::GlbMaterial | Method::Extras) if !is_of_library => {
            "kept: the library has none of its name".to_owned()
        }
        (None, Method::Fallback) => "neither the file nor an entry gives it a material".to_owned(),
        (None, Method::GlbMaterial) => "by the name of its material in the file".to_owned(),
        (None, Method::Extras) => "by its extras in the file".to_owned(),
        (None, _) => format!("{word} match"),
    }
}

/// The report for a person: a line per part, then the sums.
fn table(preflight: &Preflight) -> String {
    let Some(report) = &preflight.materials else { return String::new() };
    let width =
        report.items.iter().map(|item| columns::width(&one_line(item.display_name()))).max().unwrap_or(0).min(40);
    let mut text = String::new();
    for item in &report.items {
        let material = item.material.as_deref().unwrap_or("(the file's own)");
        let how = match (item.reason, &item.string) {
            (Some(Reason::MaterialMissing), Some(wanted)) => format!("NO SUCH MATERIAL: {}", one_line(wanted)),
            _ => how_word(item.reason, item.method, item.material.is_some(), item.match_word()),
        };
        let name = columns::padded(&one_line(item.display_name()), width);
        if item.slots.is_empty() {
            text += &format!("{name}  {}  {how}\n", one_line(material));
        } else {
            text += &format!("{name}  {} materials\n", item.slots.len());
        }
        for slot in &item.slots {
            let own = slot.own.as_deref().map_or_else(|| "(none)".to_owned(), one_line);
            let material = slot.material.as_deref().unwrap_or("(the file's own)");
            let how = how_word(slot.reason, slot.method, slot.material.is_some(), slot.match_word());
            text += &format!("{:<width$}    {own}: {}  {how}\n", "", one_line(material));
        }
        for suggestion in &item.suggestions {
            text += &format!("{:<width$}    perhaps {} ({:.2})\n", "", suggestion.material, suggestion.score);
        }
    }
    // For other products, perhaps: findings of this kind are not printed.
    let idle = preflight.diagnostics.iter().filter(|found| found.code == "unused_map_entry");
    let idle: Vec<&str> = idle.filter(|found| found.severity == Severity::Info).map(|found| &*found.at).collect();
    if !idle.is_empty() {
        let more = if idle.len() > IDLE_SHOWN_MAX { ", …" } else { "" };
        let shown = idle[..idle.len().min(IDLE_SHOWN_MAX)].join(", ");
        text += &format!("entries of the map that give no part its material: {} ({shown}{more})\n", idle.len());
    }
    let stats = &preflight.stats;
    let choices = &preflight.choices;
    if !choices.variants.is_empty() {
        let names: Vec<String> = choices.variants.iter().map(|name| one_line(name)).collect();
        let shown = choices.variant.as_deref().map_or_else(|| "none".to_owned(), one_line);
        text += &format!("variants: {}; shown: {shown}\n", names.join(", "));
    }
    if !choices.animations.is_empty() {
        let named = |animation: &Animation| format!("{} ({:.3} s)", one_line(&animation.name), animation.duration_s);
        let names: Vec<String> = choices.animations.iter().map(named).collect();
        text += &format!("animations: {}\n", names.join(", "));
    }
    let [of_library, of_file, none] = material_counts(report);
    text += &format!(
        "{} {} (material of the library: {of_library}, of the file: {of_file}, none: {none}), {} {}, {} {}; \
         library {}\n",
        report.parts,
        if report.parts == 1 { "part" } else { "parts" },
        stats.triangles,
        if stats.triangles == 1 { "triangle" } else { "triangles" },
        stats.meshes,
        if stats.meshes == 1 { "mesh" } else { "meshes" },
        report.library
    );
    text
}

/// How many parts have a material of the library, how many one of the file, and how many none.
fn material_counts(report: &Report) -> [usize; 3] {
    let [mut of_library, mut of_file, mut none] = [0; 3];
    for item in &report.items {
        match (item.reason, item.method, &item.material) {
            (Some(_), ..) | (None, Method::Fallback, _) => none += 1,
            (None, _, Some(_)) => of_library += 1,
            (None, _, None) => of_file += 1,
        }
    }
    [of_library, of_file, none]
}
