//! Aliases of a tenant: names that it gave to materials, for parts or for materials (suggested-fixes.md §1).

use std::fmt;
use std::str::FromStr;

use crate::id::FixId;
use crate::product::EntryName;
use crate::words::words;

/// Most bytes of a key: normalisation can make a name longer, and a database indexes no longer ones.
const KEY_BYTES_MAX: usize = 1_024;
/// Most aliases of a tenant that are in force at once: each render takes all of them along.
pub const ACTIVE_MAX: u64 = 5_000;

words! {
    /// What an alias is a name of.
    pub enum AliasScope {
        /// A part: parts of this name wear the material
        Part = "part",
        /// A material: whoever writes this word means the material
        Material = "material",
    }
}

words! {
    /// Where an alias comes from.
    pub enum AliasSource {
        /// A suggested fix was applied
        Fix = "fix",
        /// A name of the report of unmapped names was given a material
        Report = "report",
        /// Somebody wrote it
        Manual = "manual",
    }
}

words! {
    /// State of an alias.
    pub enum AliasStatus {
        /// It is in force
        Active = "active",
        /// It was taken back, and its name is free
        Withdrawn = "withdrawn",
    }
}

words! {
    /// What happens to an alias.
    pub enum AliasEvent {
        /// It is taken back
        Withdraw = "withdraw",
    }
}

impl AliasStatus {
    /// The state after an event. An alias that was taken back stays so: whoever wants it again writes a new one.
    #[must_use]
    pub const fn next(self, event: AliasEvent) -> Self {
        match (self, event) {
            (Self::Active | Self::Withdrawn, AliasEvent::Withdraw) => Self::Withdrawn,
        }
    }
}

/// What names that differ only in their spelling have in common: 1 to 1,024 bytes. Whoever maps parts makes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AliasKey(String);

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAliasKey {
    /// Nothing is left of the name.
    #[error("expected a name with letters or digits: case, spaces, `_`, `-`, `.` and `/` do not count")]
    Empty,
    /// It is too long.
    #[error("expected a shorter name: in its plain spelling it has more than {KEY_BYTES_MAX} bytes")]
    TooLong,
}

impl AliasKey {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AliasKey {
    type Err = InvalidAliasKey;

    fn from_str(text: &str) -> Result<Self, InvalidAliasKey> {
        match text.len() {
            0 => Err(InvalidAliasKey::Empty),
            1..=KEY_BYTES_MAX => Ok(Self(text.to_owned())),
            _ => Err(InvalidAliasKey::TooLong),
        }
    }
}

impl fmt::Display for AliasKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An alias to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAlias {
    /// The name as somebody wrote it.
    pub alias: EntryName,
    /// The key of the name.
    pub key: AliasKey,
    /// What it is a name of.
    pub scope: AliasScope,
    /// The id of the material.
    pub material: EntryName,
    /// Where it comes from.
    pub source: AliasSource,
    /// The suggested fix that writes it.
    pub fix: Option<FixId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withdrawn_alias_stays_withdrawn() {
        let after: Vec<AliasStatus> =
            AliasStatus::ALL.iter().flat_map(|from| AliasEvent::ALL.iter().map(|event| from.next(*event))).collect();
        assert_eq!(after, [AliasStatus::Withdrawn, AliasStatus::Withdrawn]);
    }

    #[test]
    fn keys_have_a_length() {
        assert_eq!("".parse::<AliasKey>(), Err(InvalidAliasKey::Empty));
        assert_eq!("x".repeat(KEY_BYTES_MAX + 1).parse::<AliasKey>(), Err(InvalidAliasKey::TooLong));
        for text in ["x".repeat(KEY_BYTES_MAX), "welle".to_owned()] {
            assert_eq!(text.parse::<AliasKey>().expect("a key").as_str(), text);
        }
    }
}
