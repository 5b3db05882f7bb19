//! The pictures that a job asks for: one, views, or the frames of a turntable.

use packshot_pipeline::error::Error;
use packshot_pipeline::product::Product;
use packshot_pipeline::views::{self, ViewShot};
use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::shot::Shot;
use packshot_renderer::shot::request::{self, ShotRequest};
use packshot_renderer::shot::turntable::{TurnDirection, TurnMode, Turntable, TurntableShots};

use super::failure::Stopped;
use super::shot;
use super::subject::{DecodedMap, of_request};
use packshot_contract::request::{self as wire, Kind, RenderRequest, Scale};

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
    /// The pictures that a request asks for, with what was noticed about its light and framing.
    ///
    /// # Errors
    /// `shot.…`.
    pub(super) fn build(
        request: &RenderRequest,
        product: &Product,
        environment: Option<DecodedMap>,
    ) -> Result<(Self, Vec<Diagnostic>), Stopped> {
        let (map, found) = environment.map_or((None, Vec::new()), |(map, found)| (Some(map), found.to_vec()));
        let asked = shot::shot_request(request, map).map_err(Error::from)?;
        let (series, more) = Self::of(request, &asked, product).map_err(of_request)?;
        Ok((series, [found, more].concat()))
    }

    fn of(request: &RenderRequest, asked: &ShotRequest, product: &Product) -> Result<(Self, Vec<Diagnostic>), Error> {
        let scene = &product.scene;
        Ok(match request.kind {
            Kind::Still => {
                let (shot, found) = request::build(asked, scene)?;
                (Self::Still(Box::new(shot)), found)
            }
            Kind::Views => {
                let mut views = request.views.as_ref().map(wire::Views::named).unwrap_or_default();
                if let Some(elevation_deg) = request.elevation_deg {
                    views.iter_mut().for_each(|view| *view = view.at_elevation(elevation_deg));
                }
                let scale = match request.scale {
                    Some(Scale::Shared) => views::Scale::Shared,
                    Some(Scale::PerView) | None => views::Scale::PerView,
                };
                let (shots, found) = views::shots(asked, &views, scale, scene)?;
                (Self::Views(shots), found)
            }
            Kind::Turntable => {
                let (shots, found) = turntable(request).shots(asked, scene)?;
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

/// How a request turns its product.
fn turntable(request: &RenderRequest) -> Turntable {
    let default = Turntable::default();
    Turntable {
        frames: request.frame_count.unwrap_or(default.frames),
        start_deg: request.start_deg.unwrap_or(default.start_deg),
        direction: match request.direction {
            Some(wire::TurnDirection::Cw) => TurnDirection::Cw,
            Some(wire::TurnDirection::Ccw) | None => TurnDirection::Ccw,
        },
        mode: match request.mode {
            Some(wire::TurnMode::Orbit) => TurnMode::Orbit,
            Some(wire::TurnMode::Product) | None => TurnMode::Product,
        },
    }
}
