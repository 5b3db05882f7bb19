//! How long a graph takes, by what tasks like its own took on this installation.

use std::collections::BTreeMap;

use crate::app::{App, AppError, Queued, TaskQueue};
use crate::renders::spec::stored_pixel_samples;
use crate::tenancy::RenderSettings;
use crate::workflow::facts::Facts;
use crate::workflow::plan::{Planning, Role};
use packshot_contract::workflow::{Config, Issue, picture_kind};
use packshot_db::TenantScope;
use packshot_db::tasks::{self, Took};
use packshot_domain::id::{RunId, TaskId};
use packshot_domain::principal::Principal;
use packshot_domain::task::TaskKind;
use packshot_domain::workflow::NodeId;

/// A render tells how long another one takes that has up to this many times as much to do, or as little.
const LIKE_MAX: f64 = 4.0;

/// How long tasks like these took here lately.
#[derive(Default)]
pub(super) struct Estimates {
    /// Each node that tasks are known for.
    pub(super) of_node: BTreeMap<NodeId, f64>,
    /// All of them, if that is known of each, one after the other.
    pub(super) total_s: Option<f64>,
    /// A node whose options do not make a picture.
    pub(super) unfit: Option<(NodeId, Issue)>,
    /// Whether no task of the graph makes what is published.
    pub(super) publishes_nothing: bool,
}

/// Gives ids to tasks that nobody stores.
struct Nowhere;

impl TaskQueue for Nowhere {
    fn id_of(&self, _: Queued<'_>) -> TaskId {
        TaskId::new()
    }
}

impl Estimates {
    /// Plans the graph, and looks up how long its tasks took before.
    ///
    /// # Errors
    /// Errors of the database.
    pub(super) async fn read(
        app: &App,
        who: &Principal,
        config: &Config,
        facts: &Facts,
        settings: &RenderSettings,
    ) -> Result<Self, AppError> {
        let (run, role, limits) = (RunId::new(), Role::Authoritative, &settings.limits);
        let planning = Planning { config, facts, run, role, limits, queue: &Nowhere };
        let plan = match planning.plan() {
            Ok(plan) => plan,
            Err(invalid) => {
                // Nodes that make pictures are the only ones whose options can be unfit; the first of these is named.
                let first = invalid.findings.first().map(|finding| finding.pointer.as_str()).unwrap_or_default();
                let is_it = |position: &usize| {
                    first.starts_with(&format!("/config{}", config.place_of_parameters(*position)))
                        && picture_kind(config.nodes[*position].step).is_some()
                };
                let position = config.graph.order().iter().copied().find(is_it);
                let node = position.map(|position| config.nodes[position].id.clone());
                let issue = Issue::error("invalid_workflow_config", invalid.to_string());
                return Ok(Self { unfit: node.map(|node| (node, issue)), ..Self::default() });
            }
        };
        let publishes_nothing = plan.failure.is_none() && !plan.tasks.iter().any(|task| task.publishes);
        let mut estimates = Self { publishes_nothing, ..Self::default() };
        let (mut total_s, mut is_whole) = (0.0, true);
        for task in &plan.tasks {
            let TaskKind::Step(step) = task.kind else { continue };
            let lately = tasks::took(&app.db, TenantScope::of(who.tenant), (step, task.lane.clone())).await?;
            let node = plan.nodes.iter().find(|node| node.task == Some(task.id));
            let durations_s = match plan.pixel_samples.get(&task.id) {
                Some(&pixel_samples) => lately.iter().filter_map(|took| as_long_as(took, pixel_samples)).collect(),
                None => lately.iter().map(|took| took.duration_s).collect(),
            };
            match (median(durations_s), node) {
                (Some(duration_s), Some(node)) => {
                    total_s += duration_s;
                    estimates.of_node.insert(node.id.clone(), duration_s);
                }
                _ => is_whole = false,
            }
        }
        estimates.total_s = Some(total_s).filter(|_| is_whole && !plan.tasks.is_empty());
        Ok(estimates)
    }
}

/// How long this much takes, by a render that had not much more or less to do: what comes before and after rendering
/// is not in proportion.
fn as_long_as(took: &Took, pixel_samples: u64) -> Option<f64> {
    let before = stored_pixel_samples(took.spec.as_ref()?)?;
    let ratio = pixel_samples as f64 / before.max(1) as f64;
    (1.0 / LIKE_MAX..=LIKE_MAX).contains(&ratio).then_some(took.duration_s * ratio)
}

fn median(mut durations_s: Vec<f64>) -> Option<f64> {
    durations_s.sort_by(f64::total_cmp);
    durations_s.get(durations_s.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_one_counts() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 9.0]), Some(3.0));
    }

    #[test]
    fn what_has_no_plan_says_nothing_about_a_picture() {
        let took = |spec| Took { duration_s: 1.0, spec };
        assert_eq!(as_long_as(&took(None), 10), None);
        assert_eq!(as_long_as(&took(Some(serde_json::json!({"version": 1, "spec": {}}))), 10), None);
    }
}
