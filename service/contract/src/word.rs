//! Enumerations that are words in JSON, with what the description of the API says of them.

use serde_json::json;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

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
    let schema = json!({"type": "string", "enum": words, "description": about});
    serde_json::from_value(schema).unwrap_or_else(|_| ObjectBuilder::new().into())
}
