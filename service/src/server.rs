//! The running service: its parts put together, the accept loop, the first run, the graceful end.

pub mod accept;
mod addresses;
pub mod app;
pub mod confine;
pub mod error;
mod housekeeping;
pub mod identity;
pub(crate) mod lasting;
pub mod lock;
pub mod metrics;
pub mod page;
pub mod purge;
pub mod setup;
pub mod signal;
mod succession;
mod patience;

pub use app::{STOP_LOG_TARGET, run};
pub use error::ServeError;
