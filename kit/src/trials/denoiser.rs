//! Noise removed beside the processor's.

use super::bearing::FLIP_MAX;
use crate::command::number;
use crate::flip::{Shown, write_sheet};
use crate::report::{Fault, Limit, TrialReport};
use crate::scenes;
use crate::setup::{Setup, relative};

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let scene = scenes::denoised(setup.scale);
    let (path, result) = scene.draw(setup, &setup.device, "pictures")?;
    let [expected, actual] = [Shown::read(&scene.expected(setup)?)?, Shown::read(&path)?];
    let difference = expected.difference(&actual)?;
    report.check("mean FLIP", difference.mean.into(), "", Limit::AtMost(FLIP_MAX));
    let [width, height] = ["/width", "/height"].map(|pointer| number(&result, pointer));
    report.state(format!("guides and network at {} x {}", width?, height?), number(&result, "/seconds/denoise")?, "s");
    // The kernels are at hand now.
    let (_, again) = scene.draw(setup, &setup.device, "pictures")?;
    report.state("again", number(&again, "/seconds/denoise")?, "s");
    let sheet = setup.folder("pictures")?.join("denoised-expected-actual-flip.png");
    write_sheet(&sheet, &[(&expected, &actual, &difference)])?;
    report.pictures.extend([path, sheet].map(|path| relative(&path, &setup.results)));
    Ok(())
}
