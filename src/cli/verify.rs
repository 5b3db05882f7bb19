//! `packshot verify`: what made a picture, and whether it, or everything in its package, is still what was made.

mod again;
mod check;
mod package;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use clap::Args;
use packshot::error::Fault;
use packshot_contract::provenance::Provenance;
use packshot_domain::artifact::Manifest;
use packshot_domain::hash::ContentAddress;
use packshot_materials::name::one_line;
use packshot_renderer::encode::{self, stated};
use serde::Serialize;

use super::failure::{Exit, Failure};
use super::files;
use super::interrupt::Interrupt;
use again::{Again, AgainArgs};
use check::{CheckedFile, FileState};
use package::{Digests, Files, Subject};

/// Arguments of `verify`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot verify archive.zip --rerender --scene bearing.glb")]
pub(crate) struct VerifyArgs {
    /// A picture or movie, or the package of a render: its archive, or the folder that it was unpacked into; `-` is a
    /// picture from stdin
    #[arg(value_name = "PICTURE|PACKAGE")]
    path: PathBuf,
    /// The digest that the package's manifest must have, as the service gives it: `blake3:` and 64 digits
    #[arg(long, value_name = "DIGEST")]
    manifest_digest: Option<ContentAddress>,
    /// The provenance of a picture without its package, as the service gives it
    #[arg(long, value_name = "FILE")]
    provenance: Option<PathBuf>,
    /// Print what was found as JSON on stdout
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    again: AgainArgs,
}

/// What was found; as JSON, the result of the command.
#[derive(Debug, Serialize)]
struct Verified {
    /// Whether nothing differs.
    ok: bool,
    /// What the picture states; `None` for a package, and for a file of a format that states nothing.
    stated: Option<Stated>,
    /// The manifest, if there is a package.
    manifest: Option<ManifestFacts>,
    /// The files of the package that were compared.
    files: Vec<CheckedFile>,
    /// How the pictures came about, if that is known.
    provenance: Option<Provenance>,
    /// What was rendered again.
    rerender: Option<Again>,
}

/// What a picture states about itself.
#[derive(Debug, Serialize)]
struct Stated {
    software: Option<String>,
    scene: Option<String>,
    design: Option<String>,
    shot: Option<String>,
    library: Option<String>,
    seed: Option<u32>,
    samples: Option<u32>,
    view: Option<String>,
    denoiser: Option<String>,
    movie: Option<String>,
}

/// What a manifest says about its package.
#[derive(Debug, Serialize)]
struct ManifestFacts {
    digest: String,
    package_id: String,
    name: String,
    producer: String,
    subject: String,
    finalized_at: String,
    finalized_by: String,
}

impl From<encode::Stated> for Stated {
    fn from(stated: encode::Stated) -> Self {
        let encode::Stated { software, provenance } = stated;
        let encode::Provenance { scene, design, shot, library, seed, samples, view, denoiser, movie } = provenance;
        Self { software, scene, design, shot, library, seed, samples, view, denoiser, movie }
    }
}

impl ManifestFacts {
    fn new(manifest: &Manifest, digest: ContentAddress) -> Self {
        let package = manifest.package();
        Self {
            digest: digest.to_string(),
            package_id: package.id.to_string(),
            name: package.name.to_string(),
            producer: package.producer.to_string(),
            subject: package.subject.to_string(),
            finalized_at: package.finalized_at.to_string(),
            finalized_by: package.finalized_by.to_string(),
        }
    }
}

pub(crate) fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let interrupt = Interrupt::install()?;
    let mut faults = Vec::new();
    let given = args.provenance.as_deref().map(given_provenance).transpose()?;
    let (mut verified, pictures) = match Subject::open(&args.path)? {
        Subject::Package(mut files) => {
            let verified = package(args, &mut files, None, given, &mut faults, &interrupt)?;
            (verified, Pictures::OfPackage)
        }
        Subject::Picture { bytes, package: around } => {
            let found = stated(&bytes);
            let mut verified = match around {
                Some((mut files, path)) => package(args, &mut files, Some(&path), given, &mut faults, &interrupt)?,
                None if args.manifest_digest.is_some() => return Err(no_package()),
                None if found.is_none() && given.is_none() => return Err(package::not_a_picture(&args.path)),
                None => alone(&args.path, &bytes, given, &mut faults),
            };
            verified.stated = found.map(Stated::from);
            (verified, Pictures::One(Digests::of(&bytes).address))
        }
    };
    if args.again.rerender {
        let provenance = verified.provenance.as_ref().ok_or_else(no_provenance)?;
        let again = again::rerender(provenance, &args.again, &interrupt)?;
        compare(&pictures, &args.path, &verified.files, &again, &mut faults);
        verified.rerender = Some(again);
    }
    verified.ok = faults.is_empty();
    if args.json {
        files::print_json(&verified)?;
    } else {
        files::print(text(&args.path, &verified).as_bytes())?;
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure { exit: Exit::Differs, faults }) }
}

/// The pictures that must come out again.
enum Pictures {
    /// One, with these bytes.
    One(ContentAddress),
    /// Those that the manifest has under the names of what is rendered.
    OfPackage,
}

fn given_provenance(path: &Path) -> Result<Provenance, Failure> {
    check::provenance(&package::read_provenance(path)?, &path.display().to_string())
}

/// Compares a package, or one of its files, with its manifest.
fn package(
    args: &VerifyArgs,
    files: &mut Files,
    only: Option<&str>,
    given: Option<Provenance>,
    faults: &mut Vec<Fault>,
    interrupt: &Interrupt,
) -> Result<Verified, Failure> {
    let (manifest, digest) = check::manifest(files, args.manifest_digest)?;
    let provenance = match given {
        Some(given) => Some(given),
        None => check::provenance_of(&manifest)?,
    };
    if let Some(provenance) = &provenance {
        faults.extend(check::shot(provenance, Some(files)));
    }
    let checked = check::files(&manifest, files, only, provenance.as_ref(), faults, interrupt)?;
    let manifest = Some(ManifestFacts::new(&manifest, digest));
    Ok(Verified { ok: false, stated: None, manifest, files: checked, provenance, rerender: None })
}

/// Compares a picture without a package with its provenance, if that was given. Of a PNG, which has checksums, damage
/// is found without it.
fn alone(path: &Path, bytes: &[u8], given: Option<Provenance>, faults: &mut Vec<Fault>) -> Verified {
    if bytes.starts_with(b"\x89PNG")
        && let Err(reason) = encode::check_png(Cursor::new(bytes))
    {
        let fault = Fault::new("verify.changed", format!("the picture is damaged: {reason}"));
        faults.push(fault.at(path.display().to_string()).help("fetch it again, or render it again"));
    }
    if let Some(provenance) = &given {
        faults.extend(check::shot(provenance, None));
        faults.extend(stated(bytes).and_then(|stated| check::contradiction(&stated, provenance)));
    }
    Verified { ok: false, stated: None, manifest: None, files: Vec::new(), provenance: given, rerender: None }
}

/// Compares what was rendered again with what there is.
fn compare(pictures: &Pictures, path: &Path, files: &[CheckedFile], again: &Again, faults: &mut Vec<Fault>) {
    let help = "use the device, the driver and the files of the provenance: docs/provenance.md";
    let mut differs = |at: String, message: String| {
        faults.push(Fault::new("verify.rendered_differently", message).at(at).help(help));
    };
    match pictures {
        Pictures::One(address) => {
            let address = address.to_string();
            if !again.files.iter().any(|file| file.content_address == address) {
                let message = "rendering it again gives other bytes".to_owned();
                differs(path.display().to_string(), message);
            }
        }
        Pictures::OfPackage => {
            for file in &again.files {
                let listed = files.iter().find(|listed| listed.relative_path == file.name);
                match listed.filter(|listed| listed.state != FileState::Extra) {
                    None => {
                        differs(file.name.clone(), "rendering again gives a file that the package lacks".to_owned())
                    }
                    Some(listed) if listed.content_address.as_ref() != Some(&file.content_address) => {
                        differs(file.name.clone(), format!("rendering it again gives {}", file.content_address));
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

fn no_package() -> Failure {
    let message = "`--manifest-digest` is of a package, and this picture is in none";
    Failure::usage("conflict", message, "--manifest-digest", "give the package's archive or its unpacked folder")
}

fn no_provenance() -> Failure {
    let message = "rendering again needs the provenance, which is not in what was given";
    let help = "save what GET /api/v1/renders/ID/provenance answers, and give it with --provenance";
    Failure::usage("missing", message, "--provenance", help)
}

/// What was found, for a person. What differs is said on stderr.
fn text(path: &Path, verified: &Verified) -> String {
    let mut out = String::new();
    let mut line = |label: &str, value: &str| {
        out += &format!("{label:<12} {}\n", one_line(value));
    };
    if let Some(stated) = &verified.stated {
        line("picture", &path.display().to_string());
        let facts = [
            ("made by", stated.software.clone()),
            ("scene", stated.scene.clone()),
            ("shot", stated.shot.clone()),
            ("library", stated.library.clone()),
            ("seed", stated.seed.map(|seed| seed.to_string())),
            ("samples", stated.samples.map(|samples| format!("at most {samples}"))),
            ("view", stated.view.clone()),
            ("denoiser", stated.denoiser.clone()),
            ("movie", stated.movie.clone()),
        ];
        if facts.iter().all(|(_, fact)| fact.is_none()) {
            line("", "it states nothing about itself");
        }
        facts
            .iter()
            .filter_map(|(label, fact)| Some((label, fact.as_ref()?)))
            .for_each(|(label, fact)| line(label, fact));
    } else if verified.manifest.is_none() {
        line("file", &path.display().to_string());
        line("", "files of this format state nothing about themselves");
    }
    if let Some(manifest) = &verified.manifest {
        line("package", &format!("{} ({}, of {})", manifest.package_id, manifest.name, manifest.subject));
        line("manifest", &manifest.digest);
        line("made by", &manifest.producer);
        line("finalized", &format!("{} by {}", manifest.finalized_at, manifest.finalized_by));
    }
    if let Some(provenance) = &verified.provenance {
        provenance_lines(provenance).iter().for_each(|(label, value)| line(label, value));
    }
    for file in &verified.files {
        let state = match file.state {
            FileState::Same => "same",
            FileState::Changed => "CHANGED",
            FileState::Missing => "MISSING",
            FileState::Extra => "EXTRA",
        };
        line(state, &file.relative_path);
    }
    if let Some(again) = &verified.rerender {
        line("rendered on", &again.device);
        again.files.iter().for_each(|file| line("", &format!("{} {}", file.content_address, file.name)));
    }
    if verified.ok {
        let (label, proved) = verdict(verified);
        line(label, proved);
    }
    out
}

/// What is proved when nothing differs, and how that is called.
fn verdict(verified: &Verified) -> (&'static str, &'static str) {
    match (&verified.rerender, &verified.manifest) {
        (Some(_), _) => ("verified", "rendering again gives the same bytes"),
        (None, Some(_)) => ("verified", "every byte is what the manifest says"),
        (None, None) if verified.provenance.is_some() => {
            ("not proved", "it states what the provenance says; prove it with --rerender")
        }
        (None, None) => {
            ("not proved", "anybody can write this into a picture; prove it with --provenance and --rerender")
        }
    }
}

/// How pictures came about, for a person.
fn provenance_lines(provenance: &Provenance) -> Vec<(&'static str, String)> {
    let Provenance { renderer, scene, materials, sampling, denoise, device, .. } = provenance;
    let mut lines = Vec::new();
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let commit = renderer.commit.as_ref().map_or_else(String::new, |commit| format!(", commit {commit}"));
    lines.push(("renderer", format!("{} {}{commit}", renderer.name, or_unknown(&renderer.version))));
    let driver = device.driver.as_ref().map_or_else(String::new, |driver| format!(", {driver}"));
    lines.push(("device", format!("{}, {}{driver}", or_unknown(&device.name), or_unknown(&device.backend))));
    lines.push(("scene", scene.content_address.0.to_string()));
    if let (Some(library), Some(digest)) = (&materials.library, materials.library_digest) {
        let version = or_unknown(&materials.library_version);
        lines.push(("library", format!("{library} {version}, {}", digest.0)));
    }
    if let Some(digest) = provenance.shot_digest {
        lines.push(("shot", digest.0.to_string()));
    }
    if let (Some(seed), Some(most), Some(mean)) = (sampling.seed, sampling.samples_max, sampling.samples_mean) {
        lines.push(("sampling", format!("seed {seed}, {mean:.1} of at most {most} samples per pixel")));
    }
    if let Some(method) = &denoise.method {
        lines.push(("denoised", format!("by {method}")));
    }
    lines
}
