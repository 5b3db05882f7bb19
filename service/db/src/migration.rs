//! The schema, step by step, for both engines. A migration that was released is never edited; what changes is a new one.
//!
//! Conventions: times are milliseconds in `BIGINT`; words, addresses and JSON are text; every table of a tenant's data has
//! `tenant_id` first in its primary key, in its unique indexes and in its foreign keys, so that no row can refer to another
//! tenant's.

mod m0001_installation;
mod m0002_renders;
mod m0003_catalog;
mod m0004_progress;

use sea_orm_migration::prelude::*;

/// All migrations, in order.
pub(super) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_installation::Migration),
            Box::new(m0002_renders::Migration),
            Box::new(m0003_catalog::Migration),
            Box::new(m0004_progress::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        "schema_migrations".into_iden()
    }
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
