//! Every error code of the service's own, with its way out. Where answers are made, each code is mapped to HTTP.

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $help:literal;)+) => {
        /// What went wrong with a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)+ }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What a client can do about it.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)+ }
            }
        }
    };
}

codes! {
    /// The body cannot be parsed.
    MalformedBody = "malformed_body", "send valid JSON, or a multipart body with the boundary that its Content-Type names";
    /// No valid token or key.
    Unauthenticated = "unauthenticated", "the header is missing, or its token or key is unknown, cut off, revoked or expired: sign in again (POST /api/auth/login), or use another API key (`packshot admin create-key` makes one)";
    /// The access token has expired.
    TokenExpired = "token_expired", "get a new one with the refresh token: POST /api/auth/refresh";
    /// The e-mail address, the password or the tenant is wrong; which one is not said.
    InvalidCredentials = "invalid_credentials", "check all three; an admin of the tenant can reset the password, and so can `packshot admin reset-password` on the service's machine";
    /// The refresh token is unknown or has expired, or its session has ended.
    InvalidRefreshToken = "invalid_refresh_token", "sign in again: POST /api/auth/login";
    /// The role lacks the permission.
    Forbidden = "forbidden", "use an account or a key that may do this, or ask an admin of the tenant; where a global admin is needed, ask whoever runs the installation";
    /// The key lacks the scope.
    InsufficientScope = "insufficient_scope", "use a key with this scope, or ask an admin of the tenant for one: the scopes of a key never change";
    /// `X-Tenant-ID` names another tenant.
    TenantMismatch = "tenant_mismatch", "leave X-Tenant-ID out, or name the tenant that the token or key belongs to";
    /// The caller's tenant is deactivated.
    TenantInactive = "tenant_inactive", "ask whoever runs the installation: POST /api/v1/tenants/{id}/activate lets its users in again";
    /// This route or caller cannot act for all tenants together.
    BypassNotAllowed = "bypass_not_allowed", "leave X-Tenant-ID out, or name one tenant";
    /// The tenant does not have the feature.
    FeatureDisabled = "feature_disabled", "do without it, or ask a global admin to switch it on: PATCH /api/v1/tenants/{id}/config, `features`";
    /// The user has a password that somebody else set.
    PasswordChangeRequired = "password_change_required", "change it first: PUT /api/v1/me/password";
    /// The open mode does not work behind a proxy.
    SetupRequired = "setup_required", "create a key on the service's machine with `packshot admin create-key`, and send it";
    /// The open mode only answers to local names.
    HostNotAllowed = "host_not_allowed", "open the service as 127.0.0.1 or localhost, or create a key with `packshot admin create-key` and send it";
    /// The open mode only answers its own pages.
    OriginNotAllowed = "origin_not_allowed", "open the service's own page, or create a key with `packshot admin create-key` and send it";
    /// There is nothing at this path.
    NotFound = "not_found", "check the path: /docs/ lists all of them";
    /// There is no such render.
    RenderNotFound = "render_not_found", "check the id: GET /api/v1/renders lists the renders";
    /// There is no preview yet.
    PreviewNotReady = "preview_not_ready", "ask again in a second while the render runs; one that ended without a picture gets none";
    /// The render did not make this file.
    FormatNotAvailable = "format_not_available", "fetch one of the files that the job lists in `result.files`";
    /// There is no such task.
    TaskNotFound = "task_not_found", "check the id: GET /api/v1/tasks lists the tasks";
    /// There is no such material.
    MaterialNotFound = "material_not_found", "check the id: GET /api/v1/materials lists the materials";
    /// There is no such library.
    LibraryNotFound = "library_not_found", "check the id: GET /api/v1/material-libraries lists the libraries";
    /// No alias with this id, or it is another tenant's.
    AliasNotFound = "alias_not_found", "check the id: GET /api/v1/material-aliases lists the aliases, with `status=withdrawn` those that were taken back";
    /// There is no such review, or it is another tenant's.
    MaterialReviewNotFound = "material_review_not_found", "check the id: GET /api/v1/material-reviews lists the reviews";
    /// The review has no such fix.
    SuggestedFixNotFound = "suggested_fix_not_found", "check the ids: GET /api/v1/material-reviews/{id} lists the fixes of a review";
    /// No picture shows a part in the fallback material.
    NothingUnmapped = "nothing_unmapped", "there is nothing to do: every part has a material, or there is no picture yet";
    /// There is no such design job, or it is another tenant's.
    RenderJobNotFound = "render_job_not_found", "check the id: GET /admin/render-engine/jobs lists the design jobs";
    /// Only a design job that failed or was cancelled is tried again.
    RenderJobNotFailed = "render_job_not_failed", "only a job that has failed or was cancelled is tried again; start another one: POST /admin/render-engine/jobs";
    /// A design job that has not ended is not deleted.
    RenderJobNotTerminal = "render_job_not_terminal", "cancel it first: POST /admin/render-engine/jobs/{id}/cancel";
    /// The design of the job was never stored.
    DesignMissing = "design_missing", "start a new job with the design: POST /admin/render-engine/jobs";
    /// The product has no CAD file that can be rendered.
    ProductNotRenderable = "product_not_renderable", "give the product a CAD file, and wait until its `status` is `ready`";
    /// There is no such printable area, or it is of another product.
    DesignAreaNotFound = "design_area_not_found", "check the id: GET /api/v1/products/{id}/design-areas lists the areas of a product";
    /// Another printable area of the product has this name.
    AreaNameExists = "area_name_exists", "choose another name, or change the area that has it";
    /// There is no such preset of placements, or it is another tenant's.
    PresetNotFound = "preset_not_found", "check the name: GET /api/v1/design-presets lists the presets";
    /// Another preset has this name, of the tenant or built in.
    PresetExists = "preset_exists", "choose another name, or change the tenant's preset that has it";
    /// The fix has its last outcome.
    FixTerminal = "fix_terminal", "choose another fix of the part, or have new ones proposed: POST /api/v1/material-reviews/{id}/refresh";
    /// Only a fix that is proposed can be applied.
    FixNotProposed = "fix_not_proposed", "say its outcome instead, or apply another fix of the part";
    /// The outcome needs words.
    NotesRequired = "notes_required", "send `notes`: what is left to do, or what is being waited for";
    /// The material of the fix is gone.
    MaterialUnavailable = "material_unavailable", "have new fixes proposed: POST /api/v1/material-reviews/{id}/refresh";
    /// There is no such notification, or it is somebody else's.
    NotificationNotFound = "notification_not_found", "check the id: GET /api/notifications lists your notifications";
    /// There is no such alert, or the caller does not see it.
    AlertNotFound = "alert_not_found", "check the id: GET /api/v1/alerts lists the alerts that you see";
    /// There is no such announcement.
    AnnouncementNotFound = "announcement_not_found", "check the id: GET /api/v1/announcements lists the announcements";
    /// There is no notification of this type that can be chosen.
    EventTypeNotFound = "event_type_not_found", "check the name: GET /api/v1/notification-configs lists what can be chosen";
    /// Alerts are always told.
    AlertNotConfigurable = "alert_not_configurable", "acknowledge alerts that you have seen: POST /api/v1/alerts/{id}/acknowledge";
    /// The activity has everything.
    ChannelNotConfigurable = "channel_not_configurable", "choose among notifications: GET /api/v1/notification-configs lists them";
    /// There is no such webhook.
    WebhookNotFound = "webhook_not_found", "check the id: GET /api/v1/webhooks lists the webhooks";
    /// There is no such delivery to the webhook.
    DeliveryNotFound = "delivery_not_found", "check the id: GET /api/v1/webhooks/{id}/deliveries lists the deliveries; they are kept for `delivery_retention_days`";
    /// The tenant has as many webhooks as it may have.
    WebhookLimit = "webhook_limit", "delete a webhook first, or give one more events";
    /// The delivery has not ended.
    DeliveryInProgress = "delivery_in_progress", "wait until its state is `delivered` or `failed`: `next_attempt_at` says when it is tried again";
    /// Nothing may be delivered to the address.
    WebhookUrlRefused = "webhook_url_refused", "give an https address of the public Internet without a user name, with the usual port or one from 1024 on; for a receiver inside the company have its network opened: `webhook_allowed_networks` of the settings";
    /// There is no such event.
    UnknownEventType = "unknown_event_type", "choose from the events that the message lists, a group such as `order.*`, or `*`";
    /// It is no secret of a webhook.
    InvalidWebhookSecret = "invalid_webhook_secret", "send `whsec_` and the base64 of 24 to 64 random bytes, or leave it out";
    /// There is no such user.
    UserNotFound = "user_not_found", "check the id: GET /api/v1/users lists the users";
    /// There is no such tenant.
    TenantNotFound = "tenant_not_found", "check the id: GET /api/v1/tenants lists the tenants";
    /// There is no such API key.
    ApiKeyNotFound = "api_key_not_found", "check the id: GET /api/v1/api-keys lists your keys";
    /// There is no such session.
    SessionNotFound = "session_not_found", "check the id: GET /api/v1/me/sessions lists your sessions";
    /// There is no such queue.
    QueueNotFound = "queue_not_found", "check the name: GET /api/v1/worker-configs lists the queues";
    /// The path does not support the method.
    MethodNotAllowed = "method_not_allowed", "use one of the methods in the `Allow` header";
    /// Nothing that the client accepts can be sent.
    NotAcceptable = "not_acceptable", "accept a media type that this path has: /docs/ lists them";
    /// The route does not accept this media type.
    UnsupportedMediaType = "unsupported_media_type", "send the Content-Type that /docs/ gives for this path";
    /// A request with the same key is still in progress.
    IdempotencyInFlight = "idempotency_in_flight", "repeat the request after `Retry-After` seconds: it gets the answer of the first one";
    /// The render has no result.
    RenderNotCompleted = "render_not_completed", "wait while the job is queued or running; if it failed, its `error` says why; if it was cancelled, submit it again";
    /// The render has not ended.
    RenderNotTerminal = "render_not_terminal", "wait for its end, or cancel it first: POST /api/v1/renders/{id}/cancel";
    /// The task has not failed.
    TaskNotFailed = "task_not_failed", "requeue tasks that failed: GET /api/v1/tasks?state=failed lists them";
    /// The state forbids it.
    StateConflict = "state_conflict", "read the object again, then act on its new state";
    /// Another worker holds the task by now.
    LeaseLost = "lease_lost", "do nothing: another worker goes on with the task";
    /// This version of the library exists with other content.
    LibraryVersionExists = "library_version_exists", "give the changed library a new version";
    /// The library is in use.
    LibraryInUse = "library_in_use", "name another library first, or none: PATCH /api/v1/tenant/config, `material_library`";
    /// The name is taken.
    AliasConflict = "alias_conflict", "choose another name, or withdraw the alias that has it: GET /api/v1/material-aliases lists them";
    /// The tenant has as many aliases as it can have.
    TooManyAliases = "too_many_aliases", "withdraw aliases that are not needed any more";
    /// The tenant has no room for more files.
    StorageQuotaExceeded = "storage_quota_exceeded", "delete renders, media and libraries that nobody needs, or ask a global admin for a higher `max_storage_bytes`";
    /// There is a user with a password already.
    AlreadyConfigured = "already_configured", "sign in: POST /api/auth/login; if nobody can, create a global admin on the service's machine: `packshot admin create-user --role global_admin --email ADDRESS`";
    /// The database is used as one role, which serves one tenant.
    DatabaseRolesRequired = "database_roles_required", "ask whoever runs the service to set up three database roles: `packshot admin migrate --plan` prints the SQL for that";
    /// Another user of the tenant has this e-mail address.
    EmailExists = "email_exists", "choose another address, or change the user who has this one";
    /// A tenant has this slug, or had it.
    TenantSlugExists = "tenant_slug_exists", "choose another `slug`: the slugs of deleted tenants stay taken";
    /// Only a deactivated tenant can be deleted.
    TenantNotDeactivated = "tenant_not_deactivated", "deactivate it first: POST /api/v1/tenants/{id}/deactivate";
    /// Only a tenant that is about to be deleted can be restored.
    TenantNotDeleting = "tenant_not_deleting", "do nothing: the tenant still has everything; if it is deactivated, POST /api/v1/tenants/{id}/activate lets its users in again";
    /// The tenant is about to be deleted.
    TenantDeleting = "tenant_deleting", "restore it first, before its `delete_after`: POST /api/v1/tenants/{id}/restore";
    /// The tenant runs the installation.
    OperatingTenant = "operating_tenant", "choose another tenant, or deactivate users of this one: PATCH /api/v1/users/{id}";
    /// Nobody could administer the installation any more.
    LastGlobalAdmin = "last_global_admin", "make another user a global admin first";
    /// Nobody could administer the tenant any more.
    LastTenantAdmin = "last_tenant_admin", "make another user a tenant admin first, or ask a global admin";
    /// The setting was fixed when the service was started.
    SettingPinned = "setting_pinned", "change it where `errors` says that it is fixed, and start the service again";
    /// There is no such CAD file.
    CadFileNotFound = "cad_file_not_found", "check the id: GET /api/v1/cad-files lists the CAD files";
    /// The CAD file is being converted.
    CadFileProcessing = "cad_file_processing", "wait until its job has ended: GET /api/v1/cad-files/{id}, `job_doc`; or cancel the order line that converts it";
    /// Nothing here converts the CAD file.
    CadConversionUnavailable = "cad_conversion_unavailable", "upload the product as GLB, or ask whoever runs the service to name a converter: `cad_converter` in the settings file";
    /// The file is none that this service reads.
    UnsupportedCadFormat = "unsupported_cad_format", "export the product as GLB, or as STEP (ISO 10303-21)";
    /// The file is no sheet that this service reads.
    UnreadableSheet = "unreadable_sheet", "save the sheet as .xlsx or as comma-separated values, with the names of the columns in the first row, each once";
    /// The sheet lacks a column.
    MissingColumn = "missing_column", "name the columns in the first row; `pim_id` and `name` have to be there";
    /// A product has the CAD file.
    CadFileInUse = "cad_file_in_use", "give its products another CAD file, or none: GET /api/v1/products?cad_file_id= lists them";
    /// There is no such product.
    ProductNotFound = "product_not_found", "check the id: GET /api/v1/products lists the products";
    /// Another product has this `pim_id`.
    PimIdExists = "pim_id_exists", "change that product instead: GET /api/v1/products?pim_id= shows it";
    /// A line of an order is of the product.
    ProductInUse = "product_in_use", "remove the lines of orders that are of it first; of orders that were submitted it is part for good";
    /// There is no such order.
    OrderNotFound = "order_not_found", "check the id: GET /api/orders lists the orders; a client finds its own";
    /// There is no such line of an order.
    OrderLineNotFound = "order_line_not_found", "check the id: GET /api/orders/{id} has the lines of an order";
    /// The order is no draft.
    OrderNotEditable = "order_not_editable", "make another order; a rejected one can be resubmitted, and is a draft then";
    /// The order is no draft.
    OrderNotSubmittable = "order_not_submittable", "read the order: it was submitted before, or was rejected and has to be resubmitted first";
    /// The order has no lines.
    OrderEmpty = "order_empty", "add a line: POST /api/orders/{id}/lines";
    /// The order has more lines than the tenant allows.
    OrderTooLarge = "order_too_large", "divide it into several orders, or have `max_order_size` raised: PATCH /api/v1/tenant/config";
    /// Another order has the number.
    OrderNumberExists = "order_number_exists", "choose another number, or leave it out for the next one of the year";
    /// The order was neither submitted nor is it processed.
    OrderNotRejectable = "order_not_rejectable", "only an order that is `submitted` or `processing` can be rejected";
    /// The order was not rejected.
    OrderNotRejected = "order_not_rejected", "only an order that is `rejected` can be resubmitted";
    /// The order was rejected.
    OrderRejected = "order_rejected", "have the order resubmitted first: POST /api/orders/{id}/resubmit";
    /// A line of the order is worked on.
    LineProcessing = "line_processing", "wait until the line has ended, or cancel it first";
    /// The line was never dispatched.
    JobNotFound = "job_not_found", "dispatch the line first: POST /api/v1/order-lines/{id}/dispatch";
    /// There is no such media asset.
    AssetNotFound = "asset_not_found", "check the id: the lines of an order have `asset_ids`; a client finds the published assets of its own orders";
    /// The bytes of the asset are gone.
    AssetExpired = "asset_expired", "dispatch the line again: POST /api/v1/order-lines/{id}/dispatch";
    /// The file is nothing that can be a media asset.
    UnsupportedMediaFormat = "unsupported_media_format", "send a PNG, a JPEG, a WebP or an MP4 that other programs open";
    /// Nothing small can be made of the asset.
    ThumbnailNotAvailable = "thumbnail_not_available", "show a symbol in its place; a model gets the thumbnail of its product: PATCH /api/v1/products/{id}, `thumbnail_asset_id`";
    /// There is no such download, or its time is over.
    DownloadNotFound = "download_not_found", "make another one: POST /api/v1/media-downloads; its link is good for 10 minutes, for as long as whoever made it may read the files";
    /// The set has too many files or bytes.
    DownloadTooLarge = "download_too_large", "divide it into several downloads: each has at most 5,000 files and 20 GiB";
    /// The set has no file.
    DownloadEmpty = "download_empty", "choose assets that are there and whose bytes are kept: GET /api/media/assets lists them";
    /// The asset shows another product.
    AssetNotOfProduct = "asset_not_of_product", "choose an asset of this product: its order lines have `asset_ids`";
    /// The asset is no picture.
    ThumbnailNotAnImage = "thumbnail_not_an_image", "choose a still, a view, a thumbnail or an uploaded picture";
    /// There is a newer version of the asset.
    AssetNotCurrent = "asset_not_current", "choose the newest version: `superseded_by` names the next one";
    /// There is nothing of the line to render.
    LineNotRenderable = "line_not_renderable", "give the product a CAD file: PATCH /api/v1/products/{id}, `cad_file_id`";
    /// There is no such output type.
    OutputTypeNotFound = "output_type_not_found", "check the id: GET /api/v1/output-types lists the output types";
    /// Another output type has this name.
    OutputTypeExists = "output_type_exists", "choose another name, or change the output type that has it";
    /// Something refers to the output type.
    OutputTypeInUse = "output_type_in_use", "change or delete the render templates that are for it, and remove lines of orders that are of it";
    /// The tenant does not allow this render engine.
    EngineNotAllowed = "engine_not_allowed", "leave `engine` out, or have it allowed: PATCH /api/v1/tenant/config, `render_engines_allowed`";
    /// The bounds of a rollout gate are not in order.
    InvalidRolloutGate = "invalid_rollout_gate", "send 0 ≤ pass_max ≤ warn_max ≤ 1; a bound that is left out has its default";
    /// There is no external renderer for this output type.
    ExecutorNotConfigured = "executor_not_configured", "name an executor of the settings file, or use `auto` or `packshot`";
    /// External renderers make stills alone.
    ExecutorStillsOnly = "executor_stills_only", "set `render_backend` to `packshot` for what is no still";
    /// There is no such workflow definition.
    WorkflowNotFound = "workflow_not_found", "check the id: GET /api/workflows lists the workflow definitions";
    /// There is no such run.
    WorkflowRunNotFound = "workflow_run_not_found", "check the id: GET /api/workflows/{id}/runs lists the runs of a definition";
    /// The run observes nothing.
    ComparisonNotApplicable = "comparison_not_applicable", "compare a run in mode shadow: the dispatch of a line whose workflow is in that mode makes one";
    /// Nothing that a workflow runs on has this id.
    ContextNotFound = "context_not_found", "give the id of an order line or of a CAD file";
    /// The graph is not one that can be stored or run.
    InvalidWorkflowConfig = "invalid_workflow_config", "correct what `errors` names; GET /api/workflows/steps lists the steps with their parameters";
    /// The graph is not for this kind of thing.
    ContextKindMismatch = "context_kind_mismatch", "give the id of an order line for a graph of order lines, and of a CAD file for one of CAD files; a preflight says which";
    /// The graph has steps that cannot be dispatched here.
    UnsupportedNodes = "unsupported_nodes", "do without these steps, or ask whoever runs the installation to enable them: GET /api/workflows/steps says why each is not available";
    /// The definition is not active.
    WorkflowInactive = "workflow_inactive", "activate it: PUT /api/workflows/{id} with `is_active: true`; or dispatch its graph as a draft";
    /// A node failed within the dispatch.
    GraphExecutionFailed = "graph_execution_failed", "correct what the message names and dispatch again; a preflight finds it before";
    /// A task of a run is not put back.
    TaskNotRequeueable = "task_not_requeueable", "dispatch the order line or the workflow again: it becomes a new run";
    /// A workflow definition names the template.
    TemplateInUse = "template_in_use", "choose another template in the workflow definitions that name it, or deactivate them";
    /// There is no such render template.
    TemplateNotFound = "template_not_found", "check the id: GET /api/v1/render-templates lists the render templates";
    /// Another render template has this name.
    TemplateExists = "template_exists", "choose another name, or change the template that has it";
    /// There is no such package.
    PackageNotFound = "package_not_found", "check the id: GET /api/v1/packages lists the packages";
    /// There is no such file of a package.
    FileNotFound = "file_not_found", "check the id: GET /api/v1/packages/{id}/files lists the files of a package";
    /// No file that is kept has these bytes.
    ContentNotFound = "content_not_found", "check the address: GET /api/v1/files/{file_id} has that of a file; what has expired or was deleted is not sent any more";
    /// The state of the package forbids it.
    IllegalPackageState = "illegal_package_state", "look at its `status`: a package takes files until it is finalized, and is kept until it expires or is deleted; for more files make another package";
    /// There is a newer version of the asset.
    AssetSuperseded = "asset_superseded", "publish or hide the newest version: GET /api/media/assets/{id}/versions lists them";
    /// The asset is held.
    AssetOnHold = "asset_on_hold", "an admin releases it first: PATCH /api/media/assets/{id} with `hold: false`";
    /// The gallery has the asset already.
    MediaAlreadyAssociated = "media_already_associated", "to move it, give the gallery another order: PUT /api/v1/products/{id}/media";
    /// The gallery has other assets.
    MediaSetDiffers = "media_set_differs", "give the ids of all assets of the gallery, each once: GET /api/v1/products/{id}/media lists them";
    /// The package has a file with this path already, or one in a folder of this name.
    DuplicateRelativePath = "duplicate_relative_path", "choose another path: paths differ in more than case, and none is a folder of another";
    /// No file of a package can lie at this path.
    InvalidRelativePath = "invalid_relative_path", "choose a path that every system can unpack: names joined by `/`, none of them `..` or the name of a device, without backslashes, colons and control characters";
    /// The bytes are not those that were declared.
    DigestMismatch = "digest_mismatch", "send the file again, with the digest of its bytes: they changed on the way, or the digest is of another file";
    /// The package takes no more files.
    TooManyFiles = "too_many_files", "put the file into another package";
    /// Something needs the package.
    PackageInUse = "package_in_use", "wait until what `errors` names has ended, or delete it first";
    /// The package is held.
    PackageHeld = "package_held", "release it first: POST /api/v1/packages/{id}/release";
    /// The package has no manifest yet.
    PackageNotFinalized = "package_not_finalized", "finalize it first: POST /api/v1/packages/{id}/finalize";
    /// An event of the log of artifacts is not as it was written.
    EventCorrupt = "event_corrupt", "restore the database from a backup: nothing was changed";
    /// An event of the log of artifacts is missing.
    EventGap = "event_gap", "restore the database from a backup: nothing was changed";
    /// The record exists, but its bytes are gone.
    ArtifactExpired = "artifact_expired", "render it again, or upload the file again";
    /// The object has changed since it was read.
    PreconditionFailed = "precondition_failed", "read it again, then repeat the change with the new ETag";
    /// The body is larger than it may be.
    BodyTooLarge = "body_too_large", "send less: JSON may have 1 MiB, a file as much as `max_upload_bytes` allows, in the settings and for the tenant";
    /// The file has no such bytes.
    RangeNotSatisfiable = "range_not_satisfiable", "ask for bytes within the length that `Content-Range` gives";
    /// The body is not valid.
    ValidationFailed = "validation_failed", "correct what `errors` names";
    /// Contents are not found by this kind of digest.
    UnsupportedDigest = "unsupported_digest", "give the content address of the file: `blake3:` and 64 hexadecimal digits";
    /// There is no such retention class.
    UnknownRetentionClass = "unknown_retention_class", "choose one of the classes that GET /api/v1/retention-classes lists";
    /// No package can keep this metadata.
    InvalidMetadata = "invalid_metadata", "send at most 64 KiB of metadata as JSON, at most 16 levels deep, and larger whole numbers as text";
    /// A later version has this option.
    OptionNotAvailable = "option_not_available", "leave this member out";
    /// The picture has more pixels than it may have.
    ImageTooLarge = "image_too_large", "choose a smaller width or height, or scale the picture down; whoever runs the service can allow more: `max_pixels`";
    /// Two members contradict each other.
    ConflictingMembers = "conflicting_members", "leave out one of the members that contradict each other";
    /// The limits contradict each other or are out of range.
    InvalidConcurrency = "invalid_concurrency", "correct what `errors` names: `min_concurrency` may not be above `max_concurrency`";
    /// There is no such scope.
    UnknownScope = "unknown_scope", "choose from the scopes that the message lists";
    /// Neither the tenant's library nor the built-in one has the material.
    UnknownMaterial = "unknown_material", "choose an id or a code: GET /api/v1/materials lists the materials";
    /// A deletion is not confirmed.
    ConfirmationRequired = "confirmation_required", "if the tenant really is to be deleted, repeat the request with its slug: `?confirm=SLUG`";
    /// The password is too easy to guess.
    WeakPassword = "weak_password", "choose 12 to 128 characters that are hard to guess: several words are best";
    /// There is no such setting.
    UnknownSetting = "unknown_setting", "check the name: GET /api/v1/settings lists the settings that can be changed while the service runs";
    /// The setting cannot have this value.
    InvalidSetting = "invalid_setting", "give a value as the message says, or null for the default";
    /// The cursor is not one of this list.
    InvalidCursor = "invalid_cursor", "give the `next_cursor` of this list's last page, or none to start from its beginning";
    /// The key belongs to another request.
    IdempotencyKeyReused = "idempotency_key_reused", "give every request an Idempotency-Key of its own";
    /// Too many requests.
    RateLimited = "rate_limited", "wait for `Retry-After` seconds";
    /// The tenant has as many waiting jobs as it may have.
    QueueFull = "queue_full", "repeat the request when some jobs have ended, or cancel waiting ones";
    /// Too many event streams are open.
    TooManyStreams = "too_many_streams", "close another stream first; one stream has all jobs: GET /api/v1/jobs/events";
    /// A defect.
    InternalError = "internal_error", "this is a defect: please report it, with the request id and the service's log";
    /// Stored bytes are damaged.
    ContentCorrupt = "content_corrupt", "restore the file from a backup, render it again, or upload it again";
    /// Database, store or device cannot be reached, or the service is shutting down.
    Unavailable = "unavailable", "repeat the request after `Retry-After` seconds";
    /// The scene does not fit into the device.
    DeviceOutOfMemory = "device_out_of_memory", "choose a smaller picture, fewer layers or formats, or give the service more memory";
    /// There is no space for the file.
    StorageFull = "storage_full", "free space on the service's disk, then repeat the request";
}

impl Code {
    /// The code of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        let names: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.as_str()), Some(*code));
        }
    }
}
