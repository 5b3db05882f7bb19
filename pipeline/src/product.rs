//! A product: the content of a file, and the material of each of its parts.
//!
//! Input: the bytes of a GLB and a [`MaterialRequest`]. Output: a [`Product`] and its [`PartMaterials`], each with its
//! findings.

use std::collections::HashMap;

use packshot_materials::finding::{Finding, Severity as FindingSeverity};
use packshot_materials::library::{Library, LibraryMaterialIdx, Material, Surface, Textures};
use packshot_materials::mapping::{
    Assignment, OnUnmapped, OwnMaterial, PartNames, Reason, Report, ReportItem, Resolver,
};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::CancelToken;
use packshot_renderer::diagnostic::{Diagnostic, Severity};
use packshot_renderer::import::{self, Choices, ImportOptions, SceneStats};
use packshot_renderer::look::Look;
use packshot_renderer::prepare::{PaletteEntry, PartMaterial};
use packshot_renderer::scene::{Mesh, Part, PartIdx, Primitive, Scene};
use serde::Serialize;

use crate::design::ProductDesign;
use crate::error::{Error, ErrorKind, Fault};
use crate::plan::PicturePlan;
use crate::request::{MaterialRequest, PartFilter};
use crate::shot_file::{PartRule, ShotFile, Wears};

/// Names in a message, at most.
const NAMED_MAX: usize = 20;
/// The shown content of a file.
#[derive(Clone, Debug)]
pub struct Product {
    /// BLAKE3 of the file's bytes, 64 lower-case hexadecimal digits.
    pub blake3: String,
    /// How the file was read.
    pub import: ImportOptions,
    /// The scene, without the parts that the filter removes.
    pub scene: Scene,
    /// The parts that the filter removed.
    pub hidden: Vec<Part>,
    /// Counts.
    pub stats: SceneStats,
    /// Findings about the file.
    pub diagnostics: Vec<Diagnostic>,
    /// The choices that the file offers, and what was chosen.
    pub choices: Choices,
    /// The design that it wears.
    pub design: Option<ProductDesign>,
}

impl Product {
    /// Reads a GLB, or a glTF whose buffers and images are embedded.
    ///
    /// # Errors
    /// `glb.…` for a file that is refused, `shot.part_not_found` or `usage.nothing_left` when the filter removes every
    /// part, `cancelled`.
    pub fn import(
        bytes: &[u8],
        options: &ImportOptions,
        filter: &PartFilter,
        cancel: &CancelToken,
    ) -> Result<Self, Error> {
        let (mut scene, report) = import::load(bytes, options, &|| cancel.is_cancelled())?;
        let (hidden, found) = filter.apply(&mut scene)?;
        let mut diagnostics = report.diagnostics;
        diagnostics.extend(found);
        let stats = if hidden.is_empty() { report.stats } else { of_shown(&scene, report.stats) };
        let blake3 = blake3::hash(bytes).to_hex().to_string();
        let import = options.clone();
        Ok(Self { blake3, import, scene, hidden, stats, diagnostics, choices: report.choices, design: None })
    }

    /// Hides the parts that are not wanted, unless that would be all of them.
    fn hide_unless(&mut self, is_seen: impl Fn(&Part) -> bool) {
        if !self.scene.parts.iter().any(&is_seen) || self.scene.parts.iter().all(&is_seen) {
            return;
        }
        let (seen, hidden) = std::mem::take(&mut self.scene.parts).into_iter().partition(is_seen);
        self.scene.parts = seen;
        self.hidden.extend::<Vec<Part>>(hidden);
        self.stats = of_shown(&self.scene, self.stats);
    }

    /// The names of each part.
    pub fn part_names(&self) -> Vec<PartNames> {
        let scene = &self.scene;
        let material_name = |material: usize| scene.materials[material].name.clone().unwrap_or_default();
        let own = |primitive: &Primitive| match primitive.material {
            Some(material) => OwnMaterial::Named(material_name(material.0 as usize)),
            // glTF's default material takes vertex colours, and Blender's look shows parts without a material too.
            None if !primitive.colors.is_empty() || scene.look == Look::Blender50 => OwnMaterial::Plain,
            None => OwnMaterial::Nothing,
        };
        let names = |(part_idx, part): (u32, &Part)| PartNames {
            path: part.path.clone(),
            node: part.node_name.clone(),
            mesh: part.mesh_name.clone(),
            own: scene.meshes[part.mesh.0 as usize].primitives.iter().map(own).collect(),
            extras: part.cad_names.clone(),
            area: scene.part_area_m2(PartIdx(part_idx)),
        };
        (0..).zip(&scene.parts).map(names).collect()
    }

    /// Finds the material of each part, and logs a line for each.
    ///
    /// # Errors
    /// `unmapped_parts` when some part is unmapped and the request says to fail then.
    pub fn assign(&self, request: &MaterialRequest) -> Result<PartMaterials, Error> {
        let materials = PartMaterials::resolve(self, request);
        materials.log();
        if request.policy.on_unmapped == OnUnmapped::Fail
            && let Some(error) = materials.unmapped_error()
        {
            return Err(error);
        }
        Ok(materials)
    }
}

/// Which material each part of a product gets.
#[derive(Clone, Debug)]
pub struct PartMaterials {
    /// Materials in use.
    pub palette: Vec<PaletteMaterial>,
    /// One per part of the scene; indices are into `palette`.
    pub parts: Vec<PartMaterial>,
    /// How each part got its material; `None` if a shot says it, or if all parts are clay.
    pub report: Option<Report>,
    /// The material library that was used, with version and digest.
    pub library: Option<String>,
    /// Findings.
    pub diagnostics: Vec<Diagnostic>,
}

/// A material in use.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PaletteMaterial {
    /// Its id in the library, or its name in the shot.
    pub id: String,
    /// Its parameters.
    pub openpbr: OpenPbr,
    /// Where bodies overlap, the one with the highest priority fills the point.
    pub priority: u8,
    /// Grain and fine structures.
    pub surface: Surface,
    /// Pictures on it.
    pub textures: Option<Textures>,
}

impl PaletteMaterial {
    /// A material with OpenPBR's defaults.
    pub(crate) fn named(id: &str) -> Self {
        Self::plain(id, OpenPbr::default())
    }

    /// A material without grain, structures and pictures, of the lowest priority.
    pub fn plain(id: &str, openpbr: OpenPbr) -> Self {
        Self { id: id.to_owned(), openpbr, priority: 0, surface: Surface::default(), textures: None }
    }
}

impl From<&Material> for PaletteMaterial {
    fn from(material: &Material) -> Self {
        Self {
            id: material.id.clone(),
            openpbr: material.openpbr,
            priority: material.priority,
            surface: material.surface.clone(),
            textures: material.textures.clone(),
        }
    }
}

impl PartMaterials {
    /// As [`Product::assign`], but unmapped parts are never an error.
    pub fn resolve(product: &Product, request: &MaterialRequest) -> Self {
        let library = &*request.library;
        let names = product.part_names();
        let mut outcome = Resolver::new(library, request.map.as_ref(), request.policy).resolve(&names);
        request.overrides.apply(library, &names, &mut outcome);
        let mut palette = Palette::new(library);
        let parts: Vec<_> = outcome.assignments.iter().map(|primitives| palette.part(primitives)).collect();
        let diagnostics = outcome.findings.into_iter().map(diagnostic).collect();
        let (palette, report) = (palette.materials, outcome.report);
        let library = Some(report.library.clone());
        Self { palette, parts, report: Some(report), library, diagnostics }.inspected(&product.scene)
    }

    /// One light grey, matte material for all parts of a product, which shows its form only, whatever materials the
    /// plan chooses: a finding says that they are not used.
    pub fn clay(product: &Product, plan: &PicturePlan) -> Self {
        let openpbr =
            OpenPbr { base_color: [0.6; 3], specular_weight: 0.3, specular_roughness: 0.6, ..OpenPbr::default() };
        let clay = PaletteMaterial::plain("clay", openpbr);
        let parts = vec![PartMaterial::Palette(0); product.scene.parts.len()];
        Self { palette: vec![clay], parts, report: None, library: None, diagnostics: plan.unused_for_clay() }
    }

    /// The materials that a shot gives to the parts of its product. Parts that the shot hides are removed.
    ///
    /// # Errors
    /// `shot.nothing_to_frame` when no part remains; `shot.range` when a list of materials does not have one for each
    /// primitive.
    pub fn of_shot(shot: &ShotFile, product: &mut Product) -> Result<Self, Error> {
        let diagnostics = shot.parts.unmatched(&product.scene.parts);
        if product.scene.parts.iter().all(|part| *shot.parts.wears(part) == Wears::Hidden) {
            let fault = Fault::new("shot.nothing_to_frame", "the shot hides every part of its product").at("/parts");
            return Err(Error::new(ErrorKind::Input, fault.help("remove `hidden` from at least one of the parts")));
        }
        product.hide_unless(|part| shot.parts.shows(part));
        let of_name: HashMap<&str, &PaletteMaterial> =
            shot.materials.iter().map(|material| (material.id.as_str(), material)).collect();
        let (mut palette, mut indices) = (Vec::new(), HashMap::new());
        let mut index = |name: &str| {
            let (&id, &material) = of_name.get_key_value(name)?;
            Some(*indices.entry(id).or_insert_with(|| {
                palette.push(material.clone());
                palette.len() - 1
            }))
        };
        let mut parts = Vec::with_capacity(product.scene.parts.len());
        for part in &product.scene.parts {
            parts.push(match shot.parts.wears(part) {
                Wears::Own | Wears::Hidden => PartMaterial::Own,
                Wears::Material(name) => index(name).map_or(PartMaterial::Own, PartMaterial::Palette),
                Wears::PerPrimitive(each) => {
                    let n = product.scene.meshes[part.mesh.0 as usize].primitives.len();
                    if each.len() != n {
                        let message =
                            format!("{:?} has {n} primitives, but {} materials are given", part.path, each.len());
                        let at = shot.parts.rule(part).map_or("/parts", PartRule::at);
                        let fault = Fault::new("shot.range", message).at(at);
                        return Err(Error::new(
                            ErrorKind::Input,
                            fault.help("give one material for each, or one for all"),
                        ));
                    }
                    PartMaterial::PerPrimitive(each.iter().map(|name| index(name.as_deref()?)).collect())
                }
            });
        }
        let library = shot.library.clone();
        Ok(Self { palette, parts, report: None, library, diagnostics }.inspected(&product.scene))
    }

    /// Adds findings about these materials on these parts.
    fn inspected(mut self, scene: &Scene) -> Self {
        self.diagnostics.extend(not_followed(&self.palette));
        self.diagnostics.extend(packshot_renderer::inspect::bodies(scene, &self.entries(), &self.parts, &|| false));
        self
    }

    /// Logs how each part got its material.
    pub fn log(&self) {
        for item in self.report.iter().flat_map(|report| &report.items) {
            tracing::info!("{}", item.log_line());
        }
    }

    /// Number of unmapped parts.
    pub fn unmapped(&self) -> usize {
        self.report.as_ref().map_or(0, |report| report.unmapped)
    }

    /// The library material that unmapped parts are shown in; `None` if they look as in their file, or there are none.
    pub fn unmapped_material(&self) -> Option<&str> {
        self.report.iter().flat_map(Report::unmapped_items).find_map(|item| item.material.as_deref())
    }

    /// The names of the unmapped parts, for use in a sentence.
    pub fn unmapped_names(&self) -> String {
        let items = self.report.iter().flat_map(Report::unmapped_items);
        let mut names: Vec<String> = items.take(NAMED_MAX).map(name_of_unmapped).collect();
        if self.unmapped() > NAMED_MAX {
            names.push(format!("{} more", self.unmapped() - NAMED_MAX));
        }
        names.join(", ")
    }

    /// The error for a request that accepts no unmapped part; `None` when all are mapped.
    pub fn unmapped_error(&self) -> Option<Error> {
        let report = self.report.as_ref().filter(|report| report.unmapped > 0)?;
        let (n, of) = (report.unmapped, report.parts);
        let have = if n == 1 { "has" } else { "have" };
        let message = format!("{n} of {of} parts {have} no material: {}", self.unmapped_names());
        let at = report.unmapped_items().next().map_or_else(String::new, |item| item.path.clone());
        let way_out = "give each a material in the material map; `packshot map init` writes one to complete";
        // Perhaps one of them was meant.
        let is_slip = |found: &&Diagnostic| found.code == "unused_map_entry" && found.severity == Severity::Warning;
        let help = match self.diagnostics.iter().find(is_slip) {
            Some(Diagnostic { message, .. }) if message.ends_with('?') => format!("{message} Otherwise {way_out}"),
            Some(Diagnostic { message, .. }) => format!("{message}. Correct that entry, or {way_out}"),
            None => way_out.to_owned(),
        };
        Some(Error::new(ErrorKind::Unmapped, Fault::new("unmapped_parts", message).at(at).help(help)))
    }

    /// The palette in the renderer's types.
    pub fn entries(&self) -> Vec<PaletteEntry> {
        let entry = |material: &PaletteMaterial| PaletteEntry {
            openpbr: material.openpbr,
            priority: material.priority,
            surface: material.surface.clone(),
            textures: material.textures.clone(),
        };
        self.palette.iter().map(entry).collect()
    }
}

/// The counts of a file after parts were removed.
fn of_shown(scene: &Scene, stats: SceneStats) -> SceneStats {
    let count = |of: fn(&Mesh) -> u64| scene.parts.iter().map(|part| of(&scene.meshes[part.mesh.0 as usize])).sum();
    SceneStats {
        triangles: count(Mesh::triangle_count),
        vertices: count(Mesh::vertex_count),
        instances: scene.parts.len(),
        bounds: scene.bounds(),
        ..stats
    }
}

/// Adds library materials to the palette on first use.
struct Palette<'a> {
    library: &'a Library,
    materials: Vec<PaletteMaterial>,
    indices: HashMap<LibraryMaterialIdx, usize>,
}

impl<'a> Palette<'a> {
    fn new(library: &'a Library) -> Self {
        Self { library, materials: Vec::new(), indices: HashMap::new() }
    }

    fn index(&mut self, assignment: Assignment) -> Option<usize> {
        let Assignment::Library(idx) = assignment else { return None };
        let material = self.library.material(idx);
        Some(*self.indices.entry(idx).or_insert_with(|| {
            self.materials.push(material.into());
            self.materials.len() - 1
        }))
    }

    fn part(&mut self, primitives: &[Assignment]) -> PartMaterial {
        let each: Vec<Option<usize>> = primitives.iter().map(|&assignment| self.index(assignment)).collect();
        match each.first() {
            Some(&first) if each.iter().all(|&other| other == first) => {
                first.map_or(PartMaterial::Own, PartMaterial::Palette)
            }
            Some(_) => PartMaterial::PerPrimitive(each),
            None => PartMaterial::Own,
        }
    }
}

/// Findings for materials with parameters that this renderer does not support completely yet.
fn not_followed(palette: &[PaletteMaterial]) -> impl Iterator<Item = Diagnostic> {
    palette.iter().filter_map(|material| {
        let parameters = packshot_renderer::prepare::left_out(&material.openpbr, &material.surface);
        (!parameters.is_empty()).then(|| Diagnostic {
            code: "material_simplified",
            severity: Severity::Info,
            at: material.id.clone(),
            message: format!("the material is rendered without {}", parameters.join(", ")),
        })
    })
}

/// Converts a finding of the material library or mapping to one of the renderer.
pub fn diagnostic(finding: Finding) -> Diagnostic {
    let severity = match finding.severity {
        FindingSeverity::Info => Severity::Info,
        FindingSeverity::Warning => Severity::Warning,
        FindingSeverity::Error => Severity::Error,
    };
    let message = match finding.help {
        Some(help) => format!("{}; {help}", finding.message),
        None => finding.message,
    };
    Diagnostic { code: finding.code, severity, at: finding.at, message }
}

/// The name of an unmapped part in a message, with the material name given to it if no library has that.
fn name_of_unmapped(item: &ReportItem) -> String {
    let name = format!("`{}`", item.display_name());
    if let (Some(Reason::TextureMissing), Some(wanted)) = (item.reason, &item.string) {
        return format!("{name} (the library of `{wanted}` lacks a picture of it)");
    }
    let (Some(Reason::MaterialMissing), Some(wanted)) = (item.reason, &item.string) else { return name };
    match item.suggestions.first() {
        Some(near) => format!("{name} (no library has the material `{wanted}`; did you mean `{}`?)", near.material),
        None => format!("{name} (no library has the material `{wanted}`)"),
    }
}

#[cfg(test)]
mod tests;
