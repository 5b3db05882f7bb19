//! Requests: what a client sends, and what a job shows of it.
//!
//! [`RenderRequest::read`] finds everything that is wrong with a request. What it gives has the options that were given
//! and no others; [`RenderRequest::resolved`] decides the picture and gives the request with every option in effect, as
//! a job shows it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use packshot_domain::artifact::RetentionClass;
use packshot_domain::render::RenderKind;
use packshot_pipeline::plan::words::{FileFormat, Light};
use packshot_pipeline::plan::{self, Base, Kind, Limits, OptionId, Options, PicturePlan};
use packshot_words::Word;

use super::problem::Invalid;

mod asset;
pub(crate) mod faults;
mod later;
pub(crate) mod read;
pub(crate) mod schema;

pub use asset::Asset;
pub use faults::place;
pub use read::Uploads;
pub use schema::{file_format_schema, kind_schema};

/// Most samples per pixel of a request.
pub const SAMPLES_MAX: u32 = 65_536;
/// The retention class of a request that names none.
const RETENTION_CLASS: RetentionClass = RetentionClass::RenderOutput;

/// A picture to make. Every member may be left out of a request; a job shows the values in effect, and `null` for
/// members that do not affect its pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderRequest {
    /// The product. A multipart request sends the file itself instead.
    pub asset: Option<Asset>,
    /// The environment map. A multipart request sends the file itself instead.
    pub environment: Option<Asset>,
    /// What is made of the product.
    pub kind: Kind,
    /// The options of the picture.
    pub options: Options,
    /// Higher goes first.
    pub priority: i32,
    /// How long the files are kept.
    pub retention_class: RetentionClass,
    /// Anything that the client wants to keep with the job, as its `metadata`.
    pub metadata: Map<String, Value>,
}

impl Default for RenderRequest {
    fn default() -> Self {
        Self {
            asset: None,
            environment: None,
            kind: Kind::Still,
            options: Options::default(),
            priority: 0,
            retention_class: RETENTION_CLASS,
            metadata: Map::new(),
        }
    }
}

impl RenderRequest {
    /// Decides what is to be made, and gives the request with every option in effect. `files` are those that came with
    /// it.
    ///
    /// # Errors
    /// Everything that is wrong with the options, each with its pointer.
    pub fn resolved(mut self, files: Uploads, limits: &Limits) -> Result<(Self, PicturePlan), Invalid> {
        let has_environment = files.has_environment || self.environment.is_some();
        let base = Base { kind: self.kind, has_environment, ..Base::default() };
        let plan = plan::resolve(&base, &self.options, limits);
        let plan = plan.map_err(|faults| Invalid { findings: faults.iter().map(faults::finding).collect() })?;
        self.options = plan.options.clone();
        Ok((self, plan))
    }

    /// The formats of its files, of a request with its options in effect.
    pub fn file_formats(&self) -> Vec<FileFormat> {
        if let Some(formats) = &self.options.formats {
            return formats.clone();
        }
        // Those of a template, of which it may have several of one format.
        let has_environment = self.options.light == Some(Light::Environment);
        let base = Base { kind: self.kind, has_environment, ..Base::default() };
        let plan = plan::resolve(&base, &self.options, &Limits::default());
        let files = plan.map(|plan| plan.files).unwrap_or_default();
        let mut formats: Vec<FileFormat> = Vec::with_capacity(files.len());
        for file in files {
            if !formats.contains(&file.format) {
                formats.push(file.format);
            }
        }
        formats
    }

    /// Everything that the picture depends on, as bytes that are equal for equal pictures: the request without
    /// priority, retention and metadata.
    pub fn canonical(&self) -> Vec<u8> {
        let members = json!({
            "asset": self.asset,
            "environment": self.environment,
            "kind": self.kind,
            "options": self.options,
        });
        members.to_string().into_bytes()
    }
}

/// The name of a kind of renders where options are decided.
pub fn kind_of(kind: RenderKind) -> Kind {
    match kind {
        RenderKind::Still => Kind::Still,
        RenderKind::Turntable => Kind::Turntable,
        RenderKind::Views => Kind::Views,
    }
}

/// The kind of renders that a kind is stored as.
pub fn render_kind(kind: Kind) -> RenderKind {
    match kind {
        Kind::Still => RenderKind::Still,
        Kind::Turntable => RenderKind::Turntable,
        Kind::Views => RenderKind::Views,
    }
}

impl Serialize for RenderRequest {
    /// Every member but the metadata, which a job has itself; `null` for options without a value.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = Map::new();
        members.insert("asset".to_owned(), json!(self.asset));
        members.insert("environment".to_owned(), json!(self.environment));
        members.insert("kind".to_owned(), json!(self.kind.word()));
        for id in OptionId::all() {
            members.insert(id.spec().name.to_owned(), self.options.json(id).unwrap_or(Value::Null));
        }
        members.insert("priority".to_owned(), json!(self.priority));
        members.insert("retention_class".to_owned(), json!(self.retention_class));
        members.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RenderRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Value::deserialize(deserializer)?;
        let files = Uploads { has_glb: members.get("asset").is_none_or(Value::is_null), has_environment: false };
        Self::read(&members, files).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
