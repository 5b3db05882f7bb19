//! Stored files together with their records: kept, read, and compared with what they should be.
//!
//! A file is sent group by group, each compared before it is sent, with hashes that the record has. These prove
//! themselves: joined they give the address. Where they do not, all of the file is read once, and if it fits its
//! address they are stored anew. What does not fit its address is read once more before the record says so: from then
//! on the file is refused, until the same bytes are stored again or a check finds them whole. What the record says, the
//! log of artifacts says of every file that names it, in the same transaction.

use std::future::ready;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};

use crate::store::{Examined, Pace, Spooled, Store, StoreError};
use packshot_db::artifacts::scrub::{self, Found, Located};
use packshot_db::objects::{self as rows, NewObject, Object};
use packshot_db::{Db, DbError, TenantScope};
use packshot_domain::artifact::{ByteSize, Damage, EventActor, Observed};
use packshot_domain::hash::{ContentAddress, Digests, GROUP_BYTES, Sha256Digest};
use packshot_domain::object::Condition;

/// Why a stored file cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The tenant has no such file, or no longer.
    #[error("there is no such file")]
    Gone,
    /// The bytes are not those that were stored.
    #[error("the stored file {address} is {condition}")]
    Damaged {
        /// The file.
        address: ContentAddress,
        /// How its bytes are.
        condition: Condition,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database failed, or a limit is reached.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A stored file that can be sent.
#[derive(Clone, Debug)]
pub struct Reading {
    db: Db,
    store: Store,
    scope: TenantScope,
    digests: Arc<Digests>,
}

/// Keeps an upload, if the tenant has room for it. It is durable when this returns.
///
/// # Errors
/// [`ObjectError::Store`], [`ObjectError::Database`] also when the tenant would have more bytes stored than it may.
pub async fn keep(
    db: &Db,
    store: &Store,
    scope: TenantScope,
    upload: Spooled,
    media_type: &str,
) -> Result<ContentAddress, ObjectError> {
    // Recorded first: nothing is stored for which the tenant has no room, or which the sweep would not find.
    let recorded = rows::record(db, scope, NewObject::hashed(upload.digests(), media_type)).await?;
    let address = store.keep(scope.tenant, upload).await?;
    if recorded.condition != Condition::Whole {
        rows::heal(db, scope, address).await?;
    }
    Ok(address)
}

/// All bytes of a stored file, compared with its address.
///
/// # Errors
/// [`ObjectError`].
pub async fn read(db: &Db, store: &Store, scope: TenantScope, address: &ContentAddress) -> Result<Bytes, ObjectError> {
    match store.read(scope.tenant, address).await {
        Ok(bytes) => Ok(bytes),
        Err(StoreError::Corrupt { .. } | StoreError::NotFound) => Err(damaged(db, store, scope, address).await),
        Err(error) => Err(error.into()),
    }
}

/// Opens a stored file, to send all or some of it.
///
/// # Errors
/// [`ObjectError`].
pub async fn open(
    db: &Db,
    store: &Store,
    scope: TenantScope,
    address: &ContentAddress,
) -> Result<Reading, ObjectError> {
    let seen = rows::find(db, scope, *address).await?.ok_or(ObjectError::Gone)?;
    let condition = match seen.condition {
        // A folder or a bucket that was away for a while may have it again.
        Condition::Missing if store.has(scope.tenant, address).await? => check(db, store, scope, address).await?,
        known => known,
    };
    if condition != Condition::Whole {
        return Err(ObjectError::Damaged { address: *address, condition });
    }
    let size_bytes = match store.size(scope.tenant, address).await {
        Ok(size_bytes) => size_bytes,
        Err(StoreError::NotFound) => return Err(damaged(db, store, scope, address).await),
        Err(error) => return Err(error.into()),
    };
    let known = seen.digests().filter(|known| known.size_bytes == size_bytes);
    let digests = match known {
        Some(known) => known,
        None => match store.verify(scope.tenant, address).await {
            Ok(found) => {
                learn(db, scope, &found).await;
                found
            }
            Err(StoreError::Corrupt { .. } | StoreError::NotFound) => {
                return Err(damaged(db, store, scope, address).await);
            }
            Err(error) => return Err(error.into()),
        },
    };
    Ok(Reading { db: db.clone(), store: store.clone(), scope, digests: Arc::new(digests) })
}

/// Whether a stored file is there and nothing is known to be wrong with it. Its bytes are not read.
///
/// # Errors
/// [`ObjectError::Store`], [`ObjectError::Database`].
pub async fn is_whole(
    db: &Db,
    store: &Store,
    scope: TenantScope,
    address: &ContentAddress,
) -> Result<bool, ObjectError> {
    let known = rows::find(db, scope, *address).await?;
    Ok(known.is_some_and(|seen| seen.condition == Condition::Whole) && store.has(scope.tenant, address).await?)
}

/// Reads all bytes of a stored file, and stores how they are and what was computed of them.
///
/// # Errors
/// [`ObjectError::Gone`], and errors of the store or the database: then nothing is known of the bytes.
pub async fn check(
    db: &Db,
    store: &Store,
    scope: TenantScope,
    address: &ContentAddress,
) -> Result<Condition, ObjectError> {
    let seen = rows::find(db, scope, *address).await?.ok_or(ObjectError::Gone)?;
    let examined = store.examine(scope.tenant, address, &Pace::unlimited()).await?;
    let condition = found(*address, &examined)?.condition();
    if condition == seen.condition {
        know(db, scope, &seen, &examined).await;
        return Ok(condition);
    }
    match settle(db, scope, (*address, Some(&seen)), &examined).await? {
        Some(_) => Ok(condition),
        // It was removed or stored again meanwhile.
        None => Ok(rows::find(db, scope, *address).await?.ok_or(ObjectError::Gone)?.condition),
    }
}

/// Stores what was found in the place of an object: in its record, and for every file that names it, so that the two
/// never say different things. `seen` is the record from before. Returns those files; `None` when it was removed or
/// stored again meanwhile.
///
/// # Errors
/// [`ObjectError::Database`].
pub(crate) async fn settle(
    db: &Db,
    scope: TenantScope,
    (address, seen): (ContentAddress, Option<&Object>),
    examined: &Examined,
) -> Result<Option<Vec<Located>>, ObjectError> {
    if let Some(seen) = seen {
        know(db, scope, seen, examined).await;
    }
    let found = found(address, examined)?;
    let located = scrub::observe(db, scope, EventActor::System, (address, seen), found).await?;
    if let Some(located) = &located {
        tell(scope, address, (seen.map(|seen| seen.condition), found.condition()), located);
    }
    Ok(located)
}

/// What was found, as the log of artifacts says it.
///
/// # Errors
/// [`ObjectError::Store`] for more bytes than anything stored here has.
fn found(address: ContentAddress, examined: &Examined) -> Result<Found, ObjectError> {
    let size = |bytes| ByteSize::new(bytes).map_err(|error| StoreError::Io(std::io::Error::other(error)));
    Ok(match examined {
        Examined::Whole(digests) => Found::Intact(Observed { size: size(digests.size_bytes)?, address: Some(address) }),
        Examined::Missing => Found::Damaged(Damage::Missing),
        Examined::Other { size_bytes, address } => {
            Found::Damaged(Damage::Corrupt(Observed { size: size(*size_bytes)?, address: *address }))
        }
    })
}

/// Stores what was computed of good bytes, where the record does not have it.
async fn know(db: &Db, scope: TenantScope, seen: &Object, examined: &Examined) {
    if let Examined::Whole(digests) = examined
        && seen.digests().as_ref() != Some(digests)
    {
        learn(db, scope, digests).await;
    }
}

/// Says in the log what is new about a stored file, for operators of the machine. Admins of its tenant have an alert.
fn tell(
    scope: TenantScope,
    address: ContentAddress,
    (before, condition): (Option<Condition>, Condition),
    located: &[Located],
) {
    let tenant = scope.tenant;
    for Located { package, path, .. } in located.iter().filter(|located| located.has_changed()) {
        match condition {
            Condition::Whole => tracing::info!(%tenant, %package, "the file {path} is whole again"),
            Condition::Missing | Condition::Corrupt => {
                tracing::error!(%tenant, %package, "the file {path} is {condition}: {address}");
            }
        }
    }
    match condition {
        _ if before == Some(condition) => {}
        Condition::Whole => tracing::info!(%tenant, "the stored file {address} is whole again"),
        Condition::Missing | Condition::Corrupt => {
            tracing::error!(%tenant, "the stored file {address} is {condition}");
        }
    }
}

/// Stores digests that were computed of good bytes. A reader does not need that, so it goes on without.
async fn learn(db: &Db, scope: TenantScope, found: &Digests) {
    if let Err(reason) = rows::learn(db, scope, found.clone()).await {
        tracing::warn!("the digests of {} cannot be stored: {reason}", found.address);
    }
}

/// Why a file cannot be read whose bytes did not fit, or were not there.
async fn damaged(db: &Db, store: &Store, scope: TenantScope, address: &ContentAddress) -> ObjectError {
    match check(db, store, scope, address).await {
        Ok(Condition::Whole) => {
            let reason = format!("bytes were read that {address} does not have");
            StoreError::Io(std::io::Error::other(reason)).into()
        }
        Ok(condition) => ObjectError::Damaged { address: *address, condition },
        Err(error) => error,
    }
}

impl Reading {
    /// The size of the file in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.digests.size_bytes
    }

    /// CRC-32 of the file.
    pub fn crc32(&self) -> u32 {
        self.digests.crc32
    }

    /// SHA-256 of the file.
    pub fn sha256(&self) -> Sha256Digest {
        self.digests.sha256
    }

    /// Some bytes of the file, in pieces of at most [`GROUP_BYTES`]; `range` lies within the file. The groups that it
    /// touches are read, and no others. The first is read before this returns; the stream ends with its first error.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn stream(
        self,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, ObjectError>>, ObjectError> {
        let groups = if range.is_empty() { 0..0 } else { range.start / GROUP_BYTES..range.end.div_ceil(GROUP_BYTES) };
        let at_once = self.store.groups_at_once();
        let piece = move |group| {
            let (reading, range) = (self.clone(), range.clone());
            async move { reading.piece(group, range).await }.boxed()
        };
        let mut pieces = stream::iter(groups).map(piece).buffered(at_once);
        let Some(first) = pieces.next().await.transpose()? else { return Ok(stream::empty().boxed()) };
        let until_an_error = |has_failed: &mut bool, piece: Result<Bytes, ObjectError>| {
            let goes_on = !std::mem::replace(has_failed, piece.is_err());
            ready(goes_on.then_some(piece))
        };
        Ok(stream::once(ready(Ok(first))).chain(pieces).scan(false, until_an_error).boxed())
    }

    /// What a range has of a group that it touches.
    async fn piece(&self, group: u64, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let bytes = match self.store.group(self.scope.tenant, &self.digests, group).await {
            Ok(bytes) => bytes,
            Err(StoreError::Corrupt { .. } | StoreError::NotFound) => {
                return Err(damaged(&self.db, &self.store, self.scope, &self.digests.address).await);
            }
            Err(error) => return Err(error.into()),
        };
        let start = group * GROUP_BYTES;
        let end = start + bytes.len() as u64;
        let [from, to] = [range.start.max(start), range.end.min(end)].map(|place| (place - start) as usize);
        Ok(bytes.slice(from..to))
    }
}
