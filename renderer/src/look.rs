//! Looks: whose reading of a file a picture follows.
//!
//! The importer gets a [`Look`] and stores it in the scene ([`Scene::look`](crate::scene::Scene::look)), from which the
//! lowering of materials and of the file's lights reads it: a scene imported in one look cannot be shaded in another.
//! `docs/looks.md` has a row for each behaviour, with what the specification says and which of the two is right.
//!
//! | Behaviour | Where it stands |
//! |---|---|
//! | what the importer drops, converts and defaults | `import/blender.rs` |
//! | what a material becomes | `prepare/material/principled.rs`, `MATERIAL_PRINCIPLED` in the shaders |
//! | what lights of the file are | `shot/request.rs` |
//! | limits on paths, unless they are given | [`Look::film`] |
//! | how light becomes colours, unless that is given | [`Look::view_transform`] |

use packshot_words::words;

use crate::shot::{Bounces, FilmSettings, ViewTransform};

/// Lumens per watt, by which Blender converts between candela or lux and watts: the efficacy of green light at 555 nm.
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
    /// The view transform of the look's pictures: base colours as catalogues print them, or those that Blender shows.
    pub fn view_transform(self) -> ViewTransform {
        match self {
            Self::Gltf => ViewTransform::KhronosNeutral,
            Self::Blender50 => ViewTransform::Agx,
        }
    }

    /// `film` with the look's default limits on paths. Blender's are those of a new file: 12 bounces, of which 4
    /// diffuse and 4 glossy, and indirect light clamped to 10 per path.
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
