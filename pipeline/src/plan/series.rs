//! The pictures of a plan: one, several views, or the frames of a turntable.

use packshot_renderer::shot::turntable::Turntable;
use packshot_renderer::shot::view::NamedView;

use super::layers;
use super::option::Kind;
use super::{Options, PicturePlan};
use crate::views::Scale;

/// The pictures of a plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Series {
    /// A single picture.
    Still,
    /// One from each of these directions, each once.
    Views {
        /// The directions.
        views: Vec<NamedView>,
        /// Whether they share a scale.
        scale: Scale,
    },
    /// The frames of a turntable.
    Turntable {
        /// How the product turns.
        turntable: Turntable,
        /// Frames per second of a movie.
        fps: u16,
    },
}

impl PicturePlan {
    /// The pictures.
    pub fn series(&self) -> Series {
        match self.kind {
            Kind::Still => Series::Still,
            Kind::Views => Series::Views { views: views(&self.options), scale: self.options.scale.unwrap_or_default() },
            Kind::Turntable => Series::Turntable {
                turntable: layers::turntable(&self.options),
                fps: self.options.fps.and_then(|fps| u16::try_from(fps).ok()).unwrap_or(24),
            },
        }
    }

    /// How many pictures there are.
    pub fn n_pictures(&self) -> u32 {
        match self.series() {
            Series::Still => 1,
            Series::Views { views, .. } => views.len() as u32,
            Series::Turntable { turntable, .. } => turntable.frames,
        }
    }
}

fn views(options: &Options) -> Vec<NamedView> {
    let choices = options.views.iter().flat_map(|views| &views.0);
    let mut views: Vec<NamedView> = Vec::new();
    for view in choices.flat_map(|choice| choice.views()) {
        if views.iter().all(|known| known.name != view.name) {
            views.push(view);
        }
    }
    match options.elevation_deg {
        Some(elevation_deg) => views.into_iter().map(|view| view.at_elevation(elevation_deg)).collect(),
        None => views,
    }
}
