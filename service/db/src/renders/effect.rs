//! What the end of a task means for a direct render: its files and its result are there.

use futures_util::future::BoxFuture;
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, DbErr};

use crate::column::Col;
use crate::effect::{Effect, Phase, Turn};
use crate::entity::render;
use crate::tx::Tx;
use crate::{DbError, files};
use packshot_domain::id::RenderId;

/// Ties what a task left to its render.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RenderEffect;

impl Effect for RenderEffect {
    fn apply<'t>(&'t self, tx: &'t Tx<'_>, turn: Turn<'t>) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            let Phase::Completed(delivery) = turn.phase else { return Ok(()) };
            let id = RenderId::from_uuid(turn.job.record);
            files::add(tx, turn.tenant, id, &delivery.files).await?;
            let row = render::ActiveModel {
                tenant_id: Unchanged(Col(turn.tenant)),
                id: Unchanged(Col(id)),
                result: Set(Some(Col(delivery.output.clone()))),
                ..Default::default()
            };
            match row.update_without_returning(tx.on()).await {
                Err(DbErr::RecordNotUpdated) => Err(DbError::NotFound("render")),
                updated => Ok(updated.map(drop)?),
            }
        })
    }
}
