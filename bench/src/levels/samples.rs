//! Equal samples: every renderer takes as many paths per pixel.

use packshot_pipeline::error::Error;
use serde::Serialize;

use super::{Row, interleaved, m_samples};
use crate::rounds::Spread;
use crate::session::Session;
use crate::subject::Subject;

/// The figures of a renderer.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Per pixel.
    pub samples: f64,
    /// Wall-clock seconds of sampling alone.
    pub render_s: Spread,
    /// Millions of samples per second of that.
    pub m_samples_per_s: Spread,
    /// The same per processor second.
    pub m_samples_per_cpu_s: Option<Spread>,
    /// Wall-clock seconds of the whole process.
    pub process_s: Spread,
    /// How many times faster Packshot samples.
    pub render_ratio: Option<Spread>,
    /// How many times faster Packshot's process is.
    pub process_ratio: Option<Spread>,
    /// The most memory of a run.
    pub peak_mib: Option<f64>,
    /// The largest fraction of the machine that others took during a run.
    pub foreign_load: Option<f64>,
}

/// # Errors
/// `cancelled`.
pub(crate) fn measure(session: &Session<'_>, subjects: &[Subject]) -> Result<Vec<Row<Figures>>, Error> {
    let mut rows = Vec::new();
    for subject in subjects {
        let what = format!("equal samples, {}", subject.name);
        let runs = interleaved(session, &what, |_, round| session.job(subject, round))?;
        let per_sample = |timed: &crate::process::Timed| timed.told.seconds.render / m_samples(timed);
        let base = [runs[0].each(per_sample), runs[0].each(|timed| timed.wall_s)];
        for (renderer, runs) in session.renderers.iter().zip(&runs) {
            let largest = |values: Vec<Option<f64>>| values.into_iter().flatten().reduce(f64::max);
            let optional = |of: &dyn Fn(&crate::process::Timed) -> Option<f64>| {
                largest(runs.timed.iter().map(|timed| of(timed.as_ref()?)).collect())
            };
            let per_cpu_s = runs.timed.iter().flatten().filter_map(|timed| {
                Some(m_samples(timed) / timed.told.seconds.render_cpu.filter(|seconds| *seconds > 0.0)?)
            });
            let figures = || {
                let last = runs.last()?;
                Some(Figures {
                    width: last.told.width,
                    height: last.told.height,
                    samples: last.told.samples_mean,
                    render_s: runs.spread(|timed| timed.told.seconds.render)?,
                    m_samples_per_s: runs.spread(|timed| 1.0 / per_sample(timed))?,
                    m_samples_per_cpu_s: Spread::of(per_cpu_s),
                    process_s: runs.spread(|timed| timed.wall_s)?,
                    render_ratio: Spread::times_faster(&runs.each(per_sample), &base[0]),
                    process_ratio: Spread::times_faster(&runs.each(|timed| timed.wall_s), &base[1]),
                    peak_mib: optional(&|timed| timed.peak_mib),
                    foreign_load: optional(&|timed| timed.foreign_load),
                })
            };
            let (shot, fault) = (subject.name.clone(), runs.fault.clone());
            rows.push(Row { shot, renderer: renderer.name, figures: figures(), fault });
        }
    }
    Ok(rows)
}
