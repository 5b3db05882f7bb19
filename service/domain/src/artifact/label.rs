//! Short texts that people gave.

use std::fmt;
use std::str::FromStr;

/// Most characters of a label.
const LABEL_CHARS_MAX: usize = 200;
/// Most characters of a reason.
const REASON_CHARS_MAX: usize = 1_000;

/// The name, the producer or the subject of a package: 1 to 200 characters, none of them a control character, as they
/// were given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(String);

/// Text that is not a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {LABEL_CHARS_MAX} characters, none of them a control character")]
pub struct InvalidLabel;

/// Why a package was held, released, deleted or let go: 1 to 1,000 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reason(String);

/// Text that is not a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {REASON_CHARS_MAX} characters, none of them a control character")]
pub struct InvalidReason;

fn is_fit(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

impl Label {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = InvalidLabel;

    fn from_str(text: &str) -> Result<Self, InvalidLabel> {
        if is_fit(text, LABEL_CHARS_MAX) { Ok(Self(text.to_owned())) } else { Err(InvalidLabel) }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Reason {
    /// Why a package is deleted that nobody finalised.
    #[must_use]
    pub fn abandoned() -> Self {
        Self("abandoned".to_owned())
    }

    /// Why a package expires: its class keeps it no longer, and nothing needs it.
    #[must_use]
    pub fn retention() -> Self {
        Self("retention".to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reason {
    type Err = InvalidReason;

    fn from_str(text: &str) -> Result<Self, InvalidReason> {
        if is_fit(text, REASON_CHARS_MAX) { Ok(Self(text.to_owned())) } else { Err(InvalidReason) }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_1_to_200_characters() {
        for text in ["p", " ", "Lager 6204 ü.glb", &"ü".repeat(200)] {
            assert_eq!(text.parse::<Label>().expect("a label").as_str(), text);
        }
        for text in ["", &"x".repeat(201), "a\nb", "a\0"] {
            assert_eq!(text.parse::<Label>(), Err(InvalidLabel), "{text:?}");
        }
        assert_eq!(InvalidLabel.to_string(), "expected 1 to 200 characters, none of them a control character");
    }

    #[test]
    fn reasons_have_1_to_1000_characters() {
        assert!("x".repeat(1_000).parse::<Reason>().is_ok());
        for text in ["", &"x".repeat(1_001), "because\u{7}"] {
            assert_eq!(text.parse::<Reason>(), Err(InvalidReason), "{text:?}");
        }
        for reason in [Reason::abandoned(), Reason::retention()] {
            assert_eq!(reason.as_str().parse(), Ok(reason), "the service's own are reasons as well");
        }
    }
}
