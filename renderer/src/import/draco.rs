//! Primitives compressed by `KHR_draco_mesh_compression`.
//!
//! The bitstream is decoded by the crate `draco-core`: Rust without `unsafe`, with limits on what a stream may expand
//! to. Here the extension is checked, each stream is decoded once, however many primitives refer to it, and its
//! attributes become accessors beside those of the file.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use draco_core::{DataType, DecodeLimits, DecoderBuffer, ErrorKind, Mesh, MeshDecoder, PointAttribute, PointIndex};
use rayon::prelude::*;

use super::ImportErrorCode as Code;
use super::Limits;
use super::accessor::{Accessor, Component, Shape};
use super::buffers::View;
use super::cancel::Cancel;
use super::error::ImportError;
use super::member::Member;

const EXTENSION: &str = "KHR_draco_mesh_compression";

/// What the primitives of a file declare by the extension.
#[derive(Default)]
pub(super) struct Streams {
    /// Views that hold a stream, each once, with the place that referred to it first.
    views: Vec<(usize, String)>,
    /// Accessors of the file that only describe the content of a stream.
    described: HashSet<usize>,
    /// By view and by the unique id of an attribute, the first accessor that describes it.
    descriptions: HashMap<(usize, u64), usize>,
}

/// A decoded stream.
pub(super) struct Decoded {
    view: usize,
    point_count: usize,
    /// Little-endian 32-bit indices.
    indices: Vec<u8>,
    attributes: Vec<Attribute>,
}

struct Attribute {
    unique_id: u32,
    component: Component,
    shape: Shape,
    /// Tightly packed, one element per point.
    bytes: Vec<u8>,
}

/// The indices of decoded data among the accessors.
#[derive(Default)]
pub(super) struct Accessors {
    /// By view, and by the unique id of an attribute; `None` for the indices.
    places: HashMap<(usize, Option<u32>), usize>,
}

impl Streams {
    /// Collects the declarations of all primitives.
    pub(super) fn read(root: &Member<'_, '_>, view_count: usize, accessor_count: usize) -> Result<Self, ImportError> {
        let mut streams = Self::default();
        let mut seen = HashSet::new();
        for mesh in root.items("meshes")? {
            let mesh = mesh?;
            for primitive in mesh.items("primitives")? {
                let primitive = primitive?;
                let Some(extension) = primitive.extension(EXTENSION)? else { continue };
                let view = extension.required_index("bufferView", view_count, "buffer view")?;
                if seen.insert(view) {
                    streams.views.push((view, extension.pointer()));
                }
                let packed = extension.object("attributes")?.ok_or_else(|| extension.missing("attributes"))?;
                streams.described.extend(primitive.index("indices", accessor_count, "accessor")?);
                let attributes = primitive.object("attributes")?.ok_or_else(|| primitive.missing("attributes"))?;
                for name in packed.names() {
                    let unique_id = packed.required_integer(name)?;
                    let accessor = attributes.required_index(name, accessor_count, "accessor")?;
                    streams.described.insert(accessor);
                    streams.descriptions.entry((view, unique_id)).or_insert(accessor);
                }
            }
        }
        Ok(streams)
    }

    /// Whether an accessor of the file needs no bytes of its own.
    pub(super) fn describe(&self, accessor: usize) -> bool {
        self.described.contains(&accessor)
    }

    /// Decodes every stream.
    pub(super) fn decode(
        &self,
        views: &[View<'_>],
        limits: &Limits,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Decoded>, ImportError> {
        let bytes_left = AtomicU64::new(limits.unpacked_bytes);
        let decode = |(view, at): &(usize, String)| {
            cancel.check()?;
            decode(*view, views[*view].bytes, limits, &bytes_left).map_err(|(code, message)| {
                // Which stream exceeds the limit depends on which are done first, so the error points to all meshes.
                ImportError::new(code, if code == Code::Limit { "/meshes" } else { at }, message)
            })
        };
        // Of several faults, the first in the file is reported, whichever thread finishes first.
        let decoded: Vec<Result<Decoded, ImportError>> = self.views.par_iter().map(decode).collect();
        decoded.into_iter().collect()
    }
}

type Fault = (Code, String);

fn decode(view: usize, bytes: &[u8], limits: &Limits, bytes_left: &AtomicU64) -> Result<Decoded, Fault> {
    let ceilings = DecodeLimits::default()
        .with_max_points(limits.vertices as u64)
        .with_max_faces(limits.triangles as u64)
        .with_max_decoded_bytes(limits.unpacked_bytes);
    let mut mesh = Mesh::new();
    let mut buffer = DecoderBuffer::new(bytes).with_limits(ceilings);
    MeshDecoder::new().decode(&mut buffer, &mut mesh).map_err(|error| match error.kind() {
        ErrorKind::LimitExceeded => (Code::Limit, format!("the compressed mesh is too large: {}", error.message())),
        _ => (Code::Extension, format!("the compressed mesh cannot be decoded: {error}")),
    })?;
    let point_count = mesh.num_points();
    let attributes = || (0..mesh.num_attributes()).map(|idx| mesh.attribute(idx));
    // Many points may share a value, so the output can be larger than what the decoder produced.
    let point_bytes: u64 = attributes().map(|stored| 8 * u64::from(stored.num_components())).sum();
    let bytes = (point_count as u64).saturating_mul(point_bytes).saturating_add(12 * mesh.num_faces() as u64);
    let subtracted = bytes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
    if subtracted.is_err() {
        let message =
            format!("compressed meshes become more than the limit unpacked_bytes of {}", limits.unpacked_bytes);
        return Err((Code::Limit, message));
    }
    let mut indices = Vec::with_capacity(mesh.num_faces() * 12);
    for corner in mesh.faces().iter().flatten() {
        if corner.0 as usize >= point_count {
            return Err((Code::Extension, "the compressed mesh names a point that it does not have".to_owned()));
        }
        indices.extend(corner.0.to_le_bytes());
    }
    let attributes = attributes().map(|stored| attribute(stored, point_count)).collect::<Result<_, _>>()?;
    Ok(Decoded { view, point_count, indices, attributes })
}

/// An attribute with one element per point.
fn attribute(stored: &PointAttribute, point_count: usize) -> Result<Attribute, Fault> {
    let refuse = |message: &str| Err((Code::Extension, format!("an attribute of the compressed mesh {message}")));
    let component = match stored.data_type() {
        DataType::Int8 => Component::I8,
        DataType::Uint8 => Component::U8,
        DataType::Int16 => Component::I16,
        DataType::Uint16 => Component::U16,
        DataType::Uint32 => Component::U32,
        DataType::Float32 => Component::F32,
        _ => return refuse("has a component type that glTF does not know"),
    };
    let shape = match stored.num_components() {
        1 => Shape::Scalar,
        2 => Shape::Vec2,
        3 => Shape::Vec3,
        4 => Shape::Vec4,
        _ => return refuse("has more than four components"),
    };
    let size = shape.size_bytes(component);
    let Ok(stride) = usize::try_from(stored.byte_stride()) else { return refuse("has a negative stride") };
    let values = stored.buffer().data();
    let mut bytes = Vec::with_capacity(point_count * size);
    for point in 0..point_count {
        let begin = (stored.mapped_index(PointIndex(point as u32)).0 as usize).checked_mul(stride);
        match begin.and_then(|begin| values.get(begin..begin.checked_add(size)?)) {
            Some(value) => bytes.extend(value),
            None => return refuse("has fewer values than it says"),
        }
    }
    Ok(Attribute { unique_id: stored.unique_id(), component, shape, bytes })
}

impl Accessors {
    /// Appends the decoded data to the accessors of the file.
    pub(super) fn append<'b>(streams: &Streams, decoded: &'b [Decoded], accessors: &mut Vec<Accessor<'b>>) -> Self {
        let mut places = HashMap::new();
        for stream in decoded.iter().filter(|stream| stream.point_count > 0 && !stream.indices.is_empty()) {
            let indices =
                Accessor::of_bytes(&stream.indices, Component::U32, Shape::Scalar, stream.indices.len() / 4, None);
            accessors.push(indices);
            places.insert((stream.view, None), accessors.len() - 1);
            for Attribute { unique_id, component, shape, bytes } in &stream.attributes {
                let Some(&described) = streams.descriptions.get(&(stream.view, u64::from(*unique_id))) else {
                    continue;
                };
                let description = &accessors[described];
                let decoded = Accessor::of_bytes(bytes, *component, *shape, stream.point_count, Some(description));
                accessors.push(decoded);
                places.insert((stream.view, Some(*unique_id)), accessors.len() - 1);
            }
        }
        Self { places }
    }

    /// What a primitive reads instead of the accessors that it refers to: attributes by name, and the indices. `None`
    /// for a primitive without the extension.
    pub(super) fn of_primitive<'d>(
        &self,
        primitive: &Member<'_, 'd>,
        view_count: usize,
    ) -> Result<Option<Packed<'d>>, ImportError> {
        let Some(extension) = primitive.extension(EXTENSION)? else { return Ok(None) };
        let view = extension.required_index("bufferView", view_count, "buffer view")?;
        let Some(&indices) = self.places.get(&(view, None)) else {
            return Err(extension.error(Code::Empty, "the compressed mesh has no triangles"));
        };
        let packed = extension.object("attributes")?.ok_or_else(|| extension.missing("attributes"))?;
        let mut attributes = Vec::new();
        for name in packed.names() {
            let unique_id = packed.required_integer(name)?;
            let key = u32::try_from(unique_id).ok().map(Some);
            match key.and_then(|key| self.places.get(&(view, key))) {
                Some(&accessor) => attributes.push((name, accessor)),
                None => {
                    let message = format!("the compressed mesh has no attribute {unique_id}");
                    return Err(packed.error_at(name, Code::Reference, message));
                }
            }
        }
        Ok(Some(Packed { attributes, indices }))
    }
}

/// The accessors of a compressed primitive.
pub(super) struct Packed<'d> {
    attributes: Vec<(&'d str, usize)>,
    pub(super) indices: usize,
}

impl Packed<'_> {
    /// The accessor of an attribute, if the stream holds it.
    pub(super) fn attribute(&self, name: &str) -> Option<usize> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, accessor)| *accessor)
    }
}
