//! Imports of products out of spreadsheets: each row makes a product or changes the one with its `pim_id`. A row that
//! cannot be taken is skipped, says why, and stops no other; the same sheet can be sent again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::sheet::{Row, Sheet, SheetError};
use crate::app::{App, AppError, Code, Upload};
use packshot_contract::import::{Import, RowStatus};
use packshot_contract::product::ProductChange;
use packshot_db::imports::{self as kept_imports, Import as Kept};
use packshot_db::{TenantScope, cad_files, products as rows};
use packshot_domain::artifact::Label;
use packshot_domain::change::Change;
use packshot_domain::channel::ImportCounts;
use packshot_domain::id::{CadFileId, ImportId, ProductId};
use packshot_domain::principal::Principal;
use packshot_domain::product::{EntryName, PartEntries, PartEntry, ProductFields};

/// What the name of a column begins with that has the material of a part.
const PART: &str = "part:";

/// Columns that a message names, at most.
const NAMED_MAX: usize = 12;

/// What a column has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    PimId,
    Name,
    CategoryKey,
    Lagertyp,
    CadFile,
    Part(String),
}

impl Column {
    /// The column of this name; `None` for one that means nothing here.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "pim_id" => Self::PimId,
            "name" => Self::Name,
            "category_key" => Self::CategoryKey,
            "lagertyp" => Self::Lagertyp,
            "cad_file" => Self::CadFile,
            _ => Self::Part(name.strip_prefix(PART).map(str::trim).filter(|part| !part.is_empty())?.to_owned()),
        })
    }
}

/// Why a row is skipped.
struct Skipped {
    code: &'static str,
    detail: String,
}

fn skipped(code: &'static str, detail: impl Into<String>) -> Skipped {
    Skipped { code, detail: detail.into() }
}

/// What a row says.
#[derive(Clone, Debug)]
struct Said {
    pim_id: Label,
    name: Label,
    category_key: Option<Label>,
    lagertyp: Option<Label>,
    cad_file: Option<String>,
    parts: Vec<PartEntry>,
}

/// Imports a sheet.
///
/// # Errors
/// [`Code::UnreadableSheet`]; [`Code::MissingColumn`] without `pim_id` or `name`.
pub async fn run(app: &App, who: &Principal, upload: Upload) -> Result<Import, AppError> {
    let turn = app.turn().await?;
    let bytes = upload.read().await?;
    let sheet = turn.run(move || Sheet::read(&bytes)).await?.map_err(unreadable)?;
    let (columns, ignored_columns) = columns(&sheet)?;
    let mut import = Import { id: ImportId::new().uuid(), ignored_columns, ..Import::default() };
    let (mut files, mut seen, mut products) = (HashMap::new(), BTreeSet::new(), Vec::new());
    for row in &sheet.rows {
        let outcome = match said(row, &columns) {
            Ok(said) if !seen.insert(said.pim_id.clone()) => Err(skipped(
                "duplicate_pim_id",
                format!("an earlier row has the pim_id {:?} too", said.pim_id.as_str()),
            )),
            Ok(said) => take(app, who, said, &mut files).await?.map(|(status, product)| {
                products.push(product);
                status
            }),
            Err(skipped) => Err(skipped),
        };
        import.add(row.number, outcome.map_err(|skipped| (skipped.code, skipped.detail)));
    }
    let counts = ImportCounts { imported: import.imported, updated: import.updated, skipped: import.skipped };
    let kept = Kept { id: ImportId::from_uuid(import.id), counts };
    kept_imports::keep(&app.db, TenantScope::of(who.tenant), (who.actor(), who.user), kept, products).await?;
    Ok(import)
}

fn unreadable(error: SheetError) -> AppError {
    AppError::new(Code::UnreadableSheet, error.to_string()).at("/file")
}

/// The columns by their places, and the names of those that mean nothing here. An empty sheet has none.
fn columns(sheet: &Sheet) -> Result<(BTreeMap<usize, Column>, Vec<String>), AppError> {
    let (mut columns, mut ignored) = (BTreeMap::new(), Vec::new());
    for (place, name) in &sheet.columns {
        match Column::named(name) {
            Some(column) if columns.values().any(|known| *known == column) => {
                let detail = format!("the sheet has the column `{name}` twice");
                return Err(AppError::new(Code::UnreadableSheet, detail).at("/file"));
            }
            Some(column) => drop(columns.insert(*place, column)),
            None => ignored.push(name.clone()),
        }
    }
    let missing = [(Column::PimId, "pim_id"), (Column::Name, "name")];
    let missing = missing.into_iter().find(|(column, _)| !columns.values().any(|known| known == column));
    match missing {
        Some((_, name)) if !sheet.columns.is_empty() => {
            let there = sheet.columns.values().take(NAMED_MAX).map(|name| format!("`{name}`"));
            let there = there.collect::<Vec<_>>().join(", ");
            let detail = format!("the sheet has no column `{name}`; its first row has {there}");
            Err(AppError::new(Code::MissingColumn, detail).at("/file"))
        }
        _ => Ok((columns, ignored)),
    }
}

/// What a row says, if it is enough.
fn said(row: &Row, columns: &BTreeMap<usize, Column>) -> Result<Said, Skipped> {
    let cell = |column: &Column| {
        let (place, _) = columns.iter().find(|(_, known)| *known == column)?;
        row.cells.get(place).map(String::as_str)
    };
    let label = |column: &Column, name: &str| match cell(column).map(str::parse::<Label>).transpose() {
        Ok(label) => Ok(label),
        Err(error) => Err(skipped("invalid_value", format!("{name}: {error}"))),
    };
    let pim_id = label(&Column::PimId, "pim_id")?.ok_or_else(|| skipped("missing_pim_id", "the row has no pim_id"))?;
    let name = label(&Column::Name, "name")?.ok_or_else(|| skipped("missing_name", "the row has no name"))?;
    let mut parts = Vec::new();
    for (place, column) in columns {
        let Column::Part(part) = column else { continue };
        let Some(material) = row.cells.get(place) else { continue };
        let fit = |text: &str| match text.parse::<EntryName>() {
            Ok(name) => Ok(name),
            Err(error) => Err(skipped("invalid_value", format!("{PART}{part}: {error}"))),
        };
        parts.push(PartEntry { part_name: fit(part)?, material: fit(material)?, found_by: None, alias: None });
    }
    Ok(Said {
        pim_id,
        name,
        category_key: label(&Column::CategoryKey, "category_key")?,
        lagertyp: label(&Column::Lagertyp, "lagertyp")?,
        cad_file: cell(&Column::CadFile).map(str::to_owned),
        parts,
    })
}

/// Makes the product that a row is about, or changes it: an empty cell leaves things as they are.
async fn take(
    app: &App,
    who: &Principal,
    said: Said,
    files: &mut HashMap<String, Option<CadFileId>>,
) -> Result<Result<(RowStatus, ProductId), Skipped>, AppError> {
    let scope = TenantScope::of(who.tenant);
    let Said { pim_id, name, category_key, lagertyp, cad_file, parts } = said;
    let cad_file = match cad_file {
        Some(named) => {
            if !files.contains_key(&named) {
                let found = cad_files::named(&app.db, scope, &named).await?.map(|file| file.id);
                files.insert(named.clone(), found);
            }
            match files.get(&named).copied().flatten() {
                Some(id) => Some(id),
                None => return Ok(Err(skipped("unknown_cad_file", format!("no CAD file was uploaded as {named:?}")))),
            }
        }
        None => None,
    };
    let Some(product) = rows::with_pim_id(&app.db, scope, &pim_id).await? else {
        let parts = match PartEntries::new(parts) {
            Ok(parts) => parts,
            Err(error) => return Ok(Err(skipped("invalid_value", error.to_string()))),
        };
        let fields = ProductFields { pim_id, name, category_key, lagertyp, cad_file, thumbnail: None, parts };
        let made = super::create(app, who, fields).await?;
        return Ok(Ok((RowStatus::Imported, ProductId::from_uuid(made.id))));
    };
    let parts = match product.fields.parts.clone().overlaid(parts) {
        Ok(parts) => parts,
        Err(error) => return Ok(Err(skipped("invalid_value", error.to_string()))),
    };
    let change = ProductChange {
        pim_id: None,
        name: Some(name),
        category_key: category_key.map_or(Change::Keep, Change::Set),
        lagertyp: lagertyp.map_or(Change::Keep, Change::Set),
        cad_file: cad_file.map_or(Change::Keep, Change::Set),
        thumbnail: Change::Keep,
        parts: Change::Set(parts),
    };
    super::change(app, who, product.id, change).await?;
    Ok(Ok((RowStatus::Updated, product.id)))
}
