//! Buffer views compressed by `EXT_meshopt_compression` and `KHR_meshopt_compression`.
//!
//! Decoded from the extension's own specification of the bitstream (`KHR_meshopt_compression`, appendices A and B;
//! `EXT_…` is its version 0). The decoder trusts nothing: it reads through checked slices, reserves no more memory than
//! the stream fills, and requires that a stream is consumed exactly.

use std::fmt;

use super::ImportErrorCode as Code;
use super::error::{ImportError, quoted};
use super::member::Member;

mod attributes;
mod filters;
mod indices;

/// The names of the extension; the second allows version 1 of the attribute codec and one more filter, which are
/// accepted for both.
pub(super) const EXTENSIONS: [&str; 2] = ["EXT_meshopt_compression", "KHR_meshopt_compression"];

/// How elements are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Attributes,
    Triangles,
    Indices,
}

/// What is done to elements after unpacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    None,
    Octahedral,
    Quaternion,
    Exponential,
    Color,
}

impl fmt::Display for Mode {
    /// The word that the file uses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attributes => "ATTRIBUTES",
            Self::Triangles => "TRIANGLES",
            Self::Indices => "INDICES",
        })
    }
}

impl fmt::Display for Filter {
    /// The word that the file uses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "NONE",
            Self::Octahedral => "OCTAHEDRAL",
            Self::Quaternion => "QUATERNION",
            Self::Exponential => "EXPONENTIAL",
            Self::Color => "COLOR",
        })
    }
}

/// A compressed view, checked but not yet decoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compressed<'b> {
    bytes: &'b [u8],
    count: usize,
    stride: usize,
    mode: Mode,
    filter: Filter,
}

/// The object of the extension in a buffer or a buffer view.
pub(super) fn extension<'q, 'd>(owner: &'q Member<'_, 'd>) -> Result<Option<Member<'q, 'd>>, ImportError> {
    for name in EXTENSIONS {
        if let Some(extension) = owner.extension(name)? {
            return Ok(Some(extension));
        }
    }
    Ok(None)
}

/// Reads the extension of a view of `view_length` bytes; `range` gives the bytes of a range of a buffer.
pub(super) fn read<'b>(
    extension: &Member<'_, '_>,
    view_length: u64,
    range: impl FnOnce(&Member<'_, '_>) -> Result<&'b [u8], ImportError>,
) -> Result<Compressed<'b>, ImportError> {
    let mode = match extension.text("mode")?.ok_or_else(|| extension.missing("mode"))? {
        "ATTRIBUTES" => Mode::Attributes,
        "TRIANGLES" => Mode::Triangles,
        "INDICES" => Mode::Indices,
        other => return Err(extension.error_at("mode", Code::Schema, format!("{} is not a mode", quoted(other)))),
    };
    let filter = match extension.text("filter")?.unwrap_or("NONE") {
        "NONE" => Filter::None,
        "OCTAHEDRAL" => Filter::Octahedral,
        "QUATERNION" => Filter::Quaternion,
        "EXPONENTIAL" => Filter::Exponential,
        "COLOR" => Filter::Color,
        other => return Err(extension.error_at("filter", Code::Schema, format!("{} is not a filter", quoted(other)))),
    };
    let stride = extension.required_integer("byteStride")?;
    let count = extension.required_integer("count")?;
    let fits_mode = match mode {
        Mode::Attributes => stride.is_multiple_of(4) && (4..=256).contains(&stride),
        Mode::Triangles => matches!(stride, 2 | 4) && count.is_multiple_of(3),
        Mode::Indices => matches!(stride, 2 | 4),
    };
    let fits_filter = match filter {
        Filter::None => true,
        Filter::Octahedral | Filter::Color => matches!(stride, 4 | 8),
        Filter::Quaternion => stride == 8,
        Filter::Exponential => stride.is_multiple_of(4),
    };
    if !fits_mode || !fits_filter || (filter != Filter::None && mode != Mode::Attributes) {
        let message = format!("{count} elements of {stride} bytes do not fit the mode {mode} and the filter {filter}");
        return Err(extension.error(Code::Schema, message));
    }
    if count.checked_mul(stride) != Some(view_length) {
        let message = format!("{count} elements of {stride} bytes for a view of {view_length} bytes");
        return Err(extension.error_at("count", Code::Bounds, message));
    }
    // The stride is small, and the length of the view fits the address space.
    let count = usize::try_from(count).map_err(|_| extension.error_at("count", Code::Limit, "too many elements"))?;
    Ok(Compressed { bytes: range(extension)?, count, stride: stride as usize, mode, filter })
}

impl Compressed<'_> {
    /// Number of bytes after decoding.
    pub(super) fn decoded_bytes(&self) -> u64 {
        self.count as u64 * self.stride as u64
    }

    /// The elements, or what is wrong with the stream.
    pub(super) fn decode(&self) -> Result<Vec<u8>, &'static str> {
        let mut elements = match self.mode {
            Mode::Attributes => attributes::decode(self.bytes, self.count, self.stride)?,
            Mode::Triangles => indices::decode_triangles(self.bytes, self.count, self.stride)?,
            Mode::Indices => indices::decode_sequence(self.bytes, self.count, self.stride)?,
        };
        match (self.filter, self.stride) {
            (Filter::None, _) => {}
            (Filter::Octahedral, 4) => filters::octahedral_8(&mut elements),
            (Filter::Octahedral, _) => filters::octahedral_16(&mut elements),
            (Filter::Quaternion, _) => filters::quaternion(&mut elements),
            (Filter::Exponential, _) => filters::exponential(&mut elements),
            (Filter::Color, 4) => filters::color_8(&mut elements),
            (Filter::Color, _) => filters::color_16(&mut elements),
        }
        Ok(elements)
    }
}

/// The unread part of a stream.
struct Stream<'b> {
    rest: &'b [u8],
}

const ENDS_EARLY: &str = "the compressed data ends too early";
const NOT_USED_UP: &str = "the compressed data goes on after its last element";

impl<'b> Stream<'b> {
    /// The stream between a header byte, which `is_header` accepts, and a tail of a fixed length; returns header and
    /// tail too.
    fn new(
        bytes: &'b [u8],
        is_header: impl Fn(u8) -> bool,
        tail_length: impl Fn(u8) -> usize,
    ) -> Result<(Self, u8, &'b [u8]), &'static str> {
        let (&header, rest) = bytes.split_first().ok_or(ENDS_EARLY)?;
        if !is_header(header) {
            return Err("the compressed data has an unknown header");
        }
        let length = rest.len().checked_sub(tail_length(header)).ok_or(ENDS_EARLY)?;
        let (rest, tail) = rest.split_at(length);
        Ok((Self { rest }, header, tail))
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], &'static str> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(ENDS_EARLY)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, &'static str> {
        let (&byte, rest) = self.rest.split_first().ok_or(ENDS_EARLY)?;
        self.rest = rest;
        Ok(byte)
    }

    /// An unsigned LEB128 of at most five bytes; bits beyond 32 are dropped.
    fn varint(&mut self) -> Result<u32, &'static str> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("a number of the compressed data does not end")
    }

    fn finish(self) -> Result<(), &'static str> {
        if self.rest.is_empty() { Ok(()) } else { Err(NOT_USED_UP) }
    }
}
