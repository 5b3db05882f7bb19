//! What a person chooses to be told, as a client sees it.

use packshot_json::{Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Channel;
use crate::problem::Invalid;
use crate::read::optional;
use packshot_domain::channel::preference as domain;

words! {
    /// How often somebody is told.
    pub enum Frequency = domain::Frequency {
        /// Each time, when it happens.
        Immediate = "immediate",
        /// What came together, at the full hour.
        Hourly = "hourly",
        /// What came together, at `digest_hour_utc`.
        Daily = "daily",
        /// Not at all.
        Never = "never",
    }
}

/// What a person has chosen for a type of notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationConfig {
    /// Whose it is.
    pub user_id: Uuid,
    /// The type, such as `order.submitted`.
    pub event_type: String,
    /// Always `notification`.
    pub channel: Channel,
    /// Whether they are told at all.
    pub enabled: bool,
    /// How often.
    pub frequency: Frequency,
}

/// All that a person can choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationConfigs {
    /// One for each type.
    pub items: Vec<NotificationConfig>,
}

/// What a person chooses: absent members stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotificationConfigChange {
    /// Whether they are told at all.
    pub enabled: Option<bool>,
    /// How often.
    pub frequency: Option<Frequency>,
}

impl NotificationConfigChange {
    /// Reads what a person chooses.
    ///
    /// # Errors
    /// `wrong_type`, `unknown_value`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<domain::PreferenceChange, Invalid> {
        let faults = Faults::default();
        let change = Node::root(body, &faults).members().and_then(|mut m| {
            let enabled = optional(&mut m, "enabled", Node::flag);
            let frequency = optional(&mut m, "frequency", Node::word::<Frequency>);
            m.finish();
            Some(domain::PreferenceChange { enabled: enabled?, frequency: frequency?.map(Into::into) })
        });
        Invalid::unless_faults(change, faults)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn n23_there_are_four_frequencies() {
        for word in ["immediate", "hourly", "daily", "never"] {
            let read = NotificationConfigChange::parse(&json!({"frequency": word})).expect("a frequency");
            assert_eq!(read.frequency.map(|frequency| frequency.as_str()), Some(word));
        }
        let refused = NotificationConfigChange::parse(&json!({"frequency": "weekly"})).expect_err("none");
        assert_eq!(refused.findings.first().map(|finding| finding.pointer.as_str()), Some("/frequency"));
        assert!(NotificationConfigChange::parse(&json!({"channel": "alert"})).is_err());
    }
}
