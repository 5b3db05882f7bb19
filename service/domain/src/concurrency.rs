//! How many tasks of a queue may run at once.

use super::task::QueueName;

/// Limits of a queue: 1 ≤ `min` ≤ `max` ≤ 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    max: i32,
    min: i32,
}

/// Limits that break the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("max_concurrency {max} and min_concurrency {min}: 1 ≤ min ≤ max ≤ {MAX} is needed")]
pub struct InvalidConcurrency {
    /// What was asked for as maximum.
    pub max: i64,
    /// What was asked for as minimum.
    pub min: i64,
}

const MAX: i64 = 64;

impl Concurrency {
    /// Limits, checked.
    ///
    /// # Errors
    ///
    /// [`InvalidConcurrency`] unless 1 ≤ `min` ≤ `max` ≤ 64.
    pub fn new(max: i64, min: i64) -> Result<Self, InvalidConcurrency> {
        let invalid = InvalidConcurrency { max, min };
        if min < 1 || min > max || max > MAX {
            return Err(invalid);
        }
        let narrow = |number| i32::try_from(number).map_err(|_| invalid);
        Ok(Self { max: narrow(max)?, min: narrow(min)? })
    }

    /// What a queue starts with.
    #[must_use]
    pub const fn default_of(queue: QueueName) -> Self {
        match queue {
            QueueName::Render => Self { max: 1, min: 1 },
            QueueName::Convert => Self { max: 8, min: 2 },
            QueueName::Housekeeping => Self { max: 2, min: 1 },
        }
    }

    /// Tasks that run at the same time, at most.
    #[must_use]
    pub const fn max(self) -> i32 {
        self.max
    }

    /// Workers that are kept ready.
    #[must_use]
    pub const fn min(self) -> i32 {
        self.min
    }
}

impl Default for Concurrency {
    /// Limits of a queue for which none are set.
    fn default() -> Self {
        Self { max: 8, min: 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r75_limits_are_checked() {
        for (max, min) in [(1, 2), (0, 0), (8, 0), (65, 1), (65, 65), (-1, -1), (i64::MAX, 1), (1, i64::MIN)] {
            assert_eq!(Concurrency::new(max, min), Err(InvalidConcurrency { max, min }));
        }
        for (max, min) in [(1, 1), (64, 1), (64, 64), (8, 2)] {
            assert_eq!(
                Concurrency::new(max, min).map(|limits| (limits.max(), limits.min())).ok(),
                Some((max as i32, min as i32))
            );
        }
    }

    #[test]
    fn r63_defaults() {
        let limits = |limits: Concurrency| (limits.max(), limits.min());
        assert_eq!(limits(Concurrency::default()), (8, 2));
        assert_eq!(limits(Concurrency::default_of(QueueName::Render)), (1, 1));
        assert_eq!(limits(Concurrency::default_of(QueueName::Convert)), (8, 2));
        assert_eq!(limits(Concurrency::default_of(QueueName::Housekeeping)), (2, 1));
    }
}
