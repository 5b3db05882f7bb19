//! Files of renders.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::column::Col;
use super::entity::render_file;
use super::objects::NewObject;
use super::tasks::OutputFile;
use super::tx::Tx;
use super::{Db, DbError, TenantScope, objects};
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

/// Adds the files of a render that has none, and records what they hold, so that the sweep finds it when the render is
/// gone.
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
    let OutputFile { name, format, media_type, address, size_bytes, width, height } = file;
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
        Self { name, format, media_type, address: address.0, size_bytes, width, height }
    }
}
