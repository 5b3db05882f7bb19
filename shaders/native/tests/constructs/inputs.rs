//! The inputs of the functions.

use crate::{Case, File};

/// Numbers that are most likely to reveal errors.
const FLOATS: [f32; 24] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    0.1,
    0.999_999_94,
    std::f32::consts::PI,
    -1e-10,
    1e-30,
    -1e30,
    8_388_607.5,
    16_777_217.0,
    2_147_483_520.0,
    2_147_483_648.0,
    -2_147_483_648.0,
    4_294_967_040.0,
    4_294_967_296.0,
    f32::MAX,
    f32::MIN_POSITIVE,
];

/// Integers at the edges of both their types and of shifts.
const INTEGERS: [u32; 14] = [0, 1, 2, 3, 7, 8, 31, 32, 33, 64, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_ffff];

/// A sequence of random numbers (SplitMix64; Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 32) as u32
    }

    /// In [0, 1).
    fn unit(&mut self) -> f32 {
        (self.next() >> 8) as f32 / 16_777_216.0
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.next() as usize % values.len()]
    }
}

/// `n` rows of inputs for all functions of `file`, the words of one function after those of another.
pub(crate) fn rows(file: &File, n: usize) -> Vec<u32> {
    let mut random = Random(n as u64);
    let mut words = Vec::new();
    for _ in 0..n {
        for case in file.cases {
            words.extend(case.inputs.bytes().map(|kind| word(case, kind, &mut random)));
        }
    }
    words
}

fn word(case: &Case, kind: u8, random: &mut Random) -> u32 {
    match kind {
        b'f' => float(case, random).to_bits(),
        b'b' => random.next() & 1,
        _ => match random.next() % 4 {
            0 => random.of(&INTEGERS),
            1 => random.next() & 63,
            2 => (random.next() & 63).wrapping_neg(),
            _ => random.next(),
        },
    }
}

fn float(case: &Case, random: &mut Random) -> f32 {
    match (case.range, random.next() % 4) {
        (range, 0) => match (range, random.of(&FLOATS)) {
            (Some((low, high)), x) => x.clamp(low, high),
            (None, x) => x,
        },
        // Wide ranges of positive numbers are covered evenly in the exponent.
        (Some((low, high)), _) if low > 0.0 && high / low > 1e3 => (low.ln() + random.unit() * (high / low).ln()).exp(),
        (Some((low, high)), _) => low + random.unit() * (high - low),
        (None, 1) => (random.unit() - 0.5) * 200.0,
        (None, _) => {
            let x = f32::from_bits(random.next());
            // Devices may flush subnormal numbers, and need not support infinity and NaN.
            if x.is_normal() { x } else { 0.25 }
        }
    }
}

/// A word for people.
pub(crate) fn show(kind: u8, word: u32) -> String {
    match kind {
        b'f' => format!("{:?}", f32::from_bits(word)),
        b'i' => (word as i32).to_string(),
        b'b' => (word == 1).to_string(),
        _ => word.to_string(),
    }
}
