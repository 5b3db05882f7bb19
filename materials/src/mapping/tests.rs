use proptest::prelude::*;

use super::*;
use crate::library::{Layer, Package, SourceFile};

mod aliases;
mod names;
mod own;
mod shared;

/// A part whose mesh has one primitive without a material.
fn part(node: &str, mesh: &str) -> PartNames {
    PartNames {
        path: format!("Asm/{node}"),
        node: Some(node.to_owned()),
        mesh: Some(mesh.to_owned()),
        own: vec![OwnMaterial::Nothing],
        area: 1.0,
        ..PartNames::default()
    }
}

fn named(material: &str) -> OwnMaterial {
    OwnMaterial::Named(material.to_owned())
}

fn map(rows: &[(&str, &str)]) -> MaterialMap {
    let parts: Vec<_> = rows
        .iter()
        .map(|(part, material)| match part.strip_prefix("path:") {
            Some(path) => serde_json::json!({"path": path, "material": material}),
            None => serde_json::json!({"part_name": part, "material": material}),
        })
        .collect();
    let json = serde_json::json!({ "parts": parts }).to_string();
    MaterialMap::parse("", json.as_bytes()).expect("a map of names")
}

/// The built-in library below one with these rules.
fn with_rules(rules: &str) -> Library {
    let text = format!(
        "schema = \"material-library/1\"\n[library]\nid = \"ACME\"\nversion = \"1.0.0\"\ncolor_space = \"lin_rec709\"\n{rules}"
    );
    let files = [SourceFile { name: "acme.toml", bytes: text.as_bytes() }];
    let (package, _) = Package::parse(&files, &|_| Ok(None)).expect("valid rules");
    Library::resolve(vec![(Layer::Base, Package::builtin()), (Layer::Tenant, package)]).expect("valid").0
}

fn item(library: &Library, map: Option<&MaterialMap>, part: &PartNames) -> ReportItem {
    Resolver::new(library, map, OnUnmapped::Magenta).resolve(std::slice::from_ref(part)).report.items.remove(0)
}

/// Method and material of a part under a map.
fn resolved(rows: &[(&str, &str)], part: &PartNames) -> (Method, String) {
    let item = item(Library::builtin(), Some(&map(rows)), part);
    (item.method, item.material.expect("a library material"))
}

const STEEL: &str = "STD_010101_Steel-Bare";
const BRASS: &str = "STD_010501_Brass-CuZn30";
const FAILED: &str = "STD_059999_FailedMaterial";
const CLAY: &str = "STD_059901_Clay";

#[test]
fn earlier_steps_win() {
    let part = PartNames { own: vec![named("Copper")], extras: vec!["Nickel".into()], ..part("Welle_1.001", "Gummi") };
    let rules = with_rules("[[rule]]\nglob = \"Welle*\"\nmaterial = \"Titanium\"");
    let rows = [
        ("path:Asm/Welle_1.001", "Steel"),
        ("Welle_1.001", "Brass"),
        ("welle 1 001", "Lead"),
        ("", ""),
        ("Welle_1", "Gold"),
    ];
    let expected = [
        (0, Method::Override, STEEL),
        (1, Method::Exact, BRASS),
        (2, Method::Normalized, "STD_011101_Lead"),
        // The mesh is called like an alias of rubber.
        (3, Method::Alias, "STD_020301_NBR-Black"),
    ];
    for (from, method, material) in expected {
        let rows: Vec<_> = rows[from..].iter().copied().filter(|(part, _)| !part.is_empty()).collect();
        let item = item(&rules, Some(&map(&rows)), &part);
        assert_eq!((item.method, item.material.as_deref()), (method, Some(material)));
    }
    let part = PartNames { mesh: None, ..part };
    let later = |library: &Library, rows: &[(&str, &str)], part: &PartNames| {
        let item = item(library, Some(&map(rows)), part);
        (item.method, item.material.expect("a library material"))
    };
    assert_eq!(later(&rules, &rows[4..], &part), (Method::Suffix, "STD_011201_Gold".to_owned()));
    assert_eq!(later(&rules, &[], &part), (Method::Rule, "STD_010701_Titanium".to_owned()));
    let std = Library::builtin();
    assert_eq!(later(std, &[], &part), (Method::GlbMaterial, "STD_010601_Copper".to_owned()));
    let part = PartNames { own: vec![named("mat_0")], ..part };
    assert_eq!(later(std, &[], &part), (Method::Extras, "STD_010801_Nickel".to_owned()));
    let part = PartNames { extras: vec!["layer 3".into()], ..part };
    assert_eq!(later(std, &[], &part), (Method::Fallback, FAILED.to_owned()));
}

#[test]
fn within_a_step_the_node_goes_before_the_mesh() {
    let part = part("Welle.001", "Passfeder");
    assert_eq!(resolved(&[("Welle.001", "Steel"), ("Passfeder", "Brass")], &part), (Method::Exact, STEEL.into()));
    assert_eq!(resolved(&[("Welle", "Steel"), ("Passfeder", "Brass")], &part), (Method::Exact, BRASS.into()));
}

#[test]
fn paths_match_whatever_their_composition() {
    let part = PartNames { path: "Asm/Geha\u{308}use".into(), ..part("x", "y") };
    assert_eq!(resolved(&[("path:Asm/Gehäuse", "Steel")], &part), (Method::Override, STEEL.into()));
    assert_eq!(resolved(&[("path:Asm/gehäuse", "Steel")], &part), (Method::Fallback, FAILED.into()));
}

#[test]
fn suffixes_need_a_known_rest_and_agreement() {
    for (rows, node, expected) in [
        (&[("6205", "Steel")][..], "6205-2", (Method::Suffix, STEEL)),
        (&[("6205-2RS", "Steel")], "6205-2", (Method::Fallback, FAILED)),
        (&[("Welle", "Steel")], "WELLE_2.001", (Method::Suffix, STEEL)),
        (&[], "Messing:3:1", (Method::Suffix, BRASS)),
        // Two readings of the same length: taking :3:1 or :1 off.
        (&[("Bolt", "Steel"), ("Bolt:3", "Brass")], "Bolt:3:1", (Method::Fallback, FAILED)),
        (&[("Bolt", "Steel"), ("Bolt:3", "Stahl")], "Bolt:3:1", (Method::Suffix, STEEL)),
        // One suffix less goes before one more.
        (&[("Bolt", "Steel"), ("Bolt_1", "Brass")], "Bolt_1.002", (Method::Suffix, BRASS)),
    ] {
        let (method, material) = resolved(rows, &part(node, "SOLID"));
        assert_eq!((method, material.as_str()), expected, "{node} under {rows:?}");
    }
}

#[test]
fn cut_names_match_a_unique_beginning() {
    let name = "x".repeat(63);
    let (long, other) = (format!("{name}yz"), format!("{name}a"));
    let outcome = Resolver::new(Library::builtin(), Some(&map(&[(&long, "Steel")])), OnUnmapped::Magenta)
        .resolve(&[part(&name, "SOLID")]);
    assert_eq!(outcome.report.items[0].method, Method::Suffix);
    assert_eq!(outcome.findings[0].code, "truncated_name");
    let (method, _) = resolved(&[(&long, "Steel"), (&other, "Brass")], &part(&name, "SOLID"));
    assert_eq!(method, Method::Fallback);
    let (method, _) = resolved(&[(&long, "Steel")], &part(&name[1..], "SOLID"));
    assert_eq!(method, Method::Fallback);
}

#[test]
fn disagreement_is_ambiguous_and_agreement_is_not() {
    let ambiguous = |rows: &[(&str, &str)]| item(Library::builtin(), Some(&map(rows)), &part("ring a", "SOLID"));
    let found = ambiguous(&[("Ring_A", "Steel"), ("RING-A", "Brass")]);
    assert_eq!((found.method, found.reason), (Method::Fallback, Some(Reason::Ambiguous)));
    let shown: Vec<_> = found.suggestions.iter().map(|s| (s.material.as_str(), s.score)).collect();
    assert_eq!(shown, [(STEEL, 1.0), (BRASS, 1.0)]);
    assert_eq!(ambiguous(&[("Ring_A", "Steel"), ("RING-A", "100Cr6")]).reason, None);
    assert_eq!(ambiguous(&[("ring a", "Steel"), ("ring a", "Brass")]).reason, Some(Reason::Ambiguous));
    let outcome = Resolver::new(
        Library::builtin(),
        Some(&map(&[("a", "Steel"), ("b", "Steel"), ("a", "Brass"), ("b", "Stahl")])),
        OnUnmapped::Magenta,
    )
    .resolve(&[]);
    let found: Vec<_> = outcome.findings.iter().map(|finding| (finding.code, finding.at.as_str())).collect();
    assert_eq!(found[0], ("contradictory_map_entries", "/parts/0"));
    assert_eq!(found.iter().filter(|(code, _)| *code == "unused_map_entry").count(), 4);
}

#[test]
fn rules_by_priority_layer_and_agreement() {
    for (rules, expected) in [
        ("glob='*ring*' material='Steel' | glob='*ring*' material='Brass' priority=1", Some(BRASS)),
        ("glob='*ring*' material='Steel' | glob='outer*' material='Stahl'", Some(STEEL)),
        ("glob='*ring*' material='Steel' | glob='outer*' material='Brass'", None),
        ("glob='*ring*' material='Steel' | regex='outer.+' material='Brass' priority=-1", Some(STEEL)),
        ("glob='Asm/*' scope='path' material='Brass'", Some(BRASS)),
        ("glob='mat_*' scope='gltf_material' material='Brass'", Some(BRASS)),
        ("glob='OUTER*' case=true material='Brass'", None),
    ] {
        let tables: Vec<_> = rules
            .split(" | ")
            .map(|rule| format!("[[rule]]\n{}\n", rule.replace("' ", "'\n").replace("=true ", "=true\n")))
            .collect();
        let library = with_rules(&tables.concat());
        let part = PartNames { own: vec![named("mat_1")], ..part("Outer_Ring", "SOLID") };
        // A tenant's rules put a map in force.
        let item = item(&library, None, &part);
        match expected {
            Some(material) => {
                assert_eq!((item.method, item.material.as_deref()), (Method::Rule, Some(material)), "{rules}")
            }
            None => assert_eq!((item.method, item.material.as_deref()), (Method::Fallback, Some(FAILED)), "{rules}"),
        }
    }
}

#[test]
fn a_string_that_no_library_has() {
    let item = item(Library::builtin(), Some(&map(&[("Ring", "Stahl blnak")])), &part("Ring", "Ring"));
    assert_eq!((item.method, item.reason), (Method::Fallback, Some(Reason::MaterialMissing)));
    assert_eq!(item.string.as_deref(), Some("Stahl blnak"));
    assert_eq!(item.suggestions[0].material, STEEL);
}

#[test]
fn suggestions_by_likeness() {
    let rows = [("WDR 25x52x8", "NBR"), ("Typenschild", "Alu-Brushed"), ("Outer_Ring", "Steel")];
    for (name, first) in [
        ("Steel_Bar", Some(STEEL)),
        ("Typenschlid", Some("STD_010402_Alu-Brushed")),
        ("Typenschlid.003", Some("STD_010402_Alu-Brushed")),
        ("Ring Outer", Some(STEEL)),
        ("WDR 25x52x7", None),
        ("Ring_6205", None),
        ("Outer_Ring_6205_x", None),
        ("Sicherungsring 52x2", None),
        ("SOLID", None),
        ("=>[0:1:1:3]", None),
    ] {
        let item = item(Library::builtin(), Some(&map(&rows)), &part(name, "SOLID"));
        assert_eq!(item.reason, Some(Reason::NoMatch), "{name}");
        assert_eq!(item.suggestions.first().map(|s| s.material.as_str()), first, "{name}: {:?}", item.suggestions);
        assert!(item.suggestions.len() <= 3 && item.suggestions.iter().all(|s| s.score >= 0.82));
    }
}

#[test]
fn without_a_map_the_file_decides() {
    let library = Library::builtin();
    let parts = [
        PartNames { own: vec![named("copper"), named("mat_0"), named("")], ..part("Messing", "") },
        part("Ring", "Ring"),
    ];
    let resolver = Resolver::new(library, None, OnUnmapped::Fail);
    assert!(!resolver.map_in_force());
    let outcome = resolver.resolve(&parts);
    let copper = library.find("STD_010601_Copper").expect("it ships").0;
    assert_eq!(
        outcome.assignments,
        [
            vec![Assignment::Library(copper), Assignment::KeepGlb, Assignment::KeepGlb],
            vec![Assignment::Library(library.neutral())],
        ]
    );
    assert_eq!((outcome.report.unmapped, outcome.report.coverage_area), (0, 1.0));
    assert_eq!(outcome.report.items[1].material.as_deref(), Some(CLAY));
    let codes: Vec<_> = outcome.findings.iter().map(|finding| (finding.code, finding.at.as_str())).collect();
    assert_eq!(codes, [("no_material", "Asm/Ring"), ("mapped_by_material", "Asm/Messing")]);
}

#[test]
fn unmapped_parts_keep_their_own_material_when_asked() {
    let library = Library::builtin();
    let parts = [PartNames { own: vec![named("mat_0"), OwnMaterial::Nothing], ..part("Ring", "Ring") }];
    let empty = MaterialMap::default();
    let outcome = Resolver::new(library, Some(&empty), OnUnmapped::Keep).resolve(&parts);
    assert_eq!(outcome.assignments, [[Assignment::KeepGlb, Assignment::Library(library.neutral())]]);
    assert_eq!((outcome.report.unmapped, outcome.report.items[0].reason), (1, Some(Reason::NoMatch)));
    assert_eq!(outcome.report.items[0].log_line(), "[MATERIAL] part 'Ring' → the file's own material (kept)");
    let outcome = Resolver::new(library, Some(&empty), OnUnmapped::Magenta).resolve(&parts);
    assert_eq!(outcome.assignments, [[Assignment::Library(library.fallback()); 2]]);
}

#[test]
fn one_unmapped_primitive_makes_the_part_unmapped() {
    let part = PartNames { own: vec![named("Copper"), named("mat_1")], ..part("Ring", "Ring") };
    let outcome =
        Resolver::new(Library::builtin(), Some(&MaterialMap::default()), OnUnmapped::Magenta).resolve(&[part]);
    let library = Library::builtin();
    let copper = library.find("Copper").expect("it ships").0;
    assert_eq!(outcome.assignments, [[Assignment::Library(copper), Assignment::Library(library.fallback())]]);
    assert_eq!(outcome.report.items[0].reason, Some(Reason::NoMatch));
}

#[test]
fn log_lines() {
    let rows =
        [("A", STEEL), ("B", "010101"), ("C", "Steel-Bare"), ("D", "steel bare"), ("E", "stahl"), ("F g", "Steel")];
    for (node, line) in [
        ("A", "[MATERIAL] part 'A' → 'STD_010101_Steel-Bare' (exact match)"),
        ("B", "[MATERIAL] part 'B' → 'STD_010101_Steel-Bare' (exact match)"),
        ("C", "[MATERIAL] part 'C' → 'STD_010101_Steel-Bare' (exact match)"),
        ("D", "[MATERIAL] part 'D' → 'STD_010101_Steel-Bare' (normalized match)"),
        ("E", "[MATERIAL] part 'E' → 'STD_010101_Steel-Bare' (alias match)"),
        ("f-G", "[MATERIAL] part 'f-G' → 'STD_010101_Steel-Bare' (normalized match)"),
        ("A.001", "[MATERIAL] part 'A.001' → 'STD_010101_Steel-Bare' (suffix match)"),
        ("Unknown_Part", "[MATERIAL] part 'Unknown_Part' → 'STD_059999_FailedMaterial' (no match)"),
        ("a\nb\u{1b}[0m", "[MATERIAL] part 'a b [0m' → 'STD_059999_FailedMaterial' (no match)"),
    ] {
        assert_eq!(item(Library::builtin(), Some(&map(&rows)), &part(node, "SOLID")).log_line(), line);
    }
}

#[test]
fn the_report_has_the_shape_of_the_contract() {
    let outcome = Resolver::new(Library::builtin(), Some(&map(&[("Seal", "NBR")])), OnUnmapped::Magenta).resolve(&[
        PartNames { area: 3.0, ..part("Seal.001", "Seal_Mesh") },
        PartNames { node: None, ..part("x", "Zzz") },
    ]);
    let mut json = serde_json::to_value(&outcome.report).expect("a report serialises");
    let label = json["library"].take();
    assert_eq!(label, format!("STD@1.1.0#b3:{}", Library::builtin().digest()));
    let expected = serde_json::json!({
        "library": null, "parts": 2, "resolved": 1, "unmapped": 1, "coverage_area": 0.75,
        "items": [
            {"path": "Asm/Seal.001", "node": "Seal.001", "mesh": "Seal_Mesh", "method": "suffix", "string": "NBR",
             "material_method": "alias", "material": "STD_020301_NBR-Black", "confidence": 0.9, "reason": null,
             "suggestions": []},
            {"path": "Asm/x", "node": null, "mesh": "Zzz", "method": "fallback", "string": null, "material_method": null,
             "material": FAILED, "confidence": 0.0, "reason": "no_match", "suggestions": []},
        ],
    });
    assert_eq!(json.to_string(), expected.to_string());
}

#[test]
fn a_broken_library_leaves_no_part_out() {
    let report = Report::library_invalid(FAILED, &[part("A", "A"), part("B", "B")]);
    assert_eq!((report.parts, report.resolved, report.unmapped, report.coverage_area), (2, 0, 2, 0.0));
    assert_eq!(report.items[1].reason, Some(Reason::LibraryInvalid));
}

#[test]
fn a_written_map_reads_back_to_the_same_materials() {
    let library = Library::builtin();
    let rows = [("Welle", "Steel"), ("path:Asm/Deckel", "Brass"), ("Typenschild", "Copper")];
    let mut parts: Vec<_> = ["Welle.001", "Welle_2", "Deckel", "Deckel", "=>[0:1:1:3]", "Typenschlid", "Dicht=ring"]
        .into_iter()
        .map(|name| part(name, "SOLID"))
        .collect();
    // The second lid lies elsewhere, so one name has two materials; the nameless part has a mesh that is named.
    parts[3].path = "Asm/Sub/Deckel".into();
    parts[6].own = vec![named("Copper")];
    parts.push(PartNames { mesh: None, path: "Asm/Node_9".into(), ..part("", "") });
    let text = crate::map::template(library, Some(&map(&rows)), &parts);
    let read = MaterialMap::parse("", text.as_bytes()).expect("a template is a map");
    let before = Resolver::new(library, Some(&map(&rows)), OnUnmapped::Magenta).resolve(&parts);
    let after = Resolver::new(library, Some(&read), OnUnmapped::Magenta).resolve(&parts);
    assert_eq!(after.assignments, before.assignments);
    assert_eq!(after.report.unmapped, before.report.unmapped);
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let entries = json["parts"].as_array().expect("a list");
    assert!(json["comment"].as_str().is_some_and(|comment| comment.starts_with("8 entries, 4 to choose")), "{text}");
    let typo = entries.iter().find(|entry| entry["part_name"] == "Typenschlid").expect("every part has an entry");
    assert_eq!(typo["material"], serde_json::Value::Null);
    assert!(typo["comment"].as_str().is_some_and(|c| c.starts_with("nothing matches; choose from STD_010601_Copper")));
    let nameless = entries.iter().find(|entry| entry["path"] == "Asm/Node_9").expect("every part has an entry");
    assert_eq!(nameless["comment"], "nothing matches; see `packshot materials list`");
    assert_eq!(entries.iter().filter(|entry| entry.get("path").is_some()).count(), 3);
}

#[test]
fn many_parts_of_one_contradicted_name() {
    let cut = "z".repeat(63);
    let names: Vec<_> = (0..2000).map(|n| format!("{cut}{n}")).collect();
    let rows = names.iter().map(|name| (name.as_str(), "Steel")).chain((0..2000).map(|_| ("Ring", "Steel")));
    let rows: Vec<_> = rows.chain([("Ring", "Brass")]).collect();
    let parts: Vec<_> = (0..2000).map(|n| part(if n % 2 == 0 { "Ring" } else { &cut }, "SOLID")).collect();
    let report = Resolver::new(Library::builtin(), Some(&map(&rows)), OnUnmapped::Magenta).resolve(&parts).report;
    assert_eq!((report.unmapped, report.resolved), (1000, 1000));
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => r"(Ring|ring|RING|Welle|ä|ae|Steel|Messing)([ _.:-](A|1|001|2)){0,2}(<1>|_AF0|_configuration_x)?",
        1 => r"\PC{0,12}",
        1 => any::<String>(),
    ]
}

proptest! {
    #[test]
    fn the_order_of_the_map_changes_nothing(
        rows in proptest::collection::vec((names(), prop_oneof!["Steel|Stahl|Brass|AFM 34"]), 0..8),
        nodes in proptest::collection::vec((names(), names()), 1..6),
        rotation in 0_usize..8,
    ) {
        let rows: Vec<_> = rows.iter().filter(|(name, _)| !name.trim().is_empty()).collect();
        let pairs: Vec<_> = rows.iter().map(|(name, material)| (name.as_str(), material.as_str())).collect();
        let mut rotated = pairs.clone();
        rotated.reverse();
        rotated.rotate_left(rotation.min(pairs.len()));
        let parts: Vec<_> = nodes.iter().map(|(node, mesh)| part(node, mesh)).collect();
        let resolve = |pairs: &[(&str, &str)]| {
            let outcome = Resolver::new(Library::builtin(), Some(&map(pairs)), OnUnmapped::Magenta).resolve(&parts);
            (outcome.assignments, outcome.report)
        };
        prop_assert_eq!(resolve(&pairs), resolve(&rotated));
    }

    #[test]
    fn no_part_is_left_out(nodes in proptest::collection::vec((names(), names(), any::<f64>()), 0..6)) {
        let parts: Vec<_> =
            nodes.iter().map(|(node, mesh, area)| PartNames { area: *area, ..part(node, mesh) }).collect();
        for map in [None, Some(MaterialMap::default())] {
            let outcome = Resolver::new(Library::builtin(), map.as_ref(), OnUnmapped::Keep).resolve(&parts);
            let report = outcome.report;
            prop_assert_eq!((outcome.assignments.len(), report.items.len()), (parts.len(), parts.len()));
            prop_assert_eq!(report.resolved + report.unmapped, parts.len());
            prop_assert!((0.0..=1.0).contains(&report.coverage_area));
            prop_assert!(report.items.iter().all(|item| item.log_line().lines().count() == 1));
        }
    }
}
