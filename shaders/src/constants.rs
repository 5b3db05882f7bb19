//! Numbers that Rust and WGSL share. Each is declared once, here; every composed shader begins with all of them.

use std::fmt::Write as _;

/// A shared constant as it is written into the shaders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    /// Name, the same on both sides.
    pub name: &'static str,
    /// Value with its WGSL type.
    pub value: Value,
}

/// The value of a shared [`Constant`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A WGSL `u32`.
    U32(u32),
    /// A WGSL `i32`.
    I32(i32),
    /// A WGSL `f32`; finite.
    F32(f32),
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::U32(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::I32(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::F32(value)
    }
}

/// Declares constants for Rust and lists them for the composer.
macro_rules! shared_constants {
    ($($(#[$doc:meta])* pub const $name:ident: $ty:ty = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: $ty = $value;)*

        /// Every constant of this module, in order of declaration.
        pub fn all() -> Vec<Constant> {
            vec![$(Constant { name: stringify!($name), value: Value::from($name) }),*]
        }
    };
}

shared_constants! {
    /// Marks "none" wherever an index of a texture is optional.
    pub const NONE: u32 = u32::MAX;
    /// Of a table that a material does not need: no entry of `tables`, and neither is any that comes after it, so that
    /// a table that was not made cannot be taken for another.
    pub const NO_TABLE: u32 = 0x8000_0000;
    /// `Hit.instance` of a ray that hit nothing.
    pub const NO_HIT: u32 = u32::MAX;
    /// `RenderParams.environment_kind`: the same radiance from everywhere; black if there is no environment.
    pub const ENVIRONMENT_UNIFORM: u32 = 1;
    /// `RenderParams.environment_kind`: an equirectangular map.
    pub const ENVIRONMENT_MAP: u32 = 2;
    /// Bins of a cumulative table of the environment map for each step of its guide.
    pub const ENVIRONMENT_GUIDE_BINS: u32 = 2;
    /// Light sampling follows at least this fraction of the brightness of each texel of the environment map.
    pub const ENVIRONMENT_SAMPLED_AT_LEAST: f32 = 0.1;
    /// Steps of the pixel filter's inverse distribution.
    pub const FILTER_STEPS: u32 = 1024;
    /// `Slot.flags`: shade with the geometric normal.
    pub const SLOT_FLAT: u32 = 1;
    /// `Slot.flags`: the vertices have a `VertexExtra`.
    pub const SLOT_HAS_EXTRAS: u32 = 2;
    /// `Slot.flags`: light sampling covers the side that normals point to.
    pub const SLOT_SAMPLED_OUTSIDE: u32 = 4;
    /// `Slot.flags`: light sampling covers the other side.
    pub const SLOT_SAMPLED_INSIDE: u32 = 8;
    /// `Slot.flags`: the floor that the product stands on.
    pub const SLOT_FLOOR: u32 = 16;
    /// `RenderParams.first_hit`: camera rays show whatever they hit.
    pub const FIRST_HIT_ANY: u32 = 0;
    /// `RenderParams.first_hit`: where a camera ray hits the floor first, nothing is seen.
    pub const FIRST_HIT_PRODUCT: u32 = 1;
    /// `RenderParams.first_hit`: where a camera ray hits anything but the floor first, nothing is seen.
    pub const FIRST_HIT_FLOOR: u32 = 2;
    /// `EmitterNode.count`: both sides of the axis are lit.
    pub const EMITTERS_BOTH_SIDES: u32 = 1 << 31;
    /// `Material.flags`: alpha of the base colour is opacity.
    pub const MATERIAL_BLEND: u32 = 1;
    /// `Material.flags`: alpha of the base colour is compared with the cutoff.
    pub const MATERIAL_MASK: u32 = 2;
    /// `Material.flags`: emits and reflects nothing.
    pub const MATERIAL_UNLIT: u32 = 4;
    /// `Material.flags`: its glass is a thin wall without a body, which transmits light without refraction.
    pub const MATERIAL_THIN_WALLED: u32 = 8;
    /// `Material.flags`: vertex colours multiply the base colour.
    pub const MATERIAL_VERTEX_COLOR: u32 = 16;
    /// `Material.flags`: the surface of a body that light enters, so that paths track being inside.
    pub const MATERIAL_BODY: u32 = 32;
    /// `Material.flags`: light is scattered inside the body.
    pub const MATERIAL_SCATTERS: u32 = 64;
    /// `Material.flags`: from a file, so that glTF applies where it differs from OpenPBR.
    pub const MATERIAL_GLTF: u32 = 128;
    /// `Material.flags`: the coat does not follow the normal map below it.
    pub const MATERIAL_COAT_NORMAL: u32 = 256;
    /// `Material.flags`: a body that light enters and leaves diffusely.
    pub const MATERIAL_SUBSURFACE: u32 = 512;
    /// `Material.flags`: from a file in Blender's look, so that the Principled BSDF applies where it differs from
    /// OpenPBR.
    pub const MATERIAL_PRINCIPLED: u32 = 1 << 16;
    /// `Material.flags`: visible to camera rays only, like Blender's unlit surfaces.
    pub const MATERIAL_CAMERA_ONLY: u32 = 1 << 17;
    /// Guides are looked for behind at most this many mirrors and panes.
    pub const GUIDE_STEPS: u32 = 8;
    /// Bit of a ray's key: it comes from the camera.
    pub const KEY_CAMERA: u32 = 1;
    /// Bit of a ray's key: it goes towards a light, so that panes do not stop it.
    pub const KEY_SHADOW: u32 = 2;
    /// Bit of a ray's key: it stops at each surface that is not fully transparent, and opacity is decided afterwards.
    pub const KEY_EACH: u32 = 4;
    /// A shadow ray through more panes than this counts as occluded.
    pub const PANES_MAX: u32 = 32;
    /// `Material.flags`: glass of a file whose reflection has its own weight or colour.
    pub const MATERIAL_TINTED_GLASS: u32 = 1 << 19;
    /// `Material.flags`: thin-walled glass that is smooth somewhere, through which light passes straight.
    pub const MATERIAL_PANE: u32 = 1 << 18;
    /// `Material.flags`: all its lobes are mirrors: without relief, it reflects and refracts each ray in single
    /// directions, which light samples never find. Textured materials and those that scatter light inside are left out.
    pub const MATERIAL_MIRROR: u32 = 1 << 20;
    /// `Material.textured`: textures or vertex colours of the base.
    pub const TEXTURED_BASE: u32 = 1;
    /// `Material.textured`: textures of other parameters.
    pub const TEXTURED_LAYERS: u32 = 2;
    /// `Material.textured`: a design.
    pub const TEXTURED_DESIGN: u32 = 4;
    /// Kind of a design's entry in `tables`: placed by the first set of texture coordinates.
    pub const DESIGN_BY_UV0: u32 = 0;
    /// Kind of a design's entry: by the second set.
    pub const DESIGN_BY_UV1: u32 = 1;
    /// Kind of a design's entry: projected along a direction.
    pub const DESIGN_PLANAR: u32 = 2;
    /// Kind of a design's entry: laid around an axis.
    pub const DESIGN_CYLINDRICAL: u32 = 3;
    /// `Texture.flags`: looked up by the second set of coordinates.
    pub const TEXTURE_UV1: u32 = 1;
    /// `Texture.flags`: no filtering.
    pub const TEXTURE_NEAREST: u32 = 2;
    /// `Texture.flags`: every second tile along u is mirrored.
    pub const TEXTURE_MIRROR_U: u32 = 4;
    /// `Texture.flags`: the border texel continues along u.
    pub const TEXTURE_CLAMP_U: u32 = 8;
    /// `Texture.flags`: as along u.
    pub const TEXTURE_MIRROR_V: u32 = 16;
    /// `Texture.flags`: as along u.
    pub const TEXTURE_CLAMP_V: u32 = 32;
    /// `Texture.flags`: colours are filtered in their encoded form and then decoded, as Cycles does.
    pub const TEXTURE_DECODE_LAST: u32 = 1 << 16;
    /// Mode of a relief's grain: none.
    pub const GRAIN_NONE: u32 = 0;
    /// Mode of a relief's grain: around the axis.
    pub const GRAIN_CYLINDRICAL: u32 = 1;
    /// Mode of a relief's grain: along the axis, projected onto the surface.
    pub const GRAIN_PLANAR: u32 = 2;
    /// Kind of a relief's detail: scratches along the grain.
    pub const DETAIL_BRUSHED: u32 = 0;
    /// Kind of a relief's detail: rings around the axis.
    pub const DETAIL_TURNED: u32 = 1;
    /// Kind of a relief's detail: crossed ribs.
    pub const DETAIL_KNURL: u32 = 2;
    /// Kind of a relief's detail: soft waves.
    pub const DETAIL_ORANGE_PEEL: u32 = 3;
    /// Kind of a relief's detail: grain of two sizes.
    pub const DETAIL_CAST: u32 = 4;
    /// Kind of a relief's detail: fine pits.
    pub const DETAIL_BLASTED: u32 = 5;
    /// Kind of a relief's detail: crystals.
    pub const DETAIL_SPANGLE: u32 = 6;
    /// Floats of a relief's entry in `tables` before its details, and of each detail.
    pub const RELIEF_HEAD: u32 = 11;
    /// See `RELIEF_HEAD`.
    pub const RELIEF_DETAIL: u32 = 3;
    /// `Slot.projection`: textures lie by the part's own texture coordinates, which also say where tangents point.
    pub const PROJECT_BY_COORDINATES: u32 = u32::MAX;
    /// Mean square slope of three-dimensional value noise within a plane.
    pub const NOISE_SLOPE2: f32 = 0.293;
    /// `Light.kind`: a rectangle with one emissive side.
    pub const LIGHT_RECT: u32 = 0;
    /// `Light.kind`: a point.
    pub const LIGHT_POINT: u32 = 1;
    /// `Light.kind`: parallel light.
    pub const LIGHT_DIRECTIONAL: u32 = 2;
    /// `Light.kind`: a point with a cone.
    pub const LIGHT_SPOT: u32 = 3;
    /// Sets of sample numbers before the first step.
    pub const SETS_BEFORE_STEPS: u32 = 1;
    /// Sets of each step.
    pub const SETS_PER_STEP: u32 = 2;
    /// The camera's set, for the point of the lens.
    pub const SET_LENS: u32 = 0;
    /// A step's set for the lobe and the scattered direction, and for the light and the point on it; at the first step
    /// also for the position in the pixel.
    pub const SET_SCATTERING: u32 = 0;
    /// A step's set for Russian roulette and distances inside bodies, and for the wavelength that the step before
    /// chose.
    pub const SET_SURVIVAL: u32 = 1;
    /// The lobe and the scattered direction.
    pub const DRAW_BSDF: u32 = 0;
    /// The light and the point on it.
    pub const DRAW_LIGHT: u32 = 1;
    /// The position in the pixel.
    pub const DRAW_PIXEL: u32 = 2;
    /// The point of the lens.
    pub const DRAW_LENS: u32 = 3;
    /// Russian roulette, and the distance inside a body; the third number is for the wavelength.
    pub const DRAW_SURVIVAL: u32 = 4;
    /// Nodes of an albedo table along roughness and along the square root of the cosine.
    pub const ALBEDO_STEPS: u32 = 32;
    /// Entries of one albedo table.
    pub const ALBEDO_TABLE: u32 = 1024;
    /// Nodes of the table of glass between any two media over the logarithm of the ratio of their indices.
    pub const GLASS_RATIOS: u32 = 33;
    /// The largest ratio; its inverse is the smallest.
    pub const GLASS_RATIO_MAX: f32 = 4.0;
    /// Nodes of the albedo table of brushed facets over the square root of the larger alpha.
    pub const BRUSHED_ROUGHNESSES: u32 = 30;
    /// Nodes over the square root of the smaller alpha divided by the larger.
    pub const BRUSHED_RATIOS: u32 = 8;
    /// Nodes over a quarter turn from the rougher direction.
    pub const BRUSHED_AZIMUTHS: u32 = 5;
    /// Nodes over the square root of the cosine.
    pub const BRUSHED_COSINES: u32 = 20;
    /// The largest alpha, above Cycles' of roughness 1 fully brushed, √10. OpenPBR's, √2, is the 20th node.
    pub const BRUSHED_ALPHA_MAX: f32 = std::f32::consts::SQRT_2 * (29.0 * 29.0) / (19.0 * 19.0);
    /// Entries of one table of fuzz.
    pub const FUZZ_TABLE: u32 = 1024;
    /// Invocations of a workgroup.
    pub const WORKGROUP: u32 = 64;
    /// `PassParams.mode`: no path is unfinished yet; all pixels start with the pass's first sample.
    pub const PASS_BEGIN: u32 = 0;
    /// `PassParams.mode`: unfinished paths continue, and new ones start where they end.
    pub const PASS_CONTINUE: u32 = 1;
    /// `PassParams.mode`: unfinished paths continue to their ends, and no new ones start.
    pub const PASS_DRAIN: u32 = 2;
    /// First of 256 entries of `tables` that decode an sRGB byte; they follow the lossless albedos and their means.
    pub const SRGB_TABLE: u32 = 1056;
    /// Samples that are summed from zero before their sum is added to a pixel's.
    pub const GROUP_SAMPLES: u32 = 256;
    /// GGX lobes with a smaller alpha are treated as mirrors: their peak would exceed single precision.
    pub const ALPHA_SMOOTH: f32 = 0.001;
}

/// The WGSL declarations of `constants`, one line each.
pub fn declarations(constants: &[Constant]) -> String {
    let mut text = String::new();
    for Constant { name, value } in constants {
        // Writing into a `String` cannot fail.
        let _ = match value {
            Value::U32(value) => writeln!(text, "const {name}: u32 = {value}u;"),
            // The most negative integer has no literal: its digits without the sign are out of range.
            Value::I32(i32::MIN) => writeln!(text, "const {name}: i32 = -2147483647i - 1i;"),
            Value::I32(value) => writeln!(text, "const {name}: i32 = {value}i;"),
            // Rust prints the shortest digits that read back as the same number.
            Value::F32(value) => writeln!(text, "const {name}: f32 = {value:?}f;"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use naga::{Expression, Literal};

    use super::*;

    #[test]
    fn wgsl_reads_back_the_same_bits() {
        let constants = [
            Constant { name: "A", value: Value::U32(u32::MAX) },
            Constant { name: "B", value: Value::I32(i32::MIN) },
            Constant { name: "C", value: Value::I32(-7) },
            Constant { name: "D", value: Value::F32(std::f32::consts::PI) },
            Constant { name: "E", value: Value::F32(f32::MIN_POSITIVE) },
            Constant { name: "F", value: Value::F32(f32::MAX) },
            Constant { name: "G", value: Value::F32(-1e-6) },
            Constant { name: "H", value: Value::F32(2.0) },
        ];
        let module = naga::front::wgsl::parse_str(&declarations(&constants)).expect("declarations parse");
        let values: Vec<Value> = module
            .constants
            .iter()
            .map(|(_, constant)| match module.global_expressions[constant.init] {
                Expression::Literal(Literal::U32(value)) => Value::U32(value),
                Expression::Literal(Literal::I32(value)) => Value::I32(value),
                Expression::Literal(Literal::F32(value)) => Value::F32(value),
                ref other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(values, constants.map(|constant| constant.value));
    }

    #[test]
    fn every_float_is_finite() {
        for Constant { name, value } in all() {
            assert!(!matches!(value, Value::F32(value) if !value.is_finite()), "{name}");
        }
    }
}
