//! The log of artifacts, the classes that say how long they are kept, and how much they are (artifacts.md §7).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::scalar::{Address, Time};

words! {
    /// What kind of thing happened to artifacts, and in which version its payload says so.
    pub enum ArtifactEventType = packshot_domain::artifact::EventType {
        /// A package was created.
        PackageCreated = "v1.package.created",
        /// A package took a file.
        FileIngested = "v1.file.ingested",
        /// A package was finalised: the payload is its manifest.
        PackageFinalized = "v1.package.finalized",
        /// A package got another retention class.
        RetentionChanged = "v1.package.retention_changed",
        /// A package is kept until it is released.
        PackageHeld = "v1.package.held",
        /// A package is held no longer.
        PackageReleased = "v1.package.released",
        /// A package was let go when its time was over.
        PackageExpired = "v1.package.expired",
        /// A package was deleted.
        PackageDeleted = "v1.package.deleted",
        /// The bytes of a file are missing or others.
        LocationDamaged = "v1.location.damaged",
        /// The bytes of a file are there again.
        LocationHealed = "v1.location.healed",
    }
}

/// An event of the log of a tenant's artifacts. It never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactEvent {
    /// Its number: 1, 2, 3 … in each tenant, without gaps.
    pub sequence: u64,
    /// What kind of thing happened.
    pub event_type: ArtifactEventType,
    /// The package that it is about.
    pub package_id: Uuid,
    /// Who did it: `user:` and an id, `key:` and the beginning of a key, `system`, or `local`.
    pub actor: String,
    /// What happened, with the members of its type.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// The digest of the payload as it is kept, which is canonical CBOR (RFC 8949 section 4.2.1).
    pub payload_digest: Address,
    /// When.
    pub created_at: Time,
}

/// A part of the log of artifacts, oldest event first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactEventPage {
    /// The events.
    pub items: Vec<ArtifactEvent>,
    /// What `after` is for the next part: the number of the last event here, or what was asked for where there is none.
    pub next_after: u64,
}

/// An event of the stream of artifacts, by the names of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactStreamEvent {
    /// Its number: what `Last-Event-ID` takes.
    pub id: String,
    /// What kind of thing happened.
    #[schema(value_type = ArtifactEventType)]
    pub event: String,
    /// JSON: the `ArtifactEvent`.
    #[schema(content_media_type = "application/json")]
    pub data: String,
}

words! {
    /// How long the bytes of a package stay though nothing needs them.
    pub enum RetentionClassName = packshot_domain::artifact::RetentionClass {
        /// Until they are deleted on purpose.
        RawEvidence = "raw-evidence",
        /// What renders made, and what they were made of.
        RenderOutput = "render-output",
        /// Previews.
        Preview = "preview",
        /// What only helps to make something else.
        Scratch = "scratch",
    }
}

/// A class that says how long packages are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionClass {
    /// Its name.
    pub name: RetentionClassName,
    /// How long it keeps bytes that nothing needs, in seconds, where the tenant has not set another time; `null`: until
    /// they are deleted.
    pub ttl_s: Option<u64>,
    /// What is kept so.
    pub description: String,
}

/// All classes, the longest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionClassList {
    /// The classes.
    pub items: Vec<RetentionClass>,
}

/// How much a tenant's artifacts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactUsage {
    /// Objects in the store. Equal bytes are one object.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The bytes of the objects that packages of each class name.
    pub by_class: BytesByClass,
    /// The bytes of objects that only packages name whose time is over within 30 days and which are not held.
    pub expiring_30_days_bytes: u64,
}

/// Bytes by the class of the packages that name them. What packages of two classes name counts for both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BytesByClass {
    /// Of packages that stay until they are deleted.
    pub raw_evidence: u64,
    /// Of what renders made, and of what they were made of.
    pub render_output: u64,
    /// Of previews.
    pub preview: u64,
    /// Of what only helps to make something else.
    pub scratch: u64,
}

#[cfg(test)]
mod tests {
    use packshot_words::Word;
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_are_named_by_the_words_of_the_classes() {
        let Value::Object(shown) = json!(BytesByClass::default()) else { panic!("an object") };
        let words: Vec<&str> = RetentionClassName::ENTRIES.iter().map(|entry| entry.word).collect();
        assert_eq!(shown.keys().map(String::as_str).collect::<Vec<_>>(), words);
    }

    #[test]
    fn words_are_those_of_the_domain() {
        for class in packshot_domain::artifact::RetentionClass::ALL {
            assert_eq!(RetentionClassName::from(*class).word(), class.as_str());
        }
        for event_type in packshot_domain::artifact::EventType::ALL {
            assert_eq!(ArtifactEventType::from(*event_type).word(), event_type.as_str());
        }
    }
}
