//! Objects in a bucket that speaks S3.

use std::time::Duration;

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig, WriteMultipart};
use tokio::io::AsyncReadExt;

use super::{Spooled, StoreError};

/// Bytes of a part of a multipart upload; S3 requires at least 5 MiB.
const PART_BYTES: usize = 8 << 20;
/// Parts that are sent at the same time.
const PARTS_AT_ONCE: usize = 2;

/// How long a request to a bucket that does not answer is repeated: a short disturbance is hidden, and after a longer
/// one the client, who waits meanwhile, is told.
const RETRIED_FOR: Duration = Duration::from_secs(10);
/// The longest pause between two tries of a request.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// A bucket and how to reach it.
#[derive(Clone, PartialEq, Eq)]
pub struct BucketConfig {
    /// Its name.
    pub bucket: String,
    /// The prefix of every name; empty or ending in `/`.
    pub prefix: String,
    /// Where it is, such as `eu-central-1`.
    pub region: String,
    /// Another server than Amazon's, such as `https://minio.example:9000`.
    pub endpoint: Option<String>,
    /// The id of the access key; `None`: from the environment or the machine's role.
    pub access_key_id: Option<String>,
    /// The secret of the access key.
    pub secret_access_key: Option<String>,
    /// Whether the endpoint may be without TLS.
    pub allow_http: bool,
}

impl std::fmt::Debug for BucketConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bucket, region, endpoint, allow_http, .. } = self;
        f.debug_struct("BucketConfig")
            .field("bucket", bucket)
            .field("region", region)
            .field("endpoint", endpoint)
            .field("allow_http", allow_http)
            .finish_non_exhaustive()
    }
}

pub(super) fn open(config: &BucketConfig) -> Result<Box<dyn ObjectStore>, StoreError> {
    // Another part of the process may have chosen the provider already: then that one counts.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let BucketConfig { bucket, prefix, region, endpoint, access_key_id, secret_access_key, allow_http } = config;
    let backoff = BackoffConfig { max_backoff: PAUSE_MAX, ..BackoffConfig::default() };
    let mut builder = AmazonS3Builder::from_env()
        .with_retry(RetryConfig { backoff, retry_timeout: RETRIED_FOR, ..RetryConfig::default() })
        .with_bucket_name(bucket)
        .with_region(region)
        .with_allow_http(*allow_http)
        .with_virtual_hosted_style_request(endpoint.is_none());
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let (Some(id), Some(secret)) = (access_key_id, secret_access_key) {
        builder = builder.with_access_key_id(id).with_secret_access_key(secret);
    }
    Ok(Box::new(PrefixStore::new(builder.build()?, prefix.as_str())))
}

/// Sends bytes to the bucket. Nothing is visible until all of them are there.
pub(super) async fn put(objects: &dyn ObjectStore, path: &Path, bytes: Bytes) -> Result<(), StoreError> {
    let size_bytes = bytes.len() as u64;
    objects.put_opts(path, PutPayload::from_bytes(bytes), Default::default()).await?;
    StoreError::unless_size(size_bytes, objects.head(path).await?.size)
}

/// Sends an upload to the bucket, in parts when it is large. Nothing is visible until all of it is there.
pub(super) async fn upload(objects: &dyn ObjectStore, path: &Path, upload: &Spooled) -> Result<(), StoreError> {
    let mut file = tokio::fs::File::open(upload.path()).await?;
    if upload.size_bytes() <= PART_BYTES as u64 {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).await?;
        StoreError::unless_size(upload.size_bytes(), bytes.len() as u64)?;
        return put(objects, path, bytes.into()).await;
    }
    let parts = objects.put_multipart_opts(path, Default::default()).await?;
    let mut writer = WriteMultipart::new_with_chunk_size(parts, PART_BYTES);
    match send(&mut file, &mut writer).await {
        Ok(()) => {
            writer.finish().await?;
            StoreError::unless_size(upload.size_bytes(), objects.head(path).await?.size)
        }
        Err(error) => {
            // The first failure is the one to report.
            let _ = writer.abort().await;
            Err(error)
        }
    }
}

async fn send(file: &mut tokio::fs::File, writer: &mut WriteMultipart) -> Result<(), StoreError> {
    let mut piece = vec![0; 256 << 10];
    loop {
        let n = file.read(&mut piece).await?;
        if n == 0 {
            return Ok(());
        }
        writer.wait_for_capacity(PARTS_AT_ONCE).await?;
        writer.write(&piece[..n]);
    }
}
