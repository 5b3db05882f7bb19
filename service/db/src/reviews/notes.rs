//! Notes about reviews that were written, each of one version.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use crate::column::Col;
use crate::entity::review_note;
use crate::{Db, DbError, TenantScope};
use packshot_domain::id::ReviewId;
use packshot_domain::review::NoteKind;

/// Which note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteOf {
    /// About which review.
    pub review: ReviewId,
    /// What it is for.
    pub kind: NoteKind,
    /// Of which version of the review.
    pub state_version: i64,
}

/// The note of a version, if it was written.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn note(db: &Db, scope: TenantScope, of: NoteOf) -> Result<Option<String>, DbError> {
    db.read(scope, (scope.tenant, of), |tx, (tenant, of)| {
        Box::pin(async move {
            let key = (Col(*tenant), Col(of.review), Col(of.kind), of.state_version);
            Ok(review_note::Entity::find_by_id(key).one(tx.on()).await?.map(|row| row.markdown))
        })
    })
    .await
}

/// Keeps the note of a version; the first one stays.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached, or the review has gone.
pub async fn keep_note(db: &Db, scope: TenantScope, of: NoteOf, markdown: String) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, of, markdown), |tx, (tenant, of, markdown)| {
        Box::pin(async move {
            let row = review_note::Model {
                tenant_id: Col(*tenant),
                review_id: Col(of.review),
                kind: Col(of.kind),
                state_version: of.state_version,
                markdown: markdown.clone(),
                created_at: Col(tx.now().await?),
            };
            let only_once = OnConflict::new().do_nothing().to_owned();
            let insert = review_note::Entity::insert(row.into_active_model().reset_all()).on_conflict(only_once);
            insert.exec_without_returning(tx.on()).await?;
            Ok(())
        })
    })
    .await
}
