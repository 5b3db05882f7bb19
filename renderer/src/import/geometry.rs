//! Makes the triangles of one primitive from its accessors.

use glam::{DVec3, Vec2, Vec3, Vec4};

use super::ImportErrorCode as Code;
use super::accessor::{Accessor, Shape};
use super::cancel::Cancel;
use super::deformation::{Deformation, PrimitivePose};
use super::error::ImportError;
use super::findings::Findings;
use super::meshes::PlacedPrimitive;
use super::{astray, smooth, tangents};
use crate::diagnostic::Severity;
use crate::scene::Primitive;

/// The result for one primitive.
pub(super) struct Built {
    /// Its triangles; `None` where none is left. The material is not set.
    pub(super) primitive: Option<Primitive>,
    /// How many triangles without area were left out.
    pub(super) degenerate_count: usize,
}

/// Attributes that are computed where the file does not have them, or the look does not use the file's.
#[derive(Clone, Copy)]
pub(super) struct Computed {
    /// Whether the file's tangents are used.
    pub(super) keeps_tangents: bool,
    /// The set of texture coordinates that tangents are computed for.
    pub(super) tangent_uv_set: Option<usize>,
    /// The angle up to which neighbouring triangles share a normal; 0 for none.
    pub(super) smooth_deg: f64,
}

/// Decodes a primitive and poses it.
pub(super) fn build(
    primitive: &PlacedPrimitive,
    deformation: &Deformation<'_>,
    accessors: &[Accessor<'_>],
    Computed { keeps_tangents, tangent_uv_set, smooth_deg }: Computed,
    cancel: Cancel<'_>,
    findings: &mut Findings,
) -> Result<Built, ImportError> {
    cancel.check()?;
    let PlacedPrimitive { source, place } = primitive;
    let vertex_count = accessors[source.position].count;
    let Topology { mut triangles, used } = topology(primitive, accessors, vertex_count, findings)?;
    let used = used.as_deref();
    cancel.check()?;
    let mut positions = positions(&accessors[source.position], used, findings)?;
    let pose = PrimitivePose::new(primitive, deformation, accessors, used, cancel, findings)?;
    if !pose.is_rest() {
        pose.positions(&mut positions)?;
        if !positions.iter().all(|position| position.is_finite()) {
            let message = "the pose moves vertices to infinity";
            return Err(ImportError::new(Code::NonFinite, place.pointer(), message));
        }
    }

    let triangle_count = triangles.len();
    triangles.retain(|triangle| has_area(triangle.map(|corner| positions[corner as usize])));
    let degenerate_count = triangle_count - triangles.len();
    if degenerate_count > 0 {
        let message = format!("{degenerate_count} of {triangle_count} triangles have no area and are left out");
        findings.add("degenerate_triangles", Severity::Info, place.pointer(), message);
    }
    if triangles.is_empty() {
        return Ok(Built { primitive: None, degenerate_count });
    }

    cancel.check()?;
    let mut normals = match source.normal {
        Some(normal) => normals(&accessors[normal], used, &positions, &triangles, findings),
        None => {
            let message = match smooth_deg {
                0.0 => "the surface has no normals and is shaded flat: export normals, or set the angle up to which edges are \
                        shaded smooth (--smooth-deg; smooth_deg in requests), such as 30"
                    .to_owned(),
                _ => format!("the surface has no normals; it is shaded smooth where faces meet at up to {smooth_deg}°"),
            };
            findings.add("missing_normals", Severity::Warning, place.pointer(), message);
            Vec::new()
        }
    };
    cancel.check()?;
    // If the file has no normals, its tangents are ignored (glTF 2.0 section 3.7.2.1).
    let mut tangents = match source.tangent {
        Some(tangent) if keeps_tangents && !normals.is_empty() => file_tangents(&accessors[tangent], used, findings),
        _ => Vec::new(),
    };
    if !pose.is_rest() {
        pose.normals(&mut normals)?;
        pose.tangents(&mut tangents)?;
    }
    let uvs = source.uvs.map(|uv| uv.map(|uv| texture_coordinates(&accessors[uv], used, findings)).unwrap_or_default());
    let colors = source.color.map(|color| colors(&accessors[color], used, findings)).unwrap_or_default();
    let mut primitive = Primitive { positions, normals, tangents, uvs, colors, triangles, material: None };
    if primitive.normals.is_empty() && smooth_deg > 0.0 {
        smooth::shade(&mut primitive, smooth_deg, cancel)?;
    }
    let astray_count = astray::shade_flat(&mut primitive);
    if astray_count > 0 {
        let triangle_count = primitive.triangles.len();
        let message = format!(
            "{astray_count} of {triangle_count} triangles have normals both in front and behind, and are shaded flat"
        );
        findings.add("normals_astray", Severity::Info, place.pointer(), message);
    }
    if let Some(uv_set) = tangent_uv_set
        && primitive.tangents.is_empty()
        && !primitive.uvs[uv_set].is_empty()
    {
        cancel.check()?;
        tangents::compute(&mut primitive, uv_set);
    }
    Ok(Built { primitive: Some(primitive), degenerate_count })
}

/// The triangles of a primitive, and which vertices of its accessors they use.
struct Topology {
    /// Corners are indices into the used vertices.
    triangles: Vec<[u32; 3]>,
    /// Indices of the used vertices, increasing; `None` for all.
    used: Option<Vec<u32>>,
}

/// Thousands of primitives may share one large vertex array, so the cost must depend on the indices only.
fn topology(
    PlacedPrimitive { source, place }: &PlacedPrimitive,
    accessors: &[Accessor<'_>],
    vertex_count: usize,
    findings: &mut Findings,
) -> Result<Topology, ImportError> {
    let Some(indices) = source.indices else {
        let vertices: Vec<u32> = (0..vertex_count as u32).collect();
        let (triangles, rest) = source.topology.triangles(&vertices);
        note_rest(rest, || format!("{}/attributes/POSITION", place.pointer()), findings);
        return Ok(Topology { triangles, used: None });
    };
    let accessor = &accessors[indices];
    let mut indices = accessor.indices();
    if let Some(element) = indices.iter().position(|&index| index as usize >= vertex_count) {
        let message = format!("vertex {} is used, but there are {vertex_count}, numbered from 0", indices[element]);
        return Err(ImportError::new(Code::Index, accessor.pointer_to_element(element), message));
    }
    if let Some(element) = indices.iter().position(|&index| Some(index) == accessor.component.restart_index()) {
        let message = format!(
            "index {} would restart the primitive in graphics interfaces; it is taken as a vertex",
            indices[element]
        );
        findings.add_once("restart_index", Severity::Warning, accessor.pointer_to_element(element), message);
    }
    let used = used_vertices(&indices, vertex_count);
    if let Some(used) = &used {
        for index in &mut indices {
            // Every index is in the list by construction.
            *index = used.binary_search(index).unwrap_or_default() as u32;
        }
    }
    let (triangles, rest) = source.topology.triangles(&indices);
    note_rest(rest, || format!("{}/indices", place.pointer()), findings);
    Ok(Topology { triangles, used })
}

fn note_rest(rest: usize, at: impl FnOnce() -> String, findings: &mut Findings) {
    if rest > 0 {
        let message = format!("the last {rest} indices do not make a whole triangle and are left out");
        findings.add("index_count", Severity::Warning, at(), message);
    }
}

/// The vertices that occur in `indices`, increasing; `None` where all `vertex_count` do.
fn used_vertices(indices: &[u32], vertex_count: usize) -> Option<Vec<u32>> {
    // Marking costs a byte per vertex, sorting a few steps per index.
    let used = if indices.len() < vertex_count / 16 {
        let mut used = indices.to_vec();
        used.sort_unstable();
        used.dedup();
        used
    } else {
        let mut is_used = vec![false; vertex_count];
        for &index in indices {
            is_used[index as usize] = true;
        }
        (0..vertex_count as u32).filter(|&vertex| is_used[vertex as usize]).collect()
    };
    (used.len() < vertex_count).then_some(used)
}

/// The number of the `place`-th used vertex in its accessor.
fn element(used: Option<&[u32]>, place: usize) -> usize {
    used.map_or(place, |used| used[place] as usize)
}

fn positions(accessor: &Accessor<'_>, used: Option<&[u32]>, findings: &mut Findings) -> Result<Vec<Vec3>, ImportError> {
    let positions: Vec<Vec3> = accessor.decode::<3>(used).into_iter().map(Vec3::from_array).collect();
    if let Some(place) = positions.iter().position(|position| !position.is_finite()) {
        let message = format!("the position {} is not finite: the part has no shape", positions[place]);
        return Err(ImportError::new(Code::NonFinite, accessor.pointer_to_element(element(used, place)), message));
    }
    check_bounds(accessor, used, &positions, findings);
    Ok(positions)
}

/// Compares the stored bounds with the positions. They are never used here, but wrong ones mislead other programs.
fn check_bounds(accessor: &Accessor<'_>, used: Option<&[u32]>, positions: &[Vec3], findings: &mut Findings) {
    let (Some(stored_min), Some(stored_max)) = (&accessor.min, &accessor.max) else {
        let message = "the positions have no min and max; these are computed";
        findings.add_once("bounds_missing", Severity::Info, accessor.pointer(), message);
        return;
    };
    // Bounds refer to stored integers and to all vertices, so they cannot be compared with quantized or selected
    // positions.
    if used.is_some() || accessor.component != super::accessor::Component::F32 {
        return;
    }
    let min = positions.iter().fold(Vec3::INFINITY, |min, &position| min.min(position));
    let max = positions.iter().fold(Vec3::NEG_INFINITY, |max, &position| max.max(position));
    // Exporters round; an error of a thousandth of the size is invisible.
    let size = f64::from((max - min).max_element());
    let magnitude = f64::from(max.abs().max(min.abs()).max_element());
    let tolerance = size * 1e-3 + magnitude * 1e-6;
    let agrees = |stored: &[f64], computed: Vec3| {
        let is_close = |(stored, computed): (&f64, f32)| (stored - f64::from(computed)).abs() <= tolerance;
        stored.len() == 3 && stored.iter().zip(computed.to_array()).all(is_close)
    };
    for (name, stored, computed) in [("max", stored_max, max), ("min", stored_min, min)] {
        if !agrees(stored, computed) {
            let at = format!("{}/{name}", accessor.pointer());
            let message = format!("the stored bound is {stored:?}, the positions give {computed}");
            findings.add_once("bounds_wrong", Severity::Warning, at, message);
            return;
        }
    }
}

/// Twice the area, as a vector along the normal, in double precision so that no triangle under- or overflows.
fn area_vector(corners: [Vec3; 3]) -> DVec3 {
    let [a, b, c] = corners.map(Vec3::as_dvec3);
    (b - a).cross(c - a)
}

fn has_area(corners: [Vec3; 3]) -> bool {
    area_vector(corners) != DVec3::ZERO
}

/// The file's normals, normalised. Empty, as if there were none, if none is usable.
fn normals(
    accessor: &Accessor<'_>,
    used: Option<&[u32]>,
    positions: &[Vec3],
    triangles: &[[u32; 3]],
    findings: &mut Findings,
) -> Vec<Vec3> {
    let mut bad = Vec::new();
    let mut first_non_finite = None;
    let mut normals = Vec::with_capacity(positions.len());
    for (place, normal) in accessor.decode::<3>(used).into_iter().enumerate() {
        let normal = Vec3::from_array(normal).as_dvec3();
        let unit = normal.normalize_or_zero().as_vec3();
        if unit == Vec3::ZERO {
            bad.push(place);
            if !normal.is_finite() {
                first_non_finite.get_or_insert(place);
            }
        }
        normals.push(unit);
    }
    if bad.is_empty() {
        return normals;
    }
    if let Some(place) = first_non_finite {
        let at = accessor.pointer_to_element(element(used, place));
        findings.add_once("non_finite_values", Severity::Warning, at, "normals that are not finite are recomputed");
    } else {
        let message = format!("{} normals of length 0 are recomputed", bad.len());
        findings.add_once("zero_normals", Severity::Warning, accessor.pointer(), message);
    }
    if bad.len() == normals.len() {
        return Vec::new();
    }
    let mut sums = vec![DVec3::ZERO; positions.len()];
    for triangle in triangles {
        let area = area_vector(triangle.map(|corner| positions[corner as usize]));
        for corner in triangle {
            sums[*corner as usize] += area;
        }
    }
    for place in bad {
        // A vertex whose triangles cancel or were all dropped has no direction; any unit vector will do.
        normals[place] = sums[place].normalize_or(DVec3::Z).as_vec3();
    }
    normals
}

/// The file's tangents; empty where one is unusable.
fn file_tangents(accessor: &Accessor<'_>, used: Option<&[u32]>, findings: &mut Findings) -> Vec<Vec4> {
    let mut tangents = Vec::new();
    for (place, [x, y, z, sign]) in accessor.decode::<4>(used).into_iter().enumerate() {
        let unit = DVec3::new(x.into(), y.into(), z.into()).normalize_or_zero().as_vec3();
        if unit == Vec3::ZERO || !sign.is_finite() {
            let at = accessor.pointer_to_element(element(used, place));
            findings.add_once(
                "non_finite_values",
                Severity::Warning,
                at,
                "a tangent has no direction; all tangents are recomputed",
            );
            return Vec::new();
        }
        tangents.push(unit.extend(if sign < 0.0 { -1.0 } else { 1.0 }));
    }
    tangents
}

fn texture_coordinates(accessor: &Accessor<'_>, used: Option<&[u32]>, findings: &mut Findings) -> Vec<Vec2> {
    let mut uvs: Vec<Vec2> = accessor.decode::<2>(used).into_iter().map(Vec2::from_array).collect();
    replace_non_finite(accessor, used, &mut uvs, |uv| uv.is_finite(), Vec2::ZERO, findings);
    uvs
}

fn colors(accessor: &Accessor<'_>, used: Option<&[u32]>, findings: &mut Findings) -> Vec<Vec4> {
    let mut colors: Vec<Vec4> = match accessor.shape {
        Shape::Vec3 => accessor.decode::<3>(used).into_iter().map(|rgb| Vec3::from_array(rgb).extend(1.0)).collect(),
        _ => accessor.decode::<4>(used).into_iter().map(Vec4::from_array).collect(),
    };
    replace_non_finite(accessor, used, &mut colors, |color| color.is_finite(), Vec4::ONE, findings);
    let mut first_outside = None;
    for (place, color) in colors.iter_mut().enumerate() {
        let clamped = color.clamp(Vec4::ZERO, Vec4::ONE);
        if clamped != *color {
            first_outside.get_or_insert((place, *color));
            *color = clamped;
        }
    }
    if let Some((place, color)) = first_outside {
        let at = accessor.pointer_to_element(element(used, place));
        let message = format!("the vertex colour {color} is outside the range from 0 to 1; such colours are clamped");
        findings.add_once("vertex_color_clamped", Severity::Warning, at, message);
    }
    colors
}

fn replace_non_finite<T: Copy>(
    accessor: &Accessor<'_>,
    used: Option<&[u32]>,
    values: &mut [T],
    is_finite: impl Fn(&T) -> bool,
    replacement: T,
    findings: &mut Findings,
) {
    let mut first = None;
    for (place, value) in values.iter_mut().enumerate() {
        if !is_finite(value) {
            first.get_or_insert(place);
            *value = replacement;
        }
    }
    if let Some(place) = first {
        let at = accessor.pointer_to_element(element(used, place));
        findings.add_once("non_finite_values", Severity::Warning, at, "values that are not finite are replaced");
    }
}
