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

use serde_json::{Map, Value};

use crate::finding::{Finding, Rejected, Severity};
use crate::name::fold;

mod template;

pub use template::template;

/// Bytes of one map, at most.
pub const MAP_BYTES_MAX: usize = 64 << 20;
/// Bytes of one name, path or material in a map, at most.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// The entries of a map, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaterialMap {
    /// The entries.
    pub entries: Vec<MapEntry>,
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
    /// Reads a map; `name` is what findings call it, and the empty name leaves bare JSON pointers.
    ///
    /// # Errors
    /// Every fault of the map, with a JSON pointer: `map.syntax`, `map.limit`, `map.type`, `map.missing`,
    /// `map.unknown_member`, `map.range`.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Rejected> {
        let mut parser = Parser { name, findings: Vec::new() };
        if bytes.len() > MAP_BYTES_MAX {
            let message = format!("the map has {} bytes; at most {MAP_BYTES_MAX} are allowed", bytes.len());
            return Err(Finding::error("map.limit", name, message).into());
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let root: Value = serde_json::from_slice(bytes).map_err(|error| {
            let message = format!("not JSON: {error}");
            Finding::error("map.syntax", format!("{name}:{}", error.line()), message)
        })?;
        let entries = parser.root(&root);
        Rejected::unless_clean(Self { entries }, parser.findings).map(|(map, _)| map)
    }

    /// Lays entries of the form `PART=MATERIAL`, such as those of the command line, over the map: one takes the place of
    /// all entries of the same name. The last `=` separates, since part names may contain one and materials do not.
    ///
    /// # Errors
    /// `map.argument` for each argument without a `=` or with nothing on a side of it.
    pub fn with_arguments<S: AsRef<str>>(mut self, option: &str, arguments: &[S]) -> Result<Self, Rejected> {
        let mut findings = Vec::new();
        let mut added: Vec<MapEntry> = Vec::new();
        for argument in arguments {
            let argument = argument.as_ref();
            match argument.rsplit_once('=').map(|(part, material)| (part.trim(), material.trim())) {
                Some((part, material)) if !part.is_empty() && !material.is_empty() => added.push(MapEntry {
                    part: PartSelector::Name(part.to_owned()),
                    material: Some(material.to_owned()),
                    at: format!("{option} {argument}"),
                }),
                _ => findings.push(
                    Finding::error("map.argument", option, format!("`{argument}` is not of the form PART=MATERIAL"))
                        .with_help(format!("write {option} 'Outer_Ring=Steel'")),
                ),
            }
        }
        self.entries.retain(|entry| !added.iter().any(|added| added.part == entry.part));
        self.entries.append(&mut added);
        Rejected::unless_clean(self, findings).map(|(map, _)| map)
    }
}

/// Checked reading of a JSON document; faults are collected.
struct Parser<'a> {
    name: &'a str,
    findings: Vec<Finding>,
}

impl Parser<'_> {
    fn at(&self, pointer: &str) -> String {
        if self.name.is_empty() { pointer.to_owned() } else { format!("{}#{pointer}", self.name) }
    }

    fn error(&mut self, code: &'static str, pointer: &str, message: impl Into<String>) {
        self.findings.push(Finding::new(Severity::Error, code, self.at(pointer), message));
    }

    fn root(&mut self, root: &Value) -> Vec<MapEntry> {
        let Some(members) = self.object("", root) else { return Vec::new() };
        self.only(members, "", &["parts", "comment"]);
        match members.get("parts") {
            Some(Value::Array(parts)) => {
                parts.iter().enumerate().filter_map(|(idx, part)| self.entry(&format!("/parts/{idx}"), part)).collect()
            }
            Some(_) => {
                self.error("map.type", "/parts", "`parts` must be an array");
                Vec::new()
            }
            None => {
                self.error("map.missing", "/parts", "`parts` is required");
                Vec::new()
            }
        }
    }

    fn entry(&mut self, pointer: &str, value: &Value) -> Option<MapEntry> {
        let members = self.object(pointer, value)?;
        self.only(members, pointer, &["part_name", "path", "material", "comment"]);
        let part_name = members.get("part_name").map(|value| self.text(&format!("{pointer}/part_name"), value));
        let path = members.get("path").map(|value| self.text(&format!("{pointer}/path"), value));
        let material = match members.get("material") {
            Some(Value::Null) => Some(None),
            Some(value) => self.text(&format!("{pointer}/material"), value).map(Some),
            None => {
                self.error(
                    "map.missing",
                    &format!("{pointer}/material"),
                    "`material` is required; null leaves it open",
                );
                None
            }
        };
        let part = match (part_name, path) {
            (Some(name), None) => PartSelector::Name(name?),
            (None, Some(path)) => PartSelector::Path(path?),
            (None, None) => {
                self.error("map.missing", &format!("{pointer}/part_name"), "`part_name` or `path` is required");
                return None;
            }
            (Some(_), Some(_)) => {
                self.error("map.unknown_member", &format!("{pointer}/path"), "`path` stands in place of `part_name`");
                return None;
            }
        };
        Some(MapEntry { part, material: material?, at: self.at(pointer) })
    }

    fn object<'v>(&mut self, pointer: &str, value: &'v Value) -> Option<&'v Map<String, Value>> {
        let members = value.as_object();
        if members.is_none() {
            self.error("map.type", pointer, "expected an object");
        }
        members
    }

    fn text(&mut self, pointer: &str, value: &Value) -> Option<String> {
        let Some(text) = value.as_str() else {
            self.error("map.type", pointer, "expected a string");
            return None;
        };
        if text.len() > TEXT_BYTES_MAX {
            self.error("map.range", pointer, format!("{} bytes; at most {TEXT_BYTES_MAX} are allowed", text.len()));
            return None;
        }
        if text.trim().is_empty() {
            self.error("map.range", pointer, "must not be empty");
            return None;
        }
        Some(text.to_owned())
    }

    fn only(&mut self, members: &Map<String, Value>, pointer: &str, known: &[&str]) {
        for member in members.keys().filter(|member| !known.contains(&member.as_str())) {
            let escaped = member.replace('~', "~0").replace('/', "~1");
            let place = format!("{pointer}/{escaped}");
            let close = known.iter().find(|known| fold(known) == fold(member));
            let help = match close {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            let finding = Finding::error("map.unknown_member", self.at(&place), format!("unknown member `{member}`"));
            self.findings.push(finding.with_help(help));
        }
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
                    at: "map.json#/parts/0".into()
                },
                MapEntry { part: PartSelector::Path("Asm/B".into()), material: None, at: "map.json#/parts/1".into() },
            ]
        );
    }

    #[test]
    fn every_fault_is_reported_with_its_pointer() {
        for (json, expected) in [
            ("", &[("map.syntax", ":1")][..]),
            ("[]", &[("map.type", "")]),
            ("{}", &[("map.missing", "/parts")]),
            (r#"{"parts": {}, "a/b~": 1}"#, &[("map.unknown_member", "/a~1b~0"), ("map.type", "/parts")]),
            (
                r#"{"parts": [{"Part-Name": "A", "material": 3}, 7, {"part_name": " ", "material": ""},
                   {"part_name": "A", "path": "A", "material": "x"}, {"part_name": "A"}]}"#,
                &[
                    ("map.unknown_member", "/parts/0/Part-Name"),
                    ("map.type", "/parts/0/material"),
                    ("map.missing", "/parts/0/part_name"),
                    ("map.type", "/parts/1"),
                    ("map.range", "/parts/2/part_name"),
                    ("map.range", "/parts/2/material"),
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
    fn arguments_take_the_place_of_entries() {
        let json = br#"{"parts": [{"part_name": "A", "material": "Steel"}, {"part_name": "B", "material": "Brass"}]}"#;
        let map = MaterialMap::parse("", json).expect("valid");
        let map = map.with_arguments("--material", &["B=Copper", "z=23 = NBR"]).expect("valid");
        let pairs: Vec<_> = map.entries.iter().map(|entry| (&entry.part, entry.material.as_deref())).collect();
        let name = |name: &str| PartSelector::Name(name.to_owned());
        let (a, b, z) = (name("A"), name("B"), name("z=23"));
        assert_eq!(pairs, [(&a, Some("Steel")), (&b, Some("Copper")), (&z, Some("NBR"))]);
        assert_eq!(map.entries[1].at, "--material B=Copper");
        for bad in ["A", "=Steel", "A=", "="] {
            let rejected = MaterialMap::default().with_arguments("--material", &[bad]).expect_err(bad);
            assert_eq!(rejected.findings[0].code, "map.argument");
        }
    }

    proptest! {
        #[test]
        fn no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), json in r#"[\[\]{}",:a-z0-9 ]{0,48}"#) {
            let _ = MaterialMap::parse("m", &bytes);
            let _ = MaterialMap::parse("m", json.as_bytes());
        }
    }
}
