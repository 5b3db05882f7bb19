//! The options of `packshot turntable`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, value_parser};
use packshot::plan::table::FRAMES_MAX;

use crate::cli::failure::Failure;
use crate::cli::render::PictureArgs;

/// Arguments of `turntable`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot turntable bearing.glb -o bearing.mp4 --fps 30")]
pub(crate) struct TurntableArgs {
    /// A .glb file, or a .gltf file with its buffers and textures in the same folder; `-` is stdin
    #[arg(value_name = "INPUT", required_unless_present_any = ["sample", "shot"], conflicts_with = "sample")]
    pub(super) input: Option<PathBuf>,
    /// A built-in sample product (`packshot sample --list`)
    #[arg(long, value_name = "NAME")]
    pub(super) sample: Option<String>,
    /// Render exactly the turntable of this shot file, which also names the product
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "sample"])]
    pub(super) shot: Option<PathBuf>,
    #[command(flatten)]
    pub(super) turn: TurnArgs,
    #[command(flatten)]
    pub(in crate::cli) picture: PictureArgs,
}

/// Which of the frames of a turn are rendered.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Turntable")]
pub(super) struct TurnArgs {
    /// Only frames A to B - 1 of the turn; the rest can be rendered into the same folder later
    #[arg(long, value_name = "A..B")]
    frames_range: Option<FrameRange>,
    /// Only every Nth frame of the turn, keeping its number: 72 frames contain sets of 36 and 24
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = value_parser!(u32).range(1..=i64::from(FRAMES_MAX)))]
    pub(super) stride: u32,
    /// Start over where the folder holds frames of another turntable
    #[arg(long)]
    pub(super) overwrite: bool,
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
    /// The numbers of the frames to render, and how many a whole turn has at this stride.
    pub(super) fn selected(&self, frames: u32) -> Result<Selection, Failure> {
        if !frames.is_multiple_of(self.stride) {
            let message = format!("{frames} frames cannot be divided evenly by the stride {}", self.stride);
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
            let message = format!("no frame from {first} to before {end} is a multiple of --stride {}", self.stride);
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
        TurnArgs { frames_range: range.map(|range| range.parse().expect("a range")), stride, overwrite: false }
    }

    #[test]
    fn strides_keep_the_numbers_of_the_whole_turn() {
        let numbers = |stride, range| args(stride, range).selected(72).map(|selection| selection.numbers);
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
