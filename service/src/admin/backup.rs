//! A backup of an installation, also while it runs.
//!
//! First a consistent copy of the database, then the stored files. Files never change, and each is in the store before
//! the database knows of it, so every file that the copy names exists, unless it has expired since.

use std::fs::File;
use std::path::{Path, PathBuf};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::archive::{self, Entry, Manifest};
use super::{AdminError, local_store};
use crate::config::Settings;
use crate::server::app::DATABASE_FILE;
use crate::store::IDENTITY_FILE;
use packshot_db::Db;

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Files, the database among them.
    pub files: usize,
    /// Their size.
    pub size_bytes: u64,
}

/// Writes a backup of the database and all stored files to `output`: whole, or not at all.
///
/// # Errors
/// When database or files are not in the data folder, or something cannot be read or written.
pub async fn backup(settings: &Settings, output: &Path) -> Result<Summary, AdminError> {
    let store = local_store(settings)?;
    let folder = match output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    // A temporary folder would name itself in this error.
    std::fs::metadata(&folder).map_err(AdminError::io(&folder))?;
    let scratch = tempfile::tempdir_in(&folder).map_err(AdminError::io(&folder))?;
    let database = scratch.path().join(DATABASE_FILE);
    let installed = settings.data.join(DATABASE_FILE);
    if !installed.exists() {
        return Err(AdminError::NoInstallation(settings.data.clone()));
    }
    // The service that runs may be of another version: its schema stays as it is.
    Db::copy(&installed, &database).await?;
    let output = output.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let written = write(&store, &database, &folder, &output);
        drop(scratch);
        written
    });
    written.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

fn write(store: &Path, database: &Path, folder: &Path, output: &Path) -> Result<Summary, AdminError> {
    let file = tempfile::Builder::new().prefix(".packshot-").suffix(".tmp").tempfile_in(folder);
    let file = file.map_err(AdminError::io(folder))?;
    let mut zip = ZipWriter::new(file);
    let mut files = vec![add(&mut zip, database, DATABASE_FILE.to_owned())?];
    // The database names the store, which has its name since before that.
    let identity = (store.join(IDENTITY_FILE), IDENTITY_FILE.to_owned());
    for (path, name) in std::iter::once(identity).chain(objects(&store.join("objects"))?) {
        match add(&mut zip, &path, name) {
            // Swept since it was listed: nothing referred to it. Or no service has started with the store yet.
            Err(AdminError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            added => files.push(added?),
        }
    }
    let summary = Summary { files: files.len(), size_bytes: files.iter().map(|file| file.size_bytes).sum() };
    let written_by = concat!("packshot ", env!("CARGO_PKG_VERSION")).to_owned();
    let manifest = Manifest { version: archive::VERSION, written_by, files };
    let failed = |reason: std::io::Error| AdminError::Io { path: output.to_owned(), source: reason };
    zip.start_file(archive::MANIFEST, options()).map_err(|reason| failed(reason.into()))?;
    serde_json::to_writer(&mut zip, &manifest).map_err(|reason| failed(reason.into()))?;
    let file = zip.finish().map_err(|reason| failed(reason.into()))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(output).map_err(|error| failed(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(summary)
}

/// Pictures and GLBs are packed already, so files are only put one after the other.
fn options() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored).large_file(true)
}

fn add(zip: &mut ZipWriter<tempfile::NamedTempFile>, path: &Path, name: String) -> Result<Entry, AdminError> {
    let mut file = File::open(path).map_err(AdminError::io(path))?;
    zip.start_file(&*name, options())
        .map_err(|reason| AdminError::Io { path: path.to_owned(), source: reason.into() })?;
    let (size_bytes, blake3) = archive::copy(&mut file, zip).map_err(AdminError::io(path))?;
    Ok(Entry { path: name, size_bytes, blake3 })
}

/// Every stored file with its path in the data folder, in a fixed order.
fn objects(root: &Path) -> Result<Vec<(PathBuf, String)>, AdminError> {
    let mut found = Vec::new();
    let mut folders = vec![(root.to_owned(), "objects".to_owned())];
    while let Some((folder, name)) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            // Nothing was stored yet.
            Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => continue,
            Err(reason) => return Err(AdminError::Io { path: folder, source: reason }),
        };
        for entry in entries {
            let entry = entry.map_err(AdminError::io(&folder))?;
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(AdminError::io(&entry.path()))?;
            match () {
                () if kind.is_dir() => folders.push((entry.path(), name)),
                () if kind.is_file() && is_object(&name) => found.push((entry.path(), name)),
                () => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

/// `objects/<tenant>/<2 digits>/<62 digits>`: everything else is a file on its way.
fn is_object(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    let is_hex = |text: &str, len: usize| text.len() == len && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    matches!(parts[..], ["objects", _, folder, file] if is_hex(folder, 2) && is_hex(file, 62))
}
