//! The progress of an attempt that has several works, one after the other: the views of a design, then its turntable.

use packshot_worker::protocol::WorkProgress;

/// Which of an attempt's pictures a work makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Portion {
    /// Those before.
    pub(super) before: u32,
    /// Its own.
    pub(super) own: u32,
    /// Those of all works.
    pub(super) all: u32,
}

impl Portion {
    /// How far the attempt is where the work is as far as it reports. All pictures have the same samples.
    pub(super) fn of_all(self, progress: WorkProgress) -> WorkProgress {
        let WorkProgress { samples_done, samples_target, progress_pct, eta_s } = progress;
        let of_each = samples_target / self.own.max(1);
        let [before, own, all] = [self.before, self.own, self.all.max(1)].map(f64::from);
        let left = own * (1.0 - progress_pct / 100.0);
        let after = all - before - own;
        WorkProgress {
            samples_done: of_each.saturating_mul(self.before).saturating_add(samples_done),
            samples_target: of_each.saturating_mul(self.all),
            progress_pct: (100.0 * before + own * progress_pct) / all,
            eta_s: eta_s.map(|eta_s| if left > 0.0 { eta_s * (left + after) / left } else { eta_s }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d08_d13_the_progress_of_several_works_is_that_of_their_pictures() {
        let half = WorkProgress { samples_done: 300, samples_target: 600, progress_pct: 50.0, eta_s: Some(3.0) };
        let alone = Portion { before: 0, own: 6, all: 6 };
        assert_eq!(alone.of_all(half), half);
        let first = Portion { before: 0, own: 6, all: 24 };
        let of_all = first.of_all(half);
        assert_eq!((of_all.samples_done, of_all.samples_target, of_all.progress_pct), (300, 2400, 12.5));
        assert_eq!(of_all.eta_s, Some(21.0), "three pictures in 3 s, and 21 of the 24 are left");
        let second = Portion { before: 6, own: 18, all: 24 };
        let of_all = second.of_all(WorkProgress { samples_done: 900, samples_target: 1800, ..half });
        assert_eq!((of_all.samples_done, of_all.samples_target, of_all.progress_pct), (1500, 2400, 62.5));
        assert_eq!(of_all.eta_s, Some(3.0));
    }
}
