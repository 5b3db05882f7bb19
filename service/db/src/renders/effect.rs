//! What the end of a task means for a direct render: it gets files and a result, or loses them when it is requeued.

use futures_util::future::BoxFuture;
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, DbErr};

use crate::column::Col;
use crate::effect::{Effect, Phase, Turn};
use crate::entity::render;
use crate::tx::Tx;
use crate::{DbError, artifacts, files};
use packshot_domain::id::RenderId;

/// Links the result of a task to its render.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RenderEffect;

impl Effect for RenderEffect {
    fn apply<'t>(&'t self, tx: &'t Tx<'_>, turn: Turn<'t>) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            let id = RenderId::from_uuid(turn.job.record);
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
                ..Default::default()
            };
            match row.update_without_returning(tx.on()).await {
                Err(DbErr::RecordNotUpdated) => Err(DbError::NotFound("render")),
                updated => Ok(updated.map(drop)?),
            }
        })
    }
}
