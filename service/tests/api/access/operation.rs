//! The operations of the OpenAPI document, as far as access goes.

use std::fmt;

use packshot_domain::hash::ContentAddress;
use reqwest::Method;
use serde_json::Value;

/// Path parameters that name something which every tenant has, by the document's word for them. Every other one is an
/// id.
const NAMES: &[(&str, &str)] = &[
    ("get_material", "id"),
    ("get_worker_config", "queue_name"),
    ("put_worker_config", "queue_name"),
    ("get_result", "result"),
    ("get_file", "name"),
    ("put_package_file", "relative_path"),
    ("put_notification_config", "event_type"),
    ("get_comparison_picture", "picture"),
    ("get_media_download", "ticket"),
];

/// The parameter that is a content address instead: what has it belongs to a tenant as well.
pub(super) const ADDRESS: &str = "content_address";

/// An operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    /// With its parameters in braces.
    pub(super) path: String,
    /// Its `operationId`.
    pub(super) name: String,
    /// What its caller needs; `None`: it is open to everyone.
    pub(super) permission: Option<String>,
    /// The scope that a key needs.
    pub(super) scope: Option<String>,
    /// `tenant`, `instance` or `open`.
    pub(super) tenancy: String,
    /// Parameters of the path that are ids or content addresses, in its order.
    pub(super) ids: Vec<String>,
    /// Parameters of the query.
    pub(super) query: Vec<String>,
    /// What the query has to refer to, by the examples: `?context_id=…`; empty where nothing is asked.
    referring: String,
    /// Whether it takes an `Idempotency-Key`.
    pub(super) takes_key: bool,
    /// Codes of its errors.
    pub(super) codes: Vec<String>,
    /// The media type and the example of its body.
    pub(super) body: Option<(String, Value)>,
    /// The schema of a body that is JSON.
    pub(super) schema: Option<Value>,
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// An example as it is in a URL or a form.
fn plain(example: &Value) -> String {
    text(example).unwrap_or_else(|| example.to_string())
}

impl Operation {
    /// Every operation of a document. Each of them says what its caller needs (T08).
    pub(super) fn all(document: &Value) -> Vec<Self> {
        let mut found = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                found.push(Self::read(document, path, method, operation));
            }
        }
        assert!(found.len() > 50, "{} operations", found.len());
        found
    }

    fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Self {
        let what = format!("{method} {path}");
        let word = |member: &str| {
            text(operation.get(member).unwrap_or_else(|| panic!("{what} has no {member}: describe it by `operation`")))
        };
        let name = operation["operationId"].as_str().expect("an id").to_owned();
        let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
        let of = |place: &str| {
            let within = parameters.iter().filter(|parameter| parameter["in"] == place);
            within.map(|parameter| parameter["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
        };
        let mut with_examples = path.to_owned();
        let mut ids = Vec::new();
        for parameter in parameters.iter().filter(|parameter| parameter["in"] == "path") {
            let own = parameter["name"].as_str().expect("a name");
            if NAMES.contains(&(name.as_str(), own)) {
                with_examples = with_examples.replace(&format!("{{{own}}}"), &plain(&parameter["example"]));
                continue;
            }
            // A preset is known by a name that its tenant gave it.
            let is_given = path.starts_with("/api/v1/design-presets/");
            let is_id = is_given || parameter["schema"]["format"] == "uuid" || own == ADDRESS;
            assert!(is_id, "{what}: `{own}` is no id by its format; if it is a name, add it to access/operation.rs");
            ids.push(own.to_owned());
        }
        let asked = parameters.iter().find(|parameter| {
            parameter["in"] == "query" && parameter["required"] == true && parameter["schema"]["format"] == "uuid"
        });
        let referring = asked.map(|asked| format!("?{}={}", plain(&asked["name"]), plain(&asked["example"])));
        let contents = operation["requestBody"]["content"].as_object();
        let content = contents.and_then(|contents| {
            let json = contents.iter().find(|(media_type, _)| media_type.as_str() == "application/json");
            json.or_else(|| contents.iter().next())
        });
        let body = content.map(|(media_type, content)| (media_type.clone(), content["example"].clone()));
        let schema = content.filter(|(media_type, _)| media_type.ends_with("json")).map(|(_, content)| {
            let reference = content["schema"]["$ref"].as_str().map(|to| to.trim_start_matches('#'));
            reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(&content["schema"]).clone()
        });
        let codes = operation["x-error-codes"].as_array().expect("codes").iter().filter_map(text).collect();
        Self {
            method: method.to_uppercase().parse().expect("a method"),
            path: with_examples,
            permission: word("x-permission"),
            scope: word("x-scope"),
            tenancy: word("x-tenancy").expect("a word"),
            ids,
            query: of("query"),
            referring: referring.unwrap_or_default(),
            takes_key: of("header").iter().any(|header| header == "Idempotency-Key"),
            codes,
            body,
            schema,
            name,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.tenancy == "open"
    }

    pub(super) fn has_id(&self) -> bool {
        !self.ids.is_empty()
    }

    /// Whether it reads something that is there for everyone who may.
    pub(super) fn is_plain_read(&self) -> bool {
        self.method == Method::GET && !self.has_id()
    }

    /// Its path with these ids.
    pub(super) fn path_with(&self, ids: &[String]) -> String {
        assert_eq!(ids.len(), self.ids.len(), "{self}");
        let parts = self.ids.iter().zip(ids);
        parts.fold(self.path.clone(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id)) + &self.referring
    }

    /// Whether its query has to refer to something.
    pub(super) fn has_reference(&self) -> bool {
        !self.referring.is_empty()
    }

    /// Ids that nothing has.
    pub(super) fn made_up_ids(&self) -> Vec<String> {
        let made_up = |name: &String| {
            let id = uuid::Uuid::now_v7();
            if name == ADDRESS { ContentAddress::of(id.as_bytes()).to_string() } else { id.to_string() }
        };
        self.ids.iter().map(made_up).collect()
    }

    /// The members of its body's example, as the parts of a form.
    pub(super) fn form_members(&self) -> Vec<(String, String)> {
        let members = self.body.iter().filter_map(|(_, example)| example.as_object()).flatten();
        members.map(|(name, value)| (name.clone(), plain(value))).collect()
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
