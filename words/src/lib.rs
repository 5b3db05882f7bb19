//! Enumerations whose values are words: in options, requests, files, database rows and logs.
//!
//! [`words!`] declares one. A word stands once, beside its value and what it means; how it is read, written, listed in
//! help texts and described in schemas all follows from there. [`KnownNames`] says which known word or name may have
//! been meant by an unknown one.

use std::fmt;

mod near;
mod unread;

pub use near::{KnownNames, begun, did_you_mean, mistyped, nearest};
pub use unread::why_unread;

/// An enumeration whose values are words.
pub trait Word: Copy + PartialEq + 'static {
    /// Every value, in the order in which lists show them.
    const ENTRIES: &'static [Entry<Self>];

    /// The value of a word, or of an older spelling of it.
    fn by_word(word: &str) -> Option<Self> {
        let is_called = |entry: &&Entry<Self>| entry.word == word || entry.older.contains(&word);
        Self::ENTRIES.iter().find(is_called).map(|entry| entry.value)
    }

    /// The word of a value.
    fn word(self) -> &'static str {
        Self::ENTRIES.iter().find(|entry| entry.value == self).map_or("", |entry| entry.word)
    }

    /// All words with their values.
    fn pairs() -> Vec<(&'static str, Self)> {
        Self::ENTRIES.iter().map(|entry| (entry.word, entry.value)).collect()
    }

    /// All words with a comma between, for messages.
    fn list() -> String {
        Self::ENTRIES.iter().map(|entry| entry.word).collect::<Vec<_>>().join(", ")
    }
}

/// One of the values of a [`Word`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<W: 'static> {
    /// Its one spelling that is written.
    pub word: &'static str,
    /// Spellings that are read as well.
    pub older: &'static [&'static str],
    /// The value.
    pub value: W,
    /// What it means, one line without a full stop.
    pub meaning: &'static str,
}

/// A word that is none of an enumeration's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// What was read, of which at most 64 characters are kept.
    pub word: String,
    /// What there is, with commas between.
    pub expected: String,
}

impl UnknownWord {
    /// An error about `word`, which is none of `W`.
    pub fn of<W: Word>(word: &str) -> Self {
        Self { word: word.chars().take(64).collect(), expected: W::list() }
    }
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not one of {}", self.word, self.expected)
    }
}

impl std::error::Error for UnknownWord {}

#[doc(hidden)]
pub use serde as __serde;

/// Declares an enumeration of words. The documentation of each value is what it means.
///
/// ```
/// use packshot_words::{Word, words};
///
/// words! {
///     /// Seasons.
///     pub enum Season {
///         /// It is warm
///         Summer = "summer",
///         /// It is cold
///         Winter = "winter" | "wintertime",
///     }
/// }
///
/// assert_eq!(Season::by_word("winter"), Some(Season::Winter));
/// assert_eq!("wintertime".parse(), Ok(Season::Winter));
/// assert_eq!(Season::Summer.to_string(), "summer");
/// assert_eq!(Season::ENTRIES[1].meaning, "It is cold");
/// ```
#[macro_export]
macro_rules! words {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $(
                $( #[doc = $meaning:literal] )+
                $( #[default $($nothing:tt)?] )?
                $variant:ident = $word:literal $(| $older:literal)*
            ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis enum $name { $( $( #[doc = $meaning] )+ $( #[default $($nothing)?] )? $variant ),+ }

        impl $crate::Word for $name {
            const ENTRIES: &'static [$crate::Entry<Self>] = &[$(
                $crate::Entry {
                    word: $word,
                    older: &[$($older),*],
                    value: Self::$variant,
                    meaning: concat!($($meaning),+).trim_ascii(),
                }
            ),+];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        $crate::word_traits!($name);
    };
}

/// What every [`Word`] can do besides: it is shown, parsed, and written and read in documents as its word.
#[macro_export]
macro_rules! word_traits {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad($crate::Word::word(*self))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                $crate::Word::by_word(word).ok_or_else(|| $crate::UnknownWord::of::<Self>(word))
            }
        }

        impl $crate::__serde::Serialize for $name {
            fn serialize<S: $crate::__serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::Word::word(*self))
            }
        }

        impl<'de> $crate::__serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str> as $crate::__serde::Deserialize>::deserialize(deserializer)?;
                word.parse().map_err($crate::__serde::de::Error::custom)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    words! {
        /// Ways up.
        #[derive(Default)]
        enum Up {
            /// As it is
            #[default]
            Y = "y",
            /// Turned
            /// by 90°
            Z = "z" | "Z",
        }
    }

    #[test]
    fn words_are_read_and_written() {
        assert_eq!(Up::default().word(), "y");
        assert_eq!([Up::by_word("z"), Up::by_word("Z"), Up::by_word("x")], [Some(Up::Z), Some(Up::Z), None]);
        let meanings: Vec<&str> = Up::ENTRIES.iter().map(|entry| entry.meaning).collect();
        assert_eq!(meanings, ["As it is", "Turned by 90°"]);
        assert_eq!(serde_json::to_string(&Up::Z).expect("serialises"), "\"z\"");
        assert_eq!(serde_json::from_str::<Up>("\"Z\"").expect("reads"), Up::Z);
        let error = "x".parse::<Up>().expect_err("no word");
        assert_eq!(error.to_string(), "`x` is not one of y, z");
        assert!(serde_json::from_str::<Up>("\"x\"").is_err());
    }
}
