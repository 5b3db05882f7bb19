//! The order of runs, and what is made of their times.
//!
//! In every second round the order is reversed (A-B-C, C-B-A), so that a machine that becomes slower or faster
//! meanwhile does so for all. Ratios are of runs of the same round.

use serde::Serialize;

/// The indices of `n` renderers in the order of a round.
pub fn order(n: usize, round: u32) -> Vec<usize> {
    let forward = 0..n;
    if round.is_multiple_of(2) { forward.collect() } else { forward.rev().collect() }
}

/// Several measurements of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one, or the mean of both in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// How many there are.
    pub n: usize,
}

impl Spread {
    /// Of some measurements; `None` where there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let (min, max) = (*values.first()?, *values.last()?);
        Some(Self { median: 0.5 * (values[(n - 1) / 2] + values[n / 2]), min, max, n })
    }

    /// How many times faster `mine` are than `base`, by the times of the same rounds; `None` in place of a time: that
    /// run failed.
    pub fn times_faster(base: &[Option<f64>], mine: &[Option<f64>]) -> Option<Self> {
        Self::of(base.iter().zip(mine).filter_map(|(base, mine)| Some((*base)? / (*mine)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_round_is_reversed() {
        assert_eq!((order(3, 0), order(3, 1), order(3, 2)), (vec![0, 1, 2], vec![2, 1, 0], vec![0, 1, 2]));
    }

    #[test]
    fn a_spread_has_the_median_of_odd_and_even_counts() {
        let of = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0, n: 3 }));
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]).map(|spread| spread.median), Some(2.5));
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        // The machine halves its speed after the first round: the ratio does not notice.
        let (base, mine) = ([Some(4.0), Some(8.0), None], [Some(2.0), Some(4.0), Some(1.0)]);
        assert_eq!(Spread::times_faster(&base, &mine), Some(Spread { median: 2.0, min: 2.0, max: 2.0, n: 2 }));
    }
}
