//! Renders of order lines: what a line is rendered of and how, and the spec of its task.
//!
//! Dispatch settles the options, from the output type over the template that fits; the rest is read when the first
//! attempt starts, and frozen then: the file, the materials of parts, libraries, aliases.

use serde_json::{Map, Value as Json, json};

use super::ingredients::{Ingredients, Template, UNCONVERTED, away};
use super::of_run::{self, OfRun};
use super::spec::{RenderV1, Spec};
use super::worn;
use crate::config::Settings;
use crate::tenancy::RenderSettings;
use packshot_contract::picture_settings::PictureSettings;
use packshot_contract::workflow;
use packshot_db::cad_files::CadFile;
use packshot_db::orders::OrderLine;
use packshot_db::output_types::OutputType;
use packshot_db::products::Product;
use packshot_db::render_templates::{self, RenderTemplate};
use packshot_db::tasks::Claimed;
use packshot_db::{Db, DbError, TenantScope, cad_files, output_types, products};
use packshot_domain::hash::ContentAddress;
use packshot_domain::job::JobRef;
use packshot_domain::output_type::OutputKind;
use packshot_domain::product::PartEntry;
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, TaskKind};
use packshot_materials::mapping::OnUnmapped;
use packshot_pipeline::plan::{self, Base, Kind, OptionId, Options};
use packshot_words::Word;
use packshot_worker::protocol::Failure;

/// What a line is rendered of, and how.
#[derive(Clone, Debug)]
pub struct LineFacts {
    /// The product.
    pub product: Product,
    /// Its CAD file.
    pub cad_file: Option<CadFile>,
    /// What is made of it.
    pub output_type: OutputType,
    /// The template that fits both best.
    pub template: Option<RenderTemplate>,
}

/// Reads what a line is rendered of.
///
/// # Errors
/// Errors of the database.
pub async fn facts(db: &Db, scope: TenantScope, line: &OrderLine) -> Result<LineFacts, DbError> {
    let product = products::get(db, scope, line.product).await?;
    let output_type = output_types::get(db, scope, line.output_type).await?;
    let cad_file = match product.fields.cad_file {
        Some(id) => Some(cad_files::get(db, scope, id).await?),
        None => None,
    };
    let category = product.fields.category_key.as_ref();
    let fits = |template: &RenderTemplate| template.fields.fit(output_type.id, category);
    // The newest come first, so that of equals the newest is taken.
    let templates = render_templates::active(db, scope).await?;
    let template = templates.into_iter().filter(|template| fits(template).is_some()).min_by_key(fits);
    Ok(LineFacts { product, cad_file, output_type, template })
}

/// What kind of pictures an output type has; `None` when it has none.
#[must_use]
pub const fn picture_kind(kind: OutputKind) -> Option<Kind> {
    match kind {
        OutputKind::Still => Some(Kind::Still),
        OutputKind::Turntable => Some(Kind::Turntable),
        OutputKind::Views => Some(Kind::Views),
        OutputKind::Glb => None,
    }
}

impl LineFacts {
    /// The options that were given for pictures of this kind: those of the output type, then those of the template.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn given(&self, kind: Kind) -> Result<PictureSettings, DbError> {
        let read = |stored: &Json| -> Result<PictureSettings, DbError> {
            let corrupt = |error: serde_json::Error| DbError::Corrupt { what: "settings", reason: error.to_string() };
            serde_json::from_value(stored.clone()).map_err(corrupt)
        };
        let own = read(&self.output_type.fields.render_settings)?;
        let of_template = self.template.as_ref().map(|template| read(&template.settings)).transpose()?;
        let layers = [Some(&own), of_template.as_ref()].into_iter().flatten().map(|settings| &settings.options);
        let options = Options::overlaid(layers, |id| id.spec().is_of(kind));
        Ok(PictureSettings { names_engine: own.names_engine, options })
    }

    /// Which part has which material. Those of a template that is to be used come before the product's.
    pub fn materials(&self) -> Vec<Json> {
        let own = self.product.fields.parts.as_slice();
        let of_template = match &self.template {
            Some(template) if template.fields.use_materials => template.fields.materials.as_slice(),
            _ => &[],
        };
        let is_new = |entry: &&PartEntry| !of_template.iter().any(|other| other.part_name == entry.part_name);
        let all = of_template.iter().chain(own.iter().filter(is_new));
        all.map(|entry| json!({"part_name": entry.part_name.as_str(), "material": entry.material.as_str()})).collect()
    }
}

/// The spec of a line's task, of what is true when its first attempt starts.
pub(super) async fn spec(db: &Db, process: &Settings, claimed: &Claimed, job: JobRef) -> Result<Spec, Failure> {
    let TaskKind::Step(step) = claimed.task.kind else { return Err(no_pictures()) };
    let kind = workflow::picture_kind(step).ok_or_else(no_pictures)?;
    let kwargs = &claimed.input.kwargs;
    let found = found(db, process, claimed, job, ((step, kind), kwargs)).await?;
    let design = worn::above(db, TenantScope::of(claimed.tenant), kwargs).await?;
    Ok(Spec::RenderV1(RenderV1 { design, ..found }))
}

/// What a line's product is exported of, and a design composed on, of what is true when the first attempt starts.
/// Options of pictures have no part in it.
pub(super) async fn exported(db: &Db, process: &Settings, claimed: &Claimed, job: JobRef) -> Result<RenderV1, Failure> {
    found(db, process, claimed, job, ((StepName::RenderStill, Kind::Still), &Json::Null)).await
}

/// What an external executor renders of a line.
#[derive(Clone, Debug)]
pub struct External {
    /// What the built-in renderer would render.
    pub(crate) render: RenderV1,
    /// The CAD file that the GLB was made of, which may be the same.
    pub(crate) source: ContentAddress,
    /// What its sender called that.
    pub(crate) source_name: String,
    /// The materials of its parts.
    pub(crate) materials: Vec<Json>,
}

/// What an external executor renders of a line, of what is true when its first attempt starts.
pub(crate) async fn external(db: &Db, process: &Settings, claimed: &Claimed, job: JobRef) -> Result<External, Failure> {
    let ingredients = Ingredients::of_task(db, process, claimed, job).await?;
    let settings = RenderSettings::of_tenant(db, process, TenantScope::of(claimed.tenant)).await.map_err(away)?;
    let (source, source_name) = (ingredients.source, ingredients.source_name.clone());
    let materials = ingredients.materials(Template::Fitting)?;
    let pictures = ((StepName::RenderStill, Kind::Still), &claimed.input.kwargs);
    let render = composed(ingredients, None, pictures, &settings)?;
    Ok(External { render, source, source_name, materials })
}

fn no_pictures() -> Failure {
    Failure::new(FaultKind::Input, "internal_error", "the task makes no pictures")
}

/// Refuses what has more parts without a material than its output type allows.
///
/// # Errors
/// `unmapped_parts`.
pub(super) fn check_unmapped(max: Option<u32>, n: u32) -> Result<(), Failure> {
    let Some(max) = max.filter(|max| n > *max) else { return Ok(()) };
    let parts = if n == 1 { "part has" } else { "parts have" };
    let detail = format!(
        "{n} {parts} no material, which is more than the {max} that the output type allows: give them materials in \
         the product's `cad_part_materials`"
    );
    Err(Failure::new(FaultKind::Input, "unmapped_parts", detail))
}

/// The GLB of a line's product, and its CAD file.
///
/// # Errors
/// `cad_file_not_found`, `cad_conversion_unavailable`.
pub(super) fn converted<'f>(
    process: &Settings,
    facts: &'f LineFacts,
    is_of_run: bool,
) -> Result<(ContentAddress, &'f CadFile), Failure> {
    let refused = |code: &str, detail: String| Failure::new(FaultKind::Input, code, detail);
    let Some(file) = &facts.cad_file else {
        let detail = "the product has no CAD file any more: give it one, and dispatch the line again";
        return Err(refused("cad_file_not_found", detail.to_owned()));
    };
    let Some(scene) = file.read.glb else {
        let detail = match process.cad_converter {
            Some(_) if is_of_run => {
                format!("{} has not been converted: put occ_glb_export before this node", file.original_name)
            }
            Some(_) => format!("{} has not been converted: dispatch the line again", file.original_name),
            None => format!(
                "{} is a STEP file, and this service has no converter: upload the product as GLB",
                file.original_name
            ),
        };
        return Err(refused(UNCONVERTED, detail));
    };
    Ok((scene, file))
}

/// What a line's product is made of, with the kind and the options of its pictures.
async fn found(
    db: &Db,
    process: &Settings,
    claimed: &Claimed,
    job: JobRef,
    pictures: ((StepName, Kind), &Json),
) -> Result<RenderV1, Failure> {
    let scope = TenantScope::of(claimed.tenant);
    let of_run = of_run::above(db, scope, &claimed.input.kwargs).await?;
    let ingredients = Ingredients::of_task(db, process, claimed, job).await?;
    let settings = RenderSettings::of_tenant(db, process, scope).await.map_err(away)?;
    composed(ingredients, of_run, pictures, &settings)
}

/// What a task renders: ingredients, and what its run and its arguments say of them.
fn composed(
    ingredients: Ingredients,
    of_run: Option<OfRun>,
    ((step, kind), settled): ((StepName, Kind), &Json),
    settings: &RenderSettings,
) -> Result<RenderV1, Failure> {
    let template = of_run.as_ref().map_or(Template::Fitting, |run| Template::OfRun(run.template));
    let whose = if of_run.is_some() { "the workflow or its render template" } else { "the render template" };
    let OfRun { library: of_node, on_unmapped, max_unmapped, template: _ } = of_run.unwrap_or_default();
    let chosen = match &of_node {
        Some(name) => Some(name.as_str()),
        None => ingredients.library_of(template)?,
    };
    let max_unmapped = max_unmapped.or(ingredients.max_unmapped);
    let unfit = |reason: String| {
        tracing::error!("the options of an order line do not make a picture: {reason}");
        let detail = "the options of the line do not fit together any more; dispatch it again";
        Failure::new(FaultKind::Input, "spec.invalid", detail)
    };
    let mut members = Map::new();
    for id in OptionId::all().filter(|id| id.spec().is_of(kind)) {
        let name = id.spec().name;
        let value = settled.get(name).filter(|value| !value.is_null());
        members.extend(value.map(|value| (name.to_owned(), value.clone())));
    }
    members.insert("materials".to_owned(), json!({"library": chosen, "parts": ingredients.materials(template)?}));
    if on_unmapped == Some(OnUnmapped::Fail) || max_unmapped == Some(0) {
        members.insert("on_unmapped".to_owned(), OnUnmapped::Fail.word().into());
    }
    let options: Options = serde_json::from_value(Json::Object(members)).map_err(|error| unfit(error.to_string()))?;
    let settings_of_step = PictureSettings { options, ..PictureSettings::default() };
    let options = workflow::with_defaults(step, settings_of_step).options;
    let base = Base { kind, ..Base::default() };
    let plan = plan::resolve(&base, &options, &settings.limits).map_err(|faults| unfit(format!("{faults:?}")))?;
    Ok(RenderV1 {
        scene: ingredients.scene,
        environment: None,
        libraries: ingredients.libraries(chosen, whose)?,
        fallback_material: ingredients.fallback_material,
        aliases: ingredients.aliases,
        plan,
        max_unmapped,
        design: None,
        turntable: None,
    })
}
