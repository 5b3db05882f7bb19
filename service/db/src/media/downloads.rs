//! Sets of media assets that are fetched as one ZIP: what can be in one, the sets that there are, and who opens them.

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Value};
use serde_json::json;

use crate::column::{Col, arg, cell, cell_or_none};
use crate::entity::media_download;
use crate::tx::Tx;
use crate::{AllTenants, Db, DbError, Json, TenantScope};
use packshot_domain::artifact::Label;
use packshot_domain::download::TICKET_LIVES;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{AssetId, DownloadId, KeyId, TenantId, UserId};
use packshot_domain::media::AssetState;
use packshot_domain::object::Condition;
use packshot_domain::order::OrderNumber;
use packshot_domain::secret::SecretHash;
use packshot_domain::time::Timestamp;

/// Ids that one statement looks up.
const IDS_AT_ONCE: usize = 500;

/// An asset that may be in a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The asset.
    pub asset: AssetId,
    /// Its name.
    pub file_name: String,
    /// The product's id or the order's number, whose folder it lies in.
    pub folder: Option<String>,
    /// What it holds.
    pub address: ContentAddress,
    /// How many bytes that are.
    pub size_bytes: u64,
    /// CRC-32 of the bytes, where it is known.
    pub crc32: Option<u32>,
    /// When it was saved.
    pub created_at: Timestamp,
    /// Whether its bytes are kept.
    pub is_kept: bool,
    /// Whether they are known to be damaged or missing.
    pub is_damaged: bool,
}

/// A file of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetFile {
    /// The asset.
    pub asset: AssetId,
    /// Its name in the archive.
    pub name: String,
    /// What it holds.
    pub address: ContentAddress,
    /// How many bytes that are.
    pub size_bytes: u64,
    /// CRC-32 of the bytes.
    pub crc32: u32,
    /// When it was saved.
    pub created_at: Timestamp,
}

/// Whose right to read a set depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetOwner {
    /// The tenant of the user.
    pub home: TenantId,
    /// The user.
    pub user: UserId,
    /// The key by which the user made the set.
    pub key: Option<KeyId>,
}

/// A set to make.
#[derive(Clone, Debug)]
pub struct NewSet {
    /// The hash of its ticket.
    pub ticket: SecretHash,
    /// Whose it is.
    pub owner: SetOwner,
    /// Its files, in their order.
    pub files: Vec<SetFile>,
    /// The size of the archive.
    pub size_bytes: u64,
}

/// A set that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSet {
    /// Its id.
    pub id: DownloadId,
    /// The tenant whose files it has.
    pub tenant: TenantId,
    /// Whose it is.
    pub owner: SetOwner,
    /// Its files, in their order.
    pub files: Vec<SetFile>,
    /// When its ticket expires.
    pub expires_at: Timestamp,
}

/// Assets that may be in a set, of these ids: a client finds the published ones of own orders alone, `owner` is the
/// client then.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn candidates(
    db: &Db,
    scope: TenantScope,
    owner: Option<UserId>,
    ids: Vec<AssetId>,
) -> Result<HashMap<AssetId, Candidate>, DbError> {
    db.read(scope, (scope.tenant, owner, ids), |tx, (tenant, owner, ids)| {
        Box::pin(async move {
            let mut found = HashMap::new();
            for some in ids.chunks(IDS_AT_ONCE) {
                for candidate in look_up(tx, *tenant, *owner, some).await? {
                    found.insert(candidate.asset, candidate);
                }
            }
            Ok(found)
        })
    })
    .await
}

async fn look_up(
    tx: &Tx<'_>,
    tenant: TenantId,
    owner: Option<UserId>,
    ids: &[AssetId],
) -> Result<Vec<Candidate>, DbError> {
    let mut values: Vec<Value> = vec![arg(tenant), arg(AssetState::Expired), arg(Condition::Whole)];
    let shown = match owner {
        Some(owner) => {
            values.extend([arg(AssetState::Published), arg(owner)]);
            " AND a.state = $4 AND o.created_by = $5"
        }
        None => "",
    };
    let places: Vec<String> = (0..ids.len()).map(|i| format!("${}", values.len() + 1 + i)).collect();
    values.extend(ids.iter().map(|id| arg(*id)));
    let sql = format!(
        "SELECT a.id, a.file_name, p.pim_id, o.order_number, a.address, a.size_bytes, b.crc32, a.created_at, \
         CASE WHEN a.state <> $2 AND EXISTS (SELECT 1 FROM artifact_files f \
             JOIN storage_locations l ON l.tenant_id = f.tenant_id AND l.artifact_file_id = f.id \
             WHERE f.tenant_id = a.tenant_id AND f.package_id = a.package_id AND f.content_address = a.address) \
             THEN 1 ELSE 0 END, \
         CASE WHEN b.condition <> $3 THEN 1 ELSE 0 END \
         FROM media_assets a \
         LEFT JOIN products p ON p.tenant_id = a.tenant_id AND p.id = a.product_id \
         LEFT JOIN orders o ON o.tenant_id = a.tenant_id AND o.id = a.order_id \
         LEFT JOIN objects b ON b.tenant_id = a.tenant_id AND b.content_address = a.address \
         WHERE a.tenant_id = $1{shown} AND a.id IN ({})",
        places.join(", ")
    );
    let mut found = Vec::with_capacity(ids.len());
    for row in tx.query(&sql, values).await? {
        let product: Option<Label> = cell_or_none(&row, 2)?;
        let order: Option<OrderNumber> = cell_or_none(&row, 3)?;
        let size_bytes: i64 = row.try_get_by_index(5)?;
        let crc32: Option<i64> = row.try_get_by_index(6)?;
        let (is_kept, is_damaged): (i32, i32) = (row.try_get_by_index(8)?, row.try_get_by_index(9)?);
        found.push(Candidate {
            asset: cell(&row, 0)?,
            file_name: row.try_get_by_index(1)?,
            folder: product.map(|id| id.to_string()).or_else(|| order.map(|number| number.to_string())),
            address: cell(&row, 4)?,
            size_bytes: size_bytes.unsigned_abs(),
            crc32: crc32.and_then(|crc32| u32::try_from(crc32).ok()),
            created_at: cell(&row, 7)?,
            is_kept: is_kept == 1,
            is_damaged: is_damaged == 1,
        });
    }
    Ok(found)
}

/// Stores a set, whose ticket is good for a while.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn create(db: &Db, scope: TenantScope, new: NewSet) -> Result<StoredSet, DbError> {
    db.write(scope, (scope.tenant, new), |tx, (tenant, new)| {
        Box::pin(async move {
            let now = tx.now().await?;
            let (id, expires_at) = (DownloadId::new(), now + TICKET_LIVES);
            let row = media_download::ActiveModel {
                tenant_id: Set(Col(*tenant)),
                id: Set(Col(id)),
                hash: Set(hash(new.ticket)),
                home_id: Set(Col(new.owner.home)),
                user_id: Set(Col(new.owner.user)),
                key_id: Set(new.owner.key.map(Col)),
                files: Set(Col(new.files.iter().map(written).collect())),
                size_bytes: Set(i64::try_from(new.size_bytes).unwrap_or(i64::MAX)),
                created_at: Set(Col(now)),
                expires_at: Set(Col(expires_at)),
            };
            media_download::Entity::insert(row).exec_without_returning(tx.on()).await?;
            Ok(StoredSet { id, tenant: *tenant, owner: new.owner, files: new.files.clone(), expires_at })
        })
    })
    .await
}

/// The set that a ticket opens now; `None` for an unknown ticket and one whose time is over.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn find(db: &Db, all: AllTenants, ticket: SecretHash) -> Result<Option<StoredSet>, DbError> {
    use media_download::Column as C;
    db.read(all, ticket, |tx, ticket| {
        Box::pin(async move {
            let sets = media_download::Entity::find().filter(C::Hash.eq(hash(*ticket)));
            let row = sets.filter(C::ExpiresAt.gt(Col(tx.now().await?))).one(tx.on()).await?;
            row.map(stored).transpose()
        })
    })
    .await
}

/// Removes sets whose tickets have expired; returns how many.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn expire(db: &Db, all: AllTenants) -> Result<u64, DbError> {
    db.write(all, (), |tx, ()| {
        Box::pin(async move {
            let expired = media_download::Column::ExpiresAt.lte(Col(tx.now().await?));
            Ok(media_download::Entity::delete_many().filter(expired).exec(tx.on()).await?.rows_affected)
        })
    })
    .await
}

fn hash(ticket: SecretHash) -> Col<ContentAddress> {
    Col(ContentAddress::from_hash(*ticket.as_bytes()))
}

/// A file as its row has it.
fn written(file: &SetFile) -> Json {
    let SetFile { asset, name, address, size_bytes, crc32, created_at } = file;
    json!([asset.uuid(), name, address.to_string(), size_bytes, crc32, created_at.unix_ms()])
}

fn read(file: &Json) -> Option<SetFile> {
    Some(SetFile {
        asset: file[0].as_str()?.parse().ok()?,
        name: file[1].as_str()?.to_owned(),
        address: file[2].as_str()?.parse().ok()?,
        size_bytes: file[3].as_u64()?,
        crc32: u32::try_from(file[4].as_u64()?).ok()?,
        created_at: Timestamp::from_unix_ms(file[5].as_i64()?),
    })
}

fn stored(row: media_download::Model) -> Result<StoredSet, DbError> {
    let files: Option<Vec<SetFile>> = row.files.0.as_array().and_then(|files| files.iter().map(read).collect());
    let corrupt = || DbError::Corrupt { what: "media download", reason: "its files cannot be read".to_owned() };
    Ok(StoredSet {
        id: row.id.0,
        tenant: row.tenant_id.0,
        owner: SetOwner { home: row.home_id.0, user: row.user_id.0, key: row.key_id.map(Col::value) },
        files: files.ok_or_else(corrupt)?,
        expires_at: row.expires_at.0,
    })
}
