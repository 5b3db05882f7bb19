//! The products and designs of the cases: a mug, a tag, a letter F.

use std::f64::consts::TAU;

use glam::{DAffine3, Vec2, Vec3};
use packshot_designs::area::find;
use packshot_designs::compose::compose;
use packshot_designs::design::{DesignLimits, Pixels, check};
use packshot_designs::resolve::resolve;
use packshot_designs::{Area, AreaRequest, Design, DesignRequest, Resolved, Selector};
use packshot_renderer::scene::{MaterialIdx, Mesh, MeshIdx, Part, Primitive, Scene, SceneMaterial};

/// A part with one primitive and a material of its own.
pub(crate) fn product(path: &str, material: &str, primitive: Primitive) -> Scene {
    let primitive = Primitive { material: Some(MaterialIdx(0)), ..primitive };
    let material = SceneMaterial { name: Some(material.to_owned()), ..SceneMaterial::default() };
    let name = path.rsplit('/').next().map(str::to_owned);
    let part = Part {
        node_idx: 0,
        path: path.to_owned(),
        node_name: name,
        mesh_name: None,
        cad_names: Vec::new(),
        mesh: MeshIdx(0),
        world_from_part: DAffine3::IDENTITY,
    };
    let meshes = vec![Mesh { primitives: vec![primitive] }];
    Scene { meshes, parts: vec![part], materials: vec![material], ..Scene::default() }
}

fn primitive(positions: Vec<Vec3>, normals: Vec<Vec3>, uvs: Vec<Vec2>, triangles: Vec<[u32; 3]>) -> Primitive {
    let uvs = [uvs, Vec::new()];
    Primitive { positions, normals, tangents: Vec::new(), uvs, colors: Vec::new(), triangles, material: None }
}

/// Radius and height of the mug, metres.
pub(crate) const MUG_RADIUS_M: f64 = 0.04;
pub(crate) const MUG_HEIGHT_M: f64 = 0.095;

/// The wall of a mug around +Y, 256 segments, material `Print`, no texture coordinates, seam at the back.
pub(crate) fn mug() -> Scene {
    const SEGMENTS: u32 = 256;
    let (mut positions, mut normals, mut triangles) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..=SEGMENTS {
        // From the back around.
        let angle = TAU * (f64::from(i) / f64::from(SEGMENTS) + 0.5);
        let outward = Vec3::new(angle.sin() as f32, 0.0, angle.cos() as f32);
        for height in [0.0, MUG_HEIGHT_M as f32] {
            positions.push(outward * MUG_RADIUS_M as f32 + Vec3::Y * height);
            normals.push(outward);
        }
        if i < SEGMENTS {
            let a = 2 * i;
            triangles.extend([[a, a + 2, a + 3], [a, a + 3, a + 1]]);
        }
    }
    product("Mug/Wall", "Print", primitive(positions, normals, Vec::new(), triangles))
}

/// How the texture coordinates of a tag lie.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout {
    /// Quarter turns.
    pub(crate) turns: u32,
    pub(crate) is_mirrored: bool,
    /// A factor on u after turning.
    pub(crate) stretch_u: f32,
}

/// A plate of 80 x 50 mm that faces +Z, part `Label`.
pub(crate) fn tag(layout: Layout) -> Scene {
    let (width, height) = (0.08_f32, 0.05_f32);
    let corners = [Vec2::new(0.0, 1.0), Vec2::new(1.0, 1.0), Vec2::new(1.0, 0.0), Vec2::new(0.0, 0.0)];
    let positions = corners.map(|c| Vec3::new((c.x - 0.5) * width, (0.5 - c.y) * height, 0.0));
    let uvs = corners.map(|corner| {
        let mut at = corner - 0.5;
        (0..layout.turns).for_each(|_| at = at.perp());
        if layout.is_mirrored {
            at.x = -at.x;
        }
        (at + 0.5) * Vec2::new(if layout.stretch_u > 0.0 { layout.stretch_u } else { 1.0 }, 1.0)
    });
    let triangles = vec![[0, 1, 2], [0, 2, 3]];
    product("Tag/Label", "Card", primitive(positions.to_vec(), vec![Vec3::Z; 4], uvs.to_vec(), triangles))
}

/// Straight RGBA, 8 bits, row 0 on top.
#[derive(Clone, Debug)]
pub(crate) struct Bitmap {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixels: Vec<[u8; 4]>,
}

impl Bitmap {
    /// A picture by a function of place, in pixels.
    pub(crate) fn new(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)).collect();
        Self { width, height, pixels }
    }

    pub(crate) fn png(&self) -> Vec<u8> {
        self.png_with(|_| {})
    }

    /// A PNG with more in its header.
    pub(crate) fn png_with(&self, set: impl FnOnce(&mut png::Info<'_>)) -> Vec<u8> {
        let mut info = png::Info::with_size(self.width, self.height);
        info.color_type = png::ColorType::Rgba;
        info.bit_depth = png::BitDepth::Eight;
        set(&mut info);
        let mut bytes = Vec::new();
        let mut writer = png::Encoder::with_info(&mut bytes, info).expect("sound").write_header().expect("written");
        writer.write_image_data(self.pixels.as_flattened()).expect("written");
        writer.finish().expect("written");
        bytes
    }

    pub(crate) fn rgb(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect()
    }
}

pub(crate) const INK: [u8; 4] = [20, 20, 60, 255];
pub(crate) const GROUND: [u8; 4] = [250, 120, 0, 128];

/// Whether a place of a design of 600 x 400 is on the letter.
pub(crate) fn is_on_letter(x: u32, y: u32) -> bool {
    let stem = (200..260).contains(&x) && (60..340).contains(&y);
    let arm = (200..400).contains(&x) && (60..115).contains(&y);
    let bar = (200..350).contains(&x) && (180..230).contains(&y);
    stem || arm || bar
}

/// The design of the cases: a letter F on half-transparent ground, 600 x 400.
pub(crate) fn letter() -> Bitmap {
    Bitmap::new(600, 400, |x, y| if is_on_letter(x, y) { INK } else { GROUND })
}

/// One colour.
pub(crate) fn plain(width: u32, height: u32, color: [u8; 4]) -> Bitmap {
    Bitmap::new(width, height, |_, _| color)
}

pub(crate) fn design(bitmap: &Bitmap) -> Design {
    check(&bitmap.png(), &DesignLimits::default()).expect("a sound design")
}

/// The area of a part or material, laid out as it is best.
pub(crate) fn area(scene: &Scene, name: &str) -> Area {
    find(scene, &AreaRequest::new(Selector::Named(name.to_owned()))).expect("it is there")
}

/// A request as a command line has it.
pub(crate) fn request(place: &str) -> DesignRequest {
    DesignRequest::from_text(None, Some(place)).expect("a sound placement")
}

/// Where a design lies on the only area of a fixture.
pub(crate) fn placed(scene: &Scene, design: &Design, place: &str) -> Resolved {
    let material = scene.materials[0].name.clone().expect("named");
    resolve(design, &area(scene, &material), &request(place)).expect("a place")
}

/// The pixels of a design drawn in its own size, as a texture of nothing else has them.
pub(crate) fn plain_texture(design: &Design) -> Pixels {
    // A plate as large as the design, a texel for each pixel.
    let mut scene = tag(Layout::default());
    let size = Vec3::new(design.width as f32 / 80.0, design.height as f32 / 50.0, 1.0);
    scene.meshes[0].primitives[0].positions.iter_mut().for_each(|position| *position *= size);
    let long = design.width.max(design.height);
    let texture_px = long.max(512.0) as u32;
    let mut request = request("fit=stretch,unit=area,width=1,height=1");
    request.texture_px = texture_px;
    let resolved = resolve(design, &area(&scene, "Card"), &request).expect("a place");
    let texture = compose(design, &resolved).expect("composed");
    if f64::from(texture_px) == long {
        return texture.pixels;
    }
    // Small designs are drawn larger: every pixel's middle is one of the texture's.
    let Pixels::Eight(pixels) = &texture.pixels else { return texture.pixels };
    let (width, height) = (design.width as usize, design.height as usize);
    let (scale_x, scale_y) = (texture.width_px as usize / width, texture.height_px as usize / height);
    let at = |x: usize, y: usize| {
        pixels[(y * scale_y + scale_y / 2) * texture.width_px as usize + x * scale_x + scale_x / 2]
    };
    Pixels::Eight((0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect())
}

#[track_caller]
pub(crate) fn assert_near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected} ± {tolerance}");
}
