//! Files by their content, for each tenant.
//!
//! An object lies at `objects/<tenant>/<2 hex digits>/<62 hex digits>` of its BLAKE3 hash: on the local disk, or in a
//! bucket that speaks S3. It is there whole or not at all, it is durable when [`Store::put`] or [`Store::keep`]
//! returns, and it is never read without a comparison of its bytes with its name: as a whole, or group by group with
//! the hashes of its groups. An upload is spooled to the local disk while it is hashed, so that memory stays bounded. A
//! file at the root names the store and its database.

use std::path::PathBuf;
use std::sync::Arc;
#[cfg(feature = "testing")]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use packshot_domain::artifact::BackendId;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::TenantId;
use packshot_domain::time::Timestamp;

mod bucket;
mod cache;
mod error;
mod hashed;
mod identity;
mod pace;
mod reading;
mod spool;
mod spool_folder;

pub use bucket::BucketConfig;
pub use error::StoreError;
pub use hashed::Hashed;
pub use identity::{IDENTITY_FILE, Identity};
pub use pace::Pace;
pub use reading::Examined;
pub use spool::{Spool, Spooled};

use spool::Naming;
use spool_folder::SpoolFolder;

/// The place of the objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreConfig {
    /// A folder, which is created if it does not exist.
    Local {
        /// Holds `objects/` and `spool/`.
        root: PathBuf,
    },
    /// In a bucket; uploads are spooled to a local folder.
    Bucket {
        /// The bucket.
        bucket: BucketConfig,
        /// Where uploads are spooled.
        spool: PathBuf,
    },
}

/// Where it is, for people: without the key of a bucket.
impl std::fmt::Display for StoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local { root } => write!(f, "{}", root.display()),
            Self::Bucket { bucket, .. } => write!(f, "s3://{}/{}", bucket.bucket, bucket.prefix),
        }
    }
}

/// Files by their content. Clones are handles of the same store.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    objects: Box<dyn ObjectStore>,
    backend: BackendId,
    /// The folder of the objects, where they lie on the local disk.
    local_root: Option<PathBuf>,
    /// Where this process spools, and where all do.
    spool: SpoolFolder,
    spools: PathBuf,
    /// Whether the disk had no room for a file, since somebody asked last.
    was_full: Arc<AtomicBool>,
    #[cfg(feature = "testing")]
    is_full: AtomicBool,
    /// Bytes of objects that were read.
    #[cfg(feature = "testing")]
    bytes_read: AtomicU64,
}

/// A stored object, as the sweep sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its tenant.
    pub tenant: TenantId,
    /// Its content.
    pub address: ContentAddress,
    /// Its size.
    pub size_bytes: u64,
    /// When it was last written.
    pub modified_at: Timestamp,
}

impl Store {
    /// Opens a store, and removes what ended processes had spooled.
    ///
    /// # Errors
    /// [`StoreError::Io`] when a folder cannot be made or written, [`StoreError::Backend`] for a bucket that is not
    /// configured as it must be.
    pub fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        let (objects, backend, local_root, spools): (Box<dyn ObjectStore>, &str, _, _) = match config {
            StoreConfig::Local { root } => {
                std::fs::create_dir_all(root.join("objects"))?;
                let files = LocalFileSystem::new_with_prefix(root)?;
                (Box::new(files), "local", Some(root.clone()), root.join("spool"))
            }
            StoreConfig::Bucket { bucket, spool } => (bucket::open(bucket)?, "s3", None, spool.clone()),
        };
        let spool = SpoolFolder::open(&spools)?;
        spool_folder::clean(&spools, &spool)?;
        let inner = Inner {
            objects,
            backend: backend.parse::<BackendId>().map_err(|reason| StoreError::Io(std::io::Error::other(reason)))?,
            local_root,
            spool,
            spools,
            was_full: Arc::default(),
            #[cfg(feature = "testing")]
            is_full: AtomicBool::new(false),
            #[cfg(feature = "testing")]
            bytes_read: AtomicU64::new(0),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The name of what holds the objects, as receipts have it: `local` for a folder, `s3` for a bucket.
    pub fn backend(&self) -> BackendId {
        self.inner.backend.clone()
    }

    /// Removes what ended processes had spooled, however they ended.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn clean(&self) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || spool_folder::clean(&inner.spools, &inner.spool)).await?
    }

    /// Begins an upload. What is written to it is hashed, and is not visible until it is kept.
    ///
    /// # Errors
    /// [`StoreError::Full`] when that is known already.
    pub fn spool(&self, bytes_max: u64) -> Result<Spool, StoreError> {
        self.refuse_when_full()?;
        Ok(Spool::new(self.inner.spool.path(), bytes_max, self.inner.was_full.clone()))
    }

    /// Keeps an upload as an object of a tenant. It is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Backend`].
    pub async fn keep(&self, tenant: TenantId, upload: Spooled) -> Result<ContentAddress, StoreError> {
        self.refuse_when_full()?;
        let (address, path) = (upload.address(), object_path(tenant, &upload.address()));
        match &self.inner.local_root {
            Some(root) => upload.publish(root.join(path.as_ref())).await?,
            None => bucket::upload(&*self.inner.objects, &path, &upload).await?,
        }
        Ok(address)
    }

    /// Keeps bytes as an object of a tenant. It is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Backend`].
    pub async fn put(&self, tenant: TenantId, bytes: Bytes) -> Result<ContentAddress, StoreError> {
        self.put_hashed(tenant, Hashed::of(bytes).await?).await
    }

    /// Keeps bytes that were hashed before as an object of a tenant. It is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Backend`].
    pub async fn put_hashed(&self, tenant: TenantId, hashed: Hashed) -> Result<ContentAddress, StoreError> {
        self.refuse_when_full()?;
        let address = hashed.digests().address;
        let path = object_path(tenant, &address);
        match &self.inner.local_root {
            // A half-written file of a process that dies is left among the uploads, not among the objects.
            Some(root) => {
                let (folder, target) = (self.inner.spool.path().to_owned(), root.join(path.as_ref()));
                spool::place(folder, target, hashed.into_bytes(), Naming::Replace).await?;
            }
            None => bucket::put(&*self.inner.objects, &path, hashed.into_bytes()).await?,
        }
        Ok(address)
    }

    /// The size of an object.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Backend`].
    pub async fn size(&self, tenant: TenantId, address: &ContentAddress) -> Result<u64, StoreError> {
        Ok(self.inner.objects.head(&object_path(tenant, address)).await?.size)
    }

    /// Whether a tenant has an object.
    ///
    /// # Errors
    /// [`StoreError::Backend`].
    pub async fn has(&self, tenant: TenantId, address: &ContentAddress) -> Result<bool, StoreError> {
        match self.size(tenant, address).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes an object. An object that does not exist counts as removed.
    ///
    /// # Errors
    /// [`StoreError::Backend`].
    pub async fn delete(&self, tenant: TenantId, address: &ContentAddress) -> Result<(), StoreError> {
        match self.inner.objects.delete(&object_path(tenant, address)).await.map_err(StoreError::from) {
            Ok(()) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes all objects of a tenant, and whatever else lies among them. Called again after an interruption, it
    /// removes the rest.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Backend`].
    pub async fn delete_all(&self, tenant: TenantId) -> Result<(), StoreError> {
        self.forget_cached(tenant).await?;
        let folder = folder_of(tenant);
        let mut found = self.inner.objects.list(Some(&folder));
        while let Some(meta) = found.try_next().await? {
            match self.inner.objects.delete(&meta.location).await.map_err(StoreError::from) {
                Ok(()) | Err(StoreError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        // On a disk, empty folders are left.
        let Some(root) = &self.inner.local_root else { return Ok(()) };
        match tokio::fs::remove_dir_all(root.join(folder.as_ref())).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// All objects of all tenants. Files that are not named like an object are not listed.
    pub fn list(&self) -> BoxStream<'_, Result<ObjectInfo, StoreError>> {
        self.list_below(Path::from("objects"))
    }

    /// All objects of a tenant, read page by page as the backend gives them.
    pub fn list_of(&self, tenant: TenantId) -> BoxStream<'_, Result<ObjectInfo, StoreError>> {
        self.list_below(folder_of(tenant))
    }

    fn list_below(&self, folder: Path) -> BoxStream<'_, Result<ObjectInfo, StoreError>> {
        let found = self.inner.objects.list(Some(&folder));
        let infos = found.try_filter_map(|meta| async move {
            let modified_at = Timestamp::from_unix_ms(meta.last_modified.timestamp_millis());
            let info = parse_path(&meta.location);
            Ok(info.map(|(tenant, address)| ObjectInfo { tenant, address, size_bytes: meta.size, modified_at }))
        });
        infos.map_err(StoreError::from).boxed()
    }

    /// Tries whether files can be written.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`].
    pub async fn probe(&self) -> Result<(), StoreError> {
        let mut spool = self.spool(16)?;
        spool.write(b"packshot").await?;
        spool.finish().await.map(drop)
    }

    /// Whether the disk had no room for a file since the last call: one may be too large where another fits.
    pub fn was_full(&self) -> bool {
        self.inner.was_full.swap(false, Ordering::Relaxed)
    }

    #[cfg(feature = "testing")]
    fn refuse_when_full(&self) -> Result<(), StoreError> {
        if self.inner.is_full.load(Ordering::Relaxed) { Err(StoreError::Full) } else { Ok(()) }
    }

    #[cfg(not(feature = "testing"))]
    fn refuse_when_full(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Bytes of objects that were read so far.
    #[cfg(feature = "testing")]
    pub fn bytes_read(&self) -> u64 {
        self.inner.bytes_read.load(Ordering::Relaxed)
    }

    /// From now on the store has no space, or has it again.
    #[cfg(feature = "testing")]
    pub fn set_full(&self, is_full: bool) {
        self.inner.is_full.store(is_full, Ordering::Relaxed);
    }
}

/// Runs long computations on a thread that may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| StoreError::Io(std::io::Error::other(error)))
}

fn folder_of(tenant: TenantId) -> Path {
    Path::from_iter(["objects", &tenant.to_string()])
}

fn object_path(tenant: TenantId, address: &ContentAddress) -> Path {
    let hex = address.hex();
    let (folder, name) = hex.split_at(2);
    Path::from_iter(["objects", &tenant.to_string(), folder, name])
}

fn parse_path(path: &Path) -> Option<(TenantId, ContentAddress)> {
    let parts: Vec<_> = path.parts().collect();
    let [_, tenant, folder, name] = &parts[..] else { return None };
    let address = format!("blake3:{}{}", folder.as_ref(), name.as_ref()).parse().ok()?;
    Some((tenant.as_ref().parse().ok()?, address))
}

#[cfg(test)]
mod tests;
