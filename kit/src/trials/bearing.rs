//! The sample bearing compared with the processor's.

use crate::command::number;
use crate::flip::Pair;
use crate::report::{Fault, Limit, TrialReport};
use crate::scenes;
use crate::setup::{Setup, relative};

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let scene = scenes::bearing(setup.scale);
    let (path, result) = scene.draw(setup, &setup.device, "pictures")?;
    report.pictures.push(relative(&path, &setup.results));
    report.state("prepared in", number(&result, "/seconds/prepare")?, "s");
    report.state("rendered in", number(&result, "/seconds/render")?, "s");
    report.figure("device", result["device"].clone());
    let pair = Pair::read(&scene.expected(setup)?, &path)?;
    // An empty picture must not count as agreement.
    let contrast = pair.expected.tiles().into_iter().map(|mean| (mean - 0.5).abs()).fold(0.0, f64::max);
    report.check("contrast of the expected picture", contrast, "", Limit::AtLeast(0.05));
    pair.tell(setup, report, "bearing")
}
