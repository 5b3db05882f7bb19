//! The pictures that are taken of a product: a single one, several views, or the frames of a turntable.
//!
//! Input: a plan, its request with the light resolved, and the scene. Output: [`Pictures`], whose shots are rendered
//! one after the other.

use std::sync::Arc;

use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::inspect::unseen_designs;
use packshot_renderer::scene::Scene;
use packshot_renderer::shot::request::{self, ShotRequest};
use packshot_renderer::shot::turntable::TurntableShots;
use packshot_renderer::shot::{Camera, Environment, EnvironmentMap, Shot};

use crate::error::{Error, ErrorKind, Fault};
use crate::plan::{Kind, PicturePlan, Series};
use crate::views::{self, ViewShot};

/// Evenly spaced pictures, at most, whose cameras a design has to face.
const PICTURES_LOOKED_AT: u32 = 72;

/// The shots of a product.
#[derive(Clone, Debug)]
pub enum Pictures {
    /// A single picture.
    Still(Box<Shot>),
    /// Several views, at least one.
    Views(Vec<ViewShot>),
    /// The frames of a turntable.
    Turntable {
        /// The frames.
        shots: Box<TurntableShots>,
        /// Frames per second of a movie.
        fps: u16,
    },
}

impl Pictures {
    /// The pictures of a plan, with findings about framing, light and designs. `request` is [the
    /// plan's](PicturePlan::shot_request).
    ///
    /// # Errors
    /// `shot.…`.
    pub fn build(plan: &PicturePlan, request: &ShotRequest, scene: &Scene) -> Result<(Self, Vec<Diagnostic>), Error> {
        let (pictures, mut found) = match plan.series() {
            Series::Still => {
                let (shot, found) = request::build(request, scene)?;
                (Self::Still(Box::new(shot)), found)
            }
            Series::Views { views, scale } => {
                let (shots, found) = views::shots(request, &views, scale, scene)?;
                (Self::Views(shots), found)
            }
            Series::Turntable { turntable, fps } => {
                let (shots, found) = turntable.shots(request, scene)?;
                (Self::Turntable { shots: Box::new(shots), fps }, found)
            }
        };
        if !scene.designs.is_empty() {
            let looked_at = (0..pictures.n()).step_by(pictures.n().div_ceil(PICTURES_LOOKED_AT).max(1) as usize);
            let cameras: Vec<Camera> = looked_at.filter_map(|i| Some(pictures.shot(i)?.camera)).collect();
            found.extend(unseen_designs(scene, &cameras));
        }
        Ok((pictures, found))
    }

    /// The shot of one picture.
    ///
    /// # Errors
    /// `internal` if there are others, because callers only ask for what they planned.
    pub fn into_still(self) -> Result<Shot, Error> {
        match self {
            Self::Still(shot) => Ok(*shot),
            Self::Views(_) | Self::Turntable { .. } => Err(self.is_not(Kind::Still)),
        }
    }

    /// The shots of views.
    ///
    /// # Errors
    /// As [`into_still`](Self::into_still).
    pub fn into_views(self) -> Result<Vec<ViewShot>, Error> {
        match self {
            Self::Views(views) => Ok(views),
            Self::Still(_) | Self::Turntable { .. } => Err(self.is_not(Kind::Views)),
        }
    }

    /// The frames of a turntable.
    ///
    /// # Errors
    /// As [`into_still`](Self::into_still).
    pub fn into_turntable(self) -> Result<TurntableShots, Error> {
        match self {
            Self::Turntable { shots, .. } => Ok(*shots),
            Self::Still(_) | Self::Views(_) => Err(self.is_not(Kind::Turntable)),
        }
    }

    fn is_not(&self, asked: Kind) -> Error {
        let message = format!("pictures of kind {:?} were made where {asked:?} was asked for", self.kind());
        Error::new(ErrorKind::Internal, Fault::new("internal", message))
    }

    /// The kind of render that makes them.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Still(_) => Kind::Still,
            Self::Views(_) => Kind::Views,
            Self::Turntable { .. } => Kind::Turntable,
        }
    }

    /// How many there are.
    pub fn n(&self) -> u32 {
        match self {
            Self::Still(_) => 1,
            Self::Views(views) => views.len() as u32,
            Self::Turntable { shots, .. } => shots.turntable().frames,
        }
    }

    /// The shot of one of them.
    pub fn shot(&self, i: u32) -> Option<Shot> {
        match self {
            Self::Still(shot) => (i == 0).then(|| (**shot).clone()),
            Self::Views(views) => views.get(i as usize).map(|view| view.shot.clone()),
            Self::Turntable { shots, .. } => (i < self.n()).then(|| shots.frame(i)),
        }
    }

    /// The shots, in their order.
    pub fn shots(&self) -> impl Iterator<Item = Shot> {
        (0..self.n()).filter_map(|i| self.shot(i))
    }

    /// The first shot; for a turntable, the one before anything turns.
    pub fn first(&self) -> Option<&Shot> {
        match self {
            Self::Still(shot) => Some(shot),
            Self::Views(views) => views.first().map(|view| &view.shot),
            Self::Turntable { shots, .. } => Some(shots.shot()),
        }
    }

    /// The environment map that lights at least some of them.
    pub fn environment_map(&self) -> Option<&Arc<EnvironmentMap>> {
        let views = if let Self::Views(views) = self { &views[..] } else { &[] };
        let shots = self.first().into_iter().chain(views.iter().map(|view| &view.shot));
        shots.into_iter().find_map(|shot| match &shot.environment {
            Environment::LatLong { map, .. } => Some(map),
            Environment::None | Environment::Uniform { .. } => None,
        })
    }

    /// The same pictures, with each shot changed.
    #[must_use]
    pub fn map(self, change: impl Fn(Shot) -> Shot) -> Self {
        match self {
            Self::Still(shot) => Self::Still(Box::new(change(*shot))),
            Self::Views(views) => {
                let view = |ViewShot { view, shot }| ViewShot { view, shot: change(shot) };
                Self::Views(views.into_iter().map(view).collect())
            }
            Self::Turntable { shots, fps } => {
                let changed = TurntableShots::new(*shots.turntable(), shots.center(), change(shots.shot().clone()));
                Self::Turntable { shots: Box::new(changed), fps }
            }
        }
    }
}
