//! Content addresses: what a stored file is called, made of its bytes; and the second digest, by which others verify
//! them.

use std::fmt;
use std::str::FromStr;

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

/// The SHA-256 of some bytes; as text 64 lower-case hexadecimal digits. It lets others verify a file, and is never an
/// address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256Digest([u8; 32]);

/// Text that is not a SHA-256 digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest: 64 lower-case hexadecimal digits are expected")]
pub struct InvalidSha256;

impl Sha256Digest {
    /// The digest with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256Digest {
    type Err = InvalidSha256;

    fn from_str(text: &str) -> Result<Self, InvalidSha256> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(InvalidSha256),
        };
        if text.len() != 64 {
            return Err(InvalidSha256);
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = (digit(digits[0])? << 4) | digit(digits[1])?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_digest_is_64_lower_case_digits() {
        let text = "68cd07733b3b97926512d4bbe9b660bb5beff0675579833a52e6e059557d57f6";
        let digest: Sha256Digest = text.parse().expect("a digest");
        assert_eq!((digest.bytes()[..3].to_vec(), digest.to_string().as_str()), (vec![0x68, 0xcd, 0x07], text));
        for other in ["", &text[1..], &text.to_uppercase(), &format!("{text}0"), &text.replace('6', "g")] {
            assert_eq!(other.parse::<Sha256Digest>(), Err(InvalidSha256), "{other}");
        }
    }

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
