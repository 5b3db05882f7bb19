//! Media assets, case by case (M01–M27, M37–M42, M51–M60): most of them are inserted, as rendering many takes long.

mod changes;
mod galleries;
mod lists;
mod shelf;
mod trial;

use packshot_db::testing::media::{SeedAsset, insert_assets};

use crate::app::TestApp;
use crate::artifacts::Kept;

/// A media asset of the operating tenant, which nobody rendered. Its file is one of a package.
pub(crate) async fn kept(app: &TestApp) -> String {
    let scope = app.scope().await;
    let bytes = uuid::Uuid::now_v7().to_string();
    let kept = Kept::make(app, scope, bytes.as_bytes()).await;
    let now = app.db.now().await.expect("the time");
    let size_bytes = i64::try_from(bytes.len()).expect("small");
    let asset = SeedAsset { package: kept.package, address: kept.address, size_bytes, ..SeedAsset::still(now) };
    let id = asset.id.to_string();
    insert_assets(&app.db, scope, vec![asset]).await.expect("an asset");
    id
}
