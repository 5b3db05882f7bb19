//! Adapters that this process lost and has not reopened.
//!
//! A driver lists an adapter that it has lost like any other, or not at all, so listing the devices does not show the
//! loss: it has to be remembered by whoever used the adapter.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::AdapterInfo;

static LOST: Mutex<Vec<AdapterInfo>> = Mutex::new(Vec::new());

fn known() -> MutexGuard<'static, Vec<AdapterInfo>> {
    LOST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adapters that were lost and not yet reopened, which happens when work needs them next.
pub fn lost() -> Vec<AdapterInfo> {
    known().clone()
}

/// Records that an adapter was lost during its work.
pub(crate) fn note_lost(adapter: &AdapterInfo) {
    let mut known = known();
    if known.iter().all(|other| other.id != adapter.id) {
        known.push(adapter.clone());
    }
}

/// Records that an adapter was opened.
pub(crate) fn note_opened(adapter: &AdapterInfo) {
    known().retain(|other| other.id != adapter.id);
}

/// Records that a worker in another process lost an adapter, or has it open.
pub fn note_elsewhere(adapter: &AdapterInfo, is_lost: bool) {
    if is_lost { note_lost(adapter) } else { note_opened(adapter) }
}
