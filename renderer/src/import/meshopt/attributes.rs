//! Mode 0: elements as differences of their bytes, byte position by byte position, in groups of 16 elements.

use super::{ENDS_EARLY, Stream};

/// Elements per group.
const GROUP: usize = 16;
/// Most elements of a block.
const BLOCK_MAX: usize = 256;

/// Bits of a packed difference, selected by the two header bits of its group: version 0, then the two packing modes of
/// version 1.
const GROUP_BITS: [[u8; 4]; 3] = [[0, 2, 4, 8], [0, 1, 2, 4], [1, 2, 4, 8]];

/// How a channel of four bytes becomes values.
#[derive(Clone, Copy)]
enum Channel {
    Bytes,
    Words,
    /// After the encoder rotated the difference to the left by this many bits.
    Xor(u32),
}

pub(super) fn decode(bytes: &[u8], count: usize, stride: usize) -> Result<Vec<u8>, &'static str> {
    let channel_count = stride / 4;
    let tail_used = |header: u8| stride + if header == 0xA1 { channel_count } else { 0 };
    let tail_length = |header: u8| tail_used(header).max(if header == 0xA1 { 24 } else { 32 });
    let (mut stream, header, tail) = Stream::new(bytes, |header| matches!(header, 0xA0 | 0xA1), tail_length)?;
    // Padding precedes the part of the tail that is used.
    let tail = &tail[tail.len() - tail_used(header)..];
    let (baseline, modes) = tail.split_at(stride);
    let channels: Vec<Channel> = match header {
        0xA0 => vec![Channel::Bytes; channel_count],
        _ => modes.iter().map(|&mode| channel(mode)).collect::<Result<_, _>>()?,
    };
    let mut previous = baseline.to_vec();
    let block_max = ((8192 / stride) & !(GROUP - 1)).min(BLOCK_MAX);
    let mut elements = Vec::new();
    let mut deltas = vec![0; stride * BLOCK_MAX];
    let mut left = count;
    while left > 0 {
        let block = left.min(block_max);
        let control = match header {
            0xA0 => None,
            _ => Some(stream.take(channel_count)?),
        };
        for (at, deltas) in deltas.chunks_exact_mut(BLOCK_MAX).enumerate() {
            let control = control.map(|control| control[at / 4] >> (at % 4 * 2) & 3);
            unpack(&mut stream, control, block, deltas)?;
        }
        let begin = elements.len();
        elements.resize(begin + block * stride, 0);
        for (at, channel) in channels.iter().enumerate() {
            let lanes = &deltas[at * 4 * BLOCK_MAX..(at + 1) * 4 * BLOCK_MAX];
            let previous = &mut previous[at * 4..at * 4 + 4];
            integrate(*channel, lanes, previous, &mut elements[begin..], stride, at * 4);
        }
        left -= block;
    }
    stream.finish()?;
    Ok(elements)
}

fn channel(mode: u8) -> Result<Channel, &'static str> {
    match (mode & 15, mode >> 4) {
        (0, 0) => Ok(Channel::Bytes),
        (1, 0) => Ok(Channel::Words),
        (2, rotation) => Ok(Channel::Xor(u32::from(rotation))),
        _ => Err("the compressed data has an unknown channel mode"),
    }
}

/// The differences of one byte position of a block.
fn unpack(stream: &mut Stream<'_>, control: Option<u8>, block: usize, deltas: &mut [u8]) -> Result<(), &'static str> {
    let bits = match control {
        None => &GROUP_BITS[0],
        Some(0) => &GROUP_BITS[1],
        Some(1) => &GROUP_BITS[2],
        Some(2) => {
            deltas.fill(0);
            return Ok(());
        }
        Some(_) => {
            deltas[..block].copy_from_slice(stream.take(block)?);
            return Ok(());
        }
    };
    let group_count = block.div_ceil(GROUP);
    let header = stream.take(group_count.div_ceil(4))?;
    for (group, deltas) in deltas.chunks_exact_mut(GROUP).take(group_count).enumerate() {
        let bits = bits[usize::from(header[group / 4] >> (group % 4 * 2) & 3)];
        match bits {
            0 => deltas.fill(0),
            8 => deltas.copy_from_slice(stream.take(GROUP)?),
            _ => unpack_bits(stream, bits, deltas)?,
        }
    }
    Ok(())
}

/// Differences with few bits; if all of these are 1, the difference follows as a byte.
fn unpack_bits(stream: &mut Stream<'_>, bits: u8, deltas: &mut [u8]) -> Result<(), &'static str> {
    let packed = stream.take(GROUP * usize::from(bits) / 8)?;
    let sentinel = (1 << bits) - 1;
    let per_byte = 8 / usize::from(bits);
    for (at, delta) in deltas.iter_mut().enumerate() {
        // Single bits start at the lowest, wider fields at the highest.
        let place = match bits {
            1 => at % per_byte,
            _ => usize::from(bits) * (per_byte - 1 - at % per_byte),
        };
        let value = packed.get(at / per_byte).ok_or(ENDS_EARLY)? >> place & sentinel;
        *delta = if value == sentinel { stream.byte()? } else { value };
    }
    Ok(())
}

/// Accumulates the differences of a channel. `lanes` holds them for each of its four bytes.
fn integrate(channel: Channel, lanes: &[u8], previous: &mut [u8], elements: &mut [u8], stride: usize, offset: usize) {
    for (at, element) in elements.chunks_exact_mut(stride).enumerate() {
        let delta: [u8; 4] = std::array::from_fn(|byte| lanes[byte * BLOCK_MAX + at]);
        let value: [u8; 4] = match channel {
            Channel::Bytes => std::array::from_fn(|byte| {
                let delta = delta[byte];
                previous[byte].wrapping_add((delta >> 1) ^ (delta & 1).wrapping_neg())
            }),
            Channel::Words => {
                let word = |low: usize| {
                    let delta = u16::from_le_bytes([delta[low], delta[low + 1]]);
                    let previous = u16::from_le_bytes([previous[low], previous[low + 1]]);
                    previous.wrapping_add((delta >> 1) ^ (delta & 1).wrapping_neg()).to_le_bytes()
                };
                let ([a, b], [c, d]) = (word(0), word(2));
                [a, b, c, d]
            }
            Channel::Xor(rotation) => {
                let previous = u32::from_le_bytes([previous[0], previous[1], previous[2], previous[3]]);
                (u32::from_le_bytes(delta).rotate_right(rotation) ^ previous).to_le_bytes()
            }
        };
        previous.copy_from_slice(&value);
        element[offset..offset + 4].copy_from_slice(&value);
    }
}
