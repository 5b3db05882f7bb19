//! Materials of a library, as GET `/api/v1/materials` lists them.

use packshot_materials::library as source;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A page of materials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MaterialPage {
    /// The library.
    pub library: String,
    /// Its version.
    pub version: String,
    /// BLAKE3 of all its materials, 64 hexadecimal digits.
    pub digest: String,
    /// The materials, by id.
    pub items: Vec<Material>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A material.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Material {
    /// Its id, such as `STD_010101_Steel-Bare`.
    pub id: String,
    /// Its code, six digits.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Whether it is to be used.
    #[schema(value_type = String)]
    pub status: Value,
    /// The library that it comes from.
    pub library: String,
    /// Its parameters, under OpenPBR's names.
    #[schema(value_type = Object)]
    pub openpbr: Value,
}

impl From<&source::Material> for Material {
    fn from(material: &source::Material) -> Self {
        Self {
            id: material.id.clone(),
            code: material.code.clone(),
            name: material.name.clone(),
            aliases: material.aliases.clone(),
            status: serde_json::to_value(material.status).unwrap_or_default(),
            library: material.library.clone(),
            openpbr: serde_json::to_value(material.openpbr).unwrap_or_default(),
        }
    }
}
