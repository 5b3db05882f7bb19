//! A backup becomes an installation again.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::archive::{self, Entry, Manifest};
use super::backup::Summary;
use super::{AdminError, local_store};
use crate::config::Settings;
use crate::server::app::DATABASE_FILE;
use crate::server::lock::DataFolder;
use crate::store::IDENTITY_FILE;

/// The folder of the stored files, in a backup and in a store.
const OBJECTS: &str = "objects";

/// Restores a backup into a data folder, and a folder of files, without an installation. Everything is written aside
/// first, and every file is compared with the hash in the backup's list; then the files are put in their place, and the
/// database last. So a restore that was interrupted leaves no installation behind.
///
/// # Errors
/// When database or files are to be elsewhere, a folder is in use or not empty, or the backup is damaged.
pub fn restore(settings: &Settings, backup: &Path) -> Result<Summary, AdminError> {
    let store = local_store(settings)?;
    let file = File::open(backup).map_err(|source| AdminError::NotRead { path: backup.to_owned(), source })?;
    let mut zip = ZipArchive::new(file)
        .map_err(|reason| AdminError::Damaged(format!("it is not a zip file, or is cut off ({reason})")))?;
    let manifest = manifest(&mut zip)?;
    let folder = DataFolder::open(&settings.data)?;
    // SQLite would take the log of another database for that of this one.
    let leftover = ["", "-wal", "-shm", "-journal"].map(|end| folder.path().join(format!("{DATABASE_FILE}{end}")));
    if leftover.iter().any(|path| path.exists()) {
        return Err(AdminError::NotEmpty(folder.path().to_owned()));
    }
    if [OBJECTS, IDENTITY_FILE].iter().any(|name| store.join(name).exists()) {
        return Err(AdminError::NotEmpty(store));
    }
    std::fs::create_dir_all(&store).map_err(AdminError::io(&store))?;
    let (database, files): (Vec<_>, Vec<_>) = manifest.files.iter().partition(|file| file.path == DATABASE_FILE);
    let [database] = database[..] else { return Err(AdminError::Damaged("there is no database in it".to_owned())) };
    // Within the folders that the parts go to, so that they only have to be renamed.
    let aside = tempfile::Builder::new().prefix(".restore-").tempdir_in(&store).map_err(AdminError::io(&store))?;
    let mut folders = BTreeSet::from([aside.path().to_owned()]);
    for entry in files {
        let path = extract(&mut zip, entry, aside.path(), &entry.path)?;
        folders.extend(path.ancestors().skip(1).take_while(|above| *above != aside.path()).map(Path::to_owned));
    }
    let scratch = tempfile::Builder::new().prefix(".restore-").tempdir_in(folder.path());
    let scratch = scratch.map_err(AdminError::io(folder.path()))?;
    let database = extract(&mut zip, database, scratch.path(), DATABASE_FILE)?;
    for path in &folders {
        sync(path)?;
    }
    for name in [OBJECTS, IDENTITY_FILE] {
        let (restored, target) = (aside.path().join(name), store.join(name));
        if restored.exists() {
            std::fs::rename(restored, &target).map_err(AdminError::io(&target))?;
        }
    }
    // The folder may be new itself.
    store.ancestors().take(2).filter(|above| !above.as_os_str().is_empty()).try_for_each(sync)?;
    let target = folder.path().join(DATABASE_FILE);
    std::fs::rename(database, &target).map_err(AdminError::io(&target))?;
    folder.confine_database()?;
    sync(folder.path())?;
    let size_bytes = manifest.files.iter().map(|file| file.size_bytes).sum();
    Ok(Summary { files: manifest.files.len(), size_bytes })
}

fn manifest(zip: &mut ZipArchive<File>) -> Result<Manifest, AdminError> {
    let damaged = |reason: String| AdminError::Damaged(reason);
    let list = zip.by_name(archive::MANIFEST).map_err(|_| damaged("it is not a Packshot backup".to_owned()))?;
    let mut text = Vec::new();
    let read = list.take(archive::MANIFEST_BYTES_MAX).read_to_end(&mut text);
    read.map_err(|reason| damaged(format!("its list of files cannot be read: {reason}")))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|reason| damaged(format!("its list of files cannot be read: {reason}")))?;
    if manifest.version != archive::VERSION {
        return Err(damaged(format!(
            "it has version {}, but this program reads version {}",
            manifest.version,
            archive::VERSION
        )));
    }
    let is_known = |path: &str| {
        let is_object = path.starts_with("objects/") && archive::is_inside(path);
        [DATABASE_FILE, IDENTITY_FILE].contains(&path) || is_object
    };
    match manifest.files.iter().find(|file| !is_known(&file.path)) {
        Some(file) => Err(damaged(format!("it lists a file that does not belong in a backup: {:?}", file.path))),
        None => Ok(manifest),
    }
}

/// Writes a file of the backup as `name` below `folder`, when it is what the list says.
fn extract(zip: &mut ZipArchive<File>, entry: &Entry, folder: &Path, name: &str) -> Result<PathBuf, AdminError> {
    let damaged = |what: &str| AdminError::Damaged(format!("{}: {what}", entry.path));
    let target = folder.join(name);
    if let Some(parent) = target.parent() {
        std::fs::create_dir_all(parent).map_err(AdminError::io(parent))?;
    }
    let source = zip.by_name(&entry.path).map_err(|_| damaged("it is missing"))?;
    let mut file = File::create(&target).map_err(AdminError::io(&target))?;
    // One byte more than it should have is enough to know that it is not the file.
    let (size_bytes, blake3) = archive::copy(&mut source.take(entry.size_bytes.saturating_add(1)), &mut file)
        .map_err(|reason| damaged(&reason.to_string()))?;
    if size_bytes != entry.size_bytes || blake3 != entry.blake3 {
        return Err(damaged("its content has changed since the backup"));
    }
    file.sync_all().map_err(AdminError::io(&target))?;
    Ok(target)
}

fn sync(folder: &Path) -> Result<(), AdminError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(AdminError::io(folder))
}
