//! The audit log: who changed what (tenancy.md §11).

use core::net::IpAddr;

use uuid::Uuid;

use super::id::TenantId;
use super::words::words;

words! {
    /// What kind of actor made a change.
    pub enum ActorKind {
        /// A person who signed in
        User = "user",
        /// An API key
        ApiKey = "api_key",
        /// Someone on the machine of the installation
        Local = "local",
        /// The service itself
        System = "system",
    }
}

words! {
    /// What was done.
    pub enum Action {
        /// A person signed in
        Login = "auth.login",
        /// A password was wrong, or the user cannot sign in
        LoginFailed = "auth.login_failed",
        /// A person ended a session, or all of theirs
        Logout = "auth.logout",
        /// A refresh token was used long after it was replaced
        RefreshReused = "auth.refresh_reused",
        /// A password was changed or reset
        PasswordChanged = "auth.password_changed",
        /// A new signing key was made
        SigningKeyRotated = "auth.signing_key_rotated",
        /// A user was created
        UserCreated = "user.created",
        /// A user's name, e-mail address or activity was changed
        UserUpdated = "user.updated",
        /// A user got another role
        UserRoleChanged = "user.role_changed",
        /// A user was deactivated
        UserDeactivated = "user.deactivated",
        /// A user was deleted
        UserDeleted = "user.deleted",
        /// An API key was created
        KeyCreated = "api_key.created",
        /// An API key's name, expiry or limit was changed
        KeyUpdated = "api_key.updated",
        /// An API key was revoked
        KeyRevoked = "api_key.revoked",
        /// A tenant's configuration was changed
        TenantConfigChanged = "tenant.config_changed",
        /// The first user with a password was created
        SetupCompleted = "setup.completed",
        /// A global admin read the rows of all tenants
        BypassRead = "bypass.read",
        /// A material library was uploaded, published, withdrawn or deleted
        LibraryChanged = "library.changed",
        /// A material got another name
        AliasCreated = "alias.created",
        /// A name of a material was taken back
        AliasWithdrawn = "alias.withdrawn",
        /// A CAD file was uploaded or deleted
        CadFileChanged = "cad_file.changed",
        /// A product was made, changed or deleted
        ProductChanged = "product.changed",
        /// An order was made
        OrderCreated = "order.created",
        /// An order was handed over
        OrderSubmitted = "order.submitted",
        /// An order was refused
        OrderRejected = "order.rejected",
        /// A refused order was opened again
        OrderResubmitted = "order.resubmitted",
        /// An order was deleted
        OrderDeleted = "order.deleted",
        /// An output type was made, changed or deleted
        OutputTypeChanged = "output_type.changed",
        /// A render template was made, changed or deleted
        TemplateChanged = "template.changed",
        /// A workflow definition was made or saved again
        WorkflowSaved = "workflow.saved",
        /// A workflow definition was deleted or deactivated
        WorkflowDeleted = "workflow.deleted",
        /// The limits of a queue were changed
        WorkerConfigChanged = "worker_config.changed",
        /// A failed task was queued again
        TaskRequeued = "task.requeued",
        /// A printable area of a product was made, changed or deleted
        DesignAreaChanged = "design_area.changed",
        /// A preset of placements was made, changed or deleted
        DesignPresetChanged = "design_preset.changed",
        /// A design job was deleted
        DesignJobDeleted = "design_job.deleted",
        /// A media asset was deleted
        AssetDeleted = "asset.deleted",
        /// A media asset is kept until it is released
        AssetHeld = "asset.held",
        /// A media asset is held no longer
        AssetReleased = "asset.released",
        /// A render was deleted
        RenderDeleted = "render.deleted",
        /// Settings were changed
        SettingsChanged = "settings.changed",
        /// A webhook was made
        WebhookCreated = "webhook.created",
        /// A webhook was changed, enabled or disabled
        WebhookUpdated = "webhook.updated",
        /// A webhook was deleted
        WebhookDeleted = "webhook.deleted",
        /// A webhook got another secret
        WebhookSecretRotated = "webhook.secret_rotated",
        /// A package of files was deleted
        PackageDeleted = "package.deleted",
        /// A package of files is kept until it is released
        PackageHeld = "package.held",
        /// A package of files is held no longer
        PackageReleased = "package.released",
        /// A package of files got another retention class
        PackageRetentionChanged = "package.retention_changed",
        /// An announcement was made
        AnnouncementCreated = "announcement.created",
        /// An announcement was taken back
        AnnouncementDeleted = "announcement.deleted",
        /// What is known of a tenant's artifacts was made again from their log
        ArtifactsReplayed = "artifacts.replayed",
        /// A tenant was created
        TenantCreated = "tenant.created",
        /// A tenant got another name
        TenantUpdated = "tenant.updated",
        /// A tenant was deactivated
        TenantDeactivated = "tenant.deactivated",
        /// A tenant was activated
        TenantActivated = "tenant.activated",
        /// A tenant was marked for deletion
        TenantDeleteRequested = "tenant.delete_requested",
        /// A tenant was restored
        TenantRestored = "tenant.restored",
        /// What a deleted tenant had was removed
        TenantPurged = "tenant.purged",
    }
}

/// Who made a change, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The kind.
    pub kind: ActorKind,
    /// The user or the key; `None`: the service itself, or someone unknown.
    pub id: Option<Uuid>,
    /// The name that it had then.
    pub name: String,
    /// The tenant that it acted in, if that is not its own.
    pub acting_tenant: Option<TenantId>,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The request.
    pub request_id: Option<String>,
}

impl Actor {
    /// Someone with access to the machine of the installation: the command line.
    #[must_use]
    pub fn on_machine(name: impl Into<String>) -> Self {
        Self { kind: ActorKind::Local, name: name.into(), ..Self::system() }
    }

    /// The service itself.
    #[must_use]
    pub fn system() -> Self {
        let name = "packshot".to_owned();
        Self { kind: ActorKind::System, id: None, name, acting_tenant: None, ip: None, request_id: None }
    }
}
