//! A value and its place: reading it checks it.

use std::ops::RangeInclusive;
use std::rc::Rc;

use packshot_words::Word;
use serde_json::Value;

use crate::fault::{Fault, FaultKind, Faults, pointer};
use crate::members::Members;

/// The numbers that a value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    min: f64,
    max: f64,
    /// `min` itself is not allowed.
    is_open: bool,
}

impl Range {
    /// Every finite number.
    pub const ANY: Self = Self::between(f64::MIN, f64::MAX);
    /// More than 0.
    pub const POSITIVE: Self = Self::positive_to(f64::MAX);
    /// 0 or more.
    pub const NOT_NEGATIVE: Self = Self::between(0.0, f64::MAX);
    /// 0 to 1.
    pub const UNIT: Self = Self::between(0.0, 1.0);

    /// Both ends included.
    pub const fn between(min: f64, max: f64) -> Self {
        Self { min, max, is_open: false }
    }

    /// More than 0, at most `max`.
    pub const fn positive_to(max: f64) -> Self {
        Self { min: 0.0, max, is_open: true }
    }

    fn contains(self, value: f64) -> bool {
        (self.min..=self.max).contains(&value) && !(self.is_open && value <= self.min)
    }

    fn describe(self) -> String {
        let low = match (self.is_open, self.min == f64::MIN) {
            (_, true) => String::new(),
            (true, _) => format!("more than {}", self.min),
            (false, _) => format!("at least {}", self.min),
        };
        let high = if self.max == f64::MAX { String::new() } else { format!("at most {}", self.max) };
        [low, high].into_iter().filter(|end| !end.is_empty()).collect::<Vec<_>>().join(" and ")
    }
}

/// A value and its place. A reading method gives `None` where the value is not as it must be, and adds a fault.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    value: &'a Value,
    place: Option<Rc<Link<'a>>>,
    faults: &'a Faults,
}

/// Where a value stands: the pointer is written when somebody asks for it. A document of many values has long pointers.
#[derive(Debug)]
struct Link<'a> {
    parent: Option<Rc<Self>>,
    step: Step<'a>,
}

#[derive(Debug)]
enum Step<'a> {
    Member(&'a str),
    Element(usize),
}

impl<'a> Node<'a> {
    /// The whole document.
    pub fn root(value: &'a Value, faults: &'a Faults) -> Self {
        Self { value, place: None, faults }
    }

    fn below(&self, step: Step<'a>, value: &'a Value) -> Self {
        let place = Link { parent: self.place.clone(), step };
        Self { value, place: Some(Rc::new(place)), faults: self.faults }
    }

    /// A member of the value.
    pub(crate) fn member(&self, name: &'a str, value: &'a Value) -> Self {
        self.below(Step::Member(name), value)
    }

    /// The value as it is.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Its JSON pointer.
    pub fn at(&self) -> String {
        let (mut steps, mut place) = (Vec::new(), &self.place);
        while let Some(here) = place {
            steps.push(&here.step);
            place = &here.parent;
        }
        steps.into_iter().rev().fold(String::new(), |at, step| match step {
            Step::Member(name) => pointer(&at, name),
            Step::Element(i) => format!("{at}/{i}"),
        })
    }

    pub(crate) fn faults(&self) -> &'a Faults {
        self.faults
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// Adds a fault of the value.
    pub fn report(&self, kind: FaultKind, message: impl Into<String>) {
        self.faults.push(|| Fault::new(kind, message).below(&self.at()));
    }

    /// Adds a fault of the value, and gives nothing.
    pub fn refuse<T>(&self, kind: FaultKind, message: impl Into<String>) -> Option<T> {
        self.report(kind, message);
        None
    }

    /// Adds that the value has the wrong type, with what it is, and gives nothing.
    pub fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        let found = match self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(_) => "a string".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
        };
        self.refuse(FaultKind::Type, format!("{expected}, not {found}"))
    }

    /// What somebody else has read of the value, or their faults.
    pub fn adopt<T>(&self, read: Result<T, Vec<Fault>>) -> Option<T> {
        read.map_err(|faults| faults.into_iter().for_each(|fault| self.faults.push(|| fault.below(&self.at())))).ok()
    }

    /// A number.
    pub fn number(&self, range: Range) -> Option<f64> {
        let Some(number) = self.value.as_f64() else { return self.wrong_type("expected a number") };
        if !range.contains(number) {
            return self.refuse(FaultKind::Range, format!("{number} is out of range: expected {}", range.describe()));
        }
        Some(number)
    }

    /// A number that is kept in single precision.
    pub fn single(&self, range: Range) -> Option<f32> {
        let number = self.number(range)?;
        // Rounding is meant; overflow is caught below.
        let single = number as f32;
        if !single.is_finite() || (range.is_open && f64::from(single) <= range.min) {
            return self.refuse(FaultKind::Range, format!("{number} does not fit into single precision"));
        }
        Some(single)
    }

    /// A number without fraction and exponent.
    pub fn count(&self, range: RangeInclusive<u32>) -> Option<u32> {
        if !(self.value.is_i64() || self.value.is_u64()) {
            let (min, max) = (range.start(), range.end());
            return self.wrong_type(&format!("expected a whole number from {min} to {max}"));
        }
        self.whole(i64::from(*range.start())..=i64::from(*range.end())).and_then(|number| u32::try_from(number).ok())
    }

    /// A whole number; `2.0` is one.
    pub fn whole(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let expected = || format!("expected a whole number from {} to {}", range.start(), range.end());
        let Some(number) = self.value.as_f64() else { return self.wrong_type(&expected()) };
        let whole = (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
        match self.value.as_i64().or(whole).filter(|whole| range.contains(whole)) {
            Some(whole) => Some(whole),
            None => self.refuse(FaultKind::Range, expected()),
        }
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Option<bool> {
        self.value.as_bool().or_else(|| self.wrong_type("expected true or false"))
    }

    /// Any string.
    pub fn string(&self) -> Option<&'a str> {
        self.value.as_str().or_else(|| self.wrong_type("expected a string"))
    }

    /// A string of 1 to `bytes_max` bytes without control characters.
    pub fn text(&self, bytes_max: usize) -> Option<&'a str> {
        let text = self.string()?;
        if text.is_empty() || text.len() > bytes_max || text.chars().any(char::is_control) {
            let message = format!("expected a text of 1 to {bytes_max} bytes without control characters");
            return self.refuse(FaultKind::Range, message);
        }
        Some(text)
    }

    /// What a word stands for.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let found = |text: &str| choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        let list = || choices.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        self.one_of(found, list)
    }

    /// One of the words of an enumeration.
    pub fn word<W: Word>(&self) -> Option<W> {
        self.one_of(W::by_word, W::list)
    }

    fn one_of<T>(&self, found: impl Fn(&str) -> Option<T>, list: impl Fn() -> String) -> Option<T> {
        let text = self.value.as_str();
        text.and_then(found).or_else(|| {
            let words = list();
            let near = text.and_then(|text| packshot_words::nearest(text, words.split(", ")));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let expected = format!("expected one of {words}{near}");
            if text.is_some() { self.refuse(FaultKind::Word, expected) } else { self.wrong_type(&expected) }
        })
    }

    /// The elements of a list.
    pub fn list(&self) -> Option<Vec<Self>> {
        let Some(values) = self.value.as_array() else { return self.wrong_type("expected a list") };
        let element = |(i, value)| self.below(Step::Element(i), value);
        Some(values.iter().enumerate().map(element).collect())
    }

    /// The elements of a list of this length.
    fn elements<const N: usize>(&self) -> Option<[Self; N]> {
        let n = self.value.as_array().map(Vec::len);
        match n {
            Some(n) if n == N => self.list()?.try_into().ok(),
            Some(n) => self.refuse(FaultKind::Type, format!("expected {N} numbers, not {n}")),
            None => self.wrong_type(&format!("expected a list of {N} numbers")),
        }
    }

    /// A list of this many numbers, all in one range.
    pub fn numbers<const N: usize>(&self, range: Range) -> Option<[f64; N]> {
        let read = self.elements::<N>()?.map(|element| element.number(range));
        read.iter().all(Option::is_some).then(|| read.map(Option::unwrap_or_default))
    }

    /// The same in single precision.
    pub fn singles<const N: usize>(&self, range: Range) -> Option<[f32; N]> {
        let read = self.elements::<N>()?.map(|element| element.single(range));
        read.iter().all(Option::is_some).then(|| read.map(Option::unwrap_or_default))
    }

    /// The members of an object whose names are known.
    pub fn members(&self) -> Option<Members<'a>> {
        match self.value.as_object() {
            Some(members) => Some(Members::new(members, self.clone())),
            None => self.wrong_type("expected an object"),
        }
    }

    /// The members of an object whose names somebody chose.
    pub fn entries(&self) -> Option<Vec<(&'a str, Self)>> {
        let Some(members) = self.value.as_object() else { return self.wrong_type("expected an object") };
        let entry = |(name, value): (&'a String, _)| (name.as_str(), self.member(name, value));
        Some(members.iter().map(entry).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What reading a value finds.
    fn faults<T>(value: &Value, read: impl Fn(Node<'_>) -> Option<T>) -> Vec<(String, FaultKind, String)> {
        let faults = Faults::default();
        let is_read = read(Node::root(value, &faults)).is_some();
        let found = faults.into_vec();
        assert_eq!(is_read, found.is_empty(), "{value} is read, or there is a fault");
        found.into_iter().map(|fault| (fault.at, fault.kind, fault.message)).collect()
    }

    #[test]
    fn a_fault_says_what_is_expected_and_where() {
        let kinds = |value: Value, read: fn(Node<'_>) -> Option<()>| {
            faults(&value, read).into_iter().map(|(at, kind, _)| (at, kind)).collect::<Vec<_>>()
        };
        let at = |at: &str, kind| vec![(at.to_owned(), kind)];
        assert_eq!(kinds(json!(0), |node| node.number(Range::POSITIVE).map(drop)), at("", FaultKind::Range));
        assert_eq!(kinds(json!("0"), |node| node.number(Range::ANY).map(drop)), at("", FaultKind::Type));
        assert_eq!(kinds(json!(1e39), |node| node.single(Range::ANY).map(drop)), at("", FaultKind::Range));
        assert_eq!(kinds(json!(1e-60), |node| node.single(Range::POSITIVE).map(drop)), at("", FaultKind::Range));
        assert_eq!(kinds(json!(2.0), |node| node.count(0..=9).map(drop)), at("", FaultKind::Type));
        assert_eq!(kinds(json!(10), |node| node.count(0..=9).map(drop)), at("", FaultKind::Range));
        assert_eq!(kinds(json!(2.0), |node| node.whole(0..=9).map(drop)), []);
        assert_eq!(kinds(json!(2.5), |node| node.whole(0..=9).map(drop)), at("", FaultKind::Range));
        assert_eq!(kinds(json!("a\n"), |node| node.text(9).map(drop)), at("", FaultKind::Range));
        assert_eq!(
            kinds(json!([1, "2", 3]), |node| node.numbers::<3>(Range::ANY).map(drop)),
            at("/1", FaultKind::Type)
        );
        assert_eq!(kinds(json!([1, 2]), |node| node.singles::<3>(Range::ANY).map(drop)), at("", FaultKind::Type));
        let found = faults(&json!(5), |node| node.number(Range::UNIT));
        assert_eq!(found[0].2, "5 is out of range: expected at least 0 and at most 1");
        let found = faults(&json!("z"), |node| node.choice(&[("x", 0), ("y", 1)]));
        assert_eq!(found[0].2, "expected one of x, y");
        let found = faults(&json!("shaddow"), |node| node.choice(&[("shadow", 0), ("sweep", 1)]));
        assert_eq!(found[0].2, "expected one of shadow, sweep; did you mean `shadow`?");
    }

    #[test]
    fn what_others_find_has_its_place() {
        let faults = Faults::default();
        let value = json!({"a": [1]});
        let node = Node::root(&value, &faults).entries().expect("an object").remove(0).1;
        let read: Option<()> = node.adopt(Err(vec![Fault::new(FaultKind::Range, "odd").below("/0")]));
        assert_eq!(read, None);
        assert_eq!(faults.into_vec()[0].at, "/a/0");
    }
}
