//! Content addresses: what a stored file is called, made of its bytes; and the other hashes that are kept of it.

use std::fmt;
use std::str::FromStr;

mod digests;
mod groups;
mod sha256;

pub use digests::{Digester, Digests};
pub use groups::{GROUP_BYTES, GroupHasher, GroupHashes};
pub use sha256::{InvalidSha256, Sha256Digest};

const PREFIX: &str = "blake3:";

/// The BLAKE3 hash of some bytes; as text `blake3:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentAddress([u8; 32]);

/// Text that is not a content address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a content address: 'blake3:' and 64 lower-case hexadecimal digits are expected")]
pub struct InvalidAddress;

impl ContentAddress {
    /// The address of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The address with this hash.
    #[must_use]
    pub const fn from_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The 32 bytes of the hash.
    #[must_use]
    pub const fn hash(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 digits without the prefix.
    #[must_use]
    pub fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

impl fmt::Display for ContentAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.hex())
    }
}

impl fmt::Debug for ContentAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let digits = text.strip_prefix(PREFIX).ok_or(InvalidAddress)?;
        if digits.bytes().any(|digit| digit.is_ascii_uppercase()) {
            return Err(InvalidAddress);
        }
        blake3::Hash::from_hex(digits).map(|hash| Self(*hash.as_bytes())).map_err(|_| InvalidAddress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_nothing_is_the_published_hash() {
        let text = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(ContentAddress::of(b"").to_string(), text);
        assert_eq!(text.parse(), Ok(ContentAddress::of(b"")));
    }

    #[test]
    fn other_text_is_refused() {
        let good = ContentAddress::of(b"x").to_string();
        let upper = good.to_uppercase();
        for text in ["", "blake3:", &good[7..], &good[..70], &upper, &upper.replace("BLAKE3", "blake3"), "sha256:00"] {
            assert_eq!(text.parse::<ContentAddress>(), Err(InvalidAddress), "{text}");
        }
    }
}
