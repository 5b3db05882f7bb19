//! Steps of a conversion, in the document of its job and in the log.

use std::time::Instant;

use serde_json::{Map, Value as Json};

use crate::jobs::handler::{Desk, TaskUpdate};
use crate::programs::Stopped;
use crate::renders::work::say_of;
use packshot_domain::event::LogLevel;
use packshot_domain::step::StepName;
use packshot_worker::protocol::StepPhase;

/// A step that runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    name: StepName,
    begun: Instant,
}

impl Step {
    /// Begins.
    pub(super) fn begin(desk: &Desk, name: StepName) -> Self {
        desk.send(TaskUpdate::Step(name, StepPhase::Started { about: Map::new() }));
        say_of(desk, name, (LogLevel::Info, "started".to_owned()), None, Json::Null);
        Self { name, begun: Instant::now() }
    }

    /// Ends with what came out of it: a value, and what its record says.
    pub(super) fn end<T>(self, desk: &Desk, done: Result<(T, Map<String, Json>), Stopped>) -> Result<T, Stopped> {
        let duration_s = self.begun.elapsed().as_secs_f64();
        let failed = |error: String, level| {
            desk.send(TaskUpdate::Step(self.name, StepPhase::Failed { duration_s, error: error.clone() }));
            say_of(desk, self.name, (level, error), Some(duration_s), Json::Null);
        };
        match done {
            Ok((value, output)) => {
                let context = Json::Object(output.clone());
                desk.send(TaskUpdate::Step(self.name, StepPhase::Done { duration_s, output }));
                let message = format!("done in {duration_s:.3} s");
                say_of(desk, self.name, (LogLevel::Info, message), Some(duration_s), context);
                Ok(value)
            }
            Err(Stopped::Asked) => {
                failed("cancelled".to_owned(), LogLevel::Warning);
                Err(Stopped::Asked)
            }
            Err(Stopped::Failed(failure) | Stopped::Missing(failure)) => {
                failed(format!("{}: {}", failure.code, failure.detail), LogLevel::Error);
                Err(Stopped::Failed(failure))
            }
        }
    }

    /// Says something about a step that does not run.
    pub(super) fn say(desk: &Desk, name: StepName, message: String) {
        say_of(desk, name, (LogLevel::Info, message), None, Json::Null);
    }
}
