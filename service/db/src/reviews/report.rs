//! The report of unmapped names over all orders of a tenant, and how often proposals were right (suggested-fixes.md
//! §8).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use sea_orm::{QueryResult, Value};

use crate::column::{arg, cell};
use crate::page::InvalidCursor;
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use packshot_domain::fix::{Band, FixStatus};
use packshot_domain::id::TenantId;
use packshot_domain::material_alias::AliasScope;
use packshot_domain::time::Timestamp;

/// Examples of spellings that a name has in the report.
const EXAMPLES_MAX: i64 = 5;
/// Proposals that a name has in the report.
const PROPOSALS_MAX: i64 = 3;

/// Which names the report has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameFilter {
    /// Only those that were seen at or after this.
    pub from: Timestamp,
    /// Only those that were seen before this.
    pub to: Timestamp,
    /// Only those of at least so many lines.
    pub min_lines: u32,
    /// Also those that are resolved.
    pub resolved: bool,
    /// How many at most.
    pub limit: u32,
    /// Where the previous page ended.
    pub after: Option<NameCursor>,
}

/// A place in the report: the name before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameCursor {
    lines: i64,
    scope: AliasScope,
    key: String,
}

/// A name without a material.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportedName {
    /// Its key.
    pub key: String,
    /// What an alias for it would be of.
    pub scope: AliasScope,
    /// How it is written.
    pub examples: Vec<String>,
    /// Lines of orders that showed it.
    pub lines: i64,
    /// Their orders.
    pub orders: i64,
    /// Their products.
    pub products: i64,
    /// Its mean share of the surface.
    pub area_share_mean: f64,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// Whether it has a material everywhere by now.
    pub resolved: bool,
    /// What is proposed for it most surely.
    pub proposals: Vec<ReportedProposal>,
}

/// A material that is proposed for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedProposal {
    /// The id of the material.
    pub material: String,
    /// How sure it is.
    pub confidence_pct: u8,
    /// Why.
    pub reason: String,
}

/// How often proposals of one band of confidence were right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The band.
    pub band: Band,
    /// All of them.
    pub proposed: u32,
    /// Those that were applied, or said to have been.
    pub applied: u32,
    /// Those that worked.
    pub success: u32,
    /// Those that did not.
    pub failed: u32,
    /// Those that a person dismissed.
    pub dismissed: u32,
}

/// The report.
#[derive(Clone, Debug, PartialEq)]
pub struct NameReport {
    /// The names, those of most lines first, then by key.
    pub items: Vec<ReportedName>,
    /// Where the next page begins.
    pub next: Option<NameCursor>,
    /// How often proposals were right, by band.
    pub acceptance: Vec<Acceptance>,
    /// Lines of orders with pictures of which it is known which parts have a material.
    pub lines: i64,
    /// Those of them that show a part in the fallback material.
    pub lines_unmapped: i64,
    /// All names, whatever the page.
    pub names: i64,
    /// Those that are resolved.
    pub names_resolved: i64,
}

/// What names are grouped from: one row for each part of a review of a line.
const SIGHTINGS: &str = "FROM review_parts p \
    JOIN material_reviews r ON r.tenant_id = p.tenant_id AND r.id = p.review_id \
    JOIN order_lines l ON l.tenant_id = r.tenant_id AND l.id = r.order_line_id \
    WHERE p.tenant_id = $1 AND p.last_seen >= $2 AND p.first_seen < $3 AND p.is_named = TRUE \
    GROUP BY p.scope, p.alias_key";
/// Whether no part of a group is unresolved.
const IS_RESOLVED: &str = "MIN(CASE WHEN p.resolved THEN 1 ELSE 0 END)";

/// The names of parts without a material over all orders of the tenant.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn names(db: &Db, scope: TenantScope, filter: NameFilter) -> Result<NameReport, DbError> {
    db.read_snapshot(scope, (scope.tenant, filter), |tx, (tenant, filter)| Box::pin(report(tx, *tenant, filter))).await
}

async fn report(tx: &Tx<'_>, tenant: TenantId, filter: &NameFilter) -> Result<NameReport, DbError> {
    let within: [Value; 3] = [arg(tenant), arg(filter.from), arg(filter.to)];
    let totals = format!(
        "SELECT COUNT(*), CAST(COALESCE(SUM(n.resolved), 0) AS BIGINT) FROM (SELECT {IS_RESOLVED} AS resolved {SIGHTINGS}) n"
    );
    let [names, names_resolved] = figures(tx, &totals, within.clone()).await?;
    let lines = "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN l.unmapped_parts > 0 THEN 1 ELSE 0 END), 0) AS BIGINT) \
                 FROM order_lines l WHERE l.tenant_id = $1 AND l.unmapped_parts IS NOT NULL \
                 AND l.render_completed_at >= $2 AND l.render_completed_at < $3";
    let [lines, lines_unmapped] = figures(tx, lines, within.clone()).await?;
    let mut values = within.to_vec();
    let mut having = format!("COUNT(DISTINCT l.id) >= {}", filter.min_lines);
    if !filter.resolved {
        having = format!("{having} AND {IS_RESOLVED} = 0");
    }
    if let Some(NameCursor { lines, scope, key }) = &filter.after {
        values.extend([arg(*scope), key.as_str().into()]);
        having = format!(
            "{having} AND (COUNT(DISTINCT l.id) < {lines} OR (COUNT(DISTINCT l.id) = {lines} AND \
             (p.alias_key > $5 OR (p.alias_key = $5 AND p.scope > $4))))"
        );
    }
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let sql = format!(
        "SELECT p.scope, p.alias_key, COUNT(DISTINCT l.id), COUNT(DISTINCT l.order_id), COUNT(DISTINCT l.product_id), \
         AVG(p.area_share), MIN(p.first_seen), MAX(p.last_seen), {IS_RESOLVED} {SIGHTINGS} HAVING {having} \
         ORDER BY COUNT(DISTINCT l.id) DESC, p.alias_key, p.scope LIMIT {}",
        filter.limit.saturating_add(1)
    );
    let rows = tx.query(&sql, values).await?;
    let mut items = rows.iter().map(name_of).collect::<Result<Vec<_>, DbError>>()?;
    let is_more = items.len() > limit;
    items.truncate(limit);
    for item in &mut items {
        item.examples = examples(tx, tenant, (item.scope, &item.key)).await?;
        item.proposals = proposals(tx, tenant, item).await?;
    }
    let next = items.last().filter(|_| is_more);
    let next = next.map(|last| NameCursor { lines: last.lines, scope: last.scope, key: last.key.clone() });
    let acceptance = acceptance(tx, within).await?;
    Ok(NameReport { items, next, acceptance, lines, lines_unmapped, names, names_resolved })
}

async fn figures(tx: &Tx<'_>, sql: &str, values: [Value; 3]) -> Result<[i64; 2], DbError> {
    let rows = tx.query(sql, values).await?;
    let row = rows.first().ok_or(DbError::Corrupt { what: "count", reason: "it has no value".to_owned() })?;
    Ok([row.try_get_by_index(0)?, row.try_get_by_index(1)?])
}

fn name_of(row: &QueryResult) -> Result<ReportedName, DbError> {
    // PostgreSQL's smallest of whole numbers is one of 32 bits, SQLite's of 64.
    let resolved = row.try_get_by_index::<i32>(8).map(i64::from).or_else(|_| row.try_get_by_index::<i64>(8))?;
    Ok(ReportedName {
        scope: cell(row, 0)?,
        key: row.try_get_by_index(1)?,
        examples: Vec::new(),
        lines: row.try_get_by_index(2)?,
        orders: row.try_get_by_index(3)?,
        products: row.try_get_by_index(4)?,
        area_share_mean: row.try_get_by_index(5)?,
        first_seen: cell(row, 6)?,
        last_seen: cell(row, 7)?,
        resolved: resolved == 1,
        proposals: Vec::new(),
    })
}

/// How a name is written.
async fn examples(tx: &Tx<'_>, tenant: TenantId, (of, key): (AliasScope, &str)) -> Result<Vec<String>, DbError> {
    let written = match of {
        AliasScope::Part => "part_name",
        AliasScope::Material => "material_string",
    };
    let sql = format!(
        "SELECT DISTINCT {written} FROM review_parts WHERE tenant_id = $1 AND scope = $2 AND alias_key = $3 \
         ORDER BY {written} LIMIT {EXAMPLES_MAX}"
    );
    let rows = tx.query(&sql, [arg(tenant), arg(of), key.into()]).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// How a name is written, in one of its spellings.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn spelling(db: &Db, scope: TenantScope, of: AliasScope, key: &str) -> Result<Option<String>, DbError> {
    db.read(scope, (scope.tenant, of, key.to_owned()), |tx, (tenant, of, key)| {
        Box::pin(async move { Ok(examples(tx, *tenant, (*of, key)).await?.into_iter().next()) })
    })
    .await
}

/// What is proposed for a name.
async fn proposals(tx: &Tx<'_>, tenant: TenantId, of: &ReportedName) -> Result<Vec<ReportedProposal>, DbError> {
    let sql = format!(
        "SELECT material, CAST(MAX(confidence_pct) AS BIGINT), MAX(description) FROM suggested_fixes \
         WHERE tenant_id = $1 AND scope = $2 AND alias_key = $3 AND shunned_at IS NULL \
         GROUP BY material ORDER BY MAX(confidence_pct) DESC, material LIMIT {PROPOSALS_MAX}"
    );
    let rows = tx.query(&sql, [arg(tenant), arg(of.scope), of.key.as_str().into()]).await?;
    let proposal = |row: &QueryResult| {
        let confidence: i64 = row.try_get_by_index(1)?;
        let (material, reason) = (row.try_get_by_index(0)?, row.try_get_by_index(2)?);
        Ok(ReportedProposal { material, confidence_pct: u8::try_from(confidence).unwrap_or(0), reason })
    };
    rows.iter().map(proposal).collect()
}

/// What became of fixes that were made within a time, by band.
async fn acceptance(tx: &Tx<'_>, within: [Value; 3]) -> Result<Vec<Acceptance>, DbError> {
    let sql = "SELECT CAST(confidence_pct AS BIGINT), status, \
               CAST(CASE WHEN applied_at IS NULL THEN 0 ELSE 1 END AS BIGINT), \
               CAST(CASE WHEN shunned_at IS NULL THEN 0 ELSE 1 END AS BIGINT), COUNT(*) FROM suggested_fixes \
               WHERE tenant_id = $1 AND created_at >= $2 AND created_at < $3 GROUP BY 1, 2, 3, 4";
    let mut bands: BTreeMap<usize, Acceptance> =
        (0..).zip(Band::ALL.iter().map(|band| Acceptance::none(*band))).collect();
    for row in tx.query(sql, within).await? {
        let (confidence, applied, shunned): (i64, i64, i64) =
            (row.try_get_by_index(0)?, row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let n: i64 = row.try_get_by_index(4)?;
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        let band = Band::of(u8::try_from(confidence).unwrap_or(0));
        let Some(entry) = bands.values_mut().find(|entry| entry.band == band) else { continue };
        entry.proposed += n;
        if applied == 1 {
            entry.applied += n;
        }
        match cell::<FixStatus>(&row, 1)? {
            FixStatus::Success => entry.success += n,
            FixStatus::Failed => entry.failed += n,
            FixStatus::Dismissed if shunned == 1 => entry.dismissed += n,
            _ => {}
        }
    }
    Ok(bands.into_values().collect())
}

impl Acceptance {
    const fn none(band: Band) -> Self {
        Self { band, proposed: 0, applied: 0, success: 0, failed: 0, dismissed: 0 }
    }
}

impl fmt::Display for NameCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}.", self.lines, self.scope)?;
        self.key.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for NameCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let mut fields = text.splitn(3, '.');
        let mut field = || fields.next().ok_or(InvalidCursor);
        let lines = i64::from_str_radix(field()?, 16).map_err(|_| InvalidCursor)?;
        let scope = field()?.parse().map_err(|_| InvalidCursor)?;
        let hex = field()?.as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = hex.chunks(2).map(byte).collect();
        let key = String::from_utf8(bytes.ok_or(InvalidCursor)?).map_err(|_| InvalidCursor)?;
        Ok(Self { lines, scope, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_report_survive_text() {
        for key in ["", "dichtung", "öl.1", "\u{1f600}"] {
            let cursor = NameCursor { lines: 12, scope: AliasScope::Material, key: key.to_owned() };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "1", "1.part", "x.part.00", "1.node.00", "1.part.zz", "1.part.ff"] {
            assert_eq!(text.parse::<NameCursor>(), Err(InvalidCursor), "{text}");
        }
    }
}
