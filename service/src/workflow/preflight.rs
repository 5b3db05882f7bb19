//! What would happen to a graph that is dispatched now. Nothing is changed.

mod estimates;

use std::collections::BTreeMap;

use uuid::Uuid;

use self::estimates::Estimates;
use super::definitions::check_feature;
use super::dispatch::{INACTIVE, mismatch, refusing};
use super::facts::{Context, Facts, Parts};
use super::nodes;
use super::steps::Unavailable;
use crate::app::{App, AppError, Code};
use crate::products::cad_jobs;
use crate::tenancy::RenderSettings;
use packshot_contract::workflow::{
    Config, ConfigNode, DraftPreflight, GraphPreflight, Issue, NodePreflight, NodeReadiness, picture_kind,
};
use packshot_db::workflows::{self as rows};
use packshot_db::{DbError, TenantScope, cad_files, orders};
use packshot_domain::cad_file::SourceFormat;
use packshot_domain::id::{CadFileId, OrderLineId, WorkflowId};
use packshot_domain::principal::Principal;
use packshot_domain::step::StepName;
use packshot_domain::workflow::NodeId;

/// Checks a saved definition.
///
/// # Errors
/// [`WorkflowNotFound`](crate::app::Code::WorkflowNotFound), and as [`preflight_draft`].
pub async fn preflight_saved(
    app: &App,
    who: &Principal,
    id: WorkflowId,
    context: Uuid,
) -> Result<GraphPreflight, AppError> {
    check_feature(app, who).await?;
    let definition = rows::get(&app.db, TenantScope::of(who.tenant), id).await?;
    let config = Config::read(&definition.fields.config, "/config")?;
    let mut found = preflight(app, who, (Some(id), &config), context).await?;
    if !definition.fields.is_active {
        found.graph_dispatch_allowed = false;
        found.issues.insert(0, Issue::error(Code::WorkflowInactive.as_str(), INACTIVE));
    }
    Ok(found)
}

/// Checks a graph that need not be saved.
///
/// # Errors
/// [`FeatureDisabled`](crate::app::Code::FeatureDisabled),
/// [`InvalidWorkflowConfig`](crate::app::Code::InvalidWorkflowConfig),
/// [`ContextNotFound`](crate::app::Code::ContextNotFound).
pub async fn preflight_draft(app: &App, who: &Principal, draft: DraftPreflight) -> Result<GraphPreflight, AppError> {
    check_feature(app, who).await?;
    let config = Config::read(&draft.config, "/config")?;
    preflight(app, who, (None, &config), draft.context).await
}

async fn preflight(
    app: &App,
    who: &Principal,
    (definition, config): (Option<WorkflowId>, &Config),
    context_id: Uuid,
) -> Result<GraphPreflight, AppError> {
    let context = Context::find(app, who, context_id).await?;
    let settings = RenderSettings::in_force(app, who).await?;
    let unavailable = Unavailable::here(app, &settings).await?;
    let refusing = refusing(config, &context);
    let facts = Facts::read(app, who, config, context).await?;
    let mut issues = Vec::new();
    if let Some(node) = refusing.first() {
        issues.push(Issue::error("context_kind_mismatch", mismatch(config, &facts.context, node)));
    }
    issues.extend(of_state(app, who, &facts.context).await?);
    issues.extend(of_source(app, &facts.context));
    issues.extend(of_parts(app, who, &facts).await?);
    let mut of_node: BTreeMap<&NodeId, Vec<Issue>> = BTreeMap::new();
    for node in &config.nodes {
        let mut found = Vec::new();
        if let Some(reason) = unavailable.reason(node.step) {
            found.push(Issue::error("step_unavailable", reason));
        }
        match refusing.contains(&node.id) {
            true => found.push(Issue::error("context_kind_mismatch", mismatch(config, &facts.context, &node.id))),
            false => found.extend(of_step(node, &facts)),
        }
        of_node.insert(&node.id, found);
    }
    let estimates = Estimates::read(app, who, config, &facts, &settings).await?;
    if let Some((node, issue)) = &estimates.unfit {
        of_node.entry(node).or_default().push(issue.clone());
    }
    if let (Context::Line(..), true) = (&facts.context, estimates.publishes_nothing) {
        let text = "the graph publishes nothing: the line stays as it is, and its order does not go on because of it";
        issues.push(Issue::warning("publishes_nothing", text));
    }
    of_device(app, config, &settings, &mut of_node).await?;
    let nodes: Vec<NodePreflight> = config
        .graph
        .walk()
        .map(|(_, node)| {
            let issues = of_node.remove(&node.id).unwrap_or_default();
            NodePreflight {
                node_id: node.id.to_string(),
                step: node.step.as_str().to_owned(),
                status: NodeReadiness::of(&issues),
                issues,
                estimated_duration_s: estimates.of_node.get(&node.id).copied(),
            }
        })
        .collect();
    let unsupported: Vec<String> = unavailable.nodes_of(config).iter().map(NodeId::to_string).collect();
    let has_error = issues.iter().any(Issue::is_error) || nodes.iter().any(|node| node.status == NodeReadiness::Error);
    let resolved_order_line_id = match &facts.context {
        Context::Line(line, _) => Some(line.id),
        Context::File(_) => None,
    };
    Ok(GraphPreflight {
        workflow_id: definition.map(WorkflowId::uuid),
        context_id,
        context_kind: facts.context.kind().into(),
        expected_context_kind: config.graph.expected_context().into(),
        execution_mode: config.execution_mode.into(),
        graph_dispatch_allowed: !has_error && unsupported.is_empty(),
        resolved_order_line_id: resolved_order_line_id.map(OrderLineId::uuid),
        resolved_cad_file_id: facts.context.file().map(|file| CadFileId::uuid(file.id)),
        unsupported_node_ids: unsupported,
        issues,
        nodes,
        estimated_duration_s: estimates.total_s,
    })
}

/// What works on the line or the file now, or keeps its order from being dispatched.
async fn of_state(app: &App, who: &Principal, context: &Context) -> Result<Option<Issue>, AppError> {
    let scope = TenantScope::of(who.tenant);
    let checked = match context {
        Context::Line(line, _) => orders::check_dispatch(&app.db, scope, line.id).await,
        Context::File(file) => cad_files::check_dispatch(&app.db, scope, file.id).await,
    };
    match checked {
        Ok(()) => Ok(None),
        Err(refusal @ (DbError::Order(_) | DbError::CadFileBusy)) => {
            let refusal = AppError::from(refusal);
            Ok(Some(Issue::error(refusal.code(), refusal.detail())))
        }
        Err(error) => Err(error.into()),
    }
}

/// A source that cannot be rendered, and that nothing here converts.
fn of_source(app: &App, context: &Context) -> Option<Issue> {
    let file = context.file()?;
    let is_stuck = file.source_format == SourceFormat::Step
        && file.read.glb.is_none()
        && cad_jobs::conversion(app, file).is_none();
    let text = format!("{} is a STEP file, and this service has no converter", file.original_name);
    is_stuck.then(|| Issue::warning("cad_conversion_unavailable", text))
}

/// Parts without a material, or a file that cannot be read.
async fn of_parts(app: &App, who: &Principal, facts: &Facts) -> Result<Option<Issue>, AppError> {
    let parts = match &facts.parts {
        Some(parts) => parts.clone(),
        None => Parts::read(app, TenantScope::of(who.tenant), &facts.context).await?,
    };
    Ok(match parts.resolved(app, who, None).await? {
        Ok(resolved) if resolved.unmapped.is_empty() => None,
        Ok(resolved) => Some(Issue::warning("unmapped_parts", nodes::unmapped(&resolved.unmapped))),
        Err(reason) => Some(Issue::error("source_missing", reason)),
    })
}

/// What a step would say within the dispatch.
fn of_step(node: &ConfigNode, facts: &Facts) -> Option<Issue> {
    match (node.step, nodes::run(node, facts)) {
        (StepName::ResolveTemplate, Err(reason)) => Some(Issue::error("template_not_found", reason)),
        (StepName::ResolveTemplate, Ok(output)) if output["template_id"].is_null() => {
            let text = "no active render template fits the output type and the category of the product";
            Some(Issue::warning("template_missing", text))
        }
        (StepName::OrderLineSetup | StepName::ResolveStepPath | StepName::UploadStep, Err(reason)) => {
            Some(Issue::error("source_missing", reason))
        }
        (StepName::ResolveMaterials, Err(reason)) => Some(Issue::error("unmapped_parts", reason)),
        (StepName::ComposeDesign, Err(reason)) => Some(Issue::error("design_missing", reason)),
        (StepName::ParseExcel, Err(reason)) => Some(Issue::error("import_missing", reason)),
        _ => None,
    }
}

/// A node that wants a device that is not there.
async fn of_device<'c>(
    app: &App,
    config: &'c Config,
    settings: &RenderSettings,
    of_node: &mut BTreeMap<&'c NodeId, Vec<Issue>>,
) -> Result<(), AppError> {
    let wants_gpu = |node: &&ConfigNode| {
        picture_kind(node.step).is_some() && node.params.picture.options.device.as_deref() == Some("gpu")
    };
    let wanting: Vec<&ConfigNode> = config.nodes.iter().filter(wants_gpu).collect();
    if wanting.is_empty() {
        return Ok(());
    }
    let devices = app.devices.look(settings.limits.device_default.clone()).await?;
    if devices.items.iter().any(|device| !device.is_software) {
        return Ok(());
    }
    for node in wanting {
        let text = "this machine has no GPU that can render: the picture is rendered on the CPU";
        of_node.entry(&node.id).or_default().push(Issue::warning("device_unfit", text));
    }
    Ok(())
}
