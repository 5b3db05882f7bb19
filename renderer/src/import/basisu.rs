//! Textures of `KHR_texture_basisu`: KTX 2 files with Basis Universal, ETC1S or UASTC, decoded to RGBA texels.
//!
//! Written from the KTX file format specification 2.0 (container, and its appendix on BasisLZ) and the UASTC LDR 4x4
//! texture specification. A file is checked before any memory is reserved: the output is as large as the header says,
//! and the caller refuses what is too large. Zstandard is decompressed by the crate `ruzstd`, which is pure Rust.

mod bits;
mod etc1s;
mod uastc;

/// The first bytes of a KTX 2 file.
pub(super) const IDENTIFIER: [u8; 12] = *b"\xABKTX 20\xBB\r\n\x1A\n";

type Fault = &'static str;

const TRUNCATED: Fault = "the KTX file ends too early";
/// Codes of the data format descriptor (Khronos Data Format specification 1.3).
const MODEL_ETC1S: u8 = 163;
const MODEL_UASTC: u8 = 166;
const TRANSFER_SRGB: u8 = 2;
const CHANNEL_ETC1S_RGB: u8 = 0;
const CHANNEL_ETC1S_AAA: u8 = 15;
const CHANNEL_UASTC_RGB: u8 = 0;

/// A KTX 2 file with a valid header; only its largest level is read.
pub(super) struct Texture<'b> {
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    level: &'b [u8],
    payload: Payload<'b>,
}

enum Payload<'b> {
    Etc1s {
        /// Codebooks and tables (`supercompressionGlobalData`).
        global: &'b [u8],
        /// Images that the global data describes before the codebooks start.
        image_count: usize,
        has_alpha: bool,
    },
    Uastc {
        /// Whether the level is one Zstandard frame.
        is_zstd: bool,
        is_srgb: bool,
        has_alpha: bool,
    },
}

impl<'b> Texture<'b> {
    /// Reads the header, the level index and the data format descriptor.
    pub(super) fn read(bytes: &'b [u8]) -> Result<Self, Fault> {
        if !bytes.starts_with(&IDENTIFIER) {
            return Err("there is no KTX 2 header");
        }
        let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let long = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let field = |index: usize| word(12 + 4 * index).ok_or(TRUNCATED);
        let range = |begin: u64, length: u64| {
            let (begin, end) = (usize::try_from(begin).ok()?, usize::try_from(begin.checked_add(length)?).ok()?);
            bytes.get(begin..end)
        };
        let (width_px, height_px, depth_px) = (field(2)?, field(3)?, field(4)?);
        let (layer_count, face_count, level_count) = (field(5)?, field(6)?, field(7)?);
        if field(0)? != 0 {
            return Err("the KTX file holds no Basis Universal texture");
        }
        if width_px == 0 || height_px == 0 || depth_px != 0 || layer_count != 0 || face_count != 1 || level_count > 32 {
            return Err("the KTX file does not hold exactly one two-dimensional picture");
        }
        let supercompression = field(8)?;
        let descriptor = range(u64::from(field(9)?), u64::from(field(10)?)).ok_or(TRUNCATED)?;
        let global = range(long(64).ok_or(TRUNCATED)?, long(72).ok_or(TRUNCATED)?).ok_or(TRUNCATED)?;
        // The first entry of the index is that of the largest level.
        let level = range(long(80).ok_or(TRUNCATED)?, long(88).ok_or(TRUNCATED)?).ok_or(TRUNCATED)?;

        // The total length, then the basic block: model and transfer in its third word, samples of 16 bytes from byte
        // 24 on.
        let byte = |at: usize| descriptor.get(at).copied().ok_or(TRUNCATED);
        let samples = descriptor.get(28..).ok_or(TRUNCATED)?.as_chunks::<16>().0;
        let first = samples.first().ok_or(TRUNCATED)?;
        let (model, transfer, channel) = (byte(12)?, byte(14)?, first[3] & 15);
        let payload = match (model, supercompression) {
            (MODEL_ETC1S, 1) => {
                let second = samples.get(1).map(|sample| sample[3] & 15);
                if channel != CHANNEL_ETC1S_RGB || second.is_some_and(|channel| channel != CHANNEL_ETC1S_AAA) {
                    return Err("the KTX file has other channels than colour and alpha");
                }
                // One image per level, because there are no layers, faces or depth slices.
                Payload::Etc1s { global, image_count: level_count.max(1) as usize, has_alpha: second.is_some() }
            }
            (MODEL_UASTC, 0 | 2) => Payload::Uastc {
                is_zstd: supercompression == 2,
                is_srgb: transfer == TRANSFER_SRGB,
                has_alpha: channel != CHANNEL_UASTC_RGB,
            },
            _ => return Err("the KTX file is neither ETC1S with BasisLZ nor UASTC, plain or with Zstandard"),
        };
        Ok(Self { width_px, height_px, level, payload })
    }

    /// The texels of the largest level, row by row from the top.
    pub(super) fn decode(&self) -> Result<Vec<[u8; 4]>, Fault> {
        let (columns, rows) = (self.width_px.div_ceil(4) as usize, self.height_px.div_ceil(4) as usize);
        match self.payload {
            Payload::Etc1s { global, image_count, has_alpha } => {
                let slices = etc1s::Slices::read(global, image_count, self.level, has_alpha)?;
                let blocks = slices.decode(columns, rows)?;
                Ok(self.texels(columns, |at| blocks.texels(at)))
            }
            Payload::Uastc { is_zstd, is_srgb, has_alpha } => {
                let unpacked;
                let level = if is_zstd {
                    unpacked = unpack(self.level, columns * rows * uastc::BLOCK_BYTES)?;
                    &unpacked
                } else {
                    self.level
                };
                let (blocks, _) = level.as_chunks::<{ uastc::BLOCK_BYTES }>();
                if blocks.len() < columns * rows {
                    return Err(TRUNCATED);
                }
                let mut fault = None;
                let texels = self.texels(columns, |at| match uastc::decode(&blocks[at], is_srgb) {
                    Ok(mut texels) => {
                        if !has_alpha {
                            texels.iter_mut().for_each(|texel| texel[3] = 255);
                        }
                        texels
                    }
                    Err(message) => {
                        fault.get_or_insert(message);
                        [[0; 4]; 16]
                    }
                });
                fault.map_or(Ok(texels), Err)
            }
        }
    }

    /// Assembles blocks of 4 × 4 texels; whatever extends beyond the right and lower edges is cut off.
    fn texels(&self, columns: usize, mut block: impl FnMut(usize) -> [[u8; 4]; 16]) -> Vec<[u8; 4]> {
        let (width, height) = (self.width_px as usize, self.height_px as usize);
        let mut texels = vec![[0; 4]; width * height];
        for (row, band) in texels.chunks_mut(4 * width).enumerate() {
            for column in 0..columns {
                let decoded = block(row * columns + column);
                for (line, decoded) in band.chunks_mut(width).zip(decoded.as_chunks::<4>().0) {
                    for (texel, decoded) in line[4 * column..].iter_mut().zip(decoded) {
                        *texel = *decoded;
                    }
                }
            }
        }
        texels
    }
}

/// The first `length` bytes of a Zstandard frame.
fn unpack(frame: &[u8], length: usize) -> Result<Vec<u8>, Fault> {
    use std::io::Read as _;

    const BROKEN: Fault = "the Zstandard data of the KTX file is broken";
    let decoder = ruzstd::decoding::StreamingDecoder::new(frame).map_err(|_| BROKEN)?;
    let mut bytes = Vec::new();
    // Streaming: no memory is reserved beyond what the frame fills.
    decoder.take(length as u64).read_to_end(&mut bytes).map_err(|_| BROKEN)?;
    if bytes.len() == length { Ok(bytes) } else { Err(TRUNCATED) }
}
