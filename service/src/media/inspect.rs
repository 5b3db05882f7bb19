//! What a file is that somebody sends to be looked at: known by its content, and decoded once, so that what is kept can
//! be shown. What the header says is checked before anything is decoded.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

use packshot_texels::Format;

use super::mp4;
use super::pictures::{self, NoPicture, raster};

/// Bytes of a JPEG or WebP in which its header has to be.
const HEADER_BYTES_MAX: u64 = 4 << 20;
/// What a PNG may need besides its pixels, and what its texts may have when they are not compressed.
const ASIDE_BYTES_MAX: usize = 8 << 20;

/// The longer side of the frame by which a movie is tried.
const FRAME_SIDE_PX: u32 = 64;

/// What a file is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    pub(super) media_type: &'static str,
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    /// Frames and seconds of a movie.
    pub(super) movie: Option<(u32, f64)>,
}

/// Why a file is not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// It is none of the kinds that are kept.
    #[error("the file is no PNG, JPEG, WebP or MP4")]
    Unknown,
    /// It cannot be decoded.
    #[error("the file cannot be decoded: {0}")]
    Damaged(String),
    /// It has too many pixels.
    #[error("the picture has {width_px} × {height_px} pixels: at most {pixels_max} are accepted")]
    TooLarge { width_px: u32, height_px: u32, pixels_max: u64 },
    /// It could not be read here.
    #[error("the file could not be read")]
    Unread,
}

fn damaged(reason: impl std::fmt::Display) -> Refused {
    Refused::Damaged(reason.to_string())
}

/// Says what a file is, whose pictures have at most this many pixels.
pub(super) fn inspect(path: &Path, pixels_max: u64) -> Result<Facts, Refused> {
    let mut file = File::open(path).map_err(|_| Refused::Unread)?;
    let mut beginning = Vec::new();
    (&mut file).take(12).read_to_end(&mut beginning).map_err(|_| Refused::Unread)?;
    file.rewind().map_err(|_| Refused::Unread)?;
    match Format::of(&beginning) {
        Some(Format::Png) => png(BufReader::new(file), pixels_max),
        Some(format) => picture(format, file, pixels_max),
        None if beginning.get(4..8) == Some(b"ftyp") => movie(BufReader::new(file), pixels_max),
        None => Err(Refused::Unknown),
    }
}

fn check_size([width_px, height_px]: [u32; 2], pixels_max: u64) -> Result<(), Refused> {
    if width_px == 0 || height_px == 0 {
        return Err(damaged("it has no pixels"));
    }
    match u64::from(width_px) * u64::from(height_px) > pixels_max {
        true => Err(Refused::TooLarge { width_px, height_px, pixels_max }),
        false => Ok(()),
    }
}

/// Decodes a PNG row by row, and what it has besides pixels within a limit.
fn png(file: BufReader<File>, pixels_max: u64) -> Result<Facts, Refused> {
    let mut decoder = png::Decoder::new_with_limits(file, png::Limits { bytes: ASIDE_BYTES_MAX });
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width_px, height_px) = (header.width, header.height);
    check_size([width_px, height_px], pixels_max)?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    check_texts(reader.info())?;
    while reader.next_row().map_err(damaged)?.is_some() {}
    reader.finish().map_err(damaged)?;
    check_texts(reader.info())?;
    Ok(Facts { media_type: "image/png", width_px, height_px, movie: None })
}

/// Refuses texts that grow beyond any use when they are read.
fn check_texts(info: &png::Info<'_>) -> Result<(), Refused> {
    let too_long = |_| damaged(format!("a text in it has more than {ASIDE_BYTES_MAX} bytes"));
    for mut text in info.compressed_latin1_text.iter().cloned() {
        text.decompress_text_with_limit(ASIDE_BYTES_MAX).map_err(too_long)?;
    }
    for mut text in info.utf8_text.iter().cloned() {
        text.decompress_text_with_limit(ASIDE_BYTES_MAX).map_err(too_long)?;
    }
    Ok(())
}

/// Decodes a JPEG, or a WebP or its first frame.
fn picture(format: Format, mut file: File, pixels_max: u64) -> Result<Facts, Refused> {
    let mut bytes = Vec::new();
    (&mut file).take(HEADER_BYTES_MAX).read_to_end(&mut bytes).map_err(|_| Refused::Unread)?;
    check_size(format.size_px(&bytes).map_err(damaged)?, pixels_max)?;
    file.read_to_end(&mut bytes).map_err(|_| Refused::Unread)?;
    if !format.is_whole(&bytes) {
        return Err(damaged("it ends early"));
    }
    let of = match format {
        Format::Png => image::ImageFormat::Png,
        Format::Jpeg => image::ImageFormat::Jpeg,
        Format::WebP => image::ImageFormat::WebP,
    };
    let [width_px, height_px] = raster::measured(of, Cursor::new(&bytes)).map_err(damaged)?;
    let movie = if format == Format::WebP { animation(&bytes) } else { None };
    Ok(Facts { media_type: format.mime_type(), width_px, height_px, movie })
}

/// The frames and seconds of an animated WebP (RFC 9649 section 2.7.1.1).
fn animation(file: &[u8]) -> Option<(u32, f64)> {
    let (mut n_frames, mut duration_ms) = (0_u32, 0_u64);
    let mut rest = file.get(12..)?;
    while let Some((head, body)) = rest.split_first_chunk::<8>() {
        let [.., a, b, c, d] = *head;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if head.starts_with(b"ANMF") {
            let [a, b, c] = *body.get(12..)?.first_chunk()?;
            n_frames += 1;
            duration_ms += u64::from(u32::from_le_bytes([a, b, c, 0]));
        }
        rest = body.get(length.next_multiple_of(2)..).unwrap_or_default();
    }
    (n_frames > 0).then_some((n_frames, duration_ms as f64 / 1_000.0))
}

fn movie(mut file: BufReader<File>, pixels_max: u64) -> Result<Facts, Refused> {
    let movie = mp4::read(&mut file).map_err(|_| Refused::Unknown)?;
    let (width_px, height_px) = (movie.width_px, movie.height_px);
    check_size([width_px, height_px], pixels_max)?;
    if !mp4::is_whole(&mut file) {
        return Err(damaged("it ends early"));
    }
    file.rewind().map_err(|_| Refused::Unread)?;
    // Of a movie without a decoder here, and of a very large one, nothing more is known.
    if let Err(NoPicture::Damaged(reason)) = pictures::of_movie(file, FRAME_SIDE_PX) {
        return Err(Refused::Damaged(reason));
    }
    let length = movie.n_frames.zip(movie.duration_s);
    Ok(Facts { media_type: "video/mp4", width_px, height_px, movie: length })
}
