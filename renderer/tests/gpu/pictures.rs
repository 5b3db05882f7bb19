//! Both backends make the same picture, however the work is cut.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use glam::{DAffine3, DVec3, Vec2};
use packshot_materials::library::{
    Axis, Detail, DetailKind, Projection, Surface, Tangent, TangentMode, Texture, Textures,
};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::gpu::SliceLimits;
use packshot_renderer::backend::{Backend, CancelToken, RenderControl, Rendered, Snapshot, Snapshots};
use packshot_renderer::color::DisplayImage;
use packshot_renderer::encode::{Metadata, PngDepth, png};
use packshot_renderer::film::Film;
use packshot_renderer::prepare::{FirstHit, PaletteEntry, PartMaterial, PreparedProduct, SceneFeatures};
use packshot_renderer::scene::{DesignFinish, DesignLay, Image, PartIdx, Scene, WorldRow, WornDesign};
use packshot_renderer::shot::Aperture;

use crate::arrangement::{Placement, Sky, card};
use crate::difference::{flip, mean};
use crate::scenes::{Prepared, Sketch, arranged, ball, cards, cpu, glass, gpu, lamps, open, render, still_life};

/// Share of the pixels whose channels differ by at most a thousandth.
fn share_equal(a: &Film, b: &Film) -> f64 {
    let is_equal =
        |(a, b): &([f32; 4], [f32; 4])| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-3 * a.abs().max(1.0));
    let n = a.resolve().into_iter().zip(b.resolve()).filter(is_equal).count();
    n as f64 / a.samples.len() as f64
}

/// Renders on both backends and compares.
fn compare(sketch: &Sketch) -> (Rendered, Rendered) {
    compare_prepared(&sketch.prepare())
}

fn compare_prepared(prepared: &Prepared) -> (Rendered, Rendered) {
    let (on_cpu, on_gpu) = (render(cpu(), prepared), render(gpu(), prepared));
    let (a, b) = (&on_cpu.film, &on_gpu.film);
    assert!(mean(a) > 0.05, "the picture is black");
    let flip = flip(a, b);
    assert!(flip <= 0.01, "FLIP {flip}");
    let difference = mean(b) / mean(a) - 1.0;
    assert!(difference.abs() < 0.002, "the means differ by {difference}");
    let equal = share_equal(a, b);
    assert!(equal > 0.9, "{equal} of the pixels are equal");
    (on_cpu, on_gpu)
}

#[test]
fn metal_glass_and_coated_plastic_under_three_kinds_of_light() {
    let (on_cpu, on_gpu) = compare(&still_life(64, 8));
    assert!(on_gpu.film.samples.iter().all(|&n| n == 8));
    let ratio = on_gpu.rays as f64 / on_cpu.rays as f64;
    assert!((ratio - 1.0).abs() < 0.01, "{} rays instead of {}", on_gpu.rays, on_cpu.rays);
}

#[test]
fn textures_opacity_and_an_environment_map() {
    compare(&cards(64, 8));
}

#[test]
fn depth_of_field() {
    let mut sketch = still_life(64, 8);
    let pinhole = render(cpu(), &sketch.prepare());
    sketch.shot.camera.aperture = Some(Aperture { radius_m: 0.15, focus_depth_m: 4.5 });
    let (lens, _) = compare(&sketch);
    assert!(share_equal(&pinhole.film, &lens.film) < 0.9, "some of it is out of focus");
}

#[test]
fn floor_and_product_apart() {
    let prepared = still_life(64, 8).prepare();
    let coverage = |first_hit| {
        let prepared = Prepared { product: prepared.product.clone(), shot: prepared.shot.clone().showing(first_hit) };
        let (on_cpu, _) = compare_prepared(&prepared);
        on_cpu.film.resolve().iter().map(|pixel| f64::from(pixel[3])).sum::<f64>() / on_cpu.film.samples.len() as f64
    };
    let [product, floor, both] = [FirstHit::Product, FirstHit::Floor, FirstHit::Any].map(coverage);
    assert!(product > 0.1 && floor > 0.1 && (product + floor - both).abs() < 1e-6, "{product} {floor} {both}");
    // As many samples as another picture has, pixel by pixel.
    let counts: Arc<[u32]> = (0..64 * 64).map(|i| if i % 64 < 20 { 16 } else { 48 }).collect();
    let prepared = still_life(64, 64).prepare();
    let cancel = CancelToken::default();
    for backend in [cpu() as &dyn Backend, gpu()] {
        let control = RenderControl { counts: Some(&counts), ..RenderControl::new(&cancel) };
        let film = prepared.load(backend).expect("room").render(&control).expect("nobody cancels").film;
        assert_eq!(film.samples[..], counts[..], "{:?}", backend.device().kind);
    }
}

#[test]
fn surfaces_that_shine() {
    compare(&lamps(64, 8));
}

/// Four texels of different colours and slopes.
fn quarters() -> Texture {
    let rgba = vec![[0.9, 0.5, 0.8, 1.0], [0.4, 0.6, 0.9, 1.0], [0.6, 0.3, 0.9, 1.0], [0.5, 0.5, 1.0, 1.0]];
    let image = DisplayImage { width_px: 2, height_px: 2, rgba };
    let bytes = png(&image, PngDepth::Eight, &Metadata::default()).expect("encoded");
    Texture::new("quarters.png", bytes).expect("a picture")
}

/// Grain, fine structures, rounded edges, and pictures of the library.
pub(crate) fn worn() -> Prepared {
    use DetailKind::{Brushed, Cast, Knurl, Spangle};
    let sketch = arranged(&Placement::default(), 32, 4);
    let details = [Brushed, Knurl, Spangle, Cast].map(|kind| Detail { kind, scale_mm: 80.0, depth_mm: 8.0 });
    let worn = |(i, &openpbr): (usize, &OpenPbr)| {
        let tangent = Some(Tangent { mode: TangentMode::Cylindrical, axis: Axis::Auto });
        let surface = Surface { bevel_mm: Some(100.0), tangent, detail: vec![details[i % 4]] };
        let picture = Some(quarters());
        let textures = Textures {
            base_color: picture.clone(),
            roughness: picture.clone(),
            normal: picture,
            mm_per_repeat: 150.0,
            projection: Projection::Auto,
        };
        let openpbr = OpenPbr { specular_roughness_anisotropy: 0.5, ..openpbr };
        PaletteEntry { surface, textures: (i % 2 == 1).then_some(textures), ..openpbr.into() }
    };
    let palette: Vec<PaletteEntry> = sketch.palette.iter().enumerate().map(worn).collect();
    let product =
        PreparedProduct::new(&sketch.scene, &palette, &sketch.materials, sketch.shot.floor.as_ref(), &|| false);
    let mut product = product.expect("a sound scene");
    assert!(product.features.has_relief && product.features.has_bevels && product.features.has_textures);
    product.features = SceneFeatures::ALL;
    let product = Arc::new(product);
    let shot = sketch.shot_of(&product);
    Prepared { product, shot }
}

#[test]
fn grain_and_fine_structures() {
    compare_prepared(&worn());
}

/// Checks on the three balls of the still life: on the metal projected, on the glass around an axis, on the plastic by
/// texture coordinates.
pub(crate) fn designs() -> Sketch {
    let mut sketch = still_life(32, 4);
    let square = |i: u8| if (i / 8 + i % 8).is_multiple_of(2) { [220, 40, 30, 255] } else { [20, 30, 200, 96] };
    let texture = Arc::new(Image { width_px: 8, height_px: 8, rgba8: (0..64).map(square).collect() });
    let row = |along: DVec3, offset: f64| WorldRow { along, offset };
    let uvs = sketch.scene.meshes[0].primitives[0].positions.iter().map(|p| Vec2::new(p.x, -p.y)).collect();
    sketch.scene.meshes[0].primitives[0].uvs[0] = uvs;
    let lays = [
        DesignLay::Planar {
            rows: [row(DVec3::X, 1.45), row(DVec3::NEG_Y, 0.5)],
            height: row(DVec3::Z, 0.0),
            heights_m: [0.1, 1.0],
        },
        DesignLay::Cylindrical {
            side: row(DVec3::X, 0.0),
            front: row(DVec3::Z, 0.0),
            v: row(DVec3::NEG_Y, 0.5),
            pictures_per_turn: 1.0,
            radii_m: [0.1, 1.0],
        },
        DesignLay::Coordinates { uv_set: 0, rows: [[0.5, 0.0, 0.5], [0.0, 0.5, 0.5]] },
    ];
    for (i, lay) in (0..).zip(lays) {
        let finish = if i == 2 { DesignFinish::Tint } else { DesignFinish::Ink };
        let (texture, surfaces) = (Arc::clone(&texture), vec![(PartIdx(i), 0)]);
        let design = WornDesign { texture, wraps: [i == 1, false], surfaces, lay, opacity: 0.9, finish };
        sketch.scene.wear(design).expect("its own surfaces");
    }
    sketch.has_whole_kernel = true;
    assert!(sketch.product().features.has_designs);
    sketch
}

#[test]
fn designs_of_every_lay() {
    let sketch = designs();
    let (worn, _) = compare(&sketch);
    let plain = render(cpu(), &Sketch { scene: Scene { designs: Vec::new(), ..sketch.scene }, ..sketch }.prepare());
    assert!(flip(&worn.film, &plain.film) > 0.05, "the designs are seen");
}

/// Panes, and bodies of two media.
pub(crate) fn panes() -> Sketch {
    let mut sketch = arranged(&Placement::default(), 32, 4);
    let pane = OpenPbr { geometry_thin_walled: true, transmission_color: [0.9, 0.6, 0.5], ..glass() };
    let cloudy = OpenPbr { transmission_weight: 0.5, subsurface_weight: 0.7, specular_weight: 0.4, ..glass() };
    for (i, material) in sketch.palette.iter_mut().enumerate() {
        *material = [pane, cloudy, *material][i % 3];
    }
    sketch.has_whole_kernel = false;
    assert!(sketch.product().features.has_panes);
    sketch.has_whole_kernel = true;
    sketch
}

#[test]
fn panes_and_bodies_of_two_media() {
    compare(&panes());
}

#[test]
fn every_kind_of_material_together() {
    for sky in [Sky::Map { rotation_x_rad: 0.4, rotation_y_rad: 0.7 }, Sky::Uniform] {
        compare(&arranged(&Placement { sky, ..Placement::default() }, 48, 4));
    }
}

#[test]
fn parts_in_one_place() {
    // Everything twice, in another material the second time: both backends see the first.
    let mut sketch = arranged(&Placement::default(), 48, 4);
    for (i, twin) in sketch.scene.parts.clone().into_iter().enumerate() {
        sketch.scene.parts.push(twin);
        sketch.materials.push(PartMaterial::Palette((i + 1) % 4));
    }
    compare(&sketch);
}

#[test]
fn long_paths_in_glass_leave_no_blocks() {
    let mut sketch = ball(glass(), 40, 8);
    sketch.shot.film.bounces = packshot_renderer::shot::Bounces::all(64);
    compare(&sketch);
}

#[test]
fn adaptive_sampling_stops_at_the_same_pixels() {
    let mut sketch = still_life(40, 48);
    // A decision after 32 samples.
    sketch.shot.film.noise_threshold = 0.15;
    let (on_cpu, on_gpu) = compare(&sketch);
    let counts = |film: &Film| film.samples.clone();
    let (a, b) = (counts(&on_cpu.film), counts(&on_gpu.film));
    let n_stopped = a.iter().filter(|&&n| n < 48).count();
    assert!(n_stopped > a.len() / 10 && n_stopped < a.len(), "{n_stopped} pixels stopped early");
    let n_equal = a.iter().zip(&b).filter(|(a, b)| a == b).count();
    assert!(n_equal as f64 > 0.98 * a.len() as f64, "{n_equal} of {} pixels have as many samples", a.len());
}

#[test]
fn no_bit_depends_on_how_the_work_is_cut() {
    // 72 pixels wide: blocks are cut off, and the smaller regions hold one block each.
    let mut sketch = still_life(72, 4);
    sketch.shot.film.noise_threshold = 0.0;
    // Behind a veil the camera still sees no further than its far plane, which goes through the balls.
    sketch.palette.push(OpenPbr { geometry_opacity: 0.4, ..OpenPbr::default() });
    let veil = DAffine3::from_translation(DVec3::new(0.0, 0.2, 0.9));
    sketch.part(card(), PartMaterial::Palette(3), veil);
    sketch.shot.camera.clip_far_m = 4.6;
    let prepared = sketch.prepare();
    let whole = render(gpu(), &prepared);
    for slices in [
        SliceLimits { pixels: 1000, steps: 1, region_pixels: 4096 },
        SliceLimits { pixels: 64, steps: 5, region_pixels: 4096 + 8 * 64 },
    ] {
        let cut = render(&open(slices), &prepared);
        assert_eq!(whole.film.sums, cut.film.sums, "{slices:?}");
        assert_eq!(whole.film.samples, cut.film.samples, "{slices:?}");
        assert_eq!(whole.rays, cut.rays, "{slices:?}");
    }
}

#[test]
fn who_watches_sees_the_picture_refine_and_changes_nothing() {
    let mut sketch = still_life(36, 40);
    // Adaptive decisions begin after 32 samples, where a snapshot falls too.
    sketch.shot.film.noise_threshold = 0.1;
    let prepared = sketch.prepare();
    let backends: [&dyn Backend; 2] = [cpu(), gpu()];
    for backend in backends {
        let unwatched = render(backend, &prepared);
        let seen: Mutex<Vec<Snapshot>> = Mutex::default();
        let receive = |snapshot| seen.lock().expect("not poisoned").push(snapshot);
        let cancel = CancelToken::default();
        let snapshots = Some(Snapshots { pause: Duration::ZERO, side_max_px: u32::MAX, receive: &receive });
        let control = RenderControl { snapshots, ..RenderControl::new(&cancel) };
        let watched = prepared.load(backend).expect("the scene fits").render(&control).expect("nobody cancels");
        assert_eq!(watched.film.sums, unwatched.film.sums, "{:?}", backend.device().kind);
        assert_eq!(watched.film.samples, unwatched.film.samples);
        let seen = seen.into_inner().expect("not poisoned");
        assert_eq!(seen.iter().map(|snapshot| snapshot.samples).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32]);
        // They are the pictures of as many samples of the same shot.
        let counts: Arc<[u32]> = vec![16; 36 * 36].into();
        let control = RenderControl { counts: Some(&counts), ..RenderControl::new(&cancel) };
        let counted = prepared.load(backend).expect("the scene fits").render(&control).expect("nobody cancels");
        assert!(counted.film.samples.iter().all(|&n| n == 16));
        assert!(seen[4].image.rgba == counted.film.resolve(), "not the picture of 16 samples");
    }
}

#[test]
fn snapshots_are_as_small_as_asked_for() {
    let prepared = still_life(70, 2).prepare();
    for backend in [cpu() as &dyn Backend, gpu()] {
        let sizes: Mutex<Vec<(u32, u32, usize)>> = Mutex::default();
        let receive = |Snapshot { image, .. }: Snapshot| {
            sizes.lock().expect("not poisoned").push((image.width_px, image.height_px, image.rgba.len()));
        };
        let cancel = CancelToken::default();
        let snapshots = Some(Snapshots { pause: Duration::ZERO, side_max_px: 32, receive: &receive });
        let control = RenderControl { snapshots, ..RenderControl::new(&cancel) };
        prepared.load(backend).expect("the scene fits").render(&control).expect("nobody cancels");
        assert_eq!(sizes.into_inner().expect("not poisoned"), [(32, 32, 1024)]);
    }
}
