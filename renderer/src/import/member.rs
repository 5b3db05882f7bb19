//! A checked view of the JSON tree: a value and its location.
//!
//! Reading a member checks its type and range, and otherwise refuses the file with a JSON pointer. The path is a chain
//! of borrowed parents, so that it costs nothing until an error needs it.

use std::borrow::Cow;

use super::ImportErrorCode as Code;
use super::error::ImportError;
use super::json::Value;
use super::pointer::{Step, pointer};

type Result<T> = std::result::Result<T, ImportError>;

/// An object of the document. `'p` is the lifetime of its parents on the stack, `'d` that of the document.
#[derive(Clone, Copy)]
pub(super) struct Member<'p, 'd> {
    value: &'d Value<'d>,
    parent: Option<&'p Member<'p, 'd>>,
    place: Below<'d>,
}

/// How an object is reached from its parent.
#[derive(Clone, Copy)]
enum Below<'d> {
    Root,
    Name(&'d str),
    Item(&'d str, usize),
    Nested(&'d str, &'d str),
}

impl<'p, 'd> Member<'p, 'd> {
    /// The document, which must be an object.
    pub(super) fn root(value: &'d Value<'d>) -> Result<Self> {
        Self { value, parent: None, place: Below::Root }.checked()
    }

    /// The JSON pointer of this object.
    pub(super) fn pointer(&self) -> String {
        pointer(&self.steps())
    }

    /// The JSON pointer of a member, which need not exist.
    pub(super) fn pointer_to(&self, name: &'d str) -> String {
        let mut steps = self.steps();
        steps.push(Step::Name(Cow::Borrowed(name)));
        pointer(&steps)
    }

    fn steps(&self) -> Vec<Step<'d>> {
        let mut steps = self.parent.map(|parent| parent.steps()).unwrap_or_default();
        let name = |name: &'d str| Step::Name(Cow::Borrowed(name));
        match self.place {
            Below::Root => {}
            Below::Name(member) => steps.push(name(member)),
            Below::Item(array, index) => steps.extend([name(array), Step::Index(index)]),
            Below::Nested(outer, inner) => steps.extend([name(outer), name(inner)]),
        }
        steps
    }

    /// An error at this object.
    pub(super) fn error(&self, code: Code, message: impl Into<String>) -> ImportError {
        ImportError::new(code, self.pointer(), message)
    }

    /// An error at a member of this object.
    pub(super) fn error_at(&self, name: &'d str, code: Code, message: impl Into<String>) -> ImportError {
        ImportError::new(code, self.pointer_to(name), message)
    }

    fn checked(self) -> Result<Self> {
        match self.value {
            Value::Object(_) => Ok(self),
            other => Err(self.error(Code::Schema, format!("{} where an object belongs", other.kind()))),
        }
    }

    fn wrong_type<T>(&self, name: &'d str, found: &Value<'_>, wanted: &str) -> Result<T> {
        Err(self.error_at(name, Code::Schema, format!("{} where {wanted} belongs", found.kind())))
    }

    /// The names of the members, in file order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'d str> + use<'d> {
        let members = if let Value::Object(members) = self.value { members.as_slice() } else { &[] };
        members.iter().map(|(name, _)| name.as_ref())
    }

    /// Whether the member exists.
    pub(super) fn has(&self, name: &str) -> bool {
        self.value.get(name).is_some()
    }

    /// A member of any type.
    pub(super) fn value(&self, name: &str) -> Option<&'d Value<'d>> {
        self.value.get(name)
    }

    /// A member that is an object.
    pub(super) fn object<'q>(&'q self, name: &'d str) -> Result<Option<Member<'q, 'd>>> {
        let Some(value) = self.value.get(name) else { return Ok(None) };
        Member { value, parent: Some(self), place: Below::Name(name) }.checked().map(Some)
    }

    /// The object of an extension of this object.
    pub(super) fn extension<'q>(&'q self, name: &'d str) -> Result<Option<Member<'q, 'd>>> {
        let Some(extensions) = self.object("extensions")? else { return Ok(None) };
        let Some(value) = extensions.value.get(name) else { return Ok(None) };
        Member { value, parent: Some(self), place: Below::Nested("extensions", name) }.checked().map(Some)
    }

    /// The values of a member that is an array; empty where it is absent.
    fn array(&self, name: &'d str) -> Result<&'d [Value<'d>]> {
        match self.value.get(name) {
            None => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            Some(other) => self.wrong_type(name, other, "an array"),
        }
    }

    /// How many elements the array has; 0 where it is absent.
    pub(super) fn count(&self, name: &'d str) -> Result<usize> {
        self.array(name).map(<[_]>::len)
    }

    /// The elements of an array of objects; none where it is absent.
    pub(super) fn items<'q>(
        &'q self,
        name: &'d str,
    ) -> Result<impl ExactSizeIterator<Item = Result<Member<'q, 'd>>> + use<'q, 'p, 'd>> {
        let values = self.array(name)?;
        Ok(values
            .iter()
            .enumerate()
            .map(move |(index, value)| Member { value, parent: Some(self), place: Below::Item(name, index) }.checked()))
    }

    /// The texts of an array of strings; none where it is absent.
    pub(super) fn texts(&self, name: &'d str) -> Result<Vec<&'d str>> {
        let values = self.array(name)?;
        let text = |(index, value): (usize, &'d Value<'d>)| match value {
            Value::String(text) => Ok(text.as_ref()),
            other => Err(self.item_error(name, index, Code::Schema, format!("{} where text belongs", other.kind()))),
        };
        values.iter().enumerate().map(text).collect()
    }

    fn item_error(&self, name: &'d str, index: usize, code: Code, message: String) -> ImportError {
        Member { value: self.value, parent: Some(self), place: Below::Item(name, index) }.error(code, message)
    }

    /// A member that is text.
    pub(super) fn text(&self, name: &'d str) -> Result<Option<&'d str>> {
        match self.value.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => self.wrong_type(name, other, "text"),
        }
    }

    /// A member that is true or false; false where it is absent.
    pub(super) fn flag(&self, name: &'d str) -> Result<bool> {
        match self.value.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => self.wrong_type(name, other, "true or false"),
        }
    }

    /// A member that is a whole number of at least 0.
    pub(super) fn integer(&self, name: &'d str) -> Result<Option<u64>> {
        match self.value.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => match number.integer {
                Some(integer) => Ok(Some(integer)),
                None => {
                    let message = format!("{} is not a whole number of at least 0", number.value);
                    Err(self.error_at(name, Code::Schema, message))
                }
            },
            Some(other) => self.wrong_type(name, other, "a whole number"),
        }
    }

    /// A required member that is a whole number of at least 0.
    pub(super) fn required_integer(&self, name: &'d str) -> Result<u64> {
        self.integer(name)?.ok_or_else(|| self.missing(name))
    }

    /// The error for a missing required member.
    pub(super) fn missing(&self, name: &'d str) -> ImportError {
        self.error_at(name, Code::Schema, format!("'{name}' is missing"))
    }

    /// A member that is an index into an array of `count` objects, called `noun` in the error.
    pub(super) fn index(&self, name: &'d str, count: usize, noun: &str) -> Result<Option<usize>> {
        let Some(index) = self.integer(name)? else { return Ok(None) };
        match usize::try_from(index) {
            Ok(index) if index < count => Ok(Some(index)),
            _ => Err(self.error_at(name, Code::Reference, out_of_range(index, count, noun))),
        }
    }

    /// As [`Self::index`], for a required member.
    pub(super) fn required_index(&self, name: &'d str, count: usize, noun: &str) -> Result<usize> {
        self.index(name, count, noun)?.ok_or_else(|| self.missing(name))
    }

    /// A member that is an array of indices into an array of `count` objects; none where it is absent.
    pub(super) fn indices(&self, name: &'d str, count: usize, noun: &str) -> Result<Vec<usize>> {
        let values = self.array(name)?;
        let index = |(at, value): (usize, &Value<'_>)| match value {
            Value::Number(number) => match number.integer {
                Some(index) if (index as u128) < count as u128 => Ok(index as usize),
                Some(index) => Err(self.item_error(name, at, Code::Reference, out_of_range(index, count, noun))),
                None => {
                    let message = format!("{} is not a whole number of at least 0", number.value);
                    Err(self.item_error(name, at, Code::Schema, message))
                }
            },
            other => Err(self.item_error(name, at, Code::Schema, format!("{} where an index belongs", other.kind()))),
        };
        values.iter().enumerate().map(index).collect()
    }

    /// A member that is a number with a finite single-precision value.
    pub(super) fn number(&self, name: &'d str) -> Result<Option<f64>> {
        match self.value.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) if (number.value as f32).is_finite() => Ok(Some(number.value)),
            Some(Value::Number(number)) => {
                let message = format!("{:e} is beyond ±3.4e38, the range of single precision", number.value);
                Err(self.error_at(name, Code::NonFinite, message))
            }
            Some(other) => self.wrong_type(name, other, "a number"),
        }
    }

    /// A member that is an array of any number of finite numbers.
    pub(super) fn number_list(&self, name: &'d str) -> Result<Option<Vec<f64>>> {
        if !self.has(name) {
            return Ok(None);
        }
        let number = |(index, value): (usize, &Value<'_>)| match value {
            Value::Number(number) if (number.value as f32).is_finite() => Ok(number.value),
            Value::Number(number) => {
                let message = format!("{:e} is beyond ±3.4e38, the range of single precision", number.value);
                Err(self.item_error(name, index, Code::NonFinite, message))
            }
            other => {
                Err(self.item_error(name, index, Code::Schema, format!("{} where a number belongs", other.kind())))
            }
        };
        self.array(name)?.iter().enumerate().map(number).collect::<Result<_>>().map(Some)
    }

    /// A member that is an array of `N` finite numbers.
    pub(super) fn numbers<const N: usize>(&self, name: &'d str) -> Result<Option<[f64; N]>> {
        let Some(numbers) = self.number_list(name)? else { return Ok(None) };
        let count = numbers.len();
        let numbers = <[f64; N]>::try_from(numbers)
            .map_err(|_| self.error_at(name, Code::Schema, format!("{count} numbers instead of {N}")))?;
        Ok(Some(numbers))
    }
}

fn out_of_range(index: u64, count: usize, noun: &str) -> String {
    match count {
        0 => format!("{noun} {index} is used, but there is none"),
        1 => format!("{noun} {index} is used, but there is 1, numbered 0"),
        _ => format!("{noun} {index} is used, but there are {count}, numbered from 0"),
    }
}
