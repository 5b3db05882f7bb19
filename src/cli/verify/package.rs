//! The files of a package: in an archive as the service gives it, or in the folder that it was unpacked into.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use packshot::error::Fault;
use packshot_domain::artifact::RelativePath;
use packshot_domain::hash::{ContentAddress, Sha256Digest};
use packshot_words::why_unread;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::cli::failure::{Exit, Failure};
use crate::cli::files::{is_stream, read_at_most};

/// The manifest of a package, below its folder or in its archive.
pub(super) const MANIFEST: &str = ".packshot/manifest.cbor";
/// Bytes of a manifest, at most: 10,000 files with the longest paths have fewer.
pub(super) const MANIFEST_BYTES_MAX: u64 = 64 << 20;
/// Bytes of a picture or movie, at most.
pub(super) const FILE_BYTES_MAX: u64 = 4 << 30;
/// The first bytes of an archive, also of an empty one.
const ARCHIVE_MAGIC: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// What is to be verified.
pub(super) enum Subject {
    /// A package.
    Package(Files),
    /// A picture or movie.
    Picture {
        /// Its bytes.
        bytes: Vec<u8>,
        /// The package that it is part of, and its path there, if a manifest lies in a folder above it.
        package: Option<(Files, String)>,
    },
}

/// Where the files of a package are.
pub(super) enum Files {
    /// In an archive.
    Archive(Box<ZipArchive<BufReader<File>>>),
    /// Below a folder.
    Folder(PathBuf),
}

/// Why a file of a package is not there as it should be.
pub(super) enum Unread {
    /// There is none.
    Missing,
    /// It has more bytes than it may have.
    TooLarge,
    /// It cannot be read: its archive is damaged, or its disk.
    Damaged(String),
}

/// The digests of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digests {
    pub(super) address: ContentAddress,
    pub(super) sha256: Sha256Digest,
}

impl Digests {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let sha256 = Sha256Digest::of_bytes(bytes);
        Self { address: ContentAddress::of(bytes), sha256 }
    }
}

impl Subject {
    /// What lies at a path.
    ///
    /// # Errors
    /// `verify.not_read`, `verify.no_manifest`.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            let package = Files::Folder(path.to_owned());
            return if path.join(MANIFEST).is_file() { Ok(Self::Package(package)) } else { Err(no_manifest(path)) };
        }
        let not_read =
            |reason: &io::Error| not_read(path, reason, "give a picture, a package's archive, or its unpacked folder");
        let bytes = match is_stream(path) {
            true => read_at_most(&mut io::stdin().lock(), FILE_BYTES_MAX),
            false => {
                let mut file = File::open(path).map_err(|reason| not_read(&reason))?;
                let mut magic = Vec::new();
                file.by_ref().take(4).read_to_end(&mut magic).map_err(|reason| not_read(&reason))?;
                if ARCHIVE_MAGIC.contains(&&magic[..]) {
                    return archive(path);
                }
                read_at_most(&mut io::Cursor::new(magic).chain(file), FILE_BYTES_MAX)
            }
        };
        let too_large = || not_read(&io::Error::from(io::ErrorKind::FileTooLarge));
        let bytes = bytes.map_err(|reason| not_read(&reason))?.ok_or_else(too_large)?;
        let package = if is_stream(path) { None } else { package_around(path) };
        Ok(Self::Picture { bytes, package })
    }
}

fn not_read(path: &Path, reason: &io::Error, help: &str) -> Failure {
    let fault =
        Fault::new("verify.not_read", format!("cannot be read: {}", why_unread(reason))).at(path.display().to_string());
    Failure::new(Exit::Input, fault.help(help))
}

/// The text of a provenance in a file.
///
/// # Errors
/// `verify.not_read`.
pub(super) fn read_provenance(path: &Path) -> Result<Vec<u8>, Failure> {
    let help = "save what GET /api/v1/renders/ID/provenance answers, and give its path";
    std::fs::read(path).map_err(|reason| not_read(path, &reason, help))
}

/// The archive of a package. A series in a zip is a file of a package, and no package.
fn archive(path: &Path) -> Result<Subject, Failure> {
    let damaged = |reason: &dyn std::fmt::Display| {
        let message = format!("the archive cannot be read: {reason}");
        let fault = Fault::new("verify.not_read", message).at(path.display().to_string());
        Failure::new(Exit::Input, fault.help("download the archive again"))
    };
    let file = File::open(path).map_err(|reason| damaged(&why_unread(&reason)))?;
    let archive = ZipArchive::new(BufReader::new(file)).map_err(|reason| damaged(&reason))?;
    if archive.index_for_name(MANIFEST).is_none() {
        return Err(no_manifest(path));
    }
    Ok(Subject::Package(Files::Archive(Box::new(archive))))
}

fn no_manifest(path: &Path) -> Failure {
    let message = format!("this is no package: it has no {MANIFEST}");
    let fault = Fault::new("verify.no_manifest", message).at(path.display().to_string());
    let help = "give a package's archive.zip as the service sends it, the folder that it was unpacked into, or one \
                picture";
    Failure::new(Exit::Input, fault.help(help))
}

/// A file that cannot be asked what made it.
pub(super) fn not_a_picture(path: &Path) -> Failure {
    let message = "this is neither a picture or movie that says what made it, nor a package";
    let fault = Fault::new("verify.not_a_picture", message).at(path.display().to_string());
    Failure::new(Exit::Input, fault.help("give a picture, a package's archive, or its unpacked folder"))
}

/// The package in whose folder a file lies, with its path there.
fn package_around(path: &Path) -> Option<(Files, String)> {
    let path = path.canonicalize().ok()?;
    let folder = path.ancestors().skip(1).find(|folder| folder.join(MANIFEST).is_file())?;
    let within = path.strip_prefix(folder).ok()?;
    Some((Files::Folder(folder.to_owned()), name_of(within)))
}

/// A path below a package's folder as its manifest writes it.
fn name_of(within: &Path) -> String {
    let segments: Vec<_> = within.iter().map(|segment| segment.to_string_lossy()).collect();
    in_manifest(segments.join("/"))
}

/// The form of a path in manifests. Some systems change how a name's accents are written.
fn in_manifest(name: String) -> String {
    name.parse().map_or(name, |path: RelativePath| path.to_string())
}

impl Files {
    /// The paths of everything but the manifest, sorted.
    ///
    /// # Errors
    /// `verify.not_read` when the folder cannot be listed.
    pub(super) fn paths(&self) -> Result<Vec<String>, Failure> {
        let mut found = Vec::new();
        match self {
            Self::Archive(archive) => {
                let names = archive.file_names_raw().map(|name| String::from_utf8_lossy(name).into_owned());
                found.extend(names.filter(|name| !name.ends_with('/')).map(in_manifest));
            }
            Self::Folder(folder) => list(folder, folder, &mut found).map_err(|reason| {
                let message = format!("the folder cannot be read: {}", why_unread(&reason));
                let fault = Fault::new("verify.not_read", message).at(folder.display().to_string());
                Failure::new(Exit::Input, fault.help("make it readable for the user who runs packshot"))
            })?,
        }
        found.retain(|name| name != MANIFEST);
        found.sort();
        Ok(found)
    }

    /// The bytes of a file.
    pub(super) fn read(&mut self, path: &str, bytes_max: u64) -> Result<Vec<u8>, Unread> {
        let bytes = match self {
            Self::Archive(archive) => match archive.by_name(path) {
                Ok(mut entry) => read_at_most(&mut entry, bytes_max),
                Err(ZipError::FileNotFound) => return Err(Unread::Missing),
                Err(reason) => return Err(Unread::Damaged(reason.to_string())),
            },
            Self::Folder(folder) => match File::open(folder.join(path)) {
                Ok(mut file) => read_at_most(&mut file, bytes_max),
                Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Err(Unread::Missing),
                Err(reason) => Err(reason),
            },
        };
        match bytes {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(Unread::TooLarge),
            Err(reason) => Err(Unread::Damaged(reason.to_string())),
        }
    }
}

/// The files below a folder; what links lead to is not followed.
fn list(folder: &Path, root: &Path, found: &mut Vec<String>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            list(&path, root, found)?;
        } else if let Ok(within) = path.strip_prefix(root) {
            found.push(name_of(within));
        }
    }
    Ok(())
}
