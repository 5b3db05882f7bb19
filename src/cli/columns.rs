//! Columns of text on a terminal.

use unicode_width::UnicodeWidthStr as _;

/// How many cells of a terminal a text takes: an umlaut that is written as two characters takes one, an ideograph two.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text, with blanks behind it up to a width in cells.
pub(crate) fn padded(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_in_the_same_column() {
        for text in ["Ring", "Gehäuse", "Geha\u{308}use", "軸受"] {
            assert_eq!(width(&padded(text, 10)), 10, "{text}");
        }
        assert_eq!(padded("Geha\u{308}use", 8).chars().count(), 9);
        assert_eq!(padded("Lagergehäuse", 8), "Lagergehäuse");
    }
}
