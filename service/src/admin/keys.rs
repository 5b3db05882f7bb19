//! API keys, managed on the machine of the installation: created, listed, revoked, also while the service runs.
//!
//! Keys are checked at each request, so changes take effect with the next request, in every process on the database.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::str::FromStr;
use std::time::Duration;

use super::{AdminError, open};
use crate::config::Settings;
use crate::server::setup;
use packshot_db::keys::{self, StoredKey};
use packshot_db::{AllTenants, Db, PageRequest, ReadScope, TenantScope, tenants};
use packshot_domain::access::Scope;
use packshot_domain::audit::Actor;
use packshot_domain::id::{KeyId, TenantId};
use packshot_domain::key::ApiKey;
use packshot_domain::tenant::TenantSlug;
use packshot_domain::time::Timestamp;

const DAY_S: u64 = 24 * 60 * 60;
const HOUR_S: u64 = 60 * 60;
/// Keys per read.
const PAGE: u32 = 200;

/// When a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// At this time.
    At(Timestamp),
    /// So long after it was made.
    After(Duration),
}

/// Text that is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected days or hours from now (90d, 12h), a day (2027-01-31) or a time (2027-01-31T10:00:00Z)")]
pub struct InvalidExpiry;

impl FromStr for Expiry {
    type Err = InvalidExpiry;

    /// A day is its beginning, in UTC.
    fn from_str(text: &str) -> Result<Self, InvalidExpiry> {
        let units = [('d', DAY_S), ('h', HOUR_S)];
        let after = units.into_iter().find_map(|(unit, seconds)| {
            let number = text.strip_suffix(unit).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?;
            Some(Self::After(Duration::from_secs(u64::from(number.parse::<u32>().ok()?) * seconds)))
        });
        let time = text.parse().or_else(|_| format!("{text}T00:00:00Z").parse());
        after.or_else(|| time.ok().map(Self::At)).ok_or(InvalidExpiry)
    }
}

/// How a key is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyName {
    /// The one with this id.
    Id(KeyId),
    /// The one that begins with these 11 characters.
    Prefix(String),
}

/// Text that cannot name a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the first 11 characters of a key (pk_…) or its id, as `packshot admin list-keys` shows them")]
pub struct InvalidName;

impl FromStr for KeyName {
    type Err = InvalidName;

    /// A whole key names itself.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        if let Ok(key) = ApiKey::parse(text) {
            return Ok(Self::Prefix(key.prefix().to_owned()));
        }
        match text.strip_prefix("pk_") {
            Some(rest) if rest.len() == 8 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                Ok(Self::Prefix(text.to_owned()))
            }
            _ => Err(InvalidName),
        }
    }
}

impl std::fmt::Display for KeyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Prefix(prefix) => f.write_str(prefix),
        }
    }
}

impl KeyName {
    fn is_of(&self, key: &StoredKey) -> bool {
        match self {
            Self::Id(id) => key.id == *id,
            Self::Prefix(prefix) => key.prefix == *prefix,
        }
    }
}

/// Whether a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It works.
    Active,
    /// It has expired.
    Expired,
    /// It was revoked.
    Revoked,
}

impl KeyState {
    /// In one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    fn of(key: &StoredKey, now: Timestamp) -> Self {
        if key.revoked_at.is_some() {
            Self::Revoked
        } else if key.key.expires_at.is_some_and(|expires_at| expires_at <= now) {
            Self::Expired
        } else {
            Self::Active
        }
    }
}

/// A key in a list: only its owner knows its secret.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedKey {
    /// The key.
    pub key: StoredKey,
    /// The slug of its tenant.
    pub tenant: TenantSlug,
    /// Whether it opens.
    pub state: KeyState,
}

/// A key that was revoked.
#[derive(Clone, Debug, PartialEq)]
pub struct RevokedKey {
    /// The key.
    pub key: StoredKey,
    /// Whether it had been revoked before.
    pub was_revoked: bool,
}

/// Creates a key with these scopes, valid until it expires. The installation is configured from then on.
///
/// # Errors
/// When the data folder holds no installation, the database cannot be reached, or the key would have ended before it is
/// made.
pub async fn create(
    settings: &Settings,
    name: &str,
    scopes: Vec<Scope>,
    expiry: Option<Expiry>,
) -> Result<ApiKey, AdminError> {
    let db = open(settings).await?;
    let made = async {
        let expires_at = match expiry {
            Some(expiry) => Some(end_of(&db, expiry).await?),
            None => None,
        };
        Ok(setup::create_key(&db, name, scopes, expires_at).await?)
    }
    .await;
    db.close().await;
    made
}

/// By the database's clock, which decides later.
async fn end_of(db: &Db, expiry: Expiry) -> Result<Timestamp, AdminError> {
    let now = db.now().await?;
    let expires_at = match expiry {
        Expiry::At(time) => time,
        Expiry::After(duration) => now + duration,
    };
    if expires_at > now { Ok(expires_at) } else { Err(AdminError::KeyEnded(expires_at)) }
}

/// All keys, of every tenant, newest first.
///
/// # Errors
/// When the data folder holds no installation, or the database cannot be reached.
pub async fn list(settings: &Settings) -> Result<Vec<ListedKey>, AdminError> {
    let db = open(settings).await?;
    let listed = async {
        let now = db.now().await?;
        let mut slugs: HashMap<TenantId, TenantSlug> = HashMap::new();
        let mut listed = Vec::new();
        for key in all(&db).await? {
            let tenant = match slugs.entry(key.tenant) {
                Entry::Occupied(found) => found.get().clone(),
                Entry::Vacant(unknown) => {
                    let found = tenants::get(&db, AllTenants::Instance, key.tenant).await?;
                    unknown.insert(found.slug).clone()
                }
            };
            listed.push(ListedKey { tenant, state: KeyState::of(&key, now), key });
        }
        Ok(listed)
    }
    .await;
    db.close().await;
    listed
}

/// Revokes a key. It stays in the list.
///
/// # Errors
/// When the data folder holds no installation, the database cannot be reached, or not one key has this name.
pub async fn revoke(settings: &Settings, name: &KeyName) -> Result<RevokedKey, AdminError> {
    let db = open(settings).await?;
    let revoked = async {
        let mut named: Vec<StoredKey> = all(&db).await?.into_iter().filter(|key| name.is_of(key)).collect();
        let key = match (named.pop(), named.is_empty()) {
            (Some(key), true) => key,
            (Some(_), false) => return Err(AdminError::SeveralKeys(name.to_string())),
            (None, _) => return Err(AdminError::NoKey(name.to_string())),
        };
        let was_revoked = key.revoked_at.is_some();
        let key = keys::revoke(&db, TenantScope::of(key.tenant), Actor::on_machine("local"), key.id).await?;
        Ok(RevokedKey { key, was_revoked })
    }
    .await;
    db.close().await;
    revoked
}

async fn all(db: &Db) -> Result<Vec<StoredKey>, AdminError> {
    let (mut found, mut page) = (Vec::new(), PageRequest { limit: PAGE, after: None });
    loop {
        let keys = keys::list(db, ReadScope::All, None, page).await?;
        found.extend(keys.items);
        if keys.next.is_none() {
            return Ok(found);
        }
        page.after = keys.next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_time_a_day_or_so_long_from_now() {
        let at = |text: &str| Ok(Expiry::At(text.parse().expect("a time")));
        assert_eq!("2027-01-31T10:00:00+01:00".parse(), at("2027-01-31T09:00:00.000Z"));
        assert_eq!("2027-01-31".parse(), at("2027-01-31T00:00:00.000Z"));
        assert_eq!("90d".parse(), Ok(Expiry::After(Duration::from_secs(90 * 86_400))));
        assert_eq!("12h".parse(), Ok(Expiry::After(Duration::from_secs(12 * 3_600))));
        for text in ["", "d", "+1d", "-1d", "1.5d", "90", "90m", "soon", "2027-02-30", "99999999999d"] {
            assert_eq!(text.parse::<Expiry>(), Err(InvalidExpiry), "{text}");
        }
    }

    #[test]
    fn keys_are_named_by_id_by_prefix_or_by_themselves() {
        let (id, key) = (KeyId::new(), ApiKey::generate().expect("randomness"));
        assert_eq!(id.to_string().parse(), Ok(KeyName::Id(id)));
        for text in [key.prefix(), key.reveal()] {
            assert_eq!(text.parse(), Ok(KeyName::Prefix(key.prefix().to_owned())));
        }
        for text in ["", "pk_", "pk_short", "pk_longer_than", "sk_12345678", "pk_1234567…"] {
            assert_eq!(text.parse::<KeyName>(), Err(InvalidName), "{text}");
        }
    }
}
