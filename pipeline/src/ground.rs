//! Pictures of a product whose floor is a catcher: sampled apart from it, and put together with what it has caught.

use std::sync::Arc;
use std::time::{Duration, Instant};

use packshot_renderer::backend::{LoadedProduct, LoadedShot, Progress, RenderControl, RenderError, Rendered};
use packshot_renderer::catcher::Caught;
use packshot_renderer::color::LinearImage;
use packshot_renderer::film::Film;
use packshot_renderer::prepare::{EnvironmentTables, FirstHit, PreparedShot};
use packshot_renderer::shot::{Background, Camera, Floor, Shot};

/// Shares of the work, and of the time where it is limited: the product, the floor with it, the floor alone, and what
/// is behind.
const SHARES: [f32; 4] = [0.4, 0.3, 0.25, 0.05];
/// Samples of a pixel of what is behind, at most: the environment itself, without a surface.
const BACKDROP_SAMPLES: u32 = 64;

/// What of a shot lies on the device beside the product without its floor.
pub(crate) struct CatcherShots {
    floor: Floor,
    /// The floor, with the product on it.
    with: Box<dyn LoadedShot>,
    /// The floor alone.
    alone: Box<dyn LoadedShot>,
    /// The environment where that is the background.
    backdrop: Option<Box<dyn LoadedShot>>,
}

/// What a render of a shot with a catcher gives.
pub(crate) struct Grounded {
    /// The product without its floor. Rays and time are of everything.
    pub(crate) rendered: Rendered,
    /// What its floor has caught.
    pub(crate) caught: Caught,
    /// What is behind, if anything.
    pub(crate) backdrop: Option<LinearImage>,
    /// Samples of each pixel, of the product or of the floor, whichever are more.
    pub(crate) samples: Vec<u32>,
}

impl CatcherShots {
    /// Brings the shots onto the device: `product` is the product on its floor, `alone` the floor.
    ///
    /// # Errors
    /// As [`LoadedProduct::load`].
    pub(crate) fn load(
        product: &dyn LoadedProduct,
        alone: &dyn LoadedProduct,
        floor: &Floor,
        shot: &Shot,
        environment: &Arc<EnvironmentTables>,
    ) -> Result<Self, RenderError> {
        let caught = without_backdrop(shot);
        let floor_of = |loaded: &dyn LoadedProduct| {
            let prepared = PreparedShot::new(loaded.prepared(), &caught, environment.clone());
            loaded.load(prepared.showing(FirstHit::Floor))
        };
        let backdrop = match shot.background {
            Background::Environment => {
                let prepared = PreparedShot::new(alone.prepared(), &backdrop_of(shot), environment.clone());
                Some(alone.load(prepared)?)
            }
            Background::Transparent | Background::Color { .. } => None,
        };
        Ok(Self { floor: floor.clone(), with: floor_of(product)?, alone: floor_of(alone)?, backdrop })
    }

    /// Samples everything; `product` is the shot of the product without its floor.
    ///
    /// # Errors
    /// [`RenderError`].
    pub(crate) fn render(
        &self,
        product: &dyn LoadedShot,
        control: &RenderControl<'_>,
    ) -> Result<Grounded, RenderError> {
        let whole = if self.backdrop.is_some() { 1.0 } else { SHARES[..3].iter().sum() };
        let mut passes = Passes { control, begun: Instant::now(), whole, done: 0.0, paths: 0, rays: 0 };
        let product = passes.take(product, SHARES[0], None, control.snapshots.is_some())?;
        let with = passes.take(&*self.with, SHARES[1], None, false)?;
        let counts: Arc<[u32]> = with.film.samples.as_slice().into();
        // The very samples, whatever time is left: what is compared must not differ but by the product.
        let alone = passes.take(&*self.alone, SHARES[2], Some(&counts), false)?;
        let backdrop = match &self.backdrop {
            Some(backdrop) => Some(image(&passes.take(&**backdrop, SHARES[3], None, false)?.film)),
            None => None,
        };
        let samples = product.film.samples.iter().zip(&with.film.samples).map(|(&a, &b)| a.max(b)).collect();
        let caught = Caught::new(&product.film, &with.film, &alone.film, &self.floor);
        let rendered = Rendered { rays: passes.rays, render_time: passes.begun.elapsed(), ..product };
        Ok(Grounded { rendered, caught, backdrop, samples })
    }

    /// The shot of the floor with the product on it: whose guides are those of shadows.
    pub(crate) fn with(&self) -> &dyn LoadedShot {
        &*self.with
    }
}

/// The picture of a film.
pub(crate) fn image(film: &Film) -> LinearImage {
    LinearImage { width_px: film.width_px, height_px: film.height_px, rgba: film.resolve() }
}

/// A shot in which alpha is what surfaces cover.
pub(crate) fn without_backdrop(shot: &Shot) -> Shot {
    match shot.background {
        Background::Environment => Shot { background: Background::Transparent, ..shot.clone() },
        Background::Transparent | Background::Color { .. } => shot.clone(),
    }
}

/// A shot of the environment alone: nothing lies between planes that are one.
fn backdrop_of(shot: &Shot) -> Shot {
    let camera = Camera { clip_near_m: shot.camera.clip_far_m, ..shot.camera };
    let film = packshot_renderer::shot::FilmSettings {
        samples: shot.film.samples.min(BACKDROP_SAMPLES),
        noise_threshold: 0.0,
        ..shot.film
    };
    Shot { camera, film, ..shot.clone() }
}

/// Passes over one picture, watched as one.
struct Passes<'a> {
    control: &'a RenderControl<'a>,
    begun: Instant,
    /// Sum of the shares of all passes.
    whole: f32,
    /// Sum of the shares of those that are done, of 1.
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
        let share = share / self.whole;
        let (begun, before, paths_before) = (self.begun, self.done, self.paths);
        let progress = |progress: Progress| {
            let paths = paths_before + progress.paths;
            (self.control.progress)(Progress {
                done: before + share * progress.done,
                paths,
                elapsed: begun.elapsed(),
                ..progress
            });
        };
        // Of the time that is left, as much as of the work.
        let time_max = self.control.time_max.filter(|_| counts.is_none()).map(|limit| {
            let left = limit.saturating_sub(begun.elapsed());
            left.mul_f32((share / (1.0 - before).max(share)).clamp(0.0, 1.0)).max(Duration::from_millis(1))
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
