//! The rules of a preset that can be checked beforehand: a picture that is certain to break one is not rendered.

use packshot_renderer::shot::turntable::TurnDirection;
use packshot_words::Word;

use super::fault::{OptionFault, Phrase, say};
use super::table::{OptionId as O, Options};
use super::{Base, Kind, Output, PicturePlan, Series};
use crate::picture::Format;
use crate::preset::{Preset, Rule, WHITE};

/// Checks a plan against the rules of its preset.
pub(super) fn check(base: &Base, given: &Options, plan: &PicturePlan, faults: &mut Vec<OptionFault>) {
    let Some(preset) = plan.preset() else { return };
    let mut broken = |id: O, message: String| {
        let help = say!["leave it out: the preset sets it"];
        faults.push(OptionFault::conflict(id, preset_says(preset, message)).help(help));
    };
    let rules = match (plan.kind, preset.spin.as_ref()) {
        (Kind::Turntable, None) => {
            let message = "has no rules for turntables".to_owned();
            let help = say!["use ", (O::Preset, "amazon_360"), " or autocare"];
            faults.push(OptionFault::conflict(O::Preset, preset_says(preset, message)).help(help));
            return;
        }
        (Kind::Turntable, Some(spin)) => spin.rules,
        (Kind::Still | Kind::Views, _) => preset.rules,
    };
    let size_px = [plan.options.width.unwrap_or(0), plan.options.height.unwrap_or(0)];
    let side = if given.width.is_none() && given.height.is_some() { O::Height } else { O::Width };
    for rule in rules {
        match rule {
            Rule::WhiteCorners if plan.options.background != Some(WHITE) => {
                broken(O::Background, "requires white".to_owned());
            }
            Rule::Dpi(dpi) if plan.options.dpi.is_some_and(|asked| asked != *dpi) => {
                broken(O::Dpi, format!("requires {dpi} pixels per inch"));
            }
            Rule::PlainTiff if plan.files.iter().any(|file| is_tiff_of_floats(file.output)) => {
                broken(O::BitDepth, "requires a TIFF of 8 or 16 bits".to_owned());
            }
            rule => {
                if let Some(required) = broken_by_size(rule, size_px, plan.is_trimmed()) {
                    broken(
                        side,
                        format!("requires {required}, and the picture has {} x {} pixels", size_px[0], size_px[1]),
                    );
                }
            }
        }
    }
    check_turn(base, plan, preset, &mut broken);
}

/// Compressed floating point, which few readers of TIFF support.
fn is_tiff_of_floats(output: Output) -> bool {
    matches!(output, Output::Picture(encoding) | Output::Archive(encoding) if encoding.format == Format::TiffLinear)
}

fn preset_says(preset: &Preset, message: String) -> Phrase {
    say![format!("the preset {} {message}", preset.name)]
}

/// The rule's requirement, if a picture of this size breaks it. A trimmed picture has at most this size.
fn broken_by_size(rule: &Rule, [width_px, height_px]: [u32; 2], is_trimmed: bool) -> Option<String> {
    let longer_px = width_px.max(height_px);
    match *rule {
        Rule::LongerSidePx { min, max } => {
            let is_broken = longer_px < min || (longer_px > max && !is_trimmed);
            is_broken.then(|| format!("{min} to {max} pixels along the longer side"))
        }
        Rule::ShorterSideMinPx(min) => {
            (width_px.min(height_px) < min).then(|| format!("at least {min} pixels along each side"))
        }
        Rule::PixelsMax(max) => {
            let n = u64::from(width_px) * u64::from(height_px);
            (n > max && !is_trimmed).then(|| format!("{max} pixels at most"))
        }
        Rule::Square => (width_px != height_px && !is_trimmed).then(|| "a square".to_owned()),
        Rule::Fill { .. }
        | Rule::LeastMarginPx { .. }
        | Rule::EachMarginPx { .. }
        | Rule::WhiteCorners
        | Rule::NoResidue
        | Rule::FileBytesMax(_)
        | Rule::Dpi(_)
        | Rule::PlainTiff => None,
    }
}

/// Checks how the turntable turns.
fn check_turn(base: &Base, plan: &PicturePlan, preset: &Preset, broken: &mut impl FnMut(O, String)) {
    let (Series::Turntable { turntable, .. }, Some(spin)) = (plan.series(), &preset.spin) else { return };
    let frames = turntable.frames / base.stride.max(1);
    if !spin.frames.contains(&frames) {
        let known: Vec<String> = spin.frames.iter().map(u32::to_string).collect();
        broken(O::FrameCount, format!("requires {} frames, and there are {frames}", known.join(" or ")));
    }
    if let Some(direction) = spin.direction {
        if turntable.direction != direction {
            let word = |direction: TurnDirection| direction.word();
            broken(O::Direction, format!("requires `{}`", word(direction)));
        }
        if turntable.start_deg.rem_euclid(360.0) != 0.0 {
            broken(O::StartDeg, "requires a first frame from the front".to_owned());
        }
    }
    if let Some([min, max]) = spin.elevation_deg {
        match plan.direction() {
            Some(direction) if (min..=max).contains(&direction.elevation_deg) => {}
            Some(direction) => {
                let message = format!(
                    "requires a camera {min}° to {max}° above the horizon, and it is at {}°",
                    direction.elevation_deg
                );
                let id = if plan.options.view.is_some() { O::View } else { O::ElevationDeg };
                broken(id, message);
            }
            None => broken(
                O::Camera,
                format!("requires a camera {min}° to {max}° above the horizon, not a camera of the file"),
            ),
        }
    }
}
