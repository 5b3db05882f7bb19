//! The schema, for both engines. Until the first release it is one baseline, which is rewritten as needed; after that a
//! migration that was released is never edited, and each has a way down.
//!
//! Conventions: times are milliseconds in `BIGINT`; words, addresses and JSON are text; every table with tenants' data
//! has `tenant_id` first in its primary key, in its unique indexes and in its foreign keys, so that no row can refer to
//! another tenant's.

mod tenants;
mod installation;
mod people;
mod jobs;
mod renders;
mod catalog;
mod catalogue;
mod orders;
mod reviews;
mod workflows;
mod media;
mod designs;
mod channels;
mod webhooks;
mod artifacts;

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::prelude::*;

use super::DbError;

/// The table that names the migrations that were applied.
pub(super) const TABLE: &str = "schema_migrations";

/// All migrations, in order.
struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Baseline::new())]
    }

    fn migration_table_name() -> DynIden {
        TABLE.into_iden()
    }
}

/// Makes the schema. Its name ends with a digest of its statements: a database that another version of them made is
/// told from one of this version.
struct Baseline {
    name: String,
}

/// The digest of the schema's statements, as 16 hexadecimal digits.
pub(super) fn digest() -> String {
    let tables = tables().into_iter().map(|table| table.to_string(SqliteQueryBuilder));
    let indexes = indexes().into_iter().map(|index| index.to_string(SqliteQueryBuilder));
    let guards = [DbBackend::Sqlite, DbBackend::Postgres].into_iter().flat_map(guards);
    let digest = blake3::hash(tables.chain(indexes).chain(guards).collect::<Vec<_>>().join(";\n").as_bytes());
    digest.to_hex()[..16].to_owned()
}

impl Baseline {
    fn new() -> Self {
        Self { name: format!("m0001_baseline_{}", digest()) }
    }
}

impl MigrationName for Baseline {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Baseline {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        for statement in guards(manager.get_database_backend()) {
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

fn tables() -> Vec<TableCreateStatement> {
    [
        tenants::tables(),
        installation::tables(),
        people::tables(),
        jobs::tables(),
        renders::tables(),
        catalog::tables(),
        vec![workflows::definitions()],
        catalogue::tables(),
        orders::tables(),
        designs::tables(),
        reviews::tables(),
        workflows::tables(),
        media::tables(),
        channels::tables(),
        webhooks::tables(),
        artifacts::tables(),
    ]
    .concat()
}

/// The triggers.
fn guards(backend: DbBackend) -> Vec<String> {
    [people::guards(backend), tenants::guards(backend), artifacts::guards(backend), media::guards(backend)].concat()
}

/// The tables with rows of tenants, each after those that it refers to.
pub(super) fn tables_of_tenants() -> Vec<String> {
    let is_tenants =
        |table: &TableCreateStatement| table.get_columns().iter().any(|column| column.get_column_name() == "tenant_id");
    let name = |table: TableCreateStatement| match table.get_table_name()? {
        TableRef::Table(TableName(_, name), _) => Some(name.inner().into_owned()),
        _ => None,
    };
    tables().into_iter().filter(is_tenants).filter_map(name).collect()
}

fn indexes() -> Vec<IndexCreateStatement> {
    [
        people::indexes(),
        jobs::indexes(),
        renders::indexes(),
        catalog::indexes(),
        catalogue::indexes(),
        orders::indexes(),
        reviews::indexes(),
        workflows::indexes(),
        media::indexes(),
        designs::indexes(),
        channels::indexes(),
        webhooks::indexes(),
        artifacts::indexes(),
    ]
    .concat()
}

/// Brings the schema of a database up to date.
///
/// # Errors
///
/// [`DbError::Schema`] when another version of Packshot made it; nothing is written then.
pub(super) async fn run(connection: &DatabaseConnection) -> Result<(), DbError> {
    check(connection).await?;
    Ok(Migrator::up(connection, None).await?)
}

/// Checks whether this version can use the schema of a database, and writes nothing.
///
/// # Errors
///
/// [`DbError::Schema`] when another version of Packshot made it.
pub(super) async fn check(connection: &DatabaseConnection) -> Result<(), DbError> {
    let known: BTreeSet<String> = Migrator::migrations().iter().map(|m| m.name().to_owned()).collect();
    let foreign = applied(connection).await?.into_iter().find(|name| !known.contains(name));
    foreign.map_or(Ok(()), |name| Err(DbError::Schema(name)))
}

/// The migrations that were applied: none for a database without a schema.
async fn applied(connection: &DatabaseConnection) -> Result<Vec<String>, DbError> {
    if !SchemaManager::new(connection).has_table(TABLE).await? {
        return Ok(Vec::new());
    }
    let names = Statement::from_string(connection.get_database_backend(), format!("SELECT version FROM {TABLE}"));
    let rows = connection.query_all_raw(names).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// A table with a primary key over `key`.
fn table(name: &'static str, key: &[&'static str], columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut primary_key = Index::create();
    for column in key {
        primary_key.col(*column);
    }
    let mut table = Table::create();
    table.table(name).primary_key(&mut primary_key);
    for column in columns {
        table.col(column);
    }
    table.take()
}

/// A reference from `columns` of `table` to `to`'s key `(tenant_id, id)`; rows go with what they refer to.
fn belongs_to(table: &'static str, columns: [&'static str; 2], to: &'static str) -> ForeignKeyCreateStatement {
    let mut reference = ForeignKey::create();
    reference.name(format!("fk_{table}_{to}")).on_delete(ForeignKeyAction::Cascade);
    reference.from(table, (columns[0], columns[1])).to(to, ("tenant_id", "id"));
    reference
}

/// A reference from `column` of `table` to a row of the same tenant, which cannot be deleted while it is there.
fn needs(table: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    let mut reference = ForeignKey::create();
    reference.name(format!("fk_{table}_{to}")).on_delete(ForeignKeyAction::Restrict);
    reference.from(table, ("tenant_id", column)).to(to, ("tenant_id", "id")).take()
}

/// A reference from `tenant_id` of `table` to its tenant.
fn of_tenant(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().name(format!("fk_{table}_tenants")).from(table, "tenant_id").to("tenants", "id").take()
}

/// An index of `table` over `columns`; a column that begins with `-` is in descending order.
fn index(name: &'static str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        match column.strip_prefix('-') {
            Some(column) => index.col((column, IndexOrder::Desc)),
            None => index.col(*column),
        };
    }
    index.take()
}
