//! Payloads: the members that the contract lists, read as they are written.

use std::collections::BTreeMap;

use super::super::tests::{file, manifest, receipt};
use super::super::{ByteSize, RetentionClass};
use super::*;
use crate::hash::ContentAddress;
use crate::id::FileId;

fn observed(address: Option<ContentAddress>) -> Observed {
    Observed { size: ByteSize::new(7).expect("a size"), address }
}

/// One event of each type at least.
fn events() -> Vec<ArtifactEvent> {
    let package = PackageId::new();
    let reason = Reason::abandoned;
    let location = StorageLocationId::of(FileId::new(), &receipt("local", 7).backend, ContentAddress::of(b"a"));
    let retention = Retention::of(RetentionClass::Preview, &BTreeMap::new());
    let label = |text: &str| text.parse::<Label>().expect("a label");
    let created = |retention: Retention| ArtifactEvent::PackageCreated {
        package,
        name: label("p"),
        producer: label("prod"),
        subject: label("sub"),
        retention,
        metadata: manifest().package().metadata.clone(),
    };
    let evidence = Retention::of(RetentionClass::RawEvidence, &BTreeMap::new());
    let file = file(FileId::new(), "Ä/y.txt", b"hello");
    vec![
        created(retention),
        created(evidence),
        ArtifactEvent::FileIngested { package, file, receipt: receipt("local", 5) },
        ArtifactEvent::PackageFinalized(manifest()),
        ArtifactEvent::RetentionChanged { package, retention },
        ArtifactEvent::PackageHeld { package, reason: reason() },
        ArtifactEvent::PackageReleased { package, reason: reason() },
        ArtifactEvent::PackageExpired { package, reason: Reason::retention() },
        ArtifactEvent::PackageDeleted { package, reason: None },
        ArtifactEvent::PackageDeleted { package, reason: Some(reason()) },
        ArtifactEvent::LocationDamaged { location, damage: Damage::Missing },
        ArtifactEvent::LocationDamaged { location, damage: Damage::Corrupt(observed(None)) },
        ArtifactEvent::LocationDamaged { location, damage: Damage::Corrupt(observed(Some(ContentAddress::of(b"b")))) },
        ArtifactEvent::LocationHealed { location, observed: observed(Some(ContentAddress::of(b"a"))) },
    ]
}

#[test]
fn events_are_read_as_they_are_written() {
    let events = events();
    assert!(EventType::ALL.iter().all(|kind| events.iter().any(|event| event.event_type() == *kind)));
    for event in events {
        let payload = event.encode();
        let again = ArtifactEvent::decode(event.event_type(), &payload).expect("its own payload");
        assert_eq!((again.encode(), &again), (payload, &event));
        let is_of_location = event.event_type().as_str().starts_with("v1.location.");
        assert_eq!(event.package().is_none(), is_of_location);
    }
}

#[test]
fn payloads_have_the_members_of_the_contract() {
    let form = "retention_class retention_ttl_s";
    for event in events() {
        let kind = event.event_type();
        let created = format!("metadata name package_id producer {form} subject");
        let reclassified = format!("package_id {form}");
        let expected = match kind {
            EventType::PackageCreated => created.as_str(),
            EventType::FileIngested => {
                "content_address file_id media_type package_id receipt relative_path sha256 size_bytes storage_location_id"
            }
            EventType::PackageFinalized => "files manifest_version package storage_receipts",
            EventType::RetentionChanged => reclassified.as_str(),
            EventType::PackageHeld
            | EventType::PackageReleased
            | EventType::PackageExpired
            | EventType::PackageDeleted => "package_id reason",
            EventType::LocationDamaged | EventType::LocationHealed => "observed state storage_location_id",
        };
        let Tree::Map(members) = event.to_tree() else { panic!("an object") };
        assert_eq!(members.keys().map(String::as_str).collect::<Vec<_>>().join(" "), expected, "{kind}");
    }
    let ingested = &events()[2];
    let Tree::Map(members) = ingested.to_tree() else { panic!("an object") };
    let Some(Tree::Map(receipt)) = members.get("receipt") else { panic!("an object") };
    assert_eq!(receipt.keys().map(String::as_str).collect::<Vec<_>>(), ["backend_id", "size_bytes", "stored_at"]);
}

#[test]
fn the_payload_of_finalising_is_the_manifest() {
    let event = ArtifactEvent::PackageFinalized(manifest());
    assert_eq!(event.encode(), manifest().encode());
    assert_eq!(ContentAddress::of(&event.encode()), manifest().digest());
}

/// What reading says of the payload of `event` with another member.
fn changed(event: &ArtifactEvent, name: &str, value: impl Into<Tree>) -> String {
    let Tree::Map(mut members) = event.to_tree() else { panic!("an object") };
    members.insert(name.to_owned(), value.into());
    let payload = Tree::Map(members).to_cbor();
    ArtifactEvent::decode(event.event_type(), &payload).expect_err("another form").to_string()
}

#[test]
fn other_payloads_are_refused_with_their_place() {
    let events = events();
    let (created, ingested, damaged, healed) = (&events[0], &events[2], &events[10], &events[13]);
    let location = "01935d00-0000-5000-8000-000000000001";
    for (told, expected) in [
        (changed(created, "tenant_id", 1), "at '/tenant_id': there is no such member"),
        (changed(created, "retention_ttl_s", -1), "at '/retention_ttl_s': it is negative"),
        (
            changed(created, "retention_class", "raw-evidence"),
            "at '/retention_ttl_s': packages of the class 'raw-evidence' have no time, and those of every other class have \
             one",
        ),
        (
            changed(created, "retention_class", "forever"),
            "at '/retention_class': `forever` is not one of raw-evidence, render-output, preview, scratch",
        ),
        (changed(ingested, "receipt", Tree::map([])), "at '/receipt/backend_id': it is missing"),
        (changed(ingested, "relative_path", "A\u{308}"), "at '/relative_path': it is written '\u{c4}'"),
        (
            changed(ingested, "storage_location_id", location),
            "at '/storage_location_id': it does not follow from file, backend and content",
        ),
        (changed(damaged, "state", "ok"), "at '/state': it does not fit what was observed"),
        (changed(healed, "state", "missing"), "at '/state': it does not fit what was observed"),
        (changed(healed, "observed", Tree::Null), "at '/state': it does not fit what was observed"),
    ] {
        assert_eq!(told, expected);
    }
}
