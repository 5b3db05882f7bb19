//! From text to values: RFC 8259 without its liberties.

use std::fmt;

use serde_json::{Map, Number, Value};

use crate::fault::{Fault, FaultKind, pointer};

/// Deeper nesting is refused: reading goes one call deeper for each level.
const MAX_DEPTH: u32 = 127;

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong, without the place.
    pub message: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in bytes.
    pub column: usize,
    /// The value's place, where the text is well written and its number has no finite value (`NaN`, `Infinity`,
    /// `1e999`).
    pub not_finite_at: Option<String>,
}

impl SyntaxError {
    /// As a fault: a number that is not finite is out of range at its place, anything else is a mistake called `syntax`
    /// of the whole text.
    pub fn fault(&self) -> Fault {
        match &self.not_finite_at {
            Some(at) => Fault::new(FaultKind::Range, "expected a finite number").below(at),
            None => Fault::new(FaultKind::Named("syntax".to_owned()), self.to_string()),
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not JSON: {} in line {}, column {}", self.message, self.line, self.column)
    }
}

impl std::error::Error for SyntaxError {}

/// Parses a whole document in UTF-8, with or without a byte order mark.
///
/// Integers that fit 64 bits stay integers; all other numbers are the nearest `f64`. Members keep their order.
///
/// # Errors
/// What is no JSON, a name that stands twice in one object, a number without a finite value, more than 127 levels.
pub fn parse(bytes: &[u8]) -> Result<Value, SyntaxError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        Parser { text: valid, at: valid.len(), pointer: String::new() }.error("a byte that is not UTF-8")
    })?;
    let mut parser = Parser { text, at: 0, pointer: String::new() };
    let value = parser.value(0)?;
    parser.skip_space();
    if parser.at < text.len() { Err(parser.error("text after the end of the document")) } else { Ok(value) }
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset, always at a character boundary.
    at: usize,
    /// Of the value that is read.
    pointer: String,
}

impl Parser<'_> {
    fn error(&self, message: &str) -> SyntaxError {
        let before = &self.text.as_bytes()[..self.at.min(self.text.len())];
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|&&b| b != b'\n').count();
        SyntaxError { message: message.to_owned(), line, column, not_finite_at: None }
    }

    fn not_finite(&self) -> SyntaxError {
        SyntaxError { not_finite_at: Some(self.pointer.clone()), ..self.error("a number that is not finite") }
    }

    fn rest(&self) -> &[u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn skip_space(&mut self) {
        self.at += self.rest().iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    /// Steps over `token` if it comes next, after white space.
    fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token.as_bytes());
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: u32) -> Result<Value, SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        for (word, value) in [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))] {
            if self.eat(word) {
                return Ok(value);
            }
        }
        if ["NaN", "Infinity", "-Infinity"].iter().any(|word| self.rest().starts_with(word.as_bytes())) {
            return Err(self.not_finite());
        }
        match self.rest().first() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.error("expected a value")),
            None => Err(self.error("the text ends too early")),
        }
    }

    /// A value below the one that is read.
    fn below(&mut self, name: &str, depth: u32) -> Result<Value, SyntaxError> {
        let length = self.pointer.len();
        self.pointer.push_str(&pointer("", name));
        let value = self.value(depth + 1)?;
        self.pointer.truncate(length);
        Ok(value)
    }

    fn object(&mut self, depth: u32) -> Result<Value, SyntaxError> {
        self.at += 1;
        let mut members = Map::new();
        while !self.eat("}") {
            if !members.is_empty() && !self.eat(",") {
                return Err(self.error("expected `,` or `}`"));
            }
            self.skip_space();
            let name = self.string()?;
            if members.contains_key(&name) {
                return Err(self.error(&format!("the name {name:?} is there twice")));
            }
            if !self.eat(":") {
                return Err(self.error("expected `:`"));
            }
            let value = self.below(&name, depth)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }

    fn list(&mut self, depth: u32) -> Result<Value, SyntaxError> {
        self.at += 1;
        let mut values = Vec::new();
        while !self.eat("]") {
            if !values.is_empty() && !self.eat(",") {
                return Err(self.error("expected `,` or `]`"));
            }
            values.push(self.below(&values.len().to_string(), depth)?);
        }
        Ok(Value::Array(values))
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        if self.rest().first() != Some(&b'"') {
            return Err(self.error("expected a name in quotes"));
        }
        let mut escaped = false;
        let end = self.rest().iter().skip(1).position(|&b| {
            let closes = b == b'"' && !escaped;
            escaped = b == b'\\' && !escaped;
            closes
        });
        let length = end.ok_or_else(|| self.error("a string without its end"))? + 2;
        let value = serde_json::from_slice(&self.rest()[..length]);
        let value = value.map_err(|_| self.error("a string with a bad escape or control character"))?;
        self.at += length;
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, SyntaxError> {
        let rest = self.rest();
        let length = rest.iter().take_while(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')).count();
        let token = &self.text[self.at..self.at + length];
        let unsigned = token.strip_prefix('-').unwrap_or(token);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let is_number = digits(whole)
            && (whole == "0" || !whole.starts_with('0'))
            && fraction.is_none_or(digits)
            && exponent.is_none_or(digits);
        if !is_number {
            return Err(self.error("a badly written number"));
        }
        let is_integer = fraction.is_none() && exponent.is_none() && token != "-0";
        let integer = is_integer
            .then(|| token.parse::<u64>().map(Number::from).or_else(|_| token.parse::<i64>().map(Number::from)));
        let number = match integer {
            Some(Ok(integer)) => Some(integer),
            // The nearest number, whatever the digits.
            _ => token.parse().ok().and_then(Number::from_f64),
        };
        let number = number.ok_or_else(|| self.not_finite())?;
        self.at += length;
        Ok(Value::Number(number))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_keep_their_digits_and_members_their_order() {
        let text = br#" {"b": [1, -2.5e3, 0, -7], "a": {"c": "\u00e9\n\"\\"}, "d": [null, true, false], "e": 18446744073709551616} "#;
        let parsed = parse(text).expect("valid");
        let expected = json!({"b": [1, -2500.0, 0, -7], "a": {"c": "é\n\"\\"}, "d": [null, true, false], "e": 18446744073709551616.0});
        assert_eq!(parsed, expected);
        assert_eq!(parsed.as_object().expect("an object").keys().collect::<Vec<_>>(), ["b", "a", "d", "e"]);
        assert_eq!(parse(b"-0").expect("valid").as_f64().map(f64::is_sign_negative), Some(true));
        assert_eq!(parse(b"\xEF\xBB\xBF[]"), Ok(json!([])));
    }

    #[test]
    fn what_is_not_finite_has_its_place() {
        for text in ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"] {
            let error = parse(format!("{{\"a/b\": [0, {text}]}}").as_bytes()).expect_err(text);
            assert_eq!(error.not_finite_at.as_deref(), Some("/a~1b/1"), "{text}");
            assert_eq!((error.fault().kind, error.fault().at.as_str()), (FaultKind::Range, "/a~1b/1"));
        }
    }

    #[test]
    fn refuses_what_is_not_json() {
        let deep = "[".repeat(100_000);
        let bad: [&[u8]; 20] = [
            b"",
            b"{",
            b"[1,]",
            b"[1 2]",
            b"{\"a\"}",
            b"{\"a\":1,}",
            b"{a:1}",
            b"01",
            b"1.",
            b".5",
            b"+1",
            b"1e",
            b"--1",
            b"\"",
            b"\"\\x\"",
            b"\"\n\"",
            b"1 2",
            b"[\"\xff\"]",
            b"{\"a\":1,\"a\":1}",
            deep.as_bytes(),
        ];
        for text in bad {
            let shown = String::from_utf8_lossy(&text[..text.len().min(20)]).into_owned();
            let error = parse(text).expect_err(&shown);
            assert_eq!((error.not_finite_at, error.line == 0), (None, false), "{shown}");
        }
    }

    #[test]
    fn a_message_names_line_and_column() {
        let error = parse(b"{\n  \"a\": 1\n  \"b\": 2}").expect_err("no comma");
        assert_eq!(error.to_string(), "not JSON: expected `,` or `}` in line 3, column 3");
        let error = parse(b"{\"a\": 1,\n \"a\": 2}").expect_err("twice");
        assert_eq!(error.to_string(), "not JSON: the name \"a\" is there twice in line 2, column 5");
        let error = parse(b"[\n\"\xff\"]").expect_err("no text");
        assert_eq!(error.to_string(), "not JSON: a byte that is not UTF-8 in line 2, column 2");
    }

    proptest::proptest! {
        #[test]
        fn what_serde_writes_is_read_alike(numbers: Vec<f64>, names: Vec<String>, integer: i64) {
            let numbers: Vec<f64> = numbers.into_iter().filter(|number| number.is_finite()).collect();
            let value = json!({"numbers": numbers, "names": names, "integer": integer});
            proptest::prop_assert_eq!(parse(value.to_string().as_bytes()), Ok(value));
        }
    }
}
