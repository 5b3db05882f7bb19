//! Who may do what: roles give permissions to people, scopes of a key limit them for the key.

use super::words::words;

words! {
    /// What a person may do inside a tenant, or for all.
    pub enum Role {
        /// Runs the platform
        GlobalAdmin = "global_admin" | "admin",
        /// Full control inside one tenant
        TenantAdmin = "tenant_admin",
        /// Runs orders and renders
        ProjectManager = "project_manager",
        /// Orders pictures
        Client = "client",
    }
}

words! {
    /// What an API key opens. A `:write` includes its `:read`.
    pub enum Scope {
        /// Jobs, results, events, tasks, devices, analytics
        RendersRead = "renders:read",
        /// Renders, preflight, cancel, requeue
        RendersWrite = "renders:write",
        /// Orders, lines, history
        OrdersRead = "orders:read",
        /// Create, edit, submit, reject
        OrdersWrite = "orders:write",
        /// Products, CAD files, output types, materials
        CatalogRead = "catalog:read",
        /// The same, and imports
        CatalogWrite = "catalog:write",
        /// Workflow definitions, runs, comparison
        WorkflowsRead = "workflows:read",
        /// The same
        WorkflowsWrite = "workflows:write",
        /// Media
        MediaRead = "media:read",
        /// The same
        MediaWrite = "media:write",
        /// Artifact packages
        ArtifactsRead = "artifacts:read",
        /// The same
        ArtifactsWrite = "artifacts:write",
        /// Notifications
        NotificationsRead = "notifications:read",
        /// The same
        NotificationsWrite = "notifications:write",
        /// Everything that the owner's role allows
        Admin = "admin",
    }
}

impl Scope {
    /// Whether a key with this scope may do what requires `needed`.
    #[must_use]
    pub fn includes(self, needed: Self) -> bool {
        let is_write_of = |read: &str| {
            let area = self.as_str().strip_suffix(":write");
            area.is_some() && area == read.strip_suffix(":read")
        };
        self == Self::Admin || self == needed || is_write_of(needed.as_str())
    }
}

words! {
    /// What a route does, as far as rights go.
    pub enum Permission {
        /// Sees jobs, results, events, tasks, devices
        ReadRenders = "read_renders",
        /// Starts, checks, cancels and requeues renders
        TriggerRenders = "trigger_renders",
        /// Deletes renders
        DeleteRenders = "delete_renders",
        /// Sees figures over all renders
        ViewAnalytics = "view_analytics",
        /// Sees materials
        ReadMaterials = "read_materials",
        /// Uploads, publishes, deletes material libraries
        WriteLibraries = "write_libraries",
        /// Sees the names that the tenant gave to materials
        ReadAliases = "read_aliases",
        /// Gives names to materials and takes them back
        WriteAliases = "write_aliases",
        /// Sees reviews of materials, and which names are unmapped
        ReadReviews = "read_reviews",
        /// Applies suggested fixes, and says how they went
        WriteReviews = "write_reviews",
        /// Sees designs on products, and what of a product can be printed on
        ReadDesigns = "read_designs",
        /// Puts designs on products, and says what of a product can be printed on
        WriteDesigns = "write_designs",
        /// Sees products and their CAD files
        ReadCatalogue = "read_catalogue",
        /// Uploads CAD files, and makes, changes and deletes products
        WriteCatalogue = "write_catalogue",
        /// Makes, changes and deletes output types and render templates
        WriteOutputTypes = "write_output_types",
        /// Has all CAD files read, or pictured, at once
        ProcessCatalogue = "process_catalogue",
        /// Sees orders: a client their own, others all of the tenant
        ReadOrders = "read_orders",
        /// Makes, edits, submits and resubmits orders: a client their own
        WriteOrders = "write_orders",
        /// Dispatches, cancels and rejects orders
        RunOrders = "run_orders",
        /// Sees workflow definitions and the steps that there are
        ReadWorkflows = "read_workflows",
        /// Makes, changes and deletes workflow definitions
        WriteWorkflows = "write_workflows",
        /// Sees runs of workflows: a client those of their own lines, others all of the tenant
        ReadRuns = "read_runs",
        /// Sees media assets: a client the published ones of their own orders, others all of the tenant
        ReadMedia = "read_media",
        /// Publishes, hides, sends, changes and deletes media assets, and arranges what products show
        WriteMedia = "write_media",
        /// Sees what was done: a client with their own orders, others in the tenant
        ReadActivity = "read_activity",
        /// Sees own notifications
        OwnNotifications = "own_notifications",
        /// Marks and deletes own notifications, and chooses which to get
        ChangeOwnNotifications = "change_own_notifications",
        /// Sees alerts
        ReadAlerts = "read_alerts",
        /// Says that an alert was seen
        AcknowledgeAlerts = "acknowledge_alerts",
        /// Follows what is done in the tenant
        FollowActivity = "follow_activity",
        /// Sees announcements
        ReadAnnouncements = "read_announcements",
        /// Makes announcements and takes them back
        Announce = "announce",
        /// Sees webhooks and what was delivered to them
        ReadWebhooks = "read_webhooks",
        /// Makes, changes, tries and deletes webhooks
        WriteWebhooks = "write_webhooks",
        /// Sees packages of files, what is in them and what happened to them
        ReadArtifacts = "read_artifacts",
        /// Fills, closes, holds, reclassifies and deletes packages of files
        WriteArtifacts = "write_artifacts",
        /// Removes what has expired
        CollectArtifacts = "collect_artifacts",
        /// Compares stored files and views with what the log of artifacts says, for the whole installation
        CheckArtifacts = "check_artifacts",
        /// Sees who they are
        OwnProfile = "own_profile",
        /// Changes their own name
        ChangeOwnProfile = "change_own_profile",
        /// Changes their own password
        OwnPassword = "own_password",
        /// Ends the session, or all of the user's
        SignOut = "sign_out",
        /// Sees and ends own sessions
        OwnSessions = "own_sessions",
        /// Manages own API keys
        OwnKeys = "own_keys",
        /// Manages the API keys of everyone in the tenant
        AllKeys = "all_keys",
        /// Manages the users of the tenant
        ManageUsers = "manage_users",
        /// Makes the first user of an installation that has a password
        SetUp = "set_up",
        /// Sees who changed what
        ReadAuditLog = "read_audit_log",
        /// Sees what can be set and done, in words
        ReadHelp = "read_help",
        /// Sees settings
        ReadSettings = "read_settings",
        /// Changes settings
        WriteSettings = "write_settings",
        /// Sees the configuration of the own tenant
        ReadTenantConfig = "read_tenant_config",
        /// Changes the configuration of the own tenant
        WriteTenantConfig = "write_tenant_config",
        /// Manages tenants
        ManageTenants = "manage_tenants",
        /// Sees how many tasks run at once
        ReadWorkerConfigs = "read_worker_configs",
        /// Changes how many tasks run at once, for the whole installation
        WriteWorkerConfigs = "write_worker_configs",
        /// Sees the metrics of the whole installation
        ReadMetrics = "read_metrics",
        /// Sees the tenant that the request belongs to
        OwnTenant = "own_tenant",
    }
}

impl Permission {
    /// The scope that a key needs for it; `None`: any key will do.
    #[must_use]
    pub const fn scope(self) -> Option<Scope> {
        match self {
            Self::OwnProfile | Self::OwnTenant | Self::ReadHelp => None,
            Self::ReadRenders | Self::ViewAnalytics | Self::ReadWorkerConfigs => Some(Scope::RendersRead),
            Self::TriggerRenders | Self::DeleteRenders => Some(Scope::RendersWrite),
            Self::ReadMaterials | Self::ReadAliases | Self::ReadCatalogue => Some(Scope::CatalogRead),
            Self::WriteLibraries
            | Self::WriteAliases
            | Self::WriteCatalogue
            | Self::WriteOutputTypes
            | Self::ProcessCatalogue => Some(Scope::CatalogWrite),
            Self::ReadOrders => Some(Scope::OrdersRead),
            Self::WriteOrders | Self::RunOrders => Some(Scope::OrdersWrite),
            Self::ReadWorkflows | Self::ReadRuns => Some(Scope::WorkflowsRead),
            Self::WriteWorkflows => Some(Scope::WorkflowsWrite),
            Self::ReadMedia | Self::ReadReviews | Self::ReadDesigns => Some(Scope::MediaRead),
            Self::WriteMedia | Self::WriteReviews | Self::WriteDesigns => Some(Scope::MediaWrite),
            Self::ReadActivity
            | Self::FollowActivity
            | Self::OwnNotifications
            | Self::ReadAlerts
            | Self::ReadAnnouncements
            | Self::ReadWebhooks => Some(Scope::NotificationsRead),
            Self::ChangeOwnNotifications | Self::AcknowledgeAlerts | Self::Announce | Self::WriteWebhooks => {
                Some(Scope::NotificationsWrite)
            }
            Self::ReadArtifacts => Some(Scope::ArtifactsRead),
            Self::WriteArtifacts | Self::CollectArtifacts | Self::CheckArtifacts => Some(Scope::ArtifactsWrite),
            Self::ChangeOwnProfile
            | Self::OwnPassword
            | Self::SignOut
            | Self::OwnSessions
            | Self::OwnKeys
            | Self::AllKeys
            | Self::ManageUsers
            | Self::SetUp
            | Self::ReadAuditLog
            | Self::ReadSettings
            | Self::WriteSettings
            | Self::ReadTenantConfig
            | Self::WriteTenantConfig
            | Self::ManageTenants
            | Self::WriteWorkerConfigs
            | Self::ReadMetrics => Some(Scope::Admin),
        }
    }

    /// Whether it is also there for users who have to change their password first.
    #[must_use]
    pub const fn precedes_password_change(self) -> bool {
        matches!(self, Self::OwnProfile | Self::ChangeOwnProfile | Self::OwnPassword | Self::SignOut)
    }

    /// Whether a user with `role` in a tenant (the operating one or another) has it (tenancy.md §2).
    #[must_use]
    pub const fn is_of(self, role: Role, in_operating_tenant: bool) -> bool {
        match self {
            Self::ReadMaterials
            | Self::ReadCatalogue
            | Self::ReadOrders
            | Self::WriteOrders
            | Self::ReadRuns
            | Self::ReadMedia
            | Self::ReadActivity
            | Self::OwnNotifications
            | Self::ChangeOwnNotifications
            | Self::OwnProfile
            | Self::ChangeOwnProfile
            | Self::OwnPassword
            | Self::SignOut
            | Self::OwnSessions
            | Self::ReadHelp
            | Self::OwnTenant
            | Self::ReadTenantConfig => true,
            Self::ReadRenders
            | Self::TriggerRenders
            | Self::DeleteRenders
            | Self::ViewAnalytics
            | Self::FollowActivity
            | Self::ReadArtifacts
            | Self::WriteArtifacts
            | Self::ReadAliases
            | Self::WriteAliases
            | Self::ReadReviews
            | Self::WriteReviews
            | Self::ReadDesigns
            | Self::WriteDesigns
            | Self::WriteCatalogue
            | Self::WriteMedia
            | Self::RunOrders
            | Self::ReadWorkflows
            | Self::OwnKeys
            | Self::ReadSettings
            | Self::ReadWorkerConfigs => !matches!(role, Role::Client),
            Self::WriteLibraries
            | Self::WriteOutputTypes
            | Self::WriteWorkflows
            | Self::ProcessCatalogue
            | Self::WriteSettings
            | Self::AllKeys
            | Self::ManageUsers
            | Self::ReadAuditLog
            | Self::ReadAlerts
            | Self::AcknowledgeAlerts
            | Self::ReadAnnouncements
            | Self::Announce
            | Self::ReadWebhooks
            | Self::WriteWebhooks
            | Self::CollectArtifacts
            | Self::WriteTenantConfig => matches!(role, Role::GlobalAdmin | Role::TenantAdmin),
            Self::WriteWorkerConfigs | Self::CheckArtifacts => {
                matches!(role, Role::GlobalAdmin) || matches!(role, Role::TenantAdmin) && in_operating_tenant
            }
            Self::SetUp | Self::ReadMetrics | Self::ManageTenants => matches!(role, Role::GlobalAdmin),
        }
    }
}

impl Permission {
    /// The roles that have it, for messages: `'global_admin' or 'tenant_admin'`.
    #[must_use]
    pub fn holders(self) -> String {
        let holder = |role: &Role| match (self.is_of(*role, false), self.is_of(*role, true)) {
            (true, _) => Some(format!("'{role}'")),
            (false, true) => Some(format!("'{role}' of the operating tenant")),
            (false, false) => None,
        };
        let mut holders: Vec<String> = Role::ALL.iter().filter_map(holder).collect();
        match holders.pop() {
            Some(last) if !holders.is_empty() => format!("{} or {last}", holders.join(", ")),
            last => last.unwrap_or_default(),
        }
    }
}

impl Role {
    /// Whether someone with this role may give `other` to a user: nobody gives what they do not have.
    #[must_use]
    pub const fn may_give(self, other: Self) -> bool {
        match self {
            Self::GlobalAdmin => true,
            Self::TenantAdmin => !matches!(other, Self::GlobalAdmin),
            Self::ProjectManager | Self::Client => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t01_there_are_four_roles() {
        let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        assert_eq!(roles, ["global_admin", "tenant_admin", "project_manager", "client"]);
        assert_eq!("admin".parse(), Ok(Role::GlobalAdmin));
        assert!("boss".parse::<Role>().is_err());
    }

    #[test]
    fn t09_nobody_gives_a_role_that_they_do_not_have() {
        for role in Role::ALL {
            assert!(Role::GlobalAdmin.may_give(*role));
            assert_eq!(Role::TenantAdmin.may_give(*role), *role != Role::GlobalAdmin);
            assert!(!Role::ProjectManager.may_give(*role) && !Role::Client.may_give(*role));
        }
    }

    #[test]
    fn who_has_a_permission_is_named() {
        for (permission, holders) in [
            (Permission::ManageTenants, "'global_admin'"),
            (Permission::WriteWorkerConfigs, "'global_admin' or 'tenant_admin' of the operating tenant"),
            (Permission::ManageUsers, "'global_admin' or 'tenant_admin'"),
            (Permission::ReadRenders, "'global_admin', 'tenant_admin' or 'project_manager'"),
        ] {
            assert_eq!(permission.holders(), holders);
        }
    }

    #[test]
    fn reading_includes_nothing_but_itself() {
        for scope in Scope::ALL.iter().filter(|scope| scope.as_str().ends_with(":read")) {
            assert_eq!(Scope::ALL.iter().filter(|needed| scope.includes(**needed)).count(), 1);
        }
    }
}
