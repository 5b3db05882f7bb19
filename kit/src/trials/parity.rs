//! Every kind of material, light, ground and texture compared with the processor's, the worst first.

use std::time::Instant;

use serde_json::json;

use crate::flip::{FLIP_MAX, Pair, TILE_FLIP_MAX, write_sheet};
use crate::report::{Fault, Limit, TrialReport};
use crate::scenes::{Scene, scenes};
use crate::setup::{Scale, Setup, relative};

/// Most pairs of pictures on the sheet.
const SHOWN_MAX: usize = 6;
/// Fraction of the trial's time for rendering.
const TIME_SHARE: f64 = 0.8;
/// The same if other trials need some of the time.
const TIME_SHARE_QUICK: f64 = 0.4;

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let mut pairs = Vec::new();
    let mut faults = Vec::new();
    let begun = Instant::now();
    let mut n_left_out = 0;
    for scene in scenes(setup)? {
        // Leaves time to report the results so far.
        let share = if setup.scale == Scale::Quick { TIME_SHARE_QUICK } else { TIME_SHARE };
        if begun.elapsed() > setup.limit.mul_f64(share) {
            n_left_out += 1;
            continue;
        }
        match pair(setup, &scene) {
            Ok(pair) => pairs.push((scene.name, pair)),
            Err(fault) => faults.push(format!("{}: {fault}", scene.name)),
        }
    }
    pairs.sort_by(|(_, a): &(String, Pair), (_, b)| b.difference.mean.total_cmp(&a.difference.mean));
    let rows = pairs.iter().map(
        |(name, pair)| json!({"scene": name, "mean_flip": pair.difference.mean, "worst_tile_flip": pair.worst_tile()}),
    );
    report.figure("scenes", rows.collect::<Vec<_>>());
    report.figure("faults", faults.clone());
    report.check("scenes without a picture", faults.len() as f64, "", Limit::AtMost(0.0));
    report.check("scenes", pairs.len() as f64, "", Limit::AtLeast(1.0));
    if let Some((name, worst)) = pairs.first() {
        report.check(format!("worst mean FLIP ({name})"), worst.difference.mean.into(), "", Limit::AtMost(FLIP_MAX));
    }
    if let Some((name, worst)) = pairs.iter().max_by(|(_, a), (_, b)| a.worst_tile().total_cmp(&b.worst_tile())) {
        report.check(format!("worst tile ({name})"), worst.worst_tile(), "", Limit::AtMost(TILE_FLIP_MAX));
    }
    // A user's test runs as many as there is time for.
    match setup.scale {
        Scale::Quick => report.state("scenes left out", f64::from(n_left_out), ""),
        Scale::Reduced | Scale::Full => report.check("scenes left out", f64::from(n_left_out), "", Limit::AtMost(0.0)),
    }
    let sheet = setup.folder("pictures")?.join("parity-worst-expected-actual-flip.png");
    let shown: Vec<&Pair> = pairs.iter().take(SHOWN_MAX).map(|(_, pair)| pair).collect();
    write_sheet(&sheet, &shown)?;
    report.pictures.push(relative(&sheet, &setup.results));
    Ok(())
}

fn pair(setup: &Setup, scene: &Scene) -> Result<Pair, Fault> {
    let (path, _) = scene.draw(setup, &setup.device, "pictures/parity")?;
    Pair::read(&scene.expected(setup)?, &path)
}
