//! A product that trials render without the command, to inspect what the command does not show.

use std::path::Path;
use std::sync::Arc;

use packshot_pipeline::product::Product;
use packshot_pipeline::request::{MaterialRequest, PartFilter};
use packshot_renderer::backend::gpu::{GpuBackend, GpuOptions, SliceLimits};
use packshot_renderer::backend::{Backend, CancelToken, LoadedShot, RenderError};
use packshot_renderer::film::Film;
use packshot_renderer::import::ImportOptions;
use packshot_renderer::prepare::{PaletteEntry, PartMaterial, PreparedProduct, PreparedShot, TabulatedMaps};
use packshot_renderer::sample;
use packshot_renderer::shot::request::{self, ShotRequest};

use crate::report::Fault;
use crate::setup::Setup;

/// A product with its materials.
pub(crate) struct Subject {
    product: Product,
    pub(crate) prepared: Arc<PreparedProduct>,
}

impl Subject {
    /// The sample bearing, all of one material where `is_plain`.
    pub(crate) fn bearing(is_plain: bool) -> Result<Self, Fault> {
        // Its materials carry the library's names.
        Self::of(&sample::bearing().glb, is_plain)
    }

    /// From a GLB.
    pub(crate) fn read(path: &Path) -> Result<Self, Fault> {
        Self::of(&std::fs::read(path).map_err(|reason| Fault::of_file(path, &reason))?, false)
    }

    fn of(glb: &[u8], is_plain: bool) -> Result<Self, Fault> {
        let (import, filter) = (ImportOptions::default(), PartFilter::default());
        let product = Product::import(glb, &import, &filter, &CancelToken::default())?;
        let materials = product.assign(&MaterialRequest::default())?;
        let (palette, parts) = match is_plain {
            true => (vec![PaletteEntry::default()], vec![PartMaterial::Palette(0); product.scene.parts.len()]),
            false => (materials.entries(), materials.parts),
        };
        let prepared = PreparedProduct::new(&product.scene, &palette, &parts, None, &|| false);
        let prepared = Arc::new(prepared.map_err(|error| Fault::new(error.to_string()))?);
        Ok(Self { product, prepared })
    }

    /// A square three-quarter shot of it, in which every pixel gets all samples.
    pub(crate) fn shot(&self, side_px: u32, samples: u32) -> Result<PreparedShot, Fault> {
        let mut shot_request = ShotRequest::default();
        let film = &mut shot_request.film;
        (film.width_px, film.height_px, film.samples, film.noise_threshold) = (side_px, side_px, samples, 0.0);
        let (shot, _) =
            request::build(&shot_request, &self.product.scene).map_err(|error| Fault::new(error.to_string()))?;
        let tables = TabulatedMaps::default().tables(&shot.environment);
        Ok(PreparedShot::new(&self.prepared, &shot, tables))
    }

    /// The shot on a device.
    pub(crate) fn load(&self, backend: &dyn Backend, shot: PreparedShot) -> Result<Box<dyn LoadedShot>, RenderError> {
        backend.load(self.prepared.clone(), &CancelToken::default())?.load(shot)
    }
}

/// How many pixels of two films differ in any bit; all if their sizes differ.
pub(crate) fn differing(a: &Film, b: &Film) -> f64 {
    if (a.width_px, a.height_px) != (b.width_px, b.height_px) {
        return a.sums.len().max(b.sums.len()) as f64;
    }
    a.sums.iter().zip(&b.sums).filter(|(a, b)| bytemuck::bytes_of(*a) != bytemuck::bytes_of(*b)).count() as f64
}

impl Setup {
    /// Opens the adapter under test.
    pub(crate) fn open(&self, slices: SliceLimits) -> Result<GpuBackend, Fault> {
        let options = GpuOptions { slices, cache: self.cache.clone(), ..GpuOptions::default() };
        Ok(GpuBackend::open(&self.adapter()?, "a trial".to_owned(), options)?)
    }
}
