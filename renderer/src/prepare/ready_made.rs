//! Tables that `renderer/build.rs` has computed, by the functions of [`quadrature`](super::quadrature).

use std::sync::OnceLock;

use super::quadrature::facets;

/// A table as the build script has written it.
macro_rules! table {
    ($file:literal) => {{
        static TABLE: OnceLock<Vec<f32>> = OnceLock::new();
        TABLE.get_or_init(|| {
            let bytes: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/", $file));
            bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect()
        })
    }};
}

/// The albedo of a lossless conductor, then its means over the hemisphere per roughness.
pub(crate) fn lossless() -> &'static [f32] {
    table!("lossless.f32")
}

/// What facets do between any two media.
pub(crate) fn between() -> &'static [f32] {
    table!("between.f32")
}

/// The albedo of lossless brushed facets, as [`lossless`].
pub(crate) fn brushed() -> &'static [f32] {
    table!("brushed.f32")
}

/// Albedos of glTF's sheen.
pub(crate) fn sheen() -> &'static [f32] {
    table!("sheen.f32")
}

/// The tables of a dielectric that reflects by `ior` and refracts by `bends`, if it is one of [`facets::READY_MADE`].
pub(crate) fn dielectric(ior: f32, bends: Option<f32>) -> Option<&'static [f32]> {
    let all: &'static [f32] = table!("dielectrics.f32");
    let mut first = 0;
    for &(known, known_bends) in facets::READY_MADE {
        let n = facets::ENTRIES * if known_bends.is_some() { 2 } else { 1 };
        if known.to_bits() == ior.to_bits() && known_bends.map(f32::to_bits) == bends.map(f32::to_bits) {
            return Some(&all[first..first + n]);
        }
        first += n;
    }
    None
}
