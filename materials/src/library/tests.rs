use proptest::prelude::*;

use super::*;
use crate::finding::{Finding, Severity};

mod textures;

const HEADER: &str = "schema = \"material-library/1\"\n[library]\nid = \"ACME\"\nversion = \"1.0.0\"\n\
    color_space = \"lin_rec709\"\nfallback = \"200001\"\n";

/// A material table with these lines in front of its parameters.
fn material(code: &str, name: &str, lines: &str) -> String {
    format!(
        "[[material]]\ncode = \"{code}\"\nname = \"{name}\"\n{lines}\n[material.openpbr]\n\
         [material.provenance]\nclass = \"estimated\"\nsource = \"test\"\nlicence = \"CC0-1.0\"\n"
    )
}

fn parse(text: &str) -> Result<(Package, Vec<Finding>), Vec<Finding>> {
    Package::parse(&[SourceFile { name: "a.toml", bytes: text.as_bytes() }], &|_| Ok(None))
        .map_err(|rejected| rejected.findings)
}

fn package(materials: &[String]) -> Package {
    parse(&format!("{HEADER}{}", materials.concat())).expect("a valid library").0
}

fn over_builtin(package: Package) -> Result<(Library, Vec<Finding>), Vec<Finding>> {
    let packages = vec![(Layer::Tenant, package), (Layer::Base, Package::builtin())];
    Library::resolve(packages).map_err(|rejected| rejected.findings)
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn the_library_that_ships_has_no_findings() {
    let (package, findings) = Package::parse(&BUILTIN_FILES, &builtin_texture).expect("valid");
    assert_eq!(findings, []);
    let (library, findings) = Library::resolve(vec![(Layer::Base, package)]).expect("resolves");
    assert_eq!(findings, []);
    assert_eq!(library.materials().len(), 121);
    assert_eq!((library.id(), library.version().to_string().as_str()), ("STD", "1.1.0"));
    assert_eq!(library.material(library.fallback()).id, "STD_059999_FailedMaterial");
    assert_eq!(library.material(library.neutral()).id, "STD_059901_Clay");
    for material in library.materials() {
        assert_eq!(material.openpbr.validate(), [], "{}", material.id);
        assert_eq!(material.provenance.roughness, Origin::Estimated);
        assert_eq!(material.id, format!("STD_{}_{}", material.code, material.name));
    }
}

#[test]
fn values_of_the_reference_table() {
    let library = Library::builtin();
    let get = |name: &str| library.material(library.find(name).expect(name).0);
    let pbr = |name: &str| get(name).openpbr;

    let steel = pbr("010101");
    assert_eq!((steel.base_color, steel.specular_color), ([0.530, 0.513, 0.494], [0.765, 0.767, 0.802]));
    assert_eq!((steel.base_metalness, steel.specular_roughness), (1.0, 0.27));
    let rings = get("Steel-BearingRing");
    assert_eq!((rings.surface.detail[1].kind, rings.surface.bevel_mm), (DetailKind::Turned, Some(0.12)));
    assert_eq!(rings.openpbr.specular_roughness_anisotropy, 0.92);
    assert_eq!(pbr("Gold").base_color, [1.0, 0.773, 0.307]);
    assert_eq!((pbr("Chrome").specular_color, pbr("Chrome").specular_roughness), ([0.688, 0.728, 0.798], 0.03));
    assert_eq!(pbr("TiN-PVD").base_color, [0.612, 0.462, 0.233]);
    let paint = pbr("Paint-Gloss");
    assert_eq!((paint.base_color, paint.coat_weight, paint.coat_roughness), ([0.40; 3], 1.0, 0.03));
    assert_eq!(pbr("PA66-GF-Black").specular_ior, 1.53);
    let acrylic = pbr("PMMA-Clear");
    assert_eq!((acrylic.base_color, acrylic.transmission_weight, acrylic.specular_ior), ([1.0; 3], 1.0, 1.4905));
    let dispersion = (acrylic.transmission_dispersion_scale, acrylic.transmission_dispersion_abbe_number);
    assert_eq!(dispersion, (1.0, 53.2));
    assert_eq!((pbr("PET-Clear").transmission_dispersion_scale, pbr("PET-Clear").specular_roughness), (0.0, 0.03));
    assert_eq!(pbr("Glass-Boro").transmission_dispersion_abbe_number, 64.0);
    assert_eq!(pbr("Cardboard").base_color, [0.351, 0.208, 0.110]);
    let failed = pbr("FailedMaterial");
    assert_eq!((failed.base_color, failed.specular_roughness, failed.specular_weight), ([0.6, 0.0, 0.6], 0.5, 0.0));
    assert_eq!((failed.emission_luminance, failed.emission_color), (0.1, [1.0, 0.0, 1.0]));
    let dielectrics_with_tint =
        library.materials().iter().filter(|m| m.openpbr.base_metalness == 0.0 && m.openpbr.specular_color != [1.0; 3]);
    assert_eq!(dielectrics_with_tint.count(), 0);
}

#[test]
fn second_hop() {
    use MaterialMethod::{Alias, Code, Id, Name, Normalized};
    for (text, id, method) in [
        ("STD_010301_CastIron-AsCast", "STD_010301_CastIron-AsCast", Id),
        ("std 010301 castiron.ascast", "STD_010301_CastIron-AsCast", Normalized),
        ("010403", "STD_010403_Alu-DieCast", Code),
        ("Zinc-Plated", "STD_030201_Zinc-Plated", Name),
        ("steel ground", "STD_010102_Steel-Ground", Normalized),
        ("Black Oxide", "STD_030301_Black-Oxide", Normalized),
        ("100Cr6", "STD_010101_Steel-Bare", Alias),
        ("EDELSTAHL", "STD_010201_Stainless-316", Alias),
        ("1.4404", "STD_010201_Stainless-316", Alias),
        ("bruniert", "", Alias),
        ("bruEniert", "STD_030301_Black-Oxide", Alias),
        ("NBR", "STD_020301_NBR-Black", Alias),
        ("Brass", "STD_010501_Brass-CuZn30", Alias),
        ("AFM 34", "", Alias),
        ("Stee", "", Alias),
        ("", "", Alias),
    ] {
        let library = Library::builtin();
        let found = library.find(text).map(|(idx, method)| (library.material(idx).id.as_str(), method));
        assert_eq!(found, (!id.is_empty()).then_some((id, method)), "{text}");
    }
}

#[test]
fn search() {
    let found = |query: &str| Library::builtin().search(query).map(|m| m.name.as_str()).collect::<Vec<_>>();
    assert!(found("steel").contains(&"Steel-Bare") && found("Stahl").contains(&"Steel-Bare"));
    assert_eq!(found("glass_boro"), ["Glass-Boro"]);
    assert_eq!(
        found("02030"),
        [
            "NBR-Black",
            "FKM-Brown",
            "Silicone-Clear",
            "EPDM-Black",
            "HNBR-Black",
            "HNBR-Green",
            "FKM-Black",
            "FKM-Green",
            "Silicone-Red"
        ]
    );
    assert_eq!((found("").len(), found("no such material").len()), (121, 0));
}

#[test]
fn every_fault_of_a_file_is_reported_with_its_line() {
    let text = r#"schema = "material-library/3"
colour = 1
[library]
id = "Acme"
version = "1.0"
color_space = "acescg"
extends = ["STD"]
[[material]]
code = "12345"
name = "Größe"
statu = "active"
aliases = ["ok", "--", 3]
[material.openpbr]
base_color = [0.5, 1.5]
specular_ior = 0.5
specular_roughness = nan
coat_weight = "1"
geometry_thin_walled = 1
base_metallness = 1.0
[material.surface]
bevel_mm = 2
tangent = { mode = "round", axis = "auto" }
detail = [{ kind = "cast", scale_mm = 0, depth_mm = -1 }]
[material.provenance]
class = "guessed"
licence = "CC0-1.0"
[[material]]
code = "200001"
name = "Old"
status = "deprecated"
[material.openpbr]
base_color = [1.0, 2.0, inf]
[[rule]]
glob = "{a,b}"
material = "Steel"
[[rule]]
material = "Steel"
"#;
    let findings = parse(text).expect_err("full of faults");
    let found: Vec<_> = findings.iter().map(|f| format!("{} {}", f.code, f.at.trim_start_matches("a.toml:"))).collect();
    let expected = [
        "library.schema 1",
        "library.id 4",
        "library.version 5",
        "library.color_space 6",
        "library.extends 7",
        "library.code 9",
        "library.name 10",
        "library.alias 12",
        "library.type 12",
        "library.type 14",
        "library.range 16",
        "library.range 15",
        "library.type 17",
        "library.type 18",
        "library.unknown_field 19",
        "library.range 21",
        "library.range 22",
        "library.range 23",
        "library.range 23",
        "library.range 25",
        "library.missing 24",
        "library.unknown_field 11",
        "library.status 27",
        "library.range 32",
        "library.range 32",
        "library.missing 27",
        "library.rule 34",
        "library.rule 36",
        "library.unknown_field 2",
    ];
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    assert_eq!(sorted(found), sorted(expected.map(str::to_owned).to_vec()), "{findings:#?}");
    let help = findings.iter().find(|f| f.message.contains("base_metallness")).and_then(|f| f.help.as_deref());
    assert_eq!(help, Some("did you mean `base_metalness`?"));
    assert!(findings.iter().all(|finding| finding.severity == Severity::Error));
}

#[test]
fn faults_between_files() {
    let file = |name, text| SourceFile { name, bytes: str::as_bytes(text) };
    let rejected = |files: &[SourceFile<'_>]| Package::parse(files, &|_| Ok(None)).expect_err("refused").findings;
    let body = format!("schema = \"material-library/1\"\n{}", material("200001", "A", ""));
    let whole = format!("{HEADER}{}", material("200001", "B", ""));

    assert_eq!(codes(&rejected(&[])), ["library.header"]);
    assert_eq!(codes(&rejected(&[file("a.toml", &body)])), ["library.header"]);
    let found = rejected(&[file("b.toml", &whole), file("a.toml", &body)]);
    assert_eq!((found[0].code, found[0].at.as_str()), ("library.duplicate_code", "b.toml:7"));
    let other = HEADER.replace("200001", "200002");
    assert_eq!(codes(&rejected(&[file("a.toml", &whole), file("b.toml", &other)])), ["library.header"]);
    let found = rejected(&[file("a.toml", "a = \nb = 'x\n"), SourceFile { name: "b.toml", bytes: b"\xff" }]);
    assert_eq!(found[0].at, "a.toml:1");
    assert!(codes(&found).iter().filter(|code| **code == "library.syntax").count() >= 3, "{found:#?}");
}

#[test]
fn warnings_do_not_refuse() {
    let text = format!(
        "{HEADER}{}",
        material("200001", "Snow", "").replace("pbr]\n", "pbr]\nbase_color = [0.95, 0.95, 0.95]\n")
    );
    let (_, findings) = parse(&text).expect("valid");
    assert_eq!((findings[0].code, findings[0].severity), ("library.albedo", Severity::Warning));
    let (_, findings) = over_builtin(package(&[material("200001", "A", "override = true")])).expect("valid");
    assert_eq!(codes(&findings), ["library.override"]);
}

#[test]
fn priorities_are_small_numbers_for_what_light_enters() {
    let read = |lines: &str, parameters: &str| {
        let material = material("200001", "Oil", lines).replace("pbr]\n", &format!("pbr]\n{parameters}\n"));
        let found = |findings: &[Finding]| findings.iter().map(|f| format!("{} {}", f.code, f.at)).collect::<Vec<_>>();
        match parse(&format!("{HEADER}{material}")) {
            Ok((package, findings)) => (Some(package.materials[0].material.priority), found(&findings)),
            Err(findings) => (None, found(&findings)),
        }
    };
    let clear = "transmission_weight = 1.0";
    assert_eq!(read("", clear), (Some(0), vec![]));
    assert_eq!(read("priority = 255", clear), (Some(255), vec![]));
    for wrong in ["-1", "256", "3000000000"] {
        let refused = (None, vec!["library.range a.toml:10".to_owned()]);
        assert_eq!(read(&format!("priority = {wrong}"), clear), refused, "{wrong}");
    }
    assert_eq!(read("priority = 1.5", clear), (None, vec!["library.type a.toml:10".to_owned()]));
    for opaque in [
        "",
        "transmission_weight = 1.0\nbase_metalness = 1.0",
        "transmission_weight = 1.0\ngeometry_thin_walled = true",
    ] {
        let warned = (Some(1), vec!["library.priority a.toml:10".to_owned()]);
        assert_eq!(read("priority = 1", opaque), warned, "{opaque}");
    }
    // The clear solids of the library stand above liquids, which have no priority by themselves.
    for material in Library::builtin().materials() {
        assert_eq!(material.priority, if material.openpbr.is_body() { 10 } else { 0 }, "{}", material.id);
    }
}

#[test]
fn layers() {
    let fallback = || material("200001", "Pink", "");
    let refused = |materials: &[String]| codes(&over_builtin(package(materials)).expect_err("refused")).join(" ");
    assert_eq!(refused(&[fallback(), material("010101", "Ours", "")]), "library.shadowing");
    assert_eq!(refused(&[fallback(), material("200002", "Ours", "aliases = [\"Chrome\"]")]), "library.alias_collision");
    assert_eq!(refused(&[fallback(), material("200002", "steel-bare", "")]), "library.name_collision");
    assert_eq!(refused(&[material("200003", "Ours", "")]), "library.fallback");
    let old = "status = \"deprecated\"\nreplaced_by = \"AFM 34\"";
    assert_eq!(refused(&[fallback(), material("200002", "Old", old)]), "library.unknown_material");
    let rule = "[[rule]]\nglob = \"ring\"\nmaterial = \"AFM 34\"\n".to_owned();
    assert_eq!(refused(&[fallback(), rule]), "library.unknown_material");

    let ours = material("010101", "Ours", "override = true\naliases = [\"C45\"]");
    let (library, findings) = over_builtin(package(&[fallback(), ours])).expect("valid");
    assert_eq!(findings, []);
    // Every name of the material below still leads to the one that took its place.
    for name in ["ACME_010101_Ours", "010101", "Ours", "C45", "STD_010101_Steel-Bare", "Steel-Bare", "Stahl"] {
        let (idx, _) = library.find(name).expect(name);
        assert_eq!(library.material(idx).id, "ACME_010101_Ours", "{name}");
    }
    assert_eq!(library.materials().len(), 122);
    assert_eq!(library.material(library.fallback()).id, "ACME_200001_Pink");
    assert_eq!(library.material(library.neutral()).id, "STD_059901_Clay");
    assert!(library.label().starts_with("ACME@1.0.0#b3:"));
}

#[test]
fn requirements_look_below() {
    let requiring = |requirement: &str| {
        let header = HEADER.replace("fallback = \"200001\"", &format!("extends = [\"{requirement}\"]"));
        over_builtin(parse(&header).expect("valid").0).map(|_| ()).map_err(|findings| findings[0].message.clone())
    };
    assert_eq!(requiring("STD@^1"), Ok(()));
    assert!(requiring("STD@^2").expect_err("too old").contains("the one before it is 1.1.0"));
    assert!(requiring("OTHER@^1").expect_err("absent").contains("not given before it"));
    assert!(requiring("ACME@^1").expect_err("itself").contains("not given before it"));
}

#[test]
fn the_example_of_the_readme_is_a_library() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let (package, findings) = parse(example).expect("valid");
    // Its picture is not there.
    assert_eq!(codes(&findings), ["library.texture_missing"]);
    let (library, findings) = over_builtin(package).expect("resolves");
    assert_eq!(findings, []);
    assert_eq!(library.material(library.fallback()).id, "ACME_209999_Missing");
    assert_eq!((library.rules().len(), library.has_own_rules()), (1, true));
}

#[test]
fn the_digest_sees_content_and_not_arrangement() {
    let builtin = Library::builtin().digest();
    assert_eq!(builtin.len(), 64);
    let digest = |files: &[(String, String)]| {
        let files: Vec<_> = files.iter().map(|(name, text)| SourceFile { name, bytes: text.as_bytes() }).collect();
        let (package, _) = Package::parse(&files, &builtin_texture).expect("valid");
        Library::resolve(vec![(Layer::Base, package)]).expect("valid").0.digest().to_owned()
    };
    let owned =
        |name: &str, file: &SourceFile<'_>| (name.to_owned(), String::from_utf8(file.bytes.to_vec()).expect("UTF-8"));
    // Files renamed and reversed, tables of one file in reverse, keys in reverse, a default written out.
    let mut files: Vec<_> =
        BUILTIN_FILES.iter().rev().enumerate().map(|(n, f)| owned(&format!("{n}.toml"), f)).collect();
    let metals = &mut files.iter_mut().find(|(_, text)| text.contains("Steel-Bare")).expect("metals").1;
    let (head, body) = metals.split_once("[[material]]\n").expect("a material");
    let mut tables: Vec<_> = body.split("[[material]]\n").map(str::to_owned).collect();
    tables.reverse();
    for table in &mut tables {
        let paragraphs: Vec<String> = table
            .trim_end()
            .split("\n\n")
            .map(|paragraph| {
                let (title, lines): (Vec<_>, Vec<_>) = paragraph.lines().partition(|line| line.starts_with('['));
                title.into_iter().chain(lines.into_iter().rev()).collect::<Vec<_>>().join("\n")
            })
            .collect();
        *table = paragraphs
            .join("\n\n")
            .replace("[material.openpbr]", "status = \"active\"\n[material.openpbr]\ncoat_weight = 0")
            + "\n";
    }
    *metals = format!("{head}[[material]]\n{}", tables.join("[[material]]\n"));
    assert_eq!(digest(&files), builtin);
    // One value in the last place, or one alias, is another library.
    for (from, to) in [("0.53", "0.531"), ("\"100Cr6\"", "\"100Cr7\""), ("1.1.0", "1.1.1")] {
        let changed: Vec<_> = files.iter().map(|(name, text)| (name.clone(), text.replacen(from, to, 1))).collect();
        assert_ne!(digest(&changed), builtin, "{from}");
    }
}

#[test]
fn a_material_on_the_wire() {
    let library = Library::builtin();
    let json = serde_json::to_value(library.material(library.find("Steel").expect("it ships").0)).expect("plain data");
    assert_eq!(json["id"], "STD_010101_Steel-Bare");
    assert_eq!((&json["code"], &json["library"], &json["status"]), (&"010101".into(), &"STD".into(), &"active".into()));
    assert_eq!(json["aliases"][3], "100Cr6");
    assert_eq!(json["openpbr"]["base_metalness"], 1.0);
    assert_eq!(json["provenance"]["class"], "computed");
}

proptest! {
    #[test]
    fn no_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
        at in 0_usize..2000,
        insert in "[\\[\\]{}\"'=,.#\n a-z0-9-]{0,6}",
    ) {
        let _ = Package::parse(&[SourceFile { name: "x", bytes: &bytes }], &|_| Ok(None));
        let mut text = format!("{HEADER}{}{}", material("200001", "A", ""), material("200002", "B", "aliases = [\"b\"]"));
        let at = at.min(text.len());
        text.insert_str(at, &insert);
        if let Ok((package, _)) = parse(&text) {
            let _ = over_builtin(package);
        }
    }
}
