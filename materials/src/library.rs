//! The library of materials: TOML files in, a resolved set of named OpenPBR literals out.
//!
//! Files become a [`Package`] (one library, checked by itself); packages become a [`Library`] (layers resolved, every
//! name unique). The data that ships with the program is in `materials/library/`, the format in `materials/README.md`.

use std::borrow::Cow;
use std::sync::LazyLock;

use packshot_words::KnownNames;

use crate::aliases::AliasLayer;
use crate::name::match_key;

mod digest;
mod index;
mod layered;
mod material;
mod package;
mod rule;
mod texture;
mod version;

pub(crate) use index::AliasTarget;
pub use index::MaterialMethod;
pub use layered::Layer;
pub use material::{Axis, Detail, DetailKind, Material, Origin, Provenance, Status, Surface, Tangent, TangentMode};
pub use package::{BEVEL_MM_MAX, FILE_BYTES_MAX, Package, PackageMaterial, RULES_MAX, Schema, SourceFile};
pub use rule::{PatternText, Rule, Scope};
pub use texture::{MM_PER_REPEAT, OpenTexture, Projection, TEXTURE_BYTES_MAX, TEXTURE_SIDE_PX_MAX, Texture, Textures};
pub use version::{Requirement, Version};

macro_rules! embedded {
    ($($name:literal),*) => {
        [$(SourceFile { name: $name, bytes: include_bytes!(concat!("../library/", $name)) }),*]
    };
}

/// The files of the library that ships with the program.
pub const BUILTIN_FILES: [SourceFile<'static>; 11] = embedded![
    "library.toml",
    "steels.toml",
    "metals.toml",
    "plastics.toml",
    "elastomers.toml",
    "plating.toml",
    "paints.toml",
    "glass_ceramic.toml",
    "sheets.toml",
    "natural.toml",
    "special.toml"
];

/// Their pictures.
pub const BUILTIN_TEXTURES: [SourceFile<'static>; 29] = embedded![
    "textures/beech-base.jpg",
    "textures/beech-normal.jpg",
    "textures/beech-roughness.jpg",
    "textures/cfrp-base.jpg",
    "textures/cfrp-normal.jpg",
    "textures/cfrp-roughness.jpg",
    "textures/concrete-base.jpg",
    "textures/concrete-normal.jpg",
    "textures/concrete-roughness.jpg",
    "textures/cork-base.jpg",
    "textures/cork-normal.jpg",
    "textures/cork-roughness.jpg",
    "textures/felt-base.jpg",
    "textures/felt-normal.jpg",
    "textures/felt-roughness.jpg",
    "textures/gasket-base.jpg",
    "textures/gasket-normal.jpg",
    "textures/gasket-roughness.jpg",
    "textures/leather-base.jpg",
    "textures/leather-normal.jpg",
    "textures/leather-roughness.jpg",
    "textures/mill-scale-base.jpg",
    "textures/mill-scale-roughness.jpg",
    "textures/oak-base.jpg",
    "textures/oak-normal.jpg",
    "textures/oak-roughness.jpg",
    "textures/textile-base.jpg",
    "textures/textile-normal.jpg",
    "textures/textile-roughness.jpg"
];

/// A picture of the library that ships with the program.
fn builtin_texture(path: &str) -> Result<Option<Cow<'static, [u8]>>, String> {
    let known = BUILTIN_TEXTURES.iter().find(|file| file.name == path);
    Ok(known.map(|file| Cow::Borrowed(file.bytes)))
}

static BUILTIN: LazyLock<Library> = LazyLock::new(|| {
    Library::resolve(vec![(Layer::Base, Package::builtin())]).expect("the library that ships resolves: tested").0
});

/// Most materials that are offered for one that is not known.
const OFFERED_MAX: usize = 3;

/// Index of a [`Material`] in [`Library::materials`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LibraryMaterialIdx(pub u32);

impl LibraryMaterialIdx {
    /// As an index into a slice.
    pub fn get(self) -> usize {
        self.0 as usize
    }
}

/// Libraries resolved into one: codes and names are unique, and every reference leads to a material.
#[derive(Clone, Debug)]
pub struct Library {
    id: String,
    version: Version,
    digest: String,
    materials: Vec<Material>,
    rules: Vec<Rule>,
    names: index::NameIndex,
    fallback: LibraryMaterialIdx,
    clay: Option<LibraryMaterialIdx>,
}

impl Package {
    /// The library that ships with the program, to lay others over.
    pub fn builtin() -> Self {
        Self::parse_tested(&BUILTIN_FILES, &builtin_texture).expect("the library that ships is valid: tested").0
    }
}

impl Library {
    /// The library that ships with the program, alone.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The topmost library's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The topmost library's version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// BLAKE3 of everything the resolved library holds, as 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What a report calls the library: `STD@1.0.0#b3:…` with the digest.
    pub fn label(&self) -> String {
        format!("{}@{}#b3:{}", self.id, self.version, self.digest)
    }

    /// All materials, by id.
    pub fn materials(&self) -> &[Material] {
        &self.materials
    }

    /// The rules in force, strongest first: by priority, layer, length of the literal text, order of the files.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether a tenant or a job brought rules; then a map is in force even if none is given.
    pub fn has_own_rules(&self) -> bool {
        self.rules.iter().any(|rule| rule.layer > Layer::Base)
    }

    /// The material at an index that this library gave out.
    pub fn material(&self, idx: LibraryMaterialIdx) -> &Material {
        &self.materials[idx.get()]
    }

    /// The material for parts that nothing matches while a map is in force.
    pub fn fallback(&self) -> LibraryMaterialIdx {
        self.fallback
    }

    /// The neutral material for parts without any while no map is in force: code 059901, else the fallback.
    pub fn neutral(&self) -> LibraryMaterialIdx {
        self.clay.unwrap_or(self.fallback)
    }

    /// The material that `text` designates: id, code, name or alias, exact or else normalised; and by which of them.
    pub fn find(&self, text: &str) -> Option<(LibraryMaterialIdx, MaterialMethod)> {
        self.names.find(text)
    }

    /// The same with a tenant's aliases over those that it has. Its digest stays: the layer has one of its own.
    #[must_use]
    pub fn with_aliases(mut self, aliases: AliasLayer) -> Self {
        self.names.lay_over(aliases);
        self
    }

    /// What a part means whose name has this match key, if that is an alias.
    pub(crate) fn find_alias(&self, key: &str) -> Option<AliasTarget<'_>> {
        self.names.find_alias(key)
    }

    /// The material that an earlier library means by a string that [`find`](Self::find) finds by a later one's alias.
    pub(crate) fn shadowed(&self, text: &str) -> Option<&Material> {
        self.names.shadowed(text).map(|idx| self.material(idx))
    }

    /// The id of a material that no library has, to which the tenant's alias `text` leads.
    pub(crate) fn leads_nowhere(&self, text: &str) -> Option<&str> {
        self.names.leads_nowhere(text)
    }

    /// The ids of the materials that may be meant by a text which is none's, three at most: first those with an id, a
    /// name or an alias like it, then those with it in one. Never deprecated ones, nor the fallback.
    pub fn near(&self, text: &str) -> Vec<&str> {
        let is_offered =
            |material: &&Material| material.status == Status::Active && material.id != self.material(self.fallback).id;
        let names = self.materials.iter().filter(is_offered).flat_map(names_of);
        let alike = KnownNames::new(names).near(text);
        let alike = alike.into_iter().filter_map(|name| Some(self.material(self.find(name)?.0)));
        let containing = (!match_key(text).is_empty()).then(|| self.search(text)).into_iter().flatten();
        let mut ids: Vec<&str> = Vec::new();
        for material in alike.chain(containing.filter(is_offered)) {
            if ids.len() < OFFERED_MAX && !ids.contains(&material.id.as_str()) {
                ids.push(&material.id);
            }
        }
        ids
    }

    /// The materials whose id, code, name or an alias contains `query` in any spelling, by id; all for an empty query.
    pub fn search(&self, query: &str) -> impl Iterator<Item = &Material> {
        let query = match_key(query);
        self.materials.iter().filter(move |material| {
            [&material.id, &material.code, &material.name]
                .into_iter()
                .chain(&material.aliases)
                .any(|name| match_key(name).contains(&query))
        })
    }
}

/// Its id, its name and its aliases.
fn names_of(material: &Material) -> impl Iterator<Item = &str> {
    [&material.id, &material.name].into_iter().chain(&material.aliases).map(String::as_str)
}

#[cfg(test)]
mod tests;
