//! The hub: wakes the followers of a stream after a commit, and holds the latest preview of each running render.
//!
//! Nothing that a client must learn is kept here. A follower that missed a wake-up reads the same rows a second later.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use packshot_domain::id::RenderId;
use packshot_domain::stream::StreamId;

/// How long a follower waits for a wake-up before it checks the rows by itself.
pub const POLL: Duration = Duration::from_secs(1);

/// The followers of all streams, and the previews of running renders. Clones are handles of the same hub.
#[derive(Clone, Debug)]
pub struct Hub {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    streams: Mutex<HashMap<StreamId, Stream>>,
    previews: Mutex<HashMap<RenderId, Arc<Preview>>>,
    closed: watch::Sender<bool>,
}

#[derive(Debug)]
struct Stream {
    wakes: watch::Sender<u64>,
    n_followers: usize,
}

/// The picture so far of a running render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// A PNG, at most 1024 px on the long side.
    pub png: Bytes,
    /// Tells it from those before it; with its quotation marks.
    pub etag: String,
    /// Samples in it.
    pub samples_done: u32,
}

impl Preview {
    /// A preview with the content address of its bytes as tag.
    pub fn new(png: Bytes, samples_done: u32) -> Self {
        let etag = format!("\"blake3:{}\"", blake3::hash(&png).to_hex());
        Self { png, etag, samples_done }
    }
}

impl Default for Hub {
    fn default() -> Self {
        let inner = Inner { streams: Mutex::default(), previews: Mutex::default(), closed: watch::Sender::new(false) };
        Self { inner: Arc::new(inner) }
    }
}

/// The data behind a lock. Nothing panics while it is held, and a map is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// A hub without followers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the followers of a stream: call it after the commit of an event.
    pub fn wake(&self, stream: StreamId) {
        if let Some(stream) = lock(&self.inner.streams).get(&stream) {
            stream.wakes.send_modify(|n| *n = n.wrapping_add(1));
        }
    }

    /// Wakes all followers: there are events, and nobody knows of which streams.
    pub fn wake_all(&self) {
        for stream in lock(&self.inner.streams).values() {
            stream.wakes.send_modify(|n| *n = n.wrapping_add(1));
        }
    }

    /// Follows a stream from now on.
    pub fn follow(&self, id: StreamId) -> Follower {
        let mut streams = lock(&self.inner.streams);
        let stream = streams.entry(id).or_insert_with(|| Stream { wakes: watch::Sender::new(0), n_followers: 0 });
        stream.n_followers += 1;
        let (wakes, closed) = (stream.wakes.subscribe(), self.inner.closed.subscribe());
        Follower { hub: self.clone(), id, wakes, closed }
    }

    /// Ends every wait, now and from now on: the service shuts down.
    pub fn close(&self) {
        self.inner.closed.send_replace(true);
    }

    /// Whether the service shuts down.
    pub fn is_closed(&self) -> bool {
        *self.inner.closed.borrow()
    }

    /// Keeps the latest preview of a render.
    pub fn set_preview(&self, render: RenderId, preview: Arc<Preview>) {
        lock(&self.inner.previews).insert(render, preview);
    }

    /// The latest preview of a render that runs.
    pub fn preview(&self, render: RenderId) -> Option<Arc<Preview>> {
        lock(&self.inner.previews).get(&render).cloned()
    }

    /// Removes the preview of a render, if it is still this one, and not an equal one of another attempt.
    pub fn drop_preview_if(&self, render: RenderId, preview: &Arc<Preview>) {
        let mut previews = lock(&self.inner.previews);
        if previews.get(&render).is_some_and(|last| Arc::ptr_eq(last, preview)) {
            previews.remove(&render);
        }
    }

    /// Forgets the preview of a render that no longer runs.
    pub fn drop_preview(&self, render: RenderId) {
        lock(&self.inner.previews).remove(&render);
    }
}

/// A follower of a stream.
#[derive(Debug)]
pub struct Follower {
    hub: Hub,
    id: StreamId,
    wakes: watch::Receiver<u64>,
    closed: watch::Receiver<bool>,
}

impl Follower {
    /// Returns when the stream has news, when [`POLL`] is over, or immediately when the service shuts down.
    ///
    /// News between two calls is not missed. The caller looks at the rows after each return.
    pub async fn news(&mut self) {
        tokio::select! {
            _ = self.wakes.changed() => {}
            _ = self.closed.wait_for(|closed| *closed) => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }

    /// Whether the service shuts down.
    pub fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut streams = lock(&self.hub.inner.streams);
        if let Some(stream) = streams.get_mut(&self.id) {
            stream.n_followers -= 1;
            if stream.n_followers == 0 {
                streams.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn news_between_two_waits_are_not_missed() {
        let (hub, render) = (Hub::new(), RenderId::new());
        let mut follower = hub.follow(StreamId::of_render(render));
        let begun = Instant::now();
        hub.wake(StreamId::of_render(RenderId::new()));
        hub.wake(StreamId::of_render(render));
        follower.news().await;
        assert!(begun.elapsed() < POLL, "the wake-up before the wait counts");
        follower.news().await;
        assert!(begun.elapsed() >= POLL, "one wake-up is one return");
    }

    #[tokio::test]
    async fn nothing_is_kept_for_renders_that_nobody_follows() {
        let (hub, render) = (Hub::new(), RenderId::new());
        let (first, second) = (hub.follow(StreamId::of_render(render)), hub.follow(StreamId::of_render(render)));
        drop(first);
        assert_eq!(lock(&hub.inner.streams).len(), 1);
        drop(second);
        assert!(lock(&hub.inner.streams).is_empty());
    }

    #[tokio::test]
    async fn closing_ends_every_wait() {
        let hub = Hub::new();
        let mut follower = hub.follow(StreamId::of_render(RenderId::new()));
        let begun = Instant::now();
        hub.close();
        follower.news().await;
        follower.news().await;
        assert!(begun.elapsed() < POLL && follower.is_closed());
    }

    #[test]
    fn the_latest_preview_counts() {
        let (hub, render) = (Hub::new(), RenderId::new());
        assert!(hub.preview(render).is_none());
        for samples in [1, 2] {
            hub.set_preview(render, Arc::new(Preview::new(Bytes::from(vec![samples; 3]), u32::from(samples))));
        }
        assert_eq!(hub.preview(render).expect("kept").samples_done, 2);
        hub.drop_preview(render);
        assert!(hub.preview(render).is_none());
    }
}
