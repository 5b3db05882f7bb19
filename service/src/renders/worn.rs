//! Designs that nodes of a run lay onto the product of its line: what a node composes, and what the pictures below it
//! show. Which design it is, and where it lies, is read when the first attempt to compose it starts, and frozen then.

use serde_json::{Value as Json, json};

use super::ingredients::{away, may_be_converted_yet};
use super::made_for::MadeFor;
use super::spec::{RenderV1, Spec};
use super::{lines, of_run};
use crate::app::{AppError, Code};
use crate::config::Settings;
use crate::tenancy::RenderSettings;
use packshot_contract::design::{AreaChoice, NodeDesign};
use packshot_contract::problem::{Finding, Invalid};
use packshot_db::designs::areas::{self, DesignArea};
use packshot_db::media::{self, Asset};
use packshot_db::tasks::{self, Claimed};
use packshot_db::{Db, DbError, TenantScope, orders};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::AssetId;
use packshot_domain::job::JobRef;
use packshot_domain::media::{AssetState, AssetType};
use packshot_domain::task::FaultKind;
use packshot_worker::protocol::{DesignInput, Failure};

/// What a node composes on the product of its line, of what is true now; `None` while the product's file may still be
/// converted by the job that a shadow run observes.
///
/// # Errors
/// `asset_not_found`, `asset_expired`, `design_area_not_found`, `printable_area_required`; a node that names no design;
/// what the line cannot be rendered for.
pub(crate) async fn spec(db: &Db, process: &Settings, claimed: &Claimed, job: JobRef) -> Result<Option<Json>, Failure> {
    let (scope, kwargs) = (TenantScope::of(claimed.tenant), &claimed.input.kwargs);
    let product = match lines::exported(db, process, claimed, job).await {
        Err(failure) if may_be_converted_yet(db, claimed, job, &failure).await => return Ok(None),
        product => product?,
    };
    let (node, texture_px) = of_run::composing(db, scope, kwargs).await?;
    let design = named(db, scope, &node).await.map_err(refused)?;
    let area = match (&node.area, MadeFor::find(db, scope, job, kwargs).await?.line) {
        (AreaChoice::Surfaces(_), _) | (_, None) => None,
        (choice, Some(line)) => {
            let line = orders::line(db, scope, None, line).await.map_err(away)?;
            let stored = areas::list(db, scope, line.product).await.map_err(away)?;
            chosen(stored, choice).map_err(refused)?
        }
    };
    let settings = RenderSettings::of_tenant(db, process, scope).await.map_err(away)?;
    let design = DesignInput {
        design,
        texture: None,
        request: node.placed_on(area.as_ref().map(surfaces).as_ref(), &texture_px),
        pixels_max: settings.limits.pixels_max,
    };
    let spec = Spec::RenderV1(RenderV1 { design: Some(design), ..product });
    let stored = spec.write().map_err(|error| {
        tracing::error!("the spec of a design cannot be written: {error}");
        Failure::new(FaultKind::Input, "internal_error", "the task cannot be stored")
    })?;
    Ok(Some(stored))
}

/// The design that pictures of a task with these arguments show, if a node above it has composed one: with the texture
/// that came of it.
///
/// # Errors
/// A run or a task that cannot be read.
pub(super) async fn above(db: &Db, scope: TenantScope, kwargs: &Json) -> Result<Option<DesignInput>, Failure> {
    let Some((task, texture)) = of_run::composed(db, scope, kwargs).await? else { return Ok(None) };
    let stored = tasks::spec(db, scope, task).await.map_err(away)?;
    let composed = Spec::read(stored.as_ref())?.into_input();
    Ok(composed.design.map(|design| DesignInput { texture: Some(texture), ..design }))
}

/// Where the bytes of the design that a node names are.
///
/// # Errors
/// [`Code::AssetNotFound`], [`Code::AssetExpired`]; a node that names none, or an asset that is no design.
pub(crate) async fn named(db: &Db, scope: TenantScope, node: &NodeDesign) -> Result<ContentAddress, AppError> {
    let missing = || {
        let detail = "the node names no design: put `design_asset_id` into its `placement`";
        Invalid::one("/placement/design_asset_id", "missing", detail)
    };
    usable(db, scope, node.design.ok_or_else(missing)?).await.map(|asset| asset.address)
}

/// A stored design, if it can be put on a product.
///
/// # Errors
/// [`Code::AssetNotFound`], [`Code::AssetExpired`]; an asset that is no design, at `/design_asset_id`.
pub(crate) async fn usable(db: &Db, scope: TenantScope, id: AssetId) -> Result<Asset, AppError> {
    let asset = media::get(db, scope, None, id).await?;
    if !matches!(asset.asset_type, AssetType::Design | AssetType::Upload) {
        let detail = format!("the asset is a {}: name one of the type design or upload", asset.asset_type);
        return Err(Invalid::one("/design_asset_id", "unknown_value", detail).into());
    }
    if asset.state == AssetState::Expired {
        return Err(AppError::new(Code::AssetExpired, "the bytes of the design are no longer stored"));
    }
    Ok(asset)
}

/// Which of a product's areas is meant; `None` where its surfaces are named, or where it has none.
///
/// # Errors
/// [`Code::DesignAreaNotFound`]; `printable_area_required`.
pub(crate) fn chosen(of_product: Vec<DesignArea>, choice: &AreaChoice) -> Result<Option<DesignArea>, AppError> {
    match choice {
        AreaChoice::Surfaces(_) => Ok(None),
        AreaChoice::Stored(text) => {
            let is_it = |area: &DesignArea| area.id.to_string() == *text || area.fields.name == *text;
            let found = of_product.into_iter().find(is_it);
            found.map(Some).ok_or_else(|| DbError::NotFound("design area").into())
        }
        AreaChoice::Only => match of_product.iter().find(|area| area.fields.is_default) {
            Some(default) => Ok(Some(default.clone())),
            None if of_product.len() > 1 => {
                let names = of_product.iter().map(|area| format!("`{}`", area.fields.name)).collect::<Vec<_>>();
                let detail =
                    format!("the product has several printable areas, and none is chosen: {}", names.join(", "));
                let code = "printable_area_required";
                Err(AppError::of_input(code, &detail, vec![Finding::new("/area", code, &detail)]))
            }
            None => Ok(of_product.into_iter().next()),
        },
    }
}

/// The surfaces of a stored area, and how they are laid out flat, as designs read them.
fn surfaces(area: &DesignArea) -> Json {
    let fields = &area.fields;
    json!({
        "material": fields.material,
        "part": fields.part,
        "mapping": fields.mapping,
        "axis": fields.axis,
        "uv_set": fields.uv_set,
        "safe_mm": fields.safe_mm,
    })
}

/// What is refused to a request, as the failure of a task.
fn refused(error: AppError) -> Failure {
    match error.code() == Code::Unavailable.as_str() {
        true => Failure::infrastructure("unavailable", error.detail()),
        false => Failure::new(FaultKind::Input, error.code(), error.detail()),
    }
}
