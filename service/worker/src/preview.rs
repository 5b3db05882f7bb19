//! The picture while it is made: snapshots of the film as PNGs.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use packshot_pipeline::error::Error;
use packshot_pipeline::render::{PREVIEW_SIDE_MAX_PX, ReadyShot};
use packshot_renderer::backend::{Snapshot, Snapshots};

use super::protocol::{Preview, WorkEvent};
use super::steps::Emit;

/// Previews may take this share of the time of a render.
const SHARE_MAX: f64 = 0.1;
/// Shortest time between two previews: each costs the renderer a few milliseconds, and a picture that is finished
/// sooner is seen just as soon without one.
const PAUSE: Duration = Duration::from_millis(250);

/// Shortest time between two finished pictures that are shown.
const BETWEEN_OFFERS: Duration = Duration::from_secs(1);

/// Turns snapshots into previews. The first is always made; a later one is left out when previews would take more than
/// their share of the time. A very short render may have none; its picture is then its preview.
pub(super) struct Previews<'a> {
    emit: Emit<'a>,
    spent: Mutex<Spent>,
}

#[derive(Debug)]
struct Spent {
    begun: Instant,
    on_previews: Option<Duration>,
    /// When a finished picture was shown.
    offered: Option<Instant>,
}

impl Spent {
    /// Whether there is time for one more.
    fn allows(&self, now: Instant) -> bool {
        let since = now.duration_since(self.begun).as_secs_f64();
        self.on_previews.is_none_or(|spent| spent.as_secs_f64() <= SHARE_MAX * since)
    }

    fn add(&mut self, time: Duration) {
        self.on_previews = Some(self.on_previews.unwrap_or_default() + time);
    }
}

impl<'a> Previews<'a> {
    /// Of a job whose first picture begins now.
    pub(super) fn new(emit: Emit<'a>) -> Self {
        Self { emit, spent: Mutex::new(Spent { begun: Instant::now(), on_previews: None, offered: None }) }
    }

    /// Takes one snapshot of a shot.
    pub(super) fn take(&self, shot: &ReadyShot, snapshot: &Snapshot) {
        if !self.lock().allows(Instant::now()) {
            return;
        }
        self.show(|| {
            let png = shot.preview(snapshot)?.into();
            let (width, height) = (snapshot.image.width_px, snapshot.image.height_px);
            Ok(Preview { png, width, height, samples_done: snapshot.samples })
        });
    }

    /// Shows a finished picture of several, unless one was shown a moment ago or there is no time for it.
    pub(super) fn offer(&self, make: impl FnOnce() -> Result<Preview, Error>) {
        {
            let (mut spent, now) = (self.lock(), Instant::now());
            let is_soon = spent.offered.is_some_and(|offered| now.duration_since(offered) < BETWEEN_OFFERS);
            if is_soon || !spent.allows(now) {
                return;
            }
            spent.offered = Some(now);
        }
        self.show(make);
    }

    /// Makes a preview in the background, and shows it. If it cannot be made, the picture itself is not affected.
    fn show(&self, make: impl FnOnce() -> Result<Preview, Error>) {
        let begun = Instant::now();
        match make() {
            Ok(preview) => (self.emit)(WorkEvent::Preview(preview)),
            Err(error) => tracing::warn!("no preview: {error}"),
        }
        self.lock().add(begun.elapsed());
    }

    /// Shows a finished picture, unless something was shown before, so that each render has at least one preview.
    pub(super) fn end(&self, last: Preview) {
        let is_first = self.lock().on_previews.is_none();
        if is_first {
            (self.emit)(WorkEvent::Preview(last));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What to ask the renderer for.
pub(super) fn snapshots<'a>(receive: &'a (dyn Fn(Snapshot) + Sync)) -> Snapshots<'a> {
    Snapshots { pause: PAUSE, side_max_px: PREVIEW_SIDE_MAX_PX, receive }
}

#[cfg(test)]
mod tests {
    use packshot_pipeline::error::{ErrorKind, Fault};

    use super::*;

    #[test]
    fn previews_keep_to_their_share() {
        let begun = Instant::now();
        let mut spent = Spent { begun, on_previews: None, offered: None };
        assert!(spent.allows(begun), "the first is always made");
        spent.add(Duration::from_millis(20));
        assert!(!spent.allows(begun + Duration::from_millis(100)));
        assert!(spent.allows(begun + Duration::from_millis(201)));
    }

    #[test]
    fn r08_a_preview_that_cannot_be_made_is_missed_and_nobody_waits_for_one() {
        let shown = Mutex::new(0);
        let emit = |_| *shown.lock().expect("not poisoned") += 1;
        let previews = Previews::new(&emit);
        let mut is_free = false;
        previews.offer(|| {
            is_free = previews.spent.try_lock().is_ok();
            Err(Error::new(ErrorKind::Internal, Fault::new("internal", "no")))
        });
        assert!(is_free, "who samples does not wait for a preview of another picture");
        assert_eq!(*shown.lock().expect("not poisoned"), 0);
        previews.offer(|| panic!("too soon"));
        let last = Preview { png: bytes::Bytes::new(), width: 1, height: 1, samples_done: 1 };
        Previews::new(&emit).offer(|| Ok(last));
        assert_eq!(*shown.lock().expect("not poisoned"), 1);
    }
}
