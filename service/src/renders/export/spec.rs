//! What an export computes, as the row of its task keeps it: frozen before the work begins, with a version. Every
//! version that a release has written loads.

use serde::{Deserialize, Serialize};

use super::super::spec::RenderV1;
use packshot_db::Json;
use packshot_domain::task::FaultKind;
use packshot_pipeline::export::ExportForm;
use packshot_worker::protocol::Failure;

/// Version 1 of an export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportSpec {
    /// What is written: a quality of the geometry, or `production`.
    #[serde(rename = "quality", with = "form")]
    pub(super) form: ExportForm,
    /// The product with its materials; of the plan only that counts which is about them.
    pub(super) product: RenderV1,
}

/// What is written, as a word.
mod form {
    use packshot_pipeline::export::{ExportForm, ExportQuality};
    use packshot_words::Word;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    const PRODUCTION: &str = "production";

    pub(super) fn serialize<S: Serializer>(form: &ExportForm, serializer: S) -> Result<S::Ok, S::Error> {
        match form {
            ExportForm::Geometry(quality) => quality.word().serialize(serializer),
            ExportForm::Production => PRODUCTION.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ExportForm, D::Error> {
        let word = String::deserialize(deserializer)?;
        match ExportQuality::by_word(&word) {
            Some(quality) => Ok(ExportForm::Geometry(quality)),
            None if word == PRODUCTION => Ok(ExportForm::Production),
            None => Err(de::Error::custom(format!("there is no export {word:?}"))),
        }
    }
}

/// A spec as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versioned<T> {
    version: u32,
    spec: T,
}

impl ExportSpec {
    /// The stored form.
    ///
    /// # Errors
    /// When the plan has no place in a document: a defect.
    pub(super) fn write(&self) -> Result<Json, Failure> {
        serde_json::to_value(Versioned { version: 1, spec: self }).map_err(|error| {
            tracing::error!("the spec of an export cannot be written: {error}");
            Failure::new(FaultKind::Input, "internal_error", "the task cannot be stored")
        })
    }

    /// What is to be computed.
    ///
    /// # Errors
    /// `spec.invalid`, which fails the task, because another attempt would read the same.
    pub(super) fn read(stored: &Json) -> Result<Self, Failure> {
        let invalid = |reason: String| {
            tracing::error!("the spec of an export cannot be read: {reason}");
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
    use packshot_pipeline::export::ExportQuality;
    use serde_json::json;

    use super::*;

    /// A render as version 1 wrote it.
    const RENDER_V1: &str = include_str!("../spec/v1.json");

    fn v1() -> Json {
        let render: Json = serde_json::from_str(RENDER_V1).expect("JSON");
        json!({"version": 1, "spec": {"quality": "low", "product": render["spec"]}})
    }

    #[test]
    fn r95_stored_exports_load() {
        let spec = ExportSpec::read(&v1()).expect("it loads");
        assert_eq!(spec.form, ExportForm::Geometry(ExportQuality::Low));
        let production = ExportSpec { form: ExportForm::Production, ..spec.clone() };
        let again = ExportSpec::read(&production.write().expect("JSON")).expect("it loads");
        assert_eq!(again, production);
        assert_eq!(spec.write().expect("JSON"), v1(), "it is written as it was");
    }

    #[test]
    fn r95_exports_that_cannot_be_read_fail_at_once() {
        let with = |pointer: &str, value: Json| {
            let mut stored = v1();
            *stored.pointer_mut(pointer).expect("a member") = value;
            stored
        };
        let unfit = [
            json!({}),
            with("/version", json!(2)),
            with("/spec/quality", json!("best")),
            with("/spec/product/plan/options/width", json!(0)),
        ];
        for stored in unfit {
            let failure = ExportSpec::read(&stored).expect_err("no spec");
            assert_eq!((failure.fault, failure.code.as_str()), (FaultKind::Input, "spec.invalid"), "{stored}");
        }
    }
}
