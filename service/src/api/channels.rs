//! What people are told: activity, notifications, alerts, announcements, and what each chooses to be told.

pub(super) mod activity;
pub(super) mod alerts;
pub(super) mod announcements;
pub(super) mod events;
pub(super) mod notifications;
pub(super) mod preferences;
