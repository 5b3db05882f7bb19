//! Files of packages as they are read.

use std::fmt;
use std::str::FromStr;

use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, Value};
use uuid::Uuid;

use super::{ArtifactError, rows};
use crate::column::{Col, arg};
use crate::entity::{artifact_event, artifact_file};
use crate::page::InvalidCursor;
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use packshot_domain::artifact::{ArtifactFile, ByteSize, EventType, FileState, LocationState, MediaType, RelativePath};
use packshot_domain::hash::{ContentAddress, Sha256Digest};
use packshot_domain::id::{FileId, PackageId, TenantId};
use packshot_domain::time::Timestamp;

/// A file of a package as its readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Its package.
    pub package: PackageId,
    /// The file.
    pub file: ArtifactFile,
    /// When the package took it.
    pub created_at: Timestamp,
    /// Whether its bytes are there.
    pub state: FileState,
}

/// A part of the files of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePage {
    /// The files, in the order of the manifest: by the bytes of their paths.
    pub items: Vec<FileRecord>,
    /// Where the next page begins; `None` when there is none.
    pub next: Option<FileCursor>,
}

/// A place among the files of a package: the file before it. As text it is 32 hexadecimal digits, which are opaque to
/// clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileCursor(FileId);

/// A file with the state of its bytes: of several locations the best counts.
const FILE: &str = "
    SELECT f.id, f.package_id, f.relative_path, f.media_type, f.size_bytes, f.content_address, f.sha256, f.created_at,
        (SELECT l.state FROM storage_locations l WHERE l.tenant_id = f.tenant_id AND l.artifact_file_id = f.id
         ORDER BY CASE l.state WHEN 'ok' THEN 0 WHEN 'corrupt' THEN 1 ELSE 2 END LIMIT 1) AS location_state
    FROM artifact_files f";

#[derive(FromQueryResult)]
struct Row {
    id: Col<FileId>,
    package_id: Col<PackageId>,
    relative_path: Col<RelativePath>,
    media_type: Col<MediaType>,
    size_bytes: Col<ByteSize>,
    content_address: Col<ContentAddress>,
    sha256: Col<Sha256Digest>,
    created_at: Col<Timestamp>,
    location_state: Option<Col<LocationState>>,
}

/// Files that fulfil a condition, which may name `f`.
async fn find(tx: &Tx<'_>, condition: &str, values: Vec<Value>) -> Result<Vec<FileRecord>, DbError> {
    let rows = tx.query(&format!("{FILE} WHERE {condition}"), values).await?;
    rows.iter().map(|row| Ok(Row::from_query_result(row, "")?.into())).collect()
}

/// A file.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: FileId) -> Result<FileRecord, DbError> {
    db.read_one(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let found = find(tx, "f.tenant_id = $1 AND f.id = $2", vec![arg(*tenant), arg(*id)]).await?;
            found.into_iter().next().ok_or(DbError::NotFound("file"))
        })
    })
    .await
}

/// A file of the tenant with these bytes that is kept: an intact one where there is one, of those the newest.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn with_content(db: &Db, scope: TenantScope, address: ContentAddress) -> Result<Option<FileRecord>, DbError> {
    db.read_one(scope, (scope.tenant, address), |tx, (tenant, address)| {
        Box::pin(async move {
            let condition = "f.id = (SELECT l.artifact_file_id FROM storage_locations l \
                WHERE l.tenant_id = $1 AND l.content_address = $2 \
                ORDER BY CASE l.state WHEN 'ok' THEN 0 WHEN 'corrupt' THEN 1 ELSE 2 END, l.stored_at DESC, l.id \
                LIMIT 1) \
                AND f.tenant_id = $1";
            Ok(find(tx, condition, vec![arg(*tenant), arg(*address)]).await?.into_iter().next())
        })
    })
    .await
}

/// Files of a package, at most `limit`, from the first on or after a place.
///
/// # Errors
///
/// [`DbError::NotFound`] when there is no such package.
pub async fn of_package(
    db: &Db,
    scope: TenantScope,
    package: PackageId,
    limit: u32,
    after: Option<FileCursor>,
) -> Result<FilePage, DbError> {
    db.read(scope, (scope.tenant, package, limit, after), |tx, (tenant, package, limit, after)| {
        Box::pin(async move {
            rows::find(tx, *tenant, *package).await?;
            let n = usize::try_from(*limit).unwrap_or(usize::MAX);
            let mut items = in_order(tx, *tenant, *package, Some(i64::from(*limit) + 1), *after).await?;
            let is_more = items.len() > n;
            items.truncate(n);
            let next = items.last().filter(|_| is_more).map(|last| FileCursor(last.file.id));
            Ok(FilePage { items, next })
        })
    })
    .await
}

/// All files of a package, in the order of the manifest.
///
/// # Errors
///
/// As [`of_package`].
pub async fn all_of_package(db: &Db, scope: TenantScope, package: PackageId) -> Result<Vec<FileRecord>, DbError> {
    db.read(scope, (scope.tenant, package), |tx, (tenant, package)| {
        Box::pin(async move {
            rows::find(tx, *tenant, *package).await?;
            in_order(tx, *tenant, *package, None, None).await
        })
    })
    .await
}

async fn in_order(
    tx: &Tx<'_>,
    tenant: TenantId,
    package: PackageId,
    limit: Option<i64>,
    after: Option<FileCursor>,
) -> Result<Vec<FileRecord>, DbError> {
    // SQLite compares bytes unless told otherwise; a PostgreSQL database may have the order of a language.
    let path = match tx.on().get_database_backend() {
        DbBackend::Sqlite => "relative_path",
        _ => "relative_path COLLATE \"C\"",
    };
    let mut values = vec![arg(tenant), arg(package)];
    let mut condition = "f.tenant_id = $1 AND f.package_id = $2".to_owned();
    if let Some(FileCursor(last)) = after {
        values.push(arg(last));
        condition += &format!(
            " AND f.{path} > (SELECT x.relative_path FROM artifact_files x WHERE x.tenant_id = $1 AND x.id = $3)"
        );
    }
    condition += &format!(" ORDER BY f.{path}");
    if let Some(limit) = limit {
        values.push(limit.into());
        condition += &format!(" LIMIT ${}", values.len());
    }
    find(tx, &condition, values).await
}

/// The manifest of a package, as canonical CBOR: also of one whose bytes are gone.
///
/// # Errors
///
/// [`DbError::NotFound`] when there is no such package; [`ArtifactError::NotFinalized`] when it has no manifest.
pub async fn manifest(db: &Db, scope: TenantScope, package: PackageId) -> Result<Vec<u8>, DbError> {
    use artifact_event::Column as C;
    db.read(scope, (scope.tenant, package), |tx, (tenant, package)| {
        Box::pin(async move {
            rows::find(tx, *tenant, *package).await?;
            let events = artifact_event::Entity::find()
                .filter(C::TenantId.eq(Col(*tenant)))
                .filter(C::PackageId.eq(Col(*package)))
                .filter(C::EventType.eq(Col(EventType::PackageFinalized)));
            let event = events.one(tx.on()).await?;
            event.map(|event| event.payload).ok_or(ArtifactError::NotFinalized.into())
        })
    })
    .await
}

impl FileRecord {
    pub(super) fn of(row: artifact_file::Model, state: FileState) -> Self {
        Self { package: row.package_id.0, created_at: row.created_at.0, state, file: row.into() }
    }
}

impl From<artifact_file::Model> for ArtifactFile {
    fn from(row: artifact_file::Model) -> Self {
        Self {
            id: row.id.0,
            path: row.relative_path.0,
            media_type: row.media_type.0,
            size: row.size_bytes.0,
            address: row.content_address.0,
            sha256: row.sha256.0,
        }
    }
}

impl From<Row> for FileRecord {
    fn from(row: Row) -> Self {
        let file = ArtifactFile {
            id: row.id.0,
            path: row.relative_path.0,
            media_type: row.media_type.0,
            size: row.size_bytes.0,
            address: row.content_address.0,
            sha256: row.sha256.0,
        };
        let state = FileState::of(row.location_state.map(Col::value));
        Self { package: row.package_id.0, file, created_at: row.created_at.0, state }
    }
}

impl fmt::Display for FileCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.uuid().simple())
    }
}

impl FromStr for FileCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let is_formed = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let uuid = Uuid::try_parse(text).map_err(|_| InvalidCursor)?;
        if is_formed { Ok(Self(FileId::from_uuid(uuid))) } else { Err(InvalidCursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_text() {
        let cursor = FileCursor(FileId::new());
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "garbage", &cursor.to_string().to_uppercase(), &FileId::new().to_string(), &"é".repeat(16)] {
            assert_eq!(text.parse::<FileCursor>(), Err(InvalidCursor), "{text}");
        }
    }
}
