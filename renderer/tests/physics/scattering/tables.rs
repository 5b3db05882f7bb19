//! The tables that closures read: none but those that were made, nothing beside them, and nothing that is too small to
//! divide by.

use glam::{Vec2, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_native::stages::Bindings;
use packshot_shaders::constants::{
    ALBEDO_STEPS, ALBEDO_TABLE, BRUSHED_AZIMUTHS, BRUSHED_COSINES, BRUSHED_RATIOS, BRUSHED_ROUGHNESSES, GLASS_RATIOS,
    NO_TABLE,
};

use super::{Lobes, Side, native, towards};

/// What a file or a division can leave in a parameter.
const HOSTILE: [f32; 12] =
    [f32::NEG_INFINITY, -1.0, -0.0, 0.0, 1e-38, 0.3, 1.0, 1.000_000_1, 7.0, f32::MAX, f32::INFINITY, f32::NAN];

/// A read outside panics.
#[test]
fn no_lookup_leaves_its_table() {
    let n_brushed = BRUSHED_ROUGHNESSES * BRUSHED_RATIOS * (BRUSHED_AZIMUTHS * BRUSHED_COSINES + 1);
    let plain = vec![0.5; ALBEDO_TABLE as usize];
    let lossless = vec![0.5; (ALBEDO_TABLE + ALBEDO_STEPS) as usize];
    let between = vec![0.5; (4 * GLASS_RATIOS * ALBEDO_TABLE) as usize];
    let brushed = vec![0.5; n_brushed as usize];
    let lobes = Lobes::new(&OpenPbr::default());
    let with = |tables| Bindings { tables, ..lobes.bindings() };
    for x in HOSTILE {
        native::albedo_mean(&with(&lossless), x);
        for y in HOSTILE {
            native::albedo_at(&with(&plain), 0, x, y);
            native::fuzz_albedo(&with(&plain), 0, x, y);
            for z in HOSTILE {
                native::glass_albedo(&with(&between), 0, x, y, z);
                native::brushed_albedo(&with(&brushed), 0, Vec2::new(x, y), Vec3::new(y, x, z));
            }
        }
    }
}

#[test]
fn a_table_that_was_not_made_is_not_read() {
    let lobes = Lobes::new(&OpenPbr { base_metalness: 1.0, ..OpenPbr::default() });
    let tables = [0, 1, 2, 3, 4, 5, 6].map(|k| {
        let m = &lobes.materials[0];
        [m.albedo_table, m.coat_albedo_table, m.fuzz_table, m.brushed_table, m.brushed_glass_table, m.glass_table][..]
            .iter()
            .chain([&m.glass_in_air_table])
            .nth(k)
            .copied()
    });
    assert_eq!(tables, [Some(NO_TABLE); 7]);
    // A metal needs none: seen from everywhere it reads none.
    for cosine in [0.01, 0.5, 1.0] {
        for side in [Side::Front, Side::Back] {
            lobes.closure(towards(cosine, 0.7), side);
        }
    }
    // What reads one of glass, where none was made, is stopped in place of being given another.
    let wrong = Lobes::new(&OpenPbr { transmission_weight: 1.0, ..OpenPbr::default() })
        .with(|material| material.glass_in_air_table = NO_TABLE);
    let read = std::panic::catch_unwind(|| wrong.closure(towards(0.5, 0.7), Side::Front));
    assert!(read.is_err());
}

/// `KEPT_MIN` of the shader changes nothing: no table of rough glass has less.
#[test]
fn rough_glass_keeps_some_of_the_light() {
    for specular_ior in [1.0, 1.0001, 1.02, 1.1, 1.5, 2.4, 4.0] {
        for anisotropy in [0.0, 1.0] {
            let glass = OpenPbr {
                transmission_weight: 1.0,
                specular_ior,
                specular_roughness_anisotropy: anisotropy,
                ..OpenPbr::default()
            };
            let lobes = Lobes::new(&glass);
            let m = &lobes.materials[0];
            let least = |first: u32, n: u32| {
                let table = &lobes.tables[first as usize..][..n as usize];
                table.iter().copied().fold(f32::INFINITY, f32::min)
            };
            let mut kept = least(m.glass_in_air_table, 2 * ALBEDO_TABLE);
            if anisotropy > 0.0 {
                let n = BRUSHED_ROUGHNESSES * BRUSHED_RATIOS * (BRUSHED_AZIMUTHS * BRUSHED_COSINES + 1);
                kept = kept.min(least(m.brushed_glass_table, 2 * n));
            }
            assert!(kept >= 0.005, "index {specular_ior}, anisotropy {anisotropy}: {kept}");
        }
    }
}
