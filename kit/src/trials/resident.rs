//! The time for another picture of a product that is on the device.

use serde_json::Value;

use crate::command::number;
use crate::report::{Fault, Limit, TrialReport};
use crate::setup::{Scale, Setup};

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let side_px = setup.scale.pick("128", "48", "512");
    let mut args = vec!["--width", side_px, "--height", side_px, "--samples", "8", "--noise", "0", "--repeat", "4"];
    args.extend(["--denoise", "off"]);
    let large = setup.asset("assets/gear_reducer.glb").filter(|_| setup.scale == Scale::Full);
    let large = large.map(|path| path.display().to_string());
    match &large {
        Some(path) => args.extend([path.as_str(), "--on-unmapped", "keep"]),
        None => args.extend(["--sample", "bearing"]),
    }
    if setup.is_plain() {
        args.push("--clay");
    }
    let result = setup.render(&setup.device, &args)?;
    let warm = result["warm"].as_array().filter(|warm| !warm.is_empty());
    let warm = warm.ok_or_else(|| Fault::new("nothing was repeated"))?;
    let slowest = |pointer: &str| -> Result<f64, Fault> {
        warm.iter().map(|seconds| number(seconds, pointer)).try_fold(0.0, |most: f64, s| Ok(most.max(s?)))
    };
    report.check(
        "import and upload of the next picture",
        1e3 * (slowest("/import")? + slowest("/prepare")?),
        "ms",
        Limit::AtMost(1.0),
    );
    report.state("first picture", 1e3 * number(&result, "/seconds/total")?, "ms");
    report.state("slowest of the next three", 1e3 * slowest("/total")?, "ms");
    report.figure("seconds", Value::Array([&[result["seconds"].clone()], &warm[..]].concat()));
    Ok(())
}
