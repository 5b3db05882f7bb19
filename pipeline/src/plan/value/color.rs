//! Colours, and backgrounds, which may be one.

use packshot_renderer::color::srgb;
use packshot_renderer::shot::Background;
use packshot_words::nearest;
use serde_json::{Value, json};

use super::{OptionValue, Wrong, last};
use crate::plan::option::Takes;

/// Colours by the names that CSS has for them. Of its names only white is read.
const CSS_NAMES: [(&str, &str); 11] = [
    ("black", "#000000"),
    ("blue", "#0000FF"),
    ("darkgray", "#A9A9A9"),
    ("darkgrey", "#A9A9A9"),
    ("gray", "#808080"),
    ("green", "#008000"),
    ("grey", "#808080"),
    ("lightgray", "#D3D3D3"),
    ("lightgrey", "#D3D3D3"),
    ("red", "#FF0000"),
    ("silver", "#C0C0C0"),
];

impl OptionValue for Background {
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
        let text = value.as_str().ok_or_else(|| Wrong::of_type("expected a string"))?;
        text.parse().map_err(|_| unreadable(text, takes))
    }

    fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
        let text = last(texts);
        text.parse().map_err(|_| unreadable(text, takes))
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Transparent => json!("transparent"),
            Self::Environment => json!("environment"),
            Self::Color { srgb: [1.0, 1.0, 1.0] } => json!("white"),
            Self::Color { srgb } => Color { srgb: *srgb }.to_json(),
        }
    }
}

/// An opaque colour, sRGB-encoded, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Color {
    /// Red, green, blue.
    pub srgb: [f32; 3],
}

impl Color {
    /// From linear Rec.709: the nearest of those that can be written as #RRGGBB.
    pub fn of_linear(linear: [f32; 3]) -> Self {
        Self { srgb: linear.map(|channel| (srgb::encode(channel) * 255.0).round() / 255.0) }
    }

    /// As linear Rec.709.
    pub fn linear(self) -> [f32; 3] {
        self.srgb.map(srgb::decode)
    }

    fn parse(text: &str, takes: &Takes) -> Result<Self, Wrong> {
        match text.parse() {
            Ok(Background::Color { srgb }) if has_word("white", takes) || text.starts_with('#') => Ok(Self { srgb }),
            _ => Err(unreadable(text, takes)),
        }
    }
}

impl OptionValue for Color {
    fn from_json(value: &Value, takes: &Takes) -> Result<Self, Wrong> {
        Self::parse(value.as_str().ok_or_else(|| Wrong::of_type("expected a string"))?, takes)
    }

    fn from_texts(texts: &[&str], takes: &Takes) -> Result<Self, Wrong> {
        Self::parse(last(texts), takes)
    }

    fn to_json(&self) -> Value {
        let [r, g, b] = self.srgb.map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8);
        json!(format!("#{r:02X}{g:02X}{b:02X}"))
    }
}

/// Whether an option takes this word beside colours.
fn has_word(word: &str, takes: &Takes) -> bool {
    matches!(takes, Takes::Form { pattern, .. } if pattern.contains(word))
}

fn unreadable(text: &str, takes: &Takes) -> Wrong {
    Wrong::word(takes.expected_or(meant(text, takes)))
}

/// What was meant by a colour in another notation (`#FFF`, `F0F0F0`, a name of CSS), or by a mistyped word.
fn meant(text: &str, takes: &Takes) -> Option<String> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        match digits.len() {
            3 => return Some(digits.chars().fold("#".to_owned(), |color, digit| format!("{color}{digit}{digit}"))),
            6 => return Some(format!("#{digits}")),
            _ => {}
        }
    }
    let name = text.to_ascii_lowercase();
    let words = ["transparent", "environment", "white"].into_iter().filter(|word| has_word(word, takes));
    let named = CSS_NAMES.iter().find(|(known, _)| *known == name).map(|(_, color)| *color);
    let white = (name == "white" && !has_word("white", takes)).then_some("#FFFFFF");
    named.or(white).or_else(|| nearest(text, words)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKGROUND: Takes =
        Takes::Form { pattern: "^(transparent|environment|white|#[0-9a-fA-F]{6})$", expected: "expected a background" };
    const LINE: Takes = Takes::Form { pattern: "^#[0-9a-fA-F]{6}$", expected: "expected a colour" };

    #[test]
    fn other_notations_are_refused_with_the_one_that_is_read() {
        for (text, near) in [
            ("#fff", "#ffffff"),
            ("F0F0F0", "#F0F0F0"),
            ("abc", "#aabbcc"),
            ("Grey", "#808080"),
            ("transparant", "transparent"),
            ("WHITE", "white"),
        ] {
            let wrong = Background::from_texts(&[text], &BACKGROUND).expect_err(text);
            assert_eq!(wrong.message(), format!("expected a background; did you mean `{near}`?"));
            assert!(Background::from_texts(&[near], &BACKGROUND).is_ok(), "{near} is read");
        }
        for (text, near) in [("white", "#FFFFFF"), ("black", "#000000"), ("000", "#000000")] {
            let wrong = Color::from_json(&json!(text), &LINE).expect_err(text);
            assert_eq!(wrong.message(), format!("expected a colour; did you mean `{near}`?"));
        }
        for text in ["", "#", "#12", "#1234567", "transparent", "rgb(1,2,3)", "\u{e4}bc"] {
            assert_eq!(
                Color::from_texts(&[text], &LINE).map_err(|wrong| wrong.message().to_owned()),
                Err("expected a colour".to_owned()),
                "{text}"
            );
        }
    }
}
