//! The description of an option: its name, values, default and purpose.

use std::fmt::Display;

use packshot_words::{Word, words};

use super::table::OptionId;
use super::value::Wrong;

/// An option of pictures. Every surface derives its presentation from this.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// The option.
    pub id: OptionId,
    /// Its name: this in requests, with `-` for `_` on the command line.
    pub name: &'static str,
    /// Its name on the command line, if that differs.
    pub command_name: Option<&'static str>,
    /// Its possible values.
    pub takes: Takes,
    /// The unit of numbers.
    pub unit: Option<&'static str>,
    /// The value if not given.
    pub default: Default,
    /// Its purpose: one sentence, or two, without the last full stop.
    pub help: &'static str,
    /// Its topic.
    pub group: Group,
    /// The kinds of render that have it.
    pub of: &'static [Kind],
}

impl OptionSpec {
    /// Its name on the command line, without the dashes before it.
    pub fn command_name(&self) -> String {
        self.command_name.map_or_else(|| self.name.replace('_', "-"), str::to_owned)
    }

    /// Whether a kind of render has it.
    pub fn is_of(&self, kind: Kind) -> bool {
        self.of.contains(&kind)
    }
}

/// The possible values of an option.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// Yes or no.
    Flag,
    /// Whole numbers.
    Whole {
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// One of a few whole numbers.
    OneOf(&'static [u32]),
    /// Numbers.
    Real {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// Three numbers, one for each axis.
    Three {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// Numbers above 0.
    Positive {
        /// The largest.
        max: f64,
    },
    /// One of some words.
    Word(WordList),
    /// Some of some words, each once.
    Words {
        /// The words.
        list: WordList,
        /// How many there are at least.
        n_min: usize,
    },
    /// A text of at least one character, without control characters.
    Text {
        /// Its bytes, at most.
        bytes_max: usize,
    },
    /// Texts.
    Texts {
        /// How many, at most.
        n_max: usize,
        /// Bytes of each, at most.
        bytes_max: usize,
    },
    /// A text of a form of its own.
    Form {
        /// A regular expression.
        pattern: &'static str,
        /// Its description in a message.
        expected: &'static str,
    },
    /// A material library and a material map.
    Materials,
}

/// The words of an option and their meanings.
pub type WordList = fn() -> Vec<(&'static str, &'static str)>;

/// The words of an enumeration.
pub fn words_of<W: Word>() -> Vec<(&'static str, &'static str)> {
    W::ENTRIES.iter().map(|entry| (entry.word, entry.meaning)).collect()
}

/// The value of an option that is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// Nothing.
    None,
    /// This value, as text.
    Is(&'static str),
    /// Depends on other things, described in words.
    Follows(&'static str),
}

/// The topic of an option, by which help texts group them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// The whole picture.
    Picture,
    /// The content of the file, and what of it is shown.
    Product,
    /// Camera and framing.
    Camera,
    /// How a turntable turns.
    Turntable,
    /// Size and sampling.
    Sampling,
    /// Light, background and view.
    Light,
    /// The ground.
    Ground,
    /// Lines over the picture.
    Lines,
    /// Which part gets which material.
    Materials,
    /// The files.
    Output,
    /// The device.
    Device,
}

words! {
    /// What is made of a product.
    #[derive(Default)]
    pub enum Kind {
        /// One picture
        #[default]
        Still = "still",
        /// The turning product: frames, and movies of them
        Turntable = "turntable",
        /// Pictures from several sides
        Views = "views",
    }
}

impl Takes {
    /// The words that it accepts; empty if it accepts something else.
    pub fn words(&self) -> Vec<&'static str> {
        match self {
            Self::Word(list) | Self::Words { list, .. } => list().into_iter().map(|(word, _)| word).collect(),
            _ => Vec::new(),
        }
    }

    /// The values that it accepts, for a message about a word that is not one of them.
    pub(super) fn expected_of(&self, text: &str) -> String {
        self.expected_or(packshot_words::nearest(text, self.words()))
    }

    /// The values that it accepts, with the one that was probably meant.
    pub(super) fn expected_or(&self, near: Option<impl Display>) -> String {
        match near {
            Some(near) => format!("{}; did you mean `{near}`?", self.expected()),
            None => self.expected(),
        }
    }

    /// The values that it accepts, for a message about another value.
    pub fn expected(&self) -> String {
        let words = |list: &WordList| list().into_iter().map(|(word, _)| word).collect::<Vec<_>>().join(", ");
        match self {
            Self::Flag => "expected true or false".to_owned(),
            Self::Whole { min, max } => format!("expected a whole number from {min} to {max}"),
            Self::OneOf(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
                format!("expected one of {}", numbers.join(", "))
            }
            Self::Real { min, max } if *max >= f64::from(f32::MAX) => format!("expected a number of at least {min}"),
            Self::Real { min, max } => format!("expected a number from {min} to {max}"),
            Self::Three { min, max } => {
                format!(
                    "expected three numbers from {min} to {max}, for X, Y and Z, such as 90,0,0; in JSON [90, 0, 0]"
                )
            }
            Self::Positive { max } => format!("expected a number above 0 up to {max}"),
            Self::Word(list) => format!("expected one of {}", words(list)),
            Self::Words { list, .. } => format!("expected one or more of {}", words(list)),
            Self::Text { bytes_max } => format!("expected a text of 1 to {bytes_max} bytes without control characters"),
            Self::Texts { n_max, .. } => format!("expected a list of at most {n_max} texts"),
            Self::Form { expected, .. } => (*expected).to_owned(),
            Self::Materials => "expected an object with `library`, `parts` or both".to_owned(),
        }
    }

    /// A number out of range.
    pub(super) fn out_of_range(&self) -> Wrong {
        Wrong::range(self.expected())
    }
}
