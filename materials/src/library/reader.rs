//! Checked reading of TOML tables: every value knows its line, and every fault is collected instead of ending the reading.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::material::Word;
use crate::finding::{Finding, Severity};

/// A value with its place in the file.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// One file being read, and what was found so far.
pub(super) struct Reader<'t> {
    file: &'t str,
    line_starts: Vec<usize>,
    pub(super) findings: Vec<Finding>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(file: &'t str, text: &str) -> Self {
        let line_starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { file, line_starts: std::iter::once(0).chain(line_starts).collect(), findings: Vec::new() }
    }

    /// `file:line` of a place.
    pub(super) fn at(&self, span: &Range<usize>) -> String {
        let line = self.line_starts.partition_point(|&start| start <= span.start);
        format!("{}:{line}", self.file)
    }

    pub(super) fn error(&mut self, code: &'static str, span: &Range<usize>, message: impl Into<String>) {
        self.findings.push(Finding::error(code, self.at(span), message));
    }

    pub(super) fn error_help(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.findings.push(Finding::error(code, self.at(span), message).with_help(help));
    }

    pub(super) fn warning(&mut self, code: &'static str, span: &Range<usize>, message: impl Into<String>) {
        self.findings.push(Finding::new(Severity::Warning, code, self.at(span), message));
    }

    fn wrong_type(&mut self, key: &str, value: &Value<'_>, expected: &str) {
        let found = value.get_ref().type_str();
        self.error("library.type", &value.span(), format!("`{key}` is of type {found}; expected {expected}"));
    }

    pub(super) fn text(&mut self, key: &str, value: &Value<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong_type(key, value, "a string");
        }
        text
    }

    pub(super) fn flag(&mut self, key: &str, value: &Value<'_>) -> Option<bool> {
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        flag
    }

    /// A number from `min` to `max`; an infinite `max` allows every finite number.
    pub(super) fn number(&mut self, key: &str, value: &Value<'_>, min: f32, max: f32) -> Option<f32> {
        let number = match value.get_ref() {
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|n| n as f32),
            _ => {
                self.wrong_type(key, value, "a number");
                return None;
            }
        };
        match number {
            Some(number) if f32::is_finite(number) && number >= min && number <= max => Some(number),
            _ => {
                let range =
                    if max.is_finite() { format!("from {min} to {max}") } else { format!("finite and at least {min}") };
                self.error("library.range", &value.span(), format!("`{key}` must be {range}"));
                None
            }
        }
    }

    pub(super) fn integer(&mut self, key: &str, value: &Value<'_>) -> Option<i32> {
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, "an integer");
            return None;
        };
        let number = i32::from_str_radix(integer.as_str(), integer.radix()).ok();
        if number.is_none() {
            self.error("library.range", &value.span(), format!("`{key}` does not fit 32 bits"));
        }
        number
    }

    /// One of the words of `W`.
    pub(super) fn word<W: Word>(&mut self, key: &str, value: &Value<'_>) -> Option<W> {
        let text = self.text(key, value)?;
        let found = W::WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<_> = W::WORDS.iter().map(|(word, _)| *word).collect();
            let message = format!("`{key}` is `{text}`; expected one of {}", words.join(", "));
            self.error("library.range", &value.span(), message);
        }
        found
    }

    pub(super) fn list<'v, 'i>(&mut self, key: &str, value: &'v Value<'i>) -> &'v [Value<'i>] {
        match value.get_ref().as_array() {
            Some(array) => array,
            None => {
                self.wrong_type(key, value, "an array");
                &[]
            }
        }
    }

    pub(super) fn table<'v, 'i>(&mut self, key: &str, value: &'v Value<'i>) -> Option<Table<'v, 'i>> {
        let entries = value.get_ref().as_table();
        if entries.is_none() {
            self.wrong_type(key, value, "a table");
        }
        entries.map(|entries| Table::new(entries, value.span()))
    }

    /// The tables of an array of tables.
    pub(super) fn tables<'v, 'i>(&mut self, key: &str, value: &'v Value<'i>) -> Vec<Table<'v, 'i>> {
        self.list(key, value).iter().filter_map(|element| self.table(key, element)).collect()
    }
}

/// A table whose entries are taken one by one; what nobody took is unknown.
pub(super) struct Table<'v, 'i> {
    entries: &'v DeTable<'i>,
    span: Range<usize>,
    known: Vec<&'static str>,
}

impl<'v, 'i> Table<'v, 'i> {
    pub(super) fn new(entries: &'v DeTable<'i>, span: Range<usize>) -> Self {
        Self { entries, span, known: Vec::new() }
    }

    /// Where the table begins.
    pub(super) fn span(&self) -> &Range<usize> {
        &self.span
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<&'v Value<'i>> {
        self.known.push(key);
        self.entries.get(key)
    }

    /// An entry that must be there.
    pub(super) fn require(&mut self, key: &'static str, reader: &mut Reader<'_>) -> Option<&'v Value<'i>> {
        let value = self.take(key);
        if value.is_none() {
            reader.error("library.missing", &self.span, format!("`{key}` is required here"));
        }
        value
    }

    /// A string that must be there.
    pub(super) fn require_text(&mut self, key: &'static str, reader: &mut Reader<'_>) -> Option<String> {
        let value = self.require(key, reader)?;
        reader.text(key, value)
    }

    /// Reports the entries that nobody took.
    pub(super) fn finish(self, reader: &mut Reader<'_>) {
        for key in self.entries.keys().filter(|key| !self.known.contains(&key.get_ref().as_ref())) {
            let close = self
                .known
                .iter()
                .map(|known| (strsim::jaro_winkler(known, key.get_ref()), *known))
                .filter(|(score, _)| *score >= 0.85)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let help = match close {
                Some((_, known)) => format!("did you mean `{known}`?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            let message = format!("unknown field `{}`", key.get_ref());
            reader.error_help("library.unknown_field", &key.span(), message, help);
        }
    }
}
