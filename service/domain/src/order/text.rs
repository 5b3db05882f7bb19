//! What people write about orders: numbers, notes, why one is rejected.

use std::fmt;
use std::str::FromStr;

/// Most characters of a number.
const NUMBER_CHARS_MAX: usize = 64;
/// Most characters of notes.
const NOTES_CHARS_MAX: usize = 10_000;
/// Most characters of a reason.
const REASON_CHARS_MAX: usize = 2_000;

/// The number of an order, which a tenant has once: `ORD-2026-042`, or whatever somebody gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderNumber(String);

/// Text that is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {NUMBER_CHARS_MAX} characters without spaces at the ends, none of them a control character")]
pub struct InvalidOrderNumber;

impl OrderNumber {
    /// The number of the `running`th order of a year.
    #[must_use]
    pub fn of_year(year: i32, running: i64) -> Self {
        Self(format!("ORD-{year}-{running:03}"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrderNumber {
    type Err = InvalidOrderNumber;

    fn from_str(text: &str) -> Result<Self, InvalidOrderNumber> {
        let is_short = (1..=NUMBER_CHARS_MAX).contains(&text.chars().count());
        let is_plain = text.trim() == text && !text.chars().any(char::is_control);
        if is_short && is_plain { Ok(Self(text.to_owned())) } else { Err(InvalidOrderNumber) }
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text of several lines that is empty, too long or not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {max} characters, not only spaces, none of them NUL")]
pub struct InvalidOrderText {
    max: usize,
}

/// Text as it was given, without spaces at its ends.
fn trimmed(text: &str, max: usize) -> Result<String, InvalidOrderText> {
    let text = text.trim();
    let is_text = (1..=max).contains(&text.chars().count()) && !text.contains('\0');
    if is_text { Ok(text.to_owned()) } else { Err(InvalidOrderText { max }) }
}

/// What somebody noted about an order: 1 to 10,000 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes(String);

/// Why an order is rejected: 1 to 2,000 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectionReason(String);

impl Notes {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Notes {
    type Err = InvalidOrderText;

    fn from_str(text: &str) -> Result<Self, InvalidOrderText> {
        trimmed(text, NOTES_CHARS_MAX).map(Self)
    }
}

impl fmt::Display for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl RejectionReason {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RejectionReason {
    type Err = InvalidOrderText;

    fn from_str(text: &str) -> Result<Self, InvalidOrderText> {
        trimmed(text, REASON_CHARS_MAX).map(Self)
    }
}

impl fmt::Display for RejectionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o37_numbers_have_three_digits_or_more() {
        assert_eq!(OrderNumber::of_year(2026, 1).as_str(), "ORD-2026-001");
        assert_eq!(OrderNumber::of_year(2026, 1234).as_str(), "ORD-2026-1234");
        for text in ["", " 4711", "47\n11", &"x".repeat(65)] {
            assert_eq!(text.parse::<OrderNumber>(), Err(InvalidOrderNumber), "{text:?}");
        }
        assert!("PO 4711/ü".parse::<OrderNumber>().is_ok());
    }

    #[test]
    fn o14_o31_reasons_are_trimmed_and_not_empty() {
        let long = format!("Größe falsch\n{}", "ü".repeat(1_987));
        assert_eq!(format!("  {long}\n").parse::<RejectionReason>().expect("a reason").as_str(), long);
        for text in ["", "   ", "\n", "a\0b", &"x".repeat(2_001)] {
            assert!(text.parse::<RejectionReason>().is_err(), "{text:?}");
        }
    }
}
