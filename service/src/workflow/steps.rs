//! The steps that there are, and which of them can be dispatched here.

use crate::app::{App, AppError};
use crate::settings::InForce;
use crate::tenancy::RenderSettings;
use packshot_contract::workflow::{Config, StepList, steps};
use packshot_domain::feature::Feature;
use packshot_domain::principal::Principal;
use packshot_domain::step::StepName;
use packshot_domain::workflow::NodeId;

/// Which steps cannot be dispatched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unavailable {
    /// Those that the installation has switched off.
    disabled: Vec<StepName>,
    /// Whether the tenant has designs.
    has_designs: bool,
}

impl Unavailable {
    /// Those that a tenant with these settings cannot dispatch here now.
    pub(super) async fn here(app: &App, settings: &RenderSettings) -> Result<Self, AppError> {
        let disabled = InForce::of_instance(&app.db, &app.settings).await?.disabled_steps;
        Ok(Self { disabled, has_designs: settings.require(Feature::DesignRenders).is_ok() })
    }

    /// Why a step cannot be dispatched; `None` when it can.
    pub(super) fn reason(&self, step: StepName) -> Option<String> {
        match step {
            step if self.disabled.contains(&step) => Some(format!("`disabled_steps` of this installation has {step}")),
            StepName::ComposeDesign if !self.has_designs => {
                Some(format!("`{}` is switched off for this tenant", Feature::DesignRenders))
            }
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
    let settings = RenderSettings::in_force(app, who).await?;
    let unavailable = Unavailable::here(app, &settings).await?;
    Ok(steps(Some(settings.limits.samples_default), |step| unavailable.reason(step)))
}
