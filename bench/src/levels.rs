//! What is measured, a module for each level.
//!
//! A row is of one shot and one renderer. Ratios are how many times faster Packshot is than that renderer, by runs of
//! the same rounds.

use packshot_pipeline::error::Error;
use serde::Serialize;

use crate::process::Timed;
use crate::renderer::{Job, Renderer};
use crate::rounds::{Spread, order};
use crate::session::Session;

pub mod error;
pub mod rays;
pub mod request;
pub mod samples;
pub mod turntable;

/// Of what and by whom.
#[derive(Clone, Debug, Serialize)]
pub struct Row<F> {
    /// The shot's name.
    pub shot: String,
    /// The renderer's name.
    pub renderer: &'static str,
    /// The figures; absent if every run failed.
    #[serde(flatten)]
    pub figures: Option<F>,
    /// Why the last run that failed did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The runs of one renderer, a round after the other.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// `None`: that one failed.
    pub(crate) timed: Vec<Option<Timed>>,
    pub(crate) fault: Option<String>,
}

impl Runs {
    /// Something of each run.
    pub(crate) fn each(&self, of: impl Fn(&Timed) -> f64) -> Vec<Option<f64>> {
        self.timed.iter().map(|timed| timed.as_ref().map(&of)).collect()
    }

    pub(crate) fn spread(&self, of: impl Fn(&Timed) -> f64) -> Option<Spread> {
        Spread::of(self.each(of).into_iter().flatten())
    }

    pub(crate) fn last(&self) -> Option<&Timed> {
        self.timed.iter().rev().flatten().next()
    }

    fn push(&mut self, ended: Result<Timed, String>) {
        match ended {
            Ok(timed) => self.timed.push(Some(timed)),
            Err(why) => {
                self.timed.push(None);
                self.fault = Some(why);
            }
        }
    }
}

/// Runs the same job by all renderers in interleaved rounds. `job` makes that of a renderer in a round.
///
/// # Errors
/// `cancelled`.
pub(crate) fn interleaved<'j>(
    session: &Session<'_>,
    what: &str,
    job: impl Fn(&Renderer, u32) -> Job<'j>,
) -> Result<Vec<Runs>, Error> {
    let mut runs: Vec<Runs> = session.renderers.iter().map(|_| Runs::default()).collect();
    let names: Vec<&str> = session.renderers.iter().map(|renderer| renderer.name).collect();
    let rounds = session.settings.rounds;
    let noun = if rounds == 1 { "round" } else { "rounds" };
    session.tell(&format!("{what}: {rounds} {noun} of {}", names.join(", ")));
    for round in 0..rounds {
        for i in order(session.renderers.len(), round) {
            let renderer = &session.renderers[i];
            // A renderer that cannot do it once will not do it later.
            if runs[i].timed.first().is_some_and(Option::is_none) {
                runs[i].timed.push(None);
                continue;
            }
            let ended = session.run(renderer, &job(renderer, round))?;
            let said = match &ended {
                Ok(timed) => format!("{:.2} s", timed.wall_s),
                Err(why) => why.clone(),
            };
            session.tell(&format!("{what}, round {}, {}: {said}", round + 1, renderer.name));
            runs[i].push(ended);
        }
    }
    Ok(runs)
}

/// Pixels times samples, in millions.
pub(crate) fn m_samples(timed: &Timed) -> f64 {
    f64::from(timed.told.width) * f64::from(timed.told.height) * timed.told.samples_mean / 1e6
}
