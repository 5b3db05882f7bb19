//! From options and files to a product, its materials and a shot: what a render needs, by a plain command line or by a
//! shot file.

use std::io;
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;

use packshot::denoise::Denoise;
use packshot::plan::{LightPlan, Options, PicturePlan};
use packshot::product::{PartMaterials, Product};
use packshot::request::{MaterialRequest, PartFilter};
use packshot_pipeline::dump;
use packshot_renderer::backend::CancelToken;
use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::import::{ImportOptions, UpAxis};
use packshot_renderer::inspect::weak_lights;
use packshot_renderer::shot::document::{self, FilmOverrides, Geometry, LeftOut};
use packshot_renderer::shot::lut::Lut;
use packshot_renderer::shot::request::{self, ShotRequest};
use packshot_renderer::shot::{EnvironmentMap, Shot, environment};

use super::args::{PictureArgs, Planned};
use crate::cli::args::{Input, Source, libraries};
use crate::cli::failure::Failure;
use crate::cli::files::{self, InputKind};
use crate::cli::template::TemplateFile;

/// A file read, with its materials found.
pub(crate) struct Subject {
    pub(crate) product: Product,
    pub(crate) materials: PartMaterials,
    /// What was noticed about everything else.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Where everything came from.
    pub(crate) origin: Origin,
}

/// Where the files of a picture lie, for a shot that names them.
pub(crate) struct Origin {
    /// What the picture is of.
    pub(crate) name: String,
    /// The path of the GLB; `None` for standard input and samples.
    pub(crate) glb_path: Option<PathBuf>,
    /// Its bytes.
    pub(crate) glb: Vec<u8>,
    /// How its axes and units are read.
    pub(crate) up_axis: UpAxis,
    /// Metres per unit of the file.
    pub(crate) unit_scale: f64,
    /// The path of the environment map, if it has one.
    pub(crate) environment_path: Option<PathBuf>,
    /// What the shot file that all came from says that it lacks.
    pub(crate) left_out: LeftOut,
}

/// What all inputs of a command line share, read once.
pub(crate) struct Common<'a> {
    plan: &'a PicturePlan,
    materials: MaterialRequest,
    map: Option<Arc<EnvironmentMap>>,
    map_path: Option<PathBuf>,
    lut: Option<Arc<Lut>>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Common<'a> {
    pub(crate) fn read(args: &PictureArgs, planned: &'a Planned) -> Result<Self, Failure> {
        let Planned { plan, asked, template } = planned;
        let (library, mut diagnostics) = libraries(&asked.libraries)?;
        let materials = plan.material_request(library)?;
        let map_of_template = || template.as_ref().and_then(TemplateFile::light_map);
        let (path, exposure_ev) = match plan.light() {
            LightPlan::Environment => (asked.light.clone(), 0.0),
            LightPlan::TemplateMap { exposure_ev, .. } => (map_of_template().map(|(path, _)| path), exposure_ev),
            LightPlan::Rig(_) | LightPlan::Painted(_) | LightPlan::SceneLights => (None, 0.0),
        };
        let map = match &path {
            Some(path) => {
                let (map, found) = read_map(path)?;
                diagnostics.extend(found);
                Some(Arc::new(if exposure_ev == 0.0 { map } else { map.brightened(exposure_ev as f32) }))
            }
            None => None,
        };
        // A brightened map is no longer that of the file.
        let map_path = path.filter(|_| exposure_ev == 0.0);
        Ok(Self { plan, materials, map, map_path, lut: args.lut.read()?, diagnostics })
    }

    /// Reads one input and finds its materials.
    pub(crate) fn subject(&self, input: &Input, cancel: &CancelToken) -> Result<Subject, Failure> {
        let Source { stem, glb, map } = input.read()?;
        let import = self.plan.import_options();
        let product = Product::import(&glb, &import, &self.plan.part_filter(), cancel)?;
        // A sample's own map counts unless another is given.
        let own_map = map.filter(|_| self.materials.map.is_none());
        let materials = match own_map {
            _ if self.plan.is_clay() => PartMaterials::clay(&product),
            Some(map) => product.assign(&MaterialRequest { map: Some(map), ..self.materials.clone() })?,
            None => product.assign(&self.materials)?,
        };
        let glb_path = match input {
            Input::File(path) if !files::is_stream(path) => Some(path.clone()),
            Input::File(_) | Input::Sample(_) => None,
        };
        let left_out = LeftOut { shot: dump::left_out(&import), ..LeftOut::default() };
        let ImportOptions { up_axis, unit_scale, .. } = import;
        let environment_path = self.map_path.clone();
        let origin = Origin { name: stem, glb_path, glb, up_axis, unit_scale, environment_path, left_out };
        Ok(Subject { product, materials, diagnostics: self.diagnostics.clone(), origin })
    }

    /// The one product of a command that takes many pictures of it.
    pub(crate) fn product(
        &self,
        input: Option<&PathBuf>,
        sample: Option<&String>,
        cancel: &CancelToken,
    ) -> Result<Subject, Failure> {
        let files = input.map(slice::from_ref).unwrap_or_default();
        let inputs = Input::list(files, sample.map(slice::from_ref).unwrap_or_default())?;
        let Some(input) = inputs.first() else {
            return Err(Failure::usage("missing", "there is no product", "<INPUT>", "give a file or --sample NAME"));
        };
        self.subject(input, cancel)
    }

    /// The shot that the options ask for.
    pub(crate) fn shot(&self, subject: &mut Subject) -> Result<Shot, Failure> {
        let built = request::build(&self.request()?, &subject.product.scene);
        let (shot, found) = built.map_err(packshot::Error::from)?;
        subject.diagnostics.extend(found);
        Ok(shot)
    }

    /// What is asked for, in the light that was read.
    pub(crate) fn request(&self) -> Result<ShotRequest, Failure> {
        Ok(ShotRequest { lut: self.lut.clone(), ..self.plan.shot_request(self.map.clone())? })
    }
}

/// An environment map, and what is odd about it.
pub(crate) fn read_map(path: &Path) -> Result<(EnvironmentMap, Vec<Diagnostic>), Failure> {
    let bytes = files::read(path, InputKind::Environment)?;
    let decoded = environment::decode(&bytes, &path.display().to_string());
    Ok(decoded.map_err(packshot::Error::from)?)
}

/// Reads a shot file and what it names. Says, too, whether noise is to be removed.
pub(crate) fn from_shot(
    path: &Path,
    args: &PictureArgs,
    planned: &Planned,
    cancel: &CancelToken,
) -> Result<(Subject, Shot, bool), Failure> {
    let bytes = files::read(path, InputKind::Shot)?;
    let folder = if files::is_stream(path) { Path::new("") } else { path.parent().unwrap_or(Path::new("")) };
    let mut open = |name: &str| {
        let opened = std::fs::File::open(folder.join(name))?;
        let bytes = files::read_at_most(&mut { opened }, InputKind::Glb.bytes_max())?;
        bytes.ok_or_else(|| io::Error::other("the file is too large"))
    };
    let read = document::read(&bytes, &shot_stem(path), &overrides(&planned.asked.options), &mut open);
    let document = read.map_err(packshot::Error::from)?;
    let Geometry { file, up_axis, unit_scale } = &document.geometry;
    let look = planned.plan.options.look.unwrap_or_default();
    let options = ImportOptions { up_axis: *up_axis, unit_scale: *unit_scale, look, ..ImportOptions::default() };
    let mut product = Product::import(&document.glb, &options, &PartFilter::default(), cancel)?;
    let materials = PartMaterials::of_shot(&document, &mut product);
    let mut left_out = document.left_out;
    // One that was dumped in this look already says so.
    left_out.shot.extend(dump::look_left_out(look).filter(|look| !left_out.shot.contains(look)));
    let origin = Origin {
        name: document.name.clone(),
        glb_path: Some(folder.join(&file.path)),
        glb: document.glb,
        up_axis: *up_axis,
        unit_scale: *unit_scale,
        environment_path: document.environment_file.as_ref().map(|file| folder.join(&file.path)),
        left_out,
    };
    let mut diagnostics = document.diagnostics;
    if let Some(bounds) = product.scene.bounds() {
        diagnostics.extend(weak_lights(&document.shot, &bounds, |i| format!("/lights/{i}")));
    }
    let shot = Shot { lut: args.lut.read()?, ..document.shot };
    Ok((Subject { product, materials, diagnostics, origin }, shot, document.denoise))
}

/// What wins over the members of a shot.
fn overrides(given: &Options) -> FilmOverrides {
    FilmOverrides {
        width_px: given.width,
        height_px: given.height,
        samples: given.samples,
        noise_threshold: given.noise_threshold.map(|noise| noise as f32),
        seed: given.seed,
        denoise: match given.denoise {
            // `auto` leaves the shot's own wish in force.
            None | Some(Denoise::Auto) => None,
            Some(Denoise::On) => Some(true),
            Some(Denoise::Off) => Some(false),
        },
    }
}

/// The name of a shot that does not name itself.
pub(crate) fn shot_stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "shot".to_owned(), |stem| stem.to_string_lossy().into_owned())
}
