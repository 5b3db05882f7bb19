//! Which codes the sources have, and which of them need no way out.

use std::collections::BTreeSet;

use crate::Text;
use crate::sources::Source;

/// What codes with a dot begin with.
const PREFIXES: [&str; 25] = [
    "admin", "bench", "request", "client", "config", "denoise", "device", "encode", "env", "glb", "library", "lut",
    "map", "output", "preset", "serve", "service", "sheet", "shot", "spec", "template", "usage", "movie", "kit",
    "verify",
];
/// Of these, what is a file's name, or an action in the audit log.
const OTHERS: [&str; 6] =
    ["movie.partial", "shot.json", "library.toml", "lut.cube", "library.changed", "template.changed"];
/// Codes that nobody reads: what is cancelled says `cancelled`, no library is refused without a finding, and a movie
/// that cannot be written is `output.not_written`.
const INSIDE: [&str; 3] = ["denoise.cancelled", "library.invalid", "encode.write"];
/// Files that each kind of input may have too many bytes for, or that may not be there.
const INPUTS: [&str; 10] = ["design", "glb", "map", "library", "shot", "env", "lut", "template", "request", "sheet"];

fn is_code(text: &str) -> bool {
    let Some((prefix, name)) = text.split_once('.') else { return false };
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    PREFIXES.contains(&prefix) && is_name && !OTHERS.contains(&text) && !INSIDE.contains(&text)
}

/// The string literals of a line.
fn literals(line: &str) -> impl Iterator<Item = &str> {
    let is_comment = line.trim_start().starts_with("//");
    line.split('"').skip(1).step_by(2).filter(move |_| !is_comment)
}

/// The first literal after each occurrence of `call`.
fn after<'a>(source: &'a Source, call: &'static str) -> impl Iterator<Item = &'a str> {
    let rest = source.text.split(call).skip(1);
    rest.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
}

/// Every code of an error.
pub(crate) fn of(sources: &[Source]) -> BTreeSet<String> {
    let mut codes: BTreeSet<String> = BTreeSet::new();
    for source in sources {
        codes.extend(source.text.lines().flat_map(literals).filter(|text| is_code(text)).map(str::to_owned));
        codes.extend(after(source, "Failure::usage(").map(|code| format!("usage.{code}")));
        codes.extend(after(source, "Failure::infrastructure(").map(str::to_owned));
        codes.extend(after(source, "FaultKind::Input,").map(str::to_owned));
        if ["renderer/src/", "pipeline/src/", "materials/src/"].iter().any(|folder| source.path.starts_with(folder)) {
            let made = [
                ".add(",
                ".add_once(",
                "code: ",
                "Severity::Info,",
                "Severity::Warning,",
                "add(Severity::Info,",
                "finding(",
            ];
            let found = made.into_iter().flat_map(|call| after(source, call));
            codes.extend(found.filter(|code| !code.is_empty() && !code.contains(' ')).map(str::to_owned));
        }
        if source.path == "service/src/admin.rs" {
            let is_word = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            codes.extend(after(source, "(").filter(is_word).map(|code| format!("admin.{code}")));
        }
        if source.path == "service/worker/src/failure.rs" {
            codes.extend(after(source, "=> ").filter(|code| code.starts_with("device_")).map(str::to_owned));
        }
        // Of two enumerations, the one of errors: that of warnings is of findings.
        if ["service/src/app/code.rs", "designs/src/error.rs"].contains(&source.path.as_str()) {
            let words = source.text.lines().filter_map(|line| line.trim().split_once(" = \"")?.1.split('"').next());
            codes.extend(words.map(str::to_owned));
        }
    }
    codes.extend(INPUTS.iter().flat_map(|kind| [format!("{kind}.file_missing"), format!("{kind}.limit")]));
    assert!(codes.len() > 200, "{codes:?}");
    codes
}

/// Errors whose message is what to write instead.
const SAY_WHAT_IS_EXPECTED: [&str; 25] = [
    "env.size",
    "library.alias",
    "library.code",
    "library.missing",
    "library.range",
    "library.rule",
    "library.schema",
    "library.status",
    "library.type",
    "library.version",
    "map.missing",
    "map.range",
    "map.type",
    "shot.conflict",
    "shot.missing",
    "shot.range",
    "shot.schema",
    "shot.type",
    "shot.unknown_material",
    "shot.unsupported",
    "template.missing",
    "template.range",
    "template.schema",
    "template.type",
    "usage.invalid_value",
];

/// Whether nothing has to be done about it here: findings have their own page, and a place in a request is corrected
/// where it is.
pub(crate) fn needs_no_help(text: &Text) -> bool {
    let is_place_in_request = text.ends_with == "422" && text.at.starts_with(['/', '?']);
    let is_nothing_wrong = ["cancelled", "service.cancelled"].contains(&text.code.as_str());
    is_nothing_wrong
        || SAY_WHAT_IS_EXPECTED.contains(&text.code.as_str())
        || text.is_finding()
        || is_place_in_request
        || text.ends_with == "failed"
}
