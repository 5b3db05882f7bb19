//! Closed sets of words: enums that have one spelling in JSON, SQL, logs and URLs, and maybe older spellings that are read.

/// A word that is not in the set it should be from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no {set} '{word}'")]
pub struct UnknownWord {
    /// What the set is called, for people: `render state`.
    pub set: &'static str,
    /// The word, shortened to what a message can carry.
    pub word: String,
}

impl UnknownWord {
    /// An error about `word`, of which at most 64 characters are kept.
    #[must_use]
    pub fn new(set: &'static str, word: &str) -> Self {
        Self { set, word: word.chars().take(64).collect() }
    }
}

/// Declares an enum of words: `as_str`, `ALL`, `Display` and `FromStr`, which also reads the aliases after `|`.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $name:ident, $set:literal { $( $(#[$variant_meta:meta])* $variant:ident = $word:literal $(| $alias:literal)* ),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $( $(#[$variant_meta])* $variant ),+ }

        impl $name {
            /// Every word of the set, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The one spelling that is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word $(| $alias)* => Ok(Self::$variant),)+
                    _ => Err($crate::words::UnknownWord::new($set, word)),
                }
            }
        }
    };
}
pub(crate) use words;
