//! From display values to luma and chroma of video: ITU-R BT.709 in limited range, 4:2:0.
//!
//! Luma Y' = 0.2126 R' + 0.7152 G' + 0.0722 B' takes the codes 16 to 235; Cb = (B' − Y')/1.8556 and Cr = (R' −
//! Y')/1.5748 take 16 to 240 around 128 (BT.709-6, items 3.2 to 3.4). A chroma sample lies between two rows, at the
//! even column, where decoders expect it unless a stream says otherwise (H.264, chroma_sample_loc_type 0): it is the
//! mean of the two rows and of the columns around it, weighted 1:2:1.

use rayon::prelude::*;

use crate::color::DisplayImage;
use crate::encode::quantize::over_white;

const LUMA_RED: f32 = 0.2126;
const LUMA_BLUE: f32 = 0.0722;

/// A frame as planes of 8 bits; rows have no padding.
pub(super) struct Yuv420 {
    pub(super) width_px: usize,
    pub(super) height_px: usize,
    pub(super) luma: Vec<u8>,
    /// A quarter of the samples.
    pub(super) blue: Vec<u8>,
    /// A quarter of the samples.
    pub(super) red: Vec<u8>,
}

impl Yuv420 {
    /// Black; both sides are even.
    pub(super) fn new([width_px, height_px]: [u32; 2]) -> Self {
        let [width_px, height_px] = [width_px, height_px].map(|side| side as usize);
        let n_chroma = width_px / 2 * (height_px / 2);
        Self {
            width_px,
            height_px,
            luma: vec![16; width_px * height_px],
            blue: vec![128; n_chroma],
            red: vec![128; n_chroma],
        }
    }

    /// Converts a frame of the same size; transparent pixels are laid over white.
    pub(super) fn fill(&mut self, frame: &DisplayImage) {
        let width = self.width_px;
        let luma = self.luma.par_chunks_exact_mut(2 * width);
        let chroma = self.blue.par_chunks_exact_mut(width / 2).zip(self.red.par_chunks_exact_mut(width / 2));
        let rows = frame.rgba.par_chunks_exact(2 * width);
        luma.zip(chroma).zip(rows).for_each(|((luma, (blue, red)), texels)| {
            let mut differences = vec![[0.0_f32; 2]; width];
            for (idx, (luma, texel)) in luma.iter_mut().zip(texels).enumerate() {
                let (y, difference) = split(over_white(texel));
                *luma = code(16.0 + 219.0 * y);
                for (sum, difference) in differences[idx % width].iter_mut().zip(difference) {
                    *sum += 0.5 * difference;
                }
            }
            for (idx, (blue, red)) in blue.iter_mut().zip(red).enumerate() {
                let at = 2 * idx;
                let around = [at.saturating_sub(1), at, at + 1].map(|column| differences[column]);
                let mean = |channel: usize| 0.25 * (around[0][channel] + 2.0 * around[1][channel] + around[2][channel]);
                *blue = code(128.0 + 224.0 * mean(0));
                *red = code(128.0 + 224.0 * mean(1));
            }
        });
    }
}

/// Luma, and the two colour differences from −0.5 to 0.5, of a colour from 0 to 1.
fn split(color: [f32; 3]) -> (f32, [f32; 2]) {
    let [r, g, b] = color.map(|value| if value > 0.0 { value.min(1.0) } else { 0.0 });
    let y = LUMA_RED * r + (1.0 - LUMA_RED - LUMA_BLUE) * g + LUMA_BLUE * b;
    (y, [(b - y) / (2.0 * (1.0 - LUMA_BLUE)), (r - y) / (2.0 * (1.0 - LUMA_RED))])
}

/// The nearest code.
fn code(value: f32) -> u8 {
    (value + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(width_px: u32, rgba: Vec<[f32; 4]>) -> Yuv420 {
        let height_px = rgba.len() as u32 / width_px;
        let mut yuv = Yuv420::new([width_px, height_px]);
        yuv.fill(&DisplayImage { width_px, height_px, rgba });
        yuv
    }

    /// The colour bars of BT.709 (75 %, as SMPTE RP 219 lists them) and the ends of the range.
    #[test]
    fn bars_have_the_codes_of_the_standard() {
        for ([r, g, b], want) in [
            ([0.0, 0.0, 0.0], [16, 128, 128]),
            ([1.0, 1.0, 1.0], [235, 128, 128]),
            ([0.75, 0.75, 0.75], [180, 128, 128]),
            ([0.75, 0.75, 0.0], [168, 44, 136]),
            ([0.0, 0.75, 0.75], [145, 147, 44]),
            ([0.0, 0.75, 0.0], [133, 63, 52]),
            ([0.75, 0.0, 0.75], [63, 193, 204]),
            ([0.75, 0.0, 0.0], [51, 109, 212]),
            ([0.0, 0.0, 0.75], [28, 212, 120]),
            ([0.0, 0.0, 1.0], [32, 240, 118]),
            ([1.0, 0.0, 0.0], [63, 102, 240]),
            ([f32::NAN, -7.0, 0.0], [16, 128, 128]),
        ] {
            let yuv = filled(4, vec![[r, g, b, 1.0]; 16]);
            let got = [yuv.luma[5], yuv.blue[3], yuv.red[3]];
            for (got, want) in got.iter().zip(want) {
                assert!(got.abs_diff(want) <= 1, "{r} {g} {b}: {got:?} instead of {want:?}");
            }
            assert!(yuv.luma.iter().all(|luma| luma == &yuv.luma[0]), "flat");
        }
    }

    #[test]
    fn what_is_transparent_is_white() {
        let yuv = filled(2, vec![[1.0, 0.0, 0.0, 0.0]; 4]);
        assert_eq!((yuv.luma[0], yuv.blue[0], yuv.red[0]), (235, 128, 128));
    }

    /// A blue column at x = 2 of a grey picture counts half at its own chroma sample and a quarter at none, because
    /// chroma samples are at even columns.
    #[test]
    fn chroma_lies_at_even_columns() {
        let grey = [0.5, 0.5, 0.5, 1.0];
        let mut rgba = vec![grey; 8 * 2];
        for row in 0..2 {
            rgba[8 * row + 2] = [0.0, 0.0, 1.0, 1.0];
            rgba[8 * row + 5] = [0.0, 0.0, 1.0, 1.0];
        }
        let yuv = filled(8, rgba);
        assert_eq!(yuv.blue, [128, 184, 156, 156]);
    }
}
