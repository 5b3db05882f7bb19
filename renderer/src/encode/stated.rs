//! Reads back what a file states about the origin of its pixels.
//!
//! Input: the bytes of a picture or movie that this module's neighbours wrote, or that others have cut or changed
//! since. Output: the program that wrote it, and its [`Provenance`]. Nothing is decoded but metadata, and a file that
//! is cut short or damaged states what can still be read of it.

use std::io::Cursor;

use tiff::tags::Tag;

use super::exr::attributes;
use super::{Provenance, jpeg, riff, xmp};

/// The first bytes of an OpenEXR file.
const EXR_MAGIC: &[u8] = &[0x76, 0x2f, 0x31, 0x01];
/// The tag of an XMP packet in a TIFF.
const TIFF_XMP: Tag = Tag::Unknown(700);
/// Entries of PNG and EXR begin with this.
const PREFIX: &str = "packshot:";

/// What a file states about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// The program that wrote it, such as `Packshot 0.1.0`.
    pub software: Option<String>,
    /// The origin of its pixels.
    pub provenance: Provenance,
}

/// What a PNG, JPEG, WebP, AVIF, TIFF, OpenEXR file or MP4 states; `None` for other formats.
pub fn stated(file: &[u8]) -> Option<Stated> {
    match file {
        [0x89, b'P', b'N', b'G', ..] => Some(of_png(file)),
        [0xFF, 0xD8, ..] => Some(of_packet(jpeg::xmp_packet(file))),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            let packet = riff::chunks(file).find(|(name, _)| *name == b"XMP ").map(|(_, data)| data);
            Some(of_packet(packet))
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(of_packet(xmp::in_boxes(file))),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(of_tiff(file)),
        _ if file.starts_with(EXR_MAGIC) => Some(of_texts(attributes::texts(file).into_iter())),
        _ => None,
    }
}

fn of_png(file: &[u8]) -> Stated {
    let Ok(reader) = png::Decoder::new(Cursor::new(file)).read_info() else { return Stated::default() };
    let info = reader.info();
    let software = info.uncompressed_latin1_text.iter().map(|text| (text.keyword.clone(), text.text.clone()));
    let entries = info.utf8_text.iter().filter_map(|text| Some((text.keyword.clone(), text.get_text().ok()?)));
    of_texts(software.chain(entries))
}

fn of_tiff(file: &[u8]) -> Stated {
    let packet = || {
        let mut decoder = tiff::decoder::Decoder::new(Cursor::new(file)).ok()?;
        decoder.get_tag_u8_vec(TIFF_XMP).ok()
    };
    of_packet(packet().as_deref())
}

/// Entries under the names of PNG and EXR.
fn of_texts(texts: impl Iterator<Item = (String, String)>) -> Stated {
    let mut stated = Stated::default();
    for (name, value) in texts {
        match name.strip_prefix(PREFIX) {
            Some(name) => stated.provenance.set(name, &value),
            None if name.eq_ignore_ascii_case("software") => stated.software = Some(value),
            None => {}
        }
    }
    stated
}

fn of_packet(packet: Option<&[u8]>) -> Stated {
    let Some(text) = packet.and_then(|packet| std::str::from_utf8(packet).ok()) else { return Stated::default() };
    let mut stated = Stated { software: xmp::member(text, "xmp:CreatorTool"), ..Stated::default() };
    for name in Provenance::NAMES {
        if let Some(value) = xmp::member(text, &format!("packshot:{name}")) {
            stated.provenance.set(name, &value);
        }
    }
    stated
}

#[cfg(test)]
mod tests {
    use super::super::testing::opaque;
    use super::super::{
        AvifDepth, ExrPrecision, Metadata, PngDepth, Quality, SOFTWARE, TiffDepth, WebPCompression, avif, exr_picture,
        jpeg, png, tiff, tiff_linear, webp,
    };
    use super::*;
    use crate::color::LinearImage;

    /// A picture in every format.
    fn files(metadata: &Metadata) -> Vec<(&'static str, Vec<u8>)> {
        let image = opaque(20, 16);
        let linear = LinearImage { width_px: 20, height_px: 16, rgba: image.rgba.clone() };
        vec![
            ("png", png(&image, PngDepth::Eight, metadata).unwrap()),
            ("jpeg", jpeg(&image, Quality::DEFAULT, metadata).unwrap()),
            ("webp", webp(&image, WebPCompression::Lossless, metadata).unwrap()),
            ("avif", avif(&image, Quality::DEFAULT, AvifDepth::Ten, metadata).unwrap()),
            ("tiff", tiff(&image, TiffDepth::Sixteen, metadata).unwrap()),
            ("linear tiff", tiff_linear(&linear, metadata).unwrap()),
            ("exr", exr_picture(&linear, ExrPrecision::Half, metadata).unwrap()),
        ]
    }

    #[test]
    fn every_format_states_what_it_was_given() {
        let full = Metadata::full();
        // A line break is no part of an entry.
        let library = full.provenance.library.as_ref().map(|library| library.replace('\n', " "));
        let written = Provenance { library, ..full.provenance.clone() };
        for (name, file) in files(&full) {
            let stated = stated(&file).expect("a known format");
            assert_eq!(stated.provenance, written, "{name}");
            assert_eq!(stated.software.as_deref(), Some(SOFTWARE), "{name}");
        }
        for (name, file) in files(&Metadata::default()) {
            assert_eq!(stated(&file).expect("a known format").provenance, Provenance::default(), "{name}");
        }
    }

    #[test]
    fn what_is_cut_short_or_of_another_kind_is_no_fault() {
        for (_, file) in files(&Metadata::full()) {
            for length in (0..file.len()).step_by(7) {
                let _ = stated(&file[..length]);
            }
        }
        assert_eq!(stated(b""), None);
        assert_eq!(stated(b"PK\x03\x04"), None);
        assert_eq!(stated(&[0xFF, 0xD8, 0xFF]), Some(Stated::default()));
    }
}
