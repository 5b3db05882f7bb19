//! How evenly the random numbers of paths are distributed.

use glam::UVec2;
use packshot_native::stages::baseline::{draw_pair, draw_pair_beside, draw_third, rank_in_block, step_point};
use packshot_shaders::constants::{DRAW_BSDF, DRAW_PIXEL, SET_SCATTERING};

/// All coordinates of a set: a pair for scattered directions, a third for the choice of a lobe, and another pair for
/// the position in the pixel.
fn point(seed: u32, sample: u32) -> [f32; 5] {
    let set = step_point(seed, sample, 0, SET_SCATTERING);
    let (pair, beside) = (draw_pair(set, DRAW_BSDF), draw_pair_beside(set, DRAW_PIXEL));
    [pair.x, pair.y, draw_third(set, DRAW_BSDF), beside.x, beside.y]
}

/// Whether every box of volume 2^t / n, of sides that are powers of two, has 2^t of the n points; n = 2^m.
fn is_even(points: &[[f32; 5]], coordinates: &[usize], t: u32) -> bool {
    let m = points.len().ilog2();
    let mut splits = vec![(Vec::new(), m - t)];
    for _ in 1..coordinates.len() {
        splits = splits
            .into_iter()
            .flat_map(|(done, left)| (0..=left).map(move |k| ([&done[..], &[k]].concat(), left - k)))
            .collect();
    }
    splits.into_iter().all(|(mut halvings, left): (Vec<u32>, u32)| {
        halvings.push(left);
        let mut n_in = vec![0_u32; 1 << (m - t)];
        for point in points {
            let place = coordinates
                .iter()
                .zip(&halvings)
                .fold(0, |place, (&c, &k)| (place << k) | (point[c] * (1_u32 << k) as f32) as usize);
            n_in[place] += 1;
        }
        n_in.iter().all(|&n| n == 1 << t)
    })
}

/// The smallest t for which [`is_even`] holds for the points of several parts of several sequences.
fn quality(coordinates: &[usize], m: u32) -> u32 {
    let parts: Vec<Vec<[f32; 5]>> = [(1, 0), (2, 5), (3, 11)]
        .map(|(seed, part)| (part << m..(part + 1) << m).map(|sample| point(seed, sample)).collect())
        .into();
    (0..=m).find(|&t| parts.iter().all(|points| is_even(points, coordinates, t))).unwrap()
}

const PAIR: [usize; 2] = [0, 1];
const BESIDE: [usize; 2] = [3, 4];

#[test]
fn pairs_are_0_2_sequences_and_with_the_third_a_1_3_sequence() {
    for m in 1..=12 {
        assert_eq!(quality(&PAIR, m), 0, "2^{m} points");
        assert_eq!(quality(&BESIDE, m), 0, "2^{m} points");
        assert_eq!(quality(&[0, 1, 2], m), u32::from(m > 1), "2^{m} points");
    }
}

#[test]
fn places_in_the_pixel_go_well_with_scattered_directions() {
    // The ranks of generator matrices. Sobol's first five coordinates have 1 2 2 2 2 2 3 3 2 2 3 and 1 2 2 2 3 3 3 3
    // 3 4 4, with the pair of directions less even than a (0, 2)-sequence.
    let of_four = [1, 2, 1, 2, 2, 2, 2, 3, 3, 3, 3];
    let of_five = [1, 2, 1, 2, 2, 3, 3, 3, 3, 4, 4];
    for (m, (four, five)) in (2..).zip(of_four.into_iter().zip(of_five)) {
        assert_eq!(quality(&[0, 1, 3, 4], m), four, "2^{m} points");
        assert_eq!(quality(&[0, 1, 2, 3, 4], m), five, "2^{m} points");
    }
}

#[test]
fn squares_of_pixels_take_parts_that_belong_together() {
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..400 {
        let rank = |x, y| rank_in_block(seed, UVec2::new(x, y));
        for side_px in [1, 2, 4, 8, 16_u32] {
            let n_squares = 16 / side_px;
            let mut parts: Vec<u32> = (0..n_squares * n_squares)
                .map(|square| {
                    let (x, y) = (square % n_squares * side_px, square / n_squares * side_px);
                    let mut ranks: Vec<u32> =
                        (0..side_px * side_px).map(|i| rank(x + i % side_px, y + i / side_px)).collect();
                    ranks.sort_unstable();
                    assert!(ranks[0].is_multiple_of(side_px * side_px) && ranks.windows(2).all(|w| w[1] == w[0] + 1));
                    ranks[0]
                })
                .collect();
            parts.sort_unstable();
            assert!(parts.windows(2).all(|w| w[0] < w[1]), "two squares of {side_px} px use the same samples");
        }
        orders.insert([rank(0, 0), rank(15, 0), rank(0, 15), rank(15, 15)].map(|rank| rank / 64));
    }
    assert_eq!(orders.len(), 24, "orders of the four largest squares");
}
