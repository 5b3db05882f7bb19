//! A movie under way: takes finished frames in their order, as soon as none is missing before them.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use packshot::timing::Stopwatch;
use packshot_renderer::encode::movie::{MovieEncoder, MovieSettings};
use packshot_renderer::encode::{EncodeError, Metadata};

use super::{Movie, frame};
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::interrupt::Interrupt;
use crate::cli::turntable::result::MovieResult;

/// The movie's name until it is whole, in the folder of its frames.
pub(super) const NAME: &str = "movie.partial";

/// The movie so far. Of no use to who goes on, it is removed when work on it ends early: a full disk has room for the
/// list of frames then.
#[derive(Debug)]
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        let _may_be_in_its_place = std::fs::remove_file(&self.0);
    }
}

/// A movie that is being written.
#[derive(Debug)]
pub(crate) struct Reel<'a> {
    movie: &'a Movie,
    settings: MovieSettings,
    encoder: MovieEncoder<BufWriter<File>>,
    partial: Partial,
    /// The files of its frames, in order.
    frames: Vec<PathBuf>,
    n_taken: usize,
    encode_s: f64,
}

impl<'a> Reel<'a> {
    /// Begins a movie of these frames, none of which need be there yet.
    ///
    /// # Errors
    /// `output.not_written`, `encode.…`.
    pub(crate) fn begin(
        movie: &'a Movie,
        settings: MovieSettings,
        metadata: &Metadata,
        frames: Vec<PathBuf>,
    ) -> Result<Self, Failure> {
        let partial = Partial(movie.folder.join(NAME));
        let file = File::create(&partial.0);
        let file = file.map_err(|reason| files::not_written(&partial.0.display().to_string(), &reason))?;
        let encoder = MovieEncoder::new(BufWriter::new(file), movie.format, settings, metadata);
        let encoder = encoder.map_err(|reason| refused(movie, reason))?;
        Ok(Self { movie, settings, encoder, partial, frames, n_taken: 0, encode_s: 0.0 })
    }

    /// The movie that this becomes.
    pub(crate) fn movie(&self) -> &'a Movie {
        self.movie
    }

    /// Takes all frames before the one of this index; they are there.
    ///
    /// # Errors
    /// `output.not_read`, `output.not_written`, `encode.…`, `cancelled`.
    pub(crate) fn advance(&mut self, end: usize, interrupt: &Interrupt) -> Result<(), Failure> {
        let mut clock = Stopwatch::start();
        for path in self.frames.get(self.n_taken..end).unwrap_or_default() {
            interrupt.check()?;
            self.encoder.push(&frame::read(path)?).map_err(|reason| refused(self.movie, reason))?;
            self.n_taken += 1;
        }
        self.encode_s += clock.lap();
        Ok(())
    }

    /// Takes the frames that are left, and puts the movie in its place.
    ///
    /// # Errors
    /// Those of [`advance`](Self::advance).
    pub(crate) fn finish(mut self, interrupt: &Interrupt) -> Result<MovieResult, Failure> {
        self.advance(self.frames.len(), interrupt)?;
        let mut clock = Stopwatch::start();
        let Self { movie, settings, encoder, partial, .. } = self;
        encoder.finish().map_err(|reason| refused(movie, reason))?;
        let failed = |reason| files::not_written(&movie.name, &reason);
        let bytes = std::fs::metadata(&partial.0).map_err(failed)?.len();
        files::move_whole(&partial.0, &movie.path, interrupt)?;
        let encode_s = self.encode_s + clock.lap();
        Ok(MovieResult::new(movie, &settings, bytes, Some(encode_s)))
    }
}

/// A file that cannot be written is no fault of the encoder.
fn refused(movie: &Movie, reason: EncodeError) -> Failure {
    match reason {
        EncodeError::Write(reason) => files::not_written(&movie.name, &reason),
        reason => packshot::Error::from(reason).into(),
    }
}
