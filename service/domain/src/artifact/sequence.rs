//! Numbers of events.

use std::fmt;

/// The number of an event in its tenant's log: 1, 2, 3 … without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sequence(i64);

impl Sequence {
    /// The first of a log.
    pub const FIRST: Self = Self(1);

    /// The sequence with this number; `None` below 1.
    #[must_use]
    pub const fn new(number: i64) -> Option<Self> {
        if number >= 1 { Some(Self(number)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The one that follows after `last`, and the first after none.
    #[must_use]
    pub const fn after(last: Option<Self>) -> Self {
        match last {
            Some(Self(last)) => Self(last + 1),
            None => Self::FIRST,
        }
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_start_at_1_and_have_no_gaps() {
        assert_eq!((Sequence::new(0), Sequence::new(1)), (None, Some(Sequence::FIRST)));
        let third = Sequence::after(Some(Sequence::after(Some(Sequence::after(None)))));
        assert_eq!((third.get(), third.to_string().as_str()), (3, "3"));
    }
}
