//! H.264 through OpenH264, into an MP4.
//!
//! The codec's defaults are for video calls. Here every frame is encoded, by one thread (another number would give
//! other bytes), with one quantiser that follows from the quality, and with a keyframe once a second, to which players
//! can seek.

use std::io::{Seek, Write};

use openh264::encoder::{
    BitRate, Complexity, EncodedBitStream, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, QpRange,
    RateControlMode, VuiConfig,
};
use openh264::formats::YUVSource;
use openh264::{OpenH264API, Timestamp};

use super::MovieSettings;
use super::mp4::{Mp4Writer, ParameterSets, Sample};
use super::yuv::Yuv420;
use crate::color::DisplayImage;
use crate::encode::{EncodeError, Metadata, Quality};

/// Types of units in a stream (ITU-T H.264, table 7-1).
const UNIT_TYPE_MASK: u8 = 0x1f;
const SEQUENCE_PARAMETERS: u8 = 7;
const PICTURE_PARAMETERS: u8 = 8;

pub(super) struct Mp4Encoder<W> {
    encoder: Encoder,
    planes: Yuv420,
    settings: MovieSettings,
    n_pushed: u32,
    destination: Destination<W>,
}

/// The file cannot start before the first frame is encoded, because that frame brings the parameters that precede it.
enum Destination<W> {
    Waiting {
        out: W,
        metadata: Metadata,
    },
    Open(Mp4Writer<W>),
    /// Starting it failed.
    Lost,
}

impl<W: Write + Seek> Destination<W> {
    /// The file, started if it was not yet.
    fn opened(self, parameters: Option<ParameterSets>, settings: MovieSettings) -> Result<Self, EncodeError> {
        match (self, parameters) {
            (Self::Waiting { out, metadata }, Some(parameters)) => {
                Mp4Writer::begin(out, settings, parameters, &metadata).map(Self::Open)
            }
            (destination, _) => Ok(destination),
        }
    }
}

impl<W: Write + Seek> Mp4Encoder<W> {
    pub(super) fn new(
        out: W,
        quality: Quality,
        settings: MovieSettings,
        metadata: &Metadata,
    ) -> Result<Self, EncodeError> {
        let quantizer = quantizer(quality);
        let config = EncoderConfig::new()
            .complexity(Complexity::High)
            // "Off" would let the codec choose the quantiser. With this mode, the only other one that neither skips
            // frames nor warns about it, the quantiser stays within a range, which here has one value.
            .rate_control_mode(RateControlMode::Bufferbased)
            .qp(QpRange::new(quantizer, quantizer))
            // With that range it limits nothing, but the codec derives the level from it.
            .bitrate(BitRate::from_bps(nominal_bitrate_bps(settings)))
            .max_frame_rate(FrameRate::from_hz(settings.fps.into()))
            .intra_frame_period(IntraFramePeriod::from_num_frames(settings.fps.into()))
            .skip_frames(false)
            .scene_change_detect(false)
            .adaptive_quantization(false)
            .background_detection(false)
            .num_threads(1)
            .vui(VuiConfig::bt709());
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config).map_err(refused)?;
        let destination = Destination::Waiting { out, metadata: metadata.clone() };
        Ok(Self { encoder, planes: Yuv420::new(settings.size_px), settings, n_pushed: 0, destination })
    }

    pub(super) fn push(&mut self, frame: &DisplayImage) -> Result<(), EncodeError> {
        self.planes.fill(frame);
        let time_ms = u64::from(self.n_pushed) * 1000 / u64::from(self.settings.fps);
        let coded = self.encoder.encode_at(&self.planes, Timestamp::from_millis(time_ms)).map_err(refused)?;
        let coded = Coded::new(&coded)?;
        self.destination =
            std::mem::replace(&mut self.destination, Destination::Lost).opened(coded.parameters, self.settings)?;
        let Destination::Open(file) = &mut self.destination else { return Err(refused("no parameters")) };
        file.write(&coded.sample)?;
        self.n_pushed += 1;
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), EncodeError> {
        let Destination::Open(file) = self.destination else { return Err(refused("no frames")) };
        file.finish()
    }
}

/// The need of product pictures at the usual quality: a quarter of a bit per pixel, within what the highest level
/// allows.
fn nominal_bitrate_bps(settings: MovieSettings) -> u32 {
    let pixels: u64 = settings.size_px.iter().map(|&side| u64::from(side)).product();
    let bits_per_second = pixels * u64::from(settings.fps) / 4;
    bits_per_second.clamp(64_000, 200_000_000) as u32
}

/// The quantiser, from 51 (visible blocks) to 14 (no visible difference); each 6 steps double the quantiser's step
/// size.
fn quantizer(quality: Quality) -> u8 {
    let steps = (51 - 14) * u32::from(quality.get());
    51 - ((steps + 50) / 100) as u8
}

/// A frame as MP4 stores it.
struct Coded {
    sample: Sample,
    /// Sent with each frame that can be decoded alone.
    parameters: Option<ParameterSets>,
}

impl Coded {
    fn new(stream: &EncodedBitStream<'_>) -> Result<Self, EncodeError> {
        let is_sync = matches!(stream.frame_type(), FrameType::IDR);
        let mut sample = Sample { bytes: Vec::new(), is_sync };
        let (mut sequence, mut picture) = (None, None);
        let layers = (0..stream.num_layers()).filter_map(|idx| stream.layer(idx));
        for layer in layers {
            for unit in (0..layer.nal_count()).filter_map(|idx| layer.nal_unit(idx)) {
                let unit = without_start_code(unit);
                match unit.first().map(|first| first & UNIT_TYPE_MASK) {
                    Some(SEQUENCE_PARAMETERS) => sequence = Some(unit.to_vec()),
                    Some(PICTURE_PARAMETERS) => picture = Some(unit.to_vec()),
                    Some(_) => sample.add(unit),
                    None => {}
                }
            }
        }
        if sample.bytes.is_empty() {
            return Err(refused("a frame was not coded"));
        }
        let parameters = sequence.zip(picture).map(|(sequence, picture)| ParameterSets { sequence, picture });
        Ok(Self { sample, parameters })
    }
}

/// A unit of a byte stream (annex B) starts with zeros and a one.
fn without_start_code(unit: &[u8]) -> &[u8] {
    let zeros = unit.iter().take_while(|&&byte| byte == 0).count();
    unit.get(zeros + 1..).unwrap_or_default()
}

impl YUVSource for Yuv420 {
    fn dimensions(&self) -> (usize, usize) {
        (self.width_px, self.height_px)
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.width_px, self.width_px / 2, self.width_px / 2)
    }

    fn y(&self) -> &[u8] {
        &self.luma
    }

    fn u(&self) -> &[u8] {
        &self.blue
    }

    fn v(&self) -> &[u8] {
        &self.red
    }
}

fn refused(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> EncodeError {
    EncodeError::codec("encode.mp4", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_is_a_quantizer() {
        for (quality, want) in [(1, 51), (50, 32), (85, 20), (100, 14)] {
            assert_eq!(quantizer(Quality::new(quality).expect("in range")), want);
        }
    }

    #[test]
    fn start_codes_are_cut_off() {
        assert_eq!(without_start_code(&[0, 0, 0, 1, 0x67, 0]), [0x67, 0]);
        assert_eq!(without_start_code(&[0, 0, 1, 0x65]), [0x65]);
        assert!(without_start_code(&[0, 0]).is_empty());
    }
}
