//! Pictures of a product whose floor is a catcher: product and floor are rendered separately and then combined.

use std::sync::Arc;
use std::time::Instant;

use packshot_renderer::backend::{LoadedProduct, LoadedShot, Progress, RenderControl, RenderError, Rendered};
use packshot_renderer::catcher::Caught;
use packshot_renderer::color::LinearImage;
use packshot_renderer::film::Film;
use packshot_renderer::prepare::{EnvironmentTables, FirstHit, PreparedShot};
use packshot_renderer::shot::{Background, Camera, FilmSettings, Floor, Shot};

use crate::taken::NeededVersions;

/// Work, and time if that is limited, for as many samples each: the product, the floor with it, the floor alone, and
/// the backdrop.
const WORK: [f32; 4] = [0.4, 0.3, 0.25, 0.05];
/// Most samples per pixel of the backdrop, which is the environment without any surface.
const BACKDROP_SAMPLES: u32 = 64;

/// The shots of a catcher that are on the device in addition to the product without its floor.
pub(crate) struct CatcherShots {
    floor: Floor,
    /// Work for each pass, as in [`WORK`]; 0 for one that there is not.
    work: [f32; 4],
    /// Most samples of a pixel of the product.
    samples_max: u32,
    /// The floor, with the product on it.
    with: Box<dyn LoadedShot>,
    /// The floor alone.
    alone: Box<dyn LoadedShot>,
    /// The environment, if that is the background.
    backdrop: Option<Box<dyn LoadedShot>>,
}

/// The result of rendering a shot with a catcher.
pub(crate) struct Grounded {
    /// The product without its floor. Rays and time are totals.
    pub(crate) rendered: Rendered,
    /// What the product does to its floor.
    pub(crate) caught: Caught,
    /// The backdrop, if any.
    pub(crate) backdrop: Option<LinearImage>,
    /// Samples of each pixel: of the product or of the floor, whichever has more.
    pub(crate) samples: Vec<u32>,
}

impl CatcherShots {
    /// Uploads the shots of the product on its floor, and of the floor alone.
    ///
    /// # Errors
    /// As [`LoadedProduct::load`].
    pub(crate) fn load(
        [product, alone]: [&dyn LoadedProduct; 2],
        floor: &Floor,
        shot: &Shot,
        needed: NeededVersions,
        environment: &Arc<EnvironmentTables>,
    ) -> Result<Self, RenderError> {
        let (mut caught, mut work) = (without_backdrop(shot), WORK);
        if needed.is_denoised_everywhere() {
            caught.film = with_half_the_samples(caught.film);
            work[1..3].iter_mut().for_each(|of_floor| *of_floor *= 0.5);
        }
        let floor_of = |loaded: &dyn LoadedProduct| {
            let prepared = PreparedShot::new(loaded.prepared(), &caught, environment.clone());
            loaded.load(prepared.showing(FirstHit::Floor))
        };
        let backdrop = match shot.background {
            Background::Environment => {
                let prepared = PreparedShot::new(alone.prepared(), &backdrop_of(shot), environment.clone());
                Some(alone.load(prepared)?)
            }
            Background::Transparent | Background::Color { .. } => {
                work[3] = 0.0;
                None
            }
        };
        Ok(Self {
            floor: floor.clone(),
            work,
            samples_max: shot.film.samples,
            with: floor_of(product)?,
            alone: floor_of(alone)?,
            backdrop,
        })
    }

    /// Renders everything; `product` is the shot of the product without its floor.
    ///
    /// # Errors
    /// [`RenderError`].
    pub(crate) fn render(
        &self,
        product: &dyn LoadedShot,
        control: &RenderControl<'_>,
    ) -> Result<Grounded, RenderError> {
        let whole: f32 = self.work.iter().sum();
        let shares = self.work.map(|work| work / whole);
        let samples_max = self.samples_max;
        let mut passes = Passes { control, begun: Instant::now(), samples_max, done: 0.0, paths: 0, rays: 0 };
        let product = passes.take(product, shares[0], None, control.snapshots.is_some())?;
        let with = passes.take(&*self.with, shares[1], None, false)?;
        let counts: Arc<[u32]> = with.film.samples.as_slice().into();
        // Exactly the same samples, whatever time is left: the two films may differ only by the product.
        let alone = passes.take(&*self.alone, shares[2], Some(&counts), false)?;
        let backdrop = match &self.backdrop {
            Some(backdrop) => Some(image(&passes.take(&**backdrop, shares[3], None, false)?.film)),
            None => None,
        };
        let samples = product.film.samples.iter().zip(&with.film.samples).map(|(&a, &b)| a.max(b)).collect();
        let caught = Caught::new(&product.film, &with.film, &alone.film, &self.floor);
        let rendered = Rendered { rays: passes.rays, render_time: passes.begun.elapsed(), ..product };
        Ok(Grounded { rendered, caught, backdrop, samples })
    }

    /// The shot of the floor with the product on it, whose guides are those for what it reflects.
    pub(crate) fn with(&self) -> &dyn LoadedShot {
        &*self.with
    }

    /// The shot of the floor alone. Its guides are those for shadows: they do not end at the product's outline.
    pub(crate) fn alone(&self) -> &dyn LoadedShot {
        &*self.alone
    }
}

/// The picture of a film.
pub(crate) fn image(film: &Film) -> LinearImage {
    LinearImage { width_px: film.width_px, height_px: film.height_px, rgba: film.resolve() }
}

/// The shot with alpha as the coverage by surfaces.
pub(crate) fn without_backdrop(shot: &Shot) -> Shot {
    match shot.background {
        Background::Environment => Shot { background: Background::Transparent, ..shot.clone() },
        Background::Transparent | Background::Color { .. } => shot.clone(),
    }
}

/// Film settings for shadows that will be denoised: half of the samples, and the noise that comes with it. Shadows are
/// smoother than products, and the two films of a floor share their noise: the finished picture's error grows by 1 to 7
/// %, the time of sampling shrinks by a quarter and more (`docs/decisions/half-the-samples-for-shadows.md`).
fn with_half_the_samples(film: FilmSettings) -> FilmSettings {
    FilmSettings {
        samples: film.samples.div_ceil(2),
        noise_threshold: film.noise_threshold * std::f32::consts::SQRT_2,
        ..film
    }
}

/// So many of `n` samples, of `of` instead.
fn scaled(samples: u32, n: u32, of: u32) -> u32 {
    (u64::from(samples) * u64::from(of) / u64::from(n.max(1))).min(u64::from(of)) as u32
}

/// The environment alone: nothing is between two clip planes that coincide.
fn backdrop_of(shot: &Shot) -> Shot {
    let camera = Camera { clip_near_m: shot.camera.clip_far_m, ..shot.camera };
    let film = FilmSettings { samples: shot.film.samples.min(BACKDROP_SAMPLES), noise_threshold: 0.0, ..shot.film };
    Shot { camera, film, ..shot.clone() }
}

/// Passes over one picture, with common progress.
struct Passes<'a> {
    control: &'a RenderControl<'a>,
    begun: Instant,
    /// Most samples of a pixel of the product: what progress is told in, whatever a pass has.
    samples_max: u32,
    /// Sum of the shares of the finished passes.
    done: f32,
    paths: u64,
    rays: u64,
}

impl Passes<'_> {
    fn take(
        &mut self,
        shot: &dyn LoadedShot,
        share: f32,
        counts: Option<&Arc<[u32]>>,
        has_snapshots: bool,
    ) -> Result<Rendered, RenderError> {
        let samples_max = self.samples_max;
        let (begun, before, paths_before) = (self.begun, self.done, self.paths);
        let progress = |progress: Progress| {
            let paths = paths_before + progress.paths;
            (self.control.progress)(Progress {
                samples: scaled(progress.samples, progress.samples_max, samples_max),
                samples_max,
                done: before + share * progress.done,
                paths,
                elapsed: begun.elapsed(),
            });
        };
        // The same fraction of the remaining time as of the remaining work.
        let time_max = self.control.time_max.filter(|_| counts.is_none()).map(|limit| {
            let left = limit.saturating_sub(begun.elapsed());
            left.mul_f32((share / (1.0 - before).max(share)).clamp(0.0, 1.0))
        });
        let control = RenderControl {
            progress: &progress,
            time_max,
            counts,
            snapshots: self.control.snapshots.filter(|_| has_snapshots),
            ..*self.control
        };
        let rendered = shot.render(&control)?;
        self.done += share;
        self.paths += rendered.film.samples.iter().map(|&n| u64::from(n)).sum::<u64>();
        self.rays += rendered.rays;
        Ok(rendered)
    }
}
