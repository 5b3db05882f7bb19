//! Writing shots: every member with its value, in the lowest version that can express everything.

use std::collections::BTreeMap;

use packshot_json::single;
use packshot_materials::library::{Texture, Textures};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::import::ImportOptions;
use packshot_renderer::layers::lines::LineKind;
use packshot_renderer::part_pattern::PartPattern;
use packshot_renderer::prepare::PartMaterial;
use packshot_renderer::scene::Part;
use packshot_renderer::shot::{Background, Floor, Shot, View};
use packshot_texels::Format;
use packshot_words::Word;
use serde_json::{Map, Value, json};

use super::read::LIBRARY_COMMENT;
use super::{FileReference, Geometry, Noise, ShotLines, Version, angle, camera, light, material, series};
use crate::denoise::Denoise;
use crate::error::Error;
use crate::pictures::Pictures;
use crate::product::{PaletteMaterial, PartMaterials, Product};
use crate::views::ViewShot;

/// Hexadecimal digits of a digest in the name of a picture.
const TEXTURE_DIGITS: usize = 16;
/// In version 1 the material of a hidden part: readers hide parts with opacity 0.
pub(super) const HIDDEN: &str = "hidden";

/// A shot, and what else its file contains.
#[derive(Clone, Debug)]
pub struct Dump<'a> {
    /// The shot's name.
    pub name: &'a str,
    /// The material library with version and digest, if one was used.
    pub library: Option<&'a str>,
    /// The product's file.
    pub geometry: &'a Geometry,
    /// The pictures.
    pub pictures: &'a Pictures,
    /// How pictures are denoised.
    pub noise: Noise,
    /// Lines over the pictures.
    pub lines: Option<&'a ShotLines>,
    /// The file of the environment map, if there is one.
    pub environment_file: Option<&'a FileReference>,
    /// The file of the lookup table, if there is one.
    pub lut_file: Option<&'a FileReference>,
    /// The files of the pictures of [`textures`].
    pub texture_files: &'a [FileReference],
    /// Every part of the product's file, in its order.
    pub parts: Vec<DumpPart<'a>>,
}

/// A part and what it wears.
#[derive(Clone, Debug)]
pub struct DumpPart<'a> {
    pub(super) part: &'a Part,
    pub(super) wears: Worn<'a>,
}

/// What a part wears.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Worn<'a> {
    Own,
    Material(&'a PaletteMaterial),
    PerPrimitive(Vec<Option<&'a PaletteMaterial>>),
    Hidden,
}

/// Each part of a product's file and what it wears, in the file's order.
pub fn parts<'a>(product: &'a Product, materials: &'a PartMaterials) -> Vec<DumpPart<'a>> {
    let of = |index: &usize| &materials.palette[*index];
    let shown = product.scene.parts.iter().zip(&materials.parts).map(|(part, material)| {
        let wears = match material {
            PartMaterial::Own => Worn::Own,
            PartMaterial::Palette(index) => Worn::Material(of(index)),
            PartMaterial::PerPrimitive(each) => {
                Worn::PerPrimitive(each.iter().map(|index| index.as_ref().map(of)).collect())
            }
        };
        DumpPart { part, wears }
    });
    let hidden = product.hidden.iter().map(|part| DumpPart { part, wears: Worn::Hidden });
    let mut parts: Vec<_> = shown.chain(hidden).collect();
    parts.sort_by_key(|part| part.part.node_idx);
    parts
}

/// The pictures of the materials that parts wear, each once.
pub fn textures<'a>(parts: &[DumpPart<'a>]) -> Vec<&'a Texture> {
    let mut all: Vec<&Texture> = Vec::new();
    for texture in of_parts(parts).into_iter().flat_map(|material| &material.textures).flat_map(Textures::all) {
        if !all.iter().any(|known| known.blake3() == texture.blake3()) {
            all.push(texture);
        }
    }
    all
}

/// What the file of a picture is called beside a shot: `texture-` and the beginning of its BLAKE3.
pub fn texture_name(texture: &Texture) -> String {
    let extension = match texture.format() {
        Format::Png => "png",
        Format::Jpeg => "jpg",
        Format::WebP => "webp",
    };
    format!("texture-{}.{extension}", &texture.blake3()[..TEXTURE_DIGITS])
}

/// The shot as text. Matrices replace `look_at`, and literal parameters replace library materials. Reading the text and
/// writing it again gives the same text.
///
/// # Errors
/// `internal` for an environment map or a picture without a file.
pub fn write(dump: &Dump<'_>) -> Result<String, Error> {
    let version = Version::of(dump);
    let mut root = Map::new();
    let mut put = |name: &str, value: Value| root.insert(name.to_owned(), value);
    put("schema", json!(version.word()));
    put("name", json!(dump.name));
    match (version, dump.library) {
        (Version::One, None) => {}
        (Version::One, Some(library)) => {
            put("comment", json!(format!("{LIBRARY_COMMENT}{library}")));
        }
        (Version::Two, library) => {
            put("library", json!(library));
        }
    }
    put("geometry", write_geometry(dump.geometry, version));
    if let Some(first) = dump.pictures.first() {
        for (name, value) in write_shot(first, dump, version)? {
            let value = if name == "film" { with_noise(value, dump.noise, version) } else { value };
            put(&name, value);
        }
        put("materials", write_materials(dump, version)?);
        put("parts", write_parts(&dump.parts, version));
        put("background", write_background(&first.background));
        put("view", write_view(first, dump.lut_file, version));
    }
    if version == Version::Two {
        put("lines", json!(dump.lines.map(write_lines)));
        match dump.pictures {
            Pictures::Still(_) => {}
            Pictures::Views(views) => {
                put("views", write_views(views, dump)?);
            }
            Pictures::Turntable { shots, fps } => {
                put("turntable", series::write_turntable(shots.turntable(), shots.center().to_array(), *fps));
            }
        }
    }
    Ok(packshot_json::write(&Value::Object(root)))
}

/// The members of a single picture.
fn write_shot(shot: &Shot, dump: &Dump<'_>, version: Version) -> Result<Map<String, Value>, Error> {
    let mut members = Map::new();
    members
        .insert("floor".to_owned(), shot.floor.as_ref().map_or(Value::Null, |floor| write_floor(floor, dump, version)));
    members.insert("camera".to_owned(), camera::write(&shot.camera, version));
    members.insert("film".to_owned(), Value::Object(camera::write_film(&shot.film)));
    members.insert("environment".to_owned(), light::write_environment(&shot.environment, dump.environment_file)?);
    let lights = shot.lights.iter().map(|light| light::write(light, version)).collect();
    members.insert("lights".to_owned(), Value::Array(lights));
    Ok(members)
}

fn write_geometry(geometry: &Geometry, version: Version) -> Value {
    let Geometry { file, import } = geometry;
    let ImportOptions { up_axis, unit_scale, rotate_deg, smooth_deg, look, variant, pose, limits: _ } = import;
    let mut members = json!({"path": file.path, "up_axis": up_axis, "unit_scale": unit_scale, "blake3": file.blake3});
    if version == Version::Two {
        members["rotate_deg"] = json!(rotate_deg);
        members["smooth_deg"] = json!(smooth_deg);
        members["look"] = json!(look.word());
        members["variant"] = json!(variant);
        let pose = pose.as_ref().map(|pose| json!({"animation": pose.animation, "time_s": pose.time_s}));
        members["pose"] = json!(pose);
    }
    members
}

fn with_noise(film: Value, noise: Noise, version: Version) -> Value {
    let Value::Object(mut film) = film else { return film };
    match version {
        Version::One => {
            film.insert("filter_glossy".to_owned(), single(0.0));
            film.insert("denoise".to_owned(), json!(noise.when == Denoise::On));
        }
        Version::Two => {
            film.insert("denoise".to_owned(), json!(noise.when));
            film.insert("denoise_with".to_owned(), json!(noise.with));
            film.insert("oidn_quality".to_owned(), json!(noise.quality));
        }
    }
    Value::Object(film)
}

fn write_floor(floor: &Floor, dump: &Dump<'_>, version: Version) -> Value {
    let is_shared = materials(dump).is_some();
    let material = match is_shared {
        true => json!(floor.material),
        false => json!({"name": floor.material, "openpbr": material::write_openpbr(&floor.openpbr)}),
    };
    let mut members = json!({
        "y_m": floor.y_m,
        "size_m": floor.size_m,
        "material": material,
        "shadow_catcher": floor.catches(),
    });
    if version == Version::Two {
        members["center_m"] = json!(floor.center_m);
        members["sweep"] = json!(floor.sweep.as_ref().map(|sweep| json!({
            "azimuth_deg": sweep.azimuth_deg,
            "distance_m": sweep.distance_m,
            "radius_m": sweep.radius_m,
            "height_m": sweep.height_m,
        })));
    }
    members
}

/// The materials of the parts in the order of first use, after those of floors; `None` if two with the same name
/// differ.
pub(super) fn materials(dump: &Dump<'_>) -> Option<Vec<PaletteMaterial>> {
    let views: &[ViewShot] = if let Pictures::Views(views) = dump.pictures { views } else { &[] };
    let shots = dump.pictures.first().into_iter().chain(views.iter().map(|view| &view.shot));
    let of_floor = |shot: &Shot| {
        let Floor { material, openpbr, .. } = shot.floor.as_ref()?;
        Some(PaletteMaterial::plain(material, *openpbr))
    };
    let mut known: BTreeMap<String, PaletteMaterial> = BTreeMap::new();
    let mut all = Vec::new();
    for material in shots.filter_map(of_floor).chain(of_parts(&dump.parts).into_iter().cloned()) {
        match known.get(&material.id) {
            Some(other) if *other != material => return None,
            Some(_) => {}
            None => {
                known.insert(material.id.clone(), material.clone());
                all.push(material);
            }
        }
    }
    Some(all)
}

/// The materials that parts wear, each once, in the order of first use.
fn of_parts<'a>(parts: &[DumpPart<'a>]) -> Vec<&'a PaletteMaterial> {
    let mut worn: Vec<&PaletteMaterial> = Vec::new();
    let mut wear = |material: &'a PaletteMaterial| {
        if !worn.iter().any(|known| std::ptr::eq(*known, material)) {
            worn.push(material);
        }
    };
    for part in parts {
        match &part.wears {
            Worn::Own | Worn::Hidden => {}
            Worn::Material(material) => wear(material),
            Worn::PerPrimitive(each) => each.iter().flatten().for_each(|material| wear(material)),
        }
    }
    worn
}

fn write_materials(dump: &Dump<'_>, version: Version) -> Result<Value, Error> {
    let all = materials(dump).unwrap_or_else(|| of_parts(&dump.parts).into_iter().cloned().collect());
    let member =
        |material: &PaletteMaterial| Ok((material.id.clone(), material::write(material, dump.texture_files, version)?));
    let mut members = all.iter().map(member).collect::<Result<Map<String, Value>, Error>>()?;
    if version == Version::One && dump.parts.iter().any(|part| part.wears == Worn::Hidden) {
        let openpbr = OpenPbr { geometry_opacity: 0.0, ..OpenPbr::default() };
        members.insert(HIDDEN.to_owned(), Value::Object(material::write_openpbr(&openpbr)));
    }
    Ok(Value::Object(members))
}

fn write_parts(parts: &[DumpPart<'_>], version: Version) -> Value {
    match version {
        // Parts of one name wear the same material.
        Version::One => {
            let member = |part: &DumpPart<'_>| {
                let material = match &part.wears {
                    Worn::Material(material) => json!(material.id),
                    Worn::Hidden => json!(HIDDEN),
                    Worn::Own | Worn::PerPrimitive(_) => Value::Null,
                };
                (part.part.name().replace('*', "\\*"), material)
            };
            Value::Object(parts.iter().map(member).collect())
        }
        Version::Two => {
            // A path may belong to several parts, and be the name of others.
            let mut n_called: BTreeMap<String, usize> = BTreeMap::new();
            for part in parts {
                let (name, path) = (part.part.name(), &part.part.path);
                if name != *path {
                    *n_called.entry(path.clone()).or_default() += 1;
                }
                *n_called.entry(name).or_default() += 1;
            }
            let rule = |part: &DumpPart<'_>| {
                let Part { path, node_idx, .. } = part.part;
                let mut rule = Map::new();
                rule.insert("part".to_owned(), PartPattern::exactly(path).into());
                if n_called.get(path).is_some_and(|&n| n > 1) {
                    rule.insert("node".to_owned(), (*node_idx).into());
                }
                match &part.wears {
                    Worn::Own => rule.insert("material".to_owned(), Value::Null),
                    Worn::Material(material) => rule.insert("material".to_owned(), json!(material.id)),
                    Worn::PerPrimitive(each) => {
                        let ids = each.iter().map(|material| material.map(|material| &material.id));
                        rule.insert("material".to_owned(), json!(ids.collect::<Vec<_>>()))
                    }
                    Worn::Hidden => rule.insert("hidden".to_owned(), json!(true)),
                };
                Value::Object(rule)
            };
            // Copies of one node wear the same material.
            let is_copy = |i: usize| i > 0 && parts[i].part.node_idx == parts[i - 1].part.node_idx;
            let each = parts.iter().enumerate().filter(|(i, _)| !is_copy(*i)).map(|(_, part)| rule(part));
            Value::Array(each.collect())
        }
    }
}

fn write_background(background: &Background) -> Value {
    match background {
        Background::Transparent => json!({"kind": "transparent"}),
        Background::Environment => json!({"kind": "environment"}),
        Background::Color { srgb } => json!({"kind": "color", "srgb": srgb.map(single)}),
    }
}

fn write_view(shot: &Shot, lut_file: Option<&FileReference>, version: Version) -> Value {
    let View { transform, exposure_ev } = shot.view;
    let mut members = json!({"transform": transform.word(), "exposure_ev": single(exposure_ev)});
    if version == Version::Two {
        let lut = shot.lut.as_ref().zip(lut_file).map(|(lut, FileReference { path, blake3 })| {
            json!({"path": path, "input": lut.input.to_string(), "blake3": blake3})
        });
        members["lut"] = json!(lut);
    }
    members
}

fn write_lines(lines: &ShotLines) -> Value {
    let ShotLines { kinds, width_px, crease_rad, color_srgb, is_drawing } = lines;
    let word = |kind: &LineKind| match kind {
        LineKind::Edges => "edges",
        LineKind::Wireframe => "wireframe",
    };
    json!({
        "kinds": kinds.iter().map(word).collect::<Vec<_>>(),
        "width_px": width_px.map(single),
        "crease_deg": angle::degrees_single(*crease_rad),
        "color_srgb": color_srgb.map(single),
        "only": is_drawing,
    })
}

/// The views, each with what differs from the first.
fn write_views(views: &[ViewShot], dump: &Dump<'_>) -> Result<Value, Error> {
    let mut written = Vec::with_capacity(views.len());
    let mut first = None;
    for ViewShot { view, shot } in views {
        let members = write_shot(shot, dump, Version::Two)?;
        let shared = first.get_or_insert_with(|| members.clone());
        let mut own = Map::new();
        own.insert("view".to_owned(), view.name.into());
        own.insert("azimuth_deg".to_owned(), view.direction.azimuth_deg.into());
        own.insert("elevation_deg".to_owned(), view.direction.elevation_deg.into());
        own.extend(members.into_iter().filter(|(name, value)| name == "camera" || shared.get(name) != Some(value)));
        written.push(Value::Object(own));
    }
    Ok(Value::Array(written))
}
