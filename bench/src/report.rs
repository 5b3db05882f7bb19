//! The figures of a benchmark: JSON as it is serialized, [Markdown](Report::markdown) and a [plot](Report::plot).

use serde::Serialize;

use crate::levels::{Row, error, rays, request, samples, turntable};
use crate::machine::Machine;
use crate::renderer::{Missing, Renderer};
use crate::scaling::Curve;
use crate::settings::Settings;

mod markdown;
mod plot;

/// The version of the JSON.
const SCHEMA: &str = "packshot-bench/1";

/// Something that a renderer could not follow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Note {
    /// The renderer's name.
    pub renderer: &'static str,
    /// What.
    pub note: String,
}

/// What was measured. Levels that nobody asked for are empty.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this JSON.
    pub schema: &'static str,
    /// Where.
    pub machine: Machine,
    /// Interleaved rounds.
    pub rounds: u32,
    /// The device that Packshot rendered on; `None`: the one that it chose.
    pub device: Option<String>,
    /// Who took part, Packshot first.
    pub renderers: Vec<Renderer>,
    /// Who was asked for and is not installed.
    pub missing: Vec<Missing>,
    /// What renderers could not follow, in whatever level.
    pub notes: Vec<Note>,
    /// Rays per second.
    pub rays: Vec<Row<rays::Figures>>,
    /// Equal samples.
    pub samples: Vec<Row<samples::Figures>>,
    /// Equal error.
    pub error: Vec<Row<error::Figures>>,
    /// From request to PNG.
    pub request: Vec<Row<request::Figures>>,
    /// Turntables.
    pub turntable: Vec<Row<turntable::Figures>>,
    /// How time grows.
    pub scaling: Vec<Curve>,
}

impl Report {
    pub(crate) fn new(machine: Machine, settings: &Settings, renderers: Vec<Renderer>, missing: Vec<Missing>) -> Self {
        Self {
            schema: SCHEMA,
            machine,
            rounds: settings.rounds,
            device: settings.device.clone(),
            renderers,
            missing,
            notes: Vec::new(),
            rays: Vec::new(),
            samples: Vec::new(),
            error: Vec::new(),
            request: Vec::new(),
            turntable: Vec::new(),
            scaling: Vec::new(),
        }
    }

    /// Whether Packshot itself has figures wherever it was asked for some.
    ///
    /// # Errors
    /// The shot and the reason of the first that has none.
    pub fn own_figures(&self) -> Result<(), (&str, &str)> {
        fn fault<F>(rows: &[Row<F>]) -> Option<(&str, &str)> {
            let own = rows.iter().filter(|row| row.renderer == "packshot" && row.figures.is_none());
            own.map(|row| (row.shot.as_str(), row.fault.as_deref().unwrap_or("no run"))).next()
        }
        let of_levels = fault(&self.rays).or_else(|| fault(&self.samples)).or_else(|| fault(&self.error));
        let of_levels = of_levels.or_else(|| fault(&self.request)).or_else(|| fault(&self.turntable));
        let curves = self.scaling.iter().filter(|curve| curve.renderer == "packshot" && curve.points.is_empty());
        let of_scaling = || curves.filter_map(|curve| Some((curve.axis, curve.fault.as_deref()?))).next();
        of_levels.or_else(of_scaling).map_or(Ok(()), Err)
    }
}
