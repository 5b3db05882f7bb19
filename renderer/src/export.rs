//! Writing a product as binary glTF 2.0: in the colours in which viewers show its parts, without extensions, or for
//! production, in its whole materials as far as the extensions of Khronos have them.
//!
//! Input: a [`Scene`], and what each primitive of each part wears. Output: the bytes of a GLB, and findings about what
//! it has no place for. No extension is required to read it. Invariant: equal inputs give equal bytes, node `i` of the
//! file is part `i` of the scene, and what is read back has the same paths, names, places and, at
//! [`ExportQuality::High`] and for production, the same triangles. Cameras and lights are left out: viewers have their
//! own.

mod chunks;
mod extensions;
mod geometry;
mod grain;
mod material;
mod nodes;
mod production;
mod textures;
mod thickness;

use std::collections::{BTreeSet, HashMap};

use glam::DMat3;
use packshot_materials::library::Surface;
use packshot_materials::openpbr::OpenPbr;
use packshot_simplify::{Cancelled, simplify};
use packshot_words::words;
use serde_json::{Value, json};

pub(crate) use self::chunks::{Chunks, container};
use self::geometry::{Arrays, Coordinates, Layout, Tangents};
use self::nodes::Placement;
use self::textures::Textures;
use crate::diagnostic::Diagnostic;
use crate::scene::{Anisotropy, Mesh, MeshIdx, Primitive, Scene};

words! {
    /// How much of a product's geometry is written.
    #[derive(Default)]
    pub enum ExportQuality {
        /// Simplified: no vertex that is left out is further than 1/200 of its mesh's diagonal from the new surface
        Low = "low",
        /// The same surface in fewer bytes: equal vertices once, and only what a viewer looks at
        #[default]
        Medium = "medium",
        /// Every vertex, triangle and texture coordinate as it was read
        High = "high",
    }
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExportForm {
    /// For viewers: so much of the geometry, in the colours of the materials, without any extension.
    Geometry(ExportQuality),
    /// For other renderers: every vertex and triangle as it was read, in the materials as glTF with the extensions
    /// `KHR_materials_…`.
    Production,
}

impl Default for ExportForm {
    fn default() -> Self {
        Self::Geometry(ExportQuality::default())
    }
}

impl ExportForm {
    /// How much of the geometry is written.
    pub fn quality(self) -> ExportQuality {
        match self {
            Self::Geometry(quality) => quality,
            Self::Production => ExportQuality::High,
        }
    }
}

/// A product as a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// The bytes of the file.
    pub glb: Vec<u8>,
    /// What of which library material is not in a file for production, or only nearly: `export_left_out` and
    /// `export_approximated`, at the id of the material. Empty for viewers, whose files have colours only.
    pub findings: Vec<Diagnostic>,
}

/// How far simplified surfaces may be from the originals, relative to the diagonal of their mesh.
const TOLERANCE: f64 = 1.0 / 200.0;

/// A library material that parts wear.
#[derive(Clone, Copy, Debug)]
pub struct LibraryMaterial<'a> {
    /// Its id in the library.
    pub id: &'a str,
    /// Its parameters.
    pub openpbr: &'a OpenPbr,
    /// Grain and fine structures; files for viewers have neither.
    pub surface: &'a Surface,
    /// Whether it has pictures, which files do not get.
    pub has_textures: bool,
    /// Where bodies overlap, the one with the highest priority fills the point; no file says so.
    pub priority: u8,
}

/// What a primitive wears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Worn {
    /// A library material: an index into those given.
    Library(usize),
    /// The file's own material; glTF's default material where it names none.
    Own,
    /// No material: it is shown in (1, 0, 1), whatever the library's fallback material is.
    Unmapped,
}

/// Why there is no file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// It was asked to stop.
    #[error("the export was cancelled")]
    Cancelled,
    /// A binary glTF states its length in 32 bits.
    #[error("the product takes {bytes} bytes, and a GLB has 4 GiB at most")]
    TooLarge {
        /// How many bytes it would have.
        bytes: u64,
    },
    /// A texture cannot be encoded.
    #[error("a texture cannot be written: {0}")]
    Texture(String),
}

impl From<Cancelled> for ExportError {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Writes a scene. `worn` has one entry for each part and in it one for each primitive of the part's mesh.
///
/// # Errors
/// [`ExportError`].
///
/// # Panics
/// When `worn` does not fit the scene, or names a material that is not in `library`.
pub fn glb(
    scene: &Scene,
    library: &[LibraryMaterial<'_>],
    worn: &[Vec<Worn>],
    form: ExportForm,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Export, ExportError> {
    assert_eq!(worn.len(), scene.parts.len(), "one entry for each part");
    let mut file = File {
        scene,
        library,
        worn,
        form,
        quality: form.quality(),
        is_cancelled,
        chunks: Chunks::default(),
        textures: Textures::default(),
        materials: Vec::new(),
        material_of: HashMap::new(),
        extensions: BTreeSet::new(),
        findings: Vec::new(),
        stored: HashMap::new(),
        meshes: Vec::new(),
        mesh_of: HashMap::new(),
    };
    let mut placed = Vec::with_capacity(scene.parts.len());
    for (part, worn) in scene.parts.iter().zip(worn) {
        let placement = Placement::of(&part.world_from_part);
        let mesh = file.mesh(part.mesh, part.mesh_name.as_deref(), placement.baked, worn)?;
        placed.push((placement, mesh));
    }
    let (nodes, roots) = nodes::write(&scene.parts, placed);
    file.finish(nodes, &roots)
}

/// A material of the file to be written. Those with grain have another form for primitives that tangents cannot be
/// written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum MaterialKey {
    Library { idx: usize, has_grain: bool },
    Own { idx: u32, has_grain: bool },
    Unmapped,
}

/// A mesh of the scene, sheared where a node cannot.
type MeshKey = (MeshIdx, Option<[u64; 9]>);

/// A mesh with the layout of each primitive, and the group that it is merged in.
type ArraysKey = (MeshKey, Vec<(Layout, usize)>);

/// A mesh with its name and the material of each primitive.
type DressedKey = (MeshKey, Option<String>, Vec<Option<usize>>);

/// The accessors of attributes by their names, and that of indices; null and 0 without triangles.
type Accessors = (Value, usize);

/// Of a mesh to be written, the primitives with their materials and accessors.
struct Stored {
    material: Option<usize>,
    accessors: Value,
    indices: usize,
}

/// A file under construction.
struct File<'a> {
    scene: &'a Scene,
    library: &'a [LibraryMaterial<'a>],
    worn: &'a [Vec<Worn>],
    form: ExportForm,
    quality: ExportQuality,
    is_cancelled: &'a dyn Fn() -> bool,
    chunks: Chunks,
    textures: Textures,
    materials: Vec<Value>,
    material_of: HashMap<MaterialKey, (usize, material::Needs)>,
    /// Names of those that materials use.
    extensions: BTreeSet<&'static str>,
    findings: Vec<Diagnostic>,
    stored: HashMap<ArraysKey, Vec<Accessors>>,
    meshes: Vec<Value>,
    mesh_of: HashMap<DressedKey, Option<usize>>,
}

impl File<'_> {
    /// The mesh of a part in these materials; `None` where it has no triangles.
    fn mesh(
        &mut self,
        idx: MeshIdx,
        name: Option<&str>,
        baked: Option<DMat3>,
        worn: &[Worn],
    ) -> Result<Option<usize>, ExportError> {
        self.go_on()?;
        let scene = self.scene;
        let mesh = &scene.meshes[idx.0 as usize];
        assert_eq!(worn.len(), mesh.primitives.len(), "one entry for each primitive");
        let mut dressed = Vec::with_capacity(worn.len());
        for (primitive, worn) in mesh.primitives.iter().zip(worn) {
            let (material, layout) = self.dress(primitive, *worn)?;
            dressed.push((material, layout));
        }
        let shape: MeshKey = (idx, baked.map(|linear| linear.to_cols_array().map(f64::to_bits)));
        let key = (shape, name.map(str::to_owned), dressed.iter().map(|(material, _)| *material).collect::<Vec<_>>());
        if let Some(known) = self.mesh_of.get(&key) {
            return Ok(*known);
        }
        let written = self.primitives(shape, mesh, baked, dressed)?;
        let primitives: Vec<Value> = written.into_iter().map(Stored::into_json).collect();
        let made = (!primitives.is_empty()).then(|| {
            let mut mesh = json!({ "primitives": primitives });
            if let Some(name) = name {
                mesh["name"] = name.into();
            }
            self.meshes.push(mesh);
            self.meshes.len() - 1
        });
        self.mesh_of.insert(key, made);
        Ok(made)
    }

    /// The material of a primitive, and the attributes that are written of it.
    fn dress(&mut self, primitive: &Primitive, worn: Worn) -> Result<(Option<usize>, Layout), ExportError> {
        let has_normals = !primitive.normals.is_empty();
        let has_tangents = has_normals && !primitive.tangents.is_empty();
        // Only files for production have grain.
        let grain = match (self.form, worn) {
            (ExportForm::Production, Worn::Library(idx)) => self.library[idx].surface.tangent.filter(|_| has_normals),
            _ => None,
        };
        let key = match (worn, primitive.material) {
            (Worn::Library(idx), _) => Some(MaterialKey::Library { idx, has_grain: grain.is_some() }),
            (Worn::Unmapped, _) => Some(MaterialKey::Unmapped),
            (Worn::Own, Some(own)) => Some(MaterialKey::Own { idx: own.0, has_grain: has_tangents }),
            (Worn::Own, None) => None,
        };
        let (material, needs) = match key {
            Some(key) => {
                let (material, needs) = self.material(key)?;
                (Some(material), needs)
            }
            None => (None, material::Needs::default()),
        };
        let mut coordinates = needs.coordinates;
        if self.quality == ExportQuality::High {
            let sets = (0..2).filter(|&set| !primitive.uvs[set as usize].is_empty()).map(Coordinates::as_stored);
            for plain in sets {
                if !coordinates.contains(&plain) {
                    coordinates.push(plain);
                }
            }
        }
        let tangents = match grain {
            Some(grain) if needs.tangents => Tangents::OfGrain(grain),
            None if needs.tangents && has_tangents => Tangents::Stored,
            _ => Tangents::None,
        };
        let layout = Layout {
            normals: has_normals,
            tangents,
            coordinates,
            // Viewers multiply the base colour with those of vertices: they belong to the file's own materials.
            colors: worn == Worn::Own && !primitive.colors.is_empty(),
        };
        Ok((material, layout))
    }

    fn material(&mut self, key: MaterialKey) -> Result<(usize, material::Needs), ExportError> {
        if let Some(known) = self.material_of.get(&key) {
            return Ok(known.clone());
        }
        let (json, needs) = match self.form {
            ExportForm::Geometry(_) => self.viewer_material(key)?,
            ExportForm::Production => self.production_material(key)?,
        };
        self.materials.push(json);
        let made = (self.materials.len() - 1, needs);
        self.material_of.insert(key, made.clone());
        Ok(made)
    }

    fn viewer_material(&mut self, key: MaterialKey) -> Result<(Value, material::Needs), ExportError> {
        Ok(match key {
            MaterialKey::Library { idx, .. } => (material::of_library(&self.library[idx]), material::Needs::default()),
            MaterialKey::Unmapped => (material::unmapped(), material::Needs::default()),
            MaterialKey::Own { idx, .. } => {
                let own = &self.scene.materials[idx as usize];
                material::of_file(own, &mut |texture| self.textures.write(self.scene, texture, &mut self.chunks))?
            }
        })
    }

    fn production_material(&mut self, key: MaterialKey) -> Result<(Value, material::Needs), ExportError> {
        let (scene, worn) = (self.scene, self.worn);
        let (material, thickness_m) = match key {
            MaterialKey::Unmapped => return Ok((material::unmapped(), material::Needs::default())),
            MaterialKey::Library { idx, has_grain } => {
                let (material, findings) = production::of_library(&self.library[idx], has_grain);
                for finding in findings {
                    if !self.findings.contains(&finding) {
                        self.findings.push(finding);
                    }
                }
                let thickness_m = || thickness::of(scene, worn, |worn, _| worn == Worn::Library(idx));
                let thickness_m = if material.is_body() { thickness_m() } else { 0.0 };
                (material, thickness_m)
            }
            MaterialKey::Own { idx, has_grain } => {
                let mut material = scene.materials[idx as usize].clone();
                if !has_grain {
                    material.anisotropy = Anisotropy::default();
                    material.textures.anisotropy = None;
                }
                let is_it = |worn, primitive: &Primitive| {
                    worn == Worn::Own && primitive.material.is_some_and(|material| material.0 == idx)
                };
                let thickness_m = if material.is_body() { thickness::of(scene, worn, is_it) } else { 0.0 };
                (material, thickness_m)
            }
        };
        let write = &mut |texture: &_| self.textures.write(scene, texture, &mut self.chunks);
        extensions::write(&material, thickness_m, &mut self.extensions, write)
    }

    /// Writes the arrays of a mesh, unless another part wears the same mesh in other materials of the same layouts.
    fn primitives(
        &mut self,
        shape: MeshKey,
        mesh: &Mesh,
        baked: Option<DMat3>,
        dressed: Vec<(Option<usize>, Layout)>,
    ) -> Result<Vec<Stored>, ExportError> {
        // Primitives of one material are one draw call, which CAD files do not have: one for each face is usual.
        let mut groups: Vec<(Option<usize>, Layout)> = Vec::new();
        let mut group_of = Vec::with_capacity(dressed.len());
        for own in dressed {
            let known = match self.quality {
                ExportQuality::High => None,
                ExportQuality::Low | ExportQuality::Medium => groups.iter().position(|group| *group == own),
            };
            group_of.push(known.unwrap_or(groups.len()));
            if known.is_none() {
                groups.push(own);
            }
        }
        let layouts = group_of.iter().map(|&group| (groups[group].1.clone(), group)).collect();
        let key = (shape, layouts);
        let written = match self.stored.get(&key) {
            Some(known) => known.clone(),
            None => {
                let written = self.write_arrays(mesh, baked, &groups, &group_of)?;
                self.stored.insert(key, written.clone());
                written
            }
        };
        // A group without triangles has no accessors.
        let with_material = groups.into_iter().zip(written).filter(|(_, (accessors, _))| !accessors.is_null());
        Ok(with_material.map(|((material, _), (accessors, indices))| Stored { material, accessors, indices }).collect())
    }

    fn write_arrays(
        &mut self,
        mesh: &Mesh,
        baked: Option<DMat3>,
        groups: &[(Option<usize>, Layout)],
        group_of: &[usize],
    ) -> Result<Vec<Accessors>, ExportError> {
        let mut arrays: Vec<Arrays> = groups.iter().map(|(_, layout)| Arrays::new(layout)).collect();
        for (primitive, &group) in mesh.primitives.iter().zip(group_of) {
            arrays[group].append(mesh, primitive, &groups[group].1, baked);
        }
        if self.quality != ExportQuality::High {
            for of_group in &mut arrays {
                self.go_on()?;
                of_group.weld();
            }
        }
        // Textures and colours would slide over a simplified surface.
        let is_plain = arrays.iter().all(|of_group| of_group.uvs.is_empty() && of_group.colors.is_none());
        if self.quality == ExportQuality::Low && is_plain {
            let tolerance = TOLERANCE * geometry::diagonal(&arrays);
            let primitives: Vec<_> = arrays.iter().map(Arrays::surface).collect();
            let left = simplify(&primitives, tolerance, self.is_cancelled)?;
            for (of_group, triangles) in arrays.iter_mut().zip(left) {
                of_group.triangles = triangles;
                of_group.keep_used();
            }
        }
        let mut written = Vec::with_capacity(arrays.len());
        for of_group in &arrays {
            self.go_on()?;
            written.push(match of_group.triangles.is_empty() {
                true => (Value::Null, 0),
                false => (of_group.write(&mut self.chunks), self.chunks.push_indices(&of_group.triangles)),
            });
        }
        Ok(written)
    }

    fn go_on(&self) -> Result<(), ExportError> {
        if (self.is_cancelled)() { Err(ExportError::Cancelled) } else { Ok(()) }
    }

    fn finish(self, nodes: Vec<Value>, roots: &[usize]) -> Result<Export, ExportError> {
        let Self { chunks, textures, materials, meshes, extensions, findings, .. } = self;
        let mut document = json!({
            "asset": { "version": "2.0", "generator": concat!("Packshot ", env!("CARGO_PKG_VERSION")) },
            "scene": 0,
            "scenes": [{}],
        });
        // glTF has no empty lists.
        let list = |place: &mut Value, name: &str, values: Vec<Value>| {
            if !values.is_empty() {
                place[name] = values.into();
            }
        };
        list(&mut document, "extensionsUsed", extensions.into_iter().map(Value::from).collect());
        list(&mut document["scenes"][0], "nodes", roots.iter().map(|&root| root.into()).collect());
        list(&mut document, "nodes", nodes);
        list(&mut document, "meshes", meshes);
        list(&mut document, "materials", materials);
        list(&mut document, "textures", textures.textures);
        list(&mut document, "samplers", textures.samplers);
        list(&mut document, "images", textures.images);
        let Chunks { bytes, views, accessors } = chunks;
        list(&mut document, "accessors", accessors);
        list(&mut document, "bufferViews", views);
        if !bytes.is_empty() {
            document["buffers"] = json!([{ "byteLength": bytes.len() }]);
        }
        let json = document.to_string().into_bytes();
        let length = (json.len() + bytes.len()) as u64 + 64;
        if u32::try_from(length).is_err() {
            return Err(ExportError::TooLarge { bytes: length });
        }
        Ok(Export { glb: container(json, bytes), findings })
    }
}

impl Stored {
    fn into_json(self) -> Value {
        let Self { material, accessors, indices } = self;
        let mut primitive = json!({ "attributes": accessors, "indices": indices });
        if let Some(material) = material {
            primitive["material"] = material.into();
        }
        primitive
    }
}
