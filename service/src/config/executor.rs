//! Programs and services outside of Packshot that render or convert. Only the settings file names them: whoever could
//! name a program over HTTP would own the machine.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use packshot_domain::task::Lane;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::value::{self, Given, Value};

/// The name of Packshot's own renderer among the executors.
pub const BUILTIN: &str = "builtin";

const TIMEOUT_S: RangeInclusive<u64> = 1..=604_800;
const POLL_S: RangeInclusive<u64> = 1..=3600;
const CONCURRENCY: RangeInclusive<u64> = 1..=64;

/// Executors by name. Packshot's own renderer is not among them.
pub type Executors = BTreeMap<String, Executor>;

/// What renders instead of Packshot's own renderer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Executor {
    /// A program, which gets its job on stdin.
    Command {
        /// The program and its arguments.
        command: Vec<String>,
        /// How long a picture may take.
        #[serde(default = "timeout_s")]
        timeout_s: u64,
        /// How many pictures it makes at the same time.
        #[serde(default = "max_concurrency")]
        max_concurrency: u64,
    },
    /// A service, which gets its job over HTTP.
    Http {
        /// Where jobs are posted.
        url: String,
        /// A file with the value of its `Authorization` header.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        auth_header_file: Option<PathBuf>,
        /// How often to ask whether a job has ended.
        #[serde(default = "poll_s")]
        poll_s: u64,
        /// How long a picture may take.
        #[serde(default = "timeout_s")]
        timeout_s: u64,
        /// How many pictures it makes at the same time.
        #[serde(default = "max_concurrency")]
        max_concurrency: u64,
    },
}

const fn timeout_s() -> u64 {
    3600
}

const fn poll_s() -> u64 {
    2
}

const fn max_concurrency() -> u64 {
    1
}

impl Executor {
    /// Its kind, as the file names it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Command { .. } => "command",
            Self::Http { .. } => "http",
        }
    }

    /// What is wrong with its members, besides their types.
    fn fault(&self) -> Option<String> {
        let outside = |name: &str, number: u64, range: RangeInclusive<u64>| {
            let expected = || format!("expected `{name}` from {} to {}, found {number}", range.start(), range.end());
            (!range.contains(&number)).then(expected)
        };
        let (own, timeout_s, max_concurrency) = match self {
            Self::Command { command, timeout_s, max_concurrency } => {
                let names_none = command.first().is_none_or(|program| program.trim().is_empty());
                (names_none.then(|| NO_PROGRAM.to_owned()), timeout_s, max_concurrency)
            }
            Self::Http { url, poll_s, timeout_s, max_concurrency, .. } => {
                (fault_of(url).or_else(|| outside("poll_s", *poll_s, POLL_S)), timeout_s, max_concurrency)
            }
        };
        own.or_else(|| outside("timeout_s", *timeout_s, TIMEOUT_S))
            .or_else(|| outside("max_concurrency", *max_concurrency, CONCURRENCY))
    }
}

/// What is wrong with an address. It is shown in reports, so that it must not have a password.
fn fault_of(url: &str) -> Option<String> {
    if !value::is_http(url) {
        return Some(format!("expected a URL with http:// or https://, found `{url}`"));
    }
    match Url::parse(url) {
        Err(reason) => Some(format!("expected a URL, found `{url}`: {reason}")),
        Ok(read) if !read.username().is_empty() || read.password().is_some() => Some(
            "expected a URL without a user and password: write them into the file of `auth_header_file`".to_owned(),
        ),
        Ok(_) => None,
    }
}

const NO_PROGRAM: &str = "expected a list with a program and its arguments";

/// A table for each executor, by its name.
pub(super) fn executors(given: &Given) -> Result<Executors, String> {
    let Value::Table(table) = &given.value else {
        return Err("expected a table for each executor, such as [legacy_executors.blender]".to_owned());
    };
    let mut found = Executors::new();
    for (name, entry) in table {
        if name == BUILTIN || Lane::new(name).is_err() {
            return Err(format!(
                "an executor cannot be called `{name}`: expected 1 to 64 characters of a-z, 0-9, '_' and '-', other than `{BUILTIN}`, which is Packshot itself"
            ));
        }
        let read: Result<Executor, _> = entry.clone().try_into();
        let executor = read.map_err(|error| format!("`{name}`: {}", error.message().trim()))?;
        if let Some(fault) = executor.fault() {
            return Err(format!("`{name}`: {fault}"));
        }
        found.insert(name.clone(), executor);
    }
    Ok(found)
}

/// A program and its arguments.
pub(super) fn command(given: &Given) -> Result<Vec<String>, String> {
    match &given.value {
        Value::List(words) if words.first().is_some_and(|program| !program.trim().is_empty()) => Ok(words.clone()),
        _ => Err(NO_PROGRAM.to_owned()),
    }
}
