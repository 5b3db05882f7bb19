//! Races: whoever is second finds the state that the first one left.

use packshot_db::jobs::Cancelling;
use packshot_db::renders;
use packshot_db::tasks::{self, Ended};
use packshot_db::{DbError, files};
use packshot_domain::job::JobState;

use crate::engine::{Fixture, completion, render_of};

const TRIALS: usize = 200;
const AT_ONCE: u32 = 50;

pub(crate) async fn r16_cancel_races_completion(t: Fixture) {
    t.set_limits(64, &[(t.scope, 64)]).await;
    let (mut completed, mut cancelled) = (0, 0);
    for _ in 0..TRIALS / AT_ONCE as usize {
        for _ in 0..AT_ONCE {
            t.submit().await;
        }
        let races = t.claim(AT_ONCE).await.into_iter().enumerate().map(|(trial, claimed)| {
            let (db, scope, id) = (t.db.clone(), t.scope, render_of(&claimed));
            let cancel = tokio::spawn({
                let db = db.clone();
                async move { renders::request_cancel(&db, scope, id).await.expect("a render") }
            });
            let complete = tokio::spawn(async move {
                if trial % 2 == 1 {
                    tokio::task::yield_now().await;
                }
                tasks::complete(&db, scope, claimed.lease, completion(&claimed)).await.expect("the lease holds")
            });
            (id, cancel, complete)
        });
        for (id, cancel, complete) in races.collect::<Vec<_>>() {
            let (cancel, complete) = (cancel.await.expect("no panic"), complete.await.expect("no panic"));
            let render = renders::get(&t.db, t.scope, id).await.expect("the render");
            let files = files::of_render(&t.db, t.scope, id).await.expect("files");
            let events = t.events_of(t.scope, id).await;
            let terminal = events.iter().filter(|name| ["job.completed", "job.cancelled"].contains(&name.as_str()));
            assert_eq!(terminal.count(), 1, "{events:?}");
            match complete {
                Ended::Kept => {
                    completed += 1;
                    assert_eq!((render.state, files.len()), (JobState::Completed, 1));
                    assert!(matches!(cancel, Cancelling::Unchanged(_)));
                }
                Ended::Cancelled => {
                    cancelled += 1;
                    assert_eq!((render.state, files.len()), (JobState::Cancelled, 0));
                    assert!(matches!(cancel, Cancelling::Requested(_)));
                }
            }
        }
    }
    assert_eq!(completed + cancelled, TRIALS);
}

pub(crate) async fn r16_cancel_races_claim(t: Fixture) {
    t.set_limits(64, &[(t.scope, 64)]).await;
    let mut ids = Vec::new();
    for _ in 0..AT_ONCE {
        ids.push(t.submit().await);
    }
    let cancels = ids.iter().map(|id| {
        let (db, scope, id) = (t.db.clone(), t.scope, *id);
        tokio::spawn(async move { renders::request_cancel(&db, scope, id).await.expect("a render") })
    });
    let cancels: Vec<_> = cancels.collect();
    let mut claimed = Vec::new();
    for _ in 0..AT_ONCE {
        claimed.extend(t.claim(1).await);
    }
    let mut running = 0;
    for (id, cancel) in ids.iter().zip(cancels) {
        let is_claimed = claimed.iter().any(|claimed| render_of(claimed) == *id);
        match cancel.await.expect("no panic") {
            Cancelling::Cancelled(_) => assert!(!is_claimed, "R13: it never starts"),
            Cancelling::Requested(_) => running += 1,
            Cancelling::Unchanged(render) => panic!("nothing else ends {render:?}"),
        }
    }
    assert_eq!(running, claimed.len());
    for claimed in claimed {
        let ended = tasks::complete(&t.db, t.scope, claimed.lease, completion(&claimed)).await;
        assert_eq!(ended.expect("the lease holds"), Ended::Cancelled);
        let again = tasks::renew(&t.db, t.scope, claimed.lease).await;
        assert!(matches!(again, Err(DbError::LeaseLost(_))));
    }
}
