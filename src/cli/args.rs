//! Options that several commands have, and what becomes of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use packshot::error::Fault;
use packshot::request::{MaterialRequest, PartFilter};
use packshot::template::Overrides;
use packshot_materials::library::{Layer, Library, Package, SourceFile};
use packshot_materials::map::MaterialMap;
use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::import::{ImportOptions, Pose};
use packshot_renderer::sample;

use super::failure::{Exit, Failure};
use super::files::{self, InputKind};
use super::options::{LookWord, OnUnmappedWord, UpAxisWord, number, positive};
use super::places::Places;

/// How a file's axes and units are read, and which of its parts count.
#[derive(Args, Clone, Debug)]
pub(crate) struct SceneArgs {
    /// The file's axis that points up
    #[arg(long, value_name = "AXIS", default_value = "y", value_enum, help_heading = "Product")]
    pub(crate) up_axis: UpAxisWord,
    /// Metres per unit of the file
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_negative_numbers = true, value_parser = positive(1e12), help_heading = "Product")]
    pub(crate) unit_scale: f64,
    /// The material variant to show, by its name in the file
    #[arg(long, value_name = "NAME", help_heading = "Product")]
    pub(crate) variant: Option<String>,
    /// The animation to show a moment of, by its name in the file; without --time, its begin
    #[arg(long, value_name = "NAME", help_heading = "Product")]
    pub(crate) animation: Option<String>,
    /// The moment to show, in seconds from the begin of --animation, or of the first animation
    #[arg(long = "time", value_name = "S", allow_negative_numbers = true, value_parser = number(0.0, 1e9), help_heading = "Product")]
    pub(crate) time_s: Option<f64>,
    /// Whose reading of the file's own materials and lights to follow
    #[arg(long, value_name = "NAME", default_value = "gltf", value_enum, help_heading = "Product")]
    pub(crate) look: LookWord,
    /// Show only parts of this name or path; globs such as `Ball_*` match the whole name
    #[arg(long, value_name = "PART", help_heading = "Product")]
    pub(crate) only: Vec<String>,
    /// Leave out parts of this name or path; globs as for --only
    #[arg(long, value_name = "PART", help_heading = "Product")]
    pub(crate) hide: Vec<String>,
}

impl SceneArgs {
    pub(crate) fn import_options(&self) -> ImportOptions {
        let is_posed = self.animation.is_some() || self.time_s.is_some();
        let pose = Pose { animation: self.animation.clone(), time_s: self.time_s.unwrap_or(0.0) };
        ImportOptions {
            up_axis: self.up_axis.into(),
            unit_scale: self.unit_scale,
            variant: self.variant.clone(),
            pose: is_posed.then_some(pose),
            look: self.look.into(),
            ..ImportOptions::default()
        }
    }

    pub(crate) fn part_filter(&self) -> PartFilter {
        PartFilter::new(&self.only, &self.hide)
    }
}

/// Which part gets which material.
#[derive(Args, Clone, Debug)]
pub(crate) struct MaterialArgs {
    /// Which part gets which material: {"parts":[{"part_name":"Outer_Ring","material":"Steel"}]}
    #[arg(long, value_name = "FILE", help_heading = "Materials")]
    pub(crate) material_map: Option<PathBuf>,
    /// One more entry of the map, such as Outer_Ring=Steel
    #[arg(long, value_name = "PART=MATERIAL", help_heading = "Materials")]
    pub(crate) material: Vec<String>,
    /// A folder with a material library over the built-in one; later ones win
    #[arg(long, value_name = "DIR", help_heading = "Materials")]
    pub(crate) library: Vec<PathBuf>,
    /// What becomes of parts that no entry matches
    #[arg(long, value_name = "HOW", default_value = "magenta", value_enum, help_heading = "Materials")]
    pub(crate) on_unmapped: OnUnmappedWord,
}

impl MaterialArgs {
    /// The request, and what was noticed about libraries.
    pub(crate) fn request(&self) -> Result<(MaterialRequest, Vec<Diagnostic>), Failure> {
        let map = self.map()?;
        let (library, diagnostics) = libraries(&self.library)?;
        Ok((
            MaterialRequest { library, map, on_unmapped: self.on_unmapped.into(), overrides: Overrides::default() },
            diagnostics,
        ))
    }

    /// The map in force: that of the file with the entries of `--material` over it.
    fn map(&self) -> Result<Option<MaterialMap>, Failure> {
        let map = match &self.material_map {
            Some(path) => {
                let name = path.display().to_string();
                let map = MaterialMap::parse(&name, &files::read(path, InputKind::Map)?);
                Some(map.map_err(packshot::Error::from)?)
            }
            None => None,
        };
        if self.material.is_empty() {
            return Ok(map);
        }
        // An argument that is no map entry is wrong usage, not a bad file.
        let map = map.unwrap_or_default().with_arguments("--material", &self.material);
        map.map(Some).map_err(|rejected| Failure {
            exit: Exit::Usage,
            faults: rejected
                .findings
                .into_iter()
                .map(|f| Fault { code: "usage.invalid_value".into(), ..f.into() })
                .collect(),
        })
    }
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
    let entries = std::fs::read_dir(folder).map_err(|reason| refused(format!("cannot be read: {reason}")))?;
    let mut texts = Vec::new();
    for entry in entries {
        let path = entry.map_err(|reason| refused(format!("cannot be read: {reason}")))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            texts.push((path.display().to_string(), files::read(&path, InputKind::Library)?));
        }
    }
    if texts.is_empty() {
        return Err(refused("no .toml file lies in this folder".to_owned()));
    }
    let sources: Vec<_> = texts.iter().map(|(name, bytes)| SourceFile { name, bytes }).collect();
    Ok(Package::parse(&sources).map_err(packshot::Error::from)?)
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

    /// As a person wrote it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Sample(name) => name.clone(),
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

    pub(crate) fn read(&self) -> Result<Source, Failure> {
        match self {
            Self::File(path) => Ok(Source { stem: self.stem(), glb: files::read(path, InputKind::Glb)?, map: None }),
            Self::Sample(name) => {
                let sample = sample::by_name(name).ok_or_else(|| unknown_sample(name).at_option("--sample"))?;
                let map =
                    MaterialMap::parse("sample", sample.material_map.as_bytes()).map_err(packshot::Error::from)?;
                Ok(Source { stem: self.stem(), glb: sample.glb, map: Some(map) })
            }
        }
    }
}

/// No sample has this name.
pub(crate) fn unknown_sample(name: &str) -> Failure {
    let names: Vec<&str> = sample::list().iter().map(|entry| entry.name).collect();
    let help = format!("there is {}", names.join(", "));
    Failure::usage("invalid_value", format!("there is no sample `{name}`"), "", help)
}
