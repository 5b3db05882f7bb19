//! What an external executor renders, as the row of its task keeps it: frozen before the work begins, with a version.
//! Every version that a release has written loads.

use serde::{Deserialize, Serialize};

use crate::renders::lines::External;
use crate::renders::spec::{RenderV1, text};
use packshot_db::Json;
use packshot_domain::hash::ContentAddress;
use packshot_domain::task::FaultKind;
use packshot_worker::protocol::Failure;

/// Version 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExternalSpec {
    /// What the built-in renderer would render.
    pub(super) render: RenderV1,
    /// The CAD file that the GLB was made of, which may be the same.
    #[serde(with = "text")]
    pub(super) source: ContentAddress,
    /// What its sender called that.
    pub(super) source_name: String,
    /// The materials of its parts, as the product and its template have them.
    pub(super) materials: Vec<Json>,
}

/// A spec as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versioned<T> {
    version: u32,
    spec: T,
}

impl From<External> for ExternalSpec {
    fn from(found: External) -> Self {
        let External { render, source, source_name, materials } = found;
        Self { render, source, source_name, materials }
    }
}

impl ExternalSpec {
    /// The stored form.
    ///
    /// # Errors
    /// When the plan has no place in a document: a defect.
    pub(super) fn write(&self) -> Result<Json, Failure> {
        serde_json::to_value(Versioned { version: 1, spec: self }).map_err(|error| {
            tracing::error!("the spec of an executor's task cannot be written: {error}");
            Failure::new(FaultKind::Input, "internal_error", "the task cannot be stored")
        })
    }

    /// What is to be rendered.
    ///
    /// # Errors
    /// `spec.invalid`, which fails the task, because another attempt would read the same.
    pub(super) fn read(stored: &Json) -> Result<Self, Failure> {
        let invalid = |reason: String| {
            tracing::error!("the spec of an executor's task cannot be read: {reason}");
            let detail = "this version of Packshot cannot read the stored task; dispatch the line again";
            Failure::new(FaultKind::Input, "spec.invalid", detail)
        };
        match serde_json::from_value(stored.clone()) {
            Ok(Versioned { version: 1, spec }) => Ok(spec),
            Ok(Versioned { version, .. }) => Err(invalid(format!("its version is {version}"))),
            Err(error) => Err(invalid(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A render as version 1 wrote it.
    const RENDER_V1: &str = include_str!("../renders/spec/v1.json");

    fn v1() -> Json {
        let render: Json = serde_json::from_str(RENDER_V1).expect("JSON");
        let source = ContentAddress::of(b"source").to_string();
        let materials = json!([{"part_name": "Body", "material": "Steel"}]);
        let of_file = (source, "bearing.step");
        json!({"version": 1, "spec": {
            "render": render["spec"], "source": of_file.0, "source_name": of_file.1, "materials": materials,
        }})
    }

    #[test]
    fn r95_stored_tasks_of_executors_load() {
        let spec = ExternalSpec::read(&v1()).expect("it loads");
        assert_eq!((spec.source, spec.source_name.as_str()), (ContentAddress::of(b"source"), "bearing.step"));
        assert_eq!(spec.write().expect("JSON"), v1(), "it is written as it was");
    }

    #[test]
    fn r95_tasks_of_executors_that_cannot_be_read_fail_at_once() {
        let with = |pointer: &str, value: Json| {
            let mut stored = v1();
            *stored.pointer_mut(pointer).expect("a member") = value;
            stored
        };
        let unfit = [
            json!({}),
            with("/version", json!(2)),
            with("/spec/source", json!("b3:no")),
            with("/spec/render/plan/options/width", json!(0)),
        ];
        for stored in unfit {
            let failure = ExternalSpec::read(&stored).expect_err("no spec");
            assert_eq!((failure.fault, failure.code.as_str()), (FaultKind::Input, "spec.invalid"), "{stored}");
        }
    }
}
