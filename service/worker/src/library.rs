//! Material libraries out of stored files.
//!
//! Input: the files that a work names, lowest first. Output: one [`Library`], with the built-in one below. A library
//! that cannot be read does not stop a render: every part then gets the fallback material and says why.

use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::sync::Arc;

use bytes::Bytes;
use packshot_materials::aliases::AliasLayer;
use packshot_materials::finding::{Finding, Rejected, Severity};
use packshot_materials::library::{Layer, Library, Package, SourceFile};

/// Files in the zip of a library, at most.
const FILES_MAX: usize = 1_000;
/// Bytes of all TOML files and textures of a library together, unpacked, at most.
const BYTES_MAX: u64 = 16 << 20;
/// How the names of files end that belong to a library.
const TOML: &[&str] = &[".toml"];
const TEXTURES: &[&str] = &[".png", ".jpg", ".jpeg", ".webp"];
/// What to do about a file that is no library.
const SEND: &str = "send the library as one TOML file, or as a zip of its TOML files and textures";

/// A file of a library, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibrarySource {
    /// Its path in the zip.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The files of an uploaded library: the TOML files and textures of a zip, or the TOML file that it is.
///
/// # Errors
/// `library.archive` for a zip that is broken, names a path outside of itself, or is larger than the limits.
pub fn unpack(file: &[u8]) -> Result<Vec<LibrarySource>, Rejected> {
    let refused = |at: &str, message: String| rejected("library.archive", at, message, SEND);
    let too_large = |at: &str| refused(at, format!("the unpacked library has more than {BYTES_MAX} bytes"));
    if !file.starts_with(b"PK") {
        if file.len() as u64 > BYTES_MAX {
            return Err(too_large("library.toml"));
        }
        return Ok(vec![LibrarySource { name: "library.toml".to_owned(), bytes: file.to_vec() }]);
    }
    check_directory(file)?;
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).map_err(|error| refused("", error.to_string()))?;
    let mut sources = Vec::new();
    let mut left = BYTES_MAX;
    for i in 0..archive.len() {
        let entry = archive.by_index(i).map_err(|error| refused("", error.to_string()))?;
        let name = entry.name().map_err(|error| refused("", error.to_string()))?.into_owned();
        if entry.enclosed_name().is_none() {
            return Err(refused(&name, "the path leads out of the zip".to_owned()));
        }
        if entry.is_dir() || !has_extension(&name, TOML) && !has_extension(&name, TEXTURES) {
            continue;
        }
        let mut bytes = Vec::new();
        let read = entry.take(left + 1).read_to_end(&mut bytes).map_err(|error| refused(&name, error.to_string()))?;
        left = left.checked_sub(read as u64).ok_or_else(|| too_large(&name))?;
        sources.push(LibrarySource { name, bytes });
    }
    if !sources.iter().any(|source: &LibrarySource| has_extension(&source.name, TOML)) {
        return Err(refused("", "the zip has no .toml file".to_owned()));
    }
    Ok(sources)
}

fn has_extension(name: &str, extensions: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    extensions.iter().any(|extension| name.ends_with(extension))
}

/// Refuses an archive whose directory has, or says that it has, more entries than a library may have: before the
/// directory is read, for which memory is reserved. Records are found by their signatures (APPNOTE.TXT 6.3.10, sections
/// 4.3.12, 4.3.14 and 4.3.16), wherever they lie: which of several ends of a directory counts is a matter of the
/// reader.
fn check_directory(file: &[u8]) -> Result<(), Rejected> {
    let number = |at: usize, n_bytes: usize| {
        let bytes = file.get(at..at.saturating_add(n_bytes)).unwrap_or_default();
        bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let (mut n_headers, mut n_said) = (0_usize, 0);
    for (at, window) in file.windows(4).enumerate() {
        match window {
            b"PK\x01\x02" => n_headers += 1,
            b"PK\x05\x06" => n_said = n_said.max(number(at + 10, 2)),
            b"PK\x06\x06" => n_said = n_said.max(number(at + 32, 8)),
            _ => {}
        }
    }
    let n_files = n_said.max(n_headers as u64);
    if n_files > FILES_MAX as u64 {
        let message = format!("the zip has {n_files} files; at most {FILES_MAX} are allowed");
        return Err(rejected("library.archive", "", message, SEND));
    }
    Ok(())
}

/// Reads one library.
///
/// # Errors
/// Every `library.…` finding of every file.
pub fn package(file: &[u8]) -> Result<(Package, Vec<Finding>), Rejected> {
    parse(&unpack(file)?)
}

/// Reads a library of these files.
///
/// # Errors
/// Every `library.…` finding of every file.
pub fn parse(sources: &[LibrarySource]) -> Result<(Package, Vec<Finding>), Rejected> {
    let is_toml = |source: &&LibrarySource| has_extension(&source.name, TOML);
    let toml = sources.iter().filter(is_toml);
    let files: Vec<_> = toml.map(|source| SourceFile { name: &source.name, bytes: &source.bytes }).collect();
    let open = |path: &str| {
        let found = sources.iter().find(|source| source.name == path);
        Ok(found.map(|source| Cow::Owned(source.bytes.clone())))
    };
    Package::parse(&files, &open)
}

/// The library that a work's parts are looked up in.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) library: Arc<Library>,
    pub(super) findings: Vec<Finding>,
    /// Whether a file could not be read; then nothing can be looked up.
    pub(super) is_broken: bool,
}

/// Lays the files over the built-in library and the tenant's aliases over all of them, and makes `fallback`, if one is
/// named, the material of parts that nothing matches. If no library has it any more, a finding says so.
pub(super) fn resolve(files: &[(Layer, Bytes)], fallback: Option<&str>, aliases: &AliasLayer) -> Resolved {
    let mut resolved = without_aliases(files, fallback);
    if !aliases.is_empty() && !resolved.is_broken {
        let library = Arc::unwrap_or_clone(resolved.library).with_aliases(aliases.clone());
        resolved.library = Arc::new(library);
    }
    resolved
}

fn without_aliases(files: &[(Layer, Bytes)], fallback: Option<&str>) -> Resolved {
    let builtin = || Resolved { library: Arc::new(Library::builtin().clone()), findings: Vec::new(), is_broken: false };
    if files.is_empty() && fallback.is_none() {
        return builtin();
    }
    match layered(files, fallback) {
        Ok((library, findings)) => Resolved { library: Arc::new(library), findings, is_broken: false },
        Err(Rejected { findings }) => Resolved { findings, is_broken: true, ..builtin() },
    }
}

fn layered(files: &[(Layer, Bytes)], fallback: Option<&str>) -> Result<(Library, Vec<Finding>), Rejected> {
    let mut findings = Vec::new();
    let mut packages = vec![(Layer::Base, Package::builtin())];
    for (layer, file) in files {
        let (package, found) = package(file)?;
        packages.push((*layer, package));
        findings.extend(found);
    }
    packages.sort_by_key(|(layer, _)| *layer);
    if let Some(fallback) = fallback {
        // The choice of a tenant is one more library on top, which holds nothing but this choice.
        let choice = code_of(&packages, fallback).zip(packages.last()).map(|(code, (_, top))| Package {
            fallback: Some(code),
            extends: Vec::new(),
            materials: Vec::new(),
            rules: Vec::new(),
            at: "fallback_material".to_owned(),
            ..top.clone()
        });
        match choice {
            Some(choice) => packages.push((Layer::Job, choice)),
            None => findings.push(no_fallback(fallback)),
        }
    }
    let (library, found) = Library::resolve(packages)?;
    findings.extend(found);
    findings.retain(|finding| finding.severity != Severity::Info);
    Ok((library, findings))
}

/// The code of the material with this id or code; the highest library that has one wins.
fn code_of(packages: &[(Layer, Package)], material: &str) -> Option<String> {
    let materials = packages.iter().rev().flat_map(|(_, package)| &package.materials);
    let mut found =
        materials.map(|entry| &entry.material).filter(|known| known.id == material || known.code == material);
    found.next().map(|known| known.code.clone())
}

fn no_fallback(material: &str) -> Finding {
    let message = format!("no library has the tenant's fallback material `{material}`, so the libraries' own is used");
    let finding = Finding::new(Severity::Warning, "library.fallback", "fallback_material", message);
    finding.with_help("choose another `fallback_material` in the tenant's configuration")
}

fn rejected(code: &'static str, at: &str, message: String, help: &str) -> Rejected {
    Finding::new(Severity::Error, code, at, message).with_help(help).into()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const ACME: &str = r#"schema = "material-library/1"
[library]
id = "ACME"
version = "1.0.0"
color_space = "lin_rec709"

[[material]]
code = "100001"
name = "Sample"
aliases = ["Prüfling"]

[material.openpbr]
base_color = [0.5, 0.5, 0.5]

[material.provenance]
class = "estimated"
source = "a sample"
licence = "CC0-1.0"
"#;

    fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in files {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("begins");
            writer.write_all(text.as_bytes()).expect("written");
        }
        writer.finish().expect("finished").into_inner()
    }

    #[test]
    fn a_zip_and_a_single_file_are_the_same_library() {
        let zip = zipped(&[("acme/a.toml", ACME), ("acme/readme.txt", "no TOML")]);
        let names: Vec<String> = unpack(&zip).expect("a zip").into_iter().map(|source| source.name).collect();
        assert_eq!(names, ["acme/a.toml"]);
        for file in [zip, ACME.as_bytes().to_vec()] {
            let resolved = resolve(&[(Layer::Tenant, file.into())], None, &AliasLayer::default());
            assert!(!resolved.is_broken, "{:?}", resolved.findings);
            assert!(resolved.library.find("Prüfling").is_some());
            assert!(resolved.library.find("STD_010101_Steel-Bare").is_some(), "the built-in one lies below");
        }
    }

    #[test]
    fn textures_come_with_the_zip() {
        let textured = ACME.replace("/1", "/2").replace(
            "[material.provenance]",
            "[material.textures]\nbase_color = { path = \"oak/base.png\" }\nmm_per_repeat = 10\n\n[material.provenance]",
        );
        let of =
            |files: &[(&str, &str)]| resolve(&[(Layer::Tenant, zipped(files).into())], None, &AliasLayer::default());
        let lost = of(&[("acme/a.toml", &textured)]);
        assert!(!lost.is_broken && lost.findings.iter().any(|finding| finding.code == "library.texture_missing"));
        let broken = of(&[("acme/a.toml", &textured), ("acme/oak/base.png", "no picture")]);
        assert!(broken.is_broken && broken.findings.iter().any(|finding| finding.code == "library.texture"));
    }

    #[test]
    fn hostile_archives_are_refused() {
        for (file, expect) in [
            (zipped(&[("../../etc/a.toml", ACME)]), "leads out"),
            (zipped(&[("a.txt", "")]), "no .toml"),
            (b"PK\x03\x04 broken".to_vec(), ""),
            ([&b"PK\x05\x06"[..], &[0; 6], &[0xff; 2], &[0; 10]].concat(), "65535 files"),
            (b"PK\x01\x02".repeat(FILES_MAX + 1), "1001 files"),
        ] {
            let findings = unpack(&file).expect_err("refused").findings;
            assert_eq!(findings[0].code, "library.archive");
            assert!(findings[0].message.contains(expect), "{findings:?}");
        }
    }

    #[test]
    fn r56_a_tenant_chooses_its_own_fallback() {
        let resolved = resolve(&[], Some("STD_010101_Steel-Bare"), &AliasLayer::default());
        assert!(!resolved.is_broken, "{:?}", resolved.findings);
        let fallback = resolved.library.material(resolved.library.fallback());
        assert_eq!(fallback.id, "STD_010101_Steel-Bare");
    }

    #[test]
    fn t67_a_missing_fallback_is_reported_and_stops_nothing() {
        let files = [(Layer::Tenant, ACME.as_bytes().to_vec().into())];
        let resolved = resolve(&files, Some("OTHER_200101_Gone"), &AliasLayer::default());
        assert!(!resolved.is_broken && resolved.library.find("Sample").is_some());
        let fallback = resolved.library.material(resolved.library.fallback());
        assert_eq!(fallback.id, "STD_059999_FailedMaterial");
        let told = resolved.findings.iter().find(|finding| finding.code == "library.fallback");
        let told = told.expect("a finding");
        assert!(told.severity == Severity::Warning && told.message.contains("OTHER_200101_Gone"), "{told}");
    }

    #[test]
    fn r57_a_broken_library_leaves_nothing_to_look_in() {
        let files = [(Layer::Tenant, Bytes::from_static(b"schema = 1"))];
        let resolved = resolve(&files, None, &AliasLayer::default());
        assert!(resolved.is_broken);
        assert!(resolved.findings.iter().any(|finding| finding.code.starts_with("library.")));
    }

    #[test]
    fn r57_r92_sharing_an_alias_breaks_no_library() {
        let steel = "STD_010101_Steel-Bare".to_owned();
        let aliases = AliasLayer { part: [("pruefling".to_owned(), steel)].into(), ..AliasLayer::default() };
        let second =
            ACME.replace("\"ACME\"", "\"SECOND\"").replace("100001", "100002").replace("\"Sample\"", "\"Other\"");
        let files = [(Layer::Tenant, ACME.as_bytes().to_vec().into()), (Layer::Job, second.into_bytes().into())];
        for aliases in [AliasLayer::default(), aliases] {
            let resolved = resolve(&files, None, &aliases);
            assert!(!resolved.is_broken, "{:?}", resolved.findings);
            let (idx, _) = resolved.library.find("Prüfling").expect("found");
            assert_eq!(resolved.library.material(idx).id, "SECOND_100002_Other");
        }
    }
}
