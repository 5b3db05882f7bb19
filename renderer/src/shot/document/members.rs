//! Checked reading of JSON: each value knows its pointer, and a member that nobody asked for is an error.

use std::collections::BTreeMap;

use super::json::Json;
use super::left_out;
use crate::shot::error::{ErrorCode, ShotError};

/// The values that a number may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    low: f64,
    high: f64,
    /// `low` itself is not allowed.
    open: bool,
}

impl Limits {
    pub(super) const ANY: Self = Self { low: f64::MIN, high: f64::MAX, open: false };
    pub(super) const POSITIVE: Self = Self { low: 0.0, high: f64::MAX, open: true };
    pub(super) const NOT_NEGATIVE: Self = Self::between(0.0, f64::MAX);
    pub(super) const UNIT: Self = Self::between(0.0, 1.0);

    /// Both ends included.
    pub(super) const fn between(low: f64, high: f64) -> Self {
        Self { low, high, open: false }
    }

    /// More than 0, at most `high`.
    pub(super) const fn positive_to(high: f64) -> Self {
        Self { low: 0.0, high, open: true }
    }

    fn describe(self) -> String {
        let low = match (self.open, self.low == f64::MIN) {
            (_, true) => String::new(),
            (true, _) => format!("more than {}", self.low),
            (false, _) => format!("at least {}", self.low),
        };
        let high = if self.high == f64::MAX { String::new() } else { format!("at most {}", self.high) };
        [low, high].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(" and ")
    }
}

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) json: Json,
    pub(super) at: String,
}

impl Value {
    fn wrong_type(&self, expected: &str) -> ShotError {
        ShotError::new(ErrorCode::Type, &self.at, format!("expected {expected}"))
    }

    pub(super) fn out_of_range(&self, message: impl Into<String>) -> ShotError {
        ShotError::new(ErrorCode::Range, &self.at, message)
    }

    pub(super) fn number(&self, limits: Limits) -> Result<f64, ShotError> {
        let Json::Number { value, .. } = self.json else { return Err(self.wrong_type("a number")) };
        if !value.is_finite() {
            return Err(self.out_of_range("expected a finite number"));
        }
        if value < limits.low || value > limits.high || (limits.open && value <= limits.low) {
            return Err(self.out_of_range(format!("{value} is out of range: expected {}", limits.describe())));
        }
        Ok(value)
    }

    /// A number that is kept in single precision.
    pub(super) fn single(&self, limits: Limits) -> Result<f32, ShotError> {
        let value = self.number(limits)?;
        #[expect(clippy::cast_possible_truncation, reason = "rounding is meant, overflow is caught below")]
        let single = value as f32;
        if !single.is_finite() || (limits.open && f64::from(single) <= limits.low) {
            return Err(self.out_of_range(format!("{value} does not fit into single precision")));
        }
        Ok(single)
    }

    pub(super) fn integer(&self, low: u32, high: u32) -> Result<u32, ShotError> {
        let Json::Number { value, integer: true } = self.json else { return Err(self.wrong_type("an integer")) };
        self.number(Limits::between(f64::from(low), f64::from(high)))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an integer between two u32")]
        Ok(value as u32)
    }

    fn elements<const N: usize>(&self) -> Result<[Self; N], ShotError> {
        let Json::List(values) = &self.json else { return Err(self.wrong_type(&format!("a list of {N} numbers"))) };
        if values.len() != N {
            return Err(self.wrong_type(&format!("{N} numbers, not {}", values.len())));
        }
        Ok(std::array::from_fn(|i| Self { json: values[i].clone(), at: format!("{}/{i}", self.at) }))
    }

    pub(super) fn numbers<const N: usize>(&self, limits: Limits) -> Result<[f64; N], ShotError> {
        let mut out = [0.0; N];
        for (number, element) in out.iter_mut().zip(self.elements::<N>()?) {
            *number = element.number(limits)?;
        }
        Ok(out)
    }

    pub(super) fn color(&self, limits: Limits) -> Result<[f32; 3], ShotError> {
        let [r, g, b] = self.elements()?;
        Ok([r.single(limits)?, g.single(limits)?, b.single(limits)?])
    }

    pub(super) fn flag(&self) -> Result<bool, ShotError> {
        let Json::Flag(value) = self.json else { return Err(self.wrong_type("true or false")) };
        Ok(value)
    }

    pub(super) fn text(&self) -> Result<String, ShotError> {
        let Json::Text(text) = &self.json else { return Err(self.wrong_type("a string")) };
        Ok(text.clone())
    }

    /// What the word stands for.
    pub(super) fn word<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, ShotError> {
        let text = self.text()?;
        let found = choices.iter().find(|(name, _)| *name == text);
        found.map(|&(_, value)| value).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|&(name, _)| name).collect();
            self.out_of_range(format!("{text:?} is not known: expected one of {}", names.join(", ")))
        })
    }

    pub(super) fn list(self) -> Result<Vec<Self>, ShotError> {
        let Json::List(values) = self.json else { return Err(self.wrong_type("a list")) };
        let at = self.at;
        Ok(values.into_iter().enumerate().map(|(i, json)| Self { json, at: format!("{at}/{i}") }).collect())
    }

    /// The members of an object of which `comment` is no member but a remark.
    pub(super) fn members(self) -> Result<Members, ShotError> {
        let Json::Object(members) = self.json else { return Err(self.wrong_type("an object")) };
        let mut left: BTreeMap<String, Json> = members.into_iter().collect();
        let left_out = match left.remove("comment") {
            Some(Json::Text(remark)) => left_out::read(&remark),
            _ => Vec::new(),
        };
        Ok(Members { left, left_out, at: self.at })
    }

    /// The members of a map whose keys are names.
    pub(super) fn map(self) -> Result<Vec<(String, Self)>, ShotError> {
        let Json::Object(members) = self.json else { return Err(self.wrong_type("an object")) };
        let at = self.at;
        let values = members.into_iter().map(|(name, json)| {
            let value = Self { json, at: pointer(&at, &name) };
            (name, value)
        });
        Ok(values.collect())
    }
}

/// An object being read.
#[derive(Debug)]
pub(super) struct Members {
    left: BTreeMap<String, Json>,
    /// What its comment says that a dump left out.
    pub(super) left_out: Vec<String>,
    pub(super) at: String,
}

impl Members {
    pub(super) fn has(&self, name: &str) -> bool {
        self.left.contains_key(name)
    }

    /// Replaces a member, as an option of the command line does.
    pub(super) fn set(&mut self, name: &str, value: Option<impl Into<Json>>) {
        if let Some(value) = value {
            self.left.insert(name.to_owned(), value.into());
        }
    }

    pub(super) fn pointer(&self, name: &str) -> String {
        pointer(&self.at, name)
    }

    pub(super) fn optional(&mut self, name: &str) -> Option<Value> {
        let at = self.pointer(name);
        self.left.remove(name).map(|json| Value { json, at })
    }

    pub(super) fn required(&mut self, name: &str) -> Result<Value, ShotError> {
        let error = ShotError::new(ErrorCode::Missing, self.pointer(name), format!("{name:?} is required"));
        self.optional(name).ok_or(error)
    }

    /// What `read` makes of the member, or `default` where it is absent.
    pub(super) fn read_or<T>(
        &mut self,
        name: &str,
        default: T,
        read: impl FnOnce(Value) -> Result<T, ShotError>,
    ) -> Result<T, ShotError> {
        self.optional(name).map_or(Ok(default), read)
    }

    pub(super) fn number_or(&mut self, name: &str, default: f64, limits: Limits) -> Result<f64, ShotError> {
        self.read_or(name, default, |v| v.number(limits))
    }

    pub(super) fn single_or(&mut self, name: &str, default: f32, limits: Limits) -> Result<f32, ShotError> {
        self.read_or(name, default, |v| v.single(limits))
    }

    /// Ends the object: a member that is left was not asked for.
    pub(super) fn done(self) -> Result<(), ShotError> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => {
                let message = format!("no member {name:?} here");
                Err(ShotError::new(ErrorCode::UnknownMember, self.pointer(name), message))
            }
        }
    }
}

/// A JSON pointer (RFC 6901) one level down.
fn pointer(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}
