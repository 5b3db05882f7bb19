//! T88: a database is used as one role or as three, and wrong ones are refused before anything is written.

use packshot_db::roles::{Purpose, RolesError};
use packshot_db::testing::{PASSWORD, beside, three_roles};
use packshot_db::{
    AllTenants, DatabaseConfig, Db, DbError, PostgresUrls, TenantScope, installation, plan, tenants, users,
};
use packshot_domain::access::Role;
use sea_orm::DatabaseConnection;
use uuid::Uuid;

use crate::engine::block_on;
use crate::server::{self, run, texts};

/// A database without a schema, and the names of three roles; all are removed at the end.
struct Site {
    name: String,
    /// For the server's own role.
    url: String,
    urls: PostgresUrls,
    server: DatabaseConnection,
    admin: DatabaseConnection,
}

impl Site {
    async fn new(server: &str) -> Self {
        let name = format!("packshot_site_{}", Uuid::now_v7().simple());
        let url = beside(server, &name).expect("a URL");
        let urls = three_roles(&url, |purpose| role(&name, purpose)).expect("a URL");
        let server = server::connect(server).await;
        run(&server, &format!("CREATE DATABASE {name}")).await;
        let admin = server::connect(&url).await;
        Self { name, url, urls, server, admin }
    }

    fn role(&self, purpose: Purpose) -> String {
        role(&self.name, purpose)
    }

    /// What `packshot admin migrate --plan` prints, done by whoever administers the server.
    async fn prepare(&self) {
        run(&self.admin, &plan::three_roles(&self.urls).expect("a plan")).await;
        for purpose in Purpose::ALL {
            run(&self.admin, &format!("ALTER ROLE {} PASSWORD '{PASSWORD}'", self.role(purpose))).await;
        }
    }

    async fn open(&self, urls: PostgresUrls) -> Result<Db, DbError> {
        Db::open(&DatabaseConfig::Postgres { urls, max_connections: 2 }).await
    }

    /// Why the database is not opened.
    async fn refusal(&self, urls: PostgresUrls) -> RolesError {
        match self.open(urls).await {
            Err(DbError::Roles(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    /// What is in the schema.
    async fn tables(&self) -> Vec<String> {
        let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace";
        texts(&self.admin, tables).await
    }

    async fn remove(self) {
        self.admin.close().await.expect("closed");
        run(&self.server, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
        for purpose in Purpose::ALL {
            run(&self.server, &format!("DROP ROLE IF EXISTS {}", role(&self.name, purpose))).await;
        }
        self.server.close().await.expect("closed");
    }
}

fn role(site: &str, purpose: Purpose) -> String {
    purpose.role().replace("packshot", site)
}

fn on_site<F: Future<Output = ()>>(test: impl FnOnce(Site) -> F) {
    if let Some(server) = server::url() {
        block_on(async { test(Site::new(&server).await).await });
    }
}

/// How often each policy and each grant was written: a row's transaction changes with it.
async fn written(site: &Site) -> Vec<String> {
    let rows = "SELECT oid::text || ' ' || xmin::text FROM pg_policy UNION ALL \
                SELECT oid::text || ' ' || xmin::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1";
    texts(&site.admin, rows).await
}

#[test]
fn t88_three_roles_keep_tenants_apart() {
    on_site(async |site: Site| {
        site.prepare().await;
        let db = site.open(site.urls.clone()).await.expect("three roles that are as they must be");
        assert!(db.may_have_more_tenants());
        let made = tenants::create_bare(&db, AllTenants::Instance, "beta", Role::TenantAdmin).await;
        let (beta, user) = made.expect("a second tenant");
        db.close().await;

        let before = written(&site).await;
        site.prepare().await;
        let db = site.open(site.urls.clone()).await.expect("the same again");
        assert_eq!(written(&site).await, before, "what is there already is left alone");
        assert!(users::get(&db, TenantScope::of(beta), user).await.is_ok());
        db.close().await;

        let app = site.role(Purpose::App);
        run(
            &site.admin,
            &format!(
                "DROP POLICY tenant_rows ON jobs; ALTER TABLE users NO FORCE ROW LEVEL SECURITY; \
                 GRANT DELETE ON audit_log TO {app}; GRANT SELECT ON api_keys TO PUBLIC; \
                 ALTER POLICY tenant_rows ON tasks USING (true); CREATE POLICY more ON api_keys USING (true)"
            ),
        )
        .await;
        site.open(site.urls.clone()).await.expect("what was changed by hand is mended").close().await;
        let faults = format!(
            "SELECT c.relname::text FROM pg_class c WHERE c.relname = 'users' AND NOT c.relforcerowsecurity UNION ALL \
             SELECT 'audit_log' WHERE has_table_privilege('{app}', 'audit_log', 'DELETE') UNION ALL \
             SELECT 'api_keys' FROM pg_class c, aclexplode(c.relacl) x WHERE c.relname = 'api_keys' AND x.grantee = 0 \
             UNION ALL SELECT 'jobs' WHERE NOT EXISTS (SELECT 1 FROM pg_policies \
             WHERE tablename = 'jobs' AND policyname = 'tenant_rows') \
             UNION ALL SELECT tablename::text FROM pg_policies \
             WHERE policyname = 'more' OR policyname = 'tenant_rows' AND qual IS DISTINCT FROM with_check"
        );
        assert_eq!(texts(&site.admin, &faults).await, [] as [&str; 0]);
        site.remove().await;
    });
}

#[test]
fn t88_wrong_roles_are_refused_before_anything_is_written() {
    on_site(async |site: Site| {
        site.prepare().await;
        let [app, bypass, owner] = Purpose::ALL.map(|purpose| site.role(purpose));
        let mut faults = Vec::new();
        for (role, setting) in
            [(&app, "database_url"), (&bypass, "database_bypass_url"), (&owner, "database_owner_url")]
        {
            for (right, words) in [
                ("SUPERUSER", "is a superuser"),
                ("BYPASSRLS", "BYPASSRLS"),
                ("CREATEROLE", "CREATEROLE"),
                ("CREATEDB", "CREATEDB"),
                ("REPLICATION", "REPLICATION"),
            ] {
                let (broken, mended) = (format!("ALTER ROLE {role} {right}"), format!("ALTER ROLE {role} NO{right}"));
                faults.push((broken, mended, [role.as_str(), setting, words]));
            }
        }
        for (role, group, setting) in [
            (&app, &bypass, "database_url"),
            (&bypass, &owner, "database_bypass_url"),
            (&owner, &bypass, "database_owner_url"),
        ] {
            let (broken, mended) = (format!("GRANT {group} TO {role}"), format!("REVOKE {group} FROM {role}"));
            faults.push((broken, mended, [role.as_str(), setting, "is a member of"]));
        }
        let give = |role: &str| format!("ALTER DATABASE {} OWNER TO {role}", site.name);
        faults.push((give(&bypass), give(&owner), [bypass.as_str(), "database_bypass_url", "owns the database"]));
        faults.push((
            "ALTER SCHEMA public OWNER TO CURRENT_USER".to_owned(),
            format!("ALTER SCHEMA public OWNER TO {owner}"),
            [owner.as_str(), "database_owner_url", "may not create tables"],
        ));
        for (broken, mended, words) in faults {
            run(&site.admin, &broken).await;
            let refusal = site.refusal(site.urls.clone()).await;
            let text = refusal.to_string();
            assert!(words.iter().all(|word| text.contains(*word)), "{broken}: {text}");
            assert_eq!(refusal.setting(), words[1], "{broken}");
            run(&site.admin, &mended).await;
        }

        let PostgresUrls::Three { app: of_app, bypass: of_bypass, owner: of_owner } = site.urls.clone() else {
            panic!()
        };
        let twice = PostgresUrls::Three { app: of_app.clone(), bypass: of_app.clone(), owner: of_owner.clone() };
        let (one, other) = (Purpose::App, Purpose::Bypass);
        assert_eq!(site.refusal(twice).await, RolesError::Same { role: app, one, other });
        let elsewhere = beside(&of_bypass, "postgres").expect("a URL");
        let apart = PostgresUrls::Three { app: of_app, bypass: elsewhere, owner: of_owner };
        assert_eq!(site.refusal(apart).await, RolesError::OtherDatabase(Purpose::Bypass));
        assert_eq!(site.tables().await, [] as [&str; 0], "nothing was written");
        site.remove().await;
    });
}

#[test]
fn t88_one_role_serves_one_tenant() {
    on_site(async |site: Site| {
        let one = PostgresUrls::One(site.url.clone());
        let db = site.open(one.clone()).await.expect("one role");
        assert!(!db.may_have_more_tenants());
        let second = tenants::create_bare(&db, AllTenants::Instance, "beta", Role::TenantAdmin).await;
        assert!(matches!(second, Err(DbError::OneRole)), "{second:?}");
        let user = installation::get(&db, AllTenants::Instance).await.expect("the installation");
        db.close().await;

        assert!(matches!(site.open(site.urls.clone()).await, Err(DbError::Unavailable(_) | DbError::Internal(_))));
        // Roles alone are not enough: the tables are another role's.
        site.prepare().await;
        run(&site.admin, "ALTER TABLE jobs OWNER TO CURRENT_USER").await;
        let refusal = site.refusal(site.urls.clone()).await.to_string();
        assert!(refusal.starts_with("the table jobs belongs to the role"), "{refusal}");
        site.prepare().await;
        let db = site.open(site.urls.clone()).await.expect("three roles from now on");
        let scope = TenantScope::of(user.operating_tenant);
        assert!(users::get(&db, scope, user.local_user).await.is_ok(), "what was there is there");
        assert!(db.may_have_more_tenants());
        db.close().await;

        for alone in [one, PostgresUrls::One(site.urls.app().to_owned())] {
            assert_eq!(site.refusal(alone).await, RolesError::TwoMissing);
        }
        site.remove().await;
    });
}

#[test]
fn t88_one_role_does_not_start_with_two_tenants() {
    on_site(async |site: Site| {
        let one = PostgresUrls::One(site.url.clone());
        site.open(one.clone()).await.expect("one role").close().await;
        let copied = "INSERT INTO tenants SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), \
                      'slug', 'beta'))).* FROM tenants t";
        run(&site.admin, copied).await;
        assert_eq!(site.refusal(one).await, RolesError::SeveralTenants(2));
        site.remove().await;
    });
}

#[test]
fn a_database_of_another_version_is_named_as_such() {
    on_site(async |site: Site| {
        let one = PostgresUrls::One(site.url.clone());
        site.open(one.clone()).await.expect("one role").close().await;
        // As it was before tenants had a state.
        run(&site.admin, "ALTER TABLE tenants DROP COLUMN status").await;
        run(&site.admin, "UPDATE schema_migrations SET version = 'm0001_older'").await;
        let opened = site.open(one).await;
        assert!(matches!(&opened, Err(DbError::Schema(name)) if name == "m0001_older"), "{:?}", opened.err());
        site.remove().await;
    });
}
