//! Tenants: what state one is in, what may follow, and the short name that it is known by (tenancy.md §1, §7).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::words::words;

/// Characters of a slug, at least and at most.
const SLUG_CHARS: std::ops::RangeInclusive<usize> = 2..=63;
/// What comes before a slug that begins with a digit or is too short.
const SLUG_BEGINNING: &str = "tenant";

/// How long a tenant that is about to be deleted can be restored.
pub const RESTORABLE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

words! {
    /// State of a tenant.
    pub enum TenantStatus {
        /// Its users work
        Active = "active",
        /// Nobody signs in and nothing starts, but everything is there
        Deactivated = "deactivated",
        /// The same, and it can be restored until `delete_after`
        Deleting = "deleting",
        /// It can no longer be restored, and some of it may be gone
        Purging = "purging",
        /// Only its slug is left
        Deleted = "deleted",
    }
}

words! {
    /// What happens to a tenant.
    pub enum TenantEvent {
        /// Its users are locked out
        Deactivate = "deactivate",
        /// Its users come back
        Activate = "activate",
        /// It is about to be deleted, and can be restored for a while
        Delete = "delete",
        /// It is restored
        Restore = "restore",
        /// It can no longer be restored: what it has is removed, piece by piece
        Purge = "purge",
        /// The last piece is gone
        Bury = "bury",
    }
}

/// Why something cannot happen to a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TenantRefusal {
    /// It runs the installation.
    #[error("this tenant runs the installation: it can be neither deactivated nor deleted")]
    Operating,
    /// Only a deactivated tenant can be deleted.
    #[error("the tenant is active: only a deactivated tenant can be deleted")]
    NotDeactivated,
    /// Only a tenant that is about to be deleted can be restored.
    #[error("the tenant is not about to be deleted, so there is nothing to restore")]
    NotDeleting,
    /// It is about to be deleted.
    #[error("the tenant is about to be deleted")]
    Deleting,
    /// Its time was over, and its rows and files are being removed.
    #[error("the time to restore the tenant is over: its data is being removed")]
    Purging,
    /// The slug that confirms a deletion is missing or wrong.
    #[error("to delete a tenant, `confirm` must be its slug")]
    Unconfirmed,
    /// It is gone.
    #[error("there is no such tenant")]
    Gone,
}

impl TenantStatus {
    /// The state after `event`.
    ///
    /// # Errors
    ///
    /// [`TenantRefusal`] when the event is impossible in this state.
    pub const fn next(self, event: TenantEvent) -> Result<Self, TenantRefusal> {
        use TenantEvent as E;
        match (self, event) {
            (Self::Deleted, _) => Err(TenantRefusal::Gone),
            (Self::Active | Self::Deactivated, E::Deactivate) | (Self::Deleting, E::Restore) => Ok(Self::Deactivated),
            (Self::Active | Self::Deactivated, E::Activate) => Ok(Self::Active),
            (Self::Deactivated | Self::Deleting, E::Delete) => Ok(Self::Deleting),
            (Self::Deleting | Self::Purging, E::Purge) | (Self::Purging, E::Delete) => Ok(Self::Purging),
            (Self::Purging, E::Bury) => Ok(Self::Deleted),
            (Self::Purging, E::Restore) => Err(TenantRefusal::Purging),
            (Self::Deleting | Self::Purging, E::Deactivate | E::Activate) | (Self::Deleting, E::Bury) => {
                Err(TenantRefusal::Deleting)
            }
            (Self::Active, E::Delete) => Err(TenantRefusal::NotDeactivated),
            (Self::Active | Self::Deactivated, E::Restore | E::Purge | E::Bury) => Err(TenantRefusal::NotDeleting),
        }
    }

    /// Whether its users may do anything, and its tasks start.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active)
    }

    /// Whether it keeps what it has: somebody from outside may look into it.
    #[must_use]
    pub const fn is_kept(self) -> bool {
        matches!(self, Self::Active | Self::Deactivated)
    }
}

/// The short name of a tenant, which never changes: `a-z`, `0-9` and `-`, a letter first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantSlug(String);

/// Text that is not a slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 2 to 63 characters of a-z, 0-9 and '-', the first of them a letter")]
pub struct InvalidSlug;

impl TenantSlug {
    /// The slug of a tenant with this name: its letters and digits, with `-` between words. `None` for a name without
    /// letters and digits that a slug can have.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let spelled: String = name.chars().flat_map(char::to_lowercase).flat_map(|c| spelled(c).chars()).collect();
        let words: Vec<&str> = spelled.split('-').filter(|word| !word.is_empty()).collect();
        let joined = words.join("-");
        let first = joined.chars().next()?;
        let is_fit = !first.is_ascii_digit() && joined.len() >= *SLUG_CHARS.start();
        let slug = if is_fit { joined } else { format!("{SLUG_BEGINNING}-{joined}") };
        let end = slug.len().min(*SLUG_CHARS.end());
        Some(Self(slug[..end].trim_end_matches('-').to_owned()))
    }

    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a slug has in the place of a character in lower case; `-` separates words.
fn spelled(c: char) -> &'static str {
    const PLAIN: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
    match c {
        'ä' | 'æ' => "ae",
        'ö' | 'ø' | 'œ' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'à'..='ã' | 'å' => "a",
        'ç' => "c",
        'è'..='ë' => "e",
        'ì'..='ï' => "i",
        'ñ' => "n",
        'ò'..='õ' => "o",
        'ù'..='û' => "u",
        'ý' | 'ÿ' => "y",
        // Apostrophes stand within words.
        '\'' | '’' => "",
        _ => PLAIN.find(c).map_or("-", |at| &PLAIN[at..=at]),
    }
}

impl FromStr for TenantSlug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        let is_fit = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        let is_slug = begins && SLUG_CHARS.contains(&text.len()) && text.bytes().all(is_fit);
        if is_slug { Ok(Self(text.to_owned())) } else { Err(InvalidSlug) }
    }
}

impl fmt::Display for TenantSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::TenantEvent as E;
    use super::TenantRefusal as R;
    use super::TenantStatus as S;
    use super::*;

    /// The table of tenancy.md §7, line by line, with the state in which a purge goes on.
    #[test]
    fn t59_t64_states_follow_the_table() {
        let events = [E::Deactivate, E::Activate, E::Delete, E::Restore, E::Purge, E::Bury];
        for (state, after) in [
            (
                S::Active,
                [
                    Ok(S::Deactivated),
                    Ok(S::Active),
                    Err(R::NotDeactivated),
                    Err(R::NotDeleting),
                    Err(R::NotDeleting),
                    Err(R::NotDeleting),
                ],
            ),
            (
                S::Deactivated,
                [
                    Ok(S::Deactivated),
                    Ok(S::Active),
                    Ok(S::Deleting),
                    Err(R::NotDeleting),
                    Err(R::NotDeleting),
                    Err(R::NotDeleting),
                ],
            ),
            (
                S::Deleting,
                [
                    Err(R::Deleting),
                    Err(R::Deleting),
                    Ok(S::Deleting),
                    Ok(S::Deactivated),
                    Ok(S::Purging),
                    Err(R::Deleting),
                ],
            ),
            (
                S::Purging,
                [Err(R::Deleting), Err(R::Deleting), Ok(S::Purging), Err(R::Purging), Ok(S::Purging), Ok(S::Deleted)],
            ),
            (S::Deleted, [Err(R::Gone); 6]),
        ] {
            for (event, after) in events.into_iter().zip(after) {
                assert_eq!(state.next(event), after, "{event} of one that is {state}");
            }
        }
        assert!(S::ALL.iter().all(|status| status.is_active() == (*status == S::Active)));
        assert!(!S::Deleting.is_kept() && !S::Purging.is_kept() && !S::Deleted.is_kept());
    }

    #[test]
    fn slugs_are_short_plain_words() {
        let longest = "a".repeat(63);
        for text in ["ab", "a-", "beta", "of-tenant-admin", "b2b", &longest] {
            assert_eq!(text.parse().map(|slug: TenantSlug| slug.0), Ok(text.to_owned()));
        }
        for text in ["", "a", "2b", "-ab", "Beta", "be ta", "be_ta", "béta", &"a".repeat(64)] {
            assert_eq!(text.parse::<TenantSlug>(), Err(InvalidSlug), "{text}");
        }
    }

    #[test]
    fn t58_a_slug_is_made_from_the_name() {
        let of_name = |name: &str| TenantSlug::of_name(name).expect("letters");
        for (name, slug) in [
            ("Beta", "beta"),
            ("Müller & Söhne GmbH", "mueller-soehne-gmbh"),
            ("  L'Œuvre, Café №5 ", "loeuvre-cafe-5"),
            ("3M", "tenant-3m"),
            ("X", "tenant-x"),
        ] {
            assert_eq!(of_name(name).as_str(), slug, "{name}");
        }
        for name in ["株式会社", "--", ""] {
            assert_eq!(TenantSlug::of_name(name), None, "{name}");
        }
        let long = of_name(&format!("{}-{}", "a".repeat(62), "b".repeat(100)));
        assert_eq!(long.as_str(), "a".repeat(62), "cut, and not at a dash");
        for name in ["1", "é", "a b c", "ÄÖÜ", &"x-".repeat(99), "İstanbul"] {
            let slug = of_name(name);
            assert_eq!(slug.as_str().parse(), Ok(slug.clone()), "{name}");
        }
    }
}
