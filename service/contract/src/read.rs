//! What documents have in common where they are read.

use std::fmt::Display;
use std::str::FromStr;

use packshot_domain::change::Change;
use packshot_json::{FaultKind, Members, Node};

/// A value that is read from text.
pub(crate) fn parsed<T: FromStr<Err: Display>>(node: &Node<'_>) -> Option<T> {
    match node.string()?.parse() {
        Ok(value) => Some(value),
        Err(error) => node.refuse(FaultKind::Range, error.to_string()),
    }
}

/// What a merge patch makes of a member that it names: `null` is the default.
pub(crate) fn change_to<'a, T>(node: &Node<'a>, read: impl FnOnce(&Node<'a>) -> Option<T>) -> Change<T> {
    if node.is_null() {
        return Change::Reset;
    }
    // What cannot be read was reported, and then no change is made at all.
    read(node).map_or(Change::Keep, Change::Set)
}

/// What a merge patch makes of a member.
pub(crate) fn change<'a, T>(
    m: &mut Members<'a>,
    member: &'static str,
    read: impl FnOnce(&Node<'a>) -> Option<T>,
) -> Change<T> {
    m.take(member).map_or(Change::Keep, |node| change_to(&node, read))
}

/// An optional member of an object to create: absent and `null` are `None`.
///
/// Returns `None` for one that cannot be read, which was reported.
pub(crate) fn optional<'a, T>(
    m: &mut Members<'a>,
    member: &'static str,
    read: impl FnOnce(&Node<'a>) -> Option<T>,
) -> Option<Option<T>> {
    m.given(member).map_or(Some(None), |node| read(&node).map(Some))
}
