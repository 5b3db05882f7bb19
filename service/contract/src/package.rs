//! Packages of files, as clients see them (artifacts.md §2).

use packshot_json::{FaultKind, Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::artifact::RetentionClassName;
use super::problem::Invalid;
use super::read::parsed;
use super::scalar::{Address, Time};
use packshot_domain::artifact::{Label, Reason, RetentionClass};

mod check;
mod manifest;

pub use check::{CheckedFile, PackageCheck};
pub use manifest::{ManifestFile, ManifestPackage, ManifestReceipt, PackageManifest};

/// The code of a retention class that there is none of.
const UNKNOWN_CLASS: &str = "unknown_retention_class";

words! {
    /// State of a package.
    pub enum PackageStatus = packshot_domain::artifact::PackageStatus {
        /// It takes files.
        Created = "created",
        /// A manifest describes it, and nothing in it changes any more.
        Finalized = "finalized",
        /// Its time was over and nothing needed it: its bytes are gone.
        Expired = "expired",
        /// Somebody deleted it, or nobody finalised it: its bytes are gone.
        Deleted = "deleted",
    }
}

/// A package of files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Package {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// Its name.
    pub name: String,
    /// What made it.
    pub producer: String,
    /// What it is of, such as `render:` and an id.
    pub subject: String,
    /// How long its bytes stay though nothing needs them.
    pub retention_class: RetentionClassName,
    /// Its state.
    pub status: PackageStatus,
    /// What its producer says about it.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// How many files it has.
    pub file_count: u64,
    /// The bytes of all of them.
    pub total_bytes: u64,
    /// The digest of its manifest; `null` until it is finalised.
    pub manifest_digest: Option<Address>,
    /// When it was created.
    pub created_at: Time,
    /// By whom: `user:` and an id, `key:` and the beginning of a key, `system`, or `local`.
    pub created_by: String,
    /// When it was finalised.
    pub finalized_at: Option<Time>,
    /// By whom.
    pub finalized_by: Option<String>,
    /// When it expires unless something needs it; `null`: never, or not before it is finalised.
    pub expires_at: Option<Time>,
    /// Whether it is kept until it is released.
    pub held: bool,
    /// The number of the last event that changed it.
    pub last_event_sequence: u64,
    /// Where it and what belongs to it are.
    pub links: PackageLinks,
}

/// Links to a package, as paths on this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageLinks {
    /// Its record.
    #[serde(rename = "self")]
    pub own: String,
    /// Its files.
    pub files: String,
    /// Its manifest; `null` until it is finalised.
    pub manifest: Option<String>,
    /// What happened to it.
    pub events: String,
}

/// A page of packages, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackagePage {
    /// The packages.
    pub items: Vec<Package>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A package that was just finalised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FinalizedPackage {
    /// The digest of its manifest.
    pub manifest_digest: Address,
    /// The package.
    pub package: Package,
}

/// A package to create.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PackageRequest {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// What makes it.
    #[schema(min_length = 1, max_length = 200)]
    pub producer: String,
    /// What it is of.
    #[schema(min_length = 1, max_length = 200)]
    pub subject: String,
    /// How long its bytes stay though nothing needs them.
    pub retention_class: RetentionClassName,
    /// What its producer says about it: at most 64 KiB and 16 levels; absent: nothing.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
}

/// A package to create, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPackage {
    /// Its name.
    pub name: Label,
    /// What makes it.
    pub producer: Label,
    /// What it is of.
    pub subject: Label,
    /// How long its bytes stay though nothing needs them.
    pub retention_class: RetentionClass,
    /// What its producer says about it; what of JSON a package can keep is not checked yet.
    pub metadata: Map<String, Value>,
}

impl PackageRequest {
    /// Reads a package to create.
    ///
    /// # Errors
    /// `unknown_retention_class`; `missing`, `wrong_type`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<NewPackage, Invalid> {
        let faults = Faults::default();
        let package = Node::root(body, &faults).members().and_then(|mut m| {
            let name = m.require("name").and_then(|node| parsed(&node));
            let producer = m.require("producer").and_then(|node| parsed(&node));
            let subject = m.require("subject").and_then(|node| parsed(&node));
            let retention_class = m.require("retention_class").and_then(|node| retention_class(&node));
            let metadata = m.given("metadata").map_or_else(|| Some(Map::new()), |node| object(&node));
            m.finish();
            Some(NewPackage {
                name: name?,
                producer: producer?,
                subject: subject?,
                retention_class: retention_class?,
                metadata: metadata?,
            })
        });
        Invalid::unless_faults(package, faults)
    }
}

/// A change of a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PackagePatch {
    /// How long its bytes stay though nothing needs them; absent: as before.
    pub retention_class: Option<RetentionClassName>,
}

impl PackagePatch {
    /// Reads a merge patch (RFC 7396): the class that the package gets, if any. No class is the default of another, so
    /// that `null` is none.
    ///
    /// # Errors
    /// `unknown_retention_class`; `wrong_type`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<Option<RetentionClass>, Invalid> {
        let faults = Faults::default();
        let class = Node::root(body, &faults).members().map(|mut m| {
            let class = m.take("retention_class").and_then(|node| retention_class(&node));
            m.finish();
            class
        });
        Invalid::unless_faults(class, faults)
    }
}

/// Why a package is held or released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HoldRequest {
    /// Why, for those who read the log.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

impl HoldRequest {
    /// Reads the reason.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<Reason, Invalid> {
        let faults = Faults::default();
        let reason = Node::root(body, &faults).members().and_then(|mut m| {
            let reason = m.require("reason").and_then(|node| parsed(&node));
            m.finish();
            reason
        });
        Invalid::unless_faults(reason, faults)
    }
}

/// The members of an object whose names somebody chose, as they are.
fn object(node: &Node<'_>) -> Option<Map<String, Value>> {
    match node.value() {
        Value::Object(members) => Some(members.clone()),
        _ => node.refuse(FaultKind::Type, "expected an object"),
    }
}

/// The retention class with a name.
pub(crate) fn retention_class(node: &Node<'_>) -> Option<RetentionClass> {
    match RetentionClass::named(node.string()?) {
        Ok(class) => Some(class),
        Err(unknown) => node.refuse(FaultKind::Named(UNKNOWN_CLASS.to_owned()), unknown.to_string()),
    }
}

words! {
    /// State of a file of a package.
    pub enum FileState = packshot_domain::artifact::FileState {
        /// Its bytes are there.
        Intact = "ok",
        /// Its bytes cannot be found.
        Missing = "missing",
        /// Its bytes are others than they were.
        Corrupt = "corrupt",
        /// Its bytes were removed with its package.
        Expired = "expired",
    }
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactFile {
    /// Its id.
    pub id: Uuid,
    /// Its package.
    pub package_id: Uuid,
    /// Where it lies in its package: names of folders and of the file, joined by `/`, in NFC.
    pub relative_path: String,
    /// What kind of bytes it has.
    pub media_type: String,
    /// How many.
    pub size_bytes: u64,
    /// Their address: the BLAKE3 of them.
    pub content_address: Address,
    /// The SHA-256 of the same bytes, as 64 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// When the package took it.
    pub created_at: Time,
    /// Whether its bytes are there.
    pub location_state: FileState,
    /// Where the file and its bytes are.
    pub links: ArtifactFileLinks,
}

/// Links to a file of a package, as paths on this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactFileLinks {
    /// Its record.
    #[serde(rename = "self")]
    pub own: String,
    /// Its bytes.
    pub content: String,
    /// Its package.
    pub package: String,
}

/// A page of the files of a package, in the order of its manifest: by the bytes of their paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactFilePage {
    /// The files.
    pub items: Vec<ArtifactFile>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(changed: (&str, Value)) -> Value {
        let mut body = json!({"name": "p", "producer": "prod", "subject": "sub", "retention_class": "raw-evidence"});
        body[changed.0] = changed.1;
        body
    }

    #[test]
    fn a_package_to_create_says_all_that_is_wrong_with_it() {
        let read = PackageRequest::parse(&package(("metadata", json!({"run_id": "r-1"})))).expect("a package");
        assert_eq!((read.name.as_str(), read.retention_class), ("p", RetentionClass::RawEvidence));
        assert_eq!(Value::Object(read.metadata), json!({"run_id": "r-1"}));
        for changed in [("metadata", Value::Null), ("name", json!("x".repeat(200)))] {
            assert!(PackageRequest::parse(&package(changed)).is_ok());
        }
        let body = json!({"name": "", "producer": 1, "retention_class": "for-ever", "metadata": [], "tenant": "x"});
        let refused = PackageRequest::parse(&body).expect_err("all of it is wrong");
        let found: Vec<(&str, &str)> =
            refused.findings.iter().map(|finding| (finding.pointer.as_str(), finding.code.as_str())).collect();
        let expected = [
            ("/name", "out_of_range"),
            ("/producer", "wrong_type"),
            ("/subject", "missing"),
            ("/retention_class", "unknown_retention_class"),
            ("/metadata", "wrong_type"),
            ("/tenant", "unknown_member"),
        ];
        assert_eq!((found, refused.code()), (expected.to_vec(), "validation_failed"));
    }

    #[test]
    fn a_class_that_there_is_none_of_names_the_request() {
        let refused = PackageRequest::parse(&package(("retention_class", json!("does-not-exist"))));
        let refused = refused.expect_err("there is no such class");
        assert_eq!(refused.code(), "unknown_retention_class");
        assert!(refused.detail().contains("unknown retention class"), "{}", refused.detail());
        let changed = PackagePatch::parse(&json!({"retention_class": "for-ever"})).expect_err("there is no such class");
        assert_eq!(changed.code(), "unknown_retention_class");
    }

    #[test]
    fn a_patch_names_a_class_or_nothing() {
        assert_eq!(PackagePatch::parse(&json!({})), Ok(None));
        let preview = PackagePatch::parse(&json!({"retention_class": "preview"}));
        assert_eq!(preview, Ok(Some(RetentionClass::Preview)));
        for wrong in [json!({"retention_class": null}), json!({"name": "q"}), json!([])] {
            assert!(PackagePatch::parse(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hold_says_why() {
        let reason = HoldRequest::parse(&json!({"reason": "a claim"})).expect("a reason");
        assert_eq!(reason.as_str(), "a claim");
        for wrong in [json!({}), json!({"reason": ""}), json!({"reason": null}), json!({"reason": "x".repeat(1_001)})] {
            assert!(HoldRequest::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
