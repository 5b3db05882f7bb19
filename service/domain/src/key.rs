//! API keys: `pk_`, 8 characters that find the row, `_`, 43 characters that are the secret.

use std::fmt;

use super::secret::{NoRandomness, SecretHash, random_text};

const PREFIX_LEN: usize = 3 + 8;
const SECRET_LEN: usize = 43;

/// An API key as its owner has it. It is the secret itself, so it is only shown on demand.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// Text that cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an API key")]
pub struct InvalidKey;

impl ApiKey {
    /// A new key.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] when the operating system has none.
    pub fn generate() -> Result<Self, NoRandomness> {
        let random = random_text(PREFIX_LEN - 3 + SECRET_LEN)?;
        let (finder, secret) = random.split_at(PREFIX_LEN - 3);
        Ok(Self(format!("pk_{finder}_{secret}")))
    }

    /// The key with this text.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] when it does not have the form of one.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let bytes = text.as_bytes();
        let is_formed = bytes.len() == PREFIX_LEN + 1 + SECRET_LEN
            && is_prefix(&bytes[..PREFIX_LEN])
            && bytes[PREFIX_LEN] == b'_'
            && bytes[PREFIX_LEN + 1..].iter().all(u8::is_ascii_alphanumeric);
        if is_formed { Ok(Self(text.to_owned())) } else { Err(InvalidKey) }
    }

    /// `pk_` and the 8 characters after it: what may be shown, and finds the row.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.0[..PREFIX_LEN]
    }

    /// The whole key, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Its hash, which is stored.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

/// Whether `text` is what a key begins with: `pk_` and 8 letters or digits.
pub(crate) fn is_prefix(text: &[u8]) -> bool {
    let finder = text.strip_prefix(b"pk_");
    finder.is_some_and(|finder| text.len() == PREFIX_LEN && finder.iter().all(u8::is_ascii_alphanumeric))
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}…)", self.prefix())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn generated_keys_are_well_formed_and_differ() {
        let keys: HashSet<String> =
            (0..200).map(|_| ApiKey::generate().expect("randomness").reveal().to_owned()).collect();
        assert_eq!(keys.len(), 200);
        for text in &keys {
            let key = ApiKey::parse(text).expect("a generated key");
            assert_eq!((key.prefix().len(), text.len()), (11, 55));
            assert!(text.starts_with(key.prefix()));
        }
        let used: HashSet<char> = keys.iter().flat_map(|key| key[3..].chars()).collect();
        assert_eq!(used.len(), 63, "every letter and digit, and the underscore");
    }

    #[test]
    fn other_text_is_refused() {
        let good = format!("pk_{}_{}", "a".repeat(8), "b".repeat(43));
        assert!(ApiKey::parse(&good).is_ok());
        let bad = [
            String::new(),
            good[1..].to_owned(),
            good.clone() + "b",
            good.replace("pk_", "rk_"),
            good.replacen('b', "-", 1),
            good.replacen("bb", "é", 1),
            good.replacen("aa", "é", 1),
        ];
        for text in bad {
            assert_eq!(ApiKey::parse(&text), Err(InvalidKey), "{text}");
        }
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let key = ApiKey::parse(&format!("pk_{}_{}", "a".repeat(8), "b".repeat(43))).expect("well formed");
        assert_eq!(format!("{key:?} {:?}", key.hash()), "ApiKey(pk_aaaaaaaa…) SecretHash(…)");
        assert!(key.hash().is(&SecretHash::from_bytes(*key.hash().as_bytes())));
        assert!(!key.hash().is(&ApiKey::generate().expect("randomness").hash()));
    }
}
