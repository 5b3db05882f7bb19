//! Render templates: what the looks of several products have in common, as clients see it (orders.md §1).

use packshot_json::{Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::picture_settings::PictureSettings;
use super::problem::Invalid;
use super::product::{PartMaterial, entries};
use super::read::{change, optional, parsed};
use super::scalar::Time;
use packshot_domain::artifact::Label;
use packshot_domain::change::Change;
use packshot_domain::id::OutputTypeId;
use packshot_domain::product::PartEntries;
use packshot_domain::render_template::TemplateFields;
use packshot_domain::tenant_config::EngineName;

/// A render template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RenderTemplate {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// Its name. A tenant has each once.
    pub name: String,
    /// The output type that it is for; `null` for any.
    pub output_type_id: Option<Uuid>,
    /// The category of products that it is for; `null` for any.
    pub category_key: Option<String>,
    /// The options of its pictures: those that were given. What an output type or a step says wins.
    pub settings: PictureSettings,
    /// Whether its materials and its library come before those of the product.
    pub use_materials: bool,
    /// The materials of parts.
    pub materials: Vec<PartMaterial>,
    /// The library that materials are looked up in; `null` for the tenant's.
    pub library: Option<String>,
    /// Whether it is used.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed.
    pub updated_at: Time,
}

/// A page of render templates, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RenderTemplatePage {
    /// The templates.
    pub items: Vec<RenderTemplate>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A render template to make.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RenderTemplateRequest {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// The output type that it is for; if absent, any.
    pub output_type_id: Option<Uuid>,
    /// The category of products that it is for; if absent, any.
    #[schema(min_length = 1, max_length = 200)]
    pub category_key: Option<String>,
    /// The options of its pictures.
    pub settings: Option<PictureSettings>,
    /// Whether its materials and its library come before those of the product; if absent, they do not.
    pub use_materials: Option<bool>,
    /// The materials of parts.
    #[schema(max_items = 10_000)]
    pub materials: Option<Vec<PartMaterial>>,
    /// The library that materials are looked up in, by name.
    #[schema(min_length = 1, max_length = 200)]
    pub library: Option<String>,
    /// Whether it is used; if absent, it is.
    pub is_active: Option<bool>,
}

/// What somebody says of a render template.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTemplate {
    /// All but its settings.
    pub fields: TemplateFields,
    /// The options of its pictures.
    pub settings: PictureSettings,
}

impl RenderTemplateRequest {
    /// Reads a template to make. `allowed` are the engines that the tenant allows.
    ///
    /// # Errors
    /// `engine_not_allowed`; `missing`, `wrong_type`, `out_of_range`, `unknown_value`, `duplicate`, `unknown_member`.
    pub fn parse(body: &Value, allowed: &[EngineName]) -> Result<NewTemplate, Invalid> {
        let faults = Faults::default();
        let made = Node::root(body, &faults).members().and_then(|mut m| {
            let name = m.require("name").and_then(|node| parsed(&node));
            let output_type = optional(&mut m, "output_type_id", parsed);
            let category_key = optional(&mut m, "category_key", parsed);
            let settings = optional(&mut m, "settings", |node| PictureSettings::read(node, allowed));
            let use_materials = optional(&mut m, "use_materials", Node::flag);
            let materials = optional(&mut m, "materials", entries);
            let library = optional(&mut m, "library", parsed);
            let is_active = optional(&mut m, "is_active", Node::flag);
            m.finish();
            let fields = TemplateFields {
                name: name?,
                output_type: output_type?,
                category_key: category_key?,
                use_materials: use_materials?.unwrap_or(false),
                materials: materials?.unwrap_or_default(),
                library: library?,
                is_active: is_active?.unwrap_or(true),
            };
            Some(NewTemplate { fields, settings: settings?.unwrap_or_default() })
        });
        Invalid::unless_faults(made, faults)
    }
}

/// A change of a render template: absent members stay, `null` is the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct RenderTemplatePatch {
    /// Another name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Another output type; `null` for any.
    pub output_type_id: Option<Uuid>,
    /// Another category; `null` for any.
    #[schema(min_length = 1, max_length = 200)]
    pub category_key: Option<String>,
    /// The options of its pictures, as a whole.
    pub settings: Option<PictureSettings>,
    /// Whether its materials and its library come before those of the product.
    pub use_materials: Option<bool>,
    /// The materials of parts, as a whole.
    #[schema(max_items = 10_000)]
    pub materials: Option<Vec<PartMaterial>>,
    /// Another library; `null` for the tenant's.
    #[schema(min_length = 1, max_length = 200)]
    pub library: Option<String>,
    /// Whether it is used.
    pub is_active: Option<bool>,
}

/// A change of a render template, as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenderTemplateChange {
    /// Another name.
    pub name: Option<Label>,
    /// Another output type.
    pub output_type: Change<OutputTypeId>,
    /// Another category.
    pub category_key: Change<Label>,
    /// The options of its pictures.
    pub settings: Change<PictureSettings>,
    /// Whether its materials and its library come before those of the product.
    pub use_materials: Change<bool>,
    /// The materials of parts.
    pub materials: Change<PartEntries>,
    /// Another library.
    pub library: Change<Label>,
    /// Whether it is used.
    pub is_active: Change<bool>,
}

impl RenderTemplatePatch {
    /// Reads a change. `allowed` are the engines that the tenant allows.
    ///
    /// # Errors
    /// As for a template to make.
    pub fn parse(body: &Value, allowed: &[EngineName]) -> Result<RenderTemplateChange, Invalid> {
        let faults = Faults::default();
        let change = Node::root(body, &faults).members().map(|mut m| {
            let change = RenderTemplateChange {
                name: m.take("name").and_then(|node| parsed(&node)),
                output_type: change(&mut m, "output_type_id", parsed),
                category_key: change(&mut m, "category_key", parsed),
                settings: change(&mut m, "settings", |node| PictureSettings::read(node, allowed)),
                use_materials: change(&mut m, "use_materials", Node::flag),
                materials: change(&mut m, "materials", entries),
                library: change(&mut m, "library", parsed),
                is_active: change(&mut m, "is_active", Node::flag),
            };
            m.finish();
            change
        });
        Invalid::unless_faults(change, faults)
    }
}

impl RenderTemplateChange {
    /// The template after the change.
    pub fn of(self, before: NewTemplate) -> NewTemplate {
        let NewTemplate { fields, settings } = before;
        let fields = TemplateFields {
            name: self.name.unwrap_or(fields.name),
            output_type: self.output_type.some().of(fields.output_type, None),
            category_key: self.category_key.some().of(fields.category_key, None),
            use_materials: self.use_materials.of(fields.use_materials, false),
            materials: self.materials.of(fields.materials, PartEntries::default()),
            library: self.library.some().of(fields.library, None),
            is_active: self.is_active.of(fields.is_active, true),
        };
        NewTemplate { fields, settings: self.settings.of(settings, PictureSettings::default()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn o56_what_is_left_out_is_the_default_and_a_patch_goes_back_to_it() {
        let engines = ["cycles".parse().expect("a name")];
        let made = |body| RenderTemplateRequest::parse(&body, &engines).expect("a template");
        let plain = made(json!({"name": "Catalogue"}));
        assert!(plain.fields.is_active && !plain.fields.use_materials);
        let full = made(json!({
            "name": "Catalogue", "output_type_id": "0193a8c4-7c1e-7000-8000-000000000000", "category_key": "ball",
            "settings": {"fill": 0.7}, "use_materials": true, "library": "ACME", "is_active": false,
            "materials": [{"part_name": "Body", "material": "Brass"}],
        }));
        let nothing = json!({
            "output_type_id": null, "category_key": null, "settings": null, "use_materials": null, "library": null,
            "is_active": null, "materials": null,
        });
        let change = |patch| RenderTemplatePatch::parse(&patch, &engines).expect("a patch").of(full.clone());
        assert_eq!((change(json!({})), change(nothing)), (full.clone(), plain));
        let wrong = json!({"name": null, "output_type_id": "x", "materials": [{}], "settings": {"fill": 2}, "x": 1});
        let refused = RenderTemplatePatch::parse(&wrong, &engines).expect_err("wrong");
        let pointers: Vec<&str> = refused.findings.iter().map(|finding| finding.pointer.as_str()).collect();
        let at =
            ["/name", "/output_type_id", "/settings/fill", "/materials/0/part_name", "/materials/0/material", "/x"];
        assert_eq!(pointers, at);
    }
}
