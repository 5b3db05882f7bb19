//! UASTC LDR 4x4: blocks of 16 bytes in one of 19 modes, each a form of ASTC with simpler packing.
//!
//! A block consists of the mode's prefix code; hints for transcoders, which are skipped; the partition, or the channel
//! of a second plane; the endpoints of each subset; and a weight per texel and plane (UASTC LDR 4x4 texture
//! specification; interpolation as in ASTC, Khronos Data Format specification 1.3).

use super::Fault;

/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 16;

const BROKEN: Fault = "a block of the UASTC data has an unknown mode";

/// The mode in which all texels have one colour.
const SOLID: usize = 8;

/// How the blocks of a mode are laid out.
struct Mode {
    /// Prefix code, read lowest bit first, and its length.
    code: (u8, u8),
    hint_bits: u8,
    subsets: u8,
    planes: u8,
    /// 2 for luminance and alpha, 3 for colour, 4 for both.
    channels: u8,
    weight_bits: u8,
    endpoint: Range,
}

/// The quantisation of stored endpoints: a digit in base 1, 3 or 5, and this many bits below it.
#[derive(Clone, Copy)]
struct Range {
    /// 1 for bits alone, 3 for trits, 5 for quints.
    base: u8,
    bits: u8,
}

const fn mode(
    code: (u8, u8),
    hint_bits: u8,
    [subsets, planes, channels]: [u8; 3],
    weight_bits: u8,
    (base, bits): (u8, u8),
) -> Mode {
    Mode { code, hint_bits, subsets, planes, channels, weight_bits, endpoint: Range { base, bits } }
}

const MODES: [Mode; 19] = [
    mode((0x01, 4), 15, [1, 1, 3], 4, (3, 6)),
    mode((0x35, 6), 15, [1, 1, 3], 2, (1, 8)),
    mode((0x1D, 5), 15, [2, 1, 3], 3, (1, 4)),
    mode((0x03, 5), 15, [3, 1, 3], 2, (3, 2)),
    mode((0x13, 5), 15, [2, 1, 3], 2, (5, 3)),
    mode((0x0B, 5), 15, [1, 1, 3], 3, (1, 8)),
    mode((0x1B, 5), 15, [1, 2, 3], 2, (5, 5)),
    mode((0x07, 5), 15, [2, 1, 3], 2, (5, 3)),
    mode((0x17, 5), 0, [1, 0, 4], 0, (1, 8)),
    mode((0x0F, 5), 23, [2, 1, 4], 2, (1, 4)),
    mode((0x02, 3), 17, [1, 1, 4], 4, (3, 4)),
    mode((0x00, 2), 17, [1, 2, 4], 2, (3, 4)),
    mode((0x06, 3), 17, [1, 1, 4], 3, (3, 6)),
    mode((0x1F, 5), 23, [1, 2, 4], 1, (1, 8)),
    mode((0x0D, 5), 23, [1, 1, 4], 2, (1, 8)),
    mode((0x05, 7), 23, [1, 1, 2], 4, (1, 8)),
    mode((0x15, 6), 23, [2, 1, 2], 2, (1, 8)),
    mode((0x25, 6), 23, [1, 2, 2], 2, (1, 8)),
    mode((0x09, 4), 15, [1, 1, 3], 5, (1, 5)),
];

/// Patterns of two subsets that ASTC and BC7 share: a bit per texel, 1 for the second.
const PATTERNS_2: [u16; 30] = [
    0xCCCC, 0x8888, 0x1111, 0xECC8, 0x377F, 0xFEEC, 0x0137, 0x137F, 0xC800, 0x0013, 0xFE80, 0x17FF, 0x0017, 0x00FF,
    0xFFF0, 0x0FFF, 0xFF71, 0x8EFF, 0x08CE, 0x008C, 0x7310, 0xCEFF, 0x7331, 0x088C, 0xCEEF, 0x6666, 0xF00F, 0x5555,
    0x0F0F, 0x36C9,
];

/// Patterns of two subsets in mode 7, which come from patterns of three in BC7.
const PATTERNS_2_OF_3: [u16; 19] = [
    0x00F0, 0x4444, 0x0133, 0xCC80, 0xF0FF, 0x2222, 0xFFC8, 0xCCCE, 0x3C03, 0x00EE, 0x7700, 0x3003, 0x00CE, 0xFF80,
    0x6FFF, 0x1333, 0x11FF, 0x136C, 0x00EF,
];

/// Patterns of three subsets: the texels of the second subset and of the third.
const PATTERNS_3: [[u16; 2]; 11] = [
    [0x3300, 0xCC00],
    [0x00FF, 0xF000],
    [0x000F, 0xF000],
    [0x000F, 0x00F0],
    [0x3333, 0x4444],
    [0x6666, 0x8888],
    [0xCCCC, 0x2222],
    [0xEE00, 0x1111],
    [0x4444, 0x9999],
    [0xF00F, 0x0F00],
    [0x0CC0, 0xC00C],
];

/// The bits of a block, from the lowest up.
struct Bits(u128);

impl Bits {
    fn take(&mut self, count: u8) -> u32 {
        let bits = (self.0 & ((1 << count) - 1)) as u32;
        self.0 >>= count;
        bits
    }
}

/// The texels of a block, row by row.
pub(super) fn decode(block: &[u8; BLOCK_BYTES], is_srgb: bool) -> Result<[[u8; 4]; 16], Fault> {
    let mut bits = Bits(u128::from_le_bytes(*block));
    let is_mode = |mode: &Mode| bits.0 as u8 & ((1_u16 << mode.code.1) - 1) as u8 == mode.code.0;
    let mode_idx = MODES.iter().position(is_mode).ok_or(BROKEN)?;
    let mode = &MODES[mode_idx];
    bits.take(mode.code.1);
    if mode_idx == SOLID {
        let color = std::array::from_fn(|_| bits.take(8) as u8);
        return Ok([color; 16]);
    }
    bits.take(mode.hint_bits);
    let subset_of = subsets(mode_idx, &mut bits)?;
    // The channel of the second plane; for luminance and alpha it is alpha.
    let second_channel = match (mode.planes, mode.channels) {
        (2, 2) => Some(3),
        (2, _) => Some(bits.take(2) as usize),
        _ => None,
    };
    let endpoints = endpoints(mode, &mut bits);
    let weights = weights(mode, &subset_of, &mut bits);
    let mut texels = [[0; 4]; 16];
    for (at, texel) in texels.iter_mut().enumerate() {
        let [low, high] = endpoints[usize::from(subset_of[at])];
        for (channel, value) in texel.iter_mut().enumerate() {
            let weight = weights[at][usize::from(second_channel == Some(channel))];
            *value = interpolated(low[channel], high[channel], weight, is_srgb && channel < 3);
        }
    }
    Ok(texels)
}

/// Which subset each texel belongs to.
fn subsets(mode_idx: usize, bits: &mut Bits) -> Result<[u8; 16], Fault> {
    let of_two = |pattern: Option<&u16>| {
        let pattern = *pattern.ok_or(BROKEN)?;
        Ok(std::array::from_fn(|texel| (pattern >> texel & 1) as u8))
    };
    match (mode_idx, MODES[mode_idx].subsets) {
        (_, 1) => Ok([0; 16]),
        (7, _) => of_two(PATTERNS_2_OF_3.get(bits.take(5) as usize)),
        (_, 2) => of_two(PATTERNS_2.get(bits.take(5) as usize)),
        _ => {
            let [second, third] = *PATTERNS_3.get(bits.take(4) as usize).ok_or(BROKEN)?;
            Ok(std::array::from_fn(|texel| (second >> texel & 1) as u8 + 2 * (third >> texel & 1) as u8))
        }
    }
}

/// Both endpoints of each subset.
fn endpoints(mode: &Mode, bits: &mut Bits) -> [[[u8; 4]; 2]; 3] {
    let Range { base, bits: low_bits } = mode.endpoint;
    let value_count = usize::from(2 * mode.channels * mode.subsets);
    let mut digits = [0; 18];
    // Five trits share eight bits, three quints seven; the last group has only the bits it needs.
    let (per_group, group_bits): (usize, &[u8]) = match base {
        3 => (5, &[0, 2, 4, 5, 7, 8]),
        _ => (3, &[0, 3, 5, 7]),
    };
    if base > 1 {
        for group in digits[..value_count].chunks_mut(per_group) {
            let mut packed = bits.take(group_bits[group.len()]);
            for digit in group {
                *digit = packed % u32::from(base);
                packed /= u32::from(base);
            }
        }
    }
    let mut values = digits[..value_count].iter().map(|&digit| expanded(mode.endpoint, digit, bits.take(low_bits)));
    let mut endpoints = [[[0, 0, 0, 255]; 2]; 3];
    for subset in &mut endpoints[..usize::from(mode.subsets)] {
        let mut pair = || [values.next().unwrap_or_default(), values.next().unwrap_or_default()];
        let mut set = |channels: &[usize]| {
            for (end, value) in subset.iter_mut().zip(pair()) {
                channels.iter().for_each(|&channel| end[channel] = value);
            }
        };
        match mode.channels {
            2 => [&[0, 1, 2][..], &[3]].into_iter().for_each(&mut set),
            3 => [&[0][..], &[1], &[2]].into_iter().for_each(&mut set),
            _ => [&[0][..], &[1], &[2], &[3]].into_iter().for_each(&mut set),
        }
    }
    endpoints
}

/// A stored integer as 8 bits (ASTC, "Endpoint unquantization").
fn expanded(Range { base, bits }: Range, digit: u32, low: u32) -> u8 {
    // The factor for the digit, and the bits above the lowest in a pattern of 9.
    let (factor, pattern) = match (base, bits) {
        (1, 4) => return (low * 0x11) as u8,
        (1, 5) => return (low << 3 | low >> 2) as u8,
        (1, _) => return low as u8,
        (3, 2) => (93, (low >> 1) * 0b1_0001_0110),
        (3, 4) => (22, (low >> 1) * 0b100_0001),
        (3, _) => (5, (low >> 1) << 4 | low >> 5),
        (5, 3) => (26, ((low >> 1) * 0b1000_0010) | low >> 2),
        _ => (6, (low >> 1) << 5 | low >> 4),
    };
    let flip = if low & 1 == 1 { 0x1FF } else { 0 };
    let value = (digit * factor + pattern) ^ flip;
    (flip & 0x80 | value >> 2) as u8
}

/// The weights of each texel in each plane, 0 to 64. The first texel of a subset lacks its highest bit, which is 0.
fn weights(mode: &Mode, subset_of: &[u8; 16], bits: &mut Bits) -> [[u32; 2]; 16] {
    let mut seen = [false; 3];
    let mut weights = [[0; 2]; 16];
    for (weights, &subset) in weights.iter_mut().zip(subset_of) {
        let is_anchor = !std::mem::replace(&mut seen[usize::from(subset)], true);
        for weight in &mut weights[..usize::from(mode.planes)] {
            let stored = bits.take(mode.weight_bits - u8::from(is_anchor));
            // Replicated to six bits, with 64 in place of 63.
            let six = match mode.weight_bits {
                1 => stored * 0b11_1111,
                2 => stored * 0b01_0101,
                3 => stored * 0b00_1001,
                4 => stored << 2 | stored >> 2,
                _ => stored << 1 | stored >> 4,
            };
            *weight = six + u32::from(six > 32);
        }
    }
    weights
}

/// Interpolates between two endpoints in 16 bits, like ASTC decoders, and converts back to 8.
fn interpolated(low: u8, high: u8, weight: u32, is_srgb: bool) -> u8 {
    let wide = |value: u8| u32::from(value) << 8 | if is_srgb { 0x80 } else { u32::from(value) };
    ((wide(low) * (64 - weight) + wide(high) * weight + 32) >> 6 >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_all_modes_apart() {
        // No code is a prefix of another, and all but one of the 128 values of the lowest seven bits have a mode.
        let matching =
            |low: u8| MODES.iter().filter(|mode| low & ((1_u16 << mode.code.1) - 1) as u8 == mode.code.0).count();
        let unknown: Vec<u8> = (0..128).filter(|&low| matching(low) == 0).collect();
        assert_eq!(unknown, [0x45]);
        assert!((0..128).all(|low| matching(low) <= 1));
    }

    #[test]
    fn blocks_fill_their_bits() {
        // Endpoints and weights of every mode fit 128 bits; mode 1 leaves the most bits unused.
        for (idx, mode) in MODES.iter().enumerate().filter(|(idx, _)| *idx != SOLID) {
            let values = u32::from(2 * mode.channels * mode.subsets);
            let digits = match mode.endpoint.base {
                3 => values / 5 * 8 + [0, 2, 4, 5, 7][values as usize % 5],
                5 => values / 3 * 7 + [0, 3, 5][values as usize % 3],
                _ => 0,
            };
            let choice = match (mode.subsets, mode.planes, mode.channels) {
                (2, ..) => 5,
                (3, ..) => 4,
                (_, 2, 3 | 4) => 2,
                _ => 0,
            };
            let weights = 16 * u32::from(mode.weight_bits) - u32::from(mode.subsets);
            let total = u32::from(mode.code.1 + mode.hint_bits)
                + choice
                + digits
                + values * u32::from(mode.endpoint.bits)
                + weights * u32::from(mode.planes);
            assert!((100..=128).contains(&total), "mode {idx}: {total} bits");
        }
    }

    #[test]
    fn ranges_reach_from_0_to_255() {
        for mode in &MODES {
            let Range { base, bits } = mode.endpoint;
            let all = (0..u32::from(base)).flat_map(|digit| (0..1 << bits).map(move |low| (digit, low)));
            let mut values: Vec<u8> = all.map(|(digit, low)| expanded(mode.endpoint, digit, low)).collect();
            values.sort_unstable();
            values.dedup();
            assert_eq!(values.len(), usize::from(base) << bits, "every integer has a value of its own");
            assert_eq!((values[0], values[values.len() - 1]), (0, 255));
        }
    }
}
