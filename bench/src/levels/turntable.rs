//! All frames of a turn as PNG files, by one process.

use packshot_pipeline::error::Error;
use serde::Serialize;

use super::{Row, interleaved};
use crate::process::Timed;
use crate::renderer::{Job, Output};
use crate::rounds::Spread;
use crate::session::Session;
use crate::subject::{Subject, not_written};

/// The figures of a renderer.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Frames of the turn.
    pub frames: u32,
    /// From the start of the process to its end.
    pub process_s: Spread,
    /// How many times faster Packshot is.
    pub process_ratio: Option<Spread>,
}

/// # Errors
/// `cancelled`, `output.not_written`.
pub(crate) fn measure(session: &Session<'_>, subjects: &[Subject]) -> Result<Vec<Row<Figures>>, Error> {
    let frames = session.settings.frames;
    let mut rows = Vec::new();
    for (i, subject) in subjects.iter().enumerate() {
        // Packshot would keep the frames of an earlier run of the same seed; each has a folder of its own.
        let folder = |name: &str, round: u32| session.path(&format!("turn-{i}-{name}-{round}"));
        let all: Vec<_> =
            session.renderers.iter().flat_map(|r| (0..session.settings.rounds).map(|n| (r.name, n))).collect();
        let folders: std::collections::HashMap<_, _> = all.into_iter().map(|key| (key, folder(key.0, key.1))).collect();
        for folder in folders.values() {
            std::fs::create_dir_all(folder).map_err(|reason| not_written(folder, &reason))?;
        }
        let runs = interleaved(session, &format!("turntable, {}", subject.name), |renderer, round| Job {
            output: Output::Frames(&folders[&(renderer.name, round)], frames),
            ..session.job(subject, round)
        })?;
        let wall = |timed: &Timed| timed.wall_s;
        for (renderer, own) in session.renderers.iter().zip(&runs) {
            let figures = own.spread(wall).map(|process_s| Figures {
                frames,
                process_s,
                process_ratio: Spread::times_faster(&own.each(wall), &runs[0].each(wall)),
            });
            let (shot, fault) = (subject.name.clone(), own.fault.clone());
            rows.push(Row { shot, renderer: renderer.name, figures, fault });
        }
    }
    Ok(rows)
}
