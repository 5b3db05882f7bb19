//! What can be said of a material, drawn at random, and what its specification says that follows for its energy. This
//! is written from glTF 2.0, its extensions and OpenPBR 1.1, not from how materials are prepared.

use packshot_materials::openpbr::{Color, OpenPbr};
use packshot_renderer::scene::{
    AlphaMode, Anisotropy, DielectricReflection, DiffuseTransmission, SceneMaterial, Sheen, TextureRef,
};

use super::Reading;

/// A reproducible sequence of random numbers (SplitMix64).
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(0x2545_F491_4F6C_DD1D))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[(self.next() % of.len() as u64) as usize]
    }

    fn happens(&mut self, probability: f64) -> bool {
        self.next() as f64 / u64::MAX as f64 <= probability
    }

    /// Often an end of the range, where materials change their kind.
    fn unit(&mut self) -> f32 {
        self.one_of(&[0.0, 0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 1.0])
    }

    /// A weight that is not nothing.
    fn weight(&mut self) -> f32 {
        self.one_of(&[0.2, 0.5, 1.0, 1.0])
    }

    /// White more often than not.
    fn color(&mut self) -> Color {
        self.one_of(&[[1.0; 3], [1.0; 3], [1.0; 3], [0.9, 0.5, 0.1]])
    }

    fn ior(&mut self) -> f32 {
        self.one_of(&[1.0, 1.1, 1.33, 1.5, 1.8, 2.4, 4.0])
    }

    /// Two texels of scalars.
    fn scalars(&mut self) -> Texels {
        std::array::from_fn(|_| std::array::from_fn(|_| self.one_of(&[0, 0, 128, 255, 255])))
    }

    /// Two texels of a colour; any alpha.
    fn colors(&mut self) -> Texels {
        std::array::from_fn(|_| {
            let [r, g, b] = self.one_of(&[[255; 3], [255; 3], [230, 120, 20]]);
            [r, g, b, self.one_of(&[0, 128, 255, 255])]
        })
    }
}

/// The texels of a texture of two by one.
pub(crate) type Texels = [[u8; 4]; 2];

/// One thing that is said of a material, which is white, smooth plastic otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Member {
    BaseColor(Color),
    BaseColorTexture(Texels),
    DiffuseRoughness(f32),
    Roughness(f32),
    Metalness(f32),
    MetallicRoughnessTexture(Texels),
    Ior(f32),
    SpecularWeight(f32),
    SpecularWeightTexture(Texels),
    SpecularColor(Color),
    SpecularColorTexture(Texels),
    Anisotropy { strength: f32, rotation_rad: f32 },
    AnisotropyTexture(Texels),
    Transmission(f32),
    TransmissionTexture(Texels),
    ThinWalled,
    Volume { color: Color, depth_m: f32 },
    Scatter { color: Color, anisotropy: f32 },
    Dispersion(f32),
    DiffuseTransmission { weight: f32, color: Color },
    DiffuseTransmissionTexture(Texels),
    Subsurface { weight: f32, color: Color, radius_m: f32 },
    Sheen { color: Color, roughness: f32 },
    SheenColorTexture(Texels),
    SheenRoughnessTexture(Texels),
    Fuzz { weight: f32, color: Color, roughness: f32 },
    Coat { weight: f32, roughness: f32 },
    CoatTexture(Texels),
    CoatRoughnessTexture(Texels),
    CoatColor(Color),
    CoatIor(f32),
    CoatDarkening(f32),
    CoatAnisotropy(f32),
    CoatNormal { texel: [u8; 4], scale: f32 },
    Film { weight: f32, thickness_um: f32 },
    NormalMap { texel: [u8; 4], scale: f32 },
    Coverage(f32),
}

use Member as M;

/// A material that says some of what it can.
pub(crate) fn drawn(draw: &mut Draw, reading: Reading) -> Vec<Member> {
    let normal = |draw: &mut Draw| {
        let texel = draw.one_of(&[[128, 128, 255, 255], [200, 128, 220, 255], [240, 60, 160, 255]]);
        (texel, draw.one_of(&[0.5, 1.0, 2.0]))
    };
    let mut all = vec![
        M::BaseColor(draw.color()),
        M::Roughness(draw.unit()),
        M::Metalness(draw.unit()),
        M::Ior(draw.ior()),
        M::SpecularWeight(draw.unit()),
        M::SpecularColor(draw.color()),
        M::Anisotropy { strength: draw.unit(), rotation_rad: draw.one_of(&[0.0, 0.4]) },
        M::Transmission(draw.weight()),
        M::Transmission(1.0),
        M::ThinWalled,
        M::Volume { color: draw.color(), depth_m: draw.one_of(&[0.2, 1.0]) },
        M::Scatter { color: draw.color(), anisotropy: draw.one_of(&[-0.5, 0.0, 0.6]) },
        M::Dispersion(draw.one_of(&[0.2, 1.0])),
        M::Coat { weight: draw.weight(), roughness: draw.unit() },
        M::Film { weight: draw.weight(), thickness_um: draw.one_of(&[0.1, 0.4]) },
        M::Coverage(draw.one_of(&[0.1, 0.4])),
    ];
    if reading == Reading::Library {
        all.extend([
            M::DiffuseRoughness(draw.unit()),
            M::Subsurface { weight: draw.weight(), color: draw.color(), radius_m: draw.one_of(&[0.3, 2.0]) },
            M::Fuzz { weight: draw.weight(), color: draw.color(), roughness: draw.unit() },
            M::CoatColor(draw.color()),
            M::CoatIor(draw.one_of(&[1.2, 1.6, 2.0])),
            M::CoatDarkening(draw.unit()),
            M::CoatAnisotropy(draw.unit()),
        ]);
    } else {
        let (texel, scale) = normal(draw);
        let (coat_texel, coat_scale) = normal(draw);
        all.extend([
            M::BaseColorTexture(draw.colors()),
            M::MetallicRoughnessTexture(draw.scalars()),
            M::SpecularWeightTexture(draw.scalars()),
            M::SpecularColorTexture(draw.colors()),
            M::AnisotropyTexture(draw.scalars()),
            M::TransmissionTexture(draw.scalars()),
            M::DiffuseTransmission { weight: draw.weight(), color: draw.color() },
            M::DiffuseTransmissionTexture(draw.colors()),
            M::Sheen { color: draw.color(), roughness: draw.unit() },
            M::SheenColorTexture(draw.colors()),
            M::SheenRoughnessTexture(draw.scalars()),
            M::CoatTexture(draw.scalars()),
            M::CoatRoughnessTexture(draw.scalars()),
            M::CoatNormal { texel: coat_texel, scale: coat_scale },
            M::NormalMap { texel, scale },
        ]);
    }
    let probability = draw.one_of(&[0.1, 0.25, 0.5]);
    all.retain(|_| draw.happens(probability));
    all
}

/// The material of a file; `texture` keeps the texels of one.
pub(crate) fn of_file(members: &[Member], mut texture: impl FnMut(&Texels) -> Option<TextureRef>) -> SceneMaterial {
    let mut out = SceneMaterial { openpbr: of_library(members), ..SceneMaterial::default() };
    out.openpbr.specular_weight = 1.0;
    out.openpbr.specular_color = [1.0; 3];
    out.openpbr.specular_roughness_anisotropy = 0.0;
    out.openpbr.coat_darkening = 0.0;
    let ior = out.openpbr.specular_ior;
    out.dielectric = DielectricReflection { f0: ((ior - 1.0) / (ior + 1.0)).powi(2), ..out.dielectric };
    for member in members {
        match *member {
            M::SpecularWeight(weight) => out.dielectric.weight = weight,
            M::SpecularColor(color) => out.dielectric.color = color,
            M::Anisotropy { strength, rotation_rad } => out.anisotropy = Anisotropy { strength, rotation_rad },
            M::DiffuseTransmission { weight, color } => {
                out.diffuse_transmission = DiffuseTransmission { weight, color }
            }
            M::Sheen { color, roughness } => out.sheen = Sheen { color, roughness },
            M::BaseColorTexture(texels) => out.textures.base_color = texture(&texels),
            M::MetallicRoughnessTexture(texels) => out.textures.metallic_roughness = texture(&texels),
            M::SpecularWeightTexture(texels) => out.textures.specular_weight = texture(&texels),
            M::SpecularColorTexture(texels) => out.textures.specular_color = texture(&texels),
            M::AnisotropyTexture(texels) => out.textures.anisotropy = texture(&texels),
            M::TransmissionTexture(texels) => out.textures.transmission = texture(&texels),
            M::DiffuseTransmissionTexture(texels) => out.textures.diffuse_transmission_color = texture(&texels),
            M::SheenColorTexture(texels) => out.textures.sheen_color = texture(&texels),
            M::SheenRoughnessTexture(texels) => out.textures.sheen_roughness = texture(&texels),
            M::CoatTexture(texels) => out.textures.coat_weight = texture(&texels),
            M::CoatRoughnessTexture(texels) => out.textures.coat_roughness = texture(&texels),
            M::CoatNormal { texel, scale } => {
                (out.textures.coat_normal, out.textures.coat_normal_scale) = (texture(&[texel; 2]), scale);
            }
            M::NormalMap { texel, scale } => {
                (out.textures.normal, out.textures.normal_scale) = (texture(&[texel; 2]), scale);
            }
            M::Coverage(_) => out.alpha = AlphaMode::Blend,
            _ => {}
        }
    }
    out
}

/// The material of a library.
pub(crate) fn of_library(members: &[Member]) -> OpenPbr {
    let mut out = OpenPbr { base_color: [1.0; 3], specular_roughness: 0.0, ..OpenPbr::default() };
    for member in members {
        match *member {
            M::BaseColor(color) => out.base_color = color,
            M::DiffuseRoughness(roughness) => out.base_diffuse_roughness = roughness,
            M::Roughness(roughness) => out.specular_roughness = roughness,
            M::Metalness(metalness) => out.base_metalness = metalness,
            M::Ior(ior) => out.specular_ior = ior,
            M::SpecularWeight(weight) => out.specular_weight = weight,
            M::SpecularColor(color) => out.specular_color = color,
            M::Anisotropy { strength, .. } => out.specular_roughness_anisotropy = strength,
            M::Transmission(weight) => out.transmission_weight = weight,
            M::ThinWalled => out.geometry_thin_walled = true,
            M::Volume { color, depth_m } => (out.transmission_color, out.transmission_depth) = (color, depth_m),
            M::Scatter { color, anisotropy } => {
                out.transmission_scatter = color;
                out.transmission_scatter_anisotropy = anisotropy;
                out.transmission_depth = out.transmission_depth.max(0.2);
            }
            M::Dispersion(scale) => out.transmission_dispersion_scale = scale,
            M::Subsurface { weight, color, radius_m } => {
                (out.subsurface_weight, out.subsurface_color, out.subsurface_radius) = (weight, color, radius_m);
            }
            M::Fuzz { weight, color, roughness } => {
                (out.fuzz_weight, out.fuzz_color, out.fuzz_roughness) = (weight, color, roughness);
            }
            M::Coat { weight, roughness } => (out.coat_weight, out.coat_roughness) = (weight, roughness),
            M::CoatColor(color) => out.coat_color = color,
            M::CoatIor(ior) => out.coat_ior = ior,
            M::CoatDarkening(darkening) => out.coat_darkening = darkening,
            M::CoatAnisotropy(strength) => out.coat_roughness_anisotropy = strength,
            M::Film { weight, thickness_um } => {
                (out.thin_film_weight, out.thin_film_thickness) = (weight, thickness_um)
            }
            M::Coverage(coverage) => out.geometry_opacity = coverage,
            _ => {}
        }
    }
    out
}

/// What the specification says of a material's energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finding {
    /// It absorbs nothing.
    Lossless,
    /// It may absorb.
    Absorbing,
}

/// From the specification: what is said that can take light away.
pub(crate) fn judged(members: &[Member], reading: Reading) -> Finding {
    const WHITE: Color = [1.0; 3];
    let is_white = |texels: &Texels| texels.iter().all(|texel| texel[..3] == [255; 3]);
    let has = |test: fn(&Member) -> bool| members.iter().any(test);
    let metallic = has(|member| matches!(member, M::Metalness(metalness) if *metalness > 0.0));
    // A texture of a file multiplies a factor that is 0 here unless it is said.
    let may_absorb = |member: &Member| match member {
        M::BaseColor(color) | M::SpecularColor(color) | M::CoatColor(color) => *color != WHITE,
        M::BaseColorTexture(texels) | M::SpecularColorTexture(texels) => !is_white(texels),
        M::Volume { color, .. } | M::Subsurface { color, .. } => *color != WHITE,
        // Extinction by the colour alone is raised to what scatters.
        M::Scatter { color, .. } => *color != WHITE,
        M::DiffuseTransmission { color, .. } | M::Sheen { color, .. } | M::Fuzz { color, .. } => *color != WHITE,
        M::DiffuseTransmissionTexture(texels) | M::SheenColorTexture(texels) => !is_white(texels),
        // OpenPBR's weight scales the metal itself.
        M::SpecularWeight(weight) => metallic && *weight < 1.0 && reading == Reading::Library,
        // A film colours what a metal reflects; mixed facets of a coat, normals that are not the surface's, and high
        // indices that are rough are not judged.
        M::Film { .. } | M::NormalMap { .. } | M::CoatNormal { .. } => true,
        M::Ior(ior) => *ior > 2.5,
        _ => false,
    };
    if members.iter().any(may_absorb) { Finding::Absorbing } else { Finding::Lossless }
}
