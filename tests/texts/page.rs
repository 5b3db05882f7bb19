//! The page of all error codes.

use crate::{Text, Texts};

/// Begins the page.
const HEAD: &str = "\
# Error codes

Every code with a text that Packshot gives, and its way out. Those that no test can provoke are quoted from the sources,
where `{…}` is what the program fills in. The command prints an error as

```text
EXAMPLE
```

and ends with the exit code in the second column. The service answers with
[a problem](https://www.rfc-editor.org/rfc/rfc9457) with code, message and way out (`code`, `detail`, `help`), and the
status in the second column; `packshot client` prints its codes with `service.` before them. Oddities of a product that
do not stop the render are [findings](diagnostics.md).

This page is written by the test that holds it against the program: `UPDATE_TEXTS=1 cargo test --test texts`.
";

/// Headings, with what their codes begin with, or are.
const SECTIONS: [(&str, &str, &[&str]); 14] = [
    ("Usage", "Exit", &["usage."]),
    ("Products", "Exit", &["glb."]),
    ("Materials", "Exit", &["map.", "library.", "unmapped_parts"]),
    (
        "Designs",
        "Exit",
        &[
            "design.",
            "unsupported_design_format",
            "design_too_small",
            "design_unreadable",
            "design_animated",
            "design_colour_unsupported",
            "design_empty",
            "design_svg_refused",
            "printable_area_not_found",
            "printable_area_ambiguous",
            "printable_area_required",
            "printable_area_not_mappable",
            "area_does_not_wrap",
            "placement_invalid",
            "placement_clipped",
            "placement_outside_area",
        ],
    ),
    ("Shots and templates", "Exit", &["shot.", "template."]),
    ("Environment maps and colour tables", "Exit", &["env.", "lut."]),
    ("Devices and denoisers", "Exit", &["device.", "denoise."]),
    ("Files that are written", "Exit", &["output.", "encode.", "preset.", "cancelled", "internal"]),
    ("Starting the service", "Exit", &["config.", "serve."]),
    ("The client", "Exit", &["client.", "service.", "request.", "sheet."]),
    ("Administration", "Exit", &["admin."]),
    ("Answers of the service", "Status", &[]),
    ("Jobs that fail", "State", &[]),
    ("Findings", "Severity", &[]),
];

/// The whole page.
pub(crate) fn of(texts: &Texts) -> String {
    let Text { code, message, at, help, .. } = &texts["glb.truncated"];
    let mut page = HEAD.replace("EXAMPLE", &format!("error[{code}]: {message}\n  at: {at}\n  help: {help}"));
    for (heading, ends_with, prefixes) in SECTIONS {
        let rows: Vec<&Text> = texts.values().filter(|text| section_of(text) == (ends_with, prefixes)).collect();
        if rows.is_empty() {
            continue;
        }
        page += &format!("\n## {heading}\n\n");
        match ends_with {
            "State" => {
                page += "What each means, and whether it is tried again, is in [the limits](service-limits.md#why-jobs-fail).\n\n"
            }
            "Severity" => {
                page += "What each means, and what to do about it, is on [their own page](diagnostics.md).\n\n"
            }
            _ => {}
        }
        let has_way_out = !["State", "Severity"].contains(&ends_with);
        page += &match has_way_out {
            true => format!("| Code | {ends_with} | For example | What to do |\n|---|---|---|---|\n"),
            false => format!("| Code | {ends_with} | For example |\n|---|---|---|\n"),
        };
        rows.iter().for_each(|text| page += &row(text, has_way_out));
    }
    page
}

fn section_of(text: &Text) -> (&'static str, &'static [&'static str]) {
    if text.is_finding() {
        return ("Severity", &[]);
    }
    let is_of = |prefix: &&str| match prefix.ends_with('.') {
        true => text.code.starts_with(*prefix),
        false => text.code == **prefix,
    };
    let of_exit = SECTIONS.iter().find(|(_, _, prefixes)| prefixes.iter().any(is_of));
    match (of_exit, text.ends_with.as_str()) {
        (Some((_, ends_with, prefixes)), _) => (ends_with, prefixes),
        (None, "failed") => ("State", &[]),
        (None, _) => ("Status", &[]),
    }
}

fn row(text: &Text, has_way_out: bool) -> String {
    // Within backticks nothing is escaped but the bar.
    let escaped = |(i, part): (usize, &str)| match i % 2 {
        0 => part.replace('|', "\\|").replace('<', "\\<").replace('*', "\\*"),
        _ => part.replace('|', "\\|"),
    };
    let cell = |text: &str| text.split('`').enumerate().map(escaped).collect::<Vec<_>>().join("`");
    let at = if text.at.is_empty() { String::new() } else { format!(" (at `{}`)", text.at.replace('|', "\\|")) };
    let way_out = if has_way_out { format!(" {} |", cell(&text.help)) } else { String::new() };
    format!("| `{}` | {} | {}{at} |{way_out}\n", text.code, text.ends_with, cell(&text.message))
}
