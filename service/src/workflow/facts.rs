//! What a graph is planned from: everything that is read before it is walked.

use std::collections::BTreeMap;
use std::sync::Arc;

use packshot_json::{Faults, Node};
use packshot_materials::library::Library;
use packshot_materials::map::{Covers, MaterialMap};
use packshot_materials::mapping::{OnUnmapped, PartNames, Resolver};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::app::{App, AppError, Code};
use crate::libraries::materials;
use crate::objects::{self, ObjectError};
use crate::renders::lines::{self, LineFacts};
use crate::renders::{aliases, thumbnails, worn};
use packshot_contract::design::NodeDesign;
use packshot_contract::workflow::Config;
use packshot_db::cad_files::CadFile;
use packshot_db::imports::{self, Import};
use packshot_db::orders::{self, OrderLine};
use packshot_db::render_templates::{self, RenderTemplate};
use packshot_db::{DbError, TenantScope, cad_files};
use packshot_domain::id::{CadFileId, ImportId, OrderLineId, RenderTemplateId};
use packshot_domain::principal::Principal;
use packshot_domain::step::StepName;
use packshot_domain::workflow::{ContextKind, NodeId};
use packshot_renderer::backend::CancelToken;
use packshot_worker::cad;

/// What a graph runs on.
#[derive(Clone, Debug)]
pub(super) enum Context {
    /// A line of an order.
    Line(Box<OrderLine>, Box<LineFacts>),
    /// A CAD file.
    File(Box<CadFile>),
}

/// Which parts have a material, as a render finds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The library with its version.
    pub(super) library: String,
    /// How many parts there are.
    pub(super) parts: usize,
    /// Those that have none, a name for each.
    pub(super) unmapped: Vec<String>,
    /// The material that they get.
    pub(super) fallback_material: String,
}

/// What a graph is planned from.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// What it runs on.
    pub(super) context: Context,
    /// The template of each node that finds one; `Err` where the one that it names is not there.
    pub(super) templates: BTreeMap<NodeId, Result<Option<RenderTemplate>, String>>,
    /// The import of each node that reads one.
    pub(super) imports: BTreeMap<NodeId, Result<Import, String>>,
    /// The materials of each node that resolves them.
    pub(super) materials: BTreeMap<NodeId, Result<Resolved, String>>,
    /// The design of each node that composes one; `Err` where there is none that could be composed.
    pub(super) designs: BTreeMap<NodeId, Result<(), String>>,
    /// The parts that these are about, if there are such nodes.
    pub(super) parts: Option<Parts>,
}

/// What decides which part has which material.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// What is known of each by name; `Err` where the file cannot be read.
    names: Result<Vec<PartNames>, String>,
    /// Which has which material, as far as somebody said it.
    entries: Vec<Json>,
}

impl Context {
    /// What has this id.
    ///
    /// # Errors
    /// [`Code::ContextNotFound`].
    pub(super) async fn find(app: &App, who: &Principal, id: Uuid) -> Result<Self, AppError> {
        let scope = TenantScope::of(who.tenant);
        match orders::line(&app.db, scope, None, OrderLineId::from_uuid(id)).await {
            Ok(line) => {
                let facts = lines::facts(&app.db, scope, &line).await?;
                return Ok(Self::Line(Box::new(line), Box::new(facts)));
            }
            Err(DbError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        match cad_files::get(&app.db, scope, CadFileId::from_uuid(id)).await {
            Ok(file) => Ok(Self::File(Box::new(file))),
            Err(DbError::NotFound(_)) => {
                Err(AppError::new(Code::ContextNotFound, "no order line and no CAD file has this id"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What it is.
    pub(super) fn kind(&self) -> ContextKind {
        match self {
            Self::Line(..) => ContextKind::OrderLine,
            Self::File(_) => ContextKind::CadFile,
        }
    }

    /// Its id.
    pub(super) fn id(&self) -> Uuid {
        match self {
            Self::Line(line, _) => line.id.uuid(),
            Self::File(file) => file.id.uuid(),
        }
    }

    /// The CAD file: itself, or that of the line's product.
    pub(super) fn file(&self) -> Option<&CadFile> {
        match self {
            Self::Line(_, facts) => facts.cad_file.as_ref(),
            Self::File(file) => Some(file),
        }
    }
}

impl Facts {
    /// Reads what a graph is planned from.
    ///
    /// # Errors
    /// Errors of the database or the store.
    pub(super) async fn read(app: &App, who: &Principal, config: &Config, context: Context) -> Result<Self, AppError> {
        let scope = TenantScope::of(who.tenant);
        let (mut templates, mut found_imports, mut found) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut designs = BTreeMap::new();
        let mut parts = None;
        for node in &config.nodes {
            let id = |name: &str| node.get(name).as_str().and_then(|id| Uuid::parse_str(id).ok());
            match (node.step, &context) {
                (StepName::ResolveTemplate, Context::Line(_, facts)) => {
                    let template = match id("template_id") {
                        Some(id) => named(app, scope, RenderTemplateId::from_uuid(id)).await?,
                        None => Ok(facts.template.clone()),
                    };
                    templates.insert(node.id.clone(), template);
                }
                (StepName::ParseExcel, Context::Line(line, _)) => {
                    let named = id("import_id").map(ImportId::from_uuid);
                    let import = match imports::get(&app.db, scope, named, line.product).await {
                        Err(DbError::NotFound(_)) if named.is_some() => Err("there is no such import".to_owned()),
                        Err(DbError::NotFound(_)) => Err("the line's product came by no import".to_owned()),
                        import => Ok(import?),
                    };
                    found_imports.insert(node.id.clone(), import);
                }
                (StepName::ResolveMaterials, _) => {
                    let parts = match &mut parts {
                        Some(parts) => parts,
                        none => none.insert(Parts::read(app, scope, &context).await?),
                    };
                    let library = node.get("library").as_str().map(str::to_owned);
                    found.insert(node.id.clone(), parts.resolved(app, who, library.as_deref()).await?);
                }
                (StepName::ComposeDesign, _) => {
                    designs.insert(node.id.clone(), design(app, scope, &node.get("placement")).await?);
                }
                _ => {}
            }
        }
        Ok(Self { context, templates, imports: found_imports, materials: found, designs, parts })
    }
}

/// A template that a node names.
async fn named(
    app: &App,
    scope: TenantScope,
    id: RenderTemplateId,
) -> Result<Result<Option<RenderTemplate>, String>, AppError> {
    match render_templates::get(&app.db, scope, id).await {
        Ok(template) if template.fields.is_active => Ok(Ok(Some(template))),
        Ok(template) => Ok(Err(format!("the render template \"{}\" is not active", template.fields.name))),
        Err(DbError::NotFound(_)) => Ok(Err(format!("there is no render template {id}"))),
        Err(error) => Err(error.into()),
    }
}

/// The design that a placement names, if it is there.
async fn design(app: &App, scope: TenantScope, placement: &Json) -> Result<Result<(), String>, AppError> {
    let Some(node) = NodeDesign::of(placement) else { return Ok(Err("the placement cannot be read".to_owned())) };
    match worn::named(&app.db, scope, &node).await {
        Ok(_) => Ok(Ok(())),
        Err(error) if error.code() == Code::Unavailable.as_str() => Err(error),
        Err(error) => Ok(Err(error.detail().to_owned())),
    }
}

impl Parts {
    /// Reads the parts of what a graph runs on.
    ///
    /// # Errors
    /// Errors of the database or the store.
    pub(super) async fn read(app: &App, scope: TenantScope, context: &Context) -> Result<Self, AppError> {
        let entries = match context {
            Context::Line(_, facts) => facts.materials(),
            Context::File(file) => thumbnails::materials(&app.db, scope, file.id).await?,
        };
        // Of a file that has not been converted nothing is known yet.
        let Some((file, glb)) = context.file().and_then(|file| Some((file, file.read.glb?))) else {
            return Ok(Self { names: Ok(Vec::new()), entries });
        };
        let turn = app.turn().await?;
        let bytes = match objects::read(&app.db, &app.store, scope, &glb).await {
            Ok(bytes) => bytes,
            Err(error @ (ObjectError::Gone | ObjectError::Damaged { .. })) => {
                return Ok(Self { names: Err(format!("{} cannot be read: {error}", file.original_name)), entries });
            }
            Err(error) => return Err(error.into()),
        };
        let names = turn.run(move || cad::part_names(&bytes, &CancelToken::default())).await?;
        let names = names.map_err(|failure| format!("{} cannot be read: {}", file.original_name, failure.detail));
        Ok(Self { names, entries })
    }

    /// Which parts have a material; `Err` when the file cannot be read, or there is no such library.
    ///
    /// # Errors
    /// Errors of the database or the store.
    pub(super) async fn resolved(
        &self,
        app: &App,
        who: &Principal,
        library: Option<&str>,
    ) -> Result<Result<Resolved, String>, AppError> {
        let names = match &self.names {
            Ok(names) => names,
            Err(reason) => return Ok(Err(reason.clone())),
        };
        let found = match (materials::library(app, who, library).await?, library) {
            (Some(found), _) => found,
            (None, Some(name)) => return Ok(Err(format!("there is no library {name:?}"))),
            // The tenant's own is gone: renders take the built-in one.
            (None, None) => Arc::new(Library::builtin().clone()),
        };
        let layer = aliases::layer(&app.db, TenantScope::of(who.tenant)).await?;
        let library = Arc::unwrap_or_clone(found).with_aliases(layer);
        Ok(Ok(self.with(&library, names)))
    }

    fn with(&self, library: &Library, names: &[PartNames]) -> Resolved {
        let (entries, faults) = (json!(self.entries), Faults::default());
        // They were read from JSON like this.
        let entries = packshot_materials::map::entries(&Node::root(&entries, &faults), "parts").unwrap_or_default();
        let map = MaterialMap { entries, covers: Covers::AllParts };
        let report = Resolver::new(library, Some(&map), OnUnmapped::Magenta).resolve(names).report;
        Resolved {
            library: library.label(),
            parts: report.parts,
            unmapped: report.unmapped_items().map(|item| item.display_name().to_owned()).collect(),
            fallback_material: library.material(library.fallback()).id.clone(),
        }
    }
}
