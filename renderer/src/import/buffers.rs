//! Buffers and buffer views: which bytes an accessor or an image may read.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::ImportErrorCode as Code;
use super::error::{ImportError, quoted};
use super::findings::Findings;
use super::member::Member;
use crate::diagnostic::Severity;

/// Exporters write data URIs with and without the padding characters.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of all buffers, each exactly as long as it says.
pub(super) struct Buffers<'b> {
    bytes: Vec<Cow<'b, [u8]>>,
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

impl<'b> Buffers<'b> {
    /// Reads `/buffers`. `bin` is the binary chunk of the container.
    pub(super) fn read(
        root: &Member<'_, '_>,
        bin: Option<&'b [u8]>,
        findings: &mut Findings,
    ) -> Result<Self, ImportError> {
        let mut bytes = Vec::new();
        for (buffer_idx, buffer) in root.items("buffers")?.enumerate() {
            let buffer = buffer?;
            let length = buffer.required_integer("byteLength")?;
            let mut data = match buffer.text("uri")? {
                Some(uri) => Cow::Owned(data_uri(&buffer, uri)?),
                None if buffer_idx == 0 => match bin {
                    Some(bin) => Cow::Borrowed(bin),
                    None => return Err(buffer.error(Code::Chunk, "a buffer without URI, but there is no binary chunk")),
                },
                None => return Err(buffer.error(Code::Schema, "only the first buffer may be without URI")),
            };
            let available = data.len();
            let Some(length) = usize::try_from(length).ok().filter(|&length| length <= available) else {
                let message = format!("the buffer says {length} bytes, there are {available}");
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
            bytes.push(data);
        }
        Ok(Self { bytes })
    }

    /// Reads `/bufferViews`.
    pub(super) fn views(&'b self, root: &Member<'_, '_>) -> Result<Vec<View<'b>>, ImportError> {
        root.items("bufferViews")?.map(|view| self.view(&view?)).collect()
    }

    fn view(&'b self, view: &Member<'_, '_>) -> Result<View<'b>, ImportError> {
        let buffer_idx = view.required_index("buffer", self.bytes.len(), "buffer")?;
        let offset = view.integer("byteOffset")?.unwrap_or(0);
        let length = view.required_integer("byteLength")?;
        let stride = view.integer("byteStride")?;
        if stride.is_some_and(|stride| !(4..=252).contains(&stride)) {
            return Err(view.error_at("byteStride", Code::Schema, "the stride must be from 4 to 252"));
        }
        let buffer = &self.bytes[buffer_idx];
        let range = offset.checked_add(length).and_then(|end| {
            let (start, end) = (usize::try_from(offset).ok()?, usize::try_from(end).ok()?);
            buffer.get(start..end)
        });
        let Some(bytes) = range else {
            let message = format!("{length} bytes from byte {offset} on, the buffer has {}", buffer.len());
            return Err(view.error(Code::Bounds, message));
        };
        Ok(View { bytes, offset: offset as usize, stride: stride.map(|stride| stride as usize) })
    }
}

/// The content of a `data:` URI. Every other address is refused: nothing is opened because a file says so.
pub(super) fn data_uri(owner: &Member<'_, '_>, uri: &str) -> Result<Vec<u8>, ImportError> {
    let refuse = |message: String| Err(owner.error_at("uri", Code::Uri, message));
    let is_data = uri.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    if !is_data {
        let message = format!("the address {} is not followed", quoted(uri));
        return Err(owner.error_at("uri", Code::ExternalUri, message));
    }
    let Some((media_type, payload)) = uri[5..].split_once(',') else {
        return refuse("a data URI without a comma".to_owned());
    };
    if !media_type.to_ascii_lowercase().ends_with(";base64") {
        return refuse("a data URI that is not base64".to_owned());
    }
    BASE64.decode(payload).or_else(|error| refuse(format!("the data URI is no base64: {error}")))
}
