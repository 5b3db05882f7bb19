//! Hashes of the groups of a file: inner values of the same tree of BLAKE3 that gives the content address, so that a
//! part of a file can be checked without the rest (artifacts.md §5).

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

use super::ContentAddress;

/// Bytes of a group; the last group of a file may have fewer. A power of two, as the subtrees of BLAKE3 are.
pub const GROUP_BYTES: u64 = 1 << 20;

/// Bytes of a chaining value.
const VALUE_BYTES: usize = blake3::OUT_LEN;

/// The chaining value of each group of a file, in their order. A file of one group has none: its address is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupHashes(Vec<ChainingValue>);

impl GroupHashes {
    /// Those that a column keeps: 32 bytes each, one after the other. `None` for bytes that cannot be that.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (values, rest) = bytes.as_chunks::<VALUE_BYTES>();
        (rest.is_empty() && values.len() != 1).then(|| Self(values.to_vec()))
    }

    /// 32 bytes each, one after the other.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// How many there are: none, or at least two.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the file has one group, of which no hash is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The address of the file that has these groups; `None` when the file has one group.
    #[must_use]
    pub fn address(&self) -> Option<ContentAddress> {
        if self.0.len() < 2 {
            return None;
        }
        let (left, right) = self.0.split_at(left_groups(self.0.len()));
        let root = merge_subtrees_root(&joined(left), &joined(right), Mode::Hash);
        Some(ContentAddress::from_hash(*root.as_bytes()))
    }

    /// Whether they are those of the file with this address and size: as many as it has, and they join to the address.
    /// Of a file of one group there is nothing to prove, as its bytes are compared with the address; of an empty one,
    /// the address says all.
    #[must_use]
    pub fn prove(&self, address: &ContentAddress, size_bytes: u64) -> bool {
        match group_count(size_bytes) {
            1 => self.is_empty() && (size_bytes > 0 || *address == ContentAddress::of(b"")),
            n_groups => self.0.len() as u64 == n_groups && self.address().as_ref() == Some(address),
        }
    }

    /// Whether bytes are those of a group of the file with this address, whose hashes these are.
    #[must_use]
    pub fn fits(&self, address: &ContentAddress, group: u64, bytes: &[u8]) -> bool {
        if self.is_empty() {
            return group == 0 && bytes.len() as u64 <= GROUP_BYTES && ContentAddress::of(bytes) == *address;
        }
        let Some(expected) = usize::try_from(group).ok().and_then(|group| self.0.get(group)) else { return false };
        // The hasher takes neither an empty subtree nor one that is too long.
        let is_formed = !bytes.is_empty() && bytes.len() as u64 <= GROUP_BYTES;
        is_formed && begun(group).update(bytes).finalize_non_root() == *expected
    }
}

/// How many groups a file has; an empty one has one.
fn group_count(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(GROUP_BYTES).max(1)
}

/// How many of at least two groups belong to the left subtree: the largest power of two below their number.
fn left_groups(n_groups: usize) -> usize {
    n_groups.next_power_of_two() / 2
}

/// The chaining value of a subtree that is not the root. There is at least one group.
fn joined(values: &[ChainingValue]) -> ChainingValue {
    match values {
        [one] => *one,
        several => {
            let (left, right) = several.split_at(left_groups(several.len()));
            merge_subtrees_non_root(&joined(left), &joined(right), Mode::Hash)
        }
    }
}

/// The hasher of a group that has no bytes yet.
fn begun(group: u64) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(group * GROUP_BYTES);
    hasher
}

/// Hashes a file group by group, in one pass over its bytes.
#[derive(Clone, Debug)]
pub struct GroupHasher {
    complete: Vec<ChainingValue>,
    /// The group that is being hashed. It is only complete when a byte after it comes: the last one may be the root.
    group: Hasher,
    group_bytes: u64,
}

impl Default for GroupHasher {
    fn default() -> Self {
        Self { complete: Vec::new(), group: begun(0), group_bytes: 0 }
    }
}

impl GroupHasher {
    /// Takes the next bytes of the file.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.group_bytes == GROUP_BYTES {
                self.complete.push(self.group.finalize_non_root());
                self.group = begun(self.complete.len() as u64);
                self.group_bytes = 0;
            }
            let room = usize::try_from(GROUP_BYTES - self.group_bytes).unwrap_or(usize::MAX);
            let (taken, rest) = bytes.split_at(room.min(bytes.len()));
            self.group.update(taken);
            self.group_bytes += taken.len() as u64;
            bytes = rest;
        }
    }

    /// The address of the file, and the hashes of its groups.
    #[must_use]
    pub fn finish(self) -> (ContentAddress, GroupHashes) {
        let Self { mut complete, group, group_bytes: _ } = self;
        if complete.is_empty() {
            return (ContentAddress::from_hash(*group.finalize().as_bytes()), GroupHashes::default());
        }
        complete.push(group.finalize_non_root());
        let (left, right) = complete.split_at(left_groups(complete.len()));
        let root = merge_subtrees_root(&joined(left), &joined(right), Mode::Hash);
        (ContentAddress::from_hash(*root.as_bytes()), GroupHashes(complete))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of which no two groups are equal.
    fn bytes(size_bytes: usize) -> Vec<u8> {
        let mut bytes = vec![0; size_bytes];
        Hasher::new().finalize_xof().fill(&mut bytes);
        bytes
    }

    fn hashed(bytes: &[u8], piece_bytes: usize) -> (ContentAddress, GroupHashes) {
        let mut hasher = GroupHasher::default();
        bytes.chunks(piece_bytes).for_each(|piece| hasher.update(piece));
        hasher.finish()
    }

    #[test]
    fn a66_groups_join_to_the_address() {
        const GROUP: usize = GROUP_BYTES as usize;
        for (size_bytes, n_hashes) in [
            (0, 0),
            (1, 0),
            (GROUP - 1, 0),
            (GROUP, 0),
            (GROUP + 1, 2),
            (2 * GROUP, 2),
            (5 * GROUP - 1, 5),
            (10 * GROUP + 7, 11),
        ] {
            let bytes = bytes(size_bytes);
            for piece_bytes in [64_999, GROUP, usize::MAX] {
                let (address, hashes) = hashed(&bytes, piece_bytes);
                assert_eq!(address, ContentAddress::of(&bytes), "{size_bytes} in pieces of {piece_bytes}");
                assert_eq!(hashes.len(), n_hashes, "{size_bytes}");
                assert_eq!(hashes.address(), (n_hashes > 0).then_some(address), "{size_bytes}");
                assert!(hashes.prove(&address, size_bytes as u64), "{size_bytes}");
                assert_eq!(GroupHashes::from_bytes(&hashes.to_bytes()), Some(hashes.clone()));
                for (group, bytes) in (0..).zip(bytes.chunks(GROUP)) {
                    assert!(hashes.fits(&address, group, bytes), "{size_bytes}: {group}");
                }
            }
        }
    }

    #[test]
    fn a66_what_was_changed_proves_nothing() {
        let bytes = bytes(3 << 20);
        let (address, hashes) = hashed(&bytes, 1 << 20);
        let mut changed = hashes.to_bytes();
        changed[40] ^= 1;
        let changed = GroupHashes::from_bytes(&changed).expect("as long as before");
        assert!(!changed.prove(&address, 3 << 20));
        assert!(!GroupHashes::default().prove(&address, 3 << 20), "emptied");
        assert!(
            !hashes.prove(&address, (3 << 20) + 1) && !hashes.prove(&address, 2 << 20) && !hashes.prove(&address, 1)
        );
        assert!(!hashes.prove(&ContentAddress::of(b"x"), 3 << 20));
        assert!(!GroupHashes::default().prove(&ContentAddress::of(b"x"), 0), "not empty");
        assert_eq!(GroupHashes::from_bytes(&[0; 33]), None);
        assert_eq!(GroupHashes::from_bytes(&[0; 32]), None, "one group has no hash");
    }

    #[test]
    fn a48_a_group_fits_in_its_place_alone() {
        let bytes = bytes((2 << 20) + 5);
        let (address, hashes) = hashed(&bytes, 1 << 20);
        let groups: Vec<&[u8]> = bytes.chunks(1 << 20).collect();
        assert!(!hashes.fits(&address, 0, groups[1]) && !hashes.fits(&address, 3, groups[0]));
        assert!(!hashes.fits(&address, 2, &groups[2][..4]) && !hashes.fits(&address, 2, b""));
        let mut flipped = groups[1].to_vec();
        flipped[12_345] ^= 1;
        assert!(!hashes.fits(&address, 1, &flipped) && hashes.fits(&address, 1, groups[1]));
        let (small, none) = hashed(b"a picture", 4);
        assert!(none.fits(&small, 0, b"a picture") && !none.fits(&small, 0, b"a pictura"));
        assert!(!none.fits(&small, 1, b"a picture"));
    }
}
