//! Parts between what a map says and what their file says.

use super::*;
use crate::map::{MapEntry, Origin, PartSelector};

fn by_hand(rows: &[(&str, &str)]) -> MaterialMap {
    let entry = |(part, material): &(&str, &str)| MapEntry {
        part: PartSelector::Name((*part).to_owned()),
        material: Some((*material).to_owned()),
        at: format!("by hand {part}={material}"),
        origin: Origin::Hand,
    };
    MaterialMap { entries: rows.iter().map(entry).collect(), covers: Covers::NamedParts }
}

fn findings<'o>(outcome: &'o Outcome, code: &str) -> Vec<&'o Finding> {
    outcome.findings.iter().filter(|finding| finding.code == code).collect()
}

#[test]
fn entries_by_hand_leave_the_other_parts_alone() {
    let library = Library::builtin();
    let parts = [
        PartNames { own: vec![named("mat_0")], ..part("Body", "SOLID") },
        PartNames { own: vec![named("mat_1")], ..part("Messing", "SOLID") },
        part("Lid", "SOLID"),
    ];
    let outcome = Resolver::new(library, Some(&by_hand(&[("Body", "Steel")])), Policy::default()).resolve(&parts);
    let steel = library.find("Steel").expect("it ships").0;
    assert_eq!(
        outcome.assignments,
        [[Assignment::Library(steel)], [Assignment::KeepGlb], [Assignment::Library(library.neutral())]]
    );
    assert_eq!(outcome.report.unmapped, 0);
    // A map of all parts says of those that it leaves out that they are unmapped.
    let all = MaterialMap { covers: Covers::AllParts, ..by_hand(&[("Body", "Steel")]) };
    let outcome = Resolver::new(library, Some(&all), Policy::default()).resolve(&parts);
    assert_eq!(outcome.assignments[2], [Assignment::Library(library.fallback())]);
    assert_eq!(outcome.report.items[1].method, Method::Alias);
    // What is asked for and is not there is never passed over.
    let outcome = Resolver::new(library, Some(&by_hand(&[("Body", "Stel")])), Policy::default()).resolve(&parts);
    assert_eq!(outcome.assignments[0], [Assignment::Library(library.fallback())]);
    assert_eq!(outcome.report.items[0].reason, Some(Reason::MaterialMissing));
}

#[test]
fn a_name_that_no_part_has_is_told_with_those_that_are_near() {
    let parts = [part("Body", "SOLID"), part("Body_Lid", "SOLID"), part("Screw_12", "SOLID")];
    for (wanted, near) in [("Bdy", Some("`Body`")), ("Screw_13", None), ("screw12", Some("`Screw_12`")), ("zzz", None)]
    {
        let outcome =
            Resolver::new(Library::builtin(), Some(&by_hand(&[(wanted, "Steel")])), Policy::default()).resolve(&parts);
        let unused = findings(&outcome, "unused_map_entry");
        let [finding] = unused[..] else { panic!("{wanted}: {unused:?}") };
        assert_eq!(
            (finding.severity, finding.message.as_str()),
            (Severity::Warning, &*format!("no part has the name `{wanted}`"))
        );
        let help = finding.help.as_deref();
        assert_eq!(help.is_some(), near.is_some(), "{wanted}: {help:?}");
        assert!(help.unwrap_or_default().contains(near.unwrap_or_default()), "{wanted}: {help:?}");
    }
}

#[test]
fn a_map_of_many_products_may_name_other_parts_but_not_misspell_this_ones() {
    let parts = [part("Body", "SOLID"), part("Body_Lid", "SOLID"), part("Screw_12", "SOLID")];
    for (rows, severity, message, near) in [
        // A part without an entry is nearly called so: one of the two names is wrong.
        (&[("path:Asm/Bdy", "Steel")][..], Severity::Warning, "no part has the path `Asm/Bdy`", Some("`Asm/Body`")),
        (&[("Bdy", "Steel")], Severity::Warning, "no part has the name `Bdy`", Some("`Body`")),
        // That part has an entry of its own, so this one is for a part of another product; so is what is near none.
        (&[("Bdy", "Steel"), ("Body", "Brass")], Severity::Info, "no part has the name `Bdy`", Some("`Body`")),
        (&[("Gasket", "NBR")], Severity::Info, "no part has the name `Gasket`", None),
        (&[("*", "NBR")], Severity::Info, "no part has the name `*`", Some("an entry to each part")),
    ] {
        let of_many = map(rows);
        let outcome = Resolver::new(Library::builtin(), Some(&of_many), OnUnmapped::Keep).resolve(&parts);
        let unused = findings(&outcome, "unused_map_entry");
        let [finding] = unused[..] else { panic!("{rows:?}: {unused:?}") };
        assert_eq!((finding.severity, finding.message.as_str()), (severity, message), "{rows:?}");
        let help = finding.help.as_deref();
        assert_eq!(help.is_some(), near.is_some(), "{rows:?}: {help:?}");
        assert!(help.unwrap_or_default().contains(near.unwrap_or_default()), "{rows:?}: {help:?}");
    }
}

#[test]
fn an_entry_whose_parts_are_found_by_another_is_not_said_to_have_none() {
    let named = PartNames { mesh: Some("Plate".to_owned()), ..part("Body", "SOLID") };
    for (rows, unused_at, message) in [
        (&[("path:Asm/Body", "Steel"), ("Body", "Brass")][..], "/parts/1", "every part with the name `Body` is found"),
        (&[("Body", "Steel"), ("Plate", "Brass")], "/parts/1", "every part with the name `Plate` is found"),
        (&[("Body", "Steel"), ("BODY", "Steel")], "/parts/1", "every part with the name `BODY` is found"),
        (&[("Body", "Steel"), ("Lid", "Brass")], "/parts/1", "no part has the name `Lid`"),
        // Slips: another spelling of another material, a path as a name.
        (&[("Body", "Steel"), ("BODY", "Brass")], "/parts/1", "every part with the name `BODY` is found"),
        (&[("Asm/Body", "Steel"), ("Body", "Brass")], "/parts/0", "no part has the name `Asm/Body`"),
    ] {
        let outcome =
            Resolver::new(Library::builtin(), Some(&map(rows)), OnUnmapped::Keep).resolve(std::slice::from_ref(&named));
        let unused = findings(&outcome, "unused_map_entry");
        let [finding] = unused[..] else { panic!("{rows:?}: {unused:?}") };
        let is_slip = rows.contains(&("BODY", "Brass")) || rows.contains(&("Asm/Body", "Steel"));
        let severity = if is_slip { Severity::Warning } else { Severity::Info };
        assert_eq!((finding.severity, finding.at.as_str()), (severity, unused_at), "{rows:?}");
        assert!(finding.message.starts_with(message), "{rows:?}: {finding:?}");
    }
    let rows = [("=>[0:1:1:2]", "Steel")];
    let outcome =
        Resolver::new(Library::builtin(), Some(&map(&rows)), OnUnmapped::Keep).resolve(&[part("Body", "=>[0:1:1:2]")]);
    let [finding] = findings(&outcome, "unused_map_entry")[..] else { panic!("{outcome:?}") };
    assert!(finding.message.starts_with("no part is found by the name `=>[0:1:1:2]`"), "{finding:?}");
}

#[test]
fn a_part_whose_entry_waits_for_a_choice_is_told_where() {
    for (open, parts) in [
        (r#"{"part_name": "body", "material": null}"#, part("Body", "SOLID")),
        (r#"{"path": "Asm/Body", "material": null}"#, part("Body", "SOLID")),
    ] {
        let json = format!("{{\"parts\": [{open}]}}");
        let map = MaterialMap::parse("map.json", json.as_bytes()).expect("a map");
        let outcome = Resolver::new(Library::builtin(), Some(&map), OnUnmapped::Magenta).resolve(&[parts]);
        let [finding] = findings(&outcome, "unmapped_part")[..] else { panic!("{outcome:?}") };
        assert_eq!(finding.message, "no material: its entry in the map chooses none");
        assert_eq!(finding.help.as_deref(), Some("write one in place of `null` at map.json#/parts/0"));
        assert!(findings(&outcome, "unused_map_entry").is_empty());
    }
}

#[test]
fn spellings_of_one_name_that_disagree_are_told_where_they_are_used() {
    let rows = [("Ring_A", "Steel"), ("RING-A", "Brass"), ("Lid_1", "Steel"), ("LID-1", "Brass")];
    let outcome =
        Resolver::new(Library::builtin(), Some(&map(&rows)), OnUnmapped::Magenta).resolve(&[part("ring a", "SOLID")]);
    let [finding] = findings(&outcome, "contradictory_map_entries")[..] else { panic!("{outcome:?}") };
    assert_eq!(finding.at, "/parts/0");
    assert!(finding.message.ends_with("; see /parts/1"), "{finding:?}");
    // To the letter the same: one finding is enough.
    let rows = [("ring a", "Steel"), ("ring a", "Brass")];
    let outcome =
        Resolver::new(Library::builtin(), Some(&map(&rows)), OnUnmapped::Magenta).resolve(&[part("ring a", "SOLID")]);
    assert_eq!(findings(&outcome, "contradictory_map_entries").len(), 1);
}

#[test]
fn materials_of_the_file_are_replaced_with_a_word_or_not_at_all() {
    let library = Library::builtin();
    let glass = Assignment::Library(library.find("Glass").expect("it ships").0);
    let parts = [
        PartNames { own: vec![named("glass"), named("mat_0")], ..part("Window", "SOLID") },
        PartNames { own: vec![named("glass")], ..part("Lens", "SOLID") },
        PartNames { own: vec![named("STD_010601_Copper")], ..part("Coil", "SOLID") },
    ];
    let empty = MaterialMap::default();
    for map in [None, Some(&empty)] {
        let policy = Policy { on_unmapped: OnUnmapped::Keep, ..Policy::default() };
        let outcome = Resolver::new(library, map, policy).resolve(&parts);
        assert_eq!(outcome.assignments[0], [glass, Assignment::KeepGlb]);
        let replaced = findings(&outcome, "mapped_by_material");
        let found: Vec<_> = replaced.iter().map(|finding| (finding.severity, finding.at.as_str())).collect();
        // Who writes an id of the library means its material.
        assert_eq!(found, [(Severity::Info, "Asm/Coil"), (Severity::Warning, "Asm/Window")]);
        assert!(replaced[1].message.ends_with("material `glass`, because of its name, on 2 parts"), "{replaced:?}");
        // With the switch the file's own materials stay, whatever they are called.
        let policy = Policy { map_by: MapBy::Part, ..policy };
        let outcome = Resolver::new(library, map, policy).resolve(&parts);
        assert!(outcome.assignments.iter().flatten().all(|assignment| *assignment == Assignment::KeepGlb));
        assert_eq!(findings(&outcome, "mapped_by_material").len(), 0);
    }
    let rules = with_rules("[[rule]]\nglob = \"glass\"\nscope = \"gltf_material\"\nmaterial = \"Gold\"");
    let of = |map_by| {
        let policy = Policy { on_unmapped: OnUnmapped::Keep, map_by };
        Resolver::new(&rules, None, policy).resolve(&parts[1..2]).report.items.remove(0).method
    };
    assert_eq!((of(MapBy::PartAndMaterial), of(MapBy::Part)), (Method::Rule, Method::Fallback));
}

#[test]
fn every_material_of_a_part_is_reported() {
    let library = Library::builtin();
    let own = vec![named("glass"), named("mat_0"), OwnMaterial::Nothing, named("glass"), OwnMaterial::Plain];
    let parts = [PartNames { own, ..part("Window", "SOLID") }, part("Lid", "SOLID")];
    let report = Resolver::new(library, None, Policy::default()).resolve(&parts).report;
    let found: Vec<_> = report.items[0]
        .slots
        .iter()
        .map(|slot| (slot.own.as_deref(), slot.primitives, slot.material.as_deref()))
        .collect();
    let glass = library.material(library.find("Glass").expect("it ships").0).id.as_str();
    assert_eq!(
        found,
        [(Some("glass"), 2, Some(glass)), (Some("mat_0"), 1, None), (None, 1, Some(CLAY)), (None, 1, None)]
    );
    // One material is said by the item itself.
    assert_eq!(report.items[1].slots, []);
}
