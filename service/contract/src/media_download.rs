//! Media assets that are fetched as one ZIP, as clients ask for them and see them (media.md §7).

use packshot_json::{FaultKind, Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::Invalid;
use super::read::{optional, parsed};
use super::scalar::Time;
use packshot_domain::id::AssetId;

/// Which assets to put into one ZIP: either of the two members.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct MediaDownloadRequest {
    /// These, at most 5,000.
    pub asset_ids: Option<Vec<Uuid>>,
    /// All that a list with these parameters shows, such as `{"order_id": "…", "asset_type": ["still", "view"]}`.
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Value>,
}

/// Which assets to put into one ZIP, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub enum DownloadWish {
    /// These.
    Assets(Vec<AssetId>),
    /// Those that a list with these parameters shows.
    Filter(Map<String, Value>),
}

impl MediaDownloadRequest {
    /// Reads which assets are wanted.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `conflicting_members`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<DownloadWish, Invalid> {
        let faults = Faults::default();
        let wish = Node::root(body, &faults).members().and_then(|mut m| {
            let assets = optional(&mut m, "asset_ids", |node| {
                let ids: Vec<Option<AssetId>> = node.list()?.iter().map(parsed).collect();
                ids.into_iter().collect::<Option<Vec<AssetId>>>()
            });
            let filter = optional(&mut m, "filter", |node| match node.value() {
                Value::Object(members) => Some(members.clone()),
                _ => node.refuse(FaultKind::Type, "expected an object"),
            });
            let chosen = match (assets?, filter?) {
                (Some(assets), None) => Some(DownloadWish::Assets(assets)),
                (None, Some(filter)) => Some(DownloadWish::Filter(filter)),
                (Some(_), Some(_)) => {
                    m.node().refuse(FaultKind::Conflict, "`asset_ids` and `filter` are given: choose one of them")
                }
                (None, None) => m.node().refuse(FaultKind::Missing, "expected `asset_ids` or `filter`"),
            };
            m.finish();
            chosen
        });
        Invalid::unless_faults(wish, faults)
    }
}

/// A ZIP that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MediaDownload {
    /// Its id.
    pub id: Uuid,
    /// Where it is fetched, without a token: whoever has this path may read it until `expires_at`.
    pub url: String,
    /// How many files it has.
    pub files: u32,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Assets that it does not have.
    pub skipped: Vec<SkippedAsset>,
    /// Until when it can be fetched.
    pub expires_at: Time,
}

/// An asset that is not in a ZIP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkippedAsset {
    /// The asset.
    pub asset_id: Uuid,
    /// Why: `asset_not_found` or `asset_expired`.
    pub code: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn m46_either_ids_or_a_filter() {
        let id = "0193b2a0-0000-7000-8000-000000000000";
        let ids = MediaDownloadRequest::parse(&json!({"asset_ids": [id]})).expect("ids");
        assert_eq!(ids, DownloadWish::Assets(vec![id.parse().expect("an id")]));
        let filter =
            MediaDownloadRequest::parse(&json!({"filter": {"order_id": id}, "asset_ids": null})).expect("a filter");
        assert!(matches!(filter, DownloadWish::Filter(members) if members.len() == 1));
        for (body, pointer) in [
            (json!({"asset_ids": [id], "filter": {}}), ""),
            (json!({}), ""),
            (json!({"asset_ids": ["x"]}), "/asset_ids/0"),
            (json!({"filter": []}), "/filter"),
            (json!({"asset_ids": [id], "format": "zip"}), "/format"),
        ] {
            let refused = MediaDownloadRequest::parse(&body).expect_err("wrong");
            assert_eq!(refused.findings[0].pointer, pointer, "{body}");
        }
    }
}
