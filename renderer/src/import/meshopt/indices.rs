//! Modes 1 and 2: triangles by the edges and vertices they share with recent ones, and sequences of indices.

use super::{ENDS_EARLY, Stream};

/// Entries of each history.
const HISTORY: usize = 16;
const UNSEEN: &str = "the compressed data refers to an edge or vertex before the first";

/// The last entries pushed; 0 is the newest.
struct Fifo<T> {
    entries: [T; HISTORY],
    next: usize,
    filled: usize,
}

impl<T: Copy + Default> Fifo<T> {
    fn new() -> Self {
        Self { entries: [T::default(); HISTORY], next: 0, filled: 0 }
    }

    fn push(&mut self, entry: T) {
        self.entries[self.next] = entry;
        self.next = (self.next + 1) % HISTORY;
        self.filled = (self.filled + 1).min(HISTORY);
    }

    fn get(&self, age: usize) -> Result<T, &'static str> {
        if age < self.filled { Ok(self.entries[(self.next + HISTORY - 1 - age) % HISTORY]) } else { Err(UNSEEN) }
    }
}

struct Triangles<'b> {
    stream: Stream<'b>,
    /// The lowest index that has not occurred yet.
    next: u32,
    /// The last index that was stored explicitly.
    last: u32,
    edges: Fifo<[u32; 2]>,
    vertices: Fifo<u32>,
}

/// A sequence of `count` indices, a multiple of 3, as little-endian integers of `size` bytes.
pub(super) fn decode_triangles(bytes: &[u8], count: usize, size: usize) -> Result<Vec<u8>, &'static str> {
    let (mut stream, _, table) = Stream::new(bytes, |header| header == 0xE1, |_| 16)?;
    let is_sound = |&entry: &u8| entry & 15 != 15 && entry >> 4 != 15;
    if table[14..] != [0, 0] || !table.iter().all(is_sound) {
        return Err("the table of the compressed triangles is wrong");
    }
    let codes = stream.take(count / 3)?;
    let mut state = Triangles { stream, next: 0, last: 0, edges: Fifo::new(), vertices: Fifo::new() };
    let mut indices = Vec::with_capacity(count * size);
    for &code in codes {
        for index in state.triangle(code, table)? {
            indices.extend(&index.to_le_bytes()[..size]);
        }
    }
    state.stream.finish()?;
    Ok(indices)
}

impl Triangles<'_> {
    fn triangle(&mut self, code: u8, table: &[u8]) -> Result<[u32; 3], &'static str> {
        let (high, low) = (code >> 4, code & 15);
        if high < 15 {
            let [a, b] = self.edges.get(usize::from(high))?;
            let c = match low {
                0 => self.unique(),
                1..13 => self.vertices.get(usize::from(low))?,
                13 => self.last.wrapping_sub(1),
                14 => self.last.wrapping_add(1),
                _ => self.stored()?,
            };
            if matches!(low, 13 | 14) {
                self.last = c;
            }
            self.edges.push([c, b]);
            self.edges.push([a, c]);
            if !matches!(low, 1..13) {
                self.vertices.push(c);
            }
            return Ok([a, b, c]);
        }
        let (a, pair) = if low < 14 {
            (self.unique(), *table.get(usize::from(low)).ok_or(ENDS_EARLY)?)
        } else {
            let pair = self.stream.byte()?;
            if pair == 0 {
                self.next = 0;
            }
            (if low == 14 { self.unique() } else { self.stored()? }, pair)
        };
        let b = self.corner(pair >> 4)?;
        let c = self.corner(pair & 15)?;
        self.edges.push([b, a]);
        self.edges.push([c, b]);
        self.edges.push([a, c]);
        self.vertices.push(a);
        if matches!(pair >> 4, 0 | 15) {
            self.vertices.push(b);
        }
        if matches!(pair & 15, 0 | 15) {
            self.vertices.push(c);
        }
        Ok([a, b, c])
    }

    fn corner(&mut self, kind: u8) -> Result<u32, &'static str> {
        match kind {
            0 => Ok(self.unique()),
            15 => self.stored(),
            _ => self.vertices.get(usize::from(kind) - 1),
        }
    }

    fn unique(&mut self) -> u32 {
        let index = self.next;
        self.next = self.next.wrapping_add(1);
        index
    }

    fn stored(&mut self) -> Result<u32, &'static str> {
        let delta = self.stream.varint()?;
        self.last = self.last.wrapping_add((delta >> 1) ^ (delta & 1).wrapping_neg());
        Ok(self.last)
    }
}

/// A sequence of `count` indices as little-endian integers of `size` bytes, each stored as a difference from one of two
/// others.
pub(super) fn decode_sequence(bytes: &[u8], count: usize, size: usize) -> Result<Vec<u8>, &'static str> {
    let (mut stream, ..) = Stream::new(bytes, |header| header == 0xD1, |_| 4)?;
    // Every index takes at least one byte.
    if count > stream.rest.len() {
        return Err(ENDS_EARLY);
    }
    let mut indices = Vec::with_capacity(count * size);
    let mut last = [0_u32; 2];
    for _ in 0..count {
        let stored = stream.varint()?;
        let last = &mut last[(stored & 1) as usize];
        *last = last.wrapping_add((stored >> 2) ^ (stored >> 1 & 1).wrapping_neg());
        indices.extend(&last.to_le_bytes()[..size]);
    }
    stream.finish()?;
    Ok(indices)
}
