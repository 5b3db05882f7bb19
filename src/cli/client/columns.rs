//! Lists for people: rows below each other.

use packshot_materials::name::one_line;

use crate::cli::columns::{padded, width};

/// Characters of a text in a table, at most.
const TEXT_MAX: usize = 60;

/// A text on one line, and not too long for a table.
pub(super) fn cut(text: &str) -> String {
    let line = one_line(text).to_string();
    if line.chars().count() <= TEXT_MAX {
        return line;
    }
    line.chars().take(TEXT_MAX - 1).chain(['…']).collect()
}

/// Rows below each other, each column as wide as its widest cell.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width_of = |i: usize| rows.iter().filter_map(|row| Some(width(row.get(i)?))).max().unwrap_or(0);
    let widths: Vec<usize> = (0..n_columns).map(width_of).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| padded(cell, width));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let shown =
            table(&[row(["ORDER", "STATE", "NOTES"]), row(["1", "processing", ""]), row(["ÄÖÜ-2026", "draft", "n"])]);
        assert_eq!(shown, "ORDER     STATE       NOTES\n1         processing\nÄÖÜ-2026  draft       n\n");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(cut(&"x".repeat(61)).chars().count(), 60);
        assert_eq!(cut("a\nb"), one_line("a\nb").to_string());
    }
}
