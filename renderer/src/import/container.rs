//! The container: a binary glTF (GLB) or plain glTF JSON, told apart by content (glTF 2.0 section 4).
//!
//! Nothing here allocates: lengths that the file declares are checked against the bytes that exist.

use super::ImportErrorCode as Code;
use super::error::ImportError;
use super::findings::Findings;
use crate::diagnostic::Severity;

const MAGIC: &[u8] = b"glTF";
const CHUNK_JSON: u32 = 0x4E4F_534A;
const CHUNK_BIN: u32 = 0x004E_4942;
const HEADER_BYTES: usize = 12;
const CHUNK_HEADER_BYTES: usize = 8;

/// The parts of a file.
pub(super) struct Container<'b> {
    /// The JSON text, not yet checked.
    pub(super) json: &'b [u8],
    /// Where `json` starts in the file, for messages.
    pub(super) json_offset: usize,
    /// Where the buffer without a URI is stored.
    pub(super) storage: Storage<'b>,
}

/// Where a buffer without a URI is stored.
pub(super) enum Storage<'b> {
    /// Nowhere: plain glTF JSON.
    Json,
    /// In the binary chunk of a GLB, if it has one.
    Glb(Option<&'b [u8]>),
}

/// Splits a file.
pub(super) fn split<'b>(bytes: &'b [u8], findings: &mut Findings) -> Result<Container<'b>, ImportError> {
    let Some(first) = bytes.first() else {
        return Err(ImportError::at_byte(Code::Truncated, 0, "the input is empty: 0 bytes"));
    };
    let is_prefix = |magic: &[u8]| magic.starts_with(bytes.get(..magic.len()).unwrap_or(bytes));
    if is_prefix(MAGIC) {
        return split_glb(bytes, findings);
    }
    // glTF's root is an object, so JSON starts with a brace after white space and perhaps a byte order mark; an array
    // is accepted here, so that the JSON reader can refuse it with a better message.
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    match text.first() {
        Some(b'{' | b'[') => Ok(Container { json: bytes, json_offset: 0, storage: Storage::Json }),
        _ => {
            let what = match other_format(bytes) {
                Some(format) => format!("this is {format} file, not glTF: export GLB from the program that made it"),
                None if bytes.iter().take(64).all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) => {
                    "this is a text file, and neither binary glTF nor glTF JSON".to_owned()
                }
                None => format!("this is neither binary glTF nor glTF JSON: the file starts with byte 0x{first:02X}"),
            };
            Err(ImportError::at_byte(Code::Header, 0, what))
        }
    }
}

/// The name of a format that is often given in place of glTF, with its article, recognised by its first bytes.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    const BEGINNINGS: [(&[u8], &str); 11] = [
        (b"\x89PNG", "a PNG"),
        (b"\xFF\xD8\xFF", "a JPEG"),
        (b"ISO-10303-21", "a STEP"),
        (b"solid ", "an STL"),
        (b"Kaydara FBX", "an FBX"),
        (b"BLENDER", "a Blender"),
        (b"PK\x03\x04", "a ZIP"),
        (b"%PDF", "a PDF"),
        (b"#USDA", "a USD"),
        (b"PXR-USDC", "a USD"),
        (b"<?xml", "an XML"),
    ];
    BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning)).map(|&(_, format)| format)
}

fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let word = bytes.get(offset..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*word))
}

fn split_glb<'b>(bytes: &'b [u8], findings: &mut Findings) -> Result<Container<'b>, ImportError> {
    let (Some(version), Some(length)) = (word(bytes, 4), word(bytes, 8)) else {
        let message = format!("the file ends inside its header of {HEADER_BYTES} bytes");
        return Err(ImportError::at_byte(Code::Truncated, bytes.len(), message));
    };
    if version != 2 {
        let message = format!("the binary container has version {version}; only 2 is defined");
        return Err(ImportError::at_byte(Code::Version, 4, message));
    }
    let length = length as usize;
    if length < HEADER_BYTES {
        let message = format!("the header declares a file of {length} bytes, fewer than the header itself has");
        return Err(ImportError::at_byte(Code::Header, 8, message));
    }
    let is_cut = length > bytes.len();
    // For a truncated file, the error points to the end of the bytes; if the first chunk contradicts the declared
    // length, it points to that length.
    let declared = bytes.get(..length).unwrap_or(bytes);
    if !is_cut && length < bytes.len() {
        let message = format!("{} bytes after the declared end are ignored", bytes.len() - length);
        findings.add("trailing_data", Severity::Warning, format!("byte {length}"), message);
    }

    let mut json: Option<(usize, &'b [u8])> = None;
    let mut bin: Option<&'b [u8]> = None;
    let mut offset = HEADER_BYTES;
    while offset < declared.len() {
        let (Some(chunk_length), Some(kind)) = (word(declared, offset), word(declared, offset + 4)) else {
            return Err(if is_cut {
                ImportError::at_byte(Code::Truncated, bytes.len(), "the file ends inside the header of a chunk")
            } else {
                ImportError::at_byte(Code::Chunk, offset, "the last bytes are too few for the header of a chunk")
            });
        };
        let chunk_length = chunk_length as usize;
        let start = offset + CHUNK_HEADER_BYTES;
        let chunk = start.checked_add(chunk_length).and_then(|end| declared.get(start..end));
        let Some(chunk) = chunk else {
            let claimed_end = start as u64 + chunk_length as u64;
            return Err(if is_cut && claimed_end <= length as u64 {
                ImportError::at_byte(Code::Truncated, bytes.len(), "the file ends inside a chunk")
            } else {
                let message = format!("a chunk declares {chunk_length} bytes, but {} are left", declared.len() - start);
                ImportError::at_byte(Code::Chunk, offset, message)
            });
        };
        match kind {
            CHUNK_JSON if json.is_some() => {
                return Err(ImportError::at_byte(Code::Chunk, offset, "a second JSON chunk; one is allowed"));
            }
            CHUNK_JSON => json = Some((start, chunk)),
            _ if json.is_none() => {
                let message = format!("the first chunk is of type 0x{kind:08X}; it must be JSON");
                return Err(ImportError::at_byte(Code::Chunk, offset + 4, message));
            }
            CHUNK_BIN if bin.is_some() => {
                return Err(ImportError::at_byte(Code::Chunk, offset, "a second binary chunk; one is allowed"));
            }
            CHUNK_BIN => bin = Some(chunk),
            // Chunks of other types are for extensions and must be ignored (glTF 2.0 section 4.4.3).
            _ => {}
        }
        if !chunk_length.is_multiple_of(4) {
            let message = format!("a chunk of {chunk_length} bytes; lengths must be divisible by 4");
            findings.add("chunk_unaligned", Severity::Info, format!("byte {offset}"), message);
        }
        offset = start + chunk_length;
    }
    if is_cut {
        let message = format!("the header declares a file of {length} bytes, but it has {}", bytes.len());
        return Err(ImportError::at_byte(Code::Truncated, 8, message));
    }
    match json {
        Some((json_offset, json)) => Ok(Container { json, json_offset, storage: Storage::Glb(bin) }),
        None => Err(ImportError::at_byte(Code::Chunk, HEADER_BYTES, "there is no JSON chunk")),
    }
}
