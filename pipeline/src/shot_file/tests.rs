use std::io;
use std::path::PathBuf;

use glam::{DAffine3, DVec3};
use packshot_renderer::import::UpAxis;
use packshot_renderer::scene::{MeshIdx, Part};
use packshot_renderer::shot::{
    Background, Bounces, Environment, EnvironmentMap, Light, PixelFilter, Projection, Shot, View, ViewTransform,
    environment,
};
use serde_json::{Value as Document, json};

use super::write::{Dump, DumpPart, Worn, write};
use super::*;
use crate::error::Error;

mod schema;
mod two;

/// A shot that uses every section, and the files that it refers to.
fn complete() -> Document {
    json!({
        "schema": "packshot-shot/1",
        "comment": "ignored",
        "geometry": {"path": "parts/bearing.glb", "up_axis": "z", "unit_scale": 0.001},
        "floor": {"y_m": -0.026, "size_m": 3, "material": "paper"},
        "camera": {
            "type": "perspective", "fov_y_deg": 20, "clip_near_m": 0.01, "clip_far_m": 10,
            "look_at": {"eye_m": [0.0944, 0.0599, 0.1348], "target_m": [0, 0, 0], "up": [0, 1, 0]}
        },
        "film": {"width": 512, "height": 256, "samples": 64, "max_bounces": {"total": 5, "glossy": 3}},
        "environment": {"kind": "latlong", "path": "studio.exr", "rotation_y_deg": 25,
            "strength": 0.7},
        "lights": [
            {"kind": "rect", "comment": "key", "width_m": 0.24, "height_m": 0.18, "radiance": [5, 4.9, 4.7],
             "look_at": {"eye_m": [-0.22, 0.22, 0.2], "target_m": [0, 0, 0]}},
            {"kind": "point", "position_m": [0.1, 0.25, 0], "intensity": [0.2, 0.1, 0.05]},
            {"kind": "directional", "direction": [0.3, -1, 0.2], "irradiance": [3, 3, 3]}
        ],
        "materials": {
            "steel": {"base_color": [0.53, 0.513, 0.494], "base_metalness": 1, "specular_roughness": 0.25},
            "paper": {"base_color": [0.7, 0.7, 0.7], "specular_weight": 0}
        },
        "parts": {"Ring_*": "steel", "Ring_Outer": null, "*": "paper"},
        "background": {"kind": "color", "srgb": [1, 1, 0.5]},
        "view": {"transform": "khronos_neutral", "exposure_ev": -0.1}
    })
}

fn open(path: &str) -> io::Result<Vec<u8>> {
    match path {
        "parts/bearing.glb" => Ok(b"glTF".to_vec()),
        "studio.exr" => {
            let map = EnvironmentMap { width_px: 4, height_px: 2, rgb: vec![[0.5, 1.0, 2.0]; 8] };
            environment::encode_exr(&map).map_err(io::Error::other)
        }
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

fn read_document(document: &Document) -> Result<ShotFile, Error> {
    read(document.to_string().as_bytes(), "default", &FilmOverrides::default(), &mut open)
}

/// Replaces the member at `pointer`, or removes it.
fn changed(document: &Document, pointer: &str, to: Option<Document>) -> Document {
    let mut document = document.clone();
    let (owner, name) = pointer.rsplit_once('/').expect("a pointer");
    let owner = document.pointer_mut(owner).and_then(Document::as_object_mut).expect("an owner");
    match to {
        Some(value) => owner.insert(name.replace("~1", "/"), value),
        None => owner.remove(name),
    };
    document
}

/// The single picture of a shot.
fn still(file: &ShotFile) -> &Shot {
    let Pictures::Still(shot) = &file.pictures else { panic!("one picture") };
    shot
}

/// A part of a product by its path, as node `node_idx` of the file.
fn part((node_idx, path): (usize, &&str)) -> Part {
    Part {
        node_idx: node_idx as u32,
        path: (*path).to_owned(),
        node_name: path.rsplit('/').next().map(str::to_owned),
        mesh_name: None,
        cad_names: Vec::new(),
        mesh: MeshIdx(0),
        world_from_part: DAffine3::IDENTITY,
    }
}

fn parts(paths: &[&str]) -> Vec<Part> {
    paths.iter().enumerate().map(part).collect()
}

/// What a part of this name wears by the rules of a shot.
fn wears<'a>(file: &'a ShotFile, name: &str) -> &'a Wears {
    file.parts.wears(&part((0, &name)))
}

/// The text of a shot of a product with these parts.
fn dump(file: &ShotFile, parts: &[Part]) -> String {
    let material = |name: &String| file.materials.iter().find(|material| material.id == *name).expect("known");
    let parts = parts.iter().map(|part| {
        let wears = match file.parts.wears(part) {
            _ if !file.parts.shows(part) => Worn::Hidden,
            Wears::Own | Wears::Hidden => Worn::Own,
            Wears::Material(name) => Worn::Material(material(name)),
            Wears::PerPrimitive(each) => {
                Worn::PerPrimitive(each.iter().map(|name| name.as_ref().map(material)).collect())
            }
        };
        DumpPart { part, wears }
    });
    let dump = Dump {
        name: &file.name,
        library: file.library.as_deref(),
        geometry: &file.geometry,
        pictures: &file.pictures,
        noise: file.noise,
        lines: file.lines.as_ref(),
        environment_file: file.environment_file.as_ref(),
        lut_file: file.lut_file.as_ref().map(|(file, _)| file),
        texture_files: &file.texture_files,
        parts: parts.collect(),
    };
    write(&dump).expect("every map has its file")
}

#[test]
fn every_member_is_read() {
    let document = read_document(&complete()).expect("a valid shot");
    assert_eq!(document.name, "default");
    assert_eq!((document.geometry.import.up_axis, document.geometry.import.unit_scale), (UpAxis::Z, 0.001));
    assert_eq!(document.glb, b"glTF");
    let shot = still(&document).clone();
    assert_eq!(shot.camera.projection, Projection::Perspective { fov_y_rad: 20_f64.to_radians() });
    let eye = DVec3::new(0.0944, 0.0599, 0.1348);
    assert_eq!(shot.camera.world_from_camera.translation, eye);
    assert!((shot.camera.world_from_camera.matrix3.z_axis - eye.normalize()).length() < 1e-15);
    assert_eq!(shot.film.bounces, Bounces { total: 5, diffuse: 5, glossy: 3, transmission: 5 });
    assert_eq!(shot.film.filter, PixelFilter::Box);
    let Environment::LatLong { map, rotation_x_rad, rotation_y_rad, strength } = shot.environment else {
        panic!("a map")
    };
    assert_eq!((map.width_px, map.rgb[7], strength), (4, [0.5, 1.0, 2.0], 0.7));
    assert_eq!((rotation_x_rad, rotation_y_rad), (0.0, 25_f64.to_radians()));
    assert_eq!(shot.lights.len(), 3);
    let Light::Directional { direction, .. } = shot.lights[2] else { panic!("a directional light") };
    assert!((direction - DVec3::new(0.3, -1.0, 0.2).normalize()).length() < 1e-15);
    assert_eq!(shot.floor.expect("a floor").openpbr.base_color, [0.7; 3]);
    assert_eq!(shot.background, Background::Color { srgb: [1.0, 1.0, 0.5] });
    assert_eq!(shot.view, View { transform: ViewTransform::KhronosNeutral, exposure_ev: -0.1 });
}

#[test]
fn what_is_left_out_has_its_default() {
    let minimal = json!({
        "schema": "packshot-shot/1",
        "geometry": {"path": "parts/bearing.glb"},
        "camera": {"type": "orthographic", "height_m": 0.1, "world_from_camera": [1,0,0,0, 0,1,0,0, 0,0,1,0, 0,0,2,1]},
        "film": {"width": 8, "height": 8, "samples": 1, "filter": "blackman_harris"}
    });
    let file = read_document(&minimal).expect("a valid shot");
    let (shot, geometry) = (still(&file), &file.geometry);
    assert_eq!((geometry.import.up_axis, geometry.import.unit_scale), (UpAxis::Y, 1.0));
    assert_eq!((shot.camera.clip_near_m, shot.camera.clip_far_m), (1e-4, 1e4));
    assert_eq!(shot.film.filter, PixelFilter::BlackmanHarris { half_width_px: 1.5 });
    assert_eq!(shot.film.bounces, Bounces::all(12));
    assert!(matches!(shot.environment, Environment::None));
    assert_eq!(shot.background, Background::Transparent);
    assert_eq!(shot.view, View { transform: ViewTransform::Agx, exposure_ev: 0.0 });
    assert_eq!(wears(&file, "anything"), &Wears::Own);
    assert_eq!((file.noise.when, file.lines, file.library), (Denoise::Off, None, None));
}

#[test]
fn mistakes_have_code_and_pointer() {
    const POSE: [f64; 16] = [-1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0.2, 1.];
    let camera = |pose: [f64; 16]| json!({"type": "perspective", "fov_y_deg": 20, "world_from_camera": pose});
    let cases = [
        ("/schema", Some(json!("packshot-shot/3")), "shot.schema", "/schema"),
        ("/schema", Some(json!(1)), "shot.schema", "/schema"),
        ("/schema", None, "shot.missing", "/schema"),
        ("/geometry", None, "shot.missing", "/geometry"),
        ("/geometry/path", Some(json!("missing.glb")), "shot.file_missing", "/geometry/path"),
        ("/geometry/path", Some(json!("bearing.step")), "shot.range", "/geometry/path"),
        ("/geometry/blake3", Some(json!("00")), "shot.file_changed", "/geometry/path"),
        ("/geometry/unit_scale", Some(json!(0)), "shot.range", "/geometry/unit_scale"),
        ("/camera", Some(json!([])), "shot.type", "/camera"),
        ("/camera", Some(camera(POSE)), "shot.range", "/camera/world_from_camera"),
        ("/camera/world_from_camera", Some(json!(POSE)), "shot.conflict", "/camera"),
        ("/camera/look_at", None, "shot.conflict", "/camera"),
        ("/camera/look_at/up", Some(json!([0.0944, 0.0599, 0.1348])), "shot.range", "/camera/look_at"),
        ("/camera/look_at/eye_m", Some(json!([1e308, -1e308, 0])), "", ""),
        ("/camera/fov_y_deg", Some(json!("30")), "shot.type", "/camera/fov_y_deg"),
        ("/camera/fov_y_deg", Some(json!(null)), "shot.type", "/camera/fov_y_deg"),
        ("/camera/height_m", Some(json!(0.1)), "shot.unknown_member", "/camera/height_m"),
        ("/camera/clip_near_m", Some(json!(20)), "shot.range", "/camera/clip_near_m"),
        ("/camera/type", Some(json!(7)), "shot.type", "/camera/type"),
        ("/film/width", Some(json!(512.0)), "shot.type", "/film/width"),
        ("/film/width", Some(json!(16385)), "shot.range", "/film/width"),
        ("/film/samples", Some(json!(true)), "shot.type", "/film/samples"),
        ("/film/samples", Some(json!(u64::MAX)), "shot.range", "/film/samples"),
        ("/film/filter_width_px", Some(json!(2)), "shot.range", "/film/filter_width_px"),
        ("/film/max_bounces", Some(json!({"volume": 1})), "shot.unknown_member", "/film/max_bounces/volume"),
        ("/film/denoise", Some(json!(true)), "", ""),
        ("/film/denoise", Some(json!(1)), "shot.type", "/film/denoise"),
        ("/film/filter_glossy", Some(json!(0.5)), "shot.unsupported", "/film/filter_glossy"),
        ("/film/clamp_direct", Some(json!(1e300)), "shot.range", "/film/clamp_direct"),
        ("/floor/shadow_catcher", Some(json!(true)), "", ""),
        ("/floor/shadow_catcher", Some(json!("yes")), "shot.type", "/floor/shadow_catcher"),
        ("/floor/center_m", Some(json!([1.0, 2.0])), "shot.unknown_member", "/floor/center_m"),
        ("/floor/sweep", Some(json!(null)), "shot.unknown_member", "/floor/sweep"),
        ("/camera/aperture", Some(json!(null)), "shot.unknown_member", "/camera/aperture"),
        ("/geometry/look", Some(json!("gltf")), "shot.unknown_member", "/geometry/look"),
        ("/materials/steel/priority", Some(json!(1)), "shot.unknown_member", "/materials/steel/priority"),
        ("/view/transform", Some(json!("agx_high_contrast")), "shot.range", "/view/transform"),
        ("/lines", Some(json!(null)), "shot.unknown_member", "/lines"),
        ("/film/denoise", Some(json!("auto")), "shot.type", "/film/denoise"),
        ("/floor/material", Some(json!("wood")), "shot.unknown_material", "/floor/material"),
        ("/environment/path", Some(json!("missing.hdr")), "shot.file_missing", "/environment/path"),
        ("/environment/kind", Some(json!("uniform")), "shot.missing", "/environment/radiance"),
        ("/lights", Some(json!([{"kind": "spot"}])), "shot.range", "/lights/0/kind"),
        ("/materials/steel/base_metalness", Some(json!(1.5)), "shot.range", "/materials/steel/base_metalness"),
        ("/materials/steel/base_color", Some(json!([1, 1, -1])), "shot.range", "/materials/steel/base_color/2"),
        ("/parts", Some(json!({"a/b": "brass"})), "shot.unknown_material", "/parts/a~1b"),
        ("/parts", Some(json!({"*_Ring": "steel"})), "shot.range", "/parts/*_Ring"),
        ("/parts", Some(json!({"": "steel"})), "shot.range", "/parts/"),
        ("/parts/comment", Some(json!("a part of that name")), "shot.unknown_material", "/parts/comment"),
        ("/background", Some(json!({"kind": "color"})), "shot.missing", "/background/srgb"),
        ("/view/exposure_ev", Some(json!(33)), "shot.range", "/view/exposure_ev"),
        ("/colour", Some(json!(1)), "shot.unknown_member", "/colour"),
        ("/floor", Some(json!(null)), "", ""),
    ];
    for (pointer, to, code, at) in cases {
        let outcome = read_document(&changed(&complete(), pointer, to.clone()));
        let outcome = outcome.map_or_else(|e| (e.code().to_owned(), e.faults[0].at.clone()), |_| Default::default());
        assert_eq!(outcome, (code.to_owned(), at.to_owned()), "{pointer} = {to:?}");
    }
    let text = complete().to_string().replace("\"fov_y_deg\":20", "\"fov_y_deg\":NaN");
    let error = read(text.as_bytes(), "", &FilmOverrides::default(), &mut open).expect_err("not a number");
    assert_eq!((error.code(), error.faults[0].at.as_str()), ("shot.range", "/camera/fov_y_deg"));
    let error = read(b"{", "", &FilmOverrides::default(), &mut open).expect_err("no end");
    assert_eq!((error.code(), error.faults[0].at.as_str()), ("shot.syntax", "/"));
}

#[test]
fn all_mistakes_are_found_at_once_and_what_is_newer_says_so() {
    let mut document = changed(&complete(), "/film/samples", Some(json!(0)));
    document["camera"]["aperture"] = json!({"radius_m": 1, "focus_depth_m": 1});
    document["lights"][1]["position_m"] = json!([0, "1", 2]);
    document["parts"]["Nut"] = json!("gold");
    let faults = read_document(&document).expect_err("four mistakes").faults;
    let found: Vec<_> =
        faults.iter().map(|fault| (fault.code.as_str(), fault.at.as_str(), fault.help.as_str())).collect();
    assert_eq!(
        found,
        [
            ("shot.unknown_member", "/camera/aperture", "it needs the schema packshot-shot/2"),
            ("shot.range", "/film/samples", ""),
            ("shot.type", "/lights/1/position_m/1", ""),
            ("shot.unknown_material", "/parts/Nut", ""),
        ]
    );
}

#[test]
fn options_win_over_the_film() {
    let overrides = FilmOverrides {
        width_px: Some(10),
        height_px: Some(20),
        samples: Some(3),
        noise_threshold: Some(0.1),
        seed: Some(7),
    };
    let file = read(complete().to_string().as_bytes(), "", &overrides, &mut open).expect("a valid shot");
    let film = still(&file).film;
    assert_eq!((film.width_px, film.height_px, film.samples, film.seed), (10, 20, 3, 7));
    assert_eq!(film.noise_threshold, 0.1);
    let wide = FilmOverrides { width_px: Some(16_384), height_px: Some(16_384), ..overrides };
    let error = read(complete().to_string().as_bytes(), "", &wide, &mut open).expect_err("too many pixels");
    assert_eq!(error.faults[0].at, "/film/width");
}

#[test]
fn the_exact_name_wins_then_the_longest_prefix() {
    let rules = json!({
        "Ring_*": "steel", "Ring_Outer": null, "*": "paper", "Ring_Inner*": "paper", "Nut\\*": "steel", "B\\**": "steel"
    });
    let document = read_document(&changed(&complete(), "/parts", Some(rules))).expect("a valid shot");
    let cases = [
        ("Ring_Outer", None),
        ("Ring_", Some("steel")),
        ("Ring_Middle", Some("steel")),
        ("Ring_Inner_2", Some("paper")),
        ("Nut*", Some("steel")),
        ("Nut", Some("paper")),
        ("Nut*s", Some("paper")),
        ("B*x", Some("steel")),
        ("Bx", Some("paper")),
        ("Größe", Some("paper")),
    ];
    for (part, material) in cases {
        let expected = material.map_or(Wears::Own, |material: &str| Wears::Material(material.to_owned()));
        assert_eq!(wears(&document, part), &expected, "{part}");
    }
    let unmatched = document.parts.unmatched(&parts(&["Ring_Outer", "Ring_Inner", "B*"]));
    let at: Vec<&str> = unmatched.iter().map(|d| d.at.as_str()).collect();
    assert_eq!(at, ["/parts/Nut\\*"]);
}

#[test]
fn what_lets_every_ray_pass_is_hidden() {
    let mut document = complete();
    document["materials"]["hidden"] = json!({"geometry_opacity": 0});
    document["parts"]["Ring_Outer"] = json!("hidden");
    let file = read_document(&document).expect("a valid shot");
    let shows = |name: &str| file.parts.shows(&part((0, &name)));
    assert!(!shows("Ring_Outer") && shows("Ring_Inner"));
    let text = dump(&file, &parts(&["Ring_Outer", "Ring_Inner"]));
    let back: Document = serde_json::from_str(&text).expect("JSON");
    assert_eq!(back["schema"], "packshot-shot/1");
    assert_eq!(back["parts"], json!({"Ring_Outer": "hidden", "Ring_Inner": "steel"}));
}

#[test]
fn a_written_shot_reads_back_and_writes_alike() {
    let parts = parts(&["Asm/Ring_Outer", "Asm/Ring_Inner", "Ball*", "Asm/Ball*"]);
    let mut first = read_document(&complete()).expect("a valid shot");
    first.library = Some("STD@1.0.0#b3:00".to_owned());
    let text = dump(&first, &parts);
    for expected in [
        "\"schema\": \"packshot-shot/1\"",
        "\"fov_y_deg\": 20.0",
        "\"Ball\\\\*\": \"paper\"",
        "\"Ring_Outer\": null",
        "\"exposure_ev\": -0.1",
        "made with the material library STD@1.0.0#b3:00",
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    assert!(!text.contains("look_at"), "{text}");
    let second = read(text.as_bytes(), "", &FilmOverrides::default(), &mut open).expect("own output");
    assert_eq!(still(&second).digest(), still(&first).digest());
    assert_eq!(second.library, first.library);
    assert_eq!(dump(&second, &parts), text);
}

proptest::proptest! {
    /// For any angle, the second reading gives the same as the first, so that repeated dumps are equal.
    #[test]
    fn angles_are_written_stably(fov_y_deg in 1e-3..179.0_f64) {
        let mut document = changed(&complete(), "/camera/fov_y_deg", Some(json!(fov_y_deg)));
        document["environment"] = json!({"kind": "none"});
        let first = read_document(&document).expect("a valid shot");
        let text = dump(&first, &[]);
        let second = read(text.as_bytes(), "", &FilmOverrides::default(), &mut open).expect("own output");
        proptest::prop_assert_eq!(still(&first).camera, still(&second).camera);
        proptest::prop_assert_eq!(dump(&second, &[]), text);
    }

    #[test]
    fn angles_of_a_scene_are_written_stably(
        fov_y_rad in 1e-3..3.0_f64,
        about_x_rad in 0.0..3.2_f64,
        about_y_rad in -9.0..9.0_f64,
    ) {
        let mut first = read_document(&complete()).expect("a valid shot");
        first.pictures = first.pictures.map(|mut shot| {
            shot.camera.projection = Projection::Perspective { fov_y_rad };
            if let Environment::LatLong { rotation_x_rad, rotation_y_rad, .. } = &mut shot.environment {
                (*rotation_x_rad, *rotation_y_rad) = (about_x_rad, about_y_rad);
            }
            shot
        });
        let text = dump(&first, &[]);
        let second = read(text.as_bytes(), "", &FilmOverrides::default(), &mut open).expect("own output");
        proptest::prop_assert_eq!(dump(&second, &[]), text);
    }

    #[test]
    fn no_text_can_hurt(noise: Vec<u8>, cut in 0_usize..4000, replacement: u8) {
        let mut text = complete().to_string().into_bytes();
        let at = cut % text.len();
        text[at] = replacement;
        // It only has to return.
        let _ = read(&text, "", &FilmOverrides::default(), &mut open);
        let _ = read(&text[..at], "", &FilmOverrides::default(), &mut open);
        let _ = read(&noise, "", &FilmOverrides::default(), &mut open);
    }
}

#[test]
fn the_reference_list_of_mistakes() {
    let Some(shared) = std::env::var_os("PACKSHOT_SHARED").map(PathBuf::from) else {
        println!("skipped: PACKSHOT_SHARED is not set (the folder with peers/shots)");
        return;
    };
    let folder = shared.join("peers/shots");
    let mut open = |path: &str| std::fs::read(folder.join(path));
    let mut read_text = |text: &str| read(text.as_bytes(), "", &FilmOverrides::default(), &mut open);
    let load = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a shot of the reference");
    let base: Document = serde_json::from_str(&load("bearing_metal.json")).expect("JSON");
    let cases: Vec<Document> = serde_json::from_str(&load("errors.json")).expect("JSON");
    assert!(cases.len() > 50, "{} cases", cases.len());
    for case in cases {
        let pointer = case["set"].as_str().or(case["remove"].as_str()).expect("a change");
        // The list is only for readers of version 1.
        if case["to"] == Version::Two.to_string() {
            continue;
        }
        let error = read_text(&changed(&base, pointer, case.get("to").cloned()).to_string()).expect_err(pointer);
        assert_eq!(Some(error.code()), case["code"].as_str(), "{case}");
        assert_eq!(Some(error.faults[0].at.as_str()), case["at"].as_str(), "{case}");
    }
    for entry in std::fs::read_dir(&folder).expect("the folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if name.ends_with(".json") && name.contains('_') {
            let document = read_text(&load(&name)).unwrap_or_else(|e| panic!("{name}: {e}"));
            let parts = parts(&["Outer_Ring"]);
            let text = dump(&document, &parts);
            let again = read_text(&text).unwrap_or_else(|e| panic!("{name} dumped: {e}"));
            assert_eq!(dump(&again, &parts), text, "{name}");
        }
    }
}
