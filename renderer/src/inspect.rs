//! What makes a picture wrong although the file, the materials and the shot are valid: findings for the user.
//!
//! Input: a scene with the material of each part, or a shot. Output: [`Diagnostic`]s. The import reports what follows
//! from the file alone; this module reports what depends on materials and light.

use crate::diagnostic::Diagnostic;
use crate::prepare::{PaletteEntry, PartMaterial};
use crate::scene::Scene;

pub(crate) mod bodies;
mod contact;
mod lights;
pub(crate) mod surface;
mod unseen;
mod unseen_designs;

pub use lights::weak_lights;
pub use unseen::unseen;
pub use unseen_designs::unseen_designs;

use bodies::Bodies;

/// What is wrong with parts that light enters: their surface is open, does not separate inside from outside, or
/// coincides exactly with another's. `cancelled` is polled from time to time; when it returns true, nothing is found.
///
/// # Panics
/// When `parts` is not as long as the scene's parts (or a `PerPrimitive` as the part's primitives), or names an entry
/// outside the palette; both are bugs in the caller.
pub fn bodies(
    scene: &Scene,
    palette: &[PaletteEntry],
    parts: &[PartMaterial],
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Vec<Diagnostic> {
    let own = |material: u32| scene.materials[material as usize].is_body().then_some(palette.len() as u32 + material);
    let material_of = |part: usize, primitive: usize| {
        let chosen = match &parts[part] {
            PartMaterial::Own => None,
            PartMaterial::Palette(entry) => Some(*entry),
            PartMaterial::PerPrimitive(each) => each[primitive],
        };
        match chosen {
            Some(entry) => palette[entry].openpbr.is_body().then_some(entry as u32),
            None => {
                let mesh = scene.parts[part].mesh.0 as usize;
                scene.meshes[mesh].primitives[primitive].material.and_then(|material| own(material.0))
            }
        }
    };
    Bodies::new(scene, material_of).findings(cancelled).unwrap_or_default()
}

#[cfg(test)]
mod tests;
