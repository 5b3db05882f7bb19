//! The tables of tenancy.md, sections 2 and 4, by permission: which roles have it, and which scope a key needs for it.
//!
//! Written by hand from that document. The service has a table of its own, and this one is what it is compared with.

use packshot_domain::access::{Permission, Role};

/// Whether a role has a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grant {
    Yes,
    No,
    /// In the tenant that runs the installation.
    Operating,
}

/// What the roles have, in the order of the document: global_admin, tenant_admin, project_manager, client.
type Grants = [Grant; 4];

const EVERYONE: Grants = [Grant::Yes, Grant::Yes, Grant::Yes, Grant::Yes];
const MANAGERS: Grants = [Grant::Yes, Grant::Yes, Grant::Yes, Grant::No];
const ADMINS: Grants = [Grant::Yes, Grant::Yes, Grant::No, Grant::No];
const OPERATORS: Grants = [Grant::Yes, Grant::Operating, Grant::No, Grant::No];
const PLATFORM: Grants = [Grant::Yes, Grant::No, Grant::No, Grant::No];

/// A permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    permission: &'static str,
    /// The scope that a key needs; `None`: any key will do.
    pub(super) scope: Option<&'static str>,
    grants: Grants,
}

const fn row(permission: &'static str, scope: &'static str, grants: Grants) -> Row {
    Row { permission, scope: Some(scope), grants }
}

const ROWS: &[Row] = &[
    row("read_renders", "renders:read", MANAGERS),
    row("trigger_renders", "renders:write", MANAGERS),
    row("delete_renders", "renders:write", MANAGERS),
    row("view_analytics", "renders:read", MANAGERS),
    row("read_materials", "catalog:read", EVERYONE),
    row("write_libraries", "catalog:write", ADMINS),
    row("read_aliases", "catalog:read", MANAGERS),
    row("write_aliases", "catalog:write", MANAGERS),
    row("read_reviews", "media:read", MANAGERS),
    row("write_reviews", "media:write", MANAGERS),
    row("read_designs", "media:read", MANAGERS),
    row("write_designs", "media:write", MANAGERS),
    row("read_catalogue", "catalog:read", EVERYONE),
    row("write_catalogue", "catalog:write", MANAGERS),
    row("read_orders", "orders:read", EVERYONE),
    row("write_orders", "orders:write", EVERYONE),
    row("run_orders", "orders:write", MANAGERS),
    row("read_workflows", "workflows:read", MANAGERS),
    row("write_workflows", "workflows:write", ADMINS),
    row("read_runs", "workflows:read", EVERYONE),
    row("write_output_types", "catalog:write", ADMINS),
    row("read_media", "media:read", EVERYONE),
    row("write_media", "media:write", MANAGERS),
    row("read_activity", "notifications:read", EVERYONE),
    row("own_notifications", "notifications:read", EVERYONE),
    row("change_own_notifications", "notifications:write", EVERYONE),
    row("read_alerts", "notifications:read", ADMINS),
    row("acknowledge_alerts", "notifications:write", ADMINS),
    row("follow_activity", "notifications:read", MANAGERS),
    row("read_announcements", "notifications:read", ADMINS),
    row("announce", "notifications:write", ADMINS),
    row("read_webhooks", "notifications:read", ADMINS),
    row("write_webhooks", "notifications:write", ADMINS),
    row("process_catalogue", "catalog:write", ADMINS),
    row("read_artifacts", "artifacts:read", MANAGERS),
    row("write_artifacts", "artifacts:write", MANAGERS),
    row("collect_artifacts", "artifacts:write", ADMINS),
    row("check_artifacts", "artifacts:write", OPERATORS),
    Row { permission: "own_profile", scope: None, grants: EVERYONE },
    row("change_own_profile", "admin", EVERYONE),
    row("own_password", "admin", EVERYONE),
    row("sign_out", "admin", EVERYONE),
    row("own_sessions", "admin", EVERYONE),
    row("own_keys", "admin", MANAGERS),
    row("all_keys", "admin", ADMINS),
    row("manage_users", "admin", ADMINS),
    row("set_up", "admin", PLATFORM),
    row("read_audit_log", "admin", ADMINS),
    row("read_settings", "admin", MANAGERS),
    row("write_settings", "admin", ADMINS),
    row("read_worker_configs", "renders:read", MANAGERS),
    row("write_worker_configs", "admin", OPERATORS),
    row("read_metrics", "admin", PLATFORM),
    Row { permission: "own_tenant", scope: None, grants: EVERYONE },
    row("manage_tenants", "admin", PLATFORM),
    row("read_tenant_config", "admin", EVERYONE),
    row("write_tenant_config", "admin", ADMINS),
    Row { permission: "read_help", scope: None, grants: EVERYONE },
];

impl Row {
    /// The row of a permission.
    pub(super) fn of(permission: &str) -> Self {
        let found = ROWS.iter().find(|row| row.permission == permission);
        *found.unwrap_or_else(|| panic!("access/table.rs has no row for `{permission}`: tenancy.md says who has it"))
    }

    /// Whether somebody with this role has the permission.
    pub(super) fn grants(&self, role: Role, in_operating_tenant: bool) -> bool {
        let column = match role {
            Role::GlobalAdmin => 0,
            Role::TenantAdmin => 1,
            Role::ProjectManager => 2,
            Role::Client => 3,
        };
        match self.grants[column] {
            Grant::Yes => true,
            Grant::No => false,
            Grant::Operating => in_operating_tenant,
        }
    }

    /// Whether a key with this scope alone does for it.
    pub(super) fn is_open_to(&self, scope: &str) -> bool {
        let Some(needed) = self.scope else { return true };
        let writes_the_same = scope.strip_suffix(":write").zip(needed.strip_suffix(":read"));
        scope == "admin" || scope == needed || writes_the_same.is_some_and(|(written, read)| written == read)
    }
}

#[test]
fn t07_every_permission_has_its_row() {
    let rows: Vec<&str> = ROWS.iter().map(|row| row.permission).collect();
    let known: Vec<&str> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
    let missing: Vec<&&str> = known.iter().filter(|word| !rows.contains(*word)).collect();
    let gone: Vec<&&str> = rows.iter().filter(|word| !known.contains(*word)).collect();
    assert_eq!((missing, gone), (vec![], vec![]), "without a row, and rows of no permission");
}
