//! Help texts: what can be set and done, in words.

use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

/// All help texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Help {
    /// One for each thing that can be set or done.
    pub items: Vec<HelpItem>,
}

/// The help text of something that can be set or done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HelpItem {
    /// What it is about: `setting.render_samples`, `tenant_config.max_order_size`, `step.render_still.width`.
    pub key: String,
    /// Short title.
    pub title: String,
    /// A sentence or two.
    pub body: String,
    /// What changes with it.
    pub affects: Vec<String>,
    /// The unit of a number.
    pub unit: Option<String>,
    /// Range of a number.
    pub range: Option<HelpRange>,
    /// Recommended value.
    pub recommendation: Option<String>,
    /// What to watch out for.
    pub warning: Option<String>,
}

/// Range of a number, ends included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HelpRange {
    /// The smallest.
    #[schema(value_type = f64)]
    pub min: Number,
    /// The largest; `null`: none.
    #[schema(value_type = Option<f64>)]
    pub max: Option<Number>,
}
