//! Cancelling in every phase.

use std::time::{Duration, Instant};

use packshot_domain::step::StepName;
use packshot_renderer::backend::CancelToken;
use packshot_worker::protocol::{Outcome, StepChange, StepPhase, WorkEvent};

use crate::studio::{Assets, bearing, engine, input, run_with, small};

/// How long a render may take to stop once it is cancelled.
const SOON: Duration = Duration::from_secs(2);

/// Cancels at the first event that `when` accepts, and expects the render to end soon.
fn cancel_at(name: &str, when: impl Fn(&WorkEvent) -> bool + Sync) {
    let (engine, assets) = (engine(), Assets::default());
    let mut request = small();
    request.options.samples = Some(65_536);
    let cancel = CancelToken::default();
    let cancelled = std::sync::Mutex::new(None);
    let watch = |event: &WorkEvent| {
        if !cancel.is_cancelled() && when(event) {
            *cancelled.lock().expect("not poisoned") = Some(Instant::now());
            cancel.cancel();
        }
    };
    let run = run_with(&engine, &assets, &input(bearing(&assets), request), &cancel, &watch);
    assert_eq!(run.outcome, Outcome::Cancelled, "{name}");
    let since = cancelled.into_inner().expect("not poisoned").expect("cancelled during the render").elapsed();
    assert!(since < SOON, "{name}: {since:?}");
    let Some(WorkEvent::Log(last)) = run.events.last() else { panic!("{name}: {:?}", run.events.last()) };
    assert!(last.message.contains("cancelled") || last.message.contains("done"), "{name}: {last:?}");
}

fn is_start(event: &WorkEvent, step: StepName) -> bool {
    matches!(event, WorkEvent::Step(StepChange { step: begun, change: StepPhase::Started { .. } }) if *begun == step)
}

#[test]
fn r14_a_cancel_ends_every_phase() {
    cancel_at("import", |event| is_start(event, StepName::ResolveStepPath));
    cancel_at("materials", |event| is_start(event, StepName::ResolveMaterials));
    cancel_at("prepare", |event| is_start(event, StepName::RenderStill));
    cancel_at("first samples", |event| matches!(event, WorkEvent::Progress(_)));
    cancel_at("later samples", |event| matches!(event, WorkEvent::Progress(progress) if progress.samples_done > 16));
    cancel_at("preview", |event| matches!(event, WorkEvent::Preview(_)));
}
