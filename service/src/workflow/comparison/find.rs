//! Where the outputs of both sides are: in the store, by the address that was recorded with them; without one, below
//! the folder `uploads` of the data folder, as systems before this one kept them (workflow.md §8).

use std::io;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;

use super::CompareError;
use crate::objects::{self, ObjectError};
use crate::store::Store;
use packshot_db::workflows::{Observation, Output, Run, RunContext};
use packshot_db::{Db, TenantScope};

/// The folder, in the data folder.
const UPLOADS: &str = "uploads";

/// An output, or where it was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundFile {
    /// Its name.
    pub(super) path: Option<String>,
    /// Its content; `None` if it is not there.
    pub(super) bytes: Option<Bytes>,
}

/// Where outputs may be.
#[derive(Clone, Copy)]
pub(super) struct Places<'p> {
    pub(super) db: &'p Db,
    pub(super) store: &'p Store,
    pub(super) uploads: Uploads<'p>,
}

/// Files below the folder `uploads`.
#[derive(Clone, Copy)]
pub(super) struct Uploads<'p> {
    /// The data folder, from which names begin.
    pub(super) data: &'p Path,
    /// A larger file is no output.
    pub(super) bytes_max: u64,
}

impl Places<'_> {
    /// The output that counts, and the observer's.
    pub(super) async fn both(self, scope: TenantScope, seen: &Observation) -> Result<[FoundFile; 2], CompareError> {
        let authoritative = match &seen.authoritative {
            Some(recorded) => self.stored(scope, recorded).await?,
            None => self.uploads.find(seen.result_path.iter().cloned().collect()),
        };
        let observer = match &seen.observer {
            Some(recorded) => self.stored(scope, recorded).await?,
            None => self.uploads.find(names_of_observer(&seen.run, seen.result_path.as_deref())),
        };
        Ok([authoritative, observer])
    }

    async fn stored(self, scope: TenantScope, recorded: &Output) -> Result<FoundFile, CompareError> {
        let bytes = match objects::read(self.db, self.store, scope, &recorded.address).await {
            Ok(bytes) => Some(bytes),
            Err(ObjectError::Gone | ObjectError::Damaged { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(FoundFile { path: Some(recorded.path.clone()), bytes })
    }
}

impl Uploads<'_> {
    /// The first of these files that is there; else the name of the first.
    fn find(self, names: Vec<String>) -> FoundFile {
        for name in &names {
            if let Some(bytes) = self.place(name).and_then(|path| read(&path, self.bytes_max)) {
                return FoundFile { path: Some(name.clone()), bytes: Some(bytes) };
            }
        }
        FoundFile { path: names.into_iter().next(), bytes: None }
    }

    /// Whether a file is there.
    pub(super) fn has(self, name: &str) -> bool {
        self.place(name).is_some_and(|path| path.is_file())
    }

    /// The place of a file. A name that leads out of the folder, also by a link, names nothing.
    fn place(self, name: &str) -> Option<PathBuf> {
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        let path = Path::new(name);
        if !path.components().all(is_plain) {
            return None;
        }
        let folder = self.data.join(UPLOADS).canonicalize().ok()?;
        let path = self.data.join(path).canonicalize().ok()?;
        path.starts_with(&folder).then_some(path)
    }
}

/// Where the observer's output may be: beside the one that counts, then where pictures of lines were kept.
fn names_of_observer(run: &Run, result_path: Option<&str>) -> Vec<String> {
    let suffix = format!("shadow-{}", run.id.short());
    let beside = result_path.map(|path| {
        let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let slash = if folder.is_empty() { "" } else { "/" };
        format!("{folder}{slash}{stem}_{suffix}.png")
    });
    let kept = match run.context {
        RunContext::Line(line) => Some(format!("{UPLOADS}/step_files/renders/line_{line}_{suffix}.png")),
        RunContext::File(_) => None,
    };
    beside.into_iter().chain(kept).collect()
}

fn read(path: &Path, bytes_max: u64) -> Option<Bytes> {
    path.metadata().ok().filter(|found| found.is_file() && found.len() <= bytes_max)?;
    let cannot = |reason: &io::Error| tracing::warn!(path = %path.display(), "cannot be read: {reason}");
    std::fs::read(path).map(Bytes::from).inspect_err(cannot).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w29_names_that_lead_out_of_the_folder_name_nothing() {
        let data = tempfile::tempdir().expect("a folder");
        let uploads = data.path().join(UPLOADS);
        std::fs::create_dir_all(uploads.join("a")).expect("a folder");
        std::fs::write(uploads.join("a/x.png"), b"x").expect("written");
        std::fs::write(data.path().join("secret"), b"s").expect("written");
        #[cfg(unix)]
        std::os::unix::fs::symlink(data.path().join("secret"), uploads.join("link.png")).expect("a link");
        let places = Uploads { data: data.path(), bytes_max: 10 };
        assert_eq!(places.find(vec!["uploads/a/x.png".to_owned()]).bytes.as_deref(), Some(&b"x"[..]));
        for name in ["secret", "uploads/../secret", "/etc/hostname", "uploads/link.png", "uploads/none.png", ""] {
            assert_eq!(places.find(vec![name.to_owned()]).bytes, None, "{name}");
            assert!(!places.has(name), "{name}");
        }
        let small = Uploads { bytes_max: 0, ..places };
        assert_eq!(small.find(vec!["uploads/a/x.png".to_owned()]).bytes, None, "it is too large");
    }
}
