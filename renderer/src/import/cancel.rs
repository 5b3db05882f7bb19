//! Stopping half-way through a large file.

use super::ImportErrorCode as Code;
use super::error::ImportError;

/// Whether the caller still wants the scene. Asked often enough that no stretch between two questions takes a tenth of
/// a second.
#[derive(Clone, Copy)]
pub(super) struct Cancel<'a>(&'a (dyn Fn() -> bool + Sync));

impl<'a> Cancel<'a> {
    /// Of small objects, so many pass from question to question.
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

    /// The question itself.
    pub(super) fn flag(self) -> &'a (dyn Fn() -> bool + Sync) {
        self.0
    }

    /// The same, at every [`Self::STRIDE`]th of many small objects.
    pub(super) fn check_at(self, place: usize) -> Result<(), ImportError> {
        if place.is_multiple_of(Self::STRIDE) { self.check() } else { Ok(()) }
    }
}
