//! What the pictures of an order line are made of, apart from their options: file, materials of parts, templates,
//! libraries, aliases. It is read when the first attempt starts. Both sides of a shadow run are made of the same: of
//! what was read for the one that started first (workflow.md §6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::aliases;
use super::lines::{self, LineFacts};
use super::of_run::{self, Named};
use super::spec::text;
use crate::config::Settings;
use crate::tenancy::RenderSettings;
use packshot_db::render_templates::{self, RenderTemplate};
use packshot_db::tasks::Claimed;
use packshot_db::{Db, DbError, TenantScope, libraries, orders, workflows};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{OrderLineId, RenderTemplateId};
use packshot_domain::job::{JobKind, JobRef};
use packshot_domain::product::PartEntry;
use packshot_domain::task::FaultKind;
use packshot_domain::tenant_config::BUILTIN_LIBRARY;
use packshot_materials::aliases::AliasLayer;
use packshot_worker::protocol::{Failure, LibraryFile};
use uuid::Uuid;

/// The code of a CAD file that has not been converted.
pub(super) const UNCONVERTED: &str = "cad_conversion_unavailable";

/// What a line's pictures are made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ingredients {
    /// The product's GLB.
    #[serde(with = "text")]
    pub(super) scene: ContentAddress,
    /// The CAD file that it was made of.
    #[serde(with = "text")]
    pub(super) source: ContentAddress,
    /// What its sender called that.
    pub(super) source_name: String,
    /// The materials of parts that the product gives.
    parts: Vec<PartMaterial>,
    /// The template that fits the line best.
    fitting: Option<Uuid>,
    /// That, and those that nodes of the run have found.
    templates: Vec<TemplateMaterials>,
    /// The files of libraries by their names; without one where there is no such library.
    libraries: BTreeMap<String, Option<Address>>,
    /// The tenant's own library.
    library: Option<String>,
    /// The tenant's material for parts that nothing matches.
    pub(super) fallback_material: Option<String>,
    /// The tenant's aliases over all libraries.
    pub(super) aliases: AliasLayer,
    /// How many parts may have no material, where the output type says it.
    pub(super) max_unmapped: Option<u32>,
}

/// The material of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartMaterial {
    part_name: String,
    material: String,
}

/// What a template says of materials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateMaterials {
    id: Uuid,
    /// Whether its materials come before those of the product.
    is_used: bool,
    materials: Vec<PartMaterial>,
    library: Option<String>,
}

/// The file of a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Address(#[serde(with = "text")] ContentAddress);

/// Which template a picture is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Template {
    /// The one that fits the line best.
    Fitting,
    /// The one that a node of the run has found, if it has found one.
    OfRun(Option<RenderTemplateId>),
}

impl Ingredients {
    /// What a task of a line's job, or of a shadow run beside it, is made of now: or what the other side of the shadow
    /// run is made of, if that has started.
    ///
    /// # Errors
    /// `cad_file_not_found`, `cad_conversion_unavailable`; `unavailable`.
    pub(super) async fn of_task(db: &Db, process: &Settings, claimed: &Claimed, job: JobRef) -> Result<Self, Failure> {
        let scope = TenantScope::of(claimed.tenant);
        let side = workflows::side_of(db, scope, job).await.map_err(away)?;
        let frozen = |stored: Json| {
            serde_json::from_value(stored).map_err(|error| {
                tracing::error!("what a shadow run is made of cannot be read: {error}");
                let detail = "this version of Packshot cannot read the stored run; dispatch the line again";
                Failure::new(FaultKind::Input, "spec.invalid", detail)
            })
        };
        let line = match (&side, job.kind) {
            (Some(side), _) => side.line,
            (None, JobKind::Shadow) => {
                return Err(Failure::new(FaultKind::Input, "order_line_not_found", "the order line was removed"));
            }
            (None, _) => OrderLineId::from_uuid(job.record),
        };
        if let Some(stored) = side.as_ref().and_then(|side| side.ingredients.clone()) {
            return frozen(stored);
        }
        let run = of_run::id_of(&claimed.input.kwargs).or(side.as_ref().map(|side| side.run));
        let named = match run {
            Some(run) => of_run::named(db, scope, run).await?,
            None => Named::default(),
        };
        let line = orders::line(db, scope, None, line).await.map_err(away)?;
        let facts = lines::facts(db, scope, &line).await.map_err(away)?;
        let found = Self::gather(db, process, scope, &facts, &named).await?;
        match side {
            Some(side) => {
                let found = serde_json::to_value(&found).unwrap_or_default();
                frozen(workflows::freeze(db, scope, side.run, found).await.map_err(away)?)
            }
            None => Ok(found),
        }
    }

    /// Reads what is true now.
    async fn gather(
        db: &Db,
        process: &Settings,
        scope: TenantScope,
        facts: &LineFacts,
        named: &Named,
    ) -> Result<Self, Failure> {
        let settings = RenderSettings::of_tenant(db, process, scope).await.map_err(away)?;
        let (scene, file) = lines::converted(process, facts, named.is_run)?;
        let fitting = facts.template.as_ref().map(|template| template.id);
        let mut templates: Vec<TemplateMaterials> = facts.template.iter().map(TemplateMaterials::of).collect();
        for id in named.templates.iter().filter(|id| Some(**id) != fitting) {
            match render_templates::get(db, scope, *id).await {
                Ok(template) => templates.push(TemplateMaterials::of(&template)),
                // Only a picture that is made with it fails.
                Err(DbError::NotFound(_)) => {}
                Err(error) => return Err(away(error)),
            }
        }
        let of_templates = templates.iter().filter(|template| template.is_used).filter_map(|of| of.library.clone());
        let names = of_templates.chain(named.libraries.iter().cloned()).chain(settings.material_library.clone());
        let mut libraries = BTreeMap::new();
        for name in names.filter(|name| name != BUILTIN_LIBRARY) {
            let found = libraries::find(db, scope, &name).await.map_err(away)?;
            libraries.insert(name, found.map(|library| Address(library.library.address)));
        }
        Ok(Self {
            scene,
            source: file.address,
            source_name: file.original_name.to_string(),
            parts: facts.product.fields.parts.as_slice().iter().map(PartMaterial::of).collect(),
            fitting: fitting.map(RenderTemplateId::uuid),
            templates,
            libraries,
            library: settings.material_library,
            fallback_material: settings.fallback_material,
            aliases: aliases::layer(db, scope).await.map_err(away)?,
            max_unmapped: facts.output_type.fields.max_unmapped,
        })
    }

    /// Which part has which material. Those of a template that is to be used come before the product's.
    ///
    /// # Errors
    /// `template_not_found`.
    pub(super) fn materials(&self, template: Template) -> Result<Vec<Json>, Failure> {
        let of_template = match self.template(template)? {
            Some(template) if template.is_used => template.materials.as_slice(),
            _ => &[],
        };
        let is_new = |entry: &&PartMaterial| !of_template.iter().any(|other| other.part_name == entry.part_name);
        let all = of_template.iter().chain(self.parts.iter().filter(is_new));
        Ok(all.map(|entry| json!({"part_name": entry.part_name, "material": entry.material})).collect())
    }

    /// The library that a template names.
    ///
    /// # Errors
    /// `template_not_found`.
    pub(super) fn library_of(&self, template: Template) -> Result<Option<&str>, Failure> {
        let template = self.template(template)?.filter(|template| template.is_used);
        Ok(template.and_then(|template| template.library.as_deref()))
    }

    /// The files of the libraries that materials are looked up in, over the built-in one: of the `chosen` one, or of
    /// the tenant's own.
    ///
    /// # Errors
    /// `library_not_found`; `whose` is who has chosen it.
    pub(super) fn libraries(&self, chosen: Option<&str>, whose: &str) -> Result<Vec<LibraryFile>, Failure> {
        let own = self.library.as_deref();
        let Some(name) = chosen.or(own).filter(|name| *name != BUILTIN_LIBRARY) else { return Ok(Vec::new()) };
        match self.libraries.get(name).copied().flatten() {
            Some(Address(address)) => Ok(vec![LibraryFile { address, of_job: chosen.is_some() }]),
            None if chosen.is_some() => {
                let detail = format!("there is no library {name:?}, which {whose} names");
                Err(Failure::new(FaultKind::Input, "library_not_found", detail))
            }
            None => {
                tracing::warn!(library = %name, "the tenant's material library does not exist; the built-in library is used");
                Ok(Vec::new())
            }
        }
    }

    fn template(&self, of: Template) -> Result<Option<&TemplateMaterials>, Failure> {
        let wanted = match of {
            Template::Fitting => self.fitting,
            Template::OfRun(id) => id.map(RenderTemplateId::uuid),
        };
        let Some(wanted) = wanted else { return Ok(None) };
        let found = self.templates.iter().find(|template| template.id == wanted);
        found.map(Some).ok_or_else(|| {
            let detail = "the render template was deleted meanwhile: dispatch the line again";
            Failure::new(FaultKind::Input, "template_not_found", detail)
        })
    }
}

impl PartMaterial {
    fn of(entry: &PartEntry) -> Self {
        Self { part_name: entry.part_name.as_str().to_owned(), material: entry.material.as_str().to_owned() }
    }
}

impl TemplateMaterials {
    fn of(template: &RenderTemplate) -> Self {
        Self {
            id: template.id.uuid(),
            is_used: template.fields.use_materials,
            materials: template.fields.materials.as_slice().iter().map(PartMaterial::of).collect(),
            library: template.fields.library.as_ref().map(|name| name.as_str().to_owned()),
        }
    }
}

/// What cannot be read now.
pub(super) fn away(error: DbError) -> Failure {
    tracing::warn!("what an order line is rendered of cannot be read: {error}");
    Failure::infrastructure("unavailable", "what the line is rendered of cannot be read")
}

/// Whether a task of a shadow run should wait: the job that it observes may still convert the CAD file.
pub(super) async fn may_be_converted_yet(db: &Db, claimed: &Claimed, job: JobRef, failure: &Failure) -> bool {
    if job.kind != JobKind::Shadow || failure.code != UNCONVERTED {
        return false;
    }
    let side = workflows::side_of(db, TenantScope::of(claimed.tenant), job).await;
    side.is_ok_and(|side| side.is_some_and(|side| !side.observed_has_ended))
}
