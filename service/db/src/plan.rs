//! What an administrator of PostgreSQL does before Packshot uses a database as three roles, because Packshot must not
//! be able to do it.

use super::row_security::quoted;
use super::{DbError, PostgresUrls};

/// The statements that prepare a database for three roles, for a new database and for one that was used as one role.
/// Running them twice changes nothing more. The roles have the names of the URLs; where there is one URL, those of
/// [`Purpose::role`](super::roles::Purpose::role).
///
/// # Errors
///
/// [`DbError::Unsupported`] when a URL cannot be read; [`DbError::Roles`] when two of three are of one role, or one is
/// of another database.
pub fn three_roles(urls: &PostgresUrls) -> Result<String, DbError> {
    let (database, roles) = urls.names()?;
    let [app, bypass, owner] = &roles;
    let make = |role: &String| {
        let (name, text) = (quoted(role), literal(role));
        format!(
            "  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = {text}) THEN CREATE ROLE {name} LOGIN; END IF;"
        )
    };
    let made = roles.each_ref().map(make).join("\n");
    let here = literal(&database);
    let in_owner = literal(owner);
    let passwords: String = [owner, app, bypass].map(|role| format!("--   \\password {}\n", quoted(role))).concat();
    let [database, app, bypass, owner] = [&database, app, bypass, owner].map(|name| quoted(name));
    Ok(format!(
        "-- Prepares the database {database} for three roles. Stop Packshot, then do this as an administrator of the
-- server, connected to the database:
--   psql --set ON_ERROR_STOP=1 --dbname {database} --file THIS_FILE
BEGIN;
DO $do$ BEGIN
  IF current_database() <> {here} THEN RAISE EXCEPTION 'this is the database %', current_database(); END IF;
{made}
END $do$;
GRANT CONNECT ON DATABASE {database} TO {app}, {bypass}, {owner};
ALTER DATABASE {database} OWNER TO {owner};
ALTER SCHEMA public OWNER TO {owner};
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {app}, {bypass};
DO $do$ DECLARE object text; BEGIN
  FOR object IN
    SELECT 'TABLE ' || c.oid::regclass::text FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT EXISTS (
      SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
    UNION ALL
    SELECT 'FUNCTION ' || p.oid::regprocedure::text FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (
      SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
  LOOP EXECUTE format('ALTER %s OWNER TO %I', object, {in_owner}); END LOOP;
END $do$;
COMMIT;
-- Give each role a password:
{passwords}-- Then set database_url ({app}), database_bypass_url ({bypass}) and
-- database_owner_url ({owner}), and start Packshot: it makes the policies and the other grants itself.
"
    ))
}

/// A text as SQL has it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::{Purpose, RolesError};

    #[test]
    fn names_are_those_of_the_urls_and_secrets_are_not_shown() {
        let url = |role: &str| format!("postgres://{role}:geheim@h/shop");
        let [app, bypass, owner] = ["a", "b%22", "o%27s"].map(url);
        let three = three_roles(&PostgresUrls::Three { app, bypass, owner }).expect("readable");
        for part in ["DATABASE \"shop\"", "CREATE ROLE \"a\" LOGIN", "CREATE ROLE \"b\"\"\" LOGIN", "rolname = 'o''s'"]
        {
            assert!(three.contains(part), "{part} in\n{three}");
        }
        let one = three_roles(&PostgresUrls::One(url("a"))).expect("readable");
        for part in ["CREATE ROLE \"packshot_app\" LOGIN", "SCHEMA public OWNER TO \"packshot_owner\""] {
            assert!(one.contains(part), "{part} in\n{one}");
        }
        assert!(!three.contains("geheim") && !one.contains("geheim"));
        assert!(!format!("{:?}", PostgresUrls::One(url("a"))).contains("geheim"));
        assert!(three_roles(&PostgresUrls::One("postgres://h:port/".to_owned())).is_err());
        for [app, bypass, owner] in [["a", "b", "a"], ["a", "a", "c"]].map(|roles| roles.map(url)) {
            let same = three_roles(&PostgresUrls::Three { app, bypass, owner });
            assert!(matches!(same, Err(DbError::Roles(RolesError::Same { .. }))), "{same:?}");
        }
        let [app, bypass] = ["a", "b"].map(url);
        let other = three_roles(&PostgresUrls::Three { app, bypass, owner: "postgres://c@h/another".to_owned() });
        assert!(matches!(other, Err(DbError::Roles(RolesError::OtherDatabase(Purpose::Owner)))), "{other:?}");
    }
}
