//! Media assets, as a client sees them (media.md).

use std::collections::{BTreeMap, HashSet};

use packshot_json::{FaultKind, Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::artifact::RetentionClassName;
use super::order::RenderStatus;
use super::problem::Invalid;
use super::read::{change, optional, parsed};
use super::scalar::{Address, Time};
use packshot_domain::artifact::Label;
use packshot_domain::cad_file::OriginalName;
use packshot_domain::change::Change;
use packshot_domain::id::AssetId;
use packshot_domain::media as domain;

words! {
    /// What an asset is.
    pub enum AssetType = domain::AssetType {
        /// A small picture of a product or a CAD file.
        Thumbnail = "thumbnail",
        /// A picture.
        Still = "still",
        /// One of a set of pictures from several sides.
        View = "view",
        /// A movie of the whole turn, or its frames.
        Turntable = "turntable",
        /// A model with the colours of a viewer.
        GlbGeometry = "glb_geometry",
        /// A model with the materials of the library.
        GlbProduction = "glb_production",
        /// What a customer wants on a product.
        Design = "design",
        /// A design, ready to be laid onto the product.
        DesignTexture = "design_texture",
        /// A file that somebody sent.
        Upload = "upload",
    }
}

words! {
    /// State of an asset.
    pub enum AssetState = domain::AssetState {
        /// All who may see its order or product see it.
        Published = "published",
        /// Only project managers and admins see it.
        Unpublished = "unpublished",
        /// There is a newer version.
        Superseded = "superseded",
        /// Its bytes are gone, and its record was kept.
        Expired = "expired",
    }
}

/// A media asset: a file that was made, or sent, to be looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MediaAsset {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// What it is.
    pub asset_type: AssetType,
    /// Its media type, such as `image/png`.
    pub media_type: String,
    /// Its name.
    pub file_name: String,
    /// Address of its content.
    pub file_hash: Address,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Width in pixels, of a picture or a movie.
    pub width: Option<u32>,
    /// Height in pixels, of a picture or a movie.
    pub height: Option<u32>,
    /// How many frames a movie has.
    pub frame_count: Option<u32>,
    /// How many seconds a movie lasts.
    pub duration_s: Option<f64>,
    /// Which view it is, such as `front_0deg`.
    pub view_name: Option<String>,
    /// The product that it shows.
    pub product_id: Option<Uuid>,
    /// The order that it was made for.
    pub order_id: Option<Uuid>,
    /// The line of the order.
    pub order_line_id: Option<Uuid>,
    /// The output type of the line.
    pub output_type_id: Option<Uuid>,
    /// The workflow run that made it.
    pub workflow_run_id: Option<Uuid>,
    /// The render that it was sent from.
    pub render_id: Option<Uuid>,
    /// The design job that made it.
    pub design_job_id: Option<Uuid>,
    /// The same product, for lists.
    pub product: Option<AssetProduct>,
    /// The state of the order line.
    pub render_status: Option<RenderStatus>,
    /// Its state.
    pub state: AssetState,
    /// Its number among the versions of the same thing, from 1.
    pub version: u32,
    /// The version after it.
    pub superseded_by: Option<Uuid>,
    /// Whether it is the picture of its product in lists.
    pub is_thumbnail: bool,
    /// How long its bytes are kept though nothing protects them.
    pub retention_class: RetentionClassName,
    /// Until when; `null` for as long as nobody deletes it.
    pub retention_until: Option<Time>,
    /// Whether it is kept whatever its time is.
    pub hold: bool,
    /// The package that proves where it comes from.
    pub package_id: Option<Uuid>,
    /// What else is known of it.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// When it was saved.
    pub created_at: Time,
    /// When it was published.
    pub published_at: Option<Time>,
    /// Counts its changes.
    pub revision: i64,
    /// Where it and what belongs to it are.
    pub links: AssetLinks,
}

/// A page of assets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AssetPage {
    /// The assets.
    pub items: Vec<MediaAsset>,
    /// How many there are in all.
    pub total: u64,
    /// Which page it is, from 1; `null` where a cursor says it.
    pub page: Option<u32>,
    /// How many assets a page has.
    pub page_size: u32,
    /// How many pages there are.
    pub pages: u64,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// The product that an asset shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetProduct {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its id in the tenant's product information system.
    pub pim_id: String,
    /// The category that it is in.
    pub category_key: Option<String>,
    /// Its kind of bearing, or whatever the tenant keeps there.
    pub lagertyp: Option<String>,
}

/// Links of an asset, as paths on this server; `null` where there is nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetLinks {
    /// The asset.
    #[serde(rename = "self")]
    pub own: String,
    /// Its bytes.
    pub content: Option<String>,
    /// A small picture of it.
    pub thumbnail: Option<String>,
    /// The product that it shows.
    pub product: Option<String>,
    /// The order that it was made for.
    pub order: Option<String>,
}

/// How many assets of a list have which values, each value counted without the filter by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetFacets {
    /// By what they are.
    pub asset_type: BTreeMap<String, u64>,
    /// By the category of their product.
    pub category_key: BTreeMap<String, u64>,
    /// By the `lagertyp` of their product.
    pub lagertyp: BTreeMap<String, u64>,
    /// By the state of their order line.
    pub render_status: BTreeMap<String, u64>,
    /// How many assets the list has.
    pub total: u64,
}

/// The versions of an asset, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AssetVersions {
    /// The versions.
    pub items: Vec<MediaAsset>,
}

/// A change of what is said of an asset: absent members stay, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AssetPatch {
    /// Another name.
    #[schema(min_length = 1, max_length = 255)]
    pub file_name: Option<String>,
    /// Another view, or none.
    #[schema(min_length = 1, max_length = 200)]
    pub view_name: Option<String>,
    /// What else is known of it: members that are absent stay, `null` removes one.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
    /// Whether it is kept whatever its time is. An admin says so.
    pub hold: Option<bool>,
}

/// A change of an asset, as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AssetEdit {
    /// Another name.
    pub file_name: Option<OriginalName>,
    /// Another view, or none.
    pub view_name: Change<Label>,
    /// Something else that is known of it.
    pub metadata: Change<Value>,
    /// Whether it is held.
    pub hold: Option<bool>,
}

impl AssetPatch {
    /// Reads a change. Members that are not known are ignored.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`.
    pub fn parse(body: &Value) -> Result<AssetEdit, Invalid> {
        let faults = Faults::default();
        let edit = Node::root(body, &faults).members().map(|mut m| AssetEdit {
            file_name: m.take("file_name").and_then(|node| parsed(&node)),
            view_name: change(&mut m, "view_name", parsed),
            metadata: change(&mut m, "metadata", |node| node.entries().map(|_| node.value().clone())),
            // Without a word it is not held.
            hold: m.take("hold").and_then(|node| if node.is_null() { Some(false) } else { node.flag() }),
        });
        Invalid::unless_faults(edit, faults)
    }
}

/// Assets that something is done with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetSelection {
    /// The assets.
    #[schema(min_items = 1, max_items = 500)]
    pub asset_ids: Vec<Uuid>,
}

impl AssetSelection {
    /// Most assets that something is done with at once.
    pub const MAX: usize = 500;

    /// Reads which assets, each once. Members that are not known are ignored.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`.
    pub fn parse(body: &Value) -> Result<Vec<AssetId>, Invalid> {
        let faults = Faults::default();
        let ids = Node::root(body, &faults).members().and_then(|mut m| {
            let node = m.require("asset_ids")?;
            let ids = ids(&node)?;
            match ids.len() {
                1..=Self::MAX => Some(ids),
                _ => node.refuse(FaultKind::Range, format!("expected 1 to {} ids", Self::MAX)),
            }
        });
        let ids = Invalid::unless_faults(ids, faults)?;
        let mut seen = HashSet::new();
        Ok(ids.into_iter().filter(|id| seen.insert(*id)).collect())
    }
}

/// What became of several assets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkResult {
    /// How many have changed.
    pub changed: u64,
    /// Those that have not, because they cannot.
    pub failed: Vec<BulkFailure>,
}

/// Why nothing became of an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkFailure {
    /// The asset.
    pub asset_id: Uuid,
    /// Why, as a code.
    pub code: String,
}

words! {
    /// How an asset came into the gallery of a product.
    pub enum GallerySource = domain::GallerySource {
        /// It was made for a line of an order.
        OrderLine = "order_line",
        /// A design job made it.
        DesignJob = "design_job",
        /// Somebody put it there.
        Upload = "upload",
    }
}

/// An asset in the gallery of a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GalleryItem {
    /// Its place, from 0.
    pub position: u32,
    /// How it came there.
    pub source: GallerySource,
    /// The asset.
    pub asset: MediaAsset,
}

/// The gallery of a product, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Gallery {
    /// What the product shows.
    pub items: Vec<GalleryItem>,
}

/// An asset for the gallery of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GalleryAddition {
    /// The asset.
    pub asset_id: Uuid,
    /// Its place, from 0: what is there moves back; at the end if absent.
    pub position: Option<u32>,
}

impl GalleryAddition {
    /// Reads which asset and where.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<(AssetId, Option<u32>), Invalid> {
        let faults = Faults::default();
        let addition = Node::root(body, &faults).members().and_then(|mut m| {
            let asset = m.require("asset_id").and_then(|node| parsed(&node));
            let position = optional(&mut m, "position", |node| node.count(0..=u32::MAX));
            m.finish();
            Some((asset?, position?))
        });
        Invalid::unless_faults(addition, faults)
    }
}

/// The assets of a gallery in another order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GalleryOrder {
    /// All assets of the gallery, in the new order.
    pub asset_ids: Vec<Uuid>,
}

impl GalleryOrder {
    /// Reads the order.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<Vec<AssetId>, Invalid> {
        let faults = Faults::default();
        let order = Node::root(body, &faults).members().and_then(|mut m| {
            let order = m.require("asset_ids").and_then(|node| ids(&node));
            m.finish();
            order
        });
        Invalid::unless_faults(order, faults)
    }
}

fn ids(node: &Node<'_>) -> Option<Vec<AssetId>> {
    node.list()?.iter().map(parsed).collect()
}
