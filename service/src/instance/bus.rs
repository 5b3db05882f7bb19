//! Tells the admins of the installation when its processes no longer hear of each other (notifications.md §3).

use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use packshot_db::bus::Link;
use packshot_db::channels::{self, InstanceTrouble};
use packshot_db::{AllTenants, Db};
use packshot_domain::channel::{AlertType, Message, Severity};

/// A connection that comes back within this time is nobody's concern.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often to say again that it is away: another process that starts and hears everything says that it is over.
const AGAIN_EVERY: Duration = Duration::from_secs(60);
/// The wait before the next attempt to tell.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Follows the link until the service ends.
pub async fn watch(db: Db, mut link: watch::Receiver<Link>) {
    loop {
        let seen = link.borrow_and_update().clone();
        match seen {
            Link::Connecting => {}
            // An earlier process may have told of trouble.
            Link::Connected => tell(&db, InstanceTrouble::Over).await,
            Link::Away { since, .. } => away(&db, &mut link, since).await,
        }
        if link.changed().await.is_err() {
            return;
        }
    }
}

/// Tells of a lost connection after a while; returns when it is back.
async fn away(db: &Db, link: &mut watch::Receiver<Link>, since: Instant) {
    let mut next = since + PATIENCE;
    let mut is_told = false;
    loop {
        if timeout_at(next, link.wait_for(|link| *link == Link::Connected)).await.is_ok() {
            // The loop of the caller sees it, and says that it is over.
            link.mark_changed();
            break;
        }
        let reason = match &*link.borrow() {
            Link::Away { reason, .. } => reason.clone(),
            Link::Connecting | Link::Connected => continue,
        };
        is_told = instance(db, lasts(&reason)).await.is_ok();
        next = Instant::now() + if is_told { AGAIN_EVERY } else { RETRY_AFTER };
    }
    let away_for = since.elapsed();
    if !is_told && away_for > PATIENCE {
        tell(db, mended(away_for)).await;
    }
}

fn lasts(reason: &str) -> InstanceTrouble {
    let message = format!(
        "The connection that tells this service what others have done is lost: {reason}. Everything goes on; pages and \
         queues learn of changes a second later"
    );
    InstanceTrouble::Lasts(Severity::Warning, Message::new(&message), json!({"reason": reason}))
}

fn mended(away_for: Duration) -> InstanceTrouble {
    let seconds = away_for.as_secs_f64();
    let message = format!("The connection that tells this service what others have done was lost for {seconds:.0} s");
    InstanceTrouble::Mended(Severity::Warning, Message::new(&message), json!({"duration_s": seconds}))
}

/// Tells, as soon as the database takes it.
async fn tell(db: &Db, trouble: InstanceTrouble) {
    while let Err(error) = instance(db, trouble.clone()).await {
        tracing::debug!("the state of the bus cannot be told yet: {error}");
        sleep(RETRY_AFTER).await;
    }
}

async fn instance(db: &Db, trouble: InstanceTrouble) -> Result<(), packshot_db::DbError> {
    channels::instance(db, AllTenants::Housekeeping, AlertType::BusConnectionLost, "", trouble).await
}
