#[cfg(feature = "h264")]
mod mp4;

use std::io::Cursor;

use super::*;
use crate::encode::testing::gradient;
use crate::encode::{quantize, riff};

const SIZE_PX: [u32; 2] = [64, 48];

fn settings(n_frames: u32) -> MovieSettings {
    MovieSettings { size_px: SIZE_PX, fps: 24, n_frames }
}

/// A bright bar that moves across a picture.
fn frame(base: &DisplayImage, idx: u32) -> DisplayImage {
    let mut frame = base.clone();
    for row in 0..frame.height_px {
        for column in 4 * idx..4 * idx + 6 {
            frame.rgba[(row * frame.width_px + column % frame.width_px) as usize] = [0.9, 0.7, 0.1, 1.0];
        }
    }
    frame
}

fn frames(base: &DisplayImage, n_frames: u32) -> Vec<DisplayImage> {
    (0..n_frames).map(|idx| frame(base, idx)).collect()
}

fn encode(format: MovieFormat, frames: &[DisplayImage]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = MovieEncoder::new(&mut bytes, format, settings(frames.len() as u32), &Metadata::full()).unwrap();
    for frame in frames {
        encoder.push(frame).unwrap();
    }
    encoder.finish().unwrap();
    bytes.into_inner()
}

fn eight(frame: &DisplayImage) -> Vec<u8> {
    quantize::samples(&frame.rgba, false, quantize::to_8)
}

const LOSSLESS: MovieFormat = MovieFormat::WebP(WebPCompression::Lossless);
const APNG: MovieFormat = MovieFormat::Apng(PngDepth::Eight);

/// Decoded by the decoder of the `image` crate, which shares no code with ours.
#[test]
fn webp_frames_survive_with_their_alpha() {
    use image::AnimationDecoder;
    let frames = frames(&gradient(SIZE_PX[0], SIZE_PX[1]), 5);
    let bytes = encode(LOSSLESS, &frames);
    let decoder = image::codecs::webp::WebPDecoder::new(Cursor::new(&bytes)).expect("a WebP");
    let decoded = decoder.into_frames().collect_frames().expect("decodes");
    assert_eq!(decoded.len(), frames.len());
    let mut total_ms = 0;
    for (decoded, frame) in decoded.iter().zip(&frames) {
        assert_eq!(decoded.buffer().as_raw(), &eight(frame));
        let (numerator, denominator) = decoded.delay().numer_denom_ms();
        total_ms += numerator / denominator;
    }
    assert_eq!(total_ms, 208, "5/24 s");
    let names: Vec<_> = riff::chunks(&bytes).map(|(name, _)| *name).collect();
    assert_eq!(names[..4], [*b"VP8X", *b"ICCP", *b"ANIM", *b"ANMF"]);
    assert_eq!(names.last(), Some(b"XMP "));
    assert_eq!(u32::from_le_bytes(bytes[4..8].try_into().expect("four")) as usize, bytes.len() - 8);
}

#[test]
fn apng_frames_survive_with_their_alpha() {
    for (depth, code) in [(PngDepth::Eight, 1), (PngDepth::Sixteen, 2)] {
        let frames = frames(&gradient(SIZE_PX[0], SIZE_PX[1]), 4);
        let bytes = encode(MovieFormat::Apng(depth), &frames);
        let mut reader = png::Decoder::new(Cursor::new(&bytes)).read_info().expect("a PNG");
        let control = reader.info().animation_control().expect("an animation");
        assert_eq!((control.num_frames, control.num_plays), (4, 0));
        assert_eq!(reader.info().utf8_text.len(), 9, "provenance");
        let mut got = vec![0; reader.output_buffer_size().expect("small")];
        for frame in &frames {
            reader.next_frame(&mut got).expect("a frame");
            let control = reader.info().frame_control().expect("of a frame");
            assert_eq!((control.delay_num, control.delay_den), (1, 24));
            let want = crate::encode::png::sample_bytes(frame, depth, false);
            assert_eq!(got, want, "{code} bytes");
        }
        assert!(reader.next_frame(&mut got).is_err(), "no frame is too many");
    }
}

#[test]
fn equal_frames_are_equal_bytes_on_any_number_of_threads() {
    let frames = frames(&gradient(SIZE_PX[0], SIZE_PX[1]), 3);
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let lossy = MovieFormat::WebP(WebPCompression::Lossy(Quality::DEFAULT));
    for format in [LOSSLESS, lossy, APNG, MovieFormat::Mp4(Quality::DEFAULT)] {
        if format.is_built() {
            assert_eq!(encode(format, &frames), one_thread.install(|| encode(format, &frames)), "{format:?}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_before_the_first_frame() {
    let mp4 = MovieFormat::Mp4(Quality::DEFAULT);
    for (format, size_px, fps, n_frames, code) in [
        (LOSSLESS, [0, 5], 24, 1, "encode.empty"),
        (LOSSLESS, [16_384, 5], 24, 1, "encode.too_large"),
        (LOSSLESS, [5, 5], 0, 1, "encode.frame_rate"),
        (APNG, [5, 5], 241, 1, "encode.frame_rate"),
        (APNG, [5, 5], 24, 0, "encode.frame_count"),
        (APNG, [5, 5], 24, MAX_FRAMES + 1, "encode.frame_count"),
        (mp4, [65, 48], 24, 1, "encode.odd_size"),
        (mp4, [64, 14], 24, 1, "encode.odd_size"),
        (mp4, [3842, 16], 24, 1, "encode.too_large"),
        (mp4, [2162, 2162], 24, 1, "encode.too_large"),
    ] {
        let code = if format.is_built() { code } else { "encode.not_built" };
        let error = format.check(&MovieSettings { size_px, fps, n_frames }).unwrap_err();
        assert_eq!(error.code(), code, "{size_px:?} {fps} {n_frames}");
        assert!(!error.help().is_empty());
    }
}

#[test]
fn frames_are_of_one_size_and_as_many_as_announced() {
    let image = gradient(SIZE_PX[0], SIZE_PX[1]);
    for format in [LOSSLESS, APNG, MovieFormat::Mp4(Quality::DEFAULT)].into_iter().filter(|format| format.is_built()) {
        let mut encoder =
            MovieEncoder::new(Cursor::new(Vec::new()), format, settings(1), &Metadata::default()).unwrap();
        let turned = gradient(SIZE_PX[1], SIZE_PX[0]);
        assert_eq!(encoder.push(&turned).unwrap_err().code(), "encode.frame_size");
        encoder.push(&image).unwrap();
        assert_eq!(encoder.push(&image).unwrap_err().code(), "encode.frame_count");
        encoder.finish().unwrap();
        let too_few = MovieEncoder::new(Cursor::new(Vec::new()), format, settings(2), &Metadata::default()).unwrap();
        assert_eq!(too_few.finish().unwrap_err().code(), "encode.frame_count");
    }
}

/// A disk that is full after a few bytes.
struct Full {
    left: usize,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let left = self.left.checked_sub(bytes.len());
        self.left = left.ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Full {
    fn seek(&mut self, _: std::io::SeekFrom) -> std::io::Result<u64> {
        Ok(0)
    }
}

#[test]
fn a_full_disk_is_said_to_be_one() {
    let image = gradient(SIZE_PX[0], SIZE_PX[1]);
    for format in [LOSSLESS, APNG, MovieFormat::Mp4(Quality::DEFAULT)].into_iter().filter(|format| format.is_built()) {
        let encode = |left| {
            let mut encoder = MovieEncoder::new(Full { left }, format, settings(1), &Metadata::default())?;
            encoder.push(&image)?;
            encoder.finish()
        };
        for left in [0, 100, 900] {
            assert_eq!(encode(left).unwrap_err().code(), "encode.write", "{format:?} {left}");
        }
        encode(1 << 20).unwrap();
    }
}
