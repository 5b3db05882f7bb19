//! Energy that brushed facets lose: the albedo of a lossless conductor whose roughness differs along and across the
//! tangent, and of glass. [`quadrature::brushed`] says in which order the nodes are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use packshot_shaders::constants::{
    BRUSHED_ALPHA_MAX, BRUSHED_AZIMUTHS, BRUSHED_COSINES, BRUSHED_RATIOS, BRUSHED_ROUGHNESSES,
};
use rayon::prelude::*;

use crate::prepare::quadrature::brushed::{self, Split};
use crate::prepare::ready_made;

const _: () = assert!(
    brushed::ALPHAS == BRUSHED_ROUGHNESSES as usize
        && brushed::RATIOS == BRUSHED_RATIOS as usize
        && brushed::AZIMUTHS == BRUSHED_AZIMUTHS as usize
        && brushed::COSINES == BRUSHED_COSINES as usize
        && brushed::ALPHA_MAX.to_bits() == BRUSHED_ALPHA_MAX.to_bits(),
    "the shader's constants say how large a table is",
);

/// The table of a lossless conductor.
pub(crate) fn lossless() -> &'static [f32] {
    ready_made::brushed()
}

/// What glass reflects and transmits whose reflectance follows `ior` and which refracts by `bends`: a table for light
/// from outside, then one for light from inside. Computed once per process and pair of indices.
pub(crate) fn glass(ior: f32, bends: f32) -> Arc<Vec<f32>> {
    type Cache = Mutex<HashMap<[u32; 2], Arc<Vec<f32>>>>;
    static CACHE: OnceLock<Cache> = OnceLock::new();
    let cache = CACHE.get_or_init(Mutex::default);
    let key = [ior, bends].map(f32::to_bits);
    if let Some(known) = cache.lock().expect("the cache's lock is never poisoned").get(&key) {
        return known.clone();
    }
    let (n, m) = (f64::from(ior), f64::from(bends));
    let of_side = |(eta, bending)| table(Split::Glass { eta, bending });
    let tables: Arc<Vec<f32>> = Arc::new([(n, m), (1.0 / n, 1.0 / m)].into_iter().flat_map(of_side).collect());
    cache.lock().expect("the cache's lock is never poisoned").insert(key, tables.clone());
    tables
}

/// All nodes, then the means.
fn table(split: Split) -> Vec<f32> {
    let entries: Vec<f32> = (0..brushed::ENTRIES).into_par_iter().map(|k| brushed::entry(split, k)).collect();
    brushed::finished(&entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_made_table_is_what_would_be_computed() {
        let computed = table(Split::Mirror);
        assert_eq!(lossless().len(), computed.len());
        assert!(lossless().iter().zip(&computed).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
