//! The functions that a render spends its time in, each alone, for counting their instructions:
//!
//! ```text
//! valgrind --tool=callgrind target/debug/hot-functions bounce 2
//! ```
//!
//! The first word is a function, the second how often it works. Runs that differ in that alone have the same
//! preparation.

use std::process::ExitCode;
use std::sync::Arc;

use packshot_bench::scaling::solids;
use packshot_pipeline::product::{PartMaterials, Product};
use packshot_pipeline::request::PartFilter;
use packshot_pipeline::shot_file::{self, FilmOverrides};
use packshot_renderer::backend::cpu::CpuBackend;
use packshot_renderer::backend::rays::RayKind;
use packshot_renderer::backend::{Backend, CancelToken, LoadedShot, RenderControl};
use packshot_renderer::import::ImportOptions;
use packshot_renderer::prepare::{PreparedProduct, PreparedShot, TabulatedMaps};
use packshot_renderer::shot::Shot;

const TRIANGLES: u64 = 3000;
const RAYS: u32 = 4096;
const SIDE_PX: u32 = 24;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(function), Some(Ok(times))) = (arguments.next(), arguments.next().map(|word| word.parse::<u32>())) else {
        eprintln!("usage: hot-functions import|prepare|camera|bounce|shadow|sample TIMES");
        return ExitCode::from(2);
    };
    let cancel = CancelToken::default();
    let glb = solids::one(TRIANGLES);
    let (product, materials, shot) = read(&glb);
    let prepare = || {
        let floor = shot.floor.as_ref();
        PreparedProduct::new(&product.scene, &materials.entries(), &materials.parts, floor, &|| false).expect("sound")
    };
    match function.as_str() {
        "import" => (0..times).for_each(|_| drop(std::hint::black_box(import(&glb)))),
        "prepare" => (0..times).for_each(|_| drop(std::hint::black_box(prepare()))),
        _ => {
            let prepared = Arc::new(prepare());
            let tables = TabulatedMaps::default().tables(&shot.environment);
            let prepared_shot = PreparedShot::new(&prepared, &shot, tables);
            let backend = CpuBackend::new(1, "counted".to_owned()).expect("a thread");
            let loaded = backend.load(prepared, &cancel).expect("loaded").load(prepared_shot.clone()).expect("loaded");
            match RayKind::ALL.into_iter().find(|kind| kind.name() == function) {
                Some(kind) => trace(&prepared_shot, &*loaded, kind, times),
                None => (0..times).for_each(|_| {
                    std::hint::black_box(loaded.render(&RenderControl::new(&cancel)).expect("rendered"));
                }),
            }
        }
    }
    ExitCode::SUCCESS
}

fn import(glb: &[u8]) -> Product {
    Product::import(glb, &ImportOptions::default(), &PartFilter::default(), &CancelToken::default()).expect("sound")
}

fn read(glb: &[u8]) -> (Product, PartMaterials, Shot) {
    let mut open = |_: &str| Ok(glb.to_vec());
    let text = solids::shot(SIDE_PX);
    let file = shot_file::read(text.as_bytes(), "solid", &FilmOverrides::default(), &mut open).expect("a sound shot");
    let mut product = import(glb);
    let materials = PartMaterials::of_shot(&file, &mut product).expect("materials for all parts");
    let shot = file.pictures.into_still().expect("one picture");
    (product, materials, shot)
}

fn trace(shot: &PreparedShot, loaded: &dyn LoadedShot, kind: RayKind, times: u32) {
    let cancel = CancelToken::default();
    let rays = shot.rays(kind, RAYS, loaded, &cancel).expect("rays");
    for _ in 0..times {
        std::hint::black_box(loaded.trace(&rays, kind.query(), &cancel).expect("traced"));
    }
}
