//! Whether the service lives, and whether it can work.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer of `/healthz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
}

/// The answer of `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether the service can accept work and do it.
    pub status: ReadyStatus,
    /// The parts that were checked.
    pub checks: ReadyChecks,
}

words! {
    /// Whether the service can accept work and do it.
    pub enum ReadyStatus {
        /// It can.
        Ready = "ready",
        /// It cannot.
        NotReady = "not_ready",
    }
}

/// `ok` for each part that works, otherwise the problem in a word or two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadyChecks {
    /// The database answers.
    pub database: String,
    /// Files can be written.
    pub storage: String,
    /// There is a device to render with.
    pub device: String,
}
