//! Waiting for the end of a render.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::api::problem::ApiResult;
use crate::api::state::AppState;
use packshot_db::TenantScope;
use packshot_db::renders::{self, Render};
use packshot_domain::id::RenderId;

/// The render when it has ended, or as it is when the time is over or the service shuts down.
///
/// # Errors
/// What the database says.
pub(crate) async fn until_ended(
    state: &AppState,
    scope: TenantScope,
    id: RenderId,
    wait: Duration,
) -> ApiResult<Render> {
    let deadline = Instant::now() + wait;
    let mut follower = state.hub.follow(id);
    loop {
        let render = renders::get(&state.db, scope, id).await?;
        if render.state.is_terminal() || follower.is_closed() {
            return Ok(render);
        }
        if timeout_at(deadline, follower.news()).await.is_err() {
            return Ok(renders::get(&state.db, scope, id).await?);
        }
    }
}
