//! Secrets that the service makes, and what it stores of those that it is shown.

use std::fmt;

/// Letters and digits. 43 of 62 are 256.03 bits.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct NoRandomness(getrandom::Error);

/// The BLAKE3 hash of a secret: only this is stored. Secrets are random and long, so nothing slower is needed.
#[derive(Clone, Copy)]
pub struct SecretHash(blake3::Hash);

impl SecretHash {
    /// The hash of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(blake3::hash(secret.as_bytes()))
    }

    /// The hash with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(blake3::Hash::from_bytes(bytes))
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Whether both are the same, in a time that does not depend on where they differ.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        // Equality of `blake3::Hash` is documented to take constant time.
        self.0 == other.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// Fills these bytes with random ones.
///
/// # Errors
///
/// [`NoRandomness`] when the operating system has none.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    getrandom::fill(bytes).map_err(NoRandomness)
}

/// `len` random letters and digits, each equally likely.
///
/// # Errors
///
/// [`NoRandomness`] when the operating system has none.
pub fn random_text(len: usize) -> Result<String, NoRandomness> {
    // Bytes beyond the largest multiple of 62 would favour the first letters.
    let fair = u8::MAX - u8::MAX % 62;
    let mut text = String::with_capacity(len);
    let mut bytes = [0; 64];
    while text.len() < len {
        getrandom::fill(&mut bytes).map_err(NoRandomness)?;
        let letters =
            bytes.iter().filter(|byte| **byte < fair).map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        text.extend(letters.take(len - text.len()));
    }
    Ok(text)
}
