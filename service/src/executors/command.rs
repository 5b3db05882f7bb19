//! A program that renders: it gets the GLB and the CAD file in a folder of its own, and writes the picture there.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::{FAILED, TIMEOUT};
use crate::jobs::handler::Desk;
use crate::objects::Reading;
use crate::programs::{Errand, Input, Role, Stopped};
use crate::store::{Spooled, Store};
use packshot_worker::command::Launcher;

/// What an executor is, in words.
const ROLE: Role = Role {
    name: "the executor",
    setting: "legacy_executors",
    product: "the picture of the executor",
    failed: FAILED,
    timeout: TIMEOUT,
};
/// The file that the program writes.
const OUTPUT: &str = "rendered.png";

/// A program that renders.
#[derive(Clone, Debug)]
pub(super) struct Command {
    /// The program and its arguments.
    pub(super) command: Vec<String>,
    /// How long a picture may take.
    pub(super) time_max: Duration,
    /// What starts it. Its programs count as at work until they are gone.
    pub(super) launcher: Launcher,
    /// Where its folders are.
    pub(super) scratch: PathBuf,
}

impl Command {
    /// Runs it with a job.
    ///
    /// # Errors
    /// [`Stopped`].
    pub(super) async fn render(
        &self,
        desk: &mut Desk,
        (glb, source): (Reading, Reading),
        job: Map<String, Json>,
        (store, bytes_max): (&Store, u64),
    ) -> Result<Spooled, Stopped> {
        let Self { command, time_max, launcher, scratch } = self;
        let errand = Errand { launcher, command, time_max: *time_max, scratch, role: ROLE };
        let inputs = vec![
            Input { member: "glb_path", file: "scene.glb", content: glb },
            Input { member: "source_path", file: "source", content: source },
        ];
        let made = errand.run(desk, inputs, OUTPUT, job).await?;
        Ok(made.take(store, bytes_max).await?)
    }
}
