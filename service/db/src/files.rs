//! Files of renders.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::column::{Col, arg};
use super::entity::render_file;
use super::objects::NewObject;
use super::tasks::OutputFile;
use super::tx::Tx;
use super::{Db, DbError, TenantScope, objects};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TenantId};

/// Rows that one statement adds; their values stay far below the engines' limits.
const ADDED_AT_ONCE: usize = 500;

/// The files of a render, in the order in which they were delivered.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached. A render that is not there has no files.
pub async fn of_render(db: &Db, scope: TenantScope, render: RenderId) -> Result<Vec<OutputFile>, DbError> {
    db.read_one(scope, (scope.tenant, render), |tx, (tenant, render)| Box::pin(all(tx, *tenant, *render))).await
}

pub(super) async fn all(tx: &Tx<'_>, tenant: TenantId, render: RenderId) -> Result<Vec<OutputFile>, DbError> {
    let rows = render_file::Entity::find()
        .filter(render_file::Column::TenantId.eq(Col(tenant)))
        .filter(render_file::Column::RenderId.eq(Col(render)))
        .order_by_asc(render_file::Column::Position)
        .all(tx.on())
        .await?;
    Ok(rows.into_iter().map(OutputFile::from).collect())
}

/// Whether a package of a render still has a file with these bytes: they are sent for as long as one has.
const KEPT: &str = "
    SELECT f.id FROM artifact_files f
    JOIN artifact_packages p ON p.tenant_id = f.tenant_id AND p.id = f.package_id
    JOIN storage_locations l ON l.tenant_id = f.tenant_id AND l.artifact_file_id = f.id
    WHERE f.tenant_id = $1 AND f.content_address = $2 AND p.subject_id = $3 LIMIT 1";

/// Whether a package of a render still has a file with these bytes.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn is_kept(db: &Db, scope: TenantScope, render: RenderId, address: ContentAddress) -> Result<bool, DbError> {
    db.read_one(scope, (scope.tenant, render, address), |tx, (tenant, render, address)| {
        Box::pin(async move {
            let found = tx.query(KEPT, [arg(*tenant), arg(*address), render.uuid().into()]).await?;
            Ok(!found.is_empty())
        })
    })
    .await
}

/// Adds the files of a render that has none, and records what they hold, so that collection finds it when no package
/// has it.
pub(super) async fn add(tx: &Tx<'_>, tenant: TenantId, render: RenderId, files: &[OutputFile]) -> Result<(), DbError> {
    if files.is_empty() {
        return Ok(());
    }
    let objects: Vec<NewObject> = files.iter().map(NewObject::of).collect();
    objects::record_in(tx, tenant, &objects).await?;
    let rows: Vec<_> = (0..).zip(files).map(|(position, file)| row(tenant, render, position, file.clone())).collect();
    for some in rows.chunks(ADDED_AT_ONCE) {
        render_file::Entity::insert_many(some.to_vec()).exec_without_returning(tx.on()).await?;
    }
    Ok(())
}

/// Removes the files of a render, and returns whether there were any. Their content stays until the sweep finds that
/// nothing refers to it.
pub(super) async fn remove(tx: &Tx<'_>, tenant: TenantId, render: RenderId) -> Result<bool, DbError> {
    let removed = render_file::Entity::delete_many()
        .filter(render_file::Column::TenantId.eq(Col(tenant)))
        .filter(render_file::Column::RenderId.eq(Col(render)))
        .exec(tx.on())
        .await?;
    Ok(removed.rows_affected > 0)
}

fn row(tenant: TenantId, render: RenderId, position: i32, file: OutputFile) -> render_file::ActiveModel {
    let OutputFile { name, format, media_type, address, size_bytes, width, height, movie: _ } = file;
    render_file::ActiveModel {
        tenant_id: Set(Col(tenant)),
        render_id: Set(Col(render)),
        name: Set(name),
        position: Set(position),
        format: Set(format),
        media_type: Set(media_type),
        address: Set(Col(address)),
        size_bytes: Set(size_bytes),
        width: Set(width),
        height: Set(height),
    }
}

impl NewObject {
    /// What a file holds, of which nothing more is known here.
    #[must_use]
    pub fn of(file: &OutputFile) -> Self {
        Self::unread(file.address, file.size_bytes, &file.media_type)
    }
}

impl From<render_file::Model> for OutputFile {
    fn from(row: render_file::Model) -> Self {
        let render_file::Model { name, format, media_type, address, size_bytes, width, height, .. } = row;
        Self { name, format, media_type, address: address.0, size_bytes, width, height, movie: None }
    }
}
