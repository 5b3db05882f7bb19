//! Looks: whose reading of a file a picture follows.
//!
//! The importer is given a [`Look`] and leaves it in the scene ([`Scene::look`](crate::scene::Scene::look)), where the lowering of materials
//! and the lights of the file find it: what was imported in one look cannot be shaded in another. `docs/looks.md` has a row for each
//! behaviour, with what the specification says and which of both is right.
//!
//! | Behaviour | Where it stands |
//! |---|---|
//! | what the importer drops, converts and defaults | `import/blender.rs` |
//! | what the shading model makes of a material | `prepare/material/principled.rs`, `MATERIAL_PRINCIPLED` in the shaders |
//! | what lights of the file are | `shot/request.rs` |
//! | how long paths get, unless somebody says so | [`Look::film`] |

use crate::shot::{Bounces, Film};

/// Lumens in a watt, by which Blender goes between candela and lux, and watts: the efficacy of green light of 555 nm.
pub const LUMENS_PER_WATT: f64 = 683.0;

/// Whose reading of a file a picture follows. Materials of a library or a shot are OpenPBR in every look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Look {
    /// The specifications of glTF and its extensions.
    #[default]
    Gltf,
    /// Blender 5.0's glTF importer and Cycles, mistakes included: for pictures that stand beside older ones.
    Blender50,
}

impl Look {
    /// All of them with the names that options and results use.
    pub const NAMES: [(&'static str, Self); 2] = [("gltf", Self::Gltf), ("blender-5.0", Self::Blender50)];

    /// The name that options and results use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gltf => "gltf",
            Self::Blender50 => "blender-5.0",
        }
    }

    /// The look of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, look)| *look)
    }

    /// `film` with the limits on paths that hold where nobody sets any. Blender's are those of a new file: 12 bounces, of them 4 diffuse
    /// and 4 glossy, and indirect light up to 10 for each path.
    pub fn film(self, film: Film) -> Film {
        match self {
            Self::Gltf => film,
            Self::Blender50 => Film {
                bounces: Bounces { total: 12, diffuse: 4, glossy: 4, transmission: 12 },
                clamp_direct: 0.0,
                clamp_indirect: 10.0,
                ..film
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_looks() {
        for (name, look) in Look::NAMES {
            assert_eq!(look.name(), name);
            assert_eq!(Look::by_name(name), Some(look));
        }
        assert_eq!(Look::by_name("blender"), None);
    }
}
