//! Computes tables that renders need and that depend on nothing: `src/prepare/ready_made.rs` and `src/color/agx.rs`
//! include them.

use std::path::{Path, PathBuf};
use std::{env, fs, io, thread};

#[path = "src/color/agx"]
#[allow(dead_code, reason = "the renderer uses the rest")]
mod agx {
    pub(crate) mod formation;
    pub(crate) mod gamut;
}
#[path = "src/prepare"]
#[allow(dead_code, reason = "the renderer uses the rest")]
mod prepare {
    pub(crate) mod quadrature;
}

use agx::formation;
use prepare::quadrature::facets::{self, Facets};
use prepare::quadrature::{brushed, sheen};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/prepare/quadrature.rs");
    println!("cargo:rerun-if-changed=src/prepare/quadrature");
    println!("cargo:rerun-if-changed=src/color/agx/formation.rs");
    println!("cargo:rerun-if-changed=src/color/agx/gamut.rs");
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo names the folder"));
    let of_facets = |facets: Facets| facets::finished(&table(facets::ENTRIES, |k| facets.entry(k)));
    let mut lossless = of_facets(Facets::Lossless);
    lossless.extend(facets::means(&lossless.clone()));
    write(&folder.join("lossless.f32"), &lossless)?;
    let of_dielectric = |&(ior, bends): &(f32, Option<f32>)| Facets::of_dielectric(ior, bends);
    let dielectrics = facets::READY_MADE.iter().flat_map(of_dielectric);
    let dielectrics: Vec<f32> = dielectrics.flat_map(of_facets).collect();
    write(&folder.join("dielectrics.f32"), &dielectrics)?;
    write(&folder.join("between.f32"), &facets::finished_between(&table(facets::BETWEEN_ENTRIES, facets::between)))?;
    let brushed = table(brushed::ENTRIES, |k| brushed::entry(brushed::Split::Mirror, k));
    write(&folder.join("brushed.f32"), &brushed::finished(&brushed))?;
    write(&folder.join("sheen.f32"), &table(sheen::ENTRIES, sheen::entry))?;
    let agx = formation::Formation::new();
    let nodes = table(formation::NODES_PER_AXIS.pow(3), |k| formation::node(&agx, k));
    write(&folder.join("agx.f32"), nodes.as_flattened())
}

/// All entries, computed by as many threads as there are processors.
fn table<T: Clone + Default + Send>(n: usize, entry: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let mut entries = vec![T::default(); n];
    thread::scope(|scope| {
        // Neighbouring entries cost about the same: no thread waits long for another.
        for (i, part) in entries.chunks_mut(n.div_ceil(n_threads)).enumerate() {
            let entry = &entry;
            scope.spawn(move || {
                for (k, value) in part.iter_mut().enumerate() {
                    *value = entry(i * n.div_ceil(n_threads) + k);
                }
            });
        }
    });
    entries
}

fn write(path: &Path, values: &[f32]) -> io::Result<()> {
    fs::write(path, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}
