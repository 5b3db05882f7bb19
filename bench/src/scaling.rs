//! How time grows: one quantity after the other is changed, and all else stays.
//!
//! Pixels, samples and threads are those of the first shot; triangles and instances those of generated
//! [solids]. For each renderer an exponent k is fitted to t ∝ x^k by least squares on logarithmic axes.

use packshot_pipeline::error::Error;
use packshot_words::{Word, words};
use serde::Serialize;

use crate::process::Timed;
use crate::renderer::{Job, Renderer};
use crate::rounds::{Spread, order};
use crate::session::Session;
use crate::subject::{Subject, not_written};

pub mod solids;

words! {
    /// What is changed.
    pub enum Axis {
        /// Pixels of the picture
        Pixels = "pixels",
        /// Samples per pixel
        Samples = "samples",
        /// Triangles of one solid
        Triangles = "triangles",
        /// Instances of one solid
        Instances = "instances",
        /// Threads of the processor
        Threads = "threads",
    }
}

/// What a renderer takes for each value of one quantity.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// What is changed.
    pub axis: &'static str,
    /// The renderer's name.
    pub renderer: &'static str,
    /// Ascending.
    pub points: Vec<Point>,
    /// The exponent of sampling time over the value; `None` for less than two points.
    pub render_exponent: Option<f64>,
    /// The exponent of the time from the start of the process to its end.
    pub process_exponent: Option<f64>,
    /// Why there are no points beyond.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// One value.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Point {
    /// Of the axis.
    pub value: f64,
    /// Seconds of sampling.
    pub render_s: Spread,
    /// Seconds of reading the product and building trees.
    pub prepare_s: Spread,
    /// Seconds from the start of the process to its end.
    pub process_s: Spread,
    /// The most memory of a run.
    pub peak_mib: Option<f64>,
}

/// Side of the pictures of solids, in pixels, and samples per pixel: enough that sampling counts beside building.
const SOLID_SIDE_PX: u32 = 256;
const SOLID_SAMPLES: u32 = 16;
/// Most instances.
const INSTANCES_MAX: u64 = 100_000;

/// # Errors
/// `cancelled`, `output.not_written`.
pub(crate) fn measure(session: &Session<'_>, subjects: &[Subject]) -> Result<Vec<Curve>, Error> {
    let mut curves = Vec::new();
    for axis in Axis::ENTRIES.iter().map(|entry| entry.value) {
        curves.extend(along(session, subjects.first(), axis)?);
    }
    Ok(curves)
}

/// The curves of all renderers along one axis.
fn along(session: &Session<'_>, subject: Option<&Subject>, axis: Axis) -> Result<Vec<Curve>, Error> {
    let powers = |max: u64, base: u64, factor: u64| {
        std::iter::successors(Some(base), move |value| value.checked_mul(factor)).take_while(move |value| *value <= max)
    };
    let threads = u64::from(session.settings.threads);
    let values: Vec<u64> = match axis {
        Axis::Pixels => powers(1024, 64, 2).map(|side_px| side_px * side_px).collect(),
        Axis::Samples => powers(256, 4, 4).collect(),
        Axis::Triangles => powers(session.settings.triangles_max, 1000, 10).collect(),
        Axis::Instances => powers(INSTANCES_MAX.min(session.settings.triangles_max), 1, 10).collect(),
        Axis::Threads => powers(threads, 1, 2).filter(|n| *n < threads).chain([threads]).collect(),
    };
    let mut points: Vec<Vec<Point>> = vec![Vec::new(); session.renderers.len()];
    let mut faults: Vec<Option<String>> = vec![None; session.renderers.len()];
    for value in values {
        let made;
        let of_value = match axis {
            Axis::Triangles | Axis::Instances => {
                made = solid(session, axis, value)?;
                Some(&made)
            }
            Axis::Pixels | Axis::Samples | Axis::Threads => subject,
        };
        let Some(of_value) = of_value else { continue };
        let mut timed: Vec<Vec<Timed>> = session.renderers.iter().map(|_| Vec::new()).collect();
        for round in 0..session.settings.rounds {
            for i in order(session.renderers.len(), round) {
                // Who fails at a value fails beyond it.
                if faults[i].is_some() {
                    continue;
                }
                match session.run(&session.renderers[i], &job(session, of_value, (axis, value), round))? {
                    Ok(run) => timed[i].push(run),
                    Err(why) => faults[i] = Some(format!("at {value}: {why}")),
                }
            }
        }
        for (i, runs) in timed.iter().enumerate() {
            points[i].extend(point(value as f64, runs));
        }
        session.tell(&format!("scaling, {value} {}", axis.word()));
    }
    let curves = session.renderers.iter().zip(points).zip(faults);
    Ok(curves.map(|((renderer, points), fault)| curve(axis, renderer, points, fault)).collect())
}

fn job<'s>(session: &Session<'_>, subject: &'s Subject, (axis, value): (Axis, u64), round: u32) -> Job<'s> {
    let of_settings = session.job(subject, round);
    let value = u32::try_from(value).unwrap_or(u32::MAX);
    match axis {
        Axis::Pixels => Job { size_px: [value.isqrt(); 2], samples: SOLID_SAMPLES, ..of_settings },
        Axis::Samples => Job { size_px: [SOLID_SIDE_PX; 2], samples: value, ..of_settings },
        Axis::Threads => {
            let threads = u16::try_from(value).unwrap_or(u16::MAX);
            Job { size_px: [SOLID_SIDE_PX; 2], threads, ..of_settings }
        }
        Axis::Triangles | Axis::Instances => Job { size_px: [SOLID_SIDE_PX; 2], samples: SOLID_SAMPLES, ..of_settings },
    }
}

/// A generated shot with so many triangles or instances.
fn solid(session: &Session<'_>, axis: Axis, value: u64) -> Result<Subject, Error> {
    let folder = session.path(&format!("{}-{value}", axis.word()));
    std::fs::create_dir_all(&folder).map_err(|reason| not_written(&folder, &reason))?;
    let glb = match axis {
        Axis::Instances => solids::many(value),
        _ => solids::one(value),
    };
    let (path, shot) = (folder.join("solid.glb"), folder.join("solid.json"));
    std::fs::write(&path, glb).map_err(|reason| not_written(&path, &reason))?;
    std::fs::write(&shot, solids::shot(SOLID_SIDE_PX)).map_err(|reason| not_written(&shot, &reason))?;
    Subject::read(&shot, &folder.join("files"), session.settings.frames, session.cancel())
}

fn point(value: f64, runs: &[Timed]) -> Option<Point> {
    let spread = |of: &dyn Fn(&Timed) -> f64| Spread::of(runs.iter().map(of));
    Some(Point {
        value,
        render_s: spread(&|timed| timed.told.seconds.render)?,
        prepare_s: spread(&|timed| timed.told.seconds.import + timed.told.seconds.prepare)?,
        process_s: spread(&|timed| timed.wall_s)?,
        peak_mib: runs.iter().filter_map(|timed| timed.peak_mib).reduce(f64::max),
    })
}

fn curve(axis: Axis, renderer: &Renderer, points: Vec<Point>, fault: Option<String>) -> Curve {
    let fitted = |of: &dyn Fn(&Point) -> f64| exponent(points.iter().map(|point| (point.value, of(point))));
    let (render_exponent, process_exponent) =
        (fitted(&|point| point.render_s.median), fitted(&|point| point.process_s.median));
    Curve { axis: axis.word(), renderer: renderer.name, points, render_exponent, process_exponent, fault }
}

/// The exponent k of y ∝ x^k through positive points, by least squares on logarithmic axes; `None` where x does not
/// vary.
fn exponent(points: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let logs: Vec<(f64, f64)> = points.filter(|(x, y)| *x > 0.0 && *y > 0.0).map(|(x, y)| (x.ln(), y.ln())).collect();
    let n = logs.len() as f64;
    let (x_mean, y_mean) = (logs.iter().map(|(x, _)| x).sum::<f64>() / n, logs.iter().map(|(_, y)| y).sum::<f64>() / n);
    let variance: f64 = logs.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    let covariance: f64 = logs.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    (variance > 0.0).then(|| covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_has_its_exponent() {
        let law = |k: f64| exponent([1.0, 10.0, 100.0, 1000.0].into_iter().map(|x: f64| (x, 0.3 * x.powf(k))));
        for k in [0.0, 0.5, 1.0, -0.9] {
            assert!((law(k).expect("the values differ") - k).abs() < 1e-9, "{k}");
        }
        assert_eq!(exponent([(2.0, 1.0), (2.0, 3.0)].into_iter()), None);
        assert_eq!(exponent(std::iter::empty()), None);
    }
}
