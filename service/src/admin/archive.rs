//! What a backup looks like: a zip file with the database, every stored file under its address, the file that says
//! whose store it was, and a list of all with their hashes, so that damage is found when the backup is restored, not
//! later.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

/// The name of the list in the archive.
pub(super) const MANIFEST: &str = "packshot-backup.json";
/// The version of this layout.
pub(super) const VERSION: u32 = 1;
/// The most bytes of a list that is read.
pub(super) const MANIFEST_BYTES_MAX: u64 = 1 << 30;

/// What is in a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// [`VERSION`].
    pub(super) version: u32,
    /// The program that wrote it.
    pub(super) written_by: String,
    /// Every file.
    pub(super) files: Vec<Entry>,
}

/// One file of a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its path, relative to the data folder, with `/`.
    pub(super) path: String,
    pub(super) size_bytes: u64,
    /// BLAKE3, 64 hexadecimal digits.
    pub(super) blake3: String,
}

/// Copies all of `source`; size and hash of what was copied.
pub(super) fn copy(source: &mut impl Read, target: &mut impl Write) -> io::Result<(u64, String)> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let n = source.read(&mut buffer)?;
        if n == 0 {
            return Ok((size, hasher.finalize().to_hex().to_string()));
        }
        hasher.update(&buffer[..n]);
        target.write_all(&buffer[..n])?;
        size += n as u64;
    }
}

/// Whether a path stays inside of the folder that it is joined to, whatever a damaged or forged list says.
pub(super) fn is_inside(path: &str) -> bool {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
    path.split('/').all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for path in ["packshot.db", "objects/a/00/11"] {
            assert!(is_inside(path), "{path}");
        }
        for path in ["", "/etc/passwd", "../x", "objects/../../x", "a//b", "C:/x", "a\\b", "."] {
            assert!(!is_inside(path), "{path}");
        }
    }
}
