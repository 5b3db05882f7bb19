//! Poses of a mesh: morph targets added with their weights, then skinning.

use glam::{DAffine3, DMat3, DVec3, Vec3, Vec4};

use super::ImportErrorCode as Code;
use super::accessor::Accessor;
use super::cancel::Cancel;
use super::error::ImportError;
use super::findings::Findings;
use super::meshes::{MorphTarget, PlacedPrimitive, PrimitiveSource};
use crate::diagnostic::Severity;

/// How a mesh is posed.
#[derive(Clone, Copy, Default)]
pub(super) struct Deformation<'a> {
    /// Weights of the morph targets; missing ones count as 0.
    pub(super) weights: &'a [f32],
    /// Per joint, the transform from the bound mesh to the frame of the part.
    pub(super) part_from_mesh: Option<&'a [DAffine3]>,
}

/// A deformation of one primitive, with the data of its vertices.
pub(super) struct PrimitivePose<'a> {
    targets: Vec<(f32, &'a MorphTarget)>,
    accessors: &'a [Accessor<'a>],
    used: Option<&'a [u32]>,
    /// Per vertex, the weighted sum of its joints' transforms; empty without a skin.
    part_from_mesh: Vec<DAffine3>,
    cancel: Cancel<'a>,
}

impl Deformation<'_> {
    /// How many vertex values must be read for a primitive of `vertex_count`, in addition to those of the mesh itself.
    pub(super) fn cost(&self, source: &PrimitiveSource, vertex_count: usize) -> usize {
        let targets = source.targets.iter().zip(self.weights).filter(|(_, weight)| **weight != 0.0).count();
        let influences = if self.part_from_mesh.is_some() { source.influences.len() } else { 0 };
        vertex_count.saturating_mul(targets + influences)
    }
}

impl<'a> PrimitivePose<'a> {
    pub(super) fn new(
        placed: &'a PlacedPrimitive,
        deformation: &Deformation<'a>,
        accessors: &'a [Accessor<'a>],
        used: Option<&'a [u32]>,
        cancel: Cancel<'a>,
        findings: &mut Findings,
    ) -> Result<Self, ImportError> {
        let source = &placed.source;
        let weighted = source.targets.iter().zip(deformation.weights).filter(|(_, weight)| **weight != 0.0);
        let targets = weighted.map(|(target, weight)| (*weight, target)).collect();
        let part_from_mesh = match deformation.part_from_mesh.filter(|_| !source.influences.is_empty()) {
            Some(joints) => blended(placed, joints, accessors, used, cancel, findings)?,
            None => Vec::new(),
        };
        Ok(Self { targets, accessors, used, part_from_mesh, cancel })
    }

    /// Whether it moves nothing.
    pub(super) fn is_rest(&self) -> bool {
        self.targets.is_empty() && self.part_from_mesh.is_empty()
    }

    fn morph(&self, values: &mut [Vec3], accessor: impl Fn(&MorphTarget) -> Option<usize>) -> Result<(), ImportError> {
        for (weight, target) in &self.targets {
            let Some(accessor) = accessor(target) else { continue };
            self.cancel.check()?;
            for (value, delta) in values.iter_mut().zip(self.accessors[accessor].decode::<3>(self.used)) {
                *value += *weight * Vec3::from_array(delta);
            }
        }
        Ok(())
    }

    /// Deforms positions.
    pub(super) fn positions(&self, positions: &mut [Vec3]) -> Result<(), ImportError> {
        self.morph(positions, |target| target.position)?;
        for (position, part_from_mesh) in positions.iter_mut().zip(&self.part_from_mesh) {
            *position = part_from_mesh.transform_point3(position.as_dvec3()).as_vec3();
        }
        Ok(())
    }

    /// Deforms unit normals; a normal that degenerates stays as it was.
    pub(super) fn normals(&self, normals: &mut [Vec3]) -> Result<(), ImportError> {
        let before = normals.to_vec();
        self.morph(normals, |target| target.normal)?;
        for (at, normal) in normals.iter_mut().enumerate() {
            let mut moved = normal.as_dvec3();
            if let Some(part_from_mesh) = self.part_from_mesh.get(at) {
                moved = inverse_transpose(&part_from_mesh.matrix3) * moved;
            }
            *normal = moved.try_normalize().map_or(before[at], DVec3::as_vec3);
        }
        Ok(())
    }

    /// Deforms unit tangents; the fourth component stays.
    pub(super) fn tangents(&self, tangents: &mut [Vec4]) -> Result<(), ImportError> {
        let mut along: Vec<Vec3> = tangents.iter().map(|tangent| tangent.truncate()).collect();
        self.morph(&mut along, |target| target.tangent)?;
        for (at, (tangent, along)) in tangents.iter_mut().zip(along).enumerate() {
            let mut moved = along.as_dvec3();
            if let Some(part_from_mesh) = self.part_from_mesh.get(at) {
                moved = part_from_mesh.matrix3 * moved;
            }
            if let Some(unit) = moved.try_normalize() {
                *tangent = unit.as_vec3().extend(tangent.w);
            }
        }
        Ok(())
    }
}

/// The inverse transpose up to a positive factor, defined for singular transforms too.
fn inverse_transpose(linear: &DMat3) -> DMat3 {
    let [x, y, z] = [linear.x_axis, linear.y_axis, linear.z_axis];
    let cofactors = DMat3::from_cols(y.cross(z), z.cross(x), x.cross(y));
    if x.dot(y.cross(z)) < 0.0 { cofactors * -1.0 } else { cofactors }
}

/// Per vertex, the weighted sum of its joints' transforms.
fn blended(
    placed: &PlacedPrimitive,
    joints: &[DAffine3],
    accessors: &[Accessor<'_>],
    used: Option<&[u32]>,
    cancel: Cancel<'_>,
    findings: &mut Findings,
) -> Result<Vec<DAffine3>, ImportError> {
    let zero = DAffine3 { matrix3: DMat3::ZERO, translation: DVec3::ZERO };
    let vertex_count = used.map_or(accessors[placed.source.position].count, <[u32]>::len);
    let mut sums = vec![(zero, 0.0_f64); vertex_count];
    for &(joint_accessor, weight_accessor) in &placed.source.influences {
        let of_vertices = accessors[joint_accessor].decode::<4>(used).into_iter();
        let weights = accessors[weight_accessor].decode::<4>(used);
        for (vertex, (indices, weights)) in of_vertices.zip(weights).enumerate() {
            cancel.check_at(vertex)?;
            for (index, weight) in indices.into_iter().zip(weights) {
                // NaN is no weight either.
                if weight.is_nan() || weight <= 0.0 || !weight.is_finite() {
                    continue;
                }
                let Some(joint) = joints.get(index as usize) else {
                    let element = used.map_or(vertex, |used| used[vertex] as usize);
                    let message = format!("joint {index} is used, but there are {}, numbered from 0", joints.len());
                    let at = accessors[joint_accessor].pointer_to_element(element);
                    return Err(ImportError::new(Code::Index, at, message));
                };
                let weight = f64::from(weight);
                let (sum, total) = &mut sums[vertex];
                sum.matrix3 += joint.matrix3 * weight;
                sum.translation += joint.translation * weight;
                *total += weight;
            }
        }
    }
    let loose = sums.iter().filter(|(_, total)| *total == 0.0).count();
    if loose > 0 {
        let message = format!("{loose} vertices have no weight on any joint; they follow the first one");
        findings.add_once("skin_weights", Severity::Warning, placed.place.pointer(), message);
    }
    let finished = |(sum, total): (DAffine3, f64)| match total > 0.0 {
        // Weights should add up to 1; quantized ones do nearly.
        true => DAffine3 { matrix3: sum.matrix3 * total.recip(), translation: sum.translation / total },
        false => joints[0],
    };
    Ok(sums.into_iter().map(finished).collect())
}
