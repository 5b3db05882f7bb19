//! Enumerations that are words in JSON, with what the description of the API says of them.

use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

pub use packshot_words::Word;

/// Declares an enumeration whose values are words in JSON. `= path` names the enumeration of the domain with the same
/// values, and makes the conversions both ways.
macro_rules! words {
    ($(#[doc = $about:literal])+ pub enum $name:ident = $domain:path { $($(#[doc = $doc:literal])+ $variant:ident = $word:tt,)+ }) => {
        words! { $(#[doc = $about])+ pub enum $name { $($(#[doc = $doc])+ $variant = $word,)+ } }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                use $domain as Domain;
                match value { $(Domain::$variant => Self::$variant,)+ }
            }
        }

        impl From<$name> for $domain {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant,)+ }
            }
        }
    };
    ($(#[doc = $about:literal])+ pub enum $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $word:tt,)+ }) => {
        packshot_words::words! { $(#[doc = $about])+ pub enum $name { $($(#[doc = $doc])+ $variant = $word,)+ } }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::word::schema::<$name>(concat!($($about),+).trim_ascii())
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

/// The schema of an enumeration.
pub(crate) fn schema<W: Word>(about: &str) -> RefOr<Schema> {
    let words: Vec<&str> = W::ENTRIES.iter().map(|entry| entry.word).collect();
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).description(Some(about)).into()
}
