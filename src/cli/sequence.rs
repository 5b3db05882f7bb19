//! Several pictures of one product, each finished while the next is rendered.

use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;

use packshot::error::Fault;
use packshot::picture::Picture;
use packshot::render::ResidentProduct;
use packshot::timing::Seconds;
use packshot_renderer::shot::Shot;

use super::failure::{Exit, Failure};
use super::render::Session;

/// Pictures that wait for being finished, at most: with the one that is rendered and the one that is finished, all that is in memory.
const WAITING_MAX: usize = 1;

/// A picture to take of a product.
pub(crate) struct Job<T> {
    /// What it is, for who finishes it.
    pub(crate) of: T,
    /// What the progress bar says.
    pub(crate) name: String,
    /// The shot.
    pub(crate) shot: Shot,
}

/// Renders one job after the other on this thread, and finishes each on another one, in the same order.
///
/// # Errors
/// The first of `finish`, else that of rendering; jobs after it are left.
pub(crate) fn render_each<T: Send>(
    session: &Session<'_>,
    resident: &ResidentProduct,
    jobs: impl IntoIterator<Item = Job<T>>,
    mut finish: impl FnMut(T, Picture) -> Result<(), Failure> + Send,
) -> Result<(), Failure> {
    let (sender, receiver) = sync_channel::<(T, Picture)>(WAITING_MAX);
    thread::scope(|scope| {
        let finisher = scope.spawn(move || receiver.into_iter().try_for_each(|(of, picture)| finish(of, picture)));
        let rendered = jobs.into_iter().try_for_each(|Job { of, name, shot }| {
            let ready = resident.ready(shot).map_err(|error| Some(Failure::from(error)))?;
            let picture = session.sample(&ready, &name).map_err(Some)?;
            // Nobody takes it once finishing has failed, and that error counts.
            sender.send((of, picture)).map_err(|_| None)
        });
        drop(sender);
        finisher.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        rendered.map_err(|failure| failure.unwrap_or_else(unfinished))
    })
}

/// Adds what taking a picture cost to what the pictures before it did.
pub(crate) fn add_picture(seconds: &mut Seconds, picture: &Picture) {
    seconds.render += picture.render_s;
    seconds.render_cpu = picture.render_cpu_s.map(|cpu| cpu + seconds.render_cpu.unwrap_or(0.0));
    seconds.denoise += picture.denoised.map_or(0.0, |done| done.seconds);
}

/// Finishing ended early and says that nothing went wrong.
fn unfinished() -> Failure {
    Failure::new(Exit::Internal, Fault::new("internal", "pictures were left unfinished"))
}
