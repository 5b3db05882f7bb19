//! What a client submits.

use bytes::Bytes;
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value};

use super::ClientError;

/// A render to submit.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The product: a GLB, or a glTF with embedded data.
    pub glb: Bytes,
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
        Self { glb: glb.into(), request: Map::new(), environment: None, idempotency_key: None }
    }

    pub(super) fn form(&self) -> Result<Form, ClientError> {
        let file = |bytes: &Bytes, name: &str, kind: &str| {
            let part = Part::stream_with_length(Body::from(bytes.clone()), bytes.len() as u64);
            part.file_name(name.to_owned()).mime_str(kind)
        };
        let request = Value::Object(self.request.clone()).to_string();
        let mut form = Form::new().part("request", Part::text(request).mime_str("application/json")?);
        form = form.part("glb", file(&self.glb, "product.glb", "model/gltf-binary")?);
        if let Some(environment) = &self.environment {
            form = form.part("environment", file(environment, "environment", "application/octet-stream")?);
        }
        Ok(form)
    }
}
