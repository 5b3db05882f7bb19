//! What somebody wants to order, read from a sheet or a folder before the service is asked: every fault at its row.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use packshot::error::Fault;
use packshot_domain::artifact::Label;
use packshot_domain::cad_file::SourceFormat;
use packshot_domain::hash::ContentAddress;
use packshot_renderer::backend::CancelToken;
use packshot_service::products::sheet::{Row, Sheet};
use packshot_words::why_unread;
use packshot_worker::cad;

use super::super::super::console;
use super::super::super::failure::{Exit, Failure};
use super::super::super::files::{self, InputKind};

/// The columns of a sheet.
pub(super) const COLUMNS: [&str; 6] = ["pim_id", "file", "output_type", "name", "order_number", "notes"];
/// Bytes that are looked at to recognise a file.
const BEGINNING: usize = 256;

/// A line that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantedLine {
    /// Where it is wanted: a row or a file.
    pub(super) at: String,
    /// Its product.
    pub(super) pim_id: String,
    /// The name or the id of its output type.
    pub(super) output_type: String,
}

/// A product that lines are of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantedProduct {
    /// Where it is named first.
    pub(super) at: String,
    /// What it is called, where it is made.
    pub(super) name: Option<String>,
    /// What it is rendered from; `None` for what the service has.
    pub(super) file: Option<CadInput>,
}

/// A CAD file on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CadInput {
    /// Where it is.
    pub(super) path: PathBuf,
    /// What its bytes are.
    pub(super) address: ContentAddress,
}

/// All that is wanted, and all that is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Wish {
    /// The lines, in their order.
    pub(super) lines: Vec<WantedLine>,
    /// Their products, by `pim_id`.
    pub(super) products: BTreeMap<String, WantedProduct>,
    /// The number of the order.
    pub(super) number: Option<String>,
    /// Its notes.
    pub(super) notes: Option<String>,
    /// What is wrong.
    pub(super) faults: Vec<Fault>,
    /// Products whose file cannot be used, by `pim_id`: that is a fault already.
    pub(super) broken: HashSet<String>,
    /// Files that were read, with what they are, so that none is read twice.
    read: HashMap<PathBuf, Option<ContentAddress>>,
}

fn fault(code: &str, message: impl Into<String>, at: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault::new(code, message).at(at).help(help)
}

impl Wish {
    /// Reads a sheet. Rows that name no output type have a line for each of `output_types`.
    ///
    /// # Errors
    /// When it cannot be read at all, or has no column for products.
    pub(super) fn of_sheet(path: &Path, output_types: &[String]) -> Result<Self, Failure> {
        let at = path.display().to_string();
        let refused = |fault: Fault| Failure::new(Exit::Input, fault);
        let sheet = Sheet::read(&files::read(path, InputKind::Sheet)?).map_err(|error| {
            let help = "save it as .csv or .xlsx again; its first row names the columns";
            refused(fault("sheet.unreadable", error.to_string(), at.clone(), help))
        })?;
        let columns = columns(&sheet, &at).map_err(|faults| Failure { exit: Exit::Input, faults })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut wish = Self::default();
        for row in &sheet.rows {
            wish.take_row(row, &columns, (&at, folder), output_types);
        }
        if sheet.rows.is_empty() {
            let help = format!("add a row for each line; the columns are {}", COLUMNS.join(", "));
            wish.faults.push(fault("sheet.empty", "the sheet has no lines", at, help));
        }
        Ok(wish)
    }

    /// Reads a folder: each GLB in it is a product, with its name as `pim_id`, and has a line for each output type.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(super) fn of_folder(folder: &Path, output_types: &[String]) -> Result<Self, Failure> {
        let at = folder.display().to_string();
        let not_read = |reason: std::io::Error| {
            let message = format!("the folder cannot be read: {}", why_unread(&reason));
            Failure::new(Exit::Input, fault("sheet.file_missing", message, at.clone(), "check the path"))
        };
        let entries = std::fs::read_dir(folder).map_err(not_read)?;
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>().map_err(not_read)?;
        paths.sort();
        let mut wish = Self::default();
        for path in paths.into_iter().filter(|path| is_glb(path)) {
            let at = path.display().to_string();
            let pim_id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let product = Wanted { pim_id: Some(pim_id), name: None, file: Some(path) };
            wish.take(at, product, output_types);
        }
        if wish.products.is_empty() && wish.faults.is_empty() {
            let help = "give a folder with .glb files in it; those in folders below it do not count";
            wish.faults.push(fault("sheet.empty", "the folder has no GLB", at, help));
        }
        Ok(wish)
    }

    fn take_row(
        &mut self,
        row: &Row,
        columns: &HashMap<&'static str, usize>,
        (sheet, folder): (&str, &Path),
        output_types: &[String],
    ) {
        // Many write `-` for nothing; as a file it would be standard input.
        let cell = |name: &str| row.cells.get(columns.get(name)?).filter(|text| text.as_str() != "-").cloned();
        let at = format!("{sheet}: row {}", row.number);
        self.number = self.only(&at, "order_number", self.number.clone(), cell("order_number"));
        self.notes = self.only(&at, "notes", self.notes.clone(), cell("notes"));
        let file = cell("file").map(|file| folder.join(file));
        let own: Vec<String> = cell("output_type").into_iter().collect();
        let output_types = if own.is_empty() { output_types } else { &own };
        self.take(at, Wanted { pim_id: cell("pim_id"), name: cell("name"), file }, output_types);
    }

    /// The one value that all rows with any agree on.
    fn only(&mut self, at: &str, column: &str, before: Option<String>, own: Option<String>) -> Option<String> {
        if let (Some(before), Some(own)) = (&before, &own)
            && before != own
        {
            let message = format!("`{own}` here, and `{before}` in a row before it");
            let help = "a sheet is one order: give it one number and one note, in any row";
            self.faults.push(fault("sheet.conflict", message, format!("{at}, {column}"), help));
        }
        before.or(own)
    }

    /// Takes a product with its lines, or notes what is wrong with it.
    fn take(&mut self, at: String, wanted: Wanted, output_types: &[String]) {
        if output_types.is_empty() {
            let help = "give one in the column `output_type`, or for all rows with --output-type";
            self.faults.push(fault("sheet.missing", "no output type is named", at.clone(), help));
        }
        let of_file = || Some(wanted.file.as_ref()?.file_stem()?.to_string_lossy().into_owned());
        let pim_id = wanted.pim_id.or_else(of_file);
        let file = match wanted.file.map(|path| self.read_cad(&at, path)) {
            // What is wrong with it is a fault already.
            Some(None) => return self.broken.extend(pim_id),
            file => file.flatten(),
        };
        let Some(pim_id) = pim_id else {
            let help = "give a `pim_id`, or a GLB in the column `file`";
            return self.faults.push(fault("sheet.missing", "no product is named", at, help));
        };
        for (column, text) in [("pim_id", Some(&pim_id)), ("name", wanted.name.as_ref())] {
            if let Some(Err(error)) = text.map(|text| text.parse::<Label>()) {
                let help = "shorten it; a product has at most 200 characters here";
                self.faults.push(fault("sheet.invalid_value", error.to_string(), format!("{at}, {column}"), help));
            }
        }
        self.add_product(&at, &pim_id, wanted.name, file);
        let line = |output_type: &String| WantedLine {
            at: at.clone(),
            pim_id: pim_id.clone(),
            output_type: output_type.clone(),
        };
        self.lines.extend(output_types.iter().map(line));
    }

    /// Adds what is said of a product to what was said before.
    fn add_product(&mut self, at: &str, pim_id: &str, name: Option<String>, file: Option<CadInput>) {
        let new = WantedProduct { at: at.to_owned(), name: None, file: None };
        let product = self.products.entry(pim_id.to_owned()).or_insert(new);
        let first = product.at.clone();
        let mut conflict = |column: &str| {
            let message = format!("the product `{pim_id}` has another {column} in {first}");
            let help = "name each product with one file and one name; rows after the first may leave both out";
            self.faults.push(fault("sheet.conflict", message, format!("{at}, {column}"), help));
        };
        match (&product.name, name) {
            (Some(before), Some(own)) if *before != own => conflict("name"),
            (None, Some(own)) => product.name = Some(own),
            _ => {}
        }
        match (&product.file, file) {
            (Some(before), Some(own)) if before.address != own.address => conflict("file"),
            (None, Some(own)) => product.file = Some(own),
            _ => {}
        }
    }

    /// Reads a CAD file as the service will; what is wrong with it is noted once.
    fn read_cad(&mut self, at: &str, path: PathBuf) -> Option<CadInput> {
        if let Some(known) = self.read.get(&path) {
            return known.map(|address| CadInput { path, address });
        }
        let place = path.display().to_string();
        let place = if at == place { place } else { format!("{at}, file {place}") };
        let read = files::read(&path, InputKind::Cad).map_err(|failure| failure.faults).and_then(|bytes| {
            let checked = match SourceFormat::of(&bytes[..bytes.len().min(BEGINNING)]) {
                Some(SourceFormat::Step) => Ok(()),
                None if !is_glb(&path) => {
                    let message = "the file is neither GLB nor STEP (ISO 10303-21)";
                    Err(vec![fault("sheet.not_cad", message, "", "give a GLB, or a STEP file")])
                }
                _ => cad::read(&bytes, &CancelToken::default()).map(drop).map_err(|failure| broken(&failure)),
            };
            checked.map(|()| ContentAddress::of(&bytes))
        });
        let address = match read {
            Ok(address) => Some(address),
            Err(faults) => {
                let within = |at: &str| {
                    if at.is_empty() || at == path.display().to_string() {
                        place.clone()
                    } else {
                        format!("{place}: {at}")
                    }
                };
                self.faults.extend(faults.into_iter().map(|fault| Fault { at: within(&fault.at), ..fault }));
                None
            }
        };
        self.read.insert(path.clone(), address);
        address.map(|address| CadInput { path, address })
    }
}

/// What is said of a product in one place.
struct Wanted {
    pim_id: Option<String>,
    name: Option<String>,
    file: Option<PathBuf>,
}

/// Why a GLB cannot be read, as the service would say it.
fn broken(failure: &packshot_worker::protocol::Failure) -> Vec<Fault> {
    let help = "export the file again, and look at it with `packshot preflight`";
    match failure.findings.is_empty() {
        true => vec![fault(&failure.code, failure.detail.clone(), "", help)],
        false => failure.findings.iter().map(|f| fault(&f.code, f.detail.clone(), f.at.clone(), help)).collect(),
    }
}

fn is_glb(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("glb"))
}

/// The places of the columns by their names. Columns that mean nothing here are warned of.
fn columns(sheet: &Sheet, at: &str) -> Result<HashMap<&'static str, usize>, Vec<Fault>> {
    let (mut columns, mut faults) = (HashMap::new(), Vec::new());
    let known = || COLUMNS.join(", ");
    for (place, name) in &sheet.columns {
        let Some(column) = COLUMNS.into_iter().find(|column| column.eq_ignore_ascii_case(name)) else {
            let near = packshot_words::nearest(name, COLUMNS).map(|near| format!("; did you mean `{near}`?"));
            console::warn(&format!("{at}: the column `{name}` means nothing here{}", near.unwrap_or_default()));
            continue;
        };
        if columns.insert(column, *place).is_some() {
            let help = "remove one of the two";
            faults.push(fault("sheet.conflict", format!("the column `{column}` is there twice"), at, help));
        }
    }
    if !sheet.columns.is_empty() && !columns.contains_key("pim_id") && !columns.contains_key("file") {
        let help = format!("name them in the first row; the columns are {}", known());
        faults.push(fault("sheet.missing", "the sheet has neither a column `pim_id` nor a column `file`", at, help));
    }
    if faults.is_empty() { Ok(columns) } else { Err(faults) }
}
