//! A frame of a movie as it was written.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use packshot::error::Fault;
use packshot_renderer::color::DisplayImage;
use packshot_renderer::encode::read_png;
use png::DecodingError;

use crate::cli::failure::{Exit, Failure};

/// Reads a frame that was written.
///
/// # Errors
/// `output.not_read` when it is none.
pub(super) fn read(path: &Path) -> Result<DisplayImage, Failure> {
    File::open(path).map_err(DecodingError::from).and_then(|file| read_png(BufReader::new(file))).map_err(|reason| {
        let fault = Fault::new("output.not_read", format!("the frame cannot be read back: {reason}"));
        let help = "run the command again: it renders the frames that are missing or changed";
        Failure::new(Exit::Output, fault.at(path.display().to_string()).help(help))
    })
}

#[cfg(test)]
mod tests {
    use packshot_renderer::encode::{Metadata, PngDepth, png};

    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.png");
        for alpha in [1.0, 0.5] {
            for (depth, codes) in [(PngDepth::Eight, 255.0), (PngDepth::Sixteen, 65535.0)] {
                let rgba = vec![[0.0, 0.25, 1.0, 1.0], [0.125, 0.7, 0.3, alpha]];
                let image = DisplayImage { width_px: 1, height_px: 2, rgba };
                let bytes = png(&image, depth, &Metadata::default()).expect("encodes");
                std::fs::write(&path, &bytes).expect("written");
                let read = read(&path).expect("a frame");
                assert_eq!((read.width_px, read.height_px), (1, 2));
                let off = read.rgba.iter().flatten().zip(image.rgba.iter().flatten()).map(|(a, b)| (a - b).abs());
                assert!(off.fold(0.0, f32::max) <= 0.501 / codes, "{alpha} {depth:?}");
                assert_eq!(png(&read, depth, &Metadata::default()).expect("encodes"), bytes, "the same codes again");
            }
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.png");
        assert_eq!(read(&path).expect_err("missing").faults[0].code, "output.not_read");
        for bytes in [&b""[..], b"\x89PNG\r\n\x1a\n", b"GIF89a"] {
            std::fs::write(&path, bytes).expect("written");
            assert_eq!(read(&path).expect_err("none").exit, Exit::Output);
        }
    }
}
