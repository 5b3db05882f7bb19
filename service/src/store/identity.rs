//! The identity of a store and of its database: a small file at its root, written once.

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::spool::{self, Naming};
use super::{Store, StoreError};
use packshot_domain::id::{StoreId, TenantId};

/// The name of the file.
pub const IDENTITY_FILE: &str = "packshot-store.json";

/// Which store it is, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The store.
    pub store: StoreId,
    /// The operating tenant of the database whose files it holds: no other database has this tenant.
    pub tenant: TenantId,
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct Content {
    store: Uuid,
    operating_tenant: Uuid,
}

impl Identity {
    fn write(self) -> Result<Bytes, StoreError> {
        let content = Content { store: self.store.uuid(), operating_tenant: self.tenant.uuid() };
        let mut text = serde_json::to_vec_pretty(&content).map_err(std::io::Error::from)?;
        text.push(b'\n');
        Ok(text.into())
    }

    fn read(text: &[u8]) -> Result<Self, StoreError> {
        let content: Content = serde_json::from_slice(text).map_err(|reason| {
            let reason = format!("{IDENTITY_FILE} does not name the database of this store: {reason}");
            StoreError::Io(std::io::Error::new(std::io::ErrorKind::InvalidData, reason))
        })?;
        let (store, tenant) = (StoreId::from_uuid(content.store), TenantId::from_uuid(content.operating_tenant));
        Ok(Self { store, tenant })
    }
}

impl Store {
    /// The identity; `None` while the store belongs to no database.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the file holds something else, [`StoreError::Backend`].
    pub async fn identity(&self) -> Result<Option<Identity>, StoreError> {
        let found = self.inner.objects.get(&Path::from(IDENTITY_FILE)).await.map_err(StoreError::from);
        match found {
            Ok(found) => Identity::read(&found.bytes().await?).map(Some),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Assigns the store, if it belongs to no database yet; returns the identity that holds afterwards. It is durable
    /// when this returns.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Backend`].
    pub async fn claim(&self, wanted: Identity) -> Result<Identity, StoreError> {
        self.write_identity(wanted, Naming::Keep).await?;
        // Of several services, another one was first.
        self.identity().await?.ok_or(StoreError::NotFound)
    }

    /// Assigns the store, whatever database it belonged to. It is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Backend`].
    pub async fn assign(&self, wanted: Identity) -> Result<(), StoreError> {
        self.write_identity(wanted, Naming::Replace).await
    }

    async fn write_identity(&self, identity: Identity, naming: Naming) -> Result<(), StoreError> {
        let content = identity.write()?;
        match &self.inner.local_root {
            Some(root) => {
                let folder = self.inner.spool.path().to_owned();
                spool::place(folder, root.join(IDENTITY_FILE), content, naming).await
            }
            None => upload(&*self.inner.objects, content, naming).await,
        }
    }
}

/// Writes the file to a bucket.
async fn upload(objects: &dyn ObjectStore, content: Bytes, naming: Naming) -> Result<(), StoreError> {
    let mode = match naming {
        Naming::Replace => PutMode::Overwrite,
        Naming::Keep => PutMode::Create,
    };
    let written = objects.put_opts(&Path::from(IDENTITY_FILE), PutPayload::from_bytes(content), mode.into()).await;
    match written {
        Err(object_store::Error::AlreadyExists { .. }) if naming == Naming::Keep => Ok(()),
        written => Ok(written.map(drop)?),
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    fn new() -> Identity {
        Identity { store: StoreId::new(), tenant: TenantId::new() }
    }

    #[tokio::test]
    async fn a_bucket_keeps_its_first_identity_until_it_is_assigned() {
        let (objects, first, second) = (InMemory::new(), new(), new());
        let found = async || {
            let found = objects.get(&Path::from(IDENTITY_FILE)).await.expect("there").bytes().await;
            Identity::read(&found.expect("read")).expect("an identity")
        };
        for (identity, naming, is) in
            [(first, Naming::Keep, first), (second, Naming::Keep, first), (second, Naming::Replace, second)]
        {
            upload(&objects, identity.write().expect("text"), naming).await.expect("written");
            assert_eq!(found().await, is);
        }
    }

    #[tokio::test]
    async fn something_else_is_no_identity() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&super::super::StoreConfig::Local { root: folder.path().to_owned() }).expect("opens");
        std::fs::write(folder.path().join(IDENTITY_FILE), b"half a fi").expect("written");
        let error = store.identity().await.expect_err("nobody knows whose it is");
        assert!(matches!(&error, StoreError::Io(reason) if reason.to_string().contains(IDENTITY_FILE)), "{error:?}");
        let kept = store.claim(new()).await;
        assert!(kept.is_err(), "it is not written over: {kept:?}");
    }
}
