//! How many assets of a list have which values (media.md §4).

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, QueryResult};

use super::conditions::Conditions;
use super::list::{AssetFilter, count, prefer_indexes};
use crate::column::{Stored, cell_or_none};
use crate::tx::Tx;
use crate::{Db, DbError, ReadScope};
use packshot_domain::artifact::Label;
use packshot_domain::media::{AssetType, Facet};
use packshot_domain::order::line::RenderStatus;

/// Values of a facet that are counted, at most.
const VALUES_MAX: usize = 200;

/// How many assets have which value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// For each facet without the filter by it, the most frequent values.
    pub counts: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// How many assets the list has.
    pub total: u64,
}

/// How many assets of a list have which values.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(db: &Db, scope: impl Into<ReadScope>, filter: AssetFilter) -> Result<Facets, DbError> {
    let scope = scope.into();
    db.read_snapshot(scope, (scope, filter), |tx, (scope, filter)| {
        Box::pin(async move {
            prefer_indexes(tx).await?;
            let backend = tx.on().get_database_backend();
            let mut facets = Facets::default();
            for facet in Facet::ALL {
                let counts = match filter.conditions(backend, *scope, Some(*facet)) {
                    Some(all) => values_of(tx, all, *facet).await?,
                    None => BTreeMap::new(),
                };
                facets.counts.insert(facet.as_str(), counts);
            }
            if let Some(all) = filter.conditions(backend, *scope, None) {
                facets.total = count(tx, all).await?;
            }
            Ok(facets)
        })
    })
    .await
}

/// The most frequent values of a facet.
async fn values_of(tx: &Tx<'_>, all: Conditions, facet: Facet) -> Result<BTreeMap<String, u64>, DbError> {
    let (all, values) = all.into_sql();
    let column = facet.as_str();
    let sql = format!("SELECT {column}, COUNT(*) FROM media_assets WHERE {all} GROUP BY {column}");
    let mut counts = Vec::new();
    for row in tx.query(&sql, values).await? {
        let n: i64 = row.try_get_by_index(1)?;
        let value = match facet {
            Facet::AssetType => word::<AssetType>(&row)?,
            Facet::RenderStatus => word::<RenderStatus>(&row)?,
            Facet::CategoryKey | Facet::Lagertyp => word::<Label>(&row)?,
        };
        counts.extend(value.map(|value| (n.unsigned_abs(), value)));
    }
    counts.sort_by(|(n, value), (other_n, other)| other_n.cmp(n).then_with(|| value.cmp(other)));
    counts.truncate(VALUES_MAX);
    Ok(counts.into_iter().map(|(n, value)| (value, n)).collect())
}

/// The value of a facet as text.
fn word<T: Stored + ToString>(row: &QueryResult) -> Result<Option<String>, DbError> {
    Ok(cell_or_none::<T>(row, 0)?.map(|value| value.to_string()))
}
