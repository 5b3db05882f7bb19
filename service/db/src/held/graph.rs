//! What the state of a task means for the tasks that depend on it.

use std::collections::HashMap;

use super::Held;
use crate::column::{arg, cell};
use crate::effect::Phase;
use crate::jobs::JobError;
use crate::tx::Tx;
use crate::{DbError, Notice};
use packshot_domain::id::TaskId;
use packshot_domain::task::{TaskEvent, TaskState};

/// The error of a task that was cancelled because one that it depends on did not complete.
const UPSTREAM_FAILED: &str = "upstream_failed";

/// The tasks before each task of a job.
const BEFORE: &str = "
    SELECT e.before_id, e.after_id FROM task_edges e
    JOIN tasks t ON t.tenant_id = e.tenant_id AND t.id = e.after_id
    WHERE t.tenant_id = $1 AND t.job_id = $2";

/// The tasks that a task depends on, by its position.
type Before = HashMap<usize, Vec<usize>>;

impl Held {
    /// Lets tasks wait, continue or end, depending on the tasks before them.
    pub(super) async fn settle(&mut self, tx: &Tx<'_>) -> Result<(), DbError> {
        let waits = |held: &Self| held.kept.iter().any(|kept| kept.task.blockers > 0 || kept.task.is_orphan());
        // The reports of a running task do not affect the others.
        let has_moved = self.turns.iter().any(|(_, phase)| !matches!(phase, Phase::Began));
        if !has_moved || self.kept.len() < 2 || !waits(self) {
            return Ok(());
        }
        let before = self.before(tx).await?;
        // In the order of the graph every task comes after those that it waits for, so one pass is enough.
        for i in 0..self.kept.len() {
            let states: Vec<TaskState> =
                before.get(&i).into_iter().flatten().map(|&j| self.kept[j].task.state).collect();
            self.settle_task(tx, i, &states)?;
        }
        Ok(())
    }

    fn settle_task(&mut self, tx: &Tx<'_>, i: usize, before: &[TaskState]) -> Result<(), DbError> {
        let is_broken = before.iter().any(|state| matches!(state, TaskState::Failed | TaskState::Cancelled));
        let task = &self.kept[i].task;
        if task.is_orphan() && !is_broken {
            self.step(i, TaskEvent::Await)?;
            let task = &mut self.kept[i].task;
            (task.error, task.completed_at) = (None, None);
            self.turns.push((i, Phase::Released));
        }
        if self.kept[i].task.state != TaskState::Waiting {
            return Ok(());
        }
        let n_blockers = before.iter().filter(|state| **state != TaskState::Completed).count();
        let blockers = i32::try_from(n_blockers).unwrap_or(i32::MAX);
        if is_broken {
            self.step(i, TaskEvent::Orphan)?;
            self.close(i);
            let detail = "a task that it depends on did not complete".to_owned();
            self.kept[i].task.error = Some(JobError { code: UPSTREAM_FAILED.to_owned(), detail, at: None });
            self.turns.push((i, Phase::Cancelled));
        } else if blockers == 0 {
            self.step(i, TaskEvent::Unblock)?;
            let now = self.now;
            let task = &mut self.kept[i].task;
            task.run_after = now;
            tx.announce(Notice::Queued(task.queue, task.lane.clone()));
        }
        if self.kept[i].task.blockers != blockers {
            self.kept[i].task.blockers = blockers;
            self.changed.insert(i);
        }
        Ok(())
    }

    async fn before(&self, tx: &Tx<'_>) -> Result<Before, DbError> {
        let position: HashMap<TaskId, usize> = (0..).zip(&self.kept).map(|(i, kept)| (kept.task.id, i)).collect();
        let job = self.job()?.job.id;
        let mut before = Before::new();
        for row in tx.query(BEFORE, [arg(self.tenant), arg(job)]).await? {
            let edge: [TaskId; 2] = [cell(&row, 0)?, cell(&row, 1)?];
            let [Some(from), Some(to)] = edge.map(|id| position.get(&id).copied()) else { continue };
            before.entry(to).or_default().push(from);
        }
        Ok(before)
    }
}

impl crate::tasks::Task {
    /// Whether it was cancelled because of a task before it.
    fn is_orphan(&self) -> bool {
        let code = self.error.as_ref().map(|error| error.code.as_str());
        self.state == TaskState::Cancelled && code == Some(UPSTREAM_FAILED)
    }
}
