//! The events of the log of artifacts: what happened, from which every view is made again (artifacts.md §3).

use super::file::ArtifactFile;
use super::label::{Label, Reason};
use super::location::{Damage, LocationState, Observed, Receipt, StorageLocationId};
use super::manifest::{Manifest, read_file, read_metadata, read_receipt};
use super::members::{InvalidPayload, Members};
use super::metadata::Metadata;
use super::retention::Retention;
use super::tree::Tree;
use crate::id::PackageId;
use crate::words::words;

words! {
    /// What kind of thing happened, and in which version its payload says so.
    pub enum EventType {
        /// A package was created
        PackageCreated = "v1.package.created",
        /// A package took a file
        FileIngested = "v1.file.ingested",
        /// A package was finalised
        PackageFinalized = "v1.package.finalized",
        /// A package got another retention class
        RetentionChanged = "v1.package.retention_changed",
        /// A package is kept until it is released
        PackageHeld = "v1.package.held",
        /// A package is held no longer
        PackageReleased = "v1.package.released",
        /// A package was let go when its time was over
        PackageExpired = "v1.package.expired",
        /// A package was deleted
        PackageDeleted = "v1.package.deleted",
        /// The bytes of a file are missing or others
        LocationDamaged = "v1.location.damaged",
        /// The bytes of a file are there again
        LocationHealed = "v1.location.healed",
    }
}

/// What happened, with all that the views need to know besides who did it, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArtifactEvent {
    /// A package was created.
    PackageCreated {
        /// The package.
        package: PackageId,
        /// Its name.
        name: Label,
        /// What makes it.
        producer: Label,
        /// What it is of.
        subject: Label,
        /// How long its bytes stay.
        retention: Retention,
        /// What its producer says about it.
        metadata: Metadata,
    },
    /// A package took a file.
    FileIngested {
        /// The package.
        package: PackageId,
        /// The file.
        file: ArtifactFile,
        /// What the backend confirmed that stored its bytes.
        receipt: Receipt,
    },
    /// A package was finalised: the payload is the manifest itself.
    PackageFinalized(Manifest),
    /// A package got another retention class.
    RetentionChanged {
        /// The package.
        package: PackageId,
        /// How long its bytes stay from now on.
        retention: Retention,
    },
    /// A package is kept until it is released.
    PackageHeld {
        /// The package.
        package: PackageId,
        /// Why.
        reason: Reason,
    },
    /// A package is held no longer.
    PackageReleased {
        /// The package.
        package: PackageId,
        /// Why.
        reason: Reason,
    },
    /// A package was let go when its time was over.
    PackageExpired {
        /// The package.
        package: PackageId,
        /// Why.
        reason: Reason,
    },
    /// A package was deleted.
    PackageDeleted {
        /// The package.
        package: PackageId,
        /// Why, where somebody said so.
        reason: Option<Reason>,
    },
    /// The bytes of a file are missing or others.
    LocationDamaged {
        /// Where they lie.
        location: StorageLocationId,
        /// What is wrong.
        damage: Damage,
    },
    /// The bytes of a file are there again.
    LocationHealed {
        /// Where they lie.
        location: StorageLocationId,
        /// What was read there.
        observed: Observed,
    },
}

impl ArtifactEvent {
    /// What kind of thing happened.
    #[must_use]
    pub const fn event_type(&self) -> EventType {
        match self {
            Self::PackageCreated { .. } => EventType::PackageCreated,
            Self::FileIngested { .. } => EventType::FileIngested,
            Self::PackageFinalized(_) => EventType::PackageFinalized,
            Self::RetentionChanged { .. } => EventType::RetentionChanged,
            Self::PackageHeld { .. } => EventType::PackageHeld,
            Self::PackageReleased { .. } => EventType::PackageReleased,
            Self::PackageExpired { .. } => EventType::PackageExpired,
            Self::PackageDeleted { .. } => EventType::PackageDeleted,
            Self::LocationDamaged { .. } => EventType::LocationDamaged,
            Self::LocationHealed { .. } => EventType::LocationHealed,
        }
    }

    /// The package that it is about; `None` for a location, whose row knows its package.
    #[must_use]
    pub const fn package(&self) -> Option<PackageId> {
        match self {
            Self::PackageCreated { package, .. }
            | Self::FileIngested { package, .. }
            | Self::RetentionChanged { package, .. }
            | Self::PackageHeld { package, .. }
            | Self::PackageReleased { package, .. }
            | Self::PackageExpired { package, .. }
            | Self::PackageDeleted { package, .. } => Some(*package),
            Self::PackageFinalized(manifest) => Some(manifest.package().id),
            Self::LocationDamaged { .. } | Self::LocationHealed { .. } => None,
        }
    }

    /// Its payload as a tree.
    #[must_use]
    pub fn to_tree(&self) -> Tree {
        match self {
            Self::PackageCreated { package, name, producer, subject, retention, metadata } => Tree::map([
                ("package_id", Tree::text(package)),
                ("name", Tree::text(name)),
                ("producer", Tree::text(producer)),
                ("subject", Tree::text(subject)),
                ("retention_class", Tree::text(retention.class())),
                ("retention_ttl_s", retention.ttl_s().into()),
                ("metadata", metadata.to_tree()),
            ]),
            Self::FileIngested { package, file, receipt } => Tree::map([
                ("package_id", Tree::text(package)),
                ("file_id", Tree::text(file.id)),
                ("relative_path", Tree::text(&file.path)),
                ("media_type", Tree::text(&file.media_type)),
                ("size_bytes", file.size.into()),
                ("content_address", Tree::text(file.address)),
                ("sha256", Tree::text(file.sha256)),
                ("storage_location_id", Tree::text(StorageLocationId::of(file.id, &receipt.backend, file.address))),
                (
                    "receipt",
                    Tree::map([
                        ("backend_id", Tree::text(&receipt.backend)),
                        ("size_bytes", receipt.size.into()),
                        ("stored_at", Tree::text(receipt.stored_at)),
                    ]),
                ),
            ]),
            Self::PackageFinalized(manifest) => manifest.to_tree(),
            Self::RetentionChanged { package, retention } => Tree::map([
                ("package_id", Tree::text(package)),
                ("retention_class", Tree::text(retention.class())),
                ("retention_ttl_s", retention.ttl_s().into()),
            ]),
            Self::PackageHeld { package, reason }
            | Self::PackageReleased { package, reason }
            | Self::PackageExpired { package, reason } => {
                Tree::map([("package_id", Tree::text(package)), ("reason", Tree::text(reason))])
            }
            Self::PackageDeleted { package, reason } => {
                Tree::map([("package_id", Tree::text(package)), ("reason", reason.as_ref().map(Tree::text).into())])
            }
            Self::LocationDamaged { location, damage } => {
                let observed = match damage {
                    Damage::Missing => None,
                    Damage::Corrupt(observed) => Some(*observed),
                };
                location_tree(*location, damage.state(), observed)
            }
            Self::LocationHealed { location, observed } => {
                location_tree(*location, LocationState::Intact, Some(*observed))
            }
        }
    }

    /// Its payload: canonical CBOR.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_tree().to_cbor()
    }

    /// The event of this type with this payload.
    ///
    /// # Errors
    ///
    /// [`InvalidPayload`], with the place, for bytes that [`ArtifactEvent::encode`] does not give for an event of this
    /// type.
    pub fn decode(event_type: EventType, payload: &[u8]) -> Result<Self, InvalidPayload> {
        let mut members = Members::of_cbor(payload)?;
        let event = read(event_type, &mut members)?;
        members.finish()?;
        Ok(event)
    }
}

fn location_tree(location: StorageLocationId, state: LocationState, observed: Option<Observed>) -> Tree {
    let observed = observed.map(|Observed { size, address }| {
        Tree::map([("size_bytes", size.into()), ("content_address", address.map(Tree::text).into())])
    });
    Tree::map([
        ("storage_location_id", Tree::text(location)),
        ("state", Tree::text(state)),
        ("observed", observed.into()),
    ])
}

fn read(event_type: EventType, members: &mut Members) -> Result<ArtifactEvent, InvalidPayload> {
    Ok(match event_type {
        EventType::PackageFinalized => ArtifactEvent::PackageFinalized(Manifest::read(members)?),
        EventType::PackageCreated => ArtifactEvent::PackageCreated {
            package: members.parsed("package_id")?,
            name: members.parsed("name")?,
            producer: members.parsed("producer")?,
            subject: members.parsed("subject")?,
            retention: read_retention(members)?,
            metadata: read_metadata(members)?,
        },
        EventType::FileIngested => {
            let package = members.parsed("package_id")?;
            let file = read_file(members, "file_id")?;
            let mut inner = members.members("receipt")?;
            let receipt = read_receipt(&mut inner)?;
            inner.finish()?;
            let location: StorageLocationId = members.parsed("storage_location_id")?;
            if location != StorageLocationId::of(file.id, &receipt.backend, file.address) {
                let message = "it does not follow from file, backend and content";
                return Err(members.invalid("storage_location_id", message));
            }
            ArtifactEvent::FileIngested { package, file, receipt }
        }
        EventType::RetentionChanged => ArtifactEvent::RetentionChanged {
            package: members.parsed("package_id")?,
            retention: read_retention(members)?,
        },
        EventType::PackageHeld => {
            ArtifactEvent::PackageHeld { package: members.parsed("package_id")?, reason: members.parsed("reason")? }
        }
        EventType::PackageReleased => {
            ArtifactEvent::PackageReleased { package: members.parsed("package_id")?, reason: members.parsed("reason")? }
        }
        EventType::PackageExpired => {
            ArtifactEvent::PackageExpired { package: members.parsed("package_id")?, reason: members.parsed("reason")? }
        }
        EventType::PackageDeleted => ArtifactEvent::PackageDeleted {
            package: members.parsed("package_id")?,
            reason: members.parsed_or_null("reason")?,
        },
        EventType::LocationDamaged => {
            let location = members.parsed("storage_location_id")?;
            let damage = match read_observation(members)? {
                (LocationState::Missing, None) => Damage::Missing,
                (LocationState::Corrupt, Some(observed)) => Damage::Corrupt(observed),
                _ => return Err(members.invalid("state", "it does not fit what was observed")),
            };
            ArtifactEvent::LocationDamaged { location, damage }
        }
        EventType::LocationHealed => {
            let location = members.parsed("storage_location_id")?;
            match read_observation(members)? {
                (LocationState::Intact, Some(observed)) => ArtifactEvent::LocationHealed { location, observed },
                _ => return Err(members.invalid("state", "it does not fit what was observed")),
            }
        }
    })
}

fn read_retention(members: &mut Members) -> Result<Retention, InvalidPayload> {
    let class = members.parsed("retention_class")?;
    let ttl_s = members.count_or_null("retention_ttl_s")?.map(u32::try_from).transpose();
    let ttl_s = ttl_s.map_err(|_| members.invalid("retention_ttl_s", "so long a time is not kept"))?;
    Retention::recorded(class, ttl_s).map_err(|error| members.invalid("retention_ttl_s", error))
}

fn read_observation(members: &mut Members) -> Result<(LocationState, Option<Observed>), InvalidPayload> {
    let state = members.parsed("state")?;
    let Some(mut inner) = members.members_or_null("observed")? else { return Ok((state, None)) };
    let observed = Observed { size: inner.size("size_bytes")?, address: inner.parsed_or_null("content_address")? };
    inner.finish()?;
    Ok((state, Some(observed)))
}

#[cfg(test)]
mod tests;
