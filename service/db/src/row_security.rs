//! Row-level security: the policies and the rights of every table, where the database is used as three roles.
//!
//! They are part of the schema, but name roles that each installation has for itself. So they follow the migrations
//! when a service starts, and only where they are not as they should be: also in a database that was used as one role
//! until then.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, QueryResult, Statement, TransactionTrait,
};

use super::roles::Names;
use super::{DbError, migration};

/// The tenant of the transaction, as PostgreSQL writes it down. After a transaction that set it, the setting is empty,
/// which is not an id.
const TENANT: &str = "(NULLIF(current_setting('app.current_tenant_id'::text, true), ''::text))::uuid";
/// Tables to which a tenant's transactions only add rows: those are removed with the object that they are about, or
/// when they expire.
const ADDED_TO: [&str; 5] = ["artifact_events", "audit_log", "events", "fix_changes", "pipeline_events"];
/// The table of the tenants, where another column says whose a row is.
const TENANTS: &str = "tenants";

const OF_TENANT: &str = "tenant_rows";
const OF_ALL: &str = "all_rows";

/// Tables of the schema that belong to the role of the connection, with whether they have a tenant's column and whether
/// the policies apply to everyone.
const TABLES: &str = "
    SELECT c.relname::text, c.relrowsecurity AND c.relforcerowsecurity,
        EXISTS (SELECT 1 FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
    AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
    ORDER BY c.relname";

/// Policies, each with its table and all that it says; of a policy for everyone the roles are empty.
const POLICIES: &str = "
    SELECT c.relname::text, p.polname::text, p.polpermissive::text, p.polcmd::text,
        COALESCE((SELECT string_agg(r.rolname::text, ',' ORDER BY r.rolname)
            FROM pg_roles r WHERE r.oid = ANY (p.polroles)), ''),
        COALESCE(pg_get_expr(p.polqual, p.polrelid), ''), COALESCE(pg_get_expr(p.polwithcheck, p.polrelid), '')
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema()";

/// Rights of these roles, and of everyone, each with its table.
const RIGHTS: &str = "
    SELECT c.relname::text, COALESCE(r.rolname::text, 'PUBLIC'), x.privilege_type
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL aclexplode(c.relacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
    WHERE n.nspname = current_schema() AND (x.grantee = 0 OR r.rolname::text IN ($1, $2))";

/// The schema, unless the role may look into it.
const CLOSED_TO: &str = "
    SELECT quote_ident(current_schema()::text)
    WHERE NOT has_schema_privilege($1::name, current_schema()::text, 'USAGE')";

/// A policy: its name, whether it permits, its commands, its roles, which rows it shows, and which may be written.
type Policy = [String; 6];

/// The policies and rights that a table has.
#[derive(Debug, Default, PartialEq, Eq)]
struct Guard {
    is_forced: bool,
    policies: BTreeSet<Policy>,
    /// Who has which right.
    rights: BTreeSet<[String; 2]>,
}

/// The policy of a role for every command, which shows the rows that it may write.
fn policy(name: &str, role: &str, rows: &str) -> Policy {
    [name, "true", "*", role, rows, rows].map(str::to_owned)
}

/// Whose rows a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    /// Tenants', by this column.
    OfTenants(&'static str),
    /// The installation's.
    OfInstallation,
}

impl Rows {
    fn of(table: &str, has_tenant: bool) -> Self {
        match table {
            TENANTS => Self::OfTenants("id"),
            _ if has_tenant => Self::OfTenants("tenant_id"),
            _ => Self::OfInstallation,
        }
    }

    /// The rights of the role for tenants.
    fn of_app(self, table: &str) -> &'static [&'static str] {
        match self {
            Self::OfInstallation => &[],
            Self::OfTenants(_) if table == TENANTS => &["SELECT"],
            Self::OfTenants(_) if ADDED_TO.contains(&table) => &["INSERT", "SELECT"],
            Self::OfTenants(_) => &["DELETE", "INSERT", "SELECT", "UPDATE"],
        }
    }

    /// The rights of the role for all tenants.
    fn of_bypass(table: &str) -> &'static [&'static str] {
        if table == migration::TABLE { &["SELECT"] } else { &["DELETE", "INSERT", "SELECT", "UPDATE"] }
    }

    fn guard(self, table: &str, roles: &Names) -> Guard {
        let all = |role: &str, rights: &[&str]| {
            rights.iter().map(|right| [role.to_owned(), (*right).to_owned()]).collect::<Vec<_>>()
        };
        let policies = match self {
            Self::OfTenants(column) => vec![
                policy(OF_TENANT, &roles.app, &format!("({column} = {TENANT})")),
                policy(OF_ALL, &roles.bypass, "true"),
            ],
            Self::OfInstallation => Vec::new(),
        };
        let rights = [all(&roles.app, self.of_app(table)), all(&roles.bypass, Self::of_bypass(table))].concat();
        let is_forced = self != Self::OfInstallation;
        Guard { is_forced, policies: policies.into_iter().collect(), rights: rights.into_iter().collect() }
    }

    /// What gives a table its guard instead of the one that it has.
    fn statements(self, table: &str, roles: &Names, found: &Guard) -> Vec<String> {
        let [name, app, bypass] = [table, &*roles.app, &*roles.bypass].map(quoted);
        let mut statements: Vec<String> =
            found.policies.iter().map(|[policy, ..]| format!("DROP POLICY {} ON {name}", quoted(policy))).collect();
        if self != Self::OfInstallation {
            statements.push(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"));
        }
        for [policy, _, _, role, rows, _] in &self.guard(table, roles).policies {
            let role = quoted(role);
            statements.push(format!("CREATE POLICY {policy} ON {name} TO {role} USING ({rows}) WITH CHECK ({rows})"));
        }
        statements.push(format!("REVOKE ALL ON {name} FROM PUBLIC, {app}, {bypass}"));
        for (role, rights) in [(app, self.of_app(table)), (bypass, Self::of_bypass(table))] {
            if !rights.is_empty() {
                statements.push(format!("GRANT {} ON {name} TO {role}", rights.join(", ")));
            }
        }
        statements
    }
}

/// Gives every table its policies, and the roles their rights, where they are not as they should be. `owner` is the
/// connection of the role that owns the schema.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached or refuses a statement; nothing is changed then.
pub(super) async fn secure(owner: &DatabaseConnection, roles: &Names) -> Result<(), DbError> {
    let tx = owner.begin().await?;
    for role in [&roles.app, &roles.bypass] {
        if let Some(row) = query(&tx, CLOSED_TO, [role]).await?.first() {
            let schema: String = row.try_get_by_index(0)?;
            tx.execute_unprepared(&format!("GRANT USAGE ON SCHEMA {schema} TO {}", quoted(role))).await?;
        }
    }
    for (table, (rows, guard)) in found(&tx, roles).await? {
        if guard != rows.guard(&table, roles) {
            tx.execute_unprepared(&rows.statements(&table, roles, &guard).join("; ")).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// Every table as it is.
async fn found(tx: &DatabaseTransaction, roles: &Names) -> Result<BTreeMap<String, (Rows, Guard)>, DbError> {
    let mut tables = BTreeMap::new();
    for row in query(tx, TABLES, [] as [&str; 0]).await? {
        let (table, is_forced, has_tenant): (String, bool, bool) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let rows = Rows::of(&table, has_tenant);
        tables.insert(table, (rows, Guard { is_forced, ..Guard::default() }));
    }
    for row in query(tx, POLICIES, [] as [&str; 0]).await? {
        let table: String = row.try_get_by_index(0)?;
        let mut policy = Policy::default();
        for (index, member) in policy.iter_mut().enumerate() {
            *member = row.try_get_by_index(index + 1)?;
        }
        if let Some((_, guard)) = tables.get_mut(&table) {
            guard.policies.insert(policy);
        }
    }
    for row in query(tx, RIGHTS, [&*roles.app, &*roles.bypass]).await? {
        let table: String = row.try_get_by_index(0)?;
        let right = [row.try_get_by_index(1)?, row.try_get_by_index(2)?];
        if let Some((_, guard)) = tables.get_mut(&table) {
            guard.rights.insert(right);
        }
    }
    Ok(tables)
}

async fn query<const N: usize>(
    tx: &DatabaseTransaction,
    sql: &str,
    values: [impl AsRef<str>; N],
) -> Result<Vec<QueryResult>, DbError> {
    let values = values.map(|value| value.as_ref().into());
    Ok(tx.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?)
}

/// A name as SQL has it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
