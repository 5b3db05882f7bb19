//! Copies of a node's mesh (`EXT_mesh_gpu_instancing`).

use glam::{DAffine3, DQuat, DVec3};

use super::ImportErrorCode as Code;
use super::accessor::{Accessor, Component, Shape};
use super::error::ImportError;
use super::member::Member;

/// Accessors with a translation, rotation and scale for each copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instancing {
    translation: Option<usize>,
    rotation: Option<usize>,
    scale: Option<usize>,
}

impl Instancing {
    /// Reads the extension of a node.
    pub(super) fn read(node: &Member<'_, '_>, accessor_count: usize) -> Result<Option<Self>, ImportError> {
        let Some(extension) = node.extension("EXT_mesh_gpu_instancing")? else { return Ok(None) };
        let Some(attributes) = extension.object("attributes")? else { return Ok(None) };
        let accessor = |name| attributes.index(name, accessor_count, "accessor");
        let (translation, rotation, scale) = (accessor("TRANSLATION")?, accessor("ROTATION")?, accessor("SCALE")?);
        // Attributes of an application alone do not say how many copies are shown, or where.
        let is_placed = translation.or(rotation).or(scale).is_some();
        Ok(is_placed.then_some(Self { translation, rotation, scale }))
    }

    /// How many copies there are. `at` is the node.
    pub(super) fn count(&self, accessors: &[Accessor<'_>], at: &str) -> Result<usize, ImportError> {
        let mut count = None;
        for (accessor, shape) in
            [(self.translation, Shape::Vec3), (self.rotation, Shape::Vec4), (self.scale, Shape::Vec3)]
        {
            let Some(accessor) = accessor.map(|idx| &accessors[idx]) else { continue };
            let is_quantized = shape == Shape::Vec4
                && accessor.normalized
                && matches!(accessor.component, Component::I8 | Component::I16);
            let is_expected = *count.get_or_insert(accessor.count) == accessor.count;
            if accessor.shape != shape || !is_expected || !(accessor.component == Component::F32 || is_quantized) {
                let message = format!(
                    "{} elements, {} of {}, cannot place copies of the mesh",
                    accessor.count, accessor.shape, accessor.component
                );
                return Err(ImportError::new(Code::Accessor, at, message));
            }
        }
        Ok(count.unwrap_or(0))
    }

    /// The transform of each copy within the node.
    pub(super) fn node_from_copies(&self, accessors: &[Accessor<'_>]) -> Result<Vec<DAffine3>, ImportError> {
        let vectors = |accessor: Option<usize>| accessor.map(|idx| (&accessors[idx], accessors[idx].decode::<3>(None)));
        let (translations, scales) = (vectors(self.translation), vectors(self.scale));
        let rotations = self.rotation.map(|idx| (&accessors[idx], accessors[idx].decode::<4>(None)));
        let count = [self.translation, self.rotation, self.scale].into_iter().flatten().next();
        let count = count.map_or(0, |idx| accessors[idx].count);
        let vector = |values: &Option<(&Accessor<'_>, Vec<[f32; 3]>)>, copy: usize, default| {
            let Some((accessor, values)) = values else { return Ok(default) };
            let value = DVec3::from_array(values[copy].map(f64::from));
            if value.is_finite() { Ok(value) } else { Err(non_finite(accessor, copy)) }
        };
        let transform = |copy: usize| {
            let rotation = match &rotations {
                None => DQuat::IDENTITY,
                Some((accessor, values)) => {
                    let rotation = DQuat::from_array(values[copy].map(f64::from));
                    if !rotation.is_finite() {
                        return Err(non_finite(accessor, copy));
                    }
                    if rotation.length() < 1e-6 {
                        let at = accessor.pointer_to_element(copy);
                        let message = "the quaternion 0, 0, 0, 0 is not a rotation";
                        return Err(ImportError::new(Code::Schema, at, message));
                    }
                    rotation.normalize()
                }
            };
            let scale = vector(&scales, copy, DVec3::ONE)?;
            let translation = vector(&translations, copy, DVec3::ZERO)?;
            Ok(DAffine3::from_scale_rotation_translation(scale, rotation, translation))
        };
        (0..count).map(transform).collect()
    }
}

fn non_finite(accessor: &Accessor<'_>, copy: usize) -> ImportError {
    let message = "the position or scale of a copy is not finite";
    ImportError::new(Code::NonFinite, accessor.pointer_to_element(copy), message)
}
