//! Reads JSON text into a tree, strictly (RFC 8259) and within limits.
//!
//! Its own reader, because glTF from unknown sources needs a combination that general readers do not offer: a limit on
//! depth and size, findings for duplicate members, exact integers distinguished from fractions, and a JSON pointer for
//! errors. Strings without escapes are borrowed from the text.

use std::borrow::Cow;
use std::collections::HashMap;

use super::ImportErrorCode as Code;
use super::cancel::Cancel;
use super::error::ImportError;
use super::findings::Findings;
use super::pointer::{Step, pointer};
use crate::diagnostic::Severity;

/// glTF needs about a dozen levels; `extras` may bring some more. The reader recurses once per level.
const DEPTH_MAX: usize = 128;
/// Objects with more members than this detect duplicates by hashing.
const MEMBERS_SCANNED_MAX: usize = 16;

/// A JSON value.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    /// Members in file order, each name once (the last of duplicates).
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// A JSON number, finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    /// The value, rounded to a double.
    pub(super) value: f64,
    /// The exact value where it is a whole number of at least 0, however it is written; from 2^64 on `u64::MAX`.
    pub(super) integer: Option<u64>,
}

impl<'a> Value<'a> {
    /// The JSON type's name, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The member of that name; `None` also if this is not an object.
    pub(super) fn get(&self, name: &str) -> Option<&Value<'a>> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// Reads a text of at most `values_max` values. `offset` is where it starts in the file.
pub(super) fn parse<'a>(
    bytes: &'a [u8],
    offset: usize,
    values_max: usize,
    cancel: Cancel<'_>,
    findings: &mut Findings,
) -> Result<Value<'a>, ImportError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        ImportError::at_byte(Code::Json, offset + error.valid_up_to(), "the JSON text is not valid UTF-8")
    })?;
    let mut pos = 0;
    if text.starts_with('\u{FEFF}') {
        findings.add(
            "json_bom",
            Severity::Info,
            format!("byte {offset}"),
            "a byte order mark before the JSON is skipped",
        );
        pos = '\u{FEFF}'.len_utf8();
    }
    let mut reader = Reader { text, pos, offset, path: Vec::new(), values_left: values_max, cancel, findings };
    let value = reader.value()?;
    reader.white_space();
    if reader.pos < text.len() {
        return Err(reader.error("something follows after the end of the JSON"));
    }
    Ok(value)
}

struct Reader<'a, 'f> {
    text: &'a str,
    pos: usize,
    offset: usize,
    path: Vec<Step<'a>>,
    values_left: usize,
    cancel: Cancel<'f>,
    findings: &'f mut Findings,
}

impl<'a> Reader<'a, '_> {
    fn error(&self, message: &str) -> ImportError {
        ImportError::at_byte(Code::Json, self.offset + self.pos, message)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    fn white_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.pos += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.pos += usize::from(found);
        found
    }

    fn value(&mut self) -> Result<Value<'a>, ImportError> {
        self.values_left = self.values_left.checked_sub(1).ok_or_else(|| {
            ImportError::at_byte(
                Code::Limit,
                self.offset + self.pos,
                "more JSON values than the limit json_values allows",
            )
        })?;
        self.cancel.check_at(self.values_left)?;
        self.white_space();
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            Some(_) => Err(self.error("a JSON value was expected")),
            None => Err(self.error("the JSON ends too early")),
        }
    }

    fn literal(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, ImportError> {
        if self.text[self.pos..].starts_with(word) {
            self.pos += word.len();
            Ok(value)
        } else {
            Err(self.error("a JSON value was expected"))
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Value<'a>, ImportError>,
    ) -> Result<Value<'a>, ImportError> {
        if self.path.len() == DEPTH_MAX {
            let outermost = pointer(self.path.iter().take(1));
            let message = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(ImportError::new(Code::Json, outermost, message));
        }
        self.pos += 1;
        read(self)
    }

    fn array(&mut self) -> Result<Value<'a>, ImportError> {
        // Most of the many small arrays have a single entry.
        let mut items = Vec::with_capacity(1);
        self.white_space();
        if self.take(b']') {
            return Ok(Value::Array(Vec::new()));
        }
        loop {
            self.path.push(Step::Index(items.len()));
            items.push(self.value()?);
            self.path.pop();
            self.white_space();
            if self.take(b']') {
                items.shrink_to_fit();
                return Ok(Value::Array(items));
            }
            if !self.take(b',') {
                return Err(self.error("a comma or the end of the array was expected"));
            }
        }
    }

    fn object(&mut self) -> Result<Value<'a>, ImportError> {
        let mut members: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(1);
        let mut indices: HashMap<Cow<'a, str>, usize> = HashMap::new();
        self.white_space();
        if self.take(b'}') {
            return Ok(Value::Object(Vec::new()));
        }
        loop {
            self.white_space();
            if self.peek() != Some(b'"') {
                return Err(self.error("the name of a member was expected"));
            }
            let name = self.string()?;
            self.white_space();
            if !self.take(b':') {
                return Err(self.error("a colon was expected"));
            }
            self.path.push(Step::Name(name.clone()));
            let value = self.value()?;
            let earlier = if members.len() <= MEMBERS_SCANNED_MAX {
                members.iter().position(|(other, _)| *other == name)
            } else {
                if indices.is_empty() {
                    indices.extend(members.iter().enumerate().map(|(index, (name, _))| (name.clone(), index)));
                }
                indices.get(&name).copied()
            };
            match earlier.and_then(|index| members.get_mut(index)) {
                Some(member) => {
                    let message = "the member is there more than once; the last value counts";
                    self.findings.add("json_duplicate_key", Severity::Warning, pointer(&self.path), message);
                    member.1 = value;
                }
                None => {
                    if !indices.is_empty() {
                        indices.insert(name.clone(), members.len());
                    }
                    members.push((name, value));
                }
            }
            self.path.pop();
            self.white_space();
            if self.take(b'}') {
                members.shrink_to_fit();
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return Err(self.error("a comma or the end of the object was expected"));
            }
        }
    }

    fn digits(&mut self) -> Result<(), ImportError> {
        let start = self.pos;
        while let Some(b'0'..=b'9') = self.peek() {
            self.pos += 1;
        }
        if self.pos == start { Err(self.error("a digit was expected")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Number, ImportError> {
        let start = self.pos;
        let is_negative = self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        let whole_end = self.pos;
        if self.take(b'.') {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.pos += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.pos += 1;
            }
            self.digits()?;
        }
        let text = &self.text[start..self.pos];
        let value: f64 = text.parse().map_err(|_| self.error("a number was expected"))?;
        if !value.is_finite() {
            let message = format!("{} does not fit into a double", super::error::quoted(text));
            return Err(ImportError::new(Code::Json, pointer(&self.path), message));
        }
        let integer = if whole_end == self.pos && !is_negative {
            // Digits only: exact up to 2^64, where a double would have rounded.
            Some(text.parse().unwrap_or(u64::MAX))
        } else if value >= 0.0 && value.fract() == 0.0 {
            Some(value as u64)
        } else {
            None
        };
        Ok(Number { value, integer })
    }

    fn string(&mut self) -> Result<Cow<'a, str>, ImportError> {
        self.pos += 1;
        let start = self.pos;
        let mut owned: Option<String> = None;
        let mut run = start;
        loop {
            match self.peek() {
                None => return Err(self.error("a string does not end")),
                Some(0..=0x1F) => return Err(self.error("a control character inside a string")),
                Some(b'"') => {
                    let rest = &self.text[run..self.pos];
                    self.pos += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(rest),
                        Some(mut text) => {
                            text.push_str(rest);
                            Cow::Owned(text)
                        }
                    });
                }
                Some(b'\\') => {
                    let text = owned.get_or_insert_default();
                    text.push_str(&self.text[run..self.pos]);
                    let escaped = self.escape()?;
                    owned.get_or_insert_default().push(escaped);
                    run = self.pos;
                }
                Some(_) => self.pos += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, ImportError> {
        self.pos += 1;
        let letter = self.peek();
        let escaped = match letter {
            Some(b'"' | b'\\' | b'/') => char::from(letter.unwrap_or_default()),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.error("an unknown escape inside a string")),
        };
        self.pos += 1;
        Ok(escaped)
    }

    /// `\u` and four digits, followed by a second one if the first is a high surrogate, which alone is not a character.
    fn unicode_escape(&mut self) -> Result<char, ImportError> {
        let start = self.pos;
        let first = self.code_unit()?;
        let mut units = vec![first];
        if (0xD800..0xDC00).contains(&first) && self.text[self.pos..].starts_with("\\u") {
            self.pos += 1;
            units.push(self.code_unit()?);
        }
        match char::decode_utf16(units).next() {
            Some(Ok(character)) => Ok(character),
            _ => {
                self.pos = start;
                Err(self.error("an escape names half of a surrogate pair"))
            }
        }
    }

    fn code_unit(&mut self) -> Result<u16, ImportError> {
        let hex = self.text.as_bytes().get(self.pos + 1..self.pos + 5).unwrap_or_default();
        let unit = hex.iter().try_fold(0_u16, |unit, &digit| {
            let digit = char::from(digit).to_digit(16)?;
            Some(unit << 4 | digit as u16)
        });
        match unit {
            Some(unit) if hex.len() == 4 => {
                self.pos += 5;
                Ok(unit)
            }
            _ => Err(self.error("four hexadecimal digits were expected")),
        }
    }
}
