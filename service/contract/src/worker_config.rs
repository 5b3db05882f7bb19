//! How many tasks of a queue run at once.

use packshot_json::{FaultKind, Faults, Members, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::problem::Invalid;
use super::scalar::Time;
use super::task::Queue;

/// Most tasks of a queue at once.
pub const CONCURRENCY_MAX: u32 = 64;

/// Limits of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerConfig {
    /// The queue.
    pub queue_name: Queue,
    /// Tasks that run at the same time, at most.
    #[schema(minimum = 1, maximum = 64)]
    pub max_concurrency: u32,
    /// Workers that are kept ready, at least.
    #[schema(minimum = 1, maximum = 64)]
    pub min_concurrency: u32,
    /// Grows with each change; the `ETag`.
    pub revision: u64,
    /// When it was last changed.
    pub updated_at: Time,
}

/// All queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerConfigList {
    /// One per queue.
    pub items: Vec<WorkerConfig>,
    /// Always `null`: there are only a few queues.
    pub next_cursor: Option<String>,
}

/// New limits of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkerConfigChange {
    /// Tasks that run at the same time, at most.
    #[schema(minimum = 1, maximum = 64)]
    pub max_concurrency: u32,
    /// Workers that are kept ready, at least; no more than `max_concurrency`.
    #[schema(minimum = 1, maximum = 64)]
    pub min_concurrency: u32,
}

impl WorkerConfigChange {
    /// Reads new limits.
    ///
    /// # Errors
    /// `invalid_concurrency` for numbers that cannot be limits; `wrong_type`, `missing`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        let faults = Faults::default();
        let change = Node::root(body, &faults).members().and_then(|mut m| {
            let (max, min) = (limit(&mut m, "max_concurrency"), limit(&mut m, "min_concurrency"));
            if let (Some(max), Some(min)) = (max, min)
                && min > max
            {
                m.report("min_concurrency", invalid_concurrency(), "is more than `max_concurrency`");
            }
            m.finish();
            Some(Self { max_concurrency: max?, min_concurrency: min? })
        });
        Invalid::unless_faults(change, faults)
    }
}

fn invalid_concurrency() -> FaultKind {
    FaultKind::Named("invalid_concurrency".to_owned())
}

fn limit(m: &mut Members<'_>, name: &'static str) -> Option<u32> {
    let node = m.require(name)?;
    let limit = node.whole(i64::MIN..=i64::MAX)?;
    let in_range = u32::try_from(limit).ok().filter(|limit| (1..=CONCURRENCY_MAX).contains(limit));
    in_range.or_else(|| node.refuse(invalid_concurrency(), format!("expected 1 to {CONCURRENCY_MAX}")))
}
