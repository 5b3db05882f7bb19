//! Closed sets of words: enums with one spelling in JSON, SQL, logs and URLs, and sometimes older spellings that are
//! still read.

pub use packshot_words::UnknownWord;

/// Declares an enumeration of words ([`packshot_words::words!`]) that knows all of its values, and their words in
/// constants.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[doc = $meaning:literal])+ $variant:ident = $word:literal $(| $older:literal)* ),+ $(,)? }
    ) => {
        packshot_words::words! {
            $(#[$meta])*
            pub enum $name { $( $(#[doc = $meaning])+ $variant = $word $(| $older)* ),+ }
        }

        impl $name {
            /// Every word of the set, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The one spelling that is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}
pub(crate) use words;
