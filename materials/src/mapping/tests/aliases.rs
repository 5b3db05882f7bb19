//! Aliases: of a tenant, of libraries that share one, and what is said of them.

use super::*;
use crate::aliases::AliasLayer;

const COPPER: &str = "STD_010601_Copper";

/// A library with a material that has an alias.
fn library(id: &str, code: &str, name: &str, alias: &str) -> Package {
    let text = format!(
        "schema = \"material-library/1\"\n[library]\nid = \"{id}\"\nversion = \"1.0.0\"\ncolor_space = \"lin_rec709\"\n\
         [[material]]\ncode = \"{code}\"\nname = \"{name}\"\naliases = [\"{alias}\"]\n[material.openpbr]\n\
         [material.provenance]\nclass = \"estimated\"\nsource = \"test\"\nlicence = \"CC0-1.0\"\n"
    );
    let files = [SourceFile { name: "library.toml", bytes: text.as_bytes() }];
    Package::parse(&files, &|_| Ok(None)).expect("a library").0
}

/// The built-in library below two that share the alias `Welle`.
fn shared_by_two() -> Library {
    let layers = vec![
        (Layer::Base, Package::builtin()),
        (Layer::Tenant, library("FIRST", "200001", "Shaft-Grey", "Welle")),
        (Layer::Job, library("SECOND", "200002", "Shaft-Blue", "WELLE")),
    ];
    let (library, findings) = Library::resolve(layers).expect("a shared alias breaks no library");
    assert_eq!(findings, []);
    library
}

fn layer(part: &[(&str, &str)], material: &[(&str, &str)]) -> AliasLayer {
    let keyed = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, id)| (crate::name::match_key(name), (*id).to_owned())).collect()
    };
    AliasLayer { part: keyed(part), material: keyed(material) }
}

/// Method, material and warnings of a part under a map.
fn under(library: &Library, rows: &[(&str, &str)], part: &PartNames) -> (Method, String, Vec<&'static str>) {
    let map = map(rows);
    let mut outcome = Resolver::new(library, Some(&map), OnUnmapped::Magenta).resolve(std::slice::from_ref(part));
    let item = outcome.report.items.remove(0);
    let warnings = outcome.findings.iter().filter(|finding| finding.at == part.path).map(|finding| finding.code);
    (item.method, item.material.expect("a library material"), warnings.collect())
}

#[test]
fn r57_r92_of_two_libraries_with_an_alias_the_later_one_counts_and_it_is_said() {
    let library = shared_by_two();
    let shadowed = vec!["alias_shadowed"];
    let blue = "SECOND_200002_Shaft-Blue".to_owned();
    assert_eq!(under(&library, &[], &part("Welle", "m")), (Method::Alias, blue.clone(), shadowed.clone()));
    assert_eq!(under(&library, &[], &part("Welle.001", "m")), (Method::Suffix, blue.clone(), shadowed.clone()));
    assert_eq!(under(&library, &[("Shaft", "welle")], &part("Shaft", "m")), (Method::Exact, blue.clone(), shadowed));
    // Whoever writes an id means it.
    assert_eq!(under(&library, &[("Shaft", &blue)], &part("Shaft", "m")), (Method::Exact, blue, vec![]));
    assert_eq!(under(&library, &[], &part("Stahl", "m")), (Method::Alias, STEEL.to_owned(), vec![]));
}

#[test]
fn r57_r92_an_alias_of_the_built_in_library_may_be_taken_over() {
    let layers = vec![(Layer::Base, Package::builtin()), (Layer::Tenant, library("ACME", "200001", "Ours", "stahl"))];
    let (library, _) = Library::resolve(layers).expect("valid");
    let ours = "ACME_200001_Ours".to_owned();
    assert_eq!(under(&library, &[], &part("Stahl", "m")), (Method::Alias, ours, vec!["alias_shadowed"]));
    // The order of two libraries decides what their alias means, so it is in the digest.
    let digest = |codes: [&str; 2]| {
        let top = library_of(&codes);
        Library::resolve(top).expect("valid").0.digest().to_owned()
    };
    assert_ne!(digest(["200001", "200002"]), digest(["200002", "200001"]));
}

/// Two libraries that share an alias in this order, below a third.
fn library_of(codes: &[&str; 2]) -> Vec<(Layer, Package)> {
    let shared =
        codes.iter().map(|code| (Layer::Job, library(&format!("LIB{code}"), code, &format!("M{code}"), "Welle")));
    let mut layers = vec![(Layer::Base, Package::builtin())];
    layers.extend(shared);
    layers.push((Layer::Job, library("TOP", "200003", "Top", "Top alias")));
    layers
}

#[test]
fn r92_a_tenants_aliases_win_apart_by_scope() {
    let library = shared_by_two().with_aliases(layer(&[("Welle", BRASS)], &[("Stahl XY", COPPER)]));
    assert_eq!(under(&library, &[], &part("welle", "m")), (Method::Alias, BRASS.to_owned(), vec![]));
    assert_eq!(under(&library, &[], &part("Welle.001", "m")), (Method::Suffix, BRASS.to_owned(), vec![]));
    // Entries of the map come before aliases.
    assert_eq!(under(&library, &[("Welle", "Steel")], &part("Welle", "m")), (Method::Exact, STEEL.to_owned(), vec![]));
    // An alias of a material resolves strings, and no names of parts.
    assert_eq!(
        under(&library, &[("Shaft", "STAHL-XY")], &part("Shaft", "m")),
        (Method::Exact, COPPER.to_owned(), vec![])
    );
    let (method, material, _) = under(&library, &[], &part("Stahl XY", "m"));
    assert_eq!((method, material.as_str()), (Method::Fallback, FAILED));
    // An alias of a part resolves no strings: there the libraries' is the only one.
    let blue = "SECOND_200002_Shaft-Blue".to_owned();
    assert_eq!(
        under(&library, &[("Shaft", "Welle")], &part("Shaft", "m")),
        (Method::Exact, blue, vec!["alias_shadowed"])
    );
    let of_material = shared_by_two().with_aliases(layer(&[], &[("Welle", COPPER)]));
    assert_eq!(
        under(&of_material, &[("Shaft", "Welle")], &part("Shaft", "m")),
        (Method::Exact, COPPER.to_owned(), vec![])
    );
}

#[test]
fn ids_codes_and_names_come_before_a_tenants_aliases() {
    let names = [STEEL, "010101", "Steel-Bare", "steel bare"].map(|name| (name, COPPER));
    let library = Library::builtin().clone().with_aliases(layer(&[], &names));
    for (name, _) in names {
        let (idx, method) = library.find(name).expect(name);
        assert_eq!(library.material(idx).id, STEEL, "{name}");
        assert_ne!(method, MaterialMethod::Alias, "{name}");
    }
    let aliased = Library::builtin().clone().with_aliases(layer(&[], &[("Stahl", COPPER)]));
    let (idx, method) = aliased.find("Stahl").expect("an alias of both");
    assert_eq!((aliased.material(idx).id.as_str(), method), (COPPER, MaterialMethod::Alias));
    assert_eq!(aliased.digest(), Library::builtin().digest(), "the layer has a digest of its own");
}

#[test]
fn an_alias_whose_material_is_gone_leads_to_nothing_else() {
    let gone = "ACME_300001_Gone";
    let library = Library::builtin().clone().with_aliases(layer(&[("Stahl", gone)], &[("Messing", gone)]));
    let resolve = |rows: &[(&str, &str)], part: &PartNames| {
        let map = map(rows);
        let outcome = Resolver::new(&library, Some(&map), OnUnmapped::Magenta).resolve(std::slice::from_ref(part));
        let finding =
            outcome.findings.iter().find(|finding| finding.code == "unmapped_part").expect("unmapped").clone();
        (outcome.report.items[0].reason, finding.message)
    };
    // Not to what the library means by the same word: the tenant said otherwise.
    let (reason, message) = resolve(&[], &part("Stahl", "m"));
    assert_eq!(reason, Some(Reason::MaterialMissing));
    assert!(message.contains(gone), "{message}");
    let (reason, message) = resolve(&[("Body", "Messing")], &part("Body", "m"));
    assert_eq!(reason, Some(Reason::MaterialMissing));
    assert!(message.contains("Messing") && message.contains(gone), "{message}");
}

#[test]
fn without_a_map_in_force_aliases_of_parts_say_nothing() {
    let library = Library::builtin().clone().with_aliases(layer(&[("Welle", BRASS)], &[("Stahl XY", COPPER)]));
    let item = item(&library, None, &part("Welle", "m"));
    assert_eq!((item.method, item.material.as_deref()), (Method::Fallback, Some(CLAY)));
    // What the file calls its material is a string.
    let part = PartNames { own: vec![named("Stahl XY")], ..part("Welle", "m") };
    let item = super::item(&library, None, &part);
    assert_eq!((item.method, item.material.as_deref()), (Method::GlbMaterial, Some(COPPER)));
}
