//! From request to PNG: a new process for one picture, without what earlier ones have kept and with it, and the same
//! request again in a process that has everything.

use packshot_pipeline::error::Error;
use serde::Serialize;

use super::{Row, interleaved};
use crate::process::Timed;
use crate::renderer::{Finds, Job, Output, Renderer};
use crate::rounds::Spread;
use crate::session::Session;
use crate::subject::Subject;

/// Pictures of a process; all but the first are warm.
const PICTURES: u32 = 4;

/// The figures of a renderer, in seconds.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// From the start of a process to its end, where nothing is kept of earlier ones.
    pub first_s: Option<Spread>,
    /// From the start of a process to its end, with what earlier ones have kept.
    pub cold_s: Spread,
    /// From a repeated request to its file: the median of a process.
    pub warm_s: Option<Spread>,
    /// How many times faster Packshot is at first.
    pub first_ratio: Option<Spread>,
    /// How many times faster Packshot is when cold.
    pub cold_ratio: Option<Spread>,
    /// How many times faster Packshot is when warm.
    pub warm_ratio: Option<Spread>,
    /// Of the cold ones: reading the product.
    pub import_s: Spread,
    /// Of the cold ones: acceleration structures, tables, compilation.
    pub prepare_s: Spread,
    /// Of the cold ones: sampling.
    pub render_s: Spread,
}

/// # Errors
/// `cancelled`.
pub(crate) fn measure(session: &Session<'_>, subjects: &[Subject]) -> Result<Vec<Row<Figures>>, Error> {
    let png = session.path("picture.png");
    let mut rows = Vec::new();
    for subject in subjects {
        let job = |round, repeat| Job { repeat, output: Output::Png(&png), ..session.job(subject, round) };
        let first = |_: &Renderer, round| Job { finds: Finds::Nothing, ..job(round, 1) };
        let first = interleaved(session, &format!("first, {}", subject.name), first)?;
        let cold = interleaved(session, &format!("cold, {}", subject.name), |_, round| job(round, 1))?;
        let warm = interleaved(session, &format!("warm, {}", subject.name), |_, round| job(round, PICTURES))?;
        let of_warm = |timed: &Timed| Spread::of(timed.told.warm.iter().map(|again| again.total));
        let warm_s = |i: usize| -> Vec<Option<f64>> {
            let each = warm[i].timed.iter();
            each.map(|timed| Some(of_warm(timed.as_ref()?)?.median)).collect()
        };
        let wall = |timed: &Timed| timed.wall_s;
        for (i, renderer) in session.renderers.iter().enumerate() {
            let figures = || {
                Some(Figures {
                    first_s: first[i].spread(wall),
                    cold_s: cold[i].spread(wall)?,
                    warm_s: Spread::of(warm_s(i).into_iter().flatten()),
                    first_ratio: Spread::times_faster(&first[i].each(wall), &first[0].each(wall)),
                    cold_ratio: Spread::times_faster(&cold[i].each(wall), &cold[0].each(wall)),
                    warm_ratio: Spread::times_faster(&warm_s(i), &warm_s(0)),
                    import_s: cold[i].spread(|timed| timed.told.seconds.import)?,
                    prepare_s: cold[i].spread(|timed| timed.told.seconds.prepare)?,
                    render_s: cold[i].spread(|timed| timed.told.seconds.render)?,
                })
            };
            let fault = [&first[i], &cold[i], &warm[i]].into_iter().find_map(|runs| runs.fault.clone());
            rows.push(Row { shot: subject.name.clone(), renderer: renderer.name, figures: figures(), fault });
        }
    }
    Ok(rows)
}
