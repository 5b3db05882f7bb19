//! The processor's instruction sets, on scenes with every feature and with few: stages for one path at a time and in
//! lanes, of which there are variants.

use std::sync::Arc;

use packshot_materials::library::{Axis, Detail, DetailKind, Surface, Tangent, TangentMode};
use packshot_renderer::SimdLevel;
use packshot_renderer::backend::cpu::CpuBackend;
use packshot_renderer::prepare::{PaletteEntry, PreparedProduct};
use packshot_renderer::shot::{Aperture, Background, Bounces};
use packshot_shaders::features::Variant;

use crate::arrangement::{Placement, Sky};
use crate::pictures::{panes, worn};
use crate::scenes::{Prepared, Sketch, arranged, ball, cards, glass, lamps, render, still_life};

/// The still life under a sky, without its coat, and with metal in place of its glass.
fn opaque(sky: Sky) -> Sketch {
    let mut sketch = still_life(64, 16);
    sketch.palette[1] = sketch.palette[0];
    sketch.palette[1].specular_roughness = 0.1;
    sketch.palette[2].coat_weight = 0.0;
    sketch.shot.environment = arranged(&Placement { sky, ..Placement::default() }, 1, 1).shot.environment;
    sketch
}

/// The same with rounded edges, grain, and glass.
fn machined() -> Prepared {
    let mut sketch = opaque(Sky::Map { rotation_x_rad: 0.3, rotation_y_rad: 1.0 });
    sketch.palette[2] = glass();
    let worn = |(i, &openpbr): (usize, _)| {
        let kind = [DetailKind::Cast, DetailKind::Knurl, DetailKind::Spangle][i];
        let tangent = Some(Tangent { mode: TangentMode::Cylindrical, axis: Axis::Auto });
        let detail = vec![Detail { kind, scale_mm: 80.0, depth_mm: 8.0 }];
        PaletteEntry { surface: Surface { bevel_mm: Some(50.0), tangent, detail }, ..PaletteEntry::from(openpbr) }
    };
    let palette: Vec<_> = sketch.palette.iter().enumerate().map(worn).collect();
    let floor = sketch.shot.floor.as_ref();
    let product = PreparedProduct::new(&sketch.scene, &palette, &sketch.materials, floor, &|| false);
    let product = Arc::new(product.expect("a sound scene"));
    Prepared { shot: sketch.shot_of(&product), product }
}

#[test]
fn no_bit_depends_on_the_instruction_set_or_the_threads() {
    let under = |sky| arranged(&Placement { sky, ..Placement::default() }, 64, 16).prepare();
    let mut out_of_focus = still_life(64, 16);
    out_of_focus.shot.camera.aperture = Some(Aperture { radius_m: 0.15, focus_depth_m: 4.5 });
    let mut deep = ball(glass(), 48, 16);
    deep.shot.film.bounces = Bounces::all(64);
    // Smooth metal, and glass with a thin film, beside materials that are not smooth: mirrors are shaded by themselves.
    let mut mirrors = arranged(
        &Placement { sky: Sky::Map { rotation_x_rad: 0.0, rotation_y_rad: 2.0 }, ..Placement::default() },
        64,
        16,
    );
    mirrors.palette[0].specular_roughness = 0.0;
    mirrors.palette[1].thin_film_weight = 0.5;
    let mut in_sight = opaque(Sky::Map { rotation_x_rad: 0.0, rotation_y_rad: 2.0 });
    in_sight.shot.background = Background::Environment;
    let scenes: [(&str, Prepared); 13] = [
        ("metal and plastic under a map in sight", in_sight.prepare()),
        ("metal and plastic under a uniform sky", opaque(Sky::Uniform).prepare()),
        ("rounded edges, grain and glass", machined()),
        ("metal, glass and coated plastic", still_life(64, 16).prepare()),
        ("textures and opacity under a map", cards(64, 16).prepare()),
        ("depth of field", out_of_focus.prepare()),
        ("surfaces that shine", lamps(64, 16).prepare()),
        ("grain and fine structures", worn()),
        ("panes and bodies of two media", panes().prepare()),
        ("every kind of material under a map", under(Sky::Map { rotation_x_rad: 0.4, rotation_y_rad: 0.7 })),
        ("every kind of material under a uniform sky", under(Sky::Uniform)),
        ("long paths in glass", deep.prepare()),
        ("mirrors under a map", mirrors.prepare()),
    ];
    let levels: Vec<SimdLevel> = SimdLevel::ALL.into_iter().filter(|level| level.is_supported()).collect();
    println!("compared: {levels:?}");
    for variant in Variant::ALL {
        let has_it = |(_, prepared): &(_, Prepared)| Variant::of(prepared.product.features) == variant;
        assert!(scenes.iter().any(has_it), "no scene is {variant:?}");
    }
    for (name, prepared) in &scenes {
        let mut first = None;
        for &level in &levels {
            for n_threads in [1, 2] {
                let backend = CpuBackend::with_level(n_threads, level, "a test".to_owned()).expect("threads");
                let rendered = render(&backend, prepared);
                let bits = rendered.film.resolve().into_iter().map(|pixel| pixel.map(f32::to_bits)).collect::<Vec<_>>();
                let (of_first, rays) = first.get_or_insert_with(|| (bits.clone(), rendered.rays));
                let n_differing = bits.iter().zip(of_first.iter()).filter(|(a, b)| a != b).count();
                assert_eq!(n_differing, 0, "{name}: pixels with other bits, {level:?} with {n_threads} threads");
                assert_eq!(rendered.rays, *rays, "{name}: {level:?} with {n_threads} threads");
            }
        }
    }
}
