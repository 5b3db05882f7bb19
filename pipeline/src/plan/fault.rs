//! What is wrong with options: which option, in what way, and messages in which each surface writes options as its
//! users do.

use packshot_json::FaultKind;
use packshot_words::Word;

use super::option::Kind;
use super::table::OptionId;

/// The [named](FaultKind::Named) fault of more pixels than allowed.
pub const TOO_LARGE: &str = "image_too_large";

/// One thing that is wrong with options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionFault {
    /// The option to change.
    pub option: OptionId,
    /// The place in its value, as a JSON pointer: `/1` is the second element of a list; empty for the whole value.
    pub at: String,
    /// The kind of fault.
    pub kind: FaultKind,
    /// One sentence for a person.
    pub message: Phrase,
    /// What to do about it; empty where the message says it all.
    pub help: Phrase,
}

impl OptionFault {
    /// A fault of a whole option, without help.
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

    /// The same with help.
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
    /// Literal text.
    Text(String),
    /// The name of an option.
    Option(OptionId),
    /// An option with a value.
    With(OptionId, String),
    /// A kind of render.
    Kind(Kind),
}

/// How a surface names options and kinds of renders.
pub trait Names {
    /// An option as users of the surface write it.
    fn option(&self, id: OptionId) -> String;

    /// An option with a value, as users of the surface write them.
    fn with(&self, id: OptionId, value: &str) -> String;

    /// A kind of render as users of the surface choose it: by its word, unless the surface has another way.
    fn kind(&self, kind: Kind) -> String {
        kind.word().to_owned()
    }
}

impl Phrase {
    /// The text for a surface.
    pub fn text(&self, names: &dyn Names) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Option(id) => format!("`{}`", names.option(*id)),
            Piece::With(id, value) => format!("`{}`", names.with(*id, value)),
            Piece::Kind(kind) => format!("`{}`", names.kind(*kind)),
        };
        self.0.iter().map(piece).collect()
    }

    /// A sentence: `what` is only for some kinds of renders, and not for `kind`.
    pub(super) fn only_for(what: impl Into<Piece>, kinds: &[Kind], kind: Kind) -> Self {
        let mut pieces = vec![what.into(), Piece::from(" is only for ")];
        for (i, only) in kinds.iter().enumerate() {
            if i > 0 {
                pieces.push(Piece::from(" and "));
            }
            pieces.push(Piece::Kind(*only));
        }
        pieces.extend([Piece::from(", not for "), Piece::Kind(kind)]);
        Self(pieces)
    }

    /// Whether it is empty.
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

/// Options by their names in the table, which requests and programs that embed Packshot use.
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
