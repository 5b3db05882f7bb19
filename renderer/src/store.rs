//! What is kept between runs of the program because it takes long to make: kernels that a driver compiled, trees of
//! large products. Losing it only costs time, and nothing of it is trusted: a hash before the bytes shows whether they
//! are as they were stored.

use std::fmt::Debug;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// Kernels that a graphics driver compiled.
    Kernels,
    /// The shape of a product's trees.
    Trees,
}

impl Kept {
    /// Its name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernels => "kernels",
            Self::Trees => "trees",
        }
    }
}

/// Keeps bytes between runs of the program, by kind and name. Losing them only costs time.
pub trait ByteStore: Send + Sync + Debug {
    /// The bytes stored under `name`, if they still exist. They may be damaged: the caller checks them.
    fn load(&self, kind: Kept, name: &str) -> Option<Vec<u8>>;

    /// Stores `bytes` under `name`, or fails silently.
    fn store(&self, kind: Kept, name: &str, bytes: &[u8]);
}

/// The bytes that were stored with [`store`] under this name, if they are undamaged.
pub(crate) fn load(from: &dyn ByteStore, kind: Kept, name: &str) -> Option<Vec<u8>> {
    let mut bytes = from.load(kind, name)?;
    let (hash, data) = bytes.split_first_chunk::<{ blake3::OUT_LEN }>()?;
    let is_whole = blake3::hash(data) == *hash;
    bytes.drain(..blake3::OUT_LEN);
    is_whole.then_some(bytes)
}

/// Stores bytes, preceded by their hash.
pub(crate) fn store(into: &dyn ByteStore, kind: Kept, name: &str, bytes: &[u8]) {
    into.store(kind, name, &[blake3::hash(bytes).as_bytes(), bytes].concat());
}

#[cfg(test)]
pub(crate) mod testing {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;

    /// Keeps bytes in memory.
    #[derive(Debug, Default)]
    pub(crate) struct Memory(pub(crate) Mutex<BTreeMap<(Kept, String), Vec<u8>>>);

    impl ByteStore for Memory {
        fn load(&self, kind: Kept, name: &str) -> Option<Vec<u8>> {
            self.0.lock().expect("not poisoned").get(&(kind, name.to_owned())).cloned()
        }

        fn store(&self, kind: Kept, name: &str, bytes: &[u8]) {
            self.0.lock().expect("not poisoned").insert((kind, name.to_owned()), bytes.to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Memory;
    use super::*;

    #[test]
    fn damaged_bytes_are_not_loaded() {
        let memory = Memory::default();
        let found = |stored: &[u8]| {
            memory.store(Kept::Kernels, "a", stored);
            load(&memory, Kept::Kernels, "a")
        };
        store(&memory, Kept::Kernels, "a", b"compiled");
        let whole = memory.load(Kept::Kernels, "a").expect("stored");
        assert_eq!(found(&whole).as_deref(), Some(&b"compiled"[..]));
        for i in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[i] ^= 1;
            assert_eq!(found(&damaged), None, "byte {i}");
        }
        for length in 0..whole.len() {
            assert_eq!(found(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(load(&memory, Kept::Trees, "a"), None, "another kind");
    }
}
