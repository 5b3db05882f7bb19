//! Every kind of material, light, ground and texture beside the processor's, the worst first.

use std::time::Instant;

use serde_json::json;

use super::bearing::FLIP_MAX;
use crate::flip::{Difference, Shown, write_sheet};
use crate::report::{Fault, Limit, TrialReport};
use crate::scenes::{Scene, scenes};
use crate::setup::{Scale, Setup, relative};

/// Pairs of pictures on the sheet, at most.
const SHOWN_MAX: usize = 6;
/// Of the trial's time, for drawing.
const TIME_SHARE: f64 = 0.8;

/// Two pictures of a scene.
struct Pair {
    name: String,
    expected: Shown,
    actual: Shown,
    difference: Difference,
}

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let mut pairs = Vec::new();
    let mut faults = Vec::new();
    let begun = Instant::now();
    let mut n_left_out = 0;
    for scene in scenes(setup)? {
        // What is known by then is to be told.
        if begun.elapsed() > setup.limit.mul_f64(TIME_SHARE) {
            n_left_out += 1;
            continue;
        }
        match pair(setup, &scene) {
            Ok(pair) => pairs.push(pair),
            Err(fault) => faults.push(format!("{}: {fault}", scene.name)),
        }
    }
    pairs.sort_by(|a: &Pair, b| b.difference.mean.total_cmp(&a.difference.mean));
    let worst = pairs.first().ok_or_else(|| Fault::new(faults.join("; ")))?;
    report.check(
        format!("worst mean FLIP ({})", worst.name),
        worst.difference.mean.into(),
        "",
        Limit::AtMost(FLIP_MAX),
    );
    report.state("scenes", pairs.len() as f64, "");
    // A user's test tries as many as there is time for.
    match setup.scale {
        Scale::Quick => report.state("scenes left out", f64::from(n_left_out), ""),
        Scale::Reduced | Scale::Full => report.check("scenes left out", f64::from(n_left_out), "", Limit::AtMost(0.0)),
    }
    report.check("scenes without a picture", faults.len() as f64, "", Limit::AtMost(0.0));
    let rows = pairs.iter().map(|pair| json!({"scene": pair.name, "mean_flip": pair.difference.mean}));
    report.figure("scenes", rows.collect::<Vec<_>>());
    report.figure("faults", faults);
    let sheet = setup.folder("pictures")?.join("parity-worst-expected-actual-flip.png");
    let shown: Vec<_> =
        pairs.iter().take(SHOWN_MAX).map(|pair| (&pair.expected, &pair.actual, &pair.difference)).collect();
    write_sheet(&sheet, &shown)?;
    report.pictures.push(relative(&sheet, &setup.results));
    Ok(())
}

fn pair(setup: &Setup, scene: &Scene) -> Result<Pair, Fault> {
    let (path, _) = scene.draw(setup, &setup.device, "pictures/parity")?;
    let [expected, actual] = [Shown::read(&scene.expected(setup)?)?, Shown::read(&path)?];
    let difference = expected.difference(&actual)?;
    Ok(Pair { name: scene.name.clone(), expected, actual, difference })
}
