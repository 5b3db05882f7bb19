//! Lists of assets: found by filters and words, in pages, and counted.

use super::filter::{AssetCursor, Given, invalid_cursor};
use super::{owner, shown};
use crate::app::{App, AppError};
use packshot_contract::media::{AssetFacets, AssetPage};
use packshot_db::TenantScope;
use packshot_db::media::facets::{self as facet_rows, Facets};
use packshot_db::media::list::{self as rows, Start};
use packshot_db::media::{Asset, AssetFilter};
use packshot_domain::principal::Principal;
use packshot_domain::reader::{Reader, Rows};

/// Assets of a page where nothing else is asked for.
pub const PAGE_SIZE: u32 = 50;
/// Most assets of a page.
pub const PAGE_SIZE_MAX: u32 = 200;

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A page, from 1.
    Page(u32),
    /// What follows the page before.
    After(AssetCursor),
}

/// A part of the list of assets, and how many there are. A client sees the published ones of own orders.
///
/// # Errors
/// [`Code::ValidationFailed`](crate::app::Code::ValidationFailed) for filters that cannot be read,
/// [`Code::InvalidCursor`](crate::app::Code::InvalidCursor).
pub async fn page(app: &App, reader: &Reader, given: Given, part: Part, page_size: u32) -> Result<AssetPage, AppError> {
    let (given, page, start) = match part {
        Part::Page(page) => (given, Some(page), Start::After(u64::from(page.saturating_sub(1)) * u64::from(page_size))),
        Part::After(cursor) => {
            cursor.check(&given)?;
            (cursor.given, None, Start::Place(cursor.place))
        }
    };
    let (filter, order) = given.filter()?;
    if page.is_none() && reader.rows == Rows::OfTenant && filter.tenant.is_some_and(|id| id != reader.who.tenant) {
        return Err(invalid_cursor("the cursor is of another tenant's list: name that tenant beside it").into());
    }
    let filter = AssetFilter { owner: owner(&reader.who), ..filter };
    let listed = rows::list(&app.db, reader, filter, order, (start, page_size)).await?;
    let next = listed.next.map(|place| AssetCursor { given, place });
    Ok(AssetPage {
        items: listed.items.into_iter().map(shown).collect(),
        total: listed.total,
        page,
        page_size,
        pages: listed.total.div_ceil(u64::from(page_size.max(1))),
        next_cursor: next.map(|cursor| cursor.text()),
    })
}

/// How many assets of a list have which values, each value counted without the filter by it.
///
/// # Errors
/// [`Code::ValidationFailed`](crate::app::Code::ValidationFailed) for filters that cannot be read.
pub async fn facets(app: &App, reader: &Reader, given: &Given) -> Result<AssetFacets, AppError> {
    let (filter, _) = given.filter()?;
    let filter = AssetFilter { owner: owner(&reader.who), ..filter };
    let Facets { mut counts, total } = facet_rows::list(&app.db, reader, filter).await?;
    let mut of = |facet| counts.remove(facet).unwrap_or_default();
    Ok(AssetFacets {
        asset_type: of("asset_type"),
        category_key: of("category_key"),
        lagertyp: of("lagertyp"),
        render_status: of("render_status"),
        total,
    })
}

/// The assets of a list in its order, at most `max`: those of the caller's tenant that they see.
///
/// # Errors
/// [`Code::ValidationFailed`](crate::app::Code::ValidationFailed) for filters that cannot be read;
/// [`Code::TenantMismatch`](crate::app::Code::TenantMismatch) for the filter of another tenant.
pub async fn found(app: &App, who: &Principal, given: &Given, max: u32) -> Result<Vec<Asset>, AppError> {
    let (filter, order) = given.filter()?;
    if filter.tenant.is_some_and(|tenant| tenant != who.tenant) {
        return Err(crate::tenancy::authentication::tenant_mismatch());
    }
    let filter = AssetFilter { owner: owner(who), ..filter };
    Ok(rows::first(&app.db, TenantScope::of(who.tenant), filter, order, max).await?)
}
