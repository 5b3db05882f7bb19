//! Equal error: how long each renderer takes until its picture is as near to its own converged one.
//!
//! Every renderer is compared with itself, so that what they understand differently by a material cancels. The time is
//! interpolated between the numbers of samples that were tried, on logarithmic axes: the error of a path tracer falls
//! as a power of its time.

use std::path::Path;

use packshot_pipeline::error::Error;
use serde::Serialize;

use super::Row;
use crate::renderer::{Job, Output, Renderer};
use crate::rounds::{Spread, order};
use crate::session::Session;
use crate::subject::Subject;

/// Pixels with more alpha are compared.
const COVERED: f32 = 1e-3;
/// Seed of what counts as converged: none of those that are compared with it.
const REFERENCE_SEED: u32 = 90_001;

/// The figures of a renderer.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// The error that is reached.
    pub rel_mse: f64,
    /// Seconds of sampling until then.
    pub seconds: f64,
    /// Samples per pixel until then.
    pub samples: f64,
    /// Whether it lies beyond what was tried.
    pub is_extrapolated: bool,
    /// How many times faster Packshot is there.
    pub ratio: Option<f64>,
    /// What was tried.
    pub steps: Vec<Step>,
}

/// A number of samples that was tried: medians of the rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Step {
    /// Per pixel.
    pub samples: u32,
    /// Seconds of sampling.
    pub render_s: f64,
    /// The error of the picture.
    pub rel_mse: f64,
}

/// # Errors
/// `cancelled`.
pub(crate) fn measure(session: &Session<'_>, subjects: &[Subject]) -> Result<Vec<Row<Figures>>, Error> {
    let mut rows: Vec<Row<Figures>> = Vec::new();
    for subject in subjects {
        let mut of_shot = of_subject(session, subject)?;
        let base = of_shot.first().and_then(|row| Some(row.figures.as_ref()?.seconds));
        for figures in of_shot.iter_mut().filter_map(|row| row.figures.as_mut()) {
            figures.ratio = base.map(|base| figures.seconds / base);
        }
        rows.append(&mut of_shot);
    }
    Ok(rows)
}

/// What a renderer has done for one shot.
struct Trial<'r> {
    renderer: &'r Renderer,
    /// Its converged picture, or why it has no figures.
    reference: Result<LinearPicture, String>,
    /// For each number of samples, what each round took and how far its picture is from the reference.
    tried: Vec<Vec<Tried>>,
}

#[derive(Clone, Copy)]
struct Tried {
    render_s: f64,
    rel_mse: f64,
}

fn of_subject(session: &Session<'_>, subject: &Subject) -> Result<Vec<Row<Figures>>, Error> {
    let settings = &session.settings.error;
    let mut trials = Vec::new();
    for renderer in &session.renderers {
        let reference = render(session, subject, renderer, (settings.reference_samples, REFERENCE_SEED))?;
        session.tell(&format!("equal error, {}, reference, {}", subject.name, renderer.name));
        let reference = reference.and_then(|(_, picture)| match picture.rgba.iter().any(|pixel| pixel[3] > COVERED) {
            true => Ok(picture),
            false => Err("the shot shows nothing".to_owned()),
        });
        trials.push(Trial { renderer, reference, tried: vec![Vec::new(); settings.samples.len()] });
    }
    for round in 0..session.settings.rounds {
        for (step, samples) in settings.samples.iter().enumerate() {
            for i in order(trials.len(), round) {
                trials[i].render(session, subject, (step, *samples), round)?;
            }
        }
    }
    Ok(trials.into_iter().map(|trial| trial.into_row(session, subject)).collect())
}

impl Trial<'_> {
    /// Renders with one of the numbers of samples.
    fn render(
        &mut self,
        session: &Session<'_>,
        subject: &Subject,
        (step, samples): (usize, u32),
        round: u32,
    ) -> Result<(), Error> {
        let Ok(reference) = &self.reference else { return Ok(()) };
        match render(session, subject, self.renderer, (samples, 1000 * (round + 1) + samples))? {
            Ok((render_s, picture)) => {
                let rel_mse = rel_mse(reference, &picture);
                let (shot, name) = (&subject.name, self.renderer.name);
                session
                    .tell(&format!("equal error, {shot}, {samples} samples, {name}: {render_s:.2} s, {rel_mse:.2e}"));
                self.tried[step].push(Tried { render_s, rel_mse });
            }
            Err(why) => self.reference = Err(why),
        }
        Ok(())
    }

    fn into_row(self, session: &Session<'_>, subject: &Subject) -> Row<Figures> {
        let settings = &session.settings.error;
        let steps = settings.samples.iter().zip(&self.tried).filter_map(|(samples, tried)| {
            let render_s = Spread::of(tried.iter().map(|tried| tried.render_s))?.median;
            let rel_mse = Spread::of(tried.iter().map(|tried| tried.rel_mse))?.median;
            Some(Step { samples: *samples, render_s, rel_mse })
        });
        let steps: Vec<Step> = steps.collect();
        let samples = reach(&steps, settings.rel_mse, |step| step.samples.into());
        let reached = reach(&steps, settings.rel_mse, |step| step.render_s).zip(samples);
        let reached = reached.filter(|_| self.reference.is_ok());
        let figures = reached.map(|((seconds, is_extrapolated), (samples, _))| Figures {
            rel_mse: settings.rel_mse,
            seconds,
            samples,
            is_extrapolated,
            ratio: None,
            steps,
        });
        Row { shot: subject.name.clone(), renderer: self.renderer.name, figures, fault: self.reference.err() }
    }
}

/// Seconds of sampling and the picture.
fn render(
    session: &Session<'_>,
    subject: &Subject,
    renderer: &Renderer,
    (samples, seed): (u32, u32),
) -> Result<Result<(f64, LinearPicture), String>, Error> {
    let path = session.path(if renderer.peer.is_none() { "linear.exr" } else { "linear.raw" });
    let size_px = [session.settings.error.size_px; 2];
    let output = Output::Linear(&path);
    let job = Job { size_px, samples, seed, output, ..session.job(subject, 0) };
    // How long the converged picture takes is of no account.
    let ended = match seed {
        REFERENCE_SEED => session.run_once(renderer, &job)?,
        _ => session.run(renderer, &job)?,
    };
    Ok(ended.and_then(|timed| {
        let picture = LinearPicture::read(&path, [timed.told.width, timed.told.height])?;
        Ok((timed.told.seconds.render, picture))
    }))
}

/// What of a step (time, samples) is needed to reach an error, and whether that lies beyond the steps. Between two
/// steps the error is a power of it, beyond them its reciprocal.
fn reach(steps: &[Step], rel_mse: f64, of: impl Fn(&Step) -> f64) -> Option<(f64, bool)> {
    for pair in steps.windows(2) {
        let (from, to) = (&pair[0], &pair[1]);
        if from.rel_mse >= rel_mse && rel_mse >= to.rel_mse && from.rel_mse > to.rel_mse {
            let part = (from.rel_mse / rel_mse).ln() / (from.rel_mse / to.rel_mse).ln();
            return Some((of(from) * (of(to) / of(from)).powf(part), false));
        }
    }
    let (first, last) = (steps.first()?, steps.last()?);
    let nearest = if last.rel_mse > rel_mse { last } else { first };
    Some((of(nearest) * nearest.rel_mse / rel_mse, true))
}

/// A picture of linear radiance.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearPicture {
    /// Premultiplied colour and alpha, row by row from the top.
    pub rgba: Vec<[f32; 4]>,
}

impl LinearPicture {
    /// From an EXR (`.exr`), or from numbers alone (any other name) of a picture of that size.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(path: &Path, size_px: [u32; 2]) -> Result<Self, String> {
        let n = size_px[0] as usize * size_px[1] as usize;
        let rgba: Vec<[f32; 4]> = if path.extension().is_some_and(|extension| extension == "exr") {
            let new = |size: exr::math::Vec2<usize>, _: &_| (size.0, vec![[0.0_f32; 4]; size.area()]);
            let set = |(width, pixels): &mut (usize, Vec<[f32; 4]>), at: exr::math::Vec2<usize>, (r, g, b, a)| {
                pixels[at.1 * *width + at.0] = [r, g, b, a];
            };
            let read = exr::prelude::read_first_rgba_layer_from_file(path, new, set);
            read.map_err(|reason| format!("its picture cannot be read: {reason}"))?.layer_data.channel_data.pixels.1
        } else {
            let bytes = std::fs::read(path).map_err(|reason| format!("its picture cannot be read: {reason}"))?;
            let pixel = |bytes: &[u8; 16]| {
                let channel = |i: usize| f32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
                [0, 4, 8, 12].map(channel)
            };
            bytes.as_chunks().0.iter().map(pixel).collect()
        };
        match rgba.iter().flatten().all(|value| value.is_finite()) {
            _ if rgba.len() != n => Err(format!("its picture has {} pixels instead of {n}", rgba.len())),
            true => Ok(Self { rgba }),
            false => Err("its picture has values that are not finite".to_owned()),
        }
    }
}

/// The mean of (p − r)² / (r² + 0.01) over the channels of all pixels that the reference covers (Rousselle, Knaus,
/// Zwicker 2011, section 6).
pub fn rel_mse(reference: &LinearPicture, picture: &LinearPicture) -> f64 {
    let covered = reference.rgba.iter().zip(&picture.rgba).filter(|(reference, _)| reference[3] > COVERED);
    let channels = covered.flat_map(|(reference, picture)| (0..3).map(|i| (reference[i], picture[i])));
    let (sum, n) = channels.fold((0.0, 0_u64), |(sum, n), (r, p)| {
        let (r, p) = (f64::from(r), f64::from(p));
        (sum + (p - r) * (p - r) / (r * r + 0.01), n + 1)
    });
    if n == 0 { 0.0 } else { sum / n as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(samples: u32, rel_mse: f64) -> Step {
        Step { samples, render_s: f64::from(samples) / 100.0, rel_mse }
    }

    #[test]
    fn the_error_is_relative_and_of_covered_pixels() {
        let reference = LinearPicture { rgba: vec![[0.3, 0.3, 0.3, 1.0], [9.0, 9.0, 9.0, 0.0]] };
        let picture = LinearPicture { rgba: vec![[0.4, 0.3, 0.3, 1.0], [0.0; 4]] };
        assert!((rel_mse(&reference, &picture) - 0.01 / 0.1 / 3.0).abs() < 1e-6);
        assert_eq!(rel_mse(&reference, &reference), 0.0);
    }

    #[test]
    fn the_time_to_an_error_follows_the_steps() {
        // An error of 1 over the samples: the power law is met between the steps and beyond them.
        let steps = [step(10, 0.1), step(40, 0.025), step(160, 0.00625)];
        for (rel_mse, samples, is_beyond) in
            [(0.05, 20.0, false), (0.0125, 80.0, false), (0.001, 1000.0, true), (1.0, 1.0, true)]
        {
            let (found, beyond) = reach(&steps, rel_mse, |step| step.samples.into()).expect("there are steps");
            assert!((found - samples).abs() < 1e-6 * samples, "{found} samples to {rel_mse}");
            assert_eq!(beyond, is_beyond);
        }
        assert_eq!(reach(&[], 0.1, |step| step.render_s), None);
    }

    #[test]
    fn pictures_are_read_from_numbers_and_their_size_is_checked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("picture.raw");
        let rgba = [[1.0_f32, 2.0, 3.0, 0.5], [0.25, 0.0, -1.0, 1.0]];
        let bytes: Vec<u8> = rgba.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
        std::fs::write(&path, bytes).expect("written");
        assert_eq!(LinearPicture::read(&path, [2, 1]), Ok(LinearPicture { rgba: rgba.to_vec() }));
        std::fs::write(&path, f32::NAN.to_le_bytes().repeat(8)).expect("written");
        assert!(LinearPicture::read(&path, [2, 1]).is_err_and(|why| why.contains("not finite")));
        let told = LinearPicture::read(&path, [2, 2]).expect_err("a picture of another size");
        assert_eq!(told, "its picture has 2 pixels instead of 4");
        assert!(LinearPicture::read(&folder.path().join("none.raw"), [2, 1]).is_err());
    }
}
