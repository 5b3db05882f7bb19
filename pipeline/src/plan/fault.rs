//! What is wrong with options: which one, in what way, and sentences in which each surface names options as its users
//! do.

use packshot_json::FaultKind;

use super::table::OptionId;

/// The [named](FaultKind::Named) mistake of more pixels than are allowed.
pub const TOO_LARGE: &str = "image_too_large";

/// One thing that is wrong with options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionFault {
    /// The option that is to be changed.
    pub option: OptionId,
    /// Where in its value, as a JSON pointer: `/1` is the second of a list; empty for all of it.
    pub at: String,
    /// What kind of mistake it is.
    pub kind: FaultKind,
    /// One sentence for a person.
    pub message: Phrase,
    /// What to do about it; empty where the message says it all.
    pub help: Phrase,
}

impl OptionFault {
    /// A fault of a whole option, without a way out.
    pub fn new(option: OptionId, kind: FaultKind, message: Phrase) -> Self {
        Self { option, at: String::new(), kind, message, help: Phrase::default() }
    }

    /// It contradicts another option.
    pub fn conflict(option: OptionId, message: Phrase) -> Self {
        Self::new(option, FaultKind::Conflict, message)
    }

    /// It needs another option.
    pub fn missing(option: OptionId, message: Phrase) -> Self {
        Self::new(option, FaultKind::Missing, message)
    }

    /// The same with a way out.
    #[must_use]
    pub fn help(mut self, help: Phrase) -> Self {
        self.help = help;
        self
    }

    /// The same with a place in the option's value.
    #[must_use]
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.at = at.into();
        self
    }
}

/// A sentence in which options are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phrase(Vec<Piece>);

/// A piece of a [`Phrase`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// The name of an option.
    Option(OptionId),
    /// An option with a value.
    With(OptionId, String),
}

/// How a surface names options.
pub trait Names {
    /// An option, as its users write it.
    fn option(&self, id: OptionId) -> String;

    /// An option with a value, as its users write them.
    fn with(&self, id: OptionId, value: &str) -> String;
}

impl Phrase {
    /// The sentence as a surface says it.
    pub fn said(&self, names: &dyn Names) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Option(id) => format!("`{}`", names.option(*id)),
            Piece::With(id, value) => format!("`{}`", names.with(*id, value)),
        };
        self.0.iter().map(piece).collect()
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Piece> for Phrase {
    fn from_iter<T: IntoIterator<Item = Piece>>(pieces: T) -> Self {
        Self(pieces.into_iter().collect())
    }
}

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<OptionId> for Piece {
    fn from(id: OptionId) -> Self {
        Self::Option(id)
    }
}

impl From<(OptionId, &str)> for Piece {
    fn from((id, value): (OptionId, &str)) -> Self {
        Self::With(id, value.to_owned())
    }
}

/// A [`Phrase`] of texts, options, and options with values.
macro_rules! say {
    ($($piece:expr),* $(,)?) => {
        [$($crate::plan::fault::Piece::from($piece)),*].into_iter().collect::<$crate::plan::fault::Phrase>()
    };
}
pub(super) use say;

/// Options by their names in the table: as requests have them, and who embeds Packshot.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainNames;

impl Names for PlainNames {
    fn option(&self, id: OptionId) -> String {
        id.spec().name.to_owned()
    }

    fn with(&self, id: OptionId, value: &str) -> String {
        format!("{}: {value}", id.spec().name)
    }
}
