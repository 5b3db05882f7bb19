//! ETC1S with BasisLZ: blocks that refer to an entry of a colour codebook and one of a pattern codebook (KTX 2.0,
//! appendix "BasisLZ/ETC1S Bitstream Specification").

use super::bits::{Bits, Huffman};
use super::{Fault, TRUNCATED};

const OUT_OF_RANGE: Fault = "the BasisLZ data names an entry that its codebooks do not have";

/// What each of a texel's four selector values adds to the base colour, for each of the eight intensities (Khronos Data
/// Format specification, section "ETC1").
const MODIFIERS: [[i32; 4]; 8] = [
    [-8, -2, 2, 8],
    [-17, -5, 5, 17],
    [-29, -9, 9, 29],
    [-42, -13, 13, 42],
    [-60, -18, 18, 60],
    [-80, -24, 24, 80],
    [-106, -33, 33, 106],
    [-183, -47, 47, 183],
];

/// A base colour with 5 bits per channel, and an intensity.
#[derive(Clone, Copy, Default)]
struct Endpoint {
    color: [u8; 3],
    intensity: u8,
}

/// Two bits per texel, row by row, the left texel in the lowest bits.
type Selector = [u8; 4];

/// The slices of a picture, and the codebooks they refer to.
pub(super) struct Slices<'b> {
    endpoints: Vec<Endpoint>,
    selectors: Vec<Selector>,
    tables: Tables,
    rgb: &'b [u8],
    alpha: Option<&'b [u8]>,
}

/// The Huffman tables of a slice.
struct Tables {
    prediction: Huffman,
    endpoint_delta: Huffman,
    selector: Huffman,
    run_length: Huffman,
    history_length: usize,
}

/// Decoded blocks.
pub(super) struct Blocks {
    endpoints: Vec<Endpoint>,
    selectors: Vec<Selector>,
    rgb: Vec<(u16, u16)>,
    alpha: Option<Vec<(u16, u16)>>,
}

impl<'b> Slices<'b> {
    /// Reads the global data of a file with this many images; `level` holds the first.
    pub(super) fn read(global: &'b [u8], image_count: usize, level: &'b [u8], has_alpha: bool) -> Result<Self, Fault> {
        let word = |at: usize| Some(u32::from_le_bytes(*global.get(at..)?.first_chunk()?) as usize);
        let half = |at: usize| Some(usize::from(u16::from_le_bytes(*global.get(at..)?.first_chunk()?)));
        let (endpoint_count, selector_count) = (half(0).ok_or(TRUNCATED)?, half(2).ok_or(TRUNCATED)?);
        let lengths = [4, 8, 12].map(word);
        let [Some(endpoint_bytes), Some(selector_bytes), Some(table_bytes)] = lengths else { return Err(TRUNCATED) };
        // For the first image: flags, then offset and length of the colour slice and of the alpha slice.
        let image = [20, 24, 28, 32, 36].map(word);
        let [Some(flags), Some(rgb_begin), Some(rgb_bytes), Some(alpha_begin), Some(alpha_bytes)] = image else {
            return Err(TRUNCATED);
        };
        if flags & 2 != 0 {
            return Err("the KTX file begins in the middle of a video");
        }
        let slice = |begin: usize, length: usize| level.get(begin..begin.checked_add(length)?);
        let rgb = slice(rgb_begin, rgb_bytes).ok_or(TRUNCATED)?;
        let alpha = has_alpha.then(|| slice(alpha_begin, alpha_bytes).ok_or(TRUNCATED)).transpose()?;

        let mut rest = global.get(20 + 20 * image_count..).ok_or(TRUNCATED)?;
        let mut section = |length: usize| -> Result<&'b [u8], Fault> {
            let (section, after) = rest.split_at_checked(length).ok_or(TRUNCATED)?;
            rest = after;
            Ok(section)
        };
        Ok(Self {
            endpoints: read_endpoints(section(endpoint_bytes)?, endpoint_count)?,
            selectors: read_selectors(section(selector_bytes)?, selector_count)?,
            tables: Tables::read(section(table_bytes)?)?,
            rgb,
            alpha,
        })
    }

    /// Decodes the slices of a picture of this many blocks.
    pub(super) fn decode(self, columns: usize, rows: usize) -> Result<Blocks, Fault> {
        let rgb = self.decode_slice(self.rgb, columns, rows)?;
        let alpha = self.alpha.map(|alpha| self.decode_slice(alpha, columns, rows)).transpose()?;
        Ok(Blocks { endpoints: self.endpoints, selectors: self.selectors, rgb, alpha })
    }

    /// Per block, its endpoint and its selector, both in range.
    fn decode_slice(&self, bytes: &[u8], columns: usize, rows: usize) -> Result<Vec<(u16, u16)>, Fault> {
        let mut bits = Bits::new(bytes);
        let mut predictions = Predictions::new(columns);
        let mut history = History::new(self.tables.history_length);
        let mut run_left = 0;
        let mut previous = 0;
        let mut blocks: Vec<(u16, u16)> = Vec::new();
        for row in 0..rows {
            for column in 0..columns {
                let above = |back: usize| {
                    let is_inside = row > 0 && column >= back;
                    is_inside.then(|| usize::from(blocks[blocks.len() - columns - back].0)).ok_or(OUT_OF_RANGE)
                };
                let endpoint = match predictions.next(&mut bits, &self.tables, row, column)? {
                    0 if column > 0 => previous,
                    0 => return Err(OUT_OF_RANGE),
                    1 => above(0)?,
                    2 => above(1)?,
                    _ => {
                        let moved = previous + self.tables.endpoint_delta.decode(&mut bits)? as usize;
                        if moved < self.endpoints.len() { moved } else { moved.wrapping_sub(self.endpoints.len()) }
                    }
                };
                if endpoint >= self.endpoints.len() {
                    return Err(OUT_OF_RANGE);
                }
                previous = endpoint;
                let selector = self.selector(&mut bits, &mut history, &mut run_left)?;
                blocks.push((endpoint as u16, selector as u16));
            }
        }
        Ok(blocks)
    }

    fn selector(&self, bits: &mut Bits<'_>, history: &mut History, run_left: &mut u32) -> Result<usize, Fault> {
        let selector_count = self.selectors.len();
        let mut symbol = selector_count;
        if *run_left > 0 {
            *run_left -= 1;
        } else {
            symbol = self.tables.selector.decode(bits)? as usize;
            if symbol == selector_count + history.entries.len() {
                let run = self.tables.run_length.decode(bits)?;
                let run = if run == 63 { bits.variable(7)? } else { run };
                // The current block is the first of the run, and a run has at least three.
                *run_left = run.saturating_add(2);
                symbol = selector_count;
            }
        }
        match symbol.checked_sub(selector_count) {
            None => {
                history.add(symbol);
                Ok(symbol)
            }
            Some(place) => history.recall(place).filter(|&selector| selector < selector_count).ok_or(OUT_OF_RANGE),
        }
    }
}

/// From which neighbour each block takes its endpoint, coded for 2 × 2 blocks together.
struct Predictions {
    /// The predictions that the even row gave for the odd one below, for two blocks each.
    below: Vec<u32>,
    current: u32,
    last: u32,
    repeats_left: u32,
}

impl Predictions {
    /// Symbols below this code four blocks with two bits each; this one repeats the last symbol.
    const REPEAT: u32 = 256;
    const REPEATS_MIN: u32 = 3;

    fn new(columns: usize) -> Self {
        Self { below: vec![0; columns.div_ceil(2)], current: 0, last: 0, repeats_left: 0 }
    }

    fn next(&mut self, bits: &mut Bits<'_>, tables: &Tables, row: usize, column: usize) -> Result<u32, Fault> {
        if column.is_multiple_of(2) {
            self.current = match row % 2 {
                0 => {
                    let group = self.group(bits, tables)?;
                    self.below[column / 2] = group >> 4;
                    group
                }
                _ => self.below[column / 2],
            };
        }
        let prediction = self.current & 3;
        self.current >>= 2;
        Ok(prediction)
    }

    fn group(&mut self, bits: &mut Bits<'_>, tables: &Tables) -> Result<u32, Fault> {
        if self.repeats_left > 0 {
            self.repeats_left -= 1;
            return Ok(self.last);
        }
        match tables.prediction.decode(bits)? {
            Self::REPEAT => self.repeats_left = bits.variable(4)?.saturating_add(Self::REPEATS_MIN - 1),
            symbol => self.last = symbol,
        }
        Ok(self.last)
    }
}

/// Recently used selectors; one that is used again moves towards the front.
struct History {
    entries: Vec<usize>,
    /// Where the next new one is inserted, in the second half.
    rover: usize,
}

impl History {
    fn new(length: usize) -> Self {
        Self { entries: vec![0; length], rover: length / 2 }
    }

    fn add(&mut self, selector: usize) {
        if let Some(entry) = self.entries.get_mut(self.rover) {
            *entry = selector;
            self.rover += 1;
            if self.rover == self.entries.len() {
                self.rover /= 2;
            }
        }
    }

    fn recall(&mut self, place: usize) -> Option<usize> {
        let selector = *self.entries.get(place)?;
        self.entries.swap(place / 2, place);
        Some(selector)
    }
}

impl Tables {
    fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut bits = Bits::new(bytes);
        Ok(Self {
            prediction: Huffman::read(&mut bits)?,
            endpoint_delta: Huffman::read(&mut bits)?,
            selector: Huffman::read(&mut bits)?,
            run_length: Huffman::read(&mut bits)?,
            history_length: bits.take(13)? as usize,
        })
    }
}

fn read_endpoints(bytes: &[u8], count: usize) -> Result<Vec<Endpoint>, Fault> {
    let mut bits = Bits::new(bytes);
    // Three tables for colour deltas, selected by the channel's previous value: up to 9, up to 21, above.
    let deltas = [Huffman::read(&mut bits)?, Huffman::read(&mut bits)?, Huffman::read(&mut bits)?];
    let intensity_delta = Huffman::read(&mut bits)?;
    let is_grey = bits.take(1)? == 1;
    let mut endpoints = Vec::new();
    let mut last = Endpoint { color: [16; 3], intensity: 0 };
    for _ in 0..count {
        let delta = intensity_delta.decode(&mut bits)?;
        last.intensity = (u32::from(last.intensity) + delta) as u8 & 7;
        let channel_count = if is_grey { 1 } else { 3 };
        for channel in &mut last.color[..channel_count] {
            let table = usize::from(*channel > 9) + usize::from(*channel > 21);
            *channel = (u32::from(*channel) + deltas[table].decode(&mut bits)?) as u8 & 31;
        }
        if is_grey {
            last.color = [last.color[0]; 3];
        }
        endpoints.push(last);
    }
    Ok(endpoints)
}

fn read_selectors(bytes: &[u8], count: usize) -> Result<Vec<Selector>, Fault> {
    let mut bits = Bits::new(bytes);
    if bits.take(2)? != 0 {
        return Err("the selectors of the BasisLZ data are of an unknown kind");
    }
    let is_raw = bits.take(1)? == 1;
    let delta = if is_raw { None } else { Some(Huffman::read(&mut bits)?) };
    let mut selectors: Vec<Selector> = Vec::new();
    for _ in 0..count {
        let mut selector = selectors.last().copied().unwrap_or_default();
        for row in &mut selector {
            *row = match &delta {
                Some(delta) if !selectors.is_empty() => *row ^ delta.decode(&mut bits)? as u8,
                _ => bits.take(8)? as u8,
            };
        }
        selectors.push(selector);
    }
    Ok(selectors)
}

impl Blocks {
    /// The texels of a block, which must be one of those that were decoded.
    pub(super) fn texels(&self, block: usize) -> [[u8; 4]; 16] {
        let mut texels = self.colors(self.rgb[block]).map(|[r, g, b]| [r, g, b, 255]);
        if let Some(alpha) = &self.alpha {
            for (texel, [_, green, _]) in texels.iter_mut().zip(self.colors(alpha[block])) {
                texel[3] = green;
            }
        }
        texels
    }

    fn colors(&self, (endpoint, selector): (u16, u16)) -> [[u8; 3]; 16] {
        let Endpoint { color, intensity } = self.endpoints[usize::from(endpoint)];
        let selector = self.selectors[usize::from(selector)];
        let modifiers = MODIFIERS[usize::from(intensity)];
        let shades = modifiers.map(|modifier| {
            color.map(|channel| (i32::from(channel << 3 | channel >> 2) + modifier).clamp(0, 255) as u8)
        });
        std::array::from_fn(|texel| shades[usize::from(selector[texel / 4] >> (texel % 4 * 2) & 3)])
    }
}
