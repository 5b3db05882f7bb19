//! Files that can be made again at any time, such as thumbnails: on the local disk, for each tenant, by what they are
//! made of. One may vanish whenever it likes, and one that is damaged counts as vanished.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tempfile::NamedTempFile;

use super::{Store, StoreError, blocking};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::TenantId;

/// The folder, beside that of uploads.
const FOLDER: &str = "cache";
/// Bytes that all of them may have after a sweep.
const BYTES_MAX: u64 = 1 << 30;
/// How long one is kept that nobody asks for.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// What is asked for is marked as used when it was last marked this long ago.
const MARKED_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes of the hash that precedes the content.
const HASH_BYTES: usize = 32;

impl Store {
    /// What was kept under a name, if it is still there.
    pub async fn cached(&self, tenant: TenantId, name: &ContentAddress) -> Option<Bytes> {
        let path = self.cache_path(tenant, name);
        blocking(move || load(&path)).await.ok().flatten()
    }

    /// Keeps something under the name of what it is made of. That it cannot be kept does no harm.
    pub async fn cache(&self, tenant: TenantId, name: &ContentAddress, bytes: Bytes) {
        let path = self.cache_path(tenant, name);
        let kept = blocking(move || keep(&path, &bytes)).await;
        if let Ok(Err(reason)) = kept {
            tracing::warn!("a file of the cache cannot be kept: {reason}");
        }
    }

    /// Removes what nobody asks for, and the longest unused of what is too much.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the process ends.
    pub async fn sweep_cache(&self) -> Result<(), StoreError> {
        let root = self.cache_root();
        blocking(move || sweep(&root, BYTES_MAX)).await
    }

    /// Removes all that is kept for a tenant.
    pub(super) async fn forget_cached(&self, tenant: TenantId) -> Result<(), StoreError> {
        match tokio::fs::remove_dir_all(self.cache_root().join(tenant.to_string())).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Where all of them are.
    pub fn cache_root(&self) -> PathBuf {
        self.inner.spools.with_file_name(FOLDER)
    }

    fn cache_path(&self, tenant: TenantId, name: &ContentAddress) -> PathBuf {
        let hex = name.hex();
        let (folder, rest) = hex.split_at(2);
        self.cache_root().join(tenant.to_string()).join(folder).join(rest)
    }
}

fn load(path: &Path) -> Option<Bytes> {
    let bytes = Bytes::from(fs::read(path).ok()?);
    let (hash, content) = bytes.split_first_chunk::<HASH_BYTES>()?;
    if ContentAddress::of(content).hash() != hash {
        return None;
    }
    mark(path);
    Some(bytes.slice(HASH_BYTES..))
}

/// Notes that a file was used. A sweep that does not know it only removes it earlier.
fn mark(path: &Path) {
    let used = fs::metadata(path).and_then(|about| about.modified());
    if used.is_ok_and(|used| used.elapsed().is_ok_and(|age| age > MARKED_EVERY)) {
        let marked = File::options().write(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
        if let Err(reason) = marked {
            tracing::debug!("a file of the cache cannot be marked as used: {reason}");
        }
    }
}

fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(ContentAddress::of(bytes).hash())?;
    file.write_all(bytes)?;
    file.persist(path).map(drop).map_err(|refused| refused.error)
}

/// A file with its size, and when it was last used.
type Found = (SystemTime, u64, PathBuf);

fn sweep(root: &Path, bytes_max: u64) {
    let mut found = Vec::new();
    collect(root, &mut found);
    found.sort();
    let mut left: u64 = found.iter().map(|(_, size_bytes, _)| size_bytes).sum();
    for (used, size_bytes, path) in found {
        let is_old = used.elapsed().is_ok_and(|age| age > KEPT);
        if !is_old && left <= bytes_max {
            break;
        }
        left -= size_bytes;
        if let Err(reason) = fs::remove_file(&path) {
            tracing::debug!("{} cannot be removed: {reason}", path.display());
        }
    }
}

fn collect(folder: &Path, found: &mut Vec<Found>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        match entry.metadata() {
            Ok(about) if about.is_dir() => collect(&entry.path(), found),
            Ok(about) => {
                found.push((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), about.len(), entry.path()));
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m33_the_longest_unused_go_first_and_damage_counts_as_gone() {
        let root = tempfile::tempdir().expect("a folder");
        let path = |name: &str| root.path().join("tenant/aa").join(name);
        for (name, age_s) in [("new", 0), ("older", 100), ("oldest", 200)] {
            keep(&path(name), &[7; 100]).expect("kept");
            let file = File::options().write(true).open(path(name)).expect("there");
            file.set_modified(SystemTime::now() - Duration::from_secs(age_s)).expect("marked");
        }
        assert_eq!(load(&path("older")).as_deref(), Some(&[7; 100][..]));
        sweep(root.path(), 300);
        let there = |name: &str| load(&path(name)).is_some();
        assert_eq!(["new", "older", "oldest"].map(there), [true, true, false]);
        let old = File::options().write(true).open(path("older")).expect("there");
        old.set_modified(SystemTime::now() - KEPT - Duration::from_secs(60)).expect("marked");
        sweep(root.path(), 300);
        assert_eq!(["new", "older"].map(there), [true, false]);
        let mut bytes = fs::read(path("new")).expect("there");
        bytes[50] ^= 1;
        fs::write(path("new"), bytes).expect("damaged");
        assert!(!there("new"));
    }
}
