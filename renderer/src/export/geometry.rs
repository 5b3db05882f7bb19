//! The arrays of primitives: which attributes are written, and how equal vertices become one.

use std::cmp::Ordering;

use glam::{DMat3, DVec3, Vec2, Vec3, Vec4};
use packshot_materials::library::Tangent;
use packshot_simplify as simplify;
use serde_json::{Map, Value};

use super::chunks::Chunks;
use super::grain::Grain;
use crate::scene::{Mesh, Primitive, TextureRef};

/// A set of texture coordinates as it is written: transformed here, because a transform in the file would take an
/// extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Coordinates {
    /// 0 or 1.
    pub(super) set: u32,
    /// The bits of the rows of the matrix, where it is not the identity.
    uv_from_uv: Option<[[u32; 3]; 2]>,
}

impl Coordinates {
    /// Those of a use of a texture.
    pub(super) fn of(texture: &TextureRef) -> Self {
        let is_identity = texture.uv_from_uv == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let bits = texture.uv_from_uv.map(|row| row.map(f32::to_bits));
        Self { set: texture.uv_set, uv_from_uv: (!is_identity).then_some(bits) }
    }

    /// A set as it is.
    pub(super) const fn as_stored(set: u32) -> Self {
        Self { set, uv_from_uv: None }
    }

    fn apply(self, uv: Vec2) -> [f32; 2] {
        match self.uv_from_uv {
            None => uv.to_array(),
            Some(rows) => rows.map(|row| {
                let [u, v, offset] = row.map(f32::from_bits);
                u * uv.x + v * uv.y + offset
            }),
        }
    }
}

/// Where tangents come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tangents {
    /// There are none.
    None,
    /// From the scene.
    Stored,
    /// From the grain of a library material.
    OfGrain(Tangent),
}

/// Which attributes of a primitive are written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Layout {
    pub(super) normals: bool,
    pub(super) tangents: Tangents,
    pub(super) coordinates: Vec<Coordinates>,
    pub(super) colors: bool,
}

/// One primitive to be written; of primitives that are merged, all.
#[derive(Clone, Debug)]
pub(super) struct Arrays {
    pub(super) positions: Vec<[f32; 3]>,
    pub(super) normals: Option<Vec<[f32; 3]>>,
    pub(super) tangents: Option<Vec<[f32; 4]>>,
    pub(super) uvs: Vec<Vec<[f32; 2]>>,
    pub(super) colors: Option<Vec<[f32; 4]>>,
    pub(super) triangles: Vec<[u32; 3]>,
}

impl Arrays {
    pub(super) fn new(layout: &Layout) -> Self {
        Self {
            positions: Vec::new(),
            normals: layout.normals.then(Vec::new),
            tangents: (layout.tangents != Tangents::None).then(Vec::new),
            uvs: vec![Vec::new(); layout.coordinates.len()],
            colors: layout.colors.then(Vec::new),
            triangles: Vec::new(),
        }
    }

    /// Adds a primitive of a mesh in this layout, multiplied with `baked`.
    pub(super) fn append(&mut self, mesh: &Mesh, primitive: &Primitive, layout: &Layout, baked: Option<DMat3>) {
        let first = self.positions.len() as u32;
        let linear = baked.unwrap_or(DMat3::IDENTITY);
        let is_mirrored = linear.determinant() < 0.0;
        let place = |position: &Vec3| match baked {
            None => position.to_array(),
            Some(linear) => (linear * position.as_dvec3()).as_vec3().to_array(),
        };
        self.positions.extend(primitive.positions.iter().map(place));
        if let Some(normals) = &mut self.normals {
            let of_normals = linear.inverse().transpose();
            normals.extend(primitive.normals.iter().map(|normal| match baked {
                None => normal.to_array(),
                Some(_) => (of_normals * normal.as_dvec3()).normalize_or(DVec3::Z).as_vec3().to_array(),
            }));
        }
        if let Some(tangents) = &mut self.tangents {
            let of_grain: Vec<Vec4>;
            let own = match layout.tangents {
                Tangents::OfGrain(tangent) => {
                    let grain = Grain::of(mesh, tangent);
                    let vertices = primitive.positions.iter().zip(&primitive.normals);
                    of_grain = vertices.map(|(at, normal)| Vec4::from(grain.tangent(*at, *normal))).collect();
                    &of_grain
                }
                Tangents::Stored | Tangents::None => &primitive.tangents,
            };
            tangents.extend(own.iter().map(|tangent: &Vec4| match baked {
                None => tangent.to_array(),
                Some(linear) => {
                    let along = (linear * tangent.truncate().as_dvec3()).normalize_or(DVec3::X).as_vec3();
                    along.extend(if is_mirrored { -tangent.w } else { tangent.w }).to_array()
                }
            }));
        }
        for (uvs, coordinates) in self.uvs.iter_mut().zip(&layout.coordinates) {
            uvs.extend(primitive.uvs[coordinates.set as usize].iter().map(|&uv| coordinates.apply(uv)));
            // A texture without coordinates shows its first texel.
            uvs.resize(self.positions.len(), [0.0; 2]);
        }
        if let Some(colors) = &mut self.colors {
            // glTF has none beyond 1.
            colors.extend(primitive.colors.iter().map(|color| color.clamp(Vec4::ZERO, Vec4::ONE).to_array()));
        }
        self.triangles.extend(primitive.triangles.iter().map(|&[a, b, c]| {
            let [b, c] = if is_mirrored { [c, b] } else { [b, c] };
            [a, b, c].map(|corner| first + corner)
        }));
    }

    /// Makes one vertex of those that are equal in every attribute, and leaves out triangles without area and vertices
    /// without triangles.
    pub(super) fn weld(&mut self) {
        let mut order: Vec<u32> = (0..self.positions.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| self.compare(a as usize, b as usize).then(a.cmp(&b)));
        let mut first_of = vec![0; order.len()];
        for pair in order.chunk_by(|&a, &b| self.compare(a as usize, b as usize) == Ordering::Equal) {
            pair.iter().for_each(|&vertex| first_of[vertex as usize] = pair[0]);
        }
        let positions = &self.positions;
        self.triangles.iter_mut().for_each(|triangle| *triangle = triangle.map(|corner| first_of[corner as usize]));
        self.triangles.retain(|triangle| {
            let [a, b, c] = triangle.map(|corner| Vec3::from(positions[corner as usize]).as_dvec3());
            (b - a).cross(c - a) != DVec3::ZERO
        });
        self.keep_used();
    }

    /// What simplification sees.
    pub(super) fn surface(&self) -> simplify::Primitive<'_> {
        simplify::Primitive { positions: &self.positions, normals: self.normals.as_deref(), triangles: &self.triangles }
    }

    /// Leaves out vertices without triangles; the others stay in their order.
    pub(super) fn keep_used(&mut self) {
        let mut is_used = vec![false; self.positions.len()];
        self.triangles.as_flattened().iter().for_each(|&corner| is_used[corner as usize] = true);
        let mut n_used = 0;
        let new_of: Vec<u32> = is_used
            .iter()
            .map(|&is_used| {
                n_used += u32::from(is_used);
                n_used.wrapping_sub(1)
            })
            .collect();
        self.triangles.iter_mut().for_each(|triangle| *triangle = triangle.map(|corner| new_of[corner as usize]));
        fn keep<T>(values: &mut Vec<T>, is_used: &[bool]) {
            let mut used = is_used.iter();
            values.retain(|_| *used.next().unwrap_or(&false));
        }
        keep(&mut self.positions, &is_used);
        self.normals.iter_mut().for_each(|normals| keep(normals, &is_used));
        self.tangents.iter_mut().for_each(|tangents| keep(tangents, &is_used));
        self.uvs.iter_mut().for_each(|uvs| keep(uvs, &is_used));
        self.colors.iter_mut().for_each(|colors| keep(colors, &is_used));
    }

    /// An order of vertices in which those are equal whose attributes are.
    fn compare(&self, a: usize, b: usize) -> Ordering {
        fn bits<const N: usize>(values: &[[f32; N]], a: usize, b: usize) -> Ordering {
            // 0 and -0 are the same place.
            let [a, b] = [values[a], values[b]].map(|value| value.map(|component| (component + 0.0).to_bits()));
            a.cmp(&b)
        }
        let of = |order: Ordering, next: &dyn Fn() -> Ordering| order.then_with(next);
        let order = bits(&self.positions, a, b);
        let order = of(order, &|| self.normals.as_ref().map_or(Ordering::Equal, |normals| bits(normals, a, b)));
        let order = of(order, &|| self.tangents.as_ref().map_or(Ordering::Equal, |tangents| bits(tangents, a, b)));
        let order = of(order, &|| self.colors.as_ref().map_or(Ordering::Equal, |colors| bits(colors, a, b)));
        self.uvs.iter().fold(order, |order, uvs| order.then_with(|| bits(uvs, a, b)))
    }

    /// Writes the attributes; their accessors by their names.
    pub(super) fn write(&self, chunks: &mut Chunks) -> Value {
        let mut accessors = Map::new();
        let mut add = |name: String, accessor: usize| _ = accessors.insert(name, accessor.into());
        add("POSITION".to_owned(), chunks.push_positions(&self.positions));
        if let Some(normals) = &self.normals {
            add("NORMAL".to_owned(), chunks.push_vectors(normals));
        }
        if let Some(tangents) = &self.tangents {
            add("TANGENT".to_owned(), chunks.push_vectors(tangents));
        }
        for (set, uvs) in self.uvs.iter().enumerate() {
            add(format!("TEXCOORD_{set}"), chunks.push_vectors(uvs));
        }
        if let Some(colors) = &self.colors {
            add("COLOR_0".to_owned(), chunks.push_vectors(colors));
        }
        accessors.into()
    }
}

/// The diagonal of the bounds of a mesh, in its own unit; 0 without vertices.
pub(super) fn diagonal(arrays: &[Arrays]) -> f64 {
    let positions = arrays.iter().flat_map(|of_group| &of_group.positions).map(|&position| Vec3::from(position));
    let bounds = positions.fold([Vec3::INFINITY, Vec3::NEG_INFINITY], |[min, max], at| [min.min(at), max.max(at)]);
    let [min, max] = bounds.map(Vec3::as_dvec3);
    if min.x <= max.x { (max - min).length() } else { 0.0 }
}
