//! Files that a shot refers to.

use std::io;

use packshot_json::{FaultKind, Members};
use packshot_words::why_unread;

use crate::error::{Error, ErrorKind, Fault};

/// A reference to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReference {
    /// As spelled in the shot: relative to the shot's folder, with `/`.
    pub path: String,
    /// BLAKE3 of its bytes, 64 lower-case hexadecimal digits.
    pub blake3: String,
}

impl FileReference {
    /// A reference to a file with these bytes.
    pub fn new(path: impl Into<String>, bytes: &[u8]) -> Self {
        Self { path: path.into(), blake3: blake3::hash(bytes).to_hex().to_string() }
    }
}

/// Opens the file at a path as spelled in the shot.
pub(super) type Open<'a> = &'a mut dyn FnMut(&str) -> io::Result<Vec<u8>>;

/// A file referred to by a member, not opened yet.
#[derive(Clone, Debug)]
pub(super) struct NamedFile {
    pub(super) path: String,
    /// The pointer of its path.
    pub(super) at: String,
    blake3: Option<String>,
}

impl NamedFile {
    /// The members `path` and `blake3` of an object.
    pub(super) fn read(members: &mut Members<'_>, suffixes: &[&str]) -> Option<Self> {
        let path = members.require("path").and_then(|node| {
            let path = node.string()?;
            let lower = path.to_ascii_lowercase();
            if !suffixes.iter().any(|suffix| lower.ends_with(suffix)) {
                return node.refuse(FaultKind::Range, format!("expected a file ending in {}", suffixes.join(" or ")));
            }
            Some((path.to_owned(), node.at()))
        });
        let blake3 = members.read_or("blake3", None, |node| node.string().map(|digest| Some(digest.to_owned())));
        let (path, at) = path?;
        Some(Self { path, at, blake3: blake3? })
    }

    /// Its bytes.
    pub(super) fn load(&self, open: Open<'_>) -> Result<(Vec<u8>, FileReference), Error> {
        let refused = |fault: Fault| Error::new(ErrorKind::Input, fault.at(&self.at));
        let bytes = open(&self.path).map_err(|reason| {
            let message = format!("{:?} cannot be read: {}", self.path, why_unread(&reason));
            let fault = Fault::new("shot.file_missing", message);
            refused(fault.help("paths are relative to the folder in which the shot file lies"))
        })?;
        let reference = FileReference::new(&self.path, &bytes);
        self.check(&reference)?;
        Ok((bytes, reference))
    }

    /// Fails if the file differs from the one that the shot refers to.
    pub(super) fn check(&self, reference: &FileReference) -> Result<(), Error> {
        if self.blake3.as_ref().is_some_and(|expected| !expected.eq_ignore_ascii_case(&reference.blake3)) {
            let found = &reference.blake3;
            let message = format!("{:?} is not the file that the shot was made with: its BLAKE3 is {found}", self.path);
            let help = "restore the original file, or remove `blake3` to accept the new one";
            let fault = Fault::new("shot.file_changed", message).at(&self.at).help(help);
            return Err(Error::new(ErrorKind::Input, fault));
        }
        Ok(())
    }
}
