//! What a person chooses to be told, and when (notifications.md §5).

use std::time::Duration;

use super::{ActivityType, AlertType, NotificationType};
use crate::time::Timestamp;
use crate::words::words;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;

words! {
    /// How often somebody is told.
    pub enum Frequency {
        /// Each time, when it happens
        Immediate = "immediate",
        /// What came together, at the full hour
        Hourly = "hourly",
        /// What came together, at one hour of the day
        Daily = "daily",
        /// Not at all
        Never = "never",
    }
}

/// What a person has chosen for a type of notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preference {
    /// Whether they are told at all.
    pub enabled: bool,
    /// How often.
    pub frequency: Frequency,
}

impl Default for Preference {
    fn default() -> Self {
        Self { enabled: true, frequency: Frequency::Immediate }
    }
}

impl Preference {
    /// How often they are told: what is switched off is never told.
    #[must_use]
    pub const fn in_effect(self) -> Frequency {
        if self.enabled { self.frequency } else { Frequency::Never }
    }
}

/// A part of a preference that is to change; `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PreferenceChange {
    /// Whether they are told at all.
    pub enabled: Option<bool>,
    /// How often.
    pub frequency: Option<Frequency>,
}

impl PreferenceChange {
    /// The preference after the change.
    #[must_use]
    pub fn of(self, before: Preference) -> Preference {
        Preference {
            enabled: self.enabled.unwrap_or(before.enabled),
            frequency: self.frequency.unwrap_or(before.frequency),
        }
    }
}

/// Why somebody has no preference for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotConfigurable {
    /// Trouble is always told, at once.
    #[error("'{0}' is an alert: alerts are always told, at once")]
    Alert(AlertType),
    /// The activity has everything.
    #[error("'{0}' is of the activity, which has everything")]
    Activity(ActivityType),
    /// Nothing of this name can be chosen.
    #[error("there is no notification of this type that can be chosen")]
    Unknown,
}

impl NotificationType {
    /// Whether people choose how often they are told of it.
    #[must_use]
    pub const fn is_configurable(self) -> bool {
        !matches!(self, Self::Announcement | Self::DigestHourly | Self::DigestDaily)
    }

    /// Whether it tells of several things together.
    #[must_use]
    pub const fn is_digest(self) -> bool {
        matches!(self, Self::DigestHourly | Self::DigestDaily)
    }

    /// The type of this name that people choose how often they are told of.
    ///
    /// # Errors
    ///
    /// [`NotConfigurable`].
    pub fn configurable(name: &str) -> Result<Self, NotConfigurable> {
        if let Ok(of) = name.parse::<Self>() {
            return if of.is_configurable() { Ok(of) } else { Err(NotConfigurable::Unknown) };
        }
        match (name.parse(), name.parse()) {
            (Ok(alert), _) => Err(NotConfigurable::Alert(alert)),
            (_, Ok(activity)) => Err(NotConfigurable::Activity(activity)),
            _ => Err(NotConfigurable::Unknown),
        }
    }
}

/// What becomes of something that waits to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It is told, by itself.
    Now,
    /// It is told with what else is due at this frequency.
    Together(Frequency),
    /// It waits on.
    Later,
    /// Nobody wants it any more.
    Dropped,
}

/// What becomes of something that waits since `since`, where somebody has chosen `frequency` by now. A day ends at
/// `digest_hour` UTC.
#[must_use]
pub fn due(frequency: Frequency, since: Timestamp, now: Timestamp, digest_hour: u8) -> Due {
    let of_day = i64::from(digest_hour) * HOUR_MS;
    let last = match frequency {
        Frequency::Immediate => return Due::Now,
        Frequency::Never => return Due::Dropped,
        Frequency::Hourly => now.unix_ms().div_euclid(HOUR_MS) * HOUR_MS,
        Frequency::Daily => (now.unix_ms() - of_day).div_euclid(DAY_MS) * DAY_MS + of_day,
    };
    if since.unix_ms() < last { Due::Together(frequency) } else { Due::Later }
}

/// How long entries of each channel are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Of the activity.
    pub activity: Duration,
    /// Notifications, and what their readers' streams say of them.
    pub notifications: Duration,
    /// Alerts that are resolved, from then on.
    pub alerts: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n46_what_can_be_chosen_has_a_name() {
        assert_eq!(NotificationType::configurable("order.submitted"), Ok(NotificationType::OrderSubmitted));
        // It is a notification too.
        assert_eq!(NotificationType::configurable("worker.recovery"), Ok(NotificationType::WorkerRecovery));
        let refused = |name: &str| NotificationType::configurable(name).expect_err("refused");
        assert_eq!(refused("gpu.probe_failed"), NotConfigurable::Alert(AlertType::GpuProbeFailed));
        assert_eq!(refused("render.completed"), NotConfigurable::Activity(ActivityType::RenderCompleted));
        for name in ["no.such", "announcement", "digest.daily", ""] {
            assert_eq!(refused(name), NotConfigurable::Unknown, "{name}");
        }
    }

    #[test]
    fn n24_n44_n45_what_waits_is_due_at_full_hours() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let since = at("2027-01-31T10:20:00Z");
        let due = |frequency, now: &str| due(frequency, since, at(now), 6);
        assert_eq!(due(Frequency::Hourly, "2027-01-31T10:59:59.999Z"), Due::Later);
        assert_eq!(due(Frequency::Hourly, "2027-01-31T11:00:00Z"), Due::Together(Frequency::Hourly));
        assert_eq!(due(Frequency::Daily, "2027-02-01T05:59:59Z"), Due::Later);
        assert_eq!(due(Frequency::Daily, "2027-02-01T06:00:00Z"), Due::Together(Frequency::Daily));
        assert_eq!(due(Frequency::Immediate, "2027-01-31T10:20:00Z"), Due::Now);
        assert_eq!(due(Frequency::Never, "2027-01-31T10:20:00Z"), Due::Dropped);
        // What comes at the hour itself is of the next one.
        assert_eq!(
            super::due(Frequency::Hourly, at("2027-01-31T11:00:00Z"), at("2027-01-31T11:59:00Z"), 6),
            Due::Later
        );
    }

    #[test]
    fn n25_what_is_switched_off_is_never_told() {
        let off = PreferenceChange { enabled: Some(false), frequency: None }.of(Preference::default());
        assert_eq!((off.in_effect(), off.frequency), (Frequency::Never, Frequency::Immediate));
        assert_eq!(Preference::default().in_effect(), Frequency::Immediate);
    }
}
