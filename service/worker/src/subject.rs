//! The subject of a work: its product with the material of each part.
//!
//! Input: a [`RenderInput`] and the bytes that it names. Output: a [`Product`] and its [`PartMaterials`], both kept for
//! the next request about the same file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use packshot_materials::aliases::AliasLayer;
use packshot_materials::finding::Finding;
use packshot_materials::library::Layer;
use packshot_materials::mapping::{OnUnmapped, Report};
use packshot_pipeline::error::Error;
use packshot_pipeline::plan::words::Lay;
use packshot_pipeline::plan::{LightPlan, PicturePlan};
use packshot_pipeline::product::{self, PaletteMaterial, PartMaterials, Product};
use packshot_pipeline::report::Preflight;
use packshot_renderer::backend::CancelToken;
use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::import::ImportOptions;
use packshot_renderer::prepare::PartMaterial;
use packshot_renderer::scene::{Primitive, Scene};
use packshot_renderer::shot::{EnvironmentMap, environment};

use super::compose;
use super::executor::AssetSource;
use super::failure::Stopped;
use super::library::{self, Resolved};
use super::lru::Lru;
use super::protocol::{DesignInput, Failure, LibraryFile, RenderInput};
use super::series;
use packshot_domain::hash::ContentAddress;
use packshot_domain::task::FaultKind;

/// The key of an imported file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ImportKey {
    scene: ContentAddress,
    options: ImportOptions,
    lay: Option<Lay>,
    only: Vec<String>,
    hide: Vec<String>,
    design: Option<DesignInput>,
}

impl ImportKey {
    fn new(input: &RenderInput) -> Self {
        let PicturePlan { options, .. } = &input.plan;
        let texts = |texts: &Option<Vec<String>>| texts.clone().unwrap_or_default();
        Self {
            scene: input.scene,
            options: input.plan.import_options(),
            lay: options.lay,
            only: texts(&options.only),
            hide: texts(&options.hide),
            design: input.design.clone(),
        }
    }
}

/// The key of a resolved library.
type LibraryKey = (Vec<LibraryFile>, Option<String>, AliasLayer);

/// A decoded environment map and what was noticed about it.
pub(super) type DecodedMap = (Arc<EnvironmentMap>, Arc<[Diagnostic]>);

/// Everything about files that is kept from request to request.
#[derive(Debug)]
pub(super) struct Subjects {
    products: Lru<ImportKey, Arc<Product>>,
    maps: Lru<ContentAddress, DecodedMap>,
    libraries: Lru<LibraryKey, Arc<Resolved>>,
    n_imports: AtomicU64,
}

/// A product on its way to the device.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) key: ImportKey,
    pub(super) product: Arc<Product>,
    pub(super) materials: PartMaterials,
}

/// Bytes that a resolved library counts for: a guess that only bounds how many are kept.
const LIBRARY_BYTES: u64 = 4 << 20;

impl Subjects {
    /// Keeps products of at most `bytes_max` bytes, and a quarter of that in maps and libraries each.
    pub(super) fn new(bytes_max: u64) -> Self {
        Self {
            products: Lru::new(bytes_max),
            maps: Lru::new(bytes_max / 4),
            libraries: Lru::new(bytes_max / 4),
            n_imports: AtomicU64::new(0),
        }
    }

    /// Bytes of all that is kept.
    pub(super) fn bytes(&self) -> u64 {
        self.products.bytes() + self.maps.bytes() + self.libraries.bytes()
    }

    /// Drops the large items; those in use stay until they are no longer needed.
    pub(super) fn forget(&self) {
        self.products.remove(|_| true);
        self.maps.remove(|_| true);
    }

    /// How many files were imported so far.
    pub(super) fn n_imports(&self) -> u64 {
        self.n_imports.load(Ordering::Relaxed)
    }

    /// The product, and whether it had to be read.
    ///
    /// # Errors
    /// `glb.…`, `shot.part_not_found`, `usage.nothing_left`, what the store says, cancelled.
    pub(super) fn product(
        &self,
        input: &RenderInput,
        assets: &dyn AssetSource,
        cancel: &CancelToken,
    ) -> Result<(ImportKey, Arc<Product>, bool), Stopped> {
        let key = ImportKey::new(input);
        if let Some(product) = self.products.get(&key) {
            return Ok((key, product, false));
        }
        let glb = read(assets, &input.scene)?;
        let mut product = input.plan.import(&glb, cancel)?;
        if let Some(worn) = &input.design {
            compose::wear(&mut product, worn, assets)?;
        }
        let product = Arc::new(product);
        self.n_imports.fetch_add(1, Ordering::Relaxed);
        self.products.insert(key.clone(), product.clone(), product_bytes(&product));
        Ok((key, product, true))
    }

    /// Which material each part gets. Unmapped parts are not an error here.
    ///
    /// # Errors
    /// `template.material` for a template's that no library has. What the store says when it is away.
    pub(super) fn materials(
        &self,
        input: &RenderInput,
        product: &Product,
        assets: &dyn AssetSource,
    ) -> Result<PartMaterials, Stopped> {
        if input.plan.is_clay() {
            return Ok(PartMaterials::clay(product, &input.plan));
        }
        let resolved = self.library(input, assets)?;
        if resolved.is_broken {
            return Ok(without_library(product, &resolved));
        }
        let request = input.plan.material_request(resolved.library.clone())?;
        let mut materials = PartMaterials::resolve(product, &request);
        materials.diagnostics.extend(resolved.findings.iter().cloned().map(product::diagnostic));
        Ok(materials)
    }

    /// The library that the work's parts are looked up in.
    ///
    /// # Errors
    /// What the store says.
    pub(super) fn library(&self, input: &RenderInput, assets: &dyn AssetSource) -> Result<Arc<Resolved>, Stopped> {
        let key = (input.libraries.clone(), input.fallback_material.clone(), input.aliases.clone());
        if let Some(resolved) = self.libraries.get(&key) {
            return Ok(resolved);
        }
        let mut files: Vec<(Layer, Bytes)> = Vec::new();
        for file in &input.libraries {
            let layer = if file.of_job { Layer::Job } else { Layer::Tenant };
            files.push((layer, read(assets, &file.address)?));
        }
        let resolved = library::resolve(&files, input.fallback_material.as_deref(), &input.aliases);
        let resolved = Arc::new(resolved);
        self.libraries.insert(key, resolved.clone(), LIBRARY_BYTES);
        Ok(resolved)
    }

    /// The uploaded environment map, if the request is lit by it.
    ///
    /// # Errors
    /// `env.…`, what the store says.
    pub(super) fn environment(
        &self,
        input: &RenderInput,
        assets: &dyn AssetSource,
    ) -> Result<Option<DecodedMap>, Stopped> {
        let Some(address) = input.environment.filter(|_| input.plan.light() == LightPlan::Environment) else {
            return Ok(None);
        };
        if let Some(decoded) = self.maps.get(&address) {
            return Ok(Some(decoded));
        }
        let bytes = read(assets, &address)?;
        let (map, found) = environment::decode(&bytes, "environment").map_err(Error::from)?;
        let decoded: DecodedMap = (Arc::new(map), found.into());
        // Beside the map itself, the tables to sample it.
        let bytes = 3 * size_of_val(&*decoded.0.rgb) as u64;
        self.maps.insert(address, decoded.clone(), bytes);
        Ok(Some(decoded))
    }
}

pub(super) fn read(assets: &dyn AssetSource, address: &ContentAddress) -> Result<Bytes, Failure> {
    assets.read(address).map_err(Failure::from)
}

/// Every part gets the fallback material, with the library as the reason.
fn without_library(product: &Product, resolved: &Resolved) -> PartMaterials {
    let library = &*resolved.library;
    let fallback = library.material(library.fallback());
    let report = Report::library_invalid(&fallback.id, &product.part_names());
    let palette = PaletteMaterial::from(fallback);
    PartMaterials {
        palette: vec![palette],
        parts: vec![PartMaterial::Palette(0); product.scene.parts.len()],
        library: Some(report.library.clone()),
        report: Some(report),
        diagnostics: resolved.findings.iter().cloned().map(|finding: Finding| product::diagnostic(finding)).collect(),
    }
}

/// About how much memory an imported product takes.
fn product_bytes(product: &Product) -> u64 {
    let Scene { meshes, parts, textures, .. } = &product.scene;
    let primitive = |p: &Primitive| {
        size_of_val(&*p.positions)
            + size_of_val(&*p.normals)
            + size_of_val(&*p.tangents)
            + p.uvs.iter().map(|uvs| size_of_val(&**uvs)).sum::<usize>()
            + size_of_val(&*p.colors)
            + size_of_val(&*p.triangles)
    };
    let geometry: usize = meshes.iter().flat_map(|mesh| &mesh.primitives).map(primitive).sum();
    let images: usize = textures.iter().map(|texture| size_of_val(&*texture.image.rgba8)).sum();
    // Names of a part: some hundred bytes.
    (geometry + images + parts.len() * 512) as u64
}

impl Subject {
    /// The preflight body.
    pub(super) fn preflight(&self, input: &RenderInput, more: &[Diagnostic]) -> Preflight {
        let must_map = input.plan.on_unmapped() == OnUnmapped::Fail;
        Preflight::new(&self.product, &self.materials, more, must_map)
    }
}

/// Everything that can be said about a work without rendering it. Nothing is kept.
///
/// # Errors
/// A file that cannot be read, or a shot that cannot be made of it; what the store says.
pub fn preflight(input: &RenderInput, assets: &dyn AssetSource) -> Result<Preflight, Failure> {
    let subjects = Subjects::new(0);
    let look = || -> Result<Preflight, Stopped> {
        let (key, product, _) = subjects.product(input, assets, &CancelToken::default())?;
        let materials = subjects.materials(input, &product, assets)?;
        let environment = subjects.environment(input, assets)?;
        let (_, more) = series::build(&input.plan, &product, environment)?;
        Ok(Subject { key, product, materials }.preflight(input, &more))
    };
    look().map_err(|stopped| {
        let cancelled = || Failure::new(FaultKind::Infrastructure, "cancelled", "the preflight was cancelled");
        stopped.failure().cloned().unwrap_or_else(cancelled)
    })
}
