//! How many tasks of a queue run at once.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::members::Members;
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
    /// Most tasks at once.
    #[schema(minimum = 1, maximum = 64)]
    pub max_concurrency: u32,
    /// Fewest workers that are kept ready.
    #[schema(minimum = 1, maximum = 64)]
    pub min_concurrency: u32,
    /// Counts changes; the `ETag`.
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
    /// Most tasks at once.
    #[schema(minimum = 1, maximum = 64)]
    pub max_concurrency: u32,
    /// Fewest workers that are kept ready; at most `max_concurrency`.
    #[schema(minimum = 1, maximum = 64)]
    pub min_concurrency: u32,
}

impl WorkerConfigChange {
    /// Reads new limits.
    ///
    /// # Errors
    /// `invalid_concurrency` for numbers that are no limits, and what [`Members`] finds.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        let mut m = Members::of_body(body)?;
        let mut limit = |name: &'static str| {
            if m.value(name).is_none() {
                m.report(name, "missing", "the member is required");
                return None;
            }
            let limit = m.integer(name, i64::MIN..=i64::MAX)?;
            let in_range = u32::try_from(limit).ok().filter(|limit| (1..=CONCURRENCY_MAX).contains(limit));
            if in_range.is_none() {
                m.report(name, "invalid_concurrency", format!("expected 1 to {CONCURRENCY_MAX}"));
            }
            in_range
        };
        let (max, min) = (limit("max_concurrency"), limit("min_concurrency"));
        if let (Some(max), Some(min)) = (max, min)
            && min > max
        {
            m.report("min_concurrency", "invalid_concurrency", "is more than `max_concurrency`");
        }
        let (max_concurrency, min_concurrency) = (max.unwrap_or(1), min.unwrap_or(1));
        Invalid::unless_clean(Self { max_concurrency, min_concurrency }, m.finish())
    }
}
