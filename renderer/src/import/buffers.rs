//! Buffers and buffer views: the bytes that an accessor or an image may read.

use std::borrow::Cow;

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, Engine as _};
use rayon::prelude::*;

use super::ImportErrorCode as Code;
use super::Limits;
use super::cancel::Cancel;
use super::container::Storage;
use super::error::{ImportError, quoted};
use super::extensions::Extensions;
use super::findings::Findings;
use super::member::Member;
use super::meshopt::{self, Compressed};
use crate::diagnostic::Severity;

/// Exporters write data URIs with and without the padding characters.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of a buffer.
enum Buffer<'b> {
    /// Exactly as long as it says.
    Present(Cow<'b, [u8]>),
    /// A placeholder for what views decompress into: its length, without content.
    Placeholder(u64),
}

/// The bytes of all buffers.
pub(super) struct Buffers<'b> {
    list: Vec<Buffer<'b>>,
}

/// A range of a buffer.
#[derive(Clone, Copy)]
pub(super) struct View<'b> {
    /// The bytes of the range.
    pub(super) bytes: &'b [u8],
    /// Where the range starts in its buffer; buffers themselves start aligned.
    pub(super) offset: usize,
    /// Bytes from one element to the next, where elements are interleaved.
    pub(super) stride: Option<usize>,
}

/// A buffer view whose content may still need decompression.
pub(super) struct ViewSource<'b> {
    content: Content<'b>,
    stride: Option<usize>,
}

enum Content<'b> {
    Stored { bytes: &'b [u8], offset: usize },
    Packed(Compressed<'b>),
    Unpacked(Vec<u8>),
}

impl<'b> Buffers<'b> {
    /// Reads `/buffers`.
    pub(super) fn read(
        root: &Member<'_, '_>,
        storage: &Storage<'b>,
        extensions: &Extensions<'_>,
        findings: &mut Findings,
    ) -> Result<Self, ImportError> {
        // Views of such a file may refer to a buffer without content, and take their bytes from another one.
        let may_lack = meshopt::EXTENSIONS.iter().any(|name| extensions.declares(name));
        let mut list = Vec::new();
        for (buffer_idx, buffer) in root.items("buffers")?.enumerate() {
            let buffer = buffer?;
            let length = buffer.required_integer("byteLength")?;
            let is_fallback = may_lack || meshopt::extension(&buffer)?.is_some();
            let mut data = match buffer.text("uri")? {
                Some(uri) => Cow::Owned(data_uri(&buffer, uri)?),
                None => match storage {
                    Storage::Glb(Some(bin)) if buffer_idx == 0 => Cow::Borrowed(*bin),
                    _ if is_fallback => {
                        list.push(Buffer::Placeholder(length));
                        continue;
                    }
                    Storage::Json => {
                        let message = "the buffer has no URI, and a .gltf has no other place for its bytes";
                        return Err(buffer.error(Code::Uri, message));
                    }
                    Storage::Glb(_) if buffer_idx == 0 => {
                        return Err(
                            buffer.error(Code::Chunk, "the buffer has no URI, and the file has no binary chunk")
                        );
                    }
                    Storage::Glb(_) => {
                        return Err(buffer.error(Code::Schema, "only the first buffer may have no URI"));
                    }
                },
            };
            let available = data.len();
            let Some(length) = usize::try_from(length).ok().filter(|&length| length <= available) else {
                let message = format!("the buffer declares {length} bytes, but there are {available}");
                return Err(buffer.error_at("byteLength", Code::Bounds, message));
            };
            // A binary chunk is padded to a multiple of four (glTF 2.0 section 4.4.3.3).
            if available - length > 3 {
                let message = format!("{} bytes after the end of the buffer are ignored", available - length);
                findings.add("trailing_data", Severity::Info, buffer.pointer(), message);
            }
            match &mut data {
                Cow::Borrowed(data) => *data = &data[..length],
                Cow::Owned(data) => data.truncate(length),
            }
            list.push(Buffer::Present(data));
        }
        Ok(Self { list })
    }

    /// Reads `/bufferViews`, and decompresses those that are compressed.
    pub(super) fn view_sources(
        &'b self,
        root: &Member<'_, '_>,
        limits: &Limits,
        cancel: Cancel<'_>,
    ) -> Result<Vec<ViewSource<'b>>, ImportError> {
        let read = |view: Result<Member<'_, '_>, ImportError>| self.view(&view?);
        let mut views = root.items("bufferViews")?.map(read).collect::<Result<Vec<_>, _>>()?;
        let packed = |view: &ViewSource<'_>| match &view.content {
            Content::Packed(compressed) => compressed.decoded_bytes(),
            _ => 0,
        };
        let unpacked_bytes = views.iter().map(packed).fold(0, u64::saturating_add);
        if unpacked_bytes > limits.unpacked_bytes {
            let message = format!(
                "compressed views become {unpacked_bytes} bytes; the limit unpacked_bytes is {}",
                limits.unpacked_bytes
            );
            return Err(root.error_at("bufferViews", Code::Limit, message));
        }
        let unpack = |(view_idx, view): (usize, &mut ViewSource<'_>)| {
            let Content::Packed(compressed) = &view.content else { return Ok(()) };
            cancel.check()?;
            let at = || format!("/bufferViews/{view_idx}/extensions");
            let bytes = compressed.decode().map_err(|message| ImportError::new(Code::Extension, at(), message))?;
            view.content = Content::Unpacked(bytes);
            Ok(())
        };
        // Of several faults, the first in the file is reported, whichever thread finishes first.
        let results: Vec<Result<(), ImportError>> = views.par_iter_mut().enumerate().map(unpack).collect();
        results.into_iter().collect::<Result<(), _>>()?;
        Ok(views)
    }

    fn view(&'b self, view: &Member<'_, '_>) -> Result<ViewSource<'b>, ImportError> {
        let length = view.required_integer("byteLength")?;
        let stride = view.integer("byteStride")?;
        if stride.is_some_and(|stride| !(4..=252).contains(&stride)) {
            return Err(view.error_at("byteStride", Code::Schema, "the stride must be from 4 to 252"));
        }
        let stride = stride.map(|stride| stride as usize);
        if let Some(extension) = meshopt::extension(view)? {
            // The uncompressed range is for readers without the extension; it need not exist.
            view.required_index("buffer", self.list.len(), "buffer")?;
            let range = |extension: &Member<'_, '_>| self.range(extension).map(|(bytes, _)| bytes);
            let content = Content::Packed(meshopt::read(&extension, length, range)?);
            return Ok(ViewSource { content, stride });
        }
        let (bytes, offset) = self.range(view)?;
        Ok(ViewSource { content: Content::Stored { bytes, offset }, stride })
    }

    /// The bytes that `buffer`, `byteOffset` and `byteLength` of `owner` refer to, and where they start.
    fn range(&'b self, owner: &Member<'_, '_>) -> Result<(&'b [u8], usize), ImportError> {
        let buffer_idx = owner.required_index("buffer", self.list.len(), "buffer")?;
        let offset = owner.integer("byteOffset")?.unwrap_or(0);
        let length = owner.required_integer("byteLength")?;
        let buffer = match &self.list[buffer_idx] {
            Buffer::Present(bytes) => bytes,
            Buffer::Placeholder(placeholder_bytes) => {
                let message = format!(
                    "buffer {buffer_idx} of {placeholder_bytes} bytes is only a placeholder for compressed data"
                );
                return Err(owner.error(Code::Bounds, message));
            }
        };
        let range = offset.checked_add(length).and_then(|end| {
            let (start, end) = (usize::try_from(offset).ok()?, usize::try_from(end).ok()?);
            buffer.get(start..end)
        });
        let Some(bytes) = range else {
            let message =
                format!("the view takes {length} bytes from byte {offset} on, but the buffer has {}", buffer.len());
            return Err(owner.error(Code::Bounds, message));
        };
        Ok((bytes, offset as usize))
    }
}

impl ViewSource<'_> {
    /// The view, after decompression.
    pub(super) fn view(&self) -> View<'_> {
        let (bytes, offset) = match &self.content {
            Content::Stored { bytes, offset } => (*bytes, *offset),
            Content::Packed(_) => (&[][..], 0),
            Content::Unpacked(bytes) => (bytes.as_slice(), 0),
        };
        View { bytes, offset, stride: self.stride }
    }
}

/// The content of a `data:` URI. Every other URI is refused: a file cannot make the importer open anything.
pub(super) fn data_uri(owner: &Member<'_, '_>, uri: &str) -> Result<Vec<u8>, ImportError> {
    let refuse = |message: String| Err(owner.error_at("uri", Code::Uri, message));
    let is_data = uri.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    if !is_data {
        let message = format!("{} is not embedded in the file, and is not read", quoted(uri));
        return Err(owner.error_at("uri", Code::ExternalUri, message));
    }
    let Some((media_type, payload)) = uri[5..].split_once(',') else {
        return refuse("the data URI has no comma".to_owned());
    };
    if !media_type.to_ascii_lowercase().ends_with(";base64") {
        return refuse("the data URI is not base64".to_owned());
    }
    BASE64.decode(payload).or_else(|error| {
        refuse(match error {
            DecodeError::InvalidByte(place, byte) => {
                let found = char::from(byte).escape_default();
                format!("the data URI is not valid base64: character {} of its data is '{found}'", place + 1)
            }
            _ => "the data URI is not valid base64: its end is missing or damaged".to_owned(),
        })
    })
}
