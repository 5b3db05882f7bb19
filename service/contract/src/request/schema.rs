//! The description of requests in the API document, made from the table of options.

use std::borrow::Cow;
use std::sync::LazyLock;

use packshot_domain::artifact::RetentionClass;
use packshot_pipeline::plan::words::FileFormat;
use packshot_pipeline::plan::{Kind, OptionSpec, TABLE};
use packshot_words::Word;
use serde_json::{Map, Value, json};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{Asset, RenderRequest};

/// Made once: many operations show it.
static SCHEMA: LazyLock<RefOr<Schema>> = LazyLock::new(schema);

impl PartialSchema for RenderRequest {
    fn schema() -> RefOr<Schema> {
        SCHEMA.clone()
    }
}

fn schema() -> RefOr<Schema> {
    let mut properties = Map::new();
    let asset =
        |what: &str| json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Asset"}], "description": what});
    let product = "The product. A multipart request sends the file itself instead.";
    properties.insert("asset".to_owned(), asset(product));
    let map = "The environment map (`.hdr` or `.exr`). A multipart request sends the file itself instead.";
    properties.insert("environment".to_owned(), asset(map));
    let kinds: Vec<&str> = Kind::ENTRIES.iter().map(|entry| entry.word).collect();
    let kind =
        json!({"type": "string", "enum": kinds, "default": "still", "description": "What is made of the product."});
    properties.insert("kind".to_owned(), kind);
    for spec in TABLE {
        properties.insert(spec.name.to_owned(), member(spec));
    }
    let priority = json!({"type": "integer", "format": "int32", "minimum": -10, "maximum": 10, "description": "The order among the tenant's jobs: higher goes first."});
    properties.insert("priority".to_owned(), priority);
    let classes = RetentionClass::ALL;
    let class = json!({"type": "string", "enum": classes, "description": "How long the files are kept."});
    properties.insert("retention_class".to_owned(), class);
    let metadata = "The client's own data, which the job shows as its `metadata`; at most 16 KiB as JSON.";
    properties.insert("metadata".to_owned(), json!({"type": "object", "description": metadata, "writeOnly": true}));
    let description = "A picture to make. Every member may be left out of a request; a job shows the values in effect, and `null` for \
                       members that do not affect its pictures.";
    let schema =
        json!({"type": "object", "description": description, "properties": properties, "additionalProperties": false});
    of_json(schema)
}

impl ToSchema for RenderRequest {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("RenderRequest")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Asset::name().into_owned(), Asset::schema()));
        Asset::schemas(schemas);
    }
}

/// A schema of JSON; any object if the generator does not know a word in it, which a test would notice.
pub(crate) fn of_json(schema: Value) -> RefOr<Schema> {
    serde_json::from_value(schema).unwrap_or_else(|_| ObjectBuilder::new().into())
}

/// Schema of one option. Its description has the unit and the default, instead of a `default` in the schema: clients
/// may send that as if the user had chosen it, and it would override a preset or a template.
pub(crate) fn member(spec: &OptionSpec) -> Value {
    let mut schema = spec.schema();
    if let Value::Object(members) = &mut schema {
        members.remove("x-unit");
        if let Some(default) = members.remove("default") {
            let text = members.get("description").and_then(Value::as_str).unwrap_or_default();
            let value = plain(&default);
            let text = format!(
                "{text} Default: {value}, unless a preset, a template or a setting of the service says otherwise."
            );
            members.insert("description".to_owned(), text.into());
            members.insert("x-default".to_owned(), default);
        }
    }
    schema
}

/// A value without the quotation marks and brackets of JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The words of kinds.
pub fn kind_schema() -> RefOr<Schema> {
    crate::word::schema::<Kind>("What is made of a product.")
}

/// The words of formats.
pub fn file_format_schema() -> RefOr<Schema> {
    crate::word::schema::<FileFormat>("Its format.")
}
