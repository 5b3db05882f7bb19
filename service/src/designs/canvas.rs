//! What a design is put on: the product with its file, read on a thread of its own.

use packshot_designs::area::{detect, find};
use packshot_designs::design::{DesignLimits, check};
use packshot_designs::resolve::resolve;
use packshot_designs::{Area, AreaRequest, Design, DesignError, DesignRequest, Selector};
use packshot_pipeline::plan::PicturePlan;
use packshot_pipeline::product::Product as Scenery;
use packshot_renderer::backend::CancelToken;

use crate::app::{App, AppError, Code};
use crate::objects;
use packshot_contract::problem::Finding;
use packshot_contract::request::place;
use packshot_db::cad_files::CadFile;
use packshot_db::products::Product;
use packshot_db::{TenantScope, cad_files, products};
use packshot_domain::cad_file::CadStatus;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::ProductId;
use packshot_pipeline::error::Error;

/// A product that can be rendered.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    /// The product.
    pub(super) product: Product,
    /// Its GLB.
    pub(super) scene: ContentAddress,
}

impl Canvas {
    /// That of a product.
    ///
    /// # Errors
    /// [`Code::ProductNotFound`]; [`Code::ProductNotRenderable`] where it has no CAD file that was read.
    pub(super) async fn of(app: &App, scope: TenantScope, product: ProductId) -> Result<Self, AppError> {
        let product = products::get(&app.db, scope, product).await?;
        let refused = |detail: String| AppError::new(Code::ProductNotRenderable, detail);
        let Some(file) = product.fields.cad_file else {
            return Err(refused("the product has no CAD file".to_owned()));
        };
        let CadFile { status, read, original_name, .. } = cad_files::get(&app.db, scope, file).await?;
        match (status, read.glb) {
            (CadStatus::Ready, Some(scene)) => Ok(Self { product, scene }),
            _ => Err(refused(format!("the CAD file {original_name} of the product is {status}"))),
        }
    }

    /// Reads its file and looks at it, on a thread of its own.
    ///
    /// # Errors
    /// What is wrong with the file, and what `look` finds.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        app: &App,
        scope: TenantScope,
        plan: &PicturePlan,
        look: impl FnOnce(&Scenery) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, AppError> {
        let glb = objects::read(&app.db, &app.store, scope, &self.scene).await?;
        let plan = plan.clone();
        let turn = app.turn().await?;
        turn.run(move || {
            let scenery = plan.import(&glb, &CancelToken::default()).map_err(unreadable)?;
            look(&scenery)
        })
        .await?
    }
}

/// The file of a product cannot be read any more.
fn unreadable(error: Error) -> AppError {
    let findings = error.faults.iter().map(|fault| Finding::new("", &fault.code, &fault.message).at(place(&fault.at)));
    let (code, detail) = match error.faults.first() {
        Some(first) => (first.code.clone(), first.message.clone()),
        None => ("internal_error".to_owned(), "the file of the product cannot be read".to_owned()),
    };
    AppError::of_input(code, detail, findings.collect())
}

/// Checks the file of a design.
///
/// # Errors
/// Codes of designs, at `/design`.
pub(super) fn checked(bytes: &[u8], limits: &DesignLimits) -> Result<Design, AppError> {
    check(bytes, limits).map_err(|error| refused(error, "/design"))
}

/// The area that a request means, with its place checked: nothing of the design may be lost that must not be.
///
/// # Errors
/// Codes of designs, at `/area` and `/placement`.
pub(super) fn placed(
    scenery: &Scenery,
    wanted: Option<AreaRequest>,
    design: &Design,
    request: impl FnOnce(&AreaRequest) -> Result<DesignRequest, AppError>,
) -> Result<(AreaRequest, Area), AppError> {
    let wanted = match wanted {
        Some(wanted) => wanted,
        None => AreaRequest::new(only(scenery)?),
    };
    let area = find(&scenery.scene, &wanted).map_err(|error| refused(error, "/area"))?;
    resolve(design, &area, &request(&wanted)?).map_err(|error| refused(error, "/placement"))?;
    Ok((wanted, area))
}

/// The only surfaces of a product that could be an area.
fn only(scenery: &Scenery) -> Result<Selector, AppError> {
    let found = detect(&scenery.scene);
    match <[_; 1]>::try_from(found) {
        Ok([(selector, _)]) => Ok(selector),
        Err(_) => {
            let error = packshot_designs::area::only(&scenery.scene).err();
            let none = || AppError::of_input("printable_area_not_found", "the product has no surface", Vec::new());
            Err(error.map_or_else(none, |error| refused(error, "/area")))
        }
    }
}

/// An area as it is measured.
///
/// # Errors
/// Codes of designs, at `/selector`.
pub(super) fn measured(scenery: &Scenery, wanted: &AreaRequest) -> Result<Area, AppError> {
    find(&scenery.scene, wanted).map_err(|error| refused(error, "/selector"))
}

/// An error of designs with its place in a request.
fn refused(error: DesignError, below: &str) -> AppError {
    use packshot_words::Word;
    let DesignError { code, message, at, help } = error;
    // What is wrong with the lines of a drawing is a place in the file.
    let (pointer, inside) = match at.strip_prefix('/') {
        Some("preset") => ("/preset".to_owned(), String::new()),
        Some(member) => (format!("{below}/{member}"), String::new()),
        None => (below.to_owned(), at),
    };
    let detail = if help.is_empty() { message } else { format!("{message}: {help}") };
    let finding = Finding::new(pointer, code.word(), &detail).at(inside);
    AppError::of_input(code.word(), detail, vec![finding])
}
