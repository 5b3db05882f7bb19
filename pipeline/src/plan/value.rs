//! Values of options: read from JSON and from the texts of a command line, with the ranges of the table, and written as
//! JSON.

use packshot_json::{Fault, FaultKind};
use packshot_materials::mapping::{MapBy, OnUnmapped};
use packshot_renderer::encode::ExrPrecision;
use packshot_renderer::import::UpAxis;
use packshot_renderer::look::Look;
use packshot_renderer::shot::ViewTransform;
use packshot_renderer::shot::turntable::{TurnDirection, TurnMode};
use packshot_words::Word;
use serde_json::{Value, json};

use super::option::Takes;
use super::words::{FileFormat, Filter, GroundWord, Lay, Light, ViewChoice};
use crate::denoise::Denoise;
use crate::picture::Aov;
use crate::preset::Preset;
use crate::views::Scale;

mod color;
mod materials;

pub use color::Color;
pub use materials::Materials;

/// What is wrong with a value: at least one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(pub Vec<Fault>);

impl Wrong {
    fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self(vec![Fault::new(kind, message)])
    }

    /// The wrong type.
    pub(super) fn of_type(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Type, message)
    }

    /// Out of range.
    pub(super) fn range(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Range, message)
    }

    /// Unknown word.
    pub(super) fn word(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Word, message)
    }

    fn below(self, at: &str) -> Self {
        Self(self.0.into_iter().map(|fault| fault.below(at)).collect())
    }

    /// Says which of several words is wrong.
    fn about(mut self, word: &str) -> Self {
        let which = if word.is_empty() { "a word is missing".to_owned() } else { format!("`{word}` is unknown") };
        self.0.iter_mut().for_each(|fault| fault.message = format!("{which}: {}", fault.message));
        self
    }

    /// The first message.
    pub fn message(&self) -> &str {
        self.0.first().map_or("", |fault| &fault.message)
    }
}

/// The value of an option.
pub trait OptionValue: Sized {
    /// Parses it from JSON.
    ///
    /// # Errors
    /// What is wrong with the value.
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong>;

    /// Parses it from the texts that follow the option on a command line, one for each occurrence.
    ///
    /// # Errors
    /// What is wrong with the value.
    fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong>;

    /// Writes it as JSON in the form that is read.
    fn to_json(&self) -> Value;
}

/// The last of several texts: if an option is given twice, the second wins.
fn last<'t>(texts: &[&'t str]) -> &'t str {
    texts.last().copied().unwrap_or("")
}

impl OptionValue for bool {
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
        value.as_bool().ok_or_else(|| Wrong::of_type(takes.expected()))
    }

    fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
        match last(texts) {
            "" | "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Wrong::range(takes.expected())),
        }
    }

    fn to_json(&self) -> Value {
        json!(self)
    }
}

/// A text that is no number, with the number that it begins with if only a unit follows that numbers are in anyway, or
/// a percent sign.
fn no_number(text: &str, takes: &Takes, is_in_range: impl Fn(f64) -> bool) -> Wrong {
    // Of options up to 1, percent are hundredths.
    let is_share = matches!(takes, Takes::Real { max, .. } | Takes::Positive { max } if *max <= 1.0);
    let units = [("px", 1.0), ("s", 1.0), ("deg", 1.0), ("°", 1.0), ("%", if is_share { 100.0 } else { 1.0 })];
    let before = |(unit, divisor): (&str, f64)| {
        let number: f64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        Some(number / divisor).filter(|&number| is_in_range(number))
    };
    Wrong::range(takes.expected_or(units.into_iter().find_map(before)))
}

/// A whole number in the range of an option.
fn whole(number: f64, takes: &Takes) -> Result<u32, Wrong> {
    let is_in_range = match takes {
        Takes::Whole { min, max } => (f64::from(*min)..=f64::from(*max)).contains(&number),
        Takes::OneOf(numbers) => numbers.iter().any(|&known| f64::from(known) == number),
        _ => false,
    };
    if number.fract() == 0.0 && is_in_range { Ok(number as u32) } else { Err(takes.out_of_range()) }
}

impl OptionValue for u32 {
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
        whole(value.as_f64().ok_or_else(|| Wrong::of_type(takes.expected()))?, takes)
    }

    fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
        let text = last(texts);
        let number: i64 = text.parse().map_err(|_| no_number(text, takes, |number| whole(number, takes).is_ok()))?;
        whole(number as f64, takes)
    }

    fn to_json(&self) -> Value {
        json!(self)
    }
}

/// A number in the range of an option.
fn real(number: f64, takes: &Takes) -> Result<f64, Wrong> {
    let is_in_range = match takes {
        Takes::Real { min, max } | Takes::Three { min, max } => (*min..=*max).contains(&number),
        Takes::Positive { max } => number > 0.0 && number <= *max,
        _ => false,
    };
    if is_in_range { Ok(number) } else { Err(takes.out_of_range()) }
}

impl OptionValue for f64 {
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
        real(value.as_f64().ok_or_else(|| Wrong::of_type(takes.expected()))?, takes)
    }

    fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
        let text = last(texts);
        let number = text.parse().map_err(|_| no_number(text, takes, |number| real(number, takes).is_ok()))?;
        real(number, takes)
    }

    fn to_json(&self) -> Value {
        json!(self)
    }
}

impl OptionValue for [f64; 3] {
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
        let values = value.as_array().ok_or_else(|| Wrong::of_type(takes.expected()))?;
        Self::try_from(each(values, |value| f64::from_json(value, takes))?).map_err(|_| takes.out_of_range())
    }

    fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
        let numbers: Vec<&str> = last(texts).split(',').map(str::trim).collect();
        let number = |text: &&str| real(text.parse().map_err(|_| takes.out_of_range())?, takes);
        let numbers: Result<Vec<f64>, Wrong> = numbers.iter().map(number).collect();
        Self::try_from(numbers?).map_err(|_| takes.out_of_range())
    }

    fn to_json(&self) -> Value {
        json!(self)
    }
}

/// A text that is not empty, not too long, and on one line.
fn text(text: &str, bytes_max: usize) -> Result<String, Wrong> {
    if text.is_empty() || text.len() > bytes_max || text.chars().any(char::is_control) {
        return Err(Wrong::range(Takes::Text { bytes_max }.expected()));
    }
    Ok(text.to_owned())
}

fn text_bytes_max(takes: &Takes) -> usize {
    match takes {
        Takes::Text { bytes_max } | Takes::Texts { bytes_max, .. } => *bytes_max,
        _ => usize::MAX,
    }
}

impl OptionValue for String {
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
        text(value.as_str().ok_or_else(|| Wrong::of_type("expected a string"))?, text_bytes_max(takes))
    }

    fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
        text(last(texts), text_bytes_max(takes))
    }

    fn to_json(&self) -> Value {
        json!(self)
    }
}

impl OptionValue for Vec<String> {
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
        let values = value.as_array().ok_or_else(|| Wrong::of_type("expected a list"))?;
        if matches!(takes, Takes::Texts { n_max, .. } if values.len() > *n_max) {
            return Err(takes.out_of_range());
        }
        each(values, |value| String::from_json(value, takes))
    }

    fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
        if matches!(takes, Takes::Texts { n_max, .. } if texts.len() > *n_max) {
            return Err(takes.out_of_range());
        }
        each(texts, |one| text(one, text_bytes_max(takes)))
    }

    fn to_json(&self) -> Value {
        json!(self)
    }
}

/// Parses every element, or returns what is wrong with all of them.
fn each<T, V>(values: &[V], read: impl Fn(&V) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    let (mut all, mut wrong) = (Vec::with_capacity(values.len()), Vec::new());
    for (i, value) in values.iter().enumerate() {
        match read(value) {
            Ok(value) => all.push(value),
            Err(found) => wrong.extend(found.below(&format!("/{i}")).0),
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(Wrong(wrong)) }
}

/// A word of an enumeration that the option accepts.
fn word<W: Word>(text: &str, takes: &Takes) -> Result<W, Wrong> {
    // An option may accept fewer words than the enumeration has.
    let is_taken = |word: &W| match takes {
        Takes::Word(list) | Takes::Words { list, .. } => list().iter().any(|(known, _)| *known == word.word()),
        _ => true,
    };
    W::by_word(text).filter(is_taken).ok_or_else(|| Wrong::word(takes.expected_of(text)))
}

macro_rules! word_values {
    ($($type:ty),+ $(,)?) => { $(
        impl OptionValue for $type {
            fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
                word(value.as_str().ok_or_else(|| Wrong::of_type("expected a string"))?, takes)
            }

            fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
                word(last(texts), takes)
            }

            fn to_json(&self) -> Value {
                json!(self.word())
            }
        }
    )+ };
}

word_values!(
    Denoise,
    ExrPrecision,
    Filter,
    GroundWord,
    Lay,
    Light,
    Look,
    MapBy,
    OnUnmapped,
    Scale,
    TurnDirection,
    TurnMode,
    UpAxis,
    ViewChoice,
    ViewTransform
);

/// Words, each at most once.
fn words<W: Word, V>(values: &[V], takes: &Takes, read: impl Fn(&V) -> Result<W, Wrong>) -> Result<Vec<W>, Wrong> {
    let all = each(values, read)?;
    if matches!(takes, Takes::Words { n_min, .. } if all.len() < *n_min) {
        return Err(Wrong::range("expected at least one"));
    }
    let repeated = |(i, word): (usize, &W)| {
        let message = format!("`{}` is listed twice", word.word());
        let wrong = Wrong::new(FaultKind::Duplicate, message).below(&format!("/{i}"));
        all[..i].contains(word).then_some(wrong.0)
    };
    let repeated: Vec<Fault> = all.iter().enumerate().filter_map(repeated).flatten().collect();
    if repeated.is_empty() { Ok(all) } else { Err(Wrong(repeated)) }
}

/// The comma-separated elements of all texts.
fn between_commas<'t>(texts: &[&'t str]) -> Vec<&'t str> {
    texts.iter().flat_map(|text| text.split(',')).map(str::trim).collect()
}

/// One of several words. A format is often given as an extension.
fn word_of<W: Word>(all: &[&str], text: &str, takes: &Takes) -> Result<W, Wrong> {
    let read = word(text.strip_prefix('.').unwrap_or(text), takes);
    read.map_err(|wrong| if all.len() > 1 { wrong.about(text) } else { wrong })
}

macro_rules! word_lists {
    ($($type:ty),+ $(,)?) => { $(
        impl OptionValue for Vec<$type> {
            fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
                match value {
                    Value::Array(values) => words(values, takes, |value| <$type as OptionWord>::from_json(value, takes)),
                    // A single word is a list of one.
                    Value::String(text) => Ok(vec![word(text, takes)?]),
                    _ => Err(Wrong::of_type("expected a list of words, or one word")),
                }
            }

            fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
                let all = between_commas(texts);
                words(&all, takes, |text| word_of(&all, text, takes))
            }

            fn to_json(&self) -> Value {
                json!(self.iter().map(|word| word.word()).collect::<Vec<_>>())
            }
        }
    )+ };
}

/// Elements of lists of words.
trait OptionWord: Word {
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
        word(value.as_str().ok_or_else(|| Wrong::of_type("expected a string"))?, takes)
    }
}

impl<W: Word> OptionWord for W {}

word_lists!(FileFormat, Aov);

/// Views by name and as sets, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Views(pub Vec<ViewChoice>);

impl Views {
    /// Each once, in the order of first mention.
    fn of(named: Vec<ViewChoice>) -> Result<Self, Wrong> {
        if named.is_empty() {
            return Err(Wrong::range("expected at least one"));
        }
        let mut choices: Vec<ViewChoice> = Vec::with_capacity(named.len());
        for choice in named {
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        }
        Ok(Self(choices))
    }
}

impl OptionValue for Views {
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
        let choices = match value {
            Value::Array(values) => each(values, |value| <ViewChoice as OptionWord>::from_json(value, takes))?,
            Value::String(text) => vec![word(text, takes)?],
            _ => return Err(Wrong::of_type("expected a set of views, or a list of names")),
        };
        Self::of(choices)
    }

    fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
        let all = between_commas(texts);
        Self::of(each(&all, |text| word_of(&all, text, takes))?)
    }

    fn to_json(&self) -> Value {
        json!(self.0.iter().map(|view| view.word()).collect::<Vec<_>>())
    }
}

/// The presets by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PresetName(pub &'static Preset);

impl PresetName {
    fn parse(text: &str, takes: &Takes) -> Result<Self, Wrong> {
        Preset::by_name(text).map(Self).ok_or_else(|| Wrong::word(takes.expected_of(text)))
    }
}

impl OptionValue for PresetName {
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
        Self::parse(value.as_str().ok_or_else(|| Wrong::of_type("expected a string"))?, takes)
    }

    fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
        Self::parse(last(texts), takes)
    }

    fn to_json(&self) -> Value {
        json!(self.0.name)
    }
}
