//! What the caller chooses to be told, and when.

use crate::app::{App, AppError, Code};
use packshot_contract::channel::Channel;
use packshot_contract::channel::preference::{NotificationConfig, NotificationConfigs};
use packshot_db::TenantScope;
use packshot_db::channels::preferences as rows;
use packshot_domain::channel::NotificationType;
use packshot_domain::channel::preference::{NotConfigurable, Preference, PreferenceChange};
use packshot_domain::principal::Principal;

/// What the caller has chosen for each type that they can choose.
///
/// # Errors
/// Errors of the database.
pub async fn list(app: &App, who: &Principal) -> Result<NotificationConfigs, AppError> {
    let chosen = rows::of_user(&app.db, TenantScope::of(who.home), who.user).await?;
    let types = NotificationType::ALL.iter().copied().filter(|of| of.is_configurable());
    let items = types.map(|of| shown(who, of, chosen.get(&of).copied().unwrap_or_default()));
    Ok(NotificationConfigs { items: items.collect() })
}

/// Changes what the caller has chosen for the type of this name.
///
/// # Errors
/// [`Code::EventTypeNotFound`], [`Code::AlertNotConfigurable`], [`Code::ChannelNotConfigurable`].
pub async fn change(
    app: &App,
    who: &Principal,
    name: &str,
    change: PreferenceChange,
) -> Result<NotificationConfig, AppError> {
    let of = NotificationType::configurable(name).map_err(|error| {
        let code = match error {
            NotConfigurable::Alert(_) => Code::AlertNotConfigurable,
            NotConfigurable::Activity(_) => Code::ChannelNotConfigurable,
            NotConfigurable::Unknown => Code::EventTypeNotFound,
        };
        AppError::new(code, error.to_string())
    })?;
    let chosen = rows::change(&app.db, TenantScope::of(who.home), who.user, of, change).await?;
    Ok(shown(who, of, chosen))
}

fn shown(who: &Principal, of: NotificationType, Preference { enabled, frequency }: Preference) -> NotificationConfig {
    NotificationConfig {
        user_id: who.user.uuid(),
        event_type: of.as_str().to_owned(),
        channel: Channel::Notification,
        enabled,
        frequency: frequency.into(),
    }
}
