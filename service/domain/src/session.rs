//! Sessions of people: what a refresh token is, how long it lives, and what a use of it means (tenancy.md §3).

use std::fmt;
use std::time::Duration;

use super::secret::{NoRandomness, SecretHash, random_text};
use super::time::Timestamp;

/// Characters of the secret.
const SECRET_LEN: usize = 43;
/// How long a refresh token still works after it was replaced: answers are lost, and several tabs share one.
pub const REPLACED_GRACE: Duration = Duration::from_secs(10);

/// A refresh token as its owner has it: `rt_` and 43 letters and digits.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

/// Text that cannot be a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token")]
pub struct InvalidToken;

/// A refresh token as it is stored, with its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshFacts {
    /// When it expires.
    pub expires_at: Timestamp,
    /// When another one took its place.
    pub replaced_at: Option<Timestamp>,
    /// When the session ended.
    pub revoked_at: Option<Timestamp>,
}

/// What the use of a refresh token means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// It is answered with a new pair.
    Renew,
    /// It has expired, or its session has ended.
    Refuse,
    /// It was replaced a while ago, so two parties have it: the session ends.
    Reuse,
}

impl RefreshToken {
    /// A new token.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] when the operating system has none.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(format!("rt_{}", random_text(SECRET_LEN)?)))
    }

    /// The token with this text.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] when it does not have the form of one.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let secret = text.strip_prefix("rt_").ok_or(InvalidToken)?;
        let is_formed = secret.len() == SECRET_LEN && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_formed { Ok(Self(text.to_owned())) } else { Err(InvalidToken) }
    }

    /// The whole token, to be shown once.
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

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

impl RefreshFacts {
    /// What a use at `now` means.
    #[must_use]
    pub fn used_at(self, now: Timestamp) -> Refresh {
        let is_late = self.replaced_at.is_some_and(|replaced_at| replaced_at + REPLACED_GRACE < now);
        match () {
            () if self.revoked_at.is_some() || self.expires_at <= now => Refresh::Refuse,
            () if is_late => Refresh::Reuse,
            () => Refresh::Renew,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_well_formed_and_do_not_show() {
        let token = RefreshToken::generate().expect("randomness");
        assert_eq!((token.reveal().len(), RefreshToken::parse(token.reveal())), (46, Ok(token.clone())));
        assert_ne!(token, RefreshToken::generate().expect("randomness"));
        assert_eq!(format!("{token:?}"), "RefreshToken(…)");
        let secret = "a".repeat(43);
        for text in [
            String::new(),
            secret.clone(),
            format!("rt_{secret}a"),
            format!("pk_{secret}"),
            format!("rt_{}é", &secret[2..]),
        ] {
            assert_eq!(RefreshToken::parse(&text), Err(InvalidToken), "{text}");
        }
    }

    #[test]
    fn t23_a_replaced_token_works_for_ten_seconds() {
        let at = |s: i64| Timestamp::from_unix_ms(s * 1000);
        let fresh = RefreshFacts { expires_at: at(1000), replaced_at: None, revoked_at: None };
        let replaced = RefreshFacts { replaced_at: Some(at(100)), ..fresh };
        for (facts, now, meaning) in [
            (fresh, 999, Refresh::Renew),
            (fresh, 1000, Refresh::Refuse),
            (replaced, 110, Refresh::Renew),
            (replaced, 111, Refresh::Reuse),
            (replaced, 1000, Refresh::Refuse),
            (RefreshFacts { revoked_at: Some(at(105)), ..replaced }, 106, Refresh::Refuse),
        ] {
            assert_eq!(facts.used_at(at(now)), meaning, "{facts:?} at {now}");
        }
    }
}
