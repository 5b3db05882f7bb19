//! Denoised pictures compared with the processor's.

use crate::command::number;
use crate::flip::Pair;
use crate::report::{Fault, TrialReport};
use crate::scenes;
use crate::setup::{Setup, relative};

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let scene = scenes::denoised(setup.scale);
    let (path, result) = scene.draw(setup, &setup.device, "pictures")?;
    report.pictures.push(relative(&path, &setup.results));
    let [width, height] = ["/width", "/height"].map(|pointer| number(&result, pointer));
    report.state(format!("guides and network at {} x {}", width?, height?), number(&result, "/seconds/denoise")?, "s");
    // Now the kernels are compiled.
    let (_, again) = scene.draw(setup, &setup.device, "pictures")?;
    report.state("again", number(&again, "/seconds/denoise")?, "s");
    Pair::read(&scene.expected(setup)?, &path)?.tell(setup, report, "denoised")
}
