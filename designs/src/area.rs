//! Printable areas of a scene: found by the name of a material or part, and laid out flat.
//!
//! Input: a [`Scene`] and an [`AreaRequest`]. Output: an [`Area`], measured in millimetres. [`detect`] lists what could
//! be one.

use glam::{DVec2, DVec3};
use packshot_materials::name::{is_unnamed, match_key};
use packshot_renderer::scene::{PartIdx, Scene};
use packshot_words::{KnownNames, did_you_mean, words};

use self::chart::Chart;
use self::surface::Surface;
use crate::error::{DesignCode as Code, DesignError};
use crate::placement::Spot;

pub(crate) mod chart;
mod coordinates;
pub(crate) mod coverage;
mod cylindrical;
pub(crate) mod planar;
mod surface;

/// A side of an area, at least, in millimetres.
pub(crate) const SIDE_MM_MIN: f64 = 1e-3;
/// Names that a message lists, at most.
const NAMED_MAX: usize = 12;
/// The fraction of an area that may lie on another part of it in texture coordinates.
pub(crate) const OVERLAP_MAX: f64 = 0.01;

words! {
    /// How an area is laid out flat.
    #[derive(Default)]
    pub enum MappingWord {
        /// By texture coordinates where there are any, else around an axis where it is round, else along a direction
        #[default]
        Auto = "auto",
        /// By the file's texture coordinates
        Uv = "uv",
        /// Projected along a direction
        Planar = "planar",
        /// Around an axis
        Cylindrical = "cylindrical",
    }
}

words! {
    /// An axis of the product, for cylindrical areas.
    pub enum AxisWord {
        /// To the right
        X = "x",
        /// Upwards
        Y = "y",
        /// To the front
        Z = "z",
    }
}

impl AxisWord {
    fn direction(self) -> DVec3 {
        match self {
            Self::X => DVec3::X,
            Self::Y => DVec3::Y,
            Self::Z => DVec3::Z,
        }
    }
}

/// Which surfaces of a product are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Those with a material of the file.
    Material(String),
    /// Those of a part: a node's path, a node's name or a mesh's name.
    Part(String),
    /// Those of a part that have a material.
    Both {
        /// The material's name.
        material: String,
        /// The part's name.
        part: String,
    },
    /// Those of a part or of a material, whichever has the name.
    Named(String),
}

/// What is wanted of an area.
#[derive(Clone, Debug, PartialEq)]
pub struct AreaRequest {
    /// The surfaces.
    pub selector: Selector,
    /// How they are laid out flat.
    pub mapping: MappingWord,
    /// The set of texture coordinates, 0 or 1.
    pub uv_set: u32,
    /// The axis of a cylindrical area; where it is not given the one that fits best.
    pub axis: Option<AxisWord>,
    /// A margin that a design keeps away from the area's edge unless its size is given.
    pub safe_mm: f64,
}

impl AreaRequest {
    /// These surfaces, laid out as they are best.
    pub fn new(selector: Selector) -> Self {
        Self { selector, mapping: MappingWord::Auto, uv_set: 0, axis: None, safe_mm: 0.0 }
    }
}

/// A printable area of a product.
#[derive(Clone, Debug)]
pub struct Area {
    /// What it is called.
    pub name: String,
    /// How it is laid out: never `auto`.
    pub mapping: MappingWord,
    /// Width and height on the upright surface, millimetres.
    pub size_mm: [f64; 2],
    /// Whether it closes around the product, so that a design crosses the seam.
    pub wraps: bool,
    /// The 99th percentile by area of how much lengths are stretched or shrunk; 1 for none.
    pub distortion: f64,
    /// The fraction of its texture coordinates that several places share.
    pub overlap: f64,
    /// The margin inside its edge, millimetres.
    pub safe_mm: f64,
    /// Its surface, square millimetres.
    pub surface_mm2: f64,
    /// Its primitives: of a part, the index in its mesh.
    pub surfaces: Vec<(PartIdx, usize)>,
    pub(crate) chart: Chart,
    surface: Surface,
}

impl Area {
    fn new(
        scene: &Scene,
        middle: DVec3,
        name: String,
        surfaces: Vec<(PartIdx, usize)>,
        wanted: &AreaRequest,
    ) -> Result<Self, DesignError> {
        let surface = Surface::new(scene, &surfaces, wanted.uv_set);
        let (mapping, chart) = lay_out(&surface, middle, &name, wanted)?;
        let [width, height] = chart.upright_size_mm();
        Ok(Self {
            name,
            mapping,
            size_mm: [width, height],
            wraps: chart.wraps.contains(&true),
            distortion: chart.distortion(|_| true),
            overlap: match mapping {
                MappingWord::Uv => coverage::overlap(&chart),
                _ => 0.0,
            },
            safe_mm: wanted.safe_mm,
            surface_mm2: surface.area_m2 * 1e6,
            surfaces,
            chart,
            surface,
        })
    }

    /// The same area as a placement sees it, and the place that x and y count from, on the texture: the middle, or
    /// where the spot is. A planar area is projected along the spot's direction.
    pub(crate) fn seen_from(&self, spot: Option<&Spot>) -> Result<(Self, DVec2), DesignError> {
        let Some(spot) = spot else { return Ok((self.clone(), 0.5 * self.chart.size_mm)) };
        let mut area = self.clone();
        let no_surface = || {
            let message = match self.mapping {
                MappingWord::Cylindrical => format!("no round surface of `{}` faces {spot}", self.name),
                _ => format!("no surface of `{}` faces {spot}", self.name),
            };
            let help = match self.mapping {
                MappingWord::Planar => "choose another side or point with `at`",
                _ => "choose another side or point with `at`, or the mapping `planar`",
            };
            DesignError::new(Code::AreaNotMappable, message, help).at("/at")
        };
        if self.mapping == MappingWord::Planar {
            let outward = match spot {
                Spot::Side { direction, .. } => *direction,
                Spot::Point(point) => {
                    let nearest = self.surface.faces.iter().map(|face| (face.distance(*point), face.normal));
                    nearest.min_by(|a, b| a.0.total_cmp(&b.0)).ok_or_else(no_surface)?.1
                }
            };
            area.chart = planar::chart(&self.surface, outward).ok_or_else(no_surface)?;
            area.size_mm = area.chart.upright_size_mm();
            area.distortion = area.chart.distortion(|_| true);
        }
        let origin = match spot {
            Spot::Side { .. } if self.mapping == MappingWord::Planar => Some(0.5 * area.chart.size_mm),
            Spot::Side { direction, .. } => area.chart.facing(*direction),
            Spot::Point(point) => area.chart.nearest(*point),
        };
        Ok((area, origin.ok_or_else(no_surface)?))
    }
}

/// `middle` is that of the product.
fn lay_out(
    surface: &Surface,
    middle: DVec3,
    name: &str,
    wanted: &AreaRequest,
) -> Result<(MappingWord, Chart), DesignError> {
    let cannot = |message: String, help: &str| DesignError::new(Code::AreaNotMappable, message, help);
    let by_coordinates = || coordinates::chart(surface, wanted.uv_set);
    let around = |share_min: f64| {
        let (cylinder, share) = cylindrical::fit(surface, wanted.axis.map(AxisWord::direction))?;
        cylindrical::chart(surface, &cylinder).filter(|_| share >= share_min)
    };
    let along = || planar::chart(surface, surface.outward(middle));
    match wanted.mapping {
        MappingWord::Uv => by_coordinates().map(|chart| (MappingWord::Uv, chart)).ok_or_else(|| {
            let message = format!("`{name}` has no texture coordinates of set {}", wanted.uv_set);
            cannot(message, "choose the mapping `planar` or `cylindrical`")
        }),
        MappingWord::Cylindrical => around(0.0).map(|chart| (MappingWord::Cylindrical, chart)).ok_or_else(|| {
            cannot(format!("no surface of `{name}` is round"), "name the axis, or choose the mapping `planar`")
        }),
        MappingWord::Planar => along().map(|chart| (MappingWord::Planar, chart)).ok_or_else(|| no_extent(name)),
        MappingWord::Auto => by_coordinates()
            .map(|chart| (MappingWord::Uv, chart))
            .or_else(|| Some((MappingWord::Cylindrical, around(cylindrical::SHARE_MIN)?)))
            .or_else(|| Some((MappingWord::Planar, along()?)))
            .ok_or_else(|| no_extent(name)),
    }
}

fn no_extent(name: &str) -> DesignError {
    let message = format!("`{name}` has no surface that a design could lie on");
    DesignError::new(Code::AreaNotMappable, message, "choose another part or material")
}

/// Finds an area.
///
/// # Errors
/// `printable_area_not_found`, `printable_area_ambiguous`, `printable_area_not_mappable`.
pub fn find(scene: &Scene, wanted: &AreaRequest) -> Result<Area, DesignError> {
    find_beside(middle(scene), scene, wanted)
}

/// The middle of a product.
fn middle(scene: &Scene) -> DVec3 {
    scene.bounds().map_or(DVec3::ZERO, |bounds| 0.5 * (bounds.min + bounds.max))
}

/// The same, where the product's middle is known: of thousands of parts it is not computed anew for each.
fn find_beside(middle: DVec3, scene: &Scene, wanted: &AreaRequest) -> Result<Area, DesignError> {
    let (name, surfaces) = match &wanted.selector {
        Selector::Material(name) => (name, of_material(scene, name).ok_or_else(|| no_material(scene, name))?),
        Selector::Part(name) => (name, of_part(scene, name)?.ok_or_else(|| no_part(scene, name))?),
        Selector::Both { material, part } => {
            let with = of_material(scene, material).ok_or_else(|| no_material(scene, material))?;
            let mut surfaces = of_part(scene, part)?.ok_or_else(|| no_part(scene, part))?;
            surfaces.retain(|surface| with.contains(surface));
            if surfaces.is_empty() {
                let message = format!("nothing of the part `{part}` has the material `{material}`");
                return Err(DesignError::new(Code::AreaNotFound, message, format!("there are {}", named(scene))));
            }
            (part, surfaces)
        }
        Selector::Named(name) => match (of_part(scene, name)?, of_material(scene, name)) {
            (Some(surfaces), None) | (None, Some(surfaces)) => (name, surfaces),
            (Some(of_part), Some(of_material)) if of_part == of_material => (name, of_part),
            (Some(_), Some(_)) => {
                let message = format!("`{name}` is the name of a part and of a material");
                let help = format!("say which: part={name} or material={name}");
                return Err(DesignError::new(Code::AreaAmbiguous, message, help));
            }
            (None, None) => return Err(not_found(scene, name)),
        },
    };
    Area::new(scene, middle, name.clone(), surfaces, wanted)
}

/// Every material and part of a scene that could be an area, largest first; of those that are the same surfaces, one.
pub fn detect(scene: &Scene) -> Vec<(Selector, Area)> {
    let middle = middle(scene);
    let mut found: Vec<(Selector, Area)> = Vec::new();
    let materials = scene.materials.iter().filter_map(|material| material.name.clone());
    let materials = materials.filter(|name| !is_unnamed(name)).map(Selector::Material);
    let parts = scene.parts.iter().map(|part| Selector::Part(part.path.clone()));
    for selector in materials.chain(parts) {
        let Ok(area) = find_beside(middle, scene, &AreaRequest::new(selector.clone())) else { continue };
        if !found.iter().any(|(_, other)| other.surfaces == area.surfaces) {
            found.push((selector, area));
        }
    }
    found.sort_by(|a, b| b.1.surface_mm2.total_cmp(&a.1.surface_mm2));
    found
}

/// The only area that a scene could have.
///
/// # Errors
/// `printable_area_required` where there are several; `printable_area_not_found` where there is none.
pub fn only(scene: &Scene) -> Result<Area, DesignError> {
    let mut found = detect(scene);
    match found.len() {
        0 => {
            let message = "the product has no surface that a design could lie on";
            Err(DesignError::new(Code::AreaNotFound, message, "export its surfaces as triangles"))
        }
        1 => Ok(found.remove(0).1),
        n => {
            let message = format!("the product has {n} surfaces that a design could lie on, and none is chosen");
            let (parts, materials): (Vec<&(Selector, Area)>, Vec<_>) =
                found.iter().partition(|(selector, _)| matches!(selector, Selector::Part(_)));
            let lists = [("material", materials), ("part", parts)].into_iter().filter(|(_, areas)| !areas.is_empty());
            let lists: Vec<String> = lists.map(|(noun, areas)| listed(noun, &areas, &found)).collect();
            let help = format!("choose {}", lists.join(", or "));
            Err(DesignError::new(Code::AreaRequired, message, help))
        }
    }
}

/// The parts or the materials among the areas of a scene, the largest first.
fn listed(noun: &str, areas: &[&(Selector, Area)], all: &[(Selector, Area)]) -> String {
    let names: Vec<String> = areas.iter().take(NAMED_MAX).map(|area| said(area, all)).collect();
    let more = areas.len() - names.len();
    match (names.as_slice(), more) {
        ([only], 0) => format!("the {noun} {only}"),
        (names, 0) => format!("one of the {noun}s {}, of which the first is the largest", names.join(", ")),
        (names, more) => {
            format!("one of the {noun}s {} and {more} more, of which the first is the largest", names.join(", "))
        }
    }
}

/// How one of the areas of a scene is chosen: by its name, and where a part and a material share that, with which of
/// them it is.
fn said((selector, area): &(Selector, Area), all: &[(Selector, Area)]) -> String {
    let is_shared = all.iter().filter(|(_, other)| other.name == area.name).count() > 1;
    match selector {
        Selector::Material(name) if is_shared => format!("`material={name}`"),
        Selector::Part(name) if is_shared => format!("`part={name}`"),
        _ => format!("`{}`", area.name),
    }
}

/// Primitives whose material has the name; exact, else normalised.
fn of_material(scene: &Scene, name: &str) -> Option<Vec<(PartIdx, usize)>> {
    let with = |is_named: &dyn Fn(&str) -> bool| {
        let mut found = Vec::new();
        for (part_idx, part) in (0..).zip(&scene.parts) {
            for (at, primitive) in scene.meshes[part.mesh.0 as usize].primitives.iter().enumerate() {
                let material = primitive.material.and_then(|idx| scene.materials[idx.0 as usize].name.as_deref());
                if material.is_some_and(is_named) {
                    found.push((PartIdx(part_idx), at));
                }
            }
        }
        (!found.is_empty()).then_some(found)
    };
    let key = match_key(name);
    with(&|other| other == name).or_else(|| with(&|other| match_key(other) == key))
}

/// Primitives of the part with the name; `None` where there is none.
fn of_part(scene: &Scene, name: &str) -> Result<Option<Vec<(PartIdx, usize)>>, DesignError> {
    let parts = || (0..).map(PartIdx).zip(&scene.parts);
    let with = |is_named: &dyn Fn(&str) -> bool| {
        let names = |is_named: &dyn Fn(&str) -> bool, of: &Option<String>| of.as_deref().is_some_and(is_named);
        let by_node: Vec<_> = parts().filter(|(_, part)| names(is_named, &part.node_name)).collect();
        if !by_node.is_empty() {
            return by_node;
        }
        parts().filter(|(_, part)| names(is_named, &part.mesh_name)).collect()
    };
    let key = match_key(name);
    let mut found: Vec<_> = parts().filter(|(_, part)| part.path == name).collect();
    if found.is_empty() {
        found = with(&|other| other == name);
    }
    if found.is_empty() {
        found = with(&|other| match_key(other) == key);
    }
    if found.len() > 1 {
        let message = format!("{} parts are called `{name}`", found.len());
        let mut paths: Vec<String> = found.iter().map(|(_, part)| format!("`{}`", part.path)).collect();
        paths.dedup();
        let more = paths.len().saturating_sub(NAMED_MAX);
        paths.truncate(NAMED_MAX);
        let help = match (&paths[..], more) {
            ([_], _) => "their paths are the same too: rename one of them in the program that made the file".to_owned(),
            (paths, 0) => format!("give the path of one: {}", paths.join(", ")),
            (paths, more) => format!("give the path of one: {} and {more} more", paths.join(", ")),
        };
        return Err(DesignError::new(Code::AreaAmbiguous, message, help));
    }
    let whole = |&(idx, part): &(PartIdx, &packshot_renderer::scene::Part)| {
        (0..scene.meshes[part.mesh.0 as usize].primitives.len()).map(|at| (idx, at)).collect()
    };
    Ok(found.first().map(whole))
}

fn not_found(scene: &Scene, name: &str) -> DesignError {
    if scene.materials.iter().any(|material| material.name.as_deref() == Some(name)) {
        let message = format!("nothing that is shown of the product has the material `{name}`");
        return DesignError::new(Code::AreaNotFound, message, "show the parts that have it, or choose another one");
    }
    missing(scene, format!("the product has no part or material `{name}`"), name)
}

fn no_material(scene: &Scene, name: &str) -> DesignError {
    match of_part(scene, name) {
        Ok(None) => not_found(scene, name),
        _ => missing(scene, format!("`{name}` is a part, not a material"), name),
    }
}

fn no_part(scene: &Scene, name: &str) -> DesignError {
    match of_material(scene, name) {
        None => not_found(scene, name),
        Some(_) => missing(scene, format!("`{name}` is a material, not a part"), name),
    }
}

/// Asks whether a name like this one was meant, and lists those that there are.
fn missing(scene: &Scene, message: String, name: &str) -> DesignError {
    let materials = scene.materials.iter().filter_map(|material| material.name.clone());
    let parts = scene.parts.iter().map(|part| if name.contains('/') { part.path.clone() } else { part.name() });
    let question = did_you_mean(&KnownNames::new(materials.chain(parts)).near(name));
    DesignError::new(Code::AreaNotFound, message, question.unwrap_or_else(|| format!("there are {}", named(scene))))
}

/// The names that there are, for a message.
fn named(scene: &Scene) -> String {
    let materials = scene.materials.iter().filter_map(|material| material.name.clone());
    let mut names: Vec<String> = Vec::new();
    for name in materials.chain(scene.parts.iter().map(|part| part.name())) {
        if !is_unnamed(&name) && !names.contains(&name) {
            names.push(name);
        }
        if names.len() > NAMED_MAX {
            break;
        }
    }
    let more = if names.len() > NAMED_MAX { " and more" } else { "" };
    names.truncate(NAMED_MAX);
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("{}{more}", names.join(", "))
}
