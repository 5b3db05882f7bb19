//! Merge patches (RFC 7396): what a change makes of a member.

/// What a change makes of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays.
    #[default]
    Keep,
    /// It goes back to its default.
    Reset,
    /// It gets this value.
    Set(T),
}

impl<T> Change<T> {
    /// The member after the change.
    pub fn of(self, before: T, default: T) -> T {
        match self {
            Self::Keep => before,
            Self::Reset => default,
            Self::Set(value) => value,
        }
    }

    /// The same of a value that may be missing.
    #[must_use]
    pub fn some(self) -> Change<Option<T>> {
        match self {
            Self::Keep => Change::Keep,
            Self::Reset => Change::Reset,
            Self::Set(value) => Change::Set(Some(value)),
        }
    }
}
