//! `[[output]]`: the files of each picture.

use std::num::NonZeroU16;

use packshot_materials::reader::{Reader, Table};
use packshot_renderer::encode::Quality;

use super::OutputTemplate;
use super::read::{self, whole};
use crate::picture::{Encoding, FileKind};

/// Most bytes of a suffix.
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
            reader.error_help(
                read::CODES.range,
                &value.span(),
                format!("`{suffix}` cannot be a part of a file name"),
                help,
            );
        }
        Some(suffix)
    });
    table.finish(reader);
    let extension = extension?;
    let Some(kind) = FileKind::by_extension(&extension) else {
        let message = format!("`{extension}` is not a picture format");
        reader.error_help(read::CODES.range, &span, message, "expected png, exr, jpg, webp, avif or tiff");
        return None;
    };
    if quality.is_some() && !kind.has_quality() {
        let message = format!("`quality` does not apply to `{extension}` files");
        reader.error_help(read::CONFLICT, &span, message, "leave it out");
    }
    let depth = bit_depth.and_then(|depth| u8::try_from(depth).ok());
    let quality = quality.and_then(|quality| Quality::new(quality as u8));
    let Some(format) = kind.format(depth, quality) else {
        let message = format!("`{extension}` files cannot have {} bits per channel", bit_depth.unwrap_or_default());
        let depths: Vec<String> = kind.bit_depths().iter().map(u8::to_string).collect();
        reader.error_help(read::CONFLICT, &span, message, format!("expected {}", depths.join(", ")));
        return None;
    };
    let dpi = dpi.and_then(|dpi| NonZeroU16::new(dpi as u16));
    Some(OutputTemplate { extension, suffix: suffix.unwrap_or_default(), encoding: Encoding { format, dpi } })
}
