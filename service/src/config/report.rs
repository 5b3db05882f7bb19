//! What `--check-config` shows: every setting in effect, where it came from, and nothing secret.

use std::fmt;

use super::source::Origin;

/// Shown in place of a secret.
pub const HIDDEN: &str = "***";

/// Every setting in effect, in the order of [`super::Settings`]. Displayed as a TOML file that gives the same settings
/// (but for secrets).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InEffect {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    key: &'static str,
    /// `None`: not set, and without a default.
    value: Option<toml::Value>,
    origin: Origin,
}

impl InEffect {
    pub(super) fn push(&mut self, key: &'static str, value: Option<toml::Value>, origin: Origin) {
        self.entries.push(Entry { key, value, origin });
    }
}

impl InEffect {
    /// What pins a setting: the command line, the environment or the file. `None`: it has its default, which the
    /// database may replace.
    pub fn pinned_by(&self, key: &str) -> Option<&'static str> {
        self.entry(key)?.origin.source()
    }

    /// Where a setting that is pinned has its value: ``the variable `PACKSHOT_…` ``, or a line of the file.
    pub fn place_of(&self, key: &str) -> Option<String> {
        self.entry(key)?.origin.place()
    }

    /// Whether there is a setting of this name, also of those that only a start can set.
    pub fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl fmt::Display for InEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            match &entry.value {
                Some(value) => writeln!(f, "{:<58} # {}", format!("{} = {value}", entry.key), entry.origin)?,
                None => writeln!(f, "# {} is not set", entry.key)?,
            }
        }
        Ok(())
    }
}
