//! Comparing views with what the log says: row by row in the order of keys, every column.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{EntityTrait, IdenStatic, Iterable, ModelTrait, QueryResult, Value};
use uuid::Uuid;

use super::fold::Views;
use super::{Difference, DifferenceKind, LISTED, Report};
use crate::DbError;
use crate::column::arg;
use crate::entity::{artifact_file, artifact_package, retention_state, storage_location};
use crate::tx::Tx;
use packshot_domain::id::TenantId;

/// Rows that are read at once.
const AT_ONCE: i64 = 1_000;

/// The keys of rows that differ, of each view.
#[derive(Default)]
pub(super) struct Differing {
    pub(super) packages: BTreeSet<Uuid>,
    pub(super) files: BTreeSet<Uuid>,
    pub(super) locations: BTreeSet<Uuid>,
    pub(super) retention: BTreeSet<Uuid>,
}

/// Compares all views of a tenant.
pub(super) async fn all(tx: &Tx<'_>, views: &Views) -> Result<(Differing, Report), DbError> {
    let mut report = Report::default();
    let (tenant, mut out) = (views.tenant, Found { report: &mut report });
    let differing = Differing {
        packages: out.compare::<artifact_package::Entity>(tx, tenant, "id", &views.packages).await?,
        files: out.compare::<artifact_file::Entity>(tx, tenant, "id", &views.files).await?,
        locations: out.compare::<storage_location::Entity>(tx, tenant, "id", &views.locations).await?,
        retention: out.compare::<retention_state::Entity>(tx, tenant, "package_id", &views.retention).await?,
    };
    Ok((differing, report))
}

/// Where differences are noted.
struct Found<'r> {
    report: &'r mut Report,
}

impl Found<'_> {
    /// Compares a view, whose rows have this key, with what is expected; returns the keys of rows that differ.
    async fn compare<E: EntityTrait>(
        &mut self,
        tx: &Tx<'_>,
        tenant: TenantId,
        key: &str,
        expected: &BTreeMap<Uuid, E::Model>,
    ) -> Result<BTreeSet<Uuid>, DbError> {
        let table = E::default().table_name();
        let columns: Vec<E::Column> = E::Column::iter().collect();
        let names: Vec<&'static str> = columns.iter().map(IdenStatic::as_str).collect();
        let sql = format!(
            "SELECT {key} AS row_key, {} FROM {table} WHERE tenant_id = $1 AND {key} > $2 ORDER BY {key} LIMIT $3",
            names.join(", ")
        );
        let mut differing = BTreeSet::new();
        let mut expected = expected.iter().peekable();
        // No row has this key.
        let mut last = Uuid::nil();
        loop {
            let rows = tx.query(&sql, [arg(tenant), last.into(), AT_ONCE.into()]).await?;
            for row in &rows {
                let id: Uuid = row.try_get_by_index(0)?;
                last = id;
                while let Some((missing, _)) = expected.next_if(|(next, _)| **next < id) {
                    differing.insert(*missing);
                    self.note(table, *missing, DifferenceKind::Missing);
                }
                match expected.next_if(|(next, _)| **next == id) {
                    Some((_, model)) => {
                        let values = columns.iter().map(|column| model.get(*column));
                        for (i, (name, value)) in names.iter().copied().zip(values).enumerate() {
                            if !has(row, i + 1, &value) {
                                differing.insert(id);
                                self.note(table, id, DifferenceKind::Column(name));
                            }
                        }
                    }
                    None => {
                        differing.insert(id);
                        self.note(table, id, DifferenceKind::Unexpected);
                    }
                }
            }
            if i64::try_from(rows.len()).is_ok_and(|n| n < AT_ONCE) {
                break;
            }
        }
        for (missing, _) in expected {
            differing.insert(*missing);
            self.note(table, *missing, DifferenceKind::Missing);
        }
        Ok(differing)
    }

    fn note(&mut self, table: &'static str, row: Uuid, kind: DifferenceKind) {
        self.report.n_differences += 1;
        if self.report.differences.len() < LISTED {
            self.report.differences.push(Difference { table, row, kind });
        }
    }
}

/// Whether a cell has a value. What cannot be read as a value of its type is another one.
fn has(row: &QueryResult, index: usize, value: &Value) -> bool {
    match value {
        Value::Bool(value) => row.try_get_by_index::<Option<bool>>(index).is_ok_and(|cell| cell == *value),
        Value::BigInt(value) => row.try_get_by_index::<Option<i64>>(index).is_ok_and(|cell| cell == *value),
        Value::Uuid(value) => row.try_get_by_index::<Option<Uuid>>(index).is_ok_and(|cell| cell == *value),
        Value::String(value) => row.try_get_by_index::<Option<String>>(index).is_ok_and(|cell| cell == *value),
        Value::Bytes(value) => row.try_get_by_index::<Option<Vec<u8>>>(index).is_ok_and(|cell| cell == *value),
        // The views have no columns of other types.
        _ => false,
    }
}
