//! A design on a product: found a place, composed, and worn by the parts of its area.
//!
//! Input: a product, a checked design and a request. Afterwards the scene's parts wear the design, and the product
//! knows where it lies; what a person should know of it is among the product's findings.

use packshot_designs::area::{Selector, find, only};
use packshot_designs::compose::compose;
use packshot_designs::placement::members::{self, Takes};
use packshot_designs::resolve::{PlacementReport, WarningCode, resolve};
use packshot_designs::{Design, DesignCode, DesignError, DesignRequest, Resolved, Texture};
use packshot_json as json;
use packshot_materials::name::match_key;
use packshot_renderer::diagnostic::{Diagnostic, Severity};
use packshot_renderer::digest::Digest;
use packshot_renderer::scene::{DesignLay, Part, WorldRow, WornDesign};
use packshot_words::Word;

use crate::error::{Error, ErrorKind, Fault};
use crate::product::Product;

/// The design that a product wears.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductDesign {
    /// Where it lies.
    pub report: PlacementReport,
    /// A digest of its texture, and of how that lies on which parts.
    pub digest: String,
}

/// A design that was given its place and drawn, before a product wears it.
#[derive(Clone, Debug)]
pub struct ComposedDesign {
    /// Where it lies.
    pub report: PlacementReport,
    /// The texture of its area.
    pub texture: Texture,
}

/// Finds the place of a design and draws its texture.
///
/// # Errors
/// Codes of [`DesignError`].
pub fn composed(product: &Product, design: &Design, request: &DesignRequest) -> Result<ComposedDesign, Error> {
    let resolved = placed(product, design, request)?;
    Ok(ComposedDesign { texture: compose(design, &resolved)?, report: resolved.report })
}

/// Finds the place of a design, and draws nothing.
///
/// # Errors
/// Codes of [`DesignError`].
pub fn report(product: &Product, design: &Design, request: &DesignRequest) -> Result<PlacementReport, Error> {
    Ok(placed(product, design, request)?.report)
}

fn placed(product: &Product, design: &Design, request: &DesignRequest) -> Result<Resolved, Error> {
    let area = match &request.area {
        Some(wanted) => find(&product.scene, wanted).map_err(|error| of_hidden(error, product, &wanted.selector))?,
        None => only(&product.scene)?,
    };
    Ok(resolve(design, &area, request)?)
}

/// An area that is not found since its part is hidden.
fn of_hidden(error: DesignError, product: &Product, wanted: &Selector) -> DesignError {
    let (Selector::Part(name) | Selector::Named(name) | Selector::Both { part: name, .. }) = wanted else {
        return error;
    };
    let key = match_key(name);
    let is_it = |part: &Part| match_key(&part.path) == key || match_key(&part.name()) == key;
    if error.code != DesignCode::AreaNotFound || !product.hidden.iter().any(is_it) {
        return error;
    }
    let message = format!("the part `{name}` is hidden, so nothing can be printed on it");
    DesignError { message, help: "show it, or choose another area".to_owned(), ..error }
}

impl Product {
    /// Puts a design on its area.
    ///
    /// # Errors
    /// Codes of [`DesignError`].
    pub fn wear(&mut self, design: &Design, request: &DesignRequest) -> Result<(), Error> {
        let resolved = placed(self, design, request)?;
        let texture = compose(design, &resolved)?;
        self.put_on(resolved, &texture)
    }

    /// Puts a design on its area whose texture was [composed] before.
    ///
    /// # Errors
    /// Codes of [`DesignError`].
    pub fn wear_composed(&mut self, design: &Design, request: &DesignRequest, texture: &Texture) -> Result<(), Error> {
        let resolved = placed(self, design, request)?;
        self.put_on(resolved, texture)
    }

    fn put_on(&mut self, resolved: Resolved, texture: &Texture) -> Result<(), Error> {
        let worn = resolved.worn(texture);
        let digest = digest(&worn);
        self.scene
            .wear(worn)
            .map_err(|error| Error::new(ErrorKind::Internal, Fault::new("internal", error.to_string())))?;
        let report = resolved.report;
        self.diagnostics.extend(report.warnings.iter().map(|warning| Diagnostic {
            code: warning.code.word(),
            severity: match warning.code {
                WarningCode::BleedIgnored => Severity::Info,
                _ => Severity::Warning,
            },
            at: report.area.name.clone(),
            message: warning.detail.clone(),
        }));
        self.design = Some(ProductDesign { report, digest });
        Ok(())
    }
}

/// Everything of a design that a picture shows.
fn digest(worn: &WornDesign) -> String {
    let WornDesign { texture, wraps, surfaces, lay, opacity, finish } = worn;
    let row = |row: &WorldRow| [row.along.x, row.along.y, row.along.z, row.offset];
    let (kind, numbers) = match lay {
        DesignLay::Coordinates { uv_set, rows } => {
            let numbers = rows.as_flattened().iter().copied().chain([f64::from(*uv_set)]);
            ("coordinates", numbers.collect::<Vec<_>>())
        }
        DesignLay::Planar { rows, height, heights_m } => {
            let rows = rows.iter().chain([height]).flat_map(row);
            ("planar", rows.chain(*heights_m).collect())
        }
        DesignLay::Cylindrical { side, front, v, pictures_per_turn, radii_m } => {
            let rows = [side, front, v].into_iter().flat_map(row);
            ("cylindrical", rows.chain([*pictures_per_turn]).chain(*radii_m).collect())
        }
    };
    let mut digest = Digest::default();
    let texels = blake3::hash(texture.rgba8.as_flattened()).to_hex();
    digest.mix("texture", &(texture.width_px, texture.height_px, texels.as_str(), wraps));
    digest.mix("surfaces", &surfaces.iter().map(|(part, primitive)| (part.0, primitive)).collect::<Vec<_>>());
    digest.mix("lay", &(kind, numbers));
    digest.mix("finish", &(opacity, finish.word()));
    digest.finish()
}

impl From<DesignError> for Error {
    fn from(error: DesignError) -> Self {
        let DesignError { code, message, at, help } = error;
        Self::new(ErrorKind::Input, Fault::new(code.word(), message).at(at).help(help))
    }
}

/// An error with everything that is wrong with a placement.
pub fn refused(faults: Vec<json::Fault>) -> Error {
    let fault = |fault: json::Fault| Fault::new("placement_invalid", fault.message).at(fault.at);
    Error { kind: ErrorKind::Request, faults: faults.into_iter().map(fault).collect() }
}

/// What to do about a member of a placement that is wrong on a command line.
pub fn way_out(fault: &json::Fault) -> String {
    const DOCUMENT: &str = "docs/designs.md has them all";
    let name = fault.at.split('/').next().unwrap_or_default().replace('-', "_");
    match (&fault.kind, members::by_name(&name)) {
        (json::FaultKind::Missing, None) => "say which part or material it goes on: `--on NAME`".to_owned(),
        (json::FaultKind::Duplicate, _) => "leave out one of them".to_owned(),
        (json::FaultKind::Conflict, Some(member)) if matches!(member.takes, Takes::Length { .. }) => {
            "give all lengths in the same unit".to_owned()
        }
        (_, Some(member)) => format!("{name}: {}; {DOCUMENT}", lower_first(member.help)),
        (_, None) => {
            format!("a placement has {}; {DOCUMENT}", members::MEMBERS.map(|member| member.name).join(", "))
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
