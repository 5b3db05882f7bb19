//! Users, their sessions and keys, and the log of what they changed.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![users(), sessions(), refresh_tokens(), api_keys(), audit_log(), counters()]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("idx_users_email", "users", &["tenant_id", "email_folded"]).unique().take(),
        // A person is found before the tenant is known.
        index("idx_users_sign_in", "users", &["email_folded"]),
        index("idx_users_page", "users", &["tenant_id", "created_at", "id"]),
        index("idx_sessions_page", "sessions", &["tenant_id", "user_id", "created_at", "id"]),
        // Found before their tenant is known, as keys are. A unique index would reveal those of other tenants.
        index("idx_refresh_tokens_hash", "refresh_tokens", &["hash"]),
        index("idx_refresh_tokens_expiry", "refresh_tokens", &["expires_at"]),
        index("idx_api_keys_prefix", "api_keys", &["prefix"]),
        index("idx_api_keys_page", "api_keys", &["tenant_id", "created_at", "id"]),
        index("idx_audit_log_at", "audit_log", &["tenant_id", "at"]),
        index("idx_audit_log_of_all", "audit_log", &["at", "tenant_id", "id"]),
    ]
}

/// What keeps entries of the audit log as they are: they are never changed, and go only when they are as old as the
/// installation says, `audit_expired_before`, or with all that their tenant had.
pub(super) fn guards(backend: DbBackend) -> Vec<String> {
    const KEPT: &str = "OLD.at >= (SELECT audit_expired_before FROM installation) AND NOT EXISTS \
                        (SELECT 1 FROM tenants WHERE tenants.id = OLD.tenant_id AND tenants.status = 'purging')";
    match backend {
        DbBackend::Sqlite => vec![
            "CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE ON audit_log \
             BEGIN SELECT RAISE(ABORT, 'the audit log is not changed'); END"
                .to_owned(),
            format!(
                "CREATE TRIGGER audit_log_is_kept BEFORE DELETE ON audit_log WHEN {KEPT} \
                 BEGIN SELECT RAISE(ABORT, 'the audit log is kept'); END"
            ),
        ],
        _ => vec![
            "CREATE FUNCTION keep_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE EXCEPTION 'the audit log is kept' USING ERRCODE = '42501'; END $$"
                .to_owned(),
            "CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE ON audit_log \
             FOR EACH ROW EXECUTE FUNCTION keep_audit_log()"
                .to_owned(),
            format!(
                "CREATE FUNCTION keep_young_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF {KEPT} THEN RAISE EXCEPTION 'the audit log is kept' USING ERRCODE = '42501'; END IF; \
                 RETURN OLD; END $$"
            ),
            "CREATE TRIGGER audit_log_is_kept BEFORE DELETE ON audit_log \
             FOR EACH ROW EXECUTE FUNCTION keep_young_audit_log()"
                .to_owned(),
        ],
    }
}

fn users() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        text_null("email"),
        text_null("email_folded"),
        text("display_name"),
        text("role"),
        text_null("password_hash"),
        boolean("is_active"),
        boolean("must_change_password"),
        big_integer_null("last_login_at"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer_null("deleted_at"),
    ];
    table("users", &["tenant_id", "id"], columns).foreign_key(&mut of_tenant("users")).take()
}

fn sessions() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid("user_id"),
        text_null("user_agent"),
        text_null("ip"),
        big_integer("created_at"),
        big_integer("last_used_at"),
        big_integer("expires_at"),
        big_integer_null("revoked_at"),
    ];
    let mut of_user = belongs_to("sessions", ["tenant_id", "user_id"], "users");
    table("sessions", &["tenant_id", "id"], columns).foreign_key(&mut of_user).take()
}

fn refresh_tokens() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid("session_id"),
        text("hash"),
        big_integer("created_at"),
        big_integer("expires_at"),
        big_integer_null("replaced_at"),
    ];
    let mut of_session = belongs_to("refresh_tokens", ["tenant_id", "session_id"], "sessions");
    table("refresh_tokens", &["tenant_id", "id"], columns).foreign_key(&mut of_session).take()
}

fn api_keys() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid("user_id"),
        text("name"),
        text("prefix"),
        text("hash"),
        text("scopes"),
        boolean("all_tenants"),
        integer_null("rate_limit_per_s"),
        uuid_null("created_by"),
        big_integer("created_at"),
        big_integer_null("expires_at"),
        big_integer_null("last_used_at"),
        big_integer_null("revoked_at"),
    ];
    let mut of_user = belongs_to("api_keys", ["tenant_id", "user_id"], "users");
    table("api_keys", &["tenant_id", "id"], columns).foreign_key(&mut of_user).take()
}

fn audit_log() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        big_integer("id"),
        big_integer("at"),
        text("actor_kind"),
        uuid_null("actor_id"),
        text("actor_name"),
        text("action"),
        text_null("object_type"),
        text_null("object_id"),
        text("detail"),
        text_null("reason"),
        uuid_null("acting_tenant"),
        text_null("ip"),
        text_null("request_id"),
    ];
    table("audit_log", &["tenant_id", "id"], columns).foreign_key(&mut of_tenant("audit_log")).take()
}

/// Numbers without gaps, one row each.
fn counters() -> TableCreateStatement {
    let columns = vec![uuid("tenant_id"), text("name"), big_integer("value")];
    table("counters", &["tenant_id", "name"], columns).foreign_key(&mut of_tenant("counters")).take()
}
