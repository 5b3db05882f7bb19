//! The prepared scene: read-only arrays, in render space (the product's bounding sphere has radius 1 around the
//! origin).

use glam::{Vec2, Vec3, Vec4};

use crate::gpu_struct;

gpu_struct! {
    /// Render space. The frame looks along -back.
    pub struct Camera {
        /// Eye point, or the centre of the picture for parallel rays.
        pub origin: Vec3,
        /// 1: parallel rays; 0: rays through one point, or through an aperture.
        pub orthographic: u32,
        /// Unit, to the right of the picture.
        pub right: Vec3,
        /// Half the picture's width at distance 1 (pinhole) or in render units (parallel).
        pub half_width: f32,
        /// Unit, upwards.
        pub up: Vec3,
        /// Half the picture's height, as `half_width`.
        pub half_height: f32,
        /// Unit, against the viewing direction.
        pub back: Vec3,
        /// Near clip plane, perpendicular to the viewing axis.
        pub clip_near: f32,
        /// Far clip plane, perpendicular to the viewing axis.
        pub clip_far: f32,
        /// Radius of the thin lens; 0: everything is in focus.
        pub aperture_radius: f32,
        /// Distance along the viewing axis of the plane of focus; above 0 if there is an aperture.
        pub focus_depth: f32,
        /// Padding.
        pub pad0: f32,
    }

    /// Parameters of the whole picture.
    pub struct RenderParams {
        /// The camera.
        pub camera: Camera,
        /// Width of the picture in pixels.
        pub width_px: u32,
        /// Height of the picture in pixels.
        pub height_px: u32,
        /// Seed of all random numbers.
        pub seed: u32,
        /// 1: camera rays see the environment and alpha is 1; 0: alpha is coverage.
        pub environment_visible: u32,
        /// Most scattering events after the first.
        pub bounces_total: u32,
        /// Most diffuse ones.
        pub bounces_diffuse: u32,
        /// Most glossy ones.
        pub bounces_glossy: u32,
        /// Most refractions.
        pub bounces_transmission: u32,
        /// Three times the shot's clamp values; 0 is off.
        pub clamp_direct_sum: f32,
        /// As `clamp_direct_sum`, for light found later.
        pub clamp_indirect_sum: f32,
        /// Length of `lights`.
        pub n_lights: u32,
        /// How many of `lights` are rectangles; they come first, and rays can hit them.
        pub n_rects: u32,
        /// Uniform radiance, or the factor on the map.
        pub environment_radiance: Vec3,
        /// One of `ENVIRONMENT_*`.
        pub environment_kind: u32,
        /// Width of the map.
        pub environment_width_px: u32,
        /// Height of the map.
        pub environment_height_px: u32,
        /// Sine of the rotation about +Y from a world direction to the map's frame.
        pub environment_sin: f32,
        /// Cosine of that rotation.
        pub environment_cos: f32,
        /// Probability that a light sample goes to the map.
        pub environment_select: f32,
        /// First entry of the pixel filter's inverse distribution in `tables`, FILTER_STEPS + 1 long.
        pub filter_table: u32,
        /// Probability that a light sample goes to an emissive surface.
        pub emitter_select: f32,
        /// One of `FIRST_HIT_*`.
        pub first_hit: u32,
        /// Factor on the radiance of emissive surfaces: 1, or 0 if only other light counts.
        pub emission_scale: f32,
        /// Base-2 logarithm of the number of consecutive samples that a pixel has in the sequence of its block.
        pub pixel_samples_log2: u32,
        /// Sine of the rotation about the map's +X that follows the one about +Y.
        pub environment_tilt_sin: f32,
        /// Cosine of that rotation.
        pub environment_tilt_cos: f32,
        /// How much of a texel's brightness light sampling leaves to scattered rays.
        pub environment_left: f32,
        /// Unused.
        pub pad0: u32,
        /// Unused.
        pub pad1: u32,
        /// Unused.
        pub pad2: u32,
    }

    /// The surface of one primitive of one placed mesh.
    pub struct Slot {
        /// Index into `materials`.
        pub material: u32,
        /// Index of the part in the scene.
        pub part: u32,
        /// Bits, see the constants.
        pub flags: u32,
        /// `vertex_extras[extra_base + vertex]` when SLOT_HAS_EXTRAS; the addition wraps.
        pub extra_base: u32,
        /// First entry in `tables` of its relief, or 0.
        pub relief: u32,
        /// Where its triangles' entries in `bevel_index` begin, minus the first triangle; wraps.
        pub bevel: u32,
        /// How far from its edges the surface is rounded, in units of the mesh's frame; 0 if it is not.
        pub bevel_radius: f32,
        /// How a library material's pictures lie on it: first entry in `tables` of its axes, `PROJECT_BY_COORDINATES`,
        /// or 0 without such pictures.
        pub projection: u32,
    }

    /// Vertex indices of a triangle, and its slot.
    pub struct Triangle {
        /// First vertex.
        pub v0: u32,
        /// Second vertex.
        pub v1: u32,
        /// Third vertex.
        pub v2: u32,
        /// Slot relative to the instance's first.
        pub slot: u32,
    }

    /// Attributes of a vertex that every mesh has.
    pub struct Vertex {
        /// Local position.
        pub position: Vec3,
        /// u of texture set 0.
        pub uv0_u: f32,
        /// Unit local normal, zero when shaded flat.
        pub normal: Vec3,
        /// v of texture set 0.
        pub uv0_v: f32,
    }

    /// Attributes that few meshes have.
    pub struct VertexExtra {
        /// Unit local tangent; w is the sign of the bitangent.
        pub tangent: Vec4,
        /// Linear RGBA.
        pub color: Vec4,
        /// Texture set 1.
        pub uv1: Vec2,
        /// Padding.
        pub pad0: f32,
        /// Padding.
        pub pad1: f32,
    }

    /// An OpenPBR material, lowered: weights multiplied in, table offsets resolved.
    pub struct Material {
        /// base_weight x base_color; F0 of the metal.
        pub base_color: Vec3,
        /// Weight of the metal.
        pub metalness: f32,
        /// F82 tint of the metal; tint on F0 of the dielectric.
        pub specular_color: Vec3,
        /// Factor on the metal's lobe; the dielectric's is in `reflection_ior`.
        pub specular_weight: f32,
        /// Factor on the throughput at each refraction.
        pub transmission_tint: Vec3,
        /// Weight of glass in the non-metallic part.
        pub transmission_weight: f32,
        /// Absorption inside, per render unit.
        pub absorption: Vec3,
        /// GGX alpha is its square.
        pub roughness: f32,
        /// Transmittance of the coat, in both directions together.
        pub coat_color: Vec3,
        /// Coverage of the coat.
        pub coat_weight: f32,
        /// Radiance.
        pub emission: Vec3,
        /// GGX alpha is its square.
        pub coat_roughness: f32,
        /// Index of refraction for refracted rays.
        pub ior: f32,
        /// Index whose F0 is specular_weight times that of `ior`.
        pub reflection_ior: f32,
        /// Index of the coat.
        pub coat_ior: f32,
        /// Roughness of the energy-preserving Oren-Nayar model.
        pub diffuse_roughness: f32,
        /// Fraction of rays that are stopped.
        pub opacity: f32,
        /// Amount of OpenPBR's coat darkening.
        pub coat_darkening: f32,
        /// Mean Fresnel reflectance over the hemisphere at `reflection_ior`.
        pub reflection_mean: f32,
        /// As `reflection_mean`, of the coat.
        pub coat_mean: f32,
        /// Bits, see the constants.
        pub flags: u32,
        /// First entry in `tables` of the albedos of `reflection_ior`.
        pub albedo_table: u32,
        /// As `albedo_table`, of the coat.
        pub coat_albedo_table: u32,
        /// Cutoff for `MATERIAL_MASK`.
        pub alpha_cutoff: f32,
        /// Index into `textures`, or NONE.
        pub base_color_texture: u32,
        /// As `base_color_texture`.
        pub metallic_roughness_texture: u32,
        /// As `base_color_texture`.
        pub normal_texture: u32,
        /// As `base_color_texture`.
        pub emission_texture: u32,
        /// Factor on x and y of the normal map.
        pub normal_scale: f32,
        /// `TEXTURED_*` bits.
        pub textured: u32,
        /// First entry in `tables` of the albedos of brushed glass in air: seen from outside, then from inside.
        pub brushed_glass_table: u32,
        /// For glass with a subsurface beside it: the material of the medium for light that entered below the gloss;
        /// else `NONE`.
        pub twin: u32,
        /// Colour of diffuse transmission.
        pub translucent_color: Vec3,
        /// Weight of diffuse transmission.
        pub translucent_weight: f32,
        /// Scattering inside, per render unit.
        pub scattering: Vec3,
        /// Mean cosine of scattering.
        pub scattering_anisotropy: f32,
        /// Colour of fuzz or sheen.
        pub fuzz_color: Vec3,
        /// Coverage of fuzz.
        pub fuzz_weight: f32,
        /// Roughness of the fibres.
        pub fuzz_roughness: f32,
        /// First entry of its tables in `tables`.
        pub fuzz_table: u32,
        /// Reflectance of gloss at grazing angles.
        pub gloss_f90: f32,
        /// Cauchy's b in square micrometres; 0: no dispersion.
        pub dispersion: f32,
        /// Strength of anisotropy (brushed facets).
        pub anisotropy: f32,
        /// Cosine of the angle from the tangent to the brushed direction.
        pub anisotropy_cos: f32,
        /// Sine of that angle.
        pub anisotropy_sin: f32,
        /// As `anisotropy`, of the coat.
        pub coat_anisotropy: f32,
        /// Coverage of the thin film.
        pub film_weight: f32,
        /// Thickness of the film where its texture is 1, or if it has none.
        pub film_thickness_nm: f32,
        /// Thickness where the texture is 0.
        pub film_thickness_min_nm: f32,
        /// Index of the film.
        pub film_ior: f32,
        /// Of the bodies around a point, the one with the highest priority fills it.
        pub priority: u32,
        /// Factor on x and y of the coat's normal map.
        pub coat_normal_scale: f32,
        /// Index into `textures`, or NONE.
        pub coat_texture: u32,
        /// As `coat_texture`.
        pub coat_roughness_texture: u32,
        /// As `coat_texture`.
        pub coat_normal_texture: u32,
        /// As `coat_texture`.
        pub fuzz_color_texture: u32,
        /// As `coat_texture`.
        pub fuzz_roughness_texture: u32,
        /// As `coat_texture`.
        pub anisotropy_texture: u32,
        /// As `coat_texture`.
        pub transmission_texture: u32,
        /// As `coat_texture`.
        pub specular_texture: u32,
        /// As `coat_texture`.
        pub specular_color_texture: u32,
        /// As `coat_texture`.
        pub film_texture: u32,
        /// As `coat_texture`.
        pub film_thickness_texture: u32,
        /// As `coat_texture`.
        pub translucent_texture: u32,
        /// As `coat_texture`.
        pub translucent_color_texture: u32,
        /// First entry in `tables` of the albedos of brushed facets.
        pub brushed_table: u32,
        /// First entry in `tables` of the design on it, or 0.
        pub design: u32,
        /// First entry in `tables` of what facets do between any two media, of a body of glass.
        pub glass_table: u32,
        /// The material that stands for the body whose closed surface has this material and others, or `NONE`: where
        /// light enters such a body, and where it leaves, may be of different materials.
        pub shell: u32,
        /// Reflectance of gloss alone at normal incidence, over what `reflection_ior` says of it and of glass.
        pub gloss_level: f32,
        /// First entry in `tables` of what rough glass keeps in air, seen from outside, then from inside. Here as in
        /// the other fields, `NO_TABLE` where the material needs none.
        pub glass_in_air_table: u32,
        /// Padding.
        pub pad0: u32,
        /// Padding.
        pub pad1: u32,
        /// Padding.
        pub pad2: u32,
    }

    /// A use of a picture: where its texels are and how it is looked up.
    pub struct Texture {
        /// First texel in `texels`, row 0 on top.
        pub first_texel: u32,
        /// Width in texels.
        pub width_px: u32,
        /// Height in texels.
        pub height_px: u32,
        /// TEXTURE_* bits.
        pub flags: u32,
        /// First row of the matrix: uv' = rows x (u, v, 1).
        pub row_u: Vec3,
        /// Padding.
        pub pad0: f32,
        /// Second row.
        pub row_v: Vec3,
        /// Padding.
        pub pad1: f32,
    }

    /// A light that can be sampled. Rectangles come first.
    pub struct Light {
        /// Centre of the rectangle, or position of the point.
        pub position: Vec3,
        /// One of `LIGHT_*`.
        pub kind: u32,
        /// Half of the rectangle's width as a vector; `half_v` is that of its height.
        pub half_u: Vec3,
        /// Area of the rectangle.
        pub area: f32,
        /// See `half_u`.
        pub half_v: Vec3,
        /// Probability of being chosen.
        pub select: f32,
        /// Direction in which it emits.
        pub axis: Vec3,
        /// Running sum of `select` up to and including this light.
        pub select_end: f32,
        /// Radiance, intensity or irradiance.
        pub power: Vec3,
        /// Cosine at which a spot has faded to zero; `spot_scale` is 1 over the difference of cosines over which it
        /// fades.
        pub spot_cos_outer: f32,
        /// See `spot_cos_outer`.
        pub spot_scale: f32,
        /// 1: it fades like Blender's spots.
        pub spot_smooth: u32,
        /// Sine of half the angle that a directional light subtends.
        pub sun_sine: f32,
        /// Padding.
        pub pad0: f32,
    }
}
