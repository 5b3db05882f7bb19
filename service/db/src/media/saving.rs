//! Saving what a task delivered: an asset for each file, a version after the one that there was, and the picture of the
//! product.

use std::collections::HashMap;
use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};

use super::{gallery, search};
use crate::artifacts::WholePackage;
use crate::column::Col;
use crate::entity::{cad_file, media_asset, order_line, product};
use crate::level::Level;
use crate::tasks::{Delivery, OutputFile};
use crate::tx::Tx;
use crate::{DbError, tenant_configs};
use packshot_domain::artifact::{Retention, RetentionClass};
use packshot_domain::id::{AssetId, PackageId, RunId, TenantId};
use packshot_domain::media::{AssetEvent, AssetState, AssetType, FRONT, ThumbnailSource, is_thumbnail};

/// Pictures that browsers show.
const SHOWN: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/avif"];
/// What the name of a file begins with that is no view.
const WHOLE: &str = "result";

/// Saves the files that a line's task delivered, all of them published or, where they take the place of others, in
/// those's state. The line's product is locked.
///
/// Files of several tasks of one run stand beside each other; what is there from before gives way when the run
/// [has ended](retire_all_but).
pub(crate) async fn save(
    tx: &Tx<'_>,
    line: &order_line::Model,
    (of, by): (AssetType, MadeBy<'_>),
    delivery: &Delivery,
) -> Result<Vec<AssetId>, DbError> {
    let Some(whole) = delivery.packages.first() else { return Ok(Vec::new()) };
    let kept = Kept::of(tx, line.tenant_id.0, whole).await?;
    tx.enter(Level::Object);
    // A preview is in a package of its own, and what a picture was made of has no size of its own.
    let is_kept = |file: &&OutputFile| whole.files.iter().any(|kept| kept.file.path.as_str() == file.name);
    let is_made = |file: &&OutputFile| of.admits(&file.media_type) && (file.width.is_some() || of.is_model());
    let files = delivery.files.iter().filter(is_kept).filter(is_made);
    let run = by.run.map(Col);
    let is_older = |asset: &media_asset::Model| run.is_none() || asset.workflow_run_id != run;
    let mut before = current(tx, line).await?;
    before.retain(is_older);
    let mut versions = versions(tx, line).await?;
    let mut product = product::Entity::find_by_id((line.tenant_id, line.product_id)).one(tx.on()).await?;
    let (mut rows, mut successors) = (Vec::new(), Vec::new());
    for (position, file) in (0..).zip(files) {
        let mut row = media_asset::Model {
            product_id: Some(line.product_id),
            order_id: Some(line.order_id),
            order_line_id: Some(line.id),
            output_type_id: Some(line.output_type_id),
            workflow_run_id: run,
            render_status: Some(line.render_status),
            ..row(tx, line.tenant_id.0, (of, kept), position, file).await?
        };
        let kind = (row.asset_type, row.media_type.clone(), row.view_name.clone());
        row.version = 1 + versions.get(&kind).copied().unwrap_or(0);
        versions.insert(kind, row.version);
        let same = before.iter().position(|old| {
            (old.asset_type, &old.media_type, &old.view_name) == (row.asset_type, &row.media_type, &row.view_name)
        });
        let same = same.map(|old| before.swap_remove(old));
        if let Some(old) = &same {
            supersede(tx, old, &mut row).await?;
            successors.push(Successor { old: old.id.0, same: Some(row.id.0), shown: Some(row.id.0) });
        }
        if let Some(product) = &mut product {
            adopt(tx, product, (same.map(|old| old.id), by.thumbnail_view), &row, &rows).await?;
        }
        rows.push(row);
    }
    if run.is_none() {
        successors.extend(replace(tx, product.as_mut(), &before, &rows).await?);
    }
    let saved = rows.iter().map(|row| row.id.0).collect();
    search::describe(tx, line.tenant_id.0, &mut rows).await?;
    tx.insert_all(rows.into_iter().map(|row| row.into_active_model().reset_all()).collect()).await?;
    if let Some(product) = product {
        save_thumbnail(tx, product).await?;
    }
    take_places(tx, line, &successors).await?;
    Ok(saved)
}

/// What comes after an asset that is no longer current.
pub(super) struct Successor {
    pub(super) old: AssetId,
    /// The next version of the same thing, which takes its place in galleries; without one the place is free.
    pub(super) same: Option<AssetId>,
    /// What stands for products in its place, if anything does.
    pub(super) shown: Option<AssetId>,
}

/// Lets assets take the places of older ones in galleries, and as thumbnails of other products, which are locked.
pub(super) async fn take_places(
    tx: &Tx<'_>,
    line: &order_line::Model,
    successors: &[Successor],
) -> Result<(), DbError> {
    use product::Column as C;
    for Successor { old, same, shown } in successors {
        let others = product::Entity::update_many()
            .col_expr(C::ThumbnailAssetId, Expr::value(shown.map(Col)))
            .col_expr(C::Revision, Expr::col(C::Revision).add(1))
            .filter(C::TenantId.eq(line.tenant_id))
            .filter(C::ThumbnailAssetId.eq(Col(*old)))
            .filter(C::Id.ne(line.product_id));
        let others = match shown {
            Some(_) => others,
            None => others.set(product::ActiveModel { thumbnail_source: Set(None), ..Default::default() }),
        };
        others.exec(tx.on()).await?;
        match same {
            Some(new) => gallery::take_place(tx, line.tenant_id.0, *old, *new).await?,
            None => gallery::leave(tx, line.tenant_id.0, &[*old]).await?,
        }
    }
    Ok(())
}

/// Who saves files of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MadeBy<'v> {
    /// The run, if one does.
    pub(crate) run: Option<RunId>,
    /// The view that becomes the picture of a product that has none, where it is not the one from the front.
    pub(crate) thumbnail_view: Option<&'v str>,
}

/// Lets everything of a line that a run did not make give way to what it made: the run has ended. The line's product is
/// locked.
pub(crate) async fn retire_all_but(tx: &Tx<'_>, line: &order_line::Model, run: RunId) -> Result<(), DbError> {
    tx.enter(Level::Object);
    let (rows, before): (Vec<_>, Vec<_>) =
        current(tx, line).await?.into_iter().partition(|asset| asset.workflow_run_id == Some(Col(run)));
    let mut product = product::Entity::find_by_id((line.tenant_id, line.product_id)).one(tx.on()).await?;
    let successors = replace(tx, product.as_mut(), &before, &rows).await?;
    if let Some(product) = product {
        save_thumbnail(tx, product).await?;
    }
    take_places(tx, line, &successors).await
}

/// What a line had of another kind, or of other views, is no picture of what its output type says now. Returns what
/// took the place of what.
async fn replace(
    tx: &Tx<'_>,
    mut product: Option<&mut product::Model>,
    before: &[media_asset::Model],
    rows: &[media_asset::Model],
) -> Result<Vec<Successor>, DbError> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let shown = rows.iter().find(|row| stands_for_product(row, None)).map(|row| row.id.0);
    let mut successors = Vec::new();
    for old in before {
        retire(tx, old, first).await?;
        successors.push(Successor { old: old.id.0, same: None, shown });
        // A picture that is shown in its place, or none: the next one may be.
        if let Some(product) = product.as_mut().filter(|product| product.thumbnail_asset_id == Some(old.id)) {
            let shown = rows.iter().find(|row| stands_for_product(row, None));
            product.thumbnail_asset_id = shown.map(|row| row.id);
            product.thumbnail_source = product.thumbnail_source.filter(|_| product.thumbnail_asset_id.is_some());
        }
    }
    Ok(successors)
}

/// The newest versions of what a line has.
async fn current(tx: &Tx<'_>, line: &order_line::Model) -> Result<Vec<media_asset::Model>, DbError> {
    use media_asset::Column as C;
    let states = AssetState::ALL.iter().filter(|state| state.is_current()).map(|state| Col(*state));
    let of_line = media_asset::Entity::find().filter(C::TenantId.eq(line.tenant_id));
    let current = of_line.filter(C::OrderLineId.eq(line.id)).filter(C::State.is_in(states));
    // In the order in which assets are locked. Those that were saved together have ids in the order of their files.
    Ok(current.order_by_asc(C::Id).lock_exclusive().all(tx.on()).await?)
}

/// The newest version of everything that a line ever had, by its kind: also of what it has no longer.
async fn versions(
    tx: &Tx<'_>,
    line: &order_line::Model,
) -> Result<HashMap<(Col<AssetType>, String, Option<String>), i32>, DbError> {
    use media_asset::Column as C;
    let kinds = [C::AssetType, C::MediaType, C::ViewName];
    let of_line = media_asset::Entity::find().filter(C::TenantId.eq(line.tenant_id)).filter(C::OrderLineId.eq(line.id));
    let newest = of_line.select_only().columns(kinds).column_as(C::Version.max(), "newest");
    let newest = kinds.into_iter().fold(newest, QuerySelect::group_by);
    let newest: Vec<(Col<AssetType>, String, Option<String>, i32)> = newest.into_tuple().all(tx.on()).await?;
    Ok(newest.into_iter().map(|(of, media_type, view, version)| ((of, media_type, view), version)).collect())
}

/// Saves what a task delivered of a locked CAD file, as the next version of what it has of this type.
pub(crate) async fn save_of_file(
    tx: &Tx<'_>,
    file: &cad_file::Model,
    of: AssetType,
    delivery: &Delivery,
) -> Result<Option<AssetId>, DbError> {
    use media_asset::Column as C;
    let Some(whole) = delivery.packages.first() else { return Ok(None) };
    let is_made = |made: &&OutputFile| of.admits(&made.media_type) && (made.width.is_some() || of.is_model());
    let Some(made) = delivery.files.iter().find(is_made) else { return Ok(None) };
    tx.enter(Level::Object);
    let id = file.id.0.to_string();
    let kept = Kept::of(tx, file.tenant_id.0, whole).await?;
    let mut new = media_asset::Model {
        cad_file_id: Some(file.id),
        metadata: Col(serde_json::json!({"cad_file_id": id})),
        ..row(tx, file.tenant_id.0, (of, kept), 0, made).await?
    };
    let before = media_asset::Entity::find()
        .filter(C::TenantId.eq(file.tenant_id))
        .filter(C::AssetType.eq(Col(of)))
        .filter(C::CadFileId.eq(file.id))
        .order_by_desc(C::Version)
        // So that the state that the new one takes over is the last.
        .lock_exclusive();
    if let Some(before) = before.one(tx.on()).await? {
        new.version = 1 + before.version;
        if before.state.0.is_current() {
            supersede(tx, &before, &mut new).await?;
        }
    }
    let id = new.id.0;
    search::describe(tx, file.tenant_id.0, std::slice::from_mut(&mut new)).await?;
    tx.insert_all(vec![new.into_active_model().reset_all()]).await?;
    Ok(Some(id))
}

/// The package that has the bytes of new assets, and how long those are kept.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    package: PackageId,
    class: RetentionClass,
    ttl_s: Option<u32>,
}

impl Kept {
    pub(super) async fn of(tx: &Tx<'_>, tenant: TenantId, whole: &WholePackage) -> Result<Self, DbError> {
        let days = tenant_configs::load(tx, tenant).await?.config.retention_days;
        let class = whole.package.retention_class;
        Ok(Self { package: whole.package.id, class, ttl_s: Retention::of(class, &days).ttl_s() })
    }
}

/// A new asset of nothing yet, the first version of its kind.
pub(super) async fn row(
    tx: &Tx<'_>,
    tenant: TenantId,
    (of, kept): (AssetType, Kept),
    position: i32,
    file: &OutputFile,
) -> Result<media_asset::Model, DbError> {
    let now = tx.now().await?;
    let until = kept.ttl_s.map(|ttl_s| Col(now + Duration::from_secs(u64::from(ttl_s))));
    let now = Col(now);
    let stem = file.name.rsplit_once('.').map_or(file.name.as_str(), |(stem, _)| stem);
    Ok(media_asset::Model {
        tenant_id: Col(tenant),
        id: Col(AssetId::new()),
        position,
        asset_type: Col(of),
        media_type: file.media_type.clone(),
        file_name: file.name.clone(),
        address: Col(file.address),
        size_bytes: file.size_bytes,
        width: file.width,
        height: file.height,
        frame_count: file.movie.map(|movie| movie.frames),
        duration_s: file.movie.map(|movie| movie.duration_ms as f64 / 1_000.0),
        view_name: (stem != WHOLE && of != AssetType::DesignTexture).then(|| stem.to_owned()),
        product_id: None,
        order_id: None,
        order_line_id: None,
        output_type_id: None,
        workflow_run_id: None,
        render_id: None,
        design_job_id: None,
        cad_file_id: None,
        category_key: None,
        lagertyp: None,
        render_status: None,
        name_key: Vec::new(),
        search_text: String::new(),
        state: Col(AssetState::Published),
        version: 1,
        superseded_by: None,
        package_id: Col(kept.package),
        retention_class: Col(kept.class),
        retention_until: until,
        held: false,
        expired_at: None,
        metadata: Col(serde_json::json!({})),
        created_at: now,
        updated_at: now,
        published_at: Some(now),
        revision: 1,
    })
}

/// Lets a new asset take the place of an older version, whose state it takes over.
pub(super) async fn supersede(
    tx: &Tx<'_>,
    old: &media_asset::Model,
    new: &mut media_asset::Model,
) -> Result<(), DbError> {
    new.state = old.state;
    if new.state.0 == AssetState::Unpublished {
        new.published_at = None;
    }
    retire(tx, old, new).await
}

/// Writes that an asset is superseded by another.
async fn retire(tx: &Tx<'_>, old: &media_asset::Model, new: &media_asset::Model) -> Result<(), DbError> {
    let state = old
        .state
        .0
        .next(AssetEvent::Supersede)
        .map_err(|error| DbError::Corrupt { what: "media asset", reason: error.to_string() })?;
    let changed = media_asset::ActiveModel {
        state: Set(Col(state)),
        superseded_by: Set(Some(new.id)),
        updated_at: Set(new.created_at),
        revision: Set(old.revision + 1),
        ..old.clone().into_active_model()
    };
    changed.update_without_returning(tx.on()).await?;
    Ok(())
}

/// Makes a new asset the picture of its product, if it is to be: it takes the place of the version before it, or the
/// rules of pictures say so.
async fn adopt(
    tx: &Tx<'_>,
    product: &mut product::Model,
    (before, view): (Option<Col<AssetId>>, Option<&str>),
    new: &media_asset::Model,
    saved: &[media_asset::Model],
) -> Result<(), DbError> {
    if before.is_some() && product.thumbnail_asset_id == before {
        product.thumbnail_asset_id = Some(new.id);
        return Ok(());
    }
    if !stands_for_product(new, view) {
        return Ok(());
    }
    let present = match (product.thumbnail_asset_id, product.thumbnail_source) {
        (Some(id), Some(source)) => Some((source.0, view_of(tx, product.tenant_id.0, id.0, saved).await?)),
        _ => None,
    };
    let present = present.as_ref().map(|(source, view)| (*source, view.as_deref()));
    // The chosen view counts as the one from the front.
    let shown = if view.is_some() && new.view_name.as_deref() == view { Some(FRONT) } else { new.view_name.as_deref() };
    if is_thumbnail(present, shown) {
        product.thumbnail_asset_id = Some(new.id);
        product.thumbnail_source = Some(Col(ThumbnailSource::Automatic));
    }
    Ok(())
}

/// Whether an asset may become the picture of its product by itself: browsers show it, and of a set of views only the
/// one from the front does.
fn stands_for_product(asset: &media_asset::Model, view: Option<&str>) -> bool {
    SHOWN.contains(&asset.media_type.as_str())
        && match asset.asset_type.0 {
            AssetType::Still | AssetType::Thumbnail => true,
            AssetType::View => asset.view_name.as_deref() == Some(view.unwrap_or(FRONT)),
            _ => false,
        }
}

/// Which view an asset is, which may be about to be written.
async fn view_of(
    tx: &Tx<'_>,
    tenant: TenantId,
    id: AssetId,
    saved: &[media_asset::Model],
) -> Result<Option<String>, DbError> {
    if let Some(row) = saved.iter().find(|row| row.id.0 == id) {
        return Ok(row.view_name.clone());
    }
    let row = media_asset::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    Ok(row.and_then(|row| row.view_name))
}

/// Writes the picture of a locked product, where it is another one now.
pub(super) async fn save_thumbnail(tx: &Tx<'_>, product: product::Model) -> Result<(), DbError> {
    let before = product::Entity::find_by_id((product.tenant_id, product.id)).one(tx.on()).await?;
    if before.is_none_or(|before| before.thumbnail_asset_id == product.thumbnail_asset_id) {
        return Ok(());
    }
    let changed = product::ActiveModel {
        thumbnail_asset_id: Set(product.thumbnail_asset_id),
        thumbnail_source: Set(product.thumbnail_source),
        // Whoever changes the product meanwhile must see it.
        revision: Set(product.revision + 1),
        ..product.into_active_model()
    };
    changed.update_without_returning(tx.on()).await?;
    Ok(())
}
