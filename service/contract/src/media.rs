//! Media assets, as a client sees them (media.md).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::order::RenderStatus;
use super::scalar::{Address, Time};
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

/// A page of assets, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AssetPage {
    /// The assets.
    pub items: Vec<MediaAsset>,
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
    /// The product that it shows.
    pub product: Option<String>,
    /// The order that it was made for.
    pub order: Option<String>,
}
