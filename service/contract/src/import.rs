//! Imports of products, as clients see them (orders.md §3).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    /// What became of a row.
    pub enum RowStatus {
        /// It made a product.
        Imported = "imported",
        /// It was taken into the product that there was.
        Updated = "updated",
        /// It was not taken.
        Skipped = "skipped",
    }
}

/// What became of a sheet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Import {
    /// Its id.
    pub id: Uuid,
    /// How many rows made a product.
    pub imported: u32,
    /// How many were taken into a product that there was.
    pub updated: u32,
    /// How many were not taken.
    pub skipped: u32,
    /// Columns whose names mean nothing here.
    pub ignored_columns: Vec<String>,
    /// The rows that are not empty, in their order.
    pub rows: Vec<ImportedRow>,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportedRow {
    /// Its number in the sheet, from 1; the first has the names of the columns.
    pub row: u32,
    /// What became of it.
    pub status: RowStatus,
    /// Why it was skipped: `missing_pim_id`, `missing_name`, `duplicate_pim_id`, `unknown_cad_file`, `invalid_value`;
    /// else `null`.
    pub code: Option<String>,
    /// The same in words.
    pub detail: Option<String>,
}

impl Import {
    /// Adds a row with what became of it: or with a code and words why it was skipped.
    pub fn add(&mut self, row: usize, outcome: Result<RowStatus, (&str, String)>) {
        let (status, code, detail) = match outcome {
            Ok(status) => (status, None, None),
            Err((code, detail)) => (RowStatus::Skipped, Some(code.to_owned()), Some(detail)),
        };
        *match status {
            RowStatus::Imported => &mut self.imported,
            RowStatus::Updated => &mut self.updated,
            RowStatus::Skipped => &mut self.skipped,
        } += 1;
        self.rows.push(ImportedRow { row: u32::try_from(row).unwrap_or(u32::MAX), status, code, detail });
    }
}
