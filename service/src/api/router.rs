//! All routes of the API.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Access::{self, Instance, List, Open, Tenant};
use super::client_address;
use super::operation::{CONTENT, FILE, GUARDED, IDEMPOTENT, JSON, RENDER_REQUEST, UPLOAD, operation};
use super::problem::{ApiError, Code};
use super::state::AppState;
use super::{
    account, analytics, answer, api_keys, artifacts, audit, cad_files, cad_jobs, channels, chores, cors, devices,
    health, help, imports, jobs, libraries, material_aliases, materials, media_assets, openapi, orders, output_types,
    packages, preflight, products, reference, render_templates, renders, settings, sign_in, tasks, tenant_config,
    tenants, users, worker_configs, workflows,
};
use crate::server::page;
use packshot_domain::access::Permission as P;

/// The routes, with their entries in the document.
fn documented(state: &AppState) -> OpenApiRouter<AppState> {
    let pages: &[Code] = &[Code::ValidationFailed, Code::InvalidCursor];
    let mut router = OpenApiRouter::with_openapi(openapi::base());
    macro_rules! add {
        ($handler:path, $access:expr $(, $codes:expr)*) => {
            let access: Access = $access;
            router = router.routes(operation(routes!($handler), state, access, &[$($codes),*]));
        };
    }
    add!(health::healthz, Open);
    add!(health::health, Open);
    add!(health::readyz, Open);
    add!(health::metrics, Open, &GUARDED);
    add!(openapi::document, Open);

    let people: &[Code] = &[Code::InvalidCredentials, Code::RateLimited, Code::TenantInactive];
    add!(sign_in::sign_in, Open, &JSON, people);
    add!(sign_in::refresh, Open, &JSON, &[Code::InvalidRefreshToken, Code::TenantInactive]);
    add!(sign_in::sign_out, Tenant(P::SignOut), &JSON);
    add!(sign_in::get_setup, Open);
    add!(sign_in::complete_setup, Instance(P::SetUp), &JSON, &[Code::AlreadyConfigured, Code::WeakPassword]);
    add!(account::get, Tenant(P::OwnProfile));
    add!(account::change, Tenant(P::ChangeOwnProfile), &JSON);
    add!(account::change_password, Tenant(P::OwnPassword), &JSON, people, &[Code::WeakPassword]);
    add!(account::sessions, Tenant(P::OwnSessions), pages);
    add!(account::end_session, Tenant(P::OwnSessions), &[Code::SessionNotFound]);
    let last_admin: &[Code] = &[Code::LastGlobalAdmin, Code::LastTenantAdmin];
    add!(users::list, List(P::ManageUsers), pages);
    add!(users::create, Tenant(P::ManageUsers), &JSON, &IDEMPOTENT, &[Code::EmailExists, Code::WeakPassword]);
    add!(users::get, Tenant(P::ManageUsers), &[Code::UserNotFound]);
    add!(
        users::change,
        Tenant(P::ManageUsers),
        &JSON,
        &[Code::UserNotFound, Code::EmailExists, Code::WeakPassword],
        last_admin
    );
    add!(users::delete, Tenant(P::ManageUsers), &[Code::UserNotFound], last_admin);
    add!(users::reset_password, Tenant(P::ManageUsers), &[Code::UserNotFound], &IDEMPOTENT);
    add!(api_keys::list, List(P::OwnKeys), pages);
    add!(api_keys::create, Tenant(P::OwnKeys), &JSON, &IDEMPOTENT, &[Code::UnknownScope, Code::UserNotFound]);
    add!(api_keys::change, Tenant(P::OwnKeys), &JSON, &[Code::ApiKeyNotFound]);
    add!(api_keys::revoke, Tenant(P::OwnKeys), &[Code::ApiKeyNotFound], &IDEMPOTENT);
    add!(audit::list, List(P::ReadAuditLog), pages);
    add!(tenants::list, Instance(P::ManageTenants), pages);
    add!(
        tenants::create,
        Instance(P::ManageTenants),
        &JSON,
        &IDEMPOTENT,
        &[Code::TenantSlugExists, Code::WeakPassword]
    );
    add!(tenants::get, Instance(P::ManageTenants), &[Code::TenantNotFound]);
    add!(tenants::change, Instance(P::ManageTenants), &JSON, &[Code::TenantNotFound]);
    add!(
        tenants::delete,
        Instance(P::ManageTenants),
        &[Code::TenantNotFound, Code::TenantNotDeactivated, Code::OperatingTenant, Code::ConfirmationRequired]
    );
    let locked: &[Code] = &[Code::TenantNotFound, Code::TenantDeleting];
    let last: &[Code] = &[Code::OperatingTenant, Code::LastGlobalAdmin];
    add!(tenants::deactivate, Instance(P::ManageTenants), &JSON, locked, last, &IDEMPOTENT);
    add!(tenants::activate, Instance(P::ManageTenants), locked, &IDEMPOTENT);
    add!(tenants::restore, Instance(P::ManageTenants), locked, &[Code::TenantNotDeleting], &IDEMPOTENT);
    add!(tenants::own, Tenant(P::OwnTenant));

    let makes = [&JSON[..], &UPLOAD, &RENDER_REQUEST, &IDEMPOTENT].concat();
    add!(renders::list, List(P::ReadRenders), pages);
    add!(
        renders::submit::create,
        Tenant(P::TriggerRenders),
        &makes,
        &[
            Code::FeatureDisabled,
            Code::QueueFull,
            Code::NotAcceptable,
            Code::RenderNotCompleted,
            Code::DeviceOutOfMemory,
            Code::ArtifactExpired,
            Code::ContentCorrupt
        ]
    );
    add!(renders::get, Tenant(P::ReadRenders), &[Code::RenderNotFound]);
    add!(renders::delete, Tenant(P::DeleteRenders), &[Code::RenderNotFound, Code::RenderNotTerminal]);
    add!(renders::cancel, Tenant(P::TriggerRenders), &[Code::RenderNotFound], &IDEMPOTENT);
    add!(
        renders::events::stream,
        Tenant(P::ReadRenders),
        &[Code::RenderNotFound, Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams]
    );
    add!(renders::log::page, Tenant(P::ReadRenders), &[Code::RenderNotFound], pages);
    add!(jobs::events, Tenant(P::ReadRenders), &[Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams]);
    add!(renders::results::preview, Tenant(P::ReadRenders), &[Code::RenderNotFound, Code::PreviewNotReady], &FILE);
    add!(renders::results::report, Tenant(P::ReadRenders), &FILE, &[Code::RangeNotSatisfiable]);
    add!(renders::provenance::get, Tenant(P::ReadRenders), &FILE);
    add!(renders::results::shot, Tenant(P::ReadRenders), &FILE, &[Code::RangeNotSatisfiable]);
    add!(renders::results::file, Tenant(P::ReadRenders), &FILE, &[Code::RangeNotSatisfiable]);
    add!(renders::results::result, Tenant(P::ReadRenders), &FILE, &[Code::RangeNotSatisfiable, Code::NotFound]);
    add!(preflight::preflight, Tenant(P::TriggerRenders), &makes, &[Code::ArtifactExpired, Code::ContentCorrupt]);

    add!(tasks::list, List(P::ReadRenders), pages);
    add!(tasks::get, Tenant(P::ReadRenders), &[Code::TaskNotFound]);
    add!(
        tasks::requeue,
        Tenant(P::TriggerRenders),
        &[Code::TaskNotFound, Code::TaskNotFailed, Code::TaskNotRequeueable],
        &IDEMPOTENT
    );
    add!(chores::collect, Tenant(P::CollectArtifacts), &JSON, &IDEMPOTENT);
    add!(chores::replay, Instance(P::CheckArtifacts), &JSON, &IDEMPOTENT);
    add!(chores::scrub, Instance(P::CheckArtifacts), &JSON, &IDEMPOTENT);
    add!(analytics::renders, Tenant(P::ViewAnalytics), &[Code::ValidationFailed]);

    let library: &[Code] =
        &[Code::LibraryNotFound, Code::ArtifactExpired, Code::ContentCorrupt, Code::ValidationFailed];
    add!(materials::list, Tenant(P::ReadMaterials), library, pages);
    add!(materials::get, Tenant(P::ReadMaterials), library, &[Code::MaterialNotFound]);
    add!(libraries::list, List(P::ReadMaterials), pages);
    add!(libraries::create, Tenant(P::WriteLibraries), &JSON, &UPLOAD, &IDEMPOTENT, &[Code::LibraryVersionExists]);
    add!(libraries::get, Tenant(P::ReadMaterials), &[Code::LibraryNotFound]);
    add!(libraries::change, Tenant(P::WriteLibraries), &JSON, &[Code::LibraryNotFound]);
    add!(libraries::delete, Tenant(P::WriteLibraries), &[Code::LibraryNotFound, Code::LibraryInUse]);

    let alias: &[Code] = &[Code::AliasNotFound, Code::FeatureDisabled];
    add!(material_aliases::list, List(P::ReadAliases), pages, &[Code::FeatureDisabled]);
    add!(
        material_aliases::create,
        Tenant(P::WriteAliases),
        &JSON,
        &IDEMPOTENT,
        &[Code::FeatureDisabled, Code::UnknownMaterial, Code::AliasConflict, Code::TooManyAliases],
        &[Code::ArtifactExpired, Code::ContentCorrupt]
    );
    add!(material_aliases::get, Tenant(P::ReadAliases), alias);
    add!(material_aliases::withdraw, Tenant(P::WriteAliases), alias);

    add!(artifacts::files::get, Tenant(P::ReadArtifacts), &[Code::FileNotFound]);
    add!(artifacts::files::content, Tenant(P::ReadArtifacts), &CONTENT, &[Code::FileNotFound]);
    add!(
        artifacts::files::by_content,
        Tenant(P::ReadArtifacts),
        &CONTENT,
        &[Code::ContentNotFound, Code::UnsupportedDigest, Code::ValidationFailed]
    );
    add!(
        artifacts::events::list,
        Tenant(P::ReadArtifacts),
        &[Code::ValidationFailed, Code::TooManyStreams, Code::EventCorrupt]
    );
    add!(artifacts::classes, Tenant(P::ReadArtifacts));
    add!(artifacts::usage, Tenant(P::ReadArtifacts));

    let cad_file: &[Code] = &[Code::CadFileNotFound];
    add!(cad_files::list, List(P::ReadCatalogue), pages);
    add!(cad_files::create, Tenant(P::WriteCatalogue), &JSON, &UPLOAD, &IDEMPOTENT, &[Code::UnsupportedCadFormat]);
    add!(cad_files::get, Tenant(P::ReadCatalogue), cad_file);
    add!(cad_files::content, Tenant(P::ReadCatalogue), cad_file, &CONTENT);
    add!(cad_files::delete, Tenant(P::WriteCatalogue), cad_file, &[Code::CadFileProcessing, Code::CadFileInUse]);
    let works: &[Code] = &[Code::CadFileProcessing, Code::CadConversionUnavailable];
    add!(cad_jobs::reextract, Tenant(P::WriteCatalogue), &IDEMPOTENT, cad_file, works);
    add!(cad_jobs::regenerate_thumbnail, Tenant(P::WriteCatalogue), &IDEMPOTENT, cad_file, works);
    add!(cad_jobs::regenerate_thumbnails, Tenant(P::ProcessCatalogue), &IDEMPOTENT);
    add!(cad_jobs::process_unprocessed, Tenant(P::ProcessCatalogue), &IDEMPOTENT, &[Code::CadConversionUnavailable]);
    let product: &[Code] = &[Code::ProductNotFound];
    add!(products::list, List(P::ReadCatalogue), pages);
    add!(products::create, Tenant(P::WriteCatalogue), &JSON, &IDEMPOTENT, &[Code::PimIdExists]);
    add!(products::get, Tenant(P::ReadCatalogue), product);
    add!(
        products::change,
        Tenant(P::WriteCatalogue),
        &JSON,
        product,
        &[Code::PimIdExists, Code::AssetNotOfProduct, Code::ThumbnailNotAnImage, Code::AssetNotCurrent]
    );
    add!(products::delete, Tenant(P::WriteCatalogue), product, &[Code::ProductInUse]);
    let sheet: &[Code] = &[Code::UnreadableSheet, Code::MissingColumn];
    add!(imports::create, Tenant(P::WriteCatalogue), &JSON, &UPLOAD, &IDEMPOTENT, sheet);
    let output_type: &[Code] = &[Code::OutputTypeNotFound];
    let fits: &[Code] = &[
        Code::EngineNotAllowed,
        Code::InvalidRolloutGate,
        Code::ExecutorNotConfigured,
        Code::ExecutorStillsOnly,
        Code::FeatureDisabled,
        Code::OutputTypeExists,
    ];
    add!(output_types::list, List(P::ReadCatalogue), pages);
    add!(output_types::create, Tenant(P::WriteOutputTypes), &JSON, &IDEMPOTENT, fits);
    add!(output_types::get, Tenant(P::ReadCatalogue), output_type);
    add!(output_types::change, Tenant(P::WriteOutputTypes), &JSON, output_type, fits);
    add!(output_types::delete, Tenant(P::WriteOutputTypes), output_type, &[Code::OutputTypeInUse]);
    let template: &[Code] = &[Code::TemplateNotFound];
    let fits: &[Code] = &[Code::EngineNotAllowed, Code::TemplateExists];
    add!(render_templates::list, List(P::ReadCatalogue), pages);
    add!(render_templates::create, Tenant(P::WriteOutputTypes), &JSON, &IDEMPOTENT, fits);
    add!(render_templates::get, Tenant(P::ReadCatalogue), template);
    add!(render_templates::change, Tenant(P::WriteOutputTypes), &JSON, template, fits);
    add!(render_templates::delete, Tenant(P::WriteOutputTypes), template, &[Code::TemplateInUse]);

    let order: &[Code] = &[Code::OrderNotFound];
    let line: &[Code] = &[Code::OrderNotFound, Code::OrderNotEditable, Code::OrderTooLarge];
    add!(orders::list, List(P::ReadOrders), pages);
    add!(orders::create, Tenant(P::WriteOrders), &JSON, &IDEMPOTENT, &[Code::OrderTooLarge, Code::OrderNumberExists]);
    add!(orders::get, Tenant(P::ReadOrders), order);
    add!(orders::edit, Tenant(P::WriteOrders), &JSON, order, &[Code::OrderNotEditable, Code::OrderNumberExists]);
    add!(orders::delete, Tenant(P::WriteOrders), order, &[Code::OrderNotEditable, Code::LineProcessing]);
    add!(orders::lines::add, Tenant(P::WriteOrders), &JSON, &IDEMPOTENT, line);
    add!(
        orders::lines::remove,
        Tenant(P::WriteOrders),
        order,
        &[Code::OrderLineNotFound, Code::OrderNotEditable, Code::LineProcessing]
    );
    add!(orders::submit, Tenant(P::WriteOrders), &IDEMPOTENT, order, &[Code::OrderNotSubmittable, Code::OrderEmpty]);
    add!(orders::reject, Tenant(P::RunOrders), &JSON, &IDEMPOTENT, order, &[Code::OrderNotRejectable]);
    add!(orders::dispatch, Tenant(P::RunOrders), &IDEMPOTENT, order, &[Code::OrderRejected]);
    add!(orders::cancel_renders, Tenant(P::RunOrders), &IDEMPOTENT, order);
    add!(orders::resubmit, Tenant(P::WriteOrders), &IDEMPOTENT, order, &[Code::OrderNotRejected, Code::LineProcessing]);
    add!(orders::history, Tenant(P::ReadOrders), order);
    add!(
        orders::events::of_order,
        Tenant(P::ReadOrders),
        &[Code::OrderNotFound, Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams]
    );
    let line: &[Code] = &[Code::OrderLineNotFound];
    let dispatched: &[Code] = &[
        Code::OrderRejected,
        Code::LineProcessing,
        Code::LineNotRenderable,
        Code::FeatureDisabled,
        Code::ExecutorNotConfigured,
        Code::ExecutorStillsOnly,
    ];
    add!(orders::lines::get, Tenant(P::ReadOrders), line);
    add!(orders::lines::job, Tenant(P::ReadOrders), line, &[Code::JobNotFound]);
    add!(
        orders::events::of_line,
        Tenant(P::ReadOrders),
        &[Code::OrderLineNotFound, Code::JobNotFound, Code::NotAcceptable],
        &[Code::ValidationFailed, Code::TooManyStreams]
    );
    add!(orders::lines::dispatch, Tenant(P::RunOrders), &IDEMPOTENT, line, dispatched);
    add!(orders::lines::cancel, Tenant(P::RunOrders), line);

    let off: &[Code] = &[Code::FeatureDisabled];
    let of_workflow: &[Code] = &[Code::WorkflowNotFound, Code::FeatureDisabled];
    let saves: &[Code] = &[Code::InvalidWorkflowConfig, Code::FeatureDisabled, Code::OutputTypeNotFound];
    add!(workflows::list, List(P::ReadWorkflows), pages, off);
    add!(workflows::create, Tenant(P::WriteWorkflows), &JSON, &IDEMPOTENT, saves);
    add!(workflows::steps, Tenant(P::ReadWorkflows));
    add!(workflows::presets, Tenant(P::ReadWorkflows));
    add!(workflows::get, Tenant(P::ReadWorkflows), of_workflow);
    add!(
        workflows::replace,
        Tenant(P::WriteWorkflows),
        &JSON,
        saves,
        &[Code::WorkflowNotFound, Code::PreconditionFailed]
    );
    add!(workflows::delete, Tenant(P::WriteWorkflows), of_workflow, &[Code::PreconditionFailed]);
    let checks: &[Code] = &[
        Code::ValidationFailed,
        Code::InvalidWorkflowConfig,
        Code::ContextNotFound,
        Code::ArtifactExpired,
        Code::ContentCorrupt,
    ];
    let runs: &[Code] = &[
        Code::ContextKindMismatch,
        Code::UnsupportedNodes,
        Code::OrderRejected,
        Code::LineProcessing,
        Code::CadFileProcessing,
        Code::GraphExecutionFailed,
    ];
    add!(
        workflows::dispatch::saved,
        Tenant(P::TriggerRenders),
        &IDEMPOTENT,
        of_workflow,
        checks,
        runs,
        &[Code::WorkflowInactive]
    );
    add!(workflows::dispatch::draft, Tenant(P::TriggerRenders), &JSON, &IDEMPOTENT, of_workflow, checks, runs);
    add!(workflows::dispatch::preflight_saved, Tenant(P::TriggerRenders), of_workflow, checks);
    add!(workflows::dispatch::preflight_draft, Tenant(P::TriggerRenders), &JSON, off, checks);
    let run: &[Code] = &[Code::WorkflowRunNotFound];
    add!(workflows::runs::list, Tenant(P::ReadWorkflows), of_workflow, pages);
    add!(workflows::runs::get, Tenant(P::ReadRuns), run);
    add!(
        workflows::runs::follow,
        Tenant(P::ReadRuns),
        run,
        &[Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams]
    );
    add!(workflows::runs::cancel, Tenant(P::TriggerRenders), run);
    let compares: &[Code] = &[Code::ComparisonNotApplicable];
    add!(workflows::comparison::get, Tenant(P::ReadWorkflows), run, compares);
    add!(
        workflows::comparison::picture,
        Tenant(P::ReadWorkflows),
        run,
        compares,
        &[Code::FileNotFound, Code::ArtifactExpired, Code::ContentCorrupt, Code::RangeNotSatisfiable]
    );

    let asset: &[Code] = &[Code::AssetNotFound];
    add!(media_assets::list, List(P::ReadMedia), pages);
    add!(media_assets::get, Tenant(P::ReadMedia), asset);
    add!(
        media_assets::content,
        Tenant(P::ReadMedia),
        asset,
        &[Code::AssetExpired, Code::ArtifactExpired, Code::ContentCorrupt, Code::RangeNotSatisfiable]
    );
    add!(channels::activity, List(P::ReadActivity), pages);
    add!(channels::notifications, Tenant(P::OwnNotifications), pages);
    add!(channels::alerts, List(P::ReadAlerts), pages);

    let package: &[Code] = &[Code::PackageNotFound];
    let state_of: &[Code] = &[Code::PackageNotFound, Code::IllegalPackageState];
    add!(packages::list, List(P::ReadArtifacts), pages, &[Code::UnknownRetentionClass]);
    add!(
        packages::create,
        Tenant(P::WriteArtifacts),
        &JSON,
        &IDEMPOTENT,
        &[Code::UnknownRetentionClass, Code::InvalidMetadata]
    );
    add!(packages::get, Tenant(P::ReadArtifacts), package);
    add!(packages::change, Tenant(P::WriteArtifacts), &JSON, state_of, &[Code::UnknownRetentionClass]);
    add!(
        packages::delete,
        Tenant(P::WriteArtifacts),
        package,
        &[Code::ValidationFailed, Code::PackageHeld, Code::PackageInUse]
    );
    add!(packages::files, Tenant(P::ReadArtifacts), package, pages);
    add!(
        packages::manifest::get,
        Tenant(P::ReadArtifacts),
        package,
        &[Code::PackageNotFinalized, Code::NotAcceptable, Code::ValidationFailed]
    );
    let takes: &[Code] = &[
        Code::DuplicateRelativePath,
        Code::InvalidRelativePath,
        Code::DigestMismatch,
        Code::UnsupportedDigest,
        Code::TooManyFiles,
        Code::BodyTooLarge,
        Code::MalformedBody,
        Code::ValidationFailed,
    ];
    add!(packages::upload::put, Tenant(P::WriteArtifacts), state_of, takes, &UPLOAD);
    let from_form: &[Code] = &[Code::DuplicateRelativePath, Code::InvalidRelativePath, Code::TooManyFiles];
    add!(packages::upload::add, Tenant(P::WriteArtifacts), state_of, from_form, &JSON, &UPLOAD, &IDEMPOTENT);
    let gone: &[Code] = &[Code::PackageNotFinalized, Code::ArtifactExpired];
    add!(packages::bytes::archive, Tenant(P::ReadArtifacts), package, gone, &[Code::ContentCorrupt]);
    add!(packages::bytes::verify, Tenant(P::ReadArtifacts), package, gone);
    add!(packages::closing::finalize, Tenant(P::WriteArtifacts), state_of, &IDEMPOTENT);
    add!(packages::closing::hold, Tenant(P::WriteArtifacts), &JSON, state_of, &IDEMPOTENT);
    add!(packages::closing::release, Tenant(P::WriteArtifacts), &JSON, state_of, &IDEMPOTENT);

    add!(settings::get, Tenant(P::ReadSettings));
    add!(settings::schema, Tenant(P::ReadSettings));
    add!(
        settings::change,
        Tenant(P::WriteSettings),
        &JSON,
        &[Code::UnknownSetting, Code::InvalidSetting, Code::SettingPinned, Code::PreconditionFailed]
    );
    add!(help::get, Instance(P::ReadHelp));
    let configured: &[Code] =
        &[Code::UnknownMaterial, Code::PreconditionFailed, Code::ArtifactExpired, Code::ContentCorrupt];
    add!(tenant_config::get_own, Tenant(P::ReadTenantConfig));
    add!(tenant_config::change_own, Tenant(P::WriteTenantConfig), &JSON, configured);
    add!(tenant_config::get, Instance(P::ManageTenants), &[Code::TenantNotFound]);
    add!(tenant_config::change, Instance(P::ManageTenants), &JSON, configured, &[Code::TenantNotFound]);
    add!(devices::list, Instance(P::ReadRenders));
    add!(worker_configs::list, Instance(P::ReadWorkerConfigs));
    add!(worker_configs::get, Instance(P::ReadWorkerConfigs), &[Code::QueueNotFound]);
    add!(
        worker_configs::put,
        Instance(P::WriteWorkerConfigs),
        &JSON,
        &[Code::QueueNotFound, Code::PreconditionFailed, Code::InvalidConcurrency]
    );
    router
}

/// The service over HTTP: the API, its document, its reference at `/docs`, and the web page at `/`.
pub fn router(state: AppState) -> Router {
    let (routes, mut document) = documented(&state).split_for_parts();
    openapi::name_wildcards(&mut document);
    let documents = openapi::Documents::of(&document);
    let json = openapi::Rendered::new(&documents);
    routes
        .merge(reference::router(&documents.closed, &documents.open))
        .merge(page::router())
        .fallback(async || ApiError::new(Code::NotFound, "there is nothing at this path"))
        .layer(axum::Extension(json))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), cors::allow))
        .layer(from_fn_with_state(state.clone(), client_address::find))
        .layer(from_fn(answer::complete))
        .with_state(state)
}
