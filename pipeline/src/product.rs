//! A product: what a file holds, and which material each of its parts gets.
//!
//! Input: the bytes of a GLB and a [`MaterialRequest`]. Output: a [`Product`] and its [`PartMaterials`], each with what was
//! noticed on the way.

use std::collections::HashMap;

use packshot_materials::finding::{Finding, Severity as FindingSeverity};
use packshot_materials::library::{Library, LibraryMaterialIdx, Surface};
use packshot_materials::mapping::{Assignment, OnUnmapped, PartNames, Report, Resolver};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::CancelToken;
use packshot_renderer::diagnostic::{Diagnostic, Severity};
use packshot_renderer::import::{self, Choices, ImportOptions, SceneStats};
use packshot_renderer::prepare::{PaletteEntry, PartMaterial};
use packshot_renderer::scene::{Mesh, Part, PartIdx, Scene};
use packshot_renderer::shot::document::ShotDocument;
use serde::Serialize;

use crate::error::{Error, ErrorKind, Fault};
use crate::request::{MaterialRequest, PartFilter};

/// Names in a message, at most.
const NAMED_MAX: usize = 20;
/// The shown parts of a file.
#[derive(Clone, Debug)]
pub struct Product {
    /// BLAKE3 of the file's bytes, 64 lower-case hexadecimal digits.
    pub blake3: String,
    /// The scene, without the parts that the filter takes out.
    pub scene: Scene,
    /// The parts that the filter took out.
    pub hidden: Vec<Part>,
    /// How much there is.
    pub stats: SceneStats,
    /// What is odd about the file.
    pub diagnostics: Vec<Diagnostic>,
    /// What the file offers to choose from, and what was chosen.
    pub choices: Choices,
}

impl Product {
    /// Reads a GLB, or a glTF whose buffers and images are embedded.
    ///
    /// # Errors
    /// `glb.…` for a file that is refused, `usage.nothing_left` when the filter leaves no part, `cancelled`.
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
        Ok(Self { blake3, scene, hidden, stats, diagnostics, choices: report.choices })
    }

    /// Hides the parts that are not to be seen, unless that is all of them.
    fn hide_unless(&mut self, is_seen: impl Fn(&Part) -> bool) {
        if !self.scene.parts.iter().any(&is_seen) || self.scene.parts.iter().all(&is_seen) {
            return;
        }
        let (seen, hidden) = std::mem::take(&mut self.scene.parts).into_iter().partition(is_seen);
        self.scene.parts = seen;
        self.hidden.extend::<Vec<Part>>(hidden);
        self.stats = of_shown(&self.scene, self.stats);
    }

    /// What is known of each part by name.
    pub fn part_names(&self) -> Vec<PartNames> {
        let scene = &self.scene;
        let material_name = |material: usize| scene.materials[material].name.clone().unwrap_or_default();
        let names = |(part_idx, part): (u32, &Part)| PartNames {
            path: part.path.clone(),
            node: part.node_name.clone(),
            mesh: part.mesh_name.clone(),
            gltf_materials: scene.meshes[part.mesh.0 as usize]
                .primitives
                .iter()
                .map(|primitive| primitive.material.map(|material| material_name(material.0 as usize)))
                .collect(),
            extras: part.cad_names.clone(),
            area: scene.part_area_m2(PartIdx(part_idx)),
        };
        (0..).zip(&scene.parts).map(names).collect()
    }

    /// Finds the material of each part, and logs a line for each.
    ///
    /// # Errors
    /// `unmapped_parts` when nothing matches some part and the request says to fail then.
    pub fn assign(&self, request: &MaterialRequest) -> Result<PartMaterials, Error> {
        let materials = PartMaterials::resolve(self, request);
        materials.log();
        if request.on_unmapped == OnUnmapped::Fail
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
    /// How each part found its material; `None` where a shot says it, or all are clay.
    pub report: Option<Report>,
    /// What was noticed.
    pub diagnostics: Vec<Diagnostic>,
}

/// A material in use.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PaletteMaterial {
    /// Its id in the library, or its name in the shot.
    pub id: String,
    /// Its parameters.
    pub openpbr: OpenPbr,
    /// Which of several bodies around a point fills it: the one of the highest priority.
    pub priority: u8,
    /// Grain and fine structures.
    pub surface: Surface,
    /// What of it a shot file has no place for, such as surface details.
    pub left_out: Vec<String>,
}

impl PartMaterials {
    /// As [`Product::assign`], but unmapped parts are never an error.
    pub fn resolve(product: &Product, request: &MaterialRequest) -> Self {
        let library = &*request.library;
        let names = product.part_names();
        let mut outcome = Resolver::new(library, request.map.as_ref(), request.on_unmapped).resolve(&names);
        request.overrides.apply(library, &names, &mut outcome);
        let mut palette = Palette::new(library);
        let parts: Vec<_> = outcome.assignments.iter().map(|primitives| palette.part(primitives)).collect();
        let diagnostics = outcome.findings.into_iter().map(diagnostic).collect();
        let palette = palette.materials;
        Self { palette, parts, report: Some(outcome.report), diagnostics }.inspected(&product.scene)
    }

    /// One light grey, dull material for all parts of a product: what is left is its form.
    pub fn clay(product: &Product) -> Self {
        let openpbr =
            OpenPbr { base_color: [0.6; 3], specular_weight: 0.3, specular_roughness: 0.6, ..OpenPbr::default() };
        let clay = PaletteMaterial {
            id: "clay".to_owned(),
            openpbr,
            priority: 0,
            surface: Surface::default(),
            left_out: Vec::new(),
        };
        let parts = vec![PartMaterial::Palette(0); product.scene.parts.len()];
        Self { palette: vec![clay], parts, report: None, diagnostics: Vec::new() }
    }

    /// The materials that a shot gives to the parts of its product. Parts that it makes invisible (an opacity of 0 lets every ray pass)
    /// are hidden, unless nothing would be left: a shot dumped with hidden parts gives the same picture again.
    pub fn of_shot(document: &ShotDocument, product: &mut Product) -> Self {
        let is_seen = |part: &Part| match document.material_of(&part.name()) {
            Some((_, openpbr)) => openpbr.geometry_opacity > 0.0,
            None => true,
        };
        let part_names: Vec<String> = product.scene.parts.iter().map(Part::name).collect();
        product.hide_unless(is_seen);
        let scene = &product.scene;
        let names: Vec<&String> = document.materials.keys().collect();
        let palette = document.materials.iter().map(|(id, openpbr)| PaletteMaterial {
            id: id.clone(),
            openpbr: *openpbr,
            priority: 0,
            surface: Surface::default(),
            left_out: document.left_out.of_material(id).to_vec(),
        });
        let palette: Vec<_> = palette.collect();
        let part = |part: &Part| match document.material_of(&part.name()) {
            Some((name, _)) => PartMaterial::Palette(names.partition_point(|known| known.as_str() < name)),
            None => PartMaterial::Own,
        };
        let diagnostics = document.parts.unmatched(part_names.iter().map(String::as_str));
        let parts: Vec<_> = scene.parts.iter().map(part).collect();
        Self { palette, parts, report: None, diagnostics }.inspected(scene)
    }

    /// With what is noticed about the materials on these parts.
    fn inspected(mut self, scene: &Scene) -> Self {
        self.diagnostics.extend(not_followed(&self.palette));
        self.diagnostics.extend(packshot_renderer::inspect::bodies(scene, &self.entries(), &self.parts, &|| false));
        self
    }

    /// Logs how each part found its material.
    pub fn log(&self) {
        for item in self.report.iter().flat_map(|report| &report.items) {
            tracing::info!("{}", item.log_line());
        }
    }

    /// How many parts nothing matches.
    pub fn unmapped(&self) -> usize {
        self.report.as_ref().map_or(0, |report| report.unmapped)
    }

    /// The names of the parts that nothing matches, as a sentence lists them.
    pub fn unmapped_names(&self) -> String {
        let items = self.report.iter().flat_map(Report::unmapped_items);
        let mut names: Vec<String> = items.take(NAMED_MAX).map(|item| format!("`{}`", item.display_name())).collect();
        if self.unmapped() > NAMED_MAX {
            names.push(format!("{} more", self.unmapped() - NAMED_MAX));
        }
        names.join(", ")
    }

    /// Why a request that accepts no unmapped part is refused; `None` when all are mapped.
    pub fn unmapped_error(&self) -> Option<Error> {
        let report = self.report.as_ref().filter(|report| report.unmapped > 0)?;
        let message =
            format!("{} of {} parts have no material: {}", report.unmapped, report.parts, self.unmapped_names());
        let at = report.unmapped_items().next().map_or_else(String::new, |item| item.path.clone());
        let help = "add them to the material map; `packshot map init` writes one with suggestions";
        Some(Error::new(ErrorKind::Unmapped, Fault::new("unmapped_parts", message).at(at).help(help)))
    }

    /// The palette as the renderer takes it.
    pub fn entries(&self) -> Vec<PaletteEntry> {
        let entry = |PaletteMaterial { openpbr, priority, surface, .. }: &PaletteMaterial| PaletteEntry {
            openpbr: *openpbr,
            priority: *priority,
            surface: surface.clone(),
        };
        self.palette.iter().map(entry).collect()
    }
}

/// The counts of a file after parts were taken out.
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

/// Materials of a library as they come into use.
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
            let bevel = material.surface.bevel_mm.map(|_| "surface bevel".to_owned());
            let grain = material.surface.tangent.map(|_| "surface grain".to_owned());
            let details = material.surface.detail.iter().map(|detail| {
                let word = serde_json::to_value(detail.kind).unwrap_or_default();
                format!("surface detail {}", word.as_str().unwrap_or_default())
            });
            let priority = (material.priority > 0).then(|| format!("priority {}", material.priority));
            self.materials.push(PaletteMaterial {
                id: material.id.clone(),
                openpbr: material.openpbr,
                priority: material.priority,
                surface: material.surface.clone(),
                left_out: bevel.into_iter().chain(grain).chain(details).chain(priority).collect(),
            });
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

/// Materials whose parameters this renderer does not follow completely yet.
fn not_followed(palette: &[PaletteMaterial]) -> impl Iterator<Item = Diagnostic> {
    palette.iter().filter_map(|material| {
        let parameters = packshot_renderer::prepare::left_out(&material.openpbr, &material.surface);
        (!parameters.is_empty()).then(|| Diagnostic {
            code: "material_simplified",
            severity: Severity::Info,
            at: material.id.clone(),
            message: format!("shown without {}", parameters.join(", ")),
        })
    })
}

/// A finding of the material library or mapping among those of the renderer.
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

#[cfg(test)]
mod tests;
