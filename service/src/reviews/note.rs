//! Notes about reviews: written once for each version, and kept.

use super::{require, shown};
use crate::app::{App, AppError, NoteBundle};
use packshot_contract::review::ReviewNote;
use packshot_db::reviews::{self as rows, NoteOf};
use packshot_db::{DbError, TenantScope, orders, products};
use packshot_domain::id::ReviewId;
use packshot_domain::principal::Principal;
use packshot_domain::review::{NoteKind, ReviewSubject};

/// The note of a review as it is now.
///
/// # Errors
/// [`Code::FeatureDisabled`](crate::app::Code::FeatureDisabled),
/// [`Code::MaterialReviewNotFound`](crate::app::Code::MaterialReviewNotFound).
pub async fn preview(app: &App, who: &Principal, id: ReviewId, kind: NoteKind) -> Result<ReviewNote, AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let review = rows::get(&app.db, scope, id).await?;
    let of = NoteOf { review: id, kind, state_version: review.state_version };
    let shown =
        |markdown, from_cache| ReviewNote { markdown, state_version: of.state_version, from_cache, kind: kind.into() };
    if let Some(markdown) = rows::note(&app.db, scope, of).await? {
        return Ok(shown(markdown, true));
    }
    let line = match review.subject {
        ReviewSubject::Line(line) => Some(orders::line(&app.db, scope, None, line).await?),
        ReviewSubject::Render(_) | ReviewSubject::Design(_) => None,
    };
    let order_number = match &line {
        Some(line) => {
            let of = orders::OrderRef { id: line.order, owner: None };
            Some(orders::get(&app.db, scope, of).await?.order.number.to_string())
        }
        None => None,
    };
    let product_name = match review.product {
        Some(product) => match products::get(&app.db, scope, product).await {
            Ok(product) => Some(product.fields.name.to_string()),
            Err(DbError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    let bundle = NoteBundle { kind: kind.into(), review: shown::review(review), order_number, product_name };
    let markdown = app.ports.notes.write(&bundle);
    rows::keep_note(&app.db, scope, of, markdown.clone()).await?;
    Ok(shown(markdown, false))
}
