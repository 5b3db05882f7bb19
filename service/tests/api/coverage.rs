//! Every case of the contract is a test with its number in the name, or is listed in `docs/contract-cases.md` with its
//! reason.

use std::collections::BTreeSet;
use std::path::Path;

/// The last numbers of the artifact registry (A), of the conventions (C), of designs on products (D), of suggested
/// fixes (F), of media (M), of notifications (N), of products and orders (O), of render jobs (R), of tenancy (T) and of
/// workflows (W).
const LAST: [(char, u32); 10] =
    [('A', 67), ('C', 39), ('D', 71), ('F', 67), ('M', 60), ('N', 81), ('O', 68), ('R', 95), ('T', 88), ('W', 101)];

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace")
}

/// All source files below a folder.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(std::fs::read_to_string(&path).expect("text"));
        }
    }
}

/// The cases in the name of a test: `c10_c11_a_key` has two.
fn cases_of(name: &str) -> impl Iterator<Item = String> {
    let is_case = |word: &&str| {
        matches!(word.len(), 3 | 4)
            && word.starts_with(['a', 'c', 'd', 'f', 'm', 'n', 'o', 'r', 't', 'w'])
            && word[1..].bytes().all(|digit| digit.is_ascii_digit())
    };
    name.split('_').take_while(is_case).map(str::to_uppercase)
}

/// Cases in the first column of a table below a heading: `C05, C30`, or a range `R08–R10`.
fn listed(document: &str, heading: &str) -> BTreeSet<String> {
    let (_, section) = document.split_once(&format!("\n## {heading}\n")).expect("the section");
    let section = section.split("\n## ").next().expect("a section");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split('|').next());
    let words = rows.flat_map(|cell| cell.split(|c: char| !c.is_alphanumeric() && c != '–'));
    words.flat_map(expand).collect()
}

/// `R08–R10` as its three cases, `R08` as itself, any other word as nothing.
fn expand(word: &str) -> Vec<String> {
    let case = |word: &str| {
        let letter = word.chars().next().filter(|letter| "ACDFMNORTW".contains(*letter))?;
        Some((letter, word[1..].parse::<u32>().ok()?))
    };
    let (first, last) = word.split_once('–').unwrap_or((word, word));
    match (case(first), case(last)) {
        (Some((letter, from)), Some((_, to))) => (from..=to).map(|number| format!("{letter}{number:02}")).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_case_is_a_test_or_left_for_later() {
    let mut files = Vec::new();
    for folder in ["materials/src", "service", "tests/service", "designs", "tests/cli"] {
        sources(&root().join(folder), &mut files);
    }
    let names =
        files.iter().flat_map(|text| text.split("fn ").skip(1)).filter_map(|rest| rest.split(['(', '<']).next());
    let tested: BTreeSet<String> = names.flat_map(cases_of).collect();
    let document = std::fs::read_to_string(root().join("docs/contract-cases.md")).expect("readable");
    let (left, partly) = (listed(&document, "Left for later"), listed(&document, "Left in part"));
    let all = LAST.iter().flat_map(|&(letter, last)| (1..=last).map(move |number| format!("{letter}{number:02}")));
    let all: BTreeSet<String> = all.collect();
    let missing: Vec<&String> = all.iter().filter(|case| !tested.contains(*case) && !left.contains(*case)).collect();
    assert_eq!(missing, [] as [&String; 0], "neither a test nor listed");
    let both: Vec<&String> = left.iter().filter(|case| tested.contains(*case)).collect();
    assert_eq!(both, [] as [&String; 0], "listed as left, and a test");
    let untested: Vec<&String> = partly.iter().filter(|case| !tested.contains(*case)).collect();
    assert_eq!(untested, [] as [&String; 0], "listed as partly covered, but without a test");
    assert!(left.union(&partly).all(|case| all.contains(case)));
}

/// Cases of tenancy that no database decides.
const OF_NO_DATABASE: [&str; 4] = [
    "c29_t08_security_is_declared_as_it_is",
    "t07_every_permission_has_its_row",
    "t21_t27_forged_tokens_leave_no_trace",
    "t88_a_database_as_one_role_serves_one_tenant",
];

#[test]
fn t55_cases_of_tenancy_run_on_both_databases() {
    let mut files = Vec::new();
    sources(&root().join("service/tests/api"), &mut files);
    let tests = files.iter().flat_map(|text| text.split("fn ").skip(1)).filter_map(|rest| rest.split_once('('));
    let of_tenancy = tests.filter(|(name, _)| cases_of(name).any(|case| case.starts_with('T') && case != "T55"));
    // `cases!` gives each test an engine, and runs it with every one that there is.
    let once: BTreeSet<&str> =
        of_tenancy.filter(|(_, rest)| !rest.starts_with("engine")).map(|(name, _)| name).collect();
    assert_eq!(once, BTreeSet::from(OF_NO_DATABASE));
}
