//! How far the installation is set up.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer of GET `/api/v1/setup`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Setup {
    /// A user with a password or an API key exists.
    pub configured: bool,
    /// Requests from this machine need no key.
    pub open_mode: bool,
}
