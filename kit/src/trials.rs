//! The trials themselves, one file each.

use std::time::Instant;

use crate::report::{Fault, TrialReport};
use crate::setup::Setup;
use crate::trial::Trial;

mod adapters;
mod bearing;
mod cancel;
mod denoiser;
mod determinism;
mod endurance;
mod furnace;
mod kernels;
mod memory;
mod parity;
mod rays;
mod recovery;
mod resident;
mod speed;
mod turntable;

/// Runs a trial in this process, and writes its result to `trials/NAME.json` in the results.
///
/// # Errors
/// When that file cannot be written. A trial that could not continue is a report that says so.
pub fn run(setup: &Setup, trial: Trial) -> Result<TrialReport, Fault> {
    let begun = Instant::now();
    let mut report = TrialReport::kept_at(trial, setup.folder("trials")?.join(format!("{}.json", trial.name())));
    let outcome = match trial {
        Trial::Adapters => adapters::run(setup, &mut report),
        Trial::Bearing => bearing::run(setup, &mut report),
        Trial::Furnace => furnace::run(setup, &mut report),
        Trial::Parity => parity::run(setup, &mut report),
        Trial::Determinism => determinism::run(setup, &mut report),
        Trial::Cancel => cancel::run(setup, &mut report),
        Trial::Recovery => recovery::run(setup, &mut report),
        Trial::Speed => speed::run(setup, &mut report),
        Trial::Rays => rays::run(setup, &mut report),
        Trial::Denoiser => denoiser::run(setup, &mut report),
        Trial::Resident => resident::run(setup, &mut report),
        Trial::Kernels => kernels::run(setup, &mut report),
        Trial::Memory => memory::run(setup, &mut report),
        Trial::Turntable => turntable::run(setup, &mut report),
        Trial::Endurance => endurance::run(setup, &mut report),
    };
    let report = report.ended(outcome, begun.elapsed().as_secs_f64());
    report.keep()?;
    Ok(report)
}
