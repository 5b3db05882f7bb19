//! What a picture is to be, decided once for every surface: the command, requests to the service, steps of workflows,
//! and programs that embed Packshot.
//!
//! Input: [`Options`], which contain only what was given, the [`Base`] that they build on, and [`Limits`]. Output of
//! [`resolve`]: a [`PicturePlan`], whose options are those in effect, or every [`OptionFault`]. Precedence is default <
//! look < template < preset < given. The options in effect are complete: resolving them again gives the same plan, so
//! they can be stored, and shown to the caller.

use std::sync::Arc;

use packshot_json::FaultKind;

use crate::error::{Error, ErrorKind, Fault};
use crate::preset::Preset;
use crate::template::{BUILTIN, Template};

mod camera;
mod conflicts;
mod document;
pub mod fault;
mod files;
mod ground;
mod layers;
mod light;
mod lines;
mod materials;
pub mod option;
mod rules;
mod schema;
mod series;
mod shot;
pub mod table;
pub mod value;
pub mod words;

pub use fault::{Names, OptionFault, Phrase, PlainNames};
pub use files::{Output, PlannedFile};
pub use light::LightPlan;
pub use option::{Group, Kind, OptionSpec, Takes};
pub use series::Series;
pub use table::{OptionId, Options, TABLE};

use fault::{TOO_LARGE, say};
use value::PresetName;

/// What options build on: everything that no option says.
#[derive(Clone, Debug, Default)]
pub struct Base {
    /// What is made of the product.
    pub kind: Kind,
    /// The template that the options refer to, unless it is a built-in one.
    pub template: Option<Arc<Template>>,
    /// Whether an environment map comes with the picture.
    pub has_environment: bool,
    /// For a turntable: whether frames are made as pictures, and no movie, if no format is given.
    pub makes_frames: bool,
    /// For a turntable: which frames are made, one in this many; 0 and 1 for all.
    pub stride: u32,
}

/// The limits of a surface, and its own defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Most pixels of a picture.
    pub pixels_max: u64,
    /// Most samples per pixel.
    pub samples_max: u32,
    /// Samples if not given.
    pub samples_default: u32,
    /// The device if not given.
    pub device_default: String,
}

impl Default for Limits {
    /// The limits of the command and of programs that embed Packshot.
    fn default() -> Self {
        Self {
            pixels_max: packshot_renderer::shot::MAX_PIXELS,
            samples_max: packshot_renderer::shot::MAX_SAMPLES,
            samples_default: 256,
            device_default: "auto".to_owned(),
        }
    }
}

/// What a picture, or a series of pictures, is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct PicturePlan {
    /// What is made of the product.
    pub kind: Kind,
    /// The options in effect. Those without effect on this picture, such as the lens if the camera is from the file,
    /// are not included.
    pub options: Options,
    /// The template in force.
    pub template: Option<Arc<Template>>,
    /// The files of each picture, and files of all pictures together.
    pub files: Vec<PlannedFile>,
}

impl PicturePlan {
    /// The preset in force.
    pub fn preset(&self) -> Option<&'static Preset> {
        self.options.preset.map(|PresetName(preset)| preset)
    }
}

/// Resolves options.
///
/// # Errors
/// Everything that is wrong with them, in one list.
pub fn resolve(base: &Base, given: &Options, limits: &Limits) -> Result<PicturePlan, Vec<OptionFault>> {
    let kind = base.kind;
    let mut faults = conflicts::of_given(kind, given);
    let given = &understood(given);
    let template = match (&given.template, &base.template) {
        (_, Some(template)) => Some(Arc::clone(template)),
        (Some(name), None) => builtin(name).or_else(|| {
            faults.push(unknown_template(name));
            None
        }),
        (None, None) => None,
    };
    let mut options = layers::defaults(kind, limits);
    let look = given.look.unwrap_or_default();
    options.overlay(&layers::of_look(look));
    if let Some(template) = &template {
        options.overlay(&layers::of_template(template, kind, limits));
    }
    if let Some(preset) = given.preset {
        options.overlay(&layers::of_preset(preset, kind, look));
    }
    options.overlay(given);
    camera::complete(kind, given, &mut options, &mut faults);
    light::complete(base, given, &template, &mut options, &mut faults);
    ground::complete(kind, given, &mut options, &mut faults);
    materials::complete(given, &mut options, &mut faults);
    check_size(given, &options, limits, &mut faults);
    let files = files::plan(base, given, template.as_deref(), &mut options, &mut faults);
    lines::check(&options, &files, &mut faults);
    let plan = PicturePlan { kind, options, template, files };
    rules::check(base, given, &plan, &mut faults);
    if faults.is_empty() { Ok(plan) } else { Err(faults) }
}

/// An error with everything that is wrong with options, under the names that a surface uses for them.
pub fn refused(faults: &[OptionFault], names: &dyn Names) -> Error {
    let fault = |fault: &OptionFault| {
        let code = match &fault.kind {
            FaultKind::Missing => "usage.missing",
            FaultKind::Conflict => "usage.conflict",
            FaultKind::Named(code) if code != TOO_LARGE => code,
            _ => "usage.invalid_value",
        };
        Fault::new(code, fault.message.text(names)).at(names.option(fault.option)).help(fault.help.text(names))
    };
    Error { kind: ErrorKind::Request, faults: faults.iter().map(fault).collect() }
}

/// The options, with aliases replaced.
fn understood(given: &Options) -> Options {
    let mut options = given.clone();
    if options.shadow_catcher == Some(true) {
        options.ground = Some(words::GroundWord::Shadow);
    }
    options
}

/// The built-in template with this name.
pub fn builtin(name: &str) -> Option<Arc<Template>> {
    use std::sync::OnceLock;
    static READ: [OnceLock<Option<Arc<Template>>>; BUILTIN.len()] = [const { OnceLock::new() }; BUILTIN.len()];
    let i = BUILTIN.iter().position(|(known, _)| *known == name)?;
    let read = || Template::parse(name, BUILTIN[i].1.as_bytes()).ok().map(|(template, _)| Arc::new(template));
    READ[i].get_or_init(read).clone()
}

fn unknown_template(wanted: &str) -> OptionFault {
    let names: Vec<&str> = BUILTIN.iter().map(|(name, _)| *name).collect();
    let message = say![format!("there is no built-in template `{wanted}`")];
    let help = match packshot_words::nearest(wanted, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? There are {}", names.join(", ")),
        None => format!("one of {}", names.join(", ")),
    };
    OptionFault::new(OptionId::Template, FaultKind::Word, message).help(say![help])
}

fn check_size(given: &Options, options: &Options, limits: &Limits, faults: &mut Vec<OptionFault>) {
    let (width_px, height_px) = (options.width.unwrap_or(1), options.height.unwrap_or(1));
    if u64::from(width_px) * u64::from(height_px) > limits.pixels_max {
        let id = if given.height.is_some() && given.width.is_none() { OptionId::Height } else { OptionId::Width };
        let message =
            say![format!("{width_px} x {height_px} pixels are more than the {} that are allowed", limits.pixels_max)];
        faults.push(
            OptionFault::new(id, FaultKind::Named(TOO_LARGE.to_owned()), message)
                .help(say!["choose a smaller picture"]),
        );
    }
    if options.samples.is_some_and(|samples| samples > limits.samples_max) {
        let message = say![format!("expected a whole number from 1 to {}", limits.samples_max)];
        faults.push(OptionFault::new(OptionId::Samples, FaultKind::Range, message));
    }
}

#[cfg(test)]
mod tests;
