//! Products, as clients see them (orders.md §1).

use std::collections::BTreeMap;

use packshot_json::{FaultKind, Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::Invalid;
use super::read::{change, optional, parsed};
use super::scalar::Time;
use packshot_domain::artifact::Label;
use packshot_domain::change::Change;
use packshot_domain::id::{AssetId, CadFileId};
use packshot_domain::media::ThumbnailSource;
use packshot_domain::product::{self as domain, InvalidEntries, PartEntries, PartEntry};

words! {
    /// How the name of a part led to a material when its CAD file was read.
    pub enum FoundBy = domain::FoundBy {
        /// It is the material's id, code or name.
        Exact = "exact",
        /// It is the same in another spelling.
        Normalized = "normalized",
        /// It is another name of the material.
        Alias = "alias",
    }
}

/// A product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// Its id in the tenant's product information system. A tenant has each once.
    pub pim_id: String,
    /// Its name.
    pub name: String,
    /// The category that it is in.
    pub category_key: Option<String>,
    /// Its kind of bearing, or whatever the tenant keeps here.
    pub lagertyp: Option<String>,
    /// The CAD file that it is rendered from.
    pub cad_file_id: Option<Uuid>,
    /// Its picture in lists; `null` while there is none.
    pub thumbnail_asset_id: Option<Uuid>,
    /// The materials of its parts.
    pub cad_part_materials: Vec<PartMaterial>,
    /// How the entries were found that nobody sent, by the name of the part.
    pub cad_part_sources: BTreeMap<String, PartSource>,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed.
    pub updated_at: Time,
}

/// The material of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartMaterial {
    /// The name of the part in the CAD file.
    #[schema(min_length = 1, max_length = 1024)]
    pub part_name: String,
    /// A material of the tenant's library, by id, code, name or alias.
    #[schema(min_length = 1, max_length = 1024)]
    pub material: String,
}

/// How the material of a part was found when the CAD file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartSource {
    /// By what.
    pub method: FoundBy,
    /// The alias of the tenant that it was, if it was one.
    pub alias_id: Option<Uuid>,
}

/// A page of products, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProductPage {
    /// The products.
    pub items: Vec<Product>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A product to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProductRequest {
    /// Its id in the tenant's product information system.
    #[schema(min_length = 1, max_length = 200)]
    pub pim_id: String,
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// The category that it is in.
    #[schema(min_length = 1, max_length = 200)]
    pub category_key: Option<String>,
    /// Its kind of bearing, or whatever the tenant keeps here.
    #[schema(min_length = 1, max_length = 200)]
    pub lagertyp: Option<String>,
    /// The CAD file that it is rendered from.
    pub cad_file_id: Option<Uuid>,
    /// The materials of its parts; parts that are left out get the material that their own names lead to, if any.
    #[schema(max_items = 10_000)]
    pub cad_part_materials: Option<Vec<PartMaterial>>,
}

impl ProductRequest {
    /// Reads a product to make.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `duplicate`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<domain::ProductFields, Invalid> {
        let faults = Faults::default();
        let product = Node::root(body, &faults).members().and_then(|mut m| {
            let pim_id = m.require("pim_id").and_then(|node| parsed(&node));
            let name = m.require("name").and_then(|node| parsed(&node));
            let category_key = optional(&mut m, "category_key", parsed);
            let lagertyp = optional(&mut m, "lagertyp", parsed);
            let cad_file = optional(&mut m, "cad_file_id", parsed);
            let parts = optional(&mut m, "cad_part_materials", entries);
            m.finish();
            Some(domain::ProductFields {
                pim_id: pim_id?,
                name: name?,
                category_key: category_key?,
                lagertyp: lagertyp?,
                cad_file: cad_file?,
                thumbnail: None,
                parts: parts?.unwrap_or_default(),
            })
        });
        Invalid::unless_faults(product, faults)
    }
}

/// A change of a product: absent members stay, `null` clears a member that may be without a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProductPatch {
    /// Another id in the tenant's product information system.
    #[schema(min_length = 1, max_length = 200)]
    pub pim_id: Option<String>,
    /// Another name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Another category.
    #[schema(min_length = 1, max_length = 200)]
    pub category_key: Option<String>,
    /// Another kind of bearing.
    #[schema(min_length = 1, max_length = 200)]
    pub lagertyp: Option<String>,
    /// Another CAD file, whose parts get materials as those of a new product do.
    pub cad_file_id: Option<Uuid>,
    /// Another picture in lists: a current media asset of this product; `null` for the next picture that is rendered.
    pub thumbnail_asset_id: Option<Uuid>,
    /// The materials of its parts, as a whole.
    #[schema(max_items = 10_000)]
    pub cad_part_materials: Option<Vec<PartMaterial>>,
}

/// A change of a product, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductChange {
    /// Another id in the tenant's product information system.
    pub pim_id: Option<Label>,
    /// Another name.
    pub name: Option<Label>,
    /// Another category.
    pub category_key: Change<Label>,
    /// Another kind of bearing.
    pub lagertyp: Change<Label>,
    /// Another CAD file.
    pub cad_file: Change<CadFileId>,
    /// Another picture.
    pub thumbnail: Change<AssetId>,
    /// The materials of its parts.
    pub parts: Change<PartEntries>,
}

impl ProductPatch {
    /// Reads a change.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`, `duplicate`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<ProductChange, Invalid> {
        let faults = Faults::default();
        let change = Node::root(body, &faults).members().map(|mut m| {
            let change = ProductChange {
                pim_id: m.take("pim_id").and_then(|node| parsed(&node)),
                name: m.take("name").and_then(|node| parsed(&node)),
                category_key: change(&mut m, "category_key", parsed),
                lagertyp: change(&mut m, "lagertyp", parsed),
                cad_file: change(&mut m, "cad_file_id", parsed),
                thumbnail: change(&mut m, "thumbnail_asset_id", parsed),
                parts: change(&mut m, "cad_part_materials", entries),
            };
            m.finish();
            change
        });
        Invalid::unless_faults(change, faults)
    }
}

impl ProductChange {
    /// The product after the change.
    pub fn of(self, before: domain::ProductFields) -> domain::ProductFields {
        domain::ProductFields {
            pim_id: self.pim_id.unwrap_or(before.pim_id),
            name: self.name.unwrap_or(before.name),
            category_key: self.category_key.some().of(before.category_key, None),
            lagertyp: self.lagertyp.some().of(before.lagertyp, None),
            cad_file: self.cad_file.some().of(before.cad_file, None),
            thumbnail: match self.thumbnail {
                Change::Keep => before.thumbnail,
                Change::Reset => None,
                Change::Set(asset) => Some(domain::Thumbnail { asset, source: ThumbnailSource::Person }),
            },
            parts: match self.parts {
                Change::Keep => before.parts,
                Change::Reset => PartEntries::default(),
                Change::Set(sent) => sent.in_place_of(&before.parts),
            },
        }
    }
}

/// The materials of parts, as a person sends them.
pub(crate) fn entries(node: &Node<'_>) -> Option<PartEntries> {
    let nodes = node.list()?;
    // All are read, so that everything that is wrong with them is found together.
    let read: Vec<Option<PartEntry>> = nodes.iter().map(entry).collect();
    let list = read.into_iter().collect::<Option<Vec<PartEntry>>>()?;
    match PartEntries::new(list) {
        Ok(entries) => Some(entries),
        Err(error @ InvalidEntries::TooMany) => node.refuse(FaultKind::Range, error.to_string()),
        Err(InvalidEntries::Twice { at, part_name }) => {
            let error = InvalidEntries::Twice { at, part_name }.to_string();
            nodes.get(at).unwrap_or(node).refuse(FaultKind::Duplicate, error)
        }
    }
}

fn entry(node: &Node<'_>) -> Option<PartEntry> {
    let mut m = node.members()?;
    let part_name = m.require("part_name").and_then(|node| parsed(&node));
    let material = m.require("material").and_then(|node| parsed(&node));
    m.finish();
    Some(PartEntry { part_name: part_name?, material: material?, found_by: None, alias: None })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(refused: Invalid) -> Vec<String> {
        refused.findings.into_iter().map(|finding| finding.pointer).collect()
    }

    #[test]
    fn everything_wrong_with_a_product_is_found_together() {
        let body = json!({
            "name": "", "category_key": 1, "cad_file_id": "x", "colour": "red",
            "cad_part_materials": [{"part_name": "Body"}, {"material": 1, "part_name": ""}],
        });
        let refused = ProductRequest::parse(&body).expect_err("wrong");
        let at = [
            "/pim_id",
            "/name",
            "/category_key",
            "/cad_file_id",
            "/cad_part_materials/0/material",
            "/cad_part_materials/1/part_name",
            "/cad_part_materials/1/material",
            "/colour",
        ];
        assert_eq!(pointers(refused), at);
        let twice =
            json!({"cad_part_materials": [{"part_name": "A", "material": "x"}, {"part_name": "A", "material": "y"}]});
        assert_eq!(pointers(ProductPatch::parse(&twice).expect_err("twice")), ["/cad_part_materials/1"]);
        assert_eq!(pointers(ProductPatch::parse(&json!({"name": null})).expect_err("no name")), ["/name"]);
    }

    #[test]
    fn c37_a_patch_keeps_clears_and_replaces() {
        let made = ProductRequest::parse(&json!({
            "pim_id": "6204", "name": "Bearing", "category_key": "ball", "lagertyp": "deep groove",
            "cad_part_materials": [{"part_name": "Body", "material": "Steel"}],
        }));
        let before = made.expect("a product");
        let change = |patch| ProductPatch::parse(&patch).expect("a patch").of(before.clone());
        assert_eq!(change(json!({})), before);
        let after = change(json!({"name": "Ball bearing", "category_key": null, "cad_part_materials": null}));
        assert_eq!(after.name.as_str(), "Ball bearing");
        assert_eq!((&after.pim_id, &after.lagertyp), (&before.pim_id, &before.lagertyp));
        assert_eq!((after.category_key, after.parts), (None, PartEntries::default()));
    }
}
