//! Wrong usage as the argument parser sees it, in the shape and the words that all errors have.

use std::error::Error as _;
use std::ffi::{OsStr, OsString};
use std::num::ParseIntError;
use std::path::Path;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use packshot::error::Fault;
use packshot::plan::{Names, OptionId};

use super::failure::{Exit, Failure};
use super::table::CommandNames;

/// What other programs call an option, and the options that it is here.
const OTHER_NAMES: [(&str, &[&str]); 5] = [
    ("version", &["--version"]),
    ("--host", &["--listen"]),
    ("--port", &["--listen"]),
    ("--map", &["--material-map"]),
    ("--resolution", &["--width", "--height"]),
];

/// What the parser complains about, of these arguments to the command.
pub(crate) fn failure(error: &clap::Error, mut command: Command, arguments: &[OsString]) -> Failure {
    command.build();
    let used = used(&command, arguments);
    let place = place(error, used, arguments);
    if let Some((option, value)) = not_a_number(&place, used, arguments) {
        let message = format!("invalid value `{value}` for `{option}`: expected a number");
        return Failure::new(
            Exit::Usage,
            Fault::new("usage.invalid_value", message).help(what_to_read(used)).at(option),
        );
    }
    let fault = Fault::new(code(error.kind()), message(error, &place)).help(help(error, &place, used, arguments));
    Failure::new(Exit::Usage, fault.at(place))
}

/// The command, or group of commands, that the arguments are for.
fn used<'c>(command: &'c Command, arguments: &[OsString]) -> &'c Command {
    let is_name =
        |argument: &&OsString| !argument.as_encoded_bytes().starts_with(b"-") && argument.as_os_str() != "help";
    let mut used = command;
    for name in arguments.iter().skip(1).filter(is_name) {
        let Some(found) = used.find_subcommand(name) else { break };
        used = found;
    }
    used
}

/// The argument that was read as this short option, and is more likely the name of a file.
fn file<'a>(option: &str, arguments: &'a [OsString]) -> Option<&'a str> {
    if option.len() != 2 || !option.starts_with('-') {
        return None;
    }
    let has_extension = |(_, extension): (&str, &str)| extension.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_file =
        |argument: &&str| argument.starts_with(option) && argument.rsplit_once('.').is_some_and(has_extension);
    arguments.iter().filter_map(|argument| argument.to_str()).find(is_file)
}

/// The option before the argument that was read as this short option, and the argument: `-1.5x` after one that takes
/// numbers is a mistyped number.
fn not_a_number<'a>(option: &str, used: &Command, arguments: &'a [OsString]) -> Option<(String, &'a str)> {
    let takes_numbers = |name: &&str| {
        let of_name =
            used.get_arguments().find(|arg| arg.get_long().is_some() && name.strip_prefix("--") == arg.get_long());
        of_name.is_some_and(clap::Arg::is_allow_negative_numbers_set)
    };
    if !option
        .strip_prefix('-')
        .is_some_and(|digit| digit.starts_with(|first: char| first.is_ascii_digit() || first == '.'))
    {
        return None;
    }
    arguments.windows(2).find_map(|pair| {
        let (before, argument) = (pair[0].to_str()?, pair[1].to_str()?);
        let is_wrong = argument.starts_with(option) && argument.parse::<f64>().is_err();
        (is_wrong && takes_numbers(&before)).then(|| (before.to_owned(), argument))
    })
}

/// Whether an option is among the arguments.
fn is_given(option: &str, arguments: &[OsString]) -> bool {
    let is_it = |argument: &OsString| {
        let argument = argument.as_encoded_bytes();
        argument.strip_prefix(option.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"="))
    };
    arguments.iter().any(is_it)
}

/// An option, or the variable that its value was taken from.
pub(crate) fn option_or_variable(option: &'static str, variable: &'static str) -> &'static str {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let is_variable = !is_given(option, &arguments) && std::env::var_os(variable).is_some();
    if is_variable { variable } else { option }
}

fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UnknownArgument => "usage.unknown_option",
        ErrorKind::InvalidSubcommand => "usage.unknown_command",
        ErrorKind::ArgumentConflict => "usage.conflict",
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "usage.missing",
        _ => "usage.invalid_value",
    }
}

/// What is wrong, worded as the errors of the table of options are.
fn message(error: &clap::Error, place: &str) -> String {
    let value = all(error, ContextKind::InvalidValue).join(" ");
    let others = names(error, ContextKind::PriorArg);
    match error.kind() {
        // The parser's own text is the help.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing".to_owned(),
        ErrorKind::InvalidSubcommand => format!("there is no command `{place}`"),
        ErrorKind::UnknownArgument if place.starts_with('-') => format!("this command has no option `{place}`"),
        ErrorKind::UnknownArgument => format!("unexpected argument `{place}`"),
        ErrorKind::MissingRequiredArgument => {
            let missing = names(error, ContextKind::InvalidArg);
            format!("`{}` {} missing", missing.join("` and `"), if missing.len() > 1 { "are" } else { "is" })
        }
        ErrorKind::ArgumentConflict if others.iter().any(|other| other == place) => {
            format!("`{place}` is given more than once")
        }
        ErrorKind::ArgumentConflict if !others.is_empty() => {
            format!("`{place}` cannot be combined with `{}`", others.join("` and `"))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("`{place}` needs a value"),
        ErrorKind::InvalidValue => format!("invalid value `{value}` for `{place}`"),
        ErrorKind::ValueValidation => format!("invalid value `{value}` for `{place}`: {}", expected(error)),
        _ => as_parsed(error),
    }
}

/// The first paragraph of the parser's text, on one line.
fn as_parsed(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let joined = lines.collect::<Vec<_>>().join(" ");
    joined.strip_prefix("error: ").unwrap_or(&joined).to_owned()
}

/// What an option takes. Of numbers the parser says what its own types lack.
fn expected(error: &clap::Error) -> String {
    let Some(why) = error.source() else { return String::new() };
    if why.is::<ParseIntError>() {
        return "expected a whole number".to_owned();
    }
    let text = why.to_string();
    let Some((_, range)) = text.rsplit_once(" is not in ") else { return text };
    match (range.split_once("..="), range.split_once("..")) {
        (Some((min, max)), _) => format!("expected a whole number from {min} to {max}"),
        (None, Some((min, _))) => format!("expected a whole number of at least {min}"),
        (None, None) => text,
    }
}

/// What it is about: an option, an argument, a command, or the variable that an option's value comes from.
fn place(error: &clap::Error, used: &Command, arguments: &[OsString]) -> String {
    let kinds = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand];
    let place = kinds.iter().find_map(|kind| names(error, *kind).into_iter().next()).unwrap_or_default();
    if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) || is_given(&place, arguments) {
        return place;
    }
    let option =
        used.get_arguments().find(|arg| arg.get_long().is_some() && arg.get_long() == place.strip_prefix("--"));
    let variable = option.and_then(|option| option.get_env()).map(OsStr::to_string_lossy);
    variable.map_or(place, |variable| variable.into_owned())
}

fn help(error: &clap::Error, place: &str, used: &Command, arguments: &[OsString]) -> String {
    if let Some(file) = file(place, arguments).filter(|_| error.kind() == ErrorKind::UnknownArgument) {
        return format!("a file whose name begins with `-` is given as `./{file}`");
    }
    if let Some(option) = of_request(place).filter(|_| error.kind() == ErrorKind::UnknownArgument) {
        return format!("did you mean `{option}`?");
    }
    if let Some(meant) = meant(error, place, used) {
        return format!("did you mean {meant}?");
    }
    let words = all(error, ContextKind::ValidValue);
    match error.kind() {
        _ if !words.is_empty() => format!("one of {}", words.join(", ")),
        ErrorKind::ArgumentConflict => "leave out one of them".to_owned(),
        ErrorKind::InvalidSubcommand if is_product(place) && used.get_name() == "map" => {
            format!("`packshot map init` makes a map for a file: `packshot map init {place} -o map.json`")
        }
        ErrorKind::UnknownArgument if is_product(place) && takes_a_product(used) => {
            "this command takes one product; `packshot render` takes several".to_owned()
        }
        ErrorKind::MissingRequiredArgument if place == "<INPUT>" => {
            "give a .glb file, such as the one that `packshot sample bearing -o bearing.glb` writes".to_owned()
        }
        _ => what_to_read(used),
    }
}

/// Whether the command's own argument is a product.
fn takes_a_product(used: &Command) -> bool {
    let is_input =
        |arg: &clap::Arg| arg.get_value_names().is_some_and(|names| names.iter().any(|name| name == "INPUT"));
    used.get_positionals().any(is_input)
}

/// Whether a word looks like the name of a product's file.
fn is_product(word: &str) -> bool {
    let extension = Path::new(word).extension().map(OsStr::to_ascii_lowercase);
    extension.is_some_and(|extension| extension == "glb" || extension == "gltf")
}

/// The help of the command, or group of commands, that was used.
fn what_to_read(used: &Command) -> String {
    // Where the parser has names for all commands, only the first has none of its own.
    match used.get_bin_name().filter(|name| name.contains(' ')) {
        Some(group) if used.has_subcommands() => format!("`{group} --help` lists its commands"),
        Some(command) => format!("`{command} --help` lists its options"),
        None => "`packshot --help` lists the commands, `packshot COMMAND --help` their options".to_owned(),
    }
}

/// The visible command, option or value that was meant, in the quotes that it has in a message.
fn meant(error: &clap::Error, place: &str, used: &Command) -> Option<String> {
    let shown = used.get_arguments().filter(|arg| !arg.is_hide_set());
    let options: Vec<String> = shown.filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")).collect();
    let is_option = place.starts_with('-');
    let (word, mut known) = match error.kind() {
        ErrorKind::UnknownArgument if is_option => (place.to_owned(), options.clone()),
        ErrorKind::InvalidSubcommand => {
            let commands = used.get_subcommands().filter(|command| !command.is_hide_set());
            (place.to_owned(), commands.map(|command| command.get_name().to_owned()).collect())
        }
        ErrorKind::InvalidValue => {
            let word = all(error, ContextKind::InvalidValue).join(" ");
            let values = all(error, ContextKind::ValidValue);
            let begun = packshot_words::begun(&word, values.iter().map(String::as_str));
            if (2..=4).contains(&begun.len()) {
                return Some(alternatives(&begun));
            }
            let near = packshot_words::mistyped(&word, values.iter().map(String::as_str));
            return near.map(|near| format!("`{near}`"));
        }
        _ => return None,
    };
    let is_here = |here: &[&str]| here.iter().all(|option| options.iter().any(|known| known == option));
    let others = OTHER_NAMES.iter().filter(|(other, here)| other.starts_with('-') == is_option && is_here(here));
    known.extend(others.map(|(other, _)| (*other).to_owned()));
    let Some(near) = packshot_words::mistyped(&word, known.iter().map(String::as_str)) else {
        return is_option.then(|| about(&word, used)).flatten();
    };
    match OTHER_NAMES.iter().find(|(other, _)| *other == near) {
        Some((_, here)) => Some(format!("`{}`", here.join("` and `"))),
        None => Some(format!("`{near}`")),
    }
}

/// The options whose name has this one's as a part: of `--color`, `--line-color`, and all others that take a colour.
fn about(option: &str, used: &Command) -> Option<String> {
    let wanted = option.trim_start_matches('-').to_lowercase().replace("colour", "color");
    let is_it = |arg: &&clap::Arg| {
        let values = arg.get_value_names().unwrap_or_default();
        arg.get_long().is_some_and(|long| long.split('-').any(|part| part == wanted))
            || wanted == "color" && values.iter().any(|value| value == "COLOR")
    };
    let shown = used.get_arguments().filter(|arg| !arg.is_hide_set());
    let found: Vec<String> =
        shown.filter(is_it).filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")).collect();
    let is_few = (1..=4).contains(&found.len());
    is_few.then(|| alternatives(&found.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// ``a`, `b` or `c``, of one or more.
fn alternatives(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

/// The option that requests call so, under its name here.
fn of_request(option: &str) -> Option<String> {
    let id = OptionId::by_name(&option.trim_start_matches('-').replace('-', "_"))?;
    Some(CommandNames.option(id)).filter(|known| known != option)
}

/// What the parser says of an error, under a heading.
fn all(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// The same, of options and arguments: by their names alone, as all errors have them.
fn names(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    let name = |text: &String| {
        if text.starts_with('-') {
            return text.split([' ', '=', '[']).next().unwrap_or(text).to_owned();
        }
        let text = text.trim_end_matches("...");
        match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            Some(inner) => format!("<{inner}>"),
            None => text.to_owned(),
        }
    };
    all(error, kind).iter().map(name).collect()
}
