//! JSON as the shot format needs it: integers told apart from other numbers, `NaN` and `Infinity` understood well enough
//! to be refused at their place, repeated names refused, numbers written in the shortest form that reads back alike.

use std::collections::HashSet;
use std::fmt::Write;

use crate::shot::error::{ErrorCode, ShotError};

/// Deeper nesting is refused; a shot needs five levels.
const MAX_DEPTH: u32 = 32;
/// Objects and lists that fit are written on one line.
const LINE_WIDTH: usize = 120;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Flag(bool),
    /// `integer` when written without fraction and exponent; `value` may be infinite or NaN.
    Number {
        value: f64,
        integer: bool,
    },
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl From<f64> for Json {
    fn from(value: f64) -> Self {
        Self::Number { value, integer: false }
    }
}

impl From<f32> for Json {
    /// The shortest decimal that reads back to the same `f32` is also the shortest for the `f64` it parses to.
    fn from(value: f32) -> Self {
        Self::from(format!("{value:?}").parse::<f64>().unwrap_or(f64::from(value)))
    }
}

impl From<u32> for Json {
    fn from(value: u32) -> Self {
        Self::Number { value: f64::from(value), integer: true }
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl<T: Copy + Into<Json>, const N: usize> From<[T; N]> for Json {
    fn from(values: [T; N]) -> Self {
        Self::List(values.map(Into::into).into())
    }
}

/// Parses a whole document.
pub(super) fn parse(bytes: &[u8]) -> Result<Json, ShotError> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let message = format!("not UTF-8 text from byte {} on", e.valid_up_to());
        ShotError::new(ErrorCode::Syntax, "/", message)
    })?;
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.skip_space();
    if parser.at < text.len() { Err(parser.error("text after the end of the document")) } else { Ok(value) }
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset, always at a character boundary.
    at: usize,
}

impl Parser<'_> {
    fn error(&self, what: &str) -> ShotError {
        let before = &self.text.as_bytes()[..self.at.min(self.text.len())];
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|&&b| b != b'\n').count();
        ShotError::new(ErrorCode::Syntax, "/", format!("not JSON: {what} in line {line}, column {column}"))
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

    fn value(&mut self, depth: u32) -> Result<Json, ShotError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        const WORDS: [(&str, Json); 6] = [
            ("null", Json::Null),
            ("true", Json::Flag(true)),
            ("false", Json::Flag(false)),
            ("NaN", Json::Number { value: f64::NAN, integer: false }),
            ("Infinity", Json::Number { value: f64::INFINITY, integer: false }),
            ("-Infinity", Json::Number { value: f64::NEG_INFINITY, integer: false }),
        ];
        for (word, value) in WORDS {
            if self.eat(word) {
                return Ok(value);
            }
        }
        match self.rest().first() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.error("expected a value")),
            None => Err(self.error("the file ends too early")),
        }
    }

    fn object(&mut self, depth: u32) -> Result<Json, ShotError> {
        self.at += 1;
        let (mut members, mut names) = (Vec::new(), HashSet::new());
        while !self.eat("}") {
            if !members.is_empty() && !self.eat(",") {
                return Err(self.error("expected , or }"));
            }
            self.skip_space();
            let name = self.string()?;
            if !names.insert(name.clone()) {
                return Err(self.error(&format!("the name {name:?} a second time")));
            }
            if !self.eat(":") {
                return Err(self.error("expected :"));
            }
            members.push((name, self.value(depth + 1)?));
        }
        Ok(Json::Object(members))
    }

    fn list(&mut self, depth: u32) -> Result<Json, ShotError> {
        self.at += 1;
        let mut values = Vec::new();
        while !self.eat("]") {
            if !values.is_empty() && !self.eat(",") {
                return Err(self.error("expected , or ]"));
            }
            values.push(self.value(depth + 1)?);
        }
        Ok(Json::List(values))
    }

    fn string(&mut self) -> Result<String, ShotError> {
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

    fn number(&mut self) -> Result<Json, ShotError> {
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
        let valid = digits(whole)
            && (whole == "0" || !whole.starts_with('0'))
            && fraction.is_none_or(digits)
            && exponent.is_none_or(digits);
        match token.parse::<f64>() {
            Ok(value) if valid => {
                self.at += length;
                Ok(Json::Number { value, integer: fraction.is_none() && exponent.is_none() })
            }
            _ => Err(self.error("a badly written number")),
        }
    }
}

impl Json {
    /// The document as text: what fits goes on one line, the rest is indented by two spaces.
    pub(super) fn write(&self) -> String {
        let mut out = String::new();
        self.write_indented(&mut out, 0, 0);
        out.push('\n');
        out
    }

    fn write_indented(&self, out: &mut String, indent: usize, before: usize) {
        let line = self.line();
        let (open, close, n) = match self {
            Self::Object(members) if indent == 0 || before + line.len() > LINE_WIDTH => ('{', '}', members.len()),
            Self::List(values) if before + line.len() > LINE_WIDTH => ('[', ']', values.len()),
            _ => return out.push_str(&line),
        };
        out.push(open);
        for i in 0..n {
            out.push_str(if i == 0 { "\n" } else { ",\n" });
            out.extend(std::iter::repeat_n(' ', indent + 2));
            match self {
                Self::Object(members) => {
                    let name = quoted(&members[i].0);
                    out.push_str(&name);
                    out.push_str(": ");
                    members[i].1.write_indented(out, indent + 2, indent + name.len() + 4);
                }
                Self::List(values) => values[i].write_indented(out, indent + 2, indent + 2),
                _ => {}
            }
        }
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
        out.push(close);
    }

    fn line(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Flag(value) => value.to_string(),
            Self::Number { value, integer: true } => format!("{value}"),
            Self::Number { value, integer: false } => format!("{value:?}"),
            Self::Text(text) => quoted(text),
            Self::List(values) => format!("[{}]", values.iter().map(Self::line).collect::<Vec<_>>().join(", ")),
            Self::Object(members) => {
                let mut out = String::from("{");
                for (i, (name, value)) in members.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    let _ = write!(out, "{comma}{}: {}", quoted(name), value.line());
                }
                out + "}"
            }
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_json_and_the_non_finite_words() {
        let text = br#" {"a": [1, -2.5e3, 0, -0], "b": {"c": "\u00e9\n\"\\"}, "d": [null, true, false], "e": 1e999} "#;
        let parsed = parse(text).expect("valid");
        let Json::Object(members) = &parsed else { panic!("an object") };
        let number = |value, integer| Json::Number { value, integer };
        let list = vec![number(1.0, true), number(-2500.0, false), number(0.0, true), number(-0.0, true)];
        assert_eq!(members[0].1, Json::List(list));
        assert_eq!(members[1].1, Json::Object(vec![("c".into(), Json::Text("é\n\"\\".into()))]));
        assert_eq!(members[3].1, number(f64::INFINITY, false));
        assert!(matches!(parse(b"NaN"), Ok(Json::Number { value, .. }) if value.is_nan()));
        assert_eq!(parse(b"-Infinity"), Ok(number(f64::NEG_INFINITY, false)));
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
            b"\xff",
            b"{\"a\":1,\"a\":1}",
            deep.as_bytes(),
        ];
        for text in bad {
            let shown = String::from_utf8_lossy(&text[..text.len().min(20)]).into_owned();
            match parse(text) {
                Err(e) => assert_eq!((e.code, e.at.as_str()), (ErrorCode::Syntax, "/"), "{shown}"),
                Ok(value) => panic!("{shown} parsed as {value:?}"),
            }
        }
    }

    #[test]
    fn a_message_names_line_and_column() {
        let error = parse(b"{\n  \"a\": 1\n  \"b\": 2}").expect_err("no comma");
        assert_eq!(error.message, "not JSON: expected , or } in line 3, column 3");
    }

    proptest::proptest! {
        #[test]
        fn numbers_read_back_alike(wide: f64, narrow: f32) {
            proptest::prop_assume!(wide.is_finite() && narrow.is_finite());
            let text = Json::List(vec![wide.into(), narrow.into()]).write();
            let parsed = parse(text.as_bytes()).expect("own output");
            let Json::List(values) = &parsed else { panic!("a list") };
            let value = |i: usize| match values[i] { Json::Number { value, .. } => value, _ => f64::NAN };
            proptest::prop_assert_eq!(value(0).to_bits(), wide.to_bits());
            #[expect(clippy::cast_possible_truncation, reason = "the reader's own narrowing")]
            let back = value(1) as f32;
            proptest::prop_assert_eq!(back.to_bits(), narrow.to_bits());
            proptest::prop_assert_eq!(parsed.write(), text);
        }
    }
}
