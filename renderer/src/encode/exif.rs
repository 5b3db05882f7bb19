//! Exif (CIPA DC-008) with a resolution and nothing else, for formats that keep theirs there.

use std::num::NonZeroU16;

/// Bytes before the first entry of the only directory: the header of TIFF and the number of entries.
const HEAD_BYTES: u32 = 10;
/// Bytes of an entry.
const ENTRY_BYTES: u32 = 12;
/// `XResolution`, `YResolution` and `ResolutionUnit`.
const ENTRIES: u32 = 3;
/// Offset of the fractions: after the entries and the offset of the next directory, which does not exist.
const FRACTIONS: u32 = HEAD_BYTES + ENTRIES * ENTRY_BYTES + 4;

/// Type of a number of 16 bits.
const SHORT: u16 = 3;
/// Type of two numbers of 32 bits, one over the other.
const RATIONAL: u16 = 5;
/// Value of `ResolutionUnit`.
const INCH: u32 = 2;

/// The block that states this many pixels per inch, in TIFF form: without the `Exif` prefix of JPEG files.
pub(super) fn resolution(dpi: NonZeroU16) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &1_u32.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let fraction = [u32::from(dpi.get()).to_le_bytes(), 1_u32.to_le_bytes()].concat();
    [
        b"II*\0\x08\0\0\0".to_vec(),
        (ENTRIES as u16).to_le_bytes().to_vec(),
        entry(0x011a, RATIONAL, FRACTIONS),
        entry(0x011b, RATIONAL, FRACTIONS + fraction.len() as u32),
        entry(0x0128, SHORT, INCH),
        vec![0; 4],
        fraction.clone(),
        fraction,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_says_how_many_pixels_an_inch_has() {
        for dpi in [1, 300, u16::MAX] {
            let block = resolution(NonZeroU16::new(dpi).expect("not 0"));
            let u16_at = |at: usize| u16::from_le_bytes(block[at..at + 2].try_into().expect("two"));
            let u32_at = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().expect("four"));
            assert_eq!((&block[..4], u32_at(4), u16_at(8)), (&b"II*\0"[..], 8, 3));
            let entries = [10, 22, 34].map(|at| (u16_at(at), u16_at(at + 2), u32_at(at + 4), u32_at(at + 8)));
            let &[(x, 5, 1, x_at), (y, 5, 1, y_at), (unit, 3, 1, 2)] = &entries else { panic!("{entries:?}") };
            assert_eq!([x, y, unit], [282, 283, 296]);
            for at in [x_at as usize, y_at as usize] {
                assert_eq!([u32_at(at), u32_at(at + 4)], [dpi.into(), 1]);
            }
            assert_eq!((u32_at(46), block.len()), (0, y_at as usize + 8), "no other directory, nothing after");
        }
    }
}
