//! Products as files for viewers: other programs read them, and so does Packshot, to the same product.

mod balls;
mod odd;
mod production;
mod surface;
#[path = "../../../tests/surroundings/tools.rs"]
mod tools;
mod validator;

use std::path::PathBuf;
use std::sync::Arc;

use packshot_materials::library::Library;
use packshot_materials::map::MaterialMap;
use packshot_materials::mapping::{MapBy, OnUnmapped, Policy};
use packshot_pipeline::export::{ExportForm, ExportQuality, glb};
use packshot_pipeline::picture::{Format, Picture};
use packshot_pipeline::product::{PartMaterials, Product};
use packshot_pipeline::render::{Renderer, RendererOptions};
use packshot_pipeline::request::{MaterialRequest, PartFilter};
use packshot_pipeline::taken::NeededVersions;
use packshot_renderer::backend::device::DeviceRequest;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::import::ImportOptions;
use packshot_renderer::sample::bearing;
use packshot_renderer::scene::Part;
use packshot_renderer::shot::request::{ShotRequest, build};
use serde_json::{Value, json};

const QUALITIES: [ExportQuality; 3] = [ExportQuality::Low, ExportQuality::Medium, ExportQuality::High];
/// Models of CAD systems and one with textures, in the folder of shared files.
const SHARED: [&str; 4] = ["bearing_6205", "bearing_6205_faces", "gear_reducer", "textured_crate"];

fn import(bytes: &[u8]) -> Product {
    let (options, filter) = (ImportOptions::default(), PartFilter::default());
    Product::import(bytes, &options, &filter, &CancelToken::default()).expect("a sound file")
}

fn exported(product: &Product, materials: &PartMaterials, quality: ExportQuality) -> Vec<u8> {
    let export = glb(product, materials, ExportForm::Geometry(quality), &CancelToken::default());
    let export = export.expect("room in a GLB");
    assert!(export.findings.is_empty(), "a file for viewers has colours only");
    export.glb
}

/// A model of the folder of shared files, if there is one.
fn shared(name: &str) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("PACKSHOT_SHARED") else {
        println!("skipped: PACKSHOT_SHARED is not set (the folder with assets/*.glb)");
        return None;
    };
    let path = PathBuf::from(folder).join("assets").join(name).with_extension("glb");
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Files to try it with: by name, the product and its materials.
fn products() -> Vec<(String, Product, PartMaterials)> {
    let sample = bearing();
    let map = MaterialMap::parse("map.json", sample.material_map.as_bytes()).expect("a map");
    let one = MaterialMap::parse("map.json", br#"{"parts":[{"part_name":"Outer_Ring","material":"Glass"}]}"#);
    let mapped = |map| MaterialRequest { map: Some(map), ..MaterialRequest::default() };
    let mut files = vec![
        ("sample".to_owned(), sample.glb.clone(), mapped(map)),
        ("sample with one part mapped".to_owned(), sample.glb, mapped(one.expect("a map"))),
    ];
    for name in SHARED {
        files.extend(shared(name).map(|bytes| (name.to_owned(), bytes, MaterialRequest::default())));
    }
    let read = |(name, bytes, request): (String, Vec<u8>, MaterialRequest)| {
        let product = import(&bytes);
        let materials = PartMaterials::resolve(&product, &request);
        (name, product, materials)
    };
    files.into_iter().map(read).collect()
}

/// The JSON chunk of a GLB.
fn document(glb: &[u8]) -> Value {
    let length = u32::from_le_bytes(glb[12..16].try_into().expect("four bytes")) as usize;
    serde_json::from_slice(&glb[20..20 + length]).expect("JSON")
}

/// The material of the node with this name.
fn material_of<'a>(document: &'a Value, part: &str) -> &'a Value {
    let nodes = document["nodes"].as_array().expect("nodes");
    let node = nodes.iter().find(|node| node["name"] == part).unwrap_or_else(|| panic!("no node {part}"));
    let at = |value: &Value| value.as_u64().expect("an index") as usize;
    let mesh = &document["meshes"][at(&node["mesh"])];
    &document["materials"][at(&mesh["primitives"][0]["material"])]
}

#[test]
fn the_validator_of_khronos_finds_nothing() {
    let Some(validator) = validator::Validator::find() else { return };
    let mut files = Vec::new();
    for (name, product, materials) in products() {
        // What is simplified has fewer of the same vertices, and simplifying takes the most time here.
        let qualities = if name == "gear_reducer" { &QUALITIES[1..] } else { &QUALITIES };
        let file = |quality: &ExportQuality| (format!("{name} {quality}"), exported(&product, &materials, *quality));
        files.extend(qualities.iter().map(file));
    }
    files.extend(QUALITIES.map(|quality| (format!("odd {quality}"), odd::exported(ExportForm::Geometry(quality)))));
    files.extend(production::files());
    let reports = validator.check(&files);
    assert_eq!(reports.len(), files.len());
    for ((name, _), report) in files.iter().zip(reports) {
        let counts = (&report["numErrors"], &report["numWarnings"]);
        assert_eq!(counts, (&json!(0), &json!(0)), "{name}: {report:#}");
    }
    // It would find something.
    let mut broken = document(&files[0].1);
    broken["nodes"][0]["rotation"] = json!([0, 0, 0, 2]);
    let broken = validator.check(&[("broken.gltf".to_owned(), broken.to_string().into_bytes())]);
    assert_ne!(broken[0]["numErrors"], 0);
}

/// How many triangles all parts have.
fn n_triangles(product: &Product) -> u64 {
    let scene = &product.scene;
    scene.parts.iter().map(|part| scene.meshes[part.mesh.0 as usize].triangle_count()).sum()
}

#[test]
fn what_is_read_back_is_the_same_product() {
    for (name, product, materials) in products() {
        let mut sizes = Vec::new();
        for quality in QUALITIES {
            let bytes = exported(&product, &materials, quality);
            let again = import(&bytes);
            // A node without a name gets that of its mesh, under which its part was known.
            let path = |part: &Part| match part.path.rsplit_once('/') {
                Some((above, _)) => format!("{above}/{}", part.name()),
                None => part.name(),
            };
            let paths = |product: &Product| product.scene.parts.iter().map(path).collect::<Vec<_>>();
            assert!(paths(&again) == paths(&product), "{name} {quality}");
            assert!(again.scene.parts.iter().all(|part| path(part) == part.path));
            let [old, new] = [&product, &again].map(|product| product.scene.bounds().expect("parts"));
            let tolerance = if quality == ExportQuality::Low { 0.01 } else { 1e-6 } * old.diagonal_m();
            let moved = (old.min - new.min).abs().max((old.max - new.max).abs()).max_element();
            assert!(moved <= tolerance, "{name} {quality}: {old:?} {new:?}");
            let (before, after) = (n_triangles(&product), n_triangles(&again));
            match quality {
                ExportQuality::High | ExportQuality::Medium => assert_eq!(after, before, "{name} {quality}"),
                ExportQuality::Low => assert!(after > 0 && after <= before, "{name}: {after} of {before}"),
            }
            sizes.push(bytes.len());
        }
        println!("{name}: {sizes:?} bytes");
        assert!(sizes.is_sorted(), "{name}: {sizes:?}");
    }
}

#[test]
fn two_runs_give_equal_bytes() {
    let sample = bearing();
    for quality in QUALITIES {
        let once = || {
            let product = import(&sample.glb);
            exported(&product, &PartMaterials::resolve(&product, &MaterialRequest::default()), quality)
        };
        assert_eq!(once(), once(), "{quality}");
        let odd = || odd::exported(ExportForm::Geometry(quality));
        assert_eq!(odd(), odd(), "{quality}");
    }
}

#[test]
fn instances_stay_instances() {
    let product = import(&bearing().glb);
    let materials = PartMaterials::resolve(&product, &MaterialRequest::default());
    for quality in QUALITIES {
        let document = document(&exported(&product, &materials, quality));
        let meshes = document["meshes"].as_array().expect("meshes").len();
        assert_eq!(meshes, product.scene.meshes.len(), "{quality}: one for all balls, one for all rivets");
        let balls = document["nodes"].as_array().expect("nodes").iter();
        let balls = balls.filter(|node| node["name"].as_str().is_some_and(|name| name.starts_with("Ball_")));
        let of_balls: Vec<_> = balls.map(|node| &node["mesh"]).collect();
        assert!(of_balls.len() == 9 && of_balls.iter().all(|mesh| *mesh == of_balls[0]));
    }
}

#[test]
fn parts_have_the_colours_of_the_library_and_those_without_a_material_magenta() {
    let product = import(&bearing().glb);
    let map = MaterialMap::parse("map.json", br#"{"parts":[{"part_name":"Inner_Ring","material":"Brass-CuZn30"}]}"#);
    let map = map.expect("a map");
    let library = Library::builtin();
    let (brass, _) = library.find("Brass-CuZn30").expect("brass");
    let brass = library.material(brass);
    for on_unmapped in [OnUnmapped::Magenta, OnUnmapped::Keep] {
        let policy = Policy { on_unmapped, map_by: MapBy::Part };
        let request = MaterialRequest { map: Some(map.clone()), policy, ..MaterialRequest::default() };
        let materials = PartMaterials::resolve(&product, &request);
        let document = document(&exported(&product, &materials, ExportQuality::default()));
        let of_brass = material_of(&document, "Inner_Ring");
        assert_eq!(of_brass["name"], json!(brass.id));
        let color: Vec<f32> =
            serde_json::from_value(of_brass["pbrMetallicRoughness"]["baseColorFactor"].clone()).expect("a colour");
        let [r, g, b] = brass.openpbr.base_color;
        assert_eq!(color, [r, g, b, 1.0]);
        let pbr = &of_brass["pbrMetallicRoughness"];
        let number = |name: &str| pbr[name].as_f64().expect("a number") as f32;
        assert_eq!((number("metallicFactor"), number("roughnessFactor")), (1.0, brass.openpbr.specular_roughness));
        let other = material_of(&document, "Outer_Ring");
        match on_unmapped {
            OnUnmapped::Keep => assert_ne!(other["name"], "Unmapped", "it has what its file gives it"),
            _ => assert_eq!(
                (&other["name"], &other["pbrMetallicRoughness"]["baseColorFactor"]),
                (&json!("Unmapped"), &json!([1, 0, 1, 1]))
            ),
        }
    }
}

#[test]
fn glass_lets_some_light_through() {
    let (_, product, materials) = products().remove(1);
    let document = document(&exported(&product, &materials, ExportQuality::default()));
    let glass = material_of(&document, "Outer_Ring");
    assert_eq!(
        (&glass["alphaMode"], &glass["pbrMetallicRoughness"]["baseColorFactor"][3]),
        (&json!("BLEND"), &json!(0.25))
    );
}

#[test]
fn a_cancelled_export_ends() {
    let (_, product, materials) = products().remove(0);
    let cancel = CancelToken::default();
    cancel.cancel();
    let error = glb(&product, &materials, ExportForm::Geometry(ExportQuality::Low), &cancel).expect_err("cancelled");
    assert_eq!(error, packshot_pipeline::error::Error::cancelled());
}

/// A picture of a product in these materials.
fn picture(product: &Product, materials: &PartMaterials) -> Picture {
    picture_of(product, materials, (192, 32, 0))
}

/// A picture of a product in these materials: its side in pixels, samples and seed.
fn picture_of(product: &Product, materials: &PartMaterials, (side_px, samples, seed): (u32, u32, u32)) -> Picture {
    let renderer = Renderer::new(&DeviceRequest::Cpu, RendererOptions::default()).expect("the CPU");
    let mut request = ShotRequest::default();
    (request.film.width_px, request.film.height_px) = (side_px, side_px);
    (request.film.samples, request.film.seed) = (samples, seed);
    let shot = build(&request, &product.scene).expect("a sound request").0;
    let cancel = CancelToken::default();
    let ready = renderer.load(product, materials, shot, NeededVersions::SAMPLED, &cancel).expect("room");
    ready.render(&RenderControl::new(&cancel)).expect("nobody cancels")
}

/// The file's own colours are rendered, and compared with the library's. Grain and rounded edges are lost.
#[test]
fn a_picture_of_the_file_looks_like_one_of_the_product() {
    let (_, product, materials) = products().remove(0);
    let wanted = picture(&product, &materials);
    let policy = Policy { map_by: MapBy::Part, ..Policy::default() };
    let own = MaterialRequest { policy, library: Arc::new(Library::builtin().clone()), ..MaterialRequest::default() };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let write = |name: &str, picture: &Picture| {
        let png = picture.encode(Format::default()).expect("small");
        std::fs::write(folder.join(name), png).expect("room");
    };
    write("export_product.png", &wanted);
    for (quality, most) in [(ExportQuality::High, 0.03), (ExportQuality::Medium, 0.03), (ExportQuality::Low, 0.04)] {
        let file = import(&exported(&product, &materials, quality));
        let found = picture(&file, &PartMaterials::resolve(&file, &own));
        write(&format!("export_{quality}.png"), &found);
        let [a, b] = [&wanted, &found].map(|picture| &picture.linear.rgba);
        let differences = a.iter().zip(b).map(|(a, b)| {
            let shown = |value: f32| value.clamp(0.0, 1.0).sqrt();
            (0..4).map(|channel| (shown(a[channel]) - shown(b[channel])).abs()).sum::<f32>() / 4.0
        });
        let mean = differences.sum::<f32>() / a.len() as f32;
        println!("{quality}: mean difference {mean}");
        assert!(mean < most, "{quality}: {mean}");
    }
}
