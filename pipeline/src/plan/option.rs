//! What is known of an option: its name, what it takes, its default, and what it is for.

use packshot_words::{Word, words};

use super::table::OptionId;
use super::value::Wrong;

/// An option of pictures. Every surface makes what it shows of it from this.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// Which one it is.
    pub id: OptionId,
    /// Its name: as it stands here in requests, with `-` for `_` on the command line.
    pub name: &'static str,
    /// Its name on the command line, where that is another one.
    pub command_name: Option<&'static str>,
    /// The values that it has.
    pub takes: Takes,
    /// Of numbers: in what.
    pub unit: Option<&'static str>,
    /// What counts where nobody says it.
    pub default: Default,
    /// What it is for: one sentence, or two, without the last full stop.
    pub help: &'static str,
    /// What it is about.
    pub group: Group,
    /// The kinds of renders that have it.
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

/// The values that an option has.
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
        /// As a regular expression.
        pattern: &'static str,
        /// As a message says it.
        expected: &'static str,
    },
    /// A library and a map of materials.
    Materials,
}

/// The words of an option and what each means.
pub type WordList = fn() -> Vec<(&'static str, &'static str)>;

/// The words of an enumeration.
pub fn words_of<W: Word>() -> Vec<(&'static str, &'static str)> {
    W::ENTRIES.iter().map(|entry| (entry.word, entry.meaning)).collect()
}

/// What counts where nobody says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// Nothing.
    None,
    /// This value, as a text.
    Is(&'static str),
    /// What follows from other things, in words.
    Follows(&'static str),
}

/// What an option is about: help texts list them so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// The whole picture.
    Picture,
    /// What the file holds, and what of it is shown.
    Product,
    /// Where the picture is taken from, and how.
    Camera,
    /// How a turntable turns.
    Turntable,
    /// Size and sampling.
    Sampling,
    /// Light, background and view.
    Light,
    /// What the product stands on.
    Ground,
    /// Lines over the picture.
    Lines,
    /// Which part gets which material.
    Materials,
    /// The files.
    Output,
    /// What computes.
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
    /// The words that it takes; none where it takes others than words.
    pub fn words(&self) -> Vec<&'static str> {
        match self {
            Self::Word(list) | Self::Words { list, .. } => list().into_iter().map(|(word, _)| word).collect(),
            _ => Vec::new(),
        }
    }

    /// What a message says of a word that is not one of them.
    pub(super) fn expected_of(&self, text: &str) -> String {
        match packshot_words::nearest(text, self.words()) {
            Some(near) => format!("{}; did you mean `{near}`?", self.expected()),
            None => self.expected(),
        }
    }

    /// What a message says that it takes, for who gave something else.
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

    /// A number that is out of range.
    pub(super) fn out_of_range(&self) -> Wrong {
        Wrong::range(self.expected())
    }
}
