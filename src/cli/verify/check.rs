//! Compares files with what a manifest says about them, and pictures with their provenance.

use packshot::error::Fault;
use packshot_contract::provenance::{PROVENANCE_VERSION, Provenance, RENDERER};
use packshot_domain::artifact::{ArtifactFile, Manifest, Tree};
use packshot_domain::hash::ContentAddress;
use packshot_json::canonical;
use packshot_renderer::encode::{Stated, stated};
use serde::Serialize;
use serde_json::Value;

use super::package::{Digests, Files, MANIFEST, MANIFEST_BYTES_MAX, Unread};
use crate::cli::failure::{Exit, Failure};
use crate::cli::interrupt::Interrupt;

/// The file with the shot of a package's pictures.
const SHOT: &str = "shot.json";
/// Bytes of a document of a package, at most.
const DOCUMENT_BYTES_MAX: u64 = 64 << 20;
/// The member of a package's metadata with the provenance.
const MEMBER: &str = "provenance";

/// How a file of a package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FileState {
    /// As the manifest says.
    Same,
    /// Otherwise.
    Changed,
    /// Not there, or not readable.
    Missing,
    /// There, and not in the manifest.
    Extra,
}

/// A file of a package, compared.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CheckedFile {
    pub(super) relative_path: String,
    pub(super) state: FileState,
    /// What its bytes are; `None` where they cannot be read.
    pub(super) content_address: Option<String>,
}

/// The manifest of a package.
///
/// # Errors
/// `verify.manifest_changed` for bytes that are no manifest, or not the one with this digest.
pub(super) fn manifest(
    files: &mut Files,
    expected: Option<ContentAddress>,
) -> Result<(Manifest, ContentAddress), Failure> {
    let changed = |message: String| {
        let fault = Fault::new("verify.manifest_changed", message).at(MANIFEST);
        Failure::new(Exit::Differs, fault.help("download the package again"))
    };
    let bytes = files.read(MANIFEST, MANIFEST_BYTES_MAX).map_err(|unread| {
        changed(match unread {
            Unread::Missing => "the manifest is not there".to_owned(),
            Unread::TooLarge => "this is larger than any manifest".to_owned(),
            Unread::Damaged(reason) => format!("the manifest cannot be read: {reason}"),
        })
    })?;
    let digest = ContentAddress::of(&bytes);
    if let Some(expected) = expected.filter(|expected| *expected != digest) {
        return Err(changed(format!("the manifest is not the one with the digest {expected}: its own is {digest}")));
    }
    let manifest = Manifest::decode(&bytes).map_err(|reason| changed(format!("this is not a manifest: {reason}")))?;
    Ok((manifest, digest))
}

/// The provenance that a package has; `None` for a package of something else than a render.
///
/// # Errors
/// `verify.provenance` for one that this version does not know.
pub(super) fn provenance_of(manifest: &Manifest) -> Result<Option<Provenance>, Failure> {
    match manifest.package().metadata.members().get(MEMBER) {
        Some(member @ Tree::Map(_)) => provenance(member.to_json().as_bytes(), MANIFEST).map(Some),
        _ => Ok(None),
    }
}

/// A provenance, read.
///
/// # Errors
/// `verify.provenance`.
pub(super) fn provenance(text: &[u8], at: &str) -> Result<Provenance, Failure> {
    let refused = |message: String, help: &str| {
        Failure::new(Exit::Input, Fault::new("verify.provenance", message).at(at).help(help))
    };
    let save = "save what GET /api/v1/renders/ID/provenance answers";
    let value: Value =
        serde_json::from_slice(text).map_err(|reason| refused(format!("this is not JSON: {reason}"), save))?;
    match value["provenance_version"].as_u64() {
        Some(version) if version == u64::from(PROVENANCE_VERSION) => {}
        Some(version) => {
            let message = format!("the provenance has version {version}, and this Packshot reads {PROVENANCE_VERSION}");
            return Err(refused(message, "verify it with a newer Packshot"));
        }
        None => return Err(refused("this is not a provenance: it has no provenance_version".to_owned(), save)),
    }
    serde_json::from_value(value).map_err(|reason| refused(format!("this is not a provenance: {reason}"), save))
}

/// Compares the files of a package with its manifest: all of them, or one. What differs is added to `faults`.
///
/// # Errors
/// When the files cannot be listed; Ctrl-C.
pub(super) fn files(
    manifest: &Manifest,
    files: &mut Files,
    only: Option<&str>,
    provenance: Option<&Provenance>,
    faults: &mut Vec<Fault>,
    interrupt: &Interrupt,
) -> Result<Vec<CheckedFile>, Failure> {
    let mut checked = Vec::new();
    let is_wanted = |path: &str| only.is_none_or(|only| only == path);
    for stored in manifest.files().iter().filter(|stored| is_wanted(stored.file.path.as_str())) {
        interrupt.check()?;
        checked.push(file(&stored.file, files, provenance, faults));
    }
    let listed = |path: &str| manifest.files().iter().any(|stored| stored.file.path.as_str() == path);
    for path in files.paths()?.into_iter().filter(|path| is_wanted(path) && !listed(path)) {
        let fault = Fault::new("verify.extra", "this file is not in the manifest").at(path.clone());
        faults.push(fault.help("remove it; it is no part of the package"));
        checked.push(CheckedFile { relative_path: path, state: FileState::Extra, content_address: None });
    }
    Ok(checked)
}

fn file(
    listed: &ArtifactFile,
    files: &mut Files,
    provenance: Option<&Provenance>,
    faults: &mut Vec<Fault>,
) -> CheckedFile {
    let path = listed.path.to_string();
    let mut found = |state, address: Option<ContentAddress>, fault: Option<Fault>| {
        faults.extend(fault.map(|fault| fault.at(path.clone()).help("download the package again")));
        CheckedFile { relative_path: path.clone(), state, content_address: address.map(|address| address.to_string()) }
    };
    let changed = |message: String| Some(Fault::new("verify.changed", message));
    let bytes = match files.read(&path, listed.size.bytes()) {
        Ok(bytes) => bytes,
        Err(Unread::Missing) => {
            return found(FileState::Missing, None, Some(Fault::new("verify.missing", "this file is not there")));
        }
        Err(Unread::TooLarge) => {
            let message = format!("this file is larger than the {} bytes of the manifest", listed.size.bytes());
            return found(FileState::Changed, None, changed(message));
        }
        Err(Unread::Damaged(reason)) => {
            return found(FileState::Changed, None, changed(format!("this file cannot be read: {reason}")));
        }
    };
    let digests = Digests::of(&bytes);
    let wrong: Vec<&str> = [
        (bytes.len() as u64 != listed.size.bytes(), "size"),
        (digests.address != listed.address, "BLAKE3"),
        (digests.sha256 != listed.sha256, "SHA-256"),
    ]
    .into_iter()
    .filter_map(|(differs, what)| differs.then_some(what))
    .collect();
    if !wrong.is_empty() {
        let message = format!("this file is not the one of the manifest: it has another {}", wrong.join(", "));
        return found(FileState::Changed, Some(digests.address), changed(message));
    }
    let checked = found(FileState::Same, Some(digests.address), None);
    if let (Some(stated), Some(provenance)) = (stated(&bytes), provenance) {
        faults.extend(contradiction(&stated, provenance).map(|fault| fault.at(path.clone())));
    }
    checked
}

/// What a picture states that its provenance does not.
pub(super) fn contradiction(stated: &Stated, provenance: &Provenance) -> Option<Fault> {
    let hex = |address: ContentAddress| address.hex();
    let origin = &stated.provenance;
    let (renderer, materials, sampling) = (&provenance.renderer, &provenance.materials, &provenance.sampling);
    let digits = |label: &String| label.rsplit_once("#b3:").map_or(label.clone(), |(_, digits)| digits.to_owned());
    let version = renderer.version.as_ref().filter(|_| renderer.name == RENDERER);
    let text = |number: Option<u32>| number.map(|number| number.to_string());
    let pairs = [
        ("renderer", stated.software.clone(), version.map(|version| format!("Packshot {version}"))),
        ("scene", origin.scene.clone(), Some(hex(provenance.scene.content_address.0))),
        ("library", origin.library.as_ref().map(digits), materials.library_digest.map(|digest| hex(digest.0))),
        ("seed", text(origin.seed), text(sampling.seed)),
        ("samples", text(origin.samples), text(sampling.samples_max)),
    ];
    // What one of them does not say is no contradiction: a preview states nothing.
    let differs = |(what, stated, known): (&'static str, Option<String>, Option<String>)| {
        let (stated, known) = stated.zip(known)?;
        (stated != known).then(|| format!("{what} {stated}, and the provenance says {known}"))
    };
    let found: Vec<String> = pairs.into_iter().filter_map(differs).collect();
    (!found.is_empty()).then(|| {
        let message = format!("the picture states {}", found.join("; "));
        Fault::new("verify.contradiction", message).help("the provenance is not of this picture, or one was changed")
    })
}

/// Whether the shot of a provenance is the one that its digest is of. Where it is left out, it is a file of the
/// package.
pub(super) fn shot(provenance: &Provenance, files: Option<&mut Files>) -> Option<Fault> {
    let digest = provenance.shot_digest?.0;
    let of_file = || serde_json::from_slice(&files?.read(SHOT, DOCUMENT_BYTES_MAX).ok()?).ok();
    let shot: Value = provenance.shot.clone().or_else(of_file)?;
    let found = ContentAddress::of(canonical(&shot).as_bytes());
    (found != digest).then(|| {
        let message = format!("the digest of the shot is {found}, and the provenance says {digest}");
        let fault = Fault::new("verify.shot_changed", message).at("/shot");
        fault.help("the shot or its digest was changed since; download the provenance again")
    })
}
