//! States of a package, and what may follow them (artifacts.md §2).

use crate::words::words;

words! {
    /// State of a package.
    pub enum PackageStatus {
        /// It takes files
        Created = "created",
        /// A manifest describes it, and nothing in it changes any more
        Finalized = "finalized",
        /// Its time was over and nothing needed it: its bytes are gone
        Expired = "expired",
        /// Somebody deleted it, or nobody finalised it: its bytes are gone
        Deleted = "deleted",
    }
}

words! {
    /// What happens to a package.
    pub enum PackageChange {
        /// It takes a file
        Ingest = "ingest",
        /// Its manifest is written
        Finalize = "finalize",
        /// It is kept until it is released
        Hold = "hold",
        /// It is held no longer
        Release = "release",
        /// It gets another retention class
        Reclassify = "reclassify",
        /// It is deleted on purpose
        Delete = "delete",
        /// It was left unfinished for a day
        Abandon = "abandon",
        /// Its time is over, and nothing needs it
        Expire = "expire",
    }
}

/// A change that is impossible in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{change}' is not possible for a package that is {from}")]
pub struct IllegalPackageState {
    /// The state it is in.
    pub from: PackageStatus,
    /// The change.
    pub change: PackageChange,
}

impl PackageStatus {
    /// The state after `change`. Whether somebody may make it, and whether a hold or a reference forbids it, is asked
    /// elsewhere. Deleting what is gone changes nothing.
    ///
    /// # Errors
    ///
    /// [`IllegalPackageState`] when the change is impossible in this state.
    pub const fn next(self, change: PackageChange) -> Result<Self, IllegalPackageState> {
        use PackageChange as C;
        Ok(match (self, change) {
            (Self::Created, C::Ingest | C::Reclassify) => Self::Created,
            (Self::Created, C::Finalize) | (Self::Finalized, C::Hold | C::Release | C::Reclassify) => Self::Finalized,
            (Self::Created, C::Abandon) | (Self::Created | Self::Finalized, C::Delete) => Self::Deleted,
            (Self::Finalized, C::Expire) => Self::Expired,
            (Self::Expired | Self::Deleted, C::Delete) => self,
            _ => return Err(IllegalPackageState { from: self, change }),
        })
    }

    /// Whether its bytes are kept.
    #[must_use]
    pub const fn keeps_bytes(self) -> bool {
        matches!(self, Self::Created | Self::Finalized)
    }
}

#[cfg(test)]
mod tests {
    use super::{PackageChange as C, PackageStatus as S, *};

    /// The table of artifacts.md §2, line by line; `None` where it has 409 or nothing.
    #[test]
    fn states_follow_the_table() {
        let changes = [C::Ingest, C::Finalize, C::Hold, C::Release, C::Reclassify, C::Delete, C::Abandon, C::Expire];
        assert_eq!(changes, C::ALL, "the table is complete");
        let row = |from: S| -> [Option<S>; 8] {
            let (created, finalized, deleted) = (Some(S::Created), Some(S::Finalized), Some(S::Deleted));
            match from {
                S::Created => [created, finalized, None, None, created, deleted, deleted, None],
                S::Finalized => [None, None, finalized, finalized, finalized, deleted, None, Some(S::Expired)],
                S::Expired | S::Deleted => [None, None, None, None, None, Some(from), None, None],
            }
        };
        for from in S::ALL {
            for (change, expected) in changes.into_iter().zip(row(*from)) {
                let illegal = IllegalPackageState { from: *from, change };
                assert_eq!(from.next(change), expected.ok_or(illegal), "{from} {change}");
            }
        }
    }

    #[test]
    fn a_refusal_says_the_state() {
        let refused = S::Finalized.next(C::Ingest).expect_err("it is closed");
        assert_eq!(refused.to_string(), "'ingest' is not possible for a package that is finalized");
    }

    #[test]
    fn bytes_go_with_the_last_two_states() {
        let kept: Vec<&S> = S::ALL.iter().filter(|status| status.keeps_bytes()).collect();
        assert_eq!(kept, [&S::Created, &S::Finalized]);
    }
}
