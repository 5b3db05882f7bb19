//! The files that were made of the lines of an order.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Client, ClientError};
use crate::media::{AssetPage, MediaAsset};
use crate::order::Order;
use packshot_domain::hash::ContentAddress;

/// Elements that a page of a list has at most.
const PAGE: &str = "200";

/// A file that was made of an order line: a picture, a movie, an archive of pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The line.
    pub line: Uuid,
    /// Its name.
    pub name: String,
    /// What kind of bytes it has.
    pub media_type: String,
    /// How many.
    pub size_bytes: u64,
    /// Their BLAKE3.
    pub address: ContentAddress,
    /// Where they are, as a path on the server.
    pub url: String,
}

impl Picture {
    /// The file of an asset; `None` where its bytes are gone or it is of no line.
    fn of(asset: MediaAsset) -> Option<Self> {
        Some(Self {
            line: asset.order_line_id?,
            url: asset.links.content?,
            name: asset.file_name,
            media_type: asset.media_type,
            size_bytes: asset.size_bytes,
            address: asset.file_hash.0,
        })
    }
}

impl Client {
    /// The newest files that were made of the lines of an order, in their order.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn pictures(&self, order: &Order) -> Result<Vec<Picture>, ClientError> {
        let (id, mut found, mut cursor) = (order.summary.id.to_string(), Vec::new(), None::<String>);
        loop {
            let parameters =
                [("order_id", Some(id.as_str())), ("page_size", Some(PAGE)), ("cursor", cursor.as_deref())];
            let page: AssetPage = self.page("api/media/assets", &parameters).await?;
            found.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        // Those that the lines name: a newer version may have come between.
        let current = order.lines.iter().flat_map(|line| &line.asset_ids);
        let places: HashMap<Uuid, usize> = current.copied().zip(0..).collect();
        found.retain(|asset| places.contains_key(&asset.id));
        found.sort_by_key(|asset| places[&asset.id]);
        Ok(found.into_iter().filter_map(Picture::of).collect())
    }
}
