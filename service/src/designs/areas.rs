//! Printable areas of products: what there could be, and what people have named.

use packshot_designs::area::detect;
use packshot_pipeline::plan::{Base, Limits, Options, PicturePlan, resolve};
use packshot_words::Word;

use super::canvas::{self, Canvas};
use super::{require, shown};
use crate::app::{App, AppError};
use packshot_contract::design::{
    AreaSelector, AreaWish, DesignArea, DesignAreaList, DesignAreaPatch, DetectedArea, DetectedAreas,
};
use packshot_db::TenantScope;
use packshot_db::designs::areas::{self as rows, AreaFields};
use packshot_domain::id::{DesignAreaId, ProductId};
use packshot_domain::principal::Principal;
use serde_json::Value;

/// The printable areas of a product, the oldest first.
///
/// # Errors
/// `feature_disabled`, `product_not_found`.
pub async fn list(app: &App, who: &Principal, product: ProductId) -> Result<DesignAreaList, AppError> {
    require(app, who).await?;
    let areas = rows::list(&app.db, TenantScope::of(who.tenant), product).await?;
    Ok(DesignAreaList { items: areas.into_iter().map(shown::area).collect() })
}

/// A printable area of a product.
///
/// # Errors
/// `feature_disabled`, `product_not_found`, `design_area_not_found`.
pub async fn get(app: &App, who: &Principal, of: (ProductId, DesignAreaId)) -> Result<DesignArea, AppError> {
    require(app, who).await?;
    Ok(shown::area(rows::get(&app.db, TenantScope::of(who.tenant), of).await?))
}

/// Names a printable area of a product; it is measured.
///
/// # Errors
/// `feature_disabled`, `product_not_found`, `product_not_renderable`, `area_name_exists`; codes of
/// designs at `/selector`.
pub async fn create(app: &App, who: &Principal, product: ProductId, wish: AreaWish) -> Result<DesignArea, AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let fields = measured(app, scope, product, wish).await?;
    Ok(shown::area(rows::create(&app.db, scope, who.actor(), (product, DesignAreaId::new()), fields).await?))
}

/// Changes a printable area; it is measured again.
///
/// # Errors
/// As [`create`], and `design_area_not_found`; `precondition_failed` where somebody else changes it at the
/// same time.
pub async fn change(
    app: &App,
    who: &Principal,
    (product, id): (ProductId, DesignAreaId),
    patch: &Value,
) -> Result<DesignArea, AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let before = rows::get(&app.db, scope, (product, id)).await?;
    let revision = before.revision;
    let wish = DesignAreaPatch::apply(&shown::area(before), patch)?;
    let fields = measured(app, scope, product, wish).await?;
    Ok(shown::area(rows::replace(&app.db, scope, who.actor(), (product, id, revision), fields).await?))
}

/// Deletes a printable area.
///
/// # Errors
/// `feature_disabled`, `product_not_found`, `design_area_not_found`.
pub async fn delete(app: &App, who: &Principal, of: (ProductId, DesignAreaId)) -> Result<(), AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    rows::get(&app.db, scope, of).await?;
    Ok(rows::delete(&app.db, scope, who.actor(), of).await?)
}

/// Every material and part of a product that could be a printable area, largest first.
///
/// # Errors
/// `feature_disabled`, `product_not_found`, `product_not_renderable`.
pub async fn detected(app: &App, who: &Principal, product: ProductId) -> Result<DetectedAreas, AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let canvas = Canvas::of(app, scope, product).await?;
    let plan = plain()?;
    let found = canvas.look(app, scope, &plan, |scenery| {
        let found = detect(&scenery.scene).into_iter().map(|(selector, area)| DetectedArea {
            name: area.name,
            selector: AreaSelector::of(&selector),
            mapping: area.mapping.into(),
            size_mm: area.size_mm,
            distortion: area.distortion,
            wraps: area.wraps,
        });
        Ok(found.collect())
    });
    Ok(DetectedAreas { items: found.await? })
}

/// The plan of a picture that nobody said anything of: a file is read as it says.
fn plain() -> Result<PicturePlan, AppError> {
    let plan = resolve(&Base::default(), &Options::default(), &Limits::default());
    plan.map_err(|faults| AppError::internal(std::io::Error::other(format!("{faults:?}"))))
}

async fn measured(app: &App, scope: TenantScope, product: ProductId, wish: AreaWish) -> Result<AreaFields, AppError> {
    let canvas = Canvas::of(app, scope, product).await?;
    let AreaSelector { material, part } = wish.selector();
    let AreaWish { name, area: wanted, is_default } = wish;
    let (mapping, axis) = (wanted.mapping, wanted.axis);
    let (uv_set, safe_mm) = (wanted.uv_set, wanted.safe_mm);
    let look = move |scenery: &packshot_pipeline::product::Product| {
        let area = canvas::measured(scenery, &wanted)?;
        Ok((area.size_mm, area.distortion, area.wraps))
    };
    let (size_mm, distortion, wraps) = canvas.look(app, scope, &plain()?, look).await?;
    Ok(AreaFields {
        name,
        material,
        part,
        uv_set,
        mapping: mapping.word().to_owned(),
        axis: axis.map(|axis| axis.word().to_owned()),
        safe_mm,
        is_default,
        size_mm,
        distortion,
        wraps,
    })
}
