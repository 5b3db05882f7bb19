//! The material map of a job: which part gets which material, as a person or a parts list wrote it.
//!
//! ```json
//! {"parts": [
//!   {"part_name": "Outer_Ring", "material": "Steel"},
//!   {"path": "Bearing/Seal_Left", "material": "NBR", "comment": "anything"}
//! ]}
//! ```
//!
//! `material` may be `null`: then the entry waits for a choice and counts for nothing.

use packshot_json::{Fault, FaultKind, Faults, Node};
use serde_json::Value;

use crate::finding::{Finding, Rejected};

mod template;

pub use template::template;

/// Bytes of one map, at most.
pub const MAP_BYTES_MAX: usize = 64 << 20;
/// Bytes of one name, path or material in a map, at most.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// The entries of a map, in its order, and what they leave open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaterialMap {
    /// The entries.
    pub entries: Vec<MapEntry>,
    /// Of which parts it is.
    pub covers: Covers,
}

/// Of which parts a map is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Covers {
    /// All: a part that nothing matches is unmapped.
    #[default]
    AllParts,
    /// Those that it names: the others are treated as if there were no map.
    NamedParts,
}

/// One entry of a [`MaterialMap`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapEntry {
    /// Which parts it is for.
    pub part: PartSelector,
    /// The material string; `None` waits for a choice.
    pub material: Option<String>,
    /// `file` and JSON pointer, or the command line option.
    pub at: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where an entry of a map comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A map, which may be that of many products.
    #[default]
    Map,
    /// Somebody wrote it for this picture, and means a part of this product.
    Hand,
}

/// Which parts a [`MapEntry`] is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartSelector {
    /// Parts of this name.
    Name(String),
    /// Parts at this path: node names joined by `/`.
    Path(String),
}

impl MaterialMap {
    /// A map of all parts.
    pub fn of_all(entries: Vec<MapEntry>) -> Self {
        Self { entries, covers: Covers::AllParts }
    }

    /// Whether somebody wrote all of its entries for this picture.
    pub fn is_by_hand(&self) -> bool {
        !self.entries.is_empty() && self.entries.iter().all(|entry| entry.origin == Origin::Hand)
    }

    /// These entries over those of another map: one takes the place of all entries for the same part.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        let mut entries = below.entries;
        entries.retain(|entry| !self.entries.iter().any(|other| other.part == entry.part));
        entries.extend(self.entries);
        Self { entries, covers: below.covers }
    }

    /// Reads a map; `name` is what findings call it, and the empty name leaves bare JSON pointers.
    ///
    /// # Errors
    /// Every fault of the map, with a JSON pointer: `map.syntax`, `map.limit`, `map.type`, `map.missing`,
    /// `map.unknown_member`, `map.range`.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Rejected> {
        if bytes.len() > MAP_BYTES_MAX {
            let message = format!("the map has {} bytes; at most {MAP_BYTES_MAX} are allowed", bytes.len());
            return Err(Finding::error("map.limit", name, message).into());
        }
        let root = packshot_json::parse(bytes).map_err(|error| {
            let at = format!("{name}:{}", error.line);
            let (message, help) = match bytes {
                _ if bytes.trim_ascii().is_empty() => {
                    ("the file is empty".to_owned(), "`packshot map init` writes a map")
                }
                [b'g', b'l', b'T', b'F', ..] => {
                    ("this is a GLB, not a map".to_owned(), "`packshot map init` writes the map of a GLB")
                }
                [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => {
                    ("this is a picture, not a map".to_owned(), "`packshot map init` writes a map")
                }
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                    ("the text is in UTF-16, which JSON files are not".to_owned(), "save it as UTF-8")
                }
                _ if std::str::from_utf8(bytes).is_err() => (error.to_string(), "save it as UTF-8"),
                _ => (error.to_string(), "correct the JSON at this place"),
            };
            Rejected::from(Finding::error("map.syntax", at, message).with_help(help))
        })?;
        let faults = Faults::default();
        let entries = read(&Node::root(&root, &faults), name);
        let is_pairs = is_pairs(&root);
        let finding = |fault: Fault| {
            let help = if is_pairs && !fault.at.is_empty() && fault.kind != FaultKind::Missing {
                Some("write it as an entry of the list `parts`: {\"part_name\": PART, \"material\": MATERIAL}")
            } else {
                help(&fault)
            };
            let found = Finding::error(code(&fault.kind), place(name, &fault.at), fault.message);
            match help {
                Some(help) => found.with_help(help),
                None => found,
            }
        };
        let findings: Vec<Finding> = faults.into_vec().into_iter().map(finding).collect();
        Rejected::unless_clean(Self::of_all(entries.unwrap_or_default()), findings).map(|(map, _)| map)
    }
}

/// Whether a document is nothing but names and materials: `{"Outer_Ring": "Steel"}`.
fn is_pairs(root: &Value) -> bool {
    root.as_object().is_some_and(|members| !members.is_empty() && members.values().all(Value::is_string))
}

/// What to do about a fault whose message does not say it.
fn help(fault: &Fault) -> Option<&'static str> {
    match fault.kind {
        FaultKind::UnknownMember if fault.message.contains("did you mean") => Some("rename or remove it"),
        FaultKind::UnknownMember => Some("remove it"),
        FaultKind::Type | FaultKind::Missing if fault.at.is_empty() || fault.at == "/parts" => {
            Some("give an object with a list: {\"parts\": [{\"part_name\": \"Ring\", \"material\": \"Steel\"}]}")
        }
        FaultKind::Range if fault.at.ends_with("/material") => Some("give a material, or null, which leaves it open"),
        _ => None,
    }
}

/// The entries of a map that lies in a larger document, or in a file called `name`.
///
/// What is wrong is a fault of the node: [`code`] says what it is called.
pub fn read(node: &Node<'_>, name: &str) -> Option<Vec<MapEntry>> {
    let mut members = node.members()?;
    members.take("comment");
    let parts = members.require("parts").and_then(|parts| entries(&parts, name));
    members.finish();
    parts
}

/// The entries of a list.
pub fn entries(parts: &Node<'_>, name: &str) -> Option<Vec<MapEntry>> {
    let read: Vec<_> = parts.list()?.iter().map(|part| entry(part, name)).collect();
    read.into_iter().collect()
}

fn entry(node: &Node<'_>, name: &str) -> Option<MapEntry> {
    let mut members = node.members()?;
    members.take("comment");
    let has_material = members.take("material");
    let material = match &has_material {
        Some(material) if material.is_null() => Some(None),
        Some(material) => text(material).map(Some),
        None => {
            members.report("material", FaultKind::Missing, "`material` is required; null leaves it open");
            None
        }
    };
    let part = match (members.take("part_name"), members.take("path")) {
        (Some(name), None) => text(&name).map(PartSelector::Name),
        (None, Some(path)) => text(&path).map(PartSelector::Path),
        (None, None) => {
            members.report("part_name", FaultKind::Missing, "`part_name` or `path` is required");
            None
        }
        (Some(_), Some(path)) => path.refuse(FaultKind::UnknownMember, "give either `path` or `part_name`, not both"),
    };
    members.finish();
    Some(MapEntry { part: part?, material: material?, at: place(name, &node.at()), origin: Origin::Map })
}

fn text(node: &Node<'_>) -> Option<String> {
    let text = node.string()?;
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the text has {} bytes; at most {TEXT_BYTES_MAX} are allowed", text.len());
        return node.refuse(FaultKind::Range, message);
    }
    if text.trim().is_empty() {
        return node.refuse(FaultKind::Range, "expected a text that is not empty");
    }
    Some(text.to_owned())
}

/// A place in a map as findings name it.
fn place(name: &str, pointer: &str) -> String {
    if name.is_empty() { pointer.to_owned() } else { format!("{name}#{pointer}") }
}

/// What a kind of mistake in a map is called.
pub fn code(kind: &FaultKind) -> &'static str {
    match kind {
        FaultKind::Type => "map.type",
        FaultKind::Missing => "map.missing",
        FaultKind::UnknownMember => "map.unknown_member",
        FaultKind::Named(_) => "map.syntax",
        FaultKind::Range | FaultKind::Word | FaultKind::Duplicate | FaultKind::Conflict => "map.range",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn faults(json: &str) -> Vec<(&'static str, String)> {
        let rejected = MaterialMap::parse("", json.as_bytes()).expect_err(json);
        rejected.findings.into_iter().map(|finding| (finding.code, finding.at)).collect()
    }

    #[test]
    fn a_map_with_every_member() {
        let json = "\u{feff}{\"comment\": [1], \"parts\": [{\"part_name\": \"A\", \"material\": \"Steel\", \"comment\": \"x\"},
            {\"path\": \"Asm/B\", \"material\": null}]}";
        let map = MaterialMap::parse("map.json", json.as_bytes()).expect("valid");
        assert_eq!(
            map.entries,
            [
                MapEntry {
                    part: PartSelector::Name("A".into()),
                    material: Some("Steel".into()),
                    at: "map.json#/parts/0".into(),
                    origin: Origin::Map,
                },
                MapEntry {
                    part: PartSelector::Path("Asm/B".into()),
                    material: None,
                    at: "map.json#/parts/1".into(),
                    origin: Origin::Map,
                },
            ]
        );
    }

    #[test]
    fn every_fault_is_reported_with_its_pointer() {
        for (json, expected) in [
            ("", &[("map.syntax", ":1")][..]),
            ("[]", &[("map.type", "")]),
            ("{}", &[("map.missing", "/parts")]),
            (r#"{"parts": {}, "a/b~": 1}"#, &[("map.type", "/parts"), ("map.unknown_member", "/a~1b~0")]),
            (
                r#"{"parts": [{"Part-Name": "A", "material": 3}, 7, {"part_name": " ", "material": ""},
                   {"part_name": "A", "path": "A", "material": "x"}, {"part_name": "A"}]}"#,
                &[
                    ("map.type", "/parts/0/material"),
                    ("map.missing", "/parts/0/part_name"),
                    ("map.unknown_member", "/parts/0/Part-Name"),
                    ("map.type", "/parts/1"),
                    ("map.range", "/parts/2/material"),
                    ("map.range", "/parts/2/part_name"),
                    ("map.unknown_member", "/parts/3/path"),
                    ("map.missing", "/parts/4/material"),
                ],
            ),
        ] {
            let found = faults(json);
            let found: Vec<_> = found.iter().map(|(code, at)| (*code, at.as_str())).collect();
            assert_eq!(found, expected, "{json}");
        }
        assert!(MaterialMap::parse("m", &b"[".repeat(100_000)).is_err());
        assert!(MaterialMap::parse("m", b"{\"parts\":[{\"part_name\":\"\xff\",\"material\":\"x\"}]}").is_err());
    }

    #[test]
    fn files_that_are_no_text_of_a_map_are_named() {
        let cases: [(&[u8], &str, &str); 7] = [
            (b" \n", "the file is empty", "`packshot map init`"),
            (b"glTF\x02\0\0\0", "this is a GLB, not a map", "`packshot map init`"),
            (b"\x89PNG\r\n", "this is a picture, not a map", "`packshot map init`"),
            (b"\xff\xd8\xff\xe0", "this is a picture, not a map", "`packshot map init`"),
            (b"\xff\xfe{\0}\0", "the text is in UTF-16", "save it as UTF-8"),
            (b"\xfe\xff\0{\0}", "the text is in UTF-16", "save it as UTF-8"),
            (b"{\"parts\": [{\"part_name\": \"Geh\xe4use\", \"material\": \"Steel\"}]}", "", "save it as UTF-8"),
        ];
        for (bytes, message, help) in cases {
            let rejected = MaterialMap::parse("m", bytes).expect_err("no map");
            let [finding] = &rejected.findings[..] else { panic!("{rejected:?}") };
            assert!(finding.message.starts_with(message), "{finding:?}");
            assert!(finding.help.as_deref().is_some_and(|text| text.contains(help)), "{finding:?}");
        }
    }

    #[test]
    fn pairs_of_names_and_materials_are_told_what_an_entry_is() {
        let rejected = MaterialMap::parse("m", br#"{"Outer_Ring": "Steel", "Cage": "Brass"}"#).expect_err("no map");
        let helps: Vec<_> = rejected.findings.iter().map(|found| (found.code, found.help.as_deref())).collect();
        let entry = "write it as an entry of the list `parts`: {\"part_name\": PART, \"material\": MATERIAL}";
        let [missing, outer, cage] = helps[..] else { panic!("{helps:?}") };
        assert_eq!(missing.0, "map.missing");
        assert!(missing.1.is_some_and(|help| help.contains(r#"{"parts": [{"part_name""#)), "{missing:?}");
        assert_eq!([outer, cage], [("map.unknown_member", Some(entry)); 2]);
    }

    #[test]
    fn entries_take_the_place_of_others_for_their_part() {
        let json = br#"{"parts": [{"part_name": "A", "material": "Steel"}, {"part_name": "B", "material": "Brass"}]}"#;
        let below = MaterialMap::parse("", json).expect("valid");
        let entry = |part: &str, material: &str| MapEntry {
            part: PartSelector::Name(part.to_owned()),
            material: Some(material.to_owned()),
            at: String::new(),
            origin: Origin::Hand,
        };
        let by_hand =
            MaterialMap { entries: vec![entry("B", "Copper"), entry("z=23", "NBR")], covers: Covers::NamedParts };
        let map = by_hand.over(below);
        let pairs: Vec<_> = map.entries.iter().map(|entry| (&entry.part, entry.material.as_deref())).collect();
        let name = |name: &str| PartSelector::Name(name.to_owned());
        let (a, b, z) = (name("A"), name("B"), name("z=23"));
        assert_eq!(pairs, [(&a, Some("Steel")), (&b, Some("Copper")), (&z, Some("NBR"))]);
        assert_eq!(map.covers, Covers::AllParts);
    }

    proptest! {
        #[test]
        fn no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), json in r#"[\[\]{}",:a-z0-9 ]{0,48}"#) {
            let _ = MaterialMap::parse("m", &bytes);
            let _ = MaterialMap::parse("m", json.as_bytes());
        }
    }
}
