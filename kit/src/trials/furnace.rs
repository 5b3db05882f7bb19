//! White furnace: bodies that lose no light cannot be seen in white light.

use crate::command::arg;
use crate::flip::Shown;
use crate::report::{Fault, Limit, TrialReport};
use crate::scenes;
use crate::setup::{Setup, relative};

/// What the light itself is shown as: half of what is shown brightest.
const SHOWN: f64 = 0.5;

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let library = setup.folder("furnace")?;
    let file = library.join("furnace.toml");
    std::fs::write(&file, scenes::FURNACE_LIBRARY).map_err(|reason| Fault::of_file(&file, &reason))?;
    let scene = scenes::furnace(setup.scale, &arg(&library));
    let (path, _) = scene.draw(setup, &setup.device, "pictures")?;
    let mean = Shown::read(&path)?.mean().map(|channel| f64::from(channel) / SHOWN - 1.0);
    let worst = mean.into_iter().map(f64::abs).fold(0.0, f64::max);
    report.check("light lost or won", 100.0 * worst, "%", Limit::AtMost(0.5));
    report.pictures.push(relative(&path, &setup.results));
    Ok(())
}
