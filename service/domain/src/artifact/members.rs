//! Reading the members of a tree that a form prescribes: all of them, no others, each in its own type.

use std::fmt::Display;
use std::str::FromStr;

use super::file::ByteSize;
use super::tree::{InvalidCbor, Map, Tree};

/// Bytes that are not what an event or a manifest records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPayload {
    /// They are not canonical CBOR.
    #[error("not canonical CBOR: {0}")]
    Cbor(InvalidCbor),
    /// A value is not what its form prescribes.
    #[error("at '{at}': {message}")]
    Member {
        /// Where, as a JSON pointer (RFC 6901); empty for all of it.
        at: String,
        /// What is wrong, for a person.
        message: String,
    },
}

impl InvalidPayload {
    pub(super) fn member(at: impl Into<String>, message: impl Display) -> Self {
        Self::Member { at: at.into(), message: message.to_string() }
    }
}

/// The members of a map, to be taken one after the other; [`finish`](Self::finish) refuses what is left.
pub(super) struct Members {
    at: String,
    members: Map,
}

impl Members {
    /// The members of what canonical CBOR says.
    pub(super) fn of_cbor(bytes: &[u8]) -> Result<Self, InvalidPayload> {
        Self::of(Tree::from_cbor(bytes).map_err(InvalidPayload::Cbor)?, String::new())
    }

    fn of(tree: Tree, at: String) -> Result<Self, InvalidPayload> {
        match tree {
            Tree::Map(members) => Ok(Self { at, members }),
            _ => Err(InvalidPayload::member(at, "an object is expected")),
        }
    }

    /// The place of the member `name` (RFC 6901 §3).
    fn place(&self, name: &str) -> String {
        format!("{}/{}", self.at, name.replace('~', "~0").replace('/', "~1"))
    }

    /// An error about the member `name`.
    pub(super) fn invalid(&self, name: &str, message: impl Display) -> InvalidPayload {
        InvalidPayload::member(self.place(name), message)
    }

    pub(super) fn take(&mut self, name: &str) -> Result<Tree, InvalidPayload> {
        self.members.remove(name).ok_or_else(|| self.invalid(name, "it is missing"))
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, InvalidPayload> {
        match self.take(name)? {
            Tree::Text(text) => Ok(Some(text)),
            Tree::Null => Ok(None),
            _ => Err(self.invalid(name, "text is expected")),
        }
    }

    /// A value whose text is read, in the one spelling that it is written in; `None` for null.
    pub(super) fn parsed_or_null<T>(&mut self, name: &str) -> Result<Option<T>, InvalidPayload>
    where
        T: FromStr<Err: Display> + Display,
    {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let value: T = text.parse().map_err(|error| self.invalid(name, error))?;
        let written = value.to_string();
        if written == text { Ok(Some(value)) } else { Err(self.invalid(name, format!("it is written '{written}'"))) }
    }

    /// A value whose text is read, in the one spelling that it is written in.
    pub(super) fn parsed<T>(&mut self, name: &str) -> Result<T, InvalidPayload>
    where
        T: FromStr<Err: Display> + Display,
    {
        let value = self.parsed_or_null(name)?;
        value.ok_or_else(|| self.invalid(name, "text is expected"))
    }

    /// A whole number from 0 on; `None` for null.
    pub(super) fn count_or_null(&mut self, name: &str) -> Result<Option<u64>, InvalidPayload> {
        match self.take(name)? {
            Tree::Null => Ok(None),
            Tree::Integer(number) => {
                let count = u64::try_from(number.get()).map_err(|_| self.invalid(name, "it is negative"))?;
                Ok(Some(count))
            }
            _ => Err(self.invalid(name, "a whole number is expected")),
        }
    }

    pub(super) fn size(&mut self, name: &str) -> Result<ByteSize, InvalidPayload> {
        let count = self.count_or_null(name)?.ok_or_else(|| self.invalid(name, "a whole number is expected"))?;
        ByteSize::new(count).map_err(|error| self.invalid(name, error))
    }

    /// The members of a member.
    pub(super) fn members(&mut self, name: &str) -> Result<Self, InvalidPayload> {
        let tree = self.take(name)?;
        Self::of(tree, self.place(name))
    }

    /// The same; `None` for null.
    pub(super) fn members_or_null(&mut self, name: &str) -> Result<Option<Self>, InvalidPayload> {
        match self.take(name)? {
            Tree::Null => Ok(None),
            tree => Self::of(tree, self.place(name)).map(Some),
        }
    }

    /// The members of each element of a list.
    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Self>, InvalidPayload> {
        let Tree::Array(items) = self.take(name)? else { return Err(self.invalid(name, "a list is expected")) };
        let numbered = items.into_iter().enumerate();
        numbered.map(|(i, item)| Self::of(item, format!("{}/{i}", self.place(name)))).collect()
    }

    /// Refuses members that nobody took.
    pub(super) fn finish(self) -> Result<(), InvalidPayload> {
        match self.members.keys().next() {
            Some(name) => Err(self.invalid(name, "there is no such member")),
            None => Ok(()),
        }
    }
}
