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
    /// Whether work can be accepted and done.
    pub status: ReadyStatus,
    /// What was looked at.
    pub checks: ReadyChecks,
}

words! {
    /// Whether work can be accepted and done.
    pub enum ReadyStatus {
        /// It can.
        Ready = "ready",
        /// It cannot.
        NotReady = "not_ready",
    }
}

/// `ok` for each part that works, else what is wrong with it in a word or two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadyChecks {
    /// The database answers.
    pub database: String,
    /// Files can be written.
    pub storage: String,
    /// Something can render.
    pub device: String,
}
