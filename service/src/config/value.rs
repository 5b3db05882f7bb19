//! Values of settings: from the given text to its meaning, or what was expected instead.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::source::Origin;
use super::{Networks, Secret};
use packshot_domain::network::Network;
use packshot_domain::step::StepName;
use packshot_domain::user::Email;
use packshot_pipeline::memory;

/// An e-mail address, shown as it was given.
pub(super) struct Address(pub(super) Email);

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A value as it was given.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Flag(bool),
    List(Vec<String>),
    Table(toml::Table),
    /// A kind of value that no setting has, by name.
    Other(&'static str),
}

/// A value and where it was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

impl Given {
    /// The value as text, if it comes from an option or a variable, which are always text.
    fn untyped(&self) -> Option<&str> {
        match (&self.value, &self.origin) {
            (Value::Text(text), Origin::Flag(_) | Origin::Variable(_)) => Some(text),
            _ => None,
        }
    }
}

fn expected<T>(what: &str, given: &Given) -> Result<T, String> {
    let found = match &given.value {
        Value::Text(text) if text.is_empty() => "nothing".to_owned(),
        Value::Text(text) => format!("`{text}`"),
        Value::Whole(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::List(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
        Value::Other(what) => (*what).to_owned(),
    };
    Err(format!("expected {what}, found {found}"))
}

/// Some text, not empty.
pub(super) fn text(given: &Given) -> Result<String, String> {
    match &given.value {
        Value::Text(text) if !text.trim().is_empty() => Ok(text.clone()),
        _ => expected("text", given),
    }
}

/// Text that is never shown, even if it is wrong.
pub(super) fn secret(given: &Given) -> Result<Secret, String> {
    match &given.value {
        Value::Text(text) if !text.trim().is_empty() => Ok(Secret::new(text.trim())),
        _ => Err("expected text".to_owned()),
    }
}

/// An e-mail address.
pub(super) fn email(given: &Given) -> Result<Address, String> {
    text(given)?.parse().map(Address).or_else(|_| expected("an e-mail address", given))
}

/// An address with its port. `localhost` is the loopback of IPv4.
pub(super) fn address(given: &Given) -> Result<SocketAddr, String> {
    let what = "an address with a port, such as 127.0.0.1:8080 or [::]:8080";
    let Value::Text(text) = &given.value else { return expected(what, given) };
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_ref().unwrap_or(text).parse().or_else(|_| expected(what, given))
}

/// A path. Relative ones are taken from the working folder of the process.
pub(super) fn path(given: &Given) -> Result<PathBuf, String> {
    text(given).map(PathBuf::from).or_else(|_| expected("a path", given))
}

/// The address of a PostgreSQL database. It may hold a password, so the error does not repeat it.
pub(super) fn database_url(given: &Given) -> Result<Secret, String> {
    match &given.value {
        Value::Text(text) if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) => {
            Ok(Secret::new(text.clone()))
        }
        _ => Err("expected postgres://USER@HOST/DATABASE (SQLite is used if this is not set)".to_owned()),
    }
}

/// `http://…` or `https://…`.
pub(super) fn url(given: &Given) -> Result<String, String> {
    match &given.value {
        Value::Text(text) if is_http(text) => Ok(text.trim_end_matches('/').to_owned()),
        _ => expected("a URL that begins with https:// or http://", given),
    }
}

/// Whether a text is the beginning of a web address, and something after it.
pub(super) fn is_http(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

/// The prefix of names: without a leading `/`, with a trailing one.
pub(super) fn prefix(given: &Given) -> Result<String, String> {
    let text = text(given)?;
    let trimmed = text.trim_matches('/');
    Ok(if trimmed.is_empty() { String::new() } else { format!("{trimmed}/") })
}

/// A whole number in a range.
pub(super) fn whole<T: TryFrom<i64>>(range: RangeInclusive<i64>) -> impl Fn(&Given) -> Result<T, String> {
    move |given| {
        let number = match (&given.value, given.untyped()) {
            (Value::Whole(number), _) => Some(*number),
            (_, Some(text)) => text.trim().parse().ok(),
            _ => None,
        };
        let valid = number.filter(|number| range.contains(number)).and_then(|number| T::try_from(number).ok());
        let what = || format!("a whole number from {} to {}", range.start(), range.end());
        valid.map_or_else(|| expected(&what(), given), Ok)
    }
}

/// Bytes: a whole number, or with a unit such as `512 MiB`.
pub(super) fn bytes(given: &Given) -> Result<u64, String> {
    let number = match &given.value {
        Value::Whole(number) => u64::try_from(*number).ok(),
        Value::Text(text) => memory::parse_bytes(text),
        Value::Flag(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => None,
    };
    number.filter(|number| *number > 0).map_or_else(|| expected(memory::BYTES, given), Ok)
}

/// One of some words.
pub(super) fn word<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&Given) -> Result<T, String> {
    move |given| {
        let found = match &given.value {
            Value::Text(text) => words.iter().find(|(word, _)| word == text),
            _ => None,
        };
        let names = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" or ");
        found.map_or_else(|| expected(&names(), given), |(_, value)| Ok(*value))
    }
}

/// Yes or no.
pub(super) fn flag(given: &Given) -> Result<bool, String> {
    match (&given.value, given.untyped()) {
        (Value::Flag(flag), _) => Ok(*flag),
        (_, Some(text)) if matches!(text.trim(), "true" | "false") => Ok(text.trim() == "true"),
        _ => expected("true or false", given),
    }
}

/// A list of texts; in options and variables with commas between them.
pub(super) fn list(given: &Given) -> Result<Vec<String>, String> {
    match (&given.value, given.untyped()) {
        (Value::List(texts), _) => Ok(texts.clone()),
        (_, Some(text)) => {
            Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
        }
        _ => expected("a list of strings", given),
    }
}

/// A list of origins: scheme and host, without a path.
pub(super) fn origins(given: &Given) -> Result<Vec<String>, String> {
    let origins = list(given)?;
    match origins.iter().find(|origin| !is_origin(origin)) {
        Some(origin) => Err(format!("expected origins such as https://shop.example, found `{origin}`")),
        None => Ok(origins),
    }
}

/// Whether a text is an origin: scheme and host, without a path.
pub(crate) fn is_origin(text: &str) -> bool {
    is_http(text) && text.matches('/').count() == 2
}

/// A list of steps of workflows, each by its one name.
pub(super) fn steps(given: &Given) -> Result<Vec<String>, String> {
    let step = |text: String| match text.parse::<StepName>() {
        Ok(step) => Ok(step.as_str().to_owned()),
        Err(error) => Err(error.to_string()),
    };
    list(given)?.into_iter().map(step).collect()
}

/// A list of addresses and networks.
pub(super) fn networks(given: &Given) -> Result<Networks, String> {
    let network = |text: String| text.trim().parse::<Network>().map_err(|reason| format!("`{text}`: {reason}"));
    let networks: Result<Vec<Network>, String> = list(given)?.into_iter().map(network).collect();
    networks.map(Networks::new)
}
