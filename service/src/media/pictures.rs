//! Small pictures of files: stills as they are, the first frame of movies. Colours are averaged as light, weighted by
//! how much they cover, so that fine patterns keep their brightness and edges have no fringes.
//!
//! A file is known by its content. What its header says is checked before anything is decoded, and what is decoded goes
//! row by row into the small picture where its decoder allows that.

mod exr;
#[cfg(feature = "h264")]
mod h264;
pub(super) mod raster;
mod shrink;
mod tiff;

use std::io::{BufReader, Cursor, Read, Seek};

use packshot_renderer::color::DisplayImage;
use packshot_renderer::shot::ViewTransform;

#[cfg(feature = "h264")]
use super::mp4;

/// Most pixels of a picture that a small one is made of.
const PIXELS_MAX: u64 = 128_000_000;
/// Most bytes of a frame in an archive.
const FRAME_BYTES_MAX: u64 = 512 << 20;
/// Entries of an archive that are looked at for a picture.
const ENTRIES_MAX: usize = 64;
/// Bytes that tell what a file is.
const BEGINNING: usize = 12;

/// How scene-linear pictures are shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shown {
    /// The view transform.
    pub(super) transform: ViewTransform,
    /// Stops.
    pub(super) exposure_ev: f32,
}

/// Why there is no small picture of a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoPicture {
    /// It is nothing to look at, or there is no decoder for it.
    #[error("it is no picture and no movie that can be decoded")]
    Unknown,
    /// It has too many pixels.
    #[error("it has more than {PIXELS_MAX} pixels")]
    TooLarge,
    /// It cannot be decoded.
    #[error("it cannot be decoded: {0}")]
    Damaged(String),
}

impl NoPicture {
    fn damaged(reason: impl std::fmt::Display) -> Self {
        Self::Damaged(reason.to_string())
    }
}

/// Refuses a picture with too many pixels.
fn check_size(width_px: u64, height_px: u64) -> Result<(), NoPicture> {
    match width_px.saturating_mul(height_px) {
        0 => Err(NoPicture::damaged("it has no pixels")),
        n_pixels if n_pixels > PIXELS_MAX => Err(NoPicture::TooLarge),
        _ => Ok(()),
    }
}

/// A picture of a file whose longer side has at most `side_max_px` pixels; a smaller picture is not enlarged.
///
/// # Errors
/// [`NoPicture`].
pub(super) fn small(mut file: impl Read + Seek, side_max_px: u32, shown: Shown) -> Result<DisplayImage, NoPicture> {
    let mut beginning = [0; BEGINNING];
    file.read_exact(&mut beginning).map_err(NoPicture::damaged)?;
    file.rewind().map_err(NoPicture::damaged)?;
    let file = BufReader::with_capacity(1 << 16, file);
    match beginning {
        [0x50, 0x4b, 3, 4, ..] => of_archive(file, side_max_px, shown),
        _ => of_picture(beginning, file, side_max_px, shown),
    }
}

fn of_picture(
    beginning: [u8; BEGINNING],
    file: BufReader<impl Read + Seek>,
    side_max_px: u32,
    shown: Shown,
) -> Result<DisplayImage, NoPicture> {
    use image::ImageFormat::{Jpeg, Png, WebP};
    match beginning {
        [0x89, b'P', b'N', b'G', ..] => raster::small(Png, file, side_max_px),
        [0xff, 0xd8, 0xff, ..] => raster::small(Jpeg, file, side_max_px),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => raster::small(WebP, file, side_max_px),
        [0x76, 0x2f, 0x31, 1, ..] => exr::small(file, side_max_px, shown),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => tiff::small(file, side_max_px, shown),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => of_movie(file, side_max_px),
        _ => Err(NoPicture::Unknown),
    }
}

#[cfg(feature = "h264")]
pub(super) fn of_movie(mut file: BufReader<impl Read + Seek>, side_max_px: u32) -> Result<DisplayImage, NoPicture> {
    let movie = mp4::read(&mut file).map_err(|_| NoPicture::Unknown)?;
    h264::small(&movie, &mut file, side_max_px)
}

#[cfg(not(feature = "h264"))]
pub(super) fn of_movie(_: BufReader<impl Read + Seek>, _: u32) -> Result<DisplayImage, NoPicture> {
    Err(NoPicture::Unknown)
}

/// The first frame of an archive of frames.
fn of_archive(file: BufReader<impl Read + Seek>, side_max_px: u32, shown: Shown) -> Result<DisplayImage, NoPicture> {
    let mut archive = zip::ZipArchive::new(file).map_err(NoPicture::damaged)?;
    for i in 0..archive.len().min(ENTRIES_MAX) {
        let mut entry = archive.by_index(i).map_err(NoPicture::damaged)?;
        let mut beginning = [0; BEGINNING];
        if entry.size() > FRAME_BYTES_MAX || entry.read_exact(&mut beginning).is_err() {
            continue;
        }
        let mut frame = beginning.to_vec();
        entry.take(FRAME_BYTES_MAX).read_to_end(&mut frame).map_err(NoPicture::damaged)?;
        match of_picture(beginning, BufReader::new(Cursor::new(frame)), side_max_px, shown) {
            Err(NoPicture::Unknown) => {}
            found => return found,
        }
    }
    Err(NoPicture::Unknown)
}

#[cfg(test)]
mod tests;
