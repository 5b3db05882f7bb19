//! Movies: what `-o OUT.mp4` asks for, and whether that movie is there.
//!
//! Frames are kept beside the movie, in `OUT.mp4.frames/`, as a folder of frames keeps them, until the movie is whole.
//! A movie is always made of what these files hold, so that it has the same bytes whether or not it was ended on the
//! way.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use packshot::error::Fault;
use packshot::picture::Format;
use packshot::plan::words::FileFormat;
use packshot::plan::{Output, PlannedFile};
use packshot_renderer::digest::Digest;
use packshot_renderer::encode::movie::{MovieFormat, MovieSettings};
use packshot_renderer::encode::{Metadata, PngDepth, Provenance};
use packshot_words::why_unread;

mod frame;
mod reel;

use super::args::Selection;
use super::result::MovieResult;
use super::{claim, manifest};
use crate::cli::failure::{Exit, Failure};
use crate::cli::interrupt::Interrupt;
use crate::cli::{console, files};
use reel::Reel;

/// Whatever is known of a movie stands so near to its beginning or its end.
const METADATA_REACH_BYTES: u64 = 64 << 10;
/// An MP4 of ours has fewer boxes side by side.
const MP4_BOXES_MAX: usize = 8;

/// A movie that is asked for.
#[derive(Debug)]
pub(super) struct Movie {
    /// As it was given.
    pub(super) name: String,
    /// Where it goes; of a link, where that leads.
    pub(super) path: PathBuf,
    pub(super) format: MovieFormat,
    /// Frames per second.
    pub(super) fps: u16,
    /// Where its frames are until it is whole.
    pub(super) folder: PathBuf,
}

/// What is to be done beside rendering frames.
#[derive(Debug)]
pub(super) enum Plan<'a> {
    /// Nothing: there is to be no movie.
    Frames,
    /// Making a movie of the frames.
    Make(Reel<'a>),
    /// Nothing, not even frames.
    IsThere { movie: &'a Movie, result: MovieResult },
}

impl Plan<'_> {
    /// The frames before the one of this index are there.
    pub(super) fn advance(&mut self, end: usize, interrupt: &Interrupt) -> Result<(), Failure> {
        match self {
            Self::Make(reel) => reel.advance(end, interrupt),
            Self::Frames | Self::IsThere { .. } => Ok(()),
        }
    }

    /// All frames are there: makes the movie whole, and removes what was kept for it.
    pub(super) fn finish(self, interrupt: &Interrupt) -> Result<Option<MovieResult>, Failure> {
        let (movie, result) = match self {
            Self::Frames => return Ok(None),
            Self::Make(reel) => (reel.movie(), reel.finish(interrupt)?),
            Self::IsThere { movie, result } => (movie, result),
        };
        if let Err(reason) = movie.remove_frames() {
            console::warn(&format!(
                "the movie's temporary frames could not be removed from {}: {reason}",
                movie.folder.display()
            ));
        }
        Ok(Some(result))
    }
}

/// What is where a movie shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// That very movie.
    Same {
        bytes: u64,
    },
    Other,
}

impl Movie {
    /// A movie to be written to `output`, which is not a folder.
    ///
    /// # Errors
    /// `usage.invalid_value` for a device, `output.not_written` where nothing can be written.
    pub(super) fn new(output: &Path, format: MovieFormat, fps: u16) -> Result<Self, Failure> {
        if files::is_special(output) {
            let message =
                format!("{} is a device or a pipe, and a movie can only be written to a file", output.display());
            return Err(Failure::usage("invalid_value", message, "-o", "give the path of a file"));
        }
        files::check_writable(output)?;
        let path = output.canonicalize().unwrap_or_else(|_| output.to_owned());
        let mut folder = path.clone().into_os_string();
        folder.push(".frames");
        Ok(Self { name: output.display().to_string(), path, format, fps, folder: folder.into() })
    }

    /// How each of its frames is written: as a PNG, into their folder.
    pub(super) fn frame(&self) -> PlannedFile {
        let depth = if let MovieFormat::Apng(depth) = self.format { depth } else { PngDepth::Eight };
        PlannedFile {
            format: FileFormat::Png,
            extension: "png".to_owned(),
            suffix: String::new(),
            output: Output::Picture(Format::Png(depth).into()),
        }
    }

    /// What it is called in results.
    pub(super) fn format_name(&self) -> &'static str {
        match self.format {
            MovieFormat::Mp4(_) => "mp4",
            MovieFormat::WebP(_) => "webp",
            MovieFormat::Apng(_) => "apng",
        }
    }

    /// The movie's measures, which are none that its format refuses.
    ///
    /// # Errors
    /// `encode.…`.
    pub(super) fn settings(&self, size_px: [u32; 2], selection: &Selection) -> Result<MovieSettings, Failure> {
        // A turn has fewer frames than 32 bits can count.
        let settings = MovieSettings { size_px, fps: self.fps, n_frames: selection.numbers.len() as u32 };
        self.format.check(&settings).map_err(|error| {
            let mut failure = Failure::from(packshot::Error::from(error));
            failure.faults.iter_mut().for_each(|fault| fault.at = "-o".to_owned());
            failure
        })?;
        Ok(settings)
    }

    /// What the movie says of itself; `request` is the digest of its frames.
    pub(super) fn metadata(
        &self,
        provenance: Provenance,
        dpi: Option<NonZeroU16>,
        request: &str,
        selection: &Selection,
    ) -> Metadata {
        let mut digest = Digest::default();
        digest.mix("frames", request);
        digest.mix("numbers", &selection.numbers);
        digest.mix("format", &self.format);
        digest.mix("fps", &self.fps);
        digest.mix("dpi", &dpi);
        let movie = Some(digest.finish());
        Metadata { dpi, provenance: Provenance { movie, ..provenance } }
    }

    /// What is to be done for the movie, whose frames have these files.
    ///
    /// # Errors
    /// `output.other_sequence` for another movie that may not be replaced, `output.not_read` for one that cannot be
    /// read; those of [`Reel::begin`].
    pub(super) fn plan(
        &self,
        settings: MovieSettings,
        metadata: &Metadata,
        frames: Vec<PathBuf>,
        may_replace: bool,
    ) -> Result<Plan<'_>, Failure> {
        let refused = |code: &str, message: String| {
            let help = "choose another name, or give --overwrite to replace it";
            Failure::new(Exit::Output, Fault::new(code, message).at(&self.name).help(help))
        };
        if !may_replace {
            let digest = metadata.provenance.movie.as_deref().unwrap_or_default();
            match find(&self.path, self.format, digest) {
                Ok(Found::Nothing) => {}
                Ok(Found::Same { bytes }) => {
                    return Ok(Plan::IsThere { movie: self, result: MovieResult::new(self, &settings, bytes, None) });
                }
                Ok(Found::Other) => {
                    let message = "the file that is there is not this movie: the product, its materials, the options, the device or \
                                   this program have changed, or it is something else";
                    return Err(refused("output.other_sequence", message.to_owned()));
                }
                Err(reason) => {
                    let reason = why_unread(&reason);
                    return Err(refused("output.not_read", format!("the file that is there cannot be read: {reason}")));
                }
            }
        }
        Ok(Plan::Make(Reel::begin(self, settings, metadata, frames)?))
    }

    /// Removes what was kept for a movie that is whole now. What is not of its making stays, and the folder with it.
    pub(super) fn remove_frames(&self) -> io::Result<()> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let is_ours = entry.file_name().to_str().is_some_and(is_kept_for_movie);
            if is_ours && entry.file_type()?.is_file() {
                std::fs::remove_file(entry.path())?;
            }
        }
        std::fs::remove_dir(&self.folder)
    }
}

/// Whether a file of the folder has a name that this command gives: a frame, the list, the movie so far, or what a
/// killed process was writing.
fn is_kept_for_movie(name: &str) -> bool {
    let number = name.strip_prefix("frame_").and_then(|rest| rest.strip_suffix(".png"));
    number.is_some_and(|number| number.len() >= 4 && number.bytes().all(|byte| byte.is_ascii_digit()))
        || [manifest::NAME, reel::NAME, claim::NAME].contains(&name)
        || (name.starts_with(".packshot-") && name.ends_with(".tmp"))
}

/// Whether a path ends in the extension of a movie.
pub(super) fn is_named_like_one(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    matches!(extension.as_deref(), Some("mp4" | "webp" | "apng"))
}

/// Holds what is at `path` against the digest of the movie that shall be there.
fn find(path: &Path, format: MovieFormat, digest: &str) -> io::Result<Found> {
    let mut file = match File::open(path) {
        Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        file => file?,
    };
    let bytes = file.metadata()?.len();
    let mut ends = Vec::new();
    for from in [0, bytes.saturating_sub(METADATA_REACH_BYTES)] {
        file.seek(SeekFrom::Start(from))?;
        Read::by_ref(&mut file).take(METADATA_REACH_BYTES).read_to_end(&mut ends)?;
    }
    let says_so = !digest.is_empty() && ends.windows(digest.len()).any(|window| window == digest.as_bytes());
    Ok(if says_so && is_whole(&mut file, format, bytes)? { Found::Same { bytes } } else { Found::Other })
}

/// Whether the file ends where its format says that it does.
fn is_whole(file: &mut File, format: MovieFormat, bytes: u64) -> io::Result<bool> {
    let mut head = [0; 8];
    match format {
        // Boxes follow each other, each behind its length (ISO/IEC 14496-12, 4.2).
        MovieFormat::Mp4(_) => {
            let mut at = 0;
            for _ in 0..MP4_BOXES_MAX {
                if at + 8 > bytes {
                    break;
                }
                file.seek(SeekFrom::Start(at))?;
                file.read_exact(&mut head)?;
                let [a, b, c, d, ..] = head;
                at += u64::from(u32::from_be_bytes([a, b, c, d])).max(8);
            }
            Ok(at == bytes)
        }
        // The length of what follows it stands behind the first four bytes (RFC 9649, 2.4).
        MovieFormat::WebP(_) if bytes >= 8 => {
            file.seek(SeekFrom::Start(0))?;
            file.read_exact(&mut head)?;
            let [.., a, b, c, d] = head;
            Ok(u64::from(u32::from_le_bytes([a, b, c, d])) + 8 == bytes)
        }
        // The last chunk says that it is the last, and has a checksum of four bytes (PNG, 11.2.5).
        MovieFormat::Apng(_) if bytes >= 8 => {
            file.seek(SeekFrom::End(-8))?;
            file.read_exact(&mut head)?;
            Ok(head.starts_with(b"IEND"))
        }
        MovieFormat::WebP(_) | MovieFormat::Apng(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use packshot_renderer::encode::Quality;

    use super::*;

    #[test]
    fn only_what_was_kept_for_the_movie_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.mp4");
        let frames = folder.path().join("a.mp4.frames");
        let movie = Movie {
            name: "a.mp4".to_owned(),
            path,
            format: MovieFormat::Mp4(Quality::DEFAULT),
            fps: 24,
            folder: frames.clone(),
        };
        movie.remove_frames().expect("nothing to remove");
        std::fs::create_dir(&frames).expect("made");
        let ours = [
            "frame_0000.png",
            "frame_12345.png",
            "turntable.json",
            "movie.partial",
            "turntable.lock",
            ".packshot-x1.tmp",
        ];
        let others = ["frame_1.png", "frame_0000.exr", "frame_00a0.png", "notes.txt"];
        for name in ours.iter().chain(&others) {
            std::fs::write(frames.join(name), b"x").expect("written");
        }
        movie.remove_frames().expect_err("there is more");
        let mut left: Vec<_> =
            std::fs::read_dir(&frames).expect("there").map(|e| e.expect("there").file_name()).collect();
        left.sort();
        assert_eq!(left, ["frame_0000.exr", "frame_00a0.png", "frame_1.png", "notes.txt"]);
    }
}
