//! Reading objects: whole, or a group at a time. What was read is compared with what it should be before it is given
//! out.

use std::ops::Range;
use std::sync::Arc;
#[cfg(feature = "testing")]
use std::sync::atomic::Ordering;

use bytes::Bytes;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};

use super::{Pace, Store, StoreError, blocking, object_path};
use packshot_domain::hash::{ContentAddress, Digester, Digests, GROUP_BYTES};
use packshot_domain::id::TenantId;

/// What is in the place of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Examined {
    /// The bytes that its name says.
    Whole(Digests),
    /// Nothing.
    Missing,
    /// Other bytes.
    Other {
        /// How many.
        size_bytes: u64,
        /// Their address; `None` when they changed while they were read.
        address: Option<ContentAddress>,
    },
}

impl Store {
    /// The bytes of an object, compared with its name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Corrupt`], [`StoreError::Backend`].
    pub async fn read(&self, tenant: TenantId, address: &ContentAddress) -> Result<Bytes, StoreError> {
        let bytes = self.inner.objects.get(&object_path(tenant, address)).await?.bytes().await?;
        self.count(&bytes);
        let expected = *address;
        let (found, bytes) = blocking(move || (ContentAddress::of(&bytes), bytes)).await?;
        if found == expected { Ok(bytes) } else { Err(StoreError::Corrupt { address: expected }) }
    }

    /// A group of an object with these digests, compared with its hash. Nothing else of the object is read.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Corrupt`] also for an object of another size, [`StoreError::Backend`].
    pub async fn group(&self, tenant: TenantId, of: &Arc<Digests>, group: u64) -> Result<Bytes, StoreError> {
        let range = group_range(group, of.size_bytes);
        let bytes = self.part(tenant, &of.address, range, of.size_bytes).await?;
        let (address, of) = (of.address, Arc::clone(of));
        let (fits, bytes) = blocking(move || (of.groups.fits(&of.address, group, &bytes), bytes)).await?;
        if fits { Ok(bytes) } else { Err(StoreError::Corrupt { address }) }
    }

    /// Reads all of an object in bounded memory, and compares it with its name; gives its digests.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Corrupt`], [`StoreError::Backend`].
    pub async fn verify(&self, tenant: TenantId, address: &ContentAddress) -> Result<Digests, StoreError> {
        match self.examine(tenant, address, &Pace::unlimited()).await? {
            Examined::Whole(digests) => Ok(digests),
            Examined::Missing => Err(StoreError::NotFound),
            Examined::Other { .. } => Err(StoreError::Corrupt { address: *address }),
        }
    }

    /// What is said of an object that is not there: an unmounted disk has none, and has lost none.
    async fn missing(&self) -> Result<Examined, StoreError> {
        match self.identity().await? {
            Some(_) => Ok(Examined::Missing),
            None => Err(StoreError::Away),
        }
    }

    /// Reads all of an object in bounded memory at this pace, and says what is there.
    ///
    /// # Errors
    /// [`StoreError::Backend`], [`StoreError::Io`], [`StoreError::Away`]: then nothing is known of the object.
    pub async fn examine(
        &self,
        tenant: TenantId,
        address: &ContentAddress,
        pace: &Pace,
    ) -> Result<Examined, StoreError> {
        let size_bytes = match self.size(tenant, address).await {
            Err(StoreError::NotFound) => return self.missing().await,
            size_bytes => size_bytes?,
        };
        let mut digester = Digester::default();
        for group in 0..size_bytes.div_ceil(GROUP_BYTES) {
            let range = group_range(group, size_bytes);
            pace.take(range.end - range.start).await;
            let bytes = match self.part(tenant, address, range, size_bytes).await {
                Err(StoreError::NotFound) => return self.missing().await,
                // It has another size by now.
                Err(StoreError::Corrupt { .. }) => return Ok(Examined::Other { size_bytes, address: None }),
                bytes => bytes?,
            };
            digester = blocking(move || {
                digester.update(&bytes);
                digester
            })
            .await?;
        }
        let digests = digester.finish();
        Ok(if digests.address == *address {
            Examined::Whole(digests)
        } else {
            Examined::Other { size_bytes, address: Some(digests.address) }
        })
    }

    /// How many groups of an object are worth reading at the same time: a bucket answers after a while.
    pub fn groups_at_once(&self) -> usize {
        if self.inner.local_root.is_some() { 1 } else { 2 }
    }

    /// Some bytes of an object that has `size_bytes`, as they are.
    async fn part(
        &self,
        tenant: TenantId,
        address: &ContentAddress,
        range: Range<u64>,
        size_bytes: u64,
    ) -> Result<Bytes, StoreError> {
        let corrupt = StoreError::Corrupt { address: *address };
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = match self.inner.objects.get_opts(&object_path(tenant, address), options).await {
            Ok(found) => found,
            Err(error) => {
                // A store refuses a range that begins after the end of an object that was cut off.
                let is_other = self.size(tenant, address).await.is_ok_and(|found| found != size_bytes);
                return Err(if is_other { corrupt } else { error.into() });
            }
        };
        if found.meta.size != size_bytes {
            return Err(corrupt);
        }
        let bytes = found.bytes().await?;
        self.count(&bytes);
        Ok(bytes)
    }

    /// Counts bytes that were read.
    #[cfg(feature = "testing")]
    fn count(&self, bytes: &Bytes) {
        self.inner.bytes_read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }

    /// Counts nothing.
    #[cfg(not(feature = "testing"))]
    fn count(&self, _: &Bytes) {}
}

/// Where the bytes of a group are, in an object of this size.
fn group_range(group: u64, size_bytes: u64) -> Range<u64> {
    let start = group * GROUP_BYTES;
    start..(start + GROUP_BYTES).min(size_bytes)
}
