//! How far simplified surfaces are from the originals.

use glam::DVec3;
use packshot_pipeline::export::ExportQuality;
use packshot_pipeline::product::PartMaterials;
use packshot_pipeline::request::MaterialRequest;
use packshot_renderer::sample::bearing;
use packshot_renderer::scene::Mesh;

use super::{exported, import, shared};

/// The triangles of a mesh.
fn triangles(mesh: &Mesh) -> Vec<[DVec3; 3]> {
    let of = |primitive: &packshot_renderer::scene::Primitive| {
        let at = |corner: u32| primitive.positions[corner as usize].as_dvec3();
        primitive.triangles.iter().map(|triangle| triangle.map(at)).collect::<Vec<_>>()
    };
    mesh.primitives.iter().flat_map(of).collect()
}

/// The distance of a point from a triangle.
fn distance(point: DVec3, [a, b, c]: [DVec3; 3]) -> f64 {
    let normal = (b - a).cross(c - a);
    let is_inside = |from: DVec3, to: DVec3| (to - from).cross(point - from).dot(normal) >= 0.0;
    if is_inside(a, b) && is_inside(b, c) && is_inside(c, a) {
        return (point - a).dot(normal.normalize_or_zero()).abs();
    }
    let of_edge = |from: DVec3, to: DVec3| {
        let along = to - from;
        let at = ((point - from).dot(along) / along.length_squared()).clamp(0.0, 1.0);
        point.distance(from + along * at)
    };
    of_edge(a, b).min(of_edge(b, c)).min(of_edge(c, a))
}

/// The greatest distance of corners and middles of triangles of one surface from another.
fn greatest_distance(from: &[[DVec3; 3]], to: &[[DVec3; 3]]) -> f64 {
    let points = from.iter().flat_map(|[a, b, c]| [*a, (a + b + c) / 3.0, (a + b) * 0.5]);
    let nearest = |point: DVec3| to.iter().map(|triangle| distance(point, *triangle)).fold(f64::INFINITY, f64::min);
    // Some of them, spread evenly: each is compared with every triangle.
    let points: Vec<DVec3> = points.collect();
    let step = points.len().div_ceil(1500);
    points.into_iter().step_by(step).map(nearest).fold(0.0, f64::max)
}

#[test]
fn simplified_surfaces_are_as_close_as_promised() {
    let mut files = vec![("sample", bearing().glb)];
    files.extend(shared("screw_M8x30").map(|bytes| ("screw_M8x30", bytes)));
    for (name, bytes) in files {
        let product = import(&bytes);
        let materials = PartMaterials::resolve(&product, &MaterialRequest::default());
        let simple = import(&exported(&product, &materials, ExportQuality::Low));
        let (mut n_before, mut n_after) = (0, 0);
        for (old, new) in product.scene.parts.iter().zip(&simple.scene.parts) {
            let [old, new] = [(&product, old), (&simple, new)].map(|(of, part)| &of.scene.meshes[part.mesh.0 as usize]);
            let [min, max] = old.local_bounds().expect("vertices");
            let tolerance = (max - min).length() / 200.0;
            let [old, new] = [triangles(old), triangles(new)];
            (n_before, n_after) = (n_before + old.len(), n_after + new.len());
            let (out, back) = (greatest_distance(&old, &new), greatest_distance(&new, &old));
            assert!(out <= tolerance && back <= tolerance, "{name}: {out} and {back} of {tolerance}");
        }
        println!("{name}: {n_after} of {n_before} triangles");
        assert!(n_after * 2 < n_before, "{name}: {n_after} of {n_before} triangles");
    }
}
