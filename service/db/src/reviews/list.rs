//! Lists of reviews.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use super::{Review, all};
use crate::column::Col;
use crate::entity::{material_review, order_line, review_part};
use crate::{Db, DbError, Page, PageRequest, ReadScope};
use packshot_domain::id::{OrderId, ProductId};
use packshot_domain::review::ReviewStatus;

/// Which reviews a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewFilter {
    /// Only those in this state.
    pub status: Option<ReviewStatus>,
    /// Only those of lines of this order.
    pub order: Option<OrderId>,
    /// Only those of lines of this product.
    pub product: Option<ProductId>,
    /// Only those with a part of this key.
    pub part_key: Option<String>,
}

/// A page of reviews, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: ReviewFilter,
    page: PageRequest,
) -> Result<Page<Review>, DbError> {
    use material_review::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move {
            let reviews = filter.narrow(scope.narrow(material_review::Entity::find(), C::TenantId));
            let rows = page.narrow(reviews, C::CreatedAt, C::Id).all(tx.on()).await?;
            let page: Page<material_review::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            Ok(Page { items: all(tx, page.items).await?, next: page.next })
        })
    })
    .await
}

impl ReviewFilter {
    fn narrow(&self, reviews: Select<material_review::Entity>) -> Select<material_review::Entity> {
        use material_review::Column as C;
        let mut reviews = reviews;
        if let Some(status) = self.status {
            reviews = reviews.filter(C::Status.eq(Col(status)));
        }
        if let Some(product) = self.product {
            reviews = reviews.filter(C::ProductId.eq(Col(product)));
        }
        if let Some(order) = self.order {
            use order_line::{Column, Entity};
            let mut lines = Query::select();
            lines
                .column(Column::Id)
                .from(Entity)
                .and_where(Expr::col((Entity, Column::OrderId)).eq(Expr::value(Col(order))));
            reviews = reviews.filter(C::OrderLineId.in_subquery(lines.take()));
        }
        if let Some(key) = &self.part_key {
            use review_part::{Column, Entity};
            let mut parts = Query::select();
            parts
                .column(Column::ReviewId)
                .from(Entity)
                .and_where(Expr::col((Entity, Column::PartKey)).eq(key.as_str()));
            reviews = reviews.filter(C::Id.in_subquery(parts.take()));
        }
        reviews
    }
}
