//! Reading what a client sent: members with their types and ranges, every finding with its JSON pointer, all at once.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::Word;
use super::problem::{Finding, Invalid};

/// The members of one JSON object, to be read one after the other.
///
/// A reading method gives `None` when the member is absent or wrong; what is wrong is a finding. Members that nobody asked
/// for are findings of [`Members::finish`].
#[derive(Debug)]
pub struct Members<'a> {
    members: &'a Map<String, Value>,
    pointer: String,
    asked: Vec<&'static str>,
    findings: Vec<Finding>,
}

impl<'a> Members<'a> {
    /// Of the whole body.
    ///
    /// # Errors
    /// `wrong_type` when it is no object.
    pub fn of_body(body: &'a Value) -> Result<Self, Invalid> {
        match body {
            Value::Object(members) => Ok(Self::new(members, String::new())),
            _ => Err(Invalid::one("", "wrong_type", "expected an object")),
        }
    }

    /// Of an object at a pointer.
    pub fn new(members: &'a Map<String, Value>, pointer: String) -> Self {
        Self { members, pointer, asked: Vec::new(), findings: Vec::new() }
    }

    /// The pointer of a member.
    pub fn pointer(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, escape(name))
    }

    /// Adds a finding about a member.
    pub fn report(&mut self, name: &str, code: &str, detail: impl Into<String>) {
        self.findings.push(Finding::new(self.pointer(name), code, detail));
    }

    /// Adds findings from elsewhere.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// Whether a member is there and not `null`.
    pub fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// The member as it is.
    pub fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.asked.push(name);
        self.members.get(name)
    }

    /// As [`Members::value`], where `null` means the same as absence.
    pub fn non_null(&mut self, name: &'static str) -> Option<&'a Value> {
        self.value(name).filter(|value| !value.is_null())
    }

    /// A finite number in a range.
    pub fn number(&mut self, name: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = self.value(name)?;
        self.number_of(name, value, range)
    }

    /// A finite number in a range, or `null`.
    pub fn nullable_number(&mut self, name: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = self.non_null(name)?;
        self.number_of(name, value, range)
    }

    fn number_of(&mut self, name: &str, value: &Value, range: RangeInclusive<f64>) -> Option<f64> {
        let Some(number) = value.as_f64() else {
            self.report(name, "wrong_type", "expected a number");
            return None;
        };
        if !range.contains(&number) {
            self.report(name, "out_of_range", format!("expected {} to {}", range.start(), range.end()));
            return None;
        }
        Some(number)
    }

    /// An integer in a range; `2.0` is one.
    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = self.value(name)?;
        let whole = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
        let Some(integer) = value.as_i64().or_else(|| value.as_f64().and_then(whole)) else {
            let code = if value.is_number() { "out_of_range" } else { "wrong_type" };
            self.report(name, code, format!("expected an integer from {} to {}", range.start(), range.end()));
            return None;
        };
        if !range.contains(&integer) {
            self.report(name, "out_of_range", format!("expected {} to {}", range.start(), range.end()));
            return None;
        }
        Some(integer)
    }

    /// A non-negative integer in a range.
    pub fn count(&mut self, name: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let range = i64::from(*range.start())..=i64::from(*range.end());
        self.integer(name, range).and_then(|integer| u32::try_from(integer).ok())
    }

    /// The same, or `null`.
    pub fn nullable_count(&mut self, name: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        self.non_null(name)?;
        self.count(name, range)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        let value = self.value(name)?;
        self.flag_of(name, value)
    }

    /// `true`, `false`, or `null`.
    pub fn nullable_flag(&mut self, name: &'static str) -> Option<bool> {
        let value = self.non_null(name)?;
        self.flag_of(name, value)
    }

    fn flag_of(&mut self, name: &str, value: &Value) -> Option<bool> {
        let flag = value.as_bool();
        if flag.is_none() {
            self.report(name, "wrong_type", "expected true or false");
        }
        flag
    }

    /// A string of 1 to `bytes_max` bytes without control characters.
    pub fn text(&mut self, name: &'static str, bytes_max: usize) -> Option<&'a str> {
        let value = self.value(name)?;
        self.text_of(name, value, bytes_max)
    }

    /// The same, or `null`.
    pub fn nullable_text(&mut self, name: &'static str, bytes_max: usize) -> Option<&'a str> {
        let value = self.non_null(name)?;
        self.text_of(name, value, bytes_max)
    }

    fn text_of(&mut self, name: &str, value: &'a Value, bytes_max: usize) -> Option<&'a str> {
        let pointer = self.pointer(name);
        match checked_text(value, &pointer, bytes_max) {
            Ok(text) => Some(text),
            Err(finding) => {
                self.findings.push(finding);
                None
            }
        }
    }

    /// A list of strings, each as [`Members::text`], at most `n_max` of them.
    pub fn texts(&mut self, name: &'static str, n_max: usize, bytes_max: usize) -> Option<Vec<String>> {
        let values = self.list(name, 0..=n_max)?;
        let mut texts = Vec::with_capacity(values.len());
        for (i, value) in values.iter().enumerate() {
            match checked_text(value, &format!("{}/{i}", self.pointer(name)), bytes_max) {
                Ok(text) => texts.push(text.to_owned()),
                Err(finding) => self.findings.push(finding),
            }
        }
        (texts.len() == values.len()).then_some(texts)
    }

    /// A list with so many elements.
    pub fn list(&mut self, name: &'static str, n: RangeInclusive<usize>) -> Option<&'a Vec<Value>> {
        let Value::Array(values) = self.value(name)? else {
            self.report(name, "wrong_type", "expected a list");
            return None;
        };
        if !n.contains(&values.len()) {
            self.report(name, "out_of_range", format!("expected {} to {} elements", n.start(), n.end()));
            return None;
        }
        Some(values)
    }

    /// One of the words of an enumeration.
    pub fn word<W: Word>(&mut self, name: &'static str) -> Option<W> {
        let value = self.value(name)?;
        self.word_of(name, value)
    }

    /// The same, or `null`.
    pub fn nullable_word<W: Word>(&mut self, name: &'static str) -> Option<W> {
        let value = self.non_null(name)?;
        self.word_of(name, value)
    }

    fn word_of<W: Word>(&mut self, name: &str, value: &Value) -> Option<W> {
        let pointer = self.pointer(name);
        match checked_word(value, &pointer) {
            Ok(word) => Some(word),
            Err(finding) => {
                self.findings.push(finding);
                None
            }
        }
    }

    /// The members of an object.
    pub fn object(&mut self, name: &'static str) -> Option<Members<'a>> {
        let Value::Object(members) = self.value(name)? else {
            self.report(name, "wrong_type", "expected an object");
            return None;
        };
        Some(Members::new(members, self.pointer(name)))
    }

    /// The findings, with one for each member that nobody asked for.
    pub fn finish(self) -> Vec<Finding> {
        let Self { members, pointer, asked, mut findings } = self;
        let unknown = members.keys().filter(|name| !asked.contains(&name.as_str()));
        findings.extend(unknown.map(|name| {
            Finding::new(format!("{pointer}/{}", escape(name)), "unknown_member", "there is no such member")
        }));
        findings
    }
}

/// A string of 1 to `bytes_max` bytes without control characters.
///
/// # Errors
/// `wrong_type`, `out_of_range`.
pub fn checked_text<'a>(value: &'a Value, pointer: &str, bytes_max: usize) -> Result<&'a str, Finding> {
    let Some(text) = value.as_str() else { return Err(Finding::new(pointer, "wrong_type", "expected a string")) };
    if text.is_empty() || text.len() > bytes_max || text.chars().any(char::is_control) {
        let detail = format!("expected 1 to {bytes_max} bytes without control characters");
        return Err(Finding::new(pointer, "out_of_range", detail));
    }
    Ok(text)
}

/// One of the words of an enumeration.
///
/// # Errors
/// `wrong_type`, `unknown_value`.
pub fn checked_word<W: Word>(value: &Value, pointer: &str) -> Result<W, Finding> {
    let Some(text) = value.as_str() else { return Err(Finding::new(pointer, "wrong_type", "expected a string")) };
    W::by_word(text).ok_or_else(|| Finding::new(pointer, "unknown_value", format!("expected one of {}", W::list())))
}

/// A name as a segment of a JSON pointer (RFC 6901 section 3).
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
