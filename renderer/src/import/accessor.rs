//! Accessors: typed, possibly interleaved, normalized or sparse arrays in the buffers (glTF 2.0 section 3.6.2).
//!
//! [`read_all`] checks every accessor of the file against its bytes; after that, decoding cannot run out of bounds.
//! Values are read bytewise, so alignment does not matter.

use std::fmt;

use super::ImportErrorCode as Code;
use super::Limits;
use super::buffers::View;
use super::error::{ImportError, quoted};
use super::findings::Findings;
use super::member::Member;
use crate::diagnostic::Severity;

/// The type of one component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Component {
    I8,
    U8,
    I16,
    U16,
    U32,
    F32,
}

impl Component {
    fn from_gl(code: u64) -> Option<Self> {
        Some(match code {
            5120 => Self::I8,
            5121 => Self::U8,
            5122 => Self::I16,
            5123 => Self::U16,
            5125 => Self::U32,
            5126 => Self::F32,
            _ => return None,
        })
    }

    /// The index that restarts a strip or fan in graphics APIs, which glTF 2.0 section 3.7.2.1 rules out.
    pub(super) fn restart_index(self) -> Option<u32> {
        match self {
            Self::U8 => Some(u8::MAX.into()),
            Self::U16 => Some(u16::MAX.into()),
            Self::U32 => Some(u32::MAX),
            Self::I8 | Self::I16 | Self::F32 => None,
        }
    }

    fn size_bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::U32 | Self::F32 => 4,
        }
    }
}

/// The `type` of an accessor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Scalar,
    Vec2,
    Vec3,
    Vec4,
    Mat2,
    Mat3,
    Mat4,
}

impl fmt::Display for Component {
    /// The plural noun, for use in a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I8 => "signed bytes",
            Self::U8 => "bytes",
            Self::I16 => "signed 16-bit integers",
            Self::U16 => "16-bit integers",
            Self::U32 => "32-bit integers",
            Self::F32 => "floats",
        })
    }
}

impl fmt::Display for Shape {
    /// The word that the file uses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "SCALAR",
            Self::Vec2 => "VEC2",
            Self::Vec3 => "VEC3",
            Self::Vec4 => "VEC4",
            Self::Mat2 => "MAT2",
            Self::Mat3 => "MAT3",
            Self::Mat4 => "MAT4",
        })
    }
}

impl Shape {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "SCALAR" => Self::Scalar,
            "VEC2" => Self::Vec2,
            "VEC3" => Self::Vec3,
            "VEC4" => Self::Vec4,
            "MAT2" => Self::Mat2,
            "MAT3" => Self::Mat3,
            "MAT4" => Self::Mat4,
            _ => return None,
        })
    }

    /// Bytes of one element. Columns of matrices start at multiples of four bytes.
    pub(super) fn size_bytes(self, component: Component) -> usize {
        let size = component.size_bytes();
        match self {
            Self::Scalar => size,
            Self::Vec2 => 2 * size,
            Self::Vec3 => 3 * size,
            Self::Vec4 => 4 * size,
            Self::Mat2 => 2 * (2 * size).next_multiple_of(4),
            Self::Mat3 => 3 * (3 * size).next_multiple_of(4),
            Self::Mat4 => 4 * (4 * size).next_multiple_of(4),
        }
    }
}

/// Elements at regular distances, checked to lie inside their bytes.
#[derive(Clone, Copy)]
struct Elements<'b> {
    bytes: &'b [u8],
    stride: usize,
}

/// Elements that replace some of the others.
struct Sparse<'b> {
    /// Strictly increasing, each below the accessor's count.
    indices: Vec<u32>,
    values: Elements<'b>,
}

/// A checked accessor.
pub(super) struct Accessor<'b> {
    /// Its index, for messages; `None` for one that was made of compressed data.
    idx: Option<usize>,
    pub(super) component: Component,
    pub(super) shape: Shape,
    pub(super) normalized: bool,
    pub(super) count: usize,
    /// The stored minimum, as stored.
    pub(super) min: Option<Vec<f64>>,
    /// The stored maximum, as stored.
    pub(super) max: Option<Vec<f64>>,
    /// `None`: all zeros.
    elements: Option<Elements<'b>>,
    sparse: Option<Sparse<'b>>,
}

/// Reads `/accessors`. Those for which `is_described` holds need no bytes: they describe data that is stored elsewhere.
pub(super) fn read_all<'b>(
    root: &Member<'_, '_>,
    views: &[View<'b>],
    is_described: impl Fn(usize) -> bool,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<Vec<Accessor<'b>>, ImportError> {
    let read = |(idx, member): (usize, Result<Member<'_, '_>, ImportError>)| {
        read(idx, &member?, views, is_described(idx), limits, findings)
    };
    root.items("accessors")?.enumerate().map(read).collect()
}

fn read<'b>(
    idx: usize,
    member: &Member<'_, '_>,
    views: &[View<'b>],
    is_described: bool,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<Accessor<'b>, ImportError> {
    let view_idx = member.index("bufferView", views.len(), "buffer view")?;
    let code = member.required_integer("componentType")?;
    let component = Component::from_gl(code)
        .ok_or_else(|| member.error_at("componentType", Code::Schema, format!("{code} is not a component type")))?;
    let name = member.text("type")?.ok_or_else(|| member.missing("type"))?;
    let shape = Shape::from_name(name)
        .ok_or_else(|| member.error_at("type", Code::Schema, format!("{} is not an accessor type", quoted(name))))?;
    let mut count = member.required_integer("count")?;
    if count == 0 {
        return Err(member.error_at("count", Code::Schema, "an accessor has at least one element"));
    }
    let zeros_max = limits.zero_elements;
    let elements = match view_idx {
        Some(view_idx) => {
            let offset = member.integer("byteOffset")?.unwrap_or(0);
            Some(checked_elements(member, views, view_idx, offset, component, shape, count)?)
        }
        // If it is read nevertheless, it gives no more zeros than any other accessor may.
        None if is_described => {
            count = count.min(zeros_max as u64);
            None
        }
        None if count > zeros_max as u64 => {
            let message = format!("{count} elements without data are more than the limit zero_elements of {zeros_max}");
            return Err(member.error_at("count", Code::Limit, message));
        }
        None => None,
    };
    // Either the bytes of every element are present, or the limit applies: the count fits the address space.
    let count = count as usize;
    if let (Some(view_idx), Some(elements)) = (view_idx, &elements) {
        let start = views[view_idx].offset + (views[view_idx].bytes.len() - elements.bytes.len());
        let is_aligned = |bytes: usize| bytes.is_multiple_of(component.size_bytes());
        if !is_aligned(start) || !is_aligned(elements.stride) {
            let message = "the elements are not aligned to their components; they are read bytewise";
            findings.add("accessor_misaligned", Severity::Info, member.pointer(), message);
        }
    }
    let sparse = match member.object("sparse")? {
        Some(sparse) => Some(read_sparse(&sparse, views, component, shape, count)?),
        None => None,
    };
    Ok(Accessor {
        idx: Some(idx),
        component,
        shape,
        normalized: member.flag("normalized")?,
        count,
        min: member.number_list("min")?,
        max: member.number_list("max")?,
        elements,
        sparse,
    })
}

fn checked_elements<'b>(
    member: &Member<'_, '_>,
    views: &[View<'b>],
    view_idx: usize,
    offset: u64,
    component: Component,
    shape: Shape,
    count: u64,
) -> Result<Elements<'b>, ImportError> {
    let view = views[view_idx];
    let size = shape.size_bytes(component);
    let stride = view.stride.unwrap_or(size);
    if stride < size {
        let at = format!("/bufferViews/{view_idx}/byteStride");
        let message = format!("a stride of {stride} bytes for elements of {size}: they overlap");
        return Err(ImportError::new(Code::Bounds, at, message));
    }
    let end = (count - 1)
        .checked_mul(stride as u64)
        .and_then(|last| last.checked_add(size as u64))
        .and_then(|length| length.checked_add(offset));
    match end {
        Some(end) if end <= view.bytes.len() as u64 => Ok(Elements { bytes: &view.bytes[offset as usize..], stride }),
        _ => {
            let message = format!(
                "{count} elements of {size} bytes from byte {offset} on do not fit into buffer view {view_idx} of {} bytes",
                view.bytes.len()
            );
            Err(member.error(Code::Bounds, message))
        }
    }
}

fn read_sparse<'b>(
    sparse: &Member<'_, '_>,
    views: &[View<'b>],
    component: Component,
    shape: Shape,
    element_count: usize,
) -> Result<Sparse<'b>, ImportError> {
    let count = sparse.required_integer("count")?;
    if count == 0 || count > element_count as u64 {
        let message = format!("{count} replacements in an accessor of {element_count} elements");
        return Err(sparse.error_at("count", Code::Sparse, message));
    }
    let places = sparse.object("indices")?.ok_or_else(|| sparse.missing("indices"))?;
    let code = places.required_integer("componentType")?;
    let index_component = match Component::from_gl(code) {
        Some(component @ (Component::U8 | Component::U16 | Component::U32)) => component,
        _ => {
            return Err(places.error_at(
                "componentType",
                Code::Schema,
                format!("{code} is not a type of sparse indices"),
            ));
        }
    };
    let index_view = places.required_index("bufferView", views.len(), "buffer view")?;
    let offset = places.integer("byteOffset")?.unwrap_or(0);
    let bytes = checked_elements(&places, views, index_view, offset, index_component, Shape::Scalar, count)?;
    let indices = integers(bytes, index_component, count as usize);
    for (element, index) in indices.iter().enumerate() {
        if *index as usize >= element_count {
            let message = format!("replacement {element} is for element {index} of {element_count}");
            return Err(places.error(Code::Sparse, message));
        }
        if element > 0 && indices[element - 1] >= *index {
            return Err(places.error(Code::Sparse, format!("the indices do not increase at replacement {element}")));
        }
    }
    let values = sparse.object("values")?.ok_or_else(|| sparse.missing("values"))?;
    let value_view = values.required_index("bufferView", views.len(), "buffer view")?;
    let offset = values.integer("byteOffset")?.unwrap_or(0);
    let values = checked_elements(&values, views, value_view, offset, component, shape, count)?;
    Ok(Sparse { indices, values })
}

/// The first `count` elements as integers; floats are not read this way.
fn integers(elements: Elements<'_>, component: Component, count: usize) -> Vec<u32> {
    let starts = elements.bytes.chunks(elements.stride).take(count);
    match component {
        Component::U8 | Component::I8 => starts.map(|bytes| u32::from(bytes[0])).collect(),
        Component::U16 | Component::I16 => {
            starts.map(|bytes| u32::from(u16::from_le_bytes([bytes[0], bytes[1]]))).collect()
        }
        Component::U32 | Component::F32 => {
            starts.map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
        }
    }
}

impl<'b> Accessor<'b> {
    /// An accessor for decompressed bytes, tightly packed and long enough, described by the one in the file.
    pub(super) fn of_bytes(
        bytes: &'b [u8],
        component: Component,
        shape: Shape,
        count: usize,
        description: Option<&Self>,
    ) -> Self {
        let elements = Some(Elements { bytes, stride: shape.size_bytes(component) });
        Self {
            idx: description.and_then(|description| description.idx),
            component,
            shape,
            normalized: description.is_some_and(|description| description.normalized),
            count,
            min: description.and_then(|description| description.min.clone()),
            max: description.and_then(|description| description.max.clone()),
            elements,
            sparse: None,
        }
    }
}

impl Accessor<'_> {
    /// Its JSON pointer.
    pub(super) fn pointer(&self) -> String {
        self.idx.map_or_else(|| "compressed data".to_owned(), |idx| format!("/accessors/{idx}"))
    }

    /// The JSON pointer of one element.
    pub(super) fn pointer_to_element(&self, element: usize) -> String {
        format!("{}, element {element}", self.pointer())
    }

    /// All elements as vertex indices. The component type must be one that [`Self::is_index`] allows.
    pub(super) fn indices(&self) -> Vec<u32> {
        let mut indices = match self.elements {
            Some(elements) => integers(elements, self.component, self.count),
            None => vec![0; self.count],
        };
        if let Some(sparse) = &self.sparse {
            let values = integers(sparse.values, self.component, sparse.indices.len());
            for (at, value) in sparse.indices.iter().zip(values) {
                indices[*at as usize] = value;
            }
        }
        indices
    }

    /// Whether this is an accessor of vertex indices.
    pub(super) fn is_index(&self) -> bool {
        self.shape == Shape::Scalar
            && !self.normalized
            && matches!(self.component, Component::U8 | Component::U16 | Component::U32)
    }

    /// Decodes the elements named by `selection` (increasing, each below the count), or all without one. `N` must not
    /// exceed the shape's number of components. Normalized integers become -1 to 1 or 0 to 1 (glTF 2.0 section 3.11).
    pub(super) fn decode<const N: usize>(&self, selection: Option<&[u32]>) -> Vec<[f32; N]> {
        let length = selection.map_or(self.count, <[_]>::len);
        let mut values = match self.elements {
            Some(elements) => self.decode_elements(elements, selection, length),
            None => vec![[0.0; N]; length],
        };
        if let Some(sparse) = &self.sparse {
            let replacements = self.decode_elements(sparse.values, None, sparse.indices.len());
            for (element, replacement) in sparse.indices.iter().zip(replacements) {
                let place = match selection {
                    Some(selection) => selection.binary_search(element).ok(),
                    None => Some(*element as usize),
                };
                if let Some(place) = place {
                    values[place] = replacement;
                }
            }
        }
        values
    }

    fn decode_elements<const N: usize>(
        &self,
        elements: Elements<'_>,
        selection: Option<&[u32]>,
        length: usize,
    ) -> Vec<[f32; N]> {
        // Division, not multiplication by a reciprocal: 1 must come out as exactly 1.
        match (self.component, self.normalized) {
            (Component::F32, _) => gather(elements, selection, length, f32::from_le_bytes),
            (Component::U32, _) => gather(elements, selection, length, |bytes| u32::from_le_bytes(bytes) as f32),
            (Component::I8, true) => {
                gather(elements, selection, length, |bytes| (f32::from(i8::from_le_bytes(bytes)) / 127.0).max(-1.0))
            }
            (Component::I8, false) => gather(elements, selection, length, |bytes| f32::from(i8::from_le_bytes(bytes))),
            (Component::U8, true) => {
                gather(elements, selection, length, |bytes| f32::from(u8::from_le_bytes(bytes)) / 255.0)
            }
            (Component::U8, false) => gather(elements, selection, length, |bytes| f32::from(u8::from_le_bytes(bytes))),
            (Component::I16, true) => {
                gather(elements, selection, length, |bytes| (f32::from(i16::from_le_bytes(bytes)) / 32767.0).max(-1.0))
            }
            (Component::I16, false) => {
                gather(elements, selection, length, |bytes| f32::from(i16::from_le_bytes(bytes)))
            }
            (Component::U16, true) => {
                gather(elements, selection, length, |bytes| f32::from(u16::from_le_bytes(bytes)) / 65535.0)
            }
            (Component::U16, false) => {
                gather(elements, selection, length, |bytes| f32::from(u16::from_le_bytes(bytes)))
            }
        }
    }
}

/// Reads `N` components of `SIZE` bytes of each element.
fn gather<const N: usize, const SIZE: usize>(
    elements: Elements<'_>,
    selection: Option<&[u32]>,
    length: usize,
    component: impl Fn([u8; SIZE]) -> f32,
) -> Vec<[f32; N]> {
    let read = |element: usize| -> [f32; N] {
        let bytes = &elements.bytes[element * elements.stride..][..N * SIZE];
        let (parts, _) = bytes.as_chunks::<SIZE>();
        std::array::from_fn(|axis| component(parts[axis]))
    };
    match selection {
        Some(selection) => selection.iter().map(|&element| read(element as usize)).collect(),
        None => (0..length).map(read).collect(),
    }
}
