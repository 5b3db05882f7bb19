//! Adapters that this process lost and has not opened again.
//!
//! A driver lists an adapter that it has lost as it lists any other, or no longer; so who lists devices cannot find
//! out, and who used one remembers it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::AdapterInfo;

static LOST: Mutex<Vec<AdapterInfo>> = Mutex::new(Vec::new());

fn known() -> MutexGuard<'static, Vec<AdapterInfo>> {
    LOST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adapters that were lost, until they are opened again: by the next work that wants them, or never.
pub fn lost() -> Vec<AdapterInfo> {
    known().clone()
}

/// An adapter went away under its work.
pub(crate) fn note_lost(adapter: &AdapterInfo) {
    let mut known = known();
    if known.iter().all(|other| other.id != adapter.id) {
        known.push(adapter.clone());
    }
}

/// An adapter was opened.
pub(crate) fn note_opened(adapter: &AdapterInfo) {
    known().retain(|other| other.id != adapter.id);
}

/// A worker in a process of its own lost an adapter, or has it open.
pub fn note_elsewhere(adapter: &AdapterInfo, is_lost: bool) {
    if is_lost { note_lost(adapter) } else { note_opened(adapter) }
}
