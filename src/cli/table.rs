//! The options of pictures as arguments: made of the table that all surfaces share, and read back into options.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use packshot::error::Fault;
use packshot::plan::option::Default as Otherwise;
use packshot::plan::words::{Light, ViewChoice};
use packshot::plan::{Group, Kind, Names, OptionId, OptionSpec, Options, TABLE, Takes};
use packshot_words::Word as _;

use super::failure::{Exit, Failure};

/// How the command names options.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandNames;

impl Names for CommandNames {
    fn option(&self, id: OptionId) -> String {
        format!("--{}", id.spec().command_name())
    }

    fn with(&self, id: OptionId, value: &str) -> String {
        format!("{} {value}", self.option(id))
    }

    fn kind(&self, kind: Kind) -> String {
        let command = match kind {
            Kind::Still => "render",
            Kind::Turntable => "turntable",
            Kind::Views => "views",
        };
        format!("packshot {command}")
    }
}

/// How it names them where the name of a file says the format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileNames;

impl Names for FileNames {
    fn option(&self, id: OptionId) -> String {
        if id == OptionId::Formats { "-o".to_owned() } else { CommandNames.option(id) }
    }

    fn with(&self, id: OptionId, value: &str) -> String {
        if id == OptionId::Formats { format!("-o NAME.{value}") } else { CommandNames.with(id, value) }
    }

    fn kind(&self, kind: Kind) -> String {
        CommandNames.kind(kind)
    }
}

/// All options of pictures, as they were given.
#[derive(Clone, Debug, Default)]
pub(crate) struct PictureOptions(Given);

/// The options about a product and its materials, as they were given.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProductOptions(Given);

/// The texts that stand behind each option that was given.
#[derive(Clone, Debug, Default)]
struct Given(Vec<(OptionId, Vec<OsString>)>);

/// The options of a command line, and the files that some of them name.
#[derive(Clone, Debug, Default)]
pub(crate) struct GivenOptions {
    /// The options.
    pub(crate) options: Options,
    /// The template, by name or as a file.
    pub(crate) template: Option<PathBuf>,
    /// The environment map.
    pub(crate) light: Option<PathBuf>,
    /// The map of materials.
    pub(crate) material_map: Option<PathBuf>,
    /// Folders of material libraries.
    pub(crate) libraries: Vec<PathBuf>,
}

impl PictureOptions {
    /// The options of a kind of renders.
    ///
    /// # Errors
    /// Every value that an option does not take.
    pub(crate) fn read(&self, kind: Kind) -> Result<GivenOptions, Failure> {
        self.0.read(kind)
    }

    /// Those that were given.
    pub(crate) fn ids(&self) -> impl Iterator<Item = OptionId> {
        self.0.0.iter().map(|(id, _)| *id)
    }

    /// Hides options of other kinds from a command's help.
    pub(crate) fn hide_others(mut command: Command, kind: Kind) -> Command {
        for spec in TABLE.iter().filter(|spec| !spec.is_of(kind)) {
            // Views have the single names beside the sets.
            let is_shown = kind == Kind::Views && spec.id == OptionId::View;
            command = command.mut_arg(spec.name, |arg| arg.hide(!is_shown));
        }
        command
    }
}

impl ProductOptions {
    /// The options.
    ///
    /// # Errors
    /// Every value that an option does not take.
    pub(crate) fn read(&self) -> Result<GivenOptions, Failure> {
        self.0.read(Kind::Still)
    }
}

fn is_of_product(spec: &OptionSpec) -> bool {
    matches!(spec.group, Group::Product | Group::Materials)
}

impl Given {
    fn of(matches: &ArgMatches, is_wanted: fn(&OptionSpec) -> bool) -> Self {
        let given = |spec: &OptionSpec| {
            let texts = matches.get_many::<OsString>(spec.name)?;
            Some((spec.id, texts.cloned().collect()))
        };
        Self(TABLE.iter().filter(|spec| is_wanted(spec)).filter_map(given).collect())
    }

    fn read(&self, kind: Kind) -> Result<GivenOptions, Failure> {
        let (mut given, mut faults) = (GivenOptions::default(), Vec::new());
        for (id, texts) in &self.0 {
            let last = || texts.last().map(PathBuf::from);
            let texts: Vec<&OsStr> = texts.iter().map(OsString::as_os_str).collect();
            match id {
                OptionId::Template => given.template = last(),
                OptionId::Materials => {
                    given.material_map = last();
                    continue;
                }
                OptionId::Library => given.libraries = texts.iter().map(PathBuf::from).collect(),
                OptionId::Light if last().is_some_and(|path| is_map(&path)) => {
                    given.light = last();
                    given.options.light = Some(Light::Environment);
                    continue;
                }
                // The names of single views stand beside those of sets.
                OptionId::View | OptionId::Views if kind == Kind::Views => {
                    // What stands behind the other of both is there already, and right.
                    let before = given.options.views.take();
                    faults.extend(set(&mut given.options, OptionId::Views, &texts).into_iter().map(|fault| {
                        let (set, own) = (CommandNames.option(OptionId::Views), CommandNames.option(*id));
                        Fault { message: fault.message.replace(&set, &own), at: own, ..fault }
                    }));
                    if let (Some(before), Some(views)) = (before, &mut given.options.views) {
                        views.0.splice(0..0, before.0);
                    }
                    continue;
                }
                _ => {}
            }
            faults.extend(set(&mut given.options, *id, &texts));
        }
        if faults.is_empty() { Ok(given) } else { Err(Failure { exit: Exit::Usage, faults }) }
    }
}

/// Whether a light is a file of an environment map.
fn is_map(path: &std::path::Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| extension == "hdr" || extension == "exr")
}

/// What `--light` takes on a command line.
const LIGHTS: &str = "studio_soft, studio_contrast, three_point, white, glb (the file's own lights), template (the light \
                      of `--template`), or a file: an equirectangular map that ends in .hdr or .exr";

/// Those of them that are words.
const LIGHT_WORDS: [&str; 6] = ["studio_soft", "studio_contrast", "three_point", "white", "glb", "template"];

/// The way out where other options, or another command, take what was given.
fn way_out(id: OptionId, texts: &[&OsStr]) -> String {
    let [text] = texts else { return String::new() };
    let text = text.to_string_lossy();
    let is_several = |text: &str| text.split(',').all(|word| ViewChoice::by_word(word.trim()).is_some());
    match id {
        OptionId::View if is_several(&text) => {
            let names: Vec<&str> = text.split(',').map(str::trim).collect();
            format!(
                "one picture for each of several views is made by `packshot views` with `--set {}`",
                names.join(",")
            )
        }
        _ => String::new(),
    }
}

/// Gives an option the value of its texts, or says what is wrong with them.
fn set(options: &mut Options, id: OptionId, texts: &[&OsStr]) -> Vec<Fault> {
    let option = CommandNames.option(id);
    let fault =
        |message: String| Fault::new("usage.invalid_value", message).help(way_out(id, texts)).at(option.clone());
    let lossy = texts.iter().map(|text| text.to_string_lossy()).collect::<Vec<_>>();
    let plain: Vec<&str> = lossy.iter().map(|text| &**text).collect();
    if id != OptionId::Library && texts.iter().any(|text| text.to_str().is_none()) {
        return vec![fault(format!("{} is not valid Unicode text", lossy.join(" ")))];
    }
    let Err(wrong) = options.set_texts(id, &plain) else { return Vec::new() };
    // Only on a command line is a light also the name of a file.
    let lights = || match packshot_words::nearest(&plain.join(","), LIGHT_WORDS) {
        Some(near) => format!("expected {LIGHTS}; did you mean `{near}`?"),
        None => format!("expected {LIGHTS}"),
    };
    let message = |expected: &str| {
        let expected = if id == OptionId::Light { lights() } else { expected.to_owned() };
        format!("invalid value `{}` for `{option}`: {expected}", plain.join(","))
    };
    wrong.0.iter().map(|place| fault(message(&place.message))).collect()
}

macro_rules! args_of_table {
    ($($name:ident: $is_wanted:expr;)+) => { $(
        impl Args for $name {
            fn augment_args(command: Command) -> Command {
                TABLE.iter().filter(|spec| $is_wanted(spec)).fold(command, |command, spec| command.arg(arg(spec)))
            }

            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }

        impl FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self(Given::of(matches, |spec| $is_wanted(spec))))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    )+ };
}

args_of_table! {
    PictureOptions: |_: &OptionSpec| true;
    ProductOptions: is_of_product;
}

/// An option as an argument.
fn arg(spec: &'static OptionSpec) -> Arg {
    let arg = Arg::new(spec.name).long(spec.command_name()).help(help(spec)).value_parser(OsStringValueParser::new());
    let arg = match heading(spec.group) {
        Some(heading) => arg.help_heading(heading),
        None => arg,
    };
    let named = |arg: Arg, name: &'static str| arg.value_name(name);
    match (spec.id, &spec.takes) {
        (OptionId::Template, _) => named(arg, "NAME|FILE"),
        (OptionId::Light, _) => named(arg, "NAME|FILE"),
        (OptionId::Materials, _) => named(arg, "FILE"),
        (OptionId::Library, _) => named(arg, "DIR").action(ArgAction::Append),
        (OptionId::Device, _) => named(arg, "WHICH").env("PACKSHOT_DEVICE"),
        (OptionId::View, _) => named(arg, "NAME").action(ArgAction::Append),
        (OptionId::Material, _) => named(arg, "PART=MATERIAL").action(ArgAction::Append),
        (_, Takes::Flag) => {
            let arg = arg.num_args(0..=1).require_equals(true).default_missing_value("true").hide_possible_values(true);
            named(arg, "true|false")
        }
        (_, Takes::Whole { .. } | Takes::OneOf(_)) => {
            named(arg, unit_name(spec.unit).unwrap_or("N")).allow_negative_numbers(true)
        }
        (_, Takes::Real { .. } | Takes::Positive { .. }) => {
            named(arg, unit_name(spec.unit).unwrap_or("X")).allow_negative_numbers(true)
        }
        (_, Takes::Three { .. }) => named(arg, "X,Y,Z").allow_hyphen_values(true),
        (_, Takes::Word(words)) => {
            let values = words().into_iter().map(|(word, meaning)| PossibleValue::new(word).help(meaning));
            named(arg, "NAME").value_parser(PossibleValuesParser::new(values).map(OsString::from))
        }
        (_, Takes::Words { .. }) => named(arg, "LIST").action(ArgAction::Append),
        (_, Takes::Texts { .. }) => named(arg, "PART").action(ArgAction::Append),
        (_, Takes::Form { .. }) => named(arg, "COLOR"),
        (_, Takes::Text { .. } | Takes::Materials) => named(arg, "NAME"),
    }
}

fn unit_name(unit: Option<&'static str>) -> Option<&'static str> {
    Some(match unit? {
        "px" => "PX",
        "deg" => "DEG",
        "s" => "S",
        "mm" => "MM",
        "EV" => "EV",
        _ => return None,
    })
}

/// One line for a person.
fn help(spec: &OptionSpec) -> String {
    let mut text = spec.help.to_owned();
    match spec.id {
        OptionId::Template => text.push_str(" (`packshot template list`) or a .toml file"),
        OptionId::Light => {
            text.push_str(&format!(": {LIGHTS}"));
        }
        // In requests it is an object, on a command line a file.
        OptionId::Materials => {
            text = "Which part gets which material: a JSON file, as `packshot map init` writes it".to_owned();
        }
        OptionId::View => text.push_str(": front, right, back, left, top, bottom or three_quarter"),
        OptionId::Library => text.push_str(" (each a folder of TOML files)"),
        OptionId::Formats => text.push_str(
            " where no file name says it: png, exr, jpg, webp, avif, tiff; several with commas, into a folder",
        ),
        OptionId::Device => text.push_str(" (`packshot devices` lists them)"),
        OptionId::Only | OptionId::Hide | OptionId::CropTo | OptionId::Material => text.push_str(" (repeatable)"),
        _ => {
            if let Takes::Words { list, .. } = &spec.takes {
                let words: Vec<&str> = list().into_iter().map(|(word, _)| word).collect();
                text.push_str(&format!(": {}", words.join(", ")));
            }
        }
    }
    match spec.default {
        Otherwise::None | Otherwise::Is("false") => {}
        Otherwise::Is(value) | Otherwise::Follows(value) => text.push_str(&format!(" [default: {value}]")),
    }
    text
}

/// Under what a help text lists it.
fn heading(group: Group) -> Option<&'static str> {
    Some(match group {
        Group::Picture => return None,
        Group::Product => "Product",
        Group::Camera => "Camera",
        Group::Turntable => "Turntable",
        Group::Sampling => "Size and sampling",
        Group::Light => "Light",
        Group::Ground => "Ground",
        Group::Lines => "Lines",
        Group::Materials => "Materials",
        Group::Output => "Output",
        Group::Device => "Device",
    })
}

/// What a place in a library's error is called on a command line.
pub(crate) fn place(at: &str) -> String {
    let Some((name, rest)) = packshot_renderer::diagnostic::option_of_place(at) else { return at.to_owned() };
    let option =
        OptionId::by_name(name).map_or_else(|| format!("--{}", name.replace('_', "-")), |id| CommandNames.option(id));
    format!("{option}{rest}")
}

#[cfg(all(test, feature = "service"))]
mod tests;
