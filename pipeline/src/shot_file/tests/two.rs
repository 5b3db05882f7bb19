//! Version 2 can express everything that determines pictures, and preserves it.

use std::sync::Arc;

use packshot_materials::library::{
    Axis, Detail, DetailKind, Projection, Surface, Tangent, TangentMode, Texture, Textures,
};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::import::{ImportOptions, Pose};
use packshot_renderer::look::Look;
use packshot_renderer::shot::lut::{self, LutInput};
use packshot_renderer::shot::turntable::{TurnDirection, TurnMode, Turntable, TurntableShots};
use packshot_renderer::shot::view::SIX_VIEW;
use packshot_renderer::shot::{Aperture, Floor, FloorRole, SpotFalloff, Sweep};
use packshot_words::Word;

use super::*;
use crate::views::ViewShot;

const CURVE: &[u8] = b"LUT_1D_SIZE 2\n0 0 0\n1 1 1";

/// A PNG of one texel: signature, header, data and end (PNG specification, third edition).
const TEXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\
    \0\0\0\nIDAT\x78\x9c\x63\x68\0\0\0\x82\0\x81\x77\xcd\x72\xb6\0\0\0\0IEND\xae\x42\x60\x82";

fn open(path: &str) -> io::Result<Vec<u8>> {
    match path {
        "grade.cube" => Ok(CURVE.to_vec()),
        "oak.png" => Ok(TEXEL.to_vec()),
        _ => super::open(path),
    }
}

/// A shot with a value in everything that version 1 cannot express.
fn rich() -> ShotFile {
    let mut file = read_document(&complete()).expect("a valid shot");
    file.geometry.import = ImportOptions {
        rotate_deg: [90.0, 0.0, -12.5],
        smooth_deg: 30.0,
        look: Look::Blender50,
        variant: Some("Gilded".to_owned()),
        pose: Some(Pose { animation: Some("Open".to_owned()), time_s: 0.1 }),
        ..file.geometry.import
    };
    file.library = Some("STD@1.0.0#b3:00".to_owned());
    file.noise = Noise { when: Denoise::Auto, with: DenoiseWith::Oidn, quality: Some(Quality::Fast) };
    file.lines = Some(ShotLines {
        kinds: vec![LineKind::Wireframe, LineKind::Edges],
        width_px: Some(1.1),
        crease_rad: 0.7,
        color_srgb: [0.1, 0.2, 0.3],
        is_drawing: false,
    });
    let lut = Arc::new(lut::read(CURVE, "grade.cube", LutInput::Log2 { min: -8.5, max: 4.0 }).expect("a curve"));
    file.lut_file = Some((FileReference::new("grade.cube", CURVE), CURVE.into()));
    file.pictures = file.pictures.map(|mut shot| {
        shot.camera.aperture = Some(Aperture { radius_m: 0.001, focus_depth_m: 0.17 });
        if let Environment::LatLong { rotation_x_rad, .. } = &mut shot.environment {
            *rotation_x_rad = 40_f64.to_radians();
        }
        shot.lights.push(Light::Spot {
            world_from_light: DAffine3::from_translation(DVec3::new(0.1, 0.2, 0.3)),
            intensity: [1.0, 2.0, 0.1],
            inner_cone_rad: 0.1,
            outer_cone_rad: std::f32::consts::FRAC_PI_2,
            falloff: SpotFalloff::Smooth,
        });
        shot.lights.push(Light::Directional {
            direction: DVec3::NEG_Y,
            irradiance: [1.0; 3],
            half_angle_rad: 0.004_590_216,
        });
        let sweep = Sweep { azimuth_deg: 35.0, distance_m: 3.0, radius_m: 2.0, height_m: 5.0 };
        shot.floor = Some(Floor {
            center_m: [0.1, -0.2],
            sweep: Some(sweep),
            role: FloorRole::Catcher,
            ..Floor::square(-0.026, 3.0, "steel", OpenPbr { base_weight: 0.3, ..OpenPbr::default() })
        });
        shot.view.transform = ViewTransform::by_word("agx_high_contrast").expect("a look");
        shot.lut = Some(lut.clone());
        shot
    });
    let detail = vec![Detail { kind: DetailKind::Knurl, scale_mm: 0.8, depth_mm: 0.1 }];
    let tangent = Some(Tangent { mode: TangentMode::Planar, axis: Axis::Auto });
    let surface = Surface { bevel_mm: Some(0.05), tangent, detail };
    let texture = Some(Texture::new("oak.png", TEXEL).expect("a picture"));
    let textures = Some(Textures {
        base_color: texture.clone(),
        roughness: None,
        normal: texture,
        mm_per_repeat: 12.5,
        projection: Projection::Box,
    });
    file.texture_files = vec![FileReference::new("oak.png", TEXEL); 2];
    file.materials[0] = PaletteMaterial { priority: 10, surface, textures, ..file.materials[0].clone() };
    file
}

/// Reads the text of a shot.
fn read_back(text: &str) -> ShotFile {
    let document: Document = serde_json::from_str(text).expect("JSON");
    assert!(document["schema"] == "packshot-shot/1" || schema::takes(&document), "{text}");
    read(text.as_bytes(), "", &FilmOverrides::default(), &mut open).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn everything_has_a_place() {
    let (file, parts) = (rich(), parts(&["Asm/Ring_Inner", "Asm/Ring_Outer", "Asm/Nut"]));
    let text = dump(&file, &parts);
    assert!(text.contains("packshot-shot/2"), "{text}");
    let second = read_back(&text);
    assert_eq!((still(&second).digest(), &second.geometry), (still(&file).digest(), &file.geometry));
    assert_eq!((second.noise, &second.lines, &second.library), (file.noise, &file.lines, &file.library));
    assert_eq!((&second.environment_file, &second.lut_file), (&file.environment_file, &file.lut_file));
    assert_eq!(second.texture_files, file.texture_files);
    assert_eq!(second.materials, file.materials);
    assert_eq!(dump(&second, &parts), text);
}

/// Each of these alone requires version 2.
#[test]
fn version_one_is_written_where_it_suffices() {
    let plain = read_document(&complete()).expect("a valid shot");
    let rich = rich();
    let all = || parts(&["Ring_Inner", "Ring_Outer"]);
    let schema = |file: &ShotFile, parts: &[Part]| {
        let text = dump(file, parts);
        let written: Document = serde_json::from_str(&text).expect("JSON");
        assert_eq!(dump(&read_back(&text), parts), text);
        written["schema"].as_str().expect("a word").to_owned()
    };
    assert_eq!(schema(&plain, &all()), "packshot-shot/1");
    type Change = fn(&mut ShotFile, &ShotFile);
    type ShotChange = fn(&mut Shot, &Shot);
    let of_shot = |change: ShotChange| {
        move |file: &mut ShotFile, rich: &ShotFile| {
            file.pictures = file.pictures.clone().map(|mut shot| {
                change(&mut shot, still(rich));
                shot
            });
        }
    };
    let changes: [(&str, Change); 9] = [
        ("turned", |file, rich| file.geometry.import.rotate_deg = rich.geometry.import.rotate_deg),
        ("smooth", |file, rich| file.geometry.import.smooth_deg = rich.geometry.import.smooth_deg),
        ("look", |file, rich| file.geometry.import.look = rich.geometry.import.look),
        ("variant", |file, rich| file.geometry.import.variant.clone_from(&rich.geometry.import.variant)),
        ("pose", |file, rich| file.geometry.import.pose.clone_from(&rich.geometry.import.pose)),
        ("noise", |file, rich| file.noise = rich.noise),
        ("lines", |file, rich| file.lines.clone_from(&rich.lines)),
        ("materials", |file, rich| {
            file.materials.clone_from(&rich.materials);
            file.texture_files.clone_from(&rich.texture_files);
        }),
        ("a glTF as text", |file, _| file.geometry.file.path = "bearing.gltf".to_owned()),
    ];
    for (what, change) in changes {
        let mut file = plain.clone();
        change(&mut file, &rich);
        let text = dump(&file, &all());
        assert!(text.contains("packshot-shot/2"), "{what}");
    }
    let of_shots: [(&str, ShotChange); 5] = [
        ("aperture", |shot, rich| shot.camera.aperture = rich.camera.aperture),
        ("spot", |shot, rich| shot.lights.push(rich.lights[3])),
        ("sun", |shot, rich| shot.lights.push(rich.lights[4])),
        ("floor", |shot, rich| shot.floor.clone_from(&rich.floor)),
        ("transform", |shot, rich| shot.view.transform = rich.view.transform),
    ];
    for (what, change) in of_shots {
        let mut file = plain.clone();
        of_shot(change)(&mut file, &rich);
        assert_eq!(schema(&file, &all()), "packshot-shot/2", "{what}");
    }
    // A name that two parts share, of which one is hidden.
    let mut file = plain.clone();
    let rules = json!([{"part": "A/Nut", "hidden": true}, {"part": "*", "material": "steel"}]);
    let mut document = complete();
    (document["schema"], document["parts"]) = (json!("packshot-shot/2"), rules);
    file.parts = read_document(&document).expect("a valid shot").parts;
    assert_eq!(schema(&file, &parts(&["A/Nut", "B/Nut"])), "packshot-shot/2");
    assert_eq!(schema(&file, &parts(&["A/Nut", "B/Bolt"])), "packshot-shot/1");
}

#[test]
fn views_and_turns_are_whole_in_one_file() {
    let plain = read_document(&complete()).expect("a valid shot");
    let parts = parts(&["Ring"]);
    let views = SIX_VIEW.iter().enumerate().map(|(i, view)| {
        let mut shot = still(&plain).clone();
        shot.camera.world_from_camera.translation.x += i as f64;
        shot.film.width_px += i as u32;
        if let Environment::LatLong { rotation_x_rad, rotation_y_rad, .. } = &mut shot.environment {
            *rotation_x_rad = if i == 5 { std::f64::consts::PI } else { 0.0 };
            *rotation_y_rad = (60.0 * i as f64).to_radians();
        }
        shot.floor = shot.floor.filter(|_| i % 2 == 0);
        ViewShot { view: view.at_elevation(10.0), shot }
    });
    let views = Pictures::Views(views.collect());
    let turntable = Turntable { frames: 36, start_deg: -12.5, direction: TurnDirection::Cw, mode: TurnMode::Orbit };
    let shots = TurntableShots::new(turntable, DVec3::new(0.1, 0.2, -0.3), still(&plain).clone());
    for pictures in [views, Pictures::Turntable { shots: Box::new(shots), fps: 30 }] {
        let file = ShotFile { pictures, ..plain.clone() };
        let text = dump(&file, &parts);
        let second = read_back(&text);
        let digests = |file: &ShotFile| file.pictures.shots().map(|shot| shot.digest()).collect::<Vec<_>>();
        assert_eq!(digests(&second), digests(&file));
        assert_eq!(second.pictures.kind(), file.pictures.kind());
        assert_eq!(dump(&second, &parts), text);
        if let (Pictures::Views(first), Pictures::Views(second)) = (&file.pictures, &second.pictures) {
            assert!(first.iter().zip(second).all(|(a, b)| a.view == b.view));
            let maps = second.iter().map(|view| match &view.shot.environment {
                Environment::LatLong { map, .. } => Arc::as_ptr(map),
                Environment::None | Environment::Uniform { .. } => std::ptr::null(),
            });
            assert_eq!(maps.collect::<std::collections::BTreeSet<_>>().len(), 1, "the map is read once");
        }
    }
}

#[test]
fn the_first_rule_that_means_a_part_counts() {
    let mut document = complete();
    document["schema"] = json!("packshot-shot/2");
    document["parts"] = json!([
        {"part": "Asm/Ring", "node": 3, "material": null},
        {"part": "Asm/Ring", "material": "steel"},
        {"part": "*{Nut,Bolt}*", "hidden": true},
        {"part": "Cap[1]", "material": ["steel", null]},
        {"part": "Nowhere", "material": "steel"},
        {"part": "*", "material": "paper"},
    ]);
    let file = read_document(&document).expect("a valid shot");
    let of = |node_idx: usize, path: &str| file.parts.wears(&part((node_idx, &path))).clone();
    let material = |name: &str| Wears::Material(name.to_owned());
    assert_eq!((of(3, "Asm/Ring"), of(4, "Asm/Ring")), (Wears::Own, material("steel")));
    assert_eq!((of(0, "Asm/Nut_2"), of(0, "Ring")), (Wears::Hidden, material("paper")));
    assert_eq!(of(0, "Cap[1]"), Wears::PerPrimitive(vec![Some("steel".to_owned()), None]));
    let unmatched = file.parts.unmatched(&parts(&["Asm/Ring", "Nut", "Cap1"]));
    assert_eq!(unmatched.iter().map(|found| found.at.as_str()).collect::<Vec<_>>(), ["/parts/0", "/parts/4"]);
}

#[test]
fn mistakes_have_code_and_pointer() {
    let parts = parts(&["Ring_Inner", "Nut"]);
    let rich: Document = serde_json::from_str(&dump(&rich(), &parts)).expect("JSON");
    let view = |name: &str| json!({"view": name, "camera": rich["camera"]});
    let turntable = json!({"frames": 36, "center_m": [0, 0, 0]});
    let cases = [
        ("/geometry/look", json!("blender"), "shot.range", "/geometry/look"),
        ("/geometry/pose", json!({"time_s": -1}), "shot.range", "/geometry/pose/time_s"),
        ("/camera/aperture", json!({"radius_m": 0, "focus_depth_m": 1}), "shot.range", "/camera/aperture/radius_m"),
        ("/film/denoise", json!(true), "shot.type", "/film/denoise"),
        ("/film/filter_glossy", json!(0), "shot.unknown_member", "/film/filter_glossy"),
        ("/lights", json!([{"kind": "sun"}]), "shot.range", "/lights/0/kind"),
        ("/lights/3/inner_cone_deg", json!(90), "shot.range", "/lights/3/inner_cone_deg"),
        ("/lights/4/half_angle_deg", json!(90), "shot.range", "/lights/4/half_angle_deg"),
        ("/floor/sweep/radius_m", json!(4), "shot.range", "/floor/sweep/radius_m"),
        ("/floor/material", json!({"openpbr": {}}), "shot.missing", "/floor/material/name"),
        ("/floor/material", json!("gold"), "shot.unknown_material", "/floor/material"),
        ("/materials/steel/priority", json!(256), "shot.range", "/materials/steel/priority"),
        ("/materials/steel/surface/bevel_mm", json!(0.6), "shot.range", "/materials/steel/surface/bevel_mm"),
        (
            "/materials/steel/surface/tangent",
            json!({"mode": "planar"}),
            "shot.missing",
            "/materials/steel/surface/tangent/axis",
        ),
        (
            "/materials/steel/surface/detail/0/kind",
            json!("rust"),
            "shot.range",
            "/materials/steel/surface/detail/0/kind",
        ),
        ("/parts", json!({}), "shot.type", "/parts"),
        ("/parts/0/part", json!(""), "shot.range", "/parts/0/part"),
        ("/parts/0/hidden", json!(true), "shot.conflict", "/parts/0/material"),
        ("/parts/0/material", json!(["steel", "gold"]), "shot.unknown_material", "/parts/0/material/1"),
        ("/view/lut/path", json!("gone.cube"), "shot.file_missing", "/view/lut/path"),
        ("/view/lut/input", json!("log"), "shot.range", "/view/lut/input"),
        ("/view/lut/blake3", json!("00"), "shot.file_changed", "/view/lut/path"),
        ("/lines/kinds", json!(["edges", "edges"]), "shot.conflict", "/lines/kinds"),
        ("/lines/kinds", json!([]), "", ""),
        ("/film/denoise_with", json!("packshot"), "shot.conflict", "/film/oidn_quality"),
        ("/lines/width_px", json!(0.1), "shot.range", "/lines/width_px"),
        ("/views", json!([]), "shot.range", "/views"),
        ("/views", json!([view("front"), view("front")]), "shot.conflict", "/views/1"),
        ("/views", json!([view("upside_down")]), "shot.range", "/views/0/view"),
        ("/views", json!([{"view": "front"}]), "shot.missing", "/views/0/camera"),
        ("/turntable", json!({"frames": 1, "center_m": [0, 0, 0]}), "shot.range", "/turntable/frames"),
        // The shot's sweep cannot turn.
        ("/turntable", turntable, "shot.conflict", "/floor"),
        ("/library", json!("a\nb"), "shot.range", "/library"),
    ];
    for (pointer, to, code, at) in cases {
        let mut document = rich.clone();
        match document.pointer_mut(pointer) {
            Some(value) => *value = to.clone(),
            None => document = changed(&document, pointer, Some(to.clone())),
        }
        let outcome = read(document.to_string().as_bytes(), "", &FilmOverrides::default(), &mut open);
        let outcome = outcome.map_or_else(|e| (e.code().to_owned(), e.faults[0].at.clone()), |_| Default::default());
        assert_eq!(outcome, (code.to_owned(), at.to_owned()), "{pointer} = {to}");
        // A schema cannot see other members or files.
        let is_beyond_schemas = ["shot.unknown_material", "shot.file_missing", "shot.file_changed"].contains(&code)
            || [
                "/lights/3/inner_cone_deg",
                "/floor",
                "/floor/sweep/radius_m",
                "/view/lut/input",
                "/views/1",
                "/film/oidn_quality",
                "/library",
            ]
            .contains(&at);
        assert!(schema::takes(&document) == code.is_empty() || is_beyond_schemas, "{pointer} = {to}");
    }
    let mut both = changed(&rich, "/views", Some(json!([view("front")])));
    both["turntable"] = json!({"frames": 36, "center_m": [0, 0, 0]});
    let error = read(both.to_string().as_bytes(), "", &FilmOverrides::default(), &mut open).expect_err("one of both");
    assert_eq!((error.code(), error.faults[0].at.as_str()), ("shot.conflict", "/turntable"));
    assert!(!schema::takes(&both));
}
