//! The steps that there are, and which of them can be dispatched here.

use crate::app::{App, AppError};
use crate::settings::InForce;
use crate::tenancy::RenderSettings;
use packshot_contract::workflow::{Config, StepList, steps};
use packshot_domain::principal::Principal;
use packshot_domain::step::StepName;
use packshot_domain::workflow::NodeId;

/// Which steps cannot be dispatched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unavailable(Vec<StepName>);

impl Unavailable {
    /// Those that cannot be dispatched here now.
    pub(super) async fn here(app: &App) -> Result<Self, AppError> {
        Ok(Self(InForce::of_instance(&app.db, &app.settings).await?.disabled_steps))
    }

    /// Why a step cannot be dispatched; `None` when it can.
    pub(super) fn reason(&self, step: StepName) -> Option<String> {
        match step {
            StepName::ComposeDesign => Some("this version of Packshot makes no designs".to_owned()),
            step if self.0.contains(&step) => Some(format!("`disabled_steps` of this installation has {step}")),
            _ => None,
        }
    }

    /// The nodes of a graph that cannot be dispatched, in graph order.
    pub(super) fn nodes_of(&self, config: &Config) -> Vec<NodeId> {
        let nodes = config.graph.walk().filter(|(_, node)| self.reason(node.step).is_some());
        nodes.map(|(_, node)| node.id.clone()).collect()
    }
}

/// Every step, with its parameters.
///
/// # Errors
/// Errors of the database.
pub async fn list(app: &App, who: &Principal) -> Result<StepList, AppError> {
    let unavailable = Unavailable::here(app).await?;
    let settings = RenderSettings::in_force(app, who).await?;
    Ok(steps(Some(settings.limits.samples_default), |step| unavailable.reason(step)))
}
