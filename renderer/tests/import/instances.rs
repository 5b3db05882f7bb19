//! A very large number of parts with one mesh, from the file to the picture.

use std::sync::Arc;

use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::cpu::CpuBackend;
use packshot_renderer::backend::{Backend, CancelToken, RenderControl};
use packshot_renderer::prepare::{PartMaterial, PreparedProduct, PreparedShot, TabulatedMaps};
use packshot_renderer::shot::framing::Fit;
use packshot_renderer::shot::request::{Framing, ShotRequest, build};
use packshot_renderer::shot::{Environment, PixelFilter};
use serde_json::{Value, json};

use crate::glb::Glb;

/// Parts, in a square field.
const N: usize = 100_000;
const PER_ROW: usize = 317;
/// Memory for each part that is prepared for a device: its transforms, surface and tree.
const BYTES_PER_PART_MAX: u64 = 512;

fn place(i: usize) -> [f64; 3] {
    [(i % PER_ROW) as f64 * 0.03, (i % 7) as f64 * 0.002, (i / PER_ROW) as f64 * 0.03]
}

/// A node for each part.
fn by_nodes() -> Glb {
    let scale = json!([0.01, 0.01, 0.01]);
    let node = |i: usize| json!({"name": "Pin", "mesh": 0, "translation": place(i), "scale": scale});
    let nodes: Vec<Value> = (0..N).map(node).collect();
    Glb::cube().set("/nodes", json!(nodes)).set("/scenes/0/nodes", json!((0..N).collect::<Vec<_>>()))
}

/// One node that places all parts.
fn by_instancing() -> Glb {
    let mut glb = Glb::cube();
    let places: Vec<[f32; 3]> = (0..N).map(|i| place(i).map(|value| value as f32)).collect();
    let translation = glb.floats("VEC3", &places);
    let scale = glb.floats("VEC3", &vec![[0.01_f32; 3]; N]);
    let extension = json!({"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": translation, "SCALE": scale}}});
    glb.set("/extensionsUsed", json!(["EXT_mesh_gpu_instancing"])).set("/nodes/0/extensions", extension)
}

#[test]
fn a_hundred_thousand_parts_of_one_mesh_are_one_mesh() {
    let pictures = [by_nodes(), by_instancing()].map(|glb| {
        let (scene, report) = glb.load().unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!((scene.parts.len(), scene.meshes.len(), report.stats.triangles), (N, 1, 12 * N as u64));
        let matt = OpenPbr { base_color: [0.5; 3], ..OpenPbr::default() };
        let worn = vec![PartMaterial::Palette(0); N];
        let product = PreparedProduct::new(&scene, &[matt.into()], &worn, None, &|| false).expect("a sound scene");
        assert_eq!((product.instances.len(), product.triangles.len()), (N, 12));
        let bytes = product.size_bytes() / N as u64;
        assert!(bytes <= BYTES_PER_PART_MAX, "{bytes} bytes a part");

        let mut request = ShotRequest::default();
        let film = &mut request.film;
        (film.width_px, film.height_px, film.samples, film.noise_threshold) = (48, 48, 2, 0.0);
        film.filter = PixelFilter::Box;
        if let Framing::Auto { fit, .. } = &mut request.framing {
            *fit = Fit::Fill(0.9);
        }
        let (mut shot, _) = build(&request, &scene).expect("a sound request");
        shot.environment = Environment::Uniform { radiance: [1.0; 3] };
        let product = Arc::new(product);
        let shot = PreparedShot::new(&product, &shot, TabulatedMaps::default().tables(&shot.environment));
        let backend = CpuBackend::new(2, "a test".to_owned()).expect("threads");
        let cancel = CancelToken::default();
        let loaded = backend.load(product, &cancel).and_then(|product| product.load(shot)).expect("the CPU has room");
        let film = loaded.render(&RenderControl::new(&cancel)).expect("nobody cancels").film;
        film.resolve()
    });
    for picture in &pictures {
        assert!(picture.as_flattened().iter().all(|value| value.is_finite()));
        let covered = picture.iter().filter(|p| p[3] > 0.0).count();
        assert!(covered > picture.len() / 10, "{covered} pixels show something");
    }
    // Positions in single precision differ from those in double by less than is visible.
    let differing = pictures[0].iter().zip(&pictures[1]).filter(|(a, b)| (a[3] - b[3]).abs() > 0.6).count();
    assert!(differing < pictures[0].len() / 100, "{differing} pixels differ");
}
