//! From options and files to a product, its materials and a shot: what a render needs.

use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;

use packshot::designs::resolve::PlacementReport;
use packshot::plan::{LightPlan, PicturePlan};
use packshot::product::{PartMaterials, Product};
use packshot::request::MaterialRequest;
use packshot_pipeline::pictures::Pictures;
use packshot_renderer::backend::CancelToken;
use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::shot::lut::Lut;
use packshot_renderer::shot::request::ShotRequest;
use packshot_renderer::shot::{EnvironmentMap, Shot, environment};

use super::args::{LutFile, PictureArgs, Planned};
use super::design::OpenDesign;
use super::shot::OpenShot;
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

impl Subject {
    /// Where its design lies.
    pub(crate) fn placement_report(&self) -> Option<PlacementReport> {
        self.product.design.as_ref().map(|design| design.report.clone())
    }
}

/// Where the files of a picture lie, for a shot that names them.
pub(crate) struct Origin {
    /// What the picture is of.
    pub(crate) name: String,
    /// The path of the GLB; `None` for standard input and samples.
    pub(crate) glb_path: Option<PathBuf>,
    /// Its bytes.
    pub(crate) glb: Vec<u8>,
    /// The path of the environment map's file and the BLAKE3 of its bytes, if it has one that can be read again.
    pub(crate) environment: Option<(PathBuf, String)>,
    /// The file of the lookup table, if there is one.
    pub(crate) lut: Option<LutFile>,
}

/// What all inputs of a command line share, read once.
pub(crate) struct Common<'a> {
    plan: &'a PicturePlan,
    materials: MaterialRequest,
    map: Option<Arc<EnvironmentMap>>,
    map_file: Option<(PathBuf, String)>,
    lut: Option<Arc<Lut>>,
    lut_file: Option<LutFile>,
    design: Option<OpenDesign>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Common<'a> {
    pub(crate) fn read(args: &PictureArgs, planned: &'a Planned) -> Result<Self, Failure> {
        let Planned { plan, given, template, .. } = planned;
        let (library, mut diagnostics) = libraries(&given.libraries)?;
        let materials = plan.material_request(library)?;
        let map_of_template = || template.as_ref().and_then(TemplateFile::light_map);
        let (path, exposure_ev) = match plan.light() {
            LightPlan::Environment => (given.light.clone(), 0.0),
            LightPlan::TemplateMap { exposure_ev, .. } => (map_of_template().map(|(path, _)| path), exposure_ev),
            LightPlan::Rig(_) | LightPlan::Painted(_) | LightPlan::SceneLights => (None, 0.0),
        };
        let (mut map, mut map_file) = (None, None);
        if let Some(path) = path {
            let (read, found, blake3) = read_map(&path)?;
            diagnostics.extend(found);
            map = Some(Arc::new(if exposure_ev == 0.0 { read } else { read.brightened(exposure_ev as f32) }));
            // A brightened map is no longer that of the file, and standard input is read once.
            map_file = Some((path, blake3)).filter(|(path, _)| exposure_ev == 0.0 && !files::is_stream(path));
        }
        let (lut, lut_file) = args.lut.read()?.unzip();
        let design = args.design.read()?;
        Ok(Self { design, plan, materials, map, map_file, lut, lut_file, diagnostics })
    }

    /// Reads one input and finds its materials.
    pub(crate) fn subject(&self, input: &Input, cancel: &CancelToken) -> Result<Subject, Failure> {
        let Source { stem, glb, map, opened } = input.read()?;
        let mut product = self.plan.import(&glb, cancel)?;
        if let Some(OpenDesign { design, request }) = &self.design {
            product.wear(design, request).map_err(of_placement)?;
        }
        let materials = match self.plan.is_clay() {
            true => PartMaterials::clay(&product, self.plan),
            false => product.assign(&self.materials.clone().with_own_map(map))?,
        };
        let glb_path = match input {
            // A file that others lie beside is not all of the product.
            Input::File(path) if !files::is_stream(path) && opened.is_empty() => Some(path.clone()),
            Input::File(_) | Input::Sample(_) => None,
        };
        let (environment, lut) = (self.map_file.clone(), self.lut_file.clone());
        let origin = Origin { name: stem, glb_path, glb, environment, lut };
        let diagnostics = self.diagnostics.iter().cloned().chain(opened).collect();
        Ok(Subject { product, materials, diagnostics, origin })
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
        self.subject(input, cancel).map_err(|failure| input.failed(failure))
    }

    /// The shot that the options ask for.
    pub(crate) fn shot(&self, subject: &mut Subject) -> Result<Shot, Failure> {
        let (pictures, found) = Pictures::build(self.plan, &self.request()?, &subject.product.scene)?;
        subject.diagnostics.extend(found);
        Ok(pictures.into_still()?)
    }

    /// What is asked for, in the light that was read.
    pub(crate) fn request(&self) -> Result<ShotRequest, Failure> {
        Ok(ShotRequest { lut: self.lut.clone(), ..self.plan.shot_request(self.map.clone())? })
    }
}

/// The one product of a command that takes many pictures of it, and these pictures: those of a shot, or those that the
/// options ask for.
pub(crate) fn series(
    shot: Option<&OpenShot>,
    (input, sample): (Option<&PathBuf>, Option<&String>),
    args: &PictureArgs,
    planned: &Planned,
    cancel: &CancelToken,
) -> Result<(Subject, Pictures), Failure> {
    if let Some(shot) = shot {
        return shot.subject(args, planned, cancel);
    }
    let common = Common::read(args, planned)?;
    let mut subject = common.product(input, sample, cancel)?;
    let (pictures, found) = Pictures::build(&planned.plan, &common.request()?, &subject.product.scene)?;
    subject.diagnostics.extend(found);
    Ok((subject, pictures))
}

/// What is wrong with the area, or with a member of the placement, has its place in the option that says it.
fn of_placement(mut error: packshot::Error) -> packshot::Error {
    for fault in &mut error.faults {
        if let Some(member) = fault.at.strip_prefix('/') {
            fault.at = format!("--place {member}");
        } else if fault.at.is_empty() {
            fault.at = match fault.code.as_str() {
                "printable_area_not_mappable" | "placement_clipped" | "placement_outside_area" => "--place",
                _ => "--on",
            }
            .to_owned();
        }
    }
    error
}

/// An environment map, what is odd about it, and the BLAKE3 of its file.
pub(crate) fn read_map(path: &Path) -> Result<(EnvironmentMap, Vec<Diagnostic>, String), Failure> {
    let bytes = files::read(path, InputKind::Environment)?;
    let decoded = environment::decode(&bytes, &path.display().to_string());
    let (map, found) = decoded.map_err(packshot::Error::from)?;
    Ok((map, found, blake3::hash(&bytes).to_hex().to_string()))
}
