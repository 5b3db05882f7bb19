//! As many short dispatches as in an hour of work, one after the other, while memory use is monitored.

use std::time::{Duration, Instant};

use packshot_renderer::backend::gpu::SliceLimits;
use packshot_renderer::backend::{CancelToken, RenderControl};

use crate::report::{Fault, Limit, TrialReport};
use crate::setup::Setup;
use crate::subject::{Subject, differing};

/// Dispatches of 50 ms in an hour.
const SUBMISSIONS: u64 = 72_000;
const MIB: f64 = (1 << 20) as f64;
/// How much a program's memory may grow while nothing is kept: slack of the allocator.
const HOST_GROWTH_MIB: f64 = 16.0;

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let (n_submissions, time) = setup.scale.pick((500, 3), (300, 12), (SUBMISSIONS, 60));
    let time = Duration::from_secs(time).min(setup.limit.mul_f64(0.8));
    let subject = Subject::bearing(setup.is_plain())?;
    let slices = SliceLimits { pixels: 512, steps: 8, region_pixels: 4096 };
    let backend = setup.open(slices)?;
    let prepared = subject.shot(64, 4)?;
    let cancel = CancelToken::default();
    let shot = subject.load(&backend, prepared)?;
    let render = || -> Result<_, Fault> { Ok(shot.render(&RenderControl::new(&cancel))?.film) };
    let first = render()?;
    let n_before = backend.usage()?.n_submissions;
    let mut n_renders = 0_u64;
    let mut n_differing = 0;
    let mut before = None;
    let begun = Instant::now();
    let usage = loop {
        n_differing += u64::from(differing(&render()?, &first) > 0.0);
        n_renders += 1;
        let usage = backend.usage()?;
        // What is kept for good has been allocated after a tenth of the time.
        if before.is_none() && (begun.elapsed() * 10 > time || usage.n_submissions * 10 > n_submissions) {
            before = Some((usage.memory_bytes, resident_bytes()));
        }
        if begun.elapsed() > time || usage.n_submissions >= n_submissions {
            break usage;
        }
    };
    let n_dispatches = usage.n_submissions.saturating_sub(n_before).max(1) as f64;
    report.state(format!("dispatches of {n_submissions}"), n_dispatches, "");
    report.state("a dispatch", 1e3 * begun.elapsed().as_secs_f64() / n_dispatches, "ms");
    report.check("renders that differ", n_differing as f64, "", Limit::AtMost(0.0));
    report.check("renders", n_renders as f64, "", Limit::AtLeast(2.0));
    let (device_before, host_before) = before.ok_or_else(|| Fault::new("it ended at once"))?;
    if let (Some(before), Some(after)) = (device_before, usage.memory_bytes) {
        report.check("growth on the device", (after as f64 - before as f64) / MIB, "MiB", Limit::AtMost(1.0));
    }
    if let (Some(before), Some(after)) = (host_before, resident_bytes()) {
        let grown = (after as f64 - before as f64) / MIB;
        report.check("growth of the program", grown, "MiB", Limit::AtMost(HOST_GROWTH_MIB));
    }
    Ok(())
}

/// Resident memory of this process, if Linux reports it.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
