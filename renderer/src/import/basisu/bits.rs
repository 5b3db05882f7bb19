//! A bit reader, starting from the lowest bit of each byte, and the Huffman codes of BasisLZ.

use super::{Fault, TRUNCATED};

/// A position in a sequence of bits.
pub(super) struct Bits<'b> {
    bytes: &'b [u8],
    position: usize,
}

impl<'b> Bits<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// The next bits, at most 16, the first one lowest.
    pub(super) fn take(&mut self, count: usize) -> Result<u32, Fault> {
        let byte = self.position / 8;
        let window = match self.bytes.get(byte..).and_then(<[u8]>::first_chunk::<4>) {
            Some(window) => u32::from_le_bytes(*window),
            None => {
                let mut window = [0; 4];
                let rest = self.bytes.get(byte..).unwrap_or_default();
                window[..rest.len()].copy_from_slice(rest);
                u32::from_le_bytes(window)
            }
        };
        let bits = window >> (self.position % 8) & ((1 << count) - 1);
        self.position += count;
        if self.position > self.bytes.len() * 8 { Err(TRUNCATED) } else { Ok(bits) }
    }

    /// A number in groups of `count` bits, each followed by a bit that says whether another group follows.
    pub(super) fn variable(&mut self, count: usize) -> Result<u32, Fault> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let group = self.take(count + 1)?;
            value |= (group & ((1 << count) - 1)) << shift;
            if group >> count == 0 {
                return Ok(value);
            }
            shift += count;
            if shift >= 32 {
                return Err("a number of the BasisLZ data does not end");
            }
        }
    }
}

/// Most bits of a code.
const LENGTH_MAX: usize = 16;

/// A canonical Huffman code (RFC 1951 section 3.2.2).
#[derive(Debug)]
pub(super) struct Huffman {
    /// Number of codes of each length.
    counts: [u16; LENGTH_MAX + 1],
    /// Symbols, ordered by the length of their code, then by number.
    symbols: Vec<u16>,
}

impl Huffman {
    /// The code for symbols with these code lengths; 0 is a symbol without a code.
    fn new(lengths: &[u8]) -> Result<Self, Fault> {
        let mut counts = [0_u16; LENGTH_MAX + 1];
        for &length in lengths {
            counts[usize::from(length)] += 1;
        }
        counts[0] = 0;
        let mut free = 1_i32;
        for &count in &counts[1..] {
            free = 2 * free - i32::from(count);
            if free < 0 {
                return Err("a Huffman table of the BasisLZ data has too many codes");
            }
        }
        let mut symbols: Vec<u16> =
            (0..lengths.len() as u16).filter(|&symbol| lengths[usize::from(symbol)] > 0).collect();
        symbols.sort_by_key(|&symbol| lengths[usize::from(symbol)]);
        Ok(Self { counts, symbols })
    }

    /// Reads a table from the stream: its code lengths, which are themselves Huffman-coded.
    pub(super) fn read(bits: &mut Bits<'_>) -> Result<Self, Fault> {
        /// The order in which the code lengths of the length alphabet are stored.
        const ORDER: [usize; 21] = [17, 18, 19, 20, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15, 16];
        const WRONG: Fault = "a Huffman table of the BasisLZ data is wrong";
        let symbol_count = bits.take(14)? as usize;
        if symbol_count == 0 {
            return Self::new(&[]);
        }
        let code_count = bits.take(5)? as usize;
        let mut code_lengths = [0; 21];
        for &at in ORDER.get(..code_count).ok_or(WRONG)? {
            code_lengths[at] = bits.take(3)? as u8;
        }
        let codes = Self::new(&code_lengths)?;
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < symbol_count {
            let code = codes.decode(bits)?;
            // Runs: the bits of the count, the least count, and whether zeros are repeated or the last length.
            let (bit_count, least, of_zeros) = match code {
                0..=16 => {
                    lengths.push(code as u8);
                    continue;
                }
                17 => (3, 3, true),
                18 => (7, 11, true),
                19 => (2, 3, false),
                _ => (7, 7, false),
            };
            let run = bits.take(bit_count)? as usize + least;
            let length =
                if of_zeros { 0 } else { lengths.last().copied().filter(|&length| length > 0).ok_or(WRONG)? };
            lengths.resize(lengths.len() + run, length);
        }
        if lengths.len() == symbol_count { Self::new(&lengths) } else { Err(WRONG) }
    }

    /// The next symbol.
    pub(super) fn decode(&self, bits: &mut Bits<'_>) -> Result<u32, Fault> {
        // Codes of one length are consecutive, and start where those of the previous length would continue.
        let (mut code, mut first, mut index) = (0_i32, 0_i32, 0_i32);
        for &count in &self.counts[1..] {
            code |= bits.take(1)? as i32;
            let count = i32::from(count);
            if code - first < count {
                return Ok(self.symbols[(index + code - first) as usize].into());
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err("the BasisLZ data has a code that is in no table")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_lowest_first() {
        let mut bits = Bits::new(&[0b1010_0110, 0b0000_0001]);
        assert_eq!([bits.take(1), bits.take(3), bits.take(5)], [Ok(0), Ok(0b011), Ok(0b11010)]);
        assert_eq!((bits.take(7), bits.take(1)), (Ok(0), Err(TRUNCATED)));
        assert_eq!(Bits::new(&[0x9F, 0x02]).variable(4), Ok(0x0F | 0x04 << 4));
        assert!(Bits::new(&[0xFF; 16]).variable(7).is_err());
    }

    #[test]
    fn codes_are_canonical() {
        // RFC 1951's example: A to H have 3, 3, 3, 3, 3, 2, 4, 4 bits; F is 00, A is 010, H is 1111.
        let huffman = Huffman::new(&[3, 3, 3, 3, 3, 2, 4, 4]).expect("a full code");
        let mut bits = Bits::new(&[0b1110_1000, 0b0000_0001]);
        assert_eq!(
            [huffman.decode(&mut bits), huffman.decode(&mut bits), huffman.decode(&mut bits)],
            [Ok(5), Ok(0), Ok(7)]
        );
        assert!(Huffman::new(&[1, 1, 1]).is_err(), "three codes of one bit");
        assert!(Huffman::new(&[]).expect("no code").decode(&mut Bits::new(&[0; 4])).is_err());
    }
}
