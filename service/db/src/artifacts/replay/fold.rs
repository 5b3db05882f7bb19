//! The views as a log makes them, in memory.

use std::collections::{BTreeMap, HashMap};

use sea_orm::QueryResult;
use uuid::Uuid;

use crate::DbError;
use crate::artifacts::ArtifactError;
use crate::artifacts::log::COUNTER;
use crate::artifacts::view::{self, Noted, PackageRows};
use crate::column::{Col, arg};
use crate::entity::{artifact_file, artifact_package, retention_state, storage_location};
use crate::tx::Tx;
use packshot_domain::artifact::{ArtifactEvent, EventActor, EventType, LocationState, Sequence, StorageLocationId};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{PackageId, TenantId};
use packshot_domain::time::Timestamp;

/// Events that are read at once.
const AT_ONCE: i64 = 500;

/// A page of the log. A large payload, that of a package of thousands of files, is read by itself.
const PAGE: &str = "
    SELECT sequence, event_type, package_id, actor, CASE WHEN LENGTH(payload) <= 65536 THEN payload END,
        payload_digest, created_at
    FROM artifact_events WHERE tenant_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";

const PAYLOAD: &str = "SELECT payload FROM artifact_events WHERE tenant_id = $1 AND sequence = $2";

const LAST: &str = "SELECT value FROM counters WHERE tenant_id = $1 AND name = $2";

/// The rows of the views of one tenant, each by its key.
pub(super) struct Views {
    pub(super) tenant: TenantId,
    last: i64,
    pub(super) packages: BTreeMap<Uuid, artifact_package::Model>,
    pub(super) files: BTreeMap<Uuid, artifact_file::Model>,
    pub(super) locations: BTreeMap<Uuid, storage_location::Model>,
    pub(super) retention: BTreeMap<Uuid, retention_state::Model>,
    /// The locations of each package, until they go.
    locations_of: HashMap<PackageId, Vec<StorageLocationId>>,
}

/// An event as it is stored.
struct Stored {
    sequence: i64,
    event_type: String,
    package: PackageId,
    actor: String,
    payload: Vec<u8>,
    digest: String,
    at: Timestamp,
}

impl Views {
    /// Those of a tenant without events.
    pub(super) fn of(tenant: TenantId) -> Self {
        Self {
            tenant,
            last: 0,
            packages: BTreeMap::new(),
            files: BTreeMap::new(),
            locations: BTreeMap::new(),
            retention: BTreeMap::new(),
            locations_of: HashMap::new(),
        }
    }

    /// How many events they are made of.
    pub(super) const fn n_events(&self) -> i64 {
        self.last
    }

    /// Applies the events that follow, up to the end of the log.
    pub(super) async fn read(&mut self, tx: &Tx<'_>) -> Result<(), DbError> {
        loop {
            let rows = tx.query(PAGE, [arg(self.tenant), self.last.into(), AT_ONCE.into()]).await?;
            for row in &rows {
                let stored = self.stored(tx, row).await?;
                self.apply(stored)?;
            }
            if i64::try_from(rows.len()).is_ok_and(|n| n < AT_ONCE) {
                break;
            }
        }
        let rows = tx.query(LAST, [arg(self.tenant), COUNTER.into()]).await?;
        let last: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
        if last > self.last { Err(ArtifactError::EventGap { sequence: self.last + 1 }.into()) } else { Ok(()) }
    }

    async fn stored(&self, tx: &Tx<'_>, row: &QueryResult) -> Result<Stored, DbError> {
        let sequence: i64 = row.try_get_by_index(0)?;
        let payload = match row.try_get_by_index::<Option<Vec<u8>>>(4)? {
            Some(payload) => payload,
            None => {
                let large = tx.query(PAYLOAD, [arg(self.tenant), sequence.into()]).await?;
                large.first().map_or(Ok(Vec::new()), |row| row.try_get_by_index(0))?
            }
        };
        Ok(Stored {
            sequence,
            event_type: row.try_get_by_index(1)?,
            package: PackageId::from_uuid(row.try_get_by_index(2)?),
            actor: row.try_get_by_index(3)?,
            payload,
            digest: row.try_get_by_index(5)?,
            at: Timestamp::from_unix_ms(row.try_get_by_index(6)?),
        })
    }

    /// Applies the next event.
    fn apply(&mut self, stored: Stored) -> Result<(), ArtifactError> {
        let sequence = stored.sequence;
        if sequence != self.last + 1 {
            return Err(ArtifactError::EventGap { sequence: self.last + 1 });
        }
        self.follow(stored).map_err(|reason| ArtifactError::EventCorrupt { sequence, reason })?;
        self.last = sequence;
        Ok(())
    }

    /// Applies an event, unless something is wrong with it.
    fn follow(&mut self, stored: Stored) -> Result<(), String> {
        let digest = ContentAddress::of(&stored.payload);
        if digest.to_string() != stored.digest {
            return Err("its payload does not have the digest that was recorded".to_owned());
        }
        let event_type: EventType = stored.event_type.parse().map_err(text)?;
        let event = ArtifactEvent::decode(event_type, &stored.payload).map_err(text)?;
        if event.package().is_some_and(|package| package != stored.package) {
            return Err("its payload names another package".to_owned());
        }
        let sequence = Sequence::new(stored.sequence).ok_or("its number is not positive")?;
        let actor: EventActor = stored.actor.parse().map_err(text)?;
        let noted = Noted { tenant: self.tenant, sequence, actor, at: stored.at, digest };
        match &event {
            ArtifactEvent::LocationDamaged { location, damage } => self.set_state(*location, damage.state()),
            ArtifactEvent::LocationHealed { location, .. } => self.set_state(*location, LocationState::Intact),
            _ => self.follow_package(stored.package, &noted, &event),
        }
    }

    fn set_state(&mut self, location: StorageLocationId, state: LocationState) -> Result<(), String> {
        let row = self.locations.get_mut(&location.uuid()).ok_or("it is about a location that is not there")?;
        row.state = Col(state);
        Ok(())
    }

    fn follow_package(&mut self, id: PackageId, noted: &Noted, event: &ArtifactEvent) -> Result<(), String> {
        if let Some(rows) = PackageRows::created(noted, event) {
            return match self.packages.insert(id.uuid(), rows.package) {
                None => Ok(()),
                Some(_) => Err("it creates a package that is there".to_owned()),
            };
        }
        let package = self.packages.remove(&id.uuid()).ok_or("it is about a package that is not there")?;
        let mut rows = PackageRows { package, retention: self.retention.remove(&id.uuid()) };
        rows.apply(noted, event).map_err(text)?;
        match event {
            ArtifactEvent::FileIngested { file, receipt, .. } => {
                let (file, location) = view::file_rows(noted, id, file, receipt);
                self.locations_of.entry(id).or_default().push(location.id.0);
                self.locations.insert(location.id.0.uuid(), location);
                if self.files.insert(file.id.0.uuid(), file).is_some() {
                    return Err("it adds a file that is there".to_owned());
                }
            }
            _ if !rows.package.status.0.keeps_bytes() => {
                for location in self.locations_of.remove(&id).unwrap_or_default() {
                    self.locations.remove(&location.uuid());
                }
            }
            _ => {}
        }
        self.packages.insert(id.uuid(), rows.package);
        self.retention.extend(rows.retention.map(|row| (id.uuid(), row)));
        Ok(())
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
