//! What a request names in place of a file that comes with it.

use std::fmt::Display;

use packshot_json::{FaultKind, Node};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::json;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::schema::of_json;
use crate::read::parsed;
use crate::scalar::Address;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{CadFileId, FileId, ProductId};

/// Most bytes of a content address.
const ADDRESS_BYTES_MAX: usize = 1_024;

/// A file that the tenant has. A job shows the content address that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asset {
    /// A stored file, by its content.
    Content(Address),
    /// A file of a package.
    File(FileId),
    /// A CAD file: the GLB that it is, or that was made of it.
    CadFile(CadFileId),
    /// A product: the GLB of its CAD file, with the materials of its parts.
    Product(ProductId),
}

/// A way to name a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Content,
    File,
    CadFile,
    Product,
}

/// How a product can be named.
pub(super) const OF_PRODUCTS: &[Form] = &[Form::Content, Form::File, Form::CadFile, Form::Product];
/// How an environment map can be named.
pub(super) const OF_MAPS: &[Form] = &[Form::Content, Form::File];

impl Form {
    const fn member(self) -> &'static str {
        match self {
            Self::Content => "content_address",
            Self::File => "file_id",
            Self::CadFile => "cad_file_id",
            Self::Product => "product_id",
        }
    }

    fn read(self, node: &Node<'_>) -> Option<Asset> {
        match self {
            Self::Content => {
                let address = node.text(ADDRESS_BYTES_MAX)?.parse().ok();
                let expected = "expected blake3: and 64 hexadecimal digits";
                address
                    .or_else(|| node.refuse(FaultKind::Range, expected))
                    .map(|address| Asset::Content(Address(address)))
            }
            Self::File => parsed(node).map(Asset::File),
            Self::CadFile => parsed(node).map(Asset::CadFile),
            Self::Product => parsed(node).map(Asset::Product),
        }
    }
}

impl Asset {
    /// The content address, if it is named by that.
    #[must_use]
    pub const fn address(&self) -> Option<ContentAddress> {
        match self {
            Self::Content(address) => Some(address.0),
            Self::File(_) | Self::CadFile(_) | Self::Product(_) => None,
        }
    }

    /// The member that names it.
    #[must_use]
    pub const fn member(&self) -> &'static str {
        match self {
            Self::Content(_) => Form::Content.member(),
            Self::File(_) => Form::File.member(),
            Self::CadFile(_) => Form::CadFile.member(),
            Self::Product(_) => Form::Product.member(),
        }
    }

    /// Reads exactly one of some forms.
    pub(super) fn read(node: &Node<'_>, forms: &[Form]) -> Option<Self> {
        let mut members = node.members()?;
        let given: Vec<Option<Self>> =
            forms.iter().filter_map(|form| members.given(form.member()).map(|node| form.read(&node))).collect();
        members.finish();
        match given[..] {
            [one] => one,
            [] => node.refuse(FaultKind::Missing, "expected exactly one reference"),
            _ => node.refuse(FaultKind::Conflict, "expected exactly one reference"),
        }
    }
}

impl Serialize for Asset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: &dyn Display = match self {
            Self::Content(address) => &address.0,
            Self::File(id) => id,
            Self::CadFile(id) => id,
            Self::Product(id) => id,
        };
        let mut members = serializer.serialize_map(Some(1))?;
        members.serialize_entry(self.member(), &value.to_string())?;
        members.end()
    }
}

impl PartialSchema for Asset {
    fn schema() -> RefOr<Schema> {
        let id = |what: &str| json!({"type": "string", "format": "uuid", "description": what});
        of_json(json!({
            "type": "object",
            "description": "A file that the tenant has, named by exactly one of these; an environment map by its content or as the \
                            file of a package.",
            "properties": {
                "content_address": {"$ref": "#/components/schemas/Address", "description": "A stored file, by its content."},
                "file_id": id("A file of a package."),
                "cad_file_id": id("A CAD file: the GLB that it is, or that was made of it."),
                "product_id": id("A product: the GLB of its CAD file. The materials of its parts are added to `materials`, where that says nothing about them."),
            },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": false,
        }))
    }
}

impl ToSchema for Asset {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Address::name().into_owned(), Address::schema()));
    }
}
