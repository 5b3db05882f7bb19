//! The sample bearing beside the processor's.

use crate::command::number;
use crate::flip::{Shown, write_sheet};
use crate::report::{Fault, Limit, TrialReport};
use crate::scenes;
use crate::setup::{Setup, relative};

/// Most that two pictures of equal samples may differ, as mean FLIP: other noise of the same picture has about 0.1.
pub(super) const FLIP_MAX: f64 = 0.01;

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let scene = scenes::bearing(setup.scale);
    let (path, result) = scene.draw(setup, &setup.device, "pictures")?;
    let [expected, actual] = [Shown::read(&scene.expected(setup)?)?, Shown::read(&path)?];
    let difference = expected.difference(&actual)?;
    report.check("mean FLIP", difference.mean.into(), "", Limit::AtMost(FLIP_MAX));
    // A picture of nothing agrees with nothing.
    let brightness = expected.mean();
    report.check("difference from grey", f64::from((brightness[0] - 0.5).abs()), "", Limit::AtLeast(0.01));
    report.state("prepared in", number(&result, "/seconds/prepare")?, "s");
    report.state("rendered in", number(&result, "/seconds/render")?, "s");
    let sheet = setup.folder("pictures")?.join("bearing-expected-actual-flip.png");
    write_sheet(&sheet, &[(&expected, &actual, &difference)])?;
    report.pictures.extend([path, sheet].map(|path| relative(&path, &setup.results)));
    report.figure("device", result["device"].clone());
    Ok(())
}
