//! The options of `packshot turntable`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum, value_parser};
use packshot::preset::Spin;
use packshot_renderer::shot::turntable::{MAX_FRAMES, TurnDirection, TurnMode, Turntable};

use crate::cli::failure::Failure;
use crate::cli::options::number;
use crate::cli::render::PictureArgs;
use crate::cli::render::framing::DirectionArgs;

/// Arguments of `turntable`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot turntable bearing.glb -o bearing.mp4 --fps 30")]
pub(crate) struct TurntableArgs {
    /// A GLB file, or a glTF file with embedded data; `-` is stdin
    #[arg(value_name = "INPUT", required_unless_present = "sample", conflicts_with = "sample")]
    pub(super) input: Option<PathBuf>,
    /// A built-in sample product (`packshot sample --list`)
    #[arg(long, value_name = "NAME")]
    pub(super) sample: Option<String>,
    #[command(flatten)]
    pub(super) turn: TurnArgs,
    #[command(flatten)]
    pub(super) from: DirectionArgs,
    #[command(flatten)]
    pub(in crate::cli) picture: PictureArgs,
}

fn frame_rate(text: &str) -> Result<u16, String> {
    let rate = text.parse().ok().filter(|rate| (1..=240).contains(rate));
    rate.ok_or_else(|| "expected a whole number from 1 to 240".to_owned())
}

/// How the product turns, and which of its frames are rendered.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Turntable")]
pub(super) struct TurnArgs {
    /// Frames of one turn; none is there twice [default: 72, or what the preset asks for]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = value_parser!(u32).range(1..=i64::from(MAX_FRAMES)))]
    frames: Option<u32>,
    /// Frames per second of a film; of frames, results say it for who makes one of them
    #[arg(long, value_name = "N", default_value_t = 24, allow_negative_numbers = true, value_parser = frame_rate)]
    pub(super) fps: u16,
    /// How far the product is turned in frame 0, counter-clockwise as seen from above
    #[arg(long, value_name = "A", default_value_t = 0.0, allow_negative_numbers = true, value_parser = number(-1e6, 1e6))]
    start_deg: f64,
    /// Which way the product turns, as seen from above
    #[arg(long, value_name = "WAY", value_enum, default_value = "ccw")]
    direction: DirectionWord,
    /// What moves
    #[arg(long, value_name = "WHAT", value_enum, default_value = "product")]
    mode: ModeWord,
    /// Only frames A to B - 1 of the turn; more of it can follow into the same folder
    #[arg(long, value_name = "A..B")]
    frames_range: Option<FrameRange>,
    /// Only every Nth frame of the turn, with its number: 72 frames hold sets of 36 and 24
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = value_parser!(u32).range(1..=i64::from(MAX_FRAMES)))]
    stride: u32,
    /// Begin anew where the folder holds frames of another turntable
    #[arg(long)]
    pub(super) overwrite: bool,
}

/// `--direction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DirectionWord {
    /// Counter-clockwise: the front goes to the right
    Ccw,
    /// Clockwise
    Cw,
}

/// `--mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeWord {
    /// The product, under light that stands still
    Product,
    /// The camera, around the product and its light
    Orbit,
}

/// `--frames-range`: frames from the first to before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FrameRange {
    first: u32,
    end: u32,
}

impl FromStr for FrameRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = text.split_once("..").and_then(|(first, end)| Some((first.parse().ok()?, end.parse().ok()?)));
        match range {
            Some((first, end)) if first < end => Ok(Self { first, end }),
            _ => Err("expected A..B with A below B, such as 0..36".to_owned()),
        }
    }
}

impl TurnArgs {
    /// How the product turns.
    pub(super) fn turntable(&self, spin: Option<&Spin>) -> Turntable {
        Turntable {
            frames: self.frames.or(spin.and_then(|spin| spin.frames.first().copied())).unwrap_or(72),
            start_deg: self.start_deg,
            direction: match self.direction {
                DirectionWord::Ccw => TurnDirection::Ccw,
                DirectionWord::Cw => TurnDirection::Cw,
            },
            mode: match self.mode {
                ModeWord::Product => TurnMode::Product,
                ModeWord::Orbit => TurnMode::Orbit,
            },
        }
    }

    /// The numbers of the frames to render, and how many a whole turn has at this stride.
    pub(super) fn selected(&self, turntable: &Turntable) -> Result<Selection, Failure> {
        let frames = turntable.frames;
        if !frames.is_multiple_of(self.stride) {
            let message = format!("{frames} frames cannot be divided into steps of {}", self.stride);
            let help = "choose a stride that divides the number of frames";
            return Err(Failure::usage("invalid_value", message, "--stride", help));
        }
        let FrameRange { first, end } = self.frames_range.unwrap_or(FrameRange { first: 0, end: frames });
        if end > frames {
            let message = format!("{first}..{end} goes beyond the {frames} frames of the turn");
            return Err(Failure::usage(
                "invalid_value",
                message,
                "--frames-range",
                format!("end at {frames} or before"),
            ));
        }
        let numbers: Vec<u32> = (first..end).filter(|frame| frame.is_multiple_of(self.stride)).collect();
        if numbers.is_empty() {
            let message = format!("{first}..{end} has no frame that --stride {} takes", self.stride);
            return Err(Failure::usage("invalid_value", message, "--frames-range", "choose a wider range"));
        }
        Ok(Selection { numbers, of_turn: frames / self.stride })
    }
}

/// Which frames of a turn are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection {
    /// Their numbers, ascending; at least one.
    pub(super) numbers: Vec<u32>,
    /// How many a whole turn has at this stride.
    pub(super) of_turn: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(stride: u32, range: Option<&str>) -> TurnArgs {
        TurnArgs {
            frames: None,
            fps: 24,
            start_deg: 0.0,
            direction: DirectionWord::Ccw,
            mode: ModeWord::Product,
            frames_range: range.map(|range| range.parse().expect("a range")),
            stride,
            overwrite: false,
        }
    }

    #[test]
    fn strides_keep_the_numbers_of_the_whole_turn() {
        let turntable = args(1, None).turntable(None);
        let numbers = |stride, range| args(stride, range).selected(&turntable).map(|selection| selection.numbers);
        assert_eq!(numbers(1, None).expect("all").len(), 72);
        assert_eq!(numbers(24, None).expect("three"), [0, 24, 48]);
        assert_eq!(numbers(2, Some("5..10")).expect("two"), [6, 8]);
        assert_eq!(numbers(5, None).expect_err("no divisor").faults[0].at, "--stride");
        assert_eq!(numbers(1, Some("70..73")).expect_err("beyond").faults[0].at, "--frames-range");
        assert_eq!(numbers(8, Some("1..8")).expect_err("none").faults[0].at, "--frames-range");
        // Parts of a turn that follow each other are the whole turn.
        let parts = [numbers(3, Some("0..31")), numbers(3, Some("31..72"))].map(|part| part.expect("a part"));
        assert_eq!(parts.concat(), numbers(3, None).expect("all"));
    }

    #[test]
    fn ranges_are_two_numbers() {
        for text in ["", "5", "5..", "..5", "5..5", "6..5", "a..b", "-1..5", "1..2..3"] {
            assert!(text.parse::<FrameRange>().is_err(), "{text}");
        }
    }
}
