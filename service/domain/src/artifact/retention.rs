//! How long the bytes of a package stay though nothing needs them, and who may say so (artifacts.md §5).

use std::collections::BTreeMap;
use std::time::Duration;

use packshot_words::Word;

use super::label::Reason;
use crate::access::Role;
use crate::tenant_config::{LimitedClass, RETENTION_DAYS_MAX};
use crate::time::Timestamp;
use crate::words::words;

const DAY_S: u32 = 24 * 60 * 60;

const ADMINS: &str = "'global_admin' or 'tenant_admin'";
const MANAGERS: &str = "'global_admin', 'tenant_admin' or 'project_manager'";

words! {
    /// How long the bytes of a package stay though nothing needs them.
    pub enum RetentionClass {
        /// Uploads that a record keeps: CAD files, environments, sheets; until deleted on purpose
        RawEvidence = "raw-evidence",
        /// Results, and what direct renders were made of
        RenderOutput = "render-output",
        /// Previews, shadow outputs
        Preview = "preview",
        /// Frames, checkpoints, import remains
        Scratch = "scratch",
    }
}

/// A name that is not that of a retention class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown retention class '{name}': expected one of {}", RetentionClass::list())]
pub struct UnknownRetentionClass {
    /// The name, of which at most 64 characters are kept.
    pub name: String,
}

impl RetentionClass {
    /// The class with this name.
    ///
    /// # Errors
    ///
    /// [`UnknownRetentionClass`] when there is none.
    pub fn named(name: &str) -> Result<Self, UnknownRetentionClass> {
        Self::by_word(name).ok_or_else(|| UnknownRetentionClass { name: name.chars().take(64).collect() })
    }

    /// What is kept so, one line without a full stop.
    #[must_use]
    pub fn description(self) -> &'static str {
        Self::ENTRIES.iter().find(|entry| entry.value == self).map_or("", |entry| entry.meaning)
    }

    /// The class among those whose time a tenant may set; `None` for the one that stays.
    #[must_use]
    pub const fn limited(self) -> Option<LimitedClass> {
        match self {
            Self::RawEvidence => None,
            Self::RenderOutput => Some(LimitedClass::RenderOutput),
            Self::Preview => Some(LimitedClass::Preview),
            Self::Scratch => Some(LimitedClass::Scratch),
        }
    }

    /// How long it keeps bytes in a tenant that has not set another time, in seconds; `None`: until they are deleted.
    #[must_use]
    pub const fn ttl_s(self) -> Option<u32> {
        match self {
            Self::RawEvidence => None,
            Self::RenderOutput => Some(365 * DAY_S),
            Self::Preview => Some(30 * DAY_S),
            Self::Scratch => Some(DAY_S),
        }
    }

    /// The roles that delete packages of the class, for messages.
    const fn deleters(self) -> &'static str {
        match self {
            Self::RawEvidence => ADMINS,
            Self::RenderOutput | Self::Preview | Self::Scratch => MANAGERS,
        }
    }

    /// Checks whether someone with this role may delete packages of the class, for this reason.
    ///
    /// # Errors
    ///
    /// [`DeleteRefusal`]: first for the role, then for a missing reason.
    pub const fn may_be_deleted(self, role: Role, reason: Option<&Reason>) -> Result<(), DeleteRefusal> {
        match (role, self) {
            (Role::Client, _) | (Role::ProjectManager, Self::RawEvidence) => {
                Err(DeleteRefusal::Forbidden { role, class: self })
            }
            (Role::GlobalAdmin | Role::TenantAdmin, Self::RawEvidence) if reason.is_none() => {
                Err(DeleteRefusal::ReasonMissing)
            }
            _ => Ok(()),
        }
    }
}

/// Why someone may not delete a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeleteRefusal {
    /// The role does not allow it.
    #[error(
        "the role '{role}' may not delete packages of the class '{class}': this needs the role {}",
        .class.deleters()
    )]
    Forbidden {
        /// The role.
        role: Role,
        /// The class.
        class: RetentionClass,
    },
    /// Evidence is only deleted for a reason.
    #[error("a package of the class 'raw-evidence' is only deleted for a reason: say it as `reason`")]
    ReasonMissing,
}

/// A class with the time that was fixed when a package got it, so that it does not depend on later settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retention {
    class: RetentionClass,
    ttl_s: Option<u32>,
}

/// A class with a time that it cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("packages of the class 'raw-evidence' have no time, and those of every other class have one")]
pub struct InvalidRetention;

/// Why someone may not give a package another class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassRefusal {
    /// The role changes no class.
    #[error("the role '{role}' may not change how long packages are kept: this needs the role {MANAGERS}")]
    Forbidden {
        /// The role.
        role: Role,
    },
    /// The package would be kept for a shorter time.
    #[error("the role '{role}' may not shorten how long a package is kept: this needs the role {ADMINS}")]
    Shorter {
        /// The role.
        role: Role,
    },
    /// Evidence is not made, and does not stop to be, without an admin.
    #[error("the role '{role}' may not change a class from or to 'raw-evidence': this needs the role {ADMINS}")]
    Evidence {
        /// The role.
        role: Role,
    },
}

impl Retention {
    /// What a package gets with this class in a tenant with these days, as its configuration has them.
    #[must_use]
    pub fn of(class: RetentionClass, retention_days: &BTreeMap<LimitedClass, u32>) -> Self {
        let days = class.limited().and_then(|limited| retention_days.get(&limited));
        // No configuration has more, and so many days in seconds are a `u32`.
        let set = days.map(|days| (*days).min(RETENTION_DAYS_MAX) * DAY_S);
        Self { class, ttl_s: set.or(class.ttl_s()) }
    }

    /// What was recorded of a package: its class, and its time in seconds.
    ///
    /// # Errors
    ///
    /// [`InvalidRetention`] when the class cannot have that time.
    pub const fn recorded(class: RetentionClass, ttl_s: Option<u32>) -> Result<Self, InvalidRetention> {
        if class.limited().is_some() == ttl_s.is_some() { Ok(Self { class, ttl_s }) } else { Err(InvalidRetention) }
    }

    /// The class.
    #[must_use]
    pub const fn class(self) -> RetentionClass {
        self.class
    }

    /// How long the bytes stay after finalising, in seconds; `None`: until they are deleted.
    #[must_use]
    pub const fn ttl_s(self) -> Option<u32> {
        self.ttl_s
    }

    /// When a package that was finalised then is due; `None`: never.
    #[must_use]
    pub fn expires_at(self, finalized_at: Timestamp) -> Option<Timestamp> {
        self.ttl_s.map(|ttl_s| finalized_at + Duration::from_secs(ttl_s.into()))
    }

    /// Checks whether someone with this role may give a package `to` instead. What is longer is decided by the times
    /// themselves, because a tenant may set them in any order.
    ///
    /// # Errors
    ///
    /// [`ClassRefusal`], which says what the role lacks.
    pub fn may_become(self, to: Self, role: Role) -> Result<(), ClassRefusal> {
        let is_of_evidence = [self.class, to.class].contains(&RetentionClass::RawEvidence);
        match role {
            Role::GlobalAdmin | Role::TenantAdmin => Ok(()),
            Role::ProjectManager if is_of_evidence => Err(ClassRefusal::Evidence { role }),
            Role::ProjectManager if to.ttl_s < self.ttl_s => Err(ClassRefusal::Shorter { role }),
            Role::ProjectManager => Ok(()),
            Role::Client => Err(ClassRefusal::Forbidden { role }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RetentionClass as C, *};

    fn usual(class: C) -> Retention {
        Retention::of(class, &BTreeMap::new())
    }

    #[test]
    fn there_are_four_classes() {
        let classes: Vec<(&str, Option<u32>)> = C::ALL.iter().map(|class| (class.as_str(), class.ttl_s())).collect();
        let days = |days: u32| Some(days * 86_400);
        let expected =
            [("raw-evidence", None), ("render-output", days(365)), ("preview", days(30)), ("scratch", days(1))];
        assert_eq!(classes, expected);
        assert_eq!(C::Scratch.description(), "Frames, checkpoints, import remains");
        assert!(C::ALL.iter().all(|class| !class.description().is_empty()));
        for limited in LimitedClass::ALL {
            assert_eq!(C::named(limited.as_str()).map(C::limited), Ok(Some(*limited)));
        }
    }

    #[test]
    fn an_unknown_class_is_called_so() {
        let unknown = C::named("does-not-exist").expect_err("there is none");
        let told =
            "unknown retention class 'does-not-exist': expected one of raw-evidence, render-output, preview, scratch";
        assert_eq!(unknown.to_string(), told);
    }

    #[test]
    fn a_tenant_sets_its_own_days() {
        let days = BTreeMap::from([(LimitedClass::Preview, 90), (LimitedClass::Scratch, 36_500)]);
        let ttl_days = |class| Retention::of(class, &days).ttl_s().map(|s| s / 86_400);
        assert_eq!(
            C::ALL.iter().map(|class| ttl_days(*class)).collect::<Vec<_>>(),
            [None, Some(365), Some(90), Some(36_500)]
        );
    }

    #[test]
    fn a_package_is_due_when_its_time_is_over() {
        let finalized_at: Timestamp = "2026-11-20T10:00:02.000Z".parse().expect("a time");
        let due = usual(C::Preview).expires_at(finalized_at).expect("a time");
        assert_eq!(due.to_string(), "2026-12-20T10:00:02.000Z");
        assert_eq!(usual(C::RawEvidence).expires_at(finalized_at), None);
    }

    #[test]
    fn a_class_has_a_time_unless_it_is_evidence() {
        for class in C::ALL {
            assert_eq!(Retention::recorded(*class, class.ttl_s()), Ok(usual(*class)));
            let other = if class.ttl_s().is_some() { None } else { Some(1) };
            assert_eq!(Retention::recorded(*class, other), Err(InvalidRetention));
        }
    }

    #[test]
    fn who_deletes_what() {
        let reason: Reason = "asked for by the customer".parse().expect("a reason");
        for class in C::ALL {
            let by = |role, reason| class.may_be_deleted(role, reason);
            let is_evidence = *class == C::RawEvidence;
            let forbidden = |role| Err(DeleteRefusal::Forbidden { role, class: *class });
            assert_eq!(by(Role::Client, Some(&reason)), forbidden(Role::Client));
            let manager = if is_evidence { forbidden(Role::ProjectManager) } else { Ok(()) };
            assert_eq!([by(Role::ProjectManager, None), by(Role::ProjectManager, Some(&reason))], [manager; 2]);
            for role in [Role::TenantAdmin, Role::GlobalAdmin] {
                let without = if is_evidence { Err(DeleteRefusal::ReasonMissing) } else { Ok(()) };
                assert_eq!((by(role, None), by(role, Some(&reason))), (without, Ok(())));
            }
        }
        let told = "the role 'project_manager' may not delete packages of the class 'raw-evidence': this needs the role \
                    'global_admin' or 'tenant_admin'";
        let refused = C::RawEvidence.may_be_deleted(Role::ProjectManager, None).expect_err("refused");
        assert_eq!(refused.to_string(), told);
    }

    #[test]
    fn who_changes_classes() {
        let role = Role::ProjectManager;
        for from in C::ALL {
            for to in C::ALL {
                let (before, after) = (usual(*from), usual(*to));
                for admin in [Role::TenantAdmin, Role::GlobalAdmin] {
                    assert_eq!(before.may_become(after, admin), Ok(()));
                }
                let forbidden = ClassRefusal::Forbidden { role: Role::Client };
                assert_eq!(before.may_become(after, Role::Client), Err(forbidden));
                let expected = match (from, to) {
                    (C::RawEvidence, _) | (_, C::RawEvidence) => Err(ClassRefusal::Evidence { role }),
                    (C::RenderOutput, C::Preview | C::Scratch) | (C::Preview, C::Scratch) => {
                        Err(ClassRefusal::Shorter { role })
                    }
                    _ => Ok(()),
                };
                assert_eq!(before.may_become(after, role), expected, "{from} {to}");
            }
        }
        let long = Retention::of(C::Preview, &BTreeMap::from([(LimitedClass::Preview, 1_000)]));
        assert_eq!(usual(C::RenderOutput).may_become(long, role), Ok(()), "the times decide");
    }
}
