//! The materials of a shot: the parameters of OpenPBR 1.1, and the additions of a library.

use packshot_json::{Node, Range, single};
use packshot_materials::library::{
    BEVEL_MM_MAX, Detail, MM_PER_REPEAT, Projection, Surface, Tangent, Texture, Textures,
};
use packshot_materials::openpbr::OpenPbr;
use packshot_words::Word;
use serde_json::{Map, Value, json};

use super::Version;
use super::named::{FileReference, NamedFile, Open};
use super::read::{members, nullable};
use crate::error::{Error, ErrorKind, Fault};
use crate::product::PaletteMaterial;

enum Slot<'a> {
    Scalar(&'a mut f32, Range),
    Color(&'a mut [f32; 3], Range),
    Flag(&'a mut bool),
}

/// Every parameter with its range, in the order of the OpenPBR 1.1 specification.
fn slots(m: &mut OpenPbr) -> [(&'static str, Slot<'_>); 37] {
    use Slot::{Color, Flag, Scalar};
    const UNIT: Range = Range::UNIT;
    const NOT_NEGATIVE: Range = Range::NOT_NEGATIVE;
    const IOR: Range = Range::between(1.0, 10.0);
    const SIGNED: Range = Range::between(-1.0, 1.0);
    [
        ("base_weight", Scalar(&mut m.base_weight, UNIT)),
        ("base_color", Color(&mut m.base_color, UNIT)),
        ("base_diffuse_roughness", Scalar(&mut m.base_diffuse_roughness, UNIT)),
        ("base_metalness", Scalar(&mut m.base_metalness, UNIT)),
        ("specular_weight", Scalar(&mut m.specular_weight, NOT_NEGATIVE)),
        ("specular_color", Color(&mut m.specular_color, UNIT)),
        ("specular_roughness", Scalar(&mut m.specular_roughness, UNIT)),
        ("specular_roughness_anisotropy", Scalar(&mut m.specular_roughness_anisotropy, UNIT)),
        ("specular_ior", Scalar(&mut m.specular_ior, IOR)),
        ("transmission_weight", Scalar(&mut m.transmission_weight, UNIT)),
        ("transmission_color", Color(&mut m.transmission_color, UNIT)),
        ("transmission_depth", Scalar(&mut m.transmission_depth, NOT_NEGATIVE)),
        ("transmission_scatter", Color(&mut m.transmission_scatter, UNIT)),
        ("transmission_scatter_anisotropy", Scalar(&mut m.transmission_scatter_anisotropy, SIGNED)),
        ("transmission_dispersion_scale", Scalar(&mut m.transmission_dispersion_scale, UNIT)),
        ("transmission_dispersion_abbe_number", Scalar(&mut m.transmission_dispersion_abbe_number, NOT_NEGATIVE)),
        ("subsurface_weight", Scalar(&mut m.subsurface_weight, UNIT)),
        ("subsurface_color", Color(&mut m.subsurface_color, UNIT)),
        ("subsurface_radius", Scalar(&mut m.subsurface_radius, NOT_NEGATIVE)),
        ("subsurface_radius_scale", Color(&mut m.subsurface_radius_scale, UNIT)),
        ("subsurface_scatter_anisotropy", Scalar(&mut m.subsurface_scatter_anisotropy, SIGNED)),
        ("fuzz_weight", Scalar(&mut m.fuzz_weight, UNIT)),
        ("fuzz_color", Color(&mut m.fuzz_color, UNIT)),
        ("fuzz_roughness", Scalar(&mut m.fuzz_roughness, UNIT)),
        ("coat_weight", Scalar(&mut m.coat_weight, UNIT)),
        ("coat_color", Color(&mut m.coat_color, UNIT)),
        ("coat_roughness", Scalar(&mut m.coat_roughness, UNIT)),
        ("coat_roughness_anisotropy", Scalar(&mut m.coat_roughness_anisotropy, UNIT)),
        ("coat_ior", Scalar(&mut m.coat_ior, IOR)),
        ("coat_darkening", Scalar(&mut m.coat_darkening, UNIT)),
        ("thin_film_weight", Scalar(&mut m.thin_film_weight, UNIT)),
        ("thin_film_thickness", Scalar(&mut m.thin_film_thickness, NOT_NEGATIVE)),
        ("thin_film_ior", Scalar(&mut m.thin_film_ior, IOR)),
        ("emission_luminance", Scalar(&mut m.emission_luminance, NOT_NEGATIVE)),
        ("emission_color", Color(&mut m.emission_color, NOT_NEGATIVE)),
        ("geometry_opacity", Scalar(&mut m.geometry_opacity, UNIT)),
        ("geometry_thin_walled", Flag(&mut m.geometry_thin_walled)),
    ]
}

/// A material whose pictures are not opened yet.
#[derive(Clone, Debug)]
pub(super) struct Unopened {
    /// The material without them.
    pub(super) material: PaletteMaterial,
    textures: Option<NamedTextures>,
}

/// Pictures that are not opened yet.
#[derive(Clone, Debug)]
struct NamedTextures {
    /// In the order of [`SLOTS`].
    files: [Option<NamedFile>; 3],
    mm_per_repeat: f32,
    projection: Projection,
}

/// The pictures of a material by their members.
const SLOTS: [&str; 3] = ["base_color", "roughness", "normal"];

impl Unopened {
    /// A material with OpenPBR's defaults.
    pub(super) fn named(id: &str) -> Self {
        Self { material: PaletteMaterial::named(id), textures: None }
    }

    /// The material with its pictures, and where these are.
    ///
    /// # Errors
    /// `shot.file_missing`, `shot.file_changed`, and `shot.texture` for a file that is no picture.
    pub(super) fn open(self, open: Open<'_>) -> Result<(PaletteMaterial, Vec<FileReference>), Error> {
        let Some(NamedTextures { files, mm_per_repeat, projection }) = self.textures else {
            return Ok((self.material, Vec::new()));
        };
        let mut references = Vec::new();
        let mut load = |file: Option<NamedFile>| {
            let Some(file) = file else { return Ok(None) };
            let (bytes, reference) = file.load(open)?;
            let refused = |reason: String| {
                let fault = Fault::new("shot.texture", format!("{:?} is not a texture: {reason}", file.path));
                let help = "name a PNG, JPEG or WebP file that other programs can open";
                Error::new(ErrorKind::Input, fault.at(&file.at).help(help))
            };
            let texture = Texture::new(&file.path, bytes).map_err(refused)?;
            texture.check().map_err(refused)?;
            references.push(reference);
            Ok::<_, Error>(Some(texture))
        };
        let [base_color, roughness, normal] = files;
        let (base_color, roughness, normal) = (load(base_color)?, load(roughness)?, load(normal)?);
        let textures = Some(Textures { base_color, roughness, normal, mm_per_repeat, projection });
        Ok((PaletteMaterial { textures, ..self.material }, references))
    }
}

/// Reads a material called `name`; a missing member has its default.
pub(super) fn read(name: &str, node: &Node<'_>, version: Version) -> Option<Unopened> {
    let mut m = members(node)?;
    let mut openpbr = OpenPbr::default();
    let mut is_read = true;
    for (name, slot) in slots(&mut openpbr) {
        let Some(value) = m.take(name) else { continue };
        let read = match slot {
            Slot::Scalar(scalar, range) => value.single(range).map(|read| *scalar = read),
            Slot::Color(color, range) => value.singles(range).map(|read| *color = read),
            Slot::Flag(flag) => value.flag().map(|read| *flag = read),
        };
        is_read &= read.is_some();
    }
    let (priority, surface, textures) = match version {
        Version::One => (Some(0), Some(Surface::default()), Some(None)),
        Version::Two => {
            let priority = m.read_or("priority", 0, |node| node.count(0..=u32::from(u8::MAX)));
            let surface = m.read_or("surface", Surface::default(), |node| read_surface(&node));
            (priority, surface, m.read_or("textures", None, |node| nullable(&node, read_textures)))
        }
    };
    m.finish();
    let (priority, surface) = (u8::try_from(priority?).ok()?, surface?);
    let material = PaletteMaterial { priority, surface, ..PaletteMaterial::plain(name, openpbr) };
    is_read.then_some(Unopened { material, textures: textures? })
}

fn read_textures(node: &Node<'_>) -> Option<NamedTextures> {
    let mut m = members(node)?;
    let file = |node: Node<'_>| {
        nullable(&node, |node| {
            let mut m = members(node)?;
            let file = NamedFile::read(&mut m, &[".png", ".jpg", ".jpeg", ".webp"]);
            m.finish();
            file
        })
    };
    let files = SLOTS.map(|name| m.read_or(name, None, file));
    // As people write them: the least is no number of single precision.
    let [least, most] = MM_PER_REPEAT.map(|mm| mm.to_string().parse().unwrap_or(f64::from(mm)));
    let mm_per_repeat = m.require("mm_per_repeat").and_then(|node| node.single(Range::between(least, most)));
    let projection = m.read_or("projection", Projection::default(), |node| node.word());
    m.finish();
    let [base_color, roughness, normal] = files;
    let files = [base_color?, roughness?, normal?];
    Some(NamedTextures { files, mm_per_repeat: mm_per_repeat?, projection: projection? })
}

fn read_surface(node: &Node<'_>) -> Option<Surface> {
    let mut m = members(node)?;
    let bevel_mm = m.read_or("bevel_mm", None, |node| {
        nullable(&node, |node| node.single(Range::between(0.0, BEVEL_MM_MAX.into())))
    });
    let tangent = m.read_or("tangent", None, |node| nullable(&node, read_tangent));
    let detail = m.read_or("detail", Vec::new(), |node| {
        let read: Vec<_> = node.list()?.iter().map(read_detail).collect();
        read.into_iter().collect()
    });
    m.finish();
    Some(Surface { bevel_mm: bevel_mm?, tangent: tangent?, detail: detail? })
}

fn read_tangent(node: &Node<'_>) -> Option<Tangent> {
    let mut m = members(node)?;
    let mode = m.require("mode").and_then(|node| node.word());
    let axis = m.require("axis").and_then(|node| node.word());
    m.finish();
    Some(Tangent { mode: mode?, axis: axis? })
}

fn read_detail(node: &Node<'_>) -> Option<Detail> {
    let mut m = members(node)?;
    let kind = m.require("kind").and_then(|node| node.word());
    let scale_mm = m.require("scale_mm").and_then(|node| node.single(Range::POSITIVE));
    let depth_mm = m.require("depth_mm").and_then(|node| node.single(Range::NOT_NEGATIVE));
    m.finish();
    Some(Detail { kind: kind?, scale_mm: scale_mm?, depth_mm: depth_mm? })
}

/// All the parameters of OpenPBR.
pub(super) fn write_openpbr(openpbr: &OpenPbr) -> Map<String, Value> {
    let mut copy = *openpbr;
    let members = slots(&mut copy).into_iter().map(|(name, slot)| {
        let value = match slot {
            Slot::Scalar(scalar, _) => single(*scalar),
            Slot::Color(color, _) => Value::Array(color.iter().map(|&channel| single(channel)).collect()),
            Slot::Flag(flag) => Value::Bool(*flag),
        };
        (name.to_owned(), value)
    });
    members.collect()
}

/// `files` are those of the pictures.
///
/// # Errors
/// `internal` for a picture without a file.
pub(super) fn write(material: &PaletteMaterial, files: &[FileReference], version: Version) -> Result<Value, Error> {
    let mut members = write_openpbr(&material.openpbr);
    if version == Version::Two {
        let Surface { bevel_mm, tangent, detail } = &material.surface;
        let detail = detail.iter().map(|Detail { kind, scale_mm, depth_mm }| {
            json!({"kind": kind.word(), "scale_mm": single(*scale_mm), "depth_mm": single(*depth_mm)})
        });
        let surface = json!({
            "bevel_mm": bevel_mm.map(single),
            "tangent": tangent.map(|Tangent { mode, axis }| json!({"mode": mode.word(), "axis": axis.word()})),
            "detail": detail.collect::<Vec<_>>(),
        });
        members.insert("priority".to_owned(), material.priority.into());
        members.insert("surface".to_owned(), surface);
        let textures = material.textures.as_ref().map(|textures| write_textures(textures, files)).transpose()?;
        members.insert("textures".to_owned(), textures.into());
    }
    Ok(Value::Object(members))
}

fn write_textures(textures: &Textures, files: &[FileReference]) -> Result<Value, Error> {
    let file = |texture: &Option<Texture>| {
        let Some(texture) = texture else { return Ok(Value::Null) };
        let found = files.iter().find(|file| file.blake3 == texture.blake3());
        let FileReference { path, blake3 } = found.ok_or_else(|| {
            Error::new(ErrorKind::Internal, Fault::new("internal", "a texture has no file that the shot could name"))
        })?;
        Ok::<_, Error>(json!({"path": path, "blake3": blake3}))
    };
    let Textures { base_color, roughness, normal, mm_per_repeat, projection } = textures;
    Ok(json!({
        "base_color": file(base_color)?,
        "roughness": file(roughness)?,
        "normal": file(normal)?,
        "mm_per_repeat": single(*mm_per_repeat),
        "projection": projection.word(),
    }))
}

#[cfg(test)]
mod tests {
    use packshot_json::Faults;

    use super::*;

    #[test]
    fn every_field_of_openpbr_is_a_member() {
        let fields = serde_json::to_value(OpenPbr::default()).expect("serializable");
        let mut names: Vec<&str> = fields.as_object().expect("a struct").keys().map(String::as_str).collect();
        let mut copy = OpenPbr::default();
        let mut members: Vec<&str> = slots(&mut copy).into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        members.sort_unstable();
        assert_eq!(names, members);
    }

    #[test]
    fn defaults_are_within_their_ranges() {
        for version in [Version::One, Version::Two] {
            let material = PaletteMaterial::named("a");
            let (written, faults) = (write(&material, &[], version).expect("no pictures"), Faults::default());
            let read = read("a", &Node::root(&written, &faults), version).expect("read");
            assert!(read.material == material && read.textures.is_none());
            assert!(faults.is_empty());
        }
    }
}
