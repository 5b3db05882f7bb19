//! The renderer's interface: from a file to a picture, or stage by stage.
//!
//! [`Renderer::render`] does everything. Callers that want to keep expensive results call the stages:
//! [`Product::import`] and [`Product::assign`] depend on the file and the materials, [`Renderer::prepare`] brings both
//! onto the device, where a [`ResidentProduct`] is ready for any number of shots, and a [`ReadyShot`] can be rendered
//! any number of times.

use std::sync::Arc;
use std::time::Instant;

use packshot_renderer::backend::device::{self, DeviceChoice, DeviceRequest};
use packshot_renderer::backend::{
    Backend, CancelToken, DeviceInfo, LoadedProduct, LoadedShot, Progress, RenderControl, Snapshot,
};
use packshot_renderer::catcher::Caught;
use packshot_renderer::color::LinearImage;
use packshot_renderer::encode::{self, Metadata, PngDepth, Provenance};
use packshot_renderer::film::samples_mean;
use packshot_renderer::layers::lines::LineStyle;
use packshot_renderer::layers::{LayerNames, Quantity};
use packshot_renderer::look::Look;
use packshot_renderer::prepare::{FirstHit, LightGroup, PreparedProduct, PreparedShot, TabulatedMaps};
use packshot_renderer::shot::{Floor, Shot, request};
use packshot_renderer::store::ByteStore;

use crate::denoise::{DenoisedBy, Denoisers, Network, Noisy, Oidn, continued};
use crate::error::{Error, ErrorKind, Fault};
use crate::ground::{self, CatcherShots, Grounded};
use crate::groups;
use crate::lines::{DrawnLines, LineRequest};
use crate::picture::{Aov, Picture, display, layers, product_provenance, provenance};
use crate::product::{PartMaterials, Product};
use crate::request::RenderRequest;
use crate::taken::NeededVersions;
use crate::timing::process_time;

/// Longest side of a preview in pixels.
pub const PREVIEW_SIDE_MAX_PX: u32 = 1024;

/// A device with everything that stays on it between pictures.
#[derive(Debug)]
pub struct Renderer {
    open_device: Arc<OpenDevice>,
    /// Tables of the environment maps that are still in use.
    maps: Arc<TabulatedMaps>,
}

/// The device.
#[derive(Debug)]
struct OpenDevice {
    backend: Box<dyn Backend>,
    denoisers: Denoisers,
    cache: Option<Arc<dyn ByteStore>>,
}

/// Settings of a [`Renderer`]; by default it uses the whole processor and keeps nothing between runs.
#[derive(Clone, Debug, Default)]
pub struct RendererOptions {
    /// Threads on the processor; 0: one per hardware thread.
    pub n_threads: usize,
    /// Where kernels that a driver compiled, and trees of large products, are kept between runs.
    pub cache: Option<Arc<dyn ByteStore>>,
    /// An Open Image Denoise to use instead of Packshot's own denoiser.
    pub oidn: Option<Oidn>,
}

impl Renderer {
    /// Opens the requested device and logs which one that is. Loads graphics drivers only if necessary.
    ///
    /// # Errors
    /// `device.unavailable` when the device does not exist or cannot be used; `denoise.oidn_…` when the library in the
    /// options cannot be used.
    pub fn new(request: &DeviceRequest, options: RendererOptions) -> Result<Self, Error> {
        let choice = device::select(request)?;
        let renderer = Self::open(&choice, options)?;
        if let Some(line) = choice.probe_line() {
            tracing::info!("{line}");
        }
        Ok(renderer)
    }

    /// Opens a device that was chosen before. A GPU that [`DeviceRequest::Auto`] found and that does not open is
    /// replaced by the CPU; [`device`](Self::device) says why.
    ///
    /// # Errors
    /// `device.unavailable` when it cannot be used; `denoise.oidn_…` when the library in the options cannot be used.
    pub fn open(choice: &DeviceChoice, options: RendererOptions) -> Result<Self, Error> {
        let denoisers = Denoisers::new(options.oidn, options.n_threads)?;
        let backend = device::open(choice, options.n_threads, options.cache.clone())?;
        let open_device = OpenDevice { backend, denoisers, cache: options.cache };
        Ok(Self { open_device: Arc::new(open_device), maps: Arc::default() })
    }

    /// The device, and why that one.
    pub fn device(&self) -> &DeviceInfo {
        self.open_device.backend.device()
    }

    /// The Open Image Denoise that replaces Packshot's own denoiser.
    pub fn oidn(&self) -> Option<DenoisedBy> {
        self.open_device.denoisers.oidn()
    }

    /// Renders a picture of a GLB, or of a glTF whose buffers and images are embedded.
    ///
    /// # Errors
    /// Every [`Error`] except cancellation.
    pub fn render(&self, glb: &[u8], request: &RenderRequest) -> Result<Picture, Error> {
        self.render_with(glb, request, &RenderControl::new(&CancelToken::default()))
    }

    /// The same, with progress and cancellation.
    ///
    /// # Errors
    /// Every [`Error`].
    pub fn render_with(
        &self,
        glb: &[u8],
        request: &RenderRequest,
        control: &RenderControl<'_>,
    ) -> Result<Picture, Error> {
        let plan = request.plan()?;
        let product = plan.import(glb, control.cancel)?;
        let materials = match plan.is_clay() {
            true => PartMaterials::clay(&product, &plan),
            false => product.assign(&plan.material_request(request.library.clone())?)?,
        };
        let (shot, _) = request::build(&plan.shot_request(request.environment.clone())?, &product.scene)?;
        let taking = plan.taking([shot.film.width_px, shot.film.height_px]);
        let needed = taking.needed_versions(shot.view.transform);
        let ready = self.load(&product, &materials, shot, needed, control.cancel)?;
        Ok(taking.take(&ready, control)?.picture)
    }

    /// Packs a product, with a floor if its shots have one, and uploads it: everything that is expensive before
    /// sampling.
    ///
    /// # Errors
    /// `glb.empty`, `glb.limit`, `device.…`, `cancelled`.
    pub fn prepare(
        &self,
        product: &Product,
        materials: &PartMaterials,
        floor: Option<&Floor>,
        cancel: &CancelToken,
    ) -> Result<ResidentProduct, Error> {
        let palette = materials.entries();
        let cancelled = || cancel.is_cancelled();
        let (scene, parts) = (&product.scene, &materials.parts[..]);
        let prepared = match &self.open_device.cache {
            Some(cache) => PreparedProduct::with_kept_trees(scene, &palette, parts, floor, &**cache, &cancelled),
            None => PreparedProduct::new(scene, &palette, parts, floor, &cancelled),
        }?;
        if prepared.n_unsampled_emitters() > 0 {
            let n = prepared.n_unsampled_emitters();
            tracing::warn!(
                "{n} emissive triangles are too many for light sampling: only scattered rays reach them, which gives more noise"
            );
        }
        if prepared.n_unrounded_parts() > 0 {
            tracing::warn!(
                "{} parts have too many edges to round; their edges are shown sharp",
                prepared.n_unrounded_parts()
            );
        }
        let palette_names: Vec<&str> = materials.palette.iter().map(|material| material.id.as_str()).collect();
        let names = Arc::new(LayerNames::new(&product.scene, &prepared, &palette_names));
        let catcher = match floor.is_some_and(Floor::catches) {
            true => {
                let alone = Arc::new(prepared.floor_alone(&cancelled)?);
                Some(self.open_device.backend.load(alone, cancel)?.into())
            }
            false => None,
        };
        let loaded = self.open_device.backend.load(Arc::new(prepared), cancel)?.into();
        let provenance = product_provenance(product, materials);
        let (open_device, maps, look) = (self.open_device.clone(), self.maps.clone(), product.scene.look);
        Ok(ResidentProduct { loaded, catcher, open_device, maps, provenance, names, look })
    }

    /// Uploads a product and one shot of it.
    ///
    /// # Errors
    /// `glb.empty`, `glb.limit`, `device.…`, `cancelled`.
    pub fn load(
        &self,
        product: &Product,
        materials: &PartMaterials,
        shot: Shot,
        needed: NeededVersions,
        cancel: &CancelToken,
    ) -> Result<ReadyShot, Error> {
        self.prepare(product, materials, shot.floor.as_ref(), cancel)?.ready(shot, needed)
    }
}

/// A product with its materials and its floor on a device, ready for any number of shots. Clones share it; it stays on
/// the device until the last of them and of their shots is dropped.
#[derive(Clone)]
pub struct ResidentProduct {
    loaded: Arc<dyn LoadedProduct>,
    /// The floor without the product, if it is a catcher.
    catcher: Option<Arc<dyn LoadedProduct>>,
    open_device: Arc<OpenDevice>,
    maps: Arc<TabulatedMaps>,
    /// Provenance of the product alone.
    provenance: Provenance,
    names: Arc<LayerNames>,
    look: Look,
}

impl std::fmt::Debug for ResidentProduct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let floor = &self.loaded.prepared().floor;
        let device = self.open_device.backend.device();
        f.debug_struct("ResidentProduct").field("floor", floor).field("device", device).finish_non_exhaustive()
    }
}

impl ResidentProduct {
    /// Uploads a shot of the product, which takes milliseconds. The tables of an environment map are made for its first
    /// shot and reused for all others, as long as the map exists; a rig's map is kept for good. `needed` says what its
    /// picture is for: where a catcher's shadows are denoised, they are sampled less.
    ///
    /// # Errors
    /// `device.…`; `internal` for a shot with another floor than the product was prepared with.
    pub fn ready(&self, shot: Shot, needed: NeededVersions) -> Result<ReadyShot, Error> {
        let prepared = self.loaded.prepared();
        if prepared.floor != shot.floor {
            let fault = Fault::new("internal", "the product was prepared with another floor than the shot's");
            return Err(Error::new(ErrorKind::Internal, fault));
        }
        let environment = self.maps.tables(&shot.environment);
        let (prepared, catcher) = match (&self.catcher, &shot.floor) {
            (Some(alone), Some(floor)) => {
                let product = PreparedShot::new(prepared, &ground::without_backdrop(&shot), environment.clone());
                let catcher = CatcherShots::load([&*self.loaded, &**alone], floor, &shot, needed, &environment)?;
                (product.showing(FirstHit::Product), Some(catcher))
            }
            _ => (PreparedShot::new(prepared, &shot, environment), None),
        };
        let provenance = provenance(&self.provenance, &shot);
        let (open_device, names, look) = (self.open_device.clone(), self.names.clone(), self.look);
        let (loaded, product) = (self.loaded.load(prepared.clone())?, self.loaded.clone());
        Ok(ReadyShot { loaded, catcher, product, prepared, shot, open_device, provenance, names, look })
    }

    /// Memory of the product in bytes, on the host and on the device, without its shots.
    pub fn size_bytes(&self) -> u64 {
        self.loaded.size_bytes() + self.catcher.as_ref().map_or(0, |alone| alone.size_bytes())
    }
}

/// A shot on a device.
pub struct ReadyShot {
    /// The shot of the product; without its floor if that is a catcher.
    loaded: Box<dyn LoadedShot>,
    catcher: Option<CatcherShots>,
    product: Arc<dyn LoadedProduct>,
    /// The prepared shot behind `loaded`.
    prepared: PreparedShot,
    shot: Shot,
    open_device: Arc<OpenDevice>,
    provenance: Provenance,
    names: Arc<LayerNames>,
    look: Look,
}

impl std::fmt::Debug for ReadyShot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let device = self.open_device.backend.device();
        f.debug_struct("ReadyShot").field("shot", &self.shot).field("device", device).finish_non_exhaustive()
    }
}

impl ReadyShot {
    /// The provenance of its pictures, known before they are rendered.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The shot.
    pub fn shot(&self) -> &Shot {
        &self.shot
    }

    /// A snapshot of this shot as the bytes of a PNG of 8 bits, shown like the finished picture, except for a catcher's
    /// contribution and what is behind it. [`PREVIEW_SIDE_MAX_PX`] is a sensible size for snapshots.
    ///
    /// # Errors
    /// `encode.…` when the snapshot is too large for the format.
    pub fn preview(&self, snapshot: &Snapshot) -> Result<Vec<u8>, Error> {
        let shown = display(&snapshot.image, self.shot.view, self.shot.background, self.shot.lut.as_deref());
        Ok(encode::png(&shown, PngDepth::Eight, &Metadata::default())?)
    }

    /// Renders the picture from the first sample.
    ///
    /// # Errors
    /// `device.…`, `cancelled`.
    pub fn render(&self, control: &RenderControl<'_>) -> Result<Picture, Error> {
        self.render_layers(control, &[], LineStyle::of_size(self.size_px()))
    }

    /// The same, with layers in addition to radiance, lines among them drawn in this style; repeated layers count once.
    ///
    /// # Errors
    /// `device.…`, `cancelled`.
    pub fn render_layers(&self, control: &RenderControl<'_>, aovs: &[Aov], lines: LineStyle) -> Result<Picture, Error> {
        let (begun, cpu_begun) = (Instant::now(), process_time());
        let n_groups = self.n_groups(aovs);
        // Light groups are rendered after the picture, and each takes as long as the picture.
        let show = |progress: Progress| {
            (control.progress)(Progress { done: progress.done / (1.0 + n_groups as f32), ..progress });
        };
        let of_picture = RenderControl { progress: &show, ..*control };
        let grounded = match &self.catcher {
            Some(catcher) => Some(catcher.render(&*self.loaded, &of_picture)?),
            None => None,
        };
        let (rendered, caught, backdrop, samples) = match grounded {
            Some(Grounded { rendered, caught, backdrop, samples }) => (rendered, Some(caught), backdrop, Some(samples)),
            None => (self.loaded.render(&of_picture)?, None, None, None),
        };
        let cpu = cpu_begun.zip(process_time()).map(|(begun, ended)| ended.saturating_sub(begun).as_secs_f64());
        tracing::debug!("sampled in {:.3} s, {} rays", begun.elapsed().as_secs_f64(), rendered.rays);
        let film = &rendered.film;
        let mut layers = layers(&*self.loaded, film, self.shot.film.samples, &self.names, aovs, lines, control.cancel)?;
        if aovs.contains(&Aov::LightGroups) {
            layers.extend(groups::layers(&*self.product, &self.prepared, &self.shot, film, begun, control)?);
        }
        Ok(Picture {
            layers,
            caught,
            backdrop,
            samples_mean: samples_mean(samples.as_deref().unwrap_or(&film.samples)),
            noise: film.noise(),
            rays: rendered.rays,
            render_s: rendered.render_time.as_secs_f64(),
            render_cpu_s: cpu,
            ..self.unsampled(ground::image(film))
        })
    }

    /// How many light groups are rendered after the picture for these layers, each as much work as the picture. A time
    /// limit applies to the picture alone.
    pub fn n_groups(&self, aovs: &[Aov]) -> usize {
        if aovs.contains(&Aov::LightGroups) { LightGroup::all(&self.shot, self.product.prepared()).len() } else { 0 }
    }

    /// A picture of this shot without sampling.
    fn unsampled(&self, linear: LinearImage) -> Picture {
        Picture {
            linear,
            caught: None,
            fades: self.look == Look::Gltf,
            backdrop: None,
            layers: Vec::new(),
            lines: None,
            view: self.shot.view,
            lut: self.shot.lut.clone(),
            background: self.shot.background,
            provenance: self.provenance.clone(),
            samples_mean: 0.0,
            noise: None,
            rays: 0,
            render_s: 0.0,
            render_cpu_s: None,
            denoised: None,
            device: self.open_device.backend.device().clone(),
        }
    }

    fn size_px(&self) -> [u32; 2] {
        [self.shot.film.width_px, self.shot.film.height_px]
    }

    /// Lines of this shot over its background and nothing else: a drawing, without any sampling of light.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn drawing(&self, lines: &LineRequest, cancel: &CancelToken) -> Result<Picture, Error> {
        let begun = Instant::now();
        let [width_px, height_px] = self.size_px();
        let rgba = vec![[0.0; 4]; width_px as usize * height_px as usize];
        let drawn = self.with_lines(self.unsampled(LinearImage { width_px, height_px, rgba }), lines, cancel)?;
        Ok(Picture { render_s: begun.elapsed().as_secs_f64(), ..drawn })
    }

    /// The picture with lines drawn over it for display.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn with_lines(&self, picture: Picture, lines: &LineRequest, cancel: &CancelToken) -> Result<Picture, Error> {
        let lines = DrawnLines::trace(&*self.loaded, &self.names, lines, cancel)?;
        Ok(Picture { lines: Some(lines), ..picture })
    }

    /// The denoised picture. Its alpha is the same but for outlines that a lens blurs and partly opaque surfaces, whose
    /// coverage is denoised too, and its layers are but for the shares of light that shadows leave.
    ///
    /// # Errors
    /// `device.…`, `denoise.…`, `cancelled`.
    pub fn denoised(&self, noisy: Picture, network: Network, cancel: &CancelToken) -> Result<Picture, Error> {
        let OpenDevice { backend, denoisers, cache: _ } = &*self.open_device;
        let samples_mean = noisy.samples_mean;
        let (linear, mut done) = denoisers.denoise(
            &**backend,
            &*self.loaded,
            &self.shot,
            network,
            Noisy { image: &noisy.linear, samples_mean },
            cancel,
        )?;
        let caught = match (&self.catcher, &noisy.caught) {
            (Some(catcher), Some(caught)) => {
                let mut denoise = |floor: &dyn LoadedShot, values: &[[f32; 3]]| -> Result<Vec<[f32; 3]>, Error> {
                    let seen = values.iter().zip(&caught.shares);
                    let seen = seen.map(|(value, &share)| (value.map(|value| value * share), share));
                    let (laid, below) = continued(seen, noisy.linear.width_px);
                    let rgba = laid.into_iter().map(|[r, g, b]| [r, g, b, 1.0]).collect();
                    let image = LinearImage { rgba, ..noisy.linear };
                    let (image, more) = denoisers.denoise(
                        &**backend,
                        floor,
                        &self.shot,
                        network,
                        Noisy { image: &image, samples_mean },
                        cancel,
                    )?;
                    done.seconds += more.seconds;
                    let pixels = image.rgba.iter().zip(&caught.shares).enumerate();
                    Ok(pixels.map(|(i, (&[r, g, b, _], &share))| below.lifted([r, g, b], i, share)).collect())
                };
                let ratio = denoise(catcher.alone(), &caught.ratio)?;
                let light = match caught.has_light() {
                    true => denoise(catcher.with(), &caught.light)?,
                    false => caught.light.clone(),
                };
                let (shares, samples_min) = (caught.shares.clone(), caught.samples_min);
                Some(Caught { ratio, light, shares, samples_min }.restored(caught, noisy.linear.width_px))
            }
            _ => noisy.caught,
        };
        let mut layers = noisy.layers;
        for layer in layers.iter_mut().filter(|layer| layer.aov == Aov::Seen(Quantity::Shadow)) {
            let (shares, _) = layer.values.as_chunks_mut::<3>();
            let rgba = shares.iter().map(|&[r, g, b]| [r, g, b, 1.0]).collect();
            let image = LinearImage { rgba, ..linear };
            let (image, more) = denoisers.denoise(
                &**backend,
                &*self.loaded,
                &self.shot,
                network,
                Noisy { image: &image, samples_mean },
                cancel,
            )?;
            done.seconds += more.seconds;
            // Where the camera sees nothing, nothing is occluded.
            let seen = shares.iter_mut().zip(&image.rgba).zip(&linear.rgba).filter(|(_, [.., alpha])| *alpha > 0.0);
            seen.for_each(|((share, &[r, g, b, _]), _)| *share = [r, g, b].map(|share| share.min(1.0)));
        }
        let provenance = Provenance { denoiser: done.by.provenance(), ..noisy.provenance };
        Ok(Picture { linear, caught, layers, provenance, denoised: Some(done), ..noisy })
    }
}
