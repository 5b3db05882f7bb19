//! What several commands are given: a product, libraries of materials, a map.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use packshot::error::Fault;
use packshot::plan::value::Materials;
use packshot::plan::{self, Base, Limits, PicturePlan};
use packshot_materials::library::{Layer, Library, Package, SourceFile};
use packshot_materials::map::MaterialMap;
use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::sample;
use packshot_words::why_unread;

use super::failure::{Exit, Failure};
use super::files::{self, InputKind};
use super::gltf;
use super::places::Places;
use super::table::{CommandNames, ProductOptions};

/// What a command asks for that looks into a product and renders nothing.
pub(crate) struct ProductPlan {
    pub(crate) plan: PicturePlan,
    pub(crate) library: Arc<Library>,
    /// What was noticed about libraries.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl ProductPlan {
    /// Decides what the options ask for, and reads the map and the libraries that they name.
    pub(crate) fn of(options: &ProductOptions) -> Result<Self, Failure> {
        let mut given = options.read()?;
        if let Some(path) = &given.material_map {
            given.options.materials = Some(Materials { library: None, map: Some(read_material_map(path)?) });
        }
        let plan = plan::resolve(&Base::default(), &given.options, &Limits::default());
        let plan = plan.map_err(|faults| Failure::from(plan::refused(&faults, &CommandNames)))?;
        let (library, diagnostics) = libraries(&given.libraries)?;
        Ok(Self { plan, library, diagnostics })
    }
}

/// A map of materials in a file.
pub(crate) fn read_material_map(path: &Path) -> Result<MaterialMap, Failure> {
    let map = MaterialMap::parse(&path.display().to_string(), &files::read(path, InputKind::Map)?);
    Ok(map.map_err(packshot::Error::from)?)
}

/// The built-in library with those of `folders` over it, and warnings about them.
pub(crate) fn libraries(folders: &[PathBuf]) -> Result<(Arc<Library>, Vec<Diagnostic>), Failure> {
    if folders.is_empty() {
        return Ok((Arc::new(Library::builtin().clone()), Vec::new()));
    }
    let mut findings = Vec::new();
    let mut layers = vec![(Layer::Base, Package::builtin())];
    for folder in folders {
        let (package, found) = read_package(folder)?;
        layers.push((Layer::Job, package));
        findings.extend(found);
    }
    let (library, found) = Library::resolve(layers).map_err(packshot::Error::from)?;
    findings.extend(found);
    Ok((Arc::new(library), findings.into_iter().map(packshot::product::diagnostic).collect()))
}

/// The library whose TOML files lie in a folder.
pub(crate) fn read_package(folder: &Path) -> Result<(Package, Vec<packshot_materials::finding::Finding>), Failure> {
    let refused = |message: String| {
        let fault = Fault::new("library.file_missing", message).at(folder.display().to_string());
        Failure::new(Exit::Input, fault.help("give a folder that holds the TOML files of one library"))
    };
    let unread = |reason: &io::Error| match reason.kind() {
        io::ErrorKind::NotFound => refused("there is no such folder".to_owned()),
        _ => refused(format!("the folder cannot be read: {}", why_unread(reason))),
    };
    let entries = std::fs::read_dir(folder).map_err(|reason| match reason.kind() {
        io::ErrorKind::NotADirectory => refused("this is a file, and a library is a folder".to_owned()),
        _ => unread(&reason),
    })?;
    let mut texts = Vec::new();
    for entry in entries {
        let path = entry.map_err(|reason| unread(&reason))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            // With `/` on every system, by which the folders of pictures are found.
            let name = format!("{}/{}", folder.display(), path.file_name().unwrap_or_default().display());
            texts.push((name, files::read(&path, InputKind::Library)?));
        }
    }
    if texts.is_empty() {
        return Err(refused("there is no .toml file in this folder".to_owned()));
    }
    let sources: Vec<_> = texts.iter().map(|(name, bytes)| SourceFile { name, bytes }).collect();
    Ok(Package::parse(&sources, &open_texture).map_err(packshot::Error::from)?)
}

/// A picture of a library, by its path with that of the library's folder.
fn open_texture(path: &str) -> Result<Option<Cow<'static, [u8]>>, String> {
    let path = Path::new(path);
    if files::is_special(path) || path.is_dir() {
        return Err("this is not a file".to_owned());
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(reason) => return Err(reason.to_string()),
    };
    let bytes_max = InputKind::Texture.bytes_max();
    let bytes = files::read_at_most(&mut file, bytes_max).map_err(|reason| reason.to_string())?;
    bytes.map(|bytes| Some(Cow::Owned(bytes))).ok_or_else(|| format!("at most {} MiB are allowed", bytes_max >> 20))
}

/// A product to work on: a file, standard input, or a built-in sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A path, or `-`.
    File(PathBuf),
    /// The name of a sample.
    Sample(String),
}

/// An input, read.
pub(crate) struct Source {
    /// Without folder and extension: what an output in a folder is called.
    pub(crate) stem: String,
    /// The file.
    pub(crate) glb: Vec<u8>,
    /// The map that a sample brings.
    pub(crate) map: Option<MaterialMap>,
    /// The files that were read beside it and are part of `glb` now.
    pub(crate) opened: Vec<Diagnostic>,
}

impl Input {
    /// Files and samples in one list.
    pub(crate) fn list(files: &[PathBuf], samples: &[String]) -> Result<Vec<Self>, Failure> {
        if files.iter().filter(|path| files::is_stream(path)).count() > 1 {
            return Err(Failure::usage("conflict", "standard input can only be read once", "-", ""));
        }
        let files = files.iter().cloned().map(Self::File);
        Ok(files.chain(samples.iter().cloned().map(Self::Sample)).collect())
    }

    /// Takes its file into the places of the command.
    pub(crate) fn take_place(&self, places: &mut Places) -> Result<(), Failure> {
        match self {
            Self::File(path) => places.read(path, "<INPUT>"),
            Self::Sample(_) => Ok(()),
        }
    }

    /// Without folder and extension.
    pub(crate) fn stem(&self) -> String {
        match self {
            Self::File(path) if files::is_stream(path) => "stdin".to_owned(),
            Self::File(path) => {
                path.file_stem().map_or_else(|| "picture".to_owned(), |stem| stem.to_string_lossy().into_owned())
            }
            Self::Sample(name) => name.clone(),
        }
    }

    /// A failure in it, with its path before places within it, which say nothing alone.
    pub(crate) fn failed(&self, failure: Failure) -> Failure {
        match self {
            Self::File(path) => failure.in_file(&path.display().to_string()),
            Self::Sample(_) => failure,
        }
    }

    pub(crate) fn read(&self) -> Result<Source, Failure> {
        match self {
            Self::File(path) => {
                let bytes = files::read(path, InputKind::Glb)?;
                let (glb, opened) =
                    if files::is_stream(path) { (bytes, Vec::new()) } else { gltf::embed(path, bytes)? };
                Ok(Source { stem: self.stem(), glb, map: None, opened })
            }
            Self::Sample(name) => {
                let sample = sample::by_name(name).ok_or_else(|| unknown_sample(name).at_option("--sample"))?;
                let map =
                    MaterialMap::parse("sample", sample.material_map.as_bytes()).map_err(packshot::Error::from)?;
                Ok(Source { stem: self.stem(), glb: sample.glb, map: Some(map), opened: Vec::new() })
            }
        }
    }
}

/// No sample has this name.
pub(crate) fn unknown_sample(name: &str) -> Failure {
    let names: Vec<&str> = sample::list().iter().map(|entry| entry.name).collect();
    let listed = names.join(", ");
    let help = match packshot_words::nearest(name, names) {
        Some(near) => format!("did you mean `{near}`? The samples are {listed}"),
        None => format!("the samples are {listed}"),
    };
    Failure::usage("invalid_value", format!("there is no sample `{name}`"), "", help)
}
