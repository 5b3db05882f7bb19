//! Reading a shot file: first all of its members, then the files that it refers to.

use std::sync::Arc;

use packshot_json::{FaultKind, Faults, Members, Node, Range};
use packshot_renderer::import::{ImportOptions, Pose, UpAxis};
use packshot_renderer::look::Look;
use packshot_renderer::shot::lut::{self, LutInput};
use packshot_renderer::shot::turntable::{Turntable, TurntableShots};
use packshot_renderer::shot::{
    Background, Camera, FilmSettings, Floor, FloorRole, Light, Shot, Sweep, View, ViewTransform,
};
use packshot_words::Word;

use super::light::{self, Maps, NamedEnvironment};
use super::named::NamedFile;
use super::parts::{self, Known, PartRules};
use super::refusal::refused;
use super::series::{self, UnopenedView};
use super::{Geometry, Noise, ShotFile, ShotLines, Version, camera, material};
use crate::error::Error;
use crate::pictures::Pictures;
use crate::plan::Kind;
use crate::plan::table::{SMOOTH_DEG_MAX, TURN_DEG_MAX};
use crate::product::PaletteMaterial;
use crate::views::ViewShot;

mod film;
mod lines;

/// What a comment of version 1 begins with that names the material library.
pub(super) const LIBRARY_COMMENT: &str = "made with the material library ";
/// Most bytes of a library's name.
const LIBRARY_BYTES_MAX: usize = 1_024;

/// Command line options that override members of the film.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FilmOverrides {
    /// `width`.
    pub width_px: Option<u32>,
    /// `height`.
    pub height_px: Option<u32>,
    /// `samples`.
    pub samples: Option<u32>,
    /// `noise_threshold`.
    pub noise_threshold: Option<f32>,
    /// `seed`.
    pub seed: Option<u32>,
}

/// Reads a shot file and its files. `open` returns the bytes of a file by its path as spelled in the shot.
///
/// # Errors
/// As [`parse`] and [`UnopenedShot::open`].
pub fn read(
    bytes: &[u8],
    default_name: &str,
    overrides: &FilmOverrides,
    open: &mut dyn FnMut(&str) -> std::io::Result<Vec<u8>>,
) -> Result<ShotFile, Error> {
    parse(bytes, default_name, overrides)?.open(open)
}

/// Reads only the shot file. `default_name` names a shot without a name (the file's name without `.json`).
///
/// # Errors
///
/// Every mistake with its JSON pointer: `shot.…`.
pub fn parse(bytes: &[u8], default_name: &str, overrides: &FilmOverrides) -> Result<UnopenedShot, Error> {
    let document = packshot_json::parse(bytes).map_err(|error| {
        let mut refused = refused(vec![error.fault()], None);
        if bytes.starts_with(b"glTF") {
            for fault in &mut refused.faults {
                fault.message = "this is a GLB, not a shot file".to_owned();
                fault.help = "give it as the product, without --shot".to_owned();
            }
        }
        refused
    })?;
    let faults = Faults::default();
    let root = Node::root(&document, &faults);
    let version = version(&root);
    let unopened = version.and_then(|version| read_root(&root, version, default_name, overrides));
    let faults = faults.into_vec();
    unopened.filter(|_| faults.is_empty()).ok_or_else(|| refused(faults, version))
}

/// The members of an object, in which `comment` is not a member but a remark.
pub(super) fn members<'a>(node: &Node<'a>) -> Option<Members<'a>> {
    let mut m = node.members()?;
    m.take("comment");
    Some(m)
}

/// The result of `read` for a value that may be `null`.
pub(super) fn nullable<'a, T>(node: &Node<'a>, read: impl FnOnce(&Node<'a>) -> Option<T>) -> Option<Option<T>> {
    if node.is_null() { Some(None) } else { read(node).map(Some) }
}

/// The version of a file; `None` if it is unknown, which is reported, or if this is not an object.
fn version(root: &Node<'_>) -> Option<Version> {
    let schema = root.members()?.require("schema")?;
    let version = schema.value().as_str().and_then(Version::by_word);
    version.or_else(|| {
        let known: Vec<String> = Version::ENTRIES.iter().map(|entry| format!("{:?}", entry.word)).collect();
        schema.refuse(FaultKind::Named("schema".to_owned()), format!("expected {}", known.join(" or ")))
    })
}

/// A shot file whose members are read, but not the files that it refers to.
pub struct UnopenedShot {
    name: String,
    library: Option<String>,
    geometry: UnopenedGeometry,
    first: Unopened,
    series: Option<Series>,
    background: Background,
    view: View,
    lut: Option<(NamedFile, LutInput)>,
    noise: Noise,
    lines: Option<ShotLines>,
    materials: Vec<material::Unopened>,
    parts: PartRules,
}

/// A product whose file is not opened yet.
struct UnopenedGeometry {
    file: NamedFile,
    import: ImportOptions,
}

/// Several pictures of a file.
enum Series {
    Views(Vec<UnopenedView>),
    Turntable(Turntable, [f64; 3], u16),
}

/// The members of a single picture.
#[derive(Clone, Debug)]
pub(super) struct Unopened {
    pub(super) camera: Camera,
    pub(super) film: FilmSettings,
    pub(super) environment: NamedEnvironment,
    pub(super) lights: Vec<Light>,
    pub(super) floor: Option<Floor>,
}

/// What reading a member depends on.
pub(super) struct Reading<'r> {
    version: Version,
    overrides: &'r FilmOverrides,
    materials: &'r Known<'r>,
}

fn read_root(root: &Node<'_>, version: Version, default_name: &str, overrides: &FilmOverrides) -> Option<UnopenedShot> {
    let is_two = version == Version::Two;
    let mut m = members(root)?;
    m.take("schema");
    let name = m.read_or("name", default_name.to_owned(), |node| node.string().map(str::to_owned));
    let library = match version {
        Version::One => Some(m.take("comment").and_then(|node| library_of(node.value().as_str()?))),
        Version::Two => {
            m.read_or("library", None, |node| nullable(&node, |node| node.text(LIBRARY_BYTES_MAX).map(str::to_owned)))
        }
    };
    let geometry = m.require("geometry").and_then(|node| read_geometry(&node, version));
    let camera = m.require("camera").and_then(|node| camera::read(&node, version));
    // References to materials are checked even if the materials have faults.
    let (mut materials, mut is_sound) = (Vec::new(), true);
    for (name, node) in m.take("materials").and_then(|node| node.entries()).unwrap_or_default() {
        let read = material::read(name, &node, version);
        is_sound &= read.is_some();
        materials.push(read.unwrap_or_else(|| material::Unopened::named(name)));
    }
    let known = Known::new(materials.iter().map(|unopened| &unopened.material));
    let reading = Reading { version, overrides, materials: &known };
    let film = m.require("film").and_then(|node| reading.film_and_noise(&node));
    let environment = m.read_or("environment", NamedEnvironment::None, |node| light::read_environment(&node, version));
    let lights = m.read_or("lights", Vec::new(), |node| reading.lights(&node));
    let parts = m.read_or("parts", PartRules::default(), |node| match version {
        Version::One => parts::read_one(&node, &known),
        Version::Two => parts::read_two(&node, &known),
    });
    let floor = m.read_or("floor", None, |node| reading.floor(&node));
    let background = m.read_or("background", Background::Transparent, |node| read_background(&node));
    let view = View { transform: TRANSFORM_UNSTATED, exposure_ev: 0.0 };
    let view = m.read_or("view", (view, None), |node| read_view(&node, version));
    let (noise, film) = (film.map(|(_, noise)| noise), film.map(|(film, _)| film));
    let first = match (camera, film, environment, lights, floor) {
        (Some(camera), Some(film), Some(environment), Some(lights), Some(floor)) => {
            Some(Unopened { camera, film, environment, lights, floor })
        }
        _ => None,
    };
    let (lines, series) = match is_two {
        false => (Some(None), Some(None)),
        true => {
            let lines = m.read_or("lines", None, |node| nullable(&node, lines::read));
            (lines, read_series(&mut m, &reading, first.as_ref()))
        }
    };
    let has_sweep = matches!(&first, Some(Unopened { floor: Some(Floor { sweep: Some(_), .. }), .. }));
    if has_sweep && matches!(series, Some(Some(Series::Turntable(..)))) {
        let message = "a sweep rises behind the product for one camera, so a turntable cannot have it";
        m.report("floor", FaultKind::Conflict, message);
    }
    let is_drawing = lines.as_ref().and_then(Option::as_ref).is_some_and(|lines: &ShotLines| lines.is_drawing);
    if is_drawing && background == Some(Background::Environment) {
        m.report("lines", FaultKind::Conflict, "a drawing cannot show the environment, which `background` asks for");
    }
    m.finish();
    let (view, lut) = view?;
    is_sound.then_some(())?;
    Some(UnopenedShot {
        name: name?,
        library: library?,
        geometry: geometry?,
        first: first?,
        series: series?,
        background: background?,
        view,
        lut,
        noise: noise?,
        lines: lines?,
        parts: parts?,
        materials,
    })
}

/// The material library that a comment of version 1 states; `None` if a person wrote the comment.
fn library_of(comment: &str) -> Option<String> {
    let name = comment.strip_prefix(LIBRARY_COMMENT)?;
    let is_name = !name.is_empty() && name.len() <= LIBRARY_BYTES_MAX && !name.chars().any(char::is_control);
    is_name.then(|| name.to_owned())
}

fn read_series(m: &mut Members<'_>, reading: &Reading<'_>, first: Option<&Unopened>) -> Option<Option<Series>> {
    match (m.given("views"), m.given("turntable")) {
        (None, None) => Some(None),
        (Some(views), None) => Some(Some(Series::Views(series::read_views(&views, reading, first)?))),
        (None, Some(turntable)) => {
            let (turntable, center_m, fps) = series::read_turntable(&turntable)?;
            Some(Some(Series::Turntable(turntable, center_m, fps)))
        }
        (Some(_), Some(turntable)) => turntable.refuse(FaultKind::Conflict, "give either `views` or `turntable`"),
    }
}

fn read_geometry(node: &Node<'_>, version: Version) -> Option<UnopenedGeometry> {
    let mut m = members(node)?;
    let is_two = version == Version::Two;
    let file = NamedFile::read(&mut m, if is_two { &[".glb", ".gltf"] } else { &[".glb"] });
    let up_axis = m.read_or("up_axis", UpAxis::Y, |node| node.word());
    let unit_scale = m.read_or("unit_scale", 1.0, |node| node.number(Range::POSITIVE));
    let (mut rotate_deg, mut smooth_deg) = (Some([0.0; 3]), Some(0.0));
    let (mut look, mut variant, mut pose) = (Some(Look::default()), Some(None), Some(None));
    if is_two {
        rotate_deg =
            m.read_or("rotate_deg", [0.0; 3], |node| node.numbers(Range::between(-TURN_DEG_MAX, TURN_DEG_MAX)));
        smooth_deg = m.read_or("smooth_deg", 0.0, |node| node.number(Range::between(0.0, SMOOTH_DEG_MAX)));
        look = m.read_or("look", Look::default(), |node| node.word());
        variant = m.read_or("variant", None, |node| nullable(&node, |node| node.string().map(str::to_owned)));
        pose = m.read_or("pose", None, |node| nullable(&node, read_pose));
    }
    m.finish();
    Some(UnopenedGeometry {
        file: file?,
        import: ImportOptions {
            up_axis: up_axis?,
            unit_scale: unit_scale?,
            rotate_deg: rotate_deg?,
            smooth_deg: smooth_deg?,
            look: look?,
            variant: variant?,
            pose: pose?,
            ..ImportOptions::default()
        },
    })
}

fn read_pose(node: &Node<'_>) -> Option<Pose> {
    let mut m = members(node)?;
    let animation = m.read_or("animation", None, |node| nullable(&node, |node| node.string().map(str::to_owned)));
    let time_s = m.read_or("time_s", 0.0, |node| node.number(Range::NOT_NEGATIVE));
    m.finish();
    Some(Pose { animation: animation?, time_s: time_s? })
}

impl Reading<'_> {
    pub(super) fn lights(&self, node: &Node<'_>) -> Option<Vec<Light>> {
        let read: Vec<_> = node.list()?.iter().map(|node| light::read(node, self.version)).collect();
        read.into_iter().collect()
    }

    /// The floor, if any.
    pub(super) fn floor(&self, node: &Node<'_>) -> Option<Option<Floor>> {
        nullable(node, |node| self.read_floor(node))
    }

    fn read_floor(&self, node: &Node<'_>) -> Option<Floor> {
        let is_two = self.version == Version::Two;
        let mut m = members(node)?;
        let y_m = m.require("y_m").and_then(|node| node.number(Range::ANY));
        let size_m = m.require("size_m").and_then(|node| node.number(Range::POSITIVE));
        let material = m.require("material").and_then(|node| match node.value().is_object() && is_two {
            true => self.own_material(&node),
            false => self.materials.get(&node).cloned(),
        });
        let is_catcher = m.read_or("shadow_catcher", false, |node| node.flag());
        let (mut center_m, mut sweep) = (Some([0.0; 2]), Some(None));
        if is_two {
            center_m = m.read_or("center_m", [0.0; 2], |node| node.numbers(Range::ANY));
            sweep = m.read_or("sweep", None, |node| nullable(&node, read_sweep));
        }
        m.finish();
        let role = if is_catcher? { FloorRole::Catcher } else { FloorRole::Surface };
        let PaletteMaterial { id, openpbr, .. } = material?;
        let (y_m, center_m, size_m, sweep) = (y_m?, center_m?, size_m?, sweep?);
        Some(Floor { y_m, center_m, size_m, sweep, role, material: id, openpbr })
    }

    /// An inline material in place of a name, which gets a name of its own.
    fn own_material(&self, node: &Node<'_>) -> Option<PaletteMaterial> {
        let name = node.members()?.require("name").and_then(|node| node.string());
        let mut m = members(node)?;
        m.take("name");
        let openpbr =
            m.require("openpbr").and_then(|node| material::read(name.unwrap_or_default(), &node, Version::One));
        m.finish();
        name.and(openpbr).map(|unopened| unopened.material)
    }
}

fn read_sweep(node: &Node<'_>) -> Option<Sweep> {
    let mut m = members(node)?;
    let azimuth_deg = m.require("azimuth_deg").and_then(|node| node.number(Range::between(-1e6, 1e6)));
    let distance_m = m.require("distance_m").and_then(|node| node.number(Range::POSITIVE));
    let height_m = m.require("height_m").and_then(|node| node.number(Range::POSITIVE));
    let limit_m = distance_m.zip(height_m).map_or(f64::MAX, |(distance_m, height_m)| distance_m.min(height_m));
    let radius_m = m.require("radius_m").and_then(|node| match node.number(Range::POSITIVE)? {
        radius_m if radius_m > limit_m => node.refuse(FaultKind::Range, "larger than distance_m or height_m"),
        radius_m => Some(radius_m),
    });
    m.finish();
    Some(Sweep { azimuth_deg: azimuth_deg?, distance_m: distance_m?, radius_m: radius_m?, height_m: height_m? })
}

fn read_background(node: &Node<'_>) -> Option<Background> {
    let mut m = members(node)?;
    // Colours have a separate member.
    let kinds = [
        ("transparent", Some(Background::Transparent)),
        ("environment", Some(Background::Environment)),
        ("color", None),
    ];
    let background = match m.require("kind").and_then(|node| node.choice(&kinds)) {
        Some(None) => {
            let srgb = m.require("srgb").and_then(|node| node.singles(Range::UNIT));
            srgb.map(|srgb| Background::Color { srgb })
        }
        Some(kind) => kind,
        None => None,
    };
    m.finish();
    background
}

/// The view transform of a shot file that states none.
const TRANSFORM_UNSTATED: ViewTransform = ViewTransform::Agx;

type NamedView = (View, Option<(NamedFile, LutInput)>);

fn read_view(node: &Node<'_>, version: Version) -> Option<NamedView> {
    let mut m = members(node)?;
    let transform = m.read_or("transform", TRANSFORM_UNSTATED, |node| {
        let transform: ViewTransform = node.word()?;
        match version == Version::One && transform.without_look() != transform {
            true => node.refuse(FaultKind::Word, format!("this look needs the schema {}", Version::Two)),
            false => Some(transform),
        }
    });
    let exposure_ev = m.read_or("exposure_ev", 0.0, |node| node.single(Range::between(-32.0, 32.0)));
    let lut = match version {
        Version::One => Some(None),
        Version::Two => m.read_or("lut", None, |node| nullable(&node, read_lut)),
    };
    m.finish();
    Some((View { transform: transform?, exposure_ev: exposure_ev? }, lut?))
}

fn read_lut(node: &Node<'_>) -> Option<(NamedFile, LutInput)> {
    let mut m = members(node)?;
    let file = NamedFile::read(&mut m, &[".cube"]);
    let input = m.read_or("input", LutInput::default(), |node| {
        node.string()?.parse().or_else(|expected: String| node.refuse(FaultKind::Word, expected).ok_or(())).ok()
    });
    m.finish();
    Some((file?, input?))
}

impl std::fmt::Debug for UnopenedShot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnopenedShot").field("name", &self.name).field("kind", &self.kind()).finish_non_exhaustive()
    }
}

impl UnopenedShot {
    /// The kind of render that makes its pictures.
    pub fn kind(&self) -> Kind {
        match self.series {
            None => Kind::Still,
            Some(Series::Views(_)) => Kind::Views,
            Some(Series::Turntable(..)) => Kind::Turntable,
        }
    }

    /// Reads the files that the shot refers to. `open` returns the bytes of one by the path as spelled in the shot.
    ///
    /// # Errors
    /// `shot.file_missing`, `shot.file_changed`; `shot.conflict` for a second map; `env.…`, `lut.…`, `shot.texture` for
    /// broken files.
    pub fn open(self, open: &mut dyn FnMut(&str) -> std::io::Result<Vec<u8>>) -> Result<ShotFile, Error> {
        let UnopenedGeometry { file, import } = self.geometry;
        let (glb, file) = file.load(open)?;
        let geometry = Geometry { file, import };
        let (mut materials, mut texture_files) = (Vec::new(), Vec::new());
        for unopened in self.materials {
            let (material, files) = unopened.open(open)?;
            materials.push(material);
            texture_files.extend(files);
        }
        let mut maps = Maps::default();
        let (mut lut, mut lut_file) = (None, None);
        if let Some((file, input)) = self.lut {
            let (bytes, reference) = file.load(open)?;
            lut = Some(Arc::new(lut::read(&bytes, &file.path, input)?));
            lut_file = Some((reference, bytes.into()));
        }
        let (background, view) = (self.background, self.view);
        let mut environment_file = None;
        let mut shot = |unopened: Unopened| {
            let Unopened { camera, film, environment, lights, floor } = unopened;
            let (environment, file) = maps.load(environment, open)?;
            environment_file = environment_file.take().or(file);
            Ok::<_, Error>(Shot { camera, film, environment, lights, floor, background, view, lut: lut.clone() })
        };
        let pictures = match self.series {
            None => Pictures::Still(Box::new(shot(self.first)?)),
            Some(Series::Turntable(turntable, center_m, fps)) => {
                let shots = TurntableShots::new(turntable, center_m.into(), shot(self.first)?);
                Pictures::Turntable { shots: Box::new(shots), fps }
            }
            Some(Series::Views(views)) => {
                let view =
                    |UnopenedView { view, shot: unopened }| Ok::<_, Error>(ViewShot { view, shot: shot(unopened)? });
                Pictures::Views(views.into_iter().map(view).collect::<Result<_, _>>()?)
            }
        };
        Ok(ShotFile {
            name: self.name,
            library: self.library,
            geometry,
            glb,
            pictures,
            noise: self.noise,
            lines: self.lines,
            environment_file,
            lut_file,
            texture_files,
            materials,
            parts: self.parts,
            diagnostics: maps.diagnostics,
        })
    }
}
