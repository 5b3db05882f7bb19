//! Buffers that are reused: the operating system takes longer to provide new pages than some layers take to fill them.

use std::sync::{Mutex, PoisonError};

use super::lanes::Block;

/// Vectors that are currently unused.
#[derive(Debug, Default)]
pub(super) struct Spare(Mutex<Vec<Vec<Block>>>);

impl Spare {
    /// A vector of this length with undefined contents.
    pub(super) fn take(&self, length: usize) -> Vec<Block> {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = spare.iter().enumerate().filter(|(_, vector)| vector.len() >= length);
        // Does not use a large one for a small request.
        let best = fitting.min_by_key(|(_, vector)| vector.len()).filter(|(_, vector)| vector.len() <= length * 2);
        match best.map(|(i, _)| i) {
            Some(i) => {
                let mut vector = spare.swap_remove(i);
                vector.truncate(length);
                vector
            }
            None => {
                drop(spare);
                vec![Block::ZERO; length]
            }
        }
    }

    /// Returns a vector.
    pub(super) fn give(&self, vector: Vec<Block>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(vector);
    }

    /// Frees vectors, the largest first, until at most this much is kept.
    pub(super) fn trim(&self, kept_bytes_max: usize) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spare.sort_by_key(Vec::len);
        let mut kept_bytes = 0;
        spare.retain(|vector| {
            kept_bytes += vector.capacity() * size_of::<Block>();
            kept_bytes <= kept_bytes_max
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_kept_and_large_is_not_taken_for_little() {
        let spare = Spare::default();
        for length in [100, 1000, 2000] {
            spare.give(vec![Block::ZERO; length]);
        }
        spare.trim(1100 * size_of::<Block>());
        let kept =
            |spare: &Spare| -> Vec<usize> { spare.0.lock().expect("nobody panicked").iter().map(Vec::len).collect() };
        assert_eq!(kept(&spare), [100, 1000]);
        assert_eq!(spare.take(600).len(), 600);
        assert_eq!(kept(&spare), [100]);
        assert_eq!(spare.take(20).len(), 20);
        assert_eq!(kept(&spare), [100]);
    }
}
