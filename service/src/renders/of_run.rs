//! What the run of a task says about its pictures beyond the task's own arguments: the nodes above and below it in the
//! graph as it was dispatched (workflow.md §5).

use packshot_contract::design::NodeDesign;
use packshot_contract::workflow::Config;
use packshot_db::workflows::{self, Run, RunNode};
use packshot_db::{Db, Json, TenantScope};
use packshot_domain::artifact::RetentionClass;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderTemplateId, RunId, TaskId};
use packshot_domain::step::StepName;
use packshot_domain::task::FaultKind;
use packshot_domain::workflow::NodeId;
use packshot_materials::mapping::OnUnmapped;
use packshot_words::Word;
use packshot_worker::protocol::Failure;

/// The argument of a task that names its run.
pub(super) const RUN: &str = "workflow_run_id";
/// The argument that names its node.
pub(super) const NODE: &str = "workflow_node_id";

/// What a run says of what its pictures show.
#[derive(Clone, Debug, Default)]
pub(super) struct OfRun {
    /// The template that a node above found.
    pub(super) template: Option<RenderTemplateId>,
    /// The library that a node above names.
    pub(super) library: Option<String>,
    /// What becomes of parts without a material, where a node above says it.
    pub(super) on_unmapped: Option<OnUnmapped>,
    /// How many parts may have none, where a node above says it.
    pub(super) max_unmapped: Option<u32>,
}

/// A run with its graph, and the place of a task's node in it.
struct Place {
    run: Run,
    config: Config,
    node: usize,
}

/// What nodes of a run name, which pictures of it may be made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    /// Whether there is a run.
    pub(super) is_run: bool,
    /// Templates that were found.
    pub(super) templates: Vec<RenderTemplateId>,
    /// Libraries.
    pub(super) libraries: Vec<String>,
}

/// Reads what all nodes of a run name.
///
/// # Errors
/// A run that cannot be read.
pub(super) async fn named(db: &Db, scope: TenantScope, run: RunId) -> Result<Named, Failure> {
    let (run, config) = read(db, scope, run).await?;
    let of_nodes = config.nodes.iter().filter(|node| node.step == StepName::ResolveMaterials);
    Ok(Named {
        is_run: true,
        templates: run.nodes.iter().filter_map(template_of).collect(),
        libraries: of_nodes.filter_map(|node| node.get("library").as_str().map(str::to_owned)).collect(),
    })
}

/// The template that a node has found.
fn template_of(node: &RunNode) -> Option<RenderTemplateId> {
    node.output["template_id"].as_str().filter(|_| node.step == StepName::ResolveTemplate)?.parse().ok()
}

/// Reads what the nodes above a task with these arguments say; `None` for a task of no run.
///
/// # Errors
/// A run that cannot be read.
pub(super) async fn above(db: &Db, scope: TenantScope, kwargs: &Json) -> Result<Option<OfRun>, Failure> {
    let Some(Place { run, config, node }) = place(db, scope, kwargs).await? else { return Ok(None) };
    let mut said = OfRun::default();
    if let Some(node) = config.above(node, StepName::ResolveTemplate) {
        let found = run.nodes.iter().find(|of_run| of_run.id == node.id);
        said.template = found.and_then(template_of);
    }
    if let Some(node) = config.above(node, StepName::ResolveMaterials) {
        said.library = node.get("library").as_str().map(str::to_owned);
        said.on_unmapped = node.get("on_unmapped").as_str().and_then(OnUnmapped::by_word);
        said.max_unmapped = node.get("max_unmapped").as_u64().and_then(|n| u32::try_from(n).ok());
    }
    Ok(Some(said))
}

/// How long the files of a task with these arguments are kept, where a node below says it.
///
/// # Errors
/// A run that cannot be read.
pub(crate) async fn class(db: &Db, scope: TenantScope, kwargs: &Json) -> Result<Option<RetentionClass>, Failure> {
    let Some(Place { config, node, .. }) = place(db, scope, kwargs).await? else { return Ok(None) };
    let mut below = config.graph.armed_by(node).into_iter().map(|armed| &config.nodes[armed]);
    let saving = below.find(|node| node.step == StepName::OutputSave);
    Ok(saving.and_then(|node| RetentionClass::named(node.get("retention_class").as_str()?).ok()))
}

/// What the node of a task with these arguments composes, and the texels of its texture's longer side.
///
/// # Errors
/// A run that cannot be read.
pub(super) async fn composing(db: &Db, scope: TenantScope, kwargs: &Json) -> Result<(NodeDesign, Json), Failure> {
    let place = place(db, scope, kwargs).await?;
    let Place { config, node, .. } = place.ok_or_else(|| invalid("there is no run".to_owned()))?;
    let node = &config.nodes[node];
    let design = NodeDesign::of(&node.get("placement"));
    let design = design.ok_or_else(|| invalid("the placement of a design cannot be read".to_owned()))?;
    Ok((design, node.get("texture_px")))
}

/// The task above one with these arguments that composed a design, the nearest if there are several, and its texture.
///
/// # Errors
/// A run that cannot be read.
pub(super) async fn composed(
    db: &Db,
    scope: TenantScope,
    kwargs: &Json,
) -> Result<Option<(TaskId, ContentAddress)>, Failure> {
    let Some(Place { run, config, node }) = place(db, scope, kwargs).await? else { return Ok(None) };
    let Some(above) = config.above(node, StepName::ComposeDesign) else { return Ok(None) };
    let done = run.nodes.iter().find(|of_run| of_run.id == above.id).map(|node| &node.output);
    let task = done.and_then(|output| output["task_id"].as_str()?.parse().ok());
    let texture = done.and_then(|output| output["file_hash"].as_str()?.parse().ok());
    let missing = || invalid(format!("the node {} has no texture", above.id));
    task.zip(texture).map(Some).ok_or_else(missing)
}

async fn place(db: &Db, scope: TenantScope, kwargs: &Json) -> Result<Option<Place>, Failure> {
    let Some(run) = id_of(kwargs) else { return Ok(None) };
    let (run, config) = read(db, scope, run).await?;
    let id: NodeId = kwargs[NODE].as_str().unwrap_or_default().parse().map_err(|_| invalid("no node".to_owned()))?;
    let (node, _) = config.node(&id).ok_or_else(|| invalid(format!("there is no node {id}")))?;
    Ok(Some(Place { run, config, node }))
}

/// A run with its graph.
async fn read(db: &Db, scope: TenantScope, run: RunId) -> Result<(Run, Config), Failure> {
    let run = workflows::run(db, scope, None, run).await.map_err(|error| {
        tracing::warn!("the run of a task cannot be read: {error}");
        Failure::infrastructure("unavailable", "the workflow run of the task cannot be read")
    })?;
    let config = Config::read(&run.config, "").map_err(|error| invalid(error.to_string()))?;
    Ok((run, config))
}

fn invalid(reason: String) -> Failure {
    tracing::error!("the graph of a run cannot be read: {reason}");
    let detail = "this version of Packshot cannot read the stored graph; dispatch the line again";
    Failure::new(FaultKind::Input, "spec.invalid", detail)
}

/// The run of a task with these arguments.
pub(super) fn id_of(kwargs: &Json) -> Option<RunId> {
    kwargs[RUN].as_str().and_then(|id| id.parse().ok())
}
