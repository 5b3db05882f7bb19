//! A ball on striped bars, and materials for it: what a picture of a file for production is compared on.

use std::f32::consts::{PI, TAU};
use std::sync::Arc;

use glam::{DAffine3, DVec3, Vec2, Vec3};
use packshot_materials::library::{Layer, Library, Package, SourceFile};
use packshot_materials::map::MaterialMap;
use packshot_pipeline::export::{ExportForm, ExportQuality};
use packshot_pipeline::product::{PartMaterials, Product};
use packshot_pipeline::request::MaterialRequest;
use packshot_renderer::export::{Worn, glb};
use packshot_renderer::scene::{Mesh, MeshIdx, Part, Primitive, Scene};

use super::import;

/// Materials that the library of the program has no example of.
const OWN: &str = r#"
schema = "material-library/1"
[library]
id = "TEST"
version = "1.0.0"
color_space = "lin_rec709"
[[material]]
code = "900001"
name = "Bottle-Green"
[material.openpbr]
specular_roughness = 0.0
transmission_weight = 1.0
transmission_color = [0.2, 0.7, 0.3]
transmission_depth = 0.05
[material.provenance]
class = "estimated"
source = "ours"
licence = "CC0-1.0"
[[material]]
code = "900002"
name = "Frosted-Amber"
[material.openpbr]
specular_roughness = 0.3
transmission_weight = 1.0
transmission_color = [0.9, 0.6, 0.2]
[material.provenance]
class = "estimated"
source = "ours"
licence = "CC0-1.0"
[[material]]
code = "900003"
name = "Wax"
[material.openpbr]
base_color = [0.7, 0.6, 0.5]
subsurface_weight = 1.0
subsurface_color = [0.8, 0.5, 0.3]
subsurface_radius = 0.004
[material.provenance]
class = "estimated"
source = "ours"
licence = "CC0-1.0"
[[material]]
code = "900004"
name = "Tempered"
[material.openpbr]
base_color = [0.53, 0.513, 0.494]
base_metalness = 1.0
specular_roughness = 0.15
thin_film_weight = 1.0
thin_film_thickness = 0.35
thin_film_ior = 2.0
[material.provenance]
class = "estimated"
source = "ours"
licence = "CC0-1.0"
[[material]]
code = "900005"
name = "Felted"
[material.openpbr]
base_color = [0.1, 0.15, 0.4]
specular_weight = 0.0
fuzz_weight = 0.7
fuzz_color = [0.7, 0.8, 1.0]
fuzz_roughness = 0.6
[material.provenance]
class = "estimated"
source = "ours"
licence = "CC0-1.0"
[[material]]
code = "900006"
name = "Lamp"
[material.openpbr]
base_color = [0.3, 0.3, 0.3]
emission_luminance = 3.0
emission_color = [1.0, 0.6, 0.2]
[material.provenance]
class = "estimated"
source = "ours"
licence = "CC0-1.0"
[[material]]
code = "900007"
name = "Candy"
[material.openpbr]
base_color = [0.916, 0.923, 0.924]
base_metalness = 1.0
specular_roughness = 0.25
coat_weight = 1.0
coat_color = [0.8, 0.15, 0.1]
coat_roughness = 0.02
coat_ior = 1.5
[material.provenance]
class = "estimated"
source = "ours"
licence = "CC0-1.0"
[[material]]
code = "900008"
name = "Turned"
[material.openpbr]
base_color = [0.53, 0.513, 0.494]
base_metalness = 1.0
specular_roughness = 0.3
specular_roughness_anisotropy = 0.8
[material.surface]
tangent = { mode = "cylindrical", axis = "y" }
[material.provenance]
class = "estimated"
source = "ours"
licence = "CC0-1.0"
[[material]]
code = "900010"
name = "Bar-Dark"
[material.openpbr]
base_color = [0.03, 0.03, 0.03]
specular_roughness = 0.45
specular_ior = 1.53
[material.provenance]
class = "estimated"
source = "ours"
licence = "CC0-1.0"
[[material]]
code = "900011"
name = "Bar-Light"
[material.openpbr]
base_color = [0.8, 0.8, 0.8]
specular_roughness = 0.35
specular_ior = 1.48
[material.provenance]
class = "estimated"
source = "ours"
licence = "CC0-1.0"
[[material]]
code = "900009"
name = "Veil"
[material.openpbr]
base_color = [0.2, 0.5, 0.3]
geometry_opacity = 0.4
[material.provenance]
class = "estimated"
source = "ours"
licence = "CC0-1.0"
"#;

/// The library of the program below one with further materials.
fn library() -> Arc<Library> {
    let files = [SourceFile { name: "test.toml", bytes: OWN.as_bytes() }];
    let (package, _) = Package::parse(&files, &|_| Ok(None)).expect("valid materials");
    Arc::new(Library::resolve(vec![(Layer::Base, Package::builtin()), (Layer::Tenant, package)]).expect("valid").0)
}

/// Triangles of a grid of vertices with `n_columns` in each row.
fn grid(n_rows: u32, n_columns: u32) -> Vec<[u32; 3]> {
    let cell = |row: u32, column: u32| {
        let [a, b] = [row * n_columns + column, (row + 1) * n_columns + column];
        [[a, a + 1, b], [a + 1, b + 1, b]]
    };
    (1..n_rows).flat_map(|row| (1..n_columns).flat_map(move |column| cell(row - 1, column - 1))).collect()
}

fn primitive(positions: Vec<Vec3>, normals: Vec<Vec3>, triangles: Vec<[u32; 3]>) -> Primitive {
    let uvs: [Vec<Vec2>; 2] = [Vec::new(), Vec::new()];
    Primitive { positions, normals, tangents: Vec::new(), uvs, colors: Vec::new(), triangles, material: None }
}

/// A ball of radius 0.05 m around the origin.
fn ball() -> Primitive {
    let (n_rows, n_columns) = (49, 97);
    let direction = |i: u32| {
        let (down, around) = ((i / n_columns) as f32, (i % n_columns) as f32);
        let (down, around) = (PI * down / (n_rows - 1) as f32, TAU * around / (n_columns - 1) as f32);
        Vec3::new(down.sin() * around.sin(), down.cos(), down.sin() * around.cos())
    };
    let normals: Vec<Vec3> = (0..n_rows * n_columns).map(direction).collect();
    let positions: Vec<Vec3> = normals.iter().map(|normal| *normal * 0.05).collect();
    // At the poles there is only one of the two triangles of each cell.
    let has_area = |[a, b, c]: &[u32; 3]| {
        let [a, b, c] = [a, b, c].map(|&corner| positions[corner as usize]);
        (b - a).cross(c - a).length() > 1e-9
    };
    let turned = grid(n_rows, n_columns).into_iter().map(|[a, b, c]| [a, c, b]);
    let triangles = turned.filter(has_area).collect();
    primitive(positions, normals, triangles)
}

/// A bar of 0.02 m by 0.01 m by 0.14 m around the origin.
fn bar() -> Primitive {
    let half = Vec3::new(0.01, 0.005, 0.07);
    let (mut positions, mut normals, mut triangles) = (Vec::new(), Vec::new(), Vec::new());
    for axis in 0..3 {
        for sign in [-1.0, 1.0] {
            let normal = Vec3::AXES[axis] * sign;
            let (u, v) = (Vec3::AXES[(axis + 1) % 3] * sign, Vec3::AXES[(axis + 2) % 3]);
            let first = positions.len() as u32;
            positions.extend([-u - v, u - v, u + v, v - u].map(|side| (normal + side) * half));
            normals.extend([normal; 4]);
            triangles.extend([[first, first + 1, first + 2], [first, first + 2, first + 3]]);
        }
    }
    primitive(positions, normals, triangles)
}

/// The file: a ball that nearly touches seven bars, dark and light in turn, so that one sees what goes through it.
pub(crate) fn file() -> Vec<u8> {
    let part = |node_idx: u32, name: &str, mesh: u32, at: DVec3| Part {
        node_idx,
        path: name.to_owned(),
        node_name: Some(name.to_owned()),
        mesh_name: None,
        cad_names: Vec::new(),
        mesh: MeshIdx(mesh),
        world_from_part: DAffine3::from_translation(at),
    };
    let mut parts = vec![part(0, "Ball", 0, DVec3::Y * 0.0502)];
    for i in 0..7 {
        let name = if i % 2 == 0 { "Dark" } else { "Light" };
        parts.push(part(i + 1, &format!("{name}_{i}"), 1, DVec3::new(0.021 * (f64::from(i) - 3.0), -0.005, 0.0)));
    }
    let meshes = [ball(), bar()].map(|primitive| Mesh { primitives: vec![primitive] }).to_vec();
    let scene = Scene::new(Scene { meshes, parts, ..Scene::default() }).expect("a sound scene");
    let worn = vec![vec![Worn::Own]; scene.parts.len()];
    glb(&scene, &[], &worn, ExportForm::Geometry(ExportQuality::High), &|| false).expect("small").glb
}

/// The product with its ball in this material.
pub(crate) fn dressed(material: &str) -> (Product, PartMaterials) {
    let product = import(&file());
    let entry = |part: &str, material: &str| format!(r#"{{"part_name":"{part}","material":"{material}"}}"#);
    let bars = (0..7).map(|i| match i % 2 {
        0 => entry(&format!("Dark_{i}"), "Bar-Dark"),
        _ => entry(&format!("Light_{i}"), "Bar-Light"),
    });
    let entries: Vec<String> = bars.chain([entry("Ball", material)]).collect();
    let map = MaterialMap::parse("map.json", format!(r#"{{"parts":[{}]}}"#, entries.join(",")).as_bytes());
    let request = MaterialRequest { library: library(), map: Some(map.expect("a map")), ..MaterialRequest::default() };
    let materials = PartMaterials::resolve(&product, &request);
    assert_eq!(materials.unmapped(), 0, "{material}");
    (product, materials)
}
