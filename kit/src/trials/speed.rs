//! Camera paths per second: level L1 of the benchmark.

use std::time::Instant;

use serde_json::json;

use crate::command::number;
use crate::report::{Fault, TrialReport};
use crate::setup::{Scale, Setup};

/// Shots that other renderers render too.
const PEERS: [&str; 4] = ["bearing_metal", "bearing_mixed", "studio_softboxes", "screw_sun"];

/// A name and the options to render.
type Work = (String, Vec<String>);

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let mut rows = Vec::new();
    let begun = Instant::now();
    let works = works(setup);
    let n_works = works.len();
    for (name, args) in works {
        // Leaves time to report the results so far.
        if begun.elapsed() > setup.limit.mul_f64(0.8) {
            break;
        }
        let result = setup.render(&setup.device, &args)?;
        // For the second one the kernels are compiled and the device is at its working clock.
        let rate = |seconds: &serde_json::Value| -> Result<f64, Fault> {
            let pixels = number(&result, "/width")? * number(&result, "/height")?;
            Ok(pixels * number(&result, "/samples_mean")? / number(seconds, "/render")? / 1e6)
        };
        let [first, again] = [rate(&result["seconds"])?, rate(&result["warm"][0])?];
        report.state(name.clone(), again, "M samples/s");
        rows.push(json!({
            "name": name,
            "m_samples_per_second": again,
            "first_m_samples_per_second": first,
            "render_seconds": result["warm"][0]["render"],
            "rays": result["rays"],
            "seconds": result["seconds"],
        }));
    }
    report.state(format!("renders of {n_works}"), rows.len() as f64, "");
    report.figure("renders", rows);
    Ok(())
}

fn works(setup: &Setup) -> Vec<Work> {
    let words = |args: &[&str]| args.iter().map(|&arg| arg.to_owned()).collect::<Vec<String>>();
    let always = words(&["--noise", "0", "--denoise", "off", "--repeat", "2"]);
    let work = |name: &str, args: Vec<String>| (name.to_owned(), [args, always.clone()].concat());
    let size =
        |width: &str, height: &str, samples: &str| words(&["--width", width, "--height", height, "--samples", samples]);
    let bearing = words(&["--sample", "bearing"]);
    let plain = words(&["--sample", "bearing", "--clay"]);
    if setup.scale != Scale::Full {
        return vec![work("sample bearing, 64 x 64 x 8", [plain, size("64", "64", "8")].concat())];
    }
    let mut works = vec![work("sample bearing, 1920 x 1080 x 256", [bearing, size("1920", "1080", "256")].concat())];
    for shot in PEERS {
        if let Some(path) = setup.asset(&format!("peers/shots/{shot}.json")) {
            let shot_args = words(&["--shot", &path.display().to_string(), "--samples", "256"]);
            works.push(work(&format!("{shot}, 512 x 512 x 256"), shot_args));
        }
    }
    for (asset, map) in [("bearing_6205", "bearing_6205"), ("gear_reducer", "gear_reducer")] {
        let [glb, map] =
            [format!("assets/{asset}.glb"), format!("assets/maps/{map}.json")].map(|path| setup.asset(&path));
        if let (Some(glb), Some(map)) = (glb, map) {
            let args = words(&[&glb.display().to_string(), "--material-map", &map.display().to_string()]);
            works.push(work(&format!("{asset}, 1920 x 1080 x 256"), [args, size("1920", "1080", "256")].concat()));
        }
    }
    works
}
