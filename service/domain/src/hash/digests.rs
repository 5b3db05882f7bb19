//! All that is computed of a file while it is written, in one pass over its bytes.

use sha2::{Digest, Sha256};

use super::{ContentAddress, GroupHasher, GroupHashes, Sha256Digest};

/// What is known of the bytes of a file once all of them were seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// BLAKE3: the name of the file.
    pub address: ContentAddress,
    /// The second digest.
    pub sha256: Sha256Digest,
    /// BLAKE3 of each group, when there are several.
    pub groups: GroupHashes,
    /// CRC-32 as archives have it (ISO 3309, PNG, ZIP).
    pub crc32: u32,
    /// The number of bytes.
    pub size_bytes: u64,
}

impl Digests {
    /// Those of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut digester = Digester::default();
        digester.update(bytes);
        digester.finish()
    }
}

/// Computes [`Digests`] piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Digester {
    groups: GroupHasher,
    sha256: Sha256,
    crc32: crc32fast::Hasher,
    size_bytes: u64,
}

impl Digester {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.groups.update(bytes);
        Digest::update(&mut self.sha256, bytes);
        self.crc32.update(bytes);
        self.size_bytes += bytes.len() as u64;
    }

    /// What was seen.
    #[must_use]
    pub fn finish(self) -> Digests {
        let (address, groups) = self.groups.finish();
        let sha256 = Sha256Digest::from_hash(self.sha256.finalize().into());
        Digests { address, sha256, groups, crc32: self.crc32.finalize(), size_bytes: self.size_bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a18_the_digests_of_the_test_vector() {
        let bytes = b"hello world".repeat(100);
        let digests = Digests::of(&bytes);
        let address = "blake3:838116ca8f33ffdc916fd26647b5b3426303a40517ee92187c3a56516fc4a33a";
        assert_eq!(digests.address.to_string(), address);
        assert_eq!(digests.sha256.hex(), "68cd07733b3b97926512d4bbe9b660bb5beff0675579833a52e6e059557d57f6");
        assert_eq!((digests.size_bytes, digests.groups.len()), (1100, 0));
        // The check value of this CRC.
        assert_eq!(Digests::of(b"123456789").crc32, 0xCBF4_3926);
    }

    #[test]
    fn pieces_do_not_matter() {
        let bytes: Vec<u8> = (0..=250).cycle().take((2 << 20) + 3).collect();
        let mut digester = Digester::default();
        bytes.chunks(70_001).for_each(|piece| digester.update(piece));
        let digests = digester.finish();
        assert_eq!(digests, Digests::of(&bytes));
        assert_eq!((digests.address, digests.sha256), (ContentAddress::of(&bytes), Sha256Digest::of_bytes(&bytes)));
        assert_eq!((digests.groups.len(), digests.size_bytes), (3, (2 << 20) + 3));
    }
}
