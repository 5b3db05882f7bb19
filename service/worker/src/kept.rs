//! Finished pictures of a series, kept until its job has ended, so that another attempt can resume after them.
//!
//! Each job has a folder of its own in the scratch folder, and in it one for each of its series: a list of the finished
//! pictures, as the command keeps one beside its frames, and their files, named by the BLAKE3 of their bytes. An
//! incomplete picture is not reused, nor one of another request, program or device. The folder is removed when the job
//! ends. It is optional: if it cannot be written, the series is made without it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use packshot_pipeline::finished::{Finished, Pace};
use packshot_pipeline::verify::Check;
use packshot_renderer::digest::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::device::Device;
use super::made_with::Program;
use super::protocol::RenderInput;
use packshot_domain::id::RenderId;

const PREFIX: &str = "series-";
const LIST: &str = "finished.json";
const SCHEMA: &str = "packshot-series/1";

/// A finished picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Picture {
    /// Mean samples per pixel.
    pub(super) samples_mean: f64,
    /// The noise that is left, where that is known.
    pub(super) noise: Option<f64>,
    /// Rays that it took.
    pub(super) rays: u64,
    /// What computed it.
    pub(super) device: Value,
    /// Its measurements, if there is a preset.
    pub(super) measured: Measured,
    /// Its outputs.
    parts: Vec<Part>,
}

/// A picture held against the rules of a preset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Measured {
    /// The share of the picture that the product takes in its tighter direction.
    pub(super) fill: f64,
    /// Checks of each of its files, by name.
    pub(super) checks: Vec<(String, Vec<Check>)>,
}

/// An output of a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Part {
    what: What,
    blake3: String,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// A file of the job.
    File {
        /// Its name.
        name: String,
        /// Its format.
        format: String,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// A PNG for the archive.
    Archived,
    /// A frame of a movie, as a PNG of so many bits.
    Frame(u8),
    /// The picture as a preview.
    Preview {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
}

/// A finished picture with the bytes of its outputs.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub(super) picture: Picture,
    pub(super) parts: Vec<(What, Bytes)>,
}

impl Picture {
    /// A picture without outputs.
    pub(super) const fn new(
        samples_mean: f64,
        noise: Option<f64>,
        rays: u64,
        device: Value,
        measured: Measured,
    ) -> Self {
        Self { samples_mean, noise, rays, device, measured, parts: Vec::new() }
    }
}

/// Finished pictures of earlier attempts.
#[derive(Debug, Default)]
pub(super) struct Found {
    folder: PathBuf,
    list: Option<Finished<Picture>>,
}

/// Where this attempt keeps its finished pictures.
#[derive(Debug, Default)]
pub(super) struct Keeper(Option<Open>);

#[derive(Debug)]
struct Open {
    folder: PathBuf,
    list: Finished<Picture>,
    pace: Pace,
    /// Locked until this attempt is over, however it ends.
    _claim: Option<File>,
}

/// The digest of everything that determines the pictures of a job.
pub(super) fn request(program: Program, input: &RenderInput, device: &Device) -> String {
    let mut digest = Digest::default();
    digest.mix("program", &(program.version, program.commit));
    digest.mix("library", packshot_materials::library::Library::builtin().digest());
    let about = device.renderer.device();
    digest.mix("device", &(about.kind, &about.name, &about.backend));
    digest.mix("input", input);
    digest.finish()
}

/// Opens the kept pictures of a job's series of `n` pictures, which `request` determines. A job may have several
/// series, one after the other: `of` says which this one is.
pub(super) fn open(scratch: &Path, (render, of): (RenderId, &str), request: &str, n: u32) -> (Found, Keeper) {
    let folder = folder_of(scratch, render).join(of);
    match claim(&folder) {
        Ok(claim) => {
            let list = fs::read(folder.join(LIST)).ok();
            let list = list.and_then(|text| Finished::read(&text, SCHEMA, request, n).ok());
            if list.is_none() {
                // Files that are not listed are left over, and entries that do not match are useless.
                clear(&folder);
            }
            let own = list.clone().unwrap_or_else(|| Finished::new(SCHEMA, request, n));
            let open = Open { folder: folder.clone(), list: own, pace: Pace::default(), _claim: claim };
            (Found { folder, list }, Keeper(Some(open)))
        }
        Err(reason) => {
            tracing::warn!("finished pictures cannot be kept in {}: {reason}", folder.display());
            (Found { folder, list: None }, Keeper(None))
        }
    }
}

/// Makes the folder, and locks it. An attempt that was given up may still be at work there.
fn claim(folder: &Path) -> io::Result<Option<File>> {
    fs::create_dir_all(folder)?;
    // Not every system can open a folder.
    let Ok(file) = File::open(folder) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another attempt works there")),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let _stays = fs::remove_file(entry.path());
    }
}

impl Found {
    /// How many pictures are listed.
    pub(super) fn n(&self) -> usize {
        self.list.as_ref().map_or(0, Finished::n)
    }

    /// A picture, if it is finished and all its outputs are intact.
    pub(super) fn picture(&self, number: u32) -> Option<Whole> {
        let picture = self.list.as_ref()?.get(number)?.clone();
        let read = |part: &Part| {
            let bytes = fs::read(self.folder.join(&part.blake3)).ok()?;
            (blake3_of(&bytes) == part.blake3).then(|| (part.what.clone(), bytes.into()))
        };
        let parts: Option<Vec<(What, Bytes)>> = picture.parts.iter().map(read).collect();
        Some(Whole { parts: parts?, picture })
    }
}

impl Keeper {
    /// Keeps a picture. If that fails, nothing more is kept, to leave room on the disk for the job's own files.
    pub(super) fn keep(&mut self, number: u32, picture: Picture, parts: &[(What, Bytes)]) {
        let Some(open) = &mut self.0 else { return };
        if let Err(reason) = open.keep(number, picture, parts) {
            tracing::warn!("finished pictures are no longer kept in {}: {reason}", open.folder.display());
            self.give_up();
        }
    }

    /// Keeps nothing more, and drops what there is: another attempt starts from the beginning.
    pub(super) fn give_up(&mut self) {
        if let Some(open) = self.0.take() {
            let folder = open.folder.clone();
            drop(open);
            clear(&folder);
        }
    }

    /// Whether anything is kept.
    pub(super) const fn is_open(&self) -> bool {
        self.0.is_some()
    }
}

impl Open {
    fn keep(&mut self, number: u32, mut picture: Picture, parts: &[(What, Bytes)]) -> io::Result<()> {
        for (what, bytes) in parts {
            let blake3 = blake3_of(bytes);
            write(&self.folder, &self.folder.join(&blake3), bytes)?;
            picture.parts.push(Part { what: what.clone(), blake3 });
        }
        self.list.insert(number, picture);
        if self.pace.is_due() { self.save() } else { Ok(()) }
    }

    fn save(&mut self) -> io::Result<()> {
        let text = self.list.to_json()?;
        write(&self.folder, &self.folder.join(LIST), text.as_bytes())?;
        self.pace.written();
        Ok(())
    }
}

impl Drop for Open {
    /// Finished pictures stay, however the attempt ends.
    fn drop(&mut self) {
        if self.list.n() > 0 && self.folder.is_dir() {
            let _is_an_aid = self.save();
        }
    }
}

/// A file appears whole or not at all. It need not survive a power cut: what is read is compared with its digest.
fn write(folder: &Path, place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(place)?;
    Ok(())
}

fn blake3_of(bytes: &[u8]) -> String {
    packshot_domain::hash::ContentAddress::of(bytes).hex()
}

fn folder_of(scratch: &Path, render: RenderId) -> PathBuf {
    scratch.join(format!("{PREFIX}{render}"))
}

/// The jobs with kept pictures in a scratch folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn jobs(scratch: &Path) -> io::Result<Vec<RenderId>> {
    let entries = match fs::read_dir(scratch) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.strip_prefix(PREFIX)?.parse().ok()).collect())
}

/// Removes the kept pictures of a job that has ended.
///
/// # Errors
/// When something cannot be removed.
pub fn forget(scratch: &Path, render: RenderId) -> io::Result<()> {
    match fs::remove_dir_all(folder_of(scratch, render)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A series of a job.
    const OF: &str = "views";

    fn picture() -> Picture {
        Picture::new(16.0, Some(0.01), 1000, Value::from("a device"), Measured::default())
    }

    fn file(name: &str) -> What {
        What::File { name: name.to_owned(), format: "png".to_owned(), width: 4, height: 3 }
    }

    #[test]
    fn another_attempt_finds_what_is_whole() {
        let scratch = tempfile::tempdir().expect("a folder");
        let render = RenderId::new();
        let (found, mut keeper) = open(scratch.path(), (render, OF), "a", 4);
        assert_eq!(found.n(), 0);
        let parts = [(file("0.png"), Bytes::from_static(b"zero")), (What::Frame(8), Bytes::from_static(b"frame"))];
        keeper.keep(0, picture(), &parts);
        keeper.keep(1, picture(), &[(file("1.png"), Bytes::from_static(b"one"))]);
        let (_, second) = open(scratch.path(), (render, OF), "a", 4);
        assert!(!second.is_open(), "one attempt at a time");
        drop(keeper);

        let (found, keeper) = open(scratch.path(), (render, OF), "a", 4);
        assert_eq!((found.n(), found.picture(2).is_none()), (2, true));
        let whole = found.picture(0).expect("finished");
        assert_eq!(whole.parts, parts);
        drop(keeper);
        let of_one = folder_of(scratch.path(), render).join(OF).join(blake3_of(b"one"));
        fs::write(&of_one, b"on").expect("cut off");
        let (found, keeper) = open(scratch.path(), (render, OF), "a", 4);
        assert!(found.picture(0).is_some() && found.picture(1).is_none(), "half of a file is none");
        drop(keeper);
        fs::remove_file(&of_one).expect("gone");
        let (found, keeper) = open(scratch.path(), (render, OF), "a", 4);
        assert!(found.picture(1).is_none());
        drop(keeper);
        assert_eq!(jobs(scratch.path()).expect("read"), [render]);
        forget(scratch.path(), render).expect("gone");
        forget(scratch.path(), render).expect("as good as gone");
        assert_eq!(jobs(scratch.path()).expect("read"), []);
    }

    #[test]
    fn what_is_of_another_request_is_thrown_away() {
        let scratch = tempfile::tempdir().expect("a folder");
        let render = RenderId::new();
        let keep = |request: &str, n| {
            let (found, mut keeper) = open(scratch.path(), (render, OF), request, n);
            keeper.keep(0, picture(), &[(file("0.png"), Bytes::from(request.to_owned()))]);
            found.n()
        };
        assert_eq!((keep("a", 4), keep("b", 4), keep("b", 5), keep("b", 5)), (0, 0, 0, 1));
        let left = fs::read_dir(folder_of(scratch.path(), render).join(OF)).expect("there").count();
        assert_eq!(left, 2, "the list and one file");
        fs::write(folder_of(scratch.path(), render).join(OF).join(LIST), "{").expect("cut off");
        assert_eq!(keep("b", 5), 0);
        let (other, _) = open(scratch.path(), (RenderId::new(), OF), "b", 5);
        assert_eq!(other.n(), 0, "another job has its own");
        let (other, _) = open(scratch.path(), (render, "frames"), "b", 5);
        assert_eq!(other.n(), 0, "so has another series of the job");
    }

    #[test]
    fn a_folder_that_went_away_ends_no_job() {
        let scratch = tempfile::tempdir().expect("a folder");
        let render = RenderId::new();
        let (_, mut keeper) = open(scratch.path(), (render, OF), "a", 4);
        forget(scratch.path(), render).expect("gone");
        keeper.keep(0, picture(), &[(file("0.png"), Bytes::from_static(b"zero"))]);
        assert!(!keeper.is_open());
        drop(keeper);
        assert_eq!(jobs(scratch.path()).expect("read"), []);
    }
}
