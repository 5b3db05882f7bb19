//! Spreadsheets: the cells of the first sheet of an `.xlsx` file, or of comma-separated values, as text.
//!
//! Files are hostile: what a file unpacks to, and how many cells it has, is limited before anything is kept, and cells
//! are read one after the other, because a sheet with one cell in a far corner is otherwise as large as all between.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};

use calamine::{DataRef, Reader, Xlsx};
use encoding_rs::WINDOWS_1252;

/// Rows of a sheet, at most.
const ROWS_MAX: usize = 10_000;
/// Columns of a sheet, at most.
const COLUMNS_MAX: usize = 1_000;
/// Bytes that an `.xlsx` file unpacks to, at most.
const UNPACKED_BYTES_MAX: u64 = 64 << 20;
/// Bytes of all cells together, at most.
const TEXT_BYTES_MAX: usize = 32 << 20;
/// What cells of comma-separated values may be separated by.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// A sheet: the names of its columns, and below them its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The names in the first row, each at the place of its column.
    pub columns: BTreeMap<usize, String>,
    /// The rows that are not empty.
    pub rows: Vec<Row>,
}

/// A row of a sheet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its number in the sheet, from 1.
    pub number: usize,
    /// Its cells that are not empty, by the place of their column.
    pub cells: HashMap<usize, String>,
}

/// A file that is no sheet, or a sheet that is too large.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// It is an `.xlsx` file that is broken.
    #[error("the .xlsx file cannot be read: {0}")]
    Broken(String),
    /// It is neither.
    #[error("the file is neither .xlsx nor text")]
    Unknown,
    /// It is comma-separated values that are broken.
    #[error("the comma-separated values cannot be read: {0}")]
    Csv(String),
    /// It has too many rows.
    #[error("the sheet has more than {ROWS_MAX} rows: divide it")]
    Rows,
    /// It has too many columns.
    #[error("the sheet has more than {COLUMNS_MAX} columns")]
    Columns,
    /// It has too much in it.
    #[error("the sheet has too much in it: divide it")]
    Large,
}

impl Sheet {
    /// Reads a file; what it is is known by its content.
    pub fn read(bytes: &[u8]) -> Result<Self, SheetError> {
        let mut cells = Cells::default();
        match bytes {
            [b'P', b'K', ..] => cells.read_xlsx(bytes)?,
            _ => cells.read_csv(&text_of(bytes)?)?,
        }
        Ok(cells.into_sheet())
    }
}

/// The cells that were read so far.
#[derive(Debug, Default)]
struct Cells {
    rows: BTreeMap<usize, Row>,
    n_bytes: usize,
}

impl Cells {
    /// Adds a cell, at its row and column from 0.
    fn add(&mut self, row: usize, column: usize, text: &str) -> Result<(), SheetError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        if column >= COLUMNS_MAX {
            return Err(SheetError::Columns);
        }
        self.n_bytes += text.len();
        if self.n_bytes > TEXT_BYTES_MAX {
            return Err(SheetError::Large);
        }
        let line = self.rows.entry(row).or_insert_with(|| Row { number: row + 1, ..Row::default() });
        line.cells.insert(column, text.to_owned());
        // One more than the rows: their names.
        if self.rows.len() > ROWS_MAX + 1 { Err(SheetError::Rows) } else { Ok(()) }
    }

    fn read_xlsx(&mut self, bytes: &[u8]) -> Result<(), SheetError> {
        check_unpacked(bytes)?;
        let broken = |error: calamine::XlsxError| SheetError::Broken(error.to_string());
        let mut book = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
        let Some(name) = book.sheet_names().first().cloned() else { return Ok(()) };
        let mut reader = book.worksheet_cells_reader(&name).map_err(broken)?;
        while let Some(cell) = reader.next_cell().map_err(broken)? {
            let (row, column) = cell.get_position();
            let text = match cell.get_value() {
                DataRef::Empty => continue,
                DataRef::String(text) => text.clone(),
                DataRef::SharedString(text) => (*text).to_owned(),
                // An article number is often a number to a spreadsheet.
                DataRef::Int(number) => number.to_string(),
                DataRef::Float(number) => number.to_string(),
                DataRef::Bool(is_true) => is_true.to_string(),
                DataRef::DateTime(time) => time.to_string(),
                DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
                DataRef::Error(error) => error.to_string(),
            };
            self.add(row as usize, column as usize, &text)?;
        }
        Ok(())
    }

    fn read_csv(&mut self, text: &str) -> Result<(), SheetError> {
        let header = text.lines().next().unwrap_or_default();
        let n_of = |separator: &&u8| header.bytes().filter(|byte| byte == *separator).count();
        let separator = SEPARATORS.iter().rev().max_by_key(n_of).copied().unwrap_or(b',');
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.map_err(|error| SheetError::Csv(error.to_string()))?;
            let line = record.position().map_or(1, csv::Position::line);
            let row = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
            for (column, cell) in record.iter().enumerate() {
                self.add(row, column, cell)?;
            }
        }
        Ok(())
    }

    /// The sheet: the first row that is not empty names the columns.
    fn into_sheet(self) -> Sheet {
        let mut rows = self.rows.into_values();
        let columns = rows.next().unwrap_or_default().cells.into_iter().collect();
        Sheet { columns, rows: rows.collect() }
    }
}

/// Refuses an archive that unpacks to more than is read: what its directory says of that need not be true.
fn check_unpacked(bytes: &[u8]) -> Result<(), SheetError> {
    let broken = |error: String| SheetError::Broken(error);
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(error.to_string()))?;
    let mut left = UNPACKED_BYTES_MAX;
    for i in 0..archive.len() {
        let entry = archive.by_index(i).map_err(|error| broken(error.to_string()))?;
        let unpacked = std::io::copy(&mut entry.take(left + 1), &mut std::io::sink());
        let n_bytes = unpacked.map_err(|error| broken(error.to_string()))?;
        left = left.checked_sub(n_bytes).ok_or(SheetError::Large)?;
    }
    Ok(())
}

/// The text of a file: UTF-8, or what spreadsheets write on Windows.
fn text_of(bytes: &[u8]) -> Result<String, SheetError> {
    if bytes.contains(&0) {
        return Err(SheetError::Unknown);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    };
    // The reader counts a line end of two characters with the row after it.
    Ok(text.replace("\r\n", "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(sheet: &Sheet) -> Vec<(usize, Vec<(String, String)>)> {
        let row = |row: &Row| {
            let cell = |(place, name): (&usize, &String)| Some((name.clone(), row.cells.get(place)?.clone()));
            (row.number, sheet.columns.iter().filter_map(cell).collect())
        };
        sheet.rows.iter().map(row).collect()
    }

    #[test]
    fn values_are_separated_by_what_the_first_line_has_most_of() {
        let expected =
            vec![(2, vec![("pim_id".to_owned(), "6204".to_owned()), ("name".to_owned(), "Lager, klein".to_owned())])];
        for text in [
            "pim_id,name\n6204,\"Lager, klein\"\n",
            "\u{feff}pim_id;name\r\n6204;Lager, klein\r\n\r\n;\r\n",
            "pim_id\tname\n 6204\tLager, klein",
        ] {
            assert_eq!(cells(&Sheet::read(text.as_bytes()).expect("a sheet")), expected, "{text:?}");
        }
        let latin = Sheet::read(b"pim_id;name\n1;Gr\xf6\xdfe\n").expect("a sheet");
        assert_eq!(latin.rows[0].cells[&1], "Größe");
        assert_eq!(Sheet::read(b""), Ok(Sheet::default()));
        assert_eq!(Sheet::read(b"\x89PNG\r\n\x1a\n\0\0"), Err(SheetError::Unknown));
    }

    #[test]
    fn rows_columns_and_bytes_are_limited() {
        let many = "a\n".repeat(ROWS_MAX + 2);
        assert_eq!(Sheet::read(many.as_bytes()), Err(SheetError::Rows));
        assert!(Sheet::read("a\n".repeat(ROWS_MAX + 1).as_bytes()).is_ok());
        let wide = format!("{}a", ",".repeat(COLUMNS_MAX));
        assert_eq!(Sheet::read(wide.as_bytes()), Err(SheetError::Columns));
        assert!(matches!(Sheet::read(b"PK\x03\x04 and no more"), Err(SheetError::Broken(_))));
    }

    #[test]
    fn an_archive_that_unpacks_to_too_much_is_refused() {
        use std::io::Write;
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("xl/workbook.xml", zip::write::SimpleFileOptions::default()).expect("an entry");
        let zeros = vec![0; 1 << 20];
        for _ in 0..65 {
            zip.write_all(&zeros).expect("written");
        }
        let bomb = zip.finish().expect("a zip").into_inner();
        assert!(bomb.len() < 1 << 20, "{}", bomb.len());
        assert_eq!(Sheet::read(&bomb), Err(SheetError::Large));
    }
}
