//! The files of a job: pictures go in one after the other, files come out.
//!
//! A file of one picture is there when its picture is; movies and archives grow in temporary files, so that memory does
//! not grow with the number of pictures, and are there at the end, one after the other.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Cursor, Read, Seek, SeekFrom, Write};
use std::num::NonZeroU16;
use std::path::Path;

use bytes::Bytes;
use packshot_pipeline::error::Error;
use packshot_pipeline::picture::{self, Encoding};
use packshot_pipeline::plan::words::FileFormat;
use packshot_pipeline::plan::{Output, PicturePlan, PlannedFile};
use packshot_pipeline::taken::Taken;
use packshot_renderer::color::DisplayImage;
use packshot_renderer::encode::movie::{MovieEncoder, MovieFormat, MovieSettings};
use packshot_renderer::encode::{EncodeError, Metadata, PngDepth, Provenance, png, read_png, rounded_to_png};
use packshot_words::Word;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::failure::Stopped;
use super::kept::What;
use super::protocol::{Failure, OutputFile};
use super::quota::Quota;

/// What is known about all pictures before the first.
#[derive(Clone, Debug)]
pub(super) struct About {
    /// Pixels of the first, and of each that a movie is made of.
    pub(super) size_px: [u32; 2],
    /// How many there will be.
    pub(super) n: u32,
    /// Metadata of movies.
    pub(super) provenance: Provenance,
}

/// The files of a job while they are made.
pub(super) struct Files {
    about: About,
    quota: Quota,
    pictures: Vec<(PlannedFile, Encoding)>,
    movies: Vec<Movie>,
    archive: Option<Archive>,
}

/// Outputs of a picture.
pub(super) struct Encoded {
    /// The files that it is by itself.
    pub(super) files: Vec<OutputFile>,
    /// As the archive has it.
    archived: Option<Bytes>,
    /// As movies have it, of each depth that one of them has.
    frames: Vec<(PngDepth, DisplayImage)>,
}

impl Encoded {
    /// The part that another attempt needs.
    ///
    /// # Errors
    /// `encode.…`.
    pub(super) fn parts(&self) -> Result<Vec<(What, Bytes)>, Stopped> {
        let file = |file: &OutputFile| {
            let OutputFile { name, format, width, height, bytes } = file;
            let (name, format, width, height) = (name.clone(), format.clone(), *width, *height);
            (What::File { name, format, width, height }, bytes.clone())
        };
        let mut parts: Vec<(What, Bytes)> = self.files.iter().map(file).collect();
        parts.extend(self.archived.iter().map(|bytes| (What::Archived, bytes.clone())));
        for (depth, frame) in &self.frames {
            let png = png(frame, *depth, &Metadata::default()).map_err(Error::from)?;
            parts.push((What::Frame(if *depth == PngDepth::Sixteen { 16 } else { 8 }), png.into()));
        }
        Ok(parts)
    }
}

struct Movie {
    format: FileFormat,
    /// Of the PNGs that frames would be.
    depth: PngDepth,
    encoder: MovieEncoder<BufWriter<File>>,
    file: File,
}

struct Archive {
    encoding: Encoding,
    writer: ZipWriter<BufWriter<File>>,
    /// Of the PNGs in it.
    size_bytes: u64,
}

impl Files {
    /// Begins the files of a plan, within a quota. What grows does so in the folder `scratch`.
    ///
    /// # Errors
    /// `encode.…` for pictures that a format has no place for, `worker_disk` where nothing can be written.
    pub(super) fn begin(plan: &PicturePlan, about: About, scratch: &Path, quota: Quota) -> Result<Self, Stopped> {
        let mut files = Self { about, quota, pictures: Vec::new(), movies: Vec::new(), archive: None };
        for planned in &plan.files {
            match planned.output {
                Output::Picture(encoding) => {
                    encoding.format.check_size(files.about.size_px)?;
                    files.pictures.push((planned.clone(), encoding));
                }
                Output::Movie(movie) => {
                    let movie = Movie::begin(plan, planned.format, movie, &files.about, scratch)?;
                    files.movies.push(movie);
                }
                Output::Archive(encoding) => {
                    let writer = ZipWriter::new(BufWriter::new(tempfile::tempfile_in(scratch).map_err(away)?));
                    files.archive = Some(Archive { encoding, writer, size_bytes: 0 });
                }
            }
        }
        Ok(files)
    }

    /// The outputs of the next picture.
    ///
    /// # Errors
    /// `encode.…`, `output_too_large`.
    pub(super) fn encode(&mut self, name: &str, taken: &Taken) -> Result<Encoded, Stopped> {
        let mut files: Vec<OutputFile> = Vec::with_capacity(self.pictures.len());
        let size_px = [taken.picture.linear.width_px, taken.picture.linear.height_px];
        let mut own_png = None;
        for &(ref planned, encoding) in &self.pictures {
            let format = planned.format;
            let bytes = Bytes::from(taken.of(encoding.format).encode(encoding)?);
            if format == FileFormat::Png {
                own_png = Some((encoding, bytes.clone()));
            }
            let name = format!("{name}{}.{}", planned.suffix, planned.extension);
            self.quota.finish(&name, bytes.len() as u64)?;
            files.push(file(name, format, size_px, bytes));
        }
        let shown = taken.of(picture::Format::default());
        let archived = match &self.archive {
            Some(archive) => Some(match own_png.filter(|(encoding, _)| *encoding == archive.encoding) {
                Some((_, bytes)) => bytes,
                None => shown.encode(archive.encoding)?.into(),
            }),
            None => None,
        };
        let mut frames: Vec<(PngDepth, DisplayImage)> = Vec::new();
        if !self.movies.is_empty() {
            let frame = shown.display();
            for depth in self.depths() {
                frames.push((depth, rounded_to_png(&frame, depth)));
            }
        }
        Ok(Encoded { files, archived, frames })
    }

    /// The depths of the frames of movies, each once.
    fn depths(&self) -> Vec<PngDepth> {
        let mut depths: Vec<PngDepth> = Vec::new();
        self.movies.iter().for_each(|movie| {
            if !depths.contains(&movie.depth) {
                depths.push(movie.depth);
            }
        });
        depths
    }

    /// The outputs of a picture that an earlier attempt finished; `None` if any of them is missing.
    ///
    /// # Errors
    /// `output_too_large`.
    pub(super) fn kept(&mut self, parts: &[(What, Bytes)]) -> Result<Option<Encoded>, Stopped> {
        let (mut files, mut archived, mut frames) = (Vec::new(), None, Vec::new());
        for (what, bytes) in parts {
            match what {
                What::File { name, format, width, height } => {
                    let (name, format, width, height) = (name.clone(), format.clone(), *width, *height);
                    files.push(OutputFile { name, format, width, height, bytes: bytes.clone() });
                }
                What::Archived => archived = Some(bytes.clone()),
                What::Frame(bits) => {
                    let depth = if *bits == 16 { PngDepth::Sixteen } else { PngDepth::Eight };
                    let Ok(frame) = read_png(Cursor::new(bytes)) else { return Ok(None) };
                    frames.push((depth, frame));
                }
                What::Preview { .. } => {}
            }
        }
        let has = |depth: &PngDepth| frames.iter().any(|(own, _)| own == depth);
        let is_whole = files.len() == self.pictures.len()
            && archived.is_some() == self.archive.is_some()
            && self.depths().iter().all(has);
        if !is_whole {
            return Ok(None);
        }
        for file in &files {
            self.quota.finish(&file.name, file.bytes.len() as u64)?;
        }
        Ok(Some(Encoded { files, archived, frames }))
    }

    /// Takes the outputs of the next picture, and returns the files that belong to this picture alone.
    ///
    /// # Errors
    /// `encode.…`, `output_too_large`, `worker_disk`.
    pub(super) fn take(&mut self, name: &str, encoded: Encoded) -> Result<Vec<OutputFile>, Stopped> {
        let Encoded { files, archived, frames } = encoded;
        if let (Some(archive), Some(bytes)) = (&mut self.archive, archived) {
            archive.add(name, &bytes)?;
        }
        for movie in &mut self.movies {
            if let Some((_, frame)) = frames.iter().find(|(depth, _)| *depth == movie.depth) {
                movie.encoder.push(frame).map_err(refused)?;
            }
        }
        self.check_growing()?;
        Ok(files)
    }

    /// Checks growing files against the quota, so that nothing is rendered for a file that will be refused.
    fn check_growing(&self) -> Result<(), Stopped> {
        let mut grown = Vec::with_capacity(self.movies.len() + 1);
        for movie in &self.movies {
            grown.push((movie.format, movie.file.metadata().map_err(away)?.len()));
        }
        grown.extend(self.archive.iter().map(|archive| (FileFormat::Zip, archive.size_bytes)));
        let mut others = 0;
        for (format, size_bytes) in grown {
            self.quota.check(&together(format), size_bytes, others)?;
            others += size_bytes;
        }
        Ok(())
    }

    /// All pictures are finished: hands over their common files, each before the next one is read.
    ///
    /// # Errors
    /// `encode.…`, `output_too_large`, `worker_disk`.
    pub(super) fn finish(self, mut give: impl FnMut(OutputFile)) -> Result<(), Stopped> {
        let Self { about, mut quota, movies, archive, .. } = self;
        let mut finish = |format: FileFormat, mut file: File| {
            let name = together(format);
            let bytes = whole(&name, &mut file, &mut quota)?;
            give(self::file(name, format, about.size_px, bytes));
            Ok::<(), Stopped>(())
        };
        for Movie { format, encoder, file, .. } in movies {
            encoder.finish().map_err(refused)?;
            finish(format, file)?;
        }
        if let Some(Archive { writer, .. }) = archive {
            let mut out = writer.finish().map_err(|reason| away(reason.into()))?;
            out.flush().map_err(away)?;
            finish(FileFormat::Zip, out.into_inner().map_err(|reason| away(reason.into_error()))?)?;
        }
        Ok(())
    }
}

/// The name of a file of all pictures.
fn together(format: FileFormat) -> String {
    format!("result.{format}")
}

fn file(name: String, format: FileFormat, [width, height]: [u32; 2], bytes: Bytes) -> OutputFile {
    OutputFile { name, format: format.word().to_owned(), width, height, bytes }
}

impl Movie {
    fn begin(
        plan: &PicturePlan,
        format: FileFormat,
        movie: MovieFormat,
        about: &About,
        scratch: &Path,
    ) -> Result<Self, Stopped> {
        let depth = if let MovieFormat::Apng(depth) = movie { depth } else { PngDepth::Eight };
        let fps = plan.options.fps.and_then(|fps| u16::try_from(fps).ok()).unwrap_or(24);
        let settings = MovieSettings { size_px: about.size_px, fps, n_frames: about.n };
        let file = tempfile::tempfile_in(scratch).map_err(away)?;
        let out = BufWriter::new(file.try_clone().map_err(away)?);
        let has_dpi = matches!(movie, MovieFormat::Apng(_));
        let dpi = plan.options.dpi.and_then(|dpi| NonZeroU16::new(u16::try_from(dpi).ok()?)).filter(|_| has_dpi);
        let metadata = Metadata { dpi, provenance: about.provenance.clone() };
        let encoder = MovieEncoder::new(out, movie, settings, &metadata).map_err(refused)?;
        Ok(Self { format, depth, encoder, file })
    }
}

impl Archive {
    /// Adds a PNG, as it is: it is compressed already.
    fn add(&mut self, name: &str, png: &[u8]) -> Result<(), Stopped> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            // Equal pictures give equal archives.
            .last_modified_time(DateTime::default());
        self.writer.start_file(format!("{name}.png"), options).map_err(|reason| away(reason.into()))?;
        self.writer.write_all(png).map_err(away)?;
        self.size_bytes += png.len() as u64;
        Ok(())
    }
}

/// The content of a file, if the quota has room for it.
fn whole(name: &str, file: &mut File, quota: &mut Quota) -> Result<Bytes, Stopped> {
    let length = file.seek(SeekFrom::End(0)).map_err(away)?;
    quota.finish(name, length)?;
    file.seek(SeekFrom::Start(0)).map_err(away)?;
    let mut bytes = Vec::with_capacity(length as usize);
    BufReader::new(file).read_to_end(&mut bytes).map_err(away)?;
    Ok(bytes.into())
}

/// The disk is full or cannot be reached: another machine, or a later attempt, may succeed.
fn away(reason: io::Error) -> Stopped {
    Failure::infrastructure("worker_disk", format!("a temporary file cannot be written: {reason}")).into()
}

/// A file that cannot be written is not the fault of the encoder.
fn refused(reason: EncodeError) -> Stopped {
    match reason {
        EncodeError::Write(reason) => away(reason),
        reason => Error::from(reason).into(),
    }
}
