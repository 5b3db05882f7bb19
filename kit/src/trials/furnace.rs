//! White furnace: bodies that lose no light are invisible in white light.

use crate::command::{arg, number};
use crate::flip::Shown;
use crate::report::{Fault, Limit, TrialReport};
use crate::scenes;
use crate::setup::{Setup, relative};

/// The display value of the light itself.
const SHOWN: f64 = 0.5;

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let library = setup.folder("furnace")?;
    let file = library.join("furnace.toml");
    std::fs::write(&file, scenes::FURNACE_LIBRARY).map_err(|reason| Fault::of_file(&file, &reason))?;
    let scene = scenes::furnace(setup.scale, &arg(&library));
    let (path, result) = scene.draw(setup, &setup.device, "pictures")?;
    report.pictures.push(relative(&path, &setup.results));
    let tiles = Shown::read(&path)?.tiles();
    let worst = tiles.into_iter().map(|mean| (mean / SHOWN - 1.0).abs()).fold(0.0, f64::max);
    report.check("light lost or won in the worst tile", 100.0 * worst, "%", Limit::AtMost(1.0));
    // If no ray hits a body, nothing is tested.
    let paths = number(&result, "/width")? * number(&result, "/height")? * number(&result, "/samples_mean")?;
    report.check("rays of a path", number(&result, "/rays")? / paths, "", Limit::AtLeast(1.05));
    Ok(())
}
