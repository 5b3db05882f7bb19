//! Looks: whose reading of a file a picture follows.
//!
//! The importer is given a [`Look`] and leaves it in the scene ([`Scene::look`](crate::scene::Scene::look)), where the
//! lowering of materials and the lights of the file find it: what was imported in one look cannot be shaded in another.
//! `docs/looks.md` has a row for each behaviour, with what the specification says and which of both is right.
//!
//! | Behaviour | Where it stands |
//! |---|---|
//! | what the importer drops, converts and defaults | `import/blender.rs` |
//! | what a material becomes | `prepare/material/principled.rs`, `MATERIAL_PRINCIPLED` in the shaders |
//! | what lights of the file are | `shot/request.rs` |
//! | how long paths get, unless somebody says so | [`Look::film`] |

use packshot_words::words;

use crate::shot::{Bounces, FilmSettings};

/// Lumens in a watt, by which Blender goes between candela and lux, and watts: the efficacy of green light of 555 nm.
pub const LUMENS_PER_WATT: f64 = 683.0;

words! {
    /// Whose reading of a file a picture follows. Materials of a library or a shot are OpenPBR in every look.
    #[derive(Default)]
    pub enum Look {
        /// As the specifications of glTF and its extensions say
        #[default]
        Gltf = "gltf",
        /// As Blender 5.0's importer and Cycles show it, mistakes included
        Blender50 = "blender-5.0",
    }
}

impl Look {
    /// `film` with the limits on paths that hold where nobody sets any. Blender's are those of a new file: 12 bounces,
    /// of them 4 diffuse and 4 glossy, and indirect light up to 10 for each path.
    pub fn film(self, film: FilmSettings) -> FilmSettings {
        match self {
            Self::Gltf => film,
            Self::Blender50 => FilmSettings {
                bounces: Bounces { total: 12, diffuse: 4, glossy: 4, transmission: 12 },
                clamp_direct: 0.0,
                clamp_indirect: 10.0,
                ..film
            },
        }
    }
}
