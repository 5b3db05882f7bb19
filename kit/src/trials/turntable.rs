//! A turntable that is killed continues where it was, and ends with the same bytes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value};

use crate::report::{Fault, Limit, TrialReport};
use crate::setup::Setup;

const LOOK_EVERY: Duration = Duration::from_millis(5);

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let (side, frames, kill_after) = setup.scale.pick(("96", "8", 3), ("32", "4", 2), ("512", "36", 12));
    let whole = setup.folder("turntable/whole")?;
    let killed = setup.folder("turntable/killed")?;
    for folder in [&whole, &killed] {
        std::fs::remove_dir_all(folder).map_err(|reason| Fault::of_file(folder, &reason))?;
    }
    let start = |folder: &Path| {
        let folder = format!("{}/", folder.display());
        let size = ["--width", side, "--height", side, "--samples", "16", "--noise", "0"];
        let plain: &[&str] = if setup.is_plain() { &["--clay"] } else { &[] };
        let args =
            [&["turntable", "--quiet", "--sample", "bearing", "--frames", frames, "-o", &folder], &size[..], plain];
        let mut command = setup.packshot(&setup.device, &args.concat());
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|reason| Fault::of_file(&setup.program, &reason))
    };
    let finish = |folder: &Path| -> Result<f64, Fault> {
        let begun = Instant::now();
        let status = start(folder)?.wait().map_err(|reason| Fault::of_file(&setup.program, &reason))?;
        if !status.success() {
            return Err(Fault::new(format!("a turntable ended with {status}")));
        }
        Ok(begun.elapsed().as_secs_f64())
    };
    report.state(format!("{frames} frames of {side} x {side}"), finish(&whole)?, "s");
    let mut child = start(&killed)?;
    let is_running = loop {
        if pictures(&killed).len() >= kill_after {
            break true;
        }
        if child.try_wait().map_err(|reason| Fault::of_file(&setup.program, &reason))?.is_some() {
            break false;
        }
        std::thread::sleep(LOOK_EVERY);
    };
    // A process that has ended cannot be killed; the check below reports that.
    let _ = child.kill();
    let _ = child.wait();
    if !is_running {
        return Err(Fault::new("the turntable was over before it could be killed"));
    }
    let (before, n_listed) = (moments(&killed), n_listed(&killed));
    report.state("frames when it was killed", before.len() as f64, "");
    report.state("the rest", finish(&killed)?, "s");
    // The list of finished frames is written twice a second: those that came after are made again.
    let after = moments(&killed);
    let n_kept = before.iter().filter(|(name, moment)| after.get(*name) == Some(*moment)).count();
    report.check("listed frames", n_listed as f64, "", Limit::AtLeast(1.0));
    report.check("frames not made again", n_kept as f64, "", Limit::AtLeast(n_listed as f64));
    let [expected, found] = [pictures(&whole), pictures(&killed)];
    let is_other = |(name, bytes): &(&String, &Vec<u8>)| found.get(*name) != Some(bytes);
    report.check("frames", expected.len() as f64, "", Limit::AtLeast(kill_after as f64 + 1.0));
    let n_differing = expected.iter().filter(is_other).count();
    report.check("frames that differ", n_differing as f64, "", Limit::AtMost(0.0));
    Ok(())
}

/// How many frames the folder's list says are finished.
fn n_listed(folder: &Path) -> usize {
    let list = std::fs::read(folder.join("turntable.json")).ok();
    let list: Option<Value> = list.and_then(|list| serde_json::from_slice(&list).ok());
    list.and_then(|list| list["finished"].as_object().map(Map::len)).unwrap_or(0)
}

/// When the frames in a folder were written.
fn moments(folder: &Path) -> BTreeMap<String, SystemTime> {
    let written = |name: &String| std::fs::metadata(folder.join(name)).and_then(|file| file.modified()).ok();
    pictures(folder).into_keys().filter_map(|name| Some((name.clone(), written(&name)?))).collect()
}

/// The frames in a folder.
fn pictures(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok().filter(|name| name.ends_with(".png"))?;
        Some((name, std::fs::read(entry.path()).ok()?))
    });
    files.filter(|(name, _)| !name.starts_with('.')).collect()
}
