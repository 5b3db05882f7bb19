//! `[[output]]`: the files of each picture.

use std::num::NonZeroU16;

use packshot_materials::reader::{Reader, Table};
use packshot_renderer::encode::{AvifDepth, ExrPrecision, PngDepth, Quality, TiffDepth, WebPCompression};

use super::OutputTemplate;
use super::read::{self, whole};
use crate::picture::{Encoding, Format};

/// Bytes of a suffix, at most.
const SUFFIX_BYTES_MAX: usize = 64;

pub(super) fn read_output(mut table: Table<'_, '_>, reader: &mut Reader<'_>) -> Option<OutputTemplate> {
    let span = table.span().clone();
    let extension = table.require_text("extension", reader);
    let bit_depth = table.take("bit_depth").and_then(|value| whole(reader, "bit_depth", value, 8, 32));
    let quality = table.take("quality").and_then(|value| whole(reader, "quality", value, 1, 100));
    let dpi = table.take("dpi").and_then(|value| whole(reader, "dpi", value, 1, u16::MAX.into()));
    let suffix = table.take("suffix").and_then(|value| {
        let suffix = reader.text("suffix", value)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if suffix.len() > SUFFIX_BYTES_MAX || !suffix.chars().all(is_plain) {
            let help = format!("use up to {SUFFIX_BYTES_MAX} ASCII letters, digits, `-`, `_` and `.`");
            reader.error_help(read::CODES.range, &value.span(), format!("`{suffix}` is no part of a file name"), help);
        }
        Some(suffix)
    });
    table.finish(reader);
    let extension = extension?;
    let level = quality.and_then(|quality| Quality::new(quality as u8));
    let lossy = level.unwrap_or(Quality::DEFAULT);
    let (format, depths, has_quality): (_, &[u32], _) = match (extension.as_str(), bit_depth) {
        ("png", Some(16)) => (Format::Png(PngDepth::Sixteen), &[8, 16], false),
        ("png", _) => (Format::Png(PngDepth::Eight), &[8, 16], false),
        ("exr", Some(32)) => (Format::Exr(ExrPrecision::Float), &[16, 32], false),
        ("exr", _) => (Format::Exr(ExrPrecision::Half), &[16, 32], false),
        ("jpg" | "jpeg", _) => (Format::Jpeg(lossy), &[8], true),
        ("webp", _) => (Format::WebP(level.map_or(WebPCompression::Lossless, WebPCompression::Lossy)), &[8], true),
        ("avif", Some(8)) => (Format::Avif(lossy, AvifDepth::Eight), &[8, 10], true),
        ("avif", _) => (Format::Avif(lossy, AvifDepth::Ten), &[8, 10], true),
        ("tif" | "tiff", Some(32)) => (Format::TiffLinear, &[8, 16, 32], false),
        ("tif" | "tiff", Some(16)) => (Format::Tiff(TiffDepth::Sixteen), &[8, 16, 32], false),
        ("tif" | "tiff", _) => (Format::Tiff(TiffDepth::Eight), &[8, 16, 32], false),
        _ => {
            let message = format!("`{extension}` is no format of pictures");
            reader.error_help(read::CODES.range, &span, message, "expected png, exr, jpg, webp, avif or tiff");
            return None;
        }
    };
    if let Some(depth) = bit_depth.filter(|depth| !depths.contains(depth)) {
        let message = format!("a file of `{extension}` does not have {depth} bits per channel");
        let depths: Vec<String> = depths.iter().map(u32::to_string).collect();
        reader.error_help(read::CONFLICT, &span, message, format!("expected {}", depths.join(", ")));
    }
    if quality.is_some() && !has_quality {
        let message = format!("`quality` says nothing about files of `{extension}`");
        reader.error_help(read::CONFLICT, &span, message, "leave it out");
    }
    let dpi = dpi.and_then(|dpi| NonZeroU16::new(dpi as u16));
    Some(OutputTemplate { extension, suffix: suffix.unwrap_or_default(), encoding: Encoding { format, dpi } })
}
