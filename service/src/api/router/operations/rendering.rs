//! Renders, what they are of, and orders of them.

use super::{AnyHandler, Table, route};
use crate::api::auth::Access::{self, Instance, List, Tenant};
use crate::api::operation::{CONTENT, FILE, IDEMPOTENT, JSON, RENDER_REQUEST, UPLOAD, operation};
use crate::api::problem::Code;
use crate::api::{
    analytics, cad_files, cad_jobs, devices, imports, jobs, libraries, material_aliases, materials, orders,
    output_types, preflight, products, render_templates, renders, reviews, tasks, workflows,
};
use packshot_domain::access::Permission as P;

/// Renders, jobs, materials.
pub(super) fn renders(mut table: Table) -> Table {
    let pages: &[Code] = &[Code::ValidationFailed, Code::InvalidCursor];
    let makes = [&JSON[..], &UPLOAD, &RENDER_REQUEST, &IDEMPOTENT].concat();
    let library: &[Code] =
        &[Code::LibraryNotFound, Code::ArtifactExpired, Code::ContentCorrupt, Code::ValidationFailed];
    let alias: &[Code] = &[Code::AliasNotFound, Code::FeatureDisabled];
    add!(table, renders::list, List(P::ReadRenders), pages);
    add!(
        table,
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
    add!(table, renders::get, Tenant(P::ReadRenders), &[Code::RenderNotFound]);
    add!(table, renders::delete, Tenant(P::DeleteRenders), &[Code::RenderNotFound, Code::RenderNotTerminal]);
    add!(table, renders::cancel, Tenant(P::TriggerRenders), &[Code::RenderNotFound], &IDEMPOTENT);
    add!(
        table,
        renders::events::stream,
        Tenant(P::ReadRenders),
        &[Code::RenderNotFound, Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams]
    );
    add!(table, renders::log::page, Tenant(P::ReadRenders), &[Code::RenderNotFound], pages);
    add!(
        table,
        jobs::events,
        Tenant(P::ReadRenders),
        &[Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams]
    );
    add!(
        table,
        renders::results::preview,
        Tenant(P::ReadRenders),
        &[Code::RenderNotFound, Code::PreviewNotReady],
        &FILE
    );
    add!(table, renders::results::report, Tenant(P::ReadRenders), &FILE, &[Code::RangeNotSatisfiable]);
    add!(table, renders::provenance::get, Tenant(P::ReadRenders), &FILE);
    add!(table, renders::results::shot, Tenant(P::ReadRenders), &FILE, &[Code::RangeNotSatisfiable]);
    add!(table, renders::results::file, Tenant(P::ReadRenders), &FILE, &[Code::RangeNotSatisfiable]);
    add!(table, renders::results::result, Tenant(P::ReadRenders), &FILE, &[Code::RangeNotSatisfiable, Code::NotFound]);
    add!(
        table,
        preflight::preflight,
        Tenant(P::TriggerRenders),
        &makes,
        &[Code::ArtifactExpired, Code::ContentCorrupt]
    );
    add!(table, tasks::list, List(P::ReadRenders), pages);
    add!(table, tasks::get, Tenant(P::ReadRenders), &[Code::TaskNotFound]);
    add!(
        table,
        tasks::requeue,
        Tenant(P::TriggerRenders),
        &[Code::TaskNotFound, Code::TaskNotFailed, Code::TaskNotRequeueable],
        &IDEMPOTENT
    );
    add!(table, analytics::renders, Tenant(P::ViewAnalytics), &[Code::ValidationFailed]);
    add!(table, materials::list, Tenant(P::ReadMaterials), library, pages);
    add!(table, materials::get, Tenant(P::ReadMaterials), library, &[Code::MaterialNotFound]);
    add!(table, libraries::list, List(P::ReadMaterials), pages);
    add!(
        table,
        libraries::create,
        Tenant(P::WriteLibraries),
        &JSON,
        &UPLOAD,
        &IDEMPOTENT,
        &[Code::LibraryVersionExists]
    );
    add!(table, libraries::get, Tenant(P::ReadMaterials), &[Code::LibraryNotFound]);
    add!(table, libraries::change, Tenant(P::WriteLibraries), &JSON, &[Code::LibraryNotFound]);
    add!(table, libraries::delete, Tenant(P::WriteLibraries), &[Code::LibraryNotFound, Code::LibraryInUse]);
    add!(table, material_aliases::list, List(P::ReadAliases), pages, &[Code::FeatureDisabled]);
    add!(
        table,
        material_aliases::create,
        Tenant(P::WriteAliases),
        &JSON,
        &IDEMPOTENT,
        &[Code::FeatureDisabled, Code::UnknownMaterial, Code::AliasConflict, Code::TooManyAliases],
        &[Code::ArtifactExpired, Code::ContentCorrupt]
    );
    add!(table, material_aliases::get, Tenant(P::ReadAliases), alias);
    add!(table, material_aliases::withdraw, Tenant(P::WriteAliases), alias);
    add!(table, devices::list, Instance(P::ReadRenders));
    table
}

/// Reviews of materials, suggested fixes, unmapped names.
pub(super) fn reviews(mut table: Table) -> Table {
    let pages: &[Code] = &[Code::ValidationFailed, Code::InvalidCursor];
    let review: &[Code] = &[Code::MaterialReviewNotFound, Code::FeatureDisabled];
    let fix: &[Code] = &[Code::MaterialReviewNotFound, Code::SuggestedFixNotFound, Code::FeatureDisabled];
    let reads: &[Code] = &[Code::ArtifactExpired, Code::ContentCorrupt];
    let writes: &[Code] = &[Code::AliasConflict, Code::TooManyAliases, Code::QueueFull, Code::StorageQuotaExceeded];
    add!(table, reviews::list, List(P::ReadReviews), pages, &[Code::FeatureDisabled]);
    add!(
        table,
        reviews::create,
        Tenant(P::WriteReviews),
        &JSON,
        &IDEMPOTENT,
        &[Code::FeatureDisabled, Code::OrderLineNotFound, Code::RenderNotFound, Code::RenderJobNotFound],
        &[Code::NothingUnmapped],
        reads
    );
    add!(table, reviews::get, Tenant(P::ReadReviews), review);
    add!(table, reviews::refresh, Tenant(P::WriteReviews), &IDEMPOTENT, review, reads);
    add!(
        table,
        reviews::apply_top,
        Tenant(P::WriteReviews),
        &JSON,
        &IDEMPOTENT,
        review,
        writes,
        reads,
        &[Code::PreconditionFailed, Code::FixNotProposed]
    );
    add!(table, reviews::close, Tenant(P::WriteReviews), review);
    add!(table, reviews::reopen, Tenant(P::WriteReviews), review);
    add!(table, reviews::note, Tenant(P::ReadReviews), &JSON, review);
    add!(
        table,
        reviews::follow,
        Tenant(P::ReadReviews),
        review,
        &[Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams]
    );
    add!(table, reviews::fixes::get, Tenant(P::ReadReviews), fix);
    add!(
        table,
        reviews::fixes::apply,
        Tenant(P::WriteReviews),
        &JSON,
        &IDEMPOTENT,
        fix,
        writes,
        reads,
        &[Code::PreconditionFailed, Code::FixNotProposed, Code::MaterialUnavailable]
    );
    add!(
        table,
        reviews::fixes::outcome,
        Tenant(P::WriteReviews),
        &JSON,
        fix,
        &[Code::PreconditionFailed, Code::FixTerminal, Code::NotesRequired],
        &[Code::QueueFull, Code::StorageQuotaExceeded]
    );
    add!(table, reviews::fixes::discard_proposal, Tenant(P::WriteReviews), fix);
    add!(table, reviews::names::report, Tenant(P::ReadReviews), pages, &[Code::FeatureDisabled]);
    add!(
        table,
        reviews::names::apply,
        Tenant(P::WriteReviews),
        &JSON,
        &IDEMPOTENT,
        &[Code::FeatureDisabled, Code::TooManyAliases],
        reads
    );
    table
}

/// Products, CAD files, what is made of them.
pub(super) fn catalogue(mut table: Table) -> Table {
    let pages: &[Code] = &[Code::ValidationFailed, Code::InvalidCursor];
    let cad_file: &[Code] = &[Code::CadFileNotFound];
    let works: &[Code] = &[Code::CadFileProcessing, Code::CadConversionUnavailable];
    let product: &[Code] = &[Code::ProductNotFound];
    let sheet: &[Code] = &[Code::UnreadableSheet, Code::MissingColumn];
    let output_type: &[Code] = &[Code::OutputTypeNotFound];
    let fits: &[Code] = &[Code::EngineNotAllowed, Code::TemplateExists];
    let template: &[Code] = &[Code::TemplateNotFound];
    add!(table, cad_files::list, List(P::ReadCatalogue), pages);
    add!(
        table,
        cad_files::create,
        Tenant(P::WriteCatalogue),
        &JSON,
        &UPLOAD,
        &IDEMPOTENT,
        &[Code::UnsupportedCadFormat]
    );
    add!(table, cad_files::get, Tenant(P::ReadCatalogue), cad_file);
    add!(table, cad_files::content, Tenant(P::ReadCatalogue), cad_file, &CONTENT);
    add!(table, cad_files::delete, Tenant(P::WriteCatalogue), cad_file, &[Code::CadFileProcessing, Code::CadFileInUse]);
    add!(table, cad_jobs::reextract, Tenant(P::WriteCatalogue), &IDEMPOTENT, cad_file, works);
    add!(table, cad_jobs::regenerate_thumbnail, Tenant(P::WriteCatalogue), &IDEMPOTENT, cad_file, works);
    add!(table, cad_jobs::regenerate_thumbnails, Tenant(P::ProcessCatalogue), &IDEMPOTENT);
    add!(
        table,
        cad_jobs::process_unprocessed,
        Tenant(P::ProcessCatalogue),
        &IDEMPOTENT,
        &[Code::CadConversionUnavailable]
    );
    add!(table, products::list, List(P::ReadCatalogue), pages);
    add!(table, products::create, Tenant(P::WriteCatalogue), &JSON, &IDEMPOTENT, &[Code::PimIdExists]);
    add!(table, products::get, Tenant(P::ReadCatalogue), product);
    add!(
        table,
        products::change,
        Tenant(P::WriteCatalogue),
        &JSON,
        product,
        &[Code::PimIdExists, Code::AssetNotOfProduct, Code::ThumbnailNotAnImage, Code::AssetNotCurrent]
    );
    add!(table, products::delete, Tenant(P::WriteCatalogue), product, &[Code::ProductInUse]);
    add!(table, imports::create, Tenant(P::WriteCatalogue), &JSON, &UPLOAD, &IDEMPOTENT, sheet);
    add!(table, output_types::list, List(P::ReadCatalogue), pages);
    add!(table, output_types::create, Tenant(P::WriteOutputTypes), &JSON, &IDEMPOTENT, fits);
    add!(table, output_types::get, Tenant(P::ReadCatalogue), output_type);
    add!(table, output_types::change, Tenant(P::WriteOutputTypes), &JSON, output_type, fits);
    add!(table, output_types::delete, Tenant(P::WriteOutputTypes), output_type, &[Code::OutputTypeInUse]);
    add!(table, render_templates::list, List(P::ReadCatalogue), pages);
    add!(table, render_templates::create, Tenant(P::WriteOutputTypes), &JSON, &IDEMPOTENT, fits);
    add!(table, render_templates::get, Tenant(P::ReadCatalogue), template);
    add!(table, render_templates::change, Tenant(P::WriteOutputTypes), &JSON, template, fits);
    add!(table, render_templates::delete, Tenant(P::WriteOutputTypes), template, &[Code::TemplateInUse]);
    table
}

/// Orders and workflows.
pub(super) fn orders(mut table: Table) -> Table {
    let pages: &[Code] = &[Code::ValidationFailed, Code::InvalidCursor];
    let order: &[Code] = &[Code::OrderNotFound];
    let line: &[Code] = &[Code::OrderLineNotFound];
    let dispatched: &[Code] = &[
        Code::OrderRejected,
        Code::LineProcessing,
        Code::LineNotRenderable,
        Code::FeatureDisabled,
        Code::ExecutorNotConfigured,
        Code::ExecutorStillsOnly,
    ];
    let off: &[Code] = &[Code::FeatureDisabled];
    let of_workflow: &[Code] = &[Code::WorkflowNotFound, Code::FeatureDisabled];
    let saves: &[Code] = &[Code::InvalidWorkflowConfig, Code::FeatureDisabled, Code::OutputTypeNotFound];
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
    let run: &[Code] = &[Code::WorkflowRunNotFound];
    let compares: &[Code] = &[Code::ComparisonNotApplicable];
    add!(table, orders::list, List(P::ReadOrders), pages);
    add!(
        table,
        orders::create,
        Tenant(P::WriteOrders),
        &JSON,
        &IDEMPOTENT,
        &[Code::OrderTooLarge, Code::OrderNumberExists]
    );
    add!(table, orders::get, Tenant(P::ReadOrders), order);
    add!(table, orders::edit, Tenant(P::WriteOrders), &JSON, order, &[Code::OrderNotEditable, Code::OrderNumberExists]);
    add!(table, orders::delete, Tenant(P::WriteOrders), order, &[Code::OrderNotEditable, Code::LineProcessing]);
    add!(table, orders::lines::add, Tenant(P::WriteOrders), &JSON, &IDEMPOTENT, line);
    add!(
        table,
        orders::lines::remove,
        Tenant(P::WriteOrders),
        order,
        &[Code::OrderLineNotFound, Code::OrderNotEditable, Code::LineProcessing]
    );
    add!(
        table,
        orders::submit,
        Tenant(P::WriteOrders),
        &IDEMPOTENT,
        order,
        &[Code::OrderNotSubmittable, Code::OrderEmpty]
    );
    add!(table, orders::reject, Tenant(P::RunOrders), &JSON, &IDEMPOTENT, order, &[Code::OrderNotRejectable]);
    add!(table, orders::dispatch, Tenant(P::RunOrders), &IDEMPOTENT, order, &[Code::OrderRejected]);
    add!(table, orders::cancel_renders, Tenant(P::RunOrders), &IDEMPOTENT, order);
    add!(
        table,
        orders::resubmit,
        Tenant(P::WriteOrders),
        &IDEMPOTENT,
        order,
        &[Code::OrderNotRejected, Code::LineProcessing]
    );
    add!(table, orders::history, Tenant(P::ReadOrders), order);
    add!(
        table,
        orders::events::of_order,
        Tenant(P::ReadOrders),
        &[Code::OrderNotFound, Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams]
    );
    add!(table, orders::lines::get, Tenant(P::ReadOrders), line);
    add!(table, orders::lines::job, Tenant(P::ReadOrders), line, &[Code::JobNotFound]);
    add!(
        table,
        orders::events::of_line,
        Tenant(P::ReadOrders),
        &[Code::OrderLineNotFound, Code::JobNotFound, Code::NotAcceptable],
        &[Code::ValidationFailed, Code::TooManyStreams]
    );
    add!(table, orders::lines::dispatch, Tenant(P::RunOrders), &IDEMPOTENT, line, dispatched);
    add!(table, orders::lines::cancel, Tenant(P::RunOrders), line);
    add!(table, workflows::list, List(P::ReadWorkflows), pages, off);
    add!(table, workflows::create, Tenant(P::WriteWorkflows), &JSON, &IDEMPOTENT, saves);
    add!(table, workflows::steps, Tenant(P::ReadWorkflows));
    add!(table, workflows::presets, Tenant(P::ReadWorkflows));
    add!(table, workflows::get, Tenant(P::ReadWorkflows), of_workflow);
    add!(
        table,
        workflows::replace,
        Tenant(P::WriteWorkflows),
        &JSON,
        saves,
        &[Code::WorkflowNotFound, Code::PreconditionFailed]
    );
    add!(table, workflows::delete, Tenant(P::WriteWorkflows), of_workflow, &[Code::PreconditionFailed]);
    add!(
        table,
        workflows::dispatch::saved,
        Tenant(P::TriggerRenders),
        &IDEMPOTENT,
        of_workflow,
        checks,
        runs,
        &[Code::WorkflowInactive]
    );
    add!(table, workflows::dispatch::draft, Tenant(P::TriggerRenders), &JSON, &IDEMPOTENT, of_workflow, checks, runs);
    add!(table, workflows::dispatch::preflight_saved, Tenant(P::TriggerRenders), of_workflow, checks);
    add!(table, workflows::dispatch::preflight_draft, Tenant(P::TriggerRenders), &JSON, off, checks);
    add!(table, workflows::runs::list, Tenant(P::ReadWorkflows), of_workflow, pages);
    add!(table, workflows::runs::get, Tenant(P::ReadRuns), run);
    add!(
        table,
        workflows::runs::follow,
        Tenant(P::ReadRuns),
        run,
        &[Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams]
    );
    add!(table, workflows::runs::cancel, Tenant(P::TriggerRenders), run);
    add!(table, workflows::comparison::get, Tenant(P::ReadWorkflows), run, compares);
    add!(
        table,
        workflows::comparison::picture,
        Tenant(P::ReadWorkflows),
        run,
        compares,
        &[Code::FileNotFound, Code::ArtifactExpired, Code::ContentCorrupt, Code::RangeNotSatisfiable]
    );
    table
}
