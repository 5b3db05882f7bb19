//! Tables of fuzz and sheen: albedos, and the shape of the fuzz lobe. Rows run over roughness, columns over the cosine
//! (fuzz) or its square root (sheen), [`ALBEDO_STEPS`] of each, both from 0 to 1.

use packshot_shaders::constants::{ALBEDO_STEPS, FUZZ_TABLE};

use super::quadrature::sheen;
use super::ready_made;

const _: () = assert!(sheen::STEPS == STEPS, "the shader's constant says how large a table is");

const STEPS: usize = ALBEDO_STEPS as usize;
const ENTRIES: usize = FUZZ_TABLE as usize;

/// The published fit: an NPY file, version 1; see `renderer/data/README.md`.
const PUBLISHED: &[u8] = include_bytes!("../../data/ltc_sheen_volume.npy");
/// Length of the file's header.
const HEADER_BYTES: usize = 128;

/// OpenPBR's fuzz (Zeltner, Burley and Chiang 2022, "Practical Multiple-Scattering Sheen Using Linearly Transformed
/// Cosines"): a table of albedos, then one for each coefficient of the shear.
pub(crate) fn fuzz() -> Vec<f32> {
    let values: Vec<f32> =
        PUBLISHED[HEADER_BYTES..].as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect();
    assert_eq!(values.len(), 3 * ENTRIES, "the file is as it was published");
    // The file's rows run over the cosine. Where nothing is reflected the fit has a shape of zero, which cannot be
    // inverted.
    let plane = |k: usize, least: f32| {
        let value = |at: usize| values[3 * (at % STEPS * STEPS + at / STEPS) + k].max(least);
        (0..ENTRIES).map(value).collect::<Vec<_>>()
    };
    [plane(2, 0.0), plane(0, 0.05), plane(1, f32::MIN)].concat()
}

/// Albedos of glTF's sheen with a white sheen colour.
pub(crate) fn sheen() -> &'static [f32] {
    ready_made::sheen()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzz_reflects_a_share_of_the_light() {
        let table = fuzz();
        assert!(table[..ENTRIES].iter().all(|&albedo| (0.0..=1.0).contains(&albedo)));
        // Rough fibres reflect most at grazing angles (figure 2 of the paper).
        assert!(table[ENTRIES - STEPS] > 2.0 * table[ENTRIES - 1]);
        assert!(table[ENTRIES..2 * ENTRIES].iter().all(|&a| a > 0.0), "the shear can be undone");
    }

    #[test]
    fn sheen_reflects_more_than_there_is_only_where_it_is_smooth() {
        // By more than 1, its lobe is scaled down.
        assert!(sheen().iter().all(|&albedo| (0.0..=6.5).contains(&albedo)));
        assert!(sheen()[10 * STEPS..].iter().all(|&albedo| albedo <= 1.0), "at a roughness above a third");
        // Seen from above, white sheen of roughness 1 covers about a sixth of the base; towards the horizon it covers
        // more.
        let rough = &sheen()[ENTRIES - STEPS..];
        assert!(rough[STEPS - 1] < rough[1], "{rough:?}");
    }

    #[test]
    fn the_ready_made_table_of_sheen_is_what_would_be_computed() {
        for k in [0, 31, 500, ENTRIES - 1] {
            assert_eq!(sheen()[k].to_bits(), sheen::entry(k).to_bits(), "entry {k}");
        }
    }
}
