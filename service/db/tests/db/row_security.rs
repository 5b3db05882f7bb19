//! T41–T43, T51–T54: what PostgreSQL itself keeps apart, whatever a statement asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use futures_util::{StreamExt, stream};
use packshot_db::objects::NewObject;
use packshot_db::testing::tenants_seen;
use packshot_db::{DatabaseConfig, Db, PostgresUrls, objects, renders};
use packshot_domain::audit::Actor;
use packshot_domain::hash::ContentAddress;
use sea_orm::DatabaseConnection;

use crate::engine::{Fixture, deleter, on_postgres};
use crate::server::{self, rows, run, texts, tried};

/// Tables without a tenant's column. `tenants` has the policies all the same, over its own key.
const OF_INSTALLATION: [&str; 6] =
    ["installation", "retention_classes", "schema_migrations", "system_settings", "tenants", "worker_configs"];
/// What a tenant's transactions only add to.
const ADDED_TO: [&str; 5] = ["artifact_events", "audit_log", "events", "fix_changes", "pipeline_events"];
/// The tables with a tenant's column.
const OF_TENANTS: &str = "
    SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'tenant_id'
    ORDER BY c.relname";

fn urls(t: &Fixture) -> &PostgresUrls {
    match &t.config {
        DatabaseConfig::Postgres { urls, .. } => urls,
        DatabaseConfig::Sqlite { .. } => panic!("a database on PostgreSQL"),
    }
}

async fn admin(t: &Fixture) -> DatabaseConnection {
    let (_, name) = urls(t).app().rsplit_once('/').expect("a database");
    server::administer(name).await
}

/// The names of the roles for one tenant and for all.
async fn roles(t: &Fixture) -> [String; 2] {
    let PostgresUrls::Three { app, bypass, .. } = urls(t) else { panic!("three roles") };
    let name = async |url: &str| {
        let connection = server::connect(url).await;
        let names = texts(&connection, "SELECT current_user::text").await;
        connection.close().await.expect("closed");
        names.concat()
    };
    [name(app).await, name(bypass).await]
}

/// Makes every statement of the role for tenants fail that looks for rows before its transaction has set the tenant,
/// where it would only find none.
async fn install_witness(t: &Fixture) {
    let admin = admin(t).await;
    let [app, _] = roles(t).await;
    run(
        &admin,
        "CREATE FUNCTION the_tenant() RETURNS uuid STABLE LANGUAGE plpgsql AS $$ \
         DECLARE tenant text := current_setting('app.current_tenant_id', true); BEGIN \
         IF COALESCE(tenant, '') = '' THEN RAISE EXCEPTION 'no tenant is set'; END IF; RETURN tenant::uuid; END $$",
    )
    .await;
    for table in texts(&admin, OF_TENANTS).await {
        let policy =
            format!("CREATE POLICY witness ON {table} AS RESTRICTIVE TO {app} USING (tenant_id = the_tenant())");
        run(&admin, &policy).await;
    }
    let alone = server::connect(urls(t).app()).await;
    let unset = tried(&alone, "SELECT 1 FROM objects").await;
    assert_eq!(unset, Err("P0001".to_owned()), "it meets a statement without a tenant");
    alone.close().await.expect("closed");
    admin.close().await.expect("closed");
}

#[test]
fn t41_every_transaction_sets_its_tenant_before_its_first_query() {
    on_postgres(async |t: Fixture| {
        install_witness(&t).await;
        crate::isolation::another_tenant_sees_nothing(t).await;
    });
    on_postgres(async |t: Fixture| {
        install_witness(&t).await;
        crate::isolation::another_tenant_changes_nothing(t).await;
    });
    on_postgres(async |t: Fixture| {
        install_witness(&t).await;
        crate::graphs::r94_jobs_follow_their_tasks(t).await;
    });
}

#[test]
fn t42_a_task_runs_with_its_tenant_set() {
    on_postgres(async |t: Fixture| {
        let (beta, _) = t.other_tenant().await;
        let admin = admin(&t).await;
        let [app, bypass] = roles(&t).await;
        run(
            &admin,
            "CREATE TABLE seen (role text, tenant text); \
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN \
             INSERT INTO seen VALUES (session_user, current_setting('app.current_tenant_id', true)); RETURN NULL; END $$",
        )
        .await;
        for table in ["jobs", "tasks", "events", "render_files", "objects"] {
            run(
                &admin,
                &format!("CREATE TRIGGER note AFTER INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION note()"),
            )
            .await;
        }
        const SEEN: &str = "SELECT DISTINCT role || ' ' || COALESCE(tenant, '') FROM seen";

        t.submit_to(beta, 0).await;
        assert_eq!(texts(&admin, SEEN).await, [format!("{app} {}", beta.tenant)]);
        run(&admin, "DELETE FROM seen").await;
        let claimed = t.claim_one().await;
        assert_eq!(claimed.tenant, beta.tenant);
        assert_eq!(texts(&admin, SEEN).await, [format!("{bypass} ")], "tasks are handed out for all tenants");
        run(&admin, "DELETE FROM seen").await;
        t.complete(&claimed).await;
        assert_eq!(texts(&admin, SEEN).await, [format!("{app} {}", beta.tenant)]);

        assert_eq!(tried(&admin, "UPDATE tasks SET tenant_id = NULL").await, Err("23502".to_owned()));
        admin.close().await.expect("closed");
    });
}

#[test]
fn t43_every_table_of_tenants_has_its_policies() {
    on_postgres(async |t: Fixture| {
        let admin = admin(&t).await;
        let [app, bypass] = roles(&t).await;
        let guarded = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                       AND relrowsecurity AND relforcerowsecurity ORDER BY relname";
        let all = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                   AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY relname";
        let of_tenants = texts(&admin, OF_TENANTS).await;
        let others: Vec<_> = texts(&admin, all).await.into_iter().filter(|name| !of_tenants.contains(name)).collect();
        assert_eq!(others, OF_INSTALLATION, "a new table has a tenant's column, or is listed");
        let expected: BTreeSet<&str> = of_tenants.iter().map(String::as_str).chain(["tenants"]).collect();
        assert!(texts(&admin, guarded).await.iter().map(String::as_str).eq(expected.iter().copied()));

        let mut policies: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let query = "SELECT tablename::text, policyname::text || ' ' || roles::text || ' ' || cmd || ' ' || permissive \
                     || ' ' || qual, qual = with_check FROM pg_policies WHERE schemaname = 'public' ORDER BY 1, 2";
        for row in rows(&admin, query).await {
            let (table, policy, checks_alike): (String, String, bool) = (
                row.try_get_by_index(0).expect("text"),
                row.try_get_by_index(1).expect("text"),
                row.try_get_by_index(2).expect("a truth"),
            );
            assert!(checks_alike, "{table}: {policy}");
            policies.entry(table).or_default().push(policy);
        }
        assert!(policies.keys().map(String::as_str).eq(expected));
        for (table, policies) in policies {
            let column = if table == "tenants" { "id" } else { "tenant_id" };
            let own =
                format!("({column} = (NULLIF(current_setting('app.current_tenant_id'::text, true), ''::text))::uuid)");
            let all = format!("all_rows {{{bypass}}} ALL PERMISSIVE true");
            assert_eq!(policies, [all, format!("tenant_rows {{{app}}} ALL PERMISSIVE {own}")], "{table}");
        }
        admin.close().await.expect("closed");
    });
}

/// Polls a future until it has waited `n` times, then drops it.
async fn abandon(future: impl Future, n: u32) {
    let mut future = pin!(future);
    let mut left = n;
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Pending if left > 0 => {
            left -= 1;
            Poll::Pending
        }
        _ => Poll::Ready(()),
    })
    .await;
}

/// Requests of two tenants on one connection; `scripts/soak` makes ten times as many.
#[test]
fn t51_one_connection_serves_both_tenants_and_mixes_nothing() {
    let n_requests: u32 = if std::env::var_os("PACKSHOT_EVERY_REQUEST").is_some() { 10_000 } else { 1_000 };
    on_postgres(async move |t: Fixture| {
        let (beta, _) = t.other_tenant().await;
        let one = DatabaseConfig::Postgres { urls: urls(&t).clone(), max_connections: 1 };
        let one = Db::open(&one).await.expect("the same database");
        let answered = AtomicU32::new(0);
        let (own, of_one, n_answered) = (t.scope, &one, &answered);
        let request = |i: u32| async move {
            let scope = if i.is_multiple_of(3) { own } else { beta };
            let waits = i / 20 % 12;
            match i % 20 {
                7 => abandon(tenants_seen(of_one, scope, "objects"), waits).await,
                17 => {
                    let new = ContentAddress::of(&i.to_le_bytes());
                    abandon(objects::record(of_one, scope, NewObject::unread(new, 4, "image/png")), waits).await;
                }
                _ => {
                    let seen = tenants_seen(of_one, scope, "objects").await.expect("an answer");
                    assert_eq!(seen, [scope.tenant], "request {i}");
                    n_answered.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        stream::iter(0..n_requests).for_each_concurrent(8, request).await;
        assert_eq!(answered.load(Ordering::Relaxed), n_requests / 10 * 9);
        one.close().await;
    });
}

#[test]
fn t52_without_a_tenant_there_are_no_rows() {
    on_postgres(async |t: Fixture| {
        let (beta, _) = t.other_tenant().await;
        t.submit().await;
        let admin = admin(&t).await;
        let tables = texts(&admin, OF_TENANTS).await;
        admin.close().await.expect("closed");
        let app = server::connect(urls(&t).app()).await;
        let set = async |value: &str| {
            run(&app, &format!("SELECT set_config('app.current_tenant_id', '{value}', false)")).await;
        };
        for step in ["never set", "set to nothing"] {
            for table in tables.iter().map(String::as_str).chain(["tenants"]) {
                assert_eq!(tried(&app, &format!("SELECT 1 FROM {table}")).await, Ok(0), "{table}, {step}");
            }
            set("").await;
        }
        set("bypass").await;
        for table in tables.iter().map(String::as_str).chain(["tenants"]) {
            let read = tried(&app, &format!("SELECT 1 FROM {table}")).await;
            assert!(matches!(read, Ok(0)) || read == Err("22P02".to_owned()), "{table}: {read:?}");
        }
        for table in ["jobs", "objects", "tasks", "tenants", "users"] {
            let read = tried(&app, &format!("SELECT 1 FROM {table}")).await;
            assert_eq!(read, Err("22P02".to_owned()), "the word of the reference system opens nothing: {table}");
        }

        let (own, other) = (t.scope.tenant, beta.tenant);
        set(&own.to_string()).await;
        assert_eq!(tried(&app, "SELECT 1 FROM tenants").await, Ok(1), "its own");
        let of_other = format!("WHERE tenant_id = '{other}'");
        assert_eq!(tried(&app, &format!("UPDATE objects SET size_bytes = 0 {of_other}")).await, Ok(0));
        assert_eq!(tried(&app, &format!("DELETE FROM objects {of_other}")).await, Ok(0));
        let denied = Err("42501".to_owned());
        for statement in [
            format!("UPDATE objects SET tenant_id = '{other}'"),
            format!("INSERT INTO counters (tenant_id, name, value) VALUES ('{other}', 'a', 1)"),
            "UPDATE tenants SET name = ''".to_owned(),
            "TRUNCATE objects".to_owned(),
            "SELECT 1 FROM installation".to_owned(),
            "SELECT 1 FROM system_settings".to_owned(),
            "CREATE TABLE mine (id int)".to_owned(),
        ] {
            assert_eq!(tried(&app, &statement).await, denied, "{statement}");
        }
        let of_other = "INSERT INTO api_keys (tenant_id, id, user_id, name, prefix, hash, scopes, all_tenants, created_at) \
                        SELECT tenant_id, id, gen_random_uuid(), '', '', '', '', false, 0 FROM users";
        assert_eq!(tried(&app, of_other).await, Err("23503".to_owned()), "a reference holds its tenant");
        run(&app, "SET row_security = off").await;
        assert_eq!(tried(&app, "SELECT 1 FROM objects").await, denied);
        app.close().await.expect("closed");
    });
}

#[test]
fn t53_the_roles_have_no_right_beyond_their_purpose() {
    on_postgres(async |t: Fixture| {
        let admin = admin(&t).await;
        let [app, bypass] = roles(&t).await;
        let plain = format!(
            "SELECT rolname::text FROM pg_roles WHERE rolname IN ('{app}', '{bypass}') AND NOT (rolsuper OR rolbypassrls \
             OR rolcreaterole OR rolcreatedb OR rolreplication) AND NOT EXISTS (SELECT 1 FROM pg_auth_members \
             WHERE member = pg_roles.oid) ORDER BY 1"
        );
        assert_eq!(texts(&admin, &plain).await, [&*app, &*bypass]);
        let owned = format!(
            "SELECT relname::text FROM pg_class WHERE pg_get_userbyid(relowner) IN ('{app}', '{bypass}') UNION ALL \
             SELECT proname::text FROM pg_proc WHERE pg_get_userbyid(proowner) IN ('{app}', '{bypass}') UNION ALL \
             SELECT nspname::text FROM pg_namespace WHERE pg_get_userbyid(nspowner) IN ('{app}', '{bypass}')"
        );
        assert_eq!(texts(&admin, &owned).await, [] as [&str; 0]);

        let tables = texts(&admin, OF_TENANTS).await;
        let rights = format!(
            "SELECT c.relname::text, string_agg(x.privilege_type, ' ' ORDER BY x.privilege_type) FROM pg_class c, \
             aclexplode(c.relacl) x WHERE c.relnamespace = 'public'::regnamespace \
             AND (x.grantee = 0 OR pg_get_userbyid(x.grantee) = '{app}') GROUP BY 1"
        );
        let rights: BTreeMap<String, String> = rows(&admin, &rights)
            .await
            .iter()
            .map(|row| (row.try_get_by_index(0).expect("text"), row.try_get_by_index(1).expect("text")))
            .collect();
        let expected = |table: &str| match table {
            "tenants" => "SELECT",
            _ if ADDED_TO.contains(&table) => "INSERT SELECT",
            _ => "DELETE INSERT SELECT UPDATE",
        };
        let all = tables.iter().map(String::as_str).chain(["tenants"]);
        let expected: BTreeMap<String, String> =
            all.map(|table| (table.to_owned(), expected(table).to_owned())).collect();
        assert_eq!(rights, expected);

        let render = t.submit().await;
        let claimed = t.claim_one().await;
        t.complete(&claimed).await;
        let of_render = format!("SELECT id::text FROM events WHERE id = '{render}'");
        assert_ne!(texts(&admin, &of_render).await, [] as [&str; 0]);
        renders::delete(&t.db, t.scope, deleter(Actor::system()), render).await.expect("deleted");
        assert_eq!(texts(&admin, &of_render).await, [] as [&str; 0], "they go with their stream");
        admin.close().await.expect("closed");
    });
}

#[test]
fn t54_references_and_unique_keys_hold_their_tenant() {
    const HAS_TENANT: &str = "EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attname = 'tenant_id' AND a.attrelid";
    on_postgres(async |t: Fixture| {
        let admin = admin(&t).await;
        // Both sides name the column at the same place of the key.
        let references = format!(
            "SELECT k.conname::text FROM pg_constraint k WHERE k.contype = 'f' AND {HAS_TENANT} = k.conrelid) \
             AND {HAS_TENANT} = k.confrelid) AND NOT EXISTS (SELECT 1 FROM unnest(k.conkey, k.confkey) AS pair(own, other) \
             JOIN pg_attribute o ON o.attrelid = k.conrelid AND o.attnum = pair.own \
             JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = pair.other \
             WHERE o.attname = 'tenant_id' AND f.attname = 'tenant_id')"
        );
        let clearing = "SELECT conname::text FROM pg_constraint WHERE contype = 'f' \
                        AND (confdeltype IN ('n', 'd') OR confupdtype IN ('n', 'd'))";
        let unique = format!(
            "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
             WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique AND {HAS_TENANT} = c.oid) \
             AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' \
             AND a.attnum = ANY (i.indkey::smallint[]))"
        );
        let views = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' \
                     AND NOT COALESCE('security_invoker=true' = ANY (reloptions), false)";
        for (query, what) in [
            (&*references, "references between tenants' tables without the tenant"),
            (clearing, "references that clear a column, and with it the tenant"),
            (&*unique, "unique keys over all tenants"),
            (views, "views that show their owner's rows"),
        ] {
            assert_eq!(texts(&admin, query).await, [] as [&str; 0], "{what}");
        }
        admin.close().await.expect("closed");
    });
}
