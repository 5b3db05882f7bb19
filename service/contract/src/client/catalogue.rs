//! What orders are of: CAD files, products, output types.

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method};
use serde_json::json;
use uuid::Uuid;

use super::{Client, ClientError};
use crate::cad_file::CadFile;
use crate::input_name;
use crate::output_type::{OutputType, OutputTypePage};
use crate::product::{Product, ProductPage, ProductRequest};
use crate::tenant_config::TenantConfig;

/// Elements that a page of a list has at most.
const PAGE: &str = "200";

impl Client {
    /// Uploads a CAD file. One with the same bytes is answered as it is.
    ///
    /// # Errors
    /// When the service refuses it, or cannot be reached.
    pub async fn upload_cad_file(&self, name: &str, file: &Bytes) -> Result<CadFile, ClientError> {
        self.repeated(|| async {
            let part = Part::stream_with_length(Body::from(file.clone()), file.len() as u64);
            let part = input_name::of_file(name).into_iter().fold(part, Part::file_name);
            let form = Form::new().part("file", part.mime_str("application/octet-stream")?);
            self.json(self.request(Method::POST, "api/v1/cad-files")?.multipart(form)).await
        })
        .await
    }

    /// A CAD file.
    ///
    /// # Errors
    /// When there is none, or the service cannot be reached.
    pub async fn cad_file(&self, id: Uuid) -> Result<CadFile, ClientError> {
        self.again(Method::GET, &format!("api/v1/cad-files/{id}")).await
    }

    /// Makes a product. It is made once, however often it has to be sent.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn create_product(&self, product: &ProductRequest) -> Result<Product, ClientError> {
        self.post("api/v1/products", Some(product)).await
    }

    /// A product.
    ///
    /// # Errors
    /// When there is none, or the service cannot be reached.
    pub async fn product(&self, id: Uuid) -> Result<Product, ClientError> {
        self.again(Method::GET, &format!("api/v1/products/{id}")).await
    }

    /// The product with this `pim_id`; `None` where there is none.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn product_with_pim_id(&self, pim_id: &str) -> Result<Option<Product>, ClientError> {
        let page: ProductPage = self.page("api/v1/products", &[("pim_id", Some(pim_id)), ("limit", Some("1"))]).await?;
        Ok(page.items.into_iter().next())
    }

    /// Gives a product another CAD file.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn set_cad_file(&self, product: Uuid, file: Uuid) -> Result<Product, ClientError> {
        let change = json!({ "cad_file_id": file });
        self.repeated(|| async {
            self.json(self.request(Method::PATCH, &format!("api/v1/products/{product}"))?.json(&change)).await
        })
        .await
    }

    /// An output type.
    ///
    /// # Errors
    /// When there is none, or the service cannot be reached.
    pub async fn output_type(&self, id: Uuid) -> Result<OutputType, ClientError> {
        self.again(Method::GET, &format!("api/v1/output-types/{id}")).await
    }

    /// All output types of the tenant, newest first.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn output_types(&self) -> Result<Vec<OutputType>, ClientError> {
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let parameters = [("limit", Some(PAGE)), ("cursor", cursor.as_deref())];
            let page: OutputTypePage = self.page("api/v1/output-types", &parameters).await?;
            all.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }

    /// The configuration of the caller's tenant.
    ///
    /// # Errors
    /// When the service refuses, or cannot be reached.
    pub async fn tenant_config(&self) -> Result<TenantConfig, ClientError> {
        self.again(Method::GET, "api/v1/tenant/config").await
    }
}
