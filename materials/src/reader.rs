//! Checked reading of TOML tables: every value knows its line, and every fault is collected instead of ending the
//! reading.

use std::ops::Range;

use packshot_words::Word;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::finding::{Finding, Severity};

/// A value with its place in the file.
pub type Value<'i> = Spanned<DeValue<'i>>;

/// What the faults of a kind of file are called: stable names such as `library.type`.
#[derive(Clone, Copy, Debug)]
pub struct Codes {
    /// The file is too large.
    pub limit: &'static str,
    /// It is no TOML.
    pub syntax: &'static str,
    /// A value of another type than expected.
    pub wrong_type: &'static str,
    /// A value out of its range, or none of its words.
    pub range: &'static str,
    /// A field that must be there is not.
    pub missing: &'static str,
    /// A field that nobody knows.
    pub unknown_field: &'static str,
}

/// One file being read, and what was found so far.
#[derive(Debug)]
pub struct Reader<'t> {
    file: &'t str,
    codes: &'static Codes,
    line_starts: Vec<usize>,
    /// What was found so far.
    pub findings: Vec<Finding>,
}

/// Reads a file of at most `bytes_max` bytes with `read`, which gets the table at its root. What is no TOML is not
/// given to it: then there are findings alone.
pub fn read_file<T>(
    file: &str,
    bytes: &[u8],
    bytes_max: usize,
    codes: &'static Codes,
    read: impl FnOnce(Table<'_, '_>, &mut Reader<'_>) -> T,
) -> (Option<T>, Vec<Finding>) {
    if bytes.len() > bytes_max {
        let message = format!("the file has {} bytes; at most {bytes_max} are allowed", bytes.len());
        return (None, vec![Finding::error(codes.limit, file, message)]);
    }
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("not UTF-8 from byte {} on", error.valid_up_to());
            return (None, vec![Finding::error(codes.syntax, file, message).with_help("save the file as UTF-8")]);
        }
    };
    // Each of its lines would be an error of its own.
    if text.trim_start().starts_with('{') {
        let finding = Finding::error(codes.syntax, file, "this is JSON, and not TOML");
        return (None, vec![finding.with_help("give a file that was written as TOML")]);
    }
    let mut reader = Reader::new(file, text, codes);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let help = "correct the TOML at this place";
        reader.error_help(codes.syntax, &error.span().unwrap_or(0..0), error.message(), help);
    }
    let value = errors.is_empty().then(|| read(Table::new(document.get_ref(), 0..0), &mut reader));
    (value, reader.findings)
}

impl<'t> Reader<'t> {
    fn new(file: &'t str, text: &str, codes: &'static Codes) -> Self {
        let line_starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { file, codes, line_starts: std::iter::once(0).chain(line_starts).collect(), findings: Vec::new() }
    }

    /// `file:line` of a place.
    pub fn at(&self, span: &Range<usize>) -> String {
        let line = self.line_starts.partition_point(|&start| start <= span.start);
        format!("{}:{line}", self.file)
    }

    /// Adds a reason to refuse the file.
    pub fn error(&mut self, code: &'static str, span: &Range<usize>, message: impl Into<String>) {
        self.findings.push(Finding::error(code, self.at(span), message));
    }

    /// The same with a way out.
    pub fn error_help(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.findings.push(Finding::error(code, self.at(span), message).with_help(help));
    }

    /// Adds something that is odd.
    pub fn warning(&mut self, code: &'static str, span: &Range<usize>, message: impl Into<String>) {
        self.findings.push(Finding::new(Severity::Warning, code, self.at(span), message));
    }

    fn wrong_type(&mut self, key: &str, value: &Value<'_>, expected: &str) {
        let found = value.get_ref().type_str();
        self.error(self.codes.wrong_type, &value.span(), format!("`{key}` is of type {found}; expected {expected}"));
    }

    /// A string.
    pub fn text(&mut self, key: &str, value: &Value<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong_type(key, value, "a string");
        }
        text
    }

    /// A truth value.
    pub fn flag(&mut self, key: &str, value: &Value<'_>) -> Option<bool> {
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        flag
    }

    /// A number from `min` to `max`; an infinite `max` allows every finite number.
    pub fn number(&mut self, key: &str, value: &Value<'_>, min: f32, max: f32) -> Option<f32> {
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
                let message = format!("`{key}` is {}; it must be {range}", written(value));
                self.error(self.codes.range, &value.span(), message);
                None
            }
        }
    }

    /// A finite number from `min` to `max`, with all its digits.
    pub fn real(&mut self, key: &str, value: &Value<'_>, min: f64, max: f64) -> Option<f64> {
        let number = match value.get_ref() {
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|n| n as f64),
            _ => {
                self.wrong_type(key, value, "a number");
                return None;
            }
        };
        let in_range = number.filter(|number: &f64| number.is_finite() && (min..=max).contains(number));
        if in_range.is_none() {
            let message = format!("`{key}` is {}; it must be from {min} to {max}", written(value));
            self.error(self.codes.range, &value.span(), message);
        }
        in_range
    }

    /// One of the words that a list has, as what it stands for.
    pub fn choice<T: Copy>(&mut self, key: &str, value: &Value<'_>, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key, value)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("`{key}` is `{text}`; expected one of {}", words.join(", "));
            self.error(self.codes.range, &value.span(), message);
        }
        found
    }

    /// A whole number of 32 bits.
    pub fn integer(&mut self, key: &str, value: &Value<'_>) -> Option<i32> {
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, "an integer");
            return None;
        };
        let number = i32::from_str_radix(integer.as_str(), integer.radix()).ok();
        if number.is_none() {
            let message = format!("`{key}` is {}; it must be from {} to {}", written(value), i32::MIN, i32::MAX);
            self.error(self.codes.range, &value.span(), message);
        }
        number
    }

    /// One of the words of `W`.
    pub fn word<W: Word>(&mut self, key: &str, value: &Value<'_>) -> Option<W> {
        self.choice(key, value, &W::pairs())
    }

    /// The elements of an array.
    pub fn list<'v, 'i>(&mut self, key: &str, value: &'v Value<'i>) -> &'v [Value<'i>] {
        match value.get_ref().as_array() {
            Some(array) => array,
            None => {
                self.wrong_type(key, value, "an array");
                &[]
            }
        }
    }

    /// A table.
    pub fn table<'v, 'i>(&mut self, key: &str, value: &'v Value<'i>) -> Option<Table<'v, 'i>> {
        let entries = value.get_ref().as_table();
        if entries.is_none() {
            self.wrong_type(key, value, "a table");
        }
        entries.map(|entries| Table::new(entries, value.span()))
    }

    /// The tables of an array of tables.
    pub fn tables<'v, 'i>(&mut self, key: &str, value: &'v Value<'i>) -> Vec<Table<'v, 'i>> {
        self.list(key, value).iter().filter_map(|element| self.table(key, element)).collect()
    }
}

/// A number as the file has it; a whole one with the base 10.
fn written(value: &Value<'_>) -> String {
    match value.get_ref() {
        DeValue::Float(float) => float.as_str().to_owned(),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or_else(|_| integer.as_str().to_owned(), |number| number.to_string()),
        _ => String::new(),
    }
}

/// A table whose entries are taken one by one; what nobody took is unknown.
#[derive(Debug)]
pub struct Table<'v, 'i> {
    entries: &'v DeTable<'i>,
    span: Range<usize>,
    known: Vec<&'static str>,
}

impl<'v, 'i> Table<'v, 'i> {
    fn new(entries: &'v DeTable<'i>, span: Range<usize>) -> Self {
        Self { entries, span, known: Vec::new() }
    }

    /// Where the table begins.
    pub fn span(&self) -> &Range<usize> {
        &self.span
    }

    /// Whether there is such an entry.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// An entry, which is known from now on.
    pub fn take(&mut self, key: &'static str) -> Option<&'v Value<'i>> {
        self.known.push(key);
        self.entries.get(key)
    }

    /// An entry that must be there.
    pub fn require(&mut self, key: &'static str, reader: &mut Reader<'_>) -> Option<&'v Value<'i>> {
        let value = self.take(key);
        if value.is_none() {
            reader.error(reader.codes.missing, &self.span, format!("`{key}` is required here"));
        }
        value
    }

    /// A string that must be there.
    pub fn require_text(&mut self, key: &'static str, reader: &mut Reader<'_>) -> Option<String> {
        let value = self.require(key, reader)?;
        reader.text(key, value)
    }

    /// Reports the entries that nobody took.
    pub fn finish(self, reader: &mut Reader<'_>) {
        for key in self.entries.keys().filter(|key| !self.known.contains(&key.get_ref().as_ref())) {
            let close = self
                .known
                .iter()
                .map(|known| (strsim::jaro_winkler(known, key.get_ref()), *known))
                .filter(|(score, _)| *score >= 0.85)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let help = match close {
                Some((_, known)) => format!("did you mean `{known}`?"),
                None => format!("the fields here are {}", self.known.join(", ")),
            };
            let message = format!("unknown field `{}`", key.get_ref());
            reader.error_help(reader.codes.unknown_field, &key.span(), message, help);
        }
    }
}
