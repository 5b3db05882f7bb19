//! A renderer that hurries, for tests that are not about what their pictures show.

use std::sync::Arc;

use packshot_pipeline::denoise::Denoise;
use packshot_worker::executor::{AssetSource, EventSender, Executor, WorkHandle};
use packshot_worker::protocol::RenderWork;

use crate::app::{Installation, TestApp, TestDatabase};

/// What the service asks for of itself, in thumbnails and comparisons: 64 samples.
const SAMPLES_OF_THE_SERVICE: u32 = 64;

/// Takes one sample per pixel where the service or a default asks for 64, and removes no noise from such pictures. What
/// a test asks for is rendered as it is.
#[derive(Debug)]
struct Hasty(Arc<dyn Executor>);

impl Installation {
    /// The same, where a picture whose samples nobody chose gets one.
    pub(crate) fn in_a_hurry(mut self) -> Self {
        self.renders_with = |renderer| Arc::new(Hasty(renderer));
        self
    }
}

impl TestApp {
    /// A service with a worker whose renderer is in a hurry.
    pub(crate) async fn start_hasty(engine: &TestDatabase) -> Self {
        Installation::new(engine, &[]).await.in_a_hurry().start(true).await
    }
}

impl Executor for Hasty {
    fn start(&self, mut work: RenderWork, assets: Arc<dyn AssetSource>, events: EventSender) -> WorkHandle {
        let options = &mut work.input.plan.options;
        if options.samples == Some(SAMPLES_OF_THE_SERVICE) {
            (options.samples, options.denoise) = (Some(1), Some(Denoise::Off));
        }
        self.0.start(work, assets, events)
    }

    fn live(&self) -> usize {
        self.0.live()
    }
}
