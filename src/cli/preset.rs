//! `--preset`: what becomes of the checks of pictures that were made for a purpose.

use packshot::error::Fault;
use packshot::preset::Preset;
use packshot::taken::Taken;
use packshot::verify::{self, Check, Measurements};

use super::failure::{Exit, Failure};
use super::render::target::Target;

/// Holds a picture and its file against the preset, if there is one. What is not written is taken for a file as it
/// would be.
pub(crate) fn check(
    preset: Option<&Preset>,
    taken: &Taken,
    target: Option<&Target>,
    written: Option<&[u8]>,
) -> Result<Vec<Check>, Failure> {
    let Some(preset) = preset else { return Ok(Vec::new()) };
    let picture = target.map_or(&taken.picture, |target| taken.of(target.encoding.format));
    Ok(verify::picture(preset, &Measurements::of(picture, written)?, &extension(preset, target)))
}

/// The extension of a picture's file.
pub(crate) fn extension(preset: &Preset, target: Option<&Target>) -> String {
    let of_path = target.and_then(|target| target.path.extension());
    of_path
        .map_or_else(|| preset.extensions[0].to_owned(), |extension| extension.to_string_lossy().to_ascii_lowercase())
}

/// Fails when a rule is broken. What was made for each of `checked` is named by its text.
pub(crate) fn require_passed<'a>(
    preset: Option<&Preset>,
    checked: impl IntoIterator<Item = (String, &'a [Check])>,
) -> Result<(), Failure> {
    let Some(preset) = preset else { return Ok(()) };
    let mut faults: Vec<Fault> = Vec::new();
    let mut more: Vec<usize> = Vec::new();
    for (at, checks) in checked {
        for Check { rule, required, measured, .. } in checks.iter().filter(|check| !check.passed) {
            let what = match rule.as_str() {
                "residue_px" if measured.to_string() == "1" => {
                    "1 pixel away from the product is not white (255, 255, 255)".to_owned()
                }
                "residue_px" => format!("{measured} pixels away from the product are not white (255, 255, 255)"),
                _ => format!("{rule} is {measured}, required is {required}"),
            };
            let message = format!("the picture breaks a rule of {}: {what}", preset.name);
            // All frames of a turn may break a rule alike.
            match faults.iter().position(|fault| fault.message == message) {
                Some(known) => more[known] += 1,
                None => {
                    faults.push(Fault::new("preset.rule_broken", message).at(at.clone()).help(help(rule)));
                    more.push(0);
                }
            }
        }
    }
    for (fault, more) in faults.iter_mut().zip(more).filter(|(_, more)| *more > 0) {
        fault.at = format!("{} and {more} more", fault.at);
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure { exit: Exit::Rules, faults }) }
}

fn help(rule: &str) -> &'static str {
    match rule {
        "longer_side_px" | "shorter_side_px" | "pixels" | "square" => {
            "leave out --width and --height: the preset sets them"
        }
        "fill" | "fill_in_one_frame" | "least_margin_px" | "each_margin_px" => {
            "leave out --fill, --margin-px, --trim and --crop-to: the preset sets them"
        }
        "white_corners" | "residue_px" => {
            "leave out --background, which the preset sets, and show nothing but the product: no --ground, --lines-only or --crop-to"
        }
        "format" => "end the file's name in one of these formats",
        "dpi" => "leave out --dpi: the preset sets it",
        "tiff_compression" => "choose --bit-depth 8 or 16",
        "file_bytes" => "choose a smaller picture, or a format that compresses more",
        "frames" => "choose one of these with --frames and --stride",
        _ => "leave out the options of the camera and the turn: the preset sets them",
    }
}
