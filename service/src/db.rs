//! The database: SQLite by default, PostgreSQL for more than one machine. Private entities, one set of migrations.
