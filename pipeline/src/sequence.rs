//! Several pictures of one product, each finished while the next is rendered.

use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;

use crate::error::{Error, ErrorKind, Fault};
use crate::picture::Picture;
use crate::timing::Seconds;

/// Most pictures waiting to be finished: with the one being rendered and the one being finished, these are all the
/// pictures in memory.
const WAITING_MAX: usize = 1;
/// Most pictures in memory at the same time.
pub const IN_MEMORY_MAX: usize = WAITING_MAX + 2;

/// Renders the pictures one after the other on this thread, and finishes each on another one, in the same order.
///
/// # Errors
/// The first error of `finish`, or else that of `take`; the jobs after it are skipped.
pub fn take_each<J, P: Send, E: From<Error> + Send>(
    jobs: impl IntoIterator<Item = J>,
    mut take: impl FnMut(J) -> Result<P, E>,
    mut finish: impl FnMut(P) -> Result<(), E> + Send,
) -> Result<(), E> {
    let (sender, receiver) = sync_channel::<P>(WAITING_MAX);
    thread::scope(|scope| {
        let finisher = scope.spawn(move || receiver.into_iter().try_for_each(&mut finish));
        let taken = jobs.into_iter().try_for_each(|job| {
            let picture = take(job).map_err(Some)?;
            // There is no receiver once finishing has failed, and that error is the one reported.
            sender.send(picture).map_err(|_| None)
        });
        drop(sender);
        finisher.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        taken.map_err(|error| error.unwrap_or_else(|| unfinished().into()))
    })
}

/// Adds the times of a picture to those of the pictures before it.
pub fn add_picture(seconds: &mut Seconds, picture: &Picture) {
    seconds.render += picture.render_s;
    seconds.render_cpu = picture.render_cpu_s.map(|cpu| cpu + seconds.render_cpu.unwrap_or(0.0));
    seconds.denoise += picture.denoised.map_or(0.0, |done| done.seconds);
}

/// For finishing that ended early without an error.
fn unfinished() -> Error {
    Error::new(ErrorKind::Internal, Fault::new("internal", "pictures were left unfinished"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: &str) -> Error {
        Error::new(ErrorKind::Internal, Fault::new(code, "why"))
    }

    #[test]
    fn pictures_are_finished_in_their_order() {
        let mut finished = Vec::new();
        let finish = |n| {
            finished.push(n);
            Ok(())
        };
        let taken = take_each(0..20, |n| Ok::<_, Error>(2 * n), finish);
        assert_eq!(taken, Ok(()));
        assert_eq!(finished, (0..20).map(|n| 2 * n).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_error_ends_it() {
        let mut n_finished = 0;
        let take = |n| if n == 3 { Err(fault("taking")) } else { Ok(n) };
        let finish = |_| {
            n_finished += 1;
            Ok(())
        };
        let taken = take_each(0..20, take, finish);
        assert_eq!(taken.expect_err("stopped").code(), "taking");
        assert_eq!(n_finished, 3, "what was taken before is finished");

        let mut n_taken = 0;
        let take = |n: u32| {
            n_taken += 1;
            Ok(n)
        };
        let taken = take_each(0..100, take, |n| if n == 1 { Err(fault("finishing")) } else { Ok(()) });
        assert_eq!(taken.expect_err("stopped").code(), "finishing");
        assert!(n_taken <= 2 + IN_MEMORY_MAX, "{n_taken} were taken");
    }
}
