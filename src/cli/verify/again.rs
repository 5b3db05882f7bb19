//! Renders what a provenance describes again, with the worker that the service has, so that it can be compared byte for
//! byte.

use std::collections::HashMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use clap::Args;
use packshot::error::Fault;
use packshot::plan::{LightPlan, Limits};
use packshot_contract::material_alias::{AliasScope, MaterialAliasPage};
use packshot_contract::provenance::{Provenance, RENDERER};
use packshot_contract::request::{RenderRequest, Uploads};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TaskId};
use packshot_domain::task::FaultKind;
use packshot_materials::aliases::AliasLayer;
use packshot_materials::library::Library;
use packshot_words::why_unread;
use packshot_worker::engine::{Engine, EngineOptions};
use packshot_worker::executor::{AssetError, AssetSource};
use packshot_worker::protocol::{self, LibraryFile, Outcome, RenderInput, RenderWork, WorkEvent};
use serde::Serialize;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::cli::devices::ThreadArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::files::{self, InputKind};
use crate::cli::interrupt::Interrupt;
use crate::cli::{cache, console, version};

/// Bytes of all files of a rendering, at most.
const OUTPUT_BYTES_MAX: u64 = 1 << 42;

/// Options of rendering again.
#[derive(Args, Debug)]
#[command(next_help_heading = "Rendering again")]
pub(super) struct AgainArgs {
    /// Render again on this machine, and compare byte for byte
    #[arg(long)]
    pub(super) rerender: bool,
    /// The product's file, as the service got it
    #[arg(long, value_name = "FILE.glb", requires = "rerender")]
    scene: Option<PathBuf>,
    /// The environment map of the request, if it had one
    #[arg(long, value_name = "FILE", requires = "rerender")]
    environment: Option<PathBuf>,
    /// A material library that the service had over the built-in one: its file, or a folder with its TOML files;
    /// repeatable, the lowest first
    #[arg(long, value_name = "FILE|DIR", requires = "rerender")]
    library: Vec<PathBuf>,
    /// The tenant's own names for materials, if it had any: a page as GET /api/v1/material-aliases answers it;
    /// repeatable
    #[arg(long, value_name = "FILE.json", requires = "rerender")]
    aliases: Vec<PathBuf>,
    /// The device: auto, cpu, gpu, or part of an adapter's name [default: the kind that the provenance names]
    #[arg(long, value_name = "WHICH", env = "PACKSHOT_DEVICE")]
    device: Option<String>,
    #[command(flatten)]
    threads: ThreadArgs,
}

/// A file that was rendered again.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RenderedFile {
    pub(super) name: String,
    pub(super) content_address: String,
}

/// What was rendered again.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Again {
    /// The device that computed it.
    pub(super) device: String,
    pub(super) files: Vec<RenderedFile>,
}

/// Files by their content.
#[derive(Default)]
struct GivenFiles(HashMap<ContentAddress, Bytes>);

impl AssetSource for GivenFiles {
    fn read(&self, address: &ContentAddress) -> Result<Bytes, AssetError> {
        self.0.get(address).cloned().ok_or(AssetError::Missing(*address))
    }
}

/// Renders again.
///
/// # Errors
/// `verify.other_renderer` for pictures of another renderer or version, `verify.other_input` for files that are not
/// those of the provenance, `usage.missing` where one is not given; errors of rendering.
pub(super) fn rerender(provenance: &Provenance, args: &AgainArgs, interrupt: &Interrupt) -> Result<Again, Failure> {
    check_renderer(provenance)?;
    if provenance.sampling.max_time_s.is_some() {
        console::warn_with_help(
            "the request has a time limit, so another rendering may have other samples and other bytes",
            "only pictures without max_time_s can be proved by rendering",
        );
    }
    let mut given = GivenFiles::default();
    let input = input(provenance, args, &mut given)?;
    let engine = Engine::new(EngineOptions {
        n_threads: args.threads.count(),
        cache: cache::store(),
        program: version::program(),
        ..EngineOptions::default()
    });
    let work = RenderWork {
        task: TaskId::new(),
        render: RenderId::new(),
        attempt: 1,
        input,
        output_bytes_max: OUTPUT_BYTES_MAX,
        memory_bytes_max: args.threads.memory_bytes_max(),
        keeps_finished: false,
    };
    let found = Mutex::new(Vec::new());
    let add = |file: &protocol::OutputFile| {
        let content_address = ContentAddress::of(&file.bytes).to_string();
        let file = RenderedFile { name: file.name.clone(), content_address };
        found.lock().unwrap_or_else(PoisonError::into_inner).push(file);
    };
    let emit = |event: WorkEvent| {
        if let WorkEvent::File(file) = event {
            add(&file);
        }
    };
    let outcome = engine.run(&work, &given, &interrupt.cancel, &emit);
    let completed = match &outcome {
        Outcome::Failed(failure) => return Err(failed(failure)),
        Outcome::Cancelled => return Err(packshot::Error::cancelled().into()),
        // A picture that breaks a rule of its preset is compared as any other.
        Outcome::Completed(completed) => completed,
        Outcome::Rejected(rejected) => &rejected.completed,
    };
    completed.files.iter().for_each(add);
    let used = completed.made_with.library.as_ref().map(|library| library.digest);
    if used != provenance.materials.library_digest.map(|digest| digest.0) {
        let message = "the materials are not those of the provenance: the library has another digest";
        let help = "give each library that was in force then with --library, the lowest first";
        return Err(other_input(message.to_owned(), "--library", help));
    }
    let device = completed.device.device.clone();
    Ok(Again { device, files: found.into_inner().unwrap_or_else(PoisonError::into_inner) })
}

/// Refuses what another renderer made: nobody expects the same bytes of two.
fn check_renderer(provenance: &Provenance) -> Result<(), Failure> {
    let renderer = &provenance.renderer;
    let own = version::program();
    let made_by = renderer.version.as_deref().unwrap_or("an unknown version");
    if renderer.name == RENDERER && renderer.version.as_deref() == Some(own.version) {
        if let (Some(made), Some(own)) = (renderer.commit.as_deref(), own.commit)
            && made != own
        {
            console::warn(&format!("the pictures were made by a build of commit {made}, and this is {own}"));
        }
        return Ok(());
    }
    let (message, help) = match renderer.name == RENDERER {
        true => (
            format!("the pictures were made by Packshot {made_by}, and this is {}", own.version),
            format!("render again with Packshot {made_by}"),
        ),
        false => (
            format!("the pictures were made by {} ({made_by})", renderer.engine.as_deref().unwrap_or(&renderer.name)),
            "only what Packshot rendered can be rendered again".to_owned(),
        ),
    };
    Err(Failure::new(Exit::Input, Fault::new("verify.other_renderer", message).help(help)))
}

/// What the service's worker got.
fn input(provenance: &Provenance, args: &AgainArgs, given: &mut GivenFiles) -> Result<RenderInput, Failure> {
    let refused = |message: String| {
        let fault = Fault::new("verify.provenance", message).at("/request");
        Failure::new(
            Exit::Input,
            fault.help("take the provenance as the service gave it, or the picture as it was written"),
        )
    };
    let mut request: RenderRequest = serde_json::from_value(provenance.request.clone())
        .map_err(|reason| refused(format!("its request cannot be read: {reason}")))?;
    let environment = request.environment.and_then(|asset| asset.address());
    request.options.device = Some(args.device.clone().unwrap_or_else(|| device_of(provenance)));
    let (_, plan) = request.resolved(Uploads::default(), &Limits::default()).map_err(|invalid| {
        let found: Vec<String> = invalid.findings.into_iter().map(|finding| finding.detail).collect();
        refused(format!("its request cannot be rendered: {}", found.join("; ")))
    })?;
    let scene = provenance.scene.content_address.0;
    given.take(args.scene.as_deref(), "--scene", InputKind::Glb, scene)?;
    if let Some(address) = environment.filter(|_| plan.light() == LightPlan::Environment) {
        given.take(args.environment.as_deref(), "--environment", InputKind::Environment, address)?;
    }
    let libraries = args.library.iter().map(|path| given.library(path)).collect::<Result<Vec<_>, _>>()?;
    let builtin = Library::builtin();
    let fallback = provenance.materials.fallback_material.clone();
    // The built-in library's own is no choice.
    let is_choice = |id: &String| !libraries.is_empty() || *id != builtin.material(builtin.fallback()).id;
    let fallback_material = fallback.filter(is_choice);
    let aliases = aliases(&args.aliases, provenance.materials.aliases_digest.map(|digest| digest.0))?;
    Ok(RenderInput { scene, environment, libraries, fallback_material, aliases, plan, design: None })
}

/// The tenant's aliases, which must be those of the provenance.
fn aliases(paths: &[PathBuf], needed: Option<ContentAddress>) -> Result<AliasLayer, Failure> {
    let mut layer = AliasLayer::default();
    for path in paths {
        let page: MaterialAliasPage =
            serde_json::from_slice(&files::read(path, InputKind::Map)?).map_err(|reason| {
                let message = format!("{} is no page of aliases: {reason}", path.display());
                other_input(message, "--aliases", "give what GET /api/v1/material-aliases answers")
            })?;
        for alias in page.items {
            let of_scope = match alias.scope {
                AliasScope::Part => &mut layer.part,
                AliasScope::Material => &mut layer.material,
            };
            of_scope.insert(alias.key, alias.material_id);
        }
    }
    let found = layer.digest().map(|digest| ContentAddress::from_hash(digest.into()));
    if found == needed {
        return Ok(layer);
    }
    let message = match (found, needed) {
        (None, _) => "the pictures were made with aliases of the tenant",
        (_, None) => "the pictures were made without aliases of the tenant",
        _ => "the aliases are not those of the provenance: they have another digest",
    };
    let help = "give all aliases that were in force then, and no others, with --aliases";
    Err(other_input(message.to_owned(), "--aliases", help))
}

/// The device of the provenance, as a request names it.
fn device_of(provenance: &Provenance) -> String {
    let device = &provenance.device;
    match device.kind.as_deref() {
        Some("cpu") => "cpu".to_owned(),
        Some("gpu") => "gpu".to_owned(),
        _ => device.name.clone().unwrap_or_else(|| "auto".to_owned()),
    }
}

impl GivenFiles {
    /// Reads a file that must have this address.
    fn take(
        &mut self,
        path: Option<&Path>,
        option: &'static str,
        kind: InputKind,
        address: ContentAddress,
    ) -> Result<(), Failure> {
        let Some(path) = path else {
            let message = format!("rendering again needs the file {address}");
            return Err(Failure::usage("missing", message, option, format!("give it with {option}")));
        };
        let bytes = Bytes::from(files::read(path, kind)?);
        let found = ContentAddress::of(&bytes);
        if found != address {
            let message = format!("{} is {found}, and the pictures were made of {address}", path.display());
            return Err(other_input(message, option, "give the very file that they were made of, byte for byte"));
        }
        self.0.insert(address, bytes);
        Ok(())
    }

    /// Reads a material library.
    fn library(&mut self, path: &Path) -> Result<LibraryFile, Failure> {
        let bytes = Bytes::from(match path.is_dir() {
            true => zipped(path)?,
            false => files::read(path, InputKind::Library)?,
        });
        let address = ContentAddress::of(&bytes);
        self.0.insert(address, bytes);
        // Those of a job and those of a tenant lie over each other in the order in which they are given.
        Ok(LibraryFile { address, of_job: true })
    }
}

/// The TOML files of a folder in one archive, as a service takes a library.
fn zipped(folder: &Path) -> Result<Vec<u8>, Failure> {
    let refused = |reason: &dyn std::fmt::Display| {
        let fault = Fault::new("library.file_missing", format!("the folder cannot be read: {reason}"));
        let fault = fault.at(folder.display().to_string());
        Failure::new(Exit::Input, fault.help("give a folder that holds the TOML files of one library"))
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|reason| refused(&why_unread(&reason)))? {
        let path = entry.map_err(|reason| refused(&why_unread(&reason)))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            names.push(path);
        }
    }
    names.sort();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for path in names {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let bytes = files::read(&path, InputKind::Library)?;
        archive.start_file(name, SimpleFileOptions::default()).map_err(|reason| refused(&reason))?;
        archive.write_all(&bytes).map_err(|reason| refused(&reason))?;
    }
    Ok(archive.finish().map_err(|reason| refused(&reason))?.into_inner())
}

fn other_input(message: String, at: &str, help: &str) -> Failure {
    Failure::new(Exit::Input, Fault::new("verify.other_input", message).at(at).help(help))
}

/// A rendering that failed.
fn failed(failure: &protocol::Failure) -> Failure {
    let exit = match failure.fault {
        _ if failure.code.starts_with("device") => Exit::Device,
        FaultKind::Input => Exit::Input,
        FaultKind::Infrastructure => Exit::Output,
    };
    let faults = failure.findings.iter().map(|finding| {
        Fault::new(finding.code.clone(), finding.detail.clone()).at(finding.at.clone()).help(finding.help.clone())
    });
    Failure { exit, faults: faults.collect() }
}
