//! The order in which tasks are handed out, and how many at a time.

use std::collections::HashSet;

use packshot_db::tasks::{self, Claimed};
use packshot_db::{AllTenants, TenantScope};
use packshot_domain::id::{RenderId, WorkerId};
use packshot_domain::job::JobState;
use packshot_domain::task::TaskState;

use crate::engine::{Fixture, claimer, document, render_of};

fn ids(claimed: &[Claimed]) -> Vec<RenderId> {
    claimed.iter().map(render_of).collect()
}

pub(crate) async fn r18_priority_goes_first_then_age(t: Fixture) {
    t.set_limits(8, &[(t.scope, 8)]).await;
    let mut renders = Vec::new();
    for priority in [0, 5, 0, -3, 5] {
        renders.push(t.submit_to(t.scope, priority).await);
    }
    let claimed = t.claim(8).await;
    assert_eq!(ids(&claimed), [renders[1], renders[4], renders[0], renders[2], renders[3]]);
    let first = &claimed[0];
    assert_eq!((first.task.state, first.job.as_ref().expect("a job").state), (TaskState::Running, JobState::Running));
    assert_eq!((first.task.attempt, document(first).attempt), (1, 1));
    assert_eq!(document(first).task_id, Some(first.lease.task), "R46: the real task");
    assert_eq!(t.events_of(t.scope, render_of(first)).await, ["job.state", "job.state"]);
}

pub(crate) async fn tenants_with_the_fewest_running_go_first(t: Fixture) {
    let (other, _) = t.other_tenant().await;
    t.set_limits(64, &[(t.scope, 64), (other, 64)]).await;
    let mut mine = Vec::new();
    for _ in 0..3 {
        mine.push(t.submit_to(t.scope, 10).await);
    }
    let theirs = [t.submit_to(other, -10).await, t.submit_to(other, -10).await];
    let order = ids(&t.claim(64).await);
    assert_eq!(order, [mine[0], theirs[0], mine[1], theirs[1], mine[2]], "in turns, whatever their priorities");
}

pub(crate) async fn r65_a_tenant_has_its_limit(t: Fixture) {
    let (other, _) = t.other_tenant().await;
    t.set_limits(8, &[(t.scope, 3)]).await;
    for _ in 0..5 {
        t.submit().await;
    }
    let theirs = t.submit_to(other, 0).await;
    let claimed = t.claim(8).await;
    let of = |scope: TenantScope| claimed.iter().filter(move |claimed| claimed.tenant == scope.tenant).count();
    assert_eq!((of(t.scope), of(other)), (3, 1));
    assert!(ids(&claimed).contains(&theirs), "another tenant's starts meanwhile");
    assert!(t.claim(8).await.is_empty(), "never more than 3 at once");
    let of_first = claimed.iter().find(|claimed| claimed.tenant == t.scope.tenant).expect("one of three");
    t.complete(of_first).await;
    assert_eq!(t.claim(8).await.len(), 1);
}

pub(crate) async fn r62_a_queue_has_its_limit(t: Fixture) {
    t.set_limits(2, &[(t.scope, 64)]).await;
    for _ in 0..4 {
        t.submit().await;
    }
    let running = t.claim(8).await;
    assert_eq!(running.len(), 2);
    t.set_limits(1, &[]).await;
    t.complete(&running[0]).await;
    assert!(t.claim(8).await.is_empty(), "one of two still runs");
    t.set_limits(3, &[]).await;
    assert_eq!(t.claim(8).await.len(), 2, "a changed limit applies immediately");
}

pub(crate) async fn t82_a_slot_goes_round(t: Fixture) {
    let (beta, _) = t.other_tenant().await;
    t.set_limits(1, &[]).await;
    let mut alphas = Vec::new();
    for _ in 0..50 {
        alphas.push(t.submit_to(t.scope, 0).await);
    }
    let betas = [t.submit_to(beta, 0).await, t.submit_to(beta, 0).await];
    for expected in [alphas[0], betas[0], alphas[1], betas[1], alphas[2], alphas[3]] {
        let claimed = t.claim_one().await;
        assert_eq!(render_of(&claimed), expected, "in turns, though none runs when the slot is given away");
        assert!(t.claim(1).await.is_empty(), "there is one slot");
        t.complete(&claimed).await;
        t.wait(0.001);
    }
    let first = t.submit_to(t.scope, 1).await;
    let late = t.submit_to(beta, 0).await;
    for expected in [first, late] {
        let claimed = t.claim_one().await;
        assert_eq!(render_of(&claimed), expected, "priority comes before turns");
        t.complete(&claimed).await;
    }
}

pub(crate) async fn eight_claimers_never_share_a_task(t: Fixture) {
    const TASKS: usize = 40;
    t.set_limits(64, &[(t.scope, 64)]).await;
    for _ in 0..TASKS {
        t.submit().await;
    }
    let claimers = (0..8).map(|_| {
        let db = t.db.clone();
        tokio::spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let some = tasks::claim(&db, AllTenants::Claiming, claimer(WorkerId::new()), 2).await;
                match some.expect("a claim") {
                    some if some.is_empty() => return claimed,
                    some => claimed.extend(some.into_iter().map(|claimed| claimed.lease.task)),
                }
            }
        })
    });
    let mut all = Vec::new();
    for claimer in claimers.collect::<Vec<_>>() {
        all.extend(claimer.await.expect("a claimer"));
    }
    assert_eq!((all.len(), all.iter().collect::<HashSet<_>>().len()), (TASKS, TASKS));
}
