//! Lists of packages.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::Package;
use super::view::PackageRows;
use crate::column::Col;
use crate::entity::{artifact_package, retention_state};
use crate::{Db, DbError, Page, PageRequest, ReadScope};
use packshot_domain::artifact::{Label, PackageStatus, RetentionClass};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::PackageId;
use packshot_domain::time::Timestamp;

/// Which packages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageFilter {
    /// Only with this name.
    pub name: Option<Label>,
    /// Only of this producer.
    pub producer: Option<Label>,
    /// Only of this subject.
    pub subject: Option<Label>,
    /// Only in this state.
    pub status: Option<PackageStatus>,
    /// Only of this class.
    pub retention_class: Option<RetentionClass>,
    /// Only those whose provenance names this scene.
    pub scene: Option<ContentAddress>,
    /// Only those whose provenance names a material library with this digest.
    pub library_digest: Option<ContentAddress>,
    /// Only those whose provenance names this job.
    pub job: Option<Uuid>,
    /// Not created before this time.
    pub from: Option<Timestamp>,
    /// Created before this time.
    pub to: Option<Timestamp>,
}

/// A page of packages, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: PackageFilter,
    page: PageRequest,
) -> Result<Page<Package>, DbError> {
    use artifact_package::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move {
            let filter = filter.clone();
            let conditions = [
                filter.name.map(|name| C::Name.eq(Col(name))),
                filter.producer.map(|producer| C::Producer.eq(Col(producer))),
                filter.subject.map(|subject| C::Subject.eq(Col(subject))),
                filter.status.map(|status| C::Status.eq(Col(status))),
                filter.retention_class.map(|class| C::RetentionClass.eq(Col(class))),
                filter.scene.map(|scene| C::Scene.eq(Col(scene))),
                filter.library_digest.map(|digest| C::LibraryDigest.eq(Col(digest))),
                filter.job.map(|job| C::JobId.eq(job)),
                filter.from.map(|from| C::CreatedAt.gte(Col(from))),
                filter.to.map(|to| C::CreatedAt.lt(Col(to))),
            ];
            let packages = scope.narrow(artifact_package::Entity::find(), C::TenantId);
            let packages = conditions.into_iter().flatten().fold(packages, QueryFilter::filter);
            let rows = page.narrow(packages, C::CreatedAt, C::Id).all(tx.on()).await?;
            let ids = rows.iter().map(|row| row.id);
            let kept = scope.narrow(retention_state::Entity::find(), retention_state::Column::TenantId);
            let kept = kept.filter(retention_state::Column::PackageId.is_in(ids)).all(tx.on()).await?;
            let mut kept: HashMap<PackageId, retention_state::Model> =
                kept.into_iter().map(|row| (row.package_id.0, row)).collect();
            let of = |package: artifact_package::Model| {
                let retention = kept.remove(&package.id.0);
                PackageRows { package, retention }
            };
            let rows: Vec<PackageRows> = rows.into_iter().map(of).collect();
            Ok(page.cut(rows, |rows| (rows.package.created_at.0, rows.package.id.0.uuid())))
        })
    })
    .await
}
