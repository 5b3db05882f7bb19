//! The container of WebP (RFC 9649): chunks with four letters, a length and data, padded to even lengths.

/// Flags of the `VP8X` chunk.
pub(super) const ANIMATION: u8 = 0x02;
/// There is an XMP packet.
pub(super) const XMP: u8 = 0x04;
/// There is an Exif block.
pub(super) const EXIF: u8 = 0x08;
/// Some pixel is transparent.
pub(super) const ALPHA: u8 = 0x10;
/// There is a colour profile.
pub(super) const ICC: u8 = 0x20;

/// Bytes before the first chunk: `RIFF`, the length of what follows, `WEBP`.
pub(super) const HEADER_BYTES: usize = 12;

/// The header of a file with this many bytes of chunks.
pub(super) fn header(chunk_bytes: u32) -> [u8; HEADER_BYTES] {
    let mut header = *b"RIFF\0\0\0\0WEBP";
    header[4..8].copy_from_slice(&chunk_bytes.saturating_add(4).to_le_bytes());
    header
}

/// A chunk of the file.
pub(super) fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = [&name[..], &(data.len() as u32).to_le_bytes(), data].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

/// The first chunk of a file that contains more than pixels.
pub(super) fn extended(flags: u8, size_px: [u32; 2]) -> Vec<u8> {
    let [width, height] = size_px.map(|side| u24(side - 1));
    chunk(b"VP8X", &[&[flags, 0, 0, 0][..], &width, &height].concat())
}

/// The lower 24 bits, little-endian.
pub(super) fn u24(value: u32) -> [u8; 3] {
    let [a, b, c, _] = value.to_le_bytes();
    [a, b, c]
}

/// Name and data of each chunk of a file, up to the first that is cut short.
pub(super) fn chunks(file: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = file.get(HEADER_BYTES..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let data = after.get(..length)?;
        rest = after.get(length.next_multiple_of(2)..).unwrap_or_default();
        Some((name, data))
    })
}

/// The chunks that contain pixels, as in the file.
pub(super) fn picture_chunks(file: &[u8]) -> Vec<u8> {
    let pixels = chunks(file).filter(|(name, _)| [b"ALPH", b"VP8 ", b"VP8L"].contains(name));
    pixels.flat_map(|(name, data)| chunk(name, data)).collect()
}
