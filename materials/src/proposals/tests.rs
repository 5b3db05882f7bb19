//! What is proposed, in which order, and why.

use packshot_words::Word;

use super::*;

const STEEL: &str = "STD_010101_Steel-Bare";
const BRASS: &str = "STD_010501_Brass-CuZn30";
const NBR: &str = "STD_020301_NBR-Black";

fn propose(part: &Unmatched<'_>, knowledge: &Knowledge) -> Vec<Proposal> {
    Proposer::new(Library::builtin(), knowledge).propose(part)
}

fn named(name: &str) -> Unmatched<'_> {
    Unmatched { names: vec![name], ..Unmatched::default() }
}

fn given(name: &str, material: &str, n: u32) -> Given {
    Given { name: name.to_owned(), material: material.to_owned(), n }
}

fn kinds(proposal: &Proposal) -> Vec<SignalKind> {
    proposal.signals.iter().map(|signal| signal.kind).collect()
}

#[test]
fn f53_the_likest_name_comes_first() {
    let found = propose(&named("Steel_Bar"), &Knowledge::default());
    assert_eq!(found[0].material, STEEL, "{found:#?}");
    assert!((1..=5).contains(&found.len()));
    assert!(found.is_sorted_by(|a, b| a.confidence_pct >= b.confidence_pct), "{found:#?}");
    let library = Library::builtin();
    for proposal in &found {
        assert!(proposal.confidence_pct >= 30 && !proposal.signals.is_empty() && !proposal.description.is_empty());
        let (idx, _) = library.find(&proposal.material).expect("of the library");
        assert!(idx != library.fallback() && library.material(idx).status == Status::Active);
    }
    assert!(found[0].description.starts_with("Name is"), "{}", found[0].description);
}

#[test]
fn f53_what_says_nothing_gets_nothing() {
    for name in ["", "=>[0:1:1:3]", "Xq", "SOLID", "Part_17", "mat_5"] {
        assert_eq!(propose(&named(name), &Knowledge::default()), [], "{name}");
        let of_file = Unmatched { gltf_material: Some(name), ..named("Part_17") };
        assert_eq!(propose(&of_file, &Knowledge::default()), [], "{name}");
    }
    assert_eq!(propose(&named("NBR"), &Knowledge::default())[0].material, NBR, "short, and the same");
}

#[test]
fn f54_other_digits_are_another_thing() {
    let knowledge = Knowledge { choices: vec![given("Ring 6206", BRASS, 3)], ..Knowledge::default() };
    let found = propose(&named("Ring_6205"), &knowledge);
    assert!(found.iter().all(|proposal| proposal.material != BRASS), "{found:#?}");
    let found = propose(&named("Stahl 37"), &Knowledge::default());
    let steel = found.iter().find(|proposal| proposal.material == STEEL).expect("steel");
    assert!(steel.signals.iter().all(|signal| signal.score <= 0.5), "{steel:#?}");
}

#[test]
fn f55_what_the_tenant_chose_comes_first() {
    let knowledge = Knowledge { choices: vec![given("Dichtung_A", NBR, 2)], ..Knowledge::default() };
    let found = propose(&named("Dichtung_B"), &knowledge);
    assert_eq!((found[0].material.as_str(), kinds(&found[0])[0]), (NBR, SignalKind::TenantChoice), "{found:#?}");
    let others = propose(&named("Dichtung_B"), &Knowledge::default());
    assert!(
        others[0].material != NBR && others.iter().all(|other| kinds(other) == [SignalKind::PartKind]),
        "{others:#?}"
    );
    // The same name is certain, as far as anything is.
    let found = propose(&named("DICHTUNG-A"), &knowledge);
    assert_eq!((found[0].material.as_str(), found[0].signals[0].score), (NBR, 1.0));
    // Of two that were chosen for the same name, the one that was chosen more often.
    let both = vec![given("Welle", STEEL, 1), given("Welle", BRASS, 4)];
    let found = propose(&named("welle"), &Knowledge { choices: both, ..Knowledge::default() });
    assert_eq!([found[0].material.as_str(), &found[1].material], [BRASS, STEEL]);
    // The whole name before the name without its number.
    let both = vec![given("Welle", STEEL, 4), given("Welle_1", BRASS, 1)];
    let found = propose(&named("Welle_1"), &Knowledge { choices: both, ..Knowledge::default() });
    assert_eq!([found[0].material.as_str(), &found[1].material], [BRASS, STEEL]);
}

#[test]
fn f56_the_files_material_and_its_colour() {
    let library = Library::builtin();
    let (idx, _) = library.find(BRASS).expect("brass");
    let color = library.material(idx).openpbr.base_color.map(f64::from);
    let part = Unmatched { gltf_material: Some("Brass"), gltf_color: Some(color), ..named("Part_17") };
    let found = propose(&part, &Knowledge::default());
    assert_eq!(found[0].material, BRASS, "{found:#?}");
    assert_eq!(kinds(&found[0]), [SignalKind::GltfMaterial, SignalKind::Colour]);
    let grey = Unmatched { gltf_color: Some([0.8; 3]), ..part };
    let found = propose(&grey, &Knowledge::default());
    assert_eq!(kinds(&found[0]), [SignalKind::GltfMaterial]);
}

#[test]
fn f57_names_of_published_libraries_where_the_material_is_one_of_ours() {
    let published = |id: &str, code: &str| PublishedName {
        id: id.to_owned(),
        code: code.to_owned(),
        names: vec!["Quetschling".to_owned()],
    };
    let with = |published| Knowledge { published: vec![published], ..Knowledge::default() };
    let found = propose(&named("Quetschling_2"), &with(published("ACME_020301_Ours", "020301")));
    assert_eq!((found[0].material.as_str(), kinds(&found[0])), (NBR, vec![SignalKind::PublicAlias]), "{found:#?}");
    assert!(found[0].description.contains("public library") && !found[0].description.contains("ACME"));
    assert_eq!(propose(&named("Quetschling_2"), &with(published("ACME_990001_Ours", "990001"))), []);
}

#[test]
fn metadata_and_the_family_of_products() {
    let part = Unmatched { cad_names: vec!["Messing"], ..named("Part_17") };
    let found = propose(&part, &Knowledge::default());
    assert_eq!((found[0].material.as_str(), kinds(&found[0])), (BRASS, vec![SignalKind::Metadata]));
    let family = vec![given("Steel_Bar", BRASS, 3), given("STEEL BAR", STEEL, 1)];
    let found = propose(&named("Steel_Bar"), &Knowledge { family, ..Knowledge::default() });
    let of_family = |material: &str| {
        let proposal = found.iter().find(|proposal| proposal.material == material)?;
        proposal.signals.iter().find(|signal| signal.kind == SignalKind::ProductFamily).map(|signal| signal.score)
    };
    assert_eq!((of_family(STEEL), of_family(BRASS)), (Some(0.25), None), "a family alone is too little");
}

#[test]
fn confidence_is_one_less_the_doubts() {
    let signal = |kind, score| Signal { kind, score, detail: String::new() };
    let both = [signal(SignalKind::Name, 1.0), signal(SignalKind::Colour, 1.0)];
    assert!((confidence(&both) - (1.0 - 0.15 * 0.75)).abs() < 1e-12);
    let all: Vec<Signal> = SignalKind::ENTRIES.iter().map(|entry| signal(entry.value, 1.0)).collect();
    assert!((confidence(&all) - 0.97).abs() < 1e-12, "never certain");
}

#[test]
fn many_names_cost_bounded_work() {
    let knowledge = Knowledge::default();
    let mut proposer = Proposer::new(Library::builtin(), &knowledge);
    assert_eq!(proposer.propose(&named("Steel_Bar"))[0].material, STEEL);
    proposer.budget = Some(10);
    assert_eq!(proposer.propose(&named("Steel_Bar")), []);
}

#[test]
fn f59_the_kind_of_a_part_is_a_reason_that_says_so() {
    let found = propose(&named("Sicherungsring 52x2"), &Knowledge::default());
    assert_eq!((found[0].material.as_str(), kinds(&found[0])), ("STD_010108_Steel-Spring", vec![SignalKind::PartKind]));
    assert_eq!(found[0].description, "A retaining ring is usually spring steel");
    let least_of_a_name = SignalKind::Name.weight() * SCORE_MIN;
    assert!(f64::from(found[0].confidence_pct) < 100.0 * least_of_a_name, "{found:#?}");
    assert!(found[1].description.contains("often") && found[1].confidence_pct < found[0].confidence_pct);
    // A name that says its material comes first.
    let found = propose(&named("Unterlegscheibe Kupfer"), &Knowledge::default());
    assert_eq!((found[0].material.as_str(), kinds(&found[0])), ("STD_010601_Copper", vec![SignalKind::Name]));
    // A material that is not to be used is not proposed.
    let chosen = Knowledge { choices: vec![given("Feder", BRASS, 1)], ..Knowledge::default() };
    let found = propose(&named("Feder"), &chosen);
    assert_eq!((found[0].material.as_str(), kinds(&found[0])), (BRASS, vec![SignalKind::TenantChoice]), "{found:#?}");
}

/// Names from practice, with what an engineer gives them: written down before anything was proposed for them.
#[test]
fn f59_names_from_practice() {
    let key: serde_json::Value = serde_json::from_str(include_str!("practice.key.json")).expect("JSON");
    let (mut n, mut first, mut fine, mut any, mut silent) = (0, 0, 0, 0, 0);
    for part in key["parts"].as_array().expect("parts") {
        let name = part["part_name"].as_str().expect("a name");
        let found = propose(&named(name), &Knowledge::default());
        let Some(right) = part["material"].as_str() else {
            assert_eq!(found, [], "{name} says nothing");
            silent += 1;
            continue;
        };
        let also: Vec<&str> = part["also"].as_array().expect("a list").iter().filter_map(|id| id.as_str()).collect();
        for id in also.iter().chain([&right]) {
            assert!(Library::builtin().find(id).is_some(), "{id}");
        }
        let proposed: Vec<&str> = found.iter().map(|proposal| proposal.material.as_str()).collect();
        n += 1;
        first += usize::from(proposed.first() == Some(&right));
        fine += usize::from(proposed.first().is_some_and(|id| *id == right || also.contains(id)));
        any += usize::from(proposed.contains(&right));
        if proposed.first() != Some(&right) {
            println!("{name}: wanted {right}, proposed {proposed:?}");
        }
    }
    println!("of {n}: first {first}, first or no mistake {fine}, among those shown {any}; {silent} names say nothing");
    assert_eq!((n, silent, first, fine, any), (81, 6, 80, 80, 81), "docs/suggested-fixes.md says so");
}

/// Names that somebody else has given materials: those of the gear reducer's own table, each once.
#[test]
fn f59_names_of_the_gear_reducers_own_table() {
    let Some(shared) = std::env::var_os("PACKSHOT_SHARED") else {
        println!("skipped: PACKSHOT_SHARED is not set (maps/gear_reducer.json)");
        return;
    };
    let map = std::path::Path::new(&shared).join("assets/maps/gear_reducer.json");
    let map: serde_json::Value = serde_json::from_slice(&std::fs::read(map).expect("a map")).expect("JSON");
    let library = Library::builtin();
    let numberless = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let mut seen = std::collections::BTreeSet::new();
    let (mut n, mut first, mut any) = (0, 0, 0);
    for part in map["parts"].as_array().expect("parts") {
        let text = |member: &str| part[member].as_str().expect("text");
        let (name, known) = (text("part_name"), library.find(text("material")));
        let Some((right, _)) = known.filter(|_| seen.insert(numberless(name))) else { continue };
        let found = propose(&named(name), &Knowledge::default());
        let is_right = |proposal: &Proposal| proposal.material == library.material(right).id;
        n += 1;
        first += usize::from(found.first().is_some_and(is_right));
        any += usize::from(found.iter().any(is_right));
    }
    assert_eq!((n, first, any), (28, 14, 23), "docs/suggested-fixes.md says so");
}
