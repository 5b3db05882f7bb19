// The prepared scene as both backends see it: read-only arrays in render space (the product's bounding sphere has
// radius 1 around the origin). Every struct here has a Rust twin of the same name in `shaders/src/layout/`.
#import lib/camera
#import lib/ray

// Parameters of the whole picture.
struct RenderParams {
    camera: Camera,
    width_px: u32,
    height_px: u32,
    seed: u32,
    // 1: camera rays see the environment and alpha is 1; 0: alpha is coverage.
    environment_visible: u32,
    bounces_total: u32,
    bounces_diffuse: u32,
    bounces_glossy: u32,
    bounces_transmission: u32,
    // Three times the shot's clamp values; 0 is off.
    clamp_direct_sum: f32,
    clamp_indirect_sum: f32,
    n_lights: u32,
    // How many of `lights` are rectangles; they come first, and rays can hit them.
    n_rects: u32,
    // Uniform radiance, or the factor on the map.
    environment_radiance: vec3f,
    environment_kind: u32,
    environment_width_px: u32,
    environment_height_px: u32,
    // Rotation about +Y from a world direction to the map's frame.
    environment_sin: f32,
    environment_cos: f32,
    // Probability that a light sample goes to the map.
    environment_select: f32,
    // First entry of the pixel filter's inverse distribution in `tables`, FILTER_STEPS + 1 long.
    filter_table: u32,
    // Probability that a light sample goes to an emissive surface.
    emitter_select: f32,
    // One of FIRST_HIT_*.
    first_hit: u32,
    // Factor on the radiance of emissive surfaces.
    emission_scale: f32,
    pixel_samples_log2: u32,
    // Rotation about the map's +X that follows the one about +Y.
    environment_tilt_sin: f32,
    environment_tilt_cos: f32,
    // How much of a texel's brightness light sampling leaves to scattered rays.
    environment_left: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

// A placed mesh (or a group of parts baked into one).
struct Instance {
    // Rows of the 3x4 affine transforms.
    local_from_world_0: vec4f,
    local_from_world_1: vec4f,
    local_from_world_2: vec4f,
    world_from_local_0: vec4f,
    world_from_local_1: vec4f,
    world_from_local_2: vec4f,
    bvh_root: u32,
    // `slots[slot_base + Triangle.slot]` is the triangle's surface.
    slot_base: u32,
    // 1, or -1 for a mirrored placement.
    handedness: f32,
    pad0: u32,
}

// The surface of one primitive of one placed mesh.
struct Slot {
    material: u32,
    // Index of the part in the scene.
    part: u32,
    flags: u32,
    // `vertex_extras[extra_base + vertex]` when SLOT_HAS_EXTRAS; the addition wraps.
    extra_base: u32,
    // First entry in `tables` of its relief (see `stage/relief`), or 0.
    relief: u32,
    // Where its triangles' entries in `bevel_index` begin, minus the first triangle (wraps), and how far from its edges
    // the surface is rounded (see `stage/bevel`), in units of the mesh's frame; 0 if it is not.
    bevel: u32,
    bevel_radius: f32,
    // How a library material's pictures lie on it (see `stage/projection`): first entry in `tables` of its axes,
    // PROJECT_BY_COORDINATES, or 0 without such pictures.
    projection: u32,
}

struct Triangle {
    v0: u32,
    v1: u32,
    v2: u32,
    slot: u32,
}

struct Vertex {
    position: vec3f,
    uv0_u: f32,
    normal: vec3f,
    uv0_v: f32,
}

// Attributes that few meshes have.
struct VertexExtra {
    tangent: vec4f,
    // Linear RGBA.
    color: vec4f,
    uv1: vec2f,
    pad0: f32,
    pad1: f32,
}

// An OpenPBR material, lowered: weights multiplied in, table offsets resolved.
struct Material {
    // base_weight x base_color; F0 of the metal.
    base_color: vec3f,
    metalness: f32,
    // F82 tint of the metal; tint on F0 of the dielectric.
    specular_color: vec3f,
    // Factor on the metal's lobe; the dielectric's is in `reflection_ior`.
    specular_weight: f32,
    // Factor on the throughput at each refraction.
    transmission_tint: vec3f,
    transmission_weight: f32,
    // Absorption inside, per render unit.
    absorption: vec3f,
    roughness: f32,
    coat_color: vec3f,
    coat_weight: f32,
    // Radiance.
    emission: vec3f,
    coat_roughness: f32,
    // Index of refraction for refracted rays.
    ior: f32,
    // Index whose F0 is specular_weight times that of `ior`.
    reflection_ior: f32,
    coat_ior: f32,
    diffuse_roughness: f32,
    opacity: f32,
    coat_darkening: f32,
    // Mean Fresnel reflectance over the hemisphere at `reflection_ior` and `coat_ior`.
    reflection_mean: f32,
    coat_mean: f32,
    flags: u32,
    // First entries in `tables` of the albedos of `reflection_ior` and `coat_ior`.
    albedo_table: u32,
    coat_albedo_table: u32,
    alpha_cutoff: f32,
    // Indices into `textures`, or NONE.
    base_color_texture: u32,
    metallic_roughness_texture: u32,
    normal_texture: u32,
    emission_texture: u32,
    normal_scale: f32,
    // TEXTURED_* bits.
    textured: u32,
    // First entry in `tables` of the albedos of brushed glass in air.
    brushed_glass_table: u32,
    // For glass with a subsurface beside it: the material of the medium for light that entered below the gloss; else
    // NONE.
    twin: u32,
    // Colour and weight of diffuse transmission.
    translucent_color: vec3f,
    translucent_weight: f32,
    // Scattering inside, per render unit, and its mean cosine.
    scattering: vec3f,
    scattering_anisotropy: f32,
    // Fuzz or sheen: colour, weight, roughness, and the first entry of its tables in `tables`.
    fuzz_color: vec3f,
    fuzz_weight: f32,
    fuzz_roughness: f32,
    fuzz_table: u32,
    // Reflectance of gloss at grazing angles.
    gloss_f90: f32,
    // Cauchy's b in square micrometres; 0: no dispersion.
    dispersion: f32,
    // Brushed facets: strength, and the angle from the tangent to their direction.
    anisotropy: f32,
    anisotropy_cos: f32,
    anisotropy_sin: f32,
    coat_anisotropy: f32,
    film_weight: f32,
    // Thickness where the texture is 1 or where there is none; and where it is 0.
    film_thickness_nm: f32,
    film_thickness_min_nm: f32,
    film_ior: f32,
    // Of the bodies around a point, the one with the highest priority fills it.
    priority: u32,
    coat_normal_scale: f32,
    // Indices into `textures`, or NONE.
    coat_texture: u32,
    coat_roughness_texture: u32,
    coat_normal_texture: u32,
    fuzz_color_texture: u32,
    fuzz_roughness_texture: u32,
    anisotropy_texture: u32,
    transmission_texture: u32,
    specular_texture: u32,
    specular_color_texture: u32,
    film_texture: u32,
    film_thickness_texture: u32,
    translucent_texture: u32,
    translucent_color_texture: u32,
    // First entry in `tables` of the albedos of brushed facets.
    brushed_table: u32,
    // First entry in `tables` of the design on it (see `stage/design`), or 0.
    design: u32,
    // First entry in `tables` of what facets do between any two media, of a body of glass.
    glass_table: u32,
    // The material that stands for the body whose closed surface has this material and others, or NONE: where light
    // enters such a body, and where it leaves, may be of different materials.
    shell: u32,
    // Reflectance of gloss alone at normal incidence, over what `reflection_ior` says of it and of glass.
    gloss_level: f32,
    // First entry in `tables` of what rough glass keeps in air, seen from outside, then from inside. Here as in the
    // other fields, NO_TABLE where the material needs none.
    glass_in_air_table: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

struct Texture {
    // First texel in `texels`, row 0 on top.
    first_texel: u32,
    width_px: u32,
    height_px: u32,
    // TEXTURE_* bits.
    flags: u32,
    // uv' = rows x (u, v, 1).
    row_u: vec3f,
    pad0: f32,
    row_v: vec3f,
    pad1: f32,
}

// A light that can be sampled. Rectangles come first.
struct Light {
    // Centre of the rectangle, or position of the point.
    position: vec3f,
    kind: u32,
    // Half of the rectangle's width and height as vectors.
    half_u: vec3f,
    // Area of the rectangle.
    area: f32,
    half_v: vec3f,
    // Probability of being chosen.
    select: f32,
    // Direction in which it emits.
    axis: vec3f,
    // Running sum of `select` up to and including this light.
    select_end: f32,
    // Radiance, intensity or irradiance.
    power: vec3f,
    // Cosine at which a spot has faded to zero, and 1 over the difference of cosines over which it fades.
    spot_cos_outer: f32,
    spot_scale: f32,
    // 1: it fades like Blender's spots.
    spot_smooth: u32,
    // Sine of half the angle that a directional light subtends.
    sun_sine: f32,
    pad0: f32,
}

// A node of the tree over emissive triangles. Siblings are adjacent, the first at an even index.
struct EmitterNode {
    // Centre of a sphere around the node's triangles, in render space.
    center: vec3f,
    radius2: f32,
    // Unit; the normals of sampled sides lie within the angle of `cos_spread` around it.
    axis: vec3f,
    cos_spread: f32,
    // Fraction of the power of all emitters.
    power: f32,
    // The first child, or for a leaf its first entry in `emitters`.
    first: u32,
    // Number of emitters of a leaf, 0 for an inner node; with the bit EMITTERS_BOTH_SIDES if both sides emit.
    count: u32,
    parent: u32,
}

// A placed triangle that emits.
struct Emitter {
    instance: u32,
    triangle: u32,
    // The leaf that contains it.
    leaf: u32,
    // Running sum of the probabilities in the leaf up to and including this one.
    share_end: f32,
}

// A straight segment of a rounded edge, in the frame of its mesh.
struct BevelEdge {
    begin: vec3f,
    pad0: f32,
    end: vec3f,
    pad1: f32,
    // Unit; halfway between the normals of both sides, at either end.
    middle_begin: vec3f,
    pad2: f32,
    middle_end: vec3f,
    pad3: f32,
}

// An inner node: the bounds of its two children and where they are. A child with a count is a leaf of `bvh_triangles`,
// or in the tree over instances the instance `child`; a missing child is NONE, with the origin as its bounds.
struct BvhNode {
    min_0: vec3f,
    child_0: u32,
    max_0: vec3f,
    count_0: u32,
    min_1: vec3f,
    child_1: u32,
    max_1: vec3f,
    count_1: u32,
}

// A triangle in its mesh's frame, in leaf order; `triangle` indexes `triangles`.
struct BvhTriangle {
    vertex_0: vec3f,
    triangle: u32,
    vertex_1: vec3f,
    pad0: u32,
    vertex_2: vec3f,
    pad1: u32,
}

@group(0) @binding(0) var<storage, read> params: RenderParams;
@group(0) @binding(1) var<storage, read> bvh_nodes: array<BvhNode>;
@group(0) @binding(2) var<storage, read> bvh_triangles: array<BvhTriangle>;
@group(0) @binding(3) var<storage, read> instances: array<Instance>;
@group(0) @binding(4) var<storage, read> slots: array<Slot>;
@group(0) @binding(5) var<storage, read> triangles: array<Triangle>;
@group(0) @binding(6) var<storage, read> vertices: array<Vertex>;
@group(0) @binding(7) var<storage, read> vertex_extras: array<VertexExtra>;
@group(0) @binding(8) var<storage, read> materials: array<Material>;
@group(0) @binding(9) var<storage, read> textures: array<Texture>;
// RGBA8 with straight alpha, red in the lowest byte, as stored in the picture.
@group(0) @binding(10) var<storage, read> texels: array<u32>;
@group(0) @binding(11) var<storage, read> lights: array<Light>;
// RGB radiance of the map: red | green << 16, then blue | exponent << 16, where 2^(exponent - 127) is the unit of all
// three channels.
@group(0) @binding(12) var<storage, read> environment_texels: array<vec2u>;
// height + 2 cumulative values for the map's rows of cells (`EnvironmentCorners`); then width + 1 for every row.
@group(0) @binding(13) var<storage, read> environment_cdf: array<f32>;
// For steps of ENVIRONMENT_GUIDE_BINS bins on average, the bin of the cumulative values at each boundary between steps:
// for the rows, then for every row; one more than there are steps.
@group(0) @binding(14) var<storage, read> environment_guide: array<u32>;
// Directional albedos of GGX, reliefs, and the pixel filter.
@group(0) @binding(15) var<storage, read> tables: array<f32>;
@group(0) @binding(16) var<storage, read> emitter_nodes: array<EmitterNode>;
@group(0) @binding(17) var<storage, read> emitters: array<Emitter>;
// For every slot, where its triangles' entries begin, minus the first triangle (wraps); then these entries: an index
// into `emitters`, or NONE. Slots that are not sampled have no entries.
@group(0) @binding(18) var<storage, read> emitter_index: array<u32>;
// For every triangle of the rounded slots, where its edges in `bevel_edges` begin; they end where those of the next
// triangle begin.
@group(0) @binding(19) var<storage, read> bevel_index: array<u32>;
@group(0) @binding(20) var<storage, read> bevel_edges: array<BevelEdge>;
