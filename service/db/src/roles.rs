//! The roles as which a PostgreSQL database is used, and what must be true of them before anything is written.
//!
//! With one role for everything row-level security stays off, and the database serves one tenant. With three, each has
//! one purpose and no right beyond it, so that a tenant's transactions reach nothing but the tenant's rows.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement};

use super::{DbError, migration};

/// What a role is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Transactions of one tenant: it sees that tenant's rows.
    App,
    /// Transactions of all tenants: it sees all rows.
    Bypass,
    /// Changes of the schema: it owns the tables and sees no row.
    Owner,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::App, Self::Bypass, Self::Owner];

    /// The setting with the role's URL.
    #[must_use]
    pub const fn setting(self) -> &'static str {
        match self {
            Self::App => "database_url",
            Self::Bypass => "database_bypass_url",
            Self::Owner => "database_owner_url",
        }
    }

    /// The name of the role where nobody chose another.
    #[must_use]
    pub const fn role(self) -> &'static str {
        match self {
            Self::App => "packshot_app",
            Self::Bypass => "packshot_bypass",
            Self::Owner => "packshot_owner",
        }
    }
}

/// What is wrong with a role: what none of the three may be or have, or what the one that changes the schema lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleFault {
    /// It may do anything.
    #[error("is a superuser")]
    Superuser,
    /// It sees the rows of all tenants, whatever the policies say.
    #[error("bypasses row-level security (BYPASSRLS)")]
    BypassesSecurity,
    /// It may make a role that has more rights.
    #[error("may create roles (CREATEROLE)")]
    CreatesRoles,
    /// It may make databases.
    #[error("may create databases (CREATEDB)")]
    CreatesDatabases,
    /// It may copy the whole server.
    #[error("may replicate the server (REPLICATION)")]
    Replicates,
    /// It has the rights of another role.
    #[error("is a member of the role {0}")]
    MemberOf(String),
    /// It may change what it owns.
    #[error("owns the {0}")]
    Owns(String),
    /// It cannot make the tables.
    #[error("may not create tables in the schema of the database")]
    CreatesNoTables,
}

/// Why a PostgreSQL database is not used as these roles. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RolesError {
    /// One role serves one tenant.
    #[error("the database has {0} tenants, but one role of the database can serve only one")]
    SeveralTenants(i64),
    /// One role is given for a database that is set up for three.
    #[error("the database is set up for three roles, but only `database_url` is set")]
    TwoMissing,
    /// One role was given twice.
    #[error("`{}` and `{}` have the same role, {role}", .one.setting(), .other.setting())]
    Same {
        /// The role.
        role: String,
        /// Where it was given.
        one: Purpose,
        /// Where it was given as well.
        other: Purpose,
    },
    /// The URLs are not of one database.
    #[error("`{}` is of another database than `database_url`", .0.setting())]
    OtherDatabase(Purpose),
    /// A role is not what it must be.
    #[error("the role {role} of `{}` {fault}", .purpose.setting())]
    Role {
        /// What it is for.
        purpose: Purpose,
        /// The role.
        role: String,
        /// What is wrong with it.
        fault: RoleFault,
    },
    /// Something in the schema belongs to a role that it must not belong to.
    #[error("the {object} belongs to the role {owner}, not to {role}, the role of `database_owner_url`")]
    OtherOwner {
        /// What it is.
        object: String,
        /// The role that it belongs to.
        owner: String,
        /// The role that it has to belong to.
        role: String,
    },
}

impl RolesError {
    /// Refuses roles, in the order of [`Purpose::ALL`], of which two are the same.
    pub(super) fn check_different(roles: &[String; 3]) -> Result<(), Self> {
        for (i, (other, role)) in Purpose::ALL.into_iter().zip(roles).enumerate() {
            if let Some(one) = roles[..i].iter().position(|one| one == role) {
                return Err(Self::Same { role: role.clone(), one: Purpose::ALL[one], other });
            }
        }
        Ok(())
    }

    /// The setting that it is about.
    #[must_use]
    pub const fn setting(&self) -> &'static str {
        match self {
            Self::SeveralTenants(_) | Self::TwoMissing => Purpose::App.setting(),
            Self::Same { other, .. } => other.setting(),
            Self::OtherDatabase(purpose) | Self::Role { purpose, .. } => purpose.setting(),
            Self::OtherOwner { .. } => Purpose::Owner.setting(),
        }
    }
}

/// The names of the roles that see rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) app: String,
    pub(super) bypass: String,
}

/// The role of a connection, its rights beyond tables, and the database that it is connected to.
const LOGIN: &str = "
    SELECT r.rolname::text, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
        (SELECT MIN(g.rolname::text) FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
         WHERE m.member = r.oid),
        (SELECT MIN(pg_describe_object(s.classid, s.objid, s.objsubid)) FROM pg_shdepend s
         WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND s.deptype = 'o'
         AND (s.dbid = d.oid OR (s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.objid = d.oid))),
        d.oid::text || ' ' || EXTRACT(EPOCH FROM pg_postmaster_start_time())::text
    FROM pg_roles r, pg_database d
    WHERE r.rolname = current_user AND d.datname = current_database()";

/// What in the schema does not belong to the role of the connection, but for what an extension brought.
const OF_OTHERS: &str = "
    SELECT pg_describe_object('pg_class'::regclass, c.oid, 0), pg_get_userbyid(c.relowner)::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.relowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
    AND NOT EXISTS (SELECT 1 FROM pg_depend x
        WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
    ORDER BY c.relname LIMIT 1";

const MAY_CREATE: &str = "SELECT COALESCE(has_schema_privilege(current_schema()::text, 'CREATE'), false)";

/// Whether there are tenants, and whether row-level security is on for them.
const TENANTS: &str = "
    SELECT c.relforcerowsecurity FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relname = 'tenants' AND c.relkind = 'r'";

/// How many tenants there are. Tenants that were deleted for good do not count: nothing of theirs has to be kept apart.
const KEPT: &str = "SELECT COUNT(*) FROM tenants WHERE status <> 'deleted'";

/// What one connection says of its role.
struct Login {
    purpose: Purpose,
    role: String,
    fault: Option<RoleFault>,
    owns: Option<String>,
    /// Which database of which server.
    place: String,
}

impl Login {
    async fn of(connection: &DatabaseConnection, purpose: Purpose) -> Result<Self, DbError> {
        let row = one(connection, LOGIN).await?.ok_or(DbError::NotFound("role"))?;
        let rights = [
            RoleFault::Superuser,
            RoleFault::BypassesSecurity,
            RoleFault::CreatesRoles,
            RoleFault::CreatesDatabases,
            RoleFault::Replicates,
        ];
        let mut fault = None;
        for (column, right) in rights.into_iter().enumerate() {
            let has_it: bool = row.try_get_by_index(column + 1)?;
            fault = fault.or(has_it.then_some(right));
        }
        let group: Option<String> = row.try_get_by_index(6)?;
        Ok(Self {
            purpose,
            role: row.try_get_by_index(0)?,
            fault: fault.or(group.map(RoleFault::MemberOf)),
            owns: row.try_get_by_index(7)?,
            place: row.try_get_by_index(8)?,
        })
    }

    fn with(&self, fault: RoleFault) -> RolesError {
        RolesError::Role { purpose: self.purpose, role: self.role.clone(), fault }
    }
}

/// Makes sure that a database may be used as one role.
///
/// # Errors
///
/// [`RolesError::SeveralTenants`], [`RolesError::TwoMissing`]; [`DbError::Schema`] when another version of Packshot
/// made it.
pub(super) async fn check_one(connection: &DatabaseConnection) -> Result<(), DbError> {
    let Some(tenants) = one(connection, TENANTS).await? else { return Ok(()) };
    if tenants.try_get_by_index(0)? {
        return Err(RolesError::TwoMissing.into());
    }
    // The tenants of another version may lack what is asked for below.
    migration::check(connection).await?;
    let n: i64 = match one(connection, KEPT).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    if n > 1 { Err(RolesError::SeveralTenants(n).into()) } else { Ok(()) }
}

/// Makes sure that three roles are what they must be, and gives their names.
///
/// # Errors
///
/// [`RolesError`], about what was found first.
pub(super) async fn check_three(
    app: &DatabaseConnection,
    bypass: &DatabaseConnection,
    owner: &DatabaseConnection,
) -> Result<Names, DbError> {
    let logins = [
        Login::of(app, Purpose::App).await?,
        Login::of(bypass, Purpose::Bypass).await?,
        Login::of(owner, Purpose::Owner).await?,
    ];
    RolesError::check_different(&logins.each_ref().map(|login| login.role.clone()))?;
    if let Some(other) = logins.iter().find(|login| login.place != logins[0].place) {
        return Err(RolesError::OtherDatabase(other.purpose).into());
    }
    for login in &logins {
        if let Some(fault) = &login.fault {
            return Err(login.with(fault.clone()).into());
        }
        if let (Purpose::App | Purpose::Bypass, Some(object)) = (login.purpose, &login.owns) {
            return Err(login.with(RoleFault::Owns(object.clone())).into());
        }
    }
    let [app, bypass, of_owner] = logins;
    if let Some(row) = one(owner, OF_OTHERS).await? {
        let (object, owner) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        return Err(RolesError::OtherOwner { object, owner, role: of_owner.role }.into());
    }
    let may_create: bool = match one(owner, MAY_CREATE).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => false,
    };
    if !may_create {
        return Err(of_owner.with(RoleFault::CreatesNoTables).into());
    }
    Ok(Names { app: app.role, bypass: bypass.role })
}

async fn one(connection: &DatabaseConnection, sql: &str) -> Result<Option<QueryResult>, DbError> {
    Ok(connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?)
}
