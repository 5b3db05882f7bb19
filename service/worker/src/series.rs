//! The pictures that a job asks for: one, views, or the frames of a turntable.

use packshot_pipeline::error::Error;
use packshot_pipeline::plan::{self, PicturePlan};
use packshot_pipeline::product::Product;
use packshot_pipeline::views::{self, ViewShot};
use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::shot::Shot;
use packshot_renderer::shot::request::{self, ShotRequest};
use packshot_renderer::shot::turntable::TurntableShots;

use super::failure::Stopped;
use super::subject::DecodedMap;

/// What is to be taken of a product.
#[derive(Clone, Debug)]
pub(super) enum Series {
    /// One picture.
    Still(Box<Shot>),
    /// A picture from each side.
    Views(Vec<ViewShot>),
    /// Frame by frame.
    Turntable(Box<TurntableShots>),
}

impl Series {
    /// The pictures that a plan asks for, with what was noticed about its light and framing.
    ///
    /// # Errors
    /// `shot.…`.
    pub(super) fn build(
        plan: &PicturePlan,
        product: &Product,
        environment: Option<DecodedMap>,
    ) -> Result<(Self, Vec<Diagnostic>), Stopped> {
        let (map, found) = environment.map_or((None, Vec::new()), |(map, found)| (Some(map), found.to_vec()));
        let (series, more) = Self::of(plan, &plan.shot_request(map)?, product)?;
        Ok((series, [found, more].concat()))
    }

    fn of(plan: &PicturePlan, asked: &ShotRequest, product: &Product) -> Result<(Self, Vec<Diagnostic>), Error> {
        let scene = &product.scene;
        Ok(match plan.series() {
            plan::Series::Still => {
                let (shot, found) = request::build(asked, scene)?;
                (Self::Still(Box::new(shot)), found)
            }
            plan::Series::Views { views, scale } => {
                let (shots, found) = views::shots(asked, &views, scale, scene)?;
                (Self::Views(shots), found)
            }
            plan::Series::Turntable { turntable, .. } => {
                let (shots, found) = turntable.shots(asked, scene)?;
                (Self::Turntable(Box::new(shots)), found)
            }
        })
    }

    /// How many pictures there are.
    pub(super) fn n(&self) -> u32 {
        match self {
            Self::Still(_) => 1,
            Self::Views(views) => views.len() as u32,
            Self::Turntable(shots) => shots.turntable().frames,
        }
    }

    /// What the files of a picture are called, without the dot.
    pub(super) fn name(&self, i: u32) -> String {
        match self {
            Self::Still(_) => "result".to_owned(),
            Self::Views(views) => views.get(i as usize).map_or_else(String::new, |view| view.view.name.to_owned()),
            Self::Turntable(_) => format!("frame_{i:04}"),
        }
    }

    /// What one of the pictures is called in the log.
    pub(super) const fn noun(&self) -> &'static str {
        match self {
            Self::Still(_) => "pictures",
            Self::Views(_) => "views",
            Self::Turntable(_) => "frames",
        }
    }

    /// The shots, in their order.
    pub(super) fn shots(&self) -> impl Iterator<Item = Shot> {
        (0..self.n()).filter_map(|i| self.shot(i))
    }

    /// The shot of one of the pictures.
    fn shot(&self, i: u32) -> Option<Shot> {
        match self {
            Self::Still(shot) => Some((**shot).clone()),
            Self::Views(views) => views.get(i as usize).map(|view| view.shot.clone()),
            Self::Turntable(shots) => Some(shots.frame(i)),
        }
    }
}
