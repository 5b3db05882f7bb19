//! What the end of a task means for a direct render: it gets files and a result, or loses them when it is requeued.

use futures_util::future::BoxFuture;
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, DbErr};

use crate::column::Col;
use crate::effect::{Effect, Phase, Turn};
use crate::entity::render;
use crate::tx::Tx;
use crate::{DbError, artifacts, files, reviews};
use packshot_domain::id::{RenderId, TenantId};
use packshot_domain::job::JobRef;
use packshot_domain::review::ReviewSubject;

/// Links the result of a task to its render.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RenderEffect;

impl Effect for RenderEffect {
    fn lock<'t>(&'t self, tx: &'t Tx<'_>, tenant: TenantId, job: JobRef) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(reviews::lock_of_render(tx, tenant, RenderId::from_uuid(job.record)))
    }

    fn apply<'t>(&'t self, tx: &'t Tx<'_>, turn: Turn<'t>) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            let id = RenderId::from_uuid(turn.job.record);
            reviews::job_moved(tx, turn).await?;
            let shown = match turn.phase {
                Phase::Completed(delivery) => delivery.unmapped.as_ref(),
                _ => None,
            };
            let result = match turn.phase {
                Phase::Completed(delivery) | Phase::Rejected(delivery) => {
                    files::add(tx, turn.tenant, id, &delivery.files).await?;
                    if matches!(turn.phase, Phase::Completed(_)) {
                        artifacts::store_in(tx, turn.tenant, &delivery.packages).await?;
                    }
                    Some(Col(delivery.output.clone()))
                }
                // The result of a rejected attempt is removed when the task is requeued.
                Phase::Released if files::remove(tx, turn.tenant, id).await? => None,
                Phase::Released | Phase::Began | Phase::Failed | Phase::Cancelled => return Ok(()),
            };
            let row = render::ActiveModel {
                tenant_id: Unchanged(Col(turn.tenant)),
                id: Unchanged(Col(id)),
                result: Set(result),
                unmapped: Set(shown.map(|shown| Col(reviews::write_parts(shown.iter().map(|shown| &shown.part))))),
                ..Default::default()
            };
            match row.update_without_returning(tx.on()).await {
                Err(DbErr::RecordNotUpdated) => return Err(DbError::NotFound("render")),
                updated => updated.map(|_| ())?,
            }
            match shown {
                // They were looked up when it was submitted.
                Some(shown) => {
                    reviews::seen(tx, turn.tenant, (ReviewSubject::Render(id), turn.task.created_at), shown).await
                }
                None => Ok(()),
            }
        })
    }
}
