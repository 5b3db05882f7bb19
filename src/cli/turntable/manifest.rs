//! What a folder of frames says of itself: which turntable they are of, and which of them are finished.
//!
//! A frame counts as finished when it is listed and its file has the listed hash. The list is written now and then
//! while frames are rendered, so that the end of a process by force costs a moment's frames; these are rendered again,
//! to the same bytes.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use packshot::error::Fault;
use packshot::picture::FileKind;
use packshot::verify::Check;
use packshot_pipeline::finished::{Finished, Other, Pace, digest_of};
use packshot_words::why_unread;
use serde::{Deserialize, Serialize};

use crate::cli::failure::{Exit, Failure};
use crate::cli::files;
use crate::cli::interrupt::Interrupt;

/// The file's name in the folder.
pub(super) const NAME: &str = "turntable.json";
const SCHEMA: &str = "packshot-turntable/1";
/// By how much a list grows at most until it is written again.
const GROWTH_BYTES: usize = 64 << 10;
/// Longest list that is read.
const BYTES_MAX: u64 = 256 << 20;

/// The list of a folder.
#[derive(Debug)]
pub(super) struct Manifest {
    path: PathBuf,
    list: Finished<Frame>,
    pace: Pace,
    /// Holds room on the disk for the next list: frames that fill the disk stay listed.
    room: Option<File>,
}

/// The name of a frame's file, without its extension.
pub(super) fn frame_name(number: u32) -> String {
    format!("frame_{number:04}")
}

/// A finished frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Frame {
    /// Of the bytes of its file.
    pub(super) blake3: String,
    /// The share of the picture that the product takes, where a preset asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fill: Option<f64>,
    /// How the frame keeps the rules of its preset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) checks: Vec<Check>,
}

impl Manifest {
    /// The list of `folder`, or a new one where there is none or it is to be replaced.
    ///
    /// # Errors
    /// `output.other_sequence` when it is of another turntable, or cannot be read.
    pub(super) fn open(folder: &Path, request: &str, frames: u32, overwrite: bool) -> Result<Self, Failure> {
        let path = folder.join(NAME);
        let found = match read(&path) {
            Ok(Some(found)) if overwrite => {
                remove_frames(folder, &found);
                None
            }
            _ if overwrite => None,
            found => found?,
        };
        let list = match found {
            None => Finished::new(SCHEMA, request, frames),
            // Of a turntable that was ended before its first frame.
            Some(found) if Finished::<Frame>::of_json(&found).is_ok_and(|list| list.n() == 0) => {
                Finished::new(SCHEMA, request, frames)
            }
            Some(found) => Finished::read(&found, SCHEMA, request, frames).map_err(|why| {
                let message = match why {
                    Other::Request => {
                        "the folder holds frames of another turntable: the product, its materials, the options, the device or this program \
                         have changed"
                    }
                    Other::Version => {
                        "the folder's turntable.json was written by another version of packshot, is damaged, or is something else"
                    }
                };
                other(&path, message)
            })?,
        };
        Ok(Self { path, list, pace: Pace::default(), room: None })
    }

    /// Refuses a folder without a list that has files of frames' names: somebody else made them, and they would be
    /// replaced, or stand among these frames.
    ///
    /// # Errors
    /// `output.other_sequence` when there is one.
    pub(super) fn refuse_others(&self) -> Result<(), Failure> {
        let Some(Ok(files)) = self.path.parent().filter(|_| !self.path.exists()).map(std::fs::read_dir) else {
            return Ok(());
        };
        let mut others: Vec<PathBuf> = files.flatten().map(|file| file.path()).filter(|file| is_frame(file)).collect();
        others.sort_unstable();
        let Some(first) = others.first() else { return Ok(()) };
        let message = "the folder has a file of this name already, and no turntable.json that lists it";
        let fault = Fault::new("output.other_sequence", message).at(first.display().to_string());
        let help = "choose another folder, or give --overwrite, which replaces files of frames' names";
        Err(Failure::new(Exit::Output, fault.help(help)))
    }

    /// How many frames are listed.
    pub(super) fn n_finished(&self) -> usize {
        self.list.n()
    }

    /// The frame, when it is finished and `file` is what it was.
    pub(super) fn kept(&self, number: u32, file: &Path) -> Option<Frame> {
        let frame = self.list.get(number)?;
        (of_file(file)? == frame.blake3).then(|| frame.clone())
    }

    /// Lists a frame whose file is in its place.
    pub(super) fn finish(&mut self, number: u32, frame: Frame, interrupt: &Interrupt) -> Result<(), Failure> {
        self.list.insert(number, frame);
        if self.pace.is_due() {
            let n_bytes = self.write(interrupt)?;
            let of_frame = n_bytes / self.list.n().max(1);
            self.room = room_beside(&self.path, n_bytes + (of_frame * self.list.n_left()).min(GROWTH_BYTES));
        }
        Ok(())
    }

    /// Writes the list once more, unless nothing is finished and nothing is there.
    pub(super) fn save(&mut self, interrupt: &Interrupt) -> Result<(), Failure> {
        if self.n_finished() == 0 && !self.path.exists() {
            return Ok(());
        }
        self.write(interrupt).map(drop)
    }

    /// Writes the list, in the room that was held for it. Returns its length in bytes.
    pub(super) fn write(&mut self, interrupt: &Interrupt) -> Result<usize, Failure> {
        let text = self.list.to_json();
        let text = text.map_err(|reason| Failure::new(Exit::Internal, Fault::new("internal", reason.to_string())))?;
        self.room = None;
        files::write_whole(&self.path, text.as_bytes(), interrupt)?;
        self.pace.written();
        Ok(text.len())
    }
}

/// Whether a file is named like a frame: `frame_0003.png`.
fn is_frame(file: &Path) -> bool {
    let number = file.file_stem().and_then(|stem| stem.to_str()?.strip_prefix("frame_"));
    number.is_some_and(|number| number.len() >= 4 && number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Removes the frames of a list that is about to be replaced, so that a folder holds those of one turntable. What is
/// not as the list says stays.
fn remove_frames(folder: &Path, list: &[u8]) {
    let Ok(list) = Finished::<Frame>::of_json(list) else { return };
    let extensions = FileKind::ALL.into_iter().flat_map(FileKind::extensions);
    for (number, frame) in list.iter() {
        for extension in extensions.clone() {
            let file = folder.join(format!("{}.{extension}", frame_name(number)));
            if of_file(&file).is_some_and(|digest| digest == frame.blake3) {
                // Should it stay, it is replaced or is one too many.
                let _is_gone = std::fs::remove_file(&file);
            }
        }
    }
}

/// A file that takes this much of the disk until it is dropped; without a name where the system knows such files.
/// `None` where it cannot be had.
fn room_beside(path: &Path, n_bytes: usize) -> Option<File> {
    let mut file = tempfile::tempfile_in(path.parent()?).ok()?;
    // Zeros take no room where the disk is compressed.
    let mut bytes = vec![0; n_bytes];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    file.write_all(&bytes).ok()?;
    Some(file)
}

/// The digest of a file; `None` where it cannot be read.
fn of_file(file: &Path) -> Option<String> {
    digest_of(File::open(file).ok()?).ok()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let opened = match File::open(path) {
        Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.and_then(|mut file| files::read_at_most(&mut file, BYTES_MAX)),
    };
    match opened {
        Ok(Some(bytes)) => Ok(Some(bytes)),
        Ok(None) => Err(other(path, "the folder's list of frames is damaged: it is too long")),
        Err(reason) => {
            Err(other(path, &format!("the folder's list of frames cannot be read: {}", why_unread(&reason))))
        }
    }
}

fn other(path: &Path, message: &str) -> Failure {
    let fault = Fault::new("output.other_sequence", message).at(path.display().to_string());
    Failure::new(Exit::Output, fault.help("choose another folder, or give --overwrite to start over in this one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: &[u8]) -> Frame {
        Frame { blake3: blake3::hash(bytes).to_hex().to_string(), fill: Some(0.5), checks: Vec::new() }
    }

    #[test]
    fn only_files_with_their_hash_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let interrupt = Interrupt::default();
        let file = folder.path().join("frame_0003.png");
        std::fs::write(&file, b"three").expect("written");
        let mut manifest = Manifest::open(folder.path(), "a", 8, false).expect("a new list");
        assert_eq!(manifest.kept(3, &file), None, "not listed");
        manifest.finish(3, frame(b"three"), &interrupt).expect("written");
        let again = Manifest::open(folder.path(), "a", 8, false).expect("the same request");
        assert_eq!(again.kept(3, &file), Some(frame(b"three")));
        assert_eq!(again.kept(4, &file), None);
        std::fs::write(&file, b"thre").expect("cut short");
        assert_eq!(again.kept(3, &file), None, "changed");
        assert_eq!(again.kept(3, &folder.path().join("missing.png")), None);
    }

    #[test]
    fn another_request_is_refused_until_it_may_overwrite() {
        let folder = tempfile::tempdir().expect("a folder");
        let interrupt = Interrupt::default();
        let mut list = Manifest::open(folder.path(), "a", 8, false).expect("a new list");
        list.finish(2, frame(b"two"), &interrupt).expect("written");
        for (request, frames) in [("b", 8), ("a", 9)] {
            let failure = Manifest::open(folder.path(), request, frames, false).expect_err("another one");
            assert_eq!((failure.exit, failure.faults[0].code.as_str()), (Exit::Output, "output.other_sequence"));
            assert!(failure.faults[0].help.contains("--overwrite"));
        }
        for text in ["", "{", "[]", "{\"schema\":\"packshot-turntable/9\"}"] {
            std::fs::write(folder.path().join(NAME), text).expect("written");
            let failure = Manifest::open(folder.path(), "a", 8, false).expect_err("no list");
            assert_eq!(failure.faults[0].code, "output.other_sequence", "{text}");
        }
        let anew = Manifest::open(folder.path(), "b", 8, true).expect("may overwrite");
        assert!(anew.n_finished() == 0);
    }

    #[test]
    fn pictures_that_no_list_names_are_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut list = Manifest::open(folder.path(), "a", 8, false).expect("a new list");
        std::fs::write(folder.path().join("frame_of_mine.png"), b"a picture").expect("written");
        list.refuse_others().expect("nothing is there");
        std::fs::write(folder.path().join("frame_0004.png"), b"a picture").expect("written");
        let failure = list.refuse_others().expect_err("somebody's picture");
        assert_eq!((failure.exit, failure.faults[0].code.as_str()), (Exit::Output, "output.other_sequence"));
        assert!(failure.faults[0].at.ends_with("frame_0004.png"), "{failure:?}");
        // Beside a list it is a frame that was not yet listed.
        list.write(&Interrupt::default()).expect("written");
        list.refuse_others().expect("of this turntable");
    }

    #[test]
    fn what_was_ended_before_its_first_frame_stands_in_nobodys_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let interrupt = Interrupt::default();
        let mut list = Manifest::open(folder.path(), "a", 8, false).expect("a new list");
        list.save(&interrupt).expect("nothing to write");
        assert!(!folder.path().join(NAME).exists());
        list.write(&interrupt).expect("written");
        let mut other = Manifest::open(folder.path(), "b", 6, false).expect("nothing is finished");
        other.finish(1, frame(b"one"), &interrupt).expect("written");
        Manifest::open(folder.path(), "a", 8, false).expect_err("a frame of another");
    }

    #[test]
    fn room_for_the_list_is_taken_without_a_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let room = room_beside(&folder.path().join(NAME), 5000).expect("room");
        assert_eq!(room.metadata().expect("known").len(), 5000);
        #[cfg(target_os = "linux")]
        assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 0);
    }

    #[test]
    fn the_list_is_not_written_for_every_frame() {
        let folder = tempfile::tempdir().expect("a folder");
        let interrupt = Interrupt::default();
        let mut manifest = Manifest::open(folder.path(), "a", 8, false).expect("a new list");
        for number in 0..5 {
            manifest.finish(number, frame(b"x"), &interrupt).expect("listed");
        }
        let listed = || Manifest::open(folder.path(), "a", 8, false).expect("a list").n_finished();
        assert_eq!(listed(), 1, "the first at once, the others half a second later");
        manifest.write(&interrupt).expect("written");
        assert_eq!(listed(), 5);
    }
}
