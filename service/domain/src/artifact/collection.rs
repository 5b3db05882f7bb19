//! How long collection waits before it takes something away (artifacts.md §5).

use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long nothing has happened to a package that is not finalised before it is deleted as abandoned.
pub const ABANDONED_AFTER: Duration = DAY;

/// How long nothing has referred to a package that is due before it expires.
pub const UNREFERENCED_AFTER: Duration = DAY;

/// How old an object is that no location names before it is removed: what is being written is younger.
pub const ORPHANED_AFTER: Duration = DAY;
