//! Directional albedos of single-scattering GGX, by quadrature: the shader needs them to compensate for lost energy.
//!
//! A table has [`ALBEDO_STEPS`]² entries: rows over roughness r = i/(n−1) with α = r², columns over √cos = j/(n−1). The
//! first block of the shader's `tables` is the albedo of a lossless conductor, followed by its mean over the hemisphere
//! per roughness; then come those of indices of refraction: reflection from outside, and for glass reflection plus
//! refraction from outside and from inside. Between two media of which none is air, and where glass
//! reflects with a weight or a tint, the shader reads what facets do for any ratio of indices.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use packshot_shaders::constants::{ALBEDO_STEPS, GLASS_RATIO_MAX, GLASS_RATIOS};
use rayon::prelude::*;

use super::quadrature::facets::{self, Facets};
use super::{quadrature, ready_made};

pub(super) mod brushed;

const _: () = assert!(
    facets::STEPS == ALBEDO_STEPS as usize
        && facets::RATIOS == GLASS_RATIOS as usize
        && facets::RATIO_MAX == GLASS_RATIO_MAX as f64,
    "the shader's constants say how large a table is"
);

/// What facets do between any two media ([`facets::between`]).
pub(crate) fn between() -> &'static [f32] {
    ready_made::between()
}

/// Albedo of a lossless conductor, then its means over the hemisphere: one table and one row.
pub(crate) fn lossless() -> &'static [f32] {
    ready_made::lossless()
}

/// What the tables of an index of refraction are of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Boundary {
    /// Reflection from outside only: one table.
    Opaque,
    /// Reflection plus refraction, from outside and from inside: two tables.
    Refracting {
        /// The index that refracts, where a specular weight makes the reflectance follow another one.
        bends: f32,
    },
}

/// Identifies the tables of a boundary.
pub(crate) type BoundaryKey = (u32, Option<u32>);

impl Boundary {
    /// The key of this boundary whose reflectance follows `ior`.
    pub(crate) fn key(self, ior: f32) -> BoundaryKey {
        (ior.to_bits(), self.bends().map(f32::to_bits))
    }

    /// The index that refracts.
    fn bends(self) -> Option<f32> {
        match self {
            Self::Opaque => None,
            Self::Refracting { bends } => Some(bends),
        }
    }
}

/// The tables of an index of refraction. Those that are not ready-made are computed once per process, index and kind of
/// boundary.
pub(crate) fn dielectric(ior: f32, boundary: Boundary) -> Arc<Vec<f32>> {
    type Cache = Mutex<HashMap<BoundaryKey, Arc<Vec<f32>>>>;
    static CACHE: OnceLock<Cache> = OnceLock::new();
    let cache = CACHE.get_or_init(Mutex::default);
    let key = boundary.key(ior);
    if let Some(known) = cache.lock().expect("the cache's lock is never poisoned").get(&key) {
        return known.clone();
    }
    let bends = boundary.bends();
    let computed = || Facets::of_dielectric(ior, bends).into_iter().flat_map(table).collect();
    let entries = Arc::new(ready_made::dielectric(ior, bends).map_or_else(computed, <[f32]>::to_vec));
    cache.lock().expect("the cache's lock is never poisoned").insert(key, entries.clone());
    entries
}

fn table(facets: Facets) -> Vec<f32> {
    let entries: Vec<f32> = (0..facets::ENTRIES).into_par_iter().map(|k| facets.entry(k)).collect();
    facets::finished(&entries)
}

/// Mean Fresnel reflectance over the cosine-weighted hemisphere, from outside.
pub(crate) fn fresnel_mean(ior: f32) -> f32 {
    facets::hemisphere_mean(|cosine| quadrature::fresnel(cosine, f64::from(ior))) as f32
}

#[cfg(test)]
mod tests {
    use packshot_materials::library::Library;

    use super::super::material::{Tables, lower_literal};
    use super::facets::STEPS;
    use super::*;

    #[test]
    fn smooth_facets_lose_nothing_and_rough_ones_what_the_literature_says() {
        let e = lossless();
        assert!((e[STEPS - 1] - 1.0).abs() < 1e-3, "roughness 0, normal view: {}", e[STEPS - 1]);
        // Single-scattering GGX at alpha 1 returns 0.31 along the normal: the energy whose loss darkens rough metal.
        let rough = e[STEPS * STEPS - 1];
        assert!((rough - 0.307).abs() < 3e-3, "roughness 1, normal view: {rough}");
    }

    #[test]
    fn a_dielectric_splits_light_without_gain() {
        for ior in [1.0001_f32, 1.33, 1.5, 2.4] {
            for &x in dielectric(ior, Boundary::Refracting { bends: ior }).iter() {
                assert!((0.0..=1.0001).contains(&x), "ior {ior}: {x}");
            }
        }
        let smooth_normal = dielectric(1.5, Boundary::Opaque)[STEPS - 1];
        assert!((smooth_normal - 0.04).abs() < 1e-3, "{smooth_normal}");
    }

    #[test]
    fn mean_reflectance_of_glass() {
        // 9.18 % for index 1.5 (d'Eon and Irving 2011, eq. 15's exact value).
        assert!((fresnel_mean(1.5) - 0.0918).abs() < 5e-4, "{}", fresnel_mean(1.5));
    }

    #[test]
    fn ready_made_tables_are_what_would_be_computed() {
        assert_eq!(lossless()[..facets::ENTRIES], table(Facets::Lossless));
        let computed: Vec<f32> = Facets::of_dielectric(1.5, Some(1.5)).into_iter().flat_map(table).collect();
        assert_eq!(*dielectric(1.5, Boundary::Refracting { bends: 1.5 }), computed);
        assert_eq!(ready_made::dielectric(1.234_567, None), None);
    }

    /// A picture in materials of the library waits for no quadrature.
    #[test]
    fn tables_of_the_built_in_library_are_ready_made() {
        let key = |(ior, bends): BoundaryKey| (f32::from_bits(ior), bends.map(f32::from_bits));
        let used = Library::builtin().materials().iter().flat_map(|material| {
            let mut tables = Tables::new();
            lower_literal(&material.openpbr, 1.0, &mut tables);
            tables.boundaries().map(key).collect::<Vec<_>>()
        });
        let missing: Vec<_> = used.filter(|&(ior, bends)| ready_made::dielectric(ior, bends).is_none()).collect();
        assert!(missing.is_empty(), "add these to facets::READY_MADE: {missing:?}");
    }
}
