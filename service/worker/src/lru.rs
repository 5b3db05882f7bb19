//! A few costly things kept for the next request: the least recently used go first when there are too many bytes of
//! them.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is kept, by key. Clones of values are cheap handles.
#[derive(Debug)]
pub struct Lru<K, V> {
    bytes_max: u64,
    /// The least recently used first.
    entries: Mutex<Vec<Entry<K, V>>>,
}

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    bytes: u64,
}

impl<K: PartialEq, V: Clone> Lru<K, V> {
    /// Keeps at most so many bytes.
    pub fn new(bytes_max: u64) -> Self {
        Self { bytes_max, entries: Mutex::default() }
    }

    /// What is kept under `key`, which counts as a use.
    pub fn get(&self, key: &K) -> Option<V> {
        let mut entries = self.lock();
        let i = entries.iter().position(|entry| entry.key == *key)?;
        let entry = entries.remove(i);
        let value = entry.value.clone();
        entries.push(entry);
        Some(value)
    }

    /// Keeps `value` with its size in bytes, and drops others for it. A value larger than the whole bound is not kept.
    pub fn insert(&self, key: K, value: V, bytes: u64) {
        if bytes > self.bytes_max {
            return;
        }
        let mut gone = Vec::new();
        {
            let mut entries = self.lock();
            if let Some(i) = entries.iter().position(|entry| entry.key == key) {
                gone.push(entries.remove(i));
            }
            let mut held: u64 = entries.iter().map(|entry| entry.bytes).sum();
            while held > self.bytes_max - bytes {
                let oldest = entries.remove(0);
                held -= oldest.bytes;
                gone.push(oldest);
            }
            entries.push(Entry { key, value, bytes });
        }
        // Freeing gigabytes takes a while: nobody has to wait for it.
        drop(gone);
    }

    /// Drops everything whose key fulfils a condition.
    pub fn remove(&self, condition: impl Fn(&K) -> bool) {
        let kept = |entry: &Entry<K, V>| !condition(&entry.key);
        let gone: Vec<_> = {
            let mut entries = self.lock();
            let (kept, gone) = std::mem::take(&mut *entries).into_iter().partition(kept);
            *entries = kept;
            gone
        };
        drop(gone);
    }

    /// Bytes of everything that is kept.
    pub fn bytes(&self) -> u64 {
        self.lock().iter().map(|entry| entry.bytes).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry<K, V>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let lru = Lru::new(10);
        lru.insert("a", 1, 4);
        lru.insert("b", 2, 4);
        assert_eq!(lru.get(&"a"), Some(1));
        lru.insert("c", 3, 4);
        assert_eq!((lru.get(&"a"), lru.get(&"b"), lru.get(&"c"), lru.bytes()), (Some(1), None, Some(3), 8));
        lru.insert("huge", 4, 11);
        assert_eq!(lru.get(&"huge"), None);
        lru.remove(|key| *key == "a");
        assert_eq!((lru.get(&"a"), lru.get(&"c")), (None, Some(3)));
    }

    proptest! {
        #[test]
        fn the_bound_holds_and_the_newest_is_there(inserts in prop::collection::vec((0_u8..6, 0_u64..12), 1..40)) {
            let lru = Lru::new(10);
            for (key, bytes) in inserts {
                lru.insert(key, bytes, bytes);
                prop_assert!(lru.bytes() <= 10);
                if bytes <= 10 {
                    prop_assert_eq!(lru.get(&key), Some(bytes));
                }
            }
        }
    }
}
