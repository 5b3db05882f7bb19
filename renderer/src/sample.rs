//! Built-in sample products: something to render before any file is at hand.
//!
//! Output: a GLB made by code, whose material names are library ids, and the material map that says the same by part
//! names. Invariant: equal bytes on every call, and on every machine of one architecture.

mod bearing;
mod cage;
mod glb;
mod outline;
mod shell;
mod swatch;

use glam::DQuat;

use self::shell::Shell;

/// A sample product as files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The name by which it is requested.
    pub name: &'static str,
    /// A binary glTF 2.0 file: metres, +Y up, front towards +Z.
    pub glb: Vec<u8>,
    /// The material map (JSON, `{"parts":[{"part_name":…,"material":…}]}`); it resolves every part.
    pub material_map: String,
}

/// A sample product that can be built.
#[derive(Clone, Copy, Debug)]
pub struct SampleEntry {
    /// The name by which it is requested.
    pub name: &'static str,
    /// One line for a person.
    pub description: &'static str,
    build: fn() -> Sample,
}

impl SampleEntry {
    /// Builds it.
    pub fn build(&self) -> Sample {
        (self.build)()
    }
}

/// Every sample product.
pub fn list() -> &'static [SampleEntry] {
    &[
        SampleEntry {
            name: "bearing",
            description: "deep-groove ball bearing 6205: 25 x 52 x 15 mm, nine balls in a riveted brass cage",
            build: bearing,
        },
        SampleEntry {
            name: "swatch",
            description: "one part to see materials on: a button of 48 mm with a dome, a flat, an edge and a cylinder",
            build: swatch,
        },
    ]
}

/// The sample product of that name.
pub fn by_name(name: &str) -> Option<Sample> {
    list().iter().find(|entry| entry.name == name).map(SampleEntry::build)
}

/// A deep-groove ball bearing of size 6205 with its axis along Z.
///
/// Parts: `Outer_Ring`, `Inner_Ring`, `Cage_Front`, `Cage_Back`, `Ball_01` to `Ball_09` and `Rivet_01` to `Rivet_09`.
pub fn bearing() -> Sample {
    bearing::assembly().into_sample("bearing")
}

/// A button to see materials on, standing on the ground with its axis along Y. It has a single part, `Swatch`.
pub fn swatch() -> Sample {
    swatch::assembly().into_sample("swatch")
}

/// Meshes, and the parts that place them.
struct Assembly {
    /// Name of the node above all parts.
    name: &'static str,
    meshes: Vec<AssemblyMesh>,
    parts: Vec<AssemblyPart>,
}

struct AssemblyMesh {
    name: &'static str,
    shell: Shell,
    material: SampleMaterial,
}

struct AssemblyPart {
    name: String,
    mesh_idx: usize,
    /// From mesh to product.
    rotation: DQuat,
    /// In the product, mm.
    translation_mm: glam::DVec3,
}

/// A material of the built-in library, with factors that approximate it in viewers without the library.
#[derive(Clone, Copy, Debug, PartialEq)]
struct SampleMaterial {
    library_id: &'static str,
    /// Linear Rec.709.
    base_color: [f32; 3],
    roughness: f32,
}

impl Assembly {
    fn into_sample(self, name: &'static str) -> Sample {
        let parts: Vec<_> = self
            .parts
            .iter()
            .map(|part| {
                let material = self.meshes[part.mesh_idx].material.library_id;
                serde_json::json!({ "part_name": part.name, "material": material })
            })
            .collect();
        let material_map = format!("{:#}\n", serde_json::json!({ "parts": parts }));
        Sample { name, glb: glb::write(&self), material_map }
    }
}

#[cfg(test)]
mod tests;
