//! JSON pointers (RFC 6901) for places in the file.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One step from a value to one inside it.
#[derive(Clone, Debug)]
pub(super) enum Step<'a> {
    /// The member of an object.
    Name(Cow<'a, str>),
    /// An element of an array.
    Index(usize),
}

/// The JSON pointer of these steps; `/` for the document itself, so that a place is never empty.
///
/// Control characters, which only a hostile name has, are escaped, so that a place stays on one line.
pub(super) fn pointer<'s, 'a: 's>(steps: impl IntoIterator<Item = &'s Step<'a>>) -> String {
    let mut pointer = String::new();
    for step in steps {
        pointer.push('/');
        match step {
            Step::Name(name) => push_name(&mut pointer, name),
            Step::Index(index) => write!(pointer, "{index}").unwrap_or_default(),
        }
    }
    if pointer.is_empty() {
        pointer.push('/');
    }
    pointer
}

fn push_name(pointer: &mut String, name: &str) {
    for character in name.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            _ if character.is_control() => pointer.extend(character.escape_default()),
            _ => pointer.push(character),
        }
    }
}
