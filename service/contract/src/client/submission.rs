//! What a client submits.

use bytes::Bytes;
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value};

use super::ClientError;
use crate::input_name;

/// A render to submit.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The product: a GLB, or a glTF with embedded data.
    pub glb: Bytes,
    /// What the product is called, such as the name of its file; the job shows it.
    pub name: Option<String>,
    /// Members of the request; those that are left out have their defaults.
    pub request: Map<String, Value>,
    /// An environment map, `.hdr` or `.exr`.
    pub environment: Option<Bytes>,
    /// Key of this submission, so that it can be sent again; generated if there is none.
    pub idempotency_key: Option<String>,
}

impl Submission {
    /// A product, rendered with every default.
    pub fn of_glb(glb: impl Into<Bytes>) -> Self {
        Self { glb: glb.into(), name: None, request: Map::new(), environment: None, idempotency_key: None }
    }

    pub(super) fn form(&self) -> Result<Form, ClientError> {
        let file = |bytes: &Bytes, name: Option<String>, kind: &str| {
            let part = Part::stream_with_length(Body::from(bytes.clone()), bytes.len() as u64);
            let part = name.into_iter().fold(part, Part::file_name);
            part.mime_str(kind)
        };
        // It goes into a header of the part, where a line break would end it.
        let name = self.name.as_deref().and_then(input_name::of_file);
        let request = Value::Object(self.request.clone()).to_string();
        let mut form = Form::new().part("request", Part::text(request).mime_str("application/json")?);
        form = form.part("glb", file(&self.glb, name, "model/gltf-binary")?);
        if let Some(environment) = &self.environment {
            form = form
                .part("environment", file(environment, Some("environment".to_owned()), "application/octet-stream")?);
        }
        Ok(form)
    }
}
