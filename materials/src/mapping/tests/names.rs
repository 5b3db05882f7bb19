//! Names as CAD systems write them, under a map as people write it: a gear reducer with every awkwardness seen so far.

use super::*;

/// Part name and material string of each entry.
const MAP: &[(&str, &str)] = &[
    ("Gehäuse", "STD_010301_CastIron-AsCast"),
    ("Gehäusedeckel", "010403"),
    ("Flachdichtung 1,0 mm", "AFM 34"),
    ("Ritzel_z23", "Steel-Ground"),
    ("Zahnrad z49", "steel ground"),
    ("Welle_1", "Steel-Ground"),
    ("Welle", "Steel"),
    ("Passfeder", "Steel"),
    ("Passfeder DIN 6885 A 8x7x32", "Black Oxide"),
    ("Verschlusskappe", "NBR"),
    ("WDR 25x52x8", "NBR"),
    ("Ring", "Brass"),
    ("Ölschauglas", "PMMA-Clear"),
    ("ISO 4762 M6x20", "Zinc-Plated"),
    ("DIN 933 M10x16", "Zinc-Plated"),
    ("Sechskantschraube DIN 933 M10x16 verzinkt 8.8 Lieferant Nr. 4711-0815-22", "Zinc-Plated"),
    ("Ölablaßschraube", "Zinc-Plated"),
    ("Öleinfüllschraube", "Zinc-Plated"),
    ("Typenschild", "Alu-Brushed"),
    (
        "Distanzhülse zwischen Rillenkugellager 6205 und Ritzel z=23 auf der Antriebswelle, gedreht aus Rundstahl 35 mm, Werkstoff C45E+QT, alle Kanten gebrochen 0,3 x 45 Grad, Zeichnung ZN-2024-001177-B, Blatt 3 von 12, freigegeben, Lieferlos 0042",
        "Steel",
    ),
    ("Distanzring_A", "Steel"),
    ("DISTANZRING A", "Brass"),
    ("Lager 6205", "100Cr6"),
    ("6205-2RS", "100Cr6"),
    ("Outer_Ring", "100Cr6"),
    ("Inner_Ring", "100Cr6"),
    ("Cage", "Steel"),
    ("Ball_01", "100Cr6"),
    ("Ball_06", "100Cr6"),
    ("Kupplung", "Steel"),
];

type Expected = Result<(Method, &'static str), Reason>;

/// Node name, mesh name, and what the part resolves to: method and name of the material, or why it does not.
const PARTS: &[(Option<&str>, &str, Expected)] = &[
    (Some("Gehäuse"), "Gehäuse", Ok((Method::Exact, "CastIron-AsCast"))),
    (Some("Geha\u{308}usedeckel"), "SOLID", Ok((Method::Normalized, "Alu-DieCast"))),
    (Some("Flachdichtung 1,0 mm"), "Flachdichtung 1,0 mm", Err(Reason::MaterialMissing)),
    (Some("ISO 4762 M6x20.001"), "SOLID", Ok((Method::Suffix, "Zinc-Plated"))),
    (Some("ISO 4762 M6x20:3:1"), "SOLID", Ok((Method::Suffix, "Zinc-Plated"))),
    (Some("ISO 4762 M6x20_AF0"), "SOLID", Ok((Method::Suffix, "Zinc-Plated"))),
    (Some("ISO 4762 M6x20_1.002"), "SOLID", Ok((Method::Suffix, "Zinc-Plated"))),
    (Some("DIN 933 M10x16.1"), "SOLID", Ok((Method::Suffix, "Zinc-Plated"))),
    (Some("DIN 933 M10x16__configuration_Standard_2"), "SOLID", Ok((Method::Suffix, "Zinc-Plated"))),
    (
        Some("Sechskantschraube DIN 933 M10x16 verzinkt 8.8 Lieferant Nr. 471"),
        "SOLID",
        Ok((Method::Suffix, "Zinc-Plated")),
    ),
    (Some("DIN 933 M10x16_AF"), "SOLID", Err(Reason::NoMatch)),
    (Some("OELABLASSSCHRAUBE"), "OELABLASSSCHRAUBE", Ok((Method::Normalized, "Zinc-Plated"))),
    (Some("Dichtring"), "Dichtring", Ok((Method::GlbMaterial, "Copper"))),
    (Some("\\X2\\00D6\\X0\\leinf\\X2\\00FC\\X0\\llschraube"), "SOLID", Ok((Method::Normalized, "Zinc-Plated"))),
    (Some("Ring"), "Ring", Ok((Method::Exact, "Brass-CuZn30"))),
    (Some("Ölschauglas"), "Ölschauglas", Ok((Method::Exact, "PMMA-Clear"))),
    (Some("Typenschlid"), "Typenschlid", Err(Reason::NoMatch)),
    (Some("Welle_1"), "Welle_1", Ok((Method::Exact, "Steel-Ground"))),
    (Some("RITZEL Z23"), "SOLID", Ok((Method::Normalized, "Steel-Ground"))),
    (Some("Passfeder"), "Passfeder", Ok((Method::Exact, "Steel-Bare"))),
    (Some("=>[0:1:1:7]"), "Passfeder DIN 6885 A 8x7x32", Ok((Method::Exact, "Black-Oxide"))),
    (
        Some(
            "Distanzhülse zwischen Rillenkugellager 6205 und Ritzel z=23 auf der Antriebswelle, gedreht aus Rundstahl 35 mm, Werkstoff C45E+QT, alle Kanten gebrochen 0,3 x 45 Grad, Zeichnung ZN-2024-001177-B, Blatt 3 von 12, freigegeben, Lieferlos 0042",
        ),
        "COMPOUND",
        Ok((Method::Exact, "Steel-Bare")),
    ),
    (Some("Outer_Ring"), "Outer_Ring", Ok((Method::Exact, "Steel-Bare"))),
    (Some("Inner_Ring"), "Inner_Ring", Ok((Method::Exact, "Steel-Bare"))),
    (Some("Cage"), "Cage", Ok((Method::Exact, "Steel-Bare"))),
    (Some("Ball_01"), "Ball", Ok((Method::Exact, "Steel-Bare"))),
    (Some("Lager 6205:2"), "SOLID", Ok((Method::Suffix, "Steel-Bare"))),
    (Some("Sicherungsring 52x2"), "Sicherungsring 52x2", Err(Reason::NoMatch)),
    (Some("SOLID"), "SOLID", Err(Reason::NoMatch)),
    (Some("Verschlusskappe<1>"), "SOLID", Ok((Method::Suffix, "NBR-Black"))),
    (Some("WDR 25x52x8"), "WDR 25x52x8", Ok((Method::Exact, "NBR-Black"))),
    (Some("Welle_2"), "Welle_2", Ok((Method::Suffix, "Steel-Bare"))),
    (Some("Zahnrad z49.001"), "Zahnrad z49.001", Ok((Method::Suffix, "Steel-Ground"))),
    (None, "Passfeder", Ok((Method::Exact, "Steel-Bare"))),
    (Some("distanzring-a"), "distanzring-a", Err(Reason::Ambiguous)),
    (Some("oUTER rING"), "oUTER rING", Ok((Method::Normalized, "Steel-Bare"))),
    (Some("INNER--RING"), "INNER--RING", Ok((Method::Normalized, "Steel-Bare"))),
    (Some("Cage_AF1"), "Cage_AF1", Ok((Method::Suffix, "Steel-Bare"))),
    (Some("Ball_06.001"), "Ball", Ok((Method::Suffix, "Steel-Bare"))),
    (Some("6205-2"), "6205-2", Err(Reason::NoMatch)),
    (Some("=>[0:1:1:3]"), "=>[0:1:1:3]", Err(Reason::NoMatch)),
    (Some(""), "", Err(Reason::NoMatch)),
    (Some("WDR 25x52x7"), "WDR 25x52x7", Err(Reason::NoMatch)),
    (Some("Verschlusskappe-2"), "SOLID", Ok((Method::Suffix, "NBR-Black"))),
];

/// Parts that a suggestion is due for, with its material's name, and parts that must not get any.
const SUGGESTED: &[(&str, Option<&str>)] = &[
    ("DIN 933 M10x16_AF", Some("Zinc-Plated")),
    ("Typenschlid", Some("Alu-Brushed")),
    ("WDR 25x52x7", None),
    ("Sicherungsring 52x2", None),
    ("SOLID", None),
    ("=>[0:1:1:3]", None),
    ("", None),
];

#[test]
fn every_awkward_name() {
    let library = Library::builtin();
    let map = map(MAP);
    let parts: Vec<_> = PARTS
        .iter()
        .map(|(node, mesh, _)| PartNames {
            node: node.map(str::to_owned),
            own: vec![named(if *mesh == "Dichtring" { "Copper" } else { "mat_0" })],
            ..part(node.unwrap_or("Node_0"), mesh)
        })
        .collect();
    let outcome = Resolver::new(library, Some(&map), OnUnmapped::Magenta).resolve(&parts);
    for ((node, mesh, expected), item) in PARTS.iter().zip(&outcome.report.items) {
        let material = item.material.as_deref().and_then(|id| library.find(id)).map(|(idx, _)| library.material(idx));
        let name = material.map_or("", |material| &material.name);
        let found = match item.reason {
            None => Ok((item.method, name)),
            Some(reason) => Err(reason),
        };
        assert_eq!(found, *expected, "node {node:?}, mesh {mesh:?}");
        assert!(item.reason.is_none() || (item.method, name) == (Method::Fallback, "FailedMaterial"), "node {node:?}");
    }
    let codes = |code: &str| outcome.findings.iter().filter(|finding| finding.code == code).count();
    assert_eq!((codes("truncated_name"), codes("unnamed_part"), codes("unmapped_part")), (1, 2, 10));
    let unused = outcome.findings.iter().filter(|finding| finding.code == "unused_map_entry");
    let unused: Vec<_> = unused.map(|finding| finding.message.rsplit('`').nth(1).unwrap_or_default()).collect();
    assert_eq!(unused, ["Typenschild", "6205-2RS", "Kupplung"]);
}

#[test]
fn suggestions_only_where_they_help() {
    let map = map(MAP);
    for (name, expected) in SUGGESTED {
        let item = item(Library::builtin(), Some(&map), &part(name, name));
        let found: Vec<_> = item.suggestions.iter().map(|suggestion| suggestion.material.as_str()).collect();
        match expected {
            Some(expected) => assert!(found.first().is_some_and(|id| id.ends_with(expected)), "{name}: {found:?}"),
            None => assert!(found.is_empty(), "{name}: {found:?}"),
        }
    }
}
