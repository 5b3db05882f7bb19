//! Cancelling the import of a large file.

use super::ImportErrorCode as Code;
use super::error::ImportError;

/// Whether the caller still wants the scene. Polled often enough that less than a tenth of a second passes between two
/// polls.
#[derive(Clone, Copy)]
pub(super) struct Cancel<'a>(&'a (dyn Fn() -> bool + Sync));

impl<'a> Cancel<'a> {
    /// How many small objects are processed between two polls.
    pub(super) const STRIDE: usize = 1 << 12;

    pub(super) fn new(cancelled: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self(cancelled)
    }

    /// Fails when the caller has cancelled.
    pub(super) fn check(self) -> Result<(), ImportError> {
        if (self.0)() { Err(self.error()) } else { Ok(()) }
    }

    /// Why the import ended.
    pub(super) fn error(self) -> ImportError {
        ImportError::new(Code::Cancelled, "", "the import was cancelled")
    }

    /// The callback itself.
    pub(super) fn flag(self) -> &'a (dyn Fn() -> bool + Sync) {
        self.0
    }

    /// Polls at every [`Self::STRIDE`]th of many small objects.
    pub(super) fn check_at(self, place: usize) -> Result<(), ImportError> {
        if place.is_multiple_of(Self::STRIDE) { self.check() } else { Ok(()) }
    }
}
