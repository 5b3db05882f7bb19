//! Values with exactly one form in bytes and one in text, whatever order their members came in.

use std::collections::BTreeMap;
use std::fmt;

mod cbor;
mod json;

pub use cbor::{CborFault, InvalidCbor};

/// The greatest whole number, and the negative of the least: beyond, a reader that keeps numbers as doubles would read
/// another one (RFC 8259 §6).
pub const NUMBER_MAX: i64 = (1 << 53) - 1;

/// Named values. The order that they are written in is that of the form, not this one.
pub type Map = BTreeMap<String, Tree>;

/// What JSON can say, with one value for each meaning: 1.0 is the integer 1, and a name stands once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(Integer),
    /// Another number.
    Fraction(Fraction),
    /// Text.
    Text(String),
    /// Values in order.
    Array(Vec<Tree>),
    /// Named values.
    Map(Map),
}

/// A whole number within ±[`NUMBER_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Integer(i64);

/// A finite number that is not whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fraction(f64);

/// Equality is one: there is no NaN among fractions.
impl Eq for Fraction {}

/// A number that a [`Tree`] cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNumber {
    /// Infinite, or not a number.
    #[error("a number is infinite, or none at all")]
    NotFinite,
    /// A whole number that is too large.
    #[error("a whole number is not within ±{NUMBER_MAX}")]
    TooLarge,
}

impl Integer {
    /// The number `value`.
    ///
    /// # Errors
    ///
    /// [`InvalidNumber::TooLarge`] beyond ±[`NUMBER_MAX`].
    pub fn new(value: impl Into<i128>) -> Result<Self, InvalidNumber> {
        let value = i64::try_from(value.into()).map_err(|_| InvalidNumber::TooLarge)?;
        if (-NUMBER_MAX..=NUMBER_MAX).contains(&value) { Ok(Self(value)) } else { Err(InvalidNumber::TooLarge) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl Fraction {
    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Tree {
    /// A whole number.
    ///
    /// # Errors
    ///
    /// [`InvalidNumber::TooLarge`] beyond ±[`NUMBER_MAX`].
    pub fn integer(value: impl Into<i128>) -> Result<Self, InvalidNumber> {
        Integer::new(value).map(Self::Integer)
    }

    /// A number, which is an [`Integer`] where it is whole.
    ///
    /// # Errors
    ///
    /// [`InvalidNumber`] when it is not finite, or whole and beyond ±[`NUMBER_MAX`].
    pub fn number(value: f64) -> Result<Self, InvalidNumber> {
        if !value.is_finite() {
            Err(InvalidNumber::NotFinite)
        } else if value.fract() != 0.0 {
            Ok(Self::Fraction(Fraction(value)))
        } else if value.abs() > NUMBER_MAX as f64 {
            Err(InvalidNumber::TooLarge)
        } else {
            Ok(Self::Integer(Integer(value as i64)))
        }
    }

    /// The text that `value` is shown as.
    #[must_use]
    pub fn text(value: impl fmt::Display) -> Self {
        Self::Text(value.to_string())
    }

    /// Named values.
    #[must_use]
    pub fn map<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Its canonical CBOR: definite lengths, shortest heads and floats, keys in the order of their encoding
    /// (RFC 8949 §4.2.1).
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// The tree whose canonical CBOR these bytes are.
    ///
    /// # Errors
    ///
    /// [`InvalidCbor`], with the place, for bytes that [`Tree::to_cbor`] does not give.
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, InvalidCbor> {
        cbor::decode(bytes)
    }

    /// Its canonical JSON: members sorted by the UTF-16 of their names, no white space (RFC 8785).
    #[must_use]
    pub fn to_json(&self) -> String {
        json::write(self)
    }

    /// How many arrays and maps lie in each other, at most: 0 for a number, 1 for `[]` and `{}`.
    #[must_use]
    pub fn levels(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::levels).max().unwrap_or(0),
            Self::Map(map) => 1 + map.values().map(Self::levels).max().unwrap_or(0),
            _ => 0,
        }
    }
}

impl From<bool> for Tree {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Tree {
    fn from(value: i32) -> Self {
        Self::Integer(Integer(value.into()))
    }
}

impl From<u32> for Tree {
    fn from(value: u32) -> Self {
        Self::Integer(Integer(value.into()))
    }
}

impl From<Integer> for Tree {
    fn from(value: Integer) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Tree {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Tree {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<Self>> for Tree {
    fn from(items: Vec<Self>) -> Self {
        Self::Array(items)
    }
}

impl From<Map> for Tree {
    fn from(members: Map) -> Self {
        Self::Map(members)
    }
}

impl<T: Into<Self>> From<Option<T>> for Tree {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
pub(super) mod tests;
