//! Secrets that deliveries are signed with, in the form of Standard Webhooks 1.0.0.

use core::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::secret::{self, NoRandomness};

/// What a secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret that the service makes.
const MADE_BYTES: usize = 32;
/// Bytes of a secret, at least and at most.
const BYTES: core::ops::RangeInclusive<usize> = 24..=64;
/// Its last characters, by which people tell it from others.
const HINT_CHARS: usize = 4;

/// A secret. Whoever has it can sign in the name of the service.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

/// Text that is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is {SECRET_PREFIX} and the base64 of 24 to 64 bytes")]
pub struct InvalidWebhookSecret;

impl WebhookSecret {
    /// A new secret.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] when the operating system gives no random bytes.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut bytes = vec![0; MADE_BYTES];
        secret::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The key of the signature.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.0
    }

    /// The secret as its owner gets it, and nobody else.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// The last characters of its text.
    #[must_use]
    pub fn hint(&self) -> String {
        let text = self.reveal();
        text[text.len() - HINT_CHARS..].to_owned()
    }
}

impl FromStr for WebhookSecret {
    type Err = InvalidWebhookSecret;

    fn from_str(text: &str) -> Result<Self, InvalidWebhookSecret> {
        let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(InvalidWebhookSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| InvalidWebhookSecret)?;
        if BYTES.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(InvalidWebhookSecret) }
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n54_n64_secrets_have_24_to_64_bytes() {
        let made = WebhookSecret::generate().expect("randomness");
        let text = made.reveal();
        assert!(text.starts_with(SECRET_PREFIX) && text.len() == SECRET_PREFIX.len() + 44, "{text}");
        assert_eq!(text.parse::<WebhookSecret>(), Ok(made.clone()));
        assert!(text.ends_with(&made.hint()) && made.hint().len() == 4);
        assert!(!format!("{made:?}").contains(&made.hint()));
        let of = |n: usize| format!("{SECRET_PREFIX}{}", STANDARD.encode(vec![7; n]));
        for n in [24, 33, 64] {
            assert!(of(n).parse::<WebhookSecret>().is_ok(), "{n}");
        }
        let bare = STANDARD.encode([7; 32]);
        for text in [of(23), of(65), bare, "whsec_".to_owned(), "whsec_not base64".to_owned(), format!("{}=", of(24))] {
            assert_eq!(text.parse::<WebhookSecret>(), Err(InvalidWebhookSecret), "{text}");
        }
    }
}
