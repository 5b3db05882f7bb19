//! What a denoiser is told of a picture beside its noise: how much light the places that it shows give back, and where they face.

/// Guides of a picture, row 0 on top. Mirrors and glass are followed to what they show.
#[derive(Clone, Debug, PartialEq)]
pub struct Guides {
    /// Share of light that is given back, linear Rec.709, 0 to 1; black where nothing is.
    pub albedo: Vec<[f32; 3]>,
    /// Mean of the unit normals towards the viewer, in world axes; zero where nothing is.
    pub normal: Vec<[f32; 3]>,
}

impl Guides {
    /// Samples of a pixel after which guides without depth of field are nearly without noise.
    pub const SAMPLES: u32 = 16;
}
